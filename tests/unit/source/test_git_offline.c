#include "fixture.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static void assert_files(const struct source_update *update, const char *expected)
{
    char *text CLEANUP_FREE = memory_strdup("");
    for (size_t i = 0; i < update->files.len; i++) {
        const struct source_file *file = &update->files.items[i];
        char *longer = memory_printf("%s%s=%s;", text, file->path, file->content ? file->content : "?");
        free(text);
        text = longer;
    }
    assert_string_equal(text, expected);
}

static void test_reads_revisions(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(
        f, "cd repo; git tag -am tag v1; mkdir sub; printf 2 >sub/b.yaml; git add .; git commit -qm second");
    struct source_update update = {0};
    assert_int_equal(
        source_read_tree(&(struct source_tree_query){f->origin, "HEAD", NULL, NULL}, &update, NULL), 0);
    assert_files(&update, "sub/b.yaml=2;web.yaml=one;");
    assert_true(update.head && update.full && !update.rewritten);
    assert_string_equal(update.commit.subject, "second");
    source_update_deinit(&update);
    static const char *const first[] = {"HEAD~1", "v1"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            source_read_tree(&(struct source_tree_query){f->origin, first[i], NULL, NULL}, &update, NULL), 0);
        assert_files(&update, "web.yaml=one;");
        source_update_deinit(&update);
    }
    char *below CLEANUP_FREE = memory_printf("%s/sub", f->origin);
    assert_int_equal(source_read_tree(&(struct source_tree_query){below, "main", NULL, NULL}, &update, NULL),
                     0);
    assert_files(&update, "b.yaml=2;");
    source_update_deinit(&update);
    assert_int_equal(
        source_read_tree(&(struct source_tree_query){f->origin, "main", "sub", NULL}, &update, NULL), 0);
    assert_files(&update, "b.yaml=2;");
    source_update_deinit(&update);
}

/* Only the repository's own directory stands for its root. */
static void test_a_directory_whose_name_begins_as_gits(void **state)
{
    struct fixture *f = *state;
    static const char *const revisions[] = {"HEAD", NULL};
    fixture_repository(f);
    fixture_sh(f, "cd repo; mkdir -p .gitops conf; printf 2 >.gitops/b.yaml; printf c >conf/c; git add .; "
                  "git commit -qm second");
    char *below CLEANUP_FREE = memory_printf("%s/.gitops", f->origin);
    char *git_dir CLEANUP_FREE = memory_printf("%s/.git", f->origin);
    char *root = (char *)"../conf/c";
    const struct string_vec roots = {&root, 1, 1};
    for (size_t i = 0; i < ARRAY_LEN(revisions); i++) {
        struct source_update update CLEANUP(source_update_deinit) = {0};
        const struct source_tree_query query = {below, revisions[i], NULL, &roots};
        assert_int_equal(source_read_tree(&query, &update, NULL), 0);
        assert_files(&update, "../conf/c=?;b.yaml=2;");
    }
    struct source_update update CLEANUP(source_update_deinit) = {0};
    const struct source_tree_query query = {git_dir, "HEAD", NULL, NULL};
    assert_int_equal(source_read_tree(&query, &update, NULL), 0);
    assert_files(&update, "web.yaml=one;");
}

static void test_a_part_of_a_repository_is_told_from_a_directory(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *origin;
        const char *path; /* NULL: it is none */
    } cases[] = {
        {"repo/a/b", "a/b"},  {"repo/a", "a"},    {"link", "a"},           {"repo", NULL},
        {"repo/.git", NULL},  {"bare.git", NULL}, {"plain", NULL},         {"repo/fresh", NULL},
        {"repo/a/own", NULL}, {"nowhere", NULL},  {"repo/web.yaml", NULL},
    };
    fixture_repository(f);
    fixture_sh(f, "git clone -q --bare repo bare.git; mkdir -p plain repo/a/b repo/fresh repo/a/own; ln -s "
                  "repo/a link; "
                  "cd repo; printf 2 >a/b/b.yaml; git add .; git commit -qm second; git init -q a/own");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *origin CLEANUP_FREE = memory_printf("%s/%s", f->dir, cases[i].origin);
        char *top CLEANUP_FREE = NULL;
        char *path CLEANUP_FREE = NULL;
        if (source_is_part_of_repository(origin, &top, &path) != (cases[i].path != NULL) ||
            !text_equal(path, cases[i].path) || (top && !text_equal(top, f->origin)))
            fail_msg("%s: %s in %s", cases[i].origin, path, top);
    }
    assert_false(source_is_part_of_repository("https://git.example/infra.git", NULL, NULL));
}

