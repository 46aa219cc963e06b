/* Suspended services: nothing is done for them. davit.suspend in git, of a service or of its cluster, and
 * EVENT_SUSPEND at run time, which the ledger keeps. */
#include "base/text.h"
#include "core/state.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>

struct suspension {
    int64_t since_ms;
};

static void put(struct core *core, const char *key, int64_t since_ms)
{
    struct suspension *suspension = NEW(struct suspension);
    suspension->since_ms = since_ms;
    map_put(&core->suspensions, key, suspension);
}

int64_t core_suspended_ms(const struct core *core, const char *cluster, const char *service)
{
    assert(core);
    assert(cluster);
    if (core->suspensions.len == 0)
        return 0;
    char *key CLEANUP_FREE = service ? service_key(cluster, service) : memory_strdup(cluster);
    const struct suspension *suspension = map_get(&core->suspensions, key);
    return suspension ? suspension->since_ms : 0;
}

static bool cluster_suspends(const struct desired *desired, const char *name)
{
    const struct cluster *cluster = desired ? desired_cluster(desired, name) : NULL;
    return cluster && cluster->suspend;
}

/* A change that waits for its window suspends at once: it is no deployment. */
static bool git_suspends(const struct service_state *service)
{
    const struct service *next = service->delayed ? service->delayed->next : NULL;
    return (service->desired && service->desired->suspend) || (next && next->suspend);
}

static bool is_unread(const struct core *core, const struct service_state *service)
{
    char *unread CLEANUP_FREE = core_source_unread(core, service);
    return unread != NULL;
}

bool core_is_suspended(const struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    return git_suspends(service) || cluster_suspends(core->desired, service->cluster) ||
           core_suspended_ms(core, service->cluster, service->name) ||
           core_suspended_ms(core, service->cluster, NULL) || is_unread(core, service);
}

static char *since(const char *what, int64_t since_ms)
{
    char text[TEXT_TIME_SIZE];
    text_from_time_ms(since_ms, text);
    return memory_printf("%s, since %.19sZ", what, text);
}

char *core_cluster_suspended(const struct core *core, const char *cluster)
{
    assert(core);
    assert(cluster);
    int64_t since_ms = core_suspended_ms(core, cluster, NULL);
    if (cluster_suspends(core->desired, cluster))
        return memory_strdup("suspended by git");
    return since_ms ? since("suspended by davit suspend", since_ms) : NULL;
}

char *core_suspended(const struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    int64_t own_ms = service->name ? core_suspended_ms(core, service->cluster, service->name) : 0;
    int64_t cluster_ms = core_suspended_ms(core, service->cluster, NULL);
    if (git_suspends(service))
        return memory_strdup("suspended by git");
    if (cluster_suspends(core->desired, service->cluster))
        return memory_strdup("suspended by git, with its cluster");
    if (own_ms)
        return since("suspended by davit suspend", own_ms);
    return cluster_ms ? since("suspended by davit suspend, with its cluster", cluster_ms)
                      : core_source_unread(core, service);
}

static bool any_cluster_suspends(const struct desired *desired)
{
    for (size_t i = 0; desired && i < desired->clusters.len; i++)
        if (desired->clusters.items[i]->suspend)
            return true;
    return false;
}

void core_mark_suspensions(struct core *core, const struct desired *next)
{
    assert(core);
    if (!any_cluster_suspends(core->desired) && !any_cluster_suspends(next))
        return;
    map_for_each (&core->services, entry) {
        struct service_state *service = entry->value;
        if (cluster_suspends(core->desired, service->cluster) != cluster_suspends(next, service->cluster))
            core_mark(core, service);
    }
    map_for_each (&core->runs, entry) {
        struct service_state *run = entry->value;
        if (cluster_suspends(core->desired, run->cluster) != cluster_suspends(next, run->cluster))
            core_mark(core, run);
    }
}

/* --- in the ledger: one entry a cluster, {"since": ms, "services": {"web": ms}} ------------------------- */

