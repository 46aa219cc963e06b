/* Applies schemas to values. */
#include "manifest/schema_check.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <string.h>

void schema_seen_init(struct schema_run *run, struct schema_seen *seen, const json_t *value)
{
    assert(seen);
    seen->len = json_is_object(value) ? json_object_size(value) : json_array_size(value);
    schema_spend(run, seen->len / 16);
    seen->bits = seen->len ? memory_calloc((seen->len + 63) / 64, sizeof *seen->bits) : NULL;
}

void schema_seen_deinit(struct schema_seen *seen)
{
    free(seen->bits);
    seen->bits = NULL;
    seen->len = 0;
}

void schema_seen_add(struct schema_seen *seen, size_t index)
{
    if (!seen)
        return;
    assert(index < seen->len);
    seen->bits[index / 64] |= UINT64_C(1) << (index % 64);
}

bool schema_seen_has(const struct schema_seen *seen, size_t index)
{
    return seen && index < seen->len && (seen->bits[index / 64] >> (index % 64) & 1);
}

void schema_seen_merge(struct schema_seen *seen, const struct schema_seen *more)
{
    if (!seen || !more)
        return;
    assert(seen->len == more->len);
    for (size_t i = 0; i < (seen->len + 63) / 64; i++)
        seen->bits[i] |= more->bits[i];
}

static bool apply_checks(const struct schema_frame *frame)
{
    bool good = true;
    for (size_t i = 0; i < frame->node->checks.len; i++) {
        const struct schema_check *check = &frame->node->checks.items[i];
        if (!check->holds(frame, check))
            good = false;
        if (frame->run->exhausted || (!good && !frame->diagnostics))
            return false;
    }
    return good;
}

/* A schema with an unevaluated keyword sees what it did itself, and only then lets its asker see it. */
static bool apply_tracking(const struct schema_frame *frame)
{
    struct schema_seen CLEANUP(schema_seen_deinit) seen = {0};
    struct schema_frame inner = *frame;
    schema_seen_init(frame->run, &seen, frame->place->value);
    inner.seen = &seen;
    bool good = apply_checks(&inner);
    schema_seen_merge(frame->seen, &seen);
    return good;
}

bool schema_apply(const struct schema_frame *from, const struct schema_node *node,
                  const struct schema_place *place, struct schema_seen *seen, struct diagnostics *diagnostics)
{
    struct schema_run *run = from->run;
    if (node->plain_types & schema_type_mask(place->value))
        return schema_spend(run, 1);
    struct schema_scope scope = {node->resource, from->scope};
    bool entered = !from->scope || from->scope->resource != node->resource;
    struct schema_frame frame = {run, node, place, entered ? &scope : from->scope, seen, diagnostics};
    if (run->depth == LIMIT_SCHEMA_DEPTH)
        run->exhausted = "schemas apply schemas too deeply (LIMIT_SCHEMA_DEPTH)";
    if (!schema_spend(run, 1 + node->cost) || run->exhausted)
        return false;
    if (node->forbids)
        return schema_report(
            &frame, &(struct schema_fault_text){.code = "shape", .message = "nothing is allowed here"});
    run->depth++;
    bool good = node->tracks ? apply_tracking(&frame) : apply_checks(&frame);
    run->depth--;
    return good;
}

static bool run_once(struct schema_run *run, const struct schema *schema, const json_t *value,
                     struct diagnostics *diagnostics)
{
    struct schema_place place = {.value = value};
    struct schema_frame frame = {.run = run, .place = &place, .diagnostics = diagnostics};
    return schema_apply(&frame, schema->root, &place, NULL, diagnostics);
}

/* First for validity alone, which costs least and is the common case; then once more for the faults. */
static int validate(struct schema_run *run, const struct schema *schema, const json_t *value,
                    struct diagnostics *diagnostics)
{
    if (run_once(run, schema, value, NULL) && !run->exhausted)
        return 0;
    if (!diagnostics)
        return run->exhausted ? ERROR_LIMIT : ERROR_INVALID;
    if (!run->exhausted) {
        run->steps = 0;
        run_once(run, schema, value, diagnostics);
    }
    if (!run->exhausted)
        return ERROR_INVALID;
    diagnostics_error(diagnostics, "", (struct position){0}, "limit", "%s", run->exhausted);
    return ERROR_LIMIT;
}

int schema_validate(const struct schema *schema, const json_t *value, struct diagnostics *diagnostics)
{
    assert(schema);
    assert(value);
    struct schema_run run = {0};
    int rc = validate(&run, schema, value, diagnostics);
    if (run.match_data)
        pcre2_match_data_free(run.match_data);
    if (run.match_context)
        pcre2_match_context_free(run.match_context);
    return rc;
}
