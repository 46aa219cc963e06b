#include "manifest/environment.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/document_pointer.h"

#include <assert.h>
#include <string.h>

void environment_trace_deinit(struct environment_trace *trace)
{
    assert(trace);
    for (size_t i = 0; i < trace->len; i++) {
        free(trace->items[i].pointer);
        free(trace->items[i].from);
    }
    vector_deinit(trace);
}

/* What follows `pointer` in `inner` when that one is the same or below it; NULL otherwise. */
static const char *below(const char *pointer, const char *inner)
{
    size_t len = strlen(pointer);
    return strncmp(pointer, inner, len) == 0 && (inner[len] == '/' || !inner[len]) ? inner + len : NULL;
}

/* A patch that is being applied to one object. */
struct merging {
    const struct environment_patch *patch;
    struct environment_use *use;
    struct environment_trace *trace;
    struct buffer pointer; /* in the object's document */
    struct buffer from;    /* in the patch's */
};

/* What was known of the place before counts no more. */
static void forget_typed(struct environment_use *use, const char *pointer)
{
    size_t kept = 0;
    for (size_t i = 0; i < use->typed.len; i++) {
        if (below(pointer, use->typed.items[i]))
            free(use->typed.items[i]);
        else
            use->typed.items[kept++] = use->typed.items[i];
    }
    use->typed.len = kept;
}

static void put_step(struct merging *merging)
{
    const struct environment_layer *layer = merging->patch->layer;
    const char *pointer = buffer_str(&merging->pointer);
    const char *from = buffer_str(&merging->from);
    vector_push(merging->trace,
                (struct environment_step){memory_strdup(pointer), layer, memory_strdup(from)});
    forget_typed(merging->use, pointer);
    for (size_t i = 0; i < layer->typed.len; i++) {
        const char *rest = below(from, layer->typed.items[i]);
        if (rest)
            vector_push(&merging->use->typed, memory_printf("%s%s", pointer, rest));
    }
}

/* An object that comes new has no member that is null (RFC 7386). The parser bounds the depth. */
static json_t *without_nulls(const json_t *value)
{
    if (!json_is_object(value))
        return json_deep_copy(value);
    json_t *copy = json_object();
    const char *key;
    json_t *item;
    json_object_foreach ((json_t *)(uintptr_t)value, key, item)
        if (!json_is_null(item))
            json_object_set_new(copy, key, without_nulls(item));
    return copy;
}

static void cut(struct buffer *pointer, size_t len)
{
    pointer->len = len;
    pointer->data[len] = '\0';
}

static void merge(struct merging *merging, json_t *target, const json_t *patch);

static void merge_member(struct merging *merging, json_t *target, const char *key, const json_t *value)
{
    json_t *old = json_object_get(target, key);
    if (json_is_object(value) && json_is_object(old)) {
        merge(merging, old, value);
        return;
    }
    put_step(merging);
    if (json_is_null(value))
        json_object_del(target, key);
    else
        json_object_set_new(target, key, without_nulls(value));
}

static void merge(struct merging *merging, json_t *target, const json_t *patch)
{
    size_t pointer_len = merging->pointer.len;
    size_t from_len = merging->from.len;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)patch, key, value) {
        document_pointer_append_key(&merging->pointer, key);
        document_pointer_append_key(&merging->from, key);
        merge_member(merging, target, key, value);
        cut(&merging->pointer, pointer_len);
        cut(&merging->from, from_len);
    }
}

/* False when the patch removes the object. */
static bool apply(const struct environment_patch *patch, const struct environment_object *object,
                  struct environment_use *use, struct environment_trace *trace)
{
    if (json_is_null(patch->merge))
        return false;
    struct merging merging = {patch, use, trace, BUFFER_INIT(2 * LIMIT_MANIFEST_BYTES),
                              BUFFER_INIT(2 * LIMIT_MANIFEST_BYTES)};
    buffer_append_str(&merging.pointer, object->base);
    buffer_printf(&merging.from, "/patches/%zu/merge", patch->index);
    merge(&merging, object->value, patch->merge);
    buffer_deinit(&merging.pointer);
    buffer_deinit(&merging.from);
    return true;
}

