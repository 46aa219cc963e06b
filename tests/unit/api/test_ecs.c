/* The shapes of ECS, from a core that is fed with events. */
#include "fixture.h"

#include "base/buffer.h"
#include "base/text.h"
#include "model/json.h"
#include "unit.h"

#include <stdio.h>

static int setup(void **state)
{
    struct fixture *fixture = NEW(struct fixture);
    fixture_init(fixture);
    fixture_deploy(fixture, "a1", "nginx:1");
    fixture_settle(fixture, 20000);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

static json_t *service(struct fixture *fixture, json_t **ret_answer)
{
    *ret_answer = fixture_ask(fixture, NULL, "DescribeServices", "{'cluster':'demo','services':['web']}");
    return json_array_get(json_object_get(*ret_answer, "services"), 0);
}

static void test_the_circuit_breaker_that_it_has(void **state)
{
    json_t *answer;
    const json_t *breaker = json_object_get(
        json_object_get(service(*state, &answer), "deploymentConfiguration"), "deploymentCircuitBreaker");
    const json_t *threshold = json_object_get(breaker, "thresholdConfiguration");
    assert_true(model_bool(breaker, "enable") && model_bool(breaker, "resetOnHealthyTask"));
    assert_false(model_bool(breaker, "rollback"));
    assert_string_equal(model_string(threshold, "type"), "BOUNDED_PERCENT");
    assert_int_equal(model_int(threshold, "value"), 50);
    json_decref(answer);
}

static void test_clusters(void **state)
{
    json_t *list = fixture_ask(*state, NULL, "ListClusters", NULL);
    assert_string_equal(json_string_value(json_array_get(json_object_get(list, "clusterArns"), 0)),
                        "arn:aws:ecs:local:000000000000:cluster/demo");
    json_decref(list);
    json_t *answer =
        fixture_ask(*state, NULL, "DescribeClusters",
                    "{'clusters':['demo','arn:aws:ecs:eu-west-1:123456789012:cluster/demo','gone']}");
    json_t *clusters = json_object_get(answer, "clusters");
    assert_int_equal(json_array_size(clusters), 2);
    json_t *cluster = json_array_get(clusters, 1);
    assert_string_equal(model_string(cluster, "status"), "ACTIVE");
    assert_int_equal(model_int(cluster, "runningTasksCount"), 2);
    assert_int_equal(model_int(cluster, "activeServicesCount"), 1);
    json_t *failure = json_array_get(json_object_get(answer, "failures"), 0);
    assert_string_equal(model_string(failure, "arn"), "arn:aws:ecs:local:000000000000:cluster/gone");
    assert_string_equal(model_string(failure, "reason"), "MISSING");
    json_decref(answer);
}

static void test_steady_service_satisfies_the_waiter(void **state)
{
    json_t *answer;
    json_t *json = service(*state, &answer);
    assert_string_equal(model_string(json, "serviceArn"), "arn:aws:ecs:local:000000000000:service/demo/web");
    assert_string_equal(model_string(json, "status"), "ACTIVE");
    assert_int_equal(model_int(json, "runningCount"), 2);
    assert_int_equal(model_int(json, "desiredCount"), 2);
    json_t *deployments = json_object_get(json, "deployments");
    assert_int_equal(json_array_size(deployments), 1);
    json_t *primary = json_array_get(deployments, 0);
    assert_string_equal(model_string(primary, "status"), "PRIMARY");
    assert_string_equal(model_string(primary, "rolloutState"), "COMPLETED");
    assert_int_equal(model_int(primary, "failedTasks"), 0);
    assert_string_equal(model_string(primary, "taskDefinition"),
                        "arn:aws:ecs:local:000000000000:task-definition/web:1");
    assert_true(json_is_real(json_object_get(primary, "createdAt")));
    json_t *newest = json_array_get(json_object_get(json, "events"), 0);
    assert_string_equal(model_string(newest, "message"), "(service web) has reached a steady state.");
    json_decref(answer);
}

static void test_rollout_shows_both_deployments(void **state)
{
    fixture_deploy(*state, "b2", "nginx:2");
    fixture_settle(*state, 3000);
    json_t *answer;
    json_t *deployments = json_object_get(service(*state, &answer), "deployments");
    assert_int_equal(json_array_size(deployments), 2);
    assert_string_equal(model_string(json_array_get(deployments, 0), "status"), "PRIMARY");
    assert_string_equal(model_string(json_array_get(deployments, 0), "rolloutState"), "IN_PROGRESS");
    assert_string_equal(model_string(json_array_get(deployments, 1), "status"), "ACTIVE");
    json_decref(answer);
    fixture_settle(*state, 60000);
    assert_int_equal(json_array_size(json_object_get(service(*state, &answer), "deployments")), 1);
    json_decref(answer);
}

/* Newest first: "STATE,BY ", where BY is the place of the deployment that took this one's. */
static void expect_history(struct fixture *fixture, const char *expected)
{
    json_t *answer = fixture_ask(fixture, "GET", "/v1/deployments", NULL);
    const json_t *list = json_object_get(answer, "deployments");
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_ERROR_CHARS);
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
        const char *by = model_string(item, "supersededBy");
        buffer_append_str(&text, model_string(item, "state"));
        for (size_t k = 0; by && k < i; k++)
            if (text_equal(model_string(json_array_get(list, k), "id"), by))
                buffer_printf(&text, ",%zu", k);
        buffer_append_str(&text, " ");
    }
    assert_string_equal(buffer_str(&text), expected);
    json_decref(answer);
}

