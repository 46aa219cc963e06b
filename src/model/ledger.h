/* What only davit knows: deployments, failures, revision numbers. Written to refs/davit/state by history/
 * before the actions that it explains are sent.
 */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "base/vector.h"
#include "model/commit.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* ECS: rolloutState, and what becomes of a deployment that a newer one replaced. */
enum deployment_state {
    DEPLOYMENT_IN_PROGRESS,
    DEPLOYMENT_COMPLETED,
    DEPLOYMENT_FAILED,
    DEPLOYMENT_SUPERSEDED,
};

const char *deployment_state_name(enum deployment_state state); /* IN_PROGRESS COMPLETED FAILED SUPERSEDED */

struct task_failure {
    char task[ID_HEX_SIZE];
    int64_t at_ms;
    char *reason;
};
struct task_failure_vec VECTOR_OF(struct task_failure);

/* An image that the containers of a deployment name by a tag, and what the tag meant when it was asked for.
 */
struct deployment_image {
    char *image;   /* as the task definition has it */
    char *digest;  /* "sha256:..."; NULL: not asked yet, or built on the instance, so that there is none */
    bool resolved; /* asked for, and answered */
};
struct deployment_image_vec VECTOR_OF(struct deployment_image);

#define DEPLOYMENT_BREAKER "ECS deployment circuit breaker: " /* its reason, when that has ended it */
#define DEPLOYMENT_ID_SIZE 32                                 /* "ecs-svc/" and 19 digits */

struct deployment {
    char id[DEPLOYMENT_ID_SIZE];
    struct digest digest;    /* service.digest */
    struct digest committed; /* as the repository has it, where a redeployment before the last made it another
                                one; zero: service_ledger_committed() knows */
    struct digest rollback_of; /* the content that failed, which it stands in for; zero: no rollback */
    char *family;
    int revision;
    struct commit commit; /* the commit that caused it */
    enum deployment_state state;
    char *reason; /* ECS: rolloutStateReason */
    int desired_count;
    int64_t created_ms;
    int64_t updated_ms;
    int64_t ended_ms;                   /* completed, failed or superseded; 0 while in progress */
    int failed_tasks;                   /* ECS: failedTasks; in a row, unless the breaker counts them all */
    struct task_failure_vec failures;   /* the last of them; bounded */
    struct deployment_image_vec images; /* of one that an older davit began: none */
    bool rebuilt; /* from labels, rows L of core.h: began at created_ms or before, and when it ended is not
                     known unless davit saw it */
};
struct deployment_vec VECTOR_OF(struct deployment);

struct known_bad {
    struct digest digest;
    char commit[COMMIT_OID_SIZE]; /* where it failed */
    int64_t at_ms;
    bool held; /* it did not fail by itself: davit rollback --hold took it back, at that time */
};
struct known_bad_vec VECTOR_OF(struct known_bad);

/* Tasks of davit.preDeploy that have succeeded for a content: they are run once. */
struct prepared {
    struct digest digest;
    int steps; /* the first so many of the list */
};
struct prepared_vec VECTOR_OF(struct prepared);

/* davit redeploy: a content that was to be deployed anew is another one from then on. */
struct redeployment {
    struct digest digest; /* as the repository has it; zero: there was none */
    int64_t at_ms;
};

/* One service's entry. deployments[0] is PRIMARY; older ones follow, newest first. */
struct service_ledger {
    char *cluster;
    char *service;
    struct deployment_vec deployments;
    struct known_bad_vec known_bad; /* contents that failed: not tried again */
    struct prepared_vec prepared;   /* the last LIMIT_PREPARED_DIGESTS contents, oldest first */
    json_t *completed; /* of a service with rollback: what COMPLETED last, as service_to_json(), with the
                          `commit` of its deployment; shared, never changed; NULL: nothing */
    json_t *delayed;   /* while a change of it waits for its window: what goes on, as service_to_json(), the
                          `clusterWindows` that were in force, the `commit` and the
                          `preDeployDefinitions`; without a name: it is new,
                          or nobody knows what; shared, never changed; NULL: none waits */
    struct redeployment redeployed; /* the last one */
    bool prune_disabled;            /* davit.prune, as the repository said last */
    bool removed;                   /* left the repository; the entry goes when the last task is gone */
    char *source;                   /* whose service it is, or was last; NULL: "default" */
    char *renamed_from;             /* the name that the service had before; NULL: this is its first */
    struct string_vec adopted; /* of such a one: ids of its tasks whose labels have another name, for labels
                                  stay as they are. It is by id that they are its own: another service may
                                  have the name by now */
};

struct service_ledger *service_ledger_new(const char *cluster, const char *service);
void service_ledger_free(struct service_ledger *entry);
DEFINE_CLEANUP(struct service_ledger, service_ledger_free)
struct service_ledger *service_ledger_copy(const struct service_ledger *entry);
/* The same under another name, also where what COMPLETED and what is delayed name the service. */
struct service_ledger *service_ledger_renamed(const struct service_ledger *entry, const char *service);
/* Whether it has the deployment with that id. */
bool service_ledger_has_deployment(const struct service_ledger *entry, const char *id);
json_t *service_ledger_to_json(const struct service_ledger *entry);
int service_ledger_from_json(const json_t *json, struct service_ledger **ret_entry, struct error *err);
/* PRIMARY or NULL. Borrowed, valid until the vector changes. */
struct deployment *service_ledger_primary(const struct service_ledger *entry);
/* Puts a new PRIMARY in front and drops what is over LIMIT_DEPLOYMENTS_KEPT. */
struct deployment *service_ledger_add(struct service_ledger *entry);
/* How many tasks of davit.preDeploy have succeeded for the content, and that it is one more. */
int service_ledger_prepared(const struct service_ledger *entry, const struct digest *digest);
void service_ledger_add_prepared(struct service_ledger *entry, const struct digest *digest);
const struct known_bad *service_ledger_known_bad(const struct service_ledger *entry,
                                                 const struct digest *digest);
