/* A local repository as origin, from commit to callback. */
#include "fixture.h"

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

#include "source/git.h"

#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static void test_a_commit_is_seen(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    assert_true(fixture_last(f)->full);
    assert_false(fixture_last(f)->rewritten);
    assert_string_equal(fixture_last(f)->commit.subject, "first");
    assert_string_equal(fixture_last(f)->commit.author, "Ada <ada@example.org>");
    fixture_await_ok(f);
    assert_string_equal(source_get_status(f->source)->branch, "main");
    assert_true(source_get_status(f->source)->watching);
    fixture_sh(f, "cd repo; printf two >web.yaml; printf x >b.json; printf n >notes.txt; git add .; git "
                  "commit -qm second");
    fixture_await_head(f, "b.json=x;web.yaml=two;");
    assert_false(fixture_last(f)->full);
    fixture_sh(f, "cd repo; git rm -q b.json; git commit -qm third");
    fixture_await_head(f, "b.json-;");
    assert_int_equal(f->seen.len, 3);
}

static void test_commits_between_two_looks_come_in_order(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "cd repo; for i in 2 3 4; do printf $i >web.yaml; git commit -qam c$i; done");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=4;");
    assert_int_equal(f->seen.len, 4);
    assert_true(f->seen.items[0].full);
    assert_string_equal(f->seen.items[1].files, "web.yaml=2;");
    assert_false(f->seen.items[1].full || f->seen.items[1].head);
    assert_true(fixture_last(f)->full);
}

static void test_since_leaves_out_what_was_told(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    char *since CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD");
    fixture_sh(
        f,
        "cd repo; printf o >other.yaml; git add .; git commit -qm 2; printf 3 >web.yaml; git commit -qam 3");
    f->options.since = since;
    fixture_start(f);
    fixture_await_head(f, "other.yaml=o;web.yaml=3;");
    assert_int_equal(f->seen.len, 3);
    assert_string_equal(f->seen.items[0].files, "other.yaml=o;");
    assert_false(f->seen.items[0].head);
    assert_string_equal(f->seen.items[1].commit.oid, since); /* to go on with if the newest is refused */
    assert_string_equal(f->seen.items[1].files, "web.yaml=one;");
    assert_true(!f->seen.items[1].head && f->seen.items[1].full);
    assert_true(fixture_last(f)->full);
}

static void test_a_long_subject_is_cut(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f,
               "cd repo; printf 2 >web.yaml; (printf a; for i in $(seq 2000); do printf '\\303\\244'; done) "
               "| git commit -qaF -");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=2;");
    const char *subject = fixture_last(f)->commit.subject;
    assert_int_equal(strlen(subject),
                     LIMIT_COMMIT_TEXT_BYTES - 1); /* "a", then whole characters of two bytes */
    assert_true(text_is_utf8(subject, strlen(subject)));
}

static void test_a_trailer_approves_deletions(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(
        f, "cd repo; printf 2 >web.yaml; git commit -qam 'Davit-Approve-Deletions: 9'; printf 3 >web.yaml;"
           "git commit -qam second -m 'text' -m 'davit-approve-deletions: 12\nSigned-off-by: A <a@b>';"
           "printf 4 >web.yaml; git commit -qam third -m 'Davit-Approve-Deletions: -1'");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=4;");
    assert_int_equal(f->seen.items[1].commit.approved_deletions, 0); /* a subject is no trailer */
    assert_int_equal(f->seen.items[2].commit.approved_deletions, 12);
    assert_int_equal(fixture_last(f)->commit.approved_deletions, 0);
}

/* Makes HEAD a commit of the tree that is staged, with these lines in the place of git's own. */
#define COMMIT_OF(author, committer)                                                                         \
    "{ printf 'tree %%s\\nparent %%s\\n' $(git write-tree) $(git rev-parse HEAD); "                          \
    "printf '" author "\\n" committer "\\n\\nodd\\n'; } >../odd; "                                           \
    "git reset -q $(git hash-object -t commit --literally -w ../odd); "
#define ADA "Ada <a@x> 1700000000 +0000"

