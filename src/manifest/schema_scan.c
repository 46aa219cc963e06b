/* Finds every schema of a document, its base URI and its anchors. */
#include "base/buffer.h"
#include "base/text.h"
#include "manifest/document_pointer.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

char *schema_location(const struct schema_node *node)
{
    struct schema_node_vec chain = {0};
    struct buffer out = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    for (; node->around && node->keyword; node = node->around)
        vector_push(&chain, (struct schema_node *)node);
    buffer_printf(&out, "%s", node->place);
    for (size_t i = chain.len; i-- > 0;) {
        const struct schema_node *inner = chain.items[i];
        document_pointer_append_key(&out, inner->keyword);
        if (inner->name)
            document_pointer_append_key(&out, inner->name);
        if (inner->index != SIZE_MAX)
            document_pointer_append_index(&out, inner->index);
    }
    vector_deinit(&chain);
    return buffer_steal(&out);
}

int schema_fault(const struct schema_compiler *compiler, const struct schema_node *node, const char *keyword,
                 const char *expected)
{
    CLEANUP_FREE char *location = schema_location(node);
    return error_set(compiler->err, ERROR_INVALID, "schema %.400s: %s must be %s", location, keyword,
                     expected);
}

/* --- by address ----------------------------------------------------------------------------------------- */

#define ADDRESS_SIZE 24

static const char *address_of(const json_t *json, char text[static ADDRESS_SIZE])
{
    snprintf(text, ADDRESS_SIZE, "%p", (const void *)json);
    return text;
}

struct schema_node *schema_node_of(const struct schema_compiler *compiler, const json_t *json)
{
    char text[ADDRESS_SIZE];
    /* true and false are the same everywhere. */
    return json_is_object(json) ? map_get(&compiler->schema->by_json, address_of(json, text)) : NULL;
}

/* --- identity ------------------------------------------------------------------------------------------- */

/* Whether everything beside $ref means nothing. */
static bool is_hidden(enum schema_dialect dialect, const json_t *json)
{
    return dialect == SCHEMA_DRAFT_07 && json_is_string(json_object_get(json, "$ref"));
}

/* The string value of a keyword; NULL when it is not there. ERROR_INVALID for another type. */
static int string_of(const struct schema_compiler *compiler, const struct schema_node *node,
                     const char *keyword, const char **ret_text)
{
    const json_t *value = json_object_get(node->json, keyword);
    *ret_text = json_string_value(value);
    return !value || *ret_text ? 0 : schema_fault(compiler, node, keyword, "a string");
}

static void add_anchor(struct schema_compiler *compiler, struct schema_node *node, const char *name)
{
    CLEANUP_FREE char *key = memory_printf("%s#%s", node->resource->uri, name);
    map_put(&compiler->schema->anchors, key, node);
}

static int scan_anchors(struct schema_compiler *compiler, struct schema_node *node)
{
    const char *name = NULL;
    const char *dynamic = NULL;
    int rc = string_of(compiler, node, "$anchor", &name);
    if (rc == 0)
        rc = string_of(compiler, node, "$dynamicAnchor", &dynamic);
    if (name)
        add_anchor(compiler, node, name);
    if (dynamic) {
        add_anchor(compiler, node, dynamic);
        map_put(&node->resource->dynamic_anchors, dynamic, node);
    }
    return rc;
}

static int add_resource(struct schema_compiler *compiler, struct schema_node *node, const char *uri,
                        struct schema_language language)
{
    struct schema *schema = compiler->schema;
    int rc = schema_uri_check(uri, compiler->err);
    if (rc < 0)
        return rc;
    struct schema_resource *resource = NEW(struct schema_resource);
    resource->uri = schema_uri_document(uri);
    resource->root = node;
    resource->dialect = language.dialect;
    resource->vocabularies = language.vocabularies;
    node->resource = resource;
    vector_push(&schema->resources, resource);
    map_put(&schema->by_uri, resource->uri, resource);
    return 0;
}

/* $id, $schema and anchors. node->resource is the one around it, NULL at the root of a document. */
static int scan_identity(struct schema_compiler *compiler, struct schema_node *node, const char *base)
{
    const char *id = NULL;
    const char *metaschema = NULL;
    struct schema_language language = {compiler->options.dialect, SCHEMA_ALL};
    bool root = !node->resource;
    int rc = string_of(compiler, node, "$schema", &metaschema);
    if (!root)
        language = (struct schema_language){node->resource->dialect, node->resource->vocabularies};
    if (rc == 0 && metaschema && (root || json_object_get(node->json, "$id")))
        rc = schema_language_of(compiler, metaschema, &language);
    bool old = language.dialect == SCHEMA_DRAFT_07;
    if (rc == 0 && !is_hidden(language.dialect, node->json))
        rc = string_of(compiler, node, "$id", &id);
    if (rc < 0)
        return rc;
    const char *fragment = id && strchr(id, '#') ? strchr(id, '#') + 1 : "";
    if (*fragment && !old)
        return schema_fault(compiler, node, "$id", "an URI without a fragment");
    if (root || (id && id[0] != '#')) {
        CLEANUP_FREE char *uri = schema_uri_resolve(base, id ? id : "");
        rc = add_resource(compiler, node, uri, language);
    }
    if (rc < 0 || is_hidden(language.dialect, node->json))
        return rc;
    if (*fragment)
        add_anchor(compiler, node, fragment);
    node->expected = json_string_value(json_object_get(node->json, "x-expected"));
    return old ? 0 : scan_anchors(compiler, node);
}

/* --- schemas in schemas --------------------------------------------------------------------------------- */

/* A schema that stands at a keyword of another one. */
struct scan {
    struct schema_node *around;
    const char *keyword;
    const char *name;
    size_t index;
    size_t depth;
};

