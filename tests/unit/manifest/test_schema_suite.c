/* The required tests of JSON-Schema-Test-Suite, draft 2020-12, where a copy of it is at hand. */
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

#define DRAFT "draft2020-12"

struct suite {
    struct schema_registry *registry;
    size_t passed;
    size_t total;
};

/* jansson and not our own parser: the suite has strings with NUL. */
static json_t *load(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
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
    int rc = schema_compile(suite->registry, json_object_get(group, "schema"), &schema, &err);
    if (rc < 0)
        print_message("%s: %s: %s\n", file, group_name, error_text(&err));
    json_array_foreach (json_object_get(group, "tests"), i, test) {
        suite->total++;
        if (rc == 0 && is_as_expected(schema, test))
            suite->passed++;
        else
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

static void test_required_tests_pass(void **state)
{
    (void)state;
    CLEANUP_FREE char *root = suite_root();
    CLEANUP_FREE char *tests = memory_printf("%s/tests/" DRAFT, root);
    CLEANUP_FREE char *remotes = memory_printf("%s/remotes", root);
    struct dirent **entries;
    int len = scandir(tests, &entries, NULL, alphasort);
    assert_true(len > 0);
    struct suite suite = {.registry = schema_registry_new()};
    add_remotes(suite.registry, remotes, "http://localhost:1234");
    add_to_registry(suite.registry, "https://json-schema.org/draft/2020-12/schema",
                    SOURCE_ROOT "/tests/unit/manifest/metaschema.json");
    for (int i = 0; i < len; i++) {
        if (text_ends_with(entries[i]->d_name, ".json"))
            run_file(&suite, tests, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    schema_registry_free(suite.registry);
    print_message("%zu of %zu required tests pass\n", suite.passed, suite.total);
    assert_int_equal(suite.passed, suite.total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_required_tests_pass),
    };
    CLEANUP_FREE char *root = suite_root();
    if (access(root, R_OK) < 0) {
        printf("no suite at %s: set DAVIT_CORPUS to the directory above json-schema-test-suite\n", root);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
