/* What the golden cases do not show: bounds for all counts, the threshold, the memory's JSON, placement's
 * limits. The rows of the decision table are in tests/golden/plan. */
#include "base/memory.h"
#include "base/text.h"
#include "plan/pass.h"
#include "plan/plan.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void test_bounds(void **state)
{
    (void)state;
    static const struct {
        int desired, minimum, maximum, lower, upper;
    } rows[] = {{1, 100, 200, 1, 2},        {1, 50, 100, 1, 1},  {1, 50, 200, 1, 2}, {2, 50, 100, 1, 2},
                {3, 50, 100, 2, 3},         {4, 50, 200, 2, 8},  {1, 0, 100, 0, 1},  {2, 50, 150, 1, 3},
                {3, 66, 133, 2, 3},         {3, 100, 125, 3, 3}, {4, 75, 125, 3, 5}, {10, 90, 110, 9, 11},
                {0, 100, 200, 0, 0},        {3, 34, 100, 2, 3},  {3, 33, 100, 1, 3}, {7, 1, 199, 1, 13},
                {5000, 99, 101, 4950, 5050}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(plan_lower_bound(rows[i].desired, rows[i].minimum), rows[i].lower);
        assert_int_equal(plan_upper_bound(rows[i].desired, rows[i].maximum), rows[i].upper);
    }
    for (int desired = 0; desired <= 300; desired++) {
        for (int percent = 0; percent <= 200; percent++) {
            int lower = plan_lower_bound(desired, percent);
            int upper = plan_upper_bound(desired, percent);
            assert_true(lower * 100 >= desired * percent && (lower - 1) * 100 < desired * percent);
            assert_true(upper * 100 <= desired * percent && (upper + 1) * 100 > desired * percent);
        }
    }
}

