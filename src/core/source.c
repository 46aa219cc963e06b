/* Several sources; the table (M) is in core.h. */
#include "base/text.h"
#include "core/state.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct core_source *core_source_new(const char *name)
{
    assert(name);
    struct core_source *source = NEW(struct core_source);
    source->name = memory_strdup(name);
    source->manifest = manifest_new();
    source->families = MAP_INIT(family_ledger_free);
    source->message = memory_strdup("has not been read yet");
    return source;
}

void core_source_free(struct core_source *source)
{
    if (!source)
        return;
    free(source->name);
    allowance_deinit(&source->allowance);
    map_deinit(&source->families);
    manifest_free(source->manifest);
    desired_unref(source->desired);
    desired_unref(source->remembered);
    commit_deinit(&source->head);
    diagnostics_deinit(&source->diagnostics);
    free(source->held);
    map_deinit(&source->released);
    string_vec_deinit(&source->roots);
    manifest_needs_deinit(&source->needs);
    free(source->message);
    free(source->origin);
    free(source->branch);
    free(source);
}

struct core_source *core_source(const struct core *core, const char *name)
{
    assert(core);
    for (size_t i = 0; i < core->sources.len; i++)
        if (text_equal(core->sources.items[i]->name, name ? name : CORE_SOURCE_DEFAULT))
            return core->sources.items[i];
    return NULL;
}

struct core_source *core_source_of_event(const struct core *core, const char *name)
{
    assert(core);
    return name ? core_source(core, name) : core->sources.items[0];
}

bool core_source_is_default(const struct core_source *source)
{
    assert(source);
    return text_equal(source->name, CORE_SOURCE_DEFAULT);
}

/* As the ledger has it. */
static const char *name_of(const struct core_source *source)
{
    return core_source_is_default(source) ? NULL : source->name;
}

/* One that the configuration does not have is there as long as the ledger names it. */
static struct core_source *recall(struct core *core, const char *name)
{
    struct core_source *source = core_source(core, name);
    if (source)
        return source;
    source = core_source_new(name ? name : CORE_SOURCE_DEFAULT);
    source->gone = true;
    vector_push(&core->sources, source);
    return source;
}

/* --- whose it is ---------------------------------------------------------------------------------------- */

static struct core_source *definer(const struct core *core, const char *cluster, const char *name)
{
    for (size_t i = 0; i < core->sources.len; i++) {
        const struct desired *desired = core->sources.items[i]->desired;
        if (desired && desired_service(desired, cluster, name))
            return core->sources.items[i];
    }
    return NULL;
}

struct core_source *core_source_of_service(const struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    if (core->sources.len == 1)
        return core->sources.items[0];
    struct core_source *source = service->name ? definer(core, service->cluster, service->name) : NULL;
    if (source || !service->ledger)
        return source;
    return core_source(core, service->ledger->source);
}

static bool has_task(const struct desired *desired, const char *name)
{
    for (size_t i = 0; desired && i < desired->scheduled_tasks.len; i++)
        if (text_equal(desired->scheduled_tasks.items[i]->name, name))
            return true;
    return false;
}

struct core_source *core_source_of_schedule(const struct core *core, const char *name)
{
    assert(core);
    assert(name);
    const struct schedule_state *state = map_get(&core->schedules, name);
    if (core->sources.len == 1)
        return core->sources.items[0];
    for (size_t i = 0; i < core->sources.len; i++)
        if (has_task(core->sources.items[i]->desired, name))
            return core->sources.items[i];
    return state ? core_source(core, state->source) : NULL;
}

struct core_source *core_source_of_family(const struct core *core, const char *family)
{
    assert(core);
    assert(family);
    struct core_source *known = NULL;
    for (size_t i = 0; i < core->sources.len; i++) {
        struct core_source *source = core->sources.items[i];
        if (core->sources.len > 1 && source->desired && desired_task_definition(source->desired, family))
            return source;
        if (!known && map_get(&source->families, family))
            known = source;
    }
    return known;
}

