#include "manifest/kind_pool.h"

#include "unit.h"

static json_t *object(int number)
{
    return json_pack("{s:i,s:{s:[{s:i}]},s:[i]}", "id", number, "a", "list", "x", number / 2, "alone",
                     number);
}

static void test_equal_parts_become_one(void **state)
{
    (void)state;
    struct kind_pool pool = KIND_POOL_INIT;
    json_t *first = object(0);
    json_t *second = object(1);
    json_t *copy = json_deep_copy(second);
    kind_pool_share(&pool, first, NULL);
    kind_pool_share(&pool, second, NULL);
    assert_ptr_equal(json_object_get(first, "a"), json_object_get(second, "a"));
    assert_ptr_not_equal(json_object_get(first, "alone"), json_object_get(second, "alone"));
    assert_true(json_equal(second, copy));
    json_decref(first);
    kind_pool_deinit(&pool);
    assert_true(json_equal(second, copy)); /* it holds its own references */
    json_decref(second);
    json_decref(copy);
}

/* Each differs from the first in one thing alone. */
static void test_only_equal_parts_become_one(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "{\"a\": [{\"x\": 1, \"y\": \"1\"}]}",   "{\"a\": [{\"x\": 1, \"y\": 1}]}",
        "{\"a\": [{\"x\": 1.0, \"y\": \"1\"}]}", "{\"a\": [{\"x\": true, \"y\": \"1\"}]}",
        "{\"a\": [{\"y\": 1, \"x\": \"1\"}]}",   "{\"a\": [{\"x\": 1, \"z\": \"1\"}]}",
        "{\"a\": [{\"x\": 1}, {\"y\": \"1\"}]}", "{\"a\": [[\"x\", 1], [\"y\", \"1\"]]}",
        "{\"a\": [{\"x\": 1.5, \"y\": \"1\"}]}", "{\"a\": {\"x\": 1, \"y\": \"1\"}}",
    };
    enum { PARTS = sizeof parts / sizeof *parts };
    struct kind_pool pool = KIND_POOL_INIT;
    json_t *objects[2 * PARTS];
    for (size_t i = 0; i < 2 * PARTS; i++) {
        objects[i] = json_loads(parts[i % PARTS], 0, NULL);
        kind_pool_share(&pool, objects[i], NULL);
    }
    for (size_t i = 0; i < 2 * PARTS; i++) {
        json_t *expected = json_loads(parts[i % PARTS], 0, NULL);
        assert_true(json_equal(objects[i], expected));
        json_decref(expected);
        for (size_t j = 0; j < i; j++)
            assert_int_equal(json_object_get(objects[i], "a") == json_object_get(objects[j], "a"),
                             i % PARTS == j % PARTS);
    }
    for (size_t i = 0; i < 2 * PARTS; i++)
        json_decref(objects[i]);
    kind_pool_deinit(&pool);
}

static void test_the_order_of_members_does_not_count(void **state)
{
    (void)state;
    static const char *const parts[] = {"{\"a\": {\"x\": 1, \"y\": \"1\", \"z\": 2}}",
                                        "{\"a\": {\"z\": 2, \"x\": 1, \"y\": \"1\"}}",
                                        "{\"a\": {\"z\": 1, \"x\": 2, \"y\": \"1\"}}"};
    struct kind_pool pool = KIND_POOL_INIT;
    json_t *objects[3];
    for (size_t i = 0; i < 3; i++) {
        objects[i] = json_loads(parts[i], 0, NULL);
        kind_pool_share(&pool, objects[i], NULL);
    }
    assert_ptr_equal(json_object_get(objects[0], "a"), json_object_get(objects[1], "a"));
    assert_ptr_not_equal(json_object_get(objects[0], "a"), json_object_get(objects[2], "a"));
    for (size_t i = 0; i < 3; i++)
        json_decref(objects[i]);
    kind_pool_deinit(&pool);
}

static void test_an_excepted_member_is_left_alone(void **state)
{
    (void)state;
    struct kind_pool pool = KIND_POOL_INIT;
    json_t *first = object(0);
    json_t *second = object(1);
    kind_pool_share(&pool, first, "a");
    kind_pool_share(&pool, second, "a");
    assert_ptr_not_equal(json_object_get(first, "a"), json_object_get(second, "a"));
    json_decref(first);
    json_decref(second);
    kind_pool_deinit(&pool);
}

static void test_a_sweep_keeps_what_is_in_use(void **state)
{
    (void)state;
    struct kind_pool pool = KIND_POOL_INIT;
    json_t *kept = object(-2);
    kind_pool_share(&pool, kept, NULL);
    for (int i = 0; i < 4000; i++) {
        json_t *passing = object(i);
        kind_pool_share(&pool, passing, NULL);
        json_decref(passing);
        kind_pool_sweep(&pool);
    }
    assert_in_range(pool.values.len, 4, 4 * 1024);
    json_t *again = object(-2);
    kind_pool_share(&pool, again, NULL);
    assert_ptr_equal(json_object_get(kept, "a"), json_object_get(again, "a"));
    json_decref(again);
    json_decref(kept);
    kind_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_parts_become_one),
        cmocka_unit_test(test_only_equal_parts_become_one),
        cmocka_unit_test(test_the_order_of_members_does_not_count),
        cmocka_unit_test(test_an_excepted_member_is_left_alone),
        cmocka_unit_test(test_a_sweep_keeps_what_is_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
