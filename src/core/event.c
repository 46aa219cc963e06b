#include "core/event.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"ledger",    "commit",    "source",    "connected", "disconnected",
                                         "listed",    "container", "gone",      "done",      "progress",
                                         "reconcile", "approve",   "retry",     "redeploy",  "hold",
                                         "suspend",   "run-task",  "stop-task", "clock",     "turn"};
static const char *const file_kind_names[] = {"file", "deleted", "symlink", "submodule", "too-large", "lfs"};
static const char *const ledger_kind_names[] = {"service",    "family", "source",
                                                "suspension", "task",   "schedule"};

static int index_of(const char *const *names, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++)
        if (text_equal(names[i], name))
            return (int)i;
    return -1;
}

const char *event_kind_name(enum event_kind kind)
{
    assert((size_t)kind < ARRAY_LEN(kind_names));
    return kind_names[kind];
}

static void commit_event_deinit(struct event *event)
{
    free(event->commit.source);
    commit_deinit(&event->commit.commit);
    for (size_t i = 0; i < event->commit.files.len; i++) {
        free(event->commit.files.items[i].path);
        free(event->commit.files.items[i].content);
    }
    vector_deinit(&event->commit.files);
}

static void engine_event_deinit(struct event *event)
{
    free(event->engine.instance);
    instance_info_deinit(&event->engine.info);
    free(event->engine.message);
    container_vec_deinit(&event->engine.containers);
    string_vec_deinit(&event->engine.unchanged);
    container_free(event->engine.container);
    free(event->engine.container_id);
}

void event_deinit(struct event *event)
{
    assert(event);
    switch (event->kind) {
    case EVENT_LEDGER:
        free(event->ledger.name);
        json_decref(event->ledger.entry);
        break;
    case EVENT_COMMIT:
        commit_event_deinit(event);
        break;
    case EVENT_SOURCE:
        free(event->source.name);
        free(event->source.message);
        free(event->source.origin);
        free(event->source.branch);
        break;
    case EVENT_CONNECTED:
    case EVENT_DISCONNECTED:
    case EVENT_LISTED:
    case EVENT_CONTAINER:
    case EVENT_GONE:
        engine_event_deinit(event);
        break;
    case EVENT_ACTION_DONE:
        free(event->action.message);
        container_free(event->action.container);
        free(event->action.image_digest);
        break;
    case EVENT_PROGRESS:
        free(event->progress.status);
        free(event->progress.failure);
        break;
    case EVENT_RECONCILE:
        free(event->reconcile.cluster);
        free(event->reconcile.service);
        break;
    case EVENT_RETRY:
    case EVENT_REDEPLOY:
        free(event->retry.cluster);
        free(event->retry.service);
        break;
    case EVENT_HOLD:
        free(event->hold.cluster);
        free(event->hold.service);
        break;
    case EVENT_SUSPEND:
        free(event->suspend.cluster);
        free(event->suspend.service);
        break;
    case EVENT_RUN_TASK:
        json_decref(event->run_task.request);
        break;
    case EVENT_STOP_TASK:
        free(event->stop_task.cluster);
        free(event->stop_task.task);
        free(event->stop_task.reason);
        break;
    case EVENT_APPROVE:
    case EVENT_CLOCK:
    case EVENT_TURN:
        break;
    }
    memset(event, 0, sizeof *event);
    event->kind = EVENT_TURN;
}

/* Bytes that are no text travel in base64. */
static void set_content(json_t *json, const struct event_file *file)
{
    if (!file->content)
        return;
    if (text_is_utf8(file->content, file->len)) {
        json_object_set_new(json, "content", json_stringn(file->content, file->len));
        return;
    }
    char *text CLEANUP_FREE = base64_encode(file->content, file->len);
    json_object_set_new(json, "base64", json_string(text));
}

static int get_content(const json_t *json, struct event_file *file)
{
    const json_t *content = json_object_get(json, "content");
    const char *base64 = model_string(json, "base64");
    if (content) {
        file->len = json_string_length(content);
        file->content = memory_alloc(file->len + 1);
        memcpy(file->content, json_string_value(content), file->len);
        file->content[file->len] = '\0';
        return 0;
    }
    return base64 ? base64_decode(base64, &file->content, &file->len) : 0;
}

json_t *event_file_to_json(const struct event_file *file)
{
    assert(file);
    json_t *json = json_pack("{s:s,s:s}", "path", file->path, "kind", file_kind_names[file->kind]);
    set_content(json, file);
    if (file->other) {
        json_object_set_new(json, "other", json_true());
        model_set_string(json, "oid", file->oid);
        model_set_int(json, "size", file->size_bytes);
        if (file->executable)
            json_object_set_new(json, "executable", json_true());
    }
    return json;
}

