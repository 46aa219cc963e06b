/* Files that people have written, imported: how much of them is carried over, and that what comes out is
 * valid or refused for a reason of theirs. DAVIT_CORPUS says where they are; they are not part of the
 * repository, and without them the test is skipped. DAVIT_CORPUS_VERBOSE prints what is lost. */
#include "base/text.h"
#include "manifest/import.h"
#include "manifest_fixture.h"

#include <dirent.h>
#include <unistd.h>

static const char *corpus(void)
{
    const char *corpus = getenv("DAVIT_CORPUS");
    return corpus ? corpus : SOURCE_ROOT "/../shared/corpus";
}

/* Why an imported file may be invalid: what the message begins with, and whose fault that is. */
static const struct {
    const char *message;
    const char *reason;
} excuses[] = {
    {"networkMode awsvpc is not supported", "davit says so itself"},
    {"operatingSystemFamily WINDOWS_", "davit says so itself"},
    {"accessPointId is not supported", "davit says so itself"},
    {"member \"Port\" is missing", "the listener's port is a parameter without value"},
    {"no cluster \"${", "the cluster of a schedule is a parameter without value"},
    {"no task definition ", "it is in another template"},
    {"task definition \"", "its container is named by a parameter"},
    {"container \"", "its port is given by a parameter"},
    {"the containers ask for ", "the template's own numbers do not add up"},
    {"port ", "the file publishes one port twice"},
    {"the string has not the right form at /containerDefinitions",
     "the image is empty or a text such as <REPLACE ME>"},
    {"the string has not the right form", "a sample's own name"},
    {"too small", "a memory of 0 in a sample"},
};

static bool is_excused(const struct diagnostic *diagnostic)
{
    for (size_t i = 0; i < ARRAY_LEN(excuses); i++)
        if (text_starts_with(diagnostic->message, excuses[i].message))
            return true;
    return diagnostic->severity != SEVERITY_ERROR;
}

/* The files of one directory, summed up. */
struct tally {
    const char *directory;
    import_function *import;
    struct fixture *fixture; /* of all files, one after the other: schemas are compiled once */
    size_t files;
    size_t imported;
    size_t members;
    size_t carried;
    size_t valid;
    size_t unexcused;
};

static void print(const char *name, const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->list.len; i++) {
        char *text CLEANUP_FREE = diagnostic_to_text(&diagnostics->list.items[i]);
        print_message("  %s: %s\n", name, text);
    }
}

/* Each object as a file of its own, and no other files. */
static void put_objects(struct fixture *fixture, const json_t *objects)
{
    size_t i;
    json_t *object;
    manifest_update(fixture->manifest, true, NULL, 0);
    json_array_foreach ((json_t *)(uintptr_t)objects, i, object) {
        char *path CLEANUP_FREE = memory_printf("%zu.json", i);
        char *text CLEANUP_FREE = json_dumps(object, 0);
        fixture_put(fixture, path, text);
    }
}

static void check_validity(struct tally *tally, const char *name, const json_t *objects)
{
    struct fixture *fixture = tally->fixture;
    put_objects(fixture, objects);
    fixture_build(fixture);
    tally->valid += fixture->diagnostics.errors == 0;
    for (size_t i = 0; i < fixture->diagnostics.list.len; i++) {
        const struct diagnostic *diagnostic = &fixture->diagnostics.list.items[i];
        if (is_excused(diagnostic))
            continue;
        char *text CLEANUP_FREE = diagnostic_to_text(diagnostic);
        print_message("  %s: %s\n", name, text);
        tally->unexcused++;
    }
}

static void check_file(struct tally *tally, const char *name, const char *content, size_t len)
{
    struct document_input input = {.name = name, .content = content, .len = len};
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct import_world world = {.directory = "/srv/project", .fallback = "project"};
    struct import import;
    tally->files++;
    if (document_parse_foreign(&input, &documents, &diagnostics) < 0) {
        print(name, &diagnostics);
        return;
    }
    assert_true(documents.len > 0);
    struct import_source source = {name, &documents.items[0], &world};
    if (tally->import(&source, &import, &diagnostics) < 0) {
        print(name, &diagnostics);
        return;
    }
    tally->imported++;
    tally->members += import.members;
    tally->carried += import.members - import.lost;
    for (size_t i = 0; i < import.notes.list.len; i++)
        assert_true(import.notes.list.items[i].at.line >= 1);
    if (getenv("DAVIT_CORPUS_VERBOSE"))
        print(name, &import.notes);
    if (json_array_size(import.objects) > 0)
        check_validity(tally, name, import.objects);
    import_deinit(&import);
}

