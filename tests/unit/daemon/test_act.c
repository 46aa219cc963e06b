#include "act/act.h"

#include "../engine/sample.h"
#include "../unit.h"
#include "base/limits.h"
#include "base/text.h"
#include "engine/pause_image.h"
#include "engine/sim.h"

#include <stdlib.h>
#include <string.h>

#define OUTCOMES 64

struct world {
    struct sim *sim;
    struct act *act;
    struct engine_ops ops; /* the sim's, counted */
    const struct engine_ops *real;
    struct engine *engine;
    int pulls;
    int loads;
    int networks;
    int progress;
    int codes[OUTCOMES]; /* by action id; 1: not yet */
    struct error error;  /* the last failure */
    char *container_id;  /* of the last success */
};

/* The table has no place for data of ours. */
static struct world *counted;

static uint64_t count_pull(struct engine *engine, const char *image, const struct engine_call *call)
{
    counted->pulls++;
    return counted->real->pull(engine, image, call);
}

static uint64_t count_load(struct engine *engine, const struct engine_archive *archive,
                           const struct engine_call *call)
{
    counted->loads++;
    return counted->real->image_load(engine, archive, call);
}

static uint64_t count_network(struct engine *engine, const char *owner, const char *name,
                              const struct engine_call *call)
{
    counted->networks++;
    return counted->real->network_create(engine, owner, name, call);
}

static struct engine *on_engine(void *data, const char *instance)
{
    const struct world *world = data;
    assert_string_equal(instance, "local");
    return world->engine;
}

static void on_done(void *data, const struct act_outcome *outcome)
{
    struct world *world = data;
    assert_in_range(outcome->action_id, 0, OUTCOMES - 1);
    assert_int_equal(world->codes[outcome->action_id], 1);
    assert_string_equal(outcome->instance, "local");
    world->codes[outcome->action_id] = outcome->error->code;
    if (outcome->error->code)
        world->error = *outcome->error;
    if (outcome->container) {
        free(world->container_id);
        world->container_id = memory_strdup(outcome->container->id);
    }
}

static void on_progress(void *data, uint64_t action_id, const struct engine_progress *progress)
{
    struct world *world = data;
    (void)action_id;
    (void)progress;
    world->progress++;
}

static int setup(void **state)
{
    struct world *world = NEW(struct world);
    world->sim = sim_new(NULL);
    world->engine = sim_engine(world->sim);
    world->real = world->engine->ops;
    world->ops = *world->real;
    world->ops.pull = count_pull;
    world->ops.image_load = count_load;
    world->ops.network_create = count_network;
    world->engine->ops = &world->ops;
    for (int i = 0; i < OUTCOMES; i++)
        world->codes[i] = 1;
    counted = world;
    world->act = act_new(&(struct act_options){.engine = on_engine,
                                               .done = on_done,
                                               .progress = on_progress,
                                               .pause_image = &pause_image,
                                               .data = world});
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    act_free(world->act);
    assert_int_equal(sim_requests(world->sim), 0);
    world->engine->ops = world->real;
    sim_free(world->sim);
    free(world->container_id);
    free(world);
    return 0;
}

static void run_for(struct world *world, int64_t ms)
{
    sim_advance_to(world->sim, sim_now_ms(world->sim) + ms);
}

static void create(struct world *world, int id, const char *image)
{
    struct sample sample;
    char *json CLEANUP_FREE = memory_printf("{'name':'app','image':'%s','memory':64}", image);
    sample_init(&sample, id, json);
    struct action *action = action_new(ACTION_CREATE);
    action->id = (uint64_t)id;
    action->instance = memory_strdup("local");
    action->container = memory_strdup("app");
    action->name = memory_strdup(sample.name);
    task_labels_copy(&sample.labels, &action->labels);
    action->task_definition = task_definition_ref(sample.definition);
    sample_deinit(&sample);
    act_run(world->act, action);
}

