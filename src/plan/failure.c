/* Rows F1 to F11; F9 is in back_off.c, F12 in rollback.c, F13 to F15 in crash.c. */
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a person wants to know first of a task that stopped by itself. */
static char *exit_reason(const struct task *task)
{
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        if (!container->labels.spec->essential || container->status != CONTAINER_STOPPED)
            continue;
        const char *name = container->labels.spec->name;
        if (container->oom_killed)
            return memory_printf("container %s: OutOfMemoryError: Container killed due to memory usage",
                                 name);
        if (container->reason && container->reason[0])
            return memory_printf("container %s: %s", name, container->reason);
        return memory_printf("container %s exited with code %d", name, container->exit_code);
    }
    return memory_strdup(task->stop_reason ? task->stop_reason : "stopped");
}

/* F1: what davit.crashLoop: report asks for, and ECS does. */
static bool is_only_reported(const struct pass *pass, const struct task *task)
{
    for (size_t i = 0; pass->in->desired->crash_report && task->failed && i < task->containers_len; i++)
        if (task->containers[i]->labels.spec->essential && task->containers[i]->status == CONTAINER_STOPPED &&
            task->containers[i]->started_ms)
            return true;
    return false;
}

bool failure_is_noted(const struct pass *pass, const char *task)
{
    assert(pass);
    const struct deployment *primary = pass_primary(pass);
    for (size_t i = 0; primary && i < primary->failures.len; i++)
        if (text_equal(primary->failures.items[i].task, task))
            return true;
    return false;
}

static void count(struct pass *pass, struct task *task, const char *reason)
{
    struct plan_memory *memory = pass->in->memory;
    if (map_get(&memory->counted, task->id))
        return;
    map_put(&memory->counted, task->id, (void *)1);
    memory->steady = false;
    if (task->failed || task->status != TASK_RUNNING)
        pass_event(pass, "(task %s) failed: %s", task->id, reason);
    else
        pass_event(pass, "(task %s) failed container health checks.", task->id);
    back_off_note(pass, task);
    crash_note(pass, task, reason);
    const struct deployment *primary = pass_primary(pass);
    if (!primary || primary->state != DEPLOYMENT_IN_PROGRESS || is_only_reported(pass, task)) /* F8, F1 */
        return;
    if (failure_is_noted(pass, task->id))
        return;
    struct deployment *edit =
        service_ledger_primary(pass_edit(pass, "%s: task %.12s failed", primary->id, task->id));
    deployment_add_failure(edit, task->id, pass->in->now_ms, reason);
    edit->updated_ms = pass->in->now_ms;
}

static struct task *find_task(const struct pass *pass, const char *id)
{
    for (size_t i = 0; i < pass->tasks.len; i++)
        if (text_equal(pass->tasks.items[i].id, id))
            return &pass->tasks.items[i];
    return NULL;
}

/* A task whose containers are all essential has nothing to go back for. Of an old one nobody knows. */
static bool has_sidecars(const struct service *service)
{
    const struct container_spec_vec *specs = &service->task_definition->containers;
    for (size_t i = 0; i < specs->len; i++)
        if (!specs->items[i].essential)
            return true;
    return false;
}

void failure_witness(struct pass *pass)
{
    assert(pass);
    bool sidecars = !pass->in->desired || has_sidecars(pass->in->desired);
    struct plan_memory *memory = pass->in->memory;
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        if (task_is_live(task) && task->status == TASK_RUNNING && (sidecars || !pass_is_new(pass, task)) &&
            !map_get(&memory->up, task->id))
            map_put(&memory->up, task->id, (void *)1);
    }
}

static void key_of(const char *task, const char *container, char *ret_key, size_t size)
{
    snprintf(ret_key, size, "%s/%s", task, container);
}

