#include "model/schedule.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "model/calendar.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define YEAR_FIRST 1970
#define YEAR_LAST  2199
#define DAY_S      CALENDAR_DAY_S
#define RATE_MAX_S (366 * 10 * DAY_S)
#define FIELDS     6
#define FIELD_MAX  128 /* characters of one field */

/* --- parsing -------------------------------------------------------------------------------------------- */

struct field {
    const char *name;
    const char *may; /* what it may be, for errors */
    int first;
    int last;
    const char *names; /* three letters each, the first one is `first`; NULL: none */
};

enum { MINUTES, HOURS, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR };

static const struct field fields[FIELDS] = {
    [MINUTES] = {"minutes", "0-59 and , - * /", 0, 59, NULL},
    [HOURS] = {"hours", "0-23 and , - * /", 0, 23, NULL},
    [DAY_OF_MONTH] = {"day of month", "1-31 and , - * / ? L W", 1, 31, NULL},
    [MONTH] = {"month", "1-12 or JAN-DEC and , - * /", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
    [DAY_OF_WEEK] = {"day of week", "1-7 or SUN-SAT and , - * ? L #", 1, 7, "SUNMONTUEWEDTHUFRISAT"},
    [YEAR] = {"year", "1970-2199 and , - * /", YEAR_FIRST, YEAR_LAST, NULL},
};

static int bad_field(const struct field *field, const char *text, struct error *err)
{
    return error_set(err, ERROR_INVALID, "the field %s cannot be \"%s\": it takes %s", field->name, text,
                     field->may);
}

/* A number or a name of the field, within its bounds; moves *at behind it. */
static bool take_value(const struct field *field, const char **at, int *ret_value)
{
    for (int i = 0; field->names && i <= field->last - field->first; i++)
        if (strncasecmp(*at, field->names + (size_t)i * 3, 3) == 0) {
            *at += 3;
            *ret_value = field->first + i;
            return true;
        }
    int value = 0;
    int digits = 0;
    for (; **at >= '0' && **at <= '9' && digits < 4; (*at)++, digits++)
        value = value * 10 + (**at - '0');
    *ret_value = value;
    return digits > 0 && value >= field->first && value <= field->last;
}

/* The step of "a/b" behind *at; 1 without one. */
static bool take_step(const char **at, int *ret_step)
{
    *ret_step = 1;
    if (**at != '/')
        return true;
    int step = 0;
    int digits = 0;
    for ((*at)++; **at >= '0' && **at <= '9' && digits < 4; (*at)++, digits++)
        step = step * 10 + (**at - '0');
    *ret_step = step;
    return step > 0;
}

struct numbers {
    uint64_t bits[4]; /* bit 0: the field's first value */
};

static void add_range(const struct field *field, int from, int to, int step, struct numbers *numbers)
{
    int span = field->last - field->first + 1;
    int length = to >= from ? to - from : to - from + span;
    for (int i = 0; i <= length; i += step) {
        int at = (from - field->first + i) % span;
        numbers->bits[at / 64] |= UINT64_C(1) << (at % 64);
    }
}

/* "*", "a", "a-b", each with "/c". */
static bool take_range(const struct field *field, const char *item, struct numbers *numbers)
{
    int from = field->first;
    int to = field->last;
    int step;
    const char *at = item;
    if (*at == '*') {
        at++;
    } else {
        if (!take_value(field, &at, &from))
            return false;
        to = *at == '/' ? field->last : from;
        if (*at == '-') {
            at++;
            if (!take_value(field, &at, &to) || (to < from && field->last == YEAR_LAST))
                return false;
        }
    }
    if (!take_step(&at, &step) || *at)
        return false;
    add_range(field, from, to, step, numbers);
    return true;
}

static bool take_day(const char *item, struct schedule_cron *cron, struct numbers *numbers)
{
    const char *at = item;
    int day;
    if (text_equal(item, "L"))
        return cron->last_day = true;
    if (text_equal(item, "LW"))
        return cron->last_weekday = true;
    if (take_value(&fields[DAY_OF_MONTH], &at, &day) && text_equal(at, "W")) {
        cron->near |= UINT32_C(1) << day;
        return true;
    }
    return take_range(&fields[DAY_OF_MONTH], item, numbers);
}

static bool take_weekday(const char *item, struct schedule_cron *cron, struct numbers *numbers)
{
    const struct field *field = &fields[DAY_OF_WEEK];
    const char *at = item;
    int day;
    if (text_equal(item, "L"))
        item = "7";
    else if (take_value(field, &at, &day) && text_equal(at, "L")) {
        cron->last_of_week |= (uint8_t)(1 << day);
        return true;
    } else if (*at == '#' && at > item) {
        if (at[1] < '1' || at[1] > '5' || at[2])
            return false;
        cron->nth_weekday = (uint8_t)day;
        cron->nth = (uint8_t)(at[1] - '0');
        return true;
    }
    return take_range(field, item, numbers);
}

static int take_field(int index, const char *text, struct schedule_cron *cron, struct numbers *ret_numbers,
                      struct error *err)
{
    const struct field *field = &fields[index];
    char item[FIELD_MAX];
    *ret_numbers = (struct numbers){0};
    bool day = index == DAY_OF_MONTH || index == DAY_OF_WEEK;
    if (day && text_equal(text, "?"))
        return 0;
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        snprintf(item, sizeof item, "%.*s", (int)len, at);
        bool good = index == DAY_OF_MONTH  ? take_day(item, cron, ret_numbers)
                    : index == DAY_OF_WEEK ? take_weekday(item, cron, ret_numbers)
                                           : take_range(field, item, ret_numbers);
        if (!good)
            return bad_field(field, text, err);
        at += len;
        if (!*at)
            break;
    }
    if (index == DAY_OF_WEEK && cron->nth && strchr(text, ','))
        return error_set(err, ERROR_INVALID, "the field day of week takes one expression where it has #: %s",
                         text);
    return 0;
}

