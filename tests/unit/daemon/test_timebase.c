#include "daemon/timebase.h"

#include "../unit.h"

#define START_MS 1700000000000LL
#define BOOT_MS  5000LL
#define HOUR_MS  3600000LL

struct clocks {
    struct timebase timebase;
    int64_t wall_ms;
    int64_t boot_ms;
    int64_t step_ms; /* told by the last reading */
};

static struct clocks begin(void)
{
    struct clocks clocks = {.wall_ms = START_MS, .boot_ms = BOOT_MS};
    timebase_init(&clocks.timebase, START_MS, BOOT_MS);
    return clocks;
}

/* Time passes, and somebody sets the wall clock. */
static int64_t after(struct clocks *clocks, int64_t ms, int64_t step_ms)
{
    clocks->boot_ms += ms;
    clocks->wall_ms += ms + step_ms;
    return timebase_advance(&clocks->timebase, clocks->wall_ms, clocks->boot_ms, &clocks->step_ms);
}

static void test_it_is_the_wall_clock_while_nobody_sets_it(void **state)
{
    (void)state;
    struct clocks clocks = begin();
    assert_int_equal(after(&clocks, 0, 0), START_MS);
    assert_int_equal(after(&clocks, 1500, 0), START_MS + 1500);
    assert_int_equal(clocks.step_ms, 0);
    assert_int_equal(timebase_of_stamp(&clocks.timebase, START_MS + 7), START_MS + 7);
}

static void test_small_steps_are_followed_and_never_go_back(void **state)
{
    (void)state;
    struct clocks clocks = begin();
    assert_int_equal(after(&clocks, 1000, 500), START_MS + 1500);
    assert_int_equal(after(&clocks, 100, -900), START_MS + 1500);
    assert_int_equal(after(&clocks, 300, 0), START_MS + 1500);
    assert_int_equal(after(&clocks, 1000, 0), START_MS + 2000);
    assert_int_equal(clocks.step_ms, 0);
}

static void test_a_second_is_a_second_whatever_the_step(void **state)
{
    (void)state;
    static const int64_t steps_ms[] = {HOUR_MS, -HOUR_MS, TIMEBASE_DAY_MS, -400 * TIMEBASE_DAY_MS};
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++) {
        struct clocks clocks = begin();
        assert_int_equal(after(&clocks, 1000, steps_ms[i]), START_MS + 1000);
        assert_int_equal(clocks.step_ms, steps_ms[i]);
        assert_int_equal(after(&clocks, 1000, 0), START_MS + 2000);
        assert_int_equal(clocks.step_ms, 0);
        assert_int_equal(after(&clocks, 1000, -steps_ms[i]), START_MS + 3000);
        assert_int_equal(timebase_of_stamp(&clocks.timebase, clocks.wall_ms), clocks.wall_ms);
    }
}

static void test_a_host_that_learns_the_date(void **state)
{
    (void)state;
    struct clocks clocks = begin();
    assert_int_equal(after(&clocks, 1000, 400 * TIMEBASE_DAY_MS), START_MS + 1000 + 400 * TIMEBASE_DAY_MS);
    assert_int_equal(clocks.step_ms, 400 * TIMEBASE_DAY_MS);
    assert_int_equal(timebase_of_stamp(&clocks.timebase, START_MS), START_MS);
    assert_int_equal(timebase_of_stamp(&clocks.timebase, clocks.wall_ms), clocks.wall_ms);
}

static void test_stamps_after_a_step_are_as_old_as_they_are(void **state)
{
    (void)state;
    static const int64_t steps_ms[] = {HOUR_MS, -HOUR_MS};
    for (size_t i = 0; i < 2; i++) {
        struct clocks clocks = begin();
        int64_t before_ms = after(&clocks, 60000, 0);
        after(&clocks, 1000, steps_ms[i]);
        int64_t stamp_ms = clocks.wall_ms + 500; /* by the engine, whose clock is the wall's */
        int64_t now_ms = after(&clocks, 30000, 0);
        assert_int_equal(now_ms - timebase_of_stamp(&clocks.timebase, stamp_ms), 29500);
        assert_int_equal(timebase_of_stamp(&clocks.timebase, before_ms), before_ms);
        assert_int_equal(now_ms - timebase_of_stamp(&clocks.timebase, clocks.wall_ms + 10), -10);
        assert_int_equal(timebase_of_stamp(&clocks.timebase, 0), 0);
    }
}

/* What was started between two steps is as old as it is, whichever way they went. */
static void test_each_step_has_its_own_skew(void **state)
{
    (void)state;
    static const int64_t steps_ms[][2] = {
        {HOUR_MS, HOUR_MS}, {HOUR_MS, -HOUR_MS}, {HOUR_MS, -2 * HOUR_MS}, {-HOUR_MS, 3 * HOUR_MS}};
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++) {
        struct clocks clocks = begin();
        int64_t before_ms = after(&clocks, 60000, 0);
        after(&clocks, 1000, steps_ms[i][0]);
        int64_t between_ms = clocks.wall_ms + 500;
        after(&clocks, 1000, 0);
        after(&clocks, 1000, steps_ms[i][1]);
        int64_t last_ms = clocks.wall_ms + 500;
        int64_t now_ms = after(&clocks, 30000, 0);
        assert_int_equal(now_ms - timebase_of_stamp(&clocks.timebase, last_ms), 29500);
        assert_int_equal(now_ms - timebase_of_stamp(&clocks.timebase, between_ms), 31500);
        assert_int_equal(timebase_of_stamp(&clocks.timebase, before_ms), before_ms);
    }
}

static void test_the_last_steps_are_known(void **state)
{
    (void)state;
    struct clocks clocks = begin();
    int64_t stamps_ms[TIMEBASE_STEPS + 1];
    for (size_t i = 0; i <= TIMEBASE_STEPS; i++) {
        after(&clocks, 1000, HOUR_MS);
        stamps_ms[i] = clocks.wall_ms;
    }
    int64_t now_ms = after(&clocks, 1000, 0);
    assert_int_equal(timebase_of_stamp(&clocks.timebase, stamps_ms[0]), stamps_ms[0]);
    for (int64_t i = 1; i <= TIMEBASE_STEPS; i++)
        assert_int_equal(now_ms - timebase_of_stamp(&clocks.timebase, stamps_ms[i]),
                         1000 * (TIMEBASE_STEPS + 1 - i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_the_wall_clock_while_nobody_sets_it),
        cmocka_unit_test(test_small_steps_are_followed_and_never_go_back),
        cmocka_unit_test(test_a_second_is_a_second_whatever_the_step),
        cmocka_unit_test(test_a_host_that_learns_the_date),
        cmocka_unit_test(test_stamps_after_a_step_are_as_old_as_they_are),
        cmocka_unit_test(test_each_step_has_its_own_skew),
        cmocka_unit_test(test_the_last_steps_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
