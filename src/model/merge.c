#include "model/merge.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <string.h>

/* --- what a source may define --------------------------------------------------------------------------- */

void allowance_deinit(struct allowance *allowance)
{
    assert(allowance);
    string_vec_deinit(&allowance->clusters);
    string_vec_deinit(&allowance->services);
    string_vec_deinit(&allowance->task_definitions);
}

static void copy_strings(const struct string_vec *from, struct string_vec *ret_copy)
{
    for (size_t i = 0; i < from->len; i++)
        vector_push(ret_copy, memory_strdup(from->items[i]));
}

void allowance_copy(const struct allowance *allowance, struct allowance *ret_copy)
{
    assert(allowance);
    assert(ret_copy);
    *ret_copy = (struct allowance){0};
    copy_strings(&allowance->clusters, &ret_copy->clusters);
    copy_strings(&allowance->services, &ret_copy->services);
    copy_strings(&allowance->task_definitions, &ret_copy->task_definitions);
}

json_t *allowance_to_json(const struct allowance *allowance)
{
    assert(allowance);
    return json_pack("{s:o,s:o,s:o}", "clusters", model_strings_to_json(&allowance->clusters), "services",
                     model_strings_to_json(&allowance->services), "taskDefinitions",
                     model_strings_to_json(&allowance->task_definitions));
}

void allowance_from_json(const json_t *json, struct allowance *ret_allowance)
{
    assert(ret_allowance);
    *ret_allowance = (struct allowance){0};
    model_strings_from_json(json_object_get(json, "clusters"), &ret_allowance->clusters);
    model_strings_from_json(json_object_get(json, "services"), &ret_allowance->services);
    model_strings_from_json(json_object_get(json, "taskDefinitions"), &ret_allowance->task_definitions);
}

/* A "*" that fails gives way to the last one before it: linear memory, and no recursion. */
static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL;
    const char *from = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            from = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool is_allowed(const struct string_vec *patterns, const char *name)
{
    for (size_t i = 0; i < patterns->len; i++)
        if (matches(patterns->items[i], name))
            return true;
    return patterns->len == 0;
}

/* Where an object stands; a snapshot does not know. */
struct place {
    const char *file;
    struct position at;
};

static struct place place_of(const struct origin *origin)
{
    return (struct place){origin->file ? origin->file : "", origin->at};
}

static struct place place_of_task(const struct scheduled_task *task)
{
    return (struct place){task->file ? task->file : "", task->at};
}

static void refuse(struct diagnostics *diagnostics, struct place place, const char *what, const char *name)
{
    diagnostics_error(
        diagnostics, place.file, place.at, "not-allowed",
        "%s %s is outside of what this source may define (allow, in the configuration of davit)", what, name);
}

/* Unless it says nothing, "default" is anybody's: as in ECS it is there from the first use. */
static bool says_nothing(const struct cluster *cluster)
{
    return text_equal(cluster->name, "default") && json_object_size(cluster->json) <= 1;
}

static void check_task(const struct allowance *allowance, const struct scheduled_task *task,
                       struct diagnostics *diagnostics)
{
    if (!is_allowed(&allowance->services, task->name))
        refuse(diagnostics, place_of_task(task), "scheduled task", task->name);
    for (size_t i = 0; i < task->runs.len; i++)
        if (!is_allowed(&allowance->clusters, task->runs.items[i].cluster))
            refuse(diagnostics, place_of_task(task), "a scheduled task in cluster",
                   task->runs.items[i].cluster);
}

void allowance_check(const struct allowance *allowance, const struct desired *desired,
                     struct diagnostics *diagnostics)
{
    assert(allowance);
    assert(desired);
    assert(diagnostics);
    for (size_t i = 0; i < desired->clusters.len; i++) {
        const struct cluster *cluster = desired->clusters.items[i];
        bool allowed = is_allowed(&allowance->clusters, cluster->name) && allowance->services.len == 0;
        if (!allowed && !says_nothing(cluster))
            refuse(diagnostics, place_of(&cluster->origin), "cluster", cluster->name);
    }
    for (size_t i = 0; i < desired->task_definitions.len; i++) {
        const struct task_definition *definition = desired->task_definitions.items[i];
        if (!is_allowed(&allowance->task_definitions, definition->family))
            refuse(diagnostics, place_of(&definition->origin), "task definition", definition->family);
    }
    for (size_t i = 0; i < desired->services.len; i++) {
        const struct service *service = desired->services.items[i];
        char *key CLEANUP_FREE = service_key(service->cluster, service->name);
        if (!is_allowed(&allowance->clusters, service->cluster) ||
            !is_allowed(&allowance->services, service->name))
            refuse(diagnostics, place_of(&service->origin), "service", key);
    }
    for (size_t i = 0; i < desired->scheduled_tasks.len; i++)
        check_task(allowance, desired->scheduled_tasks.items[i], diagnostics);
}

