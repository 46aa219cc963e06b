#include "manifest/schema_names.h"

#include "base/memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Longest search in the table. A document can be made so that its names collide; it is searched by halves. */
#define PROBES_MAX 16

/* Names differ in length, at their beginnings or at their ends. */
static inline size_t slot_of(const char *name, size_t len, size_t mask)
{
    uint64_t head = 0;
    uint64_t tail = 0;
    if (len >= sizeof head) {
        memcpy(&head, name, sizeof head);
        memcpy(&tail, name + len - sizeof tail, sizeof tail);
    } else {
        for (size_t i = 0; i < len; i++)
            head = head << 8 | (unsigned char)name[i];
    }
    uint64_t hash = (head ^ (tail << 7 | tail >> 57) ^ len) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 32) & mask;
}

static int compare(const void *a, const void *b)
{
    const struct schema_name *x = a;
    const struct schema_name *y = b;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->name, y->name, x->len);
}

/* Whether there was room near enough. */
static bool put(struct schema_names *names, const struct schema_name *name)
{
    size_t at = slot_of(name->name, name->len, names->mask);
    for (size_t probes = 0; probes < PROBES_MAX; probes++, at = (at + 1) & names->mask) {
        if (names->slots[at].name)
            continue;
        names->slots[at] = *name;
        return true;
    }
    return false;
}

struct schema_names *schema_names_new(const struct schema_name *list, size_t len)
{
    size_t slots = PROBES_MAX;
    while (slots < len * 4)
        slots *= 2;
    struct schema_names *names = memory_calloc(1, sizeof *names + slots * sizeof names->slots[0]);
    names->len = len;
    names->mask = slots - 1;
    names->in_order = memory_calloc(len + 1, sizeof *names->in_order);
    bool roomy = true;
    for (size_t i = 0; i < len; i++) {
        names->in_order[i] = list[i];
        roomy = roomy && put(names, &list[i]);
    }
    if (roomy)
        return names;
    names->sorted = memory_calloc(len, sizeof *names->sorted);
    memcpy(names->sorted, names->in_order, len * sizeof *names->sorted);
    qsort(names->sorted, len, sizeof *names->sorted, compare);
    return names;
}

void schema_names_free(struct schema_names *names)
{
    if (!names)
        return;
    free(names->in_order);
    free(names->sorted);
    free(names);
}

const struct schema_name *schema_names_get(const struct schema_names *names, const char *name, size_t len)
{
    if (!names)
        return NULL;
    if (names->sorted) {
        struct schema_name key = {.name = name, .len = len};
        return bsearch(&key, names->sorted, names->len, sizeof *names->sorted, compare);
    }
    size_t at = slot_of(name, len, names->mask);
    for (size_t probes = 0; probes < PROBES_MAX && names->slots[at].name; probes++) {
        const struct schema_name *slot = &names->slots[at];
        if (slot->len == len && memcmp(slot->name, name, len) == 0)
            return slot;
        at = (at + 1) & names->mask;
    }
    return NULL;
}

bool schema_names_require(struct schema_names *names, const char *name, size_t len)
{
    struct schema_name *found = (struct schema_name *)schema_names_get(names, name, len);
    if (!found || found->required)
        return false;
    found->required = true;
    return true;
}

void schema_names_replace(struct schema_names *names, struct schema_node *(*with)(struct schema_node *))
{
    for (size_t i = 0; i < names->len; i++) {
        names->in_order[i].node = with(names->in_order[i].node);
        if (names->sorted)
            names->sorted[i].node = with(names->sorted[i].node);
    }
    for (size_t i = 0; i <= names->mask; i++)
        if (names->slots[i].name)
            names->slots[i].node = with(names->slots[i].node);
}
