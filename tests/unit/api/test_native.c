/* What ECS has no words for. */
#include "fixture.h"

#include "base/text.h"
#include "model/json.h"
#include "unit.h"

#include <stdio.h>

static int setup(void **state)
{
    struct fixture *fixture = NEW(struct fixture);
    fixture_init(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

static void test_readiness(void **state)
{
    struct api_fault fault = fixture_refusal(*state, "GET", "/readyz", NULL);
    assert_int_equal(fault.status, 503);
    assert_string_equal(fault.message, "not ready: no commit has been seen yet");
    fixture_deploy(*state, "a1", "nginx:1");
    json_decref(fixture_ask(*state, "GET", "/readyz", NULL));
    json_decref(fixture_ask(*state, "GET", "/healthz", NULL));
}

static void test_status_of_a_refused_commit(void **state)
{
    fixture_deploy(*state, "a1", "nginx:1");
    fixture_settle(*state, 20000);
    fixture_commit(*state, "b2", "kind: Cluster\nclusterNme: demo\n");
    json_t *status = fixture_ask(*state, "GET", "/v1/status", NULL);
    json_t *source = json_object_get(status, "source");
    assert_true(model_bool(source, "refused"));
    assert_true(text_starts_with(model_string(json_object_get(source, "head"), "oid"), "b2b2"));
    assert_true(text_starts_with(model_string(json_object_get(source, "wanted"), "oid"), "a1a1"));
    json_t *diagnostics = json_object_get(json_object_get(source, "diagnostics"), "diagnostics");
    assert_string_equal(model_string(json_array_get(diagnostics, 0), "file"), "demo.yaml");
    json_t *service = json_array_get(json_object_get(status, "services"), 0);
    assert_true(model_bool(service, "steady"));
    assert_false(model_bool(service, "failed"));
    assert_int_equal(model_int(status, "schemaVersion"), 1);
    json_decref(status);
}

static const char *rollout_state(json_t *status)
{
    return model_string(json_object_get(status, "source"), "rolloutState");
}

static void test_what_became_of_the_wanted_commit(void **state)
{
    struct fixture *fixture = *state;
    fixture->broken_image = "nginx:broken";
    fixture_deploy(fixture, "a1", "nginx:1");
    json_t *status = fixture_ask(fixture, "GET", "/v1/status", NULL);
    assert_string_equal(rollout_state(status), "IN_PROGRESS");
    json_decref(status);
    fixture_settle(fixture, 20000);
    status = fixture_ask(fixture, "GET", "/v1/status", NULL);
    assert_string_equal(rollout_state(status), "COMPLETED");
    json_decref(status);
    fixture_deploy(fixture, "b2", fixture->broken_image);
    fixture_settle(fixture, 60000);
    status = fixture_ask(fixture, "GET", "/v1/status", NULL);
    assert_string_equal(rollout_state(status), "FAILED");
    const json_t *service = json_array_get(json_object_get(status, "services"), 0);
    assert_string_equal(model_string(service, "state"), "failed");
    assert_string_equal(model_string(service, "rolloutState"), "FAILED");
    assert_string_equal(model_string(service, "taskDefinition"), "web:2");
    const json_t *runs = json_object_get(service, "revisions");
    assert_int_equal(json_array_size(runs), 1);
    assert_int_equal(model_int(json_array_get(runs, 0), "revision"), 1);
    assert_int_equal(model_int(json_array_get(runs, 0), "healthy"), 2);
    json_decref(status);
}

static void test_tasks_of_a_lost_instance_are_unknown(void **state)
{
    struct fixture *fixture = *state;
    fixture_deploy(fixture, "a1", "nginx:1");
    fixture_settle(fixture, 20000);
    fixture_lose(fixture);
    json_t *answer = fixture_ask(fixture, "GET", "/v1/services", NULL);
    const json_t *service = json_array_get(json_object_get(answer, "services"), 0);
    assert_string_equal(model_string(service, "state"), "unknown");
    assert_string_equal(model_string(service, "rolloutState"), "COMPLETED");
    assert_false(model_bool(service, "steady"));
    assert_int_equal(model_int(service, "running"), 2);
    assert_int_equal(model_int(service, "healthy"), 0);
    assert_int_equal(model_int(service, "lost"), 2);
    assert_string_equal(model_string(service, "lostInstance"), "local");
    assert_non_null(model_string(service, "lostAt"));
    json_decref(answer);
    answer = fixture_ask(fixture, "GET", "/v1/tasks", NULL);
    const json_t *task = json_array_get(json_object_get(answer, "tasks"), 0);
    assert_string_equal(model_string(task, "health"), "UNKNOWN");
    assert_false(model_bool(task, "healthy"));
    assert_true(model_bool(task, "lost"));
    char *input = memory_printf("{'cluster':'demo','tasks':['%s']}", model_string(task, "id"));
    json_t *described = fixture_ask(fixture, NULL, "DescribeTasks", input);
    assert_string_equal(model_string(json_array_get(json_object_get(described, "tasks"), 0), "connectivity"),
                        "DISCONNECTED");
    json_decref(described);
    free(input);
    json_decref(answer);
    answer = fixture_ask(fixture, "GET", "/v1/instances", NULL);
    assert_non_null(model_string(json_array_get(json_object_get(answer, "instances"), 0), "lostAt"));
    json_decref(answer);
}

static void test_services_and_tasks_by_name(void **state)
{
    fixture_deploy(*state, "a1", "nginx:1");
    fixture_settle(*state, 20000);
    json_t *tasks = fixture_ask(*state, "GET", "/v1/tasks", "{'cluster':'demo','service':'web'}");
    assert_int_equal(json_array_size(json_object_get(tasks, "tasks")), 2);
    json_decref(tasks);
    struct api_fault fault =
        fixture_refusal(*state, "GET", "/v1/services", "{'cluster':'demo','service':'x'}");
    assert_int_equal(fault.status, 404);
    assert_string_equal(fault.message, "there is no service \"demo/x\"");
    fault = fixture_refusal(*state, "GET", "/v1/tasks", "{'cluster':'x'}");
    assert_string_equal(fault.message, "there is no cluster \"x\"");
    fault = fixture_refusal(*state, "GET", "/v1/tasks", "{'cluster':'default','service':'web'}");
    assert_string_equal(fault.message,
                        "there is no service \"default/web\", for there is no cluster \"default\"; "
                        "did you mean demo/web?");
    fault = fixture_refusal(*state, "GET", "/v1/tasks", "{'cluster':'default','service':'x'}");
    assert_string_equal(fault.message,
                        "there is no service \"default/x\", for there is no cluster \"default\"");
    fault = fixture_refusal(*state, "GET", "/v1/tasks", "{'cluster':'default','service':'demo'}");
    assert_string_equal(fault.message,
                        "there is no service \"default/demo\", for there is no cluster \"default\"; "
                        "demo is a cluster: name CLUSTER/SERVICE, such as demo/web");
    fault = fixture_refusal(*state, "GET", "/v1/tasks", "{'service':'x'}");
    assert_string_equal(fault.message, "there is no service \"x\"");
}

static void test_a_scheduled_task_is_no_service(void **state)
{
    fixture_commit(*state, "a1",
                   "kind: Cluster\nclusterName: demo\n---\nfamily: web\ncontainerDefinitions:\n"
                   "- {name: web, image: nginx, memory: 64}\n---\nName: report\nScheduleExpression: rate(1 "
                   "hour)\nTarget: {Arn: demo, EcsParameters: {TaskDefinitionArn: web}}\n");
    assert_string_equal(
        fixture_refusal(*state, "GET", "/v1/services", "{'cluster':'demo','service':'report'}").message,
        "there is no service \"demo/report\"; report is a scheduled task: davit history report names its "
        "tasks");
}

static const char *state_of_web(struct fixture *fixture, json_t **ret_answer)
{
    *ret_answer = fixture_ask(fixture, "GET", "/v1/services", NULL);
    return model_string(json_array_get(json_object_get(*ret_answer, "services"), 0), "state");
}

static void test_a_service_scaled_to_nothing_is_steady(void **state)
{
    struct fixture *fixture = *state;
    json_t *answer = NULL;
    char *manifest CLEANUP_FREE = memory_printf(FIXTURE_MANIFEST, "nginx:1");
    manifest[strlen(manifest) - 2] = '0'; /* of the desired count */
    fixture_deploy(fixture, "a1", "nginx:1");
    fixture_settle(fixture, 20000);
    fixture_commit(fixture, "b2", manifest);
    fixture_settle(fixture, 1000);
    assert_string_equal(state_of_web(fixture, &answer), "steady");
    json_decref(answer);
}

static void test_a_new_service_of_nothing_is_steady(void **state)
{
    struct fixture *fixture = *state;
    json_t *answer = NULL;
    char *manifest CLEANUP_FREE = memory_printf(FIXTURE_MANIFEST, "nginx:1");
    manifest[strlen(manifest) - 2] = '0'; /* of the desired count */
    fixture_commit(fixture, "b2", manifest);
    fixture_settle(fixture, 1000);
    assert_string_equal(state_of_web(fixture, &answer), "steady");
    json_decref(answer);
}

static void test_events_are_in_order_and_hold_no_secret(void **state)
{
    fixture_deploy(*state, "a1", "nginx:1");
    fixture_settle(*state, 20000);
    json_t *answer = fixture_ask(*state, "GET", "/v1/events", NULL);
    json_t *events = json_object_get(answer, "events");
    assert_true(json_array_size(events) >= 3);
    for (size_t i = 1; i < json_array_size(events); i++)
        assert_true(strcmp(model_string(json_array_get(events, i - 1), "at"),
                           model_string(json_array_get(events, i), "at")) <= 0);
    char *text = json_dumps(answer, 0);
    assert_null(strstr(text, "hunter2"));
    free(text);
    json_decref(answer);
}

static size_t differences(json_t *answer)
{
    size_t len = json_array_size(json_object_get(answer, "differences"));
    json_decref(answer);
    return len;
}

static void test_diff(void **state)
{
    assert_int_equal(fixture_refusal(*state, "GET", "/v1/diff", NULL).status, 503);
    fixture_deploy(*state, "a1", "nginx:1");
    assert_int_equal(differences(fixture_ask(*state, "GET", "/v1/diff", NULL)), 1); /* nothing runs yet */
    fixture_settle(*state, 20000);
    assert_int_equal(differences(fixture_ask(*state, "GET", "/v1/diff", NULL)), 0);
}

static json_t *only(json_t *answer, const char *member)
{
    json_t *item = json_incref(json_array_get(json_object_get(answer, member), 0));
    assert_int_equal(json_array_size(json_object_get(answer, member)), 1);
    json_decref(answer);
    return item;
}

/* Against what runs: asked with the digest that it has. Then it is committed. */
static void test_diff_of_a_new_name(void **state)
{
    struct fixture *fixture = *state;
    fixture_deploy(fixture, "a1", "nginx:1");
    fixture_settle(fixture, 20000);
    const struct service *web = desired_service(core_desired(fixture->core), "demo", "web");
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&web->digest, hex);
    static const int counts[] = {2, 3};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        char *body CLEANUP_FREE =
            memory_printf("{'services': [{'cluster': 'demo', 'name': 'shop', 'digest': '%s', 'desiredCount': "
                          "%d}]}",
                          hex, counts[i]);
        json_t *difference = only(fixture_ask(fixture, "POST", "/v1/diff", body), "differences");
        assert_string_equal(model_string(difference, "service"), "shop");
        assert_string_equal(model_string(difference, "change"), i ? "update" : "rename");
        assert_string_equal(model_string(difference, "renamedFrom"), "web");
        assert_int_equal(json_array_size(json_object_get(difference, "details")), i);
        json_decref(difference);
    }
    json_t *service = only(fixture_ask(fixture, "GET", "/v1/services", NULL), "services");
    assert_null(json_object_get(service, "earlierName"));
    json_decref(service);
    char yaml[2048];
    snprintf(yaml, sizeof yaml, FIXTURE_MANIFEST, "nginx:1");
    char *name = strstr(yaml, "serviceName: web");
    assert_non_null(name);
    memcpy(name, "serviceName: wob", strlen("serviceName: wob"));
    fixture_commit(fixture, "b2", yaml);
    fixture_settle(fixture, 20000);
    assert_int_equal(differences(fixture_ask(fixture, "GET", "/v1/diff", NULL)), 0);
    service = only(fixture_ask(fixture, "GET", "/v1/services", NULL), "services");
    assert_string_equal(model_string(service, "name"), "wob");
    assert_string_equal(model_string(json_object_get(service, "earlierName"), "name"), "web");
    assert_int_equal(model_int(json_object_get(service, "earlierName"), "tasks"), 2);
    json_decref(service);
}

