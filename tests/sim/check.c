/* The invariants. What davit decides is judged by what it has been told; what the engines hold is judged
 * where davit cannot be mistaken: foreign containers, names, the order of ledger and actions, and, in fair
 * weather, the bounds as well.
 */
#include "base/text.h"
#include "model/json.h"
#include "survey.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What engine truth may be, in fair weather. */
struct fair {
    const struct service *of; /* a change that was let through is another one */
    int most;                 /* tasks: what there were before, or upper if that is more; it only shrinks */
    bool was_fine;            /* healthy >= lower since the last change */
};

/* --- what davit has been told */

static int host_of(const struct world *world, const char *instance)
{
    int i = 0;
    while (!text_equal(world->hosts[i].name, instance))
        i++;
    assert(i < world->hosts_len);
    return i;
}

static struct map *mirror_of(struct world *world, const char *instance)
{
    return &world->checker.mirror[host_of(world, instance)];
}

static void mirror_loss(struct world *world, const struct event *event)
{
    int64_t *lost_ms = &world->checker.lost_ms[host_of(world, event->engine.instance)];
    if (event->kind == EVENT_LISTED)
        world->checker.listed[host_of(world, event->engine.instance)] = true;
    if (event->kind == EVENT_LISTED)
        *lost_ms = 0;
    else if (!*lost_ms) /* of a silent one since it answered last */
        *lost_ms = world->now_ms - event->engine.silent_ms;
}

static void mirror_put(struct map *mirror, const struct container *container)
{
    if (text_equal(container->labels.owner, OWNER))
        map_put(mirror, container->id, container_copy(container));
}

static const struct view_action *flight_of(struct view_action_vec *actions, uint64_t id)
{
    for (size_t i = 0; i < actions->len; i++)
        if (actions->items[i].action->id == id)
            return &actions->items[i];
    return NULL;
}

static void note_target(struct world *world, const struct action *action)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRIu64, action->id);
    if (action->container_id)
        map_put(&world->checker.targets, id, memory_strdup(action->container_id));
}

static void mirror_gone(struct world *world, uint64_t action_id)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRIu64, action_id);
    const char *container_id = map_get(&world->checker.targets, id);
    for (int i = 0; container_id && i < world->hosts_len; i++)
        map_remove(&world->checker.mirror[i], container_id);
}

static void mirror_outcome(struct world *world, const struct event *event)
{
    if (event->action.gone) {
        mirror_gone(world, event->action.id);
        return;
    }
    const struct container *container = event->action.container;
    struct view_run run;
    if (container && container->labels.group &&
        core_view_run(world->davit.core, "c", container->labels.task, &run))
        mirror_put(mirror_of(world, run.run->instance), container);
    struct view_service view;
    for (size_t i = 0; core_view_service_at(world->davit.core, i, &view); i++) {
        struct view_action_vec actions;
        core_view_actions(world->davit.core, view.cluster, view.name, &actions);
        const struct view_action *flight = flight_of(&actions, event->action.id);
        if (flight) {
            if (event->action.container)
                mirror_put(mirror_of(world, flight->action->instance), event->action.container);
        }
        vector_deinit(&actions);
    }
}

static void mirror_event(struct world *world, const struct event *event)
{
    struct map *mirror = NULL;
    if (event->kind == EVENT_LISTED || event->kind == EVENT_CONTAINER || event->kind == EVENT_GONE)
        mirror = mirror_of(world, event->engine.instance);
    if (event->kind == EVENT_CONNECTED || event->kind == EVENT_DISCONNECTED || event->kind == EVENT_LISTED)
        mirror_loss(world, event);
    if (event->kind == EVENT_LISTED) {
        map_clear(mirror);
        for (size_t i = 0; i < event->engine.containers.len; i++)
            mirror_put(mirror, event->engine.containers.items[i]);
    } else if (event->kind == EVENT_CONTAINER) {
        mirror_put(mirror, event->engine.container);
    } else if (event->kind == EVENT_GONE) {
        map_remove(mirror, event->engine.container_id);
    } else if (event->kind == EVENT_ACTION_DONE) {
        mirror_outcome(world, event);
    }
}

/* P10: by what davit has been told. */
bool check_is_lost(const struct world *world, const char *instance)
{
    int64_t lost_ms = world->checker.lost_ms[host_of(world, instance)];
    return lost_ms && world->now_ms >= lost_ms + LOST_AFTER_MS;
}

static void complete(const struct world *world, struct sighting_vec *sightings)
{
    for (size_t i = 0; i < sightings->len; i++) {
        struct sighting *sighting = &sightings->items[i];
        sighting->was_up = map_get(&world->checker.up, sighting->id);
        sighting->service = check_owner(world, sighting->labels);
    }
}

static struct sighting_vec survey_mirror(const struct world *world)
{
    struct sighting_vec sightings = {0};
    for (int i = 0; i < world->hosts_len; i++) {
        size_t known = sightings.len; /* no task is on two hosts */
        map_for_each (&world->checker.mirror[i], entry) {
            survey_add(&sightings, entry->value, i,
                       world->checker.lost_ms[i] ? world->checker.lost_ms[i] : world->now_ms);
        }
        for (size_t s = known; s < sightings.len; s++)
            sightings.items[s].lost = check_is_lost(world, world->hosts[i].name);
    }
    complete(world, &sightings);
    return sightings;
}

static struct sighting_vec survey_truth(const struct world *world)
{
    struct sighting_vec sightings = {0};
    for (int i = 0; i < world->hosts_len; i++)
        for (size_t c = 0; c < sim_containers_len(world->hosts[i].sim); c++)
            survey_add(&sightings, sim_container_at(world->hosts[i].sim, c), i, world->now_ms);
    complete(world, &sightings);
    return sightings;
}

/* --- before and after a step */

