#include "manifest/import_run.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "manifest/document_pointer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void import_deinit(struct import *import)
{
    assert(import);
    json_decref(import->objects);
    diagnostics_deinit(&import->notes);
    memset(import, 0, sizeof *import);
}

void import_run_init(struct import_run *run, const struct import_source *source, struct import *import,
                     struct diagnostics *diagnostics)
{
    assert(run);
    assert(source && source->file && source->document && source->world);
    *import = (struct import){.objects = json_array()};
    *run = (struct import_run){.source = source,
                               .import = import,
                               .diagnostics = diagnostics,
                               .bytes_left = LIMIT_IMPORT_BYTES,
                               .steps_left = LIMIT_IMPORT_STEPS};
}

int import_run_finish(struct import_run *run, int r, struct import *ret_import)
{
    assert(run);
    map_deinit(&run->lost);
    document_place(run->source->document, run->source->file, &run->import->notes);
    if (r == 0 && !run->over) {
        *ret_import = *run->import;
        return 0;
    }
    import_deinit(run->import);
    if (!run->over)
        return r;
    diagnostics_error(run->diagnostics, run->source->file, (struct position){1, 1}, "limit",
                      "what the file refers to grows over %d bytes or %d references (LIMIT_IMPORT_BYTES, "
                      "LIMIT_IMPORT_STEPS)",
                      LIMIT_IMPORT_BYTES, LIMIT_IMPORT_STEPS);
    return ERROR_LIMIT;
}

int import_fail(struct import_run *run, const char *pointer, const char *format, ...)
{
    char text[LIMIT_ERROR_CHARS];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    diagnostics_error(run->diagnostics, run->source->file,
                      document_position(run->source->document, pointer, DOCUMENT_VALUE), "import", "%s",
                      text);
    return ERROR_INVALID;
}

static const char *const loss_names[] = {
    [IMPORT_DROPPED] = "dropped", [IMPORT_UNRESOLVED] = "unresolved", [IMPORT_CHANGED] = "changed"};

void import_note(struct import_run *run, enum import_loss loss, const char *pointer, const char *format, ...)
{
    char text[LIMIT_ERROR_CHARS];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    text_mend_utf8(text);
    if (loss != IMPORT_CHANGED)
        map_put(&run->lost, pointer, run);
    struct diagnostic diagnostic = {.severity = SEVERITY_WARNING,
                                    .pointer = memory_strdup(pointer),
                                    .code = memory_strdup(loss_names[loss]),
                                    .message = memory_printf("%s: %s", loss_names[loss], text)};
    diagnostics_add(&run->import->notes, &diagnostic);
}

static bool is_lost(const struct import_run *run, const char *pointer)
{
    return map_get(&run->lost, pointer) != NULL;
}

static void count(struct import_run *run, const json_t *value, const char *pointer, bool lost)
{
    size_t i;
    const char *key;
    json_t *child;
    lost = lost || is_lost(run, pointer);
    json_array_foreach ((json_t *)value, i, child) {
        char *at CLEANUP_FREE = import_pointer_index(pointer, i);
        count(run, child, at, lost);
    }
    json_object_foreach ((json_t *)value, key, child) {
        char *at CLEANUP_FREE = import_pointer(pointer, key);
        count(run, child, at, lost);
    }
    if (json_is_array(value) || json_is_object(value))
        return;
    run->import->members++;
    run->import->lost += lost;
}

void import_count(struct import_run *run, const json_t *value, const char *pointer)
{
    count(run, value, pointer, false);
}

bool import_spend(struct import_run *run, size_t steps)
{
    run->over = run->over || run->steps_left < steps;
    if (!run->over)
        run->steps_left -= steps;
    return !run->over;
}

bool import_afford(struct import_run *run, const json_t *value)
{
    size_t i;
    const char *key;
    json_t *child;
    if (!import_spend(run, 1 + json_string_length(value) / 16))
        return false;
    json_array_foreach ((json_t *)value, i, child)
        if (!import_afford(run, child))
            return false;
    json_object_foreach ((json_t *)value, key, child)
        if (!import_afford(run, child))
            return false;
    return true;
}

void import_add(struct import_run *run, const char *kind, json_t *object)
{
    json_t *manifest = json_object();
    json_object_set_new(manifest, "kind", json_string(kind));
    json_object_update_missing(manifest, object);
    json_decref(object);
    json_array_append_new(run->import->objects, manifest);
}

char *import_pointer(const char *base, const char *key)
{
    struct buffer pointer = BUFFER_INIT(LIMIT_MANIFEST_BYTES * 2);
    buffer_append_str(&pointer, base);
    document_pointer_append_key(&pointer, key);
    return buffer_steal(&pointer);
}

char *import_pointer_index(const char *base, size_t index)
{
    return memory_printf("%s/%zu", base, index);
}

/* --- values ------------------------------------------------------------------------------------------ */

