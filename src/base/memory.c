#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *ptr)
{
    if (!ptr)
        abort();
    return ptr;
}

void *memory_alloc(size_t size_bytes)
{
    return must(malloc(size_bytes ? size_bytes : 1));
}

void *memory_calloc(size_t count, size_t size_bytes)
{
    return must(calloc(count ? count : 1, size_bytes ? size_bytes : 1));
}

void *memory_realloc(void *ptr, size_t count, size_t size_bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, size_bytes, &total))
        abort();
    return must(realloc(ptr, total ? total : 1));
}

char *memory_strdup(const char *s)
{
    return s ? must(strdup(s)) : NULL;
}

char *memory_strndup(const char *s, size_t chars)
{
    return must(strndup(s, chars));
}

char *memory_printf(const char *format, ...)
{
    char *out = NULL;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&out, format, ap);
    va_end(ap);
    if (n < 0)
        abort();
    return must(out);
}

void memory_freep(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;
    free(*p);
    *p = NULL;
}
