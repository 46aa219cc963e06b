/* Formats, patterns of ECMA-262 and both dialects: one case for each rule. The standard's own suite, where it
 * is at hand, has many more (test_schema_suite.c). */
#include "base/memory.h"
#include "base/text.h"
#include "manifest/schema.h"
#include "unit.h"

#include <jansson.h>
#include <string.h>

static bool holds(const struct schema_options *options, const char *schema_text, const char *value_text)
{
    struct error err = ERROR_INIT;
    struct schema CLEANUP(schema_freep) *schema = NULL;
    json_t *document = json_loads(schema_text, JSON_DECODE_ANY, NULL);
    json_t *value = json_loads(value_text, JSON_DECODE_ANY, NULL);
    assert_non_null(document);
    assert_non_null(value);
    if (schema_compile(options, document, &schema, &err) < 0)
        fail_msg("%s: %s", schema_text, error_text(&err));
    bool good = schema_validate(schema, value, NULL) == 0;
    json_decref(document);
    json_decref(value);
    return good;
}

struct sample {
    const char *of; /* a format or a pattern */
    const char *text;
    bool holds;
};

static void check_samples(const struct sample *samples, size_t len, const char *keyword)
{
    for (size_t i = 0; i < len; i++) {
        json_t *schema = json_pack("{ss}", keyword, samples[i].of);
        json_t *value = json_string(samples[i].text);
        CLEANUP_FREE char *schema_text = json_dumps(schema, 0);
        CLEANUP_FREE char *value_text = json_dumps(value, JSON_ENCODE_ANY);
        if (holds(NULL, schema_text, value_text) != samples[i].holds)
            fail_msg("%s of %s should %shold", schema_text, value_text, samples[i].holds ? "" : "not ");
        json_decref(schema);
        json_decref(value);
    }
}

static void test_formats(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"date-time", "2026-01-31T23:59:59.5+01:00", true},
        {"date-time", "2026-01-31 23:59:59Z", false},
        {"date", "2024-02-29", true},
        {"date", "2026-02-29", false},
        {"date", "2026-13-01", false},
        {"time", "23:59:60Z", true},
        {"time", "22:59:60Z", false},
        {"time", "12:00:00", false},
        {"duration", "P1Y2M3DT4H5M6S", true},
        {"duration", "P2W", true},
        {"duration", "P1Y2D", false},
        {"duration", "PT", false},
        {"email", "a.b@example.com", true},
        {"email", "\"a b\"@[127.0.0.1]", true},
        {"email", "a..b@example.com", false},
        {"hostname", "a-b.example", true},
        {"hostname", "-a", false},
        {"hostname", "a.", false},
        {"ipv4", "255.0.0.1", true},
        {"ipv4", "1.2.3.04", false},
        {"ipv4", "256.0.0.1", false},
        {"ipv6", "::ffff:1.2.3.4", true},
        {"ipv6", "1:2:3:4:5:6:7:8", true},
        {"ipv6", "1::2::3", false},
        {"ipv6", "1:2:3:4:5:6:7", false},
        {"uri", "https://u@[::1]:80/a%20b?c#d", true},
        {"uri", "/a", false},
        {"uri", "http://a b", false},
        {"uri-reference", "../a?b", true},
        {"uri-reference", "1:a", false},
        {"uri-reference", "%zz", false},
        {"iri", "http://\u0192\u00f8\u00f8/", true},
        {"uri", "http://\u0192\u00f8\u00f8/", false},
        {"uuid", "123e4567-e89b-12d3-a456-426614174000", true},
        {"uuid", "123e4567e89b-12d3-a456-4266141740000", false},
        {"regex", "^(a|b)+$", true},
        {"regex", "(a", false},
        {"json-pointer", "/a~1b/0", true},
        {"json-pointer", "a", false},
        {"json-pointer", "/~2", false},
        {"relative-json-pointer", "1/a", true},
        {"relative-json-pointer", "01/a", false},
        {"of-my-own", "anything", true},
    };
    const struct schema_options as_notes = {.formats_are_notes = true};
    check_samples(samples, ARRAY_LEN(samples), "format");
    assert_true(holds(&as_notes, "{\"format\": \"date\"}", "\"tomorrow\""));
    assert_true(holds(NULL, "{\"format\": \"date\"}", "1"));
}

static void test_patterns(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"b", "abc", true},
        {"^a|c$", "bc", true},
        {"^x-", "x-y", true},
        {"^x-", "y-x-", false},
        {"^[a-c]{2,3}$", "abc", true},
        {"^[a-c]{2,3}$", "a", false},
        {"^[a-c]{2,3}$", "abca", false},
        {"^[a-c]{2,}$", "abcabc", true},
        {"^[^a-c]*$", "", true},
        {"^[^a-c]+$", "\u00e9\u00e9", true},
        {"^[^a-c]{2}$", "\u00e9\u00e9", true},
        {"^\\S+$", "a\u00a0", false},
        {"^\\s$", "\ufeff", true},
        {"^[\\s-x]$", "-", true},
        {"^[\\s-x]$", "b", false},
        {"^[a-\\s]$", "-", true},
        {"^[\\S]$", "\u2003", false},
        {"^\\d$", "\u0663", false},
        {"^\\w$", "\u00e9", false},
        {"^.$", "\u2028", false},
        {"^.$", "\U0001F600", true},
        {"^\\u{1F600}$", "\U0001F600", true},
        {"^\\uD83D\\uDE00$", "\U0001F600", true},
        {"^\\p{Uppercase_Letter}\\p{gc=Ll}$", "\u00c9\u00e9", true},
        {"^\\p{Script=Greek}$", "\u03b1", true},
        {"^\\cA$", "\x01", true},
        {"^a$", "a\n", false},
        {"^[[:alpha:]]$", "[]", true}, /* a class of six, and then a bracket */
        {"^{a}$", "{a}", true},
        {"^a{,2}$", "a{,2}", true},
        {"^(?:(a)|b)\\1$", "b", true},
        {"^(?<x>a)\\k<x>$", "aa", true},
        {"^[^]$", "\n", true},
        {"^\\-\\/\\_$", "-/_", true},
        {"\\vx", "\x0bx", true},
    };
    static const char *const refused[] = {
        "\\Z",  "\\Ab",  "\\Qa", "(?i)a", "(?>a)",       "(?#c)", "(?P<n>a)", "(?R)", "(*UTF)a",
        "a++",  "a{2}+", "^*",   "\\01",  "[\\1]",       "\\u12", "\\x1",     "\\c1", "\\p{Foo}",
        "\\pL", "(a",    "[a",   "\\",    "\\u{110000}", "a|*",   "\\N{U+41}"};
    check_samples(samples, ARRAY_LEN(samples), "pattern");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const struct sample regex = {"regex", refused[i], false};
        check_samples(&regex, 1, "format");
    }
}

