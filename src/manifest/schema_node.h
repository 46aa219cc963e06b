/* What a schema is compiled to. Inner header of schema*.c.
 *
 * Every place in a schema document that holds a schema is a node; every keyword in it that says something is
 * a check. schema_scan.c makes the nodes and knows URIs and anchors, schema_compile.c fills in the checks by
 * the dialect's table of schema_keywords.c, schema_link.c takes out the detours, schema_validate.c runs them.
 */
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/error.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/vector.h"
#include "manifest/schema.h"
#include "manifest/schema_names.h"

#include <jansson.h>
#include <math.h>
#include <pcre2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum schema_vocabulary {
    SCHEMA_CORE = 1,
    SCHEMA_APPLICATOR = 2,
    SCHEMA_UNEVALUATED = 4,
    SCHEMA_VALIDATION = 8,
    SCHEMA_FORMAT = 16,
    SCHEMA_FORMAT_ASSERTION = 32, /* "format" is asserted whatever the options say */
    SCHEMA_ALL = 31,
};

/* How a keyword's value holds schemas. */
enum schema_shape {
    SCHEMA_NONE,
    SCHEMA_ONE,
    SCHEMA_LIST,
    SCHEMA_MAP,
    SCHEMA_ONE_OR_LIST, /* items of draft-07 */
    SCHEMA_MAP_OR_NAMES /* dependencies: a schema or an array of names a member */
};

struct schema_node_vec VECTOR_OF(struct schema_node *);

/* What has an $id, or is the root of a document. */
struct schema_resource {
    char *uri; /* absolute, without fragment */
    struct schema_node *root;
    enum schema_dialect dialect;
    unsigned vocabularies;
    struct map dynamic_anchors; /* name -> node, borrowed */
};

struct schema_resource_vec VECTOR_OF(struct schema_resource *);

enum schema_pattern_form {
    SCHEMA_PATTERN_CODE,   /* by pcre2 */
    SCHEMA_PATTERN_PREFIX, /* ^literal */
    SCHEMA_PATTERN_CLASS,  /* ^[class]{min,max}$ of ASCII */
};

struct schema_pattern {
    const char *source; /* borrowed from the document */
    enum schema_pattern_form form;
    pcre2_code *code;         /* of CODE */
    char *prefix;             /* of PREFIX */
    size_t prefix_len;        /* of PREFIX */
    uint64_t class[2];        /* of CLASS: a bit a character */
    size_t min;               /* of CLASS */
    size_t max;               /* of CLASS */
    struct schema_node *node; /* of patternProperties; NULL for pattern */
};

struct schema_pattern_vec VECTOR_OF(struct schema_pattern);

struct schema_frame;

/* A keyword of a node, or a group of keywords that only mean something together. Fields are as its keyword
 * needs. */
struct schema_check {
    const struct schema_keyword *keyword;
    bool (*holds)(const struct schema_frame *, const struct schema_check *); /* the keyword's */
    const json_t *value; /* the keyword's value in the document, borrowed */
    struct schema_node *node;
    struct schema_node *then_node;
    struct schema_node *else_node;
    struct schema_node_vec nodes;
    struct schema_names *names; /* name -> node; NULL: none */
    struct schema_pattern_vec patterns;
    const char *dynamic_anchor; /* of $dynamicRef: the name, when the static target bears it */
    const struct schema_format *format;
    unsigned types; /* mask by schema_type_mask() */
    size_t cost;    /* steps that it takes beyond one, whatever the value */
    int64_t min;
    int64_t max;
    /* How many members `required` wants, when it wants only such as `properties` names: these count them in
     * passing, and `required` itself is left to tell which are missing. 0 in both otherwise. */
    size_t counted;
};

struct schema_check_vec VECTOR_OF(struct schema_check);

struct schema_node {
    struct schema_node *around; /* the schema that holds this one; NULL at the root of a document */
    const char *keyword;        /* where it does so; NULL for a place found by a pointer alone */
    const char *name;           /* member of the keyword's value, borrowed; NULL: none */
    size_t index;               /* element of it; SIZE_MAX: none */
    char *place;                /* of a root its document's URI, of a place found by pointer that one */
    const json_t *json;         /* borrowed from the document */
    const char *expected;       /* x-expected, borrowed; NULL without */
    struct schema_resource *resource;
    struct schema_node_vec children; /* in the order of the document; until everything is compiled */
    struct schema_check_vec checks;
    size_t cost;          /* of its checks */
    unsigned plain_types; /* values that it takes without a further look; 0: none */
    bool tracks;          /* has an unevaluated keyword */
    bool forbids;         /* is `false` */
    enum { SCHEMA_UNLINKED, SCHEMA_LINKING, SCHEMA_LINKED } link;
};

struct schema {
    struct schema_node *root;
    struct schema_node_vec nodes; /* owned, in the order in which they were found */
    struct schema_resource_vec resources;
    struct map by_json; /* address of a JSON object -> node */
    struct map by_uri;  /* URI -> resource, borrowed */
    struct map anchors; /* "URI#name" -> node, borrowed */
    struct json_vec VECTOR_OF(json_t *) documents;
};

struct schema_compiler {
    struct schema *schema;
    struct schema_options options;
    struct error *err;
};

/* --- keywords ------------------------------------------------------------------------------------------- */

