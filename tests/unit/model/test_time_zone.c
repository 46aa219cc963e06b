/* The wall clock and UTC, where clocks are put back and forward. */
#include "unit.h"

#include "base/memory.h"
#include "base/vector.h"
#include "model/schedule.h"
#include "model/time_zone_table.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t seconds(const char *text)
{
    struct tm tm = {0};
    assert_int_equal(
        sscanf(text, "%d-%d-%d %d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min), 5);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (int64_t)timegm(&tm);
}

static void text_of(int64_t s, char *ret_text, size_t size)
{
    time_t time = (time_t)s;
    struct tm tm;
    gmtime_r(&time, &tm);
    strftime(ret_text, size, "%Y-%m-%d %H:%M", &tm);
}

static struct time_zone zone_of(const char *name)
{
    struct time_zone zone;
    struct error err = ERROR_INIT;
    if (time_zone_find(name, &zone, &err) < 0)
        fail_msg("%s", error_text(&err));
    return zone;
}

/* Asked of Python's zoneinfo; fold=0 is the first of two. */
static const struct {
    const char *zone;
    const char *wall;
    enum time_zone_wall comes;
    const char *utc;
} walls[] = {
    {"UTC", "2027-03-28 02:30", WALL_ONCE, "2027-03-28 02:30"},
    {"Europe/Berlin", "2027-01-15 12:00", WALL_ONCE, "2027-01-15 11:00"},
    {"Europe/Berlin", "2027-07-15 12:00", WALL_ONCE, "2027-07-15 10:00"},
    {"Europe/Berlin", "2027-03-28 01:59", WALL_ONCE, "2027-03-28 00:59"},
    {"Europe/Berlin", "2027-03-28 02:00", WALL_NEVER, "2027-03-28 01:00"},
    {"Europe/Berlin", "2027-03-28 02:59", WALL_NEVER, "2027-03-28 01:00"},
    {"Europe/Berlin", "2027-03-28 03:00", WALL_ONCE, "2027-03-28 01:00"},
    {"Europe/Berlin", "2027-10-31 01:59", WALL_ONCE, "2027-10-30 23:59"},
    {"Europe/Berlin", "2027-10-31 02:00", WALL_TWICE, "2027-10-31 00:00"},
    {"Europe/Berlin", "2027-10-31 02:59", WALL_TWICE, "2027-10-31 00:59"},
    {"Europe/Berlin", "2027-10-31 03:00", WALL_ONCE, "2027-10-31 02:00"},
    {"America/New_York", "2027-03-14 02:30", WALL_NEVER, "2027-03-14 07:00"},
    {"America/New_York", "2027-11-07 01:30", WALL_TWICE, "2027-11-07 05:30"},
    {"America/New_York", "2027-12-31 23:59", WALL_ONCE, "2028-01-01 04:59"},
    {"Europe/Dublin", "2027-03-28 01:30", WALL_NEVER, "2027-03-28 01:00"},
    {"Europe/Dublin", "2027-07-15 12:00", WALL_ONCE, "2027-07-15 11:00"},
    {"Europe/Dublin", "2027-10-31 01:30", WALL_TWICE, "2027-10-31 00:30"},
    {"Europe/Dublin", "2027-01-15 12:00", WALL_ONCE, "2027-01-15 12:00"},
    {"Australia/Lord_Howe", "2027-10-03 02:15", WALL_NEVER, "2027-10-02 15:30"},
    {"Australia/Lord_Howe", "2027-04-04 01:45", WALL_TWICE, "2027-04-03 14:45"},
    {"Australia/Sydney", "2027-12-25 12:00", WALL_ONCE, "2027-12-25 01:00"},
    {"Australia/Sydney", "2027-10-03 02:30", WALL_NEVER, "2027-10-02 16:00"},
    {"America/Santiago", "2027-09-05 00:30", WALL_NEVER, "2027-09-05 04:00"},
    {"America/Santiago", "2027-04-03 23:30", WALL_TWICE, "2027-04-04 02:30"},
    {"Pacific/Chatham", "2027-06-01 12:00", WALL_ONCE, "2027-05-31 23:15"},
    {"Africa/Cairo", "2027-04-30 00:30", WALL_NEVER, "2027-04-29 22:00"},
    {"Africa/Cairo", "2027-10-28 23:30", WALL_TWICE, "2027-10-28 20:30"},
    {"Africa/Casablanca", "2027-07-15 12:00", WALL_ONCE, "2027-07-15 11:00"},
    {"Asia/Gaza", "2027-03-27 02:30", WALL_NEVER, "2027-03-27 00:00"},
    {"America/Nuuk", "2027-03-27 23:30", WALL_NEVER, "2027-03-28 01:00"},
    {"Asia/Kolkata", "2027-07-15 12:00", WALL_ONCE, "2027-07-15 06:30"},
    {"Etc/GMT+5", "2027-07-15 12:00", WALL_ONCE, "2027-07-15 17:00"},
};

static void test_wall_to_utc(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(walls); i++) {
        struct time_zone zone = zone_of(walls[i].zone);
        int64_t utc_s;
        char text[32];
        enum time_zone_wall comes = time_zone_to_utc(&zone, seconds(walls[i].wall), &utc_s);
        text_of(utc_s, text, sizeof text);
        if (comes != walls[i].comes || strcmp(text, walls[i].utc) != 0)
            fail_msg("%s %s: %d, %s, not %s", walls[i].zone, walls[i].wall, (int)comes, text, walls[i].utc);
        if (comes != WALL_NEVER)
            assert_int_equal(time_zone_to_wall(&zone, utc_s), seconds(walls[i].wall));
    }
}

static void test_a_misspelt_zone(void **state)
{
    (void)state;
    struct time_zone zone;
    struct error err = ERROR_INIT;
    assert_int_equal(time_zone_find("Europe/Berln", &zone, &err), ERROR_INVALID);
    assert_non_null(strstr(error_text(&err), "did you mean \"Europe/Berlin\"?"));
    err = ERROR_INIT;
    assert_int_equal(time_zone_find("", &zone, &err), ERROR_INVALID);
    err = ERROR_INIT;
    assert_int_equal(time_zone_find("the kitchen's clock", &zone, &err), ERROR_INVALID);
    assert_non_null(strstr(error_text(&err), "a name of the IANA"));
}

static void test_rows_are_sorted(void **state)
{
    (void)state;
    for (size_t i = 1; i < TIME_ZONE_ROWS; i++)
        assert_true(strcmp(time_zone_rows[i - 1].name, time_zone_rows[i].name) < 0);
}

/* --- against the C library ------------------------------------------------------------------------------ */

/* Whether this machine's tzdata says the same of the zone as the table does. */
static bool is_same_rule(const struct time_zone_row *row)
{
    char path[256];
    char bytes[8192];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", row->name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    size_t len = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    while (len && bytes[len - 1] == '\n')
        len--;
    bytes[len] = '\0';
    size_t rule = strlen(row->rule);
    return len > rule && bytes[len - rule - 1] == '\n' && strcmp(bytes + len - rule, row->rule) == 0;
}

static int64_t wall_of_libc(int64_t utc_s)
{
    time_t time = (time_t)utc_s;
    struct tm tm;
    localtime_r(&time, &tm);
    return utc_s + tm.tm_gmtoff;
}

/* Where the clock is put back or forward, to the second. */
static int64_t find_change(const struct time_zone *zone, int64_t before_s, int64_t after_s)
{
    int64_t offset_s = time_zone_to_wall(zone, before_s) - before_s;
    while (after_s - before_s > 1) {
        int64_t middle_s = before_s + (after_s - before_s) / 2;
        if (time_zone_to_wall(zone, middle_s) - middle_s == offset_s)
            before_s = middle_s;
        else
            after_s = middle_s;
    }
    return after_s;
}

static void compare(const struct time_zone *zone, int64_t utc_s)
{
    if (time_zone_to_wall(zone, utc_s) != wall_of_libc(utc_s))
        fail_msg("%s at %lld: %lld s east, not %lld", zone->name, (long long)utc_s,
                 (long long)(time_zone_to_wall(zone, utc_s) - utc_s),
                 (long long)(wall_of_libc(utc_s) - utc_s));
}

#define STEP_S (23 * 86400)

static void compare_years(const struct time_zone *zone, int years)
{
    int64_t offset_s = INT64_MAX;
    int64_t from_s = seconds("2027-01-01 00:00");
    for (int64_t at_s = from_s; at_s < from_s + years * INT64_C(31556952); at_s += STEP_S) {
        int64_t now_s = time_zone_to_wall(zone, at_s) - at_s;
        compare(zone, at_s);
        if (offset_s != INT64_MAX && now_s != offset_s) {
            int64_t change_s = find_change(zone, at_s - STEP_S, at_s);
            compare(zone, change_s - 1);
            compare(zone, change_s);
        }
        offset_s = now_s;
    }
}

static void test_every_zone_as_the_c_library(void **state)
{
    (void)state;
    static const char *const of_ramadan[] = {"Africa/Casablanca", "Africa/El_Aaiun", "Asia/Gaza",
                                             "Asia/Hebron"};
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) < 0) {
        print_message("no /usr/share/zoneinfo: nothing to compare with\n");
        skip();
    }
    size_t compared = 0;
    for (size_t i = 0; i < TIME_ZONE_ROWS; i++) {
        const struct time_zone_row *row = &time_zone_rows[i];
        bool comparable = is_same_rule(row);
        for (size_t r = 0; r < ARRAY_LEN(of_ramadan); r++)
            comparable &= strcmp(row->name, of_ramadan[r]) != 0;
        if (!comparable)
            continue;
        struct time_zone zone = zone_of(row->name);
        char variable[128];
        snprintf(variable, sizeof variable, ":%s", row->name);
        setenv("TZ", variable, 1);
        tzset();
        compare_years(&zone, unit_rounds(20, 2));
        compared++;
    }
    unsetenv("TZ");
    print_message("%zu of %d zones compared\n", compared, TIME_ZONE_ROWS);
    assert_true(compared > 0);
}

