#include "daemon/runtime_state.h"

#include "base/text.h"
#include "daemon/inputs.h"
#include "daemon/ledger_remote.h"
#include "daemon/log.h"
#include "daemon/other_owners.h"
#include "daemon/owner.h"
#include "daemon/writer.h"
#include "engine/pause_image.h"
#include "engine/watch.h"
#include "history/ledger.h"
#include "history/lock.h"
#include "model/json.h"
#include "secret/secret.h"
#include "source/source.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

int64_t runtime_now_ms(void)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    return now.tv_sec * 1000LL + now.tv_usec / 1000;
}

int64_t runtime_boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

json_t *runtime_ledger_status(const struct runtime *runtime)
{
    assert(runtime);
    return runtime->ledger_remote ? ledger_remote_status_json(runtime->ledger_remote) : NULL;
}

json_t *runtime_other_owners(const struct runtime *runtime)
{
    assert(runtime);
    return runtime->other_owners ? other_owners_status_json(runtime->other_owners) : NULL;
}

int64_t runtime_time_ms(struct runtime *runtime)
{
    assert(runtime);
    int64_t step_ms;
    int64_t now_ms = timebase_advance(&runtime->timebase, runtime_now_ms(), runtime_boot_ms(), &step_ms);
    if (step_ms) {
        int64_t seconds = (llabs(step_ms) + 500) / 1000; /* two clocks were read, each cut to a millisecond */
        char *span CLEANUP_FREE = text_from_duration_ms(seconds * 1000);
        log_message(
            LOG_LEVEL_WARNING,
            "the wall clock was set %s by %s: the calendar follows it, what is under way keeps its time",
            step_ms < 0 ? "back" : "forward", span);
        runtime->leaped = true;
        runtime->leaped_ms += step_ms;
    }
    return now_ms;
}

const struct core *runtime_core(const struct runtime *runtime)
{
    assert(runtime);
    return runtime->core;
}

/* --- steps ---------------------------------------------------------------------------------------------- */

static void record(struct runtime *runtime, json_t *event, size_t effects_before)
{
    if (!runtime->recording) {
        json_decref(event);
        return;
    }
    struct effect_vec added = {.items = runtime->effects.items + effects_before,
                               .len = runtime->effects.len - effects_before};
    json_t *effects = effects_to_json(&added);
    struct digest digest = digest_of_json(effects);
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    json_t *line = json_pack("{s:o,s:s}", "event", event, "effects", hex);
    struct error err = ERROR_INIT;
    if (recorder_append(runtime->recorder, line, &err) < 0)
        log_message(LOG_LEVEL_DEBUG, "recorder: %s", error_text(&err));
    json_decref(line);
    json_decref(effects);
}

static int record_part(void *data, const json_t *part)
{
    const struct runtime *runtime = data;
    struct error err = ERROR_INIT;
    json_t *line = json_pack("{s:O}", "snapshot", part);
    if (!json_is_true(json_object_get(part, "whole")))
        json_object_set_new(line, "more", json_true());
    int r = recorder_append(runtime->recorder, line, &err);
    json_decref(line);
    if (r < 0)
        log_message(LOG_LEVEL_DEBUG, "recorder: no snapshot: %s", error_text(&err));
    return r;
}

static void record_snapshot(struct runtime *runtime)
{
    if (!runtime->recording || !recorder_wants_snapshot(runtime->recorder))
        return;
    core_snapshot(runtime->core, record_part, runtime);
}

static void take_step(struct runtime *runtime, struct event *event)
{
    event->now_ms = runtime_time_ms(runtime);
    randombytes_buf(&event->seed, sizeof event->seed);
    event->seed &= INT64_MAX; /* JSON integers are signed */
    record_snapshot(runtime);
    core_thin(runtime->core, event);
    json_t *copy = runtime->recording ? event_to_json(event) : NULL;
    size_t before = runtime->effects.len;
    core_step(runtime->core, event, &runtime->effects);
    record(runtime, copy, before);
    for (size_t i = before; i < runtime->effects.len; i++)
        runtime->saves_wanted += runtime->effects.items[i].kind == EFFECT_SAVE;
    runtime->stepped = true;
}

