/* Inside of the sim: state shared by sim_*.c. */
#pragma once

#include "base/buffer.h"
#include "base/map.h"
#include "base/vector.h"
#include "engine/sim.h"

/* --- the queue: what is due when ------------------------------------------------------------------------ */

enum sim_step {
    SIM_STEP_ARRIVE,   /* a request reaches the engine */
    SIM_STEP_REPLY,    /* its reply reaches the client */
    SIM_STEP_DEADLINE, /* the client waits no longer */
    SIM_STEP_PROGRESS, /* of a pull */
    SIM_STEP_EVENT,    /* an event reaches a stream */
    SIM_STEP_FIRE,     /* a timer of the client */
    SIM_STEP_EXIT,     /* a container's process ends */
    SIM_STEP_HEALTHY,  /* its health check says so */
    SIM_STEP_UNHEALTHY,
};

struct sim_event {
    char *action;
    char *container_id;
    int64_t time_ms;
};

struct sim_entry {
    int64_t at_ms;
    uint64_t order; /* among equal times */
    enum sim_step step;
    uint64_t target;         /* request id or container serial */
    unsigned run;            /* container steps: of which run */
    int value;               /* exit code, percent of progress */
    struct sim_event *event; /* owned; SIM_STEP_EVENT */
};

struct sim_queue VECTOR_OF(struct sim_entry); /* a binary heap */

void sim_queue_push(struct sim_queue *queue, const struct sim_entry *entry);
struct sim_entry sim_queue_pop(struct sim_queue *queue);
void sim_queue_deinit(struct sim_queue *queue);
void sim_event_free(struct sim_event *event);

/* --- containers ----------------------------------------------------------------------------------------- */

struct sim_container {
    uint64_t serial;
    struct container *view; /* as an inspection shows it */
    struct sim_behaviour behaviour;
    struct port_mapping_vec ports; /* asked for; view->ports has what was given */
    char *network;                 /* that it is to join; NULL: no davit network */
    char *joins;                   /* name of the pause container whose namespaces it joins; NULL: none */
    bool has_address;
    bool has_health_check;
    bool foreign;
    bool lacks_files;
    unsigned run; /* counts starts and ends, so that what was due in an earlier run is not */
    char *output;
    int64_t output_ms;
};
struct sim_container_vec VECTOR_OF(struct sim_container *);

void sim_container_free(struct sim_container *container);

struct sim_image {
    bool local;
    bool pullable;
    bool withdrawn;
    int64_t pull_ms;
    char *digest;       /* in the registry; NULL: none */
    char *local_digest; /* at which it was pulled; NULL: it is not local, or was built there */
    char *tag;          /* of what is named by its digest: that behaves like it; NULL: it is named by a tag */
};
void sim_image_free(struct sim_image *image);
/* By the name that a container was created of. NULL: a well-behaved server. */
const struct sim_behaviour *sim_behaviour_of(const struct sim *sim, const char *image);
/* A pull has brought it. */
void sim_image_pulled(struct sim *sim, const char *image);

struct sim_network {
    char *id;
    char *name;
    char *owner;
};
struct sim_network_vec VECTOR_OF(struct sim_network);

/* --- requests ------------------------------------------------------------------------------------------- */

enum sim_stage {
    SIM_SENT,     /* on its way to the engine */
    SIM_STANDING, /* a stream, or a stop that waits for the exit */
    SIM_HANGING,  /* only the deadline ends it */
    SIM_REPLYING, /* on its way back */
};

struct sim_result {
    struct error error;
    struct container *container;
    struct container_vec containers;
    struct buffer output;
    int exit_code;
    char *image_digest;
};

