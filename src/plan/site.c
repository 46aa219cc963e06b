/* Rows P4, P5 and P9: which instances are the cluster's, and what they are. */
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* --- which ---------------------------------------------------------------------------------------------- */

static const struct plan_instance *instance_of(const struct pass *pass, const struct site *site)
{
    return &pass->in->instances->items[site->index];
}

static bool declares(const struct pass *pass)
{
    return pass->in->declared && pass->in->declared->len > 0;
}

char *site_why_leave(const struct pass *pass, const char *instance)
{
    assert(pass);
    if (!declares(pass))
        return NULL;
    const struct container_instance *declared = container_instances_find(pass->in->declared, instance);
    if (!declared)
        return memory_printf("container instance %s is not in the cluster any more", instance);
    return declared->draining ? memory_printf("container instance %s is DRAINING", instance) : NULL;
}

bool site_is_to_leave(const struct pass *pass, const char *instance)
{
    assert(pass);
    return declares(pass) && !container_instances_keep(pass->in->declared, instance);
}

struct site *site_of(struct pass *pass, const char *instance)
{
    assert(pass);
    struct site_vec *sites = pass_sites(pass);
    for (size_t i = 0; i < sites->len; i++)
        if (text_equal(instance_of(pass, &sites->items[i])->name, instance))
            return &sites->items[i];
    return NULL;
}

static void count(struct pass *pass, struct site *site, int kept)
{
    site->kept += kept;
    for (size_t s = 0; s < LIMIT_PLACEMENT_STRATEGIES; s++)
        pass->sites.items[site->zones[s]].zone_kept[s] += kept;
}

void site_add(struct pass *pass, struct site *site)
{
    assert(pass);
    assert(site);
    site->tasks++;
    site->member = SITE_UNASKED; /* it may depend on the tasks there */
    count(pass, site, 1);
}

void site_leave(struct pass *pass, struct site *site)
{
    assert(pass);
    assert(site);
    assert(site->kept > 0);
    site->left++;
    count(pass, site, -1);
}

/* Instances without the attribute are one zone, that of the empty value. */
static void find_zones(struct pass *pass, size_t strategy, const char *attribute)
{
    struct map first = {0};
    for (size_t i = 0; i < pass->sites.len; i++) {
        const char *value = site_attribute(pass, &pass->sites.items[i], attribute);
        struct site *same = map_get(&first, value ? value : "");
        if (!same)
            map_put(&first, value ? value : "", &pass->sites.items[i]);
        pass->sites.items[i].zones[strategy] = same ? (size_t)(same - pass->sites.items) : i;
    }
    map_deinit(&first);
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

struct site_vec *pass_sites(struct pass *pass)
{
    assert(pass);
    assert(pass->in->instances);
    if (pass->sited)
        return &pass->sites;
    pass->sited = true;
    vector_reserve(&pass->sites, pass->in->instances->len);
    const struct container_instance *last = NULL;
    for (size_t i = 0; i < pass->in->instances->len; i++) {
        const char *name = pass->in->instances->items[i].name;
        const struct container_instance *found =
            declares(pass) ? find_after(pass->in->declared, last, name) : NULL;
        if (declares(pass) && !found)
            continue;
        vector_push(&pass->sites, (struct site){.index = i, .declared = found});
        last = found;
    }
    size_t len;
    const struct placement_strategy *strategies = strategies_of(pass->in->desired, &len);
    for (size_t s = 0; s < len; s++)
        if (strategies[s].type == PLACEMENT_SPREAD && strategies[s].attribute)
            find_zones(pass, s, strategies[s].attribute);
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        struct site *site = task->status != TASK_STOPPED ? site_of(pass, task->instance) : NULL;
        if (!site)
            continue;
        site->tasks++;
        if (task_is_live(task) && pass_is_new(pass, task) && !(site->declared && site->declared->draining))
            count(pass, site, 1);
    }
    return &pass->sites;
}

/* --- what they are -------------------------------------------------------------------------------------- */

/* As ECS calls them. */
static const struct {
    const char *engine;
    const char *ecs;
} architectures[] = {{"amd64", "x86_64"}, {"aarch64", "arm64"}};

