/* Warnings of a service and its task definition together: what cannot be rolled, what cannot be placed. */
#include "manifest/manifest_state.h"

#include "base/memory.h"

#include <assert.h>

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

static void warn(struct kind_object *object, struct position at, struct warning warning)
{
    cross_check_report(&object->warnings, object, at,
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
    const char *pointer = same_place(object->deployment_at, object->at) ? "" : "/deploymentConfiguration";
    if (lower_bound(service) >= desired)
        warn(object, object->deployment_at,
             (struct warning){
                 "rolling", pointer,
                 memory_printf(
                     "an update cannot start: minimumHealthyPercent %d lets none of the %d tasks stop, and "
                     "maximumPercent %d lets no other start",
                     service->minimum_healthy_percent, desired, service->maximum_percent),
                 "raise maximumPercent, or lower minimumHealthyPercent"});
    else if (lower_bound(service) == 0)
        warn(object, object->deployment_at,
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
    if (service->desired_count > 1)
        warn(object, object->task_definition_at,
             (struct warning){
                 "host-port", "/taskDefinition",
                 memory_printf(
                     "cannot run 2 tasks on one instance: both need its port %d/%s; %d tasks need %d "
                     "instances",
                     port->host_port, port->udp ? "udp" : "tcp", service->desired_count,
                     service->desired_count),
                 "leave out hostPort to let the engine choose a free port"});
    if (lower_bound(service) >= service->desired_count && upper_bound(service) > service->desired_count)
        warn(object, object->task_definition_at,
             (struct warning){
                 "rolling", "/taskDefinition",
                 memory_printf(
                     "an update needs an instance more: no old task may stop first (minimumHealthyPercent "
                     "%d), and it holds port %d/%s where it runs",
                     service->minimum_healthy_percent, port->host_port, port->udp ? "udp" : "tcp"),
                 "leave out hostPort, or lower minimumHealthyPercent"});
}

void service_check(struct kind_object *object)
{
    assert(object);
    assert(object->service->task_definition);
    if (object->service->desired_count == 0)
        return;
    check_rolling(object);
    check_static_port(object);
}
