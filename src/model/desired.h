/* What a commit asks for: clusters, task definitions, services. Built by manifest/, then sealed: nobody
 * changes it.
 *
 * Objects are counted, so that two commits that share a file share its objects; equal content is found by
 * pointer first and by digest second. Vectors are sorted by name (bytewise), so that two desired states merge
 * in one walk.
 */
#pragma once

#include "base/digest.h"
#include "base/vector.h"
#include "model/change_window.h"
#include "model/circuit_breaker.h"
#include "model/commit.h"
#include "model/diagnostic.h"
#include "model/placement.h"
#include "model/scheduled_task.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* ECS: ContainerDependency.condition */
enum dependency_condition { DEPENDENCY_START, DEPENDENCY_COMPLETE, DEPENDENCY_SUCCESS, DEPENDENCY_HEALTHY };

struct container_dependency {
    char *container;
    enum dependency_condition condition;
};
struct container_dependency_vec VECTOR_OF(struct container_dependency);

struct port_mapping {
    int container_port;
    int host_port; /* 0: the engine chooses */
    bool udp;
};
struct port_mapping_vec VECTOR_OF(struct port_mapping);

/* ECS: ContainerRestartPolicy. The planner restarts, an engine never does by itself. */
struct restart_policy {
    bool enabled;
    int period_s;                                           /* it must have run for so long to be restarted */
    struct exit_code_vec VECTOR_OF(int) ignored_exit_codes; /* with these it stays stopped */
};

/* What the planner looks at. It travels in the container's label `davit.container`, so that a running task
 * explains itself without git. */
#define GPUS_ALL 65536 /* more than an instance has */

struct container_spec {
    char *name;
    bool essential;
    int cpu_units;             /* 1024 is one vCPU; 0 is none asked for */
    int memory_mib;            /* what placement takes: memoryReservation, else memory; 0 is none */
    int gpus;                  /* ECS: resourceRequirements of type GPU; GPUS_ALL: those of its instance */
    struct string_vec gpu_ids; /* which of them: of what was created, and for it */
    int stop_timeout_s;        /* ECS: stopTimeout, default 30 */
    int start_timeout_s;       /* ECS: startTimeout; 0 is for ever */
    bool has_health_check; /* only the task definition's own counts, an image's HEALTHCHECK does not (ECS) */
    struct restart_policy restart;
    struct container_dependency_vec depends_on;
    struct port_mapping_vec
        ports; /* as published on the host; none in modes none and awsvpc, host_port set in host mode */
};
struct container_spec_vec VECTOR_OF(struct container_spec);

/* The container that owns the namespaces which the others of its task share: their network in mode awsvpc,
 * their processes and IPC in pidMode and ipcMode "task". It is in a task definition's `containers` and not in
 * its `json`. */
#define PAUSE_CONTAINER "~internal~ecs~pause"
/* Whether the name is one of davit's own containers, which ECS does not show. No user's name has a "~". */
bool container_is_internal(const char *name);

void container_spec_deinit(struct container_spec *spec);
void container_spec_copy(const struct container_spec *spec, struct container_spec *ret_copy);
/* A copy of it; NULL gives NULL. */
struct container_spec *container_spec_new(const struct container_spec *spec);
void container_spec_free(struct container_spec *spec);
bool container_spec_equal(const struct container_spec *a, const struct container_spec *b);
/* Compact: defaults are left out. */
json_t *container_spec_to_json(const struct container_spec *spec);
int container_spec_from_json(const json_t *json, struct container_spec *ret_spec);
const char *dependency_condition_name(enum dependency_condition condition);
int dependency_condition_parse(const char *name, enum dependency_condition *ret_condition);

/* The place in the repository that an object comes from. */
struct origin {
    char *file;
    struct position at;
};

struct task_definition {
    unsigned refs;
    char *family;
    int revision; /* n-th distinct content of the family along first-parent history; 0 until numbered */
    struct digest digest; /* of `json` */
    struct container_spec_vec containers;
    char *network_mode;                          /* "bridge", "host", "none", "awsvpc" */
    char *cpu_architecture;                      /* ECS: "X86_64", "ARM64"; NULL: any */
    struct placement_constraint_vec constraints; /* those of the service hold as well */
    json_t
        *json; /* ECS's own shape, validated, without `kind` and `davit` at the root; shared, never changed */
    struct origin origin;
};
struct task_definition_vec VECTOR_OF(struct task_definition *);

struct task_definition *task_definition_ref(struct task_definition *definition);
void task_definition_unref(struct task_definition *definition); /* NULL is fine */
DEFINE_CLEANUP(struct task_definition, task_definition_unref)
/* The spec of a container by name, or NULL. Borrowed. */
const struct container_spec *task_definition_container(const struct task_definition *definition,
                                                       const char *name);

/* What a deployment waits for: HEALTHY is that the other's deployment is COMPLETED and its tasks are healthy,
 * COMPLETE the first alone. */
struct service_dependency {
    char *service; /* "cluster/service" */
    bool complete;
};
struct service_dependency_vec VECTOR_OF(struct service_dependency);

