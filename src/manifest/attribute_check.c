/* Placement beside what a cluster says of its container instances: warnings where an expression or a strategy
 * names an attribute, or an instance, that none of them has. Nothing is wrong with it, and no task is placed.
 */
#include "manifest/manifest_state.h"

#include "base/memory.h"
#include "base/text.h"
#include "manifest/kind_read.h"

#include <assert.h>
#include <string.h>

struct names VECTOR_OF(const char *);

struct asking {
    const struct kind_object *object;
    const struct kind_reference *reference;
    const struct cluster *cluster;
    struct diagnostics *diagnostics;
};

/* Takes the message over. */
static void warn(const struct asking *asking, char *message, const char *near)
{
    cross_check_report(
        asking->diagnostics, asking->object, &asking->reference->at,
        (struct kind_fault){.severity = SEVERITY_WARNING,
                            .code = "no-effect",
                            .pointer = memory_strdup(asking->reference->pointer),
                            .message = message,
                            .hint = near ? memory_printf("did you mean \"%s\"?", near) : NULL});
}

/* `told`: also where no declared name is near, so that it may be meant. */
static void ask_attribute(const struct asking *asking, const char *name, bool told)
{
    const struct container_instance_vec *instances = &asking->cluster->instances;
    struct names names = {0};
    bool found = kind_attribute_is_of_engine(name);
    for (size_t i = 0; i < instances->len; i++)
        for (size_t j = 0; j < instances->items[i].attributes.len; j++) {
            vector_push(&names, instances->items[i].attributes.items[j].name);
            found |= text_equal(instances->items[i].attributes.items[j].name, name);
        }
    const char *near = found ? NULL : text_nearest(name, names.items, names.len);
    if (!found && (told || near))
        warn(asking,
             memory_printf("no container instance of cluster %s has attribute %s", asking->cluster->name,
                           name),
             near);
    vector_deinit(&names);
}

static void ask_instance(const struct asking *asking, const char *name)
{
    const struct container_instance_vec *instances = &asking->cluster->instances;
    struct names names = {0};
    for (size_t i = 0; i < instances->len; i++)
        vector_push(&names, instances->items[i].name);
    if (!container_instances_find(instances, name))
        warn(asking, memory_printf("cluster %s has no container instance %s", asking->cluster->name, name),
             text_nearest(name, names.items, names.len));
    vector_deinit(&names);
}

/* Whether something exists may be asked of what nobody has. */
static void ask_test(void *data, const struct query_test *test)
{
    const struct asking *asking = data;
    if (text_starts_with(test->subject, "attribute:"))
        ask_attribute(asking, test->subject + strlen("attribute:"), !test->existence);
    for (size_t i = 0; text_equal(test->subject, "ec2InstanceId") && i < test->names_len; i++)
        ask_instance(asking, test->names[i]);
}

static void ask_expression(struct asking *asking, const char *expression)
{
    struct query *query = NULL;
    if (query_compile(expression, &query, NULL, NULL) == 0) /* else placement_check.c has told */
        query_each_test(query, ask_test, asking);
    query_free(query);
}

/* ECS gives attributes of that name to each instance, and manifests that spread over them are common. */
static void ask_strategy(const struct asking *asking, const char *field)
{
    const char *name = text_starts_with(field, "attribute:") ? field + strlen("attribute:") : NULL;
    if (name)
        ask_attribute(asking, name, !text_starts_with(name, "ecs."));
}

static const struct cluster *cluster_of(const struct manifest *manifest, const char *name)
{
    const struct kind_object_vec *clusters = &manifest->objects[KIND_CLUSTER];
    size_t at = manifest_lower_bound(clusters, name);
    bool declared = at < clusters->len && strcmp(clusters->items[at]->key, name) == 0;
    const struct cluster *cluster = declared ? clusters->items[at]->cluster : NULL;
    return cluster && cluster->instances.len ? cluster : NULL;
}

void attribute_check(const struct manifest *manifest, struct diagnostics *diagnostics)
{
    assert(manifest);
    assert(diagnostics);
    const struct kind_object_vec *services = &manifest->entangled;
    for (size_t i = 0; i < services->len; i++) {
        struct asking asking = {.object = services->items[i], .diagnostics = diagnostics};
        for (size_t j = 0; j < asking.object->references.len; j++) {
            asking.reference = &asking.object->references.items[j];
            unsigned target = asking.reference->target;
            if (target != KIND_EXPRESSION && target != KIND_STRATEGY)
                continue;
            asking.cluster = cluster_of(manifest, asking.object->service->cluster);
            if (asking.cluster && target == KIND_EXPRESSION)
                ask_expression(&asking, asking.reference->name);
            else if (asking.cluster)
                ask_strategy(&asking, asking.reference->name);
        }
    }
}
