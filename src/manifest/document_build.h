/* Builds one document's value and position table from a parser's events. Inner header of document*.c.
 *
 * The one place that counts nodes, watches depth and finds duplicate keys, for JSON and YAML alike. No
 * recursion.
 */
#pragma once

#include "base/limits.h"
#include "manifest/document.h"
#include "model/diagnostic.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct document_frame {
    json_t *container; /* borrowed from its parent, or from the document's root */
    char *key;         /* owned, and kept for the next object; the key whose value is awaited, or last came */
    size_t key_size;
    bool key_awaits; /* a key has come and its value has not */
    size_t node;     /* of the container in the table */
};

struct document_builder {
    const char *file; /* borrowed */
    bool foreign;     /* see document_parse_foreign() */
    struct diagnostics *diagnostics;
    struct document document; /* under way */
    struct document_frame frames[LIMIT_DOCUMENT_DEPTH];
    size_t depth;
    size_t deepest;       /* frames that were ever open */
    size_t nodes_in_file; /* values, of all documents, aliases expanded */
    size_t duplicates;
};

void document_builder_deinit(struct document_builder *builder);

/* Whether the next thing that comes is a key. */
bool document_builder_wants_key(const struct document_builder *builder);

/* The events. All return 0, or a negative code with the diagnostic given; a duplicate key is reported and
 * goes on. */
int document_builder_key(struct document_builder *builder, struct position at, const char *key);
/* Takes the value over. */
int document_builder_scalar(struct document_builder *builder, struct position at, json_t *value);
/* Takes the empty object or array over, and opens it. */
int document_builder_open(struct document_builder *builder, struct position at, json_t *container);
void document_builder_close(struct document_builder *builder);
/* Puts a copy of the subtree at node `first` of the table, whose value is `value`, at the present place. */
int document_builder_repeat(struct document_builder *builder, struct position at, const json_t *value,
                            size_t first);

/* Hands the finished document over and is ready for the next one. */
struct document document_builder_take(struct document_builder *builder);

/* Reports at the present place and returns ERROR_INVALID, or ERROR_LIMIT for the code "limit". */
int document_builder_fail(struct document_builder *builder, struct position at, const char *code,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));
/* As document_builder_fail with parts of a diagnostic; each string may be NULL but the code and message. */
struct document_fault {
    struct position at;
    const char *code;
    const char *message;
    const char *found;
    const char *expected;
    const char *hint;
};
int document_builder_fault(struct document_builder *builder, const struct document_fault *fault);

/* The parsers. Content is UTF-8 without NUL. Documents are appended to *documents. */
int document_parse_json(struct document_builder *builder, const struct document_input *input,
                        struct document_vec *documents);
int document_parse_yaml(struct document_builder *builder, const struct document_input *input,
                        struct document_vec *documents);
