/* The step function: when it plans, what it sends, what it remembers. The rules of a plan are in
 * tests/golden/plan. */
#include "base/text.h"
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static struct view_service view_of(const struct fixture *fixture, const char *service)
{
    struct view_service view;
    assert_true(core_view_service(fixture->core, "c", service, &view));
    return view;
}

static void test_nothing_before_a_good_commit(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_turn(fixture);
    assert_int_equal(fixture->effects.len, 0);
    fixture_file(fixture, "a.json", "{\"serviceName\":\"web\",\"taskDefinition\":\"nowhere\"}");
    fixture_turn(fixture);
    assert_int_equal(fixture->effects.len, 0);
    assert_null(core_desired(fixture->core));
    struct view_source source;
    core_view_source(fixture->core, &source);
    assert_true(source.seen);
    assert_non_null(source.head);
    assert_null(source.wanted);
    assert_true(source.diagnostics->errors > 0);
}

static void test_waits_for_every_engine(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(2);
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_empty(fixture, "one");
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    assert_true(fixture_effect(fixture, EFFECT_WAKE, 0)->at_ms == FIRST_MS + PATIENCE_MS);
    fixture_turn(fixture);
    assert_int_equal(fixture->effects.len, 0); /* the wish stands */
    fixture_empty(fixture, "two");
    fixture_turn(fixture);
    assert_string_equal(fixture_action(fixture, 0)->instance, "one");
}

static void test_patience_ends(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(2);
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_empty(fixture, "two");
    fixture_turn(fixture);
    assert_string_equal(view_of(fixture, "web").waiting,
                        "nothing is decided before instance one answers, for up to 15s after the start "
                        "(enginePatience): what runs there must be known");
    fixture_after(fixture, PATIENCE_MS);
    fixture_turn(fixture);
    const char *waiting = view_of(fixture, "web").waiting;
    assert_true(!waiting || !strstr(waiting, "enginePatience"));
    assert_string_equal(fixture_action(fixture, 0)->instance, "two");
}

static void test_saves_come_before_actions(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx@sha256:1", 2, 0);
    assert_int_equal(fixture_effect(fixture, EFFECT_SAVE, 0)->change.kind, LEDGER_FAMILY);
    assert_int_equal(fixture_effect(fixture, EFFECT_SAVE, 1)->change.kind, LEDGER_SOURCE);
    fixture_turn(fixture);
    assert_int_equal(fixture->effects.items[0].kind, EFFECT_SAVE);
    assert_string_equal(fixture->effects.items[0].change.name, "c/web");
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_CREATE);
    assert_int_equal(fixture_action(fixture, 0)->id, 1);
    assert_int_equal(fixture_action(fixture, 1)->id, 2);
    assert_null(fixture_action(fixture, 2));
    json_t *json = effects_to_json(&fixture->effects);
    assert_int_equal(json_array_size(json), fixture->effects.len);
    json_decref(json);
}

static void test_a_deployment_from_commit_to_completed(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_run(fixture);
    struct view_service view = view_of(fixture, "web");
    assert_int_equal(view.running_count, 2);
    assert_int_equal(view.healthy_count, 0);
    assert_string_equal(view.waiting, "0 of 2 new tasks healthy, 2 starting");
    fixture_after(fixture, 10000);
    fixture_turn(fixture);
    view = view_of(fixture, "web");
    assert_int_equal(view.healthy_count, 2);
    assert_null(view.waiting);
    assert_int_equal(service_ledger_primary(view.ledger)->state, DEPLOYMENT_COMPLETED);
    assert_string_equal(view_service_event(&view, view.events_len - 1)->message,
                        "(service web) has reached a steady state.");
    assert_null(fixture_effect(fixture, EFFECT_WAKE, 0)); /* it has struck, and nothing is waited for */
    fixture_turn(fixture);
    assert_int_equal(fixture->effects.len, 0);
}