static void test_failure_threshold(void **state)
{
    (void)state;
    static const int rows[][2] = {{0, 3},   {1, 3},     {5, 3},     {6, 3},     {7, 4},    {10, 5},
                                  {25, 13}, {398, 199}, {400, 200}, {401, 200}, {800, 200}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(plan_failure_threshold(&CIRCUIT_BREAKER_DEFAULT, rows[i][0]), rows[i][1]);
    static const struct {
        enum threshold_type type;
        int value, desired, threshold;
    } others[] = {
        {THRESHOLD_BOUNDED_PERCENT, 10, 100, 10},
        {THRESHOLD_BOUNDED_PERCENT, 10, 21, 3},
        {THRESHOLD_BOUNDED_PERCENT, 10, 31, 4},
        {THRESHOLD_BOUNDED_PERCENT, 300, 100, 200},
        {THRESHOLD_UNBOUNDED_PERCENT, 50, 0, 1},
        {THRESHOLD_UNBOUNDED_PERCENT, 50, 1, 1},
        {THRESHOLD_UNBOUNDED_PERCENT, 50, 3, 2},
        {THRESHOLD_UNBOUNDED_PERCENT, 100, 1000, 1000},
        {THRESHOLD_UNBOUNDED_PERCENT, INT32_MAX, 5000, INT32_MAX},
        {THRESHOLD_COUNT, 1, 100, 1},
        {THRESHOLD_COUNT, 7, 0, 7},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        const struct circuit_breaker breaker = {.threshold_type = others[i].type,
                                                .threshold_value = others[i].value};
        assert_int_equal(plan_failure_threshold(&breaker, others[i].desired), others[i].threshold);
    }
}

static void test_last_status(void **state)
{
    (void)state;
    const struct {
        enum task_status status;
        int pause; /* -1: there is none */
        int app;
        const char *name;
    } cases[] = {
        {TASK_PENDING, -1, CONTAINER_CREATED, "PENDING"},
        {TASK_PENDING, CONTAINER_CREATED, -1, "PROVISIONING"},
        {TASK_PENDING, CONTAINER_RUNNING, CONTAINER_CREATED, "PENDING"},
        {TASK_RUNNING, CONTAINER_RUNNING, CONTAINER_RUNNING, "RUNNING"},
        {TASK_STOPPING, CONTAINER_RUNNING, CONTAINER_RUNNING, "STOPPING"},
        {TASK_STOPPING, CONTAINER_RUNNING, CONTAINER_STOPPED, "DEPROVISIONING"},
        {TASK_STOPPING, -1, CONTAINER_RUNNING, "STOPPING"},
        {TASK_STOPPED, CONTAINER_STOPPED, CONTAINER_STOPPED, "STOPPED"},
    };
    struct container_spec specs[] = {{.name = (char *)PAUSE_CONTAINER}, {.name = (char *)"app"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct container pause = {.labels.spec = &specs[0], .status = (enum container_status)cases[i].pause};
        struct container app = {.labels.spec = &specs[1], .status = (enum container_status)cases[i].app};
        struct task task = {.status = cases[i].status};
        if (cases[i].pause >= 0)
            task.containers[task.containers_len++] = &pause;
        if (cases[i].app >= 0)
            task.containers[task.containers_len++] = &app;
        assert_string_equal(task_last_status(&task), cases[i].name);
    }
    const struct action create = {.container = (char *)PAUSE_CONTAINER};
    const struct task task = {.status = TASK_PENDING, .under_way = {&create}, .under_way_len = 1};
    assert_string_equal(task_last_status(&task), "PROVISIONING");
}

static void test_memory_travels(void **state)
{
    (void)state;
    struct plan_memory memory = {.seen = true,
                                 .stopping = MAP_INIT(free),
                                 .stuck_ms = 1700000000124,
                                 .crashes_in_row = 4,
                                 .relapses_in_row = 2,
                                 .last_crash_ms = 1700000000456,
                                 .crash = memory_strdup("exited with code 1"),
                                 .steady = true};
    memory.back_offs = MAP_INIT(free);
    struct plan_back_off *back_off = NEW(struct plan_back_off);
    *back_off = (struct plan_back_off){.rounds = 3, .owed = 2, .launched = true, .last_ms = 1700000000123};
    map_put(&memory.back_offs, "one", back_off);
    map_put(&memory.stopping, "a", memory_strdup("scale in"));
    map_put(&memory.counted, "b", (void *)1);
    map_put(&memory.announced, "c", (void *)1);
    map_put(&memory.proven, "d", (void *)1);
    json_t *json = plan_memory_to_json(&memory);
    struct plan_memory again;
    plan_memory_from_json(json, &again);
    json_t *twice = plan_memory_to_json(&again);
    assert_true(json_equal(json, twice));
    assert_string_equal(map_get(&again.stopping, "a"), "scale in");
    assert_non_null(map_get(&again.counted, "b"));
    assert_non_null(map_get(&again.announced, "c"));
    assert_non_null(map_get(&again.proven, "d"));
    assert_int_equal(again.crashes_in_row, 4);
    assert_int_equal(again.relapses_in_row, 2);
    assert_true(again.last_crash_ms == 1700000000456);
    assert_string_equal(again.crash, "exited with code 1");
    const struct plan_back_off *same = map_get(&again.back_offs, "one");
    assert_int_equal(same->rounds, 3);
    assert_int_equal(same->owed, 2);
    assert_true(same->launched && same->last_ms == 1700000000123);
    assert_true(again.stuck_ms == 1700000000124);
    assert_true(again.seen && again.steady);
    json_decref(json);
    json_decref(twice);
    plan_memory_deinit(&memory);
    plan_memory_deinit(&again);
}

static void test_memory_of_nothing_is_empty(void **state)
{
    (void)state;
    struct plan_memory memory;
    json_t *odd = json_pack("{s:[i,s],s:{s:i}}", "counted", 1, "x", "stopping", "a", 5);
    plan_memory_from_json(NULL, &memory);
    assert_false(memory.seen);
    assert_int_equal(memory.stopping.len, 0);
    plan_memory_deinit(&memory);
    plan_memory_from_json(odd, &memory);
    assert_int_equal(memory.stopping.len, 0);
    assert_int_equal(memory.counted.len, 1);
    plan_memory_deinit(&memory);
    json_decref(odd);
}

static void test_placement_takes_what_it_gives(void **state)
{
    (void)state;
    struct task_definition definition = {.refs = 1};
    struct service service = {.refs = 1, .task_definition = &definition};
    struct container_spec spec = {.name = (char *)"app", .cpu_units = 400, .memory_mib = 100};
    struct plan_instance_vec instances = {0};
    const struct plan_input input = {.desired = &service, .instances = &instances, .key = "prod/web"};
    struct plan_output output = {0};
    struct pass pass = {.in = &input, .out = &output};
    char *why CLEANUP_FREE = NULL;
    vector_push(&spec.ports, (struct port_mapping){.container_port = 53, .host_port = 53, .udp = true});
    vector_push(&definition.containers, spec);
    vector_push(&instances,
                (struct plan_instance){
                    .name = "one", .usable = true, .cpu_units_free = 1000, .memory_mib_free = 200});
    vector_push(&instances.items[0].ports,
                (struct plan_port){53, false, "prod/dns"}); /* tcp is another port */
    const struct plan_instance *one = placement_choose(&pass, "a1", &why);
    assert_non_null(one);
    assert_true(one->cpu_units_free == 600 && one->memory_mib_free == 100 && one->ports.len == 2);
    assert_false(output.no_place);
    assert_null(placement_choose(&pass, "a1", &why));
    assert_true(output.no_place);
    assert_string_equal(why, "one: is already using port 53/udp required by the task (held by another "
                             "task of its own)");
    assert_null(placement_instance(&instances, "two"));

    plan_room_give(&instances, &output.booked);
    assert_true(one->cpu_units_free == 1000 && one->memory_mib_free == 200 && one->ports.len == 1);
    assert_false(one->ports.items[0].udp);
    plan_output_deinit(&output);
    pass_leave_sites(&pass);
    plan_instance_vec_deinit(&instances);
    vector_deinit(&definition.containers.items[0].ports);
    vector_deinit(&definition.containers);
}

static void test_bookings_tell_what_was_freed(void **state)
{
    (void)state;
    struct container_spec spec = {.name = (char *)"app", .cpu_units = 400, .memory_mib = 100};
    struct container_spec small = {.name = (char *)"log", .cpu_units = 1};
    struct plan_booking_vec before = {0};
    struct plan_booking_vec after = {0};
    vector_push(&spec.ports, (struct port_mapping){.container_port = 80, .host_port = 80});
    vector_push(&spec.ports, (struct port_mapping){.container_port = 81}); /* dynamic: none is booked */
    plan_booking_add(&before, 1, &spec, "prod/web");
    assert_true(before.len == 1 && plan_booking_pieces(&before.items[0])->ports.len == 1);
    assert_true(plan_booking_freed(&before, &after));
    plan_booking_add(&after, 0, &spec, "prod/web");
    assert_true(plan_booking_freed(&before, &after)); /* on another instance */
    plan_booking_add(&after, 1, &spec, "prod/web");
    assert_false(plan_booking_freed(&before, &after));
    plan_booking_add(&before, 1, &small, "prod/web");
    assert_true(plan_booking_freed(&before, &after));
    plan_booking_add(&after, 1, &small, "prod/web");
    assert_false(plan_booking_freed(&before, &after));
    char *id = (char *)"0";
    const struct container_spec promised = {.gpus = 1};
    const struct container_spec chosen = {.gpus = 1, .gpu_ids = {&id, 1, 1}};
    plan_booking_add(&before, 1, &promised, "prod/web");
    assert_true(plan_booking_freed(&before, &after));
    assert_false(plan_booking_same(&before, &after));
    plan_booking_add(&after, 1, &chosen, "prod/web");
    assert_false(plan_booking_freed(&before, &after)); /* the promise is kept */
    assert_false(plan_booking_same(&before, &after));
    after.items[1].pieces->ports.items[0].udp = true;
    assert_true(plan_booking_freed(&before, &after));
    plan_booking_vec_deinit(&before);
    plan_booking_vec_deinit(&after);
    vector_deinit(&spec.ports);
}

/* Whatever differs, the room is taken anew. */
static void test_bookings_that_are_the_same(void **state)
{
    (void)state;
    struct plan_port ports[] = {{.port = 80}, {.port = 80}, {.port = 81}, {.port = 80, .udp = true}};
    struct plan_pieces pieces[] = {{.ports = {ports, 1, 1}},
                                   {.ports = {&ports[1], 1, 1}},
                                   {.ports = {&ports[2], 1, 1}},
                                   {.ports = {&ports[3], 1, 1}},
                                   {.ports = {0}}};
    const struct plan_booking one = {
        .instance = 1, .group = {"c/a", 2}, .cpu_units = 3, .memory_mib = 4, .pieces = &pieces[0]};
    struct plan_booking other[11];
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        other[i] = one;
    other[1].pieces = &pieces[1];
    other[2].instance = 2;
    other[3].group.holder = "c/b";
    other[4].group.tasks = 3;
    other[5].cpu_units = 4;
    other[6].memory_mib = 5;
    other[7].pieces = &pieces[2];
    other[8].pieces = &pieces[3];
    other[9].pieces = &pieces[4];
    other[10].pieces = NULL;
    struct plan_booking left = one;
    const struct plan_booking_vec before = {&left, 1, 1};
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        assert_int_equal(plan_booking_same(&before, &(struct plan_booking_vec){&other[i], 1, 1}), i < 2);
    const struct plan_booking_vec none = {0};
    assert_false(plan_booking_same(&before, &none));
    assert_false(plan_booking_same(&none, &before));
    assert_true(plan_booking_same(&none, &none));
}

/* F10: what a later content asks of the memory. An old task may have sidecars that the new content has not.
 */
static void test_who_was_up_is_remembered(void **state)
{
    (void)state;
    struct container_spec app = {.name = (char *)"app", .essential = true};
    struct task_definition definition = {
        .refs = 1, .family = (char *)"web", .containers = {.items = &app, .len = 1, .cap = 1}};
    struct service service = {
        .refs = 1, .desired_count = 1, .maximum_percent = 200, .task_definition = &definition};
    struct container container = {.id = (char *)"c1",
                                  .instance = (char *)"one",
                                  .status = CONTAINER_RUNNING,
                                  .started_ms = 1,
                                  .labels = {.deployment = (char *)"ecs-svc/1",
                                             .family = (char *)"web",
                                             .task = "0123456789abcdef0123456789abcdef",
                                             .essential = 1,
                                             .spec = &app}};
    const struct container *containers[] = {&container};
    const struct plan_options options = {.owner = "me"};
    const struct commit commit = {.oid = "0123456789012345678901234567890123456789"};
    for (int old = 0; old < 2; old++) {
        struct plan_memory memory = {.seen = true};
        struct plan_instance_vec instances = {0};
        struct id_source ids = {.seed = 1};
        const struct plan_input input = {.now_ms = 1000,
                                         .options = &options,
                                         .desired = &service,
                                         .commit = &commit,
                                         .cluster = "c",
                                         .service = "web",
                                         .key = "c/web",
                                         .containers = containers,
                                         .containers_len = 1,
                                         .instances = &instances,
                                         .memory = &memory,
                                         .ids = &ids};
        struct plan_output output;
        container.labels.digest.bytes[0] = (unsigned char)old;
        plan_service(&input, &output);
        assert_int_equal(map_get(&memory.up, container.labels.task) != NULL, old);
        plan_output_deinit(&output);
        plan_memory_deinit(&memory);
    }
}

/* --- at the limits -------------------------------------------------------------------------------------- */

#define HOSTS     1000
#define TASKS     unit_rounds(LIMIT_DESIRED_COUNT, HOSTS)
#define PROVIDERS 20
#define KEPT      40

struct crowd {
    struct service service;
    struct container_instance_vec declared;
    struct plan_instance_vec instances;
    struct string_vec names;
    struct container *containers;
    const struct container **list;
};

static void make_hosts(struct crowd *crowd)
{
    json_t *hosts = json_array();
    json_t *strategy = json_array();
    for (int i = 0; i < HOSTS; i++) {
        char provider[16];
        snprintf(provider, sizeof provider, "p%02d", i % PROVIDERS);
        vector_push(&crowd->names, memory_printf("host-%04d", i));
        vector_push(&crowd->instances, (struct plan_instance){.name = crowd->names.items[i], .usable = true});
        json_array_append_new(
            hosts, json_pack("{s:s,s:s}", "name", crowd->names.items[i], "capacityProvider", provider));
        if (i < PROVIDERS)
            json_array_append_new(strategy, json_pack("{s:s,s:i}", "capacityProvider", provider, "weight",
                                                      i < PROVIDERS / 2 ? 3 : 1));
    }
    json_t *json = json_pack("{s:{s:o}}", "davit", "containerInstances", hosts);
    container_instances_from_json(json, &crowd->declared);
    capacity_items_from_json(strategy, &crowd->service.capacity);
    plan_instances_index(&crowd->instances);
    json_decref(json);
    json_decref(strategy);
}

static void make_containers(struct crowd *crowd, struct container_spec *spec)
{
    crowd->containers = memory_calloc(TASKS, sizeof *crowd->containers);
    crowd->list = memory_calloc(TASKS, sizeof *crowd->list);
    for (int i = 0; i < TASKS; i++) {
        struct container *container = &crowd->containers[i];
        *container = (struct container){
            .id = (char *)"c",
            .instance = crowd->names.items[i % HOSTS],
            .status = CONTAINER_RUNNING,
            .started_ms = 1000 + i,
            .labels = {
                .deployment = (char *)"ecs-svc/1", .family = (char *)"web", .essential = 1, .spec = spec}};
        snprintf(container->labels.task, sizeof container->labels.task, "%032d", i);
        crowd->list[i] = container;
    }
}

static void crowd_deinit(struct crowd *crowd)
{
    capacity_items_deinit(&crowd->service.capacity);
    container_instances_deinit(&crowd->declared);
    plan_instance_vec_deinit(&crowd->instances);
    string_vec_deinit(&crowd->names);
    free(crowd->containers);
    free(crowd->list);
}

/* V4 with as many tasks as a service may have. What each provider keeps is counted once, and not by each
 * comparison of two tasks: that took minutes. */
static void test_the_largest_service_scales_in_by_its_providers(void **state)
{
    (void)state;
    struct container_spec app = {.name = (char *)"app", .essential = true};
    struct task_definition definition = {
        .refs = 1, .family = (char *)"web", .containers = {.items = &app, .len = 1, .cap = 1}};
    struct crowd crowd = {.service = {.refs = 1,
                                      .desired_count = KEPT,
                                      .minimum_healthy_percent = 100,
                                      .maximum_percent = 200,
                                      .task_definition = &definition}};
    make_hosts(&crowd);
    make_containers(&crowd, &app);
    struct service_ledger *ledger = service_ledger_new("c", "web");
    vector_push(&ledger->deployments,
                (struct deployment){.id = "ecs-svc/1", .state = DEPLOYMENT_COMPLETED, .desired_count = KEPT});
    struct plan_memory memory = {.seen = true, .stopping = MAP_INIT(free)};
    struct id_source ids = {.seed = 1};
    const struct plan_options options = {.owner = "me"};
    const struct commit commit = {.oid = "0123456789012345678901234567890123456789"};
    const struct plan_input input = {.now_ms = 1000000,
                                     .options = &options,
                                     .desired = &crowd.service,
                                     .commit = &commit,
                                     .ledger = ledger,
                                     .cluster = "c",
                                     .service = "web",
                                     .key = "c/web",
                                     .containers = crowd.list,
                                     .containers_len = TASKS,
                                     .instances = &crowd.instances,
                                     .declared = &crowd.declared,
                                     .memory = &memory,
                                     .ids = &ids};
    struct plan_output output;
    plan_service(&input, &output);
    int left[PROVIDERS] = {0};
    for (int i = 0; i < TASKS; i++)
        left[i % HOSTS % PROVIDERS] += map_get(&memory.stopping, crowd.containers[i].labels.task) == NULL;
    for (int i = 0; i < PROVIDERS; i++)
        assert_int_equal(left[i], i < PROVIDERS / 2 ? 3 : 1);
    plan_output_deinit(&output);
    plan_memory_deinit(&memory);
    service_ledger_free(ledger);
    crowd_deinit(&crowd);
}

/* What one plan placed with a provider is nothing to the next one that uses the same fleet. */
static void test_a_fleet_that_is_kept_forgets_who_had_tasks(void **state)
{
    (void)state;
    struct task_definition definition = {.refs = 1};
    struct crowd crowd = {.service = {.refs = 1, .desired_count = KEPT, .task_definition = &definition}};
    make_hosts(&crowd);
    struct plan_fleet *fleet CLEANUP(plan_fleet_freep) = plan_fleet_new(&crowd.instances, &crowd.declared);
    for (int plan = 0; plan < 3; plan++) {
        const struct plan_input input = {.desired = &crowd.service,
                                         .instances = &crowd.instances,
                                         .declared = &crowd.declared,
                                         .fleet = fleet,
                                         .key = "c/web"};
        struct plan_output output = {0};
        struct pass pass = {.in = &input, .out = &output};
        char *why CLEANUP_FREE = NULL;
        const struct plan_instance *instance = placement_choose(&pass, "a1", &why);
        assert_string_equal(instance->name, "host-0000");
        instance = placement_choose(&pass, "a2", &why);
        assert_string_equal(instance->name, "host-0001");
        pass_leave_sites(&pass);
        plan_output_deinit(&output);
    }
    crowd_deinit(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bounds),
                                       cmocka_unit_test(test_failure_threshold),
                                       cmocka_unit_test(test_last_status),
                                       cmocka_unit_test(test_memory_travels),
                                       cmocka_unit_test(test_bookings_that_are_the_same),
                                       cmocka_unit_test(test_who_was_up_is_remembered),
                                       cmocka_unit_test(test_memory_of_nothing_is_empty),
                                       cmocka_unit_test(test_placement_takes_what_it_gives),
                                       cmocka_unit_test(test_bookings_tell_what_was_freed),
                                       cmocka_unit_test(test_the_largest_service_scales_in_by_its_providers),
                                       cmocka_unit_test(test_a_fleet_that_is_kept_forgets_who_had_tasks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
