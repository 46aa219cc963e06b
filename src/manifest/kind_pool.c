#include "manifest/kind_pool.h"

#include "base/digest.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>

#define SWEEP_MIN_LEN 1024

void kind_pool_deinit(struct kind_pool *pool)
{
    assert(pool);
    map_deinit(&pool->values);
}

static bool is_composite(const json_t *value)
{
    return json_is_object(value) || json_is_array(value);
}

/* Takes over the value and returns the one to hold instead. */
static json_t *share(struct kind_pool *pool, json_t *value)
{
    size_t i;
    json_t *item;
    if (json_is_object(value))
        kind_pool_share(pool, value, NULL);
    json_array_foreach (value, i, item)
        if (is_composite(item))
            json_array_set_new(value, i, share(pool, json_incref(item)));
    struct digest digest = digest_of_json(value);
    char key[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, key);
    json_t *known = map_get(&pool->values, key);
    if (!known) {
        map_put(&pool->values, key, json_incref(value));
        return value;
    }
    json_decref(value);
    return json_incref(known);
}

void kind_pool_share(struct kind_pool *pool, json_t *object, const char *except)
{
    assert(pool);
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        json_t *value = json_object_iter_value(at);
        if (is_composite(value) && !text_equal(json_object_iter_key(at), except))
            json_object_iter_set_new(object, at, share(pool, json_incref(value)));
    }
}

void kind_pool_sweep(struct kind_pool *pool)
{
    assert(pool);
    if (pool->values.len < SWEEP_MIN_LEN || pool->values.len < pool->swept_len * 2)
        return;
    /* An array may be all that holds its elements: they go with the next sweep. */
    map_for_each (&pool->values, slot)
        if (((const json_t *)slot->value)->refcount == 1)
            map_remove(&pool->values, slot->key);
    pool->swept_len = pool->values.len;
}
