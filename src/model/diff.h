/* What becomes different when one state of a service gives way to another, in words that may be shown: values
 * of environment variables are secrets and never are.
 */
#pragma once

#include "base/digest.h"
#include "model/change_window.h"
#include "model/desired.h"
#include "model/service_rename.h"

#include <jansson.h>

/* One state of one service; everything is borrowed. */
struct diff_side {
    struct digest digest; /* service.digest: different ones mean a new deployment */
    int desired_count;
    bool count_absent;           /* it stays as it is */
    int minimum_healthy_percent; /* 0: not known */
    int maximum_percent;         /* 0: not known */
    const char *family;
    int revision;                  /* 0: not known */
    const json_t *task_definition; /* NULL: not known */
    const json_t *service;         /* for what applies to it at once; NULL: not known */
};

/* The state that a commit asks for. */
struct diff_side diff_side_of(const struct service *service);

/* NULL when there is nothing to do. Else {"cluster", "service", "change": "create" | "remove" |
 * "leave" (its tasks stay) | "deploy" | "update", "details": [{"what": "container \"web\" image", "from":
 * "a", "to": "b"}, {"what": "container
 * \"web\" file site/index.html", "change": "changed" | "added" | "removed"}, ...]}: from and to are whole,
 * never cut, and missing where a value is new, gone or secret; the latter has "secret": true. A NULL side:
 * there is no such service there. "preDeploy": the task definitions whose tasks run first. */
json_t *diff_service(const char *cluster, const char *service, const struct diff_side *from,
                     const struct diff_side *to);

/* A deployment that has what is asked for and has not completed. */
struct diff_rollout {
    const char *deployment; /* "ecs-svc/..." */
    bool failed;
    int new_tasks; /* that run */
    int wanted_tasks;
};
/* Adds it to *difference, which is made if it is NULL, as "change": "rollout". "rollout": {"deployment",
 * "state": "IN_PROGRESS" | "FAILED", "newTasks", "wantedTasks"}. */
void diff_add_rollout(json_t **difference, const char *cluster, const char *service,
                      const struct diff_rollout *rollout);

/* Adds to a difference of what has the new name from what has the old one, which is made if it is NULL, as
 * "change": "rename": "renamedFrom". */
void diff_add_rename(json_t **difference, const struct service_rename *rename);

/* Of the manifests of a cluster, either may be NULL: what davit adds, for all its services at once. NULL when
 * that is the same. Else as of a service, without the member "service". */
json_t *diff_cluster(const char *cluster, const json_t *from, const json_t *to);
/* Of the manifests of a scheduled task; NULL: there is none there. NULL when they are the same. Else as of a
 * service, with "scheduledTask" in place of "cluster" and "service", and no "deploy". Input is not shown:
 * overrides have variables. */
json_t *diff_scheduled_task(const char *name, const json_t *from, const json_t *to);
/* That it starts another content of a task definition: adds to *difference, which is made if it is NULL. Of
 * the sides only digest, family, revision and task_definition count. */
void diff_scheduled_definition(json_t **difference, const char *name, const struct diff_side *from,
                               const struct diff_side *to);

/* Adds to a difference of a service that it would wait: "waits": "for its change window, which opens at ...",
 * and "opensAt" in seconds since the epoch, missing where no opening is in sight. Nothing while the gate is
 * open, and where no more than changeWindows and suspend differ (core.h, W2). */
void diff_add_window(json_t *difference, const struct change_gate *gate, int64_t now_s);
/* The same of what waits already: opens_s is 0 where no opening is in sight. */
void diff_add_wait(json_t *difference, const char *waits, int64_t opens_s);
/* Adds to a difference of a service that davit rollback --hold keeps the content away: "held": "by davit
 * rollback --hold since ...; not applied until ...", and "heldSince" in seconds since the epoch. */
void diff_add_hold(json_t *difference, int64_t since_ms);
