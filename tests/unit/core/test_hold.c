/* `davit rollback --hold`: rows H of core/core.h. */
#include "fixture.h"

#include "base/text.h"
#include "model/json.h"

#include <string.h>

static int find(const struct fixture *fixture, const char *to, struct core_hold *ret_hold, struct error *err)
{
    const struct core_hold_request request = {"c", "web", to};
    return core_find_hold(fixture->core, &request, ret_hold, err);
}

static struct event event_of(const struct fixture *fixture, const char *to)
{
    const struct core_hold_request request = {"c", "web", to};
    struct core_hold hold;
    struct error err = ERROR_INIT;
    struct event event;
    if (find(fixture, to, &hold, &err) < 0)
        fail_msg("%s", error_text(&err));
    assert_false(hold.holds);
    core_hold_event(&request, &hold, &event);
    return event;
}

static void expect_refused(const struct fixture *fixture, const char *to, const char *why)
{
    struct core_hold hold;
    struct error err = ERROR_INIT;
    assert_int_equal(find(fixture, to, &hold, &err), ERROR_CONFLICT);
    if (!strstr(error_text(&err), why))
        fail_msg("\"%s\" is not in \"%s\"", why, error_text(&err));
}

static const struct service_ledger *ledger_of(const struct fixture *fixture)
{
    return fixture_view(fixture, "web").ledger;
}

static const struct deployment *primary_of(const struct fixture *fixture)
{
    return service_ledger_primary(ledger_of(fixture));
}

static const char *state_of(const struct fixture *fixture)
{
    struct view_service view = fixture_view(fixture, "web");
    return view_service_state(&view);
}

/* web:1, web:2 ... have completed one after the other. */
static struct fixture *steady_fixture(int revisions)
{
    static const char *const images[] = {"one", "two", "three"};
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "one", 2, 0);
    fixture_settle(fixture);
    for (int i = 1; i < revisions; i++) {
        fixture_change(fixture, "web", images[i]);
        fixture_settle(fixture);
    }
    assert_string_equal(state_of(fixture), "steady");
    return fixture;
}

/* Ids of the tasks that run, in one text. Caller frees. */
static char *tasks_of(const struct fixture *fixture)
{
    struct task_vec tasks CLEANUP(task_vec_deinit);
    char *text = memory_strdup("");
    core_view_tasks(fixture->core, "c", "web", fixture->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++) {
        char *before CLEANUP_FREE = text;
        text = tasks.items[i].status == TASK_RUNNING ? memory_printf("%s %s", before, tasks.items[i].id)
                                                     : memory_strdup(before);
    }
    return text;
}

static void expect_held(const struct fixture *fixture, int revision)
{
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "held");
    assert_int_equal(view_service_rollout(&view), DEPLOYMENT_FAILED);
    assert_int_equal(primary_of(fixture)->state, DEPLOYMENT_COMPLETED);
    assert_int_equal(primary_of(fixture)->revision, revision);
    assert_int_equal(view.healthy_count, view.desired->desired_count);
    assert_int_equal(view.revisions_len, 1);
    assert_int_equal(view.revisions[0].revision, revision);
    assert_non_null(view.held);
}

static void test_what_completed_is_taken_back(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(2);
    fixture_step(fixture, event_of(fixture, NULL));
    const struct ledger_change *change = &fixture_effect(fixture, EFFECT_SAVE, 0)->change;
    assert_string_equal(change->name, "c/web");
    assert_non_null(strstr(change->message, " IN_PROGRESS, web:1, commit 000000000000, by davit rollback "
                                            "--hold; commit 000000000000 is not applied"));
    assert_null(fixture_action(fixture, 0)); /* the ledger first */
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "rolling back");
    int64_t since_ms = fixture->now_ms;
    fixture_settle(fixture);
    expect_held(fixture, 1);
    view = fixture_view(fixture, "web");
    assert_int_equal(view.held->at_ms, since_ms);
    assert_string_equal(view.held->commit, ledger_of(fixture)->deployments.items[1].commit.oid);
    assert_int_equal(ledger_of(fixture)->deployments.items[1].state, DEPLOYMENT_FAILED);
    assert_non_null(strstr(primary_of(fixture)->reason,
                           "Rolled back to web:1, commit 000000000000, because web:2, commit 000000000000, "
                           "failed: taken back by davit rollback --hold"));
}

