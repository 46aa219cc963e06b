#include "daemon/outbox.h"

#include "base/limits.h"
#include "base/text.h"
#include "daemon/log.h"
#include "daemon/news.h"
#include "daemon/state_file.h"
#include "model/json.h"
#include "report/report.h"

#include <assert.h>
#include <stdlib.h>

#define LOOK_PAUSE_MS 100
#define LOOK_SHARE    20 /* a look of 50 ms is followed by a pause of a second */

/* What has been looked at. */
struct seen {
    uint64_t saves;
    int64_t head_ms;
    size_t errors; /* sums over the sources */
    size_t held;
    size_t wanted;
    uint64_t changes; /* likewise; of each it only grows */
};

struct outbox {
    struct outbox_options options;
    struct outbox_report_vec VECTOR_OF(struct report *) reports;
    struct seen seen;
    uv_timer_t timer;
    uint64_t rest_until_ms; /* on the loop's clock: no look before */
    bool tells_services;    /* which leave no trace in the ledger */
    uv_work_t work;
    char *path;
    char *text; /* that is being written */
    char *last; /* to be written after it, while closing */
    struct error error;
    int result;
    bool writing;
    bool dirty;    /* since the text was made */
    bool troubled; /* it was told that it cannot be written */
    bool closing;
    bool timer_closed;
};

/* --- the file ------------------------------------------------------------------------------------------- */

static char *text_of(const struct outbox *outbox)
{
    json_t *targets = json_object();
    for (size_t i = 0; i < outbox->reports.len; i++) {
        char *key CLEANUP_FREE = report_target_key(report_get_target(outbox->reports.items[i]));
        json_object_set_new(targets, key, report_to_json(outbox->reports.items[i]));
    }
    json_t *json CLEANUP(json_decrefp) = json_pack("{s:i, s:o}", "version", 1, "targets", targets);
    return json_dumps(json, JSON_COMPACT);
}

static void free_when_done(struct outbox *outbox)
{
    if (!outbox->closing || outbox->writing || !outbox->timer_closed)
        return;
    vector_deinit(&outbox->reports);
    free(outbox->path);
    free(outbox->text);
    free(outbox->last);
    free(outbox);
}

/* On the worker thread. */
static void write_text(uv_work_t *work)
{
    struct outbox *outbox = work->data;
    outbox->result = state_file_write(outbox->path, outbox->text, &outbox->error);
}

static void begin_write(struct outbox *outbox, char *text);
static void save(struct outbox *outbox);

static void on_written(uv_work_t *work, int status)
{
    struct outbox *outbox = work->data;
    (void)status;
    outbox->writing = false;
    memory_freep(&outbox->text);
    if (outbox->result < 0 && !outbox->troubled)
        log_message(LOG_LEVEL_WARNING, "notifications: %s; after a restart some may be told again",
                    error_text(&outbox->error));
    outbox->troubled = outbox->result < 0;
    if (outbox->last)
        begin_write(outbox, TAKE(outbox->last));
    else if (outbox->dirty && !outbox->closing)
        save(outbox);
    free_when_done(outbox);
}

static void begin_write(struct outbox *outbox, char *text)
{
    outbox->text = text;
    outbox->dirty = false;
    outbox->writing = true;
    uv_queue_work(outbox->options.loop, &outbox->work, write_text, on_written);
}

/* One write at a time: what changes meanwhile goes with the next. */
static void save(struct outbox *outbox)
{
    outbox->dirty = true;
    if (!outbox->writing)
        begin_write(outbox, text_of(outbox));
}

static json_t *read_state(const char *path)
{
    char *text CLEANUP_FREE = NULL;
    struct error err = ERROR_INIT;
    int r = state_file_read(path, LIMIT_REPORT_STATE_BYTES, &text, &err);
    json_t *json = r == 0 ? json_loads(text, 0, NULL) : NULL;
    if (r == 0 && !json)
        error_set(&err, ERROR_INVALID, "%s is no JSON", path);
    if (!json && r != ERROR_NOT_FOUND)
        log_message(LOG_LEVEL_WARNING, "notifications: %s: some may be told again", error_text(&err));
    return json;
}

/* --- the look ------------------------------------------------------------------------------------------- */

static uint64_t changes_of(const struct outbox *outbox)
{
    uint64_t changes = 0;
    for (size_t i = 0; i < outbox->reports.len; i++)
        changes += report_queue_changes(report_get_queue(outbox->reports.items[i]));
    return changes;
}

