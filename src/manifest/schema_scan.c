/* Finds every schema of a document, its base URI and its anchors; resolves references to them. */
#include "base/buffer.h"
#include "base/text.h"
#include "manifest/document_pointer.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <string.h>

#define META_2020 "https://json-schema.org/draft/2020-12/"

struct schema_registry {
    struct map documents; /* URI without fragment -> json_t, counted */
};

static void release_json(void *json)
{
    json_decref(json);
}

struct schema_registry *schema_registry_new(void)
{
    struct schema_registry *registry = NEW(struct schema_registry);
    registry->documents = MAP_INIT(release_json);
    return registry;
}

void schema_registry_free(struct schema_registry *registry)
{
    if (!registry)
        return;
    map_deinit(&registry->documents);
    free(registry);
}

/* Without an empty fragment, which says nothing. Caller frees. */
static char *without_fragment(const char *uri)
{
    return memory_strndup(uri, strcspn(uri, "#"));
}

int schema_registry_add(struct schema_registry *registry, const char *uri, const json_t *document,
                        struct error *err)
{
    assert(registry);
    assert(uri);
    assert(document);
    CLEANUP_FREE char *key = without_fragment(uri);
    if (!schema_uri_is_absolute(key))
        return error_set(err, ERROR_INVALID, "schema URI %s is not absolute", uri);
    if (map_get(&registry->documents, key))
        return error_set(err, ERROR_EXISTS, "schema URI %s is taken", uri);
    json_t *copy = json_deep_copy(document);
    if (!copy)
        return error_set(err, ERROR_INVALID, "schema %s holds itself", uri);
    map_put(&registry->documents, key, copy);
    return 0;
}

json_t *schema_registry_get(const struct schema_registry *registry, const char *uri)
{
    return registry ? map_get(&registry->documents, uri) : NULL;
}

int schema_fault(const struct schema_compiler *compiler, const struct schema_node *node, const char *keyword,
                 const char *expected)
{
    return error_set(compiler->err, ERROR_INVALID, "schema %s: %s must be %s", node->location, keyword,
                     expected);
}

static const struct {
    const char *uri;
    unsigned mask;
} vocabularies[] = {
    {META_2020 "vocab/core", SCHEMA_CORE},
    {META_2020 "vocab/applicator", SCHEMA_APPLICATOR},
    {META_2020 "vocab/unevaluated", SCHEMA_UNEVALUATED},
    {META_2020 "vocab/validation", SCHEMA_VALIDATION},
    {META_2020 "vocab/meta-data", 0},
    {META_2020 "vocab/format-annotation", 0},
    {META_2020 "vocab/content", 0},
};

static bool vocabulary_mask(const char *uri, unsigned *mask)
{
    for (size_t i = 0; i < ARRAY_LEN(vocabularies); i++) {
        if (strcmp(vocabularies[i].uri, uri) != 0)
            continue;
        *mask |= vocabularies[i].mask;
        return true;
    }
    return false;
}

int schema_vocabularies(struct schema_compiler *compiler, const char *metaschema_uri, unsigned *ret_mask)
{
    CLEANUP_FREE char *uri = without_fragment(metaschema_uri);
    const json_t *list = json_object_get(schema_registry_get(compiler->registry, uri), "$vocabulary");
    const char *name;
    json_t *required;
    *ret_mask = SCHEMA_ALL;
    if (!json_is_object(list))
        return 0;
    unsigned mask = SCHEMA_CORE;
    json_object_foreach ((json_t *)list, name, required) {
        if (!vocabulary_mask(name, &mask) && json_is_true(required))
            return error_set(compiler->err, ERROR_UNSUPPORTED,
                             "schema %s requires the vocabulary %s, which is unknown", uri, name);
    }
    *ret_mask = mask;
    return 0;
}

static struct schema_resource *add_resource(struct schema *schema, char *uri, struct schema_node *root)
{
    struct schema_resource *resource = NEW(struct schema_resource);
    *resource = (struct schema_resource){.uri = uri, .root = root, .vocabularies = SCHEMA_ALL};
    vector_push(&schema->resources, resource);
    map_put(&schema->by_uri, uri, resource);
    return resource;
}

/* The string value of a keyword; NULL when it is not there. ERROR_INVALID for another type. */
static int string_of(const struct schema_compiler *compiler, const struct schema_node *node,
                     const char *keyword, const char **ret_text)
{
    const json_t *value = json_object_get(node->json, keyword);
    *ret_text = json_string_value(value);
    return !value || *ret_text ? 0 : schema_fault(compiler, node, keyword, "a string");
}

