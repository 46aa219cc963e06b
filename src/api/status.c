#include "api/operation.h"
#include "base/text.h"
#include "core/steady.h"
#include "model/json.h"

/* Why davit cannot do its work yet, or NULL. */
static const char *unready(const struct api *api)
{
    struct view_source source;
    core_view_source(api->core, &source);
    bool nothing = core_desired(api->core) == NULL;
    if (nothing && !source.seen)
        return source.ok || !source.message ? "no commit has been seen yet" : source.message;
    if (nothing)
        return "no commit has been accepted yet";
    for (size_t i = 0; i < core_instances_len(api->core); i++) {
        struct view_instance instance;
        core_view_instance_at(api->core, i, &instance);
        if (instance.connected)
            return NULL;
    }
    return "no container instance is connected";
}

int api_get_status(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    (void)input;
    (void)fault;
    json_t *services = json_array();
    struct view_service view;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++)
        json_array_append_new(services, api_service_json(api, &view));
    const char *why = unready(api);
    json_t *sources = api_sources_json(api);
    json_t *json = json_pack("{s:s,s:b,s:O,s:o,s:o,s:o}", "version", api->version, "ready", why == NULL,
                             "source", json_array_get(sources, 0), "sources", sources, "instances",
                             api_instances_json(api), "services", services);
    json_object_set_new(json, "scheduledTasks", api_schedules_json(api, false));
    json_object_set_new(json, "notifications", api->notifications(api->data));
    json_t *updates = api->image_updates(api->data);
    if (updates)
        json_object_set_new(json, "imageUpdates", updates);
    json_t *others = api->other_owners(api->data);
    if (others)
        json_object_set_new(json, "otherOwners", others);
    model_set_string(json, "notReady", why);
    json_object_set_new(json, "schemaVersion", json_integer(1));
    api_set_time_text(json, "now", api->now_ms(api->data));
    *ret_output = json;
    return 0;
}

int api_get_health(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    (void)input;
    (void)fault;
    *ret_output = json_pack("{s:s,s:s}", "status", "ok", "version", api->version);
    return 0;
}

int api_get_ready(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    (void)input;
    const char *why = unready(api);
    if (why)
        return api_fault_unavailable(fault, "not ready: %s", why);
    *ret_output = json_pack("{s:s}", "status", "ready");
    return 0;
}

int api_post_reconcile(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    int r = api_check_target(api, input, fault);
    if (r < 0)
        return r;
    const char *cluster = api_parameter(input, "cluster");
    const char *service = api_parameter(input, "service");
    if (service && !cluster)
        return api_fault_invalid(fault, "a service is named together with its cluster");
    const char *source = NULL;
    if (api_parameter(input, "source") && (r = api_check_source(api, input, &source, fault)) < 0)
        return r;
    struct event event = {.kind = EVENT_RECONCILE};
    event.reconcile.cluster = memory_strdup(cluster);
    event.reconcile.service = memory_strdup(service);
    api->post(api->data, &event);
    api->poke_source(api->data, source);
    *ret_output = json_pack("{s:i,s:b}", "schemaVersion", 1, "accepted", 1);
    return 0;
}

/* A service that is there, of "cluster" and "service". */
static int find_service(struct api *api, const json_t *input, struct view_service *ret_view,
                        struct api_fault *fault)
{
    const char *cluster = api_parameter(input, "cluster");
    const char *service = api_parameter(input, "service");
    if (!cluster || !service)
        return api_fault_invalid(fault, "a service is wanted, together with its cluster");
    int r = api_check_target(api, input, fault);
    if (r == 0)
        core_view_service(api->core, cluster, service, ret_view);
    return r;
}

/* One that is suspended is told with what it waits for: it begins when that has ended. */
static int post_of_service(struct api *api, const json_t *input, enum event_kind kind,
                           const struct view_service *view, json_t **ret_output)
{
    struct event event = {.kind = kind};
    event.retry.cluster = memory_strdup(api_parameter(input, "cluster"));
    event.retry.service = memory_strdup(api_parameter(input, "service"));
    api->post(api->data, &event);
    *ret_output = json_pack("{s:i,s:b}", "schemaVersion", 1, "accepted", 1);
    if (view->suspended)
        json_object_set_new(*ret_output, "suspended", json_string(view->waiting ? view->waiting : ""));
    return 0;
}

int api_post_retry(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    struct view_service view = {0};
    int r = find_service(api, input, &view, fault);
    if (r < 0)
        return r;
    if (!view_service_has_failed(&view))
        return api_fault_client(fault, "%s/%s has not failed, it is %s: there is nothing to retry",
                                api_parameter(input, "cluster"), api_parameter(input, "service"),
                                view_service_state(&view));
    return post_of_service(api, input, EVENT_RETRY, &view, ret_output);
}

int api_post_redeploy(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const char *cluster = api_parameter(input, "cluster");
    const char *service = api_parameter(input, "service");
    struct view_service view = {0};
    int r = find_service(api, input, &view, fault);
    if (r < 0)
        return r;
    if (!view.desired || !view.ledger)
        return api_fault_client(fault, "%s/%s is %s: there is nothing to deploy anew", cluster, service,
                                view_service_state(&view));
    if (view.delayed)
        return api_fault_client(fault, "%s/%s %s: \"davit approve COMMIT\" does not wait", cluster, service,
                                view.delayed_text);
    return post_of_service(api, input, EVENT_REDEPLOY, &view, ret_output);
}
