/* Keywords that judge a value by itself. */
#include "base/buffer.h"
#include "base/text.h"
#include "manifest/schema_check.h"

#include <assert.h>
#include <string.h>

/* Steps a value within an array whose elements must differ: it is digested. */
#define UNIQUE_STEPS 32

/* A string where an object stands that needs one member only: it is meant for that. Or NULL; caller frees. */
static char *hint_of_object(const struct schema_frame *frame, const struct schema_check *check)
{
    const char *text = json_string_value(frame->place->value);
    const json_t *required = json_object_get(frame->node->json, "required");
    const char *name = json_string_value(json_array_get(required, 0));
    const json_t *member =
        json_object_get(json_object_get(frame->node->json, "properties"), name ? name : "");
    if (!text || !text_equal(json_string_value(check->value), "object") || json_array_size(required) != 1 ||
        !text_equal(json_string_value(json_object_get(member, "type")), "string"))
        return NULL;
    return memory_printf("did you mean {%s: %.*s}?", name, LIMIT_NAME_CHARS, text);
}

bool schema_check_type(const struct schema_frame *frame, const struct schema_check *check)
{
    if (check->types & schema_type_mask(frame->place->value))
        return true;
    if (!frame->diagnostics)
        return false;
    struct buffer CLEANUP(buffer_deinit) expected = BUFFER_INIT(LIMIT_ERROR_CHARS);
    size_t len = json_is_array(check->value) ? json_array_size(check->value) : 1;
    for (size_t i = 0; i < len; i++) {
        const json_t *type = json_is_array(check->value) ? json_array_get(check->value, i) : check->value;
        const char *name = json_string_value(type);
        const char *article = text_equal(name, "null") ? "" : strchr("aio", *name) ? "an " : "a ";
        buffer_printf(&expected, "%s%s%s", i == 0 ? "" : i + 1 == len ? " or " : ", ", article, name);
    }
    CLEANUP_FREE char *found = schema_describe(frame->place->value);
    CLEANUP_FREE char *hint = hint_of_object(frame, check);
    return schema_report(
        frame, &(struct schema_fault_text){"type", "wrong type", found, buffer_str(&expected), hint});
}

/* Allowed values that a reader can take in at a glance; the list is cut after that. */
#define ENUM_SHOWN 12

static bool report_enum(const struct schema_frame *frame, const json_t *allowed)
{
    struct buffer CLEANUP(buffer_deinit) expected = BUFFER_INIT(LIMIT_ERROR_CHARS);
    CLEANUP_FREE const char **names = memory_calloc(json_array_size(allowed), sizeof *names);
    CLEANUP_FREE char *hint = NULL;
    size_t names_len = 0;
    size_t i;
    json_t *value;
    json_array_foreach ((json_t *)allowed, i, value) {
        CLEANUP_FREE char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (i < ENUM_SHOWN)
            buffer_printf(&expected, "%s%s", i ? ", " : "", text ? text : "a value");
        if (json_is_string(value))
            names[names_len++] = json_string_value(value);
    }
    if (i > ENUM_SHOWN)
        buffer_printf(&expected, " or %zu more", i - ENUM_SHOWN);
    CLEANUP_FREE char *found = schema_describe(frame->place->value);
    CLEANUP_FREE char *one_of = memory_printf("%s%s", i > 1 ? "one of " : "", buffer_str(&expected));
    const char *text = json_string_value(frame->place->value);
    const char *nearest = text ? text_nearest(text, names, names_len) : NULL;
    if (nearest)
        hint = memory_printf("did you mean \"%s\"?", nearest);
    return schema_report(frame,
                         &(struct schema_fault_text){"value", "not an allowed value", found, one_of, hint});
}

bool schema_check_enum(const struct schema_frame *frame, const struct schema_check *check)
{
    size_t i;
    json_t *value;
    json_array_foreach ((json_t *)check->value, i, value) {
        if (schema_value_equal(value, frame->place->value))
            return true;
    }
    return frame->diagnostics ? report_enum(frame, check->value) : false;
}

