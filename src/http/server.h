/* An HTTP/1.1 server on a libuv loop: libmicrohttpd with external epoll, one listening socket per server.
 *
 * It has no authentication: whoever reaches the socket is served. So it listens on unix sockets (mode 0660)
 * and on loopback addresses only, unless the handler authenticates each request by itself. While nobody talks
 * to it no timer runs.
 *
 * A request is handed to `handle` when it is in as a whole. It is answered by http_reply() or
 * http_stream_start(), at once or later from the loop. What is kept beyond a callback is the exchange's id:
 * the client may be gone by then. One that has closed its sending side counts as gone.
 *
 * Nobody is kept out by those who connect and send no request, or a part of one. As the last place is taken,
 * one of them is cut off, whatever time it has left: of the address that has the most of them the one that
 * has waited for the longest. An IPv6 address is its /64, whoever has one of these has all. There is no fixed
 * bound for an address: behind a proxy, or on a unix socket, all have the same.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http_server;
struct http_exchange;

/* Borrowed during http_server_new(). Zero means the default. */
struct http_server_options {
    /* "unix:///run/davit/davit.sock", "127.0.0.1:8080", "[::1]:8080" (tcp:// before it is allowed). Port 0
     * takes a free one. NULL: listen_fd is used. */
    const char *listen;
    int listen_fd;      /* a listening unix or loopback socket; owned by the server from success on */
    bool authenticates; /* `handle` does: then `listen` takes any IP address, and any Host is served */
    const char *group;  /* name or number of the group that may use the unix socket; default: the process's */

    void *data; /* handed to handle */
    void (*handle)(void *data, struct http_exchange *exchange);

    int64_t request_ms;        /* default LIMIT_HTTP_REQUEST_MS */
    size_t stream_queue_bytes; /* default LIMIT_HTTP_STREAM_QUEUE_BYTES */
    unsigned max_connections;  /* default LIMIT_API_CONNECTIONS; if all are being answered, more wait
                                * unaccepted */
    unsigned max_streams;      /* default LIMIT_API_STREAMS */
};

/* A stale unix socket is replaced; a lock file (the path with ".lock" behind it) is held as long as the
 * server lives, so of two that start at once one wins. ERROR_EXISTS: another davit is listening there, or a
 * file that is no socket is in the way. ERROR_INVALID: an address that is not loopback. ERROR_NOT_FOUND: no
 * such group. ERROR_DENIED, ERROR_IO. */
int http_server_new(uv_loop_t *loop, const struct http_server_options *options,
                    struct http_server **ret_server, struct error *err);

/* Stops listening, cuts off all connections (on_close of streams is called from here), removes the unix
 * socket and begins to close the uv handles. The memory is released by the loop, which must be run on as
 * after http_client_free(). Within a callback of this server all of that happens when the callback has
 * returned. */
void http_server_free(struct http_server *server);

/* Where it listens, in the form http_endpoint_init() takes: "tcp://127.0.0.1:41234". Borrowed. */
const char *http_server_address(const struct http_server *server);
/* The real port, or 0 for a unix socket. */
uint16_t http_server_port(const struct http_server *server);

struct http_server_stats {
    uint64_t connections_accepted; /* since the start */
    unsigned connections;          /* now */
    unsigned streams;              /* now */
};

struct http_server_stats http_server_stats(const struct http_server *server);

/* --- exchanges: one request and its answer -------------------------------------------------------------- */

/* Never 0, never used again. */
uint64_t http_exchange_id(const struct http_exchange *exchange);
/* The exchange that waits for its answer under that id, or NULL: answered, or the client is gone. */
struct http_exchange *http_server_find(const struct http_server *server, uint64_t id);

/* The following are borrowed and valid until the exchange is answered. */
const char *http_exchange_method(const struct http_exchange *exchange);
/* Percent-decoded, without the query. */
const char *http_exchange_path(const struct http_exchange *exchange);
/* Percent-decoded value of the first parameter of that name; "" for one without a value; NULL when absent. */
const char *http_exchange_query(const struct http_exchange *exchange, const char *name);
/* The first header of that name, case ignored; NULL when absent. */
const char *http_exchange_header(const struct http_exchange *exchange, const char *name);
/* How many headers of that name there are. *ret_first is what http_exchange_header() returns. */
unsigned http_exchange_headers(const struct http_exchange *exchange, const char *name,
                               const char **ret_first);
/* Ends in a NUL that *ret_len does not count; never NULL. ret_len may be NULL. */
const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_len);
/* Whether it came in by a unix socket. */
bool http_exchange_is_unix(const struct http_exchange *exchange);

/* For the reply that follows. A name or value that cannot be a header (a line break in it) is dropped. */
void http_exchange_add_header(struct http_exchange *exchange, const char *name, const char *value);

/* Answers and ends the exchange; the pointer is not to be used afterwards. The body is copied. content_type
 * may be NULL. */
void http_reply(struct http_exchange *exchange, unsigned status, const char *content_type, const void *body,
                size_t len);

/* --- streams: an answer without an end (chunked), known by its exchange's id ---------------------------- */

/* Sends the headers at once. The exchange pointer is not to be used after success. ERROR_LIMIT when
 * max_streams are open: nothing is answered yet, http_reply() a 503. on_close (may be NULL) is called once,
 * when the stream ends by anything but http_stream_end(): the client went away or was too slow, or the server
 * is freed. The id is not valid any more then. It is never called from within http_stream_write(). */
int http_stream_start(struct http_exchange *exchange, unsigned status, const char *content_type,
                      void (*on_close)(void *data, uint64_t id), void *data);

/* Copies the bytes to the stream's queue. ERROR_NOT_FOUND when there is no such stream. ERROR_LIMIT when the
 * queue would pass its bound: the reader is too slow and is cut off, on_close follows from the loop; until
 * then, and for a client that is already known to be gone, the answer is ERROR_NOT_FOUND. */
int http_stream_write(struct http_server *server, uint64_t id, const void *bytes, size_t len);

/* Sends what is queued, then the regular end. Unknown ids are ignored. */
void http_stream_end(struct http_server *server, uint64_t id);