/* The newest deployment has what is asked for, and the old tasks still run. */
static void test_diff_during_a_rollout(void **state)
{
    static const char migration[] = "davit: {preDeploy: [migrate]}\n---\nfamily: migrate\n"
                                    "containerDefinitions: [{name: m, image: m, memory: 64}]\n";
    struct fixture *fixture = *state;
    char yaml[2048];
    fixture_deploy(fixture, "a1", "nginx:1");
    fixture_settle(fixture, 20000);
    int len = snprintf(yaml, sizeof yaml, FIXTURE_MANIFEST, "nginx:2");
    snprintf(yaml + len, sizeof yaml - (size_t)len, "%s", migration);
    fixture_commit(fixture, "b2", yaml);
    fixture_settle(fixture, 20000); /* its migration does not end */
    json_t *answer = fixture_ask(fixture, "GET", "/v1/diff", NULL);
    json_t *difference = json_array_get(json_object_get(answer, "differences"), 0);
    const json_t *rollout = json_object_get(difference, "rollout");
    assert_non_null(rollout);
    assert_string_equal(model_string(difference, "service"), "web");
    assert_string_equal(model_string(difference, "change"), "rollout");
    assert_true(text_starts_with(model_string(rollout, "deployment"), "ecs-svc/"));
    assert_string_equal(model_string(rollout, "state"), "IN_PROGRESS");
    assert_int_equal(model_int(rollout, "newTasks"), 0);
    assert_int_equal(model_int(rollout, "wantedTasks"), 2);
    json_decref(answer);
}

