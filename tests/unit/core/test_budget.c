/* The deletion budget: {3, 50} in the fixture. */
#include "fixture.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* A commit whose services are "s0" to "s<n - 1>", by itself. */
static struct event commit_of(int number, int services, int approved)
{
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = true, .full = true}};
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%040d", number);
    event.commit.commit.approved_deletions = approved;
    for (int i = -2; i < services; i++) {
        char *text = i == -2 ? memory_strdup("{\"clusterName\":\"c\"}")
                     : i == -1
                         ? memory_strdup("{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\","
                                         "\"image\":\"i\",\"memory\":64}]}")
                         : memory_printf("{\"cluster\":\"c\",\"serviceName\":\"s%d\",\"taskDefinition\":"
                                         "\"web\",\"desiredCount\":0}",
                                         i);
        struct event_file file = {.path = memory_printf("%d.json", i), .content = text, .len = strlen(text)};
        vector_push(&event.commit.files, file);
    }
    return event;
}

static struct event approval(int number)
{
    struct event event = {.kind = EVENT_APPROVE};
    snprintf(event.approve.oid, sizeof event.approve.oid, "%040d", number);
    return event;
}

static const char *held(const struct fixture *fixture)
{
    struct view_source source;
    core_view_source(fixture->core, &source);
    return source.held;
}

static int wanted(const struct fixture *fixture)
{
    return atoi(core_desired(fixture->core)->commit.oid);
}

