#include "odb/file.h"

#include "base/memory.h"
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void test_all_of_them(void **state)
{
    char dir[256];
    (void)state;
    unit_make_dir(dir, sizeof dir, "sync");
    char *file CLEANUP_FREE = memory_printf("%s/file", dir);
    FILE *stream = fopen(file, "w");
    assert_non_null(stream);
    fclose(stream);
    const char *const paths[] = {file, dir, file};
    assert_int_equal(odb_file_sync_all(paths, ARRAY_LEN(paths), NULL), 0);
    unlink(file);
    rmdir(dir);
}

/* Whoever of them it is, and the first of two. */
static void test_the_first_that_fails(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    const char *const paths[] = {"/", "/nowhere/one", "/", "/nowhere/two"};
    for (size_t len = 2; len <= ARRAY_LEN(paths); len++) {
        errno = 0;
        assert_int_equal(odb_file_sync_all(paths, len, &err), ERROR_NOT_FOUND);
        assert_int_equal(errno, ENOENT);
        assert_non_null(strstr(err.message, "/nowhere/one"));
    }
    assert_int_equal(odb_file_sync_all(paths + 1, 2, &err), ERROR_NOT_FOUND); /* and nobody else of them */
    assert_int_equal(odb_file_sync_all(paths + 2, 2, &err), ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nowhere/two"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_them),
        cmocka_unit_test(test_the_first_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