static void test_failed_deployment(void **state)
{
    struct fixture *fixture = *state;
    fixture->broken_image = "nginx:broken";
    fixture_deploy(fixture, "b2", "nginx:broken");
    fixture_settle(fixture, 600000);
    json_t *answer;
    json_t *json = service(fixture, &answer);
    assert_int_equal(model_int(json, "runningCount"), 2); /* the old tasks still serve */
    json_decref(answer);
    json_t *services = fixture_ask(fixture, "GET", "/v1/services", NULL);
    assert_true(model_bool(json_array_get(json_object_get(services, "services"), 0), "failed"));
    json_decref(services);
    expect_history(fixture, "FAILED COMPLETED ");
    fixture_deploy(fixture, "c3", "nginx:3");
    fixture_settle(fixture, 1);
    expect_history(fixture, "IN_PROGRESS FAILED,0 COMPLETED,0 ");
    fixture_deploy(fixture, "d4", "nginx:broken");
    fixture_settle(fixture, 600000);
    expect_history(fixture, "FAILED SUPERSEDED,0 FAILED COMPLETED ");
    fixture_deploy(fixture, "e5", "nginx:5");
    fixture_settle(fixture, 600000);
    expect_history(fixture, "COMPLETED FAILED,0 SUPERSEDED,1 FAILED,0 COMPLETED,0 ");
}

/* The only item of a list. Borrowed. */
static json_t *only(json_t *answer, const char *key)
{
    assert_int_equal(json_array_size(json_object_get(answer, key)), 1);
    return json_array_get(json_object_get(answer, key), 0);
}

/* What describes the one ARN. Caller decrefs the answer. */
static json_t *described(struct fixture *fixture, const char *operation, const char *key, const char *arn)
{
    char *input CLEANUP_FREE = memory_printf("{'%s':['%s']}", key, arn);
    return fixture_ask(fixture, NULL, operation, input);
}

static void test_service_deployment(void **state)
{
    struct fixture *fixture = *state;
    json_t *list = fixture_ask(fixture, NULL, "ListServiceDeployments", "{'cluster':'demo','service':'web'}");
    json_t *item = only(list, "serviceDeployments");
    assert_string_equal(model_string(item, "status"), "SUCCESSFUL");
    assert_string_equal(model_string(item, "serviceArn"), "arn:aws:ecs:local:000000000000:service/demo/web");
    const char *arn = model_string(item, "serviceDeploymentArn");
    json_t *answer;
    const json_t *json = service(fixture, &answer);
    assert_string_equal(model_string(json, "currentServiceDeployment"), arn);
    const json_t *current = json_array_get(json_object_get(json, "currentServiceRevisions"), 0);
    assert_string_equal(model_string(current, "arn"), model_string(item, "targetServiceRevisionArn"));
    assert_int_equal(model_int(current, "runningTaskCount"), 2);
    json_decref(answer);
    answer = described(fixture, "DescribeServiceDeployments", "serviceDeploymentArns", arn);
    json = only(answer, "serviceDeployments");
    assert_int_equal(json_array_size(json_object_get(json, "sourceServiceRevisions")), 0);
    assert_int_equal(model_int(json_object_get(json, "targetServiceRevision"), "requestedTaskCount"), 2);
    const json_t *breaker = json_object_get(json, "deploymentCircuitBreaker");
    assert_string_equal(model_string(breaker, "status"), "MONITORING_COMPLETE");
    assert_int_equal(model_int(breaker, "threshold"), 3);
    assert_true(json_is_real(json_object_get(json, "finishedAt")));
    assert_null(json_object_get(json, "stoppedAt"));
    json_decref(answer);
    answer = described(fixture, "DescribeServiceRevisions", "serviceRevisionArns",
                       model_string(item, "targetServiceRevisionArn"));
    json = only(answer, "serviceRevisions");
    assert_string_equal(model_string(json, "taskDefinition"),
                        "arn:aws:ecs:local:000000000000:task-definition/web:1");
    const json_t *image = json_array_get(json_object_get(json, "containerImages"), 0);
    assert_string_equal(model_string(image, "containerName"), "web");
    assert_string_equal(model_string(image, "image"), "nginx:1");
    json_decref(answer);
    json_decref(list);
}

