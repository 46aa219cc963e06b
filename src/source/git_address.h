/* Holds what libgit2 asks over http(s) to one address: scheme, host and port of the first request. A redirect
 * within it is followed, to another path; one that leads away would take the password along.
 *
 * libgit2 1.5 cannot be told so. It sends its custom headers with every request, and where it is asked to
 * follow no redirects off-site it compares names of hosts but not ports (git_net_url_apply_redirect). But
 * before each request it looks in the configuration for the proxy of the request's URL (http.<url>.proxy of
 * git-config(1)). This is a part of the configuration, the one of the highest level, that answers that
 * question, or refuses the URL. */
#pragma once

#include "base/error.h"
#include "base/memory.h"

struct git_repository;
struct source_address;

/* From now on requests for `mirror` go by `proxy`, which may have a login and is borrowed; NULL: by the one
 * that git's configuration or the environment names. Is to outlive the mirror. ERROR_IO. */
int source_address_new(struct git_repository *mirror, const char *proxy, struct source_address **ret_address,
                       struct error *err);
void source_address_free(struct source_address *address);
DEFINE_CLEANUP(struct source_address, source_address_free)

/* Why the last request failed, if it was a redirect that leads away: ERROR_DENIED, with where to, and the
 * member of the configuration that may name that. Else 0. */
int source_address_why(const struct source_address *address, const char *member, struct error *err);
