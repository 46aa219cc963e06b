/* What objects say of others, beyond the cluster and the task definition of a service: it has to be declared
 * in the commit, but for what ECS has by itself and for what nothing is done with yet. That may exist in AWS
 * alone, and only a slip of the pen is told: a name that is near a declared one. */
#include "manifest/manifest_state.h"

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/override.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool is_declared(const struct manifest *manifest, enum kind kind, const char *key)
{
    const struct kind_object_vec *vec = &manifest->objects[kind];
    size_t at = manifest_lower_bound(vec, key);
    return at < vec->len && strcmp(vec->items[at]->key, key) == 0;
}

/* A cluster knows the capacity providers that it lists, as describe-clusters prints them, and those that its
 * instances are of. */
static bool is_provider(const struct manifest *manifest, const char *name)
{
    const struct kind_object_vec *clusters = &manifest->objects[KIND_CLUSTER];
    if (text_equal(name, "FARGATE") || text_equal(name, "FARGATE_SPOT") ||
        is_declared(manifest, KIND_CAPACITY_PROVIDER, name))
        return true;
    for (size_t i = 0; i < clusters->len; i++) {
        const struct cluster *cluster = clusters->items[i]->cluster;
        size_t j;
        json_t *item;
        json_array_foreach (cluster ? json_object_get(cluster->json, "capacityProviders") : NULL, j, item)
            if (text_equal(json_string_value(item), name))
                return true;
        for (j = 0; cluster && j < cluster->instances.len; j++)
            if (text_equal(cluster->instances.items[j].capacity_provider, name))
                return true;
    }
    return false;
}

static const struct revision *old_revision(const struct map *families, const char *family, const char *number)
{
    const struct family_ledger *entry = map_get(families, family);
    int64_t revision = 0;
    return entry && text_to_int64(number, 1, INT32_MAX, &revision) == 0
               ? family_ledger_revision(entry, (int)revision)
               : NULL;
}

/* "report", or "report:3". */
static bool is_task_definition(const struct manifest *manifest, const struct map *families, const char *text)
{
    size_t len = strcspn(text, ":");
    char *family CLEANUP_FREE = memory_strndup(text, len);
    return text[len] ? old_revision(families, family, text + len + 1) != NULL
                     : is_declared(manifest, KIND_TASK_DEFINITION, family);
}

/* Its content, or NULL where it has errors, is not in the repository or is forgotten. Borrowed. */
static const json_t *content_of(const struct manifest *manifest, const struct map *families, const char *text)
{
    const struct kind_object_vec *vec = &manifest->objects[KIND_TASK_DEFINITION];
    size_t len = strcspn(text, ":");
    char *family CLEANUP_FREE = memory_strndup(text, len);
    if (text[len]) {
        const struct revision *revision = old_revision(families, family, text + len + 1);
        return revision ? revision->json : NULL;
    }
    size_t at = manifest_lower_bound(vec, family);
    bool declared = at < vec->len && strcmp(vec->items[at]->key, family) == 0;
    return declared && vec->items[at]->task_definition ? vec->items[at]->task_definition->json : NULL;
}

static bool is_known(const struct manifest *manifest, const struct map *families,
                     const struct kind_reference *reference)
{
    const char *name = reference->name;
    if (reference->target == KIND_CAPACITY_PROVIDER)
        return is_provider(manifest, name);
    if (reference->target == KIND_TASK_DEFINITION)
        return is_task_definition(manifest, families, name);
    if (reference->target == KIND_CLUSTER &&
        (text_equal(name, "default") || manifest->any_cluster || cross_check_cluster(manifest, name)))
        return true;
    return reference->target >= KIND_COUNT || /* the others are attribute_check.c's */
           (reference->target == KIND_TARGET_GROUP && reference->arn) ||
           is_declared(manifest, (enum kind)reference->target, name);
}

/* The task definition whose container is named: a service's own, the target's that the input belongs to, or
 * the only one. Borrowed. */
static const char *definition_beside(const struct kind_object *object, const struct kind_reference *container)
{
    const char *input = strstr(container->pointer, "/Input");
    char *beside CLEANUP_FREE = object->kind == KIND_SERVICE
                                    ? memory_strdup("/taskDefinition")
                                    : memory_strndup(container->pointer, /* "/Targets/0/" */
                                                     input ? (size_t)(input - container->pointer) + 1 : 0);
    for (size_t i = 0; i < object->references.len; i++) {
        const struct kind_reference *reference = &object->references.items[i];
        if (reference->target == KIND_TASK_DEFINITION && text_starts_with(reference->pointer, beside))
            return reference->name;
    }
    return NULL;
}

/* ECS refuses to run a task with an override for a container that it does not have, and a service with a
 * target that is none of its containers. */
static void check_container(const struct manifest *manifest, const struct map *families,
                            const struct kind_object *object, const struct kind_reference *container,
                            struct diagnostics *diagnostics)
{
    const char *definition = definition_beside(object, container);
    const json_t *content = definition ? content_of(manifest, families, definition) : NULL;
    const json_t *containers = json_object_get(content, "containerDefinitions");
    const char *names[LIMIT_CONTAINERS_PER_TASK];
    size_t len = 0;
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)containers, i, item) {
        const char *name = model_string(item, "name");
        if (text_equal(name, container->name))
            return;
        if (name && len < LIMIT_CONTAINERS_PER_TASK)
            names[len++] = name;
    }
    if (!content)
        return;
    const char *near = text_nearest(container->name, names, len);
    cross_check_report(
        diagnostics, object, &container->at,
        (struct kind_fault){.severity = SEVERITY_ERROR,
                            .code = "reference",
                            .pointer = memory_strdup(container->pointer),
                            .message = memory_printf("task definition \"%s\" has no container \"%s\"%s",
                                                     definition, container->name,
                                                     object->kind == KIND_SERVICE ? "" : " to override"),
                            .hint = near ? memory_printf("did you mean \"%s\"?", near) : NULL});
}

