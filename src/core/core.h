/* The one place where decisions are made: state and event in, effects out. No file, socket, clock,
 * environment, randomness or log: time and ids arrive in events, everything else leaves as an effect.
 *
 * Events only record and mark services dirty. EVENT_TURN plans what is dirty and emits the effects; a caller
 * sends it when core_is_dirty() and the loop is about to sleep, so that ten pushes in a second become one
 * plan.
 */
#pragma once

#include "base/buffer.h"
#include "core/event.h"
#include "model/desired.h"
#include "model/diagnostic.h"
#include "model/merge.h"
#include "model/service_rename.h"
#include "plan/plan.h"

#include <stdbool.h>

struct core;

/* The deletion budget: a wrong path or an emptied directory is likelier than the wish to remove most of what
 * runs. It is the whole commit that waits.
 *
 *  services that the commit removes                        | then
 *  --------------------------------------------------------|-----------------------------------------
 *  fewer than `services`, or no more than `percent` of all | deployed
 *  more; the trailers Davit-Approve-Deletions of the       | deployed
 *  commits since the last one deployed allow so many       |
 *  more; EVENT_APPROVE names the commit                    | deployed, and windows hold (W)
 *  more, else                                              | held: what runs stays, the view says why
 *
 * After a start the ledger is what was there. What an earlier life has let go is noted with its commit, and
 * not counted again while it is still there: suspended, or waiting for its window. A trailer is used up by
 * the deployment of its commit, and is nothing any more when the branch was rewritten.
 *
 * One that the commit only renames (N1) is not removed. Scheduled tasks are counted likewise, by themselves,
 * and a trailer allows so many of each.
 */
struct core_deletion {
    int services; /* 0: there is no budget */
    int percent;
};
#define CORE_DELETION_USUAL ((struct core_deletion){.services = 3, .percent = 50})

/* What a commit would take away, of services or of scheduled tasks, for those who ask before it comes. */
struct core_removal {
    struct buffer names; /* some, for people */
    struct string_vec keys;
    int there; /* before */
    int removed;
};
struct core_removals {
    struct core_removal services;
    struct core_removal scheduled;
};
void core_removals_init(struct core_removals *removals);
void core_removals_deinit(struct core_removals *removals);
/* One that was there; `removed` is its name, NULL: it stays. */
void core_removal_add(struct core_removal *removal, const char *removed);
/* From one commit to the other. */
void core_removals_add(struct core_removals *removals, const struct desired *old, const struct desired *next);
/* Why the commit is held, "removes 5 of 6 services (...)"; NULL: it is not. `approved` is what trailers
 * allow. Caller frees. */
char *core_removals_judge(struct core_removals *removals, const struct core_deletion *deletion, int approved);

/* Several sources. Each has its own commits, revision numbers, deletion budget and refusals; what is planned
 * is the sum of the newest good commit of each (model/merge.h). The ledger has, of each service and scheduled
 * task, whose it is, and of each source its clusters.
 *
 *  row| seen                                           | then
 *  ---|------------------------------------------------|----------------------------------------------------
 *  M1 | a commit defines what another source has, or   | it is refused as a whole, with both places. Judged
 *     | what its own may not                           | again when another source changes
 *  M2 | davit starts, and a source is not read yet     | what the ledger has of it stays as it is: nothing is
 *     |                                                | removed, healed or scaled; the others go on. So does
 *     |                                                | a container of which nobody knows whose it is. Its
 *     |                                                | clusters are as they were
 *  M3 | likewise, and another source adds what the     | M1: the one that had it first has it
 *     | ledger says is its                             |
 *  M4 | what one source leaves out and another adds    | it is the same one, and nothing restarts
 *  M5 | a source is in the ledger and not in the       | as M2, until EVENT_APPROVE names the commit that it
 *     | configuration                                  | deployed last: then what nobody defines is removed.
 *     |                                                | What it had is free for others to define
 *  M6 | a service is in a cluster that no source has   | it stays as it is until one has
 *     | any more                                       |
 */

