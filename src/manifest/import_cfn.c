/* CloudFormation templates: the resources of AWS::ECS and what belongs to them. */
#include "manifest/import_cfn.h"

#include "base/limits.h"
#include "base/text.h"
#include "manifest/import_shape.h"
#include "model/json.h"

#include <assert.h>
#include <string.h>

/* A resource that becomes a manifest. */
struct cfn_resource {
    const char *id;
    const json_t *body;
    char *pointer; /* to its properties */
    enum kind kind;
    json_t *object; /* the manifest */
};

typedef void cfn_finish(struct cfn *cfn, struct cfn_resource *resource);

static cfn_finish finish_named, finish_service;

/* Not an object of its own: its members belong to a cluster. */
static const char associations[] = "AWS::ECS::ClusterCapacityProviderAssociations";

static const struct {
    const char *type;
    const char *kind; /* passed by while davit has none of that name */
    const char *name; /* the member that has to be there */
    cfn_finish *finish;
} types[] = {
    {"AWS::ECS::Cluster", "Cluster", "clusterName", finish_named},
    {"AWS::ECS::TaskDefinition", "TaskDefinition", "family", finish_named},
    {"AWS::ECS::Service", "Service", "serviceName", finish_service},
    {"AWS::ECS::CapacityProvider", "CapacityProvider", "name", finish_named},
    {"AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroup", "Name", finish_named},
    {"AWS::ElasticLoadBalancingV2::Listener", "Listener", NULL, NULL},
    {"AWS::Events::Rule", "ScheduledTask", "Name", finish_named},
    {"AWS::Scheduler::Schedule", "ScheduledTask", "Name", finish_named},
};

/* Rules and schedules that start no tasks are not ours. */
static bool starts_tasks(const json_t *body)
{
    const json_t *properties = json_object_get(body, "Properties");
    const json_t *target = json_object_get(properties, "Target");
    if (!target)
        target = json_array_get(json_object_get(properties, "Targets"), 0);
    return json_object_get(properties, "ScheduleExpression") && json_object_get(target, "EcsParameters");
}

static size_t type_of(const json_t *body)
{
    const char *type = model_string(body, "Type");
    size_t i = 0;
    while (i < ARRAY_LEN(types) && !text_equal(type, types[i].type))
        i++;
    bool ours = i < ARRAY_LEN(types) && import_kind(types[i].kind) < KIND_COUNT &&
                (!text_equal(types[i].kind, "ScheduledTask") || starts_tasks(body));
    return ours ? i : ARRAY_LEN(types);
}

/* --- one resource --------------------------------------------------------------------------------------- */

static json_t *object_named(const struct import_run *run, const char *kind, const char *member,
                            const char *name)
{
    size_t i;
    json_t *object;
    json_array_foreach (run->import->objects, i, object)
        if (text_equal(model_string(object, "kind"), kind) && text_equal(model_string(object, member), name))
            return object;
    return NULL;
}

/* Two of one name would be one: the second gets its logical id, which is its own. */
static void finish_named(struct cfn *cfn, struct cfn_resource *resource)
{
    const char *member = types[type_of(resource->body)].name;
    char *name CLEANUP_FREE = cfn_resource_name(cfn, resource->id, resource->pointer);
    const char *chosen = name ? name : resource->id;
    if (object_named(cfn->run, kind_names[resource->kind], member, chosen)) {
        import_note(cfn->run, IMPORT_CHANGED, resource->pointer,
                    "%.255s is the name of another one: this one is %.255s", chosen, resource->id);
        chosen = resource->id;
    }
    json_object_set_new(resource->object, member, json_string(chosen));
}

/* "${Cluster}" and ARNs become names. */
static void plain_reference(json_t *object, const char *member)
{
    const char *value = model_string(object, member);
    if (!value)
        return;
    const char *slash = strrchr(value, '/');
    bool arn = text_starts_with(value, "arn:") && slash;
    char *name CLEANUP_FREE =
        strstr(value, "${") ? import_plain_name(value) : memory_strdup(arn ? slash + 1 : value);
    json_object_set_new(object, member, json_string(name));
}

static void finish_service(struct cfn *cfn, struct cfn_resource *resource)
{
    json_t *service = resource->object;
    finish_named(cfn, resource);
    plain_reference(service, "cluster");
    plain_reference(service, "taskDefinition");
    const char *definition = model_string(service, "taskDefinition");
    const char *colon = definition ? strchr(definition, ':') : NULL;
    char *pointer CLEANUP_FREE = import_pointer(resource->pointer, "TaskDefinition");
    if (colon) {
        char *family CLEANUP_FREE = memory_strndup(definition, (size_t)(colon - definition));
        import_note(cfn->run, IMPORT_CHANGED, pointer,
                    "revision %.20s is AWS's count; the newest one is meant now", colon + 1);
        json_object_set_new(service, "taskDefinition", json_string(family));
    }
    if (!definition) {
        import_note(cfn->run, IMPORT_UNRESOLVED, pointer, "it has no task definition");
        json_object_set_new(service, "taskDefinition", json_string(resource->id));
    }
    bool daemon = text_equal(model_string(service, "schedulingStrategy"), "DAEMON");
    if (!daemon && !json_object_get(service, "desiredCount"))
        json_object_set_new(service, "desiredCount", json_integer(1)); /* CloudFormation's default */
}

