#include "model/desired.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/prefetch.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const condition_names[] = {"START", "COMPLETE", "SUCCESS", "HEALTHY"};

const char *dependency_condition_name(enum dependency_condition condition)
{
    assert((size_t)condition < ARRAY_LEN(condition_names));
    return condition_names[condition];
}

int dependency_condition_parse(const char *name, enum dependency_condition *ret_condition)
{
    assert(ret_condition);
    for (size_t i = 0; i < ARRAY_LEN(condition_names); i++) {
        if (text_equal(name, condition_names[i])) {
            *ret_condition = (enum dependency_condition)i;
            return 0;
        }
    }
    return ERROR_INVALID;
}

bool container_is_internal(const char *name)
{
    assert(name);
    return name[0] == '~';
}

void container_spec_deinit(struct container_spec *spec)
{
    assert(spec);
    free(spec->name);
    for (size_t i = 0; i < spec->depends_on.len; i++)
        free(spec->depends_on.items[i].container);
    vector_deinit(&spec->depends_on);
    vector_deinit(&spec->ports);
    vector_deinit(&spec->restart.ignored_exit_codes);
    string_vec_deinit(&spec->gpu_ids);
    memset(spec, 0, sizeof *spec);
}

void container_spec_copy(const struct container_spec *spec, struct container_spec *ret_copy)
{
    assert(spec);
    assert(ret_copy);
    *ret_copy = *spec;
    ret_copy->name = memory_strdup(spec->name);
    memset(&ret_copy->gpu_ids, 0, sizeof ret_copy->gpu_ids);
    for (size_t i = 0; i < spec->gpu_ids.len; i++)
        vector_push(&ret_copy->gpu_ids, memory_strdup(spec->gpu_ids.items[i]));
    memset(&ret_copy->depends_on, 0, sizeof ret_copy->depends_on);
    memset(&ret_copy->ports, 0, sizeof ret_copy->ports);
    memset(&ret_copy->restart.ignored_exit_codes, 0, sizeof ret_copy->restart.ignored_exit_codes);
    for (size_t i = 0; i < spec->restart.ignored_exit_codes.len; i++)
        vector_push(&ret_copy->restart.ignored_exit_codes, spec->restart.ignored_exit_codes.items[i]);
    for (size_t i = 0; i < spec->depends_on.len; i++) {
        const struct container_dependency *dependency = &spec->depends_on.items[i];
        vector_push(&ret_copy->depends_on, (struct container_dependency){memory_strdup(dependency->container),
                                                                         dependency->condition});
    }
    for (size_t i = 0; i < spec->ports.len; i++)
        vector_push(&ret_copy->ports, spec->ports.items[i]);
}

struct container_spec *container_spec_new(const struct container_spec *spec)
{
    if (!spec)
        return NULL;
    struct container_spec *copy = NEW(struct container_spec);
    container_spec_copy(spec, copy);
    return copy;
}

void container_spec_free(struct container_spec *spec)
{
    if (!spec)
        return;
    container_spec_deinit(spec);
    free(spec);
}

static bool relations_equal(const struct container_spec *a, const struct container_spec *b)
{
    if (a->depends_on.len != b->depends_on.len || a->ports.len != b->ports.len)
        return false;
    for (size_t i = 0; i < a->depends_on.len; i++)
        if (a->depends_on.items[i].condition != b->depends_on.items[i].condition ||
            !text_equal(a->depends_on.items[i].container, b->depends_on.items[i].container))
            return false;
    for (size_t i = 0; i < a->ports.len; i++)
        if (a->ports.items[i].container_port != b->ports.items[i].container_port ||
            a->ports.items[i].host_port != b->ports.items[i].host_port ||
            a->ports.items[i].udp != b->ports.items[i].udp)
            return false;
    for (size_t i = 0; i < a->gpu_ids.len && i < b->gpu_ids.len; i++)
        if (!text_equal(a->gpu_ids.items[i], b->gpu_ids.items[i]))
            return false;
    return a->gpus == b->gpus && a->gpu_ids.len == b->gpu_ids.len;
}

static bool restarts_equal(const struct restart_policy *a, const struct restart_policy *b)
{
    if (a->enabled != b->enabled || a->period_s != b->period_s ||
        a->ignored_exit_codes.len != b->ignored_exit_codes.len)
        return false;
    for (size_t i = 0; i < a->ignored_exit_codes.len; i++)
        if (a->ignored_exit_codes.items[i] != b->ignored_exit_codes.items[i])
            return false;
    return true;
}

