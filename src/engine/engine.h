/* The engine's function table and its contract. `docker` speaks the Engine API, `sim` is in memory; one
 * contract suite (tests/contract) holds both to what is written here.
 *
 * Calls are asynchronous: each starts an operation, returns its id (never 0) at once, and ends in exactly one
 * `done`, never from within the call that started it. After engine_cancel() no callback of that operation
 * comes any more; what the engine did meanwhile shows in the next listing. Everything in a reply is borrowed
 * for the length of the callback.
 *
 * Failures arrive in reply->error with the engine's own message, which may quote what the engine was sent:
 * the caller takes out what nobody may see. Codes that callers may act on: ERROR_NOT_FOUND    no such
 * container, image or network ERROR_EXISTS       the name is taken ERROR_CONFLICT     the state forbids it
 * (409) ERROR_INVALID      refused as malformed (400) ERROR_INTERNAL     the engine failed at it (500): a
 * port is taken, the runtime or the registry is broken ERROR_UNAVAILABLE  no connection, or it broke
 *   ERROR_TIMEOUT      deadline_ms passed; outcome unknown
 *   ERROR_PROTOCOL     the reply makes no sense
 *   ERROR_LIMIT        the reply is too large
 * After UNAVAILABLE, TIMEOUT or PROTOCOL the operation may have happened: list before deciding.
 *
 * Starting what runs, stopping what has stopped and removing what is gone are successes: the state is as
 * asked.
 *
 * Where Podman cannot keep this: an inspection does not tell the reason of a failed start (the reply to start
 * does), its health checks need systemd on the host: without, health stays HEALTH_UNKNOWN, a start starts the
 * pause container as well that it joins, an image that was built there has a digest as well (as with
 * Docker's containerd image store), and a pull does not say what the tag means: an inspection after it does.
 */
#pragma once

#include "base/error.h"
#include "model/observed.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine_version {
    char *api; /* the version that both sides speak, "1.41" */
    char *min_api;
    char *max_api;
};

/* Progress of a pull. Bytes are sums over layers; total 0 is unknown. */
struct engine_progress {
    const char *status; /* the engine's words: "Downloading" */
    int64_t current_bytes;
    int64_t total_bytes;
};

/* One line of the event stream, container events only. */
struct engine_event {
    const char *action; /* "create" "start" "die" "health_status: healthy" "destroy" ... */
    const char *container_id;
    int64_t time_ms;
};

struct engine_image {
    char *id;
    char *tag;    /* "repo:tag", NULL when untagged */
    char *digest; /* "repo@sha256:...", NULL when never pulled */
    int64_t size_bytes;
};

struct engine_network {
    char *id;
    char *name;
};

/* Fields that do not belong to the operation are NULL or 0. */
struct engine_reply {
    struct error error;                     /* code 0: it worked */
    const struct engine_version *version;   /* version */
    const struct instance_info *info;       /* version */
    const struct container_vec *containers; /* list */
    size_t unreadable_len;                  /* list: containers of the owner that could not be read whole */
    const char *unreadable;                 /* why, of the first; NULL without one */
    const char *warning; /* create: what of the definition the container was made without; NULL: nothing */
    const struct container
        *container; /* inspect create start stop kill: as it is afterwards; NULL when gone */
    const struct engine_image *images; /* images */
    size_t images_len;
    const char *image_digest; /* image_inspect: "sha256:...", that of a copy; NULL: it has none. pull,
                                 distribution_inspect: what the tag means by now; NULL: the engine does not
                                 say */
    const struct engine_network *networks; /* networks, network_create */
    size_t networks_len;
    const char *output; /* exec */
    size_t output_len;
    int exit_code; /* exec */
};

enum engine_stream { ENGINE_STDOUT = 1, ENGINE_STDERR = 2 };

/* Whom to tell. Only `done` must be set. */
struct engine_call {
    void (*done)(void *data, const struct engine_reply *reply);
    void (*progress)(void *data, const struct engine_progress *progress);
    void (*event)(void *data,
                  const struct engine_event *event); /* events; NULL event: the stream stands now */
    void (*chunk)(void *data, enum engine_stream stream, const char *bytes, size_t len); /* logs */
    void *data;
    int64_t deadline_ms; /* from now; 0 is the operation's default in base/limits.h; streams have none */
};

/* A file of a container. */
struct engine_file {
    const char *target; /* absolute */
    const char *content;
    size_t len;
    unsigned mode;
    unsigned uid;
    unsigned gid;
};

struct engine_pull {
    const char *image;
    const char *login; /* the registry's, as the header X-Registry-Auth takes it; NULL: none */
};

struct engine_create {
    const char *name; /* of the container */
    const struct task_labels *labels;
    const struct task_definition *definition; /* volumes and network mode come from its root */
    const char *container;                    /* which of its containers */
    const char *image;                        /* in place of what the definition names; NULL: that */
    const struct string_vec *environment;     /* "NAME=VALUE": all of it; NULL: the definition's own */
    const json_t *log_options;                /* besides those of the definition; NULL: none */
    const struct engine_file *files;          /* that it has before it starts */
    size_t files_len;
};

/* An image as `docker save` writes it. */
struct engine_archive {
    const char *image; /* "repository:tag" that it is in there */
    const void *tar;
    size_t tar_len;
};