static void test_the_bounds(void **state)
{
    (void)state;
    static const struct {
        int before, after;
        const char *reason;
    } rows[] = {
        {2, 0, NULL}, /* fewer than three */
        {6, 3, NULL}, /* half */
        {7, 4, NULL},
        {4, 1, "removes 3 of 4 services (c/s1, c/s2, c/s3)"},
        {3, 0, "removes 3 of 3 services (c/s0, c/s1, c/s2)"},
        {9, 2, "removes 7 of 9 services (c/s2, c/s3, c/s4, c/s5, c/s6 and 2 more)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
        fixture_step(fixture, commit_of(1, rows[i].before, 0));
        fixture_step(fixture, commit_of(2, rows[i].after, 0));
        assert_int_equal(wanted(fixture), rows[i].reason ? 1 : 2);
        assert_true(text_equal(held(fixture), rows[i].reason));
    }
}

static void test_a_held_commit_changes_nothing(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(fixture, commit_of(1, 4, 0));
    fixture_turn(fixture);
    fixture_step(fixture, commit_of(2, 0, 0));
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    assert_false(core_is_dirty(fixture->core));
    fixture_step(fixture, commit_of(3, 4, 0)); /* taken back */
    assert_null(held(fixture));
    assert_int_equal(wanted(fixture), 3);
}

static void test_an_approval_is_of_one_commit(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(fixture, commit_of(1, 4, 0));
    fixture_step(fixture, approval(1)); /* nothing is held */
    fixture_step(fixture, commit_of(2, 0, 0));
    fixture_step(fixture, approval(1));
    assert_non_null(held(fixture));
    fixture_step(fixture, approval(2));
    assert_null(held(fixture));
    assert_int_equal(wanted(fixture), 2);
    assert_non_null(strstr(fixture_effect(fixture, EFFECT_SAVE, 0)->change.message,
                           "; was held, and approved by hand: removes 4 of 4 services (c/s0, c/s1, c/s2, "));
    fixture_step(fixture, commit_of(3, 4, 0));
    fixture_step(fixture, commit_of(4, 0, 0));
    assert_int_equal(wanted(fixture), 3);
    fixture_step(fixture, approval(5)); /* is not there yet */
    fixture_step(fixture, commit_of(5, 0, 0));
    assert_non_null(held(fixture));
    fixture_step(fixture, commit_of(2, 0, 0)); /* the branch goes back: it was approved once */
    assert_non_null(held(fixture));
    assert_int_equal(wanted(fixture), 3);
}

static void test_a_trailer_approves_as_many(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(fixture, commit_of(1, 8, 0));
    fixture_step(fixture, commit_of(2, 1, 6));
    assert_int_equal(wanted(fixture), 1);
    fixture_step(fixture, commit_of(3, 1, 1)); /* what was not deployed yet counts on */
    assert_int_equal(wanted(fixture), 3);
    fixture_step(fixture, commit_of(4, 8, 0));
    fixture_step(fixture, commit_of(5, 1, 0));
    assert_int_equal(wanted(fixture), 4);
    struct event between = commit_of(6, 1, INT32_MAX);
    between.commit.head = false;
    fixture_step(fixture, between);
    fixture_step(fixture, commit_of(7, 1, INT32_MAX));
    assert_int_equal(wanted(fixture), 7);
}

/* The commit that was deployed is not to be had any more: the ledger tells what there was. */
static void test_after_a_start_the_ledger_counts(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    for (int i = 0; i < 4; i++) {
        char *name CLEANUP_FREE = memory_printf("s%d", i);
        struct event event = {.kind = EVENT_LEDGER, .ledger = {LEDGER_SERVICE, memory_strdup(name), NULL}};
        event.ledger.entry = json_pack("{s:s,s:s}", "cluster", "c", "service", name);
        fixture_step(fixture, event);
    }
    fixture_step(fixture, commit_of(1, 1, 0));
    assert_string_equal(held(fixture), "removes 3 of 4 services (c/s1, c/s2, c/s3)");
    assert_null(core_desired(fixture->core));
    fixture_step(fixture, approval(1));
    assert_int_equal(wanted(fixture), 1);
}

#define ONE (&(struct core_source_options){.name = "default"})

/* As source tells it once more after a start: in full, not as the head. */
static struct event deployed_before(struct event commit)
{
    commit.commit.head = false;
    return commit;
}

static struct fixture *fixture_with(int services)
{
    struct fixture *fixture = fixture_of_sources(ONE, 1);
    fixture_empty(fixture, "one");
    fixture_step(fixture, commit_of(1, services, 0));
    fixture_turn(fixture);
    return fixture;
}

static void next_life(struct fixture *fixture)
{
    fixture_restart(fixture, ONE, 1);
    fixture_empty(fixture, "one");
}

static void test_a_trailer_is_used_up_over_a_start(void **state)
{
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_with(20);
        fixture_step(fixture, commit_of(2, 8, 12));
        fixture_turn(fixture);
        assert_int_equal(wanted(fixture), 2);
        if (restarts) {
            next_life(fixture);
            fixture_step(fixture, deployed_before(commit_of(2, 8, 12)));
            fixture_turn(fixture);
        }
        fixture_step(fixture, commit_of(3, 0, 0));
        fixture_turn(fixture);
        assert_non_null(held(fixture));
        assert_int_equal(wanted(fixture), 2);
        assert_int_equal(core_services_len(fixture->core), 8);
    }
}

/* Removed, and not gone: killed before the turn, or suspended. Whatever else is not there now was not let go:
 * of a directory that somebody configured since. */
static void test_what_was_let_go_is_let_go_over_a_start(void **state)
{
    (void)state;
    for (int suspended = 0; suspended < 2; suspended++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_with(9);
        if (suspended)
            fixture_step(fixture,
                         (struct event){.kind = EVENT_SUSPEND, .suspend = {.cluster = memory_strdup("c")}});
        fixture_step(fixture, commit_of(2, 4, 0));
        assert_non_null(held(fixture));
        fixture_step(fixture, approval(2));
        assert_int_equal(wanted(fixture), 2);
        if (suspended)
            fixture_turn(fixture);
        next_life(fixture);
        fixture_step(fixture, commit_of(2, 4, 0));
        assert_null(held(fixture));
        assert_int_equal(wanted(fixture), 2);
        fixture_step(fixture, commit_of(3, 4, 0)); /* and with what is deployed next */
        next_life(fixture);
        fixture_step(fixture, deployed_before(commit_of(3, 4, 0)));
        assert_int_equal(wanted(fixture), 3);
        next_life(fixture);
        fixture_step(fixture, deployed_before(commit_of(3, 0, 0)));
        assert_null(core_desired(fixture->core));
        fixture_step(fixture, commit_of(3, 0, 9));
        assert_string_equal(held(fixture), "removes 4 of 4 services (c/s0, c/s1, c/s2, c/s3)");
    }
}