/* git reads them all. */
static void test_malformed_commits_are_read(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "cd repo; printf 2 >web.yaml; git add .; " COMMIT_OF(
                      "author A", "committer " ADA) "printf 3 >web.yaml; git commit -qam good");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=3;");
    assert_int_equal(f->seen.len, 3);
    assert_string_equal(f->seen.items[1].commit.author, "unknown <>");
    assert_string_equal(f->seen.items[1].commit.subject, "odd");
    assert_int_equal(f->seen.items[1].commit.time_ms, 1700000000000);
    fixture_sh(f, "cd repo; git switch -qc side; printf s >side.txt; git add .; " COMMIT_OF(
                      "author A <a@x 1700000000 +0000",
                      "committer C <c@x 1700000000 +0000") "git switch -q main; printf 4 >web.yaml; git "
                                                           "commit -qam 4; git merge -q side");
    fixture_await_head(f, "");
    fixture_sh(
        f, "cd repo; printf 5 >web.yaml; git add .; " COMMIT_OF("author " ADA, "committer C <c@x> when +0"));
    fixture_await_head(f, "web.yaml=5;"); /* as the tip */
    assert_string_equal(fixture_last(f)->commit.author, "Ada <a@x>");
    assert_int_equal(fixture_last(f)->commit.time_ms, 0);
    for (size_t i = 0; i < f->seen.len; i++)
        assert_false(f->seen.items[i].rewritten);
    for (size_t i = 0; i < f->errors.len; i++)
        assert_string_equal(f->errors.items[i], "");
}

/* The other way round: what was deployed is the second parent of what comes, over a malformed commit. */
static void test_a_malformed_merge_is_no_rewrite(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "cd repo; git switch -qc side; printf s >side.txt; git add .; git commit -qm side; "
                  "git switch -q main; printf 2 >web.yaml; git commit -qam two");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=2;");
    fixture_sh(f, "cd repo; printf 3 >web.yaml; git add .; " COMMIT_OF(
                      "author A", "committer B") "git switch -q side; git merge -q main; git switch -q main; "
                                                 "git reset -q --hard side");
    fixture_await_head(f, "web.yaml=3;");
    assert_false(fixture_last(f)->rewritten);
}

static void test_sha256_is_refused(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "git init -q --object-format=sha256 repo");
    fixture_start(f);
    fixture_await_error(f, "has SHA-256 ids");
}

/* Another sub-path than in the earlier life: what was deployed then cannot be told, and is no error. */
static void test_since_without_the_sub_path(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    char *since CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD");
    fixture_sh(f, "cd repo; mkdir sub; printf 2 >sub/b.yaml; git add .; git commit -qm 2");
    f->options.since = since;
    f->options.path = "sub";
    fixture_start(f);
    fixture_await_head(f, "b.yaml=2;");
    assert_int_equal(f->seen.len, 1);
}

static void test_packed_refs_and_amend(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "git -C repo pack-refs --all");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    char *old CLEANUP_FREE = memory_strdup(fixture_last(f)->commit.oid);
    fixture_sh(f, "cd repo; printf two >web.yaml; git commit -qam second; git pack-refs --all");
    fixture_await_head(f, "web.yaml=two;");
    char *lost CLEANUP_FREE = memory_strdup(fixture_last(f)->commit.oid);
    const struct source_rewrite *rewrite = &source_get_status(f->source)->rewrite;
    assert_string_equal(rewrite->from, "");
    fixture_sh(f, "cd repo; printf 3 >web.yaml; git commit -q --amend -am amended; "
                  "printf three >web.yaml; git commit -qam fourth");
    fixture_await_head(f, "web.yaml=three;");
    assert_true(f->seen.items[f->seen.len - 2].rewritten); /* once, by the oldest that is new */
    assert_string_equal(f->seen.items[f->seen.len - 2].fork, old);
    assert_false(fixture_last(f)->rewritten);
    assert_string_equal(rewrite->from, lost);
    assert_string_equal(rewrite->to, fixture_last(f)->commit.oid);
    assert_string_equal(rewrite->fork, old);
    int64_t seen_at_ms = rewrite->seen_at_ms;
    fixture_sh(f, "cd repo; printf five >web.yaml; git commit -qam fifth");
    fixture_await_head(f, "web.yaml=five;");
    assert_true(seen_at_ms > 0 && rewrite->seen_at_ms == seen_at_ms);
    assert_string_not_equal(rewrite->to, fixture_last(f)->commit.oid);
}

static void test_reset_and_unrelated_history(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=two;");
    fixture_sh(f, "git -C repo reset -q --hard HEAD~1");
    fixture_await_head(f, "web.yaml=one;");
    assert_true(fixture_last(f)->rewritten);
    assert_string_equal(fixture_last(f)->fork, fixture_last(f)->commit.oid);
    fixture_sh(f,
               "cd repo; git checkout -q --orphan new; printf new >web.yaml; git add .; git commit -qm root; "
               "git branch -qM new main");
    fixture_await_head(f, "web.yaml=new;");
    assert_true(fixture_last(f)->rewritten && fixture_last(f)->full);
    assert_string_equal(fixture_last(f)->fork, "");
}

