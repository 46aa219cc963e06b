/* Rows P4, P5 and P9: which instances are the cluster's, and what they are. fleet.c keeps them. */
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

/* Its number among the sites; they are in the order of the instances. */
struct site *site_of(struct pass *pass, const char *instance)
{
    assert(pass);
    struct site_vec *sites = pass_sites(pass);
    size_t index = plan_instance_index(pass->in->instances, instance);
    size_t first = 0;
    for (size_t end = sites->len; first < end;) {
        size_t middle = first + (end - first) / 2;
        if (sites->items[middle].index < index)
            first = middle + 1;
        else
            end = middle;
    }
    return first < sites->len && sites->items[first].index == index ? &sites->items[first] : NULL;
}

static void count(struct pass *pass, struct site *site, int kept)
{
    size_t at = (size_t)(site - pass->fleet->sites.items);
    fleet_touch(pass->fleet, site);
    site->kept += kept;
    for (size_t s = 0; s < LIMIT_PLACEMENT_STRATEGIES; s++)
        if (pass->zones[s])
            pass->zones[s]->kept[pass->zones[s]->of[at]] += kept;
    struct fleet_zones *providers = pass->capacity ? pass->fleet->providers : NULL;
    if (providers)
        providers->kept[providers->of[at]] += kept;
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

/* T1: the tasks of a standalone task's group. */
static void count_group(struct pass *pass)
{
    char *prefix CLEANUP_FREE = memory_printf("%s/", pass->in->cluster);
    for (size_t i = 0; i < pass->fleet->sites.len; i++) {
        struct site *site = &pass->fleet->sites.items[i];
        const struct plan_group_vec *groups = &instance_of(pass, site)->groups;
        for (size_t g = 0; g < groups->len; g++) {
            if (!text_equal(groups->items[g].name, pass->in->run->group) ||
                !text_starts_with(groups->items[g].holder, prefix))
                continue;
            fleet_touch(pass->fleet, site);
            site->tasks += groups->items[g].tasks;
            count(pass, site, groups->items[g].tasks);
        }
    }
}

struct site_vec *pass_sites(struct pass *pass)
{
    assert(pass);
    const struct plan_input *in = pass->in;
    assert(in->instances);
    if (pass->fleet)
        return &pass->fleet->sites;
    assert(!in->fleet || in->fleet->instances == in->instances);
    pass->fleet = in->fleet ? in->fleet : plan_fleet_new(in->instances, in->declared);
    fleet_find_zones(pass);
    if (in->run)
        count_group(pass);
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        struct site *site = task->status != TASK_STOPPED ? site_of(pass, task->instance) : NULL;
        if (!site)
            continue;
        fleet_touch(pass->fleet, site);
        site->tasks++;
        if (task_is_live(task) && !task->lost && pass_is_new(pass, task) &&
            !(site->declared && site->declared->draining))
            count(pass, site, 1);
    }
    return &pass->fleet->sites;
}

void pass_leave_sites(struct pass *pass)
{
    assert(pass);
    if (!pass->fleet)
        return;
    fleet_clear(pass);
    if (!pass->in->fleet)
        plan_fleet_free(pass->fleet);
    pass->fleet = NULL;
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

/* Who runs on every instance does not ask for tasks of its own: what is left of one has gone before the next,
 * E2. */
static bool is_asked_for(const struct asked *asked, const struct plan_group *group)
{
    const struct plan_input *in = asked->pass->in;
    return !(in->desired && in->desired->daemon && text_equal(group->holder, in->key));
}

static bool ask_groups(const struct asked *asked, bool (*take)(const void *taker, const char *value),
                       const void *taker)
{
    const struct plan_group_vec *groups = &instance_of(asked->pass, asked->site)->groups;
    char *prefix CLEANUP_FREE = memory_printf("%s/", asked->pass->in->cluster);
    for (size_t i = 0; i < groups->len; i++) {
        if (!text_starts_with(groups->items[i].holder, prefix) || !is_asked_for(asked, &groups->items[i]))
            continue;
        const char *name = groups->items[i].name;
        char *group CLEANUP_FREE =
            name ? memory_strdup(name)
                 : memory_printf("service:%s", groups->items[i].holder + strlen(prefix));
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
        if (is_asked_for(asked, &groups->items[i]))
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
        fleet_touch(pass->fleet, site);
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
