/* Where objects name others: one line a place. */
#include "manifest/kind_read.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define MEMBER_SIZE 40 /* of a member's name below */

static const struct {
    enum kind kind;
    unsigned target;
    const char *path; /* "*" is each element of a list, "{}" what a string has in it, as JSON */
} places[] = {
    {KIND_CAPACITY_PROVIDER, KIND_CLUSTER, "cluster"},
    {KIND_CLUSTER, KIND_CAPACITY_PROVIDER, "defaultCapacityProviderStrategy/*/capacityProvider"},
    {KIND_LISTENER, KIND_TARGET_GROUP, "DefaultActions/*/TargetGroupArn"},
    {KIND_LISTENER, KIND_TARGET_GROUP, "DefaultActions/*/ForwardConfig/TargetGroups/*/TargetGroupArn"},
    {KIND_RUN_TASK, KIND_CLUSTER, "cluster"},
    {KIND_RUN_TASK, KIND_TASK_DEFINITION, "taskDefinition"},
    {KIND_RUN_TASK, KIND_CAPACITY_PROVIDER, "capacityProviderStrategy/*/capacityProvider"},
    {KIND_RUN_TASK, KIND_CONTAINER, "overrides/containerOverrides/*/name"},
    {KIND_SCHEDULED_TASK, KIND_CLUSTER, "Target/Arn"},
    {KIND_SCHEDULED_TASK, KIND_CLUSTER, "Targets/*/Arn"},
    {KIND_SCHEDULED_TASK, KIND_TASK_DEFINITION, "Target/EcsParameters/TaskDefinitionArn"},
    {KIND_SCHEDULED_TASK, KIND_TASK_DEFINITION, "Targets/*/EcsParameters/TaskDefinitionArn"},
    {KIND_SCHEDULED_TASK, KIND_CAPACITY_PROVIDER,
     "Target/EcsParameters/CapacityProviderStrategy/*/capacityProvider"},
    {KIND_SCHEDULED_TASK, KIND_CAPACITY_PROVIDER,
     "Targets/*/EcsParameters/CapacityProviderStrategy/*/capacityProvider"},
    {KIND_SCHEDULED_TASK, KIND_OVERRIDES, "Target/Input"},
    {KIND_SCHEDULED_TASK, KIND_OVERRIDES, "Targets/*/Input"},
    {KIND_SCHEDULED_TASK, KIND_CONTAINER, "Target/Input/{}/containerOverrides/*/name"},
    {KIND_SCHEDULED_TASK, KIND_CONTAINER, "Targets/*/Input/{}/containerOverrides/*/name"},
    {KIND_SERVICE, KIND_CAPACITY_PROVIDER, "capacityProviderStrategy/*/capacityProvider"},
    {KIND_SERVICE, KIND_CONTAINER, "loadBalancers/*/containerName"},
    {KIND_SERVICE, KIND_CONTAINER, "serviceRegistries/*/containerName"},
    {KIND_SERVICE, KIND_EXPRESSION, "placementConstraints/*/expression"},
    {KIND_SERVICE, KIND_CONSTRAINT, "placementConstraints/*/type"},
    {KIND_SERVICE, KIND_STRATEGY, "placementStrategy/*/field"},
    {KIND_SERVICE, KIND_SERVICE, "davit/dependsOn/*/service"},
    {KIND_SERVICE, KIND_TASK_DEFINITION, "davit/preDeploy/*"},
    {KIND_SERVICE, KIND_TARGET_GROUP, "loadBalancers/*/targetGroupArn"},
    {KIND_SERVICE, KIND_TARGET_GROUP, "loadBalancers/*/advancedConfiguration/alternateTargetGroupArn"},
};

/* "arn:...:targetgroup/web/73e2d6bc24d8a067" is "web", and a service without cluster is one of its
 * neighbours; the others end in their names. Caller frees. */
static char *name_of(unsigned target, const char *text, const json_t *object)
{
    if (target == KIND_SERVICE)
        return strchr(text, '/') ? memory_strdup(text) : service_key(kind_service_cluster(object), text);
    if (target == KIND_EXPRESSION || target == KIND_STRATEGY || target == KIND_CONSTRAINT ||
        target == KIND_OVERRIDES)
        return memory_strdup(text);
    const char *name = target == KIND_TARGET_GROUP ? strstr(text, ":targetgroup/") : NULL;
    if (!name)
        return memory_strdup(kind_arn_tail(text));
    name = strchr(name, '/') + 1;
    return memory_strndup(name, strcspn(name, "/"));
}

/* One place as it is followed into the object. */
struct search {
    struct kind_object *object;
    const json_t *root;
    unsigned target;
    struct buffer *pointer; /* of the value */
    bool in_string;         /* the pointer stays at the string */
};

static void follow(const struct search *search, const json_t *value, const char *path);

static void follow_below(const struct search *search, const json_t *value, const char *path,
                         const char *token)
{
    size_t len = search->pointer->len;
    if (!search->in_string) {
        buffer_append_str(search->pointer, "/");
        buffer_append_str(search->pointer, token);
    }
    follow(search, value, path);
    buffer_truncate(search->pointer, len);
}

static void follow(const struct search *search, const json_t *value, const char *path)
{
    if (json_is_string(value) && !*path) {
        const char *text = json_string_value(value);
        vector_push(&search->object->references,
                    (struct kind_reference){.target = search->target,
                                            .name = name_of(search->target, text, search->root),
                                            .arn = text_starts_with(text, "arn:"),
                                            .pointer = memory_strdup(buffer_str(search->pointer))});
        return;
    }
    size_t len = strcspn(path, "/");
    char name[MEMBER_SIZE];
    assert(len < sizeof name);
    memcpy(name, path, len);
    name[len] = '\0';
    const char *rest = path[len] ? path + len + 1 : path + len;
    if (text_equal(name, "{}") && json_is_string(value)) {
        json_t *inner = json_loads(json_string_value(value), 0, NULL);
        struct search inside = *search;
        inside.in_string = true;
        follow(&inside, inner, rest);
        json_decref(inner);
        return;
    }
    const json_t *member = json_object_get(value, name);
    if (member)
        follow_below(search, member, rest, name);
    size_t i;
    json_t *item;
    json_array_foreach (text_equal(name, "*") ? (json_t *)value : NULL, i, item) {
        char token[sizeof "18446744073709551615"];
        snprintf(token, sizeof token, "%zu", i);
        follow_below(search, item, rest, token);
    }
}

void kind_references_read(const json_t *value, struct kind_object *object)
{
    assert(value);
    struct buffer pointer CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (places[i].kind == object->kind)
            follow(&(struct search){object, value, places[i].target, &pointer, false}, value, places[i].path);
}
