/* Compose services together: who shares a task, what links and waits within it, and the manifests. */
#include "base/limits.h"
#include "base/text.h"
#include "manifest/import_compose.h"
#include "model/json.h"

#include <string.h>

#define TASK_CONTAINERS     (LIMIT_CONTAINERS_PER_TASK - 1) /* one is the pause container's */
#define LONG_LIVED(service) (!text_equal((service)->restart, "no"))

static bool may_share(const struct compose_service *service)
{
    return !service->alone && !service->off && service->replicas == 1;
}

/* --- groups --------------------------------------------------------------------------------------------- */

static void join(struct compose *compose, size_t from, size_t to)
{
    for (size_t i = 0; i < compose->services.len; i++)
        if (compose->services.items[i].group == from)
            compose->services.items[i].group = to;
}

static void join_linked(struct compose *compose)
{
    for (size_t i = 0; i < compose->services.len; i++) {
        struct compose_service *from = &compose->services.items[i];
        for (size_t k = 0; k < from->edges.len; k++) {
            const struct compose_service *to = compose_find(compose, from->edges.items[k].to);
            if (may_share(from) && may_share(to) && from->group != to->group)
                join(compose, from->group, to->group);
        }
    }
}

static size_t group_size(const struct compose *compose, size_t group)
{
    size_t len = 0;
    for (size_t i = 0; i < compose->services.len; i++)
        len += compose->services.items[i].group == group;
    return len;
}

static void split_large(struct compose *compose)
{
    for (size_t group = 0; group < compose->services.len; group++) {
        if (group_size(compose, group) <= TASK_CONTAINERS)
            continue;
        import_note(
            compose->run, IMPORT_CHANGED, compose->services.items[group].pointer,
            "%zu services need each other, and a task has at most %d containers: each has a task of its own",
            group_size(compose, group), TASK_CONTAINERS);
        for (size_t i = 0; i < compose->services.len; i++)
            if (compose->services.items[i].group == group && i != group)
                compose->services.items[i].group = i;
    }
}

static void group_services(struct compose *compose)
{
    enum import_tasks tasks = compose->run->source->world->tasks;
    size_t first = compose->services.len;
    for (size_t i = 0; i < compose->services.len; i++) {
        struct compose_service *service = &compose->services.items[i];
        bool shares = tasks == IMPORT_TASKS_ONE && may_share(service);
        first = shares && first == compose->services.len ? i : first;
        service->group = shares ? first : i;
    }
    if (tasks == IMPORT_TASKS_LINKED)
        join_linked(compose);
    split_large(compose);
}

/* --- within a task ---------------------------------------------------------------------------------------
 */

/* The services of one task, and who must start after whom. */
struct task {
    struct compose *compose;
    struct compose_service *members[TASK_CONTAINERS];
    size_t len;
    bool stops_first;                             /* a new task can only start when the old one has let go */
    bool after[TASK_CONTAINERS][TASK_CONTAINERS]; /* [a][b]: a starts after b, over others too */
};

static size_t index_of(const struct task *task, const struct compose_service *service)
{
    size_t i = 0;
    while (i < task->len && task->members[i] != service)
        i++;
    return i;
}

/* False when it would go in a circle. */
static bool order(struct task *task, size_t later, size_t earlier)
{
    if (later == earlier || task->after[earlier][later])
        return false;
    for (size_t a = 0; a < task->len; a++)
        for (size_t b = 0; b < task->len; b++)
            if ((a == later || task->after[a][later]) && (b == earlier || task->after[earlier][b]))
                task->after[a][b] = true;
    return true;
}

static void add_link(json_t *container, const char *to, const char *alias)
{
    json_t *links = import_list(container, "links");
    json_t *link = alias && !text_equal(alias, to) ? json_sprintf("%s:%s", to, alias) : json_string(to);
    size_t i;
    json_t *other;
    json_array_foreach (links, i, other) {
        if (json_equal(other, link)) {
            json_decref(link);
            return;
        }
    }
    json_array_append_new(links, link);
}

