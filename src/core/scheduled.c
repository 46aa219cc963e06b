/* Scheduled tasks: what is due is started as RunTask does it. The table (S) is in core.h. */
#include "base/buffer.h"
#include "base/text.h"
#include "core/state.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FIRST_MS 10000
#define RETRY_MOST_MS  300000

static void run_deinit(struct schedule_run *run)
{
    string_vec_deinit(&run->tasks);
    free(run->lack);
    free(run->result);
}

void schedule_state_free(struct schedule_state *state)
{
    if (!state)
        return;
    for (size_t i = 0; i < state->runs.len; i++)
        run_deinit(&state->runs.items[i]);
    vector_deinit(&state->runs);
    event_ring_deinit(&state->events);
    free(state->source);
    free(state->message);
    free(state->news);
    free(state);
}

/* --- the ledger ----------------------------------------------------------------------------------------- */

static json_t *runs_to_json(const struct schedule_run_vec *runs)
{
    json_t *list = json_array();
    for (size_t i = 0; i < runs->len; i++) {
        const struct schedule_run *run = &runs->items[i];
        json_t *json = json_object();
        model_set_int(json, "due", run->due_ms);
        model_set_int(json, "run", run->run_ms);
        model_set_string(json, "lack", run->lack);
        model_set_string(json, "result", run->result);
        if (run->tasks.len)
            json_object_set_new(json, "tasks", model_strings_to_json(&run->tasks));
        json_array_append_new(list, json);
    }
    return list;
}

static void runs_from_json(const json_t *list, struct schedule_run_vec *runs)
{
    size_t i;
    json_t *json;
    json_array_foreach (list, i, json) {
        if (runs->len == LIMIT_SCHEDULE_RUNS)
            return;
        struct schedule_run run = {.due_ms = model_int(json, "due"),
                                   .run_ms = model_int(json, "run"),
                                   .lack = memory_strdup(model_string(json, "lack")),
                                   .result = memory_strdup(model_string(json, "result"))};
        model_strings_from_json(json_object_get(json, "tasks"), &run.tasks);
        vector_push(runs, run);
    }
}

/* What davit wrote before it kept more than the last one. */
static void last_run_from_json(const json_t *entry, struct schedule_run_vec *runs)
{
    if (runs->len || !model_int(entry, "lastDue"))
        return;
    struct schedule_run run = {.due_ms = model_int(entry, "lastDue"),
                               .run_ms = model_int(entry, "lastRun"),
                               .result = memory_strdup(model_string(entry, "result"))};
    model_strings_from_json(json_object_get(entry, "tasks"), &run.tasks);
    vector_push(runs, run);
}

json_t *core_schedule_to_json(const struct schedule_state *state)
{
    assert(state);
    json_t *json = json_object();
    model_set_string(json, "source", state->source);
    model_set_digest(json, "digest", &state->digest);
    model_set_int(json, "since", state->since_ms);
    model_set_int(json, "done", state->done_ms);
    model_set_bool(json, "disabled", state->disabled);
    model_set_int(json, "due", state->due_ms);
    model_set_int(json, "retry", state->retry_ms);
    model_set_int(json, "attempts", state->attempts);
    model_set_int(json, "targets", (int64_t)state->targets);
    model_set_bool(json, "missed", state->missed);
    model_set_string(json, "message", state->message);
    if (state->runs.len)
        json_object_set_new(json, "runs", runs_to_json(&state->runs));
    return json;
}

void core_load_schedule(struct core *core, const char *name, const json_t *entry)
{
    assert(core);
    assert(name);
    struct schedule_state *state = NEW(struct schedule_state);
    *state = (struct schedule_state){.source = memory_strdup(model_string(entry, "source")),
                                     .digest = model_digest(entry, "digest"),
                                     .since_ms = model_int(entry, "since"),
                                     .done_ms = model_int(entry, "done"),
                                     .disabled = model_bool(entry, "disabled"),
                                     .due_ms = model_int(entry, "due"),
                                     .retry_ms = model_int(entry, "retry"),
                                     .attempts = model_int_in(entry, "attempts", 0, INT32_MAX),
                                     .targets = (unsigned)model_int_in(entry, "targets", 0, INT32_MAX),
                                     .missed = model_bool(entry, "missed"),
                                     .message = memory_strdup(model_string(entry, "message"))};
    runs_from_json(json_object_get(entry, "runs"), &state->runs);
    last_run_from_json(entry, &state->runs);
    map_put(&core->schedules, name, state);
}

