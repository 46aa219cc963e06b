/* Rows C1 to C8, C11 and S1 to S4: the next step of every container of a task. */
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum verdict { MET, WAIT, NEVER };

/* Whether the container still waits for its dependencies: it is not there, or created and not being started.
 */
static bool has_yet_to_start(const struct task *task, const char *name)
{
    const struct container *container = task_container(task, name);
    return !container || (container->status == CONTAINER_CREATED && !life_is_under_way(task, name));
}

static bool is_passed_over(struct pass *pass, const struct task *task, const struct container_spec *spec,
                           int depth);

static bool restarts(const struct task *task, const struct container *container)
{
    for (size_t i = 0; i < task->containers_len; i++)
        if (task->containers[i] == container)
            return task->restarts[i];
    return false;
}

static bool depends_on(const struct container_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->depends_on.len; i++)
        if (text_equal(spec->depends_on.items[i].container, name))
            return true;
    return false;
}

/* C6. startTimeout belongs to the dependency and counts from its start (ECS). */
static bool timed_out(struct pass *pass, const struct container_spec *spec, const struct container *container)
{
    if (!spec->start_timeout_s || !container->started_ms || container->status != CONTAINER_RUNNING)
        return false;
    int64_t at_ms = container->started_ms + spec->start_timeout_s * 1000LL;
    if (at_ms <= pass->in->now_ms)
        return true;
    if (pass->out)
        pass_wake(pass, at_ms);
    return false;
}

static enum verdict judge(struct pass *pass, const struct task *task,
                          const struct container_dependency *dependency, int depth)
{
    const struct container_spec *spec =
        task_definition_container(pass->in->desired->task_definition, dependency->container);
    const struct container *container = task_container(task, dependency->container);
    assert(spec); /* validated: dependsOn names a container of the task */
    if (!container || container->status == CONTAINER_CREATED)
        return is_passed_over(pass, task, spec, depth + 1) ? NEVER : WAIT;
    bool stopped = container->status == CONTAINER_STOPPED && !restarts(task, container);
    switch (dependency->condition) {
    case DEPENDENCY_START: /* C3 */
        return MET;
    case DEPENDENCY_COMPLETE:
        if (stopped)
            return container->has_exit_code ? MET : NEVER;
        break;
    case DEPENDENCY_SUCCESS:
        if (stopped)
            return container->has_exit_code && container->exit_code == 0 ? MET : NEVER;
        break;
    case DEPENDENCY_HEALTHY:
        if (stopped)
            return NEVER;
        if (container->status == CONTAINER_RUNNING && container->health == HEALTH_HEALTHY)
            return MET;
        break;
    }
    return timed_out(pass, spec, container) ? NEVER : WAIT;
}

static enum verdict judge_all(struct pass *pass, const struct task *task, const struct container_spec *spec,
                              int depth)
{
    enum verdict all = MET;
    for (size_t i = 0; i < spec->depends_on.len; i++) {
        enum verdict one = judge(pass, task, &spec->depends_on.items[i], depth);
        if (one > all)
            all = one;
    }
    return all;
}

/* C11: it was there, for what waits for its end has started. */
static bool did_its_work(const struct pass *pass, const struct task *task, const char *name)
{
    const struct container_spec_vec *specs = &pass->in->desired->task_definition->containers;
    for (size_t i = 0; !task_container(task, name) && i < specs->len; i++) {
        const struct container *later = task_container(task, specs->items[i].name);
        if (!later || later->status == CONTAINER_CREATED)
            continue;
        const struct container_dependency_vec *dependencies = &specs->items[i].depends_on;
        for (size_t d = 0; d < dependencies->len; d++)
            if (text_equal(dependencies->items[d].container, name) &&
                (dependencies->items[d].condition == DEPENDENCY_COMPLETE ||
                 dependencies->items[d].condition == DEPENDENCY_SUCCESS))
                return true;
    }
    return false;
}

/* P13. What came late, by the create of an earlier davit, is there beside another container with its GPU.
 * NULL: it did not. */
static const char *taken_gpu(const struct pass *pass, const struct task *task, const char *name)
{
    const struct plan_instance_vec *instances = pass->in->instances; /* NULL: of a view */
    const struct plan_instance *instance = instances ? placement_instance(instances, task->instance) : NULL;
    const struct container *container = has_yet_to_start(task, name) ? task_container(task, name) : NULL;
    const struct string_vec *ids = container ? &container->labels.spec->gpu_ids : NULL;
    for (size_t i = 0; instance && ids && i < ids->len; i++)
        if (plan_gpu_holders(instance, ids->items[i]) > 1)
            return ids->items[i];
    return NULL;
}

static bool has_gpu(const struct task *task, const char *id)
{
    for (size_t c = 0; c < task->containers_len; c++)
        if (string_vec_has(&task->containers[c]->labels.spec->gpu_ids, id))
            return true;
    return false;
}

