#include "manifest/kind.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/environment.h"
#include "manifest/file_reference.h"
#include "manifest/kind_members.h"
#include "manifest/kind_read.h"
#include "manifest/manifest.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct schema *kind_schema_new(enum kind kind)
{
    assert(kind < KIND_COUNT);
    return kind_schema_named(kind_names[kind]);
}

void kind_set_init(struct kind_set *set)
{
    assert(set);
    *set = (struct kind_set){.pool = KIND_POOL_INIT};
}

const struct schema *kind_set_schema(struct kind_set *set, enum kind kind)
{
    assert(set);
    assert(kind < KIND_COUNT);
    if (!set->schemas[kind])
        set->schemas[kind] = kind_schema_new(kind);
    return set->schemas[kind];
}

void kind_set_deinit(struct kind_set *set)
{
    assert(set);
    for (size_t i = 0; i < KIND_COUNT; i++)
        schema_free(set->schemas[i]);
    kind_pool_deinit(&set->pool);
    memset(set, 0, sizeof *set);
}

static void place_deinit(struct kind_place *place)
{
    free(place->file);
    free(place->pointer);
}

void kind_object_free(struct kind_object *object)
{
    if (!object)
        return;
    free(object->key);
    free(object->base);
    place_deinit(&object->cluster_at);
    place_deinit(&object->task_definition_at);
    place_deinit(&object->deployment_at);
    diagnostics_deinit(&object->together);
    file_references_free(object->files);
    if (object->kind == KIND_CLUSTER)
        cluster_unref(object->cluster);
    else if (object->kind == KIND_SERVICE)
        service_unref(object->service);
    else if (object->kind == KIND_SCHEDULED_TASK)
        scheduled_task_unref(object->scheduled_task);
    else if (object->kind == KIND_TASK_DEFINITION)
        task_definition_unref(object->task_definition);
    for (size_t i = 0; i < object->references.len; i++) {
        free(object->references.items[i].name);
        free(object->references.items[i].pointer);
        place_deinit(&object->references.items[i].at);
    }
    vector_deinit(&object->references);
    free(object);
}

void kind_report(struct diagnostics *diagnostics, struct kind_fault fault)
{
    assert(fault.message);
    struct diagnostic diagnostic = {.severity = fault.severity,
                                    .pointer = fault.pointer ? fault.pointer : memory_strdup(""),
                                    .code = memory_strdup(fault.code),
                                    .message = fault.message,
                                    .found = fault.found,
                                    .expected = fault.expected,
                                    .hint = fault.hint};
    diagnostics_add(diagnostics, &diagnostic);
}

const char *kind_arn_tail(const char *text)
{
    assert(text);
    const char *slash = strrchr(text, '/');
    return slash ? slash + 1 : text;
}

/* Members that tell a kind by its shape, the first match counts. */
static const struct {
    const char *member;
    json_type type;
    enum kind kind;
} shapes[] = {
    {"containerDefinitions", JSON_ARRAY, KIND_TASK_DEFINITION},
    {"serviceName", JSON_STRING, KIND_SERVICE},
    {"overrides", JSON_OBJECT, KIND_RUN_TASK},
    {"startedBy", JSON_STRING, KIND_RUN_TASK},
    {"taskDefinition", JSON_STRING, KIND_SERVICE},
    {"clusterName", JSON_STRING, KIND_CLUSTER},
    {"family", JSON_STRING, KIND_TASK_DEFINITION},
    {"autoScalingGroupProvider", JSON_OBJECT, KIND_CAPACITY_PROVIDER},
    {"managedInstancesProvider", JSON_OBJECT, KIND_CAPACITY_PROVIDER},
    {"ScheduleExpression", JSON_STRING, KIND_SCHEDULED_TASK},
    {"DefaultActions", JSON_ARRAY, KIND_LISTENER},
    {"TargetGroupName", JSON_STRING, KIND_TARGET_GROUP},
    {"TargetType", JSON_STRING, KIND_TARGET_GROUP},
    {"HealthCheckPath", JSON_STRING, KIND_TARGET_GROUP},
    {"desiredCount", JSON_INTEGER, KIND_SERVICE},
    {"deploymentConfiguration", JSON_OBJECT, KIND_SERVICE},
    {"networkConfiguration", JSON_OBJECT, KIND_SERVICE},
};

