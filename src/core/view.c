/* Views: what api/ shows. */
#include "base/text.h"
#include "core/state.h"
#include "core/steady.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct desired *core_desired(const struct core *core)
{
    assert(core);
    return core->desired;
}

/* --- services ------------------------------------------------------------------------------------------- */

static bool is_lost(const struct instance_state *instance)
{
    return !instance->connected || !instance->listed;
}

bool core_instance_is_lost(const struct core *core, const char *name, int64_t *ret_since_ms)
{
    assert(core);
    assert(ret_since_ms);
    const struct instance_state *instance = core_instance_state(core, name);
    if (!instance || !is_lost(instance))
        return false;
    *ret_since_ms = instance->lost_ms;
    return true;
}

/* A stop by signal, or in order: not a crash of its own. */
static bool is_end_by_stop(const struct container *container)
{
    int code = container->exit_code;
    return container->has_exit_code && (code == 0 || code == 128 + 15 || code == 128 + 9);
}

/* The deployment that came after the task's own, and before the task ended; NULL: none did. */
static const struct deployment *successor_of(const struct service_ledger *ledger, const struct task *task)
{
    for (size_t i = 1; i < ledger->deployments.len; i++)
        if (text_equal(ledger->deployments.items[i].id, task->deployment))
            return ledger->deployments.items[i - 1].created_ms <= task->stopped_ms
                       ? &ledger->deployments.items[i - 1]
                       : NULL;
    return NULL;
}

/* Why davit stops a task is in memory only. What ended as a stop ends it before this life began, and after a
 * newer deployment had, was replaced by that, as its reason said then: it did not fail. */
static void recall_stops(const struct core *core, const struct service_state *service,
                         const struct task_vec *tasks)
{
    for (size_t i = 0; service->ledger && i < tasks->len; i++) {
        struct task *task = &tasks->items[i];
        const struct deployment *next;
        bool ended = true;
        if (task->status != TASK_STOPPED || !task->failed || task->stopped_ms >= core->first_ms)
            continue;
        for (size_t c = 0; c < task->containers_len; c++)
            ended &= !task->containers[c]->labels.spec->essential || is_end_by_stop(task->containers[c]);
        if (!ended || !(next = successor_of(service->ledger, task)))
            continue;
        free(task->stop_reason);
        task->stop_reason = memory_printf("replaced by (deployment %s)", next->id);
        task->failed = false;
    }
}

/* Nobody knows how a task is whose instance does not answer: it must not be taken for healthy. */
static void doubt_lost(const struct core *core, struct task_vec *tasks)
{
    int64_t since_ms;
    for (size_t i = 0; i < tasks->len; i++) {
        struct task *task = &tasks->items[i];
        if (task->status == TASK_STOPPED || !core_instance_is_lost(core, task->instance, &since_ms))
            continue;
        task->health = HEALTH_UNKNOWN;
        task->healthy = false;
    }
}

static void build_tasks(const struct core *core, const struct service_state *service, int64_t now_ms,
                        struct task_vec *ret_tasks)
{
    const struct plan_input input = {.now_ms = now_ms,
                                     .options = &core->plan,
                                     .desired = core_aim(service),
                                     .cluster = service->cluster,
                                     .service = service->name,
                                     .containers = (const struct container *const *)service->containers.items,
                                     .containers_len = service->containers.len,
                                     .under_way = (const struct action *const *)service->under_way.items,
                                     .under_way_len = service->under_way.len};
    const struct task_roll_up options = {
        .now_ms = now_ms,
        .minimum_healthy_ms = service->desired ? service->desired->minimum_healthy_ms : 0,
        .health_check_grace_ms = service->desired ? service->desired->health_check_grace_ms : 0,
        .memory = &service->memory};
    task_vec_build(&input, &options, ret_tasks);
    doubt_lost(core, ret_tasks);
    recall_stops(core, service, ret_tasks);
}

static bool is_newer(const struct view_revision *revision, const struct task *task)
{
    int r = strcmp(revision->family, task->family);
    return r ? r < 0 : revision->revision > task->revision;
}

