/* Placement beside what a cluster says of its container instances: warnings where an expression or a strategy
 * names an attribute, or an instance, that none of them has, and where an expression is true of none. Nothing
 * is wrong with it, and no task is placed. */
#include "manifest/manifest_state.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/kind_read.h"

#include <assert.h>
#include <string.h>

#define SHOWN_NAMES 5 /* of those that a cluster declares */

struct names VECTOR_OF(const char *);

struct asking {
    const struct kind_object *object;
    const char *cluster;
    const struct container_instance_vec *instances; /* that the cluster declares */
    const struct kind_place *at;
    const char *pointer;
    bool told; /* something about the expression that is looked at */
    struct diagnostics *diagnostics;
};

/* Takes message and hint over. */
static void warn(struct asking *asking, char *message, char *hint)
{
    asking->told = true;
    cross_check_report(asking->diagnostics, asking->object, asking->at,
                       (struct kind_fault){.severity = SEVERITY_WARNING,
                                           .code = "no-effect",
                                           .pointer = memory_strdup(asking->pointer),
                                           .message = message,
                                           .hint = hint});
}

static bool is_among(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->len; i++)
        if (text_equal(names->items[i], name))
            return true;
    return false;
}

/* None is near: the first of those that there are, each once. Caller frees. */
static char *declared(const struct names *names)
{
    struct names shown = {0};
    struct buffer out CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (size_t i = 0; i < names->len && shown.len <= SHOWN_NAMES; i++) {
        if (is_among(&shown, names->items[i]))
            continue;
        vector_push(&shown, names->items[i]);
        if (shown.len <= SHOWN_NAMES)
            buffer_printf(&out, "%s%s", shown.len > 1 ? ", " : "", names->items[i]);
    }
    char *text = memory_printf("davit.containerInstances of the cluster have %s%s",
                               shown.len ? buffer_str(&out) : "none", shown.len > SHOWN_NAMES ? ", ..." : "");
    vector_deinit(&shown);
    return text;
}

static void warn_of_name(struct asking *asking, char *message, const char *near, const struct names *names)
{
    warn(asking, message, near ? memory_printf("did you mean \"%s\"?", near) : declared(names));
}

/* `told`: also where no declared name is near, so that it may be meant. */
static void ask_attribute(struct asking *asking, const char *name, bool told)
{
    const struct container_instance_vec *instances = asking->instances;
    struct names names = {0};
    bool found = instance_attribute_is_of_engine(name);
    for (size_t i = 0; i < instances->len; i++)
        for (size_t j = 0; j < instances->items[i].attributes.len; j++) {
            vector_push(&names, instances->items[i].attributes.items[j].name);
            found |= text_equal(instances->items[i].attributes.items[j].name, name);
        }
    const char *near = found ? NULL : text_nearest(name, names.items, names.len);
    if (!found && (told || near))
        warn_of_name(
            asking,
            memory_printf("no container instance of cluster %s has attribute %s", asking->cluster, name),
            near, &names);
    vector_deinit(&names);
}

static void ask_instance(struct asking *asking, const char *name)
{
    const struct container_instance_vec *instances = asking->instances;
    struct names names = {0};
    for (size_t i = 0; i < instances->len; i++)
        vector_push(&names, instances->items[i].name);
    if (!container_instances_find(instances, name))
        warn_of_name(asking, memory_printf("cluster %s has no container instance %s", asking->cluster, name),
                     text_nearest(name, names.items, names.len), &names);
    vector_deinit(&names);
}

/* Whether something exists may be asked of what nobody has. */
static void ask_test(void *data, const struct query_test *test)
{
    struct asking *asking = data;
    asking->told |= instance_subject_is_of_agent(test->subject); /* by placement_check.c */
    if (asking->instances->len == 0)
        return;
    if (text_starts_with(test->subject, "attribute:"))
        ask_attribute(asking, test->subject + strlen("attribute:"), !test->existence);
    for (size_t i = 0; text_equal(test->subject, "ec2InstanceId") && i < test->names_len; i++)
        ask_instance(asking, test->names[i]);
}

static bool may_match_any(const struct container_instance_vec *instances, const struct query *query)
{
    for (size_t i = 0; i < instances->len; i++)
        if (!instances->items[i].draining && container_instance_may_match(&instances->items[i], query))
            return true;
    return instances->len == 0 && container_instance_may_match(NULL, query);
}

static void ask_expression(struct asking *asking, const struct placement_constraint *constraint)
{
    if (!constraint->query) /* placement_check.c has told */
        return;
    asking->told = false;
    query_each_test(constraint->query, ask_test, asking);
    if (asking->told || container_instances_all_drain(asking->instances) ||
        may_match_any(asking->instances, constraint->query))
        return;
    warn(asking,
         memory_printf("no %scontainer instance of cluster %s can satisfy memberOf %.200s: no task is placed",
                       asking->instances->len ? "ACTIVE " : "", asking->cluster, constraint->expression),
         memory_strdup(asking->instances->len
                           ? "change the expression, or what davit.containerInstances of the cluster say"
                           : "attributes of instances are what davit.containerInstances of the cluster say, "
                             "and it has none"));
}

/* ECS gives attributes of that name to each instance, and manifests that spread over them are common. */
static void ask_strategy(struct asking *asking, const char *field)
{
    const char *name = text_starts_with(field, "attribute:") ? field + strlen("attribute:") : NULL;
    if (name && asking->instances->len)
        ask_attribute(asking, name, !text_starts_with(name, "ecs."));
}

static void ask_reference(struct asking *asking, const struct kind_reference *reference)
{
    const struct placement_constraint_vec *constraints = &asking->object->service->constraints;
    asking->at = &reference->at;
    asking->pointer = reference->pointer;
    if (reference->target == KIND_STRATEGY)
        ask_strategy(asking, reference->name);
    for (size_t i = 0; reference->target == KIND_EXPRESSION && i < constraints->len; i++)
        if (text_equal(constraints->items[i].expression, reference->name)) {
            ask_expression(asking, &constraints->items[i]);
            return; /* the same twice is the same */
        }
}

static void ask_definition(struct asking *asking, const struct task_definition *definition)
{
    asking->at = &asking->object->task_definition_at;
    asking->pointer = "/taskDefinition";
    for (size_t i = 0; definition && i < definition->constraints.len; i++)
        ask_expression(asking, &definition->constraints.items[i]);
}

void attribute_check(const struct manifest *manifest, struct diagnostics *diagnostics)
{
    assert(manifest);
    assert(diagnostics);
    static const struct container_instance_vec none;
    const struct kind_object_vec *services = &manifest->entangled;
    for (size_t i = 0; i < services->len; i++) {
        const struct kind_object *object = services->items[i];
        const struct cluster *cluster = cross_check_cluster(manifest, object->service->cluster);
        if (!cluster && manifest->with_errors) /* it may be one of those */
            continue;
        struct asking asking = {.object = object,
                                .cluster = object->service->cluster,
                                .instances = cluster ? &cluster->instances : &none,
                                .diagnostics = diagnostics};
        for (size_t j = 0; j < object->references.len; j++)
            ask_reference(&asking, &object->references.items[j]);
        ask_definition(&asking, object->service->task_definition);
    }
}
