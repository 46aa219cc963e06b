/* ECS's overrides: what differs from a task definition in one run of it. Pure. */
#pragma once

#include "base/error.h"
#include "manifest/schema.h"
#include "model/desired.h"

/* The definition as this run has it, of the same family and revision. The caller owns it.
 *
 *  member                                  | does
 *  ----------------------------------------|------------------------------------------------------------
 *  containerOverrides[].name               | names a container of the definition
 *    .command                              | in place of its command
 *    .environment                          | added by name, in place of variables that it has
 *    .cpu .memory .memoryReservation       | in place of its own
 *    .environmentFiles                     | refused: files come with a commit
 *    .resourceRequirements                 | refused
 *  cpu memory executionRoleArn taskRoleArn | in place of the task's own
 *  ephemeralStorage                        | refused: it is Fargate's
 *  inferenceAcceleratorOverrides           | refused, unless there are none
 *
 * ERROR_INVALID names the member that is not right, ERROR_UNSUPPORTED the one that is refused, ERROR_LIMIT
 * LIMIT_OVERRIDES_CHARS. */
int manifest_override(const struct task_definition *definition, const json_t *overrides,
                      struct task_definition **ret_definition, struct error *err);
/* What of that can be told without the definition; *ret_near, which the caller frees, is the member that was
 * meant by one that there is not, or NULL. */
int manifest_override_check(const json_t *overrides, char **ret_near, struct error *err);
/* Whether the definition, as its JSON is, is a valid one with them. Overrides that manifest_override_check()
 * refuses, and those of a container that there is not, are told elsewhere: 0. */
int manifest_override_fits(const struct schema *schema, const json_t *definition, const json_t *overrides,
                           struct error *err);
