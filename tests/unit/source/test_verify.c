/* The policies on repositories that git(1) has signed, by gpg(1) and ssh-keygen(1). This program is its own
 * fetch helper. */
#include "fixture.h"
#include "signing.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/git.h"
#include "source/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77

struct trust {
    struct source_verify verify;
    char *executable;
};

static char *in_keys(const char *name)
{
    return memory_printf("%s/%s", signing_dir(), name);
}

/* Both kinds of keys are trusted. */
static void set_policy(struct fixture *f, struct source_verify *verify, enum source_verify_policy policy)
{
    *verify = (struct source_verify){.policy = policy,
                                     .gpg_keyring_file = in_keys("keyring.asc"),
                                     .allowed_signers_file = in_keys("allowed"),
                                     .revocation_file = in_keys("revoked")};
    f->options.verify = verify;
}

static void make(struct fixture *f, const char *script)
{
    fixture_sh(f, "%s%s", signing_script(), script);
}

/* A repository with one commit, made by `commit` with what it is given. */
static void make_first(struct fixture *f, const char *commit)
{
    char *script CLEANUP_FREE = memory_printf(
        "rm -rf repo state; git init -q -b main repo; cd repo; printf one >web.yaml; git add .; %s", commit);
    make(f, script);
}

/* The commit that HEAD is, with another message and the old signature. */
#define FORGE                                                                                                \
    "git update-ref HEAD $(git cat-file commit HEAD | sed s/first/forged/ | git hash-object -t commit -w "   \
    "--stdin)"

/* One that is signed rightly, on one that is not; and HEAD made of it anew by what reads ../signed. */
#define REWRITTEN(script)                                                                                    \
    "git commit -qm unsigned; printf two >web.yaml; ssh ada commit -S -qam first; git cat-file commit HEAD " \
    ">../signed; { " script "; } >../odd; git update-ref HEAD $(git hash-object -t commit -w --literally "   \
    "../odd)"
#define SIGNATURE "sed -n '/^gpgsig /,/-----END/p' ../signed"
#define ODD       "its headers are not as git writes them"

static const struct {
    const char *commit;
    const char *refused; /* part of the sentence; NULL: it is deployed */
} kinds[] = {
    {REWRITTEN("sed '0,/^parent /s//gpgsigparent /' ../signed"), ODD}, /* hides the parent */
    {REWRITTEN("head -1 ../signed; " SIGNATURE "; sed '1d;/^gpgsig /,/-----END/d' ../signed"), ODD},
    {REWRITTEN("sed '/^gpgsig /,/-----END/d' ../signed; " SIGNATURE), "it is not signed"},
    {REWRITTEN("cat ../signed; printf '\\0more'"), ODD},
    {REWRITTEN("sed '/^committer /{p;s/Ada/Eve/}' ../signed"), ODD},
    {REWRITTEN("sed '/^committer /q' ../signed; " SIGNATURE "; sed '1,/^committer /d' ../signed"), ODD},
    {"gpg ada commit -S -qm first", NULL},
    {"ssh ada commit -S -qm first", NULL},
    {"git commit -qm first", "it is not signed; git commit -S"},
    {"gpg eve commit -S -qm first", "which is not in gpgKeyringFile; sign it with one that is"},
    {"ssh eve commit -S -qm first", "which is not in allowedSignersFile"},
    {"gpg_2020 old commit -S -qm first", "(old <old@example.org>) which has expired; sign it anew"},
    {"ssh old commit -S -qm first", "was not valid at its time, by allowedSignersFile"},
    {"GIT_COMMITTER_DATE='1600000000 +0000' ssh old commit -S -qm first", NULL},
    {"ssh young commit -S -qm first", "key is not yet valid"},
    /* git takes a time of 0 for none, and asks ssh-keygen about now */
    {"GIT_COMMITTER_DATE='@0 +0000' ssh ada commit -S -qm first; "
     "ssh ada -c gpg.ssh.allowedSignersFile=$K/allowed verify-commit HEAD",
     NULL},
    {"GIT_COMMITTER_DATE='@0 +0000' ssh old commit -S -qm first", "key has expired"},
    {"GIT_COMMITTER_DATE='@0 +0000' ssh rev commit -S -qm first", "key of rev@example.org that is revoked"},
    {"GIT_COMMITTER_DATE='@999999999999 +0000' ssh ada commit -S -qm first",
     "its time is after the year 9999"},
    {"gpg rev commit -S -qm first", "(rev <rev@example.org>) which was revoked"},
    {"ssh rev commit -S -qm first", "key of rev@example.org that is revoked by revocationFile"},
    {"gpg ada commit -S -qm first; " FORGE, "(ada <ada@example.org>) is over other content"},
    {"ssh ada commit -S -qm first; " FORGE, "key of ada@example.org is not of it: it was changed"},
    {"ssh eve commit -S -qm first; " FORGE, "its SSH signature is damaged"},
    {"gpg ada commit -S -qm first; git update-ref HEAD $(git cat-file commit HEAD | "
     "sed 's/^ i.*/ aaaa/' | git hash-object -t commit -w --stdin)",
     "its GPG signature is damaged or of an unknown kind"},
    {"gpg ada commit -S -qm first; git update-ref HEAD $(git cat-file commit HEAD | "
     "sed 's/BEGIN PGP SIG/BEGIN PGQ SIG/' | git hash-object -t commit -w --stdin)",
     "is neither of GPG nor of SSH"},
    {"printf '#!/bin/sh\\nexec gpg -u eve \"$@\"\\n' >../two; chmod +x ../two; "
     "gpg ada -c gpg.program=$PWD/../two commit -S -qm first",
     "it carries 2 GPG signatures in one"},
    {"{ printf 'first\\n\\n'; head -c 1100000 /dev/zero | tr '\\0' x; } >../long; ssh ada commit -S -qF "
     "../long",
     "its signature is not judged: it is larger than 1048576 bytes"},
};

