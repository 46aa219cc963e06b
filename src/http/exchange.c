#include "http/exchange.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define STREAM_BLOCK_BYTES 16384

static int connection_fd(const struct http_exchange *exchange)
{
    return MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* --- waiting: a suspended connection costs nothing until it is resumed ---------------------------------- */

static void resume(struct http_exchange *exchange)
{
    if (!exchange->suspended)
        return;
    exchange->suspended = false;
    if (exchange->watch)
        uv_poll_stop(&exchange->watch->poll);
    MHD_resume_connection(exchange->connection);
    http_server_wake(exchange->server);
}

static void on_gone(uv_poll_t *poll, int status, int events)
{
    struct gone_watch *watch = poll->data;
    (void)status;
    (void)events;
    http_exchange_abandon(watch->exchange);
}

static void free_watch(uv_handle_t *handle)
{
    free(handle->data);
}

/* Without a watch (the loop refuses the descriptor) a departure is noticed at the next write. */
static struct gone_watch *new_watch(struct http_exchange *exchange)
{
    struct gone_watch *watch = NEW(struct gone_watch);
    if (uv_poll_init(exchange->server->loop, &watch->poll, connection_fd(exchange)) < 0) {
        free(watch);
        return NULL;
    }
    watch->exchange = exchange;
    watch->poll.data = watch;
    return watch;
}

static void suspend(struct http_exchange *exchange)
{
    assert(!exchange->suspended);
    exchange->suspended = true;
    MHD_suspend_connection(exchange->connection);
    if (!exchange->watch)
        exchange->watch = new_watch(exchange);
    if (exchange->watch)
        uv_poll_start(&exchange->watch->poll, UV_DISCONNECT, on_gone);
}

void http_exchange_abandon(struct http_exchange *exchange)
{
    exchange->state = EXCHANGE_GONE;
    resume(exchange);
}

enum MHD_Result http_exchange_continue(struct http_exchange *exchange)
{
    if (exchange->state == EXCHANGE_GONE)
        return MHD_NO;
    if (!exchange->response) {
        suspend(exchange);
        return MHD_YES;
    }
    enum MHD_Result result = MHD_queue_response(exchange->connection, exchange->status, exchange->response);
    MHD_destroy_response(exchange->response);
    exchange->response = NULL;
    return result;
}

/* --- life ----------------------------------------------------------------------------------------------- */

struct http_exchange *http_exchange_new(struct http_server *server, struct MHD_Connection *connection)
{
    struct http_exchange *exchange = NEW(struct http_exchange);
    *exchange = (struct http_exchange){
        .id = ++server->last_id,
        .server = server,
        .connection = connection,
        .body = BUFFER_INIT(LIMIT_API_REQUEST_BYTES),
        .queue = BUFFER_INIT(server->options.stream_queue_bytes),
    };
    vector_push(&server->exchanges, exchange);
    return exchange;
}

static void forget(struct http_server *server, const struct http_exchange *exchange)
{
    for (size_t i = 0; i < server->exchanges.len; i++) {
        if (server->exchanges.items[i] == exchange) {
            vector_remove(&server->exchanges, i);
            return;
        }
    }
}

void http_exchange_end(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    forget(server, exchange);
    server->streams -= exchange->is_stream;
    if (exchange->on_close)
        exchange->on_close(exchange->data, exchange->id);
    if (exchange->watch)
        uv_close((uv_handle_t *)&exchange->watch->poll, free_watch);
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    buffer_deinit(&exchange->body);
    buffer_deinit(&exchange->queue);
    string_vec_deinit(&exchange->headers);
    free(exchange);
}

static struct http_exchange *find(const struct http_server *server, uint64_t id, enum exchange_state state)
{
    for (size_t i = 0; i < server->exchanges.len; i++) {
        struct http_exchange *exchange = server->exchanges.items[i];
        if (exchange->id == id)
            return exchange->state == state ? exchange : NULL;
    }
    return NULL;
}

struct http_exchange *http_server_find(const struct http_server *server, uint64_t id)
{
    assert(server);
    return find(server, id, EXCHANGE_WAITING);
}

/* --- the request ---------------------------------------------------------------------------------------- */

uint64_t http_exchange_id(const struct http_exchange *exchange)
{
    return exchange->id;
}

const char *http_exchange_method(const struct http_exchange *exchange)
{
    return exchange->method;
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
    return exchange->path;
}

const char *http_exchange_query(const struct http_exchange *exchange, const char *name)
{
    const char *value = NULL;
    if (MHD_lookup_connection_value_n(exchange->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value,
                                      NULL) != MHD_YES)
        return NULL;
    return value ? value : "";
}

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

struct header_count {
    const char *name;
    unsigned count;
};

static enum MHD_Result count_header(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct header_count *headers = data;
    (void)kind;
    (void)value;
    headers->count += strcasecmp(name, headers->name) == 0;
    return MHD_YES;
}

unsigned http_exchange_headers(const struct http_exchange *exchange, const char *name, const char **ret_first)
{
    struct header_count headers = {name, 0};
    *ret_first = http_exchange_header(exchange, name);
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, count_header, &headers);
    return headers.count;
}

