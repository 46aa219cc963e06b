/* What should be under way for one service, now. Pure and level-triggered: the same input gives the same
 * output, and an action's end matters only through what is observed afterwards. README.md holds the decision
 * table; each rule has a file, and plan_service() reads as the list of passes.
 */
#pragma once

#include "base/digest.h"
#include "base/map.h"
#include "base/vector.h"
#include "model/action.h"
#include "model/desired.h"
#include "model/ledger.h"
#include "model/observed.h"
#include "model/run.h"

#include <stdbool.h>
#include <stdint.h>

struct plan_options {
    const char *owner;
    int64_t stopped_retention_ms; /* stopped tasks stay visible so long; ECS agent: 3 h */
    int stopped_kept;             /* and no more than so many per service */
    int64_t lost_after_ms;        /* P10: silence of an instance; 0: its tasks are never lost */
};

/* Room on the container instances. core keeps it, by what each service has booked; placing books more. */
struct plan_port {
    int port;
    bool udp;
    const char *holder; /* "cluster/service"; borrowed */
};
struct plan_port_vec VECTOR_OF(struct plan_port);

/* A service that has tasks on an instance, or a standalone task there. */
struct plan_group {
    const char *holder; /* "cluster/service", "cluster/task id"; borrowed */
    int tasks;          /* that hold room */
    bool daemon;        /* it is one, or its tasks stay (D12): nobody waits for them to leave, E7 */
    const char *name;   /* ECS's task group, of a standalone task; NULL: the service's; borrowed */
};
struct plan_group_vec VECTOR_OF(struct plan_group);

/* What an instance has by the piece: most bookings take none. */
struct plan_pieces {
    int64_t gpus;               /* that have yet to be chosen */
    struct string_vec gpu_ids;  /* that are */
    struct plan_port_vec ports; /* host ports */
};

/* What a service takes of one instance. There are about as many as tasks. */
struct plan_booking {
    size_t instance; /* index into the instances */
    struct plan_group group;
    int64_t cpu_units;
    int64_t memory_mib;
    struct plan_pieces *pieces; /* NULL: none */
};
struct plan_booking_vec VECTOR_OF(struct plan_booking);

struct plan_instance {
    const char *name;
    bool usable;        /* connected and listed */
    const char *reason; /* why not, when not usable; may be NULL */
    const char *arch;   /* as the engine calls it; NULL: not known */
    const char *os;     /* likewise */
    int64_t lost_ms;    /* when not usable: since when nothing is heard of it; 0: it was never heard of */
    int64_t cpu_units;  /* when nothing runs there; 0: not known */
    int64_t memory_mib;
    int64_t cpu_units_free;
    int64_t memory_mib_free;
    int64_t gpus_promised;      /* to tasks that are to come */
    struct string_vec gpu_ids;  /* in use */
    struct plan_port_vec ports; /* host ports in use */
    struct plan_group_vec groups;
};
struct plan_instance_vec {
    struct plan_instance *items;
    size_t len;
    size_t cap;
    struct map by_name; /* name -> index + 1; empty before plan_instances_index() */
};

void plan_instance_vec_deinit(struct plan_instance_vec *instances);
/* So that a name is found among thousands without a look at each. The names stay from then on. */
void plan_instances_index(struct plan_instance_vec *instances);
/* Of the first with that name; instances->len: there is none, as with NULL. */
size_t plan_instance_index(const struct plan_instance_vec *instances, const char *name);

/* Adds what a container takes to the booking of its instance, which is made when there is none. */
void plan_booking_add(struct plan_booking_vec *bookings, size_t instance, const struct container_spec *spec,
                      const char *holder);
/* Never NULL. Borrowed. */
const struct plan_pieces *plan_booking_pieces(const struct plan_booking *booking);
/* To be added to. Borrowed. */
struct plan_pieces *plan_booking_pieces_made(struct plan_booking *booking);
/* Of what the cluster says that the instance has, GPUs that no container has. Borrowed; caller deinits the
 * vector. */
struct plan_gpu_refs VECTOR_OF(const char *);
struct plan_gpu_refs plan_gpus_free(const struct plan_instance *instance,
                                    const struct container_instance *declared);