/* New names. A service is known by its name, and so is its entry in the ledger; its content is not. Labels of
 * containers cannot be changed.
 *
 *  row| a commit removes a service and adds another     | then
 *  ---|-------------------------------------------------|---------------------------------------------------
 *  N1 | in the same cluster, with the same content      | it is the same one: tasks, what is under way and
 *     | (service.digest), and nothing of it is there    | what the ledger knows (deployments, failures, known
 *     |                                                 | bad contents, the count that git does not own,
 *     |                                                 | a suspension by hand) go on under the new name. No
 *     |                                                 | container is stopped, started or created for that
 *  N2 | as N1, and several have that content            | they pair in the order of their names; who is left
 *     |                                                 | over is removed, or new
 *  N3 | otherwise; or the old one has davit.prune:      | the one leaves (D2, D12), the other is new (D4)
 *     | disabled: it stays                              |
 *  N4 | as N1, and what is no content changes as well:  | N1, then as if it had had the new name before. Only
 *     | count, percentages, placement, DAEMON           | this may wait for a window: a name is no deployment
 *  N5 | as N1                                           | the entry lists its tasks that have another name in
 *     |                                                 | their labels, until they are gone: the old name may
 *     |                                                 | be another service's by then. What is first seen
 *     |                                                 | later belongs to who has its deployment in the
 *     |                                                 | ledger. What its tasks have yet to create has the
 *     |                                                 | name that their other containers have
 *  N6 | davit starts, and the commit that was deployed  | what the ledger has and git has not was removed:
 *     | cannot be built any more                        | N1 to N3, by the content that git asked for last
 *  N7 | as N6, and the ledger is lost                   | N3: of a container nobody knows that it was renamed
 *
 * One save puts the entry under the new name and takes away the old one, after the commit is noted as
 * deployed: who is killed in between finds the service under the old name, and by N6 under the right one. The
 * other way round the commit that was noted before would give it the old name back, and what has that by now
 * would pass for new. What waits for its window is noted before its commit, N4, and its name with it.
 */

/* Change windows: davit.changeWindows says when what git asks for may begin. It is each service that waits,
 * and not the commit: one that also changes a cluster without windows must not wait there, nor must the
 * commits that come after it. Its gate are the windows of its cluster and its own, as they were in force when
 * the change began to wait, and as the newest commit has them: no commit opens its own window, and one that
 * shuts it is obeyed at once.
 *
 *  row| a commit changes a service, removes or adds it | then
 *  ---|------------------------------------------------|----------------------------------------------------
 *  W1 | its gate is open                               | as without windows
 *  W2 | shut; no more than changeWindows and suspend   | as without windows: neither is a deployment, and
 *     | change                                         | windows are for the changes that come after
 *  W3 | shut; it has a deployment, whose content is    | goes on with that: healing, a rollout that has begun
 *     | known                                          | or fails and goes back, draining. Its counts stay as
 *     |                                                | well: they are changes from git like any other
 *  W4 | shut; it is new, or what ran is not known, or  | nothing is done, as row U1 of the planner
 *     | its cluster left the repository                |
 *  W5 | the gate opens                                 | what the newest commit has is adopted
 *  W6 | the newest commit takes the change back        | nothing waits any more
 *  W7 | EVENT_APPROVE names the newest commit that was | adopted at once; its events say so
 *     | deployed; one that is held after it stays held |
 *  W8 | davit starts anew                              | what waited waits on, what is new as well: the
 *     |                                                | ledger has its windows and what W3 goes on with;
 *     |                                                | what did not wait had been let through
 *  W9 | and the commit that was deployed cannot be     | a service of the ledger that the newest commit does
 *     | built any more                                 | not have waits as W4, unless it was being removed
 *  W10| the wall clock is set, forward or back         | what waits is judged by the new time at once; what
 *     |                                                | was let through has begun and goes on
 *
 * A suspend that waits holds already. Who depends on it (row R12) waits as well.
 */

