/* Files that task definitions name: from references to roots, from files to blob ids. */
#include "base/text.h"
#include "manifest_fixture.h"

#include "model/json.h"

#define TASK(files)                                                                                          \
    "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i\",\"memory\":8,"          \
    "\"davit\":{\"files\":"                                                                                  \
    "[" files "]}}]}"
/* A member is given twice. */
#define TWICE                                                                                                \
    "{\"family\":\"web\",\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i\","    \
    "\"memory\":8,"                                                                                          \
    "\"davit\":{\"files\":[" FILE_OF("../a") "]}}]}"
#define FILE_OF(source) "{\"source\":\"" source "\",\"target\":\"/etc/app.conf\"}"
#define SERVICE         "{\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":1}"
#define OID_A           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OID_B           "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void put_other(struct fixture *fixture, const char *path, const char *oid, int64_t size)
{
    struct manifest_file file = {.path = path,
                                 .kind = oid ? MANIFEST_FILE : MANIFEST_DELETED,
                                 .other = true,
                                 .oid = oid,
                                 .size_bytes = size};
    manifest_update(fixture->manifest, false, &file, 1);
}

static void set_roots(struct fixture *fixture, char *root, int levels)
{
    struct string_vec roots = {&root, root ? 1 : 0, 1};
    manifest_set_roots(fixture->manifest, &roots, levels);
}

static struct fixture *start(const char *task, char *root)
{
    struct fixture *fixture = fixture_new();
    set_roots(fixture, root, 1);
    fixture_put(fixture, "web.json", task);
    fixture_put(fixture, "service.json", SERVICE);
    return fixture;
}

static const json_t *file_at(const struct fixture *fixture, size_t index)
{
    const struct task_definition *definition = desired_task_definition(fixture->desired, "web");
    const json_t *container = json_array_get(json_object_get(definition->json, "containerDefinitions"), 0);
    return json_array_get(json_object_get(json_object_get(container, "davit"), "files"), index);
}

/* As git has it; "mode" says otherwise. */
static void test_modes(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        start(TASK(FILE_OF("../run.sh") ",{\"source\":\"../run.sh\",\"target\":\"/x\",\"mode\":\"0400\"}"),
              (char *)"../run.sh");
    put_other(fixture, "../run.sh", OID_A, 3);
    assert_int_equal(fixture_build(fixture), 0);
    assert_string_equal(model_string(file_at(fixture, 0), "mode"), "0644");
    struct digest plain = desired_service(fixture->desired, "default", "web")->digest;
    struct manifest_file file = {
        .path = "../run.sh", .other = true, .oid = OID_A, .size_bytes = 3, .executable = true};
    manifest_update(fixture->manifest, false, &file, 1);
    assert_int_equal(fixture_build(fixture), 0);
    assert_string_equal(model_string(file_at(fixture, 0), "mode"), "0755");
    assert_string_equal(model_string(file_at(fixture, 1), "mode"), "0400");
    assert_false(digest_equal(&plain, &desired_service(fixture->desired, "default", "web")->digest));
}

static void test_missing_roots_are_told_and_nothing_is_numbered_without(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = start(TASK(FILE_OF("../conf/./x/../app.conf")), NULL);
    struct string_vec missing CLEANUP(string_vec_deinit) = {0};
    fixture_asks(fixture, &missing);
    assert_int_equal(missing.len, 1);
    assert_string_equal(missing.items[0], "../conf/app.conf");
    string_vec_deinit(&missing);
    set_roots(fixture, (char *)"../conf/app.conf", 1);
    fixture_asks(fixture, &missing);
    assert_int_equal(missing.len, 0);
    put_other(fixture, "../conf/app.conf", OID_A, 3);
    assert_int_equal(fixture_build(fixture), 0);
    assert_string_equal(model_string(file_at(fixture, 0), "blob"), OID_A);
    assert_string_equal(model_string(file_at(fixture, 0), "mode"), "0644");
    assert_string_equal(model_string(file_at(fixture, 0), "user"), "0:0");
    assert_int_equal(model_int(file_at(fixture, 0), "size"), 3);
}

/* It is read to tell all of its faults. */
static void test_a_file_that_is_not_well_formed_is_no_revision(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = start(TWICE, (char *)"../a");
    put_other(fixture, "../a", OID_A, 3);
    assert_int_equal(fixture_build(fixture), ERROR_INVALID);
    assert_null(map_get(&fixture->families, "web"));
}