const struct commit *core_commit_of(const struct core *core, const struct service_state *service)
{
    assert(core && core->desired);
    assert(service);
    const struct core_source *source = core_source_of_service(core, service);
    return source && source->desired ? &source->desired->commit : &core->desired->commit;
}

bool core_source_sign(const struct core *core, const struct service_state *service,
                      struct service_ledger *ledger)
{
    assert(core);
    assert(service);
    assert(ledger);
    const struct core_source *source = service->name ? definer(core, service->cluster, service->name) : NULL;
    if (!source || text_equal(name_of(source), ledger->source))
        return false;
    free(ledger->source);
    ledger->source = memory_strdup(name_of(source));
    return true;
}

/* --- what is not known yet: M2, M5, M6 ------------------------------------------------------------------ */

bool core_source_is_read(const struct core *core, const struct core_source *source)
{
    assert(core);
    if (source)
        return source->desired || source->removed;
    for (size_t i = 0; i < core->sources.len; i++)
        if (!core_source_is_read(core, core->sources.items[i]))
            return false;
    return true;
}

bool core_source_is_awaited(const struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    return !service->run && !service->desired && !service->delayed &&
           !(service->ledger && service->ledger->removed) &&
           !core_source_is_read(core, core_source_of_service(core, service));
}

char *core_source_unread(const struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    if (core->sources.len == 1 || !core->desired || service->run)
        return NULL;
    if (service->desired)
        return desired_cluster(core->desired, service->cluster)
                   ? NULL
                   : memory_printf("left alone: no source defines its cluster %s any more", service->cluster);
    if (!core_source_is_awaited(core, service))
        return NULL;
    const struct core_source *source = core_source_of_service(core, service);
    if (!source)
        return memory_strdup("left alone until every source has been read: it is not known whose it is");
    return memory_printf(source->gone ? "left alone: its source %s is not in the configuration any more"
                                      : "left alone until its source %s has been read",
                         source->name);
}

/* --- the sum -------------------------------------------------------------------------------------------- */

static void add_part(const struct core_source *source, const struct desired *desired,
                     struct desired_part_vec *parts)
{
    if (desired)
        vector_push(parts, (struct desired_part){source->name, desired});
}

/* What there is of all, with `next` for the source: those that are gone give way to all others. */
static void collect(const struct core *core, const struct core_source *source, const struct desired *next,
                    struct desired_part_vec *ret_parts)
{
    for (size_t i = 0; i < core->sources.len; i++) {
        const struct core_source *one = core->sources.items[i];
        const struct desired *known = one->desired ? one->desired : one->remembered;
        if (!one->removed)
            add_part(one, one == source ? next : known, ret_parts);
    }
}

struct desired *core_source_merge(const struct core *core, const struct core_source *source,
                                  struct desired *next, const struct commit *commit)
{
    assert(core);
    struct desired_part_vec parts = {0};
    collect(core, source, next, &parts);
    if (parts.len == 0) /* the last one that there was is gone and removed */
        return desired_new();
    struct desired *sum = desired_merge(&parts, commit);
    vector_deinit(&parts);
    return sum;
}

void core_source_share_clusters(const struct core *core, struct core_source *source)
{
    assert(core);
    assert(source);
    struct desired_part_vec parts = {0};
    static const struct commit none;
    static const struct desired nothing;
    if (core->sources.len == 1)
        return;
    collect(core, source, NULL, &parts);
    struct desired *sum = parts.len ? desired_merge(&parts, &none) : NULL;
    manifest_set_clusters(source->manifest, sum ? &sum->clusters : &nothing.clusters);
    desired_unref(sum);
    vector_deinit(&parts);
}

/* --- M1, M3 --------------------------------------------------------------------------------------------- */

