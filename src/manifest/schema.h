/* JSON Schema 2020-12 and draft-07: core, applicator, validation, unevaluated and format. Pure: never the
 * network.
 *
 * A schema is compiled once and then used for any number of values. What a resource's `$schema` names decides
 * its dialect; without one it is 2020-12, or that of who refers to it. `content*`, `title` and their like are
 * annotations and checked by nobody. Patterns are ECMA-262 (see schema_regex.c) and match anywhere in a
 * string.
 *
 * `format` is asserted for date-time, date, time, duration, email, hostname, ipv4, ipv6, uri, uri-reference,
 * uuid, regex, json-pointer and their like of schema_format.c; other formats are annotations.
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
#include <stdbool.h>

struct schema;
struct schema_registry;

enum schema_dialect { SCHEMA_2020_12, SCHEMA_DRAFT_07 };

/* Schemas that others may refer to by URI. Needed for schema_compile only; what was compiled outlives it. The
 * meta-schemas of both dialects are known without being added. */
struct schema_registry *schema_registry_new(void);
void schema_registry_free(struct schema_registry *registry);
DEFINE_CLEANUP(struct schema_registry, schema_registry_free)
/* Known under `uri` (absolute), and under its own `$id` once something has led to it. The document is copied.
 * ERROR_EXISTS, ERROR_INVALID for an URI that is not absolute. */
int schema_registry_add(struct schema_registry *registry, const char *uri, const json_t *document,
                        struct error *err);
/* Asked for the URIs that the registry does not know. 0 with *ret_document handed over, or a code that ends
 * the compilation, with *err set. */
typedef int schema_load_fn(void *data, const char *uri, json_t **ret_document, struct error *err);
void schema_registry_set_loader(struct schema_registry *registry, schema_load_fn *load, void *data);
/* The meta-schema of a dialect; borrowed text, JSON. */
const char *schema_metaschema(enum schema_dialect dialect);

struct schema_options {
    struct schema_registry *registry; /* NULL: the meta-schemas alone */
    const char *uri;                  /* the document's own, absolute; NULL: none, as "schema:/" */
    enum schema_dialect dialect;      /* where nothing says $schema */
    bool formats_are_notes;           /* as the standard has it unless a vocabulary asks for assertion */
};

/* Compiles the document and all it refers to. `options` may be NULL; the document is copied. A meta-schema of
 * one's own, known to the registry, decides by its `$vocabulary` which keywords mean something.
 * ERROR_NOT_FOUND for a reference that leads nowhere, ERROR_INVALID for a keyword with a wrong value and for
 * schemas that apply themselves to the same value again, ERROR_LIMIT for going over LIMIT_SCHEMA_DEPTH,
 * LIMIT_SCHEMA_URI_BYTES or LIMIT_PATTERN_BYTES, ERROR_UNSUPPORTED for a `$schema` or a required vocabulary
 * that is unknown; the message names the place in the schema. */
int schema_compile(const struct schema_options *options, const json_t *document, struct schema **ret_schema,
                   struct error *err);
void schema_free(struct schema *schema);
DEFINE_CLEANUP(struct schema, schema_free)

/* 0, or ERROR_INVALID with a diagnostic for every fault, or ERROR_LIMIT with one that names the bound: no
 * schema and no value makes it take longer than LIMIT_SCHEMA_STEPS allow.
 *
 * `diagnostics` may be NULL: then only validity is found out. The diagnostics have a pointer, code, message,
 * found, expected and hint, but no file or position: document_place() adds them. Of anyOf and oneOf the
 * branch that fits best tells its faults. Pointers lead to the value; for "unknown-member" to the member that
 * should not be there, for "missing-member" to the object that lacks it.
 *
 * Codes: "type", "value" (enum, const), "range" (numbers), "length" (of strings, arrays, objects), "pattern",
 * "format", "missing-member", "unknown-member", "member-name", "duplicate" (uniqueItems), "shape" (not,
 * oneOf, contains, false), "limit". A valid value costs no allocation for messages.
 */
int schema_validate(const struct schema *schema, const json_t *value, struct diagnostics *diagnostics);
