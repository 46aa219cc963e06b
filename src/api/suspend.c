#include "api/operation.h"
#include "base/text.h"

static int post(struct api *api, const json_t *input, bool resume, json_t **ret_output)
{
    struct event event = {.kind = EVENT_SUSPEND};
    event.suspend.cluster = memory_strdup(api_parameter(input, "cluster"));
    event.suspend.service = memory_strdup(api_parameter(input, "service"));
    event.suspend.resume = resume;
    api->post(api->data, &event);
    *ret_output = json_pack("{s:i,s:b}", "schemaVersion", 1, "accepted", 1);
    return 0;
}

static int check_cluster(const json_t *input, struct api_fault *fault)
{
    return api_parameter(input, "cluster")
               ? 0
               : api_fault_invalid(fault, "expected a cluster, or a service together with its cluster");
}

int api_post_suspend(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    int r = check_cluster(input, fault);
    if (r == 0)
        r = api_check_target(api, input, fault);
    return r < 0 ? r : post(api, input, false, ret_output);
}

/* What a resume by hand, of the service or the cluster (service NULL), does not end, and what would; NULL:
 * nothing. Caller frees. */
static char *other_suspension(const struct api *api, const char *cluster, const char *service)
{
    const struct desired *desired = core_desired(api->core);
    const struct service *wanted = desired && service ? desired_service(desired, cluster, service) : NULL;
    const struct cluster *around = desired ? desired_cluster(desired, cluster) : NULL;
    if (wanted && wanted->suspend)
        return memory_printf("by git: take davit.suspend out of %s", wanted->origin.file);
    if (service && core_suspended_ms(api->core, cluster, NULL))
        return memory_printf("with its cluster: davit resume %s", cluster);
    if (around && around->suspend)
        return memory_printf("by git%s: take davit.suspend out of %s", service ? ", with its cluster" : "",
                             around->origin.file);
    return NULL;
}

static int refuse_service(const struct api *api, const char *cluster, const char *service,
                          struct api_fault *fault)
{
    char *by CLEANUP_FREE = other_suspension(api, cluster, service);
    return by ? api_fault_client(fault, "service %s/%s is suspended %s", cluster, service, by)
              : api_fault_client(fault, "service %s/%s is not suspended", cluster, service);
}

static int refuse_cluster(const struct api *api, const char *name, struct api_fault *fault)
{
    const struct desired *desired = core_desired(api->core);
    const struct cluster *cluster = desired ? desired_cluster(desired, name) : NULL;
    struct view_service view;
    if (cluster && cluster->suspend)
        return api_fault_client(fault, "cluster %s is suspended by git: take davit.suspend out of %s", name,
                                cluster->origin.file);
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++)
        if (text_equal(view.cluster, name) && view.suspended)
            return api_fault_client(fault, "cluster %s is not suspended, but service %s/%s is", name, name,
                                    view.name);
    return api_fault_client(fault, "cluster %s is not suspended", name);
}

int api_post_resume(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const char *cluster = api_parameter(input, "cluster");
    const char *service = api_parameter(input, "service");
    int r = check_cluster(input, fault);
    if (r < 0)
        return r;
    if (core_suspended_ms(api->core, cluster, service)) { /* who is not there any more, too */
        char *by CLEANUP_FREE = other_suspension(api, cluster, service);
        r = post(api, input, true, ret_output);
        if (by)
            json_object_set_new(*ret_output, "suspended", json_string(by));
        return r;
    }
    r = api_check_target(api, input, fault);
    if (r < 0)
        return r;
    if (!service)
        return refuse_cluster(api, cluster, fault);
    return refuse_service(api, cluster, service, fault);
}