/* The page of one after the token (owned, the next one's afterwards). The answer; caller decrefs. */
static json_t *page_of_one(struct fixture *fixture, double before, char **token)
{
    char *input CLEANUP_FREE = memory_printf(
        "{'cluster':'demo','service':'web','maxResults':1,'createdAt':{'before':%.3f},'nextToken':'%s'}",
        before, *token ? *token : "");
    json_t *page = fixture_ask(fixture, NULL, "ListServiceDeployments", input);
    free(*token);
    *token = memory_strdup(model_string(page, "nextToken"));
    return page;
}

/* Page by page none is missing and none is twice, also when the last one is not listed any more. */
static void test_pages_of_service_deployments(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 2; i < 8; i++) {
        char oid[3] = {'b', (char)('0' + i), '\0'};
        char *text CLEANUP_FREE = memory_printf(
            "{kind: Cluster, clusterName: demo}\n---\n"
            "{kind: TaskDefinition, family: web, containerDefinitions: [{name: web, image: 'nginx:%d', "
            "memory: 64}]}\n---\n"
            "{kind: Service, serviceName: web, cluster: demo, taskDefinition: web, desiredCount: 2}\n",
            i);
        fixture_commit(fixture, oid, text);
        fixture_settle(fixture, 60000);
    }
    json_t *all = fixture_ask(fixture, NULL, "ListServiceDeployments", "{'cluster':'demo','service':'web'}");
    const json_t *list = json_object_get(all, "serviceDeployments");
    char *token = NULL;
    double after = 1e10;
    assert_int_equal(json_array_size(list), 7);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        json_t *page = page_of_one(fixture, after, &token);
        assert_string_equal(model_string(only(page, "serviceDeployments"), "serviceDeploymentArn"),
                            model_string(item, "serviceDeploymentArn"));
        json_decref(page);
        after = json_number_value(json_object_get(item, "createdAt")) - 0.001; /* it is gone */
    }
    assert_null(token);
    json_decref(all);
}

/* It is not tried again: the circuit breaker has had nothing to count. */
static void assert_known_bad(struct fixture *fixture)
{
    json_t *answer;
    const char *arn = model_string(service(fixture, &answer), "currentServiceDeployment");
    json_t *deployments = described(fixture, "DescribeServiceDeployments", "serviceDeploymentArns", arn);
    const json_t *json = only(deployments, "serviceDeployments");
    const json_t *breaker = json_object_get(json, "deploymentCircuitBreaker");
    assert_string_equal(model_string(json, "status"), "ROLLBACK_SUCCESSFUL");
    assert_string_equal(model_string(breaker, "status"), "MONITORING_COMPLETE");
    assert_int_equal(model_int(breaker, "failureCount"), 0);
    json_decref(deployments);
    json_decref(answer);
}

