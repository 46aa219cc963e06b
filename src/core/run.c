/* Standalone tasks: RunTask and StopTask. Rows T of plan/README.md say what becomes of them. */
#include "base/text.h"
#include "core/state.h"
#include "manifest/override.h"
#include "model/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what is known of them ------------------------------------------------------------------------------ */

struct service_state *core_run_state(const struct core *core, const char *cluster, const char *id)
{
    assert(core);
    assert(cluster && id);
    char *key CLEANUP_FREE = service_key(cluster, id);
    return map_get(&core->runs, key);
}

struct run *core_run_of_json(const json_t *json)
{
    struct run *run CLEANUP(run_freep) = NULL;
    const json_t *definition = json_object_get(json_object_get(json, "taskDefinition"), "json");
    if (run_from_json(json, &run) < 0 ||
        (definition && manifest_task_definition(definition, run->revision, &run->task_definition) < 0))
        return NULL;
    return TAKE(run);
}

void core_set_run(struct service_state *state, struct run *run)
{
    assert(state);
    assert(run);
    bool same = state->run && state->run->task_definition == run->task_definition;
    run_free(state->run);
    state->run = run;
    if (same)
        return;
    service_unref(state->desired);
    state->desired = run_content(run);
}

struct service_state *core_put_run(struct core *core, struct run *run)
{
    assert(core);
    assert(run);
    struct service_state *state = core_run_state(core, run->cluster, run->id);
    if (!state) {
        state = NEW(struct service_state);
        state->cluster = memory_strdup(run->cluster);
        state->key = service_key(run->cluster, run->id);
        state->group = memory_strdup(run->group);
        state->memory.stopping = MAP_INIT(free);
        state->troubles = MAP_INIT(trouble_free);
        map_put(&core->runs, state->key, state);
    }
    core_set_run(state, run);
    return state;
}

struct service_state *core_owner_of(struct core *core, const struct container *container, bool create)
{
    assert(core);
    assert(container);
    const struct task_labels *labels = &container->labels;
    if (!labels->group)
        return core_service_of_task(core, labels, create);
    struct service_state *state = core_run_state(core, labels->cluster, labels->task);
    return state || !create ? state : core_put_run(core, run_of_container(container)); /* T13 */
}

void core_forget_run(struct core *core, struct service_state *state)
{
    assert(core);
    assert(state->run);
    assert(state->containers.len == 0);
    assert(state->under_way.len == 0);
    assert(state->booked.len == 0);
    char *key CLEANUP_FREE = memory_strdup(state->key);
    core_wake_at(core, state, 0);
    core_await_room(core, state, false);
    if (state->dirty)
        core_unlist(&core->marked, state);
    map_remove(&core->runs, key);
}

/* Whether both have stopped and have containers that stay for a look at their logs. */
static bool is_kept_beside(const struct service_state *state, const struct service_state *other)
{
    return other != state && other->containers.len && other->run->stopped_ms &&
           text_equal(other->cluster, state->cluster) && text_equal(other->group, state->group);
}

static bool is_newer(const struct run *run, const struct run *than)
{
    return run->stopped_ms != than->stopped_ms ? run->stopped_ms > than->stopped_ms
                                               : strcmp(run->id, than->id) < 0;
}

bool core_is_surplus(const struct core *core, const struct service_state *state)
{
    assert(core);
    assert(state->run);
    if (!state->run->stopped_ms || state->containers.len == 0)
        return false;
    int newer = 0;
    map_for_each (&core->runs, entry) {
        const struct service_state *other = entry->value;
        newer += is_kept_beside(state, other) && is_newer(other->run, state->run);
    }
    return newer >= core->plan.stopped_kept;
}

void core_run_ended(struct core *core, const struct service_state *state)
{
    assert(core);
    assert(state->run && state->run->stopped_ms);
    core_pre_deploy_ended(core, state->run);
    core->schedules_changed = true;
    core->dirty = true;
    map_for_each (&core->runs, entry) {
        struct service_state *other = entry->value;
        if (is_kept_beside(state, other))
            core_mark(core, other);
    }
}

/* --- RunTask -------------------------------------------------------------------------------------------- */

void run_outcome_deinit(struct run_outcome *outcome)
{
    assert(outcome);
    string_vec_deinit(&outcome->tasks);
    string_vec_deinit(&outcome->warnings);
    plan_lack_vec_deinit(&outcome->lacks);
    memset(outcome, 0, sizeof *outcome);
}

const struct run_outcome *core_run_outcome(const struct core *core)
{
    assert(core);
    return core->outcome;
}

