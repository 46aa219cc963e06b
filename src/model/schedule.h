/* When something is to happen by the clock, in the words of EventBridge (ECS's scheduled tasks): a rate, a
 * cron expression, or one moment. After "Cron expressions reference" and "Schedule types" of its user guides.
 *
 *     rate(5 minutes)   rate(1 hour)   rate(7 days)          counts from an anchor
 *     cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR)
 *     at(2030-01-01T03:00:00)
 *
 *  field        | values            | wildcards      | note
 *  -------------|-------------------|----------------|------------------------------------------------------
 *  MINUTES      | 0-59              | , - * /        | a/b: from a, every b; a-b/c as well
 *  HOURS        | 0-23              | , - * /        |
 *  DAY-OF-MONTH | 1-31              | , - * / ? L W  | L: the last day; 15W: the weekday nearest to the 15th,
 *               |                   |                | in the same month; LW: the last weekday
 *  MONTH        | 1-12, JAN-DEC     | , - * /        |
 *  DAY-OF-WEEK  | 1-7, SUN-SAT      | , - * ? L #    | 6L: the last Friday; L: Saturday; 3#2: the second
 *               |                   |                | Tuesday
 *  YEAR         | 1970-2199         | , - * /        |
 *
 * One of the two days is "?", and not both. A range may wrap (FRI-MON), but that of years.
 */
#pragma once

#include "base/error.h"
#include "model/time_zone.h"

#include <stdbool.h>
#include <stdint.h>

enum schedule_kind { SCHEDULE_RATE, SCHEDULE_CRON, SCHEDULE_AT };

struct schedule_cron {
    uint64_t minutes;     /* bit 0: minute 0 */
    uint32_t hours;       /* bit 0: hour 0 */
    uint32_t days;        /* bit 1: the first; 0 where the day of the week counts */
    uint32_t near;        /* bit 15: 15W */
    bool last_day;        /* L */
    bool last_weekday;    /* LW */
    uint16_t months;      /* bit 1: January */
    uint8_t weekdays;     /* bit 1: Sunday */
    uint8_t last_of_week; /* bit 6: 6L */
    uint8_t nth_weekday;  /* 3#2: 3 and 2; 0: none */
    uint8_t nth;
    uint64_t years[4]; /* bit 0: 1970 */
};

struct schedule {
    enum schedule_kind kind;
    int64_t rate_s;
    int64_t at_s;
    struct schedule_cron cron;
};

/* ERROR_INVALID, with the field and what it may be; also for a cron expression that never comes true, such as
 * the 31st of February. */
int schedule_parse(const char *text, struct schedule *ret_schedule, struct error *err);

/* The first time after after_s; false when there is none any more. All times are seconds since 1970 on the
 * clock that the schedule means: UTC, or the wall clock of its time zone. A rate counts from anchor_s. */
bool schedule_next(const struct schedule *schedule, int64_t anchor_s, int64_t after_s, int64_t *ret_s);

/* What becomes of a time of a cron expression that never comes, because clocks are put forward over it. */
enum schedule_gap {
    SCHEDULE_GAP_SKIP,  /* it is passed over, as by EventBridge Scheduler */
    SCHEDULE_GAP_AFTER, /* it is the moment when they are */
};

struct schedule_clock {
    const struct time_zone *zone; /* NULL: UTC */
    enum schedule_gap gap;
    int64_t anchor_s; /* of a rate */
};

/* The same in seconds since 1970 UTC, of a schedule that means the wall clock of a time zone. A time that
 * comes twice counts once, at the first; an at() that never comes is the moment when clocks are put forward.
 */
bool schedule_next_at(const struct schedule *schedule, const struct schedule_clock *clock, int64_t after_s,
                      int64_t *ret_s);
