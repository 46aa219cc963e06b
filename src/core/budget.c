/* The deletion budget; the table is in core.h. */
#include "base/buffer.h"
#include "core/state.h"

#include <assert.h>

#define NAMED_SERVICES 5 /* in the reason; more are counted */

struct removal {
    struct buffer names;
    int services; /* that there were */
    int removed;
};

struct candidate {
    const char *cluster;
    const char *name;
    bool stays; /* whether or not it is in the repository */
};

static void count(struct removal *removal, const struct desired *next, struct candidate service)
{
    const char *cluster = service.cluster;
    const char *name = service.name;
    removal->services++;
    if (service.stays || desired_service(next, cluster, name))
        return;
    if (removal->removed++ < NAMED_SERVICES)
        buffer_printf(&removal->names, "%s%s/%s", removal->removed > 1 ? ", " : "", cluster, name);
}

/* Both are sorted, and nearly all are the same object, whose names need not be fetched from memory. */
static void count_desired(struct removal *removal, const struct desired *old, const struct desired *next)
{
    size_t n = 0;
    for (size_t o = 0; o < old->services.len; o++) {
        const struct service *service = old->services.items[o];
        while (n < next->services.len && next->services.items[n] != service &&
               service_compare(next->services.items[n], service) < 0)
            n++;
        if (n < next->services.len && next->services.items[n] == service)
            removal->services++;
        else
            count(removal, next,
                  (struct candidate){service->cluster, service->name, service->prune_disabled});
    }
}

char *core_over_budget(const struct core *core, const struct desired *next)
{
    assert(core);
    assert(next);
    struct removal removal = {.names = BUFFER_INIT(LIMIT_ERROR_CHARS)};
    char *reason = NULL;
    if (core->desired)
        count_desired(&removal, core->desired, next);
    else
        map_for_each (&core->services, entry) { /* only the ledger knows what was desired */
            const struct service_state *service = entry->value;
            if (service->ledger && !service->ledger->removed)
                count(&removal, next,
                      (struct candidate){service->cluster, service->name, service->ledger->prune_disabled});
        }
    if (removal.removed > NAMED_SERVICES)
        buffer_printf(&removal.names, " and %d more", removal.removed - NAMED_SERVICES);
    if (core->deletion.services && removal.removed >= core->deletion.services &&
        100 * (int64_t)removal.removed > (int64_t)core->deletion.percent * removal.services &&
        removal.removed > core->approved_deletions)
        reason = memory_printf("removes %d of %d services (%s)", removal.removed, removal.services,
                               buffer_str(&removal.names));
    buffer_deinit(&removal.names);
    return reason;
}
