/* What source_access asks for in libgit2's terms, and its refusals in words. In the processes that talk to
 * remotes. */
#pragma once

#include "base/error.h"
#include "base/vector.h"
#include "model/commit.h"
#include "source/access.h"
#include "source/pace.h"

#include <git2.h>
#include <stdbool.h>
#include <stdint.h>

struct source_way {
    const char *url;
    const struct source_access *access;
    const char *member; /* of the configuration that names the URL, for errors: "source.origin" */
    struct source_ssh *ssh;
    char *header; /* "Authorization: ..."; NULL: none */
    char *proxy;
    struct source_address *address; /* that header and proxy are for */
};

/* Reads the files of `access` and connects. URL, access and member, which are set before, are borrowed for
 * the way's life, which is to be longer than that of the repository; the remote is the caller's. Errors as of
 * access.h; ERROR_DENIED: login, certificate, a redirect that leads away. ERROR_UNAVAILABLE. */
int source_way_open(struct source_way *way, git_repository *repository, git_direction direction,
                    git_remote **ret_remote, struct error *err);
void source_way_deinit(struct source_way *way);

/* What the remote says that the ref is; empty: it is not there. */
int source_way_tip(git_remote *remote, const char *ref, char ret_oid[static COMMIT_OID_SIZE],
                   struct error *err);
/* "refs/heads/main" of a remote that is connected: of its HEAD where `branch` is NULL. ERROR_NOT_FOUND: that
 * has none. Caller frees. */
int source_way_branch(git_remote *remote, const char *branch, char **ret_ref, struct error *err);

struct source_download {
    const struct string_vec *refspecs;
    const char *what; /* for errors: "refs/heads/main" */
    int64_t max_bytes;
    struct source_pace *pace; /* to be told; NULL: it may take as long as the process has */
};
/* From a remote that is connected. ERROR_LIMIT; as of source_way_open(). */
int source_way_download(struct source_way *way, git_remote *remote, const struct source_download *download,
                        struct error *err);
/* ERROR_LIMIT, in words. */
int source_way_too_large(int64_t max_bytes, struct error *err);

struct source_upload {
    const char *ref;          /* the remote's */
    const char *from;         /* the repository's */
    bool may_replace;         /* else forward only */
    int64_t max_bytes;        /* 0: no bound; looked at twice a second */
    struct source_pace *pace; /* as of a download */
};
/* What the remote says of it. */
struct source_verdict {
    char *refusal; /* NULL: it is done */
    char *words;   /* of its hooks, for one line; with a refusal only */
};
void source_verdict_deinit(struct source_verdict *verdict);
/* To a remote that is connected to push: its ref is to be still what source_way_tip() says. *verdict begins
 * zeroed. ERROR_CONFLICT: not forward; ERROR_LIMIT; as of source_way_open(). */
int source_way_upload(struct source_way *way, git_remote *remote, const struct source_upload *upload,
                      struct source_verdict *verdict, struct error *err);
/* ERROR_DENIED, in the remote's words. */
int source_way_refused(const struct source_verdict *verdict, const char *ref, struct error *err);
