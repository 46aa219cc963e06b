#include "daemon/writer.h"

#include "base/memory.h"
#include "base/text.h"
#include "history/merge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

struct writer {
    struct writer_options options;
    struct ledger_change_vec changes; /* for the next save */
    struct action_vec actions;        /* that wait for it */
    struct ledger_change_vec saving;  /* on the worker */
    struct action_vec saving_actions;
    uv_work_t work;
    uv_work_t merging;           /* beside it */
    struct history_merge *merge; /* under way, or done and to be ended */
    bool merges;                 /* under way */
    bool ends_merge;             /* before the save: its packs may be what the disk has no room for */
    uv_timer_t retry;
    uv_timer_t quiet; /* then it is tidied */
    int64_t retry_ms;
    int result;
    struct error error;
    struct error tidying; /* what the last one ended with */
    struct error untidy;  /* as last told */
    bool busy;            /* work is queued, or a retry is due */
    bool tidies;          /* busy with that: what needs no save need not wait */
    int saves_untidied;   /* in a row */
    bool closing;
    int open_timers;
};

static int64_t wall_clock_ms(void)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    return now.tv_sec * 1000LL + now.tv_usec / 1000;
}

struct writer *writer_new(const struct writer_options *options)
{
    assert(options && options->history && options->act);
    struct writer *writer = NEW(struct writer);
    writer->options = *options;
    writer->work.data = writer->merging.data = writer;
    uv_timer_init(options->loop, &writer->retry);
    uv_timer_init(options->loop, &writer->quiet);
    writer->retry.data = writer->quiet.data = writer;
    writer->open_timers = 2;
    return writer;
}

static void let_through(struct writer *writer, struct action_vec *actions)
{
    for (size_t i = 0; i < actions->len; i++)
        writer->options.act(writer->options.data, actions->items[i]);
    actions->len = 0;
    vector_deinit(actions);
}

static void free_when_done(struct writer *writer)
{
    if (!writer->closing || writer->busy || writer->merges || writer->open_timers)
        return;
    history_merge_free(writer->merge);
    ledger_change_vec_deinit(&writer->changes);
    ledger_change_vec_deinit(&writer->saving);
    action_vec_deinit(&writer->actions);
    action_vec_deinit(&writer->saving_actions);
    history_free(writer->options.history);
    free(writer);
}

/* On the worker thread: nothing but the history handle and `saving` is touched. */
static void save(uv_work_t *request)
{
    struct writer *writer = request->data;
    writer->error = ERROR_INIT;
    if (writer->ends_merge)
        history_merge_end(writer->options.history, TAKE(writer->merge), NULL);
    writer->result = history_save(writer->options.history, &writer->saving, wall_clock_ms(), &writer->error);
}

/* Likewise; no merge is under way. */
static void tidy(uv_work_t *request)
{
    struct writer *writer = request->data;
    struct history *history = writer->options.history;
    writer->tidying = ERROR_INIT;
    int status = writer->merge ? history_merge_end(history, TAKE(writer->merge), &writer->tidying) : 0;
    if (status == 0)
        status = history_tidy(history, &writer->tidying);
    if (status == 0)
        writer->merge = history_merge_new(history);
}

/* On another worker thread. */
static void merge(uv_work_t *request)
{
    struct writer *writer = request->data;
    history_merge_run(writer->merge);
}

static void on_saved(uv_work_t *request, int status);
static void on_tidied(uv_work_t *request, int status);
static void on_merged(uv_work_t *request, int status);

static void queue(struct writer *writer)
{
    writer->busy = true;
    writer->ends_merge = writer->retry_ms && writer->merge && !writer->merges;
    uv_queue_work(writer->options.loop, &writer->work, save, on_saved);
}

static void take_up(struct writer *writer)
{
    for (size_t i = 0; i < writer->changes.len; i++)
        vector_push(&writer->saving, writer->changes.items[i]);
    for (size_t i = 0; i < writer->actions.len; i++)
        vector_push(&writer->saving_actions, writer->actions.items[i]);
    writer->changes.len = writer->actions.len = 0;
    vector_deinit(&writer->changes);
    vector_deinit(&writer->actions);
}

/* With what came since: a later change of the same entry may be the one that can be saved. */
static void on_retry(uv_timer_t *timer)
{
    struct writer *writer = timer->data;
    take_up(writer);
    queue(writer);
}

static void next(struct writer *writer)
{
    if (writer->changes.len == 0) {
        let_through(writer, &writer->actions);
        return;
    }
    assert(writer->saving.len == 0);
    take_up(writer);
    queue(writer);
}

static void queue_tidying(struct writer *writer)
{
    writer->saves_untidied = 0;
    writer->busy = writer->tidies = true;
    uv_queue_work(writer->options.loop, &writer->work, tidy, on_tidied);
}

/* It goes on after the next save where one is under way. */
static void on_quiet(uv_timer_t *timer)
{
    struct writer *writer = timer->data;
    if (!writer->busy && !writer->merges)
        queue_tidying(writer);
}

