#include "fixture.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/restore.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *const web[] = {(char[]){"web.yaml"}};
static const struct string_vec web_only = {(char **)(uintptr_t)web, 1, 1};

static void open_branch(const char *path, const char *name, struct source_branch *branch)
{
    struct error err = ERROR_INIT;
    if (source_branch_open(path, name, branch, &err) < 0)
        fail_msg("%s", err.message);
}

/* A branch of the fixture's repository with a second commit, web.yaml=two. */
static void two_commits(struct fixture *f, struct source_branch *branch)
{
    fixture_repository(f);
    fixture_sh(f,
               "cd repo; printf two >web.yaml; printf other >other.yaml; git add .; git commit -qm second");
    open_branch(f->origin, NULL, branch);
}

static char *oid_of(struct fixture *f, const char *revision)
{
    return fixture_ask(f, "git -C repo rev-parse %s", revision);
}

static void restore(const struct source_branch *branch, const char *target, const struct string_vec *paths,
                    struct source_restored *restored)
{
    struct error err = ERROR_INIT;
    if (source_restore(&(struct source_restoration){branch, target, paths}, restored, &err) < 0)
        fail_msg("%s", err.message);
}

static int publish(const struct source_publication *publication, struct error *err)
{
    char oid[COMMIT_OID_SIZE] = "";
    *err = ERROR_INIT;
    return source_publish(publication, oid, err);
}

static void expect_line(struct fixture *f, const char *expected, const char *command)
{
    char *line CLEANUP_FREE = fixture_ask(f, "%s", command);
    if (!text_equal(line, expected))
        fail_msg("%s: \"%s\", not \"%s\"", command, line, expected);
}

/* --- branches ------------------------------------------------------------------------------------------- */

static void test_branches(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct source_branch same CLEANUP(source_branch_deinit) = {0};
    struct source_branch bare CLEANUP(source_branch_deinit) = {0};
    two_commits(f, &branch);
    char *tip CLEANUP_FREE = oid_of(f, "HEAD");
    assert_string_equal(branch.ref, "refs/heads/main");
    assert_string_equal(branch.name, "main");
    assert_string_equal(branch.tip, tip);
    assert_string_equal(branch.directory, f->origin);
    assert_true(branch.checked_out);
    assert_null(branch.remote);
    fixture_sh(
        f, "mkdir repo/sub; git clone -q --bare repo bare.git; git -C repo remote add origin ../bare.git");
    char *sub CLEANUP_FREE = memory_printf("%s/sub", f->origin);
    open_branch(sub, "refs/heads/main", &same);
    assert_string_equal(same.directory, f->origin);
    assert_string_equal(same.remote, "origin");
    char *path CLEANUP_FREE = memory_printf("%s/bare.git", f->dir);
    open_branch(path, "main", &bare);
    assert_false(bare.checked_out);
    assert_string_equal(bare.directory, path);
}

/* Its own HEAD has nothing checked out, a linked work tree has. */
static void test_a_work_tree_of_a_bare_repository(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct source_branch bare CLEANUP(source_branch_deinit) = {0};
    struct source_branch linked CLEANUP(source_branch_deinit) = {0};
    struct error err = ERROR_INIT;
    two_commits(f, &branch);
    fixture_sh(f, "git clone -q --bare repo bare.git; git -C bare.git worktree add -q ../linked main; "
                  "git -C bare.git branch -q other main");
    char *path CLEANUP_FREE = memory_printf("%s/bare.git", f->dir);
    char *tree CLEANUP_FREE = memory_printf("%s/linked", f->dir);
    assert_int_equal(source_branch_open(path, "main", &bare, &err), ERROR_CONFLICT);
    assert_non_null(strstr(err.message, "another work tree"));
    source_branch_deinit(&bare);
    open_branch(path, "other", &bare);
    open_branch(tree, NULL, &linked);
    assert_true(linked.checked_out);
    source_branch_deinit(&linked);
    fixture_sh(f, "rm -r linked");
    source_branch_deinit(&bare);
    open_branch(path, "main", &bare);
}

