/* A task that starts by the clock: a rule of EventBridge with its Targets, or a schedule of EventBridge
 * Scheduler with its Target (ECS 12). */
#pragma once

#include "base/digest.h"
#include "base/vector.h"
#include "model/diagnostic.h"
#include "model/schedule.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* davit.concurrencyPolicy, in the words of Kubernetes: what is done when the run before is still going on. */
enum concurrency_policy { CONCURRENCY_ALLOW, CONCURRENCY_FORBID, CONCURRENCY_REPLACE };

/* What one target starts: the members of ECS's RunTask. */
struct scheduled_run {
    char *cluster;
    json_t *request;    /* for run_request_read() but for startedBy; owned */
    int64_t deadline_s; /* RetryPolicy: it is tried for so long after it was due, 24 h without */
    int attempts;       /* and so often again, 185 times without */
};
struct scheduled_run_vec VECTOR_OF(struct scheduled_run);

struct scheduled_task {
    unsigned refs;
    char *name;
    char *started_by; /* "events-rule/NAME" or "chronos-schedule/NAME", as in AWS */
    struct schedule schedule;
    struct time_zone zone;
    bool disabled;
    int64_t start_s; /* StartDate: nothing is due before; 0: none */
    int64_t end_s;   /* EndDate: nothing is due after; 0: none */
    enum concurrency_policy concurrency;
    struct scheduled_run_vec runs;
    struct digest digest; /* of what its times come from: another one begins to count anew */
    json_t *json;         /* as committed */
    char *file;           /* that it comes from; NULL: not known */
    struct position at;
};
struct scheduled_task_vec VECTOR_OF(struct scheduled_task *);

/* StartDate and EndDate: a text as in RFC 3339, or seconds since 1970. False: it is no time. */
bool scheduled_task_date(const json_t *value, int64_t *ret_s);
/* Of a valid manifest. NULL when it is none: a snapshot that was damaged. */
struct scheduled_task *scheduled_task_new(const json_t *json);
struct scheduled_task *scheduled_task_ref(struct scheduled_task *task);
void scheduled_task_unref(struct scheduled_task *task); /* NULL is fine */
/* When it is due after after_s; false: never again. since_s: it counts from then, where StartDate does not
 * say. */
bool scheduled_task_next(const struct scheduled_task *task, int64_t since_s, int64_t after_s, int64_t *ret_s);
/* The longest of its runs' deadlines. */
int64_t scheduled_task_deadline_s(const struct scheduled_task *task);
