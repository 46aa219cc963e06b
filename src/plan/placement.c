/* Rows P1 to P3. */
#include "base/buffer.h"
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>

struct need {
    int64_t cpu_units;
    int64_t memory_mib;
};

static const struct plan_port *holder_of(const struct plan_instance *instance,
                                         const struct port_mapping *port)
{
    for (size_t i = 0; i < instance->ports.len; i++)
        if (instance->ports.items[i].port == port->host_port && instance->ports.items[i].udp == port->udp)
            return &instance->ports.items[i];
    return NULL;
}

/* The port in use that the task wants as well, or NULL. */
static const struct plan_port *clash(const struct plan_instance *instance,
                                     const struct task_definition *definition)
{
    for (size_t c = 0; c < definition->containers.len; c++) {
        const struct port_mapping_vec *ports = &definition->containers.items[c].ports;
        for (size_t p = 0; p < ports->len; p++) {
            const struct plan_port *taken =
                ports->items[p].host_port ? holder_of(instance, &ports->items[p]) : NULL;
            if (taken)
                return taken;
        }
    }
    return NULL;
}

/* An engine of another architecture would pull an image that it cannot run. */
static bool has_architecture(const struct plan_instance *instance, const char *wanted)
{
    static const struct {
        const char *ecs;
        const char *kernel;
        const char *go;
    } names[] = {{"X86_64", "x86_64", "amd64"}, {"ARM64", "aarch64", "arm64"}};
    for (size_t i = 0; wanted && instance->arch && i < ARRAY_LEN(names); i++)
        if (text_equal(wanted, names[i].ecs))
            return text_equal(instance->arch, names[i].kernel) || text_equal(instance->arch, names[i].go);
    return true;
}

/* Writes what the instance lacks; false when it lacks nothing. */
static bool lacks(const struct plan_instance *instance, const struct task_definition *definition,
                  const struct need *need, struct buffer *why)
{
    if (!instance->usable) {
        buffer_printf(why, "%s: %s", instance->name, instance->reason ? instance->reason : "does not answer");
        return true;
    }
    if (!has_architecture(instance, definition->cpu_architecture)) {
        buffer_printf(why, "%s: has cpuArchitecture %s, not %s", instance->name, instance->arch,
                      definition->cpu_architecture);
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
    const struct plan_port *port = clash(instance, definition);
    if (port) {
        buffer_printf(why, "%s: is already using port %d/%s required by the task (held by %s)",
                      instance->name, port->port, port->udp ? "udp" : "tcp", port->holder);
        return true;
    }
    return false;
}

/* The room of a whole task. */
static void book(const struct pass *pass, size_t instance)
{
    const struct container_spec_vec *specs = &pass->in->desired->task_definition->containers;
    struct plan_booking_vec task = {0};
    for (size_t c = 0; c < specs->len; c++)
        plan_booking_add(&task, instance, &specs->items[c], pass->in->key);
    plan_room_take(pass->in->instances, &task);
    for (size_t i = 0; i < task.len; i++)
        vector_push(&pass->out->booked, task.items[i]);
    vector_deinit(&task);
}

const struct plan_instance *placement_choose(const struct pass *pass, char **ret_reason)
{
    assert(pass);
    assert(ret_reason);
    const struct plan_instance_vec *instances = pass->in->instances;
    const struct task_definition *definition = pass->in->desired->task_definition;
    struct need need = {0};
    for (size_t c = 0; c < definition->containers.len; c++) {
        need.cpu_units += definition->containers.items[c].cpu_units;
        need.memory_mib += definition->containers.items[c].memory_mib;
    }
    struct buffer why = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (size_t i = 0; i < instances->len; i++) {
        if (why.len)
            buffer_append_str(&why, "; ");
        if (lacks(&instances->items[i], definition, &need, &why))
            continue;
        book(pass, i);
        buffer_deinit(&why);
        return &instances->items[i];
    }
    if (instances->len == 0)
        buffer_append_str(&why, "No Container Instances were found in your cluster.");
    pass->out->no_place = true;
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