static void test_a_service_that_is_scaled_to_nothing(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_run(fixture);
    fixture_after(fixture, 10000);
    fixture_turn(fixture);
    struct view_service view = view_of(fixture, "web");
    assert_string_equal(view_service_state(&view), "steady");
    fixture_commit(fixture, "web", "nginx", 0, 0);
    fixture_turn(fixture);
    view = view_of(fixture, "web");
    assert_int_equal(view.stopping_count, 2);
    assert_string_equal(view_service_state(&view), "stopping");
    const uint64_t stops[] = {fixture_action(fixture, 0)->id, fixture_action(fixture, 1)->id};
    for (size_t i = 0; i < ARRAY_LEN(stops); i++)
        fixture_done(fixture, stops[i], 0, NULL);
    fixture_empty(fixture, "one");
    fixture_turn(fixture);
    view = view_of(fixture, "web");
    assert_string_equal(view_service_state(&view), "steady");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    view = view_of(fixture, "web");
    assert_string_equal(view_service_state(&view), "healing");
}

static void test_a_refused_commit_leaves_desired_alone(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct view_source source;
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_run(fixture);
    const struct desired *before = core_desired(fixture->core);
    fixture_file(fixture, "bad.json", "{\"serviceName\":\"x\",\"taskDefinition\":\"nowhere\"}");
    assert_ptr_equal(core_desired(fixture->core), before);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    core_view_source(fixture->core, &source);
    assert_string_not_equal(source.head->oid, source.wanted->oid);
    fixture_file(fixture, "bad.json", NULL);
    core_view_source(fixture->core, &source);
    assert_string_equal(source.head->oid, source.wanted->oid);
    assert_int_equal(source.diagnostics->errors, 0);
}

static void test_an_outcome_that_nobody_knows(void **state)
{
    (void)state;
    static const int codes[] = {ERROR_UNAVAILABLE, ERROR_TIMEOUT, ERROR_CANCELED, ERROR_PROTOCOL,
                                ERROR_LIMIT};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
        fixture_empty(fixture, "one");
        fixture_commit(fixture, "web", "nginx", 1, 0);
        fixture_turn(fixture);
        struct action *create CLEANUP(action_freep) = action_copy(fixture_action(fixture, 0));
        fixture_done(fixture, create->id, codes[i], NULL);
        assert_string_equal(fixture_effect(fixture, EFFECT_LIST, 0)->instance, "one");
        fixture_turn(fixture); /* it still counts as under way */
        assert_null(fixture_action(fixture, 0));
        assert_string_equal(view_of(fixture, "web").waiting, "create app on one: the engine's words");
        struct container *made = fixture_container(create, CONTAINER_CREATED, fixture->now_ms);
        fixture_listed(fixture, "one", &made, 1);
        fixture_turn(fixture);
        assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_START); /* it had been made */
    }
}

static void test_the_hold_grows(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    int64_t hold_ms = 500;
    for (int i = 0; i < 10; i++) {
        fixture_turn(fixture);
        assert_non_null(fixture_action(fixture, 0));
        fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_UNAVAILABLE, NULL);
        fixture_empty(fixture, "one");
        fixture_after(fixture, hold_ms - 1);
        fixture_turn(fixture);
        assert_null(fixture_action(fixture, 0));
        fixture_after(fixture, 1);
        hold_ms = hold_ms * 2 < 60000 ? hold_ms * 2 : 60000;
    }
    fixture_turn(fixture);
    fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_UNAVAILABLE, NULL);
    fixture_empty(fixture, "one");
    fixture_step(fixture, (struct event){.kind = EVENT_RECONCILE}); /* by hand: at once */
    assert_non_null(fixture_effect(fixture, EFFECT_LIST, 0));
    fixture_turn(fixture);
    assert_non_null(fixture_action(fixture, 0));
}

static struct container *ended(const struct container *running, int64_t started_ms, int64_t now_ms)
{
    struct container *container = container_copy(running);
    container->status = CONTAINER_STOPPED;
    container->started_ms = started_ms;
    container->finished_ms = now_ms;
    container->has_exit_code = true;
    container->exit_code = 1;
    return container;
}

/* A container that its restartPolicy has started again had stopped before too: that it has stopped does not
 * tell that the start came about. */
