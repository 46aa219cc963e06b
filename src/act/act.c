#include "act/act.h"

#include "act/mask.h"
#include "act/supply.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"
#include "base/wipe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Stops wait for processes, not for the engine: they must not keep starts waiting. */
enum lane { LANE_WORK, LANE_STOP, LANES };

struct job {
    struct act *act;
    struct instance_queue *queue;
    struct lane_queue *lane;
    struct action *action;
    struct engine *engine;
    uint64_t call;       /* operation under way; 0 while waiting */
    unsigned has;        /* errands that were run for it, by their bits: once is enough */
    struct mask secrets; /* that the create under way was given */
    bool has_copy;       /* ACTION_RESOLVE: the instance has the image, with this digest (owned) or none */
    char *copy_digest;
    bool uses_copy;      /* for the pull failed */
    char *pulled_digest; /* what the engine said that it pulled; NULL: nothing */
    struct error cause;  /* nothing was asked of the engine; told from the loop, as every outcome */
};

struct job_vec VECTOR_OF(struct job *);

struct lane_queue {
    struct job_vec running;
    struct job_vec waiting;
};

/* What jobs wait for, once for all of them. They are in no lane meanwhile. */
enum errand_kind { ERRAND_DISTRIBUTION, ERRAND_PULL, ERRAND_LOAD, ERRAND_NETWORK };

struct errand {
    enum errand_kind kind;
    struct instance_queue *queue;
    struct engine *engine;
    char *target;           /* image or network */
    struct act_login login; /* the registry's */
    struct job_vec jobs;
    uint64_t call;  /* 0 while it waits for its turn */
    unsigned tries; /* ERRAND_PULL: that failed */
    bool pauses;    /* until the next; the call is that of the clock */
};

struct errand_vec VECTOR_OF(struct errand *);

struct instance_queue {
    struct lane_queue lanes[LANES];
    struct errand_vec errands;
};

struct act {
    struct act_options options;
    struct map instances; /* name -> struct instance_queue, owned */
    size_t under_way;
};

static void job_free(struct job *job)
{
    mask_deinit(&job->secrets);
    free(job->copy_digest);
    free(job->pulled_digest);
    action_free(job->action);
    free(job);
}

static void login_deinit(struct act_login *login)
{
    wipe_free(login->header);
    wipe_free(login->secret);
    free(login->hint);
}

static void errand_free(struct errand *errand)
{
    errand->engine->ops->cancel(errand->engine, errand->call);
    for (size_t i = 0; i < errand->jobs.len; i++)
        job_free(errand->jobs.items[i]);
    vector_deinit(&errand->jobs);
    login_deinit(&errand->login);
    free(errand->target);
    free(errand);
}

