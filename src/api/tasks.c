#include "api/operation.h"
#include "base/text.h"
#include "model/image.h"
#include "model/json.h"

#include <stdio.h>

/* A task as it is told of: of a service, or a standalone one. */
struct described {
    const char *cluster;
    const char *service;        /* NULL: a standalone task */
    const struct view_run *run; /* NULL: a task of the service */
    const struct task *task;
    const struct service_ledger *ledger; /* of its service; NULL: none */
};

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

static const char *started_by(const struct described *of)
{
    return of->run ? of->run->run->started_by : of->task->deployment;
}

static bool passes(const struct task_filter *filter, const struct described *of)
{
    const struct task *task = of->task;
    return is_to_stop(task) == filter->stopped &&
           (!filter->family || text_equal(filter->family, task->family)) &&
           (!filter->instance || text_equal(filter->instance, task->instance)) &&
           (!filter->started_by || text_equal(filter->started_by, started_by(of)));
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
    for (size_t i = 0; i < tasks.len; i++) {
        const struct described of = {view->cluster, view->name, NULL, &tasks.items[i], view->ledger};
        if (passes(filter, &of))
            vector_push(arns, api_task_arn(api, view->cluster, tasks.items[i].id));
    }
}

/* Whatever there is of it by now, or still: what its entry says goes before what is seen. Borrows of both. */
static struct task task_of_run(const struct view_run *view, const struct task_vec *seen)
{
    const struct run *run = view->run;
    struct task task = seen->len ? seen->items[0] : (struct task){.health = HEALTH_UNKNOWN};
    memcpy(task.id, run->id, sizeof task.id);
    task.instance = run->instance;
    task.family = run->family;
    task.revision = run->revision;
    task.commit = run->commit;
    task.status = view->status;
    if (run->stop_code || view->status != TASK_STOPPED) {
        task.stop = run->stop_code != NULL;
        task.stop_reason = run->stop_reason;
    }
    task.created_ms = run->created_ms;
    if (run->stopped_ms) {
        task.started_ms = run->started_ms;
        task.stopped_ms = run->stopped_ms;
    }
    return task;
}

static void visit_run(struct api *api, const struct view_run *view,
                      void (*visit)(void *data, const struct described *of), void *data)
{
    struct task_vec seen CLEANUP(task_vec_deinit);
    core_view_run_tasks(api->core, view->run->cluster, view->run->id, api->now_ms(api->data), &seen);
    const struct task task = task_of_run(view, &seen);
    visit(data, &(struct described){view->run->cluster, NULL, view, &task, NULL});
}

static void visit_runs(struct api *api, const char *cluster,
                       void (*visit)(void *data, const struct described *of), void *data)
{
    struct view_run_vec runs;
    core_view_runs(api->core, &runs);
    for (size_t i = 0; i < runs.len; i++)
        if (!cluster || text_equal(runs.items[i].run->cluster, cluster))
            visit_run(api, &runs.items[i], visit, data);
    vector_deinit(&runs);
}

struct listing {
    const struct api *api;
    const struct task_filter *filter;
    struct string_vec *arns;
};

