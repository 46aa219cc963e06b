/* Scheduled tasks: what is due is started as RunTask does it. The table (S) is in core.h. */
#include "base/text.h"
#include "core/state.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FIRST_MS 10000
#define RETRY_MOST_MS  300000

void schedule_state_free(struct schedule_state *state)
{
    if (!state)
        return;
    string_vec_deinit(&state->tasks);
    free(state->result);
    free(state->message);
    free(state);
}

/* --- the ledger ----------------------------------------------------------------------------------------- */

json_t *core_schedule_to_json(const struct schedule_state *state)
{
    assert(state);
    json_t *json = json_object();
    model_set_digest(json, "digest", &state->digest);
    model_set_int(json, "since", state->since_ms);
    model_set_int(json, "done", state->done_ms);
    model_set_bool(json, "disabled", state->disabled);
    model_set_int(json, "due", state->due_ms);
    model_set_int(json, "retry", state->retry_ms);
    model_set_int(json, "attempts", state->attempts);
    model_set_int(json, "targets", (int64_t)state->targets);
    model_set_int(json, "lastDue", state->last_due_ms);
    model_set_int(json, "lastRun", state->last_run_ms);
    model_set_string(json, "message", state->message);
    model_set_string(json, "result", state->result);
    if (state->tasks.len)
        json_object_set_new(json, "tasks", model_strings_to_json(&state->tasks));
    return json;
}

void core_load_schedule(struct core *core, const char *name, const json_t *entry)
{
    assert(core);
    assert(name);
    struct schedule_state *state = NEW(struct schedule_state);
    *state = (struct schedule_state){.digest = model_digest(entry, "digest"),
                                     .since_ms = model_int(entry, "since"),
                                     .done_ms = model_int(entry, "done"),
                                     .disabled = model_bool(entry, "disabled"),
                                     .due_ms = model_int(entry, "due"),
                                     .retry_ms = model_int(entry, "retry"),
                                     .attempts = model_int_in(entry, "attempts", 0, INT32_MAX),
                                     .targets = (unsigned)model_int_in(entry, "targets", 0, INT32_MAX),
                                     .last_due_ms = model_int(entry, "lastDue"),
                                     .last_run_ms = model_int(entry, "lastRun"),
                                     .result = memory_strdup(model_string(entry, "result")),
                                     .message = memory_strdup(model_string(entry, "message"))};
    model_strings_from_json(json_object_get(entry, "tasks"), &state->tasks);
    map_put(&core->schedules, name, state);
}

static void save(const struct scheduled_task *task, const struct schedule_state *state, json_t *before,
                 struct effect_vec *effects)
{
    json_t *entry = core_schedule_to_json(state);
    if (json_equal(entry, before)) {
        json_decref(entry);
        return;
    }
    char *message CLEANUP_FREE =
        memory_printf("scheduled task %s: %s", task->name, state->message ? state->message : "is waited for");
    core_save(effects, LEDGER_SCHEDULE, task->name, entry, message);
}

/* --- one run -------------------------------------------------------------------------------------------- */

static void say(struct schedule_state *state, char *message)
{
    free(state->message);
    state->message = message;
}

/* Of an earlier time than that which is due. */
static bool is_going_on(const struct run *run, const struct scheduled_task *task, int64_t due_ms)
{
    return !run->stopped_ms && run->created_ms < due_ms && text_equal(run->started_by, task->started_by);
}

/* What goes on of before: whether the new one may start. S4, S5. */
static bool make_way(struct core *core, const struct scheduled_task *task, int64_t due_ms,
                     struct effect_vec *effects)
{
    bool any = false;
    map_for_each (&core->runs, entry) {
        struct service_state *state = entry->value;
        if (!is_going_on(state->run, task, due_ms))
            continue;
        any = true;
        if (task->concurrency == CONCURRENCY_REPLACE && !core_is_suspended(core, state))
            core_stop_task(core, state, "replaced by the next run of its schedule", effects);
    }
    return !any || task->concurrency != CONCURRENCY_FORBID;
}

/* The same for every try, so that a run that is known is not started twice: S7. */
static char *token_of(const struct scheduled_task *task, size_t target, int64_t due_ms)
{
    struct digest digest = digest_of_bytes(task->name, strlen(task->name));
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    return memory_printf("%.32s-%zu-%lld", hex, target, (long long)(due_ms / 1000));
}