static void save(const struct scheduled_task *task, struct schedule_state *state, json_t *before,
                 struct effect_vec *effects)
{
    json_t *entry = core_schedule_to_json(state);
    char *news CLEANUP_FREE = TAKE(state->news);
    bool bad = state->bad;
    state->bad = false;
    if (json_equal(entry, before)) {
        json_decref(entry);
        return;
    }
    char *message CLEANUP_FREE = memory_printf("scheduled task %s: %s", task->name,
                                               news             ? news
                                               : state->message ? state->message
                                                                : "is waited for");
    core_save(effects, LEDGER_SCHEDULE, task->name, entry, message);
    effects->items[effects->len - 1].change.warning = bad;
}

/* --- one run -------------------------------------------------------------------------------------------- */

static void say(struct schedule_state *state, char *message)
{
    free(state->message);
    state->message = message;
}

/* An event, and a word for the log; of several the first that is bad. */
static void tell(struct core *core, const struct scheduled_task *task, struct schedule_state *state, bool bad,
                 const char *news)
{
    char *event CLEANUP_FREE = memory_printf("(scheduled task %s) %s.", task->name, news);
    core_tell(core, &state->events, event);
    if (state->bad)
        return;
    state->bad = bad;
    free(state->news);
    state->news = memory_strdup(news);
}

/* The last time that was due; NULL: none was. */
static struct schedule_run *last_run(const struct schedule_state *state)
{
    if (state->runs.len == 0)
        return NULL;
    assert(state->runs.items);
    return &state->runs.items[state->runs.len - 1];
}

static struct schedule_run *run_of(struct schedule_state *state, int64_t due_ms)
{
    if (last_run(state) && last_run(state)->due_ms == due_ms)
        return last_run(state);
    if (state->runs.len == LIMIT_SCHEDULE_RUNS) {
        run_deinit(&state->runs.items[0]);
        vector_remove(&state->runs, 0);
    }
    vector_reserve(&state->runs, LIMIT_SCHEDULE_RUNS);
    assert(state->runs.items);
    vector_push(&state->runs, (struct schedule_run){.due_ms = due_ms});
    return &state->runs.items[state->runs.len - 1];
}

/* S10. `why` is taken over. */
static void note_lack(struct core *core, const struct scheduled_task *task, struct schedule_state *state,
                      int64_t due_ms, char *why)
{
    struct schedule_run *run = run_of(state, due_ms);
    char *news CLEANUP_FREE = memory_printf("was not started: %s", why);
    say(state, memory_strdup(news));
    if (text_equal(run->lack, why)) {
        free(why);
        return;
    }
    free(run->lack);
    run->lack = why;
    if (!text_starts_with(run->result ? run->result : "", "failed"))
        free(TAKE(run->result));
    tell(core, task, state, true, news);
}

/* Its token ends with the time that it was due at, in seconds. */
static bool is_due_at(const struct run *run, int64_t due_ms)
{
    const char *dash = run->client_token ? strrchr(run->client_token, '-') : NULL;
    int64_t due_s;
    return dash && text_to_int64(dash + 1, 0, INT64_MAX, &due_s) == 0 && due_s == due_ms / 1000;
}

/* Of the time that is due: noted with it, or started before a kill that came in between. Its token has the
 * time as it was before the clock was set, S12. */
static bool is_of_due(const struct service_state *state, const struct schedule_run *noted, int64_t due_ms)
{
    if (is_due_at(state->run, due_ms))
        return true;
    for (size_t i = 0; noted && noted->due_ms == due_ms && i < noted->tasks.len; i++)
        if (text_equal(noted->tasks.items[i], state->key))
            return true;
    return false;
}

/* What goes on of before: whether the new one may start. S4, S5. */
static bool make_way(struct core *core, const struct scheduled_task *task,
                     const struct schedule_state *schedule, struct effect_vec *effects)
{
    bool any = false;
    map_for_each (&core->runs, entry) {
        struct service_state *state = entry->value;
        if (state->run->stopped_ms || !text_equal(state->run->started_by, task->started_by) ||
            is_of_due(state, last_run(schedule), schedule->due_ms))
            continue;
        any = true;
        if (task->concurrency == CONCURRENCY_REPLACE && !core_is_suspended(core, state))
            core_stop_task(core, state, "replaced by the next run of its schedule", effects);
    }
    return !any || task->concurrency != CONCURRENCY_FORBID;
}

/* The same for every try, so that a run that is known is not started twice, though the target asks for
 * something else by now: S7. */