/* --- schedules ------------------------------------------------------------------------------------------ */

static const struct {
    const char *expression;
    const char *zone;
    enum schedule_gap gap;
    const char *after;
    const char *times[3];
} nexts[] = {
    {"cron(0 3 * * ? *)",
     "Europe/Berlin",
     SCHEDULE_GAP_SKIP,
     "2027-03-26 12:00",
     {"2027-03-27 02:00", "2027-03-28 01:00", "2027-03-29 01:00"}},
    {"cron(30 2 * * ? *)",
     "Europe/Berlin",
     SCHEDULE_GAP_SKIP,
     "2027-03-27 12:00",
     {"2027-03-29 00:30", "2027-03-30 00:30"}},
    {"cron(30 2 * * ? *)",
     "Europe/Berlin",
     SCHEDULE_GAP_AFTER,
     "2027-03-27 12:00",
     {"2027-03-28 01:00", "2027-03-29 00:30"}},
    {"cron(30 2 * * ? *)",
     "Europe/Berlin",
     SCHEDULE_GAP_SKIP,
     "2027-10-30 12:00",
     {"2027-10-31 00:30", "2027-11-01 01:30"}},
    {"cron(0/20 * * * ? *)",
     "Europe/Berlin",
     SCHEDULE_GAP_SKIP,
     "2027-10-31 00:30",
     {"2027-10-31 00:40", "2027-10-31 02:00", "2027-10-31 02:20"}},
    {"cron(0/20 2 * * ? *)",
     "Europe/Berlin",
     SCHEDULE_GAP_AFTER,
     "2027-03-28 00:30",
     {"2027-03-28 01:00", "2027-03-29 00:00"}},
    {"cron(0 0 1 1 ? 2027-2028)",
     "Pacific/Kiritimati",
     SCHEDULE_GAP_SKIP,
     "2026-12-31 09:59",
     {"2026-12-31 10:00", "2027-12-31 10:00", "never"}},
    {"at(2027-03-28T02:30:00)",
     "Europe/Berlin",
     SCHEDULE_GAP_SKIP,
     "2027-03-27 12:00",
     {"2027-03-28 01:00", "never"}},
    {"at(2027-07-01T12:00:00)",
     "America/New_York",
     SCHEDULE_GAP_SKIP,
     "2027-03-27 12:00",
     {"2027-07-01 16:00", "never"}},
};

