#include "manifest/document_build.h"

#include "base/buffer.h"
#include "base/error.h"
#include "manifest/document_node.h"
#include "manifest/document_pointer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void document_builder_deinit(struct document_builder *builder)
{
    assert(builder);
    for (size_t i = 0; i < builder->deepest; i++) {
        free(builder->frames[i].key);
        builder->frames[i] = (struct document_frame){0};
    }
    builder->depth = builder->deepest = 0;
    document_deinit(&builder->document);
}

static struct document_frame *top(struct document_builder *builder)
{
    return builder->depth ? &builder->frames[builder->depth - 1] : NULL;
}

bool document_builder_wants_key(const struct document_builder *builder)
{
    if (builder->depth == 0)
        return false;
    const struct document_frame *frame = &builder->frames[builder->depth - 1];
    return json_is_object(frame->container) && !frame->key_awaits;
}

/* The pointer of the value that is awaited, or of the container when nothing is. */
static char *present_pointer(const struct document_builder *builder)
{
    struct buffer CLEANUP(buffer_deinit) pointer = BUFFER_INIT(LIMIT_MANIFEST_BYTES * 2);
    for (size_t i = 0; i < builder->depth; i++) {
        const struct document_frame *frame = &builder->frames[i];
        bool inside = i + 1 < builder->depth;
        size_t elements = json_array_size(frame->container);
        if (json_is_array(frame->container))
            document_pointer_append_index(&pointer, inside ? elements - 1 : elements);
        else if (inside || frame->key_awaits)
            document_pointer_append_key(&pointer, frame->key);
    }
    return buffer_steal(&pointer);
}

int document_builder_fault(struct document_builder *builder, const struct document_fault *fault)
{
    assert(fault->code);
    assert(fault->message);
    bool taken = builder->foreign && strcmp(fault->code, "duplicate") == 0;
    struct diagnostic diagnostic = {.severity = taken ? SEVERITY_WARNING : SEVERITY_ERROR,
                                    .file = memory_strdup(builder->file),
                                    .at = fault->at,
                                    .pointer = present_pointer(builder),
                                    .code = memory_strdup(fault->code),
                                    .message = memory_strdup(fault->message),
                                    .found = memory_strdup(fault->found),
                                    .expected = memory_strdup(fault->expected),
                                    .hint = memory_strdup(fault->hint)};
    diagnostics_add(builder->diagnostics, &diagnostic);
    return strcmp(fault->code, "limit") == 0 ? ERROR_LIMIT : ERROR_INVALID;
}

int document_builder_fail(struct document_builder *builder, struct position at, const char *code,
                          const char *format, ...)
{
    char message[LIMIT_ERROR_CHARS];
    va_list ap;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    return document_builder_fault(builder,
                                  &(struct document_fault){.at = at, .code = code, .message = message});
}

static int count_nodes(struct document_builder *builder, struct position at, size_t more)
{
    if (more > LIMIT_DOCUMENT_NODES - builder->nodes_in_file)
        return document_builder_fail(builder, at, "limit",
                                     "the file has more than %d values, aliases expanded "
                                     "(LIMIT_DOCUMENT_NODES)",
                                     LIMIT_DOCUMENT_NODES);
    builder->nodes_in_file += more;
    return 0;
}

static int too_deep(struct document_builder *builder, struct position at)
{
    return document_builder_fail(
        builder, at, "limit", "nested more than %d levels deep (LIMIT_DOCUMENT_DEPTH)", LIMIT_DOCUMENT_DEPTH);
}

static void push_node(struct document_builder *builder, struct position at, uint32_t key)
{
    struct document_node node = {(uint32_t)at.line, (uint32_t)at.column, 1, key};
    vector_push(&builder->document.nodes, node);
}

/* Takes the value over. */
static void put(struct document_builder *builder, json_t *value)
{
    struct document_frame *frame = top(builder);
    int rc = 0;
    if (!frame) {
        assert(!builder->document.value);
        builder->document.value = value;
    } else if (json_is_array(frame->container)) {
        rc = json_array_append_new(frame->container, value);
    } else {
        assert(frame->key_awaits);
        frame->key_awaits = false;
        rc = json_object_set_new_nocheck(frame->container, frame->key, value);
    }
    if (rc < 0) /* strings are checked before they get here: only memory can be missing */
        abort();
}

