/* ECS's service deployments and service revisions (ECS 4.6), from the ledger's deployments. Each of these has
 * a service revision of its number. A rollback is no service deployment of its own: it is how the one that
 * failed ends. */
#include "api/operation.h"
#include "base/text.h"
#include "model/image.h"
#include "model/json.h"

#include <inttypes.h>
#include <string.h>

#define NUMBER(deployment) ((deployment)->id + strlen("ecs-svc/"))
#define MOST_ARNS          20
#define KEY_CHARS          19 /* INT64_MAX has so many digits */
#define KEY_FORMAT         "%019" PRId64

/* A deployment among those of its service, and the rollback that it ended in. */
struct found {
    struct view_service view;
    const struct deployment *deployment;
    const struct deployment *rollback; /* NULL: none */
    size_t index;
};

static char *deployment_arn(const struct api *api, const struct view_service *view,
                            const struct deployment *deployment)
{
    return api_arn(api, "service-deployment/%s/%s/%s", view->cluster, view->name, NUMBER(deployment));
}

static char *revision_arn(const struct api *api, const struct view_service *view,
                          const struct deployment *deployment)
{
    return api_arn(api, "service-revision/%s/%s/%s", view->cluster, view->name, NUMBER(deployment));
}

/* --- which there are ------------------------------------------------------------------------------------ */

/* Whether the one stands in for the other, the next older one. */
static bool rolls_back(const struct deployment *rollback, const struct deployment *failed)
{
    return !digest_is_zero(&rollback->rollback_of) && failed->state == DEPLOYMENT_FAILED &&
           digest_equal(&rollback->rollback_of, &failed->digest);
}

static struct found found_at(const struct view_service *view, size_t index)
{
    const struct deployment *all = view->ledger->deployments.items;
    bool rolled_back = index > 0 && rolls_back(&all[index - 1], &all[index]);
    return (struct found){*view, &all[index], rolled_back ? &all[index - 1] : NULL, index};
}

/* False: it is the rollback of an older one. */
static bool is_service_deployment(const struct view_service *view, size_t index)
{
    const struct deployment_vec *all = &view->ledger->deployments;
    return index + 1 == all->len || !rolls_back(&all->items[index], &all->items[index + 1]);
}

/* By an ARN "service-deployment/CLUSTER/SERVICE/NUMBER" or "service-revision/...". */
static bool find(const struct api *api, const char *arn, const char *kind, struct found *ret_found)
{
    char *of CLEANUP_FREE = NULL;
    const char *number = text_starts_with(arn, "arn:") ? api_name_of(arn, kind, &of) : NULL;
    char *slash = of ? strchr(of, '/') : NULL;
    struct view_service view;
    if (!number || !slash)
        return false;
    *slash = '\0';
    if (!core_view_service(api->core, of, slash + 1, &view) || !view.ledger)
        return false;
    bool revisions = text_equal(kind, "service-revision");
    for (size_t i = 0; i < view.ledger->deployments.len; i++) {
        if (!text_equal(NUMBER(&view.ledger->deployments.items[i]), number))
            continue;
        *ret_found = found_at(&view, i);
        return revisions || is_service_deployment(&view, i);
    }
    return false;
}

/* --- a service deployment ------------------------------------------------------------------------------- */

static const char *status_of(const struct found *found)
{
    static const char *const words[] = {[DEPLOYMENT_IN_PROGRESS] = "IN_PROGRESS",
                                        [DEPLOYMENT_COMPLETED] = "SUCCESSFUL",
                                        [DEPLOYMENT_FAILED] = "STOPPED",
                                        [DEPLOYMENT_SUPERSEDED] = "STOPPED"};
    static const char *const rollback_words[] = {[DEPLOYMENT_IN_PROGRESS] = "ROLLBACK_IN_PROGRESS",
                                                 [DEPLOYMENT_COMPLETED] = "ROLLBACK_SUCCESSFUL",
                                                 [DEPLOYMENT_FAILED] = "ROLLBACK_FAILED",
                                                 [DEPLOYMENT_SUPERSEDED] = "STOPPED"};
    return found->rollback ? rollback_words[found->rollback->state] : words[found->deployment->state];
}

