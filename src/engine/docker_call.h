/* Inside of docker_*.c: a call of the table under way, and the requests that it is made of. */
#pragma once

#include "base/buffer.h"
#include "base/vector.h"
#include "engine/docker.h"
#include "engine/docker_create.h"
#include "engine/docker_decode.h"
#include "http/client.h"

struct docker_call;
struct docker_call_vec VECTOR_OF(struct docker_call *);

struct docker {
    struct engine engine; /* first */
    uv_loop_t *loop;
    struct http_client *http;
    struct http_endpoint endpoint;
    struct engine_version version; /* api NULL: not negotiated */
    struct docker_settings settings;
    struct docker_call_vec calls; /* by id */
    uint64_t last_id;
};

struct docker_answer {
    int status;
    const json_t *json; /* NULL without a body */
    struct error error; /* of a status that is no success */
};

/* One request of a call. */
struct docker_send {
    const char *method;
    const char *path; /* without the version */
    json_t *body;     /* taken over; NULL: none */
    const void *tar;  /* sent as it is in place of body; outlives the call */
    size_t tar_len;
    const char *const *headers; /* "Name: value" lines, NULL at the end; outlive the call */
    bool takes_failures;        /* on_answer gets failures of the engine as well; else they end the call */
    int64_t idle_ms;
    void (*on_answer)(struct docker_call *call, const struct docker_answer *answer);
    /* Streams: the stream stands; its bytes. An error ends the call with it. Either may be the end of the
     * call: look at *gone after telling the caller something. */
    void (*on_open)(struct docker_call *call);
    int (*on_bytes)(struct docker_call *call, const char *bytes, size_t len, struct error *err);
};

struct docker_call {
    struct docker *docker;
    uint64_t id;
    struct engine_call call;
    int64_t deadline_at_ms; /* of the loop's clock; INT64_MAX: none */
    bool *gone;             /* set when the call is freed, while a callback is running */
    /* the request under way */
    struct docker_send send;
    char *path;
    char *body;
    uint64_t http;
    int status;
    struct buffer failure; /* body of a failed stream */
    bool negotiated_again;
    /* the operation's own */
    char *target;
    char *text;
    bool flag;
    int number;
    void *state;
    void (*state_free)(void *state);
    uint64_t timer; /* id of an after() that belongs to the call */
    uv_timer_t *uv_timer;
    void (*fire)(void *data);
};

/* docker_call.c */
/* default_ms 0: no deadline. */
struct docker_call *docker_call_new(struct engine *engine, const char *target, const struct engine_call *call,
                                    int64_t default_ms);
/* Replaces the call's request; the answer comes later. Returns the call's id. */
uint64_t docker_send(struct docker_call *call, struct docker_send send);
/* Both end the call. */
void docker_done(struct docker_call *call, struct engine_reply *reply);
void docker_fail(struct docker_call *call, const struct error *error);
void docker_fail_as(struct docker_call *call, int code, const char *text);
/* Frees it without a word. */
void docker_call_drop(struct docker_call *call);
/* Until the call's deadline, at least 1; 0: it has none. */
int64_t docker_call_left_ms(const struct docker_call *call);
struct docker_call *docker_call_find(const struct docker *docker, uint64_t id);
/* Percent-encoded "<prefix><text><suffix>". Caller frees. */
char *docker_path(const char *prefix, const char *text, const char *suffix);
/* "?filters=" and JSON, percent-encoded; takes the JSON over. Caller frees. */
char *docker_filters(const char *path, json_t *filters);
struct docker *docker_of(struct engine *engine);

/* docker_container.c */
uint64_t docker_inspect(struct engine *engine, const char *container_id, const struct engine_call *call);
uint64_t docker_list(struct engine *engine, const char *owner, const struct engine_call *call);
uint64_t docker_list_others(struct engine *engine, const char *owner, const struct engine_call *call);
uint64_t docker_create(struct engine *engine, const struct engine_create *create,
                       const struct engine_call *call);
uint64_t docker_start(struct engine *engine, const char *container_id, const struct engine_call *call);
uint64_t docker_stop(struct engine *engine, const char *container_id, int timeout_s,
                     const struct engine_call *call);
uint64_t docker_kill(struct engine *engine, const char *container_id, const char *signal,
                     const struct engine_call *call);
uint64_t docker_remove(struct engine *engine, const char *container_id, bool force,
                       const struct engine_call *call);

/* docker_output.c */
uint64_t docker_pull(struct engine *engine, const struct engine_pull *pull, const struct engine_call *call);
uint64_t docker_distribution_inspect(struct engine *engine, const struct engine_pull *image,
                                     const struct engine_call *call);
uint64_t docker_image_load(struct engine *engine, const struct engine_archive *archive,
                           const struct engine_call *call);
uint64_t docker_events(struct engine *engine, const char *owner, const struct engine_call *call);
uint64_t docker_logs(struct engine *engine, const struct engine_logs *logs, const struct engine_call *call);
uint64_t docker_exec(struct engine *engine, const char *container_id, const char *const *argv,
                     const struct engine_call *call);

/* docker_host.c */
uint64_t docker_version(struct engine *engine, const struct engine_call *call);
uint64_t docker_networks(struct engine *engine, const char *owner, const struct engine_call *call);
uint64_t docker_network_create(struct engine *engine, const char *owner, const char *name,
                               const struct engine_call *call);
uint64_t docker_network_remove(struct engine *engine, const char *name, const struct engine_call *call);
uint64_t docker_images(struct engine *engine, const struct engine_call *call);
uint64_t docker_image_inspect(struct engine *engine, const char *reference, const struct engine_call *call);
