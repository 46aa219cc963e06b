/* Rows P10 and P11, in words: what counts is in rolling.c. */
#include "base/buffer.h"
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>
#include <stdlib.h>

/* The tasks on the instance that are lost, or back, and of which nobody has been told. Their number. */
static int collect(struct pass *pass, const char *instance, bool lost, struct buffer *names)
{
    struct map *told = &pass->in->memory->lost;
    int tasks = 0;
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        if (task->lost != lost || !map_get(told, task->id) != lost || !text_equal(task->instance, instance))
            continue;
        buffer_printf(names, " (task %s)", task->id);
        if (lost)
            map_put(told, task->id, (void *)1);
        else
            map_remove(told, task->id);
        tasks++;
    }
    return tasks;
}

static bool answers(const struct pass *pass, const char *name)
{
    const struct plan_instance *instance = placement_instance(pass->in->instances, name);
    return instance && instance->usable;
}

static void tell(struct pass *pass, const char *instance, bool lost)
{
    struct buffer names = BUFFER_INIT(LIMIT_DESIRED_COUNT * 64);
    int tasks = collect(pass, instance, lost, &names);
    char *silence CLEANUP_FREE = text_from_duration_ms(pass->in->options->lost_after_ms);
    if (tasks && lost)
        pass_event(pass, "has lost %d tasks: container instance %s has not answered for %s:%s.", tasks,
                   instance, silence, buffer_str(&names));
    else if (tasks && answers(pass, instance)) /* else a DAEMON has none that is lost, P10 */
        pass_event(pass, "has found %d lost tasks: container instance %s answers again:%s.", tasks, instance,
                   buffer_str(&names));
    buffer_deinit(&names);
}

void pass_lost(struct pass *pass)
{
    assert(pass);
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        if (!map_get(&pass->in->memory->lost, task->id) == task->lost)
            tell(pass, task->instance, task->lost);
    }
}
