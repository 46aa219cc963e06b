/* What a cluster declares reaches the plan, when it changes as well, and after a replay. */
#include "fixture.h"

#include "base/text.h"
#include "core/steady.h"

#include <string.h>

#define CLUSTER(instances) "{\"clusterName\":\"c\",\"davit\":{\"containerInstances\":[" instances "]}}"
#define TWO_DRAINING       CLUSTER("{\"name\":\"one\"},{\"name\":\"two\",\"status\":\"DRAINING\"}")

static int join_part(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

/* Creates of the last effects that are on the instance. */
static int creates_on(const struct fixture *fixture, const char *instance)
{
    int creates = 0;
    for (size_t n = 0; fixture_action(fixture, n); n++)
        creates += fixture_action(fixture, n)->kind == ACTION_CREATE &&
                   text_equal(fixture_action(fixture, n)->instance, instance);
    return creates;
}

static struct fixture *two_instances(void)
{
    struct fixture *fixture = fixture_new(2);
    fixture_empty(fixture, "one");
    fixture_empty(fixture, "two");
    return fixture;
}

static void lose(struct fixture *fixture, const char *instance)
{
    fixture_step(fixture, (struct event){.kind = EVENT_DISCONNECTED,
                                         .engine = {.instance = memory_strdup(instance),
                                                    .message = memory_strdup("connection refused")}});
    fixture_turn(fixture);
}

static int times_told(const struct view_service *view, const char *text)
{
    int times = 0;
    for (size_t i = 0; i < view->events_len; i++)
        times += strstr(view_service_event(view, i)->message, text) != NULL;
    return times;
}

#define ZONES(status)                                                                                        \
    "{\"clusterName\":\"c\",\"davit\":{\"containerInstances\":[{\"name\":\"one\",\"attributes\":{\"ecs."     \
    "availability-"                                                                                          \
    "zone\":\"a\"}},{\"name\":\"two\",\"status\":\"" status                                                  \
    "\",\"attributes\":{\"ecs.availability-zone\":\"b\"}}]}}"

/* Z2: nothing is missing while one more starts. */
static void test_rebalancing_is_no_healing(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_file(fixture, "cluster.json", ZONES("DRAINING"));
    fixture_settle(fixture);
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "steady");
    fixture_file(fixture, "cluster.json", ZONES("ACTIVE"));
    fixture_run(fixture); /* the new one is young */
    view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "rebalancing");
    fixture_settle(fixture);
    view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "steady");
}

static void test_what_is_lost_is_replaced_in_time(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_settle(fixture);
    lose(fixture, "two");
    struct view_service view = fixture_view(fixture, "web");
    assert_true(view.running_count == 2 && view.lost_count == 1 && view.gone_count == 0);
    assert_string_equal(view_service_state(&view), "unknown");
    const struct effect *wake = fixture_effect(fixture, EFFECT_WAKE, 0);
    assert_non_null(wake);
    assert_int_equal(wake->at_ms, fixture->now_ms + LOST_AFTER_MS);
    fixture_after(fixture, LOST_AFTER_MS - 1);
    fixture_turn(fixture);
    assert_int_equal(creates_on(fixture, "one"), 0);
    fixture_after(fixture, 1);
    fixture_turn(fixture);
    assert_int_equal(creates_on(fixture, "one"), 1);
    view = fixture_view(fixture, "web");
    assert_true(view.running_count == 1 && view.lost_count == 1 && view.gone_count == 1);
    assert_string_equal(view_service_state(&view), "healing");
    assert_int_equal(times_told(&view, "has lost 1 tasks: container instance two has not answered for"), 1);
}

/* Of one that was about to be created there is nothing yet but the request, whose end nobody knows. */
static void test_what_is_half_made_is_lost_as_well(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    uint64_t id = 0;
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_turn(fixture);
    for (size_t n = 0; fixture_action(fixture, n); n++)
        if (text_equal(fixture_action(fixture, n)->instance, "two"))
            id = fixture_action(fixture, n)->id;
    assert_int_not_equal(id, 0);
    fixture_done(fixture, id, ERROR_TIMEOUT, NULL);
    fixture_turn(fixture);
    lose(fixture, "two");
    fixture_after(fixture, LOST_AFTER_MS);
    fixture_turn(fixture);
    assert_int_equal(creates_on(fixture, "one"), 1);
    struct view_service view = fixture_view(fixture, "web");
    assert_int_equal(times_told(&view, "has lost 1 tasks: container instance two has not answered for"), 1);
}

