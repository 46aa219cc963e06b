#include "daemon/image_updates.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "daemon/log.h"
#include "daemon/runtime.h"
#include "model/json.h"
#include "source/process.h"
#include "source/remote.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_MS         10000 /* after the start */
#define OUTPUT_BYTES     ((size_t)LIMIT_MANIFEST_BYTES * 4)
#define COMPLAINT_BYTES  65536
#define READ_BYTES       65536
#define LOGGED_CHANGES   20
#define STATUS_FAILURES  100
#define JITTER_PERMILLE  100
#define EXIT_SOME_FAILED 1

/* What the process says on one of its streams. */
struct stream {
    uv_pipe_t pipe;
    struct buffer text;
    bool ended;
};

/* One process. */
struct look {
    struct image_updates *updates;
    struct source_process process;
    struct stream output;
    struct stream complaint;
    bool exited;
    bool late;
    bool closing;
    int status; /* of exit(3); -1: a signal ended it, or it could not be started */
    int open_handles;
};

struct image_updates {
    struct image_updates_options options;
    uv_timer_t timer; /* to the next look, or to the deadline of the one under way */
    struct look *look;
    json_t *status;
    char *told; /* the trouble that was logged last; NULL: none */
    unsigned failures;
    bool closing;
    bool timer_closed;
};

static void on_time(uv_timer_t *timer);

static void free_when_done(struct image_updates *updates)
{
    if (!updates->closing || !updates->timer_closed || updates->look)
        return;
    json_decref(updates->status);
    free(updates->told);
    free(updates);
}

/* --- what came of it ------------------------------------------------------------------------------------ */

static void tell(struct image_updates *updates, const char *trouble)
{
    if (text_equal(updates->told, trouble))
        return;
    if (trouble)
        log_message(LOG_LEVEL_WARNING, "image updates: %s", trouble);
    else
        log_message(LOG_LEVEL_INFO, "image updates: all is well again");
    free(updates->told);
    updates->told = memory_strdup(trouble);
}

static void log_commit(const json_t *answer)
{
    const json_t *changes = json_object_get(answer, "changes");
    size_t i;
    json_t *change;
    log_message(LOG_LEVEL_INFO, "image updates: commit %.12s on %s", model_string(answer, "commit"),
                model_string(answer, "branch"));
    json_array_foreach ((json_t *)(uintptr_t)changes, i, change) {
        if (i == LOGGED_CHANGES)
            break;
        log_message(LOG_LEVEL_INFO, "image updates: %s: %s -> %s", model_string(change, "name"),
                    model_string(change, "image"), model_string(change, "replacement"));
    }
}

static void set_time(json_t *json, const char *member)
{
    char text[TEXT_TIME_SIZE];
    text_from_time_ms(runtime_now_ms(), text);
    json_object_set_new(json, member, json_string(text));
}

/* The last line, which is the reason, without who says it. Caller frees. */
static char *last_line(struct look *look)
{
    static const char who[] = "davit: ";
    struct buffer *text = &look->complaint.text;
    while (text->len && strchr(" \r\n", text->data[text->len - 1]))
        text->data[--text->len] = '\0';
    const char *newline = text->len ? strrchr(text->data, '\n') : NULL;
    const char *line = newline ? newline + 1 : buffer_str(text);
    line += text_starts_with(line, who) ? strlen(who) : 0;
    if (look->late)
        return memory_printf("it took longer than %d minutes (LIMIT_IMAGE_UPDATES_RUN_MS)",
                             LIMIT_IMAGE_UPDATES_RUN_MS / 60000);
    return *line ? text_printable(line) : memory_strdup("davit update-images ended without a word");
}

/* Failures as `davit update-images -o json` tells them. Returns the trouble in one line; NULL: none. Caller
 * frees. */