static void tell_known(struct diagnostics *diagnostics, const struct origin *origin, const char *what,
                       const struct core_source *other)
{
    diagnostics_error(diagnostics, origin->file ? origin->file : "", origin->at, "conflict",
                      "%s belongs to source %s, which has not been read since davit started: one of the two "
                      "has to leave it out",
                      what, other->name);
}

/* What the ledger has of a source that is not read yet, and the one that is judged does not have by now. */
static void check_remembered(const struct core *core, const struct core_source *source,
                             const struct core_source *other, const struct desired *next,
                             struct diagnostics *diagnostics)
{
    static const struct desired nothing;
    const struct desired *own = source->desired ? source->desired : &nothing;
    if (other->remembered)
        desired_check_conflicts(next, &(struct desired_part){other->name, other->remembered}, diagnostics);
    for (size_t i = 0; i < next->task_definitions.len; i++) {
        const struct task_definition *definition = next->task_definitions.items[i];
        char *what CLEANUP_FREE = memory_printf("task definition %s", definition->family);
        if (map_get(&other->families, definition->family) &&
            !desired_task_definition(own, definition->family))
            tell_known(diagnostics, &definition->origin, what, other);
    }
    for (size_t i = 0; i < next->services.len; i++) {
        const struct service *service = next->services.items[i];
        const struct service_state *state =
            core_service_state((struct core *)(uintptr_t)core, service->cluster, service->name, false);
        if (!state || !state->ledger || state->ledger->removed ||
            core_source(core, state->ledger->source) != other ||
            desired_service(own, service->cluster, service->name))
            continue;
        char *what CLEANUP_FREE = memory_printf("service %s", state->key);
        tell_known(diagnostics, &service->origin, what, other);
    }
    for (size_t i = 0; i < next->scheduled_tasks.len; i++) {
        const struct scheduled_task *task = next->scheduled_tasks.items[i];
        const struct schedule_state *state = map_get(&core->schedules, task->name);
        char *what CLEANUP_FREE = memory_printf("scheduled task %s", task->name);
        if (state && core_source(core, state->source) == other && !has_task(own, task->name))
            tell_known(diagnostics, &(struct origin){task->file, task->at}, what, other);
    }
}

void core_source_check(const struct core *core, const struct core_source *source, const struct desired *next,
                       struct diagnostics *diagnostics)
{
    assert(core);
    assert(source);
    assert(next);
    bool again =
        !source->desired && text_equal(next->commit.oid, source->deployed); /* an earlier life checked */
    allowance_check(&source->allowance, next, diagnostics);
    for (size_t i = 0; i < core->sources.len; i++) {
        const struct core_source *other = core->sources.items[i];
        if (other == source || other->gone)
            continue;
        if (other->desired)
            desired_check_conflicts(next, &(struct desired_part){other->name, other->desired}, diagnostics);
        else if (!again)
            check_remembered(core, source, other, next, diagnostics);
    }
    diagnostics_sort(diagnostics);
}

/* --- the ledger ----------------------------------------------------------------------------------------- */

json_t *core_released_out(const struct core_source *source)
{
    assert(source);
    json_t *list = json_array();
    map_for_each (&source->released, entry)
        json_array_append_new(list, json_string(entry->key));
    return list;
}

void core_released_in(struct core_source *source, const json_t *json)
{
    assert(source);
    size_t i;
    json_t *key;
    map_clear(&source->released);
    json_array_foreach ((json_t *)(uintptr_t)json, i, key)
        if (json_is_string(key))
            map_put(&source->released, json_string_value(key), source);
}

/* A later life begins with the roots that are of use now; and with the clusters, which others use: M2. */
json_t *core_source_to_json(const struct core *core, const struct core_source *source)
{
    assert(core);
    assert(source && source->desired);
    struct string_vec roots CLEANUP(string_vec_deinit) = {0};
    json_t *entry = json_pack("{s:o}", "deployed", commit_to_json(&source->desired->commit));
    manifest_wanted_roots(source->manifest, &roots);
    if (roots.len)
        json_object_set_new(entry, "roots", model_strings_to_json(&roots));
    if (source->released.len)
        json_object_set_new(entry, "released", core_released_out(source));
    if (core->sources.len == 1)
        return entry;
    json_t *clusters = json_array();
    for (size_t i = 0; i < source->desired->clusters.len; i++)
        json_array_append(clusters, source->desired->clusters.items[i]->json);
    json_object_set_new(entry, "clusters", clusters);
    return entry;
}