static void link_names(struct compose_service *from, const struct compose_edge *edge,
                       const struct compose_service *to)
{
    add_link(from->container, to->container_name, to->name);
    if (edge->alias)
        add_link(from->container, to->container_name, edge->alias);
    for (size_t i = 0; i < to->aliases.len; i++)
        add_link(from->container, to->container_name, to->aliases.items[i]);
}

static void add_dependency(struct task *task, struct compose_service *from, const struct compose_edge *edge,
                           struct compose_service *to)
{
    const char *condition = edge->condition;
    if (text_equal(condition, "HEALTHY") && !json_object_get(to->container, "healthCheck")) {
        import_note(task->compose->run, IMPORT_CHANGED, edge->pointer,
                    "%.100s has no healthcheck here, so that its start is waited for", edge->to);
        condition = "START";
    }
    if (text_equal(condition, "SUCCESS"))
        json_object_set_new(to->container, "essential", json_false());
    json_t *depends = import_list(from->container, "dependsOn");
    size_t i;
    json_t *other;
    json_array_foreach (depends, i, other)
        if (text_equal(model_string(other, "containerName"), to->container_name))
            return;
    json_array_append_new(
        depends, json_pack("{s:s,s:s}", "containerName", to->container_name, "condition", condition));
}

static void connect(struct task *task, struct compose_service *from, const struct compose_edge *edge)
{
    struct compose_service *to = compose_find(task->compose, edge->to);
    size_t earlier = index_of(task, to);
    if (earlier == task->len)
        return; /* compose_connect_tasks() */
    if (!order(task, index_of(task, from), earlier)) {
        compose_give_up(task->compose, from, edge, "the two need each other, and one has to start first");
    } else {
        if (edge->condition)
            add_dependency(task, from, edge, to);
        if (edge->name)
            link_names(from, edge, to);
    }
}

/* Explicit relations come before those that were only found in variables. */
static void connect_all(struct task *task)
{
    for (int found = 0; found < 2; found++)
        for (size_t i = 0; i < task->len; i++)
            for (size_t k = 0; k < task->members[i]->edges.len; k++) {
                struct compose_service *from = task->members[i];
                const struct compose_edge *edge = &from->edges.items[k];
                if (text_equal(edge->pointer, from->pointer) == (found == 1))
                    connect(task, from, edge);
            }
}

static bool is_essential(const struct compose_service *service)
{
    return !json_is_false(json_object_get(service->container, "essential"));
}

/* In a task of several the engine's restart of one container is ECS's restartPolicy. */
static void set_restarts(struct task *task)
{
    size_t essential = 0;
    for (size_t i = 0; i < task->len; i++)
        essential += is_essential(task->members[i]);
    for (size_t i = 0; i < task->len && task->len > 1; i++) {
        struct compose_service *service = task->members[i];
        if (!LONG_LIVED(service) && is_essential(service) && essential > 1) {
            json_object_set_new(service->container, "essential", json_false());
            essential--;
        }
        if (!service->restart || !LONG_LIVED(service))
            continue;
        json_t *policy = json_pack("{s:b}", "enabled", 1);
        if (text_equal(service->restart, "on-failure"))
            json_object_set_new(policy, "ignoredExitCodes", json_pack("[i]", 0));
        json_object_set_new(service->container, "restartPolicy", policy);
    }
}

/* --- manifests ------------------------------------------------------------------------------------------ */

/* The one that no other waits for gives the name. */
static const struct compose_service *entry_of(const struct task *task)
{
    for (size_t i = 0; i < task->len; i++) {
        bool waited_for = false;
        for (size_t k = 0; k < task->len; k++)
            waited_for = waited_for || task->after[k][i];
        if (!waited_for)
            return task->members[i];
    }
    return task->members[0];
}

