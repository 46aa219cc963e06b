/* Standalone tasks: somebody runs some and stops some. None that the ledger has is lost, none runs twice. */
#include "base/text.h"
#include "manifests.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

#define TOKENS 3 /* clientTokens in use: calls are repeated */

/* What the ledger has said of a task. */
struct fate {
    bool is_to_stop;
    bool stopped;
    bool forgotten;
};

/* --- mischief ------------------------------------------------------------------------------------------- */

/* A host port that is held for ever would leave a service without a place, and rightly so. */
static bool has_host_port(const struct task_definition *definition)
{
    for (size_t c = 0; c < definition->containers.len; c++)
        for (size_t p = 0; p < definition->containers.items[c].ports.len; p++)
            if (definition->containers.items[c].ports.items[p].host_port)
                return true;
    return false;
}

static bool first_has_host_port(const struct world *world, const char *family)
{
    const struct family_ledger *ledger = core_family(world->davit.core, family);
    const struct revision *first = ledger ? family_ledger_revision(ledger, 1) : NULL;
    char *text CLEANUP_FREE = first ? json_dumps(first->json, JSON_COMPACT) : NULL;
    return !text || strstr(text, "hostPort");
}

/* 0: it asks for none. */
static int add_capacity(struct world *world, json_t *request)
{
    int which = world_chance(world, 40) ? world_pick(world, CAPACITIES) : 0;
    if (which == CAPACITY_EC2)
        json_object_set_new(request, "launchType", json_string("EC2"));
    else if (which) {
        char *list CLEANUP_FREE = memory_printf("[%s]", capacities[which].list);
        json_object_set_new(request, "capacityProviderStrategy", json_loads(list, 0, NULL));
    }
    return which;
}

static json_t *some_request(struct world *world, const char *family)
{
    json_t *json = json_pack("{s:s,s:i}", "cluster", "c", "count", 1 + world_pick(world, 4));
    json_object_set_new(json, "taskDefinition",
                        world_chance(world, 20) && !first_has_host_port(world, family)
                            ? json_sprintf("%s:1", family)
                            : json_string(family));
    if (world_chance(world, 30))
        json_object_set_new(json, "group", json_string("batch"));
    if (world_chance(world, 20))
        json_object_set_new(json, "clientToken", json_sprintf("t%d", world_pick(world, TOKENS)));
    if (world_chance(world, 20))
        json_object_set_new(json, "placementConstraints", json_pack("[{s:s}]", "type", "distinctInstance"));
    if (world_chance(world, 20))
        json_object_set_new(
            json, "overrides",
            json_pack("{s:[{s:s,s:[s]}]}", "containerOverrides", "name", "app", "command", "x"));
    return json;
}

void runs_start_some(struct world *world)
{
    char family[8] = {'f', (char)('0' + world_pick(world, SERVICES_MAX))};
    const struct desired *desired = world->davit.core ? core_desired(world->davit.core) : NULL;
    const struct task_definition *definition = desired ? desired_task_definition(desired, family) : NULL;
    if (!definition || has_host_port(definition))
        return;
    struct event event = {.kind = EVENT_RUN_TASK, .run_task = {.request = some_request(world, family)}};
    int which = add_capacity(world, event.run_task.request);
    int count = (int)json_integer_value(json_object_get(event.run_task.request, "count"));
    bool repeats = json_object_get(event.run_task.request, "clientToken");
    world_trace(world, "RunTask %s, strategy %d", family, which);
    davit_step(world, &event);
    if (!repeats && world->davit.core)
        provider_check_runs(world, core_run_outcome(world->davit.core), which, count);
}

void runs_stop_one(struct world *world)
{
    struct view_run_vec runs;
    if (!world->davit.core)
        return;
    core_view_runs(world->davit.core, &runs);
    if (runs.len) {
        const struct run *run = runs.items[world_pick(world, (int)runs.len)].run;
        struct event event = {
            .kind = EVENT_STOP_TASK,
            .stop_task = {.cluster = memory_strdup(run->cluster), .task = memory_strdup(run->id)}};
        world_trace(world, "StopTask %.12s", run->id);
        davit_step(world, &event);
    }
    vector_deinit(&runs);
}

/* --- (t) the ledger ------------------------------------------------------------------------------------- */