/* The content is in the identity, the place in the repository is not. */
static void test_another_content_is_another_revision_and_back(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = start(TASK(FILE_OF("a")), (char *)"a");
    put_other(fixture, "a", OID_A, 1);
    assert_int_equal(fixture_build(fixture), 0);
    struct digest first = desired_service(fixture->desired, "default", "web")->digest;
    assert_int_equal(desired_task_definition(fixture->desired, "web")->revision, 1);
    put_other(fixture, "a", OID_B, 1);
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(desired_service(fixture->desired, "default", "web")->task_definition->revision, 2);
    put_other(fixture, "a", OID_A, 1);
    assert_int_equal(fixture_build(fixture), 0);
    const struct service *service = desired_service(fixture->desired, "default", "web");
    assert_int_equal(service->task_definition->revision, 1);
    assert_true(digest_equal(&service->digest, &first));
    fixture_put(fixture, "web.json", TASK(FILE_OF("b")));
    set_roots(fixture, (char *)"b", 1);
    put_other(fixture, "b", OID_A, 1);
    assert_int_equal(fixture_build(fixture), 0);
    service = desired_service(fixture->desired, "default", "web");
    assert_true(digest_equal(&service->digest, &first));
}

static void test_a_directory_becomes_its_files(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        start(TASK("{\"source\":\"d\",\"target\":\"/etc/d/\",\"mode\":\"400\",\"user\":\"7\"}"), (char *)"d");
    put_other(fixture, "d/b/x.yaml", OID_B, 1);
    put_other(fixture, "d/a", OID_A, 1);
    assert_int_equal(fixture_build(fixture), 0);
    assert_string_equal(model_string(file_at(fixture, 0), "target"), "/etc/d/a");
    assert_string_equal(model_string(file_at(fixture, 0), "mode"), "0400");
    assert_string_equal(model_string(file_at(fixture, 0), "user"), "7:0");
    assert_string_equal(model_string(file_at(fixture, 1), "target"), "/etc/d/b/x.yaml");
    assert_string_equal(model_string(file_at(fixture, 1), "source"), "d/b/x.yaml");
    put_other(fixture, "d/a", NULL, 0);
    assert_int_equal(fixture_build(fixture), 0);
    assert_null(file_at(fixture, 1));
}

static void test_what_a_container_gets_is_no_manifest(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        start(TASK(FILE_OF("prometheus.yml")), (char *)"prometheus.yml");
    fixture_put(fixture, "prometheus.yml", "scrape_configs: []\n");
    put_other(fixture, "prometheus.yml", OID_A, 1);
    assert_int_equal(fixture_build(fixture), 0);
    fixture_put(fixture, "other.yml", "scrape_configs: []\n");
    assert_int_equal(fixture_build(fixture), ERROR_INVALID);
}

static void check_fault(struct fixture *fixture, const char *code, const char *words)
{
    assert_int_equal(fixture_build(fixture), ERROR_INVALID);
    assert_true(fixture->diagnostics.list.len > 0);
    const struct diagnostic *first = &fixture->diagnostics.list.items[0];
    assert_string_equal(first->code, code);
    if (!strstr(first->message, words))
        fail_msg("%s", first->message);
    assert_string_equal(first->file, "web.json");
    assert_int_equal(first->at.line, 1);
    assert_true(first->at.column > 1);
}

