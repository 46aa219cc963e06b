/* The time that core lives by: it never goes back, and a second of it is a second, whatever becomes of the
 * wall clock. It starts as the wall clock and goes on by the clock that counts since boot; both readings are
 * handed in.
 *
 *   step of the wall clock    | this time       | holds, timers  | stamps of an engine on this host
 *   --------------------------+-----------------+----------------+----------------------------------
 *   none, or a small one on   | is the wall's   | right, or as   | as they are
 *   (TIMEBASE_SMALL_MS)       |                 | much early     |
 *   a small one back          | stands still    | as much late   | as they are
 *   a large one on or back    | goes on; the    | the right span | later than where the clock landed: moved
 *                             | skew is kept    |                | by the skew it had from there on; from
 *                             |                 |                | before the first step: as they are
 *   more than a day on        | is the wall's   | are due        | as they are
 *   (TIMEBASE_DAY_MS)         |                 |                |
 *
 * So "healthy since" and the grace of what starts after a step count as ever, and what ran before keeps its
 * age. Only what an engine stamped in an hour that comes twice is taken for the second one. The last
 * TIMEBASE_STEPS large steps are known; stamps from before these are left as they are. Engines on other
 * hosts have clocks of their own, which no step of ours has touched: their stamps are never moved. A host
 * that learns the date after the start is the row with the day. What the calendar says (schedules, change
 * windows) goes by the wall clock: core is told each step by EVENT_CLOCK. When something happened is shown by
 * this time, and so is off by the skew until the next start, which begins anew.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TIMEBASE_SMALL_MS 2000
#define TIMEBASE_DAY_MS   86400000LL
#define TIMEBASE_STEPS    8

/* A large step of the wall clock. */
struct timebase_step {
    int64_t landing_ms; /* by the wall clock: where it ended */
    int64_t skew_ms;    /* the wall clock minus this time, from there on */
};

/* Since the epoch; boot_ms: since the boot, sleep counted. */
struct timebase {
    int64_t offset_ms; /* this time minus boot_ms */
    int64_t skew_ms;   /* the wall clock minus this time */
    int64_t last_ms;
    struct timebase_step steps[TIMEBASE_STEPS]; /* newest first */
    size_t steps_len;
};

void timebase_init(struct timebase *timebase, int64_t wall_ms, int64_t boot_ms);
/* The time now. *ret_step_ms is how far the wall clock has just leaped, 0 when not. */
int64_t timebase_advance(struct timebase *timebase, int64_t wall_ms, int64_t boot_ms, int64_t *ret_step_ms);
/* A stamp of an engine on this host; 0, which is never, stays 0. */
int64_t timebase_of_stamp(const struct timebase *timebase, int64_t stamp_ms);
