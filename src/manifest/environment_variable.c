#include "manifest/environment.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/document_pointer.h"

#include <assert.h>
#include <string.h>

void environment_use_deinit(struct environment_use *use)
{
    assert(use);
    string_vec_deinit(&use->typed);
}

/* The text of a variable's value, as it stands inside a longer string. Caller frees. */
static char *text_of(const json_t *value)
{
    return json_is_string(value) ? memory_strdup(json_string_value(value))
                                 : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

struct replacing {
    const struct environment *environment;
    struct environment_use *use;
    struct diagnostics *diagnostics;
    struct buffer pointer; /* of the value that is looked at */
    int result;
};

static void report(struct replacing *replacing, int result, struct kind_fault fault)
{
    fault.severity = SEVERITY_ERROR;
    fault.pointer = memory_strdup(buffer_str(&replacing->pointer));
    kind_report(replacing->diagnostics, fault);
    replacing->result = result;
}

static void report_unknown(struct replacing *replacing, const char *name)
{
    const struct map *variables = &replacing->environment->variables;
    const char **names CLEANUP_FREE = memory_calloc(variables->len + 1, sizeof *names);
    size_t len = 0;
    map_for_each (variables, slot)
        names[len++] = slot->key;
    const char *near = text_nearest(name, names, len);
    report(
        replacing, ERROR_INVALID,
        (struct kind_fault){.code = "variable",
                            .message = memory_printf("no variable \"%s\" in this environment", name),
                            .hint = near ? memory_printf("did you mean \"%s\"?", near)
                                         : memory_printf("declare it under variables in %s, or write $${%s} "
                                                         "for the text itself",
                                                         ENVIRONMENT_FILE, name)});
}

/* The length of "${NAME}" at the text's begin, 0 when none begins there. */
static size_t reference_len(const char *text)
{
    size_t len = strspn(text + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    bool digit = text[2] >= '0' && text[2] <= '9';
    return len && len <= LIMIT_NAME_CHARS && !digit && text[2 + len] == '}' ? len + 3 : 0;
}

/* The value that the reference at the text's begin names; NULL after a report. */
static json_t *look_up(struct replacing *replacing, const char *text, size_t *ret_len)
{
    *ret_len = reference_len(text);
    if (!*ret_len) {
        report(replacing, ERROR_INVALID,
               (struct kind_fault){.code = "variable",
                                   .message = memory_strdup("\"${\" begins no reference to a variable"),
                                   .expected = memory_strdup("${NAME}"),
                                   .hint = memory_strdup("write $${ for the text ${ itself")});
        return NULL;
    }
    char *name CLEANUP_FREE = memory_strndup(text + 2, *ret_len - 3);
    json_t *value = map_get(&replacing->environment->variables, name);
    if (!value)
        report_unknown(replacing, name);
    return value;
}

static bool take_room(struct replacing *replacing, size_t bytes)
{
    struct environment_use *use = replacing->use;
    use->bytes += bytes;
    if (use->bytes <= use->max_bytes)
        return true;
    report(
        replacing, ERROR_LIMIT,
        (struct kind_fault){.code = "limit",
                            .message = memory_printf("with the variables put in there are more than %zu "
                                                     "bytes (LIMIT_MANIFEST_BYTES, LIMIT_ENVIRONMENT_BYTES)",
                                                     use->max_bytes)});
    return false;
}

/* Appends up to the next "${" or "$${"; moves *text there. */
static void copy_plain(struct buffer *out, const char **text)
{
    const char *end = strstr(*text, "${");
    if (end && end > *text && end[-1] == '$')
        end--;
    size_t len = end ? (size_t)(end - *text) : strlen(*text);
    buffer_append(out, *text, len);
    *text += len;
}

/* NULL after a report. */
static json_t *replace_in(struct replacing *replacing, const char *text)
{
    const struct environment_use *use = replacing->use;
    struct buffer out CLEANUP(buffer_deinit) = BUFFER_INIT(2 * LIMIT_MANIFEST_BYTES); /* plain text, values */
    while (*text) {
        copy_plain(&out, &text);
        if (!*text)
            break;
        size_t len = 3;
        if (text[1] == '$') {
            buffer_append_str(&out, "${");
        } else {
            const json_t *value = look_up(replacing, text, &len);
            if (!value)
                return NULL;
            char *put CLEANUP_FREE = text_of(value);
            if (use->bytes + out.len + strlen(put) <= use->max_bytes)
                buffer_append_str(&out, put);
            else if (!take_room(replacing, out.len + strlen(put)))
                return NULL;
        }
        text += len;
    }
    return take_room(replacing, out.len) ? json_string(buffer_str(&out)) : NULL;
}

/* What stands for the string; NULL when nothing does, or after a report. */
static json_t *replace_string(struct replacing *replacing, const json_t *value)
{
    const char *text = json_string_value(value);
    if (!strstr(text, "${"))
        return NULL;
    replacing->use->uses_variables = true;
    size_t len = strlen(text);
    if (text[0] != '$' || text[1] != '{' || reference_len(text) != len)
        return replace_in(replacing, text);
    json_t *whole = look_up(replacing, text, &len);
    if (!whole || json_is_string(whole))
        return whole ? replace_in(replacing, text) : NULL;
    vector_push(&replacing->use->typed, memory_strdup(buffer_str(&replacing->pointer)));
    return json_incref(whole);
}

static json_t *replace_value(struct replacing *replacing, json_t *value);

static void cut(struct buffer *pointer, size_t len)
{
    pointer->len = len;
    pointer->data[len] = '\0';
}

/* Replaces in place. The parser bounds the depth. */
static void replace_inside(struct replacing *replacing, json_t *value)
{
    size_t len = replacing->pointer.len;
    size_t i;
    const char *key;
    json_t *item;
    json_array_foreach (value, i, item) {
        document_pointer_append_index(&replacing->pointer, i);
        json_t *other = replace_value(replacing, item);
        if (other)
            json_array_set_new(value, i, other);
        cut(&replacing->pointer, len);
    }
    for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
        key = json_object_iter_key(at);
        document_pointer_append_key(&replacing->pointer, key);
        json_t *other = replace_value(replacing, json_object_iter_value(at));
        if (other)
            json_object_iter_set_new(value, at, other);
        cut(&replacing->pointer, len);
    }
}

static json_t *replace_value(struct replacing *replacing, json_t *value)
{
    if (replacing->result == ERROR_LIMIT)
        return NULL;
    if (json_is_string(value))
        return replace_string(replacing, value);
    replace_inside(replacing, value);
    return NULL;
}

static json_t *value_at(json_t *value, const char *pointer)
{
    for (;;) {
        char *token CLEANUP_FREE = document_pointer_next(&pointer);
        size_t index;
        if (!token)
            return value;
        if (json_is_array(value) && document_pointer_to_index(token, &index))
            value = json_array_get(value, index);
        else
            value = json_object_get(value, token);
    }
}

int environment_substitute(const struct environment *environment, struct document *document,
                           const char *pointer, struct environment_use *use, struct diagnostics *diagnostics)
{
    assert(environment);
    assert(document);
    assert(use);
    struct replacing replacing = {environment, use, diagnostics, BUFFER_INIT(2 * LIMIT_MANIFEST_BYTES), 0};
    buffer_append_str(&replacing.pointer, pointer);
    replace_inside(&replacing, value_at(document->value, pointer));
    buffer_deinit(&replacing.pointer);
    return replacing.result;
}

/* --- left as they are ----------------------------------------------------------------------------------- */

/* Whether what is below the member is read by something that may know ${NAME}: a shell or a program. Input is
 * the overrides of a scheduled task. */
static bool is_for_others(const char *member)
{
    static const char *const members[] = {"command",      "entryPoint", "environment",
                                          "dockerLabels", "Input",      "overrides"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (text_equal(members[i], member))
            return true;
    return false;
}

/* The first ${NAME}, and no $${, which is one as soon as variables are declared. */
static const char *find_reference(const char *text)
{
    for (const char *at = text; (at = strstr(at, "${")); at += 2) {
        const char *end = strchr(at, '}');
        bool is_escaped = at > text && at[-1] == '$';
        if (end && !is_escaped && end - at > 2 && end - at <= LIMIT_NAME_CHARS)
            return at;
    }
    return NULL;
}

static void warn_of(const char *text, const struct buffer *pointer, struct diagnostics *diagnostics)
{
    const char *begin = find_reference(text);
    const char *end = begin ? strchr(begin, '}') : NULL;
    if (!end)
        return;
    kind_report(
        diagnostics,
        (struct kind_fault){.severity = SEVERITY_WARNING,
                            .code = "variable",
                            .pointer = memory_strdup(buffer_str(pointer)),
                            .message = memory_printf("davit does not substitute %.*s: no " ENVIRONMENT_FILE
                                                     " declares variables",
                                                     (int)(end - begin) + 1, begin),
                            .hint = memory_strdup("declare it under variables in a " ENVIRONMENT_FILE
                                                  " at the manifest root, or write the value")});
}

/* The parser bounds the depth. */
static void warn_inside(const json_t *value, struct buffer *pointer, struct diagnostics *diagnostics)
{
    size_t len = pointer->len;
    size_t i;
    const char *key;
    json_t *item;
    if (json_is_string(value))
        warn_of(json_string_value(value), pointer, diagnostics);
    json_array_foreach ((json_t *)(uintptr_t)value, i, item) {
        document_pointer_append_index(pointer, i);
        warn_inside(item, pointer, diagnostics);
        cut(pointer, len);
    }
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        if (is_for_others(key))
            continue;
        document_pointer_append_key(pointer, key);
        warn_inside(item, pointer, diagnostics);
        cut(pointer, len);
    }
}

void environment_warn_left(const struct document *document, struct diagnostics *diagnostics)
{
    assert(document);
    assert(diagnostics);
    struct buffer pointer CLEANUP(buffer_deinit) = BUFFER_INIT(2 * LIMIT_MANIFEST_BYTES);
    buffer_append_str(&pointer, "");
    warn_inside(document->value, &pointer, diagnostics);
}

void environment_make_text(json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);
    if (json_is_string(value) || !value)
        return;
    char *text CLEANUP_FREE = text_of(value);
    json_object_set_new(object, member, json_string(text));
}

