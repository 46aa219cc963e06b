/* The deletion budget; the table is in core.h. */
#include "base/buffer.h"
#include "base/text.h"
#include "core/state.h"

#include <assert.h>
#include <stdlib.h>

#define NAMED_SERVICES 5 /* in the reason; more are counted */

void core_removals_init(struct core_removals *removals)
{
    assert(removals);
    *removals = (struct core_removals){.services.names = BUFFER_INIT(LIMIT_ERROR_CHARS),
                                       .scheduled.names = BUFFER_INIT(LIMIT_ERROR_CHARS)};
}

void core_removals_deinit(struct core_removals *removals)
{
    assert(removals);
    buffer_deinit(&removals->services.names);
    buffer_deinit(&removals->scheduled.names);
    string_vec_deinit(&removals->services.keys);
    string_vec_deinit(&removals->scheduled.keys);
}

void core_removal_add(struct core_removal *removal, const char *removed)
{
    assert(removal);
    removal->there++;
    if (!removed)
        return;
    vector_push(&removal->keys, memory_strdup(removed));
    if (removal->removed++ < NAMED_SERVICES)
        buffer_printf(&removal->names, "%s%s", removal->removed > 1 ? ", " : "", removed);
}

struct candidate {
    const char *cluster;
    const char *name;
    bool stays; /* whether or not it is in the repository */
};

/* What there will be. */
struct future {
    const struct desired *desired;
    struct service_rename_vec renames; /* of what there is */
    const struct map *released;        /* not counted again; NULL: nothing */
};

static bool is_released(const struct future *next, const char *key)
{
    return next->released && map_get(next->released, key);
}

static void count(struct core_removal *removal, const struct future *next, struct candidate service)
{
    bool goes = !service.stays && !desired_service(next->desired, service.cluster, service.name) &&
                !service_rename_from(&next->renames, service.cluster, service.name);
    char *key CLEANUP_FREE = goes ? service_key(service.cluster, service.name) : NULL;
    if (!key || !is_released(next, key))
        core_removal_add(removal, key);
}

static bool has_scheduled(const struct desired *desired, const char *name)
{
    for (size_t i = 0; i < desired->scheduled_tasks.len; i++)
        if (text_equal(desired->scheduled_tasks.items[i]->name, name))
            return true;
    return false;
}

static void count_scheduled(struct core_removal *removal, const struct future *next, const char *name)
{
    bool stays = has_scheduled(next->desired, name);
    if (stays || !is_released(next, name))
        core_removal_add(removal, stays ? NULL : name);
}

/* Services and scheduled tasks each by themselves: few of the ones may not hide all of the others. NULL: it
 * is within the budget. Caller frees. */
static char *judge(struct core_removal *removal, const char *what, const struct core_deletion *deletion,
                   int approved)
{
    if (removal->removed > NAMED_SERVICES)
        buffer_printf(&removal->names, " and %d more", removal->removed - NAMED_SERVICES);
    if (deletion->services && removal->removed >= deletion->services &&
        100 * (int64_t)removal->removed > (int64_t)deletion->percent * removal->there &&
        removal->removed > approved)
        return memory_printf("removes %d of %d %s (%s)", removal->removed, removal->there, what,
                             buffer_str(&removal->names));
    return NULL;
}

char *core_removals_judge(struct core_removals *removals, const struct core_deletion *deletion, int approved)
{
    assert(removals);
    assert(deletion);
    char *left CLEANUP_FREE = judge(&removals->services, "services", deletion, approved);
    char *right CLEANUP_FREE = judge(&removals->scheduled, "scheduled tasks", deletion, approved);
    return left && right ? memory_printf("%s; %s", left, right) : left ? TAKE(left) : TAKE(right);
}

char *core_would_hold(const struct core *core, const char *name, struct core_removals *removals, int approved)
{
    assert(core);
    const struct core_source *source = core_source_of_event(core, name);
    assert(source);
    return core_removals_judge(removals, &core->deletion,
                               core_sum_of_deletions(source->approved_deletions, approved));
}

