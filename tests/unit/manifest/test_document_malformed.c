/* Files that people have written and that no JSON parser reads: each is refused at the place where a reader
 * sees the fault. They are not part of the repository; without them the test is skipped. */
#include "document_fixture.h"

#include <dirent.h>
#include <unistd.h>

/* By reading the files. */
static const struct malformed {
    const char *name;
    int line;
    int column;
    const char *hint; /* what to do about it */
} files[] = {
    {"aws-observability__aws-otel-collector__examples__ecs__aws-cloudwatch__ecs-ec2-instance-daemon.json", 16,
     9, "templates must be rendered before they are committed"},
    {"aws-observability__aws-otel-collector__examples__ecs__aws-cloudwatch__ecs-ec2-sidecar.json", 42, 9,
     "templates must be rendered before they are committed"},
    {"aws-samples__amazon-ecs-firelens-examples__examples__fluent-bit__dynatrace__task-definition.json", 34,
     20, "a comma is missing before it"},
    {"aws-samples__amazon-ecs-fullstack-app-terraform__Infrastructure__Templates__taskdef.json", 19, 23,
     "placeholders must be filled in before they are committed"},
    {"aws-samples__container-patterns__pattern__ecs-advanced-container-health-check__files__"
     "simple-container-definition.json",
     16, 13, "write out what the dots stand for"},
    {"aws__amazon-ecs-agent__agent__functional_tests__testdata__taskdefinitions__container-health-windows__"
     "task-definition.json",
     14, 13, "placeholders must be filled in before they are committed"},
    {"aws__amazon-ecs-agent__agent__functional_tests__testdata__taskdefinitions__container-health__"
     "task-definition.json",
     14, 13, "placeholders must be filled in before they are committed"},
    {"aws__amazon-ecs-agent__agent__functional_tests__testdata__taskdefinitions__telemetry-windows__"
     "task-definition.json",
     6, 12, "placeholders must be filled in before they are committed"},
    {"aws__aws-app-mesh-examples__examples__apps__colorapp__ecs__colorgateway-base-task-def.json", 2, 13,
     "placeholders must be filled in before they are committed"},
    {"aws__aws-for-fluent-bit__load_tests__task_definitions__s3.json", 60, 24,
     "placeholders must be filled in before they are committed"},
};

static char *corpus(void)
{
    const char *corpus = getenv("DAVIT_CORPUS");
    return memory_printf("%s/malformed", corpus ? corpus : SOURCE_ROOT "/../shared/corpus");
}

static const struct malformed *listed(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (text_equal(files[i].name, name))
            return &files[i];
    return NULL;
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = memory_alloc(LIMIT_MANIFEST_BYTES);
    size_t len = fread(text, 1, LIMIT_MANIFEST_BYTES - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

static void assert_malformed(const char *directory, const struct malformed *expected)
{
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    CLEANUP_FREE char *path = memory_printf("%s/%s", directory, expected->name);
    CLEANUP_FREE char *content = read_whole(path);
    assert_int_equal(parse(expected->name, content, &documents, &diagnostics), ERROR_INVALID);
    assert_int_equal(diagnostics.list.len, 1);
    const struct diagnostic *diagnostic = &diagnostics.list.items[0];
    CLEANUP_FREE char *text = diagnostic_to_text(diagnostic);
    print_message("%s\n", text);
    assert_string_equal(diagnostic->file, expected->name);
    assert_string_equal(diagnostic->code, "syntax");
    assert_int_equal(diagnostic->at.line, expected->line);
    assert_int_equal(diagnostic->at.column, expected->column);
    assert_string_equal(diagnostic->hint, expected->hint);
    diagnostics_deinit(&diagnostics);
}

static void test_malformed(void **state)
{
    (void)state;
    CLEANUP_FREE char *directory = corpus();
    struct dirent **entries;
    size_t found = 0;
    int len = scandir(directory, &entries, NULL, alphasort);
    assert_true(len > 0);
    for (int i = 0; i < len; i++) {
        CLEANUP_FREE struct dirent *entry = entries[i];
        if (entry->d_name[0] == '.')
            continue;
        const struct malformed *expected = listed(entry->d_name);
        if (!expected)
            fail_msg("%s is not in the list: read it, and say where its fault is", entry->d_name);
        assert_malformed(directory, expected);
        found++;
    }
    free(entries);
    assert_int_equal(found, ARRAY_LEN(files));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed),
    };
    CLEANUP_FREE char *directory = corpus();
    if (access(directory, R_OK) < 0) {
        printf("no files at %s: set DAVIT_CORPUS to the directory above malformed\n", directory);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