static void on_timer(uv_timer_t *timer)
{
    struct outbox *outbox = timer->data;
    uint64_t began_ns = uv_hrtime();
    uint64_t changes = changes_of(outbox);
    for (size_t i = 0; i < outbox->reports.len; i++) {
        struct report *report = outbox->reports.items[i];
        struct news news = {.core = outbox->options.core,
                            .target = report_get_target(report),
                            .queue = report_get_queue(report),
                            .now_ms = outbox->options.now_ms(outbox->options.data)};
        const char *source = news.target->source ?: outbox->options.config->sources.items[0].name;
        outbox->options.looks(outbox->options.data, source, &news.looks);
        news_look(&news);
        report_go(report);
    }
    if (changes_of(outbox) != changes)
        save(outbox);
    uint64_t took_ms = (uv_hrtime() - began_ns) / 1000000;
    uint64_t pause_ms = took_ms * LOOK_SHARE > LOOK_PAUSE_MS ? took_ms * LOOK_SHARE : LOOK_PAUSE_MS;
    uv_update_time(outbox->options.loop);
    outbox->rest_until_ms = uv_now(outbox->options.loop) + pause_ms;
}

static bool is_same(const struct seen *a, const struct seen *b)
{
    return a->saves == b->saves && a->head_ms == b->head_ms && a->errors == b->errors && a->held == b->held &&
           a->wanted == b->wanted && a->changes == b->changes;
}

void outbox_stepped(struct outbox *outbox, uint64_t saves)
{
    assert(outbox);
    struct seen now = {.saves = saves};
    for (size_t i = 0; i < core_sources_len(outbox->options.core); i++) {
        struct view_source source;
        core_view_source_at(outbox->options.core, i, &source);
        if (source.gone)
            continue;
        struct api_looks looks = {0};
        outbox->options.looks(outbox->options.data, source.name, &looks);
        now.changes += looks.changes;
        now.head_ms += source.head_ms; /* of each it only grows */
        now.errors += source.diagnostics->errors;
        now.held += source.held != NULL;
        now.wanted += source.wanted != NULL;
    }
    if (!outbox->tells_services && is_same(&now, &outbox->seen))
        return;
    outbox->seen = now;
    if (outbox->closing || !outbox->reports.len || uv_is_active((uv_handle_t *)&outbox->timer))
        return;
    uint64_t now_ms = uv_now(outbox->options.loop);
    uv_timer_start(&outbox->timer, on_timer,
                   outbox->rest_until_ms > now_ms ? outbox->rest_until_ms - now_ms : 0, 0);
}

/* --- life ----------------------------------------------------------------------------------------------- */

static int64_t now_of(void *data)
{
    const struct outbox *outbox = data;
    return outbox->options.now_ms(outbox->options.data);
}

static void say(void *data, bool is_warning, const char *line)
{
    (void)data;
    log_message(is_warning ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s", line);
}

static void on_changed(void *data)
{
    save(data);
}

struct outbox *outbox_new(const struct outbox_options *options)
{
    assert(options && options->loop && options->config && options->core && options->looks);
    struct outbox *outbox = NEW(struct outbox);
    outbox->options = *options;
    outbox->path = memory_printf("%s/notifications.json", options->config->state_directory);
    outbox->work.data = outbox->timer.data = outbox;
    uv_timer_init(options->loop, &outbox->timer);
    const struct config_notification_vec *targets = &options->config->notifications;
    json_t *state CLEANUP(json_decrefp) = targets->len ? read_state(outbox->path) : NULL;
    for (size_t i = 0; i < targets->len; i++) {
        char *key CLEANUP_FREE = report_target_key(&targets->items[i]);
        const struct report_options one = {.loop = options->loop,
                                           .target = &targets->items[i],
                                           .state = json_object_get(json_object_get(state, "targets"), key),
                                           .data = outbox,
                                           .now_ms = now_of,
                                           .say = say,
                                           .changed = on_changed};
        vector_push(&outbox->reports, report_new(&one));
        outbox->tells_services |= (targets->items[i].events & REPORT_SERVICES) != 0;
    }
    return outbox;
}

json_t *outbox_status_json(const struct outbox *outbox)
{
    assert(outbox);
    json_t *list = json_array();
    for (size_t i = 0; i < outbox->reports.len; i++)
        json_array_append_new(list, report_status_json(outbox->reports.items[i]));
    return list;
}

static void on_closed(uv_handle_t *handle)
{
    struct outbox *outbox = handle->data;
    outbox->timer_closed = true;
    free_when_done(outbox);
}

void outbox_close(struct outbox *outbox)
{
    if (!outbox)
        return;
    assert(!outbox->closing);
    outbox->closing = true;
    if (outbox->dirty)
        outbox->last = text_of(outbox);
    for (size_t i = 0; i < outbox->reports.len; i++)
        report_close(outbox->reports.items[i]);
    uv_close((uv_handle_t *)&outbox->timer, on_closed);
}