/* What the calendar says is asked by the clock as it is now. */
static void tell_clock(struct runtime *runtime)
{
    struct event event = {.kind = EVENT_CLOCK, .clock = {runtime->timebase.skew_ms, runtime->leaped_ms}};
    bool leaped = runtime->leaped;
    runtime->leaped = false;
    runtime->leaped_ms = 0;
    if (leaped)
        take_step(runtime, &event);
}

static void step(struct runtime *runtime, struct event *event)
{
    runtime_time_ms(runtime); /* which may notice a leap */
    tell_clock(runtime);
    take_step(runtime, event);
}

void runtime_post(struct runtime *runtime, struct event *event)
{
    assert(runtime);
    assert(event);
    if (runtime->closing) {
        event_deinit(event);
        return;
    }
    step(runtime, event);
}

/* --- effects -------------------------------------------------------------------------------------------- */

static void on_wake(uv_timer_t *timer);

static void set_wake(struct runtime *runtime, int64_t at_ms)
{
    int64_t wait_ms = at_ms - runtime_time_ms(runtime);
    runtime->wake_at_ms = at_ms;
    if (at_ms == 0)
        uv_timer_stop(&runtime->wake);
    else
        uv_timer_start(&runtime->wake, on_wake, (uint64_t)(wait_ms > 0 ? wait_ms + 1 : 0), 0);
}

/* The loop's clock may be behind the time that core lives by, then the timer strikes too early. */
static void on_wake(uv_timer_t *timer)
{
    struct runtime *runtime = timer->data;
    if (runtime_time_ms(runtime) < runtime->wake_at_ms)
        set_wake(runtime, runtime->wake_at_ms);
    else
        step(runtime, &(struct event){.kind = EVENT_TURN});
}

/* A machine that slept has missed its timers as well. */
static void on_clock_set(void *data)
{
    struct runtime *runtime = data;
    runtime_time_ms(runtime);
    if (runtime->wake_at_ms)
        set_wake(runtime, runtime->wake_at_ms);
}

static void carry_out(struct runtime *runtime)
{
    struct effect_vec effects = runtime->effects;
    struct ledger_change_vec changes = {0};
    struct action_vec actions = {0};
    memset(&runtime->effects, 0, sizeof runtime->effects);
    for (size_t i = 0; i < effects.len; i++) {
        struct effect *effect = &effects.items[i];
        struct runtime_instance *instance;
        switch (effect->kind) {
        case EFFECT_SAVE:
            log_message(effect->change.warning ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s",
                        effect->change.message);
            vector_push(&changes, effect->change);
            memset(&effect->change, 0, sizeof effect->change);
            break;
        case EFFECT_ACT:
            vector_push(&actions, TAKE(effect->action));
            break;
        case EFFECT_LIST:
            instance = runtime_instance_named(runtime, effect->instance);
            if (instance)
                engine_watch_relist(instance->watch);
            break;
        case EFFECT_WAKE:
            set_wake(runtime, effect->at_ms);
            break;
        case EFFECT_ROOTS:
            source_set_roots(runtime_source_named(runtime, effect->source)->source,
                             &(struct source_question){&effect->roots, effect->generation, effect->since});
            break;
        }
    }
    effect_vec_deinit(&effects);
    if (changes.len || actions.len)
        writer_give(runtime->writer, &changes, &actions);
}

/* The loop is about to sleep: what callbacks have marked is planned now, once. */
static void before_sleep(uv_prepare_t *handle)
{
    struct runtime *runtime = handle->data;
    do {
        tell_clock(runtime);
        while (core_is_dirty(runtime->core))
            step(runtime, &(struct event){.kind = EVENT_TURN});
        carry_out(runtime);
        if (!runtime->stepped)
            return;
        runtime->stepped = false;
        thrift_postpone(&runtime->thrift);
        if (runtime->options.stepped)
            runtime->options.stepped(runtime->options.data); /* which may post */
    } while (runtime->stepped);
}

