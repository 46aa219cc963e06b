/* Files that people have written: each loads, or is refused for a reason that is listed; none may crash, and
 * every refusal has a place. DAVIT_CORPUS says where they are; they are not part of the repository, and
 * without them the test is skipped. */
#include "base/text.h"
#include "corpus_refusals.h"
#include "manifest_fixture.h"

#include <dirent.h>
#include <unistd.h>

static char *read_whole(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = memory_alloc(LIMIT_MANIFEST_BYTES);
    *ret_len = fread(text, 1, LIMIT_MANIFEST_BYTES, file);
    fclose(file);
    return text;
}

/* A file alone has neither the cluster nor the task definition of a service. */
static bool counts(const struct diagnostic *diagnostic)
{
    const char *member = strrchr(diagnostic->pointer, '/');
    if (diagnostic->severity != SEVERITY_ERROR)
        return false;
    return !text_equal(diagnostic->code, "reference") ||
           (!text_equal(member, "/taskDefinition") && !text_equal(member, "/cluster") &&
            !text_equal(member, "/clusterArn"));
}

/* Of one file by itself; "" when it loads. Caller frees. */
static char *first_error(const char *directory, const char *name)
{
    char *path CLEANUP_FREE = memory_printf("%s/%s", directory, name);
    struct manifest_file file = {.path = name, .kind = MANIFEST_FILE};
    char *text CLEANUP_FREE = read_whole(path, &file.len);
    file.content = text;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    manifest_update(fixture->manifest, true, &file, 1);
    int r = fixture_build(fixture);
    const char *code = NULL;
    for (size_t i = 0; i < fixture->diagnostics.list.len; i++) {
        const struct diagnostic *diagnostic = &fixture->diagnostics.list.items[i];
        if (!code && counts(diagnostic))
            code = diagnostic->code;
        if (diagnostic->at.line < 1 || diagnostic->at.column < 1 || !text_equal(diagnostic->file, name))
            fixture_print(fixture);
        assert_true(diagnostic->at.line >= 1 && diagnostic->at.column >= 1);
        assert_string_equal(diagnostic->file, name);
    }
    if (getenv("DAVIT_CORPUS_VERBOSE") && code) {
        print_message("%s\n", name);
        fixture_print(fixture);
    }
    assert_true(r == 0 || fixture->diagnostics.errors > 0);
    return memory_strdup(code ? code : "");
}

static const char *corpus(void)
{
    const char *corpus = getenv("DAVIT_CORPUS");
    return corpus ? corpus : SOURCE_ROOT "/../shared/corpus";
}

/* What a directory has to come to; NULL refuses every file. */
struct expectation {
    const char *directory;
    const struct refusal *refusals;
    size_t refusals_len;
};

/* "" for a file that has to load, NULL for any error. */
static const char *expected_code(const struct expectation *expectation, const char *name)
{
    for (size_t i = 0; i < expectation->refusals_len; i++)
        if (text_equal(expectation->refusals[i].file, name))
            return expectation->refusals[i].code;
    return expectation->refusals ? "" : NULL;
}

static bool is_as_expected(const char *directory, const char *name, const char *expected)
{
    char *code CLEANUP_FREE = first_error(directory, name);
    bool right = expected ? text_equal(code, expected) : code[0] != '\0';
    if (!right)
        print_message("%s/%s: \"%s\", expected \"%s\"\n", directory, name, code,
                      expected ? expected : "an error");
    return right;
}

static void walk(const struct expectation *expectation)
{
    char *directory CLEANUP_FREE = memory_printf("%s/%s", corpus(), expectation->directory);
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    size_t files = 0;
    size_t refused = 0;
    size_t wrong = 0;
    size_t most = (size_t)unit_rounds(100000, 40);
    for (struct dirent *entry = readdir(dir); entry && files < most; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        const char *expected = expected_code(expectation, entry->d_name);
        files++;
        refused += !expected || *expected;
        wrong += !is_as_expected(directory, entry->d_name, expected);
    }
    closedir(dir);
    print_message("%s: %zu of %zu load\n", expectation->directory, files - refused, files);
    assert_true(files > 0);
    assert_int_equal(wrong, 0);
    if (files < most) /* a list that names what is gone would grow old */
        assert_int_equal(refused, expectation->refusals ? expectation->refusals_len : files);
}

static void test_task_definitions(void **state)
{
    (void)state;
    walk(&(struct expectation){"task-definitions", refused_task_definitions,
                               ARRAY_LEN(refused_task_definitions)});
}

static void test_services(void **state)
{
    (void)state;
    walk(&(struct expectation){"services", refused_services, ARRAY_LEN(refused_services)});
}

static void test_malformed(void **state)
{
    (void)state;
    walk(&(struct expectation){"malformed", NULL, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task_definitions),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_malformed),
    };
    if (access(corpus(), R_OK) < 0) {
        printf("no manifests at %s: set DAVIT_CORPUS\n", corpus());
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
