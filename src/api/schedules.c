#include "api/operation.h"
#include "base/text.h"
#include "model/json.h"

/* "Allow", ... */
static const char *concurrency_name(enum concurrency_policy policy)
{
    static const char *const names[] = {
        [CONCURRENCY_ALLOW] = "Allow", [CONCURRENCY_FORBID] = "Forbid", [CONCURRENCY_REPLACE] = "Replace"};
    return names[policy];
}

static void set_clusters(const struct scheduled_task *task, json_t *json)
{
    json_t *clusters = json_array();
    for (size_t i = 0; i < task->runs.len; i++) {
        bool known = false;
        for (size_t k = 0; k < i; k++)
            known |= text_equal(task->runs.items[k].cluster, task->runs.items[i].cluster);
        if (!known)
            json_array_append_new(clusters, json_string(task->runs.items[i].cluster));
    }
    json_object_set_new(json, "clusters", clusters);
}

/* The youngest first. */
static json_t *runs_json(const struct api *api, const struct view_schedule *view)
{
    json_t *list = json_array();
    for (size_t i = 0; i < view->runs_len; i++) {
        struct view_schedule_run run;
        core_view_schedule_run(api->core, view, i, &run);
        json_t *json = json_pack("{s:s}", "result", run.result ? run.result : "running");
        api_set_time_text(json, "dueAt", run.due_ms);
        api_set_time_text(json, "startedAt", run.run_ms);
        json_object_set_new(json, "tasks", model_strings_to_json(run.tasks));
        json_array_append_new(list, json);
    }
    return list;
}

json_t *api_schedules_json(const struct api *api, bool with_runs)
{
    json_t *list = json_array();
    struct view_schedule view;
    for (size_t i = 0; core_view_schedule_at(api->core, i, &view); i++) {
        const struct scheduled_task *task = view.task;
        const char *expression = model_string(task->json, "ScheduleExpression");
        json_t *json =
            json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", task->name, "schedule", expression, "timezone",
                      task->zone.name, "state", task->disabled ? "DISABLED" : "ENABLED", "concurrencyPolicy",
                      concurrency_name(task->concurrency));
        json_object_set_new(json, "counted", json_boolean(view.counted));
        set_clusters(task, json);
        api_set_time_text(json, "nextAt", view.next_ms);
        api_set_time_text(json, "lastDueAt", view.last_due_ms);
        api_set_time_text(json, "lastRunAt", view.last_run_ms);
        model_set_string(json, "message", view.message);
        model_set_string(json, "result", view.result ? view.result : view.runs_len ? "running" : NULL);
        if (view.tasks)
            json_object_set_new(json, "tasks", model_strings_to_json(view.tasks));
        if (with_runs)
            json_object_set_new(json, "runs", runs_json(api, &view));
        json_array_append_new(list, json);
    }
    return list;
}

int api_get_schedules(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    (void)input;
    (void)fault;
    *ret_output = api_list("scheduledTasks", api_schedules_json(api, true));
    return 0;
}