static int scan_anchors(struct schema_compiler *compiler, struct schema_node *node)
{
    static const char *const keywords[] = {"$anchor", "$dynamicAnchor"};
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
        const char *name = NULL;
        int rc = string_of(compiler, node, keywords[i], &name);
        if (rc < 0)
            return rc;
        if (!name)
            continue;
        CLEANUP_FREE char *key = memory_printf("%s#%s", node->resource->uri, name);
        map_put(&compiler->schema->anchors, key, node);
        if (i == 1)
            map_put(&node->resource->dynamic_anchors, name, node);
    }
    return 0;
}

/* $id, $schema and anchors. node->resource is the one around it, NULL at the root of a document. */
static int scan_identity(struct schema_compiler *compiler, struct schema_node *node, const char *base)
{
    const char *id = NULL;
    const char *metaschema = NULL;
    int rc = string_of(compiler, node, "$id", &id);
    if (rc == 0)
        rc = string_of(compiler, node, "$schema", &metaschema);
    if (rc < 0)
        return rc;
    if (id || !node->resource) {
        CLEANUP_FREE char *uri = schema_uri_resolve(base, id ? id : "");
        unsigned inherited = node->resource ? node->resource->vocabularies : SCHEMA_ALL;
        node->resource = add_resource(compiler->schema, without_fragment(uri), node);
        node->resource->vocabularies = inherited;
        if (metaschema)
            rc = schema_vocabularies(compiler, metaschema, &node->resource->vocabularies);
    }
    node->expected = json_string_value(json_object_get(node->json, "x-expected"));
    return rc < 0 ? rc : scan_anchors(compiler, node);
}

struct scan {
    const json_t *json;
    const char *location;
    struct schema_resource *resource; /* around it; NULL at the root of a document */
    const char *base;
    size_t depth;
};

static int scan_schema(struct schema_compiler *compiler, const struct scan *scan,
                       struct schema_node **ret_node);

/* Caller frees. */
static char *child_location(const char *location, const char *keyword, const char *token)
{
    struct buffer out = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    buffer_append_str(&out, location);
    document_pointer_append_key(&out, keyword);
    if (token)
        document_pointer_append_key(&out, token);
    return buffer_steal(&out);
}

static int scan_child(struct schema_compiler *compiler, const struct schema_node *node,
                      const struct scan *outer, const json_t *json, const char *location)
{
    struct schema_node *child;
    struct scan scan = {json, location, node->resource, node->resource->uri, outer->depth + 1};
    return scan_schema(compiler, &scan, &child);
}

static int scan_keyword(struct schema_compiler *compiler, const struct schema_node *node,
                        const struct schema_keyword *keyword, const struct scan *scan)
{
    json_t *value = json_object_get(node->json, keyword->name);
    const char *name;
    json_t *child;
    size_t i;
    int rc = 0;
    if (!value || keyword->shape == SCHEMA_NONE)
        return 0;
    if (keyword->shape == SCHEMA_ONE) {
        CLEANUP_FREE char *location = child_location(node->location, keyword->name, NULL);
        return scan_child(compiler, node, scan, value, location);
    }
    if (keyword->shape == SCHEMA_LIST ? !json_is_array(value) : !json_is_object(value))
        return schema_fault(compiler, node, keyword->name,
                            keyword->shape == SCHEMA_LIST ? "an array of schemas" : "an object of schemas");
    json_array_foreach (value, i, child) {
        CLEANUP_FREE char *token = memory_printf("%zu", i);
        CLEANUP_FREE char *location = child_location(node->location, keyword->name, token);
        rc = rc < 0 ? rc : scan_child(compiler, node, scan, child, location);
    }
    json_object_foreach (value, name, child) {
        CLEANUP_FREE char *location = child_location(node->location, keyword->name, name);
        rc = rc < 0 ? rc : scan_child(compiler, node, scan, child, location);
    }
    return rc;
}

