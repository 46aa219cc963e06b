/* What the reader is told. Validity itself is test_schema_suite's. */
#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "manifest/document.h"
#include "manifest/schema.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *json_of(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &error);
    if (!json)
        fail_msg("%s: %s", text, error.text);
    return json;
}

static struct schema *compile(const char *text)
{
    struct error err = ERROR_INIT;
    struct schema *schema = NULL;
    json_t *document = json_of(text);
    if (schema_compile(NULL, document, &schema, &err) < 0)
        fail_msg("%s", error_text(&err));
    json_decref(document);
    return schema;
}

/* All that is told, line by line; caller frees. */
static char *told(const char *schema_text, const char *value_text)
{
    struct schema CLEANUP(schema_freep) *schema = compile(schema_text);
    struct diagnostics diagnostics = {0};
    struct buffer out = BUFFER_INIT(1 << 20);
    json_t *value = json_of(value_text);
    schema_validate(schema, value, &diagnostics);
    for (size_t i = 0; i < diagnostics.list.len; i++) {
        CLEANUP_FREE char *text = diagnostic_to_text(&diagnostics.list.items[i]);
        buffer_printf(&out, "%s%s: %s", i ? "\n" : "", diagnostics.list.items[i].code,
                      text + strlen("error: "));
    }
    json_decref(value);
    diagnostics_deinit(&diagnostics);
    return buffer_steal(&out);
}

static void test_messages(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        const char *value;
        const char *told;
    } cases[] = {
        {"{\"properties\": {\"port\": {\"type\": [\"integer\", \"null\"]}}}", "{\"port\": \"80\"}",
         "type: wrong type at /port; found the string \"80\", expected an integer or null"},
        {"{\"enum\": [\"REPLICA\", \"DAEMON\"]}", "\"REPLIKA\"",
         "value: not an allowed value; found the string \"REPLIKA\", expected one of \"REPLICA\", "
         "\"DAEMON\"; did you "
         "mean \"REPLICA\"?"},
        {"{\"const\": 1}", "2",
         "value: not the value that must stand here; found the number 2, expected the number 1"},
        {"{\"minimum\": 1}", "0", "range: too small; found the number 0, expected at least 1"},
        {"{\"exclusiveMaximum\": 1.5}", "2", "range: too large; found the number 2, expected less than 1.5"},
        {"{\"multipleOf\": 4}", "6", "range: not a multiple; found the number 6, expected a multiple of 4"},
        {"{\"maxLength\": 1}", "\"\u00e9\u00e9\"",
         "length: too long; found 2 characters, expected at most 1"},
        {"{\"minItems\": 2}", "[1]", "length: too few elements; found 1 element, expected at least 2"},
        {"{\"pattern\": \"^a+$\", \"x-expected\": \"some letters a\"}", "\"b\"",
         "pattern: the string has not the right form; found the string \"b\", expected some letters a"},
        {"{\"uniqueItems\": true}", "[1, {\"a\": 2}, {\"a\": 2.0}]",
         "duplicate: the same element as at index 1 at /2; found an object with 1 member, expected elements "
         "that "
         "differ"},
        {"{\"required\": [\"a\", \"b\"]}", "{}",
         "missing-member: member \"a\" is missing\nmissing-member: member \"b\" is missing"},
        {"{\"dependentRequired\": {\"a\": [\"b\"]}}", "{\"a\": 1}",
         "missing-member: member \"b\" is missing, which \"a\" needs beside it"},
        {"{\"properties\": {\"image\": true, \"name\": true}, \"additionalProperties\": false}",
         "{\"imge\": 1, \"zzzzzz\": 2}",
         "unknown-member: unknown member \"imge\" at /imge; did you mean \"image\"?\n"
         "unknown-member: unknown member \"zzzzzz\" at /zzzzzz"},
        {"{\"properties\": {\"passwordFile\": true, \"portOne\": true, \"portAndTwo\": true}, "
         "\"additionalProperties\": false}",
         "{\"password\": 1, \"port\": 2}",
         "unknown-member: unknown member \"password\" at /password; did you mean \"passwordFile\"?\n"
         "unknown-member: unknown member \"port\" at /port"},
        {"{\"allOf\": [{\"$ref\": \"#/$defs/base\"}], \"unevaluatedProperties\": false, "
         "\"$defs\": {\"base\": {\"properties\": {\"memory\": {\"type\": \"integer\"}}}}}",
         "{\"memory\": \"x\", \"memry\": 1}",
         "type: wrong type at /memory; found the string \"x\", expected an integer\n"
         "unknown-member: unknown member \"memry\" at /memry; did you mean \"memory\"?"},
        {"{\"propertyNames\": {\"pattern\": \"^[a-z]+$\"}}", "{\"A/b\": 1}",
         "member-name: \"A/b\" is not allowed as a member's name at /A~1b"},
        {"{\"contains\": {\"const\": 1}}", "[2]",
         "shape: the wrong number of elements of a certain shape; found 0 that fit, expected at least 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP_FREE char *text = told(cases[i].schema, cases[i].value);
        assert_string_equal(text, cases[i].told);
    }
}