/* Without a rollback what failed stays the newest deployment. */
static void test_diff_after_a_failed_deployment(void **state)
{
    struct fixture *fixture = *state;
    fixture_deploy(fixture, "a1", "nginx:1");
    fixture_settle(fixture, 20000);
    fixture->broken_image = "nginx:broken";
    fixture_deploy(fixture, "b2", fixture->broken_image);
    fixture_settle(fixture, 600000);
    json_t *answer = fixture_ask(fixture, "GET", "/v1/diff", NULL);
    json_t *difference = json_array_get(json_object_get(answer, "differences"), 0);
    const json_t *rollout = json_object_get(difference, "rollout");
    assert_non_null(rollout);
    assert_string_equal(model_string(rollout, "state"), "FAILED");
    assert_int_equal(model_int(rollout, "newTasks"), 0);
    json_decref(answer);
}

static void test_diff_says_that_the_newest_commit_is_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture_commit(fixture, "b2", "kind: Cluster\nclusterNam: demo\n");
    assert_string_equal(fixture_refusal(fixture, "GET", "/v1/diff", NULL).message,
                        "commit b2b2b2b2b2b2 is refused, and there is no good one before it; davit status "
                        "says why");
    fixture_deploy(fixture, "c3", "nginx:1");
    json_t *answer = fixture_ask(fixture, "GET", "/v1/diff", NULL);
    assert_true(json_is_false(json_object_get(answer, "refused")));
    json_decref(answer);
    fixture_commit(fixture, "d4", "kind: Cluster\nclusterNam: demo\n");
    answer = fixture_ask(fixture, "GET", "/v1/diff", NULL);
    assert_true(json_is_true(json_object_get(answer, "refused")));
    assert_true(text_starts_with(model_string(json_object_get(answer, "head"), "oid"), "d4"));
    assert_true(text_starts_with(model_string(json_object_get(answer, "commit"), "oid"), "c3"));
    assert_true(model_int(json_object_get(answer, "diagnostics"), "errors") > 0);
    json_decref(answer);
}

static void test_diff_with_a_given_commit(void **state)
{
    fixture_deploy(*state, "a1", "nginx:1");
    fixture_settle(*state, 20000);
    json_t *answer = fixture_ask(*state, "POST", "/v1/diff", "{'services':[]}");
    json_t *removed = json_array_get(json_object_get(answer, "differences"), 0);
    assert_string_equal(model_string(removed, "change"), "remove");
    json_decref(answer);
    answer = fixture_ask(
        *state, "POST", "/v1/diff",
        "{'services':[{'cluster':'demo','name':'web','desiredCount':2,'family':'web','revision':2,"
        "'digest':'00000000000000000000000000000000000000000000000000000000000000ff',"
        "'taskDefinition':{'family':'web','containerDefinitions':[{'name':'web','image':'nginx:2','memory':"
        "64,"
        "'environment':[{'name':'PASSWORD','value':'other'}]}]}}]}");
    char *text = json_dumps(answer, 0);
    assert_non_null(strstr(text, "nginx:2"));
    assert_non_null(strstr(text, "PASSWORD"));
    assert_null(strstr(text, "hunter2"));
    assert_null(strstr(text, "other"));
    free(text);
    json_decref(answer);
    assert_int_equal(fixture_refusal(*state, "POST", "/v1/diff", "{'services':1}").status, 400);
    assert_int_equal(fixture_refusal(*state, "POST", "/v1/diff", "{'services':[{}]}").status, 400);
}

static void test_diff_of_scheduled_tasks(void **state)
{
    static const char same[] =
        "{'services':[],'scheduledTasks':[{'name':'report','manifest':{'Name':'report','ScheduleExpression':"
        "'rate(1 hour)','Target':{'Arn':'demo','EcsParameters':{'TaskDefinitionArn':'web'}}},"
        "'definitions':[]}]}";
    fixture_commit(*state, "a1",
                   "kind: Cluster\nclusterName: demo\n---\nfamily: web\ncontainerDefinitions:\n"
                   "- {name: web, image: nginx, memory: 64}\n---\nName: report\nScheduleExpression: rate(1 "
                   "hour)\nTarget: {Arn: demo, EcsParameters: {TaskDefinitionArn: web}}\n");
    assert_int_equal(differences(fixture_ask(*state, "GET", "/v1/diff", NULL)), 0);
    assert_int_equal(differences(fixture_ask(*state, "POST", "/v1/diff", same)), 0);
    assert_int_equal(differences(fixture_ask(*state, "POST", "/v1/diff", "{'services':[]}")), 0);
    json_t *answer = fixture_ask(
        *state, "POST", "/v1/diff",
        "{'services':[],'clusters':[{'clusterName':'demo','davit':{'suspend':true}}],'scheduledTasks':["
        "{'name':'new','manifest':{'Name':'new'}}]}");
    char *text CLEANUP_FREE = json_dumps(json_object_get(answer, "differences"), JSON_COMPACT);
    assert_string_equal(
        text,
        "[{\"cluster\":\"demo\",\"change\":\"update\",\"details\":[{\"what\":\"davit "
        "suspend\",\"to\":true}]},"
        "{\"scheduledTask\":\"new\",\"change\":\"create\",\"details\":[]},"
        "{\"scheduledTask\":\"report\",\"change\":\"remove\",\"details\":[{\"what\":\"ScheduleExpression\","
        "\"from\":\"rate(1 hour)\"},{\"what\":\"Target\",\"change\":\"removed\"}]}]");
    json_decref(answer);
    answer = fixture_ask(
        *state, "POST", "/v1/diff",
        "{'services':[],'scheduledTasks':[{'name':'report','manifest':{'Name':'report','ScheduleExpression':"
        "'rate(1 hour)','Target':{'Arn':'demo','EcsParameters':{'TaskDefinitionArn':'web'}}},'definitions':["
        "{'family':'web','revision':2,'digest':"
        "'00000000000000000000000000000000000000000000000000000000000000ff','taskDefinition':{'family':'web',"
        "'containerDefinitions':[{'name':'web','image':'nginx:2','memory':64}]}}]}]}");
    char *started CLEANUP_FREE = json_dumps(json_object_get(answer, "differences"), JSON_COMPACT);
    assert_non_null(strstr(started, "nginx:2"));
    json_decref(answer);
    assert_int_equal(
        fixture_refusal(*state, "POST", "/v1/diff", "{'services':[],'scheduledTasks':[{}]}").status, 400);
}

