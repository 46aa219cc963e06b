/* Tells at once when somebody sets the wall clock, or the machine wakes from sleep; nothing is polled. */
#pragma once

#include <uv.h>

struct clock_watch {
    uv_poll_t poll;
    int fd;
    void (*set)(void *data);
    void *data;
};

/* `set` is called from the loop. 0, or a negative errno: then closing it does nothing. */
int clock_watch_init(struct clock_watch *watch, uv_loop_t *loop, void (*set)(void *data), void *data);
/* Closes the handle; the memory must stay until the loop has run. */
void clock_watch_close(struct clock_watch *watch);
