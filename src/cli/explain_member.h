/* What is known of a member of a manifest: its line in the tables of manifest/ and its place in the schema.
 */
#pragma once

#include "manifest/kind_members.h"

#include <jansson.h>

/* A kind, or a member below it. All is borrowed from the explanation. */
struct explain_place {
    enum kind kind;
    json_t *schema;                   /* of the value: $ref and items are followed */
    json_t *property;                 /* as it stands in the schema above; NULL of a kind */
    const struct kind_member *member; /* NULL of a kind */
    const struct kind_member *inside; /* NULL when there are no members */
    enum kind_effect effect;          /* what is above counts as well */
    const char *reason;               /* NULL without one */
    bool required;
};

struct explanation {
    json_t *schemas[KIND_COUNT];
};

void explanation_init(struct explanation *explanation);
void explanation_deinit(struct explanation *explanation);

/* "task-definition", "TaskDefinition", "taskdef": any case, without hyphens, as much as is unmistakable.
 * Returns -1 for none. */
int explain_kind(const char *name);
/* "task-definition": as paths are printed. Caller frees. */
char *explain_kind_text(enum kind kind);
void explain_root(const struct explanation *explanation, enum kind kind, struct explain_place *ret_place);
/* One member further; any case, "[]" and "[0]" after it count for nothing. False when there is none. */
bool explain_step(const struct explanation *explanation, const struct explain_place *place, const char *name,
                  struct explain_place *ret_place);
/* "honoured", "partly", "no effect", "refused", "not read", "of the document". */
const char *explain_effect(enum kind_effect effect);
/* "integer", "list of objects". Caller frees. */
char *explain_type(const struct explanation *explanation, const struct explain_place *place);
/* All of it, its members as well. */
json_t *explain_to_json(const struct explanation *explanation, const struct explain_place *place,
                        const char *path);