/* How many containers there have that GPU: never more than one, but for what comes late. */
int plan_gpu_holders(const struct plan_instance *instance, const char *id);
/* Counts a task there; what its containers take is added one by one. */
void plan_booking_add_task(struct plan_booking_vec *bookings, size_t instance, const char *holder);
/* Takes the room, and gives it back. A booking that was taken must be given back as it was. */
void plan_room_take(struct plan_instance_vec *instances, const struct plan_booking_vec *bookings);
void plan_room_give(struct plan_instance_vec *instances, const struct plan_booking_vec *bookings);
/* False also of the same in another order: a booking that is not the same is given back and taken anew. */
bool plan_booking_same(const struct plan_booking_vec *before, const struct plan_booking_vec *after);
/* Whether somebody else may find a place where `before` was booked and `after` is now: there is more room, or
 * a constraint that asks for tasks looks otherwise. */
bool plan_booking_freed(const struct plan_booking_vec *before, const struct plan_booking_vec *after);
void plan_booking_vec_deinit(struct plan_booking_vec *bookings);

/* The instances of a cluster, as all of its services see them: made once, for there may be thousands of
 * either. It borrows both, and is good for as long as neither the instances' names, architectures and systems
 * change nor what the cluster declares. Between plans it says nothing about any service. */
struct plan_fleet;
struct plan_fleet *plan_fleet_new(const struct plan_instance_vec *instances,
                                  const struct container_instance_vec *declared);
void plan_fleet_free(struct plan_fleet *fleet);
DEFINE_CLEANUP(struct plan_fleet, plan_fleet_free)

/* A failed action that the planner has not seen yet. */
struct plan_failure {
    char task[ID_HEX_SIZE];
    char *instance;
    char *container;
    char *reason;
    struct digest digest; /* a create or resolve: of the content that the task was to have; else zero */
    bool of_image;        /* a resolve: no task of the deployment can be created */
};
struct plan_failure_vec VECTOR_OF(struct plan_failure);
void plan_failure_vec_deinit(struct plan_failure_vec *failures);

#define BACK_OFF_ANYWHERE "*"

/* F9: tasks failed there, or "*" for a REPLICA's, one round after the other. */
struct plan_back_off {
    int rounds;    /* that failed in a row: what failed before anything was launched again is of one */
    int owed;      /* tasks that failed since: so many launches wait */
    bool launched; /* since the last failure */
    int64_t last_ms;
};

/* What the planner keeps about a service between turns. It is convenience, not truth: it is empty after a
 * restart and everything still converges. */
struct plan_memory {
    bool seen;            /* planned at least once: tasks that stopped before are not counted as failures */
    struct map stopping;  /* task id -> owned reason: desiredStatus STOPPED, which never goes back (ECS) */
    struct map counted;   /* task id -> (void *)1: its end has been counted */
    struct map announced; /* task id -> (void *)1: its stop has been told in an event */
    struct map ran;       /* container id -> (void *)1: it has a restart policy and was seen running */
    struct map up;        /* task id -> (void *)1: all of it had started once; it never goes back (ECS) */
    struct map lost;      /* task id -> (void *)1: it has been told in an event that it is lost, P10 */
    struct map given_up;  /* "task id/container" -> (void *)1: its task goes on without it, F10 */
    struct map proven;    /* task id -> (void *)1: of this rollout, it was healthy once, F14 */
    struct map back_offs; /* container instance of a DAEMON's task, else "*" -> owned struct plan_back_off */
    int crashes_in_row;   /* F13 */
    int relapses_in_row;  /* of these, of tasks that are proven */
    int64_t last_crash_ms;
    char *crash; /* the reason of the last one; owned */
    int64_t
        no_place_ms;   /* when it was told last that a task has no place, R14; 0: not, or it had one since */
    int64_t stuck_ms;  /* likewise, that its percentages leave no room, R10 */
    bool rebalancing;  /* it has been announced, Z2 */
    bool steady;       /* steady state has been announced */
    int settled_count; /* tasks desired when all were healthy last: who depends on it asks for no more, R12 */
};

