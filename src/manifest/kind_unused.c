/* Kinds that nothing is run of yet: they are validated, and others may name them. */
#include "manifest/kind_read.h"

#include "base/memory.h"
#include "model/json.h"

#include <assert.h>

/* A listener has no name in AWS: its load balancer and its port make one. */
static char *listener_key(const json_t *value)
{
    return memory_printf("%s:%d", model_string(value, "LoadBalancerArn"), (int)model_int(value, "Port"));
}

/* Nothing refers to a run, and equal ones are two runs. */
static char *run_key(const json_t *value)
{
    const char *cluster = model_string(value, "cluster");
    return memory_printf("%s/%s", cluster ? kind_arn_tail(cluster) : "default",
                         kind_arn_tail(model_string(value, "taskDefinition")));
}

void kind_unused_read(const json_t *value, struct kind_object *object)
{
    assert(value);
    const char *name = model_string(value, object->kind == KIND_CAPACITY_PROVIDER ? "name" : "Name");
    if (!name && object->kind == KIND_TARGET_GROUP)
        name = model_string(value, "TargetGroupName");
    if (object->kind == KIND_LISTENER)
        object->key = listener_key(value);
    else if (object->kind == KIND_RUN_TASK)
        object->key = run_key(value);
    else
        object->key = memory_strdup(name);
}
