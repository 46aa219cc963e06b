#include "daemon/thrift.h"

#include <malloc.h>

#define REST_MS     5000
#define LARGE_BYTES (1024 * 1024)

void thrift_prepare(void)
{
    mallopt(M_ARENA_MAX, 1);
    /* What is large comes and goes by itself, also after something large was freed: else it leaves holes. */
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
}

static void on_rest(uv_timer_t *timer)
{
    (void)timer;
    malloc_trim(0);
}

void thrift_init(struct thrift *thrift, uv_loop_t *loop)
{
    uv_timer_init(loop, &thrift->timer);
    uv_timer_start(&thrift->timer, on_rest, REST_MS, 0);
}

void thrift_postpone(struct thrift *thrift)
{
    uv_timer_start(&thrift->timer, on_rest, REST_MS, 0);
}

void thrift_close(struct thrift *thrift)
{
    uv_close((uv_handle_t *)&thrift->timer, NULL);
}