static void test_best_branch_tells(void **state)
{
    (void)state;
    static const char choice[] =
        "{\"oneOf\": ["
        "{\"properties\": {\"kind\": {\"const\": \"a\"}, \"x\": {\"type\": \"integer\"}}, \"required\": "
        "[\"kind\"]},"
        "{\"properties\": {\"kind\": {\"const\": \"b\"}, \"y\": {\"type\": \"integer\"}, \"z\": {\"type\": "
        "\"integer\"}}, \"required\": [\"kind\"]}]}";
    static const char types[] =
        "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"integer\", \"minimum\": 1}]}";
    CLEANUP_FREE char *branch = told(choice, "{\"kind\": \"b\", \"y\": \"1\", \"z\": \"2\"}");
    assert_string_equal(branch, "type: wrong type at /y; found the string \"1\", expected an integer\n"
                                "type: wrong type at /z; found the string \"2\", expected an integer");
    CLEANUP_FREE char *type = told(types, "true");
    assert_string_equal(type, "type: wrong type; found true, expected a string or an integer");
    CLEANUP_FREE char *number = told(types, "0");
    assert_string_equal(number, "range: too small; found the number 0, expected at least 1");
    CLEANUP_FREE char *both = told("{\"oneOf\": [{\"type\": \"integer\"}, {\"minimum\": 1}]}", "2");
    assert_string_equal(
        both, "shape: fits more than one of the shapes of which one must be chosen, the shapes 1 and 2");
}