bool container_spec_equal(const struct container_spec *a, const struct container_spec *b)
{
    assert(a);
    assert(b);
    return text_equal(a->name, b->name) && a->essential == b->essential && a->cpu_units == b->cpu_units &&
           a->memory_mib == b->memory_mib && a->stop_timeout_s == b->stop_timeout_s &&
           a->start_timeout_s == b->start_timeout_s && a->has_health_check == b->has_health_check &&
           restarts_equal(&a->restart, &b->restart) && relations_equal(a, b);
}

#define DEFAULT_STOP_TIMEOUT_S 30

static json_t *restart_to_json(const struct restart_policy *policy)
{
    json_t *codes = json_array();
    for (size_t i = 0; i < policy->ignored_exit_codes.len; i++)
        json_array_append_new(codes, json_integer(policy->ignored_exit_codes.items[i]));
    return json_pack("{s:i,s:o}", "period", policy->period_s, "ignored", codes);
}

static void restart_from_json(const json_t *json, struct restart_policy *ret_policy)
{
    size_t i;
    json_t *code;
    if (!json_is_object(json))
        return;
    ret_policy->enabled = true;
    ret_policy->period_s = model_int_in(json, "period", 0, INT32_MAX);
    json_array_foreach (json_object_get(json, "ignored"), i, code)
        if (i < LIMIT_IGNORED_EXIT_CODES)
            vector_push(&ret_policy->ignored_exit_codes, (int)json_integer_value(code));
}

json_t *container_spec_to_json(const struct container_spec *spec)
{
    assert(spec);
    json_t *json = json_object();
    model_set_string(json, "name", spec->name);
    model_set_bool(json, "nonEssential", !spec->essential);
    model_set_int(json, "cpu", spec->cpu_units);
    model_set_int(json, "memory", spec->memory_mib);
    model_set_int(json, "gpus", spec->gpus);
    if (spec->gpu_ids.len)
        json_object_set_new(json, "gpuIds", model_strings_to_json(&spec->gpu_ids));
    if (spec->stop_timeout_s != DEFAULT_STOP_TIMEOUT_S)
        json_object_set_new(json, "stopTimeout", json_integer(spec->stop_timeout_s));
    model_set_int(json, "startTimeout", spec->start_timeout_s);
    model_set_bool(json, "healthCheck", spec->has_health_check);
    if (spec->restart.enabled)
        json_object_set_new(json, "restart", restart_to_json(&spec->restart));
    if (spec->depends_on.len) {
        json_t *list = json_array();
        for (size_t i = 0; i < spec->depends_on.len; i++)
            json_array_append_new(
                list, json_pack("{s:s,s:s}", "containerName", spec->depends_on.items[i].container,
                                "condition", dependency_condition_name(spec->depends_on.items[i].condition)));
        json_object_set_new(json, "dependsOn", list);
    }
    if (spec->ports.len) {
        json_t *list = json_array();
        for (size_t i = 0; i < spec->ports.len; i++) {
            json_t *port = json_pack("{s:i}", "containerPort", spec->ports.items[i].container_port);
            model_set_int(port, "hostPort", spec->ports.items[i].host_port);
            model_set_string(port, "protocol", spec->ports.items[i].udp ? "udp" : NULL);
            json_array_append_new(list, port);
        }
        json_object_set_new(json, "ports", list);
    }
    return json;
}

int container_spec_from_json(const json_t *json, struct container_spec *ret_spec)
{
    assert(ret_spec);
    if (!model_string(json, "name"))
        return ERROR_INVALID;
    struct container_spec spec = {.name = memory_strdup(model_string(json, "name")),
                                  .essential = !model_bool(json, "nonEssential"),
                                  .cpu_units = model_int_in(json, "cpu", 0, INT32_MAX),
                                  .memory_mib = model_int_in(json, "memory", 0, INT32_MAX),
                                  .gpus = model_int_in(json, "gpus", 0, GPUS_ALL),
                                  .stop_timeout_s = json_object_get(json, "stopTimeout")
                                                        ? model_int_in(json, "stopTimeout", 0, INT32_MAX)
                                                        : DEFAULT_STOP_TIMEOUT_S,
                                  .start_timeout_s = model_int_in(json, "startTimeout", 0, INT32_MAX),
                                  .has_health_check = model_bool(json, "healthCheck")};
    size_t i;
    json_t *item;
    model_strings_from_json(json_object_get(json, "gpuIds"), &spec.gpu_ids);
    json_array_foreach (json_object_get(json, "dependsOn"), i, item) {
        enum dependency_condition condition;
        if (i >= LIMIT_CONTAINERS_PER_TASK || !model_string(item, "containerName") ||
            dependency_condition_parse(model_string(item, "condition"), &condition) < 0) {
            container_spec_deinit(&spec);
            return ERROR_INVALID;
        }
        vector_push(&spec.depends_on, (struct container_dependency){
                                          memory_strdup(model_string(item, "containerName")), condition});
    }
    json_array_foreach (json_object_get(json, "ports"), i, item) {
        if (i >= LIMIT_PORT_MAPPINGS)
            break;
        vector_push(&spec.ports, (struct port_mapping){model_int_in(item, "containerPort", 0, 65535),
                                                       model_int_in(item, "hostPort", 0, 65535),
                                                       text_equal(model_string(item, "protocol"), "udp")});
    }
    restart_from_json(json_object_get(json, "restart"), &spec.restart);
    *ret_spec = spec;
    return 0;
}

