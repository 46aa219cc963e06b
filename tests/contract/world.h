/* What the contract suite needs of an implementation beyond its table: time that passes, and an image to run.
 */
#pragma once

#include "engine/engine.h"

#include <stdbool.h>

/* What a test wants of a container. */
enum contract_kind {
    CONTRACT_SERVER,    /* says "hello", runs until SIGTERM, exits with 143 */
    CONTRACT_FAILS,     /* exits with 3 at once */
    CONTRACT_DEAF,      /* ignores SIGTERM */
    CONTRACT_UNSTARTED, /* its program does not exist */
};

struct contract_world {
    struct engine *engine;
    bool is_real;   /* takes real time */
    bool is_podman; /* what podman cannot keep is passed over, see engine.h */
    void *implementation;
    /* Lets time pass until something happens, for a moment at most. */
    void (*turn)(struct contract_world *world);
    int64_t (*now_ms)(struct contract_world *world);
    /* An image that is present. Static storage. */
    const char *(*image)(struct contract_world *world, enum contract_kind kind);
    /* The answer to a request that is no operation of the table, NULL unless it is JSON; 204 is {}. NULL
     * without a real engine. Caller's. */
    json_t *(*request)(struct contract_world *world, const char *method, const char *path, const char *body);
    void (*free)(struct contract_world *world);
};

struct contract_world *contract_sim_new(void);
/* On the engine behind a unix socket. Prints why and returns NULL when it cannot be used. */
struct contract_world *contract_docker_new(const char *socket);
