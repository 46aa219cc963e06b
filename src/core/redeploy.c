/* EVENT_REDEPLOY, row D13: ECS's forceNewDeployment at run time. From then on the content counts as another
 * one, in this life and in later ones, so that rows D6 and D7 begin a deployment which replaces every task.
 */
#include "core/state.h"

#include <assert.h>

struct service *core_redeployed(const struct service_state *state, struct service *service)
{
    assert(state && service);
    struct digest by;
    if (!state->ledger || !service_ledger_forces(state->ledger, &service->digest, &by))
        return service_ref(service);
    struct service *copy = service_copy(service);
    service_force(copy, &by);
    return copy;
}

static void save(struct core *core, struct service_state *state, struct effect_vec *effects)
{
    char commit[COMMIT_SHORT_SIZE];
    const struct task_definition *definition = state->desired->task_definition;
    commit_short(core_commit_of(core, state)->oid, commit);
    char *message CLEANUP_FREE = memory_printf("%s: %s:%d is to be deployed anew, commit %s", state->key,
                                               definition->family, definition->revision, commit);
    core_save(effects, LEDGER_SERVICE, state->key, service_ledger_to_json(state->ledger), message);
}

void core_on_redeploy(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    struct service_state *state = core_service_state(core, event->retry.cluster, event->retry.service, false);
    struct service *service =
        core->desired ? desired_service(core->desired, event->retry.cluster, event->retry.service) : NULL;
    if (!state || !state->desired || !state->ledger || state->delayed || !service)
        return; /* a commit came in between */
    struct service_ledger *ledger = service_ledger_copy(state->ledger);
    service_ledger_redeploy(ledger, &service->digest, core->now_ms);
    service_ledger_forget_known_bad(ledger, &service->digest);
    service_ledger_forget_known_bad(ledger, &state->desired->digest);
    core_set_ledger(state, ledger);
    save(core, state, effects);
    struct service *next = core_redeployed(state, service);
    core_adopt_service(core, state, next, effects);
    service_unref(next);
    core_end_holds(core, state, INT64_MAX);
    map_clear(&state->troubles);
    core_mark(core, state);
}
