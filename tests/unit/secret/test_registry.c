#include "secret/registry.h"

#include "base/base64.h"
#include "secret/secret.h"
#include "unit.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define PASSWORD "p:w\xc3\xbf\xc3\xbe?>" /* whose base64 has the two characters that differ */

static const struct {
    const char *image;
    const char *registry;
} images[] = {
    {"nginx", "docker.io"},
    {"nginx:1.27", "docker.io"},
    {"library/nginx", "docker.io"},
    {"index.docker.io/library/nginx", "docker.io"},
    {"localhost/a", "localhost"},
    {"registry:5000/a/b:2", "registry:5000"},
    {"ghcr.io/a/b@sha256:00", "ghcr.io"},
};

static void test_registries_of_images(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        char *registry CLEANUP_FREE = secret_registry_of(images[i].image);
        assert_string_equal(registry, images[i].registry);
    }
    char *hub CLEANUP_FREE = secret_registry_of_key("https://index.docker.io/v1/");
    char *host CLEANUP_FREE = secret_registry_of_key("http://registry:5000/v2/");
    assert_string_equal(hub, "docker.io");
    assert_string_equal(host, "registry:5000");
}

/* The store's file with this text. */
static struct secret_login login(const char *text, const char *image)
{
    char dir[64];
    unit_make_dir(dir, sizeof dir, "registry");
    char *path CLEANUP_FREE = memory_printf("%s/config.json", dir);
    FILE *file = text ? fopen(path, "we") : NULL;
    if (file) {
        fputs(text, file);
        fclose(file);
    }
    struct secret_store *store CLEANUP(secret_store_freep) =
        secret_store_new(&(struct secret_options){.docker_config = path});
    struct secret_login found = {0};
    assert_int_equal(secret_registry_login(store, image, NULL, &found, NULL), 0);
    unlink(path);
    rmdir(dir);
    return found;
}

static void check(const char *config, const char *image, const char *expected)
{
    struct secret_login found = login(config, image);
    if (!expected) {
        assert_null(found.header);
        assert_null(found.secret);
        free(found.hint);
        return;
    }
    assert_non_null(found.header);
    assert_null(strpbrk(found.header, "+/"));
    for (char *at = found.header; *at; at++)
        *at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
    char *text CLEANUP_FREE = NULL;
    size_t len;
    assert_int_equal(base64_decode(found.header, &text, &len), 0);
    if (!strstr(text, expected))
        fail_msg("%s has no %s", text, expected);
    assert_non_null(strstr(text, found.secret));
    free(found.header);
    free(found.secret);
}

static void test_logins_of_dockers_file(void **state)
{
    (void)state;
    char *auth CLEANUP_FREE = base64_encode("u:" PASSWORD, strlen("u:" PASSWORD));
    char *config CLEANUP_FREE =
        memory_printf("{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"%s\"},\"registry:5000\":"
                      "{\"username\":\"v\",\"password\":\"w\"},\"ghcr.io\":{\"identitytoken\":\"t\"},"
                      "\"quay.io\":{},\"bad.io\":{\"auth\":\"%%\"}}}",
                      auth);
    check(config, "nginx", "\"password\":\"" PASSWORD "\"");
    check(config, "nginx", "\"serveraddress\":\"https://index.docker.io/v1/\"");
    check(config, "registry:5000/a", "\"username\":\"v\"");
    check(config, "ghcr.io/a", "\"identitytoken\":\"t\"");
    check(config, "quay.io/a", NULL);
    check(config, "bad.io/a", NULL);
    check(config, "other.io/a", NULL);
    check(NULL, "nginx", NULL);
    check("nonsense", "nginx", NULL);
}

static void test_a_helper_is_named(void **state)
{
    (void)state;
    struct secret_login found = login(
        "{\"auths\":{\"a.io\":{}},\"credsStore\":\"pass\",\"credHelpers\":{\"b.io\":\"gcloud\"}}", "b.io/x");
    assert_null(found.header);
    assert_non_null(strstr(found.hint, "gcloud"));
    free(found.hint);
    found = login("{\"credsStore\":\"pass\"}", "a.io/x");
    assert_non_null(strstr(found.hint, "pass"));
    free(found.hint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registries_of_images),
        cmocka_unit_test(test_logins_of_dockers_file),
        cmocka_unit_test(test_a_helper_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