static char *take_failures(json_t *status, const json_t *answer)
{
    const json_t *failures = json_object_get(answer, "failures");
    json_t *kept = json_array();
    size_t i;
    json_t *failure;
    json_array_foreach ((json_t *)(uintptr_t)failures, i, failure) {
        if (i == STATUS_FAILURES)
            break;
        json_t *one = json_object();
        model_set_string(one, "name", model_string(failure, "name"));
        model_set_string(one, "image", model_string(failure, "image"));
        model_set_string(one, "message", model_string(failure, "message"));
        json_array_append_new(kept, one);
    }
    json_object_set_new(status, "failures", kept);
    size_t len = json_array_size(failures);
    const json_t *first = json_array_get(failures, 0);
    const char *name = model_string(first, "name");
    const char *message = model_string(first, "message");
    if (!len)
        return NULL;
    char *more CLEANUP_FREE = len > 1 ? memory_printf("; and %zu more", len - 1) : memory_strdup("");
    return memory_printf("%s: %s%s", name ? name : "", message ? message : "", more);
}

static bool has_value(const json_t *list, const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)list, i, item)
        if (json_equal(item, (json_t *)(uintptr_t)value))
            return true;
    return false;
}

/* What was taken out again, and is not proposed: told once, and no trouble. */
static void take_refusals(struct image_updates *updates, const json_t *answer)
{
    const json_t *refusals = json_object_get(answer, "refusals");
    json_t *kept = json_array();
    json_t *before CLEANUP(json_decrefp) = json_incref(json_object_get(updates->status, "refusals"));
    size_t i;
    json_t *refusal;
    json_array_foreach ((json_t *)(uintptr_t)refusals, i, refusal) {
        if (i == STATUS_FAILURES)
            break;
        json_t *one = json_object();
        model_set_string(one, "name", model_string(refusal, "name"));
        model_set_string(one, "image", model_string(refusal, "image"));
        model_set_string(one, "message", model_string(refusal, "message"));
        json_array_append_new(kept, one);
        if (!has_value(before, one))
            log_message(LOG_LEVEL_INFO, "image updates: %s: %s", model_string(one, "name"),
                        model_string(one, "message"));
    }
    json_object_set_new(updates->status, "refusals", kept);
}

static void take_answer(struct image_updates *updates, const json_t *answer)
{
    char *trouble CLEANUP_FREE = take_failures(updates->status, answer);
    take_refusals(updates, answer);
    json_object_set_new(updates->status, "ok", json_boolean(!trouble));
    json_object_del(updates->status, "message");
    model_set_string(updates->status, "message", trouble);
    if (model_string(answer, "commit")) {
        model_set_string(updates->status, "commit", model_string(answer, "commit"));
        model_set_string(updates->status, "branch", model_string(answer, "branch"));
        set_time(updates->status, "committedAt");
        log_commit(answer);
        updates->options.committed(updates->options.data);
    }
    updates->failures = 0;
    tell(updates, trouble);
}

static void take_failure(struct image_updates *updates, struct look *look)
{
    char *trouble CLEANUP_FREE = last_line(look);
    json_object_set_new(updates->status, "ok", json_false());
    json_object_set_new(updates->status, "message", json_string(trouble));
    json_object_set_new(updates->status, "failures", json_array());
    updates->failures++;
    tell(updates, trouble);
}

static void take_result(struct look *look)
{
    struct image_updates *updates = look->updates;
    bool is_answered = !look->late && (look->status == 0 || look->status == EXIT_SOME_FAILED);
    json_t *answer =
        is_answered ? json_loadb(buffer_str(&look->output.text), look->output.text.len, 0, NULL) : NULL;
    set_time(updates->status, "checkedAt");
    if (json_is_object(answer))
        take_answer(updates, answer);
    else
        take_failure(updates, look);
    json_decref(answer);
}

/* --- the process ---------------------------------------------------------------------------------------- */

static int64_t pause_ms(const struct image_updates *updates)
{
    int64_t pause = updates->options.config->image_updates.interval_ms;
    int64_t most = pause > LIMIT_IMAGE_UPDATES_BACKOFF_MS ? pause : LIMIT_IMAGE_UPDATES_BACKOFF_MS;
    for (unsigned i = 0; i < updates->failures && pause < most; i++)
        pause *= 2;
    pause = pause < most ? pause : most;
    int64_t permille = 1000 - JITTER_PERMILLE + (int64_t)randombytes_uniform(2 * JITTER_PERMILLE + 1);
    return pause / 1000 * permille + pause % 1000 * permille / 1000;
}