const char *site_attribute(const struct pass *pass, const struct site *site, const char *name)
{
    assert(site);
    const struct plan_instance *instance = instance_of(pass, site);
    if (text_equal(name, "ecs.os-type"))
        return instance->os;
    if (text_equal(name, "ecs.os-family"))
        return text_equal(instance->os, "linux") ? "LINUX" : NULL;
    if (text_equal(name, "ecs.cpu-architecture")) {
        for (size_t i = 0; i < ARRAY_LEN(architectures); i++)
            if (text_equal(instance->arch, architectures[i].engine))
                return architectures[i].ecs;
        return instance->arch;
    }
    const struct instance_attribute_vec *attributes = site->declared ? &site->declared->attributes : NULL;
    for (size_t i = 0; attributes && i < attributes->len; i++)
        if (text_equal(attributes->items[i].name, name))
            return attributes->items[i].value;
    return NULL;
}

struct asked {
    const struct pass *pass;
    const struct site *site;
};

static bool ask_groups(const struct asked *asked, bool (*take)(const void *taker, const char *value),
                       const void *taker)
{
    const struct plan_group_vec *groups = &instance_of(asked->pass, asked->site)->groups;
    char *prefix CLEANUP_FREE = memory_printf("%s/", asked->pass->in->cluster);
    for (size_t i = 0; i < groups->len; i++) {
        if (!text_starts_with(groups->items[i].holder, prefix))
            continue;
        char *group CLEANUP_FREE = memory_printf("service:%s", groups->items[i].holder + strlen(prefix));
        if (take(taker, group))
            return true;
    }
    return false;
}

static bool ask_count(const struct asked *asked, bool (*take)(const void *taker, const char *value),
                      const void *taker)
{
    const struct plan_group_vec *groups = &instance_of(asked->pass, asked->site)->groups;
    int64_t tasks = 0;
    char text[24];
    for (size_t i = 0; i < groups->len; i++)
        tasks += groups->items[i].tasks;
    snprintf(text, sizeof text, "%lld", (long long)tasks);
    return take(taker, text);
}

/* Of what only ECS's own agent has, its version and the time of its registration, there is no value. */
static bool values(const void *data, const char *subject, bool (*take)(const void *taker, const char *value),
                   const void *taker)
{
    static const char prefix[] = "attribute:";
    const struct asked *asked = data;
    const struct plan_instance *instance = instance_of(asked->pass, asked->site);
    if (text_starts_with(subject, prefix)) {
        const char *value = site_attribute(asked->pass, asked->site, subject + strlen(prefix));
        return value && take(taker, value);
    }
    if (text_equal(subject, "task:group"))
        return ask_groups(asked, take, taker);
    if (text_equal(subject, "runningTasksCount"))
        return ask_count(asked, take, taker);
    if (text_equal(subject, "ec2InstanceId"))
        return take(taker, instance->name);
    if (text_equal(subject, "agentConnected"))
        return take(taker, instance->usable ? "true" : "false");
    return false;
}

/* The first expression that does not hold, or NULL. */
static const char *fails(const struct pass *pass, const struct site *site,
                         const struct placement_constraint_vec *constraints)
{
    const struct asked asked = {pass, site};
    const struct query_instance instance = {values, &asked};
    for (size_t i = 0; i < constraints->len; i++) {
        const struct placement_constraint *constraint = &constraints->items[i];
        if (constraint->expression && !(constraint->query && query_matches(constraint->query, &instance)))
            return constraint->expression;
    }
    return NULL;
}

bool site_is_member(const struct pass *pass, struct site *site)
{
    assert(pass);
    assert(site);
    if (site->member == SITE_UNASKED) {
        const struct service *desired = pass->in->desired;
        site->failed = fails(pass, site, &desired->task_definition->constraints);
        if (!site->failed)
            site->failed = fails(pass, site, &desired->constraints);
        site->member = site->failed ? SITE_NO_MEMBER : SITE_MEMBER;
    }
    return site->member == SITE_MEMBER;
}

bool site_may_stay(const struct pass *pass, const struct site *site)
{
    assert(pass);
    assert(site);
    const struct placement_constraint_vec *lists[] = {&pass->in->desired->task_definition->constraints,
                                                      &pass->in->desired->constraints};
    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        for (size_t i = 0; i < lists[l]->len; i++) {
            struct placement_constraint *constraint = &lists[l]->items[i];
            const struct placement_constraint_vec one = {.items = constraint, .len = 1};
            if (constraint->expression && !placement_asks_for_tasks(constraint->expression) &&
                fails(pass, site, &one))
                return false;
        }
    }
    return true;
}
