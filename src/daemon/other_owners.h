/* Tasks of other owners, of services that this davit deploys too. Where the owner follows from the source's
 * address (config_finish()), another address of the same repository is another owner: with a state directory
 * that knows no owner, everything that runs is left alone, and runs a second time. Nobody else would say so.
 *
 * Only for a start without state: a state directory keeps its owner (daemon/owner.h), and who shares an
 * engine on purpose has heard it once. Nothing is done to these tasks.
 *
 *  when  | each instance, as soon as a source's services are known; again only where there was such a task,
 * or | no answer: after a minute, then after twice as long, up to LIMIT_ENGINE_OTHERS_MS kept  | per
 * instance and owner the numbers and one service as an example, as the last list had them told  | in the log:
 * a warning when an owner's tasks are seen first; in the status: while they run
 */
#pragma once

#include "core/core.h"
#include "engine/engine.h"

#include <jansson.h>

struct other_owners;

struct other_owners_options {
    const struct core *core; /* borrowed, as is the owner */
    const char *owner;       /* this davit's */
};

struct other_owners *other_owners_new(const struct other_owners_options *options);
/* An instance to ask. Both are borrowed for as long as the engine is. Asks nothing yet. */
void other_owners_add(struct other_owners *others, const char *instance, struct engine *engine);
/* Asks each instance what runs there: a source has its first good commit. Reads a whole list of each. */
void other_owners_look(struct other_owners *others);
/* [{instance, owner, cluster, service, services, tasks, message}], one per instance and owner: `tasks` run of
 * `services` services of ours, of which cluster and service name the first. NULL: there are none. The
 * caller's. */
json_t *other_owners_status_json(const struct other_owners *others);
/* After the engines: no answer comes any more. NULL is fine. */
void other_owners_free(struct other_owners *others);
