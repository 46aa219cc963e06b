#include "history/layout.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void test_paths_lead_back_to_names(void **state)
{
    (void)state;
    static const struct {
        enum ledger_change_kind kind;
        const char *name;
    } names[] = {{LEDGER_SERVICE, "prod/web"}, {LEDGER_FAMILY, "web-1_x"}, {LEDGER_SOURCE, "main"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = NULL;
        char *name = NULL;
        assert_int_equal(history_layout_path(names[i].kind, names[i].name, &path, NULL), 0);
        assert_int_equal(history_layout_name(names[i].kind, path, &name), 0);
        assert_string_equal(name, names[i].name);
        free(path);
        free(name);
    }
}

static void test_nothing_else_becomes_a_path(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "web",
                                      "/web",
                                      "prod/",
                                      "prod/../web",
                                      "../web",
                                      "prod/we b",
                                      "prod/web.json",
                                      "prod/a/b",
                                      "prod//b",
                                      ".git/x",
                                      "prod/w\xc3\xa9"
                                      "b",
                                      "a\\b/c"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *path = NULL;
        struct error err = ERROR_INIT;
        assert_int_equal(history_layout_path(LEDGER_SERVICE, bad[i], &path, &err), ERROR_INVALID);
        assert_null(path);
    }
    char longest[300];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    char *path = NULL;
    assert_int_equal(history_layout_path(LEDGER_FAMILY, longest, &path, NULL), ERROR_INVALID);
}

static void test_a_file_in_the_wrong_place_has_no_name(void **state)
{
    (void)state;
    static const char *const bad[] = {"services/zz/prod/web.json", "services", "services/00/.json",
                                      "services/aa/prod/web"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *name = NULL;
        assert_int_equal(history_layout_name(LEDGER_SERVICE, bad[i], &name), ERROR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_lead_back_to_names),
        cmocka_unit_test(test_nothing_else_becomes_a_path),
        cmocka_unit_test(test_a_file_in_the_wrong_place_has_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
