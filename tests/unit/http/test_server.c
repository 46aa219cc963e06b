#include "http/server.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void handle_nothing(void *data, struct http_exchange *exchange)
{
    (void)data;
    (void)exchange;
}

static void expect_no_server(struct world *world, struct http_server_options options, int code,
                             const char *words)
{
    struct http_server *server = NULL;
    struct error err = ERROR_INIT;
    options.handle = handle_nothing;
    int r = http_server_new(&world->loop, &options, &server, &err);
    if (r != code || !strstr(err.message, words))
        fail_msg("%s: %d %s", options.listen ? options.listen : "fd", r, err.message);
    assert_null(server);
}

/* Another world, so that the one under test starts with options of its own. */
static void restart(struct world *world, struct http_server_options options)
{
    world_deinit(world);
    world_init(world, &options);
}

/* --- exchanges ------------------------------------------------------------------------------------------ */

static void test_answer_from_the_loop(void **state)
{
    struct world *world = *state;
    struct result result = {0};
    result_start(&result, world,
                 (struct http_request){.method = "PUT", .path = "/never", .body = "b", .body_len = 1});
    world_until(world, world->handled);
    struct http_exchange *exchange = http_server_find(world->server, world->last_exchange);
    assert_non_null(exchange);
    assert_true(http_exchange_is_unix(exchange));
    assert_string_equal(http_exchange_method(exchange), "PUT");
    assert_string_equal(http_exchange_path(exchange), "/never");
    assert_string_equal(http_exchange_body(exchange, NULL), "b");
    http_reply(exchange, 404, "text/plain", "late", 4);
    assert_null(http_server_find(world->server, world->last_exchange));
    world_until(world, result.done);
    assert_int_equal(result.status, 404);
    assert_string_equal(result.body, "late");
    result_deinit(&result);
}

static void expect_too_large(struct world *world, size_t len, int status)
{
    char *body CLEANUP_FREE = memory_calloc(len, 1);
    struct result result;
    memset(body, 'x', len);
    result_get(&result, world,
               (struct http_request){.method = "POST", .path = "/", .body = body, .body_len = len});
    assert_int_equal(result.status, status);
    assert_true(status == 200 || strstr(result.body, "LIMIT_API_REQUEST_BYTES"));
    result_deinit(&result);
}

static void test_request_size(void **state)
{
    struct world *world = *state;
    expect_too_large(world, LIMIT_API_REQUEST_BYTES, 200);
    expect_too_large(world, LIMIT_API_REQUEST_BYTES + 1, 413);
    assert_int_equal(world->handled, 1);
}

/* Sends what it can without waiting, reads the first line of the answer. */
static void expect_raw(struct world *world, const char *request, const char *answer)
{
    char space[1024] = "";
    int fd = raw_connect(world, request);
    ssize_t len = raw_read(world, fd, space, sizeof space - 1);
    if (len < (ssize_t)strlen(answer) || !text_starts_with(space, answer))
        fail_msg("expected %s, got %s", answer, space);
    close(fd);
}