/* ECS's words, and then whose. */
static int no_definition(const struct core *core, const char *family, const struct task_definition *current,
                         int64_t number, struct error *err)
{
    struct string_vec names CLEANUP(string_vec_deinit) = {0};
    for (size_t i = 0; i < core->desired->task_definitions.len; i++)
        vector_push(&names, memory_strdup(core->desired->task_definitions.items[i]->family));
    const char *near = text_nearest(family, (const char *const *)names.items, names.len);
    if (current)
        return error_set(err, ERROR_NOT_FOUND,
                         "TaskDefinition not found. Family %s has no revision %lld: the newest is %d", family,
                         (long long)number, current->revision);
    return error_set(err, ERROR_NOT_FOUND, "TaskDefinition not found. There is no family \"%.255s\"%s%s%s",
                     family, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static const struct commit *commit_of(const struct core *core, const char *family)
{
    const struct core_source *source = core_source_of_family(core, family);
    return source && source->desired ? &source->desired->commit : &core->desired->commit;
}

/* The definition of a family that the repository has, in the revision that is asked for. */
static int find_definition(const struct core *core, const char *name, struct task_definition **ret_definition,
                           struct error *err)
{
    const char *colon = strchr(name, ':');
    char *family CLEANUP_FREE = colon ? memory_strndup(name, (size_t)(colon - name)) : memory_strdup(name);
    const struct family_ledger *ledger = core_family(core, family);
    struct task_definition *current = desired_task_definition(core->desired, family);
    int64_t number = current ? current->revision : 0;
    if (colon && text_to_int64(colon + 1, 1, INT32_MAX, &number) < 0)
        return error_set(err, ERROR_INVALID, "\"%s\" is no task definition: expected web or web:3", name);
    if (!current && ledger)
        return error_set(err, ERROR_NOT_FOUND,
                         "TaskDefinition is inactive: family %s has left the repository", family);
    if (!current)
        return no_definition(core, family, NULL, 0, err);
    if (number == current->revision) {
        *ret_definition = task_definition_ref(current);
        return 0;
    }
    const struct revision *revision = ledger ? family_ledger_revision(ledger, (int)number) : NULL;
    if (revision && manifest_task_definition(revision->json, (int)number, ret_definition) == 0)
        return 0;
    if (!ledger || number > (int64_t)ledger->revisions.len)
        return no_definition(core, family, current, number, err);
    return error_set(err, ERROR_NOT_FOUND, "TaskDefinition is inactive: its content is not kept any more");
}

/* With the overrides of this run. */
static int make_definition(const struct core *core, const struct run_request *request,
                           struct task_definition **ret_definition, struct error *err)
{
    struct task_definition *found CLEANUP(task_definition_unrefp) = NULL;
    if (request->definition) {
        *ret_definition = task_definition_ref(request->definition);
        return 0;
    }
    int r = find_definition(core, request->task_definition, &found, err);
    if (r == 0 && request->overrides)
        return manifest_override(found, request->overrides, ret_definition, err);
    *ret_definition = TAKE(found);
    return r;
}

static int check_cluster(const struct core *core, const struct run_request *request, struct error *err)
{
    if (!core->desired || !desired_cluster(core->desired, request->cluster))
        return error_set(err, ERROR_NOT_FOUND, "Cluster not found. There is no cluster \"%.255s\"",
                         request->cluster);
    char *suspended CLEANUP_FREE = core_cluster_suspended(core, request->cluster);
    if (suspended)
        return error_set(err, ERROR_UNAVAILABLE, "cluster %s is %s: nothing is started in it",
                         request->cluster, suspended);
    if (core->runs.len + (size_t)request->count > LIMIT_STANDALONE_TASKS)
        return error_set(
            err, ERROR_LIMIT,
            "%u standalone tasks are known, at most %d (LIMIT_STANDALONE_TASKS): those that have "
            "stopped are forgotten after their retention",
            core->runs.len, LIMIT_STANDALONE_TASKS);
    return 0;
}

/* Whether the token has been used; then the outcome is that of the first call, or that they differ. */
static bool is_repeated(const struct core *core, const struct run_request *request,
                        struct run_outcome *outcome)
{
    bool found = false;
    map_for_each (&core->runs, entry) {
        const struct run *run = ((const struct service_state *)entry->value)->run;
        if (!request->client_token || !text_equal(run->client_token, request->client_token) ||
            !text_equal(run->cluster, request->cluster))
            continue;
        found = true;
        vector_push(&outcome->tasks, memory_strdup(run->id));
        if (!digest_equal(&run->request, &request->digest))
            error_set(&outcome->error, ERROR_CONFLICT,
                      "the clientToken is in use for a RunTask that asks for something else");
    }
    return found;
}

static struct run *new_run(struct core *core, const struct run_request *request,
                           struct task_definition *definition)
{
    struct run *run = NEW(struct run);
    *run = (struct run){.cluster = memory_strdup(request->cluster),
                        .group = request->group ? memory_strdup(request->group)
                                                : memory_printf("family:%s", definition->family),
                        .started_by = memory_strdup(request->started_by),
                        .client_token = memory_strdup(request->client_token),
                        .request = request->digest,
                        .family = memory_strdup(definition->family),
                        .revision = definition->revision,
                        .task_definition = task_definition_ref(definition),
                        .overrides = json_incref((json_t *)(uintptr_t)request->overrides),
                        .created_ms = core->now_ms};
    id_draw_hex(&core->ids, run->id);
    snprintf(run->commit, sizeof run->commit, "%s",
             request->commit ? request->commit : commit_of(core, definition->family)->oid);
    return run;
}

/* T1. */
static const struct plan_instance *place(struct core *core, const struct run *run,
                                         const struct run_request *request, struct run_outcome *outcome)
{
    struct string_vec beside CLEANUP(string_vec_deinit) = {0};
    struct cluster *cluster = desired_cluster(core->desired, run->cluster);
    char *key CLEANUP_FREE = service_key(run->cluster, run->id);
    struct service *content CLEANUP(service_unrefp) = run_content(run);
    content->desired_count = request->count;
    content->launch_type = model_string(request->placement, "launchType") != NULL;
    placement_constraints_from_json(request->placement, &content->constraints);
    placement_strategies_from_json(request->placement, &content->strategies);
    capacity_items_from_json(json_object_get(request->placement, "capacityProviderStrategy"),
                             &content->capacity);
    for (size_t i = 0; i < outcome->tasks.len; i++)
        vector_push(&beside, memory_strdup(
                                 core_run_state(core, run->cluster, outcome->tasks.items[i])->run->instance));
    if (content->strategies.len == 0)
        vector_push(&content->strategies, (struct placement_strategy){.type = PLACEMENT_RANDOM});
    const struct plan_input input = {.now_ms = core->now_ms,
                                     .options = &core->plan,
                                     .desired = content,
                                     .run = run,
                                     .cluster = run->cluster,
                                     .key = key,
                                     .instances = &core->rooms,
                                     .declared = cluster ? &cluster->instances : NULL,
                                     .capacity = cluster && request->placement ? &cluster->capacity : NULL,
                                     .beside = &beside,
                                     .fleet = core_fleet(core, cluster)};
    struct plan_output output;
    const struct plan_instance *instance = plan_place(&input, &output, &outcome->lacks);
    plan_room_give(&core->rooms, &output.booked);
    plan_output_deinit(&output);
    return instance;
}

static bool start_one(struct core *core, const struct run_request *request,
                      struct task_definition *definition, struct effect_vec *effects,
                      struct run_outcome *outcome)
{
    struct run *run CLEANUP(run_freep) = new_run(core, request, definition);
    const struct plan_instance *instance = place(core, run, request, outcome);
    if (!instance)
        return false;
    run->instance = memory_strdup(instance->name);
    vector_push(&outcome->tasks, memory_strdup(run->id));
    struct service_state *state = core_put_run(core, TAKE(run));
    char *message CLEANUP_FREE =
        memory_printf("%s: RunTask %s:%d on %s, group %s", state->key, definition->family,
                      definition->revision, instance->name, state->group);
    core_save(effects, LEDGER_TASK, state->key, run_to_json(state->run), message);
    core_book(core, state);
    core_mark(core, state);
    return true;
}

void core_run_task(struct core *core, const struct run_request *request, struct effect_vec *effects,
                   struct run_outcome *ret_outcome)
{
    assert(core);
    assert(request->cluster && request->task_definition);
    assert(request->count >= 1 && request->count <= LIMIT_RUN_COUNT);
    struct task_definition *definition CLEANUP(task_definition_unrefp) = NULL;
    *ret_outcome = (struct run_outcome){0};
    /* What was started is so, whatever has become of its cluster. */
    if (is_repeated(core, request, ret_outcome) || check_cluster(core, request, &ret_outcome->error) < 0 ||
        make_definition(core, request, &definition, &ret_outcome->error) < 0)
        return;
    core_room_refresh(core);
    core_book_marked(core);
    int left = request->count;
    while (left > 0 && start_one(core, request, definition, effects, ret_outcome))
        left--;
    if (ret_outcome->tasks.len == 0 && ret_outcome->lacks.len == 0)
        error_set(&ret_outcome->error, ERROR_INVALID, "No Container Instances were found in your cluster.");
}

void core_on_run_task(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    struct run_request request;
    if (core->outcome)
        run_outcome_deinit(core->outcome);
    else
        core->outcome = NEW(struct run_outcome);
    if (run_request_read(event->run_task.request, &request, &core->outcome->error) == 0)
        core_run_task(core, &request, effects, core->outcome);
    run_request_warn(event->run_task.request, &core->outcome->warnings);
}

/* --- StopTask ------------------------------------------------------------------------------------------- */

void core_stop_task(struct core *core, struct service_state *state, const char *reason,
                    struct effect_vec *effects)
{
    assert(core);
    assert(state->run);
    if (state->run->stop_code)
        return;
    struct run *run = run_copy(state->run);
    run_stop(run, STOP_CODE_USER, reason ? reason : "Task stopped by user", core->now_ms);
    char *message CLEANUP_FREE = memory_printf("%s: StopTask: %s", state->key, run->stop_reason);
    core_save(effects, LEDGER_TASK, state->key, run_to_json(run), message);
    core_set_run(state, run);
    core_mark(core, state);
    core_pre_deploy_stops(core, run);
}

void core_on_stop_task(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    struct service_state *state = core_run_state(core, event->stop_task.cluster, event->stop_task.task);
    if (state && !core_is_suspended(core, state)) /* else another command came in between */
        core_stop_task(core, state, event->stop_task.reason, effects);
}