/* What describe-*, register-* and create-* print around an object, or a list of them. */
static const struct {
    const char *member;
    json_type type;
    enum kind kind;
    const char *unless; /* with this beside it, it is a member of the object itself */
} wrappers[] = {
    {"taskDefinition", JSON_OBJECT, KIND_TASK_DEFINITION, NULL},
    {"service", JSON_OBJECT, KIND_SERVICE, NULL},
    {"services", JSON_ARRAY, KIND_SERVICE, NULL},
    {"cluster", JSON_OBJECT, KIND_CLUSTER, NULL},
    {"clusters", JSON_ARRAY, KIND_CLUSTER, NULL},
    {"capacityProvider", JSON_OBJECT, KIND_CAPACITY_PROVIDER, NULL},
    {"capacityProviders", JSON_ARRAY, KIND_CAPACITY_PROVIDER, "clusterName"},
    {"TargetGroups", JSON_ARRAY, KIND_TARGET_GROUP, NULL},
    {"Listeners", JSON_ARRAY, KIND_LISTENER, NULL},
};

#define FROM_TEMPLATE                                                                                        \
    "`davit import cloudformation FILE` makes manifests of a whole template, with its Resources"

/* Files of other tools that live beside manifests. */
static const struct {
    const char *member;
    const char *other; /* NULL: one is enough */
    const char *what;
    const char *remedy; /* NULL: none but to move it */
} strangers[] = {
    {"extends", NULL, "this looks like a davit.yaml, which has that name and stands at the manifest root",
     NULL},
    {"source", "instances", "this looks like a configuration of the daemon",
     "`davit daemon --config FILE` reads it"},
    {"apiVersion", NULL, "this is a Kubernetes manifest", NULL},
    {"Resources", NULL, "this is a CloudFormation template", FROM_TEMPLATE},
    {"AWSTemplateFormatVersion", NULL, "this is a CloudFormation template", FROM_TEMPLATE},
    {"ContainerDefinitions", NULL, "this looks like a task definition of a CloudFormation template",
     FROM_TEMPLATE},
    {"Family", NULL, "this looks like a task definition of a CloudFormation template", FROM_TEMPLATE},
    {"ServiceName", NULL, "this looks like a service of a CloudFormation template", FROM_TEMPLATE},
    {"on", "jobs", "this is a GitHub workflow", NULL},
    {"services", NULL, "this looks like a Compose file", "`davit import compose FILE` makes manifests of it"},
    {"stages", NULL, "this looks like a pipeline", NULL},
    {"containers", NULL, "this looks like container overrides", NULL},
    {"dependencies", NULL, "this looks like a package file", NULL},
};

static void report_stranger(const json_t *value, struct diagnostics *diagnostics)
{
    const char *what = NULL;
    const char *remedy = NULL;
    for (size_t i = 0; i < ARRAY_LEN(strangers) && !what; i++)
        if (json_object_get(value, strangers[i].member) &&
            (!strangers[i].other || json_object_get(value, strangers[i].other))) {
            what = strangers[i].what;
            remedy = strangers[i].remedy;
        }
    kind_report(
        diagnostics,
        (struct kind_fault){
            .severity = SEVERITY_ERROR,
            .code = "kind",
            .message = memory_printf("not a manifest%s%s", what ? ": " : "", what ? what : ""),
            .expected = memory_strdup("a cluster (clusterName), a service (serviceName), a task "
                                      "definition (family and containerDefinitions), or a member \"kind\""),
            .hint = memory_printf("%s%sif it does not belong to davit, move it out of the path that davit "
                                  "reads, or into a hidden directory",
                                  remedy ? remedy : "", remedy ? "; " : "")});
}

