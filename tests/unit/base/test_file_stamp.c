#include "base/file_stamp.h"

#include "base/memory.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static bool is_changed(const char *path, struct file_stamp *stamp)
{
    struct file_stamp before = *stamp;
    *stamp = file_stamp_of(path);
    return !file_stamp_equal(&before, stamp);
}

static void test_what_is_another_file(void **state)
{
    (void)state;
    char dir[] = "/tmp/davit-stamp-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *path CLEANUP_FREE = memory_printf("%s/token", dir);
    char *other CLEANUP_FREE = memory_printf("%s/other", dir);
    char *link CLEANUP_FREE = memory_printf("%s/link", dir);
    assert_int_equal(symlink(path, link), 0);
    struct file_stamp stamp = file_stamp_of(NULL);
    assert_false(is_changed(link, &stamp)); /* it leads nowhere */
    write_text(path, "one");
    assert_true(is_changed(link, &stamp));
    assert_false(is_changed(link, &stamp));
    write_text(path, "three");
    assert_true(is_changed(link, &stamp));
    write_text(other, "seven");
    assert_int_equal(rename(other, path), 0);
    assert_true(is_changed(link, &stamp));
    unlink(path);
    assert_true(is_changed(link, &stamp));
    unlink(link);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_another_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