static int split(const char *text, char (*ret_parts)[FIELD_MAX], struct error *err)
{
    int count = 0;
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, " \t");
        if (len >= FIELD_MAX)
            return error_set(err, ERROR_LIMIT, "a field has more than %d characters", FIELD_MAX - 1);
        if (len && count < FIELDS)
            snprintf(ret_parts[count], FIELD_MAX, "%.*s", (int)len, at);
        count += len > 0;
        at += len;
        at += strspn(at, " \t");
    }
    if (count == FIELDS)
        return 0;
    return error_set(
        err, ERROR_INVALID,
        "cron() takes six fields, minutes hours day-of-month month day-of-week year, and has %d%s", count,
        count == FIELDS - 1 ? ": that of the year is missing?" : "");
}

static bool ever(const struct schedule *schedule)
{
    int64_t first_s;
    return schedule_next(schedule, 0, -1, &first_s);
}

static int parse_cron(const char *text, struct schedule *schedule, struct error *err)
{
    char parts[FIELDS][FIELD_MAX] = {{0}};
    struct numbers numbers[FIELDS] = {{{0}}};
    struct schedule_cron *cron = &schedule->cron;
    int status = split(text, parts, err);
    for (int i = 0; status == 0 && i < FIELDS; i++)
        status = take_field(i, parts[i], cron, &numbers[i], err);
    if (status < 0)
        return status;
    if (text_equal(parts[DAY_OF_MONTH], "?") == text_equal(parts[DAY_OF_WEEK], "?"))
        return error_set(err, ERROR_INVALID,
                         "of day-of-month and day-of-week one is \"?\", and not both: they are \"%s\" and "
                         "\"%s\"",
                         parts[DAY_OF_MONTH], parts[DAY_OF_WEEK]);
    cron->minutes = numbers[MINUTES].bits[0];
    cron->hours = (uint32_t)numbers[HOURS].bits[0];
    cron->days = (uint32_t)(numbers[DAY_OF_MONTH].bits[0] << 1);
    cron->months = (uint16_t)(numbers[MONTH].bits[0] << 1);
    cron->weekdays = (uint8_t)(numbers[DAY_OF_WEEK].bits[0] << 1);
    memcpy(cron->years, numbers[YEAR].bits, sizeof cron->years);
    return ever(schedule) ? 0 : error_set(err, ERROR_INVALID, "there is no such day in any of its years");
}

