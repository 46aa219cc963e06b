/* A warning where two services ask for the same port of an instance: legal while there are instances for
 * both, and the reason of a task without a place when there are not. Instances belong to no cluster: the
 * services of all clusters share them. */
#include "manifest/manifest_state.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>

struct claims {
    struct map ports; /* "8080/tcp" -> the first struct kind_object that asks for it, borrowed */
    struct diagnostics *diagnostics;
};

static void warn(struct claims *claims, const struct kind_object *first, const struct kind_object *second,
                 const struct port_mapping *port)
{
    const struct kind_place *at = &first->task_definition_at;
    cross_check_report(
        claims->diagnostics, second, &second->task_definition_at,
        (struct kind_fault){
            .severity = SEVERITY_WARNING,
            .code = "host-port",
            .pointer = memory_strdup("/taskDefinition"),
            .message = memory_printf(
                "services \"%s\" (%s:%d:%d) and \"%s\" cannot run on one instance: both need its port %d/%s",
                first->key, at->file ? at->file : first->file, at->at.line, at->at.column, second->key,
                port->host_port, port->udp ? "udp" : "tcp"),
            .hint = memory_strdup("leave out hostPort to let the engine choose a free port")});
}

/* True when the port is another's. */
static bool claim(struct claims *claims, struct kind_object *object, const struct port_mapping *port)
{
    char *key CLEANUP_FREE = memory_printf("%d/%s", port->host_port, port->udp ? "udp" : "tcp");
    const struct kind_object *first = map_get(&claims->ports, key);
    if (!first)
        map_put(&claims->ports, key, object);
    if (!first || text_equal(first->key, object->key))
        return false;
    warn(claims, first, object, port);
    return true;
}

/* One warning for a service is enough. */
static void claim_all(struct claims *claims, struct kind_object *object)
{
    const struct task_definition *definition = object->service->task_definition;
    for (size_t i = 0; i < definition->containers.len; i++) {
        const struct port_mapping_vec *ports = &definition->containers.items[i].ports;
        for (size_t j = 0; j < ports->len; j++)
            if (ports->items[j].host_port && claim(claims, object, &ports->items[j]))
                return;
    }
}

void port_check(const struct manifest *manifest, struct diagnostics *diagnostics)
{
    assert(manifest);
    assert(diagnostics);
    struct claims claims = {.diagnostics = diagnostics};
    const struct kind_object_vec *services = &manifest->entangled;
    for (size_t i = 0; i < services->len; i++) {
        struct kind_object *object = services->items[i];
        if (object->takes_ports && (object->service->daemon || object->service->desired_count > 0))
            claim_all(&claims, object);
    }
    map_deinit(&claims.ports);
}
