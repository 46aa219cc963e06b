/* Keywords to checks. */
#include "base/text.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The document's base where neither it nor its caller gives one. */
#define DEFAULT_URI "schema:/"

static void free_node(void *pointer)
{
    struct schema_node *node = pointer;
    for (size_t i = 0; i < node->checks.len; i++) {
        struct schema_check *check = &node->checks.items[i];
        for (size_t j = 0; j < check->patterns.len; j++)
            pcre2_code_free(check->patterns.items[j].code);
        vector_deinit(&check->patterns);
        vector_deinit(&check->nodes);
        map_deinit(&check->names);
    }
    vector_deinit(&node->checks);
    free(node->location);
    free(node);
}

void schema_free(struct schema *schema)
{
    if (!schema)
        return;
    map_deinit(&schema->nodes);
    map_deinit(&schema->by_uri);
    map_deinit(&schema->anchors);
    vector_deinit(&schema->order);
    for (size_t i = 0; i < schema->resources.len; i++) {
        map_deinit(&schema->resources.items[i]->dynamic_anchors);
        free(schema->resources.items[i]->uri);
        free(schema->resources.items[i]);
    }
    vector_deinit(&schema->resources);
    for (size_t i = 0; i < schema->documents.len; i++)
        json_decref(schema->documents.items[i]);
    vector_deinit(&schema->documents);
    free(schema);
}

static int fault(const struct schema_compiler *compiler, const struct schema_node *node,
                 const struct schema_check *check, const char *expected)
{
    return schema_fault(compiler, node, check->keyword->name, expected);
}

int schema_compile_any(struct schema_compiler *compiler, struct schema_node *node, struct schema_check *check)
{
    (void)compiler;
    (void)node;
    (void)check;
    return 0;
}

int schema_compile_type(struct schema_compiler *compiler, struct schema_node *node,
                        struct schema_check *check)
{
    const json_t *value = check->value;
    size_t len = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < len; i++) {
        const char *name = json_string_value(json_is_array(value) ? json_array_get(value, i) : value);
        unsigned mask = name ? schema_type_by_name(name) : 0;
        if (!mask)
            return fault(compiler, node, check, "the name of a type or an array of them");
        check->types |= mask;
    }
    return 0;
}

int schema_compile_enum(struct schema_compiler *compiler, struct schema_node *node,
                        struct schema_check *check)
{
    return json_is_array(check->value) ? 0 : fault(compiler, node, check, "an array");
}

int schema_compile_number(struct schema_compiler *compiler, struct schema_node *node,
                          struct schema_check *check)
{
    return json_is_number(check->value) ? 0 : fault(compiler, node, check, "a number");
}

int schema_compile_multiple(struct schema_compiler *compiler, struct schema_node *node,
                            struct schema_check *check)
{
    return json_number_value(check->value) > 0 ? 0 : fault(compiler, node, check, "a number above 0");
}

/* A count, which may be written 2.0. */
static bool size_of(const json_t *value, int64_t *ret_size)
{
    if (!json_is_number(value) || schema_type_mask(value) != 64 || json_number_value(value) < 0)
        return false;
    *ret_size = json_number_value(value) < 0x1p62 ? (int64_t)json_number_value(value) : INT64_MAX;
    return true;
}

int schema_compile_size(struct schema_compiler *compiler, struct schema_node *node,
                        struct schema_check *check)
{
    return size_of(check->value, &check->min) ? 0 : fault(compiler, node, check, "an integer, 0 or more");
}

int schema_compile_boolean(struct schema_compiler *compiler, struct schema_node *node,
                           struct schema_check *check)
{
    return json_is_boolean(check->value) ? 0 : fault(compiler, node, check, "a boolean");
}

static bool are_strings(const json_t *value)
{
    size_t i;
    json_t *name;
    if (!json_is_array(value))
        return false;
    json_array_foreach ((json_t *)value, i, name) {
        if (!json_is_string(name))
            return false;
    }
    return true;
}

int schema_compile_strings(struct schema_compiler *compiler, struct schema_node *node,
                           struct schema_check *check)
{
    return are_strings(check->value) ? 0 : fault(compiler, node, check, "an array of strings");
}

int schema_compile_dependent(struct schema_compiler *compiler, struct schema_node *node,
                             struct schema_check *check)
{
    const char *key;
    json_t *names;
    bool good = json_is_object(check->value);
    json_object_foreach ((json_t *)check->value, key, names) {
        good = good && are_strings(names);
    }
    return good ? 0 : fault(compiler, node, check, "an object of arrays of strings");
}

static int add_pattern(struct schema_compiler *compiler, const struct schema_node *node,
                       struct schema_check *check, const char *source)
{
    struct schema_pattern pattern;
    int rc = schema_pattern_compile(source, &pattern, compiler->err);
    if (rc < 0)
        return error_wrap(compiler->err, rc, "schema %s", node->location);
    vector_push(&check->patterns, pattern);
    return 0;
}

int schema_compile_pattern(struct schema_compiler *compiler, struct schema_node *node,
                           struct schema_check *check)
{
    if (!json_is_string(check->value))
        return fault(compiler, node, check, "a string");
    return add_pattern(compiler, node, check, json_string_value(check->value));
}

int schema_compile_ref(struct schema_compiler *compiler, struct schema_node *node, struct schema_check *check)
{
    if (!json_is_string(check->value))
        return fault(compiler, node, check, "a string");
    return schema_resolve(compiler, node, json_string_value(check->value), &check->node);
}

