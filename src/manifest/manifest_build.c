#include "manifest/file_reference.h"
#include "manifest/manifest_state.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/prefetch.h"
#include "base/text.h"

#include <assert.h>
#include <string.h>

/* Beyond the bound they are only counted. */
static void append(struct diagnostics *all, const struct diagnostics *more, enum severity severity)
{
    if (all->list.len >= LIMIT_DIAGNOSTICS) {
        *(severity == SEVERITY_ERROR ? &all->errors : &all->warnings) +=
            severity == SEVERITY_ERROR ? more->errors : more->warnings;
        return;
    }
    for (size_t i = 0; i < more->list.len; i++) {
        if (more->list.items[i].severity != severity)
            continue;
        struct diagnostics one = {.list = {&more->list.items[i], 1, 1},
                                  .errors = severity == SEVERITY_ERROR,
                                  .warnings = severity == SEVERITY_WARNING};
        diagnostics_append(all, &one);
    }
}

/* A YAML file that a container gets is not expected to be a manifest. */
static bool is_data(const struct manifest *manifest, const struct manifest_entry *entry)
{
    return entry->objects.len == 0 && map_get(&manifest->data, entry->path);
}

static void append_faults_of_files(const struct manifest *manifest, struct diagnostics *all)
{
    for (size_t i = 0; i < manifest->with_files.len; i++)
        append(all, &manifest->with_files.items[i]->files->faults, SEVERITY_ERROR);
}

/* Each file once, however many containers have it. */
static void append_lines_of_variables(const struct manifest *manifest, struct diagnostics *all)
{
    struct map told CLEANUP(map_deinit) = {0};
    for (size_t i = 0; i < manifest->with_files.len; i++) {
        const struct file_references *files = manifest->with_files.items[i]->files;
        for (size_t j = 0; j < files->list.len; j++) {
            const struct file_reference *reference = &files->list.items[j];
            const struct manifest_other *other =
                reference->use == FILE_ENVIRONMENT ? map_get(&manifest->others, reference->path) : NULL;
            if (!other || !other->lines.list.len || map_get(&told, other->path))
                continue;
            map_put(&told, other->path, manifest->with_files.items[i]);
            append(all, &other->lines, SEVERITY_WARNING);
        }
    }
}

static void append_files(const struct manifest *manifest, enum severity severity, struct diagnostics *all)
{
    map_for_each (&manifest->files, slot) {
        const struct manifest_entry *entry = slot->value;
        if (entry->diagnostics.errors + entry->diagnostics.warnings && !is_data(manifest, entry))
            append(all, &entry->diagnostics, severity);
    }
}

static void append_services(const struct manifest *manifest, enum severity severity, struct diagnostics *all)
{
    for (size_t i = 0; i < manifest->entangled.len; i++)
        append(all, &manifest->entangled.items[i]->together, severity);
}

static void report_none(struct diagnostics *all)
{
    struct diagnostic diagnostic = {
        .severity = SEVERITY_ERROR,
        .file = memory_strdup(""),
        .pointer = memory_strdup(""),
        .code = memory_strdup("no-manifests"),
        .message = memory_strdup("no manifest in this commit: an emptied path deletes nothing; to remove "
                                 "everything, keep a cluster or set desiredCount to 0"),
        .hint = memory_strdup("`davit init` makes a first one")};
    diagnostics_add(all, &diagnostic);
}

static void check_whole(const struct manifest *manifest, struct diagnostics *all)
{
    const struct position nowhere = {0};
    size_t objects = 0;
    for (size_t i = 0; i < KIND_COUNT; i++)
        objects += manifest->objects[i].len;
    if (objects == 0 && all->errors == 0)
        report_none(all);
    if (manifest->files.len > LIMIT_MANIFEST_FILES)
        diagnostics_error(all, "", nowhere, "limit", "%u manifest files, at most %d (LIMIT_MANIFEST_FILES)",
                          manifest->files.len, LIMIT_MANIFEST_FILES);
}

static bool is_scheduled_in_default(const struct manifest *manifest)
{
    const struct kind_object_vec *scheduled = &manifest->objects[KIND_SCHEDULED_TASK];
    for (size_t i = 0; i < scheduled->len; i++) {
        const struct scheduled_run_vec *runs = &scheduled->items[i]->scheduled_task->runs;
        for (size_t r = 0; r < runs->len; r++)
            if (text_equal(runs->items[r].cluster, "default"))
                return true;
    }
    return false;
}

