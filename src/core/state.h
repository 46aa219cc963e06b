/* What core remembers. Internal to core/. */
#pragma once

#include "base/map.h"
#include "core/core.h"
#include "manifest/manifest.h"
#include "model/merge.h"
#include "model/service_rename.h"

struct fleet;
struct service_state;
struct service_state_vec VECTOR_OF(struct service_state *);

/* What happened to a service or a scheduled task: LIMIT_SERVICE_EVENTS once it is full; grows until then. */
struct event_ring {
    struct view_event *items;
    size_t cap;
    size_t first;
    size_t len;
};

/* What is planned by itself: a service, or a standalone task. */
struct service_state {
    char *cluster;
    char *name; /* NULL: a standalone task */
    char *key;  /* "cluster/name", of a standalone task "cluster/id" */
    struct run
        *run; /* of a standalone task: what its ledger entry says. Set by core_set_run(); NULL: a service */
    char *group;                    /* of a standalone task: run->group, for as long as the state lives */
    struct service *desired;        /* owned reference; NULL: not in the repository. Of a standalone task its
                                       content, never NULL */
    struct service_ledger *ledger;  /* NULL: nothing known. Set by core_set_ledger() */
    struct delayed_change *delayed; /* owned; NULL: no change waits. Then `desired` is what goes on */
    struct service *completed;      /* of ledger->completed; owned reference; NULL: there is none */
    struct plan_memory memory;
    struct plan_failure_vec failures; /* not planned with yet */
    struct container_vec containers;  /* borrowed from instances */
    struct action_vec under_way;      /* borrowed from flights */
    struct event_ring events;
    char *waiting;
    struct map troubles;            /* what keeps going wrong -> struct trouble, owned */
    size_t held_len;                /* flights under way that only hold */
    struct plan_booking_vec booked; /* as counted in core.rooms */
    struct plan_booking_vec kept;   /* likewise, E3: in core.keepers when there is some */
    int64_t wake_ms;                /* 0: none. Set by core_wake_at() */
    size_t wake_at;                 /* place in core.sleeping, +1; 0: none */
    bool dirty;                     /* in core.marked */
    bool awaits_room;               /* in core.awaiting_room */
    char *pre_deploy;        /* set before each plan, R13: the task of davit.preDeploy that is waited for */
    char *pre_deploy_failed; /* likewise, F16 */
    bool pre_deploy_lacks;   /* likewise: it was not started, there is no place */
    bool adopts;             /* its entry lists tasks that it did not list when it was saved, N5 */
    struct service_state
        *waits_for; /* the first of its dependsOn that is not ready; NULL: none is waited for */
    struct service_state_vec followers; /* those whose waits_for this is */
};

/* An action that had no outcome, or an outcome that is worth a retry. */
struct trouble {
    int in_row;
    int64_t until_ms; /* not tried again before */
    char *message;
};

/* A change that waits for its window: window.c. */
struct delayed_change {
    struct service *next; /* owned reference; NULL: its removal */
    bool known;           /* W3: service->desired goes on; else it is `next`, and nothing is done, W4 */
    struct commit commit; /* that was deployed when it began to wait: its windows, and what goes on; oid "":
                             not known */
    json_t
        *cluster_windows; /* {"davit": {"changeWindows": [...]}} as in force when it began to wait; or NULL */
    struct change_window_vec windows; /* the same */
    int64_t since_ms;
    int64_t judged_ms;
    bool opens;       /* an opening is in sight */
    int64_t opens_ms; /* judged again then */
    char *text;       /* "waits for its change window, which opens at ..." */
};

/* One repository: what it is known by, and what was read of it. Desired states are each source's own; what is
 * planned is their sum, core.desired. */
