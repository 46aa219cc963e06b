/* The position table and how to find one's way in it. Inner header of document*.c. */
#pragma once

#include "manifest/document.h"

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, never 0. Two keys of one object with the same hash would only mislead a line number. */
uint32_t document_node_hash(const char *key);

/* The key node of a member among the children of the object at node `object`; `end` is the first node after
 * it. `end` when there is none of that name. */
size_t document_node_member(const struct document_node_vec *nodes, size_t object, size_t end,
                            const char *key);
/* The node of element `index` of the array at node `array`, else `end`. */
size_t document_node_element(const struct document_node_vec *nodes, size_t array, size_t end, size_t index);
