#include "http/server.h"

#include "base/memory.h"
#include "base/text.h"
#include "http/exchange.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A body that is too large is read up to here before the refusal, as a client that is still writing may not
 * read it. */
#define DISCARD_BYTES (8 * LIMIT_API_REQUEST_BYTES)
#define ADDRESS_BYTES 16 /* IPv6; all 0 for a unix socket */
#define PREFIX_BYTES  8  /* of an IPv6 address: what belongs to one site */

/* Freed by uv. */
struct http_connection {
    uv_timer_t timer; /* for the next request: not libmicrohttpd's, which starts anew with every byte */
    int fd;
    uint64_t request_ms;
    uint8_t address[ADDRESS_BYTES];
    bool is_cut;
};

static void shut(struct http_server *server);

/* --- the loop ------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static bool is_full(const struct http_server *server)
{
    return server->connections.len >= server->options.max_connections;
}

static void make_room(const struct http_server *server);

static void run(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    assert(!server->inside);
    bool was_full = is_full(server);
    server->inside = true;
    MHD_run(server->daemon);
    server->inside = false;
    if (!server->closing && is_full(server))
        make_room(server);
    if (server->closing)
        shut(server);
    else if (was_full &&
             !is_full(server)) /* it listens again from its next run on, but does not ask for one */
        http_server_wake(server);
    else if (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES)
        uv_timer_start(&server->timer, on_timer, timeout_ms, 0);
    else
        uv_timer_stop(&server->timer);
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_epoll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

void http_server_wake(struct http_server *server)
{
    if (!server->inside && !server->closing)
        uv_timer_start(&server->timer, on_timer, 0, 0);
}

/* --- connections ---------------------------------------------------------------------------------------- */

/* libmicrohttpd sees the end of the connection. */
static void cut(struct http_connection *connection)
{
    connection->is_cut = true;
    shutdown(connection->fd, SHUT_RDWR);
}

static void on_request_timer(uv_timer_t *timer)
{
    cut(timer->data);
}

static void free_connection(uv_handle_t *handle)
{
    free(handle->data);
}

static void start_request_timer(struct http_connection *connection)
{
    uv_timer_start(&connection->timer, on_request_timer, connection->request_ms, 0);
}

/* Its request is not in, and what has come of it is read. */
static bool is_incomplete(const struct http_connection *connection)
{
    int unread_bytes = 0;
    return uv_is_active((const uv_handle_t *)&connection->timer) &&
           ioctl(connection->fd, FIONREAD, &unread_bytes) == 0 && unread_bytes == 0;
}

static size_t count_of_address(const struct connection_vec *connections, const uint8_t *address)
{
    size_t count = 0;
    for (size_t i = 0; i < connections->len; i++)
        count += memcmp(connections->items[i]->address, address, ADDRESS_BYTES) == 0 &&
                 uv_is_active((const uv_handle_t *)&connections->items[i]->timer);
    return count;
}

/* For whoever is next. Not at the cost of the newest: that was the next. */
static void make_room(const struct http_server *server)
{
    struct http_connection *chosen = NULL;
    size_t most = 0;
    for (size_t i = 0; i + 1 < server->connections.len; i++) {
        struct http_connection *connection = server->connections.items[i];
        if (connection->is_cut) /* its place is about to be free */
            return;
        if (!is_incomplete(connection))
            continue;
        size_t count = count_of_address(&server->connections, connection->address);
        if (count < most ||
            (count == most && uv_timer_get_due_in(&connection->timer) >= uv_timer_get_due_in(&chosen->timer)))
            continue;
        chosen = connection;
        most = count;
    }
    if (chosen)
        cut(chosen);
}

static void take_address(const struct sockaddr *address, uint8_t *bytes)
{
    if (address && address->sa_family == AF_INET) {
        memcpy(bytes, &((const struct sockaddr_in *)address)->sin_addr, sizeof(struct in_addr));
    } else if (address && address->sa_family == AF_INET6) {
        const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
        memcpy(bytes, in6, IN6_IS_ADDR_V4MAPPED(in6) ? sizeof *in6 : PREFIX_BYTES);
    }
}