static void test_service_deployment_that_is_rolled_back(void **state)
{
    struct fixture *fixture = *state;
    static const char manifest[] =
        "{kind: Cluster, clusterName: demo}\n---\n"
        "{kind: TaskDefinition, family: web, containerDefinitions: [{name: web, image: '%s', memory: 64}]}\n"
        "---\n{kind: Service, serviceName: web, cluster: demo, taskDefinition: web, desiredCount: 2,\n"
        " deploymentConfiguration: {deploymentCircuitBreaker: {enable: true, rollback: true}}}\n";
    char *good CLEANUP_FREE = memory_printf(manifest, "nginx:1");
    char *bad CLEANUP_FREE = memory_printf(manifest, "nginx:broken");
    fixture->broken_image = "nginx:broken";
    fixture_commit(fixture, "b2", good);
    fixture_settle(fixture, 60000);
    fixture_commit(fixture, "c3", bad);
    fixture_settle(fixture, 600000);
    json_t *list = fixture_ask(fixture, NULL, "ListServiceDeployments",
                               "{'cluster':'demo','service':'web','status':['ROLLBACK_SUCCESSFUL']}");
    json_t *item = only(list, "serviceDeployments");
    json_t *answer = described(fixture, "DescribeServiceDeployments", "serviceDeploymentArns",
                               model_string(item, "serviceDeploymentArn"));
    const json_t *json = only(answer, "serviceDeployments");
    const json_t *rollback = json_object_get(json, "rollback");
    assert_non_null(strstr(model_string(rollback, "reason"), "circuit breaker"));
    assert_string_equal(model_string(json_object_get(json, "deploymentCircuitBreaker"), "status"),
                        "TRIGGERED");
    assert_int_equal(json_array_size(json_object_get(json, "sourceServiceRevisions")), 1);
    json_t *revision = described(fixture, "DescribeServiceRevisions", "serviceRevisionArns",
                                 model_string(rollback, "serviceRevisionArn"));
    const json_t *image =
        json_array_get(json_object_get(only(revision, "serviceRevisions"), "containerImages"), 0);
    assert_string_equal(model_string(image, "image"), "nginx:1");
    json_t *described_service;
    assert_string_equal(model_string(service(fixture, &described_service), "currentServiceDeployment"),
                        model_string(item, "serviceDeploymentArn"));
    json_decref(described_service);
    json_decref(revision);
    json_decref(answer);
    json_decref(list);
    list = fixture_ask(fixture, NULL, "ListServiceDeployments",
                       "{'cluster':'demo','service':'web','maxResults':1}");
    assert_non_null(model_string(list, "nextToken")); /* two more, and the rollback is none of them */
    json_decref(list);
    list = fixture_ask(fixture, NULL, "ListServiceDeployments",
                       "{'cluster':'demo','service':'web','createdAt':{'before':1000}}");
    assert_int_equal(json_array_size(json_object_get(list, "serviceDeployments")), 0);
    json_decref(list);
    char *better CLEANUP_FREE = memory_printf(manifest, "nginx:2");
    fixture_commit(fixture, "d4", better);
    fixture_settle(fixture, 60000);
    fixture_commit(fixture, "e5", bad);
    fixture_settle(fixture, 60000);
    assert_known_bad(fixture);
}

static void test_service_deployments_that_are_not_there(void **state)
{
    static const char *const arns[] = {"x", "arn:aws:ecs:local:000000000000:service-deployment/demo/web/1",
                                       "arn:aws:ecs:local:000000000000:service-deployment/web",
                                       "arn:aws:ecs:local:000000000000:service/demo/web"};
    for (size_t i = 0; i < ARRAY_LEN(arns); i++) {
        json_t *answer = described(*state, "DescribeServiceDeployments", "serviceDeploymentArns", arns[i]);
        assert_string_equal(model_string(only(answer, "failures"), "arn"), arns[i]);
        json_decref(answer);
        answer = described(*state, "DescribeServiceRevisions", "serviceRevisionArns", arns[i]);
        assert_string_equal(model_string(only(answer, "failures"), "reason"), "MISSING");
        json_decref(answer);
    }
    struct api_fault fault =
        fixture_refusal(*state, NULL, "ListServiceDeployments", "{'cluster':'demo','service':'nope'}");
    assert_string_equal(fault.type, "ServiceNotFoundException");
    fault = fixture_refusal(*state, NULL, "ListServiceDeployments", "{'cluster':'demo'}");
    assert_string_equal(fault.type, "InvalidParameterException");
    fault = fixture_refusal(*state, NULL, "DescribeServiceRevisions", "{}");
    assert_string_equal(fault.type, "InvalidParameterException");
}

static size_t instances_listed(void *state, const char *input)
{
    json_t *answer = fixture_ask(state, NULL, "ListContainerInstances", input);
    size_t len = json_array_size(json_object_get(answer, "containerInstanceArns"));
    json_decref(answer);
    return len;
}

/* The set of that name in the list as text: "80,443"; NULL: there is none. Caller frees. */
static char *set_of(const json_t *resources, const char *name)
{
    size_t i;
    size_t k;
    json_t *one;
    json_t *value;
    json_array_foreach ((json_t *)(uintptr_t)resources, i, one) {
        if (!text_equal(model_string(one, "name"), name))
            continue;
        assert_string_equal(model_string(one, "type"), "STRINGSET");
        char *text = memory_strdup("");
        json_array_foreach (json_object_get(one, "stringSetValue"), k, value) {
            char *before CLEANUP_FREE = text;
            text = memory_printf("%s%s%s", before, k ? "," : "", json_string_value(value));
        }
        return text;
    }
    return NULL;
}