bool failure_gave_up(const struct pass *pass, const struct task *task, const char *container)
{
    assert(pass);
    assert(task);
    if (!pass->memory || pass->memory->given_up.len == 0)
        return false;
    char key[ID_HEX_SIZE + LIMIT_NAME_CHARS + 1];
    key_of(task->id, container, key, sizeof key);
    return map_get(&pass->memory->given_up, key);
}

void failure_pass_over(const struct pass *pass, const struct task *task, const char *container)
{
    assert(pass);
    assert(task);
    char key[ID_HEX_SIZE + LIMIT_NAME_CHARS + 1];
    key_of(task->id, container, key, sizeof key);
    map_put(&pass->in->memory->given_up, key, (void *)1);
}

/* F10. Which of an old task's containers are essential nobody knows any more: R2 stops it if it does not
 * serve. */
bool failure_give_up(struct pass *pass, const struct task *task, const struct plan_failure *failure)
{
    assert(pass);
    assert(failure);
    struct plan_memory *memory = pass->in->memory;
    const struct container_spec *spec =
        task_definition_container(pass->in->desired->task_definition, failure->container);
    if (!map_get(&memory->up, task->id) || (pass_is_new(pass, task) && (!spec || spec->essential)))
        return false;
    failure_pass_over(pass, task, failure->container);
    pass_event(pass, "(task %s) goes on without container %s: %s", task->id, failure->container,
               failure->reason);
    return true;
}

/* F2 of a task that was to come, and I6, where several images may fail for one. */
static void take_failure_of_none(struct pass *pass, const struct plan_failure *failure, const char *reason)
{
    if (!digest_equal(&failure->digest, service_task_digest(pass->in->desired)) ||
        (failure->of_image && failure_is_noted(pass, failure->task)))
        return;
    struct task gone = {.instance = failure->of_image ? NULL : failure->instance}; /* nothing is there */
    memcpy(gone.id, failure->task, sizeof gone.id);
    count(pass, &gone, reason);
    if (failure->of_image)
        image_count_failure(pass);
}

/* F2: an action on a container of the task failed for good. */
static void take_action_failures(struct pass *pass)
{
    for (size_t i = 0; pass->in->failures && i < pass->in->failures->len; i++) {
        const struct plan_failure *failure = &pass->in->failures->items[i];
        char *reason CLEANUP_FREE = memory_printf("container %s: %s", failure->container, failure->reason);
        struct task *task = find_task(pass, failure->task);
        const struct container *container = task ? task_container(task, failure->container) : NULL;
        if (container && restart_failed(failure, container))
            continue; /* C10: it stays stopped */
        if (task && task_is_live(task) && failure_give_up(pass, task, failure))
            continue;
        if (task) {
            if (pass_is_new(pass, task) && task_is_live(task))
                count(pass, task, reason);
            pass_stop(pass, task, reason);
        } else {
            take_failure_of_none(pass, failure, reason);
        }
    }
}

/* P3: the clocks of a task on an instance that does not answer stand still. */
static bool is_observed(const struct pass *pass, const struct task *task)
{
    const struct plan_instance *instance =
        task->instance ? placement_instance(pass->in->instances, task->instance) : NULL;
    return !instance || instance->usable;
}

static void judge(struct pass *pass, struct task *task)
{
    const struct plan_input *in = pass->in;
    if (task->failed) { /* F1, F7 */
        char *reason CLEANUP_FREE = exit_reason(task);
        if (in->memory->seen && !map_get(&in->memory->lost, task->id)) /* P10: it was its instance */
            count(pass, task, reason);
        else
            map_put(&in->memory->counted, task->id, (void *)1);
        return;
    }
    if (!task_is_live(task) || !is_observed(pass, task))
        return;
    char *dead_end CLEANUP_FREE = life_dead_end(pass, task);
    if (dead_end) { /* F3, F7 */
        if (in->memory->seen)
            count(pass, task, dead_end);
        else
            map_put(&in->memory->counted, task->id, (void *)1);
        pass_stop(pass, task, dead_end);
        return;
    }
    if (task->health == HEALTH_UNHEALTHY && task->status == TASK_RUNNING) { /* F4 */
        int64_t grace_ends_ms = task->young_since_ms + in->desired->health_check_grace_ms;
        if (in->now_ms >= grace_ends_ms)
            count(pass, task, "Task failed container health checks");
        else
            pass_wake(pass, grace_ends_ms);
    }
}