static void test_a_snapshot_keeps_what_is_lost(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    struct core *copy CLEANUP(core_freep) = NULL;
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_settle(fixture);
    lose(fixture, "two");
    fixture_after(fixture, LOST_AFTER_MS);
    fixture_settle(fixture);
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "steady");
    assert_true(view.running_count == 2 && view.gone_count == 1);
    assert_int_equal(times_told(&view, "has lost 1 tasks"), 1);
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(fixture->core, join_part, snapshot), 0);
    assert_int_equal(core_restore(snapshot, &copy, NULL), 0);
    assert_true(core_view_service(copy, "c", "web", &view));
    assert_true(view.running_count == 2 && view.gone_count == 1);
}

static void test_draining_is_noticed(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_run(fixture);
    fixture_after(fixture, 20000);
    fixture_turn(fixture);
    assert_int_equal(creates_on(fixture, "one") + creates_on(fixture, "two"), 0);
    fixture_file(fixture, "cluster.json", TWO_DRAINING);
    assert_true(core_is_dirty(fixture->core));
    fixture_turn(fixture);
    assert_int_equal(creates_on(fixture, "one"), 1);
    assert_int_equal(creates_on(fixture, "two"), 0);
    struct view_service view;
    assert_true(core_view_service(fixture->core, "c", "web", &view));
    assert_int_equal(view.leaving_count, 1);
    assert_string_equal(view_service_state(&view), "moving");
}

static void test_all_leave_and_it_is_steady(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    struct view_service view;
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_run(fixture);
    fixture_after(fixture, 20000);
    fixture_file(fixture, "cluster.json", TWO_DRAINING);
    for (int i = 0; i < 3; i++) {
        fixture_run(fixture);
        fixture_after(fixture, 20000);
    }
    fixture_run(fixture);
    assert_true(core_view_service(fixture->core, "c", "web", &view));
    assert_int_equal(view.leaving_count, 0);
    assert_string_equal(view_service_state(&view), "steady");
}

/* At 100/100 nothing may move: it is not steady for all that. */
static void test_who_cannot_leave_is_not_steady(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2,"
                 "\"deploymentConfiguration\":{\"maximumPercent\":100}}");
    fixture_run(fixture);
    fixture_after(fixture, 20000);
    fixture_turn(fixture);
    struct view_service view;
    assert_true(core_view_service(fixture->core, "c", "web", &view));
    assert_true(view_service_is_steady(&view));
    fixture_file(fixture, "cluster.json", TWO_DRAINING);
    assert_true(core_view_service(fixture->core, "c", "web", &view));
    assert_false(view_service_is_steady(&view));
    assert_string_equal(view_service_state(&view), "moving");
    fixture_turn(fixture);
    assert_true(core_view_service(fixture->core, "c", "web", &view));
    assert_non_null(strstr(view.waiting, "maximumPercent 100 allows 2"));
}

/* The same again asks for nothing. */
static void test_an_equal_cluster_marks_nobody(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    fixture_file(fixture, "cluster.json", TWO_DRAINING);
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_file(fixture, "cluster.json", TWO_DRAINING);
    fixture_turn(fixture);
    assert_int_equal(creates_on(fixture, "one"), 1);
    fixture_file(fixture, "cluster.json", "\n" TWO_DRAINING);
    assert_false(core_is_dirty(fixture->core));
}

static void test_a_snapshot_keeps_placement(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    struct core *copy = NULL;
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_file(fixture, "cluster.json", TWO_DRAINING);
    fixture_file(
        fixture, "web-service.json",
        "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"placementConstraints\":["
        "{\"type\":\"distinctInstance\"}],\"placementStrategy\":[{\"type\":\"random\"}]}");
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    json_t *again CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(fixture->core, join_part, snapshot), 0);
    assert_int_equal(core_restore(snapshot, &copy, NULL), 0);
    assert_int_equal(core_snapshot(copy, join_part, again), 0);
    assert_true(json_equal(snapshot, again));
    const struct cluster *cluster = desired_cluster(core_desired(copy), "c");
    assert_non_null(cluster);
    assert_int_equal(cluster->instances.len, 2);
    assert_true(container_instances_find(&cluster->instances, "two")->draining);
    const struct service *service = desired_service(core_desired(copy), "c", "web");
    assert_int_equal(service->constraints.len, 1);
    assert_int_equal(service->strategies.len, 1);
    core_free(copy);
}

