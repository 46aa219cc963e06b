#include "base/parallel.h"

#include "base/memory.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

struct work {
    void (*step)(void *data, size_t worker, size_t i);
    void *data;
    size_t len;
    atomic_size_t next;
};

struct worker {
    struct work *work;
    size_t number;
    pthread_t thread;
    bool started;
};

size_t parallel_workers(void)
{
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof usable, &usable) < 0)
        return 1;
    size_t count = (size_t)CPU_COUNT(&usable);
    return count > PARALLEL_WORKERS ? PARALLEL_WORKERS : count;
}

static void *run(void *data)
{
    const struct worker *worker = data;
    struct work *work = worker->work;
    for (size_t i; (i = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed)) < work->len;)
        work->step(work->data, worker->number, i);
    return NULL;
}

void parallel_each(size_t len, size_t workers, void (*step)(void *data, size_t worker, size_t i), void *data)
{
    assert(step && workers > 0);
    struct work work = {.step = step, .data = data, .len = len};
    struct worker *all CLEANUP_FREE = memory_calloc(workers, sizeof *all);
    for (size_t i = workers; i-- > 0;) {
        all[i] = (struct worker){.work = &work, .number = i};
        all[i].started = i > 0 && i < len && pthread_create(&all[i].thread, NULL, run, &all[i]) == 0;
    }
    run(&all[0]);
    for (size_t i = 1; i < workers; i++)
        if (all[i].started)
            pthread_join(all[i].thread, NULL);
}
