/* RunTask, StopTask, and standalone tasks in what reads. */
#include "fixture.h"

#include "base/buffer.h"
#include "base/text.h"
#include "model/json.h"
#include "unit.h"

#include <stdio.h>

#define JOB                                                                                                  \
    "---\n"                                                                                                  \
    "kind: TaskDefinition\n"                                                                                 \
    "family: job\n"                                                                                          \
    "containerDefinitions:\n"                                                                                \
    "  - {name: job, image: %s, cpu: 1024, memory: 64}\n"

static void deploy(struct fixture *fixture)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml, FIXTURE_MANIFEST JOB, "nginx", "job:1");
    fixture_init(fixture);
    fixture->broken_image = "broken";
    fixture_commit(fixture, "a", yaml);
    fixture_settle(fixture, 12000);
}

static int setup(void **state)
{
    struct fixture *fixture = NEW(struct fixture);
    deploy(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

static json_t *first(const json_t *answer, const char *key)
{
    return json_array_get(json_object_get(answer, key), 0);
}

static char *input_with(const char *format, const char *value)
{
    struct buffer text = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (const char *c = format; *c; c++)
        if (*c == '@')
            buffer_append_str(&text, value);
        else
            buffer_append(&text, c, 1);
    return buffer_steal(&text);
}

static json_t *describe(struct fixture *fixture, const char *arn)
{
    char *input CLEANUP_FREE = input_with("{'cluster':'demo','tasks':['@']}", arn);
    json_t *answer CLEANUP(json_decrefp) = fixture_ask(fixture, NULL, "DescribeTasks", input);
    assert_int_equal(json_array_size(json_object_get(answer, "failures")), 0);
    return json_incref(first(answer, "tasks"));
}

static void expect(const json_t *object, const char *key, const char *value)
{
    assert_string_equal(model_string(object, key), value);
}

static void test_life(void **state)
{
    struct fixture *fixture = *state;
    json_t *answer CLEANUP(json_decrefp) =
        fixture_ask(fixture, NULL, "RunTask",
                    "{'cluster':'arn:aws:ecs:local:000000000000:cluster/demo','taskDefinition':"
                    "'arn:aws:ecs:local:000000000000:task-definition/"
                    "job:1','startedBy':'me','platformVersion':'LATEST','overrides':"
                    "{'containerOverrides':[{'name':'job','command':['x']}]},'clientToken':null}");
    const json_t *task = first(answer, "tasks");
    const char *arn = model_string(task, "taskArn");
    assert_int_equal(json_array_size(json_object_get(answer, "failures")), 0);
    expect(task, "lastStatus", "PENDING");
    expect(task, "desiredStatus", "RUNNING");
    expect(task, "group", "family:job");
    expect(task, "startedBy", "me");
    expect(task, "taskDefinitionArn", "arn:aws:ecs:local:000000000000:task-definition/job:1");
    expect(task, "containerInstanceArn", "arn:aws:ecs:local:000000000000:container-instance/demo/local");
    expect(first(task, "containers"), "name", "job");
    expect(first(task, "containers"), "lastStatus", "PENDING");
    expect(first(json_object_get(task, "overrides"), "containerOverrides"), "name", "job");
    assert_true(json_is_real(json_object_get(task, "createdAt")));
    fixture_settle(fixture, 2000);
    json_t *running CLEANUP(json_decrefp) = describe(fixture, arn);
    expect(running, "lastStatus", "RUNNING");
    expect(first(running, "containers"), "lastStatus", "RUNNING");
    assert_int_equal(json_array_size(json_object_get(running, "containers")), 1);
    char *input CLEANUP_FREE = input_with("{'cluster':'demo','task':'@','reason':'enough'}", arn);
    json_t *stopped CLEANUP(json_decrefp) = fixture_ask(fixture, NULL, "StopTask", input);
    expect(json_object_get(stopped, "task"), "desiredStatus", "STOPPED");
    expect(json_object_get(stopped, "task"), "stopCode", "UserInitiated");
    fixture_settle(fixture, 2000);
    json_decref(fixture_ask(fixture, NULL, "StopTask", input)); /* of a stopped one: nothing */
    json_t *over CLEANUP(json_decrefp) = describe(fixture, arn);
    expect(over, "lastStatus", "STOPPED");
    expect(over, "stoppedReason", "enough");
    assert_int_equal(model_int(first(over, "containers"), "exitCode"), 143);
}

/* The entry tells what its containers would. */
static void test_without_containers(void **state)
{
    struct fixture *fixture = *state;
    char ids[12][ID_HEX_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) { /* more than are kept */
        json_t *answer CLEANUP(json_decrefp) =
            fixture_ask(fixture, NULL, "RunTask", "{'cluster':'demo','taskDefinition':'job'}");
        snprintf(ids[i], sizeof ids[i], "%s",
                 strrchr(model_string(first(answer, "tasks"), "taskArn"), '/') + 1);
        fixture_settle(fixture, 2000);
        char *input CLEANUP_FREE = input_with("{'cluster':'demo','task':'@'}", ids[i]);
        json_decref(fixture_ask(fixture, NULL, "StopTask", input));
        fixture_settle(fixture, 2000);
    }
    json_t *oldest CLEANUP(json_decrefp) = describe(fixture, ids[0]);
    expect(oldest, "lastStatus", "STOPPED");
    expect(first(oldest, "containers"), "name", "job");
    expect(first(oldest, "containers"), "image", "job:1");
    expect(first(oldest, "containers"), "lastStatus", "STOPPED");
    assert_int_equal(model_int(first(oldest, "containers"), "exitCode"), 143);
    assert_null(model_string(first(oldest, "containers"), "runtimeId"));
    fixture_settle(fixture, 0);
    fixture->now_ms += 3700000;
    fixture_settle(fixture, 1000);
    char *input CLEANUP_FREE = input_with("{'cluster':'demo','tasks':['@']}", ids[0]);
    json_t *answer CLEANUP(json_decrefp) = fixture_ask(fixture, NULL, "DescribeTasks", input);
    expect(first(answer, "failures"), "reason", "MISSING");
}

/* The state is lost and the newest commit not valid: the engine knows how it ended. */
static void test_before_a_commit_was_accepted(void **state)
{
    struct fixture *before = *state;
    struct fixture fixture;
    json_decref(fixture_ask(before, NULL, "RunTask", "{'cluster':'demo','taskDefinition':'job'}"));
    fixture_settle(before, 2000);
    fixture_init(&fixture);
    struct event listed = {.kind = EVENT_LISTED, .now_ms = fixture.now_ms, .seed = 1};
    struct effect_vec effects = {0};
    listed.engine.instance = memory_strdup("local");
    map_for_each (&before->containers, entry) {
        struct container *container = entry->value;
        if (!container->labels.group)
            continue;
        struct container *ended = container_copy(container);
        ended->status = CONTAINER_STOPPED;
        ended->has_exit_code = true;
        ended->exit_code = 3;
        ended->finished_ms = fixture.now_ms - 60000;
        vector_push(&listed.engine.containers, ended);
    }
    core_step(fixture.core, &listed, &effects);
    event_deinit(&listed);
    effect_vec_deinit(&effects);
    json_t *answer CLEANUP(json_decrefp) = fixture_ask(&fixture, "GET", "/v1/tasks", NULL);
    const json_t *task = first(answer, "tasks");
    expect(task, "status", "STOPPED");
    expect(task, "stopReason", "Essential container in task exited");
    expect(task, "exitedContainer", "job");
    assert_int_equal(model_int(task, "exitCode"), 3);
    assert_non_null(model_string(task, "stoppedAt"));
    fixture_deinit(&fixture);
}

static size_t count(struct fixture *fixture, const char *input)
{
    json_t *answer CLEANUP(json_decrefp) = fixture_ask(fixture, NULL, "ListTasks", input);
    return json_array_size(json_object_get(answer, "taskArns"));
}

static void test_lists(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(count(fixture, "{'cluster':'demo'}"), 2);
    json_decref(fixture_ask(fixture, NULL, "RunTask",
                            "{'cluster':'demo','taskDefinition':'job','count':2,'startedBy':'me'}"));
    fixture_settle(fixture, 2000);
    assert_int_equal(count(fixture, "{'cluster':'demo'}"), 4);
    assert_int_equal(count(fixture, "{'cluster':'demo','family':'job'}"), 2);
    assert_int_equal(count(fixture, "{'cluster':'demo','startedBy':'me'}"), 2);
    assert_int_equal(count(fixture, "{'cluster':'demo','startedBy':'you'}"), 0);
    assert_int_equal(count(fixture, "{'cluster':'demo','serviceName':'web'}"), 2);
    assert_int_equal(count(fixture, "{'cluster':'demo','desiredStatus':'STOPPED'}"), 0);
    json_t *clusters CLEANUP(json_decrefp) =
        fixture_ask(fixture, NULL, "DescribeClusters", "{'clusters':['demo']}");
    assert_int_equal(model_int(first(clusters, "clusters"), "runningTasksCount"), 4);
    json_t *native CLEANUP(json_decrefp) = fixture_ask(fixture, "GET", "/v1/tasks", "{'cluster':'demo'}");
    assert_int_equal(json_array_size(json_object_get(native, "tasks")), 4);
    const json_t *last = json_array_get(json_object_get(native, "tasks"), 3);
    expect(last, "group", "family:job");
    expect(last, "startedBy", "me");
    assert_null(model_string(last, "service"));
    char *input CLEANUP_FREE = input_with("{'task':'@'}", model_string(last, "id"));
    json_t *one CLEANUP(json_decrefp) = fixture_ask(fixture, "GET", "/v1/tasks", input);
    assert_int_equal(json_array_size(json_object_get(one, "tasks")), 1);
}

static void test_no_place(void **state)
{
    struct fixture *fixture = *state;
    json_t *answer CLEANUP(json_decrefp) =
        fixture_ask(fixture, NULL, "RunTask", "{'cluster':'demo','taskDefinition':'job','count':5}");
    assert_int_equal(json_array_size(json_object_get(answer, "tasks")), 4);
    expect(first(answer, "failures"), "reason", "RESOURCE:CPU");
    expect(first(answer, "failures"), "arn", "arn:aws:ecs:local:000000000000:container-instance/demo/local");
    expect(first(answer, "failures"), "detail", "has insufficient CPU units available (0 free, 1024 needed)");
}

static void test_what_has_no_effect_is_told(void **state)
{
    json_t *answer CLEANUP(json_decrefp) = fixture_ask(
        *state, NULL, "RunTask",
        "{'cluster':'demo','taskDefinition':'job','launchType':'EC2','enableExecuteCommand':false,"
        "'propagateTags':'TASK_DEFINITION','tags':[{'key':'a','value':'b'}],'referenceId':'r',"
        "'networkConfiguration':{'awsvpcConfiguration':{'subnets':['s']}}}");
    char *text CLEANUP_FREE = json_dumps(json_object_get(answer, "warnings"), JSON_COMPACT);
    static const char *const told[] = {"propagateTags has no effect yet",
                                       "tags has no effect yet: tasks get no",
                                       "referenceId has no effect yet", "subnets has no effect yet"};
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        assert_non_null(strstr(text, told[i]));
    assert_int_equal(json_array_size(json_object_get(answer, "warnings")), ARRAY_LEN(told));
    json_t *plain CLEANUP(json_decrefp) =
        fixture_ask(*state, NULL, "RunTask", "{'cluster':'demo','taskDefinition':'job'}");
    assert_null(json_object_get(plain, "warnings"));
}

static void test_failure_to_start(void **state)
{
    struct fixture *fixture = *state;
    char yaml[2048];
    snprintf(yaml, sizeof yaml, FIXTURE_MANIFEST JOB, "nginx", "broken");
    fixture_commit(fixture, "b", yaml);
    json_t *answer CLEANUP(json_decrefp) =
        fixture_ask(fixture, NULL, "RunTask", "{'cluster':'demo','taskDefinition':'job'}");
    fixture_settle(fixture, 2000);
    json_t *task CLEANUP(json_decrefp) = describe(fixture, model_string(first(answer, "tasks"), "taskArn"));
    expect(task, "stopCode", "EssentialContainerExited");
    expect(task, "stoppedReason", "Essential container in task exited");
    assert_int_equal(model_int(first(task, "containers"), "exitCode"), 1);
    assert_int_equal(count(fixture, "{'cluster':'demo','desiredStatus':'STOPPED'}"), 1);
    json_t *native CLEANUP(json_decrefp) = fixture_ask(fixture, "GET", "/v1/tasks", "{'cluster':'demo'}");
    const json_t *last = json_array_get(json_object_get(native, "tasks"), 2);
    assert_int_equal(model_int(last, "exitCode"), 1);
    expect(last, "exitedContainer", "job");
}

static void test_refusals(void **state)
{
    static const struct {
        const char *operation;
        const char *input;
        const char *type;
        const char *message;
    } cases[] = {
        {"RunTask", "{'taskDefinition':'job'}", "ClusterNotFoundException",
         "Cluster not found. There is no cluster \"default\""},
        {"RunTask", "{'cluster':'dmeo','taskDefinition':'job'}", "ClusterNotFoundException",
         "Cluster not found. There is no cluster \"dmeo\"; did you mean demo?"},
        {"RunTask", "{'cluster':'demo'}", "InvalidParameterException", "TaskDefinition can not be blank."},
        {"RunTask", "{'cluster':'demo','taskDefinition':'jobs'}", "ClientException",
         "TaskDefinition not found. There is no family \"jobs\"; did you mean job?"},
        {"RunTask",
         "{'cluster':'demo','taskDefinition':'job','launchType':'EC2','capacityProviderStrategy':[{"
         "'capacityProvider':'a'}]}",
         "InvalidParameterException", "launchType and capacityProviderStrategy exclude each other"},
        {"RunTask",
         "{'cluster':'demo','taskDefinition':'job','capacityProviderStrategy':[{'capacityProvider':'A','"
         "weight':-5}]}",
         "InvalidParameterException", "capacityProviderStrategy[0]: weight: expected 0 to 1000"},
        {"RunTask",
         "{'cluster':'demo','taskDefinition':'job','capacityProviderStrategy':[{'capacityProvider':'A','"
         "weight':1001}]}",
         "InvalidParameterException", "capacityProviderStrategy[0]: weight: expected 0 to 1000"},
        {"RunTask",
         "{'cluster':'demo','taskDefinition':'job','capacityProviderStrategy':[{'capacityProvider':'A','base'"
         ":'x'}]}",
         "InvalidParameterException", "capacityProviderStrategy[0]: base: expected 0 to 100000"},
        {"RunTask", "{'cluster':'demo','taskDefinition':'job','capacityProviderStrategy':[{}]}",
         "InvalidParameterException", "capacityProviderStrategy[0]: expected a capacityProvider"},
        {"RunTask", "{'cluster':'demo','taskDefinition':'job','volumeConfigurations':[]}",
         "UnsupportedFeatureException",
         "volumeConfigurations: davit makes no EBS volumes; the volumes are those of the task definition"},
#define WRONG(member, expected)                                                                              \
    {"RunTask", "{'cluster':'demo','taskDefinition':'job'," member "}", "InvalidParameterException", expected}
        WRONG("'tags':'a'", "tags: expected a list of {\"key\":...,\"value\":...}"),
        WRONG("'tags':[{'key':1}]", "tags: expected a list of {\"key\":...,\"value\":...}"),
        WRONG("'tags':[{'key':'a','value':1}]", "tags: expected a list of {\"key\":...,\"value\":...}"),
        WRONG("'enableExecuteCommand':'yes'", "enableExecuteCommand: expected true or false"),
        WRONG("'enableECSManagedTags':1", "enableECSManagedTags: expected true or false"),
        WRONG("'networkConfiguration':[]",
              "networkConfiguration: expected {\"awsvpcConfiguration\":{\"subnets\":[...]}}"),
        WRONG("'networkConfiguration':{'awsvpcConfiguration':{'subnets':'s'}}",
              "networkConfiguration: expected {\"awsvpcConfiguration\":{\"subnets\":[...]}}"),
        WRONG("'launchType':'EC3'", "launchType: expected EC2, FARGATE, EXTERNAL or MANAGED_INSTANCES"),
        WRONG("'launchType':1", "launchType: expected EC2, FARGATE, EXTERNAL or MANAGED_INSTANCES"),
        WRONG("'propagateTags':true", "propagateTags: expected TASK_DEFINITION, SERVICE or NONE"),
        WRONG("'platformVersion':1", "platformVersion: expected a text"),
        WRONG("'referenceId':{}", "referenceId: expected a text"),
        WRONG("'capacityProviderStrategy':[{'capacityProvider':'a'},{'capacityProvider':'b','base':1}]",
              "capacityProviderStrategy: expected a weight greater than 0 of at least one"),
#undef WRONG
        {"StopTask", "{'cluster':'demo'}", "InvalidParameterException", "Task can not be blank."},
        {"StopTask", "{'cluster':'demo','task':'0123456789abcdef0123456789abcdef'}",
         "InvalidParameterException",
         "The referenced task was not found. There is no task 0123456789abcdef0123456789abcdef in cluster "
         "demo"},
        {"StopTask", "{'cluster':'demo','task':'other/0123456789abcdef0123456789abcdef'}",
         "InvalidParameterException",
         "Invalid identifier: Identifier is for cluster other. Your cluster is demo"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct api_fault fault = fixture_refusal(*state, NULL, cases[i].operation, cases[i].input);
        assert_string_equal(fault.type, cases[i].type);
        assert_string_equal(fault.message, cases[i].message);
    }
}

/* It must not mean the default cluster. */
static void test_a_cluster_that_is_no_text(void **state)
{
    struct api_fault fault = fixture_refusal(*state, NULL, "RunTask", "{'cluster':5,'taskDefinition':'job'}");
    assert_string_equal(fault.type, "InvalidParameterException");
    assert_string_equal(fault.message, "cluster: expected a text, a cluster's name or ARN");
}

static void test_refusals_with_tasks(void **state)
{
    struct fixture *fixture = *state;
    json_t *tasks CLEANUP(json_decrefp) = fixture_ask(fixture, NULL, "ListTasks", "{'cluster':'demo'}");
    char *of_service CLEANUP_FREE =
        input_with("{'cluster':'demo','task':'@'}",
                   json_string_value(json_array_get(json_object_get(tasks, "taskArns"), 0)));
    struct api_fault fault = fixture_refusal(fixture, NULL, "StopTask", of_service);
    assert_non_null(strstr(fault.message, "is one of service demo/web"));
    const char *id = strrchr(of_service, '/') + 1;
    char *by_prefix CLEANUP_FREE = memory_printf("{'cluster':'demo','task':'%.12s'}", id);
    fault = fixture_refusal(fixture, NULL, "StopTask", by_prefix);
    assert_non_null(strstr(fault.message, "is one of service demo/web"));
    static const char run[] = "{'cluster':'demo','taskDefinition':'job','clientToken':'t'}";
    json_t *answer CLEANUP(json_decrefp) = fixture_ask(fixture, NULL, "RunTask", run);
    char *standalone CLEANUP_FREE =
        input_with("{'cluster':'demo','task':'@'}", model_string(first(answer, "tasks"), "taskArn"));
    fault = fixture_refusal(fixture, NULL, "RunTask",
                            "{'cluster':'demo','taskDefinition':'web','clientToken':'t'}");
    assert_string_equal(fault.type, "ConflictException");
    json_decref(fixture_ask(fixture, "POST", "/v1/suspend", "{'cluster':'demo'}"));
    fault = fixture_refusal(fixture, NULL, "RunTask", "{'cluster':'demo','taskDefinition':'job'}");
    assert_string_equal(fault.type, "ClientException");
    assert_non_null(strstr(fault.message, "cluster demo is suspended by davit suspend"));
    fault = fixture_refusal(fixture, NULL, "StopTask", standalone);
    assert_non_null(strstr(fault.message, "nothing is stopped in it"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_before_a_commit_was_accepted),
        TEST(test_life),
        TEST(test_without_containers),
        TEST(test_lists),
        TEST(test_no_place),
        TEST(test_what_has_no_effect_is_told),
        TEST(test_failure_to_start),
        TEST(test_refusals),
        TEST(test_a_cluster_that_is_no_text),
        TEST(test_refusals_with_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
