/* ECS's container instances: the engines of the configuration, as a cluster sees them. */
#include "api/operation.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>

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
    if (arns.len)
        qsort(arns.items, arns.len, sizeof *arns.items, by_name);
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

static json_t *resources(int64_t cpu_units, int64_t memory_mib)
{
    return json_pack("[{s:s,s:s,s:f,s:i,s:I},{s:s,s:s,s:f,s:i,s:I}]", "name", "CPU", "type", "INTEGER",
                     "doubleValue", 0.0, "longValue", 0, "integerValue", (json_int_t)cpu_units, "name",
                     "MEMORY", "type", "INTEGER", "doubleValue", 0.0, "longValue", 0, "integerValue",
                     (json_int_t)memory_mib);
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
    json_object_set_new(json, "registeredResources",
                        resources(view->info->cpu_units, view->info->memory_mib));
    json_object_set_new(json, "remainingResources", resources(view->cpu_units_free, view->memory_mib_free));
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
