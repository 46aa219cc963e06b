/* RFC 8259, and what people take for it. */
#include "document_fixture.h"

static void test_json_values(void **state)
{
    (void)state;
    assert_reads("a.json", "{\"b\": [1, -2, 0.5, 1e2, true, false, null], \"a\": {}}",
                 "{\"b\":[1,-2,0.5,100.0,true,false,null],\"a\":{}}");
    assert_reads("a.JSON", " [ ] ", "[]");
    assert_reads("a.json", "\"\\u00e9 \\ud83d\\ude00 \\n\\/\"", "\"\u00e9 \U0001F600 \\n/\"");
    assert_reads("a.json", "-9223372036854775808", "-9223372036854775808");
}

static void test_numbers(void **state)
{
    (void)state;
    assert_reads("a.json", "[0, -0, 9223372036854775807, 123456789]", "[0,0,9223372036854775807,123456789]");
    assert_reads("a.json", "[0.0, -0.0, 1E2, 1e+2, 100e-2, 0e1, 1.25]",
                 "[0.0,-0.0,100.0,100.0,1.0,0.0,1.25]");
    assert_reads("a.json", "[1e-400, 1.7976931348623157e308]", "[0.0,1.7976931348623157e308]");
    static const struct refusal refusals[] = {
        {"a.json", "[-9223372036854775809]", "a.json:1:2: error: -9223372036854775809 is out of range"},
        {"a.json", "[-1e400]", "a.json:1:2: error: -1e400 is out of range"},
        {"a.json", "[1.]", "a.json:1:2: error: unexpected 1. at /0; expected a number"},
        {"a.json", "[.5]",
         "a.json:1:2: error: unexpected .5 at /0; expected a value; numbers begin with a digit"},
        {"a.json", "[+1]",
         "a.json:1:2: error: unexpected +1 at /0; expected a value; numbers have no + before"},
        {"a.json", "[-]", "a.json:1:2: error: unexpected - at /0; expected a number"},
        {"a.json", "[1e]", "a.json:1:2: error: unexpected 1e at /0; expected a number"},
        {"a.json", "[1e+]", "a.json:1:2: error: unexpected 1e+ at /0; expected a number"},
        {"a.json", "[-01]", "a.json:1:2: error: unexpected -01 at /0; expected a number"},
        {"a.json", "[0x10]", "a.json:1:3: error: unexpected x10 at /1; expected a comma or ]"},
        {"a.json", "[1_000]", "a.json:1:3: error: unexpected _000 at /1; expected a comma or ]"},
        {"a.json", "[1 2]", "a.json:1:4: error: unexpected 2 at /1; expected a comma or ]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
}

static void test_strings(void **state)
{
    (void)state;
    assert_reads("a.json", "\"\\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u0041\\u00DF\\u20ac\\uD834\\uDD1E\"",
                 "\"\\\" \\\\ / \\b\\f\\n\\r\\t A\u00df\u20ac\U0001D11E\"");
    /* DEL, the line breaks of other languages, a mark in the middle, what is no character. */
    assert_reads("a.json", "\"\x7F\u2028\uFEFF\uFFFF\"", "\"\x7F\u2028\uFEFF\uFFFF\"");
    assert_reads("a.json", "{\"\": \"\"}", "{\"\":\"\"}");
    static const struct refusal refusals[] = {
        {"a.json", "[\"\\uDE00\"]",
         "a.json:1:3: error: the second half of a surrogate pair without the first"},
        {"a.json", "[\"\\uD83Dx\"]", "a.json:1:3: error: the first half of a surrogate pair without"},
        {"a.json", "[\"\\uD83D\\n\"]", "a.json:1:3: error: the first half of a surrogate pair without"},
        {"a.json", "[\"\\uD83D\\uD83D\"]", "a.json:1:3: error: the first half of a surrogate pair without"},
        {"a.json", "[\"\\uD83D\\u0041\"]", "a.json:1:3: error: the first half of a surrogate pair without"},
        {"a.json", "[\"a\\u00g0\"]", "a.json:1:4: error: \\u wants four hex digits"},
        {"a.json", "[\"\\u12", "a.json:1:3: error: \\u wants four hex digits"},
        {"a.json", "[\"\\U0041\"]", "a.json:1:3: error: JSON has no such escape"},
        {"a.json", "[\"\\'\"]", "a.json:1:3: error: JSON has no such escape"},
        {"a.json", "[\"a\\", "a.json:1:4: error: the file ends inside a string"},
        {"a.json", "[\"\t\"]", "a.json:1:3: error: a control character in a string"},
        {"a.json", "[\"\x1F\"]", "a.json:1:3: error: a control character in a string"},
        {"a.json", "{\"a\": \"b", "a.json:1:7: error: the string that begins here is not closed"},
        {"a.json", "['a']", "a.json:1:2: error: unexpected 'a' at /0; expected a value; JSON quotes with"},
        /* Surrogates in UTF-8, overlong, beyond Unicode. */
        {"a.json", "[\"\xED\xA0\x80\"]", "a.json:1:3: error: the file is not UTF-8; found byte 0xED"},
        {"a.json", "[\"\xC0\xAF\"]", "a.json:1:3: error: the file is not UTF-8; found byte 0xC0"},
        {"a.json", "[\"\xF4\x90\x80\x80\"]", "a.json:1:3: error: the file is not UTF-8; found byte 0xF4"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
}

static void test_structure(void **state)
{
    (void)state;
    assert_reads("a.json", "\t[ \r\n 1 , { } ]\n\n", "[1,{}]");
    assert_reads("a.json", "null", "null");
    static const struct refusal refusals[] = {
        {"a.json", " \n ", "a.json:2:2: error: the file ends too early; expected a value"},
        {"a.json", "[\x0C]", "a.json:1:2: error: unexpected U+000C at /0; expected a value"},
        {"a.json", "[\u00A01]", "a.json:1:2: error: unexpected \u00A01 at /0; expected a value"},
        {"a.json", "[1,,2]", "a.json:1:4: error: unexpected , at /1"},
        {"a.json", "[,1]", "a.json:1:2: error: unexpected , at /0; expected a value"},
        {"a.json", "{,}", "a.json:1:2: error: unexpected ,; expected a member name"},
        {"a.json", "{\"a\"}",
         "a.json:1:5: error: unexpected } at /a; expected a colon after the member name"},
        {"a.json", "{\"a\": }", "a.json:1:7: error: unexpected } at /a; expected a value"},
        {"a.json", "{\"a\" \"b\"}", "a.json:1:6: error: unexpected \"b at /a; expected a colon"},
        {"a.json", "{\"a\": 1 \"b\": 2}", "a.json:1:9: error: unexpected \"b; expected a comma or }"},
        {"a.json", "{a: 1}", "a.json:1:2: error: unexpected a; expected a member name in double quotes"},
        {"a.json", "{1: 1}", "a.json:1:2: error: unexpected 1; expected a member name in double quotes"},
        {"a.json", "[1}", "a.json:1:3: error: unexpected } at /1; expected a comma or ]"},
        {"a.json", "{\"a\": 1]", "a.json:1:8: error: unexpected ]; expected a comma or }"},
        {"a.json", "]", "a.json:1:1: error: unexpected ]; expected a value"},
        {"a.json", "[1]]", "a.json:1:4: error: unexpected ]; expected the end of the file"},
        {"a.json", "[1", "a.json:1:3: error: the file ends too early at /1; expected a comma or ]"},
        {"a.json", "{\"a\": 1,", "a.json:1:9: error: the file ends too early; expected a member name"},
        {"a.json", "[nul]", "a.json:1:2: error: unexpected nul at /0; expected a value"},
        {"a.json", "[nulll]", "a.json:1:6: error: unexpected l at /1; expected a comma or ]"},
        {"a.json", "[True]", "a.json:1:2: error: unexpected True at /0; expected a value; write true"},
        {"a.json", "[1] // x",
         "a.json:1:5: error: unexpected //; expected the end of the file; JSON has no comments; YAML has"},
        {"a.json", "{\"a\": 1 /* x */}",
         "a.json:1:9: error: unexpected /*; expected a comma or }; JSON has no"},
        {"a.json", "\xEF\xBB\xBF{}", "a.json:1:1: error: the file begins with a byte order mark"},
        {"a.json", "{\n<<<<<<< HEAD\n",
         "a.json:2:1: error: unexpected <<<<<<<; expected a member name in double quotes; these are git's"},
        {"a.json", "{\"port\": <PORT>}",
         "a.json:1:10: error: unexpected <PORT> at /port; expected a value; placeholders must be filled in"},
        {"a.json", "[\n  ...\n]",
         "a.json:2:3: error: unexpected ... at /0; expected a value; write out what"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
}

/* The key that counts is the one that is meant, however it is written. */
static void test_duplicates(void **state)
{
    (void)state;
    assert_reads("a.json", "[{\"a\": 1}, {\"a\": {\"a\": 1}}, {\"a\": 1, \"A\": 2}]",
                 "[{\"a\":1},{\"a\":{\"a\":1}},{\"a\":1,\"A\":2}]");
    static const struct refusal refusals[] = {
        {"a.json", "{\"a\": 1,\n \"\\u0061\": 1}",
         "a.json:2:2: error: member \"a\" is given twice, first at line 1, column 2 at /a; keep one"},
        {"a.json", "[{\"\": 1, \"\": null}]", "a.json:1:10: error: member \"\" is given twice"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    assert_int_equal(parse("a.json", "{\"a\": 1, \"a\": 2, \"b\": {\"c\": 1, \"c\": 2}, \"a\": 3}",
                           &documents, &diagnostics),
                     ERROR_INVALID);
    assert_int_equal(diagnostics.errors, 3);
    diagnostics_deinit(&diagnostics);
}

static void test_depth(void **state)
{
    (void)state;
    CLEANUP_FREE char *most = repeated("", "[", LIMIT_DOCUMENT_DEPTH, "");
    CLEANUP_FREE char *arrays = repeated(most, "]", LIMIT_DOCUMENT_DEPTH, "");
    CLEANUP_FREE char *objects = repeated("", "{\"a\":", LIMIT_DOCUMENT_DEPTH + 1, "1");
    assert_reads("a.json", arrays, arrays);
    assert_limit("a.json", objects, "LIMIT_DOCUMENT_DEPTH");
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
         "a.json:1:2: error: unexpected {{ at /0; expected a value; templates must be"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        assert_refused(&refusals[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_values), cmocka_unit_test(test_json_refusals),
        cmocka_unit_test(test_numbers),     cmocka_unit_test(test_strings),
        cmocka_unit_test(test_structure),   cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
