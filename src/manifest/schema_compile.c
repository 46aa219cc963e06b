/* Keywords to checks. */
#include "base/text.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The document's base where neither it nor its caller gives one. */
#define DEFAULT_URI "schema:/"

static void free_node(struct schema_node *node)
{
    for (size_t i = 0; i < node->checks.len; i++) {
        struct schema_check *check = &node->checks.items[i];
        for (size_t j = 0; j < check->patterns.len; j++)
            schema_pattern_deinit(&check->patterns.items[j]);
        vector_deinit(&check->patterns);
        vector_deinit(&check->nodes);
        schema_names_free(check->names);
    }
    vector_deinit(&node->checks);
    vector_deinit(&node->children);
    free(node->place);
    free(node);
}

/* What only compiling needs. */
static void forget_origins(struct schema *schema)
{
    for (size_t i = 0; i < schema->nodes.len; i++)
        vector_deinit(&schema->nodes.items[i]->children);
    map_deinit(&schema->by_json);
    map_deinit(&schema->by_uri);
    map_deinit(&schema->anchors);
}

void schema_free(struct schema *schema)
{
    if (!schema)
        return;
    forget_origins(schema);
    for (size_t i = 0; i < schema->nodes.len; i++)
        free_node(schema->nodes.items[i]);
    vector_deinit(&schema->nodes);
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
    check->cost = schema_value_size(check->value);
    return json_is_array(check->value) ? 0 : fault(compiler, node, check, "an array");
}

int schema_compile_const(struct schema_compiler *compiler, struct schema_node *node,
                         struct schema_check *check)
{
    (void)compiler;
    (void)node;
    check->cost = schema_value_size(check->value);
    return 0;
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
    if (!json_is_boolean(check->value))
        return fault(compiler, node, check, "a boolean");
    return json_is_true(check->value) ? 0 : 1;
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
    check->cost = json_array_size(check->value);
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
    check->cost = schema_value_size(check->value);
    return good ? 0 : fault(compiler, node, check, "an object of arrays of strings");
}

int schema_compile_dependencies(struct schema_compiler *compiler, struct schema_node *node,
                                struct schema_check *check)
{
    const char *key;
    json_t *names;
    json_object_foreach ((json_t *)check->value, key, names) {
        if (json_is_array(names) && !are_strings(names))
            return fault(compiler, node, check, "an object of schemas and arrays of strings");
    }
    check->cost = schema_value_size(check->value);
    return schema_compile_map(compiler, node, check);
}

static int add_pattern(struct schema_compiler *compiler, const struct schema_node *node,
                       struct schema_check *check, const json_t *source)
{
    struct schema_pattern pattern;
    int rc = schema_pattern_compile(json_string_value(source), json_string_length(source), &pattern,
                                    compiler->err);
    if (rc < 0) {
        CLEANUP_FREE char *location = schema_location(node);
        return error_wrap(compiler->err, rc, "schema %.400s", location);
    }
    vector_push(&check->patterns, pattern);
    return 0;
}

int schema_compile_pattern(struct schema_compiler *compiler, struct schema_node *node,
                           struct schema_check *check)
{
    if (!json_is_string(check->value))
        return fault(compiler, node, check, "a string");
    return add_pattern(compiler, node, check, check->value);
}

int schema_compile_format(struct schema_compiler *compiler, struct schema_node *node,
                          struct schema_check *check)
{
    if (!json_is_string(check->value))
        return fault(compiler, node, check, "a string");
    if (compiler->options.formats_are_notes && !(node->resource->vocabularies & SCHEMA_FORMAT_ASSERTION))
        return 1;
    check->format = schema_format_by_name(json_string_value(check->value));
    return check->format ? 0 : 1;
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
    (void)compiler;
    size_t at = 0;
    check->node = schema_child(node, check->keyword->name, &at);
    assert(check->node);
    return 0;
}

static void add_list(const struct schema_node *node, struct schema_check *check, const char *keyword)
{
    size_t at = 0;
    for (struct schema_node *child; (child = schema_child(node, keyword, &at));)
        vector_push(&check->nodes, child);
}

static void add_map(const struct schema_node *node, struct schema_check *check, const char *keyword)
{
    struct name_vec VECTOR_OF(struct schema_name) names = {0};
    size_t at = 0;
    for (struct schema_node *child; (child = schema_child(node, keyword, &at));)
        vector_push(&names,
                    (struct schema_name){.name = child->name, .len = strlen(child->name), .node = child});
    if (names.len)
        check->names = schema_names_new(names.items, names.len);
    vector_deinit(&names);
}

int schema_compile_list(struct schema_compiler *compiler, struct schema_node *node,
                        struct schema_check *check)
{
    if (json_array_size(check->value) == 0)
        return fault(compiler, node, check, "an array with at least one schema");
    add_list(node, check, check->keyword->name);
    return 0;
}

