/* The place that placement_choose() finds is the one that a look at every instance finds: on random clusters,
 * with a fleet that is kept and with one that is made for each plan. */
#include "model/json.h"
#include "plan/pass.h"
#include "unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define INSTANCES 24
#define TASKS     40
#define CLUSTERS  unit_rounds(400, 40)
#define PLANS     4

static uint64_t seed;

static int draw(int n)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (int)((seed >> 33) % (uint64_t)n);
}

struct cluster_at_random {
    struct plan_instance_vec instances;
    struct container_instance_vec declared;
    struct string_vec names;
    struct task_definition definition;
    struct service service;
};

static void make_instances(struct cluster_at_random *cluster)
{
    json_t *list = json_array();
    int n = 1 + draw(INSTANCES);
    for (int i = 0; i < n; i++) {
        char *name = memory_printf("host-%02d", i);
        char zone[2] = {(char)('a' + draw(3)), '\0'};
        vector_push(&cluster->names, name);
        vector_push(&cluster->instances, (struct plan_instance){.name = name,
                                                                .usable = draw(8) > 0,
                                                                .arch = draw(4) ? "x86_64" : "aarch64",
                                                                .os = "linux",
                                                                .cpu_units_free = draw(4000),
                                                                .memory_mib_free = 256 * draw(12)});
        if (draw(5) == 0)
            vector_push(&cluster->instances.items[i].ports, (struct plan_port){80, false, "prod/other"});
        json_t *attributes = json_object();
        if (draw(6))
            json_object_set_new(attributes, "ecs.availability-zone", json_string(zone));
        json_object_set_new(attributes, "disk", json_string(draw(3) ? "ssd" : "hdd"));
        json_t *instance = json_pack("{s:s,s:o}", "name", name, "attributes", attributes);
        if (draw(10) == 0)
            json_object_set_new(instance, "status", json_string("DRAINING"));
        if (draw(10))
            json_array_append_new(list, instance);
        else
            json_decref(instance);
    }
    json_t *json = json_pack("{s:{s:o}}", "davit", "containerInstances", list);
    container_instances_from_json(json, &cluster->declared);
    json_decref(json);
    if (draw(2))
        plan_instances_index(&cluster->instances);
}

static const char *const services[] = {
    "{}",
    "{\"placementStrategy\":[{\"type\":\"spread\",\"field\":\"instanceId\"}]}",
    "{\"placementStrategy\":[{\"type\":\"binpack\",\"field\":\"cpu\"}]}",
    "{\"placementStrategy\":[{\"type\":\"random\"}]}",
    "{\"placementStrategy\":[{\"type\":\"spread\",\"field\":\"attribute:ecs.availability-zone\"},"
    "{\"type\":\"binpack\",\"field\":\"memory\"}]}",
    "{\"placementStrategy\":[{\"type\":\"spread\",\"field\":\"attribute:disk\"},{\"type\":\"spread\","
    "\"field\":"
    "\"attribute:ecs.availability-zone\"},{\"type\":\"random\"}]}",
    "{\"placementStrategy\":[{\"type\":\"spread\",\"field\":\"attribute:ecs.availability-zone\"},"
    "{\"type\":\"binpack\",\"field\":\"memory\"},{\"type\":\"random\"}]}",
    "{\"placementConstraints\":[{\"type\":\"distinctInstance\"}]}",
    "{\"placementConstraints\":[{\"type\":\"memberOf\",\"expression\":\"attribute:disk == ssd\"}]}",
    "{\"placementConstraints\":[{\"type\":\"memberOf\",\"expression\":\"runningTasksCount < 2\"}]}",
};

static void make_service(struct cluster_at_random *cluster)
{
    json_t *json = json_loads(services[draw(ARRAY_LEN(services))], 0, NULL);
    struct container_spec app = {.name = (char *)"app", .essential = true, .memory_mib = 256 * draw(2)};
    app.cpu_units = 100 * draw(3);
    cluster->definition = (struct task_definition){.refs = 1, .family = (char *)"web", .revision = 1};
    if (draw(4) == 0)
        vector_push(&app.ports, (struct port_mapping){.container_port = 80, .host_port = 80});
    if (draw(4) == 0)
        cluster->definition.cpu_architecture = (char *)"ARM64";
    vector_push(&cluster->definition.containers, app);
    cluster->service = (struct service){.refs = 1, .task_definition = &cluster->definition};
    placement_constraints_from_json(json, &cluster->service.constraints);
    placement_strategies_from_json(json, &cluster->service.strategies);
    json_decref(json);
}

static void cluster_deinit(struct cluster_at_random *cluster)
{
    vector_deinit(&cluster->definition.containers.items[0].ports);
    vector_deinit(&cluster->definition.containers);
    placement_constraints_deinit(&cluster->service.constraints);
    placement_strategies_deinit(&cluster->service.strategies);
    container_instances_deinit(&cluster->declared);
    plan_instance_vec_deinit(&cluster->instances);
    string_vec_deinit(&cluster->names);
}

/* --- the plain way: every instance is asked, every task is counted -------------------------------------- */

struct plain {
    const struct cluster_at_random *cluster;
    const char *task;
    int placed[INSTANCES]; /* tasks of the service, by instance */
};

static const char *attribute(const struct plain *plain, int at, const char *name)
{
    const struct container_instance *declared =
        container_instances_find(&plain->cluster->declared, plain->cluster->instances.items[at].name);
    for (size_t i = 0; declared && i < declared->attributes.len; i++)
        if (strcmp(declared->attributes.items[i].name, name) == 0)
            return declared->attributes.items[i].value;
    return "";
}

