#include "api/log_source.h"

#include "base/text.h"
#include "model/json.h"

#include <assert.h>

/* How far stdout and stderr of a container may be apart in what a reader has: of one that is silent for long
 * not all is read again that the other has said since. */
#define APART_MS 10000

static const char *const stream_names[] = {"stdout", "stderr"}; /* of log_source.lines */

struct log_source *log_source_new(struct log_stream *stream, const struct task *task,
                                  const struct container *container)
{
    struct log_source *source = NEW(struct log_source);
    source->stream = stream;
    source->instance = memory_strdup(container->instance);
    source->container = memory_strdup(container->labels.spec->name);
    source->container_id = memory_strdup(container->id);
    source->started_ms = container->started_ms;
    source->due = true;
    source->tail = -1;
    memcpy(source->task, task->id, sizeof source->task);
    for (size_t i = 0; i < ARRAY_LEN(source->lines); i++)
        source->lines[i].bytes = BUFFER_INIT(API_LOG_LINE_MAX);
    return source;
}

void log_source_free(struct log_source *source)
{
    struct api *api = source->stream->api;
    struct engine *engine = source->operation ? api->engine(api->data, source->instance) : NULL;
    if (engine)
        engine->ops->cancel(engine, source->operation);
    for (size_t i = 0; i < ARRAY_LEN(source->lines); i++)
        buffer_deinit(&source->lines[i].bytes);
    free(source->instance);
    free(source->container);
    free(source->container_id);
    free(source);
}

/* --- lines ---------------------------------------------------------------------------------------------- */

void log_stream_write(const struct log_stream *stream, json_t *json)
{
    char *text CLEANUP_FREE = json_dumps(json, JSON_COMPACT);
    char *line CLEANUP_FREE = memory_printf("%s\n", text ? text : "");
    /* a reader that is gone or too slow is told to us by on_close */
    http_stream_write(stream->server, stream->id, line, strlen(line));
    json_decref(json);
}

/* Bytes that are no UTF-8 become question marks: JSON has no place for them. */
static void make_text(char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!bytes[i] || ((unsigned char)bytes[i] & 0x80))
            bytes[i] = '?';
}

/* The time that the engine begins a line with; false without one. */
static bool time_of(const char *text, char ret_at[static LOG_TIME_SIZE])
{
    int64_t ms;
    size_t len = strcspn(text, " ");
    if (len >= LOG_TIME_SIZE)
        return false;
    memcpy(ret_at, text, len);
    ret_at[len] = '\0';
    return text_to_time_ms(ret_at, &ms) == 0;
}

/* Whether the reader has the line of that time; it is the newest that he has from now on. */
static bool is_told(struct log_lines *lines, const char *at)
{
    int order = strcmp(at, lines->told.at);
    if (lines->again && (order < 0 || (order == 0 && ++lines->seen <= lines->told.nth)))
        return true;
    lines->again = false;
    lines->told.nth = order == 0 ? lines->told.nth + 1 : 1;
    memcpy(lines->told.at, at, LOG_TIME_SIZE);
    return false;
}

/* Of a long line the engine sends pieces, each with the time of the first. */
static void drop_times(char *text, const char *at)
{
    char *prefix CLEANUP_FREE = memory_printf("%s ", at);
    size_t len = strlen(prefix);
    for (char *found = strstr(text, prefix); found && at[0]; found = strstr(found, prefix))
        memmove(found, found + len, strlen(found + len) + 1);
}

/* Takes the time out of a line or a part of it. Whether the reader has it. */
static bool look_at_time(struct log_lines *lines, char *text)
{
    char at[LOG_TIME_SIZE];
    if (!lines->middle)
        lines->skipped = time_of(text, at) && is_told(lines, at);
    drop_times(text, lines->told.at);
    return lines->skipped;
}

/* index: of log_source.lines */
static void write_line(struct log_source *source, size_t index, bool whole)
{
    struct log_lines *lines = &source->lines[index];
    struct buffer *bytes = &lines->bytes;
    const struct log_stream *to = source->stream;
    if (bytes->len && bytes->data[bytes->len - 1] == '\r')
        bytes->data[--bytes->len] = '\0';
    if (bytes->len && !text_is_utf8(bytes->data, bytes->len))
        make_text(bytes->data, bytes->len);
    bool skipped = to->follow && bytes->len && look_at_time(lines, bytes->data);
    const char *at = to->follow ? lines->told.at : "";
    bool with_time = at[0] && !lines->middle && api_parameter_is_on(to->input, "timestamps");
    char *text CLEANUP_FREE =
        memory_printf("%s%s%s", with_time ? at : "", with_time ? " " : "", buffer_str(bytes));
    if (!skipped) {
        json_t *json = json_pack("{s:s,s:s,s:s,s:s}", "task", source->task, "container", source->container,
                                 "stream", stream_names[index], "line", text);
        model_set_string(json, "at", at[0] ? at : NULL);
        if (at[0])
            model_set_int(json, "nth", lines->told.nth);
        log_stream_write(to, json);
    }
    lines->middle = !whole;
    buffer_clear(bytes);
}