static void make_text_at(json_t *root, const char *pointer)
{
    const char *slash = strrchr(pointer, '/');
    char *parent CLEANUP_FREE = memory_strndup(pointer, (size_t)(slash - pointer));
    json_t *holder = value_at(root, parent);
    char *token CLEANUP_FREE = document_pointer_next(&slash);
    size_t index;
    if (json_is_object(holder)) {
        environment_make_text(holder, token);
    } else if (document_pointer_to_index(token, &index)) {
        char *text CLEANUP_FREE = text_of(json_array_get(holder, index));
        json_array_set_new(holder, index, json_string(text));
    }
}

bool environment_untype(const struct environment_use *use, json_t *root, const char *base,
                        const struct diagnostics *faults)
{
    assert(use);
    assert(base);
    bool any = false;
    for (size_t i = 0; i < faults->list.len && use->typed.len; i++) {
        const struct diagnostic *fault = &faults->list.items[i];
        if (!text_equal(fault->code, "type") || !fault->pointer || !fault->pointer[0])
            continue;
        char *pointer CLEANUP_FREE = memory_printf("%s%s", base, fault->pointer);
        if (!string_vec_has(&use->typed, pointer))
            continue;
        make_text_at(root, fault->pointer);
        any = true;
    }
    return any;
}
