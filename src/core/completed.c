/* What a failed deployment is rolled back to. The ledger has it whole: the commit that it came with may be
 * far back, or gone from the branch. */
#include "core/state.h"
#include "model/json.h"

#include <assert.h>

/* As many as are readable; the others are looked up by their names. */
static void read_definitions(const json_t *list, struct service *service)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        struct task_definition *definition = NULL;
        if (manifest_task_definition(json_object_get(item, "json"),
                                     model_int_in(item, "revision", 0, INT32_MAX), &definition) < 0)
            break;
        vector_push(&service->pre_deploy_definitions, definition);
    }
}

struct service *core_service_of_json(const json_t *json)
{
    struct task_definition *definition = NULL;
    if (!model_string(json, "cluster") || !model_string(json, "name") ||
        manifest_task_definition(json_object_get(json, "taskDefinition"),
                                 model_int_in(json, "revision", 0, INT32_MAX), &definition) < 0)
        return NULL;
    struct service *service = NEW(struct service);
    *service =
        (struct service){.refs = 1,
                         .cluster = memory_strdup(model_string(json, "cluster")),
                         .name = memory_strdup(model_string(json, "name")),
                         .task_definition_text = memory_strdup(model_string(json, "text")),
                         .task_definition = definition,
                         .desired_count = model_int_in(json, "desiredCount", 0, LIMIT_DESIRED_COUNT),
                         .count_absent = model_bool(json, "countAbsent"),
                         .daemon = model_bool(json, "daemon"),
                         .rebalances = model_bool(json, "rebalances"),
                         .suspend = model_bool(json, "suspend"),
                         .prune_disabled = model_bool(json, "pruneDisabled"),
                         .crash_report = model_bool(json, "crashReport"),
                         .minimum_healthy_percent = model_int_in(json, "minimumHealthyPercent", 0, INT32_MAX),
                         .maximum_percent = model_int_in(json, "maximumPercent", 0, INT32_MAX),
                         .minimum_healthy_ms = model_int(json, "minimumHealthyMs"),
                         .health_check_grace_ms = model_int(json, "graceMs"),
                         .breaker = circuit_breaker_from_json(json_object_get(json, "breaker")),
                         .digest = model_digest(json, "digest"),
                         .forced = model_digest(json, "forced"),
                         .json = json_incref(json_object_get(json, "json"))};
    service_dependencies_from_json(json_object_get(json, "dependsOn"), &service->depends_on);
    model_strings_from_json(json_object_get(json, "preDeploy"), &service->pre_deploy);
    read_definitions(json_object_get(json, "preDeployDefinitions"), service);
    placement_constraints_from_json(service->json, &service->constraints);
    placement_strategies_from_json(service->json, &service->strategies);
    capacity_items_from_json(json_object_get(service->json, "capacityProviderStrategy"), &service->capacity);
    service->launch_type = json_object_get(service->json, "launchType") != NULL;
    change_windows_from_json(service->json, &service->windows);
    return service;
}

void core_set_ledger(struct service_state *service, struct service_ledger *ledger)
{
    assert(service);
    bool same =
        ledger && service->completed && service_ledger_has_completed(ledger, &service->completed->digest);
    service_ledger_free(service->ledger);
    service->ledger = ledger;
    if (same)
        return;
    service_unref(service->completed);
    service->completed = ledger && ledger->completed ? core_service_of_json(ledger->completed) : NULL;
}

const struct service *core_aim(const struct service_state *service)
{
    assert(service);
    const struct service *desired = service->desired;
    const struct service *completed = service->completed;
    if (!desired || !completed || !service_ledger_is_rolled_back(service->ledger, &desired->digest))
        return desired;
    return digest_equal(&completed->digest, &service_ledger_primary(service->ledger)->digest) ? completed
                                                                                              : desired;
}

void core_keep_completed(struct service_state *service, const struct service *next,
                         struct effect_vec *effects)
{
    assert(service);
    const struct service *desired = service->desired;
    const struct deployment *primary = service->ledger ? service_ledger_primary(service->ledger) : NULL;
    if (!next || !next->breaker.rollback || !desired || !primary ||
        service_ledger_has_completed(service->ledger, &desired->digest) ||
        primary->state != DEPLOYMENT_COMPLETED || !digest_equal(&primary->digest, &desired->digest))
        return;
    struct service_ledger *ledger = service_ledger_copy(service->ledger);
    service_ledger_set_completed(ledger, service_to_json(desired), &primary->commit);
    char *message CLEANUP_FREE =
        memory_printf("%s: %s:%d is what a rollback goes back to", service->key,
                      desired->task_definition->family, desired->task_definition->revision);
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(ledger), message);
    core_set_ledger(service, ledger);
}
