#include "api/operation.h"
#include "base/text.h"
#include "model/json.h"

json_t *api_source_json(const struct api *api)
{
    struct view_source view;
    core_view_source(api->core, &view);
    json_t *json = json_pack("{s:b,s:b}", "seen", view.seen, "ok", view.ok);
    model_set_string(json, "message", view.ok ? NULL : view.message);
    model_set_string(json, "origin", view.origin);
    model_set_string(json, "branch", view.branch);
    if (view.head)
        json_object_set_new(json, "head", commit_to_json(view.head));
    if (view.deployed)
        json_object_set_new(json, "deployed", commit_to_json(view.deployed));
    api_set_time_text(json, "headSeenAt", view.head_ms);
    bool refused = view.diagnostics && view.diagnostics->errors > 0;
    json_object_set_new(json, "refused", json_boolean(refused));
    if (view.diagnostics)
        json_object_set_new(json, "diagnostics", diagnostics_to_json(view.diagnostics));
    return json;
}

int api_get_source(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    (void)input;
    (void)fault;
    *ret_output = api_list("source", api_source_json(api));
    return 0;
}