/* --- two sources ---------------------------------------------------------------------------------------- */

/* " (web.yaml:3:1 there)", or nothing where it is not known. Caller frees. */
static char *there(struct place place)
{
    if (!place.file[0])
        return memory_strdup("");
    return memory_printf(" (%s:%d:%d there)", place.file, place.at.line, place.at.column);
}

struct clash {
    const char *what;
    const char *name;
    struct place here;
    struct place there;
};

static void tell_clash(struct diagnostics *diagnostics, const char *source, const struct clash *clash)
{
    char *elsewhere CLEANUP_FREE = there(clash->there);
    diagnostics_error(diagnostics, clash->here.file, clash->here.at, "conflict",
                      "%s %s is defined in source %s already%s: one of the two has to leave it out",
                      clash->what, clash->name, source, elsewhere);
}

static void check_clusters(const struct desired *next, const struct desired_part *other,
                           struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < next->clusters.len; i++) {
        const struct cluster *mine = next->clusters.items[i];
        const struct cluster *theirs = desired_cluster(other->desired, mine->name);
        if (theirs && !says_nothing(mine) && !says_nothing(theirs))
            tell_clash(
                diagnostics, other->source,
                &(struct clash){"cluster", mine->name, place_of(&mine->origin), place_of(&theirs->origin)});
    }
}

static const struct scheduled_task *find_task(const struct desired *desired, const char *name)
{
    for (size_t i = 0; i < desired->scheduled_tasks.len; i++)
        if (text_equal(desired->scheduled_tasks.items[i]->name, name))
            return desired->scheduled_tasks.items[i];
    return NULL;
}

void desired_check_conflicts(const struct desired *next, const struct desired_part *other,
                             struct diagnostics *diagnostics)
{
    assert(next);
    assert(other && other->desired && other->source);
    assert(diagnostics);
    check_clusters(next, other, diagnostics);
    for (size_t i = 0; i < next->task_definitions.len; i++) {
        const struct task_definition *mine = next->task_definitions.items[i];
        const struct task_definition *theirs = desired_task_definition(other->desired, mine->family);
        if (theirs)
            tell_clash(diagnostics, other->source,
                       &(struct clash){"task definition", mine->family, place_of(&mine->origin),
                                       place_of(&theirs->origin)});
    }
    for (size_t i = 0; i < next->services.len; i++) {
        const struct service *mine = next->services.items[i];
        const struct service *theirs = desired_service(other->desired, mine->cluster, mine->name);
        char *key CLEANUP_FREE = theirs ? service_key(mine->cluster, mine->name) : NULL;
        if (theirs)
            tell_clash(diagnostics, other->source,
                       &(struct clash){"service", key, place_of(&mine->origin), place_of(&theirs->origin)});
    }
    for (size_t i = 0; i < next->scheduled_tasks.len; i++) {
        const struct scheduled_task *mine = next->scheduled_tasks.items[i];
        const struct scheduled_task *theirs = find_task(other->desired, mine->name);
        if (theirs)
            tell_clash(
                diagnostics, other->source,
                &(struct clash){"scheduled task", mine->name, place_of_task(mine), place_of_task(theirs)});
    }
}

/* --- the sum -------------------------------------------------------------------------------------------- */

/* Few: each is looked for in what there is. */
static void add_clusters(const struct desired *part, struct desired *sum)
{
    for (size_t i = 0; i < part->clusters.len; i++) {
        struct cluster *cluster = part->clusters.items[i];
        size_t at = 0;
        while (at < sum->clusters.len && !text_equal(sum->clusters.items[at]->name, cluster->name))
            at++;
        if (at == sum->clusters.len) {
            vector_push(&sum->clusters, cluster_ref(cluster));
        } else if (says_nothing(sum->clusters.items[at])) {
            cluster_unref(sum->clusters.items[at]);
            sum->clusters.items[at] = cluster_ref(cluster);
        }
    }
}

struct desired *desired_merge(const struct desired_part_vec *parts, const struct commit *commit)
{
    assert(parts && parts->len);
    assert(commit);
    if (parts->len == 1)
        return desired_ref((struct desired *)(uintptr_t)parts->items[0].desired);
    struct desired *sum = desired_new();
    commit_copy(commit, &sum->commit);
    for (size_t p = 0; p < parts->len; p++) {
        const struct desired *part = parts->items[p].desired;
        add_clusters(part, sum);
        for (size_t i = 0; i < part->task_definitions.len; i++)
            vector_push(&sum->task_definitions, task_definition_ref(part->task_definitions.items[i]));
        for (size_t i = 0; i < part->services.len; i++)
            vector_push(&sum->services, service_ref(part->services.items[i]));
        for (size_t i = 0; i < part->scheduled_tasks.len; i++)
            vector_push(&sum->scheduled_tasks, scheduled_task_ref(part->scheduled_tasks.items[i]));
    }
    desired_seal(sum);
    return sum;
}
