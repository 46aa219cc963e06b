/* Logs of a service's containers as JSON lines: {"task", "container", "stream", "line"}, or {"task",
 * "container", "error"} of one that cannot be read; a last {"error"} when that is so of all. */
#include "api/operation.h"
#include "base/buffer.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>

struct log_stream;

/* One container that is read. */
struct log_source {
    struct log_stream *stream; /* borrowed */
    char *instance;
    uint64_t operation; /* the engine's; 0 when it has ended */
    bool has_output;
    char task[ID_HEX_SIZE];
    char *container;
    char *container_id;
    struct buffer lines[2]; /* of stdout and stderr: the beginning of a line that is not in yet */
};
struct log_source_vec VECTOR_OF(struct log_source *);

/* One reader. */
struct log_stream {
    struct api *api;
    struct http_server *server;
    uint64_t id;
    struct log_source_vec sources;
    size_t reading; /* sources that have not ended */
    size_t unread;  /* sources that nothing could be read of */
};

static void source_free(struct log_source *source)
{
    struct api *api = source->stream->api;
    struct engine *engine = source->operation ? api->engine(api->data, source->instance) : NULL;
    if (engine)
        engine->ops->cancel(engine, source->operation);
    for (size_t i = 0; i < ARRAY_LEN(source->lines); i++)
        buffer_deinit(&source->lines[i]);
    free(source->instance);
    free(source->container);
    free(source->container_id);
    free(source);
}

static void stream_free(struct log_stream *stream)
{
    for (size_t i = 0; i < stream->sources.len; i++)
        source_free(stream->sources.items[i]);
    vector_deinit(&stream->sources);
    free(stream);
}

static void on_close(void *data, uint64_t id)
{
    struct log_stream *stream = data;
    char *key CLEANUP_FREE = api_stream_key(stream->server, id);
    map_remove(&stream->api->logs, key);
}

/* --- lines ---------------------------------------------------------------------------------------------- */

/* Bytes that are no UTF-8 become question marks: JSON has no place for them. */
static void make_text(char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!bytes[i] || ((unsigned char)bytes[i] & 0x80))
            bytes[i] = '?';
}

/* Takes json. */
static void write_json(const struct log_stream *stream, json_t *json)
{
    char *text CLEANUP_FREE = json_dumps(json, JSON_COMPACT);
    char *line CLEANUP_FREE = memory_printf("%s\n", text ? text : "");
    /* a reader that is gone or too slow is told to us by on_close */
    http_stream_write(stream->server, stream->id, line, strlen(line));
    json_decref(json);
}

static void write_line(struct log_source *source, enum engine_stream stream)
{
    struct buffer *line = &source->lines[stream == ENGINE_STDERR];
    if (line->len && line->data[line->len - 1] == '\r')
        line->data[--line->len] = '\0';
    if (line->len && !text_is_utf8(line->data, line->len))
        make_text(line->data, line->len);
    write_json(source->stream,
               json_pack("{s:s,s:s,s:s,s:s}", "task", source->task, "container", source->container, "stream",
                         stream == ENGINE_STDERR ? "stderr" : "stdout", "line", buffer_str(line)));
    buffer_clear(line);
}

static void write_error(const struct log_source *source, const char *text)
{
    json_t *json = json_pack("{s:s,s:s}", "task", source->task, "container", source->container);
    model_set_string(json, "error", text_is_utf8(text, strlen(text)) ? text : "unreadable error");
    write_json(source->stream, json);
}

static void give_up(const struct log_source *source, const char *text)
{
    source->stream->unread += !source->has_output;
    write_error(source, text);
}

static void finish(struct log_stream *stream)
{
    char *key CLEANUP_FREE = api_stream_key(stream->server, stream->id);
    if (stream->unread == stream->sources.len)
        write_json(stream, json_pack("{s:s}", "error", "no container could be read"));
    http_stream_end(stream->server, stream->id);
    map_remove(&stream->api->logs, key);
}

static void on_chunk(void *data, enum engine_stream stream, const char *bytes, size_t len)
{
    struct log_source *source = data;
    source->has_output = true;
    struct buffer *line = &source->lines[stream == ENGINE_STDERR];
    while (len) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end ? (size_t)(end - bytes) : len;
        size_t room = API_LOG_LINE_MAX - line->len;
        size_t taken = part < room ? part : room;
        buffer_append(line, bytes, taken);
        bool whole = end && taken == part;
        if (whole || line->len == API_LOG_LINE_MAX)
            write_line(source, stream);
        bytes += taken + whole;
        len -= taken + whole;
    }
}