static void test_branch_deleted_and_made_again(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "cd repo; git branch feature/x; git pack-refs --all");
    f->options.branch = "feature/x";
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, "cd repo; git branch -D feature/x");
    fixture_await_error(f, "there is no commit on the branch refs/heads/feature/x");
    fixture_sh(f, "cd repo; printf two >web.yaml; git commit -qam second; git branch feature/x");
    fixture_await_head(f, "web.yaml=two;");
    fixture_await_ok(f);
    fixture_sh(f, "cd repo; git branch -m feature/x elsewhere");
    fixture_await_error(f, "feature/x");
    assert_int_equal(f->seen.len, 2);
}

static void test_head_that_moves_to_another_branch(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, "cd repo; git checkout -qb next; printf two >web.yaml; git commit -qam second");
    fixture_await_head(f, "web.yaml=two;");
    fixture_sh(f, "cd repo; printf three >web.yaml; git commit -qam third; git checkout -q --detach");
    fixture_await_head(f, "web.yaml=three;");
}

static void test_push_into_a_bare_repository(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "git init -q --bare -b main repo");
    fixture_start(f);
    fixture_await_error(f, "there is no commit on the branch refs/heads/main");
    fixture_sh(f, "git init -q -b main work; cd work; printf one >web.yaml; git add .; git commit -qm first; "
                  "git push -q ../repo main");
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f,
               "cd work; printf two >web.yaml; git commit -q --amend -am first; git push -qf ../repo main");
    fixture_await_head(f, "web.yaml=two;");
    assert_true(fixture_last(f)->rewritten);
}

static void test_linked_work_tree_and_separate_git_dir(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f,
               "git init -q -b main --separate-git-dir=git main; cd main; printf one >web.yaml; git add .; "
               "git commit -qm first; git worktree add -q -b side ../repo");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
    assert_string_equal(source_get_status(f->source)->branch, "side");
    fixture_sh(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_await_head(f, "web.yaml=two;");
    fixture_stop(f);
    char *main_dir CLEANUP_FREE = memory_printf("%s/main/", f->dir);
    f->options.origin = main_dir;
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, "cd main; printf three >web.yaml; git commit -qam third");
    fixture_await_head(f, "web.yaml=three;");
}

static void test_missing_then_empty_then_there(void **state)
{
    struct fixture *f = *state;
    char *origin CLEANUP_FREE = memory_printf("%s/later/below/repo", f->dir);
    f->options.origin = origin;
    fixture_start(f);
    fixture_await_error(f, "No such file");
    fixture_sh(f, "mkdir -p later/below");
    fixture_idle(f, 50);
    fixture_sh(f, "git init -q -b main later/below/repo");
    fixture_await_error(f, "there is no commit");
    assert_int_equal(f->seen.len, 0);
    fixture_sh(f, "cd later/below/repo; printf one >web.yaml; git add .; git commit -qm first");
    fixture_await_head(f, "web.yaml=one;");
}

static void test_broken_repository_makes_no_update(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_await_head(f, "web.yaml=two;");
    fixture_sh(
        f, "cd repo; printf three >web.yaml; git add .; blob=$(git rev-parse :web.yaml); "
           "file=.git/objects/$(echo $blob | cut -c1-2)/$(echo $blob | cut -c3-); chmod u+w $file; : >$file; "
           "tree=$(git write-tree --missing-ok); "
           "git update-ref HEAD $(git commit-tree -p HEAD -m third $tree)");
    fixture_await_error(f, "cannot read an object of the origin");
    assert_int_equal(f->seen.len, 2);
    fixture_sh(f, "cd repo; blob=$(git rev-parse :web.yaml); "
                  "rm -f .git/objects/$(echo $blob | cut -c1-2)/$(echo $blob | cut -c3-); "
                  "printf three | git hash-object -w --stdin");
    source_poke(f->source);
    fixture_await_head(f, "web.yaml=three;");
    fixture_await_ok(f);
}

static void test_a_repository_does_not_become_a_directory(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, "mv repo/.git git");
    fixture_await_error(f, "no longer is");
    fixture_sh(f, "mv repo gone");
    fixture_await_error(f, "No such file");
    fixture_sh(f, "mv git gone/.git; mv gone repo");
    fixture_await_ok(f);
    assert_int_equal(f->seen.len, 1);
    fixture_sh(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_await_head(f, "web.yaml=two;");
}

static void test_merge_is_one_first_parent_commit(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, "cd repo; git checkout -q --detach; printf s >side.yaml; git add .; git commit -qm s1; "
                  "printf t >side.yaml; git commit -qam s2; s=$(git rev-parse HEAD); git checkout -q main; "
                  "git merge -q --no-ff -m merged $s");
    fixture_await_head(f, "side.yaml=t;");
    assert_string_equal(fixture_last(f)->commit.subject, "merged");
    char *missing CLEANUP_FREE =
        fixture_ask(f, "git -C state/a/mirror.git fsck --connectivity-only 2>&1 | grep -c missing");
    assert_string_equal(missing, "0");
}

