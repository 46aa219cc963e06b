/* EVENT_RETRY: the way back from a failure whose cause lies outside of git. */
#include "fixture.h"

#include "base/text.h"
#include "model/json.h"

static struct event retry_of(const char *service)
{
    struct event event = {.kind = EVENT_RETRY};
    event.retry.cluster = memory_strdup("c");
    event.retry.service = memory_strdup(service);
    return event;
}

static const struct service_ledger *ledger_of(const struct fixture *fixture)
{
    struct view_service view;
    assert_true(core_view_service(fixture->core, "c", "web", &view));
    return view.ledger;
}

/* Every create fails until the deployment has. */
static void let_it_fail(struct fixture *fixture)
{
    for (int i = 0; i < 3; i++) {
        uint64_t id = fixture_action(fixture, 0)->id;
        fixture_done(fixture, id, ERROR_INVALID, NULL);
        fixture_turn(fixture);
        fixture_after(fixture, 10000);
        if (!fixture_action(fixture, 0))
            fixture_turn(fixture);
    }
    assert_int_equal(service_ledger_primary(ledger_of(fixture))->state, DEPLOYMENT_FAILED);
    assert_null(fixture_action(fixture, 0));
}

static struct fixture *failed_fixture(void)
{
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_turn(fixture);
    let_it_fail(fixture);
    return fixture;
}

static void test_it_is_saved_and_then_tried(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = failed_fixture();
    fixture_step(fixture, retry_of("web"));
    const struct ledger_change *change = &fixture_effect(fixture, EFFECT_SAVE, 0)->change;
    assert_string_equal(change->name, "c/web");
    assert_true(text_starts_with(change->message, "c/web: web:1 is to be tried again, commit "));
    assert_null(json_object_get(change->entry, "knownBad"));
    assert_true(core_is_dirty(fixture->core));
    struct view_service view = fixture_view(fixture, "web"); /* an engine may be waited for now */
    assert_string_equal(view_service_state(&view), "deploying");
    fixture_turn(fixture);
    assert_int_equal(service_ledger_primary(ledger_of(fixture))->state, DEPLOYMENT_IN_PROGRESS);
    assert_int_equal(ledger_of(fixture)->deployments.len, 2);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_CREATE);
}

/* It died between the save and the turn. */
static void test_a_later_life_tries_it(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = failed_fixture();
    fixture_step(before, retry_of("web"));
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct event ledger = {.kind = EVENT_LEDGER};
    ledger.ledger.kind = LEDGER_SERVICE;
    ledger.ledger.name = memory_strdup("c/web");
    ledger.ledger.entry = json_deep_copy(fixture_effect(before, EFFECT_SAVE, 0)->change.entry);
    fixture_step(fixture, ledger);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_CREATE);
}

static void test_what_failed_again_is_known_bad_again(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = failed_fixture();
    fixture_step(fixture, retry_of("web"));
    fixture_turn(fixture);
    let_it_fail(fixture);
    assert_int_equal(ledger_of(fixture)->known_bad.len, 1);
}

static void test_what_has_not_failed_is_left_alone(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_step(fixture, retry_of("web")); /* nobody knows it */
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_step(fixture, retry_of("web"));
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    fixture_turn(fixture);
    fixture_step(fixture, retry_of("web"));
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    assert_false(core_is_dirty(fixture->core));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_saved_and_then_tried),
        cmocka_unit_test(test_a_later_life_tries_it),
        cmocka_unit_test(test_what_failed_again_is_known_bad_again),
        cmocka_unit_test(test_what_has_not_failed_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
