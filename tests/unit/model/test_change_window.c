/* When changes may begin: allow and deny, and the next opening. */
#include "unit.h"

#include "base/memory.h"
#include "base/vector.h"
#include "model/change_window.h"

#include <string.h>
#include <time.h>

static int64_t seconds(const char *text)
{
    struct tm tm = {0};
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
    return (int64_t)timegm(&tm);
}

static void windows_of(const char *text, struct change_window_vec *ret_windows)
{
    char *whole = memory_printf("{\"davit\":{\"changeWindows\":%s}}", text);
    json_t *json = json_loads(whole, 0, NULL);
    assert_non_null(json);
    change_windows_from_json(json, ret_windows);
    json_decref(json);
    free(whole);
}

#define SUNDAYS "{\"kind\":\"allow\",\"schedule\":\"cron(0 2 ? * SUN *)\",\"durationMinutes\":120}"
#define NIGHTLY "{\"kind\":\"allow\",\"schedule\":\"cron(0 22 * * ? *)\",\"durationMinutes\":480}"
#define FREEZE  "{\"kind\":\"deny\",\"schedule\":\"at(2026-12-20T00:00:00)\",\"durationMinutes\":20160}"
#define OFFICE  "{\"kind\":\"deny\",\"schedule\":\"cron(0 8 ? * MON-FRI *)\",\"durationMinutes\":600}"
#define OVER    "{\"kind\":\"allow\",\"schedule\":\"at(2020-12-20T00:00:00)\",\"durationMinutes\":60}"
#define MINUTES "{\"kind\":\"deny\",\"schedule\":\"cron(* * * * ? *)\",\"durationMinutes\":60}"
#define BERLIN                                                                                               \
    "{\"kind\":\"deny\",\"schedule\":\"cron(30 2 ? * SUN *)\",\"durationMinutes\":60,"                       \
    "\"timezone\":\"Europe/Berlin\"}"

/* opens: when it is open, at `at` or later. */
static const struct {
    const char *lists[2];
    const char *at;
    const char *opens;
} cases[] = {
    {{"[]"}, "2026-11-21 12:00", "2026-11-21 12:00"},
    {{"[" SUNDAYS "]"}, "2026-11-21 12:00", "2026-11-22 02:00"},
    {{"[" SUNDAYS "]"}, "2026-11-22 01:59", "2026-11-22 02:00"},
    {{"[" SUNDAYS "]"}, "2026-11-22 02:00", "2026-11-22 02:00"},
    {{"[" SUNDAYS "]"}, "2026-11-22 03:59", "2026-11-22 03:59"},
    {{"[" SUNDAYS "]"}, "2026-11-22 04:00", "2026-11-29 02:00"},
    {{"[" OFFICE "]"}, "2026-11-20 07:59", "2026-11-20 07:59"},
    {{"[" OFFICE "]"}, "2026-11-20 08:00", "2026-11-20 18:00"},
    {{"[" OFFICE "]"}, "2026-11-20 17:59", "2026-11-20 18:00"},
    {{"[" OFFICE "]"}, "2026-11-21 12:00", "2026-11-21 12:00"},
    {{"[" SUNDAYS "," FREEZE "]"}, "2026-12-20 02:30", "2027-01-03 02:00"},
    {{"[" FREEZE "," SUNDAYS "]"}, "2026-12-19 12:00", "2027-01-03 02:00"},
    {{"[" SUNDAYS "," NIGHTLY "]"}, "2026-11-21 12:00", "2026-11-21 22:00"},
    {{"[" SUNDAYS "," NIGHTLY "]"}, "2026-11-22 05:59", "2026-11-22 05:59"},
    {{"[" NIGHTLY "]", "[" SUNDAYS "]"}, "2026-11-21 12:00", "2026-11-22 02:00"},
    {{"[" NIGHTLY "]", "[" SUNDAYS "]"}, "2026-11-22 03:00", "2026-11-22 03:00"},
    {{"[" SUNDAYS "]", "[" OFFICE "]"}, "2026-11-20 12:00", "2026-11-22 02:00"},
    {{"[" FREEZE "]", "[" SUNDAYS "]"}, "2026-12-20 02:30", "2027-01-03 02:00"},
    {{"[" OVER "]"}, "2026-11-21 12:00", NULL},
    {{"[" MINUTES "]"}, "2026-11-21 12:00", NULL},
    {{"[" MINUTES "," SUNDAYS "]"}, "2026-11-21 12:00", NULL},
    {{"[" BERLIN "]"}, "2027-03-28 00:59", "2027-03-28 00:59"},
    {{"[" BERLIN "]"}, "2027-03-28 01:00", "2027-03-28 02:00"}, /* not lost to summer time */
    {{"[" BERLIN "]"}, "2027-10-31 01:29", "2027-10-31 01:30"},
    {{"[" BERLIN "]"}, "2027-10-31 01:30", "2027-10-31 01:30"}, /* comes once in winter's first night */
};

static void test_openings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct change_window_vec lists[2] = {{0}, {0}};
        struct change_gate gate = {0};
        int64_t opens_s = 0;
        for (size_t l = 0; l < 2 && cases[i].lists[l]; l++) {
            windows_of(cases[i].lists[l], &lists[l]);
            change_gate_add(&gate, &lists[l]);
        }
        int64_t at_s = seconds(cases[i].at);
        bool found = change_gate_next(&gate, at_s, &opens_s);
        if (found != (cases[i].opens != NULL) || (found && opens_s != seconds(cases[i].opens)))
            fail_msg("case %zu at %s: %d, in %lld s", i, cases[i].at, found, (long long)(opens_s - at_s));
        assert_int_equal(change_gate_is_open(&gate, at_s), found && opens_s == at_s);
        vector_deinit(&lists[0]);
        vector_deinit(&lists[1]);
    }
}

static void test_an_opening_in_words(void **state)
{
    (void)state;
    struct change_window_vec windows;
    struct change_gate gate = {0};
    windows_of("[" BERLIN "]", &windows);
    change_gate_add(&gate, &windows);
    char *text = change_gate_time(&gate, seconds("2026-11-22 01:00"));
    assert_string_equal(text, "2026-11-22 02:00 Europe/Berlin");
    free(text);
    vector_deinit(&windows);
}

static void test_what_is_no_window(void **state)
{
    (void)state;
    struct change_window window;
    struct error err = ERROR_INIT;
    assert_int_equal(change_window_parse("rate(1 hour)", NULL, &window, &err), ERROR_INVALID);
    assert_non_null(strstr(error_text(&err), "cron(...) or at(...)"));
    assert_int_equal(change_window_parse("cron(0 2 ? * SUN *)", "Europe/Berln", &window, &err),
                     ERROR_INVALID);
    assert_int_equal(change_window_parse("cron(0 2 31 2 ? *)", NULL, &window, &err), ERROR_INVALID);
    assert_int_equal(change_window_parse("cron(0 2 ? * SUN *)", NULL, &window, &err), 0);
    assert_string_equal(window.zone.name, "UTC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openings),
        cmocka_unit_test(test_an_opening_in_words),
        cmocka_unit_test(test_what_is_no_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
