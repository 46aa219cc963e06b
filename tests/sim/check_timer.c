/* (s) Scheduled tasks: what is due is started once, by the commit that is deployed, and as its
 * concurrencyPolicy says. All of them end while all is calm, so that the world comes to rest.
 */
#include "base/text.h"
#include "manifests.h"
#include "model/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_S 60
/* After that time the last commit is out, and nothing goes wrong. */
#define CALM_S (FIRST_MS / 1000 + 5 * MINUTE_S)

/* A task that a timer started, as the ledger had it first. */
struct timer_run {
    int timer;
    bool rule; /* a rule that has become a schedule is another thing */
    int64_t due_s;
};

/* "chronos-schedule/t0", "events-rule/t1"; -1: it is none. */
static int timer_of(const char *started_by)
{
    const char *slash = started_by ? strchr(started_by, '/') : NULL;
    return slash && slash[1] == 't' ? slash[2] - '0' : -1;
}

static int64_t due_of(const char *token)
{
    const char *dash = token ? strrchr(token, '-') : NULL;
    return dash ? strtoll(dash + 1, NULL, 10) : 0;
}

static const struct version *deployed(const struct world *world)
{
    return &world->repo.versions[repo_version(core_desired(world->davit.core)->commit.oid)];
}

/* --- the ledger */

void timer_check_saved(struct world *world, const struct ledger_change *change)
{
    struct checker *checker = &world->checker;
    int timer = change->kind == LEDGER_TASK && change->entry
                    ? timer_of(model_string(change->entry, "startedBy"))
                    : -1;
    const char *id = strchr(change->name, '/') ? strchr(change->name, '/') + 1 : change->name;
    const char *token = model_string(change->entry, "clientToken");
    if (timer < 0 || map_get(&checker->timer_runs, id))
        return;
    struct timer_run *run = NEW(struct timer_run);
    *run = (struct timer_run){
        .timer = timer, .rule = model_string(change->entry, "startedBy")[0] == 'e', .due_s = due_of(token)};
    checker->timer_runs.free_value = free;
    map_put(&checker->timer_runs, id, run);
    int64_t created_ms = model_int(change->entry, "created");
    char *key CLEANUP_FREE = memory_printf("%s %lld", token, (long long)created_ms);
    /* S8: it may have been wrong; S12: a span that goes on over a leap meets the same time of day again */
    bool span = !world->davit.core || expressions[deployed(world)->timers[timer].expression].period_s;
    bool forgets = world_keeps_nothing(world); /* a token is known for as long as its task */
    bool anew = world->put_back_ms > (span || forgets ? 0 : INT64_C(1000) * timer_ages[0]);
    if (!anew && map_get(&checker->timer_tokens, token) && !map_get(&checker->timer_tokens, key))
        world_fail(world, "(s) t%d: a time that was due is started twice: %s", timer, token);
    map_put(&checker->timer_tokens, token, (void *)1);
    map_put(&checker->timer_tokens, key, (void *)1); /* all tasks of one call are made at one time */
}

/* --- decisions */

/* The time of a schedule that is due last until then; 0: none, -1: that depends on when it began. */
static int64_t last_due(const struct timer *timer, int64_t until_s)
{
    const struct expression *expression = &expressions[timer->expression];
    int64_t due_s = 0;
    if (!expression->step_s)
        return -1;
    for (int64_t s = expression->first_s; s <= until_s && s <= expression->last_s; s += expression->step_s)
        due_s = s;
    return due_s;
}

/* What goes on by engine truth, of an earlier time than that. */
static bool any_goes_on(const struct world *world, int timer, bool rule, int64_t due_s)
{
    for (int h = 0; h < world->hosts_len; h++) {
        const struct sim *sim = world->hosts[h].sim;
        for (size_t c = 0; c < sim_containers_len(sim); c++) {
            const struct container *container = sim_container_at(sim, c);
            const struct timer_run *run = map_get(&world->checker.timer_runs, container->labels.task);
            if (run && run->timer == timer && run->rule == rule && run->due_s < due_s &&
                container->status == CONTAINER_RUNNING)
                return true;
        }
    }
    return false;
}

static void check_time(struct world *world, int number, const struct timer *timer, int64_t due_s)
{
    if (world->leaps) /* then the calendar is not what the expressions were made for */
        return;
    int64_t now_s = world->now_ms / 1000;
    int64_t last_s = last_due(timer, now_s);
    if (last_s >= 0 && due_s != last_s)
        world_fail(world, "(s) t%d: started for %lld, due last was %lld", number, (long long)due_s,
                   (long long)last_s);
    if (due_s > now_s || now_s - due_s > timer_ages[timer->age])
        world_fail(world, "(s) t%d: started %lld s after it was due", number, (long long)(now_s - due_s));
    if (due_s > expressions[timer->expression].last_s)
        world_fail(world, "(s) t%d: started after its end", number);
}

