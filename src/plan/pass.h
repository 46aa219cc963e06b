/* What the passes of one plan share. Internal to plan/. */
#pragma once

#include "plan/plan.h"

#define TASK_EXITED "Essential container in task exited" /* ECS: stoppedReason */

/* A container instance of the cluster, as the tasks of this service see it. */
struct site {
    size_t index;                              /* into in->instances */
    const struct container_instance *declared; /* NULL: the cluster declares none */
    /* of one plan; zero between plans */
    bool touched;                                                          /* something below is not zero */
    enum site_member { SITE_UNASKED, SITE_MEMBER, SITE_NO_MEMBER } member; /* P5 */
    const char *failed; /* SITE_NO_MEMBER: the expression */
    int tasks;          /* of the service, that have not stopped: P6 */
    int kept;           /* tasks of the service that are to stay: P7 */
    int left;           /* tasks that this pass has chosen to stop */
};
struct site_vec VECTOR_OF(struct site);

/* Of spread over an attribute: the sites with the same value; likewise those of a capacity provider. */
struct fleet_zones {
    uint32_t *of; /* by site */
    int *kept;    /* by zone, as struct site's; zero between plans */
    size_t len;
};

struct plan_fleet {
    const struct plan_instance_vec *instances;
    struct site_vec sites;                      /* in the order of the configuration */
    uint64_t *chances;                          /* by site: what random goes by there */
    struct map zones;                           /* attribute -> struct fleet_zones, owned */
    struct fleet_zones *providers;              /* owned; NULL: nobody asked yet */
    struct map provider_zones;                  /* capacity provider -> its zone + 1 */
    struct index_vec VECTOR_OF(size_t) touched; /* sites */
};

struct pass {
    const struct plan_input *in;
    struct plan_output *out;
    const struct service_ledger
        *ledger;           /* as it stands: in->ledger, or out->ledger once it was edited; may be NULL */
    const struct run *run; /* likewise: in->run, or out->run; NULL: a service */
    const struct service *asked; /* what the repository asks for. in->desired is what is to run: the same, or
                                    what it was rolled back to */
    struct service aim;          /* the latter, with the counts of the former */
    struct service counted;      /* what the repository asks for of a DAEMON, with its count */
    struct plan_input aimed;
    const struct plan_memory *memory; /* to look up; may be NULL */
    uint64_t passed_over;             /* V3: items of the strategy, a bit each */
    struct task_vec tasks;
    struct plan_fleet *fleet; /* NULL before pass_sites(); in->fleet, or the pass's own */
    struct fleet_zones
        *zones[LIMIT_PLACEMENT_STRATEGIES]; /* by strategy; NULL: it is not over an attribute */
    /* of capacity providers, V1; set by the first pass_sites() */
    const struct capacity_item_vec *capacity;          /* the strategy that counts; NULL: none does */
    uint32_t capacity_zones[LIMIT_CAPACITY_PROVIDERS]; /* by item: the provider's zone; of none that the
                                                          cluster has: fleet->providers->len */
};

/* The entry for editing: a copy of in->ledger that goes out. `format` says what changed, for the ledger's
 * commit. */