static void rename_volume(struct compose_service *service, const char *from, const char *to)
{
    size_t i;
    json_t *mount;
    json_array_foreach (json_object_get(service->container, "mountPoints"), i, mount)
        if (text_equal(model_string(mount, "sourceVolume"), from))
            json_object_set_new(mount, "sourceVolume", json_string(to));
}

/* Volumes of several services under one roof: equal ones are one, others of the same name get another. */
static void add_volumes(struct compose_service *service, json_t *volumes)
{
    size_t i;
    size_t k;
    json_t *volume;
    json_t *there;
    json_array_foreach (json_object_get(service->task, "volumes"), i, volume) {
        bool known = false;
        bool taken = false;
        json_array_foreach (volumes, k, there) {
            known = known || json_equal(there, volume);
            taken = taken || json_equal(json_object_get(there, "name"), json_object_get(volume, "name"));
        }
        if (known)
            continue;
        json_t *own = json_copy(volume);
        if (taken) {
            char *name CLEANUP_FREE =
                memory_printf("%.120s-%.120s", service->container_name, model_string(volume, "name"));
            rename_volume(service, model_string(volume, "name"), name);
            json_object_set_new(own, "name", json_string(name));
        }
        json_array_append_new(volumes, own);
    }
}

/* There is nothing to map in the host's own network. */
static void unmap_ports(const struct compose_service *service)
{
    size_t i;
    json_t *mapping;
    if (text_equal(model_string(service->task, "networkMode"), "host"))
        json_array_foreach (json_object_get(service->container, "portMappings"), i, mapping)
            json_object_del(mapping, "hostPort");
}

static void write_definition(struct task *task, const char *family)
{
    json_t *definition = json_pack("{s:s,s:s}", "family", family, "networkMode", "bridge");
    json_t *volumes = json_array();
    json_t *containers = json_array();
    for (size_t i = 0; i < task->len; i++) {
        struct compose_service *service = task->members[i];
        json_t *own = json_copy(service->task);
        add_volumes(service, volumes);
        unmap_ports(service);
        json_object_del(own, "volumes");
        json_object_update(definition, own);
        json_decref(own);
        json_array_append(containers, service->container);
    }
    json_object_set_new(definition, "containerDefinitions", containers);
    import_set(definition, "volumes", volumes);
    import_add(task->compose->run, "TaskDefinition", definition);
}

static bool has_fixed_port(const struct task *task)
{
    size_t k;
    json_t *mapping;
    for (size_t i = 0; i < task->len; i++) {
        if (text_equal(model_string(task->members[i]->task, "networkMode"), "host"))
            return true;
        json_array_foreach (json_object_get(task->members[i]->container, "portMappings"), k, mapping)
            if (model_int(mapping, "hostPort"))
                return true;
    }
    return false;
}

/* What outlives a task of this service and is written to, as a reader knows it; NULL: nothing. */
static const char *written_volume(const struct compose_service *service)
{
    size_t i;
    size_t k;
    json_t *mount;
    json_t *volume;
    json_array_foreach (json_object_get(service->container, "mountPoints"), i, mount)
        json_array_foreach (json_object_get(service->task, "volumes"), k, volume) {
            const char *path = model_string(json_object_get(volume, "host"), "sourcePath");
            const json_t *configuration = json_object_get(volume, "dockerVolumeConfiguration");
            if (!model_bool(mount, "readOnly") &&
                text_equal(model_string(mount, "sourceVolume"), model_string(volume, "name")) &&
                !text_equal(model_string(configuration, "scope"), "task"))
                return path ? path : model_string(volume, "name");
        }
    return NULL;
}

/* Whether the file itself says what comes first: deploy.update_config.order. */
static bool says_order(const struct task *task)
{
    bool says = false;
    for (size_t i = 0; i < task->len; i++)
        says = says || json_object_get(json_object_get(task->members[i]->service, "deploymentConfiguration"),
                                       "maximumPercent");
    return says;
}

