#include "api/operation.h"
#include "base/text.h"
#include "core/steady.h"
#include "model/json.h"

#include <stdio.h>

/* --- ECS ------------------------------------------------------------------------------------------------ */

static bool fits(const json_t *input, const char *key, const char *ours)
{
    const char *wanted = model_string(input, key);
    return !wanted || text_equal(wanted, ours);
}

static const char *scheduling_strategy(const struct view_service *view)
{
    return view->desired && view->desired->daemon ? "DAEMON" : "REPLICA";
}

int api_list_services(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const char *cluster;
    int r = api_input_cluster(api, input, &cluster, fault);
    if (r < 0)
        return r;
    json_t *arns = json_array();
    struct view_service view;
    bool any = fits(input, "launchType", "EC2") && fits(input, "resourceManagementType", "CUSTOMER");
    for (size_t i = 0; any && core_view_service_at(api->core, i, &view); i++) {
        if (!text_equal(view.cluster, cluster) ||
            !fits(input, "schedulingStrategy", scheduling_strategy(&view)))
            continue;
        char *arn CLEANUP_FREE = api_service_arn(api, cluster, view.name);
        json_array_append_new(arns, json_string(arn));
    }
    return api_page(&(struct api_page){"serviceArns", 10}, input, arns, ret_output, fault);
}

struct api_deployment_counts api_count_deployment(const struct task_vec *tasks, const char *id)
{
    struct api_deployment_counts counts = {0};
    for (size_t i = 0; i < tasks->len; i++) {
        const struct task *task = &tasks->items[i];
        if (!text_equal(task->deployment, id))
            continue;
        counts.running += task->status == TASK_RUNNING;
        counts.pending += task->status == TASK_PENDING;
        counts.living += task->status != TASK_STOPPED;
    }
    return counts;
}

static const char *rollout_state(const struct deployment *deployment)
{
    /* ECS has no word for a deployment that a newer one replaced: it was never completed */
    return deployment->state == DEPLOYMENT_SUPERSEDED ? "IN_PROGRESS"
                                                      : deployment_state_name(deployment->state);
}

static void set_reason(json_t *json, const struct deployment *deployment)
{
    char text[128];
    snprintf(text, sizeof text, "ECS deployment %s %s.", deployment->id,
             deployment->state == DEPLOYMENT_COMPLETED ? "completed" : "in progress");
    bool given = deployment->reason && deployment->reason[0];
    model_set_string(json, "rolloutStateReason", given ? deployment->reason : text);
}

struct describe_deployment {
    const struct deployment *deployment;
    struct api_deployment_counts counts;
    int desired_count;
    bool primary;
};

static json_t *deployment_json(const struct api *api, const struct describe_deployment *of)
{
    const struct deployment *deployment = of->deployment;
    json_t *json =
        json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:s,s:s}", "id", deployment->id, "status",
                  of->primary ? "PRIMARY" : "ACTIVE", "desiredCount", of->desired_count, "pendingCount",
                  of->counts.pending, "runningCount", of->counts.running, "failedTasks",
                  deployment->failed_tasks, "launchType", "EC2", "rolloutState", rollout_state(deployment));
    set_reason(json, deployment);
    if (deployment->family)
        api_set_owned(json, "taskDefinition",
                      api_task_definition_arn(api, deployment->family, deployment->revision));
    api_set_time(json, "createdAt", deployment->created_ms);
    api_set_time(json, "updatedAt", deployment->updated_ms);
    return json;
}

void api_set_capacity(const struct api *api, const struct view_service *view, json_t *json)
{
    const struct desired *desired = core_desired(api->core);
    const struct cluster *cluster = desired ? desired_cluster(desired, view->cluster) : NULL;
    const struct capacity_item_vec *items =
        cluster && view->desired ? plan_capacity(view->desired, &cluster->instances, &cluster->capacity)
                                 : NULL;
    if (!items)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < items->len; i++)
        json_array_append_new(list,
                              json_pack("{s:s,s:i,s:i}", "capacityProvider", items->items[i].provider,
                                        "weight", items->items[i].weight, "base", items->items[i].base));
    json_object_del(json, "launchType");
    json_object_set_new(json, "capacityProviderStrategy", list);
}