char *import_text(const json_t *value)
{
    if (json_is_string(value))
        return memory_strdup(json_string_value(value));
    if (!value || json_is_null(value) || json_is_array(value) || json_is_object(value))
        return NULL;
    return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

bool import_number(const json_t *value, double *ret_value)
{
    if (json_is_number(value)) {
        *ret_value = json_number_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (!text || !text[0] || strlen(text) > 32 || text[strspn(text, "0123456789.+-")])
        return false;
    char *end;
    *ret_value = strtod(text, &end);
    return end != text && !*end;
}

bool import_integer(const json_t *value, int64_t *ret_value)
{
    if (json_is_integer(value)) {
        *ret_value = json_integer_value(value);
        return true;
    }
    if (json_is_string(value))
        return text_to_int64(json_string_value(value), INT64_MIN, INT64_MAX, ret_value) == 0;
    double number = json_is_real(value) ? json_real_value(value) : 0.5;
    if (number != (double)(int32_t)(number > 2e9 || number < -2e9 ? 0 : number))
        return false;
    *ret_value = (int64_t)number;
    return true;
}

bool import_boolean(const json_t *value, bool *ret_value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},   {"1", true},
                 {"false", false}, {"no", false}, {"off", false}, {"0", false}};
    char *text CLEANUP_FREE = import_text(value);
    for (size_t i = 0; text && i < ARRAY_LEN(words); i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            *ret_value = words[i].value;
            return true;
        }
    }
    return false;
}

bool import_bytes(const json_t *value, int64_t *ret_bytes)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1},
                 {"b", 1},
                 {"k", 1024},
                 {"kb", 1024},
                 {"m", 1048576},
                 {"mb", 1048576},
                 {"g", 1073741824},
                 {"gb", 1073741824},
                 {"ki", 1024},
                 {"mi", 1048576},
                 {"gi", 1073741824},
                 {"kib", 1024},
                 {"mib", 1048576},
                 {"gib", 1073741824},
                 {"t", 1099511627776.0},
                 {"tb", 1099511627776.0}};
    char *text CLEANUP_FREE = import_text(value);
    size_t digits = text ? strspn(text, "0123456789.") : 0;
    if (!digits || digits > 20)
        return false;
    const char *unit = text + digits + strspn(text + digits, " ");
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcasecmp(unit, units[i].unit) != 0)
            continue;
        double bytes = strtod(text, NULL) * units[i].factor;
        *ret_bytes = bytes < 9e18 ? (int64_t)bytes : INT64_MAX;
        return true;
    }
    return false;
}

char *import_name(const char *text)
{
    char *name = memory_strndup(text[0] ? text : "x", LIMIT_NAME_CHARS);
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    for (char *c = name; *c; c++)
        if (!strchr(legal, *c))
            *c = '-';
    return name;
}

char *import_cut(char *text, char mark)
{
    char *at = strchr(text, mark);
    if (!at)
        return NULL;
    *at = '\0';
    return at + 1;
}

/* One word from *text on, appended to the buffer. False when a quote stays open. */
static bool take_word(const char **text, struct buffer *word)
{
    char quote = '\0';
    for (; **text && (quote || !strchr(" \t\r\n", **text)); ++*text) {
        const char *c = *text;
        if (quote ? *c == quote : *c == '"' || *c == '\'') {
            quote = quote ? '\0' : *c;
        } else if (*c == '\\' && quote != '\'' && c[1] && (!quote || strchr("\"\\$`\n", c[1]))) {
            ++*text;
            if (c[1] != '\n')
                buffer_append(word, c + 1, 1);
        } else {
            buffer_append(word, c, 1);
        }
    }
    return !quote;
}

json_t *import_words(const char *text)
{
    json_t *words = json_array();
    for (;;) {
        text += strspn(text, " \t\r\n");
        if (!*text)
            return words;
        struct buffer word CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
        if (!take_word(&text, &word)) {
            json_decref(words);
            return NULL;
        }
        json_array_append_new(words, json_string(buffer_str(&word)));
    }
}

/* --- objects ------------------------------------------------------------------------------------------ */

void import_set(json_t *object, const char *key, json_t *value)
{
    bool empty = !value || json_is_null(value) || (json_is_array(value) && !json_array_size(value)) ||
                 (json_is_object(value) && !json_object_size(value));
    if (empty)
        json_decref(value);
    else
        json_object_set_new(object, key, value);
}

static json_t *made(json_t *object, const char *key, json_t *fresh)
{
    json_t *there = json_object_get(object, key);
    if (there) {
        json_decref(fresh);
        return there;
    }
    json_object_set_new(object, key, fresh);
    return fresh;
}

json_t *import_list(json_t *object, const char *key)
{
    return made(object, key, json_array());
}

json_t *import_object(json_t *object, const char *key)
{
    return made(object, key, json_object());
}

static void merge_into(json_t *object, json_t *from)
{
    size_t i;
    json_t *item;
    if (json_is_object(from))
        json_object_update_missing(object, from);
    json_array_foreach (from, i, item)
        if (json_is_object(item))
            json_object_update_missing(object, item);
}

void import_merge(json_t *value)
{
    size_t i;
    const char *key;
    json_t *child;
    json_array_foreach (value, i, child)
        import_merge(child);
    json_object_foreach (value, key, child)
        import_merge(child);
    json_t *merged = json_incref(json_object_get(value, "<<"));
    if (json_is_object(merged) || json_is_array(merged)) {
        json_object_del(value, "<<");
        merge_into(value, merged);
    }
    json_decref(merged);
}
