/* EventBridge's envelope around what davit has to tell.
 *
 * ECS's own detail types have ECS's members and "source": "aws.ecs", so that rules written for ECS match;
 * what davit knows besides is in `davit` of the detail. What becomes of a commit, and of where commits come
 * from, has no word in ECS: detail types "davit Commit State Change" and "davit Source State Change",
 * "source": "davit".
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
 */
#pragma once

#include "model/commit.h"
#include "model/ledger.h"

#include <jansson.h>
#include <stdint.h>

/* All is borrowed. */
struct report_place {
    const char *region; /* of ARNs */
    const char *account;
    const char *cluster; /* NULL: none is known yet, or it is of none: no resources */
    const char *service; /* NULL: the cluster */
};

/* ECS: SERVICE_DEPLOYMENT_IN_PROGRESS, _COMPLETED, _FAILED; state is one of these three, and the
 * deployment's now or before. */
json_t *report_event_deployment(const struct report_place *place, const struct deployment *deployment,
                                enum deployment_state state);

/* A message of the service that ECS has an event for: its name ("SERVICE_STEADY_STATE"), or NULL. */
const char *report_action_name(const char *message);
struct report_action {
    const char *name;       /* of report_action_name() */
    const char *message;    /* ECS: reason */
    const char *deployment; /* id of the PRIMARY one */
    int64_t at_ms;
};
json_t *report_event_action(const struct report_place *place, const struct report_action *action);

struct report_commit {
    const char *source; /* NULL: the only one */
    const struct commit *commit;
    const char *context;
    const char *state; /* REPORT_PENDING ... */
    const char *text;
    int64_t at_ms;
};
json_t *report_event_commit(const struct report_place *place, const struct report_commit *commit);

#define REPORT_SOURCE_IMPAIRED  "SOURCE_IMPAIRED" /* it cannot be read for a while */
#define REPORT_SOURCE_RECOVERED "SOURCE_RECOVERED"
#define REPORT_SOURCE_REWRITTEN "SOURCE_REWRITTEN" /* the branch, by a forced push */

/* In the members that ECS's own events have: eventType, eventName, reason, createdAt. */
struct report_source {
    const char *event; /* REPORT_SOURCE_IMPAIRED ... */
    const char *name;
    const char *origin; /* without password; may be NULL, as may the branch */
    const char *branch;
    const char *reason;
    const char *from; /* oids of a rewrite; NULL: it is none */
    const char *to;
    const char *fork; /* "": they have no commit in common */
    int64_t at_ms;
};
json_t *report_event_source(const struct report_place *place, const struct report_source *source);
