#include "base/wipe.h"

#include "base/memory.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void wipe_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void wipe_freep(char **text)
{
    wipe_free(TAKE(*text));
}

char *wipe_join(const char *head, const char *tail)
{
    size_t head_len = strlen(head);
    size_t tail_len = strlen(tail);
    char *text = memory_alloc(head_len + tail_len + 1);
    memcpy(text, head, head_len);
    memcpy(text + head_len, tail, tail_len);
    text[head_len + tail_len] = '\0';
    return text;
}

static void free_wiped(void *block)
{
    if (block)
        explicit_bzero(block, malloc_usable_size(block));
    free(block);
}

void wipe_json(void)
{
    json_set_alloc_funcs(malloc, free_wiped);
}
