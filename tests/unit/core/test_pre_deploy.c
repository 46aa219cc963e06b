/* davit.preDeploy: rows R13 and F16. */
#include "fixture.h"

#include "base/text.h"

#include <string.h>

/* Service "web" of cluster c, two tasks, with preDeploy "migrate" and then "seed". */
static struct fixture *fixture_of_web(void)
{
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx:1", 2, 0);
    fixture_change(fixture, "migrate", "migrate:1");
    fixture_change(fixture, "seed", "seed:1");
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2,"
                 "\"davit\":{\"preDeploy\":[\"migrate\",\"seed\"]}}");
    return fixture;
}

static const struct deployment *primary(const struct fixture *fixture)
{
    return service_ledger_primary(fixture_view(fixture, "web").ledger);
}

/* The standalone tasks of that family, youngest first; the youngest that has not ended in *ret_id. */
static size_t count_runs(const struct fixture *fixture, const char *family, char ret_id[ID_HEX_SIZE])
{
    struct view_run_vec runs = {0};
    size_t len = 0;
    core_view_runs(fixture->core, &runs);
    for (size_t i = 0; i < runs.len; i++) {
        if (!text_equal(runs.items[i].run->family, family))
            continue;
        if (len++ == 0)
            memcpy(ret_id, runs.items[i].run->id, ID_HEX_SIZE);
        assert_string_equal(runs.items[i].run->group, "pre-deploy:web");
    }
    vector_deinit(&runs);
    return len;
}

static void ends(struct fixture *fixture, const char *family, int code)
{
    char id[ID_HEX_SIZE];
    struct task_vec tasks;
    assert_true(count_runs(fixture, family, id) > 0);
    core_view_run_tasks(fixture->core, "c", id, fixture->now_ms, &tasks);
    assert_int_equal(tasks.len, 1);
    struct container *container = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    container->status = CONTAINER_STOPPED;
    container->has_exit_code = true;
    container->exit_code = code;
    container->finished_ms = fixture->now_ms;
    fixture_step(fixture, (struct event){.kind = EVENT_CONTAINER,
                                         .engine = {.instance = memory_strdup(container->instance),
                                                    .container = container}});
    fixture_run(fixture);
}

static size_t count(const struct fixture *fixture, const char *family)
{
    char id[ID_HEX_SIZE];
    return count_runs(fixture, family, id);
}

static struct fixture *fixture_deployed(void)
{
    struct fixture *fixture = fixture_of_web();
    fixture_run(fixture);
    ends(fixture, "migrate", 0);
    ends(fixture, "seed", 0);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_COMPLETED);
    return fixture;
}

static void test_one_after_the_other(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    assert_int_equal(fixture_view(fixture, "web").running_count, 0);
    assert_int_equal(count(fixture, "migrate"), 1);
    assert_int_equal(count(fixture, "seed"), 0);
    assert_non_null(strstr(fixture_view(fixture, "web").waiting,
                           "waits for task migrate:1 of davit.preDeploy to succeed (task "));
    ends(fixture, "migrate", 0);
    assert_int_equal(fixture_view(fixture, "web").running_count, 0);
    ends(fixture, "seed", 0);
    assert_int_equal(fixture_view(fixture, "web").running_count, 2);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_COMPLETED);
    assert_int_equal(count(fixture, "migrate"), 1);
    assert_int_equal(count(fixture, "seed"), 1);
}

static int count_events(const struct fixture *fixture, const char *start, const char *end)
{
    struct view_service view = fixture_view(fixture, "web");
    int times = 0;
    for (size_t i = 0; i < view.events_len; i++) {
        const char *message = view_service_event(&view, i)->message;
        times += text_starts_with(message, start) && strstr(message, end);
    }
    return times;
}

static void test_its_tasks_are_told(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    fixture_settle(fixture); /* told once, however often it is looked at */
    assert_int_equal(
        count_events(fixture, "(service web) has started task ", " of davit.preDeploy migrate:1."), 1);
    assert_non_null(strstr(fixture_view(fixture, "web").waiting, "), since 2023-11-14 22:13 UTC; "));
    assert_non_null(strstr(fixture_view(fixture, "web").waiting, "; \"davit stop-task c/"));
    ends(fixture, "migrate", 0);
    fixture_settle(fixture);
    assert_int_equal(
        count_events(fixture, "(service web) task ", " of davit.preDeploy migrate:1 has succeeded."), 1);
    ends(fixture, "seed", 3);
    fixture_settle(fixture);
    assert_int_equal(count_events(fixture, "(service web) task ",
                                  " of davit.preDeploy seed:1 has failed: container app exited with code 3."),
                     1);
}

