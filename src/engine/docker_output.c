#include "base/text.h"
#include "base/wipe.h"
#include "engine/docker_call.h"
#include "model/image.h"
#include "model/json.h"

#include <assert.h>
#include <string.h>

/* --- pull ----------------------------------------------------------------------------------------------- */

struct pull_state {
    char *login; /* a header */
    const char *headers[2];
    struct docker_lines lines;
    struct docker_pull pull;
};

static void pull_state_free(void *data)
{
    struct pull_state *state = data;
    docker_lines_deinit(&state->lines);
    docker_pull_deinit(&state->pull);
    wipe_free(state->login);
    free(state);
}

static int on_pull_bytes(struct docker_call *call, const char *bytes, size_t len, struct error *err)
{
    struct pull_state *state = call->state;
    const bool *gone = call->gone;
    for (;;) {
        json_t *line;
        struct engine_progress progress;
        int r = docker_lines_next(&state->lines, &bytes, &len, &line, err);
        if (r <= 0)
            return r;
        r = docker_pull_next(&state->pull, line, &progress, err);
        if (r == 0 && call->call.progress)
            call->call.progress(call->call.data, &progress);
        json_decref(line);
        if (r < 0 || *gone)
            return r;
    }
}

static void on_pulled(struct docker_call *call, const struct docker_answer *answer)
{
    const struct pull_state *state = call->state;
    struct engine_reply reply = {.error = answer->error, .image_digest = state->pull.digest};
    if (reply.error.code == ERROR_INTERNAL)
        docker_pull_error(answer->error.message, &reply.error);
    docker_done(call, &reply);
}

/* They live as long as the call. */
static const char *const *keep_login(struct docker_call *call, const struct engine_pull *pull)
{
    struct pull_state *state = NEW(struct pull_state);
    state->lines = DOCKER_LINES_INIT;
    call->state = state;
    call->state_free = pull_state_free;
    if (pull->login)
        state->headers[0] = state->login = wipe_join("X-Registry-Auth: ", pull->login);
    return state->headers;
}

/* The engine wants name and tag apart; without a tag it would bring all of them. */
static char *pull_path(const char *image)
{
    const char *slash = strrchr(image, '/');
    const char *at = strchr(image, '@');
    const char *colon = strrchr(slash ? slash : image, ':');
    const char *cut = at ? at : colon;
    char *name CLEANUP_FREE = cut ? memory_strndup(image, (size_t)(cut - image)) : memory_strdup(image);
    char *tag CLEANUP_FREE = docker_path("&tag=", cut ? cut + 1 : "latest", "");
    return docker_path("/images/create?fromImage=", name, tag);
}

uint64_t docker_pull(struct engine *engine, const struct engine_pull *pull, const struct engine_call *call)
{
    struct docker_call *new = docker_call_new(engine, pull->image, call, LIMIT_ENGINE_PULL_MS);
    char *path CLEANUP_FREE = pull_path(pull->image);
    return docker_send(new, (struct docker_send){.method = "POST",
                                                 .path = path,
                                                 .headers = keep_login(new, pull),
                                                 .idle_ms = LIMIT_ENGINE_PULL_IDLE_MS,
                                                 .takes_failures = true,
                                                 .on_answer = on_pulled,
                                                 .on_bytes = on_pull_bytes});
}

/* --- what the registry says, with the login of a pull ----------------------------------------------------
 */

static void on_distribution(struct docker_call *call, const struct docker_answer *answer)
{
    const char *digest = model_string(json_object_get(answer->json, "Descriptor"), "digest");
    bool known = digest && image_digest_is_valid(digest);
    docker_done(call, &(struct engine_reply){.image_digest = known ? digest : NULL});
}

uint64_t docker_distribution_inspect(struct engine *engine, const struct engine_pull *image,
                                     const struct engine_call *call)
{
    struct docker_call *new = docker_call_new(engine, image->image, call, LIMIT_ENGINE_CALL_MS);
    char *path CLEANUP_FREE = docker_path("/distribution/", image->image, "/json");
    return docker_send(
        new,
        (struct docker_send){.path = path, .headers = keep_login(new, image), .on_answer = on_distribution});
}

/* --- load: tells its end as a pull does ------------------------------------------------------------------
 */

uint64_t docker_image_load(struct engine *engine, const struct engine_archive *archive,
                           const struct engine_call *call)
{
    struct docker_call *new = docker_call_new(engine, archive->image, call, LIMIT_ENGINE_CALL_MS);
    struct pull_state *state = NEW(struct pull_state);
    state->lines = DOCKER_LINES_INIT;
    new->state = state;
    new->state_free = pull_state_free;
    return docker_send(new, (struct docker_send){.method = "POST",
                                                 .path = "/images/load?quiet=1",
                                                 .tar = archive->tar,
                                                 .tar_len = archive->tar_len,
                                                 .on_answer = on_pulled,
                                                 .on_bytes = on_pull_bytes});
}

