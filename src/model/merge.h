/* Several sources, one desired state: what each may define, what two of them may not both define, and the sum
 * of them.
 *
 *  object                   | defined by                  | used by services and scheduled tasks of
 *  -------------------------|-----------------------------|----------------------------------------------------
 *  cluster                  | one source; "default", as   | each source that is allowed it
 *                           | long as nothing is said of  |
 *                           | it, by several              |
 *  task definition family   | one source                  | that source only
 *  service, scheduled task  | one source                  | `dependsOn`: that source only
 *
 * A cluster that its source leaves out while others have services in it does not take these along: they stand
 * still until somebody defines it, and may name it no more in their next commit.
 *
 * A source that is confined to service names defines no cluster: to suspend it, or to choose its instances,
 * would be to rule over the services of others.
 */
#pragma once

#include "base/vector.h"
#include "model/desired.h"

#include <stdbool.h>

/* What a source may define. Patterns: "*" stands for any characters, "?" for one; names are compared as they
 * are. An empty list allows all. */
struct allowance {
    struct string_vec clusters;
    struct string_vec services;         /* names of services and scheduled tasks */
    struct string_vec task_definitions; /* families */
};

void allowance_deinit(struct allowance *allowance);
/* *ret_copy is overwritten, not freed. */
void allowance_copy(const struct allowance *allowance, struct allowance *ret_copy);
/* For configuration and snapshots: {"clusters": [...], "services": [...], "taskDefinitions": [...]}. */
json_t *allowance_to_json(const struct allowance *allowance);
void allowance_from_json(const json_t *json, struct allowance *ret_allowance);

/* Adds an error (code "not-allowed") for each object that is outside of it. */
void allowance_check(const struct allowance *allowance, const struct desired *desired,
                     struct diagnostics *diagnostics);

/* What a source defines; all of it is borrowed. */
struct desired_part {
    const char *source;
    const struct desired *desired; /* sealed */
};
struct desired_part_vec VECTOR_OF(struct desired_part);

/* Adds an error (code "conflict") for each object of `next` that the other source has, with both places. */
void desired_check_conflicts(const struct desired *next, const struct desired_part *other,
                             struct diagnostics *diagnostics);

/* The sum, sealed, with that commit. Of two clusters of one name the one that says something counts, else the
 * first. Objects are shared. Of a single part: a reference to it. */
struct desired *desired_merge(const struct desired_part_vec *parts, const struct commit *commit);
