/* What the tests of documents have in common. */
#pragma once

#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/document.h"
#include "unit.h"

#include <string.h>

static inline int parse(const char *name, const char *content, struct document_vec *ret_documents,
                        struct diagnostics *diagnostics)
{
    struct document_input input = {name, content, strlen(content)};
    return document_parse(&input, ret_documents, diagnostics);
}

/* The compact JSON of document i; caller frees. */
static inline char *dump(const struct document_vec *documents, size_t i)
{
    assert_true(i < documents->len);
    return json_dumps(documents->items[i].value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static inline void assert_reads(const char *name, const char *content, const char *expected)
{
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    if (parse(name, content, &documents, &diagnostics) < 0)
        fail_msg("%s: %s", content, diagnostics.list.items[0].message);
    assert_int_equal(documents.len, 1);
    CLEANUP_FREE char *text = dump(&documents, 0);
    assert_string_equal(text, expected);
    document_vec_deinit(&documents);
    diagnostics_deinit(&diagnostics);
}

struct refusal {
    const char *name;
    const char *content;
    const char *text; /* of the first diagnostic, or the beginning of it */
};

static inline void assert_refused(const struct refusal *refusal)
{
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    assert_true(parse(refusal->name, refusal->content, &documents, &diagnostics) < 0);
    assert_int_equal(documents.len, 0);
    assert_true(diagnostics.errors > 0);
    CLEANUP_FREE char *text = diagnostic_to_text(&diagnostics.list.items[0]);
    if (!text_starts_with(text, refusal->text))
        fail_msg("%s\n   found: %s\nexpected: %s", refusal->content, text, refusal->text);
    diagnostics_deinit(&diagnostics);
}

static inline void assert_limit(const char *name, const char *content, const char *limit)
{
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    assert_int_equal(parse(name, content, &documents, &diagnostics), ERROR_LIMIT);
    assert_string_equal(diagnostics.list.items[0].code, "limit");
    assert_non_null(strstr(diagnostics.list.items[0].message, limit));
    diagnostics_deinit(&diagnostics);
}

static inline char *repeated(const char *before, const char *part, size_t times, const char *after)
{
    size_t len = strlen(part);
    char *text = memory_alloc(strlen(before) + times * len + strlen(after) + 1);
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, part);
    stpcpy(at, after);
    return text;
}

static inline void assert_at(const struct document *document, const char *pointer, enum document_part part,
                             int line, int column)
{
    struct position at = document_position(document, pointer, part);
    if (at.line != line || at.column != column)
        fail_msg("%s: %d:%d instead of %d:%d", pointer, at.line, at.column, line, column);
}