static const struct environment_target *target_of(const struct environment *environment, const char *name)
{
    return name ? map_get(&environment->targets, name) : NULL;
}

/* The patches of two names, in the order of all. */
struct walk {
    const struct environment_target *targets[2];
    size_t next[2];
};

static const struct environment_patch *next_patch(const struct environment *environment, struct walk *walk)
{
    size_t best = environment->patches.len;
    size_t from = 0;
    for (size_t i = 0; i < ARRAY_LEN(walk->targets); i++) {
        const struct environment_target *target = walk->targets[i];
        if (!target || walk->next[i] == target->patches.len || target->patches.items[walk->next[i]] >= best)
            continue;
        best = target->patches.items[walk->next[i]];
        from = i;
    }
    if (best == environment->patches.len)
        return NULL;
    walk->next[from]++;
    return &environment->patches.items[best];
}

int environment_patch(const struct environment *environment, const struct environment_object *object,
                      struct environment_use *use, struct environment_trace *trace)
{
    assert(environment);
    assert(object && object->declared && object->base);
    if (environment->targets.len == 0)
        return 1;
    char *bare CLEANUP_FREE = environment_bare_name(object->declared);
    struct walk walk = {.targets = {target_of(environment, object->declared), target_of(environment, bare)}};
    int kept = 1;
    const struct environment_patch *patch;
    while ((patch = next_patch(environment, &walk))) {
        use->bytes += patch->bytes;
        if (use->bytes > use->max_bytes)
            return ERROR_LIMIT;
        if (kept && !apply(patch, object, use, trace))
            kept = 0;
    }
    return kept;
}

const struct environment_step *environment_trace_find(const struct environment_trace *trace,
                                                      const char *pointer, char **ret_pointer)
{
    assert(trace);
    assert(pointer);
    for (size_t i = trace->len; i > 0; i--) {
        const struct environment_step *step = &trace->items[i - 1];
        const char *rest = below(step->pointer, pointer);
        if (!rest)
            continue;
        *ret_pointer = memory_printf("%s%s", step->from, rest);
        return step;
    }
    return NULL;
}

/* Of a member that is missing because a patch removed it. */
static const struct environment_step *find_removal(const struct environment_trace *trace,
                                                   const struct diagnostic *diagnostic, char **ret_pointer)
{
    for (size_t i = trace->len; i > 0 && text_equal(diagnostic->code, "missing-member"); i--) {
        const struct environment_step *step = &trace->items[i - 1];
        const char *rest = below(diagnostic->pointer, step->pointer);
        char *member CLEANUP_FREE = rest ? document_pointer_next(&rest) : NULL;
        char *quoted CLEANUP_FREE = memory_printf("\"%s\"", member ? member : "");
        if (!member || *rest || !strstr(diagnostic->message, quoted))
            continue;
        *ret_pointer = memory_strdup(step->from);
        return step;
    }
    return NULL;
}

void environment_trace_place(const struct environment_trace *trace, struct diagnostics *diagnostics)
{
    assert(trace);
    assert(diagnostics);
    for (size_t i = 0; i < diagnostics->list.len && trace->len; i++) {
        struct diagnostic *diagnostic = &diagnostics->list.items[i];
        char *pointer = NULL;
        if (diagnostic->file && diagnostic->file[0])
            continue;
        const struct environment_step *step = find_removal(trace, diagnostic, &pointer);
        if (!step)
            step = environment_trace_find(trace, diagnostic->pointer, &pointer);
        if (!step)
            continue;
        enum document_part part =
            text_equal(diagnostic->code, "unknown-member") ? DOCUMENT_KEY : DOCUMENT_VALUE;
        free(diagnostic->file);
        free(diagnostic->pointer);
        diagnostic->file = memory_strdup(step->layer->file);
        diagnostic->at = document_position(&step->layer->document, pointer, part);
        diagnostic->pointer = pointer;
    }
}
