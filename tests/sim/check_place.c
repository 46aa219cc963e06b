/* (j) Where tasks go: judged by the commit, with none of plan/'s code. */
#include "base/text.h"
#include "survey.h"

#include <string.h>

static bool is_active(const struct version *version, int host)
{
    return !version->declared || (version->declared & 1 << host && !(version->draining & 1 << host));
}

/* What the commit says, as an onlooker reads it. */
static bool allows(const struct place *place, const struct version *version, int host)
{
    return is_active(version, host) && (!place->wants_ssd || (version->declared && repo_has_ssd(host)));
}

bool check_place_allowed(const struct world *world, const char *service, int host)
{
    const struct version *version =
        &world->repo.versions[repo_version(core_desired(world->davit.core)->commit.oid)];
    return allows(repo_place(version, service), version, host);
}

static int host_of(const struct world *world, const char *instance)
{
    int i = 0;
    while (!text_equal(world->hosts[i].name, instance))
        i++;
    return i;
}

/* Tasks of a service on each host. */
struct spread {
    int all[HOSTS_MAX];      /* that have not stopped */
    int least[HOSTS_MAX];    /* of the desired content, and to stay after this turn */
    int most[HOSTS_MAX];     /* and before it */
    int launched[HOSTS_MAX]; /* in this turn */
};

static struct spread spread_of(const struct world *world, const struct view_service *view,
                               const struct map *launched)
{
    struct spread spread = {0};
    struct task_vec tasks;
    core_view_tasks(world->davit.core, view->cluster, view->name, world->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++) {
        const struct task *task = &tasks.items[i];
        int host = host_of(world, task->instance);
        bool is_new = digest_equal(&task->digest, service_task_digest(view->desired));
        if (task->status == TASK_STOPPED)
            continue;
        spread.all[host]++;
        spread.least[host] += is_new && !task->stop;
        spread.most[host] += is_new && !map_get(&world->checker.stops, task->id);
        spread.launched[host] += map_get(launched, task->id) != NULL;
    }
    task_vec_deinit(&tasks);
    return spread;
}

/* Where hosts are alike and have room for everybody, the fullest that got a task had no more than the others
 * before. */
static void check_even(struct world *world, const struct view_service *view, const struct spread *spread,
                       int host)
{
    for (int other = 0; other < world->hosts_len; other++)
        if (world->checker.listed[other] && !world->checker.lost_ms[other] &&
            check_place_allowed(world, view->name, other) && spread->least[host] - 1 > spread->most[other])
            world_fail(world, "(j) %s: %s gets one of its %d tasks, and %s has %d", view->name,
                       world->hosts[host].name, spread->least[host], world->hosts[other].name,
                       spread->most[other]);
}

void check_place(struct world *world, const struct view_service *view, const struct map *launched)
{
    if (!view->desired || launched->len == 0 || view->delayed) /* what goes on asked for another place */
        return;
    const struct version *version =
        &world->repo.versions[repo_version(core_desired(world->davit.core)->commit.oid)];
    const struct place *place = repo_place(version, view->name);
    struct spread spread = spread_of(world, view, launched);
    for (int host = 0; host < world->hosts_len; host++) {
        if (!spread.launched[host])
            continue;
        world_trace(world, "%s: %d tasks are launched on %s", view->name, spread.launched[host],
                    world->hosts[host].name);
        if (!check_place_allowed(world, view->name, host))
            world_fail(world, "(j) %s: launched on %s, which the commit does not allow", view->name,
                       world->hosts[host].name);
        if (view->desired->daemon && spread.all[host] > 1) /* not even one that is stopping */
            world_fail(world, "(m) %s: %d tasks on %s, and it is a DAEMON", view->name, spread.all[host],
                       world->hosts[host].name);
        if (place->distinct && spread.all[host] > 1)
            world_fail(world, "(j) %s: %d tasks on %s in spite of distinctInstance", view->name,
                       spread.all[host], world->hosts[host].name);
        if (world->hosts[host].cpu_units == WIDE_CPU_UNITS && place->even)
            check_even(world, view, &spread, host);
    }
}

/* Whether one more task of the service may be there, by engine truth. */
bool check_place_free(const struct world *world, const char *service, int host)
{
    const struct version *version =
        &world->repo.versions[repo_version(core_desired(world->davit.core)->commit.oid)];
    const struct place *place = repo_place(version, service);
    if (!allows(place, version, host))
        return false;
    const struct sim *sim = world->hosts[host].sim;
    for (size_t c = 0; c < sim_containers_len(sim); c++) {
        const struct container *container = sim_container_at(sim, c);
        const char *of = container->labels.service;
        if (container->status == CONTAINER_STOPPED || !of)
            continue;
        if ((place->distinct && text_equal(of, service)) || (place->avoids && text_equal(of, place->avoids)))
            return false;
    }
    return true;
}

bool check_place_lingers(const struct world *world, const struct view_service *view, int host)
{
    if (!view->desired || !view->desired->daemon || check_place_allowed(world, view->name, host))
        return false;
    const struct sim *sim = world->hosts[host].sim;
    for (size_t c = 0; c < sim_containers_len(sim); c++) {
        const struct container *container = sim_container_at(sim, c);
        struct view_service other;
        if (container->status == CONTAINER_STOPPED || text_equal(container->labels.service, view->name))
            continue;
        if (container->labels.group) /* a standalone task runs to its end there */
            return true;
        if (!container->labels.service)
            continue;
        if (core_view_service(world->davit.core, "c", container->labels.service, &other) &&
            !(other.desired && other.desired->daemon))
            return true;
    }
    return false;
}

void check_place_goal(struct world *world, const struct view_service *view)
{
    const struct version *version =
        &world->repo.versions[repo_version(core_desired(world->davit.core)->commit.oid)];
    struct task_vec tasks;
    core_view_tasks(world->davit.core, view->cluster, view->name, world->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        if (tasks.items[i].status != TASK_STOPPED &&
            !is_active(version, host_of(world, tasks.items[i].instance)) &&
            !check_place_lingers(world, view, host_of(world, tasks.items[i].instance)))
            world_fail(world, "goal: %s: a task is still on %s, which is to be left: %s", view->name,
                       tasks.items[i].instance, view->waiting ? view->waiting : "no reason");
    task_vec_deinit(&tasks);
}
