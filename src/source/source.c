#include "source/source.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/fetch.h"
#include "source/look.h"
#include "source/origin.h"
#include "source/watch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MS 1000 /* of a local origin that failed; doubles up to SOURCE_POLL_MS */
#define REMOTE_RETRY_MS                                                                                      \
    (5 * SOURCE_POLL_MS)      /* back-off of a remote stops here, or at its poll if that is longer */
#define BUSY_LOOKS       20   /* a directory that never comes to rest is taken as it is after so many */
#define POSTPONE_MOST_MS 5000 /* changes put a look off for no longer than this */

struct source {
    uv_loop_t *loop;
    struct source_listener listener;
    struct source_look look; /* the worker's while `working` and no fetch is under way */
    uv_work_t work;
    uv_timer_t timer;
    struct source_watch *watch;
    struct source_fetch *fetch; /* NULL unless under way */
    struct source_status status;
    char *origin_shown;
    char *branch_shown;
    char *branch_known;  /* the last one that was; NULL: none was */
    char *branch_left;   /* that HEAD said before it */
    bool branch_moved;   /* by the look that is under way */
    bool branch_changed; /* and the listener has not heard of it */
    char *executable;
    struct source_access access;
    int64_t poll_ms;
    int64_t fetch_ms;
    int64_t fetch_stall_ms;
    int64_t fetch_bytes;
    uint64_t away_ms;
    uint64_t failed_ms;              /* when the first of status.failures was, of the loop's clock */
    char too_large[COMMIT_OID_SIZE]; /* the commit that was over fetch_bytes; empty: none */
    unsigned asked;                  /* status.asked when the origin was looked at last */
    bool working;                    /* a look is under way: fetch, batches, deliveries */
    bool wanted;                     /* look again when it is over */
    bool second;  /* the look is for new roots only: the mirror has the commits, and a remote is not asked */
    bool renewed; /* the mirror was made anew by the look before */
    struct source_rewrite rewrite; /* whose commit to deploy has not come yet */
    struct error outage;           /* why the remote gave nothing to the look that is under way */
    bool freed;
    int open_handles;
    unsigned busy_looks;
    bool has_new_roots; /* for the next look, with new_since */
    struct string_vec new_roots;
    int64_t new_generation;
    char new_since[COMMIT_OID_SIZE];
    uint64_t postponed_since_ms; /* of the loop's clock; 0: not */
};

static void begin_look(struct source *source);

static void release(struct source *source)
{
    if (source->working || source->open_handles)
        return;
    source_look_deinit(&source->look);
    string_vec_deinit(&source->new_roots);
    source_refusal_deinit(&source->status.refusal);
    free(source->origin_shown);
    free(source->branch_shown);
    free(source->branch_known);
    free(source->branch_left);
    free(source->executable);
    source_access_deinit(&source->access);
    free(source);
}

/* --- when to look --------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    begin_look(timer->data);
}

static int64_t with_jitter(int64_t ms)
{
    uint32_t random = UINT32_MAX / 2;
    uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
    return ms - ms / 10 + (int64_t)((double)ms / 5 * ((double)random / UINT32_MAX));
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_look_ms(const struct source *source)
{
    unsigned failures = source->status.failures;
    unsigned doublings = failures > 16 ? 16 : failures ? failures - 1 : 0;
    if (source->look.remote) {
        int64_t most_ms = source->poll_ms > REMOTE_RETRY_MS ? source->poll_ms : REMOTE_RETRY_MS;
        return with_jitter(min64(source->poll_ms << doublings, most_ms));
    }
    return failures ? min64((int64_t)RETRY_MS << doublings, SOURCE_POLL_MS) : SOURCE_POLL_MS;
}

static void schedule(struct source *source, int64_t ms)
{
    if (!source->freed)
        uv_timer_start(&source->timer, on_timer, (uint64_t)ms, 0);
}

/* A change in a directory: wait until nothing more changes, but not for ever. */
static void postpone(struct source *source)
{
    uint64_t now = uv_now(source->loop);
    if (!source->postponed_since_ms)
        source->postponed_since_ms = now;
    if (now - source->postponed_since_ms < POSTPONE_MOST_MS)
        schedule(source, SOURCE_STILL_MS);
}

/* A ref changes in one step; files and whole repositories that come into being do not. */
static bool is_stepwise(const struct source *source)
{
    return !(source->status.kind == SOURCE_REPOSITORY && source->look.was_repository);
}

static void on_change(void *data)
{
    struct source *source = data;
    if (source->freed)
        return;
    if (source->working)
        source->wanted = true;
    else if (is_stepwise(source))
        postpone(source);
    else
        begin_look(source);
}

