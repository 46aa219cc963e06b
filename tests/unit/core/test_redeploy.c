/* forceNewDeployment: by EVENT_REDEPLOY, and by another value in git. */
#include "fixture.h"

#include "base/text.h"
#include "model/json.h"

static struct event redeploy_of(const char *service)
{
    struct event event = {.kind = EVENT_REDEPLOY};
    event.retry.cluster = memory_strdup("c");
    event.retry.service = memory_strdup(service);
    return event;
}

static const struct service_ledger *ledger_of(const struct fixture *fixture)
{
    return fixture_view(fixture, "web").ledger;
}

static struct fixture *steady_fixture(void)
{
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_settle(fixture);
    assert_int_equal(service_ledger_primary(ledger_of(fixture))->state, DEPLOYMENT_COMPLETED);
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

static void test_every_task_is_replaced(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture();
    char *before CLEANUP_FREE = tasks_of(fixture);
    fixture_step(fixture, redeploy_of("web"));
    const struct ledger_change *change = &fixture_effect(fixture, EFFECT_SAVE, 0)->change;
    assert_true(text_starts_with(change->message, "c/web: web:1 is to be deployed anew, commit "));
    assert_true(core_is_dirty(fixture->core));
    fixture_settle(fixture);
    char *after CLEANUP_FREE = tasks_of(fixture);
    assert_int_equal(ledger_of(fixture)->deployments.len, 2);
    assert_int_equal(service_ledger_primary(ledger_of(fixture))->state, DEPLOYMENT_COMPLETED);
    assert_int_equal(strlen(after), strlen(before));
    assert_null(strstr(before, after + 1));
    fixture_step(fixture, redeploy_of("web"));
    fixture_settle(fixture);
    assert_int_equal(ledger_of(fixture)->deployments.len, 3);
    fixture_step(fixture, redeploy_of("nobody"));
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
}

static void test_its_images_are_asked_for_anew(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture();
    fixture->asked = true;
    fixture_step(fixture, redeploy_of("web"));
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_RESOLVE);
}

/* Neither a restart of davit nor a commit that changes nothing of the service deploys it again. */
static void test_it_happens_once(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture();
    fixture_step(before, redeploy_of("web"));
    fixture_settle(before);
    fixture_commit(before, "db", "postgres", 1, 0);
    fixture_settle(before);
    assert_int_equal(ledger_of(before)->deployments.len, 2);
    struct event saved = {.kind = EVENT_LEDGER};
    saved.ledger.name = memory_strdup("c/web");
    saved.ledger.entry = service_ledger_to_json(ledger_of(before));
    struct fixture *after CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(after, saved);
    struct task_vec tasks CLEANUP(task_vec_deinit);
    core_view_tasks(before->core, "c", "web", before->now_ms, &tasks);
    struct container *running[2] = {0};
    size_t len = 0;
    for (size_t i = 0; i < tasks.len && len < 2; i++)
        if (tasks.items[i].status == TASK_RUNNING)
            running[len++] = container_copy(tasks.items[i].containers[0]);
    after->now_ms = before->now_ms;
    fixture_listed(after, "one", running, len);
    fixture_commit(after, "web", "nginx", 2, 0);
    fixture_turn(after);
    assert_int_equal(len, 2);
    assert_null(fixture_action(after, 0));
    assert_int_equal(ledger_of(after)->deployments.len, 2);
}