static void test_schedules(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(nexts); i++) {
        struct schedule schedule;
        struct time_zone zone = zone_of(nexts[i].zone);
        const struct schedule_clock clock = {.zone = &zone, .gap = nexts[i].gap};
        int64_t at_s = seconds(nexts[i].after);
        assert_int_equal(schedule_parse(nexts[i].expression, &schedule, NULL), 0);
        for (size_t t = 0; t < ARRAY_LEN(nexts[i].times) && nexts[i].times[t]; t++) {
            char text[32] = "never";
            if (schedule_next_at(&schedule, &clock, at_s, &at_s))
                text_of(at_s, text, sizeof text);
            if (strcmp(text, nexts[i].times[t]) != 0)
                fail_msg("%zu %s: %s, not %s", i, nexts[i].expression, text, nexts[i].times[t]);
        }
    }
}

static void test_a_rate_has_no_zone(void **state)
{
    (void)state;
    struct schedule schedule;
    struct time_zone zone = zone_of("Europe/Berlin");
    const struct schedule_clock clock = {.zone = &zone, .anchor_s = 1000};
    int64_t at_s;
    assert_int_equal(schedule_parse("rate(1 day)", &schedule, NULL), 0);
    assert_true(schedule_next_at(&schedule, &clock, 1000, &at_s));
    assert_int_equal(at_s, 1000 + 86400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wall_to_utc),     cmocka_unit_test(test_a_misspelt_zone),
        cmocka_unit_test(test_rows_are_sorted), cmocka_unit_test(test_every_zone_as_the_c_library),
        cmocka_unit_test(test_schedules),       cmocka_unit_test(test_a_rate_has_no_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