struct schema_keyword {
    const char *name;
    unsigned dialects; /* that know it: 1U << enum schema_dialect */
    unsigned vocabulary;
    enum schema_shape shape;
    bool in_place; /* applies its schemas to the same value */
    /* 0, an error, or 1 for what need not be checked; NULL: never */
    int (*compile)(struct schema_compiler *, struct schema_node *, struct schema_check *);
    bool (*holds)(const struct schema_frame *, const struct schema_check *);
};

/* The dialect's keywords in the order in which they are checked: NULL begins and ends. */
const struct schema_keyword *schema_keyword_after(enum schema_dialect dialect,
                                                  const struct schema_keyword *before);

/* --- scanning and compiling ----------------------------------------------------------------------------- */

/* "URI of the document#/pointer". Caller frees. */
char *schema_location(const struct schema_node *node);
/* Makes nodes of a document and all schemas in it. Takes the document over. */
int schema_scan_document(struct schema_compiler *compiler, json_t *document, const char *uri,
                         struct schema_node **ret_root);
/* The node of a schema at a place where no known keyword holds schemas; `around` is the nearest one above. */
int schema_scan_place(struct schema_compiler *compiler, struct schema_node *around, const json_t *json,
                      const char *place, struct schema_node **ret_node);
/* NULL when there is none. */
struct schema_node *schema_node_of(const struct schema_compiler *compiler, const json_t *json);
/* The node that a reference means. */
int schema_resolve(struct schema_compiler *compiler, const struct schema_node *from, const char *reference,
                   struct schema_node **ret_node);
/* The next node below `node` at a keyword, from child *at on, which moves; NULL at the end. */
struct schema_node *schema_child(const struct schema_node *node, const char *keyword, size_t *at);
int schema_fault(const struct schema_compiler *compiler, const struct schema_node *node, const char *keyword,
                 const char *expected);
/* Makes references that lead nowhere else than to another schema direct; ERROR_INVALID for schemas that
 * apply themselves to the same value again. */
int schema_link(struct schema_compiler *compiler);

struct schema_language {
    enum schema_dialect dialect;
    unsigned vocabularies;
};
/* What a resource with this $schema is written in. */
int schema_language_of(struct schema_compiler *compiler, const char *metaschema_uri,
                       struct schema_language *ret_language);

/* The document that holds what is known under the URI, counted, and the URI that the document itself has
 * (caller frees). */
int schema_registry_get(struct schema_registry *registry, const char *uri, json_t **ret_document,
                        char **ret_uri, struct error *err);

/* RFC 3986, 5.2: `reference` seen from `base`. Caller frees. */
char *schema_uri_resolve(const char *base, const char *reference);
bool schema_uri_is_absolute(const char *uri);
/* ERROR_LIMIT for one that is too long without its fragment. */
int schema_uri_check(const char *uri, struct error *err);
/* Without the fragment. Caller frees. */
char *schema_uri_document(const char *uri);
/* Percent-decodes in place. */
void schema_uri_decode(char *text);

/* ECMA-262 as PCRE2 says the same; caller frees. ERROR_INVALID for what is none. */
int schema_regex_translate(const char *source, size_t len, char **ret_text, struct error *err);
int schema_pattern_compile(const char *source, size_t len, struct schema_pattern *ret_pattern,
                           struct error *err);
void schema_pattern_deinit(struct schema_pattern *pattern);

/* A format of strings. */
struct schema_format {
    const char *name;
    bool (*holds)(const char *text, size_t len);
    const char *expected; /* "a date such as 2026-01-31" */
};
/* NULL for one that nobody checks. */
const struct schema_format *schema_format_by_name(const char *name);

int schema_compile_type(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_enum(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_const(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_number(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_multiple(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_size(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_boolean(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_strings(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_dependent(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_dependencies(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_pattern(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_format(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_ref(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_dynamic_ref(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_one(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_list(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_map(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_if(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_contains(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_items(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_old_items(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_members(struct schema_compiler *, struct schema_node *, struct schema_check *);
int schema_compile_unevaluated(struct schema_compiler *, struct schema_node *, struct schema_check *);

/* --- values --------------------------------------------------------------------------------------------- */

/* A bit for each type that the value has: an integral real is an integer as well. */
static inline unsigned schema_type_mask(const json_t *value)
{
    static const unsigned char masks[] = {
        [JSON_NULL] = 1,  [JSON_TRUE] = 2,    [JSON_FALSE] = 2, [JSON_OBJECT] = 4,
        [JSON_ARRAY] = 8, [JSON_STRING] = 16, [JSON_REAL] = 32, [JSON_INTEGER] = 64};
    return json_is_real(value) && rint(json_real_value(value)) == json_real_value(value)
               ? 64
               : masks[json_typeof(value)];
}
/* 0 for a word that is no type. */
unsigned schema_type_by_name(const char *name);
/* As JSON Schema compares: 1 equals 1.0. Recursion is bounded by the values' depth. */
bool schema_value_equal(const json_t *a, const json_t *b);
/* Values in it, with itself. */
size_t schema_value_size(const json_t *value);
/* -1, 0, 1. Both are numbers. */
int schema_number_compare(const json_t *a, const json_t *b);
bool schema_number_is_multiple(const json_t *value, const json_t *factor);
/* Whether two elements are equal; which ones. */
bool schema_find_equal_elements(const json_t *array, size_t *ret_first, size_t *ret_second);
size_t schema_string_characters(const json_t *string);
