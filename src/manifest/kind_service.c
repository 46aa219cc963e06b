#include "manifest/kind_read.h"

#include "base/memory.h"
#include "base/text.h"
#include "manifest/kind_members.h"
#include "model/json.h"

#include <assert.h>

#define DEFAULT_DESIRED_COUNT           1
#define DEFAULT_MINIMUM_HEALTHY_PERCENT 100
#define DEFAULT_MAXIMUM_PERCENT         200
#define DAEMON_MINIMUM_HEALTHY_PERCENT  0
#define DAEMON_MAXIMUM_PERCENT          100
#define DEFAULT_MINIMUM_HEALTHY_SECONDS 10

static int64_t int_or(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* describe-services prints clusterArn where create-service takes cluster. */
const char *kind_service_cluster(const json_t *value)
{
    const char *text = model_string(value, "cluster");
    if (!text)
        text = model_string(value, "clusterArn");
    return text ? kind_arn_tail(text) : "default";
}

static bool is_daemon(const json_t *value)
{
    return text_equal(model_string(value, "schedulingStrategy"), "DAEMON");
}

/* References are in the order of the list. */
static void add_dependency(struct service *service, const json_t *davit, const char *name)
{
    const json_t *item = json_array_get(json_object_get(davit, "dependsOn"), service->depends_on.len);
    vector_push(
        &service->depends_on,
        (struct service_dependency){.service = memory_strdup(name),
                                    .complete = text_equal(model_string(item, "condition"), "COMPLETE")});
}

void kind_service_read(json_t *value, struct kind_object *object)
{
    assert(value);
    const json_t *deployment = json_object_get(value, "deploymentConfiguration");
    const json_t *davit = json_object_get(value, "davit");
    struct service *service = NEW(struct service);
    service->refs = 1;
    service->cluster = memory_strdup(kind_service_cluster(value));
    service->name = memory_strdup(model_string(value, "serviceName"));
    service->task_definition_text = memory_strdup(kind_arn_tail(model_string(value, "taskDefinition")));
    bool daemon = is_daemon(value);
    service->daemon = daemon;
    service->count_absent = daemon || !json_object_get(value, "desiredCount");
    service->desired_count = daemon ? 0 : (int)int_or(value, "desiredCount", DEFAULT_DESIRED_COUNT);
    service->minimum_healthy_percent =
        (int)int_or(deployment, "minimumHealthyPercent",
                    daemon ? DAEMON_MINIMUM_HEALTHY_PERCENT : DEFAULT_MINIMUM_HEALTHY_PERCENT);
    service->maximum_percent =
        (int)int_or(deployment, "maximumPercent", daemon ? DAEMON_MAXIMUM_PERCENT : DEFAULT_MAXIMUM_PERCENT);
    service->minimum_healthy_ms =
        int_or(davit, "minimumHealthySeconds", DEFAULT_MINIMUM_HEALTHY_SECONDS) * 1000;
    service->health_check_grace_ms = int_or(value, "healthCheckGracePeriodSeconds", 0) * 1000;
    service->prune_disabled = text_equal(model_string(davit, "prune"), "disabled");
    service->suspend = model_bool(davit, "suspend");
    service->crash_report = text_equal(model_string(davit, "crashLoop"), "report");
    for (size_t i = 0; i < object->references.len; i++)
        if (object->references.items[i].target == KIND_SERVICE)
            add_dependency(service, davit, object->references.items[i].name);
        else if (object->references.items[i].target == KIND_TASK_DEFINITION)
            vector_push(&service->pre_deploy, memory_strdup(object->references.items[i].name));
    placement_constraints_from_json(value, &service->constraints);
    placement_strategies_from_json(value, &service->strategies);
    service->rebalances = !text_equal(model_string(value, "availabilityZoneRebalancing"), "DISABLED") &&
                          !kind_rebalancing_obstacle(value);
    capacity_items_from_json(json_object_get(value, "capacityProviderStrategy"), &service->capacity);
    service->launch_type = json_object_get(value, "launchType") != NULL;
    change_windows_from_json(value, &service->windows);
    service->breaker = circuit_breaker_from_json(json_object_get(deployment, "deploymentCircuitBreaker"));
    kind_members_strip(kind_members(KIND_SERVICE), value);
    service->json = json_incref(value);
    object->service = service;
    object->key = service_key(service->cluster, service->name);
}

static void check_breaker(const json_t *value, struct diagnostics *diagnostics)
{
    const json_t *breaker =
        json_object_get(json_object_get(value, "deploymentConfiguration"), "deploymentCircuitBreaker");
    if (!json_is_false(json_object_get(breaker, "enable")) || !model_bool(breaker, "rollback"))
        return;
    kind_report(diagnostics,
                (struct kind_fault){
                    .severity = SEVERITY_WARNING,
                    .code = "value",
                    .pointer = memory_strdup("/deploymentConfiguration/deploymentCircuitBreaker/rollback"),
                    .message = memory_strdup("has no effect while enable is false: no deployment fails then"),
                    .hint = memory_strdup("set enable to true")});
}

static void refuse(struct diagnostics *diagnostics, const char *pointer, const char *message,
                   const char *hint)
{
    kind_report(diagnostics, (struct kind_fault){.severity = SEVERITY_ERROR,
                                                 .code = "value",
                                                 .pointer = memory_strdup(pointer),
                                                 .message = memory_strdup(message),
                                                 .hint = memory_strdup(hint)});
}

/* As CreateService refuses them. What describe-services prints of a DAEMON has the count that was computed.
 */
static void check_daemon(const json_t *value, struct diagnostics *diagnostics)
{
    const json_t *deployment = json_object_get(value, "deploymentConfiguration");
    if (json_object_get(value, "desiredCount") && !json_object_get(value, "serviceArn"))
        refuse(diagnostics, "/desiredCount",
               "a DAEMON service has no desiredCount: it runs one task on every "
               "instance",
               "remove desiredCount, or schedulingStrategy");
    if (json_array_size(json_object_get(value, "placementStrategy")))
        refuse(diagnostics, "/placementStrategy",
               "a DAEMON service has no placementStrategy: it runs one task on every instance",
               "remove it; placementConstraints say which instances are meant");
    if (int_or(deployment, "maximumPercent", DAEMON_MAXIMUM_PERCENT) != DAEMON_MAXIMUM_PERCENT)
        refuse(diagnostics, "/deploymentConfiguration/maximumPercent",
               "maximumPercent of a DAEMON service is 100: an instance never has two tasks of it",
               "remove it; minimumHealthyPercent says how many instances are updated at once");
    if (int_or(deployment, "minimumHealthyPercent", DAEMON_MINIMUM_HEALTHY_PERCENT) >= 100)
        kind_report(diagnostics,
                    (struct kind_fault){
                        .severity = SEVERITY_WARNING,
                        .code = "rolling",
                        .pointer = memory_strdup("/deploymentConfiguration/minimumHealthyPercent"),
                        .message = memory_strdup("an update cannot start: no task may stop, and on its "
                                                 "instance no other starts before it has"),
                        .hint = memory_strdup("lower minimumHealthyPercent; for DAEMON the default is 0")});
}

void kind_service_check(const json_t *value, struct diagnostics *diagnostics)
{
    assert(value);
    check_breaker(value, diagnostics);
    size_t i;
    json_t *item;
    kind_placement_check(value, diagnostics);
    kind_rebalancing_check(value, diagnostics);
    kind_windows_check(value, diagnostics);
    kind_capacity_check(json_object_get(value, "capacityProviderStrategy"), "/capacityProviderStrategy",
                        SEVERITY_ERROR, diagnostics);
    if (is_daemon(value))
        check_daemon(value, diagnostics);
    if (json_object_get(value, "launchType") &&
        json_array_size(json_object_get(value, "capacityProviderStrategy")))
        kind_report(diagnostics,
                    (struct kind_fault){.severity = SEVERITY_ERROR,
                                        .code = "value",
                                        .pointer = memory_strdup("/launchType"),
                                        .message = memory_strdup(
                                            "launchType and capacityProviderStrategy exclude each other")});
    json_array_foreach (json_object_get(value, "loadBalancers"), i, item)
        if (json_object_get(item, "targetGroupArn") && json_object_get(item, "loadBalancerName"))
            kind_report(diagnostics, (struct kind_fault){
                                         .severity = SEVERITY_ERROR,
                                         .code = "value",
                                         .pointer = memory_printf("/loadBalancers/%zu/loadBalancerName", i),
                                         .message = memory_strdup(
                                             "targetGroupArn and loadBalancerName exclude each other")});
}
