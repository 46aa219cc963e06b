/* What source_access asks for in libgit2's terms, and its refusals in words. In the processes that talk to
 * remotes. */
#pragma once

#include "base/error.h"
#include "base/vector.h"
#include "source/access.h"
#include "source/pace.h"

#include <git2.h>
#include <stdint.h>

struct source_way {
    const char *url;
    const struct source_access *access;
    struct source_ssh *ssh;
    char *header; /* "Authorization: ..."; NULL: none */
    char *proxy;
    struct source_address *address; /* that header and proxy are for */
};

/* Reads the files of `access`; it and the URL are borrowed for the way's life, which is to be longer than
 * that of the repository. Errors as of access.h. */
int source_way_init(struct source_way *way, git_repository *repository, struct error *err);
void source_way_deinit(struct source_way *way);

/* For the options of a fetch or a push, with GIT_REMOTE_REDIRECT_NONE. */
git_proxy_options source_way_proxy(void);
git_strarray source_way_headers(struct source_way *way);

/* ERROR_DENIED: login, certificate, a redirect that leads away. ERROR_UNAVAILABLE. */
int source_way_connect(struct source_way *way, git_remote *remote, git_direction direction,
                       struct error *err);
/* "refs/heads/main" of a remote that is connected: of its HEAD where `branch` is NULL. ERROR_NOT_FOUND: that
 * has none. Caller frees. */
int source_way_branch(git_remote *remote, const char *branch, char **ret_ref, struct error *err);
/* "<what>[ by proxy <proxy>]: <libgit2's last error>", or where it was redirected to. */
int source_way_unavailable(const struct source_way *way, const char *what, struct error *err);

struct source_download {
    const struct string_vec *refspecs;
    const char *what; /* for errors: "refs/heads/main" */
    int64_t max_bytes;
    struct source_pace *pace; /* to be told; NULL: it may take as long as the process has */
};
/* From a remote that is connected. ERROR_LIMIT; as of source_way_connect(). */
int source_way_download(struct source_way *way, git_remote *remote, const struct source_download *download,
                        struct error *err);
/* ERROR_LIMIT, in words. */
int source_way_too_large(int64_t max_bytes, struct error *err);
