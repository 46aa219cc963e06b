/* What a schema is compiled to. Inner header of schema*.c.
 *
 * Every place in a schema document that holds a schema is a node; every keyword in it that says something is
 * a check. schema_scan.c makes the nodes and knows URIs and anchors, schema_compile.c fills in the checks by
 * the table of schema_keywords.c, schema_validate.c runs them.
 */
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/error.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/vector.h"
#include "manifest/schema.h"

#include <jansson.h>
#include <pcre2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum schema_vocabulary {
    SCHEMA_CORE = 1,
    SCHEMA_APPLICATOR = 2,
    SCHEMA_UNEVALUATED = 4,
    SCHEMA_VALIDATION = 8,
    SCHEMA_ALL = 15,
};

/* How a keyword's value holds schemas. */
enum schema_shape { SCHEMA_NONE, SCHEMA_ONE, SCHEMA_LIST, SCHEMA_MAP };

struct schema_node_vec VECTOR_OF(struct schema_node *);

/* What has an $id, or is the root of a document. */
struct schema_resource {
    char *uri; /* absolute, without fragment */
    struct schema_node *root;
    unsigned vocabularies;
    struct map dynamic_anchors; /* name -> node, borrowed */
};

struct schema_resource_vec VECTOR_OF(struct schema_resource *);

struct schema_pattern {
    const char *source; /* borrowed from the document */
    pcre2_code *code;
    struct schema_node *node; /* of patternProperties; NULL for pattern */
};

struct schema_pattern_vec VECTOR_OF(struct schema_pattern);

/* A keyword of a node, or a group of keywords that only mean something together. Fields are as its keyword
 * needs. */
struct schema_check {
    const struct schema_keyword *keyword;
    const json_t *value; /* the keyword's value in the document, borrowed */
    struct schema_node *node;
    struct schema_node *then_node;
    struct schema_node *else_node;
    struct schema_node_vec nodes;
    struct map names; /* name -> node, borrowed */
    struct schema_pattern_vec patterns;
    const char *dynamic_anchor; /* of $dynamicRef: the name, when the static target bears it */
    unsigned types;             /* mask by schema_type_mask() */
    int64_t min;
    int64_t max;
};

struct schema_check_vec VECTOR_OF(struct schema_check);

struct schema_node {
    char *location;       /* "URI of the document#/pointer" */
    const json_t *json;   /* borrowed from the document */
    const char *expected; /* x-expected, borrowed; NULL without */
    struct schema_resource *resource;
    struct schema_check_vec checks;
    bool tracks; /* has an unevaluated keyword */
};

struct schema {
    struct schema_node *root;
    struct map nodes;             /* location -> node, owned */
    struct schema_node_vec order; /* the same, as they were found */
    struct schema_resource_vec resources;
    struct map by_uri;  /* URI -> resource, borrowed */
    struct map anchors; /* "URI#name" -> node, borrowed */
    struct json_vec VECTOR_OF(json_t *) documents;
};

struct schema_compiler {
    struct schema *schema;
    const struct schema_registry *registry; /* may be NULL */
    struct error *err;
};

/* --- keywords ------------------------------------------------------------------------------------------- */

struct schema_frame;

struct schema_keyword {
    const char *name;
    unsigned vocabulary;
    enum schema_shape shape;
    bool in_place; /* applies its schemas to the same value */
    int (*compile)(struct schema_compiler *, struct schema_node *, struct schema_check *);
    bool (*holds)(const struct schema_frame *, const struct schema_check *);
};

/* In the order in which they are checked. Ends with a NULL name. */
const struct schema_keyword *schema_keywords(void);

/* --- scanning and compiling ----------------------------------------------------------------------------- */

/* Makes nodes of a document and all schemas in it. Takes the document over. */
int schema_scan_document(struct schema_compiler *compiler, json_t *document, const char *uri,
                         struct schema_node **ret_root);
/* The node that a reference means. */
int schema_resolve(struct schema_compiler *compiler, const struct schema_node *from, const char *reference,
                   struct schema_node **ret_node);
/* The node below `node` at a keyword and, unless NULL, a member or element of it. It was scanned. */
struct schema_node *schema_child(const struct schema_compiler *compiler, const struct schema_node *node,
                                 const char *keyword, const char *token);
json_t *schema_registry_get(const struct schema_registry *registry, const char *uri);
int schema_fault(const struct schema_compiler *compiler, const struct schema_node *node, const char *keyword,
                 const char *expected);
/* The vocabularies that a resource with this $schema uses. */
int schema_vocabularies(struct schema_compiler *compiler, const char *metaschema_uri, unsigned *ret_mask);

/* RFC 3986, 5.2: `reference` seen from `base`. Caller frees. */
char *schema_uri_resolve(const char *base, const char *reference);
bool schema_uri_is_absolute(const char *uri);
/* Percent-decodes in place. */
void schema_uri_decode(char *text);

int schema_pattern_compile(const char *source, struct schema_pattern *ret_pattern, struct error *err);

int schema_compile_any(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_type(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_enum(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_number(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_multiple(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_size(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_boolean(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_strings(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_dependent(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_pattern(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_ref(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_dynamic_ref(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_one(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_list(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_map(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_if(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_contains(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_items(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_members(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_unevaluated(struct schema_compiler *, struct schema_node *, struct schema_check *);

/* --- values --------------------------------------------------------------------------------------------- */

/* A bit for each type that the value has: an integral real is an integer as well. */
unsigned schema_type_mask(const json_t *value);
/* 0 for a word that is no type. */
unsigned schema_type_by_name(const char *name);
/* As JSON Schema compares: 1 equals 1.0. Recursion is bounded by the values' depth. */
bool schema_value_equal(const json_t *a, const json_t *b);
/* -1, 0, 1. Both are numbers. */
int schema_number_compare(const json_t *a, const json_t *b);
bool schema_number_is_multiple(const json_t *value, const json_t *factor);
/* Whether two elements are equal; which ones. */
bool schema_find_equal_elements(const json_t *array, size_t *ret_first, size_t *ret_second);
size_t schema_string_characters(const json_t *string);
