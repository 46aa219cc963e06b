#include "daemon/writer.h"

#include "source/source.h"

#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    char repo[128];
    uv_loop_t loop;
    struct writer *writer;
    uv_timer_t end;
    bool ended;
    int acted;
    int failed;
    int saved;
    int durable; /* changes that are on disk */
    int untidy;
    struct error error;
};

static void on_act(void *data, struct action *action)
{
    struct fixture *f = data;
    f->acted++;
    action_free(action);
}

static void on_failed(void *data, const struct error *cause)
{
    struct fixture *f = data;
    f->failed++;
    f->error = *cause;
}

static void on_saved(void *data)
{
    struct fixture *f = data;
    f->saved++;
}

static void on_durable(void *data, size_t changes)
{
    struct fixture *f = data;
    assert_true(f->acted <= f->durable); /* what is explained comes after */
    f->durable += (int)changes;
}

static void on_untidy(void *data, const struct error *cause)
{
    struct fixture *f = data;
    f->untidy++;
    f->error = *cause;
}

static int setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    struct history *history = NULL;
    snprintf(f->dir, sizeof f->dir, "/tmp/davit-writer-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->repo, sizeof f->repo, "%s/ledger.git", f->dir);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->end);
    f->end.data = f;
    const struct history_options ledger = {.path = f->repo, .pack_threshold = 1};
    assert_int_equal(history_open(&ledger, &history, NULL), 0);
    const struct writer_options options = {.loop = &f->loop,
                                           .history = history,
                                           .act = on_act,
                                           .failed = on_failed,
                                           .saved = on_saved,
                                           .durable = on_durable,
                                           .untidy = on_untidy,
                                           .data = f};
    f->writer = writer_new(&options);
    *state = f;
    return 0;
}