static void expect_set(const json_t *instance, const char *list, const char *name, const char *expected)
{
    char *text CLEANUP_FREE = set_of(json_object_get(instance, list), name);
    if (!expected) {
        assert_null(text);
        return;
    }
    assert_non_null(text);
    assert_string_equal(text, expected);
}

/* As ECS: of ports those that are in use remain, of GPUs those that are free. */
static void test_resources_of_instances(void **state)
{
    static const char describe[] = "{'cluster':'demo','containerInstances':['local']}";
    fixture_commit(
        *state, "e5",
        "kind: Cluster\nclusterName: demo\ndavit: {containerInstances: [{name: local, gpus: ['0', "
        "'1']}]}\n---\nfamily: web\ncontainerDefinitions: [{name: web, image: nginx, memory: 64, "
        "portMappings: [{containerPort: 53, hostPort: 5353, protocol: udp}, {containerPort: 80, "
        "hostPort: 8443}, {containerPort: 81, hostPort: 8080}], resourceRequirements: [{type: GPU, "
        "value: '1'}]}]\n---\nserviceName: web\ncluster: demo\ntaskDefinition: web\n");
    fixture_settle(*state, 60000);
    json_t *answer CLEANUP(json_decrefp) = fixture_ask(*state, NULL, "DescribeContainerInstances", describe);
    const json_t *local = json_array_get(json_object_get(answer, "containerInstances"), 0);
    expect_set(local, "registeredResources", "PORTS", "");
    expect_set(local, "registeredResources", "PORTS_UDP", "");
    expect_set(local, "registeredResources", "GPU", "0,1");
    expect_set(local, "remainingResources", "PORTS", "8080,8443");
    expect_set(local, "remainingResources", "PORTS_UDP", "5353");
    expect_set(local, "remainingResources", "GPU", "1");
    fixture_commit(*state, "e6", "kind: Cluster\nclusterName: demo\n");
    json_t *without CLEANUP(json_decrefp) = fixture_ask(*state, NULL, "DescribeContainerInstances", describe);
    expect_set(json_array_get(json_object_get(without, "containerInstances"), 0), "registeredResources",
               "GPU", NULL);
}

static void test_container_instances(void **state)
{
    fixture_deploy(*state, "a1", "nginx:1");
    fixture_settle(*state, 20000);
    assert_int_equal(instances_listed(*state, "{'cluster':'demo'}"), 1);
    assert_int_equal(instances_listed(*state, "{'cluster':'demo','status':'DRAINING'}"), 0);
    json_t *answer = fixture_ask(*state, NULL, "DescribeContainerInstances",
                                 "{'cluster':'demo','containerInstances':['local','nope']}");
    const json_t *local = json_array_get(json_object_get(answer, "containerInstances"), 0);
    assert_string_equal(model_string(local, "containerInstanceArn"),
                        "arn:aws:ecs:local:000000000000:container-instance/demo/local");
    assert_string_equal(model_string(local, "status"), "ACTIVE");
    assert_true(model_bool(local, "agentConnected"));
    assert_int_equal(model_int(local, "runningTasksCount"), 2);
    assert_int_equal(
        model_int(json_array_get(json_object_get(local, "remainingResources"), 1), "integerValue"),
        8192 - 128);
    assert_int_equal(json_array_size(json_object_get(answer, "failures")), 1);
    json_decref(answer);
    fixture_commit(*state, "b2",
                   "kind: Cluster\nclusterName: demo\n"
                   "davit: {containerInstances: [{name: local, status: DRAINING}]}\n---\n"
                   "kind: Cluster\nclusterName: other\ndavit: {containerInstances: [{name: else}]}\n");
    assert_int_equal(instances_listed(*state, "{'cluster':'demo','status':'DRAINING'}"), 1);
    assert_int_equal(instances_listed(*state, "{'cluster':'other'}"), 0);
    static const char *const none[] = {"AWAY", "ACT", "", "ACTIVE DRAINING"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        char *input CLEANUP_FREE = memory_printf("{'cluster':'demo','status':'%s'}", none[i]);
        struct api_fault fault = fixture_refusal(*state, NULL, "ListContainerInstances", input);
        assert_string_equal(fault.type, "InvalidParameterException");
    }
}

