/* EVENT_TURN: plan what is dirty. */
#include "base/buffer.h"
#include "base/text.h"
#include "core/state.h"

#include <assert.h>
#include <stdlib.h>

#define WAKE_LEAST_MS 1000

/* The trouble that holds something back goes before what the plan waits for, but for a task without a place.
 */
static void tell_trouble(const struct core *core, struct service_state *service)
{
    map_for_each (&service->troubles, entry) {
        const struct trouble *trouble = entry->value;
        if (trouble->until_ms <= core->now_ms)
            continue;
        free(service->waiting);
        service->waiting = memory_strdup(trouble->message);
        return;
    }
}

static int64_t sooner(int64_t left_ms, int64_t right_ms)
{
    return right_ms && (!left_ms || right_ms < left_ms) ? right_ms : left_ms;
}

static void wake_service(struct core *core, struct service_state *service, int64_t plan_ms)
{
    int64_t at_ms = sooner(plan_ms, core_next_hold_ms(core, service));
    core_wake_at(core, service, sooner(at_ms, service->delayed ? service->delayed->opens_ms : 0));
}

static void take_run(struct core *core, struct service_state *service, struct plan_output *output,
                     struct effect_vec *effects)
{
    assert(service->run);
    bool ended = output->run->stopped_ms && !service->run->stopped_ms;
    core_save(effects, LEDGER_TASK, service->key, run_to_json(output->run), output->ledger_message);
    core_set_run(service, TAKE(output->run));
    if (ended)
        core_run_ended(core, service);
}

static void take_output(struct core *core, struct service_state *service, struct plan_output *output,
                        struct effect_vec *effects)
{
    if (output->ledger) {
        core_source_sign(core, service, output->ledger);
        core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(output->ledger),
                  output->ledger_message);
        core_set_ledger(service, TAKE(output->ledger));
        core_pre_deploy_release(core, service);
    }
    if (service->run && core_pre_deploy_needs(core, output->run ? output->run : service->run))
        output->forget = false;
    if (output->counted)
        core_set_count(service, output->desired_count);
    if (output->run && !output->forget)
        take_run(core, service, output, effects);
    free(service->waiting);
    service->waiting = TAKE(output->waiting);
    for (size_t i = 0; i < output->events.len; i++)
        core_add_event(core, service, output->events.items[i]);
    for (size_t i = 0; i < output->actions.len; i++)
        core_launch(core, service, output->actions.items[i], effects);
    output->actions.len = 0; /* taken over */
    if (service->under_way.len == 0)
        map_clear(&service->troubles); /* nothing is tried any more that went wrong */
    if (!core_is_suspended(core, service) && !output->no_place)
        tell_trouble(core, service);
    core_tell_delay(service);
    wake_service(core, service, output->wake_ms);
    core_await_room(core, service, output->no_place || service->pre_deploy_lacks);
    if (core_book(core, service))
        core_mark_awaiting_room(core);
    if (!output->gated)
        core_wait_for(core, service, NULL);
    core_mark_followers(core, service);
    if (output->forget && service->run) {
        core_save(effects, LEDGER_TASK, service->key, NULL, output->ledger_message);
        core_forget_run(core, service);
    } else if (output->forget) {
        if (service->ledger)
            core_save(effects, LEDGER_SERVICE, service->key, NULL, output->ledger_message);
        core_pre_deploy_release(core, service);
        core_forget_service(core, service);
    }
}