static void test_each_kind_of_signature(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_HEAD);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        make_first(f, kinds[i].commit);
        fixture_start(f);
        if (kinds[i].refused) {
            fixture_await_error(f, kinds[i].refused);
            fixture_await_error(f, " by Ada <ada@example.org> is refused: ");
            assert_true(source_get_status(f->source)->refused);
            assert_int_equal(source_get_status(f->source)->failures, 0);
            assert_int_equal(f->seen.len, 0);
        } else {
            fixture_await_head(f, "web.yaml=one;");
            fixture_await_ok(f);
        }
        fixture_stop(f);
        fixture_forget(f);
    }
    char *home CLEANUP_FREE = fixture_ask(f, "ls -d state/a/*.gnupg");
    assert_string_equal(home, "");
}

static void expect_refusal(const struct fixture *f, const char *revision, const char *text)
{
    char *oid CLEANUP_FREE = fixture_ask((struct fixture *)f, "git -C repo rev-parse %s", revision);
    const struct source_refusal *refusal = &source_get_status(f->source)->refusal;
    assert_string_equal(refusal->commit.oid, oid);
    assert_string_equal(refusal->commit.author, "Ada <ada@example.org>");
    assert_string_equal(refusal->text, text);
}

/* For those who look at the commit itself: the reason alone, also while the origin is away. */
static void test_what_is_told_of_a_refused_commit(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_ALL);
    make_first(f, "ssh ada commit -S -qm first");
    fixture_start(f);
    fixture_await_ok(f);
    assert_null(source_get_status(f->source)->refusal.text);
    make(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_await_error(f, "(\"second\")");
    expect_refusal(f, "HEAD", "refused: it is not signed; git commit -S signs, and --amend -S what is there");
    char *second CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse --short=12 HEAD");
    make(f, "cd repo; printf three >web.yaml; ssh ada commit -S -qam third");
    fixture_await_error(f, "that it contains");
    char *text CLEANUP_FREE = memory_printf(
        "refused for %s that it contains: it is not signed; \"git rebase -r -f -S %s~\" signs it and what "
        "follows, push that by force, or vouch for it by source.verify.since",
        second, second);
    expect_refusal(f, "HEAD", text);
    make(f, "mv repo gone");
    fixture_await_error(f, "No such file");
    make(f, "mv gone repo");
    assert_string_equal(source_get_status(f->source)->refusal.text, text);
    fixture_await_error(f, "that it contains");
    make(f, "cd repo; git reset -q --hard HEAD~2; printf four >web.yaml; ssh ada commit -S -qam fourth");
    fixture_await_head(f, "web.yaml=four;");
    fixture_await_ok(f);
    assert_null(source_get_status(f->source)->refusal.text);
    assert_string_equal(source_get_status(f->source)->refusal.commit.oid, "");
}