/* In place of launchType too. */
static void test_default_of_the_cluster(void **state)
{
    fixture_commit(*state, "a1",
                   "kind: Cluster\nclusterName: demo\ncapacityProviders: [big]\n"
                   "defaultCapacityProviderStrategy: [{capacityProvider: big, weight: 1}]\n"
                   "davit: {containerInstances: [{name: local, capacityProvider: big}]}\n---\n"
                   "family: web\ncontainerDefinitions: [{name: a, image: i, memory: 9}]\n---\n"
                   "kind: Service\ncluster: demo\nserviceName: web\ntaskDefinition: web\n");
    fixture_settle(*state, 20000);
    json_t *answer = fixture_ask(*state, NULL, "DescribeClusters", "{'clusters':['demo']}");
    const json_t *cluster = json_array_get(json_object_get(answer, "clusters"), 0);
    const json_t *item = json_array_get(json_object_get(cluster, "defaultCapacityProviderStrategy"), 0);
    assert_string_equal(json_string_value(json_array_get(json_object_get(cluster, "capacityProviders"), 0)),
                        "big");
    assert_string_equal(model_string(item, "capacityProvider"), "big");
    json_decref(answer);
    answer = fixture_ask(*state, NULL, "DescribeServices", "{'cluster':'demo','services':['web']}");
    const json_t *service = json_array_get(json_object_get(answer, "services"), 0);
    const json_t *deployment = json_array_get(json_object_get(service, "deployments"), 0);
    item = json_array_get(json_object_get(deployment, "capacityProviderStrategy"), 0);
    assert_string_equal(model_string(item, "capacityProvider"), "big");
    assert_null(model_string(deployment, "launchType"));
    json_decref(answer);
}

static void test_missing_and_foreign_services(void **state)
{
    json_t *answer = fixture_ask(*state, NULL, "DescribeServices", "{'cluster':'demo','services':['nope']}");
    assert_string_equal(model_string(json_array_get(json_object_get(answer, "failures"), 0), "reason"),
                        "MISSING");
    json_decref(answer);
    struct api_fault fault =
        fixture_refusal(*state, NULL, "DescribeServices",
                        "{'cluster':'demo','services':['arn:aws:ecs:local:000000000000:service/other/web']}");
    assert_string_equal(fault.type, "InvalidParameterException");
    fault = fixture_refusal(*state, NULL, "DescribeServices", "{'services':['web']}");
    assert_string_equal(fault.type, "ClusterNotFoundException"); /* of "default" */
    fault = fixture_refusal(*state, NULL, "DescribeServices", "{'cluster':'demo','services':[]}");
    assert_string_equal(fault.type, "InvalidParameterException");
    fault = fixture_refusal(*state, NULL, "DescribeServices", "{'cluster':'demo','services':[1]}");
    assert_string_equal(fault.type, "InvalidParameterException");
    fault = fixture_refusal(*state, NULL, "DescribeServices",
                            "{'cluster':'demo','services':['1','2','3','4','5','6','7','8','9','10','11']}");
    assert_string_equal(fault.message, "services can have at most 10 items.");
}

static void test_tasks(void **state)
{
    json_t *list = fixture_ask(*state, NULL, "ListTasks", "{'cluster':'demo','serviceName':'web'}");
    json_t *arns = json_object_get(list, "taskArns");
    assert_int_equal(json_array_size(arns), 2);
    json_t *input = json_pack("{s:s,s:[O,s]}", "cluster", "demo", "tasks", json_array_get(arns, 0),
                              "00000000000000000000000000000000");
    char *text = json_dumps(input, 0);
    json_t *answer = fixture_ask(*state, NULL, "DescribeTasks", text);
    assert_int_equal(json_array_size(json_object_get(answer, "tasks")), 1);
    assert_int_equal(json_array_size(json_object_get(answer, "failures")), 1);
    json_t *task = json_array_get(json_object_get(answer, "tasks"), 0);
    assert_string_equal(model_string(task, "taskArn"), json_string_value(json_array_get(arns, 0)));
    assert_string_equal(model_string(task, "lastStatus"), "RUNNING");
    assert_string_equal(model_string(task, "desiredStatus"), "RUNNING");
    assert_string_equal(model_string(task, "group"), "service:web");
    json_t *container = json_array_get(json_object_get(task, "containers"), 0);
    assert_string_equal(model_string(container, "name"), "web");
    assert_string_equal(model_string(container, "cpu"), "0");
    assert_string_equal(model_string(container, "memory"), "64");
    free(text);
    json_decref(input);
    json_decref(answer);
    json_decref(list);
}