/* Whatever its name is. */
static void retry_key(const char *service, const struct digest *digest, char *ret_key, size_t size)
{
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(digest, hex);
    snprintf(ret_key, size, "%c %s", service[strlen(service) - 1], hex);
}

/* Of those that the ledger does not know of yet: a disk may be slower than people. */
static uintptr_t retries_of(const struct world *world, const char *service, const struct digest *digest)
{
    char key[128];
    retry_key(service, digest, key, sizeof key);
    return (uintptr_t)map_get(&world->checker.retried, key);
}

static void set_retries(struct world *world, const char *service, const struct digest *digest,
                        uintptr_t retries)
{
    char key[128];
    retry_key(service, digest, key, sizeof key);
    map_put(&world->checker.retried, key, (void *)retries);
}

/* The ledger knows of it. Whether there was one. */
static bool end_retry(struct world *world, const char *service, const struct digest *digest)
{
    uintptr_t retries = retries_of(world, service, digest);
    if (retries)
        set_retries(world, service, digest, retries - 1);
    return retries > 0;
}

static void note_tried_again(struct world *world, const struct view_service *view,
                             const struct digest *digest)
{
    char name[32];
    if (!service_ledger_known_bad(view->ledger, digest))
        return;
    snprintf(name, sizeof name, "%s/%s", view->cluster, view->name);
    set_retries(world, name, digest, retries_of(world, name, digest) + 1);
}

/* A redeployment lets go of what the commit has as well, which an earlier one may have made another. */
static void note_retry(struct world *world, const struct event *event)
{
    struct view_service view;
    const struct desired *desired = core_desired(world->davit.core);
    const char *cluster = event->retry.cluster;
    const char *name = event->retry.service;
    const struct service *service = desired ? desired_service(desired, cluster, name) : NULL;
    if (!core_view_service(world->davit.core, cluster, name, &view) || !view.desired || !view.ledger)
        return;
    bool redeploys = event->kind == EVENT_REDEPLOY;
    if (!redeploys || (service && !view.delayed))
        note_tried_again(world, &view, &view.desired->digest);
    if (redeploys && service && !view.delayed)
        note_tried_again(world, &view, &service->digest);
}

static void add_stops(const struct task_vec *tasks, struct map *stops)
{
    for (size_t i = 0; i < tasks->len; i++)
        if (tasks->items[i].stop)
            map_put(stops, tasks->items[i].id, (void *)1);
}

/* Tasks of a service that are to stop. */
static struct map stops_now(const struct world *world, const struct view_service *view)
{
    struct map stops = {0};
    struct task_vec tasks;
    core_view_tasks(world->davit.core, view->cluster, view->name, world->now_ms, &tasks);
    add_stops(&tasks, &stops);
    task_vec_deinit(&tasks);
    return stops;
}

static bool serves(const struct sighting_vec *sightings, const char *id)
{
    for (size_t i = 0; i < sightings->len; i++)
        if (text_equal(sightings->items[i].id, id))
            return survey_serves(&sightings->items[i]);
    return false;
}

/* A task never goes back: what davit called RUNNING, and rightly so, is up for the rest of its life. */
static void note_up(struct world *world, const struct task_vec *tasks, const struct sighting_vec *sightings)
{
    for (size_t i = 0; i < tasks->len; i++)
        if (tasks->items[i].status == TASK_RUNNING && serves(sightings, tasks->items[i].id))
            map_put(&world->checker.up, tasks->items[i].id, (void *)1);
}

/* By the entry of the cluster: a service that gets another name takes it along, whatever was there before. */
static void note_suspension(struct checker *checker, const json_t *entry)
{
    const json_t *services = json_object_get(entry, "services");
    for (int s = 0; s < SERVICES_MAX; s++)
        for (int a = 0; a < NAMES_MAX; a++)
            checker->suspended[a][s] = json_object_get(services, repo_name_of(s, a).text) != NULL;
    checker->suspended[0][SERVICES_MAX] = json_object_get(entry, "since") != NULL;
}

void check_begin_life(struct world *world)
{
    struct checker *checker = &world->checker;
    for (int i = 0; i < HOSTS_MAX; i++) {
        map_deinit(&checker->mirror[i]);
        checker->mirror[i] = MAP_INIT(container_free);
        checker->lost_ms[i] = 0;
        checker->listed[i] = false;
    }
    map_deinit(&checker->targets);
    checker->targets = MAP_INIT(free);
    checker->born_ms = world->now_ms;
    budget_begin_life(world);
    for (int s = 0; s < SERVICES_MAX * NAMES_MAX; s++)
        checker->floors[s] = -1;
    note_suspension(checker, disk_entry(&world->disk, LEDGER_SUSPENSION, "c"));
    checker->owners.free_value = free;
    map_clear(&checker->owners);
    map_deinit(&checker->stops);
    map_deinit(&checker->retried);
    map_deinit(&checker->up);
    checker->calm_bounds.free_value = free;
    map_clear(&checker->calm_bounds);
}

static int service_number(const char *key)
{
    return key[strlen(key) - 1] - '0';
}

/* Of names there are more. */
static int name_number(const char *name)
{
    return service_number(name) * NAMES_MAX + (name[0] == 'r');
}

static void note_count(struct world *world, const struct view_service *view)
{
    if (view->desired)
        world->checker.counts[name_number(view->name)] = view->desired->desired_count;
}

/* One walk over all services: what a view of them takes is most of the time of a check. */
static void note_services(struct world *world)
{
    struct checker *checker = &world->checker;
    struct sighting_vec sightings = survey_mirror(world);
    struct view_service view;
    map_deinit(&checker->stops);
    checker->stops = (struct map){0};
    memset(checker->counts, 0, sizeof checker->counts);
    for (size_t i = 0; core_view_service_at(world->davit.core, i, &view); i++) {
        struct task_vec tasks;
        core_view_tasks(world->davit.core, view.cluster, view.name, world->now_ms, &tasks);
        add_stops(&tasks, &checker->stops);
        note_up(world, &tasks, &sightings);
        note_count(world, &view);
        task_vec_deinit(&tasks);
    }
    vector_deinit(&sightings);
}

