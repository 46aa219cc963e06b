/* Services whose entry in the ledger is lost: what the labels of their containers tell of it. The table (L)
 * is in core.h. */
#include "base/text.h"
#include "core/state.h"
#include "model/image.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- commits: labels have no more than their ids -------------------------------------------------------- */

static void commit_free(struct commit *commit)
{
    commit_deinit(commit);
    free(commit);
}

void core_remember_commit(struct core *core, const struct core_source *source, const struct commit *commit)
{
    assert(core);
    assert(source);
    assert(commit);
    if (source->desired || source->deployed[0])
        return;
    struct commit *copy = NEW(struct commit);
    commit_copy(commit, copy);
    core->commits.free_value = (void (*)(void *))commit_free;
    map_put(&core->commits, commit->oid, copy);
}

/* NULL: git does not have it, or it was not told. */
static const struct commit *find_commit(const struct core *core, const struct service_state *service,
                                        const struct task_labels *labels)
{
    const struct commit *known = labels->commit ? map_get(&core->commits, labels->commit) : NULL;
    const struct core_source *source = core_source_of_service(core, service);
    const struct family_ledger *family = source ? map_get(&source->families, labels->family) : NULL;
    for (size_t i = 0; !known && family && i < family->revisions.len; i++)
        if (text_equal(family->revisions.items[i].commit.oid, labels->commit))
            known = &family->revisions.items[i].commit;
    return known;
}

/* --- traces --------------------------------------------------------------------------------------------- */

/* What is left of a deployment. */
struct trace {
    const struct task_labels *labels;
    int64_t first_ms; /* its containers were created from then */
    int64_t last_ms;  /* until then */
    int live;         /* tasks */
};
struct trace_vec VECTOR_OF(struct trace);

static struct trace *trace_of(struct trace_vec *traces, const char *deployment)
{
    for (size_t i = 0; deployment && i < traces->len; i++)
        if (text_equal(traces->items[i].labels->deployment, deployment))
            return &traces->items[i];
    return NULL;
}

static bool is_deployment(const char *id)
{
    return text_starts_with(id, "ecs-svc/") && strlen(id) < DEPLOYMENT_ID_SIZE;
}

static int compare_traces(const void *a, const void *b)
{
    const struct trace *left = a;
    const struct trace *right = b;
    if (left->last_ms != right->last_ms)
        return left->last_ms > right->last_ms ? -1 : 1;
    return strcmp(left->labels->deployment, right->labels->deployment);
}

/* L9: what the entry has, what is older than it, and what is left of a deployment that failed are no news. */
static bool is_news(const struct service_ledger *ledger, const struct container *container)
{
    const struct deployment *primary = ledger ? service_ledger_primary(ledger) : NULL;
    return !primary ||
           (container->status != CONTAINER_STOPPED && container->created_ms > primary->created_ms &&
            !service_ledger_has_deployment(ledger, container->labels.deployment));
}

/* Newest first: a deployment that was replaced creates nothing any more. Caller deinits. */
static struct trace_vec find_traces(const struct service_state *service)
{
    struct trace_vec traces = {0};
    for (size_t i = 0; i < service->containers.len; i++) {
        const struct container *container = service->containers.items[i];
        struct trace *trace = trace_of(&traces, container->labels.deployment);
        if (!is_deployment(container->labels.deployment) || !is_news(service->ledger, container))
            continue;
        if (!trace) {
            vector_push(&traces,
                        (struct trace){&container->labels, container->created_ms, container->created_ms, 0});
        } else {
            if (container->created_ms < trace->first_ms)
                trace->first_ms = container->created_ms;
            if (container->created_ms > trace->last_ms)
                trace->last_ms = container->created_ms;
        }
    }
    vector_sort(&traces, compare_traces);
    return traces;
}

/* Tasks that are live, by content: PRIMARY's, or another. */
struct census {
    int new;
    int healthy_new;
    int old;
};

static struct census count_tasks(const struct core *core, const struct service_state *service,
                                 struct trace_vec *traces)
{
    struct census census = {0};
    struct task_vec tasks CLEANUP(task_vec_deinit);
    core_view_tasks(core, service->cluster, service->name, core->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++) {
        const struct task *task = &tasks.items[i];
        if (task->stop || task->status == TASK_STOPPED)
            continue;
        bool new = digest_equal(&task->digest, &traces->items[0].labels->digest);
        census.new += new;
        census.healthy_new += new && task->healthy;
        census.old += !new;
        struct trace *trace = trace_of(traces, task->deployment);
        if (trace)
            trace->live++;
    }
    return census;
}

/* --- the entry ------------------------------------------------------------------------------------------ */

/* L8: where PRIMARY has the content that is desired, whose definition tells what is a tag. */
static void add_images(const struct service_state *service, const struct task_definition *definition,
                       struct deployment *primary)
{
    for (size_t i = 0; i < definition->containers.len; i++) {
        const char *image = image_to_resolve(definition, definition->containers.items[i].name);
        if (image)
            deployment_add_image(primary, image);
    }
    for (size_t i = 0; i < service->containers.len; i++) {
        const struct container *container = service->containers.items[i];
        const char *image = image_to_resolve(definition, container->labels.spec->name);
        struct deployment_image *entry = image ? deployment_image(primary, image) : NULL;
        if (entry && !entry->resolved && container->image &&
            digest_equal(&container->labels.digest, &primary->digest))
            deployment_image_resolve(entry, image_digest(container->image));
    }
}

