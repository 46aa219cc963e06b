/* Services that a commit calls otherwise; the table (N) is in core.h. What core knows of one is keyed by its
 * name: it moves as it is, with all that points at it. */
#include "base/text.h"
#include "core/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- whose a container is: N5 --------------------------------------------------------------------------- */

void core_index_adopted(struct core *core, struct service_state *service)
{
    assert(core);
    assert(service);
    const struct service_ledger *ledger = service->ledger;
    core->any_renamed |= ledger && ledger->renamed_from;
    for (size_t i = 0; ledger && i < ledger->adopted.len; i++)
        map_put(&core->adopted, ledger->adopted.items[i], service);
}

void core_forget_adopted(struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    for (size_t i = 0; service->ledger && i < service->ledger->adopted.len; i++)
        map_remove(&core->adopted, service->ledger->adopted.items[i]);
}

static bool has_deployment(const struct service_state *service, const char *id)
{
    return service && service->ledger && service_ledger_has_deployment(service->ledger, id);
}

struct service_state *core_deployed_by(const struct core *core, const char *cluster, const char *name,
                                       const char *deployment)
{
    assert(core);
    struct service_state *service = core_service_state((struct core *)core, cluster, name, false);
    if (!core->any_renamed || has_deployment(service, deployment))
        return service;
    map_for_each (&core->services, entry) {
        struct service_state *other = entry->value;
        if (text_equal(other->cluster, cluster) && other->ledger && other->ledger->renamed_from &&
            has_deployment(other, deployment))
            return other;
    }
    return service;
}

struct service_state *core_service_of_task(struct core *core, const struct task_labels *labels, bool create)
{
    assert(core);
    assert(labels && labels->service);
    struct service_state *service = core->adopted.len ? map_get(&core->adopted, labels->task) : NULL;
    if (service)
        return service;
    if (!create) /* of what is known nobody else is asked: who it was given to has it */
        return core_service_state(core, labels->cluster, labels->service, false);
    service = core_deployed_by(core, labels->cluster, labels->service, labels->deployment);
    if (!service)
        return core_service_state(core, labels->cluster, labels->service, true);
    if (!text_equal(service->name, labels->service)) {
        map_put(&core->adopted, labels->task, service);
        vector_push(&service->ledger->adopted, memory_strdup(labels->task));
        service->adopts = true;
    }
    return service;
}

/* What an instance that does not answer has of a task is not known. */
static bool all_answer(const struct core *core)
{
    for (size_t i = 0; i < core->instances_len; i++)
        if (!core->instances[i].listed)
            return false;
    return true;
}

static void add_foreign(const struct service_state *service, const struct task_labels *labels,
                        struct map *seen)
{
    if (!text_equal(labels->service, service->name))
        map_put(seen, labels->task, (void *)1);
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted. The caller deinits it. */
static struct string_vec find_adopted(const struct core *core, const struct service_state *service)
{
    const struct string_vec *before = &service->ledger->adopted;
    struct string_vec adopted = {0};
    struct map seen = {0};
    for (size_t i = 0; i < service->containers.len; i++)
        add_foreign(service, &service->containers.items[i]->labels, &seen);
    for (size_t i = 0; i < service->under_way.len; i++)
        if (service->under_way.items[i]->kind == ACTION_CREATE)
            add_foreign(service, &service->under_way.items[i]->labels, &seen);
    bool all_known = before->len == 0 || all_answer(core);
    for (size_t i = 0; !all_known && i < before->len; i++)
        map_put(&seen, before->items[i], (void *)1);
    map_for_each (&seen, entry)
        vector_push(&adopted, memory_strdup(entry->key));
    map_deinit(&seen);
    vector_sort(&adopted, compare_ids);
    return adopted;
}

/* The entry is to be saved by the caller. */
static void set_adopted(struct core *core, struct service_state *service, struct string_vec *adopted)
{
    core_forget_adopted(core, service);
    string_vec_deinit(&service->ledger->adopted);
    service->adopts = false;
    service->ledger->adopted = *adopted;
    *adopted = (struct string_vec){0};
    core_index_adopted(core, service);
}

static bool same_strings(const struct string_vec *left, const struct string_vec *right)
{
    size_t i = 0;
    while (i < left->len && i < right->len && text_equal(left->items[i], right->items[i]))
        i++;
    return i == left->len && i == right->len;
}

void core_keep_adopted(struct core *core, struct service_state *service, struct effect_vec *effects)
{
    assert(core);
    assert(service);
    if (!service->ledger || !service->ledger->renamed_from)
        return;
    struct string_vec adopted CLEANUP(string_vec_deinit) = find_adopted(core, service);
    if (same_strings(&adopted, &service->ledger->adopted) && !service->adopts)
        return;
    char *message CLEANUP_FREE = memory_printf("%s: %zu task%s carry an earlier name", service->key,
                                               adopted.len, adopted.len == 1 ? "" : "s");
    set_adopted(core, service, &adopted);
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(service->ledger), message);
}