static void test_reads_the_working_directory_with_gits_ids(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(
        f, "cd repo; printf two >web.yaml; printf 3 >new.json; git init -q nested; printf 4 >nested/a.yaml");
    char *oid CLEANUP_FREE = fixture_ask(f, "git -C repo hash-object web.yaml");
    struct source_update update = {0};
    assert_int_equal(
        source_read_tree(&(struct source_tree_query){f->origin, NULL, NULL, NULL}, &update, NULL), 0);
    assert_files(&update, "new.json=3;web.yaml=two;");
    assert_string_equal(update.files.items[1].oid, oid);
    assert_string_equal(update.commit.subject, "working directory");
    assert_false(update.no_repository);
    source_update_deinit(&update);
    fixture_sh(f, "mkdir plain; printf 1 >plain/a.yaml");
    char *plain CLEANUP_FREE = memory_printf("%s/../plain", f->origin);
    assert_int_equal(source_read_tree(&(struct source_tree_query){plain, NULL, NULL, NULL}, &update, NULL),
                     0);
    assert_files(&update, "a.yaml=1;");
    source_update_deinit(&update);
    fixture_sh(f, "cd plain; printf A=1 >a.env; printf c >a.conf");
    struct string_vec roots = {(char *[]){(char[]){"a.conf"}, (char[]){"a.env"}}, 2, 2};
    assert_int_equal(source_read_tree(&(struct source_tree_query){plain, NULL, NULL, &roots}, &update, NULL),
                     0);
    assert_files(&update, "a.conf=?;a.env=A=1;a.yaml=1;");
    assert_true(update.no_repository);
    source_update_deinit(&update);
}

static void test_says_what_is_missing(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    struct source_update update = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(
        source_read_tree(&(struct source_tree_query){f->origin, "nope", NULL, NULL}, &update, &err),
        ERROR_NOT_FOUND);
    assert_string_equal(err.message, "there is no revision \"nope\"");
    assert_int_equal(
        source_read_tree(&(struct source_tree_query){f->origin, "HEAD", "sub", NULL}, &update, &err),
        ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "has no directory \"sub\""));
    assert_int_equal(
        source_read_tree(&(struct source_tree_query){f->origin, NULL, "sub", NULL}, &update, &err),
        ERROR_NOT_FOUND);
    assert_int_equal(
        source_read_tree(&(struct source_tree_query){"/proc", "HEAD", NULL, NULL}, &update, &err),
        ERROR_NOT_FOUND);
    assert_int_equal(
        source_read_tree(&(struct source_tree_query){"/nonexistent", NULL, NULL, NULL}, &update, &err),
        ERROR_NOT_FOUND);
}

static void assert_refused(struct fixture *f, const char *directory, const char *revision, const char *why)
{
    struct source_update update = {0};
    struct error err = ERROR_INIT;
    char *path CLEANUP_FREE = memory_printf("%s/%s", f->dir, directory);
    assert_true(source_read_tree(&(struct source_tree_query){path, revision, NULL, NULL}, &update, &err) < 0);
    if (!strstr(err.message, why))
        fail_msg("\"%s\" does not say \"%s\"", err.message, why);
}

static void test_says_what_a_clone_lacks(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "git -C repo config uploadpack.allowFilter true; printf 2 >repo/web.yaml; "
                  "git -C repo commit -qam 2; git clone -q --depth 1 file://$PWD/repo shallow; "
                  "git clone -q --no-checkout --filter=blob:none file://$PWD/repo partial; "
                  "git init -q --object-format=sha256 sha256");
    assert_refused(f, "shallow", "HEAD~1",
                   "there is no revision \"HEAD~1\": the clone is shallow; git fetch "
                   "--unshallow");
    assert_refused(f, "shallow", "HEAD~1", "fetch-depth: 0");
    assert_refused(f, "partial", "HEAD", "cannot read web.yaml");
    assert_refused(f, "partial", "HEAD", "git fetch --refetch --no-filter");
    assert_refused(f, "sha256", "HEAD", "has SHA-256 ids");
    fixture_sh(f, "git -C shallow fetch -q --unshallow; git -C partial fetch -q --refetch --no-filter");
    struct source_update update = {0};
    char *path CLEANUP_FREE = memory_printf("%s/shallow", f->dir);
    assert_int_equal(source_read_tree(&(struct source_tree_query){path, "HEAD~1", NULL, NULL}, &update, NULL),
                     0);
    source_update_deinit(&update);
    char *partial CLEANUP_FREE = memory_printf("%s/partial", f->dir);
    assert_int_equal(
        source_read_tree(&(struct source_tree_query){partial, "HEAD", NULL, NULL}, &update, NULL), 0);
    source_update_deinit(&update);
}

