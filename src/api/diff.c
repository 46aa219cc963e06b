/* What a commit asks for against what runs. */
#include "model/diff.h"
#include "api/operation.h"
#include "base/text.h"
#include "model/json.h"

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

static void append(json_t *list, json_t *difference)
{
    if (difference)
        json_array_append_new(list, difference);
}

int api_get_diff(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const struct desired *desired = core_desired(api->core);
    if (!desired)
        return api_fault_unavailable(fault, "no commit has been accepted yet");
    int r = api_check_target(api, input, fault);
    if (r < 0)
        return r;
    json_t *list = json_array();
    struct view_service view;
    for (size_t at = 0; api_next_service(api, input, &at, &view);) {
        struct diff_side from;
        struct diff_side to = view.desired ? diff_side_of(view.desired) : (struct diff_side){0};
        bool runs = running_side(api, &view, &from);
        if (view.left)
            continue;
        append(list, diff_service(view.cluster, view.name, runs ? &from : NULL, view.desired ? &to : NULL));
    }
    *ret_output = api_list("differences", list);
    json_object_set_new(*ret_output, "commit", commit_to_json(&desired->commit));
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

static int check_given(const json_t *services, struct api_fault *fault)
{
    size_t i;
    json_t *item;
    if (!json_is_array(services))
        return api_fault_invalid(fault, "expected {\"services\": [...]}");
    json_array_foreach ((json_t *)services, i, item) {
        if (!model_string(item, "cluster") || !model_string(item, "name") || !model_string(item, "digest"))
            return api_fault_invalid(fault, "service %zu has no cluster, name or digest", i);
    }
    return 0;
}

/* Services that run and are not given would be removed. */
static void append_removed(const struct api *api, const struct map *given, json_t *list)
{
    struct view_service view;
    struct diff_side from;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++) {
        char *key CLEANUP_FREE = service_key(view.cluster, view.name);
        bool stays = view.left || (view.desired && view.desired->prune_disabled);
        if (!stays && !map_get(given, key) && running_side(api, &view, &from))
            append(list, diff_service(view.cluster, view.name, &from, NULL));
    }
}

/* {"services": [{"cluster", "name", "digest", "desiredCount", "countAbsent", "family", "revision",
 * "taskDefinition", "davit"}]}: any other commit, which the client has read for itself. */
int api_post_diff(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const json_t *services = json_object_get(input, "services");
    int r = check_given(services, fault);
    if (r < 0)
        return r;
    struct map given CLEANUP(map_deinit) = MAP_INIT(NULL);
    json_t *list = json_array();
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)services, i, item) {
        const char *cluster = model_string(item, "cluster");
        const char *name = model_string(item, "name");
        char *key CLEANUP_FREE = service_key(cluster, name);
        struct view_service view;
        struct diff_side from;
        struct diff_side to = given_side(item);
        bool runs = core_view_service(api->core, cluster, name, &view) && running_side(api, &view, &from);
        map_put(&given, key, item);
        append(list, diff_service(cluster, name, runs ? &from : NULL, &to));
    }
    append_removed(api, &given, list);
    *ret_output = api_list("differences", list);
    return 0;
}
