/* Several sources: the table (M) of core.h. */
#include "fixture.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const struct core_source_options both[] = {{"infra", NULL}, {"shop", NULL}};

static void add_file(struct event *event, char *path, char *text)
{
    struct event_file file = {.path = path, .content = text, .len = strlen(text)};
    vector_push(&event->commit.files, file);
}

/* A whole commit: "web" is a service with a task definition, "@c" a cluster, "%night" a scheduled task. */
static struct event commit(const char *source, int number, const char *objects)
{
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = true, .full = true}};
    char *copy CLEANUP_FREE = memory_strdup(objects);
    char *rest = NULL;
    event.commit.source = memory_strdup(source);
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%040d", number);
    event.commit.commit.subject = memory_strdup("a change");
    for (char *one = strtok_r(copy, " ", &rest); one; one = strtok_r(NULL, " ", &rest)) {
        if (*one == '@') {
            add_file(&event, memory_printf("%s.json", one + 1),
                     memory_printf("{\"clusterName\":\"%s\"}", one + 1));
            continue;
        }
        const char *name = *one == '%' ? one + 1 : one;
        add_file(
            &event, memory_printf("%s-task.json", name),
            memory_printf("{\"family\":\"%s\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i\","
                          "\"memory\":64}]}",
                          name));
        add_file(&event, memory_printf("%s.json", name),
                 *one == '%' ? memory_printf("{\"Name\":\"%s\",\"ScheduleExpression\":\"rate(1 hour)\","
                                             "\"Target\":{\"Arn\":\"c\",\"EcsParameters\":"
                                             "{\"TaskDefinitionArn\":\"%s\"}}}",
                                             name, name)
                             : memory_printf("{\"cluster\":\"c\",\"serviceName\":\"%s\",\"taskDefinition\":"
                                             "\"%s\",\"desiredCount\":1}",
                                             name, name));
    }
    return event;
}

static struct view_source view(const struct fixture *fixture, const char *name)
{
    struct view_source view = {0};
    for (size_t i = 0; i < core_sources_len(fixture->core); i++) {
        core_view_source_at(fixture->core, i, &view);
        if (text_equal(view.name, name))
            return view;
    }
    fail_msg("no source %s", name);
    return view;
}

/* The first error of its newest commit; NULL: there is none. */
static const char *refusal(const struct fixture *fixture, const char *name)
{
    struct view_source source = view(fixture, name);
    return source.diagnostics->errors ? source.diagnostics->list.items[0].message : NULL;
}

static int wanted(const struct fixture *fixture, const char *name)
{
    struct view_source source = view(fixture, name);
    return source.wanted ? atoi(source.wanted->oid) : 0;
}

static void assert_refused(const struct fixture *fixture, const char *name, const char *why)
{
    const char *message = refusal(fixture, name);
    assert_non_null(message);
    if (!strstr(message, why))
        fail_msg("%s", message);
}

static void approve(struct fixture *fixture, int number)
{
    struct event event = {.kind = EVENT_APPROVE};
    snprintf(event.approve.oid, sizeof event.approve.oid, "%040d", number);
    fixture_step(fixture, event);
}

/* infra has the cluster and api, shop has web; all runs. */
static struct fixture *running(void)
{
    struct fixture *fixture = fixture_of_sources(both, 2);
    fixture_empty(fixture, "one");
    fixture_step(fixture, commit("infra", 1, "@c api"));
    fixture_step(fixture, commit("shop", 2, "web"));
    fixture_settle(fixture);
    assert_int_equal(fixture_view(fixture, "api").running_count, 1);
    assert_int_equal(fixture_view(fixture, "web").running_count, 1);
    return fixture;
}

static struct container *container_of_service(const char *name)
{
    struct container *container = NEW(struct container);
    struct task_labels *labels = &container->labels;
    container->id = memory_printf("id-%s", name);
    container->name = memory_printf("davit-%s", name);
    container->status = CONTAINER_RUNNING;
    container->created_ms = container->started_ms = FIRST_MS;
    labels->owner = memory_strdup("me");
    labels->cluster = memory_strdup("c");
    labels->service = memory_strdup(name);
    labels->family = memory_strdup(name);
    labels->commit = memory_strdup("");
    labels->deployment = memory_strdup("ecs-svc/1");
    labels->digest = digest_of_bytes(name, strlen(name));
    labels->revision = labels->essential = 1;
    labels->spec = NEW(struct container_spec);
    *labels->spec = (struct container_spec){.name = memory_strdup("app"), .essential = true};
    snprintf(labels->task, sizeof labels->task, "%032d", name[0]);
    return container;
}

