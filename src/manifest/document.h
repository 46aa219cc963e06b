/* One manifest file's bytes as values that know where they stand. Pure.
 *
 * JSON is RFC 8259, strictly. YAML is YAML 1.2 with the core schema: `yes`, `on`, `no` and dates are strings,
 * 012 is twelve, 0o14 and 0x0c are twelve as well. What JSON cannot say is refused: .inf, .nan, keys that are
 * not strings, tags of one's own. So is what hides a value from the reader: duplicate keys, merge keys (<<).
 * What libyaml lets pass against YAML 1.2 is refused too, but for a closing bracket that stands under its
 * key; what it cannot read of YAML 1.2 is refused and listed in test_document_suite.c. A file that ends
 * without a line break means the same as with it.
 *
 * Positions live beside the values in one flat table of 16 bytes a node. They are found by JSON pointer, and
 * not through the value, so the value may be rewritten before a position is asked for. Columns count
 * characters (code points), from 1; a tab is one character.
 */
#pragma once

#include "base/memory.h"
#include "base/vector.h"
#include "model/diagnostic.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A node of the tree in preorder: a value, or the key of a member, which stands right before its value. */
struct document_node {
    uint32_t line;
    uint32_t column;
    uint32_t span; /* nodes of this subtree with itself; a key has 1 */
    uint32_t key;  /* hash of a key; 0 for a value */
};

struct document_node_vec VECTOR_OF(struct document_node);

struct document {
    json_t *value;                  /* owned */
    struct document_node_vec nodes; /* empty once dropped */
};

struct document_vec VECTOR_OF(struct document);

struct document_input {
    const char *name; /* path in the repository; its ending tells .json from .yaml and .yml, in any case */
    const char *content;
    size_t len;
};

enum document_part { DOCUMENT_VALUE, DOCUMENT_KEY };

/* Everything in *input is borrowed and may go after the call. YAML may hold several documents; empty (null)
 * ones are passed over, so that none at all is a success too. An empty JSON file is an error.
 *
 * Returns 0, or ERROR_INVALID or ERROR_LIMIT with *ret_documents untouched and the reasons in *diagnostics:
 * one syntax error a file, and every duplicate key up to it. Codes: "syntax", "duplicate", "encoding",
 * "limit", "number", "unsupported" (legal YAML that is refused), "lfs-pointer", "file-name".
 */
int document_parse(const struct document_input *input, struct document_vec *ret_documents,
                   struct diagnostics *diagnostics);
/* The same, but where nothing else is wrong than duplicate keys *ret_documents has the documents all the
 * same, with the last value of each such key, so that what is wrong with them can be told too. */
int document_parse_for_faults(const struct document_input *input, struct document_vec *ret_documents,
                              struct diagnostics *diagnostics);
/* As document_parse() for another tool's file that is to be imported: of any name (one of no known ending is
 * JSON when it begins as such), a merge key is the member "<<", a tag !X of the application makes {"!X":
 * value}, keys need not be strings, and of duplicate keys the last counts, with a warning. */
int document_parse_foreign(const struct document_input *input, struct document_vec *ret_documents,
                           struct diagnostics *diagnostics);
void document_deinit(struct document *document);
/* Frees the documents as well. */
void document_vec_deinit(struct document_vec *documents);

/* Frees the positions; the value stays, and positions read as unknown from now on. */
void document_drop_positions(struct document *document);
/* Where the value at the JSON pointer (RFC 6901), or its key, stands. For a pointer to nothing, the nearest
 * value that holds the place. A value that came by a YAML alias stands at the alias, its inside at the
 * anchor; one with an anchor or a tag stands where that begins. Array elements and the root have no key:
 * their value's place is given. */
struct position document_position(const struct document *document, const char *pointer,
                                  enum document_part part);
/* Gives file and position to every diagnostic that has no file yet, by its pointer: at the key for the code
 * "unknown-member", else at the value. */
void document_place(const struct document *document, const char *file, struct diagnostics *diagnostics);
