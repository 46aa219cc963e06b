/* JSON-Schema-Test-Suite, drafts 2020-12 and 7, where a copy of it is at hand: all required tests pass, and
 * what fails of the optional ones stands in a table with its reason, which may only shrink. */
#include "base/memory.h"
#include "base/text.h"
#include "manifest/schema.h"

#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Tests of an optional file that fail. */
static const struct {
    const char *file;
    size_t failing;
    const char *reason;
} shortfalls[] = {
    {"draft2020-12/optional/cross-draft.json", 1, "2019-09 is no dialect of ours"},
    {"draft7/optional/cross-draft.json", 2, "2019-09 is no dialect of ours"},
    {"draft7/optional/content.json", 4, "content* are annotations, as in 2020-12"},
    {"draft2020-12/optional/format/ecmascript-regex.json", 1, "PCRE2's lookbehind has a fixed width"},
    {"draft7/optional/format/ecmascript-regex.json", 1, "PCRE2's lookbehind has a fixed width"},
    {"draft2020-12/optional/format/hostname.json", 23, "the inside of xn-- labels is not looked at"},
    {"draft7/optional/format/hostname.json", 23, "the inside of xn-- labels is not looked at"},
    {"draft2020-12/optional/format/idn-email.json", 2, "idn-email is an annotation"},
    {"draft7/optional/format/idn-email.json", 2, "idn-email is an annotation"},
    {"draft2020-12/optional/format/idn-hostname.json", 54, "idn-hostname is an annotation"},
    {"draft7/optional/format/idn-hostname.json", 54, "idn-hostname is an annotation"},
    {"draft2020-12/optional/format/uri-template.json", 13, "uri-template is an annotation"},
    {"draft7/optional/format/uri-template.json", 13, "uri-template is an annotation"},
};

struct suite {
    struct schema_options options;
    bool names_failures;
    size_t passed;
    size_t total;
};

/* jansson and not our own parser: the suite has strings with NUL. Integers beyond 64 bits, which our own
 * refuses, are read as reals. */
static json_t *load(const char *path)
{
    json_error_t error;
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_t *json = json_load_file(path, flags, &error);
    if (!json)
        json = json_load_file(path, flags | JSON_DECODE_INT_AS_REAL, &error);
    if (!json)
        fail_msg("%s: %s", path, error.text);
    return json;
}

static void add_to_registry(struct schema_registry *registry, const char *uri, const char *path)
{
    json_t *document = load(path);
    assert_int_equal(schema_registry_add(registry, uri, document, NULL), 0);
    json_decref(document);
}

static void add_remotes(struct schema_registry *registry, const char *directory, const char *uri)
{
    struct dirent **entries;
    int len = scandir(directory, &entries, NULL, alphasort);
    assert_true(len >= 0);
    for (int i = 0; i < len; i++) {
        CLEANUP_FREE struct dirent *entry = entries[i];
        struct stat info;
        CLEANUP_FREE char *path = memory_printf("%s/%s", directory, entry->d_name);
        CLEANUP_FREE char *child = memory_printf("%s/%s", uri, entry->d_name);
        if (entry->d_name[0] == '.' || stat(path, &info) < 0)
            continue;
        if (S_ISDIR(info.st_mode))
            add_remotes(registry, path, child);
        else
            add_to_registry(registry, child, path);
    }
    free(entries);
}

static bool is_as_expected(const struct schema *schema, const json_t *test)
{
    struct diagnostics diagnostics = {0};
    bool wanted = json_is_true(json_object_get(test, "valid"));
    const json_t *data = json_object_get(test, "data");
    bool quiet = schema_validate(schema, data, NULL) == 0;
    bool valid = schema_validate(schema, data, &diagnostics) == 0;
    bool told = diagnostics.errors > 0;
    diagnostics_deinit(&diagnostics);
    return valid == wanted && quiet == valid && told != valid;
}

static void run_group(struct suite *suite, const char *file, const json_t *group)
{
    struct error err = ERROR_INIT;
    struct schema CLEANUP(schema_freep) *schema = NULL;
    size_t i;
    json_t *test;
    const char *group_name = json_string_value(json_object_get(group, "description"));
    int rc = schema_compile(&suite->options, json_object_get(group, "schema"), &schema, &err);
    if (rc < 0 && suite->names_failures)
        print_message("%s: %s: %s\n", file, group_name, error_text(&err));
    json_array_foreach (json_object_get(group, "tests"), i, test) {
        suite->total++;
        if (rc == 0 && is_as_expected(schema, test))
            suite->passed++;
        else if (suite->names_failures)
            print_message("FAILED %s: %s: %s\n", file, group_name,
                          json_string_value(json_object_get(test, "description")));
    }
}

