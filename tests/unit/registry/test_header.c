#include "registry/header.h"

#include "base/memory.h"
#include "base/text.h"
#include "unit.h"

#include <string.h>

static void test_challenges(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum registry_scheme scheme;
        const char *realm;
        const char *service;
    } cases[] = {
        {"Bearer "
         "realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:a/"
         "b:pull\"",
         REGISTRY_BEARER, "https://auth.docker.io/token", "registry.docker.io"},
        {"bearer service=s , realm = \"https://r\"", REGISTRY_BEARER, "https://r", "s"},
        {"Bearer realm=\"https://r?a=\\\"b\\\"\"", REGISTRY_BEARER, "https://r?a=\"b\"", NULL},
        {"Bearer realm=\"https://r\", error=\"invalid_token\", Basic realm=\"x\"", REGISTRY_BEARER,
         "https://r", NULL},
        {"Bearer realm=\"one\",realm=\"two\"", REGISTRY_BEARER, "one", NULL},
        {"Basic realm=\"Registry Realm\"", REGISTRY_BASIC, "Registry Realm", NULL},
        {"BASIC", REGISTRY_BASIC, NULL, NULL},
        {"Basic realm=\"\"", REGISTRY_BASIC, "", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct registry_challenge challenge CLEANUP(registry_challenge_deinit) = {0};
        if (!registry_challenge_parse(cases[i].header, &challenge))
            fail_msg("%s", cases[i].header);
        assert_int_equal(challenge.scheme, cases[i].scheme);
        if (!text_equal(challenge.realm, cases[i].realm) || !text_equal(challenge.service, cases[i].service))
            fail_msg("%s: %s, %s", cases[i].header, challenge.realm, challenge.service);
    }
    static const char *const bad[] = {"",
                                      " , ",
                                      "Digest realm=\"x\"",
                                      "Bearer",
                                      "Bearer realm",
                                      "Bearer realm=\"https://r",
                                      "Bearer service=\"s\"",
                                      "Bearer =x",
                                      "Negotiate abc",
                                      "Bearer\trealm==\"\"\""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct registry_challenge challenge CLEANUP(registry_challenge_deinit) = {0};
        if (registry_challenge_parse(bad[i], &challenge) && challenge.scheme == REGISTRY_OTHER)
            fail_msg("\"%s\"", bad[i]);
        if (i < 9 && challenge.scheme != REGISTRY_OTHER)
            fail_msg("\"%s\" is a challenge", bad[i]);
    }
}

static void test_links(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        const char *next;
    } cases[] = {
        {"</v2/a/tags/list?last=b&n=2>; rel=\"next\"", "/v2/a/tags/list?last=b&n=2"},
        {"</a>;rel=next", "/a"},
        {"</p>; rel=\"prev\", </n>; title=\"x, y\"; rel=\"next\"", "/n"},
        {"</p>; rel=prev", NULL},
        {"</p", NULL},
        {"<>; rel=next", ""},
        {"", NULL},
        {"next", NULL},
        {"</a>; rel=\"next", NULL},
        {"</a>", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *next CLEANUP_FREE = registry_link_next(cases[i].header);
        if (!text_equal(next, cases[i].next))
            fail_msg("%s: %s", cases[i].header, next ? next : "none");
    }
}

static void test_references(void **state)
{
    (void)state;
    static const struct {
        const char *reference;
        const char *base;
        const char *path;
    } cases[] = {
        {"/v2/a?b=c#d", "https://r", "/v2/a?b=c"},
        {"https://Other:5/x/y", "https://Other:5", "/x/y"},
        {"HTTP://other", "http://other", "/"},
        {"https://other?x", "https://other", "/?x"},
        {"//other/x", NULL, NULL},
        {"x", NULL, NULL},
        {"", NULL, NULL},
        {"ftp://x/", NULL, NULL},
        {"file:///etc/passwd", NULL, NULL},
        {"https://user:password@x/", NULL, NULL},
        {"https:///x", NULL, NULL},
        {"/a b", NULL, NULL},
        {"/a\r\nX: y", NULL, NULL},
        {"/\xC3\xBC", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *base CLEANUP_FREE = NULL;
        char *path CLEANUP_FREE = NULL;
        struct error err = ERROR_INIT;
        int rc = registry_resolve("https://r", cases[i].reference, &base, &path, &err);
        assert_int_equal(rc, cases[i].base ? 0 : ERROR_INVALID);
        if (!text_equal(base, cases[i].base) || !text_equal(path, cases[i].path))
            fail_msg("%s: %s %s", cases[i].reference, base, path);
    }
}

static void test_small_things(void **state)
{
    (void)state;
    assert_int_equal(registry_retry_after_ms("3"), 3000);
    assert_int_equal(registry_retry_after_ms("0"), 0);
    static const char *const bad[] = {
        NULL, "", "-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(registry_retry_after_ms(bad[i]), -1);
    char *encoded CLEANUP_FREE = registry_encode("repository:a/b:pull \xC3\xBC");
    assert_string_equal(encoded, "repository%3Aa%2Fb%3Apull%20%C3%BC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_challenges), cmocka_unit_test(test_links),
                                       cmocka_unit_test(test_references),
                                       cmocka_unit_test(test_small_things)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