/* Whether there is no more to do for the target. */
static bool start(struct core *core, const struct scheduled_task *task, struct schedule_state *state,
                  size_t target, struct effect_vec *effects)
{
    const struct scheduled_run *run = &task->runs.items[target];
    struct run_request request;
    struct run_outcome outcome = {0};
    if (!make_way(core, task, state->due_ms, effects)) {
        say(state, memory_strdup("was not started: the run before is still going on (Forbid)"));
        return true;
    }
    char *token CLEANUP_FREE = token_of(task, target, state->due_ms);
    if (run_request_read(run->request, &request, &outcome.error) == 0) {
        request.started_by = task->started_by;
        request.client_token = token;
        request.digest = digest_of_json(run->request);
        core_run_task(core, &request, effects, &outcome);
    }
    bool started = outcome.error.code == 0 && outcome.tasks.len > 0;
    if (started) {
        if (state->last_due_ms != state->due_ms)
            string_vec_deinit(&state->tasks);
        free(TAKE(state->result));
        state->last_due_ms = state->due_ms;
        state->last_run_ms = core->now_ms;
        for (size_t i = 0; i < outcome.tasks.len; i++)
            vector_push(&state->tasks, service_key(run->cluster, outcome.tasks.items[i]));
        say(state, memory_printf("started %s", outcome.tasks.items[0]));
    } else
        say(state,
            memory_printf("could not be started: %s", outcome.error.code  ? outcome.error.message
                                                      : outcome.lacks.len ? outcome.lacks.items[0].detail
                                                                          : "there is no place"));
    run_outcome_deinit(&outcome);
    return started;
}

static bool gives_up(const struct core *core, const struct scheduled_run *run,
                     const struct schedule_state *state)
{
    return state->attempts > run->attempts + 1 || /* the first is no retry */
           core->now_ms - state->due_ms > run->deadline_s * 1000;
}

static void attempt(struct core *core, const struct scheduled_task *task, struct schedule_state *state,
                    struct effect_vec *effects)
{
    bool left = false;
    state->attempts++;
    for (size_t t = 0; t < task->runs.len; t++) {
        if (state->targets & 1U << t)
            continue;
        if (gives_up(core, &task->runs.items[t], state) || start(core, task, state, t, effects))
            state->targets |= 1U << t;
        else
            left = true;
    }
    int64_t wait_ms = RETRY_FIRST_MS << (state->attempts < 6 ? state->attempts - 1 : 5);
    state->retry_ms = core->now_ms + (wait_ms > RETRY_MOST_MS ? RETRY_MOST_MS : wait_ms);
    if (left)
        return;
    state->due_ms = state->retry_ms = 0;
    state->attempts = 0;
}

/* Kept, for the tasks are forgotten sooner. */
static void note_result(const struct core *core, struct schedule_state *state)
{
    const struct run *failed = NULL;
    if (state->result || state->tasks.len == 0)
        return;
    for (size_t i = 0; i < state->tasks.len; i++) {
        const struct service_state *task = map_get(&core->runs, state->tasks.items[i]);
        if (task && !task->run->stopped_ms)
            return;
        if (task && !run_succeeded(task->run))
            failed = task->run;
    }
    state->result =
        failed ? memory_printf("failed: %s", failed->stop_reason ? failed->stop_reason : "it was stopped")
               : memory_strdup("succeeded");
}

/* --- what is due ---------------------------------------------------------------------------------------- */

/* S1: it counts from now. */
static void begin(const struct core *core, const struct scheduled_task *task, struct schedule_state *state)
{
    state->digest = task->digest;
    state->since_ms = state->done_ms = core->now_ms;
    state->due_ms = state->retry_ms = 0;
}

static struct schedule_state *state_of(struct core *core, const struct scheduled_task *task)
{
    struct schedule_state *state = map_get(&core->schedules, task->name);
    if (!state) {
        state = NEW(struct schedule_state);
        map_put(&core->schedules, task->name, state);
        begin(core, task, state);
    }
    bool enabled = state->disabled && !task->disabled;
    /* A done that lies so far ahead was noted while the clock was wrong. */
    bool wrong = state->done_ms > core->now_ms + scheduled_task_deadline_s(task) * 1000;
    if (!digest_equal(&state->digest, &task->digest) || enabled || wrong)
        begin(core, task, state);
    state->disabled = task->disabled;
    if (task->disabled)
        state->due_ms = state->retry_ms = state->attempts = 0;
    return state;
}

