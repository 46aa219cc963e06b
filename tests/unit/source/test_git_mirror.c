#include "fixture.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* A life of the source, then damage, a new commit, and the next life, which has to come to the new commit.
 * The ledger's ref lives in the mirror, too. */
static void live_damage_and_live(struct fixture *f, const char *damage)
{
    fixture_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_stop(f);
    fixture_sh(f,
               "cd state/a/mirror.git; tree=$(git mktree </dev/null); "
               "git update-ref refs/davit/state $(git commit-tree -m ledger $tree); chmod -R u+w .; %s",
               damage);
    fixture_sh(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=two;");
    fixture_await_ok(f);
}

static void test_lost_mirror_is_made_again(void **state)
{
    live_damage_and_live(*state, "rm -rf ../mirror.git");
}

static void test_mirror_without_head_is_made_anew(void **state)
{
    struct fixture *f = *state;
    live_damage_and_live(f, "rm HEAD");
    fixture_sh(f, "test -d state/a/mirror.git.broken; git -C state/a/mirror.git fsck");
}

static void test_truncated_objects_are_fetched_again_and_the_ledger_rescued(void **state)
{
    struct fixture *f = *state;
    live_damage_and_live(f, "blob=$(git rev-parse refs/davit/source:web.yaml); "
                            ": >objects/$(echo $blob | cut -c1-2)/$(echo $blob | cut -c3-)");
    fixture_sh(
        f, "git -C state/a/mirror.git fsck; git -C state/a/mirror.git log refs/davit/state | grep -q ledger");
}

static void test_a_lock_of_a_killed_life_is_no_hindrance(void **state)
{
    live_damage_and_live(*state, ": >refs/davit/source.lock");
}

static void test_an_empty_ref_of_the_mirror(void **state)
{
    struct fixture *f = *state;
    live_damage_and_live(f, ": >refs/davit/source");
    fixture_sh(f, "git -C state/a/mirror.git log refs/davit/state | grep -q ledger");
}

static void test_broken_mirror_of_a_directory(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "mkdir repo; printf one >repo/web.yaml");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_stop(f);
    fixture_sh(f, "cd state/a/mirror.git; chmod -R u+w .; for o in $(find objects -type f); do : >$o; done; "
                  "printf two >../../../repo/web.yaml");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=two;");
    fixture_await_ok(f);
}

static void test_mirror_lost_while_running(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
    fixture_sh(f, "mv state gone; cd repo; printf two >web.yaml; git commit -qam second");
    fixture_await_head(f, "web.yaml=two;");
    assert_false(fixture_last(f)->rewritten);
}

static void test_many_objects_make_a_pack(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "git init -q -b main repo; cd repo; for i in $(seq 1200); do echo $i >f$i.txt; done; "
                  "printf one >web.yaml; git add .; git commit -qm first");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, "ls state/a/mirror.git/objects/pack/*.pack; git -C state/a/mirror.git fsck --strict");
}

static void test_shallow_origin(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "git init -q -b main full; cd full; for i in 1 2 3; do printf $i >web.yaml; git add .; "
                  "git commit -qm c$i; done; git clone -q --depth 2 file://$PWD ../repo");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=3;");
    assert_int_equal(f->seen.len, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lost_mirror_is_made_again, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_mirror_without_head_is_made_anew, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_truncated_objects_are_fetched_again_and_the_ledger_rescued,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_lock_of_a_killed_life_is_no_hindrance, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_ref_of_the_mirror, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_broken_mirror_of_a_directory, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_mirror_lost_while_running, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_many_objects_make_a_pack, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_shallow_origin, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
