#include "api/operation.h"
#include "model/json.h"

/* What of a deployment a person knows it by. */
static json_t *hold_target_json(const struct deployment *deployment)
{
    return json_pack("{s:s,s:s,s:i,s:o}", "id", deployment->id, "family", deployment->family, "revision",
                     deployment->revision, "commit", commit_to_json(&deployment->commit));
}

int api_post_hold(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const struct core_hold_request request = {.cluster = api_parameter(input, "cluster"),
                                              .service = api_parameter(input, "service"),
                                              .to = api_parameter(input, "to")};
    struct core_hold hold;
    struct error err = ERROR_INIT;
    if (!request.cluster || !request.service)
        return api_fault_invalid(fault, "a service is wanted, together with its cluster");
    int r = api_check_target(api, input, fault);
    if (r < 0)
        return r;
    if (core_find_hold(api->core, &request, &hold, &err) < 0)
        return api_fault_client(fault, "%s", error_text(&err));
    *ret_output = json_pack("{s:i,s:b,s:b,s:o}", "schemaVersion", 1, "accepted", 1, "already", hold.holds,
                            "to", hold_target_json(hold.to));
    model_set_bool(*ret_output, "imagesOnly", hold.images_only);
    if (hold.holds)
        return 0;
    struct event event;
    core_hold_event(&request, &hold, &event);
    api->post(api->data, &event);
    return 0;
}
