/* Inside of docker_create*.c: a body in the making, and the rows that make it. */
#pragma once

#include "engine/docker_create.h"

#define DOCKER_MIB (1024LL * 1024)

struct docker_body {
    const struct engine_create *create;
    const struct docker_settings *settings;
    const json_t *container; /* its definition */
    json_t *config;          /* the body itself */
    json_t *host;            /* its HostConfig, borrowed */
    char *warning;           /* what of the definition is left out; NULL: nothing */
};

/* One member of ECS and what becomes of it. */
struct docker_mapping {
    const char
        *member;       /* "linuxParameters.tmpfs": below the container, or below the task definition's root */
    const char *field; /* of Docker, the first one where there are several */
    int (*map)(struct docker_body *body, const char *field, const json_t *value, struct error *err);
    bool always; /* `map` runs for an absent member too, with value NULL */
};

/* The tables, in the order in which they are applied: of a container, then of the task. A NULL member ends
 * each. */
extern const struct docker_mapping docker_container_mappings[];
extern const struct docker_mapping docker_task_mappings[];

/* The definition of the container to create; NULL: there is none. Borrowed. */
const json_t *docker_container_of(const struct engine_create *create);
/* The name on the engine of another container of the task. Caller frees. */
char *docker_container_name(const struct docker_body *body, const char *container);
/* The network namespace is the container's own and on a bridge: it has ports, names and links. */
bool docker_is_on_bridge(const struct docker_body *body);

/* docker_create.c */
int docker_map_to_config(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_to_host(struct docker_body *body, const char *field, const json_t *value, struct error *err);

/* docker_create_process.c */
int docker_map_environment(struct docker_body *body, const char *field, const json_t *value,
                           struct error *err);
int docker_map_labels(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_health_check(struct docker_body *body, const char *field, const json_t *value,
                            struct error *err);

/* docker_create_limits.c */
int docker_map_cpu(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_memory(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_max_swap(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_swappiness(struct docker_body *body, const char *field, const json_t *value,
                          struct error *err);
int docker_map_ulimits(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_resources(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_task_cpu(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_task_memory(struct docker_body *body, const char *field, const json_t *value,
                           struct error *err);

/* docker_create_linux.c */
int docker_map_shared_memory(struct docker_body *body, const char *field, const json_t *value,
                             struct error *err);
int docker_map_tmpfs(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_devices(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_system_controls(struct docker_body *body, const char *field, const json_t *value,
                               struct error *err);
int docker_map_security_options(struct docker_body *body, const char *field, const json_t *value,
                                struct error *err);

/* docker_create_network.c */
int docker_map_ports(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_links(struct docker_body *body, const char *field, const json_t *value, struct error *err);
int docker_map_extra_hosts(struct docker_body *body, const char *field, const json_t *value,
                           struct error *err);

/* docker_create_volumes.c */
int docker_map_mount_points(struct docker_body *body, const char *field, const json_t *value,
                            struct error *err);
int docker_map_volumes_from(struct docker_body *body, const char *field, const json_t *value,
                            struct error *err);

/* docker_create_log.c */
int docker_map_log(struct docker_body *body, const char *field, const json_t *value, struct error *err);