struct engine_logs {
    const char *container_id;
    bool follow;
    int tail;         /* lines; -1 is all */
    int64_t since_ms; /* 0 is from the start */
    bool timestamps;
};

struct engine;

struct engine_ops {
    const char *kind; /* "docker", "sim" */
    /* Ping, negotiate, and tell what the host has. Cheap; also the health check of the connection. */
    uint64_t (*version)(struct engine *, const struct engine_call *);
    /* All containers, stopped ones too, with LABEL_OWNER = owner; whole inspections, sorted by name.
     *
     * A container that the engine lists and cannot inspect (or not in a part of the time, while it answers
     * for others) must not be taken for gone: it is in the list with what the list itself tells of it (state,
     * health, exit code; started when created; finished is 0; one whose state has no known word is RUNNING,
     * so that nothing is done to it), its reason says why, and it counts as unreadable. One whose labels
     * cannot be read belongs to no task: it is left out, and counts as well. */
    uint64_t (*list)(struct engine *, const char *owner, const struct engine_call *);
    /* Containers that run with another LABEL_OWNER than `owner`, as the list itself tells of them, sorted by
     * name; those whose labels cannot be read are left out. */
    uint64_t (*list_others)(struct engine *, const char *owner, const struct engine_call *);
    /* Somebody else's container (no LABEL_OWNER) is ERROR_NOT_FOUND, ours with unreadable labels
     * ERROR_INVALID.
     */
    uint64_t (*inspect)(struct engine *, const char *container_id, const struct engine_call *);
    uint64_t (*pull)(struct engine *, const struct engine_pull *, const struct engine_call *);
    /* Makes archive->image present; loading what is there is a success. The archive outlives the call. */
    uint64_t (*image_load)(struct engine *, const struct engine_archive *archive, const struct engine_call *);
    /* Does not pull: an absent image is ERROR_NOT_FOUND. PAUSE_CONTAINER is made of the image of
     * engine/pause_image.h, and the others of its task join the namespaces that it owns. A name that is taken
     * by a container with the same LABEL_TASK is a success (an earlier reply was lost), by any other
     * ERROR_EXISTS. A container that is to have files has them from the moment on from which any operation
     * knows of it; what was left half-way is made whole by the same create, or goes with the next listing. */
    uint64_t (*create)(struct engine *, const struct engine_create *, const struct engine_call *);
    /* A network or a pause container that it is to join and that is not there: ERROR_INTERNAL or
     * ERROR_CONFLICT. */
    uint64_t (*start)(struct engine *, const char *container_id, const struct engine_call *);
    /* done comes when it has stopped; default deadline timeout_s + LIMIT_ENGINE_STOP_SLACK_MS. */
    uint64_t (*stop)(struct engine *, const char *container_id, int timeout_s, const struct engine_call *);
    uint64_t (*kill)(struct engine *, const char *container_id, const char *signal,
                     const struct engine_call *);
    /* With its anonymous volumes. A running container is ERROR_CONFLICT unless force. */
    uint64_t (*remove)(struct engine *, const char *container_id, bool force, const struct engine_call *);
    /* What changes an inspection, of containers with LABEL_OWNER = owner, until the stream breaks (done with
     * the cause) or is canceled. */
    uint64_t (*events)(struct engine *, const char *owner, const struct engine_call *);
    uint64_t (*logs)(struct engine *, const struct engine_logs *, const struct engine_call *);
    /* Runs argv (NULL-ended) inside, collects at most LIMIT_LOG_BYTES of output. */
    uint64_t (*exec)(struct engine *, const char *container_id, const char *const *argv,
                     const struct engine_call *);
    uint64_t (*networks)(struct engine *, const char *owner, const struct engine_call *);
    /* A name that is taken by a network of the same owner is a success, by any other ERROR_EXISTS. */
    uint64_t (*network_create)(struct engine *, const char *owner, const char *name,
                               const struct engine_call *);
    uint64_t (*network_remove)(struct engine *, const char *name, const struct engine_call *);
    uint64_t (*images)(struct engine *, const struct engine_call *);
    /* What the reference means there now, without a look at its registry: the digest at which an image of
     * that repository was pulled. One that was built or loaded there has none, nor has one that was pulled
     * from another repository. ERROR_NOT_FOUND: there is no such image. */
    uint64_t (*image_inspect)(struct engine *, const char *reference, const struct engine_call *);
    /* What the registry says that the reference means, at which nothing is pulled: image_digest. Any failure
     * says no more than that a pull has to tell: Podman does not know the request. NULL: no such engine does.
     */
    uint64_t (*distribution_inspect)(struct engine *, const struct engine_pull *, const struct engine_call *);
    /* Runs fire(data) once, ms from now, on the engine's own clock (real or virtual). Canceled like an
     * operation. */
    uint64_t (*after)(struct engine *, int64_t ms, void (*fire)(void *data), void *data);
    void (*cancel)(struct engine *, uint64_t id); /* 0 and ended ids are fine */
    /* Cancels everything. The memory goes when the loop has closed the handles. */
    void (*free)(struct engine *);
};

/* Implementations embed this first. */
struct engine {
    const struct engine_ops *ops;
};

static inline void engine_free(struct engine *engine)
{
    if (engine)
        engine->ops->free(engine);
}
DEFINE_CLEANUP(struct engine, engine_free)
