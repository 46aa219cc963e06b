/* Scheduled tasks, rows S of core.h. It is a Tuesday, 22:13:20 UTC, when a fixture begins. */
#include "fixture.h"

#include "base/limits.h"
#include "base/text.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define TO_23_MS  (INT64_C(2800000)) /* 23:00 UTC */

#define DEFINITION                                                                                           \
    "{\"family\":\"report\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"n\",\"memory\":64}]}"
#define HOURLY "cron(0 * * * ? *)"
#define SCHEDULE(expression, more, target)                                                                   \
    "{\"Name\":\"nightly.report\",\"ScheduleExpression\":\"" expression "\"" more                            \
    ",\"Target\":{\"Arn\":\"c\",\"EcsParameters\":{\"TaskDefinitionArn\":\"report\"}" target "}}"

static struct fixture *fixture_of(const char *schedule)
{
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(fixture, "report.json", DEFINITION);
    fixture_file(fixture, "schedule.json", schedule);
    fixture_run(fixture);
    return fixture;
}

/* Those that were started, or only those that go on. */
static int count(const struct fixture *fixture, bool going_on)
{
    struct view_run_vec runs;
    int count = 0;
    core_view_runs(fixture->core, &runs);
    for (size_t i = 0; i < runs.len; i++)
        count += !going_on || !runs.items[i].run->stop_code;
    vector_deinit(&runs);
    return count;
}

static struct view_schedule view_of(const struct fixture *fixture)
{
    struct view_schedule view;
    assert_true(core_view_schedule_at(fixture->core, 0, &view));
    assert_false(core_view_schedule_at(fixture->core, 1, &view));
    assert_true(core_view_schedule_at(fixture->core, 0, &view));
    return view;
}

static void after(struct fixture *fixture, int64_t ms)
{
    fixture_after(fixture, ms);
    fixture_run(fixture);
}

static void test_what_is_due_is_started(void **state) /* S1, S2 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of(SCHEDULE(HOURLY, "",
                            ",\"Input\":\"{\\\"containerOverrides\\\":[{\\\"name\\\":\\\"app\\\","
                            "\\\"command\\\":[\\\"report\\\"]}]}\""));
    fixture_turn(fixture);
    assert_int_equal(count(fixture, false), 0);
    assert_int_equal(view_of(fixture).next_ms, FIRST_MS + TO_23_MS);
    after(fixture, TO_23_MS - 1);
    assert_int_equal(count(fixture, false), 0);
    after(fixture, 1);
    assert_int_equal(count(fixture, false), 1);
    struct view_run_vec runs;
    core_view_runs(fixture->core, &runs);
    const struct run *run = runs.items[0].run;
    assert_string_equal(run->started_by, "chronos-schedule/nightly.report");
    assert_string_equal(run->group, "family:report");
    assert_non_null(run->overrides);
    assert_int_equal(runs.items[0].status, TASK_RUNNING);
    struct view_schedule view = view_of(fixture);
    assert_int_equal(view.last_due_ms, FIRST_MS + TO_23_MS);
    assert_int_equal(view.next_ms, FIRST_MS + TO_23_MS + HOUR_MS);
    assert_int_equal(view.tasks->len, 1);
    assert_string_equal(view.tasks->items[0] + 2, run->id);
    vector_deinit(&runs);
    after(fixture, HOUR_MS); /* Allow: beside the one before */
    assert_int_equal(count(fixture, true), 2);
}

static const char *last_event(const struct fixture *fixture)
{
    struct view_schedule view = view_of(fixture);
    return view.events_len ? view_schedule_event(&view, view.events_len - 1)->message : "";
}

/* The only container of the task that was started last. */
static void exits_with(struct fixture *fixture, int exit_code)
{
    struct task_vec tasks;
    struct view_schedule view = view_of(fixture);
    struct view_schedule_run run = {0};
    for (size_t i = 0; !run.run_ms; i++)
        core_view_schedule_run(fixture->core, &view, i, &run);
    core_view_run_tasks(fixture->core, "c", run.tasks->items[0] + 2, fixture->now_ms, &tasks);
    struct container *container = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    container->status = CONTAINER_STOPPED;
    container->has_exit_code = true;
    container->exit_code = exit_code;
    container->finished_ms = fixture->now_ms;
    fixture_step(fixture, (struct event){.kind = EVENT_CONTAINER,
                                         .engine = {.instance = memory_strdup(container->instance),
                                                    .container = container}});
    fixture_run(fixture);
    fixture_turn(fixture);
}

