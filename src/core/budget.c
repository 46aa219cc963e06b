/* The deletion budget; the table is in core.h. */
#include "base/buffer.h"
#include "base/text.h"
#include "core/state.h"

#include <assert.h>
#include <stdlib.h>

#define NAMED_SERVICES 5 /* in the reason; more are counted */

/* Of services or of scheduled tasks, each by itself: few services may not hide all tasks, nor the other way.
 */
struct removal {
    const char *what;
    struct buffer names;
    int there; /* before */
    int removed;
};

struct candidate {
    const char *cluster;
    const char *name;
    bool stays; /* whether or not it is in the repository */
};

static void name_removed(struct removal *removal, const char *name)
{
    if (removal->removed++ < NAMED_SERVICES)
        buffer_printf(&removal->names, "%s%s", removal->removed > 1 ? ", " : "", name);
}

static void count(struct removal *removal, const struct desired *next, struct candidate service)
{
    removal->there++;
    if (service.stays || desired_service(next, service.cluster, service.name))
        return;
    char *key CLEANUP_FREE = service_key(service.cluster, service.name);
    name_removed(removal, key);
}

static void count_scheduled(struct removal *removal, const struct desired *next, const char *name)
{
    removal->there++;
    for (size_t i = 0; i < next->scheduled_tasks.len; i++)
        if (text_equal(next->scheduled_tasks.items[i]->name, name))
            return;
    name_removed(removal, name);
}

/* NULL: it is within the budget. Caller frees. */
static char *judge(const struct core *core, struct removal *removal)
{
    if (removal->removed > NAMED_SERVICES)
        buffer_printf(&removal->names, " and %d more", removal->removed - NAMED_SERVICES);
    if (core->deletion.services && removal->removed >= core->deletion.services &&
        100 * (int64_t)removal->removed > (int64_t)core->deletion.percent * removal->there &&
        removal->removed > core->approved_deletions)
        return memory_printf("removes %d of %d %s (%s)", removal->removed, removal->there, removal->what,
                             buffer_str(&removal->names));
    return NULL;
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
            removal->there++;
        else
            count(removal, next,
                  (struct candidate){service->cluster, service->name, service->prune_disabled});
    }
}

static void count_services(const struct core *core, const struct desired *next, struct removal *removal)
{
    if (core->desired) {
        count_desired(removal, core->desired, next);
        return;
    }
    map_for_each (&core->services, entry) { /* only the ledger knows what was desired */
        const struct service_state *service = entry->value;
        if (service->ledger && !service->ledger->removed)
            count(removal, next,
                  (struct candidate){service->cluster, service->name, service->ledger->prune_disabled});
    }
}

static void count_all_scheduled(const struct core *core, const struct desired *next, struct removal *removal)
{
    for (size_t i = 0; core->desired && i < core->desired->scheduled_tasks.len; i++)
        count_scheduled(removal, next, core->desired->scheduled_tasks.items[i]->name);
    if (!core->desired)
        map_for_each (&core->schedules, entry)
            count_scheduled(removal, next, entry->key);
}

char *core_over_budget(const struct core *core, const struct desired *next)
{
    assert(core);
    assert(next);
    struct removal services = {.what = "services", .names = BUFFER_INIT(LIMIT_ERROR_CHARS)};
    struct removal scheduled = {.what = "scheduled tasks", .names = BUFFER_INIT(LIMIT_ERROR_CHARS)};
    count_services(core, next, &services);
    count_all_scheduled(core, next, &scheduled);
    char *left CLEANUP_FREE = judge(core, &services);
    char *right CLEANUP_FREE = judge(core, &scheduled);
    buffer_deinit(&services.names);
    buffer_deinit(&scheduled.names);
    return left && right ? memory_printf("%s; %s", left, right) : left ? TAKE(left) : TAKE(right);
}