static void finish(struct look *look)
{
    struct image_updates *updates = look->updates;
    if (!updates->closing) {
        take_result(look);
        uv_timer_start(&updates->timer, on_time, (uint64_t)pause_ms(updates), 0);
    }
    buffer_deinit(&look->output.text);
    buffer_deinit(&look->complaint.text);
    free(look);
    updates->look = NULL;
    free_when_done(updates);
}

static void on_look_closed(uv_handle_t *handle)
{
    struct look *look = handle->data;
    if (--look->open_handles == 0)
        finish(look);
}

static void close_when_over(struct look *look)
{
    if (look->closing || !look->exited || !look->output.ended || !look->complaint.ended)
        return;
    look->closing = true;
    uv_close((uv_handle_t *)&look->process.handle, on_look_closed);
    uv_close((uv_handle_t *)&look->output.pipe, on_look_closed);
    uv_close((uv_handle_t *)&look->complaint.pipe, on_look_closed);
}

static void on_exit_of_look(struct source_process *process, int status, int signal)
{
    struct look *look = process->handle.data;
    look->exited = true;
    look->status = signal ? -1 : status;
    close_when_over(look);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(memory_alloc(READ_BYTES), READ_BYTES);
}

static void on_read(uv_stream_t *pipe, ssize_t len, const uv_buf_t *buf)
{
    struct look *look = pipe->data;
    struct stream *stream = pipe == (uv_stream_t *)&look->output.pipe ? &look->output : &look->complaint;
    if (len > 0)
        buffer_append(&stream->text, buf->base, (size_t)len); /* too much of it is no answer */
    free(buf->base);
    if (len >= 0)
        return;
    uv_read_stop(pipe);
    stream->ended = true;
    close_when_over(look);
}

/* With git, and whatever git has started: they are one session. */
static void kill_look(struct look *look)
{
    if (look->process.pid)
        kill(-look->process.pid, SIGKILL);
}

/* What the daemon was given as flags is not for the command. The array is the caller's, its strings are
 * borrowed. */
static void environment_of_look(struct string_vec *environment)
{
    for (char **variable = environ; *variable; variable++)
        if (!text_starts_with(*variable, "DAVIT_"))
            vector_push(environment, *variable);
    vector_push(environment, NULL);
}

static void add(struct string_vec *arguments, const char *flag, const char *value)
{
    if (value)
        vector_push(arguments, memory_printf("--%s=%s", flag, value));
}

static void add_where(const struct image_updates *updates, struct string_vec *arguments)
{
    const struct config_source *source = &updates->options.config->sources.items[0];
    const char *repository = updates->options.config->image_updates.repository;
    vector_push(arguments, memory_strdup(repository ? "update-images" : "update-images-remote"));
    if (!repository) {
        vector_push(arguments,
                    memory_printf("%" PRId64, source->fetch_ms ? source->fetch_ms : LIMIT_FETCH_MS));
        return;
    }
    add(arguments, "repo", repository);
    add(arguments, "base", source->branch);
}

static void arguments_of_look(const struct image_updates *updates, struct string_vec *arguments)
{
    const struct config *config = updates->options.config;
    const struct config_image_updates *own = &config->image_updates;
    vector_push(arguments, memory_strdup(updates->options.executable));
    add_where(updates, arguments);
    add(arguments, "output", "json");
    add(arguments, "path", config->sources.items[0].path);
    add(arguments, "branch", own->branch);
    add(arguments, "author", own->author);
    add(arguments, "signing-key", own->signing_key);
    add(arguments, "docker-config", config->docker_config);
    add(arguments, "secrets", config->secret_directory);
    add(arguments, "certs", own->certificates);
    add(arguments, "ca", own->ca_file);
    for (size_t i = 0; i < own->insecure.len; i++)
        add(arguments, "insecure-registry", own->insecure.items[i]);
    vector_push(arguments, NULL);
}

/* The end of a pipe that says which remote it is; -1: none is wanted. */
static int open_order(const struct image_updates *updates, int *ret_fd, struct error *err)
{
    const struct config *config = updates->options.config;
    const struct config_source *source = &config->sources.items[0];
    *ret_fd = -1;
    if (config->image_updates.repository)
        return 0;
    char *directory CLEANUP_FREE = memory_printf("%s/%s/images.git", config->state_directory, source->name);
    const struct source_remote_options options = {.url = source->origin,
                                                  .branch = source->branch,
                                                  .directory = directory,
                                                  .max_bytes = source->fetch_bytes ? source->fetch_bytes
                                                                                   : LIMIT_FETCH_BYTES,
                                                  .access = &source->access};
    int rc = source_remote_order(&options, err);
    *ret_fd = rc;
    return rc < 0 ? rc : 0;
}

