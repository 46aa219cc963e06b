/* Faults in words. */
#include "base/buffer.h"
#include "base/text.h"
#include "manifest/document_pointer.h"
#include "manifest/schema_check.h"

#include <assert.h>
#include <string.h>

/* Longest value that is shown. */
#define SHOWN_CHARS 60

/* Schemas in schemas that are searched for the names of members. */
#define NAMES_DEPTH 8

char *schema_describe(const json_t *value)
{
    assert(value);
    CLEANUP_FREE char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *shown = text ? text : "a string with a NUL";
    size_t len = strlen(shown);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return memory_printf("an object with %zu member%s", json_object_size(value),
                             text_plural((int64_t)json_object_size(value)));
    case JSON_ARRAY:
        return memory_printf("an array with %zu element%s", json_array_size(value),
                             text_plural((int64_t)json_array_size(value)));
    default:
        break;
    }
    size_t cut = SHOWN_CHARS;
    while (cut < len && ((unsigned char)shown[cut] & 0xC0) == 0x80)
        cut++;
    const char *type = json_is_string(value) ? "the string " : json_is_number(value) ? "the number " : "";
    return memory_printf("%s%.*s%s", type, (int)(len < cut ? len : cut), shown, len > cut ? "..." : "");
}

/* Places are chained inside out; a value is no deeper than its parser's bound, so is this recursion. */
static void append_place(struct buffer *pointer, const struct schema_place *place)
{
    if (!place->outer)
        return;
    append_place(pointer, place->outer);
    if (place->key)
        document_pointer_append_key(pointer, place->key);
    else
        document_pointer_append_index(pointer, place->index);
}

static char *pointer_of(const struct schema_place *place)
{
    struct buffer pointer = BUFFER_INIT(LIMIT_SCHEMA_POINTER_BYTES);
    append_place(&pointer, place);
    return buffer_steal(&pointer);
}

bool schema_report(const struct schema_frame *frame, const struct schema_fault_text *fault)
{
    assert(fault->code);
    assert(fault->message);
    if (!frame->diagnostics || frame->run->exhausted)
        return false;
    const char *expected = frame->node && frame->node->expected ? frame->node->expected : fault->expected;
    struct diagnostic diagnostic = {.severity = SEVERITY_ERROR,
                                    .file = memory_strdup(""),
                                    .pointer = pointer_of(frame->place),
                                    .code = memory_strdup(fault->code),
                                    .message = memory_strdup(fault->message),
                                    .found = memory_strdup(fault->found),
                                    .expected = memory_strdup(fault->expected ? expected : NULL),
                                    .hint = memory_strdup(fault->hint)};
    diagnostics_add(frame->diagnostics, &diagnostic);
    return false;
}

bool schema_report_value(const struct schema_frame *frame, const char *code, const char *message,
                         const char *expected)
{
    if (!frame->diagnostics)
        return false;
    CLEANUP_FREE char *found = schema_describe(frame->place->value);
    return schema_report(frame, &(struct schema_fault_text){code, message, found, expected, NULL});
}

struct name_vec VECTOR_OF(const char *);

/* The names of members that a schema knows, with those that it applies in place. */
static void collect_names(const struct schema_node *node, struct name_vec *names, size_t depth)
{
    if (!node || depth == NAMES_DEPTH)
        return;
    for (size_t i = 0; i < node->checks.len; i++) {
        const struct schema_check *check = &node->checks.items[i];
        for (size_t j = 0; check->names && j < check->names->len; j++) {
            const struct schema_name *name = &check->names->in_order[j];
            if (check->keyword->in_place)
                collect_names(name->node, names, depth + 1);
            else if (!name->node->forbids && names->len < LIMIT_DIAGNOSTICS)
                vector_push(names, name->name);
        }
        if (!check->keyword->in_place)
            continue;
        collect_names(check->node, names, depth + 1);
        collect_names(check->then_node, names, depth + 1);
        collect_names(check->else_node, names, depth + 1);
        for (size_t j = 0; j < check->nodes.len; j++)
            collect_names(check->nodes.items[j], names, depth + 1);
    }
}

