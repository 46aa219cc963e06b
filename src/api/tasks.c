#include "api/operation.h"
#include "base/text.h"
#include "model/json.h"

#include <stdio.h>

static bool is_to_stop(const struct task *task)
{
    return task->stop || task->status == TASK_STOPPED || task->status == TASK_STOPPING;
}

/* --- ECS: list ------------------------------------------------------------------------------------------ */

struct task_filter {
    const char *service;
    const char *family;
    const char *instance;
    const char *started_by;
    bool stopped; /* desiredStatus */
};

static bool passes(const struct task_filter *filter, const struct task *task)
{
    return is_to_stop(task) == filter->stopped &&
           (!filter->family || text_equal(filter->family, task->family)) &&
           (!filter->instance || text_equal(filter->instance, task->instance)) &&
           (!filter->started_by || text_equal(filter->started_by, task->deployment));
}

static int read_filter(const json_t *input, struct task_filter *ret_filter, struct api_fault *fault)
{
    const char *service = model_string(input, "serviceName");
    const char *instance = model_string(input, "containerInstance");
    *ret_filter = (struct task_filter){
        .service = service ? api_name_of(service, "service", NULL) : NULL,
        .family = model_string(input, "family"),
        .instance = instance ? api_name_of(instance, "container-instance", NULL) : NULL,
        .started_by = model_string(input, "startedBy"),
        .stopped = text_equal(model_string(input, "desiredStatus"), "STOPPED"),
    };
    if ((service && !ret_filter->service) || (instance && !ret_filter->instance))
        return api_fault_invalid(fault, "Invalid identifier: the ARN is of another kind.");
    return 0;
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void list_of_service(struct api *api, const struct view_service *view,
                            const struct task_filter *filter, struct string_vec *arns)
{
    struct task_vec tasks CLEANUP(task_vec_deinit);
    core_view_tasks(api->core, view->cluster, view->name, api->now_ms(api->data), &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        if (passes(filter, &tasks.items[i]))
            vector_push(arns, api_task_arn(api, view->cluster, tasks.items[i].id));
}

int api_list_tasks(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const char *cluster;
    struct task_filter filter;
    struct view_service view;
    int r = api_input_cluster(api, input, &cluster, fault);
    if (r < 0 || (r = read_filter(input, &filter, fault)) < 0)
        return r;
    if (filter.service && !core_view_service(api->core, cluster, filter.service, &view))
        return api_fault_not_found(fault, "ServiceNotFoundException", "Service not found.");
    /* ECS documents PENDING and never finds anything by it */
    const char *launch_type = model_string(input, "launchType");
    bool any = !text_equal(model_string(input, "desiredStatus"), "PENDING") &&
               (!launch_type || text_equal(launch_type, "EC2"));
    struct string_vec arns CLEANUP(string_vec_deinit) = {0};
    for (size_t i = 0; any && core_view_service_at(api->core, i, &view); i++)
        if (text_equal(view.cluster, cluster) && (!filter.service || text_equal(filter.service, view.name)))
            list_of_service(api, &view, &filter, &arns);
    if (arns.len)
        qsort(arns.items, arns.len, sizeof *arns.items, by_text);
    json_t *list = json_array();
    for (size_t i = 0; i < arns.len; i++)
        json_array_append_new(list, json_string(arns.items[i]));
    return api_page(&(struct api_page){"taskArns", 100}, input, list, ret_output, fault);
}

/* The address of a task that has one of its own; NULL: its containers have theirs, or the instance's. */
static const char *address_of(const struct task *task)
{
    const struct container *pause = task_container(task, PAUSE_CONTAINER);
    return pause ? pause->ip : NULL;
}

/* --- ECS: describe -------------------------------------------------------------------------------------- */

struct described {
    const char *cluster;
    const char *service;
    const struct task *task;
};

static json_t *bindings_json(const struct container *container)
{
    json_t *list = json_array();
    for (size_t i = 0; i < container->ports.len; i++) {
        const struct port_binding *port = &container->ports.items[i];
        json_array_append_new(list, json_pack("{s:s,s:i,s:i,s:s}", "bindIP", port->host_ip, "containerPort",
                                              port->container_port, "hostPort", port->host_port, "protocol",
                                              port->udp ? "udp" : "tcp"));
    }
    return list;
}

/* The network of a task in mode awsvpc, as ECS tells of it. */
static json_t *attachments_json(const struct task *task)
{
    const char *address = address_of(task);
    if (!address)
        return json_array();
    return json_pack("[{s:s,s:s,s:s,s:[{s:s,s:s}]}]", "id", task->id, "type", "ElasticNetworkInterface",
                     "status", "ATTACHED", "details", "name", "privateIPv4Address", "value", address);
}

static json_t *interfaces_json(const struct task *task)
{
    const char *address = address_of(task);
    if (!address)
        return json_array();
    return json_pack("[{s:s,s:s}]", "attachmentId", task->id, "privateIpv4Address", address);
}

static json_t *container_json(const struct api *api, const struct described *of,
                              const struct container *container)
{
    const struct container_spec *spec = &container->labels.spec;
    char cpu[16];
    snprintf(cpu, sizeof cpu, "%d", spec->cpu_units);
    json_t *json = json_object();
    api_set_owned(json, "containerArn",
                  api_arn(api, "container/%s/%s/%s", of->cluster, of->task->id, spec->name));
    api_set_owned(json, "taskArn", api_task_arn(api, of->cluster, of->task->id));
    json_object_update_new(json,
                           json_pack("{s:s,s:s*,s:s*,s:s,s:s,s:s,s:o,s:o}", "name", spec->name, "image",
                                     container->image, "runtimeId", container->id, "lastStatus",
                                     container_status_name(container->status), "healthStatus",
                                     health_status_name(container->health), "cpu", cpu, "networkInterfaces",
                                     interfaces_json(of->task), "networkBindings", bindings_json(container)));
    model_set_string(json, "imageDigest", container->image_id);
    model_set_string(json, "reason", container->reason);
    if (container->has_exit_code)
        json_object_set_new(json, "exitCode", json_integer(container->exit_code));
    if (spec->memory_mib) {
        snprintf(cpu, sizeof cpu, "%d", spec->memory_mib);
        model_set_string(json, "memory", cpu);
    }
    return json;
}

/* ECS 2.8 */
static const char *stop_code(const struct task *task)
{
    bool started = false;
    for (size_t i = 0; i < task->containers_len; i++)
        started |= task->containers[i]->started_ms != 0;
    if (task->failed)
        return started ? "EssentialContainerExited" : "TaskFailedToStart";
    return "ServiceSchedulerInitiated";
}

static void set_times(const struct task *task, json_t *json)
{
    api_set_time(json, "createdAt", task->created_ms);
    api_set_time(json, "startedAt", task->started_ms);
    api_set_time(json, "stoppedAt", task->stopped_ms);
    if (task->status == TASK_STOPPED)
        api_set_time(json, "executionStoppedAt", task->stopped_ms);
    if (!is_to_stop(task))
        return;
    model_set_string(json, "stopCode", stop_code(task));
    model_set_string(json, "stoppedReason", task->stop_reason);
}

static void set_resources(const struct task *task, json_t *json)
{
    char text[16];
    int cpu_units = 0;
    int memory_mib = 0;
    for (size_t i = 0; i < task->containers_len; i++) {
        cpu_units += task->containers[i]->labels.spec.cpu_units;
        memory_mib += task->containers[i]->labels.spec.memory_mib;
    }
    snprintf(text, sizeof text, "%d", cpu_units);
    model_set_string(json, "cpu", text);
    snprintf(text, sizeof text, "%d", memory_mib);
    model_set_string(json, "memory", text);
}

static void set_connectivity(const struct api *api, const struct task *task, json_t *json)
{
    int64_t since_ms = 0;
    bool lost = core_instance_is_lost(api->core, task->instance, &since_ms);
    model_set_string(json, "connectivity", lost ? "DISCONNECTED" : "CONNECTED");
    api_set_time(json, "connectivityAt", since_ms);
}

static json_t *describe(const struct api *api, const struct described *of)
{
    const struct task *task = of->task;
    json_t *containers = json_array();
    for (size_t i = 0; i < task->containers_len; i++)
        if (!container_is_internal(task->containers[i]->labels.spec.name))
            json_array_append_new(containers, container_json(api, of, task->containers[i]));
    json_t *json = json_pack(
        "{s:s,s:s,s:s,s:s,s:s*,s:o,s:o,s:[],s:[],s:{s:[]},s:b,s:i}", "lastStatus",
        task_status_name(task->status), "desiredStatus", is_to_stop(task) ? "STOPPED" : "RUNNING",
        "healthStatus", health_status_name(task->health), "launchType", "EC2", "startedBy", task->deployment,
        "containers", containers, "attachments", attachments_json(task), "attributes", "tags", "overrides",
        "containerOverrides", "enableExecuteCommand", 0, "version", 1);
    api_set_owned(json, "taskArn", api_task_arn(api, of->cluster, task->id));
    api_set_owned(json, "clusterArn", api_cluster_arn(api, of->cluster));
    api_set_owned(json, "group", memory_printf("service:%s", of->service));
    if (task->family)
        api_set_owned(json, "taskDefinitionArn", api_task_definition_arn(api, task->family, task->revision));
    if (task->instance)
        api_set_owned(json, "containerInstanceArn", api_instance_arn(api, of->cluster, task->instance));
    set_connectivity(api, task, json);
    set_resources(task, json);
    set_times(task, json);
    return json;
}

/* id -> description, of those tasks of the cluster whose id is a key. */
static void describe_wanted(struct api *api, const char *cluster, struct map *wanted)
{
    struct view_service view;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++) {
        if (!text_equal(view.cluster, cluster))
            continue;
        struct task_vec tasks CLEANUP(task_vec_deinit);
        core_view_tasks(api->core, cluster, view.name, api->now_ms(api->data), &tasks);
        for (size_t t = 0; t < tasks.len; t++) {
            struct described of = {cluster, view.name, &tasks.items[t]};
            if (map_get(wanted, of.task->id))
                map_put(wanted, of.task->id, describe(api, &of));
        }
    }
}

int api_describe_tasks(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const char *cluster;
    int r = api_input_cluster(api, input, &cluster, fault);
    if (r < 0 || (r = api_input_names(input, "tasks", 100, fault)) < 0)
        return r;
    struct map wanted CLEANUP(map_deinit) = MAP_INIT(json_decref);
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(input, "tasks"), i, item) {
        char *of CLEANUP_FREE = NULL;
        const char *id = api_name_of(json_string_value(item), "task", &of);
        if (!id || (of && !text_equal(of, cluster)))
            return api_fault_invalid(fault,
                                     "Invalid identifier: Identifier is for cluster %s. Your cluster is %s",
                                     of ? of : "?", cluster);
        map_put(&wanted, id, json_null());
    }
    describe_wanted(api, cluster, &wanted);
    json_t *tasks = json_array();
    json_t *failures = json_array();
    map_for_each (&wanted, entry) {
        if (json_is_null((json_t *)entry->value))
            api_add_missing(failures, api_task_arn(api, cluster, entry->key));
        else
            json_array_append(tasks, entry->value);
    }
    *ret_output = json_pack("{s:o,s:o}", "tasks", tasks, "failures", failures);
    return 0;
}