static void test_it_starts_the_old_content(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(2);
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_turn(fixture);
    const struct action *create = fixture_action(fixture, 0);
    assert_int_equal(create->kind, ACTION_CREATE);
    assert_string_equal(action_image(create), "one");
    assert_true(digest_equal(&create->labels.digest, &ledger_of(fixture)->deployments.items[2].digest));
    assert_string_equal(create->labels.deployment, primary_of(fixture)->id);
}

/* The old tasks are there: they stay, and no new one starts. */
static void test_what_is_under_way_is_taken_back(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(1);
    char *before CLEANUP_FREE = tasks_of(fixture);
    fixture_change(fixture, "web", "two");
    fixture_run(fixture);
    assert_string_equal(state_of(fixture), "deploying");
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_settle(fixture);
    expect_held(fixture, 1);
    char *after CLEANUP_FREE = tasks_of(fixture);
    assert_string_equal(after, before);
    assert_int_equal(ledger_of(fixture)->deployments.items[1].state, DEPLOYMENT_FAILED);
}

static void test_only_other_content_ends_it(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(2);
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_settle(fixture);
    char *before CLEANUP_FREE = tasks_of(fixture);
    fixture_commit(fixture, "db", "postgres", 1, 0);
    fixture_settle(fixture);
    expect_held(fixture, 1);
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":3}");
    fixture_settle(fixture);
    expect_held(fixture, 1); /* counts are the repository's */
    char *after CLEANUP_FREE = tasks_of(fixture);
    assert_true(strlen(after) > strlen(before));
    fixture_change(fixture, "web", "fixed");
    fixture_settle(fixture);
    assert_string_equal(state_of(fixture), "steady");
    assert_int_equal(primary_of(fixture)->revision, 3);
    assert_null(fixture_view(fixture, "web").held);
    fixture_change(fixture, "web", "two"); /* bad stays bad */
    fixture_settle(fixture);
    assert_string_equal(state_of(fixture), "failed");
    assert_null(fixture_view(fixture, "web").held);
}

static void test_a_revert_restarts_nothing(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(2);
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_settle(fixture);
    char *before CLEANUP_FREE = tasks_of(fixture);
    fixture_change(fixture, "web", "one");
    fixture_settle(fixture);
    char *after CLEANUP_FREE = tasks_of(fixture);
    assert_string_equal(after, before);
    assert_string_equal(state_of(fixture), "steady");
}

static void test_a_retry_and_a_redeployment_end_it(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(2);
        fixture_step(fixture, event_of(fixture, NULL));
        fixture_settle(fixture);
        struct event event = {.kind = i ? EVENT_RETRY : EVENT_REDEPLOY};
        event.retry.cluster = memory_strdup("c");
        event.retry.service = memory_strdup("web");
        fixture_step(fixture, event);
        fixture_settle(fixture);
        assert_string_equal(state_of(fixture), "steady");
        assert_int_equal(primary_of(fixture)->revision, 2);
    }
}

/* It died when the entry was saved. */
static void test_a_later_life_goes_back(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    fixture_step(before, event_of(before, NULL));
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct event saved = {.kind = EVENT_LEDGER};
    saved.ledger.name = memory_strdup("c/web");
    saved.ledger.entry = json_deep_copy(fixture_effect(before, EFFECT_SAVE, 0)->change.entry);
    fixture_step(fixture, saved);
    fixture->commits = before->commits;
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "two", 2, 0);
    fixture_settle(fixture);
    expect_held(fixture, 1);
    assert_int_equal(ledger_of(fixture)->deployments.len, 3);
}

