/* Standalone tasks, from RunTask until they are forgotten. */
#include "fixture.h"

#include "base/text.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

/* A cluster "c" with the family "job" and no service of it. */
static struct fixture *fixture_of_job(int instances)
{
    static const char *const names[] = {"one", "two", "three"};
    struct fixture *fixture = fixture_new(instances);
    for (int i = 0; i < instances; i++)
        fixture_empty(fixture, names[i]);
    fixture_commit(fixture, "web", "nginx", 0, 0);
    fixture_file(
        fixture, "job.json",
        "{\"family\":\"job\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"job:1\",\"cpu\":"
        "1024,\"memory\":64,\"environment\":[{\"name\":\"A\",\"value\":\"1\"}]}]}");
    fixture_run(fixture);
    return fixture;
}

/* Of the JSON in single quotes, cluster c; the effects are those of the step. */
static const struct run_outcome *run_task(struct fixture *fixture, const char *members)
{
    char *text CLEANUP_FREE = memory_printf("{'cluster':'c'%s%s}", *members ? "," : "", members);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *request = json_loads(text, 0, NULL);
    assert_non_null(request);
    fixture_step(fixture, (struct event){.kind = EVENT_RUN_TASK, .run_task = {.request = request}});
    return core_run_outcome(fixture->core);
}

static char *start_job(struct fixture *fixture)
{
    const struct run_outcome *outcome = run_task(fixture, "'taskDefinition':'job'");
    assert_int_equal(outcome->error.code, 0);
    assert_int_equal(outcome->tasks.len, 1);
    return memory_strdup(outcome->tasks.items[0]);
}

static void stop_task(struct fixture *fixture, const char *id, const char *reason)
{
    fixture_step(fixture, (struct event){.kind = EVENT_STOP_TASK,
                                         .stop_task = {.cluster = memory_strdup("c"),
                                                       .task = memory_strdup(id),
                                                       .reason = memory_strdup(reason)}});
}

static struct view_run view_of(const struct fixture *fixture, const char *id)
{
    struct view_run view;
    assert_true(core_view_run(fixture->core, "c", id, &view));
    return view;
}

static struct container *container_of(const struct fixture *fixture, const char *id)
{
    struct task_vec tasks;
    core_view_run_tasks(fixture->core, "c", id, fixture->now_ms, &tasks);
    assert_int_equal(tasks.len, 1);
    struct container *container = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    return container;
}

static void ends(struct fixture *fixture, const char *id, int code)
{
    struct container *container = container_of(fixture, id);
    container->status = CONTAINER_STOPPED;
    container->has_exit_code = true;
    container->exit_code = code;
    container->finished_ms = fixture->now_ms;
    fixture_step(fixture, (struct event){.kind = EVENT_CONTAINER,
                                         .engine = {.instance = memory_strdup(container->instance),
                                                    .container = container}});
}

static void vanishes(struct fixture *fixture, const char *id)
{
    struct container *container CLEANUP(container_freep) = container_of(fixture, id);
    fixture_step(fixture, (struct event){.kind = EVENT_GONE,
                                         .engine = {.instance = memory_strdup(container->instance),
                                                    .container_id = memory_strdup(container->id)}});
}

/* The entry that the last step saved. */
static json_t *saved(const struct fixture *fixture)
{
    const struct effect *save = fixture_effect(fixture, EFFECT_SAVE, 0);
    assert_non_null(save);
    assert_int_equal(save->change.kind, LEDGER_TASK);
    return json_incref(save->change.entry);
}

/* Another life of davit, which knows the entry (NULL: nothing) and what the engine lists (owned; NULL:
 * nothing). */
static struct fixture *another_life(const char *id, json_t *entry, struct container *container)
{
    struct fixture *fixture = fixture_new(1);
    if (entry)
        fixture_step(fixture, (struct event){.kind = EVENT_LEDGER,
                                             .ledger = {LEDGER_TASK, memory_printf("c/%s", id), entry}});
    fixture_commit(fixture, "web", "nginx", 0, 0);
    if (container)
        fixture_listed(fixture, "one", &container, 1);
    else
        fixture_empty(fixture, "one");
    return fixture;
}

