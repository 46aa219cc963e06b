/* Commits read as they are stored: as libgit2 reads them where it does, as git where it does not. */
#include "odb/commit.h"
#include "odb/signed.h"

#include "base/memory.h"
#include "unit.h"

#include <string.h>

#define TREE   "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
#define PARENT "parent 1111111111111111111111111111111111111111\n"
#define ADA    "Ada <ada@example.org> 1700000000 +0200"

struct fixture {
    char dir[128];
    git_repository *repository;
    git_odb *odb;
};

static int setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    git_libgit2_init();
    unit_make_dir(f->dir, sizeof f->dir, "commit");
    assert_int_equal(git_repository_init(&f->repository, f->dir, 1), 0);
    assert_int_equal(git_repository_odb(&f->odb, f->repository), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char *command CLEANUP_FREE = memory_printf("rm -rf %s", f->dir);
    git_odb_free(f->odb);
    git_repository_free(f->repository);
    free(f);
    git_libgit2_shutdown();
    return system(command);
}

static git_oid write_object(struct fixture *f, git_object_t type, const char *text)
{
    git_oid oid;
    assert_int_equal(git_odb_write(&oid, f->odb, text, strlen(text), type), 0);
    return oid;
}

static void test_as_libgit2_reads_it(void **state)
{
    static const char *const messages[] = {
        "subject\n",
        "subject\n\nbody\n",
        "\n\ntwo\nlines \n\nbody",
        "",
        "one\n \t\nbody\n",
        "a  b\n  c\td\n",
        "no end",
        "\n",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        char *text CLEANUP_FREE = memory_printf(
            TREE PARENT PARENT "author  Jo \xc3\x84 <jo@example.org> 1 +0000\ncommitter " ADA
                               "\nencoding UTF-8\ngpgsig -----BEGIN\n author no\n -----END\n\n%s",
            messages[i]);
        git_oid oid = write_object(f, GIT_OBJECT_COMMIT, text);
        struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
        git_commit *theirs = NULL;
        assert_int_equal(odb_commit_read(f->repository, &oid, &commit), 0);
        assert_int_equal(git_commit_lookup(&theirs, f->repository, &oid), 0);
        char *subject CLEANUP_FREE = odb_commit_subject(&commit);
        char *author CLEANUP_FREE = odb_commit_author(&commit);
        char *committer CLEANUP_FREE = odb_commit_committer(&commit);
        assert_string_equal(subject, git_commit_summary(theirs));
        assert_string_equal(commit.message, git_commit_message(theirs));
        assert_string_equal(author, "Jo \xc3\x84 <jo@example.org>");
        assert_string_equal(committer, "Ada <ada@example.org>");
        assert_int_equal(commit.time_s, git_commit_time(theirs));
        assert_true(git_oid_equal(&commit.tree, git_commit_tree_id(theirs)));
        assert_int_equal(commit.parents_len, 2);
        git_oid parent = odb_commit_parent(&commit, 1);
        assert_true(git_oid_equal(&parent, git_commit_parent_id(theirs, 1)));
        git_commit_free(theirs);
    }
}

static void test_malformed(void **state)
{
    static const struct {
        const char *headers, *author;
        int64_t time_s;
    } cases[] = {
        {"author A\ncommitter " ADA "\n", "unknown <>", 1700000000},
        {"author A <a@x 1700000000 +0000\ncommitter A <a@x 1700000000 +0000\n", "unknown <>", 0},
        {"author A <a@x>\ncommitter B\n", "A <a@x>", 0},
        {"author <>\ncommitter <> 99999999999999999999 +0000\n", " <>", 0},
        {"author a@x> A <b\ncommitter C <c> -5 +0\n", "unknown <>", 0},
        {"author A <a<b>c> 5 +0000\ncommitter A <a<b>c> 5 +0000\n", "A <a<b>", 5},
        {"author Ada Jr. <a@x> 7\nauthor B <b> 8\ncommitter " ADA "\n", "Ada Jr. <a@x>", 1700000000},
        {"author A\xff <a@x> 7\ncommitter " ADA "\n", "A? <a@x>", 1700000000},
        {"", "unknown <>", 0},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text CLEANUP_FREE = memory_printf(TREE PARENT "%s\nsubject\n", cases[i].headers);
        git_oid oid = write_object(f, GIT_OBJECT_COMMIT, text);
        struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
        assert_int_equal(odb_commit_read(f->repository, &oid, &commit), 0);
        char *author CLEANUP_FREE = odb_commit_author(&commit);
        char *subject CLEANUP_FREE = odb_commit_subject(&commit);
        assert_string_equal(author, cases[i].author);
        assert_string_equal(subject, "subject");
        assert_int_equal(commit.time_s, cases[i].time_s);
        assert_int_equal(commit.parents_len, 1);
    }
}

