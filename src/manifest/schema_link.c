/* The last step of compiling: detours are taken out, circles found. */
#include "manifest/schema_check.h"
#include "manifest/schema_node.h"

#include <limits.h>

/* --- circles -------------------------------------------------------------------------------------------- */

static int link_node(struct schema_compiler *compiler, struct schema_node *node, size_t depth);

static int link_nodes(struct schema_compiler *compiler, const struct schema_check *check, size_t depth)
{
    struct schema_node *const single[] = {check->node, check->then_node, check->else_node};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(single); i++)
        rc = link_node(compiler, single[i], depth);
    for (size_t i = 0; rc == 0 && i < check->nodes.len; i++)
        rc = link_node(compiler, check->nodes.items[i], depth);
    for (size_t i = 0; rc == 0 && check->names && i < check->names->len; i++)
        rc = link_node(compiler, check->names->in_order[i].node, depth);
    return rc;
}

/* Follows what is applied to the same value. Where a dynamic anchor leads is known only then. The recursion
 * is as deep as applying would be. */
static int link_node(struct schema_compiler *compiler, struct schema_node *node, size_t depth)
{
    int rc = 0;
    if (!node || node->link == SCHEMA_LINKED)
        return 0;
    if (node->link == SCHEMA_LINKING || depth == LIMIT_SCHEMA_DEPTH) {
        CLEANUP_FREE char *location = schema_location(node);
        if (node->link == SCHEMA_LINKING)
            return error_set(compiler->err, ERROR_INVALID,
                             "schema %.400s applies itself to the same value without end", location);
        return error_set(compiler->err, ERROR_LIMIT,
                         "schema %.400s: schemas apply schemas too deeply (LIMIT_SCHEMA_DEPTH)", location);
    }
    node->link = SCHEMA_LINKING;
    for (size_t i = 0; rc == 0 && i < node->checks.len; i++) {
        const struct schema_check *check = &node->checks.items[i];
        bool in_place = check->keyword->in_place || check->holds == schema_check_not;
        if (in_place && !check->dynamic_anchor)
            rc = link_nodes(compiler, check, depth + 1);
    }
    node->link = SCHEMA_LINKED;
    return rc;
}

/* --- detours -------------------------------------------------------------------------------------------- */

/* Where a schema that is nothing but a reference leads. It stays when it has its own words for the reader, or
 * leads to another resource, which counts for dynamic anchors. */
static struct schema_node *destination(struct schema_node *node)
{
    while (node && node->checks.len == 1 && node->checks.items[0].holds == schema_check_ref &&
           !node->expected && node->resource == node->checks.items[0].node->resource)
        node = node->checks.items[0].node;
    return node;
}

static void shorten(struct schema_check *check)
{
    check->node = destination(check->node);
    check->then_node = destination(check->then_node);
    check->else_node = destination(check->else_node);
    for (size_t i = 0; i < check->nodes.len; i++)
        check->nodes.items[i] = destination(check->nodes.items[i]);
    for (size_t i = 0; i < check->patterns.len; i++)
        check->patterns.items[i].node = destination(check->patterns.items[i].node);
    if (check->names)
        schema_names_replace(check->names, destination);
}

/* --- short cuts ----------------------------------------------------------------------------------------- */

static struct schema_check *check_of(struct schema_node *node,
                                     bool (*holds)(const struct schema_frame *, const struct schema_check *))
{
    for (size_t i = 0; i < node->checks.len; i++)
        if (node->checks.items[i].holds == holds)
            return &node->checks.items[i];
    return NULL;
}

static void count_required(struct schema_node *node)
{
    struct schema_check *members = check_of(node, schema_check_members);
    struct schema_check *required = check_of(node, schema_check_required);
    size_t counted = 0;
    size_t i;
    json_t *name;
    if (!members || !required)
        return;
    json_array_foreach ((json_t *)required->value, i, name) {
        const char *text = json_string_value(name);
        if (!schema_names_get(members->names, text, json_string_length(name)))
            return;
        counted += schema_names_require(members->names, text, json_string_length(name));
    }
    members->counted = counted;
    required->counted = counted;
}

static void find_plain_types(struct schema_node *node)
{
    if (node->checks.len == 0)
        node->plain_types = node->forbids ? 0 : UINT_MAX;
    else if (node->checks.len == 1 && node->checks.items[0].holds == schema_check_type)
        node->plain_types = node->checks.items[0].types;
}

int schema_link(struct schema_compiler *compiler)
{
    struct schema *schema = compiler->schema;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < schema->nodes.len; i++)
        rc = link_node(compiler, schema->nodes.items[i], 0);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < schema->nodes.len; i++)
        for (size_t j = 0; j < schema->nodes.items[i]->checks.len; j++)
            shorten(&schema->nodes.items[i]->checks.items[j]);
    for (size_t i = 0; i < schema->nodes.len; i++) {
        count_required(schema->nodes.items[i]);
        find_plain_types(schema->nodes.items[i]);
    }
    schema->root = destination(schema->root);
    return 0;
}
