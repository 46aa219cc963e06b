/* The wiring of daemon/runtime.c, with the world instead of a loop. */
#include "base/text.h"
#include "daemon/inputs.h"
#include "engine/pause_image.h"
#include "world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- what the parts report */

static void on_connected(void *data, const struct instance_info *info)
{
    struct host *host = data;
    struct event event;
    input_connected(host->name, info, &event);
    davit_step(host->world, &event);
}

static void on_listed(void *data, const struct container_vec *containers)
{
    struct host *host = data;
    struct event event;
    input_listed(host->name, containers, &event);
    davit_step(host->world, &event);
}

static void on_changed(void *data, const struct container *container)
{
    struct host *host = data;
    struct event event;
    input_container(host->name, container, &event);
    davit_step(host->world, &event);
}

static void on_gone(void *data, const char *container_id)
{
    struct host *host = data;
    struct event event;
    input_gone(host->name, container_id, &event);
    davit_step(host->world, &event);
}

static void on_heard(void *data)
{
    struct host *host = data;
    host->heard_ms = host->world->now_ms;
}

static void on_disconnected(void *data, const struct error *cause)
{
    struct host *host = data;
    struct event event;
    input_disconnected(host->name, cause, host->heard_ms ? host->world->now_ms - host->heard_ms : 0, &event);
    davit_step(host->world, &event);
}

static struct engine *on_engine(void *data, const char *instance)
{
    struct world *world = data;
    for (int i = 0; i < world->hosts_len; i++)
        if (text_equal(world->hosts[i].name, instance))
            return sim_engine(world->hosts[i].sim);
    return NULL;
}

static void on_done(void *data, const struct act_outcome *outcome)
{
    struct world *world = data;
    struct event event;
    input_action_done(outcome, &event);
    for (int i = 0; i < world->hosts_len; i++) {
        struct host *host = &world->hosts[i];
        if ((!outcome->container && !outcome->gone) || !text_equal(host->name, outcome->instance))
            continue;
        on_heard(host);
        engine_watch_overtake(host->watch, outcome->container_id, outcome->container);
    }
    davit_step(data, &event);
}

static void on_progress(void *data, uint64_t action_id, const struct act_progress *progress)
{
    struct event event;
    input_progress(action_id, progress, &event);
    davit_step(data, &event);
}

/* --- steps */

static void trace_event(struct world *world, const struct event *event)
{
    if (!world->trace || event->kind == EVENT_PROGRESS || event->kind == EVENT_TURN)
        return;
    const struct container *container = event->kind == EVENT_CONTAINER     ? event->engine.container
                                        : event->kind == EVENT_ACTION_DONE ? event->action.container
                                                                           : NULL;
    char *state CLEANUP_FREE =
        container
            ? memory_printf(" %s %s %s %s",
                            container->labels.group ? container->labels.group : container->labels.service,
                            container->name, container_status_name(container->status),
                            health_status_name(container->health))
            : memory_strdup("");
    if (event->kind == EVENT_ACTION_DONE)
        world_trace(world, "done %llu: %d %s%s%s", (unsigned long long)event->action.id, event->action.code,
                    event->action.message ? event->action.message : "", state,
                    event->action.gone ? " gone" : "");
    else if (event->kind == EVENT_LISTED)
        world_trace(world, "%s listed: %zu containers", event->engine.instance, event->engine.containers.len);
    else if (event->kind >= EVENT_CONNECTED && event->kind <= EVENT_GONE)
        world_trace(world, "%s %s%s%s%s", event->engine.instance, event_kind_name(event->kind), state,
                    event->engine.message ? " " : "", event->engine.message ? event->engine.message : "");
    else
        world_trace(world, "event %s", event_kind_name(event->kind));
}

static void trace_effects(struct world *world, const struct effect_vec *effects, size_t from)
{
    for (size_t i = from; world->trace && i < effects->len; i++) {
        const struct effect *effect = &effects->items[i];
        if (effect->kind == EFFECT_SAVE)
            world_trace(world, "  save %s", effect->change.message);
        else if (effect->kind == EFFECT_ACT)
            world_trace(world, "  act %llu: %s %s of %s/%.12s on %s: %s",
                        (unsigned long long)effect->action->id, action_kind_name(effect->action->kind),
                        effect->action->container, effect->action->service ? effect->action->service : "",
                        effect->action->task, effect->action->instance, effect->action->reason);
        else if (effect->kind == EFFECT_LIST)
            world_trace(world, "  list %s", effect->instance);
        else
            world_trace(world, "  wake at %+lld ms",
                        effect->at_ms ? (long long)(effect->at_ms - world->now_ms) : 0LL);
    }
}

static json_t *effects_from(const struct effect_vec *effects, size_t from)
{
    const struct effect_vec added = {.items = effects->items + from, .len = effects->len - from};
    return effects_to_json(&added);
}

#define SNAPSHOT_AT 100