void check_before(struct world *world, const struct event *event)
{
    struct checker *checker = &world->checker;
    mirror_event(world, event);
    checker->desired = core_desired(world->davit.core);
    if (event->kind == EVENT_RETRY || event->kind == EVENT_REDEPLOY)
        note_retry(world, event);
    if (event->kind == EVENT_TURN)
        note_services(world);
    for (int s = 0; s < SERVICES_MAX && event->kind == EVENT_COMMIT; s++)
        name_note(world, s);
}

/* What a DAEMON has on a host that is to be left, or does not meet its constraints any more, goes in any
 * case.
 */
static bool counts(const struct world *world, const struct view_service *view,
                   const struct sighting *sighting)
{
    return !view->desired->daemon || check_place_stays(world, view, sighting->host);
}

/* (a) No decision to stop a healthy task that leaves fewer than lower healthy ones; lost ones are none. */
static void check_stops(struct world *world, const struct view_service *view,
                        const struct sighting_vec *sightings, const struct map *stops)
{
    int healthy = 0;
    int stopped = 0;
    if (!view->desired)
        return;
    for (size_t i = 0; i < sightings->len; i++) {
        const struct sighting *sighting = &sightings->items[i];
        const struct service *of = survey_is_new(sighting, view->aim) ? view->aim : view->desired;
        if (!survey_is_of(sighting, view->name) || (sighting->lost && !view->desired->daemon) ||
            map_get(&world->checker.stops, sighting->id) || !survey_is_healthy(sighting, of) ||
            !counts(world, view, sighting))
            continue;
        healthy++;
        stopped += map_get(stops, sighting->id) != NULL;
    }
    int lower = (view->desired->desired_count * view->desired->minimum_healthy_percent + 99) / 100;
    if (stopped && healthy - stopped < lower)
        world_fail(world, "(a) %s: %d of %d healthy tasks are stopped, lower is %d", view->name, stopped,
                   healthy, lower);
}

static bool is_busy(const struct view_action_vec *actions, const char *task)
{
    for (size_t i = 0; i < actions->len; i++)
        if (text_equal(actions->items[i].action->task, task) &&
            actions->items[i].action->kind != ACTION_REMOVE)
            return true;
    return false;
}

/* Tasks that take room: they run, are about to, or something of them is under way. Not those that are lost.
 */
static int count_existing(const struct world *world, const struct view_service *view,
                          const struct sighting_vec *sightings, const struct view_action_vec *actions,
                          const struct map *stops)
{
    struct map tasks = {0};
    for (size_t i = 0; i < sightings->len; i++) {
        const struct sighting *sighting = &sightings->items[i];
        bool waits = sighting->running == 0 && !sighting->essential_stopped && !map_get(stops, sighting->id);
        if (survey_is_of(sighting, view->name) && !sighting->lost &&
            (sighting->running || waits || is_busy(actions, sighting->id)))
            map_put(&tasks, sighting->id, (void *)1);
    }
    for (size_t i = 0; i < actions->len; i++)
        if (actions->items[i].action->kind == ACTION_CREATE &&
            !check_is_lost(world, actions->items[i].action->instance))
            map_put(&tasks, actions->items[i].action->task, (void *)1);
    int count = (int)tasks.len;
    map_deinit(&tasks);
    return count;
}

static bool is_known_bad(const struct world *world, const char *key, const struct digest *digest)
{
    char hex[DIGEST_HEX_SIZE];
    size_t i;
    json_t *bad;
    if (disk_forgets(&world->disk, key))
        return false; /* the service was removed, and came back */
    if (retries_of(world, key, digest))
        return false;
    digest_to_hex(digest, hex);
    json_array_foreach (json_object_get(disk_entry(&world->disk, LEDGER_SERVICE, key), "knownBad"), i, bad) {
        if (text_equal(json_string_value(json_object_get(bad, "digest")), hex))
            return true;
    }
    return false;
}

static bool is_completed(const struct view_service *view)
{
    const struct deployment *primary = view->ledger ? service_ledger_primary(view->ledger) : NULL;
    return view->desired && primary && !view->ledger->removed && primary->state == DEPLOYMENT_COMPLETED &&
           digest_equal(&primary->digest, &view->desired->digest);
}

static int answering(const struct world *world, const char *service)
{
    int count = 0;
    for (int h = 0; h < world->hosts_len; h++)
        count += world->checker.listed[h] && !world->checker.lost_ms[h] &&
                 check_place_allowed(world, service, h) && !check_place_avoided(world, service, h);
    return count;
}

/* A service that is only scaled out is waited for with as many as it had. */
static void note_floors(struct world *world)
{
    struct view_service view;
    int *floors = world->checker.floors;
    for (int s = 0; s < SERVICES_MAX * NAMES_MAX; s++) {
        struct name is = repo_name_of(s / NAMES_MAX, s % NAMES_MAX);
        const char *name = is.text;
        bool there = core_view_service(world->davit.core, "c", name, &view);
        if (there && view.left)
            continue; /* and what comes back with more tasks too */
        int count = there && view.desired ? view.desired->desired_count : 0;
        if (there && view.desired && view.desired->daemon) {
            int most = answering(world, name); /* what is lost with old content is seen to later */
            most = most < world->checker.counts[s] ? most : world->checker.counts[s];
            count = count < most ? count : most;
        }
        view.desired = there ? view.aim : NULL; /* a revert to what it was rolled back to only scales */
        if (there && !is_completed(&view) && check_is_suspended(world, name))
            continue; /* U1: what is wanted meanwhile never began, and may go again */
        if (!there || !is_completed(&view))
            floors[s] = -1;
        else if (floors[s] < 0 || count < floors[s])
            floors[s] = count;
    }
}

