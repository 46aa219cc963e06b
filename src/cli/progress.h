/* How rollouts get on: a line with a bar for each service; on a terminal redrawn in place, else a line for
 * each change.
 */
#pragma once

#include "cli/cli.h"
#include "core/core.h"

#include <jansson.h>

enum progress_state { PROGRESS_BUSY, PROGRESS_STEADY, PROGRESS_FAILED };

/* Everything is borrowed. */
struct progress_service {
    const char *cluster;
    const char *name;
    enum progress_state state;
    int desired;
    int healthy;
    const char *deployment; /* NULL: none yet */
    const char *family;
    int revision;
    const char *commit;  /* oid; NULL: not known */
    const char *reason;  /* why it failed; NULL: not known */
    const char *waiting; /* NULL: nothing is being waited for */
    bool removing;
    bool completed; /* the deployment is over: what is missing is being replaced */
};

void progress_of_view(const struct view_service *view, struct progress_service *ret_service);
/* A service of GET /v1/services. */
void progress_of_json(const json_t *service, struct progress_service *ret_service);

struct progress;

/* Draws on cli->err. */
struct progress *progress_new(const struct cli *cli);
void progress_free(struct progress *progress);
DEFINE_CLEANUP(struct progress, progress_free)
void progress_show(struct progress *progress, const struct progress_service *services, size_t len);

/* "web  [#####.....] 2/4 healthy  deploying ecs-svc/1 web:2 (abc1234)  waiting: ..." Caller frees. */
char *progress_line(const struct progress_service *service, int name_width);