static char *token_of(const struct scheduled_task *task, size_t target, int64_t due_ms)
{
    struct digest digest = digest_of_bytes(task->name, strlen(task->name));
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    return memory_printf("%.32s-%zu-%lld", hex, target, (long long)(due_ms / 1000));
}

/* What each instance lacks, where nothing else is in the way. Caller frees. */
static char *why_not(const struct run_outcome *outcome)
{
    struct buffer why = BUFFER_INIT(LIMIT_ERROR_CHARS);
    if (outcome->error.code)
        return memory_strdup(outcome->error.message);
    for (size_t i = 0; i < outcome->lacks.len && why.len < why.max_bytes; i++)
        buffer_printf(&why, "%s%s: %s", i ? "; " : "", outcome->lacks.items[i].instance,
                      outcome->lacks.items[i].detail);
    return why.len ? buffer_steal(&why) : memory_strdup("there is no place");
}

static void note_start(struct core *core, const struct scheduled_task *task, struct schedule_state *state,
                       const char *cluster, const struct string_vec *started)
{
    struct schedule_run *run = run_of(state, state->due_ms);
    struct buffer news CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_ERROR_CHARS);
    free(TAKE(run->result));
    run->run_ms = core_wall_ms(core);
    buffer_printf(&news, "has started %zu tasks:", started->len);
    for (size_t i = 0; i < started->len; i++) {
        vector_push(&run->tasks, service_key(cluster, started->items[i]));
        buffer_printf(&news, " (task %s)", started->items[i]);
    }
    say(state, memory_printf("started %s", started->items[0]));
    tell(core, task, state, false, buffer_str(&news));
}

enum start { START_DONE, START_FORBIDDEN, START_AGAIN };

static enum start start(struct core *core, const struct scheduled_task *task, struct schedule_state *state,
                        size_t target, struct effect_vec *effects)
{
    const struct scheduled_run *run = &task->runs.items[target];
    struct run_request request;
    struct run_outcome outcome = {0};
    if (!make_way(core, task, state, effects)) {
        note_lack(core, task, state, state->due_ms,
                  memory_strdup("the run before is still going on (Forbid)"));
        return START_FORBIDDEN;
    }
    char *token CLEANUP_FREE = token_of(task, target, state->due_ms);
    if (run_request_read(run->request, &request, &outcome.error) == 0) {
        request.started_by = task->started_by;
        request.client_token = token;
        request.digest = digest_of_bytes(token, strlen(token)); /* whatever the target asks for by now */
        core_run_task(core, &request, effects, &outcome);
    }
    bool started = outcome.error.code == 0 && outcome.tasks.len > 0;
    if (!started)
        note_lack(core, task, state, state->due_ms, why_not(&outcome));
    else
        note_start(core, task, state, run->cluster, &outcome.tasks);
    if (started && outcome.lacks.len) {
        char *why CLEANUP_FREE = why_not(&outcome);
        note_lack(core, task, state, state->due_ms,
                  memory_printf("%zu of %d tasks: %s", (size_t)request.count - outcome.tasks.len,
                                request.count, why));
        state->missed = true;
    }
    run_outcome_deinit(&outcome);
    return started ? START_DONE : START_AGAIN;
}

static bool gives_up(const struct core *core, const struct scheduled_run *run,
                     const struct schedule_state *state)
{
    return state->attempts > run->attempts + 1 || /* the first is no retry */
           core_wall_ms(core) - state->due_ms > run->deadline_s * 1000;
}

/* The end of S7: why it was not started the last time is known. */
static void note_giving_up(struct core *core, const struct scheduled_task *task, struct schedule_state *state,
                           int tries)
{
    const struct schedule_run *last = last_run(state);
    const char *lack = last && last->lack ? last->lack : "davit was down";
    char *news = memory_printf("was not started and is given up after %d %s: %s", tries,
                               tries == 1 ? "try" : "tries", lack);
    tell(core, task, state, true, news);
    say(state, news);
}

static void attempt(struct core *core, const struct scheduled_task *task, struct schedule_state *state,
                    struct effect_vec *effects)
{
    bool left = false;
    bool given_up = false;
    state->attempts++;
    for (size_t t = 0; t < task->runs.len; t++) {
        if (state->targets & 1U << t)
            continue;
        bool up = gives_up(core, &task->runs.items[t], state);
        enum start started = up ? START_FORBIDDEN : start(core, task, state, t, effects);
        given_up |= up;
        state->missed |= started == START_FORBIDDEN;
        if (started == START_AGAIN)
            left = true;
        else
            state->targets |= 1U << t;
    }
    if (given_up)
        note_giving_up(core, task, state, state->attempts - 1);
    int64_t wait_ms = RETRY_FIRST_MS << (state->attempts < 6 ? state->attempts - 1 : 5);
    state->retry_ms = core_wall_ms(core) + (wait_ms > RETRY_MOST_MS ? RETRY_MOST_MS : wait_ms);
    if (left)
        return;
    if (!state->missed && last_run(state))
        free(TAKE(last_run(state)->lack)); /* another try has started it */
    state->due_ms = state->retry_ms = 0;
    state->attempts = 0;
}