static bool any_healthy(const struct pass *pass)
{
    for (size_t i = 0; i < pass->tasks.len; i++)
        if (pass->tasks.items[i].healthy && !pass->tasks.items[i].lost &&
            pass_is_new(pass, &pass->tasks.items[i]))
            return true;
    return false;
}

/* `note` is for the ledger, `event` as ECS says it. */
static void fail_deployment(struct pass *pass, const char *note, const char *reason, const char *event)
{
    char commit[COMMIT_SHORT_SIZE];
    const struct deployment *primary = pass_primary(pass);
    commit_short(primary->commit.oid, commit);
    struct service_ledger *ledger = pass_edit(pass, "%s FAILED, commit %s: %s", primary->id, commit, note);
    struct deployment *edit = service_ledger_primary(ledger);
    edit->state = DEPLOYMENT_FAILED;
    edit->updated_ms = edit->ended_ms = pass->in->now_ms;
    free(edit->reason);
    const char *obstacle = rollback_obstacle(pass, edit);
    edit->reason =
        obstacle ? memory_printf("%s. Not rolled back: %s", reason, obstacle) : memory_strdup(reason);
    service_ledger_add_known_bad(ledger, edit, pass->in->now_ms);
    pass_event(pass, "(deployment %s) deployment failed: %s.", edit->id, event);
}

/* F6, F14: `what` they did, and how often. */
static void trip_breaker(struct pass *pass, const char *what, int failures)
{
    const struct deployment *primary = pass_primary(pass);
    char *note CLEANUP_FREE = memory_printf("%d task%s failed", failures, failures == 1 ? "" : "s");
    char *event CLEANUP_FREE = memory_printf("tasks %s", what);
    char *reason CLEANUP_FREE = memory_printf(DEPLOYMENT_BREAKER "tasks %s. %s, the last: %s", what, note,
                                              primary->failures.items[primary->failures.len - 1].reason);
    fail_deployment(pass, note, reason, event);
}

void pass_failures(struct pass *pass)
{
    assert(pass);
    if (!pass->in->desired)
        return;
    take_action_failures(pass);
    for (size_t i = 0; i < pass->tasks.len; i++)
        if (pass_is_new(pass, &pass->tasks.items[i]))
            judge(pass, &pass->tasks.items[i]);
    crash_witness(pass);
    const struct deployment *primary = pass_primary(pass);
    if (!primary || primary->state != DEPLOYMENT_IN_PROGRESS) {
        crash_tell(pass);
        return;
    }
    const struct service *desired = pass->in->desired;
    int threshold = plan_failure_threshold(&desired->breaker, desired->desired_count);
    if (desired->breaker.enable && primary->failures.len) {
        bool crashes = crash_fails(pass, threshold);         /* F14 */
        if (crashes || primary->failed_tasks >= threshold) { /* F6 */
            trip_breaker(pass, crashes ? "crash after they were healthy" : "failed to start",
                         crashes ? pass->in->memory->relapses_in_row : primary->failed_tasks);
            return;
        }
    }
    if (pass->in->pre_deploy_failed) { /* F16 */
        const char *why = pass->in->pre_deploy_failed;
        fail_deployment(pass, why, why, why);
        return;
    }
    if (primary->failed_tasks && desired->breaker.reset_on_healthy_task && any_healthy(pass)) /* F5 */
        deployment_clear_failures(
            service_ledger_primary(pass_edit(pass, "%s: a task is healthy", primary->id)));
}
