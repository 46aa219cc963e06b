/* The whole state as JSON and back, so that a recording can begin anywhere. */
#include "base/text.h"
#include "core/state.h"
#include "model/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- out ------------------------------------------------------------------------------------------------ */

#define PART_ITEMS 100

/* Items of one list on their way into a part. */
struct parts {
    core_part_fn *take;
    void *data;
    const char *suffix; /* of keys: whose the items are */
    const char *key;    /* of the list */
    json_t *list;
    int status;
};

/* Takes over json. */
static void part_out(struct parts *parts, json_t *json)
{
    if (parts->status == 0)
        parts->status = parts->take(parts->data, json);
    json_decref(json);
}

static void flush(struct parts *parts)
{
    char *key CLEANUP_FREE = memory_printf("%s%s", parts->list ? parts->key : "", parts->suffix);
    if (parts->list)
        part_out(parts, json_pack("{s:o}", key, TAKE(parts->list)));
}

static void item_out(struct parts *parts, const char *key, json_t *item)
{
    if (parts->list && (!text_equal(parts->key, key) || json_array_size(parts->list) == PART_ITEMS))
        flush(parts);
    if (!parts->list)
        parts->list = json_array();
    parts->key = key;
    json_array_append_new(parts->list, item);
}

static json_t *instances_out(const struct core *core)
{
    json_t *list = json_array();
    for (size_t i = 0; i < core->instances_len; i++) {
        const struct instance_state *instance = &core->instances[i];
        json_t *json = json_pack("{s:s,s:b,s:b,s:b,s:o}", "name", instance->name, "answered",
                                 instance->answered, "connected", instance->connected, "listed",
                                 instance->listed, "info", instance_info_to_json(&instance->info));
        model_set_string(json, "message", instance->message);
        model_set_int(json, "lost", instance->lost_ms);
        json_array_append_new(list, json);
    }
    return list;
}

static void containers_out(const struct core *core, struct parts *parts)
{
    for (size_t i = 0; i < core->instances_len; i++) {
        map_for_each (&core->instances[i].containers, entry) {
            item_out(
                parts, "containers",
                json_pack("{s:I,s:o}", "on", (json_int_t)i, "container", container_to_json(entry->value)));
        }
    }
}

static void file_out(void *data, const struct event_file *file)
{
    item_out(data, "files", event_file_to_json(file));
}

/* With its own definition: the files may be those of a later commit that was refused. */
static json_t *desired_service_out(const struct core *core, const struct service *service)
{
    const struct service_state *state =
        core_service_state((struct core *)core, service->cluster, service->name, false);
    json_t *json = core_prepared_service_to_json(service);
    if (state && state->desired && !(state->delayed && state->delayed->known)) /* git may not own the count */
        model_set_int(json, "desiredCount", state->desired->desired_count);
    return json;
}

/* The families have most of them. */
static json_t *definition_out(const struct core_source *source, const struct task_definition *definition)
{
    const struct family_ledger *family = map_get(&source->families, definition->family);
    json_t *json = json_pack("{s:s,s:i}", "family", definition->family, "revision", definition->revision);
    if (!family || !family_ledger_revision(family, definition->revision))
        json_object_set(json, "json", definition->json);
    return json;
}

static void desired_out(const struct core *core, const struct core_source *source, struct parts *parts)
{
    const struct desired *desired = source->desired;
    for (size_t i = 0; desired && i < desired->clusters.len; i++)
        item_out(parts, "clusters", json_incref(desired->clusters.items[i]->json));
    for (size_t i = 0; desired && i < desired->services.len; i++) {
        item_out(parts, "desired", desired_service_out(core, desired->services.items[i]));
    }
    for (size_t i = 0; desired && i < desired->scheduled_tasks.len; i++)
        item_out(parts, "scheduledTasks", json_incref(desired->scheduled_tasks.items[i]->json));
    for (size_t i = 0; desired && i < desired->task_definitions.len; i++)
        item_out(parts, "definitions", definition_out(source, desired->task_definitions.items[i]));
}