void plan_memory_deinit(struct plan_memory *memory);
json_t *plan_memory_to_json(const struct plan_memory *memory);
void plan_memory_from_json(const json_t *json, struct plan_memory *ret_memory);

struct plan_input {
    int64_t now_ms;
    const struct plan_options *options;
    const struct service *desired;       /* NULL: it left the repository */
    const struct commit *commit;         /* of the desired state */
    const struct service_ledger *ledger; /* NULL: nothing known */
    const struct run *run; /* a standalone task in place of a service: `desired` is its content, the next
                              four are NULL */
    const struct service *completed; /* ledger->completed; NULL: none, or it is not readable */
    const char *cluster;
    const char *service;
    const char *key;               /* "cluster/service", "cluster/task id"; outlives what is booked */
    const char *suspended;         /* by whom, row U1; NULL: it is not */
    const char *waits_for;         /* why its deployment may launch nothing yet, R12; NULL: it may */
    const char *pre_deploy;        /* the task of davit.preDeploy that is waited for, R13; NULL: none is */
    const char *pre_deploy_failed; /* how one of them failed, F16; NULL: none did */
    const struct container *const *containers; /* all of the service, borrowed, any order */
    size_t containers_len;
    const struct action *const *under_way; /* actions sent and not yet answered */
    size_t under_way_len;
    const struct plan_failure_vec *failures;       /* since the last plan */
    struct plan_instance_vec *instances;           /* placing takes from it; NULL in views: all answer */
    const struct container_instance_vec *declared; /* by the cluster; NULL or none: it has all instances */
    const struct capacity_item_vec *capacity;      /* the cluster's default strategy; may be NULL */
    const struct string_vec *beside; /* of a standalone task, V5: where those before it of its call are */
    struct plan_fleet *fleet;        /* of these two, kept by the caller; NULL: made for this plan */
    struct plan_memory *memory;      /* updated */
    struct id_source *ids;
};

struct plan_output {
    struct action_vec actions;      /* to be sent now */
    struct plan_booking_vec booked; /* what placing took of in->instances: the caller gives it back when it
                                       books the tasks by what is under way */
    bool counted;                   /* a DAEMON: desired_count is how many tasks it is to have, E1 */
    int desired_count;
    struct plan_booking_vec kept; /* E3: room that is to be kept for it, until the next plan says otherwise */
    bool gated;                   /* R12, R13: it would launch, were it not for what is waited for */
    bool no_place;                /* a task found no room: plan again when some was freed */
    struct service_ledger *ledger; /* the entry as it must be saved first; NULL: unchanged */
    struct run *run;               /* likewise, of a standalone task */
    bool forget;                   /* the service or task is gone: remove its entry, if it has one */
    char *ledger_message;          /* with an entry, or one to forget: one line saying what changed */
    int64_t wake_ms;               /* plan again then at the latest; 0: nothing to wait for */
    char *waiting;                 /* what is being waited for, in words; NULL: nothing */
    struct string_vec events;      /* ECS's service event texts, oldest first */
};

void plan_service(const struct plan_input *input, struct plan_output *ret_output);
/* Rows T2 to T12: the same for a standalone task. */
void plan_run(const struct plan_input *input, struct plan_output *ret_output);
void plan_output_deinit(struct plan_output *output);

/* Why an instance cannot take a task. */
struct plan_lack {
    const char *instance; /* borrowed */
    const char *reason;   /* of ECS's failures: "RESOURCE:CPU"; static */
    char *detail;         /* in words */
};
struct plan_lack_vec VECTOR_OF(struct plan_lack);
void plan_lack_vec_deinit(struct plan_lack_vec *lacks);
/* T1: the instance for a standalone task that is to be, of `input` looked at are run, desired, key and where
 * things are. Its room is taken, as ret_output->booked says. NULL: none can take it now. */
const struct plan_instance *plan_place(const struct plan_input *input, struct plan_output *ret_output,
                                       struct plan_lack_vec *ret_lacks);

