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

/* The value that replaces another brings its own key along. */
static void test_keys_that_are_part_of_values_are_borrowed(void **state)
{
    (void)state;
    struct map map = MAP_INIT_BORROWING(free);
    for (int i = 0; i < 100; i++) {
        char *value = memory_printf("key-%d", i % 50);
        map_put(&map, value, value);
    }
    assert_int_equal(map.len, 50);
    assert_ptr_equal(map_next(&map, NULL)->key, map_get(&map, "key-0"));
    char *taken CLEANUP_FREE = map_take(&map, "key-7");
    assert_string_equal(taken, "key-7");
    assert_true(map_remove(&map, "key-8"));
    assert_null(map_get(&map, "key-8"));
    assert_int_equal(map.len, 48);
    map_deinit(&map);
}

/* Each pair of words is one of two that come to the same in a hash that multiplies: 2^8 keys were one. */
static void test_keys_cannot_be_chosen_to_collide(void **state)
{
    (void)state;
    struct map map = {0};
    for (unsigned i = 0; i < 256; i++) {
        char key[8 * 16 + 1];
        memset(key, 'a', sizeof key - 1);
        key[sizeof key - 1] = '\0';
        for (unsigned pair = 0; pair < 8; pair++) {
            if (!(i >> pair & 1))
                continue;
            key[pair * 16 + 7] = (char)('a' ^ 0x80);
            key[pair * 16 + 11] = (char)('a' ^ 0x80);
            key[pair * 16 + 15] = (char)('a' ^ 0x80);
        }
        map_put(&map, key, (void *)1);
    }
    assert_int_equal(map.len, 256);
    map_for_each (&map, left) {
        for (const struct map_entry *right = map_next(&map, left); right; right = map_next(&map, right))
            assert_true(left->hash != right->hash);
    }
    map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_keys_survive_growth_and_removal),
        cmocka_unit_test(test_iterates_in_order_of_insertion),
        cmocka_unit_test(test_put_replaces_and_take_hands_over),
        cmocka_unit_test(test_keys_that_are_part_of_values_are_borrowed),
        cmocka_unit_test(test_keys_cannot_be_chosen_to_collide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
