#include "model/change_window.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/calendar.h"
#include "model/json.h"

#include <assert.h>
#include <inttypes.h>

#define STEPS    1000 /* of the search for an opening */
#define OVERLAPS 64   /* windows of one schedule that run into each other, looked at in one step */

int change_window_parse(const char *schedule, const char *timezone, struct change_window *ret_window,
                        struct error *err)
{
    assert(schedule);
    assert(ret_window);
    struct change_window window = {0};
    int r = schedule_parse(schedule, &window.schedule, err);
    if (r == 0 && window.schedule.kind == SCHEDULE_RATE)
        r = error_set(err, ERROR_INVALID,
                      "a rate has no time of its own: a window takes cron(...) or at(...)");
    if (r == 0)
        r = time_zone_find(timezone ? timezone : "UTC", &window.zone, err);
    if (r == 0)
        *ret_window = window;
    return r;
}

void change_windows_from_json(const json_t *object, struct change_window_vec *ret_windows)
{
    assert(ret_windows);
    struct change_window_vec windows = {0};
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json_object_get(object, "davit"), "changeWindows"), i, item) {
        struct change_window window;
        const char *schedule = model_string(item, "schedule");
        if (!schedule || change_window_parse(schedule, model_string(item, "timezone"), &window, NULL) < 0)
            continue; /* it has errors, and its commit is refused */
        window.deny = text_equal(model_string(item, "kind"), "deny");
        window.duration_s = model_int(item, "durationMinutes") * 60;
        vector_push(&windows, window);
    }
    *ret_windows = windows;
}

static bool next_begin(const struct change_window *window, int64_t after_s, int64_t *ret_s)
{
    const struct schedule_clock clock = {.zone = &window->zone, .gap = SCHEDULE_GAP_AFTER};
    return schedule_next_at(&window->schedule, &clock, after_s, ret_s);
}

/* Whether it is under way, and until when at least. */
static bool is_under_way(const struct change_window *window, int64_t at_s, int64_t *ret_until_s)
{
    int64_t begin_s = at_s - window->duration_s;
    bool found = false;
    for (int i = 0; i < OVERLAPS && next_begin(window, begin_s, &begin_s) && begin_s <= at_s; i++) {
        *ret_until_s = begin_s + window->duration_s;
        found = true;
    }
    return found;
}

enum state { OPEN, DENIED, NOT_ALLOWED };

/* Of one list; *ret_until_s is set where it is denied. */
static enum state state_of(const struct change_window_vec *windows, int64_t at_s, int64_t *ret_until_s)
{
    bool allows = false;
    bool allowed = false;
    int64_t until_s;
    for (size_t i = 0; i < windows->len; i++) {
        const struct change_window *window = &windows->items[i];
        bool under_way = is_under_way(window, at_s, &until_s);
        if (window->deny && under_way) {
            *ret_until_s = until_s;
            return DENIED;
        }
        allows |= !window->deny;
        allowed |= !window->deny && under_way;
    }
    return allowed || !allows ? OPEN : NOT_ALLOWED;
}

static bool next_allow(const struct change_window_vec *windows, int64_t after_s, int64_t *ret_s)
{
    bool found = false;
    int64_t begin_s;
    for (size_t i = 0; i < windows->len; i++) {
        if (windows->items[i].deny || !next_begin(&windows->items[i], after_s, &begin_s) ||
            (found && begin_s >= *ret_s))
            continue;
        *ret_s = begin_s;
        found = true;
    }
    return found;
}

void change_gate_add(struct change_gate *gate, const struct change_window_vec *windows)
{
    assert(gate);
    if (!windows || windows->len == 0)
        return;
    assert(gate->len < CHANGE_GATE_LISTS);
    gate->lists[gate->len++] = windows;
}

bool change_gate_is_open(const struct change_gate *gate, int64_t at_s)
{
    assert(gate);
    int64_t until_s;
    for (size_t i = 0; i < gate->len; i++)
        if (state_of(gate->lists[i], at_s, &until_s) != OPEN)
            return false;
    return true;
}

/* One step to where the first list that is shut may be open; false when none is. */
static bool step(const struct change_gate *gate, int64_t *at_s, bool *ret_never)
{
    for (size_t i = 0; i < gate->len; i++) {
        int64_t until_s = *at_s;
        enum state state = state_of(gate->lists[i], *at_s, &until_s);
        if (state == OPEN)
            continue;
        if (state == NOT_ALLOWED)
            *ret_never = !next_allow(gate->lists[i], *at_s, &until_s);
        *at_s = until_s;
        return true;
    }
    return false;
}

bool change_gate_next(const struct change_gate *gate, int64_t at_s, int64_t *ret_open_s)
{
    assert(gate);
    assert(ret_open_s);
    bool never = false;
    for (int i = 0; i < STEPS && !never; i++) {
        if (step(gate, &at_s, &never))
            continue;
        *ret_open_s = at_s;
        return true;
    }
    return false;
}

char *change_gate_time(const struct change_gate *gate, int64_t at_s)
{
    assert(gate);
    assert(gate->len > 0);
    const struct time_zone *zone = &gate->lists[0]->items[0].zone;
    int64_t wall_s = time_zone_to_wall(zone, at_s);
    struct date date = calendar_date(wall_s / CALENDAR_DAY_S);
    int64_t minute = wall_s % CALENDAR_DAY_S / 60;
    return memory_printf("%04d-%02d-%02d %02" PRId64 ":%02" PRId64 " %s", date.year, date.month, date.day,
                         minute / 60, minute % 60, zone->name);
}
