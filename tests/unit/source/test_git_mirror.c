#include "fixture.h"

#include "base/memory.h"
#include "base/text.h"

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

/* As a fetch or a copy that is killed leaves it: a file as large as what it had received. */
static void test_an_unfinished_pack_goes(void **state)
{
    struct fixture *f = *state;
    live_damage_and_live(f, "git repack -qad; echo half >objects/pack/pack_git2_x1; "
                            ": >objects/pack/pack-12.idx.lock; : >objects/pack/pack-12.keep");
    fixture_sh(f, "cd state/a/mirror.git/objects/pack; test -z \"$(ls | grep -e pack_git2_ -e lock)\"; "
                  "test -e pack-12.keep; ls | grep 'pack$'; ls | grep 'idx$'");
}

static void test_an_empty_ref_of_the_mirror(void **state)
{
    struct fixture *f = *state;
    live_damage_and_live(f, ": >refs/davit/source");
    fixture_sh(f, "git -C state/a/mirror.git log refs/davit/state | grep -q ledger");
}

/* Read by libgit2 only where a ref is written or a remote asked. */
static const char *const late[] = {"printf '[[[' >config", "head -c 300 /dev/urandom >config",
                                   "head -c 300 /dev/urandom >packed-refs"};

static void test_what_is_read_late_is_the_mirrors_fault_too(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(late); i++) {
        fixture_teardown(state);
        fixture_setup(state);
        struct fixture *f = *state;
        live_damage_and_live(f, late[i]);
        fixture_sh(f, "test -d state/a/mirror.git.broken; cd state/a/mirror.git; git fsck; "
                      "git log refs/davit/state | grep -q ledger");
    }
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

#define IN_MIRROR "cd state/a/mirror.git; "

/* "repo" with a first commit in one pack, and a second one in loose objects, of which note.txt is no
 * manifest.
 */
static void make_packed_repository(struct fixture *f)
{
    fixture_repository(f);
    fixture_sh(f, "cd repo; for i in $(seq 1200); do echo $i >f$i.txt; done; git add .; git commit -qm many; "
                  "git gc -q; printf two >web.yaml; echo note >note.txt; git add .; git commit -qm second");
}

static void test_the_first_copy_takes_the_pack_of_the_origin(void **state)
{
    struct fixture *f = *state;
    make_packed_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=two;");
    fixture_sh(f, "test \"$(ls repo/.git/objects/pack | grep pack$)\" = "
                  "\"$(ls state/a/mirror.git/objects/pack | grep pack$)\"");
    fixture_sh(f, IN_MIRROR "test -z \"$(git fsck --strict --no-dangling)\"; "
                            "test $(find objects -path '*/[0-9a-f][0-9a-f]/*' -type f | wc -l) = 4");
}

static void test_a_pack_of_other_things_is_not_taken(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f,
               "cd repo; for i in $(seq 1200); do echo $i >f$i.txt; done; git add .; git commit -qm many; "
               "git checkout -q --orphan other; for i in $(seq 1300); do echo x$i >f$i.txt; done; git add .; "
               "git commit -qm other; git checkout -q main; git gc -q");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, IN_MIRROR "test -z \"$(git fsck --strict)\"; ls objects/pack/*.pack; "
                            "! git cat-file -e $(git -C ../../../repo rev-parse other) 2>../../../said");
}

/* The object that is damaged is in the pack, and nobody reads it but who copies it. */
static void test_a_damaged_pack_of_the_origin_is_told(void **state)
{
    struct fixture *f = *state;
    make_packed_repository(f);
    fixture_sh(f, "cd repo/.git/objects/pack; cp *.pack ../../../whole; chmod u+w *.pack; "
                  "at=$(git verify-pack -v *.idx | grep ^$(git rev-parse HEAD:f600.txt) | cut -d' ' -f5); "
                  "printf damage | dd of=$(ls *.pack) bs=1 seek=$((at + 2)) conv=notrunc status=none");
    fixture_start(f);
    fixture_await_error(f, "cannot");
    assert_int_equal(f->seen.len, 0);
    fixture_sh(f, "test -z \"$(ls state/a/mirror.git/objects/pack)\"; cat repo/whole >$(ls "
                  "repo/.git/objects/pack/*.pack)");
    source_poke(f->source);
    fixture_await_head(f, "web.yaml=two;");
    fixture_await_ok(f);
}