static void convert(struct cfn *cfn, struct cfn_resource *resource)
{
    const json_t *properties = json_object_get(resource->body, "Properties");
    json_t *resolved = properties ? cfn_resolve(cfn, properties, resource->pointer) : NULL;
    import_count(cfn->run, properties, resource->pointer);
    resource->object = import_shape(cfn->run, resource->kind, resolved, resource->pointer);
    if (types[type_of(resource->body)].finish)
        types[type_of(resource->body)].finish(cfn, resource);
    import_add(cfn->run, kind_names[resource->kind], json_incref(resource->object));
    json_decref(resource->object);
    json_decref(resolved);
}

/* --- the template --------------------------------------------------------------------------------------- */

/* Members of a cluster that stand in a resource of their own. */
static void associate(struct cfn *cfn, const char *id, const json_t *body)
{
    char *resource CLEANUP_FREE = import_pointer("/Resources", id);
    char *pointer CLEANUP_FREE = import_pointer(resource, "Properties");
    const json_t *properties = json_object_get(body, "Properties");
    json_t *resolved CLEANUP(json_decrefp) = properties ? cfn_resolve(cfn, properties, pointer) : NULL;
    json_t *shape CLEANUP(json_decrefp) = NULL;
    char *name CLEANUP_FREE = import_text(json_object_get(resolved, "Cluster"));
    json_t *cluster = name ? object_named(cfn->run, "Cluster", "clusterName", name) : NULL;
    json_object_del(resolved, "Cluster");
    import_count(cfn->run, properties, pointer);
    shape = import_shape(cfn->run, KIND_CLUSTER, resolved, pointer);
    if (cluster)
        json_object_update_missing(cluster, shape);
    else
        import_note(cfn->run, IMPORT_DROPPED, pointer, "its cluster is not in the template");
}

/* Services name clusters; one that another stack has is written as well. */
static void add_clusters(struct cfn *cfn)
{
    size_t len = json_array_size(cfn->run->import->objects);
    for (size_t i = 0; i < len; i++) {
        const json_t *service = json_array_get(cfn->run->import->objects, i);
        const char *name = model_string(service, "cluster");
        if (!text_equal(model_string(service, "kind"), "Service") || !name ||
            object_named(cfn->run, "Cluster", "clusterName", name))
            continue;
        import_note(cfn->run, IMPORT_CHANGED, "/Resources",
                    "the cluster %.255s is not in the template: it is added", name);
        import_add(cfn->run, "Cluster", json_pack("{s:s}", "clusterName", name));
    }
}

/* One note for all resources of a service of AWS that davit has nothing for. */
static void note_others(struct cfn *cfn, const json_t *resources)
{
    struct map seen CLEANUP(map_deinit) = {0};
    const char *id;
    json_t *body;
    json_object_foreach ((json_t *)(uintptr_t)resources, id, body) {
        const char *type =
            model_string(body, "Type") ? model_string(body, "Type") : "a resource without type";
        const char *colon = strstr(type, "::");
        const char *second = colon ? strstr(colon + 2, "::") : NULL;
        bool ecs = text_starts_with(type, "AWS::ECS::");
        bool ours = type_of(body) < ARRAY_LEN(types) || text_equal(type, associations);
        char *pointer CLEANUP_FREE = import_pointer("/Resources", id);
        char *service CLEANUP_FREE =
            second && !ecs ? memory_strndup(type, (size_t)(second - type)) : memory_strdup(type);
        if (ours || map_get(&seen, service))
            continue;
        map_put(&seen, service, (void *)(uintptr_t)id);
        import_note(cfn->run, IMPORT_DROPPED, pointer, "%.100s is not among what davit runs", service);
        if (ecs)
            import_count(cfn->run, json_object_get(body, "Properties"), pointer);
    }
}

static void convert_all(struct cfn *cfn, const json_t *resources)
{
    const char *id;
    json_t *body;
    json_object_foreach ((json_t *)(uintptr_t)resources, id, body) {
        size_t type = type_of(body);
        char *pointer CLEANUP_FREE = import_pointer("/Resources", id);
        if (type == ARRAY_LEN(types) || cfn->run->over)
            continue;
        if (!cfn_is_there(cfn, body)) {
            import_note(cfn->run, IMPORT_CHANGED, pointer, "its condition is false: it is not written");
            continue;
        }
        struct cfn_resource resource = {.id = id,
                                        .body = body,
                                        .pointer = import_pointer(pointer, "Properties"),
                                        .kind = import_kind(types[type].kind)};
        convert(cfn, &resource);
        free(resource.pointer);
    }
    json_object_foreach ((json_t *)(uintptr_t)resources, id, body)
        if (text_equal(model_string(body, "Type"), associations) && !cfn->run->over &&
            cfn_is_there(cfn, body))
            associate(cfn, id, body);
}

int import_cloudformation(const struct import_source *source, struct import *ret_import,
                          struct diagnostics *diagnostics)
{
    struct import import;
    struct import_run run;
    import_run_init(&run, source, &import, diagnostics);
    json_t *root = source->document->value;
    import_merge(root);
    struct cfn cfn = {.run = &run, .root = root};
    const json_t *resources = json_object_get(root, "Resources");
    int r = json_is_object(resources)
                ? 0
                : import_fail(&run, "", "this is no CloudFormation template: it has no Resources");
    if (r == 0) {
        convert_all(&cfn, resources);
        add_clusters(&cfn);
        note_others(&cfn, resources);
    }
    return import_run_finish(&run, r, ret_import);
}