static json_t *failures_out(const struct plan_failure_vec *failures)
{
    json_t *list = json_array();
    for (size_t i = 0; i < failures->len; i++) {
        json_t *item = json_pack("{s:s,s:s,s:s}", "task", failures->items[i].task, "container",
                                 failures->items[i].container, "reason", failures->items[i].reason);
        model_set_string(item, "instance", failures->items[i].instance);
        model_set_digest(item, "digest", &failures->items[i].digest);
        model_set_bool(item, "ofImage", failures->items[i].of_image);
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *flights_out(const struct core *core)
{
    json_t *list = json_array();
    map_for_each (&core->flights, entry) {
        const struct flight *flight = entry->value;
        json_array_append_new(list, json_pack("{s:o,s:I,s:b,s:I}", "action", action_to_json(flight->action),
                                              "since", (json_int_t)flight->since_ms, "unknown",
                                              flight->unknown, "hold", (json_int_t)flight->hold_ms));
    }
    return list;
}

static json_t *troubles_out(const struct map *troubles)
{
    json_t *list = json_array();
    map_for_each (troubles, entry) {
        const struct trouble *trouble = entry->value;
        json_array_append_new(list,
                              json_pack("{s:s,s:i,s:I,s:s}", "key", entry->key, "inRow", trouble->in_row,
                                        "until", (json_int_t)trouble->until_ms, "message", trouble->message));
    }
    return list;
}

static json_t *state_out(const struct service_state *service)
{
    json_t *json =
        json_pack("{s:s,s:s*,s:o,s:o,s:o,s:I,s:b,s:b}", "cluster", service->cluster, "name", service->name,
                  "memory", plan_memory_to_json(&service->memory), "failures",
                  failures_out(&service->failures), "troubles", troubles_out(&service->troubles), "wake",
                  (json_int_t)service->wake_ms, "dirty", service->dirty, "awaitsRoom", service->awaits_room);
    model_set_string(json, "waiting", service->waiting);
    model_set_bool(json, "adopts", service->adopts);
    model_set_string(json, "waitsFor", service->waits_for ? service->waits_for->key : NULL);
    if (service->kept.len)
        json_object_set_new(json, "kept", core_kept_out(service));
    if (service->ledger)
        json_object_set_new(json, "ledger", service_ledger_to_json(service->ledger));
    if (service->delayed)
        json_object_set_new(json, "delayed", core_delay_out(service));
    if (service->run)
        json_object_set_new(json, "run", run_to_json(service->run));
    return json;
}

static void services_out(const struct core *core, struct parts *parts)
{
    map_for_each (&core->services, entry) {
        item_out(parts, "services", state_out(entry->value));
    }
    map_for_each (&core->runs, entry) {
        item_out(parts, "services", state_out(entry->value));
    }
}

static json_t *needs_out(const struct manifest_needs *needs)
{
    json_t *roots = json_array();
    map_for_each (&needs->roots, slot)
        json_array_append_new(roots, json_string(slot->key));
    return json_pack("{s:o,s:b,s:b}", "roots", roots, "missing", needs->missing, "tooMany", needs->too_many);
}

static json_t *schedules_out(const struct core *core)
{
    json_t *states = json_object();
    map_for_each (&core->schedules, entry)
        json_object_set_new(states, entry->key, core_schedule_to_json(entry->value));
    return json_pack("{s:b,s:I,s:I,s:o}", "changed", core->schedules_changed, "looked",
                     (json_int_t)core->scheduled_ms, "next", (json_int_t)core->schedule_ms, "states", states);
}

/* What is of one source has its name behind the key, but for the default one's: most have no other. Caller
 * frees. */
static char *suffix_of(const char *name)
{
    return text_equal(name, CORE_SOURCE_DEFAULT) ? memory_strdup("") : memory_printf("@%s", name);
}

static json_t *clusters_out(const struct desired *desired)
{
    json_t *list = json_array();
    for (size_t i = 0; i < desired->clusters.len; i++)
        json_array_append(list, desired->clusters.items[i]->json);
    return list;
}

static void source_out(const struct core_source *source, json_t *json)
{
    model_set_string(json, "deployed", source->deployed[0] ? source->deployed : NULL);
    model_set_string(json, "numbered", source->numbered[0] ? source->numbered : NULL);
    json_object_set_new(json, "roots", model_strings_to_json(&source->roots));
    json_object_set_new(json, "generation", json_integer(source->generation));
    json_object_set_new(json, "needs", needs_out(&source->needs));
    model_set_int(json, "approvedDeletions", source->approved_deletions);
    model_set_int(json, "approvedNumbered", source->approved_numbered);
    model_set_bool(json, "asks", source->asks);
    model_set_string(json, "approved", source->approved[0] ? source->approved : NULL);
    json_object_set_new(json, "released", core_released_out(source));
    model_set_string(json, "held", source->held);
    model_set_bool(json, "refused", source->refused);
    model_set_bool(json, "gone", source->gone);
    model_set_bool(json, "removed", source->removed);
    if (source->held || source->refused)
        json_object_set_new(json, "head", commit_to_json(&source->head));
    if (source->desired)
        json_object_set_new(json, "desiredCommit", commit_to_json(&source->desired->commit));
    if (source->remembered)
        json_object_set_new(json, "remembered", clusters_out(source->remembered));
    json_object_set_new(json, "allow", allowance_to_json(&source->allowance));
}

/* Of the sum a step looks at the commit alone. */
static void sources_out(const struct core *core, json_t *json)
{
    json_t *list = json_array();
    for (size_t i = 0; i < core->sources.len; i++) {
        const struct core_source *source = core->sources.items[i];
        json_t *item = json_pack("{s:s}", "name", source->name);
        source_out(source, item);
        json_array_append_new(list, item);
    }
    json_object_set_new(json, "sources", list);
    if (core->desired)
        json_object_set_new(json, "commit", commit_to_json(&core->desired->commit));
}

/* Of clusters a step looks at nothing else. */
static json_t *head_out(const struct core *core)
{
    json_t *json =
        json_pack("{s:s,s:I,s:i,s:I,s:I,s:I,s:I,s:I,s:b}", "owner", core->owner, "stoppedRetentionMs",
                  (json_int_t)core->plan.stopped_retention_ms, "stoppedKept", core->plan.stopped_kept,
                  "patienceMs", (json_int_t)core->patience_ms, "firstMs", (json_int_t)core->first_ms, "nowMs",
                  (json_int_t)core->now_ms, "wakeMs", (json_int_t)core->wake_ms, "lastActionId",
                  (json_int_t)core->last_action_id, "dirty", core->dirty);
    json_object_set_new(json, "lostAfterMs", json_integer(core->plan.lost_after_ms));
    sources_out(core, json);
    json_object_set_new(json, "instances", instances_out(core));
    json_object_set_new(json, "flights", flights_out(core));
    model_set_bool(json, "once", core->once);
    model_set_int(json, "skewMs", core->skew_ms);
    model_set_int(json, "deletionServices", core->deletion.services);
    model_set_int(json, "deletionPercent", core->deletion.percent);
    json_object_set_new(json, "suspensions", core_suspensions_out(core));
    json_object_set_new(json, "schedules", schedules_out(core));
    return json;
}

int core_snapshot(const struct core *core, core_part_fn *take, void *data)
{
    assert(core);
    assert(take);
    struct parts parts = {.take = take, .data = data, .suffix = ""};
    part_out(&parts, head_out(core));
    services_out(core, &parts);
    map_for_each (&core->commits, entry) {
        item_out(&parts, "commits", commit_to_json(entry->value));
    }
    containers_out(core, &parts);
    flush(&parts);
    for (size_t i = 0; i < core->sources.len; i++) {
        const struct core_source *source = core->sources.items[i];
        char *suffix CLEANUP_FREE = suffix_of(source->name);
        parts.suffix = suffix;
        map_for_each (&source->families, entry)
            item_out(&parts, "families", family_ledger_to_json(entry->value));
        core_visit_files(source, file_out, &parts);
        desired_out(core, source, &parts);
        flush(&parts);
    }
    part_out(&parts, json_pack("{s:b}", "whole", 1));
    return parts.status;
}

void core_snapshot_join(json_t *snapshot, const json_t *part)
{
    assert(snapshot);
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)part, key, value) {
        json_t *list = json_object_get(snapshot, key);
        if (json_is_array(list) && json_is_array(value))
            json_array_extend(list, value);
        else
            json_object_set(snapshot, key, value);
    }
}

