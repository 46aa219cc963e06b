/* What a source hands out besides the manifests below its path. */
#include "source/roots.h"

#include "base/memory.h"
#include "fixture.h"
#include "source/scan.h"

#include <string.h>
#include <unistd.h>

#define NOBODY 65534

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *sub_path;
        const char *root;
        const char *path; /* NULL: out of the repository */
    } cases[] = {
        {NULL, "a", "a"},
        {"", "a/b/", "a/b"},
        {"deploy/prod", "../base/", "deploy/base"},
        {"/deploy//prod/", "../../x", "x"},
        {"./deploy", "a/../b", "deploy/b"},
        {"deploy", "../../x", NULL},
        {NULL, "..", NULL},
        {"a/b", "..", NULL},
        {"a/b", "../..", NULL},
        {"a/b", "x/..", NULL},
        {"a", ".", NULL},
        {"a", "", NULL},
        {"deploy", "../", ""},
        {NULL, "a/.git/config", NULL},
        {NULL, ".GIT/", NULL},
        {NULL, ".gitops/a", ".gitops/a"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *path CLEANUP_FREE = source_root_path(cases[i].sub_path, cases[i].root);
        assert_int_equal(path == NULL, cases[i].path == NULL);
        if (path)
            assert_string_equal(path, cases[i].path);
    }
    assert_int_equal(source_path_levels(NULL), 0);
    assert_int_equal(source_path_levels("a"), 1);
    assert_int_equal(source_path_levels("/a//b/./"), 2);
}

static void set_roots(struct fixture *fixture, const char *since, const char *first, const char *second)
{
    struct string_vec roots = {0};
    vector_push(&roots, (char *)first);
    if (second)
        vector_push(&roots, (char *)second);
    source_set_roots(fixture->source, &(struct source_question){&roots, 7, since});
    vector_deinit(&roots);
}

#define REPOSITORY                                                                                           \
    "git init -q -b main repo; cd repo; mkdir -p deploy conf/d base; printf one >deploy/web.yaml; "          \
    "printf a >conf/app.conf; printf bb >conf/d/b; ln -s b conf/d/link; printf base >base/base.yaml; "       \
    "printf 'version https://git-lfs.github.com/spec/v1\nx' >conf/d/large; printf no >base/other.txt; "      \
    "git add .; git commit -qm first"

static void start(struct fixture *fixture)
{
    fixture_sh(fixture, REPOSITORY);
    fixture->options.path = "deploy";
    fixture_start(fixture);
    fixture_await_head(fixture, "web.yaml=one;");
}

static void test_roots_grow(void **state)
{
    struct fixture *f = *state;
    start(f);
    char *first CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD");
    fixture_forget(f);
    set_roots(f, NULL, "../conf/app.conf", "../conf/none");
    fixture_await_head(f, "../conf/app.conf:1;web.yaml=one;");
    assert_true(fixture_last(f)->full);
    fixture_sh(f, "cd repo; printf aa >conf/app.conf; git commit -qam second");
    fixture_await_head(f, "../conf/app.conf:2;");
    assert_false(fixture_last(f)->full);
    fixture_forget(f);
    /* What came after the first commit once more: it was numbered without. */
    set_roots(f, first, "../conf/d", "../base/");
    fixture_await_head(f,
                       "../base/base.yaml=base;../conf/d/b:2;../conf/d/large!;../conf/d/link@;web.yaml=one;");
    assert_true(fixture_last(f)->full);
    assert_int_equal(f->seen.len, 2);
    assert_string_equal(f->seen.items[0].commit.oid, first);
    assert_int_equal(fixture_last(f)->generation, 7);
    fixture_sh(f, "cd repo; git rm -rq conf/d; git commit -qm third");
    fixture_await_head(f, "../conf/d/b-;../conf/d/large-;../conf/d/link-;");
}

/* A manifest alone may change, and its files are to be there when it is numbered. */
static void test_the_first_after_a_start_is_full(void **state)
{
    struct fixture *f = *state;
    struct string_vec roots = {0};
    fixture_sh(f, REPOSITORY);
    char *first CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse HEAD");
    fixture_sh(f,
               "cd repo; printf two >deploy/web.yaml; git commit -qam second; printf three >deploy/web.yaml; "
               "git commit -qam third");
    vector_push(&roots, (char *)"../conf/app.conf");
    f->options.path = "deploy";
    f->options.since = first;
    f->options.roots = &roots;
    fixture_start(f);
    vector_deinit(&roots);
    fixture_await_head(f, "../conf/app.conf:1;web.yaml=three;");
    assert_true(f->seen.items[0].full);
    assert_false(f->seen.items[0].head);
    assert_string_equal(f->seen.items[0].files, "../conf/app.conf:1;web.yaml=two;");
}