/* Its source could not be read for longer than its task was kept. */
static const char not_known[] = "not known: its task was forgotten before";

/* NULL: it goes on. Caller frees; *ret_failed is the first task that did, or NULL. */
static char *result_of(const struct core *core, const struct schedule_run *run, const struct run **ret_failed)
{
    const struct run *failed = NULL;
    bool forgotten = false;
    *ret_failed = NULL;
    for (size_t i = 0; i < run->tasks.len; i++) {
        const struct service_state *task = map_get(&core->runs, run->tasks.items[i]);
        if (task && !task->run->stopped_ms)
            return NULL;
        forgotten |= !task;
        if (task && !run_succeeded(task->run) && !failed)
            failed = task->run;
    }
    *ret_failed = failed;
    char *why CLEANUP_FREE = failed ? run_failure(failed) : NULL;
    if (failed)
        return memory_printf("failed: %s", why);
    if (run->lack)
        return memory_printf("%s: %s", run->tasks.len ? "not all started" : "not started", run->lack);
    return memory_strdup(forgotten ? not_known : "succeeded");
}

/* S11. Kept, for the tasks are forgotten sooner. */
static void note_results(struct core *core, const struct scheduled_task *task, struct schedule_state *state)
{
    for (size_t i = 0; i < state->runs.len; i++) {
        struct schedule_run *run = &state->runs.items[i];
        if (run->result)
            continue;
        const struct run *failed;
        run->result = result_of(core, run, &failed);
        if (!run->result || (run->lack && !failed) || text_equal(run->result, not_known))
            continue;
        char *news CLEANUP_FREE = failed ? memory_printf("has %s (task %s)", run->result, failed->id)
                                         : memory_strdup("has succeeded");
        tell(core, task, state, failed != NULL, news);
    }
}

/* --- what is due ---------------------------------------------------------------------------------------- */

/* S1: it counts from now. */
static void begin(const struct core *core, const struct scheduled_task *task, struct schedule_state *state)
{
    state->digest = task->digest;
    state->since_ms = state->done_ms = core_wall_ms(core);
    state->due_ms = state->retry_ms = 0;
}

/* It counts from when it began, and not from a date. */
static bool is_span(const struct scheduled_task *task)
{
    return task->schedule.kind == SCHEDULE_RATE && !task->start_s;
}

/* S8: what was noted by a clock that was put back, and keeps no time from being started twice. */
static bool is_wrong(const struct core *core, const struct scheduled_task *task,
                     const struct schedule_state *state)
{
    int64_t ahead_ms = state->done_ms - core_wall_ms(core);
    bool is_first = state->done_ms == state->since_ms;
    return ahead_ms > scheduled_task_deadline_s(task) * 1000 || (ahead_ms > 0 && (is_first || is_span(task)));
}

static struct schedule_state *state_of(struct core *core, const struct scheduled_task *task)
{
    struct schedule_state *state = map_get(&core->schedules, task->name);
    if (!state) {
        state = NEW(struct schedule_state);
        map_put(&core->schedules, task->name, state);
        begin(core, task, state);
    }
    const struct core_source *source = core_source_of_schedule(core, task->name);
    free(state->source);
    state->source = source && !core_source_is_default(source) ? memory_strdup(source->name) : NULL;
    bool enabled = state->disabled && !task->disabled;
    if (!digest_equal(&state->digest, &task->digest) || enabled || is_wrong(core, task, state))
        begin(core, task, state);
    state->disabled = task->disabled;
    bool ended = task->end_s && state->due_ms / 1000 > task->end_s; /* by an EndDate that came later */
    if (task->disabled || ended)
        state->due_ms = state->retry_ms = state->attempts = 0;
    return state;
}

