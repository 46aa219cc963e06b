/* How a service gets from the tasks of one commit to those of another, by arithmetic alone: bounds as of
 * ECS 4.1, steps as rows R1, R3, R4, R10 and R11 of plan/README.md have them, where every new task becomes
 * healthy and every one finds a place. Pure.
 */
#pragma once

#include <stdbool.h>

struct rollout_question {
    int before;  /* tasks that run */
    int desired; /* desiredCount */
    bool replaces;
    int minimum_healthy_percent;
    int maximum_percent;
};

struct rollout {
    int starts;
    int stops;
    int lower;   /* so many healthy tasks stay */
    int upper;   /* no more than so many tasks at a time */
    int rounds;  /* in each some tasks start, and the next waits until they are healthy */
    int at_once; /* most that start in one */
    int fewest;  /* that are healthy at any time, of those that `before` and `desired` have in common */
    bool stuck;  /* neither may one start nor may one stop, with tasks still to be replaced */
};

void rollout_compute(const struct rollout_question *question, struct rollout *ret_rollout);
