#include "http/client_loop.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

/* One socket that curl waits for. Outlives its place in curl until uv has closed the handle. */
struct socket_watch {
    uv_poll_t poll;
    struct http_loop *loop;
    curl_socket_t fd;
};

static void turn(struct http_loop *loop, curl_socket_t fd, int events)
{
    int running;
    assert(!loop->inside);
    loop->inside = true;
    curl_multi_socket_action(loop->multi, fd, events, &running);
    loop->inside = false;
    loop->settle(loop->data);
}

static void on_timer(uv_timer_t *timer)
{
    turn(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct socket_watch *watch = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    turn(watch->loop, watch->fd, flags);
}

/* curl: wake me after that many milliseconds. It must not be called from here, so 0 is a timer as well. */
static int set_timer(CURLM *multi, long timeout_ms, void *data)
{
    struct http_loop *loop = data;
    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&loop->timer);
    else
        uv_timer_start(&loop->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static void free_watch(uv_handle_t *handle)
{
    free(handle->data);
}

/* NULL when the loop cannot watch this descriptor. */
static struct socket_watch *new_watch(struct http_loop *loop, curl_socket_t fd)
{
    struct socket_watch *watch = NEW(struct socket_watch);
    watch->loop = loop;
    watch->fd = fd;
    if (uv_poll_init_socket(loop->uv, &watch->poll, fd) < 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    curl_multi_assign(loop->multi, fd, watch);
    return watch;
}

/* curl: watch this socket for `what`. -1 makes curl fail its transfers instead of waiting for ever. */
static int set_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct http_loop *loop = data;
    struct socket_watch *watch = socket_data;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch)
            uv_close((uv_handle_t *)&watch->poll, free_watch);
        return 0;
    }
    if (!watch)
        watch = new_watch(loop, fd);
    if (!watch)
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&watch->poll, events, on_socket) < 0 ? -1 : 0;
}

void http_loop_init(struct http_loop *loop)
{
    assert(loop && loop->uv && loop->settle && loop->closed);
    loop->multi = curl_multi_init();
    if (!loop->multi)
        abort(); /* out of memory */
    uv_timer_init(loop->uv, &loop->timer);
    loop->timer.data = loop;
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_loop *loop = handle->data;
    loop->closed(loop->data);
}

void http_loop_close(struct http_loop *loop)
{
    assert(!loop->inside);
    curl_multi_cleanup(loop->multi);
    loop->multi = NULL;
    uv_close((uv_handle_t *)&loop->timer, on_closed);
}
