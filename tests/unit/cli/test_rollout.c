/* Rounds and bounds, held to the table of ECS 4.1. */
#include "cli/rollout.h"

#include "base/memory.h"
#include "unit.h"

struct expectation {
    struct rollout_question question;
    struct rollout rollout; /* starts, stops, lower, upper, rounds, at_once, fewest, stuck */
};

static const struct expectation replaced[] = {
    /* 100/200: as many as there are, then the old ones stop */
    {{1, 1, true, 100, 200}, {1, 1, 1, 2, 1, 1, 1, false}},
    {{3, 3, true, 100, 200}, {3, 3, 3, 6, 1, 3, 3, false}},
    {{4, 4, true, 100, 200}, {4, 4, 4, 8, 1, 4, 4, false}},
    /* 50/100: stop, start, wait, again */
    {{1, 1, true, 50, 100}, {0, 0, 1, 1, 0, 0, 1, true}},
    {{2, 2, true, 50, 100}, {2, 2, 1, 2, 2, 1, 1, false}},
    {{3, 3, true, 50, 100}, {3, 3, 2, 3, 3, 1, 2, false}},
    {{4, 4, true, 50, 100}, {4, 4, 2, 4, 2, 2, 2, false}},
    /* 50/200: there is room, so nothing stops first (R3) */
    {{1, 1, true, 50, 200}, {1, 1, 1, 2, 1, 1, 1, false}},
    {{4, 4, true, 50, 200}, {4, 4, 2, 8, 1, 4, 4, false}},
    /* upper is rounded down, lower up */
    {{3, 3, true, 100, 125}, {0, 0, 3, 3, 0, 0, 3, true}},
    {{2, 2, true, 75, 100}, {0, 0, 2, 2, 0, 0, 2, true}},
    {{4, 4, true, 100, 150}, {4, 4, 4, 6, 2, 2, 4, false}},
    {{4, 4, true, 75, 150}, {4, 4, 3, 6, 2, 3, 3, false}},
    {{10, 10, true, 100, 110}, {10, 10, 10, 11, 10, 1, 10, false}},
    /* everything goes first */
    {{2, 2, true, 0, 100}, {2, 2, 0, 2, 1, 2, 0, false}},
    {{2, 2, true, 0, 200}, {2, 2, 0, 4, 1, 2, 2, false}},
    /* with another count as well */
    {{2, 4, true, 100, 100}, {2, 0, 4, 4, 1, 2, 2, true}},
    {{4, 2, true, 100, 200}, {2, 4, 2, 4, 1, 2, 2, false}},
    {{4, 0, true, 100, 200}, {0, 4, 0, 0, 0, 0, 0, false}},
};

static const struct expectation scaled[] = {
    {{0, 3, false, 100, 200}, {3, 0, 3, 6, 1, 3, 0, false}},
    {{2, 5, false, 100, 100}, {3, 0, 5, 5, 1, 3, 2, false}},
    {{5, 2, false, 100, 100}, {0, 3, 2, 2, 0, 0, 2, false}},
    {{5, 0, false, 0, 100}, {0, 5, 0, 0, 0, 0, 0, false}},
    {{3, 3, false, 100, 100}, {0, 0, 3, 3, 0, 0, 3, false}},
};

static void check(const struct expectation *list, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct rollout rollout;
        rollout_compute(&list[i].question, &rollout);
        const struct rollout *want = &list[i].rollout;
        print_message("case %zu: %d starts, %d stops, %d to %d, %d rounds of %d, at least %d, %s\n", i,
                      rollout.starts, rollout.stops, rollout.lower, rollout.upper, rollout.rounds,
                      rollout.at_once, rollout.fewest, rollout.stuck ? "stuck" : "goes on");
        assert_int_equal(rollout.starts, want->starts);
        assert_int_equal(rollout.stops, want->stops);
        assert_int_equal(rollout.lower, want->lower);
        assert_int_equal(rollout.upper, want->upper);
        assert_int_equal(rollout.rounds, want->rounds);
        assert_int_equal(rollout.at_once, want->at_once);
        assert_int_equal(rollout.fewest, want->fewest);
        assert_int_equal(rollout.stuck, want->stuck);
    }
}

static void test_replaced(void **state)
{
    (void)state;
    check(replaced, ARRAY_LEN(replaced));
}

static void test_scaled(void **state)
{
    (void)state;
    check(scaled, ARRAY_LEN(scaled));
}

/* Whatever the numbers are: it ends, the bounds hold, and every task is replaced unless it is stuck. */
static void test_every_combination(void **state)
{
    (void)state;
    for (int before = 0; before <= 12; before++)
        for (int desired = 0; desired <= 12; desired++)
            for (int minimum = 0; minimum <= 100; minimum += 25)
                for (int maximum = 100; maximum <= 200; maximum += 25) {
                    const struct rollout_question question = {before, desired, true, minimum, maximum};
                    struct rollout rollout;
                    rollout_compute(&question, &rollout);
                    assert_true(rollout.fewest >= (rollout.lower < before ? rollout.lower : before) ||
                                rollout.fewest >= desired);
                    if (rollout.stuck)
                        continue;
                    assert_int_equal(rollout.starts, desired);
                    assert_int_equal(rollout.stops, before);
                    assert_true(rollout.at_once <= rollout.upper);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_scaled),
        cmocka_unit_test(test_every_combination),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