/* A kind of key that no file is named for, files that are not there or hold nothing. */
static void test_what_cannot_be_judged(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_HEAD);
    char *keyring CLEANUP_FREE = TAKE(verify.gpg_keyring_file);
    make_first(f, "gpg ada commit -S -qm first");
    fixture_start(f);
    fixture_await_error(f, "source.verify has no gpgKeyringFile");
    fixture_stop(f);
    verify.gpg_keyring_file = memory_strdup("/nonexistent/keyring");
    fixture_start(f);
    fixture_await_error(f, "source.verify.gpgKeyringFile /nonexistent/keyring: No such file");
    fixture_stop(f);
    free(verify.gpg_keyring_file);
    verify.gpg_keyring_file = memory_strdup("/dev/null");
    fixture_start(f);
    fixture_await_error(f, "gpgKeyringFile /dev/null holds no public key");
    fixture_stop(f);
    free(verify.gpg_keyring_file);
    verify.gpg_keyring_file = TAKE(keyring);
    char *path CLEANUP_FREE = memory_strdup(getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    fixture_start(f);
    fixture_await_error(f, "gpg is not installed (apt-get install gpg)");
    setenv("PATH", path, 1);
    source_poke(f->source);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
}

/* What runs stays the one to deploy, and the next good commit goes on, by way of the refused one. */
static void test_a_refused_commit_and_the_next_good_one(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_HEAD);
    make_first(f, "ssh ada commit -S -qm first");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
    make(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_await_error(f, "(\"second\") by Ada <ada@example.org> is refused: it is not signed");
    assert_int_equal(f->seen.len, 1);
    make(f, "cd repo; printf three >web.yaml; gpg ada commit -S -qam third");
    fixture_await_head(f, "web.yaml=three;");
    fixture_await_ok(f);
    assert_int_equal(f->seen.len, 3);
    assert_false(f->seen.items[1].head);
}

/* A life that begins with a refused commit goes on with what is deployed. `newest_only` does not. */
static void test_a_start_with_a_refused_commit(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    make_first(f, "git commit -qm first");
    char *since CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD");
    make(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_start(f); /* no policy yet; fills the mirror */
    fixture_await_head(f, "web.yaml=two;");
    fixture_stop(f);
    fixture_forget(f);
    set_policy(f, &verify, SOURCE_VERIFY_HEAD);
    f->options.since = since;
    fixture_start(f);
    fixture_await_error(f, "(\"second\")");
    assert_int_equal(f->seen.len, 1);
    assert_true(f->seen.items[0].head);
    assert_string_equal(f->seen.items[0].commit.oid, since);
    struct string_vec roots = {0};
    source_set_roots(f->source, &(struct source_question){&roots, 1, since});
    fixture_await_updates(f, 2);
    assert_int_equal(f->seen.items[1].generation, 1);
    assert_string_equal(f->seen.items[1].commit.oid, since);
    fixture_stop(f);
    fixture_forget(f);
    f->options.newest_only = true;
    fixture_start(f);
    fixture_await_error(f, "(\"second\")");
    assert_int_equal(f->seen.len, 0);
}

/* That it is deployed makes it no better. */
static void test_a_start_with_a_deployed_commit_that_is_refused(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    make_first(f, "git commit -qm first");
    char *first CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD");
    set_policy(f, &verify, SOURCE_VERIFY_HEAD);
    f->options.since = first;
    fixture_start(f);
    fixture_await_error(f, "(\"first\")");
    fixture_await_head(f, "web.yaml=one;"); /* what runs stays */
    f->options.since = NULL;
}

/* Nothing is deployed: HEAD alone. Then whatever comes in, by a merge too. */
static void test_every_commit(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_ALL);
    make_first(f, "git commit -qm unsigned; printf two >web.yaml; ssh ada commit -S -qam second");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=two;");
    make(f,
         "cd repo; git checkout -qb side; printf a >a.yaml; git add .; git commit -qm sneaked; "
         "printf b >a.yaml; ssh ada commit -S -qam side; git checkout -q main; "
         "printf three >web.yaml; ssh ada commit -S -qam third; ssh ada merge -q -S --no-ff -m merge side");
    fixture_await_error(f, "(\"sneaked\") by Ada <ada@example.org> that it contains: it is not signed");
    assert_int_equal(f->seen.len, 2);
    make(f, "cd repo; git reset -q --hard side~2; printf four >web.yaml; ssh ada commit -S -qam fourth; "
            "printf five >web.yaml; gpg ada commit -S -qam fifth");
    fixture_await_head(f, "web.yaml=five;");
    fixture_await_ok(f);
    make(f, "cd repo; git reset -q --hard HEAD~3"); /* deployed before, by way of a signed one */
    fixture_await_error(f, "(\"unsigned\") by Ada <ada@example.org> is refused: it is not signed");
    make(f, "cd repo; git checkout -q --orphan anew; printf six >web.yaml; ssh ada commit -S -qam sixth; "
            "git branch -qf main; git checkout -q main");
    fixture_await_head(f, "web.yaml=six;");
}