/* A new life, in which the tasks of both are there. */
static void restart(struct fixture *fixture, const struct core_source_options *sources, size_t len)
{
    fixture_restart(fixture, sources, len);
    fixture_listed(fixture, "one",
                   (struct container *[]){container_of_service("api"), container_of_service("web")}, 2);
}

static bool stops_anything(struct fixture *fixture)
{
    bool stops = false;
    for (int i = 0; i < 3; i++) {
        fixture_turn(fixture);
        for (size_t n = 0; fixture_action(fixture, n); n++)
            stops |= fixture_action(fixture, n)->kind == ACTION_STOP;
        fixture_after(fixture, PATIENCE_MS);
    }
    return stops;
}

static void test_each_service_has_the_commit_of_its_source(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running();
    assert_int_equal(atoi(service_ledger_primary(fixture_view(fixture, "api").ledger)->commit.oid), 1);
    assert_int_equal(atoi(service_ledger_primary(fixture_view(fixture, "web").ledger)->commit.oid), 2);
    assert_string_equal(fixture_view(fixture, "web").source, "shop");
    assert_string_equal(fixture_view(fixture, "web").ledger->source, "shop");
    assert_int_equal(wanted(fixture, "infra"), 1);
    assert_int_equal(wanted(fixture, "shop"), 2);
    assert_int_equal(core_desired(fixture->core)->services.len, 2);
}

static void test_the_later_one_of_two_is_refused_until_the_other_leaves_it_out(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running();
    fixture_step(fixture, commit("shop", 3, "web api"));
    assert_refused(fixture, "shop", "api is defined in source infra already (api");
    assert_int_equal(wanted(fixture, "shop"), 2);
    fixture_step(fixture, commit("infra", 4, "@c other"));
    assert_null(refusal(fixture, "shop"));
    assert_int_equal(wanted(fixture, "shop"), 3);
    assert_string_equal(fixture_view(fixture, "api").ledger->source, "shop");
    fixture_turn(fixture);
    for (size_t n = 0; fixture_action(fixture, n); n++)
        assert_string_equal(fixture_action(fixture, n)->service, "other"); /* M4: api goes on */
}

static void test_clusters_and_scheduled_tasks_are_of_one_source(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running();
    fixture_step(fixture, commit("infra", 3, "@c api %night"));
    assert_null(refusal(fixture, "infra"));
    fixture_step(fixture, commit("shop", 4, "@c web"));
    assert_refused(fixture, "shop", "cluster c is defined in source infra");
    fixture_step(fixture, commit("shop", 5, "web %night"));
    assert_refused(fixture, "shop", "night is defined in source infra");
    fixture_step(fixture, commit("shop", 6, "@default web"));
    assert_null(refusal(fixture, "shop"));
}

static void test_what_is_not_allowed_is_refused(void **state)
{
    (void)state;
    struct allowance allowance = {0};
    vector_push(&allowance.services, memory_strdup("web*"));
    const struct core_source_options confined[] = {{"infra", NULL}, {"shop", &allowance}};
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_sources(confined, 2);
    fixture_step(fixture, commit("infra", 1, "@c api"));
    fixture_step(fixture, commit("shop", 2, "web"));
    fixture_step(fixture, commit("shop", 3, "web admin"));
    assert_refused(fixture, "shop", "service c/admin is outside");
    assert_int_equal(wanted(fixture, "shop"), 2);
    allowance_deinit(&allowance);
}

static void test_a_cluster_that_nobody_has_leaves_its_services_alone(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running();
    fixture_step(fixture, commit("infra", 3, "@d %night"));
    assert_refused(fixture, "infra", "no cluster \"c\"");
    fixture_step(fixture, commit("infra", 4, "@d"));
    assert_int_equal(wanted(fixture, "infra"), 4);
    fixture_turn(fixture);
    assert_true(fixture_view(fixture, "web").suspended);
    assert_int_equal(fixture_view(fixture, "web").running_count, 1);
    fixture_step(fixture, commit("shop", 5, "web more"));
    assert_refused(fixture, "shop", "no cluster \"c\"");
    fixture_step(fixture, commit("infra", 6, "@c"));
    assert_int_equal(wanted(fixture, "shop"), 5);
    assert_false(fixture_view(fixture, "web").suspended);
}