static void on_act(void *data, struct action *action)
{
    struct runtime *runtime = data;
    log_message(LOG_LEVEL_DEBUG, "%s %s of task %.12s on %s: %s", action_kind_name(action->kind),
                action->container, action->task, action->instance, action->reason ? action->reason : "");
    act_run(runtime->act, action);
}

static void set_save_trouble(struct runtime *runtime, char *trouble)
{
    free(runtime->save_trouble);
    runtime->save_trouble = trouble;
    for (size_t i = 0; i < runtime->sources_len; i++) {
        const struct runtime_source *source = &runtime->sources[i];
        const struct source_status *status = source->source ? source_get_status(source->source) : NULL;
        if (status && (trouble || status->looked_at_ms)) /* else its first look tells */
            runtime_source_tell(source, status);
    }
}

static void on_save_failed(void *data, const struct error *cause)
{
    struct runtime *runtime = data;
    char *trouble = memory_printf("the ledger cannot be written, actions wait: %s", error_text(cause));
    log_message(LOG_LEVEL_ERROR, "%s", trouble);
    if (text_equal(trouble, runtime->save_trouble))
        free(trouble);
    else
        set_save_trouble(runtime, trouble);
}

static void on_saved(void *data)
{
    log_message(LOG_LEVEL_INFO, "the ledger is written again");
    set_save_trouble(data, NULL);
}

static void on_durable(void *data, size_t changes)
{
    struct runtime *runtime = data;
    runtime->saves_done += changes;
    ledger_remote_changed(runtime->ledger_remote);
    if (runtime->options.saved)
        runtime->options.saved(runtime->options.data);
}

void runtime_saves(const struct runtime *runtime, uint64_t *ret_wanted, uint64_t *ret_saved)
{
    assert(runtime);
    *ret_wanted = runtime->saves_wanted;
    *ret_saved = runtime->saves_done;
}

static void on_untidy(void *data, const struct error *cause)
{
    (void)data;
    log_message(LOG_LEVEL_WARNING, "the ledger is written, but not tidied: %s", error_text(cause));
}

/* --- what the parts report ------------------------------------------------------------------------------ */

static struct engine *on_engine(void *data, const char *instance)
{
    return runtime_engine(data, instance);
}

static void on_progress(void *data, uint64_t action_id, const struct act_progress *progress)
{
    struct event event;
    input_progress(action_id, progress, &event);
    runtime_post(data, &event);
}

/* --- what a create needs -------------------------------------------------------------------------------- */

static int on_secret(void *data, const char *value_from, char **ret_value, struct error *err)
{
    const struct runtime *runtime = data;
    return secret_read(runtime->secrets, value_from, ret_value, err);
}

static int on_login(void *data, const char *image, const char *credentials, struct act_login *ret_login,
                    struct error *err)
{
    const struct runtime *runtime = data;
    struct secret_login login = {0};
    int r = secret_registry_login(runtime->secrets, image, credentials, &login, err);
    *ret_login = (struct act_login){login.header, login.hint, login.secret};
    return r;
}

static void make_act(struct runtime *runtime)
{
    const struct config *config = runtime->options.config;
    const struct secret_options secrets = {.directory = config->secret_directory,
                                           .credentials = getenv("CREDENTIALS_DIRECTORY"),
                                           .environment = &config->secret_environment,
                                           .docker_config = config->docker_config};
    runtime->secrets = secret_store_new(&secrets);
    const struct act_options act = {
        .stores = {.blob = runtime_source_blob, .secret = on_secret, .login = on_login, .data = runtime},
        .engine = on_engine,
        .done = runtime_engine_done,
        .progress = on_progress,
        .pause_image = &pause_image,
        .data = runtime};
    runtime->act = act_new(&act);
}

/* --- life ----------------------------------------------------------------------------------------------- */