static size_t count(struct fixture *fixture, const char *input)
{
    json_t *answer = fixture_ask(fixture, NULL, "ListTasks", input);
    size_t len = json_array_size(json_object_get(answer, "taskArns"));
    json_decref(answer);
    return len;
}

static void test_task_filters(void **state)
{
    assert_int_equal(count(*state, "{'cluster':'demo'}"), 2);
    assert_int_equal(count(*state, "{'cluster':'demo','family':'web'}"), 2);
    assert_int_equal(count(*state, "{'cluster':'demo','family':'other'}"), 0);
    assert_int_equal(count(*state, "{'cluster':'demo','desiredStatus':'STOPPED'}"), 0);
    assert_int_equal(count(*state, "{'cluster':'demo','desiredStatus':'PENDING'}"), 0);
    assert_int_equal(count(*state, "{'cluster':'demo','launchType':'FARGATE'}"), 0);
    assert_int_equal(count(*state, "{'cluster':'demo','containerInstance':'local'}"), 2);
    struct api_fault fault =
        fixture_refusal(*state, NULL, "ListTasks", "{'cluster':'demo','serviceName':'nope'}");
    assert_string_equal(fault.type, "ServiceNotFoundException");
}

static void test_task_definitions(void **state)
{
    fixture_deploy(*state, "b2", "nginx:2");
    json_t *list = fixture_ask(*state, NULL, "ListTaskDefinitions", "{'sort':'DESC'}");
    json_t *arns = json_object_get(list, "taskDefinitionArns");
    assert_int_equal(json_array_size(arns), 2);
    assert_true(text_ends_with(json_string_value(json_array_get(arns, 0)), "task-definition/web:2"));
    json_decref(list);
    json_t *answer = fixture_ask(*state, NULL, "DescribeTaskDefinition", "{'taskDefinition':'web:1'}");
    json_t *definition = json_object_get(answer, "taskDefinition");
    assert_int_equal(model_int(definition, "revision"), 1);
    json_t *container = json_array_get(json_object_get(definition, "containerDefinitions"), 0);
    assert_string_equal(model_string(container, "image"), "nginx:1");
    assert_true(json_is_array(json_object_get(container, "portMappings")));
    assert_null(json_object_get(definition, "kind"));
    json_decref(answer);
    answer = fixture_ask(*state, NULL, "DescribeTaskDefinition", "{'taskDefinition':'web'}");
    assert_int_equal(model_int(json_object_get(answer, "taskDefinition"), "revision"), 2);
    json_decref(answer);
    static const char *const refused[] = {"{'taskDefinition':'web:3'}", "{'taskDefinition':'web:x'}",
                                          "{'taskDefinition':'nope'}"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_string_equal(fixture_refusal(*state, NULL, "DescribeTaskDefinition", refused[i]).type,
                            "ClientException");
}

/* 25 services. */
static void commit_many(struct fixture *fixture)
{
    char yaml[8192];
    size_t used = (size_t)snprintf(yaml, sizeof yaml, FIXTURE_MANIFEST, "nginx:1");
    for (int i = 0; i < 24; i++)
        used += (size_t)snprintf(yaml + used, sizeof yaml - used,
                                 "---\nkind: Service\nserviceName: s%02d\ncluster: demo\n"
                                 "taskDefinition: web\ndesiredCount: 0\n",
                                 i);
    fixture_commit(fixture, "c3", yaml);
    fixture_settle(fixture, 0);
}

static void test_pages(void **state)
{
    static const size_t sizes[] = {10, 10, 5};
    char input[512] = "{'cluster':'demo'}";
    commit_many(*state);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        json_t *answer = fixture_ask(*state, NULL, "ListServices", input);
        assert_int_equal(json_array_size(json_object_get(answer, "serviceArns")), sizes[i]);
        const char *token = model_string(answer, "nextToken");
        assert_true((token != NULL) == (i < 2));
        snprintf(input, sizeof input, "{'cluster':'demo','nextToken':'%s'}", token ? token : "");
        json_decref(answer);
    }
    json_t *all = fixture_ask(*state, NULL, "ListServices", "{'cluster':'demo','maxResults':100}");
    assert_int_equal(json_array_size(json_object_get(all, "serviceArns")), 25);
    assert_null(json_object_get(all, "nextToken"));
    json_decref(all);
    static const char *const refused[] = {"{'cluster':'demo','maxResults':0}",
                                          "{'cluster':'demo','maxResults':101}",
                                          "{'cluster':'demo','nextToken':'not hex'}"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_string_equal(fixture_refusal(*state, NULL, "ListServices", refused[i]).type,
                            "InvalidParameterException");
}

static void test_removed_service_drains(void **state)
{
    fixture_commit(*state, "d4", "kind: Cluster\nclusterName: demo\n");
    json_t *answer;
    assert_string_equal(model_string(service(*state, &answer), "status"), "DRAINING");
    json_decref(answer);
}

static const char PROVIDERS[] =
    "kind: Cluster\nclusterName: demo\ndavit: {containerInstances: [{name: local, capacityProvider: spot}]}\n"
    "---\nfamily: web\ncontainerDefinitions: [{name: web, image: nginx, memory: 64}]\n"
    "---\nserviceName: web\ncluster: demo\ntaskDefinition: web\ndesiredCount: 2\n"
    "capacityProviderStrategy: [{capacityProvider: spot, weight: 1}]\n";

/* In place of launchType. */
static void test_capacity_providers(void **state)
{
    fixture_commit(*state, "e5", PROVIDERS);
    fixture_settle(*state, 60000);
    json_t *answer;
    json_t *one = service(*state, &answer);
    assert_null(json_object_get(one, "launchType"));
    json_t *item = json_array_get(json_object_get(one, "capacityProviderStrategy"), 0);
    assert_string_equal(model_string(item, "capacityProvider"), "spot");
    assert_int_equal(model_int(item, "weight"), 1);
    json_decref(answer);
    json_t *list = fixture_ask(*state, NULL, "ListTasks", "{'cluster':'demo','serviceName':'web'}");
    char *input = memory_printf("{'cluster':'demo','tasks':['%s']}",
                                json_string_value(json_array_get(json_object_get(list, "taskArns"), 0)));
    json_t *described = fixture_ask(*state, NULL, "DescribeTasks", input);
    json_t *task = json_array_get(json_object_get(described, "tasks"), 0);
    assert_string_equal(model_string(task, "capacityProviderName"), "spot");
    assert_null(json_object_get(task, "launchType"));
    json_decref(described);
    json_decref(list);
    free(input);
}

/* The count is computed, and a filter finds it. */
static void test_daemons(void **state)
{
    fixture_commit(*state, "f6",
                   "kind: Cluster\nclusterName: demo\n"
                   "---\nfamily: web\ncontainerDefinitions: [{name: web, image: nginx, memory: 64}]\n"
                   "---\nserviceName: web\ncluster: demo\ntaskDefinition: web\nschedulingStrategy: DAEMON\n");
    fixture_settle(*state, 60000);
    json_t *answer;
    json_t *one = service(*state, &answer);
    assert_string_equal(model_string(one, "schedulingStrategy"), "DAEMON");
    assert_int_equal(model_int(one, "desiredCount"), 1);
    assert_int_equal(model_int(one, "runningCount"), 1);
    assert_int_equal(model_int(json_object_get(one, "deploymentConfiguration"), "maximumPercent"), 100);
    json_decref(answer);
    static const struct {
        const char *input;
        size_t found;
    } filters[] = {{"{'cluster':'demo','schedulingStrategy':'DAEMON'}", 1},
                   {"{'cluster':'demo','schedulingStrategy':'REPLICA'}", 0}};
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        json_t *list = fixture_ask(*state, NULL, "ListServices", filters[i].input);
        assert_int_equal(json_array_size(json_object_get(list, "serviceArns")), filters[i].found);
        json_decref(list);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_the_circuit_breaker_that_it_has),
        CASE(test_clusters),
        CASE(test_steady_service_satisfies_the_waiter),
        CASE(test_rollout_shows_both_deployments),
        CASE(test_failed_deployment),
        CASE(test_service_deployment),
        CASE(test_service_deployment_that_is_rolled_back),
        CASE(test_pages_of_service_deployments),
        CASE(test_service_deployments_that_are_not_there),
        CASE(test_container_instances),
        CASE(test_resources_of_instances),
        CASE(test_default_of_the_cluster),
        CASE(test_missing_and_foreign_services),
        CASE(test_tasks),
        CASE(test_task_filters),
        CASE(test_task_definitions),
        CASE(test_pages),
        CASE(test_removed_service_drains),
        CASE(test_capacity_providers),
        CASE(test_daemons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