static int join(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void test_a_snapshot_has_it(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(2);
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_settle(fixture);
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    core_snapshot(fixture->core, join, snapshot);
    core_free(TAKE(fixture->core));
    assert_int_equal(core_restore(snapshot, &fixture->core, NULL), 0);
    expect_held(fixture, 1);
}

static void test_it_may_be_said_twice(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(3);
    struct core_hold hold;
    fixture_step(fixture, event_of(fixture, NULL));
    assert_int_equal(find(fixture, NULL, &hold, NULL), 0);
    assert_true(hold.holds);
    fixture_settle(fixture);
    assert_int_equal(find(fixture, NULL, &hold, NULL), 0);
    assert_true(hold.holds);
    assert_int_equal(find(fixture, "web:2", &hold, NULL), 0);
    assert_true(hold.holds);
    fixture_step(fixture, event_of(fixture, "1")); /* that was not far enough */
    fixture_settle(fixture);
    expect_held(fixture, 1);
    assert_int_equal(ledger_of(fixture)->deployments.items[1].state, DEPLOYMENT_COMPLETED);
    assert_int_equal(ledger_of(fixture)->known_bad.len, 1);
}

static void test_it_may_be_said_where_to(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(3);
        const char *oid = ledger_of(fixture)->deployments.items[2].commit.oid;
        fixture_step(fixture, event_of(fixture, i == 0 ? "1" : i == 1 ? "web:1" : oid));
        fixture_settle(fixture);
        expect_held(fixture, 1);
    }
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(3);
    expect_refused(fixture, "web:3", "web:3 (000000000000) is what the repository asks for");
    expect_refused(fixture, "4", "no deployment of c/web that the ledger has is of 4, see davit history");
    expect_refused(fixture, "db:1", "\"davit rollback c/web --to db:1\" makes a commit");
    expect_refused(fixture, "we:1", "is of we:1");
    expect_refused(fixture, "000000", "is of 000000");
    expect_refused(fixture, "HEAD~1", "is of HEAD~1");
}

static void test_what_cannot_be_gone_back_to(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(1);
    expect_refused(fixture, NULL, "there is nothing that c/web could go back to");
    fixture_change(fixture, "web", "two");
    fixture_run(fixture);
    fixture_change(fixture, "web", "three"); /* before web:2 had completed */
    fixture_settle(fixture);
    expect_refused(fixture, "2", "web:2 (000000000000) never completed");
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_settle(fixture);
    expect_held(fixture, 1);
    expect_refused(fixture, "3", "is what the repository asks for");
    fixture_change(fixture, "web", "four");
    fixture_settle(fixture);
    expect_refused(fixture, "3", "web:3 (000000000000) has failed itself");
    fixture_step(fixture, event_of(fixture, NULL));
    assert_int_equal(primary_of(fixture)->revision, 1);
    const struct core_hold_request nobody = {"c", "nobody", NULL};
    struct core_hold hold;
    assert_int_equal(core_find_hold(fixture->core, &nobody, &hold, NULL), ERROR_NOT_FOUND);
}

static void test_a_suspended_service_is_left_alone(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(2);
    struct event event = event_of(fixture, NULL);
    fixture_suspend(fixture, "web", false);
    expect_refused(fixture, NULL, "\"davit resume\" it first");
    fixture_step(fixture, event);
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
}

static void test_a_commit_came_in_between(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(2);
    struct event event = event_of(fixture, NULL);
    fixture_change(fixture, "web", "fixed");
    fixture_step(fixture, event);
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    fixture_settle(fixture);
    assert_string_equal(state_of(fixture), "steady");
    assert_int_equal(primary_of(fixture)->revision, 3);
}

static void redeploy(struct fixture *fixture)
{
    struct event event = {.kind = EVENT_REDEPLOY};
    event.retry.cluster = memory_strdup("c");
    event.retry.service = memory_strdup("web");
    fixture_step(fixture, event);
    fixture_settle(fixture);
    fixture_after(fixture, 1000);
}

/* The same task definition, whose tag means another image by now: it goes back to that which it meant. */
static void test_a_redeployment_is_taken_back(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct core_hold hold;
    fixture->digest = "sha256:1";
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "one", 2, 0);
    fixture_settle(fixture);
    fixture->digest = "sha256:2";
    redeploy(fixture);
    char *before CLEANUP_FREE = tasks_of(fixture);
    assert_int_equal(ledger_of(fixture)->deployments.len, 2);
    fixture->asked = true; /* nobody is */
    assert_int_equal(find(fixture, NULL, &hold, NULL), 0);
    assert_true(hold.images_only);
    fixture_step(fixture, event_of(fixture, NULL));
    assert_non_null(strstr(fixture_effect(fixture, EFFECT_SAVE, 0)->change.message,
                           "; the redeployment of 000000000000 is not applied"));
    assert_string_equal(primary_of(fixture)->images.items[0].digest, "sha256:1"); /* before any plan */
    fixture_settle(fixture);
    expect_held(fixture, 1);
    struct view_service view = fixture_view(fixture, "web");
    assert_true(view.held_images);
    char *after CLEANUP_FREE = tasks_of(fixture);
    assert_string_not_equal(after, before);
}

