/* Rows P7 and P8: which of the instances that can take a task is the best, and which task goes best (R4). */
#include "plan/pass.h"

#include <assert.h>

static const struct placement_strategy usual[] = {{PLACEMENT_SPREAD, (char *)"ecs.availability-zone"},
                                                  {PLACEMENT_SPREAD, NULL}};

const struct placement_strategy *strategies_of(const struct service *service, size_t *ret_len)
{
    assert(service);
    assert(ret_len);
    size_t len = service->strategies.len;
    assert(len <= LIMIT_PLACEMENT_STRATEGIES);
    *ret_len = len ? len : ARRAY_LEN(usual);
    return len ? service->strategies.items : usual;
}

/* FNV-1a: any order will do that is the same in every replay. */
static uint64_t add_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3U;
    return hash;
}

static const uint64_t any_text = 0xCBF29CE484222325U;

/* The last letters alone must not decide. */
static uint64_t fold(uint64_t hash)
{
    return hash ^ (hash >> 32);
}

uint64_t strategy_chance_of(const char *text)
{
    assert(text);
    return fold(add_text(any_text, text));
}

/* Of both: it is asked of every site for every task. */
static uint64_t mix(uint64_t task, uint64_t instance)
{
    return fold((task ^ instance) * 0xD6E8FEB86659FD93U) * 0xD6E8FEB86659FD93U;
}

static int tasks_kept(const struct pass *pass, const struct site *site, size_t s,
                      const struct placement_strategy *strategy)
{
    const struct fleet_zones *zones = pass->zones[s];
    if (!strategy->attribute)
        return site->kept;
    assert(zones); /* fleet_find_zones() */
    return zones->kept[zones->of[site - pass->fleet->sites.items]];
}

/* The lesser the better. */
static int64_t cost(const struct strategy_search *search, size_t site, size_t s)
{
    const struct pass *pass = search->pass;
    const struct plan_fleet *fleet = pass->fleet;
    const struct plan_instance *instances = pass->in->instances->items;
    switch (search->strategies[s].type) {
    case PLACEMENT_BINPACK_CPU:
        return instances[fleet->sites.items[site].index].cpu_units_free;
    case PLACEMENT_BINPACK_MEMORY:
        return instances[fleet->sites.items[site].index].memory_mib_free;
    case PLACEMENT_RANDOM:
        return (int64_t)(mix(search->chance, fleet->chances[site]) >> 1);
    default:
        return tasks_kept(pass, &fleet->sites.items[site], s, &search->strategies[s]);
    }
}

/* What a place costs at least. */
static int64_t least_cost(const struct pass *pass, size_t s, const struct placement_strategy *strategy)
{
    const struct fleet_zones *zones = pass->zones[s];
    if (strategy->type == PLACEMENT_BINPACK_CPU || strategy->type == PLACEMENT_BINPACK_MEMORY)
        return INT64_MIN;
    int least = zones && zones->len ? zones->kept[0] : 0;
    for (size_t z = 1; zones && z < zones->len; z++)
        if (zones->kept[z] < least)
            least = zones->kept[z];
    return least;
}

void strategy_begin(const struct pass *pass, const char *task, struct strategy_search *ret_search)
{
    assert(pass);
    assert(task);
    assert(ret_search);
    struct strategy_search search = {.pass = pass, .chance = strategy_chance_of(task)};
    search.strategies = strategies_of(pass->in->desired, &search.len);
    for (size_t s = 0; s < search.len; s++)
        search.least[s] = least_cost(pass, s, &search.strategies[s]);
    *ret_search = search;
}

/* --- what is asked of thousands of sites for each task -------------------------------------------------- */

static size_t skip_by_chance(const struct strategy_search *search, size_t site)
{
    const struct plan_fleet *fleet = search->pass->fleet;
    const uint64_t best = (uint64_t)search->costs[0] << 1 | 1; /* as cost() makes it */
    while (site < fleet->sites.len && mix(search->chance, fleet->chances[site]) > best)
        site++;
    return site;
}

static size_t skip_zones(const struct strategy_search *search, size_t site)
{
    const struct fleet_zones *zones = search->pass->zones[0];
    const size_t len = search->pass->fleet->sites.len;
    const int best = (int)search->costs[0];
    while (site < len && zones->kept[zones->of[site]] > best)
        site++;
    return site;
}

