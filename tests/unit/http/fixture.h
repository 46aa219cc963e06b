/* One loop with a client, a server and a raw peer that says whatever a test wants, on unix sockets of a new
 * directory.
 */
#pragma once

#include "http/client.h"
#include "http/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <cmocka.h> /* after the four that it needs */

#define WORLD_PATIENCE_MS 120000 /* a test that waits longer has failed */

struct world {
    uv_loop_t loop;
    uv_timer_t patience; /* ticks while a test waits, so that conditions are looked at */
    uint64_t patience_end_ms;
    struct http_client *client;
    struct http_server *server;
    struct http_endpoint endpoint; /* the server's */
    char dir[32];
    char address[64]; /* unix://<dir>/s */
    /* the handler's */
    unsigned handled;
    uint64_t last_exchange; /* of /never and /stream */
    unsigned streams_closed;
    unsigned twice; /* headers X-Twice of the last request */
};

/* A request and what became of it. */
struct result {
    struct world *world;
    uint64_t id;
    unsigned done;
    int code;
    int status;
    char message[LIMIT_ERROR_CHARS];
    char *body; /* or all chunks of a stream */
    size_t body_len;
    char header[64]; /* "X-Test" */
    unsigned headers_seen;
    unsigned chunks;
    bool cancel_in_headers;
    bool cancel_in_data;
    bool free_client_in_data;
};

/* NULL options: the default on world.address. */
void world_init(struct world *world, const struct http_server_options *options);
void world_deinit(struct world *world);
/* Runs the loop until the condition holds; fails the test when patience ends. */
#define world_until(world, condition)                                                                        \
    do {                                                                                                     \
        world_begin_wait(world);                                                                             \
        while (!(condition))                                                                                 \
            uv_run(&(world)->loop, UV_RUN_ONCE);                                                             \
        world_end_wait(world);                                                                               \
    } while (0)
void world_begin_wait(struct world *world);
void world_end_wait(struct world *world);
/* Runs what is ready and does not wait. */
void world_turn(struct world *world);

/* The request's data and callbacks are set here. */
void result_start(struct result *result, struct world *world, struct http_request request);
/* Starts, waits for done. */
void result_get(struct result *result, struct world *world, struct http_request request);
void result_on_data(void *data, const char *bytes, size_t len);
void result_on_headers(void *data, const struct http_reply *reply);
void result_deinit(struct result *result);

/* Listens on <dir>/raw; sends `say` to each connection once it has read something, and closes it if
 * `hangs_up`. */
struct raw_peer {
    uv_pipe_t listener;
    uv_pipe_t connection;
    const char *say;
    bool hangs_up;
    bool connected;
    struct http_endpoint endpoint;
};

void raw_peer_init(struct raw_peer *peer, struct world *world, const char *say, bool hangs_up);
void raw_peer_deinit(struct raw_peer *peer);

/* A blocking connection to the world's server that has sent `text`. */
int raw_connect(struct world *world, const char *text);
/* Runs the loop until fd has something to read or is closed; returns what recv does. */
ssize_t raw_read(struct world *world, int fd, char *space, size_t space_bytes);
