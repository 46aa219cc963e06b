/* Memory that only a start or a load needed, heap and mapped code, goes back to the system when the program
 * has come to rest: a daemon that waits is to be small.
 */
#pragma once

#include <uv.h>

struct thrift {
    uv_timer_t timer;
};

/* Before there are threads: one heap for all, so that what one thread frees serves the others. */
void thrift_prepare(void);
void thrift_init(struct thrift *thrift, uv_loop_t *loop);
/* Work was done: wait for the rest after it. */
void thrift_postpone(struct thrift *thrift);
/* Closes the timer; the memory must stay until the loop has run. */
void thrift_close(struct thrift *thrift);
