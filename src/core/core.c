#include "core/core.h"

#include "base/text.h"
#include "core/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void service_state_free(struct service_state *service)
{
    if (!service)
        return;
    free(service->cluster);
    free(service->name);
    free(service->key);
    run_free(service->run);
    free(service->group);
    service_unref(service->desired);
    delayed_change_free(service->delayed);
    service_ledger_free(service->ledger);
    service_unref(service->completed);
    plan_memory_deinit(&service->memory);
    plan_failure_vec_deinit(&service->failures);
    vector_deinit(&service->containers);
    vector_deinit(&service->under_way);
    event_ring_deinit(&service->events);
    free(service->waiting);
    free(service->pre_deploy);
    free(service->pre_deploy_failed);
    map_deinit(&service->troubles);
    plan_booking_vec_deinit(&service->booked);
    plan_booking_vec_deinit(&service->kept);
    vector_deinit(&service->followers);
    free(service);
}

static void add_sources(struct core *core, const struct core_options *options)
{
    for (size_t i = 0; i < options->sources_len; i++) {
        const struct core_source_options *one = &options->sources[i];
        struct core_source *source = core_source_new(one->name);
        if (one->allowance)
            allowance_copy(one->allowance, &source->allowance);
        vector_push(&core->sources, source);
    }
    if (core->sources.len == 0)
        vector_push(&core->sources, core_source_new(CORE_SOURCE_DEFAULT));
}

struct core *core_new(const struct core_options *options)
{
    assert(options);
    assert(options->owner);
    struct core *core = NEW(struct core);
    core->owner = memory_strdup(options->owner);
    core->plan = (struct plan_options){.owner = core->owner,
                                       .stopped_retention_ms = options->stopped_retention_ms,
                                       .stopped_kept = options->stopped_kept,
                                       .lost_after_ms = options->lost_after_ms};
    core->patience_ms = options->patience_ms;
    core->deletion = options->deletion;
    core->once = options->once;
    core->instances_len = options->instances_len;
    core->instances = memory_calloc(options->instances_len, sizeof *core->instances);
    for (size_t i = 0; i < options->instances_len; i++) {
        core->instances[i].name = memory_strdup(options->instances[i]);
        core->instances[i].message = memory_strdup("has not answered yet");
        core->instances[i].containers = MAP_INIT_BORROWING(container_free); /* their ids */
        vector_push(&core->rooms, (struct plan_instance){.name = core->instances[i].name});
    }
    plan_instances_index(&core->rooms);
    add_sources(core, options);
    core->services = MAP_INIT_BORROWING(service_state_free);
    core->runs = MAP_INIT_BORROWING(service_state_free);
    core->flights = MAP_INIT(flight_free);
    core->fleets = MAP_INIT(fleet_free);
    core->suspensions = MAP_INIT(free);
    core->schedules = MAP_INIT(schedule_state_free);
    return core;
}

void core_free(struct core *core)
{
    if (!core)
        return;
    map_deinit(&core->flights);
    map_deinit(&core->fleets);
    map_deinit(&core->suspensions);
    map_deinit(&core->schedules);
    map_deinit(&core->services);
    map_deinit(&core->adopted);
    map_deinit(&core->runs);
    map_deinit(&core->commits);
    if (core->outcome)
        run_outcome_deinit(core->outcome);
    free(core->outcome);
    vector_deinit(&core->sorted);
    vector_deinit(&core->marked);
    vector_deinit(&core->awaiting_room);
    vector_deinit(&core->keepers);
    vector_deinit(&core->sleeping);
    plan_instance_vec_deinit(&core->rooms);
    for (size_t i = 0; i < core->instances_len; i++) {
        free(core->instances[i].name);
        free(core->instances[i].message);
        instance_info_deinit(&core->instances[i].info);
        map_deinit(&core->instances[i].containers);
    }
    free(core->instances);
    free(core->awaited);
    desired_unref(core->desired);
    for (size_t i = 0; i < core->sources.len; i++)
        core_source_free(core->sources.items[i]);
    vector_deinit(&core->sources);
    free(core->owner);
    free(core);
}

struct service_state *core_service_state(struct core *core, const char *cluster, const char *name,
                                         bool create)
{
    assert(core);
    char *key CLEANUP_FREE = service_key(cluster, name);
    struct service_state *service = map_get(&core->services, key);
    if (service || !create)
        return service;
    service = NEW(struct service_state);
    service->cluster = memory_strdup(cluster);
    service->name = memory_strdup(name);
    service->key = memory_strdup(key);
    service->memory.stopping = MAP_INIT(free);
    service->troubles = MAP_INIT(trouble_free);
    map_put(&core->services, service->key, service);
    core->unsorted = true;
    return service;
}

void core_forget_service(struct core *core, struct service_state *service)
{
    assert(core);
    assert(service->containers.len == 0);
    core_drop_questions(core, service);
    assert(service->under_way.len == 0);
    char *key CLEANUP_FREE = memory_strdup(service->key);
    assert(service->booked.len == 0);
    assert(service->kept.len == 0);
    core_wake_at(core, service, 0);
    core_await_room(core, service, false);
    core_leave_order(core, service);
    core_forget_adopted(core, service);
    if (service->dirty)
        core_unlist(&core->marked, service);
    map_remove(&core->services, key);
    core->unsorted = true;
}

