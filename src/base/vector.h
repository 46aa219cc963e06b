/* Growable arrays. Declare with `struct port_vec VECTOR_OF(struct port);`, zero is the empty vector.
 * Elements are owned as the declaring header says; vector_deinit frees the array and not what elements point
 * to.
 */
#pragma once

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR_OF(type)                                                                                      \
    {                                                                                                        \
        type *items;                                                                                         \
        size_t len;                                                                                          \
        size_t cap;                                                                                          \
    }

struct string_vec VECTOR_OF(char *);

#define vector_push(vec, ...)                                                                                \
    do {                                                                                                     \
        __typeof__(vec) vec_ = (vec);                                                                        \
        if (vec_->len == vec_->cap) {                                                                        \
            vec_->cap = vec_->cap ? vec_->cap * 2 : 8;                                                       \
            vec_->items = memory_realloc(vec_->items, vec_->cap, sizeof *vec_->items);                       \
        }                                                                                                    \
        vec_->items[vec_->len++] = __VA_ARGS__;                                                              \
    } while (0)

/* Room for `n` elements and no more: for the many vectors that hold one. */
#define vector_reserve(vec, n)                                                                               \
    do {                                                                                                     \
        __typeof__(vec) reserved_ = (vec);                                                                   \
        size_t room_ = (n);                                                                                  \
        if (reserved_->cap < room_) {                                                                        \
            reserved_->items = memory_realloc(reserved_->items, room_, sizeof *reserved_->items);            \
            reserved_->cap = room_;                                                                          \
        }                                                                                                    \
    } while (0)

/* Gives back the room that is not used: of vectors that are many and grow no more. */
#define vector_trim(vec)                                                                                     \
    do {                                                                                                     \
        __typeof__(vec) trimmed_ = (vec);                                                                    \
        if (trimmed_->cap > trimmed_->len && trimmed_->len) {                                                \
            trimmed_->items = memory_realloc(trimmed_->items, trimmed_->len, sizeof *trimmed_->items);       \
            trimmed_->cap = trimmed_->len;                                                                   \
        }                                                                                                    \
    } while (0)

/* As qsort(3), for which what is in order already is work as well: here it is one look. */
#define vector_sort(vec, compare) vector_sort_items((vec)->items, (vec)->len, sizeof *(vec)->items, (compare))
void vector_sort_items(void *items, size_t len, size_t size, int (*compare)(const void *, const void *));

/* Removes element i and keeps the order of the rest. */
#define vector_remove(vec, i)                                                                                \
    do {                                                                                                     \
        __typeof__(vec) vec_ = (vec);                                                                        \
        size_t at_ = (i);                                                                                    \
        memmove(&vec_->items[at_], &vec_->items[at_ + 1], (vec_->len - at_ - 1) * sizeof *vec_->items);      \
        vec_->len--;                                                                                         \
    } while (0)

#define vector_deinit(vec)                                                                                   \
    do {                                                                                                     \
        __typeof__(vec) vec_ = (vec);                                                                        \
        free(vec_->items);                                                                                   \
        memset(vec_, 0, sizeof *vec_);                                                                       \
    } while (0)

/* Frees the strings as well. */
void string_vec_deinit(struct string_vec *vec);
bool string_vec_has(const struct string_vec *vec, const char *string);
