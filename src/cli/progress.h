/* How rollouts get on: a line with a bar for each service; on a terminal redrawn in place, else a line for
 * each change.
 */
#pragma once

#include "cli/cli.h"
#include "core/core.h"

#include <jansson.h>

/* Blocked: it is not steady, and nothing comes of it by itself. */
enum progress_state { PROGRESS_BUSY, PROGRESS_STEADY, PROGRESS_FAILED, PROGRESS_BLOCKED };

/* Everything is borrowed. */
struct progress_service {
    const char *cluster;
    const char *name;
    const char *source; /* NULL: there is one */
    enum progress_state state;
    const char *word; /* "deploying": view_service_state() */
    int desired;
    int healthy;
    int left;           /* tasks that are not stopped */
    const char *family; /* of the deployment; NULL: none yet */
    int revision;
    const char *commit;                             /* oid; NULL: not known */
    const char *reason;                             /* why it failed; NULL: not known */
    const char *waiting;                            /* NULL: nothing is being waited for */
    struct view_revision revisions[VIEW_REVISIONS]; /* what runs, newest first */
    size_t revisions_len;
    int lost; /* tasks of which nobody knows */
    int gone; /* of these: no more counted */
    const char *lost_instance;
    int64_t lost_ms;          /* 0: since ever */
    const char *pulling;      /* image; NULL: none */
    const char *pull_failure; /* of the last try; NULL: none */
    int64_t pulled_bytes;
    int64_t pull_bytes; /* 0: not known */
    bool removing;
    bool suspended;          /* then `waiting` says by whom */
    const char *held_commit; /* that davit rollback --hold took back; NULL: none */
    int64_t held_ms;         /* since then */
    bool held_images;        /* only what its images were is another than that */
    const char *failed_task; /* the newest whose logs there are; NULL: none */
};

/* Of one that has failed or is held: what makes davit try again; of one whose bounds let no task start or
 * stop, what does; of one that crashes, where to read why; of one that is suspended, what ends that. NULL: it
 * needs nobody. Caller frees. */
char *progress_remedy(const struct progress_service *service);

/* The id of the commit that its source wants, "" if it wants none. Borrowed. */
const char *progress_wanted(const struct progress_service *service, const json_t *sources);

void progress_of_view(const struct core *core, const struct view_service *view,
                      struct progress_service *ret_service);
/* A service of GET /v1/services. */
void progress_of_json(const json_t *service, struct progress_service *ret_service);

struct progress;

/* Draws on cli->err. */
struct progress *progress_new(const struct cli *cli);
void progress_free(struct progress *progress);
DEFINE_CLEANUP(struct progress, progress_free)
void progress_show(struct progress *progress, const struct progress_service *services, size_t len);
/* The last picture: every service, and its line in full whatever the width of the terminal. */
void progress_finish(struct progress *progress, const struct progress_service *services, size_t len);

/* "web  [#####.....] 2/4 healthy  deploying web:2 (abc1234)  waiting: ..." Caller frees. */
char *progress_line(const struct progress_service *service, int name_width);