/* What was deployed is in it, if not on the first-parent line. */
static void test_a_merge_the_other_way_round_is_no_rewrite(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=two;");
    /* Made elsewhere: a look in the middle would find another branch checked out. */
    fixture_sh(f, "git clone -q repo other; cd other; git config user.name t; git config user.email t@t; "
                  "git checkout -q -b side HEAD~1; printf s >side.yaml; git add .; git commit -qm s1; "
                  "git merge -q --no-ff -m merged origin/main; cd ../repo; git fetch -q ../other side; "
                  "git reset -q --hard FETCH_HEAD");
    fixture_await_updates(f, f->seen.len + 2);
    assert_string_equal(fixture_last(f)->commit.subject, "merged");
    for (size_t i = 0; i < f->seen.len; i++)
        assert_false(f->seen.items[i].rewritten);
    assert_string_equal(source_get_status(f->source)->rewrite.from, "");
}

static void test_sub_path(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    f->options.path = "deploy/prod/";
    fixture_start(f);
    fixture_await_error(f, "has no directory \"deploy/prod/\"");
    fixture_sh(f, "cd repo; mkdir -p deploy/prod/inner deploy/prod/.hidden; printf 1 >deploy/prod/a.yml; "
                  "printf 2 >deploy/prod/inner/b.json; printf h >deploy/prod/.hidden/c.yaml; "
                  "printf h >deploy/prod/.d.yaml; git add .; git commit -qm second");
    fixture_await_head(f, "a.yml=1;inner/b.json=2;");
    fixture_await_ok(f);
    fixture_sh(f, "cd repo; printf other >web.yaml; git commit -qam third");
    fixture_await_head(f, "");
}

static void test_large_symlink_and_submodule(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(
        f, "cd repo; ln -s web.yaml link.yaml; truncate -s 5M big.yaml; git add .; "
           "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub.yaml; git commit -qm second; "
           "rm big.yaml");
    fixture_start(f);
    fixture_await_head(f, "big.yaml=?;link.yaml@;sub.yaml#;web.yaml=one;");
    assert_true(fixture_last(f)->too_large);
}

/* What this process has inotify tell it of the directory: the mask of the kernel's list. */
static unsigned watched_events(const char *directory)
{
    struct stat st;
    unsigned found = 0;
    assert_int_equal(stat(directory, &st), 0);
    char *inode CLEANUP_FREE = memory_printf(" ino:%lx ", (unsigned long)st.st_ino);
    for (int fd = 0; fd < 64; fd++) {
        char *path CLEANUP_FREE = memory_printf("/proc/self/fdinfo/%d", fd);
        FILE *info = fopen(path, "re");
        char line[256];
        while (info && fgets(line, sizeof line, info)) {
            const char *mask = strstr(line, inode) ? strstr(line, " mask:") : NULL;
            if (mask)
                found |= (unsigned)strtoul(mask + strlen(" mask:"), NULL, 16);
        }
        if (info)
            fclose(info);
    }
    return found;
}

/* A log that somebody writes beside the repository must not wake davit with every line. */
static void test_the_directory_around_a_repository_is_watched_for_names_only(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    assert_true(watched_events(f->dir) & IN_MOVED_TO);
    assert_false(watched_events(f->dir) & IN_MODIFY);
}

/* What libgit2 allocates for it is given back, which the sanitizer sees. */
static void test_objects_that_go_while_the_repository_is_opened(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    char *path CLEANUP_FREE = memory_printf("%s/repo", f->dir);
    git_repository *repository = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(git_repository_open(&repository, path), 0);
    fixture_sh(f, "mv repo/.git/objects repo/.git/gone");
    assert_true(source_git_guard(repository, &err) < 0);
    source_git_repository_free(repository);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_commit_is_seen, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_commits_between_two_looks_come_in_order, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_since_leaves_out_what_was_told, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_long_subject_is_cut, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_since_without_the_sub_path, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_packed_refs_and_amend, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_reset_and_unrelated_history, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_branch_deleted_and_made_again, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_head_that_moves_to_another_branch, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_push_into_a_bare_repository, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_linked_work_tree_and_separate_git_dir, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_missing_then_empty_then_there, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_broken_repository_makes_no_update, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_repository_does_not_become_a_directory, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_merge_is_one_first_parent_commit, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_merge_the_other_way_round_is_no_rewrite, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_sub_path, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_malformed_commits_are_read, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_malformed_merge_is_no_rewrite, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_sha256_is_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_trailer_approves_deletions, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_large_symlink_and_submodule, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_objects_that_go_while_the_repository_is_opened, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_the_directory_around_a_repository_is_watched_for_names_only,
                                        fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
