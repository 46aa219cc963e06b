/* Placement of a service or a task definition: what is no expression, or no strategy, is refused where it
 * stands. */
#include "manifest/kind_read.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Takes over pointer and message. */
static void report(struct diagnostics *diagnostics, char *pointer, char *message, const char *hint)
{
    kind_report(diagnostics, (struct kind_fault){.severity = SEVERITY_ERROR,
                                                 .code = "value",
                                                 .pointer = pointer,
                                                 .message = message,
                                                 .hint = memory_strdup(hint)});
}

/* The first test of what is not there. */
static void find_agent_test(void *data, const struct query_test *test)
{
    struct query_test *found = data;
    if (!found->subject && instance_subject_is_of_agent(test->subject))
        *found = *test;
}

static void check_agent(const struct query *query, size_t index, struct diagnostics *diagnostics)
{
    struct query_test found = {0};
    query_each_test(query, find_agent_test, &found);
    if (!found.subject)
        return;
    kind_report(diagnostics,
                (struct kind_fault){
                    .severity = SEVERITY_WARNING,
                    .code = "no-effect",
                    .pointer = memory_printf("/placementConstraints/%zu/expression", index),
                    .message = memory_printf("no container instance has %s here, which ECS's agent gives it: "
                                             "what it is compared with is %s true",
                                             found.subject, found.negated ? "always" : "never"),
                    .hint = memory_strdup("remove it, or ask for an attribute that "
                                          "davit.containerInstances of the cluster declare")});
}

static void check_expression(const char *expression, size_t index, struct diagnostics *diagnostics)
{
    struct query *query = NULL;
    struct error err = ERROR_INIT;
    size_t offset = 0;
    if (query_compile(expression, &query, &offset, &err) < 0)
        report(diagnostics, memory_printf("/placementConstraints/%zu/expression", index),
               memory_printf("character %zu of the expression: %s", offset + 1, err.message),
               "the cluster query language of ECS, such as attribute:ecs.instance-type =~ t2.* and "
               "not(task:group == service:db)");
    check_agent(query, index, diagnostics);
    query_free(query);
}

static void check_constraint(const json_t *constraint, size_t index, struct diagnostics *diagnostics)
{
    const char *type = model_string(constraint, "type");
    const char *expression = model_string(constraint, "expression");
    char *at = memory_printf("/placementConstraints/%zu", index);
    if (!type)
        report(diagnostics, at, memory_strdup("a placement constraint needs a type"),
               "memberOf with an expression, or distinctInstance");
    else if (text_equal(type, "memberOf") && !expression)
        report(diagnostics, at, memory_strdup("memberOf needs an expression"),
               "such as attribute:ecs.availability-zone == berlin");
    else if (text_equal(type, "distinctInstance") && expression && *expression)
        report(diagnostics, at, memory_strdup("distinctInstance takes no expression"), "remove it");
    else
        free(at);
    if (text_equal(type, "memberOf") && expression)
        check_expression(expression, index, diagnostics);
}

/* An example of the same type. */
static const char *example_of(const char *type)
{
    if (type && strcasecmp(type, "binpack") == 0)
        return "such as {type: binpack, field: memory} or {type: binpack, field: cpu}";
    return "such as {type: spread, field: instanceId} or {type: spread, field: attribute:rack}";
}

static void check_strategy(const json_t *strategy, size_t index, struct diagnostics *diagnostics)
{
    struct placement_strategy parsed = {0};
    struct error err = ERROR_INIT;
    if (placement_strategy_parse(model_string(strategy, "type"), model_string(strategy, "field"), &parsed,
                                 &err) < 0)
        report(diagnostics, memory_printf("/placementStrategy/%zu", index), memory_strdup(err.message),
               example_of(model_string(strategy, "type")));
    free(parsed.attribute);
}

