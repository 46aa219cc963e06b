#include "plan/plan.h"

#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int plan_lower_bound(int desired_count, int minimum_healthy_percent)
{
    assert(desired_count >= 0);
    assert(minimum_healthy_percent >= 0);
    return (int)(((int64_t)desired_count * minimum_healthy_percent + 99) / 100);
}

int plan_upper_bound(int desired_count, int maximum_percent)
{
    assert(desired_count >= 0);
    assert(maximum_percent >= 0);
    return (int)((int64_t)desired_count * maximum_percent / 100);
}

#define BOUNDED_LEAST 3
#define BOUNDED_MOST  200

int plan_failure_threshold(const struct circuit_breaker *breaker, int desired_count)
{
    assert(breaker);
    assert(desired_count >= 0);
    int64_t least = breaker->threshold_type == THRESHOLD_BOUNDED_PERCENT ? BOUNDED_LEAST : 1;
    int64_t most = breaker->threshold_type == THRESHOLD_BOUNDED_PERCENT ? BOUNDED_MOST : INT32_MAX;
    int64_t count = breaker->threshold_type == THRESHOLD_COUNT
                        ? breaker->threshold_value
                        : ((int64_t)desired_count * breaker->threshold_value + 99) / 100;
    return (int)(count < least ? least : count > most ? most : count);
}

struct service_ledger *pass_edit(struct pass *pass, const char *format, ...)
{
    assert(pass);
    assert(format);
    const struct plan_input *in = pass->in;
    if (!pass->out->ledger) {
        pass->out->ledger =
            in->ledger ? service_ledger_copy(in->ledger) : service_ledger_new(in->cluster, in->service);
        pass->ledger = pass->out->ledger;
    }
    char *what = NULL;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&what, format, ap);
    va_end(ap);
    if (n < 0)
        abort();
    pass_note(pass, what);
    free(what);
    return pass->out->ledger;
}

void pass_note(struct pass *pass, const char *what)
{
    assert(pass);
    assert(what);
    char *before = pass->out->ledger_message;
    pass->out->ledger_message =
        before ? memory_printf("%s; %s", before, what) : memory_printf("%s: %s", pass->in->key, what);
    free(before);
}

const struct deployment *pass_primary(const struct pass *pass)
{
    assert(pass);
    return pass->ledger ? service_ledger_primary(pass->ledger) : NULL;
}

void pass_wake(struct pass *pass, int64_t at_ms)
{
    assert(pass);
    assert(at_ms > 0);
    if (pass->out->wake_ms == 0 || at_ms < pass->out->wake_ms)
        pass->out->wake_ms = at_ms;
}

void pass_waiting(struct pass *pass, const char *format, ...)
{
    assert(pass);
    if (pass->out->waiting)
        return;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&pass->out->waiting, format, ap) < 0)
        abort();
    va_end(ap);
}

void pass_event(struct pass *pass, const char *format, ...)
{
    assert(pass);
    if (!pass->in->service)
        return;
    char *text CLEANUP_FREE = NULL;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        abort();
    va_end(ap);
    vector_push(&pass->out->events, memory_printf("(service %s) %s", pass->in->service, text));
}

void pass_stop(struct pass *pass, struct task *task, const char *reason)
{
    assert(pass);
    assert(task);
    assert(reason);
    if (task->stop)
        return;
    task->stop = true;
    task_settle_stop(task);
    task->stop_reason = memory_strdup(reason);
    map_put(&pass->in->memory->stopping, task->id, memory_strdup(reason));
}

bool pass_is_new(const struct pass *pass, const struct task *task)
{
    assert(pass);
    assert(task);
    return pass->in->desired && digest_equal(&task->digest, service_task_digest(pass->in->desired));
}

bool task_is_live(const struct task *task)
{
    assert(task);
    return !task->stop && task->status != TASK_STOPPED;
}

/* A task that ended stays so, though somebody remove the container by whose end it is known. */
static void note_ends(struct plan_memory *memory, const struct task_vec *tasks)
{
    for (size_t i = 0; i < tasks->len; i++) {
        const struct task *task = &tasks->items[i];
        if (task->failed && !map_get(&memory->stopping, task->id))
            map_put(&memory->stopping, task->id, memory_strdup(TASK_EXITED));
    }
}

