#include "engine/docker_files.h"

#include "base/limits.h"
#include "base/text.h"
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
    const struct engine_create create = {.container = "app", .files = files, .files_len = ARRAY_LEN(files)};
    struct buffer tar CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_CONTAINER_FILES_BYTES);
    assert_int_equal(docker_files_tar(&create, &tar, NULL), 0);
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
    char bytes[4096] = "";
    const struct engine_file file = {.target = "/a", .content = bytes, .len = sizeof bytes};
    const struct engine_create create = {.container = "app", .files = &file, .files_len = 1};
    struct buffer tar CLEANUP(buffer_deinit) = BUFFER_INIT(2048);
    assert_int_equal(docker_files_tar(&create, &tar, NULL), ERROR_LIMIT);
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
        cmocka_unit_test(test_variables_come_into_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