struct core_source {
    char *name;
    struct allowance allowance;
    struct manifest *manifest;
    struct map families;        /* family -> struct family_ledger, owned: numbers are each source's own */
    struct desired *desired;    /* its newest good commit; NULL: it was not read since the start */
    struct desired *remembered; /* until then: the clusters that the ledger has of it; NULL: none */
    struct commit head;         /* oid "" before the first */
    int64_t head_ms;
    struct diagnostics diagnostics;
    char *held;                  /* why head waits for an approval; NULL: it does not */
    int approved_deletions;      /* by trailers since the last commit that was deployed */
    int approved_numbered;       /* likewise, up to `numbered` */
    struct map released;         /* services and scheduled tasks that a deployed commit let go; no values */
    struct string_vec roots;     /* that it was asked for last */
    int64_t generation;          /* of that question; 0: what an earlier life knew */
    struct manifest_needs needs; /* of the commits since `numbered` */
    char *message;               /* why not */
    char *origin;
    char *branch;
    char deployed[COMMIT_OID_SIZE]; /* what an earlier life had deployed last; "": nothing */
    char numbered[COMMIT_OID_SIZE]; /* newest head that came with all its roots */
    char approved[COMMIT_OID_SIZE]; /* commit of which somebody said that it may remove what it removes */
    bool gone;                      /* the configuration does not have it */
    bool removed;                   /* likewise, and what it had may go */
    bool refused;                   /* head is: judged again when another source changes */
    bool asks;                      /* it is not answered yet: nothing can be built of the manifests */
    bool ok;
};
struct core_source_vec VECTOR_OF(struct core_source *);

/* A time of a scheduled task that was due. */
struct schedule_run {
    int64_t due_ms;
    int64_t run_ms;          /* when it started; 0: nothing of it has */
    struct string_vec tasks; /* "cluster/id": what it started */
    char *lack;              /* why some of it, or all, was not started; NULL: all was */
    char *result;            /* "succeeded", "failed: ...", "not started: ..."; NULL: it goes on */
};
struct schedule_run_vec VECTOR_OF(struct schedule_run);

/* What is known of a scheduled task: scheduled.c. */
struct schedule_state {
    char *source;         /* whose it is; NULL: "default" */
    struct digest digest; /* of the times that it was counted by */
    int64_t since_ms;     /* it counts from then */
    int64_t done_ms;      /* times up to then are over */
    bool disabled;
    int64_t due_ms; /* of the run that is being started; 0: none */
    int64_t retry_ms;
    int attempts;
    unsigned targets;             /* a bit each: no more to do */
    bool missed;                  /* one of these was not started */
    struct schedule_run_vec runs; /* the last LIMIT_SCHEDULE_RUNS times that were due, oldest first */
    char *message;                /* what became of the last of them; NULL: none was due yet */
    struct event_ring events;
    char *news; /* while it is looked at: what the log says of it; NULL: nothing but `message` */
    bool bad;   /* likewise: as a warning */
};

struct instance_state {
    char *name;
    bool answered; /* listed or failed once since the start */
    bool connected;
    bool listed;
    char *message;   /* why not */
    int64_t lost_ms; /* when it answered last, while it is not listed; 0: never, or it is */
    struct instance_info info;
    struct map containers; /* id -> struct container, owned */
};

/* An action that was sent and has not been answered. */
struct flight {
    struct action *action; /* owned */
    struct service_state *service;
    int64_t since_ms;
    bool unknown;    /* it ended without an outcome: the next listing tells */
    int64_t hold_ms; /* it ended, and counts as under way until then, so that it is not tried again; 0: not */
    char *progress_status;
    char *progress_failure;
    int64_t progress_bytes;
    int64_t progress_total_bytes;
};

struct core {
    char *owner;
    struct plan_options plan;
    int64_t patience_ms;
    char *awaited; /* the instances that are waited for after a start, in words; NULL: none */
    struct core_deletion deletion;
    struct instance_state *instances;
    size_t instances_len;

    struct core_source_vec
        sources;             /* owned: those that are configured, then those that only the ledger has */
    struct desired *desired; /* the sum of what they want; its commit is that of the last change. NULL:
                                none of them has been read */

