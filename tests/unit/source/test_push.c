/* One ref of a repository of davit's own on a remote (here a bare repository on this machine), and back. */
#include "fixture.h"

#include "base/text.h"
#include "source/git.h"

#include <stdlib.h>
#include <string.h>

#define REF      "refs/davit/here/me/state"
#define LOCAL    "refs/davit/state"
#define FETCHED  "refs/davit/fetched"
#define STALL_MS 60000

/* libgit2 1.5 loses match data of pcre2, once for each pattern of the configuration that does not match. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libpcre2";
}

/* "own.git" with one commit on LOCAL, and "remote.git", which is empty. */
static void begin(struct fixture *f)
{
    fixture_sh(f, "git init -q --bare own.git; git init -q --bare remote.git; cd own.git;"
                  "git update-ref " LOCAL " $(git commit-tree -m one $(git mktree </dev/null))");
}

/* One more commit on LOCAL. */
static void go_on(struct fixture *f, const char *subject)
{
    fixture_sh(
        f, "cd own.git; git update-ref " LOCAL " $(git commit-tree -p " LOCAL " -m '%s' '" LOCAL "^{tree}')",
        subject);
}

/* Another commit on the remote's ref. */
static void interfere(struct fixture *f, const char *subject)
{
    fixture_sh(f, "cd remote.git; git update-ref " REF " $(git commit-tree -m '%s' $(git mktree </dev/null))",
               subject);
}

struct call {
    const char *scheme; /* "" or "file://" */
    const char *expected;
    int64_t max_bytes;
    const char *words; /* of the error; NULL: any */
};

static int run(struct fixture *f, const struct call *call, enum source_errand errand)
{
    char *url CLEANUP_FREE = memory_printf("%s%s/remote.git", call->scheme ? call->scheme : "", f->dir);
    char *own CLEANUP_FREE = memory_printf("%s/own.git", f->dir);
    struct source_fetch_order order = {.url = url,
                                       .branch = REF,
                                       .mirror_dir = own,
                                       .local_ref = errand == SOURCE_PUSH_REF ? LOCAL : FETCHED,
                                       .expected = call->expected,
                                       .errand = errand,
                                       .max_bytes = call->max_bytes ? call->max_bytes : 1 << 20,
                                       .stall_ms = STALL_MS};
    struct source_fetch_result result = {0};
    struct error err = ERROR_INIT;
    int rc = errand == SOURCE_PUSH_REF ? source_git_push(&order, &result, &err)
                                       : source_git_fetch_ref(&order, &result, &err);
    if (call->words && !strstr(err.message, call->words))
        fail_msg("%s (not %s)", err.message, call->words);
    if (rc == 0)
        assert_string_equal(result.ref, REF);
    free(result.ref);
    return rc;
}

static int push(struct fixture *f, const char *words)
{
    return run(f, &(struct call){.words = words}, SOURCE_PUSH_REF);
}

static void expect_subject(struct fixture *f, const char *repository, const char *ref, const char *subject)
{
    char *line CLEANUP_FREE = fixture_ask(f, "git -C %s log -1 --format=%%s %s", repository, ref);
    assert_string_equal(line, subject);
}

static void test_pushed_and_pushed_on(void **state)
{
    struct fixture *f = *state;
    begin(f);
    char *elsewhere CLEANUP_FREE = memory_printf("%s/elsewhere", f->dir);
    setenv("GIT_OBJECT_DIRECTORY", elsewhere, 1); /* of a hook that davit runs in */
    assert_int_equal(push(f, NULL), 0);
    unsetenv("GIT_OBJECT_DIRECTORY");
    expect_subject(f, "remote.git", REF, "one");
    assert_int_equal(push(f, NULL), 0); /* nothing to do */
    go_on(f, "two");
    assert_int_equal(run(f, &(struct call){.scheme = "file://"}, SOURCE_PUSH_REF), 0);
    expect_subject(f, "remote.git", REF, "two");
    expect_subject(f, "remote.git", REF "~1", "one");
    fixture_sh(f, "cd own.git; git update-ref " LOCAL " $(git commit-tree -m anew '" LOCAL "^{tree}')");
    assert_int_equal(push(f, NULL), 0); /* a history that was trimmed replaces the one before */
    expect_subject(f, "remote.git", REF, "anew");
    fixture_sh(f, "test \"$(git -C remote.git for-each-ref --format='%%(refname)')\" = " REF);
}