/* From what an earlier life has deployed on. */
static void test_every_commit_since(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_ALL);
    make_first(f, "git commit -qm first; printf two >web.yaml; git commit -qam second");
    char *second CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD");
    char *first CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD~");
    make(f, "cd repo; printf three >web.yaml; ssh ada commit -S -qam third");
    f->options.since = first;
    fixture_start(f);
    fixture_await_error(f, "(\"second\")");
    fixture_stop(f);
    fixture_forget(f);
    f->options.since = second;
    fixture_start(f);
    fixture_await_head(f, "web.yaml=three;");
    fixture_stop(f);
    fixture_forget(f);
    f->options.since = "0123456789012345678901234567890123456789"; /* gone: nothing may be left out */
    fixture_start(f);
    fixture_await_error(f, "(\"second\")");
}

/* With nothing deployed; what is deployed later takes its place. */
static void test_every_commit_since_the_configured_one(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_ALL);
    make_first(f, "git commit -qm first; printf two >web.yaml; git commit -qam second");
    verify.since = fixture_ask(f, "git -C repo rev-parse HEAD~");
    make(f, "cd repo; printf three >web.yaml; ssh ada commit -S -qam third");
    fixture_start(f);
    fixture_await_error(f, "(\"second\") by Ada <ada@example.org> that it contains: it is not signed");
    assert_int_equal(f->seen.len, 0); /* nor is `since` deployed in its place */
    fixture_stop(f);
    fixture_forget(f);
    free(verify.since);
    verify.since = fixture_ask(f, "git -C repo rev-parse HEAD~");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=three;");
    fixture_stop(f);
    fixture_forget(f);
    free(verify.since);
    verify.since = memory_strdup("0123456789012345678901234567890123456789");
    fixture_start(f);
    fixture_await_error(f, "source.verify.since: there is no commit 012345678901 in the history");
    assert_null(source_get_status(f->source)->refusal.text);
    fixture_stop(f);
    f->options.since = fixture_ask(f, "git -C repo rev-parse HEAD~");
    fixture_start(f);
    fixture_await_error(f, "source.verify.since: there is no commit 012345678901"); /* whatever is deployed */
    fixture_stop(f);
    free((char *)f->options.since);
    f->options.since = NULL;
}

/* What is named is above what is deployed, and the tip or below it. */
static void test_every_commit_since_one_that_came_later(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_ALL);
    make_first(f, "ssh ada commit -S -qm first; printf two >web.yaml; git commit -qam second; printf three "
                  ">web.yaml; git commit -qam third");
    char *first CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD~2");
    verify.since = fixture_ask(f, "git -C repo rev-parse HEAD");
    f->options.since = first;
    fixture_start(f);
    fixture_await_head(f, "web.yaml=three;");
    fixture_await_ok(f);
    make(f, "cd repo; printf four >web.yaml; ssh ada commit -S -qam fourth");
    fixture_await_head(f, "web.yaml=four;");
    fixture_await_ok(f);
    make(f, "cd repo; git commit -q --allow-empty -m unsigned; printf five >web.yaml; ssh ada commit -S -qam "
            "fifth");
    fixture_await_error(f, "(\"unsigned\") by Ada <ada@example.org> that it contains: it is not signed");
}

