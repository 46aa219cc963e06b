/* (j) Where tasks go: judged by the commit, with none of plan/'s code. */
#include "base/text.h"
#include "manifests.h"
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

/* What goes on while a change waits for its window asks for the place that its own commit asked for. */
static bool may_stay(const struct world *world, const struct view_service *view, int host)
{
    const struct version *version =
        &world->repo.versions[repo_version(core_desired(world->davit.core)->commit.oid)];
    struct place place = {0};
    for (size_t i = 0; i < view->desired->constraints.len; i++) {
        const char *expression = view->desired->constraints.items[i].expression;
        place.wants_ssd |= expression && strstr(expression, "disk == ssd");
    }
    return allows(&place, version, host);
}

bool check_place_stays(const struct world *world, const struct view_service *view, int host)
{
    return view->delayed ? may_stay(world, view, host) : check_place_allowed(world, view->name, host);
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
        bool is_new = digest_equal(&task->digest, service_task_digest(view->aim));
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
        if (world->hosts[host].cpu_units == WIDE_CPU_UNITS && place->even &&
            !provider_strategy(world, view->name) && !check_wants_gpus(view->aim))
            check_even(world, view, &spread, host);
    }
    check_provider(world, view, spread.launched, spread.least);
}

bool check_place_avoided(const struct world *world, const char *service, int host)
{
    const struct version *version =
        &world->repo.versions[repo_version(core_desired(world->davit.core)->commit.oid)];
    const char *avoids = repo_place(version, service)->avoids;
    const struct sim *sim = world->hosts[host].sim;
    for (size_t c = 0; avoids && c < sim_containers_len(sim); c++)
        if (sim_container_at(sim, c)->status != CONTAINER_STOPPED &&
            text_equal(sim_container_at(sim, c)->labels.service, avoids))
            return true;
    return false;
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
        const char *of = check_owner(world, &container->labels);
        if (container->status == CONTAINER_STOPPED || !of)
            continue;
        if ((place->distinct && text_equal(of, service)) || (place->avoids && text_equal(of, place->avoids)))
            return false;
    }
    return true;
}

bool check_place_lingers(const struct world *world, const struct view_service *view, int host)
{
    if (!view->desired || !view->desired->daemon || check_place_stays(world, view, host))
        return false;
    const struct sim *sim = world->hosts[host].sim;
    for (size_t c = 0; c < sim_containers_len(sim); c++) {
        const struct container *container = sim_container_at(sim, c);
        struct view_service other;
        const char *of = check_owner(world, &container->labels);
        bool kept = of && check_is_suspended(world, of);
        if ((container->status == CONTAINER_STOPPED && !kept) || text_equal(of, view->name))
            continue;
        if (container->labels.group) /* a standalone task runs to its end there */
            return true;
        if (!of)
            continue;
        if (core_view_service(world->davit.core, "c", of, &other) &&
            !(other.desired && other.desired->daemon))
            return true;
    }
    return false;
}

/* (z) No zone has two fewer than another, where a host of it could take one more. */
static void check_zones(struct world *world, const struct view_service *view, const int *tasks)
{
    int zones[HOSTS_MAX] = {0};
    int most = 0;
    int desired = view->desired->desired_count;
    for (int host = 0; host < world->hosts_len; host++) {
        for (int other = 0; other < world->hosts_len; other++)
            zones[host] += repo_same_zone(host, other) ? tasks[other] : 0;
        if (zones[host] > most)
            most = zones[host];
    }
    for (int host = 0; host < world->hosts_len; host++)
        if (most - zones[host] > 1 && desired * view->desired->maximum_percent / 100 > desired &&
            check_room_on(world, view->aim, host))
            world_fail(world, "(z) %s: the zone of %s has %d of its tasks, another has %d", view->name,
                       world->hosts[host].name, zones[host], most);
}

void check_place_goal(struct world *world, const struct view_service *view)
{
    const struct version *version =
        &world->repo.versions[repo_version(core_desired(world->davit.core)->commit.oid)];
    struct task_vec tasks;
    int on[HOSTS_MAX] = {0};
    core_view_tasks(world->davit.core, view->cluster, view->name, world->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++) {
        int host = host_of(world, tasks.items[i].instance);
        on[host] += tasks.items[i].status != TASK_STOPPED;
        if (tasks.items[i].status != TASK_STOPPED && !is_active(version, host) &&
            !check_place_lingers(world, view, host))
            world_fail(world, "goal: %s: a task is still on %s, which is to be left: %s", view->name,
                       tasks.items[i].instance, view->waiting ? view->waiting : "no reason");
    }
    task_vec_deinit(&tasks);
    if (version->declared && !provider_strategy(world, view->name) &&
        repo_place(version, view->name)->zones && !view->desired->daemon)
        check_zones(world, view, on);
}

/* --- room, by engine truth */

struct room {
    int cpu_units;
    int gpus;
};

