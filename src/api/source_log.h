/* Events of sources, as services have theirs: what davit status says of a source, when it begins to say it.
 * In ECS's words ("(source shop) ..."), kept in memory, the newest LIMIT_SERVICE_EVENTS of each.
 *
 *  told                                              | when
 *  --------------------------------------------------|--------------------------------------------------------
 *  has trouble: WHY                                  | it cannot be read, its newest commit is not signed as
 *                                                    | it has to be, or the ledger cannot be written; and
 *                                                    | when that becomes another WHY
 *  has recovered.                                    | none of it any more
 *  refused commit OID, with N errors: the first      | the newest commit is not valid
 *  holds commit OID: WHY                             | it waits for davit approve
 *  deploys commit OID, which was approved: WHY       | it was held, and is no longer
 *  HEAD of the origin is now BRANCH (was BRANCH)     | no branch is configured: another one is followed
 *  BRANCH was rewritten, from OID to OID             | a forced push, or a branch that HEAD was moved to
 *                                                    | lacks what was deployed
 */
#pragma once

#include "api/api.h"
#include "base/map.h"

/* The log of one source: nothing of it is the caller's to change. */
struct source_log {
    struct view_event *events; /* oldest first */
    size_t events_len;
    unsigned count; /* since the start */
    char *trouble;  /* NULL: it is well */
    char refused[COMMIT_OID_SIZE];
    char held[COMMIT_OID_SIZE];
    char *why;          /* it is held; NULL: none was, or that was approved */
    int64_t rewrite_ms; /* of the rewrite that was told */
    int64_t move_ms;    /* likewise */
};

/* Notes what is new of each source. Cheap when nothing is. */
void source_log_note(struct api *api);
void source_log_free(struct source_log *log);
