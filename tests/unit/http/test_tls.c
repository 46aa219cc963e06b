/* The client against `openssl s_server`, which asks for a client certificate. Skipped where there is no
 * openssl. */
#include "http/client.h"

#include "base/memory.h"
#include "base/text.h"
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tls {
    struct world world;
    uv_process_t process;
    uv_pipe_t output;
    char said[4096];
    size_t said_len;
    unsigned exited;
    char *url;
    char *server_cert;
    char *server_key;
    char *client_cert;
    char *client_key;
};

static void make_certificate(const char *cert, const char *key, const char *name)
{
    char *command CLEANUP_FREE = memory_printf(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=%s "
        "-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null",
        name, key, cert);
    assert_int_equal(system(command), 0);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct tls *tls = handle->data;
    (void)suggested;
    *buf = uv_buf_init(tls->said + tls->said_len, (unsigned)(sizeof tls->said - 1 - tls->said_len));
}

/* "ACCEPT 127.0.0.1:41234" says where it listens. */
static void on_output(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct tls *tls = stream->data;
    (void)buf;
    if (len < 0) {
        uv_read_stop(stream);
        return;
    }
    tls->said_len += (size_t)len;
    tls->said[tls->said_len] = '\0';
    const char *accept = strstr(tls->said, "ACCEPT ");
    if (accept && strchr(accept, '\n') && !tls->url)
        tls->url = memory_printf("tcp://%.*s", (int)strcspn(accept + 7, "\r\n"), accept + 7);
}

static void on_exit_of_server(uv_process_t *process, int64_t status, int signal_number)
{
    struct tls *tls = process->data;
    (void)status;
    (void)signal_number;
    tls->exited = 1;
}

static void spawn_server(struct tls *tls)
{
    const char *arguments[] = {
        "openssl",        "s_server",       "-accept", "127.0.0.1:0",          "-www",
        "-cert",          tls->server_cert, "-key",    tls->server_key,        "-CAfile",
        tls->client_cert, "-Verify",        "1",       "-verify_return_error", NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&tls->output},
        {.flags = UV_IGNORE},
    };
    uv_process_options_t options = {.file = "openssl",
                                    .args = (char **)(uintptr_t)arguments,
                                    .stdio = stdio,
                                    .stdio_count = 3,
                                    .exit_cb = on_exit_of_server};
    uv_pipe_init(&tls->world.loop, &tls->output, 0);
    tls->output.data = tls;
    tls->process.data = tls;
    assert_int_equal(uv_spawn(&tls->world.loop, &tls->process, &options), 0);
    uv_read_start((uv_stream_t *)&tls->output, on_alloc, on_output);
    world_until(&tls->world, tls->url || tls->exited);
    assert_non_null(tls->url);
}

static int set_up(void **state)
{
    if (system("openssl version >/dev/null 2>&1") != 0)
        return 0;
    struct tls *tls = NEW(struct tls);
    world_init(&tls->world, NULL);
    tls->server_cert = memory_printf("%s/server.pem", tls->world.dir);
    tls->server_key = memory_printf("%s/server.key", tls->world.dir);
    tls->client_cert = memory_printf("%s/client.pem", tls->world.dir);
    tls->client_key = memory_printf("%s/client.key", tls->world.dir);
    make_certificate(tls->server_cert, tls->server_key, "server");
    make_certificate(tls->client_cert, tls->client_key, "client");
    spawn_server(tls);
    *state = tls;
    return 0;
}

static int tear_down(void **state)
{
    struct tls *tls = *state;
    if (!tls)
        return 0;
    char *paths[] = {tls->server_cert, tls->server_key, tls->client_cert, tls->client_key};
    uv_process_kill(&tls->process, SIGTERM);
    world_until(&tls->world, tls->exited);
    uv_close((uv_handle_t *)&tls->process, NULL);
    uv_close((uv_handle_t *)&tls->output, NULL);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        unlink(paths[i]);
        free(paths[i]);
    }
    world_deinit(&tls->world);
    free(tls->url);
    free(tls);
    return 0;
}

struct material {
    const char *ca;
    const char *cert;
    const char *key;
};

static void get(struct tls *tls, struct material material, struct result *ret_result)
{
    struct http_endpoint endpoint;
    assert_int_equal(http_endpoint_init(&endpoint, tls->url, NULL), 0);
    assert_int_equal(http_endpoint_set_tls(&endpoint, material.ca, material.cert, material.key, NULL), 0);
    result_get(ret_result, &tls->world, (struct http_request){.endpoint = &endpoint, .path = "/"});
    http_endpoint_deinit(&endpoint);
}

static void test_client_certificate(void **state)
{
    struct tls *tls = *state;
    struct result result;
    if (!tls) {
        print_message("skipped: there is no openssl command\n");
        skip();
    }
    get(tls, (struct material){tls->server_cert, tls->client_cert, tls->client_key}, &result);
    assert_string_equal(result.message, "");
    assert_int_equal(result.status, 200);
    result_deinit(&result);

    get(tls, (struct material){tls->server_cert, NULL, NULL}, &result);
    assert_int_equal(result.code, ERROR_DENIED);
    assert_non_null(strstr(result.message, "TLS failed"));
    result_deinit(&result);

    get(tls, (struct material){tls->client_cert, tls->client_cert, tls->client_key}, &result);
    assert_int_equal(result.code, ERROR_DENIED);
    assert_non_null(strstr(result.message, "TLS failed"));
    result_deinit(&result);

    get(tls, (struct material){NULL, tls->client_cert, tls->client_key}, &result);
    assert_int_equal(result.code, ERROR_DENIED);
    result_deinit(&result);

    get(tls, (struct material){"/missing/ca.pem", NULL, NULL}, &result);
    assert_int_equal(result.code, ERROR_DENIED);
    assert_non_null(strstr(result.message, "/missing/ca.pem"));
    result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_client_certificate, set_up, tear_down)};
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