static void test_the_result_is_kept(void **state) /* S11 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    after(fixture, TO_23_MS);
    assert_null(view_of(fixture).result);
    char *event CLEANUP_FREE =
        memory_printf("(scheduled task nightly.report) has started 1 tasks: (task %s).",
                      view_of(fixture).tasks->items[0] + 2);
    assert_string_equal(last_event(fixture), event);
    exits_with(fixture, 3);
    assert_string_equal(view_of(fixture).result, "failed: container app exited with code 3");
    assert_non_null(strstr(last_event(fixture), "has failed: container app exited with code 3 (task "));
    after(fixture, HOUR_MS);
    exits_with(fixture, 0);
    assert_string_equal(view_of(fixture).result, "succeeded");
    assert_string_equal(last_event(fixture), "(scheduled task nightly.report) has succeeded.");
    assert_int_equal(view_of(fixture).runs_len, 2);
    struct view_schedule view = view_of(fixture);
    struct view_schedule_run run;
    core_view_schedule_run(fixture->core, &view, 1, &run);
    assert_int_equal(run.due_ms, FIRST_MS + TO_23_MS);
    assert_string_equal(run.result, "failed: container app exited with code 3");
}

static int warnings(const struct fixture *fixture)
{
    int count = 0;
    for (size_t i = 0; fixture_effect(fixture, EFFECT_SAVE, i); i++)
        count += fixture_effect(fixture, EFFECT_SAVE, i)->change.warning;
    return count;
}

/* What ran before does not go on telling that all is well, S10. */
static void test_not_started_is_a_result(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    after(fixture, TO_23_MS);
    exits_with(fixture, 0);
    fixture_file(fixture, "report.json",
                 "{\"family\":\"report\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"n\","
                 "\"memory\":64000000}]}");
    fixture_run(fixture);
    fixture_after(fixture, HOUR_MS);
    fixture_turn(fixture);
    assert_int_equal(warnings(fixture), 1);
    assert_int_equal(view_of(fixture).last_due_ms, FIRST_MS + TO_23_MS + HOUR_MS);
    assert_int_equal(view_of(fixture).last_run_ms, FIRST_MS + TO_23_MS);
    assert_int_equal(view_of(fixture).tasks->len, 0);
    assert_true(text_starts_with(view_of(fixture).result, "not started: "));
    assert_true(text_starts_with(last_event(fixture), "(scheduled task nightly.report) was not started: "));
    size_t events = view_of(fixture).events_len;
    fixture_after(fixture, 10000);
    fixture_turn(fixture);
    assert_int_equal(view_of(fixture).events_len, events); /* the next try says nothing new */
    assert_int_equal(warnings(fixture), 0);
    fixture_file(fixture, "report.json", DEFINITION);
    fixture_run(fixture);
    after(fixture, MINUTE_MS);
    assert_null(view_of(fixture).result);
    exits_with(fixture, 0);
    assert_string_equal(view_of(fixture).result, "succeeded");
}

/* What is forbidden says so, and what was before has its own end, S4, S11. */
static void test_forbidden_is_a_result(void **state)
{
    (void)state;
    struct view_schedule_run run;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of(SCHEDULE(HOURLY, ",\"davit\":{\"concurrencyPolicy\":\"Forbid\"}", ""));
    after(fixture, TO_23_MS);
    after(fixture, HOUR_MS);
    struct view_schedule view = view_of(fixture);
    assert_int_equal(view.last_due_ms, FIRST_MS + TO_23_MS + HOUR_MS);
    assert_string_equal(view.result, "not started: the run before is still going on (Forbid)");
    core_view_schedule_run(fixture->core, &view, 1, &run);
    assert_null(run.result);
    assert_int_equal(run.tasks->len, 1);
    exits_with(fixture, 3);
    core_view_schedule_run(fixture->core, &view, 1, &run);
    assert_string_equal(run.result, "failed: container app exited with code 3");
}

static void test_the_oldest_time_is_forgotten(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    after(fixture, TO_23_MS);
    for (int i = 0; i < LIMIT_SCHEDULE_RUNS; i++)
        after(fixture, HOUR_MS);
    struct view_schedule view = view_of(fixture);
    struct view_schedule_run run;
    assert_int_equal(view.runs_len, LIMIT_SCHEDULE_RUNS);
    core_view_schedule_run(fixture->core, &view, LIMIT_SCHEDULE_RUNS - 1, &run);
    assert_int_equal(run.due_ms, FIRST_MS + TO_23_MS + HOUR_MS);
}

