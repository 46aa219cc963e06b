/* Whether the commit that a branch has moved to may be deployed, by the policy of verify.h. Remembers what it
 * found good, so that a branch which stays where it is costs nothing. Blocks; on a look's worker thread. */
#pragma once

#include "base/file_stamp.h"
#include "base/map.h"
#include "model/commit.h"
#include "source/verify.h"

#include <stdatomic.h>
#include <stdbool.h>

struct git_repository;

#define SOURCE_VERIFIER_FILES 3

struct source_verifier {
    struct source_verify verify;
    char base[COMMIT_OID_SIZE]; /* passed last, or was deployed by an earlier life; empty: none */
    bool passed;                /* `base` did, in this life */
    atomic_bool canceled;       /* the judging under way ends soon, with ERROR_CANCELED */
    struct map good;            /* commits whose signature is, by the files as they were at `stamps` */
    struct file_stamp stamps[SOURCE_VERIFIER_FILES];
};

void source_verifier_deinit(struct source_verifier *verifier);
/* 0: the commit may be deployed, and is `base` now. ERROR_IO: the mirror is broken. Any other error: it may
 * not, because it is not signed as it should be, or because that cannot be told now; the message names
 * commit, author, cause and remedy, and *ret_refusal is it, which the caller deinits. Where it stays empty, a
 * file of keys cannot be read, so that nothing is said of the commit: the message names the file. */
int source_verifier_check(struct source_verifier *verifier, struct git_repository *mirror, const char *oid,
                          struct source_refusal *ret_refusal, struct error *err);
