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

uint64_t strategy_chance(const char *task)
{
    assert(task);
    return add_text(0xCBF29CE484222325U, task);
}

static int64_t by_chance(uint64_t chance, const char *instance)
{
    uint64_t hash = add_text(chance, instance);
    hash = (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93U; /* the last letters alone must not decide */
    return (int64_t)(hash >> 1);
}

static int tasks_kept(const struct pass *pass, const struct site *site, size_t s,
                      const struct placement_strategy *strategy)
{
    return strategy->attribute ? pass->sites.items[site->zones[s]].zone_kept[s] : site->kept;
}

/* The lesser the better. */
static int64_t cost(const struct pass *pass, const struct site *site, size_t s,
                    const struct placement_strategy *strategy, uint64_t chance)
{
    const struct plan_instance *instance = &pass->in->instances->items[site->index];
    switch (strategy->type) {
    case PLACEMENT_BINPACK_CPU:
        return instance->cpu_units_free;
    case PLACEMENT_BINPACK_MEMORY:
        return instance->memory_mib_free;
    case PLACEMENT_RANDOM:
        return by_chance(chance, instance->name);
    default:
        return tasks_kept(pass, site, s, strategy);
    }
}

bool strategy_improves(const struct pass *pass, const struct site *site, uint64_t chance,
                       struct strategy_costs *best)
{
    assert(pass);
    assert(best);
    size_t len;
    const struct placement_strategy *strategies = strategies_of(pass->in->desired, &len);
    bool better = !best->known;
    for (size_t s = 0; s < len; s++) {
        int64_t now = cost(pass, site, s, &strategies[s], chance);
        if (!better && now > best->costs[s])
            return false;
        better |= now < best->costs[s];
        best->costs[s] = now; /* the same unless it is better */
    }
    best->known = true;
    return better;
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
