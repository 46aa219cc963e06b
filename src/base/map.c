#include "base/map.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sip {
    uint64_t a;
    uint64_t b;
    uint64_t c;
    uint64_t d;
};

static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(struct sip *sip)
{
    sip->a += sip->b;
    sip->b = rotate(sip->b, 13) ^ sip->a;
    sip->a = rotate(sip->a, 32);
    sip->c += sip->d;
    sip->d = rotate(sip->d, 16) ^ sip->c;
    sip->a += sip->d;
    sip->d = rotate(sip->d, 21) ^ sip->a;
    sip->c += sip->b;
    sip->b = rotate(sip->b, 17) ^ sip->c;
    sip->c = rotate(sip->c, 32);
}

static void add(struct sip *sip, uint64_t word)
{
    sip->d ^= word;
    mix(sip);
    sip->a ^= word;
}

/* SipHash-1-3: names and paths are chosen by whoever may commit, and must not be made to collide. It is keyed
 * with the place of the first index, which the system draws for each process and nobody is told. The pure
 * stages stay pure: a map iterates in the order of insertion, so only the time of a look-up depends on it. */
static uint64_t hash_of(const struct map *map, const char *key)
{
    uint64_t low = map->hash_key * 0x9E3779B97F4A7C15U;
    uint64_t high = rotate(low, 32);
    struct sip sip = {low ^ 0x736F6D6570736575U, high ^ 0x646F72616E646F6DU, low ^ 0x6C7967656E657261U,
                      high ^ 0x7465646279746573U};
    size_t len = strlen(key);
    uint64_t last = (uint64_t)len << 56;
    uint64_t word = 0;
    for (; len >= sizeof word; key += sizeof word, len -= sizeof word) {
        memcpy(&word, key, sizeof word);
        add(&sip, word);
    }
    word = 0;
    memcpy(&word, key, len);
    add(&sip, last | word);
    sip.c ^= 0xFF;
    mix(&sip);
    mix(&sip);
    mix(&sip);
    return sip.a ^ sip.b ^ sip.c ^ sip.d;
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
    assert(map->entries || map->entries_len == 0);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < map->entries_len; i++)
        if (map->entries[i].key)
            map->entries[kept++] = map->entries[i];
    map->entries_len = kept;
    assert(kept < UINT32_MAX / 4);
    uint32_t cap = 16;
    while (cap < (kept + 1) * 2)
        cap *= 2;
    bool is_first = !map->index;
    free(map->index);
    map->index = memory_calloc(cap, sizeof *map->index);
    map->index_cap = cap;
    if (is_first)
        map->hash_key = (uint32_t)((uint64_t)(uintptr_t)map->index >> 4);
    for (uint32_t i = 0; i < kept; i++) {
        struct map_entry *entry = &map->entries[i];
        map->index[slot_of(map, entry->key, entry->hash)] = i + 1;
    }
}

static void free_key(const struct map *map, struct map_entry *entry)
{
    if (!map->borrows_keys)
        free(entry->key);
    entry->key = NULL;
}

void map_clear(struct map *map)
{
    assert(map);
    for (size_t i = 0; i < map->entries_len; i++) {
        if (!map->entries[i].key)
            continue;
        free_key(map, &map->entries[i]);
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

static struct map_entry *find_hashed(const struct map *map, const char *key, uint64_t hash)
{
    uint32_t at = map->index[slot_of(map, key, hash)];
    return at ? &map->entries[at - 1] : NULL;
}

static struct map_entry *find(const struct map *map, const char *key)
{
    assert(map);
    assert(key);
    return map->len ? find_hashed(map, key, hash_of(map, key)) : NULL;
}

void *map_get(const struct map *map, const char *key)
{
    struct map_entry *entry = find(map, key);
    return entry ? entry->value : NULL;
}

void map_put(struct map *map, const char *key, void *value)
{
    assert(map);
    assert(key);
    if (!map->index)
        rebuild(map);
    uint64_t hash = hash_of(map, key);
    struct map_entry *old = find_hashed(map, key, hash);
    if (old) {
        if (map->free_value && old->value != value)
            map->free_value(old->value);
        old->value = value;
        if (map->borrows_keys)
            old->key = (char *)key;
        return;
    }
    if ((map->entries_len + 1) * 2 > map->index_cap)
        rebuild(map);
    if (map->entries_len == map->entries_cap) {
        map->entries_cap = map->entries_cap ? map->entries_cap * 2 : 8;
        map->entries = memory_realloc(map->entries, map->entries_cap, sizeof *map->entries);
    }
    assert(map->entries);
    map->entries[map->entries_len++] = (struct map_entry){
        .key = map->borrows_keys ? (char *)key : memory_strdup(key), .value = value, .hash = hash};
    map->index[slot_of(map, key, hash)] = map->entries_len;
    map->len++;
}

static void *take(struct map *map, struct map_entry *entry)
{
    /* The slot stays as a tombstone that keeps probe chains whole; rebuild() sweeps it. */
    void *value = entry->value;
    free_key(map, entry);
    entry->value = NULL;
    map->len--;
    return value;
}

void *map_take(struct map *map, const char *key)
{
    struct map_entry *entry = find(map, key);
    return entry ? take(map, entry) : NULL;
}

bool map_remove(struct map *map, const char *key)
{
    struct map_entry *entry = find(map, key);
    if (!entry)
        return false;
    void *value = take(map, entry);
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
