/* What becomes different from one commit to another, from the repository alone. The printers of diff_print.h
 * show it; so it is one value for text, JSON and Markdown.
 *
 * Besides what GET /v1/diff answers ("differences" as of model/diff.h, "held") it has
 *
 *  member                | meaning
 *  ----------------------|------------------------------------------------------------------------------
 *  "from", "to"          | the commits
 *  "insteadOf"           | where FROM cannot be compared with, as diff_base.h has it: what it failed with;
 *                        | "from" is what it was compared with, and absent where that is nothing
 *  "unchanged"           | services in files that changed, for which nothing happens: comments, order,
 *                        | formatting
 *  "summary"             | how many services: "create", "deploy", "update", "rename", "remove", "leave";
 *                        | how many "clusters" and "scheduledTasks" differ; "tasksStart", "tasksStop"; and
 *                        | "uncounted", services whose number of tasks git does not know
 *
 * and each difference of a service
 *
 *  "tasks"               | "before", "after", "starts", "stops", and as struct rollout has them "rounds",
 *                        | "atOnce", "minimumHealthy", "maximum", "stuck"; absent where git does not know
 *                        | their number
 *  "schedulingStrategy"  | "DAEMON" where it is that: a task on every instance
 *  "downtime"            | of tasks that are replaced: {"expected": "none" | "possible" | "certain",
 *                        | "reasons": [...]}
 *  "needs"               | what instances must have for it besides room: ["an instance where host port 80
 *                        | ..."]
 *  "dependsOn"           | services that the same commit deploys and that have to be healthy before
 *  "suspended"           | true: it is left alone, so that nothing of it happens until that ends
 *
 * What could not be read is {"error", "revision", and "diagnostics" where the manifests are at fault}.
 */
#pragma once

#include "cli/cli.h"
#include "cli/offline.h"
#include "model/desired.h"

#include <jansson.h>

/* CLI_OK with the caller's *ret_desired, or CLI_ERROR with the caller's *ret_failure. Nothing is printed. */
int cli_diff_read(const struct cli *cli, const char *revision, struct desired **ret_desired,
                  json_t **ret_failure);
/* The second is compared with the first. CLI_ERROR: *ret_answer is a failure. */
int cli_diff_commits(const struct cli *cli, const char *const revisions[static 2], json_t **ret_answer);

/* What is in the header of this file, of two sides that were read. Caller frees. */
json_t *cli_diff_answer(const struct offline_side sides[static 2]);

/* The newest revision that a target starts, as the commit has it; NULL where it names a number. */
const struct task_definition *cli_diff_started(const struct desired *desired,
                                               const struct scheduled_run *run);