/* With binpack in second place. */
static size_t skip_zones_and_fuller(const struct strategy_search *search, size_t site)
{
    const struct fleet_zones *zones = search->pass->zones[0];
    const struct site *sites = search->pass->fleet->sites.items;
    const struct plan_instance *instances = search->pass->in->instances->items;
    const size_t len = search->pass->fleet->sites.len;
    const int best = (int)search->costs[0];
    const int64_t most = search->costs[1] - (search->len == 2); /* what is equal is no better */
    const bool cpu = search->strategies[1].type == PLACEMENT_BINPACK_CPU;
    for (; site < len; site++) {
        int kept = zones->kept[zones->of[site]];
        if (kept > best)
            continue;
        const struct plan_instance *instance = &instances[sites[site].index];
        if (kept < best || (cpu ? instance->cpu_units_free : instance->memory_mib_free) <= most)
            break;
    }
    return site;
}

/* The first from `site` on that the first strategies do not rule out: most are by these alone. */
static size_t skip(const struct strategy_search *search, size_t site)
{
    const size_t len = search->pass->fleet->sites.len;
    if (!search->found)
        return site;
    if (search->pass->zones[0]) {
        bool fuller = search->len > 1 && (search->strategies[1].type == PLACEMENT_BINPACK_CPU ||
                                          search->strategies[1].type == PLACEMENT_BINPACK_MEMORY);
        return fuller ? skip_zones_and_fuller(search, site) : skip_zones(search, site);
    }
    if (search->strategies[0].type == PLACEMENT_RANDOM)
        return skip_by_chance(search, site);
    while (site < len && cost(search, site, 0) > search->costs[0])
        site++;
    return site;
}

static bool improves(const struct strategy_search *search, size_t site, int64_t *ret_costs)
{
    bool better = !search->found;
    for (size_t s = 0; s < search->len; s++) {
        int64_t now = cost(search, site, s);
        if (!better && now > search->costs[s])
            return false;
        better |= now < search->costs[s];
        ret_costs[s] = now;
    }
    return better;
}

size_t strategy_next(const struct strategy_search *search, size_t site, int64_t *ret_costs)
{
    assert(search);
    assert(ret_costs);
    const size_t len = search->pass->fleet->sites.len;
    for (site = skip(search, site); site < len; site = skip(search, site + 1))
        if (improves(search, site, ret_costs))
            return site;
    return len;
}

bool strategy_settle(struct strategy_search *search, const int64_t *costs)
{
    assert(search);
    assert(costs);
    bool is_least = true;
    for (size_t s = 0; s < search->len; s++) {
        search->costs[s] = costs[s];
        is_least &= costs[s] <= search->least[s];
    }
    search->found = true;
    return is_least;
}

/* What is free of an instance when those that leave have left. */
static int64_t free_at_last(const struct pass *pass, const struct site *site, enum placement_type type)
{
    const struct container_spec_vec *specs = &pass->in->desired->task_definition->containers;
    const struct plan_instance *instance = &pass->in->instances->items[site->index];
    bool cpu = type == PLACEMENT_BINPACK_CPU;
    int64_t task = 0;
    for (size_t i = 0; i < specs->len; i++)
        task += cpu ? specs->items[i].cpu_units : specs->items[i].memory_mib;
    return (cpu ? instance->cpu_units_free : instance->memory_mib_free) + task * site->left;
}

int strategy_compare_rest(const struct pass *pass, const struct site *left, const struct site *right)
{
    assert(pass);
    size_t len;
    const struct placement_strategy *strategies = strategies_of(pass->in->desired, &len);
    for (size_t s = 0; s < len && strategies[s].type != PLACEMENT_RANDOM; s++) {
        bool spread = strategies[s].type == PLACEMENT_SPREAD;
        int64_t a =
            spread ? tasks_kept(pass, left, s, &strategies[s]) : free_at_last(pass, left, strategies[s].type);
        int64_t b = spread ? tasks_kept(pass, right, s, &strategies[s])
                           : free_at_last(pass, right, strategies[s].type);
        if (a != b)
            return a > b ? -1 : 1;
    }
    return 0;
}