static void plan(struct core *core, struct service_state *service, struct effect_vec *effects)
{
    core_keep_adopted(core, service, effects);
    char *suspended CLEANUP_FREE = core_suspended(core, service);
    if (!suspended && core_stands_still(core, service))
        suspended = memory_strdup(service->delayed->text);
    char *waits_for CLEANUP_FREE = core_order(core, service);
    struct cluster *cluster = desired_cluster(core->desired, service->cluster);
    struct plan_options options = core->plan;
    if (service->run && core_is_surplus(core, service))
        options.stopped_kept = 0;
    struct plan_input input = {.now_ms = core->now_ms,
                               .options = &options,
                               .desired = service->desired,
                               .commit = service->delayed && service->delayed->known
                                             ? &service->delayed->commit
                                             : core_commit_of(core, service),
                               .ledger = service->ledger,
                               .run = service->run,
                               .completed = service->completed,
                               .cluster = service->cluster,
                               .service = service->name,
                               .key = service->key,
                               .suspended = suspended,
                               .waits_for = waits_for,
                               .pre_deploy = service->pre_deploy,
                               .pre_deploy_failed = service->pre_deploy_failed,
                               .containers = (const struct container *const *)service->containers.items,
                               .containers_len = service->containers.len,
                               .under_way = (const struct action *const *)service->under_way.items,
                               .under_way_len = service->under_way.len,
                               .failures = &service->failures,
                               .instances = &core->rooms,
                               .declared = cluster ? &cluster->instances : NULL,
                               .capacity = cluster ? &cluster->capacity : NULL,
                               .fleet = core_fleet(core, cluster),
                               .memory = &service->memory,
                               .ids = &core->ids};
    struct plan_output output;
    if (service->run)
        plan_run(&input, &output);
    else
        plan_service(&input, &output);
    plan_failure_vec_deinit(&service->failures);
    plan_room_give(&core->rooms, &output.booked);
    if (core_goes_first(service))
        core_keep(core, service, &output.kept);
    take_output(core, service, &output, effects);
    plan_output_deinit(&output);
}

/* After a start, what runs must be known before anything is decided: wait for every instance, but not for
 * ever. */
static bool is_ready(struct core *core)
{
    struct buffer names = BUFFER_INIT(LIMIT_ERROR_CHARS);
    size_t missing = 0;
    free(TAKE(core->awaited));
    if (!core->desired)
        return false;
    if (core->now_ms >= core->first_ms + core->patience_ms)
        return true;
    for (size_t i = 0; i < core->instances_len; i++)
        if (!core->instances[i].listed)
            buffer_printf(&names, "%s%s", missing++ ? ", " : "", core->instances[i].name);
    char *patience CLEANUP_FREE = text_from_duration_ms(core->patience_ms);
    if (missing)
        core->awaited =
            memory_printf("nothing is decided before instance%s %s answer%s, for up to %s after the start "
                          "(enginePatience): what runs there must be known",
                          missing > 1 ? "s" : "", buffer_str(&names), missing > 1 ? "" : "s", patience);
    buffer_deinit(&names);
    return !missing;
}

static void wake(struct core *core, struct effect_vec *effects)
{
    int64_t at_ms = sooner(core->sleeping.len ? core->sleeping.items[0]->wake_ms : 0, core->schedule_ms);
    if (at_ms && at_ms <= core->now_ms)
        at_ms = core->now_ms + WAKE_LEAST_MS; /* a wish for the past must not spin the loop */
    if (at_ms == core->wake_ms)
        return;
    core->wake_ms = at_ms;
    vector_push(effects, (struct effect){.kind = EFFECT_WAKE, .at_ms = at_ms});
}

/* First everybody's room as it is by now, then the plans: a place that is given must be free. */
static void plan_due(struct core *core, struct effect_vec *effects)
{
    struct service_state_vec due;
    core_open_windows(core, effects);
    core_room_refresh(core);
    core_take_due(core, &due);
    for (size_t i = 0; i < due.len; i++) {
        core_end_holds(core, due.items[i], core->now_ms);
        core_rebuild(core, due.items[i], effects);
        core_book(core, due.items[i]);
    }
    for (size_t i = 0; i < due.len; i++)
        core_pre_deploy(core, due.items[i], effects);
    size_t first = 0;
    while (first < due.len && core_goes_first(due.items[first]))
        first++;
    if (first)
        core_lend_kept(core);
    for (size_t i = 0; i < first; i++)
        plan(core, due.items[i], effects);
    if (first)
        core_keep_again(core);
    for (size_t i = first; i < due.len; i++)
        plan(core, due.items[i], effects);
    vector_deinit(&due);
}

void core_on_turn(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    (void)event;
    core->dirty = false;
    if (core->wake_ms <= core->now_ms)
        core->wake_ms = 0; /* it has struck: a wish for the same time is a new one */
    if (is_ready(core)) {
        core_run_schedules(core, effects);
        plan_due(core, effects);
        map_deinit(&core->commits);
        wake(core, effects);
        return;
    }
    int64_t at_ms = core->first_ms + core->patience_ms;
    if (core->desired && core->wake_ms != at_ms) {
        core->wake_ms = at_ms;
        vector_push(effects, (struct effect){.kind = EFFECT_WAKE, .at_ms = at_ms});
    }
}
