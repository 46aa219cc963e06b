/* What the AWS CLI prints and takes: the objects without what AWS put in. */
#include "base/text.h"
#include "manifest/import_run.h"
#include "manifest/import_shape.h"
#include "manifest/kind_members.h"
#include "model/json.h"

#include <assert.h>
#include <string.h>

/* What describe-*, register-*, create-* print around an object, or a list of them. */
static const struct {
    const char *member;
    const char *kind;
} wrappers[] = {
    {"taskDefinition", "TaskDefinition"},
    {"service", "Service"},
    {"services", "Service"},
    {"cluster", "Cluster"},
    {"clusters", "Cluster"},
    {"capacityProviders", "CapacityProvider"},
    {"capacityProvider", "CapacityProvider"},
};

/* Members that tell an object's kind, the first counts. */
static const struct {
    const char *member;
    const char *kind;
} shapes[] = {
    {"containerDefinitions", "TaskDefinition"},
    {"serviceName", "Service"},
    {"clusterName", "Cluster"},
    {"desiredCount", "Service"},
    {"deploymentConfiguration", "Service"},
    {"networkConfiguration", "Service"},
};

/* What list-* prints is no more than names. */
static const char *const lists[] = {"taskDefinitionArns", "serviceArns", "clusterArns", "taskArns",
                                    "familyNames"};

static void drop_empty(json_t *value)
{
    const char *key;
    json_t *child;
    void *next;
    size_t i;
    json_array_foreach (value, i, child)
        drop_empty(child);
    json_object_foreach_safe(value, next, key, child)
    {
        if (json_is_null(child) || (json_is_array(child) && !json_array_size(child)))
            json_object_del(value, key);
        else
            drop_empty(child);
    }
}

static const struct kind_member *member_named(enum kind kind, const char *name)
{
    const struct kind_member *member = kind_members(kind);
    while (member->name && !text_equal(member->name, name))
        member++;
    return member->name ? member : NULL;
}

/* The members that are somebody's wish, and not what AWS tells about the object. */
static json_t *wished(struct import_run *run, enum kind kind, const json_t *object, const char *pointer)
{
    json_t *wish = json_object();
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        const struct kind_member *member = member_named(kind, key);
        char *at CLEANUP_FREE = import_pointer(pointer, key);
        if (member && (member->effect == KIND_OUTPUT || text_equal(key, "requiresAttributes")))
            continue; /* AWS computes the latter */
        bool name = kind == KIND_SERVICE && text_equal(key, "service");
        if (!member && !name && !text_starts_with(key, "$") && !text_starts_with(key, "x-"))
            import_note(run, IMPORT_DROPPED, at, "ECS has no such member");
        if (!member)
            continue;
        import_count(run, value, at);
        json_object_set_new(wish, key, json_deep_copy(value));
    }
    drop_empty(wish);
    return wish;
}

/* The name behind the last slash of an ARN. */
static const char *tail(const char *text)
{
    const char *slash = text_starts_with(text, "arn:") ? strrchr(text, '/') : NULL;
    return slash ? slash + 1 : text;
}

/* update-service calls it "service", and files of deployment tools leave it out. */
static void name_service(struct import_run *run, json_t *service, const json_t *told, const char *pointer)
{
    const char *given = run->source->world->project;
    const char *name = model_string(told, "service");
    if (!name && !given)
        import_note(run, IMPORT_CHANGED, pointer, "the service has no name: give it one by --name");
    json_object_set_new(service, "serviceName", json_string(name ? tail(name) : given ? given : "unnamed"));
}

