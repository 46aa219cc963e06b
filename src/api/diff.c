/* What a commit asks for against what runs. */
#include "model/diff.h"
#include "api/operation.h"
#include "base/text.h"
#include "model/change_window.h"
#include "model/json.h"

#include <string.h>

/* What runs is what the newest deployment brought. False: nothing does. */
static bool running_side(const struct api *api, const struct view_service *view, struct diff_side *ret_side)
{
    const struct deployment *primary = view->ledger ? service_ledger_primary(view->ledger) : NULL;
    if (!primary)
        return false;
    const struct family_ledger *family = primary->family ? core_family(api->core, primary->family) : NULL;
    const struct revision *revision = family ? family_ledger_revision(family, primary->revision) : NULL;
    *ret_side = (struct diff_side){.digest = primary->digest,
                                   .desired_count = primary->desired_count,
                                   .family = primary->family,
                                   .revision = primary->revision,
                                   .count_absent = view->desired && view->desired->count_absent,
                                   .task_definition = revision ? revision->json : NULL,
                                   .service = view->desired ? view->desired->json : NULL};
    return true;
}

/* The newest deployment has what is asked for, and has not got there: its content is not all that runs. */
static bool is_under_way(const struct view_service *view)
{
    const struct deployment *primary = view->ledger ? service_ledger_primary(view->ledger) : NULL;
    return primary && view->desired && !view->delayed && primary->state != DEPLOYMENT_COMPLETED &&
           digest_equal(&primary->digest, &view->desired->digest);
}