static void list_run(void *data, const struct described *of)
{
    const struct listing *listing = data;
    if (passes(listing->filter, of))
        vector_push(listing->arns, api_task_arn(listing->api, of->cluster, of->task->id));
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
    struct listing listing = {api, &filter, &arns};
    if (any && !filter.service)
        visit_runs(api, cluster, list_run, &listing);
    vector_sort(&arns, by_text);
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

/* As its task definition has it; of an unknown deployment as the container was created. */
static const char *image_name(const struct described *of, const struct container *container)
{
    for (size_t i = 0; of->ledger && i < of->ledger->deployments.len; i++)
        if (text_equal(of->ledger->deployments.items[i].id, container->labels.deployment))
            return deployment_image_name(&of->ledger->deployments.items[i], container->image);
    return container->image;
}

/* Of the registry; of an image that was built on the instance its id there. */
static const char *digest_of(const struct container *container)
{
    const char *digest = container->image ? image_digest(container->image) : NULL;
    return digest ? digest : container->image_id;
}

static json_t *container_json(const struct api *api, const struct described *of,
                              const struct container *container)
{
    const struct container_spec *spec = container->labels.spec;
    char cpu[16];
    snprintf(cpu, sizeof cpu, "%d", spec->cpu_units);
    json_t *json = json_object();
    api_set_owned(json, "containerArn",
                  api_arn(api, "container/%s/%s/%s", of->cluster, of->task->id, spec->name));
    api_set_owned(json, "taskArn", api_task_arn(api, of->cluster, of->task->id));
    json_object_update_new(json,
                           json_pack("{s:s,s:s*,s:s*,s:s,s:s,s:s,s:o,s:o}", "name", spec->name, "image",
                                     image_name(of, container), "runtimeId", container->id, "lastStatus",
                                     container_status_name(container->status), "healthStatus",
                                     health_status_name(container->health), "cpu", cpu, "networkInterfaces",
                                     interfaces_json(of->task), "networkBindings", bindings_json(container)));
    model_set_string(json, "imageDigest", digest_of(container));
    model_set_string(json, "reason", container->reason);
    if (container->has_exit_code)
        json_object_set_new(json, "exitCode", json_integer(container->exit_code));
    if (spec->memory_mib) {
        snprintf(cpu, sizeof cpu, "%d", spec->memory_mib);
        model_set_string(json, "memory", cpu);
    }
    return json;
}

/* One that there is nothing of yet, or nothing any more. */
static void add_container(const struct api *api, const struct described *of, json_t *json, json_t *containers)
{
    api_set_owned(json, "containerArn",
                  api_arn(api, "container/%s/%s/%s", of->cluster, of->task->id, model_string(json, "name")));
    api_set_owned(json, "taskArn", api_task_arn(api, of->cluster, of->task->id));
    json_array_append_new(containers, json);
}

/* Of a standalone task those too that are still to be created, or that are gone by now. */
static void add_absent(const struct api *api, const struct described *of, json_t *containers)
{
    const struct run *run = of->run->run;
    size_t i;
    json_t *item;
    if (run->task_definition)
        json_array_foreach (json_object_get(run->task_definition->json, "containerDefinitions"), i, item)
            if (!task_container(of->task, model_string(item, "name")))
                add_container(api, of,
                              json_pack("{s:s,s:s*,s:s,s:[]}", "name", model_string(item, "name"), "image",
                                        model_string(item, "image"), "lastStatus",
                                        run->stop_code ? "STOPPED" : "PENDING", "networkInterfaces"),
                              containers);
    for (i = 0; i < run->exits.len; i++) {
        const struct run_exit *exit = &run->exits.items[i];
        if (task_container(of->task, exit->container))
            continue;
        json_t *json = json_pack("{s:s,s:s*,s:s,s:s*,s:[]}", "name", exit->container, "image", exit->image,
                                 "lastStatus", "STOPPED", "reason", exit->reason, "networkInterfaces");
        if (exit->has_exit_code)
            json_object_set_new(json, "exitCode", json_integer(exit->exit_code));
        add_container(api, of, json, containers);
    }
}

/* ECS 2.8 */
static const char *stop_code(const struct described *of)
{
    const struct task *task = of->task;
    bool started = false;
    if (of->run)
        return of->run->run->stop_code;
    for (size_t i = 0; i < task->containers_len; i++)
        started |= task->containers[i]->started_ms != 0;
    if (task->failed)
        return started ? "EssentialContainerExited" : "TaskFailedToStart";
    return "ServiceSchedulerInitiated";
}

static void set_times(const struct described *of, json_t *json)
{
    const struct task *task = of->task;
    api_set_time(json, "createdAt", task->created_ms);
    api_set_time(json, "startedAt", task->started_ms);
    api_set_time(json, "stoppedAt", task->stopped_ms);
    if (task->status == TASK_STOPPED)
        api_set_time(json, "executionStoppedAt", task->stopped_ms);
    if (!is_to_stop(task))
        return;
    if (of->run)
        api_set_time(json, "stoppingAt", of->run->run->stopping_ms);
    model_set_string(json, "stopCode", stop_code(of));
    model_set_string(json, "stoppedReason", task->stop_reason);
}

static void set_resources(const struct task *task, json_t *json)
{
    char text[16];
    int cpu_units = 0;
    int memory_mib = 0;
    for (size_t i = 0; i < task->containers_len; i++) {
        cpu_units += task->containers[i]->labels.spec->cpu_units;
        memory_mib += task->containers[i]->labels.spec->memory_mib;
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

/* Of a service that has a strategy: what its instance is of. */
static void set_provider(const struct api *api, const struct described *of, json_t *json)
{
    const struct desired *desired = core_desired(api->core);
    const struct cluster *cluster = desired ? desired_cluster(desired, of->cluster) : NULL;
    const struct service *service =
        desired && of->service ? desired_service(desired, of->cluster, of->service) : NULL;
    if (!cluster || !service || !of->task->instance ||
        !plan_capacity(service, &cluster->instances, &cluster->capacity))
        return;
    const struct container_instance *instance =
        container_instances_find(&cluster->instances, of->task->instance);
    if (instance && instance->capacity_provider) {
        json_object_del(json, "launchType");
        model_set_string(json, "capacityProviderName", instance->capacity_provider);
    }
}

static json_t *overrides_json(const struct described *of)
{
    json_t *json = of->run && of->run->run->overrides ? json_copy(of->run->run->overrides) : json_object();
    if (!json_object_get(json, "containerOverrides"))
        json_object_set_new(json, "containerOverrides", json_array());
    return json;
}

static json_t *describe(const struct api *api, const struct described *of)
{
    const struct task *task = of->task;
    json_t *containers = json_array();
    for (size_t i = 0; i < task->containers_len; i++)
        if (!container_is_internal(task->containers[i]->labels.spec->name))
            json_array_append_new(containers, container_json(api, of, task->containers[i]));
    if (of->run)
        add_absent(api, of, containers);
    json_t *json = json_pack(
        "{s:s,s:s,s:s,s:s,s:s*,s:o,s:o,s:[],s:[],s:o,s:b,s:i}", "lastStatus", task_last_status(task),
        "desiredStatus", is_to_stop(task) ? "STOPPED" : "RUNNING", "healthStatus",
        health_status_name(task->health), "launchType", "EC2", "startedBy", started_by(of), "containers",
        containers, "attachments", attachments_json(task), "attributes", "tags", "overrides",
        overrides_json(of), "enableExecuteCommand", 0, "version", 1);
    api_set_owned(json, "taskArn", api_task_arn(api, of->cluster, task->id));
    api_set_owned(json, "clusterArn", api_cluster_arn(api, of->cluster));
    api_set_owned(json, "group",
                  of->run ? memory_strdup(of->run->run->group) : memory_printf("service:%s", of->service));
    if (task->family)
        api_set_owned(json, "taskDefinitionArn", api_task_definition_arn(api, task->family, task->revision));
    if (task->instance)
        api_set_owned(json, "containerInstanceArn", api_instance_arn(api, of->cluster, task->instance));
    set_connectivity(api, task, json);
    set_provider(api, of, json);
    set_resources(task, json);
    set_times(of, json);
    return json;
}

struct description {
    const struct api *api;
    json_t *json;
};

static void describe_run(void *data, const struct described *of)
{
    struct description *description = data;
    description->json = describe(description->api, of);
}

json_t *api_run_json(struct api *api, const struct view_run *view)
{
    struct description description = {.api = api};
    visit_run(api, view, describe_run, &description);
    return description.json;
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
            struct described of = {cluster, view.name, NULL, &tasks.items[t], view.ledger};
            if (map_get(wanted, of.task->id))
                map_put(wanted, of.task->id, describe(api, &of));
        }
    }
    struct view_run run;
    map_for_each (wanted, entry) {
        if (core_view_run(api->core, cluster, entry->key, &run))
            map_put(wanted, entry->key, api_run_json(api, &run));
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

static json_t *native_container_json(const struct described *of, const struct container *container)
{
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s*,s:o}", "name", container->labels.spec->name, "id",
                             container->id, "status", container_status_name(container->status), "health",
                             health_status_name(container->health), "image", image_name(of, container),
                             "ports", bindings_json(container));
    if (container->has_exit_code)
        json_object_set_new(json, "exitCode", json_integer(container->exit_code));
    model_set_string(json, "imageDigest", digest_of(container));
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
            task->containers[i]->labels.spec->essential && task->containers[i]->labels.spec->has_health_check;
    json_object_set_new(json, "hasHealthCheck", json_boolean(checked));
    if (task->status == TASK_STOPPED)
        return;
    json_object_set_new(json, "lost",
                        json_boolean(core_instance_is_lost(api->core, task->instance, &lost_ms)));
    api_set_time_text(json, "lostAt", lost_ms);
}

/* What a standalone task has beside a service's. */
static void set_run(const struct described *of, json_t *json)
{
    const struct run *run = of->run->run;
    const struct run_exit *decisive = run_decisive(run);
    model_set_string(json, "group", run->group);
    model_set_string(json, "startedBy", run->started_by);
    model_set_string(json, "stopCode", run->stop_code);
    model_set_string(json, "waiting", of->run->waiting);
    if (decisive)
        json_object_set_new(json, "exitCode", json_integer(decisive->exit_code));
    model_set_string(json, "exitedContainer", decisive ? decisive->container : NULL);
}

/* The essential container that ended first, once its task is to stop. */
static void set_exit(const struct task *task, json_t *json)
{
    const struct container *first = NULL;
    for (size_t i = 0; is_to_stop(task) && i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        bool counts = container->labels.spec->essential && container->has_exit_code &&
                      !container_is_internal(container->labels.spec->name);
        if (counts && (!first || container->finished_ms < first->finished_ms))
            first = container;
    }
    if (!first)
        return;
    json_object_set_new(json, "exitCode", json_integer(first->exit_code));
    model_set_string(json, "exitedContainer", first->labels.spec->name);
}

static json_t *native_json(const struct api *api, const struct described *of)
{
    const struct task *task = of->task;
    json_t *containers = json_array();
    for (size_t i = 0; i < task->containers_len; i++)
        if (!container_is_internal(task->containers[i]->labels.spec->name))
            json_array_append_new(containers, native_container_json(of, task->containers[i]));
    json_t *json =
        json_pack("{s:s,s:s,s:s*,s:s,s:s,s:s,s:b,s:s*,s:s*,s:s*,s:o}", "id", task->id, "cluster", of->cluster,
                  "service", of->service, "status", task_last_status(task), "desiredStatus",
                  is_to_stop(task) ? "STOPPED" : "RUNNING", "health", health_status_name(task->health),
                  "healthy", task->healthy, "instance", task->instance, "deployment", task->deployment,
                  "commit", task->commit, "containers", containers);
    if (task->family)
        api_set_owned(json, "taskDefinition", memory_printf("%s:%d", task->family, task->revision));
    if (of->run)
        set_run(of, json);
    if (!of->run || (task->status == TASK_STOPPED && !of->run->run->stopped_ms))
        set_exit(task, json);
    set_health_causes(api, task, json);
    model_set_string(json, "address", address_of(task));
    model_set_string(json, "stopReason", task->stop_reason);
    api_set_time_text(json, "createdAt", task->created_ms);
    api_set_time_text(json, "startedAt", task->started_ms);
    api_set_time_text(json, "stoppedAt", task->stopped_ms);
    return json;
}

static bool is_the_one(const json_t *input, const struct task *task)
{
    const char *id = api_parameter(input, "task");
    return !id || text_starts_with(task->id, id);
}

struct native_listing {
    const struct api *api;
    const json_t *input;
    json_t *list;
};

static void list_native(void *data, const struct described *of)
{
    struct native_listing *listing = data;
    if (is_the_one(listing->input, of->task))
        json_array_append_new(listing->list, native_json(listing->api, of));
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
            struct described of = {view.cluster, view.name, NULL, &tasks.items[t], view.ledger};
            if (is_the_one(input, of.task))
                json_array_append_new(list, native_json(api, &of));
        }
    }
    struct native_listing listing = {api, input, list};
    if (!api_parameter(input, "service"))
        visit_runs(api, api_parameter(input, "cluster"), list_native, &listing);
    *ret_output = api_list("tasks", list);
    return 0;
}