/* What a clone does not have nobody has judged. */
static void test_every_commit_of_a_shallow_clone(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_ALL);
    make_first(f,
               "ssh ada commit -S -qm first; git commit -q --allow-empty -m sneaked; printf two >web.yaml; "
               "ssh ada commit -S -qam second; cd ..; mv repo full; git clone -q --depth 1 "
               "file://$PWD/full repo");
    char *first CLEANUP_FREE = fixture_ask(f, "git -C full rev-parse HEAD~2");
    f->options.since = first;
    fixture_start(f);
    fixture_await_error(f, "commits that it adds to the one deployed before are not there, as in a shallow");
    assert_int_equal(f->seen.len, 0);
    fixture_sh(f, "git -C repo fetch -q --unshallow"); /* as the refusal says it */
    fixture_await_error(f, "(\"sneaked\") by Ada <ada@example.org> that it contains: it is not signed");
    f->options.since = NULL;
}

/* As the refusal says it. */
static void test_an_unsigned_commit_is_rebased(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_ALL);
    make_first(f, "ssh ada commit -S -qm first");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    make(f,
         "cd repo; git checkout -qb side; printf a >a.yaml; git add .; git commit -qm sneaked; git checkout "
         "-q main; printf two >web.yaml; ssh ada commit -S -qam second; ssh ada merge -q -S --no-ff -m merge "
         "side");
    fixture_await_error(f, "(\"sneaked\") by Ada <ada@example.org> that it contains: it is not signed");
    make(f, "cd repo; ssh ada rebase -q -r -f -S $(git rev-parse side)~");
    fixture_await_head(f, "a.yaml=a;"); /* the merge, after the second */
    fixture_await_ok(f);
}

/* One that git reads is judged as any other, and hinders nobody once it is deployed. */
static void test_malformed_commits(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    make_first(f, "gpg ada commit -S -qm first");
    set_policy(f, &verify, SOURCE_VERIFY_ALL);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    make(f,
         "cd repo; printf two >web.yaml; git add .; printf 'tree %s\\nparent %s\\nauthor A\\ncommitter B\\n"
         "\\nodd\\n' $(git write-tree) $(git rev-parse HEAD) >../odd; git reset -q $(git hash-object -t "
         "commit "
         "--literally -w ../odd); printf 3 >web.yaml; gpg ada commit -S -qam third");
    fixture_await_error(f, "(\"odd\") by unknown <> that it contains: it is not signed");
    assert_int_equal(f->seen.len, 1);
    fixture_sh(f, "test ! -e state/a/mirror.git.broken");
    make(f, "cd repo; git reset -q --hard HEAD~2; printf 4 >web.yaml; gpg ada commit -S -qam fourth");
    fixture_await_head(f, "web.yaml=4;");
    fixture_await_ok(f);
}

/* Annotated tags of the newest commit that nobody signed, from `first` to `last`, all one object. */
static void make_tags(struct fixture *f, int first, int last)
{
    char *script CLEANUP_FREE =
        memory_printf("cd repo; git tag -am unsigned a%d; for i in $(seq %d %d); do "
                      "echo create refs/tags/a$i $(git rev-parse a%d); done | git update-ref --stdin",
                      first, first + 1, last, first);
    make(f, script);
}

static void expect_tags(struct fixture *f, const char *count)
{
    char *found CLEANUP_FREE =
        fixture_ask(f, "git -C state/a/mirror.git for-each-ref refs/davit/tag | wc -l");
    assert_string_equal(found, count);
}

/* More than anybody makes, and still each is looked at; over the limit it is said. */
static void expect_many_tags(struct fixture *f)
{
    make_first(f, "git commit -qm first");
    make_tags(f, 1, 70);
    make(f, "cd repo; ssh ada tag -sm good v2");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
    expect_tags(f, "71");
    make(f, "cd repo; printf two >web.yaml; git commit -qam second; ssh ada tag -sm good v3");
    fixture_await_head(f, "web.yaml=two;");
    expect_tags(f, "1");
    make(f, "cd repo; printf three >web.yaml; git commit -qam third");
    make_tags(f, 101, 356);
    make(f, "cd repo; ssh ada tag -sm good v4; ssh ada tag -sm good v5");
    fixture_await_error(f, "2 tags point to it beside the first 256, which are all that is looked at");
    fixture_await_error(f, "delete some that are not signed: its tag \"a");
    make(f, "cd repo; git tag -d a101");
    fixture_await_head(f, "web.yaml=three;");
    fixture_await_ok(f);
    expect_tags(f, "256");
}

static void test_many_tags(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_TAG);
    expect_many_tags(f);
}