    struct plan_instance_vec rooms;         /* one per instance, in their order: what is free */
    struct map fleets;                      /* cluster -> struct fleet, owned. Set by core_fleet() */
    struct service_state_vec marked;        /* to be planned with the next turn */
    struct service_state_vec sleeping;      /* to be planned at wake_ms; a heap */
    struct service_state_vec awaiting_room; /* to be planned when room is freed */
    struct service_state_vec keepers;       /* room is kept for them */
    struct map services;                    /* key -> struct service_state, owned */
    struct map adopted;                     /* task id -> struct service_state, borrowed: tasks whose labels
                                               have another name than their service, N5 */
    struct map runs;                        /* standalone tasks: likewise */
    struct run_outcome *outcome;            /* of the last EVENT_RUN_TASK; NULL: none */
    struct service_state_vec sorted;        /* by key; valid unless unsorted */
    bool once;
    bool unsorted;
    bool any_renamed;       /* a service has had another name, N5 */
    bool schedules_changed; /* to be looked at with the next turn */
    size_t delayed_len;     /* services with a change that waits for its window */
    struct map suspensions; /* "cluster" or "cluster/service" -> struct suspension, owned: by EVENT_SUSPEND */
    struct map schedules;   /* name -> struct schedule_state, owned: scheduled tasks */
    int64_t scheduled_ms;   /* when they were looked at last */
    int64_t schedule_ms;    /* when one of them is due next; 0: never */
    struct map flights;     /* id in decimal -> struct flight, owned */
    uint64_t last_action_id;
    struct map commits; /* oid -> struct commit, owned: while the ledger may have to be rebuilt, those told */
    int64_t first_ms;   /* of the first event */
    int64_t now_ms;     /* of the last event */
    int64_t skew_ms;    /* the wall clock minus that; set by EVENT_CLOCK */
    int64_t wake_ms;    /* last EFFECT_WAKE */
    bool dirty;
    struct id_source ids; /* of the current step */
};

struct service_state *core_service_state(struct core *core, const char *cluster, const char *name,
                                         bool create);
/* source.c; the table is in core.h */
#define CORE_SOURCE_DEFAULT "default"
struct core_source *core_source_new(const char *name);
void core_source_free(struct core_source *source);
/* NULL name: "default". NULL: there is none of that name. */
struct core_source *core_source(const struct core *core, const char *name);
/* The one that the event names; without a name the first. */
struct core_source *core_source_of_event(const struct core *core, const char *name);
bool core_source_is_default(const struct core_source *source);
/* The source that defines it, else the one that did when the ledger heard of it last; NULL: not known. */
struct core_source *core_source_of_service(const struct core *core, const struct service_state *service);
struct core_source *core_source_of_schedule(const struct core *core, const char *name);
struct core_source *core_source_of_family(const struct core *core, const char *family);
/* The commit that says what the service is to be; the newest one of all where nobody defines it. */
const struct commit *core_commit_of(const struct core *core, const struct service_state *service);
/* Whether what only the ledger or the engines have of the source was left out by it: its commit has been read
 * since the start, or it may go. `source` NULL: of all of them. */
bool core_source_is_read(const struct core *core, const struct core_source *source);
/* Whether its source left it out is not known yet. */
bool core_source_is_awaited(const struct core *core, const struct service_state *service);
/* Why nothing may be done for the service until a source has been read; NULL: it may. Caller frees. */
char *core_source_unread(const struct core *core, const struct service_state *service);
/* The sum of what there is, with `next` for the source, and that commit. A new reference. */
struct desired *core_source_merge(const struct core *core, const struct core_source *source,
                                  struct desired *next, const struct commit *commit);
/* Tells the source which clusters the others have. */
void core_source_share_clusters(const struct core *core, struct core_source *source);
/* Adds errors where `next` is more than the source may define, or what others define. */
void core_source_check(const struct core *core, const struct core_source *source, const struct desired *next,
                       struct diagnostics *diagnostics);
/* Notes in the entry whose service it is. Whether that is news. */
bool core_source_sign(const struct core *core, const struct service_state *service,
                      struct service_ledger *ledger);
/* The entry of the ledger, and what it says. */
json_t *core_source_to_json(const struct core *core, const struct core_source *source);
void core_source_load(struct core *core, const char *name, const json_t *entry);
/* An entry of the ledger names it. */
void core_source_recall(struct core *core, const char *name);
/* snapshot.c: a sealed desired state of nothing but these; NULL where there are none. */
struct desired *core_clusters_in(const json_t *list);
json_t *core_released_out(const struct core_source *source);
void core_released_in(struct core_source *source, const json_t *json);
/* rename.c; the table is in core.h */
/* What the next desired state of the source calls otherwise, as core takes it. Caller deinits the vector. */
void core_find_renames(const struct core *core, const struct core_source *source, const struct desired *next,
                       struct service_rename_vec *ret_renames);
/* Before any of them is adopted: they have their new names from here on. */
void core_rename_services(struct core *core, const struct core_source *source, const struct desired *next,
                          struct effect_vec *effects);
/* Whose a container is: NULL when that is not known, unless the service is to be created. */
struct service_state *core_service_of_task(struct core *core, const struct task_labels *labels, bool create);
/* Of that name, or the one that had it when the deployment began, if it still knows. NULL: there is none. */
struct service_state *core_deployed_by(const struct core *core, const char *cluster, const char *name,
                                       const char *deployment);
