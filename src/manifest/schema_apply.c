/* Keywords that apply schemas: to members and elements, or in place to the same value. */
#include "manifest/schema_check.h"

#include <assert.h>
#include <string.h>

/* After a fault: whether the rest is looked at as well. */
static bool goes_on(const struct schema_frame *frame)
{
    return frame->diagnostics && !frame->run->exhausted;
}

static bool in_place(const struct schema_frame *frame, const struct schema_node *node)
{
    return schema_apply(frame, node, frame->place, frame->seen, frame->diagnostics);
}

/* For validity only, with what it sees kept when it holds. */
static bool try_in_place(const struct schema_frame *frame, const struct schema_node *node)
{
    struct schema_seen CLEANUP(schema_seen_deinit) seen = {0};
    if (frame->seen)
        schema_seen_init(frame->run, &seen, frame->place->value);
    bool good = schema_apply(frame, node, frame->place, frame->seen ? &seen : NULL, NULL);
    if (good)
        schema_seen_merge(frame->seen, frame->seen ? &seen : NULL);
    return good;
}

/* --- members and elements ------------------------------------------------------------------------------- */

/* Applies to one member or element; a plain `false` for a member says that its name is unknown here. */
static bool apply_inside(const struct schema_frame *frame, const struct schema_node *node,
                         const struct schema_place *place)
{
    if (place->key && node->forbids)
        return schema_report_unknown(frame, place);
    return schema_apply(frame, node, place, NULL, frame->diagnostics);
}

static bool check_member(const struct schema_frame *frame, const struct schema_check *check,
                         const struct schema_place *place, size_t *counted)
{
    bool good = true;
    size_t len = strlen(place->key);
    const struct schema_name *named = schema_names_get(check->names, place->key, len);
    bool known = named != NULL;
    if (named) {
        good = apply_inside(frame, named->node, place);
        *counted += named->required;
    }
    for (size_t i = 0; i < check->patterns.len && (good || goes_on(frame)); i++) {
        const struct schema_pattern *pattern = &check->patterns.items[i];
        if (!schema_pattern_matches(frame->run, pattern, place->key, len))
            continue;
        known = true;
        good = apply_inside(frame, pattern->node, place) && good;
    }
    if (!known && check->node)
        good = apply_inside(frame, check->node, place) && good;
    if (known || check->node)
        schema_seen_add(frame->seen, place->index);
    return good;
}

bool schema_check_members(const struct schema_frame *frame, const struct schema_check *check)
{
    bool good = true;
    size_t counted = 0;
    json_t *object = (json_t *)frame->place->value;
    struct schema_place place = {.outer = frame->place};
    if (!json_is_object(object))
        return true;
    schema_spend(frame->run, json_object_size(object));
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        place.key = json_object_iter_key(at);
        place.value = json_object_iter_value(at);
        good = check_member(frame, check, &place, &counted) && good;
        if (!good && !goes_on(frame))
            return false;
        place.index++;
    }
    if (counted < check->counted) /* schema_check_required() has told */
        return false;
    return good;
}

bool schema_check_property_names(const struct schema_frame *frame, const struct schema_check *check)
{
    bool good = true;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)frame->place->value, key, value) {
        json_t *name = json_string(key);
        struct schema_place of_name = {.value = name};
        bool fits = schema_apply(frame, check->node, &of_name, NULL, NULL);
        json_decref(name);
        if (fits)
            continue;
        good = false;
        if (!goes_on(frame))
            return false;
        struct schema_place place = {value, frame->place, key, 0};
        struct schema_frame at_member = *frame;
        at_member.place = &place;
        CLEANUP_FREE char *message = memory_printf("\"%s\" is not allowed as a member's name", key);
        at_member.node = check->node;
        schema_report(&at_member, &(struct schema_fault_text){.code = "member-name", .message = message});
    }
    return good;
}

bool schema_check_items(const struct schema_frame *frame, const struct schema_check *check)
{
    bool good = true;
    const json_t *array = frame->place->value;
    size_t len = json_array_size(array);
    struct schema_place place = {.outer = frame->place};
    for (size_t i = 0; i < len; i++) {
        const struct schema_node *node = i < check->nodes.len ? check->nodes.items[i] : check->node;
        if (!node)
            break;
        place.value = json_array_get(array, i);
        place.index = i;
        good = schema_apply(frame, node, &place, NULL, frame->diagnostics) && good;
        schema_seen_add(frame->seen, i);
        if (!good && !goes_on(frame))
            return false;
    }
    return good;
}

bool schema_check_contains(const struct schema_frame *frame, const struct schema_check *check)
{
    const json_t *array = frame->place->value;
    int64_t count = 0;
    if (!json_is_array(array))
        return true;
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct schema_place place = {json_array_get(array, i), frame->place, NULL, i};
        if (!schema_apply(frame, check->node, &place, NULL, NULL))
            continue;
        count++;
        schema_seen_add(frame->seen, i);
    }
    if (count >= check->min && count <= check->max)
        return true;
    CLEANUP_FREE char *found = memory_printf("%lld that fit", (long long)count);
    CLEANUP_FREE char *expected = count < check->min ? memory_printf("at least %lld", (long long)check->min)
                                                     : memory_printf("at most %lld", (long long)check->max);
    return schema_report(frame, &(struct schema_fault_text){"shape",
                                                            "the wrong number of elements of a certain shape",
                                                            found, expected, NULL});
}

