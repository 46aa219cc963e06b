/* Capacity provider strategies beside the cluster's container instances: warnings where a strategy has no
 * effect, or names what no instance is of. */
#include "manifest/manifest_state.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>

static bool has_provider(const struct cluster *cluster, const char *provider)
{
    for (size_t i = 0; i < cluster->instances.len; i++)
        if (text_equal(cluster->instances.items[i].capacity_provider, provider))
            return true;
    return false;
}

static void warn(const struct kind_object *object, const struct kind_reference *reference, char *message,
                 const char *hint, struct diagnostics *diagnostics)
{
    cross_check_report(diagnostics, object, &reference->at,
                       (struct kind_fault){.severity = SEVERITY_WARNING,
                                           .code = "no-effect",
                                           .pointer = memory_strdup(reference->pointer),
                                           .message = message,
                                           .hint = memory_strdup(hint)});
}

/* One alone that has no share. Of several it is an error, see kind_capacity_check(). */
static bool gets_nothing(const struct capacity_item_vec *items)
{
    return items->len == 1 && items->items[0].weight == 0 && items->items[0].base == 0;
}

/* Of a service, or of a cluster's default: each item that nobody is there for, or once for all. */
static void check(const struct kind_object *object, const struct cluster *cluster, bool daemon,
                  struct diagnostics *diagnostics)
{
    bool counts = cluster && container_instances_have_providers(&cluster->instances) && !daemon;
    for (size_t i = 0; i < object->references.len; i++) {
        const struct kind_reference *reference = &object->references.items[i];
        if (reference->target != KIND_CAPACITY_PROVIDER)
            continue;
        bool fargate = text_equal(reference->name, "FARGATE") || text_equal(reference->name, "FARGATE_SPOT");
        if (daemon || fargate || !counts)
            warn(object, reference,
                 memory_printf("capacity provider %s has no effect: %s", reference->name,
                               daemon    ? "a DAEMON runs on every instance"
                               : fargate ? "there is no Fargate here"
                                         : "tasks run on the instances that davit knows"),
                 daemon || fargate ? NULL
                                   : "davit.containerInstances of the cluster say which instance is of which "
                                     "capacityProvider",
                 diagnostics);
        else if (!has_provider(cluster, reference->name))
            warn(object, reference,
                 memory_printf(
                     "no container instance of cluster %s is of capacity provider %s: tasks that are "
                     "for it wait",
                     cluster->name, reference->name),
                 "name it in davit.containerInstances of the cluster", diagnostics);
        else if (gets_nothing(object->kind == KIND_SERVICE ? &object->service->capacity : &cluster->capacity))
            warn(object, reference,
                 memory_printf("capacity provider %s gets no task: its weight is 0, as by default",
                               reference->name),
                 "give it a weight of 1", diagnostics);
    }
}

void provider_check(const struct manifest *manifest, struct diagnostics *diagnostics)
{
    assert(manifest);
    assert(diagnostics);
    for (size_t i = 0; i < manifest->objects[KIND_CLUSTER].len; i++) {
        const struct kind_object *object = manifest->objects[KIND_CLUSTER].items[i];
        check(object, object->cluster, false, diagnostics);
    }
    for (size_t i = 0; i < manifest->entangled.len; i++) {
        const struct kind_object *object = manifest->entangled.items[i];
        if (json_object_get(object->service->json, "capacityProviderStrategy"))
            check(object, cross_check_cluster(manifest, object->service->cluster), object->service->daemon,
                  diagnostics);
    }
}