/* What both the list and the description have. */
static json_t *brief(const struct api *api, const struct found *found)
{
    const struct deployment *deployment = found->deployment;
    const struct deployment *last = found->rollback ? found->rollback : deployment;
    json_t *json = json_pack("{s:s}", "status", status_of(found));
    api_set_owned(json, "serviceDeploymentArn", deployment_arn(api, &found->view, deployment));
    api_set_owned(json, "serviceArn", api_service_arn(api, found->view.cluster, found->view.name));
    api_set_owned(json, "clusterArn", api_cluster_arn(api, found->view.cluster));
    model_set_string(json, "statusReason", deployment->reason);
    api_set_time(json, "createdAt", deployment->created_ms);
    api_set_time(json, "startedAt", deployment->created_ms);
    api_set_time(json, "finishedAt", last->ended_ms);
    return json;
}

static json_t *summary(const struct api *api, const struct view_service *view,
                       const struct deployment *deployment, const struct task_vec *tasks)
{
    bool primary = deployment == service_ledger_primary(view->ledger);
    struct api_deployment_counts counts = api_count_deployment(tasks, deployment->id);
    json_t *json =
        json_pack("{s:i,s:i,s:i}", "requestedTaskCount",
                  primary && view->desired ? view->desired->desired_count : deployment->desired_count,
                  "runningTaskCount", counts.running, "pendingTaskCount", counts.pending);
    api_set_owned(json, "arn", revision_arn(api, view, deployment));
    return json;
}

/* What served when it began: the newest older one that COMPLETED. */
static json_t *sources(const struct api *api, const struct found *found, const struct task_vec *tasks)
{
    const struct deployment_vec *all = &found->view.ledger->deployments;
    json_t *list = json_array();
    for (size_t i = found->index + 1; i < all->len && json_array_size(list) == 0; i++)
        if (all->items[i].state == DEPLOYMENT_COMPLETED)
            json_array_append_new(list, summary(api, &found->view, &all->items[i], tasks));
    return list;
}

/* Of older ones nobody knows any more what the service said. */
static bool is_current(const struct found *found)
{
    return found->view.desired && found->index == (found->rollback ? 1 : 0);
}

/* A deployment that FAILED otherwise, by its preparation or because it is known bad, did not trigger it. */
static json_t *breaker(const struct found *found)
{
    const struct service *desired = found->view.desired;
    enum deployment_state state = found->deployment->state;
    const char *status =
        !desired->breaker.enable          ? "DISABLED"
        : state == DEPLOYMENT_IN_PROGRESS ? "MONITORING"
        : state == DEPLOYMENT_FAILED && text_starts_with(found->deployment->reason, DEPLOYMENT_BREAKER)
            ? "TRIGGERED"
            : "MONITORING_COMPLETE";
    return json_pack("{s:s,s:i,s:i}", "status", status, "failureCount", found->deployment->failed_tasks,
                     "threshold", plan_failure_threshold(&desired->breaker, desired->desired_count));
}

static json_t *describe(const struct api *api, const struct found *found)
{
    struct task_vec tasks CLEANUP(task_vec_deinit);
    core_view_tasks(api->core, found->view.cluster, found->view.name, api->now_ms(api->data), &tasks);
    json_t *json = brief(api, found);
    if (text_equal(model_string(json, "status"), "STOPPED"))
        api_set_time(json, "stoppedAt", found->deployment->ended_ms);
    api_set_time(json, "updatedAt",
                 found->rollback ? found->rollback->updated_ms : found->deployment->updated_ms);
    json_object_set_new(json, "sourceServiceRevisions", sources(api, found, &tasks));
    json_object_set_new(json, "targetServiceRevision", summary(api, &found->view, found->deployment, &tasks));
    if (found->rollback) {
        json_t *rollback = json_object();
        model_set_string(rollback, "reason", found->deployment->reason);
        api_set_time(rollback, "startedAt", found->rollback->created_ms);
        api_set_owned(rollback, "serviceRevisionArn", revision_arn(api, &found->view, found->rollback));
        json_object_set_new(json, "rollback", rollback);
    }
    if (is_current(found)) {
        api_set_configuration(found->view.desired, json);
        json_object_del(json, "healthCheckGracePeriodSeconds"); /* the service's */
        json_object_set_new(json, "deploymentCircuitBreaker", breaker(found));
    }
    return json;
}

