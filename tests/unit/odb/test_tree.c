/* Trees beside each other, held to what libgit2 reads of the same objects. */
#include "odb/tree.h"

#include "base/memory.h"
#include "unit.h"

#include <string.h>

#define ROUNDS 300
#define NAMES  12

struct fixture {
    char dir[128];
    git_repository *repository;
    git_odb *odb;
};

static int setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    git_libgit2_init();
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 0); /* entries name objects that are not there */
    unit_make_dir(f->dir, sizeof f->dir, "tree");
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

static void make_tree(struct fixture *f, git_oid *ret_oid)
{
    static const git_filemode_t modes[] = {GIT_FILEMODE_BLOB, GIT_FILEMODE_TREE, GIT_FILEMODE_LINK,
                                           GIT_FILEMODE_COMMIT};
    /* What stands between a file and a directory of one name in git's order. */
    static const char *const names[NAMES] = {"a",   "a-b",  "a.b", "a.json", "a.json-",  "a.json0",
                                             "a0b", ".git", "b",   "b b",    "\xc3\xa4", "z"};
    git_treebuilder *builder = NULL;
    assert_int_equal(git_treebuilder_new(&builder, f->repository, NULL), 0);
    for (size_t i = 0; i < NAMES; i++) {
        git_oid oid = {{(unsigned char)(1 + rand() % 2)}};
        if (rand() % 3 && strcmp(names[i], ".git") != 0)
            assert_int_equal(git_treebuilder_insert(NULL, builder, names[i], &oid, modes[rand() % 4]), 0);
    }
    assert_int_equal(git_treebuilder_write(ret_oid, builder), 0);
    git_treebuilder_free(builder);
}

/* The entry of that name if it is a directory, or if it is none. */
static const git_tree_entry *find(const git_tree *tree, const struct odb_tree_entry *like)
{
    const git_tree_entry *entry = git_tree_entry_byname(tree, like->name);
    bool is_tree = entry && git_tree_entry_type(entry) == GIT_OBJECT_TREE;
    return entry && is_tree == odb_tree_entry_is_tree(like) ? entry : NULL;
}

static void assert_entry(const struct odb_tree_entry *entry, const git_tree_entry *expected)
{
    assert_int_equal(entry != NULL, expected != NULL);
    if (!entry)
        return;
    assert_string_equal(entry->name, git_tree_entry_name(expected));
    assert_true(git_oid_equal(entry->oid, git_tree_entry_id(expected)));
    assert_int_equal(entry->mode, git_tree_entry_filemode_raw(expected));
}

static void compare_once(struct fixture *f)
{
    git_oid oids[2];
    git_tree *trees[2];
    git_odb_object *objects[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; i++) {
        make_tree(f, &oids[i]);
        assert_int_equal(git_tree_lookup(&trees[i], f->repository, &oids[i]), 0);
        assert_int_equal(odb_tree_read(f->odb, &oids[i], &objects[i]), 0);
    }
    size_t seen[2] = {0, 0};
    struct odb_tree_pair pair;
    odb_tree_pair_init(&pair, objects[0], objects[1]);
    while (odb_tree_pair_next(&pair)) {
        const struct odb_tree_entry *any = pair.old_entry ? pair.old_entry : pair.new_entry;
        assert_entry(pair.old_entry, find(trees[0], any));
        assert_entry(pair.new_entry, find(trees[1], any));
        bool same = pair.old_entry && pair.new_entry && pair.old_entry->mode == pair.new_entry->mode &&
                    git_oid_equal(pair.old_entry->oid, pair.new_entry->oid);
        assert_int_equal(pair.same, same);
        seen[0] += pair.old_entry != NULL;
        seen[1] += pair.new_entry != NULL;
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(seen[i], git_tree_entrycount(trees[i]));
        git_tree_free(trees[i]);
        git_odb_object_free(objects[i]);
    }
}

static void test_pairs_are_those_of_the_names(void **state)
{
    srand(1);
    for (int round = 0; round < unit_rounds(ROUNDS, 20); round++)
        compare_once(*state);
}

/* The number of entries of a tree made of these bytes, or the error. */
static int count(struct fixture *f, const char *bytes, size_t len)
{
    git_oid oid;
    git_odb_object *object = NULL;
    struct odb_tree_pair pair;
    int entries = 0;
    int status;
    assert_int_equal(git_odb_write(&oid, f->odb, bytes, len, GIT_OBJECT_TREE), 0);
    assert_int_equal(odb_tree_read(f->odb, &oid, &object), 0);
    odb_tree_pair_init(&pair, NULL, object);
    while ((status = odb_tree_pair_next(&pair)) > 0)
        entries++;
    git_odb_object_free(object);
    return status < 0 ? status : entries;
}

#define ID "12345678901234567890"

static void test_a_damaged_tree_is_an_error(void **state)
{
    static const char whole[] = "100644 a.json\0" ID "40000 b\0" ID;
    static const size_t first = sizeof "100644 a.json" + sizeof ID - 1;
    for (size_t len = 0; len < sizeof whole; len++)
        assert_int_equal(count(*state, whole, len), len == 0                  ? 0
                                                    : len == first            ? 1
                                                    : len == sizeof whole - 1 ? 2
                                                                              : GIT_ERROR);
    assert_int_equal(count(*state, "100644 \0" ID, 8 + 20), GIT_ERROR);
    assert_int_equal(count(*state, " a\0" ID, 3 + 20), GIT_ERROR);
    assert_int_equal(count(*state, "1006440 a\0" ID, 10 + 20), GIT_ERROR);
    assert_int_equal(count(*state, "100684 a\0" ID, 9 + 20), GIT_ERROR);
}

static void test_what_is_no_tree_is_an_error(void **state)
{
    struct fixture *f = *state;
    git_oid oid;
    git_odb_object *object = NULL;
    assert_int_equal(git_odb_write(&oid, f->odb, "", 0, GIT_OBJECT_BLOB), 0);
    assert_int_equal(odb_tree_read(f->odb, &oid, &object), GIT_ERROR);
    assert_null(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pairs_are_those_of_the_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_tree_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_tree_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
