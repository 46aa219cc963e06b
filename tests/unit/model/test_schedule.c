/* When a schedule comes next, and what is none. */
#include "unit.h"

#include "base/memory.h"
#include "base/vector.h"
#include "model/scheduled_task.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t seconds(const char *text)
{
    struct tm tm = {0};
    int used = 0;
    assert_int_equal(sscanf(text, "%d-%d-%d %d:%d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                            &tm.tm_min, &used),
                     5);
    assert_int_equal(text[used], '\0');
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

/* The times after `after`, as many as are written. Weekdays were looked up in a calendar. */
static const struct {
    const char *expression;
    const char *after;
    const char *times[5];
} nexts[] = {
    {"cron(0 3 * * ? *)", "2026-11-21 02:59", {"2026-11-21 03:00", "2026-11-22 03:00"}},
    {"cron(0 3 * * ? *)", "2026-11-21 03:00", {"2026-11-22 03:00"}},
    {"cron(0/15 * * * ? *)", "2026-12-31 23:31", {"2026-12-31 23:45", "2027-01-01 00:00"}},
    {"cron(*/25 * * * ? *)",
     "2026-01-01 00:00",
     {"2026-01-01 00:25", "2026-01-01 00:50", "2026-01-01 01:00"}},
    {"cron(1/10 5 * * ? *)",
     "2026-01-01 05:31",
     {"2026-01-01 05:41", "2026-01-01 05:51", "2026-01-02 05:01"}},
    {"cron(10-30/10 0 * * ? *)",
     "2026-01-01 00:10",
     {"2026-01-01 00:20", "2026-01-01 00:30", "2026-01-02 00:10"}},
    {"cron(5,35 1,13 * * ? *)", "2026-01-01 01:05", {"2026-01-01 01:35", "2026-01-01 13:05"}},
    {"cron(0 22-2 * * ? *)",
     "2026-01-01 02:00",
     {"2026-01-01 22:00", "2026-01-01 23:00", "2026-01-02 00:00"}},
    {"cron(15 10 ? * 6L *)",
     "2026-11-01 00:00",
     {"2026-11-27 10:15", "2026-12-25 10:15", "2027-01-29 10:15"}},
    {"cron(0 10 ? * MON-FRI *)", "2026-11-20 10:00", {"2026-11-23 10:00", "2026-11-24 10:00"}},
    {"cron(0 10 ? * FRI-MON *)",
     "2026-11-20 10:00",
     {"2026-11-21 10:00", "2026-11-22 10:00", "2026-11-23 10:00", "2026-11-27 10:00"}},
    {"cron(0 10 ? * mon,4 *)",
     "2026-11-21 00:00",
     {"2026-11-23 10:00", "2026-11-25 10:00", "2026-11-30 10:00"}},
    {"cron(0 10 ? * L *)", "2026-11-20 00:00", {"2026-11-21 10:00", "2026-11-28 10:00"}},
    {"cron(0 10 ? * 3#2 *)", "2026-11-01 00:00", {"2026-11-10 10:00", "2026-12-08 10:00"}},
    {"cron(0 10 ? * SUN#5 *)", "2026-11-01 00:00", {"2026-11-29 10:00", "2027-01-31 10:00"}},
    {"cron(0 8 1 * ? *)", "2026-11-21 00:00", {"2026-12-01 08:00", "2027-01-01 08:00"}},
    {"cron(0 0 31 * ? *)", "2026-11-21 00:00", {"2026-12-31 00:00", "2027-01-31 00:00", "2027-03-31 00:00"}},
    {"cron(0 0 L * ? *)", "2027-01-31 00:00", {"2027-02-28 00:00", "2027-03-31 00:00"}},
    {"cron(0 0 29 2 ? *)", "2026-11-21 00:00", {"2028-02-29 00:00", "2032-02-29 00:00"}},
    {"cron(0 0 29 FEB ? 2095-2110)", "2026-11-21 00:00", {"2096-02-29 00:00", "2104-02-29 00:00"}},
    {"cron(0 0 15W * ? *)", "2026-11-01 00:00", {"2026-11-16 00:00", "2026-12-15 00:00", "2027-01-15 00:00"}},
    {"cron(0 0 1W * ? *)", "2026-10-15 00:00", {"2026-11-02 00:00", "2026-12-01 00:00", "2027-01-01 00:00"}},
    {"cron(0 0 1W 8 ? *)", "2026-01-01 00:00", {"2026-08-03 00:00"}}, /* the 1st is a Saturday */
    {"cron(0 0 31W 1 ? *)", "2027-01-01 00:00", {"2027-01-29 00:00", "2028-01-31 00:00"}}, /* a Sunday */
    {"cron(0 0 LW * ? *)", "2026-10-01 00:00", {"2026-10-30 00:00", "2026-11-30 00:00"}},
    {"cron(0 0 1,L JAN,JUL ? 2027/2)",
     "2026-01-01 00:00",
     {"2027-01-01 00:00", "2027-01-31 00:00", "2027-07-01 00:00", "2027-07-31 00:00", "2029-01-01 00:00"}},
    {"cron(59 23 31 12 ? 2199)", "2026-01-01 00:00", {"2199-12-31 23:59"}},
    {"at(2030-01-01T03:00:00)", "2026-01-01 00:00", {"2030-01-01 03:00"}},
};

static void test_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(nexts); i++) {
        struct schedule schedule;
        struct error err = ERROR_INIT;
        if (schedule_parse(nexts[i].expression, &schedule, &err) < 0)
            fail_msg("%s: %s", nexts[i].expression, error_text(&err));
        int64_t at_s = seconds(nexts[i].after);
        for (size_t t = 0; t < ARRAY_LEN(nexts[i].times) && nexts[i].times[t]; t++) {
            char text[32] = "never";
            if (schedule_next(&schedule, 0, at_s, &at_s))
                text_of(at_s, text, sizeof text);
            if (strcmp(text, nexts[i].times[t]) != 0)
                fail_msg("%s: %s, not %s", nexts[i].expression, text, nexts[i].times[t]);
        }
    }
}