static void add_room(struct room *room, const struct container_spec *spec)
{
    room->cpu_units += spec->cpu_units;
    room->gpus += spec->gpus;
}

static struct room room_of(const struct task_definition *definition)
{
    struct room sum = {0};
    for (size_t i = 0; i < definition->containers.len; i++)
        add_room(&sum, &definition->containers.items[i]);
    return sum;
}

bool check_wants_gpus(const struct service *service)
{
    return room_of(service->task_definition).gpus > 0;
}

/* A task holds its room while something of it lives (ECS): all of its definition where that is known, else
 * all of its containers. */
static struct room room_of_task(const struct world *world, const struct sim *sim, const char *task)
{
    struct room sum = {0};
    bool lives = false;
    for (size_t c = 0; c < sim_containers_len(sim); c++) {
        const struct container *container = sim_container_at(sim, c);
        const struct task_labels *labels = &container->labels;
        if (!labels->cluster || !text_equal(labels->task, task))
            continue; /* without labels it is not davit's */
        struct view_service view;
        const char *of = check_owner(world, labels);
        const struct service *service =
            of && core_view_service(world->davit.core, labels->cluster, of, &view) ? view.aim : NULL;
        struct view_run run;
        bool is_run = labels->group && core_view_run(world->davit.core, "c", task, &run);
        lives |= container->status != CONTAINER_STOPPED;
        if (service && digest_equal(service_task_digest(service), &labels->digest))
            sum = room_of(service->task_definition);
        else if (is_run && run.run->task_definition)
            sum = room_of(run.run->task_definition);
        else
            add_room(&sum, labels->spec);
    }
    return lives ? sum : (struct room){0};
}

static const struct version *current_version(const struct world *world)
{
    return &world->repo.versions[repo_version(core_desired(world->davit.core)->commit.oid)];
}

static int gpus_of(const struct version *version, int host)
{
    return version->gpus && version->declared & 1 << host ? host_gpus[host] : 0;
}

/* A standalone task has its place before there is anything of it: it may wait there for a GPU. */
static struct room room_promised(const struct world *world, int host, const struct map *there)
{
    struct room sum = {0};
    struct view_run_vec runs;
    core_view_runs(world->davit.core, &runs);
    for (size_t i = 0; i < runs.len; i++) {
        const struct run *run = runs.items[i].run;
        if (run->stop_code || !run->task_definition || map_get(there, run->id) ||
            !text_equal(run->instance, world->hosts[host].name))
            continue;
        struct room room = room_of(run->task_definition);
        sum.cpu_units += room.cpu_units;
        sum.gpus += room.gpus;
    }
    vector_deinit(&runs);
    return sum;
}

static bool has_room(const struct world *world, int host, struct room need)
{
    const struct version *version = current_version(world);
    const struct sim *sim = world->hosts[host].sim;
    struct room rest = {world->hosts[host].cpu_units, gpus_of(version, host)};
    struct map tasks = {0};
    for (size_t c = 0; c < sim_containers_len(sim); c++)
        map_put(&tasks, sim_container_at(sim, c)->labels.task, (void *)1);
    map_for_each (&tasks, entry) {
        struct room taken = room_of_task(world, sim, entry->key);
        rest.cpu_units -= taken.cpu_units;
        rest.gpus -= taken.gpus;
    }
    struct room promised = room_promised(world, host, &tasks);
    rest.cpu_units -= promised.cpu_units;
    rest.gpus -= promised.gpus;
    map_deinit(&tasks);
    return rest.cpu_units >= need.cpu_units && (need.gpus == 0 || rest.gpus >= need.gpus);
}

static bool lives(const struct sim *sim, const char *task)
{
    for (size_t c = 0; c < sim_containers_len(sim); c++)
        if (text_equal(sim_container_at(sim, c)->labels.task, task) &&
            sim_container_at(sim, c)->status != CONTAINER_STOPPED)
            return true;
    return false;
}

bool check_waits_for_gpu(const struct world *world, const char *waiting)
{
    const char *at = waiting ? strstr(waiting, " waits for a GPU of instance h") : NULL;
    if (!at)
        return false;
    int host = at[strlen(at) - 1] - '0';
    const struct sim *sim = world->hosts[host].sim;
    int rest = gpus_of(current_version(world), host);
    for (size_t c = 0; c < sim_containers_len(sim); c++) {
        const struct task_labels *labels = &sim_container_at(sim, c)->labels;
        rest -= labels->spec && lives(sim, labels->task) ? (int)labels->spec->gpu_ids.len : 0;
    }
    return rest < 1 || check_any_suspended(world); /* what those lack is kept for them, and nobody sees it */
}

bool check_goes_on_without_gpu(const struct world *world, const struct service *aim, int host)
{
    int essential = 0;
    for (size_t i = 0; i < aim->task_definition->containers.len; i++)
        if (aim->task_definition->containers.items[i].essential)
            essential += aim->task_definition->containers.items[i].gpus;
    return gpus_of(current_version(world), host) < room_of(aim->task_definition).gpus &&
           room_of(aim->task_definition).gpus > essential;
}