static void test_it_wakes_when_it_is_due(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(fixture, "report.json", DEFINITION);
    fixture_file(fixture, "schedule.json", SCHEDULE("rate(5 minutes)", "", ""));
    assert_true(core_is_dirty(fixture->core));
    fixture_turn(fixture);
    const struct effect *wake = fixture_effect(fixture, EFFECT_WAKE, 0);
    assert_non_null(wake);
    assert_int_equal(wake->at_ms / 1000, FIRST_MS / 1000 + 300);
    assert_int_equal(fixture_effect(fixture, EFFECT_SAVE, 0)->change.kind, LEDGER_SCHEDULE);
    fixture_turn(fixture);
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0)); /* nothing is written in between */
}

static void test_missed_once(void **state) /* S3, S8 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    after(fixture, TO_23_MS + 5 * HOUR_MS + 10 * MINUTE_MS);
    assert_int_equal(count(fixture, false), 1);
    assert_int_equal(view_of(fixture).last_due_ms, FIRST_MS + TO_23_MS + 5 * HOUR_MS);
    after(fixture, -2 * HOUR_MS); /* the clock is put back */
    after(fixture, HOUR_MS);
    assert_int_equal(count(fixture, false), 1);
    after(fixture, 2 * HOUR_MS);
    assert_int_equal(count(fixture, false), 2);
}

static void test_the_last_run_of_an_older_ledger(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct event event = {.kind = EVENT_LEDGER};
    event.ledger.kind = LEDGER_SCHEDULE;
    event.ledger.name = memory_strdup("nightly.report");
    event.ledger.entry =
        json_pack("{s:I,s:I,s:s,s:[s]}", "lastDue", (json_int_t)FIRST_MS - HOUR_MS, "lastRun",
                  (json_int_t)FIRST_MS - HOUR_MS + 5, "result", "failed: of old", "tasks", "c/1");
    fixture_step(fixture, event);
    fixture_empty(fixture, "one");
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(fixture, "report.json", DEFINITION);
    fixture_file(fixture, "schedule.json", SCHEDULE(HOURLY, "", ""));
    fixture_run(fixture);
    struct view_schedule view = view_of(fixture);
    assert_int_equal(view.last_due_ms, FIRST_MS - HOUR_MS);
    assert_int_equal(view.last_run_ms, FIRST_MS - HOUR_MS + 5);
    assert_string_equal(view.result, "failed: of old");
    assert_string_equal(view.tasks->items[0], "c/1");
    after(fixture, TO_23_MS);
    assert_int_equal(view_of(fixture).runs_len, 2);
}

/* S10: as RunTask, some of the tasks of one target. */
static void test_fewer_than_were_asked_for_are_told(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(fixture, "report.json",
                 "{\"family\":\"report\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"n\","
                 "\"memory\":64,\"portMappings\":[{\"containerPort\":80,\"hostPort\":80}]}]}");
    fixture_file(fixture, "schedule.json",
                 "{\"Name\":\"nightly.report\",\"ScheduleExpression\":\"" HOURLY "\",\"Target\":{"
                 "\"Arn\":\"c\",\"EcsParameters\":{\"TaskDefinitionArn\":\"report\",\"TaskCount\":2}}}");
    fixture_run(fixture);
    after(fixture, TO_23_MS);
    assert_int_equal(count(fixture, false), 1);
    assert_non_null(strstr(last_event(fixture), "was not started: 1 of 2 tasks: one: is already"));
    exits_with(fixture, 0);
    static const char lack[] = "not all started: 1 of 2 tasks: one: is already using port 80/tcp";
    assert_true(text_starts_with(view_of(fixture).result, lack));
    after(fixture, HOUR_MS / 2);
    assert_int_equal(count(fixture, false), 1); /* ECS: what some are missing of is not tried again */
}

static void test_what_each_instance_lacks_is_told(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(2);
    fixture_empty(fixture, "one");
    fixture_empty(fixture, "two");
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(fixture, "report.json",
                 "{\"family\":\"report\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"r\","
                 "\"memory\":900000}]}");
    fixture_file(fixture, "schedule.json", SCHEDULE(HOURLY, "", ""));
    fixture_run(fixture);
    after(fixture, TO_23_MS);
    const char *message = view_of(fixture).message;
    assert_true(text_starts_with(message, "was not started: one: has insufficient memory"));
    assert_non_null(strstr(message, "; two: has insufficient memory"));
}

static void leap(struct fixture *fixture, int64_t step_ms)
{
    fixture_leap(fixture, step_ms);
    fixture_run(fixture);
}