static int count_new(const struct api *api, const struct view_service *view)
{
    struct task_vec tasks CLEANUP(task_vec_deinit);
    int count = 0;
    core_view_tasks(api->core, view->cluster, view->name, api->now_ms(api->data), &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        count += tasks.items[i].status == TASK_RUNNING &&
                 digest_equal(&tasks.items[i].digest, service_task_digest(view->desired));
    return count;
}

static void add_rollout(struct api *api, const struct view_service *view, json_t **difference)
{
    const struct deployment *primary = service_ledger_primary(view->ledger);
    const struct diff_rollout rollout = {.deployment = primary->id,
                                         .failed = primary->state == DEPLOYMENT_FAILED,
                                         .new_tasks = count_new(api, view),
                                         .wanted_tasks = view->desired->desired_count};
    diff_add_rollout(difference, view->cluster, view->name, &rollout);
}

/* The content of that digest is not deployed, whichever commit has it. */
static void add_hold(const struct view_service *view, const struct digest *digest, json_t *difference)
{
    const struct known_bad *bad = view->ledger ? service_ledger_known_bad(view->ledger, digest) : NULL;
    if (bad && bad->held)
        diff_add_hold(difference, bad->at_ms);
}

/* What waits for its window is not what is gone on with until then. */
static json_t *difference_of(struct api *api, const struct view_service *view)
{
    const struct service *next = view->delayed ? view->delayed_next : view->desired;
    struct diff_side from;
    struct diff_side to = next ? diff_side_of(next) : (struct diff_side){0};
    bool runs = running_side(api, view, &from);
    json_t *difference = diff_service(view->cluster, view->name, runs ? &from : NULL, next ? &to : NULL);
    if (view->delayed)
        diff_add_wait(difference, strstr(view->delayed_text, "for "), view->delayed_opens_ms / 1000);
    if (is_under_way(view))
        add_rollout(api, view, &difference);
    if (next)
        add_hold(view, &next->digest, difference);
    return difference;
}

static void append(json_t *list, json_t *difference)
{
    if (difference)
        json_array_append_new(list, difference);
}

/* What is compared is the last good commit: whoever asks has to be told of a newer one. */
static void add_refusal(json_t *answer, const struct view_source *source)
{
    bool refused = source->diagnostics->errors > 0;
    json_object_set_new(answer, "refused", json_boolean(refused));
    if (!refused)
        return;
    json_object_set_new(answer, "head", commit_to_json(source->head));
    json_object_set_new(answer, "diagnostics", diagnostics_to_json(source->diagnostics));
}

/* The first that has a commit which is not compared, else the first. */
static void view_worst_source(const struct api *api, struct view_source *ret_view)
{
    core_view_source(api->core, ret_view);
    for (size_t i = 1; i < core_sources_len(api->core); i++) {
        struct view_source view;
        core_view_source_at(api->core, i, &view);
        if (!ret_view->held && !ret_view->diagnostics->errors && (view.held || view.diagnostics->errors))
            *ret_view = view;
    }
}

int api_get_diff(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const struct desired *desired = core_desired(api->core);
    struct view_source source;
    view_worst_source(api, &source);
    if (!desired && source.diagnostics->errors)
        return api_fault_unavailable(fault,
                                     "commit %.12s is refused, and there is no good one before it; davit "
                                     "status says why",
                                     source.head->oid);
    if (!desired)
        return api_fault_unavailable(fault, "no commit has been accepted yet; davit status says why");
    int r = api_check_target(api, input, fault);
    if (r < 0)
        return r;
    json_t *list = json_array();
    struct view_service view;
    for (size_t at = 0; api_next_service(api, input, &at, &view);) {
        if (!view.left)
            append(list, difference_of(api, &view));
    }
    *ret_output = api_list("differences", list);
    json_object_set_new(*ret_output, "commit", commit_to_json(&desired->commit));
    model_set_string(*ret_output, "held", source.held);
    add_refusal(*ret_output, &source);
    return 0;
}

static struct diff_side given_side(const json_t *json)
{
    return (struct diff_side){.digest = model_digest(json, "digest"),
                              .desired_count = model_int_in(json, "desiredCount", 0, LIMIT_DESIRED_COUNT),
                              .count_absent = model_bool(json, "countAbsent"),
                              .family = model_string(json, "family"),
                              .revision = model_int_in(json, "revision", 0, INT32_MAX),
                              .task_definition = json_object_get(json, "taskDefinition"),
                              .service = json_object_get(json, "davit") ? json : NULL};
}

static int check_list(const json_t *input, const char *member, const char *needed, struct api_fault *fault)
{
    size_t i;
    json_t *item;
    const json_t *list = json_object_get(input, member);
    json_array_foreach ((json_t *)list, i, item) {
        if (!model_string(item, needed))
            return api_fault_invalid(fault, "%s: element %zu has no %s", member, i, needed);
    }
    return 0;
}

static int check_given(const json_t *input, struct api_fault *fault)
{
    size_t i;
    json_t *item;
    const json_t *services = json_object_get(input, "services");
    if (!json_is_array(services))
        return api_fault_invalid(fault, "expected {\"services\": [...]}");
    json_array_foreach ((json_t *)services, i, item) {
        if (!model_string(item, "cluster") || !model_string(item, "name") || !model_string(item, "digest"))
            return api_fault_invalid(fault, "service %zu has no cluster, name or digest", i);
    }
    int r = check_list(input, "clusters", "clusterName", fault);
    return r < 0 ? r : check_list(input, "scheduledTasks", "name", fault);
}

static const json_t *named(const json_t *list, const char *member, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item) {
        if (text_equal(model_string(item, member), name))
            return item;
    }
    return NULL;
}

/* Any other commit, which the client has read for itself. */
struct commit_given {
    const json_t *input;
    const char *source;                /* that it is, or would be, of */
    struct service_rename_vec renames; /* to the names that it has */
};

/* --- its windows ---------------------------------------------------------------------------------------- */

/* A change waits for all windows that hold now and all that it brings. */
static void add_window(struct api *api, const struct view_service *view, const json_t *input,
                       const json_t *given, json_t *difference)
{
    const struct desired *desired = core_desired(api->core);
    const char *name = model_string(difference, "cluster");
    const struct cluster *cluster = desired && name ? desired_cluster(desired, name) : NULL;
    const json_t *given_cluster = named(json_object_get(input, "clusters"), "clusterName", name);
    struct change_window_vec of_service = {0};
    struct change_window_vec of_cluster = {0};
    struct change_gate gate = {0};
    change_windows_from_json(given, &of_service);
    change_windows_from_json(given_cluster, &of_cluster);
    change_gate_add(&gate, view && view->desired ? &view->desired->windows : NULL);
    change_gate_add(&gate, cluster ? &cluster->windows : NULL);
    change_gate_add(&gate, &of_cluster);
    change_gate_add(&gate, &of_service);
    diff_add_window(difference, &gate, (api->now_ms(api->data) + core_skew_ms(api->core)) / 1000);
    vector_deinit(&of_service);
    vector_deinit(&of_cluster);
}