static int join_part(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

void davit_step(struct world *world, struct event *event)
{
    struct davit *davit = &world->davit;
    enum event_kind kind = event->kind;
    if (world->failed || !davit->core) {
        event_deinit(event);
        return;
    }
    event->now_ms = world->now_ms;
    event->seed = world_random(world) & INT64_MAX;
    size_t before = davit->effects.len;
    struct record record = {0};
    if (davit->recording && davit->records.len == SNAPSHOT_AT) {
        davit->snapshot = json_object();
        core_snapshot(davit->core, join_part, davit->snapshot);
        davit->snapshot_at = SNAPSHOT_AT;
    }
    trace_event(world, event);
    check_before(world, event);
    core_thin(davit->core, event);
    record.event = davit->recording ? event_to_json(event) : NULL;
    core_step(davit->core, event, &davit->effects);
    world->steps++;
    trace_effects(world, &davit->effects, before);
    for (size_t i = before; i < davit->effects.len; i++)
        if (davit->effects.items[i].kind == EFFECT_ACT)
            runs_check_action(world, davit->effects.items[i].action);
    check_after(world, kind, &davit->effects, before);
    if (davit->recording) {
        record.effects = effects_from(&davit->effects, before);
        vector_push(&davit->records, record);
    }
}

/* Some effects may be the last thing that davit does. */
static void carry_out(struct world *world)
{
    struct davit *davit = &world->davit;
    struct effect_vec effects = davit->effects;
    struct ledger_change_vec changes = {0};
    struct action_vec actions = {0};
    memset(&davit->effects, 0, sizeof davit->effects);
    bool dies = davit->dies_after >= 0 && (size_t)davit->dies_after < effects.len;
    size_t len = dies ? (size_t)davit->dies_after : effects.len;
    for (size_t i = 0; i < len; i++) {
        struct effect *effect = &effects.items[i];
        switch (effect->kind) {
        case EFFECT_SAVE:
            vector_push(&changes, effect->change);
            memset(&effect->change, 0, sizeof effect->change);
            break;
        case EFFECT_ACT:
            vector_push(&actions, TAKE(effect->action));
            break;
        case EFFECT_LIST:
            for (int h = 0; h < world->hosts_len; h++)
                if (text_equal(world->hosts[h].name, effect->instance))
                    engine_watch_relist(world->hosts[h].watch);
            break;
        case EFFECT_WAKE:
            davit->wake_ms = effect->at_ms;
            break;
        case EFFECT_ROOTS:
            repo_ask(world, effect);
            break;
        }
    }
    effect_vec_deinit(&effects);
    if (changes.len || actions.len)
        disk_give(world, &changes, &actions);
    if (davit->dies_after >= 0)
        davit->dies_after -= (int)len;
    if (dies)
        davit_kill(world);
}

void davit_settle(struct world *world)
{
    struct davit *davit = &world->davit;
    for (int turns = 0; davit->core && core_is_dirty(davit->core) && !world->failed; turns++) {
        davit_step(world, &(struct event){.kind = EVENT_TURN});
        if (turns > 100)
            world_fail(world, "turn after turn without a rest");
    }
    if (davit->core && davit->effects.len && !world->failed)
        carry_out(world);
}

/* --- life */

static void load_ledger(struct world *world)
{
    static const struct {
        const char *prefix;
        enum ledger_change_kind kind;
    } kinds[] = {{"source/", LEDGER_SOURCE},   {"family/", LEDGER_FAMILY},
                 {"service/", LEDGER_SERVICE}, {"suspension/", LEDGER_SUSPENSION},
                 {"task/", LEDGER_TASK},       {"schedule/", LEDGER_SCHEDULE}};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        map_for_each (&world->disk.entries, entry) {
            struct event event;
            if (!text_starts_with(entry->key, kinds[k].prefix))
                continue;
            input_ledger(kinds[k].kind, strchr(entry->key, '/') + 1, entry->value, &event);
            davit_step(world, &event);
        }
    }
}

static struct core *make_core(const struct world *world)
{
    const char *names[HOSTS_MAX];
    for (int i = 0; i < world->hosts_len; i++)
        names[i] = world->hosts[i].name;
    const struct core_options options = {
        .owner = OWNER,
        .instances = names,
        .instances_len = (size_t)world->hosts_len,
        .stopped_retention_ms = world_keeps_nothing(world) ? 0 : STOPPED_RETENTION_MS,
        .stopped_kept = STOPPED_KEPT,
        .deletion = {world_has_budget(world) ? BUDGET_SERVICES : 0, BUDGET_PERCENT},
        .lost_after_ms = LOST_AFTER_MS,
        .patience_ms = PATIENCE_MS};
    return core_new(&options);
}

static int on_blob(void *data, const char *oid, char **ret_content, size_t *ret_len, struct error *err)
{
    (void)data;
    *ret_content = repo_blob(oid);
    *ret_len = *ret_content ? strlen(*ret_content) : 0;
    return *ret_content ? 0 : error_set(err, ERROR_NOT_FOUND, "no commit has it");
}

