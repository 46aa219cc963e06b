/* The members of ECS's RunTask. */
#include "base/text.h"
#include "core/core.h"
#include "manifest/kind_members.h"
#include "model/json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Of those without effect run_request_warn() tells. */
static const char *const members[] = {
    "cluster",
    "taskDefinition",
    "count",
    "group",
    "startedBy",
    "clientToken",
    "overrides",
    "placementConstraints",
    "placementStrategy",
    "launchType",
    "networkConfiguration",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "tags",
    "referenceId",
    "platformVersion",
    "capacityProviderStrategy",
};

/* What would be another run than the one that is asked for. */
static const struct {
    const char *member;
    const char *remedy;
} refused[] = {
    {"volumeConfigurations", "davit makes no EBS volumes; the volumes are those of the task definition"},
};

static const char started_by_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/";

static int check_members(const json_t *json, struct error *err)
{
    const char *name;
    json_t *value;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (json_object_get(json, refused[i].member))
            return error_set(err, ERROR_UNSUPPORTED, "%s: %s", refused[i].member, refused[i].remedy);
    json_object_foreach ((json_t *)(uintptr_t)json, name, value) {
        size_t i = 0;
        while (i < ARRAY_LEN(members) && !text_equal(members[i], name))
            i++;
        if (i < ARRAY_LEN(members))
            continue;
        const char *near = text_nearest(name, members, ARRAY_LEN(members));
        return error_set(err, ERROR_INVALID, "RunTask has no member %.100s%s%s", name,
                         near ? "; did you mean " : "", near ? near : "");
    }
    return 0;
}

/* NULL with 0 when it is absent. */
static int read_text(const json_t *json, const char *name, size_t max_chars, const char **ret_text,
                     struct error *err)
{
    const json_t *value = json_object_get(json, name);
    *ret_text = json_string_value(value);
    if (value && !json_is_null(value) && (!*ret_text || !**ret_text))
        return error_set(err, ERROR_INVALID, "%s: expected a text", name);
    if (*ret_text && strlen(*ret_text) > max_chars)
        return error_set(err, ERROR_LIMIT, "%s has %zu characters, at most %zu", name, strlen(*ret_text),
                         max_chars);
    return 0;
}

static int read_count(const json_t *json, struct run_request *request, struct error *err)
{
    const json_t *count = json_object_get(json, "count");
    request->count = 1;
    if (!count || json_is_null(count))
        return 0;
    if (!json_is_integer(count) || json_integer_value(count) < 1 ||
        json_integer_value(count) > LIMIT_RUN_COUNT)
        return error_set(err, ERROR_INVALID, "count: expected 1 to %d tasks", LIMIT_RUN_COUNT);
    request->count = (int)json_integer_value(count);
    return 0;
}

static int read_group(const json_t *json, struct run_request *request, struct error *err)
{
    int r = read_text(json, "group", LIMIT_GROUP_CHARS, &request->group, err);
    if (r == 0 && request->group &&
        (text_starts_with(request->group, "service:") || text_starts_with(request->group, "pre-deploy:")))
        return error_set(
            err, ERROR_INVALID,
            "group: \"service:\" and \"pre-deploy:\" are what groups of services begin with; take another "
            "name");
    return r;
}

static int read_started_by(const json_t *json, struct run_request *request, struct error *err)
{
    int r = read_text(json, "startedBy", LIMIT_STARTED_BY_CHARS, &request->started_by, err);
    if (r == 0 && request->started_by &&
        strspn(request->started_by, started_by_chars) != strlen(request->started_by))
        return error_set(err, ERROR_INVALID, "startedBy: expected letters, digits, '-', '_' and '/'");
    return r;
}

/* A constraint that nobody can read would be one that no instance satisfies. */
static int read_constraints(const json_t *json, struct error *err)
{
    size_t i;
    json_t *item;
    const json_t *list = json_object_get(json, "placementConstraints");
    if (list && !json_is_array(list))
        return error_set(err, ERROR_INVALID, "placementConstraints: expected a list");
    if (json_array_size(list) > LIMIT_PLACEMENT_CONSTRAINTS)
        return error_set(err, ERROR_LIMIT, "placementConstraints: %zu of them, at most %d",
                         json_array_size(list), LIMIT_PLACEMENT_CONSTRAINTS);
    json_array_foreach (list, i, item) {
        const char *type = model_string(item, "type");
        const char *expression = model_string(item, "expression");
        struct query *query = NULL;
        if (text_equal(type, "distinctInstance") && !expression)
            continue;
        if (!text_equal(type, "memberOf") || !expression)
            return error_set(err, ERROR_INVALID,
                             "placementConstraints[%zu]: expected type distinctInstance, or memberOf with an "
                             "expression",
                             i);
        int r = query_compile(expression, &query, NULL, err);
        query_free(query);
        if (r < 0)
            return error_wrap(err, r, "placementConstraints[%zu]", i);
    }
    return 0;
}