/* --- a service revision --------------------------------------------------------------------------------- */

/* Of a deployment whose definition nobody knows any more, without the containers' names. */
static json_t *images(const struct api *api, const struct deployment *deployment)
{
    const struct family_ledger *family = core_family(api->core, deployment->family);
    const struct revision *revision = family ? family_ledger_revision(family, deployment->revision) : NULL;
    json_t *list = json_array();
    size_t c;
    json_t *container;
    json_array_foreach (json_object_get(revision ? revision->json : NULL, "containerDefinitions"), c,
                        container) {
        const char *image = model_string(container, "image");
        const struct deployment_image *known = image ? deployment_image(deployment, image) : NULL;
        const char *digest = known ? known->digest : image ? image_digest(image) : NULL;
        json_t *item = json_object();
        model_set_string(item, "containerName", model_string(container, "name"));
        model_set_string(item, "image", image);
        model_set_string(item, "imageDigest", digest);
        json_array_append_new(list, item);
    }
    for (size_t i = 0; !revision && i < deployment->images.len; i++) {
        json_t *item = json_object();
        model_set_string(item, "image", deployment->images.items[i].image);
        model_set_string(item, "imageDigest", deployment->images.items[i].digest);
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *describe_revision(const struct api *api, const struct found *found)
{
    const struct deployment *deployment = found->deployment;
    json_t *json = json_pack("{s:s}", "launchType", "EC2");
    api_set_owned(json, "serviceRevisionArn", revision_arn(api, &found->view, deployment));
    api_set_owned(json, "serviceArn", api_service_arn(api, found->view.cluster, found->view.name));
    api_set_owned(json, "clusterArn", api_cluster_arn(api, found->view.cluster));
    if (deployment->family)
        api_set_owned(json, "taskDefinition",
                      api_task_definition_arn(api, deployment->family, deployment->revision));
    if (is_current(found))
        api_set_capacity(api, &found->view, json);
    json_object_set_new(json, "containerImages", images(api, deployment));
    api_set_time(json, "createdAt", deployment->created_ms);
    return json;
}

/* --- operations ----------------------------------------------------------------------------------------- */

static bool has_status(const json_t *wanted, const char *status)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)wanted, i, item)
        if (text_equal(json_string_value(item), status))
            return true;
    return json_array_size(wanted) == 0;
}

static bool is_in_time(const json_t *range, int64_t created_ms)
{
    const json_t *after = json_object_get(range, "after");
    const json_t *before = json_object_get(range, "before");
    double seconds = (double)created_ms / 1000.0;
    return !(json_is_number(after) && seconds < json_number_value(after)) &&
           !(json_is_number(before) && seconds > json_number_value(before));
}

/* Newest first, by keys that sort like that, so that a page begins where the one before has ended though the
 * deployment between them is listed no more: before the ARN stands how long before the end of time it began.
 */
static json_t *keys_of(const struct api *api, const struct view_service *view, const json_t *input)
{
    json_t *keys = json_array();
    for (size_t i = 0; view->ledger && i < view->ledger->deployments.len; i++) {
        struct found found = found_at(view, i);
        if (!is_service_deployment(view, i) ||
            !has_status(json_object_get(input, "status"), status_of(&found)) ||
            !is_in_time(json_object_get(input, "createdAt"), found.deployment->created_ms))
            continue;
        char *arn CLEANUP_FREE = deployment_arn(api, view, found.deployment);
        char *key CLEANUP_FREE =
            memory_printf(KEY_FORMAT "%s", INT64_MAX - found.deployment->created_ms, arn);
        json_array_append_new(keys, json_string(key));
    }
    return keys;
}

