/* An HTTP/1.1 client on a libuv loop: libcurl's multi interface, driven by uv_poll and uv_timer.
 *
 * It never blocks the loop, keeps connections for reuse, follows no redirects, and calls back from the loop
 * only, never from within http_request(). All callbacks may call every function of this header. The process
 * must ignore SIGPIPE: TLS writes to a closed connection raise it.
 */
#pragma once

#include "base/error.h"
#include "http/endpoint.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http_client;

/* Zero means the default. */
struct http_client_options {
    unsigned max_connections;          /* open at once; requests beyond wait their turn. Default: no bound */
    unsigned max_connections_per_host; /* likewise, per host and port; unix sockets count as one host.
                                          Default: no bound */
    unsigned max_idle_connections;     /* kept for reuse. Default 64 */
};

/* Valid during the callback only. */
struct http_reply {
    struct error error; /* code 0: the reply came in whole. Else transport failed, see http_request.done */
    int status;         /* 0 while no status line has come */
    const char *body;   /* ends in a NUL that body_len does not count; empty when on_data took it */
    size_t body_len;
    const char *headers; /* see http_reply_header() */
    size_t headers_len;
};

/* The first header of that name (case ignored), or NULL. Borrowed from the reply. */
const char *http_reply_header(const struct http_reply *reply, const char *name);

/* Everything is copied by http_request(). Zero and NULL mean the default. */
struct http_request {
    const struct http_endpoint *endpoint;
    const char *method;         /* default GET */
    const char *path;           /* "/v1.43/info?x=y", percent-encoded already; default none */
    const char *const *headers; /* "Name: value" lines, NULL at the end */
    const void *body;
    size_t body_len;
    const char *content_type; /* of the body */

    int64_t deadline_ms; /* from http_request() to the last byte, waiting for a connection included; default
                            none */
    int64_t idle_ms;     /* longest time without a byte from the other side; default none */
    size_t reply_max_bytes;     /* of the body; default LIMIT_ENGINE_REPLY_BYTES, or no bound with on_data */
    const char *reply_max_name; /* the bound's name for the message; static storage */

    void *data; /* handed to the callbacks */
    /* When the headers of the final reply are in; status and headers are set. May be NULL. */
    void (*on_headers)(void *data, const struct http_reply *reply);
    /* The body's bytes as they come, of replies with any status. NULL: the body is collected for done. */
    void (*on_data)(void *data, const char *bytes, size_t len);
    /* Once, at the end; not after http_cancel(). A reply with status 500 is a success here: error is
     * transport's. ERROR_UNAVAILABLE: cannot connect, or closed without an answer; ERROR_IO: closed in the
     * middle of the reply; ERROR_TIMEOUT: deadline_ms, idle_ms or LIMIT_HTTP_CONNECT_MS; ERROR_LIMIT:
     * reply_max_bytes or LIMIT_HTTP_REPLY_HEADER_BYTES; ERROR_PROTOCOL: the answer is not HTTP; ERROR_DENIED:
     * permission on the socket, TLS; ERROR_INVALID: what was asked cannot be sent. Messages begin with or
     * contain the endpoint's name. */
    void (*done)(void *data, const struct http_reply *reply);
};

/* NULL options are the defaults. */
struct http_client *http_client_new(uv_loop_t *loop, const struct http_client_options *options);

/* Cancels all requests (no callback is called any more), closes connections and begins to close the uv
 * handles. The memory is released by the loop, which must therefore be run on until uv_loop_close() succeeds
 * or has nothing left. */
void http_client_free(struct http_client *client);

/* Starts a request. Returns its id, never 0 and never used again. Failures of any kind come through done. */
uint64_t http_request(struct http_client *client, const struct http_request *request);

/* Withdraws a request: none of its callbacks is called after this, done included. An id that is done or
 * unknown is ignored. */
void http_cancel(struct http_client *client, uint64_t id);

/* Requests that are neither done nor canceled. */
size_t http_client_requests(const struct http_client *client);