static struct event with_root(struct event event)
{
    char *text =
        memory_strdup("{\"family\":\"other\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i\","
                      "\"memory\":64,\"davit\":{\"files\":[{\"source\":\"../a\",\"target\":\"/a\"}]}}]}");
    vector_push(&event.commit.files,
                (struct event_file){.path = memory_strdup("o.json"), .content = text, .len = strlen(text)});
    event.commit.levels = 1;
    return event;
}

/* Its files are told once more, in full, until then there are none. */
static void test_an_approval_while_roots_are_asked_for(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_with(20);
    fixture_step(fixture, commit_of(2, 2, 0));
    assert_non_null(held(fixture));
    fixture_step(fixture, with_root(commit_of(3, 2, 0)));
    int64_t generation = fixture_effect(fixture, EFFECT_ROOTS, 0)->generation;
    fixture_step(fixture, approval(2));
    assert_non_null(held(fixture));
    assert_int_equal(wanted(fixture), 1);
    struct event again = commit_of(2, 2, 0); /* the branch went back to it meanwhile */
    again.commit.generation = generation;
    fixture_step(fixture, again);
    assert_null(held(fixture));
    assert_int_equal(wanted(fixture), 2);
}

static void test_what_was_force_pushed_away_approves_nothing(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_with(20);
    fixture_step(fixture, commit_of(2, 1, 10));
    assert_non_null(held(fixture));
    struct event amended = commit_of(3, 1, 10);
    amended.commit.rewritten = true;
    fixture_step(fixture, amended);
    assert_non_null(held(fixture));
    fixture_step(fixture, commit_of(4, 1, 9)); /* on top of it */
    assert_null(held(fixture));
}

static void test_a_trailer_counts_on_over_another_root(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_with(20);
    fixture_step(fixture, commit_of(2, 2, 10));
    assert_non_null(held(fixture));
    fixture_step(fixture, with_root(commit_of(3, 2, 8)));
    const struct effect *asked = fixture_effect(fixture, EFFECT_ROOTS, 0);
    assert_non_null(asked);
    struct event again = with_root(commit_of(3, 2, 8));
    vector_push(&again.commit.files, (struct event_file){.path = memory_strdup("../a"),
                                                         .other = true,
                                                         .oid = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                                         .size_bytes = 1});
    again.commit.generation = asked->generation;
    fixture_step(fixture, again);
    assert_null(held(fixture));
    assert_int_equal(wanted(fixture), 3);
}

static struct event with_scheduled(struct event event, int tasks)
{
    for (int i = 0; i < tasks; i++) {
        char *text = memory_printf("{\"Name\":\"t%d\",\"ScheduleExpression\":\"rate(1 hour)\",\"Target\":{"
                                   "\"Arn\":\"c\",\"EcsParameters\":{\"TaskDefinitionArn\":\"web\"}}}",
                                   i);
        struct event_file file = {.path = memory_printf("t%d.json", i), .content = text, .len = strlen(text)};
        vector_push(&event.commit.files, file);
    }
    return event;
}

