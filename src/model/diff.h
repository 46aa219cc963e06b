/* What becomes different when one state of a service gives way to another, in words that may be shown: values
 * of environment variables are secrets and never are.
 */
#pragma once

#include "base/digest.h"
#include "model/desired.h"

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
 * there is no such service there. */
json_t *diff_service(const char *cluster, const char *service, const struct diff_side *from,
                     const struct diff_side *to);

/* Of the manifests of a cluster, either may be NULL: what davit adds, for all its services at once. NULL when
 * that is the same. Else as of a service, without the member "service". */
json_t *diff_cluster(const char *cluster, const json_t *from, const json_t *to);
/* Of the manifests of a scheduled task; NULL: there is none there. NULL when they are the same. Else as of a
 * service, with "scheduledTask" in place of "cluster" and "service", and no "deploy". What it starts is not
 * shown: overrides have variables. */
json_t *diff_scheduled_task(const char *name, const json_t *from, const json_t *to);