/* --- in ------------------------------------------------------------------------------------------------- */

static void instances_in(const json_t *list, struct core *core)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        if (i >= core->instances_len)
            break;
        struct instance_state *instance = &core->instances[i];
        instance->answered = model_bool(item, "answered");
        instance->connected = model_bool(item, "connected");
        instance->listed = model_bool(item, "listed");
        instance->lost_ms = model_int(item, "lost");
        free(instance->message);
        instance->message = memory_strdup(model_string(item, "message"));
        struct instance_info none = {0};
        instance_info_from_json(json_object_get(item, "info"), &instance->info);
        core_room_capacity(core, instance, &none);
    }
}

static int containers_in(const json_t *list, struct core *core, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        struct container *container = NULL;
        int64_t on = model_int(item, "on");
        if (on < 0 || (size_t)on >= core->instances_len)
            return error_set(err, ERROR_INVALID, "snapshot: container %zu is on no instance", i);
        int r = container_from_json(json_object_get(item, "container"), &container, err);
        if (r < 0)
            return r;
        core_put_container(core, &core->instances[on], container);
    }
    return 0;
}

static int files_in(const json_t *list, struct core_source *source)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        struct event_file file;
        if (event_file_from_json(item, &file) < 0)
            return ERROR_INVALID;
        core_restore_file(source, &file);
        free(file.path);
        free(file.content);
    }
    return 0;
}