static int on_entry(void *data, enum ledger_change_kind kind, const char *name, const json_t *entry)
{
    struct runtime *runtime = data;
    struct event event;
    struct runtime_source *source = kind == LEDGER_SOURCE ? runtime_source_named(runtime, name) : NULL;
    if (source) {
        model_string_into(json_object_get(entry, "deployed"), "oid", source->since, sizeof source->since);
        model_strings_from_json(json_object_get(entry, "roots"), &source->roots);
    }
    input_ledger(kind, name, entry, &event);
    step(runtime, &event);
    return 0;
}

static int make_directories(const char *path, struct error *err)
{
    char *copy CLEANUP_FREE = memory_strdup(path);
    for (char *at = copy + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        mkdir(copy, 0755);
        *at = '/';
    }
    if (mkdir(copy, 0700) < 0 && errno != EEXIST)
        return error_set(err, ERROR_IO, "cannot make the state directory %s: %s", path, strerror(errno));
    return 0;
}

/* A disk that is full, or read only, keeps no start from what can be done without writing. */
static int remember_owner(const struct runtime *runtime, struct error *err)
{
    const struct config *config = runtime->options.config;
    struct error cause = ERROR_INIT;
    int r = owner_remember(config->state_directory, config->owner, &cause);
    if (r == ERROR_CONFLICT)
        return error_set(err, r, "%s", error_text(&cause));
    if (r < 0)
        log_message(LOG_LEVEL_WARNING, "the owner is not remembered: %s", error_text(&cause));
    return 0;
}

/* A ledger that is lost harms nothing that runs, rows L: no start waits for the remote for ever. */
static void take_from_remote(struct runtime *runtime, struct history *history)
{
    const struct runtime_options *options = &runtime->options;
    const struct ledger_remote_options remote = {options->loop, options->config, options->executable};
    struct error err = ERROR_INIT;
    bool taken = false;
    if (!options->config->ledger.push || options->once)
        return;
    if (ledger_remote_fetch(&remote, history, &taken, &err) < 0)
        log_message(LOG_LEVEL_WARNING, "%s; the ledger begins anew, with what the labels of containers tell",
                    error_text(&err));
    else if (taken)
        log_message(LOG_LEVEL_INFO, "the ledger goes on from the remote's");
    runtime->ledger_remote = ledger_remote_new(&remote);
    if (!history_is_new(history))
        ledger_remote_changed(runtime->ledger_remote);
}

static int open_state(struct runtime *runtime, struct error *err)
{
    const char *directory = runtime->options.config->state_directory;
    char *records CLEANUP_FREE = memory_printf("%s/records", directory);
    char *ledger CLEANUP_FREE = memory_printf("%s/ledger.git", directory);
    struct history *history CLEANUP(history_freep) = NULL;
    const struct history_options history_options = {.path = ledger, .owner = runtime->options.config->owner};
    int r = make_directories(directory, err);
    if (r == 0)
        r = history_lock_take(directory, &runtime->lock, err);
    if (r == 0)
        r = remember_owner(runtime, err);
    if (r == 0)
        r = history_open(&history_options, &history, err);
    if (r < 0)
        return r;
    take_from_remote(runtime, history);
    if (history_is_new(history))
        runtime->other_owners =
            other_owners_new(&(struct other_owners_options){runtime->core, runtime->options.config->owner});
    struct error recording = ERROR_INIT;
    if (recorder_open(records, LIMIT_RECORD_BYTES, &runtime->recorder, &recording) < 0)
        log_message(LOG_LEVEL_WARNING, "inputs are not recorded: %s", error_text(&recording));
    runtime->recording = runtime->recorder != NULL;
    struct history_report report;
    const struct history_visitor visitor = {on_entry, runtime};
    r = history_load(history, &visitor, &report, err);
    if (report.text[0])
        log_message(LOG_LEVEL_WARNING, "ledger: %s", report.text);
    if (r < 0)
        return r;
    const struct writer_options options = {.loop = runtime->options.loop,
                                           .history = TAKE(history),
                                           .act = on_act,
                                           .failed = on_save_failed,
                                           .saved = on_saved,
                                           .durable = on_durable,
                                           .untidy = on_untidy,
                                           .data = runtime};
    runtime->writer = writer_new(&options);
    return 0;
}

