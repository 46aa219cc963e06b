#include "act/act.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>

/* Stops wait for processes, not for the engine: they must not keep starts waiting. */
enum lane { LANE_WORK, LANE_STOP, LANES };

struct job {
    struct act *act;
    struct instance_queue *queue;
    struct lane_queue *lane;
    struct action *action;
    struct engine *engine;
    uint64_t call; /* operation under way; 0 while waiting */
    bool pulled;   /* its image has been pulled: once is enough */
};

struct job_vec VECTOR_OF(struct job *);

struct lane_queue {
    struct job_vec running;
    struct job_vec waiting;
};

/* An image that creates wait for. They are in no lane meanwhile. */
struct pull {
    struct instance_queue *queue;
    struct engine *engine;
    char *image;
    struct job_vec jobs;
    uint64_t call; /* 0 while it waits for its turn */
};

struct pull_vec VECTOR_OF(struct pull *);

struct instance_queue {
    struct lane_queue lanes[LANES];
    struct pull_vec pulls;
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

static void pull_free(struct pull *pull)
{
    pull->engine->ops->cancel(pull->engine, pull->call);
    for (size_t i = 0; i < pull->jobs.len; i++)
        job_free(pull->jobs.items[i]);
    vector_deinit(&pull->jobs);
    free(pull->image);
    free(pull);
}

static void queue_free(struct instance_queue *queue)
{
    for (size_t i = 0; i < queue->pulls.len; i++)
        pull_free(queue->pulls.items[i]);
    vector_deinit(&queue->pulls);
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

static void leave_lane(struct job *job)
{
    for (size_t i = 0; i < job->lane->running.len; i++) {
        if (job->lane->running.items[i] != job)
            continue;
        vector_remove(&job->lane->running, i);
        return;
    }
}

/* Of a job that is in no lane any more. */
static void tell(struct job *job, const struct engine_reply *reply)
{
    struct act *act = job->act;
    act->under_way--;
    bool removed = job->action->kind == ACTION_REMOVE && reply->error.code == 0;
    const struct container *container = removed ? NULL : reply->container;
    const struct act_outcome outcome = {
        .action_id = job->action->id,
        .instance = job->action->instance,
        .container_id = container ? container->id : job->action->container_id,
        .error = &reply->error,
        .container = container,
        .gone = removed || (job->action->container_id && reply->error.code == ERROR_NOT_FOUND)};
    act->options.done(act->options.data, &outcome);
    job_free(job);
}

static void on_done(void *data, const struct engine_reply *reply)
{
    struct job *job = data;
    struct lane_queue *lane = job->lane;
    job->call = 0;
    leave_lane(job);
    tell(job, reply);
    fill_lane(lane);
}

/* --- images --------------------------------------------------------------------------------------------- */

static void on_progress(void *data, const struct engine_progress *progress)
{
    const struct pull *pull = data;
    for (size_t i = 0; i < pull->jobs.len; i++) {
        const struct job *job = pull->jobs.items[i];
        if (job->act->options.progress)
            job->act->options.progress(job->act->options.data, job->action->id, progress);
    }
}

static void on_pulled(void *data, const struct engine_reply *reply);

static void fill_pulls(struct instance_queue *queue)
{
    size_t running = 0;
    for (size_t i = 0; i < queue->pulls.len; i++)
        running += queue->pulls.items[i]->call != 0;
    for (size_t i = 0; i < queue->pulls.len && running < LIMIT_ENGINE_PULLS; i++) {
        struct pull *pull = queue->pulls.items[i];
        if (pull->call)
            continue;
        const struct engine_call call = {.done = on_pulled, .progress = on_progress, .data = pull};
        pull->call = pull->engine->ops->pull(pull->engine, pull->image, &call);
        running++;
    }
}

static void tell_no_image(struct pull *pull, const struct engine_reply *reply)
{
    struct engine_reply failed = *reply;
    int code = failed.error.code;
    if (code == ERROR_NOT_FOUND) /* of the image, not of the container */
        failed.error.code = ERROR_INVALID;
    else if (code == ERROR_TIMEOUT || code == ERROR_LIMIT) /* of the container it is known: there is none */
        failed.error.code = ERROR_INTERNAL;
    error_wrap(&failed.error, ERROR_INTERNAL, "CannotPullContainerError: %s", pull->image);
    for (size_t i = 0; i < pull->jobs.len; i++)
        tell(pull->jobs.items[i], &failed);
}

static void on_pulled(void *data, const struct engine_reply *reply)
{
    struct pull *pull = data;
    struct instance_queue *queue = pull->queue;
    struct lane_queue *lane = &queue->lanes[LANE_WORK];
    pull->call = 0;
    for (size_t i = 0; i < queue->pulls.len; i++) {
        if (queue->pulls.items[i] != pull)
            continue;
        vector_remove(&queue->pulls, i);
        break;
    }
    if (reply->error.code < 0)
        tell_no_image(pull, reply);
    for (size_t i = 0; i < pull->jobs.len && reply->error.code == 0; i++) {
        pull->jobs.items[i]->pulled = true;
        vector_push(&lane->waiting, pull->jobs.items[i]);
    }
    pull->jobs.len = 0;
    pull_free(pull);
    fill_pulls(queue);
    fill_lane(lane);
}

static void wait_for_image(struct job *job, const char *image)
{
    struct instance_queue *queue = job->queue;
    leave_lane(job);
    for (size_t i = 0; i < queue->pulls.len; i++) {
        if (!text_equal(queue->pulls.items[i]->image, image))
            continue;
        vector_push(&queue->pulls.items[i]->jobs, job);
        return;
    }
    struct pull *pull = NEW(struct pull);
    pull->queue = queue;
    pull->engine = job->engine;
    pull->image = memory_strdup(image);
    vector_push(&pull->jobs, job);
    vector_push(&queue->pulls, pull);
    fill_pulls(queue);
}

/* --- actions -------------------------------------------------------------------------------------------- */

static void on_created(void *data, const struct engine_reply *reply)
{
    struct job *job = data;
    struct lane_queue *lane = job->lane;
    const char *image = action_image(job->action);
    if (reply->error.code != ERROR_NOT_FOUND || !image || job->pulled) {
        on_done(job, reply);
        return;
    }
    job->call = 0;
    wait_for_image(job, image);
    fill_lane(lane);
}

static void create(struct job *job)
{
    const struct engine_create what = {.name = job->action->name,
                                       .labels = &job->action->labels,
                                       .definition = job->action->task_definition,
                                       .container = job->action->container};
    const struct engine_call call = {.done = on_created, .data = job};
    job->call = job->engine->ops->create(job->engine, &what, &call);
}

static void begin(struct job *job)
{
    const struct engine_ops *ops = job->engine->ops;
    const struct engine_call call = {.done = on_done, .data = job};
    const char *id = job->action->container_id;
    switch (job->action->kind) {
    case ACTION_CREATE:
        create(job);
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
    job->queue = queue;
    job->lane = &queue->lanes[action->kind == ACTION_STOP ? LANE_STOP : LANE_WORK];
    assert(job->engine); /* core knows no instance that the daemon has not configured */
    act->under_way++;
    vector_push(&job->lane->waiting, job);
    fill_lane(job->lane);
}

size_t act_under_way(const struct act *act)
{
    assert(act);
    return act->under_way;
}