/* It would replace every task by one like it. */
static void test_what_was_redeployed_with_the_same_images_is_passed_over(void **state)
{
    (void)state;
    static const char *const digests[] = {"sha256:1", NULL}; /* NULL: not known */
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
        struct core_hold hold;
        fixture->digest = digests[i];
        fixture_empty(fixture, "one");
        fixture_commit(fixture, "web", "one", 2, 0);
        fixture_settle(fixture);
        redeploy(fixture);
        expect_refused(fixture, NULL, "there is nothing that c/web could go back to");
        fixture_change(fixture, "web", "two");
        fixture_settle(fixture);
        redeploy(fixture);
        redeploy(fixture);
        expect_refused(fixture, "web:2", "web:2 (000000000000) is what the repository asks for");
        assert_int_equal(find(fixture, NULL, &hold, NULL), 0);
        assert_false(hold.images_only);
        fixture_step(fixture, event_of(fixture, NULL));
        fixture_settle(fixture);
        expect_held(fixture, 1);
        struct view_service view = fixture_view(fixture, "web");
        assert_false(view.held_images);
    }
}

/* Tasks of a redeployed content are known by what redeployed it. */
static void test_it_goes_back_to_a_redeployment(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(1);
    redeploy(fixture);
    char *before CLEANUP_FREE = tasks_of(fixture);
    fixture_change(fixture, "web", "two");
    fixture_run(fixture);
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_settle(fixture);
    expect_held(fixture, 1);
    char *after CLEANUP_FREE = tasks_of(fixture);
    assert_string_equal(after, before);
}

static struct container *stopped(const struct fixture *fixture, const struct action *action)
{
    struct task_vec tasks CLEANUP(task_vec_deinit);
    struct container *container = NULL;
    core_view_tasks(fixture->core, "c", "web", fixture->now_ms, &tasks);
    for (size_t t = 0; action->kind == ACTION_STOP && t < tasks.len; t++)
        if (text_equal(tasks.items[t].id, action->task))
            container = container_copy(tasks.items[t].containers[0]);
    if (container)
        container->status = CONTAINER_STOPPED;
    return container;
}

/* For a minute no container can be created; what is to stop does. */
static void let_it_fail(struct fixture *fixture)
{
    for (int i = 0; i < 60; i++) {
        struct action_vec actions = {0};
        fixture_turn(fixture);
        for (size_t n = 0; fixture_action(fixture, n); n++)
            vector_push(&actions, action_copy(fixture_action(fixture, n)));
        for (size_t n = 0; n < actions.len; n++) {
            struct container *container = stopped(fixture, actions.items[n]);
            fixture_done(fixture, actions.items[n]->id, container ? 0 : ERROR_INVALID, container);
        }
        action_vec_deinit(&actions);
        fixture_after(fixture, 1000);
    }
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
}

static void test_what_failed_is_taken_back(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(1);
    fixture_change(fixture, "web", "two");
    let_it_fail(fixture);
    assert_string_equal(state_of(fixture), "failed");
    char *why CLEANUP_FREE = memory_strdup(primary_of(fixture)->reason);
    int64_t since_ms = fixture->now_ms;
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_settle(fixture);
    expect_held(fixture, 1);
    assert_int_equal(fixture_view(fixture, "web").held->at_ms, since_ms);
    assert_string_equal(ledger_of(fixture)->deployments.items[1].reason, why);
}

