/* A DAEMON's count follows the instances, and it comes before those that are none. Rows E1 to E3, E7, E10. */
#include "fixture.h"

#include "base/text.h"
#include "core/steady.h"

#include <string.h>

#define AGENT                                                                                                \
    "{\"cluster\":\"c\",\"serviceName\":\"zagent\",\"taskDefinition\":\"zagent\",\"schedulingStrategy\":"    \
    "\"DAEMON\""

static int join_part(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

/* A DAEMON, with more members of its manifest, whose container wants the host port, unless 0. */
static void commit_agent(struct fixture *fixture, const char *members, int host_port)
{
    char *text CLEANUP_FREE = memory_printf(AGENT "%s}", members);
    fixture_commit(fixture, "zagent", "agent", 1, host_port);
    fixture_file(fixture, "zagent-service.json", text);
}

static void lose(struct fixture *fixture, const char *instance)
{
    fixture_step(fixture, (struct event){.kind = EVENT_DISCONNECTED,
                                         .engine = {.instance = memory_strdup(instance),
                                                    .message = memory_strdup("connection refused")}});
}

static const char *launched_on(const struct fixture *fixture, const char *service)
{
    for (size_t n = 0; fixture_action(fixture, n); n++)
        if (fixture_action(fixture, n)->kind == ACTION_CREATE &&
            text_equal(fixture_action(fixture, n)->service, service))
            return fixture_action(fixture, n)->instance;
    return NULL;
}

static void test_the_count_follows_the_instances(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(3);
    fixture_empty(fixture, "one");
    fixture_empty(fixture, "two");
    commit_agent(fixture, "", 0);
    fixture_after(fixture, PATIENCE_MS); /* three has never answered */
    fixture_settle(fixture);
    assert_int_equal(fixture_view(fixture, "zagent").desired->desired_count, 2);
    struct view_service view = fixture_view(fixture, "zagent");
    assert_true(view_service_is_steady(&view));
    fixture_empty(fixture, "three");
    assert_true(core_is_dirty(fixture->core));
    fixture_settle(fixture);
    assert_int_equal(fixture_view(fixture, "zagent").running_count, 3);
    lose(fixture, "two");
    fixture_turn(fixture);
    view = fixture_view(fixture, "zagent");
    assert_int_equal(view.desired->desired_count, 3); /* it has its task, as far as is known */
    assert_string_equal(view_service_state(&view), "unknown");
    assert_int_equal(service_ledger_primary(view.ledger)->desired_count, 3);
}

/* An instance that goes before it has got its task is not missed, though nothing of the service is there. */
static void test_an_instance_that_goes_is_not_missed(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(2);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "db", "postgres", 1, 0);
    commit_agent(fixture, ",\"davit\":{\"dependsOn\":[{\"service\":\"db\"}]}", 0);
    fixture_empty(fixture, "two");
    fixture_turn(fixture);
    assert_int_equal(fixture_view(fixture, "zagent").desired->desired_count, 2);
    fixture_after(fixture, PATIENCE_MS);
    lose(fixture, "two");
    assert_true(core_is_dirty(fixture->core));
    fixture_turn(fixture);
    assert_int_equal(fixture_view(fixture, "zagent").desired->desired_count, 1);
}

static void test_it_is_planned_before_others(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_commit(fixture, "aweb", "nginx", 1, 80);
    commit_agent(fixture, "", 80);
    fixture_empty(fixture, "one");
    fixture_turn(fixture);
    assert_string_equal(launched_on(fixture, "zagent"), "one");
    assert_null(launched_on(fixture, "aweb"));
}

