#include "registry/name.h"

#include "base/memory.h"
#include "unit.h"

#include <string.h>

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *image;
        const char *host;
        const char *address;
        const char *repository;
    } cases[] = {
        {"nginx", "docker.io", "registry-1.docker.io", "library/nginx"},
        {"nginx:1.27@sha256:0", "docker.io", "registry-1.docker.io", "library/nginx"},
        {"docker.io/nginx", "docker.io", "registry-1.docker.io", "library/nginx"},
        {"index.docker.io/a/b:1", "docker.io", "registry-1.docker.io", "a/b"},
        {"grafana/loki:3", "docker.io", "registry-1.docker.io", "grafana/loki"},
        {"ghcr.io/a/b/c:1", "ghcr.io", "ghcr.io", "a/b/c"},
        {"localhost/a", "localhost", "localhost", "a"},
        {"127.0.0.1:5000/a:1", "127.0.0.1:5000", "127.0.0.1:5000", "a"},
        {"[::1]:5000/a:1", "[::1]:5000", "[::1]:5000", "a"},
        {"r:5000/a__b-c.d", "r:5000", "r:5000", "a__b-c.d"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct registry_name name CLEANUP(registry_name_deinit) = {0};
        struct error err = ERROR_INIT;
        if (registry_name_parse(cases[i].image, &name, &err) < 0)
            fail_msg("%s", err.message);
        assert_string_equal(name.host, cases[i].host);
        assert_string_equal(name.address, cases[i].address);
        assert_string_equal(name.repository, cases[i].repository);
    }
}

/* None of them leads to another place than the image says. */
static void test_what_is_no_name(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        ":1",        "Nginx",      "a//b",      "/a",           "a/",     "r.example/", "r.e/../a",
        "r.e/./a", "r.e/a?b=c", "r.e/a#b",    "u:p:q/a",   "r:/a",         "[::1/a", "[]/a.b:1",   "r:80x/a",
        "r.e/a b", "r.e/a%2e",  "r.e:80?x/a", "r.e\r\n/a", "r.e/\xC3\xBC", "-a",     "r.e/_a"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct registry_name name = {0};
        struct error err = ERROR_INIT;
        if (registry_name_parse(bad[i], &name, &err) != ERROR_INVALID)
            fail_msg("\"%s\" is a name: %s %s", bad[i], name.host, name.repository);
    }
}

static void expect_length(const char *before, size_t chars, const char *after, int code)
{
    struct registry_name name CLEANUP(registry_name_deinit) = {0};
    struct error err = ERROR_INIT;
    char *many CLEANUP_FREE = memory_calloc(chars + 1, 1);
    memset(many, 'a', chars);
    char *image CLEANUP_FREE = memory_printf("%s%s%s", before, many, after);
    assert_int_equal(registry_name_parse(image, &name, &err), code);
}

static void test_lengths(void **state)
{
    (void)state;
    expect_length("r.e/", 255, "", 0);
    expect_length("r.e/", 256, "", ERROR_INVALID);
    expect_length("", 253, ".e/a", 0);
    expect_length("", 254, ".e/a", ERROR_INVALID);
}

static void test_tags_and_digests(void **state)
{
    (void)state;
    char tag[130];
    memset(tag, 'a', sizeof tag);
    tag[129] = '\0';
    assert_false(registry_is_tag(tag));
    tag[128] = '\0';
    assert_true(registry_is_tag(tag));
    assert_true(registry_is_tag("_1.27-RC_1"));
    static const char *const bad[] = {"", ".1", "-1", "a b", "a/b", "a:b", "a@b", "a$b", "a\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(registry_is_tag(bad[i]));
    assert_true(
        registry_is_digest("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
    assert_false(
        registry_is_digest("sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"));
    assert_true(registry_is_digest("sha512:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                                   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
    assert_false(
        registry_is_digest("sha512:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
    assert_false(registry_is_digest("sha256:0123"));
    assert_false(registry_is_digest("md5:0123456789abcdef0123456789abcdef"));
    assert_false(registry_is_digest(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_what_is_no_name),
                                       cmocka_unit_test(test_lengths),
                                       cmocka_unit_test(test_tags_and_digests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
