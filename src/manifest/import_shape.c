#include "manifest/import_shape.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/json.h"

#include <string.h>
#include <strings.h>

struct shape {
    struct import_run *run;
    const json_t *root; /* of the schema */
};

/* CloudFormation's names that differ in more than the case of their letters. */
static const struct {
    const char *theirs;
    const char *ours;
} renamed[] = {
    {"PlacementStrategies", "placementStrategy"},
    {"ProxyConfigurationProperties", "properties"},
    {"ClusterSettings", "settings"},
    {"TargetGroupAttributes", "Attributes"},
};

char *import_plain_name(const char *text)
{
    struct buffer plain = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    for (; *text; text++)
        if (!strchr("${}", *text))
            buffer_append(&plain, text, 1);
    char *name = import_name(buffer_str(&plain));
    buffer_deinit(&plain);
    return name;
}

enum kind import_kind(const char *name)
{
    int kind = 0;
    while (kind < KIND_COUNT && !text_equal(kind_names[kind], name))
        kind++;
    return (enum kind)kind;
}

/* Follows "#/$defs/Name". Borrowed. */
static const json_t *followed(const struct shape *shape, const json_t *schema)
{
    const char *reference = model_string(schema, "$ref");
    static const char local[] = "#/$defs/";
    if (!reference || !text_starts_with(reference, local))
        return schema;
    return json_object_get(json_object_get(shape->root, "$defs"), reference + strlen(local));
}

static bool allows(const json_t *schema, const char *type)
{
    const json_t *types = json_object_get(schema, "type");
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)types, i, item)
        if (text_equal(json_string_value(item), type))
            return true;
    return text_equal(json_string_value(types), type);
}

static bool is_placeholder(const json_t *value)
{
    return json_is_string(value) && strstr(json_string_value(value), "${");
}

static json_t *shaped(const struct shape *shape, const json_t *schema, const json_t *value,
                      const char *pointer);

/* --- scalars -------------------------------------------------------------------------------------------- */

static json_t *misfit(const struct shape *shape, const json_t *value, const char *pointer,
                      const char *expected)
{
    if (is_placeholder(value))
        import_note(shape->run, IMPORT_UNRESOLVED, pointer, "%.100s has no value, and a placeholder is no %s",
                    json_string_value(value), expected);
    else
        import_note(shape->run, IMPORT_DROPPED, pointer, "%s is expected here", expected);
    return NULL;
}

/* The spelling of the enum, NULL after a note. */
static json_t *one_of(const struct shape *shape, const json_t *choices, const char *text, const char *pointer)
{
    size_t i;
    json_t *choice;
    json_array_foreach ((json_t *)choices, i, choice)
        if (json_is_string(choice) && strcasecmp(json_string_value(choice), text) == 0)
            return json_incref(choice);
    if (strstr(text, "${"))
        import_note(shape->run, IMPORT_UNRESOLVED, pointer, "%.100s has no value", text);
    else
        import_note(shape->run, IMPORT_DROPPED, pointer, "\"%.60s\" is none of the values that ECS has",
                    text);
    return NULL;
}

static json_t *string_value(const struct shape *shape, const json_t *schema, const json_t *value,
                            const char *pointer)
{
    char *text CLEANUP_FREE = import_text(value);
    const json_t *choices = json_object_get(schema, "enum");
    const char *pattern = model_string(schema, "pattern");
    if (!text)
        return misfit(shape, value, pointer, "a string");
    if (choices)
        return one_of(shape, choices, text, pointer);
    if (allows(schema, "integer") && strstr(text, "${"))
        return misfit(shape, value, pointer, "a number");
    bool a_name = (pattern && strstr(pattern, "A-Za-z0-9_-]")) || text_ends_with(pointer, "ontainerName") ||
                  text_ends_with(pointer, "ourceVolume") || text_ends_with(pointer, "ourceContainer");
    if (!a_name || !strstr(text, "${"))
        return json_string(text);
    char *name CLEANUP_FREE = import_plain_name(text);
    return json_string(name);
}

static json_t *scalar(const struct shape *shape, const json_t *schema, const json_t *value,
                      const char *pointer)
{
    int64_t number;
    double real;
    bool flag;
    if (allows(schema, "integer") && import_integer(value, &number))
        return allows(schema, "string") && json_is_string(value) ? json_incref((json_t *)(uintptr_t)value)
                                                                 : json_integer(number);
    if (allows(schema, "boolean"))
        return import_boolean(value, &flag) ? json_boolean(flag)
                                            : misfit(shape, value, pointer, "true or false");
    if (allows(schema, "number"))
        return import_number(value, &real) ? json_real(real) : misfit(shape, value, pointer, "a number");
    if (allows(schema, "string") || json_object_get(schema, "enum"))
        return string_value(shape, schema, value, pointer);
    if (allows(schema, "integer"))
        return misfit(shape, value, pointer, "a whole number");
    return json_deep_copy(value);
}

