#include "manifest/kind_pool.h"

#include "base/text.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_MIN_LEN 1024
#define HASH_HEX_SIZE (sizeof "0123456789abcdef")

void kind_pool_deinit(struct kind_pool *pool)
{
    assert(pool);
    map_deinit(&pool->values);
}

static bool is_composite(const json_t *value)
{
    return json_is_object(value) || json_is_array(value);
}

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
    return hash;
}

/* What is inside comes from the pool: its address says which value it is. */
static uint64_t hash_item(uint64_t hash, const json_t *item)
{
    json_int_t number = json_integer_value(item);
    double real = json_real_value(item);
    hash = (hash ^ (unsigned)json_typeof(item)) * 0x100000001b3ULL;
    if (is_composite(item))
        return hash_bytes(hash, &item, sizeof item);
    if (json_is_string(item))
        return hash_bytes(hash, json_string_value(item), json_string_length(item));
    if (json_is_integer(item))
        return hash_bytes(hash, &number, sizeof number);
    return json_is_real(item) ? hash_bytes(hash, &real, sizeof real) : hash;
}

/* The order of members does not count. */
static uint64_t hash_of(json_t *value)
{
    const uint64_t start = 0xcbf29ce484222325ULL;
    const char *name;
    json_t *item;
    size_t i;
    uint64_t hash = start + (unsigned)json_typeof(value);
    json_object_foreach (value, name, item)
        hash += hash_item(hash_bytes(start, name, strlen(name)), item);
    json_array_foreach (value, i, item)
        hash = hash_item(hash, item);
    return hash;
}

static bool is_same_item(const json_t *a, const json_t *b)
{
    return a == b || (a && b && !is_composite(a) && json_equal(a, b));
}

/* People write members in one order: the search is for those who do not. */
static bool has_same_members(json_t *a, json_t *b)
{
    void *other = json_object_iter(b);
    for (void *at = json_object_iter(a); at; at = json_object_iter_next(a, at)) {
        const char *name = json_object_iter_key(at);
        bool in_order = other && strcmp(name, json_object_iter_key(other)) == 0;
        if (!is_same_item(json_object_iter_value(at),
                          in_order ? json_object_iter_value(other) : json_object_get(b, name)))
            return false;
        other = other ? json_object_iter_next(b, other) : NULL;
    }
    return true;
}

/* Both hold values of the pool. */
static bool is_same(json_t *a, json_t *b)
{
    json_t *item;
    size_t i;
    if (json_typeof(a) != json_typeof(b) || json_object_size(a) != json_object_size(b) ||
        json_array_size(a) != json_array_size(b))
        return false;
    if (json_is_object(a))
        return has_same_members(a, b);
    json_array_foreach (a, i, item)
        if (!is_same_item(item, json_array_get(b, i)))
            return false;
    return true;
}

/* As text: maps have no other keys. */
static void write_hex(uint64_t number, char ret_hex[static HASH_HEX_SIZE])
{
    for (size_t i = HASH_HEX_SIZE - 1; i-- > 0; number >>= 4)
        ret_hex[i] = "0123456789abcdef"[number & 0xF];
    ret_hex[HASH_HEX_SIZE - 1] = '\0';
}

/* Takes over the value and returns the one to hold instead. Of two that have one hash the later is not
 * shared. */
static json_t *share(struct kind_pool *pool, json_t *value)
{
    size_t i;
    json_t *item;
    if (json_is_object(value))
        kind_pool_share(pool, value, NULL);
    json_array_foreach (value, i, item)
        if (is_composite(item))
            json_array_set_new(value, i, share(pool, json_incref(item)));
    char key[HASH_HEX_SIZE];
    write_hex(hash_of(value), key);
    json_t *known = map_get(&pool->values, key);
    if (!known)
        map_put(&pool->values, key, json_incref(value));
    if (!known || !is_same(known, value))
        return value;
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
