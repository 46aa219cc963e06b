/* What the source hands out reaches core: one member that is forgotten on the way, and a rule of it is none.
 */
#include "../api/fixture.h"
#include "base/text.h"
#include "daemon/inputs.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    struct fixture *fixture = NEW(struct fixture);
    fixture_init(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

/* As the walk of a branch makes them; oid is two digits. */
struct told {
    const char *oid;
    const char *yaml;
    int approved; /* deletions, by its trailer */
    bool rewritten;
};

static void deliver(struct fixture *fixture, const struct told *told)
{
    struct source_update update = {.head = true, .full = true, .rewritten = told->rewritten};
    struct event event;
    struct effect_vec effects = {0};
    for (size_t i = 0; i < 40; i++)
        update.commit.oid[i] = told->oid[i % 2];
    update.commit.approved_deletions = told->approved;
    struct source_file file = {
        .path = memory_strdup("demo.yaml"), .content = memory_strdup(told->yaml), .len = strlen(told->yaml)};
    vector_push(&update.files, file);
    input_commit(NULL, &update, &event);
    assert_null(update.files.items[0].path); /* taken over */
    event.now_ms = fixture->now_ms;
    event.seed = ++fixture->seed;
    core_step(fixture->core, &event, &effects);
    effect_vec_deinit(&effects);
    vector_deinit(&update.files);
}

static const char *held(struct fixture *fixture)
{
    struct view_source source;
    core_view_source(fixture->core, &source);
    return source.held;
}

#define CLUSTER "kind: Cluster\nclusterName: demo\n"
#define SERVICE(name)                                                                                        \
    "---\nkind: Service\nserviceName: " name "\ncluster: demo\ntaskDefinition: web\ndesiredCount: 0\n"
#define TASK                                                                                                 \
    "---\nkind: TaskDefinition\nfamily: web\ncontainerDefinitions: [{name: web, image: 'nginx:1', memory: "  \
    "64}]\n"

/* The approval was of a commit that is gone: what took its place asks for one of its own. */
static void test_an_approval_does_not_outlive_a_forced_push(void **state)
{
    static const char all[] = CLUSTER TASK SERVICE("a") SERVICE("b") SERVICE("c") SERVICE("d");
    static const char one[] = CLUSTER TASK SERVICE("a");
    for (int rewritten = 0; rewritten < 2; rewritten++) {
        struct fixture *fixture = *state;
        deliver(fixture, &(struct told){"a1", all, 0, rewritten});
        assert_null(held(fixture));
        /* Too few are approved: it is held, and its number counts for what is put on top of it. */
        deliver(fixture, &(struct told){"b2", one, 2, false});
        assert_non_null(held(fixture));
        deliver(fixture, &(struct told){"c3", one, 1, rewritten});
        assert_int_equal(held(fixture) != NULL, rewritten);
        teardown(state);
        setup(state);
    }
}

static void test_each_member_of_a_commit_arrives(void **state)
{
    (void)state;
    struct source_update update = {.commit = {.oid = "c0ffee",
                                              .author = (char *)"Ada <ada@example.org>",
                                              .subject = (char *)"web",
                                              .time_ms = 1700000000000,
                                              .approved_deletions = 3},
                                   .head = true,
                                   .full = true,
                                   .rewritten = true,
                                   .generation = 7,
                                   .levels = 2};
    struct event event;
    input_commit("shop", &update, &event);
    assert_int_equal(event.kind, EVENT_COMMIT);
    assert_string_equal(event.commit.source, "shop");
    assert_string_equal(event.commit.commit.oid, "c0ffee");
    assert_string_equal(event.commit.commit.subject, "web");
    assert_int_equal(event.commit.commit.approved_deletions, 3);
    assert_true(event.commit.head && event.commit.full && event.commit.rewritten);
    assert_int_equal(event.commit.generation, 7);
    assert_int_equal(event.commit.levels, 2);
    event_deinit(&event);
    struct source_update none = {0};
    input_commit(NULL, &none, &event);
    assert_null(event.commit.source);
    assert_false(event.commit.head || event.commit.full || event.commit.rewritten);
    event_deinit(&event);
}

/* What is not the content of a file says what it is; of others the id and the size count. */
static void test_each_kind_of_file_arrives(void **state)
{
    (void)state;
    static const struct {
        struct source_file file;
        enum event_file_kind kind;
    } cases[] = {
        {{.kind = SOURCE_FILE}, EVENT_FILE},
        {{.kind = SOURCE_DELETED}, EVENT_FILE_DELETED},
        {{.kind = SOURCE_SYMLINK}, EVENT_FILE_SYMLINK},
        {{.kind = SOURCE_SUBMODULE}, EVENT_FILE_SUBMODULE},
        {{.kind = SOURCE_LFS, .other = true}, EVENT_FILE_LFS},
        {{.kind = SOURCE_TOO_LARGE, .other = true}, EVENT_FILE_TOO_LARGE},
        {{.kind = SOURCE_FILE, .too_large = true}, EVENT_FILE_TOO_LARGE},
        {{.kind = SOURCE_FILE, .other = true, .oid = "b10b", .size_bytes = 5, .executable = true},
         EVENT_FILE},
    };
    struct source_update update = {0};
    struct event event;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct source_file file = cases[i].file;
        file.path = memory_printf("f%zu", i);
        vector_push(&update.files, file);
    }
    input_commit(NULL, &update, &event);
    assert_int_equal(event.commit.files.len, ARRAY_LEN(cases));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct event_file *file = &event.commit.files.items[i];
        assert_int_equal(file->kind, cases[i].kind);
        assert_int_equal(file->other, cases[i].file.other);
        assert_string_equal(file->oid, cases[i].file.oid);
        assert_int_equal(file->size_bytes, cases[i].file.size_bytes);
        assert_int_equal(file->executable, cases[i].file.executable);
    }
    event_deinit(&event);
    vector_deinit(&update.files);
}

