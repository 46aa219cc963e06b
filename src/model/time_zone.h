/* Time zones: the wall clock of a place, and UTC. Without files, so that every machine and every replay says
 * the same: the rules are compiled in, those of today for all times.
 *
 *  a time of the wall clock     | which is                      | then
 *  -----------------------------|-------------------------------|------------------------------------------
 *  comes once                   | most                          | WALL_ONCE
 *  comes twice                  | clocks are put back over it   | WALL_TWICE: the first, as EventBridge
 *                               |                               | Scheduler runs only once
 *  never comes                  | clocks are put forward over it| WALL_NEVER: the moment when they are. What
 *                               |                               | becomes of it is the caller's to say
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* The n-th such weekday of a month, and a time of that day, which may be on another: -1 h, 50 h. */
struct time_zone_change {
    int month;   /* 1 is January */
    int week;    /* 1 to 4; 5: the last */
    int weekday; /* 0 is Sunday */
    int64_t at_s;
};

struct time_zone {
    const char *name;   /* static */
    int64_t standard_s; /* east of UTC */
    int64_t other_s;    /* where changes: daylight saving time, which in Dublin is the winter */
    bool changes;
    struct time_zone_change begin; /* of other_s, by the clock before it */
    struct time_zone_change end;
};

enum time_zone_wall { WALL_ONCE, WALL_TWICE, WALL_NEVER };

/* By its name of the IANA, "Europe/Berlin". ERROR_INVALID, with the nearest name where there is one. */
int time_zone_find(const char *name, struct time_zone *ret_zone, struct error *err);
/* Seconds since 1970 of the wall clock, as if it were UTC. */
int64_t time_zone_to_wall(const struct time_zone *zone, int64_t utc_s);
enum time_zone_wall time_zone_to_utc(const struct time_zone *zone, int64_t wall_s, int64_t *ret_utc_s);