static bool satisfies(const struct plain *plain, int at)
{
    const struct placement_constraint_vec *constraints = &plain->cluster->service.constraints;
    for (size_t i = 0; i < constraints->len; i++) {
        const char *expression = constraints->items[i].expression;
        bool holds = !expression                 ? plain->placed[at] == 0
                     : strstr(expression, "ssd") ? strcmp(attribute(plain, at, "disk"), "ssd") == 0
                                                 : plain->placed[at] < 2;
        if (!holds)
            return false;
    }
    return true;
}

static bool fits(const struct plain *plain, int at)
{
    const struct cluster_at_random *cluster = plain->cluster;
    const struct plan_instance *instance = &cluster->instances.items[at];
    const struct container_spec *app = &cluster->definition.containers.items[0];
    const struct container_instance *declared = container_instances_find(&cluster->declared, instance->name);
    bool declares = cluster->declared.len > 0;
    return instance->usable && !(declares && !declared) && !(declared && declared->draining) &&
           !(cluster->definition.cpu_architecture && strcmp(instance->arch, "aarch64") != 0) &&
           satisfies(plain, at) && app->cpu_units <= instance->cpu_units_free &&
           app->memory_mib <= instance->memory_mib_free && !(app->ports.len && instance->ports.len);
}

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xCBF29CE484222325U;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3U;
    return hash;
}

static int64_t chance_of(const char *task, const char *instance)
{
    uint64_t hash = hash_of(task) ^ hash_of(instance);
    for (int i = 0; i < 2; i++)
        hash = (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93U;
    return (int64_t)(hash >> 1);
}

static int64_t plain_cost(const struct plain *plain, int at, const struct placement_strategy *strategy)
{
    const struct plan_instance *instance = &plain->cluster->instances.items[at];
    int64_t tasks = 0;
    if (strategy->type == PLACEMENT_BINPACK_CPU)
        return instance->cpu_units_free;
    if (strategy->type == PLACEMENT_BINPACK_MEMORY)
        return instance->memory_mib_free;
    if (strategy->type == PLACEMENT_RANDOM)
        return chance_of(plain->task, instance->name);
    if (!strategy->attribute)
        return plain->placed[at];
    for (int i = 0; i < (int)plain->cluster->instances.len; i++)
        if (strcmp(attribute(plain, i, strategy->attribute), attribute(plain, at, strategy->attribute)) == 0)
            tasks += plain->placed[i];
    return tasks;
}

static int plain_choice(const struct plain *plain)
{
    static const struct placement_strategy usual[] = {{PLACEMENT_SPREAD, (char *)"ecs.availability-zone"},
                                                      {PLACEMENT_SPREAD, NULL}};
    const struct placement_strategy_vec *strategies = &plain->cluster->service.strategies;
    const struct placement_strategy *items = strategies->len ? strategies->items : usual;
    size_t len = strategies->len ? strategies->len : ARRAY_LEN(usual);
    int best = -1;
    for (int i = 0; i < (int)plain->cluster->instances.len; i++) {
        int64_t difference = 0;
        if (!fits(plain, i))
            continue;
        for (size_t s = 0; best >= 0 && difference == 0 && s < len; s++)
            difference = plain_cost(plain, i, &items[s]) - plain_cost(plain, best, &items[s]);
        if (best < 0 || difference < 0)
            best = i;
    }
    return best;
}

static void place_all(struct cluster_at_random *cluster, struct plan_fleet *fleet)
{
    struct plan_memory memory = {0};
    const struct plan_input input = {.desired = &cluster->service,
                                     .instances = &cluster->instances,
                                     .declared = &cluster->declared,
                                     .fleet = fleet,
                                     .memory = &memory,
                                     .cluster = "prod",
                                     .key = "prod/web"};
    struct plan_output output = {0};
    struct pass pass = {.in = &input, .out = &output};
    struct plain plain = {.cluster = cluster};
    for (int i = 0; i < TASKS; i++) {
        char task[ID_HEX_SIZE];
        snprintf(task, sizeof task, "%08x", (unsigned)draw(1 << 30));
        plain.task = task;
        int expected = plain_choice(&plain);
        char *why CLEANUP_FREE = NULL;
        const struct plan_instance *instance = placement_choose(&pass, task, &why);
        assert_int_equal(instance ? instance - cluster->instances.items : -1, expected);
        if (instance)
            plain.placed[expected]++;
        else
            assert_non_null(why);
    }
    plan_room_give(&cluster->instances, &output.booked);
    pass_leave_sites(&pass);
    plan_output_deinit(&output);
}

static void test_the_place_is_that_of_a_look_at_all(void **state)
{
    (void)state;
    for (int i = 0; i < CLUSTERS; i++) {
        struct cluster_at_random cluster = {0};
        seed = (uint64_t)i;
        make_instances(&cluster);
        struct plan_fleet *fleet CLEANUP(plan_fleet_freep) =
            draw(4) ? plan_fleet_new(&cluster.instances, &cluster.declared) : NULL;
        for (int plan = 0; plan < PLANS; plan++) {
            make_service(&cluster);
            place_all(&cluster, fleet);
            vector_deinit(&cluster.definition.containers.items[0].ports);
            vector_deinit(&cluster.definition.containers);
            placement_constraints_deinit(&cluster.service.constraints);
            placement_strategies_deinit(&cluster.service.strategies);
        }
        make_service(&cluster);
        cluster_deinit(&cluster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_place_is_that_of_a_look_at_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
