/* ECS's container instances: the engines of the configuration, as a cluster sees them. */
#include "api/operation.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>

/* What the cluster declares of itself; NULL: it has no manifest. */
static const struct cluster *cluster_of(const struct api *api, const char *cluster)
{
    const struct desired *desired = core_desired(api->core);
    return desired ? desired_cluster(desired, cluster) : NULL;
}

static const struct container_instance *declared_of(const struct api *api, const char *cluster,
                                                    const char *instance)
{
    const struct cluster *found = cluster_of(api, cluster);
    return found ? container_instances_find(&found->instances, instance) : NULL;
}

bool api_has_instance(const struct api *api, const char *cluster, const char *instance)
{
    const struct cluster *found = cluster_of(api, cluster);
    return !found || !found->instances.len || container_instances_find(&found->instances, instance);
}

static const char *status_of(const struct api *api, const char *cluster, const char *instance)
{
    const struct container_instance *declared = declared_of(api, cluster, instance);
    return declared && declared->draining ? "DRAINING" : "ACTIVE";
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* ECS's; an instance of davit's is one of the first two. */
static bool is_status(const char *status)
{
    static const char *const all[] = {"ACTIVE", "DRAINING", "REGISTERING", "DEREGISTERING",
                                      "REGISTRATION_FAILED"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (text_equal(all[i], status))
            return true;
    return false;
}

int api_list_container_instances(struct api *api, const json_t *input, json_t **ret_output,
                                 struct api_fault *fault)
{
    const char *cluster;
    const char *status = model_string(input, "status");
    const char *filter = model_string(input, "filter");
    struct string_vec arns CLEANUP(string_vec_deinit) = {0};
    int r = api_input_cluster(api, input, &cluster, fault);
    if (r < 0)
        return r;
    if (status && !is_status(status))
        return api_fault_invalid(fault, "status: \"%.64s\" is none; an instance is ACTIVE or DRAINING",
                                 status);
    if (filter && filter[0])
        return api_fault_invalid(fault, "filter: davit lists by status only");
    for (size_t i = 0; i < core_instances_len(api->core); i++) {
        const char *name = core_instance_name(api->core, i);
        if (api_has_instance(api, cluster, name) &&
            (!status || text_equal(status, status_of(api, cluster, name))))
            vector_push(&arns, api_instance_arn(api, cluster, name));
    }
    vector_sort(&arns, by_name);
    json_t *list = json_array();
    for (size_t i = 0; i < arns.len; i++)
        json_array_append_new(list, json_string(arns.items[i]));
    return api_page(&(struct api_page){"containerInstanceArns", 100}, input, list, ret_output, fault);
}

/* --- describe ------------------------------------------------------------------------------------------- */

struct task_counts {
    int running;
    int pending;
};

static void count(struct map *counts, const char *instance, enum task_status status)
{
    struct task_counts *of = map_get(counts, instance);
    if (!of) {
        of = NEW(struct task_counts);
        map_put(counts, instance, of);
    }
    of->running += status == TASK_RUNNING;
    of->pending += status == TASK_PENDING;
}

/* The cluster's tasks by instance, for all that are asked for: there may be tens of thousands. */
static struct map counts_of(const struct api *api, const char *cluster)
{
    struct map counts = MAP_INIT(free);
    struct view_service view;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++) {
        struct task_vec tasks CLEANUP(task_vec_deinit) = {0};
        if (text_equal(view.cluster, cluster))
            core_view_tasks(api->core, cluster, view.name, api->now_ms(api->data), &tasks);
        for (size_t t = 0; t < tasks.len; t++)
            count(&counts, tasks.items[t].instance, tasks.items[t].status);
    }
    struct view_run_vec runs;
    core_view_runs(api->core, &runs);
    for (size_t i = 0; i < runs.len; i++)
        if (text_equal(runs.items[i].run->cluster, cluster) && runs.items[i].run->instance)
            count(&counts, runs.items[i].run->instance, runs.items[i].status);
    vector_deinit(&runs);
    return counts;
}

/* --- resources ------------------------------------------------------------------------------------------ */

static void add_number(json_t *list, const char *name, int64_t value)
{
    json_array_append_new(list,
                          json_pack("{s:s,s:s,s:f,s:i,s:I}", "name", name, "type", "INTEGER", "doubleValue",
                                    0.0, "longValue", 0, "integerValue", (json_int_t)value));
}

/* Takes the values over. */
static void add_set(json_t *list, const char *name, json_t *values)
{
    json_array_append_new(list, json_pack("{s:s,s:s,s:f,s:i,s:i,s:o}", "name", name, "type", "STRINGSET",
                                          "doubleValue", 0.0, "longValue", 0, "integerValue", 0,
                                          "stringSetValue", values));
}

static int by_number(const void *left, const void *right)
{
    return *(const int *)left - *(const int *)right;
}

/* Each once, in order. */
static json_t *port_numbers(const struct plan_port_vec *ports, bool udp)
{
    json_t *numbers = json_array();
    int *sorted CLEANUP_FREE = memory_calloc(ports->len + 1, sizeof *sorted);
    size_t len = 0;
    for (size_t i = 0; i < ports->len; i++)
        if (ports->items[i].udp == udp)
            sorted[len++] = ports->items[i].port;
    qsort(sorted, len, sizeof *sorted, by_number);
    for (size_t i = 0; i < len; i++)
        if (i == 0 || sorted[i] != sorted[i - 1])
            json_array_append_new(numbers, json_sprintf("%d", sorted[i]));
    return numbers;
}

static json_t *gpus_of(const struct container_instance *declared, const struct string_vec *in_use)
{
    json_t *gpus = json_array();
    for (size_t i = 0; i < declared->gpus.len; i++) {
        bool taken = false;
        for (size_t k = 0; k < in_use->len; k++)
            taken = taken || text_equal(in_use->items[k], declared->gpus.items[i]);
        if (!taken)
            json_array_append_new(gpus, json_string(declared->gpus.items[i]));
    }
    return gpus;
}

/* davit keeps no ports for itself. */
static json_t *registered(const struct container_instance *declared, const struct view_instance *view)
{
    json_t *list = json_array();
    add_number(list, "CPU", view->info->cpu_units);
    add_number(list, "MEMORY", view->info->memory_mib);
    add_set(list, "PORTS", json_array());
    add_set(list, "PORTS_UDP", json_array());
    if (declared && declared->gpus.len)
        add_set(list, "GPU", model_strings_to_json(&declared->gpus));
    return list;
}

/* As in ECS: the ports are those in use. */
static json_t *remaining(const struct container_instance *declared, const struct view_instance *view)
{
    json_t *list = json_array();
    add_number(list, "CPU", view->cpu_units_free);
    add_number(list, "MEMORY", view->memory_mib_free);
    add_set(list, "PORTS", port_numbers(view->ports, false));
    add_set(list, "PORTS_UDP", port_numbers(view->ports, true));
    if (declared && declared->gpus.len)
        add_set(list, "GPU", gpus_of(declared, view->gpu_ids));
    return list;
}

static void add_attribute(json_t *list, const char *name, const char *value)
{
    json_t *json = json_pack("{s:s}", "name", name);
    model_set_string(json, "value", value);
    json_array_append_new(list, json);
}

static json_t *attributes_of(const struct container_instance *declared, const struct instance_info *info)
{
    json_t *list = json_array();
    for (size_t i = 0; declared && i < declared->attributes.len; i++)
        add_attribute(list, declared->attributes.items[i].name, declared->attributes.items[i].value);
    if (info && info->os)
        add_attribute(list, "ecs.os-type", info->os);
    if (info && info->arch)
        add_attribute(list, "ecs.cpu-architecture", info->arch);
    return list;
}

static json_t *describe(const struct api *api, const char *cluster, const struct view_instance *view,
                        const struct map *all)
{
    const struct container_instance *declared = declared_of(api, cluster, view->name);
    const struct task_counts *some = map_get(all, view->name);
    const struct task_counts counts = some ? *some : (struct task_counts){0};
    json_t *json =
        json_pack("{s:s,s:I,s:s,s:b,s:i,s:i,s:o,s:[],s:[]}", "ec2InstanceId", view->name, "version",
                  (json_int_t)0, "status", status_of(api, cluster, view->name), "agentConnected",
                  view->connected, "runningTasksCount", counts.running, "pendingTasksCount", counts.pending,
                  "attributes", attributes_of(declared, view->info), "attachments", "tags");
    api_set_owned(json, "containerInstanceArn", api_instance_arn(api, cluster, view->name));
    model_set_string(json, "capacityProviderName", declared ? declared->capacity_provider : NULL);
    if (!view->info)
        return json;
    json_t *version = json_object();
    model_set_string(version, "dockerVersion", view->info->engine);
    json_object_set_new(json, "versionInfo", version);
    json_object_set_new(json, "registeredResources", registered(declared, view));
    json_object_set_new(json, "remainingResources", remaining(declared, view));
    return json;
}

static bool find(const struct api *api, const char *cluster, const char *name, struct view_instance *ret_view)
{
    for (size_t i = 0; i < core_instances_len(api->core); i++) {
        if (!text_equal(core_instance_name(api->core, i), name))
            continue;
        core_view_instance_at(api->core, i, ret_view);
        return api_has_instance(api, cluster, name);
    }
    return false;
}

int api_describe_container_instances(struct api *api, const json_t *input, json_t **ret_output,
                                     struct api_fault *fault)
{
    const char *cluster;
    int r = api_input_cluster(api, input, &cluster, fault);
    if (r < 0 || (r = api_input_names(input, "containerInstances", 100, fault)) < 0)
        return r;
    struct map counts CLEANUP(map_deinit) = counts_of(api, cluster);
    json_t *found = json_array();
    json_t *failures = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(input, "containerInstances"), i, item) {
        char *of CLEANUP_FREE = NULL;
        const char *given = json_string_value(item);
        const char *name = api_name_of(given, "container-instance", &of);
        struct view_instance view;
        if (name && (!of || text_equal(of, cluster)) && find(api, cluster, name, &view))
            json_array_append_new(found, describe(api, cluster, &view, &counts));
        else
            api_add_missing(failures, api_instance_arn(api, cluster, name ? name : given));
    }
    *ret_output = json_pack("{s:o,s:o}", "containerInstances", found, "failures", failures);
    return 0;
}
