/* An engine in memory on a virtual clock: what Docker does as far as davit can tell, reproducible from a
 * seed, with faults on demand. Nothing happens but in sim_advance_to(), in the order of virtual time; several
 * sims share a test's clock by being advanced to the smallest sim_next_ms() of all.
 *
 * The sim is the host, the engine is a client's view of it: engine_free(sim_engine(sim)) cancels what the
 * client has under way, as a dying client does, and leaves the host as it is; the same engine serves the next
 * client.
 */
#pragma once

#include "engine/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;

/* Zero is the default. */
struct sim_options {
    uint64_t seed;
    int64_t now_ms;         /* first time of the virtual clock; default 2023-11-14T22:13:20Z */
    int cpu_units;          /* of the host; default 4096 */
    int64_t memory_mib;     /* default 8192 */
    int64_t latency_max_ms; /* no call takes longer; 0: as long as engines take */
};

struct sim *sim_new(const struct sim_options *options); /* NULL options are the defaults */
void sim_free(struct sim *sim);
DEFINE_CLEANUP(struct sim, sim_free)
/* Borrowed; lives as long as the sim. */
struct engine *sim_engine(struct sim *sim);

int64_t sim_now_ms(const struct sim *sim);
/* When the next thing happens; INT64_MAX when nothing will. */
int64_t sim_next_ms(struct sim *sim);
/* Runs everything that is due until then, in order. Time never goes back: an earlier now_ms does nothing. */
void sim_advance_to(struct sim *sim, int64_t now_ms);

/* --- images and what runs of them ----------------------------------------------------------------------- */

void sim_image_local(struct sim *sim, const char *image); /* present on the host */
void sim_image_pullable(struct sim *sim, const char *image,
                        int64_t pull_ms);                  /* a pull brings it in that time */
void sim_image_remove(struct sim *sim, const char *image); /* neither of both */
/* What its tag means in the registry from now on, "sha256:..."; a pull brings that. By the digest it is
 * pullable as well, for ever. Without a call an image was built where it is, and has no digest. */
void sim_image_publish(struct sim *sim, const char *image, const char *digest);
/* The registry does not know that tag any more. */
void sim_image_withdraw(struct sim *sim, const char *image);

/* How containers of an image behave. Zero is a well-behaved server. Taken when the container is created. */
struct sim_behaviour {
    int64_t start_ms;           /* start takes longer by this */
    int64_t exits_after_ms;     /* by itself, after start; 0: runs on */
    int exit_code;              /* then */
    int64_t healthy_after_ms;   /* default 1000; only where the task definition has a health check */
    bool never_healthy;         /* stays `starting` unless unhealthy_after_ms says otherwise */
    int64_t unhealthy_after_ms; /* 0: never */
    bool ignores_sigterm;       /* SIGKILL ends it: exit code 137 */
    int64_t stop_ms;            /* from SIGTERM to the exit with 143; default 20 */
    const char *output;         /* written to stdout at start; static storage */
    const char *create_fails;   /* the engine's words; static storage */
    const char *start_fails;    /* likewise */
};

void sim_set_behaviour(struct sim *sim, const char *image, const struct sim_behaviour *behaviour);

/* --- faults --------------------------------------------------------------------------------------------- */

enum sim_op {
    SIM_VERSION,
    SIM_LIST,
    SIM_INSPECT,
    SIM_PULL,
    SIM_IMAGE_LOAD,
    SIM_CREATE,
    SIM_START,
    SIM_STOP,
    SIM_KILL,
    SIM_REMOVE,
    SIM_EVENTS,
    SIM_LOGS,
    SIM_EXEC,
    SIM_NETWORKS,
    SIM_NETWORK_CREATE,
    SIM_NETWORK_REMOVE,
    SIM_IMAGES,
    SIM_IMAGE_INSPECT,
    SIM_LIST_OTHERS,
    SIM_AFTER, /* no fault touches it */
    SIM_OPS,   /* their number */
};