/* Whether a new task must not write beside the old one; several replicas do so anyway. */
static bool writes_alone(const struct task *task)
{
    bool alone = false;
    for (size_t i = 0; i < task->len && task->members[0]->replicas == 1; i++) {
        const char *volume = written_volume(task->members[i]);
        char *pointer CLEANUP_FREE = import_pointer(task->members[i]->pointer, "volumes");
        if (volume)
            import_note(task->compose->run, IMPORT_CHANGED, pointer,
                        "a task stops before its successor starts, as in Compose: both would write to "
                        "volume %.200s",
                        volume);
        alone = alone || volume;
    }
    return alone;
}

static void write_service(struct task *task, const char *family)
{
    const char *project = task->compose->project;
    const struct compose_service *first = task->members[0];
    json_t *service = json_pack("{s:s,s:s}", "serviceName", family, "taskDefinition", family);
    if (project)
        json_object_set_new(service, "cluster", json_string(project));
    if (first->daemon)
        json_object_set_new(service, "schedulingStrategy", json_string("DAEMON"));
    else
        json_object_set_new(service, "desiredCount", json_integer(first->off ? 0 : first->replicas));
    if (task->stops_first) /* its place among the members */
        import_object(service, "deploymentConfiguration");
    for (size_t i = 0; i < task->len; i++)
        json_object_update(service, task->members[i]->service);
    if (task->stops_first) {
        json_t *configuration = import_object(service, "deploymentConfiguration");
        json_object_set_new(configuration, "minimumHealthyPercent", json_integer(0));
        json_object_set_new(configuration, "maximumPercent", json_integer(100));
    }
    import_add(task->compose->run, "Service", service);
}

static bool runs_once(const struct task *task)
{
    const struct compose_service *first = task->members[0];
    bool ends = first->restart ? !LONG_LIVED(first) : first->awaited;
    return task->len == 1 && ends && !first->daemon;
}

static struct task task_of(struct compose *compose, size_t group)
{
    struct task task = {.compose = compose};
    for (size_t i = 0; i < compose->services.len; i++)
        if (compose->services.items[i].group == group)
            task.members[task.len++] = &compose->services.items[i];
    return task;
}

static void prepare_task(struct compose *compose, size_t group)
{
    struct task task = task_of(compose, group);
    if (!task.len)
        return;
    connect_all(&task);
    set_restarts(&task);
    const char *family = entry_of(&task)->container_name;
    for (size_t i = 0; i < task.len; i++) {
        task.members[i]->family = family;
        task.members[i]->once = runs_once(&task);
    }
}

static void write_task(struct compose *compose, size_t group)
{
    struct task task = task_of(compose, group);
    const struct compose_service *first = task.members[0];
    if (!first->once && !first->daemon && !says_order(&task)) /* before volumes are named anew */
        task.stops_first = writes_alone(&task) || has_fixed_port(&task);
    write_definition(&task, first->family);
    char *profiles CLEANUP_FREE = import_pointer(first->pointer, "profiles");
    char *restart CLEANUP_FREE = import_pointer(first->pointer, "restart");
    if (first->off)
        import_note(compose->run, IMPORT_CHANGED, profiles,
                    "it runs with a profile only: its desiredCount is 0 (name profiles by --profiles)");
    if (first->once)
        import_note(compose->run, IMPORT_CHANGED, first->restart ? restart : first->pointer,
                    "it runs once: there is a task definition and no service, which would start it again");
    else
        write_service(&task, first->family);
}

void compose_write(struct compose *compose)
{
    const char *project = compose->project;
    group_services(compose);
    if (project && compose->services.len)
        import_add(compose->run, "Cluster", json_pack("{s:s}", "clusterName", project));
    for (size_t group = 0; group < compose->services.len; group++)
        prepare_task(compose, group);
    compose_connect_tasks(compose);
    for (size_t i = 0; i < compose->services.len; i++) {
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen = seen || compose->services.items[k].group == compose->services.items[i].group;
        if (!seen)
            write_task(compose, compose->services.items[i].group);
    }
}
