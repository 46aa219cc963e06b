/* When changes from git may begin: davit.changeWindows of a cluster and of a service.
 *
 *  windows of one list at that time        | the list is
 *  ----------------------------------------|------------------------------
 *  none at all                             | open
 *  a deny is under way                     | shut, whatever allows
 *  no deny is under way, there is no allow | open
 *  an allow is under way                   | open
 *  there are allows, none is under way     | shut
 *
 * A window begins when its schedule says and lasts for its duration; one that would begin in an hour which
 * clocks are put forward over begins when they are: a deny must not be lost to that.
 */
#pragma once

#include "base/vector.h"
#include "model/schedule.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct change_window {
    bool deny;
    struct schedule schedule; /* cron or at */
    struct time_zone zone;
    int64_t duration_s;
};
struct change_window_vec VECTOR_OF(struct change_window);

/* Of a valid cluster or service manifest. */
void change_windows_from_json(const json_t *object, struct change_window_vec *ret_windows);
/* A schedule that a window may have: cron or at, of which at least one time comes. The zone may be NULL, for
 * UTC. */
int change_window_parse(const char *schedule, const char *timezone, struct change_window *ret_window,
                        struct error *err);

/* Lists that have to be open all of them. Borrowed. */
#define CHANGE_GATE_LISTS 4
struct change_gate {
    const struct change_window_vec *lists[CHANGE_GATE_LISTS];
    size_t len;
};

/* NULL and a list without windows are passed over. */
void change_gate_add(struct change_gate *gate, const struct change_window_vec *windows);
bool change_gate_is_open(const struct change_gate *gate, int64_t at_s);
/* When it is open, at_s or later. False: not as far as can be seen, which is a thousand windows, or never.
 */
bool change_gate_next(const struct change_gate *gate, int64_t at_s, int64_t *ret_open_s);
/* "2026-11-22 02:00 Europe/Berlin", by the zone of the first window. Caller frees. */
char *change_gate_time(const struct change_gate *gate, int64_t at_s);
