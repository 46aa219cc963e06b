/* CloudFormation's functions, in their long and their short form. */
#include "base/base64.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "manifest/import_cfn.h"
#include "model/json.h"

#include <string.h>

#define CONDITION_DEPTH_MAX 32

typedef json_t *cfn_function(struct cfn *cfn, const json_t *argument, const char *pointer);

/* A string that counts against the budget; new. */
static json_t *made_string(struct cfn *cfn, const struct buffer *text)
{
    if (text->len > cfn->run->bytes_left) {
        cfn->run->over = true;
        return json_string("");
    }
    cfn->run->bytes_left -= text->len;
    return json_string(buffer_str(text));
}

static json_t *unknown_call(struct cfn *cfn, const char *name, const char *pointer)
{
    return cfn_unknown(cfn, name, pointer, "cannot be worked out here");
}

static void append_text(struct buffer *out, const json_t *value)
{
    char *text CLEANUP_FREE = import_text(value);
    if (text)
        buffer_append_str(out, text); /* over its bound the budget is over as well */
}

/* --- Ref, GetAtt, Sub ----------------------------------------------------------------------------------- */

static json_t *on_ref(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    const char *name = json_string_value(argument);
    return name ? cfn_reference(cfn, name, pointer) : unknown_call(cfn, "Ref", pointer);
}

/* "Id.Attribute", where the attribute may have dots. */
static json_t *dotted(struct cfn *cfn, const char *text, const char *pointer)
{
    char *id CLEANUP_FREE = memory_strdup(text);
    char *attribute = import_cut(id, '.');
    return attribute ? cfn_attribute(cfn, id, attribute, pointer) : cfn_reference(cfn, id, pointer);
}

static json_t *on_get_att(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    const char *id = json_string_value(json_array_get(argument, 0));
    const char *attribute = json_string_value(json_array_get(argument, 1));
    if (json_is_string(argument))
        return dotted(cfn, json_string_value(argument), pointer);
    return id && attribute ? cfn_attribute(cfn, id, attribute, pointer)
                           : unknown_call(cfn, "GetAtt", pointer);
}

static void substitute(struct cfn *cfn, const char *name, const json_t *variables, struct buffer *out,
                       const char *pointer)
{
    const json_t *own = json_object_get(variables, name);
    json_t *value = own ? cfn_resolve(cfn, own, pointer) : dotted(cfn, name, pointer);
    append_text(out, value);
    json_decref(value);
}

static json_t *on_sub(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    const json_t *variables = json_array_get(argument, 1);
    const char *text = json_string_value(json_is_array(argument) ? json_array_get(argument, 0) : argument);
    struct buffer CLEANUP(buffer_deinit) out = BUFFER_INIT(LIMIT_IMPORT_BYTES);
    if (!text)
        return unknown_call(cfn, "Sub", pointer);
    while (*text && !cfn->run->over) {
        const char *open = strstr(text, "${");
        const char *close = open ? strchr(open, '}') : NULL;
        if (!close)
            break;
        buffer_append(&out, text, (size_t)(open - text));
        char *name CLEANUP_FREE = memory_strndup(open + 2, (size_t)(close - open) - 2);
        if (name[0] == '!')
            buffer_printf(&out, "${%s}", name + 1);
        else
            substitute(cfn, name + strspn(name, " "), variables, &out, pointer);
        text = close + 1;
    }
    buffer_append_str(&out, text);
    return made_string(cfn, &out);
}

/* --- lists and texts ------------------------------------------------------------------------------------ */

static json_t *on_join(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    const char *between = json_string_value(json_array_get(argument, 0));
    json_t *list CLEANUP(json_decrefp) = cfn_resolve(cfn, json_array_get(argument, 1), pointer);
    struct buffer CLEANUP(buffer_deinit) out = BUFFER_INIT(LIMIT_IMPORT_BYTES);
    size_t i;
    json_t *item;
    if (!between || !json_is_array(list))
        return json_is_string(list) ? json_incref(list) : unknown_call(cfn, "Join", pointer);
    json_array_foreach (list, i, item) {
        if (i)
            buffer_append_str(&out, between);
        append_text(&out, item);
    }
    return made_string(cfn, &out);
}

static json_t *on_select(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    json_t *index CLEANUP(json_decrefp) = cfn_resolve(cfn, json_array_get(argument, 0), pointer);
    json_t *list CLEANUP(json_decrefp) = cfn_resolve(cfn, json_array_get(argument, 1), pointer);
    int64_t at;
    if (!import_integer(index, &at) || at < 0 || (size_t)at >= json_array_size(list))
        return unknown_call(cfn, "Select", pointer);
    return json_incref(json_array_get(list, (size_t)at));
}