static void test_faults_stand_at_the_reference(void **state)
{
    (void)state;
    static const struct {
        enum manifest_file_kind kind;
        int64_t size;
        const char *code;
        const char *words;
    } cases[] = {{MANIFEST_SYMLINK, 1, "symlink", "symbolic link"},
                 {MANIFEST_SUBMODULE, 0, "submodule", "submodule"},
                 {MANIFEST_LFS, 1, "lfs-pointer", "git-lfs"},
                 {MANIFEST_FILE, LIMIT_FILE_BYTES + 1, "limit", "1048577 bytes"},
                 {MANIFEST_TOO_LARGE, 0, "limit", "directory \"a\" is more than"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = start(TASK(FILE_OF("a")), (char *)"a");
        struct manifest_file file = {
            .path = "a", .kind = cases[i].kind, .other = true, .oid = OID_A, .size_bytes = cases[i].size};
        manifest_update(fixture->manifest, false, &file, 1);
        check_fault(fixture, cases[i].code, cases[i].words);
    }
    struct fixture *none CLEANUP(fixture_freep) = start(TASK(FILE_OF("a")), (char *)"a");
    check_fault(none, "reference", "no file \"a\"");
    struct fixture *out CLEANUP(fixture_freep) = start(TASK(FILE_OF("../../a")), NULL);
    check_fault(out, "reference", "out of the repository");
    struct fixture *plain CLEANUP(fixture_freep) = fixture_new();
    manifest_set_directory(plain->manifest, "prod", "git init");
    set_roots(plain, NULL, 0);
    fixture_put(plain, "web.json", TASK(FILE_OF("../a")));
    check_fault(plain, "reference",
                "leads out of \"prod\", which is taken as the root because it is in no git repository");
    struct fixture *twice CLEANUP(fixture_freep) = start(TASK(FILE_OF("a") "," FILE_OF("a")), (char *)"a");
    put_other(twice, "a", OID_A, 1);
    check_fault(twice, "duplicate", "/etc/app.conf");
    assert_int_equal(twice->diagnostics.errors, 1);
    put_other(twice, "a", NULL, 0); /* another fault takes the place of the first */
    check_fault(twice, "reference", "no file");
}

static void put_variables(struct fixture *fixture, const char *path, const char *content)
{
    struct manifest_file file = {.path = path,
                                 .kind = MANIFEST_FILE,
                                 .other = true,
                                 .oid = OID_A,
                                 .content = content,
                                 .len = strlen(content),
                                 .size_bytes = (int64_t)strlen(content)};
    manifest_update(fixture->manifest, false, &file, 1);
}

#define VARIABLES_TWICE                                                                                      \
    "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"nginx\",\"memory\":4,"        \
    "\"environmentFiles\":[{\"type\":\"s3\",\"value\":\"a.env\"}]},{\"name\":\"b\",\"image\":\"nginx\","     \
    "\"memory\":4,\"environmentFiles\":[{\"type\":\"s3\",\"value\":\"a.env\"}]}]}"

static void test_lines_that_give_no_variable_are_told(void **state)
{
    (void)state;
    static const char *const told[] = {"a.env:3:1: warning: a line without \"=\" gives no variable",
                                       "a.env:4:3: warning: a line without \"=\"",
                                       "a.env:5:1: warning: a line without a name before \"=\""};
    struct fixture *fixture CLEANUP(fixture_freep) = start(VARIABLES_TWICE, (char *)"a.env");
    put_variables(fixture, "b.env", "hunter2\n"); /* nobody's */
    put_variables(fixture, "a.env", "# a\nA=1=2\nhunter2\r\n  B C\n=x\n\n \t\r\n  # c\nZ=");
    assert_int_equal(fixture_build(fixture), 0);
    if (fixture->diagnostics.list.len != ARRAY_LEN(told))
        fixture_print(fixture);
    assert_int_equal(fixture->diagnostics.list.len, ARRAY_LEN(told));
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        char *text CLEANUP_FREE = diagnostic_to_text(&fixture->diagnostics.list.items[i]);
        assert_true(text_starts_with(text, told[i]));
        assert_null(strstr(text, "hunter2"));
    }
    put_variables(fixture, "a.env", "A=1\n");
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->diagnostics.list.len, 0);
}

static const char *const refused[] = {
    "{\"source\":\"/etc/x\",\"target\":\"/a\"}",
    "{\"source\":\"a\",\"target\":\"etc\"}",
    "{\"source\":\"a\",\"target\":\"/a/../b\"}",
    "{\"source\":\"a\",\"target\":\"/a\",\"mode\":420}",
    "{\"source\":\"a\",\"target\":\"/a\",\"mode\":\"0888\"}",
    "{\"source\":\"a\",\"target\":\"/a\",\"user\":\"root\"}",
};