/* Scheduled tasks: what is due is started as RunTask starts it, with the newest revision of the commit unless
 * it names another.
 *
 *  row| seen                                          | then
 *  ---|-----------------------------------------------|-----------------------------------------------------
 *  S1 | it is new, its times are others than before,  | it counts from now: what would have been due before
 *     | or it is ENABLED again                        | is not. A rate is due first after one period
 *  S2 | a time is due                                 | one RunTask for each target; the ledger notes it
 *  S3 | times went by: davit was down, or the clock   | the latest of them is started, once, unless it is
 *     | jumped                                        | older than MaximumEventAgeInSeconds (24 h): then none
 *  S4 | Forbid, a run of before is going on           | not started, as S10
 *  S5 | Replace, a run of before is going on          | it is stopped, the new one starts at once
 *  S6 | it left the repository                        | it is forgotten; what was started runs on
 *  S7 | it could not be started: no place, suspended  | tried again after 10 s, then twice as long, up to 5
 *     |                                               | min, for MaximumEventAgeInSeconds and
 *     |                                               | MaximumRetryAttempts (185), until the next is due, or
 *     |                                               | an EndDate comes that lies before it
 *  S8 | the clock was put back                        | nothing is started for a time that is over. That was
 *     |                                               | wrong, S1, if it lies more than
 *     |                                               | MaximumEventAgeInSeconds ahead, or if nothing was
 *     |                                               | due since it began to count
 *  S9 | `davit apply`: nobody is there afterwards     | nothing is started, and no time is over for it
 *  S10| S3, S4, S7: a time that was due is not        | it is the last that was due, and its result says
 *     | started, or not all of the TaskCount that a   | why; an event and a warning in the log, once for a
 *     | target asks for, which is not tried again     | reason, and once more when S7 gives it up
 *  S11| all that a run started has stopped            | its result: "succeeded", or the first that failed
 *     |                                               | with its container and exit code; an event. The
 *     |                                               | ledger has the last LIMIT_SCHEDULE_RUNS of them
 *  S12| the clock is set while davit runs, and what   | the span stays: a rate without StartDate, the tries
 *     | counts is a span                              | of S7. What davit did not see: S3, or S1 if it was
 *     |                                               | put back
 *
 * The calendar, here and in W, is the wall clock: the time of events, which never leaps, and the skew between
 * them as EVENT_CLOCK told it last.
 */

/* A lost entry: a service of the repository has containers, and the ledger knows no deployment of it, because
 * the state directory was deleted or the entry cannot be read. What their labels tell is noted again before
 * anything is planned, so that nothing restarts and ids stay what they were.
 *
 *  row| seen                                          | then
 *  ---|-----------------------------------------------|-----------------------------------------------------
 *  L1 | containers of a deployment                    | it is in the entry again, marked `rebuilt`: id,
 *     |                                               | revision, commit. It began no later than the first
 *     |                                               | container that is left of it. Author and subject are
 *     |                                               | git's, if the branch still has the commit
 *  L2 | of several deployments                        | whose container was created last is PRIMARY. How the
 *     |                                               | others ended nobody knows: SUPERSEDED
 *  L3 | all live tasks are of PRIMARY's content and   | PRIMARY is COMPLETED, since when nobody knows; of
 *     | healthy, and there are as many as desired     | git's content, it is what a rollback goes back to
 *  L4 | otherwise                                     | IN_PROGRESS: rows R and F of the planner go on; what
 *     |                                               | had stopped before is not counted (F7)
 *  L5 | PRIMARY has another content than git          | D6 or D7: a new deployment, after that
 *  L6 | davit.preDeploy of PRIMARY's content          | has succeeded: tasks were launched after it (R13)
 *  L7 | git does not own the count                    | it is that of the live tasks, of a rollout at least
 *     |                                               | that of the content with more of them
 *  L8 | containers created of an image's digest       | that is what the tag means to PRIMARY (I1)
 *  L9 | at a start: the entry is there, and tasks run  | the entry is older than they are, as one that comes
 *     | of a deployment that it lacks and that began   | back from a remote may be: L1 to L8, in front of
 *     | after its PRIMARY                              | what it has. The content was tried again since it
 *     |                                                | failed, if it did, and its window was open, if it
 *     |                                                | waited for one
 *
 * What no label has is lost: how deployments ended, contents that are known bad (one is tried again) or were
 * redeployed by `davit redeploy` (another deployment replaces the tasks), a suspension by hand, new names
 * (N7).
 */

