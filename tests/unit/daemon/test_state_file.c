/* Files of the state directory: whole or not at all. */
#include "base/memory.h"
#include "daemon/state_file.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_written_and_read(void **state)
{
    (void)state;
    char dir[256];
    struct stat stat_of = {0};
    struct error err = ERROR_INIT;
    unit_make_dir(dir, sizeof dir, "state");
    char *path CLEANUP_FREE = memory_printf("%s/file", dir);
    static const char *const texts[] = {"a long text", "", "b"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char *text CLEANUP_FREE = NULL;
        assert_int_equal(state_file_write(path, texts[i], &err), 0);
        assert_int_equal(state_file_read(path, 100, &text, &err), 0);
        assert_string_equal(text, texts[i]);
    }
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    unlink(path);
    assert_int_equal(rmdir(dir), 0); /* nothing is left beside it */
}

static void test_what_fails_leaves_the_old_one(void **state)
{
    (void)state;
    char dir[256];
    char *text = NULL;
    struct error err = ERROR_INIT;
    unit_make_dir(dir, sizeof dir, "state");
    char *path CLEANUP_FREE = memory_printf("%s/file", dir);
    char *new CLEANUP_FREE = memory_printf("%s.new", path);
    assert_int_equal(state_file_read(path, 100, &text, &err), ERROR_NOT_FOUND);
    assert_int_equal(state_file_write(path, "old", &err), 0);
    assert_int_equal(mkdir(new, 0700), 0);
    assert_int_equal(state_file_write(path, "new", &err), ERROR_IO);
    assert_non_null(strstr(err.message, new));
    assert_int_equal(rmdir(new), 0);
    assert_int_equal(state_file_read(path, 2, &text, &err), ERROR_LIMIT);
    assert_int_equal(state_file_read(dir, 1 << 20, &text, &err), ERROR_IO);
    assert_int_equal(state_file_read(path, 3, &text, &err), 0);
    assert_string_equal(text, "old");
    free(text);
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_and_read),
        cmocka_unit_test(test_what_fails_leaves_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
