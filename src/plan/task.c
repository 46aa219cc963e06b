#include "base/text.h"
#include "plan/pass.h"
#include "plan/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_names[] = {"PENDING", "RUNNING", "STOPPING", "STOPPED"};

const struct container *task_container(const struct task *task, const char *name)
{
    assert(task);
    assert(name);
    for (size_t i = 0; i < task->containers_len; i++)
        if (text_equal(task->containers[i]->labels.spec->name, name))
            return task->containers[i];
    return NULL;
}

static bool others_run(const struct task *task, const struct container *container)
{
    for (size_t i = 0; i < task->containers_len; i++)
        if (task->containers[i] != container && task->containers[i]->status == CONTAINER_RUNNING)
            return true;
    return false;
}

const char *task_last_status(const struct task *task)
{
    assert(task);
    assert((size_t)task->status < ARRAY_LEN(status_names));
    const struct container *pause = task_container(task, PAUSE_CONTAINER);
    bool runs = pause && pause->status == CONTAINER_RUNNING;
    bool comes = life_is_under_way(task, PAUSE_CONTAINER) || (pause && pause->status == CONTAINER_CREATED);
    if (task->status == TASK_PENDING && !runs && comes)
        return "PROVISIONING";
    if (task->status == TASK_STOPPING && runs && !others_run(task, pause))
        return "DEPROVISIONING";
    return status_names[task->status];
}

static struct task *task_of(struct task_vec *tasks, struct map *index, const char *id)
{
    size_t at = (size_t)(uintptr_t)map_get(index, id);
    if (at)
        return &tasks->items[at - 1];
    vector_push(tasks, (struct task){0});
    struct task *task = &tasks->items[tasks->len - 1];
    memcpy(task->id, id, sizeof task->id);
    map_put(index, id, (void *)(uintptr_t)tasks->len);
    return task;
}

static void identify(struct task *task, const char *instance, const struct task_labels *labels)
{
    if (task->instance)
        return;
    task->instance = instance;
    task->deployment = labels->deployment;
    task->service = labels->service;
    task->family = labels->family;
    task->revision = labels->revision;
    task->digest = labels->digest;
    task->commit = labels->commit ? labels->commit : "";
}

static int compare_containers(const void *a, const void *b)
{
    const struct container *left = *(const struct container *const *)a;
    const struct container *right = *(const struct container *const *)b;
    int r = strcmp(left->labels.spec->name, right->labels.spec->name);
    return r ? r : strcmp(left->id, right->id);
}

static void group(const struct plan_input *input, struct task_vec *tasks)
{
    struct map index = {0};
    for (size_t i = 0; i < input->containers_len; i++) {
        const struct container *container = input->containers[i];
        struct task *task = task_of(tasks, &index, container->labels.task);
        identify(task, container->instance, &container->labels);
        if (task->containers_len < ARRAY_LEN(task->containers))
            task->containers[task->containers_len++] = container;
        if (task->created_ms == 0 || (container->created_ms && container->created_ms < task->created_ms))
            task->created_ms = container->created_ms;
    }
    for (size_t i = 0; i < input->under_way_len; i++) {
        const struct action *action = input->under_way[i];
        if (action->kind == ACTION_RESOLVE) /* of no task */
            continue;
        struct task *task = task_of(tasks, &index, action->task);
        if (action->kind == ACTION_CREATE)
            identify(task, action->instance, &action->labels);
        if (!task->instance)
            task->instance = action->instance;
        if (task->under_way_len < ARRAY_LEN(task->under_way))
            task->under_way[task->under_way_len++] = action;
    }
    map_deinit(&index);
    for (size_t i = 0; i < tasks->len; i++) {
        struct task *task = &tasks->items[i];
        if (task->containers_len > 1)
            qsort(task->containers, task->containers_len, sizeof *task->containers, compare_containers);
    }
}

/* Whether all its essential containers have started, whatever else is to come. */
static bool serves(const struct task *task)
{
    int started = 0;
    int essential = 1;
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        started += container->status != CONTAINER_CREATED && container->labels.spec->essential;
        if (container->labels.essential > essential)
            essential = container->labels.essential;
    }
    return started >= essential;
}

