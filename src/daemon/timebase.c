#include "daemon/timebase.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

void timebase_init(struct timebase *timebase, int64_t wall_ms, int64_t boot_ms)
{
    assert(timebase);
    *timebase = (struct timebase){.offset_ms = wall_ms - boot_ms, .last_ms = wall_ms};
}

/* The oldest is forgotten when there are too many. */
static void remember(struct timebase *timebase, int64_t landing_ms)
{
    timebase->steps_len += timebase->steps_len < TIMEBASE_STEPS;
    memmove(&timebase->steps[1], &timebase->steps[0], (timebase->steps_len - 1) * sizeof timebase->steps[0]);
    timebase->steps[0] = (struct timebase_step){landing_ms, timebase->skew_ms};
}

int64_t timebase_advance(struct timebase *timebase, int64_t wall_ms, int64_t boot_ms, int64_t *ret_step_ms)
{
    assert(timebase);
    assert(ret_step_ms);
    int64_t now_ms = boot_ms + timebase->offset_ms;
    int64_t step_ms = wall_ms - (now_ms + timebase->skew_ms);
    bool is_small = step_ms >= -TIMEBASE_SMALL_MS && step_ms <= TIMEBASE_SMALL_MS;
    *ret_step_ms = is_small ? 0 : step_ms;
    if (is_small) {
        timebase->offset_ms += step_ms;
    } else if (step_ms > TIMEBASE_DAY_MS) {
        timebase->offset_ms = wall_ms - boot_ms;
        timebase->skew_ms = 0;
        timebase->steps_len = 0;
    } else {
        timebase->skew_ms += step_ms;
        remember(timebase, wall_ms);
    }
    now_ms = boot_ms + timebase->offset_ms;
    if (now_ms > timebase->last_ms)
        timebase->last_ms = now_ms;
    return timebase->last_ms;
}

int64_t timebase_of_stamp(const struct timebase *timebase, int64_t stamp_ms)
{
    assert(timebase);
    for (size_t i = 0; stamp_ms != 0 && i < timebase->steps_len; i++) {
        const struct timebase_step *step = &timebase->steps[i];
        int64_t at_ms = stamp_ms - step->skew_ms;
        /* After a step back, what lies in the wall clock's future is from before it. */
        if (stamp_ms >= step->landing_ms && at_ms <= timebase->last_ms + TIMEBASE_SMALL_MS)
            return at_ms;
    }
    return stamp_ms;
}