/* `davit rollback --hold`, EVENT_HOLD: back at once, without a commit, from what the repository asks for to
 * an earlier deployment of the service, as row F12 of the planner goes back from what failed. "Bad" is the
 * content that the repository asks for now.
 *
 *  row| asked for                                     | then
 *  ---|-----------------------------------------------|-----------------------------------------------------
 *  H1 | nothing                                       | goes back to the newest deployment that COMPLETED,
 *     |                                               | has another content than bad, is not known bad, and
 *     |                                               | whose content the ledger still has
 *  H2 | a revision (3, web:3), or the beginning of    | likewise to the newest of those that is of it
 *     | a commit (7 digits at least)                  |
 *  H3 | there is none                                 | refused, and says why: `davit rollback` as a commit
 *     |                                               | knows more, for it has all of git
 *  H4 | it goes back, or did, and to nothing else     | nothing: so it may be said twice. Also where the
 *     |                                               | circuit breaker did it
 *  H5 | it is suspended, or the change that waits for | refused
 *     | its window is all that is known of it         |
 *  H6 | between the question and the event a commit   | nothing: somebody decided about another content
 *     | changed the content                           |
 *  H7 | H1, H2                                        | bad is known bad, "held"; its deployment is FAILED,
 *     |                                               | also one that COMPLETED; the other content is what
 *     |                                               | COMPLETED last (completed.c), and a new deployment of
 *     |                                               | it, with the images that it had, is PRIMARY. It is in
 *     |                                               | the ledger before anything is sent
 *  H8 | afterwards                                    | D11, for a restart of davit and commits that do not
 *     |                                               | change the content, DAEMONs as well. Other content,
 *     |                                               | `davit retry` and `davit redeploy` end it. Bad stays
 *     |                                               | known bad: D8 if a later commit comes back to it
 *  H9 | H1, H2: only davit redeploy makes the two     | it counts as another only where an image of it is
 *     | contents different ones                       | known by another digest than bad's. Then only its
 *     |                                               | images go back, and every text says so
 */
struct core_hold_request {
    const char *cluster;
    const char *service;
    const char *to; /* H2; NULL: H1 */
};
struct core_hold {
    const struct service *bad;   /* borrowed, as is ... */
    const struct deployment *to; /* ... what it goes back to, or has gone back to */
    bool holds;                  /* H4 */
    bool images_only;            /* H9 */
};
/* ERROR_NOT_FOUND: no such service. ERROR_CONFLICT: H3, H5. */
int core_find_hold(const struct core *core, const struct core_hold_request *request,
                   struct core_hold *ret_hold, struct error *err);
/* H7; the caller deinits it. */
void core_hold_event(const struct core_hold_request *request, const struct core_hold *hold,
                     struct event *ret_event);

/* A repository. Strings are copied. */
struct core_source_options {
    const char *name;
    const struct allowance *allowance; /* NULL: all */
};

struct core_options {
    const char *owner;
    const struct core_source_options *sources; /* names differ */
    size_t sources_len;                        /* 0: one, "default", that may define all */
    const char *const *instances;              /* names, in order of preference */
    size_t instances_len;
    int64_t stopped_retention_ms;
    int stopped_kept;
    struct core_deletion deletion;
    int64_t lost_after_ms; /* silence of an instance after which its tasks count no more, P10; 0: they do */
    bool once;             /* nobody is here for long: nothing starts by the clock */
    int64_t patience_ms; /* after the first event, how long to wait for an instance that has never answered */
};

struct core *core_new(const struct core_options *options);
void core_free(struct core *core);
DEFINE_CLEANUP(struct core, core_free)

/* Of a listing, what is as core knows it becomes its id: the step does the same, and a record of it is small.
 */
void core_thin(const struct core *core, struct event *event);

/* Takes over what the event owns (it is emptied) and appends to *effects. */
void core_step(struct core *core, struct event *event, struct effect_vec *effects);
bool core_is_dirty(const struct core *core);

/* Everything, for the recorder, in parts, so that a copy of all is never in memory: what core_restore() makes
 * of the parts joined in their order steps on exactly as the original. The last part says "whole": true.
 * `take` borrows the part; a negative return ends it and is returned. */
typedef int core_part_fn(void *data, const json_t *part);
int core_snapshot(const struct core *core, core_part_fn *take, void *data);
void core_snapshot_join(json_t *snapshot, const json_t *part);
int core_restore(const json_t *snapshot, struct core **ret_core, struct error *err);

/* --- views: what api/ shows. Borrowed, valid until the next step. --------------------------------------- */

