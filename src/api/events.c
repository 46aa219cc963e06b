/* Events of services, scheduled tasks and sources: as a list, and as a stream of JSON lines. */
#include "api/operation.h"
#include "api/source_log.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>

struct follower {
    struct api *api;
    struct http_server *server;
    uint64_t stream;
    json_t *filter; /* the request's parameters */
};

static void follower_free(struct follower *follower)
{
    json_decref(follower->filter);
    free(follower);
}

/* Whose events they are: a service, a scheduled task or a source. */
struct teller {
    const char *kind;    /* member of an event that has the name */
    const char *cluster; /* NULL: of a source */
    const char *name;
    struct view_service service;
    struct view_schedule schedule;
    const struct view_event *(*event_at)(const struct teller *teller, size_t index);
    const struct source_log *log;
    size_t events_len;
};

static const struct view_event *service_event(const struct teller *teller, size_t index)
{
    return view_service_event(&teller->service, index);
}

static const struct view_event *schedule_event(const struct teller *teller, size_t index)
{
    return view_schedule_event(&teller->schedule, index);
}

static const struct view_event *source_event(const struct teller *teller, size_t index)
{
    return &teller->log->events[index];
}

static size_t schedules_len(const struct core *core)
{
    size_t len = 0;
    struct view_schedule schedule;
    while (core_view_schedule_at(core, len, &schedule))
        len++;
    return len;
}

static bool source_at(const struct api *api, size_t index, struct teller *ret_teller)
{
    struct view_source source;
    if (index >= core_sources_len(api->core))
        return false;
    core_view_source_at(api->core, index, &source);
    ret_teller->kind = "source";
    ret_teller->name = source.name;
    ret_teller->event_at = source_event;
    ret_teller->log = map_get(&api->source_logs, source.name);
    ret_teller->events_len = ret_teller->log ? ret_teller->log->events_len : 0;
    return true;
}

/* Services first, then scheduled tasks, which are of the cluster of their first target, then sources. */
static bool teller_at(const struct api *api, size_t index, struct teller *ret_teller)
{
    const struct core *core = api->core;
    size_t services = core_services_len(core);
    *ret_teller = (struct teller){.kind = index < services ? "service" : "scheduledTask",
                                  .event_at = index < services ? service_event : schedule_event};
    if (index < services) {
        core_view_service_at(core, index, &ret_teller->service);
        ret_teller->cluster = ret_teller->service.cluster;
        ret_teller->name = ret_teller->service.name;
        ret_teller->events_len = ret_teller->service.events_len;
        return true;
    }
    if (!core_view_schedule_at(core, index - services, &ret_teller->schedule))
        return source_at(api, index - services - schedules_len(core), ret_teller);
    ret_teller->cluster = ret_teller->schedule.task->runs.items[0].cluster;
    ret_teller->name = ret_teller->schedule.task->name;
    ret_teller->events_len = ret_teller->schedule.events_len;
    return true;
}

static const struct view_event *told_at(const struct teller *teller, size_t index)
{
    return teller->event_at(teller, index);
}

static bool is_meant(const json_t *input, const struct teller *teller)
{
    if (!teller->cluster)
        return !api_parameter(input, "cluster") && !api_parameter(input, "service");
    return api_matches(input, teller->cluster, teller->name);
}

/* `service` may name a scheduled task as well. */
static int check_target(const struct api *api, const json_t *input, struct api_fault *fault)
{
    struct teller teller;
    for (size_t i = core_services_len(api->core); teller_at(api, i, &teller) && teller.cluster; i++)
        if (is_meant(input, &teller))
            return 0;
    return api_check_target(api, input, fault);
}

static json_t *event_json(const struct teller *teller, const struct view_event *event)
{
    json_t *json = json_pack("{s:s*,s:s,s:s,s:s}", "cluster", teller->cluster, teller->kind, teller->name,
                             "id", event->id, "message", event->message);
    api_set_time_text(json, "at", event->at_ms);
    return json;
}

struct dated {
    int64_t at_ms;
    size_t order; /* of events of one moment */
    json_t *json;
};
struct dated_vec VECTOR_OF(struct dated);

