/* Actions under way: sent, and not yet answered. */
#include "base/text.h"
#include "core/state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_FIRST_MS 500
#define HOLD_MAX_MS   60000

struct flight_key {
    char text[24];
};

static struct flight_key key_of(uint64_t id)
{
    struct flight_key key;
    snprintf(key.text, sizeof key.text, "%" PRIu64, id);
    return key;
}

void flight_free(struct flight *flight)
{
    if (!flight)
        return;
    action_free(flight->action);
    free(flight->progress_status);
    free(flight->progress_failure);
    free(flight);
}

void core_launch(struct core *core, struct service_state *service, struct action *action,
                 struct effect_vec *effects)
{
    assert(core);
    assert(action);
    action->id = ++core->last_action_id;
    struct flight *flight = NEW(struct flight);
    flight->action = action;
    flight->service = service;
    flight->since_ms = core->now_ms;
    map_put(&core->flights, key_of(action->id).text, flight);
    vector_push(&service->under_way, action);
    vector_push(effects, (struct effect){.kind = EFFECT_ACT, .action = action_copy(action)});
}

static void land(struct core *core, struct flight *flight)
{
    struct action_vec *under_way = &flight->service->under_way;
    for (size_t i = 0; i < under_way->len; i++) {
        if (under_way->items[i] != flight->action)
            continue;
        vector_remove(under_way, i);
        break;
    }
    if (under_way->len == 0)
        vector_deinit(under_way);
    flight->service->held_len -= flight->hold_ms != 0;
    map_remove(&core->flights, key_of(flight->action->id).text);
}

void core_drop_questions(struct core *core, struct service_state *service)
{
    assert(core);
    assert(service);
    for (size_t i = service->under_way.len; i-- > 0;)
        if (service->under_way.items[i]->kind == ACTION_RESOLVE)
            land(core, map_get(&core->flights, key_of(service->under_way.items[i]->id).text));
}

/* --- what has no outcome, or one that is worth a retry: not at once ------------------------------------- */

/* What goes wrong again counts on: of tasks that could not be created each try is another task. */
static char *trouble_key(const struct action *action)
{
    bool anew = action->kind == ACTION_CREATE || action->kind == ACTION_RESOLVE;
    const char *task = anew ? "" : action->task;
    return memory_printf("%s %s %s", action_kind_name(action->kind), action->container, task);
}

void trouble_free(struct trouble *trouble)
{
    if (!trouble)
        return;
    free(trouble->message);
    free(trouble);
}

/* Several that fail together have one trouble, not a row of them. */
static void hold(struct core *core, struct flight *flight, const char *message)
{
    char *key CLEANUP_FREE = trouble_key(flight->action);
    struct trouble *trouble = map_get(&flight->service->troubles, key);
    if (!trouble) {
        trouble = NEW(struct trouble);
        map_put(&flight->service->troubles, key, trouble);
    }
    if (trouble->until_ms <= core->now_ms) {
        int64_t wait_ms = HOLD_FIRST_MS;
        for (int i = 0; i < trouble->in_row && wait_ms < HOLD_MAX_MS; i++)
            wait_ms *= 2;
        trouble->in_row++;
        trouble->until_ms = core->now_ms + (wait_ms < HOLD_MAX_MS ? wait_ms : HOLD_MAX_MS);
    }
    free(trouble->message);
    trouble->message = memory_printf("%s %s on %s: %s", action_kind_name(flight->action->kind),
                                     flight->action->container, flight->action->instance, message);
    assert(!flight->hold_ms);
    flight->hold_ms = trouble->until_ms;
    flight->service->held_len++;
    memory_freep(&flight->progress_status); /* nothing is pulled, nor tried again in a moment */
    memory_freep(&flight->progress_failure);
}

static void end_trouble(struct flight *flight)
{
    char *key CLEANUP_FREE = trouble_key(flight->action);
    map_remove(&flight->service->troubles, key);
}

static const struct container *target_of(const struct flight *flight)
{
    const struct container_vec *containers = &flight->service->containers;
    for (size_t i = 0; i < containers->len; i++)
        if (text_equal(containers->items[i]->labels.task, flight->action->task) &&
            text_equal(containers->items[i]->labels.spec->name, flight->action->container))
            return containers->items[i];
    return NULL;
}

/* Stopped, and no start has changed that. */
static bool awaits_restart(const struct flight *flight, const struct container *container)
{
    const struct plan_memory *memory = &flight->service->memory;
    return !map_get(&memory->stopping, container->labels.task) && plan_restarts(container, &memory->ran);
}

/* Whether the action did what it was to do, as its target was listed. */
static bool is_fulfilled(const struct flight *flight)
{
    const struct container *target = target_of(flight);
    switch (flight->action->kind) {
    case ACTION_CREATE:
        return target;
    case ACTION_START:
        return target && target->status != CONTAINER_CREATED && !awaits_restart(flight, target);
    case ACTION_STOP:
        return !target || target->status != CONTAINER_RUNNING;
    case ACTION_REMOVE:
        return !target;
    case ACTION_RESOLVE:
        return false;
    }
    return false;
}

