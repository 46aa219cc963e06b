#include "model/time_zone.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/calendar.h"
#include "model/time_zone_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- the rule ------------------------------------------------------------------------------------------- */

static int64_t take_number(const char **at)
{
    int64_t number = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        number = number * 10 + (**at - '0');
    return number;
}

/* "2", "-1", "9:30". */
static int64_t take_time(const char **at)
{
    int64_t sign = **at == '-' ? -1 : 1;
    *at += **at == '-' || **at == '+';
    int64_t time_s = take_number(at) * 3600;
    for (int64_t unit_s = 60; **at == ':'; unit_s /= 60) {
        (*at)++;
        time_s += take_number(at) * unit_s;
    }
    return sign * time_s;
}

/* "CET", "<+1030>". */
static void skip_abbreviation(const char **at)
{
    if (**at == '<')
        *at += strcspn(*at, ">") + 1;
    else
        *at += strcspn(*at, "+-0123456789,");
}

/* ",M10.5.0/3"; without a time it is 2 o'clock. */
static struct time_zone_change take_change(const char **at)
{
    struct time_zone_change change = {.at_s = 2 * 3600};
    assert(strncmp(*at, ",M", 2) == 0);
    *at += 2;
    change.month = (int)take_number(at);
    (*at)++;
    change.week = (int)take_number(at);
    (*at)++;
    change.weekday = (int)take_number(at);
    if (**at == '/') {
        (*at)++;
        change.at_s = take_time(at);
    }
    return change;
}

/* POSIX counts westward, and daylight saving time is an hour more where no offset says otherwise. */
static struct time_zone zone_of(const struct time_zone_row *row)
{
    const char *at = row->rule;
    struct time_zone zone = {.name = row->name};
    skip_abbreviation(&at);
    zone.standard_s = -take_time(&at);
    zone.other_s = zone.standard_s;
    zone.changes = *at != '\0';
    if (zone.changes) {
        skip_abbreviation(&at);
        zone.other_s = *at == ',' ? zone.standard_s + 3600 : -take_time(&at);
        zone.begin = take_change(&at);
        zone.end = take_change(&at);
    }
    assert(*at == '\0');
    return zone;
}

static int compare_names(const void *key, const void *row)
{
    return strcmp(key, ((const struct time_zone_row *)row)->name);
}

int time_zone_find(const char *name, struct time_zone *ret_zone, struct error *err)
{
    assert(name);
    assert(ret_zone);
    const struct time_zone_row *row =
        bsearch(name, time_zone_rows, TIME_ZONE_ROWS, sizeof *time_zone_rows, compare_names);
    if (row) {
        *ret_zone = zone_of(row);
        return 0;
    }
    const char *names[TIME_ZONE_ROWS];
    for (size_t i = 0; i < TIME_ZONE_ROWS; i++)
        names[i] = time_zone_rows[i].name;
    const char *near = text_nearest(name, names, TIME_ZONE_ROWS);
    return near ? error_set(err, ERROR_INVALID, "no time zone \"%s\"; did you mean \"%s\"?", name, near)
                : error_set(err, ERROR_INVALID,
                            "no time zone \"%s\"; it is a name of the IANA, such as \"Europe/Berlin\"", name);
}

/* --- the clock ------------------------------------------------------------------------------------------ */

/* In UTC; by the clock that is `before_s` east of it. */
static int64_t change_s(const struct time_zone_change *change, int year, int64_t before_s)
{
    int64_t first = calendar_days_before(year, change->month);
    int to = (change->weekday + 1 - calendar_weekday(first) + 7) % 7;
    int64_t day = first + to + 7 * (change->week - 1);
    if (day >= first + calendar_days_in(year, change->month))
        day -= 7;
    return day * CALENDAR_DAY_S + change->at_s - before_s;
}

#define CHANGES 6 /* of three years: one may be near to New Year's Eve */

struct moment {
    int64_t at_s;
    int64_t offset_s; /* from then on */
};

static void find_changes(const struct time_zone *zone, int64_t utc_s, struct moment ret_moments[CHANGES])
{
    int year = calendar_date(utc_s < 0 ? 0 : utc_s / CALENDAR_DAY_S).year;
    for (int i = 0; i < CHANGES / 2; i++) {
        ret_moments[2 * i] =
            (struct moment){change_s(&zone->begin, year - 1 + i, zone->standard_s), zone->other_s};
        ret_moments[2 * i + 1] =
            (struct moment){change_s(&zone->end, year - 1 + i, zone->other_s), zone->standard_s};
    }
}

int64_t time_zone_to_wall(const struct time_zone *zone, int64_t utc_s)
{
    assert(zone);
    if (!zone->changes)
        return utc_s + zone->standard_s;
    struct moment moments[CHANGES];
    const struct moment *last = NULL;
    find_changes(zone, utc_s, moments);
    for (size_t i = 0; i < CHANGES; i++)
        if (moments[i].at_s <= utc_s && (!last || moments[i].at_s > last->at_s))
            last = &moments[i];
    assert(last);
    return utc_s + last->offset_s;
}

/* When clocks are put forward between two moments. */
static int64_t change_between(const struct time_zone *zone, int64_t after_s, int64_t until_s)
{
    struct moment moments[CHANGES];
    find_changes(zone, until_s, moments);
    for (size_t i = 0; i < CHANGES; i++)
        if (moments[i].at_s > after_s && moments[i].at_s <= until_s)
            return moments[i].at_s;
    return until_s; /* not reached: between the two there is one */
}

enum time_zone_wall time_zone_to_utc(const struct time_zone *zone, int64_t wall_s, int64_t *ret_utc_s)
{
    assert(zone);
    assert(ret_utc_s);
    int64_t east_s = zone->standard_s > zone->other_s ? zone->standard_s : zone->other_s;
    int64_t west_s = zone->standard_s > zone->other_s ? zone->other_s : zone->standard_s;
    bool is_early = time_zone_to_wall(zone, wall_s - east_s) == wall_s;
    bool is_late = time_zone_to_wall(zone, wall_s - west_s) == wall_s;
    *ret_utc_s = is_early ? wall_s - east_s : wall_s - west_s;
    if (is_early || is_late)
        return is_early && is_late && east_s != west_s ? WALL_TWICE : WALL_ONCE;
    *ret_utc_s = change_between(zone, wall_s - east_s, wall_s - west_s);
    return WALL_NEVER;
}