static int by_time(const void *left, const void *right)
{
    const struct dated *a = left;
    const struct dated *b = right;
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Oldest first, over all that are meant. */
static json_t *events_json(const struct api *api, const json_t *input)
{
    struct dated_vec events = {0};
    struct teller teller;
    for (size_t i = 0; teller_at(api, i, &teller); i++) {
        for (size_t k = 0; is_meant(input, &teller) && k < teller.events_len; k++)
            vector_push(&events, (struct dated){told_at(&teller, k)->at_ms, events.len,
                                                event_json(&teller, told_at(&teller, k))});
    }
    vector_sort(&events, by_time);
    json_t *list = json_array();
    for (size_t i = 0; i < events.len; i++)
        json_array_append_new(list, events.items[i].json);
    vector_deinit(&events);
    return list;
}

int api_get_events(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    int r = check_target(api, input, fault);
    if (r < 0)
        return r;
    source_log_note(api);
    *ret_output = api_list("events", events_json(api, input));
    return 0;
}

/* --- followers ------------------------------------------------------------------------------------------ */

static void write_line(const struct follower *follower, const json_t *event)
{
    char *text CLEANUP_FREE = json_dumps(event, JSON_COMPACT);
    char *line CLEANUP_FREE = memory_printf("%s\n", text ? text : "");
    /* a reader that is gone or too slow is told to us by on_close */
    http_stream_write(follower->server, follower->stream, line, strlen(line));
}

static const char *newest(const struct teller *teller)
{
    return told_at(teller, teller->events_len - 1)->id;
}

static char *key_of(const struct teller *teller)
{
    return memory_printf("%s %s/%s", teller->kind, teller->cluster ? teller->cluster : "", teller->name);
}

/* The newest events of all count as told from now on. */
static void mark_published(struct api *api)
{
    struct teller teller;
    map_clear(&api->published);
    for (size_t i = 0; teller_at(api, i, &teller); i++) {
        char *key CLEANUP_FREE = key_of(&teller);
        if (teller.events_len)
            map_put(&api->published, key, memory_strdup(newest(&teller)));
    }
}

static void on_close(void *data, uint64_t id)
{
    struct follower *follower = data;
    char *key CLEANUP_FREE = api_stream_key(follower->server, id);
    map_remove(&follower->api->followers, key);
}

int api_stream_events(const struct api_stream_call *call, struct api_fault *fault)
{
    struct api *api = call->api;
    int r = check_target(api, call->input, fault);
    if (r < 0)
        return r;
    struct follower *follower = NEW(struct follower);
    *follower =
        (struct follower){api, call->server, http_exchange_id(call->exchange), json_deep_copy(call->input)};
    if (http_stream_start(call->exchange, 200, "application/x-ndjson", on_close, follower) < 0) {
        follower_free(follower);
        return api_fault_unavailable(fault, "too many streams are open (LIMIT_API_STREAMS)");
    }
    api_publish(api); /* what older followers have not been told yet is not lost by marking */
    mark_published(api);
    char *key CLEANUP_FREE = api_stream_key(follower->server, follower->stream);
    map_put(&api->followers, key, follower);
    json_t *events CLEANUP(json_decrefp) = events_json(api, call->input);
    size_t i;
    json_t *event;
    json_array_foreach (events, i, event) {
        write_line(follower, event);
    }
    return 0;
}

static void publish(struct api *api, const struct teller *teller, const struct view_event *event)
{
    json_t *json CLEANUP(json_decrefp) = event_json(teller, event);
    map_for_each (&api->followers, entry) {
        const struct follower *follower = entry->value;
        if (is_meant(follower->filter, teller))
            write_line(follower, json);
    }
}

/* Index of the first event that has not been told. */
static size_t first_new(const struct teller *teller, const char *told)
{
    for (size_t i = teller->events_len; told && i > 0; i--)
        if (text_equal(told_at(teller, i - 1)->id, told))
            return i;
    return 0;
}

void api_publish(struct api *api)
{
    assert(api);
    source_log_note(api);
    api_logs_publish(api);
    if (!api->followers.len)
        return;
    struct teller teller;
    for (size_t i = 0; teller_at(api, i, &teller); i++) {
        if (!teller.events_len)
            continue;
        char *key CLEANUP_FREE = key_of(&teller);
        size_t from = first_new(&teller, map_get(&api->published, key));
        for (size_t k = from; k < teller.events_len; k++)
            publish(api, &teller, told_at(&teller, k));
        if (from < teller.events_len)
            map_put(&api->published, key, memory_strdup(newest(&teller)));
    }
}

void api_events_init(struct api *api)
{
    api->followers = MAP_INIT(follower_free);
    api->published = MAP_INIT(free);
    api->source_logs = MAP_INIT(source_log_free);
}

void api_events_deinit(struct api *api)
{
    map_for_each (&api->followers, entry) {
        const struct follower *follower = entry->value;
        http_stream_end(follower->server, follower->stream);
    }
    map_deinit(&api->followers);
    map_deinit(&api->published);
    map_deinit(&api->source_logs);
}
