#include "base/error.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrap_keeps_code_and_adds_context),
        cmocka_unit_test(test_null_error_is_allowed),
        cmocka_unit_test(test_long_message_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
