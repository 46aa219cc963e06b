/* Names of members to what stands for them, made once and asked often. Inner header of schema*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct schema_node;

struct schema_name {
    const char *name; /* borrowed; NULL: a free slot */
    size_t len;
    struct schema_node *node;
    bool required;
};

struct schema_names {
    size_t len;
    struct schema_name *in_order; /* as they stand in the document */
    struct schema_name *sorted;   /* by name; only when the table is crowded, else NULL */
    size_t mask;
    struct schema_name slots[]; /* open addressing */
};

struct schema_names *schema_names_new(const struct schema_name *names, size_t len);
void schema_names_free(struct schema_names *names);
/* NULL for a name that is not there; `names` may be NULL. Borrowed. */
const struct schema_name *schema_names_get(const struct schema_names *names, const char *name, size_t len);
/* Marks a name that is there; whether it was not marked before. */
bool schema_names_require(struct schema_names *names, const char *name, size_t len);
/* Puts another node in the place of each. */
void schema_names_replace(struct schema_names *names, struct schema_node *(*with)(struct schema_node *));