static void test_a_plain_directory_has_what_roots_name(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f,
               "mkdir -p repo/conf /%s/out; printf one >repo/web.yaml; printf a >repo/conf/a; printf b "
               ">repo/conf/b; "
               "ln -s ../web.yaml repo/conf/link; printf out >out/x; ln -s ../out repo/out",
               f->dir + 1);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    set_roots(f, NULL, "conf", "out/x");
    fixture_await_head(f, "conf/a:1;conf/b:1;conf/link@;web.yaml=one;");
    fixture_sh(f, "printf aa >repo/conf/a");
    fixture_await_head(f, "conf/a:2;");
    char *oid CLEANUP_FREE = fixture_ask(f, "git -C %s rev-parse refs/davit/source:conf/a", f->mirror);
    char *content CLEANUP_FREE = NULL;
    size_t len;
    struct error err = ERROR_INIT;
    assert_int_equal(source_read_blob(&(struct source_blob){f->mirror, oid, 10}, &content, &len, &err), 0);
    assert_int_equal(len, 2);
    assert_string_equal(content, "aa");
    char *none = NULL;
    assert_int_equal(source_read_blob(&(struct source_blob){f->mirror, oid, 1}, &none, &len, &err),
                     ERROR_LIMIT);
    oid[0] = oid[0] == '0' ? '1' : '0';
    assert_int_equal(source_read_blob(&(struct source_blob){f->mirror, oid, 10}, &none, &len, &err),
                     ERROR_NOT_FOUND);
}

/* The next change may name it no more: it has to come. */
static void test_a_plain_directory_goes_on_whatever_roots_name(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "mkdir -p repo/x/.git; printf one >repo/web.yaml; printf c >repo/x/.git/config");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    set_roots(f, NULL, "x/.git/config", NULL);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, "printf two >repo/web.yaml");
    fixture_await_head(f, "web.yaml=two;");
    for (size_t i = 0; i < f->errors.len; i++)
        assert_string_equal(f->errors.items[i], "");
}

/* The scan of one place, by somebody who is not root and may not enter what the directory of the test is in.
 */
static void assert_scan(const struct fixture *f, char *place, const char *found, enum source_file_kind kind)
{
    const struct string_vec extra = {&place, 1, 1};
    const struct scan_options options = {.root = "repo", .extra = &extra};
    struct scan scan CLEANUP(source_scan_deinit) = {0};
    bool is_root = geteuid() == 0;
    char back[4096];
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(chdir(f->dir), 0);
    assert_true(!is_root || seteuid(NOBODY) == 0);
    int rc = source_scan(&options, &scan, NULL);
    assert_true(!is_root || seteuid(0) == 0);
    assert_int_equal(chdir(back), 0);
    assert_int_equal(rc, 0);
    assert_int_equal(scan.files.len, found ? 2 : 1);
    assert_string_equal(scan.files.items[scan.files.len - 1].path, "web.yaml");
    if (!found)
        return;
    assert_string_equal(scan.files.items[0].path, found);
    assert_int_equal(scan.files.items[0].kind, kind);
}

static void test_what_may_not_be_read_is_no_hindrance(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "chmod 755 .; mkdir -p repo/conf; printf one >repo/web.yaml; cd repo; "
                  "printf a >conf/a; printf b >conf/b; chmod 0 conf/b");
    assert_scan(f, (char *)"conf/a", "conf/a", SOURCE_FILE);
    assert_scan(f, (char *)"conf/b", NULL, SOURCE_FILE);
    assert_scan(f, (char *)"conf", "conf", SOURCE_TOO_LARGE); /* none of it: not as if b were not there */
}

#define GROW "for i in $(seq 256); do printf x >conf/many/$i; done"

static void commit(struct fixture *f, const char *script)
{
    fixture_sh(f, "cd repo; %s; git add -A .; git commit -qm change", script);
}

