/* Rows V1 to V4: capacity providers, sets of container instances by name. */
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

/* New tasks that stay, on the instances of a provider. */
static int count_kept(struct pass *pass, const char *provider)
{
    const struct site_vec *sites = pass_sites(pass);
    int kept = 0;
    for (size_t i = 0; i < sites->len; i++) {
        const struct container_instance *declared = sites->items[i].declared;
        if (declared && text_equal(declared->capacity_provider, provider))
            kept += sites->items[i].kept;
    }
    return kept;
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
    const struct capacity_item_vec *items =
        plan_capacity(pass->in->desired, pass->in->declared, pass->in->capacity);
    *ret_provider = NULL;
    if (!items)
        return true;
    struct shares shares = shares_of(pass, items);
    int64_t most = 0;
    for (size_t i = 0; i < items->len; i++) {
        const struct capacity_item *item = &items->items[i];
        int kept = count_kept(pass, item->provider);
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
    const struct capacity_item_vec *items =
        plan_capacity(pass->in->desired, pass->in->declared, pass->in->capacity);
    for (size_t i = 0; items && provider && i < items->len; i++)
        if (text_equal(items->items[i].provider, provider))
            pass->passed_over |= UINT64_C(1) << i;
    return items && provider;
}

/* What the strategy does not name goes first. Who has no more than its base has none. */
static int64_t surplus(struct pass *pass, const struct capacity_item_vec *items, const struct site *site)
{
    struct shares shares = shares_of(pass, items);
    const char *provider = site->declared ? site->declared->capacity_provider : NULL;
    for (size_t i = 0; i < items->len; i++) {
        const struct capacity_item *item = &items->items[i];
        if (!text_equal(item->provider, provider))
            continue;
        return -deficit(&shares, item, count_kept(pass, provider));
    }
    return INT64_MAX;
}

int provider_compare(struct pass *pass, const struct site *left, const struct site *right)
{
    assert(pass);
    const struct capacity_item_vec *items =
        plan_capacity(pass->in->desired, pass->in->declared, pass->in->capacity);
    if (!items)
        return 0;
    int64_t a = surplus(pass, items, left);
    int64_t b = surplus(pass, items, right);
    return a > b ? -1 : a < b;
}
