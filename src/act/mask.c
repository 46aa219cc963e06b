#include "act/mask.h"

#include "base/memory.h"
#include "base/wipe.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MIN_BYTES 3
#define COVER           "***"
_Static_assert(sizeof COVER - 1 <= VALUE_MIN_BYTES, "a message does not grow");

void mask_deinit(struct mask *mask)
{
    assert(mask);
    for (size_t i = 0; i < mask->values.len; i++)
        wipe_free(mask->values.items[i]);
    vector_deinit(&mask->values);
}

static void add(struct mask *mask, char *value)
{
    if (strlen(value) < VALUE_MIN_BYTES)
        wipe_free(value);
    else
        vector_push(&mask->values, value);
}

/* As Go and JSON quote it; with `html` also as Go's JSON does, which is wary of three characters more. */
static char *quoted(const char *value, bool html)
{
    char *text = memory_alloc(strlen(value) * 6 + 1);
    char *end = text;
    for (; *value; value++) {
        static const char plain[] = "\"\\\n\r\t", letters[] = "\"\\nrt";
        const char *at = strchr(plain, *value);
        if (at) {
            *end++ = '\\';
            *end++ = letters[at - plain];
        } else if (html && strchr("<>&", *value)) {
            memcpy(end, *value == '<' ? "\\u003c" : *value == '>' ? "\\u003e" : "\\u0026", 6);
            end += 6;
        } else {
            *end++ = *value;
        }
    }
    *end = '\0';
    return text;
}

void mask_add(struct mask *mask, const char *value)
{
    assert(mask);
    if (!value)
        return;
    add(mask, memory_strdup(value));
    if (strpbrk(value, "\"\\\r\n\t"))
        add(mask, quoted(value, false));
    if (strpbrk(value, "<>&"))
        add(mask, quoted(value, true));
    for (const char *line = value; strchr(value, '\n') && *line;) {
        size_t len = strcspn(line, "\r\n");
        add(mask, memory_strndup(line, len));
        line += len + strspn(line + len, "\r\n");
    }
}

/* How much of the text is a value, the longest one; or the beginning of one that ends with the text. */
static size_t covered(const struct mask *mask, const char *text, size_t len)
{
    size_t longest = 0;
    for (size_t i = 0; i < mask->values.len; i++) {
        const char *value = mask->values.items[i];
        size_t value_len = strlen(value);
        size_t n = value_len < len ? value_len : len;
        if (n > longest && n >= VALUE_MIN_BYTES && memcmp(text, value, n) == 0)
            longest = n;
    }
    return longest;
}

void mask_apply(const struct mask *mask, struct error *error)
{
    assert(mask && error);
    size_t len = strlen(error->message);
    char *to = error->message;
    for (const char *from = error->message; len > 0;) {
        size_t n = covered(mask, from, len);
        size_t step = n ? n : 1;
        memmove(to, n ? COVER : from, n ? sizeof COVER - 1 : 1);
        to += n ? sizeof COVER - 1 : 1;
        from += step;
        len -= step;
    }
    *to = '\0';
}