static void test_the_hold_of_a_restart_grows(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_file(fixture, "web-definition.json",
                 "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"nginx\","
                 "\"memory\":64,\"restartPolicy\":{\"enabled\":true,\"restartAttemptPeriod\":60}}]}");
    fixture_turn(fixture);
    struct container *running CLEANUP(container_freep) =
        fixture_container(fixture_action(fixture, 0), CONTAINER_RUNNING, fixture->now_ms);
    fixture_done(fixture, fixture_action(fixture, 0)->id, 0, container_copy(running));
    fixture_turn(fixture);
    fixture_after(fixture, 70000);
    struct container *stopped CLEANUP(container_freep) = ended(running, running->started_ms, fixture->now_ms);
    struct container *again = container_copy(stopped);
    fixture_listed(fixture, "one", &again, 1);
    for (int64_t hold_ms = 500; hold_ms <= 4000; hold_ms *= 2) {
        fixture_turn(fixture);
        assert_non_null(fixture_action(fixture, 0));
        assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_START);
        fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_UNAVAILABLE, NULL);
        again = container_copy(stopped);
        fixture_listed(fixture, "one", &again, 1);
        fixture_after(fixture, hold_ms - 1);
        fixture_turn(fixture);
        assert_null(fixture_action(fixture, 0));
        fixture_after(fixture, 1);
    }
    fixture_turn(fixture);
    fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_UNAVAILABLE, NULL);
    again = ended(running, fixture->now_ms, fixture->now_ms + 1000); /* it came about, and ended again */
    fixture_listed(fixture, "one", &again, 1);
    fixture_turn(fixture);
    assert_int_not_equal(fixture_action(fixture, 0)->kind, ACTION_START);
    assert_string_not_equal(fixture_action(fixture, 0)->task, running->labels.task);
}

static void test_a_failed_create_is_told_and_tried_again(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_turn(fixture);
    uint64_t id = fixture_action(fixture, 0)->id;
    char *task CLEANUP_FREE = memory_strdup(fixture_action(fixture, 0)->task);
    fixture_done(fixture, id, ERROR_INVALID, NULL);
    fixture_done(fixture, id, ERROR_INVALID, NULL); /* told twice */
    fixture_turn(fixture);
    assert_string_not_equal(fixture_action(fixture, 0)->task, task);
    struct view_service view = view_of(fixture, "web");
    assert_int_equal(service_ledger_primary(view.ledger)->failures.len, 1);
    char *text CLEANUP_FREE =
        memory_printf("(service web) (task %s) failed: container app: the engine's words", task);
    assert_string_equal(view_service_event(&view, view.events_len - 2)->message, text);
}

static struct container *running_task(struct fixture *fixture, const char *owner)
{
    struct fixture *other CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(other, "one");
    fixture_commit(other, "web", "nginx", 1, 0);
    fixture_turn(other);
    struct container *container =
        fixture_container(fixture_action(other, 0), CONTAINER_RUNNING, fixture->now_ms - 60000);
    free(container->labels.owner);
    container->labels.owner = memory_strdup(owner);
    return container;
}

static void test_a_corrupt_entry_costs_no_task(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(fixture,
                 (struct event){.kind = EVENT_LEDGER,
                                .ledger = {LEDGER_SERVICE, memory_strdup("c/web"), json_string("?")}});
    struct container *container = running_task(fixture, "me");
    fixture_listed(fixture, "one", &container, 1);
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    assert_int_equal(service_ledger_primary(view_of(fixture, "web").ledger)->state, DEPLOYMENT_COMPLETED);
}

static void test_other_owners_do_not_exist(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct container *container = running_task(fixture, "somebody");
    fixture_listed(fixture, "one", &container, 1);
    assert_int_equal(core_services_len(fixture->core), 0);
    struct view_instance view;
    core_view_instance_at(fixture->core, 0, &view);
    assert_int_equal(view.containers_len, 0);
}

static void test_a_removed_service_is_forgotten(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_commit(fixture, "db", "postgres", 1, 0);
    fixture_run(fixture);
    assert_int_equal(core_services_len(fixture->core), 2);
    struct view_service view;
    assert_true(core_view_service_at(fixture->core, 0, &view));
    assert_string_equal(view.name, "db"); /* by name */
    fixture_file(fixture, "web-service.json", NULL);
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_STOP);
    struct container *stopped;
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", "web", fixture->now_ms, &tasks);
    stopped = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    stopped->status = CONTAINER_STOPPED;
    fixture_done(fixture, fixture_action(fixture, 0)->id, 0, stopped);
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_REMOVE);
    fixture_step(fixture, (struct event){.kind = EVENT_ACTION_DONE,
                                         .action = {.id = fixture_action(fixture, 0)->id, .gone = true}});
    fixture_turn(fixture);
    const struct effect *save = fixture_effect(fixture, EFFECT_SAVE, 0);
    assert_string_equal(save->change.name, "c/web");
    assert_null(save->change.entry);
    assert_int_equal(core_services_len(fixture->core), 1);
    assert_false(core_view_service(fixture->core, "c", "web", &view));
}