/* The latest time that is due and not too late, S2 and S3; what came before it is passed over. */
static void look(struct core *core, const struct scheduled_task *task, struct schedule_state *state)
{
    int64_t now_s = core_wall_ms(core) / 1000;
    int64_t since_s = state->since_ms / 1000;
    int64_t from_s = state->done_ms / 1000;
    int64_t least_s = now_s - scheduled_task_deadline_s(task);
    int64_t at_s;
    int64_t due_s = 0;
    if (!scheduled_task_next(task, since_s, from_s, &at_s) || at_s > now_s)
        return;
    int64_t first_s = at_s;
    if (from_s < least_s - 1)
        from_s = least_s - 1;
    while (scheduled_task_next(task, since_s, from_s, &at_s) && at_s <= now_s)
        due_s = from_s = at_s;
    state->done_ms = due_s ? due_s * 1000 : core_wall_ms(core);
    if (!due_s) {
        note_lack(core, task, state, first_s * 1000,
                  memory_strdup("it was due longer ago than MaximumEventAgeInSeconds"));
        return;
    }
    if (state->due_ms)
        note_giving_up(core, task, state, state->attempts);
    state->due_ms = state->retry_ms = due_s * 1000;
    state->attempts = 0;
    state->targets = 0;
    state->missed = false;
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
        if (found || !core_source_is_read(core, core_source_of_schedule(core, entry->key)))
            continue; /* M2 */
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
        if (state->retry_ms > core_wall_ms(core) + RETRY_MOST_MS) /* S8, while davit was down */
            state->retry_ms = core_wall_ms(core) + RETRY_MOST_MS;
        if (state->due_ms && state->retry_ms <= core_wall_ms(core))
            attempt(core, task, state, effects);
        note_results(core, task, state);
        save(task, state, before, effects);
        json_decref(before);
        int64_t wall_ms = next_ms(task, state);
        int64_t at_ms = wall_ms ? core_time_of_wall(core, wall_ms) : 0;
        if (at_ms && (!core->schedule_ms || at_ms < core->schedule_ms))
            core->schedule_ms = at_ms;
    }
    forget_others(core, effects);
}

/* Its times lie where they lay, seen from now: by whole seconds, as they are, or what was due is due once
 * more. */
static void move(struct schedule_state *state, int64_t leap_ms)
{
    int64_t step_ms = leap_ms - (leap_ms % 1000 + 1000) % 1000;
    state->since_ms += step_ms;
    state->done_ms += step_ms;
    struct schedule_run *last = last_run(state);
    if (state->due_ms && last && last->due_ms == state->due_ms)
        last->due_ms += step_ms;
    if (state->due_ms)
        state->due_ms += step_ms;
}

void core_move_schedules(struct core *core, int64_t step_ms, struct effect_vec *effects)
{
    assert(core);
    for (size_t i = 0; core->desired && i < core->desired->scheduled_tasks.len; i++) {
        const struct scheduled_task *task = core->desired->scheduled_tasks.items[i];
        struct schedule_state *state = map_get(&core->schedules, task->name);
        if (!state)
            continue;
        json_t *before = core_schedule_to_json(state);
        if (state->due_ms)
            state->retry_ms += step_ms;
        if (is_span(task))
            move(state, step_ms);
        save(task, state, before, effects);
        json_decref(before);
    }
    core->schedules_changed = true;
    core->dirty |= core->schedules.len > 0;
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
    int64_t now_ms = core_wall_ms(core);
    ret_view->counted = true;
    int64_t after_s = (state->done_ms > now_ms ? state->done_ms : now_ms) / 1000;
    if (scheduled_task_next(task, state->since_ms / 1000, after_s, &at_s))
        ret_view->next_ms = at_s * 1000;
    const struct schedule_run *last = last_run(state);
    ret_view->last_due_ms = last ? last->due_ms : 0;
    for (size_t i = 0; last && i < state->runs.len; i++)
        if (state->runs.items[i].run_ms)
            ret_view->last_run_ms = state->runs.items[i].run_ms;
    ret_view->message = state->message;
    ret_view->result = last ? last->result : NULL;
    ret_view->tasks = last ? &last->tasks : NULL;
    ret_view->runs_len = state->runs.len;
    ret_view->events = state->events.items;
    ret_view->events_first = state->events.first;
    ret_view->events_len = state->events.len;
    return true;
}

void core_view_schedule_run(const struct core *core, const struct view_schedule *view, size_t index,
                            struct view_schedule_run *ret_run)
{
    assert(core);
    assert(view && index < view->runs_len);
    const struct schedule_state *state = map_get(&core->schedules, view->task->name);
    const struct schedule_run *run = &state->runs.items[state->runs.len - 1 - index];
    *ret_run = (struct view_schedule_run){
        .due_ms = run->due_ms, .run_ms = run->run_ms, .result = run->result, .tasks = &run->tasks};
}
