#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

static long number(const struct fixture *f, const char *command)
{
    char *out = fixture_run(f, "%s", command);
    long value = strtol(out, NULL, 10);
    free(out);
    return value;
}

static void save_and_tidy(struct fixture *f, int from, int to)
{
    struct error err = ERROR_INIT;
    for (int n = from; n <= to; n++) {
        assert_int_equal(fixture_save(f, "prod/web", n, NULL), 0);
        if (history_tidy(f->history, &err) < 0)
            fail_msg("%s", error_text(&err));
    }
}

static void test_loose_objects_are_packed(void **state)
{
    struct fixture *f = *state;
    f->options.pack_threshold = 50;
    fixture_reopen(f);
    save_and_tidy(f, 1, 100);
    assert_in_range(number(f, "git count-objects"), 0, 60);
    assert_in_range(number(f, "ls objects/pack/*.pack | wc -l"), 5, 20);
    assert_int_equal(number(f, "git rev-list --count refs/davit/state"), 100);
    free(fixture_run(f, "git fsck --strict --no-dangling && test ! -e objects/pack-davit"));
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", NULL), 100);
}

static void test_many_packs_become_one(void **state)
{
    struct fixture *f = *state;
    f->options.pack_threshold = 1;
    fixture_reopen(f);
    save_and_tidy(f, 1, 60);
    assert_in_range(number(f, "ls objects/pack/*.pack | wc -l"), 1, 51);
    free(fixture_run(f, "git fsck --strict --no-dangling"));
    assert_int_equal(fixture_load(f, "prod/web", NULL), 60);
}

static void test_old_history_is_trimmed(void **state)
{
    struct fixture *f = *state;
    f->options.retention = 10;
    fixture_reopen(f);
    save_and_tidy(f, 1, 21);
    /* Ten and the root on which they stand. */
    assert_int_equal(number(f, "git rev-list --count refs/davit/state"), 11);
    assert_int_equal(number(f, "git log -1 --format=%at refs/davit/state"), 1700000021);
    char *root = fixture_run(f, "git log --format=%%s refs/davit/state | tail -2");
    assert_string_equal(root, "prod/web: deployment 12 COMPLETED\nEarlier history was trimmed\n");
    free(root);
    /* What was trimmed is gone from the disk, and the rest is one pack. */
    assert_int_equal(number(f, "git count-objects"), 0);
    assert_int_equal(number(f, "ls objects/pack/*.pack | wc -l"), 1);
    assert_int_equal(number(f, "git fsck --unreachable --no-reflogs | wc -l"), 0);
    save_and_tidy(f, 22, 60);
    assert_in_range(number(f, "git rev-list --count refs/davit/state"), 10, 21);
    free(fixture_run(f, "git fsck --strict"));
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", NULL), 60);
}

static void test_a_shared_repository_loses_nothing(void **state)
{
    struct fixture *f = *state;
    f->options.retention = 10;
    fixture_reopen(f);
    save_and_tidy(f, 1, 5);
    /* Somebody's branch has our objects, and objects of its own. */
    free(fixture_run(f, "C=$(git -c user.name=x -c user.email=x commit-tree -p refs/davit/state -m x "
                        "refs/davit/state^{tree}) && git update-ref refs/heads/main $C && "
                        "echo wanted soon | git hash-object -w --stdin"));
    save_and_tidy(f, 6, 30);
    assert_in_range(number(f, "git rev-list --count refs/davit/state"), 10, 20);
    assert_int_equal(number(f, "git rev-list --count refs/heads/main"), 6);
    free(fixture_run(f, "git fsck --strict --no-dangling && "
                        "git cat-file -e $(echo wanted soon | git hash-object --stdin)"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_loose_objects_are_packed),
        TEST(test_many_packs_become_one),
        TEST(test_old_history_is_trimmed),
        TEST(test_a_shared_repository_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