static void test_its_life(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    char *id CLEANUP_FREE = start_job(fixture);
    const struct effect *save = fixture_effect(fixture, EFFECT_SAVE, 0);
    char *name CLEANUP_FREE = memory_printf("c/%s", id);
    assert_string_equal(save->change.name, name);
    char *message CLEANUP_FREE = memory_printf("%s: RunTask job:1 on one, group family:job", name);
    assert_string_equal(save->change.message, message);
    assert_int_equal(view_of(fixture, id).status, TASK_PENDING);
    fixture_turn(fixture);
    struct action *create CLEANUP(action_freep) = action_copy(fixture_action(fixture, 0));
    assert_int_equal(create->kind, ACTION_CREATE);
    assert_string_equal(create->task, id);
    assert_null(create->labels.service);
    assert_null(create->labels.deployment);
    assert_string_equal(create->labels.group, "family:job");
    assert_string_equal(create->labels.commit, core_desired(fixture->core)->commit.oid);
    fixture_done(fixture, create->id, 0, fixture_container(create, CONTAINER_CREATED, fixture->now_ms));
    fixture_turn(fixture);
    assert_int_equal(fixture->effects.items[0].kind, EFFECT_SAVE); /* before the start */
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_START);
    fixture_done(fixture, fixture_action(fixture, 0)->id, 0,
                 fixture_container(create, CONTAINER_RUNNING, fixture->now_ms));
    fixture_turn(fixture);
    assert_int_equal(view_of(fixture, id).status, TASK_RUNNING);
    ends(fixture, id, 3);
    assert_int_equal(view_of(fixture, id).status, TASK_STOPPING);
    fixture_turn(fixture);
    struct view_run view = view_of(fixture, id);
    assert_int_equal(view.status, TASK_STOPPED);
    assert_string_equal(view.run->stop_code, STOP_CODE_ESSENTIAL_EXITED);
    assert_int_equal(run_decisive(view.run)->exit_code, 3);
    assert_false(run_succeeded(view.run));
    assert_null(view.run->task_definition);
    fixture_after(fixture, 3600000);
    fixture_run(fixture);
    assert_false(core_view_run(fixture->core, "c", id, &view));
}

static void test_what_was_removed_is_not_created_again(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    char *id CLEANUP_FREE = start_job(fixture);
    fixture_run(fixture);
    assert_int_equal(view_of(fixture, id).status, TASK_RUNNING);
    vanishes(fixture, id);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    struct view_run view = view_of(fixture, id);
    assert_int_equal(view.status, TASK_STOPPED);
    assert_string_equal(view.run->stop_reason,
                        "container app was removed: a standalone task is not started again");
    assert_null(run_decisive(view.run));
    fixture_after(fixture, 3600000);
    fixture_turn(fixture);
    assert_false(core_view_run(fixture->core, "c", id, &view));
}

/* Between two lives: before the create, after it, before and after the start. */
static void test_lives_of_davit(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    char *id CLEANUP_FREE = start_job(fixture);
    json_t *placed CLEANUP(json_decrefp) = saved(fixture);
    fixture_turn(fixture);
    const struct action *create = fixture_action(fixture, 0);
    struct container *created CLEANUP(container_freep) =
        fixture_container(create, CONTAINER_CREATED, fixture->now_ms);
    struct container *running CLEANUP(container_freep) =
        fixture_container(create, CONTAINER_RUNNING, fixture->now_ms);
    fixture_done(fixture, create->id, 0, container_copy(created));
    fixture_turn(fixture);
    json_t *started CLEANUP(json_decrefp) = saved(fixture);
    const struct {
        json_t *entry;
        const struct container *listed;
        int action; /* -1: none */
        enum task_status status;
    } lives[] = {{placed, NULL, ACTION_CREATE, TASK_PENDING},
                 {placed, created, ACTION_START, TASK_PENDING},
                 {started, created, ACTION_START, TASK_PENDING},
                 {started, running, -1, TASK_RUNNING},
                 {started, NULL, -1, TASK_STOPPED},
                 {NULL, running, -1, TASK_RUNNING},
                 {NULL, created, ACTION_REMOVE, TASK_STOPPED}};
    for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
        struct fixture *next CLEANUP(fixture_freep) = another_life(
            id, json_incref(lives[i].entry), lives[i].listed ? container_copy(lives[i].listed) : NULL);
        fixture_turn(next);
        const struct action *action = fixture_action(next, 0);
        assert_int_equal(action ? (int)action->kind : -1, lives[i].action);
        assert_int_equal(view_of(next, id).status, lives[i].status);
    }
}

