/* Suspended services are left alone: by git, by hand, with their cluster. */
#include "fixture.h"

#include "base/text.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

/* "web" with one task, steady. */
static struct fixture *fixture_of_web(void)
{
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_run(fixture);
    fixture_after(fixture, 10000);
    fixture_run(fixture);
    return fixture;
}

static void ends(struct fixture *fixture, const char *service)
{
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", service, fixture->now_ms, &tasks);
    struct container *container = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    container->status = CONTAINER_STOPPED;
    container->has_exit_code = true;
    container->exit_code = 1;
    container->finished_ms = fixture->now_ms;
    fixture_step(fixture, (struct event){.kind = EVENT_CONTAINER,
                                         .engine = {.instance = memory_strdup(container->instance),
                                                    .container = container}});
}

/* Nothing is done for it, whatever happens; the text says by whom. */
static void expect_left_alone(struct fixture *fixture, const char *text)
{
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view.waiting, text);
    assert_string_equal(view_service_state(&view), "suspended");
    assert_true(view.suspended && view.blocked);
    fixture_commit(fixture, "web", "nginx:2", 2, 0);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    ends(fixture, "web");
    fixture_turn(fixture);
    fixture_after(fixture, 7200000); /* past the retention */
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    assert_string_equal(fixture_view(fixture, "web").waiting, text);
    assert_false(core_is_dirty(fixture->core));
}

static void expect_goes_on(struct fixture *fixture)
{
    size_t events = fixture_view(fixture, "web").events_len;
    assert_true(core_is_dirty(fixture->core));
    for (int i = 0; i < 3; i++) {
        fixture_run(fixture);
        fixture_after(fixture, 10000);
    }
    fixture_run(fixture);
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "steady");
    for (size_t i = events; i < view.events_len; i++) /* what ended meanwhile does not count */
        assert_null(strstr(view_service_event(&view, i)->message, "failed"));
}

static void test_by_hand(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_suspend(fixture, "web", false);
    const struct effect *save = fixture_effect(fixture, EFFECT_SAVE, 0);
    assert_int_equal(save->change.kind, LEDGER_SUSPENSION);
    assert_string_equal(save->change.name, "c");
    assert_string_equal(save->change.message, "c/web: suspended");
    int64_t since_ms = fixture->now_ms;
    assert_true(core_suspended_ms(fixture->core, "c", "web") == since_ms);
    fixture_after(fixture, 5000);
    fixture_suspend(fixture, "web", false); /* it is */
    assert_int_equal(fixture->effects.len, 0);
    char since[TEXT_TIME_SIZE];
    text_from_time_ms(since_ms, since);
    char *text CLEANUP_FREE = memory_printf("suspended by davit suspend, since %.19sZ", since);
    expect_left_alone(fixture, text);
    fixture_suspend(fixture, NULL, true); /* its cluster is not */
    assert_int_equal(fixture->effects.len, 0);
    fixture_suspend(fixture, "web", true);
    save = fixture_effect(fixture, EFFECT_SAVE, 0);
    assert_null(save->change.entry);
    assert_string_equal(save->change.message, "c/web: resumed");
    expect_goes_on(fixture);
}

static void test_by_hand_with_its_cluster(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_commit(fixture, "web2", "nginx", 1, 0); /* of a like name */
    fixture_suspend(fixture, "web", false);
    fixture_suspend(fixture, NULL, false);
    fixture_suspend(fixture, "web", true);
    char since[TEXT_TIME_SIZE];
    text_from_time_ms(fixture->now_ms, since);
    char *text CLEANUP_FREE =
        memory_printf("suspended by davit suspend, with its cluster, since %.19sZ", since);
    fixture_turn(fixture);
    assert_string_equal(fixture_view(fixture, "web2").waiting, text);
    expect_left_alone(fixture, text);
    fixture_suspend(fixture, NULL, true);
    expect_goes_on(fixture);
}

#define SERVICE(davit)                                                                                       \
    "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"davit\":{" davit "}}"
#define CLUSTER(davit) "{\"clusterName\":\"c\",\"davit\":{" davit "}}"

static void test_by_git(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_file(fixture, "web-service.json", SERVICE("\"suspend\":true"));
    fixture_file(
        fixture, "web-definition.json",
        "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"n\",\"memory\":64}]}");
    fixture_turn(fixture);
    assert_int_equal(fixture->effects.len, 0);
    assert_string_equal(fixture_view(fixture, "web").waiting, "suspended by git");
    fixture_file(fixture, "web-service.json", SERVICE("\"suspend\":false"));
    expect_goes_on(fixture);
    fixture_file(fixture, "web-service.json", SERVICE("\"suspend\":true"));
    fixture_turn(fixture);
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "suspended");
    fixture_file(fixture, "web-service.json", NULL); /* the service goes, and its suspend with it */
    fixture_run(fixture);
    assert_int_equal(core_services_len(fixture->core), 0);
}