static struct core *make_core(const struct config *config, bool once)
{
    const char **names = memory_calloc(config->instances.len, sizeof *names);
    for (size_t i = 0; i < config->instances.len; i++)
        names[i] = config->instances.items[i].name;
    struct core_source_options *sources = memory_calloc(config->sources.len, sizeof *sources);
    for (size_t i = 0; i < config->sources.len; i++)
        sources[i] =
            (struct core_source_options){config->sources.items[i].name, &config->sources.items[i].allowance};
    const struct core_options options = {.owner = config->owner,
                                         .sources = sources,
                                         .sources_len = config->sources.len,
                                         .instances = names,
                                         .instances_len = config->instances.len,
                                         .stopped_retention_ms = config->stopped_retention_ms,
                                         .stopped_kept = config->stopped_kept,
                                         .deletion = {config->deletion_services, config->deletion_percent},
                                         .lost_after_ms = config->lost_after_ms,
                                         .once = once,
                                         .patience_ms = config->patience_ms};
    struct core *core = core_new(&options);
    free(sources);
    free(names);
    return core;
}

int runtime_new(const struct runtime_options *options, struct runtime **ret_runtime, struct error *err)
{
    assert(options && options->loop && options->config);
    assert(ret_runtime);
    thrift_prepare();
    struct runtime *runtime = NEW(struct runtime);
    runtime->options = *options;
    timebase_init(&runtime->timebase, runtime_now_ms(), runtime_boot_ms());
    runtime->core = make_core(options->config, options->once);
    runtime_sources_make(runtime);
    uv_prepare_init(options->loop, &runtime->before_sleep);
    uv_timer_init(options->loop, &runtime->wake);
    thrift_init(&runtime->thrift, options->loop);
    runtime->before_sleep.data = runtime->wake.data = runtime;
    make_act(runtime);
    int r = clock_watch_init(&runtime->clock_watch, options->loop, on_clock_set, runtime);
    if (r < 0)
        r = error_set(err, ERROR_IO, "cannot watch the clock: %s", strerror(-r));
    if (r == 0)
        r = open_state(runtime, err);
    if (r == 0)
        r = runtime_engines_open(runtime, err);
    if (r < 0) {
        runtime_close(runtime);
        uv_run(options->loop, UV_RUN_DEFAULT);
        runtime_free(runtime);
        return r;
    }
    uv_prepare_start(&runtime->before_sleep, before_sleep);
    runtime_engines_watch(runtime);
    runtime_sources_start(runtime);
    *ret_runtime = runtime;
    return 0;
}

void runtime_close(struct runtime *runtime)
{
    assert(runtime);
    assert(!runtime->closing);
    runtime->closing = true;
    for (size_t i = 0; i < runtime->sources_len; i++)
        source_free(runtime->sources[i].source);
    for (size_t i = 0; i < runtime->instances_len; i++)
        engine_watch_free(runtime->instances[i].watch);
    act_free(runtime->act);
    for (size_t i = 0; i < runtime->instances_len; i++)
        engine_free(runtime->instances[i].engine);
    writer_close(runtime->writer);
    ledger_remote_close(runtime->ledger_remote);
    runtime->ledger_remote = NULL;
    uv_close((uv_handle_t *)&runtime->before_sleep, NULL);
    uv_close((uv_handle_t *)&runtime->wake, NULL);
    clock_watch_close(&runtime->clock_watch);
    thrift_close(&runtime->thrift);
}

void runtime_free(struct runtime *runtime)
{
    if (!runtime)
        return;
    assert(runtime->closing);
    recorder_free(runtime->recorder);
    history_lock_free(runtime->lock);
    other_owners_free(runtime->other_owners);
    core_free(runtime->core);
    secret_store_free(runtime->secrets);
    for (size_t i = 0; i < runtime->sources_len; i++)
        string_vec_deinit(&runtime->sources[i].roots);
    free(runtime->sources);
    effect_vec_deinit(&runtime->effects);
    free(runtime->instances);
    free(runtime->save_trouble);
    free(runtime);
}