static int parse_rate(const char *text, struct schedule *schedule, struct error *err)
{
    static const struct {
        const char *one;
        const char *many;
        int64_t s;
    } units[] = {{"minute", "minutes", 60}, {"hour", "hours", 3600}, {"day", "days", DAY_S}};
    char *end = NULL;
    long long value = text[0] >= '0' && text[0] <= '9' ? strtoll(text, &end, 10) : 0;
    for (size_t i = 0; value > 0 && *end == ' ' && i < ARRAY_LEN(units); i++) {
        const char *unit = end + strspn(end, " ");
        if (!text_equal(unit, units[i].one) && !text_equal(unit, units[i].many))
            continue;
        if (text_equal(unit, units[i].one) != (value == 1))
            return error_set(err, ERROR_INVALID, "EventBridge wants \"rate(%lld %s)\"", value,
                             value == 1 ? units[i].one : units[i].many);
        if (value > RATE_MAX_S / units[i].s)
            return error_set(err, ERROR_INVALID, "a rate of more than ten years");
        schedule->rate_s = value * units[i].s;
        return 0;
    }
    if (end && value == 0)
        return error_set(err, ERROR_INVALID, "rate() takes a count of at least 1, such as rate(1 minute)");
    return error_set(err, ERROR_INVALID, "rate() takes a count and a unit, such as rate(5 minutes)");
}

/* Exactly so many digits, and what follows them; '\0' is the end. */
static bool take_digits(const char **at, int count, char then, int *ret_value)
{
    *ret_value = 0;
    for (; count > 0 && **at >= '0' && **at <= '9'; count--, (*at)++)
        *ret_value = *ret_value * 10 + (**at - '0');
    return count == 0 && *(*at)++ == then;
}

static int parse_at(const char *text, struct schedule *schedule, struct error *err)
{
    int year, month, day, hour, minute, second;
    const char *at = text;
    if (!take_digits(&at, 4, '-', &year) || !take_digits(&at, 2, '-', &month) ||
        !take_digits(&at, 2, 'T', &day) || !take_digits(&at, 2, ':', &hour) ||
        !take_digits(&at, 2, ':', &minute) || !take_digits(&at, 2, '\0', &second) || year < YEAR_FIRST ||
        year > YEAR_LAST || month < 1 || month > 12 || day < 1 || day > calendar_days_in(year, month) ||
        hour > 23 || minute > 59 || second > 59)
        return error_set(err, ERROR_INVALID,
                         "at() takes a time that there is, such as at(2030-01-01T03:00:00)");
    schedule->at_s =
        (calendar_days_before(year, month) + day - 1) * DAY_S + hour * 3600 + minute * 60 + second;
    return 0;
}

int schedule_parse(const char *text, struct schedule *ret_schedule, struct error *err)
{
    static const struct {
        const char *name;
        enum schedule_kind kind;
        int (*parse)(const char *, struct schedule *, struct error *);
    } kinds[] = {{"rate(", SCHEDULE_RATE, parse_rate},
                 {"cron(", SCHEDULE_CRON, parse_cron},
                 {"at(", SCHEDULE_AT, parse_at}};
    assert(text);
    assert(ret_schedule);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t head = strlen(kinds[i].name);
        if (!text_starts_with(text, kinds[i].name) || !text_ends_with(text, ")"))
            continue;
        struct schedule schedule = {.kind = kinds[i].kind};
        char *inside CLEANUP_FREE = memory_strndup(text + head, strlen(text) - head - 1);
        int status = kinds[i].parse(inside, &schedule, err);
        if (status == 0)
            *ret_schedule = schedule;
        return status;
    }
    return error_set(err, ERROR_INVALID, "it is none of rate(...), cron(...) and at(...)");
}

/* --- the next time -------------------------------------------------------------------------------------- */

/* The weekday (Monday to Friday) nearest to the day, in the same month. */
static int near_weekday(const struct date *date, int day)
{
    int last = calendar_days_in(date->year, date->month);
    if (day > last)
        return 0; /* the month has none */
    int weekday = calendar_weekday(calendar_days_before(date->year, date->month) + day - 1);
    if (weekday == 7)
        return day > 1 ? day - 1 : day + 2;
    if (weekday == 1)
        return day < last ? day + 1 : day - 2;
    return day;
}

static bool is_near(const struct schedule_cron *cron, const struct date *date)
{
    for (int day = 1; day <= 31 && cron->near; day++)
        if ((cron->near >> day & 1) && near_weekday(date, day) == date->day)
            return true;
    return false;
}

