/* What is to happen by the clock: expressions that are none, or never come true, and time zones that there
 * are not are refused where they stand. */
#include "manifest/kind_read.h"

#include "base/map.h"
#include "base/memory.h"
#include "manifest/kind_members.h"
#include "manifest/override.h"
#include "model/change_window.h"
#include "model/json.h"
#include "model/scheduled_task.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define EXPRESSIONS "such as rate(5 minutes), cron(0 3 * * ? *) or at(2030-01-01T03:00:00), as in EventBridge"

/* `pointer`, `message` and `hint` are taken over. */
static void report(struct diagnostics *diagnostics, char *pointer, char *message, char *hint)
{
    kind_report(diagnostics, (struct kind_fault){.severity = SEVERITY_ERROR,
                                                 .code = "value",
                                                 .pointer = pointer,
                                                 .message = message,
                                                 .hint = hint});
}

/* False after a report. */
static bool check_zone(const char *name, const char *pointer, struct diagnostics *diagnostics)
{
    static const char and_then[] = "; "; /* the remedy stands behind it */
    struct time_zone zone;
    struct error err = ERROR_INIT;
    if (!name || time_zone_find(name, &zone, &err) == 0)
        return true;
    char *message = memory_strdup(err.message);
    char *hint = strstr(message, and_then);
    if (hint) {
        *hint = '\0';
        hint = memory_strdup(hint + strlen(and_then));
    }
    report(diagnostics, memory_strdup(pointer), message, hint);
    return false;
}

/* EventBridge Scheduler refuses a schedule that ends before it begins. */
static void check_dates(const json_t *value, struct diagnostics *diagnostics)
{
    static const char *const members[] = {"StartDate", "EndDate"};
    int64_t dates_s[ARRAY_LEN(members)];
    size_t found = 0;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const json_t *date = json_object_get(value, members[i]);
        if (scheduled_task_date(date, &dates_s[i]))
            found++;
        else if (json_is_string(date) || json_is_number(date))
            report(diagnostics, memory_printf("/%s", members[i]), memory_printf("%s is no time", members[i]),
                   memory_strdup("such as 2030-01-31T12:00:00Z, with its zone, or seconds since 1970"));
    }
    if (found == ARRAY_LEN(members) && dates_s[1] < dates_s[0])
        report(diagnostics, memory_strdup("/EndDate"),
               memory_strdup("EndDate is before StartDate: it would never be due"),
               memory_strdup("take a later EndDate, or an earlier StartDate"));
}

/* A schedule of EventBridge Scheduler has a Target, a rule has Targets, no time zone and no at(). `schedule`
 * is NULL where the expression is none. */
static void check_rule(const json_t *value, const struct schedule *schedule, struct diagnostics *diagnostics)
{
    if (!json_object_get(value, "Targets"))
        return;
    if (schedule && schedule->kind == SCHEDULE_AT)
        report(diagnostics, memory_strdup("/ScheduleExpression"),
               memory_strdup("a rule of EventBridge, which has Targets, recurs: at() is of a schedule"),
               memory_strdup("write one Target instead of Targets, or cron(...) or rate(...)"));
    if (json_object_get(value, "ScheduleExpressionTimezone"))
        report(diagnostics, memory_strdup("/ScheduleExpressionTimezone"),
               memory_strdup("a rule of EventBridge, which has Targets, goes by UTC: the time zone is of a "
                             "schedule"),
               memory_strdup("write one Target instead of Targets, or remove the time zone"));
}

static void check_gap(const json_t *value, const struct schedule *schedule, struct diagnostics *diagnostics)
{
    struct time_zone zone;
    int64_t at_s;
    const char *name = model_string(value, "ScheduleExpressionTimezone");
    if (schedule->kind != SCHEDULE_AT || time_zone_find(name ? name : "UTC", &zone, NULL) < 0 ||
        time_zone_to_utc(&zone, schedule->at_s, &at_s) != WALL_NEVER)
        return;
    report(diagnostics, memory_strdup("/ScheduleExpression"),
           memory_printf("%s: clocks are put forward over that time in %s: it never comes",
                         model_string(value, "ScheduleExpression"), name),
           memory_strdup("take a time an hour earlier or later"));
}

/* The overrides of the task, in a text. `pointer` is taken over. */
static void check_input(const json_t *target, char *pointer, struct diagnostics *diagnostics)
{
    const char *input = model_string(target, "Input");
    json_t *overrides = input ? json_loads(input, 0, NULL) : NULL;
    char *near CLEANUP_FREE = NULL;
    struct error err = ERROR_INIT;
    if (input && !json_is_object(overrides))
        report(
            diagnostics, pointer, memory_strdup("Input is no JSON object: it is the overrides of the task"),
            memory_strdup("such as {\"containerOverrides\":[{\"name\":\"app\",\"command\":[\"report\"]}]}"));
    else if (input && manifest_override_check(overrides, &near, &err) < 0)
        report(diagnostics, pointer, memory_printf("Input: %s", error_text(&err)),
               near ? memory_printf("did you mean \"%s\"?", near) : NULL);
    else
        free(pointer);
    json_decref(overrides);
}