static void test_came_and_went_unplanned(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_commit(fixture, "db", "postgres", 0, 0);
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_file(fixture, "web-service.json", NULL);
    fixture_empty(fixture, "one");
    fixture_turn(fixture);
    assert_int_equal(core_services_len(fixture->core), 1);
    for (size_t n = 0; fixture_effect(fixture, EFFECT_SAVE, n); n++)
        assert_string_equal(fixture_effect(fixture, EFFECT_SAVE, n)->change.name, "c/db");
}

static struct container *the_container(const struct fixture *fixture, const char *name)
{
    struct task_vec tasks;
    struct container *found = NULL;
    core_view_tasks(fixture->core, "c", "web", fixture->now_ms, &tasks);
    for (size_t i = 0; i < tasks.items[0].containers_len; i++)
        if (text_equal(tasks.items[0].containers[i]->labels.spec->name, name))
            found = container_copy(tasks.items[0].containers[i]);
    task_vec_deinit(&tasks);
    assert_non_null(found);
    return found;
}

/* G5: somebody removes the container by whose end the task's is known, and its sidecar is still there. */
static void test_what_ended_does_not_come_back(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_file(
        fixture, "web-definition.json",
        "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"n\",\"memory\":64},"
        "{\"name\":\"log\",\"image\":\"n\",\"memory\":64,\"essential\":false}]}");
    fixture_commit(fixture, "db", "postgres", 1, 0);
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":1}");
    fixture_settle(fixture);
    struct container *app = the_container(fixture, "app");
    char *id CLEANUP_FREE = memory_strdup(app->id);
    char task[ID_HEX_SIZE];
    memcpy(task, app->labels.task, sizeof task);
    app->status = CONTAINER_STOPPED;
    app->finished_ms = fixture->now_ms;
    fixture_step(fixture, (struct event){.kind = EVENT_CONTAINER,
                                         .engine = {.instance = memory_strdup("one"), .container = app}});
    fixture_turn(fixture);
    fixture_step(fixture,
                 (struct event){.kind = EVENT_GONE,
                                .engine = {.instance = memory_strdup("one"), .container_id = TAKE(id)}});
    fixture_turn(fixture);
    for (size_t n = 0; fixture_action(fixture, n); n++)
        assert_string_not_equal(fixture_action(fixture, n)->task, task);
    struct view_service view = fixture_view(fixture, "web");
    for (size_t i = 0; i < view.events_len; i++) /* nobody stopped it */
        assert_null(strstr(view_service_event(&view, i)->message, "has stopped"));
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", "web", fixture->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        if (text_equal(tasks.items[i].id, task)) {
            assert_string_equal(tasks.items[i].stop_reason, "Essential container in task exited");
            assert_true(tasks.items[i].failed);
        }
    task_vec_deinit(&tasks);
}

/* Of a stopped container that the engine cannot inspect: it is not taken for one that stopped long ago. */
static void test_an_unknown_end_is_when_it_was_learned(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_turn(fixture);
    struct container *stopped CLEANUP(container_freep) =
        fixture_container(fixture_action(fixture, 0), CONTAINER_STOPPED, fixture->now_ms);
    int64_t learned_ms = fixture->now_ms;
    int seen = 0;
    fixture_done(fixture, fixture_action(fixture, 0)->id, 0, container_copy(stopped));
    fixture_turn(fixture);
    for (int i = 0; i < 3; i++) {
        struct container *again = container_copy(stopped);
        fixture_listed(fixture, "one", &again, 1);
        fixture_turn(fixture);
        for (size_t n = 0; fixture_action(fixture, n); n++)
            assert_int_not_equal(fixture_action(fixture, n)->kind, ACTION_REMOVE);
        struct task_vec tasks;
        core_view_tasks(fixture->core, "c", "web", fixture->now_ms, &tasks);
        for (size_t t = 0; t < tasks.len; t++) {
            if (tasks.items[t].status != TASK_STOPPED)
                continue;
            assert_int_equal(tasks.items[t].stopped_ms, learned_ms);
            seen++;
        }
        task_vec_deinit(&tasks);
        fixture_after(fixture, 60000);
    }
    assert_int_equal(seen, 3);
}