/* PRIMARY, and those older ones that still have tasks: the waiters count on that. */
static json_t *deployments_json(const struct api *api, const struct view_service *view)
{
    json_t *list = json_array();
    if (!view->ledger)
        return list;
    struct task_vec tasks CLEANUP(task_vec_deinit);
    core_view_tasks(api->core, view->cluster, view->name, api->now_ms(api->data), &tasks);
    for (size_t i = 0; i < view->ledger->deployments.len; i++) {
        const struct deployment *deployment = &view->ledger->deployments.items[i];
        struct describe_deployment of = {.deployment = deployment,
                                         .counts = api_count_deployment(&tasks, deployment->id),
                                         .primary = i == 0};
        if (i == 0)
            of.desired_count = view->desired ? view->desired->desired_count : 0;
        if (i > 0 && !of.counts.living)
            continue;
        json_t *json = deployment_json(api, &of);
        api_set_capacity(api, view, json);
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *events_json(const struct view_service *view)
{
    json_t *list = json_array();
    for (size_t i = view->events_len; i-- > 0;) {
        const struct view_event *event = view_service_event(view, i);
        json_t *json = json_pack("{s:s,s:s}", "id", event->id, "message", event->message);
        api_set_time(json, "createdAt", event->at_ms);
        json_array_append_new(list, json);
    }
    return list;
}

static void set_task_definition(const struct api *api, const struct view_service *view, json_t *json)
{
    const struct deployment *primary = view->ledger ? service_ledger_primary(view->ledger) : NULL;
    const struct task_definition *definition = view->desired ? view->desired->task_definition : NULL;
    if (primary && primary->family)
        api_set_owned(json, "taskDefinition",
                      api_task_definition_arn(api, primary->family, primary->revision));
    else if (definition)
        api_set_owned(json, "taskDefinition",
                      api_task_definition_arn(api, definition->family, definition->revision));
}

void api_set_configuration(const struct service *desired, json_t *json)
{
    if (!desired)
        return;
    json_t *configuration =
        json_pack("{s:o,s:i,s:i,s:s}", "deploymentCircuitBreaker", circuit_breaker_to_json(&desired->breaker),
                  "maximumPercent", desired->maximum_percent, "minimumHealthyPercent",
                  desired->minimum_healthy_percent, "strategy", "ROLLING");
    json_object_set_new(json, "deploymentConfiguration", configuration);
    if (desired->health_check_grace_ms)
        model_set_int(json, "healthCheckGracePeriodSeconds", desired->health_check_grace_ms / 1000);
}

static void set_placement(const struct service *desired, json_t *json)
{
    static const char *const names[] = {"placementConstraints", "placementStrategy"};
    for (size_t i = 0; desired && i < ARRAY_LEN(names); i++) {
        json_t *list = json_object_get(desired->json, names[i]);
        if (list)
            json_object_set(json, names[i], list);
    }
}

static int64_t created_ms(const struct service_ledger *ledger)
{
    return ledger && ledger->deployments.len
               ? ledger->deployments.items[ledger->deployments.len - 1].created_ms
               : 0;
}

static const char *status_of(const struct view_service *view)
{
    return view->desired || view->unread ? "ACTIVE" : "DRAINING";
}

static json_t *describe(const struct api *api, const struct view_service *view)
{
    json_t *json = json_object();
    api_set_owned(json, "serviceArn", api_service_arn(api, view->cluster, view->name));
    api_set_owned(json, "clusterArn", api_cluster_arn(api, view->cluster));
    json_object_update_new(
        json,
        json_pack("{s:s,s:s,s:i,s:i,s:i,s:s,s:s,s:[],s:[],s:[],s:[],s:b,s:s,s:b}", "serviceName", view->name,
                  "status", status_of(view), "desiredCount", view_service_desired_count(view), "runningCount",
                  view->running_count, "pendingCount", view->pending_count, "launchType", "EC2",
                  "schedulingStrategy", scheduling_strategy(view), "loadBalancers", "serviceRegistries",
                  "placementConstraints", "placementStrategy", "enableECSManagedTags", 0, "propagateTags",
                  "NONE", "enableExecuteCommand", 0));
    set_task_definition(api, view, json);
    api_set_configuration(view->desired, json);
    set_placement(view->desired, json);
    api_set_capacity(api, view, json);
    api_set_time(json, "createdAt", created_ms(view->ledger));
    json_object_set_new(json, "deployments", deployments_json(api, view));
    api_set_current_deployment(api, view, json);
    json_object_set_new(json, "events", events_json(view));
    return json;
}

int api_describe_services(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const char *cluster;
    int r = api_input_cluster(api, input, &cluster, fault);
    if (r < 0 || (r = api_input_names(input, "services", 10, fault)) < 0)
        return r;
    json_t *services CLEANUP(json_decrefp) = json_array();
    json_t *failures CLEANUP(json_decrefp) = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(input, "services"), i, item) {
        const char *given = json_string_value(item);
        char *of CLEANUP_FREE = NULL;
        const char *name = api_name_of(given, "service", &of);
        if (!name || (of && !text_equal(of, cluster)))
            return api_fault_invalid(fault,
                                     "Invalid identifier: Identifier is for cluster %s. Your cluster is %s",
                                     of ? of : "?", cluster);
        struct view_service view;
        if (core_view_service(api->core, cluster, name, &view))
            json_array_append_new(services, describe(api, &view));
        else
            api_add_missing(failures, api_service_arn(api, cluster, name));
    }
    *ret_output = json_pack("{s:O,s:O}", "services", services, "failures", failures);
    return 0;
}

/* --- native --------------------------------------------------------------------------------------------- */

static json_t *rollout_json(const struct deployment *primary)
{
    if (!primary)
        return json_null();
    json_t *json =
        json_pack("{s:s,s:s,s:i,s:i}", "id", primary->id, "state", deployment_state_name(primary->state),
                  "revision", primary->revision, "failedTasks", primary->failed_tasks);
    model_set_string(json, "family", primary->family);
    model_set_string(json, "reason", primary->reason);
    json_object_set_new(json, "commit", commit_to_json(&primary->commit));
    api_set_time_text(json, "createdAt", primary->created_ms);
    api_set_time_text(json, "endedAt", primary->ended_ms);
    if (primary->images.len)
        json_object_set_new(json, "images", deployment_images_to_json(primary));
    return json;
}

static json_t *actions_json(const struct api *api, const struct view_service *view)
{
    struct view_action_vec actions = {0};
    core_view_actions(api->core, view->cluster, view->name, &actions);
    json_t *list = json_array();
    for (size_t i = 0; i < actions.len; i++) {
        const struct view_action *under_way = &actions.items[i];
        const struct action *action = under_way->action;
        json_t *json = json_pack("{s:s,s:s,s:s*,s:s*,s:s*}", "kind", action_kind_name(action->kind), "task",
                                 action->task, "container", action->container, "instance", action->instance,
                                 "reason", action->reason);
        model_set_string(json, "image", action_image(action));
        api_set_time_text(json, "since", under_way->since_ms);
        if (under_way->progress_status)
            json_object_set_new(json, "progress",
                                json_pack("{s:s,s:s*,s:I,s:I}", "status", under_way->progress_status,
                                          "failure", under_way->progress_failure, "currentBytes",
                                          (json_int_t)under_way->progress_bytes, "totalBytes",
                                          (json_int_t)under_way->progress_total_bytes));
        json_array_append_new(list, json);
    }
    vector_deinit(&actions);
    return list;
}

/* What the repository says, also while it waits for its window. */
static void set_wanted(const struct view_service *view, json_t *json)
{
    const struct service *desired = view->delayed ? view->delayed_next : view->desired;
    json_object_set_new(json, "desiredCount",
                        json_integer(view->delayed ? desired ? desired->desired_count : 0
                                                   : view_service_desired_count(view)));
    if (view->delayed && view->desired) /* what goes on meanwhile */
        json_object_set_new(json, "meanwhileCount", json_integer(view->desired->desired_count));
    if (!desired)
        return;
    const struct task_definition *definition = desired->task_definition;
    if (definition)
        api_set_owned(json, "taskDefinition",
                      memory_printf("%s:%d", definition->family, definition->revision));
    model_set_string(json, "file", desired->origin.file);
    model_set_int(json, "line", desired->origin.at.line);
}

/* Which revisions run, newest first: more than one in a rollout, another than the deployment's after a failed
 * one. */
static json_t *revisions_json(const struct view_service *view)
{
    json_t *list = json_array();
    for (size_t i = 0; i < view->revisions_len; i++) {
        const struct view_revision *revision = &view->revisions[i];
        json_array_append_new(list, json_pack("{s:s,s:i,s:i,s:i}", "family", revision->family, "revision",
                                              revision->revision, "running", revision->running_count,
                                              "healthy", revision->healthy_count));
    }
    return list;
}

static void set_lost(const struct view_service *view, json_t *json)
{
    json_object_set_new(json, "lost", json_integer(view->lost_count));
    json_object_set_new(json, "gone", json_integer(view->gone_count));
    model_set_string(json, "lostInstance", view->lost_instance);
    if (view->lost_instance)
        api_set_time_text(json, "lostAt", view->lost_ms);
}

json_t *api_service_json(const struct api *api, const struct view_service *view)
{
    const struct deployment *primary = view->ledger ? service_ledger_primary(view->ledger) : NULL;
    json_t *json = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:b,s:b,s:b,s:b,s:b}", "cluster", view->cluster, "name",
        view->name, "status", status_of(view), "state", view_service_state(view), "rolloutState",
        deployment_state_name(view_service_rollout(view)), "running", view->running_count, "pending",
        view->pending_count, "healthy", view->healthy_count, "stopping", view->stopping_count, "steady",
        view_service_is_steady(view), "failed", view_service_has_failed(view), "left", view->left,
        "suspended", view->suspended, "blocked", view->blocked);
    json_object_set_new(json, "leaving", json_integer(view->leaving_count));
    model_set_string(json, "schedulingStrategy", scheduling_strategy(view));
    set_lost(view, json);
    if (view->earlier_count)
        json_object_set_new(json, "earlierName",
                            json_pack("{s:s,s:i}", "name", view->earlier_name, "tasks", view->earlier_count));
    set_wanted(view, json);
    model_set_string(json, "waiting", view->waiting);
    if (view->held) {
        json_t *held = json_pack("{s:s}", "commit", view->held->commit);
        api_set_time_text(held, "since", view->held->at_ms);
        model_set_bool(held, "imagesOnly", view->held_images);
        json_object_set_new(json, "held", held);
    }
    model_set_string(json, "failedTask", view->failed_task[0] ? view->failed_task : NULL);
    model_set_string(json, "source", view->source);
    json_object_set_new(json, "deployment", rollout_json(primary));
    json_object_set_new(json, "revisions", revisions_json(view));
    json_object_set_new(json, "actions", actions_json(api, view));
    return json;
}

int api_get_services(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    int r = api_check_target(api, input, fault);
    if (r < 0)
        return r;
    json_t *list = json_array();
    struct view_service view;
    for (size_t at = 0; api_next_service(api, input, &at, &view);)
        json_array_append_new(list, api_service_json(api, &view));
    *ret_output = api_list("services", list);
    return 0;
}
