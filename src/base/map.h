/* String-keyed hash map that iterates in the order of insertion, so that the same input gives the same
 * output. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
    char *key; /* NULL in a removed slot */
    void *value;
    uint64_t hash;
};

struct map {
    struct map_entry *entries; /* dense, in order of insertion */
    uint32_t *index;           /* open addressing into entries, +1; 0 is free */
    void (*free_value)(void *);
    uint32_t entries_len;
    uint32_t entries_cap;
    uint32_t index_cap;
    uint32_t len; /* living entries */
    uint32_t hash_key;
    bool borrows_keys;
};

/* A zeroed struct map is the empty map that does not own its values. */
#define MAP_INIT(free_function) ((struct map){.free_value = (void (*)(void *))(free_function)})
/* Keys that are part of the values, and so live as long: they are not copied. */
#define MAP_INIT_BORROWING(free_function)                                                                    \
    ((struct map){.free_value = (void (*)(void *))(free_function), .borrows_keys = true})

void map_deinit(struct map *map);
void map_clear(struct map *map);
/* NULL when absent. Borrowed. */
void *map_get(const struct map *map, const char *key);
/* Takes the value; an older value under the key is freed. The key is copied, or borrowed anew. */
void map_put(struct map *map, const char *key, void *value);
/* Takes the key out and returns its value (caller's), or NULL. */
void *map_take(struct map *map, const char *key);
/* Frees the value. Returns whether the key was there. */
bool map_remove(struct map *map, const char *key);

/* Removing the current entry while iterating is allowed, adding is not. */
struct map_entry *map_next(const struct map *map, const struct map_entry *after);
#define map_for_each(map, entry)                                                                             \
    for (struct map_entry *entry = map_next((map), NULL); entry; entry = map_next((map), entry))