struct view_source {
    const char *name;
    bool gone;            /* the configuration does not have it, M5 */
    const char *deployed; /* oid that it deployed last, of one that is gone; "": not known */
    bool seen;            /* a commit has been delivered */
    bool ok;
    const char *message; /* why not */
    const char *origin;
    const char *branch;
    const struct commit *head;             /* newest commit seen; NULL before the first */
    const struct commit *wanted;           /* newest good one, the desired state; NULL before the first */
    const struct diagnostics *diagnostics; /* of head; errors say why it is not wanted */
    const char *held; /* why head waits for an approval: "removes 5 of 6 services (...)"; NULL: it does not */
    int64_t head_ms;  /* when it was seen */
};
/* In the order of the options, then those that are gone. */
size_t core_sources_len(const struct core *core);
void core_view_source_at(const struct core *core, size_t index, struct view_source *ret_view);
/* The first: for who has one. */
void core_view_source(const struct core *core, struct view_source *ret_view);
/* The desired state, NULL before the first good commit. */
const struct desired *core_desired(const struct core *core);
/* What one source has of it; NULL likewise. */
const struct desired *core_source_desired(const struct core *core, const char *source);
/* How many services the ledger has of a source that are left alone: M2, M5. */
int core_source_left(const struct core *core, const char *source);
/* The wall clock, which the calendar goes by, minus the time of events. */
int64_t core_skew_ms(const struct core *core);
/* Why a commit of the source with these removals, that approves `approved` of them in its trailer, would be
 * held as view_source.held is; NULL: it would not. Caller frees.
 */
char *core_would_hold(const struct core *core, const char *source, struct core_removals *removals,
                      int approved);

/* Which services a commit of the source with these would rename, N1; what the vector has besides is dropped.
 * Caller deinits both. */
void core_would_rename(const struct core *core, const char *source, struct service_content_vec *services,
                       struct service_rename_vec *ret_renames);

struct view_event {
    char *id;
    int64_t at_ms;
    char *message;
};

/* Tasks of one revision that are not stopped. */
struct view_revision {
    const char *family;
    int revision;
    int running_count;
    int healthy_count;
};

#define VIEW_REVISIONS 4 /* more run at a time only while commits come faster than tasks start */

struct view_service {
    const char *cluster;
    const char *name;
    const char *source;            /* whose it is, or was last; NULL: not known */
    const struct service *desired; /* NULL: being removed, or unread */
    const struct service *aim;     /* the content that is to run: desired, or what it was rolled back to */
    const struct service_ledger *ledger; /* NULL: never planned */
    const char *waiting;                 /* NULL: nothing is being waited for */
    bool crash_looping; /* COMPLETED, and its tasks end again and again soon after their start: F15 */
    const struct known_bad *held; /* H7: why the aim is not what is desired; NULL: it is, or that failed */
    bool held_images;             /* H9 */
    bool left;                    /* it left the repository, and its tasks do not: davit.prune */
    bool unread;                  /* no commit of its source was accepted since the start: it is left alone */
    bool suspended;
    bool delayed;                       /* a change of it waits for its window */
    const struct service *delayed_next; /* the content that waits; NULL: it is removed, or nothing waits */
    const char *delayed_text; /* "waits for its change window, which opens at ...", or "for the change
                                 window of commit ..."; NULL: nothing waits */
    int64_t delayed_opens_ms; /* likewise, by the wall clock; 0: no opening is in sight */
    bool blocked; /* delayed, suspended, or it waits for a service that is, or whose deployment failed */
    char failed_task[ID_HEX_SIZE];   /* the newest of the desired content that failed and whose containers are
                                        there: its logs are; "": there is none */
    int64_t failed_task_ms;          /* when it stopped */
    const struct view_event *events; /* a ring: read it by view_service_event() */
    size_t events_first;
    size_t events_len;
    int running_count; /* on an instance that does not answer: as it was last known, until it is gone */
    int pending_count;
    int healthy_count; /* known to be: of lost tasks nobody knows */
    int stopping_count;
    int leaving_count;         /* not stopped, on instances that are DRAINING or not the cluster's any more */
    int lost_count;            /* not stopped, on instances that do not answer */
    int gone_count;            /* of these: lost for so long that no other count has them, P10 */
    const char *lost_instance; /* one of these instances; NULL: all answer */
    int64_t lost_ms;           /* since when nothing is heard of it; 0: it was never heard of */
    int earlier_count;         /* not stopped, whose containers have an earlier name of the service: N5 */
    const char *earlier_name;  /* of one of these; NULL: there is none */
    struct view_revision revisions[VIEW_REVISIONS]; /* newest first */
    size_t revisions_len;
};
/* Fills counts too. False when there is no such service. */
bool core_view_service(const struct core *core, const char *cluster, const char *name,
                       struct view_service *ret_view);