int api_list_service_deployments(struct api *api, const json_t *input, json_t **ret_output,
                                 struct api_fault *fault)
{
    const char *given = model_string(input, "service");
    const char *cluster;
    char *of CLEANUP_FREE = NULL;
    struct view_service view;
    int r = api_input_cluster(api, input, &cluster, fault);
    if (r < 0)
        return r;
    const char *name = given ? api_name_of(given, "service", &of) : NULL;
    if (!name)
        return api_fault_invalid(fault, "service: expected the name or ARN of a service.");
    if (!core_view_service(api->core, cluster, name, &view) || (of && !text_equal(of, cluster)))
        return api_fault_not_found(fault, "ServiceNotFoundException", "Service not found.");
    r = api_page(&(struct api_page){"serviceDeployments", MOST_ARNS}, input, keys_of(api, &view, input),
                 ret_output, fault);
    json_t *list = r < 0 ? NULL : json_object_get(*ret_output, "serviceDeployments");
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct found found;
        if (!find(api, json_string_value(json_array_get(list, i)) + KEY_CHARS, "service-deployment", &found))
            continue; /* never: it was there a moment ago */
        json_t *json = brief(api, &found);
        api_set_owned(json, "targetServiceRevisionArn", revision_arn(api, &view, found.deployment));
        json_array_set_new(list, i, json);
    }
    return r;
}

struct description {
    const char *kind; /* of ARN */
    const char *input_key;
    const char *output_key;
    json_t *(*describe)(const struct api *api, const struct found *found);
};

static int describe_all(const struct api *api, const struct description *what, const json_t *input,
                        json_t **ret_output, struct api_fault *fault)
{
    int r = api_input_names(input, what->input_key, MOST_ARNS, fault);
    if (r < 0)
        return r;
    json_t *list = json_array();
    json_t *failures = json_array();
    size_t i;
    json_t *arn;
    json_array_foreach (json_object_get(input, what->input_key), i, arn) {
        struct found found;
        if (find(api, json_string_value(arn), what->kind, &found))
            json_array_append_new(list, what->describe(api, &found));
        else
            api_add_missing(failures, memory_strdup(json_string_value(arn)));
    }
    *ret_output = json_pack("{s:o,s:o}", what->output_key, list, "failures", failures);
    return 0;
}

int api_describe_service_deployments(struct api *api, const json_t *input, json_t **ret_output,
                                     struct api_fault *fault)
{
    static const struct description what = {"service-deployment", "serviceDeploymentArns",
                                            "serviceDeployments", describe};
    return describe_all(api, &what, input, ret_output, fault);
}

int api_describe_service_revisions(struct api *api, const json_t *input, json_t **ret_output,
                                   struct api_fault *fault)
{
    static const struct description what = {"service-revision", "serviceRevisionArns", "serviceRevisions",
                                            describe_revision};
    return describe_all(api, &what, input, ret_output, fault);
}

void api_set_current_deployment(const struct api *api, const struct view_service *view, json_t *json)
{
    if (!view->ledger || view->ledger->deployments.len == 0)
        return;
    struct task_vec tasks CLEANUP(task_vec_deinit);
    core_view_tasks(api->core, view->cluster, view->name, api->now_ms(api->data), &tasks);
    const struct deployment_vec *all = &view->ledger->deployments;
    api_set_owned(json, "currentServiceDeployment",
                  deployment_arn(api, view, &all->items[is_service_deployment(view, 0) ? 0 : 1]));
    json_t *revisions = json_array();
    for (size_t i = 0; i < all->len; i++)
        if (i == 0 || api_count_deployment(&tasks, all->items[i].id).living)
            json_array_append_new(revisions, summary(api, view, &all->items[i], &tasks));
    json_object_set_new(json, "currentServiceRevisions", revisions);
}