int schema_compile_dynamic_ref(struct schema_compiler *compiler, struct schema_node *node,
                               struct schema_check *check)
{
    int rc = schema_compile_ref(compiler, node, check);
    if (rc < 0)
        return rc;
    /* Dynamic only where the static target is a dynamic anchor of the fragment's own name. */
    const char *fragment = strchr(json_string_value(check->value), '#');
    const char *anchor = json_string_value(json_object_get(check->node->json, "$dynamicAnchor"));
    if (fragment && anchor && strcmp(fragment + 1, anchor) == 0)
        check->dynamic_anchor = anchor;
    return 0;
}

int schema_compile_one(struct schema_compiler *compiler, struct schema_node *node, struct schema_check *check)
{
    check->node = schema_child(compiler, node, check->keyword->name, NULL);
    return 0;
}

static void add_list(struct schema_compiler *compiler, const struct schema_node *node,
                     struct schema_check *check, const char *keyword)
{
    size_t len = json_array_size(json_object_get(node->json, keyword));
    for (size_t i = 0; i < len; i++) {
        CLEANUP_FREE char *token = memory_printf("%zu", i);
        vector_push(&check->nodes, schema_child(compiler, node, keyword, token));
    }
}

static void add_map(struct schema_compiler *compiler, const struct schema_node *node,
                    struct schema_check *check, const char *keyword)
{
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(node->json, keyword), name, value) {
        map_put(&check->names, name, schema_child(compiler, node, keyword, name));
    }
}

int schema_compile_list(struct schema_compiler *compiler, struct schema_node *node,
                        struct schema_check *check)
{
    if (json_array_size(check->value) == 0)
        return fault(compiler, node, check, "an array with at least one schema");
    add_list(compiler, node, check, check->keyword->name);
    return 0;
}

int schema_compile_map(struct schema_compiler *compiler, struct schema_node *node, struct schema_check *check)
{
    add_map(compiler, node, check, check->keyword->name);
    return 0;
}

static struct schema_node *optional_child(struct schema_compiler *compiler, const struct schema_node *node,
                                          const char *keyword)
{
    return json_object_get(node->json, keyword) ? schema_child(compiler, node, keyword, NULL) : NULL;
}

int schema_compile_if(struct schema_compiler *compiler, struct schema_node *node, struct schema_check *check)
{
    check->then_node = optional_child(compiler, node, "then");
    check->else_node = optional_child(compiler, node, "else");
    return schema_compile_one(compiler, node, check);
}

int schema_compile_contains(struct schema_compiler *compiler, struct schema_node *node,
                            struct schema_check *check)
{
    const json_t *min = json_object_get(node->json, "minContains");
    const json_t *max = json_object_get(node->json, "maxContains");
    bool counted = node->resource->vocabularies & SCHEMA_VALIDATION;
    check->min = 1;
    check->max = INT64_MAX;
    if (counted && min && !size_of(min, &check->min))
        return schema_fault(compiler, node, "minContains", "an integer, 0 or more");
    if (counted && max && !size_of(max, &check->max))
        return schema_fault(compiler, node, "maxContains", "an integer, 0 or more");
    return schema_compile_one(compiler, node, check);
}

int schema_compile_items(struct schema_compiler *compiler, struct schema_node *node,
                         struct schema_check *check)
{
    add_list(compiler, node, check, "prefixItems");
    check->node = optional_child(compiler, node, "items");
    return 0;
}

int schema_compile_members(struct schema_compiler *compiler, struct schema_node *node,
                           struct schema_check *check)
{
    const char *source;
    json_t *value;
    add_map(compiler, node, check, "properties");
    check->node = optional_child(compiler, node, "additionalProperties");
    json_object_foreach (json_object_get(node->json, "patternProperties"), source, value) {
        int rc = add_pattern(compiler, node, check, source);
        if (rc < 0)
            return rc;
        check->patterns.items[check->patterns.len - 1].node =
            schema_child(compiler, node, "patternProperties", source);
    }
    return 0;
}

int schema_compile_unevaluated(struct schema_compiler *compiler, struct schema_node *node,
                               struct schema_check *check)
{
    node->tracks = true;
    return schema_compile_one(compiler, node, check);
}

/* Whether an earlier keyword of the same group made the check. */
static bool is_made(const struct schema_node *node, const struct schema_keyword *keyword)
{
    bool grouped = keyword->compile == schema_compile_members || keyword->compile == schema_compile_items;
    for (size_t i = 0; grouped && i < node->checks.len; i++)
        if (node->checks.items[i].keyword->compile == keyword->compile)
            return true;
    return false;
}

static int compile_node(struct schema_compiler *compiler, struct schema_node *node)
{
    for (const struct schema_keyword *keyword = schema_keywords(); keyword->name; keyword++) {
        const json_t *value = json_object_get(node->json, keyword->name);
        if (!value || !keyword->compile || !(keyword->vocabulary & node->resource->vocabularies) ||
            is_made(node, keyword))
            continue;
        vector_push(&node->checks, (struct schema_check){.keyword = keyword, .value = value});
        int rc = keyword->compile(compiler, node, &node->checks.items[node->checks.len - 1]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int schema_compile(const struct schema_registry *registry, const json_t *document, struct schema **ret_schema,
                   struct error *err)
{
    assert(document);
    assert(ret_schema);
    struct schema CLEANUP(schema_freep) *schema = NEW(struct schema);
    struct schema_compiler compiler = {schema, registry, err};
    schema->nodes = MAP_INIT(free_node);
    json_t *copy = json_deep_copy(document);
    if (!copy)
        return error_set(err, ERROR_INVALID, "the schema holds itself");
    int rc = schema_scan_document(&compiler, copy, DEFAULT_URI, &schema->root);
    /* References may lead to documents with further nodes, which are appended. */
    for (size_t i = 0; rc == 0 && i < schema->order.len; i++)
        rc = compile_node(&compiler, schema->order.items[i]);
    if (rc < 0)
        return rc;
    *ret_schema = TAKE(schema);
    return 0;
}