void kind_placement_check(const json_t *value, struct diagnostics *diagnostics)
{
    assert(value);
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(value, "placementConstraints"), i, item)
        check_constraint(item, i, diagnostics);
    json_array_foreach (json_object_get(value, "placementStrategy"), i, item)
        check_strategy(item, i, diagnostics);
}

/* --- capacity providers --------------------------------------------------------------------------------- */

static void check_bases(const json_t *list, const char *pointer, enum severity severity,
                        struct diagnostics *diagnostics)
{
    size_t i;
    json_t *item;
    bool seen = false;
    json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
        bool has = model_int(item, "base") > 0;
        if (has && seen)
            kind_report(diagnostics,
                        (struct kind_fault){
                            .severity = severity,
                            .code = "value",
                            .pointer = memory_printf("%s/%zu/base", pointer, i),
                            .message = memory_strdup("one capacity provider of a strategy has a base, "
                                                     "and another one has it already"),
                            .hint = memory_strdup("remove all bases but one")});
        seen |= has;
    }
}

void kind_capacity_check(const json_t *list, const char *pointer, enum severity severity,
                         struct diagnostics *diagnostics)
{
    assert(pointer);
    size_t i;
    json_t *item;
    size_t len = json_array_size(list);
    int64_t weights = 0;
    json_array_foreach ((json_t *)(uintptr_t)list, i, item)
        weights += model_int(item, "weight");
    check_bases(list, pointer, severity, diagnostics);
    if (len < 2 || weights > 0) /* ECS takes a single one; provider_check.c tells what comes of it */
        return;
    kind_report(diagnostics,
                (struct kind_fault){
                    .severity = severity,
                    .code = "value",
                    .pointer = memory_strdup(pointer),
                    .message = memory_strdup(
                        "no task is placed beyond the base: all weights are 0, as they are by default"),
                    .hint = memory_strdup("give a capacity provider a weight of 1 or more")});
}

/* --- availability zones --------------------------------------------------------------------------------- */

#define ZONE "attribute:ecs.availability-zone"

static bool constrains_zone(const json_t *service)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(service, "placementConstraints"), i, item) {
        const char *expression = model_string(item, "expression");
        if (expression && strstr(expression, ZONE))
            return true;
    }
    return false;
}

static bool has_classic_balancer(const json_t *service)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(service, "loadBalancers"), i, item) {
        if (model_string(item, "loadBalancerName"))
            return true;
    }
    return false;
}

const char *kind_rebalancing_obstacle(const json_t *service)
{
    assert(service);
    const json_t *maximum =
        json_object_get(json_object_get(service, "deploymentConfiguration"), "maximumPercent");
    const json_t *first = json_array_get(json_object_get(service, "placementStrategy"), 0);
    if (text_equal(model_string(service, "schedulingStrategy"), "DAEMON"))
        return "schedulingStrategy DAEMON";
    if (text_equal(model_string(service, "launchType"), "EXTERNAL"))
        return "launchType EXTERNAL";
    if (json_is_integer(maximum) && json_integer_value(maximum) <= 100)
        return "maximumPercent of 100 or less, which leaves no room for a task before another stops";
    if (has_classic_balancer(service))
        return "a Classic Load Balancer";
    if (constrains_zone(service))
        return "a placement constraint on " ZONE;
    if (first && !(text_equal(model_string(first, "type"), "spread") &&
                   text_equal(model_string(first, "field"), ZONE)))
        return "a placementStrategy that does not begin with spread over " ZONE;
    return NULL;
}

void kind_rebalancing_check(const json_t *service, struct diagnostics *diagnostics)
{
    assert(service);
    const char *obstacle = kind_rebalancing_obstacle(service);
    if (!obstacle || !text_equal(model_string(service, "availabilityZoneRebalancing"), "ENABLED"))
        return;
    report(diagnostics, memory_strdup("/availabilityZoneRebalancing"),
           memory_printf("ENABLED does not go with %s", obstacle), "remove one of the two, or say DISABLED");
}