/* It ended, and a request of an earlier davit starts it again before this one stops it: nobody decided that,
 * (i), and its GPUs were free. */
static bool came_late(const struct world *world, const struct container *container)
{
    return !container->labels.spec->restart.enabled && map_get(&world->checker.ended, container->name);
}

/* (x) By what davit has been told, the GPUs that a container is to get are nobody's. */
void check_gpus_given(struct world *world, const struct action *action)
{
    const struct container_spec *given = action->kind == ACTION_CREATE ? action->labels.spec : NULL;
    if (!given || given->gpu_ids.len == 0)
        return;
    map_for_each (&world->checker.mirror[host_of(world, action->instance)], entry) {
        const struct container *other = entry->value;
        const struct string_vec *held = &other->labels.spec->gpu_ids;
        for (size_t i = 0; other->status != CONTAINER_STOPPED && i < held->len; i++)
            for (size_t g = 0; g < given->gpu_ids.len; g++)
                if (text_equal(held->items[i], given->gpu_ids.items[g]))
                    world_fail(world, "(x) %s is to get GPU %s, which is that of %s", action->name,
                               held->items[i], other->name);
    }
}

/* (x) No GPU is that of two containers that run. One may be created late, by an earlier davit. */
void check_gpus(struct world *world, int host)
{
    const struct sim *sim = world->hosts[host].sim;
    const struct container *holders[GPUS_MAX] = {0};
    for (size_t c = 0; c < sim_containers_len(sim); c++) {
        const struct container *container = sim_container_at(sim, c);
        const struct container_spec *spec = container->labels.spec;
        if (!spec || spec->gpus == 0 || container->status != CONTAINER_RUNNING || came_late(world, container))
            continue;
        if ((int)spec->gpu_ids.len != spec->gpus)
            world_fail(world, "(x) %s has %zu GPUs, and asks for %d", container->name, spec->gpu_ids.len,
                       spec->gpus);
        for (size_t i = 0; i < spec->gpu_ids.len; i++) {
            int gpu = spec->gpu_ids.items[i][1] - '0';
            if (gpu < 0 || gpu >= host_gpus[host])
                world_fail(world, "(x) %s has a GPU %s, which %s has not", container->name,
                           spec->gpu_ids.items[i], world->hosts[host].name);
            else if (holders[gpu])
                world_fail(world, "(x) %s has GPU %s, which is that of %s", container->name,
                           spec->gpu_ids.items[i], holders[gpu]->name);
            else
                holders[gpu] = container;
        }
    }
}

static bool stands(const struct world *world, const char *service, int host)
{
    const struct sim *sim = world->hosts[host].sim;
    for (size_t c = 0; c < sim_containers_len(sim); c++)
        if (text_equal(check_owner(world, &sim_container_at(sim, c)->labels), service) &&
            sim_container_at(sim, c)->status != CONTAINER_STOPPED)
            return true;
    return false;
}

/* Room is kept for a DAEMON that lacks a task somewhere. */
static bool any_is_kept_for(const struct world *world)
{
    struct view_service view;
    for (size_t i = 0; core_view_service_at(world->davit.core, i, &view); i++)
        for (int h = 0; view.desired && view.desired->daemon && h < world->hosts_len; h++)
            if (check_place_allowed(world, view.name, h) && !stands(world, view.name, h))
                return true;
    return false;
}

/* Room is kept for what a suspended service has half made there. */
static bool any_is_half_made(const struct world *world, int host)
{
    const struct sim *sim = world->hosts[host].sim;
    for (size_t c = 0; c < sim_containers_len(sim); c++) {
        const char *service = check_owner(world, &sim_container_at(sim, c)->labels);
        if (service && check_is_suspended(world, service))
            return true;
    }
    return false;
}

bool check_room_on(const struct world *world, const struct service *service, int host)
{
    bool daemon = repo_is_daemon(world, service->name);
    if ((!daemon && any_is_kept_for(world)) || any_is_half_made(world, host))
        return false;
    return check_place_free(world, service->name, host) && !check_is_lost(world, world->hosts[host].name) &&
           !(daemon && stands(world, service->name, host)) &&
           has_room(world, host, room_of(service->task_definition));
}

bool check_room_for_run(const struct world *world, int host, int cpu_units)
{
    const struct version *version =
        &world->repo.versions[repo_version(core_desired(world->davit.core)->commit.oid)];
    return is_active(version, host) && !any_is_kept_for(world) && !any_is_half_made(world, host) &&
           !check_is_lost(world, world->hosts[host].name) &&
           has_room(world, host, (struct room){.cpu_units = cpu_units});
}

bool check_room_anywhere(const struct world *world, const struct service *service)
{
    bool any = false;
    if (provider_strategy(world, service->name))
        return provider_has_room(world, service);
    for (int h = 0; h < world->hosts_len; h++)
        any |= check_room_on(world, service, h);
    return any;
}