static int desired_service_in(const json_t *json, struct desired *desired)
{
    struct service *service = core_service_of_json(json);
    if (!service)
        return ERROR_INVALID;
    vector_push(&desired->services, service);
    return 0;
}

/* The ledger's content is what it was numbered by: it is readable. */
static int definition_in(const json_t *json, const struct core_source *source, struct desired *desired)
{
    const char *name = model_string(json, "family");
    const struct family_ledger *family = name ? map_get(&source->families, name) : NULL;
    int number = model_int_in(json, "revision", 0, INT32_MAX);
    const struct revision *revision = family ? family_ledger_revision(family, number) : NULL;
    const json_t *content = revision ? revision->json : json_object_get(json, "json");
    struct task_definition *definition = NULL;
    if (!content || manifest_task_definition(content, number, &definition) < 0)
        return ERROR_INVALID;
    vector_push(&desired->task_definitions, definition);
    return 0;
}

static void schedules_in(struct core *core, const json_t *json)
{
    const char *name;
    json_t *entry;
    json_object_foreach (json_object_get(json, "states"), name, entry)
        core_load_schedule(core, name, entry);
    core->schedules_changed = model_bool(json, "changed");
    core->scheduled_ms = model_int(json, "looked");
    core->schedule_ms = model_int(json, "next");
}

static int cluster_in(const json_t *json, struct desired *desired)
{
    if (!model_string(json, "clusterName"))
        return ERROR_INVALID;
    struct cluster *cluster = NEW(struct cluster);
    *cluster = (struct cluster){.refs = 1,
                                .name = memory_strdup(model_string(json, "clusterName")),
                                .json = json_incref((json_t *)(uintptr_t)json)};
    cluster->suspend = model_bool(json_object_get(json, "davit"), "suspend");
    container_instances_from_json(json, &cluster->instances);
    capacity_items_from_json(json_object_get(json, "defaultCapacityProviderStrategy"), &cluster->capacity);
    change_windows_from_json(json, &cluster->windows);
    vector_push(&desired->clusters, cluster);
    return 0;
}

struct desired *core_clusters_in(const json_t *list)
{
    if (!json_is_array(list))
        return NULL;
    struct desired *desired = desired_new();
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item)
        cluster_in(item, desired); /* what is damaged is not known */
    desired_seal(desired);
    return desired;
}

/* A list of the snapshot that is the source's own. Borrowed. */
static const json_t *list_of(const json_t *snapshot, const char *key, const struct core_source *source)
{
    char *suffix CLEANUP_FREE = suffix_of(source->name);
    char *name CLEANUP_FREE = memory_printf("%s%s", key, suffix);
    return json_object_get(snapshot, name);
}

