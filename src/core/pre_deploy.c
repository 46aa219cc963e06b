/* davit.preDeploy: tasks that have to succeed, one after the other, before a deployment launches anything.
 * Rows R13 and F16. They are standalone tasks of the group "pre-deploy:SERVICE", started by the deployment
 * (ECS: startedBy is its id); which of them it is says the client token, so that no restart starts it twice.
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
        if (!text_equal(run->group, step->group) || !text_equal(run->cluster, step->service->cluster))
            continue;
        if (!text_equal(run->started_by, step->deployment->id)) {
            if (!run->stopped_ms && !is_given_up(core, run))
                step->older = run;
        } else if (text_equal(run->client_token, step->token)) {
            step->run = run;
        }
    }
}

static char *waits_for(const char *name, const char *task)
{
    return memory_printf("waits for task %s of davit.preDeploy to succeed (task %s)", name, task);
}

/* What is waited for from then on; *ret_lacks when it did not start. Caller frees. */
static char *start(struct core *core, const struct step *step, const char *name, struct effect_vec *effects,
                   bool *ret_lacks)
{
    const struct run_request request = {.cluster = step->service->cluster,
                                        .task_definition = name,
                                        .count = 1,
                                        .group = step->group,
                                        .started_by = step->deployment->id,
                                        .client_token = step->token};
    struct run_outcome outcome CLEANUP(run_outcome_deinit);
    core_run_task(core, &request, effects, &outcome);
    *ret_lacks = outcome.tasks.len == 0;
    if (outcome.tasks.len)
        return waits_for(name, outcome.tasks.items[0]);
    if (outcome.lacks.len == 0)
        return memory_printf("task %s of davit.preDeploy does not start: %s", name,
                             error_text(&outcome.error));
    return memory_printf("task %s of davit.preDeploy finds no place: %s: %s", name,
                         outcome.lacks.items[0].instance, outcome.lacks.items[0].detail);
}

static char *failure_of(const struct run *run, const char *name)
{
    const struct run_exit *exit = run_decisive(run);
    if (exit && exit->has_exit_code)
        return memory_printf("task %s of davit.preDeploy failed: container %s exited with code %d (task %s)",
                             name, exit->container, exit->exit_code, run->id);
    return memory_printf("task %s of davit.preDeploy failed: %s (task %s)", name,
                         run->stop_reason ? run->stop_reason : "it did not run", run->id);
}

static void note_success(struct service_state *service, const char *name, struct effect_vec *effects)
{
    struct service_ledger *ledger = service_ledger_copy(service->ledger);
    service_ledger_add_prepared(ledger, &service->desired->digest);
    char *message CLEANUP_FREE =
        memory_printf("%s: task %s of davit.preDeploy succeeded", service->key, name);
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(ledger), message);
    core_set_ledger(service, ledger);
}

static struct step step_of(const struct core *core, const struct service_state *service, size_t index)
{
    struct step step = {.service = service, .deployment = to_prepare(service), .group = group_of(service)};
    snprintf(step.token, sizeof step.token, "%s/%zu", step.deployment->id, index);
    find_runs(core, &step);
    return step;
}

/* What has succeeded is noted whatever else holds the service back: its entry is forgotten one day. */
static void note_successes(struct core *core, struct service_state *service, struct effect_vec *effects)
{
    bool succeeded = true;
    while (succeeded && to_prepare(service)) {
        size_t done = (size_t)service_ledger_prepared(service->ledger, &service->desired->digest);
        if (done >= service->desired->pre_deploy.len)
            return;
        struct step step = step_of(core, service, done);
        succeeded = step.run && step.run->stopped_ms && run_succeeded(step.run);
        if (succeeded)
            note_success(service, service->desired->pre_deploy.items[done], effects);
        free(step.group);
    }
}

/* The next step is waited for, and started if nothing is in its way. */
static void take_step(struct core *core, struct service_state *service, size_t index,
                      struct effect_vec *effects)
{
    const char *name = service->desired->pre_deploy.items[index];
    struct step step = step_of(core, service, index);
    if (step.older)
        service->pre_deploy = memory_printf("waits for task %s of davit.preDeploy on %s, which deployment %s "
                                            "started",
                                            step.older->id, step.older->instance, step.older->started_by);
    else if (!step.run)
        service->pre_deploy = start(core, &step, name, effects, &service->pre_deploy_lacks);
    else if (!step.run->stopped_ms)
        service->pre_deploy = waits_for(name, step.run->id);
    else
        service->pre_deploy_failed = failure_of(step.run, name);
    free(step.group);
}

void core_pre_deploy(struct core *core, struct service_state *service, struct effect_vec *effects)
{
    assert(core);
    assert(service);
    free(service->pre_deploy);
    free(service->pre_deploy_failed);
    service->pre_deploy = service->pre_deploy_failed = NULL;
    service->pre_deploy_lacks = false;
    if (service->run || !service->desired || service->desired->pre_deploy.len == 0)
        return;
    note_successes(core, service, effects);
    if (core_is_suspended(core, service) || core_stands_still(core, service))
        return;
    if (plan_begins(service->ledger, service->desired, service->completed)) {
        service->pre_deploy = memory_strdup("waits for the tasks of davit.preDeploy");
        core_mark(core, service); /* it is to be planned with what is about to begin */
        return;
    }
    if (!to_prepare(service))
        return;
    size_t done = (size_t)service_ledger_prepared(service->ledger, &service->desired->digest);
    if (done >= service->desired->pre_deploy.len)
        return;
    service->pre_deploy = core_order(core, service); /* R12 comes first, and is told */
    if (!service->pre_deploy)
        take_step(core, service, done, effects);
}

void core_pre_deploy_ended(struct core *core, const struct run *run)
{
    assert(core);
    assert(run);
    if (!text_starts_with(run->group, GROUP))
        return;
    struct service_state *service = core_service_state(core, run->cluster, run->group + strlen(GROUP), false);
    if (service)
        core_mark(core, service);
}