/* (j) A deployment launches nothing while what it depends on is not COMPLETED and healthy. */
static void check_order(struct world *world, const struct view_service *view,
                        const struct sighting_vec *sightings)
{
    const struct deployment *primary = service_ledger_primary(view->ledger);
    if (view->aim != view->desired)
        return; /* what served before asks nobody */
    for (size_t d = 0; primary->state == DEPLOYMENT_IN_PROGRESS && d < view->desired->depends_on.len; d++) {
        const char *name = strchr(view->desired->depends_on.items[d].service, '/') + 1;
        int number = name_number(name);
        struct view_service other;
        int healthy = 0;
        bool complete = view->desired->depends_on.items[d].complete;
        bool known = core_view_service(world->davit.core, "c", name, &other);
        if (view->delayed && !(known && other.desired))
            continue; /* it left the repository, and the change that says so here waits */
        for (size_t i = 0; i < sightings->len; i++)
            healthy +=
                survey_is_of(&sightings->items[i], name) &&
                survey_is_new(&sightings->items[i], other.desired) &&
                !map_get(&world->checker.stops, sightings->items[i].id) && /* as it was when it was planned */
                survey_is_healthy(&sightings->items[i], other.desired);
        if (world->checker.floors[number] < 0 || !is_completed(&other))
            world_fail(world, "(j) %s: launched before %s is COMPLETED", view->name, name);
        else if (!complete && healthy < world->checker.floors[number])
            world_fail(world, "(j) %s: launched while %s has %d healthy tasks of %d", view->name, name,
                       healthy, world->checker.floors[number]);
    }
}

/* (b) A launch leaves no more than upper; (c) nothing known bad is launched. */
static void check_launch(struct world *world, const struct view_service *view,
                         const struct sighting_vec *sightings, const struct map *stops)
{
    struct view_action_vec actions;
    struct map launches = {0};
    char *key CLEANUP_FREE = service_key(view->cluster, view->name);
    core_view_actions(world->davit.core, view->cluster, view->name, &actions);
    for (size_t i = 0; i < actions.len; i++) {
        const struct action *action = actions.items[i].action;
        const struct digest *digest = survey_digest(view->aim, &action->labels);
        if (action->kind != ACTION_CREATE || map_get(&world->checker.launched, action->task))
            continue;
        map_put(&world->checker.launched, action->task, (void *)1);
        map_put(&launches, action->task, (void *)1);
        if (is_known_bad(world, key, digest))
            world_fail(world, "(c) %s: content that failed is launched again", view->name);
    }
    bool launched = launches.len > 0;
    check_place(world, view, &launches);
    map_deinit(&launches);
    for (int h = 0; launched && h < world->hosts_len; h++)
        if (!world->checker.listed[h] && world->now_ms < world->checker.born_ms + PATIENCE_MS)
            world_fail(world, "(g) %s: launched before it is known what runs on %s", view->name,
                       world->hosts[h].name);
    if (launched && !view->desired)
        world_fail(world, "(b) %s: launched, and nobody wants it", view->name);
    if (launched && view->desired) {
        int existing = count_existing(world, view, sightings, &actions, stops);
        int upper = view->desired->desired_count * view->desired->maximum_percent / 100;
        if (existing > upper && !view->desired->daemon) /* that has (m) */
            world_fail(world, "(b) %s: %d tasks after a launch, upper is %d", view->name, existing, upper);
        check_order(world, view, sightings);
        pre_check_launch(world, view);
    } else if (pre_begins(world, view)) {
        check_order(world, view, sightings);
    }
    vector_deinit(&actions);
}

static void check_turn(struct world *world)
{
    struct sighting_vec sightings = survey_mirror(world);
    struct view_service view;
    note_floors(world);
    for (size_t i = 0; core_view_service_at(world->davit.core, i, &view); i++) {
        struct map stops = stops_now(world, &view);
        check_stops(world, &view, &sightings, &stops);
        check_launch(world, &view, &sightings, &stops);
        map_deinit(&stops);
    }
    timer_check_turn(world);
    vector_deinit(&sightings);
}

bool check_is_suspended(const struct world *world, const char *service)
{
    return (service && world->checker.suspended[service[0] == 'r'][service_number(service)]) ||
           world->checker.suspended[0][SERVICES_MAX] || repo_suspends(world, service);
}

/* (e) A commit deploys whole or not at all. */
static void check_commit(struct world *world)
{
    struct view_source source;
    core_view_source(world->davit.core, &source);
    if (!source.head)
        return;
    int version = repo_version(source.head->oid);
    bool broken = !repo_is_good(&world->repo.versions[version]) || source.held;
    const struct desired *desired = core_desired(world->davit.core);
    if (broken && desired != world->checker.desired)
        world_fail(world, "(e) a broken commit changed the desired state");
    if (!broken && (!desired || !text_equal(desired->commit.oid, source.head->oid)))
        world_fail(world, "(e) a good commit is not deployed");
    for (int s = 0; s < SERVICES_MAX && !broken && desired; s++) {
        const struct recipe *recipe = &world->repo.versions[version].recipes[s];
        for (int a = 0; a < NAMES_MAX; a++) {
            struct name name = repo_name_of(s, a);
            bool wanted = recipe->present && recipe->alias == a;
            if (wanted != (desired_service(desired, "c", name.text) != NULL))
                world_fail(world, "(e) service %s is not as the commit says", name.text);
        }
    }
    for (int s = 0; s < SERVICES_MAX && !broken && desired; s++)
        name_check(world, s);
    map_clear(&world->checker.calm_bounds);
}

/* (i) What has stopped is started again only by its restart policy, and when it had run for as long as that
 * asks. */