/* The entry was loaded; the service is about to be forgotten. */
void core_index_adopted(struct core *core, struct service_state *service);
void core_forget_adopted(struct core *core, const struct service_state *service);
/* The entry lists the tasks that are there. */
void core_keep_adopted(struct core *core, struct service_state *service, struct effect_vec *effects);
/* run.c */
/* NULL when there is none. */
struct service_state *core_run_state(const struct core *core, const char *cluster, const char *id);
/* What a container belongs to. NULL when that is not known, unless it is to be created. */
struct service_state *core_owner_of(struct core *core, const struct container *container, bool create);
/* Takes over the entry of a standalone task that may be new. */
struct service_state *core_put_run(struct core *core, struct run *run);
void core_set_run(struct service_state *state, struct run *run); /* likewise, of one that is known */
/* Of run_to_json(); NULL when it is not readable. The caller owns it. */
struct run *core_run_of_json(const json_t *json);
void core_forget_run(struct core *core, struct service_state *state);
/* G2: whether newer ones of its group have taken its place among those that are kept. */
bool core_is_surplus(const struct core *core, const struct service_state *state);
/* It has stopped just now. */
void core_run_ended(struct core *core, const struct service_state *state);
/* Starts tasks now, ECS's RunTask: for whoever wants one, within a step. What went wrong is in *ret_outcome,
 * which the caller deinits; a task that was started says by core_run() how it does. */
void core_run_task(struct core *core, const struct run_request *request, struct effect_vec *effects,
                   struct run_outcome *ret_outcome);
/* Stops it unless it is to stop already. */
void core_stop_task(struct core *core, struct service_state *state, const char *reason,
                    struct effect_vec *effects);
struct instance_state *core_instance_state(const struct core *core, const char *name);
void core_add_event(struct core *core, struct service_state *service, const char *message);
void core_tell(struct core *core, struct event_ring *events, const char *message);
void event_ring_deinit(struct event_ring *events);
void core_forget_service(struct core *core, struct service_state *service);
void core_save(struct effect_vec *effects, enum ledger_change_kind kind, const char *name, json_t *entry,
               const char *message);

/* rebuild.c; the table is in core.h */
/* Of a start without ledger, until the first plan. */
void core_remember_commit(struct core *core, const struct core_source *source, const struct commit *commit);
/* Before the service is planned: its entry, if that is lost. */
void core_rebuild(struct core *core, struct service_state *service, struct effect_vec *effects);
/* redeploy.c: what the service is to be, if its content was redeployed another one. A new reference. */
struct service *core_redeployed(const struct service_state *state, struct service *service);
/* commit.c: of a DAEMON, how many tasks it is to have, E1. */
void core_set_count(struct service_state *service, int desired_count);
/* completed.c */
/* Takes the entry over. */
void core_set_ledger(struct service_state *service, struct service_ledger *ledger);
/* Of service_to_json(); NULL when it is not readable. Caller unrefs. */
struct service *core_service_of_json(const json_t *json);
/* The content that is to run: what is desired, or what it was rolled back to. Borrowed; NULL: being removed.
 */
const struct service *core_aim(const struct service_state *service);
/* A service that begins to ask for rollbacks with a commit that changes its content as well: what COMPLETED
 * before is noted while it is known. */
void core_keep_completed(struct service_state *service, const struct service *next,
                         struct effect_vec *effects);

