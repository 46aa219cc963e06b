#include "manifest/document_pointer.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

void document_pointer_append_key(struct buffer *pointer, const char *key)
{
    assert(pointer);
    assert(key);
    buffer_append(pointer, "/", 1);
    while (*key) {
        size_t plain = strcspn(key, "~/");
        buffer_append(pointer, key, plain);
        key += plain;
        if (*key)
            buffer_append(pointer, *key++ == '~' ? "~0" : "~1", 2);
    }
}

void document_pointer_append_index(struct buffer *pointer, size_t index)
{
    assert(pointer);
    buffer_printf(pointer, "/%zu", index);
}

char *document_pointer_next(const char **pointer)
{
    assert(pointer);
    if (**pointer != '/')
        return NULL;
    const char *from = *pointer + 1;
    size_t len = strcspn(from, "/");
    char *token = memory_alloc(len + 1);
    char *to = token;
    for (size_t i = 0; i < len; i++) {
        bool escaped = from[i] == '~' && i + 1 < len && (from[i + 1] == '0' || from[i + 1] == '1');
        *to++ = !escaped ? from[i] : from[++i] == '0' ? '~' : '/';
    }
    *to = '\0';
    *pointer = from + len;
    return token;
}

bool document_pointer_to_index(const char *token, size_t *ret_index)
{
    assert(token);
    int64_t index;
    if (token[strspn(token, "0123456789")] || (token[0] == '0' && token[1]) ||
        text_to_int64(token, 0, INT32_MAX, &index) < 0)
        return false;
    *ret_index = (size_t)index;
    return true;
}