enum sim_fault {
    SIM_FAULT_NONE,
    SIM_FAULT_ERROR, /* refused with the engine's 500, nothing done */
    SIM_FAULT_HANG,  /* no answer until the deadline (of a pull: LIMIT_ENGINE_PULL_IDLE_MS); done or not, as
                        the  seed says */
    SIM_FAULT_LOST,  /* done, but the connection breaks before the reply: ERROR_UNAVAILABLE */
    SIM_FAULT_TWICE, /* the request arrives two times */
    SIM_FAULT_SLOW,  /* 50 times the usual latency */
    SIM_FAULTS,
};

/* The next `count` requests of this kind meet this fault. Several scripts are used up in order. */
void sim_fault_next(struct sim *sim, enum sim_op op, enum sim_fault fault, int count);
/* In so many of a thousand requests. Replaces the rate that this fault had. */
void sim_fault_rate(struct sim *sim, enum sim_op op, enum sim_fault fault, int permille);

/* Per thousand events. */
struct sim_event_faults {
    int dropped_permille;
    int duplicated_permille;
    int delayed_permille;
    int64_t delay_ms;
    bool reordered; /* those that come later overtake a delayed one */
};

void sim_fault_events(struct sim *sim, const struct sim_event_faults *faults);
/* While it is silent, connections stand, requests that arrive have no answer until their deadline (done or
 * not, as the seed says), and events are lost. */
void sim_silence(struct sim *sim, bool silent);
/* Breaks the event streams that stand. */
void sim_break_streams(struct sim *sim);

/* --- what befalls the host ------------------------------------------------------------------------------ */

/* The engine dies: connections break, requests that have not arrived never do, containers run on. */
void sim_crash(struct sim *sim);
/* The host dies: as sim_crash(), and all containers have exited with 255. */
void sim_reboot(struct sim *sim);
/* The engine answers again, silent or not before. */
void sim_restart(struct sim *sim);

/* By name. False when there is none (or, for exit, when it does not run). */
bool sim_container_exit(struct sim *sim, const char *name, int exit_code);
bool sim_container_remove(struct sim *sim, const char *name); /* docker rm -f by somebody */
bool sim_container_set_health(struct sim *sim, const char *name, enum health_status health);
/* Somebody else's container, running. host_port 0: none. */
void sim_foreign_container(struct sim *sim, const char *name, const char *image, int host_port);

/* --- inspection ----------------------------------------------------------------------------------------- */

/* Containers in order of creation, foreign ones included (their labels.owner is NULL). Borrowed until the
 * next sim_advance_to(). */
size_t sim_containers_len(const struct sim *sim);
const struct container *sim_container_at(const struct sim *sim, size_t i);
const struct container *sim_container_find(const struct sim *sim, const char *name); /* NULL without one */

/* What happened to containers, in order: writes that arrived and exits. */
enum sim_log_kind { SIM_LOG_CREATE, SIM_LOG_START, SIM_LOG_STOP, SIM_LOG_KILL, SIM_LOG_EXIT, SIM_LOG_REMOVE };

struct sim_log_entry {
    int64_t at_ms;
    enum sim_log_kind kind;
    char *name;             /* of the container */
    char task[ID_HEX_SIZE]; /* empty for foreign ones */
    int exit_code;          /* SIM_LOG_EXIT */
    bool by_client;         /* through the engine's table, not by itself or by a human */
};

const struct sim_log_entry *sim_log(const struct sim *sim, size_t *ret_len);
/* Writing requests that arrived at the engine, successful or not. */
uint64_t sim_writes(const struct sim *sim);
/* Of these, the ones that named a foreign container. Must stay 0. */
uint64_t sim_foreign_writes(const struct sim *sim);
/* Containers that were started without the files that their definition names. Must stay 0. */
uint64_t sim_bare_starts(const struct sim *sim);
/* Requests under way, timers and streams included. */
size_t sim_requests(const struct sim *sim);
