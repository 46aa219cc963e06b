/* Allocation that cannot fail, and scope cleanup.
 *
 * davit is crash-only: when a small allocation fails the process aborts and is started again; containers go
 * on running and all state is derived anew. Whatever is sized by input is bounded before it is allocated.
 */
#pragma once

#include <stddef.h>

void *memory_alloc(size_t size_bytes) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *memory_calloc(size_t count, size_t size_bytes)
    __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
void *memory_realloc(void *ptr, size_t count, size_t size_bytes) __attribute__((returns_nonnull));
/* NULL gives NULL. */
char *memory_strdup(const char *s);
char *memory_strndup(const char *s, size_t chars) __attribute__((nonnull));
char *memory_printf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

#define NEW(type) ((type *)memory_calloc(1, sizeof(type)))

/* char *s CLEANUP_FREE = NULL; */
void memory_freep(void *pointer_to_pointer);
#define CLEANUP(function) __attribute__((cleanup(function)))
#define CLEANUP_FREE      CLEANUP(memory_freep)

/* Defines x_freep() for CLEANUP() out of x_free(). */
#define DEFINE_CLEANUP(type, free_function)                                                                  \
    static inline void free_function##p(type **pointer)                                                      \
    {                                                                                                        \
        if (*pointer)                                                                                        \
            free_function(*pointer);                                                                         \
        *pointer = NULL;                                                                                     \
    }

/* Hands the pointer on and leaves NULL behind, so that scope cleanup passes it by. */
#define TAKE(pointer)                                                                                        \
    ({                                                                                                       \
        __typeof__(pointer) *take_from_ = &(pointer);                                                        \
        __typeof__(pointer) taken_ = *take_from_;                                                            \
        *take_from_ = NULL;                                                                                  \
        taken_;                                                                                              \
    })

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
