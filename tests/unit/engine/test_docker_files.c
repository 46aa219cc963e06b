#include "engine/docker_files.h"

#include "base/limits.h"
#include "base/text.h"
#include "sample.h"
#include "unit.h"

#include <string.h>
#include <unistd.h>

/* As tar(1) reads it. Caller frees. */
static char *listing(const struct buffer *tar, const char *options)
{
    char dir[64];
    unit_make_dir(dir, sizeof dir, "tar");
    char *path CLEANUP_FREE = memory_printf("%s/a.tar", dir);
    char *command CLEANUP_FREE = memory_printf("tar %s -f %s", options, path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fwrite(tar->data, 1, tar->len, file);
    fclose(file);
    struct buffer out = BUFFER_INIT(1024 * 1024);
    char line[4096];
    FILE *stream = popen(command, "re");
    while (fgets(line, sizeof line, stream))
        buffer_append_str(&out, line);
    assert_int_equal(pclose(stream), 0);
    unlink(path);
    rmdir(dir);
    return buffer_steal(&out);
}

static void test_tar_reads_what_is_written(void **state)
{
    (void)state;
    char long_name[300] = "/etc/";
    memset(long_name + 5, 'x', 240);
    const struct engine_file files[] = {
        {.target = "/etc/app.conf", .content = "one\n", .len = 4, .mode = 0640, .uid = 1000, .gid = 7},
        {.target = "//empty", .content = "", .mode = 04755},
        {.target = long_name, .content = "long\n", .len = 5, .mode = 0644, .uid = 2097151},
    };
    struct sample sample CLEANUP(sample_deinit);
    struct docker_archive_vec archives CLEANUP(docker_archive_vec_deinit) = {0};
    sample_init(&sample, 1, "{'name':'app','image':'i'}");
    sample.create.files = files;
    sample.create.files_len = ARRAY_LEN(files);
    assert_int_equal(docker_files_archives(&sample.create, &archives, NULL), 0);
    assert_int_equal(archives.len, 1);
    assert_string_equal(archives.items[0].path, "/");
    const struct buffer tar = archives.items[0].tar;
    assert_int_equal(tar.len % 512, 0);
    char *list CLEANUP_FREE = listing(&tar, "-tv --numeric-owner");
    assert_non_null(strstr(list, "-rw-r----- 1000/7"));
    assert_non_null(strstr(list, " etc/app.conf\n"));
    assert_non_null(strstr(list, "-rwsr-xr-x 0/0"));
    assert_non_null(strstr(list, " empty\n"));
    assert_non_null(strstr(list, "2097151/0"));
    assert_non_null(strstr(list, long_name + 1));
    char *content CLEANUP_FREE = listing(&tar, "-xO");
    assert_string_equal(content, "one\nlong\n");
}

static void test_too_much_is_an_error(void **state)
{
    (void)state;
    const size_t len = LIMIT_CONTAINER_FILES_BYTES + LIMIT_CONTAINER_FILES * 8192;
    char *bytes CLEANUP_FREE = memory_calloc(len, 1);
    const struct engine_file file = {.target = "/a", .content = bytes, .len = len};
    struct sample sample CLEANUP(sample_deinit);
    struct docker_archive_vec archives CLEANUP(docker_archive_vec_deinit) = {0};
    sample_init(&sample, 1, "{'name':'app','image':'i'}");
    sample.create.files = &file;
    sample.create.files_len = 1;
    assert_int_equal(docker_files_archives(&sample.create, &archives, NULL), ERROR_LIMIT);
}

/* An engine puts nothing into a root file system that is read-only, but into volumes that may be written. */
static void test_files_for_a_read_only_root(void **state)
{
    (void)state;
    static const struct engine_file files[] = {
        {.target = "/etc/app/a", .content = "1", .len = 1},
        {.target = "/etc/app/deep/b", .content = "2", .len = 1},
        {.target = "/etc/app/own/c", .content = "3", .len = 1},
        {.target = "/etc/apple", .content = "4", .len = 1},
    };
    struct sample sample CLEANUP(sample_deinit);
    struct docker_archive_vec archives CLEANUP(docker_archive_vec_deinit) = {0};
    struct error err = ERROR_INIT;
    sample_init(&sample, 1,
                "{'name':'app','image':'i','readonlyRootFilesystem':true,'mountPoints':["
                "{'sourceVolume':'v','containerPath':'/etc/app/'},{'sourceVolume':'w','containerPath':"
                "'/etc/app/own'},{'sourceVolume':'r','containerPath':'/etc/app/r','readOnly':true}]}");
    sample.create.files = files;
    sample.create.files_len = 3;
    assert_int_equal(docker_files_archives(&sample.create, &archives, NULL), 0);
    assert_int_equal(archives.len, 2);
    assert_string_equal(archives.items[0].path, "/etc/app/");
    assert_string_equal(archives.items[1].path, "/etc/app/own");
    char *first CLEANUP_FREE = listing(&archives.items[0].tar, "-t");
    char *second CLEANUP_FREE = listing(&archives.items[1].tar, "-t");
    assert_string_equal(first, "a\ndeep/b\n");
    assert_string_equal(second, "c\n");
    docker_archive_vec_deinit(&archives);
    sample.create.files_len = 4;
    assert_int_equal(docker_files_archives(&sample.create, &archives, &err), ERROR_INVALID);
    assert_non_null(strstr(err.message, "no volume is mounted above /etc/apple"));
    docker_archive_vec_deinit(&archives);
    const struct engine_file below_read_only = {.target = "/etc/app/r/x", .content = "", .len = 0};
    sample.create.files = &below_read_only;
    sample.create.files_len = 1;
    assert_int_equal(docker_files_archives(&sample.create, &archives, &err), ERROR_INVALID);
}

/* Podman puts what it is given for "/" below a volume, where nobody sees it. */
static void test_files_in_volumes_go_there_whatever_the_root_is(void **state)
{
    (void)state;
    static const struct engine_file files[] = {{.target = "/etc/app", .content = "1", .len = 1},
                                               {.target = "/data/deep/b", .content = "2", .len = 1}};
    static const struct engine_file lost[] = {
        {.target = "/data"}, {.target = "/run/x"}, {.target = "/etc/hosts"}};
    struct sample sample CLEANUP(sample_deinit);
    struct docker_archive_vec archives CLEANUP(docker_archive_vec_deinit) = {0};
    sample_init(&sample, 1,
                "{'name':'app','image':'i','mountPoints':[{'sourceVolume':'v','containerPath':'/data'}],"
                "'linuxParameters':{'tmpfs':[{'containerPath':'/run','size':1}]}}");
    sample.create.files = files;
    sample.create.files_len = ARRAY_LEN(files);
    assert_int_equal(docker_files_archives(&sample.create, &archives, NULL), 0);
    assert_int_equal(archives.len, 2);
    assert_string_equal(archives.items[0].path, "/");
    assert_string_equal(archives.items[1].path, "/data");
    char *second CLEANUP_FREE = listing(&archives.items[1].tar, "-t");
    assert_string_equal(second, "deep/b\n");
    for (size_t i = 0; i < ARRAY_LEN(lost); i++) {
        docker_archive_vec_deinit(&archives);
        sample.create.files = &lost[i];
        sample.create.files_len = 1;
        assert_int_equal(docker_files_archives(&sample.create, &archives, NULL), ERROR_INVALID);
    }
}

static void test_variables_come_into_the_body(void **state)
{
    (void)state;
    char *line = (char *)"A=b";
    struct string_vec environment = {&line, 1, 1};
    json_t *body = json_pack("{s:[s]}", "Env", "OLD=1");
    docker_files_apply(&(struct engine_create){.environment = &environment}, body);
    char *text CLEANUP_FREE = json_dumps(body, JSON_COMPACT);
    assert_string_equal(text, "{\"Env\":[\"A=b\"]}");
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tar_reads_what_is_written),
        cmocka_unit_test(test_too_much_is_an_error),
        cmocka_unit_test(test_files_for_a_read_only_root),
        cmocka_unit_test(test_files_in_volumes_go_there_whatever_the_root_is),
        cmocka_unit_test(test_variables_come_into_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
