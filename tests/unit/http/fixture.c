#include "fixture.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* --- the handler ---------------------------------------------------------------------------------------- */

static void on_stream_closed(void *data, uint64_t id)
{
    struct world *world = data;
    assert_int_equal(http_stream_write(world->server, id, "x", 1), ERROR_NOT_FOUND);
    world->streams_closed++;
}

static void reply_echo(struct http_exchange *exchange)
{
    size_t len;
    const char *body = http_exchange_body(exchange, &len);
    const char *query = http_exchange_query(exchange, "q");
    const char *type = http_exchange_header(exchange, "content-type");
    char *text CLEANUP_FREE =
        memory_printf("%s %s q=%s type=%s %s", http_exchange_method(exchange), http_exchange_path(exchange),
                      query ? query : "-", type ? type : "-", len < 100 ? body : "");
    http_exchange_add_header(exchange, "X-Test", "yes");
    http_exchange_add_header(exchange, "X-Split", "a\r\nX-Injected: b");
    http_reply(exchange, 200, "text/plain", text, strlen(text));
}

static void handle(void *data, struct http_exchange *exchange)
{
    struct world *world = data;
    const char *path = http_exchange_path(exchange);
    const char *first;
    world->handled++;
    world->twice = http_exchange_headers(exchange, "X-Twice", &first);
    world->last_exchange = http_exchange_id(exchange);
    if (text_equal(path, "/free"))
        http_server_free(TAKE(world->server));
    if (text_equal(path, "/never") || text_equal(path, "/free"))
        return;
    if (!text_equal(path, "/stream")) {
        reply_echo(exchange);
        return;
    }
    http_exchange_add_header(exchange, "X-Test", "stream");
    if (http_stream_start(exchange, 200, "text/plain", on_stream_closed, world) < 0)
        http_reply(exchange, 503, NULL, NULL, 0);
}

/* --- the world ------------------------------------------------------------------------------------------ */

static void on_patience(uv_timer_t *timer)
{
    const struct world *world = timer->data;
    if (uv_now(&world->loop) > world->patience_end_ms)
        fail_msg("nothing happened for %d ms", WORLD_PATIENCE_MS);
}

void world_init(struct world *world, const struct http_server_options *options)
{
    struct http_server_options chosen = options ? *options : (struct http_server_options){0};
    struct error err = ERROR_INIT;
    *world = (struct world){.dir = "/tmp/davit-http-XXXXXX"};
    assert_non_null(mkdtemp(world->dir));
    snprintf(world->address, sizeof world->address, "unix://%s/s", world->dir);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    uv_timer_init(&world->loop, &world->patience);
    world->patience.data = world;
    world->client = http_client_new(&world->loop, NULL);
    if (!chosen.listen && !chosen.listen_fd)
        chosen.listen = world->address;
    chosen.handle = handle;
    chosen.data = world;
    if (http_server_new(&world->loop, &chosen, &world->server, &err) < 0)
        fail_msg("%s", error_text(&err));
    assert_int_equal(http_endpoint_init(&world->endpoint, http_server_address(world->server), NULL), 0);
}