/* Disk and processor are for what waits to be saved: tidying comes when it has been quiet, but not never. */
static void tidy_or_next(struct writer *writer)
{
    if (++writer->saves_untidied >= WRITER_TIDY_LATEST && !writer->merges) {
        if (writer->changes.len == 0)
            let_through(writer, &writer->actions);
        queue_tidying(writer);
        return;
    }
    uv_timer_start(&writer->quiet, on_quiet, WRITER_QUIET_MS, 0);
    next(writer);
}

static void save_rest(struct writer *writer)
{
    if (writer->saving.len && writer->result < 0)
        history_save(writer->options.history, &writer->saving, wall_clock_ms(), NULL);
    if (writer->changes.len)
        history_save(writer->options.history, &writer->changes, wall_clock_ms(), NULL);
}

/* The same attempt would fail the same way. */
static bool is_permanent(int code)
{
    return code == ERROR_INVALID || code == ERROR_LIMIT || code == ERROR_CONFLICT;
}

static void retry_later(struct writer *writer)
{
    writer->retry_ms = writer->retry_ms ? writer->retry_ms * 2 : WRITER_RETRY_FIRST_MS;
    if (writer->retry_ms > WRITER_RETRY_MAX_MS)
        writer->retry_ms = WRITER_RETRY_MAX_MS;
    bool is_hopeless = is_permanent(writer->result) && writer->changes.len == 0;
    writer->busy = true;
    uv_timer_start(&writer->retry, on_retry, is_hopeless ? WRITER_RETRY_LONG_MS : (uint64_t)writer->retry_ms,
                   0);
    if (writer->options.failed)
        writer->options.failed(writer->options.data, &writer->error);
}

/* Once for each cause: it is tried again and again. */
static void tell_untidy(struct writer *writer)
{
    if (!writer->tidying.code || text_equal(writer->tidying.message, writer->untidy.message))
        return;
    writer->untidy = writer->tidying;
    if (writer->options.untidy)
        writer->options.untidy(writer->options.data, &writer->untidy);
}

static void on_saved(uv_work_t *request, int status)
{
    struct writer *writer = request->data;
    (void)status; /* never cancelled */
    writer->busy = false;
    if (writer->closing) {
        save_rest(writer);
        free_when_done(writer);
        return;
    }
    if (writer->result < 0) {
        retry_later(writer);
        return;
    }
    if (writer->retry_ms && writer->options.saved)
        writer->options.saved(writer->options.data);
    writer->retry_ms = 0;
    if (writer->options.durable)
        writer->options.durable(writer->options.data, writer->saving.len);
    ledger_change_vec_deinit(&writer->saving);
    struct action_vec explained = writer->saving_actions;
    memset(&writer->saving_actions, 0, sizeof writer->saving_actions);
    let_through(writer, &explained);
    tidy_or_next(writer);
}

static void on_tidied(uv_work_t *request, int status)
{
    struct writer *writer = request->data;
    (void)status; /* never cancelled */
    writer->busy = writer->tidies = false;
    if (writer->closing) {
        save_rest(writer);
        free_when_done(writer);
        return;
    }
    tell_untidy(writer);
    if (writer->merge) {
        writer->merges = true;
        uv_queue_work(writer->options.loop, &writer->merging, merge, on_merged);
    }
    next(writer);
}

static void on_merged(uv_work_t *request, int status)
{
    struct writer *writer = request->data;
    (void)status; /* never cancelled */
    writer->merges = false;
    if (writer->closing)
        free_when_done(writer);
    else if (!writer->busy)
        queue_tidying(writer);
}

void writer_give(struct writer *writer, struct ledger_change_vec *changes, struct action_vec *actions)
{
    assert(writer);
    for (size_t i = 0; i < changes->len; i++)
        vector_push(&writer->changes, changes->items[i]);
    for (size_t i = 0; i < actions->len; i++)
        vector_push(&writer->actions, actions->items[i]);
    changes->len = actions->len = 0;
    vector_deinit(changes);
    vector_deinit(actions);
    if (!writer->busy)
        next(writer);
    else if (writer->tidies && writer->changes.len == 0)
        let_through(writer, &writer->actions);
    else if (writer->changes.len && uv_is_active((uv_handle_t *)&writer->retry) &&
             uv_timer_get_due_in(&writer->retry) > (uint64_t)writer->retry_ms)
        uv_timer_start(&writer->retry, on_retry, (uint64_t)writer->retry_ms, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct writer *writer = handle->data;
    writer->open_timers--;
    free_when_done(writer);
}

void writer_close(struct writer *writer)
{
    if (!writer)
        return;
    assert(!writer->closing);
    writer->closing = true;
    if (uv_is_active((uv_handle_t *)&writer->retry)) {
        uv_timer_stop(&writer->retry);
        writer->busy = false;
    }
    if (!writer->busy)
        save_rest(writer);
    uv_close((uv_handle_t *)&writer->retry, on_timer_closed);
    uv_close((uv_handle_t *)&writer->quiet, on_timer_closed);
}
