#include "base/error.h"
#include "base/text.h"
#include "unit.h"

#include <string.h>

static void test_wrap_keeps_code_and_adds_context(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(error_set(&err, ERROR_NOT_FOUND, "no image %s", "demo"), ERROR_NOT_FOUND);
    assert_int_equal(error_wrap(&err, ERROR_INTERNAL, "create %s", "web"), ERROR_NOT_FOUND);
    assert_string_equal(error_text(&err), "create web: no image demo");
}

static void test_null_error_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, ERROR_IO, "x"), ERROR_IO);
    assert_int_equal(error_wrap(NULL, ERROR_IO, "x"), ERROR_IO);
}

static void test_long_message_is_cut(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char big[3 * LIMIT_ERROR_CHARS];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    error_set(&err, ERROR_INVALID, "%s", big);
    assert_int_equal(strlen(err.message), LIMIT_ERROR_CHARS - 1);
    error_wrap(&err, ERROR_INVALID, "%s", big);
    assert_int_equal(strlen(err.message), LIMIT_ERROR_CHARS - 1);
}

/* The cut falls on each byte of a character in turn. */
static void test_a_message_is_utf8_wherever_it_is_cut(void **state)
{
    (void)state;
    char big[3 * LIMIT_ERROR_CHARS + 1] = "";
    for (size_t i = 0; i < LIMIT_ERROR_CHARS; i++)
        memcpy(big + 3 * i, "\xe2\x82\xac", 3);
    for (int shift = 0; shift < 3; shift++) {
        struct error err = ERROR_INIT;
        error_set(&err, ERROR_INVALID, "%.*s%s", shift, "abc", big);
        assert_true(text_is_utf8(err.message, strlen(err.message)));
        assert_in_range(strlen(err.message), LIMIT_ERROR_CHARS - 3, LIMIT_ERROR_CHARS - 1);
        for (int more = 0; more < 3; more++)
            error_wrap(&err, ERROR_INVALID, "%.*s", shift + 1, "abc");
        assert_true(text_is_utf8(err.message, strlen(err.message)));
        error_wrap(&err, ERROR_INVALID, "%.*s%s", shift, "abc", big);
        assert_true(text_is_utf8(err.message, strlen(err.message)));
    }
}

static void test_foreign_bytes_are_replaced(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    error_set(&err, ERROR_INTERNAL, "the engine says \"%s\"", "caf\xe9");
    assert_string_equal(err.message, "the engine says \"caf?\"");
    error_wrap(&err, ERROR_INTERNAL, "create \xff");
    assert_string_equal(err.message, "create ?: the engine says \"caf?\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrap_keeps_code_and_adds_context),
        cmocka_unit_test(test_null_error_is_allowed),
        cmocka_unit_test(test_long_message_is_cut),
        cmocka_unit_test(test_a_message_is_utf8_wherever_it_is_cut),
        cmocka_unit_test(test_foreign_bytes_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
