/* One look at the origin, as it runs on a worker thread: bring the branch into the mirror, read what is new.
 */
#pragma once

#include "source/git.h"
#include "source/verifier.h"

struct source_look {
    /* Set once. */
    char *origin; /* local paths are absolute */
    char *branch; /* NULL: HEAD */
    char *mirror_dir;
    char *sub_path;
    bool remote;
    bool newest_only; /* nothing goes on in place of a commit that does not pass */
    struct source_verifier verifier;

    /* Set before a look. */
    struct string_vec roots;
    int64_t generation; /* of the roots */
    char delivered[COMMIT_OID_SIZE];
    bool delivered_is_head; /* and it was delivered as the one to deploy */
    bool head_known;        /* some head was delivered in this life: the next one need not be full */
    bool patient;
    bool bridges; /* the remote is away: what the mirror has is all there is */

    /* What came out. */
    enum source_kind kind;
    bool was_repository;              /* once a repository, an origin does not turn into a directory */
    char *ref;                        /* NULL while unknown */
    struct string_vec paths;          /* to watch, see source_watch_paths() */
    struct source_update_vec updates; /* one batch */
    bool busy;                        /* the directory is being changed */
    bool again;                       /* the mirror was made anew and has to be filled: look again at once */
    struct error error;
    struct error refusal; /* why the newest commit may not be deployed, of the last look that got so far */
    struct source_refusal refused; /* likewise: the commit; empty: what keeps it is not its own doing */

    /* Between two looks at a directory: what it held and the commit that this led to. */
    struct digest content;
    char content_tip[COMMIT_OID_SIZE];

    /* Between two batches. */
    struct git_repository *mirror;
    struct source_walk *walk; /* not NULL: run again for the next batch */
};

void source_look_deinit(struct source_look *look);
/* What a local origin is. ERROR_NOT_FOUND, ERROR_DENIED, ERROR_INVALID: neither of both. */
int source_look_kind(const char *origin, enum source_kind *ret_kind, struct error *err);
/* ERROR_INVALID: a plain directory has no signatures to look at. */
int source_look_refuse_directory(const char *origin, struct error *err);
/* The caller delivers and clears updates between two runs. */
void source_look_run(struct source_look *look);