static void test_what_the_schema_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        char *text CLEANUP_FREE = memory_printf("{\"family\":\"web\",\"containerDefinitions\":[{\"name\":"
                                                "\"app\",\"image\":\"i\",\"davit\":{\"files\":[%s]}}]}",
                                                refused[i]);
        struct fixture *fixture CLEANUP(fixture_freep) = start(text, (char *)"a");
        put_other(fixture, "a", OID_A, 1);
        assert_int_equal(fixture_build(fixture), ERROR_INVALID);
    }
    struct fixture *fixture CLEANUP(fixture_freep) =
        start("{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i\","
              "\"memory\":8,\"readonlyRootFilesystem\":true,"
              "\"davit\":{\"files\":[" FILE_OF("a") "]}}]}",
              (char *)"a");
    put_other(fixture, "a", OID_A, 1);
    check_fault(fixture, "unsupported", "read-only root file system");
    assert_string_equal(fixture->diagnostics.list.items[0].pointer,
                        "/containerDefinitions/0/davit/files/0/target");
}

static void test_files_for_a_read_only_root(void **state)
{
    (void)state;
    static const struct {
        const char *mounted;
        bool is_fine;
    } cases[] = {{"\"containerPath\":\"/etc\"", true},
                 {"\"containerPath\":\"/etc\",\"readOnly\":true", false},
                 {"\"containerPath\":\"/et\"", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text CLEANUP_FREE = memory_printf(
            "{\"family\":\"web\",\"volumes\":[{\"name\":\"v\"}],\"containerDefinitions\":[{\"name\":\"app\","
            "\"image\":\"i\",\"memory\":8,\"readonlyRootFilesystem\":true,\"mountPoints\":[{\"sourceVolume\":"
            "\"v\",%s}],\"davit\":{\"files\":[" FILE_OF("a") "]}}]}",
            cases[i].mounted);
        struct fixture *fixture CLEANUP(fixture_freep) = start(text, (char *)"a");
        put_other(fixture, "a", OID_A, 1);
        assert_int_equal(fixture_build(fixture), cases[i].is_fine ? 0 : ERROR_INVALID);
    }
}

/* Without being told nobody would know: the file is nowhere, or takes the place of what a volume holds. */
static void test_files_that_a_container_would_not_have(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        const char *words; /* NULL: it has it */
    } cases[] = {{"/run/app.conf", "a tmpfs"},
                 {"/run/deep/", "a tmpfs"},
                 {"/run/kept/app.conf", NULL},
                 {"/runner", NULL},
                 {"/fixed/app.conf", "mounted read-only"},
                 {"/data", "a volume is mounted"},
                 {"/data/", NULL},
                 {"/data/app.conf", NULL},
                 {"/over", "a volume is mounted"},
                 {"/etc/hosts", "of their own"},
                 {"/etc/hosts.allow", NULL},
                 {"/proc/x", "of their own"},
                 {"/dev/shm/x", "of their own"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text CLEANUP_FREE = memory_printf(
            "{\"family\":\"web\",\"volumes\":[{\"name\":\"v\"}],\"containerDefinitions\":[{\"name\":\"app\","
            "\"image\":\"i\",\"memory\":8,\"linuxParameters\":{\"tmpfs\":[{\"containerPath\":\"/"
            "run\",\"size\":1}]},"
            "\"mountPoints\":[{\"sourceVolume\":\"v\",\"containerPath\":\"/data/\"},{\"sourceVolume\":\"v\","
            "\"containerPath\":\"/over/deep\"},{\"sourceVolume\":\"v\",\"containerPath\":\"/run/kept\"},"
            "{\"sourceVolume\":\"v\",\"containerPath\":\"/fixed\",\"readOnly\":true}],"
            "\"davit\":{\"files\":[{\"source\":\"a\",\"target\":\"%s\"}]}}]}",
            cases[i].target);
        struct fixture *fixture CLEANUP(fixture_freep) = start(text, (char *)"a");
        put_other(fixture, "a", OID_A, 1);
        if (cases[i].words)
            check_fault(fixture, "unsupported", cases[i].words);
        else
            assert_int_equal(fixture_build(fixture), 0);
    }
}

static char *joined(const struct string_vec *list)
{
    char *all = memory_strdup("");
    for (size_t i = 0; i < list->len; i++) {
        char *longer = memory_printf("%s%s ", all, list->items[i]);
        free(all);
        all = longer;
    }
    return all;
}

static void test_the_places_of_a_service(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = start(TASK(FILE_OF("../conf")), (char *)"../conf");
    struct manifest_places places CLEANUP(manifest_places_deinit) = {0};
    put_other(fixture, "../conf/a", OID_A, 3);
    fixture_put(fixture, "davit.yaml", "variables: {A: b}\n");
    fixture_put(
        fixture, "more.yaml",
        "{\"family\":\"migrate\",\"containerDefinitions\":[{\"name\":\"m\",\"image\":\"i\","
        "\"memory\":8}]}\n---\n{\"serviceName\":\"api\",\"taskDefinition\":\"web\",\"desiredCount\":1,"
        "\"davit\":{\"preDeploy\":[\"migrate\"]}}\n");
    assert_int_equal(fixture_build(fixture), 0);
    assert_true(manifest_service_places(fixture->manifest, "default", "web", &places));
    char *own CLEANUP_FREE = joined(&places.own);
    char *shared CLEANUP_FREE = joined(&places.shared);
    assert_string_equal(own, "service.json web.json ../conf ");
    assert_string_equal(shared, "davit.yaml ");
    manifest_places_deinit(&places);
    places = (struct manifest_places){0};
    assert_true(manifest_service_places(fixture->manifest, "default", "api", &places));
    char *with_step CLEANUP_FREE = joined(&places.own);
    assert_string_equal(with_step, "more.yaml web.json ../conf ");
    assert_false(manifest_service_places(fixture->manifest, "other", "web", &places));
}

static void test_environment_files(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = start(
        "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i\",\"memory\":8,"
        "\"environmentFiles\":["
        "{\"type\":\"s3\",\"value\":\"a.env\"},{\"type\":\"s3\",\"value\":\"arn:aws:s3:::b/c.env\"}]}]}",
        (char *)"a.env");
    put_other(fixture, "a.env", OID_A, 1);
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->diagnostics.warnings, 1);
    const struct task_definition *definition = desired_task_definition(fixture->desired, "web");
    const json_t *container = json_array_get(json_object_get(definition->json, "containerDefinitions"), 0);
    const json_t *files = json_object_get(json_object_get(container, "davit"), "environmentFiles");
    assert_int_equal(json_array_size(files), 1);
    assert_string_equal(model_string(json_array_get(files, 0), "value"), "a.env");
    assert_string_equal(model_string(json_array_get(files, 0), "blob"), OID_A);
}

