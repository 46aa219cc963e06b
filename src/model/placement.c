#include "model/placement.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- container instances -------------------------------------------------------------------------------- */

static int compare_instances(const void *a, const void *b)
{
    return strcmp(((const struct container_instance *)a)->name, ((const struct container_instance *)b)->name);
}

void container_instances_from_json(const json_t *cluster, struct container_instance_vec *ret_instances)
{
    assert(ret_instances);
    struct container_instance_vec instances = {0};
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json_object_get(cluster, "davit"), "containerInstances"), i, item) {
        const char *name = model_string(item, "name");
        struct container_instance instance = {
            .name = memory_strdup(name ? name : ""),
            .capacity_provider = memory_strdup(model_string(item, "capacityProvider")),
            .draining = text_equal(model_string(item, "status"), "DRAINING")};
        const char *key;
        json_t *value;
        json_object_foreach (json_object_get(item, "attributes"), key, value)
            vector_push(&instance.attributes,
                        (struct instance_attribute){
                            memory_strdup(key),
                            memory_strdup(json_is_string(value) ? json_string_value(value) : "")});
        model_strings_from_json(json_object_get(item, "gpus"), &instance.gpus);
        vector_push(&instances, instance);
    }
    vector_sort(&instances, compare_instances);
    *ret_instances = instances;
}

void container_instances_deinit(struct container_instance_vec *instances)
{
    assert(instances);
    for (size_t i = 0; i < instances->len; i++) {
        struct container_instance *instance = &instances->items[i];
        for (size_t a = 0; a < instance->attributes.len; a++) {
            free(instance->attributes.items[a].name);
            free(instance->attributes.items[a].value);
        }
        vector_deinit(&instance->attributes);
        free(instance->name);
        free(instance->capacity_provider);
        string_vec_deinit(&instance->gpus);
    }
    vector_deinit(instances);
}

const struct container_instance *container_instances_find(const struct container_instance_vec *instances,
                                                          const char *name)
{
    assert(instances);
    assert(name);
    const struct container_instance key = {.name = (char *)name};
    return instances->len
               ? bsearch(&key, instances->items, instances->len, sizeof *instances->items, compare_instances)
               : NULL;
}

bool container_instances_keep(const struct container_instance_vec *instances, const char *name)
{
    assert(instances);
    const struct container_instance *declared = container_instances_find(instances, name);
    return instances->len == 0 || (declared && !declared->draining);
}

bool container_instances_have_providers(const struct container_instance_vec *instances)
{
    assert(instances);
    for (size_t i = 0; i < instances->len; i++)
        if (instances->items[i].capacity_provider)
            return true;
    return false;
}

bool container_instances_all_drain(const struct container_instance_vec *instances)
{
    assert(instances);
    for (size_t i = 0; i < instances->len; i++)
        if (!instances->items[i].draining)
            return false;
    return instances->len > 0;
}

bool instance_attribute_is_of_engine(const char *attribute)
{
    assert(attribute);
    static const char *const names[] = {"ecs.os-type", "ecs.os-family", "ecs.cpu-architecture"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (text_equal(names[i], attribute))
            return true;
    return false;
}

bool instance_subject_is_of_agent(const char *subject)
{
    return text_equal(subject, "agentVersion") || text_equal(subject, "registeredAt");
}

static const char attribute_prefix[] = "attribute:";

static bool knows(const void *data, const char *subject)
{
    if (text_starts_with(subject, attribute_prefix))
        return !instance_attribute_is_of_engine(subject + strlen(attribute_prefix));
    return text_equal(subject, "ec2InstanceId") ? data != NULL : instance_subject_is_of_agent(subject);
}

static bool values(const void *data, const char *subject, bool (*take)(const void *taker, const char *value),
                   const void *taker)
{
    const struct container_instance *instance = data;
    if (!instance)
        return false;
    if (text_equal(subject, "ec2InstanceId"))
        return take(taker, instance->name);
    for (size_t i = 0; text_starts_with(subject, attribute_prefix) && i < instance->attributes.len; i++)
        if (text_equal(instance->attributes.items[i].name, subject + strlen(attribute_prefix)))
            return take(taker, instance->attributes.items[i].value);
    return false;
}

bool container_instance_may_match(const struct container_instance *instance, const struct query *query)
{
    assert(query);
    return query_may_match(query, &(struct query_instance){values, instance}, knows);
}

/* --- capacity providers --------------------------------------------------------------------------------- */

void capacity_items_from_json(const json_t *list, struct capacity_item_vec *ret_items)
{
    assert(ret_items);
    *ret_items = (struct capacity_item_vec){0};
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
        const char *provider = model_string(item, "capacityProvider");
        if (!provider || ret_items->len == LIMIT_CAPACITY_PROVIDERS || text_equal(provider, "FARGATE") ||
            text_equal(provider, "FARGATE_SPOT"))
            continue;
        vector_push(ret_items,
                    (struct capacity_item){memory_strdup(provider), model_int_in(item, "base", 0, INT32_MAX),
                                           model_int_in(item, "weight", 0, INT32_MAX)});
    }
}