int event_file_from_json(const json_t *json, struct event_file *ret_file)
{
    assert(ret_file);
    int kind = index_of(file_kind_names, ARRAY_LEN(file_kind_names), model_string(json, "kind"));
    if (kind < 0 || !model_string(json, "path"))
        return ERROR_INVALID;
    struct event_file file = {.kind = (enum event_file_kind)kind,
                              .other = model_bool(json, "other"),
                              .size_bytes = model_int(json, "size"),
                              .executable = model_bool(json, "executable")};
    model_string_into(json, "oid", file.oid, sizeof file.oid);
    int r = get_content(json, &file);
    if (r < 0) {
        free(file.content);
        return r;
    }
    file.path = memory_strdup(model_string(json, "path"));
    *ret_file = file;
    return 0;
}

static json_t *commit_event_to_json(const struct event *event)
{
    json_t *files = json_array();
    for (size_t i = 0; i < event->commit.files.len; i++) {
        json_array_append_new(files, event_file_to_json(&event->commit.files.items[i]));
    }
    json_t *json = json_pack("{s:o,s:b,s:b,s:o}", "commit", commit_to_json(&event->commit.commit), "head",
                             event->commit.head, "full", event->commit.full, "files", files);
    model_set_string(json, "source", event->commit.source);
    model_set_bool(json, "rewritten", event->commit.rewritten);
    model_set_int(json, "generation", event->commit.generation);
    model_set_int(json, "levels", event->commit.levels);
    return json;
}

static json_t *engine_event_to_json(const struct event *event)
{
    json_t *json = json_object();
    model_set_string(json, "instance", event->engine.instance);
    model_set_string(json, "message", event->engine.message);
    model_set_string(json, "containerId", event->engine.container_id);
    if (event->kind == EVENT_DISCONNECTED)
        model_set_int(json, "silentMs", event->engine.silent_ms);
    if (event->kind == EVENT_CONNECTED)
        json_object_set_new(json, "info", instance_info_to_json(&event->engine.info));
    if (event->engine.container)
        json_object_set_new(json, "container", container_to_json(event->engine.container));
    if (event->kind == EVENT_LISTED) {
        json_t *list = json_array();
        for (size_t i = 0; i < event->engine.containers.len; i++)
            json_array_append_new(list, container_to_json(event->engine.containers.items[i]));
        json_object_set_new(json, "containers", list);
        list = json_array();
        for (size_t i = 0; i < event->engine.unchanged.len; i++)
            json_array_append_new(list, json_string(event->engine.unchanged.items[i]));
        json_object_set_new(json, "unchanged", list);
    }
    return json;
}

static json_t *action_event_to_json(const struct event *event)
{
    json_t *json = json_pack("{s:I,s:i}", "id", (json_int_t)event->action.id, "code", event->action.code);
    model_set_string(json, "message", event->action.message);
    model_set_bool(json, "gone", event->action.gone);
    model_set_string(json, "imageDigest", event->action.image_digest);
    model_set_bool(json, "imageIsCopy", event->action.image_is_copy);
    if (event->action.container)
        json_object_set_new(json, "container", container_to_json(event->action.container));
    return json;
}

static void progress_event_to_json(const struct event *event, json_t *json)
{
    model_set_int(json, "id", (int64_t)event->progress.id);
    model_set_string(json, "status", event->progress.status);
    model_set_string(json, "failure", event->progress.failure);
    model_set_int(json, "current", event->progress.current_bytes);
    model_set_int(json, "total", event->progress.total_bytes);
}

static void hold_event_to_json(const struct event *event, json_t *json)
{
    model_set_string(json, "cluster", event->hold.cluster);
    model_set_string(json, "service", event->hold.service);
    model_set_digest(json, "takenBack", &event->hold.taken_back);
    model_set_string(json, "deployment", event->hold.deployment);
}

