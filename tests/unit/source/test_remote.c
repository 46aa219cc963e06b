/* Branches of a remote (here a bare repository by file://) in a repository of davit's own, and back. */
#include "fixture.h"

#include "base/text.h"
#include "source/remote.h"
#include "source/restore.h"

#include <string.h>
#include <unistd.h>

/* libgit2 1.5 loses match data of pcre2, once for each pattern of the configuration that does not match. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libpcre2";
}

static struct source_remote *open_remote(const char *url, const char *branch, const char *directory)
{
    const struct source_access access = {0};
    const struct source_remote_options options = {
        .url = url, .branch = branch, .directory = directory, .max_bytes = 1 << 20, .access = &access};
    struct source_remote *remote = NULL;
    struct error err = ERROR_INIT;
    int fd = source_remote_order(&options, &err);
    assert_true(fd >= 0);
    FILE *order = fdopen(fd, "r");
    assert_int_equal(source_remote_new(order, &remote, &err), 0);
    fclose(order);
    return remote;
}

/* A bare repository with one commit on main, and what davit has of it. */
static struct source_remote *begin(struct fixture *f)
{
    char *url CLEANUP_FREE = memory_printf("file://%s/remote.git", f->dir);
    char *directory CLEANUP_FREE = memory_printf("%s/images.git", f->dir);
    fixture_repository(f);
    fixture_sh(f, "git -C repo branch -m main; git clone -q --bare repo remote.git");
    return open_remote(url, NULL, directory);
}

static void fetch(struct source_remote *remote, const char *review)
{
    struct error err = ERROR_INIT;
    if (source_remote_fetch(remote, review, &err) < 0)
        fail_msg("%s", err.message);
}

/* A commit on a branch of davit's repository. */
static void commit(struct fixture *f, const char *branch, const char *subject)
{
    fixture_sh(f, "cd images.git; git update-ref refs/heads/%s $(git commit-tree -p %s -m '%s' '%s^{tree}')",
               branch, branch, subject, branch);
}

static void expect_subject(struct fixture *f, const char *branch, const char *subject)
{
    char *line CLEANUP_FREE = fixture_ask(f, "git -C remote.git log -1 --format=%%s %s", branch);
    assert_string_equal(line, subject);
}

static int push(struct source_remote *remote, const char *name, bool may_replace, const char *words)
{
    struct error err = ERROR_INIT;
    int rc = source_remote_push(remote, name, may_replace, &err);
    if (words && !strstr(err.message, words))
        fail_msg("%s (not %s)", err.message, words);
    return rc;
}

static void test_forward_only(void **state)
{
    struct fixture *f = *state;
    struct source_remote *remote CLEANUP(source_remote_freep) = begin(f);
    fetch(remote, NULL);
    assert_string_equal(source_remote_branch(remote), "refs/heads/main");
    commit(f, "main", "two");
    assert_int_equal(push(remote, "main", false, NULL), 0);
    expect_subject(f, "main", "two");

    fetch(remote, NULL);
    commit(f, "main", "late");
    fixture_sh(
        f, "cd remote.git; git update-ref refs/heads/main $(git commit-tree -p main -m ada 'main^{tree}')");
    assert_int_equal(push(remote, "main", false, "has moved meanwhile"), ERROR_CONFLICT);
    assert_int_equal(push(remote, "main", true, "has moved meanwhile"), ERROR_CONFLICT);
    expect_subject(f, "main", "ada");
    fetch(remote, NULL); /* what was made and not pushed is no more */
    char *here CLEANUP_FREE = fixture_ask(f, "git -C images.git log -1 --format=%%s main");
    assert_string_equal(here, "ada");

    fixture_sh(f, "cd images.git; git update-ref refs/heads/main $(git commit-tree -m alone 'main^{tree}')");
    assert_int_equal(push(remote, "main", false, "refs/heads/main"), ERROR_CONFLICT);
    expect_subject(f, "main", "ada");
}