static void test_dialects(void **state)
{
    (void)state;
#define OLD "\"$schema\": \"http://json-schema.org/draft-07/schema#\", "
    static const struct {
        const char *schema;
        const char *value;
        bool holds;
        bool holds_in_old; /* the same with draft-07's $schema */
    } cases[] = {
        {"{%s\"items\": {\"type\": \"integer\"}}", "[\"a\"]", false, false},
        {"{%s\"prefixItems\": [{\"type\": \"integer\"}]}", "[\"a\"]", false, true},
        {"{%s\"$ref\": \"#/definitions/a\", \"type\": \"integer\", \"definitions\": {\"a\": true}}", "\"a\"",
         false, true},
        {"{%s\"dependencies\": {\"a\": [\"b\"], \"c\": false}}", "{\"a\": 1}", false, false},
        {"{%s\"dependencies\": {\"a\": [\"b\"], \"c\": false}}", "{\"c\": 1}", false, false},
        {"{%s\"dependencies\": {\"a\": [\"b\"], \"c\": false}}", "{\"a\": 1, \"b\": 1}", true, true},
        {"{%s\"dependentRequired\": {\"a\": [\"b\"]}}", "{\"a\": 1}", false, true},
        {"{%s\"contains\": true, \"minContains\": 2}", "[1]", false, true},
        {"{%s\"unevaluatedProperties\": false}", "{\"a\": 1}", false, true},
        {"{%s\"if\": {\"type\": \"integer\"}, \"then\": {\"minimum\": 2}, \"else\": false}", "1", false,
         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *percent = strstr(cases[i].schema, "%s");
        for (int old = 0; old < 2; old++) {
            CLEANUP_FREE char *schema = memory_printf("%.*s%s%s", (int)(percent - cases[i].schema),
                                                      cases[i].schema, old ? OLD : "", percent + 2);
            if (holds(NULL, schema, cases[i].value) != (old ? cases[i].holds_in_old : cases[i].holds))
                fail_msg("%s of %s", schema, cases[i].value);
        }
    }
    assert_true(holds(NULL, "{" OLD "\"items\": [{\"type\": \"integer\"}]}", "[1, \"a\"]"));
    assert_false(holds(NULL, "{" OLD "\"items\": [true], \"additionalItems\": false}", "[1, \"a\"]"));
    assert_false(holds(
        NULL, "{" OLD "\"$ref\": \"#name\", \"definitions\": {\"a\": {\"$id\": \"#name\", \"minimum\": 2}}}",
        "1"));
    const struct schema_options old = {.dialect = SCHEMA_DRAFT_07};
    assert_true(holds(&old, "{\"prefixItems\": [false]}", "[1]"));
}

/* A document may hold another one's dialect, and the meta-schemas are at hand. */
static void test_metaschemas(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        bool is_one;
        bool is_old_one;
    } cases[] = {
        {"true", true, true},
        {"{\"type\": [\"null\", \"array\"], \"required\": [\"a\"], \"items\": {\"minimum\": 1}}", true, true},
        {"{\"type\": \"int\"}", false, false},
        {"{\"items\": [{}]}", false, true},
        {"{\"prefixItems\": [{\"minLength\": -1}]}", false, true},
        {"{\"properties\": {\"a\": {\"pattern\": \"(\"}}}", false, false},
        {"{\"$defs\": {\"a\": 1}}", false, true},
        {"{\"$id\": \"#a\"}", false, true},
        {"{\"unevaluatedItems\": 1}", false, true},
        {"{\"description\": 1}", false, false},
        {"{\"contentSchema\": {\"format\": 1}}", false, true},
    };
    static const char current[] = "{\"$ref\": \"https://json-schema.org/draft/2020-12/schema\"}";
    static const char old[] = "{\"$ref\": \"http://json-schema.org/draft-07/schema#\"}";
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (holds(NULL, current, cases[i].schema) != cases[i].is_one ||
            holds(NULL, old, cases[i].schema) != cases[i].is_old_one)
            fail_msg("%s", cases[i].schema);
    }
    assert_true(holds(NULL, current, schema_metaschema(SCHEMA_2020_12)));
    assert_true(holds(NULL, old, schema_metaschema(SCHEMA_DRAFT_07)));
    static const char count[] =
        "{\"$ref\": \"https://json-schema.org/draft/2020-12/meta/validation#/$defs/nonNegativeInteger\"}";
    assert_false(holds(NULL, count, "-1"));
    assert_true(holds(NULL, count, "1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_dialects),
        cmocka_unit_test(test_metaschemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
