#include "model/diagnostic.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void diagnostic_deinit(struct diagnostic *diagnostic)
{
    assert(diagnostic);
    free(diagnostic->file);
    free(diagnostic->pointer);
    free(diagnostic->code);
    free(diagnostic->message);
    free(diagnostic->found);
    free(diagnostic->expected);
    free(diagnostic->hint);
    memset(diagnostic, 0, sizeof *diagnostic);
}

void diagnostics_deinit(struct diagnostics *diagnostics)
{
    assert(diagnostics);
    for (size_t i = 0; i < diagnostics->list.len; i++)
        diagnostic_deinit(&diagnostics->list.items[i]);
    vector_deinit(&diagnostics->list);
    diagnostics->errors = diagnostics->warnings = 0;
}

void diagnostics_add(struct diagnostics *diagnostics, struct diagnostic *diagnostic)
{
    assert(diagnostics);
    assert(diagnostic);
    assert(diagnostic->message);
    if (diagnostic->severity == SEVERITY_ERROR)
        diagnostics->errors++;
    else
        diagnostics->warnings++;
    if (diagnostics->list.len >= LIMIT_DIAGNOSTICS) {
        diagnostic_deinit(diagnostic);
        return;
    }
    vector_push(&diagnostics->list, *diagnostic);
    memset(diagnostic, 0, sizeof *diagnostic);
}

void diagnostics_error(struct diagnostics *diagnostics, const char *file, struct position at,
                       const char *code, const char *format, ...)
{
    assert(code);
    assert(format);
    char *message = NULL;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&message, format, ap);
    va_end(ap);
    if (n < 0)
        abort();
    struct diagnostic diagnostic = {.severity = SEVERITY_ERROR,
                                    .file = memory_strdup(file ? file : ""),
                                    .at = at,
                                    .pointer = memory_strdup(""),
                                    .code = memory_strdup(code),
                                    .message = message};
    diagnostics_add(diagnostics, &diagnostic);
}

static struct diagnostic copy_of(const struct diagnostic *from)
{
    return (struct diagnostic){.severity = from->severity,
                               .file = memory_strdup(from->file),
                               .at = from->at,
                               .pointer = memory_strdup(from->pointer),
                               .code = memory_strdup(from->code),
                               .message = memory_strdup(from->message),
                               .found = memory_strdup(from->found),
                               .expected = memory_strdup(from->expected),
                               .hint = memory_strdup(from->hint)};
}

void diagnostics_append(struct diagnostics *diagnostics, const struct diagnostics *more)
{
    assert(diagnostics);
    assert(more);
    assert(diagnostics != more);
    size_t errors = diagnostics->errors + more->errors;
    size_t warnings = diagnostics->warnings + more->warnings;
    for (size_t i = 0; i < more->list.len; i++) {
        struct diagnostic copy = copy_of(&more->list.items[i]);
        diagnostics_add(diagnostics, &copy);
    }
    diagnostics->errors = errors; /* with those that `more` counted and did not keep */
    diagnostics->warnings = warnings;
}

static int compare(const void *left, const void *right)
{
    const struct diagnostic *a = left;
    const struct diagnostic *b = right;
    int r = strcmp(a->file ? a->file : "", b->file ? b->file : "");
    if (r)
        return r;
    if (a->at.line != b->at.line)
        return a->at.line < b->at.line ? -1 : 1;
    if (a->at.column != b->at.column)
        return a->at.column < b->at.column ? -1 : 1;
    return strcmp(a->message, b->message);
}

void diagnostics_sort(struct diagnostics *diagnostics)
{
    assert(diagnostics);
    vector_sort(&diagnostics->list, compare);
}

json_t *diagnostic_to_json(const struct diagnostic *diagnostic)
{
    assert(diagnostic);
    json_t *json = json_object();
    model_set_string(json, "severity", diagnostic->severity == SEVERITY_ERROR ? "error" : "warning");
    model_set_string(json, "file", diagnostic->file);
    model_set_int(json, "line", diagnostic->at.line);
    model_set_int(json, "column", diagnostic->at.column);
    model_set_string(json, "pointer", diagnostic->pointer);
    model_set_string(json, "code", diagnostic->code);
    model_set_string(json, "message", diagnostic->message);
    model_set_string(json, "found", diagnostic->found);
    model_set_string(json, "expected", diagnostic->expected);
    model_set_string(json, "hint", diagnostic->hint);
    return json;
}

json_t *diagnostics_to_json(const struct diagnostics *diagnostics)
{
    assert(diagnostics);
    json_t *list = json_array();
    for (size_t i = 0; i < diagnostics->list.len; i++)
        json_array_append_new(list, diagnostic_to_json(&diagnostics->list.items[i]));
    return json_pack("{s:I,s:I,s:o}", "errors", (json_int_t)diagnostics->errors, "warnings",
                     (json_int_t)diagnostics->warnings, "diagnostics", list);
}

int diagnostics_from_json(const json_t *json, struct diagnostics *ret_diagnostics)
{
    assert(ret_diagnostics);
    const json_t *list = json_object_get(json, "diagnostics");
    if (!json_is_array(list))
        return ERROR_INVALID;
    struct diagnostics out = {0};
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        const char *message = model_string(item, "message");
        struct diagnostic diagnostic = {
            .severity =
                text_equal(model_string(item, "severity"), "warning") ? SEVERITY_WARNING : SEVERITY_ERROR,
            .file = memory_strdup(model_string(item, "file")),
            .at = {model_int_in(item, "line", 0, INT32_MAX), model_int_in(item, "column", 0, INT32_MAX)},
            .pointer = memory_strdup(model_string(item, "pointer")),
            .code = memory_strdup(model_string(item, "code")),
            .message = memory_strdup(message ? message : ""),
            .found = memory_strdup(model_string(item, "found")),
            .expected = memory_strdup(model_string(item, "expected")),
            .hint = memory_strdup(model_string(item, "hint"))};
        diagnostics_add(&out, &diagnostic);
    }
    out.errors = (size_t)model_int(json, "errors");
    out.warnings = (size_t)model_int(json, "warnings");
    *ret_diagnostics = out;
    return 0;
}

char *diagnostic_sentence(const struct diagnostic *diagnostic)
{
    assert(diagnostic);
    struct buffer out = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    buffer_append_str(&out, diagnostic->message);
    if (diagnostic->pointer && diagnostic->pointer[0])
        buffer_printf(&out, " at %s", diagnostic->pointer);
    if (diagnostic->found)
        buffer_printf(&out, "; found %s", diagnostic->found);
    if (diagnostic->expected)
        buffer_printf(&out, "%s expected %s", diagnostic->found ? "," : ";", diagnostic->expected);
    if (diagnostic->hint)
        buffer_printf(&out, "; %s", diagnostic->hint);
    char *text = text_printable(buffer_str(&out));
    buffer_deinit(&out);
    return text;
}

char *diagnostic_to_text(const struct diagnostic *diagnostic)
{
    assert(diagnostic);
    char *sentence CLEANUP_FREE = diagnostic_sentence(diagnostic);
    struct buffer out = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    if (diagnostic->file && diagnostic->file[0]) {
        buffer_append_str(&out, diagnostic->file);
        if (diagnostic->at.line)
            buffer_printf(&out, ":%d:%d", diagnostic->at.line, diagnostic->at.column);
        buffer_append_str(&out, ": ");
    }
    buffer_append_str(&out, diagnostic->severity == SEVERITY_ERROR ? "error: " : "warning: ");
    buffer_append_str(&out, sentence);
    char *text = text_printable(buffer_str(&out));
    buffer_deinit(&out);
    return text;
}
