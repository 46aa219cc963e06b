/* YAML 1.2 by libyaml's events, with the core schema on top. Nesting lives in the builder. */
#include "base/error.h"
#include "base/map.h"
#include "base/text.h"
#include "manifest/document_build.h"
#include "manifest/document_scalar.h"

#include <assert.h>
#include <string.h>
#include <yaml.h>

/* A finished node that an alias may repeat. */
struct yaml_anchor {
    json_t *value; /* counted */
    size_t node;   /* in the document's table */
};

/* An anchored container that is still open. */
struct yaml_open_anchor {
    char *name; /* NULL for a container without one */
    json_t *container;
    size_t node;
};

struct yaml_text {
    struct document_builder *builder;
    const struct document_input *input;
    struct document_vec *documents;
    struct map anchors; /* name -> struct yaml_anchor */
    struct yaml_open_anchor open[LIMIT_DOCUMENT_DEPTH];
    size_t aliases;
};

static void anchor_free(void *pointer)
{
    struct yaml_anchor *anchor = pointer;
    if (!anchor)
        return;
    json_decref(anchor->value);
    free(anchor);
}

static void forget_anchors(struct yaml_text *text)
{
    for (size_t i = 0; i < ARRAY_LEN(text->open); i++) {
        free(text->open[i].name);
        text->open[i].name = NULL;
    }
    map_clear(&text->anchors);
}

static struct position position_of(const yaml_mark_t *mark)
{
    return (struct position){(int)mark->line + 1, (int)mark->column + 1};
}

static void remember(struct yaml_text *text, const char *name, json_t *value, size_t node)
{
    struct yaml_anchor *anchor = NEW(struct yaml_anchor);
    *anchor = (struct yaml_anchor){json_incref(value), node};
    map_put(&text->anchors, name, anchor);
}

static int unsupported(struct yaml_text *text, struct position at, const char *message, const char *hint)
{
    return document_builder_fault(
        text->builder,
        &(struct document_fault){.at = at, .code = "unsupported", .message = message, .hint = hint});
}

