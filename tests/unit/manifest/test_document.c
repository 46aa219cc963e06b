#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *name, const char *content, struct document_vec *ret_documents,
                 struct diagnostics *diagnostics)
{
    struct document_input input = {name, content, strlen(content)};
    return document_parse(&input, ret_documents, diagnostics);
}

/* The compact JSON of document i; caller frees. */
static char *dump(const struct document_vec *documents, size_t i)
{
    assert_true(i < documents->len);
    return json_dumps(documents->items[i].value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static void assert_reads(const char *name, const char *content, const char *expected)
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

static void assert_refused(const struct refusal *refusal)
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

static void test_json_values(void **state)
{
    (void)state;
    assert_reads("a.json", "{\"b\": [1, -2, 0.5, 1e2, true, false, null], \"a\": {}}",
                 "{\"b\":[1,-2,0.5,100.0,true,false,null],\"a\":{}}");
    assert_reads("a.JSON", " [ ] ", "[]");
    assert_reads("a.json", "\"\\u00e9 \\ud83d\\ude00 \\n\\/\"", "\"\u00e9 \U0001F600 \\n/\"");
    assert_reads("a.json", "-9223372036854775808", "-9223372036854775808");
}

static void test_json_refusals(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"a.json", "", "a.json:1:1: error: the file ends too early; expected a value"},
        {"a.json", "{\"a\": 1,}",
         "a.json:1:9: error: unexpected }; expected a member name in double quotes; JSON "
         "allows no comma before }"},
        {"a.json", "[1,\n 2,]",
         "a.json:2:4: error: unexpected ] at /2; expected a value; JSON allows no comma before ]"},
        {"a.json", "{\"a\": 1\n \"b\": 2}",
         "a.json:2:2: error: unexpected \"b; expected a comma or }; a comma is "
         "missing before it"},
        {"a.json", "{\"\u00e9\": x}", "a.json:1:7: error: unexpected x at /\u00e9; expected a value"},
        {"a.json", "{\"a\": 1, \"b\": {\"c\": 1,\n\"c\": 2}}",
         "a.json:2:1: error: member \"c\" is given twice, first at line 1, column 16 at /b/c; keep one of "
         "the two"},
        {"a.json", "// x\n{}", "a.json:1:1: error: unexpected //; expected a value; JSON has no comments"},
        {"a.json", "[NaN]", "a.json:1:2: error: unexpected NaN at /0; expected a value; JSON has no NaN"},
        {"a.json", "[-Infinity]", "a.json:1:2: error: unexpected -Infinity at /0"},
        {"a.json", "[01]", "a.json:1:2: error: unexpected 01 at /0; expected a number"},
        {"a.json", "9223372036854775808", "a.json:1:1: error: 9223372036854775808 is out of range"},
        {"a.json", "[1e999]", "a.json:1:2: error: 1e999 is out of range"},
        {"a.json", "{} {}", "a.json:1:4: error: unexpected {; expected the end of the file"},
        {"a.json", "[\"a\nb\"]", "a.json:1:2: error: the string that begins here is not closed on its line"},
        {"a.json", "[\"\\ud800\"]", "a.json:1:3: error: the first half of a surrogate pair"},
        {"a.json", "[\"\\u0000\"]", "a.json:1:3: error: \\u0000 in a string"},
        {"a.json", "[\"\\x\"]", "a.json:1:3: error: JSON has no such escape"},
        {"a.json", "[{{ .Port }}]",
         "a.json:1:2: error: unexpected { at /0; expected a value; templates must be"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
}

static void test_yaml_core_schema(void **state)
{
    (void)state;
    assert_reads("a.yaml", "[yes, on, No, true, True, TRUE, ~, null, '', 2001-12-14]",
                 "[\"yes\",\"on\",\"No\",true,true,true,null,null,\"\",\"2001-12-14\"]");
    assert_reads("a.yml",
                 "[012, 0o14, 0x0C, +1, -1, 1.0, .5, 1e3, 1_000, 1:20, 0b1, '12', !!str 12, !!float 1]",
                 "[12,12,12,1,-1,1.0,0.5,1000.0,\"1_000\",\"1:20\",\"0b1\",\"12\",\"12\",1]");
    assert_reads("a.yaml", "a:\nb: |\n  x\n  y\n", "{\"a\":null,\"b\":\"x\\ny\\n\"}");
    assert_reads("a.yaml", "a: &x {p: [1]}\nb: *x\n", "{\"a\":{\"p\":[1]},\"b\":{\"p\":[1]}}");
}

static void test_yaml_refusals(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"a.yaml", "a: 1\nb: 2\na: 3",
         "a.yaml:3:1: error: member \"a\" is given twice, first at line 1, column 1 at /a"},
        {"a.yaml", "80: x", "a.yaml:1:1: error: the key 80 is not a string; quote it"},
        {"a.yaml", "[a]: x", "a.yaml:1:1: error: a mapping or a sequence cannot be a key"},
        {"a.yaml", "a: &x {}\nb:\n  <<: *x",
         "a.yaml:3:3: error: merge keys (<<) are not part of YAML 1.2 at /b"},
        {"a.yaml", "a: !Ref x", "a.yaml:1:4: error: the tag !Ref is none of YAML's core schema at /a; leave"},
        {"a.yaml", "a: !!int x", "a.yaml:1:4: error: \"x\" is not what its tag"},
        {"a.yaml", "a: .inf", "a.yaml:1:4: error: JSON has neither infinity nor NaN at /a"},
        {"a.yaml", "a: [-.INF]", "a.yaml:1:5: error: JSON has neither infinity nor NaN at /a/0"},
        {"a.yaml", "a: 99999999999999999999", "a.yaml:1:4: error: 99999999999999999999 is out of range"},
        {"a.yaml", "a: *x", "a.yaml:1:4: error: the alias *x has no anchor before it"},
        {"a.yaml", "a: &x [*x]", "a.yaml:1:8: error: the alias *x stands inside its own anchor"},
        {"a.yaml", "a: \"\\0\"", "a.yaml:1:4: error: \\0 in a string"},
        {"a.yaml", "a:\n\tb: 1",
         "a.yaml:2:1: error: while scanning for the next token found character that cannot "
         "start any token at /a; YAML indents with spaces, not tabs"},
        {"a.yaml", "a: [1",
         "a.yaml:2:1: error: while parsing a flow sequence did not find expected ',' or ']' at /a/1; it "
         "begins at line 1, column 4"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
}

static void test_files_that_are_no_manifests(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"a.txt", "{}", "a.txt: error: the name ends in none of .json, .yaml, .yml"},
        {"a.json", "\xEF\xBB\xBF{}",
         "a.json:1:1: error: the file begins with a byte order mark; save it as UTF-8 without"},
        {"a.yaml", "\xFF\xFE{", "a.yaml:1:1: error: the file is UTF-16, not UTF-8"},
        {"a.yaml", "a: \u00e9\nb: \xE9", "a.yaml:2:4: error: the file is not UTF-8; found byte 0xE9"},
        {"a.yaml", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
         "a.yaml:1:1: error: the file is a git-LFS pointer"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    struct document_input binary = {"a.json", "{\0}", 3};
    assert_int_equal(document_parse(&binary, &documents, &diagnostics), ERROR_INVALID);
    assert_string_equal(diagnostics.list.items[0].message, "the file holds a NUL byte, it is not text");
    assert_int_equal(diagnostics.list.items[0].at.column, 2);
    diagnostics_deinit(&diagnostics);
}

static void assert_limit(const char *name, const char *content, const char *limit)
{
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    assert_int_equal(parse(name, content, &documents, &diagnostics), ERROR_LIMIT);
    assert_string_equal(diagnostics.list.items[0].code, "limit");
    assert_non_null(strstr(diagnostics.list.items[0].message, limit));
    diagnostics_deinit(&diagnostics);
}

static char *repeated(const char *before, const char *part, size_t times, const char *after)
{
    size_t len = strlen(part);
    char *text = memory_alloc(strlen(before) + times * len + strlen(after) + 1);
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, part);
    stpcpy(at, after);
    return text;
}

static void test_limits(void **state)
{
    (void)state;
    CLEANUP_FREE char *deep = repeated("", "[", LIMIT_DOCUMENT_DEPTH + 1, "");
    CLEANUP_FREE char *wide = repeated("[0", ",0", LIMIT_DOCUMENT_NODES - 1, "]");
    CLEANUP_FREE char *aliases = repeated("a: &a 1\nb: [*a", ",*a", LIMIT_YAML_ALIASES, "]");
    CLEANUP_FREE char *documents = repeated("", "--- {}\n", LIMIT_MANIFEST_DOCUMENTS + 1, "");
    CLEANUP_FREE char *large = repeated("", " ", LIMIT_MANIFEST_BYTES, "{}");
    assert_limit("a.json", deep, "LIMIT_DOCUMENT_DEPTH");
    assert_limit("a.yaml", deep, "LIMIT_DOCUMENT_DEPTH");
    assert_limit("a.json", wide, "LIMIT_DOCUMENT_NODES");
    assert_limit("a.yaml", aliases, "LIMIT_YAML_ALIASES");
    assert_limit("a.yaml", documents, "LIMIT_MANIFEST_DOCUMENTS");
    assert_limit("a.json", large, "LIMIT_MANIFEST_BYTES");
}

static void test_alias_bomb(void **state)
{
    (void)state;
    char text[2048] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    char *at = text + strlen(text);
    for (int i = 1; i < 9; i++)
        at += sprintf(at, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1,
                      i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_limit("a.yaml", text, "LIMIT_DOCUMENT_NODES");
    /* Each alias is one level higher than the one before. */
    CLEANUP_FREE char *stairs = memory_strdup("a0: &a0 []\n");
    for (int i = 1; i < LIMIT_DOCUMENT_DEPTH + 1; i++) {
        char *higher = memory_printf("%sa%d: &a%d [*a%d]\n", stairs, i, i, i - 1);
        free(stairs);
        stairs = higher;
    }
    assert_limit("a.yaml", stairs, "LIMIT_DOCUMENT_DEPTH");
}

static void assert_at(const struct document *document, const char *pointer, enum document_part part, int line,
                      int column)
{
    struct position at = document_position(document, pointer, part);
    if (at.line != line || at.column != column)
        fail_msg("%s: %d:%d instead of %d:%d", pointer, at.line, at.column, line, column);
}

static void test_positions(void **state)
{
    (void)state;
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    const char *json = "{\n  \"a/b\": {\"\u00e9\": 1, \"c\": [10,\n    {\"d\": 2}]},\n  \"e\": true\n}\n";
    assert_int_equal(parse("a.json", json, &documents, &diagnostics), 0);
    struct document *document = &documents.items[0];
    assert_at(document, "", DOCUMENT_VALUE, 1, 1);
    assert_at(document, "/a~1b", DOCUMENT_KEY, 2, 3);
    assert_at(document, "/a~1b", DOCUMENT_VALUE, 2, 10);
    assert_at(document, "/a~1b/c", DOCUMENT_KEY, 2, 19);
    assert_at(document, "/a~1b/c/0", DOCUMENT_VALUE, 2, 25);
    assert_at(document, "/a~1b/c/1/d", DOCUMENT_VALUE, 3, 11);
    assert_at(document, "/e", DOCUMENT_VALUE, 4, 8);
    assert_at(document, "/a~1b/c/7", DOCUMENT_VALUE, 2, 24);
    assert_at(document, "/missing", DOCUMENT_KEY, 1, 1);
    document_drop_positions(document);
    assert_at(document, "/e", DOCUMENT_VALUE, 0, 0);
    document_vec_deinit(&documents);
    assert_int_equal(
        parse("a.yaml", "# first\na: &x\n  b: 1\nc: *x\n---\n---\n- z\n", &documents, &diagnostics), 0);
    assert_int_equal(documents.len, 2);
    assert_at(&documents.items[0], "/c", DOCUMENT_VALUE, 4, 4);
    assert_at(&documents.items[0], "/c/b", DOCUMENT_VALUE, 3, 6);
    assert_at(&documents.items[1], "/0", DOCUMENT_VALUE, 7, 3);
    document_vec_deinit(&documents);
}

static void test_place_gives_file_and_line(void **state)
{
    (void)state;
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    assert_int_equal(parse("web.yaml", "a: 1\nimge: 2\n", &documents, &diagnostics), 0);
    struct diagnostic unknown = {.pointer = memory_strdup("/imge"),
                                 .code = memory_strdup("unknown-member"),
                                 .message = memory_strdup("unknown member \"imge\"")};
    diagnostics_add(&diagnostics, &unknown);
    diagnostics_error(&diagnostics, "other.yaml", (struct position){7, 7}, "type", "stays");
    document_place(&documents.items[0], "web.yaml", &diagnostics);
    CLEANUP_FREE char *text = diagnostic_to_text(&diagnostics.list.items[0]);
    assert_string_equal(text, "web.yaml:2:1: error: unknown member \"imge\" at /imge");
    assert_int_equal(diagnostics.list.items[1].at.line, 7);
    document_vec_deinit(&documents);
    diagnostics_deinit(&diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_values),
        cmocka_unit_test(test_json_refusals),
        cmocka_unit_test(test_yaml_core_schema),
        cmocka_unit_test(test_yaml_refusals),
        cmocka_unit_test(test_files_that_are_no_manifests),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_alias_bomb),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_place_gives_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
