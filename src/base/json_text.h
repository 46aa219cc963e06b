/* JSON as its shortest text, byte for byte what jansson makes with JSON_COMPACT | JSON_ENCODE_ANY, at a
 * fraction of its cost: jansson keeps a table of the values that it is in, to find one that holds itself. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct json_text_sink {
    /* Gets the text piece by piece; borrowed for the call. NULL: only its size is wanted. */
    void (*take)(void *data, const char *piece, size_t len);
    void *data;
};

/* Returns how many bytes the text has. sorted: members by name, as JSON_SORT_KEYS has them. No value may hold
 * itself. The text stays in no memory of ours: it may quote secrets. */
size_t json_text_write(const json_t *value, bool sorted, const struct json_text_sink *sink);
/* No less than that, at a fraction of its cost: no text is looked into. */
size_t json_text_bound(const json_t *value);