static void shell(const struct fixture *f, const char *command)
{
    char *line CLEANUP_FREE = memory_printf("cd %s && { %s; }", f->repo, command);
    assert_int_equal(system(line), 0);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    writer_close(f->writer);
    uv_close((uv_handle_t *)&f->end, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    char *clean CLEANUP_FREE = memory_printf("rm -rf %s", f->dir);
    assert_int_equal(system(clean), 0);
    free(f);
    return 0;
}

static void on_end(uv_timer_t *timer)
{
    struct fixture *f = timer->data;
    f->ended = true;
}

/* Until *count is at least so much; only a failure comes to the end of it. */
static bool runs_until(struct fixture *f, const int *count, int least)
{
    f->ended = false;
    uv_timer_start(&f->end, on_end, 120000, 0);
    while (*count < least && !f->ended)
        uv_run(&f->loop, UV_RUN_ONCE);
    uv_timer_stop(&f->end);
    return *count >= least;
}

static void runs_for(struct fixture *f, uint64_t ms)
{
    f->ended = false;
    uv_timer_start(&f->end, on_end, ms, 0);
    while (!f->ended)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static void give(struct fixture *f, const char *name, json_t *entry)
{
    struct ledger_change_vec changes = {0};
    struct action_vec actions = {0};
    vector_push(&changes, (struct ledger_change){.kind = LEDGER_SERVICE,
                                                 .name = memory_strdup(name),
                                                 .entry = entry,
                                                 .message = memory_strdup("a change")});
    vector_push(&actions, NEW(struct action));
    writer_give(f->writer, &changes, &actions);
}

static void test_actions_follow_what_is_saved(void **state)
{
    struct fixture *f = *state;
    give(f, "prod/web", json_pack("{s:i}", "n", 1));
    assert_int_equal(f->acted, 0);
    assert_true(runs_until(f, &f->acted, 1));
    assert_int_equal(f->failed + f->saved, 0);
    assert_int_equal(f->durable, 1);
}

static void test_a_ref_that_somebody_moved_is_named_with_its_remedy_and_not_hammered(void **state)
{
    struct fixture *f = *state;
    give(f, "prod/web", json_pack("{s:i}", "n", 1));
    assert_true(runs_until(f, &f->acted, 1));
    give(f, "prod/web", json_pack("{s:i}", "n", 2));
    assert_true(runs_until(f, &f->acted, 2));
    shell(f, "git update-ref refs/davit/state refs/davit/state~1");
    give(f, "prod/web", json_pack("{s:i}", "n", 3));
    assert_true(runs_until(f, &f->failed, 1));
    assert_int_equal(f->error.code, ERROR_CONFLICT);
    assert_non_null(strstr(f->error.message, "refs/davit/state"));
    assert_non_null(strstr(f->error.message, "another davit, or a person"));
    assert_non_null(strstr(f->error.message, "start it again"));
    runs_for(f, 3 * WRITER_RETRY_FIRST_MS);
    assert_int_equal(f->failed, 1);
    assert_int_equal(f->acted, 2);
    assert_int_equal(f->durable, 2);
}

/* The remedy of an entry that is too large is a smaller one. */
static void test_a_later_change_mends_what_cannot_be_saved(void **state)
{
    struct fixture *f = *state;
    size_t len = LIMIT_LEDGER_ENTRY_BYTES;
    char *text CLEANUP_FREE = memory_alloc(len + 1);
    memset(text, 'x', len);
    text[len] = '\0';
    give(f, "prod/web", json_pack("{s:s}", "text", text));
    assert_true(runs_until(f, &f->failed, 1));
    assert_int_equal(f->error.code, ERROR_LIMIT);
    assert_non_null(strstr(f->error.message, "LIMIT_LEDGER_ENTRY_BYTES"));
    assert_int_equal(f->acted, 0);
    give(f, "prod/web", json_pack("{s:s}", "text", "less"));
    assert_int_equal(f->durable, 0);
    assert_true(runs_until(f, &f->saved, 1));
    assert_true(runs_until(f, &f->acted, 2));
    assert_int_equal(f->failed, 1);
    assert_int_equal(f->durable, 2);
}

/* What a person mends on the disk is found by itself. */
static void test_a_passing_failure_is_tried_again(void **state)
{
    struct fixture *f = *state;
    give(f, "prod/web", json_pack("{s:i}", "n", 1));
    assert_true(runs_until(f, &f->acted, 1));
    shell(f, "mv objects away && touch objects");
    give(f, "prod/web", json_pack("{s:i}", "n", 2));
    assert_true(runs_until(f, &f->failed, 2));
    shell(f, "rm objects && mv away objects");
    assert_true(runs_until(f, &f->saved, 1));
    assert_int_equal(f->acted, 2);
}

static void test_what_hinders_tidying_is_told_once(void **state)
{
    struct fixture *f = *state;
    give(f, "prod/web", json_pack("{s:i}", "n", 1));
    assert_true(runs_until(f, &f->acted, 1));
    shell(f, "touch objects/merge-davit");
    for (int n = 2; n <= 9; n++) {
        give(f, "prod/web", json_pack("{s:i}", "n", n));
        assert_true(runs_until(f, &f->acted, n));
    }
    assert_int_equal(f->untidy, 0); /* what waits to be saved goes first */
    assert_true(runs_until(f, &f->untidy, 1));
    give(f, "prod/web", json_pack("{s:i}", "n", 10));
    runs_for(f, WRITER_QUIET_MS + 500);
    assert_int_equal(f->failed, 0);
    assert_int_equal(f->untidy, 1);
    assert_non_null(strstr(f->error.message, f->repo));
    assert_non_null(strstr(f->error.message, "cannot make the directory"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_actions_follow_what_is_saved),
        TEST(test_a_ref_that_somebody_moved_is_named_with_its_remedy_and_not_hammered),
        TEST(test_a_later_change_mends_what_cannot_be_saved),
        TEST(test_a_passing_failure_is_tried_again),
        TEST(test_what_hinders_tidying_is_told_once),
    };
    /* What libgit2 keeps for each thread goes with the threads, as long as it is in use itself. */
    assert_int_equal(source_library_init(NULL), 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    uv_library_shutdown();
    source_library_deinit();
    return failed;
}
