#include "fixture.h"

#include "base/memory.h"
#include "source/git.h"
#include "source/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_a_directory_becomes_commits(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "mkdir -p repo/sub repo/.hidden; printf one >repo/web.yaml; printf h >repo/.hidden/a.yaml; "
                  "ln -s web.yaml repo/link.yaml; ln -s sub repo/loop; mkfifo repo/pipe.yaml; printf n "
                  ">repo/notes.txt");
    fixture_start(f);
    fixture_await_head(f, "link.yaml@;web.yaml=one;");
    assert_true(fixture_last(f)->full);
    assert_string_equal(fixture_last(f)->commit.subject, "snapshot: 2 files changed (link.yaml, web.yaml)");
    assert_string_equal(fixture_last(f)->commit.author, "davit <davit@localhost>");
    fixture_await_ok(f);
    assert_int_equal(source_get_status(f->source)->kind, SOURCE_DIRECTORY);
    fixture_sh(f, "printf x >repo/sub/db.json; printf two >repo/web.yaml");
    fixture_await_head(f, "sub/db.json=x;web.yaml=two;");
    fixture_sh(f, "mkdir repo/new; printf y >repo/new/y.yml; rm repo/sub/db.json; printf m >repo/notes.txt");
    fixture_await_head(f, "new/y.yml=y;sub/db.json-;");
    assert_int_equal(f->seen.len, 3);
    assert_string_equal(fixture_last(f)->commit.subject,
                        "snapshot: 2 files changed (new/y.yml, sub/db.json)");
}

static void test_nothing_new_makes_no_commit(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "mkdir repo; printf one >repo/web.yaml");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, "printf one >repo/web.yaml; touch repo/web.yaml");
    fixture_idle(f, 800);
    source_poke(f->source);
    fixture_idle(f, 400);
    assert_int_equal(f->seen.len, 1);
    char *tip CLEANUP_FREE = memory_strdup(fixture_last(f)->commit.oid);
    fixture_stop(f);
    f->options.since = tip;
    fixture_start(f);
    fixture_await_updates(f, 2);
    assert_string_equal(fixture_last(f)->commit.oid, tip);
    assert_true(fixture_last(f)->head && fixture_last(f)->full && !fixture_last(f)->rewritten);
}

static void expect_mode(struct fixture *f, const char *mode)
{
    char *found CLEANUP_FREE = fixture_ask(
        f, "git -C state/a/mirror.git ls-tree --format='%%(objectmode)' %s", fixture_last(f)->commit.oid);
    assert_string_equal(found, mode);
}

/* With the same bytes. */
static void test_a_mode_is_a_change(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "mkdir repo; printf one >repo/web.yaml");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    expect_mode(f, "100644");
    fixture_sh(f, "chmod +x repo/web.yaml");
    fixture_await_updates(f, 2);
    expect_mode(f, "100755");
    fixture_sh(f, "chmod -x repo/web.yaml");
    fixture_await_updates(f, 3);
    fixture_sh(f, "ln -s one new; mv new repo/web.yaml");
    fixture_await_head(f, "web.yaml@;");
    expect_mode(f, "120000");
}

/* Writes that are closer together than the stillness make one commit, or a few on a machine that stalls: each
 * takes its time. */
static void test_a_burst_of_writes_waits_for_stillness(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "mkdir repo; printf one >repo/web.yaml");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    uint64_t begin_ns = uv_hrtime();
    fixture_sh(f, "(for i in $(seq 1 40); do printf $i >repo/web.yaml; sleep 0.02; done; printf done "
                  ">repo/web.yaml) &");
    fixture_await_head(f, "web.yaml=done;");
    assert_in_range(f->seen.len, 2, 4 + (uv_hrtime() - begin_ns) / 1000000 / SOURCE_STILL_MS);
}

static void test_empty_or_missing_directory_makes_no_commit(void **state)
{
    struct fixture *f = *state;
    fixture_start(f);
    fixture_await_error(f, "No such file");
    fixture_sh(f, "mkdir repo");
    fixture_await_error(f, "has no manifest");
    fixture_sh(f, "printf one >repo/web.yaml");
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
    fixture_sh(f, "rm repo/web.yaml");
    fixture_await_error(f, "has no manifest");
    fixture_sh(f, "rmdir repo");
    fixture_await_error(f, "No such file");
    assert_int_equal(f->seen.len, 1);
    fixture_sh(f, "mkdir new; printf two >new/web.yaml; mv new repo");
    fixture_await_head(f, "web.yaml=two;");
}

static void test_sub_path_and_large_file(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "mkdir -p repo/a; truncate -s 5M repo/a/big.yaml; printf one >repo/web.yaml");
    f->options.path = "a";
    fixture_start(f);
    fixture_await_head(f, "big.yaml=?;");
    assert_true(fixture_last(f)->too_large);
}

/* Between being found and being copied a file may be replaced, and so may a directory on the way to it. */
static void test_a_file_is_opened_without_following_links(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        int cause; /* 0: it opens */
    } cases[] = {{"in/x", 0},           {"x", 0},        {"link/x", ENOTDIR}, {"in/link", ELOOP},
                 {"in/out/x", ENOTDIR}, {"in/y", ENOENT}};
    fixture_sh(
        f,
        "mkdir -p repo/in out; printf a >repo/in/x; printf a >repo/x; printf no >out/x; ln -s in repo/link; "
        "ln -s ../../out/x repo/in/link; ln -s ../../out repo/in/out");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = source_scan_open(f->origin, cases[i].path);
        assert_int_equal(fd < 0 ? errno : 0, cases[i].cause);
        if (fd >= 0)
            close(fd);
    }
}

static void test_a_directory_that_becomes_a_repository(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "mkdir repo; printf one >repo/web.yaml");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, "cd repo; git init -q -b main; printf two >web.yaml; git add .; git commit -qm first");
    fixture_await_head(f, "web.yaml=two;");
    assert_string_equal(fixture_last(f)->commit.subject, "first");
    assert_true(fixture_last(f)->rewritten && fixture_last(f)->full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_directory_becomes_commits, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_new_makes_no_commit, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_mode_is_a_change, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_burst_of_writes_waits_for_stillness, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_empty_or_missing_directory_makes_no_commit, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_sub_path_and_large_file, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_file_is_opened_without_following_links, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_directory_that_becomes_a_repository, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
