#include "base/map.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Not keyed: the pure stages have no randomness to draw a key from, and one that is in the source keeps
 * nobody from choosing his keys. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
    return hash ^ (hash >> 32);
}

static uint64_t hash_of(const char *key)
{
    size_t len = strlen(key);
    uint64_t hash = len;
    uint64_t word = 0;
    for (; len >= sizeof word; key += sizeof word, len -= sizeof word) {
        memcpy(&word, key, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    memcpy(&word, key, len);
    return mix(mix(hash, word), 0);
}

/* Slot of the key, or the free slot where it would go. */
static size_t slot_of(const struct map *map, const char *key, uint64_t hash)
{
    assert(map->index_cap > 0);
    size_t mask = map->index_cap - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        uint32_t at = map->index[i];
        if (at == 0)
            return i;
        const struct map_entry *entry = &map->entries[at - 1];
        if (entry->key && entry->hash == hash && strcmp(entry->key, key) == 0)
            return i;
    }
}

static void rebuild(struct map *map)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->entries_len; i++)
        if (map->entries[i].key)
            map->entries[kept++] = map->entries[i];
    map->entries_len = kept;
    size_t cap = 16;
    while (cap < (kept + 1) * 2)
        cap *= 2;
    free(map->index);
    map->index = memory_calloc(cap, sizeof *map->index);
    map->index_cap = cap;
    for (size_t i = 0; i < kept; i++)
        map->index[slot_of(map, map->entries[i].key, map->entries[i].hash)] = (uint32_t)(i + 1);
}

void map_clear(struct map *map)
{
    assert(map);
    for (size_t i = 0; i < map->entries_len; i++) {
        if (!map->entries[i].key)
            continue;
        free(map->entries[i].key);
        if (map->free_value)
            map->free_value(map->entries[i].value);
    }
    free(map->entries);
    free(map->index);
    map->entries = NULL;
    map->index = NULL;
    map->entries_len = map->entries_cap = map->index_cap = map->len = 0;
}

void map_deinit(struct map *map)
{
    map_clear(map);
}

static struct map_entry *find(const struct map *map, const char *key)
{
    assert(map);
    assert(key);
    if (map->len == 0)
        return NULL;
    uint32_t at = map->index[slot_of(map, key, hash_of(key))];
    return at ? &map->entries[at - 1] : NULL;
}

void *map_get(const struct map *map, const char *key)
{
    struct map_entry *entry = find(map, key);
    return entry ? entry->value : NULL;
}

void map_put(struct map *map, const char *key, void *value)
{
    struct map_entry *old = find(map, key);
    if (old) {
        if (map->free_value && old->value != value)
            map->free_value(old->value);
        old->value = value;
        return;
    }
    if ((map->entries_len + 1) * 2 > map->index_cap)
        rebuild(map);
    if (map->entries_len == map->entries_cap) {
        map->entries_cap = map->entries_cap ? map->entries_cap * 2 : 8;
        map->entries = memory_realloc(map->entries, map->entries_cap, sizeof *map->entries);
    }
    uint64_t hash = hash_of(key);
    map->entries[map->entries_len++] = (struct map_entry){memory_strdup(key), value, hash};
    map->index[slot_of(map, key, hash)] = (uint32_t)map->entries_len;
    map->len++;
}

void *map_take(struct map *map, const char *key)
{
    struct map_entry *entry = find(map, key);
    if (!entry)
        return NULL;
    /* The slot stays as a tombstone that keeps probe chains whole; rebuild() sweeps it. */
    void *value = entry->value;
    free(entry->key);
    entry->key = NULL;
    entry->value = NULL;
    map->len--;
    return value;
}

bool map_remove(struct map *map, const char *key)
{
    if (!find(map, key))
        return false;
    void *value = map_take(map, key);
    if (map->free_value)
        map->free_value(value);
    return true;
}

struct map_entry *map_next(const struct map *map, const struct map_entry *after)
{
    assert(map);
    size_t i = after ? (size_t)(after - map->entries) + 1 : 0;
    for (; i < map->entries_len; i++)
        if (map->entries[i].key)
            return &map->entries[i];
    return NULL;
}
