/* Drives a curl multi handle by a libuv loop: curl says which sockets and how long, the loop says when. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

struct http_loop {
    uv_loop_t *uv;
    uv_timer_t timer;
    CURLM *multi;
    bool inside; /* curl is on the stack: multi functions must not be called */
    void *data;
    void (*settle)(void *data); /* after each turn of curl, when it is off the stack */
    void (*closed)(void *data);
};

/* The caller has set uv, data, settle and closed. */
void http_loop_init(struct http_loop *loop);
/* Ends multi (all its easy handles must be out); closed() is called when the uv handles are closed. */
void http_loop_close(struct http_loop *loop);
