/* A service and its task definition together: what cannot be rolled, what cannot be placed, what leads
 * nowhere. */
#include "manifest/manifest_state.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct port_mapping *static_port(const struct task_definition *definition)
{
    for (size_t i = 0; i < definition->containers.len; i++)
        for (size_t j = 0; j < definition->containers.items[i].ports.len; j++)
            if (definition->containers.items[i].ports.items[j].host_port)
                return &definition->containers.items[i].ports.items[j];
    return NULL;
}

struct warning {
    const char *code;
    const char *pointer;
    char *message; /* taken over */
    const char *hint;
};

static void warn(struct kind_object *object, const struct kind_place *at, struct warning warning)
{
    cross_check_report(&object->together, object, at,
                       (struct kind_fault){.severity = SEVERITY_WARNING,
                                           .code = warning.code,
                                           .pointer = memory_strdup(warning.pointer),
                                           .message = warning.message,
                                           .hint = memory_strdup(warning.hint)});
}

/* ECS rounds the lower bound up and the upper bound down. */
static int64_t lower_bound(const struct service *service)
{
    return ((int64_t)service->desired_count * service->minimum_healthy_percent + 99) / 100;
}

static int64_t upper_bound(const struct service *service)
{
    return (int64_t)service->desired_count * service->maximum_percent / 100;
}

static bool same_place(struct position a, struct position b)
{
    return a.line == b.line && a.column == b.column;
}

static void check_rolling(struct kind_object *object)
{
    const struct service *service = object->service;
    int desired = service->desired_count;
    if (upper_bound(service) > desired)
        return;
    const char *pointer = same_place(object->deployment_at.at, object->at) ? "" : "/deploymentConfiguration";
    if (lower_bound(service) >= desired)
        warn(object, &object->deployment_at,
             (struct warning){"rolling", pointer,
                              memory_printf("an update cannot start: minimumHealthyPercent %d of "
                                            "desiredCount %d lets no task stop, and "
                                            "maximumPercent %d lets no other start",
                                            service->minimum_healthy_percent, desired,
                                            service->maximum_percent),
                              "raise maximumPercent, or lower minimumHealthyPercent"});
    else if (lower_bound(service) == 0)
        warn(object, &object->deployment_at,
             (struct warning){
                 "rolling", pointer,
                 memory_printf("an update has downtime: minimumHealthyPercent %d lets all tasks stop before "
                               "maximumPercent %d lets another start",
                               service->minimum_healthy_percent, service->maximum_percent),
                 "raise maximumPercent to roll without downtime"});
}

static void check_static_port(struct kind_object *object)
{
    const struct service *service = object->service;
    const struct port_mapping *port = static_port(service->task_definition);
    if (!port)
        return;
    object->takes_ports = true;
    if (service->desired_count > 1)
        warn(object, &object->task_definition_at,
             (struct warning){
                 "host-port", "/taskDefinition",
                 memory_printf(
                     "cannot run 2 tasks on one instance: both need its port %d/%s; %d tasks need %d "
                     "instances",
                     port->host_port, port->udp ? "udp" : "tcp", service->desired_count,
                     service->desired_count),
                 "leave out hostPort to let the engine choose a free port"});
    if (lower_bound(service) >= service->desired_count && upper_bound(service) > service->desired_count)
        warn(object, &object->task_definition_at,
             (struct warning){
                 "rolling", "/taskDefinition",
                 memory_printf(
                     "an update needs an instance more: no old task may stop first (minimumHealthyPercent "
                     "%d), and it holds port %d/%s where it runs",
                     service->minimum_healthy_percent, port->host_port, port->udp ? "udp" : "tcp"),
                 "leave out hostPort, or lower minimumHealthyPercent"});
}

static const json_t *container_named(const struct task_definition *definition, const char *name)
{
    size_t i;
    json_t *container;
    json_array_foreach (json_object_get(definition->json, "containerDefinitions"), i, container)
        if (text_equal(model_string(container, "name"), name))
            return container;
    return NULL;
}

static bool has_port(const json_t *container, int64_t port)
{
    size_t i;
    json_t *mapping;
    json_array_foreach (json_object_get(container, "portMappings"), i, mapping) {
        const char *range = model_string(mapping, "containerPortRange");
        const char *dash = range ? strchr(range, '-') : NULL;
        if (model_int(mapping, "containerPort") == port ||
            (dash && port >= strtol(range, NULL, 10) && port <= strtol(dash + 1, NULL, 10)))
            return true;
    }
    return false;
}

/* The element of the list that a pointer as "/loadBalancers/0/containerName" leads into. */
static const json_t *target_of(const json_t *service, const char *pointer)
{
    size_t len = strcspn(pointer + 1, "/");
    char *list CLEANUP_FREE = memory_strndup(pointer + 1, len);
    return json_array_get(json_object_get(service, list), (size_t)strtol(pointer + len + 2, NULL, 10));
}

static void report_target(struct kind_object *object, const struct kind_reference *reference,
                          const json_t *container, int64_t port)
{
    const char *family = object->service->task_definition->family;
    cross_check_report(
        &object->together, object, &reference->at,
        (struct kind_fault){
            .severity = SEVERITY_ERROR,
            .code = "reference",
            .pointer = memory_strdup(reference->pointer),
            .message = container ? memory_printf("container \"%s\" of task definition \"%s\" has no port %d",
                                                 reference->name, family, (int)port)
                                 : memory_printf("task definition \"%s\" has no container \"%s\"", family,
                                                 reference->name)});
}

/* Load balancers and registries name a container of the task definition, and a port of it. */
static void check_targets(struct kind_object *object)
{
    for (size_t i = 0; i < object->references.len; i++) {
        const struct kind_reference *reference = &object->references.items[i];
        if (reference->target != KIND_CONTAINER)
            continue;
        const json_t *container = container_named(object->service->task_definition, reference->name);
        int64_t port = model_int(target_of(object->service->json, reference->pointer), "containerPort");
        if (!container || (port && !has_port(container, port)))
            report_target(object, reference, container, port);
    }
}

static void check_constraints(struct kind_object *object)
{
    const struct service *service = object->service;
    size_t sum = service->constraints.len + service->task_definition->constraints.len;
    if (sum > LIMIT_PLACEMENT_CONSTRAINTS)
        cross_check_report(
            &object->together, object, &object->task_definition_at,
            (struct kind_fault){.severity = SEVERITY_ERROR,
                                .code = "limit",
                                .pointer = memory_strdup("/taskDefinition"),
                                .message = memory_printf("the service and its task definition have %zu "
                                                         "placementConstraints together",
                                                         sum),
                                .expected = memory_printf("at most %d (LIMIT_PLACEMENT_CONSTRAINTS, ECS)",
                                                          LIMIT_PLACEMENT_CONSTRAINTS),
                                .hint = memory_strdup("join expressions with \"and\"")});
}

void service_check(struct kind_object *object)
{
    assert(object);
    assert(object->service->task_definition);
    check_targets(object);
    check_constraints(object);
    if (object->service->daemon)
        object->takes_ports = static_port(object->service->task_definition) != NULL;
    if (object->service->desired_count == 0)
        return;
    check_rolling(object);
    check_static_port(object);
}