static void test_a_directory_that_is_too_large(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f,
               "git init -q -b main repo; cd repo; mkdir -p deploy conf/many; printf one >deploy/web.yaml; "
               "printf a >conf/a; printf b >conf/many/b; git add .; git commit -qm first");
    f->options.path = "deploy";
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_forget(f);
    set_roots(f, NULL, "../conf", "../conf/many/b");
    fixture_await_head(f, "../conf/a:1;../conf/many/b:1;../conf/many/b:1;web.yaml=one;");
    commit(f, GROW);
    fixture_await_head(f, "../conf is too large;../conf/many/b:1;web.yaml=one;");
    assert_true(fixture_last(f)->full);
    commit(f, "printf two >deploy/other.yaml; printf y >conf/y");
    fixture_await_head(f, "other.yaml=two;");
    assert_false(fixture_last(f)->full);
    fixture_sh(f, "cd repo; git revert --no-edit HEAD HEAD~1");
    fixture_await_head(f, "../conf/a:1;../conf/many/b:1;../conf/many/b:1;web.yaml=one;");
    assert_int_equal(f->errors.len, 0);
}

/* The mode alone is a change. */
static void test_executables(void **state)
{
    struct fixture *f = *state;
    start(f);
    set_roots(f, NULL, "../conf/app.conf", "../conf/d/b");
    fixture_await_head(f, "../conf/app.conf:1;../conf/d/b:2;web.yaml=one;");
    fixture_sh(f, "cd repo; chmod +x conf/app.conf; git commit -qam second");
    fixture_await_head(f, "../conf/app.conf:1*;");
    fixture_sh(f, "cd repo; git revert --no-edit HEAD");
    fixture_await_head(f, "../conf/app.conf:1;");
}

static void test_executables_of_a_plain_directory(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "mkdir -p repo/conf; cd repo; printf one >web.yaml; printf a >conf/a");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    set_roots(f, NULL, "conf/a", NULL);
    fixture_await_head(f, "conf/a:1;web.yaml=one;");
    fixture_sh(f, "chmod +x repo/conf/a");
    fixture_await_head(f, "conf/a:1*;");
}

static void test_a_plain_directory_that_is_too_large(void **state)
{
    struct fixture *f = *state;
    fixture_sh(
        f, "mkdir -p repo/conf/many; cd repo; printf one >web.yaml; printf a >conf/a; printf b >conf/many/b");
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    set_roots(f, NULL, "conf", "conf/many/b");
    fixture_await_head(f, "conf/a:1;conf/many/b:1;conf/many/b:1;web.yaml=one;");
    fixture_sh(f, "cd repo; " GROW);
    fixture_await_head(f, "conf is too large;conf/many/b:1;web.yaml=one;");
    fixture_sh(f, "cd repo; rm conf/many/[0-9]*");
    fixture_await_head(f, "conf/a:1;conf/many/b:1;conf/many/b:1;web.yaml=one;");
    for (size_t i = 0; i < f->errors.len; i++)
        assert_string_equal(f->errors.items[i], "");
}

/* Without a daemon, at a commit and as the files are. */
static void test_a_directory_that_is_too_deep(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(
        f, "cd repo; mkdir deploy; mv web.yaml deploy; d=conf/$(printf 'd/%%.0s' $(seq 65)); mkdir -p $d; "
           "printf x >$d/x; git add -A .; git commit -qm second");
    static const char *const names[] = {"../conf", "../conf/"};
    for (int i = 0; i < 4; i++) {
        char *root = (char *)names[i / 2];
        const struct string_vec roots = {&root, 1, 1};
        struct source_update update CLEANUP(source_update_deinit) = {0};
        const struct source_tree_query query = {f->origin, i % 2 ? "HEAD" : NULL, "deploy", &roots};
        assert_int_equal(source_read_tree(&query, &update, NULL), 0);
        assert_int_equal(update.files.len, 2);
        assert_string_equal(update.files.items[0].path, root);
        assert_int_equal(update.files.items[0].kind, SOURCE_TOO_LARGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test_setup_teardown(test_roots_grow, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_the_first_after_a_start_is_full, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_directory_that_is_too_large, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_executables, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_executables_of_a_plain_directory, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_directory_that_is_too_deep, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_plain_directory_that_is_too_large, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_plain_directory_goes_on_whatever_roots_name, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_may_not_be_read_is_no_hindrance, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_plain_directory_has_what_roots_name, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