struct instance_state *core_instance_state(const struct core *core, const char *name)
{
    assert(core);
    size_t i = plan_instance_index(&core->rooms, name);
    return i < core->instances_len ? &core->instances[i] : NULL;
}

/* Most services have few events, and there may be thousands of services. */
static void grow_events(struct event_ring *events)
{
    size_t cap = events->cap ? events->cap * 4 : 4;
    if (cap > LIMIT_SERVICE_EVENTS)
        cap = LIMIT_SERVICE_EVENTS;
    events->items = memory_realloc(events->items, cap, sizeof *events->items);
    memset(events->items + events->cap, 0, (cap - events->cap) * sizeof *events->items);
    events->cap = cap;
}

void event_ring_deinit(struct event_ring *events)
{
    assert(events);
    for (size_t i = 0; i < events->len; i++) {
        free(events->items[i].id);
        free(events->items[i].message);
    }
    free(events->items);
    *events = (struct event_ring){0};
}

void core_tell(struct core *core, struct event_ring *events, const char *message)
{
    assert(core);
    assert(message);
    if (events->len == events->cap && events->cap < LIMIT_SERVICE_EVENTS)
        grow_events(events);
    size_t at = (events->first + events->len) % LIMIT_SERVICE_EVENTS;
    if (events->len == LIMIT_SERVICE_EVENTS)
        events->first = (events->first + 1) % LIMIT_SERVICE_EVENTS;
    else
        events->len++;
    struct view_event *event = &events->items[at];
    free(event->id);
    free(event->message);
    char id[ID_HEX_SIZE];
    id_draw_hex(&core->ids, id);
    *event = (struct view_event){memory_strdup(id), core->now_ms, memory_strdup(message)};
}

void core_add_event(struct core *core, struct service_state *service, const char *message)
{
    assert(service);
    core_tell(core, &service->events, message);
}

void core_save(struct effect_vec *effects, enum ledger_change_kind kind, const char *name, json_t *entry,
               const char *message)
{
    assert(effects);
    assert(name);
    assert(message);
    vector_push(effects, (struct effect){.kind = EFFECT_SAVE,
                                         .change = {.kind = kind,
                                                    .name = memory_strdup(name),
                                                    .entry = entry,
                                                    .message = memory_strdup(message)}});
}

void core_on_source(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    (void)effects;
    struct core_source *source = core_source_of_event(core, event->source.name);
    if (!source)
        return;
    source->ok = event->source.ok;
    free(source->message);
    source->message = TAKE(event->source.message);
    if (event->source.origin) {
        free(source->origin);
        source->origin = TAKE(event->source.origin);
    }
    if (event->source.branch) {
        free(source->branch);
        source->branch = TAKE(event->source.branch);
    }
}

void core_on_reconcile(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    map_for_each (&core->services, entry) {
        struct service_state *service = entry->value;
        if (event->reconcile.cluster && !text_equal(event->reconcile.cluster, service->cluster))
            continue;
        if (event->reconcile.service && !text_equal(event->reconcile.service, service->name))
            continue;
        core_end_holds(core, service, INT64_MAX);
        map_clear(&service->troubles);
        map_clear(&service->memory.back_offs);
        core_mark(core, service);
    }
    map_for_each (&core->runs, entry) {
        struct service_state *run = entry->value;
        if (event->reconcile.service ||
            (event->reconcile.cluster && !text_equal(event->reconcile.cluster, run->cluster)))
            continue;
        core_end_holds(core, run, INT64_MAX);
        map_clear(&run->troubles);
        core_mark(core, run);
    }
    for (size_t i = 0; i < core->instances_len; i++)
        if (core->instances[i].connected)
            vector_push(effects, (struct effect){.kind = EFFECT_LIST,
                                                 .instance = memory_strdup(core->instances[i].name)});
}

static void (*const handlers[])(struct core *, struct event *, struct effect_vec *) = {
    [EVENT_LEDGER] = core_on_ledger,
    [EVENT_COMMIT] = core_on_commit,
    [EVENT_SOURCE] = core_on_source,
    [EVENT_CONNECTED] = core_on_connected,
    [EVENT_DISCONNECTED] = core_on_disconnected,
    [EVENT_LISTED] = core_on_listed,
    [EVENT_CONTAINER] = core_on_container,
    [EVENT_GONE] = core_on_gone,
    [EVENT_ACTION_DONE] = core_on_action_done,
    [EVENT_PROGRESS] = core_on_progress,
    [EVENT_RECONCILE] = core_on_reconcile,
    [EVENT_APPROVE] = core_on_approve,
    [EVENT_RETRY] = core_on_retry,
    [EVENT_REDEPLOY] = core_on_redeploy,
    [EVENT_HOLD] = core_on_hold,
    [EVENT_SUSPEND] = core_on_suspend,
    [EVENT_RUN_TASK] = core_on_run_task,
    [EVENT_STOP_TASK] = core_on_stop_task,
    [EVENT_CLOCK] = core_on_clock,
    [EVENT_TURN] = core_on_turn,
};

void core_step(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    assert(event);
    assert(effects);
    assert((size_t)event->kind < ARRAY_LEN(handlers));
    if (core->first_ms == 0)
        core->first_ms = event->now_ms;
    core->now_ms = event->now_ms;
    core->ids = (struct id_source){.seed = event->seed};
    handlers[event->kind](core, event, effects);
    event_deinit(event);
}

bool core_is_dirty(const struct core *core)
{
    assert(core);
    return core->dirty;
}
