/* The owner that a state directory remembers. */
#include "base/memory.h"
#include "daemon/config.h"
#include "daemon/owner.h"
#include "daemon/runtime.h"
#include "source/source.h"
#include "unit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int setup(void **state)
{
    char dir[] = "/tmp/davit-owner-XXXXXX";
    assert_non_null(mkdtemp(dir));
    *state = memory_strdup(dir);
    return 0;
}

static int teardown(void **state)
{
    char *clean CLEANUP_FREE = memory_printf("rm -rf %s", (char *)*state);
    assert_int_equal(system(clean), 0);
    free(*state);
    return 0;
}

static void test_the_first_start_writes_it(void **state)
{
    struct error err = ERROR_INIT;
    struct stat stat_of = {0};
    char text[80] = "";
    char *path CLEANUP_FREE = memory_printf("%s/owner", (char *)*state);
    char *new CLEANUP_FREE = memory_printf("%s.new", path);
    assert_int_equal(owner_remember(*state, "shop", &err), 0);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "shop\n");
    assert_int_not_equal(access(new, F_OK), 0);
    assert_int_equal(owner_remember(*state, "shop", &err), 0);
}

static void test_another_is_refused(void **state)
{
    static const char *const told[] = {"as owner shop",   "/owner)",      "as owner blog",
                                       "\"owner: shop\"", "--owner shop", "remove the file"};
    struct error err = ERROR_INIT;
    char *path CLEANUP_FREE = memory_printf("%s/owner", (char *)*state);
    assert_int_equal(owner_remember(*state, "shop", &err), 0);
    assert_int_equal(owner_remember(*state, "blog", &err), ERROR_CONFLICT);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        assert_non_null(strstr(err.message, told[i]));
    assert_int_equal(owner_remember(*state, "shop", &err), 0); /* as before */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(owner_remember(*state, "blog", &err), 0);
}

static void test_an_empty_file_is_none(void **state)
{
    struct error err = ERROR_INIT;
    char *path CLEANUP_FREE = memory_printf("%s/owner", (char *)*state);
    assert_int_equal(owner_remember(*state, "shop", &err), 0);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(owner_remember(*state, "blog", &err), 0);
    assert_int_equal(owner_remember(*state, "shop", &err), ERROR_CONFLICT);
}

/* One that begins alike must not pass for it. */
static void test_a_long_name(void **state)
{
    struct error err = ERROR_INIT;
    char *name CLEANUP_FREE = memory_printf("%0200d", 1);
    char *longer CLEANUP_FREE = memory_printf("%s2", name);
    assert_int_equal(owner_remember(*state, name, &err), 0);
    assert_int_equal(owner_remember(*state, name, &err), 0);
    assert_int_equal(owner_remember(*state, longer, &err), ERROR_CONFLICT);
}

static void test_it_cannot_be_written(void **state)
{
    struct error err = ERROR_INIT;
    char *none CLEANUP_FREE = memory_printf("%s/none", (char *)*state);
    assert_int_equal(owner_remember(none, "shop", &err), ERROR_IO);
    assert_non_null(strstr(err.message, "owner"));
}

/* The daemon and apply go the same way. */
static int start(const char *dir, const char *owner, struct error *err)
{
    uv_loop_t loop;
    struct config config;
    struct runtime *runtime = NULL;
    config_init(&config);
    free(config.state_directory);
    config.state_directory = memory_printf("%s/state", dir);
    config_only_source(&config)->origin = memory_strdup(dir);
    config.owner = memory_strdup(owner);
    assert_int_equal(config_finish(&config, err), 0);
    uv_loop_init(&loop);
    int r = runtime_new(&(struct runtime_options){.loop = &loop, .config = &config}, &runtime, err);
    if (r == 0) {
        runtime_close(runtime);
        uv_run(&loop, UV_RUN_DEFAULT);
        runtime_free(runtime);
    }
    uv_loop_close(&loop);
    config_deinit(&config);
    return r;
}

static void test_a_start_is_refused(void **state)
{
    struct error err = ERROR_INIT;
    assert_int_equal(start(*state, "shop", &err), 0);
    assert_int_equal(start(*state, "blog", &err), ERROR_CONFLICT);
    assert_non_null(strstr(err.message, "--owner shop"));
    assert_int_equal(start(*state, "shop", &err), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_the_first_start_writes_it), CASE(test_another_is_refused),
        CASE(test_an_empty_file_is_none),     CASE(test_a_long_name),
        CASE(test_it_cannot_be_written),      CASE(test_a_start_is_refused),
    };
    struct error err = ERROR_INIT;
    if (sodium_init() < 0 || source_library_init(&err) < 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    uv_library_shutdown(); /* its threads end, and libgit2's errors of theirs */
    source_library_deinit();
    return failed;
}