static void on_done(void *data, const struct engine_reply *reply)
{
    struct log_source *source = data;
    struct log_stream *stream = source->stream;
    source->operation = 0;
    for (size_t i = 0; i < ARRAY_LEN(source->lines); i++)
        if (source->lines[i].len)
            write_line(source, i ? ENGINE_STDERR : ENGINE_STDOUT);
    if (reply->error.code)
        give_up(source, error_text(&reply->error));
    if (--stream->reading == 0)
        finish(stream);
}

/* --- which containers ----------------------------------------------------------------------------------- */

static struct log_source *source_new(struct log_stream *stream, const struct task *task,
                                     const struct container *container)
{
    struct log_source *source = NEW(struct log_source);
    source->stream = stream;
    source->instance = memory_strdup(container->instance);
    source->container = memory_strdup(container->labels.spec.name);
    source->container_id = memory_strdup(container->id);
    memcpy(source->task, task->id, sizeof source->task);
    for (size_t i = 0; i < ARRAY_LEN(source->lines); i++)
        source->lines[i] = BUFFER_INIT(API_LOG_LINE_MAX);
    return source;
}

/* Stopped tasks are read only when they are named: their logs are history. */
static bool is_meant(const json_t *input, const struct task *task)
{
    const char *wanted = api_parameter(input, "task");
    if (!task->deployment) /* a standalone task: it has been named */
        return true;
    return wanted ? text_starts_with(task->id, wanted) : task->status != TASK_STOPPED;
}

/* In place of a service a standalone task may be named. */
static bool is_run(const struct api *api, const json_t *input, struct view_run *ret_view)
{
    struct view_service view;
    const char *cluster = api_parameter(input, "cluster");
    const char *name = api_parameter(input, "service");
    return !core_view_service(api->core, cluster, name, &view) && api_find_run(api, cluster, name, ret_view);
}

static void view_tasks(const struct api *api, const json_t *input, struct task_vec *ret_tasks)
{
    struct view_run run;
    const char *cluster = api_parameter(input, "cluster");
    if (is_run(api, input, &run))
        core_view_run_tasks(api->core, cluster, run.run->id, api->now_ms(api->data), ret_tasks);
    else
        core_view_tasks(api->core, cluster, api_parameter(input, "service"), api->now_ms(api->data),
                        ret_tasks);
}

static void add_sources(struct log_stream *stream, const json_t *input)
{
    const char *container = api_parameter(input, "container");
    struct task_vec tasks CLEANUP(task_vec_deinit);
    view_tasks(stream->api, input, &tasks);
    for (size_t t = 0; t < tasks.len; t++) {
        const struct task *task = &tasks.items[t];
        for (size_t c = 0; is_meant(input, task) && c < task->containers_len; c++) {
            const struct container *found = task->containers[c];
            const char *name = found->labels.spec.name;
            if (container ? text_equal(container, name) : !container_is_internal(name))
                vector_push(&stream->sources, source_new(stream, task, found));
        }
    }
}

static int check_request(const struct api_stream_call *call, int64_t *ret_tail, struct api_fault *fault)
{
    const char *tail = api_parameter(call->input, "tail");
    *ret_tail = API_LOG_TAIL;
    if (!api_parameter(call->input, "cluster") || !api_parameter(call->input, "service"))
        return api_fault_invalid(fault, "logs need the parameters cluster and service");
    if (text_equal(tail, "all"))
        *ret_tail = -1;
    else if (tail && text_to_int64(tail, 0, INT32_MAX, ret_tail) < 0)
        return api_fault_invalid(fault, "tail is a number of lines or \"all\"");
    struct view_run run;
    return is_run(call->api, call->input, &run) ? 0 : api_check_target(call->api, call->input, fault);
}

/* NULL when one is alive, or when there are none. */
static const struct task *newest_stopped(const struct task_vec *tasks)
{
    const struct task *newest = NULL;
    for (size_t i = 0; i < tasks->len; i++) {
        if (tasks->items[i].status != TASK_STOPPED)
            return NULL;
        if (!newest || tasks->items[i].created_ms > newest->created_ms)
            newest = &tasks->items[i];
    }
    return newest;
}

