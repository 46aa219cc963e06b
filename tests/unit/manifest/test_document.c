/* What JSON and YAML have in common: files, bounds, positions. */
#include "document_fixture.h"

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
        cmocka_unit_test(test_files_that_are_no_manifests),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_place_gives_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
