/* What there is to tell one receiver: from core's views, and what the source says of itself, into its queue,
 * which knows what was told.
 *
 * A look says how things stand, not what has changed: what nobody looked at in time is not lost, and after a
 * restart nothing is told twice.
 *
 *  row | seen                                             | commit status
 *  ----|--------------------------------------------------|-------------------------------------------------
 *  N1  | the newest commit is refused: it is not valid,   | failure, the first diagnostic, or what is wrong
 *      | or not signed as it has to be                    | with the signature; once for each reason
 *  N2  | it is held for an approval                       | pending, why
 *  N3  | the wanted commit: a service's deployment failed | failure, the first reason; "rolled back" too:
 *      |                                                  | what runs is not what the commit says
 *  N4  | likewise: one is not deployed, or waits, or one  | pending
 *      | is being removed                                 |
 *  N5  | likewise, else                                   | success; of clusters that it does not change too
 *  N6  | neither newest nor wanted, and told as pending   | superseded: how it would have ended is not known
 *  N7  | success or failure, and it changes: davit retry  | told again
 *  N8  | what N1 or N2 told is the wanted commit now, in  | success
 *      | a context that N3 to N5 do not have              |
 *
 * What a channel (Slack) is told of a commit ends in its subject, author and origin: it shows nothing else.
 *
 * With perService a service has its own context, but for N1 and N2, which are of the commit as a whole, of
 * all clusters that are known, or "davit" where none is. Where a forge is told of one repository for several
 * sources, which are paths of it, contexts are "davit/SOURCE/CLUSTER": each commit is of all of them, and a
 * failure of one is not to be hidden by the success of another.
 *
 *  row | seen                                             | event, not for forges
 *  ----|--------------------------------------------------|----------------------------------------------------
 *  O1  | the source cannot be read for SOURCE_AWAY_MS     | SOURCE_IMPAIRED, why
 *  O2  | it can, and O1 was told                          | SOURCE_RECOVERED
 *  O3  | the branch lacks what was deployed from it       | SOURCE_REWRITTEN, from which commit to which
 */
#pragma once

#include "api/api.h"
#include "core/core.h"
#include "report/queue.h"
#include "report/target.h"

#include <stdint.h>

struct news {
    const struct core *core;
    const struct report_target *target;
    struct report_queue *queue;
    int64_t now_ms;
    struct api_looks looks; /* of the target's source; {0}: it says nothing */
};

/* Before the first commit has been seen there is nothing to tell but N1 of a signature, and O. */
void news_look(const struct news *news);