void core_settle_unknown(struct core *core, const char *instance)
{
    assert(core);
    map_for_each (&core->flights, entry) {
        struct flight *flight = entry->value;
        if (!flight->unknown || !text_equal(flight->action->instance, instance))
            continue;
        flight->unknown = false;
        core_mark(core, flight->service);
        bool done = is_fulfilled(flight);
        if (done)
            end_trouble(flight);
        if (done || flight->hold_ms <= core->now_ms)
            land(core, flight);
        core_mark_awaiting_room(core); /* for the room that it was to take */
    }
}

void core_end_holds(struct core *core, struct service_state *service, int64_t until_ms)
{
    assert(core);
    assert(service);
    for (size_t i = service->held_len ? service->under_way.len : 0; i-- > 0;) {
        struct flight *flight = map_get(&core->flights, key_of(service->under_way.items[i]->id).text);
        bool done = flight->hold_ms && !flight->unknown && is_fulfilled(flight);
        if (!flight->hold_ms || (flight->hold_ms > until_ms && !done))
            continue;
        if (flight->unknown) {
            flight->hold_ms = core->now_ms; /* the listing decides */
            continue;
        }
        if (done)
            end_trouble(flight);
        land(core, flight);
        core_mark_awaiting_room(core); /* for the room that it was to take */
    }
}

int64_t core_next_hold_ms(const struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    int64_t next_ms = 0;
    for (size_t i = 0; service->held_len && i < service->under_way.len; i++) {
        const struct flight *flight = map_get(&core->flights, key_of(service->under_way.items[i]->id).text);
        if (flight->hold_ms && !flight->unknown && (!next_ms || flight->hold_ms < next_ms))
            next_ms = flight->hold_ms;
    }
    return next_ms;
}

/* --- outcomes ------------------------------------------------------------------------------------------- */

static void fail(struct flight *flight, const char *message)
{
    struct plan_failure failure = {.instance = memory_strdup(flight->action->instance),
                                   .container = memory_strdup(flight->action->container),
                                   .reason = memory_strdup(message),
                                   .digest = flight->action->labels.digest,
                                   .of_image = flight->action->kind == ACTION_RESOLVE};
    memcpy(failure.task, flight->action->task, sizeof failure.task);
    vector_push(&flight->service->failures, failure);
}

/* After these an operation may have happened (engine.h). */
static bool is_unknown(int code)
{
    return code == ERROR_UNAVAILABLE || code == ERROR_TIMEOUT || code == ERROR_CANCELED ||
           code == ERROR_PROTOCOL || code == ERROR_LIMIT;
}

void core_on_action_done(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    struct flight *flight = map_get(&core->flights, key_of(event->action.id).text);
    if (!flight || flight->unknown || flight->hold_ms)
        return; /* told twice */
    struct instance_state *instance = core_instance_state(core, flight->action->instance);
    const char *message = event->action.message ? event->action.message : error_code_name(event->action.code);
    if (is_unknown(event->action.code)) {
        flight->unknown = true;
        hold(core, flight, message);
        core_mark(core, flight->service);
        vector_push(effects, (struct effect){.kind = EFFECT_LIST,
                                             .instance = memory_strdup(flight->action->instance)});
        return;
    }
    bool brings_up = flight->action->kind != ACTION_STOP && flight->action->kind != ACTION_REMOVE;
    bool gone = event->action.gone && flight->action->container_id;
    bool refused = event->action.code != 0 && !gone;
    if (refused && brings_up) {
        fail(flight, message);
        core_mark_awaiting_room(core); /* for the room that the task was to take */
    }
    if (refused && !brings_up)
        hold(core, flight, message);
    else
        end_trouble(flight);
    if (flight->action->kind == ACTION_RESOLVE && !refused)
        core_image_resolved(core, flight, event, effects);
    if (instance && event->action.container)
        core_put_container(core, instance, TAKE(event->action.container));
    else if (instance && gone)
        core_drop_container(core, instance, flight->action->container_id);
    core_mark(core, flight->service);
    if (!flight->hold_ms)
        land(core, flight);
    if (core->flights.len == 0)
        map_clear(&core->flights); /* there were as many as tasks when all was started */
}

const char *core_pull_failure(const struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    for (size_t i = 0; i < service->under_way.len; i++) {
        const struct flight *flight = map_get(&core->flights, key_of(service->under_way.items[i]->id).text);
        if (flight->progress_failure)
            return flight->progress_failure;
    }
    return NULL;
}

void core_on_progress(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    (void)effects;
    struct flight *flight = map_get(&core->flights, key_of(event->progress.id).text);
    if (!flight)
        return;
    free(flight->progress_status);
    free(flight->progress_failure);
    flight->progress_status = TAKE(event->progress.status);
    flight->progress_failure = TAKE(event->progress.failure);
    flight->progress_bytes = event->progress.current_bytes;
    flight->progress_total_bytes = event->progress.total_bytes;
}
