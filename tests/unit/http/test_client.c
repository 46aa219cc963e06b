#include "http/client.h"

#include "base/memory.h"
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_get_and_post(void **state)
{
    struct world *world = *state;
    struct result result;
    result_get(&result, world, (struct http_request){.path = "/a%20b?q=x%26y"});
    assert_int_equal(result.code, 0);
    assert_int_equal(result.status, 200);
    assert_string_equal(result.body, "GET /a b q=x&y type=- ");
    assert_string_equal(result.header, "yes");
    result_deinit(&result);

    struct http_request post = {
        .method = "POST", .path = "/p?q", .body = "{}", .body_len = 2, .content_type = "application/json"};
    result_get(&result, world, post);
    assert_string_equal(result.body, "POST /p q= type=application/json {}");
    result_deinit(&result);

    result_get(&result, world, (struct http_request){.method = "POST"});
    assert_string_equal(result.body, "POST / q=- type=- ");
    result_deinit(&result);

    result_get(&result, world, (struct http_request){.method = "DELETE", .path = "/d"});
    assert_string_equal(result.body, "DELETE /d q=- type=- ");
    result_deinit(&result);

    result_get(&result, world, (struct http_request){.method = "HEAD", .path = "/h"});
    assert_int_equal(result.code, 0);
    assert_string_equal(result.body, "");
    assert_string_equal(result.header, "yes");
    result_deinit(&result);
    assert_int_equal(http_client_requests(world->client), 0);
}

static void test_connection_is_reused(void **state)
{
    struct world *world = *state;
    struct result result;
    for (int i = 0; i < 5; i++) {
        result_get(&result, world, (struct http_request){.path = "/again"});
        assert_int_equal(result.status, 200);
        result_deinit(&result);
    }
    assert_int_equal(http_server_stats(world->server).connections_accepted, 1);
    assert_int_equal(http_server_stats(world->server).connections, 1);
}

static void test_requests_run_side_by_side(void **state)
{
    struct world *world = *state;
    struct result results[20] = {0};
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        result_start(&results[i], world, (struct http_request){.path = "/many"});
    assert_int_equal(http_client_requests(world->client), ARRAY_LEN(results));
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        world_until(world, results[i].done);
        assert_int_equal(results[i].status, 200);
        result_deinit(&results[i]);
    }
    assert_int_equal(world->handled, ARRAY_LEN(results));
}

static void test_connection_limit_makes_requests_wait(void **state)
{
    struct world *world = *state;
    struct http_client_options one = {.max_connections = 1};
    struct result results[5] = {0};
    http_client_free(world->client);
    world->client = http_client_new(&world->loop, &one);
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        result_start(&results[i], world, (struct http_request){.path = "/queue"});
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        world_until(world, results[i].done);
        assert_int_equal(results[i].code, 0);
        result_deinit(&results[i]);
    }
    assert_int_equal(http_server_stats(world->server).connections_accepted, 1);
}

static void test_stream_comes_in_chunks(void **state)
{
    struct world *world = *state;
    struct result result = {0};
    struct http_request request = {
        .path = "/stream", .on_data = result_on_data, .on_headers = result_on_headers};
    result_start(&result, world, request);
    world_until(world, result.headers_seen);
    assert_int_equal(result.chunks, 0);
    assert_int_equal(http_stream_write(world->server, world->last_exchange, "one", 3), 0);
    world_until(world, result.chunks);
    assert_string_equal(result.body, "one");
    assert_int_equal(http_stream_write(world->server, world->last_exchange, " two", 4), 0);
    assert_int_equal(http_stream_write(world->server, world->last_exchange, " three", 6), 0);
    http_stream_end(world->server, world->last_exchange);
    assert_int_equal(http_stream_write(world->server, world->last_exchange, "no", 2), ERROR_NOT_FOUND);
    world_until(world, result.done);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.body, "one two three");
    assert_string_equal(result.header, "stream");
    assert_int_equal(world->streams_closed, 0);
    assert_int_equal(http_server_stats(world->server).streams, 0);
    result_deinit(&result);
}

static void test_cancel_before_and_during(void **state)
{
    struct world *world = *state;
    struct result early = {0};
    struct result late = {0};
    result_start(&early, world, (struct http_request){.path = "/x"});
    http_cancel(world->client, early.id);
    http_cancel(world->client, early.id);
    http_cancel(world->client, 0);
    result_start(&late, world, (struct http_request){.path = "/never"});
    world_until(world, world->handled);
    http_cancel(world->client, late.id);
    assert_int_equal(http_client_requests(world->client), 0);
    world_until(world, !http_server_find(world->server, world->last_exchange));
    assert_int_equal(early.done + late.done, 0);
}

