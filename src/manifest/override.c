#include "manifest/override.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "manifest/kind_read.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum override_form { FORM_TEXT, FORM_AMOUNT, FORM_COMMAND, FORM_ENVIRONMENT, FORM_REFUSED };

struct override_member {
    const char *name;
    enum override_form form;
};

static const struct override_member of_task[] = {
    {"cpu", FORM_TEXT},
    {"memory", FORM_TEXT},
    {"executionRoleArn", FORM_TEXT},
    {"taskRoleArn", FORM_TEXT},
    {"ephemeralStorage", FORM_REFUSED},
    {"inferenceAcceleratorOverrides", FORM_REFUSED},
    {NULL, FORM_REFUSED},
};

static const struct override_member of_container[] = {
    {"command", FORM_COMMAND},
    {"environment", FORM_ENVIRONMENT},
    {"cpu", FORM_AMOUNT},
    {"memory", FORM_AMOUNT},
    {"memoryReservation", FORM_AMOUNT},
    {"environmentFiles", FORM_REFUSED},
    {"resourceRequirements", FORM_REFUSED},
    {NULL, FORM_REFUSED},
};

static bool is_list_of_texts(const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach (value, i, item)
        if (!json_is_string(item))
            return false;
    return json_is_array(value);
}

static bool is_environment(const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach (value, i, item)
        if (!model_string(item, "name") || !model_string(item, "value"))
            return false;
    return json_is_array(value);
}

static const char *expected(const json_t *value, enum override_form form)
{
    switch (form) {
    case FORM_TEXT:
        return json_is_string(value) ? NULL : "expected a text";
    case FORM_AMOUNT:
        if (!json_is_integer(value))
            return "expected a number";
        return json_integer_value(value) >= 0 && json_integer_value(value) <= INT32_MAX
                   ? NULL
                   : "expected a number from 0 on";
    case FORM_COMMAND:
        return is_list_of_texts(value) ? NULL : "expected a list of texts";
    case FORM_ENVIRONMENT:
        return is_environment(value) ? NULL : "expected a list of {\"name\": \"...\", \"value\": \"...\"}";
    case FORM_REFUSED:
        break;
    }
    return NULL;
}

static const struct override_member *find(const struct override_member *members, const char *name)
{
    while (members->name && !text_equal(members->name, name))
        members++;
    return members->name ? members : NULL;
}

/* Of a variable that is given several times the last counts. */
static void add_variables(json_t *container, const json_t *added)
{
    size_t i;
    size_t k;
    json_t *item;
    json_t *own;
    json_t *list = json_array();
    json_array_foreach (json_object_get(container, "environment"), i, own)
        json_array_append(list, own);
    json_array_foreach (added, i, item) {
        for (k = json_array_size(list); k-- > 0;)
            if (text_equal(model_string(json_array_get(list, k), "name"), model_string(item, "name")))
                json_array_remove(list, k);
        json_array_append(list, item);
    }
    json_object_set_new(container, "environment", list);
}

#define MEMBERS_MOST 16

/* `other` is the member that is read elsewhere. Caller frees. */
static char *nearest(const struct override_member *members, const char *other, const char *name)
{
    const char *names[MEMBERS_MOST] = {other};
    size_t len = 1;
    for (; members->name && len < MEMBERS_MOST; members++)
        names[len++] = members->name;
    return memory_strdup(text_nearest(name, names, len));
}

static int check_members(const json_t *from, const struct override_member *members, const char *other,
                         char **ret_near, struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)from, name, value) {
        if (text_equal(name, other) || json_is_null(value))
            continue;
        const struct override_member *member = find(members, name);
        const char *fault = member ? expected(value, member->form) : "overrides have no such member";
        if (!member)
            *ret_near = nearest(members, other, name);
        if (fault)
            return error_set(err, ERROR_INVALID, "%.100s: %s", name, fault);
        if (member->form == FORM_REFUSED && json_array_size(value) + json_object_size(value) > 0)
            return error_set(err, ERROR_UNSUPPORTED,
                             "%s: davit does not override it; change the task definition in the repository",
                             name);
    }
    return 0;
}

/* Puts the members of `from` into `into`. */
static void apply(json_t *into, const json_t *from, const struct override_member *members)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)from, name, value) {
        const struct override_member *member = find(members, name);
        if (!member || json_is_null(value))
            continue;
        if (member->form == FORM_ENVIRONMENT)
            add_variables(into, value);
        else if (member->form != FORM_REFUSED)
            json_object_set(into, name, value);
    }
}

static json_t *container_named(const json_t *definition, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(definition, "containerDefinitions"), i, item)
        if (text_equal(model_string(item, "name"), name))
            return item;
    return NULL;
}

static int check_containers(const json_t *list, char **ret_near, struct error *err)
{
    size_t i;
    json_t *item;
    if (list && !json_is_array(list) && !json_is_null(list))
        return error_set(err, ERROR_INVALID, "containerOverrides: expected a list");
    json_array_foreach (list, i, item) {
        int r = model_string(item, "name") ? check_members(item, of_container, "name", ret_near, err)
                                           : error_set(err, ERROR_INVALID, "name is missing");
        if (r < 0)
            return error_wrap(err, r, "containerOverrides[%zu]", i);
    }
    return 0;
}

