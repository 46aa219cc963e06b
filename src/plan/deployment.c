/* Rows D1 to D10; D11 is in rollback.c, D12 in plan.c. */
#include "plan/pass.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void end_deployment(struct deployment *deployment, enum deployment_state state, int64_t now_ms)
{
    deployment->state = state;
    deployment->updated_ms = deployment->ended_ms = now_ms;
}

static void set_reason(struct deployment *deployment, char *reason)
{
    free(deployment->reason);
    deployment->reason = reason;
}

struct deployment *pass_deploy(struct pass *pass, const struct service *content, const struct commit *commit)
{
    assert(pass);
    assert(content);
    const struct plan_input *in = pass->in;
    char oid[COMMIT_SHORT_SIZE];
    char id[DEPLOYMENT_ID_SIZE];
    commit_short(commit->oid, oid);
    snprintf(id, sizeof id, "ecs-svc/%" PRIu64, id_draw_number(in->ids));
    struct service_ledger *ledger =
        pass_edit(pass, "%s IN_PROGRESS, %s:%d, commit %s", id, content->task_definition->family,
                  content->task_definition->revision, oid);
    struct deployment *old = service_ledger_primary(ledger);
    if (old && old->state == DEPLOYMENT_IN_PROGRESS) {
        end_deployment(old, DEPLOYMENT_SUPERSEDED, in->now_ms);
        set_reason(old, memory_printf("superseded by %s", id));
    }
    ledger->removed = false;
    struct deployment *deployment = service_ledger_add(ledger);
    snprintf(deployment->id, sizeof deployment->id, "%s", id);
    deployment->digest = content->digest;
    deployment->family = memory_strdup(content->task_definition->family);
    deployment->revision = content->task_definition->revision;
    commit_copy(commit, &deployment->commit);
    deployment->state = DEPLOYMENT_IN_PROGRESS;
    deployment->reason = memory_printf("ECS deployment %s in progress.", id);
    deployment->desired_count = pass->asked->desired_count;
    deployment->created_ms = deployment->updated_ms = in->now_ms;
    image_begin(content, deployment);
    map_clear(&in->memory->back_offs); /* ECS 3.4: a new deployment clears the throttle */
    in->memory->crashes_in_row = in->memory->relapses_in_row = 0;
    in->memory->steady = false;
    return deployment;
}

static void deploy(struct pass *pass)
{
    const struct plan_input *in = pass->in;
    struct deployment *deployment = pass_deploy(pass, in->desired, in->commit);
    const struct known_bad *bad = service_ledger_known_bad(pass->ledger, &in->desired->digest);
    if (!bad)
        return;
    char failed_at[COMMIT_SHORT_SIZE];
    commit_short(bad->commit, failed_at);
    end_deployment(deployment, DEPLOYMENT_FAILED, in->now_ms);
    set_reason(
        deployment,
        memory_printf("this content failed at commit %s and is not tried again until it changes", failed_at));
    pass_edit(pass, "FAILED: known bad since commit %s", failed_at);
    pass_event(pass, "(deployment %s) deployment failed: this content failed before, at commit %s.",
               deployment->id, failed_at);
}

bool deployment_is_gone(const struct plan_input *in)
{
    assert(in);
    for (size_t i = 0; i < in->under_way_len; i++)
        if (in->under_way[i]->kind != ACTION_RESOLVE)
            return false;
    return in->containers_len == 0;
}

static void remove_service(struct pass *pass)
{
    const struct plan_input *in = pass->in;
    if (deployment_is_gone(in)) { /* D1, D3 */
        pass->out->forget = true;
        if (pass->ledger)
            pass->out->ledger_message = memory_printf("%s/%s: INACTIVE, removed", in->cluster, in->service);
        return;
    }
    if (!pass->ledger || !pass->ledger->removed) { /* D2 */
        struct service_ledger *ledger = pass_edit(pass, "DRAINING, left the repository");
        ledger->removed = true;
        struct deployment *primary = service_ledger_primary(ledger);
        if (primary && primary->state == DEPLOYMENT_IN_PROGRESS)
            end_deployment(primary, DEPLOYMENT_SUPERSEDED, in->now_ms);
    }
    for (size_t i = 0; i < pass->tasks.len; i++)
        pass_stop(pass, &pass->tasks.items[i], "the service left the repository");
    pass_waiting(pass, "being removed: %zu task%s still there", pass->tasks.len,
                 pass->tasks.len == 1 ? " is" : "s are");
}

bool plan_begins(const struct service_ledger *ledger, const struct service *desired,
                 const struct service *completed)
{
    assert(desired);
    const struct deployment *primary = ledger ? service_ledger_primary(ledger) : NULL;
    if (!primary || ledger->removed)
        return true;
    if (!digest_equal(&primary->digest, &desired->digest))
        return !plan_rolled_back(ledger, desired, completed);
    /* D10: it failed, and the failure was forgotten since. */
    return primary->state == DEPLOYMENT_FAILED && !service_ledger_known_bad(ledger, &desired->digest);
}

void deployment_note_prune(struct pass *pass)
{
    assert(pass);
    const struct service *desired = pass->in->desired;
    if (!desired || !pass->ledger || pass->ledger->removed ||
        pass->ledger->prune_disabled == desired->prune_disabled)
        return;
    pass_edit(pass, "prune %s", desired->prune_disabled ? "disabled" : "enabled")->prune_disabled =
        desired->prune_disabled;
}

void pass_deployment(struct pass *pass)
{
    assert(pass);
    const struct service *desired = pass->in->desired;
    if (!desired) {
        remove_service(pass);
        return;
    }
    if (plan_begins(pass->ledger, pass->asked, pass->in->completed)) {
        deploy(pass);
        deployment_note_prune(pass);
        return;
    }
    deployment_note_prune(pass);
    const struct deployment *primary = pass_primary(pass);
    if (primary->desired_count != desired->desired_count &&
        primary->state != DEPLOYMENT_SUPERSEDED) { /* D5 */
        struct service_ledger *ledger = pass_edit(pass, "desired count %d", desired->desired_count);
        service_ledger_primary(ledger)->desired_count = desired->desired_count;
        service_ledger_primary(ledger)->updated_ms = pass->in->now_ms;
        pass->in->memory->steady = false;
    }
}