static void test_a_signed_tag(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_TAG);
    make_first(f, "ssh ada commit -S -qm first; git tag light");
    fixture_start(f);
    fixture_await_error(f, "no annotated tag points to it");
    make(f, "cd repo; git tag -am unsigned v0");
    fixture_await_error(f, "its tag \"v0\": it is not signed; git tag -s");
    make(f, "cd repo; gpg eve tag -sm other v1");
    fixture_await_error(f, "its tag \"v1\": it is signed with the GPG key");
    assert_int_equal(f->seen.len, 0);
    make(f, "cd repo; gpg ada tag -sm good v2");
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
    make(f, "cd repo; printf two >web.yaml; git commit -qam second; ssh ada tag -sm good v3");
    fixture_await_head(f, "web.yaml=two;");
    make(f, "cd repo; printf three >web.yaml; git commit -qam third; "
            "git tag -f v4 $(git cat-file tag v3 | sed s/$(git rev-parse HEAD~)/$(git rev-parse HEAD)/ | "
            "git hash-object -t tag -w --stdin)");
    fixture_await_error(f, "its tag \"v3\": its SSH signature");
}

/* Whatever else points to the commit, and whatever the message says. */
static void test_one_good_tag_is_enough(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_TAG);
    make_first(f, "git commit -qm first; printf 'one\\n\\n-----BEGIN PGP SIGNATURE-----\\nof old\\n' | "
                  "ssh ada tag -sF - v1; git tag -am unsigned v2");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
}

static size_t count_tags(struct git_repository *repository, const char *oid)
{
    struct source_tags tags CLEANUP(source_tags_deinit) = {0};
    source_tags_of(repository, oid, &tags);
    return tags.oids.len;
}

/* As a life leaves it that was killed when it had the next commit and not its tags. */
static void test_a_tag_of_another_commit_is_none(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    struct git_repository *repository = NULL;
    make_first(f, "git commit -qm first; git tag -am one v1; git update-ref refs/davit/tag/0 v1; "
                  "git commit -q --allow-empty -m second");
    char *first CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD~");
    char *second CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD");
    assert_int_equal(source_git_open_around(f->origin, &repository, &err), 0);
    assert_int_equal(count_tags(repository, first), 1);
    assert_int_equal(count_tags(repository, second), 0);
    source_git_repository_freep(&repository);
}

static void test_a_tag_is_judged_by_its_own_time(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_TAG);
    make_first(f, "git commit -qm first; ssh old tag -sm late v1");
    fixture_start(f);
    fixture_await_error(f, "key has expired");
    make(f, "cd repo; GIT_COMMITTER_DATE='1600000000 +0000' ssh old tag -sm early v0");
    fixture_await_head(f, "web.yaml=one;");
}

static void use_file_url(struct fixture *f, struct trust *trust)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(len > 0);
    trust->executable = memory_strndup(path, (size_t)len);
    free(f->origin);
    f->origin = memory_printf("file://%s/repo", f->dir);
    f->options.origin = f->origin;
    f->options.executable = trust->executable;
    f->options.poll_ms = 50;
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* of the helper: libgit2 1.5 loses match data of pcre2 */
}

static void test_many_tags_of_a_remote(void **state)
{
    struct fixture *f = *state;
    struct trust trust = {0};
    set_policy(f, &trust.verify, SOURCE_VERIFY_TAG);
    use_file_url(f, &trust);
    expect_many_tags(f);
    fixture_stop(f);
    source_verify_deinit(&trust.verify);
    free(trust.executable);
}