static int no_container(const json_t *definition, const char *name, struct error *err)
{
    struct buffer names CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_ERROR_CHARS);
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(definition, "containerDefinitions"), i, item)
        buffer_printf(&names, "%s%s", i ? ", " : "", model_string(item, "name"));
    return error_set(
        err, ERROR_INVALID,
        "Override for container named %.255s is not a container in the TaskDefinition. There are: "
        "%s",
        name, buffer_str(&names));
}

static int apply_containers(json_t *definition, const json_t *list, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        const char *name = model_string(item, "name");
        json_t *container = container_named(definition, name);
        if (!container)
            return no_container(definition, name, err);
        apply(container, item, of_container);
    }
    return 0;
}

static int check_size(const json_t *overrides, struct error *err)
{
    char *text CLEANUP_FREE = json_dumps(overrides, JSON_COMPACT);
    if (!json_is_object(overrides) || !text)
        return error_set(err, ERROR_INVALID, "overrides: expected an object");
    if (strlen(text) > LIMIT_OVERRIDES_CHARS)
        return error_set(err, ERROR_LIMIT, "overrides have %zu characters of JSON, at most %d", strlen(text),
                         LIMIT_OVERRIDES_CHARS);
    return 0;
}

int manifest_override_check(const json_t *overrides, char **ret_near, struct error *err)
{
    assert(ret_near);
    *ret_near = NULL;
    int r = check_size(overrides, err);
    if (r == 0)
        r = check_members(overrides, of_task, "containerOverrides", ret_near, err);
    return r < 0 ? r : check_containers(json_object_get(overrides, "containerOverrides"), ret_near, err);
}

/* As it is told of a manifest, without a place in a file. Caller frees. */
static char *first_error(const struct diagnostics *diagnostics)
{
    static const char severity[] = "error: ";
    size_t i = 0;
    while (i < diagnostics->list.len && diagnostics->list.items[i].severity != SEVERITY_ERROR)
        i++;
    char *text CLEANUP_FREE =
        i < diagnostics->list.len ? diagnostic_to_text(&diagnostics->list.items[i]) : NULL;
    return text && text_starts_with(text, severity) ? memory_strdup(text + strlen(severity))
                                                    : memory_strdup("it has more than can be told");
}

/* By the schema and, where the definition itself keeps them, by the rules beyond it. An old revision may be
 * of a time before there was a rule. */
static int check_result(const struct schema *schema, const json_t *definition, const json_t *result,
                        const char *name, struct error *err)
{
    struct diagnostics before CLEANUP(diagnostics_deinit) = {0};
    struct diagnostics after CLEANUP(diagnostics_deinit) = {0};
    kind_task_definition_check(definition, &before);
    if (schema_validate(schema, result, &after) == 0 && before.errors == 0)
        kind_task_definition_check(result, &after);
    if (after.errors == 0)
        return 0;
    char *why CLEANUP_FREE = first_error(&after);
    return error_set(err, ERROR_INVALID, "with these overrides %s is no valid task definition: %s", name,
                     why);
}

int manifest_override_fits(const struct schema *schema, const json_t *definition, const json_t *overrides,
                           struct error *err)
{
    assert(schema);
    assert(definition);
    char *near CLEANUP_FREE = NULL;
    const json_t *list = json_object_get(overrides, "containerOverrides");
    if (manifest_override_check(overrides, &near, NULL) < 0 || schema_validate(schema, definition, NULL) < 0)
        return 0;
    json_t *copy CLEANUP(json_decrefp) = json_deep_copy(definition);
    apply(copy, overrides, of_task);
    if (apply_containers(copy, list, NULL) < 0)
        return 0;
    return check_result(schema, definition, copy, model_string(definition, "family"), err);
}

int manifest_override(const struct task_definition *definition, const json_t *overrides,
                      struct task_definition **ret_definition, struct error *err)
{
    assert(definition);
    assert(ret_definition);
    char *near CLEANUP_FREE = NULL;
    struct error why = ERROR_INIT;
    int r = manifest_override_check(overrides, &near, &why);
    if (r < 0)
        return error_set(err, r, "%s%s%s%s", error_text(&why), near ? "; did you mean \"" : "",
                         near ? near : "", near ? "\"?" : "");
    json_t *copy = json_deep_copy(definition->json);
    apply(copy, overrides, of_task);
    r = apply_containers(copy, json_object_get(overrides, "containerOverrides"), err);
    struct schema *schema CLEANUP(schema_freep) = kind_schema_new(KIND_TASK_DEFINITION);
    char *name CLEANUP_FREE = memory_printf("%s:%d", definition->family, definition->revision);
    if (r == 0)
        r = check_result(schema, definition->json, copy, name, err);
    if (r == 0)
        r = kind_old_task_definition(schema, copy, definition->revision, ret_definition);
    json_decref(copy);
    return r;
}