static void count_revision(struct view_service *view, const struct task *task)
{
    size_t at = 0;
    if (!task->family)
        return;
    while (at < view->revisions_len && is_newer(&view->revisions[at], task))
        at++;
    bool known = at < view->revisions_len && view->revisions[at].revision == task->revision &&
                 text_equal(view->revisions[at].family, task->family);
    if (!known) {
        if (at == VIEW_REVISIONS)
            return;
        view->revisions_len += view->revisions_len < VIEW_REVISIONS;
        memmove(&view->revisions[at + 1], &view->revisions[at],
                (view->revisions_len - at - 1) * sizeof view->revisions[0]);
        view->revisions[at] = (struct view_revision){.family = task->family, .revision = task->revision};
    }
    view->revisions[at].running_count += task->status == TASK_RUNNING;
    view->revisions[at].healthy_count += task->healthy;
}

static void note_failed(struct view_service *view, const struct task *task)
{
    bool crashed = task->status == TASK_STOPPED && task->failed && task->containers_len > 0;
    if (!crashed || task->stopped_ms < view->failed_task_ms || !view->desired ||
        !digest_equal(&task->digest, service_task_digest(view->desired)))
        return;
    memcpy(view->failed_task, task->id, sizeof view->failed_task);
    view->failed_task_ms = task->stopped_ms;
}

static void count_task(const struct core *core, struct view_service *view, const struct task *task)
{
    int64_t since_ms = 0;
    note_failed(view, task);
    bool is_lost = task->status != TASK_STOPPED && core_instance_is_lost(core, task->instance, &since_ms);
    if (is_lost) {
        view->lost_count++;
        view->lost_instance = task->instance;
        view->lost_ms = since_ms;
    }
    bool is_daemon = view->desired && view->desired->daemon;
    if (is_lost && !is_daemon && plan_is_lost(&core->plan, since_ms, core->now_ms)) {
        view->gone_count++;
        return;
    }
    view->running_count += task->status == TASK_RUNNING;
    view->pending_count += task->status == TASK_PENDING;
    view->stopping_count += task->status == TASK_STOPPING;
    view->healthy_count += task->healthy;
    if (task->status == TASK_STOPPED)
        return;
    count_revision(view, task);
    if (!text_equal(task->service, view->name)) {
        view->earlier_count++;
        view->earlier_name = task->service;
    }
    const struct cluster *cluster = core->desired ? desired_cluster(core->desired, view->cluster) : NULL;
    view->leaving_count += cluster && !container_instances_keep(&cluster->instances, task->instance);
}

static void fill_delayed(const struct core *core, const struct delayed_change *delayed,
                         struct view_service *view)
{
    if (!delayed)
        return;
    view->delayed_next = delayed->next;
    view->delayed_text = delayed->text;
    view->delayed_opens_ms = delayed->opens ? delayed->opens_ms + core->skew_ms : 0;
}

static const char *waiting_of(const struct core *core, const struct service_state *service)
{
    if (core->awaited || service->waiting)
        return core->awaited ? core->awaited : service->waiting;
    return core_source_is_awaited(core, service)
               ? "left alone: no commit of its source was accepted since davit started"
               : NULL;
}

