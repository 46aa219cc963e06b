/* What an engine says runs: containers with davit's labels. Engines decode into these values; core/ groups
 * them. */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "base/vector.h"
#include "model/commit.h"
#include "model/desired.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Labels that carry a task's identity (docs: src/README.md). The five of the ECS agent come first. */
#define LABEL_ECS_CLUSTER   "com.amazonaws.ecs.cluster"
#define LABEL_ECS_TASK_ARN  "com.amazonaws.ecs.task-arn"
#define LABEL_ECS_CONTAINER "com.amazonaws.ecs.container-name"
#define LABEL_ECS_FAMILY    "com.amazonaws.ecs.task-definition-family"
#define LABEL_ECS_REVISION  "com.amazonaws.ecs.task-definition-version"
#define LABEL_OWNER         "davit.owner"
#define LABEL_SERVICE       "davit.service"
#define LABEL_DEPLOYMENT    "davit.deployment"
#define LABEL_GROUP         "davit.group" /* these two of standalone tasks, in place of the two above */
#define LABEL_STARTED_BY    "davit.started-by"
#define LABEL_DIGEST        "davit.digest"
#define LABEL_COMMIT        "davit.commit"
#define LABEL_TASK          "davit.task"
#define LABEL_CONTAINER     "davit.container" /* container_spec as JSON */
#define LABEL_ESSENTIAL     "davit.essential" /* how many essential containers the task has */

enum container_status { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_STOPPED };
enum health_status {
    HEALTH_UNKNOWN,
    HEALTH_HEALTHY,
    HEALTH_UNHEALTHY
}; /* ECS: Docker's `starting` is UNKNOWN */

const char *container_status_name(enum container_status status); /* ECS: PENDING RUNNING STOPPED */
const char *health_status_name(enum health_status status);

struct port_binding {
    int container_port;
    int host_port;
    bool udp;
    char host_ip[46];
};
struct port_binding_vec VECTOR_OF(struct port_binding);

/* Identity out of the labels. */
struct task_labels {
    char *owner;
    char *cluster;
    char *service;    /* these two are NULL of a standalone task */
    char *deployment; /* "ecs-svc/..." */
    char *group;      /* of a standalone task, "family:web"; NULL: of a service */
    char *started_by; /* likewise; NULL also when nobody said */
    char *family;
    int revision;
    struct digest digest; /* service.digest that the task was made from */
    char *commit;         /* "" when it is not known */
    char task[ID_HEX_SIZE];
    int essential;               /* containers of the task that are */
    struct container_spec *spec; /* not to be changed through labels that were assigned: they borrow it */
};

void task_labels_deinit(struct task_labels *labels);
void task_labels_copy(const struct task_labels *labels, struct task_labels *ret_copy);
/* An object of strings as the engine takes it, the five labels of ECS included. */
json_t *task_labels_to_json(const struct task_labels *labels);
/* ERROR_NOT_FOUND without LABEL_OWNER (not ours), ERROR_INVALID when ours but unreadable. */
int task_labels_from_json(const json_t *json, struct task_labels *ret_labels, struct error *err);

struct container {
    char *id;       /* the engine's */
    char *name;     /* the engine's, without the slash */
    char *instance; /* container instance that it is on */
    struct task_labels labels;
    enum container_status status;
    enum health_status health;
    int exit_code;
    bool has_exit_code; /* a container that never ran has none */
    bool oom_killed;
    bool instance_lent; /* `instance` is another's, who outlives the container */
    char *reason;       /* the engine's own error text; NULL without one */
    char *image;
    char *image_id;
    char *ip; /* address on its network; NULL without one */
    int64_t created_ms;
    int64_t started_ms;  /* 0: never */
    int64_t finished_ms; /* 0: never */
    struct port_binding_vec ports;
    unsigned *sharers; /* how many hold the strings that container_share() names; NULL: it alone */
};

void container_free(struct container *container);
DEFINE_CLEANUP(struct container, container_free)
struct container *container_copy(const struct container *container); /* shares and borrows nothing */
/* It is on that instance; the name is borrowed from here on. */
void container_lend_instance(struct container *container, const char *instance);
/* What tasks of one deployment have in common, all strings of the labels and the image, is held once for both
 * from here on, if it is the same. Whether it was. Neither may be changed in these then. */
bool container_share(struct container *container, struct container *with);
bool container_equal(const struct container *a, const struct container *b);
json_t *container_to_json(const struct container *container);
int container_from_json(const json_t *json, struct container **ret_container, struct error *err);
struct container_vec VECTOR_OF(struct container *);
/* Frees the containers as well. */
void container_vec_deinit(struct container_vec *containers);

/* One engine. */
struct instance_info {
    char *engine;      /* "docker 20.10.24", for people */
    char *api_version; /* negotiated */
    char *os;
    char *arch;
    int cpu_units; /* 1024 per core */
    int64_t memory_mib;
};

void instance_info_deinit(struct instance_info *info);
void instance_info_copy(const struct instance_info *info, struct instance_info *ret_copy);
json_t *instance_info_to_json(const struct instance_info *info);
void instance_info_from_json(const json_t *json,
                             struct instance_info *ret_info); /* absent members are empty */
