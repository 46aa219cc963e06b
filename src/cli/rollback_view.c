#include "base/memory.h"
#include "base/text.h"
#include "cli/offline.h"
#include "cli/rollback.h"
#include "manifest/manifest.h"
#include "model/json.h"
#include "source/roots.h"

#include <string.h>

void rollback_view_deinit(struct rollback_view *view)
{
    desired_unref(view->desired);
    free(view->fault);
    string_vec_deinit(&view->own);
    string_vec_deinit(&view->shared);
    memset(view, 0, sizeof *view);
}

/* --- reading -------------------------------------------------------------------------------------------- */

struct reading {
    const struct rollback *rollback;
    struct manifest_places places;
};

static void on_manifest(void *data, struct manifest *manifest)
{
    struct reading *reading = data;
    manifest_service_places(manifest, reading->rollback->cluster, reading->rollback->service,
                            &reading->places);
}

/* From paths as manifests have them to paths of the repository. */
static void move_paths(struct string_vec *from, const char *directory, struct string_vec *to)
{
    for (size_t i = 0; i < from->len; i++) {
        char *path = source_root_path(directory, from->items[i]);
        if (path)
            vector_push(to, path);
    }
    string_vec_deinit(from);
}

static char *first_error(const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->list.len; i++)
        if (diagnostics->list.items[i].severity == SEVERITY_ERROR)
            return diagnostic_to_text(&diagnostics->list.items[i]);
    return memory_strdup("its manifests are not valid");
}

int rollback_read(const struct rollback *rollback, const char *oid, struct rollback_view *ret_view)
{
    struct reading reading = {.rollback = rollback};
    char *directory CLEANUP_FREE = NULL;
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct error err = ERROR_INIT;
    struct offline_query query = {.repository = rollback->repository,
                                  .revision = oid,
                                  .sub_path = rollback->path,
                                  .command = "rollback",
                                  .any_cluster = true,
                                  .on_manifest = on_manifest,
                                  .data = &reading,
                                  .ret_directory = &directory};
    int r = offline_read(&query, &ret_view->desired, &diagnostics, &err);
    if (r < 0 && !diagnostics.errors)
        return cli_fail(rollback->cli, "commit %.12s: %s", oid, error_text(&err));
    snprintf(ret_view->oid, sizeof ret_view->oid, "%s", oid);
    if (r < 0)
        ret_view->fault = first_error(&diagnostics);
    else
        ret_view->service = desired_service(ret_view->desired, rollback->cluster, rollback->service);
    move_paths(&reading.places.own, directory, &ret_view->own);
    move_paths(&reading.places.shared, directory, &ret_view->shared);
    return CLI_OK;
}

/* --- comparing ------------------------------------------------------------------------------------------ */

static void add(struct string_vec *names, const char *kind, char *name)
{
    vector_push(names, memory_printf("%s %s", kind, name));
    free(name);
}

static bool is_same_service(const struct service *a, const struct service *b)
{
    return a && b && digest_equal(&a->digest, &b->digest) && json_equal(a->json, b->json);
}

/* What `from` has and `to` has not, or with another content. Of what differs on both sides only one is told.
 */
static void compare_services(const struct rollback *rollback, const struct desired *from,
                             const struct desired *to, bool absent_only, struct string_vec *names)
{
    for (size_t i = 0; i < from->services.len; i++) {
        const struct service *one = from->services.items[i];
        const struct service *other = desired_service(to, one->cluster, one->name);
        bool is_ours =
            text_equal(one->cluster, rollback->cluster) && text_equal(one->name, rollback->service);
        if (!is_ours && (absent_only ? !other : !is_same_service(one, other)))
            add(names, "service", service_key(one->cluster, one->name));
    }
}

static void compare_clusters(const struct desired *from, const struct desired *to, bool absent_only,
                             struct string_vec *names)
{
    for (size_t i = 0; i < from->clusters.len; i++) {
        const struct cluster *one = from->clusters.items[i];
        const struct cluster *other = desired_cluster(to, one->name);
        if (absent_only ? !other : !other || !json_equal(one->json, other->json))
            add(names, "cluster", memory_strdup(one->name));
    }
}

static const struct scheduled_task *find_schedule(const struct desired *desired, const char *name)
{
    for (size_t i = 0; i < desired->scheduled_tasks.len; i++)
        if (text_equal(desired->scheduled_tasks.items[i]->name, name))
            return desired->scheduled_tasks.items[i];
    return NULL;
}

/* "web" of "web" and of an ARN; what names a revision by its number stays what it is. */
static bool names_family(const struct scheduled_run *run, const char *family)
{
    const char *text = model_string(run->request, "taskDefinition");
    const char *slash = text ? strrchr(text, '/') : NULL;
    return text_equal(slash ? slash + 1 : text, family);
}

/* Whether it would start another content of a task definition. */
static bool starts_another(const struct scheduled_task *task, const struct desired *from,
                           const struct desired *to)
{
    for (size_t i = 0; i < from->task_definitions.len; i++) {
        const struct task_definition *one = from->task_definitions.items[i];
        const struct task_definition *other = desired_task_definition(to, one->family);
        bool is_same = other && digest_equal(&one->digest, &other->digest);
        for (size_t j = 0; !is_same && j < task->runs.len; j++)
            if (names_family(&task->runs.items[j], one->family))
                return true;
    }
    return false;
}

static void compare_schedules(const struct desired *from, const struct desired *to, bool absent_only,
                              struct string_vec *names)
{
    for (size_t i = 0; i < from->scheduled_tasks.len; i++) {
        const struct scheduled_task *one = from->scheduled_tasks.items[i];
        const struct scheduled_task *other = find_schedule(to, one->name);
        bool is_same = other && json_equal(one->json, other->json) && !starts_another(one, from, to);
        if (absent_only ? !other : !is_same)
            add(names, "scheduled task", memory_strdup(one->name));
    }
}

static bool is_of(const struct service *service, const char *family)
{
    bool is = service && service->task_definition && text_equal(service->task_definition->family, family);
    for (size_t i = 0; service && i < service->pre_deploy_definitions.len; i++)
        is |= text_equal(service->pre_deploy_definitions.items[i]->family, family);
    return is;
}

/* Those of no service too: scheduled tasks and run-task start them. */
static void compare_definitions(const struct rollback_view *from, const struct rollback_view *to,
                                bool absent_only, struct string_vec *names)
{
    for (size_t i = 0; i < from->desired->task_definitions.len; i++) {
        const struct task_definition *one = from->desired->task_definitions.items[i];
        const struct task_definition *other = desired_task_definition(to->desired, one->family);
        if (is_of(from->service, one->family) || is_of(to->service, one->family))
            continue;
        if (absent_only ? !other : !other || !digest_equal(&one->digest, &other->digest))
            add(names, "task definition", memory_strdup(one->family));
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void rollback_others(const struct rollback *rollback, const struct rollback_view *before,
                     const struct rollback_view *after, struct string_vec *ret_names)
{
    for (int back = 0; back < 2; back++) {
        const struct rollback_view *from = back ? after : before;
        const struct rollback_view *to = back ? before : after;
        compare_services(rollback, from->desired, to->desired, back, ret_names);
        compare_clusters(from->desired, to->desired, back, ret_names);
        compare_schedules(from->desired, to->desired, back, ret_names);
        compare_definitions(from, to, back, ret_names);
    }
    vector_sort(ret_names, by_text);
}
