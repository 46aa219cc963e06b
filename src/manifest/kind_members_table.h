/* How a table of kind_members.h is written, and the tables that more than one file of them needs: one file a
 * kind, or two that belong together. "has no effect yet: " stands before a reason of an ignored member, "is
 * not supported yet: " before that of a refused one. The last column of what has an effect is the Docker
 * field.
 */
#pragma once

#include "manifest/kind_members.h"

/* clang-format off */
/* Done as ECS does it. */
#define HONOURED(name, usual, docker)                 {name, KIND_HONOURED, usual, NULL, NULL, docker, NULL}
/* Done as far as the reason says; no warning. */
#define PARTLY(name, usual, reason, docker)           {name, KIND_PARTLY, usual, NULL, reason, docker, NULL}
/* Done, but for the values that are refused (with spaces between them). */
#define REFUSES(name, usual, values, reason, docker)  {name, KIND_PARTLY, usual, values, reason, docker, NULL}
/* What the members of the object are, or of each object in the list. */
#define INSIDE(name, docker, inside)                  {name, KIND_HONOURED, NULL, NULL, NULL, docker, inside}
/* Accepted with a warning. */
#define IGNORED(name, usual, reason)                  {name, KIND_IGNORED, usual, NULL, reason, NULL, NULL}
/* Likewise as a whole: nothing is said of what is inside. */
#define IGNORES(name, reason, inside)                 {name, KIND_IGNORED, NULL, NULL, reason, NULL, inside}
/* An error. */
#define REFUSED(name, usual, reason)                  {name, KIND_REFUSED, usual, NULL, reason, NULL, NULL}
#define REFUSED_INSIDE(name, reason, inside)          {name, KIND_REFUSED, NULL, NULL, reason, NULL, inside}
/* No effect, and the object or a neighbour says so. */
#define LIKEWISE(name)                                {name, KIND_LIKEWISE, NULL, NULL, NULL, NULL, NULL}
#define LIKEWISE_INSIDE(name, inside)                 {name, KIND_LIKEWISE, NULL, NULL, NULL, NULL, inside}
/* Printed by describe-*, register-* and create-*; not read. */
#define OUTPUT(name)                                  {name, KIND_OUTPUT, NULL, NULL, NULL, NULL, NULL}
/* About the document. */
#define META(name)                                    {name, KIND_META, NULL, NULL, NULL, NULL, NULL}
#define META_INSIDE(name, inside)                     {name, KIND_META, NULL, NULL, NULL, NULL, inside}
#define END                                           {NULL, KIND_HONOURED, NULL, NULL, NULL, NULL, NULL}
/* clang-format on */

/* The roots, by kind. */
extern const struct kind_member kind_members_capacity_provider[];
extern const struct kind_member kind_members_cluster[];
extern const struct kind_member kind_members_listener[];
extern const struct kind_member kind_members_run_task[];
extern const struct kind_member kind_members_scheduled_task[];
extern const struct kind_member kind_members_service[];
extern const struct kind_member kind_members_target_group[];
extern const struct kind_member kind_members_task_definition[];

/* Of several kinds. */
extern const struct kind_member kind_members_tag[];
extern const struct kind_member kind_members_secret[];
extern const struct kind_member kind_members_variable[];
extern const struct kind_member kind_members_environment_file[];
extern const struct kind_member kind_members_log_configuration[];
extern const struct kind_member kind_members_resource_requirement[];
extern const struct kind_member kind_members_placement_constraint[];
extern const struct kind_member kind_members_unused_constraint[];
extern const struct kind_member kind_members_accelerator[];
extern const struct kind_member kind_members_ephemeral_storage[];
extern const struct kind_member kind_members_capacity_provider_strategy[];
extern const struct kind_member kind_members_placement_strategy[];
extern const struct kind_member kind_members_unused_strategy[];
extern const struct kind_member kind_members_awsvpc[];
extern const struct kind_member kind_members_network_configuration[];
extern const struct kind_member kind_members_ebs_tags[];
extern const struct kind_member kind_members_change_window[];
extern const struct kind_member kind_members_aws_tag[];