static void test_a_lost_instance_gets_nothing(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct view_instance instance;
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_run(fixture);
    fixture_after(fixture, 15000);
    fixture_step(fixture, (struct event){.kind = EVENT_DISCONNECTED,
                                         .engine = {.instance = memory_strdup("one"),
                                                    .message = memory_strdup("connection refused"),
                                                    .silent_ms = 20000}});
    core_view_instance_at(fixture->core, 0, &instance);
    assert_int_equal(instance.lost_ms, fixture->now_ms - 20000);
    fixture_after(fixture, 60000);
    fixture_commit(fixture, "web", "nginx:2", 1, 0);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    core_view_instance_at(fixture->core, 0, &instance);
    assert_false(instance.connected);
    assert_string_equal(instance.message, "connection refused");
    assert_int_equal(instance.running_tasks, 1); /* as last known */
    assert_int_equal(view_of(fixture, "web").running_count, 1);
}

static void test_whoever_slept_does_not_know_for_how_long_an_instance_is_lost(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct view_instance instance;
    fixture_empty(fixture, "one");
    fixture_after(fixture, 8 * 3600 * 1000);
    fixture_step(fixture, (struct event){.kind = EVENT_DISCONNECTED,
                                         .engine = {.instance = memory_strdup("one"),
                                                    .message = memory_strdup("the network is unreachable"),
                                                    .silent_ms = INT64_C(8) * 3600 * 1000}});
    core_view_instance_at(fixture->core, 0, &instance);
    assert_int_equal(instance.lost_ms, fixture->now_ms - LIMIT_ENGINE_PROBE_MS - LIMIT_ENGINE_CALL_MS);
}

static void test_who_waits_for_room_is_told(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 80);
    fixture_run(fixture);
    fixture_commit(fixture, "db", "postgres", 1, 80);
    fixture_run(fixture);
    assert_non_null(strstr(view_of(fixture, "db").waiting, "already using port 80/tcp"));
    fixture_commit(fixture, "web", "nginx", 0, 80);
    fixture_run(fixture);
    assert_int_equal(view_of(fixture, "web").running_count, 0);
    assert_int_equal(view_of(fixture, "db").running_count, 1);
}

/* The second container waits for the first; meanwhile another service asks for its port. */
static void test_room_is_kept_for_what_is_to_come(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_file(
        fixture, "pair.yaml",
        "{\"clusterName\":\"c\"}\n---\n"
        "{\"family\":\"pair\",\"containerDefinitions\":["
        "{\"name\":\"init\",\"image\":\"i\",\"memory\":64,\"healthCheck\":{\"command\":[\"CMD\",\"true\"]}},"
        "{\"name\":\"app\",\"image\":\"a\",\"memory\":64,\"portMappings\":[{\"containerPort\":80,"
        "\"hostPort\":80}],\"dependsOn\":[{\"containerName\":\"init\",\"condition\":\"HEALTHY\"}]}]}\n---\n"
        "{\"cluster\":\"c\",\"serviceName\":\"pair\",\"taskDefinition\":\"pair\",\"desiredCount\":1}");
    fixture_turn(fixture);
    struct action *create CLEANUP(action_freep) = action_copy(fixture_action(fixture, 0));
    assert_string_equal(create->container, "init");
    assert_null(fixture_action(fixture, 1));
    fixture_done(fixture, create->id, 0, fixture_container(create, CONTAINER_CREATED, fixture->now_ms));
    fixture_file(fixture, "web.yaml",
                 "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"w\","
                 "\"memory\":64,\"portMappings\":[{\"containerPort\":80,\"hostPort\":80}]}]}\n---\n"
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":1}");
    fixture_turn(fixture);
    assert_non_null(strstr(view_of(fixture, "web").waiting, "already using port 80/tcp required by the task "
                                                            "(held by c/pair)"));
    fixture_file(fixture, "pair.yaml", "{\"clusterName\":\"c\"}");
    fixture_run(fixture);
    assert_int_equal(view_of(fixture, "web").running_count, 1);
}

/* Both are planned in one turn; and the next turn comes while the first create is under way. */
static void test_two_services_and_one_port(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "db", "postgres", 1, 80);
    fixture_commit(fixture, "web", "nginx", 1, 80);
    fixture_turn(fixture);
    assert_string_equal(fixture_action(fixture, 0)->service, "db");
    assert_null(fixture_action(fixture, 1));
    fixture_step(fixture, (struct event){.kind = EVENT_RECONCILE});
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    assert_non_null(strstr(view_of(fixture, "web").waiting, "held by c/db"));
}

