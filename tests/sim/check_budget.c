/* (d) The deletion budget: what a commit removes it removes with leave. */
#include "base/text.h"
#include "model/json.h"
#include "world.h"

bool world_has_budget(const struct world *world)
{
    return world->seed % 4 == 1;
}

bool world_keeps_nothing(const struct world *world)
{
    return world->seed % 5 == 3;
}

static int deployed_of(const json_t *entry)
{
    const char *oid = model_string(json_object_get(entry, "deployed"), "oid");
    return oid ? repo_version(oid) : -1;
}

void budget_begin_life(struct world *world)
{
    world->checker.deployed = deployed_of(disk_entry(&world->disk, LEDGER_SOURCE, "default"));
    world->checker.approved = -1;
}

/* At least: a new name with another content is a removal as well. */
static int removed_between(const struct version *before, const struct version *now, int *ret_there)
{
    int removed = 0;
    *ret_there = 0;
    for (int s = 0; s < SERVICES_MAX; s++) {
        *ret_there += before->recipes[s].present;
        removed += before->recipes[s].present && !before->recipes[s].keep && !now->recipes[s].present;
    }
    return removed;
}

void budget_check(struct world *world, const struct ledger_change *change)
{
    if (change->kind != LEDGER_SOURCE || !change->entry)
        return;
    struct checker *checker = &world->checker;
    int before = checker->deployed;
    int now = deployed_of(change->entry);
    checker->deployed = now;
    if (!world_has_budget(world) || before < 0 || now <= before || now == checker->approved)
        return;
    int trailers = 0;
    for (int v = before + 1; v <= now; v++)
        trailers += world->repo.versions[v].approves;
    int there;
    int removed = removed_between(&world->repo.versions[before], &world->repo.versions[now], &there);
    if (removed >= BUDGET_SERVICES && 100 * removed > BUDGET_PERCENT * there && removed > trailers)
        world_fail(world, "(d) commit %d removes %d of %d services, and trailers since %d allow %d", now,
                   removed, there, before, trailers);
}

bool budget_approve(struct world *world)
{
    struct view_source source;
    if (!world->davit.core)
        return false;
    core_view_source(world->davit.core, &source);
    if (!source.held)
        return false;
    struct event event = {.kind = EVENT_APPROVE};
    snprintf(event.approve.oid, sizeof event.approve.oid, "%s", source.head->oid);
    world_trace(world, "davit approve %.12s: %s", source.head->oid, source.held);
    world->checker.approved = repo_version(source.head->oid);
    davit_step(world, &event);
    return true;
}
