/* A whole davit in virtual time: the production core, plan, act and watch, wired as in daemon/runtime.c, on
 * one to three simulated engines, with a simulated repository and a simulated disk for the ledger. One seed
 * decides everything that happens.
 */
#pragma once

#include "act/act.h"
#include "core/core.h"
#include "engine/sim.h"
#include "engine/watch.h"

#include <stdarg.h>

#define HOSTS_MAX            3
#define SERVICES_MAX         3
#define JOBS_MAX             2
#define TIMERS_MAX           2
#define FIRST_MS             1700000000000LL /* 2023-11-14T22:13:20Z, when a world begins */
#define VERSIONS_MAX         24

#define OWNER                "me"
#define PATIENCE_MS          15000
#define LOST_AFTER_MS        20000
#define ABSENCE_MS           1800000
#define STOPPED_RETENTION_MS 60000
#define BUDGET_SERVICES      1
#define BUDGET_PERCENT       40
#define STOPPED_KEPT         2
#define WIDE_CPU_UNITS       4096 /* of a host: room for everybody */

struct world;

/* --- repository: repo.c */

/* What a generated service is made of. */
struct recipe {
    bool present;
    int alias;    /* it is called "s0", or "r0" */
    int shape;    /* which containers, see repo.c */
    int image;    /* of its main container */
    int tag;      /* makes contents of one image differ */
    int count;    /* desiredCount */
    int bounds;   /* which percentages */
    int order;    /* bit n: depends on service n, if that is there */
    int complete; /* bit n: with condition COMPLETE */
    int steps;    /* bit n: job n is of davit.preDeploy */
    bool suspend;
    bool keep; /* davit.prune: disabled */
    bool rollback;
    int place;    /* which placement, see manifests.h */
    int capacity; /* which capacity provider strategy, likewise; 0: none */
    bool daemon;
};

/* What a service asks of the hosts. */
struct place {
    const char *members; /* of its manifest */
    bool even;           /* spread over instances, and nothing else */
    bool distinct;
    bool zones; /* rebalanced over availability zones, if maximumPercent lets it */
    bool wants_ssd;
    const char *avoids; /* a service; NULL: none */
};

/* A task definition "j0" of tasks that end by themselves, for davit.preDeploy. */
struct job {
    int image; /* see manifests.c */
    int tag;
};

/* A scheduled task "t0". */
struct timer {
    bool present;
    bool disabled;
    int expression; /* see manifests.h, as all of it */
    int policy;
    int job;
    int count;
    int age;
    int attempts;
};

/* A commit. */
struct version {
    struct recipe recipes[SERVICES_MAX];
    struct job jobs[JOBS_MAX];
    struct timer timers[TIMERS_MAX];
    bool suspend;   /* of the cluster */
    bool windows;   /* changes begin in even minutes only */
    bool broken;    /* holds a file that does not validate */
    int conf;       /* content of the file that containers get */
    int declared;   /* hosts that the cluster declares, a bit each; 0: none, it has all */
    int draining;   /* likewise */
    bool providers; /* those that are declared name their capacity provider */
    bool gpus;      /* and have GPUs */
    int capacity;   /* the cluster's default strategy, as a recipe's */
    int approves;   /* removals, by a trailer */
};

/* What a davit has asked for. */
struct question {
    struct string_vec roots;
    int64_t generation;
    int since; /* version that counts as delivered last; -1: none */
};

struct repo {
    struct version versions[VERSIONS_MAX];
    int len;
    bool from_last;           /* later services are depended on; else earlier ones: never both */
    int delivered;            /* to this davit: the next one is versions[delivered] */
    bool fresh;               /* this davit has been given nothing yet, or asks again */
    struct question question; /* what commits are delivered by */
    struct question next;     /* asked for since; generation 0: none */
    int64_t deliver_ms;
};