static int objects_in(const json_t *snapshot, const struct core_source *source, struct desired *desired)
{
    size_t i;
    json_t *item;
    json_array_foreach (list_of(snapshot, "clusters", source), i, item) {
        if (cluster_in(item, desired) < 0)
            return ERROR_INVALID;
    }
    json_array_foreach (list_of(snapshot, "desired", source), i, item) {
        if (desired_service_in(item, desired) < 0)
            return ERROR_INVALID;
    }
    json_array_foreach (list_of(snapshot, "definitions", source), i, item) {
        if (definition_in(item, source, desired) < 0)
            return ERROR_INVALID;
    }
    json_array_foreach (list_of(snapshot, "scheduledTasks", source), i, item) {
        struct scheduled_task *task = scheduled_task_new(item);
        if (!task)
            return ERROR_INVALID;
        vector_push(&desired->scheduled_tasks, task);
    }
    return 0;
}

static int desired_in(const json_t *snapshot, const json_t *json, struct core *core,
                      struct core_source *source)
{
    const json_t *commit = json_object_get(json, "desiredCommit");
    if (!commit)
        return 0;
    struct desired *desired CLEANUP(desired_unrefp) = desired_new();
    if (commit_from_json(commit, &desired->commit) < 0 || objects_in(snapshot, source, desired) < 0)
        return ERROR_INVALID;
    desired_seal(desired);
    for (size_t i = 0; i < desired->services.len; i++) {
        struct service *service = desired->services.items[i];
        struct service_state *state = core_service_state(core, service->cluster, service->name, true);
        state->desired = core_redeployed(state, service);
    }
    source->desired = TAKE(desired);
    return 0;
}

/* The sum, with the commit that it had. */
static int sum_in(const json_t *snapshot, struct core *core)
{
    const json_t *json = json_object_get(snapshot, "commit");
    struct commit commit;
    if (!json)
        return 0;
    if (commit_from_json(json, &commit) < 0)
        return ERROR_INVALID;
    core->desired = core_source_merge(core, NULL, NULL, &commit);
    commit_deinit(&commit);
    return 0;
}

static void failures_in(const json_t *list, struct service_state *service)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        struct plan_failure failure = {.instance = memory_strdup(model_string(item, "instance")),
                                       .container = memory_strdup(model_string(item, "container")),
                                       .reason = memory_strdup(model_string(item, "reason")),
                                       .digest = model_digest(item, "digest"),
                                       .of_image = model_bool(item, "ofImage")};
        model_string_into(item, "task", failure.task, sizeof failure.task);
        vector_push(&service->failures, failure);
    }
}

static void troubles_in(const json_t *list, struct service_state *service)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        const char *key = model_string(item, "key");
        struct trouble *trouble = NEW(struct trouble);
        *trouble = (struct trouble){.in_row = model_int_in(item, "inRow", 0, INT32_MAX),
                                    .until_ms = model_int(item, "until"),
                                    .message = memory_strdup(model_string(item, "message"))};
        map_put(&service->troubles, key ? key : "", trouble);
    }
}

/* First of all: the order of services is part of the state. */
static int services_in(const json_t *list, struct core *core, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        const json_t *entry = json_object_get(item, "run");
        struct run *run = entry ? core_run_of_json(entry) : NULL;
        if (!model_string(item, "cluster") || !(run || model_string(item, "name")))
            return error_set(err, ERROR_INVALID, "snapshot: service %zu has no name", i);
        struct service_state *service =
            run ? core_put_run(core, run)
                : core_service_state(core, model_string(item, "cluster"), model_string(item, "name"), true);
        plan_memory_from_json(json_object_get(item, "memory"), &service->memory);
        failures_in(json_object_get(item, "failures"), service);
        troubles_in(json_object_get(item, "troubles"), service);
        service->waiting = memory_strdup(model_string(item, "waiting"));
        service->adopts = model_bool(item, "adopts");
        const json_t *ledger = json_object_get(item, "ledger");
        if (ledger) {
            struct service_ledger *own = NULL;
            int r = service_ledger_from_json(ledger, &own, err);
            core_set_ledger(service, own);
            if (r < 0)
                return r;
            core_index_adopted(core, service);
        }
    }
    return 0;
}

static struct service_state *state_of(struct core *core, const json_t *item)
{
    const char *cluster = model_string(item, "cluster");
    const json_t *run = json_object_get(item, "run");
    return run ? core_run_state(core, cluster, model_string(run, "id"))
               : core_service_state(core, cluster, model_string(item, "name"), true);
}