static bool uses_default_cluster(const struct manifest *manifest)
{
    const struct kind_object_vec *clusters = &manifest->objects[KIND_CLUSTER];
    const struct kind_object_vec *services = &manifest->objects[KIND_SERVICE];
    size_t cluster = manifest_lower_bound(clusters, "default");
    size_t service = manifest_lower_bound(services, "default/");
    return !(cluster < clusters->len && text_equal(clusters->items[cluster]->key, "default")) &&
           ((service < services->len && text_starts_with(services->items[service]->key, "default/")) ||
            is_scheduled_in_default(manifest));
}

/* As ECS makes it: there from the first use. */
static struct cluster *default_cluster(struct manifest *manifest)
{
    if (!manifest->default_cluster) {
        struct cluster *cluster = NEW(struct cluster);
        cluster->refs = 1;
        cluster->name = memory_strdup("default");
        cluster->json = json_pack("{s:s}", "clusterName", "default");
        cluster->origin.file = memory_strdup("");
        manifest->default_cluster = cluster;
    }
    return cluster_ref(manifest->default_cluster);
}

#define RESERVE(vec, count)                                                                                  \
    do {                                                                                                     \
        (vec)->cap = (count);                                                                                \
        (vec)->items = memory_calloc((vec)->cap, sizeof *(vec)->items);                                      \
    } while (0)

static struct desired *assemble(struct manifest *manifest, const struct commit *commit)
{
    const struct kind_object_vec *clusters = &manifest->objects[KIND_CLUSTER];
    const struct kind_object_vec *definitions = &manifest->objects[KIND_TASK_DEFINITION];
    const struct kind_object_vec *services = &manifest->objects[KIND_SERVICE];
    struct desired *desired = desired_new();
    commit_copy(commit, &desired->commit);
    RESERVE(&desired->clusters, clusters->len + 1);
    RESERVE(&desired->task_definitions, definitions->len + 1);
    RESERVE(&desired->services, services->len + 1);
    const struct kind_object_vec *scheduled = &manifest->objects[KIND_SCHEDULED_TASK];
    for (size_t i = 0; i < scheduled->len; i++)
        vector_push(&desired->scheduled_tasks, scheduled_task_ref(scheduled->items[i]->scheduled_task));
    size_t default_at = uses_default_cluster(manifest) ? manifest_lower_bound(clusters, "default") : SIZE_MAX;
    for (size_t i = 0; i <= clusters->len; i++) {
        if (i == default_at)
            vector_push(&desired->clusters, default_cluster(manifest));
        if (i < clusters->len)
            vector_push(&desired->clusters, cluster_ref(clusters->items[i]->cluster));
    }
    for (size_t i = 0; i < definitions->len; i++) {
        PREFETCH_MEMBER(definitions, i, task_definition);
        vector_push(&desired->task_definitions, task_definition_ref(definitions->items[i]->task_definition));
    }
    for (size_t i = 0; i < services->len; i++) {
        PREFETCH_MEMBER(services, i, service);
        vector_push(&desired->services, service_ref(services->items[i]->service));
    }
    return desired; /* the objects have its order: there is nothing to seal */
}

int manifest_build(struct manifest *manifest, const struct commit *commit,
                   const struct manifest_numbering *numbering, struct desired **ret_desired,
                   struct diagnostics *diagnostics)
{
    assert(manifest);
    assert(commit);
    assert(ret_desired);
    assert(diagnostics);
    struct diagnostics all CLEANUP(diagnostics_deinit) = {0};
    manifest_number(manifest, commit, numbering);
    bool complete = !manifest->environment || environment_check(manifest, &all);
    if (manifest->with_errors)
        append_files(manifest, SEVERITY_ERROR, &all);
    append_faults_of_files(manifest, &all);
    manifest->unreadable += !complete;
    cross_check(manifest, numbering->families, &all);
    manifest->unreadable -= !complete;
    window_check(manifest, commit, &all);
    append_services(manifest, SEVERITY_ERROR, &all);
    check_whole(manifest, &all);
    if (manifest->with_warnings)
        append_files(manifest, SEVERITY_WARNING, &all);
    append_services(manifest, SEVERITY_WARNING, &all);
    append_lines_of_variables(manifest, &all);
    diagnostics_sort(&all);
    bool invalid = all.errors > 0;
    diagnostics_append(diagnostics, &all);
    if (invalid)
        return ERROR_INVALID;
    *ret_desired = assemble(manifest, commit);
    return 0;
}