/* --- which ones: N1 to N3, N6 --------------------------------------------------------------------------- */

static struct service_state *state_of(const struct core *core, const char *cluster, const char *name)
{
    return core_service_state((struct core *)core, cluster, name, false);
}

static bool is_new(const struct service_state *service)
{
    return !service ||
           (!service->desired && !service->delayed && service->containers.len == 0 &&
            service->under_way.len == 0 && !(service->ledger && service->ledger->deployments.len));
}

/* N6: what git asked for last. */
static void add_remembered(const struct service_state *service, const struct desired *next,
                           struct service_content_vec *gone)
{
    const struct service_ledger *ledger = service->ledger;
    const struct deployment *primary = ledger ? service_ledger_primary(ledger) : NULL;
    if (!primary || ledger->removed || ledger->prune_disabled ||
        desired_service(next, service->cluster, service->name))
        return;
    const struct digest *asked =
        digest_is_zero(&primary->rollback_of) ? &primary->digest : &primary->rollback_of;
    vector_push(gone, (struct service_content){service->cluster, service->name,
                                               service_ledger_committed(ledger, asked)});
}

static void pair_remembered(const struct core *core, const struct core_source *source,
                            const struct desired *next, struct service_rename_vec *ret_renames)
{
    struct service_content_vec gone = {0};
    struct service_content_vec come = {0};
    map_for_each (&core->services, entry)
        if (core_source_of_service(core, entry->value) == source)
            add_remembered(entry->value, next, &gone);
    for (size_t i = 0; gone.len && i < next->services.len; i++) {
        const struct service *service = next->services.items[i];
        if (is_new(state_of(core, service->cluster, service->name)))
            vector_push(&come, (struct service_content){service->cluster, service->name, service->digest});
    }
    service_renames_pair(&gone, &come, ret_renames);
    vector_deinit(&gone);
    vector_deinit(&come);
}

/* N3. */
static void drop_those_there(const struct core *core, struct service_rename_vec *renames)
{
    size_t kept = 0;
    for (size_t i = 0; i < renames->len; i++) {
        const struct service_rename *rename = &renames->items[i];
        if (is_new(state_of(core, rename->cluster, rename->to)))
            renames->items[kept++] = *rename;
    }
    renames->len = kept;
}

void core_find_renames(const struct core *core, const struct core_source *source, const struct desired *next,
                       struct service_rename_vec *ret_renames)
{
    assert(core);
    assert(source);
    assert(next);
    assert(ret_renames);
    if (source->desired)
        service_renames_between(source->desired, next, ret_renames);
    else
        pair_remembered(core, source, next, ret_renames);
    drop_those_there(core, ret_renames);
}

void core_would_rename(const struct core *core, const char *source, struct service_content_vec *services,
                       struct service_rename_vec *ret_renames)
{
    assert(core);
    const struct desired *desired = core_source_of_event(core, source)->desired;
    assert(services);
    assert(ret_renames);
    struct service_content_vec gone = {0};
    struct map given = {0};
    size_t come = 0;
    for (size_t i = 0; i < services->len; i++) {
        const struct service_content service = services->items[i];
        char *key CLEANUP_FREE = service_key(service.cluster, service.name);
        map_put(&given, key, (void *)1);
        if (!desired || !desired_service(desired, service.cluster, service.name))
            services->items[come++] = service;
    }
    services->len = come;
    for (size_t i = 0; desired && i < desired->services.len; i++) {
        const struct service *service = desired->services.items[i];
        char *key CLEANUP_FREE = service_key(service->cluster, service->name);
        if (!service->prune_disabled && !map_get(&given, key))
            vector_push(&gone, (struct service_content){service->cluster, service->name, service->digest});
    }
    map_deinit(&given);
    service_renames_pair(&gone, services, ret_renames);
    vector_deinit(&gone);
    drop_those_there(core, ret_renames);
}