static void expect_held(struct fixture *fixture, const char *input, const char *held)
{
    json_t *answer = fixture_ask(fixture, "POST", "/v1/diff", input);
    const char *got = model_string(answer, "held");
    if (!text_equal(got, held))
        fail_msg("%s: %s and not %s", input, got ? got : "not held", held ? held : "not held");
    json_decref(answer);
}

#define GIVEN "{'cluster':'demo','name':'a','digest':'1'}"

static void test_diff_tells_what_is_held(void **state)
{
    struct fixture *fixture = *state;
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT(4096);
    buffer_printf(&text, "kind: Cluster\nclusterName: demo\n---\nfamily: web\ncontainerDefinitions:\n"
                         "- {name: web, image: nginx, memory: 64}\n");
    for (char name = 'a'; name <= 'e'; name++)
        buffer_printf(&text, "---\nserviceName: %c\ncluster: demo\ntaskDefinition: web\n%s", name,
                      name == 'e' ? "davit: {prune: disabled}\n" : "");
    for (char name = 'r'; name <= 't'; name++)
        buffer_printf(&text,
                      "---\nName: %c\nScheduleExpression: rate(1 hour)\nTarget: {Arn: demo, EcsParameters: "
                      "{TaskDefinitionArn: web}}\n",
                      name);
    fixture_commit(fixture, "a1", buffer_str(&text));
    expect_held(fixture, "{'services':[" GIVEN "]}", "removes 3 of 5 services (demo/b, demo/c, demo/d)");
    expect_held(fixture, "{'services':[" GIVEN "],'approvedDeletions':2}",
                "removes 3 of 5 services (demo/b, demo/c, demo/d)");
    expect_held(fixture, "{'services':[" GIVEN "],'approvedDeletions':3}", NULL);
    expect_held(fixture, "{'services':[" GIVEN ",{'cluster':'demo','name':'b','digest':'1'}]}", NULL);
    expect_held(fixture, "{'services':[],'scheduledTasks':[]}",
                "removes 4 of 5 services (demo/a, demo/b, demo/c, demo/d); removes 3 of 3 scheduled tasks "
                "(r, s, t)");
    fixture_commit(fixture, "b2", "kind: Cluster\nclusterName: demo\n");
    json_t *answer = fixture_ask(fixture, "GET", "/v1/diff", NULL);
    assert_true(text_starts_with(model_string(answer, "held"), "removes 4 of 5 services"));
    json_decref(answer);
}

static void test_runs_of_a_scheduled_task(void **state)
{
    struct fixture *fixture = *state;
    fixture_commit(fixture, "a1",
                   "kind: Cluster\nclusterName: demo\n---\nfamily: web\ncontainerDefinitions:\n"
                   "- {name: web, image: nginx, memory: 64}\n---\nName: report\nScheduleExpression: rate(1 "
                   "hour)\nTarget: {Arn: demo, EcsParameters: {TaskDefinitionArn: web}}\n");
    json_t *answer = fixture_ask(fixture, "GET", "/v1/scheduled-tasks", NULL);
    const json_t *schedule = json_array_get(json_object_get(answer, "scheduledTasks"), 0);
    assert_false(model_bool(schedule, "counted"));
    json_decref(answer);
    fixture_settle(fixture, 3700 * 1000);
    fixture_settle(fixture, 3600 * 1000);
    answer = fixture_ask(fixture, "GET", "/v1/scheduled-tasks", NULL);
    schedule = json_array_get(json_object_get(answer, "scheduledTasks"), 0);
    assert_true(model_bool(schedule, "counted"));
    const json_t *runs = json_object_get(schedule, "runs");
    assert_int_equal(json_array_size(runs), 2);
    const json_t *last = json_array_get(runs, 0);
    assert_string_equal(model_string(last, "dueAt"), model_string(schedule, "lastDueAt"));
    assert_string_equal(model_string(last, "startedAt"), model_string(schedule, "lastRunAt"));
    assert_string_equal(model_string(last, "result"), "running");
    assert_int_equal(json_array_size(json_object_get(last, "tasks")), 1);
    assert_string_not_equal(model_string(json_array_get(runs, 1), "dueAt"), model_string(last, "dueAt"));
    json_decref(answer);
    answer = fixture_ask(fixture, "GET", "/v1/status", NULL);
    assert_null(json_object_get(json_array_get(json_object_get(answer, "scheduledTasks"), 0), "runs"));
    json_decref(answer);
    answer = fixture_ask(fixture, "GET", "/v1/events", "{'cluster':'demo','service':'report'}");
    const json_t *event = json_array_get(json_object_get(answer, "events"), 0);
    assert_string_equal(model_string(event, "scheduledTask"), "report");
    json_decref(answer);
    fixture_refusal(fixture, "GET", "/v1/events", "{'cluster':'demo','service':'reports'}");
    fixture_refusal(fixture, "GET", "/v1/events", "{'cluster':'other','service':'report'}");
}

static void test_diff_tells_windows(void **state)
{
    struct fixture *fixture = *state;
    fixture_deploy(fixture, "a1", "nginx:1");
    fixture_settle(fixture, 20000);
    json_t *answer = fixture_ask(fixture, "POST", "/v1/diff",
                                 "{'services':[],'clusters':[{'clusterName':'demo','davit':{'changeWindows':["
                                 "{'kind':'allow','schedule':"
                                 "'cron(0 2 ? 6 * *)','durationMinutes':60}]}}]}");
    json_t *removed = json_array_get(json_object_get(answer, "differences"), 1);
    assert_string_equal(model_string(removed, "service"), "web");
    assert_string_equal(model_string(removed, "waits"),
                        "for its change window, which opens at 2026-06-01 02:00 UTC");
    json_decref(answer);
}