/* Oldest first. */
const struct view_event *view_service_event(const struct view_service *view, size_t index);
/* In order of cluster and name; start with index 0. False at the end. */
size_t core_services_len(const struct core *core);
bool core_view_service_at(const struct core *core, size_t index, struct view_service *ret_view);
/* How the service's deployment stands to what the repository asks for: IN_PROGRESS, COMPLETED or FAILED. */
enum deployment_state view_service_rollout(const struct view_service *view);
/* In a word for people: "deploying", "moving" off an instance, "healing", "rebalancing" between zones,
 * "stopping" when nothing is missing and some tasks are too many, "steady", "crash-looping", "failed",
 * "rolling back" and "rolled back" after a failure, "held" in place of the latter (H7), "suspended",
 * "waiting" for its change window, "blocked", "removing", "left", or "unknown" when only lost tasks keep it
 * from being steady, or what is wanted of it was not read yet. */
const char *view_service_state(const struct view_service *view);
/* How many tasks there are to be: of one that is unread as many as there are. */
int view_service_desired_count(const struct view_service *view);
/* Whether nothing is decided yet, after a start, because instances have not said what runs on them. */
bool core_is_awaiting(const struct core *core);
/* Whether a change of any service of the source (NULL: of all) waits for its window. */
bool core_any_delayed(const struct core *core, const char *source);
/* Since when a cluster (service NULL) or a service is suspended by EVENT_SUSPEND; 0: it is not, by itself. */
int64_t core_suspended_ms(const struct core *core, const char *cluster, const char *service);
/* By whom the cluster is suspended, in words; NULL: it is not. Caller frees. */
char *core_cluster_suspended(const struct core *core, const char *cluster);
/* Whether the instance does not answer, and since when; *ret_since_ms is 0 when it never did. */
bool core_instance_is_lost(const struct core *core, const char *instance, int64_t *ret_since_ms);
/* The tasks of a service, stopped ones too; those on an instance that does not answer are not healthy and
 * their health is UNKNOWN. Caller deinits with task_vec_deinit. */
void core_view_tasks(const struct core *core, const char *cluster, const char *name, int64_t now_ms,
                     struct task_vec *ret_tasks);
/* The action that is under way for a service, with progress where an image is pulled. */
struct view_action {
    const struct action *action;
    int64_t since_ms;
    const char *progress_status;
    const char *progress_failure; /* of the last try, and when the next is; NULL: none */
    int64_t progress_bytes;
    int64_t progress_total_bytes;
};
struct view_action_vec VECTOR_OF(struct view_action);
void core_view_actions(const struct core *core, const char *cluster, const char *name,
                       struct view_action_vec *ret_actions);

/* --- standalone tasks ----------------------------------------------------------------------------------- */

/* ECS's RunTask, names in place of ARNs. All is borrowed. */
struct run_request {
    const char *cluster;
    const char *task_definition; /* "web": what the repository says; "web:3" */
    int count;                   /* 1 to LIMIT_RUN_COUNT */
    const char *group;           /* NULL: "family:web" */
    const char *started_by;      /* NULL: nobody */
    const char *client_token;    /* NULL: none */
    struct digest digest;        /* with a token: of the whole request */
    const json_t *overrides;     /* NULL: none */
    const json_t *placement;     /* has placementConstraints, placementStrategy, capacityProviderStrategy and
                                    launchType; NULL: none of them, nor the cluster's default, as davit.preDeploy
                                    goes wherever there is room */
    /* Of a client's request both are NULL: what the newest commit says. */
    struct task_definition *definition; /* in place of what task_definition names */
    const char *commit;
};
/* Of a RunTask's JSON, which it borrows from. ERROR_INVALID, ERROR_LIMIT, ERROR_UNSUPPORTED. */
int run_request_read(const json_t *json, struct run_request *ret_request, struct error *err);

