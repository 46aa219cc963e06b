#include "engine/watch.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"

#include <assert.h>

#define BACKOFF_FIRST_MS 250
#define BACKOFF_LAST_MS  15000
#define INSPECTIONS      8 /* under way at once */
#define INSPECTION_MS    (LIMIT_ENGINE_CALL_MS / 4)

enum watch_state {
    WATCH_WAITING,    /* for the next attempt */
    WATCH_CONNECTING, /* version */
    WATCH_OPENING,    /* the event stream */
    WATCH_LISTING,
    WATCH_LISTENING,
};

/* A container that something happened to. */
struct lookup {
    struct engine_watch *watch;
    char *container_id;
    uint64_t call;
    bool again; /* more happened since the inspection was sent */
};

/* What the caller learned of a container while a listing was under way. */
struct word {
    struct container *container; /* NULL: gone */
};

struct engine_watch {
    struct engine *engine;
    char *instance;
    char *owner;
    struct engine_watch_listener listener;
    enum watch_state state;
    char *told;       /* the cause that disconnected() said last; NULL after connected() */
    char *unreadable; /* what unreadable() said last; NULL: all can be read */
    bool list_again;  /* asked for while one listing is under way */
    int64_t backoff_ms;
    uint64_t call; /* version or listing */
    uint64_t stream;
    uint64_t timer;     /* next attempt, or next listing */
    uint64_t probe;     /* the next one's timer, or the one under way */
    struct map words;   /* by container id: younger than the listing under way */
    struct map lookups; /* by container id */
    size_t inspections; /* lookups that are under way */
};

static void lookup_free(struct lookup *lookup)
{
    if (lookup->call) {
        lookup->watch->engine->ops->cancel(lookup->watch->engine, lookup->call);
        lookup->watch->inspections--;
    }
    free(lookup->container_id);
    free(lookup);
}

static void word_free(struct word *word)
{
    container_free(word->container);
    free(word);
}

static void cancel(struct engine_watch *watch, uint64_t *id)
{
    watch->engine->ops->cancel(watch->engine, *id);
    *id = 0;
}

static void stop_all(struct engine_watch *watch)
{
    cancel(watch, &watch->call);
    cancel(watch, &watch->stream);
    cancel(watch, &watch->timer);
    cancel(watch, &watch->probe);
    map_clear(&watch->lookups);
    map_clear(&watch->words);
    watch->list_again = false;
}

/* --- connection ----------------------------------------------------------------------------------------- */

static void connect_now(void *data);

static void hear(const struct engine_watch *watch)
{
    if (watch->listener.heard)
        watch->listener.heard(watch->listener.data);
}

static void lose(struct engine_watch *watch, const struct error *cause)
{
    bool is_news = !text_equal(watch->told, error_text(cause));
    stop_all(watch);
    watch->state = WATCH_WAITING;
    watch->timer = watch->engine->ops->after(watch->engine, watch->backoff_ms, connect_now, watch);
    watch->backoff_ms = watch->backoff_ms * 2 < BACKOFF_LAST_MS ? watch->backoff_ms * 2 : BACKOFF_LAST_MS;
    /* Last: the listener may free the watch. */
    if (!is_news)
        return;
    free(watch->told);
    watch->told = memory_strdup(error_text(cause));
    if (watch->listener.disconnected)
        watch->listener.disconnected(watch->listener.data, cause);
}

static void list_now(struct engine_watch *watch);

static void on_timer(void *data)
{
    struct engine_watch *watch = data;
    watch->timer = 0;
    engine_watch_relist(watch);
}

/* --- probes: an engine that hangs keeps its stream open ------------------------------------------------- */

static void schedule_probe(struct engine_watch *watch);

static void on_probed(void *data, const struct engine_reply *reply)
{
    struct engine_watch *watch = data;
    watch->probe = 0;
    if (reply->error.code) {
        lose(watch, &reply->error);
        return;
    }
    hear(watch);
    schedule_probe(watch);
}

static void probe_now(void *data)
{
    struct engine_watch *watch = data;
    const struct engine_call call = {.done = on_probed, .data = watch};
    watch->probe = watch->engine->ops->version(watch->engine, &call);
}

static void schedule_probe(struct engine_watch *watch)
{
    watch->probe = watch->engine->ops->after(watch->engine, LIMIT_ENGINE_PROBE_MS, probe_now, watch);
}

/* --- inspections ---------------------------------------------------------------------------------------- */

static void pump(struct engine_watch *watch);

