/* EVENT_CLOCK: the wall clock was set. Whatever is a span goes on by the time of events, which knows no leap;
 * what the calendar says goes by the wall clock. Rows S3, S8, S12 and W10 of core.h. */
#include "core/state.h"

#include <assert.h>

int64_t core_skew_ms(const struct core *core)
{
    assert(core);
    return core->skew_ms;
}

int64_t core_wall_ms(const struct core *core)
{
    assert(core);
    return core->now_ms + core->skew_ms;
}

int64_t core_time_of_wall(const struct core *core, int64_t wall_ms)
{
    assert(core);
    return wall_ms - core->skew_ms;
}

void core_on_clock(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    assert(event->kind == EVENT_CLOCK);
    core->skew_ms = event->clock.skew_ms;
    core_move_schedules(core, event->clock.step_ms, effects);
    core_doubt_windows(core);
}