static void test_the_last_time(void **state)
{
    (void)state;
    static const char *const expressions[] = {"cron(59 23 31 12 ? 2199)", "at(2199-12-31T23:59:00)"};
    for (size_t i = 0; i < ARRAY_LEN(expressions); i++) {
        struct schedule schedule;
        int64_t at_s = 0;
        assert_int_equal(schedule_parse(expressions[i], &schedule, NULL), 0);
        assert_true(schedule_next(&schedule, 0, at_s, &at_s));
        assert_false(schedule_next(&schedule, 0, at_s, &at_s));
        assert_false(schedule_next(&schedule, 0, INT64_MAX / 2, &at_s));
    }
}

static void test_rate(void **state)
{
    (void)state;
    struct schedule schedule;
    int64_t at_s;
    assert_int_equal(schedule_parse("rate(5 minutes)", &schedule, NULL), 0);
    static const struct {
        int64_t anchor_s;
        int64_t after_s;
        int64_t next_s;
    } rates[] = {
        {1000, 1000, 1300}, {1000, 1299, 1300}, {1000, 1300, 1600}, {1000, 500, 1300}, {7, 86400, 86407}};
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        assert_true(schedule_next(&schedule, rates[i].anchor_s, rates[i].after_s, &at_s));
        assert_int_equal(at_s, rates[i].next_s);
    }
    assert_int_equal(schedule_parse("rate(1 hour)", &schedule, NULL), 0);
    assert_int_equal(schedule.rate_s, 3600);
    assert_int_equal(schedule_parse("rate(7 days)", &schedule, NULL), 0);
    assert_int_equal(schedule.rate_s, 7 * 86400);
}

static const struct {
    const char *text;
    const char *says;
} faults[] = {
    {"", "none of rate"},
    {"hourly", "none of rate"},
    {"cron(0 3 * * ? *", "none of rate"},
    {"cron()", "six fields"},
    {"cron(0 3 * * ?)", "has 5: that of the year is missing?"},
    {"cron(0 3 * * ? * *)", "has 7"},
    {"cron(60 3 * * ? *)", "the field minutes cannot be \"60\""},
    {"cron(0 24 * * ? *)", "the field hours"},
    {"cron(0 3 0 * ? *)", "the field day of month"},
    {"cron(0 3 32 * ? *)", "the field day of month"},
    {"cron(0 3 * 13 ? *)", "the field month"},
    {"cron(0 3 * JANUARY ? *)", "the field month"},
    {"cron(0 3 ? * 0 *)", "the field day of week"},
    {"cron(0 3 ? * 8 *)", "the field day of week"},
    {"cron(0 3 ? * 2#6 *)", "the field day of week"},
    {"cron(0 3 ? * 2#1,3#1 *)", "takes one expression where it has #"},
    {"cron(0 3 ? * #1 *)", "the field day of week"},
    {"cron(0 3 * * ? 1969)", "the field year"},
    {"cron(0 3 * * ? 2200)", "the field year"},
    {"cron(0 3 * * ? 2030-2020)", "the field year"},
    {"cron(0/0 3 * * ? *)", "the field minutes"},
    {"cron(/5 3 * * ? *)", "the field minutes"},
    {"cron(0, 3 * * ? *)", "the field minutes"},
    {"cron(? 3 * * ? *)", "the field minutes"},
    {"cron(-5 3 * * ? *)", "the field minutes"},
    {"cron(0 3 * * * *)", "one is \"?\""},
    {"cron(0 3 1 * 2 *)", "one is \"?\""},
    {"cron(0 3 ? * ? *)", "one is \"?\""},
    {"cron(0 3 31 2 ? *)", "no such day"},
    {"cron(0 3 31W 4 ? *)", "no such day"},
    {"cron(0 3 29 2 ? 2027)", "no such day"},
    {"rate()", "a count and a unit"},
    {"rate(5)", "a count and a unit"},
    {"rate(0 minutes)", "a count of at least 1"},
    {"rate(-5 minutes)", "a count and a unit"},
    {"rate(5 weeks)", "a count and a unit"},
    {"rate(5 minute)", "EventBridge wants \"rate(5 minutes)\""},
    {"rate(1 days)", "EventBridge wants \"rate(1 day)\""},
    {"rate(99999999999999999999 days)", "ten years"},
    {"at(2030-02-30T03:00:00)", "a time that there is"},
    {"at(2030-1-1T3:0:0)", "a time that there is"},
    {"at(2030-01-01 03:00:00)", "a time that there is"},
    {"at(2030-01-01T03:00:00Z)", "a time that there is"},
    {"at(2030-01-01T24:00:00)", "a time that there is"},
};