/* Both are sorted, and nearly all are the same object, whose names need not be fetched from memory. */
static void count_desired(struct core_removal *removal, const struct desired *old,
                          const struct future *future)
{
    const struct desired *next = future->desired;
    size_t n = 0;
    for (size_t o = 0; o < old->services.len; o++) {
        const struct service *service = old->services.items[o];
        while (n < next->services.len && next->services.items[n] != service &&
               service_compare(next->services.items[n], service) < 0)
            n++;
        if (n < next->services.len && next->services.items[n] == service)
            core_removal_add(removal, NULL);
        else
            count(removal, future,
                  (struct candidate){service->cluster, service->name, service->prune_disabled});
    }
}

static void count_all(struct core_removals *removals, const struct desired *old, const struct future *next)
{
    count_desired(&removals->services, old, next);
    for (size_t i = 0; i < old->scheduled_tasks.len; i++)
        count_scheduled(&removals->scheduled, next, old->scheduled_tasks.items[i]->name);
}

void core_removals_add(struct core_removals *removals, const struct desired *old, const struct desired *next)
{
    assert(removals);
    assert(old);
    assert(next);
    struct future future = {.desired = next};
    service_renames_between(old, next, &future.renames);
    count_all(removals, old, &future);
    vector_deinit(&future.renames);
}

/* Only the ledger knows what was desired. */
static void count_remembered(const struct core *core, const struct core_source *source,
                             const struct future *next, struct core_removals *removals)
{
    map_for_each (&core->services, entry) {
        const struct service_state *service = entry->value;
        if (service->ledger && !service->ledger->removed && core_source_of_service(core, service) == source)
            count(&removals->services, next,
                  (struct candidate){service->cluster, service->name, service->ledger->prune_disabled});
    }
    map_for_each (&core->schedules, entry)
        if (core_source_of_schedule(core, entry->key) == source)
            count_scheduled(&removals->scheduled, next, entry->key);
}

static void count_known(const struct core *core, const struct core_source *source, struct future *next,
                        struct core_removals *removals)
{
    core_find_renames(core, source, next->desired, &next->renames);
    if (source->desired)
        count_all(removals, source->desired, next);
    else
        count_remembered(core, source, next, removals);
    vector_deinit(&next->renames);
}

char *core_over_budget(const struct core *core, const struct core_source *source, const struct desired *next)
{
    assert(core);
    assert(source);
    assert(next);
    struct core_removals removals CLEANUP(core_removals_deinit);
    core_removals_init(&removals);
    struct future future = {.desired = next, .released = source->desired ? NULL : &source->released};
    count_known(core, source, &future, &removals);
    return core_would_hold(core, source->name, &removals, 0);
}

/* Names of scheduled tasks have no slash, keys of services have one. */
static bool is_still_there(const struct core *core, const char *key, const struct desired *next)
{
    const struct service_state *service = map_get(&core->services, key);
    if (service)
        return service->ledger && !service->ledger->removed &&
               !desired_service(next, service->cluster, service->name);
    return map_get(&core->schedules, key) && !has_scheduled(next, key);
}

void core_release(const struct core *core, struct core_source *source, const struct desired *next)
{
    assert(core);
    assert(source);
    assert(next);
    struct map released = {0};
    struct core_removals removals CLEANUP(core_removals_deinit);
    core_removals_init(&removals);
    struct future future = {.desired = next};
    map_for_each (&source->released, entry)
        if (is_still_there(core, entry->key, next))
            map_put(&released, entry->key, source);
    count_known(core, source, &future, &removals);
    const struct string_vec *lists[] = {&removals.services.keys, &removals.scheduled.keys};
    for (size_t l = 0; l < ARRAY_LEN(lists); l++)
        for (size_t i = 0; i < lists[l]->len; i++)
            map_put(&released, lists[l]->items[i], source);
    map_deinit(&source->released);
    source->released = released;
}