static void test_once_for_a_content(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_deployed();
    fixture_change(fixture, "web", "nginx:2");
    fixture_run(fixture);
    assert_int_equal(count(fixture, "migrate"), 2); /* another content of the service */
    ends(fixture, "migrate", 0);
    ends(fixture, "seed", 0);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->revision, 2);
    fixture_change(fixture, "web", "nginx:1"); /* git revert */
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->revision, 1);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_COMPLETED);
    assert_int_equal(count(fixture, "migrate"), 2);
}

/* A migration that changes is a deployment, and replaces no task. */
static void test_a_new_migration_alone(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_deployed();
    char *before CLEANUP_FREE = memory_strdup(primary(fixture)->id);
    fixture_change(fixture, "migrate", "migrate:2");
    fixture_run(fixture);
    assert_string_not_equal(primary(fixture)->id, before);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_IN_PROGRESS);
    ends(fixture, "migrate", 0);
    ends(fixture, "seed", 0);
    for (size_t i = 0; fixture_action(fixture, i); i++)
        assert_null(fixture_action(fixture, i)->service);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_COMPLETED);
    assert_int_equal(fixture_view(fixture, "web").running_count, 2);
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", "web", fixture->now_ms, &tasks);
    assert_int_equal(tasks.len, 2); /* the very same */
    task_vec_deinit(&tasks);
}

static void test_one_fails(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_deployed();
    fixture_change(fixture, "web", "nginx:2");
    fixture_run(fixture);
    ends(fixture, "migrate", 3);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_FAILED);
    assert_non_null(
        strstr(primary(fixture)->reason,
               "task migrate:1 of davit.preDeploy failed: container app exited with code 3 (task "));
    assert_int_equal(count(fixture, "seed"), 1);
    assert_int_equal(fixture_view(fixture, "web").running_count, 2); /* what served serves */
    fixture_change(fixture, "migrate", "migrate:2");                 /* the fix is in the migration alone */
    fixture_run(fixture);
    ends(fixture, "migrate", 0);
    ends(fixture, "seed", 0);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_COMPLETED);
    assert_int_equal(primary(fixture)->revision, 2);
}

/* Two migrations at a time are none. */
static void test_the_older_one_ends_first(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    fixture_change(fixture, "web", "nginx:2");
    fixture_run(fixture);
    assert_int_equal(count(fixture, "migrate"), 1);
    assert_non_null(strstr(fixture_view(fixture, "web").waiting, ", which deployment ecs-svc/"));
    assert_non_null(strstr(fixture_view(fixture, "web").waiting, "gives it up, and that deployment fails"));
    ends(fixture, "migrate", 0);
    assert_int_equal(count(fixture, "migrate"), 2);
    assert_int_equal(count(fixture, "seed"), 0);
}

static void test_suspended(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_suspend(fixture, "web", false);
    fixture_settle(fixture);
    assert_false(core_is_dirty(fixture->core));
    fixture_suspend(fixture, "web", true);
    fixture_run(fixture);
    assert_int_equal(count(fixture, "migrate"), 1);
}

/* Its task is forgotten one day, its success is not. */
static void test_a_success_meanwhile(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    fixture_suspend(fixture, "web", false);
    ends(fixture, "migrate", 0);
    struct view_service view = fixture_view(fixture, "web");
    assert_int_equal(service_ledger_prepared(view.ledger, &view.desired->digest), 1);
    assert_int_equal(count(fixture, "seed"), 0);
    fixture_suspend(fixture, "web", true);
    fixture_run(fixture);
    assert_int_equal(count(fixture, "seed"), 1);
    assert_int_equal(count(fixture, "migrate"), 1);
}

/* Its entry is kept until the failure is counted. */
static void test_a_failure_meanwhile(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    fixture_suspend(fixture, "web", false);
    fixture_run(fixture);
    ends(fixture, "migrate", 1);
    fixture_after(fixture, INT64_C(100) * 3600000);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_IN_PROGRESS);
    assert_int_equal(count(fixture, "migrate"), 1);
    fixture_suspend(fixture, "web", true);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_FAILED);
    assert_int_equal(count(fixture, "migrate"), 0);
}

/* As that, of a service that left meanwhile, which nobody has looked at while it was suspended. */
static void test_a_failure_while_it_had_left(void **state)
{
    static const char service[] =
        "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2,"
        "\"davit\":{\"preDeploy\":[\"migrate\",\"seed\"]}}";
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    fixture_suspend(fixture, "web", false);
    fixture_run(fixture);
    ends(fixture, "migrate", 1);
    fixture_file(fixture, "web-service.json", NULL);
    fixture_after(fixture, INT64_C(100) * 3600000);
    fixture_settle(fixture);
    fixture_file(fixture, "web-service.json", service);
    fixture_suspend(fixture, "web", true);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_FAILED);
    assert_int_equal(count(fixture, "migrate"), 0);
}

