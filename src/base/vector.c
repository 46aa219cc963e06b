#include "base/vector.h"

#include <assert.h>

void string_vec_deinit(struct string_vec *vec)
{
    assert(vec);
    for (size_t i = 0; i < vec->len; i++)
        free(vec->items[i]);
    vector_deinit(vec);
}