static json_t *body_to_json(const struct event *event)
{
    json_t *json = json_object();
    switch (event->kind) {
    case EVENT_LEDGER:
        model_set_string(json, "kind", ledger_kind_names[event->ledger.kind]);
        model_set_string(json, "name", event->ledger.name);
        json_object_set(json, "entry", event->ledger.entry);
        return json;
    case EVENT_COMMIT:
        json_decref(json);
        return commit_event_to_json(event);
    case EVENT_SOURCE:
        model_set_string(json, "name", event->source.name);
        model_set_bool(json, "ok", event->source.ok);
        model_set_string(json, "message", event->source.message);
        model_set_string(json, "origin", event->source.origin);
        model_set_string(json, "branch", event->source.branch);
        return json;
    case EVENT_CONNECTED:
    case EVENT_DISCONNECTED:
    case EVENT_LISTED:
    case EVENT_CONTAINER:
    case EVENT_GONE:
        json_decref(json);
        return engine_event_to_json(event);
    case EVENT_ACTION_DONE:
        json_decref(json);
        return action_event_to_json(event);
    case EVENT_PROGRESS:
        progress_event_to_json(event, json);
        return json;
    case EVENT_RECONCILE:
        model_set_string(json, "cluster", event->reconcile.cluster);
        model_set_string(json, "service", event->reconcile.service);
        return json;
    case EVENT_APPROVE:
        model_set_string(json, "oid", event->approve.oid);
        return json;
    case EVENT_RETRY:
    case EVENT_REDEPLOY:
        model_set_string(json, "cluster", event->retry.cluster);
        model_set_string(json, "service", event->retry.service);
        return json;
    case EVENT_HOLD:
        hold_event_to_json(event, json);
        return json;
    case EVENT_SUSPEND:
        model_set_string(json, "cluster", event->suspend.cluster);
        model_set_string(json, "service", event->suspend.service);
        model_set_bool(json, "resume", event->suspend.resume);
        return json;
    case EVENT_RUN_TASK:
        json_object_set(json, "request", event->run_task.request);
        return json;
    case EVENT_STOP_TASK:
        model_set_string(json, "cluster", event->stop_task.cluster);
        model_set_string(json, "task", event->stop_task.task);
        model_set_string(json, "reason", event->stop_task.reason);
        return json;
    case EVENT_CLOCK:
        model_set_int(json, "skew", event->clock.skew_ms);
        model_set_int(json, "step", event->clock.step_ms);
        return json;
    case EVENT_TURN:
        break;
    }
    return json;
}

json_t *event_to_json(const struct event *event)
{
    assert(event);
    json_t *json = json_pack("{s:s,s:I,s:I}", "kind", event_kind_name(event->kind), "now",
                             (json_int_t)event->now_ms, "seed", (json_int_t)event->seed);
    json_object_set_new(json, event_kind_name(event->kind), body_to_json(event));
    return json;
}

static int commit_event_from_json(const json_t *json, struct event *event)
{
    if (commit_from_json(json_object_get(json, "commit"), &event->commit.commit) < 0)
        return ERROR_INVALID;
    event->commit.source = memory_strdup(model_string(json, "source"));
    event->commit.head = model_bool(json, "head");
    event->commit.full = model_bool(json, "full");
    event->commit.rewritten = model_bool(json, "rewritten");
    event->commit.generation = model_int(json, "generation");
    event->commit.levels = model_int_in(json, "levels", 0, INT32_MAX);
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json, "files"), i, item) {
        struct event_file file;
        int r = event_file_from_json(item, &file);
        if (r < 0)
            return r;
        vector_push(&event->commit.files, file);
    }
    return 0;
}

static int engine_event_from_json(const json_t *json, struct event *event, struct error *err)
{
    event->engine.instance = memory_strdup(model_string(json, "instance"));
    event->engine.message = memory_strdup(model_string(json, "message"));
    event->engine.container_id = memory_strdup(model_string(json, "containerId"));
    event->engine.silent_ms = model_int(json, "silentMs");
    instance_info_from_json(json_object_get(json, "info"), &event->engine.info);
    const json_t *container = json_object_get(json, "container");
    if (container) {
        int r = container_from_json(container, &event->engine.container, err);
        if (r < 0)
            return r;
    }
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json, "containers"), i, item) {
        struct container *one = NULL;
        int r = container_from_json(item, &one, err);
        if (r < 0)
            return r;
        vector_push(&event->engine.containers, one);
    }
    json_array_foreach (json_object_get(json, "unchanged"), i, item) {
        if (!json_is_string(item))
            return ERROR_INVALID;
        vector_push(&event->engine.unchanged, memory_strdup(json_string_value(item)));
    }
    return event->engine.instance ? 0 : ERROR_INVALID;
}

static int progress_event_from_json(const json_t *json, struct event *event)
{
    event->progress.id = (uint64_t)model_int(json, "id");
    event->progress.status = memory_strdup(model_string(json, "status"));
    event->progress.failure = memory_strdup(model_string(json, "failure"));
    event->progress.current_bytes = model_int(json, "current");
    event->progress.total_bytes = model_int(json, "total");
    return 0;
}

static int action_event_from_json(const json_t *json, struct event *event, struct error *err)
{
    event->action.id = (uint64_t)model_int(json, "id");
    event->action.code = model_int_in(json, "code", INT32_MIN, 0);
    event->action.message = memory_strdup(model_string(json, "message"));
    event->action.gone = model_bool(json, "gone");
    event->action.image_digest = memory_strdup(model_string(json, "imageDigest"));
    event->action.image_is_copy = model_bool(json, "imageIsCopy");
    const json_t *container = json_object_get(json, "container");
    return container ? container_from_json(container, &event->action.container, err) : 0;
}

