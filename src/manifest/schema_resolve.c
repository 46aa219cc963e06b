/* What a reference means. */
#include "base/buffer.h"
#include "manifest/document_pointer.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <string.h>

/* A pointer may lead to where no known keyword holds schemas: what is there becomes a schema by being meant.
 */
static int resolve_pointer(struct schema_compiler *compiler, const struct schema_resource *resource,
                           const char *pointer, struct schema_node **ret_node)
{
    struct schema_node *around = resource->root;
    const json_t *json = resource->root->json;
    CLEANUP_FREE char *root = schema_location(resource->root);
    CLEANUP_FREE char *place = memory_printf("%s%s", root, pointer);
    while (*pointer) {
        size_t index;
        CLEANUP_FREE char *token = document_pointer_next(&pointer);
        if (!token)
            return ERROR_NOT_FOUND;
        if (json_is_array(json))
            json = document_pointer_to_index(token, &index) ? json_array_get(json, index) : NULL;
        else
            json = json_object_get(json, token);
        if (!json)
            return ERROR_NOT_FOUND;
        struct schema_node *here = schema_node_of(compiler, json);
        around = here ? here : around;
    }
    if (around->json != json)
        return schema_scan_place(compiler, around, json, place, ret_node);
    *ret_node = around;
    return 0;
}

/* NULL when nothing is known by the URI, and for an error, which *ret_code tells. */
static struct schema_resource *find_resource(struct schema_compiler *compiler, const char *uri, int *ret_code)
{
    struct schema_resource *resource = map_get(&compiler->schema->by_uri, uri);
    struct schema_node *root;
    json_t *document = NULL;
    CLEANUP_FREE char *document_uri = NULL;
    *ret_code = 0;
    if (resource)
        return resource;
    int rc = schema_registry_get(compiler->options.registry, uri, &document, &document_uri, compiler->err);
    if (rc == 0)
        rc = schema_scan_document(compiler, document, document_uri, &root);
    if (rc == 0)
        return map_get(&compiler->schema->by_uri, uri);
    *ret_code = rc;
    return NULL;
}

static int resolve(struct schema_compiler *compiler, const char *uri, struct schema_node **ret_node)
{
    int rc;
    CLEANUP_FREE char *base = schema_uri_document(uri);
    CLEANUP_FREE char *fragment = memory_strdup(uri + strlen(base));
    schema_uri_decode(fragment);
    const char *name = fragment + (fragment[0] == '#');
    const struct schema_resource *resource = find_resource(compiler, base, &rc);
    if (!resource)
        return rc < 0 ? rc : ERROR_NOT_FOUND;
    if (!*name || *name == '/')
        return resolve_pointer(compiler, resource, name, ret_node);
    CLEANUP_FREE char *key = memory_printf("%s#%s", resource->uri, name);
    *ret_node = map_get(&compiler->schema->anchors, key);
    return *ret_node ? 0 : ERROR_NOT_FOUND;
}

int schema_resolve(struct schema_compiler *compiler, const struct schema_node *from, const char *reference,
                   struct schema_node **ret_node)
{
    CLEANUP_FREE char *uri = schema_uri_resolve(from->resource->uri, reference);
    CLEANUP_FREE char *location = NULL;
    struct error ignored = ERROR_INIT;
    struct error *err = compiler->err ? compiler->err : &ignored;
    err->code = 0;
    int rc = schema_uri_check(uri, err);
    if (rc == 0)
        rc = resolve(compiler, uri, ret_node);
    if (rc == 0)
        return 0;
    location = schema_location(from);
    if (rc == ERROR_NOT_FOUND && err->code == 0)
        return error_set(err, rc, "schema %.400s: the reference %.400s leads nowhere", location, reference);
    return err->code == ERROR_NOT_FOUND ? error_wrap(err, rc, "schema %.400s", location) : rc;
}