/* A commit that came just now has no deployment yet, and gets none. */
static void test_what_has_not_begun_is_taken_back(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(1);
    char *before CLEANUP_FREE = tasks_of(fixture);
    fixture_change(fixture, "web", "two");
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_settle(fixture);
    expect_held(fixture, 1);
    char *after CLEANUP_FREE = tasks_of(fixture);
    assert_string_equal(after, before);
    assert_int_equal(ledger_of(fixture)->deployments.len, 2);
    struct view_service view = fixture_view(fixture, "web");
    assert_true(text_ends_with(view_service_event(&view, view.events_len - 1)->message, "a steady state."));
}

/* The old task made room for one that cannot start: the old one need not wait for what the new one has to. */
static void test_failures_of_what_is_taken_back_do_not_count(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(1);
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":1,"
                 "\"deploymentConfiguration\":{\"minimumHealthyPercent\":0,\"maximumPercent\":100,"
                 "\"deploymentCircuitBreaker\":{\"enable\":false,\"rollback\":false}}}");
    fixture_settle(fixture);
    fixture_change(fixture, "web", "two");
    let_it_fail(fixture);
    assert_string_equal(state_of(fixture), "deploying"); /* it waits */
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_turn(fixture);
    assert_string_equal(action_image(fixture_action(fixture, 0)), "one");
}

/* What goes on meanwhile may be what is bad. */
static void test_while_a_change_waits_for_its_window(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture(2);
    fixture_file(fixture, "cluster.json",
                 "{\"clusterName\":\"c\",\"davit\":{\"changeWindows\":[{\"kind\":\"deny\","
                 "\"durationMinutes\":44640,\"schedule\":\"cron(0 0 1 * ? *)\"}]}}");
    fixture_settle(fixture);
    fixture_change(fixture, "web", "three");
    fixture_settle(fixture);
    assert_string_equal(state_of(fixture), "waiting");
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_settle(fixture);
    assert_int_equal(primary_of(fixture)->revision, 1);
    assert_int_equal(primary_of(fixture)->state, DEPLOYMENT_COMPLETED);
    assert_non_null(fixture_view(fixture, "web").held);
    struct event approve = {.kind = EVENT_APPROVE};
    memcpy(approve.approve.oid, core_desired(fixture->core)->commit.oid, sizeof approve.approve.oid);
    fixture_step(fixture, approve);
    fixture_settle(fixture);
    assert_string_equal(state_of(fixture), "steady");
    assert_int_equal(primary_of(fixture)->revision, 3);
}

static void test_a_daemon_goes_back(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "one", 1, 0);
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\","
                 "\"schedulingStrategy\":\"DAEMON\"}");
    fixture_settle(fixture);
    fixture_change(fixture, "web", "two");
    fixture_settle(fixture);
    assert_string_equal(state_of(fixture), "steady");
    fixture_step(fixture, event_of(fixture, NULL));
    fixture_settle(fixture);
    expect_held(fixture, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_completed_is_taken_back),
        cmocka_unit_test(test_it_starts_the_old_content),
        cmocka_unit_test(test_what_is_under_way_is_taken_back),
        cmocka_unit_test(test_only_other_content_ends_it),
        cmocka_unit_test(test_a_revert_restarts_nothing),
        cmocka_unit_test(test_a_retry_and_a_redeployment_end_it),
        cmocka_unit_test(test_a_later_life_goes_back),
        cmocka_unit_test(test_a_snapshot_has_it),
        cmocka_unit_test(test_it_may_be_said_twice),
        cmocka_unit_test(test_it_may_be_said_where_to),
        cmocka_unit_test(test_what_cannot_be_gone_back_to),
        cmocka_unit_test(test_a_suspended_service_is_left_alone),
        cmocka_unit_test(test_a_commit_came_in_between),
        cmocka_unit_test(test_a_redeployment_is_taken_back),
        cmocka_unit_test(test_what_was_redeployed_with_the_same_images_is_passed_over),
        cmocka_unit_test(test_it_goes_back_to_a_redeployment),
        cmocka_unit_test(test_what_failed_is_taken_back),
        cmocka_unit_test(test_what_has_not_begun_is_taken_back),
        cmocka_unit_test(test_failures_of_what_is_taken_back_do_not_count),
        cmocka_unit_test(test_while_a_change_waits_for_its_window),
        cmocka_unit_test(test_a_daemon_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
