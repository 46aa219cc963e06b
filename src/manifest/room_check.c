/* Services beside the container instances of their cluster: warnings where none can ever take a task, where
 * there are places for fewer than are asked for, and where an update finds none to begin in. Where the
 * cluster declares none their number is not known, nor is anywhere what else will run on them. */
#include "manifest/manifest_state.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <stdio.h>

struct room {
    const struct kind_object *object;
    const struct service *service;
    const struct container_instance_vec *instances; /* that the cluster declares */
    const struct capacity_item_vec *capacity;       /* whose instances alone take its tasks; NULL: any */
    const struct port_mapping *port;                /* that each task takes of its instance; NULL: none */
    bool distinct;
    int64_t gpus; /* of a task; from GPUS_ALL on all of its instance */
    char gpu_words[32];
    struct diagnostics *diagnostics;
};

struct warning {
    const char *code;
    const struct kind_place *at;
    const char *pointer;
    char *message; /* taken over */
    const char *hint;
};

static void warn(const struct room *room, struct warning warning)
{
    cross_check_report(room->diagnostics, room->object, warning.at,
                       (struct kind_fault){.severity = SEVERITY_WARNING,
                                           .code = warning.code,
                                           .pointer = memory_strdup(warning.pointer),
                                           .message = warning.message,
                                           .hint = memory_strdup(warning.hint)});
}

/* --- what a task asks for ------------------------------------------------------------------------------- */

static int64_t gpus_of(const struct task_definition *definition)
{
    int64_t gpus = 0;
    for (size_t i = 0; i < definition->containers.len; i++)
        gpus += definition->containers.items[i].gpus;
    return gpus;
}

static bool is_distinct(const struct service *service)
{
    for (size_t i = 0; i < service->constraints.len; i++)
        if (!service->constraints.items[i].expression)
            return true;
    return false;
}

bool room_check_concerns(const struct service *service)
{
    assert(service);
    return service->constraints.len || service->task_definition->constraints.len ||
           service_check_port(service) || gpus_of(service->task_definition) > 0;
}

/* --- what an instance has ------------------------------------------------------------------------------- */

/* As rows V1 of plan/README.md have it. */
static const struct capacity_item_vec *capacity_of(const struct service *service,
                                                   const struct cluster *cluster)
{
    const struct capacity_item_vec *items = service->capacity.len  ? &service->capacity
                                            : service->launch_type ? NULL
                                                                   : &cluster->capacity;
    bool counts =
        items && items->len && !service->daemon && container_instances_have_providers(&cluster->instances);
    return counts ? items : NULL;
}

static bool is_of_provider(const struct room *room, const struct container_instance *instance)
{
    for (size_t i = 0; room->capacity && i < room->capacity->len; i++)
        if (text_equal(room->capacity->items[i].provider, instance->capacity_provider))
            return true;
    return !room->capacity;
}

static bool may_match(const struct placement_constraint_vec *constraints,
                      const struct container_instance *instance)
{
    for (size_t i = 0; i < constraints->len; i++)
        if (constraints->items[i].query &&
            !container_instance_may_match(instance, constraints->items[i].query))
            return false;
    return true;
}

/* Whether it is ACTIVE, and has as many GPUs as a task takes, which may be none. */
static bool is_ready(const struct room *room, const struct container_instance *instance)
{
    int64_t least = room->gpus >= GPUS_ALL ? 1 : room->gpus;
    return !instance->draining && (int64_t)instance->gpus.len >= least;
}

/* For how many tasks of the service it has a place, as far as is known. */
static int64_t places_on(const struct room *room, const struct container_instance *instance)
{
    if (!is_ready(room, instance) || !is_of_provider(room, instance) ||
        !may_match(&room->service->task_definition->constraints, instance) ||
        !may_match(&room->service->constraints, instance))
        return 0;
    if (room->port || room->distinct || room->gpus >= GPUS_ALL)
        return 1;
    return room->gpus ? (int64_t)instance->gpus.len / room->gpus : INT32_MAX;
}

/* Counts no further than to one more than are needed. */
static int64_t count_places(const struct room *room)
{
    int64_t places = 0;
    for (size_t i = 0; i < room->instances->len && places <= room->service->desired_count; i++)
        places += places_on(room, &room->instances->items[i]);
    return places;
}

