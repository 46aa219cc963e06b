/* What kind.c asks of each kind: to read one valid object. Pure. */
#pragma once

#include "manifest/kind.h"

/* `value` is valid by its schema. Fills object->value and ->key, or only reports where it breaks a rule; the
 * diagnostics' pointers count from the object. What is not content is removed from `value`, which is kept. */
void kind_cluster_read(json_t *value, struct kind_object *object);
void kind_service_read(json_t *value, struct kind_object *object);
void kind_task_definition_read(json_t *value, struct kind_object *object, struct diagnostics *diagnostics);
/* Of the kinds that nothing is run of: the key. */
void kind_unused_read(const json_t *value, struct kind_object *object);
/* Fills object->references, but for their places. */
void kind_references_read(const json_t *value, struct kind_object *object);
/* Rules within one cluster that a schema cannot say. Like those of services and schedules they do without
 * members that the schema requires: kind_sound_check() asks them of what is left of an object. */
void kind_cluster_check(const json_t *value, struct diagnostics *diagnostics);
/* Of a service and a task definition: placementConstraints and placementStrategy. */
void kind_placement_check(const json_t *value, struct diagnostics *diagnostics);
/* Of a capacityProviderStrategy, which is named by its pointer: weights and bases that ECS does not place
 * tasks by. `severity` is of what ECS refuses: for a cluster's default it does when the strategy is used. */
void kind_capacity_check(const json_t *list, const char *pointer, enum severity severity,
                         struct diagnostics *diagnostics);
/* What speaks against moving tasks to other availability zones, of a service (ECS); NULL: nothing. */
const char *kind_rebalancing_obstacle(const json_t *service);
void kind_rebalancing_check(const json_t *service, struct diagnostics *diagnostics);
/* schedule_check.c: the expression of a scheduled task, and its time zone. */
void kind_schedule_check(const json_t *value, struct diagnostics *diagnostics);
/* The same of a valid one: fills object->value and ->key. */
void kind_schedule_read(json_t *value, struct kind_object *object);
/* schedule_check.c: davit.changeWindows of a cluster or a service. */
void kind_windows_check(const json_t *value, struct diagnostics *diagnostics);
/* Rules of ECS within one service that a schema cannot say. */
void kind_service_check(const json_t *value, struct diagnostics *diagnostics);
/* Of an object that breaks its schema, which *diagnostics say: fills object->references, and reports what
 * else breaks a rule in the parts that are sound. A new value without the others, valid by the schema, or
 * NULL. */
json_t *kind_sound_check(const struct schema *schema, const json_t *value, struct kind_object *object,
                         struct diagnostics *diagnostics);
/* The cluster that a service names, "default" without one. Borrowed. */
const char *kind_service_cluster(const json_t *value);
/* Without checks, as an old revision is read. It has no digest yet. */
struct task_definition *kind_task_definition_new(json_t *value);
/* Gives it its digest, unless it has one: a fifth of what reading it costs. */
void kind_task_definition_settle(struct task_definition *definition);

/* Rules within one task definition that a schema cannot say. `value` is valid by its schema. */
void kind_task_definition_check(const json_t *value, struct diagnostics *diagnostics);
/* The same of what ECS refuses and an engine would not notice. */
void kind_task_definition_check_ecs(const json_t *value, struct diagnostics *diagnostics);

/* The same of members that only an engine cares about: links, port ranges, kernel parameters, GPUs, volumes.
 */
void kind_task_definition_check_engine(const json_t *value, struct diagnostics *diagnostics);
/* What a container waits for: its dependsOn, then those of links and volumesFrom, which wait for START as on
 * ECS. A new list of {containerName, condition, at}; `at` is the place below the container, "links/0". */
json_t *kind_container_dependencies(const json_t *container);

/* CPU units of 512, "512" or "0.5 vCPU"; MiB of 2048, "2048" or "2GB". 0 when absent. */
int64_t kind_task_cpu_units(const json_t *value);
int64_t kind_task_memory_mib(const json_t *value);