/* A task that was up does not go back for a sidecar (ECS). At the first look after a restart nobody knows any
 * more: whoever serves was up. */
static bool was_up(const struct pass *pass, const struct task *task)
{
    return pass->memory && (!pass->memory->seen || map_get(&pass->memory->up, task->id));
}

/* Whether only its essential containers count: an old task gets no others any more. */
static bool is_past_sidecars(const struct pass *pass, const struct task *task)
{
    return !pass_is_new(pass, task) || was_up(pass, task);
}

/* Whether every container that is still to start has started. A new task's definition says which they are. */
static bool is_up(const struct pass *pass, const struct task *task)
{
    if (is_past_sidecars(pass, task))
        return serves(task);
    int started = 0;
    for (size_t i = 0; i < task->containers_len; i++)
        started += task->containers[i]->status != CONTAINER_CREATED;
    int containers = (int)pass->in->desired->task_definition->containers.len;
    return started > 0 && started >= containers - life_passed_over(pass, task);
}

static bool is_busy(const struct task *task)
{
    for (size_t i = 0; i < task->containers_len; i++)
        if (task->containers[i]->status == CONTAINER_RUNNING)
            return true;
    for (size_t i = 0; i < task->under_way_len; i++)
        if (task->under_way[i]->kind != ACTION_REMOVE)
            return true;
    return false;
}

/* A task whose containers are gone while only a removal or a stop is under way has no content any more. */
static bool is_ghost(const struct task *task)
{
    if (task->containers_len)
        return false;
    for (size_t i = 0; i < task->under_way_len; i++)
        if (task->under_way[i]->kind == ACTION_CREATE)
            return false;
    return true;
}

void task_settle_stop(struct task *task)
{
    assert(task);
    assert(task->stop);
    task->status = is_busy(task) ? TASK_STOPPING : TASK_STOPPED;
    task->healthy = false;
    task->started_ms = task->stopped_ms = 0;
    for (size_t i = 0; task->status == TASK_STOPPED && i < task->containers_len; i++)
        if (task->containers[i]->finished_ms > task->stopped_ms)
            task->stopped_ms = task->containers[i]->finished_ms;
}

/* What its age counts from: no sidecar that does not count any more. */
static int64_t young_since_ms(const struct pass *pass, const struct task *task)
{
    int64_t latest_ms = 0;
    if (!is_past_sidecars(pass, task))
        return task->started_ms;
    for (size_t i = 0; i < task->containers_len; i++)
        if (task->containers[i]->labels.spec->essential && task->containers[i]->started_ms > latest_ms)
            latest_ms = task->containers[i]->started_ms;
    return latest_ms;
}

static void roll_up_status(const struct pass *pass, struct task *task, const struct task_roll_up *options)
{
    const struct plan_memory *memory = options->memory;
    const char *reason = memory ? map_get(&memory->stopping, task->id) : NULL;
    bool is_told = reason && !text_equal(reason, TASK_EXITED);
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        task->restarts[i] = plan_restarts(container, memory ? &memory->ran : NULL);
        if (container->labels.spec->essential && container->status == CONTAINER_STOPPED && !is_told &&
            !task->restarts[i])
            reason = TASK_EXITED;
        if (container->started_ms > task->started_ms)
            task->started_ms = container->started_ms;
    }
    task->failed = text_equal(reason, TASK_EXITED); /* also when that container is gone, G5 */
    if (is_ghost(task) && !reason)
        reason = "removed";
    task->stop = reason != NULL;
    task->stop_reason = memory_strdup(reason);
    if (task->stop) {
        task_settle_stop(task);
        return;
    }
    task->status = is_up(pass, task) ? TASK_RUNNING : TASK_PENDING;
    if (task->status == TASK_RUNNING)
        task->young_since_ms = young_since_ms(pass, task);
    else
        task->started_ms = 0;
}

