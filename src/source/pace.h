/* Whether a fetch or a push gets on. libgit2 blocks while it waits for the remote, so one that does not is
 * ended by a signal: SIGALRM, which ends the fetch helper, and whose status tells why.
 *
 * A span of stall_ms begins anew with each of these; one that ends is the end of the process.
 *
 *  phase                  | what counts
 *  -----------------------|---------------------------------------------------------------------------
 *  connect, list of refs  | nothing: all of it is to fit into one span
 *  the remote prepares    | a word of it ("Counting objects"); no more once the pack has begun
 *  the pack arrives       | LIMIT_FETCH_STALL_BYTES more of it: as git's http.lowSpeedLimit and
 *                         | http.lowSpeedTime, a byte now and then is not enough
 *  the pack is here       | a delta resolved, an object indexed
 *  a pack is made         | an object added
 *  the pack leaves        | as one that arrives; then one span is left for the remote's answer
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Embedded; begins zeroed. */
struct source_pace {
    timer_t timer;
    int64_t stall_ms; /* 0: not begun */
    uint64_t bytes;   /* received when the span began */
    uint64_t steps;   /* done then, with the whole pack here */
};

struct source_pace_news {
    uint64_t bytes; /* of the pack, received so far */
    uint64_t steps; /* of the work on what was received, done so far */
    bool complete;  /* the whole pack is here */
};

/* For a process whose SIGALRM does what it does by default. ERROR_UNAVAILABLE: the system has no timer. */
int source_pace_begin(struct source_pace *pace, int64_t stall_ms, struct error *err);
void source_pace_note(struct source_pace *pace, const struct source_pace_news *news);
/* The remote says that it is at work. */
void source_pace_note_word(struct source_pace *pace);
/* Nothing is waited for any more. Fine if it has not begun. */
void source_pace_end(struct source_pace *pace);
