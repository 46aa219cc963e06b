#include "base/parallel.h"
#include "unit.h"

#include <assert.h>
#include <stdatomic.h>
#include <unistd.h>

#define STEPS   1000
#define WORKERS 4

struct seen {
    int of_step[STEPS];
    size_t of_worker[WORKERS];
    size_t workers;
    atomic_size_t met;
};

static void note(void *data, size_t worker, size_t i)
{
    struct seen *seen = data;
    assert(worker < seen->workers);
    seen->of_step[i]++;
    seen->of_worker[worker]++;
}

static void check_each(size_t len, size_t workers)
{
    struct seen seen = {.workers = workers};
    size_t sum = 0;
    parallel_each(len, workers, note, &seen);
    for (size_t i = 0; i < STEPS; i++)
        assert_int_equal(seen.of_step[i], i < len);
    for (size_t i = 0; i < WORKERS; i++)
        sum += seen.of_worker[i];
    assert_int_equal(sum, len);
}

static void test_each_step_once(void **state)
{
    (void)state;
    for (size_t workers = 1; workers <= WORKERS; workers++) {
        check_each(0, workers);
        check_each(1, workers);
        check_each(WORKERS, workers);
        check_each(STEPS, workers);
    }
}

/* Nobody goes on before all have come. */
static void meet(void *data, size_t worker, size_t i)
{
    struct seen *seen = data;
    atomic_fetch_add(&seen->met, 1);
    while (atomic_load(&seen->met) < WORKERS)
        usleep(100);
    seen->of_worker[worker] = i + 1;
}

static void test_all_at_once(void **state)
{
    (void)state;
    struct seen seen = {0};
    parallel_each(WORKERS, WORKERS, meet, &seen);
    for (size_t i = 0; i < WORKERS; i++)
        assert_true(seen.of_worker[i] > 0);
}

static void test_processors(void **state)
{
    (void)state;
    assert_in_range(parallel_workers(), 1, PARALLEL_WORKERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_step_once),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
