/* Logs of a service's containers as JSON lines: {"task", "container", "stream", "line"}, or {"task",
 * "container", "error"} of one that cannot be read; a last {"error"} when that is so of all.
 *
 * Whoever follows a service gets its new tasks as they start, and waits for the first:
 *
 *  container                                  | then
 *  -------------------------------------------|----------------------------------------------
 *  was there at the start, of a stopped task  | passed over, unless the task is named or the
 *                                             |  reader had begun to read it
 *  was there at the start                     | read, "tail" lines of it first
 *  has started since                          | read from its first line, also when it has
 *                                             |  stopped meanwhile
 *  starts again                               | read on
 *  its engine failed                          | read on from where it was, RETRY_MS later, when
 *                                             |  the instance is connected
 *  there are API_LOG_SOURCES already          | waits for one that ends, and says so
 *
 * It ends with the service, or when all of a task that is named has stopped and was read.
 */
#include "api/log_source.h"
#include "api/operation.h"
#include "base/buffer.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>

#define RETRY_MS 2000
/* What started so long before the reader began was there already, though its engine was not heard yet; less
 * may be a difference of clocks. */
#define OLD_MS 60000

static void stream_free(struct log_stream *stream)
{
    map_deinit(&stream->sources);
    map_deinit(&stream->passed);
    json_decref(stream->input);
    free(stream);
}

static void on_close(void *data, uint64_t id)
{
    struct log_stream *stream = data;
    char *key CLEANUP_FREE = api_stream_key(stream->server, id);
    map_remove(&stream->api->logs, key);
}

/* --- which containers ----------------------------------------------------------------------------------- */

/* Stopped tasks are read only when they are named: their logs are history. */
static bool is_meant(const json_t *input, const struct task *task)
{
    const char *wanted = api_parameter(input, "task");
    if (!task->deployment) /* a standalone task: it has been named */
        return true;
    return wanted ? text_starts_with(task->id, wanted) : task->status != TASK_STOPPED;
}

