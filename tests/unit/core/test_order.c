/* davit.dependsOn at run time: who waits, for what, and who wakes them. */
#include "fixture.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static enum deployment_state state_of(const struct fixture *fixture, const char *name)
{
    return service_ledger_primary(fixture_view(fixture, name).ledger)->state;
}

/* "api" depends on "db", from the first commit on; db is planned after it. */
static struct fixture *fixture_of_two(int instances)
{
    struct fixture *fixture = fixture_new(instances);
    fixture_commit(fixture, "db", "nginx@sha256:1", 2, 0);
    fixture_commit(fixture, "api", "nginx@sha256:1", 1, 0);
    fixture_file(fixture, "api-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"api\",\"taskDefinition\":\"api\",\"desiredCount\":1,"
                 "\"davit\":{\"dependsOn\":[{\"service\":\"db\"}]}}");
    return fixture;
}

static void test_one_after_the_other(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_turn(fixture);
    for (size_t i = 0; fixture_action(fixture, i); i++)
        assert_string_equal(fixture_action(fixture, i)->service, "db");
    assert_string_equal(fixture_view(fixture, "api").waiting,
                        "waits for service c/db: its deployment has not begun");
    assert_true(core_is_dirty(fixture->core)); /* db was planned: so will be who waits for it */
    fixture_turn(fixture);
    assert_string_equal(fixture_view(fixture, "api").waiting,
                        "waits for service c/db: its deployment is in progress");
    assert_false(core_is_dirty(fixture->core));
}

static void test_it_wakes_by_itself(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_run(fixture); /* what the containers of db report is all that happens */
    assert_int_equal(fixture_view(fixture, "api").running_count, 0);
    fixture_after(fixture, 10000);
    fixture_turn(fixture); /* db's wake-up */
    assert_int_equal(state_of(fixture, "db"), DEPLOYMENT_COMPLETED);
    assert_true(core_is_dirty(fixture->core));
    fixture_turn(fixture);
    assert_string_equal(fixture_action(fixture, 0)->service, "api");
}

static void test_a_failed_one_is_waited_for(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_settle(fixture);
    assert_int_equal(state_of(fixture, "api"), DEPLOYMENT_COMPLETED);
    fixture_change(fixture, "api", "two");
    fixture_change(fixture, "db", "missing");
    for (int i = 0; i < 8 && state_of(fixture, "db") != DEPLOYMENT_FAILED; i++) {
        fixture_turn(fixture);
        struct action_vec creates = {0};
        for (size_t n = 0; fixture_action(fixture, n); n++)
            vector_push(&creates, action_copy(fixture_action(fixture, n)));
        for (size_t n = 0; n < creates.len; n++) {
            assert_string_equal(creates.items[n]->service, "db");
            fixture_done(fixture, creates.items[n]->id, ERROR_NOT_FOUND, NULL);
        }
        action_vec_deinit(&creates);
        fixture_after(fixture, 400000);
    }
    fixture_run(fixture);
    assert_int_equal(state_of(fixture, "db"), DEPLOYMENT_FAILED);
    assert_string_equal(fixture_view(fixture, "api").waiting,
                        "waits for service c/db: its deployment failed");
    struct view_service api = fixture_view(fixture, "api");
    assert_string_equal(view_service_state(&api), "blocked");
    assert_int_equal(api.healthy_count, 1); /* untouched */
    fixture_change(fixture, "db", "nginx"); /* git revert */
    fixture_settle(fixture);
    assert_int_equal(state_of(fixture, "api"), DEPLOYMENT_COMPLETED);
    assert_null(fixture_view(fixture, "api").waiting);
}

static struct container *container_of(const struct fixture *fixture, const char *service)
{
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", service, fixture->now_ms, &tasks);
    struct container *copy = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    return copy;
}

static void stops(struct fixture *fixture, const char *service)
{
    struct container *container = container_of(fixture, service);
    container->status = CONTAINER_STOPPED;
    container->finished_ms = fixture->now_ms;
    fixture_step(fixture, (struct event){.kind = EVENT_CONTAINER,
                                         .engine = {.instance = memory_strdup(container->instance),
                                                    .container = container}});
}

static void test_healing_waits_for_nobody(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_settle(fixture);
    stops(fixture, "db");
    stops(fixture, "api");
    fixture_turn(fixture);
    assert_string_equal(fixture_action(fixture, 0)->service, "api");
    assert_string_equal(fixture_action(fixture, 1)->service, "db");
}

static void test_a_deployment_waits_for_a_sick_one(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_settle(fixture);
    stops(fixture, "db");
    fixture_change(fixture, "api", "two");
    fixture_run(fixture);
    assert_string_equal(fixture_view(fixture, "api").waiting, "waits for service c/db: 1 of 2 tasks healthy");
    fixture_settle(fixture);
    assert_int_equal(state_of(fixture, "api"), DEPLOYMENT_COMPLETED);
}

