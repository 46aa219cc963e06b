#include "model/run.h"

#include "base/text.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const char id[] = "0123456789abcdef0123456789abcdef";

/* Everything is set. */
static struct run *sample(void)
{
    struct run *run = NEW(struct run);
    *run = (struct run){.cluster = memory_strdup("c"),
                        .group = memory_strdup("batch"),
                        .started_by = memory_strdup("me"),
                        .client_token = memory_strdup("t"),
                        .request = digest_of_bytes("r", 1),
                        .family = memory_strdup("job"),
                        .revision = 3,
                        .overrides = json_pack("{s:s}", "cpu", "256"),
                        .instance = memory_strdup("one"),
                        .created_ms = 1000,
                        .stopping_ms = 2000,
                        .started_ms = 1500,
                        .stopped_ms = 3000,
                        .stop_code = memory_strdup(STOP_CODE_ESSENTIAL_EXITED),
                        .stop_reason = memory_strdup("Essential container in task exited")};
    memcpy(run->id, id, sizeof run->id);
    strcpy(run->commit, "3333333333333333333333333333333333333333");
    vector_push(&run->started, memory_strdup("app"));
    vector_push(&run->exits, (struct run_exit){.container = memory_strdup("app"),
                                               .image = memory_strdup("job:1"),
                                               .essential = true,
                                               .has_exit_code = true,
                                               .exit_code = 137,
                                               .oom_killed = true,
                                               .reason = memory_strdup("killed"),
                                               .finished_ms = 2900});
    return run;
}

static void expect_same(const struct run *run, const struct run *other)
{
    json_t *left CLEANUP(json_decrefp) = run_to_json(run);
    json_t *right CLEANUP(json_decrefp) = run_to_json(other);
    assert_true(json_equal(left, right));
    assert_int_equal(json_object_size(left), 19);
}

static void test_it_travels(void **state)
{
    (void)state;
    struct run *run CLEANUP(run_freep) = sample();
    struct run *copy CLEANUP(run_freep) = run_copy(run);
    struct run *back CLEANUP(run_freep) = NULL;
    json_t *json CLEANUP(json_decrefp) = run_to_json(run);
    expect_same(run, copy);
    assert_int_equal(run_from_json(json, &back), 0);
    expect_same(run, back);
    assert_int_equal(back->exits.items[0].exit_code, 137);
    assert_true(back->exits.items[0].oom_killed);
}

static void test_what_is_no_entry(void **state)
{
    (void)state;
    static const char *const required[] = {"cluster", "id", "group", "family", "instance"};
    struct run *run CLEANUP(run_freep) = sample();
    struct run *back = NULL;
    for (size_t i = 0; i < ARRAY_LEN(required); i++) {
        json_t *json CLEANUP(json_decrefp) = run_to_json(run);
        json_object_del(json, required[i]);
        assert_int_equal(run_from_json(json, &back), ERROR_INVALID);
    }
    json_t *json CLEANUP(json_decrefp) = run_to_json(run);
    json_object_set_new(json, "id", json_string("abc"));
    assert_int_equal(run_from_json(json, &back), ERROR_INVALID);
    assert_null(back);
}

static void test_the_first_reason_stays(void **state)
{
    (void)state;
    struct run *run CLEANUP(run_freep) = NEW(struct run);
    run_stop(run, STOP_CODE_USER, "enough", 5);
    run_stop(run, STOP_CODE_ESSENTIAL_EXITED, "exited", 6);
    assert_string_equal(run->stop_code, STOP_CODE_USER);
    assert_string_equal(run->stop_reason, "enough");
    assert_int_equal(run->stopping_ms, 5);
}

static void add_exit(struct run *run, const char *name, int code, int64_t at_ms)
{
    vector_push(&run->exits, (struct run_exit){.container = memory_strdup(name),
                                               .essential = name[0] != 'l',
                                               .has_exit_code = code >= 0,
                                               .exit_code = code,
                                               .finished_ms = at_ms});
}

/* The task ended with it: of a stop that followed the code says nothing. */
static void test_the_decisive_container(void **state)
{
    (void)state;
    struct run *run CLEANUP(run_freep) = NEW(struct run);
    run->stopped_ms = 100;
    run_stop(run, STOP_CODE_ESSENTIAL_EXITED, "exited", 60);
    assert_null(run_decisive(run));
    assert_false(run_succeeded(run));
    add_exit(run, "log", 1, 10);
    add_exit(run, "never", -1, 0);
    assert_null(run_decisive(run));
    add_exit(run, "db", 143, 70);
    add_exit(run, "app", 0, 60);
    assert_string_equal(run_decisive(run)->container, "app");
    assert_true(run_succeeded(run));
    run->stopped_ms = 0;
    assert_false(run_succeeded(run));
    run->stopped_ms = 100;
    free(run->stop_code);
    run->stop_code = memory_strdup(STOP_CODE_USER);
    assert_null(run_decisive(run));
    assert_false(run_succeeded(run));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_travels),
        cmocka_unit_test(test_what_is_no_entry),
        cmocka_unit_test(test_the_first_reason_stays),
        cmocka_unit_test(test_the_decisive_container),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