static int scan_schema(struct schema_compiler *compiler, const struct scan *scan,
                       struct schema_node **ret_node)
{
    struct schema_node *node = map_get(&compiler->schema->nodes, scan->location);
    if (node) {
        *ret_node = node;
        return 0;
    }
    if (scan->depth > LIMIT_SCHEMA_DEPTH)
        return error_set(compiler->err, ERROR_LIMIT,
                         "schema %s: nested more than %d levels (LIMIT_SCHEMA_DEPTH)", scan->location,
                         LIMIT_SCHEMA_DEPTH);
    if (!json_is_object(scan->json) && !json_is_boolean(scan->json))
        return error_set(compiler->err, ERROR_INVALID, "schema %s must be an object or a boolean",
                         scan->location);
    node = NEW(struct schema_node);
    node->location = memory_strdup(scan->location);
    node->json = scan->json;
    node->resource = scan->resource;
    map_put(&compiler->schema->nodes, scan->location, node);
    vector_push(&compiler->schema->order, node);
    int rc = scan_identity(compiler, node, scan->base);
    for (const struct schema_keyword *keyword = schema_keywords(); rc == 0 && keyword->name; keyword++)
        rc = scan_keyword(compiler, node, keyword, scan);
    *ret_node = node;
    return rc;
}

int schema_scan_document(struct schema_compiler *compiler, json_t *document, const char *uri,
                         struct schema_node **ret_root)
{
    assert(document);
    vector_push(&compiler->schema->documents, document);
    CLEANUP_FREE char *location = memory_printf("%s#", uri);
    struct scan scan = {.json = document, .location = location, .base = uri};
    struct schema_node *root = NULL;
    int rc = scan_schema(compiler, &scan, &root);
    if (rc < 0)
        return rc;
    assert(root);
    if (!map_get(&compiler->schema->by_uri, uri))
        map_put(&compiler->schema->by_uri, uri, root->resource);
    *ret_root = root;
    return 0;
}

struct schema_node *schema_child(const struct schema_compiler *compiler, const struct schema_node *node,
                                 const char *keyword, const char *token)
{
    CLEANUP_FREE char *location = child_location(node->location, keyword, token);
    struct schema_node *child = map_get(&compiler->schema->nodes, location);
    assert(child);
    return child;
}

/* A pointer may lead to where no known keyword holds schemas: what is there becomes a schema by being meant.
 */
static int resolve_pointer(struct schema_compiler *compiler, const struct schema_resource *resource,
                           const char *pointer, struct schema_node **ret_node)
{
    struct buffer CLEANUP(buffer_deinit) location = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    struct schema_node *around = resource->root;
    const json_t *json = resource->root->json;
    buffer_append_str(&location, resource->root->location);
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
        document_pointer_append_key(&location, token);
        struct schema_node *here = map_get(&compiler->schema->nodes, buffer_str(&location));
        around = here ? here : around;
    }
    struct scan scan = {json, buffer_str(&location), around->resource, around->resource->uri, 0};
    return scan_schema(compiler, &scan, ret_node);
}

static struct schema_resource *find_resource(struct schema_compiler *compiler, const char *uri, int *ret_code)
{
    struct schema_node *root;
    *ret_code = 0;
    struct schema_resource *resource = map_get(&compiler->schema->by_uri, uri);
    json_t *document = resource ? NULL : schema_registry_get(compiler->registry, uri);
    if (!document)
        return resource;
    /* The registry's documents are its own, never changed: counting them is enough. */
    *ret_code = schema_scan_document(compiler, json_incref(document), uri, &root);
    return *ret_code < 0 ? NULL : map_get(&compiler->schema->by_uri, uri);
}

int schema_resolve(struct schema_compiler *compiler, const struct schema_node *from, const char *reference,
                   struct schema_node **ret_node)
{
    int rc;
    CLEANUP_FREE char *uri = schema_uri_resolve(from->resource->uri, reference);
    CLEANUP_FREE char *base = without_fragment(uri);
    char *fragment = uri + strlen(base);
    fragment += *fragment == '#';
    schema_uri_decode(fragment);
    *ret_node = NULL;
    const struct schema_resource *resource = find_resource(compiler, base, &rc);
    if (rc < 0)
        return rc;
    if (resource && (!*fragment || *fragment == '/')) {
        rc = resolve_pointer(compiler, resource, fragment, ret_node);
        if (rc < 0 && rc != ERROR_NOT_FOUND)
            return rc;
    } else if (resource) {
        CLEANUP_FREE char *key = memory_printf("%s#%s", resource->uri, fragment);
        *ret_node = map_get(&compiler->schema->anchors, key);
    }
    if (*ret_node)
        return 0;
    return error_set(compiler->err, ERROR_NOT_FOUND, "schema %s: the reference %s leads nowhere",
                     from->location, reference);
}
