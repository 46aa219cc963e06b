/* Service events: as a list, and as a stream of JSON lines. */
#include "api/operation.h"
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

static json_t *event_json(const struct view_service *view, const struct view_event *event)
{
    json_t *json = json_pack("{s:s,s:s,s:s,s:s}", "cluster", view->cluster, "service", view->name, "id",
                             event->id, "message", event->message);
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

/* Oldest first, over all services that are meant. */
static json_t *events_json(const struct api *api, const json_t *input)
{
    struct dated_vec events = {0};
    struct view_service view;
    for (size_t at = 0; api_next_service(api, input, &at, &view);) {
        for (size_t k = 0; k < view.events_len; k++)
            vector_push(&events, (struct dated){view_service_event(&view, k)->at_ms, events.len,
                                                event_json(&view, view_service_event(&view, k))});
    }
    if (events.len)
        qsort(events.items, events.len, sizeof *events.items, by_time);
    json_t *list = json_array();
    for (size_t i = 0; i < events.len; i++)
        json_array_append_new(list, events.items[i].json);
    vector_deinit(&events);
    return list;
}

int api_get_events(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    int r = api_check_target(api, input, fault);
    if (r < 0)
        return r;
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

static const char *newest(const struct view_service *view)
{
    return view_service_event(view, view->events_len - 1)->id;
}

/* The newest events of all services count as told from now on. */
static void mark_published(struct api *api)
{
    struct view_service view;
    map_clear(&api->published);
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++) {
        char *key CLEANUP_FREE = service_key(view.cluster, view.name);
        if (view.events_len)
            map_put(&api->published, key, memory_strdup(newest(&view)));
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
    int r = api_check_target(api, call->input, fault);
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

static void publish(struct api *api, const struct view_service *view, const struct view_event *event)
{
    json_t *json CLEANUP(json_decrefp) = event_json(view, event);
    map_for_each (&api->followers, entry) {
        const struct follower *follower = entry->value;
        if (api_matches(follower->filter, view->cluster, view->name))
            write_line(follower, json);
    }
}

/* Index of the first event that has not been told. */
static size_t first_new(const struct view_service *view, const char *told)
{
    for (size_t i = view->events_len; told && i > 0; i--)
        if (text_equal(view_service_event(view, i - 1)->id, told))
            return i;
    return 0;
}

void api_publish(struct api *api)
{
    assert(api);
    if (!api->followers.len)
        return;
    struct view_service view;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++) {
        if (!view.events_len)
            continue;
        char *key CLEANUP_FREE = service_key(view.cluster, view.name);
        size_t from = first_new(&view, map_get(&api->published, key));
        for (size_t k = from; k < view.events_len; k++)
            publish(api, &view, view_service_event(&view, k));
        if (from < view.events_len)
            map_put(&api->published, key, memory_strdup(newest(&view)));
    }
}

void api_events_init(struct api *api)
{
    api->followers = MAP_INIT(follower_free);
    api->published = MAP_INIT(free);
}

void api_events_deinit(struct api *api)
{
    map_for_each (&api->followers, entry) {
        const struct follower *follower = entry->value;
        http_stream_end(follower->server, follower->stream);
    }
    map_deinit(&api->followers);
    map_deinit(&api->published);
}
