#include "manifest/kind_read.h"

#include "base/memory.h"
#include "manifest/kind_members.h"
#include "model/json.h"

#include <assert.h>

void kind_cluster_read(json_t *value, struct kind_object *object)
{
    assert(value);
    struct cluster *cluster = NEW(struct cluster);
    cluster->refs = 1;
    cluster->name = memory_strdup(model_string(value, "clusterName"));
    cluster->suspend = model_bool(json_object_get(value, "davit"), "suspend");
    kind_members_strip(kind_members(KIND_CLUSTER), value);
    cluster->json = json_incref(value);
    object->cluster = cluster;
    object->key = memory_strdup(cluster->name);
}
