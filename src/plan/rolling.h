/* What replacing tasks has in common, whether a count of them is wanted (rolling.c) or one on every instance
 * (daemon.c). Internal to plan/. */
#pragma once

#include "plan/pass.h"

/* The counts that the rules speak of. */
struct tally {
    int desired;
    int lower;
    int upper;
    int live_new;
    int live_old;
    int healthy_new;
    int healthy_old;
    int unhealthy_new; /* past their grace period */
    int pending_new;
    int stopping;
    int launched; /* by this pass */
    int stopped;
    bool held_back; /* by F9 */
    bool room_is_short;
    bool hopeless;  /* and old tasks that go make none */
    char *no_place; /* owned: why placement failed */
};

/* R12, R13, I3: what the deployment waits for before it launches anything, or completes; NULL: for nothing.
 * `launches` says whether it would launch. Borrowed. */
const char *rolling_gate(struct pass *pass, bool launches);
/* A task without containers yet; pass_life() creates them. */
void rolling_launch(struct pass *pass, const struct plan_instance *instance, const char *id);
/* ECS's event, when tally->stopped. */
void rolling_announce_stops(struct pass *pass, const struct tally *tally);
/* R9 and F6: the content failed. What is healthy stays, whoever's it is; old tasks that are pending are
 * pending for good, for nobody brings them up any more. */
void rolling_contain(struct pass *pass, struct tally *tally, const struct deployment *primary);
/* rebalance.c, Z2: starts tasks in thin zones, when all is as desired but for that. */
void rebalance_start(struct pass *pass, struct tally *tally);
/* rebalance.c, Z3: whether a task that is too many and not healthy yet is to be waited for. */
bool rebalance_spares(struct pass *pass, const struct task *task, const struct site *site);
/* rebalance.c: all is as desired, and the deployment completes by it; says so. */
void rebalance_end(struct pass *pass, const struct tally *tally, bool completes);
/* R7. */
void rolling_complete(struct pass *pass, const struct tally *tally, const struct deployment *primary);
/* R10, and what goes on otherwise, in words. */
void rolling_explain(struct pass *pass, const struct tally *tally);
