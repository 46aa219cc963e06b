#include "fixture.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than one batch, so that reading and delivering take turns. */
static void test_long_history_comes_in_batches(void **state)
{
    struct fixture *f = *state;
    fixture_sh(
        f,
        "git init -q -b main repo; cd repo; for i in $(seq 300); do "
        "printf 'commit refs/heads/main\\ncommitter A <a@b> %%d +0000\\ndata 1\\nxM 100644 inline web.yaml\\n"
        "data 3\\n%%03d\\n' $i $i; done | git fast-import --quiet");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=300;");
    assert_int_equal(f->seen.len, 300);
    for (size_t i = 0; i < f->seen.len; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "web.yaml=%03zu;", i + 1);
        assert_string_equal(f->seen.items[i].files, expected);
        assert_int_equal(f->seen.items[i].head, i == 299);
    }
}

static void test_an_unknown_since_is_a_rewritten_history(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    f->options.since = "0123456789012345678901234567890123456789";
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    assert_true(fixture_last(f)->rewritten);
    assert_string_equal(fixture_last(f)->fork, "");
}

static void test_freed_in_a_callback_and_at_once(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "cd repo; printf two >web.yaml; git commit -qam second");
    f->free_in_update = true;
    fixture_start(f);
    fixture_await_updates(f, 1);
    fixture_idle(f, 100);
    assert_int_equal(f->seen.len, 1);
    assert_int_equal(f->errors.len, 0);
    fixture_start(f);
    source_poke(f->source);
    fixture_stop(f);
    assert_int_equal(f->seen.len, 1);
}

static void test_pokes_without_news_say_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_start(f);
    fixture_await_ok(f);
    source_free(NULL); /* a start that failed before it had one */
    for (int i = 0; i < 5; i++) {
        source_poke(f->source);
        source_poke(f->source);
        fixture_idle(f, 20);
    }
    assert_int_equal(f->seen.len, 1);
    assert_int_equal(f->errors.len, 1);
}

/* A look that failed is no outage yet, nor are two: it is told once. */
static void test_not_away_for_a_while(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    f->options.away_ms = 3600 * 1000;
    fixture_start(f);
    fixture_await_ok(f);
    fixture_sh(f, "mv repo gone");
    fixture_await_error(f, "No such file");
    size_t told = f->errors.len;
    fixture_await_failures(f, 2);
    assert_int_equal(f->errors.len, told);
    assert_false(source_get_status(f->source)->away);
}

/* The same error is told once more when it is an outage, and each outage counts anew. */
static void test_away_after_a_while(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    f->options.away_ms = 1;
    fixture_start(f);
    fixture_await_ok(f);
    for (int i = 0; i < 2; i++) {
        size_t told = f->errors.len;
        fixture_sh(f, "mv repo gone");
        fixture_await_errors(f, told + 2);
        assert_int_equal(f->errors.len, told + 2);
        assert_non_null(strstr(f->errors.items[told + 1], "No such file")); /* most likely the first too */
        assert_int_equal(f->told_away, told + 2);                           /* not the first */
        assert_true(source_get_status(f->source)->away);
        assert_int_equal(source_get_status(f->source)->told, f->errors.len);
        fixture_sh(f, "mv gone repo");
        fixture_await_ok(f);
        assert_false(source_get_status(f->source)->away);
        f->told_away = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_long_history_comes_in_batches, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_an_unknown_since_is_a_rewritten_history, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_freed_in_a_callback_and_at_once, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_pokes_without_news_say_nothing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_not_away_for_a_while, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_away_after_a_while, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