#define NAMES_MAX 2 /* of a service */
struct name {
    char text[4];
};
struct name repo_name_of(int service, int alias);
/* As the version calls it. */
struct name repo_name(const struct version *version, int service);
/* As what is wanted now calls it. */
struct name repo_name_now(const struct world *world, int service);
const struct place *repo_place(const struct version *version, const char *service);
bool repo_has_ssd(int host);
bool repo_same_zone(int host, int other);
void repo_begin(struct world *world);
/* A new commit, most of them small changes of the one before. */
void repo_push(struct world *world);
/* Hands out what is due. */
void repo_deliver(struct world *world);
/* davit wants more than manifests. */
void repo_ask(struct world *world, const struct effect *effect);
/* A new life, which knows these roots (NULL: none) and this commit. */
void repo_restart(struct world *world, const json_t *roots, const char *since);
void repo_deinit(struct repo *repo);
/* Whether the version is to be deployed. */
bool repo_is_good(const struct version *version);
/* The content of a blob; NULL: no commit has it. Caller frees. */
char *repo_blob(const char *oid);
/* What every host knows of images. */
void repo_images(struct sim *sim);
/* A tag means another image from now on, for whoever pulls it. */
void repo_move_tag(struct world *world);
/* The other way round; -1 for NULL. */
int repo_version(const char *oid);
/* Whether what is wanted now suspends a service or its cluster. */
bool repo_suspends(const struct world *world, const char *service);
/* Whether a change may begin. */
/* The clock on the wall, which somebody sets; now_ms never leaps. */
int64_t world_wall_ms(const struct world *world);
bool repo_window_is_open(const struct world *world);
/* Whether what is wanted of a service now is an image that can run. */
/* Whether tasks of that content run; of an image by its name. */
bool repo_content_can_run(const struct service *content);
bool repo_can_run(const struct world *world, const char *service);
void repo_oid(int version, char ret_oid[static COMMIT_OID_SIZE]);

/* --- the disk under the ledger, and the writer of daemon/writer.c: disk.c */

struct disk {
    struct map entries; /* "kind/name" -> json_t, as acknowledged */
    struct ledger_change_vec changes;
    struct action_vec actions;
    struct ledger_change_vec saving;
    struct action_vec saving_actions;
    int64_t done_ms; /* when the save under way ends, or is tried again; 0: none */
    bool retry;
    int64_t retry_ms;
    int failing; /* so many saves will fail */
};

void disk_give(struct world *world, struct ledger_change_vec *changes, struct action_vec *actions);
void disk_step(struct world *world);
/* davit died: what was not acknowledged is lost, or just made it. */
void disk_crash(struct world *world);
void disk_deinit(struct disk *disk);
/* Whether the removal of a service's entry is on its way. */
bool disk_forgets(const struct disk *disk, const char *name);
/* Whether a newer one of that entry waits for the save under way. */
bool disk_awaits(const struct disk *disk, enum ledger_change_kind kind, const char *name);
/* The acknowledged entry, or NULL. */
const json_t *disk_entry(const struct disk *disk, enum ledger_change_kind kind, const char *name);

/* --- davit.c */

struct record {
    json_t *event;
    json_t *effects;
};
struct record_vec VECTOR_OF(struct record);

struct davit {
    struct core *core; /* NULL: dead */
    struct act *act;
    struct effect_vec effects;
    int64_t wake_ms;
    int64_t restart_ms; /* when dead */
    int dies_after;     /* so many more effects; -1: not */
    bool recording;
    struct record_vec records; /* of this life */
    json_t *snapshot;          /* of the core before the record snapshot_at */
    size_t snapshot_at;
};

void davit_start(struct world *world);
void davit_kill(struct world *world);
/* Owns the event afterwards. */
void davit_step(struct world *world, struct event *event);
/* What the loop does before it sleeps. */
void davit_settle(struct world *world);
/* Replays the records of this life; fails the world when something comes out differently. */
void davit_replay(struct world *world);

/* --- invariants: check.c */

/* What was wanted of a service, and what there was. */
struct was {
    struct name name;
    bool wanted;
    struct digest digest;
    bool new_is_there; /* something of its other name */
    char *tasks;       /* owned */
};

struct checker {
    int deployed;                 /* version that davit has noted last as deployed; -1: none */
    int approved;                 /* version that somebody approved in this life; -1: none */
    struct map mirror[HOSTS_MAX]; /* what davit has been told: id -> container, owned */
    struct map targets;           /* id of an action -> its container's, in this life */
    int64_t born_ms;              /* of this davit */
    bool listed[HOSTS_MAX];       /* once in this life */
    int64_t lost_ms[HOSTS_MAX];   /* since when nothing is heard of a host; 0: it answers */
    struct map stops;             /* tasks that were to stop before this turn */
    struct map known_deployments; /* ids that were ever acknowledged */
    struct map retried;  /* "cluster/service digest" -> how often, and the ledger does not know yet */
    struct map launched; /* tasks that were ever created */
    int counts[NAMES_MAX * SERVICES_MAX]; /* tasks desired before this turn */
    int floors[NAMES_MAX *
               SERVICES_MAX]; /* fewest tasks desired since the content was COMPLETED; -1: it is not */
    struct map let_through;   /* "s0 digest", "s0 gone": what was wanted while the window was open */
    struct map up;            /* tasks that were up once in this life of davit */
    struct map runs;          /* standalone tasks that the ledger ever had: runs.c */
    struct map ran;           /* names of their containers that were started once, */
    struct map again;         /* and of those that an engine has made anew since */
    struct map ended;         /* names of all containers that have ended once */
    bool suspended[NAMES_MAX][SERVICES_MAX + 1]; /* by hand, as davit was told or the disk has it; the last:
                                                    the cluster, of either */
    struct map owners; /* tasks that are another service's than their labels say -> its name, owned */
    struct was was[SERVICES_MAX]; /* as it was before a commit */
    const struct desired *desired;
    size_t log_seen[HOSTS_MAX];
    struct map step_runs;       /* tasks of davit.preDeploy that the ledger ever had: check_pre.c */
    struct map step_tokens;     /* their clientTokens */
    struct map step_begun;      /* those that were seen to begin */
    struct map steps_succeeded; /* "s0 DIGEST 1": as the ledger has it */
    struct map steps_exited;    /* as the engines have it */
    size_t pre_seen[HOSTS_MAX];
    struct map timer_runs;      /* tasks of scheduled tasks that the ledger ever had: check_timer.c */
    struct map timer_tokens;    /* their clientTokens, alone and with the time of the call */
    struct map timer_begun;     /* those that were seen to begin */
    int64_t away_ms[HOSTS_MAX]; /* when a host was away last; 0: never */
    struct map images;          /* "DEPLOYMENT CONTAINER" -> what the first was created of: check_image.c */
    struct map judged;          /* "ID on HOST": a container that (I) held for */
    struct map calm_bounds;     /* fair weather: service -> struct fair, owned */
};

