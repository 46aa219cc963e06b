/* davit.preDeploy: tasks that have to succeed, one after the other, before a deployment launches anything.
 * Rows R13, F16 and F18. They are standalone tasks of the group "pre-deploy:SERVICE", started by the
 * deployment (ECS: startedBy is its id); which of them it is says the client token, so that no restart starts
 * it twice.
 */
#include "core/state.h"

#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP "pre-deploy:"

static char *group_of(const struct service_state *service)
{
    return memory_printf(GROUP "%s", service->name);
}

/* One that has been renamed since has the deployment that started it. NULL: it is of no service. */
static struct service_state *service_of(const struct core *core, const struct run *run)
{
    return text_starts_with(run->group, GROUP)
               ? core_deployed_by(core, run->cluster, run->group + strlen(GROUP), run->started_by)
               : NULL;
}

/* Whether it is of that one: of many tasks, most are another's. */
static bool is_of(const struct core *core, const struct run *run, const struct service_state *service)
{
    if (!text_starts_with(run->group, GROUP) || !text_equal(run->cluster, service->cluster))
        return false;
    bool named = text_equal(run->group + strlen(GROUP), service->name);
    if (!core->any_renamed)
        return named;
    bool own = service->ledger && service_ledger_has_deployment(service->ledger, run->started_by);
    return own || (named && service_of(core, run) == service);
}

static void write_token(const struct deployment *deployment, size_t index,
                        char ret_token[static LIMIT_CLIENT_TOKEN_CHARS + 1])
{
    snprintf(ret_token, LIMIT_CLIENT_TOKEN_CHARS + 1, "%s/%zu", deployment->id, index);
}

/* The deployment that is to be prepared; NULL: none is, or it has not begun. */
static const struct deployment *to_prepare(const struct service_state *service)
{
    const struct service *desired = service->desired;
    if (!desired || desired->pre_deploy.len == 0 || plan_begins(service->ledger, desired, service->completed))
        return NULL;
    const struct deployment *primary = service_ledger_primary(service->ledger);
    return primary->state == DEPLOYMENT_IN_PROGRESS && digest_equal(&primary->digest, &desired->digest)
               ? primary
               : NULL;
}

struct step {
    const struct service_state *service;
    const struct deployment *deployment;
    char *group;
    char token[LIMIT_CLIENT_TOKEN_CHARS + 1];
    const struct run *run;   /* of the step; NULL: not started */
    const struct run *older; /* of an earlier deployment, which has not stopped; NULL: none */
};

/* Its instance does not answer, and somebody said by StopTask that nobody is to wait for it. */
static bool is_given_up(const struct core *core, const struct run *run)
{
    const struct instance_state *instance = core_instance_state(core, run->instance);
    return run->stop_code && (!instance || !instance->connected);
}

static void find_runs(const struct core *core, struct step *step)
{
    map_for_each (&core->runs, entry) {
        const struct run *run = ((const struct service_state *)entry->value)->run;
        if (!is_of(core, run, step->service))
            continue;
        if (!text_equal(run->started_by, step->deployment->id)) {
            if (!run->stopped_ms && !is_given_up(core, run))
                step->older = run;
        } else if (text_equal(run->client_token, step->token)) {
            step->run = run;
        }
    }
}

/* Since when, and the way out of one that hangs: it has no time limit. */
static char *waits_for(const char *name, const struct run *run)
{
    char since[TEXT_TIME_SIZE];
    if (text_equal(run->stop_code, STOP_CODE_USER))
        return memory_printf(
            "task %s of davit.preDeploy is being stopped (task %s): the deployment fails then", name,
            run->id);
    text_from_time_ms(run->created_ms, since);
    return memory_printf("waits for task %s of davit.preDeploy to succeed (task %s), since %.10s %.5s UTC; "
                         "\"davit stop-task %s/%.12s\" gives it up, and the deployment fails",
                         name, run->id, since, since + strlen("2026-01-01T"), run->cluster, run->id);
}

static void tell_start(struct core *core, struct service_state *service, const char *task)
{
    const struct service_state *state = core_run_state(core, service->cluster, task);
    char *message CLEANUP_FREE = memory_printf("(service %s) has started task %s of davit.preDeploy %s:%d.",
                                               service->name, task, state->run->family, state->run->revision);
    core_add_event(core, service, message);
}

/* What goes on while a change waits for its window has it as its own commit did; NULL: as the newest has it.
 */
static struct task_definition *definition_of(const struct service_state *service, const char *name)
{
    const struct service *desired = service->desired;
    for (size_t i = 0; i < desired->pre_deploy.len && i < desired->pre_deploy_definitions.len; i++)
        if (text_equal(desired->pre_deploy.items[i], name))
            return desired->pre_deploy_definitions.items[i];
    return NULL;
}