/* Of the services that are given, those that would only have another name. Caller deinits the vector. */
static void find_renames(const struct api *api, const char *source, const json_t *input,
                         struct service_rename_vec *ret_renames)
{
    struct service_content_vec services = {0};
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(input, "services"), i, item)
        vector_push(&services,
                    (struct service_content){model_string(item, "cluster"), model_string(item, "name"),
                                             model_digest(item, "digest")});
    core_would_rename(api->core, source, &services, ret_renames);
    vector_deinit(&services);
}

/* Services that run and are not given would be removed. */
static void append_removed(struct api *api, const struct map *given, const struct commit_given *commit,
                           json_t *list)
{
    struct view_service view;
    struct diff_side from;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++) {
        char *key CLEANUP_FREE = service_key(view.cluster, view.name);
        bool stays = view.left || !text_equal(view.source, commit->source) ||
                     (view.desired && view.desired->prune_disabled);
        if (stays || map_get(given, key) || !running_side(api, &view, &from) ||
            service_rename_from(&commit->renames, view.cluster, view.name))
            continue;
        json_t *difference = diff_service(view.cluster, view.name, &from, NULL);
        add_window(api, &view, commit->input, NULL, difference);
        append(list, difference);
    }
}

static void append_services(struct api *api, const struct commit_given *commit, json_t *list)
{
    struct map given CLEANUP(map_deinit) = MAP_INIT(NULL);
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(commit->input, "services"), i, item) {
        const char *cluster = model_string(item, "cluster");
        const char *name = model_string(item, "name");
        char *key CLEANUP_FREE = service_key(cluster, name);
        struct view_service view;
        struct diff_side from;
        struct diff_side to = given_side(item);
        const struct service_rename *rename = service_rename_to(&commit->renames, cluster, name);
        bool known = core_view_service(api->core, cluster, rename ? rename->from : name, &view);
        struct digest by;
        bool runs = known && running_side(api, &view, &from);
        if (runs && service_ledger_forces(view.ledger, &to.digest, &by)) /* no commit knows of that */
            to.digest = digest_combine(&to.digest, &by);
        json_t *difference = diff_service(cluster, name, runs ? &from : NULL, &to);
        if (rename && runs)
            diff_add_rename(&difference, rename);
        if (known)
            add_hold(&view, &to.digest, difference);
        map_put(&given, key, item);
        add_window(api, known ? &view : NULL, commit->input, item, difference);
        append(list, difference);
    }
    append_removed(api, &given, commit, list);
}

/* --- clusters and scheduled tasks ----------------------------------------------------------------------- */

/* Clients that do not give any are not asked about them. */
static void append_clusters(const struct desired *desired, const json_t *clusters, json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)clusters, i, item) {
        const char *name = model_string(item, "clusterName");
        const struct cluster *cluster = desired ? desired_cluster(desired, name) : NULL;
        append(list, diff_cluster(name, cluster ? cluster->json : NULL, item));
    }
    for (i = 0; desired && clusters && i < desired->clusters.len; i++) {
        const struct cluster *cluster = desired->clusters.items[i];
        if (!named(clusters, "clusterName", cluster->name))
            append(list, diff_cluster(cluster->name, cluster->json, NULL));
    }
}

static const struct scheduled_task *scheduled_task_named(const struct desired *desired, const char *name)
{
    for (size_t i = 0; desired && i < desired->scheduled_tasks.len; i++)
        if (text_equal(desired->scheduled_tasks.items[i]->name, name))
            return desired->scheduled_tasks.items[i];
    return NULL;
}