static void test_the_state_of_a_source_arrives(void **state)
{
    (void)state;
    struct source_status status = {.ok = true, .origin = "/srv/infra.git", .branch = "main"};
    struct event event;
    input_source("shop", &status, &event);
    assert_int_equal(event.kind, EVENT_SOURCE);
    assert_string_equal(event.source.name, "shop");
    assert_string_equal(event.source.origin, "/srv/infra.git");
    assert_string_equal(event.source.branch, "main");
    assert_true(event.source.ok);
    assert_null(event.source.message);
    event_deinit(&event);
    status.ok = false;
    error_set(&status.error, ERROR_DENIED, "it is not signed");
    input_source(NULL, &status, &event);
    assert_false(event.source.ok);
    assert_string_equal(event.source.message, "it is not signed");
    event_deinit(&event);
}

static void test_what_a_source_says_of_itself(void **state)
{
    (void)state;
    struct source_status status = {.oid = "c0ffee", .asked = 3, .answered = 2, .told = 5};
    struct api_looks looks;
    input_looks(&status, &looks);
    assert_false(looks.reached || looks.unverified); /* it was not looked at */
    assert_null(looks.away);
    assert_null(looks.refused);
    assert_null(looks.rewrite.from);
    assert_int_equal(looks.asked, 3);
    assert_int_equal(looks.answered, 2);
    assert_int_equal(looks.changes, 5);
    assert_string_equal(looks.newest, "c0ffee");
    status.looked_at_ms = 1;
    status.rewrite = (struct source_rewrite){"b2", "c3", "a1", 1000, true};
    status.refused = true;
    status.refusal = (struct source_refusal){{.oid = "d4"}, (char *)"refused: it is not signed"};
    input_looks(&status, &looks);
    assert_true(looks.reached && looks.unverified);
    assert_string_equal(looks.refused->oid, "d4");
    assert_string_equal(looks.refusal, "refused: it is not signed");
    assert_string_equal(looks.rewrite.from, "b2");
    assert_string_equal(looks.rewrite.to, "c3");
    assert_string_equal(looks.rewrite.fork, "a1");
    assert_int_equal(looks.rewrite.seen_at_ms, 1000);
    status.failures = 1;
    status.refused = false;
    error_set(&status.error, ERROR_UNAVAILABLE, "cannot connect");
    input_looks(&status, &looks);
    assert_false(looks.reached || looks.unverified);
    assert_null(looks.away); /* not for long */
    assert_string_equal(looks.refused->oid, "d4");
    status.away = true;
    input_looks(&status, &looks);
    assert_string_equal(looks.away, "cannot connect");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_approval_does_not_outlive_a_forced_push, setup, teardown),
        cmocka_unit_test(test_each_member_of_a_commit_arrives),
        cmocka_unit_test(test_each_kind_of_file_arrives),
        cmocka_unit_test(test_the_state_of_a_source_arrives),
        cmocka_unit_test(test_what_a_source_says_of_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
