#include "api/operation.h"
#include "base/text.h"
#include "model/json.h"

/* The deployments of a ledger are newest first. What was under way gave way to the next one, whatever became
 * of that; what had ended did to the next that got through, or is on its way to. NULL: to none yet. */
static const char *superseded_by(const struct service_ledger *ledger, size_t index)
{
    bool gave_way = ledger->deployments.items[index].state == DEPLOYMENT_SUPERSEDED;
    while (index-- > 0) {
        const struct deployment *newer = &ledger->deployments.items[index];
        if (gave_way || newer->state == DEPLOYMENT_COMPLETED || newer->state == DEPLOYMENT_IN_PROGRESS)
            return newer->id;
    }
    return NULL;
}

static json_t *deployment_json(const struct api *api, const struct view_service *view, size_t index)
{
    const struct deployment *deployment = &view->ledger->deployments.items[index];
    json_t *json =
        json_pack("{s:s,s:s,s:s,s:s,s:b,s:i,s:i,s:i,s:o}", "cluster", view->cluster, "service", view->name,
                  "id", deployment->id, "state", deployment_state_name(deployment->state), "primary",
                  index == 0, "revision", deployment->revision, "desiredCount", deployment->desired_count,
                  "failedTasks", deployment->failed_tasks, "commit", commit_to_json(&deployment->commit));
    model_set_string(json, "family", deployment->family);
    model_set_string(json, "reason", deployment->reason);
    const struct digest committed = deployment_committed(view->ledger, deployment);
    model_set_digest(json, "digest", &committed); /* that of git: no commit knows of a redeployment */
    api_set_time_text(json, "createdAt", deployment->created_ms);
    api_set_time_text(json, "updatedAt", deployment->updated_ms);
    api_set_time_text(json, "endedAt", deployment->ended_ms);
    model_set_bool(json, "rebuilt", deployment->rebuilt);
    bool goes_on = !deployment->ended_ms && deployment->state == DEPLOYMENT_IN_PROGRESS;
    int64_t end_ms = goes_on ? api->now_ms(api->data) : deployment->ended_ms; /* 0: not known */
    model_set_int(json, "durationMs", end_ms > deployment->created_ms ? end_ms - deployment->created_ms : 0);
    json_t *failures = json_array();
    for (size_t i = 0; i < deployment->failures.len; i++) {
        const struct task_failure *failure = &deployment->failures.items[i];
        json_t *item = json_pack("{s:s}", "task", failure->task);
        model_set_string(item, "reason", failure->reason);
        api_set_time_text(item, "at", failure->at_ms);
        json_array_append_new(failures, item);
    }
    json_object_set_new(json, "failures", failures);
    model_set_string(json, "supersededBy", superseded_by(view->ledger, index));
    if (deployment->images.len)
        json_object_set_new(json, "images", deployment_images_to_json(deployment));
    return json;
}

int api_get_deployments(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    int r = api_check_target(api, input, fault);
    if (r < 0)
        return r;
    json_t *list = json_array();
    struct view_service view;
    for (size_t at = 0; api_next_service(api, input, &at, &view);)
        for (size_t k = 0; view.ledger && k < view.ledger->deployments.len; k++)
            json_array_append_new(list, deployment_json(api, &view, k));
    *ret_output = api_list("deployments", list);
    return 0;
}