static void run_file(struct suite *suite, const char *directory, const char *file)
{
    CLEANUP_FREE char *path = memory_printf("%s/%s", directory, file);
    json_t *groups = load(path);
    size_t i;
    json_t *group;
    json_array_foreach (groups, i, group) {
        run_group(suite, file, group);
    }
    json_decref(groups);
}

static char *suite_root(void)
{
    const char *corpus = getenv("DAVIT_CORPUS");
    return memory_printf("%s/json-schema-test-suite", corpus ? corpus : SOURCE_ROOT "/../shared/corpus");
}

static bool is_known(const char *file, size_t failed)
{
    size_t allowed = 0;
    for (size_t i = 0; i < ARRAY_LEN(shortfalls); i++) {
        if (!text_equal(shortfalls[i].file, file))
            continue;
        allowed = shortfalls[i].failing;
        print_message("  %s: %zu fail: %s\n", file, failed, shortfalls[i].reason);
    }
    if (failed != allowed)
        print_message("  %s: %zu tests fail, %zu are known to\n", file, failed, allowed);
    return failed == allowed;
}

/* All files of a directory; of optional ones each for itself, against the table. */
static void run_directory(struct suite *suite, const char *name, bool optional)
{
    CLEANUP_FREE char *root = suite_root();
    CLEANUP_FREE char *directory = memory_printf("%s/tests/%s", root, name);
    struct dirent **entries;
    int len = scandir(directory, &entries, NULL, alphasort);
    bool known = true;
    assert_true(len > 0);
    for (int i = 0; i < len; i++) {
        CLEANUP_FREE struct dirent *entry = entries[i];
        CLEANUP_FREE char *file = memory_printf("%s/%s", name, entry->d_name);
        size_t failed = suite->total - suite->passed;
        if (!text_ends_with(file, ".json"))
            continue;
        run_file(suite, directory, entry->d_name);
        if (optional && !is_known(file, suite->total - suite->passed - failed))
            known = false;
    }
    free(entries);
    print_message("%s: %zu of %zu %s tests pass\n", name, suite->passed, suite->total,
                  optional ? "optional" : "required");
    assert_true(known);
    if (!optional)
        assert_int_equal(suite->passed, suite->total);
}

static struct schema_registry *remotes(void)
{
    CLEANUP_FREE char *root = suite_root();
    CLEANUP_FREE char *directory = memory_printf("%s/remotes", root);
    struct schema_registry *registry = schema_registry_new();
    add_remotes(registry, directory, "http://localhost:1234");
    return registry;
}

struct directory {
    const char *name;
    enum schema_dialect dialect;
    bool formats_are_notes;
    bool optional;
};

static void test_directory(void **state)
{
    const struct directory *directory = *state;
    struct schema_registry CLEANUP(schema_registry_freep) *registry = remotes();
    struct suite suite = {.options = {.registry = registry,
                                      .dialect = directory->dialect,
                                      .formats_are_notes = directory->formats_are_notes},
                          .names_failures = !directory->optional || getenv("DAVIT_TEST_VERBOSE")};
    run_directory(&suite, directory->name, directory->optional);
}

int main(void)
{
    static const struct directory directories[] = {
        {"draft2020-12", SCHEMA_2020_12, true, false},
        {"draft7", SCHEMA_DRAFT_07, true, false},
        {"draft2020-12/optional", SCHEMA_2020_12, true, true},
        {"draft7/optional", SCHEMA_DRAFT_07, true, true},
        {"draft2020-12/optional/format", SCHEMA_2020_12, false, true},
        {"draft7/optional/format", SCHEMA_DRAFT_07, false, true},
    };
    struct CMUnitTest tests[ARRAY_LEN(directories)];
    for (size_t i = 0; i < ARRAY_LEN(directories); i++)
        tests[i] = (struct CMUnitTest){.name = directories[i].name,
                                       .test_func = test_directory,
                                       .initial_state = (void *)(uintptr_t)&directories[i]};
    CLEANUP_FREE char *root = suite_root();
    if (access(root, R_OK) < 0) {
        printf("no suite at %s: set DAVIT_CORPUS to the directory above json-schema-test-suite\n", root);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
