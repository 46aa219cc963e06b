/* Equal parts of manifests, kept once: thousands of services repeat the same logging, checks and variables,
 * and a JSON object of two members takes half a kilobyte. What is shared is never changed. Pure.
 */
#pragma once

#include "base/map.h"

#include <jansson.h>
#include <stddef.h>

struct kind_pool {
    struct map values; /* hash in hex -> json_t, which holds values of the pool */
    size_t swept_len;  /* what the last sweep left */
};

#define KIND_POOL_INIT ((struct kind_pool){.values = MAP_INIT(json_decref)})

void kind_pool_deinit(struct kind_pool *pool);
/* Replaces the arrays and objects inside `object`, but for the member `except` (NULL is none), by equal ones
 * that the pool has, and adds the others to the pool. */
void kind_pool_share(struct kind_pool *pool, json_t *object, const char *except);
/* Lets go of what nobody else holds, when the pool has doubled since the last time. */
void kind_pool_sweep(struct kind_pool *pool);