void check_begin_life(struct world *world);
void check_before(struct world *world, const struct event *event);
void check_after(struct world *world, enum event_kind kind, const struct effect_vec *effects, size_t from);
void check_saved(struct world *world, const struct ledger_change *change);
/* (w) What is wanted now may begin. */
void check_let_through(struct world *world);
/* After everything that happened at one moment. */
void check_moment(struct world *world);
/* While a host is split off and all else is calm: others do its work. */
void check_absence(struct world *world);
/* Which service the task is of: as its labels say, unless that has another name by now. NULL: of none. */
const char *check_owner(const struct world *world, const struct task_labels *labels);
/* Whether a service (NULL: its cluster) is suspended, by git or by hand. */
bool check_is_suspended(const struct world *world, const char *service);
/* At the end: the world is as desired. */
void check_goal(struct world *world);
void check_deinit(struct checker *checker);
/* P10: whether davit has not heard of the instance for so long that its tasks are lost. */
bool check_is_lost(const struct world *world, const char *instance);

/* --- (x) new names: check_name.c */

/* Before a commit, and after it. */
void name_note(struct world *world, int service);
void name_check(struct world *world, int service);
void name_note_owners(struct world *world);
void name_deinit(struct checker *checker);

/* --- standalone tasks: runs.c */

void runs_start_some(struct world *world);
void runs_stop_one(struct world *world);
void runs_check_saved(struct world *world, const struct ledger_change *change);
/* Of any container; NULL: it is gone by now. */
void runs_check_log(struct world *world, const struct sim_log_entry *entry,
                    const struct container *container);
void runs_check_action(struct world *world, const struct action *action);
void runs_check_goal(struct world *world);

/* --- davit.preDeploy: check_pre.c */

void pre_check_saved(struct world *world, const struct ledger_change *change);
/* Looks at what happened on the engines. */
void pre_look(struct world *world);
/* Tasks of the service were launched. */
void pre_check_launch(struct world *world, const struct view_service *view);
/* Whether one of its tasks began with this turn. */
bool pre_begins(struct world *world, const struct view_service *view);
/* At the end: whether it waits for one that will never end, or that finds no place. */
bool pre_waits_rightly(const struct world *world, const struct view_service *view);
/* Whether the entry of a task is kept until its service is not suspended any more, or is back or gone that
 * left with davit.prune disabled. */
bool pre_is_kept(const struct world *world, const struct run *run);
void pre_deinit(struct checker *checker);

/* --- scheduled tasks: check_timer.c */

void timer_check_saved(struct world *world, const struct ledger_change *change);
/* What began with this turn. */
void timer_check_turn(struct world *world);
void timer_check_goal(struct world *world);
void timer_deinit(struct checker *checker);

/* --- davit rollback --hold: check_hold.c; the digest is of what it goes back to */
void hold_check_begun(struct world *world, const char *name, const struct digest *to);
void hold_check_saved(struct world *world, const struct service_ledger *before,
                      const struct service_ledger *now);
void hold_check_goal(struct world *world, const struct view_service *view);

/* --- images: check_image.c */

void check_images(struct world *world, int host);

/* --- invariants of placement: check_place.c */

