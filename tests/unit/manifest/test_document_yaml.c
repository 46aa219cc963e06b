/* YAML 1.2 with the core schema. */
#include "document_fixture.h"

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
        {"a.yaml", "a: {{ x }}",
         "a.yaml:1:5: error: a mapping or a sequence cannot be a key at /a; templates must be rendered"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
}

/* Norway, times of day, versions, octals of YAML 1.1: strings or decimals, as 1.2 has them. */
static void test_yaml_1_1_is_gone(void **state)
{
    (void)state;
    assert_reads("a.yaml",
                 "[NO, no, n, y, yes, off, On, 22:22, 1.2.3, 1e, 0777, 0o777, 0o8, 0xG, -0x1F, =, 'null']",
                 "[\"NO\",\"no\",\"n\",\"y\",\"yes\",\"off\",\"On\",\"22:22\",\"1.2.3\",\"1e\",777,511,"
                 "\"0o8\",\"0xG\","
                 "\"-0x1F\",\"=\",\"null\"]");
    assert_reads("a.yaml", "on: NO\nno: on\n", "{\"on\":\"NO\",\"no\":\"on\"}");
    assert_reads("a.yaml", "%YAML 1.1\n---\na: no\n", "{\"a\":\"no\"}");
    assert_reads(
        "a.yaml",
        "[! 12, !!str null, !!null '', !!bool 'true', !!int '0o17', !!float '1.5', !!seq [], !!map {}]",
        "[\"12\",\"null\",null,true,15,1.5,[],{}]");
}

static void test_scalars(void **state)
{
    (void)state;
    assert_reads("a.yaml", "a: |\n  one\n   two\n\nb: >-\n  one\n  two\n\n  three\nc: |+\n  x\n\n",
                 "{\"a\":\"one\\n two\\n\",\"b\":\"one two\\nthree\",\"c\":\"x\\n\\n\"}");
    assert_reads("a.yaml", "a: |2\n   x\nb: |1-\n \ty\n", "{\"a\":\" x\\n\",\"b\":\"\\ty\"}");
    /* What ends without a line break means the same as with it. */
    assert_reads("a.yaml", "a: |\n  x", "{\"a\":\"x\\n\"}");
    assert_reads("a.yaml", "a: 'it''s'\nb: \"\\x41\\u00e9\\U0001F600\\e\\/\\\n  c\"\nc: x\n  y # z\n",
                 "{\"a\":\"it's\",\"b\":\"A\u00e9\U0001F600\\u001B/c\",\"c\":\"x y\"}");
    assert_reads("a.yaml", "a:\r\n  - b\r\n  - c\r\n", "{\"a\":[\"b\",\"c\"]}");
    assert_reads("a.yaml", "? a\n: b\n? c\n", "{\"a\":\"b\",\"c\":null}");
    assert_reads("a.yaml", "{\"a\":1, b: [c, d,], e}", "{\"a\":1,\"b\":[\"c\",\"d\"],\"e\":null}");
    assert_reads("a.yaml", "- a#b\n- a:b\n- -c\n- ?d\n- 'e'\t# f\n", "[\"a#b\",\"a:b\",\"-c\",\"?d\",\"e\"]");
}

