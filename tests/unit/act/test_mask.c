#include "act/mask.h"

#include "../unit.h"

#include <string.h>

static void check(const char *value, const char *message, const char *expected)
{
    struct mask mask = {0};
    struct error error = ERROR_INIT;
    mask_add(&mask, NULL);
    mask_add(&mask, value);
    error_set(&error, ERROR_INVALID, "%s", message);
    mask_apply(&mask, &error);
    assert_string_equal(error.message, expected);
    mask_deinit(&mask);
}

static void test_a_value_is_covered_wherever_it_is(void **state)
{
    (void)state;
    check("secret", "", "");
    check("secret", "no word of it", "no word of it");
    check("secret", "secret", "***");
    check("secret", "A=secret,B=secretsecret.", "A=***,B=******.");
    check("secret", "secre ", "secre ");
    check("aab", "aaab", "a***");
    check("no", "no such image", "no such image"); /* too short to hide */
    check("", "nothing", "nothing");
}

static void test_a_value_in_quotes_and_by_lines(void **state)
{
    (void)state;
    check("a\"b\\c", "env \"X=a\\\"b\\\\c\"", "env \"X=***\"");
    check("one\nsecond\r\n", "A=one\nsecond\r\n.", "A=***.");
    check("one\nsecond\n", "\"one\\nsecond\\n\"", "\"***\"");
    check("one\nsecond\n", "line 2: second", "line 2: ***");
    check("a<b&c>", "{\"a\\u003cb\\u0026c\\u003e\"}", "{\"***\"}");
}

static void test_a_value_that_the_end_has_cut(void **state)
{
    (void)state;
    check("secret", "quoted: sec", "quoted: ***");
    check("secret", "quoted: se", "quoted: se");
    char message[LIMIT_ERROR_CHARS + 4];
    memset(message, '.', sizeof message);
    memcpy(message + LIMIT_ERROR_CHARS - 6, "caf\xc3\xa9s", 7); /* the cut goes through a character */
    struct mask mask = {0};
    struct error error = ERROR_INIT;
    mask_add(&mask, "caf\xc3\xa9s");
    error_set(&error, ERROR_INVALID, "%s", message);
    mask_apply(&mask, &error);
    assert_null(strstr(error.message, "caf"));
    mask_deinit(&mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_value_is_covered_wherever_it_is),
                                       cmocka_unit_test(test_a_value_in_quotes_and_by_lines),
                                       cmocka_unit_test(test_a_value_that_the_end_has_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