/* Names that stand one object further in: "davit.preDeploy" of "preDeploy". */
struct inner_name {
    const char *outer; /* both borrowed */
    const char *name;
};
struct inner_name_vec VECTOR_OF(struct inner_name);

static void collect_inner_names(const struct schema_node *node, struct inner_name_vec *inner, size_t depth)
{
    if (!node || depth == NAMES_DEPTH)
        return;
    for (size_t i = 0; i < node->checks.len; i++) {
        const struct schema_check *check = &node->checks.items[i];
        for (size_t j = 0; check->names && j < check->names->len; j++) {
            const struct schema_name *outer = &check->names->in_order[j];
            struct name_vec names = {0};
            if (!check->keyword->in_place)
                collect_names(outer->node, &names, depth + 1);
            for (size_t k = 0; k < names.len && inner->len < LIMIT_DIAGNOSTICS; k++)
                vector_push(inner, (struct inner_name){outer->name, names.items[k]});
            vector_deinit(&names);
        }
        if (!check->keyword->in_place)
            continue;
        collect_inner_names(check->node, inner, depth + 1);
        for (size_t j = 0; j < check->nodes.len; j++)
            collect_inner_names(check->nodes.items[j], inner, depth + 1);
    }
}

/* The only one of that name, or NULL: of several nobody knows which is meant. */
static const struct inner_name *only_inner(const struct inner_name_vec *inner, const char *name)
{
    const struct inner_name *only = NULL;
    for (size_t i = 0; name && i < inner->len; i++) {
        if (!text_equal(inner->items[i].name, name))
            continue;
        if (only && !text_equal(only->outer, inner->items[i].outer))
            return NULL;
        only = &inner->items[i];
    }
    return only;
}

#define PREFIX_MIN 3

/* "password" for "passwordFile": too far by edits. NULL: none, or several. */
static const char *only_longer(const struct name_vec *names, const char *key)
{
    const char *only = NULL;
    for (size_t i = 0; strlen(key) >= PREFIX_MIN && i < names->len; i++) {
        if (!text_starts_with(names->items[i], key))
            continue;
        if (only)
            return NULL;
        only = names->items[i];
    }
    return only;
}

/* A member that is written beside the object that it belongs in; else the nearest name of the object itself,
 * else of one in it. NULL: none. Caller frees. */
static char *name_that_is_meant(const struct schema_node *node, const char *key)
{
    struct name_vec names = {0};
    struct name_vec inner_names = {0};
    struct inner_name_vec inner = {0};
    collect_names(node, &names, 0);
    collect_inner_names(node, &inner, 0);
    for (size_t i = 0; i < inner.len; i++)
        vector_push(&inner_names, inner.items[i].name);
    const struct inner_name *beside = only_inner(&inner, key);
    const char *nearest = beside ? NULL : text_nearest(key, names.items, names.len);
    if (!beside && !nearest)
        nearest = only_longer(&names, key);
    if (!beside && !nearest)
        beside = only_inner(&inner, text_nearest(key, inner_names.items, inner_names.len));
    char *meant = beside    ? memory_printf("%s.%s", beside->outer, beside->name)
                  : nearest ? memory_strdup(nearest)
                            : NULL;
    vector_deinit(&names);
    vector_deinit(&inner_names);
    vector_deinit(&inner);
    return meant;
}

bool schema_report_unknown(const struct schema_frame *frame, const struct schema_place *place)
{
    if (!frame->diagnostics)
        return false;
    struct schema_frame at_member = *frame;
    at_member.place = place;
    CLEANUP_FREE char *meant = name_that_is_meant(frame->node, place->key);
    CLEANUP_FREE char *hint = meant ? memory_printf("did you mean \"%s\"?", meant) : NULL;
    CLEANUP_FREE char *message = memory_printf("unknown member \"%.*s\"", LIMIT_NAME_CHARS, place->key);
    return schema_report(
        &at_member, &(struct schema_fault_text){.code = "unknown-member", .message = message, .hint = hint});
}