/* libgit2 finds none of these. */
static void test_revisions_over_a_malformed_commit(void **state)
{
    static const char *const good[] = {"main", "HEAD", "v1", "main~0", "v1^0", "top^2^"};
    static const char *const absent[] = {"main~2", "HEAD^2", "nope", "nope~1"};
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "cd repo; printf 'tree %%s\\nparent %%s\\nauthor A\\ncommitter B\\n\\nodd\\n' "
                  "$(git write-tree) $(git rev-parse HEAD) >../odd; "
                  "odd=$(git hash-object -t commit --literally -w ../odd); git reset -q $odd; "
                  "git update-ref refs/tags/v1 $odd; git switch -qc side HEAD~1; printf s >s.txt; git add .; "
                  "git commit -qm s; git merge -q main; git tag top; git switch -q main");
    char *oid CLEANUP_FREE = fixture_ask(f, "git -C repo rev-parse main");
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct source_update update = {0};
        struct error err = ERROR_INIT;
        struct source_tree_query query = {f->origin, good[i], NULL, NULL};
        if (source_read_tree(&query, &update, &err) < 0)
            fail_msg("%s: %s", good[i], err.message);
        if (!strchr(good[i], '2'))
            assert_string_equal(update.commit.oid, oid);
        else
            assert_string_equal(update.commit.subject, "first");
        source_update_deinit(&update);
    }
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        assert_refused(f, "repo", absent[i], "there is no revision");
    char *shortened CLEANUP_FREE = memory_strndup(oid, 10);
    struct source_update update = {0};
    assert_int_equal(
        source_read_tree(&(struct source_tree_query){f->origin, shortened, NULL, NULL}, &update, NULL), 0);
    source_update_deinit(&update);
}

/* Also of lines that have nothing in common but the repository. */
static void test_reads_what_differs(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(
        f,
        "cd repo; printf b >b.yaml; printf c >c.conf; git add .; git commit -qm second; git rm -q web.yaml; "
        "printf d >b.yaml; printf e >c.conf; git add .; git commit -qm third; git checkout -q --orphan "
        "other; "
        "printf z >z.yaml; git add .; git commit -qm apart");
    struct source_update update = {0};
    struct string_vec roots = {(char *[]){(char[]){"c.conf"}}, 1, 1};
    struct source_tree_query query = {f->origin, "main", NULL, &roots};
    assert_int_equal(source_read_difference(&query, "main~1", &update, NULL), 0);
    assert_files(&update, "b.yaml=d;c.conf=?;web.yaml=?;");
    assert_int_equal(update.files.items[2].kind, SOURCE_DELETED);
    assert_true(update.head && !update.full);
    assert_string_equal(update.commit.subject, "third");
    source_update_deinit(&update);
    query.revision = "main~2";
    assert_int_equal(source_read_difference(&query, "main", &update, NULL), 0);
    assert_files(&update, "b.yaml=?;c.conf=?;web.yaml=one;");
    assert_int_equal(update.files.items[1].kind, SOURCE_DELETED);
    source_update_deinit(&update);
    query.revision = "other";
    query.roots = NULL;
    assert_int_equal(source_read_difference(&query, "main", &update, NULL), 0);
    assert_files(&update, "z.yaml=z;");
    source_update_deinit(&update);
    assert_int_equal(source_read_difference(&query, "nope", &update, NULL), ERROR_NOT_FOUND);
}

/* In git's order a directory stands elsewhere than a file of its name. */
static void test_a_name_changes_between_file_and_directory(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f,
               "cd repo; printf a >a.yaml; printf m >a.yaml-b.yaml; mkdir z.yaml; printf z >z.yaml/z.json; "
               "git add .; git commit -qm before; git rm -qr a.yaml z.yaml; mkdir a.yaml; "
               "printf b >a.yaml/b.json; printf y >z.yaml; git add .; git commit -qm after");
    struct source_update update = {0};
    struct source_tree_query query = {f->origin, "main", NULL, NULL};
    assert_int_equal(source_read_difference(&query, "main~1", &update, NULL), 0);
    assert_files(&update, "a.yaml=?;a.yaml/b.json=b;z.yaml=y;z.yaml/z.json=?;");
    assert_int_equal(update.files.items[0].kind, SOURCE_DELETED);
    assert_int_equal(update.files.items[3].kind, SOURCE_DELETED);
    source_update_deinit(&update);
    query.revision = "main~1";
    assert_int_equal(source_read_difference(&query, "main", &update, NULL), 0);
    assert_files(&update, "a.yaml=a;a.yaml/b.json=?;z.yaml=?;z.yaml/z.json=z;");
    source_update_deinit(&update);
}

#define EDITED  40 /* commits with random edits, named c0 and on */
#define VERSION 4  /* of a file; 0: it is not there */

/* Sorted by path. Of those that begin with "a.yaml" either the file is there or what is in its directory. */
static const char *const paths[] = {"a.yaml",        "a.yaml-b.json",   "a.yaml/x.json", "a.yaml/y/z.yml",
                                    "a.yaml0.yml",   "b.d.yaml",        "b/.hidden.yml", "b/c.json",
                                    "b/c.json0.yml", "b/c.json1/d.yml", "b/notes.txt",   "b0.yml"};