/* --- in place ------------------------------------------------------------------------------------------- */

bool schema_check_ref(const struct schema_frame *frame, const struct schema_check *check)
{
    return in_place(frame, check->node);
}

bool schema_check_dynamic_ref(const struct schema_frame *frame, const struct schema_check *check)
{
    const struct schema_node *target = check->node;
    if (!check->dynamic_anchor)
        return in_place(frame, target);
    /* The outermost resource that has the anchor wins. */
    for (const struct schema_scope *scope = frame->scope; scope; scope = scope->outer) {
        schema_spend(frame->run, 1);
        const struct schema_node *node = map_get(&scope->resource->dynamic_anchors, check->dynamic_anchor);
        target = node ? node : target;
    }
    return in_place(frame, target);
}

bool schema_check_all_of(const struct schema_frame *frame, const struct schema_check *check)
{
    bool good = true;
    for (size_t i = 0; i < check->nodes.len; i++) {
        good = in_place(frame, check->nodes.items[i]) && good;
        if (!good && !goes_on(frame))
            return false;
    }
    return good;
}

bool schema_check_any_of(const struct schema_frame *frame, const struct schema_check *check)
{
    bool good = false;
    for (size_t i = 0; i < check->nodes.len; i++) {
        good = try_in_place(frame, check->nodes.items[i]) || good;
        if (good && !frame->seen) /* else the other branches may see more */
            return true;
    }
    return good || schema_report_branches(frame, check);
}

bool schema_check_one_of(const struct schema_frame *frame, const struct schema_check *check)
{
    size_t first = check->nodes.len;
    for (size_t i = 0; i < check->nodes.len; i++) {
        if (!try_in_place(frame, check->nodes.items[i]))
            continue;
        if (first == check->nodes.len) {
            first = i;
            continue;
        }
        CLEANUP_FREE char *message = memory_printf(
            "fits more than one of the shapes of which one must be chosen, the shapes %zu and %zu", first + 1,
            i + 1);
        return schema_report(frame, &(struct schema_fault_text){.code = "shape", .message = message});
    }
    return first < check->nodes.len || schema_report_branches(frame, check);
}

bool schema_check_not(const struct schema_frame *frame, const struct schema_check *check)
{
    if (!schema_apply(frame, check->node, frame->place, NULL, NULL))
        return !frame->run->exhausted;
    return schema_report(frame,
                         &(struct schema_fault_text){.code = "shape", .message = "this is not allowed here"});
}

bool schema_check_if(const struct schema_frame *frame, const struct schema_check *check)
{
    const struct schema_node *next = try_in_place(frame, check->node) ? check->then_node : check->else_node;
    return !next || in_place(frame, next);
}

bool schema_check_dependent_schemas(const struct schema_frame *frame, const struct schema_check *check)
{
    bool good = true;
    for (size_t i = 0; check->names && i < check->names->len; i++) {
        if (!json_object_get(frame->place->value, check->names->in_order[i].name))
            continue;
        good = in_place(frame, check->names->in_order[i].node) && good;
        if (!good && !goes_on(frame))
            return false;
    }
    return good;
}

bool schema_check_dependencies(const struct schema_frame *frame, const struct schema_check *check)
{
    bool good = schema_check_dependent_schemas(frame, check);
    const char *member;
    json_t *names;
    if (!json_is_object(frame->place->value))
        return true;
    json_object_foreach ((json_t *)check->value, member, names) {
        if (!good && !goes_on(frame))
            return false;
        if (json_is_array(names) && json_object_get(frame->place->value, member))
            good = schema_check_names(frame, names, member) && good;
    }
    return good;
}

/* --- what nobody looked at ------------------------------------------------------------------------------ */

bool schema_check_unevaluated_items(const struct schema_frame *frame, const struct schema_check *check)
{
    bool good = true;
    const json_t *array = frame->place->value;
    schema_spend(frame->run, json_array_size(array));
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (schema_seen_has(frame->seen, i))
            continue;
        struct schema_place place = {json_array_get(array, i), frame->place, NULL, i};
        good = schema_apply(frame, check->node, &place, NULL, frame->diagnostics) && good;
        schema_seen_add(frame->seen, i);
        if (!good && !goes_on(frame))
            return false;
    }
    return good;
}

bool schema_check_unevaluated_properties(const struct schema_frame *frame, const struct schema_check *check)
{
    bool good = true;
    size_t i = 0;
    struct schema_place place = {.outer = frame->place};
    json_t *value;
    schema_spend(frame->run, json_object_size(frame->place->value));
    json_object_foreach ((json_t *)frame->place->value, place.key, value) {
        place.value = value;
        place.index = i++;
        if (schema_seen_has(frame->seen, place.index))
            continue;
        good = apply_inside(frame, check->node, &place) && good;
        schema_seen_add(frame->seen, place.index);
        if (!good && !goes_on(frame))
            return false;
    }
    return good;
}