static void check_restart(struct world *world, const struct action *action)
{
    const struct container *container =
        action->container_id ? map_get(mirror_of(world, action->instance), action->container_id) : NULL;
    if (action->kind != ACTION_START || !container || container->status != CONTAINER_STOPPED)
        return;
    const struct restart_policy *policy = &container->labels.spec->restart;
    int64_t ran_ms = container->finished_ms - container->started_ms;
    world_trace(world, "%s is started again", container->name);
    if (!policy->enabled || ran_ms < policy->period_s * 1000LL ||
        map_get(&world->checker.stops, action->task))
        world_fail(world, "(i) %s is started again after %lld ms", container->name, (long long)ran_ms);
}

/* A content may begin under any of its names. NULL: that it is gone. Caller frees. */
static char *let_through_key(const char *name, const struct digest *digest)
{
    char hex[DIGEST_HEX_SIZE];
    if (!digest)
        return memory_printf("%s gone", name);
    digest_to_hex(digest, hex);
    return memory_printf("%d %s", service_number(name), hex);
}

void check_let_through(struct world *world)
{
    const struct desired *desired = core_desired(world->davit.core);
    for (int s = 0; s < SERVICES_MAX * NAMES_MAX && desired; s++) {
        struct name name = repo_name_of(s / NAMES_MAX, s % NAMES_MAX);
        const struct service *service = desired_service(desired, "c", name.text);
        char *key CLEANUP_FREE = let_through_key(name.text, service ? &service->digest : NULL);
        map_put(&world->checker.let_through, key, (void *)1);
    }
}

/* What was let through may be redeployed: then it counts as another content. */
static void note_redeployed(struct world *world, const struct service_ledger *entry)
{
    struct digest by;
    if (!service_ledger_forces(entry, &entry->redeployed.digest, &by))
        return;
    const struct digest forced = digest_combine(&entry->redeployed.digest, &by);
    char *wanted CLEANUP_FREE = let_through_key(entry->service, &entry->redeployed.digest);
    char *now CLEANUP_FREE = let_through_key(entry->service, &forced);
    if (map_get(&world->checker.let_through, wanted))
        map_put(&world->checker.let_through, now, (void *)1);
}

/* (w) What begins was wanted while its window was open. */
static void check_window(struct world *world, const struct ledger_change *change)
{
    struct service_ledger *entry CLEANUP(service_ledger_freep) = NULL;
    if (change->kind != LEDGER_SERVICE || !change->entry ||
        service_ledger_from_json(change->entry, &entry, NULL) < 0 || entry->deployments.len == 0)
        return;
    const struct deployment *primary = service_ledger_primary(entry);
    note_redeployed(world, entry);
    if (!entry->removed && (primary->rebuilt || !digest_is_zero(&primary->rollback_of)))
        return; /* what has begun is known again, or may go back */
    char *key CLEANUP_FREE = let_through_key(entry->service, entry->removed ? NULL : &primary->digest);
    if (!map_get(&world->checker.let_through, key))
        world_fail(world, "(w) %s begins outside of its window", key);
    if (entry->delayed)
        world_trace(world, "a change of %s waits for its window", entry->service);
}

void check_after(struct world *world, enum event_kind kind, const struct effect_vec *effects, size_t from)
{
    if (repo_window_is_open(world))
        check_let_through(world);
    for (size_t i = from; i < effects->len; i++)
        if (effects->items[i].kind == EFFECT_SAVE) {
            budget_check(world, &effects->items[i].change);
            check_window(world, &effects->items[i].change);
        }
    if (kind == EVENT_TURN || kind == EVENT_COMMIT || kind == EVENT_LEDGER)
        name_note_owners(world);
    if (kind == EVENT_TURN)
        check_turn(world);
    else
        for (size_t i = from; i < effects->len; i++)
            if (effects->items[i].kind == EFFECT_ACT)
                world_fail(world, "an action outside of a turn");
    for (size_t i = from; i < effects->len; i++) {
        const struct action *action = effects->items[i].action;
        if (effects->items[i].kind != EFFECT_ACT)
            continue;
        check_restart(world, action);
        check_gpus_given(world, action);
        note_target(world, action);
        struct view_service view;
        if (action->service &&
            core_view_service(world->davit.core, action->cluster, action->service, &view) && view.left)
            world_fail(world, "(l) %s is to be left as it is, and davit acts: %s %s", action->service,
                       action_kind_name(action->kind), action->container);
        if (check_is_suspended(world, action->service)) /* (k) */
            world_fail(world, "(k) %s is suspended, and davit acts: %s %s",
                       action->service ? action->service : "c", action_kind_name(action->kind),
                       action->container);
    }
    if (kind == EVENT_COMMIT)
        check_commit(world);
}

/* --- the ledger */

static bool had_failed(const struct service_ledger *entry, const char *id)
{
    for (size_t i = 0; entry && i < entry->deployments.len; i++)
        if (text_equal(entry->deployments.items[i].id, id))
            return entry->deployments.items[i].state == DEPLOYMENT_FAILED;
    return false;
}

/* (c), (f) What is saved keeps what failed, and names the deployments of tasks to come. */
void check_saved(struct world *world, const struct ledger_change *change)
{
    struct service_ledger *now CLEANUP(service_ledger_freep) = NULL;
    struct service_ledger *before CLEANUP(service_ledger_freep) = NULL;
    runs_check_saved(world, change);
    pre_check_saved(world, change);
    timer_check_saved(world, change);
    if (change->kind == LEDGER_SUSPENSION && !disk_awaits(&world->disk, LEDGER_SUSPENSION, change->name))
        note_suspension(&world->checker, change->entry);
    if (change->kind != LEDGER_SERVICE || !change->entry)
        return;
    if (service_ledger_from_json(change->entry, &now, NULL) < 0) {
        world_fail(world, "(f) %s: the entry is not readable", change->name);
        return;
    }
    const json_t *old =
        disk_entry(&world->disk, LEDGER_SERVICE, change->former ? change->former : change->name);
    for (size_t i = 0; i < now->deployments.len; i++) {
        const struct deployment *deployment = &now->deployments.items[i];
        map_put(&world->checker.known_deployments, deployment->id, (void *)1);
    }
    if (old)
        service_ledger_from_json(old, &before, NULL);
    for (size_t i = 0; i < now->deployments.len; i++) {
        const struct deployment *deployment = &now->deployments.items[i];
        if (deployment->state == DEPLOYMENT_FAILED && !had_failed(before, deployment->id) &&
            !service_ledger_known_bad(now, &deployment->digest))
            world_fail(world, "(c) %s: a failed content is not known bad", change->name);
    }
    if (!before)
        return;
    hold_check_saved(world, before, now);
    for (size_t i = 0; i < before->known_bad.len; i++) {
        const struct digest *digest = &before->known_bad.items[i].digest;
        if (!service_ledger_known_bad(now, digest) && !end_retry(world, change->name, digest))
            world_fail(world, "(c) %s: a known bad content is forgotten", change->name);
    }
}