/* By themselves: that most services stay does not let them go. */
static void test_scheduled_tasks_count(void **state)
{
    (void)state;
    static const struct {
        int services, before, after, approved;
        const char *reason;
    } rows[] = {
        {9, 3, 0, 0, "removes 3 of 3 scheduled tasks (t0, t1, t2)"},
        {9, 3, 0, 3, NULL},
        {9, 6, 3, 0, NULL},
        {0, 2, 0, 0, NULL},
        {3, 4, 1, 2,
         "removes 3 of 3 services (c/s0, c/s1, c/s2); removes 3 of 4 scheduled tasks (t1, t2, t3)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
        int left = rows[i].services == 3 ? 0 : rows[i].services;
        fixture_step(fixture, with_scheduled(commit_of(1, rows[i].services, 0), rows[i].before));
        fixture_step(fixture, with_scheduled(commit_of(2, left, rows[i].approved), rows[i].after));
        assert_true(text_equal(held(fixture), rows[i].reason));
        assert_int_equal(wanted(fixture), rows[i].reason ? 1 : 2);
    }
    struct fixture *later CLEANUP(fixture_freep) = fixture_new(1);
    for (int i = 0; i < 3; i++) {
        struct event event = {.kind = EVENT_LEDGER,
                              .ledger = {LEDGER_SCHEDULE, memory_printf("t%d", i), NULL}};
        event.ledger.entry = json_object();
        fixture_step(later, event);
    }
    fixture_step(later, commit_of(1, 1, 0));
    assert_string_equal(held(later), "removes 3 of 3 scheduled tasks (t0, t1, t2)");
}

static int join_part(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void restore(struct fixture *fixture)
{
    struct core *copy = NULL;
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(fixture->core, join_part, snapshot), 0);
    assert_int_equal(core_restore(snapshot, &copy, NULL), 0);
    core_free(fixture->core);
    fixture->core = copy;
}

static void test_a_snapshot_holds_it_too(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(fixture, commit_of(1, 4, 0));
    fixture_step(fixture, commit_of(2, 0, 2));
    restore(fixture);
    assert_non_null(held(fixture));
    fixture_step(fixture, commit_of(3, 1, 0));
    assert_string_equal(held(fixture), "removes 3 of 4 services (c/s1, c/s2, c/s3)");
    fixture_step(fixture, approval(3));
    assert_int_equal(wanted(fixture), 3);
}

/* Taken between the ledger and the first commit; and while roots are asked for. */
static void test_a_snapshot_knows_what_was_let_go(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_with(9);
    fixture_step(fixture, commit_of(2, 4, 0));
    fixture_step(fixture, approval(2));
    next_life(fixture);
    restore(fixture);
    fixture_step(fixture, commit_of(2, 4, 0));
    assert_null(held(fixture));
    fixture_turn(fixture);
    fixture_step(fixture, commit_of(3, 0, 0));
    assert_non_null(held(fixture));
    fixture_step(fixture, with_root(commit_of(4, 0, 0)));
    assert_non_null(fixture_effect(fixture, EFFECT_ROOTS, 0));
    restore(fixture);
    fixture_step(fixture, approval(3));
    assert_non_null(held(fixture));
    assert_int_equal(wanted(fixture), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bounds),
        cmocka_unit_test(test_a_held_commit_changes_nothing),
        cmocka_unit_test(test_an_approval_is_of_one_commit),
        cmocka_unit_test(test_a_trailer_approves_as_many),
        cmocka_unit_test(test_after_a_start_the_ledger_counts),
        cmocka_unit_test(test_a_trailer_is_used_up_over_a_start),
        cmocka_unit_test(test_what_was_let_go_is_let_go_over_a_start),
        cmocka_unit_test(test_what_was_force_pushed_away_approves_nothing),
        cmocka_unit_test(test_an_approval_while_roots_are_asked_for),
        cmocka_unit_test(test_a_trailer_counts_on_over_another_root),
        cmocka_unit_test(test_scheduled_tasks_count),
        cmocka_unit_test(test_a_snapshot_holds_it_too),
        cmocka_unit_test(test_a_snapshot_knows_what_was_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