/* The room of a create that came to nothing, whose service then leaves. */
static void test_the_end_of_a_hold_frees_its_room(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "db", "postgres", 1, 80);
    fixture_turn(fixture);
    fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_TIMEOUT, NULL);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 80);
    fixture_turn(fixture);
    assert_non_null(strstr(view_of(fixture, "web").waiting, "held by c/db"));
    fixture_file(fixture, "db-service.json", NULL);
    fixture_turn(fixture);
    fixture_after(fixture, 500);
    fixture_turn(fixture);
    assert_true(core_is_dirty(fixture->core)); /* who waits is told */
    fixture_run(fixture);
    assert_int_equal(view_of(fixture, "web").running_count, 1);
}

/* The answer was an error, and yet it has come about. */
static void test_a_hold_ends_when_it_is_fulfilled(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_turn(fixture);
    struct action *create CLEANUP(action_freep) = action_copy(fixture_action(fixture, 0));
    fixture_done(fixture, create->id, 0, fixture_container(create, CONTAINER_RUNNING, fixture->now_ms));
    fixture_after(fixture, 20000);
    fixture_turn(fixture);
    fixture_commit(fixture, "web", "nginx", 0, 0);
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_STOP);
    fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_INTERNAL, NULL);
    fixture_turn(fixture);
    assert_int_equal(view_of(fixture, "web").stopping_count, 1);
    fixture_step(fixture, (struct event){.kind = EVENT_CONTAINER,
                                         .engine = {.instance = memory_strdup("one"),
                                                    .container = fixture_container(create, CONTAINER_STOPPED,
                                                                                   fixture->now_ms)}});
    fixture_turn(fixture);
    assert_int_equal(view_of(fixture, "web").stopping_count, 0);
    assert_null(view_of(fixture, "web").waiting);
}

static void test_a_timer_costs_one_turn(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_run(fixture);
    fixture_after(fixture, 24 * 3600 * 1000LL);
    fixture_turn(fixture);
    assert_false(core_is_dirty(fixture->core));
}

/* What the engine refuses to stop must not keep the rest of the service waiting. */
static void test_a_refused_stop_holds_its_container_only(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_run(fixture);
    fixture_commit(fixture, "web", "nginx", 0, 0);
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_STOP);
    fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_CONFLICT, NULL);
    fixture_commit(fixture, "web", "nginx", 3, 0);
    fixture_turn(fixture);
    assert_string_equal(view_of(fixture, "web").waiting, "stop app on one: the engine's words");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(fixture_action(fixture, i)->kind, ACTION_CREATE);
    assert_null(fixture_action(fixture, 3));
    fixture_after(fixture, 500);
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_STOP);
}

static void test_equal_content_is_not_planned_again(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_run(fixture);
    fixture_file(
        fixture, "web-service.json",
        "{ \"desiredCount\": 1, \"cluster\": \"c\", \"serviceName\": \"web\", \"taskDefinition\": \"web\" }");
    assert_false(core_is_dirty(fixture->core));
    fixture_commit(fixture, "web", "nginx", 2, 0);
    assert_true(core_is_dirty(fixture->core));
}

static void test_what_was_deployed_is_desired_after_a_restart(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct event event = {.kind = EVENT_COMMIT, .commit = {.full = true}};
    struct event_file file = {
        .path = memory_strdup("c.json"), .content = memory_strdup("{\"clusterName\":\"c\"}"), .len = 19};
    json_t *entry = json_pack("{s:{s:s}}", "deployed", "oid", "d00d");
    vector_push(&event.commit.files, file);
    strcpy(event.commit.commit.oid, "d00d");
    fixture_step(fixture, (struct event){.kind = EVENT_LEDGER,
                                         .ledger = {LEDGER_SOURCE, memory_strdup("default"), entry}});
    fixture_step(fixture, event);
    assert_string_equal(core_desired(fixture->core)->commit.oid, "d00d");
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    fixture_file(fixture, "bad.json", "{\"serviceName\":\"x\",\"taskDefinition\":\"nowhere\"}");
    assert_string_equal(core_desired(fixture->core)->commit.oid, "d00d");
}