static bool is_on(const struct schedule_cron *cron, const struct date *date)
{
    int last = calendar_days_in(date->year, date->month);
    int weekday = calendar_weekday(calendar_days_before(date->year, date->month) + date->day - 1);
    return (cron->days >> date->day & 1) || (cron->last_day && date->day == last) ||
           (cron->last_weekday && near_weekday(date, last) == date->day) || is_near(cron, date) ||
           (cron->weekdays >> weekday & 1) || ((cron->last_of_week >> weekday & 1) && date->day + 7 > last) ||
           (cron->nth_weekday == weekday && (date->day - 1) / 7 + 1 == cron->nth);
}

/* The first minute of the day at or after from; -1: none. */
static int first_minute(const struct schedule_cron *cron, int from)
{
    for (int minute = from; minute < 24 * 60; minute++) {
        if (!(cron->hours >> (minute / 60) & 1))
            minute += 59 - minute % 60; /* to the end of the hour */
        else if (cron->minutes >> (minute % 60) & 1)
            return minute;
    }
    return -1;
}

static bool has_year(const struct schedule_cron *cron, int year)
{
    int at = year - YEAR_FIRST;
    return cron->years[at / 64] >> (at % 64) & 1;
}

static bool next_cron(const struct schedule_cron *cron, int64_t after_s, int64_t *ret_s)
{
    int64_t minute = after_s < 0 ? 0 : after_s / 60 + 1;
    if (minute / (24 * 60) >= calendar_days_before(YEAR_LAST + 1, 1))
        return false;
    struct date date = calendar_date(minute / (24 * 60));
    int from = (int)(minute % (24 * 60));
    for (; date.year <= YEAR_LAST; date = (struct date){date.year + 1, 1, 1}, from = 0)
        for (; has_year(cron, date.year) && date.month <= 12; date.month++, date.day = 1, from = 0)
            for (; (cron->months >> date.month & 1) && date.day <= calendar_days_in(date.year, date.month);
                 date.day++, from = 0) {
                int at = is_on(cron, &date) ? first_minute(cron, from) : -1;
                if (at < 0)
                    continue;
                *ret_s = (calendar_days_before(date.year, date.month) + date.day - 1) * DAY_S + at * 60;
                return true;
            }
    return false;
}

bool schedule_next(const struct schedule *schedule, int64_t anchor_s, int64_t after_s, int64_t *ret_s)
{
    assert(schedule);
    assert(ret_s);
    switch (schedule->kind) {
    case SCHEDULE_CRON:
        return next_cron(&schedule->cron, after_s, ret_s);
    case SCHEDULE_AT:
        *ret_s = schedule->at_s;
        return schedule->at_s > after_s;
    case SCHEDULE_RATE:
        break;
    }
    assert(schedule->rate_s > 0);
    int64_t rounds = after_s < anchor_s ? 0 : (after_s - anchor_s) / schedule->rate_s;
    *ret_s = anchor_s + (rounds + 1) * schedule->rate_s;
    return true;
}

/* By the wall clock: its times are tried in turn until one comes that is later. Only an hour that comes twice
 * takes more than one. */
static bool next_of_cron(const struct schedule *schedule, const struct schedule_clock *clock, int64_t after_s,
                         int64_t *ret_s)
{
    int64_t wall_s = time_zone_to_wall(clock->zone, after_s);
    int64_t at_s;
    while (next_cron(&schedule->cron, wall_s, &wall_s)) {
        enum time_zone_wall comes = time_zone_to_utc(clock->zone, wall_s, &at_s);
        if (at_s <= after_s || (comes == WALL_NEVER && clock->gap == SCHEDULE_GAP_SKIP))
            continue;
        *ret_s = at_s;
        return true;
    }
    return false;
}

bool schedule_next_at(const struct schedule *schedule, const struct schedule_clock *clock, int64_t after_s,
                      int64_t *ret_s)
{
    assert(schedule);
    assert(clock);
    assert(ret_s);
    if (!clock->zone || schedule->kind == SCHEDULE_RATE)
        return schedule_next(schedule, clock->anchor_s, after_s, ret_s);
    if (schedule->kind == SCHEDULE_CRON)
        return next_of_cron(schedule, clock, after_s, ret_s);
    time_zone_to_utc(clock->zone, schedule->at_s, ret_s);
    return *ret_s > after_s;
}
