/* Equal steps of one piece of work, on several threads at once; the caller's is one of them, and all others
 * have ended when the call returns. What a step changes is its own or its worker's: there are no locks. */
#pragma once

#include <stddef.h>

#define PARALLEL_WORKERS 8 /* more wait for memory, not for each other */

/* Processors that this process may use, 1 to PARALLEL_WORKERS. */
size_t parallel_workers(void);

/* Steps 0 to len - 1, each once, in any order, by up to `workers` threads, numbered from 0: the caller's. A
 * thread that cannot be started leaves its share to the others. */
void parallel_each(size_t len, size_t workers, void (*step)(void *data, size_t worker, size_t i), void *data);