/* Whether a task's containers that start now are to be read. */
static bool is_followed(const struct log_stream *stream, const struct task *task)
{
    const char *wanted = api_parameter(stream->input, "task");
    return !wanted || !task->deployment || text_starts_with(task->id, wanted);
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

static char *source_key(const struct container *container)
{
    return memory_printf("%s/%s", container->instance, container->id);
}

static bool is_wanted(const struct log_stream *stream, const struct container *container)
{
    const char *wanted = api_parameter(stream->input, "container");
    const char *name = container->labels.spec->name;
    return (wanted ? text_equal(wanted, name) : !container_is_internal(name)) &&
           (container->started_ms || !stream->follow);
}

/* What the reader has of it already; NULL: nothing. */
static const json_t *told_of(const struct log_stream *stream, const struct task *task,
                             const struct container *container)
{
    char *key CLEANUP_FREE = memory_printf("%s/%s", task->id, container->labels.spec->name);
    return json_object_get(json_object_get(stream->input, "told"), key);
}

static void add_source(struct log_stream *stream, const struct task *task, const struct container *container,
                       int tail)
{
    struct log_source *source = log_source_new(stream, task, container);
    char *key CLEANUP_FREE = source_key(container);
    source->tail = tail;
    source->since_ms = stream->since_ms;
    log_source_resume(source, told_of(stream, task, container));
    map_put(&stream->sources, key, source);
}

/* A container that is not known yet. old: it was there when the reader began. */
static void consider(struct log_stream *stream, const struct task *task, const struct container *container,
                     bool old)
{
    bool begun =
        told_of(stream, task, container) || (stream->since_ms && container->started_ms >= stream->since_ms);
    char *key CLEANUP_FREE = source_key(container);
    if (old && !begun && !is_meant(stream->input, task))
        map_put(&stream->passed, key, stream);
    else if (is_wanted(stream, container) && is_followed(stream, task))
        add_source(stream, task, container, old ? stream->tail : -1);
}

/* Those that are there when the reader begins. */
static void add_sources(struct log_stream *stream)
{
    struct task_vec tasks CLEANUP(task_vec_deinit);
    view_tasks(stream->api, stream->input, &tasks);
    for (size_t t = 0; t < tasks.len; t++)
        for (size_t c = 0; c < tasks.items[t].containers_len; c++)
            consider(stream, &tasks.items[t], tasks.items[t].containers[c], true);
}

static int check_request(const struct api_stream_call *call, int64_t *ret_tail, struct api_fault *fault)
{
    const char *tail = api_parameter(call->input, "tail");
    const char *since = api_parameter(call->input, "since");
    int64_t since_ms;
    *ret_tail = API_LOG_TAIL;
    if (since && text_to_time_ms(since, &since_ms) < 0)
        return api_fault_invalid(fault, "since is a time of RFC 3339");
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
            const char *name = task->containers[c]->labels.spec->name;
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

/* Whether it is about one task, and so has an end. */
static bool is_of_one_task(const struct api *api, const json_t *input)
{
    struct view_run run;
    return api_parameter(input, "task") || is_run(api, input, &run);
}

/* Or may know it, while not all of its containers are there. */
static bool knows_container(const struct task *task, const char *name)
{
    for (size_t c = 0; c < task->containers_len; c++)
        if (text_equal(task->containers[c]->labels.spec->name, name))
            return true;
    return task->status != TASK_RUNNING;
}

/* Whether there is something to wait for. */
static bool may_come(const struct log_stream *stream)
{
    struct task_vec tasks CLEANUP(task_vec_deinit) = {0};
    const char *container = api_parameter(stream->input, "container");
    if (!stream->follow)
        return false;
    view_tasks(stream->api, stream->input, &tasks);
    bool alive = false;
    bool known = false;
    for (size_t t = 0; t < tasks.len; t++) {
        if (!is_meant(stream->input, &tasks.items[t]))
            continue;
        alive |= tasks.items[t].status != TASK_STOPPED;
        known |= !container || knows_container(&tasks.items[t], container);
    }
    return alive ? known : !is_of_one_task(stream->api, stream->input);
}

static int check_sources(const struct log_stream *stream, const json_t *input, struct api_fault *fault)
{
    if (!stream->sources.len && !may_come(stream))
        return refuse(stream->api, input, fault);
    if (stream->sources.len > API_LOG_SOURCES)
        return api_fault_invalid(fault, "%u containers are more than one request may read (%d); name a task",
                                 stream->sources.len, API_LOG_SOURCES);
    return 0;
}

/* --- the stream ----------------------------------------------------------------------------------------- */

/* Whether there was something to read, and nothing of it could be. */
static bool is_unread(const struct log_stream *stream)
{
    map_for_each (&stream->sources, entry) {
        const struct log_source *source = entry->value;
        if (source->has_output || !source->complained)
            return false;
    }
    return stream->sources.len > 0;
}

static void finish(struct log_stream *stream)
{
    char *key CLEANUP_FREE = api_stream_key(stream->server, stream->id);
    if (is_unread(stream))
        log_stream_write(stream, json_pack("{s:s}", "error", "no container could be read"));
    http_stream_end(stream->server, stream->id);
    map_remove(&stream->api->logs, key);
}

/* Whether nothing can come any more of what is followed. */
static bool is_over(const struct log_stream *stream)
{
    struct view_service view;
    struct view_run run;
    struct task_vec tasks CLEANUP(task_vec_deinit) = {0};
    const struct api *api = stream->api;
    if (!stream->follow)
        return true;
    if (!is_run(api, stream->input, &run) &&
        !core_view_service(api->core, api_parameter(stream->input, "cluster"),
                           api_parameter(stream->input, "service"), &view))
        return true;
    if (!is_of_one_task(api, stream->input))
        return false;
    view_tasks(api, stream->input, &tasks);
    for (size_t t = 0; t < tasks.len; t++)
        if (is_meant(stream->input, &tasks.items[t]) && tasks.items[t].status != TASK_STOPPED)
            return false;
    return true;
}

static bool is_connected(const struct api *api, const char *instance)
{
    for (size_t i = 0; i < core_instances_len(api->core); i++) {
        struct view_instance view;
        core_view_instance_at(api->core, i, &view);
        if (text_equal(view.name, instance))
            return view.connected;
    }
    return false;
}

static void start_due(struct log_stream *stream)
{
    const struct api *api = stream->api;
    map_for_each (&stream->sources, entry) {
        struct log_source *source = entry->value;
        if (!source->due || source->operation)
            continue;
        if (source->not_before_ms &&
            (source->not_before_ms > api->now_ms(api->data) || !is_connected(api, source->instance)))
            continue;
        if (stream->reading < API_LOG_SOURCES)
            log_source_start(source);
        else
            log_source_complain(source, "waits for another one to end: so many are read already");
    }
}

/* New containers, and those that were started again. */
static void look(struct log_stream *stream, const struct task_vec *tasks, struct map *seen)
{
    for (size_t t = 0; t < tasks->len; t++) {
        const struct task *task = &tasks->items[t];
        for (size_t c = 0; c < task->containers_len; c++) {
            const struct container *found = task->containers[c];
            char *key CLEANUP_FREE = source_key(found);
            struct log_source *source = map_get(&stream->sources, key);
            map_put(seen, key, stream);
            if (source) {
                source->due |= found->started_ms > source->started_ms;
                source->started_ms = found->started_ms;
            } else if (!map_get(&stream->passed, key)) {
                consider(stream, task, found,
                         found->started_ms && found->started_ms < stream->began_ms - OLD_MS);
            }
        }
    }
}

/* What is no more there, and was read, is forgotten. */
static void forget(struct log_stream *stream, const struct map *seen)
{
    map_for_each (&stream->sources, entry) {
        const struct log_source *source = entry->value;
        if (!source->operation && !map_get(seen, entry->key))
            map_remove(&stream->sources, entry->key);
    }
    map_for_each (&stream->passed, entry)
        if (!map_get(seen, entry->key))
            map_remove(&stream->passed, entry->key);
}

static void follow(struct log_stream *stream)
{
    struct map seen CLEANUP(map_deinit) = {0};
    struct task_vec tasks CLEANUP(task_vec_deinit);
    view_tasks(stream->api, stream->input, &tasks);
    look(stream, &tasks, &seen);
    forget(stream, &seen);
    start_due(stream);
    if (!stream->reading && is_over(stream))
        finish(stream);
}

void api_logs_publish(struct api *api)
{
    assert(api);
    map_for_each (&api->logs, entry) {
        struct log_stream *stream = entry->value;
        if (stream->follow)
            follow(stream);
    }
}

void log_source_ended(struct log_source *source, int code)
{
    struct log_stream *stream = source->stream;
    const struct api *api = stream->api;
    if (stream->follow &&
        (code == ERROR_UNAVAILABLE || code == ERROR_IO || code == ERROR_TIMEOUT || code == ERROR_PROTOCOL)) {
        source->due = true;
        source->not_before_ms = api->now_ms(api->data) + RETRY_MS;
    }
    if (!stream->reading && is_over(stream))
        finish(stream);
}

static struct log_stream *stream_new(const struct api_stream_call *call, int tail)
{
    struct log_stream *stream = NEW(struct log_stream);
    const char *since = api_parameter(call->input, "since");
    *stream = (struct log_stream){.api = call->api,
                                  .server = call->server,
                                  .id = http_exchange_id(call->exchange),
                                  .input = json_deep_copy(call->input),
                                  .follow = api_parameter_is_on(call->input, "follow"),
                                  .tail = tail,
                                  .began_ms = call->api->now_ms(call->api->data),
                                  .sources = MAP_INIT(log_source_free)};
    if (since && text_to_time_ms(since, &stream->since_ms) == 0)
        stream->began_ms = stream->since_ms;
    return stream;
}

int api_stream_logs(const struct api_stream_call *call, struct api_fault *fault)
{
    struct api *api = call->api;
    int64_t tail;
    int r = check_request(call, &tail, fault);
    if (r < 0)
        return r;
    struct log_stream *stream = stream_new(call, (int)tail);
    add_sources(stream);
    r = check_sources(stream, call->input, fault);
    if (r == 0 && http_stream_start(call->exchange, 200, "application/x-ndjson", on_close, stream) < 0)
        r = api_fault_unavailable(fault, "too many streams are open (LIMIT_API_STREAMS)");
    if (r < 0) {
        stream_free(stream);
        return r;
    }
    char *key CLEANUP_FREE = api_stream_key(stream->server, stream->id);
    map_put(&api->logs, key, stream);
    start_due(stream);
    if (!stream->reading && is_over(stream))
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
