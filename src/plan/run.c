/* Rows T1 to T13: standalone tasks. */
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- T1 ------------------------------------------------------------------------------------------------- */

void plan_lack_vec_deinit(struct plan_lack_vec *lacks)
{
    assert(lacks);
    for (size_t i = 0; i < lacks->len; i++)
        free(lacks->items[i].detail);
    vector_deinit(lacks);
}

const struct plan_instance *plan_place(const struct plan_input *input, struct plan_output *ret_output,
                                       struct plan_lack_vec *ret_lacks)
{
    assert(input);
    assert(input->run && input->desired && input->desired->task_definition);
    assert(ret_output);
    char *reason CLEANUP_FREE = NULL;
    memset(ret_output, 0, sizeof *ret_output);
    struct pass pass = {.in = input, .out = ret_output, .run = input->run};
    const struct plan_instance *place = placement_choose(&pass, input->run->id, &reason);
    if (!place)
        placement_lacks(&pass, ret_lacks);
    pass_leave_sites(&pass);
    return place;
}

/* --- the entry ------------------------------------------------------------------------------------------ */

/* For editing, like pass_edit(). */
__attribute__((format(printf, 2, 3))) static struct run *edit(struct pass *pass, const char *format, ...)
{
    char *what CLEANUP_FREE = NULL;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&what, format, ap) < 0)
        abort();
    va_end(ap);
    if (!pass->out->run)
        pass->run = pass->out->run = run_copy(pass->in->run);
    pass_note(pass, what);
    return pass->out->run;
}

static void stop(struct pass *pass, struct task *task, const char *code, const char *reason)
{
    run_stop(edit(pass, "is to stop: %s", reason), code, reason, pass->in->now_ms);
    pass_stop(pass, task, reason);
}

/* Whether what is known of its instance is true now. */
static bool is_observed(const struct pass *pass)
{
    const struct plan_instance *instance = placement_instance(pass->in->instances, pass->run->instance);
    return instance && instance->usable;
}

/* Whether nothing of the task is there that is not known of. */
static bool is_all_known(const struct pass *pass)
{
    return is_observed(pass) || !placement_instance(pass->in->instances, pass->run->instance);
}

/* Of the task there may be nothing yet, or nothing any more. */
static struct task *task_of(struct pass *pass)
{
    const struct run *run = pass->run;
    if (pass->tasks.len == 0) {
        struct task task = {.instance = run->instance,
                            .family = run->family,
                            .revision = run->revision,
                            .digest = pass->in->desired->digest,
                            .commit = run->commit,
                            .status = TASK_PENDING};
        memcpy(task.id, run->id, sizeof task.id);
        vector_push(&pass->tasks, task);
    }
    assert(pass->tasks.len == 1);
    return &pass->tasks.items[0];
}

/* --- why it stops --------------------------------------------------------------------------------------- */

static bool has_run(const struct task *task)
{
    for (size_t i = 0; i < task->containers_len; i++)
        if (task->containers[i]->started_ms)
            return true;
    return false;
}

/* T4. */
static void judge_removed(struct pass *pass, struct task *task)
{
    const struct task_definition *definition = pass->in->desired->task_definition;
    if (!definition && !has_run(task) && task->under_way_len == 0) { /* T13 */
        bool there = task->containers_len > 0;
        stop(pass, task, there ? STOP_CODE_FAILED_TO_START : STOP_CODE_ESSENTIAL_EXITED,
             there ? "what it was to run is not known any more" : "its containers were removed");
        return;
    }
    for (size_t i = 0; definition && task_is_live(task) && i < pass->in->run->started.len; i++) {
        const char *name = pass->in->run->started.items[i];
        const struct container_spec *spec = task_definition_container(definition, name);
        if (!spec || task_container(task, name) || life_is_under_way(task, name))
            continue;
        if (!spec->essential) {
            failure_pass_over(pass, task, name);
            continue;
        }
        char *reason CLEANUP_FREE =
            memory_printf("container %s was removed: a standalone task is not started again", name);
        stop(pass, task, STOP_CODE_ESSENTIAL_EXITED, reason);
    }
}

/* T6. */
static void judge_failures(struct pass *pass, struct task *task)
{
    const struct plan_failure_vec *failures = pass->in->failures;
    for (size_t i = 0; failures && pass->in->desired->task_definition && i < failures->len; i++) {
        const struct plan_failure *failure = &failures->items[i];
        const struct container *container = task_container(task, failure->container);
        if (!task_is_live(task) || (container && restart_failed(failure, container)) ||
            failure_give_up(pass, task, failure))
            continue;
        char *reason CLEANUP_FREE = memory_printf("container %s: %s", failure->container, failure->reason);
        stop(pass, task, STOP_CODE_FAILED_TO_START, reason);
    }
}

/* T6, of what is there and of what T4 has passed over. */
static void judge_dead_end(struct pass *pass, struct task *task)
{
    if (!pass->in->desired->task_definition || !pass_is_new(pass, task))
        return;
    char *dead_end CLEANUP_FREE = life_dead_end(pass, task);
    if (dead_end)
        stop(pass, task, STOP_CODE_FAILED_TO_START, dead_end);
}