static struct deployment *add_deployment(const struct core *core, const struct service_state *service,
                                         struct service_ledger *ledger, const struct trace *trace)
{
    const struct task_labels *labels = trace->labels;
    const struct commit *commit = find_commit(core, service, labels);
    struct deployment *deployment = service_ledger_add(ledger);
    memcpy(deployment->id, labels->deployment, strlen(labels->deployment) + 1);
    deployment->digest = labels->digest;
    deployment->family = memory_strdup(labels->family);
    deployment->revision = labels->revision;
    if (commit)
        commit_copy(commit, &deployment->commit);
    else if (labels->commit && strlen(labels->commit) < sizeof deployment->commit.oid)
        memcpy(deployment->commit.oid, labels->commit, strlen(labels->commit) + 1);
    deployment->state = DEPLOYMENT_SUPERSEDED;
    deployment->reason = memory_strdup("rebuilt from labels of containers: how it ended is not known");
    deployment->desired_count = trace->live;
    deployment->created_ms = trace->first_ms;
    deployment->updated_ms = trace->last_ms;
    deployment->rebuilt = true;
    return deployment;
}

/* L3, L4. */
static void judge(struct deployment *primary, const struct census *census, int desired_count)
{
    bool completed = census->old == 0 && census->healthy_new == census->new && census->new >= desired_count;
    primary->state = completed ? DEPLOYMENT_COMPLETED : DEPLOYMENT_IN_PROGRESS;
    free(primary->reason);
    primary->reason =
        memory_printf("ECS deployment %s %s.", primary->id, completed ? "completed" : "in progress");
}

/* L7. */
static void keep_count(struct service_state *service, const struct census *census)
{
    const struct service *desired = service->desired;
    int count = census->new > census->old ? census->new : census->old;
    if (desired && desired->count_absent && !desired->daemon && count > 0 && count <= LIMIT_DESIRED_COUNT)
        core_set_count(service, count);
}

static void tell(struct core *core, struct service_state *service, struct effect_vec *effects)
{
    const struct deployment *primary = service_ledger_primary(service->ledger);
    char commit[COMMIT_SHORT_SIZE];
    commit_short(primary->commit.oid, commit);
    char *message CLEANUP_FREE = memory_printf(
        "%s: rebuilt from labels of containers: %s %s, %s:%d, commit %s", service->key, primary->id,
        deployment_state_name(primary->state), primary->family, primary->revision, commit);
    char *event CLEANUP_FREE =
        memory_printf("(service %s) (deployment %s) was rebuilt from the labels of its containers: the "
                      "ledger did not know it.",
                      service->name, primary->id);
    core_add_event(core, service, event);
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(service->ledger), message);
}

/* What git asks for; NULL: the service left the repository. */
static const struct service *asked(const struct service_state *service)
{
    if (service->desired || !service->delayed)
        return service->desired;
    return service->delayed->next;
}

/* Nothing of it is known, or it is the first look after a start: L9. */
static bool may_be_lost(const struct service_state *service)
{
    const struct service_ledger *ledger = service->ledger;
    return !service->run && service->containers.len && asked(service) && !(ledger && ledger->removed) &&
           !(ledger && ledger->deployments.len && service->memory.seen);
}

/* L9: it was replaced, and the entry does not know. */
static void supersede(struct service_ledger *ledger, const struct trace *by)
{
    struct deployment *primary = service_ledger_primary(ledger);
    if (!primary || primary->state != DEPLOYMENT_IN_PROGRESS)
        return;
    primary->state = DEPLOYMENT_SUPERSEDED;
    primary->updated_ms = primary->ended_ms = by->first_ms;
    free(primary->reason);
    primary->reason = memory_printf("superseded by %s", by->labels->deployment);
}

static void finish_primary(struct service_state *service, struct service_ledger *ledger,
                           const struct census *census)
{
    const struct service *desired = asked(service);
    struct deployment *primary = service_ledger_primary(ledger);
    bool same = digest_equal(&primary->digest, service_task_digest(desired));
    judge(primary, census, same && !desired->daemon ? desired->desired_count : 1);
    if (!same)
        return;
    if (!desired->daemon)
        primary->desired_count = desired->desired_count;
    add_images(service, desired->task_definition, primary);
    primary->digest = desired->digest;
    service_ledger_forget_known_bad(ledger, &desired->digest); /* L9: it was tried again since */
    if (primary->state == DEPLOYMENT_COMPLETED && desired->breaker.rollback) /* L3 */
        service_ledger_set_completed(ledger, service_to_json(desired), &primary->commit);
    for (size_t i = 0; i < desired->pre_deploy.len; i++) /* L6 */
        service_ledger_add_prepared(ledger, &desired->digest);
}

void core_rebuild(struct core *core, struct service_state *service, struct effect_vec *effects)
{
    assert(core);
    assert(service);
    if (!may_be_lost(service))
        return;
    struct trace_vec traces = find_traces(service);
    if (traces.len) {
        core_window_was_open(core, service, &traces.items[0].labels->digest, effects);
        struct service_ledger *ledger = service->ledger ? service_ledger_copy(service->ledger)
                                                        : service_ledger_new(service->cluster, service->name);
        struct census census = count_tasks(core, service, &traces);
        keep_count(service, &census);
        supersede(ledger, &traces.items[traces.len - 1]);
        for (size_t i = traces.len; i-- > 0;)
            add_deployment(core, service, ledger, &traces.items[i]);
        finish_primary(service, ledger, &census);
        core_source_sign(core, service, ledger);
        core_set_ledger(service, ledger);
        tell(core, service, effects);
    }
    vector_deinit(&traces);
}