static void test_what_was_not_read_since_the_start_stays(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running();
    restart(fixture, both, 2);
    fixture_step(fixture, commit("shop", 2, "web"));
    assert_null(refusal(fixture, "shop")); /* infra's cluster is remembered */
    assert_false(stops_anything(fixture));
    assert_true(fixture_view(fixture, "api").suspended);
    assert_int_equal(core_source_left(fixture->core, "infra"), 1);
    fixture_step(fixture, commit("shop", 3, "web api"));
    assert_refused(fixture, "shop", "belongs to source infra, which has not been read");
    fixture_step(fixture, commit("infra", 4, "@c other"));
    assert_null(refusal(fixture, "shop"));
    assert_int_equal(wanted(fixture, "shop"), 3);
}

static void test_what_a_source_left_out_meanwhile_goes(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running();
    restart(fixture, both, 2);
    fixture_step(fixture, commit("infra", 1, "@c api"));
    assert_false(stops_anything(fixture));
    fixture_step(fixture, commit("shop", 3, "other"));
    assert_true(stops_anything(fixture));
    assert_null(fixture_view(fixture, "web").desired);
}

static void test_a_scheduled_task_that_was_not_read_keeps_its_times(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running();
    fixture_step(fixture, commit("infra", 3, "@c api %night"));
    fixture_turn(fixture);
    char *key CLEANUP_FREE = memory_printf("%d night", LEDGER_SCHEDULE);
    assert_non_null(json_object_get(fixture->ledger, key));
    restart(fixture, both, 2);
    fixture_step(fixture, commit("shop", 2, "web"));
    fixture_turn(fixture);
    assert_non_null(json_object_get(fixture->ledger, key));
    fixture_step(fixture, commit("infra", 4, "@c api"));
    fixture_turn(fixture);
    assert_null(json_object_get(fixture->ledger, key));
}

static void test_the_budget_is_of_one_source(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_sources(both, 2);
    fixture_step(fixture, commit("infra", 1, "@c a1 a2 a3 a4 a5 a6 a7 a8"));
    fixture_step(fixture, commit("shop", 2, "b1 b2 b3"));
    fixture_step(fixture, commit("shop", 3, "other"));
    assert_string_equal(view(fixture, "shop").held, "removes 3 of 3 services (c/b1, c/b2, c/b3)");
    approve(fixture, 1);
    assert_non_null(view(fixture, "shop").held);
    approve(fixture, 3);
    assert_null(view(fixture, "shop").held);
    assert_int_equal(wanted(fixture, "shop"), 3);
    assert_int_equal(core_desired(fixture->core)->services.len, 9);
}

static void test_the_budget_of_a_start_is_of_one_source(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_sources(both, 2);
    fixture_empty(fixture, "one");
    fixture_step(fixture, commit("infra", 1, "@c a1 a2 a3 a4 a5 a6 a7 a8"));
    fixture_step(fixture, commit("shop", 2, "b1 b2 b3"));
    fixture_settle(fixture);
    fixture_restart(fixture, both, 2);
    fixture_step(fixture, commit("shop", 3, "other"));
    assert_string_equal(view(fixture, "shop").held, "removes 3 of 3 services (c/b1, c/b2, c/b3)");
}

static void test_a_source_that_is_gone_needs_an_approval(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running();
    restart(fixture, both, 1);
    fixture_step(fixture, commit("infra", 1, "@c api"));
    assert_false(stops_anything(fixture));
    assert_true(view(fixture, "shop").gone);
    assert_int_equal(core_source_left(fixture->core, "shop"), 1);
    approve(fixture, 2);
    assert_int_equal(core_source_left(fixture->core, "shop"), 0);
    assert_true(stops_anything(fixture));
    restart(fixture, both, 1);
    fixture_step(fixture, commit("infra", 1, "@c api"));
    assert_int_equal(core_source_left(fixture->core, "shop"), 0);
}

static void test_what_a_gone_source_had_is_free(void **state)
{
    (void)state;
    static const struct core_source_options renamed[] = {{"base", NULL}, {"shop", NULL}};
    struct fixture *fixture CLEANUP(fixture_freep) = running();
    restart(fixture, renamed, 2);
    fixture_step(fixture, commit("shop", 2, "web"));
    fixture_step(fixture, commit("base", 1, "@c api"));
    assert_null(refusal(fixture, "base"));
    assert_false(stops_anything(fixture));
    assert_string_equal(fixture_view(fixture, "api").ledger->source, "base");
    assert_int_equal(core_source_left(fixture->core, "infra"), 0);
}

