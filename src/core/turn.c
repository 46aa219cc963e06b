/* EVENT_TURN: plan what is dirty. */
#include "base/text.h"
#include "core/state.h"

#include <assert.h>
#include <stdlib.h>

#define WAKE_LEAST_MS 1000

static void take_room(struct plan_instance *room, const struct container_spec *spec)
{
    room->cpu_units_free -= spec->cpu_units;
    room->memory_mib_free -= spec->memory_mib;
    for (size_t i = 0; i < spec->ports.len; i++)
        if (spec->ports.items[i].host_port)
            vector_push(&room->ports,
                        (struct plan_port){spec->ports.items[i].host_port, spec->ports.items[i].udp});
}

/* Whether the container that an action is to create is there already: its room is taken then. */
static bool is_there(const struct flight *flight)
{
    const struct container_vec *containers = &flight->service->containers;
    for (size_t i = 0; i < containers->len; i++)
        if (text_equal(containers->items[i]->labels.task, flight->action->task) &&
            text_equal(containers->items[i]->labels.spec.name, flight->action->container))
            return true;
    return false;
}

/* What is free: everything less what lives and what is being created. */
static struct plan_instance_vec room_of(const struct core *core)
{
    struct plan_instance_vec rooms = {0};
    for (size_t i = 0; i < core->instances_len; i++) {
        const struct instance_state *instance = &core->instances[i];
        struct plan_instance room = {.name = instance->name,
                                     .usable = instance->connected && instance->listed,
                                     .reason = instance->message,
                                     .lost_ms = instance->lost_ms,
                                     .cpu_units_free = instance->info.cpu_units,
                                     .memory_mib_free = instance->info.memory_mib};
        map_for_each (&instance->containers, entry) {
            const struct container *container = entry->value;
            if (container->status != CONTAINER_STOPPED)
                take_room(&room, &container->labels.spec);
        }
        vector_push(&rooms, room);
    }
    map_for_each (&core->flights, entry) {
        const struct flight *flight = entry->value;
        if (flight->action->kind != ACTION_CREATE || is_there(flight))
            continue;
        for (size_t i = 0; i < rooms.len; i++)
            if (text_equal(rooms.items[i].name, flight->action->instance))
                take_room(&rooms.items[i], &flight->action->labels.spec);
    }
    return rooms;
}

static void take_output(struct core *core, struct service_state *service, struct plan_output *output,
                        struct effect_vec *effects)
{
    if (output->ledger) {
        core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(output->ledger),
                  output->ledger_message);
        service_ledger_free(service->ledger);
        service->ledger = TAKE(output->ledger);
    }
    free(service->waiting);
    service->waiting = TAKE(output->waiting);
    service->wake_ms = output->wake_ms;
    for (size_t i = 0; i < output->events.len; i++)
        core_add_event(core, service, output->events.items[i]);
    for (size_t i = 0; i < output->actions.len; i++)
        core_launch(core, service, output->actions.items[i], effects);
    output->actions.len = 0; /* taken over */
    if (output->forget) {
        if (service->ledger)
            core_save(effects, LEDGER_SERVICE, service->key, NULL, output->ledger_message);
        core_forget_service(core, service);
    }
}

static void plan(struct core *core, struct service_state *service, struct plan_instance_vec *rooms,
                 struct effect_vec *effects)
{
    struct plan_input input = {.now_ms = core->now_ms,
                               .options = &core->plan,
                               .desired = service->desired,
                               .commit = &core->desired->commit,
                               .ledger = service->ledger,
                               .cluster = service->cluster,
                               .service = service->name,
                               .containers = (const struct container *const *)service->containers.items,
                               .containers_len = service->containers.len,
                               .under_way = (const struct action *const *)service->under_way.items,
                               .under_way_len = service->under_way.len,
                               .failures = &service->failures,
                               .instances = rooms,
                               .memory = &service->memory,
                               .ids = &core->ids};
    struct plan_output output;
    plan_service(&input, &output);
    for (size_t i = 0; i < service->failures.len; i++) {
        free(service->failures.items[i].container);
        free(service->failures.items[i].reason);
    }
    service->failures.len = 0;
    take_output(core, service, &output, effects);
    plan_output_deinit(&output);
}

/* After a start, what runs must be known before anything is decided: wait for every instance, but not for
 * ever. */
static bool is_ready(const struct core *core)
{
    if (!core->desired)
        return false;
    if (core->now_ms >= core->first_ms + core->patience_ms)
        return true;
    for (size_t i = 0; i < core->instances_len; i++)
        if (!core->instances[i].listed)
            return false;
    return true;
}

static bool is_held(const struct core *core, struct service_state *service)
{
    if (service->hold_until_ms <= core->now_ms)
        return false;
    service->wake_ms = service->hold_until_ms;
    free(service->waiting);
    service->waiting = memory_strdup(service->trouble);
    return true;
}

static void wake(struct core *core, struct effect_vec *effects)
{
    int64_t at_ms = 0;
    map_for_each (&core->services, entry) {
        const struct service_state *service = entry->value;
        if (service->wake_ms && (at_ms == 0 || service->wake_ms < at_ms))
            at_ms = service->wake_ms;
    }
    if (at_ms && at_ms <= core->now_ms)
        at_ms = core->now_ms + WAKE_LEAST_MS; /* a wish for the past must not spin the loop */
    if (at_ms == core->wake_ms)
        return;
    core->wake_ms = at_ms;
    vector_push(effects, (struct effect){.kind = EFFECT_WAKE, .at_ms = at_ms});
}

void core_on_turn(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    (void)event;
    core->dirty = false;
    if (core->wake_ms <= core->now_ms)
        core->wake_ms = 0; /* it has struck: a wish for the same time is a new one */
    if (!is_ready(core)) {
        int64_t at_ms = core->first_ms + core->patience_ms;
        if (core->desired && core->wake_ms != at_ms) {
            core->wake_ms = at_ms;
            vector_push(effects, (struct effect){.kind = EFFECT_WAKE, .at_ms = at_ms});
        }
        return;
    }
    struct plan_instance_vec rooms = {0};
    map_for_each (&core->services, entry) {
        struct service_state *service = entry->value;
        bool due = service->dirty || (service->wake_ms && service->wake_ms <= core->now_ms);
        if (!due || is_held(core, service))
            continue;
        if (rooms.len == 0)
            rooms = room_of(core);
        service->dirty = false;
        service->wake_ms = 0;
        plan(core, service, &rooms, effects);
    }
    plan_instance_vec_deinit(&rooms);
    wake(core, effects);
}