void world_deinit(struct world *world)
{
    char *lock CLEANUP_FREE = memory_printf("%s/s.lock", world->dir);
    if (world->client)
        http_client_free(world->client);
    if (world->server)
        http_server_free(world->server);
    uv_close((uv_handle_t *)&world->patience, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    http_endpoint_deinit(&world->endpoint);
    unlink(lock);
    assert_int_equal(rmdir(world->dir), 0);
}

void world_begin_wait(struct world *world)
{
    uv_update_time(&world->loop);
    world->patience_end_ms = uv_now(&world->loop) + WORLD_PATIENCE_MS;
    uv_timer_start(&world->patience, on_patience, 1, 1);
}

void world_end_wait(struct world *world)
{
    uv_timer_stop(&world->patience);
}

void world_turn(struct world *world)
{
    for (int i = 0; i < 8; i++)
        uv_run(&world->loop, UV_RUN_NOWAIT);
}

/* --- requests ------------------------------------------------------------------------------------------- */

static void keep(struct result *result, const char *bytes, size_t len)
{
    result->body = memory_realloc(result->body, result->body_len + len + 1, 1);
    if (len)
        memcpy(result->body + result->body_len, bytes, len);
    result->body_len += len;
    result->body[result->body_len] = '\0';
}

static void on_done(void *data, const struct http_reply *reply)
{
    struct result *result = data;
    const char *header = http_reply_header(reply, "x-test");
    result->done++;
    result->code = reply->error.code;
    result->status = reply->status;
    strcpy(result->message, reply->error.message);
    snprintf(result->header, sizeof result->header, "%s", header ? header : "");
    assert_null(http_reply_header(reply, "X-Injected"));
    keep(result, reply->body, reply->body_len);
}

void result_on_data(void *data, const char *bytes, size_t len)
{
    struct result *result = data;
    result->chunks++;
    keep(result, bytes, len);
    if (result->cancel_in_data)
        http_cancel(result->world->client, result->id);
    if (result->free_client_in_data)
        http_client_free(TAKE(result->world->client));
}

void result_on_headers(void *data, const struct http_reply *reply)
{
    struct result *result = data;
    assert_true(reply->status >= 200);
    result->headers_seen++;
    if (result->cancel_in_headers)
        http_cancel(result->world->client, result->id);
}

void result_start(struct result *result, struct world *world, struct http_request request)
{
    result->world = world;
    request.data = result;
    request.done = on_done;
    if (!request.endpoint)
        request.endpoint = &world->endpoint;
    result->id = http_request(world->client, &request);
    assert_int_not_equal(result->id, 0);
    assert_int_equal(result->done, 0);
}

void result_get(struct result *result, struct world *world, struct http_request request)
{
    *result = (struct result){0};
    result_start(result, world, request);
    world_until(world, result->done);
}

void result_deinit(struct result *result)
{
    free(result->body);
    *result = (struct result){0};
}

/* --- raw ends ------------------------------------------------------------------------------------------- */

static void on_raw_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(memory_alloc(4096), 4096);
}

static void on_raw_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct raw_peer *peer = stream->data;
    free(buf->base);
    if (len > 0 && peer->say) {
        uv_buf_t words = uv_buf_init((char *)(uintptr_t)peer->say, (unsigned)strlen(peer->say));
        assert_int_equal(uv_try_write(stream, &words, 1), (int)words.len);
    }
    if ((len > 0 && peer->hangs_up) || len < 0) {
        peer->connected = false;
        uv_close((uv_handle_t *)stream, NULL);
    }
}

static void on_raw_connection(uv_stream_t *listener, int status)
{
    struct raw_peer *peer = listener->data;
    assert_int_equal(status, 0);
    assert_false(peer->connected);
    uv_pipe_init(listener->loop, &peer->connection, 0);
    peer->connection.data = peer;
    peer->connected = true;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&peer->connection), 0);
    uv_read_start((uv_stream_t *)&peer->connection, on_raw_alloc, on_raw_read);
}

void raw_peer_init(struct raw_peer *peer, struct world *world, const char *say, bool hangs_up)
{
    char *address CLEANUP_FREE = memory_printf("unix://%s/raw", world->dir);
    *peer = (struct raw_peer){.say = say, .hangs_up = hangs_up};
    uv_pipe_init(&world->loop, &peer->listener, 0);
    peer->listener.data = peer;
    assert_int_equal(uv_pipe_bind(&peer->listener, address + strlen("unix://")), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&peer->listener, 8, on_raw_connection), 0);
    assert_int_equal(http_endpoint_init(&peer->endpoint, address, NULL), 0);
}

void raw_peer_deinit(struct raw_peer *peer)
{
    uv_loop_t *loop = peer->listener.loop;
    if (peer->connected)
        uv_close((uv_handle_t *)&peer->connection, NULL);
    uv_close((uv_handle_t *)&peer->listener, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    http_endpoint_deinit(&peer->endpoint);
}

int raw_connect(struct world *world, const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", world->dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
    return fd;
}

ssize_t raw_read(struct world *world, int fd, char *space, size_t space_bytes)
{
    ssize_t len;
    world_until(world, (len = recv(fd, space, space_bytes, MSG_DONTWAIT)) >= 0 || errno != EAGAIN);
    return len;
}