static void fill(const struct core *core, const struct service_state *service, struct view_service *view)
{
    struct task_vec tasks;
    const struct core_source *source = core_source_of_service(core, service);
    *view =
        (struct view_service){.cluster = service->cluster,
                              .name = service->name,
                              .source = source ? source->name : NULL,
                              .desired = service->desired,
                              .aim = core_aim(service),
                              .ledger = service->ledger,
                              .unread = core_source_is_awaited(core, service),
                              .waiting = waiting_of(core, service),
                              .left = !service->desired && service->ledger && service->ledger->prune_disabled,
                              .suspended = core_is_suspended(core, service),
                              .delayed = service->delayed != NULL,
                              .blocked = core_is_blocked(core, service),
                              .events = service->events.items,
                              .events_first = service->events.first,
                              .events_len = service->events.len};
    fill_delayed(core, service->delayed, view);
    const struct deployment *primary = service->ledger ? service_ledger_primary(service->ledger) : NULL;
    const struct known_bad *bad = view->aim != view->desired
                                      ? service_ledger_known_bad(service->ledger, &service->desired->digest)
                                      : NULL;
    view->held = bad && bad->held ? bad : NULL;
    view->held_images =
        view->held && primary && deployment_has_content(service->ledger, primary, &bad->digest);
    view->crash_looping = service->desired && primary && primary->state == DEPLOYMENT_COMPLETED &&
                          plan_crash_loops(&service->memory, core->now_ms);
    build_tasks(core, service, core->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        count_task(core, view, &tasks.items[i]);
    task_vec_deinit(&tasks);
}

enum deployment_state view_service_rollout(const struct view_service *view)
{
    assert(view);
    const struct deployment *primary = view->ledger ? service_ledger_primary(view->ledger) : NULL;
    if (view_service_has_failed(view))
        return DEPLOYMENT_FAILED;
    if (view->delayed)
        return DEPLOYMENT_IN_PROGRESS;
    if (view->left)
        return DEPLOYMENT_COMPLETED;
    return view->desired && primary && primary->state == DEPLOYMENT_COMPLETED &&
                   digest_equal(&primary->digest, &view->desired->digest)
               ? DEPLOYMENT_COMPLETED
               : DEPLOYMENT_IN_PROGRESS;
}

static const char *rollback_state(const struct view_service *view)
{
    switch (service_ledger_primary(view->ledger)->state) {
    case DEPLOYMENT_IN_PROGRESS:
        return "rolling back";
    case DEPLOYMENT_COMPLETED:
        return view->held ? "held" : "rolled back";
    default:
        return "failed";
    }
}

const char *view_service_state(const struct view_service *view)
{
    assert(view);
    enum deployment_state rollout = view_service_rollout(view);
    if (view->suspended)
        return "suspended";
    if (view->delayed)
        return "waiting";
    if (!view->desired && view->unread)
        return "unknown";
    if (!view->desired)
        return view->left ? "left" : "removing";
    if (rollout == DEPLOYMENT_FAILED && view->aim != view->desired)
        return rollback_state(view);
    if (rollout == DEPLOYMENT_FAILED)
        return "failed";
    if (view->crash_looping)
        return "crash-looping";
    if (view_service_is_steady(view))
        return "steady";
    if (view->blocked)
        return "blocked";
    if (rollout != DEPLOYMENT_COMPLETED)
        return "deploying";
    int desired = view->desired->desired_count;
    int unknown = view->lost_count - view->gone_count;
    if (unknown > 0 && view->healthy_count + unknown >= desired)
        return "unknown";
    if (view->leaving_count > 0)
        return "moving";
    if (view->healthy_count < desired)
        return "healing";
    int young = view->running_count - view->healthy_count - view->lost_count;
    if (view->desired->rebalances && view->pending_count + young > 0)
        return "rebalancing"; /* Z2: one more before one goes */
    return view->pending_count > 0 ? "healing" : "stopping";
}

int view_service_desired_count(const struct view_service *view)
{
    assert(view);
    int there = view->unread ? view->running_count + view->pending_count : 0;
    return view->desired ? view->desired->desired_count : there;
}

const struct view_event *view_schedule_event(const struct view_schedule *view, size_t index)
{
    assert(view);
    assert(index < view->events_len);
    return &view->events[(view->events_first + index) % LIMIT_SERVICE_EVENTS];
}

const struct view_event *view_service_event(const struct view_service *view, size_t index)
{
    assert(view);
    assert(index < view->events_len);
    return &view->events[(view->events_first + index) % LIMIT_SERVICE_EVENTS];
}

bool core_is_awaiting(const struct core *core)
{
    assert(core);
    return core->awaited != NULL;
}

bool core_any_delayed(const struct core *core, const char *source)
{
    assert(core);
    bool any = core->delayed_len > 0;
    if (!any || !source)
        return any;
    map_for_each (&core->services, entry) {
        const struct service_state *service = entry->value;
        const struct core_source *of = service->delayed ? core_source_of_service(core, service) : NULL;
        if (of && text_equal(of->name, source))
            return true;
    }
    return false;
}

static const struct service_state *find(const struct core *core, const char *cluster, const char *name)
{
    return core_service_state((struct core *)core, cluster, name, false);
}

bool core_view_service(const struct core *core, const char *cluster, const char *name,
                       struct view_service *ret_view)
{
    assert(core);
    assert(ret_view);
    const struct service_state *service = find(core, cluster, name);
    if (!service)
        return false;
    fill(core, service, ret_view);
    return true;
}

size_t core_services_len(const struct core *core)
{
    assert(core);
    return core->services.len;
}

static int compare_states(const void *a, const void *b)
{
    const struct service_state *left = *(struct service_state *const *)a;
    const struct service_state *right = *(struct service_state *const *)b;
    int r = strcmp(left->cluster, right->cluster);
    return r ? r : strcmp(left->name, right->name);
}

/* The order is a cache, made when it is first asked for. */
static void sort(struct core *core)
{
    if (!core->unsorted && core->sorted.len == core->services.len)
        return;
    core->sorted.len = 0;
    map_for_each (&core->services, entry) {
        vector_push(&core->sorted, entry->value);
    }
    vector_sort(&core->sorted, compare_states);
    core->unsorted = false;
}

bool core_view_service_at(const struct core *core, size_t index, struct view_service *ret_view)
{
    assert(core);
    assert(ret_view);
    sort((struct core *)core);
    if (index >= core->sorted.len)
        return false;
    fill(core, core->sorted.items[index], ret_view);
    return true;
}

void core_view_tasks(const struct core *core, const char *cluster, const char *name, int64_t now_ms,
                     struct task_vec *ret_tasks)
{
    assert(core);
    assert(ret_tasks);
    const struct service_state *service = find(core, cluster, name);
    memset(ret_tasks, 0, sizeof *ret_tasks);
    if (service)
        build_tasks(core, service, now_ms, ret_tasks);
}

void core_view_actions(const struct core *core, const char *cluster, const char *name,
                       struct view_action_vec *ret_actions)
{
    assert(core);
    assert(ret_actions);
    const struct service_state *service = find(core, cluster, name);
    memset(ret_actions, 0, sizeof *ret_actions);
    for (size_t i = 0; service && i < service->under_way.len; i++) {
        char id[24];
        snprintf(id, sizeof id, "%" PRIu64, service->under_way.items[i]->id);
        const struct flight *flight = map_get(&core->flights, id);
        assert(flight);
        vector_push(ret_actions, (struct view_action){flight->action, flight->since_ms,
                                                      flight->progress_status, flight->progress_failure,
                                                      flight->progress_bytes, flight->progress_total_bytes});
    }
}

size_t core_instances_len(const struct core *core)
{
    assert(core);
    return core->instances_len;
}

const char *core_instance_name(const struct core *core, size_t index)
{
    assert(core);
    assert(index < core->instances_len);
    return core->instances[index].name;
}

void core_view_instance_at(const struct core *core, size_t index, struct view_instance *ret_view)
{
    assert(core);
    assert(index < core->instances_len);
    core_book_marked((struct core *)core); /* rooms are a cache */
    const struct instance_state *instance = &core->instances[index];
    const struct plan_instance *room = &core->rooms.items[index];
    *ret_view = (struct view_instance){.name = instance->name,
                                       .connected = !is_lost(instance),
                                       .message = instance->message,
                                       .lost_ms = instance->lost_ms,
                                       .info = &instance->info,
                                       .containers_len = instance->containers.len,
                                       .cpu_units_free = room->cpu_units_free,
                                       .memory_mib_free = room->memory_mib_free,
                                       .gpu_ids = &room->gpu_ids,
                                       .ports = &room->ports};
    struct map running = {0};
    struct map pending = {0};
    map_for_each (&instance->containers, entry) {
        const struct container *container = entry->value;
        if (container->status == CONTAINER_STOPPED)
            continue;
        map_put(container->status == CONTAINER_RUNNING ? &running : &pending, container->labels.task,
                (void *)1);
    }
    ret_view->running_tasks = (int)running.len;
    ret_view->pending_tasks = (int)pending.len;
    map_deinit(&running);
    map_deinit(&pending);
}