static int report_duplicate(struct document_builder *builder, struct position at)
{
    struct document_frame *frame = top(builder);
    struct document_node_vec *nodes = &builder->document.nodes;
    size_t found = document_node_member(nodes, frame->node, nodes->len, frame->key);
    CLEANUP_FREE char *message =
        memory_printf("member \"%.*s\" is given twice, first at line %u, column %u", LIMIT_NAME_CHARS,
                      frame->key, nodes->items[found].line, nodes->items[found].column);
    document_builder_fault(
        builder, &(struct document_fault){
                     .at = at, .code = "duplicate", .message = message, .hint = "keep one of the two"});
    nodes->items[found].key = ~nodes->items[found].key | 1; /* the last one is found from now on */
    if (builder->foreign) /* its own tool takes it: so do we, and the last one counts */
        return 0;
    builder->duplicates++;
    return builder->duplicates < LIMIT_DIAGNOSTICS ? 0 : ERROR_INVALID;
}

static void keep_key(struct document_frame *frame, const char *key)
{
    size_t size = strlen(key) + 1;
    if (size > frame->key_size) {
        free(frame->key);
        frame->key = memory_alloc(size);
        frame->key_size = size;
    }
    memcpy(frame->key, key, size);
    frame->key_awaits = true;
}

int document_builder_key(struct document_builder *builder, struct position at, const char *key)
{
    assert(document_builder_wants_key(builder));
    assert(key);
    struct document_frame *frame = top(builder);
    keep_key(frame, key);
    if (json_object_get(frame->container, key)) {
        int rc = report_duplicate(builder, at);
        if (rc < 0)
            return rc;
    }
    push_node(builder, at, document_node_hash(key));
    return 0;
}

int document_builder_scalar(struct document_builder *builder, struct position at, json_t *value)
{
    assert(value);
    int rc = count_nodes(builder, at, 1);
    if (rc < 0) {
        json_decref(value);
        return rc;
    }
    push_node(builder, at, 0);
    put(builder, value);
    return 0;
}

int document_builder_open(struct document_builder *builder, struct position at, json_t *container)
{
    assert(json_is_object(container) || json_is_array(container));
    int rc = builder->depth == LIMIT_DOCUMENT_DEPTH ? too_deep(builder, at) : count_nodes(builder, at, 1);
    if (rc < 0) {
        json_decref(container);
        return rc;
    }
    size_t node = builder->document.nodes.len;
    push_node(builder, at, 0);
    put(builder, container);
    struct document_frame *frame = &builder->frames[builder->depth++];
    *frame = (struct document_frame){
        .container = container, .node = node, .key = frame->key, .key_size = frame->key_size};
    builder->deepest = builder->depth > builder->deepest ? builder->depth : builder->deepest;
    return 0;
}

void document_builder_close(struct document_builder *builder)
{
    assert(builder->depth > 0);
    struct document_frame *frame = top(builder);
    assert(!frame->key_awaits);
    struct document_node_vec *nodes = &builder->document.nodes;
    nodes->items[frame->node].span = (uint32_t)(nodes->len - frame->node);
    builder->depth--;
}

/* Levels of containers. The recursion is bounded: a value of the document is LIMIT_DOCUMENT_DEPTH deep at
 * most. */
static size_t height_of(const json_t *value)
{
    size_t highest = 0;
    size_t i;
    const char *key;
    json_t *child;
    json_array_foreach (value, i, child) {
        size_t height = height_of(child);
        highest = height > highest ? height : highest;
    }
    json_object_foreach ((json_t *)value, key, child) {
        size_t height = height_of(child);
        highest = height > highest ? height : highest;
    }
    return highest + (json_is_array(value) || json_is_object(value));
}

static size_t values_among(const struct document_node *nodes, size_t len)
{
    size_t values = 0;
    for (size_t i = 0; i < len; i++)
        values += nodes[i].key == 0;
    return values;
}

int document_builder_repeat(struct document_builder *builder, struct position at, const json_t *value,
                            size_t first)
{
    struct document_node_vec *nodes = &builder->document.nodes;
    assert(first < nodes->len);
    size_t span = nodes->items[first].span;
    assert(first + span <= nodes->len);
    size_t values = nodes->items[first].key ? 1 : values_among(&nodes->items[first], span);
    int rc = count_nodes(builder, at, values);
    if (rc < 0)
        return rc;
    if (builder->depth + height_of(value) > LIMIT_DOCUMENT_DEPTH)
        return too_deep(builder, at);
    push_node(builder, at, 0);
    nodes->items[nodes->len - 1].span = (uint32_t)span;
    for (size_t i = 1; i < span; i++) {
        struct document_node node = nodes->items[first + i]; /* a copy: the push may move the table */
        vector_push(nodes, node);
    }
    json_t *copy = json_deep_copy(value);
    if (!copy)
        abort();
    put(builder, copy);
    return 0;
}

struct document document_builder_take(struct document_builder *builder)
{
    assert(builder->depth == 0);
    assert(builder->document.value);
    struct document document = builder->document;
    memset(&builder->document, 0, sizeof builder->document);
    return document;
}