static void test_revisions_are_counted_in_each_source(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running();
    struct event theirs = commit("shop", 3, "web api");
    char *other =
        memory_strdup("{\"family\":\"api\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"j\","
                      "\"memory\":64}]}");
    struct event_file *file = &theirs.commit.files.items[2];
    assert_string_equal(file->path, "api-task.json");
    free(file->content);
    file->content = other;
    file->len = strlen(other);
    fixture_step(fixture, theirs);
    assert_refused(fixture, "shop", "already");
    assert_int_equal(core_family(fixture->core, "api")->revisions.len, 1);
    char *key CLEANUP_FREE = memory_printf("%d api", LEDGER_FAMILY);
    const json_t *entry = json_object_get(fixture->ledger, key);
    assert_string_equal(json_string_value(json_object_get(entry, "source")), "infra");
    assert_int_equal(json_array_size(json_object_get(entry, "revisions")), 1);
}

static int join_part(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void test_a_snapshot_goes_on_alike(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = running();
    restart(fixture, both, 2);
    fixture_step(fixture, commit("shop", 2, "web"));
    fixture_step(fixture, commit("shop", 3, "web api"));
    struct core *copy = NULL;
    json_t *snapshot = json_object();
    json_t *again = json_object();
    assert_int_equal(core_snapshot(fixture->core, join_part, snapshot), 0);
    struct error err = ERROR_INIT;
    if (core_restore(snapshot, &copy, &err) < 0)
        fail_msg("%s", error_text(&err));
    assert_int_equal(core_snapshot(copy, join_part, again), 0);
    assert_true(json_equal(snapshot, again));
    json_decref(snapshot);
    json_decref(again);
    core_free(fixture->core);
    fixture->core = copy;
    fixture_turn(fixture);
    assert_true(fixture_view(fixture, "api").suspended);
    fixture_step(fixture, commit("infra", 4, "@c other"));
    assert_int_equal(wanted(fixture, "shop"), 3);
}

/* For longer than its tasks are kept. */
static void test_a_result_that_nobody_saw_is_not_known(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_sources(both, 2);
    struct view_run_vec runs;
    struct task_vec tasks;
    struct view_schedule schedule;
    fixture_empty(fixture, "one");
    fixture_step(fixture, commit("infra", 1, "@c"));
    fixture_step(fixture, commit("shop", 2, "%night"));
    fixture_run(fixture);
    fixture_after(fixture, 3600000);
    fixture_run(fixture);
    core_view_runs(fixture->core, &runs);
    assert_int_equal(runs.len, 1);
    core_view_run_tasks(fixture->core, "c", runs.items[0].run->id, fixture->now_ms, &tasks);
    struct container *container = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    vector_deinit(&runs);
    container->status = CONTAINER_STOPPED;
    container->has_exit_code = true;
    container->exit_code = 3;
    container->finished_ms = fixture->now_ms;
    fixture_restart(fixture, both, 2);
    fixture_step(fixture, commit("infra", 1, "@c"));
    fixture_listed(fixture, "one", &container, 1);
    fixture_run(fixture);
    for (int i = 0; i < 3; i++) {
        fixture_after(fixture, 3600000);
        fixture_run(fixture);
    }
    core_view_runs(fixture->core, &runs);
    assert_int_equal(runs.len, 0);
    vector_deinit(&runs);
    fixture_step(fixture, commit("shop", 2, "%night"));
    fixture_turn(fixture);
    assert_true(core_view_schedule_at(fixture->core, 0, &schedule));
    struct view_schedule_run run;
    core_view_schedule_run(fixture->core, &schedule, schedule.runs_len - 1, &run);
    assert_string_equal(run.result, "not known: its task was forgotten before");
    for (size_t i = 0; i < schedule.events_len; i++)
        assert_null(strstr(view_schedule_event(&schedule, i)->message, "has succeeded"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_service_has_the_commit_of_its_source),
        cmocka_unit_test(test_the_later_one_of_two_is_refused_until_the_other_leaves_it_out),
        cmocka_unit_test(test_clusters_and_scheduled_tasks_are_of_one_source),
        cmocka_unit_test(test_what_is_not_allowed_is_refused),
        cmocka_unit_test(test_a_cluster_that_nobody_has_leaves_its_services_alone),
        cmocka_unit_test(test_what_was_not_read_since_the_start_stays),
        cmocka_unit_test(test_what_a_source_left_out_meanwhile_goes),
        cmocka_unit_test(test_a_scheduled_task_that_was_not_read_keeps_its_times),
        cmocka_unit_test(test_the_budget_is_of_one_source),
        cmocka_unit_test(test_the_budget_of_a_start_is_of_one_source),
        cmocka_unit_test(test_a_source_that_is_gone_needs_an_approval),
        cmocka_unit_test(test_what_a_gone_source_had_is_free),
        cmocka_unit_test(test_revisions_are_counted_in_each_source),
        cmocka_unit_test(test_a_result_that_nobody_saw_is_not_known),
        cmocka_unit_test(test_a_snapshot_goes_on_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