/* It has left the newest commit and not all that belongs to it. */
static void test_a_first_copy_that_was_killed_is_begun_anew(void **state)
{
    struct fixture *f = *state;
    make_packed_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=two;");
    fixture_stop(f);
    fixture_forget(f);
    fixture_sh(f, IN_MIRROR
               "blob=$(git rev-parse refs/davit/source:note.txt); git update-ref -d refs/davit/source; "
               "rm -f objects/$(echo $blob | cut -c1-2)/$(echo $blob | cut -c3-)");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=two;");
    fixture_sh(f, IN_MIRROR "test -z \"$(git fsck --strict --no-dangling)\"");
}

/* Looks that find nothing new, until the script says so. */
static void look_until(struct fixture *f, const char *script)
{
    char *said = NULL;
    for (int i = 0; i < 500 && !text_equal(said, "yes"); i++) {
        free(said);
        source_poke(f->source);
        fixture_idle(f, 20);
        said = fixture_ask(f, "cd state/a/mirror.git; %s; then echo yes; else echo no; fi", script);
    }
    assert_string_equal(said, "yes");
    free(said);
}

/* What cannot be read whole stays as it is, and hinders nothing. */
static void test_small_packs_and_loose_objects_become_one_pack(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
    fixture_sh(f, IN_MIRROR "for i in $(seq 60); do echo $i | git hash-object -w --stdin | tee -a ../oids | "
                            "git pack-objects -q objects/pack/pack >/dev/null; done; git prune-packed; "
                            "chmod -R u+w objects; set -- objects/pack/*.pack; truncate -s 20 $1; "
                            "lost=$(git show-index <$(echo $1 | sed s/pack$/idx/) | cut -d' ' -f2); "
                            "grep -v $lost ../oids >../whole; test $(wc -l <../whole) = 59");
    look_until(f, "if [ $(ls objects/pack/*.idx | wc -l) = 2 ]");
    fixture_sh(f, IN_MIRROR
               "git cat-file --batch-check <../whole >../found; test $(grep -c blob ../found) = 59; "
               "test -z \"$(find objects -path '*/[0-9a-f][0-9a-f]/*' -type f)\"; git log refs/davit/source");
    fixture_sh(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_await_head(f, "web.yaml=two;");
    assert_false(fixture_last(f)->rewritten);
}

static void test_many_loose_objects_become_one_pack(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
    fixture_sh(f, IN_MIRROR "mkdir ../blobs; for i in $(seq 5000); do echo $i >../blobs/$i; done; "
                            "ls -d $PWD/../blobs/* | git hash-object -w --stdin-paths >../oids; "
                            "chmod -R u+w objects; damaged=$(head -n 1 ../oids); "
                            ": >objects/$(echo $damaged | cut -c1-2)/$(echo $damaged | cut -c3-)");
    look_until(f, "if [ $(find objects -path '*/[0-9a-f][0-9a-f]/*' -type f | wc -l) = 1 ]");
    fixture_sh(f, IN_MIRROR "git cat-file --batch-check <../oids 2>/dev/null | grep -c blob | grep -qx 4999; "
                            "ls objects/pack/*.idx | wc -l | grep -qx 1");
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
        cmocka_unit_test_setup_teardown(test_an_unfinished_pack_goes, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_ref_of_the_mirror, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_read_late_is_the_mirrors_fault_too, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_broken_mirror_of_a_directory, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_mirror_lost_while_running, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_many_objects_make_a_pack, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_the_first_copy_takes_the_pack_of_the_origin, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_pack_of_other_things_is_not_taken, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_pack_of_the_origin_is_told, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_first_copy_that_was_killed_is_begun_anew, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_small_packs_and_loose_objects_become_one_pack, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_many_loose_objects_become_one_pack, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_shallow_origin, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