static void test_reconcile_posts_an_event(void **state)
{
    struct fixture *fixture = *state;
    fixture_deploy(fixture, "a1", "nginx:1");
    json_decref(fixture_ask(fixture, "POST", "/v1/reconcile", "{'cluster':'demo','service':'web'}"));
    assert_int_equal(fixture->posted, 1);
    assert_int_equal(fixture->poked, 1);
    json_t *answer = fixture_ask(fixture, "GET", "/v1/status", NULL);
    const json_t *source = json_object_get(answer, "source");
    assert_int_equal(model_int(source, "looksAsked"), 1);
    assert_string_equal(model_string(source, "verify"), "head");
    assert_int_equal(model_int(source, "looksAnswered"), 0);
    assert_string_equal(model_string(source, "newest"), "f00d");
    assert_true(model_bool(source, "unverified"));
    const json_t *rewritten = json_object_get(source, "rewritten");
    assert_string_equal(model_string(rewritten, "from"), "0ld");
    assert_string_equal(model_string(rewritten, "seenAt"), "1970-01-01T00:00:01.000Z");
    assert_null(json_object_get(rewritten, "fork"));
    json_decref(answer);
    assert_string_equal(fixture->posted_cluster, "demo");
    assert_string_equal(fixture->posted_service, "web");
    fixture_refusal(fixture, "POST", "/v1/reconcile", "{'cluster':'nope'}");
    fixture_refusal(fixture, "POST", "/v1/reconcile", "{'service':'web'}");
    assert_int_equal(fixture->posted, 1);
}

static void test_suspend_and_resume(void **state)
{
    struct fixture *fixture = *state;
    fixture_deploy(fixture, "a1", "nginx:1");
    static const struct {
        const char *path, *body, *refusal; /* NULL: it is done */
    } rows[] = {
        {"/v1/suspend", "{}", "expected a cluster, or a service together with its cluster"},
        {"/v1/suspend", "{'cluster':'demo','service':'wbe'}",
         "there is no service \"demo/wbe\"; did you mean demo/web?"},
        {"/v1/resume", "{'cluster':'demo','service':'web'}", "service demo/web is not suspended"},
        {"/v1/resume", "{'cluster':'demo'}", "cluster demo is not suspended"},
        {"/v1/suspend", "{'cluster':'demo','service':'web'}", NULL},
        {"/v1/resume", "{'cluster':'demo'}", "cluster demo is not suspended, but service demo/web is"},
        {"/v1/suspend", "{'cluster':'demo'}", NULL},
        {"/v1/resume", "{'cluster':'demo','service':'web'}", NULL},
        {"/v1/resume", "{'cluster':'demo','service':'web'}",
         "service demo/web is suspended with its cluster: davit resume demo"},
        {"/v1/resume", "{'cluster':'nope'}", "there is no cluster \"nope\""},
        {"/v1/resume", "{'cluster':'web'}", "there is no cluster \"web\"; did you mean demo/web?"},
        {"/v1/reconcile", "{'cluster':'web'}", "there is no cluster \"web\"; did you mean demo/web?"},
        {"/v1/resume", "{'cluster':'dmeo'}", "there is no cluster \"dmeo\"; did you mean demo?"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].refusal)
            assert_string_equal(fixture_refusal(fixture, "POST", rows[i].path, rows[i].body).message,
                                rows[i].refusal);
        else
            json_decref(fixture_ask(fixture, "POST", rows[i].path, rows[i].body));
    json_t *answer = fixture_ask(fixture, "GET", "/v1/services", NULL);
    const json_t *service = json_array_get(json_object_get(answer, "services"), 0);
    assert_true(model_bool(service, "suspended") && model_bool(service, "blocked"));
    assert_string_equal(model_string(service, "state"), "suspended");
    json_decref(answer);
    json_decref(fixture_ask(fixture, "POST", "/v1/resume", "{'cluster':'demo'}"));
}

static void test_what_git_suspends_git_resumes(void **state)
{
    struct fixture *fixture = *state;
    char yaml[2048];
    snprintf(yaml, sizeof yaml,
             FIXTURE_MANIFEST "---\nkind: Service\ncluster: demo\nserviceName: db\ntaskDefinition: web\n"
                              "davit: {suspend: true}\n",
             "nginx:1");
    fixture_commit(fixture, "a1b2c3d4", yaml);
    char *message =
        fixture_refusal(fixture, "POST", "/v1/resume", "{'cluster':'demo','service':'db'}").message;
    assert_non_null(strstr(message, "service demo/db is suspended by git: take davit.suspend out of "));
    fixture_commit(fixture, "b1b2c3d4",
                   "kind: Cluster\nclusterName: demo\ndavit: {suspend: true}\n---\nfamily: web\n"
                   "containerDefinitions: [{name: a, image: i, memory: 9}]\n---\n"
                   "kind: Service\ncluster: demo\nserviceName: db\ntaskDefinition: web\n");
    assert_string_equal(
        fixture_refusal(fixture, "POST", "/v1/resume", "{'cluster':'demo','service':'db'}").message,
        "service demo/db is suspended by git, with its cluster: take davit.suspend out of demo.yaml");
    json_decref(fixture_ask(fixture, "POST", "/v1/suspend", "{'cluster':'demo','service':'db'}"));
    json_t *answer = fixture_ask(fixture, "POST", "/v1/resume", "{'cluster':'demo','service':'db'}");
    assert_string_equal(model_string(answer, "suspended"),
                        "by git, with its cluster: take davit.suspend out of demo.yaml");
    json_decref(answer);
    message = fixture_refusal(fixture, "POST", "/v1/resume", "{'cluster':'demo'}").message;
    assert_non_null(strstr(message, "cluster demo is suspended by git: take davit.suspend out of "));
}

static void test_approve_is_of_the_commit_that_is_held(void **state)
{
    struct fixture *fixture = *state;
    char yaml[2048];
    snprintf(yaml, sizeof yaml,
             FIXTURE_MANIFEST "---\nkind: Service\ncluster: demo\nserviceName: db\ntaskDefinition: web\n",
             "nginx:1");
    fixture_commit(fixture, "a1b2c3d4", yaml);
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'a1b2c3d4'}").message,
                        "no commit is held, and no change waits for its window");
    fixture_commit(fixture, "e5f6a7b8", "kind: Cluster\nclusterName: demo\n");
    json_t *answer = fixture_ask(fixture, "GET", "/v1/source", NULL);
    assert_string_equal(model_string(json_object_get(answer, "source"), "held"),
                        "removes 2 of 2 services (demo/db, demo/web)");
    json_decref(answer);
    assert_int_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'e5f6a7'}").status, 400);
    assert_string_equal(
        fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'a1b2c3d4'}").message,
        "not commit a1b2c3d4 but e5f6a7b8e5f6 is held: it removes 2 of 2 services (demo/db, demo/web)");
    json_decref(fixture_ask(fixture, "POST", "/v1/approve", "{'commit':'e5f6a7b'}"));
    fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'e5f6a7b8'}");
}