/* A service whose file did not change and whose task definition did is another object. */
static void test_a_new_task_definition_keeps_placement(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_file(
        fixture, "web-service.json",
        "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"placementConstraints\":["
        "{\"type\":\"memberOf\",\"expression\":\"ec2InstanceId == two\"}],\"placementStrategy\":["
        "{\"type\":\"spread\",\"field\":\"attribute:zone\"}]}");
    for (int i = 0; i < 2; i++) {
        char *definition CLEANUP_FREE =
            memory_printf("{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":"
                          "\"nginx:%d\",\"memory\":64}]}",
                          i);
        fixture_file(fixture, "web-definition.json", definition);
    }
    const struct service *service = desired_service(core_desired(fixture->core), "c", "web");
    assert_int_equal(service->constraints.len, 1);
    assert_string_equal(service->constraints.items[0].expression, "ec2InstanceId == two");
    assert_int_equal(service->strategies.len, 1);
    fixture_turn(fixture);
    assert_int_equal(creates_on(fixture, "two"), 1);
}

static void test_required_attributes(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    struct core *copy = NULL;
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    fixture_file(fixture, "cluster.json",
                 CLUSTER("{\"name\":\"one\"},{\"name\":\"two\",\"attributes\":{\"disk\":\"ssd\"}}"));
    fixture_file(
        fixture, "web-definition.json",
        "{\"family\":\"web\",\"requiresAttributes\":[{\"name\":\"disk\",\"value\":\"ssd\"},{\"name\":"
        "\"ecs.capability.task-eni\"}],\"containerDefinitions\":[{\"name\":\"app\",\"image\":"
        "\"nginx\",\"memory\":64}]}");
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2}");
    fixture_turn(fixture);
    assert_int_equal(creates_on(fixture, "one"), 0);
    assert_int_equal(creates_on(fixture, "two"), 2);
    assert_int_equal(core_snapshot(fixture->core, join_part, snapshot), 0);
    assert_int_equal(core_restore(snapshot, &copy, NULL), 0);
    const struct service *service = desired_service(core_desired(copy), "c", "web");
    assert_int_equal(service->task_definition->constraints.len, 1);
    core_free(copy);
}

static void connect_as(struct fixture *fixture, const char *instance, const char *arch)
{
    fixture_step(fixture, (struct event){.kind = EVENT_CONNECTED,
                                         .engine = {.instance = memory_strdup(instance),
                                                    .info = {.engine = memory_strdup("sim"),
                                                             .arch = memory_strdup(arch),
                                                             .cpu_units = 4096,
                                                             .memory_mib = 8192}}});
    fixture_step(fixture,
                 (struct event){.kind = EVENT_LISTED, .engine = {.instance = memory_strdup(instance)}});
    fixture_turn(fixture);
}

#define OVER_ARCHITECTURES(count)                                                                            \
    "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":" count          \
    ",\"placementStrategy\":[{\"type\":\"spread\",\"field\":\"attribute:ecs.cpu-architecture\"},"            \
    "{\"type\":\"binpack\",\"field\":\"memory\"}]}"

/* Another machine has the name by now: what it is spread by is asked anew. */
static void test_an_instance_of_another_architecture(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(2);
    connect_as(fixture, "one", "x86_64");
    connect_as(fixture, "two", "x86_64");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_file(fixture, "web-service.json", OVER_ARCHITECTURES("1"));
    fixture_run(fixture);
    connect_as(fixture, "two", "aarch64");
    fixture_file(fixture, "web-service.json", OVER_ARCHITECTURES("2"));
    fixture_turn(fixture);
    assert_int_equal(creates_on(fixture, "one"), 0);
    assert_int_equal(creates_on(fixture, "two"), 1);
}

/* Who asks for the tasks of another service is planned again when they come. */
static void test_affinity_waits_for_the_other(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":1,"
                 "\"placementConstraints\":[{\"type\":\"memberOf\",\"expression\":\"task:group == "
                 "service:zdb\"}]}");
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    struct view_service view;
    assert_true(core_view_service(fixture->core, "c", "web", &view));
    assert_non_null(strstr(view.waiting, "one: does not satisfy memberOf task:group == service:zdb; two: "));
    fixture_commit(fixture, "zdb", "postgres", 1, 0);
    fixture_turn(fixture);
    assert_int_equal(creates_on(fixture, "one"), 1);
    assert_true(core_is_dirty(fixture->core));
    fixture_turn(fixture);
    assert_int_equal(creates_on(fixture, "one"), 1);
    assert_string_equal(fixture_action(fixture, 0)->service, "web");
}