static void test_the_wall_clock_leaps(void **state) /* S3, S8 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    leap(fixture, TO_23_MS + 5 * HOUR_MS + 10 * MINUTE_MS);
    assert_int_equal(count(fixture, false), 1);
    assert_int_equal(view_of(fixture).last_due_ms, FIRST_MS + TO_23_MS + 5 * HOUR_MS);
    assert_int_equal(view_of(fixture).next_ms, FIRST_MS + TO_23_MS + 6 * HOUR_MS);
    after(fixture, 50 * MINUTE_MS - 1);
    assert_int_equal(count(fixture, false), 1);
    after(fixture, 1);
    assert_int_equal(count(fixture, false), 2);
    leap(fixture, -2 * HOUR_MS);
    after(fixture, 2 * HOUR_MS);
    assert_int_equal(count(fixture, false), 2); /* it was started for that hour */
    after(fixture, HOUR_MS);
    assert_int_equal(count(fixture, false), 3);
}

static void test_it_wakes_by_the_wall_clock(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    fixture_leap(fixture, 10 * MINUTE_MS);
    assert_true(core_is_dirty(fixture->core));
    fixture_turn(fixture);
    const struct effect *wake = fixture_effect(fixture, EFFECT_WAKE, 0);
    assert_non_null(wake);
    assert_int_equal(wake->at_ms, FIRST_MS + TO_23_MS - 10 * MINUTE_MS);
}

/* The machine had no battery for its clock, and davit was there before the time was. */
static void test_the_first_clock_was_wrong(void **state) /* S8 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    fixture_turn(fixture);
    leap(fixture, -10 * HOUR_MS);
    assert_int_equal(view_of(fixture).next_ms, FIRST_MS + TO_23_MS - 10 * HOUR_MS);
    after(fixture, TO_23_MS);
    assert_int_equal(count(fixture, false), 1);
}

static void test_a_rate_counts_on(void **state) /* S12 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE("rate(1 hour)", "", ""));
    after(fixture, HOUR_MS);
    assert_int_equal(count(fixture, false), 1);
    after(fixture, 20 * MINUTE_MS);
    fixture_leap(fixture, 5 * HOUR_MS);
    const struct effect *saved = fixture_effect(fixture, EFFECT_SAVE, 0);
    assert_non_null(saved); /* a restart that comes now misses nothing */
    assert_int_equal(model_int(saved->change.entry, "done"), FIRST_MS / 1000 * 1000 + 6 * HOUR_MS);
    fixture_run(fixture);
    assert_int_equal(count(fixture, false), 1);
    after(fixture, 39 * MINUTE_MS);
    leap(fixture, -7 * HOUR_MS);
    assert_int_equal(count(fixture, false), 1);
    after(fixture, MINUTE_MS);
    assert_int_equal(count(fixture, false), 2);
}

/* What was due at a whole second is not due again a part of one later. */
static void test_a_rate_by_parts_of_a_second(void **state) /* S12 */
{
    (void)state;
    int step_ms = 18000 / unit_rounds(40, 5);
    for (int64_t leap_ms = -17951; leap_ms < 18000; leap_ms += step_ms) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE("rate(2 hours)", "", ""));
        after(fixture, 300); /* what it counts from is no whole second */
        fixture_file(fixture, "schedule.json", SCHEDULE("rate(1 hour)", "", ""));
        fixture_run(fixture);
        after(fixture, HOUR_MS);
        assert_int_equal(count(fixture, false), 1);
        after(fixture, 100);
        leap(fixture, leap_ms);
        assert_int_equal(count(fixture, false), 1);
        after(fixture, HOUR_MS - 2000);
        assert_int_equal(count(fixture, false), 1);
        after(fixture, 2000);
        assert_int_equal(count(fixture, false), 2);
    }
}

/* As after a start of davit: the ledger says what was over. */
static void test_a_rate_whose_clock_was_put_back_unseen(void **state) /* S8 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE("rate(1 hour)", "", ""));
    after(fixture, HOUR_MS);
    after(fixture, -5 * HOUR_MS);
    fixture_file(fixture, "schedule.json", SCHEDULE("rate(1 hour)", ",\"Description\":\"d\"", ""));
    fixture_run(fixture);
    after(fixture, HOUR_MS);
    assert_int_equal(count(fixture, false), 2);
}

static void test_a_rate_with_a_date_is_of_the_calendar(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of(SCHEDULE("rate(1 hour)", ",\"StartDate\":\"2023-11-14T00:00:00Z\"", ""));
    after(fixture, TO_23_MS);
    assert_int_equal(count(fixture, false), 1);
    leap(fixture, -30 * MINUTE_MS);
    after(fixture, 30 * MINUTE_MS);
    assert_int_equal(count(fixture, false), 1); /* 23:00 comes twice */
    leap(fixture, 3 * HOUR_MS);
    assert_int_equal(count(fixture, false), 2);
}

