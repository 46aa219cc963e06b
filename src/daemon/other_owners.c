#include "daemon/other_owners.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "daemon/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define FIRST_PAUSE_MS 60000

/* What an owner has on an instance of the services that are ours too. */
struct overlap {
    char *cluster; /* with `service`: the first that the list had */
    char *service;
    struct map services; /* "cluster/service" -> itself, while a list is read */
    int64_t services_len;
    int64_t tasks;
};

struct look {
    struct other_owners *others;
    const char *instance;
    struct engine *engine;
    struct map overlaps; /* owner -> struct overlap; empty: nothing to tell */
    uint64_t pending;    /* the request or the pause before it; 0: neither */
    int64_t pause_ms;    /* before the next request */
};

struct other_owners {
    struct other_owners_options options;
    struct VECTOR_OF(struct look *) looks;
};

static void overlap_free(struct overlap *overlap)
{
    free(overlap->cluster);
    free(overlap->service);
    map_deinit(&overlap->services);
    free(overlap);
}

struct other_owners *other_owners_new(const struct other_owners_options *options)
{
    assert(options && options->core && options->owner);
    struct other_owners *others = NEW(struct other_owners);
    others->options = *options;
    return others;
}

static void count_task(struct map *overlaps, const struct task_labels *labels)
{
    struct overlap *overlap = map_get(overlaps, labels->owner);
    if (!overlap) {
        overlap = NEW(struct overlap);
        overlap->cluster = memory_strdup(labels->cluster);
        overlap->service = memory_strdup(labels->service);
        map_put(overlaps, labels->owner, overlap);
    }
    char *service CLEANUP_FREE = memory_printf("%s/%s", labels->cluster, labels->service);
    map_put(&overlap->services, service, overlap);
    overlap->tasks++;
}

/* A task has several containers. What is not ours costs no memory: most of a shared engine's is not. */
static void count(const struct desired *desired, const struct container_vec *containers, struct map *overlaps)
{
    struct map tasks CLEANUP(map_deinit) = MAP_INIT_BORROWING(NULL);
    for (size_t i = 0; desired && i < containers->len; i++) {
        const struct task_labels *labels = &containers->items[i]->labels;
        if (!labels->cluster || !labels->service || map_get(&tasks, labels->task) ||
            !desired_service(desired, labels->cluster, labels->service))
            continue;
        map_put(&tasks, labels->task, overlaps);
        count_task(overlaps, labels);
    }
    map_for_each (overlaps, entry) {
        struct overlap *overlap = entry->value;
        overlap->services_len = overlap->services.len;
        map_deinit(&overlap->services);
    }
}

static char *message_of(const struct other_owners *others, const char *owner, const struct overlap *overlap)
{
    char *what CLEANUP_FREE = memory_printf("%s/%s", overlap->cluster, overlap->service);
    if (overlap->services_len > 1) {
        char *example CLEANUP_FREE = TAKE(what);
        what = memory_printf("%" PRId64 " of your services, as %s,", overlap->services_len, example);
    }
    return memory_printf("runs %" PRId64 " task%s of %s of owner %s; if they are yours, set owner: %s (this "
                         "davit is owner %s and starts its own beside), see \"The daemon\" in the manual",
                         overlap->tasks, text_plural(overlap->tasks), what, owner, owner,
                         others->options.owner);
}

static void take_list(struct look *look, const struct container_vec *containers)
{
    struct map before CLEANUP(map_deinit) = look->overlaps;
    look->overlaps = MAP_INIT(overlap_free);
    count(core_desired(look->others->options.core), containers, &look->overlaps);
    map_for_each (&look->overlaps, entry) {
        if (map_get(&before, entry->key))
            continue;
        char *message CLEANUP_FREE = message_of(look->others, entry->key, entry->value);
        log_message(LOG_LEVEL_WARNING, "instance %s %s", look->instance, message);
    }
}

static void ask(void *data);

static void on_listed(void *data, const struct engine_reply *reply)
{
    struct look *look = data;
    look->pending = 0;
    if (!reply->error.code)
        take_list(look, reply->containers);
    if (!reply->error.code && !look->overlaps.len)
        return;
    look->pending = look->engine->ops->after(look->engine, look->pause_ms, ask, look);
    look->pause_ms *= 2;
    if (look->pause_ms > LIMIT_ENGINE_OTHERS_MS)
        look->pause_ms = LIMIT_ENGINE_OTHERS_MS;
}

static void ask(void *data)
{
    struct look *look = data;
    const struct engine_call call = {.done = on_listed, .data = look};
    look->pending = look->engine->ops->list_others(look->engine, look->others->options.owner, &call);
}

void other_owners_add(struct other_owners *others, const char *instance, struct engine *engine)
{
    assert(others && instance && engine);
    struct look *look = NEW(struct look);
    *look = (struct look){
        .others = others, .instance = instance, .engine = engine, .overlaps = MAP_INIT(overlap_free)};
    vector_push(&others->looks, look);
}

void other_owners_look(struct other_owners *others)
{
    assert(others);
    for (size_t i = 0; i < others->looks.len; i++) {
        struct look *look = others->looks.items[i];
        look->engine->ops->cancel(look->engine, look->pending);
        look->pause_ms = FIRST_PAUSE_MS;
        ask(look);
    }
}

json_t *other_owners_status_json(const struct other_owners *others)
{
    assert(others);
    json_t *list = NULL;
    for (size_t i = 0; i < others->looks.len; i++) {
        const struct look *look = others->looks.items[i];
        map_for_each (&look->overlaps, entry) {
            const struct overlap *overlap = entry->value;
            char *message CLEANUP_FREE = message_of(others, entry->key, overlap);
            list = list ? list : json_array();
            json_array_append_new(list,
                                  json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:s}", "instance", look->instance,
                                            "owner", entry->key, "cluster", overlap->cluster, "service",
                                            overlap->service, "services", (json_int_t)overlap->services_len,
                                            "tasks", (json_int_t)overlap->tasks, "message", message));
        }
    }
    return list;
}

void other_owners_free(struct other_owners *others)
{
    if (!others)
        return;
    for (size_t i = 0; i < others->looks.len; i++) {
        map_deinit(&others->looks.items[i]->overlaps);
        free(others->looks.items[i]);
    }
    vector_deinit(&others->looks);
    free(others);
}
