/* Files that people have written: none may crash, and every refusal has a place. DAVIT_CORPUS says where they
 * are; they are not part of the repository, and without them the test is skipped. */
#include "base/text.h"
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

/* A file by itself, with a task definition for its services to refer to left out: that is an error as well.
 */
static bool loads(const char *directory, const char *name)
{
    char *path CLEANUP_FREE = memory_printf("%s/%s", directory, name);
    struct manifest_file file = {.path = name, .kind = MANIFEST_FILE};
    char *text CLEANUP_FREE = read_whole(path, &file.len);
    file.content = text;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    manifest_update(fixture->manifest, true, &file, 1);
    int r = fixture_build(fixture);
    size_t errors = 0;
    for (size_t i = 0; i < fixture->diagnostics.list.len; i++) {
        const struct diagnostic *diagnostic = &fixture->diagnostics.list.items[i];
        errors += diagnostic->severity == SEVERITY_ERROR && !text_equal(diagnostic->code, "reference");
        if (diagnostic->at.line < 1 || diagnostic->at.column < 1 || !text_equal(diagnostic->file, name))
            fixture_print(fixture);
        assert_true(diagnostic->at.line >= 1 && diagnostic->at.column >= 1);
        assert_string_equal(diagnostic->file, name);
    }
    if (getenv("DAVIT_CORPUS_VERBOSE") && errors) {
        print_message("%s\n", name);
        fixture_print(fixture);
    }
    assert_true(r == 0 || fixture->diagnostics.errors > 0);
    return errors == 0;
}

static const char *corpus(void)
{
    const char *corpus = getenv("DAVIT_CORPUS");
    return corpus ? corpus : SOURCE_ROOT "/../shared/corpus";
}

static void walk(const char *name, size_t *ret_files, size_t *ret_loaded)
{
    char *directory CLEANUP_FREE = memory_printf("%s/%s", corpus(), name);
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    *ret_files = *ret_loaded = 0;
    size_t most = (size_t)unit_rounds(100000, 40);
    for (struct dirent *entry = readdir(dir); entry && *ret_files < most; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        ++*ret_files;
        *ret_loaded += loads(directory, entry->d_name);
    }
    closedir(dir);
    print_message("%s: %zu of %zu load\n", name, *ret_loaded, *ret_files);
}

static void test_task_definitions(void **state)
{
    (void)state;
    size_t files;
    size_t loaded;
    walk("task-definitions", &files, &loaded);
    assert_true(files > 0);
}

static void test_services(void **state)
{
    (void)state;
    size_t files;
    size_t loaded;
    walk("services", &files, &loaded);
    assert_true(files > 0);
}

static void test_malformed(void **state)
{
    (void)state;
    size_t files;
    size_t loaded;
    walk("malformed", &files, &loaded);
    assert_int_equal(loaded, 0);
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
