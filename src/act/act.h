/* Runs actions through the engine's table: bounded concurrency per instance, one answer per action. It
 * decides nothing: what an answer means is core's business, and there is no retry here.
 *
 * A create whose image is not there leaves its place to others while the image is pulled: once for all that
 * wait for it, LIMIT_ENGINE_PULLS images at a time. In the same way a pause container waits for the network
 * of its cluster, which is made unless it is there, and for its image, which is davit's own and is loaded,
 * never pulled.
 */
#pragma once

#include "engine/engine.h"
#include "model/action.h"

#include <stdint.h>

struct act;

/* How an action ended. Everything is borrowed for the length of the callback. */
struct act_outcome {
    uint64_t action_id;
    const char *instance;
    const char *container_id;          /* that it was about; NULL: there is none yet */
    const struct error *error;         /* code 0: it worked */
    const struct container *container; /* as it is now; NULL: not known */
    bool gone;                         /* the engine says that it does not exist */
};

struct act_options {
    struct engine *(*engine)(void *data, const char *instance);  /* NULL: no such instance */
    void (*done)(void *data, const struct act_outcome *outcome); /* never from within act_run() */
    void (*progress)(void *data, uint64_t action_id, const struct engine_progress *progress);
    const struct engine_archive *pause_image;
    void *data;
};

struct act *act_new(const struct act_options *options);
/* Cancels what is under way; no callback comes any more. */
void act_free(struct act *act);
/* Takes over the action. What is over the instance's concurrency waits in order. */
void act_run(struct act *act, struct action *action);
/* Actions given and not answered. */
size_t act_under_way(const struct act *act);