/* --- what is told --------------------------------------------------------------------------------------- */

static struct warning at_definition(const struct room *room, const char *code)
{
    return (struct warning){
        .code = code, .at = &room->object->task_definition_at, .pointer = "/taskDefinition"};
}

/* Where it says what keeps its tasks apart. */
static struct warning warning_of(const struct room *room, const char *code)
{
    const struct kind_reference_vec *references = &room->object->references;
    struct warning warning = at_definition(room, code);
    for (size_t i = 0; !room->port && room->distinct && i < references->len; i++)
        if (references->items[i].target == KIND_CONSTRAINT &&
            text_equal(references->items[i].name, "distinctInstance")) {
            warning.at = &references->items[i].at;
            warning.pointer = references->items[i].pointer;
        }
    return warning;
}

/* Caller frees. */
static char *reason_of(const struct room *room)
{
    if (room->port)
        return memory_printf("each takes port %d/%s of its instance", room->port->host_port,
                             room->port->udp ? "udp" : "tcp");
    if (room->distinct)
        return memory_strdup("distinctInstance keeps each on an instance of its own");
    return memory_printf("each takes %s", room->gpu_words);
}

/* Of a cluster that declares no instances: there may be as many as it takes. */
static void check_port_alone(const struct room *room)
{
    const struct service *service = room->service;
    const struct port_mapping *port = room->port;
    struct warning warning = warning_of(room, "host-port");
    warning.hint = "leave out hostPort to let the engine choose a free port";
    if (service->desired_count > 1) {
        warning.message = memory_printf(
            "cannot run 2 tasks on one instance: both need its port %d/%s; %d tasks need %d "
            "instances",
            port->host_port, port->udp ? "udp" : "tcp", service->desired_count, service->desired_count);
        warn(room, warning);
    }
    if (service_check_lower(service) >= service->desired_count &&
        service_check_upper(service) > service->desired_count) {
        warning.code = "rolling";
        warning.hint = "leave out hostPort, or lower minimumHealthyPercent";
        warning.message = memory_printf(
            "an update needs an instance more: no old task may stop first (minimumHealthyPercent "
            "%d), and it holds port %d/%s where it runs",
            service->minimum_healthy_percent, port->host_port, port->udp ? "udp" : "tcp");
        warn(room, warning);
    }
}

/* Every place is taken before the update begins. What the bounds alone make of it has been told. */
static void check_update(const struct room *room, const char *reason)
{
    const struct service *service = room->service;
    int64_t lower = service_check_lower(service);
    struct warning warning = warning_of(room, "rolling");
    if (service_check_upper(service) <= service->desired_count ||
        (lower > 0 && lower < service->desired_count))
        return;
    warning.hint = lower ? "declare another instance, or lower minimumHealthyPercent"
                         : "declare another instance to roll without downtime";
    warning.message = memory_printf(
        "an update %s: minimumHealthyPercent %d of desiredCount %d lets %s, and a new one has no "
        "other place in the cluster: %s",
        lower ? "cannot start" : "has downtime", service->minimum_healthy_percent, service->desired_count,
        lower ? "no task stop" : "all tasks stop", reason);
    warn(room, warning);
}

static void check_places(const struct room *room, int64_t places)
{
    const struct service *service = room->service;
    char *reason CLEANUP_FREE = reason_of(room);
    struct warning warning = warning_of(room, room->port ? "host-port" : "no-place");
    if (places == service->desired_count)
        check_update(room, reason);
    if (places >= service->desired_count)
        return;
    warning.hint = room->port
                       ? "leave out hostPort to let the engine choose a free port, lower desiredCount, "
                         "or declare more instances"
                       : "lower desiredCount, or declare more instances";
    warning.message =
        memory_printf("%lld of %d tasks can be placed: %s, and the cluster has no more that are ACTIVE and "
                      "meet the constraints",
                      (long long)places, service->desired_count, reason);
    warn(room, warning);
}

