#include "base/base64.h"
#include "base/error.h"
#include "unit.h"

#include <stdlib.h>

static void test_both_ways(void **state)
{
    (void)state;
    static const char bytes[] = {0, 1, (char)0xff, 'a', 0};
    char *text = base64_encode(bytes, sizeof bytes);
    assert_string_equal(text, "AAH/YQA=");
    char *back = NULL;
    size_t len = 0;
    assert_int_equal(base64_decode(text, &back, &len), 0);
    assert_int_equal(len, sizeof bytes);
    assert_memory_equal(back, bytes, sizeof bytes);
    free(text);
    free(back);
    text = base64_encode("", 0);
    assert_string_equal(text, "");
    free(text);
}

static void test_what_is_not_base64_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"A", "AA=A", "####", "AAH/YQ"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *data = NULL;
        size_t len = 0;
        assert_int_equal(base64_decode(bad[i], &data, &len), ERROR_INVALID);
        assert_null(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_what_is_not_base64_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
