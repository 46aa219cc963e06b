#include "daemon/ledger_remote.h"

#include "base/limits.h"
#include "base/text.h"
#include "daemon/log.h"
#include "daemon/state_file.h"
#include "model/json.h"
#include "source/fetch.h"
#include "source/source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOCAL_REF   "refs/davit/state"
#define FETCHED_REF "refs/davit/fetched"
#define PUSHED_FILE "pushed" /* of the state directory */

struct ledger_remote {
    struct ledger_remote_options options;
    struct source_fetch *push; /* under way; NULL: none */
    char *pushed;              /* the line of the file "pushed": what was pushed last; "": nothing */
    uv_work_t work;            /* writes it */
    struct error write_error;
    uv_timer_t timer;
    uint64_t last_ms; /* on the loop's clock: when the last push began; 0: none did */
    uint64_t retry_ms;
    bool changed; /* since the last push began */
    bool writing;
    bool closing;
    bool timer_closed;
    char *trouble; /* why the last one failed; NULL: it did not */
};

/* --- names ---------------------------------------------------------------------------------------------- */

static char *ref_of(const struct config *config)
{
    return memory_printf("refs/davit/%s/%s/state", config->ledger.host, config->owner);
}

static char *path_in_state(const struct config *config, const char *name)
{
    return memory_printf("%s/%s", config->state_directory, name);
}

static char *name_of(const struct config *config)
{
    char *url CLEANUP_FREE = source_redact(config->ledger.remote);
    char *ref CLEANUP_FREE = ref_of(config);
    return memory_printf("ledger %s of %s", ref, url);
}

/* --- fetching it ---------------------------------------------------------------------------------------- */

struct fetching {
    struct error error;
    bool done;
};

static void on_fetched(void *data, const struct source_fetch_result *result, const struct error *error)
{
    struct fetching *fetching = data;
    (void)result;
    fetching->error = *error;
    fetching->done = true;
}

