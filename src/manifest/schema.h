/* JSON Schema 2020-12: core, applicator, validation and unevaluated vocabularies. Pure: never the network.
 *
 * A schema is compiled once and then used for any number of values. `format`, `content*`, `title` and their
 * like are annotations and checked by nobody. Patterns are ECMA-262 as far as PCRE2 goes and match anywhere
 * in a string.
 *
 * One word of ours: "x-expected", a phrase that stands for the dry wording of what the schema object beside
 * it expects, e.g. {"pattern": "^[0-9a-z-]+$", "x-expected": "a name of lower-case letters, digits and
 * hyphens"}.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "model/diagnostic.h"

#include <jansson.h>

struct schema;
struct schema_registry;

/* Schemas that others may refer to by URI. Needed for schema_compile only; what was compiled outlives it. */
struct schema_registry *schema_registry_new(void);
void schema_registry_free(struct schema_registry *registry);
DEFINE_CLEANUP(struct schema_registry, schema_registry_free)
/* Known under `uri` (absolute), and under its own `$id` once something has led to it. The document is copied.
 * ERROR_EXISTS, ERROR_INVALID for an URI that is not absolute. */
int schema_registry_add(struct schema_registry *registry, const char *uri, const json_t *document,
                        struct error *err);

/* Compiles the document and all it refers to. `registry` may be NULL; the document is copied. If the registry
 * holds the schema's `$schema` and that one has `$vocabulary`, keywords of other vocabularies are passed
 * over; a vocabulary that is required but unknown is ERROR_UNSUPPORTED. ERROR_NOT_FOUND for a reference that
 * leads nowhere, ERROR_INVALID for a keyword with a wrong value, ERROR_LIMIT for nesting beyond
 * LIMIT_SCHEMA_DEPTH; the message names the place in the schema. */
int schema_compile(const struct schema_registry *registry, const json_t *document, struct schema **ret_schema,
                   struct error *err);
void schema_free(struct schema *schema);
DEFINE_CLEANUP(struct schema, schema_free)

/* 0, or ERROR_INVALID with a diagnostic for every fault, or ERROR_LIMIT with one that names the bound.
 *
 * `diagnostics` may be NULL: then only validity is found out. The diagnostics have a pointer, code, message,
 * found, expected and hint, but no file or position: document_place() adds them. Of anyOf and oneOf the
 * branch that fits best tells its faults. Pointers lead to the value; for "unknown-member" to the member that
 * should not be there, for "missing-member" to the object that lacks it.
 *
 * Codes: "type", "value" (enum, const), "range" (numbers), "length" (of strings, arrays, objects), "pattern",
 * "missing-member", "unknown-member", "member-name", "duplicate" (uniqueItems), "shape" (not, oneOf,
 * contains, false), "limit". A valid value costs no allocation for messages.
 */
int schema_validate(const struct schema *schema, const json_t *value, struct diagnostics *diagnostics);