/* What lies beside the manifests' directory is no part of the reference. */
static void test_a_directory_that_holds_the_manifests_is_refused(void **state)
{
    (void)state;
    static const char *const tasks[] = {TASK("{\"source\":\"..\",\"target\":\"/etc/\"}"),
                                        TASK("{\"source\":\".\",\"target\":\"/etc/\"}"),
                                        TASK("{\"source\":\"x/../..\",\"target\":\"/etc/\"}")};
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
        struct string_vec wanted CLEANUP(string_vec_deinit) = {0};
        struct fixture *fixture CLEANUP(fixture_freep) = start(tasks[i], (char *)"..");
        put_other(fixture, "../conf/app.conf", OID_A, 1);
        check_fault(fixture, "reference", "holds the manifests themselves");
        manifest_wanted_roots(fixture->manifest, &wanted);
        assert_int_equal(wanted.len, 0);
    }
    struct fixture *out CLEANUP(fixture_freep) = start(TASK(FILE_OF("../..")), NULL);
    check_fault(out, "reference", "out of the repository");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_that_give_no_variable_are_told),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_missing_roots_are_told_and_nothing_is_numbered_without),
        cmocka_unit_test(test_a_file_that_is_not_well_formed_is_no_revision),
        cmocka_unit_test(test_another_content_is_another_revision_and_back),
        cmocka_unit_test(test_a_directory_becomes_its_files),
        cmocka_unit_test(test_what_a_container_gets_is_no_manifest),
        cmocka_unit_test(test_faults_stand_at_the_reference),
        cmocka_unit_test(test_a_directory_that_holds_the_manifests_is_refused),
        cmocka_unit_test(test_what_the_schema_refuses),
        cmocka_unit_test(test_files_for_a_read_only_root),
        cmocka_unit_test(test_files_that_a_container_would_not_have),
        cmocka_unit_test(test_the_places_of_a_service),
        cmocka_unit_test(test_environment_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
