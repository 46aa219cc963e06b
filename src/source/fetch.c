#include "source/fetch.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "source/fetch_order.h"
#include "source/origin.h"
#include "source/process.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLY_BYTES 4096

struct source_fetch {
    struct source_process process;
    uv_pipe_t output;
    uv_timer_t timer;
    struct buffer reply;
    char *url;
    int64_t deadline_ms;
    int64_t stall_ms;
    enum source_errand errand;
    bool exited;
    bool ended; /* the output */
    bool late;
    bool spawned;
    int status;
    int signal;
    int open_handles;
    void (*done)(void *data, const struct source_fetch_result *result, const struct error *error);
    void *data;
};

static bool take_tip(const char *oid, struct source_fetch_result *result)
{
    if (strlen(oid) >= sizeof result->tip)
        return false;
    memcpy(result->tip, oid, strlen(oid) + 1);
    return true;
}

/* "ok", oid, ref or "error", code, text, and oid if it is known: one a line. */
static int parse_reply(char *reply, struct source_fetch_result *ret_result, struct error *err)
{
    char *rest = NULL;
    const char *kind = strtok_r(reply, "\n", &rest);
    const char *second = kind ? strtok_r(NULL, "\n", &rest) : NULL;
    const char *third = second ? strtok_r(NULL, "\n", &rest) : NULL;
    const char *fourth = third ? strtok_r(NULL, "\n", &rest) : NULL;
    int64_t code;
    if (third && text_equal(kind, "ok") && take_tip(second, ret_result)) {
        ret_result->ref = memory_strdup(third);
        return 0;
    }
    if (third && text_equal(kind, "error") && text_to_int64(second, ERROR_INTERNAL, -1, &code) == 0) {
        if (fourth)
            take_tip(fourth, ret_result);
        return error_set(err, (int)code, "%s", third);
    }
    return error_set(err, ERROR_UNAVAILABLE, "the fetch helper said nothing of use");
}

/* A bound that may be set is named. */
static void tell_timeout(const struct source_fetch *fetch, struct error *err)
{
    bool is_set = fetch->errand == SOURCE_FETCH_BRANCH;
    if (fetch->late)
        error_set(err, ERROR_TIMEOUT, "the %s took longer than %" PRId64 " ms%s",
                  fetch->errand == SOURCE_PUSH_REF ? "push" : "fetch", fetch->deadline_ms,
                  is_set ? " (fetchTimeout)" : "");
    else
        error_set(err, ERROR_TIMEOUT, "the remote does not get on: less than %d bytes in %" PRId64 " ms%s",
                  LIMIT_FETCH_STALL_BYTES, fetch->stall_ms, is_set ? " (fetchStallTimeout)" : "");
}

static void finish(struct source_fetch *fetch)
{
    struct source_fetch_result result = {0};
    struct error error = ERROR_INIT;
    if (fetch->late || fetch->signal == SIGALRM)
        tell_timeout(fetch, &error);
    else if (fetch->signal)
        error_set(&error, ERROR_UNAVAILABLE, "the fetch helper was ended by signal %d", fetch->signal);
    else if (fetch->status == SOURCE_PROCESS_NOT_STARTED)
        error_set(&error, ERROR_UNAVAILABLE, "cannot start the fetch helper: there is no such program");
    else
        parse_reply(fetch->reply.len ? fetch->reply.data : (char[]){""}, &result, &error);
    source_origin_redact_error(fetch->url, &error);
    if (fetch->spawned)
        fetch->done(fetch->data, &result, &error);
    free(result.ref);
    free(fetch->url);
    buffer_deinit(&fetch->reply);
    free(fetch);
}

static void on_closed(uv_handle_t *handle)
{
    struct source_fetch *fetch = handle->data;
    if (--fetch->open_handles == 0)
        finish(fetch);
}

static void close_all(struct source_fetch *fetch)
{
    uv_close((uv_handle_t *)&fetch->process.handle, on_closed);
    uv_close((uv_handle_t *)&fetch->output, on_closed);
    uv_close((uv_handle_t *)&fetch->timer, on_closed);
}

static void close_when_over(struct source_fetch *fetch)
{
    if (fetch->exited && fetch->ended)
        close_all(fetch);
}

static void on_exit_of_child(struct source_process *process, int status, int signal)
{
    struct source_fetch *fetch = process->handle.data;
    fetch->exited = true;
    fetch->status = status;
    fetch->signal = signal;
    close_when_over(fetch);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(memory_alloc(REPLY_BYTES), REPLY_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct source_fetch *fetch = stream->data;
    if (len > 0)
        buffer_append(&fetch->reply, buf->base, (size_t)len); /* too much of it makes no reply of use */
    free(buf->base);
    if (len >= 0)
        return;
    uv_read_stop(stream);
    fetch->ended = true;
    close_when_over(fetch);
}

static void on_deadline(uv_timer_t *timer)
{
    struct source_fetch *fetch = timer->data;
    fetch->late = true;
    source_fetch_kill(fetch);
}

void source_fetch_kill(struct source_fetch *fetch)
{
    if (fetch->process.pid)
        kill(fetch->process.pid, SIGKILL);
}

static int spawn(struct source_fetch *fetch, const char *executable, int order_fd, struct error *err)
{
    char command[] = "fetch-helper";
    char deadline[32];
    snprintf(deadline, sizeof deadline, "%" PRId64, fetch->deadline_ms);
    char *args[] = {(char *)executable, command, deadline, NULL};
    int output;
    int rc = source_process_pipe(&fetch->output, &output, err);
    if (rc < 0)
        return rc;
    const struct source_process_program program = {
        .path = executable, .argv = args, .environment = environ, .stdio = {order_fd, output, STDERR_FILENO}};
    rc = source_process_start(&fetch->process, &program, on_exit_of_child, err);
    close(output);
    return rc;
}

static struct source_fetch *fetch_new(uv_loop_t *loop, const struct source_fetch_request *request)
{
    struct source_fetch *fetch = NEW(struct source_fetch);
    fetch->reply = BUFFER_INIT(REPLY_BYTES);
    fetch->url = memory_strdup(request->order.url);
    fetch->deadline_ms = request->deadline_ms;
    fetch->stall_ms = request->order.stall_ms;
    fetch->errand = request->order.errand;
    fetch->done = request->done;
    fetch->data = request->data;
    fetch->process.handle.data = fetch->output.data = fetch->timer.data = fetch;
    source_process_init(loop, &fetch->process);
    uv_pipe_init(loop, &fetch->output, 0);
    uv_timer_init(loop, &fetch->timer);
    fetch->open_handles = 3;
    return fetch;
}

int source_fetch_start(uv_loop_t *loop, const struct source_fetch_request *request,
                       struct source_fetch **ret_fetch, struct error *err)
{
    if (!request->executable)
        return error_set(err, ERROR_UNSUPPORTED, "no program is given that fetches from remotes");
    int order_fd = source_order_open(&request->order, err);
    if (order_fd < 0)
        return order_fd;
    struct source_fetch *fetch = fetch_new(loop, request);
    int rc = spawn(fetch, request->executable, order_fd, err);
    close(order_fd);
    if (rc < 0) {
        close_all(fetch);
        return error_wrap(err, rc, "cannot start the fetch helper");
    }
    fetch->spawned = true;
    uv_read_start((uv_stream_t *)&fetch->output, on_alloc, on_read);
    uv_timer_start(&fetch->timer, on_deadline, (uint64_t)fetch->deadline_ms, 0);
    *ret_fetch = fetch;
    return 0;
}