static void test_cancel_in_own_callback(void **state)
{
    struct world *world = *state;
    struct result result = {.cancel_in_headers = true};
    struct http_request request = {
        .path = "/stream", .on_data = result_on_data, .on_headers = result_on_headers};
    result_start(&result, world, request);
    world_until(world, world->streams_closed);
    assert_int_equal(result.headers_seen, 1);

    result.cancel_in_headers = false;
    result.cancel_in_data = true;
    result_start(&result, world, request);
    world_until(world, result.headers_seen == 2);
    assert_int_equal(http_stream_write(world->server, world->last_exchange, "bytes", 5), 0);
    world_until(world, world->streams_closed == 2);
    assert_int_equal(result.done, 0);
    assert_int_equal(http_client_requests(world->client), 0);
    result_deinit(&result);
}

struct chain {
    struct result next;
    struct world *world;
    uint64_t victim;
    bool started;
};

/* curl is on the stack here: both must be put off. */
static void start_another(void *data, const char *bytes, size_t len)
{
    struct chain *chain = data;
    (void)bytes;
    (void)len;
    if (chain->started)
        return;
    chain->started = true;
    http_cancel(chain->world->client, chain->victim);
    result_start(&chain->next, chain->world, (struct http_request){.path = "/next"});
}

static void test_request_and_cancel_within_callback(void **state)
{
    struct world *world = *state;
    struct chain chain = {.world = world};
    struct result victim = {0};
    result_start(&victim, world, (struct http_request){.path = "/never"});
    world_until(world, world->handled);
    chain.victim = victim.id;
    struct http_request first = {
        .endpoint = &world->endpoint, .path = "/first", .on_data = start_another, .data = &chain};
    http_request(world->client, &first);
    world_until(world, chain.next.done);
    assert_int_equal(chain.next.status, 200);
    assert_int_equal(victim.done, 0);
    result_deinit(&chain.next);
}

static void test_free_within_callback(void **state)
{
    struct world *world = *state;
    struct result result = {.free_client_in_data = true};
    struct result other = {0};
    result_start(&other, world, (struct http_request){.path = "/never"});
    result_start(&result, world, (struct http_request){.path = "/x", .on_data = result_on_data});
    world_until(world, result.chunks);
    world_turn(world);
    assert_null(world->client);
    assert_int_equal(result.done + other.done, 0);
    result_deinit(&result);
}

static void test_deadline(void **state)
{
    struct world *world = *state;
    struct result result;
    result_get(&result, world, (struct http_request){.path = "/never", .deadline_ms = 30});
    assert_int_equal(result.code, ERROR_TIMEOUT);
    assert_non_null(strstr(result.message, "no answer from unix://"));
    assert_non_null(strstr(result.message, "within 30ms"));
    result_deinit(&result);

    result_get(&result, world, (struct http_request){.path = "/stream", .deadline_ms = 10000});
    assert_int_equal(result.code, ERROR_TIMEOUT);
    assert_int_equal(result.status, 200);
    assert_non_null(strstr(result.message, "was not complete within 10s"));
    result_deinit(&result);
}

static void test_idle(void **state)
{
    struct world *world = *state;
    struct result result;
    result_get(&result, world, (struct http_request){.path = "/never", .idle_ms = 30, .deadline_ms = 60000});
    assert_int_equal(result.code, ERROR_TIMEOUT);
    assert_non_null(strstr(result.message, "no byte from unix://"));
    assert_non_null(strstr(result.message, "for 30ms"));
    result_deinit(&result);
}

static void test_reply_bound(void **state)
{
    struct world *world = *state;
    struct result result;
    struct http_request request = {
        .path = "/stream", .reply_max_bytes = 5, .reply_max_name = "LIMIT_TEST_BYTES"};
    result = (struct result){0};
    request.on_headers = result_on_headers;
    result_start(&result, world, request);
    world_until(world, result.headers_seen);
    assert_int_equal(http_stream_write(world->server, world->last_exchange, "12345", 5), 0);
    world_turn(world);
    assert_int_equal(result.done, 0);
    assert_int_equal(http_stream_write(world->server, world->last_exchange, "6", 1), 0);
    world_until(world, result.done);
    assert_int_equal(result.code, ERROR_LIMIT);
    assert_non_null(strstr(result.message, "larger than LIMIT_TEST_BYTES, 5 bytes"));
    result_deinit(&result);
}

static void expect_raw(struct world *world, const char *say, int code, const char *words)
{
    struct raw_peer peer;
    struct result result;
    raw_peer_init(&peer, world, say, true);
    result_get(&result, world, (struct http_request){.endpoint = &peer.endpoint, .path = "/"});
    if (result.code != code || !strstr(result.message, words))
        fail_msg("\"%s\": %s: %s", say ? say : "", result.code ? "wrong error" : "no error", result.message);
    assert_non_null(strstr(result.message, "/raw"));
    result_deinit(&result);
    raw_peer_deinit(&peer);
}