/* Tags come to the mirror, those that matter and no others. */
static void test_a_remote(void **state)
{
    struct fixture *f = *state;
    struct trust trust = {0};
    set_policy(f, &trust.verify, SOURCE_VERIFY_TAG);
    use_file_url(f, &trust);
    make_first(f, "ssh ada commit -S -qm first; ssh ada tag -sm one v1");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
    make(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_await_error(f, "no annotated tag points to it");
    make(f, "cd repo; ssh ada tag -sm two v2");
    fixture_await_head(f, "web.yaml=two;");
    fixture_await_ok(f);
    expect_tags(f, "1");
    fixture_stop(f);
    trust.verify.policy = SOURCE_VERIFY_ALL;
    fixture_start(f);
    fixture_await_error(f, "(\"second\") by Ada");
    make(f, "cd repo; gpg ada commit -q --amend -S --no-edit");
    fixture_await_head(f, "web.yaml=two;");
    fixture_stop(f);
    source_verify_deinit(&trust.verify);
    free(trust.executable);
}

/* Keys are read anew, and seen at once; what passed is not judged again. */
static void test_other_keys_without_a_restart(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_ALL);
    free(verify.allowed_signers_file);
    verify.allowed_signers_file = memory_printf("%s/allowed", f->dir);
    make_first(f, "cp $K/allowed ..; ssh ada commit -S -qm first");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    make(f, "cd repo; printf two >web.yaml; ssh eve commit -S -qam second");
    fixture_await_error(f, "which is not in allowedSignersFile");
    make(f, "printf 'eve@example.org %s\\n' \"$(cat $K/eve.pub)\" >>allowed");
    fixture_await_head(f, "web.yaml=two;");
    fixture_await_ok(f);
    make(f, "cp $K/allowed allowed"); /* eve left */
    source_poke(f->source);
    fixture_idle(f, 200);
    assert_true(source_get_status(f->source)->ok);
    make(f, "cd repo; printf three >web.yaml; ssh eve commit -S -qam third");
    fixture_await_error(f, "(\"third\")");
    make(f, "cd repo; printf four >web.yaml; ssh ada commit -S -qam fourth");
    fixture_await_error(f, "(\"third\") by Ada <ada@example.org> that it contains");
}

/* It is told though no commit waits for it, is no refusal, and what was refused before stays refused. */
static void test_a_file_that_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_HEAD);
    free(verify.revocation_file);
    verify.revocation_file = memory_printf("%s/revoked", f->dir);
    make_first(f, "cat $K/revoked >../revoked; gpg ada commit -S -qm first");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    make(f, "mv revoked gone");
    fixture_await_error(f, "source.verify.revocationFile ");
    const struct source_status *status = source_get_status(f->source);
    assert_false(status->refused);
    assert_true(status->failures > 0);
    make(f, "mv gone revoked");
    fixture_await_ok(f);
    make(f, "cd repo; printf two >web.yaml; git commit -qam second");
    fixture_await_error(f, "(\"second\")");
    make(f, "mv revoked gone");
    fixture_await_error(f, "source.verify.revocationFile ");
    expect_refusal(f, "HEAD", "refused: it is not signed; git commit -S signs, and --amend -S what is there");
    make(f, "cd repo; printf three >web.yaml; gpg ada commit -S -qam third");
    fixture_idle(f, 200);
    assert_int_equal(f->seen.len, 1);
    make(f, "mv gone revoked");
    fixture_await_head(f, "web.yaml=three;");
    fixture_await_ok(f);
}

/* A life that begins without the file goes on with what the one before deployed. */
static void test_a_start_without_a_file(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_HEAD);
    make_first(f, "gpg ada commit -S -qm first");
    char *first CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_stop(f);
    fixture_forget(f);
    make(f, "cd repo; printf two >web.yaml; gpg ada commit -S -qam second");
    free(verify.revocation_file);
    verify.revocation_file = memory_strdup("/nonexistent/revoked");
    f->options.since = first;
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_error(f, "source.verify.revocationFile /nonexistent/revoked: No such file");
}

/* A commit that was found good by keys that are no more is judged again. */
static void test_what_is_remembered_is_of_the_keys_of_then(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_ALL);
    free(verify.allowed_signers_file);
    verify.allowed_signers_file = memory_printf("%s/allowed", f->dir);
    make_first(f, "cat $K/allowed >../allowed; ssh ada commit -S -qm first");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    make(f, "cd repo; git commit -q --allow-empty -m unsigned; printf two >web.yaml; ssh ada commit -S -qam "
            "second");
    fixture_await_error(f, "(\"unsigned\")");
    make(f, "grep -v ^ada allowed >new; mv new allowed");
    fixture_await_error(f, "(\"second\") by Ada <ada@example.org> is refused: it is signed with the SSH");
}

/* By other keys, and by those that are revoked meanwhile. */
static void test_what_is_remembered_was_not_revoked_since(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_ALL);
    free(verify.revocation_file);
    verify.revocation_file = memory_printf("%s/revoked", f->dir);
    make_first(f, "cat $K/rev.pub >../revoked; ssh ada commit -S -qm first");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    make(f, "cd repo; git commit -q --allow-empty -m unsigned; printf two >web.yaml; ssh ada commit -S -qam "
            "second");
    fixture_await_error(f, "(\"unsigned\")");
    make(f, "cat revoked $K/ada.pub >new; mv new revoked");
    fixture_await_error(f,
                        "(\"second\") by Ada <ada@example.org> is refused: it is signed with an SSH key of "
                        "ada@example.org that is revoked");
}