static void test_a_branch_for_review(void **state)
{
    struct fixture *f = *state;
    struct source_remote *remote CLEANUP(source_remote_freep) = begin(f);
    fetch(remote, "updates");
    fixture_sh(f, "git -C images.git branch updates main");
    commit(f, "updates", "one");
    assert_int_equal(push(remote, "updates", true, NULL), 0);
    expect_subject(f, "updates", "one");
    fetch(remote, "updates");
    fixture_sh(
        f,
        "cd images.git; git update-ref refs/heads/updates $(git commit-tree -p main -m anew 'main^{tree}')");
    assert_int_equal(push(remote, "updates", true, NULL), 0);
    expect_subject(f, "updates", "anew");
    expect_subject(f, "updates~1", "first");

    fetch(remote, "updates");
    commit(f, "updates", "late");
    fixture_sh(f, "git -C remote.git branch -D -q updates");
    assert_int_equal(push(remote, "updates", true, "has moved meanwhile"), ERROR_CONFLICT);
    fetch(remote, "updates"); /* one that has gone there is gone here */
    fixture_sh(f, "! git -C images.git rev-parse -q --verify updates");
}

static void test_what_is_no_branch(void **state)
{
    struct fixture *f = *state;
    struct source_remote *none CLEANUP(source_remote_freep) = begin(f);
    char *url CLEANUP_FREE = memory_printf("file://%s/remote.git", f->dir);
    fixture_sh(f, "git -C remote.git tag v1");
    static const struct {
        const char *branch;
        const char *review;
        int code;
        const char *words;
    } cases[] = {{"refs/tags/v1", NULL, ERROR_INVALID, "refs/tags/v1 is no branch"},
                 {"absent", NULL, ERROR_NOT_FOUND, "the remote has no branch refs/heads/absent"},
                 {"main", "a..b", ERROR_INVALID, "\"refs/heads/a..b\" is no valid name"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct source_remote *remote CLEANUP(source_remote_freep) =
            open_remote(url, cases[i].branch, source_remote_directory(none));
        struct error err = ERROR_INIT;
        assert_int_equal(source_remote_fetch(remote, cases[i].review, &err), cases[i].code);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%s", err.message);
    }
    fixture_sh(f, "rm -r remote.git");
    struct error err = ERROR_INIT;
    assert_int_equal(source_remote_fetch(none, NULL, &err), ERROR_UNAVAILABLE);
}

/* Of the base, of the branch for review, and of one that nobody asks for. */
static void test_malformed_commits(void **state)
{
    struct fixture *f = *state;
    struct source_remote *remote CLEANUP(source_remote_freep) = begin(f);
    fixture_sh(f, "git -C repo remote add origin ../remote.git; git -C repo switch -qc stray");
    fixture_commit_malformed(f, "repo");
    fixture_sh(f, "git -C repo push -q origin stray");
    fetch(remote, NULL);
    for (int i = 0; i < 3; i++) {
        fixture_sh(f, "cd repo; git fetch -q origin; git switch -q main; git reset -q --hard origin/main");
        fixture_commit_malformed(f, "repo");
        if (i > 0)
            fixture_sh(f, "git -C repo commit -q --allow-empty -m good");
        fixture_sh(f, "cd repo; git push -q origin main; git switch -qC updates");
        fixture_commit_malformed(f, "repo");
        fixture_sh(f, "git -C repo push -q -f origin updates");
        fetch(remote, "updates");
        fixture_sh(f, "for b in main updates; do test $(git -C images.git rev-parse $b) = "
                      "$(git -C remote.git rev-parse $b); done; git -C images.git fsck --connectivity-only");
        commit(f, "main", "ours");
        commit(f, "updates", "ours too");
        assert_int_equal(push(remote, "main", false, NULL), 0);
        expect_subject(f, "main", "ours");
        fetch(remote, "updates");
        commit(f, "updates", "ours too");
        assert_int_equal(push(remote, "updates", true, NULL), 0);
        expect_subject(f, "updates", "ours too");
    }
}

/* A commit on the remote's main. */
static void commit_as(struct fixture *f, const char *author, const char *committer)
{
    fixture_sh(f,
               "cd remote.git; export GIT_AUTHOR_NAME='%s' GIT_AUTHOR_EMAIL=ada@example.org "
               "GIT_COMMITTER_NAME='%s' GIT_COMMITTER_EMAIL=ada@example.org; "
               "git update-ref refs/heads/main $(git commit-tree -p main -m x 'main^{tree}')",
               author, committer);
}

static void expect_is_of(struct fixture *f, struct source_remote *remote, const char *author, int commits,
                         bool is_expected)
{
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct error err = ERROR_INIT;
    bool is = !is_expected;
    fetch(remote, NULL);
    assert_int_equal(source_branch_open(source_remote_directory(remote), "main", &branch, &err), 0);
    char *base CLEANUP_FREE = fixture_ask(f, "git -C remote.git rev-parse main~%d", commits);
    assert_int_equal(source_branch_is_of(&branch, base, author, &is, &err), 0);
    if (is != is_expected)
        fail_msg("%d commits are %sof %s", commits, is ? "" : "not ", author);
}

/* Of whom all is that the one branch has and the other has not. */
static void test_whose_branch_it_is(void **state)
{
    struct fixture *f = *state;
    struct source_remote *remote CLEANUP(source_remote_freep) = begin(f);
    static const char ada[] = "Ada <ada@example.org>";
    expect_is_of(f, remote, ada, 0, true);
    commit_as(f, "Ada", "Ada");
    commit_as(f, "Ada", "Ada");
    expect_is_of(f, remote, ada, 2, true);
    expect_is_of(f, remote, "Adam <ada@example.org>", 1, false);
    expect_is_of(f, remote, "Ada <eve@example.org>", 1, false);
    commit_as(f, "Ada", "Eve"); /* git commit --amend */
    expect_is_of(f, remote, ada, 1, false);
    commit_as(f, "Ada", "Ada");
    expect_is_of(f, remote, ada, 1, true);
    expect_is_of(f, remote, ada, 2, false);
    commit_as(f, "Eve", "Ada");
    expect_is_of(f, remote, ada, 1, false);
}

/* As git writes them, and davit by it. */
static void test_names_that_git_strips(void **state)
{
    struct fixture *f = *state;
    struct source_remote *remote CLEANUP(source_remote_freep) = begin(f);
    static const char *const authors[] = {"davit Inc. <bot@x.org>", "\\\"Ada,\\\" <.ada@x.org;>",
                                          ";A.B.: <a@b.>", "Ad\303\250 <a@b>", "\001A <<a@b> >"};
    for (size_t i = 0; i < ARRAY_LEN(authors); i++) {
        struct source_branch branch CLEANUP(source_branch_deinit) = {0};
        struct error err = ERROR_INIT;
        char oid[COMMIT_OID_SIZE];
        fetch(remote, NULL);
        assert_int_equal(source_branch_open(source_remote_directory(remote), "main", &branch, &err), 0);
        char *draft CLEANUP_FREE = fixture_ask(f, "git -C images.git commit-tree -p main -m x 'main^{tree}'");
        const struct source_publication publication = {
            .branch = &branch, .commit = draft, .message = "x", .author = authors[i], .command = "test"};
        if (source_publish(&publication, oid, &err) < 0)
            fail_msg("%s", err.message);
        assert_int_equal(push(remote, "main", false, NULL), 0);
        expect_is_of(f, remote, authors[i], 1, true);
        expect_is_of(f, remote, "Inc <bot@x.org>", 1, false);
    }
}

/* With the key that is said, whatever git is configured to. */
static void test_a_key_to_sign_with(void **state)
{
    struct fixture *f = *state;
    struct source_remote *remote CLEANUP(source_remote_freep) = begin(f);
    struct source_branch branch CLEANUP(source_branch_deinit) = {0};
    struct error err = ERROR_INIT;
    char oid[COMMIT_OID_SIZE];
    fetch(remote, NULL);
    fixture_sh(f, "ssh-keygen -q -t ed25519 -N '' -f key; echo \"a@b $(cat key.pub)\" >allowed");
    assert_int_equal(source_branch_open(source_remote_directory(remote), "main", &branch, &err), 0);
    char *draft CLEANUP_FREE = fixture_ask(f, "git -C images.git commit-tree -p main -m x 'main^{tree}'");
    char *key CLEANUP_FREE = memory_printf("%s/key", f->dir);
    const struct source_publication publication = {.branch = &branch,
                                                   .commit = draft,
                                                   .message = "signed",
                                                   .author = "A <a@b>",
                                                   .signing_key = key,
                                                   .command = "test"};
    if (source_publish(&publication, oid, &err) < 0)
        fail_msg("%s", err.message);
    char *line CLEANUP_FREE = fixture_ask(
        f,
        "git -C images.git -c gpg.ssh.allowedSignersFile=$PWD/allowed log -1 --format='%%G? %%GS %%s' main");
    assert_string_equal(line, "G a@b signed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_forward_only, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_branch_for_review, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_malformed_commits, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_branch, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_whose_branch_it_is, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_names_that_git_strips, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_key_to_sign_with, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
