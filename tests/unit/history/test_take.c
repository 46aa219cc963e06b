/* A new history goes on from a state that was fetched. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define FETCHED "refs/davit/fetched"

/* What was saved is known as the fetched ref alone. */
static void lose_and_fetch(struct fixture *f)
{
    assert_int_equal(fixture_save(f, "prod/web", 1, NULL), 0);
    assert_int_equal(fixture_save(f, "prod/web", 2, NULL), 0);
    free(fixture_run(f,
                     "git update-ref " FETCHED " refs/davit/state && git update-ref -d refs/davit/state && "
                     "rm -rf logs"));
    fixture_reopen(f);
    assert_true(history_is_new(f->history));
}

static void open_as(struct fixture *f, const char *owner)
{
    f->options.owner = owner;
    fixture_reopen(f);
}

static void refuse(struct fixture *f, int code, const char *text)
{
    struct error err = ERROR_INIT;
    assert_int_equal(history_take(f->history, FETCHED, &err), code);
    if (!strstr(error_text(&err), text))
        fail_msg("\"%s\" is not in \"%s\"", text, error_text(&err));
    assert_true(history_is_new(f->history));
    fixture_reopen(f);
    assert_true(history_is_new(f->history));
}

static void test_it_goes_on(void **state)
{
    struct fixture *f = *state;
    struct history_report report;
    struct error err = ERROR_INIT;
    open_as(f, "me");
    lose_and_fetch(f);
    assert_int_equal(history_take(f->history, FETCHED, &err), 0);
    assert_int_equal(fixture_load(f, "prod/web", &report), 2);
    assert_false(history_is_new(f->history));
    assert_int_equal(fixture_save(f, "prod/web", 3, NULL), 0);
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", &report), 3);
    assert_string_equal(report.text, "");
    char *commits = fixture_run(f, "git rev-list --count refs/davit/state && git for-each-ref | wc -l");
    assert_string_equal(commits, "3\n1\n");
    free(commits);
    assert_int_equal(history_take(f->history, FETCHED, &err), ERROR_CONFLICT);
}

/* Killed before what is to be left out was saved: it is fetched again. */
static void test_it_is_new_until_it_is_saved(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    lose_and_fetch(f);
    assert_int_equal(history_take(f->history, FETCHED, &err), 0);
    fixture_reopen(f);
    assert_true(history_is_new(f->history));
}

static void test_of_another_owner(void **state)
{
    struct fixture *f = *state;
    open_as(f, "somebody");
    lose_and_fetch(f);
    open_as(f, "me");
    refuse(f, ERROR_CONFLICT, "owner somebody, and this davit is me");
}

static void test_of_a_newer_davit(void **state)
{
    struct fixture *f = *state;
    lose_and_fetch(f);
    free(fixture_run(
        f, "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a && "
           "T=$( (git ls-tree " FETCHED " | grep -v format && printf '100644 blob %%s\\tformat\\n' "
           "$(echo 2 | git hash-object -w --stdin)) | git mktree) && "
           "git update-ref " FETCHED " $(git commit-tree -m x $T)"));
    refuse(f, ERROR_UNSUPPORTED, "format 2");
}

static void test_what_is_no_ledger(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    lose_and_fetch(f);
    free(fixture_run(
        f, "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a && "
           "git update-ref " FETCHED " $(git commit-tree -m x $(git mktree </dev/null))"));
    refuse(f, ERROR_INVALID, "no ledger");
    assert_int_equal(history_take(f->history, FETCHED, &err), ERROR_NOT_FOUND);
    free(fixture_run(f, "git update-ref " FETCHED " $(echo text | git hash-object -w --stdin)"));
    refuse(f, ERROR_INVALID, "no ledger");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_it_goes_on),       CASE(test_it_is_new_until_it_is_saved), CASE(test_of_another_owner),
        CASE(test_of_a_newer_davit), CASE(test_what_is_no_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