static void test_raw_requests(void **state)
{
    struct world *world = *state;
    struct buffer headers = BUFFER_INIT(100000);
    expect_raw(world, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200");
    expect_raw(world, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", "HTTP/1.1 413");
    expect_raw(world, "no request at all\r\n\r\n", "HTTP/1.");
    assert_int_equal(buffer_append_str(&headers, "GET / HTTP/1.1\r\nHost: x\r\n"), 0);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(buffer_printf(&headers, "X-%d: 01234567890123456789\r\n", i), 0);
    expect_raw(world, buffer_str(&headers), "HTTP/1.1 431");
    buffer_deinit(&headers);
    assert_int_equal(world->handled, 1);
}

static void test_chunked_request_too_large(void **state)
{
    struct world *world = *state;
    char *block CLEANUP_FREE = memory_calloc(1, 65536 + 1);
    char space[64] = "";
    int fd = raw_connect(world, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    memset(block, 'x', 65536);
    char *chunk CLEANUP_FREE = memory_printf("10000\r\n%s\r\n", block);
    for (int i = 0; i < 17; i++) {
        for (size_t sent = 0, len = strlen(chunk); sent < len;) {
            ssize_t n = send(fd, chunk + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += n > 0 ? (size_t)n : 0;
            world_turn(world);
        }
    }
    assert_int_equal(send(fd, "0\r\n\r\n", 5, MSG_NOSIGNAL), 5);
    assert_true(raw_read(world, fd, space, sizeof space - 1) > 0);
    assert_true(text_starts_with(space, "HTTP/1.1 413"));
    close(fd);
}

/* --- streams -------------------------------------------------------------------------------------------- */

static void test_slow_reader_is_cut_off(void **state)
{
    struct world *world = *state;
    char *block CLEANUP_FREE = memory_calloc(1, 65536);
    char space[16384];
    int fd = raw_connect(world, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    int r = 0;
    world_until(world, world->handled);
    for (int i = 0; r == 0 && i < 1000; i++) {
        r = http_stream_write(world->server, world->last_exchange, block, 65536);
        world_turn(world);
    }
    assert_int_equal(r, ERROR_LIMIT);
    assert_int_equal(http_stream_write(world->server, world->last_exchange, block, 1), ERROR_NOT_FOUND);
    world_until(world, world->streams_closed);
    assert_int_equal(http_server_stats(world->server).streams, 0);
    while (raw_read(world, fd, space, sizeof space) > 0)
        continue;
    close(fd);
}

static void test_write_above_the_bound(void **state)
{
    struct world *world = *state;
    restart(world, (struct http_server_options){.stream_queue_bytes = 4});
    struct result result = {0};
    struct http_request request = {.path = "/stream", .on_headers = result_on_headers};
    result_start(&result, world, request);
    world_until(world, result.headers_seen);
    assert_int_equal(http_stream_write(world->server, world->last_exchange, "1234", 4), 0);
    assert_int_equal(http_stream_write(world->server, world->last_exchange, "5", 1), ERROR_LIMIT);
    world_until(world, result.done && world->streams_closed);
    assert_int_equal(result.code, ERROR_IO);
    result_deinit(&result);
}

static void test_stream_bound(void **state)
{
    struct world *world = *state;
    restart(world, (struct http_server_options){.max_streams = 1});
    struct result first = {0};
    struct result second;
    result_start(&first, world, (struct http_request){.path = "/stream", .on_headers = result_on_headers});
    world_until(world, first.headers_seen);
    uint64_t stream = world->last_exchange;
    result_get(&second, world, (struct http_request){.path = "/stream"});
    assert_int_equal(second.status, 503);
    result_deinit(&second);
    http_stream_end(world->server, stream);
    world_until(world, first.done);
    assert_int_equal(first.code, 0);
    result_deinit(&first);
}

static void test_client_of_silent_stream_goes(void **state)
{
    struct world *world = *state;
    int fd = raw_connect(world, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    world_until(world, http_server_stats(world->server).streams == 1);
    world_turn(world);
    close(fd);
    world_until(world, world->streams_closed == 1);
    world_until(world, http_server_stats(world->server).connections == 0);
}

/* --- connections ---------------------------------------------------------------------------------------- */

static void test_slow_request_is_cut_off(void **state)
{
    struct world *world = *state;
    char space[16];
    restart(world, (struct http_server_options){.request_ms = 20});
    int fd = raw_connect(world, "GET / HTTP/1.1\r\nHost: ");
    assert_int_equal(raw_read(world, fd, space, sizeof space), 0);
    close(fd);
    restart(world, (struct http_server_options){.request_ms = 10000});
    struct result result;
    result_get(&result, world, (struct http_request){.path = "/"});
    assert_int_equal(result.status, 200);
    result_deinit(&result);
    world_until(world, http_server_stats(world->server).connections == 0); /* kept alive, then closed */
    result_get(&result, world, (struct http_request){.path = "/"});
    assert_int_equal(result.status, 200);
    result_deinit(&result);
}

static void test_connection_bound(void **state)
{
    struct world *world = *state;
    restart(world, (struct http_server_options){.max_connections = 1});
    int first = raw_connect(world, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
    world_until(world, world->handled == 1);
    int second = raw_connect(world, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
    world_turn(world);
    assert_int_equal(world->handled, 1);
    close(first);
    world_until(world, world->handled == 2);
    close(second);
}

/* From 127.0.0.<last>, a blocking connection that has sent `text`. */
static int connect_from(const struct world *world, uint8_t last, const char *text)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000U + last)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(http_server_port(world->server))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
    return fd;
}

#define SLOW 120

static void connect_slowly(const struct world *world, int *fds, uint8_t first, uint8_t addresses)
{
    for (int i = 0; i < SLOW; i++)
        fds[i] =
            connect_from(world, (uint8_t)(first + i % addresses),
                         i % 2 ? "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n" : "POS");
}

static void expect_served(struct world *world, int fd)
{
    char space[256] = "";
    raw_read(world, fd, space, sizeof space - 1);
    assert_true(text_starts_with(space, "HTTP/1.1 200"));
    close(fd);
}

/* Those who connect and send no whole request keep nobody out, though each has an hour. */
static void test_slow_clients_keep_nobody_out(void **state)
{
    struct world *world = *state;
    static const char whole[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    static const uint8_t addresses[] = {1, 40};
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        int fds[SLOW];
        restart(world, (struct http_server_options){
                           .listen = "127.0.0.1:0", .request_ms = 3600000, .max_connections = 32});
        int begun = connect_from(world, 200, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        connect_slowly(world, fds, 1, addresses[i]);
        expect_served(world, connect_from(world, 1, whole));
        expect_served(world, connect_from(world, 201, whole));
        assert_in_range(http_server_stats(world->server).connections, 30, 32);
        assert_true(http_server_stats(world->server).connections_accepted >= SLOW);
        if (addresses[i] == 1) { /* one of another address, which has but this one, has its time */
            assert_int_equal(send(begun, "\r\n", 2, MSG_NOSIGNAL), 2);
            expect_served(world, begun);
        } else {
            close(begun);
        }
        for (int j = 0; j < SLOW; j++)
            close(fds[j]);
        world_until(world, http_server_stats(world->server).connections == 0);
    }
}

/* Whoever waits for an answer stays, and so does the newest, if all others do. */
static void test_who_waits_for_an_answer_is_not_cut_off(void **state)
{
    struct world *world = *state;
    restart(world, (struct http_server_options){.max_connections = 4});
    int fds[3];
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = raw_connect(world, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
        world_until(world, world->handled == i + 1);
    }
    int begun = raw_connect(world, "GET / HTTP/1.1\r\n");
    int next = raw_connect(world, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 10; i++)
        world_turn(world);
    assert_int_equal(world->handled, 3); /* it is not accepted yet */
    assert_int_equal(send(begun, "Host: x\r\n\r\n", 11, MSG_NOSIGNAL), 11);
    expect_served(world, begun);
    expect_served(world, next);
    for (int i = 0; i < 3; i++) {
        char byte;
        assert_int_equal(recv(fds[i], &byte, 1, MSG_DONTWAIT), -1); /* not closed */
        close(fds[i]);
    }
}

/* Nothing is ready and no timer will be: the process sleeps until somebody talks to it. */
static void expect_asleep(struct world *world)
{
    struct pollfd backend = {.fd = uv_backend_fd(&world->loop), .events = POLLIN};
    world_turn(world);
    assert_int_equal(uv_backend_timeout(&world->loop), -1);
    assert_int_equal(poll(&backend, 1, 0), 0);
}

static void test_sleeps_when_idle(void **state)
{
    struct world *world = *state;
    expect_asleep(world);
    int fd = raw_connect(world, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    world_until(world, http_server_stats(world->server).streams == 1);
    expect_asleep(world);
    assert_int_equal(http_stream_write(world->server, world->last_exchange, "x", 1), 0);
    expect_asleep(world);
    close(fd);
    world_until(world, http_server_stats(world->server).connections == 0);
    expect_asleep(world);
}

static void test_free_with_everything_open(void **state)
{
    struct world *world = *state;
    struct result results[3] = {0};
    result_start(&results[0], world, (struct http_request){.path = "/never"});
    result_start(&results[1], world, (struct http_request){.path = "/stream"});
    world_until(world, world->handled == 2 && http_server_stats(world->server).streams == 1);
    result_start(&results[2], world, (struct http_request){.path = "/"});
    http_server_free(world->server);
    assert_int_equal(world->streams_closed, 1);
    world->server = NULL;
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        world_until(world, results[i].done);
        assert_int_not_equal(results[i].code, 0);
        result_deinit(&results[i]);
    }
}

static void test_free_within_handler(void **state)
{
    struct world *world = *state;
    struct result result;
    result_get(&result, world, (struct http_request){.path = "/free"});
    assert_null(world->server);
    assert_int_not_equal(result.code, 0);
    result_deinit(&result);
}

/* --- where it listens ----------------------------------------------------------------------------------- */

static void test_loopback(void **state)
{
    struct world *world = *state;
    struct result result;
    restart(world, (struct http_server_options){.listen = "127.0.0.1:0"});
    assert_int_not_equal(http_server_port(world->server), 0);
    assert_true(text_starts_with(http_server_address(world->server), "tcp://127.0.0.1:"));
    result_get(&result, world, (struct http_request){.path = "/tcp"});
    assert_string_equal(result.body, "GET /tcp q=- type=- ");
    result_deinit(&result);
    result = (struct result){0};
    result_start(&result, world, (struct http_request){.path = "/stream", .on_headers = result_on_headers});
    world_until(world, result.headers_seen);
    http_cancel(world->client, result.id);
    world_until(world, world->streams_closed);
    expect_no_server(world, (struct http_server_options){.listen = http_server_address(world->server)},
                     ERROR_EXISTS, "another program is listening on 127.0.0.1");
}

static void test_other_addresses_are_refused(void **state)
{
    static const char *const ADDRESSES[] = {
        "0.0.0.0:80",  "[::]:80",         "192.168.1.1:80", "localhost:80",  "127.0.0.1", "127.0.0.1:",
        "127.0.0.1:x", "127.0.0.1:65536", "unix://s.sock",  "127.0.0.10:80", ""};
    for (size_t i = 0; i < ARRAY_LEN(ADDRESSES); i++)
        expect_no_server(*state, (struct http_server_options){.listen = ADDRESSES[i]}, ERROR_INVALID, "");
    expect_no_server(*state, (struct http_server_options){.listen = "0.0.0.0:80"}, ERROR_INVALID,
                     "as there is no authentication");
}

/* A handler that authenticates may be reached from elsewhere, and behind a proxy by any name. */
static void test_any_address(void **state)
{
    struct world *world = *state;
    static const char *const refused[] = {"localhost:80", "0.0.0.0", "0.0.0.0:65536", "0.0.0.256:80", "[::",
                                          "::1:80",       "[::1:80", "[]:80",         ":80",          ""};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        expect_no_server(world, (struct http_server_options){.listen = refused[i], .authenticates = true},
                         ERROR_INVALID, "");
    restart(world, (struct http_server_options){.listen = "[::]:0", .authenticates = true});
    assert_true(text_starts_with(http_server_address(world->server), "tcp://[::]:"));
    restart(world, (struct http_server_options){.listen = "0.0.0.0:0", .authenticates = true});
    assert_true(text_starts_with(http_server_address(world->server), "tcp://0.0.0.0:"));
    struct sockaddr_in local = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons(http_server_port(world->server))};
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: davit.example.org\r\nx-twice: a\r\nX-Twice: b\r\n\r\n";
    char space[256] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&local, sizeof local), 0);
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    raw_read(world, fd, space, sizeof space - 1);
    assert_true(text_starts_with(space, "HTTP/1.1 200"));
    assert_int_equal(world->twice, 2);
    close(fd);
}

static void test_socket_handed_over(void **state)
{
    struct world *world = *state;
    struct sockaddr_in any = {.sin_family = AF_INET};
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct result result;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    expect_no_server(world, (struct http_server_options){.listen_fd = fd}, ERROR_INVALID,
                     "neither unix nor loopback");
    close(fd);
    world_deinit(world);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&local, sizeof local), 0);
    assert_int_equal(listen(fd, 8), 0);
    world_init(world, &(struct http_server_options){.listen_fd = fd});
    result_get(&result, world, (struct http_request){.path = "/"});
    assert_int_equal(result.status, 200);
    result_deinit(&result);
}

static void test_unix_socket(void **state)
{
    struct world *world = *state;
    struct stat status;
    const char *path = world->address + strlen("unix://");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    expect_no_server(world, (struct http_server_options){.listen = world->address}, ERROR_EXISTS,
                     "another davit is listening on unix://");
    assert_int_equal(stat(path, &status), 0);
    http_server_free(TAKE(world->server));
    assert_int_equal(stat(path, &status), -1);
    char *group CLEANUP_FREE = memory_printf("%u", (unsigned)getgid());
    struct http_server_options options = {
        .listen = world->address, .group = "no-such-group", .handle = handle_nothing};
    expect_no_server(world, options, ERROR_NOT_FOUND, "no group \"no-such-group\"");
    options.group = group;
    assert_int_equal(http_server_new(&world->loop, &options, &world->server, NULL), 0);
}

/* What a killed davit leaves behind. */
static void leave_stale_socket(struct world *world)
{
    struct raw_peer peer;
    char *from CLEANUP_FREE = memory_printf("%s/raw", world->dir);
    char *moved CLEANUP_FREE = memory_printf("%s/moved", world->dir);
    raw_peer_init(&peer, world, NULL, true);
    assert_int_equal(rename(from, moved), 0);
    raw_peer_deinit(&peer);
    assert_int_equal(rename(moved, world->address + strlen("unix://")), 0);
}

static void test_stale_and_foreign_sockets(void **state)
{
    struct world *world = *state;
    struct http_server_options options = {.listen = world->address, .handle = handle_nothing};
    const char *path = world->address + strlen("unix://");
    http_server_free(TAKE(world->server));
    leave_stale_socket(world);
    assert_int_equal(http_server_new(&world->loop, &options, &world->server, NULL), 0);
    http_server_free(TAKE(world->server));

    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    expect_no_server(world, options, ERROR_EXISTS, "is in the way: it is not a socket");
    assert_int_equal(unlink(path), 0);

    struct raw_peer peer; /* lives, and knows nothing of the lock */
    char *raw CLEANUP_FREE = memory_printf("unix://%s/raw", world->dir);
    char *lock CLEANUP_FREE = memory_printf("%s/raw.lock", world->dir);
    raw_peer_init(&peer, world, NULL, true);
    options.listen = raw;
    expect_no_server(world, options, ERROR_EXISTS, "is listening on unix://");
    raw_peer_deinit(&peer);
    assert_int_equal(unlink(lock), 0);
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    world_init(world, NULL);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    world_deinit(*state);
    free(*state);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answer_from_the_loop),
        TEST(test_request_size),
        TEST(test_raw_requests),
        TEST(test_chunked_request_too_large),
        TEST(test_slow_reader_is_cut_off),
        TEST(test_write_above_the_bound),
        TEST(test_stream_bound),
        TEST(test_client_of_silent_stream_goes),
        TEST(test_slow_request_is_cut_off),
        TEST(test_connection_bound),
        TEST(test_slow_clients_keep_nobody_out),
        TEST(test_who_waits_for_an_answer_is_not_cut_off),
        TEST(test_sleeps_when_idle),
        TEST(test_free_with_everything_open),
        TEST(test_free_within_handler),
        TEST(test_loopback),
        TEST(test_any_address),
        TEST(test_other_addresses_are_refused),
        TEST(test_socket_handed_over),
        TEST(test_unix_socket),
        TEST(test_stale_and_foreign_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
