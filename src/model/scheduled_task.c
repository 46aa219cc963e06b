#include "model/scheduled_task.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_S 86400 /* EventBridge's */
#define ATTEMPTS   185
#define LATEST_S   253402300799 /* the end of the year 9999, the last that RFC 3339 can say */

/* "arn:aws:ecs:...:cluster/prod" is "prod". Borrowed. */
static const char *tail_of(const char *text)
{
    const char *slash = strrchr(text, '/');
    return slash ? slash + 1 : text;
}

static int64_t int_or(const json_t *json, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(json, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static void copy_member(json_t *request, const char *name, const json_t *parameters, const char *member)
{
    json_t *value = json_object_get(parameters, member);
    if (value && !json_is_null(value))
        json_object_set(request, name, value);
}

static struct scheduled_run run_of(const json_t *target)
{
    const json_t *parameters = json_object_get(target, "EcsParameters");
    const json_t *retry = json_object_get(target, "RetryPolicy");
    const char *input = model_string(target, "Input");
    struct scheduled_run run = {.cluster = memory_strdup(tail_of(model_string(target, "Arn"))),
                                .deadline_s = int_or(retry, "MaximumEventAgeInSeconds", DEADLINE_S),
                                .attempts = (int)int_or(retry, "MaximumRetryAttempts", ATTEMPTS)};
    run.request = json_pack("{s:s,s:s}", "cluster", run.cluster, "taskDefinition",
                            tail_of(model_string(parameters, "TaskDefinitionArn")));
    copy_member(run.request, "count", parameters, "TaskCount");
    copy_member(run.request, "group", parameters, "Group");
    copy_member(run.request, "placementConstraints", parameters, "PlacementConstraints");
    copy_member(run.request, "placementStrategy", parameters, "PlacementStrategy");
    copy_member(run.request, "launchType", parameters, "LaunchType");
    copy_member(run.request, "capacityProviderStrategy", parameters, "CapacityProviderStrategy");
    json_t *overrides = input ? json_loads(input, 0, NULL) : NULL;
    if (json_object_size(overrides))
        json_object_set(run.request, "overrides", overrides);
    json_decref(overrides);
    return run;
}

static bool is_target(const json_t *target)
{
    return model_string(target, "Arn") &&
           model_string(json_object_get(target, "EcsParameters"), "TaskDefinitionArn");
}

bool scheduled_task_date(const json_t *value, int64_t *ret_s)
{
    assert(ret_s);
    int64_t at_ms = 0;
    if (json_is_number(value) && json_number_value(value) >= 0 && json_number_value(value) <= LATEST_S)
        *ret_s = (int64_t)json_number_value(value);
    else if (json_is_string(value) && text_to_time_ms(json_string_value(value), &at_ms) == 0)
        *ret_s = at_ms / 1000;
    else
        return false;
    return true;
}

/* 0 where there is none. */
static int64_t date_of(const json_t *json, const char *member)
{
    int64_t at_s;
    return scheduled_task_date(json_object_get(json, member), &at_s) ? at_s : 0;
}

static enum concurrency_policy concurrency_of(const json_t *json)
{
    const char *name = model_string(json_object_get(json, "davit"), "concurrencyPolicy");
    return text_equal(name, "Forbid")    ? CONCURRENCY_FORBID
           : text_equal(name, "Replace") ? CONCURRENCY_REPLACE
                                         : CONCURRENCY_ALLOW;
}

static struct digest digest_of_times(const json_t *json)
{
    static const char *const members[] = {"ScheduleExpression", "ScheduleExpressionTimezone", "StartDate"};
    json_t *times = json_object();
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_object_get(json, members[i]))
            json_object_set(times, members[i], json_object_get(json, members[i]));
    struct digest digest = digest_of_json(times);
    json_decref(times);
    return digest;
}

struct scheduled_task *scheduled_task_new(const json_t *json)
{
    const char *name = model_string(json, "Name");
    const char *expression = model_string(json, "ScheduleExpression");
    const char *zone = model_string(json, "ScheduleExpressionTimezone");
    const json_t *target = json_object_get(json, "Target");
    struct scheduled_task *task = NEW(struct scheduled_task);
    task->refs = 1;
    if (!name || !expression || schedule_parse(expression, &task->schedule, NULL) < 0 ||
        time_zone_find(zone ? zone : "UTC", &task->zone, NULL) < 0) {
        free(task);
        return NULL;
    }
    task->name = memory_strdup(name);
    task->started_by = memory_printf("%s/%s", target ? "chronos-schedule" : "events-rule", name);
    task->disabled = text_equal(model_string(json, "State"), "DISABLED");
    task->start_s = date_of(json, "StartDate");
    task->end_s = date_of(json, "EndDate");
    task->concurrency = concurrency_of(json);
    size_t i;
    json_t *item;
    if (is_target(target))
        vector_push(&task->runs, run_of(target));
    json_array_foreach (json_object_get(json, "Targets"), i, item)
        if (is_target(item))
            vector_push(&task->runs, run_of(item));
    task->digest = digest_of_times(json);
    task->json = json_incref((json_t *)(uintptr_t)json);
    return task;
}

struct scheduled_task *scheduled_task_ref(struct scheduled_task *task)
{
    assert(task && task->refs > 0);
    task->refs++;
    return task;
}

void scheduled_task_unref(struct scheduled_task *task)
{
    if (!task)
        return;
    assert(task->refs > 0);
    if (--task->refs)
        return;
    free(task->name);
    free(task->started_by);
    for (size_t i = 0; i < task->runs.len; i++) {
        free(task->runs.items[i].cluster);
        json_decref(task->runs.items[i].request);
    }
    vector_deinit(&task->runs);
    json_decref(task->json);
    free(task->file);
    free(task);
}

bool scheduled_task_next(const struct scheduled_task *task, int64_t since_s, int64_t after_s, int64_t *ret_s)
{
    assert(task);
    assert(ret_s);
    const struct schedule_clock clock = {
        .zone = &task->zone, .gap = SCHEDULE_GAP_SKIP, .anchor_s = task->start_s ? task->start_s : since_s};
    int64_t at_s = task->start_s; /* of a rate the first is at StartDate itself */
    int64_t from_s = task->start_s > after_s ? task->start_s - 1 : after_s;
    bool first = task->schedule.kind == SCHEDULE_RATE && after_s < task->start_s;
    if (task->disabled || (!first && !schedule_next_at(&task->schedule, &clock, from_s, &at_s)) ||
        (task->end_s && at_s > task->end_s))
        return false;
    *ret_s = at_s;
    return true;
}

int64_t scheduled_task_deadline_s(const struct scheduled_task *task)
{
    assert(task);
    int64_t longest_s = 0;
    for (size_t i = 0; i < task->runs.len; i++)
        if (task->runs.items[i].deadline_s > longest_s)
            longest_s = task->runs.items[i].deadline_s;
    return longest_s;
}