/* Drops what the memory says of tasks that are gone. */
static void forget_tasks(struct plan_memory *memory, const struct task_vec *tasks)
{
    struct map *maps[] = {&memory->stopping, &memory->counted,  &memory->announced, &memory->up,
                          &memory->lost,     &memory->given_up, &memory->proven};
    for (size_t m = 0; m < ARRAY_LEN(maps); m++) {
        if (maps[m]->len == 0)
            continue;
        struct map alive = {0};
        for (size_t i = 0; i < tasks->len; i++)
            map_put(&alive, tasks->items[i].id, &tasks->items[i]);
        map_for_each (maps[m], entry) {
            char id[ID_HEX_SIZE];
            snprintf(id, sizeof id, "%s", entry->key); /* the key, or what it begins with */
            if (!map_get(&alive, id))
                map_remove(maps[m], entry->key);
        }
        map_deinit(&alive);
    }
}

/* D12. */
static bool is_left(const struct plan_input *in)
{
    return !in->desired && in->ledger && in->ledger->prune_disabled && !deployment_is_gone(in);
}

/* U1, D12: nothing but to look on. What ends now is nobody's fault, later either. */
static void look_on(struct pass *pass, const char *why)
{
    for (size_t i = 0; i < pass->tasks.len; i++)
        if (pass->tasks.items[i].failed)
            map_put(&pass->in->memory->counted, pass->tasks.items[i].id, (void *)1);
    deployment_note_prune(pass);
    pass_waiting(pass, "%s", why);
}

static void run_passes(struct pass *pass)
{
    pass_deployment(pass);
    pass_aim(pass);
    pass_failures(pass);
    pass_roll_back(pass);
    pass_images(pass);
    pass_lost(pass);
    pass_rolling(pass);
    pass_life(pass);
    pass_cleanup(pass);
}

void plan_service(const struct plan_input *input, struct plan_output *ret_output)
{
    assert(input);
    assert(input->memory);
    assert(input->options && input->options->owner);
    assert(ret_output);
    memset(ret_output, 0, sizeof *ret_output);
    struct pass pass = {.in = input,
                        .out = ret_output,
                        .ledger = input->ledger,
                        .asked = input->desired,
                        .memory = input->memory};
    const struct task_roll_up roll_up = {
        .now_ms = input->now_ms,
        .minimum_healthy_ms = input->desired ? input->desired->minimum_healthy_ms : 0,
        .health_check_grace_ms = input->desired ? input->desired->health_check_grace_ms : 0,
        .memory = input->memory};
    if (is_left(input))
        map_clear(&input->memory->ran); /* nobody starts it again: what ends has ended */
    else
        restart_witness(input);
    pass_aim(&pass);
    task_vec_build(pass.in, &roll_up, &pass.tasks);
    if (!input->suspended) /* U1: the count stays what the ledger has */
        pass_count(&pass);
    forget_tasks(input->memory, &pass.tasks);
    note_ends(input->memory, &pass.tasks);
    for (size_t i = 0; i < pass.tasks.len; i++)
        if (pass.tasks.items[i].wake_ms)
            pass_wake(&pass, pass.tasks.items[i].wake_ms);

    input->memory->stopping.free_value = free;
    input->memory->back_offs.free_value = free;
    failure_witness(&pass);
    if (input->suspended)
        look_on(&pass, input->suspended);
    else if (is_left(input))
        look_on(&pass, "it left the repository, and davit.prune: disabled leaves its tasks as they are; "
                       "to remove them, put it back without davit.prune, then remove it");
    else
        run_passes(&pass);

    input->memory->seen = true;
    task_vec_deinit(&pass.tasks);
    pass_leave_sites(&pass);
}

void plan_failure_vec_deinit(struct plan_failure_vec *failures)
{
    assert(failures);
    for (size_t i = 0; i < failures->len; i++) {
        free(failures->items[i].instance);
        free(failures->items[i].container);
        free(failures->items[i].reason);
    }
    vector_deinit(failures);
}

void plan_output_deinit(struct plan_output *output)
{
    assert(output);
    action_vec_deinit(&output->actions);
    plan_booking_vec_deinit(&output->booked);
    plan_booking_vec_deinit(&output->kept);
    service_ledger_free(output->ledger);
    run_free(output->run);
    free(output->ledger_message);
    free(output->waiting);
    string_vec_deinit(&output->events);
    memset(output, 0, sizeof *output);
}