/* --- engine truth */

static bool is_pause(const struct sim_log_entry *entry)
{
    return strstr(entry->name, "-internalecspause-") != NULL;
}

/* (h) The pause container is stopped after the others of its task, and removed after them. */
static void check_pause(struct world *world, const struct sim *sim, const struct sim_log_entry *entry)
{
    if (!world->fair || !entry->by_client || !is_pause(entry) ||
        (entry->kind != SIM_LOG_STOP && entry->kind != SIM_LOG_REMOVE))
        return;
    for (size_t c = 0; c < sim_containers_len(sim); c++) {
        const struct container *other = sim_container_at(sim, c);
        if (!text_equal(other->labels.task, entry->task) || text_equal(other->name, entry->name))
            continue;
        if (entry->kind == SIM_LOG_REMOVE || other->status == CONTAINER_RUNNING)
            world_fail(world, "(h) %s goes before %s", entry->name, other->name);
    }
}

/* (f) No container without an acknowledged deployment. Whether something happened on the host. */
static bool check_log(struct world *world, int h)
{
    size_t len;
    const struct sim_log_entry *log = sim_log(world->hosts[h].sim, &len);
    for (size_t i = world->checker.log_seen[h]; i < len; i++) {
        const struct container *container = sim_container_find(world->hosts[h].sim, log[i].name);
        runs_check_log(world, &log[i], container);
        if (log[i].kind == SIM_LOG_CREATE && container && !container->labels.group &&
            !map_get(&world->checker.known_deployments, container->labels.deployment))
            world_fail(world, "(f) %s was created before its deployment was saved", log[i].name);
        check_pause(world, world->hosts[h].sim, &log[i]);
        if (log[i].kind == SIM_LOG_EXIT)
            map_put(&world->checker.ended, log[i].name, (void *)1);
    }
    bool news = world->checker.log_seen[h] != len;
    world->checker.log_seen[h] = len;
    return news;
}

/* (g) One container of a name in a task, wherever it is. */
static void check_names(struct world *world)
{
    struct map seen = {0};
    for (int h = 0; h < world->hosts_len; h++) {
        for (size_t c = 0; c < sim_containers_len(world->hosts[h].sim); c++) {
            const struct container *container = sim_container_at(world->hosts[h].sim, c);
            if (!container->labels.owner)
                continue;
            if (map_get(&seen, container->name))
                world_fail(world, "(g) %s is there twice", container->name);
            map_put(&seen, container->name, (void *)1);
        }
    }
    map_deinit(&seen);
}

static struct fair *fair_of(struct world *world, const char *service)
{
    struct fair *fair = map_get(&world->checker.calm_bounds, service);
    if (!fair) {
        fair = NEW(struct fair);
        map_put(&world->checker.calm_bounds, service, fair);
    }
    return fair;
}

static int count_healthy(const struct sighting_vec *sightings, const struct service *service,
                         const struct map *stops)
{
    int healthy = 0;
    for (size_t i = 0; i < sightings->len; i++)
        healthy += survey_is_of(&sightings->items[i], service->name) &&
                   !map_get(stops, sightings->items[i].id) &&
                   survey_is_healthy(&sightings->items[i], service);
    return healthy;
}

/* told: as many of the healthy ones as davit has heard of. */
static void check_fair_service(struct world *world, const struct service *service, int healthy, int told,
                               int existing)
{
    struct fair *fair = fair_of(world, service->name);
    if (fair->of != service)
        *fair = (struct fair){.of = service};
    int lower = (service->desired_count * service->minimum_healthy_percent + 99) / 100;
    int upper = service->desired_count * service->maximum_percent / 100;
    if (fair->was_fine && healthy < lower)
        world_fail(world, "(a) %s: %d healthy on the engines, lower is %d", service->name, healthy, lower);
    fair->was_fine |= healthy >= lower && told >= lower;
    int most = existing > upper ? existing : upper;
    if (fair->most && most > fair->most)
        world_fail(world, "(b) %s: %d tasks on the engines, upper is %d", service->name, existing, upper);
    fair->most = most;
}

/* (m) A host never runs two tasks of a DAEMON, of whatever content. */
static void check_fair_daemon(struct world *world, const struct service *service,
                              const struct sighting_vec *truth)
{
    int running[HOSTS_MAX] = {0};
    for (size_t i = 0; i < truth->len; i++) {
        const struct sighting *sighting = &truth->items[i];
        if (survey_is_of(sighting, service->name) && sighting->running && ++running[sighting->host] > 1)
            world_fail(world, "(m) %s: two tasks run on %s", service->name,
                       world->hosts[sighting->host].name);
    }
}

