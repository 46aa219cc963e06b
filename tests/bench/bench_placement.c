/* How many tasks a second find their place, by CPU time. bench-placement [INSTANCES]; prints one line of JSON
 * a strategy: services of one task and of a hundred, each planned from nothing, with the fleet of their
 * cluster kept as core keeps it; and those of one task with a fleet made for each plan, as the first of a
 * cluster has it. A plan is more than its places: an entry of the ledger, events, actions. Zones, an
 * attribute and its constraint on all instances. */
#include "model/json.h"
#include "plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPAN_S 1.0

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const struct {
    const char *name;
    const char *json;
} strategies[] = {
    {"default", "{}"},
    {"spread instanceId", "{\"placementStrategy\":[{\"type\":\"spread\",\"field\":\"instanceId\"}]}"},
    {"zone, binpack",
     "{\"placementStrategy\":[{\"type\":\"spread\",\"field\":\"attribute:ecs.availability-zone\"},"
     "{\"type\":\"binpack\",\"field\":\"memory\"}]}"},
    {"random, memberOf", "{\"placementStrategy\":[{\"type\":\"random\"}],\"placementConstraints\":[{\"type\":"
                         "\"memberOf\",\"expression\":\"attribute:disk == ssd\"}]}"},
};

struct fleet {
    struct plan_instance_vec instances;
    struct container_instance_vec declared;
    struct plan_fleet *kept; /* NULL: made for each plan */
    struct string_vec names;
};

static struct fleet fleet_new(int instances)
{
    struct fleet fleet = {0};
    json_t *list = json_array();
    for (int i = 0; i < instances; i++) {
        char *name = memory_printf("instance-%05d", i);
        char zone[2] = {(char)('a' + i % 3), '\0'};
        vector_push(&fleet.names, name);
        vector_push(&fleet.instances, (struct plan_instance){.name = name,
                                                             .usable = true,
                                                             .arch = "x86_64",
                                                             .os = "linux",
                                                             .cpu_units_free = 65536,
                                                             .memory_mib_free = 262144});
        json_array_append_new(list, json_pack("{s:s,s:{s:s,s:s}}", "name", name, "attributes",
                                              "ecs.availability-zone", zone, "disk", i % 2 ? "ssd" : "hdd"));
    }
    json_t *cluster = json_pack("{s:{s:o}}", "davit", "containerInstances", list);
    container_instances_from_json(cluster, &fleet.declared);
    plan_instances_index(&fleet.instances);
    json_decref(cluster);
    return fleet;
}

static int plan_once(struct fleet *fleet, const struct service *service, uint64_t seed)
{
    const struct plan_options options = {.owner = "me"};
    const struct commit commit = {.oid = "1111111111111111111111111111111111111111"};
    struct plan_memory memory = {.seen = true};
    struct id_source ids = {.seed = seed};
    struct plan_output output;
    const struct plan_input input = {.now_ms = 1700000000000,
                                     .options = &options,
                                     .desired = service,
                                     .commit = &commit,
                                     .cluster = "prod",
                                     .service = "web",
                                     .key = "prod/web",
                                     .instances = &fleet->instances,
                                     .declared = &fleet->declared,
                                     .fleet = fleet->kept,
                                     .memory = &memory,
                                     .ids = &ids};
    plan_service(&input, &output);
    int placed = (int)output.actions.len;
    plan_room_give(&fleet->instances, &output.booked);
    plan_output_deinit(&output);
    plan_memory_deinit(&memory);
    return placed;
}

static double decisions_per_s(struct fleet *fleet, struct service *service, int tasks)
{
    uint64_t rounds = 0;
    double placed = 0;
    double began = now_s();
    service->desired_count = tasks;
    while (now_s() - began < SPAN_S)
        placed += plan_once(fleet, service, ++rounds);
    return placed / (now_s() - began);
}

int main(int argc, char **argv)
{
    int instances = argc > 1 ? atoi(argv[1]) : 5000;
    struct fleet fleet = fleet_new(instances);
    struct task_definition definition = {.refs = 1, .family = (char *)"web", .revision = 1};
    vector_push(&definition.containers,
                (struct container_spec){
                    .name = (char *)"app", .essential = true, .cpu_units = 128, .memory_mib = 256});
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++) {
        json_t *json = json_loads(strategies[i].json, 0, NULL);
        struct service service = {.refs = 1,
                                  .cluster = (char *)"prod",
                                  .name = (char *)"web",
                                  .task_definition = &definition,
                                  .minimum_healthy_percent = 100,
                                  .maximum_percent = 200};
        placement_constraints_from_json(json, &service.constraints);
        placement_strategies_from_json(json, &service.strategies);
        double first = decisions_per_s(&fleet, &service, 1);
        fleet.kept = plan_fleet_new(&fleet.instances, &fleet.declared);
        double one = decisions_per_s(&fleet, &service, 1);
        double hundred = decisions_per_s(&fleet, &service, 100);
        plan_fleet_free(TAKE(fleet.kept));
        printf("{\"bench\": \"placement\", \"strategy\": \"%s\", \"instances\": %d, \"first_per_s\": %.0f, "
               "\"one_per_s\": %.0f, \"hundred_per_s\": %.0f}\n",
               strategies[i].name, instances, first, one, hundred);
        placement_constraints_deinit(&service.constraints);
        placement_strategies_deinit(&service.strategies);
        json_decref(json);
    }
    vector_deinit(&definition.containers);
    plan_instance_vec_deinit(&fleet.instances);
    container_instances_deinit(&fleet.declared);
    string_vec_deinit(&fleet.names);
    return EXIT_SUCCESS;
}
