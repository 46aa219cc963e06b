#include "api/operation.h"
#include "base/buffer.h"
#include "model/json.h"

/* Whether there is a cluster whose tasks may go to the instance: it is ACTIVE there, or the cluster declares
 * none. */
static bool is_active_somewhere(const struct api *api, const char *name)
{
    const struct desired *desired = core_desired(api->core);
    struct string_vec clusters CLEANUP(string_vec_deinit) = {0};
    api_clusters(api, &clusters);
    for (size_t i = 0; i < clusters.len; i++) {
        const struct cluster *cluster = desired ? desired_cluster(desired, clusters.items[i]) : NULL;
        if (!cluster || container_instances_keep(&cluster->instances, name))
            return true;
    }
    return false;
}

/* What the clusters that declare the instance say of it: {cluster: {status, attributes}}, and its status in a
 * word, or with the clusters that it is DRAINING in where it is not in all of them. */
static void set_clusters(const struct api *api, const char *name, json_t *json)
{
    const struct desired *desired = core_desired(api->core);
    json_t *clusters = json_object();
    struct buffer draining = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (size_t i = 0; desired && i < desired->clusters.len; i++) {
        const struct cluster *cluster = desired->clusters.items[i];
        const struct container_instance *instance = container_instances_find(&cluster->instances, name);
        if (!instance)
            continue;
        json_t *attributes = json_object();
        for (size_t a = 0; a < instance->attributes.len; a++)
            model_set_string(attributes, instance->attributes.items[a].name,
                             instance->attributes.items[a].value);
        json_t *one = json_pack("{s:s,s:o}", "status", instance->draining ? "DRAINING" : "ACTIVE",
                                "attributes", attributes);
        if (instance->gpus.len)
            json_object_set_new(one, "gpus", model_strings_to_json(&instance->gpus));
        json_object_set_new(clusters, cluster->name, one);
        if (instance->draining)
            buffer_printf(&draining, "%s%s", draining.len ? ", " : " in ", cluster->name);
    }
    char *status CLEANUP_FREE =
        draining.len
            ? memory_printf("DRAINING%s", is_active_somewhere(api, name) ? buffer_str(&draining) : "")
            : memory_strdup("ACTIVE");
    json_object_set_new(json, "status", json_string(status));
    json_object_set_new(json, "clusters", clusters);
    buffer_deinit(&draining);
}

json_t *api_instances_json(const struct api *api)
{
    json_t *list = json_array();
    for (size_t i = 0; i < core_instances_len(api->core); i++) {
        struct view_instance view;
        core_view_instance_at(api->core, i, &view);
        json_t *json =
            json_pack("{s:s,s:b,s:i,s:i,s:I,s:I,s:I}", "name", view.name, "connected", view.connected,
                      "runningTasks", view.running_tasks, "pendingTasks", view.pending_tasks, "containers",
                      (json_int_t)view.containers_len, "cpuUnitsFree", (json_int_t)view.cpu_units_free,
                      "memoryMibFree", (json_int_t)view.memory_mib_free);
        if (view.gpu_ids->len)
            json_object_set_new(json, "gpusInUse", model_strings_to_json(view.gpu_ids));
        set_clusters(api, view.name, json);
        model_set_string(json, "message", view.connected ? NULL : view.message);
        api_set_time_text(json, "lostAt", view.lost_ms);
        if (view.info) {
            model_set_string(json, "engine", view.info->engine);
            model_set_string(json, "apiVersion", view.info->api_version);
            model_set_string(json, "os", view.info->os);
            model_set_string(json, "arch", view.info->arch);
            model_set_int(json, "cpuUnits", view.info->cpu_units);
            model_set_int(json, "memoryMib", view.info->memory_mib);
        }
        json_array_append_new(list, json);
    }
    return list;
}

int api_get_instances(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    (void)input;
    (void)fault;
    *ret_output = api_list("instances", api_instances_json(api));
    return 0;
}
