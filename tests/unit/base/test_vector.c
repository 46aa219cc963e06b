#include "base/vector.h"

#include "unit.h"

#define MAX_LEN 50

struct number_vec VECTOR_OF(int);

static int compared;

static int compare(const void *a, const void *b)
{
    compared++;
    return *(const int *)a - *(const int *)b;
}

static void test_sorts(void **state)
{
    (void)state;
    for (int round = 0; round < 500; round++) {
        struct number_vec numbers = {0};
        int sum = 0;
        for (int len = rand() % MAX_LEN; len > 0; len--)
            vector_push(&numbers, rand() % MAX_LEN);
        for (size_t i = 0; i < numbers.len; i++)
            sum += numbers.items[i];
        vector_sort(&numbers, compare);
        for (size_t i = 0; i < numbers.len; i++) {
            sum -= numbers.items[i];
            assert_true(i == 0 || numbers.items[i - 1] <= numbers.items[i]);
        }
        assert_int_equal(sum, 0);
        vector_deinit(&numbers);
    }
}

static void test_looks_once_at_what_is_in_order(void **state)
{
    (void)state;
    struct number_vec numbers = {0};
    for (int i = 0; i < MAX_LEN; i++)
        vector_push(&numbers, i / 2);
    compared = 0;
    vector_sort(&numbers, compare);
    assert_int_equal(compared, MAX_LEN - 1);
    vector_deinit(&numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorts),
        cmocka_unit_test(test_looks_once_at_what_is_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
