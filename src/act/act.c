#include "act/act.h"

#include "base/limits.h"
#include "base/map.h"

#include <assert.h>
#include <stdlib.h>

/* Stops wait for processes, not for the engine: they must not keep starts waiting. */
enum lane { LANE_WORK, LANE_STOP, LANES };

struct job {
    struct act *act;
    struct lane_queue *queue;
    struct action *action;
    struct engine *engine;
    uint64_t call; /* operation under way; 0 while waiting */
};

struct job_vec VECTOR_OF(struct job *);

struct lane_queue {
    struct job_vec running;
    struct job_vec waiting;
};

struct instance_queue {
    struct lane_queue lanes[LANES];
};

struct act {
    struct act_options options;
    struct map instances; /* name -> struct instance_queue, owned */
    size_t under_way;
};

static void job_free(struct job *job)
{
    action_free(job->action);
    free(job);
}

static void queue_free(struct instance_queue *queue)
{
    for (size_t l = 0; l < LANES; l++) {
        struct lane_queue *lane = &queue->lanes[l];
        for (size_t i = 0; i < lane->running.len; i++) {
            lane->running.items[i]->engine->ops->cancel(lane->running.items[i]->engine,
                                                        lane->running.items[i]->call);
            job_free(lane->running.items[i]);
        }
        for (size_t i = 0; i < lane->waiting.len; i++)
            job_free(lane->waiting.items[i]);
        vector_deinit(&lane->running);
        vector_deinit(&lane->waiting);
    }
    free(queue);
}

struct act *act_new(const struct act_options *options)
{
    assert(options && options->engine && options->done);
    struct act *act = NEW(struct act);
    act->options = *options;
    act->instances = MAP_INIT(queue_free);
    return act;
}

void act_free(struct act *act)
{
    if (!act)
        return;
    map_deinit(&act->instances);
    free(act);
}

static void begin(struct job *job);

static void fill_lane(struct lane_queue *lane)
{
    while (lane->waiting.len && lane->running.len < LIMIT_ENGINE_CONCURRENCY) {
        struct job *job = lane->waiting.items[0];
        vector_remove(&lane->waiting, 0);
        vector_push(&lane->running, job);
        begin(job);
    }
}

static void finish(struct job *job, const struct engine_reply *reply)
{
    struct act *act = job->act;
    struct lane_queue *lane = job->queue;
    for (size_t i = 0; i < lane->running.len; i++) {
        if (lane->running.items[i] != job)
            continue;
        vector_remove(&lane->running, i);
        break;
    }
    act->under_way--;
    bool removed = job->action->kind == ACTION_REMOVE && reply->error.code == 0;
    const struct act_outcome outcome = {
        .action_id = job->action->id,
        .instance = job->action->instance,
        .error = &reply->error,
        .container = removed ? NULL : reply->container,
        .gone = removed || (job->action->container_id && reply->error.code == ERROR_NOT_FOUND)};
    act->options.done(act->options.data, &outcome);
    job_free(job);
    fill_lane(lane);
}

static void on_done(void *data, const struct engine_reply *reply)
{
    struct job *job = data;
    job->call = 0;
    finish(job, reply);
}

static void on_progress(void *data, const struct engine_progress *progress)
{
    struct job *job = data;
    if (job->act->options.progress)
        job->act->options.progress(job->act->options.data, job->action->id, progress);
}

static void create(struct job *job, void (*done)(void *, const struct engine_reply *))
{
    const struct engine_create what = {.name = job->action->name,
                                       .labels = &job->action->labels,
                                       .definition = job->action->task_definition,
                                       .container = job->action->container};
    const struct engine_call call = {.done = done, .data = job};
    job->call = job->engine->ops->create(job->engine, &what, &call);
}

static void on_pulled(void *data, const struct engine_reply *reply)
{
    struct job *job = data;
    job->call = 0;
    if (reply->error.code < 0) {
        struct engine_reply failed = *reply;
        if (failed.error.code == ERROR_NOT_FOUND) /* of the image, not of the container */
            failed.error.code = ERROR_INVALID;
        error_wrap(&failed.error, ERROR_INTERNAL, "CannotPullContainerError: %s", action_image(job->action));
        finish(job, &failed);
        return;
    }
    create(job, on_done);
}

/* The image is not there: pull it and try again. */
static void on_created(void *data, const struct engine_reply *reply)
{
    struct job *job = data;
    const char *image = action_image(job->action);
    job->call = 0;
    if (reply->error.code != ERROR_NOT_FOUND || !image) {
        finish(job, reply);
        return;
    }
    const struct engine_call call = {.done = on_pulled, .progress = on_progress, .data = job};
    job->call = job->engine->ops->pull(job->engine, image, &call);
}

static void begin(struct job *job)
{
    const struct engine_ops *ops = job->engine->ops;
    const struct engine_call call = {.done = on_done, .data = job};
    const char *id = job->action->container_id;
    switch (job->action->kind) {
    case ACTION_CREATE:
        create(job, on_created);
        break;
    case ACTION_START:
        job->call = ops->start(job->engine, id, &call);
        break;
    case ACTION_STOP:
        job->call = ops->stop(job->engine, id, job->action->stop_timeout_s, &call);
        break;
    case ACTION_REMOVE:
        job->call = ops->remove(job->engine, id, false, &call);
        break;
    }
}

void act_run(struct act *act, struct action *action)
{
    assert(act);
    assert(action);
    assert(action->kind == ACTION_CREATE || action->container_id);
    struct instance_queue *queue = map_get(&act->instances, action->instance);
    if (!queue) {
        queue = NEW(struct instance_queue);
        map_put(&act->instances, action->instance, queue);
    }
    struct job *job = NEW(struct job);
    job->act = act;
    job->action = action;
    job->engine = act->options.engine(act->options.data, action->instance);
    job->queue = &queue->lanes[action->kind == ACTION_STOP ? LANE_STOP : LANE_WORK];
    assert(job->engine); /* core knows no instance that the daemon has not configured */
    act->under_way++;
    vector_push(&job->queue->waiting, job);
    fill_lane(job->queue);
}

size_t act_under_way(const struct act *act)
{
    assert(act);
    return act->under_way;
}
