/* What core is told (events) and what it asks for (effects). Both are values with a JSON form, because every
 * input is recorded and a replay must give the same effects.
 */
#pragma once

#include "base/error.h"
#include "model/action.h"
#include "model/commit.h"
#include "model/ledger.h"
#include "model/observed.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum event_kind {
    EVENT_LEDGER,       /* at start: one entry of the ledger */
    EVENT_COMMIT,       /* from source: a commit and its files */
    EVENT_SOURCE,       /* from source: how the origin does */
    EVENT_CONNECTED,    /* from engine: an instance answers */
    EVENT_DISCONNECTED, /* from engine: it does not any more */
    EVENT_LISTED,       /* from engine: all containers of an instance */
    EVENT_CONTAINER,    /* from engine: one container changed */
    EVENT_GONE,         /* from engine: one container is gone */
    EVENT_ACTION_DONE,  /* from act: an action ended */
    EVENT_PROGRESS,     /* from act: an image is on its way */
    EVENT_RECONCILE,    /* from api: look at a service, a cluster, or everything again */
    EVENT_APPROVE,      /* from api: the commit may remove what it removes */
    EVENT_RETRY,        /* from api: what failed of a service may be tried once more */
    EVENT_REDEPLOY,     /* from api: a service is to be deployed anew, though nothing of it changed */
    EVENT_HOLD,         /* from api: a service goes back to an earlier deployment, and stays there */
    EVENT_SUSPEND,      /* from api: leave a service or a cluster alone, or no longer */
    EVENT_RUN_TASK,     /* from api: start standalone tasks */
    EVENT_STOP_TASK,    /* from api: stop one */
    EVENT_CLOCK,        /* from the loop: the wall clock was set */
    EVENT_TURN,         /* the loop is about to sleep: plan what is dirty */
};

const char *event_kind_name(enum event_kind kind);

/* As source hands it out. */
enum event_file_kind {
    EVENT_FILE,
    EVENT_FILE_DELETED,
    EVENT_FILE_SYMLINK,
    EVENT_FILE_SUBMODULE,
    EVENT_FILE_TOO_LARGE,
    EVENT_FILE_LFS
};

struct event_file {
    char *path;
    enum event_file_kind kind;
    char *content; /* bytes, not text; NULL unless EVENT_FILE of a manifest */
    size_t len;
    bool other;                /* no manifest, but what one names */
    char oid[COMMIT_OID_SIZE]; /* the blob's; only of others, as are size and mode */
    int64_t size_bytes;
    bool executable;
};
struct event_file_vec VECTOR_OF(struct event_file);

struct event {
    enum event_kind kind;
    int64_t now_ms;
    uint64_t seed; /* ids of this step are drawn from it */
    union {
        struct {
            enum ledger_change_kind kind;
            char *name;
            json_t *entry;
        } ledger;
        struct {
            char *source; /* NULL: the first one, as in EVENT_SOURCE */
            struct commit commit;
            bool head; /* to be deployed; else only for counting revisions, but for the one that an earlier
                          life had deployed: given in full after a start, it is desired until the head is */
            bool full; /* files is the whole tree; else what changed since the commit before */
            bool rewritten; /* the first after the branch has left what was told of it */
            struct event_file_vec files;
            int64_t generation; /* of the question for roots that this answers; 0: none */
            int levels;         /* directories of the repository that the manifests are below */
        } commit;
        struct {
            char *name;
            bool ok;
            char *message; /* why not */
            char *origin;  /* for people, credentials left out */
            char *branch;
        } source;
        struct {
            char *instance;
            struct instance_info info;       /* EVENT_CONNECTED */
            char *message;                   /* EVENT_DISCONNECTED: the cause */
            int64_t silent_ms;               /* EVENT_DISCONNECTED: how long ago it answered last */
            struct container_vec containers; /* EVENT_LISTED: owned */
            struct string_vec unchanged;     /* EVENT_LISTED: ids of those that are as core knows them */
            struct container *container;     /* EVENT_CONTAINER: owned */
            char *container_id;              /* EVENT_GONE */
        } engine;
        struct {
            uint64_t id;
            int code;      /* 0, or an error_code */
            char *message; /* with code 0: what somebody ought to know all the same; may be NULL */
            struct container *container; /* as it is now, owned; NULL: not known or gone */
            char *image_digest;          /* ACTION_RESOLVE: "sha256:..."; NULL: there is none */
            bool image_is_copy;          /* it is what the instance has, for no registry answered */
            bool gone;                   /* the engine says that it does not exist */
        } action;
        struct {
            uint64_t id;
            char *status;
            char *failure; /* of the last try of a pull, and when the next is; NULL: none */
            int64_t current_bytes;
            int64_t total_bytes;
        } progress;
        struct {
            char *cluster; /* NULL: all */
            char *service; /* NULL: all of the cluster */
        } reconcile;
        struct {
            char oid[COMMIT_OID_SIZE];
        } approve;
        struct {
            char *cluster;
            char *service;
        } retry; /* EVENT_RETRY, EVENT_REDEPLOY */
        struct {
            char *cluster;
            char *service;
            struct digest taken_back;            /* what was desired when somebody decided so */
            char deployment[DEPLOYMENT_ID_SIZE]; /* what it goes back to */
        } hold;
        struct {
            char *cluster;
            char *service; /* NULL: the cluster */
            bool resume;
        } suspend;
        struct {
            json_t *request; /* ECS's, names in place of ARNs */
        } run_task;
        struct {
            char *cluster;
            char *task;
            char *reason;
        } stop_task;
        struct {
            int64_t skew_ms; /* the wall clock minus now_ms, from now on; before the first event it is 0 */
            int64_t step_ms; /* how far it leaped */
        } clock;
    };
};

void event_deinit(struct event *event);
/* For those who carry files in JSON: {path, kind, content or base64}. */
json_t *event_file_to_json(const struct event_file *file);
int event_file_from_json(const json_t *json, struct event_file *ret_file);
json_t *event_to_json(const struct event *event);
int event_from_json(const json_t *json, struct event *ret_event, struct error *err);

enum effect_kind {
    EFFECT_SAVE,  /* write the ledger change; every later action effect of this turn waits for it */
    EFFECT_ACT,   /* run the action */
    EFFECT_LIST,  /* list the instance again: the outcome of an action is unknown */
    EFFECT_WAKE,  /* send EVENT_TURN at at_ms at the latest; 0 withdraws the wish */
    EFFECT_ROOTS, /* manifests name other places of the repository: deliver what came after `since` again */
};

struct effect {
    enum effect_kind kind;
    struct ledger_change change; /* EFFECT_SAVE */
    struct action *action;       /* EFFECT_ACT: owned */
    char *instance;              /* EFFECT_LIST */
    int64_t at_ms;               /* EFFECT_WAKE */
    struct string_vec roots;     /* EFFECT_ROOTS: all of them, in place of those before */
    char *source;                /* EFFECT_ROOTS: whose; NULL: the first one's */
    int64_t generation;          /* EFFECT_ROOTS */
    char since[COMMIT_OID_SIZE]; /* EFFECT_ROOTS: "" is from the start */
};
struct effect_vec VECTOR_OF(struct effect);

void effect_vec_deinit(struct effect_vec *effects);
json_t *effects_to_json(const struct effect_vec *effects);
