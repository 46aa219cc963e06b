/* What failed is replaced by what COMPLETED last, and it is found again in a later life. */
#include "fixture.h"

#include "base/text.h"
#include "model/json.h"

#include <string.h>

static void add(struct event *event, const char *path, char *text)
{
    struct event_file file = {
        .path = memory_strdup(path), .kind = EVENT_FILE, .content = text, .len = strlen(text)};
    vector_push(&event->commit.files, file);
}

static void commit(struct fixture *fixture, const char *image, bool rollback)
{
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = true, .full = true}};
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%040d", ++fixture->commits);
    add(&event, "c.json", memory_strdup("{\"clusterName\":\"c\"}"));
    add(&event, "d.json",
        memory_printf("{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"%s\","
                      "\"memory\":64}]}",
                      image));
    add(&event, "s.json",
        memory_printf(
            "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":1,"
            "\"deploymentConfiguration\":{\"deploymentCircuitBreaker\":{\"enable\":true,"
            "\"rollback\":%s}}}",
            rollback ? "true" : "false"));
    fixture_step(fixture, event);
}

static struct view_service view_of(const struct fixture *fixture)
{
    struct view_service view;
    assert_true(core_view_service(fixture->core, "c", "web", &view));
    return view;
}

static const char *state_of(const struct fixture *fixture)
{
    struct view_service view = view_of(fixture);
    return view_service_state(&view);
}

/* One that is steady. */
static struct fixture *running_fixture(bool rollback)
{
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    commit(fixture, "good", rollback);
    fixture_run(fixture);
    fixture_after(fixture, 20000);
    fixture_turn(fixture);
    assert_string_equal(state_of(fixture), "steady");
    return fixture;
}

/* Every create of what is new fails. */
static void let_it_fail(struct fixture *fixture)
{
    fixture_turn(fixture);
    for (int i = 0; i < 3; i++) {
        if (!fixture_action(fixture, 0)) {
            fixture_after(fixture, 10000);
            fixture_turn(fixture);
        }
        uint64_t id = fixture_action(fixture, 0)->id;
        fixture_done(fixture, id, ERROR_INVALID, NULL);
        fixture_turn(fixture);
    }
}

static const json_t *saved(const struct fixture *fixture)
{
    const struct effect *effect = fixture_effect(fixture, EFFECT_SAVE, 0);
    assert_string_equal(effect->change.name, "c/web");
    return effect->change.entry;
}

static void expect_rolled_back(const struct fixture *fixture)
{
    struct view_service view = view_of(fixture);
    const struct deployment *primary = service_ledger_primary(view.ledger);
    assert_string_equal(view_service_state(&view), "rolled back");
    assert_int_equal(view_service_rollout(&view), DEPLOYMENT_FAILED);
    assert_int_equal(primary->revision, 1);
    assert_true(
        strstr(primary->reason, " completed. Rolled back to web:1, commit 000000000000, because web:2, "));
    assert_false(digest_equal(&view.aim->digest, &view.desired->digest));
    assert_int_equal(view.healthy_count, 1);
}

static void test_no_task_is_touched(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running_fixture(true);
    commit(fixture, "bad", true);
    let_it_fail(fixture);
    expect_rolled_back(fixture);
    assert_null(fixture_action(fixture, 0));
    fixture_turn(fixture);
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
}

/* The commit that asks for rollbacks is the one that needs it. */
static void test_what_completed_before_is_known(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running_fixture(false);
    assert_null(view_of(fixture).ledger->completed);
    commit(fixture, "bad", true);
    let_it_fail(fixture);
    expect_rolled_back(fixture);
}

static void test_a_later_life_heals_what_it_was_rolled_back_to(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = running_fixture(true);
    commit(before, "bad", true);
    let_it_fail(before);
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct event ledger = {.kind = EVENT_LEDGER};
    ledger.ledger.kind = LEDGER_SERVICE;
    ledger.ledger.name = memory_strdup("c/web");
    ledger.ledger.entry = json_deep_copy(saved(before));
    fixture_step(fixture, ledger);
    fixture->commits = before->commits - 1;
    fixture_empty(fixture, "one"); /* the task is gone */
    commit(fixture, "bad", true);
    fixture_turn(fixture);
    const struct action *create = fixture_action(fixture, 0);
    assert_int_equal(create->kind, ACTION_CREATE);
    assert_string_equal(action_image(create), "good");
    assert_true(digest_equal(&create->labels.digest, &view_of(fixture).aim->digest));
    assert_string_equal(create->labels.deployment, service_ledger_primary(view_of(fixture).ledger)->id);
}

static void test_other_content_and_a_retry_end_it(void **state)
{
    (void)state;
    for (int retry = 0; retry < 2; retry++) {
        struct fixture *fixture CLEANUP(fixture_freep) = running_fixture(true);
        commit(fixture, "bad", true);
        let_it_fail(fixture);
        if (retry) {
            struct event event = {.kind = EVENT_RETRY};
            event.retry.cluster = memory_strdup("c");
            event.retry.service = memory_strdup("web");
            fixture_step(fixture, event);
            assert_non_null(saved(fixture));
        } else {
            commit(fixture, "other", true);
        }
        fixture_turn(fixture);
        assert_string_equal(action_image(fixture_action(fixture, 0)), retry ? "bad" : "other");
        assert_string_equal(state_of(fixture), "deploying");
    }
}

static void test_a_revert_changes_nothing(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running_fixture(true);
    commit(fixture, "bad", true);
    let_it_fail(fixture);
    commit(fixture, "good", true);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    assert_string_equal(state_of(fixture), "steady");
}

static int join(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void test_a_snapshot_has_it(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running_fixture(true);
    commit(fixture, "bad", true);
    let_it_fail(fixture);
    json_t *snapshot = json_object();
    core_snapshot(fixture->core, join, snapshot);
    core_free(fixture->core);
    fixture->core = NULL;
    assert_int_equal(core_restore(snapshot, &fixture->core, NULL), 0);
    json_decref(snapshot);
    expect_rolled_back(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_task_is_touched),
        cmocka_unit_test(test_what_completed_before_is_known),
        cmocka_unit_test(test_a_later_life_heals_what_it_was_rolled_back_to),
        cmocka_unit_test(test_other_content_and_a_retry_end_it),
        cmocka_unit_test(test_a_revert_changes_nothing),
        cmocka_unit_test(test_a_snapshot_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