/* (a), (b) by engine truth: in fair weather davit knows all there is to know. */
static void check_fair(struct world *world)
{
    struct sighting_vec truth = survey_truth(world);
    struct sighting_vec mirror = survey_mirror(world);
    struct view_service view;
    for (size_t s = 0; core_view_service_at(world->davit.core, s, &view); s++) {
        const struct service *service = view.desired;
        if (service && service->daemon) {
            check_fair_daemon(world, service, &truth);
            continue;
        }
        struct view_action_vec actions;
        if (!service)
            continue;
        struct map stops = stops_now(world, &view); /* decided under an earlier commit, perhaps */
        int healthy = count_healthy(&truth, service, &stops);
        int told = count_healthy(&mirror, service, &stops);
        core_view_actions(world->davit.core, service->cluster, service->name, &actions);
        int existing = count_existing(world, &view, &truth, &actions, &stops);
        vector_deinit(&actions);
        map_deinit(&stops);
        check_fair_service(world, service, healthy, told, existing);
    }
    vector_deinit(&mirror);
    vector_deinit(&truth);
}

void check_moment(struct world *world)
{
    if (world->failed)
        return;
    bool news = false;
    pre_look(world);
    for (int h = 0; h < world->hosts_len; h++) {
        news |= check_log(world, h);
        if (sim_bare_starts(world->hosts[h].sim))
            world_fail(world, "(i) a container of %s was started without its files", world->hosts[h].name);
        if (sim_foreign_writes(world->hosts[h].sim))
            world_fail(world, "(d) a foreign container was written to");
        check_gpus(world, h);
        if (news)
            check_images(world, h);
    }
    if (news)
        check_names(world);
    if (world->fair && world->davit.core)
        check_fair(world);
}

/* --- the end */

static bool is_stuck(const struct view_service *view)
{
    return view->desired->daemon && view->waiting &&
           strstr(view->waiting, "was unable to stop or start tasks");
}

/* What has stopped of a suspended service and is to be restarted later keeps its room until then: that is
 * davit's count, and not the engines'. */
bool check_any_suspended(const struct world *world)
{
    bool any = false;
    for (int s = 0; s < SERVICES_MAX; s++) {
        any |= check_is_suspended(world, repo_name_now(world, s).text);
    }
    return any;
}

/* Whether something that the service depends on, or that depends on in turn, will never be ready. */
static bool waits_rightly(const struct world *world, const struct view_service *view)
{
    if (!view->desired || !view->waiting || !text_starts_with(view->waiting, "waits for service c/"))
        return false;
    char name[3] = {0};
    memcpy(name, view->waiting + strlen("waits for service c/"), 2);
    struct view_service other;
    if (check_is_suspended(world, name))
        return true;
    if (!core_view_service(world->davit.core, "c", name, &other) || !other.desired || !other.ledger)
        return false;
    return service_ledger_primary(other.ledger)->state == DEPLOYMENT_FAILED || other.aim != other.desired ||
           waits_rightly(world, &other) || (is_completed(&other) && !repo_can_run(world, name)) ||
           is_stuck(&other) || pre_waits_rightly(world, &other) ||
           check_waits_for_gpu(world, other.waiting) ||
           (other.waiting && strstr(other.waiting, "was unable to place a task") &&
            (check_any_suspended(world) || !check_room_anywhere(world, other.aim)));
}

/* (r) What failed is rolled back where that is asked for, and what COMPLETED is known for the next time. */
static void check_rollback(struct world *world, const struct view_service *view)
{
    struct digest completed = model_digest(view->ledger->completed, "digest");
    const struct deployment *primary = service_ledger_primary(view->ledger);
    bool wants = view->desired->breaker.rollback;
    if (wants && primary->state == DEPLOYMENT_COMPLETED && !digest_equal(&completed, &primary->digest))
        world_fail(world, "(r) %s: what COMPLETED is not noted", view->name);
    hold_check_goal(world, view);
    if (view->aim != view->desired)
        world_trace(world, "%s is rolled back", view->name);
    if (wants && service_ledger_known_bad(view->ledger, &view->desired->digest) && view->ledger->completed &&
        !service_ledger_known_bad(view->ledger, &completed) && view->aim == view->desired)
        world_fail(world, "(r) %s is not rolled back", view->name);
}

/* Tasks of a service that left the repository and were to stay. */
static void check_left(struct world *world, const struct view_service *view, const struct sighting_vec *truth)
{
    bool any = false;
    for (size_t i = 0; i < truth->len; i++)
        any |= survey_is_of(&truth->items[i], view->name);
    if (!any)
        world_fail(world, "goal: %s has left, nothing of it is there, and it is not forgotten", view->name);
    if (!view->waiting)
        world_fail(world, "goal: %s has left, and nothing says so", view->name);
}