/* {"name", "manifest", "definitions": [{"family", "revision", "digest", "taskDefinition"}]}: those that it
 * starts as the repository has them. */
static json_t *schedule_difference(const struct desired *desired, const json_t *given)
{
    const char *name = model_string(given, "name");
    const struct scheduled_task *before = scheduled_task_named(desired, name);
    const json_t *manifest = json_object_get(given, "manifest");
    size_t i;
    json_t *item;
    json_t *difference =
        before || manifest ? diff_scheduled_task(name, before ? before->json : NULL, manifest) : NULL;
    json_array_foreach (before ? json_object_get(given, "definitions") : NULL, i, item) {
        const char *family = model_string(item, "family");
        const struct task_definition *now = family ? desired_task_definition(desired, family) : NULL;
        struct diff_side to = given_side(item);
        if (now)
            diff_scheduled_definition(&difference, name,
                                      &(struct diff_side){.digest = now->digest,
                                                          .family = now->family,
                                                          .revision = now->revision,
                                                          .task_definition = now->json},
                                      &to);
    }
    return difference;
}

static void append_schedules(const struct desired *desired, const json_t *given, json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)given, i, item)
        append(list, schedule_difference(desired, item));
    for (i = 0; desired && given && i < desired->scheduled_tasks.len; i++) {
        const struct scheduled_task *task = desired->scheduled_tasks.items[i];
        if (!named(given, "name", task->name))
            append(list, diff_scheduled_task(task->name, task->json, NULL));
    }
}

/* --- the deletion budget -------------------------------------------------------------------------------- */

/* Against what is wanted now, which need not have been deployed yet. Caller frees; NULL: nothing is held. */
static char *held_by_budget(const struct api *api, const struct commit_given *commit)
{
    const json_t *input = commit->input;
    const struct desired *desired = core_source_desired(api->core, commit->source);
    const json_t *schedules = json_object_get(input, "scheduledTasks");
    struct map given CLEANUP(map_deinit) = MAP_INIT(NULL);
    struct core_removals removals CLEANUP(core_removals_deinit);
    size_t i;
    json_t *item;
    core_removals_init(&removals);
    json_array_foreach (json_object_get(input, "services"), i, item) {
        char *key CLEANUP_FREE = service_key(model_string(item, "cluster"), model_string(item, "name"));
        map_put(&given, key, item);
    }
    for (i = 0; desired && i < desired->services.len; i++) {
        const struct service *service = desired->services.items[i];
        char *key CLEANUP_FREE = service_key(service->cluster, service->name);
        bool stays = service->prune_disabled || map_get(&given, key) ||
                     service_rename_from(&commit->renames, service->cluster, service->name);
        core_removal_add(&removals.services, stays ? NULL : key);
    }
    for (i = 0; desired && schedules && i < desired->scheduled_tasks.len; i++) {
        const char *name = desired->scheduled_tasks.items[i]->name;
        core_removal_add(&removals.scheduled, named(schedules, "name", name) ? NULL : name);
    }
    return core_would_hold(api->core, commit->source, &removals,
                           model_int_in(input, "approvedDeletions", 0, INT32_MAX));
}

/* {"services": [{"cluster", "name", "digest", "desiredCount", "countAbsent", "family", "revision",
 * "taskDefinition", "davit"}], "clusters": [as committed], "scheduledTasks": [see schedule_difference()],
 * "approvedDeletions", "source" (where there are several)}. */
int api_post_diff(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    struct commit_given commit = {.input = input};
    int r = check_given(input, fault);
    if (r == 0)
        r = api_check_source(api, input, &commit.source, fault);
    if (r < 0)
        return r;
    const struct desired *desired = core_source_desired(api->core, commit.source);
    find_renames(api, commit.source, input, &commit.renames);
    json_t *list = json_array();
    append_clusters(desired, json_object_get(input, "clusters"), list);
    append_services(api, &commit, list);
    append_schedules(desired, json_object_get(input, "scheduledTasks"), list);
    *ret_output = api_list("differences", list);
    api_set_owned(*ret_output, "held", held_by_budget(api, &commit));
    vector_deinit(&commit.renames);
    return 0;
}