/* On a loop of its own: nothing else may happen yet. */
static int fetch(const struct ledger_remote_options *options, struct error *err)
{
    const struct config *config = options->config;
    char *ledger CLEANUP_FREE = path_in_state(config, "ledger.git");
    char *ref CLEANUP_FREE = ref_of(config);
    struct fetching fetching = {.error = ERROR_INIT};
    const struct source_fetch_request request = {.executable = options->executable,
                                                 .order = {.url = config->ledger.remote,
                                                           .branch = ref,
                                                           .mirror_dir = ledger,
                                                           .local_ref = FETCHED_REF,
                                                           .errand = SOURCE_FETCH_REF,
                                                           .max_bytes = LIMIT_LEDGER_PUSH_BYTES,
                                                           .stall_ms = LIMIT_FETCH_STALL_MS,
                                                           .access = config->ledger.access},
                                                 .deadline_ms = LIMIT_LEDGER_FETCH_MS,
                                                 .done = on_fetched,
                                                 .data = &fetching};
    struct source_fetch *child;
    uv_loop_t loop;
    if (uv_loop_init(&loop) < 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot make a loop");
    int r = source_fetch_start(&loop, &request, &child, err);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    if (r < 0)
        return r;
    assert(fetching.done);
    return fetching.error.code ? error_set(err, fetching.error.code, "%s", error_text(&fetching.error)) : 0;
}

/* What is left out, and of what. */
struct leaving {
    const struct config *config;
    struct ledger_change_vec over;
};

/* A source that left the configuration is known by its entry alone (M5). */
static bool is_over(const struct config *config, enum ledger_change_kind kind, const char *name)
{
    return kind == LEDGER_TASK || kind == LEDGER_SCHEDULE ||
           (kind == LEDGER_SOURCE && config_source(config, name));
}

static int on_entry(void *data, enum ledger_change_kind kind, const char *name, const json_t *entry)
{
    struct leaving *leaving = data;
    (void)entry;
    if (is_over(leaving->config, kind, name))
        vector_push(&leaving->over,
                    (struct ledger_change){
                        .kind = kind,
                        .name = memory_strdup(name),
                        .message = memory_printf("%s: was under way when the ledger was pushed", name)});
    return 0;
}

static int leave_out(const struct config *config, struct history *history, struct error *err)
{
    struct leaving leaving = {.config = config};
    struct history_report report;
    const struct history_visitor visitor = {on_entry, &leaving};
    int r = history_load(history, &visitor, &report, err);
    if (r == 0)
        r = history_save(history, &leaving.over, (int64_t)time(NULL) * 1000, err);
    ledger_change_vec_deinit(&leaving.over);
    return r;
}

int ledger_remote_fetch(const struct ledger_remote_options *options, struct history *history, bool *ret_taken,
                        struct error *err)
{
    assert(options && history && ret_taken);
    *ret_taken = false;
    struct error cause = ERROR_INIT;
    char *name CLEANUP_FREE = name_of(options->config);
    if (!history_is_new(history))
        return 0;
    int r = fetch(options, &cause);
    if (r == ERROR_NOT_FOUND) /* the remote has none */
        return 0;
    if (r == 0)
        r = history_take(history, FETCHED_REF, &cause);
    *ret_taken = r == 0;
    if (r == 0)
        r = leave_out(options->config, history, &cause);
    return r < 0 ? error_set(err, r, "%s: %s", name, error_text(&cause)) : 0;
}

/* --- pushing it ----------------------------------------------------------------------------------------- */

static void free_when_done(struct ledger_remote *remote)
{
    if (!remote->closing || remote->push || remote->writing || !remote->timer_closed)
        return;
    free(remote->trouble);
    free(remote->pushed);
    free(remote);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct ledger_remote *remote, uint64_t wait_ms)
{
    uint64_t now_ms = uv_now(remote->options.loop);
    uint64_t next_ms = remote->last_ms + (uint64_t)remote->options.config->ledger.interval_ms;
    if (remote->last_ms && next_ms > now_ms + wait_ms)
        wait_ms = next_ms - now_ms;
    uv_timer_start(&remote->timer, on_timer, wait_ms, 0);
}

/* Until it is tried again; `interval` may be nothing. */
static uint64_t longer(uint64_t retry_ms, uint64_t interval_ms)
{
    uint64_t first_ms = interval_ms > LEDGER_REMOTE_QUIET_MS ? interval_ms : LEDGER_REMOTE_QUIET_MS;
    uint64_t next_ms = retry_ms ? retry_ms * 2 : first_ms;
    return next_ms < LEDGER_REMOTE_RETRY_MAX_MS ? next_ms : LEDGER_REMOTE_RETRY_MAX_MS;
}

/* Told once, until it changes. */
static void fail(struct ledger_remote *remote, const struct error *error)
{
    char *name CLEANUP_FREE = name_of(remote->options.config);
    const char *remedy =
        error->code == ERROR_CONFLICT
            ? "; if that is another davit, ledger.host names this one otherwise; if it is an earlier life of "
              "this one, stop davit, move ledger.git out of the state directory, and it starts from there; "
              "or delete the remote's ref to begin it anew"
            : "";
    char *trouble = memory_printf("it is not pushed: %s%s", error_text(error), remedy);
    if (!text_equal(trouble, remote->trouble))
        log_message(LOG_LEVEL_WARNING, "%s: %s; davit keeps trying, and nothing waits for it", name, trouble);
    free(remote->trouble);
    remote->trouble = trouble;
    remote->retry_ms = longer(remote->retry_ms, (uint64_t)remote->options.config->ledger.interval_ms);
    arm(remote, remote->retry_ms);
}

/* On a worker thread: the loop does not wait for the disk. */
static void write_pushed(uv_work_t *work)
{
    struct ledger_remote *remote = work->data;
    char *path CLEANUP_FREE = path_in_state(remote->options.config, PUSHED_FILE);
    remote->write_error = ERROR_INIT;
    state_file_write(path, remote->pushed, &remote->write_error);
}

static void on_written(uv_work_t *work, int status)
{
    struct ledger_remote *remote = work->data;
    (void)status; /* it is not canceled */
    remote->writing = false;
    if (remote->write_error.code)
        log_message(LOG_LEVEL_WARNING, "%s", error_text(&remote->write_error));
    if (remote->closing)
        free_when_done(remote);
    else if (remote->changed)
        arm(remote, LEDGER_REMOTE_QUIET_MS);
}

/* What was pushed is noted before the next push: trimming may take it out of the repository. */
static void succeed(struct ledger_remote *remote, const char *oid)
{
    char *name CLEANUP_FREE = name_of(remote->options.config);
    log_message(remote->trouble ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "%s: pushed %.12s", name, oid);
    free(TAKE(remote->trouble));
    remote->retry_ms = 0;
    free(remote->pushed);
    remote->pushed = memory_strdup(oid);
    remote->writing = true;
    remote->work.data = remote;
    uv_queue_work(remote->options.loop, &remote->work, write_pushed, on_written);
}

static void on_pushed(void *data, const struct source_fetch_result *result, const struct error *error)
{
    struct ledger_remote *remote = data;
    remote->push = NULL;
    if (remote->closing)
        free_when_done(remote);
    else if (error->code)
        fail(remote, error);
    else
        succeed(remote, result->tip);
}

static void on_timer(uv_timer_t *timer)
{
    struct ledger_remote *remote = timer->data;
    const struct config *config = remote->options.config;
    char *ledger CLEANUP_FREE = path_in_state(config, "ledger.git");
    char *ref CLEANUP_FREE = ref_of(config);
    const struct source_fetch_request request = {.executable = remote->options.executable,
                                                 .order = {.url = config->ledger.remote,
                                                           .branch = ref,
                                                           .mirror_dir = ledger,
                                                           .local_ref = LOCAL_REF,
                                                           .expected = remote->pushed,
                                                           .errand = SOURCE_PUSH_REF,
                                                           .max_bytes = LIMIT_LEDGER_PUSH_BYTES,
                                                           .stall_ms = LIMIT_FETCH_STALL_MS,
                                                           .access = config->ledger.access},
                                                 .deadline_ms = LIMIT_FETCH_MS,
                                                 .done = on_pushed,
                                                 .data = remote};
    struct error error = ERROR_INIT;
    remote->last_ms = uv_now(remote->options.loop);
    remote->changed = false;
    if (source_fetch_start(remote->options.loop, &request, &remote->push, &error) < 0)
        fail(remote, &error);
}

struct ledger_remote *ledger_remote_new(const struct ledger_remote_options *options)
{
    assert(options && options->loop && options->config);
    struct ledger_remote *remote = NEW(struct ledger_remote);
    remote->options = *options;
    char *path CLEANUP_FREE = path_in_state(options->config, PUSHED_FILE);
    if (state_file_read(path, COMMIT_OID_SIZE, &remote->pushed, NULL) < 0)
        remote->pushed = memory_strdup("");
    uv_timer_init(options->loop, &remote->timer);
    remote->timer.data = remote;
    return remote;
}

void ledger_remote_changed(struct ledger_remote *remote)
{
    if (!remote || remote->closing || remote->changed)
        return;
    remote->changed = true;
    if (!remote->push && !remote->writing && !remote->retry_ms)
        arm(remote, LEDGER_REMOTE_QUIET_MS);
}

json_t *ledger_remote_status_json(const struct ledger_remote *remote)
{
    assert(remote);
    char *name CLEANUP_FREE = name_of(remote->options.config);
    json_t *json = json_pack("{s:s, s:b, s:i}", "name", name, "ok", remote->trouble == NULL, "waiting",
                             remote->changed || remote->trouble);
    model_set_string(json, "message", remote->trouble);
    return json;
}

static void on_closed(uv_handle_t *handle)
{
    struct ledger_remote *remote = handle->data;
    remote->timer_closed = true;
    free_when_done(remote);
}

void ledger_remote_close(struct ledger_remote *remote)
{
    if (!remote)
        return;
    assert(!remote->closing);
    remote->closing = true;
    if (remote->push)
        source_fetch_kill(remote->push);
    uv_close((uv_handle_t *)&remote->timer, on_closed);
}