static int scan_schema(struct schema_compiler *compiler, const struct scan *scan, const json_t *json);

static int scan_list(struct schema_compiler *compiler, struct scan *scan, const json_t *list)
{
    size_t i;
    json_t *json;
    int rc = 0;
    json_array_foreach ((json_t *)list, i, json) {
        scan->index = i;
        rc = rc < 0 ? rc : scan_schema(compiler, scan, json);
    }
    return rc;
}

static int scan_map(struct schema_compiler *compiler, struct scan *scan, const json_t *map, bool or_names)
{
    json_t *json;
    int rc = 0;
    json_object_foreach ((json_t *)map, scan->name, json) {
        if (rc == 0 && !(or_names && json_is_array(json)))
            rc = scan_schema(compiler, scan, json);
    }
    return rc;
}

static int scan_keyword(struct schema_compiler *compiler, struct schema_node *node,
                        const struct schema_keyword *keyword, size_t depth)
{
    const json_t *value = json_object_get(node->json, keyword->name);
    struct scan scan = {node, keyword->name, NULL, SIZE_MAX, depth};
    if (!value)
        return 0;
    switch (keyword->shape) {
    case SCHEMA_NONE:
        return 0;
    case SCHEMA_ONE:
        return scan_schema(compiler, &scan, value);
    case SCHEMA_ONE_OR_LIST:
        return json_is_array(value) ? scan_list(compiler, &scan, value) : scan_schema(compiler, &scan, value);
    case SCHEMA_LIST:
        return json_is_array(value) ? scan_list(compiler, &scan, value)
                                    : schema_fault(compiler, node, keyword->name, "an array of schemas");
    default:
        return json_is_object(value) ? scan_map(compiler, &scan, value, keyword->shape == SCHEMA_MAP_OR_NAMES)
                                     : schema_fault(compiler, node, keyword->name, "an object of schemas");
    }
}

static int scan_inside(struct schema_compiler *compiler, struct schema_node *node, size_t depth)
{
    int rc = 0;
    enum schema_dialect dialect = node->resource->dialect;
    bool hidden = is_hidden(dialect, node->json);
    for (const struct schema_keyword *keyword = schema_keyword_after(dialect, NULL); rc == 0 && keyword;
         keyword = schema_keyword_after(dialect, keyword))
        if (!hidden || text_equal(keyword->name, "definitions"))
            rc = scan_keyword(compiler, node, keyword, depth + 1);
    return rc;
}

static struct schema_node *add_node(struct schema_compiler *compiler, const json_t *json)
{
    char text[ADDRESS_SIZE];
    struct schema_node *node = NEW(struct schema_node);
    node->json = json;
    node->index = SIZE_MAX;
    node->forbids = json_is_false(json);
    vector_push(&compiler->schema->nodes, node);
    if (json_is_object(json))
        map_put(&compiler->schema->by_json, address_of(json, text), node);
    return node;
}

/* What a place makes of a node before its inside is looked at. */
static int begin(struct schema_compiler *compiler, struct schema_node *node, const char *base, size_t depth)
{
    CLEANUP_FREE char *location = NULL;
    if (depth > LIMIT_SCHEMA_DEPTH) {
        location = schema_location(node);
        return error_set(compiler->err, ERROR_LIMIT,
                         "schema %.400s: nested more than %d levels (LIMIT_SCHEMA_DEPTH)", location,
                         LIMIT_SCHEMA_DEPTH);
    }
    if (json_is_object(node->json) || json_is_boolean(node->json))
        return scan_identity(compiler, node, base);
    location = schema_location(node);
    return error_set(compiler->err, ERROR_INVALID, "schema %.400s must be an object or a boolean", location);
}

static int scan_schema(struct schema_compiler *compiler, const struct scan *scan, const json_t *json)
{
    struct schema_node *around = scan->around;
    struct schema_node *known = schema_node_of(compiler, json); /* a pointer led here before */
    struct schema_node *node = known ? known : add_node(compiler, json);
    node->around = around;
    node->keyword = scan->keyword;
    node->name = scan->name;
    node->index = scan->index;
    vector_push(&around->children, node);
    if (known)
        return 0;
    node->resource = around->resource;
    int rc = begin(compiler, node, around->resource->uri, scan->depth);
    return rc < 0 ? rc : scan_inside(compiler, node, scan->depth);
}

int schema_scan_place(struct schema_compiler *compiler, struct schema_node *around, const json_t *json,
                      const char *place, struct schema_node **ret_node)
{
    struct schema_node *node = add_node(compiler, json);
    node->around = around;
    node->place = memory_strdup(place);
    node->resource = around->resource;
    *ret_node = node;
    int rc = begin(compiler, node, around->resource->uri, 0);
    return rc < 0 ? rc : scan_inside(compiler, node, 0);
}

int schema_scan_document(struct schema_compiler *compiler, json_t *document, const char *uri,
                         struct schema_node **ret_root)
{
    assert(document);
    vector_push(&compiler->schema->documents, document);
    struct schema_node *root = add_node(compiler, document);
    root->place = memory_printf("%s#", uri);
    int rc = begin(compiler, root, uri, 0);
    if (rc == 0)
        rc = scan_inside(compiler, root, 0);
    if (rc < 0)
        return rc;
    if (!map_get(&compiler->schema->by_uri, uri))
        map_put(&compiler->schema->by_uri, uri, root->resource);
    *ret_root = root;
    return 0;
}

struct schema_node *schema_child(const struct schema_node *node, const char *keyword, size_t *at)
{
    while (*at < node->children.len) {
        struct schema_node *child = node->children.items[(*at)++];
        if (text_equal(child->keyword, keyword))
            return child;
    }
    return NULL;
}