bool schema_check_const(const struct schema_frame *frame, const struct schema_check *check)
{
    if (schema_value_equal(check->value, frame->place->value))
        return true;
    if (!frame->diagnostics)
        return false;
    CLEANUP_FREE char *expected = schema_describe(check->value);
    return schema_report_value(frame, "value", "not the value that must stand here", expected);
}

/* --- numbers -------------------------------------------------------------------------------------------- */

static bool report_bound(const struct schema_frame *frame, const struct schema_check *check,
                         const char *message, const char *relation)
{
    if (!frame->diagnostics)
        return false;
    CLEANUP_FREE char *bound = json_dumps(check->value, JSON_ENCODE_ANY);
    CLEANUP_FREE char *expected = memory_printf("%s %s", relation, bound);
    return schema_report_value(frame, "range", message, expected);
}

bool schema_check_minimum(const struct schema_frame *frame, const struct schema_check *check)
{
    const json_t *value = frame->place->value;
    return !json_is_number(value) || schema_number_compare(value, check->value) >= 0 ||
           report_bound(frame, check, "too small", "at least");
}

bool schema_check_exclusive_minimum(const struct schema_frame *frame, const struct schema_check *check)
{
    const json_t *value = frame->place->value;
    return !json_is_number(value) || schema_number_compare(value, check->value) > 0 ||
           report_bound(frame, check, "too small", "more than");
}

bool schema_check_maximum(const struct schema_frame *frame, const struct schema_check *check)
{
    const json_t *value = frame->place->value;
    return !json_is_number(value) || schema_number_compare(value, check->value) <= 0 ||
           report_bound(frame, check, "too large", "at most");
}

bool schema_check_exclusive_maximum(const struct schema_frame *frame, const struct schema_check *check)
{
    const json_t *value = frame->place->value;
    return !json_is_number(value) || schema_number_compare(value, check->value) < 0 ||
           report_bound(frame, check, "too large", "less than");
}

bool schema_check_multiple_of(const struct schema_frame *frame, const struct schema_check *check)
{
    const json_t *value = frame->place->value;
    return !json_is_number(value) || schema_number_is_multiple(value, check->value) ||
           report_bound(frame, check, "not a multiple", "a multiple of");
}

/* --- sizes ---------------------------------------------------------------------------------------------- */

/* What is counted, and how too little and too much of it is told. */
struct counted {
    size_t (*count)(const json_t *value);
    json_type type;
    const char *one;
    const char *many;
    const char *too_few;
    const char *too_many;
};

static const struct counted characters = {
    schema_string_characters, JSON_STRING, "character", "characters", "too short", "too long"};
static const struct counted elements = {json_array_size, JSON_ARRAY,         "element",
                                        "elements",      "too few elements", "too many elements"};
static const struct counted members = {json_object_size, JSON_OBJECT,       "member",
                                       "members",        "too few members", "too many members"};

static bool report_size(const struct schema_frame *frame, const struct schema_check *check,
                        const struct counted *counted, bool few)
{
    if (!frame->diagnostics)
        return false;
    size_t count = counted->count(frame->place->value);
    CLEANUP_FREE char *found = memory_printf("%zu %s", count, count == 1 ? counted->one : counted->many);
    CLEANUP_FREE char *expected =
        memory_printf("%s %lld", few ? "at least" : "at most", (long long)check->min);
    return schema_report(frame,
                         &(struct schema_fault_text){"length", few ? counted->too_few : counted->too_many,
                                                     found, expected, NULL});
}

/* Of strings the characters have to be counted. */
static size_t count_of(const struct schema_frame *frame, const struct counted *counted)
{
    const json_t *value = frame->place->value;
    if (json_is_string(value))
        schema_spend(frame->run, json_string_length(value) / 16);
    return counted->count(value);
}

static bool at_least(const struct schema_frame *frame, const struct schema_check *check,
                     const struct counted *counted)
{
    const json_t *value = frame->place->value;
    return json_typeof(value) != counted->type || (int64_t)count_of(frame, counted) >= check->min ||
           report_size(frame, check, counted, true);
}