/* The first turns after a start wait for the repository; nothing but the commit ends that. */
static void test_a_repository_without_services(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    char *id CLEANUP_FREE = start_job(fixture);
    json_t *entry = saved(fixture);
    struct fixture *next CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(next, (struct event){.kind = EVENT_LEDGER,
                                      .ledger = {LEDGER_TASK, memory_printf("c/%s", id), entry}});
    fixture_empty(next, "one");
    fixture_turn(next);
    fixture_file(next, "cluster.json", "{\"clusterName\":\"c\"}");
    assert_true(core_is_dirty(next->core));
    fixture_turn(next);
    assert_int_equal(fixture_action(next, 0)->kind, ACTION_CREATE);
}

static void test_stop(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    char *id CLEANUP_FREE = start_job(fixture);
    char *other CLEANUP_FREE = start_job(fixture);
    fixture_run(fixture);
    stop_task(fixture, id, "enough");
    json_t *entry CLEANUP(json_decrefp) = saved(fixture);
    assert_string_equal(model_string(entry, "stopCode"), STOP_CODE_USER);
    stop_task(fixture, id, "once more"); /* it is */
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    assert_int_equal(view_of(fixture, id).status, TASK_STOPPING);
    fixture_run(fixture);
    struct view_run view = view_of(fixture, id);
    assert_int_equal(view.status, TASK_STOPPED);
    assert_string_equal(view.run->stop_reason, "enough");
    assert_null(run_decisive(view.run)); /* it did not end by itself */
    assert_int_equal(view_of(fixture, other).status, TASK_RUNNING);
    stop_task(fixture, other, NULL);
    assert_string_equal(view_of(fixture, other).run->stop_reason, "Task stopped by user");
    stop_task(fixture, "0123456789abcdef0123456789abcdef", NULL); /* unknown: forgotten meanwhile */
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
}

static void test_no_place(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(2);
    fixture_step(fixture, (struct event){.kind = EVENT_DISCONNECTED,
                                         .engine = {.instance = memory_strdup("two"),
                                                    .message = memory_strdup("connection refused")}});
    fixture_after(fixture, PATIENCE_MS);
    const struct run_outcome *outcome = run_task(fixture, "'taskDefinition':'job','count':10");
    assert_int_equal(outcome->error.code, 0);
    assert_int_equal(outcome->tasks.len, 4); /* of 4096 cpu units */
    assert_int_equal(outcome->lacks.len, 2);
    assert_string_equal(outcome->lacks.items[0].instance, "one");
    assert_string_equal(outcome->lacks.items[0].reason, "RESOURCE:CPU");
    assert_string_equal(outcome->lacks.items[1].reason, "AGENT");
    assert_string_equal(outcome->lacks.items[1].detail, "connection refused");
    fixture_run(fixture);
    char *id CLEANUP_FREE = memory_strdup(core_run_outcome(fixture->core)->tasks.items[0]);
    outcome = run_task(fixture, "'taskDefinition':'job'");
    assert_int_equal(outcome->tasks.len, 0);
    ends(fixture, id, 0);
    fixture_run(fixture);
    outcome = run_task(fixture, "'taskDefinition':'job'");
    assert_int_equal(outcome->tasks.len, 1); /* its room is free */
}