static void check_directory(struct tally *tally)
{
    char *directory CLEANUP_FREE = memory_printf("%s/%s", corpus(), tally->directory);
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    tally->fixture = fixture;
    size_t most = (size_t)unit_rounds(100000, 20);
    for (struct dirent *entry = readdir(dir); entry && tally->files < most; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        char *path CLEANUP_FREE = memory_printf("%s/%s", directory, entry->d_name);
        char *content CLEANUP_FREE = memory_alloc(LIMIT_MANIFEST_BYTES);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t len = fread(content, 1, LIMIT_MANIFEST_BYTES, file);
        fclose(file);
        check_file(tally, entry->d_name, content, len);
    }
    closedir(dir);
    print_message("%s: files %zu/%zu, members %zu/%zu, %zu valid\n", tally->directory, tally->imported,
                  tally->files, tally->carried, tally->members, tally->valid);
    assert_int_equal(tally->unexcused, 0);
}

/* Shares in percent may only grow. */
static void assert_shares(const struct tally *tally, size_t files, size_t members)
{
    if (tally->files < 50) /* a few of them, under valgrind */
        return;
    assert_in_range(100 * tally->imported / tally->files, files, 100);
    assert_in_range(100 * tally->carried / tally->members, members, 100);
}

static void test_compose(void **state)
{
    (void)state;
    struct tally tally = {.directory = "compose", .import = import_compose};
    check_directory(&tally);
    assert_shares(&tally, 100, 80);
}

static void test_cloudformation(void **state)
{
    (void)state;
    struct tally tally = {.directory = "cloudformation", .import = import_cloudformation};
    check_directory(&tally);
    assert_shares(&tally, 100, 82);
}

/* A file that is valid as it stands means the same after the import. */
static bool compare(struct fixture *before, struct fixture *after, const struct manifest_file *file)
{
    const char *name = file->path;
    struct document_input input = {.name = name, .content = file->content, .len = file->len};
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct import_world world = {.directory = "/"};
    struct import import;
    manifest_update(before->manifest, true, file, 1);
    if (fixture_build(before) < 0)
        return false;
    assert_int_equal(document_parse_foreign(&input, &documents, &diagnostics), 0);
    struct import_source source = {name, &documents.items[0], &world};
    if (import_ecs(&source, &import, &diagnostics) < 0)
        print(name, &diagnostics);
    put_objects(after, import.objects);
    assert_int_equal(fixture_build(after), 0);
    assert_int_equal(before->desired->task_definitions.len, after->desired->task_definitions.len);
    for (size_t i = 0; i < before->desired->task_definitions.len; i++)
        assert_memory_equal(&before->desired->task_definitions.items[i]->digest,
                            &after->desired->task_definitions.items[i]->digest, sizeof(struct digest));
    import_deinit(&import);
    return true;
}

static void test_task_definitions(void **state)
{
    (void)state;
    char *directory CLEANUP_FREE = memory_printf("%s/task-definitions", corpus());
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    struct fixture *before CLEANUP(fixture_freep) = fixture_new();
    struct fixture *after CLEANUP(fixture_freep) = fixture_new();
    size_t files = 0;
    size_t equal = 0;
    size_t most = (size_t)unit_rounds(100000, 20);
    for (struct dirent *entry = readdir(dir); entry && files < most; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        char *path CLEANUP_FREE = memory_printf("%s/%s", directory, entry->d_name);
        char *content CLEANUP_FREE = memory_alloc(LIMIT_MANIFEST_BYTES);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t len = fread(content, 1, LIMIT_MANIFEST_BYTES, file);
        fclose(file);
        files++;
        equal += compare(before, after,
                         &(struct manifest_file){
                             .path = entry->d_name, .kind = MANIFEST_FILE, .content = content, .len = len});
    }
    closedir(dir);
    print_message("task-definitions: %zu of %zu are valid, and the same after the import\n", equal, files);
    assert_true(equal > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compose),
        cmocka_unit_test(test_cloudformation),
        cmocka_unit_test(test_task_definitions),
    };
    if (access(corpus(), R_OK) < 0) {
        printf("no files to import at %s: set DAVIT_CORPUS\n", corpus());
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
