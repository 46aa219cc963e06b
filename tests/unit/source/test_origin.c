#include "source/origin.h"

#include "base/memory.h"
#include "source/source.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_which_origins_are_remote(void **state)
{
    (void)state;
    static const char *const remote[] = {"https://host/a.git", "file:///srv/a", "ssh://git@host/a",
                                         "git@host:a/b.git",   "host:a",        "git://host/a"};
    static const char *const local[] = {"/srv/a", "a", "./a:b", "../a", "/srv/a:b", ".", ":a", "a:"};
    for (size_t i = 0; i < ARRAY_LEN(remote); i++)
        assert_true(source_origin_is_remote(remote[i]));
    for (size_t i = 0; i < ARRAY_LEN(local); i++)
        assert_false(source_origin_is_remote(local[i]));
}

static void test_paths_of_this_machine(void **state)
{
    (void)state;
    assert_string_equal(source_origin_path("/srv/a"), "/srv/a");
    assert_string_equal(source_origin_path("file:///srv/a"), "/srv/a");
    assert_string_equal(source_origin_path("file://localhost/srv/a"), "/srv/a");
    assert_null(source_origin_path("git@host:a"));
    assert_null(source_origin_path("https://host/a"));
}

static void test_redacts_what_is_secret(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"https://ada:pw@host/a.git", "https://***@host/a.git"},
        {"https://ghp_token@host/a.git", "https://***@host/a.git"},
        {"https://ada:p@w@host/a.git", "https://***@host/a.git"},
        {"https://ada:p/w@host/a.git", "https://***@host/a.git"},
        {"https://host/a.git?token=pw", "https://host/a.git?***"},
        {"https://ada:pw@host/a?x=1", "https://***@host/a?***"},
        {"https://ada:p@s/w@host/a.git", "https://***@host/a.git"},
        {"https://ada:p w@host/a.git", "https://***@host/a.git"},
        {"ssh://git:pw@host/a", "ssh://git:***@host/a"},
        {"ssh://git@host/a", "ssh://git@host/a"},
        {"git@host:a/b.git", "git@host:a/b.git"},
        {"https://host/a.git", "https://host/a.git"},
        {"/srv/what?", "/srv/what?"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *shown CLEANUP_FREE = source_redact(cases[i][0]);
        assert_string_equal(shown, cases[i][1]);
    }
}

static void test_redacts_errors(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    error_set(&err, ERROR_IO, "cannot reach https://ada:s3cret@host/a (s3cret)");
    source_origin_redact_error("https://ada:s3cret@host/a", &err);
    assert_string_equal(err.message, "cannot reach https://***@host/a (***)");
    assert_int_equal(err.code, ERROR_IO);
    source_origin_redact_error("/srv/a", &err);
    assert_string_equal(err.message, "cannot reach https://***@host/a (***)");
    error_set(&err, ERROR_IO, "no host s/w@host, user ada:p (p)");
    source_origin_redact_error("https://ada:p@s/w@host/a.git", &err);
    assert_null(strstr(err.message, "ada:p"));
    error_set(&err, ERROR_IO, "cannot reach https://ada:s3cret@host/a (s3cret)");
    source_origin_redact_error("https://ada:s3cret@host/a", &err);
    assert_string_equal(err.message, "cannot reach https://***@host/a (***)");
}

static void test_branch_names(void **state)
{
    (void)state;
    char *full CLEANUP_FREE = source_origin_ref("feature/x");
    char *same CLEANUP_FREE = source_origin_ref("refs/tags/v1");
    assert_string_equal(full, "refs/heads/feature/x");
    assert_string_equal(same, "refs/tags/v1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_origins_are_remote),
        cmocka_unit_test(test_paths_of_this_machine),
        cmocka_unit_test(test_redacts_what_is_secret),
        cmocka_unit_test(test_redacts_errors),
        cmocka_unit_test(test_branch_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