/* What its clock was when it started does not say which run is of the time that is due. */
static void test_what_goes_on_after_a_leap(void **state) /* S4, S12 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of(SCHEDULE(HOURLY, ",\"davit\":{\"concurrencyPolicy\":\"Forbid\"}", ""));
    leap(fixture, -12 * HOUR_MS);
    after(fixture, TO_23_MS);
    assert_int_equal(count(fixture, false), 1);
    after(fixture, HOUR_MS);
    assert_int_equal(count(fixture, false), 1);
    assert_non_null(strstr(view_of(fixture).message, "still going on"));
}

static void test_tries_keep_their_span(void **state) /* S7, S12 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE("cron(0 23 * * ? *)", "", ""));
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\",\"davit\":{\"suspend\":true}}");
    after(fixture, TO_23_MS);
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    leap(fixture, -6 * HOUR_MS);
    assert_int_equal(count(fixture, false), 0);
    after(fixture, 10000);
    assert_int_equal(count(fixture, false), 1);
}

/* As after a start of davit: the next try is no further away than a try can be. */
static void test_tries_whose_clock_was_put_back_unseen(void **state) /* S7, S8 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE("cron(0 23 * * ? *)", "", ""));
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\",\"davit\":{\"suspend\":true}}");
    after(fixture, TO_23_MS);
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    after(fixture, -3 * HOUR_MS);
    fixture_run(fixture);
    assert_int_equal(count(fixture, false), 0);
    after(fixture, 5 * MINUTE_MS);
    assert_int_equal(count(fixture, false), 1);
}

static void test_missed_for_too_long(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(
        SCHEDULE("cron(0 23 * * ? *)", "", ",\"RetryPolicy\":{\"MaximumEventAgeInSeconds\":3600}"));
    after(fixture, TO_23_MS + 2 * HOUR_MS);
    assert_int_equal(count(fixture, false), 0);
    assert_non_null(strstr(view_of(fixture).message, "MaximumEventAgeInSeconds"));
    after(fixture, 22 * HOUR_MS);
    assert_int_equal(count(fixture, false), 1);
}

static void test_one_time(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(
        SCHEDULE("at(2023-11-15T00:30:00)", ",\"ScheduleExpressionTimezone\":\"Europe/Berlin\"", ""));
    after(fixture, TO_23_MS + 30 * MINUTE_MS);
    assert_int_equal(count(fixture, false), 1);
    assert_int_equal(view_of(fixture).next_ms, 0);
    after(fixture, 48 * HOUR_MS);
    assert_int_equal(view_of(fixture).last_due_ms, FIRST_MS + TO_23_MS + 30 * MINUTE_MS);
}

static void test_forbid_and_replace(void **state) /* S4, S5 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of(SCHEDULE(HOURLY, ",\"davit\":{\"concurrencyPolicy\":\"Forbid\"}", ""));
    after(fixture, TO_23_MS);
    after(fixture, HOUR_MS);
    assert_int_equal(count(fixture, false), 1);
    assert_non_null(strstr(view_of(fixture).message, "still going on"));
    fixture_file(fixture, "schedule.json",
                 SCHEDULE(HOURLY, ",\"davit\":{\"concurrencyPolicy\":\"Replace\"}", ""));
    after(fixture, HOUR_MS);
    assert_int_equal(count(fixture, false), 2);
    assert_int_equal(count(fixture, true), 1);
}

static void test_disabled_and_gone(void **state) /* S1, S6 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    after(fixture, TO_23_MS);
    fixture_file(fixture, "schedule.json", SCHEDULE(HOURLY, ",\"State\":\"DISABLED\"", ""));
    after(fixture, 2 * HOUR_MS);
    assert_int_equal(count(fixture, false), 1);
    assert_int_equal(view_of(fixture).next_ms, 0);
    fixture_file(fixture, "schedule.json", SCHEDULE(HOURLY, "", ""));
    after(fixture, MINUTE_MS);
    assert_int_equal(count(fixture, false), 1); /* what was due meanwhile is not */
    fixture_file(fixture, "schedule.json", NULL);
    fixture_turn(fixture);
    const struct effect *forgotten = NULL;
    for (size_t i = 0; fixture_effect(fixture, EFFECT_SAVE, i); i++)
        if (fixture_effect(fixture, EFFECT_SAVE, i)->change.kind == LEDGER_SCHEDULE)
            forgotten = fixture_effect(fixture, EFFECT_SAVE, i);
    assert_non_null(forgotten);
    assert_null(forgotten->change.entry);
    after(fixture, 2 * HOUR_MS);
    assert_int_equal(count(fixture, true), 1); /* it runs on */
}