/* Last: putting containers has marked services. */
static void marks_in(const json_t *list, struct core *core)
{
    size_t i;
    json_t *item;
    map_for_each (&core->services, entry) {
        struct service_state *service = entry->value;
        service->dirty = false;
    }
    map_for_each (&core->runs, entry) {
        struct service_state *run = entry->value;
        run->dirty = false;
    }
    core->marked.len = 0;
    json_array_foreach (list, i, item) {
        struct service_state *service = state_of(core, item);
        if (model_bool(item, "dirty"))
            core_mark(core, service);
        if (json_object_get(item, "delayed"))
            core_delay_in(core, service, json_object_get(item, "delayed"));
        core_wake_at(core, service, model_int(item, "wake"));
        core_await_room(core, service, model_bool(item, "awaitsRoom"));
        core_wait_for(core, service, model_string(item, "waitsFor"));
        core_book(core, service);
        core_kept_in(core, service, json_object_get(item, "kept"));
    }
}

static int flights_in(const json_t *list, struct core *core, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        struct action *action = NULL;
        int r = action_from_json(json_object_get(item, "action"), &action, err);
        if (r < 0)
            return r;
        struct service_state *service = action->service
                                            ? core_service_state(core, action->cluster, action->service, true)
                                            : core_run_state(core, action->cluster, action->task);
        if (!service) {
            action_free(action);
            return error_set(err, ERROR_INVALID, "snapshot: action %zu is of no task that it knows", i);
        }
        struct flight *flight = NEW(struct flight);
        char key[24];
        *flight = (struct flight){.action = action,
                                  .service = service,
                                  .since_ms = model_int(item, "since"),
                                  .unknown = model_bool(item, "unknown"),
                                  .hold_ms = model_int(item, "hold")};
        snprintf(key, sizeof key, "%" PRIu64, action->id);
        map_put(&core->flights, key, flight);
        service->held_len += flight->hold_ms != 0;
        vector_push(&service->under_way, action);
    }
    return 0;
}

static int families_in(const json_t *list, struct core_source *source, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        struct family_ledger *family = NULL;
        int r = family_ledger_from_json(item, &family, err);
        if (r < 0)
            return r;
        map_put(&source->families, family->family, family);
    }
    return 0;
}

static void commits_in(const json_t *list, struct core *core)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        struct commit commit = {0};
        if (commit_from_json(item, &commit) == 0)
            core_remember_commit(core, core_source_of_event(core, NULL), &commit);
        commit_deinit(&commit);
    }
}

static struct core *core_of(const json_t *json)
{
    const json_t *instances = json_object_get(json, "instances");
    size_t len = json_array_size(instances);
    const char **names = memory_calloc(len, sizeof *names);
    for (size_t i = 0; i < len; i++) {
        names[i] = model_string(json_array_get(instances, i), "name");
        if (!names[i])
            names[i] = "";
    }
    const char *first = model_string(json_array_get(json_object_get(json, "sources"), 0), "name");
    const struct core_source_options source = {.name = first ? first : CORE_SOURCE_DEFAULT};
    const struct core_options options = {.owner = model_string(json, "owner"),
                                         .sources = &source,
                                         .sources_len = 1,
                                         .instances = names,
                                         .instances_len = len,
                                         .stopped_retention_ms = model_int(json, "stoppedRetentionMs"),
                                         .stopped_kept = model_int_in(json, "stoppedKept", 0, INT32_MAX),
                                         .deletion = {model_int_in(json, "deletionServices", 0, INT32_MAX),
                                                      model_int_in(json, "deletionPercent", 0, 100)},
                                         .lost_after_ms = model_int(json, "lostAfterMs"),
                                         .once = model_bool(json, "once"),
                                         .patience_ms = model_int(json, "patienceMs")};
    struct core *core = core_new(&options);
    free(names);
    core->first_ms = model_int(json, "firstMs");
    core->now_ms = model_int(json, "nowMs");
    core->skew_ms = model_int(json, "skewMs");
    core->last_action_id = (uint64_t)model_int(json, "lastActionId");
    return core;
}