struct service_ledger *pass_edit(struct pass *pass, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Adds to what the ledger's commit says. */
void pass_note(struct pass *pass, const char *what);
/* PRIMARY or NULL. */
const struct deployment *pass_primary(const struct pass *pass);
/* Plan again at at_ms. */
void pass_wake(struct pass *pass, int64_t at_ms);
/* The first reason stays. */
void pass_waiting(struct pass *pass, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An ECS service event: "(service web) ..."; a standalone task has none. */
void pass_event(struct pass *pass, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* desiredStatus STOPPED, for good. */
void pass_stop(struct pass *pass, struct task *task, const char *reason);
/* Whether the task has the desired content. */
bool pass_is_new(const struct pass *pass, const struct task *task);
bool task_is_live(const struct task *task);
/* task.c: what a task is once it is to stop: STOPPING while something of it runs or is under way, else
 * STOPPED. */
void task_settle_stop(struct task *task);

/* The passes, in order. */
void pass_deployment(struct pass *pass);
void pass_failures(struct pass *pass);
void pass_images(struct pass *pass);
void pass_lost(struct pass *pass);
void pass_rolling(struct pass *pass);
void pass_life(struct pass *pass);
void pass_cleanup(struct pass *pass);

/* daemon.c: E1. From here on the desired count of a DAEMON is what it is to have; nothing to others. */
void pass_count(struct pass *pass);
/* daemon.c: E2 to E12, in place of R1 to R12. */
void daemon_roll(struct pass *pass, const struct deployment *primary);

/* image.c: which images a deployment has to resolve, I1. */
void image_begin(const struct service *content, struct deployment *deployment);
/* image.c: I3 and I4, before a task is launched: whether it has to wait; what for is told. */
bool image_gate(struct pass *pass);
/* image.c: I6, a failure was counted for one task; if another one came before it, now for all that wait. */
void image_count_failure(struct pass *pass);
/* image.c: I7, what a container of the desired content is created of (owned); NULL: as its definition says.
 */
char *image_of_task(const struct pass *pass, const char *container);

/* deployment.c: whether nothing is there, and nothing under way that may leave something: an image that is
 * asked for leaves no container. */
bool deployment_is_gone(const struct plan_input *in);
/* deployment.c: keeps in the entry what davit.prune says: once the service is gone only the entry knows, D12.
 */
void deployment_note_prune(struct pass *pass);

/* A new PRIMARY. Borrowed. */
struct deployment *pass_deploy(struct pass *pass, const struct service *content, const struct commit *commit);

/* rollback.c: D11. From here on in->desired is what PRIMARY was rolled back to, if it was. */
void pass_aim(struct pass *pass);
/* rollback.c: F12. */
void pass_roll_back(struct pass *pass);
/* rollback.c: what COMPLETED is noted; the reason of PRIMARY, which has (owned). */
void rollback_note(struct pass *pass);
/* rollback.c: why what failed is not rolled back though it is asked for; NULL: it is, or nobody asks. */
const char *rollback_obstacle(const struct pass *pass, const struct deployment *failed);
char *rollback_reason(const struct deployment *primary, const struct deployment *failed);

/* placement.c: whether it may take tasks of the service when there is room. */
bool placement_is_open(struct pass *pass, struct site *site);
/* placement.c: the best instance for a desired task of that id, or NULL; and its room, taken. */
struct site *placement_find(struct pass *pass, const char *task);
const struct plan_instance *placement_take(struct pass *pass, struct site *site);
/* placement.c: the best instance for a desired task of that id, whose room is taken; NULL with *ret_reason
 * (owned) when there is none. */
const struct plan_instance *placement_choose(struct pass *pass, const char *task, char **ret_reason);
/* P13: which GPUs a container of a task there gets that is about to be created; false: there are too few. */
bool placement_choose_gpus(struct pass *pass, const char *instance, struct container_spec *spec);
/* What each instance lacks, after placement_choose() found none. */
void placement_lacks(struct pass *pass, struct plan_lack_vec *ret_lacks);
/* Why no instance could take a task even if old ones made room (owned); NULL: one could. */
char *placement_hopeless(struct pass *pass);
const struct plan_instance *placement_instance(const struct plan_instance_vec *instances, const char *name);

/* provider.c: V2, the capacity provider that the next task is for; *ret_provider is NULL where any instance
 * will do. False: for none, the weights leave no room for more. */
bool provider_choose(struct pass *pass, const char **ret_provider);
/* provider.c: V3, it takes no more in this pass, and others get their own shares. False: there is none. */
bool provider_pass_over(struct pass *pass, const char *provider);
/* provider.c: V4. Below 0 when a task of the left site leaves the better ratio. */
int provider_compare(const struct pass *pass, const struct site *left, const struct site *right);

/* The same of one instance, which has no task of the service: for a DAEMON. */
const struct plan_instance *placement_choose_at(struct pass *pass, struct site *site, char **ret_reason);
/* P1: an engine of another system or architecture would pull an image that it cannot run. */
bool placement_runs(const struct plan_instance *instance, const struct task_definition *definition);
/* Whether the expression may hold there when tasks have gone. */
bool placement_asks_for_tasks(const char *expression);

/* site.c: counted by the first call; launching and stopping must be told from then on. */
struct site_vec *pass_sites(struct pass *pass);
/* site.c: at the end. */
void pass_leave_sites(struct pass *pass);
struct site *site_of(struct pass *pass, const char *instance); /* NULL: not in the cluster */
void site_add(struct pass *pass, struct site *site);
void site_leave(struct pass *pass, struct site *site);
/* Of an instance: what the cluster declares, and what the engine says of itself. NULL: it has none. */
const char *site_attribute(const struct pass *pass, const struct site *site, const char *name);
/* Whether all memberOf hold, P5; if not, site->failed. */
bool site_is_member(const struct pass *pass, struct site *site);
/* Of an instance that has a task: whether all memberOf hold but for those that ask for tasks, E8. */
bool site_may_stay(const struct pass *pass, const struct site *site);
/* P9: why the instance is to be left (owned); NULL: it is not. */
char *site_why_leave(const struct pass *pass, const char *instance);
bool site_is_to_leave(const struct pass *pass, const char *instance);

/* fleet.c: the zones that the service's strategies spread over, and its capacity providers. */
void fleet_find_zones(struct pass *pass);
/* fleet.c: the plan is to note something there; what it noted is taken back. */
void fleet_touch(struct plan_fleet *fleet, struct site *site);
void fleet_clear(struct pass *pass);

/* strategy.c: P7 and P8, those of the service or ECS's default. */
const struct placement_strategy *strategies_of(const struct service *service, size_t *ret_len);
/* For the place of one task. */
struct strategy_search {
    const struct pass *pass;
    const struct placement_strategy *strategies;
    size_t len;
    uint64_t chance; /* what random goes by */
    bool found;
    int64_t costs[LIMIT_PLACEMENT_STRATEGIES]; /* of the best place so far, the lesser the better */
    int64_t least[LIMIT_PLACEMENT_STRATEGIES]; /* no place costs less */
};
uint64_t strategy_chance_of(const char *text); /* of an instance, or a task */
void strategy_begin(const struct pass *pass, const char *task, struct strategy_search *ret_search);
/* The first from `site` on that is better than the best so far, and its costs; fleet->sites.len: none is. */
size_t strategy_next(const struct strategy_search *search, size_t site, int64_t *ret_costs);
/* It is the best now. Whether none can be better. */
bool strategy_settle(struct strategy_search *search, const int64_t *costs);
/* Below 0 when a task that leaves `left` leaves the better rest. */
int strategy_compare_rest(const struct pass *pass, const struct site *left, const struct site *right);

/* restart.c: notes in the memory which containers run that may be restarted later. What stopped before davit
 * saw it run may have been stopped by davit itself, in an earlier life. */
void restart_witness(const struct plan_input *input);
/* restart.c: whether it is the start of that container once more, after it had stopped. */
bool restart_failed(const struct plan_failure *failure, const struct container *container);

/* life.c: how many containers of a new task will never be, by C5, C11 and F10. */
int life_passed_over(const struct pass *pass, const struct task *task);
/* life.c: whether an action on that container is under way, C7. */
bool life_is_under_way(const struct task *task, const char *container);
/* life.c: adds an action on a container of the task; its container_id is the caller's to set. */
struct action *life_act(struct pass *pass, const struct task *task, enum action_kind kind,
                        const char *container);
/* life.c: why the task can never run, by C5, C6, C8 and P13 (owned), or NULL. */
char *life_dead_end(struct pass *pass, const struct task *task);

/* crash.c: a failure that is counted: F13. */
void crash_note(struct pass *pass, const struct task *task, const char *reason);
/* crash.c: notes which new tasks are healthy, while a deployment is IN_PROGRESS. */
void crash_witness(struct pass *pass);
/* crash.c: F14. */
bool crash_fails(const struct pass *pass, int threshold);
/* crash.c: F15. */
void crash_tell(struct pass *pass);

/* failure.c: notes which tasks were up once, F10. */
void failure_witness(struct pass *pass);
/* failure.c: whether the task is among the failed ones that PRIMARY keeps. */
bool failure_is_noted(const struct pass *pass, const char *task);
/* failure.c: whether the task goes on without the container, F10. */
bool failure_gave_up(const struct pass *pass, const struct task *task, const char *container);
/* failure.c: F10, whether the task goes on without the container that failed, which is noted then. */
bool failure_give_up(struct pass *pass, const struct task *task, const struct plan_failure *failure);
/* failure.c: that container is never created again. */
void failure_pass_over(const struct pass *pass, const struct task *task, const char *container);

/* back_off.c, F9: a failure that is counted. */
void back_off_note(struct pass *pass, const struct task *task);
/* back_off.c: a task is launched there. */
void back_off_launch(const struct pass *pass, const char *instance);
/* back_off.c: what failed there stands. NULL: all of the service. */
void back_off_end(const struct pass *pass, const char *instance);
/* back_off.c: how many launches have to wait, and says so; INT_MAX: all. `instance` is asked for a DAEMON. */
int back_off_held(struct pass *pass, const char *instance);
/* back_off.c: how many rounds have failed in a row. */
int back_off_rounds(const struct pass *pass, const char *instance);
/* back_off.c: when the next of those that wait is launched; 0: nobody waits. */
int64_t back_off_next_ms(const struct pass *pass);