static void test_broken_replies(void **state)
{
    struct world *world = *state;
    expect_raw(world, "SSH-2.0-OpenSSH_9.2\r\n", ERROR_PROTOCOL, "is not HTTP");
    expect_raw(world, "\x16\x03\x01", ERROR_PROTOCOL, "is not HTTP");
    expect_raw(world, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", ERROR_IO,
               "in the middle of the reply");
    expect_raw(world, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal", ERROR_IO,
               "in the middle of the reply");
    expect_raw(world, "HTTP/1.1 200 OK\r\nContent-Len", ERROR_IO, "in the middle of the reply");
    expect_raw(world, NULL, ERROR_UNAVAILABLE, "without an answer");
}

static void test_header_bound(void **state)
{
    struct world *world = *state;
    char *say CLEANUP_FREE = memory_alloc(100000);
    int at = sprintf(say, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 1500; i++)
        at += sprintf(say + at, "X-%d: 012345678901234567890123456789012345678901234567\r\n", i);
    strcpy(say + at, "\r\n");
    expect_raw(world, say, ERROR_LIMIT, "LIMIT_HTTP_REPLY_HEADER_BYTES");
}

static void test_interim_reply_and_body_until_close(void **state)
{
    struct world *world = *state;
    struct raw_peer peer;
    struct result result = {0};
    raw_peer_init(&peer, world,
                  "HTTP/1.1 102 Processing\r\nX-Test: interim\r\n\r\nHTTP/1.1 404 Not Found\r\nX-Test:  "
                  "final \r\n\r\nbody",
                  true);
    result_start(
        &result, world,
        (struct http_request){.endpoint = &peer.endpoint, .path = "/", .on_headers = result_on_headers});
    world_until(world, result.done);
    assert_int_equal(result.code, 0);
    assert_int_equal(result.status, 404);
    assert_int_equal(result.headers_seen, 1);
    assert_string_equal(result.header, "final");
    assert_string_equal(result.body, "body");
    result_deinit(&result);
    raw_peer_deinit(&peer);
}

static void expect_refused(struct world *world, const char *url, int code, const char *words)
{
    struct http_endpoint endpoint;
    struct result result;
    assert_int_equal(http_endpoint_init(&endpoint, url, NULL), 0);
    result_get(&result, world, (struct http_request){.endpoint = &endpoint, .path = "/"});
    if (result.code != code || !strstr(result.message, words))
        fail_msg("%s: %d %s", url, result.code, result.message);
    result_deinit(&result);
    http_endpoint_deinit(&endpoint);
}

static void test_cannot_connect(void **state)
{
    struct world *world = *state;
    char *missing CLEANUP_FREE = memory_printf("unix://%s/missing", world->dir);
    expect_refused(world, missing, ERROR_UNAVAILABLE, "/missing: No such file or directory");
    expect_refused(world, "tcp://127.0.0.1:1", ERROR_UNAVAILABLE,
                   "cannot connect to tcp://127.0.0.1:1: Connection refused");
}

static void test_header_lines(void **state)
{
    struct world *world = *state;
    struct result result;
    const char *bad[] = {"X-A: b\r\nX-C: d", NULL};
    const char *good[] = {"Content-Type: text/x-own", NULL};
    result_get(&result, world, (struct http_request){.path = "/", .headers = bad});
    assert_int_equal(result.code, ERROR_INVALID);
    assert_int_equal(world->handled, 0);
    result_deinit(&result);
    result_get(&result, world, (struct http_request){.path = "/", .headers = good});
    assert_string_equal(result.body, "GET / q=- type=text/x-own ");
    result_deinit(&result);
    result_get(&result, world, (struct http_request){.path = "/a b\n"});
    assert_int_equal(result.code, ERROR_INVALID);
    result_deinit(&result);
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
        TEST(test_get_and_post),
        TEST(test_connection_is_reused),
        TEST(test_requests_run_side_by_side),
        TEST(test_connection_limit_makes_requests_wait),
        TEST(test_stream_comes_in_chunks),
        TEST(test_cancel_before_and_during),
        TEST(test_cancel_in_own_callback),
        TEST(test_request_and_cancel_within_callback),
        TEST(test_free_within_callback),
        TEST(test_deadline),
        TEST(test_idle),
        TEST(test_reply_bound),
        TEST(test_broken_replies),
        TEST(test_header_bound),
        TEST(test_interim_reply_and_body_until_close),
        TEST(test_cannot_connect),
        TEST(test_header_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
