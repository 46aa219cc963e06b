/* davit.dependsOn between services: who may be named, and circles. */
#include "base/text.h"
#include "manifest_fixture.h"

#define BASE "{\"clusters\":[{\"clusterName\":\"prod\"},{\"clusterName\":\"other\"}]}"
#define WEB  "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i\",\"memory\":4}]}"

/* A service of prod, and what it depends on: the elements of the list. */
static void put(struct fixture *fixture, const char *name, const char *depends_on)
{
    char *path CLEANUP_FREE = memory_printf("%s.json", name);
    char *text CLEANUP_FREE =
        memory_printf("{\"cluster\":\"prod\",\"serviceName\":\"%s\",\"taskDefinition\":\"web\",\n"
                      "\"davit\":{\"dependsOn\":[%s]}}",
                      name, depends_on);
    fixture_put(fixture, path, text);
}

static struct fixture *fixture_of_prod(void)
{
    struct fixture *fixture = fixture_new();
    fixture_put(fixture, "clusters.json", BASE);
    fixture_put(fixture, "web.json", WEB);
    return fixture;
}

/* The only diagnostic; "" for none. */
static void expect(struct fixture *fixture, const char *expected)
{
    int r = fixture_build(fixture);
    assert_int_equal(r == 0, !*expected);
    if (fixture->diagnostics.list.len != (*expected ? 1 : 0))
        fixture_print(fixture);
    assert_int_equal(fixture->diagnostics.list.len, *expected ? 1 : 0);
    if (!*expected)
        return;
    char *text CLEANUP_FREE = diagnostic_to_text(fixture->diagnostics.list.items);
    assert_string_equal(text, expected);
}

#define ON(name) "{\"service\":\"" name "\",\"condition\":\"HEALTHY\"}"

static void test_it_is_in_the_desired_state(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_prod();
    put(fixture, "db", "");
    put(fixture, "cache", "{\"service\":\"db\"}");
    put(fixture, "api", ON("prod/db") "," ON("cache"));
    expect(fixture, "");
    const struct service *api = desired_service(fixture->desired, "prod", "api");
    assert_int_equal(api->depends_on.len, 2);
    assert_string_equal(api->depends_on.items[0].service, "prod/db");
    assert_string_equal(api->depends_on.items[1].service, "prod/cache");
    struct digest before = api->digest;
    put(fixture, "api", "");
    expect(fixture, "");
    api = desired_service(fixture->desired, "prod", "api");
    assert_int_equal(api->depends_on.len, 0);
    assert_true(digest_equal(&api->digest, &before)); /* no new deployment */
    fixture_put(fixture, "web.json",
                "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\","
                "\"image\":\"j\",\"memory\":4}]}");
    put(fixture, "api", ON("db"));
    expect(fixture, ""); /* bound anew */
    assert_int_equal(desired_service(fixture->desired, "prod", "api")->depends_on.len, 1);
}

static void test_who_is_not_there(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_prod();
    put(fixture, "db", "");
    put(fixture, "api", ON("bd"));
    expect(fixture, "api.json:2:34: error: no service \"prod/bd\" in this commit at "
                    "/davit/dependsOn/0/service; did you mean \"prod/db\"?");
    put(fixture, "api", ON("db") "," ON("other/db"));
    expect(fixture, "api.json:2:73: error: no service \"other/db\" in this commit at "
                    "/davit/dependsOn/1/service");
    put(fixture, "api", ON("arn:aws:ecs:x:1:service/prod/db"));
    assert_int_not_equal(fixture_build(fixture), 0);
    /* a file that is broken may declare it */
    put(fixture, "api", ON("bd"));
    fixture_put(fixture, "bd.json", "{\"cluster\":\"prod\",\"serviceName\":\"bd\",\"taskDefinition\":5}");
    assert_int_not_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->diagnostics.list.len, 1);
    assert_string_equal(fixture->diagnostics.list.items[0].file, "bd.json");
}

static void test_conditions(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_prod();
    put(fixture, "db", "");
    put(fixture, "cache", "");
    put(fixture, "api", "{\"service\":\"db\",\"condition\":\"COMPLETE\"},{\"service\":\"cache\"}");
    assert_int_equal(fixture_build(fixture), 0);
    const struct service *api = desired_service(fixture->desired, "prod", "api");
    assert_true(api->depends_on.items[0].complete);
    assert_false(api->depends_on.items[1].complete);
    put(fixture, "api", "{\"service\":\"db\",\"condition\":\"START\"}");
    assert_int_not_equal(fixture_build(fixture), 0);
}

static void test_circles(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_prod();
    put(fixture, "a", ON("a"));
    expect(fixture, "a.json:2:34: error: service \"prod/a\" depends on itself at /davit/dependsOn/0/service; "
                    "take it out of its own dependsOn");
    put(fixture, "a", ON("b"));
    put(fixture, "b", ON("d") "," ON("c"));
    put(fixture, "c", ON("d") "," ON("prod/a"));
    put(fixture, "d", "");
    expect(fixture,
           "c.json:2:72: error: these services wait for each other for ever: prod/a -> prod/b -> "
           "prod/c -> prod/a at /davit/dependsOn/1/service; take one of them out of the dependsOn of "
           "another");
    put(fixture, "e", ON("b")); /* leads into the circle, and is not in it */
    expect(fixture,
           "c.json:2:72: error: these services wait for each other for ever: prod/a -> prod/b -> "
           "prod/c -> prod/a at /davit/dependsOn/1/service; take one of them out of the dependsOn of "
           "another");
    put(fixture, "c", ON("d")); /* d by two ways is none */
    expect(fixture, "");
}

/* One of them has an error of its own: the circle is told beside it. */
static void test_a_circle_over_a_broken_one(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_prod();
    put(fixture, "a", ON("b"));
    fixture_put(
        fixture, "b.json",
        "{\"cluster\":\"prod\",\"serviceName\":\"b\",\"taskDefinition\":\"web\",\"desiredCount\":\"x\",\n"
        "\"davit\":{\"dependsOn\":[{\"service\":\"a\"}]}}");
    assert_int_not_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->diagnostics.list.len, 2);
    char *text CLEANUP_FREE = diagnostic_to_text(&fixture->diagnostics.list.items[1]);
    assert_string_equal(
        text, "b.json:2:34: error: these services wait for each other for ever: prod/a -> prod/b -> "
              "prod/a at /davit/dependsOn/0/service; take one of them out of the dependsOn of "
              "another");
    put(fixture, "b", "");
    expect(fixture, "");
}

static void test_a_long_row(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_prod();
    for (int i = 0; i < 3000; i++) {
        char *name CLEANUP_FREE = memory_printf("s%d", i);
        char *next CLEANUP_FREE = memory_printf("{\"service\":\"s%d\"}", i + 1);
        put(fixture, name, i < 2999 ? next : "");
    }
    expect(fixture, "");
    put(fixture, "s2999", ON("s0"));
    assert_int_not_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->diagnostics.list.len, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_in_the_desired_state),
        cmocka_unit_test(test_who_is_not_there),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_circles),
        cmocka_unit_test(test_a_circle_over_a_broken_one),
        cmocka_unit_test(test_a_long_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
