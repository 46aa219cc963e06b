#include "engine/docker_call.h"

#include "base/text.h"
#include "base/wipe.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define FAILURE_BYTES (64 * 1024) /* of a failed stream's body: it holds one message */

struct docker *docker_of(struct engine *engine)
{
    return (struct docker *)engine;
}

/* --- calls ---------------------------------------------------------------------------------------------- */

struct docker_call *docker_call_new(struct engine *engine, const char *target, const struct engine_call *call,
                                    int64_t default_ms)
{
    assert(call->done);
    struct docker *docker = docker_of(engine);
    struct docker_call *new = NEW(struct docker_call);
    int64_t deadline_ms = call->deadline_ms && default_ms ? call->deadline_ms : default_ms;
    uv_update_time(docker->loop);
    new->docker = docker;
    new->id = ++docker->last_id;
    new->call = *call;
    new->deadline_at_ms = deadline_ms ? (int64_t)uv_now(docker->loop) + deadline_ms : INT64_MAX;
    new->target = memory_strdup(target);
    new->failure = BUFFER_INIT(FAILURE_BYTES);
    vector_push(&docker->calls, new);
    return new;
}

static size_t index_of(const struct docker *docker, uint64_t id)
{
    size_t low = 0;
    size_t high = docker->calls.len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (docker->calls.items[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct docker_call *docker_call_find(const struct docker *docker, uint64_t id)
{
    size_t i = index_of(docker, id);
    return i < docker->calls.len && docker->calls.items[i]->id == id ? docker->calls.items[i] : NULL;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

static void call_free(struct docker_call *call)
{
    if (call->gone)
        *call->gone = true;
    if (call->uv_timer)
        uv_close((uv_handle_t *)call->uv_timer, on_timer_closed);
    if (call->state_free)
        call->state_free(call->state);
    buffer_deinit(&call->failure);
    json_decref(call->send.body);
    free(call->path);
    wipe_free(call->body);
    free(call->target);
    free(call->text);
    free(call);
}

/* Out of the registry, with nothing under way any more. */
static void detach(struct docker_call *call)
{
    http_cancel(call->docker->http, call->http);
    if (call->timer)
        call->docker->engine.ops->cancel(&call->docker->engine, call->timer);
    vector_remove(&call->docker->calls, index_of(call->docker, call->id));
}

void docker_call_drop(struct docker_call *call)
{
    detach(call);
    call_free(call);
}

void docker_done(struct docker_call *call, struct engine_reply *reply)
{
    detach(call);
    call->call.done(call->call.data, reply);
    call_free(call);
}

void docker_fail(struct docker_call *call, const struct error *error)
{
    assert(error->code < 0);
    struct engine_reply reply = {.error = *error};
    docker_done(call, &reply);
}

void docker_fail_as(struct docker_call *call, int code, const char *text)
{
    struct error error = ERROR_INIT;
    error_set(&error, code, "%s", text);
    docker_fail(call, &error);
}

/* --- requests ------------------------------------------------------------------------------------------- */

static void append_escaped(struct buffer *out, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (isalnum(*at) || strchr("-._~", *at))
            buffer_append(out, at, 1);
        else
            buffer_printf(out, "%%%02X", *at);
    }
}

char *docker_path(const char *prefix, const char *text, const char *suffix)
{
    struct buffer out CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_ENGINE_EVENT_BYTES);
    buffer_append_str(&out, prefix);
    append_escaped(&out, text);
    buffer_append_str(&out, suffix);
    return buffer_steal(&out);
}

char *docker_filters(const char *path, json_t *filters)
{
    char *text CLEANUP_FREE = json_dumps(filters, JSON_COMPACT);
    char *prefix CLEANUP_FREE = memory_printf("%sfilters=", path);
    json_decref(filters);
    return docker_path(prefix, text, "");
}

static void request(struct docker_call *call);

/* Ours are the codes of engine.h: a connection that broke half-way is as good as none. */
static void fail_transport(struct docker_call *call, const struct error *cause)
{
    struct error error = *cause;
    if (error.code == ERROR_IO)
        error.code = ERROR_UNAVAILABLE;
    /* It may be another engine when it is back. */
    if (error.code == ERROR_UNAVAILABLE)
        docker_version_deinit(&call->docker->version);
    docker_fail(call, &error);
}

/* An engine that was replaced behind a kept connection refuses the version that its predecessor spoke. */
static bool is_version_refusal(const struct docker_answer *answer)
{
    return answer->status == 400 && strstr(answer->error.message, "client version");
}

static void on_done(void *data, const struct http_reply *reply)
{
    struct docker_call *call = data;
    struct docker_answer answer = {.status = reply->status};
    json_t *json = NULL;
    call->http = 0;
    if (reply->error.code) {
        fail_transport(call, &reply->error);
        return;
    }
    bool failed = reply->status >= 400 || reply->status < 200;
    const char *body = call->send.on_bytes ? buffer_str(&call->failure) : reply->body;
    size_t len = call->send.on_bytes ? call->failure.len : reply->body_len;
    if (failed)
        docker_decode_failure(reply->status, body, len, &answer.error);
    else if (len && !call->send.on_bytes && docker_decode_json(body, len, &json, &answer.error) < 0) {
        docker_fail(call, &answer.error);
        return;
    }
    if (failed && is_version_refusal(&answer) && !call->negotiated_again) {
        call->negotiated_again = true;
        docker_version_deinit(&call->docker->version);
        request(call);
        return;
    }
    answer.json = json;
    if (failed && !call->send.takes_failures)
        docker_fail(call, &answer.error);
    else
        call->send.on_answer(call, &answer);
    json_decref(json);
}

static void on_headers(void *data, const struct http_reply *reply)
{
    struct docker_call *call = data;
    call->status = reply->status;
    buffer_clear(&call->failure);
    if (reply->status >= 200 && reply->status < 300 && call->send.on_open)
        call->send.on_open(call);
}

static void on_data(void *data, const char *bytes, size_t len)
{
    struct docker_call *call = data;
    struct error err = ERROR_INIT;
    bool gone = false;
    if (call->status < 200 || call->status >= 300) {
        buffer_append(&call->failure, bytes, len);
        return;
    }
    call->gone = &gone;
    int r = call->send.on_bytes(call, bytes, len, &err);
    if (gone)
        return;
    call->gone = NULL;
    if (r < 0)
        docker_fail(call, &err);
}

static void on_negotiated(void *data, const struct http_reply *reply)
{
    struct docker_call *call = data;
    struct error err = ERROR_INIT;
    json_t *json = NULL;
    call->http = 0;
    if (reply->error.code) {
        fail_transport(call, &reply->error);
        return;
    }
    if (reply->status != 200)
        docker_decode_failure(reply->status, reply->body, reply->body_len, &err);
    else if (docker_decode_json(reply->body, reply->body_len, &json, &err) == 0) {
        struct engine_version version;
        if (docker_decode_version(json, &version, &err) == 0) {
            docker_version_deinit(&call->docker->version);
            call->docker->version = version;
        }
    }
    json_decref(json);
    if (err.code)
        docker_fail(call, &err);
    else
        request(call);
}

int64_t docker_call_left_ms(const struct docker_call *call)
{
    if (call->deadline_at_ms == INT64_MAX)
        return 0;
    uv_update_time(call->docker->loop);
    int64_t left_ms = call->deadline_at_ms - (int64_t)uv_now(call->docker->loop);
    return left_ms > 1 ? left_ms : 1;
}

static void request(struct docker_call *call)
{
    struct docker *docker = call->docker;
    struct http_request http = {.endpoint = &docker->endpoint,
                                .deadline_ms = docker_call_left_ms(call),
                                .reply_max_name = "LIMIT_ENGINE_REPLY_BYTES",
                                .data = call};
    if (!docker->version.api) {
        http.path = "/version";
        http.done = on_negotiated;
        /* A stream may wait for ever for its bytes, but not for the version. */
        if (!http.deadline_ms)
            http.deadline_ms = LIMIT_ENGINE_CALL_MS;
        call->http = http_request(docker->http, &http);
        return;
    }
    char *path CLEANUP_FREE = memory_printf("/v%s%s", docker->version.api, call->path);
    http.method = call->send.method;
    http.path = path;
    http.idle_ms = call->send.idle_ms;
    http.headers = call->send.headers;
    http.body = call->send.tar ? call->send.tar : call->body;
    http.body_len = call->send.tar ? call->send.tar_len : call->body ? strlen(call->body) : 0;
    http.content_type = call->send.tar ? "application/x-tar" : call->body ? "application/json" : NULL;
    http.on_headers = call->send.on_bytes ? on_headers : NULL;
    http.on_data = call->send.on_bytes ? on_data : NULL;
    http.done = on_done;
    call->http = http_request(docker->http, &http);
}

uint64_t docker_send(struct docker_call *call, struct docker_send send)
{
    assert(send.on_answer);
    uint64_t id = call->id;
    char *path = memory_strdup(send.path);
    free(call->path);
    wipe_free(call->body);
    call->path = path;
    call->body = send.body ? json_dumps(send.body, JSON_COMPACT) : NULL;
    json_decref(send.body);
    call->send = send;
    call->send.body = NULL;
    call->send.path = NULL;
    request(call);
    return id;
}
