#include "base/map.h"
#include "base/memory.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_many_keys_survive_growth_and_removal(void **state)
{
    (void)state;
    struct map map = MAP_INIT(free);
    char key[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key-%d", i);
        map_put(&map, key, memory_strdup(key));
    }
    for (int i = 0; i < 5000; i += 2) {
        snprintf(key, sizeof key, "key-%d", i);
        assert_true(map_remove(&map, key));
        assert_false(map_remove(&map, key));
    }
    assert_int_equal(map.len, 2500);
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key-%d", i);
        if (i % 2)
            assert_string_equal(map_get(&map, key), key);
        else
            assert_null(map_get(&map, key));
    }
    for (int i = 0; i < 5000; i += 2) {
        snprintf(key, sizeof key, "key-%d", i);
        map_put(&map, key, memory_strdup("again"));
    }
    assert_int_equal(map.len, 5000);
    assert_string_equal(map_get(&map, "key-4998"), "again");
    map_deinit(&map);
}

static void test_iterates_in_order_of_insertion(void **state)
{
    (void)state;
    struct map map = MAP_INIT(NULL);
    static const char *const keys[] = {"zebra", "apple", "mango", "kiwi"};
    for (size_t i = 0; i < 4; i++)
        map_put(&map, keys[i], (void *)keys[i]);
    map_remove(&map, "apple");
    size_t n = 0;
    const char *seen[4];
    map_for_each (&map, entry)
        seen[n++] = entry->key;
    assert_int_equal(n, 3);
    assert_string_equal(seen[0], "zebra");
    assert_string_equal(seen[1], "mango");
    assert_string_equal(seen[2], "kiwi");
    map_deinit(&map);
}

static void test_put_replaces_and_take_hands_over(void **state)
{
    (void)state;
    struct map map = MAP_INIT(free);
    map_put(&map, "a", memory_strdup("1"));
    map_put(&map, "a", memory_strdup("2"));
    assert_int_equal(map.len, 1);
    char *value = map_take(&map, "a");
    assert_string_equal(value, "2");
    free(value);
    assert_null(map_take(&map, "a"));
    map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_keys_survive_growth_and_removal),
        cmocka_unit_test(test_iterates_in_order_of_insertion),
        cmocka_unit_test(test_put_replaces_and_take_hands_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