static void mend_service(struct import_run *run, json_t *service, const json_t *told, const char *pointer)
{
    const char *cluster = model_string(service, "cluster");
    const char *definition = model_string(service, "taskDefinition");
    char *at CLEANUP_FREE = import_pointer(pointer, "taskDefinition");
    if (!cluster)
        cluster = model_string(told, "clusterArn"); /* describe-services has it there */
    json_object_del(service, "clusterArn");
    if (cluster) {
        char *name CLEANUP_FREE = memory_strdup(tail(cluster));
        json_object_set_new(service, "cluster", json_string(name));
    }
    if (definition) {
        char *family CLEANUP_FREE = memory_strdup(tail(definition));
        char *revision = import_cut(family, ':');
        json_object_set_new(service, "taskDefinition", json_string(family));
        if (revision)
            import_note(run, IMPORT_CHANGED, at, "revision %.20s is AWS's count; the newest one is meant now",
                        revision);
    }
    if (!model_string(service, "serviceName"))
        name_service(run, service, told, pointer);
    if (model_string(told, "roleArn") && !model_string(service, "role"))
        json_object_set(service, "role", json_object_get(told, "roleArn"));
}

static void take(struct import_run *run, enum kind kind, const json_t *object, const char *pointer)
{
    if (kind == KIND_COUNT || !json_is_object(object)) {
        import_note(run, IMPORT_DROPPED, pointer, "davit has no kind of manifest for it");
        return;
    }
    json_t *wish = wished(run, kind, object, pointer);
    if (kind == KIND_SERVICE)
        mend_service(run, wish, object, pointer);
    import_add(run, kind_names[kind], wish);
}

static void take_wrapped(struct import_run *run, const json_t *wrapper, const char *base, const char *member,
                         enum kind kind)
{
    json_t *value = json_object_get(wrapper, member);
    char *pointer CLEANUP_FREE = import_pointer(base, member);
    size_t i;
    json_t *item;
    if (json_is_object(value)) {
        json_t *object = json_copy(value);
        if (json_object_get(wrapper, "tags") && !json_object_get(object, "tags"))
            json_object_set(object, "tags", json_object_get(wrapper, "tags"));
        take(run, kind, object, pointer);
        json_decref(object);
    }
    json_array_foreach (value, i, item) {
        char *at CLEANUP_FREE = import_pointer_index(pointer, i);
        take(run, kind, item, at);
    }
}

static enum kind kind_by_shape(const json_t *value)
{
    const char *kind = model_string(value, "kind");
    for (size_t i = 0; i < ARRAY_LEN(shapes) && !kind; i++)
        if (json_object_get(value, shapes[i].member))
            kind = shapes[i].kind;
    return kind ? import_kind(kind) : KIND_COUNT;
}

/* An object, what wraps objects, or a list of either; depth is bounded by the document's. */
static int take_any(struct import_run *run, const json_t *value, const char *pointer)
{
    enum kind kind = kind_by_shape(value);
    size_t i;
    json_t *item;
    size_t before = json_array_size(run->import->objects);
    if (kind < KIND_COUNT) {
        take(run, kind, value, pointer);
        return 0;
    }
    json_array_foreach ((json_t *)(uintptr_t)value, i, item) {
        char *at CLEANUP_FREE = import_pointer_index(pointer, i);
        int r = take_any(run, item, at);
        if (r < 0)
            return r;
    }
    for (i = 0; i < ARRAY_LEN(wrappers); i++)
        take_wrapped(run, value, pointer, wrappers[i].member, import_kind(wrappers[i].kind));
    for (i = 0; i < ARRAY_LEN(lists); i++)
        if (json_object_get(value, lists[i]))
            return import_fail(run, pointer,
                               "a list of names: import what \"aws ecs describe-...\" prints of them");
    if (json_array_size(run->import->objects) > before || json_array_size(value))
        return 0;
    return import_fail(
        run, pointer,
        "neither what \"aws ecs describe-*\" prints of clusters, services and task definitions, nor "
        "what register-* and create-* take");
}

int import_ecs(const struct import_source *source, struct import *ret_import, struct diagnostics *diagnostics)
{
    struct import import;
    struct import_run run;
    import_run_init(&run, source, &import, diagnostics);
    int r = take_any(&run, source->document->value, "");
    return import_run_finish(&run, r, ret_import);
}