static void test_tried_again(void **state) /* S7 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\",\"davit\":{\"suspend\":true}}");
    after(fixture, TO_23_MS);
    assert_int_equal(count(fixture, false), 0);
    assert_non_null(strstr(view_of(fixture).message, "suspended by git"));
    after(fixture, 10000);
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_run(fixture);
    after(fixture, 20000);
    assert_int_equal(count(fixture, false), 1);
    assert_int_equal(view_of(fixture).last_due_ms, FIRST_MS + TO_23_MS);
    assert_true(view_of(fixture).last_run_ms > FIRST_MS + TO_23_MS);
}

/* An EndDate that comes while it is tried again, and lies before the time that was due. */
static void test_ended_meanwhile(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\",\"davit\":{\"suspend\":true}}");
    after(fixture, TO_23_MS);
    fixture_file(fixture, "schedule.json", SCHEDULE(HOURLY, ",\"EndDate\":\"2023-11-14T22:30:00Z\"", ""));
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    after(fixture, 10000);
    after(fixture, HOUR_MS);
    assert_int_equal(count(fixture, false), 0);
}

static void test_given_up(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of(SCHEDULE("cron(0 23 * * ? *)", "", ",\"RetryPolicy\":{\"MaximumRetryAttempts\":1}"));
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\",\"davit\":{\"suspend\":true}}");
    after(fixture, TO_23_MS);
    after(fixture, 10000);
    after(fixture, 20000);
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    for (int i = 0; i < 20; i++)
        after(fixture, MINUTE_MS);
    assert_int_equal(count(fixture, false), 0);
    assert_true(
        text_starts_with(last_event(fixture),
                         "(scheduled task nightly.report) was not started and is given up after 2 tries: "));
    assert_true(
        text_starts_with(view_of(fixture).message, "was not started and is given up after 2 tries: "));
    assert_true(text_starts_with(view_of(fixture).result, "not started: "));
    assert_int_equal(view_of(fixture).events_len, 2); /* told once */
}

/* The next time comes before it was started. */
static void test_given_up_for_the_next(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\",\"davit\":{\"suspend\":true}}");
    after(fixture, TO_23_MS);
    after(fixture, HOUR_MS);
    struct view_schedule view = view_of(fixture);
    assert_int_equal(view.events_len, 3);
    assert_true(
        text_starts_with(view_schedule_event(&view, 1)->message,
                         "(scheduled task nightly.report) was not started and is given up after 1 try: "));
    assert_true(text_starts_with(view.message, "was not started: "));
}

/* No retry is one try. */
static void test_without_retries(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of(SCHEDULE(HOURLY, "", ",\"RetryPolicy\":{\"MaximumRetryAttempts\":0}"));
    after(fixture, TO_23_MS);
    assert_int_equal(count(fixture, false), 1);
}

static void test_disabled_while_it_is_tried(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE("cron(0 23 * * ? *)", "", ""));
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\",\"davit\":{\"suspend\":true}}");
    after(fixture, TO_23_MS);
    fixture_file(fixture, "schedule.json", SCHEDULE("cron(0 23 * * ? *)", ",\"State\":\"DISABLED\"", ""));
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    for (int i = 0; i < 10; i++)
        after(fixture, MINUTE_MS);
    assert_int_equal(count(fixture, false), 0);
}

static json_t *last_entry(const struct fixture *fixture, enum ledger_change_kind kind)
{
    json_t *entry = NULL;
    for (size_t i = 0; fixture_effect(fixture, EFFECT_SAVE, i); i++)
        if (fixture_effect(fixture, EFFECT_SAVE, i)->change.kind == kind)
            entry = fixture_effect(fixture, EFFECT_SAVE, i)->change.entry;
    assert_non_null(entry);
    return json_deep_copy(entry);
}