static int spawn(struct image_updates *updates, struct look *look, struct error *err)
{
    struct string_vec arguments CLEANUP(string_vec_deinit) = {0};
    struct string_vec environment = {0};
    int order;
    if (open_order(updates, &order, err) < 0)
        return err->code;
    arguments_of_look(updates, &arguments);
    environment_of_look(&environment);
    struct source_process_program program = {.path = updates->options.executable,
                                             .argv = arguments.items,
                                             .environment = environment.items,
                                             .stdio = {order, -1, -1},
                                             .new_session = true};
    int rc = source_process_pipe(&look->output.pipe, &program.stdio[STDOUT_FILENO], err);
    if (rc == 0)
        rc = source_process_pipe(&look->complaint.pipe, &program.stdio[STDERR_FILENO], err);
    if (rc == 0)
        rc = source_process_start(&look->process, &program, on_exit_of_look, err);
    vector_deinit(&environment);
    for (size_t i = 0; i < ARRAY_LEN(program.stdio); i++)
        if (program.stdio[i] >= 0)
            close(program.stdio[i]);
    return rc < 0 ? error_wrap(err, rc, "%s cannot be started", updates->options.executable) : 0;
}

static void start(struct image_updates *updates)
{
    struct look *look = NEW(struct look);
    *look = (struct look){.updates = updates, .status = -1, .open_handles = 3};
    look->output.text = BUFFER_INIT(OUTPUT_BYTES);
    look->complaint.text = BUFFER_INIT(COMPLAINT_BYTES);
    source_process_init(updates->options.loop, &look->process);
    uv_pipe_init(updates->options.loop, &look->output.pipe, 0);
    uv_pipe_init(updates->options.loop, &look->complaint.pipe, 0);
    look->process.handle.data = look->output.pipe.data = look->complaint.pipe.data = look;
    updates->look = look;
    struct error err = ERROR_INIT;
    if (spawn(updates, look, &err) < 0) {
        buffer_append_str(&look->complaint.text, error_text(&err));
        look->exited = look->output.ended = look->complaint.ended = true;
        close_when_over(look);
        return;
    }
    uv_read_start((uv_stream_t *)&look->output.pipe, on_alloc, on_read);
    uv_read_start((uv_stream_t *)&look->complaint.pipe, on_alloc, on_read);
    uv_timer_start(&updates->timer, on_time, LIMIT_IMAGE_UPDATES_RUN_MS, 0);
}

static void on_time(uv_timer_t *timer)
{
    struct image_updates *updates = timer->data;
    if (!updates->look) {
        start(updates);
        return;
    }
    updates->look->late = true;
    kill_look(updates->look);
}

/* --- life ----------------------------------------------------------------------------------------------- */

struct image_updates *image_updates_new(const struct image_updates_options *options)
{
    assert(options && options->config->sources.len == 1 && options->executable && options->committed);
    struct image_updates *updates = NEW(struct image_updates);
    int64_t first_ms = options->config->image_updates.interval_ms;
    updates->options = *options;
    updates->status = json_pack("{s:b,s:[],s:[]}", "ok", 1, "failures", "refusals");
    uv_timer_init(options->loop, &updates->timer);
    updates->timer.data = updates;
    uv_timer_start(&updates->timer, on_time, (uint64_t)(first_ms < FIRST_MS ? first_ms : FIRST_MS), 0);
    return updates;
}

json_t *image_updates_status_json(const struct image_updates *updates)
{
    assert(updates);
    return json_deep_copy(updates->status);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct image_updates *updates = handle->data;
    updates->timer_closed = true;
    free_when_done(updates);
}

void image_updates_close(struct image_updates *updates)
{
    if (!updates)
        return;
    updates->closing = true;
    uv_close((uv_handle_t *)&updates->timer, on_timer_closed);
    if (updates->look)
        kill_look(updates->look);
}
