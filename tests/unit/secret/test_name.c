#include "secret/name.h"

#include "base/memory.h"
#include "unit.h"

#include <stdbool.h>

static const struct {
    const char *from;
    const char *name;
    const char *pruned;
    const char *key;
} names[] = {
    {"db", "db", NULL, NULL},
    {"db/password", "db/password", NULL, NULL},
    {"/app/prod/token", "app/prod/token", NULL, NULL},
    {"db:password", "db", NULL, "password"},
    {"my-secret", "my-secret", NULL, NULL}, /* no ARN: nothing is random */
    {"arn:aws:ssm:eu-central-1:123456789012:parameter/db/password", "db/password", NULL, NULL},
    {"arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:app/db-AbC123", "app/db-AbC123", "app/db",
     NULL},
    {"arn:aws:secretsmanager:r:1:secret:db-AbC123:password::", "db-AbC123", "db", "password"},
    {"arn:aws:secretsmanager:r:1:secret:db-AbC123::AWSCURRENT:", "db-AbC123", "db", NULL},
    {"arn:aws:secretsmanager:r:1:secret:db", "db", NULL, NULL},
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct secret_name name;
        assert_int_equal(secret_name_parse(names[i].from, &name, NULL), 0);
        assert_string_equal(name.name, names[i].name);
        assert_string_equal(name.pruned ? name.pruned : "-", names[i].pruned ? names[i].pruned : "-");
        assert_string_equal(name.key ? name.key : "-", names[i].key ? names[i].key : "-");
        secret_name_deinit(&name);
    }
}

static void test_what_is_no_name_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",     "/",      "..",   "../x", "a/../../etc/shadow",          "a//b",
        ".env", "a/.b/c", "a\nb", ":key", "arn:aws:s3:::bucket/app.env", "arn:aws:ssm:r:1:x/a",
        "a/"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct secret_name name;
        struct error err = ERROR_INIT;
        assert_int_equal(secret_name_parse(bad[i], &name, &err), ERROR_INVALID);
        assert_true(err.message[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_is_no_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