void capacity_items_deinit(struct capacity_item_vec *items)
{
    assert(items);
    for (size_t i = 0; i < items->len; i++)
        free(items->items[i].provider);
    vector_deinit(items);
}

/* --- constraints and strategies ------------------------------------------------------------------------- */

int placement_strategy_parse(const char *type, const char *field, struct placement_strategy *ret_strategy,
                             struct error *err)
{
    assert(ret_strategy);
    static const char prefix[] = "attribute:";
    struct placement_strategy strategy = {0};
    if (text_equal(type, "random")) {
        strategy.type = PLACEMENT_RANDOM; /* a field says nothing here */
    } else if (text_equal(type, "binpack")) {
        if (!field || (strcasecmp(field, "cpu") != 0 && strcasecmp(field, "memory") != 0))
            return error_set(err, ERROR_INVALID, "binpack takes the field cpu or memory");
        strategy.type = strcasecmp(field, "cpu") != 0 ? PLACEMENT_BINPACK_MEMORY : PLACEMENT_BINPACK_CPU;
    } else if (text_equal(type, "spread")) {
        strategy.type = PLACEMENT_SPREAD;
        if (field && text_starts_with(field, prefix) && field[strlen(prefix)])
            strategy.attribute = memory_strdup(field + strlen(prefix));
        else if (!field || (strcasecmp(field, "instanceId") != 0 && strcasecmp(field, "host") != 0))
            return error_set(err, ERROR_INVALID, "spread takes the field instanceId, host or attribute:NAME");
    } else {
        return error_set(err, ERROR_INVALID, "the type is spread, binpack or random");
    }
    *ret_strategy = strategy;
    return 0;
}

/* ECS computes what its agent must be able to do for the task: of that nothing is asked here. */
static void require_attribute(struct placement_constraint_vec *constraints, const char *name,
                              const char *value)
{
    if (!name || text_starts_with(name, "com.amazonaws.ecs.capability.") ||
        text_starts_with(name, "ecs.capability."))
        return;
    struct placement_constraint constraint = {.expression =
                                                  value ? memory_printf("attribute:%s == '%s'", name, value)
                                                        : memory_printf("attribute:%s exists", name)};
    query_compile(constraint.expression, &constraint.query, NULL, NULL);
    vector_push(constraints, constraint);
}

void placement_constraints_from_json(const json_t *json, struct placement_constraint_vec *ret_constraints)
{
    assert(ret_constraints);
    struct placement_constraint_vec constraints = {0};
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json, "placementConstraints"), i, item) {
        const char *expression = model_string(item, "expression");
        struct placement_constraint constraint = {0};
        if (!text_equal(model_string(item, "type"), "distinctInstance")) {
            constraint.expression = memory_strdup(expression ? expression : "");
            query_compile(constraint.expression, &constraint.query, NULL, NULL);
        }
        vector_reserve(&constraints, 1); /* nearly always the only one */
        vector_push(&constraints, constraint);
    }
    json_array_foreach (json_object_get(json, "requiresAttributes"), i, item)
        require_attribute(&constraints, model_string(item, "name"), model_string(item, "value"));
    *ret_constraints = constraints;
}

void placement_constraints_deinit(struct placement_constraint_vec *constraints)
{
    assert(constraints);
    for (size_t i = 0; i < constraints->len; i++) {
        free(constraints->items[i].expression);
        query_free(constraints->items[i].query);
    }
    vector_deinit(constraints);
}

void placement_strategies_from_json(const json_t *json, struct placement_strategy_vec *ret_strategies)
{
    assert(ret_strategies);
    struct placement_strategy_vec strategies = {0};
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json, "placementStrategy"), i, item) {
        struct placement_strategy strategy;
        vector_reserve(&strategies, 2);
        if (placement_strategy_parse(model_string(item, "type"), model_string(item, "field"), &strategy,
                                     NULL) == 0)
            vector_push(&strategies, strategy);
    }
    *ret_strategies = strategies;
}

void placement_strategies_deinit(struct placement_strategy_vec *strategies)
{
    assert(strategies);
    for (size_t i = 0; i < strategies->len; i++)
        free(strategies->items[i].attribute);
    vector_deinit(strategies);
}