/* T5, T8 and T9: also of a task that nobody may touch. */
static void judge_end(struct pass *pass, struct task *task)
{
    const struct run *run = pass->run;
    if (run->stop_code) {
        pass_stop(pass, task, run->stop_reason);
    } else if (task->stop) { /* what is told of it is the cause: pass_stop() comes too late */
        bool ran = has_run(task) || task->containers_len == 0;
        run_stop(edit(pass, "is to stop: %s", task->stop_reason),
                 ran ? STOP_CODE_ESSENTIAL_EXITED : STOP_CODE_FAILED_TO_START, task->stop_reason,
                 pass->in->now_ms);
        map_put(&pass->in->memory->stopping, task->id, memory_strdup(task->stop_reason));
    } else if (!placement_instance(pass->in->instances, run->instance)) {
        char *reason CLEANUP_FREE = memory_printf(
            "container instance %s is not in the daemon's configuration any more", run->instance);
        stop(pass, task, STOP_CODE_INFRASTRUCTURE, reason);
    }
}

/* --- that it has stopped -------------------------------------------------------------------------------- */

static void note_exits(const struct task *task, struct run *run)
{
    bool all_started = true;
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        const struct container_spec *spec = container->labels.spec;
        all_started &= container->started_ms != 0;
        if (container->started_ms > run->started_ms)
            run->started_ms = container->started_ms;
        if (container_is_internal(spec->name))
            continue;
        vector_push(&run->exits, (struct run_exit){.container = memory_strdup(spec->name),
                                                   .image = memory_strdup(container->image),
                                                   .essential = spec->essential,
                                                   .has_exit_code = container->has_exit_code,
                                                   .exit_code = container->exit_code,
                                                   .oom_killed = container->oom_killed,
                                                   .reason = memory_strdup(container->reason),
                                                   .finished_ms = container->finished_ms});
    }
    if (!all_started)
        run->started_ms = 0;
}

/* T10. */
static void note_end(struct pass *pass, const struct task *task)
{
    if (pass->run->stopped_ms || !pass->run->stop_code || task->status != TASK_STOPPED || !is_all_known(pass))
        return;
    struct run *run = edit(pass, "STOPPED");
    note_exits(task, run);
    const struct run_exit *decisive = run_decisive(run);
    if (decisive)
        edit(pass, "%s exited with code %d", decisive->container, decisive->exit_code);
    run->stopped_ms = task->stopped_ms ? task->stopped_ms : pass->in->now_ms;
    task_definition_unref(run->task_definition);
    run->task_definition = NULL;
}

/* T3. */
static void note_starts(struct pass *pass)
{
    for (size_t i = 0; i < pass->out->actions.len; i++) {
        const struct action *action = pass->out->actions.items[i];
        if (action->kind == ACTION_START && !run_has_started(pass->run, action->container))
            vector_push(&edit(pass, "starts %s", action->container)->started,
                        memory_strdup(action->container));
    }
}

/* T11. */
static void forget(struct pass *pass, const struct task *task)
{
    if (!pass->run->stopped_ms || task->containers_len || task->under_way_len || !is_all_known(pass))
        return;
    int64_t due_ms = pass->run->stopped_ms + pass->in->options->stopped_retention_ms;
    if (pass->in->run->stopped_ms == 0 && due_ms <= pass->in->now_ms)
        due_ms = pass->in->now_ms + 1; /* T10 is noted first: others go by it */
    if (due_ms > pass->in->now_ms) {
        pass_wake(pass, due_ms);
        return;
    }
    pass->out->forget = true;
    pass_note(pass, "forgotten");
}

void plan_run(const struct plan_input *input, struct plan_output *ret_output)
{
    assert(input);
    assert(input->run && input->desired);
    assert(input->memory);
    assert(ret_output);
    memset(ret_output, 0, sizeof *ret_output);
    struct pass pass = {
        .in = input, .out = ret_output, .run = input->run, .asked = input->desired, .memory = input->memory};
    const struct task_roll_up roll_up = {.now_ms = input->now_ms, .memory = input->memory};
    restart_witness(input);
    task_vec_build(input, &roll_up, &pass.tasks);
    input->memory->stopping.free_value = free;
    if (input->desired->task_definition)
        failure_witness(&pass);
    struct task *task = task_of(&pass);
    judge_end(&pass, task);
    if (input->suspended) {
        pass_waiting(&pass, "%s", input->suspended);
    } else {
        if (task_is_live(task))
            judge_failures(&pass, task);
        if (task_is_live(task) && is_observed(&pass))
            judge_removed(&pass, task);
        if (task_is_live(task) && is_observed(&pass))
            judge_dead_end(&pass, task);
        pass_life(&pass);
        pass_cleanup(&pass);
        note_starts(&pass);
    }
    note_end(&pass, task);
    if (!input->suspended)
        forget(&pass, task);
    input->memory->seen = true;
    task_vec_deinit(&pass.tasks);
    pass_leave_sites(&pass);
}