/* P13. The instance has not as many, whoever holds them. */
static bool can_have_no_gpu(const struct pass *pass, const struct task *task,
                            const struct container_spec *spec)
{
    if (!pass->in->instances || spec->gpus == 0 || task_container(task, spec->name) ||
        life_is_under_way(task, spec->name)) /* NULL: of a view */
        return false;
    const struct container_instance *declared =
        pass->in->declared ? container_instances_find(pass->in->declared, task->instance) : NULL;
    size_t all = declared ? declared->gpus.len : 0;
    size_t left = 0;
    for (size_t g = 0; g < all; g++)
        left += !has_gpu(task, declared->gpus.items[g]);
    return left == 0 || left < (spec->gpus >= GPUS_ALL ? all : (size_t)spec->gpus);
}

/* C5, C11, F10, P13 for a container that is not essential: the task goes on without it. */
static bool is_passed_over(struct pass *pass, const struct task *task, const struct container_spec *spec,
                           int depth)
{
    if (spec->essential || depth > LIMIT_CONTAINERS_PER_TASK || !has_yet_to_start(task, spec->name))
        return false;
    return failure_gave_up(pass, task, spec->name) || did_its_work(pass, task, spec->name) ||
           taken_gpu(pass, task, spec->name) || can_have_no_gpu(pass, task, spec) ||
           judge_all(pass, task, spec, depth) == NEVER;
}

int life_passed_over(const struct pass *pass, const struct task *task)
{
    assert(pass);
    assert(task);
    struct pass quiet = {.in = pass->in, .memory = pass->memory}; /* no output: nothing is to be planned */
    const struct container_spec_vec *specs = &pass->in->desired->task_definition->containers;
    int count = 0;
    for (size_t i = 0; i < specs->len; i++)
        count += is_passed_over(&quiet, task, &specs->items[i], 0);
    return count;
}

static bool is_essential(const struct pass *pass, const char *name)
{
    const struct container_spec *spec = task_definition_container(pass->in->desired->task_definition, name);
    return spec ? spec->essential : text_equal(name, PAUSE_CONTAINER);
}

/* C8. It was there when those were created that depend on it, and somebody removed it. */
static char *lost_container(const struct pass *pass, const struct task *task)
{
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container_spec *spec = task->containers[i]->labels.spec;
        for (size_t d = 0; d < spec->depends_on.len; d++) {
            const char *name = spec->depends_on.items[d].container;
            if (task_container(task, name) || !is_essential(pass, name))
                continue;
            if (text_equal(name, PAUSE_CONTAINER))
                return memory_strdup("the pause container, which owns the task's namespaces, was removed");
            return memory_printf("container %s, which container %s depends on, was removed", name,
                                 spec->name);
        }
    }
    return NULL;
}

/* P13. */
static char *lost_gpu(const struct pass *pass, const struct task *task)
{
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container_spec *spec = task->containers[i]->labels.spec;
        const char *gpu = is_essential(pass, spec->name) ? taken_gpu(pass, task, spec->name) : NULL;
        if (gpu)
            return memory_printf("GPU %s of container %s is another's by now", gpu, spec->name);
    }
    return NULL;
}

/* P13. */
static char *missing_gpu(const struct pass *pass, const struct task *task)
{
    const struct container_spec_vec *specs = &pass->in->desired->task_definition->containers;
    for (size_t i = 0; i < specs->len; i++)
        if (specs->items[i].essential && can_have_no_gpu(pass, task, &specs->items[i]))
            return memory_printf(
                "RESOURCE:GPU: container %s asks for more GPUs than container instance %s has",
                specs->items[i].name, task->instance);
    return NULL;
}

char *life_dead_end(struct pass *pass, const struct task *task)
{
    assert(pass);
    assert(task);
    char *lost = lost_container(pass, task);
    if (!lost)
        lost = lost_gpu(pass, task);
    if (!lost)
        lost = missing_gpu(pass, task);
    if (lost)
        return lost;
    const struct container_spec_vec *specs = &pass->in->desired->task_definition->containers;
    for (size_t i = 0; i < specs->len; i++) {
        const struct container_spec *spec = &specs->items[i];
        if (!spec->essential || !has_yet_to_start(task, spec->name) ||
            judge_all(pass, task, spec, 0) != NEVER)
            continue;
        return memory_printf(
            "TaskDependencyError: a dependency of container %s can never be met or timed out", spec->name);
    }
    return NULL;
}

bool life_is_under_way(const struct task *task, const char *container)
{
    for (size_t i = 0; i < task->under_way_len; i++)
        if (text_equal(task->under_way[i]->container, container))
            return true;
    return false;
}

struct action *life_act(struct pass *pass, const struct task *task, enum action_kind kind,
                        const char *container)
{
    struct action *action = action_new(kind);
    action->instance = memory_strdup(task->instance);
    action->cluster = memory_strdup(pass->in->cluster);
    action->service = memory_strdup(pass->in->service);
    memcpy(action->task, task->id, sizeof action->task);
    action->container = memory_strdup(container);
    action->reason = memory_strdup(task->stop_reason ? task->stop_reason
                                   : pass->in->run   ? "RunTask"
                                                     : "desired by the service");
    vector_push(&pass->out->actions, action);
    return action;
}