void service_dependencies_deinit(struct service_dependency_vec *dependencies);
json_t *service_dependencies_to_json(const struct service_dependency_vec *dependencies);
void service_dependencies_from_json(const json_t *json, struct service_dependency_vec *ret_dependencies);

struct service {
    unsigned refs;
    char *cluster;
    char *name;
    char *task_definition_text;              /* as written: "web", "web:3" */
    struct task_definition *task_definition; /* resolved; owned reference */
    int desired_count;
    bool count_absent; /* the manifest has no desiredCount: the service keeps the one it has */
    bool daemon;       /* schedulingStrategy: a task on every instance; desired_count is how many those are */
    int minimum_healthy_percent; /* ECS default 100 */
    int maximum_percent;         /* ECS default 200 */
    int64_t
        minimum_healthy_ms; /* running time that counts as healthy where no health check says; default 10 s */
    int64_t health_check_grace_ms; /* ECS: healthCheckGracePeriodSeconds, default 0 */
    bool suspend;                  /* davit.suspend: nothing is done for it */
    bool crash_report;             /* davit.crashLoop: no deployment fails for it */
    bool prune_disabled;           /* davit.prune: when it leaves the repository, its tasks do not */
    struct service_dependency_vec depends_on; /* davit.dependsOn: they are there and make no circle */
    struct string_vec pre_deploy; /* davit.preDeploy: as written; once they are bound "family:revision" */
    struct task_definition_vec pre_deploy_definitions; /* owned references; in what the ledger keeps, while a
                                                          change waits for its window only */
    struct placement_constraint_vec constraints;
    struct placement_strategy_vec strategies;
    struct capacity_item_vec capacity; /* none: the cluster's default */
    bool launch_type;                  /* launchType is given: nor that */
    bool rebalances; /* ECS: availabilityZoneRebalancing, ENABLED unless something speaks against it; then
                        spread over zones is its first strategy */
    struct change_window_vec windows; /* davit.changeWindows; its cluster's hold as well */
    struct circuit_breaker breaker;
    struct digest digest; /* identity of a deployment: the content of the task definition, and of those of
                             davit.preDeploy; desiredCount, percentages, placement and the circuit breaker are
                             not in it. Tasks are known by the digest of the task definition alone */
    struct digest forced; /* davit.forceNewDeployment, or davit redeploy: what tasks are known by instead, and
                             part of `digest`; zero: neither */
    json_t *json;         /* as committed, for display and diff */
    struct origin origin;
};
struct service_vec VECTOR_OF(struct service *);

struct service *service_ref(struct service *service);
void service_unref(struct service *service);
DEFINE_CLEANUP(struct service, service_unref)
/* All of it but its origin, with its own task definition: manifest/ makes a service of it again. */
json_t *service_to_json(const struct service *service);
/* Of that: the same under another name. Caller's reference. */
json_t *service_json_renamed(const json_t *json, const char *name);
/* Not sealed. The caller owns it. */
struct service *service_copy(const struct service *service);
/* Likewise, under another name. */
struct service *service_renamed(const struct service *service, const char *name);
/* Their order in a desired state: by cluster, then name. */
int service_compare(const struct service *left, const struct service *right);
/* Makes it another content to deployments and tasks, though nothing else of it changes. `digest` has no part
 * of it yet. */
void service_force(struct service *service, const struct digest *by);
/* What its tasks are known by; zero without a task definition. Borrowed. */
const struct digest *service_task_digest(const struct service *service);
/* "cluster/service", the key of maps and of the command line. Caller frees. */
char *service_key(const char *cluster, const char *name);

struct cluster {
    unsigned refs;
    char *name;
    struct container_instance_vec instances; /* none: all that are configured */
    struct capacity_item_vec capacity;       /* defaultCapacityProviderStrategy */
    bool suspend;                            /* davit.suspend: nothing is done for its services */
    struct change_window_vec windows;        /* davit.changeWindows */
    json_t *json;
    struct origin origin;
};
struct cluster_vec VECTOR_OF(struct cluster *);

struct cluster *cluster_ref(struct cluster *cluster);
void cluster_unref(struct cluster *cluster);

struct desired {
    unsigned refs;
    struct commit commit;
    struct cluster_vec clusters;                 /* owned references, by name */
    struct task_definition_vec task_definitions; /* by family */
    struct service_vec services;                 /* by cluster, then name */
    struct scheduled_task_vec scheduled_tasks;   /* by name */
};

struct desired *desired_new(void);
struct desired *desired_ref(struct desired *desired);
void desired_unref(struct desired *desired);
DEFINE_CLEANUP(struct desired, desired_unref)
/* Sorts the vectors; after it nobody changes the object. */
void desired_seal(struct desired *desired);
/* Borrowed, NULL when absent. Binary search: the object must be sealed. */
struct service *desired_service(const struct desired *desired, const char *cluster, const char *name);
struct task_definition *desired_task_definition(const struct desired *desired, const char *family);
struct cluster *desired_cluster(const struct desired *desired, const char *name);
