/* Private to the server: what server.c (daemon, loop) and exchange.c (requests, answers, streams) share. */
#pragma once

#include "base/buffer.h"
#include "base/vector.h"
#include "http/listen.h"
#include "http/server.h"

#include <microhttpd.h>
#include <stdbool.h>

enum exchange_state {
    EXCHANGE_READING,   /* the request comes in */
    EXCHANGE_TOO_LARGE, /* likewise, but it will be refused */
    EXCHANGE_WAITING,   /* handed to the handler, to be answered */
    EXCHANGE_ANSWERED,
    EXCHANGE_STREAMING, /* answered by a stream that its writer may still write to */
    EXCHANGE_DRAINING,  /* a stream that has ended: the rest of its queue is sent */
    EXCHANGE_GONE,      /* the client is gone, or cut off */
};

/* Tells when the client of a suspended connection goes away; libmicrohttpd does not look at those. Freed by
 * uv. */
struct gone_watch {
    uv_poll_t poll;
    struct http_exchange *exchange;
};

struct http_exchange {
    uint64_t id;
    struct http_server *server;
    struct MHD_Connection *connection;
    enum exchange_state state;
    const char *method; /* these two are the connection's */
    const char *path;
    struct buffer body;
    size_t discarded_bytes;
    struct string_vec headers; /* name, value, ... of the answer */
    unsigned status;
    struct MHD_Response *response; /* made, not yet queued */
    bool suspended;
    struct gone_watch *watch; /* made at the first suspension */
    bool is_stream;           /* counts for max_streams */
    struct buffer queue;
    void (*on_close)(void *data, uint64_t id);
    void *data;
};

struct http_connection;

struct http_server {
    uv_loop_t *loop;
    uv_poll_t poll;
    uv_timer_t timer; /* what libmicrohttpd asks for */
    struct MHD_Daemon *daemon;
    struct http_listener listener;
    struct http_server_options options; /* defaults filled in; its strings are not valid any more */
    uint64_t last_id;
    uint64_t connections_accepted;
    struct connection_vec VECTOR_OF(struct http_connection *) connections; /* the newest is last */
    unsigned streams;
    bool inside; /* libmicrohttpd is on the stack */
    bool closing;
    struct exchange_vec VECTOR_OF(struct http_exchange *) exchanges;
};

struct http_exchange *http_exchange_new(struct http_server *server, struct MHD_Connection *connection);
/* Tells the stream's owner, if it does not know yet, and frees. */
void http_exchange_end(struct http_exchange *exchange);
/* Queues the answer if there is one, waits for it if not, closes the connection if the client is gone. */
enum MHD_Result http_exchange_continue(struct http_exchange *exchange);
/* The client is gone: no answer, the connection is closed. */
void http_exchange_abandon(struct http_exchange *exchange);
/* Has libmicrohttpd run again from the loop. */
void http_server_wake(struct http_server *server);