static void test_bounds(void **state)
{
    (void)state;
    CLEANUP_FREE char *loop =
        told("{\"$dynamicAnchor\": \"a\", \"allOf\": [{\"$dynamicRef\": \"#a\"}]}", "1");
    assert_string_equal(loop, "limit: schemas apply schemas too deeply (LIMIT_SCHEMA_DEPTH)");
    CLEANUP_FREE char *pattern =
        told("{\"pattern\": \"^(a+)+$\"}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"");
    assert_string_equal(pattern,
                        "limit: a pattern takes too many steps on a value (LIMIT_PATTERN_MATCH_STEPS)");
}

/* Neither many choices for many values, nor many looks at a long string, nor many hard matches take long. */
static void test_work_is_bounded(void **state)
{
    (void)state;
    static const char out_of_steps[] =
        "limit: the schema takes too many steps on the value (LIMIT_SCHEMA_STEPS)";
    struct buffer CLEANUP(buffer_deinit) numbers = BUFFER_INIT(1 << 24);
    struct buffer CLEANUP(buffer_deinit) lengths = BUFFER_INIT(1 << 24);
    struct buffer CLEANUP(buffer_deinit) letters = BUFFER_INIT(1 << 24);
    for (int i = 0; i < 10000; i++) {
        buffer_printf(&numbers, "%s%d", i ? "," : "", i);
        buffer_printf(&lengths, "%s{\"minLength\":%d}", i ? "," : "", i);
    }
    for (int i = 0; i < 100000; i++)
        buffer_append_str(&letters, "a");
    CLEANUP_FREE char *choice = memory_printf("{\"items\": {\"enum\": [%s]}}", buffer_str(&numbers));
    CLEANUP_FREE char *values = memory_printf("[%s]", buffer_str(&numbers));
    CLEANUP_FREE char *choices = told(choice, values);
    assert_string_equal(choices, out_of_steps);
    CLEANUP_FREE char *all = memory_printf("{\"allOf\": [%s]}", buffer_str(&lengths));
    CLEANUP_FREE char *text = memory_printf("\"%s\"", buffer_str(&letters));
    CLEANUP_FREE char *looks = told(all, text);
    assert_string_equal(looks, out_of_steps);
    CLEANUP_FREE char *search = told("{\"pattern\": \"a*a*a*b\"}", text);
    assert_string_equal(search, out_of_steps);
}

static void test_faults_are_counted_beyond_the_bound(void **state)
{
    (void)state;
    struct schema CLEANUP(schema_freep) *schema = compile("{\"items\": {\"type\": \"string\"}}");
    struct diagnostics diagnostics = {0};
    json_t *array = json_array();
    for (int i = 0; i < LIMIT_DIAGNOSTICS + 5; i++)
        json_array_append_new(array, json_integer(i));
    assert_int_equal(schema_validate(schema, array, &diagnostics), ERROR_INVALID);
    assert_int_equal(diagnostics.list.len, LIMIT_DIAGNOSTICS);
    assert_int_equal(diagnostics.errors, LIMIT_DIAGNOSTICS + 5);
    diagnostics_deinit(&diagnostics);
    json_decref(array);
}

static void test_bad_schemas_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        int code;
        const char *message;
    } cases[] = {
        {"{\"properties\": {\"a\": {\"type\": \"int\"}}}", ERROR_INVALID,
         "schema schema:/#/properties/a: type must be the name of a type or an array of them"},
        {"{\"$ref\": \"#/$defs/none\"}", ERROR_NOT_FOUND,
         "schema schema:/#: the reference #/$defs/none leads nowhere"},
        {"{\"$ref\": \"https://example.com/other\"}", ERROR_NOT_FOUND,
         "schema schema:/#: the reference https://example.com/other leads nowhere"},
        {"{\"allOf\": {}}", ERROR_INVALID, "schema schema:/#: allOf must be an array of schemas"},
        {"{\"not\": 1}", ERROR_INVALID, "schema schema:/#/not must be an object or a boolean"},
        {"{\"minLength\": -1}", ERROR_INVALID, "schema schema:/#: minLength must be an integer, 0 or more"},
        {"{\"$ref\": \"#\"}", ERROR_INVALID, "schema schema:/# applies itself to the same value without end"},
        {"{\"anyOf\": [true, {\"not\": {\"$ref\": \"#/$defs/a\"}}], \"$defs\": {\"a\": {\"$ref\": \"#\"}}}",
         ERROR_INVALID, "schema schema:/# applies itself to the same value without end"},
        {"{\"$schema\": \"https://example.com/mine\"}", ERROR_UNSUPPORTED,
         "$schema https://example.com/mine is unknown; known are "
         "https://json-schema.org/draft/2020-12/schema "
         "and http://json-schema.org/draft-07/schema#"},
        {"{\"$defs\": {\"a/b\": {\"$id\": \"x#y\"}}}", ERROR_INVALID,
         "schema schema:/#/$defs/a~1b: $id must be an URI without a fragment"},
        {"{\"format\": 1}", ERROR_INVALID, "schema schema:/#: format must be a string"},
        {"{\"pattern\": \"(\"}", ERROR_INVALID, "schema schema:/#: pattern (: missing closing parenthesis"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err = ERROR_INIT;
        struct schema *schema = NULL;
        json_t *document = json_of(cases[i].schema);
        assert_int_equal(schema_compile(NULL, document, &schema, &err), cases[i].code);
        assert_string_equal(err.message, cases[i].message);
        assert_null(schema);
        json_decref(document);
    }
}

/* Names can be made to collide in the table of members; each is found nevertheless. */
static void test_names_that_collide(void **state)
{
    (void)state;
    struct buffer CLEANUP(buffer_deinit) properties = BUFFER_INIT(1 << 20);
    for (int i = 0; i < 200; i++)
        buffer_printf(&properties, "%s\"beginning%03dend-of-it\": {\"const\": %d}", i ? "," : "", i, i);
    CLEANUP_FREE char *text = memory_printf("{\"properties\": {%s}, \"additionalProperties\": false, "
                                            "\"required\": [\"beginning007end-of-it\"]}",
                                            buffer_str(&properties));
    struct schema CLEANUP(schema_freep) *schema = compile(text);
    for (int i = 0; i < 200; i++) {
        CLEANUP_FREE char *name = memory_printf("beginning%03dend-of-it", i);
        json_t *value = json_pack("{si si}", "beginning007end-of-it", 7, name, i);
        assert_int_equal(schema_validate(schema, value, NULL), 0);
        json_object_set_new(value, name, json_integer(i + 1));
        assert_int_equal(schema_validate(schema, value, NULL), ERROR_INVALID);
        json_decref(value);
    }
    json_t *without = json_pack("{si}", "beginning008end-of-it", 8);
    assert_int_equal(schema_validate(schema, without, NULL), ERROR_INVALID);
    json_decref(without);
}

