/* A growable byte string with a maximum that is chosen when it is made. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data; /* always ends in a NUL that len does not count; NULL while empty */
    size_t len;
    size_t cap;
    size_t max_bytes;
};

#define BUFFER_INIT(max) ((struct buffer){.max_bytes = (max)})

void buffer_deinit(struct buffer *buf);
/* Empties it and keeps the memory. */
void buffer_clear(struct buffer *buf);
/* Keeps the first len bytes, of as many or more. */
void buffer_truncate(struct buffer *buf, size_t len);
/* 0, or ERROR_LIMIT with the buffer unchanged. */
int buffer_append(struct buffer *buf, const void *data, size_t len);
int buffer_append_str(struct buffer *buf, const char *s);
int buffer_printf(struct buffer *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops the first len bytes. */
void buffer_consume(struct buffer *buf, size_t len);
/* Hands the bytes over (caller frees, never NULL) and leaves the buffer empty. */
char *buffer_steal(struct buffer *buf);
/* Never NULL. Borrowed, valid until the next change. */
const char *buffer_str(const struct buffer *buf);