static void test_older_commits_only_count_revisions(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct view_family_vec families;
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_commit(fixture, "web", "nginx:2", 1, 0);
    fixture_commit(fixture, "web", "nginx", 1, 0); /* a revert is no new revision */
    fixture_commit(fixture, "db", "postgres", 1, 0);
    assert_int_equal(core_family(fixture->core, "web")->revisions.len, 2);
    assert_int_equal(core_desired(fixture->core)->task_definitions.items[1]->revision, 1);
    assert_null(core_family(fixture->core, "nobody"));
    core_view_families(fixture->core, &families);
    assert_int_equal(families.len, 2);
    assert_string_equal(families.items[0]->family, "db");
    vector_deinit(&families);
}

static void test_progress_and_source_are_shown(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct view_action_vec actions;
    struct view_source source;
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx@sha256:1", 1, 0);
    fixture_turn(fixture);
    fixture_step(fixture, (struct event){.kind = EVENT_PROGRESS,
                                         .progress = {.id = 1,
                                                      .status = memory_strdup("Downloading"),
                                                      .current_bytes = 5,
                                                      .total_bytes = 9}});
    core_view_actions(fixture->core, "c", "web", &actions);
    assert_int_equal(actions.len, 1);
    assert_string_equal(actions.items[0].progress_status, "Downloading");
    assert_null(actions.items[0].progress_failure);
    assert_true(actions.items[0].progress_bytes == 5 && actions.items[0].progress_total_bytes == 9);
    vector_deinit(&actions);
    fixture_step(fixture, (struct event){.kind = EVENT_PROGRESS,
                                         .progress = {.id = 1,
                                                      .status = memory_strdup(""),
                                                      .failure = memory_strdup("refused; in 1s")}});
    core_view_actions(fixture->core, "c", "web", &actions);
    assert_string_equal(actions.items[0].progress_failure, "refused; in 1s");
    vector_deinit(&actions);
    fixture_done(fixture, 1, ERROR_UNAVAILABLE, NULL);
    core_view_actions(fixture->core, "c", "web", &actions); /* of the engine nothing is known */
    assert_int_equal(actions.len, 1);
    assert_null(actions.items[0].progress_status);
    assert_null(actions.items[0].progress_failure);
    vector_deinit(&actions);
    fixture_step(fixture, (struct event){.kind = EVENT_SOURCE,
                                         .source = {.message = memory_strdup("no such branch"),
                                                    .origin = memory_strdup("/srv/repo")}});
    core_view_source(fixture->core, &source);
    assert_false(source.ok);
    assert_string_equal(source.message, "no such branch");
    assert_string_equal(source.origin, "/srv/repo");
}

static int64_t memory_free(const struct fixture *fixture)
{
    struct view_instance instance;
    core_view_instance_at(fixture->core, 0, &instance);
    return instance.memory_mib_free;
}

static void test_free_room_is_what_placement_counts(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct container *running = running_task(fixture, "me");
    fixture_listed(fixture, "one", &running, 1);
    assert_int_equal(memory_free(fixture), 8192 - 64); /* nothing was planned yet */
    fixture_commit(fixture, "db", "postgres", 2, 0);
    fixture_turn(fixture);
    assert_non_null(fixture_action(fixture, 1));
    assert_int_equal(memory_free(fixture), 8192 - 3 * 64); /* two are being created */
}

static void test_each_service_shows_its_own_actions(void **state)
{
    (void)state;
    static const char *const services[] = {"db", "web"};
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct view_action_vec actions;
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 2, 0);
    fixture_commit(fixture, "db", "postgres", 1, 0);
    fixture_turn(fixture);
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        core_view_actions(fixture->core, "c", services[i], &actions);
        assert_int_equal(actions.len, i + 1);
        for (size_t a = 0; a < actions.len; a++)
            assert_string_equal(actions.items[a].action->service, services[i]);
        vector_deinit(&actions);
    }
    core_view_actions(fixture->core, "c", "nobody", &actions);
    assert_int_equal(actions.len, 0);
}

static void fail_with_long_words(struct fixture *fixture, int code)
{
    struct error cause = ERROR_INIT;
    char words[2 * LIMIT_ERROR_CHARS + 1] = "";
    for (size_t i = 0; i < LIMIT_ERROR_CHARS; i++)
        memcpy(words + 2 * i, "\xc3\xa9", 2);
    error_set(&cause, code, "%s", words);
    fixture_step(fixture, (struct event){.kind = EVENT_ACTION_DONE,
                                         .action = {.id = fixture_action(fixture, 0)->id,
                                                    .code = code,
                                                    .message = memory_strdup(error_text(&cause))}});
}