/* Whether one expression alone holds nowhere, or names what is not there: attribute_check.c tells. */
static bool is_told(const struct room *room, const struct placement_constraint_vec *constraints)
{
    for (size_t c = 0; c < constraints->len; c++) {
        const struct placement_constraint_vec one = {.items = &constraints->items[c], .len = 1};
        size_t i = 0;
        while (i < room->instances->len &&
               (room->instances->items[i].draining || !may_match(&one, &room->instances->items[i])))
            i++;
        if (i == room->instances->len)
            return true;
    }
    return false;
}

static void tell_no_place(const struct room *room)
{
    if (is_told(room, &room->service->constraints) ||
        is_told(room, &room->service->task_definition->constraints))
        return;
    struct warning warning = at_definition(room, "no-place");
    warning.hint = "change the constraints, or what davit.containerInstances of the cluster say";
    warning.message =
        memory_printf("no task can be placed: no ACTIVE container instance of cluster %s meets all of its "
                      "constraints%s%s",
                      room->service->cluster, room->gpus ? ", has the GPUs" : "",
                      room->capacity ? " and is of its capacity providers" : "");
    warn(room, warning);
}

/* True after a report. */
static bool lacks_gpus(const struct room *room)
{
    for (size_t i = 0; i < room->instances->len; i++)
        if (is_ready(room, &room->instances->items[i]))
            return false;
    struct warning warning = at_definition(room, "no-place");
    warning.hint = "declare them as gpus in davit.containerInstances of the cluster, or ask for fewer";
    warning.message = memory_printf(
        "no task can be placed: each takes %s, and no %scontainer instance of cluster %s has as many",
        room->gpu_words, room->instances->len ? "ACTIVE " : "", room->service->cluster);
    warn(room, warning);
    return true;
}

static void check(const struct room *room)
{
    bool counted = !room->service->daemon && room->service->desired_count > 0;
    if (room->gpus && lacks_gpus(room))
        return;
    if (room->instances->len == 0) {
        if (room->port && counted)
            check_port_alone(room);
        return;
    }
    int64_t places = count_places(room);
    if (places == 0)
        tell_no_place(room);
    else if (counted && (room->port || room->distinct || room->gpus))
        check_places(room, places);
}

static void check_service(const struct manifest *manifest, const struct kind_object *object,
                          struct diagnostics *diagnostics)
{
    static const struct container_instance_vec none;
    const struct service *service = object->service;
    const struct cluster *cluster = cross_check_cluster(manifest, service->cluster);
    if (!service->task_definition || !room_check_concerns(service) || (!cluster && manifest->with_errors) ||
        (cluster && container_instances_all_drain(&cluster->instances)))
        return;
    struct room room = {.object = object,
                        .service = service,
                        .instances = cluster ? &cluster->instances : &none,
                        .capacity = cluster ? capacity_of(service, cluster) : NULL,
                        .port = service_check_port(service),
                        .distinct = is_distinct(service),
                        .gpus = gpus_of(service->task_definition),
                        .diagnostics = diagnostics};
    if (room.gpus >= GPUS_ALL)
        snprintf(room.gpu_words, sizeof room.gpu_words, "all GPUs of its instance");
    else
        snprintf(room.gpu_words, sizeof room.gpu_words, "%d GPU%s", (int)room.gpus, text_plural(room.gpus));
    check(&room);
}

static void check_cluster(const struct kind_object *object, struct diagnostics *diagnostics)
{
    if (!object->cluster || !container_instances_all_drain(&object->cluster->instances))
        return;
    cross_check_report(
        diagnostics, object, &(struct kind_place){.at = object->at},
        (struct kind_fault){.severity = SEVERITY_WARNING,
                            .code = "no-place",
                            .pointer = memory_strdup("/davit/containerInstances"),
                            .message = memory_printf(
                                "no task can be placed in cluster %s: all of its container instances are "
                                "DRAINING",
                                object->key),
                            .hint = memory_strdup("leave one ACTIVE, or declare another")});
}

void room_check(const struct manifest *manifest, struct diagnostics *diagnostics)
{
    assert(manifest);
    assert(diagnostics);
    for (size_t i = 0; i < manifest->objects[KIND_CLUSTER].len; i++)
        check_cluster(manifest->objects[KIND_CLUSTER].items[i], diagnostics);
    for (size_t i = 0; i < manifest->entangled.len; i++)
        check_service(manifest, manifest->entangled.items[i], diagnostics);
}