static void test_anchors(void **state)
{
    (void)state;
    assert_reads("a.yaml", "a: &x 1\nb: [*x, &x 2, *x]\n", "{\"a\":1,\"b\":[1,2,2]}");
    assert_reads("a.yaml", "&k a: &v b\n*v : *k\n", "{\"a\":\"b\",\"b\":\"a\"}");
    assert_reads("a.yaml", "a: &x !!str 1\nb: !!str &y 2\nc: {d: *x, e: *y}\nf: [*x]\n",
                 "{\"a\":\"1\",\"b\":\"2\",\"c\":{\"d\":\"1\",\"e\":\"2\"},\"f\":[\"1\"]}");
    static const struct refusal refusals[] = {
        {"a.yaml", "a: &x 1\n---\nb: *x\n", "a.yaml:3:4: error: the alias *x has no anchor before it"},
        {"a.yaml", "a: &x [1]\n*x : 2\n",
         "a.yaml:2:1: error: the alias stands for a value that cannot be a key"},
        {"a.yaml", "a: &x b\n*x : 1\nb: 2\n", "a.yaml:3:1: error: member \"b\" is given twice"},
        /* libyaml alone reads the value ":b". */
        {"a.yaml", "a: &x:b c\n", "a.yaml:1:6: error: the name of an anchor or alias has letters, digits"},
        {"a.yaml", "a: !!str &x:b c\n", "a.yaml:1:12: error: the name of an anchor or alias has letters"},
        {"a.yaml", "a: &x b\n*x: c\n",
         "a.yaml:2:3: error: the name of an anchor or alias has letters, digits"},
        {"a.yaml", "a: *.example.com\n",
         "a.yaml:1:4: error: a * without the name of an anchor at /a; quote a value that begins with *"},
        {"a.yaml", "a: &\n", "a.yaml:1:4: error: a & without a name for the anchor at /a"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
}

static void test_documents(void **state)
{
    (void)state;
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    const char *text =
        "# none\n---\na: 1\n--- # two\n- b\n... # end\nbare: 3\n...\n...\n%YAML 1.2\n---\n\"x ...\n  y\"\n";
    assert_int_equal(parse("a.yaml", text, &documents, &diagnostics), 0);
    assert_int_equal(documents.len, 4);
    CLEANUP_FREE char *third = dump(&documents, 2);
    CLEANUP_FREE char *fourth = dump(&documents, 3);
    assert_string_equal(third, "{\"bare\":3}");
    assert_string_equal(fourth, "\"x ... y\"");
    assert_at(&documents.items[1], "/0", DOCUMENT_VALUE, 5, 3);
    assert_at(&documents.items[2], "/bare", DOCUMENT_VALUE, 7, 7);
    assert_at(&documents.items[3], "", DOCUMENT_VALUE, 12, 1);
    document_vec_deinit(&documents);
    assert_reads("a.yaml", "...a: 1\nb: ...\n", "{\"...a\":1,\"b\":\"...\"}");
    assert_int_equal(parse("a.yaml", "...\n", &documents, &diagnostics), 0);
    assert_int_equal(documents.len, 0);
    document_vec_deinit(&documents);
    static const struct refusal refusals[] = {
        {"a.yaml", "a: 1\n... b\n", "a.yaml:2:5: error: only a comment may follow the document end marker"},
        {"a.yaml", "a: 1\n...\nb: 1\nb: 2\n",
         "a.yaml:4:1: error: member \"b\" is given twice, first at line 3"},
        {"a.yaml", "a: 1\r\n...\r\nb: 1\r\nb: 2\r\n", "a.yaml:4:1: error: member \"b\" is given twice"},
        {"a.yaml", "a: 1\n...\n\nb: @\n", "a.yaml:4:4: error: a value cannot begin with @ at /b; quote it"},
        {"a.yaml", "a: 1\n%YAML 1.2\n---\nb: 1\n",
         "a.yaml:2:1: error: a directive inside a document; end the"},
        {"a.yaml", "--- 'a'\n%TAG ! tag:x,2000:\n---\nb\n",
         "a.yaml:2:1: error: a directive inside a document"},
        {"a.yaml", "%YAML 1.2\n...\n", "a.yaml:2:1: error: the file ends too early"},
        {"a.yaml", "%YAML 1.3\n---\n", "a.yaml:1:1: error: the document wants another version of YAML"},
        {"a.yaml", "a: 'b\n...\n'\n", "a.yaml:1:4: error: the string that begins here is not closed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
}

/* What libyaml alone lets pass, or reads as something else. */
static void test_strictness(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"a.yaml", "a: \"b\"# c\n",
         "a.yaml:1:7: error: a # that touches what stands before it; a comment needs"},
        {"a.yaml", "a: [b,#c\n  d]\n", "a.yaml:1:7: error: a # that touches what stands before it"},
        {"a.yaml", "[a]#b\n", "a.yaml:1:4: error: a # that touches what stands before it"},
        {"a.yaml", "a: |# b\n  c\n", "a.yaml:1:5: error: a # that touches what stands before it"},
        {"a.yaml", "a: &x !!str >-# b\n  c\n", "a.yaml:1:15: error: a # that touches what stands before it"},
        {"a.yaml", "%YAML 1.2#b\n---\n", "a.yaml:1:10: error: a # that touches what stands before it"},
        {"a.yaml", "[{?a: b}]",
         "a.yaml:1:3: error: a ? that touches the value after it at /0; quote the value"},
        {"a.yaml", "[?a]", "a.yaml:1:2: error: a ? that touches the value after it"},
        {"a.yaml", "[a, -]", "a.yaml:1:5: error: a lone - inside brackets at /1; quote it"},
        {"a.yaml", "a: |\n    \n  b\n",
         "a.yaml:3:3: error: an empty line before this one has more spaces than it"},
        {"a.yaml", "a: [b,\nc]\n",
         "a.yaml:2:1: error: the line continues a value but is not indented more than what holds the value"},
        {"a.yaml", "a:\n  - b: {c: 1,\n    d: 2}\n",
         "a.yaml:3:1: error: the line continues a value but is not"},
        {"a.yaml", "- [\n\tb]\n", "a.yaml:2:1: error: the line continues a value but is not indented"},
        {"a.yaml", "a: \"b\nc\"\n", "a.yaml:2:1: error: the line continues a value but is not indented more"},
        {"a.yaml", "a: 'b\n\tc'\n", "a.yaml:2:1: error: the line continues a value but is not indented more"},
        {"a.yaml", "a: x\u2028b\n",
         "a.yaml:1:5: error: a character that is a line break in YAML 1.1 and none in"},
        {"a.yaml", "# \u00e9\xC2\x85 a\n", "a.yaml:1:4: error: a character that is a line break in YAML 1.1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
}

static void test_strictness_lets_pass(void **state)
{
    (void)state;
    assert_reads("a.yaml", "#a\na: b#c #d\ne: \"f\" #g\nh: [i, #j\n # k\n# l\n j] # m\n",
                 "{\"a\":\"b#c\",\"e\":\"f\",\"h\":[\"i\",\"j\"]}");
    assert_reads("a.yaml", "[{? a : b}, {a?: b}, -1, -a, '-', \"?b\"]",
                 "[{\"a\":\"b\"},{\"a?\":\"b\"},-1,\"-a\",\"-\",\"?b\"]");
    assert_reads("a.yaml", "a: |2\n     \n  b\nc: |\n\n  d\ne: |\n   \nf: 1\n",
                 "{\"a\":\"   \\nb\\n\",\"c\":\"\\nd\\n\",\"e\":\"\",\"f\":1}");
    /* A closing bracket under the key, as everybody writes it; at the root nothing need be indented. */
    assert_reads("a.yaml", "a: [\n  b\n]\nc:\n  d: {\n    e: 1\n  }\n",
                 "{\"a\":[\"b\"],\"c\":{\"d\":{\"e\":1}}}");
    assert_reads("a.yaml", "{\n\"a\": [\n\t1,\n2],\n\"b\": \"c\nd\"\n}\n", "{\"a\":[1,2],\"b\":\"c d\"}");
    assert_reads("a.yaml", "a: \"b\n\n  c\"\nd: &x\n  'e\n  f'\n", "{\"a\":\"b\\nc\",\"d\":\"e f\"}");
    assert_reads("a.yaml", "a: \"b\\u2028\\N\"\n", "{\"a\":\"b\u2028\xC2\x85\"}");
    assert_reads("a.yaml", "[&x a, *x, {k: &y b, l: *y}, [&z]]",
                 "[\"a\",\"a\",{\"k\":\"b\",\"l\":\"b\"},[null]]");
}

/* libyaml's own errors: the place where a person looks, and what to do. */
static void test_syntax_messages(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"a.yaml", "a:\n\tb: 1",
         "a.yaml:2:1: error: a tab in the indentation at /a; YAML indents with spaces"},
        {"a.yaml", "a: 1\n\tb: 2\n", "a.yaml:2:1: error: a tab in the indentation at /a; YAML indents with"},
        {"a.yaml", "a: |\n \tb\n",
         "a.yaml:2:2: error: a tab in the indentation of a block at /a; text that begins with a tab wants "
         "the number"},
        {"a.yaml", "a: [1",
         "a.yaml:2:1: error: the file ends too early at /a/1; expected a comma or ] for the list that begins "
         "at "
         "line 1, column 4"},
        {"a.yaml", "a: {b: 1\nc: 2}",
         "a.yaml:2:2: error: unexpected : at /a; expected a comma or } for the mapping that begins at line "
         "1"},
        {"a.yaml", "a: 1\nb\nc: 2\n",
         "a.yaml:2:1: error: the line is no \"key: value\" and continues nothing"},
        {"a.yaml", "a: b: c\n", "a.yaml:1:5: error: a colon where no key may stand; quote the value"},
        {"a.yaml", "a:\n  b: 1\n c: 2\n",
         "a.yaml:3:2: error: unexpected c; expected a key of the mapping that begins at line 1, column 1; "
         "all keys"},
        {"a.yaml", "- a\nb: 1\n",
         "a.yaml:2:1: error: unexpected b at /1; expected an item (\"- \") of the list that begins at line "
         "1"},
        {"a.yaml", "a: - b\n",
         "a.yaml:1:4: error: a list item cannot begin here at /a; begin the list on a line"},
        {"a.yaml", "a: \"b\nc: 1\n", "a.yaml:1:4: error: the string that begins here is not closed at /a"},
        {"a.yaml", "a: 'b\n---\n'\n",
         "a.yaml:1:4: error: the string that begins here is not closed in its document"},
        {"a.yaml", "a: @b\n", "a.yaml:1:4: error: a value cannot begin with @ at /a; quote it"},
        {"a.yaml", "a: %b\n", "a.yaml:1:4: error: a value cannot begin with % at /a; quote it"},
        {"a.yaml", "{% if a %}\nb: 1\n",
         "a.yaml:1:2: error: a value cannot begin with %; templates must be rendered"},
        {"a.yaml", "a: \"C:\\dir\"\n",
         "a.yaml:1:7: error: YAML has no such escape at /a; a backslash itself is"},
        {"a.yaml", "a: \"\\ud83d\"\n", "a.yaml:1:7: error: the escape stands for no character at /a"},
        {"a.yaml", "a: !e!x b\n", "a.yaml:1:4: error: a tag of a kind that nothing declares at /a"},
        {"a.yaml", "a: |b\n  c\n",
         "a.yaml:1:5: error: text behind the | or > of a block at /a; begin the text on"},
        {"a.yaml", "b: 1\na: \x01\n",
         "a.yaml:2:4: error: a character that YAML has only as an escape; found U+0001; write it as an "
         "escape"},
        {"a.yaml", "a\n...\nb: \u00e9\x7F\n",
         "a.yaml:3:5: error: a character that YAML has only as an escape"},
        {"a.yaml", "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n",
         "a.yaml:2:2: error: a colon where no key may stand; the file has git's conflict markers"},
        {"a.yaml", "%FOO bar\n---\na: 1\n", "a.yaml:1:5: error: no such directive; leave the line out"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_core_schema), cmocka_unit_test(test_yaml_refusals),
        cmocka_unit_test(test_yaml_1_1_is_gone), cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_anchors),          cmocka_unit_test(test_documents),
        cmocka_unit_test(test_strictness),       cmocka_unit_test(test_strictness_lets_pass),
        cmocka_unit_test(test_syntax_messages),  cmocka_unit_test(test_alias_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