/* Caller frees. */
static char *list_of_kinds(void)
{
    char *list = memory_strdup(kind_names[0]);
    for (size_t i = 1; i < KIND_COUNT; i++) {
        char *longer = memory_printf("%s%s%s", list, i + 1 < KIND_COUNT ? ", " : " or ", kind_names[i]);
        free(list);
        list = longer;
    }
    return list;
}

/* 0, or ERROR_INVALID after a report. */
static int kind_by_name(const json_t *name, enum kind *ret_kind, struct diagnostics *diagnostics)
{
    const char *text = json_string_value(name);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (text_equal(text, kind_names[i])) {
            *ret_kind = (enum kind)i;
            return 0;
        }
    }
    const char *near = text ? text_nearest(text, kind_names, KIND_COUNT) : NULL;
    kind_report(diagnostics,
                (struct kind_fault){.severity = SEVERITY_ERROR,
                                    .code = "kind",
                                    .pointer = memory_strdup("/kind"),
                                    .message = memory_strdup("unknown kind"),
                                    .found = json_dumps(name, JSON_ENCODE_ANY | JSON_COMPACT),
                                    .expected = list_of_kinds(),
                                    .hint = near ? memory_printf("did you mean \"%s\"?", near) : NULL});
    return ERROR_INVALID;
}

static int kind_of(const json_t *value, enum kind *ret_kind, struct diagnostics *diagnostics)
{
    const json_t *name = json_object_get(value, "kind");
    if (name && !json_object_get(value, "apiVersion"))
        return kind_by_name(name, ret_kind, diagnostics);
    for (size_t i = 0; i < ARRAY_LEN(shapes) && !name; i++) {
        const json_t *member = json_object_get(value, shapes[i].member);
        if (member && json_typeof(member) == shapes[i].type) {
            *ret_kind = shapes[i].kind;
            return 0;
        }
    }
    report_stranger(value, diagnostics);
    return ERROR_INVALID;
}

/* Pointers from `first` on count from the object at `base`; now they count from the document's root. */
static void rebase(struct diagnostics *diagnostics, size_t first, const char *base)
{
    for (size_t i = first; *base && i < diagnostics->list.len; i++) {
        struct diagnostic *diagnostic = &diagnostics->list.items[i];
        char *pointer = memory_printf("%s%s", base, diagnostic->pointer ? diagnostic->pointer : "");
        free(diagnostic->pointer);
        diagnostic->pointer = pointer;
    }
}

/* What an object that breaks its schema is called, as far as that can be told, so that others may refer to
 * it. */
static char *key_of(enum kind kind, const json_t *value)
{
    if (kind == KIND_TASK_DEFINITION)
        return memory_strdup(model_string(value, "family"));
    if (kind == KIND_CLUSTER)
        return memory_strdup(model_string(value, "clusterName"));
    if (kind == KIND_CAPACITY_PROVIDER)
        return memory_strdup(model_string(value, "name"));
    if (kind == KIND_TARGET_GROUP || kind == KIND_SCHEDULED_TASK)
        return memory_strdup(model_string(value, "Name"));
    const char *name = kind == KIND_SERVICE ? model_string(value, "serviceName") : NULL;
    const char *cluster = json_object_get(value, "cluster") ? "cluster" : "clusterArn";
    if (name && (!json_object_get(value, cluster) || model_string(value, cluster)))
        return service_key(kind_service_cluster(value), name);
    return NULL; /* nothing refers to the others */
}