static void report(struct engine_watch *watch, const char *container_id, const struct engine_reply *reply)
{
    if (reply->error.code == ERROR_NOT_FOUND) {
        if (watch->listener.gone)
            watch->listener.gone(watch->listener.data, container_id);
        return;
    }
    if (!watch->listener.changed)
        return;
    struct container *copy CLEANUP(container_freep) = container_copy(reply->container);
    free(copy->instance);
    copy->instance = memory_strdup(watch->instance);
    watch->listener.changed(watch->listener.data, copy);
}

/* Maybe this one container, not the engine: a listing tells, and what there is to tell of it. */
static bool is_unreadable(int code)
{
    return code == ERROR_INVALID || code == ERROR_INTERNAL || code == ERROR_PROTOCOL || code == ERROR_LIMIT ||
           code == ERROR_CONFLICT || code == ERROR_TIMEOUT;
}

static void on_inspected(void *data, const struct engine_reply *reply)
{
    struct lookup *lookup = data;
    struct engine_watch *watch = lookup->watch;
    lookup->call = 0;
    watch->inspections--;
    /* A listing under way may be older than this inspection and would undo it: look again afterwards. */
    if (watch->state == WATCH_LISTING) {
        lookup->again = false;
        return;
    }
    if (lookup->again) {
        lookup->again = false;
        pump(watch);
        return;
    }
    bool unreadable = is_unreadable(reply->error.code);
    if (reply->error.code && !unreadable && reply->error.code != ERROR_NOT_FOUND) {
        lose(watch, &reply->error);
        return;
    }
    if (!unreadable)
        hear(watch);
    char *container_id CLEANUP_FREE = memory_strdup(lookup->container_id);
    map_remove(&watch->lookups, container_id);
    if (unreadable) {
        engine_watch_relist(watch);
        return;
    }
    pump(watch);
    report(watch, container_id, reply);
}

static void pump(struct engine_watch *watch)
{
    if (watch->state != WATCH_LISTENING)
        return;
    map_for_each (&watch->lookups, entry) {
        struct lookup *lookup = entry->value;
        if (watch->inspections == INSPECTIONS)
            return;
        if (lookup->call)
            continue;
        const struct engine_call call = {.done = on_inspected, .data = lookup, .deadline_ms = INSPECTION_MS};
        watch->inspections++;
        lookup->call = watch->engine->ops->inspect(watch->engine, lookup->container_id, &call);
    }
}

static void look_up(struct engine_watch *watch, const char *container_id)
{
    struct lookup *lookup = map_get(&watch->lookups, container_id);
    if (lookup) {
        lookup->again = lookup->call != 0;
        return;
    }
    lookup = NEW(struct lookup);
    lookup->watch = watch;
    lookup->container_id = memory_strdup(container_id);
    map_put(&watch->lookups, container_id, lookup);
    pump(watch);
}

/* --- listings ------------------------------------------------------------------------------------------- */

static void add_copy(const struct engine_watch *watch, struct container_vec *copies,
                     const struct container *container)
{
    struct container *copy = container_copy(container);
    free(copy->instance);
    copy->instance = memory_strdup(watch->instance);
    vector_push(copies, copy);
}

/* The list, but for those of whom the caller has younger word. */
static void deliver_list(struct engine_watch *watch, const struct container_vec *containers)
{
    struct container_vec copies CLEANUP(container_vec_deinit) = {0};
    for (size_t i = 0; i < containers->len; i++)
        if (!map_get(&watch->words, containers->items[i]->id))
            add_copy(watch, &copies, containers->items[i]);
    map_for_each (&watch->words, entry) {
        const struct word *word = entry->value;
        if (word->container)
            add_copy(watch, &copies, word->container);
    }
    map_clear(&watch->words);
    if (watch->listener.listed)
        watch->listener.listed(watch->listener.data, &copies);
}

static void tell_unreadable(struct engine_watch *watch, const struct engine_reply *reply)
{
    if (text_equal(watch->unreadable, reply->unreadable))
        return;
    free(watch->unreadable);
    watch->unreadable = memory_strdup(reply->unreadable);
    if (reply->unreadable && watch->listener.unreadable)
        watch->listener.unreadable(watch->listener.data, reply->unreadable_len, reply->unreadable);
}

static void on_listed(void *data, const struct engine_reply *reply)
{
    struct engine_watch *watch = data;
    watch->call = 0;
    if (reply->error.code) {
        lose(watch, &reply->error);
        return;
    }
    hear(watch);
    watch->state = WATCH_LISTENING;
    watch->backoff_ms = BACKOFF_FIRST_MS;
    watch->timer = watch->engine->ops->after(watch->engine, LIMIT_ENGINE_RELIST_MS, on_timer, watch);
    /* Who asked while it was under way waits for a younger one. It ends: what asks is an operation without an
     * outcome, and such are not repeated before a listing. */
    if (watch->list_again) {
        list_now(watch);
        return;
    }
    tell_unreadable(watch, reply);
    pump(watch);
    deliver_list(watch, reply->containers);
}

