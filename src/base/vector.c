#include "base/vector.h"

#include "base/text.h"

#include <assert.h>

void string_vec_deinit(struct string_vec *vec)
{
    assert(vec);
    for (size_t i = 0; i < vec->len; i++)
        free(vec->items[i]);
    vector_deinit(vec);
}

bool string_vec_has(const struct string_vec *vec, const char *string)
{
    assert(vec);
    for (size_t i = 0; i < vec->len; i++)
        if (text_equal(vec->items[i], string))
            return true;
    return false;
}

void vector_sort_items(void *items, size_t len, size_t size, int (*compare)(const void *, const void *))
{
    const char *at = items;
    for (size_t i = 1; i < len; i++, at += size)
        if (compare(at, at + size) > 0) {
            qsort(items, len, size, compare);
            return;
        }
}