/* V5. */
static void test_capacity_providers(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(2);
    fixture_file(
        fixture, "cluster.json",
        "{\"clusterName\":\"c\",\"davit\":{\"containerInstances\":[{\"name\":\"one\",\"capacityProvider\":"
        "\"A\"},{\"name\":\"two\",\"capacityProvider\":\"B\"}]},\"defaultCapacityProviderStrategy\":[{"
        "\"capacityProvider\":\"B\",\"weight\":1}]}");
    fixture_run(fixture);
    static const struct {
        const char *members;
        size_t tasks;
        int on_two;
    } cases[] = {
        {"'taskDefinition':'job','count':3", 3, 3},
        {"'taskDefinition':'job','count':2,'capacityProviderStrategy':[{'capacityProvider':'A','weight':1}]",
         2, 0},
        {"'taskDefinition':'job','count':2,'capacityProviderStrategy':[{'capacityProvider':'A','weight':1},{"
         "'capacityProvider':'B','weight':1}]",
         2, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct run_outcome *outcome = run_task(fixture, cases[i].members);
        int on_two = 0;
        assert_int_equal(outcome->tasks.len, cases[i].tasks);
        for (size_t t = 0; t < outcome->tasks.len; t++)
            on_two += text_equal(view_of(fixture, outcome->tasks.items[t]).run->instance, "two");
        assert_int_equal(on_two, cases[i].on_two);
    }
}

#define GPU "\"resourceRequirements\":[{\"type\":\"GPU\",\"value\":\"1\"}]"
#define GPUS_OF_ONE(ids)                                                                                     \
    "{\"clusterName\":\"c\",\"davit\":{\"containerInstances\":[{\"name\":\"one\",\"gpus\":[" ids "]}]}}"

static size_t containers_of(const struct fixture *fixture, const char *id)
{
    struct task_vec tasks;
    core_view_run_tasks(fixture->core, "c", id, fixture->now_ms, &tasks);
    size_t len = tasks.items[0].containers_len;
    task_vec_deinit(&tasks);
    return len;
}

static void test_it_waits_for_a_registry(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    char *id CLEANUP_FREE = start_job(fixture);
    fixture_turn(fixture);
    assert_null(view_of(fixture, id).waiting);
    fixture_step(fixture, (struct event){.kind = EVENT_PROGRESS,
                                         .progress = {.id = fixture_action(fixture, 0)->id,
                                                      .status = memory_strdup(""),
                                                      .failure = memory_strdup("refused; tried again")}});
    assert_string_equal(view_of(fixture, id).waiting, "refused; tried again");
}

/* P13: of what the cluster says that its instance has. */
static void test_it_waits_for_a_gpu(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    fixture_file(fixture, "cluster.json", GPUS_OF_ONE("\"0\",\"1\",\"2\",\"3\""));
    fixture_file(fixture, "job.json",
                 "{\"family\":\"job\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"job:1\","
                 "\"memory\":64," GPU "},{\"name\":\"log\",\"image\":\"log\",\"essential\":false,"
                 "\"memory\":64,\"dependsOn\":[{\"containerName\":\"app\",\"condition\":\"START\"}]," GPU
                 "}]}");
    char *id CLEANUP_FREE = start_job(fixture);
    char *other CLEANUP_FREE = start_job(fixture);
    fixture_file(fixture, "cluster.json", GPUS_OF_ONE("\"0\",\"1\""));
    fixture_run(fixture);
    assert_int_equal(containers_of(fixture, id), 1);
    assert_string_equal(view_of(fixture, id).waiting, "container log waits for a GPU of instance one");
    fixture_file(fixture, "cluster.json", GPUS_OF_ONE("\"0\"")); /* other's is not to be had any more */
    fixture_run(fixture);
    assert_int_equal(containers_of(fixture, id), 1);
    assert_null(view_of(fixture, id).waiting);
    fixture_file(fixture, "cluster.json", GPUS_OF_ONE("\"0\",\"1\",\"2\",\"3\""));
    fixture_run(fixture);
    assert_int_equal(containers_of(fixture, id), 2);
    assert_int_equal(containers_of(fixture, other), 2);
}

static void test_client_token(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    const struct run_outcome *outcome =
        run_task(fixture, "'taskDefinition':'job','count':2,'clientToken':'t1'");
    char *id CLEANUP_FREE = memory_strdup(outcome->tasks.items[0]);
    outcome = run_task(fixture, "'taskDefinition':'job','count':2,'clientToken':'t1'");
    assert_int_equal(outcome->error.code, 0);
    assert_int_equal(outcome->tasks.len, 2);
    assert_string_equal(outcome->tasks.items[0], id);
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    outcome = run_task(fixture, "'taskDefinition':'job','count':1,'clientToken':'t1'");
    assert_int_equal(outcome->error.code, ERROR_CONFLICT);
    outcome = run_task(fixture, "'taskDefinition':'job','count':1,'clientToken':'t2'");
    assert_int_equal(outcome->tasks.len, 1);
    assert_non_null(fixture_effect(fixture, EFFECT_SAVE, 0));
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        int code;
        const char *says;
    } cases[] = {
        {"", ERROR_INVALID, "TaskDefinition can not be blank."},
        {"'taskDefinition':'nothing'", ERROR_NOT_FOUND,
         "TaskDefinition not found. There is no family \"nothing\""},
        {"'taskDefinition':'jbo'", ERROR_NOT_FOUND,
         "TaskDefinition not found. There is no family \"jbo\"; did you mean job?"},
        {"'taskDefinition':'job:2'", ERROR_NOT_FOUND,
         "TaskDefinition not found. Family job has no revision 2: the newest is 1"},
        {"'taskDefinition':'job:x'", ERROR_INVALID, "\"job:x\" is no task definition: expected web or web:3"},
        {"'taskDefinition':'job','count':0", ERROR_INVALID, "count: expected 1 to 10 tasks"},
        {"'taskDefinition':'job','count':11", ERROR_INVALID, "count: expected 1 to 10 tasks"},
        {"'taskDefinition':'job','group':'service:web'", ERROR_INVALID,
         "group: \"service:\" and \"pre-deploy:\" are what groups of services begin with; take another "
         "name"},
        {"'taskDefinition':'job','startedBy':'a b'", ERROR_INVALID,
         "startedBy: expected letters, digits, '-', '_' and '/'"},
        {"'taskDefinition':'job','counts':1", ERROR_INVALID,
         "RunTask has no member counts; did you mean count"},
        {"'taskDefinition':'job','volumeConfigurations':[]", ERROR_UNSUPPORTED,
         "volumeConfigurations: davit makes no EBS volumes; the volumes are those of the task definition"},
        {"'taskDefinition':'job','placementConstraints':[{'type':'memberOf'}]", ERROR_INVALID,
         "placementConstraints[0]: expected type distinctInstance, or memberOf with an expression"},
        {"'taskDefinition':'job','overrides':{'containerOverrides':[{'name':'ap'}]}", ERROR_INVALID,
         "Override for container named ap is not a container in the TaskDefinition. There are: app"},
    };
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct run_outcome *outcome = run_task(fixture, cases[i].members);
        assert_int_equal(outcome->error.code, cases[i].code);
        assert_string_equal(outcome->error.message, cases[i].says);
        assert_int_equal(outcome->tasks.len, 0);
        assert_int_equal(fixture->effects.len, 0);
    }
}