static void test_long_uris_are_refused(void **state)
{
    (void)state;
    static const char *const keywords[] = {"$id", "$ref"};
    char uri[LIMIT_SCHEMA_URI_BYTES + 1] = {0};
    memset(uri, 'a', sizeof uri - 1);
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
        struct error err = ERROR_INIT;
        struct schema *schema;
        json_t *document = json_pack("{ss}", keywords[i], uri);
        assert_int_equal(schema_compile(NULL, document, &schema, &err), ERROR_LIMIT);
        assert_non_null(strstr(err.message, "LIMIT_SCHEMA_URI_BYTES"));
        json_decref(document);
    }
}

/* A meta-schema of one's own says which vocabularies count. */
static void test_vocabularies(void **state)
{
    (void)state;
    struct schema_registry CLEANUP(schema_registry_freep) *registry = schema_registry_new();
    json_t *meta = json_of("{\"$vocabulary\": {\"https://json-schema.org/draft/2020-12/vocab/core\": true, "
                           "\"https://json-schema.org/draft/2020-12/vocab/format-assertion\": true}}");
    json_t *strange = json_of("{\"$vocabulary\": {\"https://example.com/vocabulary\": true}}");
    json_t *document =
        json_of("{\"$schema\": \"https://example.com/meta\", \"minLength\": 9, \"format\": \"date\"}");
    json_t *unknown = json_of("{\"$schema\": \"https://example.com/strange\"}");
    struct schema_options options = {.registry = registry, .formats_are_notes = true};
    struct schema *schema = NULL;
    assert_int_equal(schema_registry_add(registry, "https://example.com/meta", meta, NULL), 0);
    assert_int_equal(schema_registry_add(registry, "https://example.com/strange", strange, NULL), 0);
    assert_int_equal(schema_compile(&options, unknown, &schema, NULL), ERROR_UNSUPPORTED);
    assert_int_equal(schema_compile(&options, document, &schema, NULL), 0);
    json_t *good = json_string("");
    assert_int_equal(schema_validate(schema, good, NULL), ERROR_INVALID); /* no date */
    json_string_set(good, "2026-01-31");
    assert_int_equal(schema_validate(schema, good, NULL), 0);
    json_decref(good);
    schema_free(schema);
    json_decref(meta);
    json_decref(strange);
    json_decref(document);
    json_decref(unknown);
}

static void test_registry(void **state)
{
    (void)state;
    struct schema_registry CLEANUP(schema_registry_freep) *registry = schema_registry_new();
    json_t *name = json_of("{\"$id\": \"https://example.com/b/name\", \"$ref\": \"../c#/$defs/short\"}");
    json_t *shorter = json_of("{\"$defs\": {\"short\": {\"maxLength\": 2}}}");
    json_t *document = json_of("{\"$ref\": \"https://example.com/name\"}");
    struct schema *schema = NULL;
    assert_int_equal(schema_registry_add(registry, "name", name, NULL), ERROR_INVALID);
    assert_int_equal(schema_registry_add(registry, "https://example.com/name", name, NULL), 0);
    assert_int_equal(schema_registry_add(registry, "https://example.com/name#", name, NULL), ERROR_EXISTS);
    assert_int_equal(schema_registry_add(registry, "https://example.com/c", shorter, NULL), 0);
    struct schema_options options = {.registry = registry};
    assert_int_equal(schema_compile(&options, document, &schema, NULL), 0);
    schema_registry_free(TAKE(registry));
    json_t *value = json_string("abc");
    assert_int_equal(schema_validate(schema, value, NULL), ERROR_INVALID);
    json_decref(value);
    schema_free(schema);
    json_decref(name);
    json_decref(shorter);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_best_branch_tells),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_faults_are_counted_beyond_the_bound),
        cmocka_unit_test(test_bad_schemas_are_refused),
        cmocka_unit_test(test_work_is_bounded),
        cmocka_unit_test(test_names_that_collide),
        cmocka_unit_test(test_long_uris_are_refused),
        cmocka_unit_test(test_vocabularies),
        cmocka_unit_test(test_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
