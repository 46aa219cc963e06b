/* Rows V1 to V5: capacity providers, sets of container instances by name. */
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>

const struct capacity_item_vec *plan_capacity(const struct service *service,
                                              const struct container_instance_vec *declared,
                                              const struct capacity_item_vec *otherwise)
{
    assert(service);
    const struct capacity_item_vec *items = service->capacity.len  ? &service->capacity
                                            : service->launch_type ? NULL
                                                                   : otherwise;
    bool counts =
        items && items->len && declared && !service->daemon && container_instances_have_providers(declared);
    return counts ? items : NULL;
}

/* V5: of those that the same call has started. */
static int count_beside(const struct pass *pass, const char *provider)
{
    const struct string_vec *beside = pass->in->beside;
    int count = 0;
    for (size_t i = 0; beside && i < beside->len; i++) {
        const struct container_instance *declared =
            container_instances_find(pass->in->declared, beside->items[i]);
        count += declared && text_equal(declared->capacity_provider, provider);
    }
    return count;
}

/* New tasks that stay, on the instances of an item's provider. */
static int kept_of(const struct pass *pass, size_t item)
{
    if (pass->in->run)
        return count_beside(pass, pass->capacity->items[item].provider);
    const struct fleet_zones *providers = pass->fleet->providers;
    uint32_t zone = pass->capacity_zones[item];
    return zone < providers->len ? providers->kept[zone] : 0;
}

/* What the weights share out: how many tasks are over the bases, and the sum of the weights. */
struct shares {
    int64_t rest;
    int64_t weights;
};

static struct shares shares_of(const struct pass *pass, const struct capacity_item_vec *items)
{
    struct shares shares = {.rest = pass->in->desired->desired_count};
    for (size_t i = 0; i < items->len; i++) {
        shares.rest -= items->items[i].base;
        shares.weights += items->items[i].weight;
    }
    if (shares.rest < 0)
        shares.rest = 0;
    return shares;
}

/* How many tasks over its base the provider lacks, times the sum of the weights: without fractions. */
static int64_t deficit(const struct shares *shares, const struct capacity_item *item, int kept)
{
    return shares->rest * item->weight - shares->weights * (kept - item->base);
}

bool provider_choose(struct pass *pass, const char **ret_provider)
{
    assert(pass);
    assert(ret_provider);
    pass_sites(pass);
    const struct capacity_item_vec *items = pass->capacity;
    *ret_provider = NULL;
    if (!items)
        return true;
    struct shares shares = shares_of(pass, items);
    int64_t most = 0;
    for (size_t i = 0; i < items->len; i++) {
        const struct capacity_item *item = &items->items[i];
        int kept = kept_of(pass, i);
        if (pass->passed_over & UINT64_C(1) << i)
            continue;
        if (kept < item->base) {
            *ret_provider = item->provider;
            return true;
        }
        int64_t lacks = deficit(&shares, item, kept);
        bool may = item->weight && (lacks > 0 || !pass->passed_over); /* V3: its own share and no more */
        if (may && (!*ret_provider || lacks > most)) {
            most = lacks;
            *ret_provider = item->provider;
        }
    }
    return *ret_provider != NULL;
}

bool provider_pass_over(struct pass *pass, const char *provider)
{
    assert(pass);
    const struct capacity_item_vec *items = pass->capacity;
    for (size_t i = 0; items && provider && i < items->len; i++)
        if (text_equal(items->items[i].provider, provider))
            pass->passed_over |= UINT64_C(1) << i;
    return items && provider;
}

/* What the strategy does not name goes first. Who has no more than its base has none. */
static int64_t surplus(const struct pass *pass, const struct shares *shares, const struct site *site)
{
    uint32_t zone = pass->fleet->providers->of[site - pass->fleet->sites.items];
    for (size_t i = 0; i < pass->capacity->len; i++)
        if (pass->capacity_zones[i] == zone)
            return -deficit(shares, &pass->capacity->items[i], kept_of(pass, i));
    return INT64_MAX;
}

int provider_compare(const struct pass *pass, const struct site *left, const struct site *right)
{
    assert(pass);
    assert(pass->fleet);
    if (!pass->capacity)
        return 0;
    struct shares shares = shares_of(pass, pass->capacity);
    int64_t a = surplus(pass, &shares, left);
    int64_t b = surplus(pass, &shares, right);
    return a > b ? -1 : a < b;
}
