#include "api/operation.h"
#include "model/json.h"

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
