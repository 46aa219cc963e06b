/* davit.prune: disabled: the service leaves, its tasks do not. */
#include "fixture.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define SERVICE(davit)                                                                                       \
    "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"davit\":{" davit "}}"
#define DISABLED SERVICE("\"prune\":\"disabled\"")

static struct view_service view_of(const struct fixture *fixture)
{
    struct view_service view;
    assert_true(core_view_service(fixture->core, "c", "web", &view));
    return view;
}

static void settle(struct fixture *fixture)
{
    for (int i = 0; i < 3; i++) {
        fixture_run(fixture);
        fixture_after(fixture, 10000);
    }
    fixture_run(fixture);
}

static struct fixture *fixture_of_web(const char *service)
{
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_file(fixture, "web-service.json", service);
    settle(fixture);
    return fixture;
}

static void test_its_tasks_are_left(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(DISABLED);
    fixture_file(fixture, "web-service.json", NULL);
    fixture_after(fixture, 7200000);
    fixture_turn(fixture);
    assert_int_equal(fixture->effects.len, 0);
    struct view_service view = view_of(fixture);
    assert_string_equal(view_service_state(&view), "left");
    assert_int_equal(view_service_rollout(&view), DEPLOYMENT_COMPLETED); /* the commit has arrived */
    assert_int_equal(view.running_count, 1);
    assert_string_equal(
        view.waiting,
        "it left the repository, and davit.prune: disabled leaves its tasks as they are; to remove them, "
        "put it back without davit.prune, then remove it");
    fixture_file(fixture, "web-service.json", DISABLED); /* it comes back: they are adopted */
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    view = view_of(fixture);
    assert_string_equal(view_service_state(&view), "steady");
    fixture_file(fixture, "web-service.json", NULL);
    fixture_empty(fixture, "one"); /* somebody removes them */
    fixture_run(fixture);
    assert_int_equal(core_services_len(fixture->core), 0);
}

/* Nobody restarts it, whatever its policy: it does not count as running for ever (seed 1228). */
static void test_what_ends_has_ended(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_file(fixture, "web-definition.json",
                 "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"nginx\","
                 "\"memory\":64,\"restartPolicy\":{\"enabled\":true,\"restartAttemptPeriod\":60}}]}");
    fixture_file(fixture, "web-service.json", DISABLED);
    settle(fixture);
    fixture_file(fixture, "web-service.json", NULL);
    fixture_run(fixture);
    assert_int_equal(view_of(fixture).running_count, 1);
    fixture_after(fixture, 70000);
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", "web", fixture->now_ms, &tasks);
    struct container *ended = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    ended->status = CONTAINER_STOPPED;
    ended->finished_ms = fixture->now_ms;
    ended->has_exit_code = true;
    fixture_listed(fixture, "one", &ended, 1);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    core_view_tasks(fixture->core, "c", "web", fixture->now_ms, &tasks);
    assert_int_equal(tasks.items[0].status, TASK_STOPPED);
    task_vec_deinit(&tasks);
    assert_int_equal(view_of(fixture).running_count, 0);
}

static void test_enabled_again(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(DISABLED);
    fixture_file(fixture, "web-service.json", SERVICE("\"prune\":\"enabled\""));
    fixture_turn(fixture);
    fixture_file(fixture, "web-service.json", NULL);
    fixture_run(fixture);
    assert_int_equal(core_services_len(fixture->core), 0);
}

static void test_over_a_restart(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of_web(DISABLED);
    struct task_vec tasks;
    core_view_tasks(first->core, "c", "web", first->now_ms, &tasks);
    struct container *container = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    struct fixture *second CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(second, (struct event){.kind = EVENT_LEDGER,
                                        .ledger = {LEDGER_SERVICE, memory_strdup("c/web"),
                                                   service_ledger_to_json(view_of(first).ledger)}});
    fixture_listed(second, "one", &container, 1);
    fixture_file(second, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_run(second);
    struct view_service view = view_of(second);
    assert_string_equal(view_service_state(&view), "left");
    assert_int_equal(view.running_count, 1);
}

/* What stays needs no approval. */
static void test_the_deletion_budget(void **state)
{
    (void)state;
    static const char *const davit[] = {"\"prune\":\"disabled\"", ""};
    for (size_t d = 0; d < ARRAY_LEN(davit); d++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
        fixture_commit(fixture, "web", "nginx", 1, 0);
        for (int leaves = 0; leaves < 2; leaves++) {
            char *list = memory_strdup("");
            for (int i = 0; i < 4 && !leaves; i++) {
                char *longer =
                    memory_printf("%s%s{\"cluster\":\"c\",\"serviceName\":\"s%d\",\"taskDefinition\":"
                                  "\"web\",\"davit\":{%s}}",
                                  list, i ? "," : "", i, davit[d]);
                free(list);
                list = longer;
            }
            char *text CLEANUP_FREE = memory_printf("{\"services\":[%s]}", list);
            fixture_file(fixture, "more.json", text);
            free(list);
        }
        struct view_source source;
        core_view_source(fixture->core, &source);
        assert_int_equal(source.held != NULL, d == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_tasks_are_left),  cmocka_unit_test(test_what_ends_has_ended),
        cmocka_unit_test(test_enabled_again),       cmocka_unit_test(test_over_a_restart),
        cmocka_unit_test(test_the_deletion_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