/* --- containers ----------------------------------------------------------------------------------------- */

/* The property that the member is meant for, or NULL. Borrowed. */
static const char *property_for(const json_t *properties, const char *key)
{
    const char *name;
    json_t *schema;
    for (size_t i = 0; i < ARRAY_LEN(renamed); i++)
        if (strcasecmp(renamed[i].theirs, key) == 0 && json_object_get(properties, renamed[i].ours))
            return renamed[i].ours;
    json_object_foreach ((json_t *)(uintptr_t)properties, name, schema)
        if (strcasecmp(name, key) == 0)
            return name;
    return NULL;
}

/* Where a member is to be set. */
struct member_place {
    const struct shape *shape;
    const json_t *schema;
    json_t *object;
    const char *pointer;
};

static bool is_required(const json_t *schema, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(schema, "required"), i, item)
        if (text_equal(json_string_value(item), name))
            return true;
    return false;
}

static bool has_required(const json_t *schema, const json_t *object)
{
    size_t i;
    json_t *name;
    json_array_foreach (json_object_get(schema, "required"), i, name)
        if (!json_object_get(object, json_string_value(name)))
            return false;
    return true;
}

/* Takes the value over; an empty one says something only where one has to be. */
static void set_member(const struct member_place *place, const char *name, json_t *value)
{
    const json_t *inner =
        followed(place->shape, json_object_get(json_object_get(place->schema, "properties"), name));
    if (json_is_object(value) && !has_required(inner, value)) {
        import_note(place->shape->run, IMPORT_DROPPED, place->pointer,
                    "what it cannot be without has no value");
        json_decref(value);
    } else if (value && is_required(place->schema, name)) {
        json_object_set_new(place->object, name, value);
    } else {
        import_set(place->object, name, value);
    }
}

static json_t *members(const struct shape *shape, const json_t *schema, const json_t *value,
                       const char *pointer)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *others = json_object_get(schema, "additionalProperties");
    json_t *object = json_object();
    const char *key;
    json_t *member;
    json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
        char *at CLEANUP_FREE = import_pointer(pointer, key);
        const char *name = property_for(properties, key);
        if (json_is_null(member))
            continue;
        if (name)
            set_member(&(struct member_place){shape, schema, object, at}, name,
                       shaped(shape, json_object_get(properties, name), member, at));
        else if (json_is_object(others) || !json_object_size(properties))
            import_set(object, key, shaped(shape, others, member, at));
        else
            import_note(shape->run, IMPORT_DROPPED, at, "ECS has no such member here");
    }
    return object;
}

/* A port mapping needs one of two members, which "required" does not say. */
static bool lacks_port(const json_t *schema, const json_t *element)
{
    return json_object_get(json_object_get(schema, "properties"), "containerPortRange") &&
           !json_object_get(element, "containerPort") && !json_object_get(element, "containerPortRange");
}

static json_t *elements(const struct shape *shape, const json_t *schema, const json_t *value,
                        const char *pointer)
{
    const json_t *items = followed(shape, json_object_get(schema, "items"));
    json_t *list = json_array();
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)value, i, item) {
        char *at CLEANUP_FREE = import_pointer_index(pointer, i);
        json_t *element = json_is_null(item) ? NULL : shaped(shape, items, item, at);
        if (json_is_object(element) && (!has_required(items, element) || lacks_port(items, element))) {
            import_note(shape->run, IMPORT_DROPPED, at, "what it cannot be without has no value");
            json_decref(element);
            element = NULL;
        }
        if (element)
            json_array_append_new(list, element);
    }
    return list;
}

/* The depth is bounded by the document's, and by the schema's for functions. */
static json_t *shaped(const struct shape *shape, const json_t *schema, const json_t *value,
                      const char *pointer)
{
    schema = followed(shape, schema);
    if (json_is_array(value) && allows(schema, "array"))
        return elements(shape, schema, value, pointer);
    if (json_is_object(value) && allows(schema, "object"))
        return members(shape, schema, value, pointer);
    if (allows(schema, "array") && !json_is_object(value)) { /* CloudFormation takes one for a list of one */
        json_t *one = json_pack("[O]", value);
        json_t *list = elements(shape, schema, one, pointer);
        json_decref(one);
        return list;
    }
    if (allows(schema, "array") || allows(schema, "object"))
        return misfit(shape, value, pointer, allows(schema, "array") ? "a list" : "an object");
    if (json_is_array(value) || json_is_object(value))
        return schema && json_object_get(schema, "type") ? misfit(shape, value, pointer, "a single value")
                                                         : json_deep_copy(value);
    return scalar(shape, schema, value, pointer);
}

json_t *import_shape(struct import_run *run, enum kind kind, const json_t *value, const char *pointer)
{
    json_t *schema = json_loads(kind_schemas[kind], 0, NULL);
    struct shape shape = {run, schema};
    json_t *object = members(&shape, schema, value, pointer);
    json_decref(schema);
    return object;
}
