#include "base/limits.h"
#include "model/diagnostic.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void test_text_names_place_and_remedy(void **state)
{
    (void)state;
    struct diagnostic diagnostic = {.file = (char *)"web.yaml",
                                    .at = {12, 5},
                                    .pointer = (char *)"/containerDefinitions/0/imge",
                                    .code = (char *)"unknown-member",
                                    .message = (char *)"unknown member \"imge\"",
                                    .hint = (char *)"did you mean \"image\"?"};
    char *text = diagnostic_to_text(&diagnostic);
    assert_string_equal(
        text, "web.yaml:12:5: error: unknown member \"imge\" at /containerDefinitions/0/imge; did you "
              "mean \"image\"?");
    free(text);
}

static void test_sorted_by_place(void **state)
{
    (void)state;
    struct diagnostics diagnostics = {0};
    diagnostics_error(&diagnostics, "b.yaml", (struct position){1, 1}, "x", "third");
    diagnostics_error(&diagnostics, "a.yaml", (struct position){9, 1}, "x", "second");
    diagnostics_error(&diagnostics, "a.yaml", (struct position){2, 7}, "x", "first");
    diagnostics_sort(&diagnostics);
    assert_string_equal(diagnostics.list.items[0].message, "first");
    assert_string_equal(diagnostics.list.items[1].message, "second");
    assert_string_equal(diagnostics.list.items[2].message, "third");
    diagnostics_deinit(&diagnostics);
}

/* Names of files and members come from a repository, which may be a stranger's. */
static void test_text_does_nothing_to_a_terminal(void **state)
{
    (void)state;
    struct diagnostic diagnostic = {.file = (char *)"a\033[2J.yaml",
                                    .at = {1, 2},
                                    .pointer = (char *)"/x\xc2\x9b"
                                                       "1m",
                                    .code = (char *)"unknown-member",
                                    .message = (char *)"unknown member \"\033]0;title\007\""};
    char *text = diagnostic_to_text(&diagnostic);
    assert_string_equal(text, "a\\u001B[2J.yaml:1:2: error: unknown member \"\\u001B]0;title\\u0007\" at "
                              "/x\\u009B1m");
    free(text);
}

static void test_bounded_but_counted(void **state)
{
    (void)state;
    struct diagnostics diagnostics = {0};
    for (int i = 0; i < LIMIT_DIAGNOSTICS + 50; i++)
        diagnostics_error(&diagnostics, "a.yaml", (struct position){i, 1}, "x", "error %d", i);
    assert_int_equal(diagnostics.list.len, LIMIT_DIAGNOSTICS);
    assert_int_equal(diagnostics.errors, LIMIT_DIAGNOSTICS + 50);
    struct diagnostics sum = {0};
    diagnostics_append(&sum, &diagnostics);
    assert_int_equal(sum.errors, LIMIT_DIAGNOSTICS + 50);
    json_t *json = diagnostics_to_json(&sum);
    struct diagnostics back;
    assert_int_equal(diagnostics_from_json(json, &back), 0);
    assert_int_equal(back.list.len, LIMIT_DIAGNOSTICS);
    assert_int_equal(back.errors, LIMIT_DIAGNOSTICS + 50);
    json_decref(json);
    diagnostics_deinit(&back);
    diagnostics_deinit(&sum);
    diagnostics_deinit(&diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_names_place_and_remedy),
        cmocka_unit_test(test_sorted_by_place),
        cmocka_unit_test(test_text_does_nothing_to_a_terminal),
        cmocka_unit_test(test_bounded_but_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
