#include "daemon/timebase.h"

#include <assert.h>
#include <stdbool.h>

void timebase_init(struct timebase *timebase, int64_t wall_ms, int64_t boot_ms)
{
    assert(timebase);
    *timebase = (struct timebase){.offset_ms = wall_ms - boot_ms, .last_ms = wall_ms};
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
    } else {
        timebase->skew_ms += step_ms;
        timebase->landing_ms = wall_ms;
    }
    now_ms = boot_ms + timebase->offset_ms;
    if (now_ms > timebase->last_ms)
        timebase->last_ms = now_ms;
    return timebase->last_ms;
}

int64_t timebase_of_stamp(const struct timebase *timebase, int64_t stamp_ms)
{
    assert(timebase);
    if (stamp_ms == 0 || stamp_ms < timebase->landing_ms || timebase->skew_ms == 0)
        return stamp_ms;
    int64_t at_ms = stamp_ms - timebase->skew_ms;
    /* After a step back, what lies in the wall clock's future is from before it. */
    return at_ms > timebase->last_ms + TIMEBASE_SMALL_MS ? stamp_ms : at_ms;
}
