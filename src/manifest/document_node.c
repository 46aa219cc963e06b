#include "manifest/document_node.h"

#include <assert.h>

uint32_t document_node_hash(const char *key)
{
    assert(key);
    uint32_t hash = 2166136261U;
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619U;
    return hash ? hash : 1;
}

size_t document_node_member(const struct document_node_vec *nodes, size_t object, size_t end, const char *key)
{
    assert(nodes);
    assert(end <= nodes->len);
    uint32_t hash = document_node_hash(key);
    size_t i = object + 1;
    while (i + 1 < end) {
        if (nodes->items[i].key == 0)
            return end; /* an array */
        if (nodes->items[i].key == hash)
            return i;
        i += 1 + nodes->items[i + 1].span;
    }
    return end;
}

size_t document_node_element(const struct document_node_vec *nodes, size_t array, size_t end, size_t index)
{
    assert(nodes);
    assert(end <= nodes->len);
    size_t i = array + 1;
    while (i < end) {
        if (nodes->items[i].key != 0)
            return end; /* an object */
        if (index-- == 0)
            return i;
        i += nodes->items[i].span;
    }
    return end;
}