/* It waits for somebody, and its port waits for it. Two of them do not wait for one another's. */
static void test_room_is_kept(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct core *copy = NULL;
    fixture_commit(fixture, "db", "postgres", 1, 0);
    fixture_commit(fixture, "web", "nginx", 1, 80);
    commit_agent(fixture, ",\"davit\":{\"dependsOn\":[{\"service\":\"db\"}]}", 80);
    fixture_empty(fixture, "one");
    fixture_run(fixture);
    assert_int_equal(fixture_view(fixture, "web").pending_count + fixture_view(fixture, "web").running_count,
                     0);
    assert_non_null(strstr(fixture_view(fixture, "web").waiting, "held by c/zagent"));
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    json_t *again CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(fixture->core, join_part, snapshot), 0);
    assert_int_equal(core_restore(snapshot, &copy, NULL), 0);
    assert_int_equal(core_snapshot(copy, join_part, again), 0);
    assert_true(json_equal(snapshot, again));
    struct view_instance before;
    struct view_instance after;
    core_view_instance_at(fixture->core, 0, &before);
    core_view_instance_at(copy, 0, &after);
    assert_int_equal(before.memory_mib_free, 8192 - 64 - 64); /* db's, and what is kept */
    assert_int_equal(after.memory_mib_free, before.memory_mib_free);
    core_free(copy);
    fixture_settle(fixture); /* db is healthy by now */
    assert_int_equal(fixture_view(fixture, "zagent").running_count, 1);
    fixture_file(fixture, "zagent-service.json", NULL);
    fixture_settle(fixture);
    assert_int_equal(fixture_view(fixture, "web").running_count, 1);
    core_view_instance_at(fixture->core, 0, &before);
    assert_int_equal(before.memory_mib_free, 8192 - 64 - 64);
}

/* Last to stop: it looks again when the others have gone. */
static void test_it_leaves_last(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(2);
    fixture_empty(fixture, "one");
    fixture_empty(fixture, "two");
    fixture_commit(fixture, "web", "nginx", 2, 0);
    commit_agent(fixture, "", 0);
    fixture_settle(fixture);
    fixture_file(fixture, "cluster.json",
                 "{\"clusterName\":\"c\",\"davit\":{\"containerInstances\":[{\"name\":\"one\"},"
                 "{\"name\":\"two\",\"status\":\"DRAINING\"}]}}");
    fixture_run(fixture); /* the one that replaces web's is young */
    struct view_service view = fixture_view(fixture, "zagent");
    assert_int_equal(view.stopping_count, 0);
    assert_int_equal(view.desired->desired_count, 1);
    assert_non_null(strstr(view.waiting, "the last to stop, after those of c/web"));
    assert_string_equal(view_service_state(&view), "moving");
    fixture_settle(fixture);
    view = fixture_view(fixture, "zagent");
    assert_int_equal(view.running_count, 1);
    assert_string_equal(view_service_state(&view), "steady");
}

/* D12: what is left as it is never goes. */
static void test_it_waits_for_nothing_that_is_left(void **state)
{
    (void)state;
    static const char left[] = "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\","
                               "\"desiredCount\":2,\"davit\":{\"prune\":\"disabled\"}}";
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(2);
    fixture_empty(fixture, "one");
    fixture_empty(fixture, "two");
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_file(fixture, "web-service.json", left);
    commit_agent(fixture, "", 0);
    fixture_settle(fixture);
    fixture_file(fixture, "web-service.json", NULL);
    fixture_file(fixture, "cluster.json",
                 "{\"clusterName\":\"c\",\"davit\":{\"containerInstances\":[{\"name\":\"one\"},"
                 "{\"name\":\"two\",\"status\":\"DRAINING\"}]}}");
    fixture_settle(fixture);
    struct view_service view = fixture_view(fixture, "zagent");
    assert_string_equal(view_service_state(&view), "steady");
    view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "left");
    assert_int_equal(view.running_count, 2);
}

/* The tasks of the content stay, and the ledger has the count for REPLICA to go on with. */
static void test_the_strategy_changes(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(3);
    fixture_empty(fixture, "one");
    fixture_empty(fixture, "two");
    fixture_empty(fixture, "three");
    fixture_commit(fixture, "zagent", "agent", 1, 0);
    fixture_settle(fixture);
    fixture_file(fixture, "zagent-service.json", AGENT "}");
    fixture_settle(fixture);
    struct view_service view = fixture_view(fixture, "zagent");
    assert_int_equal(view.ledger->deployments.len, 1);
    assert_int_equal(view.running_count, 3);
    fixture_file(fixture, "zagent-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"zagent\",\"taskDefinition\":\"zagent\"}");
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    view = fixture_view(fixture, "zagent");
    assert_int_equal(view.desired->desired_count, 3);
    assert_false(view.desired->daemon);
    assert_string_equal(view_service_state(&view), "steady");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_count_follows_the_instances),
        cmocka_unit_test(test_an_instance_that_goes_is_not_missed),
        cmocka_unit_test(test_it_is_planned_before_others),
        cmocka_unit_test(test_room_is_kept),
        cmocka_unit_test(test_it_leaves_last),
        cmocka_unit_test(test_it_waits_for_nothing_that_is_left),
        cmocka_unit_test(test_the_strategy_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