bool plan_is_lost(const struct plan_options *options, int64_t lost_ms, int64_t now_ms)
{
    assert(options);
    return options->lost_after_ms && lost_ms && now_ms >= lost_ms + options->lost_after_ms;
}

/* P10. */
static void roll_up_loss(const struct plan_input *input, struct task *task,
                         const struct plan_instance *instance)
{
    bool is_daemon = input->desired && input->desired->daemon; /* E1 */
    if (!instance || instance->usable || !instance->lost_ms || task->status == TASK_STOPPED || is_daemon)
        return;
    int64_t lost_ms = instance->lost_ms + input->options->lost_after_ms;
    task->lost = plan_is_lost(input->options, instance->lost_ms, input->now_ms);
    if (lost_ms > input->now_ms && (!task->wake_ms || lost_ms < task->wake_ms))
        task->wake_ms = lost_ms;
}

/* P3: what is known of the task is as old as the last word from its instance. */
static int64_t seen_ms(const struct plan_instance *instance, int64_t now_ms)
{
    return instance && !instance->usable && instance->lost_ms < now_ms ? instance->lost_ms : now_ms;
}

/* ECS 2.6: over essential containers, UNHEALTHY before UNKNOWN before HEALTHY. */
static void roll_up_health(struct task *task, const struct task_roll_up *options,
                           const struct plan_instance *instance)
{
    bool all_checked_healthy = true;
    bool unchecked = false;
    bool any = false;
    task->health = HEALTH_HEALTHY;
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        if (!container->labels.spec->essential || container_is_internal(container->labels.spec->name))
            continue;
        any = true;
        if (container->status == CONTAINER_STOPPED) /* to be restarted */
            all_checked_healthy = false;
        enum health_status health =
            container->labels.spec->has_health_check ? container->health : HEALTH_UNKNOWN;
        if (!container->labels.spec->has_health_check)
            unchecked = true;
        else if (health != HEALTH_HEALTHY)
            all_checked_healthy = false;
        if (health == HEALTH_UNHEALTHY)
            task->health = HEALTH_UNHEALTHY;
        else if (health == HEALTH_UNKNOWN && task->health != HEALTH_UNHEALTHY)
            task->health = HEALTH_UNKNOWN;
    }
    if (!any)
        task->health = HEALTH_UNKNOWN;
    if (task->status != TASK_RUNNING || !all_checked_healthy)
        return;
    int64_t now_ms = seen_ms(instance, options->now_ms);
    int64_t healthy_at = task->young_since_ms + (unchecked ? options->minimum_healthy_ms : 0);
    /* An engine whose clock runs ahead must not make a task wait for longer than the time itself. */
    if (healthy_at > options->now_ms + options->minimum_healthy_ms)
        healthy_at = options->now_ms + options->minimum_healthy_ms;
    task->healthy = healthy_at <= now_ms;
    if (!task->healthy && now_ms == options->now_ms)
        task->wake_ms = healthy_at;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct task *)a)->id, ((const struct task *)b)->id);
}

void task_vec_build(const struct plan_input *input, const struct task_roll_up *options,
                    struct task_vec *ret_tasks)
{
    assert(input);
    assert(options);
    assert(ret_tasks);
    memset(ret_tasks, 0, sizeof *ret_tasks);
    const struct pass pass = {.in = input, .memory = options->memory};
    group(input, ret_tasks);
    for (size_t i = 0; i < ret_tasks->len; i++) {
        struct task *task = &ret_tasks->items[i];
        const struct plan_instance *instance =
            input->instances ? placement_instance(input->instances, task->instance) : NULL;
        roll_up_status(&pass, task, options);
        roll_up_health(task, options, instance);
        roll_up_loss(input, task, instance);
    }
    vector_sort(ret_tasks, compare_ids);
}

void task_vec_deinit(struct task_vec *tasks)
{
    assert(tasks);
    for (size_t i = 0; i < tasks->len; i++)
        free(tasks->items[i].stop_reason);
    vector_deinit(tasks);
}