static void test_scaling_is_not_waited_for(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_settle(fixture);
    fixture_commit(fixture, "db", "nginx@sha256:1", 4, 0);
    fixture_change(fixture, "api", "two");
    fixture_run(fixture);
    assert_string_equal(fixture_view(fixture, "api").waiting, "0 of 1 new tasks healthy, 1 starting");
    fixture_settle(fixture);
    stops(fixture, "db"); /* now it has four, and three are healthy */
    fixture_change(fixture, "api", "three");
    fixture_run(fixture);
    assert_string_equal(fixture_view(fixture, "api").waiting, "waits for service c/db: 3 of 4 tasks healthy");
    fixture_commit(fixture, "db", "nginx", 0, 0);
    fixture_settle(fixture); /* none are wanted, and none is there */
    assert_int_equal(state_of(fixture, "api"), DEPLOYMENT_COMPLETED);
}

static void test_nobody_knows_how_a_lost_one_is(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_settle(fixture);
    fixture_step(fixture, (struct event){.kind = EVENT_DISCONNECTED,
                                         .engine = {.instance = memory_strdup("one"),
                                                    .message = memory_strdup("gone")}});
    fixture_change(fixture, "api", "two");
    fixture_turn(fixture);
    assert_string_equal(
        fixture_view(fixture, "api").waiting,
        "waits for service c/db: 0 of 2 tasks known to be healthy, instance one does not answer");
}

static void test_a_survivor_of_older_content_does_not_count(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_settle(fixture);
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", "db", fixture->now_ms, &tasks);
    struct container *survivor = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    memset(survivor->labels.task, 'f', ID_HEX_SIZE - 1); /* one that nobody has been told to stop */
    fixture_change(fixture, "db", "two");
    fixture_settle(fixture);
    assert_int_equal(state_of(fixture, "db"), DEPLOYMENT_COMPLETED);
    fixture_listed(fixture, "one", &survivor, 1); /* all else is lost */
    fixture_change(fixture, "api", "two");
    fixture_turn(fixture);
    assert_string_equal(fixture_view(fixture, "api").waiting, "waits for service c/db: 0 of 2 tasks healthy");
}

/* COMPLETE asks for the deployment alone. */
static void test_complete_asks_for_no_health(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_settle(fixture);
    fixture_file(fixture, "api-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"api\",\"taskDefinition\":\"api\",\"desiredCount\":1,"
                 "\"davit\":{\"dependsOn\":[{\"service\":\"db\",\"condition\":\"COMPLETE\"}]}}");
    fixture_change(fixture, "api", "two");
    fixture_listed(fixture, "one", NULL, 0); /* all is lost */
    fixture_turn(fixture);
    bool launched = false;
    for (size_t i = 0; fixture_action(fixture, i); i++)
        launched |= text_equal(fixture_action(fixture, i)->service, "api");
    assert_true(launched);
}

static void test_no_longer_asked_for(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_run(fixture);
    fixture_file(fixture, "api-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"api\",\"taskDefinition\":\"api\",\"desiredCount\":1}");
    fixture_run(fixture);
    assert_string_equal(fixture_view(fixture, "api").waiting, "0 of 1 new tasks healthy, 1 starting");
    fixture_file(fixture, "db-service.json", NULL);
    fixture_settle(fixture);
    assert_int_equal(state_of(fixture, "api"), DEPLOYMENT_COMPLETED);
    assert_int_equal(core_services_len(fixture->core), 1);
}

static void test_both_leave(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_run(fixture);
    fixture_file(fixture, "api-service.json", NULL);
    fixture_file(fixture, "db-service.json", NULL);
    fixture_settle(fixture);
    assert_int_equal(core_services_len(fixture->core), 0);
}

static int join(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void test_a_snapshot_keeps_who_waits(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_two(1);
    fixture_empty(fixture, "one");
    fixture_run(fixture);
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(fixture->core, join, snapshot), 0);
    core_free(fixture->core);
    assert_int_equal(core_restore(snapshot, &fixture->core, NULL), 0);
    fixture_after(fixture, 10000);
    fixture_turn(fixture);
    assert_true(core_is_dirty(fixture->core));
    fixture_turn(fixture);
    assert_string_equal(fixture_action(fixture, 0)->service, "api");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_it_wakes_by_itself),
        cmocka_unit_test(test_a_failed_one_is_waited_for),
        cmocka_unit_test(test_healing_waits_for_nobody),
        cmocka_unit_test(test_a_deployment_waits_for_a_sick_one),
        cmocka_unit_test(test_scaling_is_not_waited_for),
        cmocka_unit_test(test_nobody_knows_how_a_lost_one_is),
        cmocka_unit_test(test_a_survivor_of_older_content_does_not_count),
        cmocka_unit_test(test_complete_asks_for_no_health),
        cmocka_unit_test(test_no_longer_asked_for),
        cmocka_unit_test(test_both_leave),
        cmocka_unit_test(test_a_snapshot_keeps_who_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
