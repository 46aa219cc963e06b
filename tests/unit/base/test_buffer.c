#include "base/buffer.h"
#include "base/error.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void test_append_and_consume(void **state)
{
    (void)state;
    struct buffer buf = BUFFER_INIT(16);
    assert_string_equal(buffer_str(&buf), "");
    assert_int_equal(buffer_append_str(&buf, "hello "), 0);
    assert_int_equal(buffer_printf(&buf, "%d", 42), 0);
    assert_string_equal(buffer_str(&buf), "hello 42");
    buffer_consume(&buf, 6);
    assert_string_equal(buffer_str(&buf), "42");
    char *text = buffer_steal(&buf);
    assert_string_equal(text, "42");
    assert_int_equal(buf.len, 0);
    free(text);
    buffer_deinit(&buf);
}

static void test_maximum_leaves_content_alone(void **state)
{
    (void)state;
    struct buffer buf = BUFFER_INIT(8);
    assert_int_equal(buffer_append(&buf, "12345678", 8), 0);
    assert_int_equal(buffer_append(&buf, "9", 1), ERROR_LIMIT);
    assert_string_equal(buffer_str(&buf), "12345678");
    buffer_clear(&buf);
    assert_int_equal(buffer_append(&buf, "9", 1), 0);
    assert_string_equal(buffer_str(&buf), "9");
    buffer_deinit(&buf);
}

static void test_truncate_keeps_the_beginning(void **state)
{
    (void)state;
    struct buffer buf = BUFFER_INIT(8);
    buffer_truncate(&buf, 0);
    assert_string_equal(buffer_str(&buf), "");
    assert_int_equal(buffer_append_str(&buf, "abcdefgh"), 0);
    buffer_truncate(&buf, 3);
    assert_string_equal(buffer_str(&buf), "abc");
    assert_int_equal(buffer_append_str(&buf, "12345"), 0);
    assert_string_equal(buffer_str(&buf), "abc12345");
    buffer_deinit(&buf);
}

static void test_bytes_with_nul(void **state)
{
    (void)state;
    struct buffer buf = BUFFER_INIT(8);
    assert_int_equal(buffer_append(&buf, "a\0b", 3), 0);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.data, "a\0b", 4);
    buffer_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_and_consume),
        cmocka_unit_test(test_maximum_leaves_content_alone),
        cmocka_unit_test(test_truncate_keeps_the_beginning),
        cmocka_unit_test(test_bytes_with_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