static void test_approve_takes_names_of_the_newest_commit(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"{'commit':'HEAD'}", "{'commit':'main'}",
                                        "{'commit':'refs/heads/main'}"};
    char yaml[2048];
    snprintf(yaml, sizeof yaml,
             FIXTURE_MANIFEST "---\nkind: Service\ncluster: demo\nserviceName: db\ntaskDefinition: web\n",
             "nginx:1");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char oid[3] = {(char)('a' + i), '1', '\0'};
        fixture_commit(fixture, oid, yaml);
        oid[1] = '2';
        fixture_commit(fixture, oid, "kind: Cluster\nclusterName: demo\n");
        json_t *answer = fixture_ask(fixture, "POST", "/v1/approve", names[i]);
        assert_true(text_starts_with(model_string(json_object_get(answer, "commit"), "oid"), oid));
        json_decref(answer);
    }
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'feature'}").message,
                        "commit: \"feature\" is not known: HEAD, main or the digits of a commit's id are "
                        "wanted");
    fixture_commit(fixture, "d1", yaml);
    fixture_commit(fixture, "d2", "kind: Cluster\nclusterNam: demo\n");
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'HEAD'}").message,
                        "no commit is held, and no change waits for its window");
}

/* It never opens. */
#define WEB_BEHIND_A_WINDOW                                                                                  \
    "kind: Cluster\nclusterName: demo\ndavit: {changeWindows: [{kind: deny, durationMinutes: 44640, "        \
    "schedule: 'cron(0 0 1 * ? *)'}]}\n---\nfamily: web\n"                                                   \
    "containerDefinitions: [{name: a, image: i, memory: 9}]\n---\n"                                          \
    "kind: Service\ncluster: demo\nserviceName: web\ntaskDefinition: web\n"

static void test_approve_lets_through_what_waits_for_its_window(void **state)
{
    struct fixture *fixture = *state;
    fixture_commit(fixture, "a1b2c3d4", WEB_BEHIND_A_WINDOW);
    json_t *answer = fixture_ask(fixture, "GET", "/v1/services", NULL);
    const json_t *service = json_array_get(json_object_get(answer, "services"), 0);
    assert_string_equal(model_string(service, "state"), "waiting");
    assert_true(model_bool(service, "blocked"));
    json_decref(answer);
    answer = fixture_ask(fixture, "GET", "/v1/diff", NULL);
    const json_t *difference = json_array_get(json_object_get(answer, "differences"), 0);
    assert_string_equal(model_string(difference, "change"), "create");
    assert_string_equal(model_string(difference, "waits"),
                        "for its change window, which does not open as far as can be seen");
    json_decref(answer);
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'b1b2c3d4'}").message,
                        "not commit b1b2c3d4 but a1b2c3d4a1b2 waits for a change window");
    json_decref(fixture_ask(fixture, "POST", "/v1/approve", "{'commit':'a1b2c3d4'}"));
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'a1b2c3d4'}").message,
                        "no commit is held, and no change waits for its window");
}

/* It is what davit status and davit wait say of the service. */
static void test_approve_of_what_waits_behind_a_commit_that_is_held(void **state)
{
    struct fixture *fixture = *state;
    fixture_commit(fixture, "a1b2c3d4",
                   WEB_BEHIND_A_WINDOW
                   "---\n"
                   "kind: Service\ncluster: demo\nserviceName: db\ntaskDefinition: web\n");
    fixture_commit(fixture, "e5f6a7b8", "kind: Cluster\nclusterName: demo\n");
    json_t *answer = fixture_ask(fixture, "POST", "/v1/approve", "{'commit':'a1b2c3d4'}");
    assert_string_equal(model_string(json_object_get(answer, "commit"), "subject"), "commit a1b2c3d4");
    json_decref(answer);
    answer = fixture_ask(fixture, "GET", "/v1/status", NULL);
    const json_t *service = json_array_get(json_object_get(answer, "services"), 0);
    assert_string_equal(model_string(service, "state"), "deploying");
    assert_string_equal(model_string(json_object_get(answer, "source"), "held"),
                        "removes 2 of 2 services (demo/db, demo/web)");
    json_decref(answer);
    assert_string_equal(
        fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'a1b2c3d4'}").message,
        "not commit a1b2c3d4 but e5f6a7b8e5f6 is held: it removes 2 of 2 services (demo/db, demo/web)");
    json_decref(fixture_ask(fixture, "POST", "/v1/approve", "{'commit':'HEAD'}"));
}

static void set_clock(struct fixture *fixture, int64_t step_ms)
{
    struct effect_vec effects = {0};
    struct event event = {.kind = EVENT_CLOCK, .now_ms = fixture->now_ms};
    event.clock.skew_ms = core_skew_ms(fixture->core) + step_ms;
    event.clock.step_ms = step_ms;
    core_step(fixture->core, &event, &effects);
    effect_vec_deinit(&effects);
    fixture_settle(fixture, 1000);
}

static const json_t *first_difference(const json_t *answer)
{
    return json_array_get(json_object_get(answer, "differences"), 0);
}

static void test_diff_tells_windows_by_the_wall_clock(void **state)
{
    struct fixture *fixture = *state;
    static const char other[] = "{'services':[{'cluster':'demo','name':'web','digest':'00','davit':{}}]}";
    fixture_commit(fixture, "a1b2c3d4",
                   "kind: Cluster\nclusterName: demo\ndavit: {changeWindows: [{kind: allow, durationMinutes: "
                   "60, schedule: 'cron(0 2 * * ? *)'}]}\n---\nfamily: web\n"
                   "containerDefinitions: [{name: a, image: i, memory: 9}]\n---\n"
                   "kind: Service\ncluster: demo\nserviceName: web\ntaskDefinition: web\n");
    set_clock(fixture, 5400000); /* 01:30 */
    json_t *answer = fixture_ask(fixture, "GET", "/v1/diff", NULL);
    assert_string_equal(model_string(first_difference(answer), "waits"),
                        "for its change window, which opens at 2026-01-01 02:00 UTC");
    assert_int_equal(model_int(first_difference(answer), "opensAt"), 1767232800);
    json_decref(answer);
    answer = fixture_ask(fixture, "POST", "/v1/diff", other);
    assert_int_equal(model_int(first_difference(answer), "opensAt"), 1767232800);
    json_decref(answer);
    set_clock(fixture, 3600000); /* 02:30 */
    answer = fixture_ask(fixture, "POST", "/v1/diff", other);
    assert_non_null(first_difference(answer));
    assert_null(model_string(first_difference(answer), "waits"));
    json_decref(answer);
}