/* --- events --------------------------------------------------------------------------------------------- */

static void lines_free(void *data)
{
    docker_lines_deinit(data);
    free(data);
}

/* Podman has words of its own for two of Docker's events. */
static const char *docker_word(const char *action)
{
    static const struct {
        const char *podman;
        const char *docker;
    } words[] = {{"died", "die"}, {"remove", "destroy"}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (text_equal(action, words[i].podman))
            return words[i].docker;
    return action;
}

static void tell_event(struct docker_call *call, const json_t *line)
{
    const char *action = model_string(line, "Action");
    const char *id = model_string(json_object_get(line, "Actor"), "ID");
    struct engine_event event = {.action = docker_word(action ? action : model_string(line, "status")),
                                 .container_id = id ? id : model_string(line, "id"),
                                 .time_ms = model_int(line, "timeNano") / 1000000};
    if (!event.time_ms)
        event.time_ms = model_int_in(line, "time", 0, INT32_MAX) * 1000LL;
    if (event.action && event.container_id)
        call->call.event(call->call.data, &event);
}

static int on_event_bytes(struct docker_call *call, const char *bytes, size_t len, struct error *err)
{
    const bool *gone = call->gone;
    for (;;) {
        json_t *line;
        int r = docker_lines_next(call->state, &bytes, &len, &line, err);
        if (r <= 0)
            return r;
        tell_event(call, line);
        json_decref(line);
        if (*gone)
            return 0;
    }
}

static void on_events_open(struct docker_call *call)
{
    call->call.event(call->call.data, NULL);
}

static void on_events_end(struct docker_call *call, const struct docker_answer *answer)
{
    (void)answer;
    docker_version_deinit(&call->docker->version);
    docker_fail_as(call, ERROR_UNAVAILABLE, "the engine closed the event stream");
}

uint64_t docker_events(struct engine *engine, const char *owner, const struct engine_call *call)
{
    assert(call->event);
    struct docker_call *new = docker_call_new(engine, owner, call, 0);
    struct docker_lines *lines = NEW(struct docker_lines);
    *lines = DOCKER_LINES_INIT;
    new->state = lines;
    new->state_free = lines_free;
    /* Without exec_*, which health checks cause every few seconds and which change nothing. Podman says died
     * and remove. */
    char *path CLEANUP_FREE =
        docker_filters("/events?", json_pack("{s:[s],s:[o],s:[s,s,s,s,s,s,s,s,s,s,s]}", "type", "container",
                                             "label", json_sprintf("%s=%s", LABEL_OWNER, owner), "event",
                                             "create", "start", "die", "destroy", "health_status", "oom",
                                             "pause", "unpause", "rename", "died", "remove"));
    return docker_send(new, (struct docker_send){.path = path,
                                                 .on_answer = on_events_end,
                                                 .on_open = on_events_open,
                                                 .on_bytes = on_event_bytes});
}

/* --- output of logs and exec ---------------------------------------------------------------------------- */

struct output_state {
    struct docker_frames frames;
    bool raw; /* a terminal: no frames */
    struct buffer output;
};

static void output_state_free(void *data)
{
    struct output_state *state = data;
    buffer_deinit(&state->output);
    free(state);
}

static struct output_state *output_state_new(struct docker_call *call)
{
    struct output_state *state = NEW(struct output_state);
    state->output = BUFFER_INIT(LIMIT_LOG_BYTES);
    call->state = state;
    call->state_free = output_state_free;
    return state;
}

static int next_chunk(struct output_state *state, const char **bytes, size_t *len,
                      struct docker_chunk *ret_chunk, struct error *err)
{
    if (!state->raw)
        return docker_frames_next(&state->frames, bytes, len, ret_chunk, err);
    *ret_chunk = (struct docker_chunk){ENGINE_STDOUT, *bytes, *len};
    *len = 0;
    return ret_chunk->len > 0;
}

/* --- logs ----------------------------------------------------------------------------------------------- */

static int on_log_bytes(struct docker_call *call, const char *bytes, size_t len, struct error *err)
{
    struct output_state *state = call->state;
    const bool *gone = call->gone;
    struct docker_chunk chunk;
    for (;;) {
        int r = next_chunk(state, &bytes, &len, &chunk, err);
        if (r <= 0)
            return r;
        call->call.chunk(call->call.data, chunk.stream, chunk.bytes, chunk.len);
        if (*gone)
            return 0;
    }
}

static void on_logs_end(struct docker_call *call, const struct docker_answer *answer)
{
    (void)answer;
    struct engine_reply reply = {0};
    docker_done(call, &reply);
}

static void on_logs_inspected(struct docker_call *call, const struct docker_answer *answer)
{
    struct output_state *state = call->state;
    state->raw = model_bool(json_object_get(answer->json, "Config"), "Tty");
    call->deadline_at_ms = INT64_MAX; /* a stream from here on */
    docker_send(call,
                (struct docker_send){.path = call->text, .on_answer = on_logs_end, .on_bytes = on_log_bytes});
}

uint64_t docker_logs(struct engine *engine, const struct engine_logs *logs, const struct engine_call *call)
{
    assert(call->chunk);
    struct docker_call *new = docker_call_new(engine, logs->container_id, call, LIMIT_ENGINE_CALL_MS);
    char tail[16] = "all";
    output_state_new(new);
    if (logs->tail >= 0)
        snprintf(tail, sizeof tail, "%d", logs->tail);
    char *query CLEANUP_FREE = memory_printf(
        "/logs?stdout=1&stderr=1&follow=%d&timestamps=%d&tail=%s&since=%lld.%03d", logs->follow,
        logs->timestamps, tail, (long long)(logs->since_ms / 1000), (int)(logs->since_ms % 1000));
    new->text = docker_path("/containers/", logs->container_id, query);
    char *path CLEANUP_FREE = docker_path("/containers/", logs->container_id, "/json");
    return docker_send(new, (struct docker_send){.path = path, .on_answer = on_logs_inspected});
}

/* --- exec: create, start (the output is the body), ask for the exit code -------------------------------- */

#define EXEC_POLL_MS 20

static void ask_exit_code(void *data);

static void on_exec_inspected(struct docker_call *call, const struct docker_answer *answer)
{
    struct output_state *state = call->state;
    const json_t *code = json_object_get(answer->json, "ExitCode");
    /* The output may end a moment before the process does. */
    if (model_bool(answer->json, "Running")) {
        call->timer =
            call->docker->engine.ops->after(&call->docker->engine, EXEC_POLL_MS, ask_exit_code, call);
        return;
    }
    if (!json_is_integer(code)) {
        docker_fail_as(call, ERROR_PROTOCOL, "the engine does not tell the exit code of the command");
        return;
    }
    struct engine_reply reply = {.output = buffer_str(&state->output),
                                 .output_len = state->output.len,
                                 .exit_code = (int)json_integer_value(code)};
    docker_done(call, &reply);
}

static void ask_exit_code(void *data)
{
    struct docker_call *call = data;
    call->timer = 0;
    char *path CLEANUP_FREE = docker_path("/exec/", call->text, "/json");
    docker_send(call, (struct docker_send){.path = path, .on_answer = on_exec_inspected});
}

static int on_exec_bytes(struct docker_call *call, const char *bytes, size_t len, struct error *err)
{
    struct output_state *state = call->state;
    struct docker_chunk chunk;
    for (;;) {
        int r = next_chunk(state, &bytes, &len, &chunk, err);
        if (r <= 0)
            return r;
        size_t room = LIMIT_LOG_BYTES - state->output.len;
        buffer_append(&state->output, chunk.bytes, chunk.len < room ? chunk.len : room);
    }
}

static void on_exec_end(struct docker_call *call, const struct docker_answer *answer)
{
    (void)answer;
    ask_exit_code(call);
}

static void on_exec_created(struct docker_call *call, const struct docker_answer *answer)
{
    const char *id = model_string(answer->json, "Id");
    if (!id) {
        docker_fail_as(call, ERROR_PROTOCOL, "the engine's answer to exec has no Id");
        return;
    }
    call->text = memory_strdup(id);
    char *path CLEANUP_FREE = docker_path("/exec/", id, "/start");
    docker_send(call, (struct docker_send){.method = "POST",
                                           .path = path,
                                           .body = json_pack("{s:b,s:b}", "Detach", false, "Tty", false),
                                           .on_answer = on_exec_end,
                                           .on_bytes = on_exec_bytes});
}

uint64_t docker_exec(struct engine *engine, const char *container_id, const char *const *argv,
                     const struct engine_call *call)
{
    assert(argv[0]);
    struct docker_call *new = docker_call_new(engine, container_id, call, LIMIT_ENGINE_CALL_MS);
    json_t *command = json_array();
    for (size_t i = 0; argv[i]; i++)
        json_array_append_new(command, json_string(argv[i]));
    output_state_new(new);
    char *path CLEANUP_FREE = docker_path("/containers/", container_id, "/exec");
    return docker_send(new, (struct docker_send){.method = "POST",
                                                 .path = path,
                                                 .body = json_pack("{s:b,s:b,s:o}", "AttachStdout", true,
                                                                   "AttachStderr", true, "Cmd", command),
                                                 .on_answer = on_exec_created});
}
