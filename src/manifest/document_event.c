#include "manifest/document_event.h"

#include "base/error.h"
#include "base/text.h"
#include "manifest/document_scalar.h"

#include <assert.h>
#include <string.h>

/* A finished node that an alias may repeat. */
struct yaml_anchor {
    json_t *value; /* counted */
    size_t node;   /* in the document's table */
};

static void anchor_free(void *pointer)
{
    struct yaml_anchor *anchor = pointer;
    if (!anchor)
        return;
    json_decref(anchor->value);
    free(anchor);
}

void document_events_init(struct document_events *events, struct document_builder *builder,
                          struct document_vec *documents)
{
    assert(events);
    *events = (struct document_events){
        .builder = builder, .documents = documents, .anchors = MAP_INIT(anchor_free)};
}

static void forget_anchors(struct document_events *events)
{
    for (size_t i = 0; i < ARRAY_LEN(events->open); i++) {
        free(events->open[i].name);
        events->open[i].name = NULL;
    }
    map_clear(&events->anchors);
}

struct position document_events_position(const struct document_events *events, const yaml_mark_t *mark)
{
    return (struct position){events->lines + (int)mark->line + 1, (int)mark->column + 1};
}

static void remember(struct document_events *events, const char *name, json_t *value, size_t node)
{
    struct yaml_anchor *anchor = NEW(struct yaml_anchor);
    *anchor = (struct yaml_anchor){json_incref(value), node};
    map_put(&events->anchors, name, anchor);
}

static int unsupported(struct document_events *events, struct position at, const char *message,
                       const char *hint)
{
    return document_builder_fault(
        events->builder,
        &(struct document_fault){.at = at, .code = "unsupported", .message = message, .hint = hint});
}

static int foreign_tag(struct document_events *events, struct position at, const char *tag)
{
    CLEANUP_FREE char *message = memory_printf("the tag %.*s is none of YAML's core schema", 100, tag);
    return unsupported(events, at, message, "leave the tag out");
}

/* A tag of the application's own, such as CloudFormation's !Ref. */
static bool is_local(const struct document_events *events, const char *tag)
{
    return events->builder->foreign && tag && tag[0] == '!' && tag[1];
}

/* Opens the object whose one member, named by the tag, is about to come. */
static int open_tag(struct document_events *events, struct position at, const char *tag, json_t *object)
{
    int rc = document_builder_open(events->builder, at, object);
    return rc < 0 ? rc : document_builder_key(events->builder, at, tag);
}

/* The tags that a scalar may bear, and what its text must then be. */
static const struct {
    const char *tag;
    enum document_scalar_kind kind;
} scalar_tags[] = {
    {"!", DOCUMENT_SCALAR_STRING},         {YAML_STR_TAG, DOCUMENT_SCALAR_STRING},
    {YAML_NULL_TAG, DOCUMENT_SCALAR_NULL}, {YAML_BOOL_TAG, DOCUMENT_SCALAR_BOOL},
    {YAML_INT_TAG, DOCUMENT_SCALAR_INT},   {YAML_FLOAT_TAG, DOCUMENT_SCALAR_FLOAT},
};

static int kind_by_tag(struct document_events *events, const yaml_event_t *event,
                       enum document_scalar_kind *ret_kind)
{
    const char *tag = (const char *)event->data.scalar.tag;
    const char *value = (const char *)event->data.scalar.value;
    struct position at = document_events_position(events, &event->start_mark);
    for (size_t i = 0; i < ARRAY_LEN(scalar_tags); i++) {
        if (strcmp(tag, scalar_tags[i].tag) != 0)
            continue;
        enum document_scalar_kind wanted = scalar_tags[i].kind;
        enum document_scalar_kind is = document_scalar_kind(value);
        bool fits = wanted == DOCUMENT_SCALAR_STRING || wanted == is ||
                    (wanted == DOCUMENT_SCALAR_FLOAT && is == DOCUMENT_SCALAR_INT);
        if (!fits)
            return document_builder_fail(events->builder, at, "syntax",
                                         "\"%.*s\" is not what its tag %s says", 40, value, tag);
        *ret_kind = wanted;
        return 0;
    }
    return foreign_tag(events, at, tag);
}