/* The names of the containers of the tasks that are meant: "init, web". Caller frees. */
static char *names_of_containers(const json_t *input, const struct task_vec *tasks)
{
    struct map names CLEANUP(map_deinit) = {0};
    struct buffer text = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (size_t t = 0; t < tasks->len; t++) {
        const struct task *task = &tasks->items[t];
        for (size_t c = 0; is_meant(input, task) && c < task->containers_len; c++) {
            const char *name = task->containers[c]->labels.spec.name;
            if (container_is_internal(name) || map_get(&names, name))
                continue;
            map_put(&names, name, (void *)1);
            buffer_printf(&text, "%s%s", text.len ? ", " : "", name);
        }
    }
    return buffer_steal(&text);
}

/* Why nothing is to be read. */
static int refuse(const struct api *api, const json_t *input, struct api_fault *fault)
{
    static const char type[] = "TaskNotFoundException";
    const char *cluster = api_parameter(input, "cluster");
    const char *service = api_parameter(input, "service");
    const char *wanted = api_parameter(input, "task");
    struct task_vec tasks CLEANUP(task_vec_deinit);
    view_tasks(api, input, &tasks);
    char *names CLEANUP_FREE = names_of_containers(input, &tasks);
    const struct task *stopped = newest_stopped(&tasks);
    if (names && names[0] && api_parameter(input, "container"))
        return api_fault_not_found(fault, type, "no container \"%s\" (there are: %s)",
                                   api_parameter(input, "container"), names);
    if (wanted)
        return api_fault_not_found(fault, type, "no task \"%s\" of %s/%s", wanted, cluster, service);
    if (stopped)
        return api_fault_not_found(fault, type,
                                   "no task of %s/%s is alive; to read one that has stopped, name it: the "
                                   "newest is %.12s",
                                   cluster, service, stopped->id);
    return api_fault_not_found(fault, type, "%s/%s has no containers yet", cluster, service);
}

static int check_sources(const struct log_stream *stream, const json_t *input, struct api_fault *fault)
{
    if (!stream->sources.len)
        return refuse(stream->api, input, fault);
    if (stream->sources.len > API_LOG_SOURCES)
        return api_fault_invalid(fault, "%zu containers are more than one request may read (%d); name a task",
                                 stream->sources.len, API_LOG_SOURCES);
    return 0;
}

static void start(struct log_source *source, const json_t *input, int64_t tail)
{
    struct api *api = source->stream->api;
    struct engine *engine = api->engine(api->data, source->instance);
    struct engine_call call = {.done = on_done, .chunk = on_chunk, .data = source};
    struct engine_logs logs = {.container_id = source->container_id,
                               .follow = api_parameter_is_on(input, "follow"),
                               .tail = (int)tail,
                               .timestamps = api_parameter_is_on(input, "timestamps")};
    if (!engine) {
        give_up(source, "the container instance is not configured any more");
        return;
    }
    source->stream->reading++;
    source->operation = engine->ops->logs(engine, &logs, &call);
}

int api_stream_logs(const struct api_stream_call *call, struct api_fault *fault)
{
    struct api *api = call->api;
    int64_t tail;
    int r = check_request(call, &tail, fault);
    if (r < 0)
        return r;
    struct log_stream *stream = NEW(struct log_stream);
    *stream = (struct log_stream){.api = api, .server = call->server, .id = http_exchange_id(call->exchange)};
    add_sources(stream, call->input);
    r = check_sources(stream, call->input, fault);
    if (r == 0 && http_stream_start(call->exchange, 200, "application/x-ndjson", on_close, stream) < 0)
        r = api_fault_unavailable(fault, "too many streams are open (LIMIT_API_STREAMS)");
    if (r < 0) {
        stream_free(stream);
        return r;
    }
    char *key CLEANUP_FREE = api_stream_key(stream->server, stream->id);
    map_put(&api->logs, key, stream);
    for (size_t i = 0; i < stream->sources.len; i++)
        start(stream->sources.items[i], call->input, tail);
    if (!stream->reading)
        finish(stream);
    return 0;
}

void api_logs_init(struct api *api)
{
    api->logs = MAP_INIT(stream_free);
}

void api_logs_deinit(struct api *api)
{
    map_for_each (&api->logs, entry) {
        const struct log_stream *stream = entry->value;
        http_stream_end(stream->server, stream->id);
    }
    map_deinit(&api->logs);
}