struct sim_request {
    uint64_t id;
    enum sim_op op;
    enum sim_stage stage;
    enum sim_fault fault;
    bool orphan; /* the client is gone; the engine goes on */
    struct engine_call call;
    int64_t stream_ms; /* events: nothing is delivered before what was sent earlier */
    /* arguments, as far as the operation has them */
    char *target; /* container id or name, image, network, owner */
    char *extra;  /* signal; network's name; what exec runs */
    char *text;   /* what exec prints; create: the image, if it is not the definition's */
    int number;   /* stop: timeout in seconds; logs: tail */
    bool force;
    bool follow;
    bool timestamps;
    int64_t since_ms;
    uint64_t waits_for; /* serial of a container */
    struct task_labels labels;
    struct task_definition *definition;
    size_t files_len;
    void (*fire)(void *data);
    struct sim_result result;
};
struct sim_request_vec VECTOR_OF(struct sim_request *);

void sim_request_free(struct sim_request *request);

struct sim_script {
    enum sim_fault fault;
    int left;
};
struct sim_script_vec VECTOR_OF(struct sim_script);
struct sim_log_vec VECTOR_OF(struct sim_log_entry);

struct sim {
    struct engine engine; /* first */
    struct sim_options options;
    int64_t now_ms;
    uint64_t random;
    uint64_t last_id;
    uint64_t last_order;
    uint64_t last_serial;
    bool down;
    bool silent;
    struct sim_queue queue;
    struct sim_request_vec requests;     /* by id */
    struct sim_container_vec containers; /* by serial */
    struct map by_id;                    /* struct sim_container, borrowed */
    struct map by_name;
    struct map images;     /* struct sim_image */
    struct map behaviours; /* struct sim_behaviour */
    struct sim_network_vec networks;
    struct sim_script_vec scripts[SIM_OPS];
    int rates[SIM_OPS][SIM_FAULTS];
    struct sim_event_faults event_faults;
    struct sim_log_vec log;
    uint64_t writes;
    uint64_t foreign_writes;
    uint64_t bare_starts;
};

const struct engine_ops *sim_engine_ops(void);

/* sim.c */
uint64_t sim_random(struct sim *sim);
int64_t sim_random_in(struct sim *sim, int64_t min, int64_t max);
bool sim_random_permille(struct sim *sim, int permille);
/* Queues a step ms from now. */
void sim_in(struct sim *sim, int64_t ms, struct sim_entry entry);

/* sim_container.c: the lifecycle, whoever asks for it. Errors are in the engine's words. */
struct sim_container *sim_find(const struct sim *sim, const char *id_or_name);
struct sim_container *sim_by_serial(const struct sim *sim, uint64_t serial);
/* Takes over *container. */
void sim_add(struct sim *sim, struct sim_container *container);
void sim_make_id(struct sim *sim, uint64_t serial, char ret_id[static 65]);
int sim_start(struct sim *sim, struct sim_container *container, struct error *err);
void sim_end(struct sim *sim, struct sim_container *container, int exit_code, bool quiet);
void sim_remove(struct sim *sim, struct sim_container *container);
void sim_set_health(struct sim *sim, struct sim_container *container, enum health_status health);
void sim_log_add(struct sim *sim, const struct sim_container *container, enum sim_log_kind kind,
                 bool by_client);

/* sim_request.c */
struct sim_request *sim_request_find(const struct sim *sim, uint64_t id);
bool sim_entry_is_stale(const struct sim *sim, const struct sim_entry *entry);
void sim_request_step(struct sim *sim, const struct sim_entry *entry);
/* Sends the result off. */
void sim_reply(struct sim *sim, struct sim_request *request);
void sim_emit(struct sim *sim, const struct sim_container *container, const char *action);
/* The container has exited: stops that wait and logs that follow end. */
void sim_container_ended(struct sim *sim, const struct sim_container *container);
/* Breaks connections; streams only, or all. */
void sim_break(struct sim *sim, bool streams_only);

/* sim_effect.c: what a request does when it arrives. Fills request->result; true when the reply may go. */
bool sim_effect(struct sim *sim, struct sim_request *request);
bool sim_op_writes(enum sim_op op);
struct sim_network *sim_network_of(const struct sim *sim, const char *name); /* NULL without one */
