/* What commits are made of. */
#pragma once

#include "world.h"

#define SHAPES       12
#define SHAPE_AWSVPC 6
#define SHAPE_TASK   7 /* processes and IPC shared */
#define SHAPE_CONF   8
#define SHAPE_GPU    9
#define SHAPE_GPUS   10 /* two containers, each with its own */
#define SHAPE_PORT   11

#define IMAGES_GOOD  3
#define IMAGES_MAIN  9
#define IMAGE_FLAKY  8 /* healthy for a while, then it crashes: not in fair weather */

/* The last one is a directory that is too large at times. */
#define CONF       "../app#.conf" /* '#' is the recipe's tag */
#define LARGE_TAG  3
#define LARGE_CONF 2

#define BOUNDS     7
struct bounds {
    int minimum;
    int maximum;
};
extern const struct bounds bounds[BOUNDS];

#define PLACES 9
extern const struct place places[PLACES];

/* Of a host, when the cluster declares them: "g0" and on. */
#define GPUS_MAX 3
extern const int host_gpus[HOSTS_MAX];

#define JOB_IMAGES      7
#define JOB_IMAGES_GOOD 2 /* these exit with 0 */
#define JOB_HANGS       "hang"

/* When something is due; all of them end soon. */
struct expression {
    const char *text;
    const char *more; /* members beside it */
    bool rule;        /* of EventBridge, else of its Scheduler */
    int64_t period_s; /* of a rate that counts from when it began */
    int64_t step_s;   /* else it is due from first_s on every so many seconds */
    int64_t first_s;
    int64_t last_s; /* nothing is due later */
};
#define EXPRESSIONS 6
extern const struct expression expressions[EXPRESSIONS];

enum { TIMER_ALLOW, TIMER_FORBID, TIMER_REPLACE, TIMER_POLICIES };
#define TIMER_AGES 3
extern const int timer_ages[TIMER_AGES]; /* MaximumEventAgeInSeconds */

struct capacity_share {
    char provider; /* 'a' of h0 and h2, 'b' of h1 */
    int base;
    int weight;
};
struct capacity {
    const char *members; /* of a service */
    const char *list;    /* of a cluster */
    struct capacity_share shares[2];
};
#define CAPACITIES        6
#define CAPACITY_EC2      5 /* launchType: not even the cluster's default */
#define PROVIDER_OF(host) ((host) == 1 ? 'b' : 'a')
extern const struct capacity capacities[CAPACITIES];

const char *manifests_image(int image);
const char *manifests_job_image(int image);
/* Makes it one that can come to rest. */
void manifests_settle(struct world *world, struct recipe *recipe);
/* Two files a service, one a job, one a timer, one that is always there, and one that may be broken. NULL:
 * not in this version. */
#define FILES (2 * SERVICES_MAX + JOBS_MAX + TIMERS_MAX + 2)
char *manifests_text(const struct version *version, int file);
