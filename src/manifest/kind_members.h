/* What davit does with each member of ECS's shapes: one const table an object, so that a new member is one
 * line. The JSON Schemas say what a member may look like; these tables say what becomes of it. Pure.
 */
#pragma once

#include "manifest/kind.h"
#include "model/diagnostic.h"

#include <jansson.h>

enum kind_effect {
    KIND_HONOURED, /* does what it does on ECS; an object as far as its members do */
    KIND_PARTLY,   /* as far as the reason says: for all values but `refused`, if there are some */
    KIND_IGNORED,  /* legal in ECS, no effect yet: a warning says what does not happen */
    KIND_REFUSED,  /* legal in ECS, an error here: leaving it out without a word would do harm */
    KIND_LIKEWISE, /* no effect, and what is said of the object that it is in says so */
    KIND_OUTPUT,   /* printed by describe-* and register-*: accepted, not read */
    KIND_META,     /* about the document and not about its content: kind, davit, tags */
};

struct kind_member {
    const char *name; /* NULL ends a table */
    enum kind_effect effect;
    const char *usual;   /* the value that says no more than leaving it out, as text; or NULL */
    const char *refused; /* the legal values that davit cannot do, with spaces between them; or NULL */
    const char *reason;  /* what is missing: of a member that is not wholly honoured */
    const char *docker;  /* the field of the Engine API that it becomes; NULL where davit itself does it */
    const struct kind_member *inside; /* table of the object, or of each object in the list; or NULL */
};

/* The table of a kind's root. */
const struct kind_member *kind_members(enum kind kind);

/* Why nothing becomes of any object of the kind, "has no effect yet: " before it; NULL of a kind that has an
 * effect. */
const char *kind_unused(enum kind kind);
/* One of the table, or NULL. */
const struct kind_member *kind_members_find(const struct kind_member *table, const char *name);
/* What a member comes to: HONOURED, PARTLY, IGNORED, REFUSED, OUTPUT or META. An object that is honoured is
 * as much as its members are. */
enum kind_effect kind_member_effect(const struct kind_member *member);
/* Warns of ignored members and refuses what is refused; pointers start with `pointer`. A member that is empty
 * or has its usual value is passed over. */
void kind_members_check(const struct kind_member *table, const json_t *object, const char *pointer,
                        struct diagnostics *diagnostics);
/* Removes members that are null: some tools print so what is not there. */
void kind_members_prune(const struct kind_member *table, json_t *object);
/* Removes what is not content from the root: output, meta and x- members. */
void kind_members_strip(const struct kind_member *table, json_t *object);
/* A new value that is equal for all spellings of the same content: usual and empty values are left out. Task
 * definitions are compared by it, so that a usual value that changes replaces tasks that run. */
json_t *kind_members_normal(const struct kind_member *table, const json_t *object);