static void test_what_is_no_branch(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    fixture_repository(f);
    static const struct {
        const char *script;
        const char *branch;
        int code;
        const char *words;
    } cases[] = {
        {"true", "absent", ERROR_NOT_FOUND, "there is no branch absent with a commit"},
        {"true", "a b", ERROR_NOT_FOUND, "there is no branch a b"},
        {"git -C repo worktree add -q ../linked -b linked", "linked", ERROR_CONFLICT, "another work tree"},
        {"git -C repo checkout -q --detach", NULL, ERROR_CONFLICT, "is on no branch: git switch"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err = ERROR_INIT;
        fixture_sh(f, "%s", cases[i].script);
        assert_int_equal(source_branch_open(f->origin, cases[i].branch, &branch, &err), cases[i].code);
        assert_non_null(strstr(err.message, cases[i].words));
        source_branch_deinit(&branch);
    }
    struct error err = ERROR_INIT;
    assert_int_equal(source_branch_open("/proc", NULL, &branch, &err), ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "/proc is in no git repository"));
}

static void test_has_and_resolve(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    two_commits(f, &branch);
    fixture_sh(
        f,
        "cd repo; git checkout -qb side HEAD~1; git commit -q --allow-empty -m side; git checkout -q main");
    static const char *const revisions[] = {"main", "main~1", "side"};
    for (size_t i = 0; i < ARRAY_LEN(revisions); i++) {
        char *expected CLEANUP_FREE = oid_of(f, revisions[i]);
        char oid[COMMIT_OID_SIZE] = "";
        bool has = false;
        assert_int_equal(source_branch_resolve(&branch, revisions[i], oid, NULL), 0);
        assert_string_equal(oid, expected);
        assert_int_equal(source_branch_has(&branch, oid, &has, NULL), 0);
        assert_int_equal(has, i < 2);
    }
    bool has = true;
    char oid[COMMIT_OID_SIZE];
    assert_int_equal(source_branch_has(&branch, "00000000000000000000000000000000000000aa", &has, NULL), 0);
    assert_false(has);
    assert_int_equal(source_branch_resolve(&branch, "nope", oid, NULL), ERROR_NOT_FOUND);
    assert_int_equal(source_branch_resolve(&branch, "main:web.yaml", oid, NULL), ERROR_NOT_FOUND);
}

/* Newest first: those that have the same at the paths are one. */
static void test_runs(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct source_run_vec runs = {0};
    two_commits(f, &branch);
    fixture_sh(
        f, "cd repo; git commit -q --allow-empty -m empty; chmod +x web.yaml; git commit -qam executable");
    source_branch_deinit(&branch);
    open_branch(f->origin, NULL, &branch);
    assert_int_equal(source_branch_runs(&(struct source_run_query){&branch, &web_only, NULL}, &runs, NULL),
                     0);
    static const char *const expected[][2] = {{"HEAD", "HEAD"}, {"HEAD~1", "HEAD~2"}, {"HEAD~3", "HEAD~3"}};
    assert_int_equal(runs.len, ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        char *newest CLEANUP_FREE = oid_of(f, expected[i][0]);
        char *oldest CLEANUP_FREE = oid_of(f, expected[i][1]);
        assert_string_equal(runs.items[i].newest, newest);
        assert_string_equal(runs.items[i].oldest, oldest);
    }
    assert_string_equal(runs.items[1].subject, "second");
    char *end CLEANUP_FREE = oid_of(f, "HEAD~2");
    runs.len = 0;
    assert_int_equal(source_branch_runs(&(struct source_run_query){&branch, &web_only, end}, &runs, NULL), 0);
    assert_int_equal(runs.len, 2);
    fixture_sh(f, "cd repo; for i in $(seq 40); do echo $i >web.yaml; git commit -qam $i; done");
    source_branch_deinit(&branch);
    open_branch(f->origin, NULL, &branch);
    runs.len = 0;
    assert_int_equal(source_branch_runs(&(struct source_run_query){&branch, &web_only, NULL}, &runs, NULL),
                     0);
    assert_int_equal(runs.len, SOURCE_RUNS);
    vector_deinit(&runs);
}

/* --- trees ---------------------------------------------------------------------------------------------- */

static void check_restored(struct fixture *f, const struct source_branch *branch,
                           const struct string_vec *paths, const char *changes, const char *files)
{
    struct source_restored restored CLEANUP(source_restored_deinit) = {0};
    char *target CLEANUP_FREE = oid_of(f, "HEAD~1");
    restore(branch, target, paths, &restored);
    char *all CLEANUP_FREE = memory_strdup("");
    for (size_t i = 0; i < restored.changes.len; i++) {
        char *longer = memory_printf("%s%s;", all, restored.changes.items[i]);
        free(all);
        all = longer;
    }
    assert_string_equal(all, changes);
    char *there CLEANUP_FREE =
        fixture_ask(f, "git -C repo ls-tree -r --name-only %s | tr '\\n' ' '", restored.commit);
    assert_string_equal(there, files);
    char *parent CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse %s^", restored.commit);
    assert_string_equal(parent, branch->tip);
}

