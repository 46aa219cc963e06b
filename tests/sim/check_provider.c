/* (v) Capacity providers: no task on an instance of one that the strategy does not name, the bases first, and
 * nobody gets more than its share. Judged by the commit, with none of plan/'s code.
 */
#include "base/text.h"
#include "manifests.h"

#include <string.h>

static const struct version *version_of(const struct world *world)
{
    return &world->repo.versions[repo_version(core_desired(world->davit.core)->commit.oid)];
}

const struct capacity *provider_strategy(const struct world *world, const char *service)
{
    const struct version *version = version_of(world);
    const struct recipe *recipe = &version->recipes[service[1] - '0'];
    int which = recipe->capacity ? recipe->capacity : version->capacity;
    bool counts = version->declared && version->providers && !recipe->daemon && which;
    return counts && which != CAPACITY_EC2 ? &capacities[which] : NULL;
}

static const struct capacity_share *share_of(const struct capacity *strategy, int host)
{
    for (int i = 0; i < 2; i++)
        if (strategy->shares[i].provider == PROVIDER_OF(host))
            return &strategy->shares[i];
    return NULL;
}

/* On those of these hosts, a bit each; what is lost counts no more. */
static int count_of(const struct world *world, const int *now, char provider, int hosts)
{
    int count = 0;
    for (int h = 0; h < world->hosts_len; h++)
        count += PROVIDER_OF(h) == provider && hosts & 1 << h && !check_is_lost(world, world->hosts[h].name)
                     ? now[h]
                     : 0;
    return count;
}

static int on_provider(const int *on, char provider)
{
    int count = 0;
    for (int h = 0; h < HOSTS_MAX; h++)
        count += PROVIDER_OF(h) == provider ? on[h] : 0;
    return count;
}

/* How many it may have: all bases, and what the weights make of the rest, rounded up. */
static int most_of(const struct capacity *strategy, const struct capacity_share *share, int desired_count)
{
    int rest = desired_count;
    int weights = 0;
    for (int i = 0; i < 2; i++) {
        rest -= strategy->shares[i].base;
        weights += strategy->shares[i].weight;
    }
    return share->base + (rest > 0 ? (rest * share->weight + weights - 1) / weights : 0);
}

/* Whether a host of it may take any number of tasks. */
static bool is_wide_open(const struct world *world, const char *service, char provider)
{
    for (int h = 0; h < world->hosts_len; h++)
        if (PROVIDER_OF(h) == provider && world->hosts[h].cpu_units == WIDE_CPU_UNITS &&
            world->checker.listed[h] && !world->checker.lost_ms[h] && check_place_allowed(world, service, h))
            return true;
    return false;
}

static void check_bases(struct world *world, const struct view_service *view, const struct capacity *strategy,
                        const struct capacity_share *got, const int *now)
{
    int hosts = version_of(world)->declared;
    if (count_of(world, now, got->provider, hosts) <= got->base)
        return;
    for (int i = 0; i < 2; i++) {
        const struct capacity_share *other = &strategy->shares[i];
        if (count_of(world, now, other->provider, hosts) < other->base &&
            is_wide_open(world, view->name, other->provider))
            world_fail(world, "(v) %s: a task for provider %c, and the base of %c is not full", view->name,
                       got->provider, other->provider);
    }
}

void check_provider(struct world *world, const struct view_service *view, const int *launched, const int *now)
{
    const struct capacity *strategy = provider_strategy(world, view->name);
    const struct version *version = version_of(world);
    const struct place *place = repo_place(version, view->name);
    int active = version->declared & ~version->draining;
    int total = 0;
    if (!strategy || view->aim != view->desired) /* what served before asked for others */
        return;
    for (int h = 0; h < world->hosts_len; h++)
        total += now[h];
    for (int h = 0; h < world->hosts_len; h++) {
        const struct capacity_share *share = share_of(strategy, h);
        if (!launched[h])
            continue;
        if (!share) {
            world_fail(world, "(v) %s: launched on %s, whose provider the strategy does not name", view->name,
                       world->hosts[h].name);
            return;
        }
        if (total <= view->desired->desired_count &&
            count_of(world, now, share->provider, active) >
                most_of(strategy, share, view->desired->desired_count))
            world_fail(world, "(v) %s: provider %c has %d tasks, its share is %d", view->name,
                       share->provider, count_of(world, now, share->provider, active),
                       most_of(strategy, share, view->desired->desired_count));
        if (!place->distinct && !place->avoids && !check_wants_gpus(view->desired))
            check_bases(world, view, strategy, share, now);
    }
}

void provider_check_runs(struct world *world, const struct run_outcome *outcome, int which, int count)
{
    const struct version *version = version_of(world);
    const struct capacity *strategy = &capacities[which ? which : version->capacity];
    bool counts = version->declared && version->providers && strategy->list[0];
    int on[HOSTS_MAX] = {0};
    for (size_t i = 0; i < outcome->tasks.len; i++) {
        struct view_run view;
        int h = 0;
        if (!core_view_run(world->davit.core, "c", outcome->tasks.items[i], &view))
            continue;
        while (!text_equal(world->hosts[h].name, view.run->instance))
            h++;
        on[h]++;
        if (version->declared && !(version->declared & ~version->draining & 1 << h))
            world_fail(world, "(v) task %.12s is placed on %s, which is not ACTIVE", view.run->id,
                       world->hosts[h].name);
        const struct capacity_share *share = counts ? share_of(strategy, h) : NULL;
        if (counts && !share)
            world_fail(world, "(v) task %.12s is placed on %s, whose provider RunTask does not name",
                       view.run->id, world->hosts[h].name);
        if (share && on_provider(on, share->provider) > most_of(strategy, share, count))
            world_fail(world, "(v) RunTask places %d of %d tasks on provider %c",
                       on_provider(on, share->provider), count, share->provider);
    }
    if (counts)
        world_trace(world, "RunTask by strategy: %d/%d/%d of %d", on[0], on[1], on[2], count);
}

bool provider_has_room(const struct world *world, const struct service *service)
{
    const struct capacity *strategy = provider_strategy(world, service->name);
    for (int i = 0; i < 2; i++) {
        const struct capacity_share *share = &strategy->shares[i];
        bool any = share->base + share->weight == 0;
        for (int h = 0; h < world->hosts_len && !any; h++)
            any = PROVIDER_OF(h) == share->provider && check_room_on(world, service, h);
        if (!any)
            return false; /* who is for it waits for it */
    }
    return true;
}