/* Its entry goes with the service. */
static void test_a_failure_of_one_that_left(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2,"
                 "\"davit\":{\"prune\":\"disabled\",\"preDeploy\":[\"migrate\"]}}");
    fixture_run(fixture);
    fixture_suspend(fixture, "web", false);
    ends(fixture, "migrate", 1);
    fixture_file(fixture, "web-service.json", NULL);
    fixture_after(fixture, INT64_C(100) * 3600000);
    fixture_settle(fixture);
    assert_int_equal(count(fixture, "migrate"), 1);
    fixture_suspend(fixture, "web", true);
    fixture_settle(fixture);
    struct view_service view;
    assert_false(core_view_service(fixture->core, "c", "web", &view));
    assert_int_equal(count(fixture, "migrate"), 0);
}

/* The cluster's default strategy is for what may wait until the provider has room. */
static void test_no_capacity_provider_holds_it(void **state) /* R13, V5 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_file(fixture, "cluster.json",
                 "{\"clusterName\":\"c\",\"capacityProviders\":[\"a\",\"b\"],"
                 "\"defaultCapacityProviderStrategy\":[{\"capacityProvider\":\"b\",\"weight\":1}],"
                 "\"davit\":{\"containerInstances\":[{\"name\":\"one\",\"capacityProvider\":\"a\"}]}}");
    fixture_run(fixture);
    assert_int_equal(count(fixture, "migrate"), 1);
}

/* It was begun for the content, which has gone and come back meanwhile. */
static void test_reverted_meanwhile(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    fixture_change(fixture, "web", "nginx:2");
    fixture_run(fixture);
    fixture_change(fixture, "web", "nginx:1");
    fixture_run(fixture);
    ends(fixture, "migrate", 0);
    assert_int_equal(count(fixture, "migrate"), 1);
    assert_int_equal(count(fixture, "seed"), 1);
}

/* It ends while a content runs that has no davit.preDeploy. */
static void test_reverted_afterwards(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2}");
    fixture_run(fixture);
    ends(fixture, "migrate", 0);
    fixture_settle(fixture);
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2,"
                 "\"davit\":{\"preDeploy\":[\"migrate\",\"seed\"]}}");
    fixture_run(fixture);
    assert_int_equal(count(fixture, "migrate"), 1);
    assert_int_equal(count(fixture, "seed"), 1);
}

/* What failed is not run again, though something else was to run when it did. */
static void test_fails_after_it_was_replaced(void **state) /* F18 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    fixture_change(fixture, "web", "nginx:2");
    fixture_run(fixture);
    fixture_after(fixture, 1000); /* the next one is younger */
    ends(fixture, "migrate", 3);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_IN_PROGRESS); /* nobody said that it is bad */
    assert_int_equal(count(fixture, "migrate"), 2);
    const struct deployment *older = primary(fixture) + 1;
    assert_int_equal(older->state, DEPLOYMENT_FAILED);
    assert_non_null(strstr(older->reason, "; task migrate:1 of davit.preDeploy failed: container app exited "
                                          "with code 3 (task "));
    ends(fixture, "migrate", 0);
    ends(fixture, "seed", 0);
    fixture_change(fixture, "web", "nginx:1");
    fixture_run(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_FAILED); /* D8 */
    assert_int_equal(count(fixture, "migrate"), 2);
    struct event retry = {.kind = EVENT_RETRY};
    retry.retry.cluster = memory_strdup("c");
    retry.retry.service = memory_strdup("web");
    fixture_step(fixture, retry);
    fixture_run(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_IN_PROGRESS);
    assert_int_equal(count(fixture, "migrate"), 3);
}

