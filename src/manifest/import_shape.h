/* Values into the shape that a kind's JSON Schema describes: names of members in any case, numbers and truth
 * values in strings. Inner header of import*.c. */
#pragma once

#include "manifest/import_run.h"
#include "manifest/kind.h"

/* What is left of a placeholder where only a name may stand. Caller frees. */
char *import_plain_name(const char *text);
/* The kind of that name, or KIND_COUNT. */
enum kind import_kind(const char *name);
/* A new object of the kind's shape. What has no place is dropped, with a note at its pointer. */
json_t *import_shape(struct import_run *run, enum kind kind, const json_t *value, const char *pointer);
