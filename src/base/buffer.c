#include "base/buffer.h"

#include "base/error.h"
#include "base/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_deinit(struct buffer *buf)
{
    assert(buf);
    free(buf->data);
    *buf = BUFFER_INIT(buf->max_bytes);
}

void buffer_clear(struct buffer *buf)
{
    buffer_truncate(buf, 0);
}

void buffer_truncate(struct buffer *buf, size_t len)
{
    assert(buf);
    assert(len <= buf->len);
    buf->len = len;
    if (buf->data)
        buf->data[len] = '\0';
}

static int reserve(struct buffer *buf, size_t more)
{
    assert(buf->len <= buf->max_bytes);
    if (more > buf->max_bytes - buf->len)
        return ERROR_LIMIT;
    size_t need = buf->len + more + 1;
    if (need <= buf->cap)
        return 0;
    size_t cap = buf->cap ? buf->cap : 64;
    while (cap < need)
        cap *= 2;
    buf->data = memory_realloc(buf->data, cap, 1);
    buf->cap = cap;
    return 0;
}

int buffer_append(struct buffer *buf, const void *data, size_t len)
{
    assert(buf);
    assert(data || len == 0);
    int r = reserve(buf, len);
    if (r < 0)
        return r;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int buffer_append_str(struct buffer *buf, const char *s)
{
    assert(s);
    return buffer_append(buf, s, strlen(s));
}

int buffer_printf(struct buffer *buf, const char *format, ...)
{
    assert(buf);
    char *text CLEANUP_FREE = NULL;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0)
        abort();
    return buffer_append(buf, text, (size_t)n);
}

void buffer_consume(struct buffer *buf, size_t len)
{
    assert(buf);
    assert(len <= buf->len);
    if (len == 0)
        return;
    memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
    buf->data[buf->len] = '\0';
}

char *buffer_steal(struct buffer *buf)
{
    assert(buf);
    char *data = buf->data ? buf->data : memory_strdup("");
    buf->data = NULL;
    buf->len = buf->cap = 0;
    return data;
}

const char *buffer_str(const struct buffer *buf)
{
    assert(buf);
    return buf->data ? buf->data : "";
}