/* --- native --------------------------------------------------------------------------------------------- */

static json_t *native_container_json(const struct container *container)
{
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s*,s:o}", "name", container->labels.spec.name, "id",
                             container->id, "status", container_status_name(container->status), "health",
                             health_status_name(container->health), "image", container->image, "ports",
                             bindings_json(container));
    if (container->has_exit_code)
        json_object_set_new(json, "exitCode", json_integer(container->exit_code));
    model_set_bool(json, "oomKilled", container->oom_killed);
    model_set_string(json, "reason", container->reason);
    return json;
}

/* ECS's HEALTH UNKNOWN has three causes; these tell which. */
static void set_health_causes(const struct api *api, const struct task *task, json_t *json)
{
    int64_t lost_ms = 0;
    bool checked = false;
    for (size_t i = 0; i < task->containers_len; i++)
        checked |=
            task->containers[i]->labels.spec.essential && task->containers[i]->labels.spec.has_health_check;
    json_object_set_new(json, "hasHealthCheck", json_boolean(checked));
    if (task->status == TASK_STOPPED)
        return;
    json_object_set_new(json, "lost",
                        json_boolean(core_instance_is_lost(api->core, task->instance, &lost_ms)));
    api_set_time_text(json, "lostAt", lost_ms);
}

static json_t *native_json(const struct api *api, const struct described *of)
{
    const struct task *task = of->task;
    json_t *containers = json_array();
    for (size_t i = 0; i < task->containers_len; i++)
        if (!container_is_internal(task->containers[i]->labels.spec.name))
            json_array_append_new(containers, native_container_json(task->containers[i]));
    json_t *json =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:s*,s:s*,s:s*,s:o}", "id", task->id, "cluster", of->cluster,
                  "service", of->service, "status", task_status_name(task->status), "desiredStatus",
                  is_to_stop(task) ? "STOPPED" : "RUNNING", "health", health_status_name(task->health),
                  "healthy", task->healthy, "instance", task->instance, "deployment", task->deployment,
                  "commit", task->commit, "containers", containers);
    if (task->family)
        api_set_owned(json, "taskDefinition", memory_printf("%s:%d", task->family, task->revision));
    set_health_causes(api, task, json);
    model_set_string(json, "address", address_of(task));
    model_set_string(json, "stopReason", task->stop_reason);
    api_set_time_text(json, "createdAt", task->created_ms);
    api_set_time_text(json, "startedAt", task->started_ms);
    api_set_time_text(json, "stoppedAt", task->stopped_ms);
    return json;
}

int api_get_tasks(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    int r = api_check_target(api, input, fault);
    if (r < 0)
        return r;
    json_t *list = json_array();
    struct view_service view;
    for (size_t at = 0; api_next_service(api, input, &at, &view);) {
        struct task_vec tasks CLEANUP(task_vec_deinit);
        core_view_tasks(api->core, view.cluster, view.name, api->now_ms(api->data), &tasks);
        for (size_t t = 0; t < tasks.len; t++) {
            struct described of = {view.cluster, view.name, &tasks.items[t]};
            json_array_append_new(list, native_json(api, &of));
        }
    }
    *ret_output = api_list("tasks", list);
    return 0;
}