static int read_strategies(const json_t *json, struct error *err)
{
    size_t i;
    json_t *item;
    const json_t *list = json_object_get(json, "placementStrategy");
    if (list && !json_is_array(list))
        return error_set(err, ERROR_INVALID, "placementStrategy: expected a list");
    if (json_array_size(list) > LIMIT_PLACEMENT_STRATEGIES)
        return error_set(err, ERROR_LIMIT, "placementStrategy: %zu of them, at most %d",
                         json_array_size(list), LIMIT_PLACEMENT_STRATEGIES);
    json_array_foreach (list, i, item) {
        struct placement_strategy strategy = {0};
        int r =
            placement_strategy_parse(model_string(item, "type"), model_string(item, "field"), &strategy, err);
        if (r < 0)
            return error_wrap(err, r, "placementStrategy[%zu]", i);
        free(strategy.attribute);
    }
    return 0;
}

/* ECS's bounds; missing is 0. */
static int read_share(const json_t *item, const char *name, json_int_t max, struct error *err)
{
    const json_t *value = json_object_get(item, name);
    json_int_t number = json_integer_value(value);
    if (value && !json_is_null(value) && (!json_is_integer(value) || number < 0 || number > max))
        return error_set(err, ERROR_INVALID, "%s: expected 0 to %lld", name, (long long)max);
    return 0;
}

static int read_capacity(const json_t *json, struct error *err)
{
    static const char name[] = "capacityProviderStrategy";
    const json_t *list = json_object_get(json, name);
    const char *launch_type;
    size_t i;
    json_t *item;
    int r = read_text(json, "launchType", LIMIT_NAME_CHARS, &launch_type, err);
    if (r < 0)
        return r;
    if (list && !json_is_array(list))
        return error_set(err, ERROR_INVALID, "%s: expected a list", name);
    if (json_array_size(list) > LIMIT_CAPACITY_PROVIDERS)
        return error_set(err, ERROR_LIMIT, "%s: %zu of them, at most %d", name, json_array_size(list),
                         LIMIT_CAPACITY_PROVIDERS);
    if (launch_type && json_array_size(list))
        return error_set(err, ERROR_INVALID, "launchType and %s exclude each other", name);
    json_array_foreach (list, i, item) {
        if (!model_string(item, "capacityProvider"))
            return error_set(err, ERROR_INVALID, "%s[%zu]: expected a capacityProvider", name, i);
        r = read_share(item, "weight", 1000, err);
        if (r == 0)
            r = read_share(item, "base", 100000, err);
        if (r < 0)
            return error_wrap(err, r, "%s[%zu]", name, i);
    }
    return 0;
}

/* The same words as of a service; tags are of the manifest there, and no service has a referenceId. */
void run_request_warn(const json_t *json, struct string_vec *warnings)
{
    assert(warnings);
    static const char *const shared[] = {"launchType",    "networkConfiguration", "platformVersion",
                                         "propagateTags", "enableECSManagedTags", "enableExecuteCommand"};
    static const struct kind_member own[] = {
        {.name = "tags", .effect = KIND_IGNORED, .reason = "tasks get no tags"},
        {.name = "referenceId", .effect = KIND_IGNORED, .reason = "nothing reads it"},
        {0}};
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    json_t *subset CLEANUP(json_decrefp) = json_object();
    for (size_t i = 0; i < ARRAY_LEN(shared); i++)
        if (json_object_get(json, shared[i]))
            json_object_set(subset, shared[i], json_object_get(json, shared[i]));
    kind_members_check(kind_members(KIND_SERVICE), subset, "", &diagnostics);
    kind_members_check(own, json, "", &diagnostics);
    for (size_t i = 0; i < diagnostics.list.len; i++)
        vector_push(warnings, memory_strdup(diagnostics.list.items[i].message));
}

int run_request_read(const json_t *json, struct run_request *ret_request, struct error *err)
{
    assert(ret_request);
    struct run_request request = {.placement = json};
    if (!json_is_object(json))
        return error_set(err, ERROR_INVALID, "expected the members of RunTask");
    int r = check_members(json, err);
    if (r == 0)
        r = read_text(json, "cluster", LIMIT_NAME_CHARS, &request.cluster, err);
    if (r == 0)
        r = read_text(json, "taskDefinition", LIMIT_NAME_CHARS + 12, &request.task_definition, err);
    if (r == 0 && !request.task_definition)
        r = error_set(err, ERROR_INVALID, "TaskDefinition can not be blank.");
    if (r == 0)
        r = read_count(json, &request, err);
    if (r == 0)
        r = read_group(json, &request, err);
    if (r == 0)
        r = read_started_by(json, &request, err);
    if (r == 0)
        r = read_text(json, "clientToken", LIMIT_CLIENT_TOKEN_CHARS, &request.client_token, err);
    if (r == 0)
        r = read_constraints(json, err);
    if (r == 0)
        r = read_strategies(json, err);
    if (r == 0)
        r = read_capacity(json, err);
    if (r < 0)
        return r;
    if (!request.cluster)
        request.cluster = "default";
    const json_t *overrides = json_object_get(json, "overrides");
    request.overrides = json_is_null(overrides) ? NULL : overrides;
    if (request.client_token)
        request.digest = digest_of_json(json);
    *ret_request = request;
    return 0;
}