static void check_started(struct world *world, const struct run *run)
{
    int number = timer_of(run->started_by);
    const struct timer *timer = &deployed(world)->timers[number];
    const struct task_definition *definition =
        desired_task_definition(core_desired(world->davit.core), run->family);
    if (!timer->present || timer->disabled)
        world_fail(world, "(s) t%d is started, and is not there or DISABLED", number);
    if (check_is_suspended(world, NULL))
        world_fail(world, "(s) t%d is started in a cluster that is suspended", number);
    if (!definition || definition->revision != run->revision)
        world_fail(world, "(s) t%d: %s:%d is started, which the commit has not", number, run->family,
                   run->revision);
    check_time(world, number, timer, due_of(run->client_token));
    if (timer->policy == TIMER_FORBID &&
        any_goes_on(world, number, expressions[timer->expression].rule, due_of(run->client_token)))
        world_fail(world, "(s) t%d: started beside the run before (Forbid)", number);
}

/* What a Replace leaves behind is to stop, and nothing else. */
static void check_replaced(struct world *world, const struct view_run_vec *runs, const struct run *started)
{
    for (size_t i = 0; i < runs->len; i++) {
        const struct run *run = runs->items[i].run;
        if (text_equal(run->started_by, started->started_by) && !run->stop_code &&
            due_of(run->client_token) < due_of(started->client_token))
            world_fail(world, "(s) %s: the run before goes on (Replace)", run->started_by);
        if (text_equal(run->started_by, started->started_by) && run->stop_reason &&
            text_starts_with(run->stop_reason, "replaced by the next run") && !world->put_back_ms &&
            due_of(run->client_token) >= due_of(started->client_token))
            world_fail(world, "(s) %s: stopped by a run of its own time (Replace)", run->started_by);
    }
}

void timer_check_turn(struct world *world)
{
    struct view_run_vec runs;
    if (!core_desired(world->davit.core))
        return;
    core_view_runs(world->davit.core, &runs);
    for (size_t i = 0; i < runs.len; i++) {
        const struct run *run = runs.items[i].run;
        int number = timer_of(run->started_by);
        if (number < 0 || map_get(&world->checker.timer_begun, run->id))
            continue;
        map_put(&world->checker.timer_begun, run->id, (void *)1);
        if (run->created_ms != world->now_ms)
            continue; /* of an earlier life */
        world_trace(world, "t%d starts %s:%d, due at %lld", number, run->family, run->revision,
                    (long long)due_of(run->client_token));
        check_started(world, run);
        if (deployed(world)->timers[number].policy == TIMER_REPLACE)
            check_replaced(world, &runs, run);
    }
    vector_deinit(&runs);
}

/* --- the end */

static bool is_excused(const struct world *world, const struct view_schedule *view, const struct timer *timer)
{
    bool forbidden = timer->policy == TIMER_FORBID && strstr(view->message, "(Forbid)");
    bool suspended = check_is_suspended(world, NULL) && strstr(view->message, "suspended");
    const struct version *version = deployed(world);
    bool turn = version->providers && version->capacity; /* V5: it may have to be where there is none */
    bool room = false;
    for (int h = 0; h < world->hosts_len && !turn; h++)
        room |= world->hosts[h].cpu_units == WIDE_CPU_UNITS && world->checker.away_ms[h] < CALM_S * 1000 &&
                check_room_for_run(world, h, 1);
    return forbidden || suspended || (!room && strstr(view->message, "was not started"));
}

void timer_check_goal(struct world *world)
{
    struct view_schedule view;
    if (!core_desired(world->davit.core)) /* every commit that it saw was broken */
        return;
    const struct version *version = deployed(world);
    for (size_t i = 0; !world->leaps && core_view_schedule_at(world->davit.core, i, &view); i++) {
        int number = view.task->name[1] - '0';
        const struct timer *timer = &version->timers[number];
        const struct expression *expression = &expressions[timer->expression];
        int64_t expected_s = last_due(timer, expression->last_s);
        bool goes_on = false;
        if (view.next_ms)
            world_fail(world, "goal: t%d is due once more", number);
        for (size_t t = 0; view.tasks && t < view.tasks->len; t++) {
            struct view_run run;
            goes_on |= core_view_run(world->davit.core, "c", strchr(view.tasks->items[t], '/') + 1, &run) &&
                       run.status != TASK_STOPPED;
        }
        if (view.last_due_ms && goes_on == (view.result != NULL))
            world_fail(world, "goal: t%d: %s, and its tasks %s", number,
                       view.result ? view.result : "goes on", goes_on ? "run" : "have ended");
        if (timer->disabled || expression->last_s < CALM_S)
            continue;
        if (expected_s < 0) /* of a rate, which began with a commit of the storm */
            expected_s = expression->last_s - expression->period_s;
        bool missed = view.last_due_ms / 1000 < expected_s || !view.tasks || view.tasks->len == 0;
        if (missed && view.result && !text_starts_with(view.result, "not started: "))
            world_fail(world, "goal: t%d was not started and says: %s", number, view.result);
        if (!view.message || (missed && !is_excused(world, &view, timer)))
            world_fail(world, "goal: t%d was started for %lld last: %s", number,
                       (long long)view.last_due_ms / 1000, view.message ? view.message : "no reason");
    }
}

void timer_deinit(struct checker *checker)
{
    map_deinit(&checker->timer_runs);
    map_deinit(&checker->timer_tokens);
    map_deinit(&checker->timer_begun);
}