static int foreign_tag(struct yaml_text *text, struct position at, const char *tag)
{
    CLEANUP_FREE char *message = memory_printf("the tag %.*s is none of YAML's core schema", 100, tag);
    return unsupported(text, at, message, "leave the tag out");
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

static int kind_by_tag(struct yaml_text *text, const yaml_event_t *event, enum document_scalar_kind *ret_kind)
{
    const char *tag = (const char *)event->data.scalar.tag;
    const char *value = (const char *)event->data.scalar.value;
    struct position at = position_of(&event->start_mark);
    for (size_t i = 0; i < ARRAY_LEN(scalar_tags); i++) {
        if (strcmp(tag, scalar_tags[i].tag) != 0)
            continue;
        enum document_scalar_kind wanted = scalar_tags[i].kind;
        enum document_scalar_kind is = document_scalar_kind(value);
        bool fits = wanted == DOCUMENT_SCALAR_STRING || wanted == is ||
                    (wanted == DOCUMENT_SCALAR_FLOAT && is == DOCUMENT_SCALAR_INT);
        if (!fits)
            return document_builder_fail(text->builder, at, "syntax", "\"%.*s\" is not what its tag %s says",
                                         40, value, tag);
        *ret_kind = wanted;
        return 0;
    }
    return foreign_tag(text, at, tag);
}

/* The kind of a scalar; what no JSON value or C string can hold is refused. */
static int scalar_kind(struct yaml_text *text, const yaml_event_t *event, enum document_scalar_kind *ret_kind)
{
    const char *value = (const char *)event->data.scalar.value;
    struct position at = position_of(&event->start_mark);
    if (strlen(value) != event->data.scalar.length)
        return unsupported(text, at, "\\0 in a string: no name, path or variable can hold it", NULL);
    if (!text_is_utf8(value, event->data.scalar.length))
        return document_builder_fail(text->builder, at, "encoding",
                                     "an escape makes a string that is not UTF-8");
    *ret_kind = DOCUMENT_SCALAR_STRING;
    if (event->data.scalar.tag)
        return kind_by_tag(text, event, ret_kind);
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        *ret_kind = document_scalar_kind(value);
    if (*ret_kind == DOCUMENT_SCALAR_NOT_FINITE)
        return unsupported(text, at, "JSON has neither infinity nor NaN",
                           "quote it if it is meant as a string");
    return 0;
}

static int on_key(struct yaml_text *text, const yaml_event_t *event, enum document_scalar_kind kind)
{
    const char *key = (const char *)event->data.scalar.value;
    struct position at = position_of(&event->start_mark);
    if (kind != DOCUMENT_SCALAR_STRING) {
        CLEANUP_FREE char *message =
            memory_printf("the key %.*s is not a string", 40, *key ? key : "(empty)");
        return unsupported(text, at, message, "quote it");
    }
    if (strcmp(key, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return unsupported(text, at, "merge keys (<<) are not part of YAML 1.2",
                           "write the members out, or repeat whole values by an alias");
    int rc = document_builder_key(text->builder, at, key);
    if (rc == 0 && event->data.scalar.anchor) {
        json_t *value = json_string(key);
        remember(text, (const char *)event->data.scalar.anchor, value, text->builder->document.nodes.len - 1);
        json_decref(value);
    }
    return rc;
}

static int on_scalar(struct yaml_text *text, const yaml_event_t *event)
{
    enum document_scalar_kind kind = DOCUMENT_SCALAR_STRING;
    json_t *value = NULL;
    struct position at = position_of(&event->start_mark);
    int rc = scalar_kind(text, event, &kind);
    if (rc < 0)
        return rc;
    if (document_builder_wants_key(text->builder))
        return on_key(text, event, kind);
    if (document_scalar_value((const char *)event->data.scalar.value, kind, &value) < 0)
        return document_builder_fail(text->builder, at, "number", "%.*s is %s", 40, event->data.scalar.value,
                                     DOCUMENT_NUMBER_RANGE);
    json_incref(value);
    rc = document_builder_scalar(text->builder, at, value);
    if (rc == 0 && event->data.scalar.anchor)
        remember(text, (const char *)event->data.scalar.anchor, value, text->builder->document.nodes.len - 1);
    json_decref(value);
    return rc;
}

static int on_open(struct yaml_text *text, const yaml_event_t *event)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    const char *tag =
        (const char *)(mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    const char *anchor =
        (const char *)(mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor);
    struct position at = position_of(&event->start_mark);
    if (document_builder_wants_key(text->builder))
        return unsupported(text, at, "a mapping or a sequence cannot be a key", "keys are strings");
    if (tag && strcmp(tag, "!") != 0 && strcmp(tag, mapping ? YAML_MAP_TAG : YAML_SEQ_TAG) != 0)
        return foreign_tag(text, at, tag);
    json_t *container = mapping ? json_object() : json_array();
    int rc = document_builder_open(text->builder, at, container);
    if (rc < 0)
        return rc;
    text->open[text->builder->depth - 1] = (struct yaml_open_anchor){
        memory_strdup(anchor), container, text->builder->frames[text->builder->depth - 1].node};
    return 0;
}

static int on_close(struct yaml_text *text, const yaml_event_t *event)
{
    (void)event;
    document_builder_close(text->builder);
    struct yaml_open_anchor *open = &text->open[text->builder->depth];
    if (open->name)
        remember(text, open->name, open->container, open->node);
    free(open->name);
    open->name = NULL;
    return 0;
}

static bool is_open(const struct yaml_text *text, const char *name)
{
    for (size_t i = 0; i < text->builder->depth; i++)
        if (text_equal(text->open[i].name, name))
            return true;
    return false;
}

static int on_alias(struct yaml_text *text, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct position at = position_of(&event->start_mark);
    if (++text->aliases > LIMIT_YAML_ALIASES)
        return document_builder_fail(text->builder, at, "limit",
                                     "the file has more than %d aliases (LIMIT_YAML_ALIASES)",
                                     LIMIT_YAML_ALIASES);
    if (document_builder_wants_key(text->builder))
        return unsupported(text, at, "an alias cannot be a key", "write the key out");
    if (is_open(text, name))
        return document_builder_fail(text->builder, at, "syntax",
                                     "the alias *%.*s stands inside its own anchor", 100, name);
    const struct yaml_anchor *anchor = map_get(&text->anchors, name);
    if (!anchor)
        return document_builder_fail(text->builder, at, "syntax",
                                     "the alias *%.*s has no anchor before it in this document", 100, name);
    return document_builder_repeat(text->builder, at, anchor->value, anchor->node);
}

static int on_document_start(struct yaml_text *text, const yaml_event_t *event)
{
    if (text->documents->len == LIMIT_MANIFEST_DOCUMENTS)
        return document_builder_fail(text->builder, position_of(&event->start_mark), "limit",
                                     "the file has more than %d documents (LIMIT_MANIFEST_DOCUMENTS)",
                                     LIMIT_MANIFEST_DOCUMENTS);
    return 0;
}

static int on_document_end(struct yaml_text *text, const yaml_event_t *event)
{
    (void)event;
    struct document document = document_builder_take(text->builder);
    forget_anchors(text);
    if (json_is_null(document.value)) /* `---` with nothing after it */
        document_deinit(&document);
    else
        vector_push(text->documents, document);
    return 0;
}

static int on_nothing(struct yaml_text *text, const yaml_event_t *event)
{
    (void)text;
    (void)event;
    return 0;
}

static int (*const handlers[])(struct yaml_text *, const yaml_event_t *) = {
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

/* The byte at a mark, whose index counts characters. */
static char byte_at(const struct document_input *input, const yaml_mark_t *mark)
{
    size_t characters = 0;
    for (size_t i = 0; i < input->len; i++) {
        if (((unsigned char)input->content[i] & 0xC0) == 0x80)
            continue;
        if (characters++ == mark->index)
            return input->content[i];
    }
    return '\0';
}

/* Caller frees; NULL without one. */
static char *syntax_hint(const struct yaml_text *text, const yaml_parser_t *parser)
{
    struct position began = position_of(&parser->context_mark);
    if (parser->error == YAML_SCANNER_ERROR && byte_at(text->input, &parser->problem_mark) == '\t')
        return memory_strdup("YAML indents with spaces, not tabs");
    if (parser->context && parser->context_mark.line != parser->problem_mark.line)
        return memory_printf("it begins at line %d, column %d", began.line, began.column);
    return NULL;
}

static int syntax_error(struct yaml_text *text, const yaml_parser_t *parser)
{
    const char *problem = parser->problem ? parser->problem : "it cannot be parsed";
    /* The reader stage has no mark of its own; its cursor has come as far as the fault. */
    const yaml_mark_t *mark = parser->error == YAML_READER_ERROR ? &parser->mark : &parser->problem_mark;
    CLEANUP_FREE char *hint = syntax_hint(text, parser);
    CLEANUP_FREE char *message =
        parser->context ? memory_printf("%s %s", parser->context, problem) : memory_strdup(problem);
    return document_builder_fault(
        text->builder, &(struct document_fault){
                           .at = position_of(mark), .code = "syntax", .message = message, .hint = hint});
}

static int read_events(struct yaml_text *text, yaml_parser_t *parser)
{
    for (;;) {
        yaml_event_t CLEANUP(yaml_event_delete) event = {0};
        if (!yaml_parser_parse(parser, &event))
            return syntax_error(text, parser);
        if (event.type == YAML_STREAM_END_EVENT)
            return 0;
        int rc = handlers[event.type](text, &event);
        if (rc < 0)
            return rc;
    }
}

int document_parse_yaml(struct document_builder *builder, const struct document_input *input,
                        struct document_vec *documents)
{
    assert(builder);
    struct yaml_text text = {
        .builder = builder, .input = input, .documents = documents, .anchors = MAP_INIT(anchor_free)};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)input->content, input->len);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    int rc = read_events(&text, &parser);
    yaml_parser_delete(&parser);
    forget_anchors(&text);
    return rc;
}