static void create_pause(struct world *world, int id, const char *network_mode)
{
    struct sample sample;
    sample_init(&sample, id, "{'name':'app','image':'here'}");
    free(sample.labels.spec.name);
    sample.labels.spec.name = memory_strdup(PAUSE_CONTAINER);
    free(sample.definition->network_mode);
    sample.definition->network_mode = memory_strdup(network_mode);
    vector_push(&sample.definition->containers,
                (struct container_spec){.name = memory_strdup(PAUSE_CONTAINER)});
    struct action *action = action_new(ACTION_CREATE);
    action->id = (uint64_t)id;
    action->instance = memory_strdup("local");
    action->container = memory_strdup(PAUSE_CONTAINER);
    action->name = action_container_name(&sample.labels);
    task_labels_copy(&sample.labels, &action->labels);
    action->task_definition = task_definition_ref(sample.definition);
    sample_deinit(&sample);
    act_run(world->act, action);
}

static void on_container(struct world *world, int id, enum action_kind kind)
{
    struct action *action = action_new(kind);
    action->id = (uint64_t)id;
    action->instance = memory_strdup("local");
    action->container = memory_strdup("app");
    action->container_id = memory_strdup(world->container_id);
    action->stop_timeout_s = 5;
    act_run(world->act, action);
}

static void test_slow_pulls_keep_nothing_waiting(void **state)
{
    struct world *world = *state;
    sim_image_local(world->sim, "here");
    create(world, 1, "here");
    run_for(world, 1000);
    assert_int_equal(world->codes[1], 0);
    for (int id = 2; id < 2 + 2 * LIMIT_ENGINE_CONCURRENCY; id++) {
        char *image CLEANUP_FREE = memory_printf("far-%d", id);
        sim_image_pullable(world->sim, image, 600000);
        create(world, id, image);
    }
    run_for(world, 1000);
    assert_int_equal(world->pulls, LIMIT_ENGINE_PULLS);
    on_container(world, 50, ACTION_START);
    create(world, 51, "here");
    run_for(world, 1000);
    assert_int_equal(world->codes[50], 0);
    assert_int_equal(world->codes[51], 0);
    assert_int_equal(world->codes[2], 1);
}

static void test_an_image_is_pulled_once_for_all_that_wait(void **state)
{
    struct world *world = *state;
    sim_image_pullable(world->sim, "far", 5000);
    for (int id = 1; id <= 20; id++)
        create(world, id, "far");
    run_for(world, 60000);
    assert_int_equal(world->pulls, 1);
    assert_true(world->progress >= 20);
    for (int id = 1; id <= 20; id++)
        assert_int_equal(world->codes[id], 0);
    assert_int_equal(act_under_way(world->act), 0);
}

static void test_pause_containers_get_their_network_and_image(void **state)
{
    struct world *world = *state;
    for (int id = 1; id <= 20; id++)
        create_pause(world, id, "awsvpc");
    run_for(world, 10000);
    for (int id = 1; id <= 20; id++)
        assert_int_equal(world->codes[id], 0);
    assert_int_equal(world->pulls, 0);
    assert_in_range(world->loads, 1, 4); /* once for all that wait together; some creates are late */
    assert_int_equal(world->networks, 1);
    int loads = world->loads;
    create_pause(world, 21, "bridge"); /* processes shared, networks not */
    create_pause(world, 22, "awsvpc"); /* it may have been removed since */
    run_for(world, 10000);
    assert_int_equal(world->codes[21], 0);
    assert_int_equal(world->codes[22], 0);
    assert_int_equal(world->loads, loads);
    assert_int_equal(world->networks, 2);
    assert_int_equal(act_under_way(world->act), 0);
}

static void test_what_pause_containers_need_and_cannot_have(void **state)
{
    struct world *world = *state;
    sim_fault_next(world->sim, SIM_NETWORK_CREATE, SIM_FAULT_ERROR, 1);
    create_pause(world, 1, "awsvpc");
    run_for(world, 10000);
    assert_int_equal(world->codes[1], ERROR_INTERNAL);
    assert_true(text_starts_with(world->error.message,
                                 "ResourceInitializationError: network davit-owner-1.default: "));
    sim_fault_next(world->sim, SIM_IMAGE_LOAD, SIM_FAULT_ERROR, 1);
    create_pause(world, 2, "awsvpc");
    run_for(world, 10000);
    assert_int_equal(world->codes[2], ERROR_INTERNAL);
    assert_true(text_starts_with(world->error.message,
                                 "CannotPullContainerError: pause image localhost/davit-pause:"));
    assert_int_equal(world->pulls, 0);
}