static bool at_most(const struct schema_frame *frame, const struct schema_check *check,
                    const struct counted *counted)
{
    const json_t *value = frame->place->value;
    return json_typeof(value) != counted->type || (int64_t)count_of(frame, counted) <= check->min ||
           report_size(frame, check, counted, false);
}

bool schema_check_min_length(const struct schema_frame *frame, const struct schema_check *check)
{
    return at_least(frame, check, &characters);
}

bool schema_check_max_length(const struct schema_frame *frame, const struct schema_check *check)
{
    return at_most(frame, check, &characters);
}

bool schema_check_min_items(const struct schema_frame *frame, const struct schema_check *check)
{
    return at_least(frame, check, &elements);
}

bool schema_check_max_items(const struct schema_frame *frame, const struct schema_check *check)
{
    return at_most(frame, check, &elements);
}

bool schema_check_min_properties(const struct schema_frame *frame, const struct schema_check *check)
{
    return at_least(frame, check, &members);
}

bool schema_check_max_properties(const struct schema_frame *frame, const struct schema_check *check)
{
    return at_most(frame, check, &members);
}

/* --- strings, arrays, objects --------------------------------------------------------------------------- */

bool schema_check_pattern(const struct schema_frame *frame, const struct schema_check *check)
{
    const json_t *value = frame->place->value;
    const struct schema_pattern *pattern = &check->patterns.items[0];
    if (!json_is_string(value) ||
        schema_pattern_matches(frame->run, pattern, json_string_value(value), json_string_length(value)))
        return true;
    if (!frame->diagnostics)
        return false;
    CLEANUP_FREE char *expected = memory_printf("a string that matches %s", pattern->source);
    return schema_report_value(frame, "pattern", "the string has not the right form", expected);
}

bool schema_check_format(const struct schema_frame *frame, const struct schema_check *check)
{
    const json_t *value = frame->place->value;
    if (!json_is_string(value))
        return true;
    schema_spend(frame->run, json_string_length(value) / 16);
    return check->format->holds(json_string_value(value), json_string_length(value)) ||
           schema_report_value(frame, "format", "the string has not the right format",
                               check->format->expected);
}

bool schema_check_unique_items(const struct schema_frame *frame, const struct schema_check *check)
{
    size_t first;
    size_t second;
    const json_t *value = frame->place->value;
    (void)check;
    if (!json_is_array(value) || !schema_spend(frame->run, schema_value_size(value) * UNIQUE_STEPS) ||
        !schema_find_equal_elements(value, &first, &second))
        return true;
    if (!frame->diagnostics)
        return false;
    struct schema_place place = {json_array_get(value, second), frame->place, NULL, second};
    struct schema_frame at_second = *frame;
    at_second.place = &place;
    CLEANUP_FREE char *message = memory_printf("the same element as at index %zu", first);
    return schema_report_value(&at_second, "duplicate", message, "elements that differ");
}

bool schema_check_names(const struct schema_frame *frame, const json_t *names, const char *because)
{
    bool good = true;
    size_t i;
    json_t *name;
    json_array_foreach ((json_t *)names, i, name) {
        if (json_object_get(frame->place->value, json_string_value(name)))
            continue;
        good = false;
        if (!frame->diagnostics)
            return false;
        CLEANUP_FREE char *message =
            because ? memory_printf("member \"%s\" is missing, which \"%s\" needs beside it",
                                    json_string_value(name), because)
                    : memory_printf("member \"%s\" is missing", json_string_value(name));
        schema_report(frame, &(struct schema_fault_text){.code = "missing-member", .message = message});
    }
    return good;
}

bool schema_check_required(const struct schema_frame *frame, const struct schema_check *check)
{
    if (!json_is_object(frame->place->value) || (check->counted && !frame->diagnostics))
        return true;
    return schema_check_names(frame, check->value, NULL);
}

bool schema_check_dependent_required(const struct schema_frame *frame, const struct schema_check *check)
{
    bool good = true;
    const char *member;
    json_t *names;
    if (!json_is_object(frame->place->value))
        return true;
    json_object_foreach ((json_t *)check->value, member, names) {
        if (json_object_get(frame->place->value, member))
            good = schema_check_names(frame, names, member) && good;
    }
    return good;
}