/* Every way in which a commit can end too early. */
static void test_truncated(void **state)
{
    static const char whole[] = TREE PARENT "author " ADA "\ncommitter " ADA "\nencoding latin1\n\nsubject\n";
    struct fixture *f = *state;
    for (size_t len = 0; len < sizeof whole; len++) {
        char *text CLEANUP_FREE = memory_strndup(whole, len);
        git_oid oid = write_object(f, GIT_OBJECT_COMMIT, text);
        struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
        int status = odb_commit_read(f->repository, &oid, &commit);
        assert_int_equal(status == 0, len >= sizeof TREE - 1);
        if (status < 0)
            continue;
        free(odb_commit_author(&commit));
        free(odb_commit_subject(&commit));
    }
    git_oid blob = write_object(f, GIT_OBJECT_BLOB, whole);
    git_oid absent = {{1}};
    struct odb_commit commit;
    assert_int_equal(odb_commit_read(f->repository, &blob, &commit), GIT_ERROR);
    assert_int_equal(odb_commit_read(f->repository, &absent, &commit), GIT_ENOTFOUND);
}

static void test_encoding(void **state)
{
    static const struct {
        const char *encoding, *subject, *expected;
    } cases[] = {
        {"ISO-8859-1",
         "Gr\xfc\xdf"
         "e",
         "Gr\xc3\xbc\xc3\x9f"
         "e"},
        {"windows-1251", "\xcf\xf0", "\xd0\x9f\xd1\x80"},
        {"EUC-JP", "\xc6\xfc", "\xe6\x97\xa5"},
        {"EUC-JP", "\xc6-", "?-"},               /* half a character */
        {"no-such", "Gr\xfc", "Gr?"},            /* as without one */
        {"ISO-8859-1//IGNORE", "Gr\xfc", "Gr?"}, /* no name */
        {"../../tmp/x", "Gr\xfc", "Gr?"},
        {"", "Gr\xfc", "Gr?"},
        {"UTF-8", "\xc3\xa4", "\xc3\xa4"},
        {"0123456789012345678901234567890123456789", "\xc3\xa4", "\xc3\xa4"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text CLEANUP_FREE =
            memory_printf(TREE "author J\xf6 <a@x> 1 +0\ncommitter " ADA "\nencoding %s\n\n%s\n\nbody\n",
                          cases[i].encoding, cases[i].subject);
        git_oid oid = write_object(f, GIT_OBJECT_COMMIT, text);
        struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
        assert_int_equal(odb_commit_read(f->repository, &oid, &commit), 0);
        char *subject CLEANUP_FREE = odb_commit_subject(&commit);
        char *author CLEANUP_FREE = odb_commit_author(&commit);
        assert_string_equal(subject, cases[i].expected);
        if (i == 0)
            assert_string_equal(author, "J\xc3\xb6 <a@x>");
    }
}

static void test_peel_and_contains(void **state)
{
    struct fixture *f = *state;
    git_oid root = write_object(f, GIT_OBJECT_COMMIT, TREE "author A\n\nroot\n");
    char *text CLEANUP_FREE = memory_printf(TREE "parent %s\nauthor A\n\nchild\n", git_oid_tostr_s(&root));
    git_oid child = write_object(f, GIT_OBJECT_COMMIT, text);
    char *tag_text CLEANUP_FREE =
        memory_printf("object %s\ntype commit\ntag v1\ntagger nobody\n\n", git_oid_tostr_s(&child));
    git_oid tag = write_object(f, GIT_OBJECT_TAG, tag_text);
    git_oid blob = write_object(f, GIT_OBJECT_BLOB, "blob");
    git_oid peeled;
    assert_int_equal(odb_commit_peel(f->repository, &tag, &peeled), 0);
    assert_true(git_oid_equal(&peeled, &child));
    assert_int_equal(odb_commit_peel(f->repository, &blob, &peeled), GIT_ERROR);
    assert_true(odb_commit_contains(f->repository, &child, &root, 100));
    assert_true(odb_commit_contains(f->repository, &child, &child, 1));
    assert_false(odb_commit_contains(f->repository, &child, &root, 1));
    assert_false(odb_commit_contains(f->repository, &root, &child, 100));
    struct odb_commit_ids added = {0};
    struct odb_commit_ids bases = {.items = &root, .len = 1};
    assert_int_equal(odb_commit_added(f->repository, &child, &bases, 100, &added), 0);
    assert_int_equal(added.len, 1);
    assert_true(git_oid_equal(&added.items[0], &child));
    vector_deinit(&added);
    git_oid lost = write_object(f, GIT_OBJECT_COMMIT, TREE PARENT "author A\n\nits parent is not there\n");
    assert_int_equal(odb_commit_added(f->repository, &lost, &bases, 100, &added), GIT_ENOTFOUND);
}

#define HEAD(more) TREE PARENT "author " ADA "\ncommitter " ADA "\n" more "\nsubject\n"
#define SIGNED     "gpgsig -----BEGIN\n one\n \n -----END\n"

static const struct {
    const char *text;
    enum odb_signed_kind kind;
    const char *payload; /* NULL: the head without signature */
} signatures[] = {
    {HEAD(SIGNED), ODB_SIGNED, NULL},
    {HEAD("encoding x\n" SIGNED "mergetag object 1\n tree 2\n"), ODB_SIGNED,
     HEAD("encoding x\nmergetag object 1\n tree 2\n")},
    {HEAD("gpgsig-sha256 other\n one\n" SIGNED), ODB_SIGNED, NULL},
    {TREE "author " ADA "\ncommitter " ADA "\n" SIGNED, ODB_SIGNED,
     TREE "author " ADA "\ncommitter " ADA "\n"},
    {TREE "author odd\ncommitter odd\n" SIGNED "\n", ODB_SIGNED, TREE "author odd\ncommitter odd\n\n"},
    {HEAD(""), ODB_UNSIGNED, NULL},
    {HEAD("gpgsig\n"), ODB_UNSIGNED, NULL},
    {HEAD("gpgsig-sha256 other\n"), ODB_UNSIGNED, NULL},
    {HEAD("\n" SIGNED), ODB_UNSIGNED, NULL},
    {HEAD(SIGNED SIGNED), ODB_ODD, NULL},
    {HEAD(SIGNED PARENT), ODB_ODD, NULL},
    {HEAD(PARENT SIGNED), ODB_ODD, NULL},
    {HEAD(SIGNED TREE), ODB_ODD, NULL},
    {HEAD("author " ADA "\n" SIGNED), ODB_ODD, NULL},
    {HEAD(SIGNED "committer " ADA "\n"), ODB_ODD, NULL},
    {TREE SIGNED PARENT "author " ADA "\ncommitter " ADA "\n\n", ODB_ODD, NULL},
    {TREE "gpgsig" PARENT "author " ADA "\ncommitter " ADA "\n" SIGNED "\n", ODB_ODD, NULL},
    {TREE PARENT "author " ADA "\n" SIGNED "committer " ADA "\n\n", ODB_ODD, NULL},
    {TREE PARENT "committer " ADA "\nauthor " ADA "\n" SIGNED "\n", ODB_ODD, NULL},
    {TREE PARENT "author " ADA "\n" SIGNED "\n", ODB_ODD, NULL},
    {TREE SIGNED, ODB_ODD, NULL},
    {TREE, ODB_ODD, NULL},
};

static void test_signed(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(signatures); i++) {
        git_oid oid = write_object(f, GIT_OBJECT_COMMIT, signatures[i].text);
        struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
        struct odb_signed parts CLEANUP(odb_signed_deinit) = {0};
        assert_int_equal(odb_commit_read(f->repository, &oid, &commit), 0);
        assert_int_equal(odb_signed_read(&commit, &parts), signatures[i].kind);
        if (signatures[i].kind != ODB_SIGNED)
            continue;
        assert_string_equal(parts.payload, signatures[i].payload ? signatures[i].payload : HEAD(""));
        assert_string_equal(parts.signature, "-----BEGIN\none\n\n-----END\n");
    }
    static const char nul[] = HEAD(SIGNED) "and\0more";
    git_oid oid;
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    struct odb_signed parts CLEANUP(odb_signed_deinit) = {0};
    assert_int_equal(git_odb_write(&oid, f->odb, nul, sizeof nul - 1, GIT_OBJECT_COMMIT), 0);
    assert_int_equal(odb_commit_read(f->repository, &oid, &commit), 0);
    assert_int_equal(odb_signed_read(&commit, &parts), ODB_ODD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_libgit2_reads_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_encoding, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peel_and_contains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