/* --- and how -------------------------------------------------------------------------------------------- */

/* Nothing of it is there: what waits for it is planned again, and waits for what has its name then. */
static void make_way(struct core *core, const char *cluster, const char *name)
{
    struct service_state *there = core_service_state(core, cluster, name, false);
    if (!there)
        return;
    core_book(core, there);
    core_forget_service(core, there);
}

static void move(struct core *core, struct service_state *service, const char *name)
{
    core_vacate(core, service); /* bookings have the key */
    map_take(&core->services, service->key);
    free(service->name);
    free(service->key);
    service->name = memory_strdup(name);
    service->key = service_key(service->cluster, name);
    map_put(&core->services, service->key, service);
    core->unsorted = true;
    for (size_t i = 0; i < service->under_way.len; i++) {
        free(service->under_way.items[i]->service);
        service->under_way.items[i]->service = memory_strdup(name);
    }
    core_book(core, service);
}

static void move_ledger(struct core *core, struct service_state *service, const char *former)
{
    struct service_ledger *before =
        service->ledger ? service_ledger_copy(service->ledger) : service_ledger_new(service->cluster, former);
    struct service_ledger *after = service_ledger_renamed(before, service->name);
    service_ledger_free(before);
    core_forget_adopted(core, service);
    core_set_ledger(service, NULL); /* what COMPLETED has the name as well */
    core_set_ledger(service, after);
    struct string_vec adopted CLEANUP(string_vec_deinit) = find_adopted(core, service);
    set_adopted(core, service, &adopted);
}

static int count_tasks(const struct service_state *service)
{
    struct map tasks = {0};
    for (size_t i = 0; i < service->containers.len; i++)
        if (service->containers.items[i]->status != CONTAINER_STOPPED)
            map_put(&tasks, service->containers.items[i]->labels.task, (void *)1);
    int count = (int)tasks.len;
    map_deinit(&tasks);
    return count;
}

static void tell(struct core *core, struct service_state *service, const struct desired *next)
{
    char commit[COMMIT_SHORT_SIZE];
    commit_short(next->commit.oid, commit);
    int tasks = count_tasks(service);
    char *message CLEANUP_FREE =
        memory_printf("(service %s) commit %s renamed it from %s: %d task%s on.", service->name, commit,
                      service->ledger->renamed_from, tasks, tasks == 1 ? " goes" : "s go");
    core_add_event(core, service, message);
}

static void rename_service(struct core *core, const struct service_rename *rename, const struct desired *next,
                           struct effect_vec *effects)
{
    struct service_state *service = state_of(core, rename->cluster, rename->from);
    assert(service); /* it was desired, or the ledger has it */
    char *former CLEANUP_FREE = memory_strdup(rename->from);
    char *former_key CLEANUP_FREE = memory_strdup(service->key);
    make_way(core, rename->cluster, rename->to);
    move(core, service, rename->to);
    move_ledger(core, service, former);
    if (service->desired) {
        struct service *renamed = service_renamed(service->desired, service->name);
        service_unref(service->desired);
        service->desired = renamed;
    }
    bool suspended = core_share_suspension(core, service, former, effects);
    char *message CLEANUP_FREE = memory_printf("%s: renamed from %s", service->key, former);
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(service->ledger), message);
    effects->items[effects->len - 1].change.former = TAKE(former_key);
    if (suspended)
        core_end_suspension(core, service->cluster, former, effects);
    tell(core, service, next);
    core_mark(core, service);
    core_mark_followers(core, service);
    core_mark_awaiting_room(core); /* constraints ask for tasks by the name of their service */
}

void core_rename_services(struct core *core, const struct core_source *source, const struct desired *next,
                          struct effect_vec *effects)
{
    assert(core);
    assert(next);
    assert(effects);
    struct service_rename_vec renames = {0};
    core_find_renames(core, source, next, &renames);
    for (size_t i = 0; i < renames.len; i++)
        rename_service(core, &renames.items[i], next, effects);
    vector_deinit(&renames);
}
