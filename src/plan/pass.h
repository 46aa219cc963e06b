/* What the passes of one plan share. Internal to plan/. */
#pragma once

#include "plan/plan.h"

struct pass {
    const struct plan_input *in;
    struct plan_output *out;
    const struct service_ledger
        *ledger; /* as it stands: in->ledger, or out->ledger once it was edited; may be NULL */
    const struct plan_memory *memory; /* to look up; may be NULL */
    struct task_vec tasks;
};

/* The entry for editing: a copy of in->ledger that goes out. `format` says what changed, for the ledger's
 * commit. */
struct service_ledger *pass_edit(struct pass *pass, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* PRIMARY or NULL. */
const struct deployment *pass_primary(const struct pass *pass);
/* Plan again at at_ms. */
void pass_wake(struct pass *pass, int64_t at_ms);
/* The first reason stays. */
void pass_waiting(struct pass *pass, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An ECS service event: "(service web) ..." */
void pass_event(struct pass *pass, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* desiredStatus STOPPED, for good. */
void pass_stop(struct pass *pass, struct task *task, const char *reason);
/* Whether the task has the desired content. */
bool pass_is_new(const struct pass *pass, const struct task *task);
bool task_is_live(const struct task *task);
/* task.c: what a task is once it is to stop: STOPPING while something of it runs or is under way, else
 * STOPPED. */
void task_settle_stop(struct task *task);

/* The passes, in order. */
void pass_deployment(struct pass *pass);
void pass_failures(struct pass *pass);
void pass_rolling(struct pass *pass);
void pass_life(struct pass *pass);
void pass_cleanup(struct pass *pass);

/* deployment.c: keeps in the entry what davit.prune says: once the service is gone only the entry knows, D12.
 */
void deployment_note_prune(struct pass *pass);

/* placement.c: the first instance with room for a desired task, which is taken; NULL with *ret_reason (owned)
 * when there is none. */
const struct plan_instance *placement_choose(const struct pass *pass, char **ret_reason);
const struct plan_instance *placement_instance(const struct plan_instance_vec *instances, const char *name);

/* restart.c: notes in the memory which containers run that may be restarted later. What stopped before davit
 * saw it run may have been stopped by davit itself, in an earlier life. */
void restart_witness(const struct plan_input *input);
/* restart.c: whether it is the start of that container once more, after it had stopped. */
bool restart_failed(const struct plan_failure *failure, const struct container *container);

/* life.c: how many containers of a new task will never be, by C5, C11 and F10. */
int life_passed_over(const struct pass *pass, const struct task *task);
/* life.c: whether an action on that container is under way, C7. */
bool life_is_under_way(const struct task *task, const char *container);
/* life.c: adds an action on a container of the task; its container_id is the caller's to set. */
struct action *life_act(struct pass *pass, const struct task *task, enum action_kind kind,
                        const char *container);
/* life.c: why the task can never run, by C5, C6 and C8 (owned), or NULL. */
char *life_dead_end(struct pass *pass, const struct task *task);

/* failure.c: notes which tasks were up once, F10. */
void failure_witness(struct pass *pass);
/* failure.c: whether the task goes on without the container, F10. */
bool failure_gave_up(const struct pass *pass, const struct task *task, const char *container);
/* failure.c: when the next launch may be, F9. */
int64_t failure_next_launch_ms(const struct pass *pass);