struct task_definition *task_definition_ref(struct task_definition *definition)
{
    assert(definition);
    assert(definition->refs > 0);
    definition->refs++;
    return definition;
}

void task_definition_unref(struct task_definition *definition)
{
    if (!definition)
        return;
    assert(definition->refs > 0);
    if (--definition->refs)
        return;
    free(definition->family);
    free(definition->network_mode);
    free(definition->cpu_architecture);
    for (size_t i = 0; i < definition->containers.len; i++)
        container_spec_deinit(&definition->containers.items[i]);
    vector_deinit(&definition->containers);
    placement_constraints_deinit(&definition->constraints);
    json_decref(definition->json);
    free(definition->origin.file);
    free(definition);
}

const struct container_spec *task_definition_container(const struct task_definition *definition,
                                                       const char *name)
{
    assert(definition);
    assert(name);
    for (size_t i = 0; i < definition->containers.len; i++)
        if (text_equal(definition->containers.items[i].name, name))
            return &definition->containers.items[i];
    return NULL;
}

struct service *service_ref(struct service *service)
{
    assert(service);
    assert(service->refs > 0);
    service->refs++;
    return service;
}

void service_unref(struct service *service)
{
    if (!service)
        return;
    assert(service->refs > 0);
    if (--service->refs)
        return;
    free(service->cluster);
    free(service->name);
    free(service->task_definition_text);
    task_definition_unref(service->task_definition);
    service_dependencies_deinit(&service->depends_on);
    string_vec_deinit(&service->pre_deploy);
    for (size_t i = 0; i < service->pre_deploy_definitions.len; i++)
        task_definition_unref(service->pre_deploy_definitions.items[i]);
    vector_deinit(&service->pre_deploy_definitions);
    placement_constraints_deinit(&service->constraints);
    placement_strategies_deinit(&service->strategies);
    capacity_items_deinit(&service->capacity);
    vector_deinit(&service->windows);
    json_decref(service->json);
    free(service->origin.file);
    free(service);
}

void service_dependencies_deinit(struct service_dependency_vec *dependencies)
{
    assert(dependencies);
    for (size_t i = 0; i < dependencies->len; i++)
        free(dependencies->items[i].service);
    vector_deinit(dependencies);
}

json_t *service_dependencies_to_json(const struct service_dependency_vec *dependencies)
{
    assert(dependencies);
    json_t *list = json_array();
    for (size_t i = 0; i < dependencies->len; i++) {
        json_t *item = json_pack("{s:s}", "service", dependencies->items[i].service);
        model_set_bool(item, "complete", dependencies->items[i].complete);
        json_array_append_new(list, item);
    }
    return list;
}

void service_dependencies_from_json(const json_t *json, struct service_dependency_vec *ret_dependencies)
{
    assert(ret_dependencies);
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)json, i, item)
        if (model_string(item, "service"))
            vector_push(ret_dependencies,
                        (struct service_dependency){.service = memory_strdup(model_string(item, "service")),
                                                    .complete = model_bool(item, "complete")});
}

static struct string_vec copy_strings(const struct string_vec *strings)
{
    struct string_vec copy = {0};
    for (size_t i = 0; i < strings->len; i++)
        vector_push(&copy, memory_strdup(strings->items[i]));
    return copy;
}

