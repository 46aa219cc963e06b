/* A service and its task definition together: what cannot be rolled, what leads nowhere. */
#include "manifest/manifest_state.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct port_mapping *service_check_port(const struct service *service)
{
    const struct task_definition *definition = service->task_definition;
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

int64_t service_check_lower(const struct service *service)
{
    return ((int64_t)service->desired_count * service->minimum_healthy_percent + 99) / 100;
}

int64_t service_check_upper(const struct service *service)
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
    if (service_check_upper(service) > desired)
        return;
    const char *pointer = same_place(object->deployment_at.at, object->at) ? "" : "/deploymentConfiguration";
    if (service_check_lower(service) >= desired)
        warn(object, &object->deployment_at,
             (struct warning){"rolling", pointer,
                              memory_printf("an update cannot start: minimumHealthyPercent %d of "
                                            "desiredCount %d lets no task stop, and "
                                            "maximumPercent %d lets no other start",
                                            service->minimum_healthy_percent, desired,
                                            service->maximum_percent),
                              "raise maximumPercent, or lower minimumHealthyPercent"});
    else if (service_check_lower(service) == 0)
        warn(object, &object->deployment_at,
             (struct warning){
                 "rolling", pointer,
                 memory_printf("an update has downtime: minimumHealthyPercent %d lets all tasks stop before "
                               "maximumPercent %d lets another start",
                               service->minimum_healthy_percent, service->maximum_percent),
                 "raise maximumPercent to roll without downtime"});
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
    static const char member[] = "placementConstraints";
    const struct service *service = object->service;
    size_t sum = json_array_size(json_object_get(service->json, member)) +
                 json_array_size(json_object_get(service->task_definition->json, member));
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
    object->takes_ports = service_check_port(object->service) != NULL;
    if (object->service->desired_count > 0)
        check_rolling(object);
}