static struct fate *fate_of(struct world *world, const char *id)
{
    struct fate *fate = map_get(&world->checker.runs, id);
    world->checker.runs.free_value = free;
    if (!fate) {
        fate = NEW(struct fate);
        map_put(&world->checker.runs, id, fate);
    }
    return fate;
}

void runs_check_saved(struct world *world, const struct ledger_change *change)
{
    if (change->kind != LEDGER_TASK)
        return;
    const json_t *entry = change->entry;
    struct fate *fate = fate_of(world, strchr(change->name, '/') + 1);
    bool adopted = world_keeps_nothing(world); /* T13: what an earlier life asked for came so late */
    if (fate->forgotten && !adopted)
        world_fail(world, "(t) %s: an entry after it was forgotten", change->name);
    if (!entry && !fate->stopped)
        world_fail(world, "(t) %s is forgotten and was not STOPPED", change->name);
    if (entry && !(adopted && fate->forgotten) &&
        ((fate->stopped && !model_int(entry, "stoppedAt")) ||
         (fate->is_to_stop && !model_string(entry, "stopCode"))))
        world_fail(world, "(t) %s goes back", change->name);
    fate->forgotten = !entry;
    fate->is_to_stop |= entry && model_string(entry, "stopCode");
    fate->stopped |= entry && model_int(entry, "stoppedAt");
}

/* --- (t) engine truth ----------------------------------------------------------------------------------- */

static bool says_started(const json_t *entry, const char *container)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(entry, "started"), i, item)
        if (text_equal(json_string_value(item), container))
            return true;
    return false;
}

/* Nothing that has run is to be created again. What an earlier life asked for may still come, and is removed.
 */
void runs_check_action(struct world *world, const struct action *action)
{
    if (action->kind != ACTION_CREATE || !action->labels.group)
        return;
    char *name CLEANUP_FREE = action_container_name(&action->labels);
    if (map_get(&world->checker.ran, name))
        world_fail(world, "(t) %s is to be created again after it ran", name);
}

/* Nothing is created that the ledger does not have, nothing started before the ledger says so, and nothing
 * started that was created again after it had run. */
void runs_check_log(struct world *world, const struct sim_log_entry *entry, const struct container *container)
{
    const struct fate *fate = map_get(&world->checker.runs, entry->task);
    if (!fate && !(container && container->labels.group))
        return;
    char *key CLEANUP_FREE = service_key("c", entry->task);
    const json_t *saved = disk_entry(&world->disk, LEDGER_TASK, key);
    bool late = fate && fate->forgotten && world_keeps_nothing(world) && entry->kind != SIM_LOG_START;
    if (!saved && !late)
        world_fail(world, "(t) %s: %d of a task that the ledger does not have", entry->name, entry->kind);
    if (entry->kind == SIM_LOG_CREATE && map_get(&world->checker.ran, entry->name))
        map_put(&world->checker.again, entry->name, (void *)1);
    if (entry->kind != SIM_LOG_START)
        return;
    if (map_get(&world->checker.again, entry->name))
        world_fail(world, "(t) %s was created again after it ran, and started", entry->name);
    if (entry->by_client && container && !says_started(saved, container->labels.spec->name))
        world_fail(world, "(t) %s was started before that was saved", entry->name);
    map_put(&world->checker.ran, entry->name, (void *)1);
}

/* At the end every task that the ledger has runs or has ended. */
void runs_check_goal(struct world *world)
{
    bool suspended = check_is_suspended(world, NULL);
    map_for_each (&world->checker.runs, entry) {
        const struct fate *fate = entry->value;
        struct view_run view;
        if (fate->forgotten)
            continue;
        if (!core_view_run(world->davit.core, "c", entry->key, &view))
            world_fail(world, "goal: task %.12s is lost", entry->key);
        else if (view.status != TASK_RUNNING && view.status != TASK_STOPPED && !suspended &&
                 !check_waits_for_gpu(world, view.waiting))
            world_fail(world, "goal: task %.12s is %s: %s", entry->key,
                       task_last_status(&(struct task){.status = view.status}),
                       view.waiting ? view.waiting : "no reason");
        else if (view.status == TASK_STOPPED && !suspended && !pre_is_kept(world, view.run))
            world_fail(world, "goal: task %.12s is not forgotten: %s", entry->key,
                       view.waiting ? view.waiting : "no reason");
    }
}
