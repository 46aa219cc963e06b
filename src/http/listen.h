/* Makes the socket a server listens on: a unix socket, a loopback address or, on demand, any IP address. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct http_listener {
    int fd; /* -1 when handed on */
    bool is_unix;
    uint16_t port;   /* 0 for a unix socket */
    char *address;   /* "unix:///path", "tcp://127.0.0.1:port" */
    char *unix_path; /* of a socket that was made here and is to be removed; else NULL */
    dev_t unix_dev;  /* which file that is: another's is not removed */
    ino_t unix_ino;
    int lock_fd; /* -1: none */
};

/* See http_server_options. */
struct http_listen_place {
    const char *address;
    const char *group;
    bool any; /* not only loopback addresses */
};

/* See http_server_options and http_server_new() for addresses and errors. */
int http_listener_open(struct http_listener *listener, const struct http_listen_place *place,
                       struct error *err);
/* Takes a socket that listens already; it stays the caller's on failure. */
int http_listener_adopt(struct http_listener *listener, int fd, struct error *err);
/* Removes the unix socket, closes what is still held. */
void http_listener_deinit(struct http_listener *listener);
