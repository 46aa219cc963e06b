/* A CloudFormation template being worked out. Inner header of import_cfn*.c. */
#pragma once

#include "manifest/import_run.h"

struct cfn {
    struct import_run *run;
    const json_t *root;
    size_t following;  /* references that led here */
    size_t unresolved; /* values that are not known, so far */
    size_t quiet;      /* no notes while it is not 0 */
};

/* The value with its functions worked out; new. NULL for AWS::NoValue. What is not known is a string with
 * "${...}", after a note at the pointer. */
json_t *cfn_resolve(struct cfn *cfn, const json_t *value, const char *pointer);
/* Of a condition by name: 1, 0, or -1 when it cannot be told. */
int cfn_condition(struct cfn *cfn, const char *name);
/* Whether a resource is there; what cannot be told is. */
bool cfn_is_there(struct cfn *cfn, const json_t *resource);
/* The name under which a resource is known in ECS, for its logical id. Caller frees; NULL when it has none.
 */
char *cfn_resource_name(struct cfn *cfn, const char *id, const char *pointer);

/* --- between the files --------------------------------------------------------------------------------- */

/* What `!Ref name` is; new. */
json_t *cfn_reference(struct cfn *cfn, const char *name, const char *pointer);
/* What `!GetAtt id.attribute` is; new. */
json_t *cfn_attribute(struct cfn *cfn, const char *id, const char *attribute, const char *pointer);
/* A placeholder, after a note. New. */
json_t *cfn_unknown(struct cfn *cfn, const char *name, const char *pointer, const char *why);