static void expect_hold(struct fixture *fixture, const char *input, bool holds)
{
    json_t *answer = fixture_ask(fixture, input ? "POST" : "GET", "/v1/diff", input);
    const json_t *difference = first_difference(answer);
    const char *held = model_string(difference, "held");
    if (holds) {
        assert_string_equal(model_string(difference, "change"), "deploy");
        assert_true(text_starts_with(held, "by davit rollback --hold since 2026-01-01T0"));
        assert_true(
            text_ends_with(held, "Z; not applied until the content changes, or by davit retry demo/web"));
        assert_true(model_int(difference, "heldSince") > 1767225600);
    } else {
        assert_null(held);
    }
    json_decref(answer);
}

/* What runs to HEAD, and to the same content of another commit; another content comes. */
static void test_diff_tells_a_hold(void **state)
{
    struct fixture *fixture = *state;
    char digest[DIGEST_HEX_SIZE];
    fixture_deploy(fixture, "a1", "nginx:1");
    fixture_settle(fixture, 60000);
    fixture_deploy(fixture, "b2", "nginx:2");
    fixture_settle(fixture, 60000);
    expect_hold(fixture, NULL, false);
    json_decref(fixture_ask(fixture, "POST", "/v1/hold", "{'cluster':'demo','service':'web'}"));
    fixture_settle(fixture, 60000);
    expect_hold(fixture, NULL, true);
    digest_to_hex(&desired_service(core_desired(fixture->core), "demo", "web")->digest, digest);
    char *same CLEANUP_FREE =
        memory_printf("{'services':[{'cluster':'demo','name':'web','digest':'%s'}]}", digest);
    expect_hold(fixture, same, true);
    expect_hold(fixture, "{'services':[{'cluster':'demo','name':'web','digest':'00'}]}", false);
}

/* The commit that takes the window away does not open it. */
static void test_diff_tells_a_window_that_only_an_older_commit_has(void **state)
{
    struct fixture *fixture = *state;
    static const char shut[] = "kind: Cluster\nclusterName: demo\ndavit: {changeWindows: [{kind: deny, "
                               "durationMinutes: 44640, schedule: 'cron(0 0 1 * ? *)'}]}\n";
    static const char open[] = "kind: Cluster\nclusterName: demo\n";
    static const char service[] =
        "---\nfamily: web\ncontainerDefinitions: [{name: a, image: i, memory: 9}]\n---\n"
        "kind: Service\ncluster: demo\nserviceName: web\ntaskDefinition: web\n";
    char *waits CLEANUP_FREE = memory_printf("%s%s", shut, service);
    char *opens CLEANUP_FREE = memory_printf("%s%s", open, service);
    fixture_commit(fixture, "a1b2c3d4", shut);
    fixture_commit(fixture, "b1b2c3d4", waits);
    fixture_commit(fixture, "c1b2c3d4", opens);
    fixture_settle(fixture, 0);
    json_t *answer = fixture_ask(fixture, "GET", "/v1/diff", NULL);
    const json_t *difference = json_array_get(json_object_get(answer, "differences"), 0);
    assert_string_equal(model_string(difference, "waits"),
                        "for the change window of commit a1b2c3d4a1b2, in force when it began to wait, which "
                        "does not open as far as can be seen");
    json_decref(answer);
}

static void test_a_hold(void **state)
{
    struct fixture *fixture = *state;
    fixture_deploy(fixture, "a1", "nginx:1");
    fixture_settle(fixture, 20000);
    assert_int_equal(fixture_refusal(fixture, "POST", "/v1/hold", "{'cluster':'demo'}").status, 400);
    assert_int_equal(fixture_refusal(fixture, "POST", "/v1/hold", "{'cluster':'demo','service':'db'}").status,
                     404);
    struct api_fault fault =
        fixture_refusal(fixture, "POST", "/v1/hold", "{'cluster':'demo','service':'web'}");
    assert_int_equal(fault.status, 400);
    assert_true(text_starts_with(fault.message, "there is nothing that demo/web could go back to"));
    fixture_deploy(fixture, "b2", "nginx:2");
    fixture_settle(fixture, 60000);
    json_t *answer =
        fixture_ask(fixture, "POST", "/v1/hold", "{'cluster':'demo','service':'web','to':'web:1'}");
    assert_int_equal(fixture->posted, 1);
    assert_false(model_bool(answer, "already"));
    assert_int_equal(model_int(json_object_get(answer, "to"), "revision"), 1);
    json_decref(answer);
    fixture_settle(fixture, 60000);
    answer = fixture_ask(fixture, "GET", "/v1/services", "{'cluster':'demo','service':'web'}");
    const json_t *service = json_array_get(json_object_get(answer, "services"), 0);
    const json_t *held = json_object_get(service, "held");
    assert_string_equal(model_string(service, "state"), "held");
    assert_true(text_starts_with(model_string(held, "commit"), "b2"));
    assert_non_null(model_string(held, "since"));
    json_decref(answer);
    answer = fixture_ask(fixture, "POST", "/v1/hold", "{'cluster':'demo','service':'web'}");
    assert_true(model_bool(answer, "already"));
    assert_int_equal(fixture->posted, 1);
    json_decref(answer);
}

static void test_retry_is_of_what_has_failed(void **state)
{
    struct fixture *fixture = *state;
    fixture->broken_image = "nginx:broken";
    fixture_deploy(fixture, "a1", "nginx:1");
    fixture_settle(fixture, 20000);
    assert_string_equal(
        fixture_refusal(fixture, "POST", "/v1/retry", "{'cluster':'demo','service':'web'}").message,
        "demo/web has not failed, it is steady: there is nothing to retry");
    assert_int_equal(fixture_refusal(fixture, "POST", "/v1/retry", "{'cluster':'demo'}").status, 400);
    assert_int_equal(
        fixture_refusal(fixture, "POST", "/v1/retry", "{'cluster':'demo','service':'db'}").status, 404);
    fixture_deploy(fixture, "b2", fixture->broken_image);
    fixture_settle(fixture, 60000);
    assert_int_equal(fixture->posted, 0);
    json_t *status = fixture_ask(fixture, "GET", "/v1/status", NULL);
    char *failed CLEANUP_FREE =
        memory_strdup(model_string(json_array_get(json_object_get(status, "services"), 0), "failedTask"));
    json_decref(status);
    assert_non_null(failed);
    char *of_it CLEANUP_FREE = memory_printf("{'task':'%s'}", failed);
    json_t *tasks = fixture_ask(fixture, "GET", "/v1/tasks", of_it);
    assert_int_equal(model_int(json_array_get(json_object_get(tasks, "tasks"), 0), "exitCode"), 1);
    json_decref(tasks);
    fixture->broken_image = NULL;
    json_decref(fixture_ask(fixture, "POST", "/v1/retry", "{'cluster':'demo','service':'web'}"));
    assert_int_equal(fixture->posted, 1);
    fixture_settle(fixture, 60000);
    status = fixture_ask(fixture, "GET", "/v1/status", NULL);
    assert_string_equal(rollout_state(status), "COMPLETED");
    json_decref(status);
}