/* "Service demo/web", "Cluster demo"; NULL without a name. Caller frees. */
static char *declared_name(enum kind kind, const json_t *value)
{
    static const char *const members[KIND_COUNT] = {
        [KIND_CAPACITY_PROVIDER] = "name", [KIND_CLUSTER] = "clusterName", [KIND_SCHEDULED_TASK] = "Name",
        [KIND_SERVICE] = "serviceName",    [KIND_TARGET_GROUP] = "Name",   [KIND_TASK_DEFINITION] = "family",
    };
    const char *cluster = kind == KIND_SERVICE ? kind_service_cluster(value) : "";
    const char *name = members[kind] ? model_string(value, members[kind]) : NULL;
    return name ? memory_printf("%s %s%s%s", kind_names[kind], cluster, *cluster ? "/" : "", name) : NULL;
}

/* Containers and the list of them differ nearly always; what is inside them does not. */
static void share_parts(struct kind_pool *pool, enum kind kind, json_t *value)
{
    size_t i;
    json_t *container;
    kind_pool_share(pool, value, "containerDefinitions");
    if (kind == KIND_TASK_DEFINITION)
        json_array_foreach (json_object_get(value, "containerDefinitions"), i, container)
            kind_pool_share(pool, container, NULL);
}

static void read_valid(enum kind kind, json_t *value, struct kind_object *object,
                       struct diagnostics *diagnostics)
{
    if (kind == KIND_CLUSTER) {
        kind_cluster_check(value, diagnostics);
        kind_cluster_read(value, object);
    } else if (kind == KIND_SERVICE) {
        kind_service_check(value, diagnostics);
        kind_service_read(value, object);
    } else if (kind == KIND_TASK_DEFINITION)
        kind_task_definition_read(value, object, diagnostics);
    else if (kind == KIND_SCHEDULED_TASK) {
        kind_schedule_check(value, diagnostics);
        kind_schedule_read(value, object);
    } else
        kind_unused_read(value, object);
}

static void report_unused(enum kind kind, struct diagnostics *diagnostics)
{
    const char *reason = kind_unused(kind);
    if (reason)
        kind_report(diagnostics, (struct kind_fault){.severity = SEVERITY_WARNING,
                                                     .code = "no-effect",
                                                     .message = memory_printf("%s has no effect yet: %s",
                                                                              kind_names[kind], reason)});
}

static struct origin *origin_of(struct kind_object *object)
{
    if (object->kind == KIND_CLUSTER)
        return object->cluster ? &object->cluster->origin : NULL;
    if (object->kind == KIND_SERVICE)
        return object->service ? &object->service->origin : NULL;
    if (object->kind != KIND_TASK_DEFINITION)
        return NULL;
    return object->task_definition ? &object->task_definition->origin : NULL;
}

/* What objects are read from. */
struct reading {
    struct kind_set *set;
    const struct kind_source *source;
    struct kind_object_vec *objects;
    struct diagnostics *diagnostics;
    struct environment_trace trace; /* of the object under way */
};

static struct position position_of(const struct reading *reading, const char *base)
{
    return document_position(reading->source->document, base, DOCUMENT_VALUE);
}

static struct kind_place place(const struct reading *reading, const char *base, const char *member)
{
    char *joined CLEANUP_FREE = *base ? memory_printf("%s%s", base, member) : NULL;
    const char *pointer = joined ? joined : member;
    struct kind_place place = {0};
    const struct environment_step *step = environment_trace_find(&reading->trace, pointer, &place.pointer);
    if (!step)
        return (struct kind_place){.at = position_of(reading, pointer)};
    place.file = memory_strdup(step->layer->file);
    place.at = document_position(&step->layer->document, place.pointer, DOCUMENT_VALUE);
    return place;
}

/* The places of a service that checks between files will need. */
static void keep_places(const struct reading *reading, const char *base, const json_t *value,
                        struct kind_object *object)
{
    const char *cluster = json_object_get(value, "cluster") ? "/cluster" : "/clusterArn";
    object->cluster_at = place(reading, base, json_object_get(value, cluster + 1) ? cluster : "");
    object->task_definition_at = place(reading, base, "/taskDefinition");
    object->deployment_at = place(
        reading, base, json_object_get(value, "deploymentConfiguration") ? "/deploymentConfiguration" : "");
}