static int count_essential(const struct task_definition *definition)
{
    int count = 0;
    for (size_t i = 0; i < definition->containers.len; i++)
        count += definition->containers.items[i].essential;
    return count;
}

/* P13. It says more than that a task is starting; what frees room may free one. */
static void wait_for_gpu(struct pass *pass, const struct task *task, const struct container_spec *spec)
{
    free(pass->out->waiting);
    pass->out->waiting =
        memory_printf("container %s waits for a GPU of instance %s", spec->name, task->instance);
    pass->out->no_place = true;
}

static void create(struct pass *pass, const struct task *task, const struct container_spec *spec)
{
    struct container_spec chosen;
    container_spec_copy(spec, &chosen);
    if (!placement_choose_gpus(pass, task->instance, &chosen)) {
        wait_for_gpu(pass, task, spec);
        container_spec_deinit(&chosen);
        return;
    }
    struct action *action = life_act(pass, task, ACTION_CREATE, spec->name);
    struct task_definition *definition = pass->in->desired->task_definition;
    const struct run *run = pass->in->run;
    action->task_definition = task_definition_ref(definition);
    action->labels = (struct task_labels){.owner = memory_strdup(pass->in->options->owner),
                                          .cluster = memory_strdup(pass->in->cluster),
                                          .service = memory_strdup(task->service),
                                          .deployment = memory_strdup(task->deployment),
                                          .group = memory_strdup(run ? run->group : NULL),
                                          .started_by = memory_strdup(run ? run->started_by : NULL),
                                          .family = memory_strdup(definition->family),
                                          .revision = definition->revision,
                                          .digest = task->digest,
                                          .essential = count_essential(definition)};
    action->labels.commit = memory_strdup(task->commit);
    memcpy(action->labels.task, task->id, sizeof action->labels.task);
    action->labels.spec = container_spec_new(&chosen);
    container_spec_deinit(&chosen);
    action->image = run ? NULL : image_of_task(pass, spec->name);
    action->name = action_container_name(&action->labels);
}

static void bring_up(struct pass *pass, const struct task *task)
{
    const struct container_spec_vec *specs = &pass->in->desired->task_definition->containers;
    for (size_t i = 0; i < specs->len; i++) {
        const struct container_spec *spec = &specs->items[i];
        const struct container *container = task_container(task, spec->name);
        if ((container && container->status != CONTAINER_CREATED) || life_is_under_way(task, spec->name))
            continue; /* C7, or it runs, or it has run */
        if (judge_all(pass, task, spec, 0) != MET)
            continue;
        if (is_passed_over(pass, task, spec, 0)) {
            pass->out->no_place |= can_have_no_gpu(pass, task, spec); /* a commit may give it one */
            continue;
        }
        if (container)
            life_act(pass, task, ACTION_START, spec->name)->container_id =
                memory_strdup(container->id); /* C2 */
        else
            create(pass, task, spec); /* C1 */
    }
}

/* C9. As on ECS its dependencies are not asked again. */
static void restart(struct pass *pass, const struct task *task)
{
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        const char *name = container->labels.spec->name;
        if (!task->restarts[i] || life_is_under_way(task, name))
            continue;
        struct action *action = life_act(pass, task, ACTION_START, name);
        action->container_id = memory_strdup(container->id);
        free(action->reason);
        action->reason = memory_printf("restart policy: it exited with code %d", container->exit_code);
    }
}

/* S2: someone who depends on it still runs, or is about to. */
static bool is_needed(const struct task *task, const char *name)
{
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        if (container->status == CONTAINER_STOPPED)
            continue;
        if (container->status == CONTAINER_CREATED && !life_is_under_way(task, container->labels.spec->name))
            continue;
        if (depends_on(container->labels.spec, name))
            return true;
    }
    return false;
}

static void take_down(struct pass *pass, const struct task *task)
{
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        const char *name = container->labels.spec->name;
        if (container->status != CONTAINER_RUNNING || life_is_under_way(task, name) || is_needed(task, name))
            continue;
        struct action *action = life_act(pass, task, ACTION_STOP, name); /* S1 */
        action->container_id = memory_strdup(container->id);
        action->stop_timeout_s = container->labels.spec->stop_timeout_s;
    }
}

void pass_life(struct pass *pass)
{
    assert(pass);
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        const struct plan_instance *instance = placement_instance(pass->in->instances, task->instance);
        if (!instance || !instance->usable) { /* P3 */
            if (task->status != TASK_STOPPED)
                pass_waiting(pass, "instance %s: %s", task->instance,
                             instance && instance->reason ? instance->reason : "does not answer");
            continue;
        }
        if (task->status == TASK_STOPPING)
            take_down(pass, task);
        else if (task_is_live(task))
            restart(pass, task);
        if (task_is_live(task) && pass_is_new(pass, task))
            bring_up(pass, task);
    }
}
