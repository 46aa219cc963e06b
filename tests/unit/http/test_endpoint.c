#include "http/endpoint.h"

#include "base/memory.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *name;
        const char *base_url;
        const char *unix_path;
    } CASES[] = {
        {"unix:///var/run/docker.sock", "unix:///var/run/docker.sock", "http://localhost",
         "/var/run/docker.sock"},
        {"tcp://10.0.0.1:2375", "tcp://10.0.0.1:2375", "http://10.0.0.1:2375", NULL},
        {"tcp://[::1]:2375/", "tcp://[::1]:2375", "http://[::1]:2375", NULL},
        {"http://host", "http://host", "http://host", NULL},
        {"https://hooks.example.com/services/secret/", "https://hooks.example.com",
         "https://hooks.example.com/services/secret", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct http_endpoint endpoint;
        assert_int_equal(http_endpoint_init(&endpoint, CASES[i].url, NULL), 0);
        assert_string_equal(endpoint.name, CASES[i].name);
        assert_string_equal(endpoint.base_url, CASES[i].base_url);
        assert_true(text_equal(endpoint.unix_path, CASES[i].unix_path));
        http_endpoint_deinit(&endpoint);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const URLS[] = {
        "",           "host:2375",       "ftp://host",         "unix://relative",  "tcp://host",
        "tcp://",     "tcp://:2375",     "tcp://host:0",       "tcp://host:65536", "tcp://host:2375/path",
        "https:// h", "http://h:80\r\n", "https://host/p?q=1", "http://host:x",    "https://me:secret@host",
    };
    for (size_t i = 0; i < ARRAY_LEN(URLS); i++) {
        struct http_endpoint endpoint;
        struct error err = ERROR_INIT;
        if (http_endpoint_init(&endpoint, URLS[i], &err) != ERROR_INVALID)
            fail_msg("\"%s\" was taken", URLS[i]);
        assert_null(strstr(err.message, "secret"));
        assert_true(err.message[0] != '\0');
    }
}

static void test_tls(void **state)
{
    (void)state;
    struct http_endpoint endpoint;
    struct error err = ERROR_INIT;
    assert_int_equal(http_endpoint_init(&endpoint, "tcp://host:2376", NULL), 0);
    assert_int_equal(http_endpoint_set_tls(&endpoint, "ca.pem", "cert.pem", NULL, &err), ERROR_INVALID);
    assert_string_equal(endpoint.base_url, "http://host:2376");
    assert_int_equal(http_endpoint_set_tls(&endpoint, "ca.pem", "cert.pem", "key.pem", &err), 0);
    assert_int_equal(http_endpoint_set_tls(&endpoint, "ca2.pem", NULL, NULL, &err), 0);
    assert_string_equal(endpoint.base_url, "https://host:2376");
    assert_string_equal(endpoint.ca_path, "ca2.pem");
    assert_null(endpoint.cert_path);
    http_endpoint_deinit(&endpoint);
    assert_int_equal(http_endpoint_init(&endpoint, "unix:///s", NULL), 0);
    assert_int_equal(http_endpoint_set_tls(&endpoint, NULL, NULL, NULL, &err), ERROR_INVALID);
    http_endpoint_deinit(&endpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
