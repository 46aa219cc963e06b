/* Rows P1 to P3. */
#include "base/buffer.h"
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>

struct need {
    int64_t cpu_units;
    int64_t memory_mib;
};

static bool port_taken(const struct plan_instance *instance, const struct port_mapping *port)
{
    for (size_t i = 0; i < instance->ports.len; i++)
        if (instance->ports.items[i].port == port->host_port && instance->ports.items[i].udp == port->udp)
            return true;
    return false;
}

static const struct port_mapping *clash(const struct plan_instance *instance,
                                        const struct task_definition *definition)
{
    for (size_t c = 0; c < definition->containers.len; c++) {
        const struct port_mapping_vec *ports = &definition->containers.items[c].ports;
        for (size_t p = 0; p < ports->len; p++)
            if (ports->items[p].host_port && port_taken(instance, &ports->items[p]))
                return &ports->items[p];
    }
    return NULL;
}

/* Writes what the instance lacks; false when it lacks nothing. */
static bool lacks(const struct plan_instance *instance, const struct task_definition *definition,
                  const struct need *need, struct buffer *why)
{
    const struct port_mapping *port;
    if (!instance->usable) {
        buffer_printf(why, "%s: %s", instance->name, instance->reason ? instance->reason : "does not answer");
        return true;
    }
    if (need->cpu_units > instance->cpu_units_free) {
        buffer_printf(why, "%s: has insufficient CPU units available (%lld free, %lld needed)",
                      instance->name, (long long)instance->cpu_units_free, (long long)need->cpu_units);
        return true;
    }
    if (need->memory_mib > instance->memory_mib_free) {
        buffer_printf(why, "%s: has insufficient memory available (%lld MiB free, %lld MiB needed)",
                      instance->name, (long long)instance->memory_mib_free, (long long)need->memory_mib);
        return true;
    }
    port = clash(instance, definition);
    if (port) {
        buffer_printf(why, "%s: is already using port %d/%s required by the task", instance->name,
                      port->host_port, port->udp ? "udp" : "tcp");
        return true;
    }
    return false;
}

static void take(struct plan_instance *instance, const struct task_definition *definition,
                 const struct need *need)
{
    instance->cpu_units_free -= need->cpu_units;
    instance->memory_mib_free -= need->memory_mib;
    for (size_t c = 0; c < definition->containers.len; c++) {
        const struct port_mapping_vec *ports = &definition->containers.items[c].ports;
        for (size_t p = 0; p < ports->len; p++)
            if (ports->items[p].host_port)
                vector_push(&instance->ports,
                            (struct plan_port){ports->items[p].host_port, ports->items[p].udp});
    }
}

const struct plan_instance *placement_choose(struct plan_instance_vec *instances,
                                             const struct task_definition *definition, char **ret_reason)
{
    assert(instances);
    assert(definition);
    assert(ret_reason);
    struct need need = {0};
    for (size_t c = 0; c < definition->containers.len; c++) {
        need.cpu_units += definition->containers.items[c].cpu_units;
        need.memory_mib += definition->containers.items[c].memory_mib;
    }
    struct buffer why = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (size_t i = 0; i < instances->len; i++) {
        struct plan_instance *instance = &instances->items[i];
        if (why.len)
            buffer_append_str(&why, "; ");
        if (lacks(instance, definition, &need, &why))
            continue;
        take(instance, definition, &need);
        buffer_deinit(&why);
        return instance;
    }
    if (instances->len == 0)
        buffer_append_str(&why, "No Container Instances were found in your cluster.");
    *ret_reason = buffer_steal(&why);
    return NULL;
}

const struct plan_instance *placement_instance(const struct plan_instance_vec *instances, const char *name)
{
    assert(instances);
    for (size_t i = 0; i < instances->len; i++)
        if (text_equal(instances->items[i].name, name))
            return &instances->items[i];
    return NULL;
}
