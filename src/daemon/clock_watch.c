#include "daemon/clock_watch.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NEVER_S INT64_MAX /* the kernel takes it for the end of time */

/* A timer that is never due, but is cancelled with each change of the clock. */
static int arm(int fd)
{
    const struct itimerspec never = {.it_value = {.tv_sec = NEVER_S}};
    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0 ? -errno : 0;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct clock_watch *watch = poll->data;
    uint64_t ticks;
    (void)events;
    if (status < 0 || read(watch->fd, &ticks, sizeof ticks) >= 0 || errno != ECANCELED)
        return;
    arm(watch->fd);
    watch->set(watch->data);
}

int clock_watch_init(struct clock_watch *watch, uv_loop_t *loop, void (*set)(void *data), void *data)
{
    assert(watch);
    assert(set);
    *watch = (struct clock_watch){.set = set, .data = data};
    watch->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    int r = watch->fd < 0 ? -errno : arm(watch->fd);
    if (r == 0)
        r = uv_poll_init(loop, &watch->poll, watch->fd);
    if (r < 0) {
        if (watch->fd >= 0)
            close(watch->fd);
        watch->fd = -1;
        return r;
    }
    watch->poll.data = watch;
    uv_poll_start(&watch->poll, UV_READABLE, on_readable);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct clock_watch *watch = handle->data;
    close(watch->fd);
}

void clock_watch_close(struct clock_watch *watch)
{
    assert(watch);
    if (watch->fd >= 0)
        uv_close((uv_handle_t *)&watch->poll, on_closed);
}
