#include "odb/guard.h"

#include "base/memory.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTENT "something that is long enough to be cut in half somewhere in the middle of it"

struct fixture {
    char dir[64];
    char *blob; /* its file */
    git_oid oid;
};

static int setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    git_repository *repository = NULL;
    git_libgit2_init();
    strcpy(f->dir, "/tmp/davit-odb-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(git_repository_init(&repository, f->dir, 1), 0);
    assert_int_equal(git_blob_create_from_buffer(&f->oid, repository, CONTENT, strlen(CONTENT)), 0);
    f->blob = odb_guard_loose_path(git_repository_path(repository), &f->oid);
    git_repository_free(repository);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char *command CLEANUP_FREE = memory_printf("rm -rf %s", f->dir);
    int status = system(command);
    free(f->blob);
    free(f);
    git_libgit2_shutdown();
    return status;
}

/* What a read with the guard returns. */
static int read_guarded(struct fixture *f)
{
    git_repository *repository = NULL;
    git_odb *odb = NULL;
    git_odb_object *object = NULL;
    assert_int_equal(git_repository_open_bare(&repository, f->dir), 0);
    assert_int_equal(git_repository_odb(&odb, repository), 0);
    assert_int_equal(odb_guard_add(odb, git_repository_path(repository)), 0);
    int status = git_odb_read(&object, odb, &f->oid);
    git_odb_object_free(object);
    git_odb_free(odb);
    git_repository_free(repository);
    return status;
}

static void test_a_whole_object_is_read(void **state)
{
    struct fixture *f = *state;
    assert_true(odb_guard_is_whole(f->blob));
    assert_int_equal(read_guarded(f), 0);
}

static void test_an_absent_object_is_not_found(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(unlink(f->blob), 0);
    assert_true(odb_guard_is_whole(f->blob));
    assert_int_equal(read_guarded(f), GIT_ENOTFOUND);
}

/* Without the guard libgit2 1.5 reads some of these for ever. */
static void test_an_object_cut_anywhere_is_an_error_that_names_it(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(stat(f->blob, &st), 0);
    assert_int_equal(chmod(f->blob, 0600), 0);
    for (off_t len = st.st_size - 1; len >= 0; len--) {
        assert_int_equal(truncate(f->blob, len), 0);
        assert_false(odb_guard_is_whole(f->blob));
        assert_int_equal(read_guarded(f), GIT_ERROR);
        assert_non_null(strstr(git_error_last()->message, f->blob));
    }
}

/* The guard is asked after the packs: libgit2 might order its backends otherwise one day. */
static void test_a_damaged_object_that_is_packed_too_is_read_from_the_pack(void **state)
{
    struct fixture *f = *state;
    char hex[GIT_OID_HEXSZ + 1];
    git_oid_tostr(hex, sizeof hex, &f->oid);
    char *pack CLEANUP_FREE =
        memory_printf("cd %s && echo %s | git pack-objects -q objects/pack/pack >/dev/null", f->dir, hex);
    assert_int_equal(system(pack), 0);
    assert_int_equal(chmod(f->blob, 0600), 0);
    assert_int_equal(truncate(f->blob, 5), 0);
    assert_false(odb_guard_is_whole(f->blob));
    assert_int_equal(read_guarded(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_whole_object_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_absent_object_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_object_cut_anywhere_is_an_error_that_names_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_object_that_is_packed_too_is_read_from_the_pack, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