static json_t *entry_of(const struct core *core, const char *cluster)
{
    char *prefix CLEANUP_FREE = service_key(cluster, "");
    json_t *services = json_object();
    json_t *entry = json_object();
    model_set_int(entry, "since", core_suspended_ms(core, cluster, NULL));
    map_for_each (&core->suspensions, slot) {
        const struct suspension *suspension = slot->value;
        if (text_starts_with(slot->key, prefix))
            json_object_set_new(services, slot->key + strlen(prefix), json_integer(suspension->since_ms));
    }
    if (json_object_size(services))
        json_object_set(entry, "services", services);
    json_decref(services);
    return entry;
}

void core_load_suspensions(struct core *core, const char *cluster, const json_t *entry)
{
    assert(core);
    assert(cluster);
    const char *name;
    json_t *since_ms;
    if (model_int(entry, "since") > 0)
        put(core, cluster, model_int(entry, "since"));
    json_object_foreach (json_object_get(entry, "services"), name, since_ms) {
        char *key CLEANUP_FREE = service_key(cluster, name);
        if (json_integer_value(since_ms) > 0)
            put(core, key, json_integer_value(since_ms));
    }
}

static void save(const struct core *core, const char *cluster, const char *message,
                 struct effect_vec *effects)
{
    json_t *entry = entry_of(core, cluster);
    if (!json_object_size(entry)) {
        json_decref(entry);
        entry = NULL;
    }
    core_save(effects, LEDGER_SUSPENSION, cluster, entry, message);
}

void core_on_suspend(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    const char *cluster = event->suspend.cluster;
    const char *name = event->suspend.service;
    bool is_suspended = core_suspended_ms(core, cluster, name) != 0;
    if (is_suspended != event->suspend.resume)
        return; /* it is so already */
    char *key CLEANUP_FREE = name ? service_key(cluster, name) : memory_strdup(cluster);
    if (is_suspended)
        map_remove(&core->suspensions, key);
    else
        put(core, key, core->now_ms);
    char *message CLEANUP_FREE =
        memory_printf("%s: %s", key, event->suspend.resume ? "resumed" : "suspended");
    save(core, cluster, message, effects);
    map_for_each (&core->services, entry) {
        struct service_state *service = entry->value;
        if (text_equal(service->cluster, cluster) && (!name || text_equal(service->name, name)))
            core_mark(core, service);
    }
    map_for_each (&core->runs, entry) {
        struct service_state *run = entry->value;
        if (text_equal(run->cluster, cluster) && !name)
            core_mark(core, run);
    }
}

bool core_share_suspension(struct core *core, const struct service_state *service, const char *former,
                           struct effect_vec *effects)
{
    assert(core);
    assert(service);
    assert(former);
    int64_t since_ms = core_suspended_ms(core, service->cluster, former);
    if (!since_ms)
        return false;
    char *message CLEANUP_FREE = memory_printf("%s: suspended, as %s", service->key, former);
    if (!core_suspended_ms(core, service->cluster, service->name))
        put(core, service->key, since_ms);
    save(core, service->cluster, message, effects);
    return true;
}

void core_end_suspension(struct core *core, const char *cluster, const char *name, struct effect_vec *effects)
{
    assert(core);
    assert(cluster && name);
    char *key CLEANUP_FREE = service_key(cluster, name);
    char *message CLEANUP_FREE = memory_printf("%s: resumed, it has another name", key);
    map_remove(&core->suspensions, key);
    save(core, cluster, message, effects);
}

/* --- snapshots ------------------------------------------------------------------------------------------ */

json_t *core_suspensions_out(const struct core *core)
{
    assert(core);
    json_t *json = json_object();
    map_for_each (&core->suspensions, slot) {
        const struct suspension *suspension = slot->value;
        json_object_set_new(json, slot->key, json_integer(suspension->since_ms));
    }
    return json;
}

void core_suspensions_in(struct core *core, const json_t *json)
{
    assert(core);
    const char *key;
    json_t *since_ms;
    json_object_foreach ((json_t *)json, key, since_ms) {
        put(core, key, json_integer_value(since_ms));
    }
}