/* After a turn that launched these tasks of the service. */
void check_place(struct world *world, const struct view_service *view, const struct map *launched);
/* Whether the commit lets the service's tasks be on the host. */
bool check_place_allowed(const struct world *world, const char *service, int host);
/* Whether one that is there may stay. */
bool check_place_stays(const struct world *world, const struct view_service *view, int host);
/* And whether one more has its place there, but for cpu. */
bool check_place_free(const struct world *world, const char *service, int host);
/* Whether a service that it is not to be beside has tasks there. */
bool check_place_avoided(const struct world *world, const char *service, int host);
/* Whether a host has the place and the cpu for one more task, by engine truth. */
bool check_room_on(const struct world *world, const struct service *service, int host);
/* Whether a standalone task has its place there. */
bool check_room_for_run(const struct world *world, int host, int cpu_units);
/* Whether tasks of the service take GPUs, of which hosts have few. */
bool check_wants_gpus(const struct service *service);
/* P13: whether that is what it says, and rightly: the commit took away what the task was promised. */
bool check_any_suspended(const struct world *world);
bool check_waits_for_gpu(const struct world *world, const char *waiting);
/* P13: likewise of a sidecar, without which its task goes on. */
bool check_goes_on_without_gpu(const struct world *world, const struct service *aim, int host);
void check_gpus_given(struct world *world, const struct action *action);
/* What containers of the host have of them. */
void check_gpus(struct world *world, int host);
bool check_room_anywhere(const struct world *world, const struct service *service);
/* Whether what is wanted of it is healthy for a while, and then crashes. */
bool repo_is_flaky(const struct world *world, const char *service);
/* Whether the commit has it as a DAEMON. */
bool repo_is_daemon(const struct world *world, const char *service);
/* Whether a DAEMON's task may be on a host that is to be left: others of the cluster are. */
bool check_place_lingers(const struct world *world, const struct view_service *view, int host);
/* At the end, of a service that found a place for every task. */
void check_place_goal(struct world *world, const struct view_service *view);

/* --- capacity providers: check_provider.c */

struct capacity;
/* The strategy that the commit has for the service; NULL: none counts. */
const struct capacity *provider_strategy(const struct world *world, const char *service);
/* After a turn that launched so many tasks of the service on each host, which has so many new ones now. */
void check_provider(struct world *world, const struct view_service *view, const int *launched,
                    const int *now);
/* What RunTask has started of so many tasks, by the strategy that it asked for; 0: none. */
void provider_check_runs(struct world *world, const struct run_outcome *outcome, int which, int count);
/* Whether each provider of the strategy has a host that may take one more task. */
bool provider_has_room(const struct world *world, const struct service *service);

/* --- the world: world.c */

struct host {
    struct world *world;
    char name[16];
    struct sim *sim;
    struct engine_watch *watch;
    int cpu_units;     /* what it has */
    int64_t heard_ms;  /* when davit heard of it last */
    int64_t up_ms;     /* when a dead one comes back; 0: it is up */
    int64_t silent_ms; /* when a silent one answers again; 0: it answers */
};

struct world {
    uint64_t seed;
    uint64_t random;
    int64_t now_ms;
    int64_t skew_ms;     /* the clock on the wall minus now_ms */
    int64_t put_back_ms; /* by all that set it */
    bool leaps;          /* it is set during the storm, and is right afterwards */
    bool trace;
    bool fair;      /* no faults but those of the manifests: engine truth is held to the bounds */
    bool calm;      /* the storm is over */
    bool restless;  /* something crashes for ever, and rightly so */
    bool failed;    /* an invariant broke: the rest of the run is skipped */
    char *failure;  /* what broke, owned */
    size_t moments; /* since the last second, to find loops that do not advance */
    int64_t second_ms;
    struct host hosts[HOSTS_MAX];
    int hosts_len;
    struct repo repo;
    struct disk disk;
    struct davit davit;
    struct checker checker;
    int64_t next_mischief_ms;
    int tags_moved;
    uint64_t steps; /* of core */
};

/* Some seeds have a deletion budget, and some keep nothing that has stopped. */
bool world_has_budget(const struct world *world);
bool world_keeps_nothing(const struct world *world);
void budget_begin_life(struct world *world);
void budget_check(struct world *world, const struct ledger_change *change);
/* Whether a commit was held. */
bool budget_approve(struct world *world);

struct world_totals {
    uint64_t steps; /* of core */
    int64_t ms;     /* of virtual time */
};

/* Runs one seed, and adds to the totals; false when an invariant broke, *ret_failure (owned) says which. */
bool world_run(uint64_t seed, bool trace, struct world_totals *totals, char **ret_failure);

uint64_t world_random(struct world *world);
int world_pick(struct world *world, int below); /* 0 ... below - 1 */
bool world_chance(struct world *world, int percent);
void world_trace(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The first failure stays. */
void world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds a disturbance and says when the next comes: mischief.c */
void mischief_step(struct world *world);
void mischief_begin(struct world *world);
void mischief_end(struct world *world);