static void queue_free(struct instance_queue *queue)
{
    for (size_t i = 0; i < queue->errands.len; i++)
        errand_free(queue->errands.items[i]);
    vector_deinit(&queue->errands);
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
    struct error error = reply->error;
    mask_apply(&job->secrets, &error);
    const struct act_outcome outcome = {
        .action_id = job->action->id,
        .instance = job->action->instance,
        .container_id = container ? container->id : job->action->container_id,
        .error = &error,
        .container = container,
        .warning = reply->warning,
        .image_digest = reply->image_digest,
        .image_is_copy = job->uses_copy,
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

/* --- errands: images and networks that creates wait for --------------------------------------------------
 */

static void tell_progress(const struct errand *errand, const struct act_progress *progress)
{
    for (size_t i = 0; i < errand->jobs.len; i++) {
        const struct job *job = errand->jobs.items[i];
        if (job->act->options.progress)
            job->act->options.progress(job->act->options.data, job->action->id, progress);
    }
}

static void on_progress(void *data, const struct engine_progress *progress)
{
    tell_progress(data, &(struct act_progress){.pull = *progress});
}

static void on_errand_done(void *data, const struct engine_reply *reply);

/* There is one, but for a pull. */
static const struct job *first_of(const struct errand *errand)
{
    assert(errand->jobs.len);
    return errand->jobs.items[0];
}

static void run_errand(struct errand *errand)
{
    const struct engine_ops *ops = errand->engine->ops;
    const struct engine_call call = {.done = on_errand_done, .progress = on_progress, .data = errand};
    const struct engine_pull what = {.image = errand->target, .login = errand->login.header};
    switch (errand->kind) {
    case ERRAND_DISTRIBUTION:
        errand->call = ops->distribution_inspect(errand->engine, &what, &call);
        break;
    case ERRAND_PULL:
        errand->call = ops->pull(errand->engine, &what, &call);
        break;
    case ERRAND_LOAD:
        errand->call = ops->image_load(errand->engine, first_of(errand)->act->options.pause_image, &call);
        break;
    case ERRAND_NETWORK:
        errand->call = ops->network_create(errand->engine, first_of(errand)->action->labels.owner,
                                           errand->target, &call);
        break;
    }
}

/* Pulls take long, and what asks a registry may. */
static void fill_errands(struct instance_queue *queue)
{
    static const size_t at_once[] = {[ERRAND_DISTRIBUTION] = LIMIT_ENGINE_CONCURRENCY,
                                     [ERRAND_PULL] = LIMIT_ENGINE_PULLS,
                                     [ERRAND_LOAD] = SIZE_MAX,
                                     [ERRAND_NETWORK] = SIZE_MAX};
    size_t under_way[ARRAY_LEN(at_once)] = {0};
    for (size_t i = 0; i < queue->errands.len; i++)
        under_way[queue->errands.items[i]->kind] +=
            queue->errands.items[i]->call != 0 && !queue->errands.items[i]->pauses;
    for (size_t i = 0; i < queue->errands.len; i++) {
        struct errand *errand = queue->errands.items[i];
        if (errand->call || under_way[errand->kind] == at_once[errand->kind])
            continue;
        under_way[errand->kind]++;
        run_errand(errand);
    }
}

/* Of the container it is known: there is none. Only what says nothing of the engine is passed on as it is. */
static int failure_code(const struct errand *errand, int code)
{
    if (code == ERROR_NOT_FOUND) /* of the image, not of the container */
        return ERROR_INVALID;
    if (errand->kind == ERRAND_PULL && (code == ERROR_TIMEOUT || code == ERROR_LIMIT))
        return ERROR_INTERNAL;
    return code;
}

/* What the instance has is used, unless the engine itself did not answer. Whether it was built there, or the
 * login has run out, registries do not tell apart. */
static void tell_pull_failed(struct job *job, const struct engine_reply *failed)
{
    int code = failed->error.code;
    if (!job->has_copy || code == ERROR_UNAVAILABLE || code == ERROR_PROTOCOL) {
        tell(job, failed);
        return;
    }
    char *warning CLEANUP_FREE =
        memory_printf("%s; the copy of instance %s is used", failed->error.message, job->action->instance);
    const struct engine_reply copy = {.image_digest = job->copy_digest, .warning = warning};
    job->uses_copy = true;
    tell(job, &copy);
}

static void mask_login(const struct errand *errand, struct error *err)
{
    struct mask secrets CLEANUP(mask_deinit) = {0};
    mask_add(&secrets, errand->login.header);
    mask_add(&secrets, errand->login.secret);
    mask_apply(&secrets, err);
}

static void tell_failed(struct errand *errand, const struct engine_reply *reply)
{
    static const char *const words[] = {[ERRAND_PULL] = "CannotPullContainerError: ",
                                        [ERRAND_LOAD] = "CannotPullContainerError: pause image ",
                                        [ERRAND_NETWORK] = "ResourceInitializationError: network "};
    struct engine_reply failed = *reply;
    mask_login(errand, &failed.error);
    failed.error.code = failure_code(errand, failed.error.code);
    if (errand->login.hint) {
        char *cause CLEANUP_FREE = memory_strdup(failed.error.message);
        error_set(&failed.error, failed.error.code, "%s (%s)", cause, errand->login.hint);
    }
    error_wrap(&failed.error, ERROR_INTERNAL, "%s%s", words[errand->kind], errand->target);
    for (size_t i = 0; i < errand->jobs.len; i++)
        tell_pull_failed(errand->jobs.items[i], &failed);
}

/* Their turn comes again, with what they needed. */
static void let_wait(const struct errand *errand, struct lane_queue *lane, const char *digest)
{
    for (size_t i = 0; i < errand->jobs.len; i++) {
        errand->jobs.items[i]->has |= 1U << errand->kind;
        free(errand->jobs.items[i]->pulled_digest);
        errand->jobs.items[i]->pulled_digest = memory_strdup(digest);
        vector_push(&lane->waiting, errand->jobs.items[i]);
    }
}

static void wait_for(struct job *job, enum errand_kind kind, const char *target);

/* Of the queue, if somebody waits for the same already. Takes the login over. */
static struct errand *find_errand(struct errand wanted)
{
    struct errand_vec *errands = &wanted.queue->errands;
    for (size_t i = 0; i < errands->len; i++) {
        struct errand *errand = errands->items[i];
        if (errand->kind != wanted.kind || !text_equal(errand->target, wanted.target) ||
            !text_equal(errand->login.header, wanted.login.header))
            continue;
        login_deinit(&wanted.login);
        return errand;
    }
    struct errand *errand = NEW(struct errand);
    *errand = wanted;
    errand->target = memory_strdup(wanted.target);
    vector_push(errands, errand);
    return errand;
}

/* Without a word of the registry's, for whatever reason, the pull tells. With it nobody waits for the pull,
 * and the instance knows the tag afterwards: the next deployment may find no registry. */
static void take_distribution(struct errand *errand, const struct engine_reply *reply)
{
    const struct engine_reply found = {.image_digest = reply->image_digest};
    bool told = reply->error.code == 0 && reply->image_digest;
    bool known = false;
    for (size_t i = 0; i < errand->jobs.len; i++) {
        struct job *job = errand->jobs.items[i];
        known |= text_equal(job->copy_digest, reply->image_digest);
        if (told)
            tell(job, &found);
        else
            wait_for(job, ERRAND_PULL, errand->target);
    }
    if (!told || known)
        return;
    struct errand pull = *errand;
    pull.kind = ERRAND_PULL;
    pull.jobs = (struct job_vec){0};
    errand->login = (struct act_login){0};
    find_errand(pull);
}

static void try_again(void *data)
{
    struct errand *errand = data;
    errand->call = 0;
    errand->pauses = false;
    tell_progress(errand, &(struct act_progress){.pull.status = ""}); /* what was told is over */
    fill_errands(errand->queue);
}

/* Returns whether it is tried again. */
static bool pause_pull(struct errand *errand, const struct error *cause)
{
    static const int64_t pauses_ms[LIMIT_ENGINE_PULL_TRIES - 1] = {1100, 2200, 4400, 5000};
    if (errand->kind != ERRAND_PULL || cause->code != ERROR_INTERNAL || errand->tries == ARRAY_LEN(pauses_ms))
        return false;
    int64_t pause_ms = pauses_ms[errand->tries++];
    struct error told = *cause;
    mask_login(errand, &told);
    char *failure CLEANUP_FREE =
        memory_printf("%s; tried again in %.1fs (%u of %d)", told.message, (double)pause_ms / 1000,
                      errand->tries + 1, LIMIT_ENGINE_PULL_TRIES);
    errand->pauses = true;
    errand->call = errand->engine->ops->after(errand->engine, pause_ms, try_again, errand);
    tell_progress(errand, &(struct act_progress){.pull.status = "", .failure = failure});
    fill_errands(errand->queue);
    return true;
}

static void on_errand_done(void *data, const struct engine_reply *reply)
{
    struct errand *errand = data;
    if (pause_pull(errand, &reply->error))
        return;
    struct instance_queue *queue = errand->queue;
    struct lane_queue *lane = &queue->lanes[LANE_WORK];
    errand->call = 0;
    for (size_t i = 0; i < queue->errands.len; i++) {
        if (queue->errands.items[i] != errand)
            continue;
        vector_remove(&queue->errands, i);
        break;
    }
    if (errand->kind == ERRAND_DISTRIBUTION)
        take_distribution(errand, reply);
    else if (reply->error.code < 0)
        tell_failed(errand, reply);
    else
        let_wait(errand, lane, errand->kind == ERRAND_PULL ? reply->image_digest : NULL);
    errand->jobs.len = 0;
    errand_free(errand);
    fill_errands(queue);
    fill_lane(lane);
}

static int find_login(const struct job *job, const char *image, struct act_login *ret_login,
                      struct error *err)
{
    const struct act_stores *stores = &job->act->options.stores;
    if (!stores->login)
        return 0;
    int r = stores->login(stores->data, image, supply_credentials(job->action), ret_login, err);
    if (r < 0) {
        err->code = ERROR_INVALID;
        error_wrap(err, ERROR_INVALID, "CannotPullContainerError: %s: no login for the registry", image);
    }
    return r;
}

static void wait_for(struct job *job, enum errand_kind kind, const char *target)
{
    struct instance_queue *queue = job->queue;
    struct engine_reply refused = {0};
    struct act_login login = {0};
    leave_lane(job);
    if ((kind == ERRAND_PULL || kind == ERRAND_DISTRIBUTION) &&
        find_login(job, target, &login, &refused.error) < 0) {
        tell_pull_failed(job, &refused);
        return;
    }
    struct errand *errand = find_errand((struct errand){
        .kind = kind, .queue = queue, .engine = job->engine, .target = (char *)target, .login = login});
    vector_push(&errand->jobs, job);
    fill_errands(queue);
}

/* --- actions -------------------------------------------------------------------------------------------- */

static bool is_pause(const struct job *job)
{
    return text_equal(job->action->container, PAUSE_CONTAINER);
}

static void on_created(void *data, const struct engine_reply *reply)
{
    struct job *job = data;
    struct lane_queue *lane = job->lane;
    enum errand_kind kind = is_pause(job) ? ERRAND_LOAD : ERRAND_PULL;
    const char *image = is_pause(job) ? job->act->options.pause_image->image : action_image(job->action);
    if (reply->error.code != ERROR_NOT_FOUND || !image || job->has & 1U << kind) {
        on_done(job, reply);
        return;
    }
    job->call = 0;
    mask_deinit(&job->secrets);
    wait_for(job, kind, image);
    fill_lane(lane);
}

/* Each time: somebody may have removed the network since, for one that nobody uses looks forgotten. */
static bool needs_network(const struct job *job)
{
    return is_pause(job) && text_equal(job->action->task_definition->network_mode, "awsvpc") &&
           !(job->has & 1U << ERRAND_NETWORK);
}

static void tell_cause(void *data)
{
    struct job *job = data;
    const struct engine_reply reply = {.error = job->cause};
    on_done(job, &reply);
}

static void create(struct job *job)
{
    if (needs_network(job)) {
        char *network CLEANUP_FREE = action_network_name(&job->action->labels);
        wait_for(job, ERRAND_NETWORK, network);
        return;
    }
    struct supply supply CLEANUP(supply_deinit) = {0};
    if (supply_gather(&job->act->options.stores, job->action, &supply, &job->cause) < 0) {
        job->call = job->engine->ops->after(job->engine, 0, tell_cause, job);
        return;
    }
    job->secrets = supply.secrets;
    supply.secrets = (struct mask){0};
    const struct engine_create what = {.name = job->action->name,
                                       .labels = &job->action->labels,
                                       .definition = job->action->task_definition,
                                       .container = job->action->container,
                                       .image = job->action->image,
                                       .environment = supply.has_environment ? &supply.environment : NULL,
                                       .log_options = supply.log_options,
                                       .files = supply.files.items,
                                       .files_len = supply.files.len};
    const struct engine_call call = {.done = on_created, .data = job};
    job->call = job->engine->ops->create(job->engine, &what, &call);
}

/* Before the pull, or after it. */
static void on_image(void *data, const struct engine_reply *reply)
{
    struct job *job = data;
    struct lane_queue *lane = job->lane;
    bool absent = reply->error.code == ERROR_NOT_FOUND;
    if (job->has & 1U << ERRAND_PULL) {
        struct engine_reply pulled = *reply;
        if (reply->error.code == 0 && job->pulled_digest)
            pulled.image_digest = job->pulled_digest;
        on_done(job, &pulled);
        return;
    }
    if (!absent && !reply->image_digest) {
        on_done(job, reply); /* built there; or failed */
        return;
    }
    job->call = 0;
    job->has_copy = !absent;
    job->copy_digest = memory_strdup(reply->image_digest);
    /* Not by a pull if it can be had: one slow instance would keep the whole rollout waiting. */
    wait_for(job, job->engine->ops->distribution_inspect ? ERRAND_DISTRIBUTION : ERRAND_PULL,
             job->action->image);
    fill_lane(lane);
}

static void begin(struct job *job)
{
    const struct engine_ops *ops = job->engine->ops;
    const struct engine_call call = {.done = on_done, .data = job};
    const struct engine_call image_call = {.done = on_image, .data = job};
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
    case ACTION_RESOLVE:
        job->call = ops->image_inspect(job->engine, job->action->image, &image_call);
        break;
    }
}

void act_run(struct act *act, struct action *action)
{
    assert(act);
    assert(action);
    assert(action->kind == ACTION_CREATE || action->kind == ACTION_RESOLVE || action->container_id);
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