/* Rows D4, D6, D7, D9 and D10: whether a new deployment is to begin. ledger may be NULL, and completed. */
bool plan_begins(const struct service_ledger *ledger, const struct service *desired,
                 const struct service *completed);
/* D11: whether PRIMARY is `completed`, and stands in for what is desired and failed. */
bool plan_rolled_back(const struct service_ledger *ledger, const struct service *desired,
                      const struct service *completed);

/* --- a task, rolled up from its containers; used by the passes and by the views ------------------------- */

enum task_status { TASK_PENDING, TASK_RUNNING, TASK_STOPPING, TASK_STOPPED };

struct task {
    char id[ID_HEX_SIZE];
    const char *instance;   /* borrowed from a container or an action */
    const char *deployment; /* likewise */
    const char *service;    /* likewise: of its labels, the name that its service had; NULL: none */
    const char *family;
    int revision;
    struct digest digest;
    const char *commit;
    enum task_status status;
    enum health_status health; /* roll-up over essential containers, ECS 2.6 */
    bool healthy;              /* counts for minimumHealthyPercent, ECS 4.1 */
    bool stop;                 /* desiredStatus STOPPED */
    bool failed;               /* and by its own fault */
    bool lost;                 /* P10: nothing is heard of its instance for so long that it counts no more */
    char *stop_reason;         /* owned; NULL while it should run */
    int64_t created_ms;        /* of its first container; 0 before */
    int64_t started_ms;        /* when its last container started; 0 unless RUNNING */
    int64_t young_since_ms;    /* what its age counts from, no sidecar if it was up; likewise */
    int64_t stopped_ms;        /* when its last container ended; 0 unless STOPPED */
    int64_t wake_ms;           /* when one of its clocks strikes next; 0: never */
    const struct container *containers[LIMIT_CONTAINERS_PER_TASK];
    size_t containers_len;
    bool restarts[LIMIT_CONTAINERS_PER_TASK]; /* of containers: it has stopped, and is to be started again */
    const struct action *under_way[LIMIT_CONTAINERS_PER_TASK];
    size_t under_way_len;
};
struct task_vec VECTOR_OF(struct task);

/* Groups containers and actions by task and rolls them up, sorted by id. minimum_healthy_ms and grace_ms are
 * the service's. */
struct task_roll_up {
    int64_t now_ms;
    int64_t minimum_healthy_ms;
    int64_t health_check_grace_ms;
    const struct plan_memory *memory; /* NULL: none */
};
void task_vec_build(const struct plan_input *input, const struct task_roll_up *options,
                    struct task_vec *ret_tasks);
void task_vec_deinit(struct task_vec *tasks);
/* ECS's lastStatus: PROVISIONING and DEPROVISIONING while only the pause container starts or stops, which is
 * where a task of network mode awsvpc has its interface here. ACTIVATING and DEACTIVATING are of load
 * balancers. */
const char *task_last_status(const struct task *task);
const struct container *task_container(const struct task *task,
                                       const char *name); /* NULL when it has none yet */

/* V1: the strategy that counts for the service; NULL: none does. */
const struct capacity_item_vec *plan_capacity(const struct service *service,
                                              const struct container_instance_vec *declared,
                                              const struct capacity_item_vec *otherwise);

/* F15: whether tasks crash again and again, as far as is remembered. */
bool plan_crash_loops(const struct plan_memory *memory, int64_t now_ms);

/* Row C9, of a task that is not to stop: whether what has stopped is to be started again. `ran` is
 * plan_memory's. */
bool plan_restarts(const struct container *container, const struct map *ran);

/* P10, of an instance that does not answer: whether its tasks are lost. lost_ms as in struct plan_instance.
 */
bool plan_is_lost(const struct plan_options *options, int64_t lost_ms, int64_t now_ms);

/* ECS 4.1: lower bound rounded up, upper bound rounded down. */
int plan_lower_bound(int desired_count, int minimum_healthy_percent);
int plan_upper_bound(int desired_count, int maximum_percent);
/* ECS 4.3: how many failures it takes; by default half the desired count, at least 3, at most 200. */
int plan_failure_threshold(const struct circuit_breaker *breaker, int desired_count);
