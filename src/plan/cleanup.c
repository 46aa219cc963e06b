/* Rows G1 to G4. */
#include "plan/pass.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void remove_container(struct pass *pass, const struct task *task, const struct container *container)
{
    if (life_is_under_way(task, container->labels.spec->name))
        return;
    struct action *action = life_act(pass, task, ACTION_REMOVE, container->labels.spec->name);
    action->container_id = memory_strdup(container->id);
}

static int compare_age(const void *a, const void *b)
{
    const struct task *left = *(const struct task *const *)a;
    const struct task *right = *(const struct task *const *)b;
    if (left->stopped_ms != right->stopped_ms)
        return left->stopped_ms > right->stopped_ms ? -1 : 1;
    return strcmp(left->id, right->id);
}

struct stopped_vec VECTOR_OF(const struct task *);

/* Newest first. */
static struct stopped_vec stopped_tasks(const struct pass *pass)
{
    struct stopped_vec stopped = {0};
    for (size_t i = 0; i < pass->tasks.len; i++)
        if (pass->tasks.items[i].status == TASK_STOPPED && pass->tasks.items[i].containers_len)
            vector_push(&stopped, &pass->tasks.items[i]);
    vector_sort(&stopped, compare_age);
    return stopped;
}

/* The stopped essential containers go last: they are what tells a task that has stopped from one that is
 * still being created, also after a restart between two removals. */
static bool is_evidence(const struct container *container)
{
    return container->labels.spec->essential && container->status == CONTAINER_STOPPED;
}

/* G2, G3 when it is due, else G4. Of the evidence the pause container goes last: engines may refuse to remove
 * what others have joined. */
static void remove_containers(struct pass *pass, const struct task *task, bool is_due)
{
    size_t evidence = 0;
    for (size_t i = 0; i < task->containers_len; i++)
        evidence += is_evidence(task->containers[i]);
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        bool joined = container_is_internal(container->labels.spec->name) && task->containers_len > 1;
        bool last = joined || (is_evidence(container) && evidence < task->containers_len);
        if (container->status == CONTAINER_CREATED || (is_due && !last))
            remove_container(pass, task, container);
    }
}

void pass_cleanup(struct pass *pass)
{
    assert(pass);
    const struct plan_options *options = pass->in->options;
    struct stopped_vec stopped = stopped_tasks(pass);
    for (size_t i = 0; i < stopped.len; i++) {
        const struct task *task = stopped.items[i];
        const struct plan_instance *instance = placement_instance(pass->in->instances, task->instance);
        if (!instance || !instance->usable)
            continue;
        int64_t due_ms = task->stopped_ms + options->stopped_retention_ms;
        bool is_due = !pass->in->desired || (int)i >= options->stopped_kept || due_ms <= pass->in->now_ms;
        if (!is_due)
            pass_wake(pass, due_ms);
        remove_containers(pass, task, is_due);
    }
    vector_deinit(&stopped);
}