static void on_chunk(void *data, enum engine_stream stream, const char *bytes, size_t len)
{
    struct log_source *source = data;
    source->has_output = true;
    source->complained = false;
    size_t index = stream == ENGINE_STDERR;
    struct buffer *line = &source->lines[index].bytes;
    while (len) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end ? (size_t)(end - bytes) : len;
        size_t room = API_LOG_LINE_MAX - line->len;
        size_t taken = part < room ? part : room;
        buffer_append(line, bytes, taken);
        bool whole = end && taken == part;
        if (whole || line->len == API_LOG_LINE_MAX)
            write_line(source, index, whole);
        bytes += taken + whole;
        len -= taken + whole;
    }
}

static void on_done(void *data, const struct engine_reply *reply)
{
    struct log_source *source = data;
    source->operation = 0;
    source->stream->reading--;
    for (size_t i = 0; i < ARRAY_LEN(source->lines); i++) {
        if (source->lines[i].bytes.len)
            write_line(source, i, true);
        source->lines[i].middle = false;
    }
    if (reply->error.code)
        log_source_complain(source, error_text(&reply->error));
    else
        source->complained = false;
    log_source_ended(source, reply->error.code);
}

/* --- reading -------------------------------------------------------------------------------------------- */

void log_source_resume(struct log_source *source, const json_t *told)
{
    for (size_t i = 0; i < ARRAY_LEN(source->lines); i++) {
        const json_t *position = json_object_get(told, stream_names[i]);
        const char *at = model_string(position, "at");
        struct log_position *to = &source->lines[i].told;
        if (!at || !time_of(at, to->at))
            to->at[0] = '\0';
        to->nth = to->at[0] ? model_int(position, "nth") : 0;
    }
}

/* Where to read on; -1: nothing has been read yet. */
static int64_t resume_ms(const struct log_source *source)
{
    int64_t oldest_ms = INT64_MAX;
    int64_t newest_ms = -1;
    for (size_t i = 0; i < ARRAY_LEN(source->lines); i++) {
        int64_t ms;
        const char *at = source->lines[i].told.at;
        if (!at[0] || text_to_time_ms(at, &ms) < 0)
            continue;
        oldest_ms = ms < oldest_ms ? ms : oldest_ms;
        newest_ms = ms > newest_ms ? ms : newest_ms;
    }
    if (newest_ms < 0)
        return -1;
    return oldest_ms > newest_ms - APART_MS ? oldest_ms : newest_ms - APART_MS;
}

void log_source_start(struct log_source *source)
{
    struct log_stream *stream = source->stream;
    struct api *api = stream->api;
    struct engine *engine = api->engine(api->data, source->instance);
    struct engine_call call = {.done = on_done, .chunk = on_chunk, .data = source};
    int64_t from_ms = resume_ms(source);
    struct engine_logs logs = {.container_id = source->container_id,
                               .follow = stream->follow,
                               .tail = from_ms < 0 ? source->tail : -1,
                               .since_ms = from_ms < 0 ? source->since_ms : from_ms,
                               .timestamps =
                                   stream->follow || api_parameter_is_on(stream->input, "timestamps")};
    source->due = false;
    if (!engine) {
        log_source_complain(source, "the container instance is not configured any more");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(source->lines); i++) {
        source->lines[i].again = source->lines[i].told.at[0];
        source->lines[i].seen = 0;
    }
    if (source->tail >= 0) { /* what is older than this is not meant the next time either */
        source->since_ms = api->now_ms(api->data);
        source->tail = -1;
    }
    stream->reading++;
    source->operation = engine->ops->logs(engine, &logs, &call);
}

void log_source_complain(struct log_source *source, const char *text)
{
    if (source->complained)
        return;
    source->complained = true;
    json_t *json = json_pack("{s:s,s:s}", "task", source->task, "container", source->container);
    model_set_string(json, "error", text_is_utf8(text, strlen(text)) ? text : "unreadable error");
    log_stream_write(source->stream, json);
}
