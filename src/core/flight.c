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
    core_mark(core, flight->service);
    map_remove(&core->flights, key_of(flight->action->id).text);
}

void core_settle_unknown(struct core *core, const char *instance)
{
    assert(core);
    map_for_each (&core->flights, entry) {
        struct flight *flight = entry->value;
        if (!flight->unknown || !text_equal(flight->action->instance, instance))
            continue;
        land(core, flight);
        core_mark_waiting(core); /* for the room that it was to take */
    }
}

/* The action had no outcome, or an outcome that is worth a retry: not at once. */
static void hold(struct core *core, struct service_state *service, const char *message)
{
    int64_t wait_ms = HOLD_FIRST_MS;
    for (int i = 0; i < service->troubles_in_row && wait_ms < HOLD_MAX_MS; i++)
        wait_ms *= 2;
    service->troubles_in_row++;
    service->hold_until_ms = core->now_ms + (wait_ms < HOLD_MAX_MS ? wait_ms : HOLD_MAX_MS);
    free(service->trouble);
    service->trouble = memory_strdup(message);
}

static void fail(struct flight *flight, const char *message)
{
    struct plan_failure failure = {.container = memory_strdup(flight->action->container),
                                   .reason = memory_strdup(message),
                                   .digest = flight->action->labels.digest};
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
    if (!flight)
        return; /* told twice */
    struct service_state *service = flight->service;
    struct instance_state *instance = core_instance_state(core, flight->action->instance);
    const char *message = event->action.message ? event->action.message : error_code_name(event->action.code);
    char *what CLEANUP_FREE = memory_printf("%s %s on %s: %s", action_kind_name(flight->action->kind),
                                            flight->action->container, flight->action->instance, message);
    if (is_unknown(event->action.code)) {
        flight->unknown = true;
        hold(core, service, what);
        vector_push(effects, (struct effect){.kind = EFFECT_LIST,
                                             .instance = memory_strdup(flight->action->instance)});
        return;
    }
    bool brings_up = flight->action->kind == ACTION_CREATE || flight->action->kind == ACTION_START;
    bool gone = event->action.gone && flight->action->container_id;
    if (event->action.code == 0 || gone) {
        service->troubles_in_row = 0;
        free(service->trouble);
        service->trouble = NULL;
    } else if (brings_up) {
        fail(flight, message);
        core_mark_waiting(core); /* for the room that the task was to take */
    } else {
        hold(core, service, what);
    }
    if (instance && event->action.container)
        core_put_container(core, instance, TAKE(event->action.container));
    else if (instance && gone)
        core_drop_container(core, instance, flight->action->container_id);
    land(core, flight);
}

void core_on_progress(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    (void)effects;
    struct flight *flight = map_get(&core->flights, key_of(event->progress.id).text);
    if (!flight)
        return;
    free(flight->progress_status);
    flight->progress_status = TAKE(event->progress.status);
    flight->progress_bytes = event->progress.current_bytes;
    flight->progress_total_bytes = event->progress.total_bytes;
}