static json_t *on_split(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    const char *mark = json_string_value(json_array_get(argument, 0));
    json_t *whole CLEANUP(json_decrefp) = cfn_resolve(cfn, json_array_get(argument, 1), pointer);
    const char *text = json_string_value(whole);
    if (!mark || !mark[0] || !text)
        return unknown_call(cfn, "Split", pointer);
    json_t *list = json_array();
    for (const char *next; (next = strstr(text, mark)); text = next + strlen(mark))
        json_array_append_new(list, json_stringn(text, (size_t)(next - text)));
    json_array_append_new(list, json_string(text));
    return list;
}

static json_t *on_find_in_map(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    const json_t *found = json_object_get(cfn->root, "Mappings");
    for (size_t i = 0; i < 3; i++) {
        json_t *key CLEANUP(json_decrefp) = cfn_resolve(cfn, json_array_get(argument, i), pointer);
        char *text CLEANUP_FREE = import_text(key);
        found = text ? json_object_get(found, text) : NULL;
    }
    const json_t *fallback = json_object_get(json_array_get(argument, 3), "DefaultValue");
    if (!found && fallback)
        return cfn_resolve(cfn, fallback, pointer);
    return found ? json_incref((json_t *)(uintptr_t)found) : unknown_call(cfn, "FindInMap", pointer);
}

static json_t *on_base64(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    json_t *value = cfn_resolve(cfn, argument, pointer);
    char *text CLEANUP_FREE = import_text(value);
    json_decref(value);
    if (!text)
        return unknown_call(cfn, "Base64", pointer);
    char *code CLEANUP_FREE = base64_encode(text, strlen(text));
    return json_string(code);
}

static json_t *on_length(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    json_t *list = cfn_resolve(cfn, argument, pointer);
    json_t *length = json_is_array(list) ? json_integer((json_int_t)json_array_size(list))
                                         : unknown_call(cfn, "Length", pointer);
    json_decref(list);
    return length;
}

static json_t *on_to_json(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    json_t *value = cfn_resolve(cfn, argument, pointer);
    char *text CLEANUP_FREE = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    json_decref(value);
    return text ? json_string(text) : unknown_call(cfn, "ToJsonString", pointer);
}

static json_t *on_import_value(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    json_t *name = cfn_resolve(cfn, argument, pointer);
    char *text CLEANUP_FREE = import_text(name);
    json_decref(name);
    return cfn_unknown(cfn, text ? text : "ImportValue", pointer, "is exported by another stack");
}

static json_t *on_known_to_aws(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    (void)argument;
    return cfn_unknown(cfn, "AWS", pointer, "knows this only when it deploys");
}

/* --- conditions ----------------------------------------------------------------------------------------- */

static int evaluate(struct cfn *cfn, const json_t *condition);

static int is_equal(struct cfn *cfn, const json_t *argument)
{
    size_t before = cfn->unresolved;
    json_t *left CLEANUP(json_decrefp) = cfn_resolve(cfn, json_array_get(argument, 0), "");
    json_t *right CLEANUP(json_decrefp) = cfn_resolve(cfn, json_array_get(argument, 1), "");
    char *a CLEANUP_FREE = import_text(left);
    char *b CLEANUP_FREE = import_text(right);
    if (cfn->unresolved != before)
        return -1;
    return a && b ? text_equal(a, b) : json_equal(left, right);
}

/* And: 0 decides; Or: 1 decides. */
static int decided(struct cfn *cfn, const json_t *list, int decisive)
{
    int result = !decisive;
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
        int one = evaluate(cfn, item);
        if (one == decisive)
            return decisive;
        result = one < 0 ? -1 : result;
    }
    return result;
}

/* The name without "Fn::" or "!". */
static const char *bare(const char *key)
{
    return text_starts_with(key, "Fn::") ? key + 4 : key[0] == '!' ? key + 1 : key;
}

