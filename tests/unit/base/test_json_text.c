#include "base/json_text.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS   2000
#define MAX_DEEP 5

static void collect(void *data, const char *piece, size_t len)
{
    assert_int_equal(buffer_append(data, piece, len), 0);
}

/* Against jansson's own. */
static void expect_same(const json_t *value, bool sorted)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | (sorted ? JSON_SORT_KEYS : 0);
    char *expected CLEANUP_FREE = json_dumps(value, flags);
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT(SIZE_MAX);
    assert_non_null(expected);
    size_t size = json_text_write(value, sorted, &(struct json_text_sink){collect, &text});
    assert_string_equal(buffer_str(&text), expected);
    assert_int_equal(size, strlen(expected));
    assert_int_equal(json_text_write(value, sorted, &(struct json_text_sink){0}), size);
    assert_true(json_text_bound(value) >= size);
}

static void expect_both(const json_t *value)
{
    expect_same(value, false);
    expect_same(value, true);
}

static void test_every_character_is_written_as_jansson_writes_it(void **state)
{
    (void)state;
    for (unsigned char c = 0; c < 0x80; c++) {
        const char text[] = {'a', (char)c, 'b'};
        json_t *value = json_pack("[s#,{s:s#}]", text, 3, "key", text + 1, 1);
        expect_both(value);
        json_decref(value);
    }
    json_t *wide = json_string("\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3\x7f/");
    expect_both(wide);
    json_decref(wide);
}

static void test_numbers(void **state)
{
    (void)state;
    const double reals[] = {0.0, -0.0, 1.0, 0.1, 1e21, -1.5e-9, 1e308, 12345678.25, 5e-324};
    const json_int_t integers[] = {0, -1, 42, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        json_t *value = json_real(reals[i]);
        expect_both(value);
        json_decref(value);
    }
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        json_t *value = json_integer(integers[i]);
        expect_both(value);
        json_decref(value);
    }
}

/* Longer than a piece, and ending anywhere around its end. */
static void test_long_texts(void **state)
{
    (void)state;
    for (size_t len = 1000; len < 1050; len++) {
        char *long_text CLEANUP_FREE = memory_calloc(5 * len + 1, 1);
        memset(long_text, 'x', len);
        json_t *value = json_pack("[s,s]", long_text, "y");
        expect_both(value);
        json_decref(value);
        memset(long_text, 'x', 5 * len);
        value = json_pack("{s:s,s:s}", "b", long_text, "a", "y");
        expect_both(value);
        json_decref(value);
    }
}

static json_t *random_string(void)
{
    char text[12];
    size_t len = (size_t)(rand() % (int)sizeof text);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(rand() % 0x7f + 1);
    return json_stringn(text, len);
}

static json_t *random_value(int deep)
{
    json_t *value = NULL;
    json_t *name = NULL;
    switch (rand() % (deep < MAX_DEEP ? 8 : 6)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(rand() % 2);
    case 2:
        return json_integer(rand() - RAND_MAX / 2);
    case 3:
        return json_real((double)rand() / 1000);
    case 6:
        value = json_array();
        for (int n = rand() % 5; n > 0; n--)
            json_array_append_new(value, random_value(deep + 1));
        return value;
    case 7:
        value = json_object();
        for (int n = rand() % 8; n > 0; n--) {
            name = random_string();
            json_object_set_new(value, json_string_value(name), random_value(deep + 1));
            json_decref(name);
        }
        return value;
    default:
        return random_string();
    }
}

static void test_random_values(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < unit_rounds(ROUNDS, 50); i++) {
        json_t *value = random_value(0);
        expect_both(value);
        json_decref(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_character_is_written_as_jansson_writes_it),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_random_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