static void test_a_family_that_left(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    char *id CLEANUP_FREE = start_job(fixture);
    fixture_run(fixture);
    fixture_file(fixture, "job.json", NULL);
    fixture_run(fixture);
    assert_int_equal(view_of(fixture, id).status, TASK_RUNNING);
    const struct run_outcome *outcome = run_task(fixture, "'taskDefinition':'job'");
    assert_int_equal(outcome->error.code, ERROR_NOT_FOUND);
    assert_string_equal(outcome->error.message,
                        "TaskDefinition is inactive: family job has left the repository");
}

static void test_an_old_revision(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    fixture_file(
        fixture, "job.json",
        "{\"family\":\"job\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"job:2\",\"memory\":"
        "64}]}");
    const struct run_outcome *outcome = run_task(fixture, "'taskDefinition':'job:1','group':'batch'");
    char *id CLEANUP_FREE = memory_strdup(outcome->tasks.items[0]);
    assert_int_equal(view_of(fixture, id).run->revision, 1);
    assert_string_equal(view_of(fixture, id).run->group, "batch");
    fixture_turn(fixture);
    assert_string_equal(action_image(fixture_action(fixture, 0)), "job:1");
    outcome = run_task(fixture, "'taskDefinition':'job'");
    assert_int_equal(view_of(fixture, outcome->tasks.items[0]).run->revision, 2);
}

static void test_overrides(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    const struct run_outcome *outcome = run_task(
        fixture,
        "'taskDefinition':'job','overrides':{'containerOverrides':[{'name':'app','command':['a','b'],"
        "'memory':128,'environment':[{'name':'A','value':'2'},{'name':'B','value':'3'}]}]}");
    assert_int_equal(outcome->error.code, 0);
    fixture_turn(fixture);
    const struct action *create = fixture_action(fixture, 0);
    json_t *container =
        json_array_get(json_object_get(create->task_definition->json, "containerDefinitions"), 0);
    char *text CLEANUP_FREE = json_dumps(container, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text,
                        "{\"command\":[\"a\",\"b\"],\"cpu\":1024,\"environment\":[{\"name\":\"A\",\"value\":"
                        "\"2\"},{\"name\":\"B\",\"value\":\"3\"}],\"image\":\"job:1\",\"memory\":128,"
                        "\"name\":\"app\"}");
    assert_int_equal(create->labels.spec->memory_mib, 128);
    assert_int_equal(create->labels.revision, 1);
}