void core_source_load(struct core *core, const char *name, const json_t *entry)
{
    assert(core);
    struct core_source *source = recall(core, name);
    source->removed = source->gone && model_bool(entry, "removed");
    model_string_into(json_object_get(entry, "deployed"), "oid", source->deployed, sizeof source->deployed);
    memcpy(source->numbered, source->deployed, sizeof source->numbered);
    string_vec_deinit(&source->roots);
    model_strings_from_json(json_object_get(entry, "roots"), &source->roots);
    core_released_in(source, json_object_get(entry, "released"));
    desired_unref(source->remembered);
    source->remembered = core_clusters_in(json_object_get(entry, "clusters"));
}

void core_source_recall(struct core *core, const char *name)
{
    assert(core);
    recall(core, name);
}

/* --- views ---------------------------------------------------------------------------------------------- */

size_t core_sources_len(const struct core *core)
{
    assert(core);
    return core->sources.len;
}

void core_view_source_at(const struct core *core, size_t index, struct view_source *ret_view)
{
    assert(core);
    assert(index < core->sources.len);
    assert(ret_view);
    const struct core_source *source = core->sources.items[index];
    bool seen = source->head.oid[0] != '\0';
    *ret_view = (struct view_source){.name = source->name,
                                     .gone = source->gone,
                                     .deployed = source->deployed,
                                     .seen = seen,
                                     .ok = source->ok,
                                     .message = source->message,
                                     .origin = source->origin,
                                     .branch = source->branch,
                                     .head = seen ? &source->head : NULL,
                                     .wanted = source->desired ? &source->desired->commit : NULL,
                                     .diagnostics = &source->diagnostics,
                                     .held = source->held,
                                     .head_ms = source->head_ms};
}

void core_view_source(const struct core *core, struct view_source *ret_view)
{
    core_view_source_at(core, 0, ret_view);
}

int core_source_left(const struct core *core, const char *name)
{
    assert(core);
    const struct core_source *source = core_source(core, name);
    int left = 0;
    map_for_each (&core->services, entry) {
        const struct service_state *service = entry->value;
        const struct service_ledger *ledger = service->ledger;
        left += ledger && !service->desired && !service->delayed && !ledger->removed &&
                core_source_of_service(core, service) == source && !core_source_is_read(core, source);
    }
    return left;
}

const struct desired *core_source_desired(const struct core *core, const char *name)
{
    const struct core_source *source = core_source(core, name);
    return source ? source->desired : NULL;
}

const struct family_ledger *core_family(const struct core *core, const char *family)
{
    const struct core_source *source = core_source_of_family(core, family);
    return source ? map_get(&source->families, family) : NULL;
}

size_t core_families_len(const struct core *core)
{
    struct view_family_vec families;
    core_view_families(core, &families);
    size_t len = families.len;
    vector_deinit(&families);
    return len;
}

static int compare_families(const void *a, const void *b)
{
    return strcmp((*(const struct family_ledger *const *)a)->family,
                  (*(const struct family_ledger *const *)b)->family);
}

void core_view_families(const struct core *core, struct view_family_vec *ret_families)
{
    assert(core);
    assert(ret_families);
    memset(ret_families, 0, sizeof *ret_families);
    for (size_t i = 0; i < core->sources.len; i++) {
        map_for_each (&core->sources.items[i]->families, entry) {
            if (core->sources.len == 1 || core_family(core, entry->key) == entry->value)
                vector_push(ret_families, (const struct family_ledger *)entry->value);
        }
    }
    vector_sort(ret_families, compare_families);
}