static void place_references(const struct reading *reading, const char *base, struct kind_object *object)
{
    for (size_t i = 0; i < object->references.len; i++) {
        struct kind_reference *reference = &object->references.items[i];
        reference->at = place(reading, base, reference->pointer);
    }
}

/* A value that a variable gave a type takes its text where the schema wants a string: then all is looked at
 * once more. */
static int validate(const struct reading *reading, enum kind kind, const char *base, json_t *value,
                    struct diagnostics *found)
{
    const struct schema *schema = kind_set_schema(reading->set, kind);
    const struct environment_use *use = reading->source->use;
    kind_members_prune(kind_members(kind), value);
    int r = schema_validate(schema, value, found);
    if (r == 0 || !use || !environment_untype(use, value, base, found))
        return r;
    diagnostics_deinit(found);
    return schema_validate(schema, value, found);
}

/* Says what the object is called and applies its patches. False when there is nothing to read any more. */
static bool patch(struct reading *reading, enum kind kind, const char *base, json_t *value)
{
    const struct kind_source *source = reading->source;
    char *name CLEANUP_FREE = source->environment ? declared_name(kind, value) : NULL;
    if (!name)
        return true;
    if (source->declared)
        vector_push(source->declared, memory_strdup(name));
    const struct environment_object object = {name, base, value};
    int r = environment_patch(source->environment, &object, source->use, &reading->trace);
    if (r == ERROR_LIMIT)
        diagnostics_error(
            reading->diagnostics, source->file, position_of(reading, base), "limit",
            "the patches applied to this file come to more than %zu bytes (LIMIT_MANIFEST_BYTES, "
            "LIMIT_ENVIRONMENT_BYTES)",
            source->use->max_bytes);
    return r > 0;
}

static void read_files(const struct reading *reading, const char *base, const json_t *value,
                       struct kind_object *object, struct diagnostics *found)
{
    const struct file_reference_source source = {reading->source->document, reading->source->file, base,
                                                 &reading->trace};
    if (object->kind == KIND_TASK_DEFINITION)
        object->files = file_references_read(&source, value, found);
}

/* An object that breaks its schema: its name, and what is sound of it. */
static void read_broken(struct reading *reading, const char *base, const json_t *value,
                        struct kind_object *object, struct diagnostics *found)
{
    object->key = key_of(object->kind, value);
    if (reading->source->visitor)
        return;
    json_t *sound = kind_sound_check(kind_set_schema(reading->set, object->kind), value, object, found);
    place_references(reading, base, object);
    if (sound && object->key)
        read_files(reading, base, sound, object, found);
    json_decref(sound);
}

static void visit_or_read(struct reading *reading, const char *base, json_t *value,
                          struct kind_object *object, struct diagnostics *found)
{
    enum kind kind = object->kind;
    const struct kind_visitor *visitor = reading->source->visitor;
    if (visitor) {
        char *name CLEANUP_FREE = declared_name(kind, value);
        visitor->visit(visitor->data, kind, name ? strchr(name, ' ') + 1 : "", value);
        return;
    }
    report_unused(kind, found);
    kind_members_check(kind_members(kind), value, "", found);
    kind_references_read(value, object);
    place_references(reading, base, object);
    read_files(reading, base, value, object, found);
    read_valid(kind, value, object, found);
    share_parts(&reading->set->pool, kind, value);
}

/* Those that are made of their values are none without them. */
static bool needs_value(enum kind kind)
{
    return kind != KIND_TASK_DEFINITION && kind != KIND_CLUSTER && kind != KIND_CAPACITY_PROVIDER &&
           kind != KIND_TARGET_GROUP;
}

