/* RunTask and StopTask. The answer waits until the ledger has what it tells of. */
#include "api/operation.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>

/* In ECS's words. */
static int fault_of(const struct error *error, struct api_fault *fault)
{
    static const struct {
        int code;
        const char *type;
    } types[] = {{ERROR_INVALID, "InvalidParameterException"},
                 {ERROR_LIMIT, "LimitExceededException"},
                 {ERROR_CONFLICT, "ConflictException"},
                 {ERROR_UNSUPPORTED, "UnsupportedFeatureException"}};
    api_fault_client(fault, "%s", error->message);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].code == error->code)
            fault->type = types[i].type;
    return error->code;
}

static json_t *failures_json(const struct api *api, const char *cluster, const struct plan_lack_vec *lacks)
{
    json_t *failures = json_array();
    for (size_t i = 0; i < lacks->len; i++) {
        const struct plan_lack *lack = &lacks->items[i];
        json_t *json = json_pack("{s:s,s:s}", "reason", lack->reason, "detail", lack->detail);
        api_set_owned(json, "arn", api_instance_arn(api, cluster, lack->instance));
        json_array_append_new(failures, json);
    }
    return failures;
}

/* Names in place of ARNs, and nothing that is null. Caller frees. */
static json_t *request_of(const json_t *input, const char *cluster)
{
    const char *name;
    json_t *value;
    json_t *request = json_object();
    json_object_foreach ((json_t *)(uintptr_t)input, name, value)
        if (!json_is_null(value))
            json_object_set(request, name, value);
    const char *definition = model_string(input, "taskDefinition");
    model_set_string(request, "cluster", cluster);
    model_set_string(request, "taskDefinition",
                     definition ? api_name_of(definition, "task-definition", NULL) : NULL);
    return request;
}

static bool is_boolean(const json_t *value)
{
    return json_is_boolean(value);
}

static bool is_text(const json_t *value)
{
    return json_is_string(value);
}

static bool is_launch_type(const json_t *value)
{
    static const char *const types[] = {"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (text_equal(json_string_value(value), types[i]))
            return true;
    return false;
}

static bool is_propagation(const json_t *value)
{
    const char *text = json_string_value(value);
    return text_equal(text, "TASK_DEFINITION") || text_equal(text, "SERVICE") || text_equal(text, "NONE");
}

static bool is_tags(const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)value, i, item) {
        const json_t *text = json_object_get(item, "value");
        if (!model_string(item, "key") || (text && !json_is_null(text) && !json_is_string(text)))
            return false;
    }
    return json_is_array(value);
}

static bool is_network(const json_t *value)
{
    const json_t *awsvpc = json_object_get(value, "awsvpcConfiguration");
    return json_is_object(value) &&
           (!awsvpc || json_is_null(awsvpc) ||
            (json_is_object(awsvpc) && json_is_array(json_object_get(awsvpc, "subnets"))));
}

/* ECS fails where several share nothing out. */
static bool is_strategy(const json_t *value)
{
    size_t i;
    json_t *item;
    bool any = false;
    json_array_foreach ((json_t *)(uintptr_t)value, i, item)
        any |= model_int(item, "weight") != 0;
    return json_array_size(value) < 2 || any;
}

/* What core does not look into: mostly members that nothing comes of here. A client that sends them wrong
 * would be refused by ECS. */