/* `pointer` is taken over. */
static void check_target(const json_t *target, char *pointer, struct diagnostics *diagnostics)
{
    char *at CLEANUP_FREE = pointer;
    char *strategy CLEANUP_FREE = memory_printf("%s/EcsParameters/CapacityProviderStrategy", at);
    check_input(target, memory_printf("%s/Input", at), diagnostics);
    kind_capacity_check(json_object_get(json_object_get(target, "EcsParameters"), "CapacityProviderStrategy"),
                        strategy, SEVERITY_ERROR, diagnostics);
}

/* EventBridge refuses two targets of one Id. */
static void check_ids(const json_t *targets, struct diagnostics *diagnostics)
{
    size_t i;
    json_t *item;
    struct map seen CLEANUP(map_deinit) = {0};
    json_array_foreach ((json_t *)(uintptr_t)targets, i, item) {
        const char *id = model_string(item, "Id");
        if (id && map_get(&seen, id))
            kind_report(diagnostics,
                        (struct kind_fault){.severity = SEVERITY_ERROR,
                                            .code = "duplicate",
                                            .pointer = memory_printf("/Targets/%zu/Id", i),
                                            .message = memory_printf("target \"%s\" is declared twice", id),
                                            .hint = memory_strdup("give one of them another Id")});
        if (id)
            map_put(&seen, id, item);
    }
}

static void check_targets(const json_t *value, struct diagnostics *diagnostics)
{
    size_t i;
    json_t *item;
    const json_t *target = json_object_get(value, "Target");
    const json_t *targets = json_object_get(value, "Targets");
    check_target(target, memory_strdup("/Target"), diagnostics);
    json_array_foreach (targets, i, item)
        check_target(item, memory_printf("/Targets/%zu", i), diagnostics);
    check_ids(targets, diagnostics);
    if (target && targets)
        report(diagnostics, memory_strdup("/Target"),
               memory_strdup("a rule has Targets and a schedule has a Target: this has both"),
               memory_strdup("remove one of the two"));
    if (!target && !targets)
        kind_report(
            diagnostics,
            (struct kind_fault){.severity = SEVERITY_WARNING,
                                .code = "no-effect",
                                .message = memory_strdup("starts nothing: it has no Target and no Targets"),
                                .hint = memory_strdup("Target: {Arn: CLUSTER, EcsParameters: "
                                                      "{TaskDefinitionArn: FAMILY}}")});
}

void kind_schedule_check(const json_t *value, struct diagnostics *diagnostics)
{
    assert(value);
    check_targets(value, diagnostics);
    const char *expression = model_string(value, "ScheduleExpression");
    struct schedule schedule;
    struct error err = ERROR_INIT;
    bool zone = check_zone(model_string(value, "ScheduleExpressionTimezone"), "/ScheduleExpressionTimezone",
                           diagnostics);
    bool parsed = expression && schedule_parse(expression, &schedule, &err) == 0;
    if (expression && !parsed)
        report(diagnostics, memory_strdup("/ScheduleExpression"),
               memory_printf("%s: %s", expression, err.message), memory_strdup(EXPRESSIONS));
    check_rule(value, parsed ? &schedule : NULL, diagnostics);
    check_dates(value, diagnostics);
    if (zone && parsed)
        check_gap(value, &schedule, diagnostics);
}

void kind_schedule_read(json_t *value, struct kind_object *object)
{
    assert(value);
    object->key = memory_strdup(model_string(value, "Name"));
    kind_members_strip(kind_members(KIND_SCHEDULED_TASK), value);
    object->scheduled_task = scheduled_task_new(value); /* NULL where it has errors */
}

void kind_windows_check(const json_t *value, struct diagnostics *diagnostics)
{
    assert(value);
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json_object_get(value, "davit"), "changeWindows"), i, item) {
        const char *schedule = model_string(item, "schedule");
        const char *timezone = model_string(item, "timezone");
        struct change_window window;
        struct error err = ERROR_INIT;
        char *pointer CLEANUP_FREE = memory_printf("/davit/changeWindows/%zu/timezone", i);
        bool zone = check_zone(timezone, pointer, diagnostics);
        if (schedule && change_window_parse(schedule, zone ? timezone : NULL, &window, &err) < 0)
            report(diagnostics, memory_printf("/davit/changeWindows/%zu/schedule", i),
                   memory_printf("%s: %s", schedule, err.message),
                   memory_strdup("such as cron(0 2 ? * SUN *) or at(2030-12-20T00:00:00)"));
    }
}