/* Takes it over. */
static void keep_object(struct reading *reading, struct kind_object *object, bool broken)
{
    struct kind_object_vec *objects = reading->objects;
    if (broken && needs_value(object->kind))
        objects = reading->source->broken;
    else if (!object->key)
        objects = NULL;
    if (!objects) {
        kind_object_free(object);
        return;
    }
    vector_reserve(objects, 1); /* most files hold one */
    vector_push(objects, object);
}

static void read_patched(struct reading *reading, enum kind kind, const char *base, json_t *value)
{
    const struct kind_source *source = reading->source;
    struct diagnostics found CLEANUP(diagnostics_deinit) = {0};
    struct kind_object *object = NEW(struct kind_object);
    object->kind = kind;
    object->file = source->file;
    object->base = *base ? memory_strdup(base) : NULL;
    object->at = position_of(reading, base);
    if (kind == KIND_SERVICE)
        keep_places(reading, base, value, object);
    bool broken = validate(reading, kind, base, value, &found) < 0;
    if (!broken)
        visit_or_read(reading, base, value, object, &found);
    else
        read_broken(reading, base, value, object, &found);
    rebase(&found, 0, base);
    environment_trace_place(&reading->trace, &found);
    document_place(source->document, source->file, &found);
    diagnostics_append(reading->diagnostics, &found);
    struct origin *origin = origin_of(object);
    if (origin) {
        origin->file = memory_strdup(source->file);
        origin->at = object->at;
    }
    keep_object(reading, object, broken);
}

static void read_object(struct reading *reading, enum kind kind, const char *base, json_t *value)
{
    if (patch(reading, kind, base, value))
        read_patched(reading, kind, base, value);
    environment_trace_deinit(&reading->trace);
}

static bool read_wrapped(struct reading *reading, const json_t *root)
{
    for (size_t i = 0; i < ARRAY_LEN(wrappers); i++) {
        json_t *inner = json_object_get(root, wrappers[i].member);
        if (!inner || json_typeof(inner) != wrappers[i].type || json_object_get(root, "kind") ||
            (wrappers[i].unless && json_object_get(root, wrappers[i].unless)))
            continue;
        char *base CLEANUP_FREE = memory_printf("/%s", wrappers[i].member);
        if (json_is_object(inner))
            read_object(reading, wrappers[i].kind, base, inner);
        size_t at;
        json_t *item;
        json_array_foreach (inner, at, item) {
            char *item_base CLEANUP_FREE = memory_printf("%s/%zu", base, at);
            read_object(reading, wrappers[i].kind, item_base, item);
        }
        return true;
    }
    return false;
}

void kind_read(struct kind_set *set, const struct kind_source *source, struct kind_object_vec *objects,
               struct diagnostics *diagnostics)
{
    assert(set);
    assert(source && source->document && source->file);
    assert(!source->environment || source->use);
    struct reading reading = {set, source, objects, diagnostics, {0}};
    json_t *value = source->document->value;
    enum kind kind;
    if (read_wrapped(&reading, value))
        return;
    struct diagnostics found CLEANUP(diagnostics_deinit) = {0};
    if (kind_of(value, &kind, &found) == 0) {
        read_object(&reading, kind, "", value);
        return;
    }
    document_place(source->document, source->file, &found);
    diagnostics_append(diagnostics, &found);
}

int kind_old_task_definition(const struct schema *schema, const json_t *json, int revision,
                             struct task_definition **ret_definition)
{
    assert(schema);
    assert(ret_definition);
    json_t *copy = json_deep_copy(json); /* the ledger's own is not to be stripped */
    int r = copy ? schema_validate(schema, copy, NULL) : ERROR_INVALID;
    if (r == 0) {
        *ret_definition = kind_task_definition_new(copy);
        kind_task_definition_settle(*ret_definition);
        (*ret_definition)->revision = revision;
    }
    json_decref(copy);
    return r == 0 ? 0 : ERROR_INVALID;
}