static struct http_connection *connection_new(struct http_server *server, struct MHD_Connection *mhd)
{
    struct http_connection *connection = NEW(struct http_connection);
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    connection->request_ms = (uint64_t)server->options.request_ms;
    take_address(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
                 connection->address);
    uv_timer_init(server->loop, &connection->timer);
    connection->timer.data = connection;
    vector_push(&server->connections, connection);
    server->connections_accepted++;
    return connection;
}

static void connection_end(struct http_server *server, struct http_connection *connection)
{
    for (size_t i = 0; i < server->connections.len; i++)
        if (server->connections.items[i] == connection) {
            vector_remove(&server->connections, i);
            break;
        }
    uv_close((uv_handle_t *)&connection->timer, free_connection);
}

static void on_connection(void *data, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        connection_end(data, *context);
        return;
    }
    struct http_connection *connection = connection_new(data, mhd);
    *context = connection;
    start_request_timer(connection);
}

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* --- requests ------------------------------------------------------------------------------------------- */

static void refuse_too_large(struct http_exchange *exchange)
{
    char *text CLEANUP_FREE = memory_printf("the request is larger than LIMIT_API_REQUEST_BYTES, %d bytes\n",
                                            LIMIT_API_REQUEST_BYTES);
    exchange->state = EXCHANGE_WAITING;
    http_reply(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "text/plain", text, strlen(text));
}

static enum MHD_Result begin_exchange(struct http_exchange *exchange)
{
    int64_t announced_bytes = 0;
    const char *length = http_exchange_header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (!length || text_to_int64(length, 0, INT64_MAX, &announced_bytes) < 0)
        return MHD_YES;
    if (announced_bytes > LIMIT_API_REQUEST_BYTES)
        exchange->state = EXCHANGE_TOO_LARGE;
    if (announced_bytes <= DISCARD_BYTES)
        return MHD_YES;
    refuse_too_large(exchange); /* and libmicrohttpd closes the connection */
    return http_exchange_continue(exchange);
}

static enum MHD_Result take_body(struct http_exchange *exchange, const char *bytes, size_t len)
{
    if (exchange->state == EXCHANGE_READING && buffer_append(&exchange->body, bytes, len) < 0)
        exchange->state = EXCHANGE_TOO_LARGE;
    if (exchange->state == EXCHANGE_TOO_LARGE)
        exchange->discarded_bytes += len;
    return exchange->discarded_bytes > DISCARD_BYTES ? MHD_NO : MHD_YES;
}

/* A page of a stranger's site may name 127.0.0.1 as its own (DNS rebinding), but not change the Host that its
 * browser sends. */
static bool is_asked_for_loopback(const struct http_exchange *exchange)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *host = http_exchange_header(exchange, "Host");
    if (!host || http_exchange_is_unix(exchange) || exchange->server->options.authenticates)
        return true;
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strlen(names[i]) == len && strncasecmp(host, names[i], len) == 0)
            return true;
    return false;
}

static void hand_over(struct http_exchange *exchange, const char *path, const char *method)
{
    const struct http_server_options *options = &exchange->server->options;
    exchange->path = path;
    exchange->method = method;
    exchange->state = EXCHANGE_WAITING;
    if (!is_asked_for_loopback(exchange)) {
        static const char why[] =
            "this address is asked for by the name localhost, 127.0.0.1 or [::1] only\n";
        http_reply(exchange, 403, "text/plain", why, sizeof why - 1);
        return;
    }
    options->handle(options->data, exchange);
}

/* Called once for the headers, for each part of the body, at its end, and after each resumption before an
 * answer. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **context)
{
    struct http_exchange *exchange = *context;
    (void)version;
    if (!exchange) {
        *context = exchange = http_exchange_new(data, connection);
        return begin_exchange(exchange);
    }
    if (*upload_len) {
        size_t len = *upload_len;
        *upload_len = 0;
        return take_body(exchange, upload, len);
    }
    uv_timer_stop(&connection_of(connection)->timer);
    if (exchange->state == EXCHANGE_TOO_LARGE)
        refuse_too_large(exchange);
    else if (exchange->state == EXCHANGE_READING)
        hand_over(exchange, path, method);
    return http_exchange_continue(exchange);
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why)
{
    (void)data;
    (void)why;
    if (!*context)
        return;
    http_exchange_end(*context);
    *context = NULL;
    start_request_timer(connection_of(connection));
}

/* --- life ----------------------------------------------------------------------------------------------- */