static void check_service(struct world *world, const struct view_service *view, struct sighting_vec *truth)
{
    const struct deployment *primary = view->ledger ? service_ledger_primary(view->ledger) : NULL;
    const char *state = primary ? deployment_state_name(primary->state) : "without a deployment";
    int fine = 0;
    if (view->desired && primary && !check_is_suspended(world, view->name))
        check_rollback(world, view);
    if (view->desired && view->waiting && strstr(view->waiting, "was unable to place a task") &&
        (check_any_suspended(world) || !check_room_anywhere(world, view->aim)))
        return; /* too little for everybody: it waits, and says so */
    if (view->desired && check_waits_for_gpu(world, view->waiting))
        return;
    if (view->desired && is_stuck(view))
        return; /* one host, and more than 0 is to stay healthy */
    if (check_is_suspended(world, view->name) || waits_rightly(world, view) || pre_waits_rightly(world, view))
        return;
    if (view->left) {
        check_left(world, view, truth);
        return;
    }
    /* What it was rolled back to had COMPLETED, and crashes after a while; or no task of it was wanted then.
     */
    if (view->desired && view->aim != view->desired &&
        ((view->crash_looping && !world->fair) || !repo_content_can_run(view->aim))) {
        world->restless = true;
        return;
    }
    /* With late news of its end a crashing task was healthy for a while: COMPLETED, and launched again for
     * ever. */
    if (view->desired && primary && primary->state == DEPLOYMENT_COMPLETED && view->aim == view->desired &&
        !repo_can_run(world, view->name)) {
        bool flaky = repo_is_flaky(world, view->name) && view->desired->desired_count > 0;
        if (flaky && !view->crash_looping)
            world_fail(world, "(n) %s crashes for ever, and nothing says so", view->name);
        if (world->fair && !view->desired->daemon) /* it was wanted nowhere, and then somewhere */
            world_fail(world, "goal: %s is COMPLETED with an image that cannot run", view->name);
        world->restless = true;
        return;
    }
    for (size_t i = 0; i < truth->len; i++) {
        struct sighting *sighting = &truth->items[i];
        if (!survey_is_of(sighting, view->name) || check_place_lingers(world, view, sighting->host))
            continue;
        if (!view->desired)
            world_fail(world, "goal: %s is removed and has containers", view->name);
        else if (!sighting->running)
            world_fail(world, "goal: %s: task %.12s has stopped and is still there", view->name,
                       sighting->id);
        else if (primary->state == DEPLOYMENT_COMPLETED && !survey_is_new(sighting, view->aim))
            world_fail(world, "goal: %s: task %.12s is old: %s", view->name, sighting->id,
                       view->waiting ? view->waiting : "nothing is waited for");
        else if (!survey_is_healthy(sighting, view->desired) && survey_is_new(sighting, view->aim) &&
                 !check_goes_on_without_gpu(world, view->aim, sighting->host))
            world_fail(world, "goal: %s: task %.12s is not healthy, %s", view->name, sighting->id, state);
        else if (sighting->essential_started < sighting->labels->essential)
            world_fail(world, "goal: %s: task %.12s never started", view->name, sighting->id);
        fine += survey_is_new(sighting, view->aim);
    }
    if (view->desired && primary && primary->state == DEPLOYMENT_COMPLETED)
        check_place_goal(world, view);
    if (!view->desired)
        world_fail(world, "goal: %s is removed and not forgotten", view->name);
    else if (!primary || primary->state == DEPLOYMENT_IN_PROGRESS || primary->state == DEPLOYMENT_SUPERSEDED)
        world_fail(world, "goal: %s is %s: %s", view->name, state,
                   view->waiting ? view->waiting : "no reason");
    else if (primary->state == DEPLOYMENT_COMPLETED && fine != view->desired->desired_count)
        world_fail(world, "goal: %s has %d tasks, desired are %d: %s", view->name, fine,
                   view->desired->desired_count, view->waiting ? view->waiting : "no reason");
}

/* (y) What a lost host had runs on others, if they can take it. */
static void check_replaced(struct world *world, const struct view_service *view,
                           const struct sighting_vec *known)
{
    int healthy = 0;
    if (!view->desired || view->desired->daemon || !is_completed(view) ||
        check_is_suspended(world, view->name) || !repo_can_run(world, view->name) || world->hosts_len == 1)
        return;
    for (size_t i = 0; i < known->len; i++)
        healthy += survey_is_of(&known->items[i], view->name) && !known->items[i].lost &&
                   survey_is_new(&known->items[i], view->desired) &&
                   survey_is_healthy(&known->items[i], view->desired);
    bool told = view->waiting && strstr(view->waiting, "was unable to place a task");
    if (check_waits_for_gpu(world, view->waiting))
        return;
    if (healthy > view->desired->desired_count)
        world_fail(world, "(y) %s: %d healthy tasks on hosts that answer, desired are %d", view->name,
                   healthy, view->desired->desired_count);
    if (healthy < view->desired->desired_count &&
        (!told || (!check_any_suspended(world) && check_room_anywhere(world, view->aim))))
        world_fail(world, "(y) %s: %d of %d tasks on hosts that answer: %s", view->name, healthy,
                   view->desired->desired_count, view->waiting ? view->waiting : "no reason");
    if (view->gone_count)
        world_trace(world, "%s has %d lost tasks, and %d others", view->name, view->gone_count, healthy);
}

void check_absence(struct world *world)
{
    struct sighting_vec known = survey_mirror(world);
    struct view_service view;
    bool any = false;
    for (int h = 0; h < world->hosts_len; h++)
        any |= check_is_lost(world, world->hosts[h].name);
    for (size_t i = 0; any && world->davit.core && core_view_service_at(world->davit.core, i, &view); i++)
        check_replaced(world, &view, &known);
    vector_deinit(&known);
}

void check_goal(struct world *world)
{
    struct sighting_vec truth = survey_truth(world);
    struct view_service view;
    if (!world->davit.core) {
        world_fail(world, "goal: davit is dead");
        return;
    }
    for (size_t i = 0; core_view_service_at(world->davit.core, i, &view); i++)
        check_service(world, &view, &truth);
    for (size_t i = 0; i < truth.len; i++) {
        const char *service = truth.items[i].service;
        struct view_run run;
        if (service ? !core_view_service(world->davit.core, "c", service, &view)
                    : !core_view_run(world->davit.core, "c", truth.items[i].id, &run))
            world_fail(world, "goal: task %.12s belongs to nobody", truth.items[i].id);
    }
    vector_deinit(&truth);
    runs_check_goal(world);
    timer_check_goal(world);
}

void check_deinit(struct checker *checker)
{
    for (int i = 0; i < HOSTS_MAX; i++)
        map_deinit(&checker->mirror[i]);
    map_deinit(&checker->targets);
    map_deinit(&checker->stops);
    map_deinit(&checker->known_deployments);
    map_deinit(&checker->retried);
    map_deinit(&checker->launched);
    map_deinit(&checker->up);
    map_deinit(&checker->runs);
    map_deinit(&checker->ran);
    map_deinit(&checker->again);
    map_deinit(&checker->ended);
    map_deinit(&checker->let_through);
    map_deinit(&checker->calm_bounds);
    name_deinit(checker);
    map_deinit(&checker->images);
    map_deinit(&checker->judged);
    pre_deinit(checker);
    timer_deinit(checker);
}
