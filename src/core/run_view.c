/* Views of standalone tasks. */
#include "core/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void build_tasks(const struct core *core, const struct service_state *state, int64_t now_ms,
                        struct task_vec *ret_tasks)
{
    const struct plan_input input = {.now_ms = now_ms,
                                     .options = &core->plan,
                                     .desired = state->desired,
                                     .run = state->run,
                                     .cluster = state->cluster,
                                     .key = state->key,
                                     .containers = (const struct container *const *)state->containers.items,
                                     .containers_len = state->containers.len,
                                     .under_way = (const struct action *const *)state->under_way.items,
                                     .under_way_len = state->under_way.len};
    const struct task_roll_up options = {.now_ms = now_ms, .memory = &state->memory};
    task_vec_build(&input, &options, ret_tasks);
    int64_t since_ms;
    for (size_t i = 0; i < ret_tasks->len; i++)
        if (core_instance_is_lost(core, ret_tasks->items[i].instance, &since_ms))
            ret_tasks->items[i].health = HEALTH_UNKNOWN;
}

/* Of what the entry does not say: it is STOPPED when that is saved, and not before. */
static enum task_status status_of(const struct core *core, const struct service_state *state)
{
    struct task_vec tasks;
    if (state->run->stopped_ms)
        return TASK_STOPPED;
    if (state->run->stop_code)
        return TASK_STOPPING;
    build_tasks(core, state, core->now_ms, &tasks);
    enum task_status status = tasks.len ? tasks.items[0].status : TASK_PENDING;
    task_vec_deinit(&tasks);
    /* Without a commit nothing is planned, and T10 notes no end. */
    return status == TASK_STOPPED && core->desired ? TASK_STOPPING : status;
}

static struct view_run view_of(const struct core *core, const struct service_state *state)
{
    return (struct view_run){.run = state->run,
                             .waiting = state->waiting ? state->waiting : core_pull_failure(core, state),
                             .status = status_of(core, state)};
}

bool core_view_run(const struct core *core, const char *cluster, const char *id, struct view_run *ret_view)
{
    assert(core);
    assert(ret_view);
    const struct service_state *state = core_run_state(core, cluster, id);
    if (state)
        *ret_view = view_of(core, state);
    return state;
}

static int compare(const void *a, const void *b)
{
    const struct run *left = ((const struct view_run *)a)->run;
    const struct run *right = ((const struct view_run *)b)->run;
    int r = strcmp(left->cluster, right->cluster);
    if (r)
        return r;
    if (left->created_ms != right->created_ms)
        return left->created_ms > right->created_ms ? -1 : 1;
    return strcmp(left->id, right->id);
}

void core_view_runs(const struct core *core, struct view_run_vec *ret_runs)
{
    assert(core);
    assert(ret_runs);
    memset(ret_runs, 0, sizeof *ret_runs);
    map_for_each (&core->runs, entry) {
        vector_push(ret_runs, view_of(core, entry->value));
    }
    vector_sort(ret_runs, compare);
}

void core_view_run_tasks(const struct core *core, const char *cluster, const char *id, int64_t now_ms,
                         struct task_vec *ret_tasks)
{
    assert(core);
    assert(ret_tasks);
    const struct service_state *state = core_run_state(core, cluster, id);
    memset(ret_tasks, 0, sizeof *ret_tasks);
    if (state)
        build_tasks(core, state, now_ms, ret_tasks);
}
