/* Rows D11 and F12: what failed is replaced by what COMPLETED last (ECS 4.3). */
#include "model/json.h"
#include "plan/pass.h"

#include <assert.h>
#include <stdlib.h>

bool plan_rolled_back(const struct service_ledger *ledger, const struct service *desired,
                      const struct service *completed)
{
    const struct deployment *primary = ledger ? service_ledger_primary(ledger) : NULL;
    return desired && completed && primary && !ledger->removed &&
           digest_equal(&primary->digest, &completed->digest) &&
           service_ledger_is_rolled_back(ledger, &desired->digest);
}

void pass_aim(struct pass *pass)
{
    assert(pass);
    const struct service *asked = pass->asked;
    if (!plan_rolled_back(pass->ledger, asked, pass->in->completed))
        return;
    pass->aim = *pass->in->completed;
    pass->aim.desired_count = asked->desired_count;
    pass->aim.minimum_healthy_percent = asked->minimum_healthy_percent;
    pass->aim.maximum_percent = asked->maximum_percent;
    pass->aim.minimum_healthy_ms = asked->minimum_healthy_ms;
    pass->aim.health_check_grace_ms = asked->health_check_grace_ms;
    pass->aim.breaker = asked->breaker;
    pass->aim.prune_disabled = asked->prune_disabled;
    pass->aim.crash_report = asked->crash_report;
    pass->aim.daemon = asked->daemon;
    pass->aim.constraints = asked->constraints; /* borrowed, as all of it */
    pass->aim.strategies = asked->strategies;
    pass->aim.rebalances = asked->rebalances;
    pass->aim.capacity = asked->capacity;
    pass->aim.launch_type = asked->launch_type;
    pass->aimed = *pass->in;
    pass->aimed.desired = &pass->aim;
    pass->aimed.waits_for = pass->aimed.pre_deploy = NULL; /* what served before asks nobody */
    pass->in = &pass->aimed;
}

/* "web:2, commit 3f2a91c45d6e, failed: ..." */
static char *failure_of(const struct deployment *failed)
{
    char commit[COMMIT_SHORT_SIZE];
    commit_short(failed->commit.oid, commit);
    return memory_printf("%s:%d, commit %s, failed: %s", failed->family, failed->revision, commit,
                         failed->reason ? failed->reason : "");
}

char *rollback_reason(const struct deployment *primary, const struct deployment *failed)
{
    assert(primary);
    char commit[COMMIT_SHORT_SIZE];
    char *because CLEANUP_FREE = failed ? failure_of(failed) : memory_strdup("the newer one failed");
    commit_short(primary->commit.oid, commit);
    return memory_printf("Rolled back to %s:%d, commit %s, because %s", primary->family, primary->revision,
                         commit, because);
}

static bool may_roll_back(const struct pass *pass, const struct deployment *primary)
{
    const struct service *asked = pass->asked;
    const struct service *completed = pass->in->completed;
    return asked && completed && primary && primary->state == DEPLOYMENT_FAILED && asked->breaker.enable &&
           asked->breaker.rollback && digest_equal(&primary->digest, &asked->digest) &&
           !service_ledger_known_bad(pass->ledger, &completed->digest);
}

const char *rollback_obstacle(const struct pass *pass, const struct deployment *failed)
{
    assert(failed);
    const struct service *asked = pass->asked;
    if (!asked || !asked->breaker.enable || !asked->breaker.rollback)
        return NULL;
    if (!digest_equal(&failed->digest, &asked->digest))
        return "it is what was rolled back to";
    if (!pass->in->completed)
        return "no deployment has COMPLETED that it could go back to";
    return service_ledger_known_bad(pass->ledger, &pass->in->completed->digest)
               ? "what COMPLETED last has failed since"
               : NULL;
}

void pass_roll_back(struct pass *pass)
{
    assert(pass);
    const struct deployment *failed = pass_primary(pass);
    if (!may_roll_back(pass, failed))
        return;
    struct commit commit = {0};
    char *because CLEANUP_FREE = failure_of(failed);
    if (commit_from_json(json_object_get(pass->ledger->completed, "commit"), &commit) < 0)
        commit_copy(pass->in->commit, &commit);
    struct deployment *deployment = pass_deploy(pass, pass->in->completed, &commit);
    commit_deinit(&commit);
    deployment->rollback_of = pass->asked->digest;
    free(deployment->reason);
    deployment->reason = memory_printf("ECS deployment circuit breaker: rolling back to deploymentId %s. %s",
                                       deployment->id, because);
    pass_event(pass, "rolling back to deployment %s.", deployment->id);
    pass_aim(pass);
    pass_count(pass);
}

void rollback_note(struct pass *pass)
{
    assert(pass);
    const struct service *desired = pass->in->desired;
    bool wanted =
        desired->breaker.rollback || pass->ledger->completed; /* an old one would be the wrong one */
    if (!wanted || service_ledger_has_completed(pass->ledger, &desired->digest))
        return;
    struct service_ledger *ledger =
        pass_edit(pass, "%s:%d is what a rollback goes back to", desired->task_definition->family,
                  desired->task_definition->revision);
    service_ledger_set_completed(ledger, service_to_json(desired), &service_ledger_primary(ledger)->commit);
}