struct service *service_copy(const struct service *service)
{
    assert(service);
    struct service *copy = NEW(struct service);
    *copy = *service;
    copy->refs = 1;
    copy->cluster = memory_strdup(service->cluster);
    copy->name = memory_strdup(service->name);
    copy->task_definition_text = memory_strdup(service->task_definition_text);
    copy->task_definition = service->task_definition ? task_definition_ref(service->task_definition) : NULL;
    copy->depends_on = (struct service_dependency_vec){0};
    for (size_t i = 0; i < service->depends_on.len; i++)
        vector_push(&copy->depends_on, (struct service_dependency){
                                           .service = memory_strdup(service->depends_on.items[i].service),
                                           .complete = service->depends_on.items[i].complete});
    copy->pre_deploy = copy_strings(&service->pre_deploy);
    copy->pre_deploy_definitions = (struct task_definition_vec){0};
    for (size_t i = 0; i < service->pre_deploy_definitions.len; i++)
        vector_push(&copy->pre_deploy_definitions,
                    task_definition_ref(service->pre_deploy_definitions.items[i]));
    placement_constraints_from_json(service->json, &copy->constraints);
    placement_strategies_from_json(service->json, &copy->strategies);
    capacity_items_from_json(json_object_get(service->json, "capacityProviderStrategy"), &copy->capacity);
    change_windows_from_json(service->json, &copy->windows);
    copy->json = json_incref(service->json);
    copy->origin.file = memory_strdup(service->origin.file);
    return copy;
}

/* As committed; NULL gives NULL. Caller's reference. */
static json_t *manifest_renamed(const json_t *manifest, const char *name)
{
    json_t *copy = manifest ? json_copy((json_t *)(uintptr_t)manifest) : NULL;
    if (copy)
        json_object_set_new(copy, "serviceName", json_string(name));
    return copy;
}

struct service *service_renamed(const struct service *service, const char *name)
{
    assert(service);
    assert(name);
    struct service *copy = service_copy(service);
    free(copy->name);
    copy->name = memory_strdup(name);
    json_decref(copy->json);
    copy->json = manifest_renamed(service->json, name);
    return copy;
}

json_t *service_json_renamed(const json_t *json, const char *name)
{
    assert(json);
    assert(name);
    json_t *copy = json_copy((json_t *)(uintptr_t)json);
    json_object_set_new(copy, "name", json_string(name));
    if (json_object_get(json, "json"))
        json_object_set_new(copy, "json", manifest_renamed(json_object_get(json, "json"), name));
    return copy;
}

const struct digest *service_task_digest(const struct service *service)
{
    static const struct digest none;
    assert(service);
    if (!digest_is_zero(&service->forced))
        return &service->forced;
    return service->task_definition ? &service->task_definition->digest : &none;
}

void service_force(struct service *service, const struct digest *by)
{
    assert(service && by);
    service->forced = digest_combine(service_task_digest(service), by);
    service->digest = digest_combine(&service->digest, by);
}

char *service_key(const char *cluster, const char *name)
{
    assert(cluster);
    assert(name);
    return memory_printf("%s/%s", cluster, name);
}

struct cluster *cluster_ref(struct cluster *cluster)
{
    assert(cluster);
    assert(cluster->refs > 0);
    cluster->refs++;
    return cluster;
}

void cluster_unref(struct cluster *cluster)
{
    if (!cluster)
        return;
    assert(cluster->refs > 0);
    if (--cluster->refs)
        return;
    free(cluster->name);
    container_instances_deinit(&cluster->instances);
    capacity_items_deinit(&cluster->capacity);
    vector_deinit(&cluster->windows);
    json_decref(cluster->json);
    free(cluster->origin.file);
    free(cluster);
}

struct desired *desired_new(void)
{
    struct desired *desired = NEW(struct desired);
    desired->refs = 1;
    return desired;
}

struct desired *desired_ref(struct desired *desired)
{
    assert(desired);
    assert(desired->refs > 0);
    desired->refs++;
    return desired;
}

void desired_unref(struct desired *desired)
{
    if (!desired)
        return;
    assert(desired->refs > 0);
    if (--desired->refs)
        return;
    commit_deinit(&desired->commit);
    for (size_t i = 0; i < desired->clusters.len; i++)
        cluster_unref(desired->clusters.items[i]);
    for (size_t i = 0; i < desired->task_definitions.len; i++) {
        PREFETCH_ITEM(&desired->task_definitions, i);
        task_definition_unref(desired->task_definitions.items[i]);
    }
    for (size_t i = 0; i < desired->services.len; i++) {
        PREFETCH_ITEM(&desired->services, i);
        service_unref(desired->services.items[i]);
    }
    vector_deinit(&desired->clusters);
    vector_deinit(&desired->task_definitions);
    for (size_t i = 0; i < desired->scheduled_tasks.len; i++)
        scheduled_task_unref(desired->scheduled_tasks.items[i]);
    vector_deinit(&desired->services);
    vector_deinit(&desired->scheduled_tasks);
    free(desired);
}