static void list_now(struct engine_watch *watch)
{
    assert(watch->state == WATCH_OPENING || watch->state == WATCH_LISTENING);
    watch->state = WATCH_LISTING;
    watch->list_again = false;
    map_clear(&watch->words);
    cancel(watch, &watch->timer);
    const struct engine_call call = {.done = on_listed, .data = watch};
    watch->call = watch->engine->ops->list(watch->engine, watch->owner, &call);
}

void engine_watch_relist(struct engine_watch *watch)
{
    assert(watch);
    if (watch->state == WATCH_LISTING)
        watch->list_again = true;
    else if (watch->state == WATCH_LISTENING)
        list_now(watch);
    /* Else a listing comes anyhow. */
}

void engine_watch_overtake(struct engine_watch *watch, const char *container_id,
                           const struct container *container)
{
    assert(watch);
    assert(container_id);
    struct lookup *lookup = map_get(&watch->lookups, container_id);
    if (lookup)
        lookup->again = lookup->call != 0;
    if (watch->state != WATCH_LISTING)
        return;
    struct word *word = NEW(struct word);
    word->container = container ? container_copy(container) : NULL;
    map_put(&watch->words, container_id, word);
}

/* --- the stream ----------------------------------------------------------------------------------------- */

static void on_event(void *data, const struct engine_event *event)
{
    struct engine_watch *watch = data;
    hear(watch);
    if (event)
        look_up(watch, event->container_id);
    else if (watch->state == WATCH_OPENING)
        list_now(watch);
}

static void on_stream_end(void *data, const struct engine_reply *reply)
{
    struct engine_watch *watch = data;
    watch->stream = 0;
    struct error cause = reply->error;
    if (!cause.code)
        error_set(&cause, ERROR_UNAVAILABLE, "the engine closed the event stream");
    if (cause.code != ERROR_TIMEOUT)
        hear(watch);
    lose(watch, &cause);
}

static void on_opening_timeout(void *data)
{
    struct engine_watch *watch = data;
    struct error cause = ERROR_INIT;
    watch->timer = 0;
    error_set(&cause, ERROR_TIMEOUT, "the engine did not open the event stream within %d s",
              LIMIT_ENGINE_CALL_MS / 1000);
    lose(watch, &cause);
}

static void on_version(void *data, const struct engine_reply *reply)
{
    struct engine_watch *watch = data;
    watch->call = 0;
    if (reply->error.code) {
        lose(watch, &reply->error);
        return;
    }
    hear(watch);
    watch->state = WATCH_OPENING;
    free(TAKE(watch->told));
    const struct engine_call call = {.done = on_stream_end, .event = on_event, .data = watch};
    watch->stream = watch->engine->ops->events(watch->engine, watch->owner, &call);
    watch->timer = watch->engine->ops->after(watch->engine, LIMIT_ENGINE_CALL_MS, on_opening_timeout, watch);
    schedule_probe(watch);
    if (watch->listener.connected)
        watch->listener.connected(watch->listener.data, reply->info);
}

static void connect_now(void *data)
{
    struct engine_watch *watch = data;
    watch->timer = 0;
    watch->state = WATCH_CONNECTING;
    const struct engine_call call = {.done = on_version, .data = watch};
    watch->call = watch->engine->ops->version(watch->engine, &call);
}

struct engine_watch *engine_watch_new(struct engine *engine, const char *instance, const char *owner,
                                      const struct engine_watch_listener *listener)
{
    assert(engine);
    assert(instance);
    assert(owner);
    assert(listener);
    struct engine_watch *watch = NEW(struct engine_watch);
    watch->engine = engine;
    watch->instance = memory_strdup(instance);
    watch->owner = memory_strdup(owner);
    watch->listener = *listener;
    watch->backoff_ms = BACKOFF_FIRST_MS;
    watch->words = MAP_INIT(word_free);
    watch->lookups = MAP_INIT(lookup_free);
    connect_now(watch);
    return watch;
}

void engine_watch_free(struct engine_watch *watch)
{
    if (!watch)
        return;
    stop_all(watch);
    map_deinit(&watch->words);
    map_deinit(&watch->lookups);
    free(watch->instance);
    free(watch->owner);
    free(watch->told);
    free(watch->unreadable);
    free(watch);
}