void service_ledger_add_known_bad(struct service_ledger *entry, const struct deployment *failed,
                                  int64_t now_ms);
/* Notes what COMPLETED, unless it is noted. */
bool service_ledger_has_completed(const struct service_ledger *entry, const struct digest *digest);
void service_ledger_set_completed(struct service_ledger *entry, json_t *service, const struct commit *commit);
/* Whether PRIMARY stands in for that content, which failed. */
bool service_ledger_is_rolled_back(const struct service_ledger *entry, const struct digest *asked);
/* The content is known bad from now on because somebody took it back, whether it had failed or not. */
void service_ledger_hold(struct service_ledger *entry, const struct deployment *taken_back, int64_t now_ms);
/* What makes that content another one since it was redeployed. False: nothing. */
bool service_ledger_forces(const struct service_ledger *entry, const struct digest *digest,
                           struct digest *ret_by);
/* The content as it was committed, if a redeployment has made it another one; else the same. */
struct digest service_ledger_committed(const struct service_ledger *entry, const struct digest *digest);
/* The same of one of its deployments, whichever redeployment it was. */
struct digest deployment_committed(const struct service_ledger *entry, const struct deployment *deployment);
/* Whether that is its content, but for what redeployments made of either. */
bool deployment_has_content(const struct service_ledger *entry, const struct deployment *deployment,
                            const struct digest *digest);
/* From now on that content, as it was committed, is another one. What the redeployment before had made of its
 * content keeps what was committed, and if it failed that is known bad as well: nobody else would know it any
 * more. */
void service_ledger_redeploy(struct service_ledger *entry, const struct digest *digest, int64_t now_ms);
/* Whether it was one. */
bool service_ledger_forget_known_bad(struct service_ledger *entry, const struct digest *digest);

/* Counts a failure. */
void deployment_add_failure(struct deployment *deployment, const char *task, int64_t at_ms,
                            const char *reason);
/* Counts from zero. */
void deployment_clear_failures(struct deployment *deployment);
/* The entry of that image; NULL: there is none. Borrowed, valid until the vector changes. */
struct deployment_image *deployment_image(const struct deployment *deployment, const char *image);
/* Unless it has that image already; nothing is known of it. */
void deployment_add_image(struct deployment *deployment, const char *image);
/* What the task definition calls an image that a container of the deployment was created of, which Podman
 * gives its long name, "docker.io/library/nginx@sha256:...". Borrowed. */
const char *deployment_image_name(const struct deployment *deployment, const char *created_of);
/* digest NULL: there is none. */
void deployment_image_resolve(struct deployment_image *image, const char *digest);
/* [{image, digest}]; NULL when there is none. The caller's. */
json_t *deployment_images_to_json(const struct deployment *deployment);
void deployment_deinit(struct deployment *deployment);
json_t *deployment_to_json(const struct deployment *deployment);

/* One distinct content of a family. */
struct revision {
    int number;
    struct digest digest;
    struct commit commit; /* the first that had it; empty once the content is dropped */
    json_t *json;         /* the task definition, for family_ledger_revision() to give */
    char *text;           /* the same as it was read, until it is asked for; both NULL once it is dropped */
    size_t json_bytes;    /* as compact text */
};
struct revision_vec VECTOR_OF(struct revision);

struct family_ledger {
    char *family;
    struct revision_vec revisions; /* by number, from 1; contents within LIMIT_FAMILY_CONTENT_BYTES */
};

struct family_ledger *family_ledger_new(const char *family);
void family_ledger_free(struct family_ledger *entry);
DEFINE_CLEANUP(struct family_ledger, family_ledger_free)
json_t *family_ledger_to_json(const struct family_ledger *entry);
int family_ledger_from_json(const json_t *json, struct family_ledger **ret_entry, struct error *err);
/* The number of this content: the old one if the family had it before, else the next. *ret_new tells which.
 */
int family_ledger_number(struct family_ledger *entry, const struct digest *digest, const json_t *json,
                         const struct commit *commit, bool *ret_new);
/* With its json. NULL when there is none, or its content is dropped. The first call for a revision unpacks
 * its text into the entry, const or not: no other thread may use the entry meanwhile. */
const struct revision *family_ledger_revision(const struct family_ledger *entry, int number);

/* A change of the ledger as core hands it out: the whole entry, or its removal. */
enum ledger_change_kind {
    LEDGER_SERVICE,
    LEDGER_FAMILY,
    LEDGER_SOURCE,
    LEDGER_SUSPENSION,
    LEDGER_TASK,
    LEDGER_SCHEDULE
};

struct ledger_change {
    enum ledger_change_kind kind;
    char *name;    /* "cluster/service", family, source name, cluster, "cluster/task id", or scheduled task */
    json_t *entry; /* owned; NULL removes the entry */
    char *former;  /* LEDGER_SERVICE: what the entry was called before; that one goes with the same write */
    char *message; /* one line for the commit: service, deployment, state, source commit */
    bool warning;  /* somebody ought to look at that */
};
struct ledger_change_vec VECTOR_OF(struct ledger_change);

void ledger_change_deinit(struct ledger_change *change);
void ledger_change_vec_deinit(struct ledger_change_vec *changes);