static int check_types(const json_t *request, struct api_fault *fault)
{
    static const struct {
        const char *member;
        bool (*is_right)(const json_t *value);
        const char *expected;
    } types[] = {
        {"capacityProviderStrategy", is_strategy, "a weight greater than 0 of at least one"},
        {"enableECSManagedTags", is_boolean, "true or false"},
        {"enableExecuteCommand", is_boolean, "true or false"},
        {"launchType", is_launch_type, "EC2, FARGATE, EXTERNAL or MANAGED_INSTANCES"},
        {"networkConfiguration", is_network, "{\"awsvpcConfiguration\":{\"subnets\":[...]}}"},
        {"platformVersion", is_text, "a text"},
        {"propagateTags", is_propagation, "TASK_DEFINITION, SERVICE or NONE"},
        {"referenceId", is_text, "a text"},
        {"tags", is_tags, "a list of {\"key\":...,\"value\":...}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const json_t *value = json_object_get(request, types[i].member);
        if (value && !types[i].is_right(value))
            return api_fault_invalid(fault, "%s: expected %s", types[i].member, types[i].expected);
    }
    return 0;
}

int api_run_task(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const char *cluster;
    int r = api_input_cluster(api, input, &cluster, fault);
    if (r < 0)
        return r;
    json_t *request CLEANUP(json_decrefp) = request_of(input, cluster);
    if ((r = check_types(request, fault)) < 0)
        return r;
    struct event event = {.kind = EVENT_RUN_TASK, .run_task = {.request = TAKE(request)}};
    char *of CLEANUP_FREE = memory_strdup(cluster); /* the post may end what it is borrowed from */
    api->post(api->data, &event);
    const struct run_outcome *outcome = core_run_outcome(api->core);
    if (!outcome)
        return api_fault_unavailable(fault, "davit is stopping");
    if (outcome->error.code)
        return fault_of(&outcome->error, fault);
    json_t *tasks = json_array();
    for (size_t i = 0; i < outcome->tasks.len; i++) {
        struct view_run view;
        if (core_view_run(api->core, of, outcome->tasks.items[i], &view))
            json_array_append_new(tasks, api_run_json(api, &view));
    }
    *ret_output = json_pack("{s:o,s:o}", "tasks", tasks, "failures", failures_json(api, of, &outcome->lacks));
    json_t *warnings = json_array();
    for (size_t i = 0; i < outcome->warnings.len; i++)
        json_array_append_new(warnings, json_string(outcome->warnings.items[i]));
    if (json_array_size(warnings)) /* a word of davit's own, which clients of AWS pass over */
        json_object_set(*ret_output, "warnings", warnings);
    json_decref(warnings);
    return 0;
}

#define PREFIX_CHARS_MIN 4

bool api_find_run(const struct api *api, const char *cluster, const char *given, struct view_run *ret_view)
{
    if (core_view_run(api->core, cluster, given, ret_view))
        return true;
    struct view_run_vec runs;
    size_t found = 0;
    core_view_runs(api->core, &runs);
    for (size_t i = 0; strlen(given) >= PREFIX_CHARS_MIN && i < runs.len; i++) {
        if (!text_equal(runs.items[i].run->cluster, cluster) ||
            !text_starts_with(runs.items[i].run->id, given))
            continue;
        *ret_view = runs.items[i];
        found++;
    }
    vector_deinit(&runs);
    return found == 1;
}

/* given: an id, or the beginning of one. */
static bool is_of_service(const struct api *api, const char *cluster, const char *id, char **ret_service)
{
    struct view_service view;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++) {
        struct task_vec tasks CLEANUP(task_vec_deinit) = {0};
        if (text_equal(view.cluster, cluster))
            core_view_tasks(api->core, cluster, view.name, api->now_ms(api->data), &tasks);
        for (size_t t = 0; t < tasks.len; t++)
            if (strlen(id) >= PREFIX_CHARS_MIN && text_starts_with(tasks.items[t].id, id)) {
                *ret_service = service_key(cluster, view.name);
                return true;
            }
    }
    return false;
}

/* The id, which may be given as an ARN, or by its beginning where that is the only one. Borrowed. */
static int find_task(const struct api *api, const char *cluster, const char *given, struct view_run *ret_view,
                     struct api_fault *fault)
{
    char *of CLEANUP_FREE = NULL;
    char *service CLEANUP_FREE = NULL;
    const char *id = given ? api_name_of(given, "task", &of) : NULL;
    if (!given)
        return api_fault_invalid(fault, "Task can not be blank.");
    if (!id || (of && !text_equal(of, cluster)))
        return api_fault_invalid(fault,
                                 "Invalid identifier: Identifier is for cluster %s. Your cluster is %s",
                                 of ? of : "?", cluster);
    if (api_find_run(api, cluster, id, ret_view))
        return 0;
    if (is_of_service(api, cluster, id, &service))
        return api_fault_client(fault,
                                "task %.12s is one of service %s, which would start another in its place; "
                                "change desiredCount in the repository, or davit suspend",
                                id, service);
    return api_fault_invalid(fault, "The referenced task was not found. There is no task %.64s in cluster %s",
                             id, cluster);
}

int api_stop_task(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const char *cluster;
    struct view_run view = {0};
    const char *reason = model_string(input, "reason");
    int r = api_input_cluster(api, input, &cluster, fault);
    if (r < 0 || (r = find_task(api, cluster, model_string(input, "task"), &view, fault)) < 0)
        return r;
    assert(view.run);
    if (reason && strlen(reason) > LIMIT_STOP_REASON_CHARS)
        return api_fault_invalid(fault, "reason has %zu characters, at most %d", strlen(reason),
                                 LIMIT_STOP_REASON_CHARS);
    char id[ID_HEX_SIZE];
    memcpy(id, view.run->id, sizeof id);
    char *suspended CLEANUP_FREE = core_cluster_suspended(api->core, cluster);
    if (suspended && !view.run->stop_code)
        return api_fault_client(fault, "cluster %s is %s: nothing is stopped in it", cluster, suspended);
    struct event event = {.kind = EVENT_STOP_TASK,
                          .stop_task = {.cluster = memory_strdup(cluster),
                                        .task = memory_strdup(id),
                                        .reason = memory_strdup(reason && *reason ? reason : NULL)}};
    api->post(api->data, &event);
    if (!core_view_run(api->core, cluster, id, &view))
        return api_fault_unavailable(fault, "davit is stopping");
    *ret_output = json_pack("{s:o}", "task", api_run_json(api, &view));
    return 0;
}