/* What is waited for from then on. Caller frees. */
static char *start(struct core *core, struct service_state *service, const struct step *step,
                   const char *name, struct effect_vec *effects)
{
    const struct delayed_change *delayed = step->service->delayed;
    const struct run_request request = {.cluster = step->service->cluster,
                                        .task_definition = name,
                                        .count = 1,
                                        .group = step->group,
                                        .started_by = step->deployment->id,
                                        .client_token = step->token,
                                        .definition = definition_of(step->service, name),
                                        .commit = delayed && delayed->known ? delayed->commit.oid : NULL};
    struct run_outcome outcome CLEANUP(run_outcome_deinit);
    core_run_task(core, &request, effects, &outcome);
    service->pre_deploy_lacks = outcome.tasks.len == 0;
    if (outcome.tasks.len) {
        tell_start(core, service, outcome.tasks.items[0]);
        return waits_for(name, core_run_state(core, service->cluster, outcome.tasks.items[0])->run);
    }
    if (outcome.lacks.len == 0)
        return memory_printf("task %s of davit.preDeploy does not start: %s", name,
                             error_text(&outcome.error));
    return memory_printf("task %s of davit.preDeploy finds no place: %s: %s", name,
                         outcome.lacks.items[0].instance, outcome.lacks.items[0].detail);
}

static char *failure_of(const struct run *run, const char *name)
{
    char *why CLEANUP_FREE = run_failure(run);
    return memory_printf("task %s of davit.preDeploy failed: %s (task %s)", name, why, run->id);
}

static struct step step_of(const struct core *core, const struct service_state *service, size_t index)
{
    struct step step = {.service = service, .deployment = to_prepare(service), .group = group_of(service)};
    write_token(step.deployment, index, step.token);
    find_runs(core, &step);
    return step;
}

static void note_success(struct service_state *service, const struct run *run, const struct digest *digest,
                         struct effect_vec *effects)
{
    struct service_ledger *ledger = service_ledger_copy(service->ledger);
    service_ledger_add_prepared(ledger, digest);
    char *message CLEANUP_FREE = memory_printf("%s: task %s:%d of davit.preDeploy succeeded", service->key,
                                               run->family, run->revision);
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(ledger), message);
    core_set_ledger(service, ledger);
}

/* The deployment that started the run as the next step of its content; NULL: none that is known. */
static const struct deployment *prepares(const struct service_ledger *ledger, const struct run *run)
{
    for (size_t i = 0; i < ledger->deployments.len; i++) {
        const struct deployment *deployment = &ledger->deployments.items[i];
        char token[LIMIT_CLIENT_TOKEN_CHARS + 1];
        write_token(deployment, (size_t)service_ledger_prepared(ledger, &deployment->digest), token);
        if (text_equal(run->client_token, token))
            return deployment;
    }
    return NULL;
}

/* F18: of a deployment that was replaced; F16 is for that which is in progress. Then it has FAILED, and is
 * not looked at again. */
static void note_failure(const struct core *core, struct service_state *service, const struct run *run,
                         size_t index, struct effect_vec *effects)
{
    struct service_ledger *ledger = service_ledger_copy(service->ledger);
    struct deployment *edit = &ledger->deployments.items[index];
    char *name CLEANUP_FREE = memory_printf("%s:%d", run->family, run->revision);
    char *why CLEANUP_FREE = failure_of(run, name);
    char *superseded CLEANUP_FREE = edit->reason;
    edit->reason = memory_printf("%s; %s", superseded ? superseded : "superseded", why);
    edit->state = DEPLOYMENT_FAILED;
    edit->updated_ms = core->now_ms;
    service_ledger_add_known_bad(ledger, edit, core->now_ms);
    char *message CLEANUP_FREE = memory_printf("%s: %s FAILED: %s", service->key, edit->id, why);
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(ledger), message);
    core_set_ledger(service, ledger);
}

/* Whether there was something to note. */
static bool note_end(const struct core *core, struct service_state *service, const struct run *run,
                     struct effect_vec *effects)
{
    const struct deployment *deployment = prepares(service->ledger, run);
    bool well = run_succeeded(run);
    if (!deployment || (!well && deployment->state != DEPLOYMENT_SUPERSEDED))
        return false;
    if (well)
        note_success(service, run, &deployment->digest, effects);
    else
        note_failure(core, service, run, (size_t)(deployment - service->ledger->deployments.items), effects);
    return true;
}

/* How it ended is noted whatever else holds the service back, and whatever is to run by now: the task's entry
 * is forgotten one day, and a revert brings the content back. */