/* What is asked for and not done, as of a service's manifest: "propagateTags has no effect yet: ...". */
void run_request_warn(const json_t *json, struct string_vec *warnings);

struct run_outcome {
    struct error error;         /* code 0: well-formed and allowed, though there may have been no place */
    struct string_vec warnings; /* run_request_warn() */
    struct string_vec tasks;    /* ids of those that were started */
    struct plan_lack_vec lacks; /* why not more */
};
void run_outcome_deinit(struct run_outcome *outcome);
/* What became of the last EVENT_RUN_TASK; NULL: there was none. */
const struct run_outcome *core_run_outcome(const struct core *core);

/* Borrowed, as all of it. */
struct view_schedule {
    const struct scheduled_task *task;
    bool counted;                    /* else its times are not known yet: no instance has answered */
    int64_t next_ms;                 /* 0: never again, or it is DISABLED, or not counted */
    int64_t last_due_ms;             /* 0: it was not due yet */
    int64_t last_run_ms;             /* when one of its runs started last; 0: none is known */
    const char *message;             /* what became of the last time that was due; NULL: none was yet */
    const char *result;              /* of that: "succeeded", "failed: ...", "not started: ..."; NULL: it goes
                                        on, or none was due */
    const struct string_vec *tasks;  /* "cluster/id": what was started then; NULL: not known yet */
    size_t runs_len;                 /* times that were due: core_view_schedule_run() */
    const struct view_event *events; /* a ring: read it by view_schedule_event() */
    size_t events_first;
    size_t events_len;
};
/* By name; start with index 0. False at the end. */
bool core_view_schedule_at(const struct core *core, size_t index, struct view_schedule *ret_view);
/* Oldest first. */
const struct view_event *view_schedule_event(const struct view_schedule *view, size_t index);

struct view_schedule_run {
    int64_t due_ms;
    int64_t run_ms; /* 0: nothing was started */
    const char *result;
    const struct string_vec *tasks;
};
/* The youngest first, one of runs_len. */
void core_view_schedule_run(const struct core *core, const struct view_schedule *view, size_t index,
                            struct view_schedule_run *ret_run);

struct view_run {
    const struct run *run;
    const char *waiting;     /* NULL: nothing is being waited for */
    enum task_status status; /* STOPPED when that is noted, or as seen before a commit was accepted */
};
struct view_run_vec VECTOR_OF(struct view_run);
/* False when it is not known (any more). */
bool core_view_run(const struct core *core, const char *cluster, const char *id, struct view_run *ret_view);
/* By cluster, then the youngest first. Caller deinits the vector. */
void core_view_runs(const struct core *core, struct view_run_vec *ret_runs);
/* Of what there is of it: one task, or none. As core_view_tasks(). */
void core_view_run_tasks(const struct core *core, const char *cluster, const char *id, int64_t now_ms,
                         struct task_vec *ret_tasks);

struct view_instance {
    const char *name;
    bool connected;
    const char *message; /* why not */
    int64_t lost_ms;     /* since when nothing is heard of it; 0: it is connected, or was never heard of */
    const struct instance_info *info;
    size_t containers_len; /* of davit */
    int running_tasks;
    int pending_tasks;
    int64_t cpu_units_free; /* as placement counts: less what is to come, and all of a task until all of it
                               has stopped */
    int64_t memory_mib_free;
    const struct string_vec *gpu_ids;  /* in use */
    const struct plan_port_vec *ports; /* of the host, in use or promised; in any order */
};
size_t core_instances_len(const struct core *core);
/* Looks at nothing else of it: a view counts its tasks. */
const char *core_instance_name(const struct core *core, size_t index);
void core_view_instance_at(const struct core *core, size_t index, struct view_instance *ret_view);

/* Families in order of name. Caller deinits the vector. */
struct view_family_vec VECTOR_OF(const struct family_ledger *);
size_t core_families_len(const struct core *core);
void core_view_families(const struct core *core, struct view_family_vec *ret_families);
const struct family_ledger *core_family(const struct core *core, const char *family); /* NULL when absent */
