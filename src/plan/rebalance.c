/* Rows Z1 to Z5: tasks that run go where their availability zone has fewer. */
#include "base/buffer.h"
#include "base/text.h"
#include "plan/rolling.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What the service's zones have, and will have when what is under way is done. */
struct balance {
    const struct fleet_zones *zones;
    int *after; /* by zone, owned */
};

/* Z1. Its first strategy is spread over zones: manifest/ sees to it. NULL: it is not for this service, or not
 * now. */
static const struct fleet_zones *zones_of(struct pass *pass)
{
    const struct deployment *primary = pass_primary(pass);
    if (!pass->in->desired->rebalances || primary->state != DEPLOYMENT_COMPLETED ||
        plan_capacity(pass->in->desired, pass->in->declared, pass->in->capacity)) /* V4 would undo it */
        return NULL;
    pass_sites(pass);
    assert(pass->zones[0]);
    return pass->zones[0]->len > 1 ? pass->zones[0] : NULL;
}

static size_t fattest(const struct balance *balance)
{
    size_t most = 0;
    for (size_t z = 1; z < balance->zones->len; z++)
        if (balance->after[z] > balance->after[most])
            most = z;
    return most;
}

static int skew_of(const struct balance *balance)
{
    int most = balance->after[fattest(balance)];
    int least = most;
    for (size_t z = 0; z < balance->zones->len; z++)
        if (balance->after[z] < least)
            least = balance->after[z];
    return most - least;
}

/* Whether any zone that has too few has an instance at all that may take a task. One that does not answer is
 * waited for, and so are tasks there that an expression speaks against. */
static bool has_use(struct pass *pass, const struct balance *balance)
{
    const struct site_vec *sites = &pass->fleet->sites;
    int most = balance->after[fattest(balance)];
    for (size_t i = 0; i < sites->len; i++) {
        if (most - balance->after[balance->zones->of[i]] <= 1)
            continue;
        const struct site *site = &sites->items[i];
        if (placement_is_open(pass, &sites->items[i]))
            return true;
        if (!pass->in->instances->items[site->index].usable ||
            (site->member == SITE_NO_MEMBER && placement_asks_for_tasks(site->failed)))
            pass->out->no_place = true; /* Z5 */
    }
    return false;
}

/* Each task more than desired lets one of the fattest zone go when it is healthy. */
static struct balance balance_of(const struct fleet_zones *zones, int surplus)
{
    struct balance balance = {zones, memory_calloc(zones->len, sizeof *balance.after)};
    memcpy(balance.after, zones->kept, zones->len * sizeof *balance.after);
    for (; surplus > 0; surplus--)
        balance.after[fattest(&balance)]--;
    return balance;
}

static size_t zone_of(const struct pass *pass, const struct site *site)
{
    return pass->zones[0]->of[site - pass->fleet->sites.items];
}

static const char *zone_name(struct pass *pass, size_t zone)
{
    const struct site_vec *sites = &pass->fleet->sites;
    size_t i = 0;
    while (pass->zones[0]->of[i] != zone)
        i++;
    const char *name = site_attribute(pass, &sites->items[i], "ecs.availability-zone");
    return name ? name : "no zone";
}

/* "3 tasks in a, 1 tasks in b" */
static char *counts_in_words(struct pass *pass)
{
    struct buffer out = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (size_t z = 0; z < pass->zones[0]->len && out.len < out.max_bytes; z++)
        buffer_printf(&out, "%s%d tasks in %s", z ? ", " : "", pass->zones[0]->kept[z], zone_name(pass, z));
    return buffer_steal(&out);
}

/* The tasks from `first` on are new. */
static void tell_started(struct pass *pass, size_t first)
{
    for (size_t z = 0; z < pass->zones[0]->len; z++) {
        struct buffer names = BUFFER_INIT(LIMIT_DESIRED_COUNT * 64);
        int tasks = 0;
        for (size_t i = first; i < pass->tasks.len; i++) {
            if (zone_of(pass, site_of(pass, pass->tasks.items[i].instance)) != z)
                continue;
            buffer_printf(&names, " (task %s)", pass->tasks.items[i].id);
            tasks++;
        }
        if (tasks)
            pass_event(pass, "has started %d tasks in %s to AZ Rebalance:%s.", tasks, zone_name(pass, z),
                       buffer_str(&names));
        buffer_deinit(&names);
    }
}

/* Z2. One task where the next one would go, if that makes its zone and the fattest more alike. */
static bool start_one(struct pass *pass, struct balance *balance)
{
    char id[ID_HEX_SIZE];
    id_draw_hex(pass->in->ids, id);
    struct site *site = placement_find(pass, id);
    size_t from = fattest(balance);
    if (!site || balance->after[from] - balance->after[zone_of(pass, site)] <= 1) {
        pass->out->no_place = true; /* Z5 */
        return false;
    }
    balance->after[zone_of(pass, site)]++;
    balance->after[from]--;
    rolling_launch(pass, placement_take(pass, site), id);
    return true;
}

void rebalance_start(struct pass *pass, struct tally *tally)
{
    assert(pass);
    assert(tally);
    bool calm = tally->live_old + tally->stopping + tally->unhealthy_new == 0 && !tally->launched &&
                !tally->no_place && tally->healthy_new >= tally->desired;
    const struct fleet_zones *zones = calm ? zones_of(pass) : NULL;
    if (!zones)
        return;
    struct balance balance = balance_of(zones, tally->live_new - tally->desired);
    char *before CLEANUP_FREE =
        skew_of(&balance) > 1 && has_use(pass, &balance) ? counts_in_words(pass) : NULL;
    size_t first = pass->tasks.len;
    bool may = before && tally->live_new < tally->upper;
    tally->held_back = may && back_off_held(pass, NULL);
    while (may && !tally->held_back && skew_of(&balance) > 1 && tally->live_new < tally->upper &&
           start_one(pass, &balance)) {
        tally->launched++;
        tally->live_new++;
        tally->pending_new++;
    }
    free(balance.after);
    if (!tally->launched)
        return;
    if (!pass->in->memory->rebalancing)
        pass_event(pass, "is not AZ balanced with %s. AZ Rebalancing in progress.", before);
    pass->in->memory->rebalancing = true;
    tell_started(pass, first);
}

bool rebalance_spares(struct pass *pass, const struct task *task, const struct site *site)
{
    assert(pass);
    assert(task);
    assert(site);
    const struct fleet_zones *zones = zones_of(pass);
    if (!zones || task->healthy)
        return false;
    const struct balance now = {zones, zones->kept};
    return zones->kept[fattest(&now)] > zones->kept[zone_of(pass, site)];
}

void rebalance_end(struct pass *pass, const struct tally *tally, bool completes)
{
    assert(tally);
    assert(pass);
    struct plan_memory *memory = pass->in->memory;
    const struct fleet_zones *zones = memory->rebalancing || completes ? zones_of(pass) : NULL;
    if (!zones)
        return;
    const struct balance now = {zones, zones->kept};
    bool balanced = skew_of(&now) <= 1;
    char *counts CLEANUP_FREE = memory->rebalancing && balanced ? counts_in_words(pass) : NULL;
    if (counts)
        pass_event(pass, "is AZ balanced with %s.", counts);
    if (completes && !balanced)
        pass_wake(pass, pass->in->now_ms + 1); /* what has just completed may be rebalanced */
    memory->rebalancing &= tally->held_back;
}
