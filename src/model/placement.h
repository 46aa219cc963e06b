/* Where tasks may run: what a cluster says of its container instances, and what services and task definitions
 * ask of them. After ECS, ecs-semantics 5.
 */
#pragma once

#include "base/vector.h"
#include "model/query.h"

#include <jansson.h>
#include <stdbool.h>

struct instance_attribute {
    char *name;
    char *value; /* "" where it has none */
};
struct instance_attribute_vec VECTOR_OF(struct instance_attribute);

/* One of davit.containerInstances of a cluster. Where its engine answers, and with which certificate, is in
 * the daemon's configuration: whoever may commit must not be able to point the daemon's credentials at
 * another host. */
struct container_instance {
    char *name;              /* as in the daemon's configuration */
    char *capacity_provider; /* that it is of; NULL: of none */
    bool draining;
    struct instance_attribute_vec attributes;
    struct string_vec gpus; /* ids that its engine knows them by */
};
struct container_instance_vec VECTOR_OF(struct container_instance);

/* Of a valid cluster manifest; sorted by name. None: the cluster has all instances that are configured. */
void container_instances_from_json(const json_t *cluster, struct container_instance_vec *ret_instances);
void container_instances_deinit(struct container_instance_vec *instances);
/* Whether its tasks are to stay: the cluster declares none, or declares it as ACTIVE. */
bool container_instances_keep(const struct container_instance_vec *instances, const char *name);
/* Whether the cluster declares some, and none of them takes tasks. */
bool container_instances_all_drain(const struct container_instance_vec *instances);
/* What every engine says of itself, so that no cluster has to declare it. */
bool instance_attribute_is_of_engine(const char *attribute);
/* Subjects of the query language that only ECS's own agent has: agentVersion, registeredAt. */
bool instance_subject_is_of_agent(const char *subject);
/* Whether the query may be true of the instance, by what the cluster declares of it; what engines say of
 * themselves and what runs there may be anything. NULL: of one that the cluster declares nothing of. */
bool container_instance_may_match(const struct container_instance *instance, const struct query *query);
/* NULL when the cluster does not declare it. Borrowed. */
const struct container_instance *container_instances_find(const struct container_instance_vec *instances,
                                                          const char *name);

/* ECS: placementConstraints */
struct placement_constraint {
    char *expression;    /* memberOf; NULL: distinctInstance */
    struct query *query; /* of memberOf; NULL: it cannot be read */
};
struct placement_constraint_vec VECTOR_OF(struct placement_constraint);

/* ECS: placementStrategy */
enum placement_type { PLACEMENT_SPREAD, PLACEMENT_BINPACK_CPU, PLACEMENT_BINPACK_MEMORY, PLACEMENT_RANDOM };
struct placement_strategy {
    enum placement_type type;
    char *attribute; /* spread: the name; NULL: over instances */
};
struct placement_strategy_vec VECTOR_OF(struct placement_strategy);

/* ECS: capacityProviderStrategy */
struct capacity_item {
    char *provider;
    int base;
    int weight;
};
struct capacity_item_vec VECTOR_OF(struct capacity_item);

/* Of a list of that name. FARGATE and FARGATE_SPOT, which nobody has here, are passed over. */
void capacity_items_from_json(const json_t *list, struct capacity_item_vec *ret_items);
void capacity_items_deinit(struct capacity_item_vec *items);
/* Whether any is of a capacity provider: else no strategy has an effect in the cluster. */
bool container_instances_have_providers(const struct container_instance_vec *instances);

/* Of a service or a task definition, whose requiresAttributes ask for more. An expression that cannot be
 * read, of an old revision perhaps, is true of no instance. */
void placement_constraints_from_json(const json_t *json, struct placement_constraint_vec *ret_constraints);
void placement_constraints_deinit(struct placement_constraint_vec *constraints);
/* Of a service. None: ECS's default, over zones and then over instances. */
void placement_strategies_from_json(const json_t *json, struct placement_strategy_vec *ret_strategies);
void placement_strategies_deinit(struct placement_strategy_vec *strategies);
/* "spread" over instanceId, host or attribute:NAME; "binpack" by cpu or memory, in either case; "random". The
 * attribute is owned. ERROR_INVALID with what would be right. NULL is what is missing. */
int placement_strategy_parse(const char *type, const char *field, struct placement_strategy *ret_strategy,
                             struct error *err);