static struct fixture *second_life(const struct fixture *first, json_t *schedule, json_t *task)
{
    struct fixture *second = fixture_new(1);
    second->now_ms = first->now_ms;
    if (schedule)
        fixture_step(second,
                     (struct event){.kind = EVENT_LEDGER,
                                    .ledger = {LEDGER_SCHEDULE, memory_strdup("nightly.report"), schedule}});
    if (task)
        fixture_step(
            second,
            (struct event){.kind = EVENT_LEDGER,
                           .ledger = {LEDGER_TASK, memory_printf("c/%s", model_string(task, "id")), task}});
    fixture_empty(second, "one");
    fixture_file(second, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(second, "report.json", DEFINITION);
    fixture_file(second, "schedule.json", SCHEDULE(HOURLY, "", ""));
    return second;
}

/* Due and started in its last turn; *ret_waiting is the entry of before. */
static struct fixture *first_life(json_t **ret_waiting)
{
    struct fixture *first = fixture_new(1);
    fixture_empty(first, "one");
    fixture_file(first, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(first, "report.json", DEFINITION);
    fixture_file(first, "schedule.json", SCHEDULE(HOURLY, "", ""));
    fixture_turn(first);
    *ret_waiting = last_entry(first, LEDGER_SCHEDULE);
    fixture_after(first, TO_23_MS);
    fixture_turn(first);
    return first;
}

static void test_a_restart_neither_doubles_nor_loses(void **state)
{
    (void)state;
    json_t *waiting;
    struct fixture *first CLEANUP(fixture_freep) = first_life(&waiting);
    json_t *ran = last_entry(first, LEDGER_SCHEDULE);
    json_t *task = last_entry(first, LEDGER_TASK);
    fixture_after(first, 1000);

    struct fixture *known CLEANUP(fixture_freep) = second_life(first, ran, NULL);
    fixture_turn(known);
    assert_int_equal(count(known, false), 0); /* it was started by the life before */

    struct fixture *lost CLEANUP(fixture_freep) = second_life(first, json_incref(waiting), NULL);
    fixture_turn(lost);
    assert_int_equal(count(lost, false), 1); /* due while nobody was there */

    struct fixture *half CLEANUP(fixture_freep) = second_life(first, waiting, task);
    fixture_turn(half);
    assert_int_equal(count(half, false), 1); /* the task was saved, that it was started was not */
}

/* As the last one above. */
static struct fixture *half_saved_life(void)
{
    json_t *waiting;
    struct fixture *first CLEANUP(fixture_freep) = first_life(&waiting);
    json_t *task = last_entry(first, LEDGER_TASK);
    fixture_after(first, 1000);
    return second_life(first, waiting, task);
}

/* The next commit asks for more, and other ones. */
static void test_a_restart_does_not_double_another_target(void **state)
{
    (void)state;
    struct fixture *second CLEANUP(fixture_freep) = half_saved_life();
    fixture_change(second, "other", "other:1");
    fixture_file(
        second, "schedule.json",
        "{\"Name\":\"nightly.report\",\"ScheduleExpression\":\"cron(0 * * * ? *)\",\"Target\":{\"Arn\":"
        "\"c\",\"EcsParameters\":{\"TaskDefinitionArn\":\"other\",\"TaskCount\":2}}}");
    fixture_turn(second);
    struct view_schedule view = view_of(second);
    assert_int_equal(count(second, false), 1);
    assert_true(view.last_due_ms > 0);
    assert_true(text_starts_with(view.message, "started "));
}

/* Its cluster was suspended meanwhile: its task may be forgotten before that ends. */
static void test_a_restart_does_not_double_when_suspended(void **state)
{
    (void)state;
    struct fixture *second CLEANUP(fixture_freep) = half_saved_life();
    fixture_file(second, "cluster.json", "{\"clusterName\":\"c\",\"davit\":{\"suspend\":true}}");
    fixture_turn(second);
    assert_int_equal(count(second, false), 1);
    assert_true(text_starts_with(view_of(second).message, "started "));
}

static int join(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void test_a_snapshot_keeps_them(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(SCHEDULE(HOURLY, "", ""));
    leap(fixture, -12 * HOUR_MS);
    after(fixture, TO_23_MS);
    json_t *before CLEANUP(json_decrefp) = json_object();
    json_t *now CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(fixture->core, join, before), 0);
    core_free(fixture->core);
    assert_int_equal(core_restore(before, &fixture->core, NULL), 0);
    assert_int_equal(core_snapshot(fixture->core, join, now), 0);
    assert_true(json_equal(before, now));
    after(fixture, HOUR_MS);
    assert_int_equal(count(fixture, false), 2);
    assert_int_equal(view_of(fixture).last_due_ms, FIRST_MS + TO_23_MS - 11 * HOUR_MS);
}

static void test_not_by_who_leaves(void **state) /* S9 */
{
    (void)state;
    static const char *const names[] = {"one"};
    const struct core_options options = {.owner = "me",
                                         .instances = names,
                                         .instances_len = 1,
                                         .stopped_retention_ms = 3600000,
                                         .stopped_kept = 5,
                                         .once = true,
                                         .patience_ms = PATIENCE_MS};
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    core_free(fixture->core);
    fixture->core = core_new(&options);
    fixture_empty(fixture, "one");
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(fixture, "report.json", DEFINITION);
    fixture_file(fixture, "schedule.json", SCHEDULE(HOURLY, "", ""));
    after(fixture, TO_23_MS);
    assert_int_equal(count(fixture, false), 0);
    for (size_t i = 0; fixture_effect(fixture, EFFECT_SAVE, i); i++)
        assert_int_not_equal(fixture_effect(fixture, EFFECT_SAVE, i)->change.kind, LEDGER_SCHEDULE);
}

static void test_a_rule_has_targets(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(
        "{\"Name\":\"rule\",\"ScheduleExpression\":\"rate(5 "
        "minutes)\",\"davit\":{\"concurrencyPolicy\":\"Replace\"},"
        "\"Targets\":[{\"Id\":\"a\",\"Arn\":\"arn:aws:ecs:eu-west-1:123456789012:cluster/"
        "c\",\"EcsParameters\":"
        "{\"TaskDefinitionArn\":\"report\",\"TaskCount\":2}},{\"Id\":\"b\",\"Arn\":\"c\",\"EcsParameters\":"
        "{\"TaskDefinitionArn\":\"report\",\"Group\":\"g\"}}]}");
    after(fixture, 5 * MINUTE_MS);
    assert_int_equal(count(fixture, true), 3);
    after(fixture, 5 * MINUTE_MS);
    assert_int_equal(count(fixture, true), 3);
    assert_int_equal(count(fixture, false), 6);
}

/* One target finds no place; the clock is set before it is tried again. */
static void test_a_leap_leaves_its_siblings(void **state) /* S5, S7, S12 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(
        "{\"Name\":\"rule\",\"ScheduleExpression\":\"rate(5 "
        "minutes)\",\"davit\":{\"concurrencyPolicy\":\"Replace\"},"
        "\"Targets\":[{\"Id\":\"a\",\"Arn\":\"c\",\"EcsParameters\":{\"TaskDefinitionArn\":\"report\"}},"
        "{\"Id\":\"b\",\"Arn\":\"c\",\"EcsParameters\":{\"TaskDefinitionArn\":\"report\","
        "\"PlacementConstraints\":"
        "[{\"type\":\"memberOf\",\"expression\":\"attribute:disk == ssd\"}]}}]}");
    after(fixture, 5 * MINUTE_MS);
    assert_int_equal(count(fixture, true), 1);
    leap(fixture, -17000);
    after(fixture, 10000);
    assert_int_equal(count(fixture, true), 1);
    assert_int_equal(count(fixture, false), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_due_is_started),
        cmocka_unit_test(test_the_result_is_kept),
        cmocka_unit_test(test_not_started_is_a_result),
        cmocka_unit_test(test_forbidden_is_a_result),
        cmocka_unit_test(test_the_oldest_time_is_forgotten),
        cmocka_unit_test(test_it_wakes_when_it_is_due),
        cmocka_unit_test(test_missed_once),
        cmocka_unit_test(test_the_last_run_of_an_older_ledger),
        cmocka_unit_test(test_fewer_than_were_asked_for_are_told),
        cmocka_unit_test(test_what_each_instance_lacks_is_told),
        cmocka_unit_test(test_the_wall_clock_leaps),
        cmocka_unit_test(test_it_wakes_by_the_wall_clock),
        cmocka_unit_test(test_the_first_clock_was_wrong),
        cmocka_unit_test(test_a_rate_counts_on),
        cmocka_unit_test(test_a_leap_leaves_its_siblings),
        cmocka_unit_test(test_a_rate_by_parts_of_a_second),
        cmocka_unit_test(test_a_rate_whose_clock_was_put_back_unseen),
        cmocka_unit_test(test_a_rate_with_a_date_is_of_the_calendar),
        cmocka_unit_test(test_what_goes_on_after_a_leap),
        cmocka_unit_test(test_tries_keep_their_span),
        cmocka_unit_test(test_tries_whose_clock_was_put_back_unseen),
        cmocka_unit_test(test_missed_for_too_long),
        cmocka_unit_test(test_one_time),
        cmocka_unit_test(test_forbid_and_replace),
        cmocka_unit_test(test_disabled_and_gone),
        cmocka_unit_test(test_tried_again),
        cmocka_unit_test(test_ended_meanwhile),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_given_up_for_the_next),
        cmocka_unit_test(test_without_retries),
        cmocka_unit_test(test_disabled_while_it_is_tried),
        cmocka_unit_test(test_a_restart_neither_doubles_nor_loses),
        cmocka_unit_test(test_a_restart_does_not_double_another_target),
        cmocka_unit_test(test_a_restart_does_not_double_when_suspended),
        cmocka_unit_test(test_a_snapshot_keeps_them),
        cmocka_unit_test(test_not_by_who_leaves),
        cmocka_unit_test(test_a_rule_has_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