static void test_a_plain_directory_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    fixture_sh(f, "mkdir repo; printf one >repo/web.yaml");
    set_policy(f, &verify, SOURCE_VERIFY_HEAD);
    fixture_start(f);
    fixture_await_error(f, "a directory without git, which has no signatures");
    assert_int_equal(f->seen.len, 0);
    assert_int_equal(source_verify_check(&verify, f->origin, &err), ERROR_INVALID);
    assert_int_equal(source_verify_check(&verify, "/nonexistent", &err), 0);
    assert_int_equal(source_verify_check(&verify, "https://example.org/x", &err), 0);
    struct source_verify keyless = {.policy = SOURCE_VERIFY_TAG};
    assert_int_equal(source_verify_check(&keyless, "/nonexistent", &err), ERROR_INVALID);
    assert_non_null(strstr(err.message, "\"tag\" wants keys"));
    keyless.policy = SOURCE_VERIFY_NONE;
    assert_int_equal(source_verify_check(&keyless, f->origin, &err), 0);
}

static void test_freed_while_it_judges(void **state)
{
    struct fixture *f = *state;
    struct source_verify verify CLEANUP(source_verify_deinit) = {0};
    set_policy(f, &verify, SOURCE_VERIFY_HEAD);
    make_first(f, "ssh ada commit -S -qm first; mkdir ../bin; "
                  "printf '#!/bin/sh\\ntouch %s/asked\\nexec sleep 1000\\n' $PWD/.. >../bin/ssh-keygen; "
                  "chmod +x ../bin/ssh-keygen");
    char *path CLEANUP_FREE = memory_strdup(getenv("PATH"));
    char *slow CLEANUP_FREE = memory_printf("%s/bin:%s", f->dir, path);
    char *asked CLEANUP_FREE = memory_printf("%s/asked", f->dir);
    setenv("PATH", slow, 1);
    fixture_start(f);
    for (int i = 0; i < 6000 && access(asked, F_OK) < 0; i++)
        fixture_idle(f, 20);
    assert_int_equal(access(asked, F_OK), 0);
    time_t begin = time(NULL);
    fixture_stop(f);
    assert_true((time(NULL) - begin) * 1000 < LIMIT_VERIFY_MS / 2);
    setenv("PATH", path, 1);
    assert_int_equal(f->seen.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
    if (argc > 1 && text_equal(argv[1], "fetch-helper"))
        return source_fetch_helper_main(argc - 1, argv + 1);
    const struct CMUnitTest tests[] = {
        TEST(test_each_kind_of_signature),
        TEST(test_what_is_told_of_a_refused_commit),
        TEST(test_what_cannot_be_judged),
        TEST(test_a_refused_commit_and_the_next_good_one),
        TEST(test_a_start_with_a_refused_commit),
        TEST(test_a_start_with_a_deployed_commit_that_is_refused),
        TEST(test_every_commit),
        TEST(test_every_commit_since),
        TEST(test_every_commit_since_the_configured_one),
        TEST(test_every_commit_since_one_that_came_later),
        TEST(test_every_commit_of_a_shallow_clone),
        TEST(test_an_unsigned_commit_is_rebased),
        TEST(test_malformed_commits),
        TEST(test_a_signed_tag),
        TEST(test_one_good_tag_is_enough),
        TEST(test_a_tag_of_another_commit_is_none),
        TEST(test_a_tag_is_judged_by_its_own_time),
        TEST(test_many_tags),
        TEST(test_many_tags_of_a_remote),
        TEST(test_a_remote),
        TEST(test_other_keys_without_a_restart),
        TEST(test_a_file_that_cannot_be_read),
        TEST(test_a_start_without_a_file),
        TEST(test_what_is_remembered_is_of_the_keys_of_then),
        TEST(test_what_is_remembered_was_not_revoked_since),
        TEST(test_a_plain_directory_is_refused),
        TEST(test_freed_while_it_judges),
    };
    const char *why = NULL;
    if (!signing_setup(&why)) {
        puts(why);
        return SKIPPED;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    signing_teardown();
    return failed;
}