static void test_suspended(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    char *id CLEANUP_FREE = start_job(fixture);
    fixture_suspend(fixture, NULL, false);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    const struct run_outcome *outcome = run_task(fixture, "'taskDefinition':'job'");
    assert_int_equal(outcome->error.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(outcome->error.message, "cluster c is suspended by davit suspend, since"));
    stop_task(fixture, id, NULL);
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    fixture_suspend(fixture, NULL, true);
    fixture_run(fixture);
    assert_int_equal(view_of(fixture, id).status, TASK_RUNNING);
}

static void test_suspended_by_git(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    char *id CLEANUP_FREE = start_job(fixture);
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\",\"davit\":{\"suspend\":true}}");
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    assert_string_equal(view_of(fixture, id).waiting, "suspended by git, with its cluster");
    const struct run_outcome *outcome = run_task(fixture, "'taskDefinition':'job'");
    assert_string_equal(outcome->error.message, "cluster c is suspended by git: nothing is started in it");
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_CREATE);
}

/* Of what has stopped the newest keep their containers, within a group; the entries stay. */
static void test_the_count_of_a_group(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    char *ids[7];
    for (int i = 0; i < 7; i++) {
        const struct run_outcome *outcome =
            run_task(fixture, i ? "'taskDefinition':'job'" : "'taskDefinition':'job','group':'batch'");
        ids[i] = memory_strdup(outcome->tasks.items[0]);
        fixture_run(fixture);
        fixture_after(fixture, 1000);
        ends(fixture, ids[i], 0);
        fixture_run(fixture);
    }
    for (int i = 0; i < 7; i++) {
        struct task_vec tasks;
        core_view_run_tasks(fixture->core, "c", ids[i], fixture->now_ms, &tasks);
        assert_int_equal(tasks.len, i != 1); /* five are kept */
        task_vec_deinit(&tasks);
        assert_true(run_succeeded(view_of(fixture, ids[i]).run));
        free(ids[i]);
    }
}

static int join(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void test_a_snapshot_keeps_them(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_job(1);
    char *running CLEANUP_FREE = start_job(fixture);
    fixture_run(fixture);
    char *pending CLEANUP_FREE = start_job(fixture);
    fixture_turn(fixture); /* its create is under way */
    json_t *before CLEANUP(json_decrefp) = json_object();
    json_t *after CLEANUP(json_decrefp) = json_object();
    struct core *copy CLEANUP(core_freep) = NULL;
    assert_int_equal(core_snapshot(fixture->core, join, before), 0);
    assert_int_equal(core_restore(before, &copy, NULL), 0);
    assert_int_equal(core_snapshot(copy, join, after), 0);
    assert_true(json_equal(before, after));
    struct core *original = fixture->core;
    fixture->core = copy;
    assert_int_equal(view_of(fixture, running).status, TASK_RUNNING);
    assert_int_equal(view_of(fixture, pending).status, TASK_PENDING);
    char *next CLEANUP_FREE = start_job(fixture); /* families as the repository has them */
    assert_non_null(next);
    fixture->core = original;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_life),
        cmocka_unit_test(test_what_was_removed_is_not_created_again),
        cmocka_unit_test(test_lives_of_davit),
        cmocka_unit_test(test_a_repository_without_services),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_no_place),
        cmocka_unit_test(test_capacity_providers),
        cmocka_unit_test(test_it_waits_for_a_registry),
        cmocka_unit_test(test_it_waits_for_a_gpu),
        cmocka_unit_test(test_client_token),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_family_that_left),
        cmocka_unit_test(test_an_old_revision),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_suspended),
        cmocka_unit_test(test_suspended_by_git),
        cmocka_unit_test(test_the_count_of_a_group),
        cmocka_unit_test(test_a_snapshot_keeps_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