void davit_start(struct world *world)
{
    struct davit *davit = &world->davit;
    const json_t *source = disk_entry(&world->disk, LEDGER_SOURCE, "default");
    const struct act_options act = {.stores = {.blob = on_blob, .data = world},
                                    .engine = on_engine,
                                    .done = on_done,
                                    .progress = on_progress,
                                    .pause_image = &pause_image,
                                    .data = world};
    world_trace(world, "davit starts");
    davit->core = make_core(world);
    davit->act = act_new(&act);
    davit->restart_ms = davit->wake_ms = 0;
    davit->dies_after = -1;
    check_begin_life(world);
    if (world->skew_ms)
        davit_step(world, &(struct event){.kind = EVENT_CLOCK, .clock = {world->skew_ms, 0}});
    load_ledger(world);
    for (int i = 0; i < world->hosts_len; i++) {
        const struct engine_watch_listener listener = {.connected = on_connected,
                                                       .listed = on_listed,
                                                       .changed = on_changed,
                                                       .gone = on_gone,
                                                       .disconnected = on_disconnected,
                                                       .heard = on_heard,
                                                       .data = &world->hosts[i]};
        world->hosts[i].watch =
            engine_watch_new(sim_engine(world->hosts[i].sim), world->hosts[i].name, OWNER, &listener);
    }
    repo_restart(world, json_object_get(source, "roots"),
                 json_string_value(json_object_get(json_object_get(source, "deployed"), "oid")));
}

static void records_clear(struct davit *davit)
{
    for (size_t i = 0; i < davit->records.len; i++) {
        json_decref(davit->records.items[i].event);
        json_decref(davit->records.items[i].effects);
    }
    vector_deinit(&davit->records);
    json_decref(davit->snapshot);
    davit->snapshot = NULL;
}

void davit_kill(struct world *world)
{
    struct davit *davit = &world->davit;
    if (!davit->core)
        return;
    world_trace(world, "davit is killed");
    davit_replay(world);
    for (int i = 0; i < world->hosts_len; i++) {
        engine_watch_free(world->hosts[i].watch);
        world->hosts[i].watch = NULL;
    }
    act_free(davit->act);
    for (int i = 0; i < world->hosts_len; i++)
        engine_free(sim_engine(world->hosts[i].sim));
    core_free(davit->core);
    davit->core = NULL;
    davit->act = NULL;
    effect_vec_deinit(&davit->effects);
    records_clear(davit);
    disk_crash(world);
    davit->wake_ms = 0;
    int most_ms = world_chance(world, 70) ? 2000 : world_chance(world, 80) ? 60000 : 200000;
    davit->restart_ms = world->now_ms + 1 + world_pick(world, most_ms);
}

/* --- replay */

static void tell_difference(struct world *world, size_t first, size_t at, const json_t *again)
{
    const struct record *record = &world->davit.records.items[at];
    size_t e = 0;
    while (e < json_array_size(again) &&
           json_equal(json_array_get(again, e), json_array_get(record->effects, e)))
        e++;
    char *event CLEANUP_FREE = json_dumps(record->event, JSON_COMPACT);
    char *then CLEANUP_FREE = json_dumps(json_array_get(record->effects, e), JSON_COMPACT);
    char *now CLEANUP_FREE = json_dumps(json_array_get(again, e), JSON_COMPACT);
    world_fail(world, "replay from %zu: event %zu %.500s, effect %zu was %.2000s and is %.2000s", first, at,
               event, e, then ? then : "absent", now ? now : "absent");
}

static void replay_from(struct world *world, struct core *core, size_t first)
{
    for (size_t i = first; i < world->davit.records.len && !world->failed; i++) {
        const struct record *record = &world->davit.records.items[i];
        struct event event;
        struct effect_vec effects = {0};
        struct error err = ERROR_INIT;
        if (event_from_json(record->event, &event, &err) < 0) {
            world_fail(world, "replay: a recorded event is not readable: %s", error_text(&err));
            return;
        }
        core_step(core, &event, &effects);
        json_t *again = effects_to_json(&effects);
        if (!json_equal(again, record->effects))
            tell_difference(world, first, i, again);
        json_decref(again);
        effect_vec_deinit(&effects);
    }
}

void davit_replay(struct world *world)
{
    struct davit *davit = &world->davit;
    if (!davit->recording || !davit->records.len || world->failed)
        return;
    struct core *fresh CLEANUP(core_freep) = make_core(world);
    replay_from(world, fresh, 0);
    struct core *restored CLEANUP(core_freep) = NULL;
    struct error err = ERROR_INIT;
    if (!davit->snapshot || world->failed)
        return;
    if (core_restore(davit->snapshot, &restored, &err) < 0)
        world_fail(world, "replay: the snapshot is not readable: %s", error_text(&err));
    else
        replay_from(world, restored, davit->snapshot_at);
}
