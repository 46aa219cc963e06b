/* How a remote is reached, as far as no network is needed for it. */
#include "fixture.h"

#include "base/credential.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/wipe.h"
#include "source/access.h"
#include "source/fetch_order.h"
#include "source/git_ssh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *write_file(const struct fixture *f, const char *name, const char *text)
{
    char *path = memory_printf("%s/%s", f->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static void test_first_line(void **state)
{
    static const struct {
        const char *text;
        const char *line; /* NULL: refused */
    } cases[] = {
        {"secret", "secret"}, {"secret\n", "secret"}, {"secret\r\nmore\n", "secret"}, {" a b \n", " a b "},
        {"", NULL},           {"\nsecret\n", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *path CLEANUP_FREE = write_file(*state, "secret", cases[i].text);
        char *line CLEANUP(wipe_freep) = NULL;
        struct error err = ERROR_INIT;
        int r = credential_read_line(path, "passwordFile", &line, &err);
        if (cases[i].line) {
            assert_int_equal(r, 0);
            assert_string_equal(line, cases[i].line);
        } else {
            assert_int_equal(r, ERROR_INVALID);
            assert_non_null(strstr(err.message, path));
            assert_null(strstr(err.message, "secret\n"));
        }
    }
}

static void test_files_that_are_none(void **state)
{
    const struct fixture *f = *state;
    char *line = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(credential_read_line("/nowhere/secret", "keyFile", &line, &err), ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "keyFile /nowhere/secret"));
    assert_int_equal(credential_read_line(f->dir, "keyFile", &line, &err), ERROR_IO);
    char *fifo CLEANUP_FREE = memory_printf("%s/fifo", f->dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(credential_read_line(fifo, "keyFile", &line, &err), ERROR_INVALID); /* does not hang */
    char *text = memory_calloc(LIMIT_SECRET_BYTES + 2, 1);
    memset(text, 'x', LIMIT_SECRET_BYTES + 1);
    char *path CLEANUP_FREE = write_file(f, "long", text);
    assert_int_equal(credential_read_line(path, "keyFile", &line, &err), ERROR_INVALID);
    text[LIMIT_SECRET_BYTES] = '\0';
    free(write_file(f, "long", text));
    assert_int_equal(credential_read_line(path, "keyFile", &line, &err), 0);
    assert_int_equal(strlen(line), LIMIT_SECRET_BYTES);
    free(line);
    free(text);
}

/* ssh goes on without such a key, and so does not say why the host refuses. */
static void test_a_key_that_others_may_read(void **state)
{
    char *key CLEANUP_FREE = write_file(*state, "key", "x");
    const struct source_access way = {.key_file = key};
    struct error err = ERROR_INIT;
    assert_int_equal(chmod(key, 0640), 0);
    assert_int_equal(source_access_check(&way, &err), ERROR_DENIED);
    assert_non_null(strstr(err.message, "may be read by others (mode 0640)"));
    assert_non_null(strstr(err.message, "chmod 600 "));
    assert_int_equal(chmod(key, 0400), 0);
    assert_int_equal(source_access_check(&way, &err), 0);
}

static void test_files_are_looked_at(void **state)
{
    char *there CLEANUP_FREE = write_file(*state, "there", "x");
    assert_int_equal(chmod(there, 0600), 0);
    static const char *const names[] = {"keyFile", "knownHostsFile", "caFile"};
    for (size_t i = 0; i <= ARRAY_LEN(names); i++) {
        struct error err = ERROR_INIT;
        char *paths[] = {there, there, there};
        if (i < ARRAY_LEN(paths))
            paths[i] = (char *)"/nowhere/file";
        const struct source_access way = {
            .key_file = paths[0], .known_hosts_file = paths[1], .ca_file = paths[2]};
        assert_int_equal(source_access_check(&way, &err), i < ARRAY_LEN(paths) ? ERROR_NOT_FOUND : 0);
        if (i < ARRAY_LEN(paths)) {
            char *words CLEANUP_FREE = memory_printf("%s /nowhere/file", names[i]);
            assert_non_null(strstr(err.message, words));
        }
    }
}

static void test_header(void **state)
{
    char *path CLEANUP_FREE = write_file(*state, "password", "open sesame\n");
    struct source_access access = {.password_file = path};
    static const struct {
        const char *url;
        const char *username;
        const char *header; /* NULL: none; "": refused */
    } cases[] = {
        {"https://example.org/x", NULL, "Authorization: Basic Z2l0Om9wZW4gc2VzYW1l"},
        {"https://example.org/x", "ali", "Authorization: Basic YWxpOm9wZW4gc2VzYW1l"},
        {"ssh://example.org/x", NULL, NULL},
        {"/srv/git", NULL, NULL},
        {"http://example.org/x", NULL, ""},
        {"http://localhost.example.org/x", NULL, ""},
        {"http://127.0.0.1@example.org/x", NULL, ""},
        {"http://127.0.0.1.example.org/x", NULL, ""},
        {"http://127.0.0.1:80/x", "ali", "Authorization: Basic YWxpOm9wZW4gc2VzYW1l"},
        {"http://localhost/x", "ali", "Authorization: Basic YWxpOm9wZW4gc2VzYW1l"},
        {"http://localhost:80/x", "ali", "Authorization: Basic YWxpOm9wZW4gc2VzYW1l"},
        {"http://[::1]:80/x", "ali", "Authorization: Basic YWxpOm9wZW4gc2VzYW1l"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *header CLEANUP(wipe_freep) = NULL;
        struct error err = ERROR_INIT;
        access.username = (char *)cases[i].username;
        int r = source_access_header(&access, cases[i].url, &header, &err);
        bool refused = cases[i].header && !*cases[i].header;
        assert_int_equal(r, refused ? ERROR_INVALID : 0);
        if (cases[i].header && !refused)
            assert_string_equal(header, cases[i].header);
        else
            assert_null(header);
    }
}

static void test_proxy(void **state)
{
    char *login CLEANUP_FREE = write_file(*state, "login", "us:p@ss/w%rd\n");
    struct source_access access = {.proxy = (char *)"http://proxy:3128"};
    char *url CLEANUP(wipe_freep) = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(source_access_proxy(&(struct source_access){0}, &url, &err), 0);
    assert_null(url);
    assert_int_equal(source_access_proxy(&access, &url, &err), 0);
    assert_string_equal(url, "http://proxy:3128");
    wipe_free(TAKE(url));
    access.proxy_login_file = login;
    assert_int_equal(source_access_proxy(&access, &url, &err), 0);
    assert_string_equal(url, "http://us:p%40ss%2Fw%25rd@proxy:3128");
    access.proxy = (char *)"proxy";
    char *none = NULL;
    assert_int_equal(source_access_proxy(&access, &none, &err), ERROR_INVALID);
}

static void test_ssh_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *host; /* NULL: refused */
        const char *port;
        const char *command;
    } cases[] = {
        {"ssh://git@example.org/infra.git", "git@example.org", NULL, "git-upload-pack '/infra.git'"},
        {"ssh://example.org:2222/a b", "example.org", "2222", "git-upload-pack '/a b'"},
        {"ssh://git@[::1]:22/x", "git@::1", "22", "git-upload-pack '/x'"},
        {"ssh://[fe80::1]/x", "fe80::1", NULL, "git-upload-pack '/x'"},
        {"ssh://git@h/~ali/x", "git@h", NULL, "git-upload-pack '~ali/x'"},
        {"ssh://git@h/it%27s%20%zz", "git@h", NULL, "git-upload-pack '/it'\\''s %zz'"},
        {"ssh://h/a%00b", "h", NULL, "git-upload-pack '/a%00b'"},
        {"git@example.org:team/infra.git", "git@example.org", NULL, "git-upload-pack 'team/infra.git'"},
        {"example.org:/srv/x;rm -rf", "example.org", NULL, "git-upload-pack '/srv/x;rm -rf'"},
        {"ssh://example.org", NULL, NULL, NULL},
        {"ssh:///x", NULL, NULL, NULL},
        {"ssh://git@/x", NULL, NULL, NULL},
        {"git@h:", NULL, NULL, NULL},
        {"ssh://-oProxyCommand=x/y", NULL, NULL, NULL},
        {"ssh://git@-oProxyCommand=x/y", NULL, NULL, NULL},
        {"-oProxyCommand=x:y", NULL, NULL, NULL},
        {"h:-u", NULL, NULL, NULL},
        {"ssh://h:2x/y", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct source_ssh_target target CLEANUP(source_ssh_target_deinit) = {0};
        struct error err = ERROR_INIT;
        int r = source_ssh_parse(cases[i].url, "git-upload-pack", &target, &err);
        if (!cases[i].host) {
            assert_int_equal(r, ERROR_INVALID);
            assert_null(target.host);
            continue;
        }
        assert_int_equal(r, 0);
        assert_string_equal(target.host, cases[i].host);
        assert_string_equal(target.port ? target.port : "", cases[i].port ? cases[i].port : "");
        assert_string_equal(target.command, cases[i].command);
    }
}

static void test_a_password_has_no_place_in_an_ssh_url(void **state)
{
    (void)state;
    static const char *const urls[] = {"ssh://git:hunter1@h/x", "ssh://git:hunter1@h:22/x",
                                       "ssh://git:22@[::1]:22/x"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct source_ssh_target target CLEANUP(source_ssh_target_deinit) = {0};
        struct error err = ERROR_INIT;
        assert_int_equal(source_ssh_parse(urls[i], "git-upload-pack", &target, &err), ERROR_INVALID);
        assert_string_equal(
            err.message,
            "the URL has a password, which ssh does not take: leave it out, and name a key (keyFile)");
    }
}

/* What is written is what is read; nothing of an order that is cut short is taken. */
static void test_the_order_of_a_fetch(void **state)
{
    (void)state;
    const struct source_fetch_order order = {.url = "https://h/x",
                                             .mirror_dir = "/m",
                                             .max_bytes = 7,
                                             .stall_ms = 9,
                                             .local_ref = "refs/l",
                                             .expected = "ab",
                                             .errand = SOURCE_FETCH_REF,
                                             .access = {.username = (char *)"u",
                                                        .known_hosts_file = (char *)"/k",
                                                        .proxy_login_file = (char *)"/l"}};
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT(4096);
    struct error err = ERROR_INIT;
    assert_int_equal(source_order_write(&order, &text, &err), 0);
    for (size_t len = 1; len <= text.len; len++) {
        char *lines[SOURCE_ORDER_LINES] = {0};
        struct source_fetch_order read = {0};
        FILE *file = fmemopen(text.data, len, "r");
        int r = source_order_read(file, lines, &read, &err);
        fclose(file);
        assert_int_equal(r, len == text.len ? 0 : ERROR_INVALID);
        if (r == 0) {
            assert_string_equal(read.url, "https://h/x");
            assert_null(read.branch);
            assert_string_equal(read.mirror_dir, "/m");
            assert_int_equal(read.max_bytes, 7);
            assert_int_equal(read.stall_ms, 9);
            assert_string_equal(read.local_ref, "refs/l");
            assert_string_equal(read.expected, "ab");
            assert_int_equal(read.errand, SOURCE_FETCH_REF);
            assert_string_equal(read.access.username, "u");
            assert_null(read.access.password_file);
            assert_string_equal(read.access.known_hosts_file, "/k");
            assert_string_equal(read.access.proxy_login_file, "/l");
        }
        for (size_t i = 0; i < SOURCE_ORDER_LINES; i++)
            free(lines[i]);
    }
    const struct source_fetch_order broken = {.url = "a\nb", .max_bytes = 1};
    assert_int_equal(source_order_write(&broken, &text, &err), ERROR_INVALID);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_first_line),
        CASE(test_files_that_are_none),
        CASE(test_a_key_that_others_may_read),
        CASE(test_files_are_looked_at),
        CASE(test_header),
        CASE(test_proxy),
        CASE(test_ssh_urls),
        CASE(test_a_password_has_no_place_in_an_ssh_url),
        CASE(test_the_order_of_a_fetch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