/* --- anyOf, oneOf --------------------------------------------------------------------------------------- */

/* How near a branch came, worst first. A branch is as good as its worst fault. */
enum nearness {
    OTHER_TYPE,   /* the value is not even of its type */
    OTHER_CHOICE, /* a member says by its fixed value that another branch is meant */
    OTHER_VALUE,  /* the value itself is not among its values */
    NEAR,
};

struct branch {
    struct diagnostics diagnostics;
    struct schema_seen seen;
    enum nearness nearness;
};

static enum nearness nearness_of(const struct diagnostic *diagnostic, size_t pointer_len)
{
    const char *below = diagnostic->pointer + pointer_len;
    bool here = *below == '\0';
    bool member = !here && !strchr(below + 1, '/');
    if (here && text_equal(diagnostic->code, "type"))
        return OTHER_TYPE;
    if (member && text_equal(diagnostic->code, "value"))
        return OTHER_CHOICE;
    return here && text_equal(diagnostic->code, "value") ? OTHER_VALUE : NEAR;
}

static void try_branch(const struct schema_frame *frame, const struct schema_node *node, size_t pointer_len,
                       struct branch *branch)
{
    memset(branch, 0, sizeof *branch);
    branch->nearness = NEAR;
    if (frame->seen)
        schema_seen_init(frame->run, &branch->seen, frame->place->value);
    schema_apply(frame, node, frame->place, frame->seen ? &branch->seen : NULL, &branch->diagnostics);
    for (size_t i = 0; i < branch->diagnostics.list.len; i++) {
        enum nearness nearness = nearness_of(&branch->diagnostics.list.items[i], pointer_len);
        branch->nearness = nearness < branch->nearness ? nearness : branch->nearness;
    }
}

static bool is_better(const struct branch *a, const struct branch *b)
{
    if (a->nearness != b->nearness)
        return a->nearness > b->nearness;
    return a->diagnostics.errors < b->diagnostics.errors;
}

static void branch_deinit(struct branch *branch)
{
    diagnostics_deinit(&branch->diagnostics);
    schema_seen_deinit(&branch->seen);
}

/* The types that a branch would take, for the case that no branch is of the value's. */
static void add_types(const struct branch *branch, struct buffer *expected)
{
    for (size_t i = 0; i < branch->diagnostics.list.len; i++) {
        const struct diagnostic *diagnostic = &branch->diagnostics.list.items[i];
        if (!text_equal(diagnostic->code, "type") || !diagnostic->expected ||
            strstr(buffer_str(expected), diagnostic->expected))
            continue;
        buffer_printf(expected, "%s%s", expected->len ? " or " : "", diagnostic->expected);
    }
}

bool schema_report_branches(const struct schema_frame *frame, const struct schema_check *check)
{
    size_t len = check->nodes.len;
    if (!frame->diagnostics || frame->run->exhausted)
        return false;
    CLEANUP_FREE char *pointer = pointer_of(frame->place);
    struct buffer CLEANUP(buffer_deinit) expected = BUFFER_INIT(LIMIT_ERROR_CHARS);
    struct branch best = {0};
    assert(len > 0);
    for (size_t i = 0; i < len; i++) {
        struct branch branch;
        try_branch(frame, check->nodes.items[i], strlen(pointer), &branch);
        if (branch.nearness == OTHER_TYPE)
            add_types(&branch, &expected);
        if (i > 0) {
            bool better = is_better(&branch, &best);
            branch_deinit(better ? &best : &branch);
            if (!better)
                continue;
        }
        best = branch;
    }
    if (best.nearness == OTHER_TYPE && len > 1)
        schema_report_value(frame, "type", "wrong type", buffer_str(&expected));
    else
        diagnostics_append(frame->diagnostics, &best.diagnostics);
    schema_seen_merge(frame->seen, frame->seen ? &best.seen : NULL);
    branch_deinit(&best);
    return false;
}
