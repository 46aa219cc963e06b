/* The sites of a cluster. What is asked of all of its instances is asked once and not with each plan; what
 * one plan notes is taken back at its end, on as many as it was noted on. */
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>
#include <stdlib.h>

static void zones_free(struct fleet_zones *zones)
{
    if (!zones)
        return;
    free(zones->of);
    free(zones->kept);
    free(zones);
}

/* A configuration is mostly in the order of names, as what is declared is: the next one is the likeliest. */
static const struct container_instance *find_after(const struct container_instance_vec *declared,
                                                   const struct container_instance *last, const char *name)
{
    const struct container_instance *next = last ? last + 1 : declared->items;
    return next < declared->items + declared->len && text_equal(next->name, name)
               ? next
               : container_instances_find(declared, name);
}

struct plan_fleet *plan_fleet_new(const struct plan_instance_vec *instances,
                                  const struct container_instance_vec *declared)
{
    assert(instances);
    struct plan_fleet *fleet = NEW(struct plan_fleet);
    fleet->instances = instances;
    fleet->zones = MAP_INIT(zones_free);
    bool all = !declared || declared->len == 0;
    const struct container_instance *last = NULL;
    vector_reserve(&fleet->sites, all || declared->len > instances->len ? instances->len : declared->len);
    for (size_t i = 0; i < instances->len; i++) {
        const struct container_instance *found =
            all ? NULL : find_after(declared, last, instances->items[i].name);
        if (!all && !found)
            continue;
        vector_push(&fleet->sites, (struct site){.index = i, .declared = found});
        last = found;
    }
    fleet->chances = memory_calloc(fleet->sites.len, sizeof *fleet->chances);
    for (size_t i = 0; i < fleet->sites.len; i++)
        fleet->chances[i] = strategy_chance_of(instances->items[fleet->sites.items[i].index].name);
    return fleet;
}

void plan_fleet_free(struct plan_fleet *fleet)
{
    if (!fleet)
        return;
    vector_deinit(&fleet->sites);
    vector_deinit(&fleet->touched);
    free(fleet->chances);
    map_deinit(&fleet->zones);
    zones_free(fleet->providers);
    map_deinit(&fleet->provider_zones);
    free(fleet);
}

/* Instances without the value are one zone, that of the empty one. *values gets the zones + 1. */
static struct fleet_zones *zones_new(const struct pass *pass, const char *attribute, struct map *values)
{
    const struct site_vec *sites = &pass->fleet->sites;
    struct fleet_zones *zones = NEW(struct fleet_zones);
    zones->of = memory_calloc(sites->len, sizeof *zones->of);
    for (size_t i = 0; i < sites->len; i++) {
        const struct site *site = &sites->items[i];
        const char *value = attribute        ? site_attribute(pass, site, attribute)
                            : site->declared ? site->declared->capacity_provider
                                             : NULL;
        size_t zone = (size_t)(uintptr_t)map_get(values, value ? value : "");
        if (!zone) {
            zone = ++zones->len;
            map_put(values, value ? value : "", (void *)(uintptr_t)zone);
        }
        zones->of[i] = (uint32_t)(zone - 1);
    }
    zones->kept = memory_calloc(zones->len, sizeof *zones->kept);
    return zones;
}

static void find_providers(struct pass *pass)
{
    struct plan_fleet *fleet = pass->fleet;
    pass->capacity = plan_capacity(pass->in->desired, pass->in->declared, pass->in->capacity);
    if (!pass->capacity)
        return;
    assert(pass->capacity->len <= LIMIT_CAPACITY_PROVIDERS);
    if (!fleet->providers)
        fleet->providers = zones_new(pass, NULL, &fleet->provider_zones);
    for (size_t i = 0; i < pass->capacity->len; i++) {
        size_t zone = (size_t)(uintptr_t)map_get(&fleet->provider_zones, pass->capacity->items[i].provider);
        pass->capacity_zones[i] = (uint32_t)(zone ? zone - 1 : fleet->providers->len);
    }
}

void fleet_find_zones(struct pass *pass)
{
    assert(pass);
    assert(pass->fleet);
    struct map *known = &pass->fleet->zones;
    if (known->len > LIMIT_FLEET_ATTRIBUTES)
        map_clear(known);
    size_t len;
    const struct placement_strategy *strategies = strategies_of(pass->in->desired, &len);
    for (size_t s = 0; s < len; s++) {
        const char *attribute = strategies[s].type == PLACEMENT_SPREAD ? strategies[s].attribute : NULL;
        if (!attribute)
            continue;
        pass->zones[s] = map_get(known, attribute);
        if (pass->zones[s])
            continue;
        struct map values CLEANUP(map_deinit) = {0};
        pass->zones[s] = zones_new(pass, attribute, &values);
        map_put(known, attribute, pass->zones[s]);
    }
    find_providers(pass);
}

void fleet_touch(struct plan_fleet *fleet, struct site *site)
{
    assert(fleet);
    assert(site);
    if (site->touched)
        return;
    site->touched = true;
    vector_push(&fleet->touched, (size_t)(site - fleet->sites.items));
}

void fleet_clear(struct pass *pass)
{
    assert(pass);
    struct plan_fleet *fleet = pass->fleet;
    for (size_t i = 0; i < fleet->touched.len; i++) {
        size_t at = fleet->touched.items[i];
        struct site *site = &fleet->sites.items[at];
        *site = (struct site){.index = site->index, .declared = site->declared};
        for (size_t s = 0; s < LIMIT_PLACEMENT_STRATEGIES; s++)
            if (pass->zones[s])
                pass->zones[s]->kept[pass->zones[s]->of[at]] = 0;
        if (pass->capacity)
            fleet->providers->kept[fleet->providers->of[at]] = 0;
    }
    fleet->touched.len = 0;
}
