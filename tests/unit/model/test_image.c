#include "model/image.h"

#include "unit.h"

#include <stdlib.h>

static void test_at_a_digest(void **state)
{
    (void)state;
    static const struct {
        const char *reference;
        const char *at;
    } cases[] = {{"nginx", "nginx@sha256:1"},
                 {"nginx:1.27", "nginx@sha256:1"},
                 {"r.example:5000/a/b", "r.example:5000/a/b@sha256:1"},
                 {"r.example:5000/a/b:2", "r.example:5000/a/b@sha256:1"},
                 {"nginx:1@sha256:0", "nginx@sha256:1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *at CLEANUP_FREE = image_at(cases[i].reference, "sha256:1");
        assert_string_equal(at, cases[i].at);
    }
    assert_null(image_digest("r.example:5000/a:1"));
    assert_string_equal(image_digest("nginx@sha256:1"), "sha256:1");
}

static void test_of_the_same_repository(void **state)
{
    (void)state;
    assert_true(image_is_of("nginx:1", "nginx@sha256:1"));
    assert_true(image_is_of("nginx:1", "docker.io/library/nginx@sha256:1"));
    assert_true(image_is_of("docker.io/a/b", "a/b@sha256:1"));
    assert_true(image_is_of("r:5000/a:1", "r:5000/a@sha256:1"));
    assert_false(image_is_of("nginx:1", "nginx-extra@sha256:1"));
    assert_false(image_is_of("nginx:1", "mirror.example/nginx@sha256:1"));
    assert_false(image_is_of("localhost/a:1", "localhost/a@sha256:1"));
    assert_false(image_is_of("nginx:1", "nginx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_at_a_digest),
                                       cmocka_unit_test(test_of_the_same_repository)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
