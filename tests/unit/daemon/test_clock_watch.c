/* Nobody may set the clock of the machine that runs the tests: that a leap is told, timerfd_create(2)
 * promises. */
#include "daemon/clock_watch.h"

#include "unit.h"

static void on_set(void *data)
{
    ++*(int *)data;
}

static void test_it_is_silent_and_ends(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct clock_watch watch;
    int told = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(clock_watch_init(&watch, &loop, on_set, &told), 0);
    for (int i = 0; i < 3; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(told, 0);
    assert_true(uv_loop_alive(&loop));
    clock_watch_close(&watch);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_it_is_silent_and_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
