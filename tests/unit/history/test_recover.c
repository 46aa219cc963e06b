#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* Three saves of web, one of db between them: four packs. */
static void save_packs(struct fixture *f)
{
    assert_int_equal(fixture_save(f, "prod/web", 1, NULL), 0);
    assert_int_equal(fixture_save(f, "prod/db", 1, NULL), 0);
    assert_int_equal(fixture_save(f, "prod/web", 2, NULL), 0);
    assert_int_equal(fixture_save(f, "prod/web", 3, NULL), 0);
}

/* As loose objects, which a ledger has that came by a fetch, so that one of them can be harmed alone. */
static void save_some(struct fixture *f)
{
    save_packs(f);
    free(fixture_run(f, "mkdir aside && mv objects/pack/* aside && "
                        "for P in aside/*.pack; do git unpack-objects -q < $P; done && rm -rf aside"));
}

/* The shell's $F becomes the file of the object that `spec` names. */
#define FILE_OF(spec)                                                                                        \
    "H=$(git rev-parse " spec ") && F=objects/$(echo $H | cut -c1-2)/$(echo $H | cut -c3-) && "
#define WEB_PATH "$(git ls-tree -r --name-only refs/davit/state | grep /web.json)"

static void expect(struct fixture *f, int web, size_t lost, size_t skipped, const char *text)
{
    struct history_report report;
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", &report), web);
    assert_int_equal(report.commits_lost, lost);
    assert_int_equal(report.entries_skipped, skipped);
    if (!strstr(report.text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, report.text);
    /* Whatever the damage, davit goes on, and the next start finds nothing wrong with what it saved. */
    assert_int_equal(fixture_save(f, "prod/web", 9, NULL), 0);
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", &report), 9);
    assert_int_equal(fixture_load(f, "prod/db", NULL), 1);
    assert_string_equal(report.text, "");
}

static void test_a_missing_commit(void **state)
{
    struct fixture *f = *state;
    save_some(f);
    free(fixture_run(f, FILE_OF("refs/davit/state") "rm -f $F"));
    expect(f, 2, 1, 0, "cannot be read");
}

static void test_a_truncated_commit(void **state)
{
    struct fixture *f = *state;
    save_some(f);
    free(fixture_run(f, FILE_OF("refs/davit/state") "truncate -s 20 $F"));
    expect(f, 2, 1, 0, "cannot be read");
}

static void test_a_missing_root_tree(void **state)
{
    struct fixture *f = *state;
    save_some(f);
    free(fixture_run(f, FILE_OF("refs/davit/state^{tree}") "rm -f $F"));
    expect(f, 2, 1, 0, "cannot be read");
}

static void test_a_missing_tree_of_services(void **state)
{
    struct fixture *f = *state;
    save_some(f);
    free(fixture_run(f, FILE_OF("refs/davit/state:services") "truncate -s 0 $F"));
    expect(f, 2, 1, 0, "cannot be read");
}

static void test_a_missing_directory_of_entries(void **state)
{
    struct fixture *f = *state;
    save_some(f);
    free(fixture_run(f, FILE_OF("refs/davit/state:$(dirname " WEB_PATH ")") "rm -f $F"));
    expect(f, -1, 0, 1, "cannot be read");
}

static void test_a_missing_entry(void **state)
{
    struct fixture *f = *state;
    save_some(f);
    free(fixture_run(f, FILE_OF("refs/davit/state:" WEB_PATH) "rm -f $F"));
    expect(f, -1, 0, 1, "web.json cannot be read");
}

static void test_a_truncated_entry(void **state)
{
    struct fixture *f = *state;
    save_some(f);
    free(fixture_run(f, FILE_OF("refs/davit/state:" WEB_PATH) "truncate -s -5 $F"));
    expect(f, -1, 0, 1, "web.json cannot be read");
}

/* The shell's $P becomes the pack in which the object is that `spec` names. */
#define PACK_OF(spec)                                                                                        \
    "H=$(git rev-parse " spec ") && for I in objects/pack/*.idx; do git show-index < $I | grep -q $H && "    \
    "P=${I%%.idx}.pack; done; chmod u+w $P ${P%%.pack}.idx && "

static void test_packs_that_are_damaged(void **state)
{
    static const char *const harm[] = {
        "rm $P",
        "rm ${P%.pack}.idx",
        "truncate -s 40 $P",
        "truncate -s 0 $P",
        "truncate -s 1000 ${P%.pack}.idx",
        "head -c $(($(stat -c %s $P) - 32)) /dev/zero | dd of=$P bs=1 seek=12 conv=notrunc status=none"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(harm); i++) {
        save_packs(f);
        history_free(TAKE(f->history));
        free(fixture_run(f, PACK_OF("refs/davit/state") "%s; touch -cd @1 $P", harm[i]));
        expect(f, 2, 1, 0, "cannot be read");
        /* The same content again is written again, though git would think that it has it. Of two packs it
         * reads the newer one. */
        save_packs(f);
        fixture_reopen(f);
        assert_int_equal(fixture_load(f, "prod/web", NULL), 3);
    }
}

/* libgit2 takes a damaged file for the object; a save must not build on it. */
static void test_a_damaged_object_that_is_needed_again(void **state)
{
    struct fixture *f = *state;
    save_some(f);
    free(fixture_run(f, FILE_OF("refs/davit/state~3:" WEB_PATH) "truncate -s -5 $F"));
    assert_int_equal(fixture_save(f, "prod/web", 1, NULL), 0);
    expect(f, 1, 0, 0, "");
}

static void test_an_entry_that_is_garbage(void **state)
{
    struct fixture *f = *state;
    save_some(f);
    free(fixture_run(f,
                     "export GIT_INDEX_FILE=index.tmp && P=" WEB_PATH " && git read-tree refs/davit/state && "
                     "B=$(echo '{\"n\":' | git hash-object -w --stdin) && "
                     "git update-index --cacheinfo 100644,$B,$P && T=$(git write-tree) && "
                     "C=$(git -c user.name=x -c user.email=x commit-tree -p refs/davit/state -m x $T) && "
                     "git update-ref refs/davit/state $C"));
    expect(f, -1, 0, 1, "web.json is not a JSON object");
}

static void test_a_ref_that_is_emptied_truncated_or_gone(void **state)
{
    static const char *const harm[] = {"truncate -s 0 refs/davit/state", "truncate -s 17 refs/davit/state",
                                       "rm refs/davit/state", "head -c 41 /dev/zero > refs/davit/state"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(harm); i++) {
        assert_int_equal(fixture_save(f, "prod/db", 1, NULL), 0);
        assert_int_equal(fixture_save(f, "prod/web", 5, NULL), 0);
        free(fixture_run(f, "%s", harm[i]));
        expect(f, 5, 0, 0, "refs/davit/state is");
    }
}

static void test_ref_and_newest_commit_gone(void **state)
{
    struct fixture *f = *state;
    save_some(f);
    free(fixture_run(f, FILE_OF("refs/davit/state") "rm -f $F && truncate -s 0 refs/davit/state && "
                                                    "printf torn >> logs/refs/davit/state"));
    expect(f, 2, 1, 0, "refs/davit/state is damaged");
}

static void test_everything_gone_starts_anew(void **state)
{
    struct fixture *f = *state;
    save_some(f);
    free(fixture_run(f, "rm -rf objects/[0-9a-f][0-9a-f] objects/pack/*"));
    struct history_report report;
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", &report), -1);
    assert_true(report.commits_lost > 0);
    assert_int_equal(fixture_save(f, "prod/web", 9, NULL), 0);
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", &report), 9);
    assert_string_equal(report.text, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_missing_commit),
        TEST(test_a_truncated_commit),
        TEST(test_a_missing_root_tree),
        TEST(test_a_missing_tree_of_services),
        TEST(test_a_missing_directory_of_entries),
        TEST(test_a_missing_entry),
        TEST(test_a_truncated_entry),
        TEST(test_packs_that_are_damaged),
        TEST(test_a_damaged_object_that_is_needed_again),
        TEST(test_an_entry_that_is_garbage),
        TEST(test_a_ref_that_is_emptied_truncated_or_gone),
        TEST(test_ref_and_newest_commit_gone),
        TEST(test_everything_gone_starts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
