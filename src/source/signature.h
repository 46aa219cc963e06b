/* One signature of git's, judged by gpg(1) or ssh-keygen(1) in a child process. Blocks; for worker threads.
 *
 * gpg works in a home of its own, which holds gpgKeyringFile and nothing else and is gone afterwards. What it
 * decides is read from its status lines (doc/DETAILS of GnuPG): one signature, GOODSIG and VALIDSIG.
 * ssh-keygen is asked as git does it: find-principals, then verify for each of them, in the namespace "git",
 * with the time in the commit. */
#pragma once

#include "base/error.h"
#include "source/child.h"
#include "source/verify.h"

#include <stdbool.h>

struct source_signed {
    struct source_child_bytes payload;
    struct source_child_bytes signature; /* armored */
    int64_t time_s;                      /* of the commit or the tag, since the epoch */
};

struct source_judge {
    const struct source_verify *verify;
    const char *gpg_home; /* path that is free for a directory; its parent exists */
    const atomic_bool *canceled;
    bool gpg_ready; /* starts as false */
};

/* The end of the work of one judge: gpg's home goes. */
void source_judge_deinit(struct source_judge *judge);

/* 0: it is good and by somebody who is trusted. ERROR_DENIED: it is not; the message is a clause with "it"
 * for what is signed, names the key and ends in a remedy. Other codes: it cannot be told now. */
int source_judge_signature(struct source_judge *judge, const struct source_signed *object, struct error *err);

/* --- the two kinds, for signature.c --------------------------------------------------------------------- */

int source_judge_gpg(struct source_judge *judge, const struct source_signed *object, struct error *err);
int source_judge_ssh(struct source_judge *judge, const struct source_signed *object, struct error *err);
/* Runs one of the programs with the judge's deadline; `package` is named where there is none. */
int source_judge_run(const struct source_judge *judge, const struct source_child *child, const char *package,
                     struct source_child_result *ret_result, struct error *err);
/* The last line that a program wrote to standard error, fit to be shown. Caller frees. */
char *source_judge_complaint(const struct source_child_result *result);
