/* Compose services in different tasks: who waits for whom. */
#include "base/text.h"
#include "manifest/import_compose.h"
#include "model/json.h"

#define MAX_DEPENDENCIES 20 /* as the schema has them */
#define MAX_PRE_DEPLOY   10

/* Whether the services of `group` wait for those of `target`, over others too. `seen` has a flag a group. */
static bool waits_for(const struct compose *compose, size_t group, size_t target, bool *seen)
{
    const struct index_vec *waits = &compose->services.items[group].waits;
    if (group == target)
        return true;
    if (seen[group])
        return false;
    seen[group] = true;
    for (size_t i = 0; i < waits->len; i++)
        if (waits_for(compose, waits->items[i], target, seen))
            return true;
    return false;
}

static bool is_circle(const struct compose *compose, size_t from, size_t to)
{
    bool *seen CLEANUP_FREE = memory_calloc(compose->services.len, sizeof *seen);
    return waits_for(compose, to, from, seen);
}

/* HEALTHY asks for more than COMPLETE. False when the list is full. */
static bool add_dependency(json_t *depends, const char *family, const char *condition)
{
    size_t i;
    json_t *item;
    json_array_foreach (depends, i, item) {
        if (!text_equal(model_string(item, "service"), family))
            continue;
        if (text_equal(condition, "HEALTHY"))
            json_object_set_new(item, "condition", json_string(condition));
        return true;
    }
    if (json_array_size(depends) == MAX_DEPENDENCIES)
        return false;
    json_array_append_new(depends, json_pack("{s:s,s:s}", "service", family, "condition", condition));
    return true;
}

static bool add_pre_deploy(json_t *families, const char *family)
{
    size_t i;
    json_t *item;
    json_array_foreach (families, i, item)
        if (text_equal(json_string_value(item), family))
            return true;
    if (json_array_size(families) == MAX_PRE_DEPLOY)
        return false;
    json_array_append_new(families, json_string(family));
    return true;
}

/* NULL when it waits from now on, or why it cannot. */
static const char *wait(struct compose *compose, const struct compose_service *from,
                        const struct compose_edge *edge, const struct compose_service *to)
{
    struct compose_service *first = &compose->services.items[from->group];
    if (first->once)
        return "it runs once itself, and has no service that could wait";
    if (to->once && !text_equal(edge->condition, "SUCCESS"))
        return "that runs once, and has no service to wait for";
    if (!to->once && is_circle(compose, from->group, to->group))
        return "the two tasks need each other, and one has to start first";
    json_t *davit = import_object(first->service, "davit");
    if (to->once)
        return add_pre_deploy(import_list(davit, "preDeploy"), to->family)
                   ? NULL
                   : "davit.preDeploy has 10 task definitions already";
    if (!add_dependency(import_list(davit, "dependsOn"), to->family, edge->apart))
        return "davit.dependsOn has 20 services already";
    vector_push(&first->waits, to->group);
    return NULL;
}

/* How what it waits for differs from what the file asks for. */
static const char *difference(const struct compose_edge *edge, const struct compose_service *to)
{
    if (to->once)
        return "davit.preDeploy runs it before deployments of this service, once for each content";
    if (text_equal(edge->condition, "HEALTHY"))
        return json_object_get(to->container, "healthCheck")
                   ? "davit.dependsOn waits until it is deployed and healthy"
                   : "davit.dependsOn waits until it is deployed; it has no healthcheck here";
    return text_equal(edge->condition, "START")
               ? "davit.dependsOn waits until it is deployed, which is more than its start"
               : "davit.dependsOn waits until it is deployed, not for its end";
}

/* Volumes are of one task. */
static void drop_volumes(const struct compose_service *from, const struct compose_service *to)
{
    json_t *volumes = json_object_get(from->container, "volumesFrom");
    for (size_t i = json_array_size(volumes); i-- > 0;)
        if (text_equal(model_string(json_array_get(volumes, i), "sourceContainer"), to->container_name))
            json_array_remove(volumes, i);
    if (volumes && !json_array_size(volumes))
        json_object_del(from->container, "volumesFrom");
}

void compose_give_up(struct compose *compose, const struct compose_service *from,
                     const struct compose_edge *edge, const char *why)
{
    bool mentioned = text_equal(edge->pointer, from->pointer);
    const char *before = edge->condition ? "it does not wait for" : "the name";
    const char *after = !edge->condition ? " does not resolve"
                        : edge->name     ? ", whose name does not resolve"
                                         : "";
    import_note(compose->run, mentioned ? IMPORT_CHANGED : IMPORT_DROPPED, edge->pointer, "%s %.100s%s: %s",
                before, edge->to, after, why);
    drop_volumes(from, compose_find(compose, edge->to));
}

static void connect(struct compose *compose, const struct compose_service *from,
                    const struct compose_edge *edge)
{
    const struct compose_service *to = compose_find(compose, edge->to);
    if (to->group == from->group)
        return;
    const char *why = edge->apart ? wait(compose, from, edge, to) : "it is in another task";
    if (why)
        compose_give_up(compose, from, edge, why);
    else
        import_note(compose->run, IMPORT_CHANGED, edge->pointer, "%.100s is in another task: %s%s", edge->to,
                    difference(edge, to), edge->name ? "; its name does not resolve" : "");
}

void compose_connect_tasks(struct compose *compose)
{
    for (size_t i = 0; i < compose->services.len; i++) {
        const struct compose_service *from = &compose->services.items[i];
        for (size_t k = 0; k < from->edges.len; k++)
            connect(compose, from, &from->edges.items[k]);
    }
}
