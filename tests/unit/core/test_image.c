/* What an image's tag means for a deployment: asked for, noted, and what becomes of answers that come late.
 */
#include "fixture.h"

#include "base/text.h"
#include "model/json.h"

static const struct deployment_image *image_of_primary(const struct fixture *fixture)
{
    const struct deployment *primary = service_ledger_primary(fixture_view(fixture, "web").ledger);
    assert_int_equal(primary->images.len, 1);
    return &primary->images.items[0];
}

/* The question for "nginx" is under way. */
static struct fixture *asking_fixture(int count)
{
    struct fixture *fixture = fixture_new(2);
    fixture->asked = true;
    fixture_empty(fixture, "one");
    fixture_empty(fixture, "two");
    fixture_commit(fixture, "web", "nginx", count, 0);
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_RESOLVE);
    assert_string_equal(action_image(fixture_action(fixture, 0)), "nginx");
    assert_null(fixture_action(fixture, 1));
    assert_int_equal(fixture_view(fixture, "web").pending_count, 0); /* a question is no task */
    return fixture;
}

static void answer(struct fixture *fixture, uint64_t id, const char *digest, const char *message)
{
    fixture_step(fixture, (struct event){.kind = EVENT_ACTION_DONE,
                                         .action = {.id = id,
                                                    .message = memory_strdup(message),
                                                    .image_digest = memory_strdup(digest)}});
}

static void test_it_is_saved_before_a_task_is_created_of_it(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = asking_fixture(2);
    assert_string_equal(fixture_view(fixture, "web").waiting,
                        "resolves image nginx to a digest for all tasks of the deployment, on instance one");
    answer(fixture, fixture_action(fixture, 0)->id, "sha256:1", NULL);
    const struct ledger_change *change = &fixture_effect(fixture, EFFECT_SAVE, 0)->change;
    assert_non_null(strstr(change->message, ": image nginx is sha256:1"));
    const json_t *deployment = json_array_get(json_object_get(change->entry, "deployments"), 0);
    assert_string_equal(model_string(json_array_get(json_object_get(deployment, "images"), 0), "digest"),
                        "sha256:1");
    fixture_turn(fixture);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fixture_action(fixture, i)->kind, ACTION_CREATE);
        assert_string_equal(action_image(fixture_action(fixture, i)), "nginx@sha256:1");
    }
}

static void test_a_later_life_knows_it(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = asking_fixture(1);
    answer(before, fixture_action(before, 0)->id, "sha256:1", NULL);
    struct event saved = {.kind = EVENT_LEDGER};
    saved.ledger.name = memory_strdup("c/web");
    saved.ledger.entry = json_incref(fixture_effect(before, EFFECT_SAVE, 0)->change.entry);
    struct fixture *after CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(after, saved);
    fixture_empty(after, "one");
    fixture_commit(after, "web", "nginx", 1, 0);
    fixture_turn(after);
    assert_int_equal(fixture_action(after, 0)->kind, ACTION_CREATE);
    assert_string_equal(action_image(fixture_action(after, 0)), "nginx@sha256:1");
}

static void test_what_was_built_there_has_none(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = asking_fixture(1);
    answer(fixture, fixture_action(fixture, 0)->id, NULL, NULL);
    assert_true(image_of_primary(fixture)->resolved);
    fixture_turn(fixture);
    assert_string_equal(action_image(fixture_action(fixture, 0)), "nginx");
}

static void test_an_old_copy_is_told_of(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = asking_fixture(1);
    answer(fixture, fixture_action(fixture, 0)->id, "sha256:1", "the registry is down; an old copy is used");
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_event(&view, view.events_len - 1)->message,
                        "(service web) the registry is down; an old copy is used.");
}

/* The engine broke the connection: nobody knows what it means there, and it is asked again. */
static void answer_with_copy(struct fixture *fixture, const char *digest)
{
    fixture_step(fixture, (struct event){.kind = EVENT_ACTION_DONE,
                                         .action = {.id = fixture_action(fixture, 0)->id,
                                                    .image_digest = memory_strdup(digest),
                                                    .image_is_copy = true}});
}

/* It may have been built there: no other instance could get it by that digest. */
static void test_a_copy_counts_where_a_registry_has_given_it_before(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = asking_fixture(2);
    answer_with_copy(fixture, "sha256:1");
    assert_true(image_of_primary(fixture)->resolved);
    assert_null(image_of_primary(fixture)->digest);
    static const struct {
        const char *digest;
        bool counts;
    } copies[] = {{"sha256:2", true}, {"sha256:3", false}};
    for (size_t i = 0; i < ARRAY_LEN(copies); i++) {
        struct fixture *known CLEANUP(fixture_freep) = asking_fixture(2);
        answer(known, fixture_action(known, 0)->id, "sha256:2", NULL);
        fixture_run(known);
        fixture_file(known, "web-definition.json",
                     "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"nginx\","
                     "\"memory\":65}]}");
        fixture_turn(known);
        assert_int_equal(fixture_action(known, 0)->kind, ACTION_RESOLVE);
        answer_with_copy(known, copies[i].digest);
        assert_true(text_equal(image_of_primary(known)->digest, copies[i].counts ? copies[i].digest : NULL));
    }
}

