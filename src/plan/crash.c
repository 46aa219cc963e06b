/* Rows F13 to F15: tasks that end again and again soon after their start. */
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>
#include <stdlib.h>

#define CRASH_WINDOW_MS 600000 /* within so long of its start, and of the crash before */
#define CRASHES_TO_TELL 3

/* F13. What could not be started at all is no crash. */
static bool is_crash(const struct pass *pass, const struct task *task)
{
    for (size_t i = 0; task->failed && i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        if (container->labels.spec->essential && container->status == CONTAINER_STOPPED &&
            container->started_ms && container->finished_ms - container->started_ms <= CRASH_WINDOW_MS)
            return true;
    }
    return !task->failed && task->status == TASK_RUNNING && task->health == HEALTH_UNHEALTHY &&
           pass->in->now_ms - task->young_since_ms <= CRASH_WINDOW_MS;
}

void crash_note(struct pass *pass, const struct task *task, const char *reason)
{
    assert(pass);
    assert(task);
    assert(reason);
    struct plan_memory *memory = pass->in->memory;
    int64_t now_ms = pass->in->now_ms;
    if (!is_crash(pass, task))
        return;
    if (now_ms - memory->last_crash_ms > CRASH_WINDOW_MS)
        memory->crashes_in_row = memory->relapses_in_row = 0;
    memory->crashes_in_row++;
    memory->relapses_in_row += map_get(&memory->proven, task->id) != NULL;
    memory->last_crash_ms = now_ms;
    free(memory->crash);
    memory->crash = memory_strdup(reason);
    const struct deployment *primary = pass_primary(pass);
    if (memory->crashes_in_row == CRASHES_TO_TELL && primary && primary->state == DEPLOYMENT_COMPLETED)
        pass_event(pass, "is crash-looping: %s", reason);
}

void crash_witness(struct pass *pass)
{
    assert(pass);
    struct map *proven = &pass->in->memory->proven;
    const struct deployment *primary = pass_primary(pass);
    bool in_progress = primary && primary->state == DEPLOYMENT_IN_PROGRESS;
    if (!in_progress && proven->len)
        map_clear(proven); /* nobody asks any more */
    for (size_t i = 0; in_progress && i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        if (task->healthy && pass_is_new(pass, task) && !map_get(proven, task->id))
            map_put(proven, task->id, (void *)1);
    }
}

bool crash_fails(const struct pass *pass, int threshold)
{
    assert(pass);
    return !pass->in->desired->crash_report && pass->in->memory->relapses_in_row >= threshold;
}

bool plan_crash_loops(const struct plan_memory *memory, int64_t now_ms)
{
    assert(memory);
    return memory->crashes_in_row >= CRASHES_TO_TELL && now_ms - memory->last_crash_ms < CRASH_WINDOW_MS;
}

void crash_tell(struct pass *pass)
{
    assert(pass);
    const struct plan_memory *memory = pass->in->memory;
    const struct deployment *primary = pass_primary(pass);
    if (!primary || primary->state != DEPLOYMENT_COMPLETED || !plan_crash_loops(memory, pass->in->now_ms))
        return;
    int64_t next_ms = back_off_next_ms(pass);
    char *left CLEANUP_FREE = text_from_duration_ms(next_ms ? next_ms - pass->in->now_ms : 0);
    pass_waiting(
        pass, "crash-looping: %d tasks in a row ended within 10 minutes of their start, the last: %s%s%s%s",
        memory->crashes_in_row, memory->crash ? memory->crash : "",
        next_ms ? "; the next is launched in " : "", next_ms ? left : "",
        next_ms ? ", or by davit reconcile" : "");
    pass_wake(pass, memory->last_crash_ms + CRASH_WINDOW_MS);
}