static void source_event_from_json(const json_t *json, struct event *event)
{
    event->source.name = memory_strdup(model_string(json, "name"));
    event->source.ok = model_bool(json, "ok");
    event->source.message = memory_strdup(model_string(json, "message"));
    event->source.origin = memory_strdup(model_string(json, "origin"));
    event->source.branch = memory_strdup(model_string(json, "branch"));
}

static int body_from_json(const json_t *json, struct event *event, struct error *err)
{
    int kind;
    switch (event->kind) {
    case EVENT_LEDGER:
        kind = index_of(ledger_kind_names, ARRAY_LEN(ledger_kind_names), model_string(json, "kind"));
        if (kind < 0)
            return ERROR_INVALID;
        event->ledger.kind = (enum ledger_change_kind)kind;
        event->ledger.name = memory_strdup(model_string(json, "name"));
        event->ledger.entry = json_incref(json_object_get(json, "entry"));
        return 0;
    case EVENT_COMMIT:
        return commit_event_from_json(json, event);
    case EVENT_SOURCE:
        source_event_from_json(json, event);
        return 0;
    case EVENT_CONNECTED:
    case EVENT_DISCONNECTED:
    case EVENT_LISTED:
    case EVENT_CONTAINER:
    case EVENT_GONE:
        return engine_event_from_json(json, event, err);
    case EVENT_ACTION_DONE:
        return action_event_from_json(json, event, err);
    case EVENT_PROGRESS:
        return progress_event_from_json(json, event);
    case EVENT_RECONCILE:
        event->reconcile.cluster = memory_strdup(model_string(json, "cluster"));
        event->reconcile.service = memory_strdup(model_string(json, "service"));
        return 0;
    case EVENT_APPROVE:
        model_string_into(json, "oid", event->approve.oid, sizeof event->approve.oid);
        return 0;
    case EVENT_RETRY:
    case EVENT_REDEPLOY:
        event->retry.cluster = memory_strdup(model_string(json, "cluster"));
        event->retry.service = memory_strdup(model_string(json, "service"));
        return event->retry.cluster && event->retry.service ? 0 : ERROR_INVALID;
    case EVENT_HOLD:
        event->hold.cluster = memory_strdup(model_string(json, "cluster"));
        event->hold.service = memory_strdup(model_string(json, "service"));
        event->hold.taken_back = model_digest(json, "takenBack");
        model_string_into(json, "deployment", event->hold.deployment, sizeof event->hold.deployment);
        return event->hold.cluster && event->hold.service ? 0 : ERROR_INVALID;
    case EVENT_SUSPEND:
        event->suspend.cluster = memory_strdup(model_string(json, "cluster"));
        event->suspend.service = memory_strdup(model_string(json, "service"));
        event->suspend.resume = model_bool(json, "resume");
        return event->suspend.cluster ? 0 : ERROR_INVALID;
    case EVENT_RUN_TASK:
        event->run_task.request = json_incref(json_object_get(json, "request"));
        return event->run_task.request ? 0 : ERROR_INVALID;
    case EVENT_STOP_TASK:
        event->stop_task.cluster = memory_strdup(model_string(json, "cluster"));
        event->stop_task.task = memory_strdup(model_string(json, "task"));
        event->stop_task.reason = memory_strdup(model_string(json, "reason"));
        return event->stop_task.cluster && event->stop_task.task ? 0 : ERROR_INVALID;
    case EVENT_CLOCK:
        event->clock.skew_ms = model_int(json, "skew");
        event->clock.step_ms = model_int(json, "step");
        return 0;
    case EVENT_TURN:
        return 0;
    }
    return ERROR_INVALID;
}

int event_from_json(const json_t *json, struct event *ret_event, struct error *err)
{
    assert(ret_event);
    const char *name = model_string(json, "kind");
    int kind = index_of(kind_names, ARRAY_LEN(kind_names), name);
    if (kind < 0)
        return error_set(err, ERROR_INVALID, "not a recorded event: kind %s", name ? name : "is missing");
    struct event event = {.kind = (enum event_kind)kind,
                          .now_ms = model_int(json, "now"),
                          .seed = (uint64_t)model_int(json, "seed")};
    int r = body_from_json(json_object_get(json, name), &event, err);
    if (r < 0) {
        event_deinit(&event);
        return err && err->message[0] ? error_wrap(err, r, "event %s", name)
                                      : error_set(err, r, "event %s is not readable", name);
    }
    *ret_event = event;
    return 0;
}