static void test_what_is_no_schedule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct schedule schedule;
        struct error err = ERROR_INIT;
        if (schedule_parse(faults[i].text, &schedule, &err) != ERROR_INVALID)
            fail_msg("%s was taken", faults[i].text);
        if (!strstr(error_text(&err), faults[i].says))
            fail_msg("%s: %s", faults[i].text, error_text(&err));
    }
}

/* Whatever comes next, nothing that matches was left out: minute by minute over four years. */
static void test_against_the_calendar_of_libc(void **state)
{
    (void)state;
    struct schedule schedule;
    assert_int_equal(schedule_parse("cron(0 0 ? * 6L *)", &schedule, NULL), 0);
    int64_t at_s = seconds("2096-01-01 00:00") - 1;
    int64_t end_s = seconds("2104-01-01 00:00"); /* 2100 is no leap year */
    for (int64_t day_s = at_s + 1; day_s < end_s; day_s += 86400) {
        struct tm tm;
        struct tm later;
        time_t now = (time_t)day_s;
        time_t in_a_week = (time_t)(day_s + 7 * 86400);
        gmtime_r(&now, &tm);
        gmtime_r(&in_a_week, &later);
        if (tm.tm_wday != 5 || later.tm_mon == tm.tm_mon)
            continue;
        assert_true(schedule_next(&schedule, 0, at_s, &at_s));
        assert_int_equal(at_s, day_s);
    }
}

/* What `dates` says of a schedule, seen from 2026-11-22; "" for never. */
static const struct {
    const char *expression;
    const char *dates;
    const char *next;
} dated[] = {
    {"rate(1 minute)", "\"StartDate\":\"2026-11-23T00:00:00Z\"", "2026-11-23 00:00"},
    {"rate(1 minute)", "\"StartDate\":\"2026-11-23T00:00:00Z\",\"EndDate\":\"2026-11-23T00:00:00Z\"",
     "2026-11-23 00:00"},
    {"rate(1 minute)", "\"StartDate\":\"2026-11-23T00:00:00Z\",\"EndDate\":\"2021-01-01T00:00:00Z\"", ""},
    {"rate(1 minute)", "\"EndDate\":\"2021-01-01T00:00:00Z\"", ""},
    {"rate(1 minute)", "\"StartDate\":\"2026-11-23T00:00:00Z\",\"State\":\"DISABLED\"", ""},
    {"cron(0 3 * * ? *)", "\"StartDate\":1795478400", "2026-11-24 03:00"},
    {"cron(0 3 * * ? *)", "\"EndDate\":\"2026-11-22T02:59:59Z\"", ""},
};

static void test_between_two_dates(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dated); i++) {
        char *text CLEANUP_FREE = memory_printf("{\"Name\":\"n\",\"ScheduleExpression\":\"%s\",%s}",
                                                dated[i].expression, dated[i].dates);
        json_t *json = json_loads(text, 0, NULL);
        struct scheduled_task *task = scheduled_task_new(json);
        assert_non_null(task);
        int64_t now_s = seconds("2026-11-22 00:00");
        int64_t at_s;
        char next[32] = "";
        if (scheduled_task_next(task, now_s, now_s, &at_s))
            text_of(at_s, next, sizeof next);
        if (strcmp(next, dated[i].next) != 0)
            fail_msg("%s: %s, not %s", text, next, dated[i].next);
        scheduled_task_unref(task);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_the_last_time),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_what_is_no_schedule),
        cmocka_unit_test(test_between_two_dates),
        cmocka_unit_test(test_against_the_calendar_of_libc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
