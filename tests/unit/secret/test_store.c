#include "secret/secret.h"

#include "base/limits.h"
#include "base/text.h"
#include "unit.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CANARY "c4n4ry"

struct fixture {
    char dir[64];
    struct secret_store *store;
};

static const char *environment(const char *name)
{
    return text_equal(name, "APP_DB_PASS_WORD") ? CANARY : NULL;
}

static int set_up(void **state)
{
    struct fixture *fixture = NEW(struct fixture);
    char *prefix = memory_strdup("APP_");
    struct string_vec prefixes = {&prefix, 1, 1};
    unit_make_dir(fixture->dir, sizeof fixture->dir, "secret");
    const struct secret_options options = {
        .directory = fixture->dir, .environment = &prefixes, .getenv = environment};
    fixture->store = secret_store_new(&options);
    free(prefix);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char *command CLEANUP_FREE = memory_printf("rm -rf %s", fixture->dir);
    secret_store_free(fixture->store);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void put(const struct fixture *fixture, const char *name, const char *text, unsigned mode)
{
    char *path CLEANUP_FREE = memory_printf("%s/%s", fixture->dir, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void check(const struct fixture *fixture, const char *from, const char *expected)
{
    char *value = NULL;
    struct error err = ERROR_INIT;
    int r = secret_read(fixture->store, from, &value, &err);
    if (r < 0)
        fail_msg("%s: %s", from, err.message);
    assert_string_equal(value, expected);
    free(value);
}

static void check_fails(const struct fixture *fixture, const char *from, int code, const char *words)
{
    char *value = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(secret_read(fixture->store, from, &value, &err), code);
    assert_null(value);
    if (!strstr(err.message, words))
        fail_msg("%s: %s", from, err.message);
    assert_null(strstr(err.message, CANARY));
}

static void test_files_variables_and_members(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "plain", CANARY "\n", 0600);
    put(fixture, "lines", "a\nb\n\n", 0640);
    put(fixture, "json", "{\"user\":\"u\",\"port\":5432}", 0400);
    check(fixture, "plain", CANARY);
    check(fixture, "lines", "a\nb\n");
    check(fixture, "json:user", "u");
    check(fixture, "json:port", "5432");
    check(fixture, "arn:aws:secretsmanager:r:1:secret:json-AbC123:user::", "u");
    check(fixture, "db/pass-word", CANARY);
    put(fixture, "plain", "another", 0600);
    check(fixture, "plain", "another"); /* read anew each time */
}

static void test_failures_name_the_place_and_never_the_value(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "text", CANARY, 0600);
    put(fixture, "json", "{\"" CANARY "\":1}", 0600);
    put(fixture, "open", CANARY, 0604);
    put(fixture, "writable", CANARY, 0602);
    check_fails(fixture, "none", ERROR_NOT_FOUND, fixture->dir);
    check_fails(fixture, "none", ERROR_NOT_FOUND, "APP_NONE");
    check_fails(fixture, "text:key", ERROR_INVALID, "no JSON object");
    check_fails(fixture, "json:key", ERROR_INVALID, "no member \"key\"");
    check_fails(fixture, "open", ERROR_DENIED, "everybody may read");
    check_fails(fixture, "writable", ERROR_DENIED, "everybody may change");
    check_fails(fixture, "../x", ERROR_INVALID, "names no secret");
    char *large CLEANUP_FREE = memory_calloc(LIMIT_SECRET_BYTES + 2, 1);
    memset(large, 'x', LIMIT_SECRET_BYTES + 1);
    put(fixture, "large", large, 0600);
    check_fails(fixture, "large", ERROR_LIMIT, "LIMIT_SECRET_BYTES");
}

static void test_without_a_place_there_are_none(void **state)
{
    (void)state;
    struct secret_store *store CLEANUP(secret_store_freep) = secret_store_new(&(struct secret_options){0});
    struct fixture fixture = {.store = store};
    check_fails(&fixture, "none", ERROR_NOT_FOUND,
                "names no place for secrets: set secrets.directory or secrets.environment");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_variables_and_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures_name_the_place_and_never_the_value, set_up, tear_down),
        cmocka_unit_test(test_without_a_place_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