/* One handler per event kind, in the file of its subject. */
/* commit.c: INT_MAX at most. */
int core_sum_of_deletions(int a, int b);
/* budget.c: why a commit that wants this is to be held; NULL when it may be deployed. Caller frees. */
char *core_over_budget(const struct core *core, const struct core_source *source, const struct desired *next);
/* budget.c: it is deployed, and what it removes may go. */
void core_release(const struct core *core, struct core_source *source, const struct desired *next);
void core_on_ledger(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_commit(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_source(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_connected(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_disconnected(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_listed(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_container(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_gone(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_action_done(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_progress(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_reconcile(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_approve(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_retry(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_redeploy(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_hold(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_suspend(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_run_task(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_stop_task(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_clock(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_turn(struct core *core, struct event *event, struct effect_vec *effects);

/* roots.c: puts the files of a commit into the manifest. False when it came without all that it needs: then
 * nothing may be numbered or built before source has delivered again. */
bool core_take_files(struct core_source *source, struct event *event, struct effect_vec *effects);
void core_visit_files(const struct core_source *source,
                      void (*visit)(void *data, const struct event_file *file), void *data);
void core_restore_file(struct core_source *source, struct event_file *file);

/* due.c: to be planned with the next turn, at a time (0: at none), when room was freed. */
void core_mark(struct core *core, struct service_state *service);
void core_mark_all(struct core *core);
void core_wake_at(struct core *core, struct service_state *service, int64_t at_ms);
void core_await_room(struct core *core, struct service_state *service, bool waits);
/* Room was freed on an instance: whoever waits for it may find some now. */
void core_mark_awaiting_room(struct core *core);
/* DAEMONs: an instance has come or gone. */
void core_mark_daemons(struct core *core);
/* Whether it is planned before those that are not, E3. */
bool core_goes_first(const struct service_state *service);
/* Takes out what is to be planned now, those that go first in front, in order of their keys. Caller deinits
 * the vector. */
void core_take_due(struct core *core, struct service_state_vec *ret_due);
void core_unlist(struct service_state_vec *list, const struct service_state *service);
/* order.c: why its deployment may launch nothing yet, NULL when it may; caller frees. Who is waited for has
 * it marked whenever it is planned itself. */
char *core_order(struct core *core, struct service_state *service);
/* Whether it, or whoever it waits for in the end, is suspended or has failed: nothing comes of it by itself.
 */
bool core_is_blocked(const struct core *core, const struct service_state *service);
void core_mark_followers(struct core *core, const struct service_state *service);
void core_wait_for(struct core *core, struct service_state *service, const char *waits_for);
/* It is about to be forgotten. */
void core_leave_order(struct core *core, struct service_state *service);
/* pre_deploy.c */
/* Starts what has to succeed before the service's deployment launches anything, and says in the state how
 * that does. */
void core_pre_deploy(struct core *core, struct service_state *service, struct effect_vec *effects);
/* A standalone task has stopped: if a deployment waits for it, it goes on. */
void core_pre_deploy_ended(struct core *core, const struct run *run);
/* The run is to stop: who waits for it says so. */
void core_pre_deploy_stops(struct core *core, const struct run *run);
/* Whether its failure is still to be counted, F16: its entry is not forgotten before. */
bool core_pre_deploy_needs(struct core *core, const struct run *run);
/* The service's entry has changed: tasks that were needed may be forgotten. */
void core_pre_deploy_release(struct core *core, const struct service_state *service);
/* suspend.c */
bool core_is_suspended(const struct core *core, const struct service_state *service);
/* By whom, in words; NULL when it is not. Caller frees. */
char *core_suspended(const struct core *core, const struct service_state *service);
/* Marks the services whose cluster the next desired state suspends, or no longer. */
void core_mark_suspensions(struct core *core, const struct desired *next);
void core_load_suspensions(struct core *core, const char *cluster, const json_t *entry); /* of the ledger */
json_t *core_suspensions_out(const struct core *core);
void core_suspensions_in(struct core *core, const json_t *json);
/* Where the service's former name is suspended by hand, so is the service. Whether it is. */
bool core_share_suspension(struct core *core, const struct service_state *service, const char *former,
                           struct effect_vec *effects);
/* And that name no longer. */
void core_end_suspension(struct core *core, const char *cluster, const char *name,
                         struct effect_vec *effects);
/* clock.c: the time that the calendar goes by. */
int64_t core_wall_ms(const struct core *core);
/* What the calendar has core wake for, on the time of events. */
int64_t core_time_of_wall(const struct core *core, int64_t wall_ms);
/* scheduled.c; the table is in core.h. Starts what is due; instances are known. */
void core_run_schedules(struct core *core, struct effect_vec *effects);
/* S12: the wall clock leaped. */
void core_move_schedules(struct core *core, int64_t step_ms, struct effect_vec *effects);
void core_load_schedule(struct core *core, const char *name, const json_t *entry); /* of the ledger */
json_t *core_schedule_to_json(const struct schedule_state *state);
void schedule_state_free(struct schedule_state *state);
/* window.c; the table is in core.h */
struct core_change {
    struct service *next; /* NULL: it left the repository */
    const struct desired *wanted;
    bool again; /* after a start: an earlier life had deployed it */
};
/* Whether what the service has goes on, and `next` is not to be adopted now. */
bool core_window_delays(struct core *core, struct service_state *service, const struct core_change *change,
                        struct effect_vec *effects);
/* After a start: those of the source that are in the ledger only. `again`: an earlier life had deployed what
 * is wanted. */
void core_recall_removals(struct core *core, const struct core_source *source, const struct desired *wanted,
                          bool again, struct effect_vec *effects);
/* As service_to_json(), with the definitions of its davit.preDeploy: the newest commit may have others, or
 * none. */
json_t *core_prepared_service_to_json(const struct service *service);
/* W10: the wall clock was set. */
void core_doubt_windows(struct core *core);
/* The windows of its cluster may be others: the next turn looks. */
void core_doubt_window(struct core *core, struct service_state *service);
/* W5. */
void core_open_windows(struct core *core, struct effect_vec *effects);
/* L9: what waits has begun, if it is of that digest; the ledger is older. */
void core_window_was_open(struct core *core, struct service_state *service, const struct digest *begun,
                          struct effect_vec *effects);
/* W7: those of the source, if the commit is its newest good one. */
void core_approve_changes(struct core *core, const struct core_source *source, const char *oid,
                          struct effect_vec *effects);
/* W4: whether nothing is done for it. */
bool core_stands_still(const struct core *core, const struct service_state *service);
/* Puts the delay before what else is waited for. */
void core_tell_delay(struct service_state *service);
json_t *core_delay_out(const struct service_state *service);
void core_delay_in(struct core *core, struct service_state *service, const json_t *json);
void delayed_change_free(struct delayed_change *delayed);
/* By value: after a snapshot was restored, equal services are different objects. */
bool core_same_service(const struct service *left, const struct service *right);
/* commit.c: from here on that is what it is to be; NULL: nothing. */
void core_adopt_service(struct core *core, struct service_state *service, struct service *next,
                        struct effect_vec *effects);
/* room.c: counts what the service holds anew. Whether it freed some. */
bool core_book(struct core *core, struct service_state *service);
/* All of its room is given back, with its name; to be booked again. */
void core_vacate(struct core *core, struct service_state *service);
/* E3. Room that is kept is lent back while those are planned whom it is kept for, so that none of them waits
 * for another's; then it is kept again. */
void core_lend_kept(struct core *core);
void core_keep_again(struct core *core);
/* While all is lent: what is kept for the service from now on (taken over). */
void core_keep(struct core *core, struct service_state *service, struct plan_booking_vec *kept);
json_t *core_kept_out(const struct service_state *service);
void core_kept_in(struct core *core, struct service_state *service, const json_t *json);
/* The same of all that is marked: then rooms are as they are now. */
void core_book_marked(struct core *core);
/* The instance's info is another than before. */
void core_room_capacity(struct core *core, const struct instance_state *instance,
                        const struct instance_info *before);
/* The instances of a cluster (NULL: one that declares none) for plan_input. Borrowed. */
struct plan_fleet *core_fleet(struct core *core, struct cluster *cluster);
/* Those of clusters that are not desired any more, or otherwise. */
void core_drop_fleets(struct core *core);
void fleet_free(struct fleet *fleet);
/* Whether instances answer, as it is now. */
void core_room_refresh(struct core *core);
/* observe.c: the container as it is now (taken over), or its end. */
void core_put_container(struct core *core, struct instance_state *instance, struct container *container);
void core_drop_container(struct core *core, struct instance_state *instance, const char *id);
/* image.c: what an image's tag means for the deployment that asked, I5. */
void core_image_resolved(struct core *core, const struct flight *flight, const struct event *event,
                         struct effect_vec *effects);
/* flight.c */
void core_launch(struct core *core, struct service_state *service, struct action *action,
                 struct effect_vec *effects);
void core_settle_unknown(struct core *core, const char *instance);
/* What is held until `until_ms` at the latest may be tried again; what has come about meanwhile is done. */
void core_end_holds(struct core *core, struct service_state *service, int64_t until_ms);
/* When the first hold of the service ends; 0: there is none. */
int64_t core_next_hold_ms(const struct core *core, const struct service_state *service);
/* Of a service that is gone: nobody waits for what its images' tags mean, and an answer is of no flight. */
void core_drop_questions(struct core *core, struct service_state *service);
/* Of a pull that an action waits for, and when it is tried again. Borrowed; NULL: of none. */
const char *core_pull_failure(const struct core *core, const struct service_state *service);
void flight_free(struct flight *flight);
void trouble_free(struct trouble *trouble);