static int join_part(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void test_a_snapshot_knows_it(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture();
    fixture_step(fixture, redeploy_of("web"));
    fixture_settle(fixture);
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    struct error err = ERROR_INIT;
    assert_int_equal(core_snapshot(fixture->core, join_part, snapshot), 0);
    core_free(TAKE(fixture->core));
    assert_int_equal(core_restore(snapshot, &fixture->core, &err), 0);
    char *before CLEANUP_FREE = tasks_of(fixture);
    fixture_commit(fixture, "db", "postgres", 1, 0);
    fixture_settle(fixture);
    char *after CLEANUP_FREE = tasks_of(fixture);
    assert_string_equal(after, before);
    assert_int_equal(ledger_of(fixture)->deployments.len, 2);
}

/* No task comes up, until the content is known bad. */
static void fail_rollout(struct fixture *fixture)
{
    for (int i = 0; i < 10 && service_ledger_primary(ledger_of(fixture))->state != DEPLOYMENT_FAILED; i++) {
        if (fixture_action(fixture, 0))
            fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_INVALID, NULL);
        fixture_after(fixture, 10000);
        fixture_turn(fixture);
    }
    assert_int_equal(service_ledger_primary(ledger_of(fixture))->state, DEPLOYMENT_FAILED);
}

static void test_what_failed_is_tried_again(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_turn(fixture);
    fail_rollout(fixture);
    assert_int_equal(ledger_of(fixture)->known_bad.len, 1);
    fixture_step(fixture, redeploy_of("web"));
    assert_int_equal(ledger_of(fixture)->known_bad.len, 0);
    fixture_turn(fixture);
    assert_int_equal(service_ledger_primary(ledger_of(fixture))->state, DEPLOYMENT_IN_PROGRESS);
}

/* It failed as it was committed, and redeployed: another content's redeployment changes nothing of that. */
static void test_what_failed_again_stays_known_bad(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_turn(fixture);
    fail_rollout(fixture);
    fixture_step(fixture, redeploy_of("web"));
    fixture_turn(fixture);
    fail_rollout(fixture);
    fixture_change(fixture, "web", "apache");
    fixture_settle(fixture);
    assert_int_equal(service_ledger_primary(ledger_of(fixture))->state, DEPLOYMENT_COMPLETED);
    fixture_step(fixture, redeploy_of("web"));
    fixture_settle(fixture);
    assert_int_equal(service_ledger_primary(ledger_of(fixture))->state, DEPLOYMENT_COMPLETED);
    fixture_change(fixture, "web", "nginx");
    fixture_turn(fixture);
    assert_int_equal(service_ledger_primary(ledger_of(fixture))->state, DEPLOYMENT_FAILED);
}

static void test_a_suspended_service_waits(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture();
    fixture_suspend(fixture, "web", false);
    fixture_step(fixture, redeploy_of("web"));
    fixture_settle(fixture);
    assert_int_equal(ledger_of(fixture)->deployments.len, 1);
    fixture_suspend(fixture, "web", true);
    fixture_settle(fixture);
    assert_int_equal(ledger_of(fixture)->deployments.len, 2);
}

static void force(struct fixture *fixture, const char *value)
{
    char *text CLEANUP_FREE = memory_printf(
        "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2,"
        "\"davit\":{\"forceNewDeployment\":%s}}",
        value);
    fixture_file(fixture, "web-service.json", text);
    fixture_settle(fixture);
}

static void test_another_value_in_git(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = steady_fixture();
    char *before CLEANUP_FREE = tasks_of(fixture);
    force(fixture, "1");
    assert_int_equal(ledger_of(fixture)->deployments.len, 2);
    char *after CLEANUP_FREE = tasks_of(fixture);
    assert_int_equal(strlen(after), strlen(before));
    assert_string_not_equal(after, before);
    force(fixture, "1");
    assert_int_equal(ledger_of(fixture)->deployments.len, 2);
    force(fixture, "\"1\"");
    assert_int_equal(ledger_of(fixture)->deployments.len, 3);
    assert_int_equal(service_ledger_primary(ledger_of(fixture))->revision, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_is_replaced),
        cmocka_unit_test(test_its_images_are_asked_for_anew),
        cmocka_unit_test(test_it_happens_once),
        cmocka_unit_test(test_what_failed_is_tried_again),
        cmocka_unit_test(test_what_failed_again_stays_known_bad),
        cmocka_unit_test(test_a_suspended_service_waits),
        cmocka_unit_test(test_another_value_in_git),
        cmocka_unit_test(test_a_snapshot_knows_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