/* It was begun for the content, which has gone and come back meanwhile. */
static void test_fails_after_a_revert(void **state) /* F18 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    fixture_change(fixture, "web", "nginx:2");
    fixture_run(fixture);
    fixture_change(fixture, "web", "nginx:1");
    fixture_run(fixture);
    ends(fixture, "migrate", 3);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_FAILED);
    assert_non_null(strstr(primary(fixture)->reason, " of this content failed: superseded by ecs-svc/"));
    assert_non_null(strstr(primary(fixture)->reason, "container app exited with code 3 (task "));
    assert_int_equal(count(fixture, "migrate"), 1);
}

static void give_up(struct fixture *fixture, const char *family)
{
    struct event stop = {.kind = EVENT_STOP_TASK};
    char id[ID_HEX_SIZE];
    count_runs(fixture, family, id);
    stop.stop_task.cluster = memory_strdup("c");
    stop.stop_task.task = memory_strdup(id);
    fixture_step(fixture, stop);
}

static void test_one_that_is_given_up(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    give_up(fixture, "migrate");
    fixture_turn(fixture);
    assert_non_null(
        strstr(fixture_view(fixture, "web").waiting, "migrate:1 of davit.preDeploy is being stopped"));
}

/* There is no time limit: somebody gives it up. */
static void test_one_that_hangs(void **state) /* F16 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_run(fixture);
    fixture_after(fixture, INT64_C(5) * 3600000);
    fixture_run(fixture);
    assert_non_null(strstr(fixture_view(fixture, "web").waiting, "gives it up, and the deployment fails"));
    assert_non_null(strstr(fixture_view(fixture, "web").waiting, "since 2023-11-14 22:13 UTC; "));
    give_up(fixture, "migrate");
    fixture_run(fixture);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_FAILED);
    assert_int_equal(fixture_view(fixture, "web").running_count, 0);
}

/* It ends while the service has left, and is to be left as it is. */
static void test_left_and_back(void **state)
{
    static const char service[] =
        "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2,"
        "\"davit\":{\"prune\":\"disabled\",\"preDeploy\":[\"migrate\"]}}";
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2,"
                 "\"davit\":{\"prune\":\"disabled\"}}");
    fixture_settle(fixture);
    fixture_file(fixture, "web-service.json", service);
    fixture_run(fixture);
    fixture_file(fixture, "web-service.json", NULL);
    fixture_run(fixture);
    ends(fixture, "migrate", 0);
    fixture_file(fixture, "web-service.json", service);
    fixture_settle(fixture);
    assert_int_equal(primary(fixture)->state, DEPLOYMENT_COMPLETED);
    assert_int_equal(count(fixture, "migrate"), 1);
}

/* It ends while the service's tasks are told to stop, and the service comes back before they have (D9). */
static void test_removed_and_back(void **state)
{
    static const char service[] =
        "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2,"
        "\"davit\":{\"preDeploy\":[\"migrate\"]}}";
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2}");
    fixture_settle(fixture);
    fixture_file(fixture, "web-service.json", service);
    fixture_run(fixture);
    fixture_file(fixture, "web-service.json", NULL);
    fixture_turn(fixture);
    assert_true(fixture_view(fixture, "web").ledger->removed);
    ends(fixture, "migrate", 0);
    const struct service_ledger *ledger = fixture_view(fixture, "web").ledger;
    assert_true(ledger->removed);
    assert_int_equal(service_ledger_prepared(ledger, &service_ledger_primary(ledger)->digest), 1);
    fixture_file(fixture, "web-service.json", service);
    fixture_run(fixture);
    assert_false(fixture_view(fixture, "web").ledger->removed);
    assert_int_equal(count(fixture, "migrate"), 1);
}

static void test_after_what_it_depends_on(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web();
    fixture_commit(fixture, "db", "postgres", 1, 0);
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2,"
                 "\"davit\":{\"preDeploy\":[\"migrate\"],\"dependsOn\":[{\"service\":\"db\"}]}}");
    fixture_run(fixture); /* db has to run for a while to be healthy */
    assert_non_null(strstr(fixture_view(fixture, "web").waiting, "waits for service c/db"));
    assert_int_equal(count(fixture, "migrate"), 0);
    fixture_settle(fixture);
    assert_int_equal(count(fixture, "migrate"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_capacity_provider_holds_it),
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_its_tasks_are_told),
        cmocka_unit_test(test_once_for_a_content),
        cmocka_unit_test(test_a_new_migration_alone),
        cmocka_unit_test(test_one_fails),
        cmocka_unit_test(test_the_older_one_ends_first),
        cmocka_unit_test(test_suspended),
        cmocka_unit_test(test_a_success_meanwhile),
        cmocka_unit_test(test_after_what_it_depends_on),
        cmocka_unit_test(test_a_failure_meanwhile),
        cmocka_unit_test(test_a_failure_while_it_had_left),
        cmocka_unit_test(test_a_failure_of_one_that_left),
        cmocka_unit_test(test_fails_after_it_was_replaced),
        cmocka_unit_test(test_fails_after_a_revert),
        cmocka_unit_test(test_one_that_is_given_up),
        cmocka_unit_test(test_one_that_hangs),
        cmocka_unit_test(test_left_and_back),
        cmocka_unit_test(test_removed_and_back),
        cmocka_unit_test(test_reverted_meanwhile),
        cmocka_unit_test(test_reverted_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