static void test_restores_files_and_directories(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    fixture_repository(f);
    fixture_sh(f,
               "cd repo; mkdir conf; echo a >conf/a; echo b >conf/b; echo f >turns; git add .; "
               "git commit -qm before; git rm -q conf/b turns; echo A >conf/a; echo c >conf/c; mkdir turns; "
               "echo t >turns/t; echo two >web.yaml; echo new >new.yaml; git add .; git commit -qm after");
    open_branch(f->origin, NULL, &branch);
    const struct {
        char *path;
        const char *changes;
        const char *files;
    } cases[] = {
        {(char[]){"web.yaml"}, "M web.yaml;", "conf/a conf/c new.yaml turns/t web.yaml "},
        {(char[]){"conf"}, "M conf/a;A conf/b;D conf/c;", "conf/a conf/b new.yaml turns/t web.yaml "},
        {(char[]){"new.yaml"}, "D new.yaml;", "conf/a conf/c turns/t web.yaml "},
        {(char[]){"turns"}, "A turns;D turns/t;", "conf/a conf/c new.yaml turns web.yaml "},
        {(char[]){"never/was"}, "", "conf/a conf/c new.yaml turns/t web.yaml "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *path = cases[i].path;
        check_restored(f, &branch, &(struct string_vec){&path, 1, 1}, cases[i].changes, cases[i].files);
    }
    expect_line(f, "", "git -C repo status --porcelain"); /* nothing of it is seen */
}

static void expect_modes(struct fixture *f, const char *commit, const char *expected)
{
    char *command CLEANUP_FREE =
        memory_printf("git -C repo ls-tree -r --format='%%(objectmode) %%(path)' %s | paste -sd ' '", commit);
    expect_line(f, expected, command);
}

static void test_modes_are_kept(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct source_restored restored CLEANUP(source_restored_deinit) = {0};
    struct source_restored rewritten CLEANUP(source_restored_deinit) = {0};
    static const char modes[] = "100755 conf/run 120000 link 100755 web.yaml";
    fixture_sh(
        f, "git init -q -b main repo; cd repo; mkdir conf; echo a >conf/run; echo one >web.yaml; chmod +x "
           "conf/run web.yaml; ln -s web.yaml link; git add .; git commit -qm before; chmod -x conf/run "
           "web.yaml; rm link; echo b >link; git add .; git commit -qm after");
    open_branch(f->origin, NULL, &branch);
    char *before CLEANUP_FREE = oid_of(f, "HEAD~1");
    char *paths[] = {(char[]){"conf"}, (char[]){"link"}, (char[]){"web.yaml"}};
    restore(&branch, before, &(struct string_vec){paths, 3, 3}, &restored);
    expect_modes(f, restored.commit, modes);
    struct source_content content[] = {{(char[]){"web.yaml"}, (char[]){"new"}}};
    const struct source_content_vec contents = {content, 1, 1};
    assert_int_equal(source_rewrite(&(struct source_rewriting){&branch, before, &contents}, &rewritten, NULL),
                     0);
    expect_modes(f, rewritten.commit, modes);
}

/* Nothing is written into a repository that git(1) does not trust. */
static void expect_resolved(struct fixture *f, const struct source_branch *branch, const char *revision)
{
    char *expected CLEANUP_FREE = oid_of(f, revision);
    char oid[COMMIT_OID_SIZE] = "";
    bool has = false;
    struct error err = ERROR_INIT;
    if (source_branch_resolve(branch, revision, oid, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(oid, expected);
    assert_int_equal(source_branch_has(branch, oid, &has, NULL), 0);
    assert_true(has);
}

/* As the tip, and below it. */
static void test_malformed_commits(void **state)
{
    struct fixture *f = *state;
    for (int below = 0; below < 2; below++) {
        struct source_branch branch CLEANUP(source_branch_deinit) = {0};
        struct source_run_vec runs = {0};
        struct source_restored restored CLEANUP(source_restored_deinit) = {0};
        struct source_restored rewritten CLEANUP(source_restored_deinit) = {0};
        struct error err = ERROR_INIT;
        char *text CLEANUP_FREE = NULL;
        two_commits(f, &branch);
        char *target CLEANUP_FREE = oid_of(f, "HEAD~1");
        fixture_sh(f, "printf three >repo/web.yaml");
        fixture_commit_malformed(f, "repo");
        if (below)
            fixture_sh(f, "git -C repo commit -q --allow-empty -m fourth");
        source_branch_deinit(&branch);
        open_branch(f->origin, NULL, &branch);
        assert_true(branch.checked_out);
        expect_resolved(f, &branch, "HEAD");
        expect_resolved(f, &branch, below ? "HEAD~3" : "HEAD~2");
        const struct source_run_query query = {&branch, &web_only, target};
        if (source_branch_runs(&query, &runs, &err) < 0)
            fail_msg("%s", err.message);
        assert_int_equal(runs.len, 3);
        assert_string_equal(runs.items[0].subject, "malformed");
        assert_int_equal(source_branch_file(&branch, runs.items[0].oldest, "web.yaml", &text, NULL), 0);
        assert_string_equal(text, "three");
        vector_deinit(&runs);
        struct source_content content[] = {{(char[]){"web.yaml"}, (char[]){"new"}}};
        const struct source_content_vec contents = {content, 1, 1};
        assert_int_equal(
            source_rewrite(&(struct source_rewriting){&branch, branch.tip, &contents}, &rewritten, NULL), 0);
        assert_string_equal(rewritten.changes.items[0], "M web.yaml");
        restore(&branch, target, &web_only, &restored);
        const struct source_publication publication = {
            .branch = &branch, .commit = restored.commit, .message = "back", .command = "davit rollback"};
        if (publish(&publication, &err) < 0)
            fail_msg("%s", err.message);
        expect_line(f, "one", "cat repo/web.yaml");
        expect_line(f, branch.tip, "git -C repo rev-parse HEAD~1");
        fixture_sh(f, "rm -rf repo");
    }
}

static void test_another_owner(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct source_restored restored CLEANUP(source_restored_deinit) = {0};
    struct error err = ERROR_INIT;
    if (geteuid() != 0)
        skip();
    two_commits(f, &branch);
    char *target CLEANUP_FREE = oid_of(f, "HEAD~1");
    fixture_sh(f, "chown -R 12345 repo; find repo | sort >before");
    struct source_restoration restoration = {&branch, target, &web_only};
    assert_int_equal(source_restore(&restoration, &restored, &err), ERROR_CONFLICT);
    assert_non_null(strstr(err.message, "dubious ownership"));
    fixture_sh(f, "find repo | sort | cmp - before");
}

/* --- commits for good ----------------------------------------------------------------------------------- */

static void test_a_work_tree_follows(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct source_restored restored CLEANUP(source_restored_deinit) = {0};
    struct error err;
    two_commits(f, &branch);
    char *target CLEANUP_FREE = oid_of(f, "HEAD~1");
    restore(&branch, target, &web_only, &restored);
    assert_non_null(strstr(restored.patch, "-two"));
    fixture_sh(f, "cd repo; printf mine >web.yaml");
    struct source_publication publication = {.branch = &branch,
                                             .commit = restored.commit,
                                             .message = "back\n\nTrailer: x\n",
                                             .command = "davit rollback"};
    assert_int_equal(publish(&publication, &err), ERROR_CONFLICT);
    assert_non_null(strstr(err.message, "nothing was changed"));
    assert_non_null(strstr(err.message, "web.yaml"));
    expect_line(f, "mine", "cat repo/web.yaml");
    expect_line(f, "second", "git -C repo log -1 --format=%s");
    fixture_sh(f, "cd repo; git checkout -q web.yaml; printf mine >other.yaml");
    assert_int_equal(publish(&publication, &err), 0);
    expect_line(f, "one", "cat repo/web.yaml");
    expect_line(f, "mine", "cat repo/other.yaml");
    expect_line(f, " M other.yaml", "git -C repo status --porcelain");
    expect_line(f, "Ada <ada@example.org> back Trailer: x",
                "git -C repo log -1 --format='%an <%ae> %s %(trailers:separator=)'");
    fixture_sh(f, "cd repo; git checkout -q .; git commit -q --amend -m another");
    assert_int_equal(publish(&publication, &err), ERROR_CONFLICT); /* the branch is not where it was */
}

static void test_a_bare_repository_and_new_branches(void **state)
{
    struct fixture *f = *state;
    struct source_branch work CLEANUP(source_branch_deinit) = {0};
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct source_restored restored CLEANUP(source_restored_deinit) = {0};
    struct error err;
    two_commits(f, &work);
    fixture_sh(f, "git clone -q --bare repo bare.git");
    char *path CLEANUP_FREE = memory_printf("%s/bare.git", f->dir);
    char *target CLEANUP_FREE = oid_of(f, "HEAD~1");
    open_branch(path, "main", &branch);
    restore(&branch, target, &web_only, &restored);
    struct source_publication fresh = {.branch = &branch,
                                       .commit = restored.commit,
                                       .message = "back",
                                       .author = "Bob B <bob@example.org>",
                                       .new_branch = "back/web",
                                       .command = "davit rollback"};
    assert_int_equal(publish(&fresh, &err), 0);
    expect_line(f, "Bob B <bob@example.org> Bob B",
                "git -C bare.git log -1 --format='%an <%ae> %cn' back/web");
    expect_line(f, "second", "git -C bare.git log -1 --format=%s main");
    assert_int_equal(publish(&fresh, &err), ERROR_EXISTS);
    static const char *const no_branches[] = {"a..b", "-D"};
    for (size_t i = 0; i < ARRAY_LEN(no_branches); i++) {
        fresh.new_branch = no_branches[i];
        assert_int_equal(publish(&fresh, &err), ERROR_INVALID);
    }
    fresh.new_branch = NULL;
    static const char *const nobodies[] = {"Bob", "Bob <bob@example.org", " <bob@example.org>",
                                           "Bob\nEve <bob@example.org>"};
    for (size_t i = 0; i < ARRAY_LEN(nobodies); i++) {
        fresh.author = nobodies[i];
        assert_int_equal(publish(&fresh, &err), ERROR_INVALID);
        assert_non_null(strstr(err.message, "\"Name <mail@example.org>\" is wanted"));
    }
    fresh.author = NULL;
    assert_int_equal(publish(&fresh, &err), 0);
    expect_line(f, "back", "git -C bare.git log -1 --format=%s main");
    assert_int_equal(publish(&fresh, &err), ERROR_CONFLICT); /* it is not where it was */
    assert_non_null(strstr(err.message, "nothing was changed: git update-ref"));
}

static void test_signed_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct source_restored restored CLEANUP(source_restored_deinit) = {0};
    struct error err;
    two_commits(f, &branch);
    char *target CLEANUP_FREE = oid_of(f, "HEAD~1");
    restore(&branch, target, &web_only, &restored);
    fixture_sh(f, "cd repo; git config gpg.format ssh; git config commit.gpgSign true; "
                  "git config user.signingKey ../absent");
    struct source_publication publication = {
        .branch = &branch, .commit = restored.commit, .message = "back", .command = "davit rollback"};
    assert_int_equal(publish(&publication, &err), ERROR_CONFLICT);
    assert_non_null(strstr(err.message, "git commit-tree: error: "));
    expect_line(f, "second", "git -C repo log -1 --format=%s");
    fixture_sh(f, "ssh-keygen -q -t ed25519 -N '' -f key; cd repo; git config user.signingKey $PWD/../key");
    assert_int_equal(publish(&publication, &err), 0);
    expect_line(f, "1", "git -C repo cat-file commit HEAD | grep -c 'BEGIN SSH SIGNATURE'");
}

static void test_pushes_and_never_by_force(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct error err = ERROR_INIT;
    two_commits(f, &branch);
    fixture_sh(f, "git clone -q --bare repo bare.git; cd repo; git remote add origin ../bare.git; "
                  "git commit -q --allow-empty -m third");
    source_branch_deinit(&branch);
    open_branch(f->origin, NULL, &branch);
    char *second CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse main~1");
    const struct source_push push = {.base = &branch, .name = "main"};
    assert_int_equal(source_push(&push, branch.tip, "", &err), ERROR_CONFLICT); /* it is there */
    assert_int_equal(source_push(&push, branch.tip, second, &err), 0);
    expect_line(f, "third", "git -C bare.git log -1 --format=%s main");
    fixture_sh(f, "git -C bare.git update-ref refs/heads/main main~2"); /* forced away */
    assert_int_equal(source_push(&push, branch.tip, second, &err), ERROR_CONFLICT);
    if (!strstr(err.message,
                "was not pushed (where others were faster, git fetch there, and git rebase --onto "
                "origin/main main~1 main): git push: it says why above"))
        fail_msg("%s", err.message);
    expect_line(f, "first", "git -C bare.git log -1 --format=%s main");
}

/* Whatever else the settings of git would bring along. */
static void test_pushes_a_commit_alone(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct error err = ERROR_INIT;
    two_commits(f, &branch);
    fixture_sh(f, "git init -q --bare bare.git; git init -q --bare sub.git; cd repo; "
                  "git remote add origin ../bare.git; git init -q sub; cd sub; git remote add origin "
                  "../../sub.git; git commit -q --allow-empty -m module; git push -q origin HEAD:old; "
                  "git fetch -q; git commit -q --allow-empty -m newer; cd ..; "
                  "git -c advice.addEmbeddedRepo=false add sub; git commit -qm third; git tag -am 1 v1; "
                  "git config push.followTags true; git config push.recurseSubmodules on-demand");
    source_branch_deinit(&branch);
    open_branch(f->origin, NULL, &branch);
    const struct source_push push = {.base = &branch, .name = "main"};
    assert_int_equal(source_push(&push, branch.tip, "", &err), 0);
    expect_line(f, "refs/heads/main", "git -C bare.git for-each-ref --format='%(refname)' --sort=-refname");
    expect_line(f, "1", "git -C sub.git rev-list --count --all");
}

static void test_a_file_of_a_commit(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct error err = ERROR_INIT;
    char *text = NULL;
    two_commits(f, &branch);
    assert_int_equal(source_branch_file(&branch, branch.tip, "web.yaml", &text, &err), 0);
    assert_string_equal(text, "two");
    free(text);
    fixture_sh(f, "cd repo; mkdir -p sub; head -c 5000000 /dev/zero >large; touch sub/a; git add .; git "
                  "commit -qm third");
    source_branch_deinit(&branch);
    open_branch(f->origin, NULL, &branch);
    static const char *const none[] = {"absent.yaml", "sub", "large"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        assert_int_equal(source_branch_file(&branch, branch.tip, none[i], &text, &err), 0);
        assert_null(text);
    }
    static const char absent[] = "1111111111111111111111111111111111111111";
    assert_int_equal(source_branch_file(&branch, absent, "web.yaml", &text, &err), ERROR_IO);
}

/* Whether a push of a commit on the tip of `name`, NULL: of main itself, is refused with the words. */
static void expect_push(struct fixture *f, const char *name, const char *review, const char *words)
{
    struct source_branch base CLEANUP(source_branch_deinit) = {0};
    struct source_branch other CLEANUP(source_branch_deinit) = {0};
    struct error err = ERROR_INIT;
    open_branch(f->origin, NULL, &base);
    if (review)
        open_branch(f->origin, review, &other);
    struct source_push push = {.base = &base,
                               .review = review ? &other : NULL,
                               .name = name ? name : base.name,
                               .parent = review ? other.tip : base.tip};
    char there[COMMIT_OID_SIZE];
    int rc = source_push_check(&push, there, &err);
    if (rc != (words ? ERROR_CONFLICT : 0) || (words && !strstr(err.message, words)))
        fail_msg("%s: \"%s\"", name ? name : "main", err.message);
}

static void test_a_push_publishes_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    two_commits(f, &branch);
    expect_push(f, NULL, NULL, "has no remote to push to");
    fixture_sh(f, "git clone -q --bare repo bare.git; git -C repo remote add origin ../bare.git");
    expect_push(f, NULL, NULL, NULL);
    fixture_sh(f, "cd repo; git config log.showSignature true; "
                  "for n in 1 2 3 4 5 6; do git commit -q --allow-empty -m \"wip $n\"; done");
    expect_push(f, NULL, NULL, " (wip 6), ");
    expect_push(f, NULL, NULL, " (wip 2), and more; git push or drop them first");
    expect_push(f, "fresh", NULL, "would publish commits of main that origin lacks");
    fixture_sh(
        f, "cd repo; git push -q origin main; git switch -qc review; git commit -q --allow-empty -m wait; "
           "git switch -q main");
    expect_push(f, "review", "review", "commits of review that origin lacks: ");
    fixture_sh(f, "cd repo; git push -q origin review");
    expect_push(f, "review", "review", NULL);
    fixture_sh(f, "git clone -q --depth 1 file://$PWD/bare.git shallow; mv repo whole; mv shallow repo");
    expect_push(f, NULL, NULL, NULL);
    fixture_sh(f, "rm -rf bare.git");
    expect_push(f, NULL, NULL, "cannot ask origin what it has, and nothing was changed: git ls-remote: ");
}

/* What the remote has now counts, not what was fetched of it once. */
static void test_a_push_to_what_has_moved(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    two_commits(f, &branch);
    fixture_sh(f,
               "git clone -q --bare repo bare.git; cd repo; git remote add origin ../bare.git; git fetch -q;"
               "git branch -q -u origin/main; git -C ../bare.git update-ref refs/heads/main main~1");
    expect_push(f, NULL, NULL, "commits of main that origin lacks, and davit would deploy them: ");
    expect_push(f, "fresh", NULL, "commits of main that origin lacks: "); /* what it dropped stays out */
    fixture_sh(
        f, "cd bare.git; git update-ref refs/heads/main $(git commit-tree -p main -m other 'main^{tree}')");
    expect_push(f, NULL, NULL, "/repo lacks: git fetch origin there first");
    expect_push(f, "fresh", NULL, NULL); /* what was fetched last does for a review */
    fixture_sh(f, "git -C repo branch -q --unset-upstream");
    expect_push(f, "fresh", NULL, "/repo lacks: git fetch origin there first");
    fixture_sh(f, "git -C repo branch -q -u origin/main; git -C bare.git branch review main");
    expect_push(f, "review", NULL, "/repo lacks: git fetch origin there first");
    fixture_sh(f, "cd repo; git fetch -q; git reset -q --hard HEAD~1");
    expect_push(f, NULL, NULL, "the branch main of origin has commits that the one here lacks: ");
    expect_push(f, NULL, NULL, " (other); git pull there first");
    expect_push(f, "fresh", NULL, NULL); /* nothing goes with it */
    fixture_sh(f, "git -C bare.git branch fresh main");
    expect_push(f, "fresh", NULL, " (other); take another name");
    fixture_sh(f, "git -C repo pull -q");
    expect_push(f, NULL, NULL, NULL);
    expect_push(f, "fresh", NULL, NULL);
}

/* Each but the first is not the one that main tracks. */
static void test_a_push_to_another_remote(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    two_commits(f, &branch);
    fixture_sh(f, "git clone -q --bare repo bare.git; git clone -q --bare repo prod.git; "
                  "git init -q --bare fork.git; cd repo; git remote add origin ../bare.git; "
                  "git remote add prod ../prod.git; git remote add fork ../fork.git; "
                  "git commit -q --allow-empty -m staged; git push -q -u origin main; git fetch -q prod");
    expect_push(f, NULL, NULL, NULL);
    fixture_sh(f, "git -C repo config remote.pushDefault prod");
    expect_push(f, NULL, NULL, "commits of main that prod lacks, and davit would deploy them: ");
    expect_push(f, "fresh", NULL, NULL); /* it is on what main tracks, and prod deploys no review */
    fixture_sh(f, "git -C repo config remote.pushDefault fork");
    expect_push(f, NULL, NULL, NULL); /* it has nothing of main yet */
    expect_push(f, "fresh", NULL, NULL);
    fixture_sh(f, "cd repo; git commit -q --allow-empty -m wip");
    expect_push(f, NULL, NULL, " (wip); ");
    fixture_sh(f, "cd repo; git branch local; git branch -q -u local; git config remote.pushDefault origin");
    expect_push(f, NULL, NULL, "that origin lacks, and davit would deploy them: ");
    fixture_sh(f, "cd repo; git config remote.pushDefault fork");
    expect_push(f, NULL, NULL, "that fork lacks, and davit would deploy them: ");
}

/* Its main is behind, or has gone its own way; main tracks what it was forked from. */
static void test_a_review_on_a_fork(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    two_commits(f, &branch);
    fixture_sh(f, "git clone -q --bare repo bare.git; git clone -q --bare repo fork.git; "
                  "git -C fork.git update-ref refs/heads/main main~1; cd repo; "
                  "git remote add origin ../bare.git; git remote add fork ../fork.git; git fetch -q --all; "
                  "git branch -q -u origin/main; git config remote.pushDefault fork");
    expect_push(f, "back", NULL, NULL);
    expect_push(f, NULL, NULL, "commits of main that fork lacks, and davit would deploy them: ");
    fixture_sh(f,
               "cd fork.git; git update-ref refs/heads/main $(git commit-tree -p main -m own 'main^{tree}')");
    expect_push(f, "back", NULL, NULL);
    fixture_sh(f, "git -C repo commit -q --allow-empty -m wip");
    expect_push(f, "back", NULL, "--push would publish commits of main that fork lacks: ");
    expect_push(f, "back", NULL, " (wip); ");
}

static void expect_picked(struct fixture *f, bool expected)
{
    struct source_branch review CLEANUP(source_branch_deinit) = {0};
    open_branch(f->origin, "review", &review);
    char *base CLEANUP_FREE = oid_of(f, "main");
    assert_int_equal(source_branch_is_picked(&review, base), expected);
}

/* Whatever the base got besides. */
static void test_what_was_squashed_or_rebased(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    two_commits(f, &branch);
    fixture_sh(f, "cd repo; git branch review; git commit -q --allow-empty -m own");
    expect_picked(f, true); /* it has nothing */
    fixture_sh(f, "cd repo; git switch -q review; echo three >web.yaml; git commit -qam 1; "
                  "echo four >>web.yaml; git commit -qam 2; git switch -q main");
    expect_picked(f, false);
    fixture_sh(
        f, "cd repo; echo x >x; git add x; git commit -qm x; git branch before; "
           "git merge -q --squash review >../said; git commit -qm squashed; echo y >x; git commit -qam y");
    expect_picked(f, true);
    fixture_sh(f, "cd repo; git switch -q review; echo mine >mine; git add mine; git commit -qm mine; "
                  "git switch -q main");
    expect_picked(f, false); /* it went on */
    fixture_sh(f, "cd repo; git reset -q --hard before; git cherry-pick before..review~1 >../said");
    expect_picked(f, false);
    fixture_sh(f, "cd repo; git cherry-pick review >../said");
    expect_picked(f, true);
    fixture_sh(f, "cd repo; git checkout -q --orphan alone; git commit -qm alone; git branch -qf review; "
                  "git switch -q main");
    expect_picked(f, false);
}

static void test_a_review_that_the_remote_has_no_more(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    two_commits(f, &branch);
    fixture_sh(f, "git clone -q --bare repo bare.git; cd repo; git remote add origin ../bare.git; "
                  "git switch -qc review; git commit -q --allow-empty -m wait; git switch -q main");
    expect_push(f, "review", "review", "commits of review that origin lacks: ");
    expect_push(f, "review", "review",
                " (wait); git push or drop them first (where they were merged or are "
                "wanted by nobody: git branch -D review)");
}

static void expect_target(struct fixture *f, const char *remote, const char *refspec)
{
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    open_branch(f->origin, NULL, &branch);
    char *found CLEANUP_FREE = source_branch_refspec(&branch);
    assert_string_equal(branch.remote, remote);
    assert_string_equal(found, refspec);
}

static void test_a_push_goes_where_that_of_git_does(void **state)
{
    struct fixture *f = *state;
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct error err = ERROR_INIT;
    two_commits(f, &branch);
    fixture_sh(f, "git init -q --bare other.git; git clone -q --bare repo bare.git; cd bare.git; "
                  "git branch -m prod; cd ../repo; git remote add origin ../bare.git; "
                  "git fetch -q; git branch -q -u origin/prod");
    expect_target(f, "origin", "main:prod");
    expect_push(f, NULL, NULL, "tracks prod of origin: git push refuses what has another name there");
    expect_push(f, "fresh", NULL, NULL);
    fixture_sh(f, "git -C repo commit -q --allow-empty -m wip");
    expect_push(f, "prod", NULL, "commits of main that origin lacks, and davit would deploy them: ");
    fixture_sh(f, "git -C repo reset -q --hard HEAD~1");
    fixture_sh(f, "cd repo; git remote add fork ../other.git; git config remote.pushDefault fork");
    expect_target(f, "fork", "main");
    expect_push(f, NULL, NULL, NULL);
    source_branch_deinit(&branch);
    open_branch(f->origin, NULL, &branch);
    assert_int_equal(
        source_push(&(struct source_push){.base = &branch, .name = "main"}, branch.tip, "", &err), 0);
    expect_line(f, "second", "git -C other.git log -1 --format=%s main");
    fixture_sh(f, "git -C repo config branch.main.pushRemote origin");
    expect_target(f, "origin", "main:prod");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_branches),
        CASE(test_a_work_tree_of_a_bare_repository),
        CASE(test_what_is_no_branch),
        CASE(test_has_and_resolve),
        CASE(test_runs),
        CASE(test_restores_files_and_directories),
        CASE(test_modes_are_kept),
        CASE(test_malformed_commits),
        CASE(test_another_owner),
        CASE(test_a_work_tree_follows),
        CASE(test_a_bare_repository_and_new_branches),
        CASE(test_signed_or_not_at_all),
        CASE(test_pushes_and_never_by_force),
        CASE(test_pushes_a_commit_alone),
        CASE(test_a_file_of_a_commit),
        CASE(test_a_push_publishes_nothing_else),
        CASE(test_a_push_to_what_has_moved),
        CASE(test_a_push_to_another_remote),
        CASE(test_a_review_on_a_fork),
        CASE(test_what_was_squashed_or_rebased),
        CASE(test_a_review_that_the_remote_has_no_more),
        CASE(test_a_push_goes_where_that_of_git_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