int schema_compile_map(struct schema_compiler *compiler, struct schema_node *node, struct schema_check *check)
{
    (void)compiler;
    add_map(node, check, check->keyword->name);
    check->cost = json_object_size(check->value);
    return 0;
}

static struct schema_node *optional_child(const struct schema_node *node, const char *keyword)
{
    size_t at = 0;
    return schema_child(node, keyword, &at);
}

int schema_compile_if(struct schema_compiler *compiler, struct schema_node *node, struct schema_check *check)
{
    check->then_node = optional_child(node, "then");
    check->else_node = optional_child(node, "else");
    return schema_compile_one(compiler, node, check);
}

int schema_compile_contains(struct schema_compiler *compiler, struct schema_node *node,
                            struct schema_check *check)
{
    const json_t *min = json_object_get(node->json, "minContains");
    const json_t *max = json_object_get(node->json, "maxContains");
    bool counted =
        node->resource->dialect == SCHEMA_2020_12 && (node->resource->vocabularies & SCHEMA_VALIDATION);
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
    (void)compiler;
    add_list(node, check, "prefixItems");
    check->node = optional_child(node, "items");
    return 0;
}

int schema_compile_old_items(struct schema_compiler *compiler, struct schema_node *node,
                             struct schema_check *check)
{
    if (!json_is_array(check->value))
        return schema_compile_one(compiler, node, check);
    add_list(node, check, "items");
    check->node = optional_child(node, "additionalItems");
    return 0;
}

int schema_compile_members(struct schema_compiler *compiler, struct schema_node *node,
                           struct schema_check *check)
{
    size_t at = 0;
    add_map(node, check, "properties");
    check->node = optional_child(node, "additionalProperties");
    for (struct schema_node *child; (child = schema_child(node, "patternProperties", &at));) {
        json_t *source = json_string(child->name);
        int rc = add_pattern(compiler, node, check, source);
        json_decref(source);
        if (rc < 0)
            return rc;
        struct schema_pattern *pattern = &check->patterns.items[check->patterns.len - 1];
        pattern->node = child;
        pattern->source = child->name;
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

static int compile_keyword(struct schema_compiler *compiler, struct schema_node *node,
                           const struct schema_keyword *keyword, const json_t *value)
{
    vector_push(&node->checks,
                (struct schema_check){.keyword = keyword, .holds = keyword->holds, .value = value});
    struct schema_check *check = &node->checks.items[node->checks.len - 1];
    int rc = keyword->compile(compiler, node, check);
    if (rc == 1)
        node->checks.len--;
    else
        node->cost += check->cost;
    return rc < 0 ? rc : 0;
}

static int compile_node(struct schema_compiler *compiler, struct schema_node *node)
{
    enum schema_dialect dialect = node->resource->dialect;
    bool hidden = dialect == SCHEMA_DRAFT_07 && json_is_string(json_object_get(node->json, "$ref"));
    int rc = 0;
    for (const struct schema_keyword *keyword = schema_keyword_after(dialect, NULL); rc == 0 && keyword;
         keyword = schema_keyword_after(dialect, keyword)) {
        const json_t *value = json_object_get(node->json, keyword->name);
        if (!value || !keyword->compile || !(keyword->vocabulary & node->resource->vocabularies) ||
            is_made(node, keyword) || (hidden && keyword->compile != schema_compile_ref))
            continue;
        rc = compile_keyword(compiler, node, keyword, value);
    }
    return rc;
}

/* The copy is taken over. */
static int compile(struct schema_compiler *compiler, json_t *copy)
{
    struct schema *schema = compiler->schema;
    const char *uri = compiler->options.uri ? compiler->options.uri : DEFAULT_URI;
    int rc = schema_scan_document(compiler, copy, uri, &schema->root);
    /* References may lead to documents with further nodes, which are appended. */
    for (size_t i = 0; rc == 0 && i < schema->nodes.len; i++)
        rc = compile_node(compiler, schema->nodes.items[i]);
    if (rc == 0)
        rc = schema_link(compiler);
    return rc;
}

int schema_compile(const struct schema_options *options, const json_t *document, struct schema **ret_schema,
                   struct error *err)
{
    assert(document);
    assert(ret_schema);
    struct schema CLEANUP(schema_freep) *schema = NEW(struct schema);
    struct schema_compiler compiler = {.schema = schema, .err = err};
    if (options)
        compiler.options = *options;
    json_t *copy = json_deep_copy(document);
    if (!copy)
        return error_set(err, ERROR_INVALID, "the schema holds itself");
    int rc = compile(&compiler, copy);
    if (rc < 0)
        return rc;
    forget_origins(schema);
    *ret_schema = TAKE(schema);
    return 0;
}