/* What it neither has nor pushed itself stays. */
static void test_what_somebody_else_wrote(void **state)
{
    struct fixture *f = *state;
    begin(f);
    interfere(f, "other");
    assert_int_equal(push(f, "/own.git neither has nor pushed it"), ERROR_CONFLICT);
    expect_subject(f, "remote.git", REF, "other");
    char *oid CLEANUP_FREE = fixture_ask(f, "git -C remote.git rev-parse " REF);
    assert_int_equal(run(f, &(struct call){.expected = oid}, SOURCE_PUSH_REF), 0);
    expect_subject(f, "remote.git", REF, "one");
}

/* Between the look and the push, of two on one machine too. */
static void test_compared_and_swapped(void **state)
{
    struct fixture *f = *state;
    begin(f);
    assert_int_equal(push(f, NULL), 0);
    go_on(f, "two");
    fixture_sh(f,
               "cd remote.git; git update-ref refs/heads/other $(git commit-tree -m other '" REF "^{tree}');"
               "printf '#!/bin/sh\\nenv -u GIT_QUARANTINE_PATH git update-ref " REF " refs/heads/other\\n'"
               " > hooks/pre-receive; chmod +x hooks/pre-receive");
    assert_int_equal(push(f, "the remote refuses a push to " REF), ERROR_DENIED);
    expect_subject(f, "remote.git", REF, "other");
    assert_int_equal(push(f, "which somebody else wrote"), ERROR_CONFLICT);
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    begin(f);
    fixture_sh(f, "printf '#!/bin/sh\\necho not today >&2; exit 1\\n' > remote.git/hooks/update;"
                  "chmod +x remote.git/hooks/update");
    assert_int_equal(push(f, REF ": hook declined: not today"), ERROR_DENIED);
    fixture_sh(f, "test -z \"$(git -C remote.git for-each-ref)\"; rm -r remote.git");
    assert_int_equal(push(f, "does not appear to be a git repository"), ERROR_UNAVAILABLE);
}

static void test_fetched(void **state)
{
    struct fixture *f = *state;
    begin(f);
    assert_int_equal(run(f, &(struct call){.words = "the remote has no " REF}, SOURCE_FETCH_REF),
                     ERROR_NOT_FOUND);
    fixture_sh(f, "head -c 50000 /dev/urandom > f; cd remote.git;"
                  "git update-ref " REF " $(git commit-tree -m there $(printf '100644 blob %%s\\tf\\n' "
                  "$(git hash-object -w ../f) | git mktree))");
    assert_int_equal(
        run(f, &(struct call){.max_bytes = 20000, .words = "larger than 20000 bytes"}, SOURCE_FETCH_REF),
        ERROR_LIMIT);
    assert_int_equal(run(f, &(struct call){0}, SOURCE_FETCH_REF), 0);
    expect_subject(f, "own.git", FETCHED, "there");
    fixture_sh(f, "git -C own.git fsck --strict 2>&1");
    fixture_sh(f, "rm -r remote.git");
    assert_int_equal(run(f, &(struct call){0}, SOURCE_FETCH_REF), ERROR_UNAVAILABLE);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {CASE(test_pushed_and_pushed_on), CASE(test_what_somebody_else_wrote),
                                       CASE(test_compared_and_swapped), CASE(test_refused),
                                       CASE(test_fetched)};
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