static void note_ends(const struct core *core, struct service_state *service, struct effect_vec *effects)
{
    bool again = core->runs.len && service->ledger; /* its next step may have ended as well */
    while (again) {
        again = false;
        map_for_each (&core->runs, entry) {
            const struct run *run = ((const struct service_state *)entry->value)->run;
            if (run->stopped_ms && is_of(core, run, service))
                again |= note_end(core, service, run, effects);
        }
    }
}

/* F18, and the content is back in progress. Caller frees; NULL: it has not failed. */
static char *failed_before(const struct service_state *service)
{
    const struct service_ledger *ledger = service->ledger;
    if (!service_ledger_known_bad(ledger, &service->desired->digest))
        return NULL;
    for (size_t i = 1; i < ledger->deployments.len; i++) {
        const struct deployment *deployment = &ledger->deployments.items[i];
        if (deployment->state == DEPLOYMENT_FAILED && deployment->reason &&
            digest_equal(&deployment->digest, &service->desired->digest))
            return memory_printf("deployment %s of this content failed: %s", deployment->id,
                                 deployment->reason);
    }
    return memory_strdup("this content failed");
}

/* The next step is waited for, and started if nothing is in its way. */
static void take_step(struct core *core, struct service_state *service, const struct step *step,
                      const char *name, struct effect_vec *effects)
{
    if (step->older)
        service->pre_deploy =
            memory_printf("waits for task %s of davit.preDeploy on %s, which deployment %s "
                          "started; \"davit stop-task %s/%.12s\" gives it up, and that deployment fails",
                          step->older->id, step->older->instance, step->older->started_by, service->cluster,
                          step->older->id);
    else if (!step->run)
        service->pre_deploy = start(core, service, step, name, effects);
    else
        service->pre_deploy = waits_for(name, step->run);
}

void core_pre_deploy(struct core *core, struct service_state *service, struct effect_vec *effects)
{
    assert(core);
    assert(service);
    free(service->pre_deploy);
    free(service->pre_deploy_failed);
    service->pre_deploy = service->pre_deploy_failed = NULL;
    service->pre_deploy_lacks = false;
    if (service->run)
        return;
    note_ends(core, service, effects);
    if (!service->desired || service->desired->pre_deploy.len == 0)
        return;
    if (core_is_suspended(core, service) || core_stands_still(core, service))
        return;
    if (plan_begins(service->ledger, service->desired, service->completed)) {
        service->pre_deploy = memory_strdup("waits for the tasks of davit.preDeploy");
        core_mark(core, service); /* it is to be planned with what is about to begin */
        return;
    }
    if (!to_prepare(service))
        return;
    service->pre_deploy_failed = failed_before(service);
    size_t done = (size_t)service_ledger_prepared(service->ledger, &service->desired->digest);
    if (service->pre_deploy_failed || done >= service->desired->pre_deploy.len)
        return;
    const char *name = service->desired->pre_deploy.items[done];
    struct step step = step_of(core, service, done);
    if (step.run && step.run->stopped_ms)
        service->pre_deploy_failed = failure_of(step.run, name);
    else
        service->pre_deploy = core_order(core, service); /* R12 comes first, and is told */
    if (!service->pre_deploy_failed && !service->pre_deploy)
        take_step(core, service, &step, name, effects);
    free(step.group);
}

bool core_pre_deploy_needs(struct core *core, const struct run *run)
{
    assert(core);
    assert(run);
    const struct service_state *service = service_of(core, run);
    if (!service || !service->ledger || service->ledger->removed || service->ledger->deployments.len == 0)
        return false;
    const struct deployment *primary = service_ledger_primary(service->ledger);
    return primary->state == DEPLOYMENT_IN_PROGRESS && text_equal(primary->id, run->started_by) &&
           !(run->stopped_ms && run_succeeded(run));
}

void core_pre_deploy_release(struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    if (service->run)
        return;
    map_for_each (&core->runs, entry) {
        struct service_state *state = entry->value;
        if (state->run->stopped_ms && is_of(core, state->run, service))
            core_mark(core, state);
    }
}

void core_pre_deploy_stops(struct core *core, const struct run *run)
{
    assert(core);
    assert(run);
    struct service_state *service = service_of(core, run);
    if (service)
        core_mark(core, service);
}

void core_pre_deploy_ended(struct core *core, const struct run *run)
{
    assert(core);
    assert(run);
    struct service_state *service = service_of(core, run);
    if (!service)
        return;
    core_mark(core, service);
    bool well = run_succeeded(run);
    char *why CLEANUP_FREE = well ? NULL : run_failure(run);
    char *message CLEANUP_FREE =
        memory_printf("(service %s) task %s of davit.preDeploy %s:%d %s%s.", service->name, run->id,
                      run->family, run->revision, well ? "has succeeded" : "has failed: ", well ? "" : why);
    core_add_event(core, service, message);
}