static int join_part(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

/* What fails, and what keeps going wrong, is told in words that were cut. */
static void test_a_snapshot_holds_the_words_of_an_engine(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *list;
        const char *member;
    } cases[] = {{ERROR_INVALID, "failures", "reason"}, {ERROR_UNAVAILABLE, "troubles", "message"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
        fixture_empty(fixture, "one");
        fixture_commit(fixture, "web", "nginx", 1, 0);
        fixture_turn(fixture);
        fail_with_long_words(fixture, cases[i].code);
        json_t *json = json_object();
        assert_int_equal(core_snapshot(fixture->core, join_part, json), 0);
        const json_t *service = json_array_get(json_object_get(json, "services"), 0);
        const json_t *first = json_array_get(json_object_get(service, cases[i].list), 0);
        const char *text = json_string_value(json_object_get(first, cases[i].member));
        assert_non_null(text);
        assert_non_null(strstr(text, "\xc3\xa9\xc3\xa9"));
        json_decref(json);
    }
}

/* More services than a part holds: the lists are joined again. */
static void test_a_snapshot_in_parts_is_whole_again(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct core *copy = NULL;
    fixture_empty(fixture, "one");
    int services = unit_rounds(130, 20);
    for (int i = 0; i < services; i++) {
        char *name CLEANUP_FREE = memory_printf("web%d", i);
        fixture_commit(fixture, name, "nginx", 1, 0);
    }
    fixture_turn(fixture);
    json_t *before CLEANUP(json_decrefp) = json_object();
    json_t *after CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(fixture->core, join_part, before), 0);
    assert_int_equal(json_array_size(json_object_get(before, "services")), services);
    assert_int_equal(core_restore(before, &copy, NULL), 0);
    assert_int_equal(core_snapshot(copy, join_part, after), 0);
    assert_true(json_equal(before, after));
    core_free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_before_a_good_commit),
        cmocka_unit_test(test_waits_for_every_engine),
        cmocka_unit_test(test_patience_ends),
        cmocka_unit_test(test_saves_come_before_actions),
        cmocka_unit_test(test_a_deployment_from_commit_to_completed),
        cmocka_unit_test(test_a_service_that_is_scaled_to_nothing),
        cmocka_unit_test(test_a_refused_commit_leaves_desired_alone),
        cmocka_unit_test(test_an_outcome_that_nobody_knows),
        cmocka_unit_test(test_the_hold_grows),
        cmocka_unit_test(test_the_hold_of_a_restart_grows),
        cmocka_unit_test(test_a_failed_create_is_told_and_tried_again),
        cmocka_unit_test(test_a_corrupt_entry_costs_no_task),
        cmocka_unit_test(test_other_owners_do_not_exist),
        cmocka_unit_test(test_a_removed_service_is_forgotten),
        cmocka_unit_test(test_came_and_went_unplanned),
        cmocka_unit_test(test_what_ended_does_not_come_back),
        cmocka_unit_test(test_an_unknown_end_is_when_it_was_learned),
        cmocka_unit_test(test_a_lost_instance_gets_nothing),
        cmocka_unit_test(test_whoever_slept_does_not_know_for_how_long_an_instance_is_lost),
        cmocka_unit_test(test_who_waits_for_room_is_told),
        cmocka_unit_test(test_room_is_kept_for_what_is_to_come),
        cmocka_unit_test(test_two_services_and_one_port),
        cmocka_unit_test(test_a_snapshot_in_parts_is_whole_again),
        cmocka_unit_test(test_the_end_of_a_hold_frees_its_room),
        cmocka_unit_test(test_a_hold_ends_when_it_is_fulfilled),
        cmocka_unit_test(test_a_timer_costs_one_turn),
        cmocka_unit_test(test_a_refused_stop_holds_its_container_only),
        cmocka_unit_test(test_equal_content_is_not_planned_again),
        cmocka_unit_test(test_what_was_deployed_is_desired_after_a_restart),
        cmocka_unit_test(test_older_commits_only_count_revisions),
        cmocka_unit_test(test_progress_and_source_are_shown),
        cmocka_unit_test(test_free_room_is_what_placement_counts),
        cmocka_unit_test(test_each_service_shows_its_own_actions),
        cmocka_unit_test(test_a_snapshot_holds_the_words_of_an_engine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
