#include "fixture.h"
#include "history/merge.h"
#include "odb/merge.h"

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

static void save_many(struct fixture *f, int count)
{
    struct ledger_change_vec changes = {0};
    for (int i = 0; i < count; i++)
        vector_push(&changes, fixture_change(LEDGER_SERVICE, memory_printf("prod/service-%d", i),
                                             json_pack("{s:i}", "n", i), "first"));
    assert_int_equal(history_save(f->history, &changes, 1700000000000, NULL), 0);
    for (size_t i = 0; i < changes.len; i++) {
        free(changes.items[i].name);
        json_decref(changes.items[i].entry);
    }
    vector_deinit(&changes);
}

static void save_and_tidy(struct fixture *f, int from, int to)
{
    struct error err = ERROR_INIT;
    for (int n = from; n <= to; n++) {
        assert_int_equal(fixture_save(f, "prod/web", n, NULL), 0);
        if (fixture_tidy(f, &err) < 0)
            fail_msg("%s", error_text(&err));
    }
}

static void test_small_packs_become_one(void **state)
{
    struct fixture *f = *state;
    f->options.pack_threshold = 10;
    fixture_reopen(f);
    save_and_tidy(f, 1, 10);
    assert_int_equal(number(f, "ls objects/pack/*.pack | wc -l"), 10);
    save_and_tidy(f, 11, 11);
    assert_int_equal(number(f, "ls objects/pack/*.pack | wc -l"), 1);
    assert_int_equal(number(f, "ls objects/pack | wc -l"), 2);
    save_and_tidy(f, 12, 100);
    assert_in_range(number(f, "ls objects/pack/*.pack | wc -l"), 1, 12);
    assert_int_equal(number(f, "git rev-list --count refs/davit/state"), 100);
    free(fixture_run(f, "git fsck --strict --no-dangling && test -z \"$(ls objects/pack-davit)\""));
    assert_int_equal(fixture_load(f, "prod/web", NULL), 100);
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", NULL), 100);
}

/* Writing a large pack again for each fifty saves would cost more the longer davit runs. */
static void test_a_large_pack_is_left_alone(void **state)
{
    struct fixture *f = *state;
    f->options.pack_threshold = 3;
    fixture_reopen(f);
    save_many(f, ODB_PACK_SMALL + 1);
    char *large = fixture_run(f, "printf %%s objects/pack/*.pack");
    save_and_tidy(f, 1, 9);
    assert_in_range(number(f, "ls objects/pack/*.pack | wc -l"), 2, 5);
    free(fixture_run(f, "ls %s", large));
    free(large);
    free(fixture_run(f, "git fsck --strict --no-dangling"));
    assert_int_equal(fixture_load(f, "prod/web", NULL), 9);
}

/* The others become one without it, and it stays for git fsck to name. */
static void test_a_damaged_pack_is_not_merged(void **state)
{
    struct fixture *f = *state;
    f->options.pack_threshold = 5;
    fixture_reopen(f);
    save_and_tidy(f, 1, 3);
    char *damaged =
        fixture_run(f, "F=$(ls objects/pack/*.pack | head -1); chmod u+w $F && "
                       "printf damaged | dd of=$F bs=1 seek=20 conv=notrunc status=none; printf %%s $F");
    fixture_reopen(f);
    save_and_tidy(f, 4, 12);
    assert_in_range(number(f, "ls objects/pack/*.pack | wc -l"), 2, 6);
    free(fixture_run(f, "ls %s", damaged));
    free(damaged);
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
        TEST(test_small_packs_become_one),
        TEST(test_a_large_pack_is_left_alone),
        TEST(test_a_damaged_pack_is_not_merged),
        TEST(test_old_history_is_trimmed),
        TEST(test_a_shared_repository_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