static int compare_clusters(const void *a, const void *b)
{
    return strcmp((*(struct cluster *const *)a)->name, (*(struct cluster *const *)b)->name);
}

static int compare_definitions(const void *a, const void *b)
{
    return strcmp((*(struct task_definition *const *)a)->family,
                  (*(struct task_definition *const *)b)->family);
}

int service_compare(const struct service *left, const struct service *right)
{
    int r = strcmp(left->cluster, right->cluster);
    return r ? r : strcmp(left->name, right->name);
}

static int compare_scheduled(const void *a, const void *b)
{
    return strcmp((*(struct scheduled_task *const *)a)->name, (*(struct scheduled_task *const *)b)->name);
}

static int compare_services(const void *a, const void *b)
{
    return service_compare(*(struct service *const *)a, *(struct service *const *)b);
}

/* What is sorted costs one walk: files often are, and one commit changes little. */
static void sort(void *items, size_t len, int (*compare)(const void *a, const void *b))
{
    for (size_t i = 1; i < len; i++) {
        if (compare((void **)items + i - 1, (void **)items + i) <= 0)
            continue;
        qsort(items, len, sizeof(void *), compare);
        return;
    }
}

void desired_seal(struct desired *desired)
{
    assert(desired);
    sort(desired->clusters.items, desired->clusters.len, compare_clusters);
    sort(desired->task_definitions.items, desired->task_definitions.len, compare_definitions);
    sort(desired->services.items, desired->services.len, compare_services);
    sort(desired->scheduled_tasks.items, desired->scheduled_tasks.len, compare_scheduled);
}

static void *search(const void *items, size_t len, const void *key,
                    int (*compare)(const void *, const void *))
{
    void *const *found = len ? bsearch(&key, items, len, sizeof(void *), compare) : NULL;
    return found ? *found : NULL;
}

struct service *desired_service(const struct desired *desired, const char *cluster, const char *name)
{
    assert(desired);
    const struct service key = {.cluster = (char *)cluster, .name = (char *)name};
    return search(desired->services.items, desired->services.len, &key, compare_services);
}

struct task_definition *desired_task_definition(const struct desired *desired, const char *family)
{
    assert(desired);
    const struct task_definition key = {.family = (char *)family};
    return search(desired->task_definitions.items, desired->task_definitions.len, &key, compare_definitions);
}

struct cluster *desired_cluster(const struct desired *desired, const char *name)
{
    assert(desired);
    const struct cluster key = {.name = (char *)name};
    return search(desired->clusters.items, desired->clusters.len, &key, compare_clusters);
}

json_t *service_to_json(const struct service *service)
{
    assert(service);
    json_t *json = json_pack(
        "{s:s,s:s,s:s,s:i,s:O,s:i,s:i,s:i,s:I,s:I,s:o,s:O}", "cluster", service->cluster, "name",
        service->name, "text", service->task_definition_text, "revision", service->task_definition->revision,
        "taskDefinition", service->task_definition->json, "desiredCount", service->desired_count,
        "minimumHealthyPercent", service->minimum_healthy_percent, "maximumPercent", service->maximum_percent,
        "minimumHealthyMs", (json_int_t)service->minimum_healthy_ms, "graceMs",
        (json_int_t)service->health_check_grace_ms, "breaker", circuit_breaker_to_json(&service->breaker),
        "json", service->json);
    model_set_digest(json, "digest", &service->digest);
    model_set_digest(json, "forced", &service->forced);
    model_set_bool(json, "countAbsent", service->count_absent);
    model_set_bool(json, "daemon", service->daemon);
    model_set_bool(json, "rebalances", service->rebalances);
    model_set_bool(json, "pruneDisabled", service->prune_disabled);
    model_set_bool(json, "crashReport", service->crash_report);
    model_set_bool(json, "suspend", service->suspend);
    if (service->depends_on.len)
        json_object_set_new(json, "dependsOn", service_dependencies_to_json(&service->depends_on));
    if (service->pre_deploy.len)
        json_object_set_new(json, "preDeploy", model_strings_to_json(&service->pre_deploy));
    return json;
}