static void test_redeploy_is_of_what_is_there(void **state)
{
    static const char web[] = "{'cluster':'demo','service':'web'}";
    struct fixture *fixture = *state;
    fixture_deploy(fixture, "a1", "nginx:1");
    fixture_settle(fixture, 20000);
    assert_int_equal(fixture_refusal(fixture, "POST", "/v1/redeploy", "{'cluster':'demo'}").status, 400);
    assert_int_equal(
        fixture_refusal(fixture, "POST", "/v1/redeploy", "{'cluster':'demo','service':'db'}").status, 404);
    json_t *answer = fixture_ask(fixture, "POST", "/v1/redeploy", web);
    assert_null(json_object_get(answer, "suspended"));
    json_decref(answer);
    fixture_settle(fixture, 60000);
    answer = fixture_ask(fixture, "GET", "/v1/deployments", web);
    const json_t *list = json_object_get(answer, "deployments");
    assert_int_equal(json_array_size(list), 2);
    assert_true(json_equal(json_object_get(json_array_get(list, 0), "digest"), /* that of git */
                           json_object_get(json_array_get(list, 1), "digest")));
    json_decref(answer);
    json_decref(fixture_ask(fixture, "POST", "/v1/suspend", web));
    answer = fixture_ask(fixture, "POST", "/v1/redeploy", web);
    assert_non_null(model_string(answer, "suspended"));
    json_decref(answer);
}

static void test_revisions_and_instances(void **state)
{
    fixture_deploy(*state, "a1", "nginx:1");
    fixture_deploy(*state, "b2", "nginx:2");
    fixture_deploy(*state, "c3", "nginx:1"); /* a revert */
    json_t *answer = fixture_ask(*state, "GET", "/v1/revisions", "{'family':'web'}");
    json_t *list = json_object_get(answer, "revisions");
    assert_int_equal(json_array_size(list), 2);
    assert_true(model_bool(json_array_get(list, 0), "current"));
    json_decref(answer);
    assert_int_equal(fixture_refusal(*state, "GET", "/v1/revisions", "{'family':'x'}").status, 404);
    answer = fixture_ask(*state, "GET", "/v1/instances", NULL);
    json_t *instance = json_array_get(json_object_get(answer, "instances"), 0);
    assert_true(model_bool(instance, "connected"));
    assert_string_equal(model_string(instance, "engine"), "docker 20.10");
    json_decref(answer);
}

#define INSTANCES(prod, demo)                                                                                \
    "kind: Cluster\nclusterName: prod\ndavit: {containerInstances: [{name: local, status: " prod             \
    "}]}\n---\n"                                                                                             \
    "kind: Cluster\nclusterName: demo\ndavit: {containerInstances: [{name: local, status: " demo             \
    ", attributes: {disk: ssd}}]}\n"

static void test_instances_of_clusters(void **state)
{
    static const struct {
        const char *yaml;
        const char *status;
    } cases[] = {{INSTANCES("ACTIVE", "ACTIVE"), "ACTIVE"},
                 {INSTANCES("ACTIVE", "DRAINING"), "DRAINING in demo"},
                 {INSTANCES("DRAINING", "DRAINING"), "DRAINING"},
                 {INSTANCES("DRAINING", "DRAINING") "---\nkind: Cluster\nclusterName: all\n",
                  "DRAINING in demo, prod"}};
    static const char *const commits[] = {"a1", "b2", "c3", "d4"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fixture_commit(*state, commits[i], cases[i].yaml);
        json_t *answer = fixture_ask(*state, "GET", "/v1/instances", NULL);
        json_t *instance = json_array_get(json_object_get(answer, "instances"), 0);
        assert_string_equal(model_string(instance, "status"), cases[i].status);
        json_t *demo = json_object_get(json_object_get(instance, "clusters"), "demo");
        assert_string_equal(model_string(json_object_get(demo, "attributes"), "disk"), "ssd");
        json_decref(answer);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_readiness),
        CASE(test_status_of_a_refused_commit),
        CASE(test_what_became_of_the_wanted_commit),
        CASE(test_tasks_of_a_lost_instance_are_unknown),
        CASE(test_services_and_tasks_by_name),
        CASE(test_a_scheduled_task_is_no_service),
        CASE(test_a_service_scaled_to_nothing_is_steady),
        CASE(test_a_new_service_of_nothing_is_steady),
        CASE(test_events_are_in_order_and_hold_no_secret),
        CASE(test_diff),
        CASE(test_diff_of_a_new_name),
        CASE(test_diff_during_a_rollout),
        CASE(test_diff_after_a_failed_deployment),
        CASE(test_diff_says_that_the_newest_commit_is_refused),
        CASE(test_diff_with_a_given_commit),
        CASE(test_diff_of_scheduled_tasks),
        CASE(test_diff_tells_what_is_held),
        CASE(test_runs_of_a_scheduled_task),
        CASE(test_diff_tells_windows),
        CASE(test_reconcile_posts_an_event),
        CASE(test_suspend_and_resume),
        CASE(test_what_git_suspends_git_resumes),
        CASE(test_approve_is_of_the_commit_that_is_held),
        CASE(test_approve_takes_names_of_the_newest_commit),
        CASE(test_approve_lets_through_what_waits_for_its_window),
        CASE(test_approve_of_what_waits_behind_a_commit_that_is_held),
        CASE(test_diff_tells_windows_by_the_wall_clock),
        CASE(test_diff_tells_a_hold),
        CASE(test_diff_tells_a_window_that_only_an_older_commit_has),
        CASE(test_a_hold),
        CASE(test_retry_is_of_what_has_failed),
        CASE(test_redeploy_is_of_what_is_there),
        CASE(test_revisions_and_instances),
        CASE(test_instances_of_clusters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