struct version {
    int of[ARRAY_LEN(paths)];
};

static void edit(struct version *version)
{
    for (int n = rand() % 4; n >= 0; n--)
        version->of[rand() % (int)ARRAY_LEN(paths)] = rand() % VERSION;
    version->of[11] = 1; /* git has no empty directories, but here it is no error */
    if (rand() % 2)
        version->of[0] = 0;
    else if (version->of[0])
        version->of[2] = version->of[3] = 0;
    if (version->of[2] || version->of[3])
        version->of[0] = 0;
}

static void make_edited(struct fixture *f, struct version versions[static EDITED])
{
    char *command CLEANUP_FREE =
        memory_printf("git init -q --bare -b c0 %s/repo; git -C %s/repo fast-import --quiet", f->dir, f->dir);
    FILE *git = popen(command, "w");
    assert_non_null(git);
    for (int commit = 0; commit < EDITED; commit++) {
        versions[commit] = commit ? versions[commit - 1] : (struct version){0};
        edit(&versions[commit]);
        fprintf(git, "commit refs/heads/c%d\ncommitter A <a@example.org> %d +0000\ndata 1\nx\n", commit,
                commit + 1);
        for (size_t i = 0; i < ARRAY_LEN(paths); i++)
            if (versions[commit].of[i])
                fprintf(git, "M 644 inline %s\ndata 1\n%d\n", paths[i], versions[commit].of[i]);
    }
    assert_int_equal(pclose(git), 0);
}

static int version_of(const struct version *version, size_t path)
{
    return strstr(paths[path], "hidden") || strstr(paths[path], "notes") ? 0 : version->of[path];
}

static size_t path_of(const struct source_file *file)
{
    size_t i = 0;
    while (strcmp(paths[i], file->path) != 0)
        assert_in_range(++i, 0, ARRAY_LEN(paths) - 1);
    return i;
}

/* What is told is what is another, and nothing else. */
static void expect_difference(struct fixture *f, const struct version versions[static EDITED], int from,
                              int to)
{
    char before[8];
    char after[8];
    snprintf(before, sizeof before, "c%d", from);
    snprintf(after, sizeof after, "c%d", to);
    const struct source_tree_query query = {f->origin, after, NULL, NULL};
    struct source_update update = {0};
    struct version now = versions[from];
    assert_int_equal(source_read_difference(&query, before, &update, NULL), 0);
    for (size_t i = 0; i < update.files.len; i++) {
        const struct source_file *file = &update.files.items[i];
        size_t path = path_of(file);
        int version = file->kind == SOURCE_DELETED ? 0 : file->content[0] - '0';
        assert_int_not_equal(version, now.of[path]);
        now.of[path] = version;
    }
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_int_equal(version_of(&now, i), version_of(&versions[to], i));
    source_update_deinit(&update);
}

static void test_what_differs_is_so_over_random_edits(void **state)
{
    struct fixture *f = *state;
    struct version versions[EDITED];
    fixture_repository(f);
    fixture_sh(f, "rm -rf repo");
    srand(1);
    make_edited(f, versions);
    for (int to = 1; to < unit_rounds(EDITED, 4); to++) {
        expect_difference(f, versions, to - 1, to);
        expect_difference(f, versions, rand() % EDITED, to);
    }
}

struct told {
    int count;
    int stop_at;
    char subjects[64];
};

static int tell(void *data, const struct source_update *update)
{
    struct told *told = data;
    assert_int_equal(update->full, told->count == 0);
    strcat(told->subjects, update->commit.subject);
    strcat(told->subjects, update->head ? "!" : " ");
    return ++told->count == told->stop_at ? ERROR_CANCELED : 0;
}

static void test_walks_history(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "cd repo; for i in 2 3 4; do printf $i >web.yaml; git commit -qam c$i; done");
    struct told told = {0};
    struct source_history_query query = {.repository_path = f->origin, .on_update = tell, .data = &told};
    assert_int_equal(source_history(&query, NULL), 0);
    assert_string_equal(told.subjects, "first c2 c3 c4!");
    told = (struct told){.stop_at = 2};
    query.revision = "HEAD~1";
    assert_int_equal(source_history(&query, NULL), ERROR_CANCELED);
    assert_string_equal(told.subjects, "first c2 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads_revisions, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_part_of_a_repository_is_told_from_a_directory, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_directory_whose_name_begins_as_gits, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_reads_the_working_directory_with_gits_ids, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_says_what_is_missing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_says_what_a_clone_lacks, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_revisions_over_a_malformed_commit, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_reads_what_differs, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_name_changes_between_file_and_directory, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_differs_is_so_over_random_edits, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_walks_history, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