/* --- the end of a look ---------------------------------------------------------------------------------- */

static void watch_paths(struct source *source)
{
    bool complete = false;
    if (source->watch && source_watch_paths(source->watch, &source->look.paths, &complete))
        source->wanted = true;
    source->status.watching = complete;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *shown_branch(const char *ref)
{
    if (!ref || text_equal(ref, "HEAD"))
        return NULL;
    return text_starts_with(ref, "refs/heads/") ? ref + strlen("refs/heads/") : ref;
}

static void note_move(struct source *source, const char *branch)
{
    if (!branch || text_equal(branch, source->branch_known))
        return;
    if (source->branch_known && !source->look.branch) {
        free(source->branch_left);
        source->branch_left = TAKE(source->branch_known);
        source->branch_moved = true;
        source->status.move = (struct source_move){source->branch_left, now_ms()};
    }
    free(source->branch_known);
    source->branch_known = memory_strdup(branch);
}

/* Before the first commit of it is delivered, too. */
static void note_branch(struct source *source)
{
    struct source_status *status = &source->status;
    const char *branch = source->look.kind == SOURCE_DIRECTORY ? NULL : shown_branch(source->look.ref);
    note_move(source, branch);
    if (text_equal(status->branch, branch))
        return;
    free(source->branch_shown);
    source->branch_shown = memory_strdup(branch);
    status->branch = source->branch_shown;
    source->branch_changed = true;
}

/* Returns whether the status changed. */
static bool note_outcome(struct source *source)
{
    struct source_status *status = &source->status;
    bool was_away = status->away;
    uint64_t now = uv_now(source->loop);
    status->failures = status->ok || status->refused ? 0 : status->failures + 1;
    if (status->failures <= 1)
        source->failed_ms = now;
    status->away = status->failures > 0 && now - source->failed_ms >= source->away_ms;
    return status->away != was_away;
}

/* Returns whether the listener has to hear of it. */
static bool update_status(struct source *source)
{
    struct source_status *status = &source->status;
    const struct error *error = &source->look.error;
    note_branch(source);
    bool changed = !status->looked_at_ms || status->ok != (error->code == 0) ||
                   status->kind != source->look.kind || strcmp(status->error.message, error->message) != 0 ||
                   source->branch_changed;
    source->branch_changed = false;
    status->kind = source->look.kind;
    status->error = *error;
    status->ok = error->code == 0;
    changed |= note_outcome(source);
    status->looked_at_ms = now_ms();
    return changed;
}

static void plan_next_look(struct source *source)
{
    bool renewed = source->look.again && !source->renewed;
    source->renewed = renewed;
    source->busy_looks = source->look.busy ? source->busy_looks + 1 : 0;
    if (source->look.busy)
        schedule(source, SOURCE_STILL_MS);
    else if (source->wanted && is_stepwise(source) && !source->has_new_roots)
        postpone(source);
    else if (source->has_new_roots || source->wanted || renewed)
        begin_look(source);
    else
        schedule(source, next_look_ms(source));
}

static void take_refusal(struct source *source)
{
    source_refusal_deinit(&source->status.refusal);
    source_refusal_copy(&source->look.refused, &source->status.refusal);
}

/* The last step of a look; may end the source. */
static void end_look(struct source *source)
{
    source->working = false;
    source->postponed_since_ms = 0;
    bool is_kept = source->look.refusal.code != 0;
    bool is_refused = is_kept && source->look.refused.text;
    if (!source->look.error.code && is_kept == is_refused)
        take_refusal(source);
    if (source->outage.code)
        source->look.error = source->outage;
    source->status.refused = !source->look.error.code && is_refused;
    if (!source->look.error.code && is_kept)
        source->look.error = source->look.refusal;
    source_origin_redact_error(source->look.origin, &source->look.error);
    if (!source->look.remote)
        watch_paths(source);
    if (!source->look.busy)
        source->status.answered = source->asked;
    bool silent = source->look.busy || (source->second && !source->look.error.code);
    if (!silent && update_status(source)) {
        source->status.told++;
        source->listener.on_status(source->listener.data, &source->status);
    }
    plan_next_look(source);
}

/* --- a look --------------------------------------------------------------------------------------------- */

/* A line that is told anew, to other roots, tells of the same rewrite again. */
static void note_rewrite(struct source *source, const struct source_update *update)
{
    struct source_rewrite *pending = &source->rewrite;
    struct source_rewrite *last = &source->status.rewrite;
    if (update->rewritten) {
        memcpy(pending->from, source->look.delivered, sizeof pending->from);
        memcpy(pending->fork, update->fork, sizeof pending->fork);
        pending->moved = source->branch_moved;
    }
    if (!pending->from[0] || !update->head)
        return;
    memcpy(pending->to, update->commit.oid, sizeof pending->to);
    pending->seen_at_ms = now_ms();
    if (!text_equal(pending->from, last->from) || !text_equal(pending->to, last->to))
        *last = *pending;
    *pending = (struct source_rewrite){0};
}

static void deliver(struct source *source, const struct source_update *update)
{
    struct source_look *look = &source->look;
    note_branch(source);
    note_rewrite(source, update);
    memcpy(look->delivered, update->commit.oid, sizeof look->delivered);
    look->delivered_is_head = update->head;
    look->head_known |= update->head;
    memcpy(source->status.oid, update->commit.oid, sizeof source->status.oid);
    source->listener.on_update(source->listener.data, update);
}

static void run_look(uv_work_t *work)
{
    struct source *source = work->data;
    source_look_run(&source->look);
}

static void on_looked(uv_work_t *work, int status)
{
    struct source *source = work->data;
    struct source_look *look = &source->look;
    (void)status; /* looks are not canceled */
    for (size_t i = 0; i < look->updates.len && !source->freed; i++)
        deliver(source, &look->updates.items[i]);
    source_update_vec_deinit(&look->updates);
    if (source->freed) {
        source->working = false;
        release(source);
    } else if (look->walk) {
        uv_queue_work(source->loop, &source->work, run_look, on_looked);
    } else {
        end_look(source);
    }
}

static void report_look(uv_work_t *work)
{
    (void)work; /* the outage is known: only the way to the loop is wanted */
}

/* A life that begins while the remote is away goes on with what an earlier one has fetched. Not without the
 * branch: it may be that another one is wanted than then. */
static void look_after_fetch(struct source *source, const struct error *outage)
{
    struct source_look *look = &source->look;
    source->outage = *outage;
    look->bridges = outage->code != 0;
    look->again = false;
    bool looks = !outage->code || (!look->head_known && outage->code != ERROR_NOT_FOUND);
    uv_queue_work(source->loop, &source->work, looks ? run_look : report_look, on_looked);
}

static void on_fetched(void *data, const struct source_fetch_result *result, const struct error *error)
{
    struct source *source = data;
    source->fetch = NULL;
    if (source->freed) {
        source->working = false;
        release(source);
        return;
    }
    if (result->ref) {
        free(source->look.ref);
        source->look.ref = memory_strdup(result->ref);
    }
    if (error->code == ERROR_LIMIT)
        memcpy(source->too_large, result->tip, sizeof source->too_large);
    look_after_fetch(source, error);
}

static void begin_fetch(struct source *source)
{
    struct source_fetch_request request = {
        .executable = source->executable,
        .order = {.url = source->look.origin,
                  .branch = source->look.branch,
                  .mirror_dir = source->look.mirror_dir,
                  .too_large = source->too_large,
                  .max_bytes = source->fetch_bytes,
                  .stall_ms = source->fetch_stall_ms,
                  .access = source->access,
                  .tags = source->look.verifier.verify.policy == SOURCE_VERIFY_TAG},
        .deadline_ms = source->fetch_ms,
        .done = on_fetched,
        .data = source,
    };
    struct error error = ERROR_INIT;
    if (source_fetch_start(source->loop, &request, &source->fetch, &error) < 0)
        look_after_fetch(source, &error);
}

/* The look is nobody else's now. Whether there were new ones. */
static bool take_roots(struct source *source)
{
    struct source_look *look = &source->look;
    if (!source->has_new_roots)
        return false;
    source->has_new_roots = false;
    string_vec_deinit(&look->roots);
    look->roots = source->new_roots;
    source->new_roots = (struct string_vec){0};
    look->generation = source->new_generation;
    memcpy(look->delivered, source->new_since, sizeof look->delivered);
    look->delivered_is_head = look->head_known = false;
    return true;
}

static void begin_look(struct source *source)
{
    if (source->freed)
        return;
    if (source->working) {
        source->wanted = true;
        return;
    }
    source->second = take_roots(source) && source->look.remote;
    if (!source->second)
        source->asked = source->status.asked;
    source->working = true;
    source->outage = ERROR_INIT;
    source->branch_moved = false;
    source->look.bridges = false;
    source->wanted &= source->second; /* a wish to look is not met */
    source->look.patient = source->busy_looks < BUSY_LOOKS;
    uv_timer_stop(&source->timer);
    if (source->look.remote && !source->second)
        begin_fetch(source);
    else
        uv_queue_work(source->loop, &source->work, run_look, on_looked);
}

/* --- life ----------------------------------------------------------------------------------------------- */

/* Absolute, without slashes at the end: what is watched is named by its parent. */
static char *local_path(const char *origin)
{
    char cwd[4096] = "";
    if (origin[0] != '/' && !getcwd(cwd, sizeof cwd))
        cwd[0] = '\0';
    while (text_starts_with(origin, "./"))
        origin += 2;
    if (text_equal(origin, "."))
        origin = "";
    char *path = memory_printf("%s%s%s", cwd, cwd[0] && origin[0] ? "/" : "", origin);
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
    return path;
}

static const char *or_null(const char *s)
{
    return s && *s ? s : NULL;
}

static void copy_roots(const struct string_vec *roots, struct string_vec *ret_copy)
{
    for (size_t i = 0; roots && i < roots->len; i++)
        vector_push(ret_copy, memory_strdup(roots->items[i]));
}

static void set_options(struct source *source, const struct source_options *options)
{
    struct source_look *look = &source->look;
    look->remote = source_origin_is_remote(options->origin);
    look->kind = look->remote ? SOURCE_REMOTE : SOURCE_DIRECTORY;
    look->origin = look->remote ? memory_strdup(options->origin) : local_path(options->origin);
    look->branch = memory_strdup(or_null(options->branch));
    look->mirror_dir = memory_strdup(options->mirror_dir);
    look->sub_path = memory_strdup(or_null(options->path));
    if (options->since && strlen(options->since) < sizeof look->delivered) {
        memcpy(look->delivered, options->since, strlen(options->since) + 1);
        memcpy(look->verifier.base, options->since, strlen(options->since) + 1);
    }
    if (options->verify)
        look->verifier.verify = source_verify_copy(options->verify);
    look->newest_only = options->newest_only;
    copy_roots(options->roots, &look->roots);
    source->executable = memory_strdup(or_null(options->executable));
    if (options->access)
        source->access = source_access_copy(options->access);
    source->poll_ms = options->poll_ms ? options->poll_ms : SOURCE_POLL_MS;
    source->fetch_ms = options->fetch_ms ? options->fetch_ms : LIMIT_FETCH_MS;
    source->fetch_stall_ms = options->fetch_stall_ms ? options->fetch_stall_ms : LIMIT_FETCH_STALL_MS;
    source->fetch_bytes = options->fetch_bytes ? options->fetch_bytes : LIMIT_FETCH_BYTES;
    source->away_ms = (uint64_t)(options->away_ms ? options->away_ms : SOURCE_AWAY_MS);
    source->origin_shown = source_redact(look->origin);
    source->status.origin = source->origin_shown;
    source->status.kind = look->kind;
}

struct source *source_new(uv_loop_t *loop, const struct source_options *options,
                          const struct source_listener *listener)
{
    assert(options->origin && options->mirror_dir);
    assert(listener->on_update && listener->on_status);
    struct source *source = NEW(struct source);
    source->loop = loop;
    source->listener = *listener;
    source->work.data = source;
    source->timer.data = source;
    set_options(source, options);
    uv_timer_init(loop, &source->timer);
    source->open_handles = 1;
    if (!source->look.remote)
        source->watch = source_watch_new(loop, on_change, source);
    source->open_handles += source->watch != NULL;
    begin_look(source);
    return source;
}

void source_poke(struct source *source)
{
    source->status.asked++;
    begin_look(source);
}

void source_set_roots(struct source *source, const struct source_question *question)
{
    const char *since = question->since;
    string_vec_deinit(&source->new_roots);
    copy_roots(question->roots, &source->new_roots);
    source->new_generation = question->generation;
    source->new_since[0] = '\0';
    if (since && strlen(since) < sizeof source->new_since)
        memcpy(source->new_since, since, strlen(since) + 1);
    source->has_new_roots = true;
    if (!source->working)
        begin_look(source);
}

const struct source_status *source_get_status(const struct source *source)
{
    return &source->status;
}

static void on_handle_closed(void *data)
{
    struct source *source = data;
    source->open_handles--;
    release(source);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

void source_free(struct source *source)
{
    if (!source)
        return;
    assert(!source->freed);
    source->freed = true;
    atomic_store(&source->look.verifier.canceled, true);
    if (source->fetch)
        source_fetch_kill(source->fetch);
    if (source->watch)
        source_watch_free(source->watch, on_handle_closed);
    uv_close((uv_handle_t *)&source->timer, on_timer_closed);
}
