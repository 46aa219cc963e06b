/* Commits for a remote: its branches are brought into a bare repository of davit's own, commits are made
 * there (restore.h), and one branch is pushed. Blocking, without deadlines: for a process of its own that may
 * be killed at any time. https by libgit2 and ssh by its own client, as fetches go: the same login, host
 * keys, authorities, proxy, and no redirect that leads away.
 *
 *  fetched | the branch, and the one for review if there is one: here they are as there, whatever was made
 *          | here before and not pushed
 *  pushed  | one branch, to a remote on which it is still what was fetched; else ERROR_CONFLICT: it is to be
 *          | fetched and made anew. Forward only, unless it may be replaced. No other ref is written.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "source/access.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct source_remote_options {
    const char *url;
    const char *branch;    /* NULL: what the remote's HEAD points to */
    const char *directory; /* of the bare repository, which is made where there is none */
    int64_t max_bytes;     /* of a fetch */
    const struct source_access *access;
};
/* For the process: a pipe that says it, to be its standard input; neither its arguments nor its environment
 * show a URL with a password. Returns a file descriptor, the caller's. ERROR_LIMIT, ERROR_INVALID,
 * ERROR_UNAVAILABLE. */
int source_remote_order(const struct source_remote_options *options, struct error *err);

struct source_remote;

/* In the process, from that pipe. ERROR_INVALID. */
int source_remote_new(FILE *order, struct source_remote **ret_remote, struct error *err);
void source_remote_free(struct source_remote *remote); /* NULL is fine */
DEFINE_CLEANUP(struct source_remote, source_remote_free)

/* review: "image-updates", NULL: none is wanted. ERROR_NOT_FOUND: there is no such branch, or one without a
 * commit; ERROR_INVALID: it is a tag; ERROR_DENIED, ERROR_UNAVAILABLE, ERROR_LIMIT, ERROR_IO. */
int source_remote_fetch(struct source_remote *remote, const char *review, struct error *err);
/* After a fetch; borrowed. */
const char *source_remote_directory(const struct source_remote *remote);
const char *source_remote_branch(const struct source_remote *remote); /* "refs/heads/main" */

/* name: "image-updates" or "refs/heads/main", one of the two that were fetched. ERROR_CONFLICT: the remote's
 * is another by now. ERROR_DENIED: the remote refuses, with its words, as for a protected branch.
 * ERROR_UNAVAILABLE. */
int source_remote_push(struct source_remote *remote, const char *name, bool may_replace, struct error *err);