static void commit_gpus(struct fixture *fixture, const char *service, const char *count, const char *of)
{
    char *path CLEANUP_FREE = memory_printf("%s-definition.json", service);
    char *definition CLEANUP_FREE =
        memory_printf("{\"family\":\"%s\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"n\","
                      "\"memory\":64,\"resourceRequirements\":[{\"type\":\"GPU\",\"value\":\"%s\"}]}]}",
                      service, of);
    char *own CLEANUP_FREE = memory_printf("%s-service.json", service);
    char *text CLEANUP_FREE = memory_printf("{\"cluster\":\"c\",\"serviceName\":\"%s\","
                                            "\"taskDefinition\":\"%s\",\"desiredCount\":%s}",
                                            service, service, count);
    fixture_file(fixture, path, definition);
    fixture_file(fixture, own, text);
    fixture_settle(fixture);
}

/* The ids that the service's tasks hold, in the order of its tasks. Caller frees. */
static char *gpus_of(const struct fixture *fixture, const char *service)
{
    struct task_vec tasks;
    char *ids = memory_strdup("");
    core_view_tasks(fixture->core, "c", service, fixture->now_ms, &tasks);
    for (size_t t = 0; t < tasks.len; t++) {
        const struct string_vec *held = &tasks.items[t].containers[0]->labels.spec->gpu_ids;
        for (size_t i = 0; tasks.items[t].status == TASK_RUNNING && i < held->len; i++) {
            char *before CLEANUP_FREE = ids;
            ids = memory_printf("%s%s ", before, held->items[i]);
        }
    }
    task_vec_deinit(&tasks);
    return ids;
}

static void expect_gpus(const struct fixture *fixture, const char *service, const char *ids)
{
    char *held CLEANUP_FREE = gpus_of(fixture, service);
    assert_string_equal(held, ids);
}

static void test_no_gpu_is_given_twice(void **state) /* P13 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    fixture_file(fixture, "cluster.json",
                 CLUSTER("{\"name\":\"one\",\"gpus\":[\"0\",\"1\"]},{\"name\":\"two\"}"));
    commit_gpus(fixture, "web", "1", "1");
    commit_gpus(fixture, "api", "1", "1");
    expect_gpus(fixture, "web", "0 ");
    expect_gpus(fixture, "api", "1 ");
    commit_gpus(fixture, "db", "1", "1");
    expect_gpus(fixture, "db", "");
    struct view_service view = fixture_view(fixture, "db");
    assert_non_null(strstr(view.waiting, "one: has insufficient GPU resource available (0 free, 1 needed)"));
    struct view_instance instance;
    core_view_instance_at(fixture->core, 0, &instance);
    assert_int_equal(instance.gpu_ids->len, 2);
    json_t *snapshot = json_object();
    assert_int_equal(core_snapshot(fixture->core, join_part, snapshot), 0);
    core_free(fixture->core);
    assert_int_equal(core_restore(snapshot, &fixture->core, NULL), 0);
    json_decref(snapshot);
    commit_gpus(fixture, "web", "0", "1"); /* whose place is free now */
    expect_gpus(fixture, "db", "0 ");
    expect_gpus(fixture, "api", "1 ");
}

static void test_all_gpus(void **state) /* P13 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = two_instances();
    fixture_file(fixture, "cluster.json",
                 CLUSTER("{\"name\":\"one\"},{\"name\":\"two\",\"gpus\":[\"a\",\"b\"]}"));
    commit_gpus(fixture, "web", "1", "ALL");
    expect_gpus(fixture, "web", "a b ");
    commit_gpus(fixture, "api", "1", "ALL");
    expect_gpus(fixture, "api", "");
    commit_gpus(fixture, "web", "0", "ALL");
    expect_gpus(fixture, "api", "a b ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rebalancing_is_no_healing),
        cmocka_unit_test(test_what_is_lost_is_replaced_in_time),
        cmocka_unit_test(test_what_is_half_made_is_lost_as_well),
        cmocka_unit_test(test_a_snapshot_keeps_what_is_lost),
        cmocka_unit_test(test_draining_is_noticed),
        cmocka_unit_test(test_all_leave_and_it_is_steady),
        cmocka_unit_test(test_who_cannot_leave_is_not_steady),
        cmocka_unit_test(test_an_equal_cluster_marks_nobody),
        cmocka_unit_test(test_a_snapshot_keeps_placement),
        cmocka_unit_test(test_a_new_task_definition_keeps_placement),
        cmocka_unit_test(test_required_attributes),
        cmocka_unit_test(test_an_instance_of_another_architecture),
        cmocka_unit_test(test_affinity_waits_for_the_other),
        cmocka_unit_test(test_no_gpu_is_given_twice),
        cmocka_unit_test(test_all_gpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