/* What would be found out when the task is to start. */
static void check_overridden(struct manifest *manifest, const struct map *families,
                             const struct kind_object *object, const struct kind_reference *input,
                             struct diagnostics *diagnostics)
{
    const char *name = definition_beside(object, input);
    const json_t *content = name ? content_of(manifest, families, name) : NULL;
    json_t *overrides CLEANUP(json_decrefp) = content ? json_loads(input->name, 0, NULL) : NULL;
    struct error err = ERROR_INIT;
    if (!overrides || manifest_override_fits(kind_set_schema(&manifest->kinds, KIND_TASK_DEFINITION), content,
                                             overrides, &err) == 0)
        return;
    cross_check_report(diagnostics, object, &input->at,
                       (struct kind_fault){.severity = SEVERITY_ERROR,
                                           .code = "value",
                                           .pointer = memory_strdup(input->pointer),
                                           .message = memory_printf("Input: %s", error_text(&err))});
}

static const struct {
    const char *what;
    bool without_effect; /* nothing comes of naming one yet */
} targets[KIND_COUNT] = {[KIND_CAPACITY_PROVIDER] = {"capacity provider", true},
                         [KIND_CLUSTER] = {"cluster", false},
                         [KIND_SERVICE] = {"service", false},
                         [KIND_TARGET_GROUP] = {"target group", true},
                         [KIND_TASK_DEFINITION] = {"task definition", false}};

/* Of both bounds of hints: what is only warned of takes none from the errors. */
struct bounds {
    struct cross_hints *errors;
    struct cross_hints warnings;
};

/* Whether a service of that key, or one whose key cannot be told, has errors. */
static bool is_broken(const struct manifest *manifest, const char *key)
{
    map_for_each (&manifest->files, slot) {
        const struct manifest_entry *entry = slot->value;
        for (size_t i = 0; i < entry->broken.len; i++) {
            const struct kind_object *object = entry->broken.items[i];
            if (object->kind == KIND_SERVICE && (!object->key || text_equal(object->key, key)))
                return true;
        }
    }
    return false;
}

static void report_unknown(const struct kind_object *object, const struct kind_reference *reference,
                           struct bounds *bounds, struct diagnostics *diagnostics)
{
    const struct manifest *manifest = bounds->errors->manifest;
    if (manifest->unreadable ||
        (reference->target == KIND_SERVICE && manifest->with_errors && is_broken(manifest, reference->name)))
        return; /* it may be declared there */
    bool without_effect = targets[reference->target].without_effect;
    char *hint = cross_check_hint(without_effect ? &bounds->warnings : bounds->errors,
                                  (enum kind)reference->target, reference->name);
    if (without_effect && !hint)
        return;
    cross_check_report(
        diagnostics, object, &reference->at,
        (struct kind_fault){.severity = without_effect ? SEVERITY_WARNING : SEVERITY_ERROR,
                            .code = "reference",
                            .pointer = memory_strdup(reference->pointer),
                            .message = memory_printf("no %s \"%s\" in this commit",
                                                     targets[reference->target].what, reference->name),
                            .hint = hint});
}

/* What an object names. */
struct referring {
    struct manifest *manifest;
    const struct map *families;
    struct bounds bounds;
    struct diagnostics *diagnostics;
};

static void check_object(struct referring *referring, const struct kind_object *object)
{
    for (size_t i = 0; i < object->references.len; i++) {
        const struct kind_reference *reference = &object->references.items[i];
        bool bound = object->kind == KIND_SERVICE && object->service; /* service_check.c looks at it */
        if (reference->target == KIND_CONTAINER && !bound)
            check_container(referring->manifest, referring->families, object, reference,
                            referring->diagnostics);
        if (reference->target == KIND_OVERRIDES)
            check_overridden(referring->manifest, referring->families, object, reference,
                             referring->diagnostics);
        if (!is_known(referring->manifest, referring->families, reference))
            report_unknown(object, reference, &referring->bounds, referring->diagnostics);
    }
}

static void check_broken(struct referring *referring)
{
    map_for_each (&referring->manifest->files, slot) {
        const struct manifest_entry *entry = slot->value;
        for (size_t i = 0; i < entry->broken.len; i++)
            check_object(referring, entry->broken.items[i]);
    }
}

void reference_check(struct manifest *manifest, const struct map *families, struct cross_hints *hints,
                     struct diagnostics *diagnostics)
{
    assert(manifest);
    assert(families);
    struct referring referring = {manifest, families, {hints, *hints}, diagnostics};
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        const struct kind_object_vec *objects =
            kind == KIND_SERVICE ? &manifest->entangled : &manifest->objects[kind];
        if (kind == KIND_TASK_DEFINITION) /* names none, but for files */
            continue;
        for (size_t i = 0; i < objects->len; i++)
            check_object(&referring, objects->items[i]);
    }
    if (manifest->with_errors)
        check_broken(&referring);
}