static void test_a_lost_answer_is_asked_for_again(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = asking_fixture(1);
    fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_UNAVAILABLE, NULL);
    assert_non_null(fixture_effect(fixture, EFFECT_LIST, 0));
    fixture_empty(fixture, "one");
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    fixture_after(fixture, 1000);
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_RESOLVE);
    assert_int_equal(service_ledger_primary(fixture_view(fixture, "web").ledger)->failed_tasks, 0);
}

static void test_a_silent_instance_is_passed_over(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = asking_fixture(1);
    uint64_t first = fixture_action(fixture, 0)->id;
    fixture_after(fixture, PATIENCE_MS);
    fixture_step(fixture, (struct event){.kind = EVENT_DISCONNECTED,
                                         .engine = {.instance = memory_strdup("one"),
                                                    .message = memory_strdup("gone")}});
    fixture_turn(fixture);
    assert_string_equal(fixture_action(fixture, 0)->instance, "two");
    answer(fixture, fixture_action(fixture, 0)->id, "sha256:2", NULL);
    answer(fixture, first, "sha256:1", NULL); /* the first answer counts */
    assert_string_equal(image_of_primary(fixture)->digest, "sha256:2");
}

static void test_a_failed_pull_is_a_failed_task(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = asking_fixture(4);
    fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_INVALID, NULL);
    fixture_turn(fixture);
    assert_int_equal(service_ledger_primary(fixture_view(fixture, "web").ledger)->failed_tasks, 1);
    assert_string_equal(fixture_action(fixture, 0)->instance, "two");
    fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_INVALID, NULL);
    fixture_turn(fixture);
    assert_int_equal(service_ledger_primary(fixture_view(fixture, "web").ledger)->failed_tasks, 5);
}

static void test_an_answer_for_what_was_replaced_is_none(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = asking_fixture(1);
    uint64_t first = fixture_action(fixture, 0)->id;
    fixture_file(fixture, "web-definition.json",
                 "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"nginx\","
                 "\"memory\":65}]}");
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_RESOLVE);
    answer(fixture, first, "sha256:1", NULL);
    assert_false(image_of_primary(fixture)->resolved);
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
}

static bool is_forgotten(const struct fixture *fixture)
{
    const struct effect *save = fixture_effect(fixture, EFFECT_SAVE, 0);
    return save && text_equal(save->change.name, "c/web") && !save->change.entry;
}

/* A pull may take hours. */
static void test_nobody_waits_for_it_when_the_service_is_gone(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = asking_fixture(1);
    uint64_t first = fixture_action(fixture, 0)->id;
    fixture_file(fixture, "web-service.json", NULL);
    fixture_turn(fixture);
    assert_true(is_forgotten(fixture));
    answer(fixture, first, "sha256:1", NULL);
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
}

static void test_nor_for_an_instance_that_died(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = asking_fixture(1);
    uint64_t first = fixture_action(fixture, 0)->id;
    fixture_after(fixture, PATIENCE_MS);
    fixture_done(fixture, first, ERROR_UNAVAILABLE, NULL);
    fixture_step(fixture, (struct event){.kind = EVENT_DISCONNECTED,
                                         .engine = {.instance = memory_strdup("one"),
                                                    .message = memory_strdup("gone")}});
    fixture_file(fixture, "web-service.json", NULL);
    fixture_turn(fixture);
    assert_true(is_forgotten(fixture));
    fixture_empty(fixture, "one");
    fixture_turn(fixture);
    assert_false(core_is_dirty(fixture->core));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_saved_before_a_task_is_created_of_it),
        cmocka_unit_test(test_a_later_life_knows_it),
        cmocka_unit_test(test_what_was_built_there_has_none),
        cmocka_unit_test(test_an_old_copy_is_told_of),
        cmocka_unit_test(test_a_copy_counts_where_a_registry_has_given_it_before),
        cmocka_unit_test(test_a_lost_answer_is_asked_for_again),
        cmocka_unit_test(test_a_silent_instance_is_passed_over),
        cmocka_unit_test(test_a_failed_pull_is_a_failed_task),
        cmocka_unit_test(test_an_answer_for_what_was_replaced_is_none),
        cmocka_unit_test(test_nobody_waits_for_it_when_the_service_is_gone),
        cmocka_unit_test(test_nor_for_an_instance_that_died),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