static void test_by_git_with_its_cluster(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_file(fixture, "cluster.json", CLUSTER("\"suspend\":true"));
    assert_true(core_is_dirty(fixture->core));
    fixture_turn(fixture);
    assert_string_equal(fixture_view(fixture, "web").waiting, "suspended by git, with its cluster");
    fixture_file(fixture, "web-service.json", NULL);
    fixture_turn(fixture); /* no removal */
    assert_int_equal(fixture->effects.len, 0);
    assert_int_equal(fixture_view(fixture, "web").running_count, 1);
    fixture_file(fixture, "cluster.json", CLUSTER(""));
    fixture_run(fixture);
    assert_int_equal(core_services_len(fixture->core), 0);
}

static void test_what_is_under_way_ends(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_turn(fixture);
    struct action *create CLEANUP(action_freep) = action_copy(fixture_action(fixture, 0));
    fixture_suspend(fixture, "web", false);
    fixture_turn(fixture);
    fixture_done(fixture, create->id, 0, fixture_container(create, CONTAINER_CREATED, fixture->now_ms));
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0)); /* it is not started */
    assert_int_equal(fixture_view(fixture, "web").pending_count, 1);
    fixture_suspend(fixture, "web", true);
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_START);
}

static void test_what_ends_meanwhile_does_not_count(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_suspend(fixture, "web", false);
    fixture_turn(fixture);
    ends(fixture, "web");
    fixture_turn(fixture);
    fixture_suspend(fixture, "web", true);
    expect_goes_on(fixture);
}

static void test_who_depends_on_it_waits(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_commit(fixture, "api", "nginx", 1, 0);
    fixture_file(fixture, "api-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"api\",\"taskDefinition\":\"api\",\"davit\":{"
                 "\"dependsOn\":[{\"service\":\"web\"}]}}");
    fixture_suspend(fixture, "web", false);
    fixture_run(fixture);
    assert_string_equal(fixture_view(fixture, "api").waiting,
                        "0 of 1 new tasks healthy, 1 starting"); /* web is well */
    fixture_commit(fixture, "web", "nginx:2", 1, 0);
    fixture_file(
        fixture, "api-definition.json",
        "{\"family\":\"api\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"n\",\"memory\":64}]}");
    fixture_run(fixture);
    struct view_service view = fixture_view(fixture, "api");
    assert_string_equal(view.waiting, "waits for service c/web: it is suspended");
    assert_string_equal(view_service_state(&view), "blocked");
    fixture_suspend(fixture, "web", true);
    fixture_run(fixture);
    assert_string_equal(fixture_view(fixture, "api").waiting,
                        "waits for service c/web: its deployment is in progress");
}

static json_t *saved(const struct fixture *fixture)
{
    return json_incref(fixture_effect(fixture, EFFECT_SAVE, 0)->change.entry);
}

static void test_the_ledger_keeps_it(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of_web();
    fixture_suspend(first, NULL, false);
    first->now_ms++;
    fixture_suspend(first, "gone", false);
    json_t *entry = saved(first);
    struct fixture *second CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(second, (struct event){.kind = EVENT_LEDGER,
                                        .ledger = {LEDGER_SUSPENSION, memory_strdup("c"), entry}});
    assert_true(core_suspended_ms(second->core, "c", NULL) == first->now_ms - 1);
    assert_true(core_suspended_ms(second->core, "c", "gone") == first->now_ms);
    fixture_empty(second, "one");
    fixture_commit(second, "web", "nginx", 1, 0);
    fixture_turn(second);
    assert_null(fixture_action(second, 0));
    fixture_suspend(second, NULL, true);
    json_t *left CLEANUP(json_decrefp) = saved(second);
    assert_null(json_object_get(left, "since"));
    assert_int_equal(json_object_size(json_object_get(left, "services")), 1);
    fixture_turn(second);
    assert_non_null(fixture_action(second, 0));
}

static int join(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void test_a_snapshot_keeps_it(void **state)
{
    (void)state;
    static const char *const clusters[] = {CLUSTER(""), CLUSTER("\"suspend\":true"), CLUSTER("")};
    static const char *const services[] = {SERVICE(""), SERVICE(""), SERVICE("\"suspend\":true")};
    for (size_t i = 0; i < ARRAY_LEN(clusters); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
        fixture_file(fixture, "cluster.json", clusters[i]);
        fixture_file(fixture, "web-service.json", services[i]);
        if (i == 0)
            fixture_suspend(fixture, "web", false);
        json_t *snapshot CLEANUP(json_decrefp) = json_object();
        assert_int_equal(core_snapshot(fixture->core, join, snapshot), 0);
        core_free(fixture->core);
        assert_int_equal(core_restore(snapshot, &fixture->core, NULL), 0);
        ends(fixture, "web");
        fixture_turn(fixture);
        assert_null(fixture_action(fixture, 0));
        assert_true(fixture_view(fixture, "web").suspended);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_by_hand_with_its_cluster),
        cmocka_unit_test(test_by_git),
        cmocka_unit_test(test_by_git_with_its_cluster),
        cmocka_unit_test(test_what_is_under_way_ends),
        cmocka_unit_test(test_what_ends_meanwhile_does_not_count),
        cmocka_unit_test(test_who_depends_on_it_waits),
        cmocka_unit_test(test_the_ledger_keeps_it),
        cmocka_unit_test(test_a_snapshot_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
