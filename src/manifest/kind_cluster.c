#include "manifest/kind_read.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/kind_members.h"
#include "model/json.h"

#include <assert.h>

static void check_attributes(const json_t *instance, size_t i, struct diagnostics *diagnostics)
{
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(instance, "attributes"), name, value)
        if (instance_attribute_is_of_engine(name))
            kind_report(diagnostics,
                        (struct kind_fault){
                            .severity = SEVERITY_ERROR,
                            .code = "value",
                            .pointer = memory_printf("/davit/containerInstances/%zu/attributes/%s", i, name),
                            .message = memory_printf("%s is what the engine says of itself", name),
                            .hint = memory_strdup("remove it here")});
}

void kind_cluster_check(const json_t *value, struct diagnostics *diagnostics)
{
    assert(value);
    size_t i;
    json_t *instance;
    struct map seen = {0};
    json_array_foreach (json_object_get(json_object_get(value, "davit"), "containerInstances"), i, instance) {
        const char *name = model_string(instance, "name");
        if (name && map_get(&seen, name))
            kind_report(diagnostics,
                        (struct kind_fault){
                            .severity = SEVERITY_ERROR,
                            .code = "duplicate",
                            .pointer = memory_printf("/davit/containerInstances/%zu/name", i),
                            .message = memory_printf("container instance \"%s\" is declared twice", name),
                            .hint = memory_strdup("remove one of the two")});
        if (name)
            map_put(&seen, name, (void *)1);
        check_attributes(instance, i, diagnostics);
    }
    map_deinit(&seen);
    kind_windows_check(value, diagnostics);
    kind_capacity_check(json_object_get(value, "defaultCapacityProviderStrategy"),
                        "/defaultCapacityProviderStrategy", SEVERITY_WARNING, diagnostics);
}

void kind_cluster_read(json_t *value, struct kind_object *object)
{
    assert(value);
    struct cluster *cluster = NEW(struct cluster);
    cluster->refs = 1;
    cluster->name = memory_strdup(model_string(value, "clusterName"));
    container_instances_from_json(value, &cluster->instances);
    capacity_items_from_json(json_object_get(value, "defaultCapacityProviderStrategy"), &cluster->capacity);
    change_windows_from_json(value, &cluster->windows);
    cluster->suspend = model_bool(json_object_get(value, "davit"), "suspend");
    kind_members_strip(kind_members(KIND_CLUSTER), value);
    cluster->json = json_incref(value);
    object->cluster = cluster;
    object->key = memory_strdup(cluster->name);
}