static struct http_server_options with_defaults(const struct http_server_options *options)
{
    struct http_server_options full = *options;
    full.listen = full.group = NULL;
    full.listen_fd = -1;
    if (full.request_ms == 0)
        full.request_ms = LIMIT_HTTP_REQUEST_MS;
    if (full.stream_queue_bytes == 0)
        full.stream_queue_bytes = LIMIT_HTTP_STREAM_QUEUE_BYTES;
    if (full.max_connections == 0)
        full.max_connections = LIMIT_API_CONNECTIONS;
    if (full.max_streams == 0)
        full.max_streams = LIMIT_API_STREAMS;
    return full;
}

static int start_daemon(struct http_server *server, struct error *err)
{
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET,
        server->listener.fd, MHD_OPTION_CONNECTION_LIMIT, server->options.max_connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LIMIT_HTTP_REQUEST_HEADER_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(LIMIT_HTTP_SEND_MS / 1000), MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
    if (!server->daemon)
        return error_set(err, ERROR_IO, "cannot serve on %s", server->listener.address);
    server->listener.fd = -1; /* closed by MHD_stop_daemon() */
    return 0;
}

static void drive(struct http_server *server)
{
    int epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int r = uv_poll_init(server->loop, &server->poll, epoll_fd);
    assert(r == 0);
    r = uv_poll_start(&server->poll, UV_READABLE, on_epoll);
    assert(r == 0);
    (void)r;
    uv_timer_init(server->loop, &server->timer);
    server->poll.data = server;
    server->timer.data = server;
}

int http_server_new(uv_loop_t *loop, const struct http_server_options *options,
                    struct http_server **ret_server, struct error *err)
{
    assert(loop && options && options->handle && ret_server);
    struct http_server *server = NEW(struct http_server);
    server->loop = loop;
    server->options = with_defaults(options);
    const struct http_listen_place place = {options->listen, options->group, options->authenticates};
    int r = options->listen ? http_listener_open(&server->listener, &place, err)
                            : http_listener_adopt(&server->listener, options->listen_fd, err);
    if (r == 0)
        r = start_daemon(server, err);
    if (r < 0) {
        http_listener_deinit(&server->listener);
        free(server);
        return r;
    }
    drive(server);
    *ret_server = server;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    uv_close((uv_handle_t *)&server->timer, on_timer_closed);
}

/* libmicrohttpd does not stop with suspended connections. */
static void shut(struct http_server *server)
{
    uv_poll_stop(&server->poll);
    uv_timer_stop(&server->timer);
    for (size_t i = 0; i < server->exchanges.len; i++)
        http_exchange_abandon(server->exchanges.items[i]);
    server->inside = true;
    MHD_stop_daemon(server->daemon);
    server->inside = false;
    assert(server->exchanges.len == 0 && server->connections.len == 0);
    vector_deinit(&server->exchanges);
    vector_deinit(&server->connections);
    http_listener_deinit(&server->listener);
    uv_close((uv_handle_t *)&server->poll, on_poll_closed);
}

void http_server_free(struct http_server *server)
{
    assert(server && !server->closing);
    server->closing = true;
    if (!server->inside)
        shut(server);
}

const char *http_server_address(const struct http_server *server)
{
    assert(server);
    return server->listener.address;
}

uint16_t http_server_port(const struct http_server *server)
{
    assert(server);
    return server->listener.port;
}

struct http_server_stats http_server_stats(const struct http_server *server)
{
    assert(server);
    return (struct http_server_stats){
        .connections_accepted = server->connections_accepted,
        .connections =
            MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections,
        .streams = server->streams,
    };
}