static void ignore(void *data, const struct engine_reply *reply)
{
    (void)data;
    assert_int_equal(reply->error.code, 0);
}

static void test_somebody_has_a_network_of_that_name(void **state)
{
    struct world *world = *state;
    const struct engine_call call = {.done = ignore};
    world->real->network_create(world->engine, "somebody", "davit-owner-1.default", &call);
    run_for(world, 1000);
    create_pause(world, 1, "awsvpc");
    run_for(world, 10000);
    assert_int_equal(world->codes[1], ERROR_EXISTS);
    assert_int_equal(sim_containers_len(world->sim), 0);
}

static void test_pulls_wait_in_order_and_all_end(void **state)
{
    struct world *world = *state;
    for (int id = 1; id <= 3 * LIMIT_ENGINE_PULLS; id++) {
        char *image CLEANUP_FREE = memory_printf("far-%d", id);
        sim_image_pullable(world->sim, image, 5000);
        create(world, id, image);
    }
    run_for(world, 7000);
    assert_int_equal(world->codes[1], 0);
    assert_int_equal(world->codes[3 * LIMIT_ENGINE_PULLS], 1);
    run_for(world, 20000);
    for (int id = 1; id <= 3 * LIMIT_ENGINE_PULLS; id++)
        assert_int_equal(world->codes[id], 0);
    assert_int_equal(world->pulls, 3 * LIMIT_ENGINE_PULLS);
}

static void test_a_failed_pull_fails_all_that_wait(void **state)
{
    struct world *world = *state;
    for (int id = 1; id <= 3; id++)
        create(world, id, "nowhere");
    run_for(world, 60000);
    for (int id = 1; id <= 3; id++)
        assert_int_equal(world->codes[id], ERROR_INVALID);
    assert_non_null(strstr(world->error.message, "CannotPullContainerError"));
    assert_in_range(world->pulls, 1, 3); /* the first may have failed before the last asks */
}

/* An unknown outcome would be asked for in a listing, and never count as a failure: nothing was made. */
static void test_a_pull_that_hangs_is_a_failure(void **state)
{
    struct world *world = *state;
    sim_image_pullable(world->sim, "far", 5000);
    sim_fault_next(world->sim, SIM_PULL, SIM_FAULT_HANG, 1);
    create(world, 1, "far");
    run_for(world, LIMIT_ENGINE_PULL_IDLE_MS + 10000);
    assert_int_equal(world->codes[1], ERROR_INTERNAL);
    assert_non_null(strstr(world->error.message, "CannotPullContainerError: far"));
}

/* Nothing is left of what waits for a pull, or runs, or waits for its turn. */
static void test_free_cancels_everything(void **state)
{
    struct world *world = *state;
    for (int id = 1; id <= 2 * LIMIT_ENGINE_PULLS; id++) {
        char *image CLEANUP_FREE = memory_printf("far-%d", id % (LIMIT_ENGINE_PULLS + 2));
        sim_image_pullable(world->sim, image, 600000);
        create(world, id, image);
    }
    run_for(world, 1000);
    assert_int_equal(act_under_way(world->act), 2 * LIMIT_ENGINE_PULLS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_slow_pulls_keep_nothing_waiting),
        TEST(test_an_image_is_pulled_once_for_all_that_wait),
        TEST(test_pause_containers_get_their_network_and_image),
        TEST(test_what_pause_containers_need_and_cannot_have),
        TEST(test_somebody_has_a_network_of_that_name),
        TEST(test_pulls_wait_in_order_and_all_end),
        TEST(test_a_failed_pull_fails_all_that_wait),
        TEST(test_a_pull_that_hangs_is_a_failure),
        TEST(test_free_cancels_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