/* The kind of a scalar; what no JSON value or C string can hold is refused. */
static int scalar_kind(struct document_events *events, const yaml_event_t *event,
                       enum document_scalar_kind *ret_kind)
{
    const char *value = (const char *)event->data.scalar.value;
    struct position at = document_events_position(events, &event->start_mark);
    if (strlen(value) != event->data.scalar.length)
        return unsupported(events, at, "\\0 in a string: no name, path or variable can hold it", NULL);
    if (event->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE &&
        !text_is_utf8(value, event->data.scalar.length))
        return document_builder_fail(events->builder, at, "encoding",
                                     "an escape makes a string that is not UTF-8");
    *ret_kind = DOCUMENT_SCALAR_STRING;
    if (is_local(events, (const char *)event->data.scalar.tag))
        return 0;
    if (event->data.scalar.tag)
        return kind_by_tag(events, event, ret_kind);
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        *ret_kind = document_scalar_kind(value);
    if (*ret_kind == DOCUMENT_SCALAR_NOT_FINITE)
        return unsupported(events, at, "JSON has neither infinity nor NaN",
                           "quote it if it is meant as a string");
    return 0;
}

static int on_key(struct document_events *events, const yaml_event_t *event, enum document_scalar_kind kind)
{
    const char *key = (const char *)event->data.scalar.value;
    struct position at = document_events_position(events, &event->start_mark);
    if (kind != DOCUMENT_SCALAR_STRING && !events->builder->foreign) {
        CLEANUP_FREE char *message =
            memory_printf("the key %.*s is not a string", 40, *key ? key : "(empty)");
        return unsupported(events, at, message, "quote it");
    }
    bool merge = strcmp(key, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (merge && !events->builder->foreign)
        return unsupported(events, at, "merge keys (<<) are not part of YAML 1.2",
                           "write the members out, or repeat whole values by an alias");
    int rc = document_builder_key(events->builder, at, key);
    if (rc == 0 && event->data.scalar.anchor) {
        json_t *value = json_string(key);
        remember(events, (const char *)event->data.scalar.anchor, value,
                 events->builder->document.nodes.len - 1);
        json_decref(value);
    }
    return rc;
}

/* {"!Tag": "text"} */
static int on_tagged_scalar(struct document_events *events, const yaml_event_t *event)
{
    struct position at = document_events_position(events, &event->start_mark);
    size_t node = events->builder->document.nodes.len;
    json_t *object = json_object();
    int rc = open_tag(events, at, (const char *)event->data.scalar.tag, json_incref(object));
    if (rc == 0)
        rc =
            document_builder_scalar(events->builder, at, json_string((const char *)event->data.scalar.value));
    if (rc == 0) {
        document_builder_close(events->builder);
        if (event->data.scalar.anchor)
            remember(events, (const char *)event->data.scalar.anchor, object, node);
    }
    json_decref(object);
    return rc;
}

static int on_scalar(struct document_events *events, const yaml_event_t *event)
{
    enum document_scalar_kind kind = DOCUMENT_SCALAR_STRING;
    json_t *value = NULL;
    struct position at = document_events_position(events, &event->start_mark);
    int rc = scalar_kind(events, event, &kind);
    if (rc < 0)
        return rc;
    if (document_builder_wants_key(events->builder))
        return on_key(events, event, kind);
    if (is_local(events, (const char *)event->data.scalar.tag))
        return on_tagged_scalar(events, event);
    if (document_scalar_value((const char *)event->data.scalar.value, kind, &value) < 0)
        return document_builder_fail(events->builder, at, "number", "%.*s is %s", 40,
                                     event->data.scalar.value, DOCUMENT_NUMBER_RANGE);
    json_incref(value);
    rc = document_builder_scalar(events->builder, at, value);
    if (rc == 0 && event->data.scalar.anchor)
        remember(events, (const char *)event->data.scalar.anchor, value,
                 events->builder->document.nodes.len - 1);
    json_decref(value);
    return rc;
}

/* Whether a mapping that is a key looks like {{ }}. */
static bool is_template(const struct document_events *events, struct position at)
{
    const struct document_builder *builder = events->builder;
    const struct document_node *outer =
        &builder->document.nodes.items[builder->frames[builder->depth - 1].node];
    return outer->line == (uint32_t)at.line && outer->column + 1 == (uint32_t)at.column;
}

static void note_open(struct document_events *events, const char *anchor, json_t *container, bool tagged)
{
    size_t depth = events->builder->depth - 1;
    events->open[depth] = (struct document_open_anchor){memory_strdup(anchor), container,
                                                        events->builder->frames[depth].node, tagged};
}

static int on_open(struct document_events *events, const yaml_event_t *event)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    const char *tag =
        (const char *)(mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    const char *anchor =
        (const char *)(mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor);
    struct position at = document_events_position(events, &event->start_mark);
    if (document_builder_wants_key(events->builder))
        return unsupported(events, at, "a mapping or a sequence cannot be a key",
                           is_template(events, at) ? "templates must be rendered before they are committed"
                                                   : "keys are strings");
    bool local = is_local(events, tag);
    if (tag && !local && strcmp(tag, "!") != 0 && strcmp(tag, mapping ? YAML_MAP_TAG : YAML_SEQ_TAG) != 0)
        return foreign_tag(events, at, tag);
    if (local) {
        json_t *around = json_object();
        int rc = open_tag(events, at, tag, around);
        if (rc < 0)
            return rc;
        note_open(events, anchor, around, false);
    }
    json_t *container = mapping ? json_object() : json_array();
    int rc = document_builder_open(events->builder, at, container);
    if (rc < 0)
        return rc;
    note_open(events, local ? NULL : anchor, container, local);
    return 0;
}

static int on_close(struct document_events *events, const yaml_event_t *event)
{
    (void)event;
    document_builder_close(events->builder);
    struct document_open_anchor *open = &events->open[events->builder->depth];
    if (open->name)
        remember(events, open->name, open->container, open->node);
    free(open->name);
    open->name = NULL;
    return open->tagged ? on_close(events, event) : 0;
}

static bool is_open(const struct document_events *events, const char *name)
{
    for (size_t i = 0; i < events->builder->depth; i++)
        if (text_equal(events->open[i].name, name))
            return true;
    return false;
}

static int on_alias(struct document_events *events, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct position at = document_events_position(events, &event->start_mark);
    if (++events->aliases > LIMIT_YAML_ALIASES)
        return document_builder_fail(events->builder, at, "limit",
                                     "the file has more than %d aliases (LIMIT_YAML_ALIASES)",
                                     LIMIT_YAML_ALIASES);
    if (is_open(events, name))
        return document_builder_fail(events->builder, at, "syntax",
                                     "the alias *%.*s stands inside its own anchor", 100, name);
    const struct yaml_anchor *anchor = map_get(&events->anchors, name);
    if (!anchor)
        return document_builder_fail(events->builder, at, "syntax",
                                     "the alias *%.*s has no anchor before it in this document", 100, name);
    if (!document_builder_wants_key(events->builder))
        return document_builder_repeat(events->builder, at, anchor->value, anchor->node);
    if (!json_is_string(anchor->value))
        return unsupported(events, at, "the alias stands for a value that cannot be a key",
                           "keys are strings");
    return document_builder_key(events->builder, at, json_string_value(anchor->value));
}

static int on_document_start(struct document_events *events, const yaml_event_t *event)
{
    if (events->documents->len == LIMIT_MANIFEST_DOCUMENTS)
        return document_builder_fail(
            events->builder, document_events_position(events, &event->start_mark), "limit",
            "the file has more than %d documents (LIMIT_MANIFEST_DOCUMENTS)", LIMIT_MANIFEST_DOCUMENTS);
    return 0;
}

static int on_document_end(struct document_events *events, const yaml_event_t *event)
{
    (void)event;
    struct document document = document_builder_take(events->builder);
    forget_anchors(events);
    if (json_is_null(document.value)) /* `---` with nothing after it */
        document_deinit(&document);
    else
        vector_push(events->documents, document);
    return 0;
}

static int on_nothing(struct document_events *events, const yaml_event_t *event)
{
    (void)events;
    (void)event;
    return 0;
}

static int (*const handlers[])(struct document_events *, const yaml_event_t *) = {
    [YAML_NO_EVENT] = on_nothing,
    [YAML_STREAM_START_EVENT] = on_nothing,
    [YAML_STREAM_END_EVENT] = on_nothing,
    [YAML_DOCUMENT_START_EVENT] = on_document_start,
    [YAML_DOCUMENT_END_EVENT] = on_document_end,
    [YAML_ALIAS_EVENT] = on_alias,
    [YAML_SCALAR_EVENT] = on_scalar,
    [YAML_SEQUENCE_START_EVENT] = on_open,
    [YAML_SEQUENCE_END_EVENT] = on_close,
    [YAML_MAPPING_START_EVENT] = on_open,
    [YAML_MAPPING_END_EVENT] = on_close,
};

void document_events_deinit(struct document_events *events)
{
    assert(events);
    forget_anchors(events);
}

int document_events_take(struct document_events *events, const yaml_event_t *event)
{
    assert(events);
    assert(event);
    return handlers[event->type](events, event);
}