/* The latest time that is due and not too late, S2 and S3; what came before it is passed over. */
static void look(const struct core *core, const struct scheduled_task *task, struct schedule_state *state)
{
    int64_t now_s = core->now_ms / 1000;
    int64_t since_s = state->since_ms / 1000;
    int64_t from_s = state->done_ms / 1000;
    int64_t least_s = now_s - scheduled_task_deadline_s(task);
    int64_t at_s;
    int64_t due_s = 0;
    if (!scheduled_task_next(task, since_s, from_s, &at_s) || at_s > now_s)
        return;
    if (from_s < least_s - 1)
        from_s = least_s - 1;
    while (scheduled_task_next(task, since_s, from_s, &at_s) && at_s <= now_s)
        due_s = from_s = at_s;
    state->done_ms = due_s ? due_s * 1000 : core->now_ms;
    if (!due_s) {
        say(state, memory_strdup("was not started: it was due longer ago than MaximumEventAgeInSeconds"));
        return;
    }
    state->due_ms = state->retry_ms = due_s * 1000;
    state->attempts = 0;
    state->targets = 0;
}

static int64_t next_ms(const struct scheduled_task *task, const struct schedule_state *state)
{
    int64_t at_s;
    int64_t at_ms =
        scheduled_task_next(task, state->since_ms / 1000, state->done_ms / 1000, &at_s) ? at_s * 1000 : 0;
    return state->due_ms && (!at_ms || state->retry_ms < at_ms) ? state->retry_ms : at_ms;
}

/* S6. */
static void forget_others(struct core *core, struct effect_vec *effects)
{
    map_for_each (&core->schedules, entry) {
        bool found = false;
        for (size_t i = 0; i < core->desired->scheduled_tasks.len; i++)
            found |= text_equal(core->desired->scheduled_tasks.items[i]->name, entry->key);
        if (found)
            continue;
        char *name CLEANUP_FREE = memory_strdup(entry->key);
        char *message CLEANUP_FREE = memory_printf("scheduled task %s: left the repository", name);
        core_save(effects, LEDGER_SCHEDULE, name, NULL, message);
        map_remove(&core->schedules, name);
    }
}

void core_run_schedules(struct core *core, struct effect_vec *effects)
{
    assert(core);
    assert(core->desired);
    const struct scheduled_task_vec *tasks = &core->desired->scheduled_tasks;
    if (core->once || tasks->len + core->schedules.len == 0)
        return;
    bool due = core->schedule_ms && core->schedule_ms <= core->now_ms;
    if (!core->schedules_changed && !due && core->now_ms >= core->scheduled_ms)
        return;
    core->schedules_changed = false;
    core->scheduled_ms = core->now_ms;
    core->schedule_ms = 0;
    for (size_t i = 0; i < tasks->len; i++) {
        const struct scheduled_task *task = tasks->items[i];
        json_t *before = map_get(&core->schedules, task->name)
                             ? core_schedule_to_json(map_get(&core->schedules, task->name))
                             : NULL;
        struct schedule_state *state = state_of(core, task);
        look(core, task, state);
        if (state->due_ms && state->retry_ms <= core->now_ms)
            attempt(core, task, state, effects);
        note_result(core, state);
        save(task, state, before, effects);
        json_decref(before);
        int64_t at_ms = next_ms(task, state);
        if (at_ms && (!core->schedule_ms || at_ms < core->schedule_ms))
            core->schedule_ms = at_ms;
    }
    forget_others(core, effects);
}

/* --- views ---------------------------------------------------------------------------------------------- */

bool core_view_schedule_at(const struct core *core, size_t index, struct view_schedule *ret_view)
{
    assert(core);
    assert(ret_view);
    if (!core->desired || index >= core->desired->scheduled_tasks.len)
        return false;
    const struct scheduled_task *task = core->desired->scheduled_tasks.items[index];
    const struct schedule_state *state = map_get(&core->schedules, task->name);
    *ret_view = (struct view_schedule){.task = task};
    if (!state)
        return true;
    int64_t at_s;
    int64_t after_s = (state->done_ms > core->now_ms ? state->done_ms : core->now_ms) / 1000;
    if (scheduled_task_next(task, state->since_ms / 1000, after_s, &at_s))
        ret_view->next_ms = at_s * 1000;
    ret_view->last_due_ms = state->last_due_ms;
    ret_view->last_run_ms = state->last_run_ms;
    ret_view->message = state->message;
    ret_view->result = state->result;
    ret_view->tasks = &state->tasks;
    return true;
}