static int evaluate(struct cfn *cfn, const json_t *condition)
{
    void *only = json_object_iter((json_t *)(uintptr_t)condition);
    const char *name = only ? bare(json_object_iter_key(only)) : "";
    const json_t *argument = only ? json_object_iter_value(only) : NULL;
    if (cfn->run->steps_left == 0 || cfn->following == CONDITION_DEPTH_MAX)
        return -1;
    cfn->run->steps_left--;
    if (text_equal(name, "Equals"))
        return is_equal(cfn, argument);
    if (text_equal(name, "And") || text_equal(name, "Or"))
        return decided(cfn, argument, text_equal(name, "Or"));
    if (text_equal(name, "Condition"))
        return json_is_string(argument) ? cfn_condition(cfn, json_string_value(argument)) : -1;
    if (!text_equal(name, "Not"))
        return -1;
    int inner = evaluate(cfn, json_array_get(argument, 0));
    return inner < 0 ? -1 : !inner;
}

int cfn_condition(struct cfn *cfn, const char *name)
{
    const json_t *condition = json_object_get(json_object_get(cfn->root, "Conditions"), name);
    if (!condition)
        return -1;
    cfn->following++;
    cfn->quiet++;
    int result = evaluate(cfn, condition);
    cfn->quiet--;
    cfn->following--;
    return result;
}

bool cfn_is_there(struct cfn *cfn, const json_t *resource)
{
    const char *condition = model_string(resource, "Condition");
    return !condition || cfn_condition(cfn, condition) != 0;
}

static json_t *on_if(struct cfn *cfn, const json_t *argument, const char *pointer)
{
    const char *name = json_string_value(json_array_get(argument, 0));
    int result = name ? cfn_condition(cfn, name) : -1;
    if (json_array_size(argument) != 3)
        return unknown_call(cfn, "If", pointer);
    if (result < 0 && !cfn->quiet)
        import_note(cfn->run, IMPORT_CHANGED, pointer,
                    "the condition %.100s cannot be told here: taken for true", name ? name : "");
    return cfn_resolve(cfn, json_array_get(argument, result == 0 ? 2 : 1), pointer);
}

/* --- the table -------------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    cfn_function *call;
} functions[] = {
    {"Ref", on_ref},
    {"Base64", on_base64},
    {"Cidr", on_known_to_aws},
    {"FindInMap", on_find_in_map},
    {"GetAtt", on_get_att},
    {"GetAZs", on_known_to_aws},
    {"If", on_if},
    {"ImportValue", on_import_value},
    {"Join", on_join},
    {"Length", on_length},
    {"Select", on_select},
    {"Split", on_split},
    {"Sub", on_sub},
    {"ToJsonString", on_to_json},
    {"Transform", on_known_to_aws},
};

static cfn_function *function_of(const json_t *value, const json_t **ret_argument)
{
    void *only = json_object_size(value) == 1 ? json_object_iter((json_t *)(uintptr_t)value) : NULL;
    const char *key = only ? json_object_iter_key(only) : "";
    bool call = key[0] == '!' || text_starts_with(key, "Fn::") || text_equal(key, "Ref");
    for (size_t i = 0; call && i < ARRAY_LEN(functions); i++) {
        if (!text_equal(bare(key), functions[i].name))
            continue;
        *ret_argument = json_object_iter_value(only);
        return functions[i].call;
    }
    return NULL;
}

static json_t *resolve_inside(struct cfn *cfn, const json_t *value, const char *pointer)
{
    size_t i;
    const char *key;
    json_t *child;
    json_t *result = json_is_array(value) ? json_array() : json_object();
    json_array_foreach ((json_t *)(uintptr_t)value, i, child) {
        char *at CLEANUP_FREE = import_pointer_index(pointer, i);
        json_t *item = cfn_resolve(cfn, child, at);
        json_array_append_new(result, item ? item : json_null()); /* so that pointers go on to fit */
    }
    json_object_foreach ((json_t *)(uintptr_t)value, key, child) {
        char *at CLEANUP_FREE = import_pointer(pointer, key);
        json_t *item = cfn_resolve(cfn, child, at);
        if (item)
            json_object_set_new(result, key, item);
    }
    return result;
}

json_t *cfn_resolve(struct cfn *cfn, const json_t *value, const char *pointer)
{
    const json_t *argument = NULL;
    cfn_function *call = function_of(value, &argument);
    if (cfn->run->steps_left == 0)
        cfn->run->over = true;
    if (!value || cfn->run->over)
        return NULL;
    cfn->run->steps_left--;
    if (call) {
        json_t *result = call(cfn, argument, pointer);
        if (result)
            import_afford(cfn->run, result); /* what many places refer to is paid for by each */
        return result;
    }
    if (json_is_array(value) || json_is_object(value))
        return resolve_inside(cfn, value, pointer);
    return json_incref((json_t *)(uintptr_t)value);
}