const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_len)
{
    if (ret_len)
        *ret_len = exchange->body.len;
    return buffer_str(&exchange->body);
}

bool http_exchange_is_unix(const struct http_exchange *exchange)
{
    return exchange->server->listener.is_unix;
}

/* --- the answer ----------------------------------------------------------------------------------------- */

void http_exchange_add_header(struct http_exchange *exchange, const char *name, const char *value)
{
    assert(exchange && name && value);
    vector_push(&exchange->headers, memory_strdup(name));
    vector_push(&exchange->headers, memory_strdup(value));
}

static void answer(struct http_exchange *exchange, struct MHD_Response *response, unsigned status,
                   const char *content_type)
{
    if (!response)
        abort(); /* out of memory */
    if (content_type)
        http_exchange_add_header(exchange, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    for (size_t i = 0; i + 1 < exchange->headers.len; i += 2)
        MHD_add_response_header(response, exchange->headers.items[i], exchange->headers.items[i + 1]);
    exchange->response = response;
    exchange->status = status;
    resume(exchange);
}

void http_reply(struct http_exchange *exchange, unsigned status, const char *content_type, const void *body,
                size_t len)
{
    assert(exchange && exchange->state == EXCHANGE_WAITING);
    assert(body || len == 0);
    assert(status >= 200 && status <= 599);
    exchange->state = EXCHANGE_ANSWERED;
    /* MUST_COPY reads from the pointer only */
    void *bytes = (void *)(uintptr_t)(len ? body : "");
    answer(exchange, MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_MUST_COPY), status,
           content_type);
}

/* --- streams -------------------------------------------------------------------------------------------- */

/* libmicrohttpd asks for the next bytes. With none to give the connection sleeps until there are. */
static ssize_t on_read(void *data, uint64_t offset, char *space, size_t space_bytes)
{
    struct http_exchange *exchange = data;
    (void)offset;
    if (exchange->state == EXCHANGE_GONE)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t len = exchange->queue.len < space_bytes ? exchange->queue.len : space_bytes;
    if (len) {
        memcpy(space, exchange->queue.data, len);
        buffer_consume(&exchange->queue, len);
        return (ssize_t)len;
    }
    if (exchange->state == EXCHANGE_DRAINING)
        return MHD_CONTENT_READER_END_OF_STREAM;
    suspend(exchange);
    return 0;
}

int http_stream_start(struct http_exchange *exchange, unsigned status, const char *content_type,
                      void (*on_close)(void *data, uint64_t id), void *data)
{
    assert(exchange && exchange->state == EXCHANGE_WAITING);
    struct http_server *server = exchange->server;
    if (server->streams >= server->options.max_streams)
        return ERROR_LIMIT;
    server->streams++;
    exchange->is_stream = true;
    exchange->state = EXCHANGE_STREAMING;
    exchange->on_close = on_close;
    exchange->data = data;
    answer(exchange,
           MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, on_read, exchange, NULL),
           status, content_type);
    return 0;
}

int http_stream_write(struct http_server *server, uint64_t id, const void *bytes, size_t len)
{
    assert(server);
    struct http_exchange *exchange = find(server, id, EXCHANGE_STREAMING);
    if (!exchange)
        return ERROR_NOT_FOUND;
    int r = buffer_append(&exchange->queue, bytes, len);
    if (r < 0) {
        shutdown(connection_fd(exchange), SHUT_RDWR); /* ends the wait for its reader */
        http_exchange_abandon(exchange);
        return r;
    }
    if (len)
        resume(exchange);
    return 0;
}

void http_stream_end(struct http_server *server, uint64_t id)
{
    assert(server);
    struct http_exchange *exchange = find(server, id, EXCHANGE_STREAMING);
    if (!exchange)
        return;
    exchange->state = EXCHANGE_DRAINING;
    exchange->on_close = NULL;
    resume(exchange);
}
