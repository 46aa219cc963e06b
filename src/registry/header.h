/* Headers of registries' answers, which may hold anything. Pure. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum registry_scheme {
    REGISTRY_OTHER, /* or none */
    REGISTRY_BASIC,
    REGISTRY_BEARER,
};

/* WWW-Authenticate, after RFC 9110 11.6.1 and the token specification of the distribution project. Strings
 * are owned; NULL: it does not say. */
struct registry_challenge {
    enum registry_scheme scheme;
    char *realm;
    char *service;
};

/* The first challenge. False: it is none that can be read. */
bool registry_challenge_parse(const char *header, struct registry_challenge *ret_challenge);
void registry_challenge_deinit(struct registry_challenge *challenge);

/* The target of the link with rel="next" (RFC 8288); NULL: there is none. Caller frees. */
char *registry_link_next(const char *header);

/* What a reference (RFC 3986: an absolute URL, or a path with a slash in front) means at `base`, a URL
 * without a path: *ret_base is such a URL, *ret_path what follows. ERROR_INVALID: it is neither, or not
 * http(s), or has a user, a blank or a control character. Caller frees both. */
int registry_resolve(const char *base, const char *reference, char **ret_base, char **ret_path,
                     struct error *err);

/* Seconds of a Retry-After in ms; -1: it is a date, or nothing that can be read. */
int64_t registry_retry_after_ms(const char *header);
/* Percent-encoded for a query. Caller frees. */
char *registry_encode(const char *text);