static void needs_in(const json_t *json, struct manifest_needs *needs)
{
    size_t i;
    json_t *root;
    json_array_foreach (json_object_get(json, "roots"), i, root)
        if (json_is_string(root))
            map_put(&needs->roots, json_string_value(root), needs);
    needs->missing = model_bool(json, "missing");
    needs->too_many = model_bool(json, "tooMany");
}

static int source_in(const json_t *json, struct core_source *source)
{
    allowance_deinit(&source->allowance);
    allowance_from_json(json_object_get(json, "allow"), &source->allowance);
    model_string_into(json, "deployed", source->deployed, sizeof source->deployed);
    model_string_into(json, "numbered", source->numbered, sizeof source->numbered);
    model_strings_from_json(json_object_get(json, "roots"), &source->roots);
    source->generation = model_int(json, "generation");
    needs_in(json_object_get(json, "needs"), &source->needs);
    source->approved_deletions = model_int_in(json, "approvedDeletions", 0, INT32_MAX);
    source->approved_numbered = model_int_in(json, "approvedNumbered", 0, INT32_MAX);
    source->asks = model_bool(json, "asks");
    model_string_into(json, "approved", source->approved, sizeof source->approved);
    core_released_in(source, json_object_get(json, "released"));
    source->held = memory_strdup(model_string(json, "held"));
    source->refused = model_bool(json, "refused");
    source->gone = model_bool(json, "gone");
    source->removed = model_bool(json, "removed");
    source->remembered = core_clusters_in(json_object_get(json, "remembered"));
    const json_t *head = json_object_get(json, "head");
    return head ? commit_from_json(head, &source->head) : 0;
}

static int sources_in(const json_t *snapshot, struct core *core, struct error *err)
{
    size_t i;
    json_t *item;
    if (!json_array_size(json_object_get(snapshot, "sources")))
        return error_set(err, ERROR_INVALID, "snapshot: no sources, it is of another version of davit");
    json_array_foreach (json_object_get(snapshot, "sources"), i, item) {
        const char *name = model_string(item, "name");
        if (name && i == core->sources.len)
            vector_push(&core->sources, core_source_new(name));
        if (!name || i >= core->sources.len || source_in(item, core->sources.items[i]) < 0)
            return error_set(err, ERROR_INVALID, "snapshot: source %zu is not readable", i);
        int r =
            families_in(list_of(snapshot, "families", core->sources.items[i]), core->sources.items[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int manifests_in(const json_t *snapshot, struct core *core, struct error *err)
{
    size_t i;
    json_t *item;
    int r = 0;
    json_array_foreach (json_object_get(snapshot, "sources"), i, item) {
        struct core_source *source = core->sources.items[i];
        if (r == 0)
            r = files_in(list_of(snapshot, "files", source), source);
        if (r == 0)
            r = desired_in(snapshot, item, core, source);
    }
    if (r == 0)
        r = sum_in(snapshot, core);
    return r < 0 ? error_set(err, ERROR_INVALID, "snapshot: its files or services are not readable") : 0;
}

int core_restore(const json_t *snapshot, struct core **ret_core, struct error *err)
{
    assert(ret_core);
    if (!model_string(snapshot, "owner"))
        return error_set(err, ERROR_INVALID, "not a snapshot: no owner");
    struct core *core CLEANUP(core_freep) = core_of(snapshot);
    const json_t *services = json_object_get(snapshot, "services");
    int r = services_in(services, core, err);
    if (r == 0)
        r = sources_in(snapshot, core, err);
    commits_in(json_object_get(snapshot, "commits"), core);
    instances_in(json_object_get(snapshot, "instances"), core);
    if (r == 0)
        r = containers_in(json_object_get(snapshot, "containers"), core, err);
    if (r == 0)
        r = flights_in(json_object_get(snapshot, "flights"), core, err);
    if (r == 0)
        r = manifests_in(snapshot, core, err);
    if (r < 0)
        return r;
    core_suspensions_in(core, json_object_get(snapshot, "suspensions"));
    schedules_in(core, json_object_get(snapshot, "schedules"));
    marks_in(services, core);
    core->dirty = model_bool(snapshot, "dirty");
    core->wake_ms = model_int(snapshot, "wakeMs");
    *ret_core = TAKE(core);
    return 0;
}
