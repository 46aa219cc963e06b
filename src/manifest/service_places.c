/* The files that a service is made of. */
#include "base/memory.h"
#include "base/text.h"
#include "manifest/file_reference.h"
#include "manifest/manifest_state.h"

#include <stdlib.h>

void manifest_places_deinit(struct manifest_places *places)
{
    string_vec_deinit(&places->own);
    string_vec_deinit(&places->shared);
}

/* Once each. */
static void add(struct string_vec *list, const char *path)
{
    for (size_t i = 0; i < list->len; i++)
        if (text_equal(list->items[i], path))
            return;
    vector_push(list, memory_strdup(path));
}

static const struct kind_object *find(const struct manifest *manifest, enum kind kind, const char *key)
{
    const struct kind_object_vec *objects = &manifest->objects[kind];
    size_t at = manifest_lower_bound(objects, key);
    return at < objects->len && text_equal(objects->items[at]->key, key) ? objects->items[at] : NULL;
}

/* An old revision, as "web:3" names it, is of no file of this commit. */
static void add_definition(const struct manifest *manifest, const struct task_definition *definition,
                           struct manifest_places *places)
{
    const struct kind_object *object = find(manifest, KIND_TASK_DEFINITION, definition->family);
    if (!object || object->task_definition != definition)
        return;
    add(&places->own, object->file);
    for (size_t i = 0; object->files && i < object->files->list.len; i++)
        add(&places->own, object->files->list.items[i].path);
}

bool manifest_service_places(const struct manifest *manifest, const char *cluster, const char *name,
                             struct manifest_places *places)
{
    char *key CLEANUP_FREE = service_key(cluster, name);
    const struct kind_object *object = find(manifest, KIND_SERVICE, key);
    if (!object)
        return false;
    const struct service *service = object->service;
    add(&places->own, object->file);
    if (service->task_definition)
        add_definition(manifest, service->task_definition, places);
    for (size_t i = 0; i < service->pre_deploy_definitions.len; i++)
        add_definition(manifest, service->pre_deploy_definitions.items[i], places);
    for (size_t i = 0; manifest->environment && i < manifest->environment->layers.len; i++) {
        const struct environment_layer *layer = manifest->environment->layers.items[i];
        if (layer->file)
            add(&places->shared, layer->file);
    }
    return true;
}
