/* Instances and their containers: what is observed. */
#include "base/text.h"
#include "core/state.h"

#include <assert.h>
#include <stdlib.h>

static void unlink_container(struct core *core, const struct container *container)
{
    struct service_state *service = core_owner_of(core, container, false);
    if (!service)
        return;
    for (size_t i = 0; i < service->containers.len; i++) {
        if (service->containers.items[i] != container)
            continue;
        vector_remove(&service->containers, i);
        core_mark(core, service);
        return;
    }
}

#define LOOKED_AT 4 /* a task may have several containers, and there may be tasks of two deployments */

/* Tens of thousands of containers say the same. `old` is what was known of this one; NULL: nothing. */
static void share(const struct service_state *service, struct container *old, struct container *container)
{
    if (old && container_share(container, old))
        return;
    const struct container_vec *others = &service->containers;
    for (size_t i = others->len, end = i > LOOKED_AT ? i - LOOKED_AT : 0; i-- > end;)
        if (container_share(container, others->items[i]))
            return;
}

/* An engine that cannot inspect a container does not tell when it ended; 0 would have it removed at once. */
static void set_finished(const struct core *core, const struct container *old, struct container *container)
{
    if (container->status != CONTAINER_STOPPED || container->finished_ms)
        return;
    bool is_known = old && old->status == CONTAINER_STOPPED && old->finished_ms;
    container->finished_ms = is_known ? old->finished_ms : core->now_ms;
}

void core_put_container(struct core *core, struct instance_state *instance, struct container *container)
{
    assert(core);
    assert(instance);
    assert(container);
    struct container *old = map_get(&instance->containers, container->id);
    set_finished(core, old, container);
    if (!text_equal(container->labels.owner, core->owner) || (old && container_equal(old, container))) {
        container_free(container);
        return;
    }
    container_lend_instance(container, instance->name);
    if (old && old->status != CONTAINER_STOPPED && container->status == CONTAINER_STOPPED)
        core_mark_awaiting_room(core);
    if (old)
        unlink_container(core, old);
    struct service_state *service = core_owner_of(core, container, true);
    share(service, old, container);
    map_put(&instance->containers, container->id, container);
    vector_push(&service->containers, container);
    core_mark(core, service);
}

void core_drop_container(struct core *core, struct instance_state *instance, const char *id)
{
    assert(core);
    assert(id);
    struct container *old = map_take(&instance->containers, id);
    if (!old)
        return;
    unlink_container(core, old);
    core_mark_awaiting_room(core);
    container_free(old);
}

static void set_message(struct instance_state *instance, char *message)
{
    free(instance->message);
    instance->message = message;
}

/* An engine is asked every LIMIT_ENGINE_PROBE_MS: who has not heard of it for longer than that and the answer
 * may take was away, as a host that slept, and does not know how it was meanwhile. */
#define SILENT_MOST_MS (LIMIT_ENGINE_PROBE_MS + LIMIT_ENGINE_CALL_MS)

static void lose(const struct core *core, struct instance_state *instance, int64_t silent_ms)
{
    if (silent_ms > SILENT_MOST_MS)
        silent_ms = SILENT_MOST_MS;
    if (instance->listed)
        instance->lost_ms = core->now_ms - (silent_ms > 0 ? silent_ms : 0);
    instance->listed = false;
}

static void mark_users(struct core *core, const struct instance_state *instance)
{
    map_for_each (&instance->containers, entry) {
        const struct container *container = entry->value;
        struct service_state *service = core_owner_of(core, container, false);
        if (service)
            core_mark(core, service);
    }
    map_for_each (&core->flights, entry) { /* of what is about to be created */
        const struct flight *flight = entry->value;
        if (text_equal(flight->action->instance, instance->name))
            core_mark(core, flight->service);
    }
    map_for_each (&core->runs, entry) { /* there may be nothing of it yet */
        struct service_state *run = entry->value;
        if (text_equal(run->run->instance, instance->name))
            core_mark(core, run);
    }
}

void core_on_connected(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    (void)effects;
    struct instance_state *instance = core_instance_state(core, event->engine.instance);
    if (!instance)
        return;
    instance->connected = true;
    lose(core, instance, 0);
    set_message(instance, memory_strdup("its containers are being listed"));
    struct instance_info before = instance->info;
    instance_info_copy(&event->engine.info, &instance->info);
    core_room_capacity(core, instance, &before);
    instance_info_deinit(&before);
}

void core_on_disconnected(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    (void)effects;
    struct instance_state *instance = core_instance_state(core, event->engine.instance);
    if (!instance)
        return;
    instance->answered = true;
    instance->connected = false;
    lose(core, instance, event->engine.silent_ms);
    set_message(instance, TAKE(event->engine.message));
    mark_users(core, instance);
    core_mark_daemons(core);
    core->dirty = true;
}

void core_thin(const struct core *core, struct event *event)
{
    assert(core);
    assert(event);
    const struct instance_state *instance =
        event->kind == EVENT_LISTED ? core_instance_state(core, event->engine.instance) : NULL;
    if (!instance)
        return;
    struct container_vec *containers = &event->engine.containers;
    size_t changed = 0;
    for (size_t i = 0; i < containers->len; i++) {
        struct container *container = containers->items[i];
        const struct container *known = map_get(&instance->containers, container->id);
        if (known && container_equal(known, container)) {
            vector_push(&event->engine.unchanged, memory_strdup(container->id));
            container_free(container);
        } else {
            containers->items[changed++] = container;
        }
    }
    containers->len = changed;
}

void core_on_listed(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    (void)effects;
    struct instance_state *instance = core_instance_state(core, event->engine.instance);
    if (!instance)
        return;
    struct map seen = {0};
    struct container_vec *containers = &event->engine.containers;
    for (size_t i = 0; i < containers->len; i++) {
        map_put(&seen, containers->items[i]->id, (void *)1);
        core_put_container(core, instance, containers->items[i]);
    }
    containers->len = 0; /* taken over */
    for (size_t i = 0; i < event->engine.unchanged.len; i++)
        map_put(&seen, event->engine.unchanged.items[i], (void *)1);
    map_for_each (&instance->containers, entry) {
        if (map_get(&seen, entry->key))
            continue;
        struct container *gone = entry->value;
        unlink_container(core, gone);
        core_mark_awaiting_room(core);
        map_remove(&instance->containers, entry->key);
    }
    map_deinit(&seen);
    core_settle_unknown(core, instance->name);
    if (instance->listed)
        return;
    instance->answered = instance->listed = true;
    instance->lost_ms = 0;
    set_message(instance, NULL);
    mark_users(core, instance);
    core_mark_daemons(core);
    core_mark_awaiting_room(core);
    core->dirty = true;
}

void core_on_container(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    (void)effects;
    struct instance_state *instance = core_instance_state(core, event->engine.instance);
    if (instance && event->engine.container)
        core_put_container(core, instance, TAKE(event->engine.container));
}

void core_on_gone(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    (void)effects;
    struct instance_state *instance = core_instance_state(core, event->engine.instance);
    if (instance && event->engine.container_id)
        core_drop_container(core, instance, event->engine.container_id);
}
