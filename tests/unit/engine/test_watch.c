#include "engine/watch.h"

#include "base/limits.h"
#include "base/map.h"
#include "engine/sim.h"
#include "sample.h"
#include "unit.h"

#define DEMO "{'name':'web','image':'demo','healthCheck':{'command':['CMD','true']}}"

/* What a listener believes, and what it was told. */
struct belief {
    struct sim *sim;
    struct engine_watch *watch;
    struct sample sample;
    struct map containers; /* struct container */
    int connected, listed, changed, gone, disconnected, heard;
};

static void on_connected(void *data, const struct instance_info *info)
{
    assert_non_null(info);
    ((struct belief *)data)->connected++;
}

static void on_listed(void *data, const struct container_vec *containers)
{
    struct belief *belief = data;
    belief->listed++;
    map_clear(&belief->containers);
    for (size_t i = 0; i < containers->len; i++) {
        assert_string_equal(containers->items[i]->instance, "i-1");
        map_put(&belief->containers, containers->items[i]->id, container_copy(containers->items[i]));
    }
}

static void on_changed(void *data, const struct container *container)
{
    struct belief *belief = data;
    belief->changed++;
    assert_string_equal(container->instance, "i-1");
    map_put(&belief->containers, container->id, container_copy(container));
}

static void on_gone(void *data, const char *container_id)
{
    struct belief *belief = data;
    belief->gone++;
    map_remove(&belief->containers, container_id);
}

static void on_disconnected(void *data, const struct error *cause)
{
    assert_int_not_equal(cause->code, 0);
    ((struct belief *)data)->disconnected++;
}

static void on_heard(void *data)
{
    ((struct belief *)data)->heard++;
}

static int set_up(void **state)
{
    struct belief *belief = NEW(struct belief);
    *state = belief;
    belief->sim = sim_new(&(struct sim_options){.seed = 21});
    belief->containers = MAP_INIT(container_free);
    sim_image_local(belief->sim, "demo");
    sample_init(&belief->sample, 1, DEMO);
    const struct engine_watch_listener listener = {.connected = on_connected,
                                                   .listed = on_listed,
                                                   .changed = on_changed,
                                                   .gone = on_gone,
                                                   .disconnected = on_disconnected,
                                                   .heard = on_heard,
                                                   .data = belief};
    belief->watch = engine_watch_new(sim_engine(belief->sim), "i-1", "owner-1", &listener);
    return 0;
}

static int tear_down(void **state)
{
    struct belief *belief = *state;
    engine_watch_free(belief->watch);
    sim_free(belief->sim);
    map_deinit(&belief->containers);
    sample_deinit(&belief->sample);
    free(belief);
    return 0;
}

static void run_ms(struct belief *belief, int64_t ms)
{
    sim_advance_to(belief->sim, sim_now_ms(belief->sim) + ms);
}

static void ignore(void *data, const struct engine_reply *reply)
{
    (void)data;
    (void)reply;
}

static const struct engine_call blind = {.done = ignore};

static void create_and_start(struct belief *belief)
{
    struct engine *engine = sim_engine(belief->sim);
    engine->ops->create(engine, &belief->sample.create, &blind);
    run_ms(belief, 1000);
    engine->ops->start(engine, belief->sample.name, &blind);
    run_ms(belief, 5000);
}

static void assert_true_belief(struct belief *belief)
{
    assert_int_equal(belief->containers.len, sim_containers_len(belief->sim));
    for (size_t i = 0; i < sim_containers_len(belief->sim); i++) {
        const struct container *real = sim_container_at(belief->sim, i);
        struct container *believed = map_get(&belief->containers, real->id);
        assert_non_null(believed);
        assert_true(container_equal(real, believed));
    }
}

static void test_follows_a_container(void **state)
{
    struct belief *belief = *state;
    run_ms(belief, 1000);
    assert_int_equal(belief->connected, 1);
    assert_int_equal(belief->listed, 1);
    create_and_start(belief);
    assert_int_equal(belief->containers.len, 1);
    assert_int_equal(sim_container_at(belief->sim, 0)->health, HEALTH_HEALTHY);
    assert_true_belief(belief);
    sim_container_exit(belief->sim, belief->sample.name, 3);
    run_ms(belief, 1000);
    assert_true_belief(belief);
    sim_container_remove(belief->sim, belief->sample.name);
    run_ms(belief, 1000);
    assert_int_equal(belief->gone, 1);
    assert_true_belief(belief);
    assert_int_equal(belief->listed, 1);
}

static void test_reconnects_and_lists(void **state)
{
    struct belief *belief = *state;
    run_ms(belief, 1000);
    create_and_start(belief);
    sim_reboot(belief->sim);
    run_ms(belief, 60000);
    assert_int_equal(belief->disconnected, 2); /* the loss, and why attempts fail; not each of them */
    sim_restart(belief->sim);
    run_ms(belief, 16000);
    assert_int_equal(belief->connected, 2);
    assert_int_equal(belief->listed, 2);
    assert_true_belief(belief);
}

static void test_a_dead_engine_is_asked_at_growing_distances(void **state)
{
    struct belief *belief = *state;
    sim_crash(belief->sim);
    int wakes = 0;
    int64_t end_ms = sim_now_ms(belief->sim) + 61000;
    for (; sim_next_ms(belief->sim) < end_ms; wakes++)
        sim_advance_to(belief->sim, sim_next_ms(belief->sim));
    assert_int_equal(belief->disconnected, 2);
    assert_in_range(wakes, 10, 25);
}

static void test_lost_events_are_found_by_the_safety_net(void **state)
{
    struct belief *belief = *state;
    run_ms(belief, 1000);
    sim_fault_events(belief->sim, &(struct sim_event_faults){.dropped_permille = 1000});
    create_and_start(belief);
    assert_int_equal(belief->containers.len, 0);
    run_ms(belief, LIMIT_ENGINE_RELIST_MS);
    assert_true_belief(belief);
}

static void end_in_the_truth(struct belief *belief, bool reordered)
{
    run_ms(belief, 1000);
    sim_fault_events(belief->sim, &(struct sim_event_faults){0, 500, 500, 3000, reordered});
    create_and_start(belief);
    engine_watch_relist(belief->watch);
    sim_container_exit(belief->sim, belief->sample.name, 3);
    run_ms(belief, 60000);
    assert_true_belief(belief);
}

static void test_duplicates_and_delays_end_in_the_truth(void **state)
{
    end_in_the_truth(*state, false);
}

static void test_events_in_any_order_end_in_the_truth(void **state)
{
    end_in_the_truth(*state, true);
}

static void test_requests_during_a_listing_make_one_more(void **state)
{
    struct belief *belief = *state;
    run_ms(belief, 1000);
    for (int i = 0; i < 5; i++)
        engine_watch_relist(belief->watch);
    run_ms(belief, 1000);
    assert_int_equal(belief->listed, 2);
    assert_int_equal(sim_requests(belief->sim), 3); /* the stream, the next listing, the next probe */
}

static void test_failing_requests_do_not_stop_it(void **state)
{
    struct belief *belief = *state;
    for (int op = SIM_VERSION; op <= SIM_EVENTS; op++)
        for (int fault = SIM_FAULT_ERROR; fault < SIM_FAULTS; fault++)
            if (op == SIM_VERSION || op == SIM_LIST || op == SIM_INSPECT || op == SIM_EVENTS)
                sim_fault_rate(belief->sim, (enum sim_op)op, (enum sim_fault)fault, 100);
    for (int i = 0; i < 20; i++) {
        create_and_start(belief);
        sim_break_streams(belief->sim);
        sim_container_remove(belief->sim, belief->sample.name);
        run_ms(belief, 5000);
    }
    for (int op = SIM_VERSION; op <= SIM_EVENTS; op++)
        for (int fault = SIM_FAULT_ERROR; fault < SIM_FAULTS; fault++)
            sim_fault_rate(belief->sim, (enum sim_op)op, (enum sim_fault)fault, 0);
    create_and_start(belief);
    run_ms(belief, 120000);
    assert_true_belief(belief);
    assert_int_equal(belief->containers.len, 1);
}

/* The caller knows better than a listing that was on its way when it was told; and it is told all the same,
 * however many operations end meanwhile. */
static void test_a_listing_does_not_take_back_what_it_is_older_than(void **state)
{
    struct belief *belief = *state;
    create_and_start(belief);
    int listed = belief->listed;
    struct container *new CLEANUP(container_freep) = container_copy(sim_container_at(belief->sim, 0));
    new->id[0] ^= 1;
    for (int i = 0; i < 10; i++) {
        sim_fault_next(belief->sim, SIM_LIST, SIM_FAULT_SLOW, 1);
        engine_watch_relist(belief->watch);
        run_ms(belief, 10);
        engine_watch_overtake(belief->watch, new->id, new);
        engine_watch_overtake(belief->watch, sim_container_at(belief->sim, 0)->id, NULL);
        run_ms(belief, 5000);
        assert_int_equal(belief->listed, listed + i + 1);
        assert_int_equal(belief->containers.len, 1);
        const struct container *believed = map_get(&belief->containers, new->id);
        assert_true(believed && container_equal(believed, new));
    }
    engine_watch_overtake(belief->watch, new->id, new); /* there is none that it could be younger than */
    engine_watch_relist(belief->watch);
    run_ms(belief, 5000);
    assert_true_belief(belief);
}

/* The table has no place for data of ours. */
static struct inspections {
    const struct engine_ops *real;
    int len;
} inspections;

static uint64_t count_inspection(struct engine *engine, const char *container_id,
                                 const struct engine_call *call)
{
    inspections.len++;
    return inspections.real->inspect(engine, container_id, call);
}

/* An inspection that was sent before, too: it is sent again. */
static void test_an_inspection_does_not_take_back_what_it_is_older_than(void **state)
{
    struct belief *belief = *state;
    create_and_start(belief);
    struct engine *engine = sim_engine(belief->sim);
    const struct engine_ops *real = engine->ops;
    struct engine_ops counted = *real;
    counted.inspect = count_inspection;
    inspections = (struct inspections){real, 0};
    engine->ops = &counted;
    sim_fault_next(belief->sim, SIM_INSPECT, SIM_FAULT_SLOW, 1);
    int changed = belief->changed;
    sim_container_exit(belief->sim, belief->sample.name, 3);
    while (inspections.len == 0)
        run_ms(belief, 1);
    engine_watch_overtake(belief->watch, sim_container_at(belief->sim, 0)->id, NULL);
    run_ms(belief, 10000);
    engine->ops = real;
    assert_int_equal(inspections.len, 2);
    assert_int_equal(belief->changed, changed + 1);
    assert_true_belief(belief);
}

static void test_who_asks_during_a_listing_gets_a_younger_one(void **state)
{
    struct belief *belief = *state;
    create_and_start(belief);
    int listed = belief->listed;
    engine_watch_relist(belief->watch);
    for (int i = 0; i < 10; i++) {
        engine_watch_relist(belief->watch);
        sim_fault_next(belief->sim, SIM_LIST, SIM_FAULT_SLOW, 1);
        run_ms(belief, 61);
        assert_int_equal(belief->listed, listed);
    }
    run_ms(belief, 10000);
    assert_int_equal(belief->listed, listed + 1);
    assert_true_belief(belief);
}

/* Connections stand and nothing is answered, nor told: the deadline of the next listing finds out. */
static void fall_silent(struct belief *belief, bool silent)
{
    const struct sim_event_faults events = {.dropped_permille = silent ? 1000 : 0};
    for (int op = SIM_VERSION; op < SIM_AFTER; op++)
        sim_fault_rate(belief->sim, (enum sim_op)op, SIM_FAULT_HANG, silent ? 1000 : 0);
    sim_fault_events(belief->sim, &events);
}

static void test_an_engine_that_falls_silent_is_noticed_and_taken_up_again(void **state)
{
    struct belief *belief = *state;
    create_and_start(belief);
    int listed = belief->listed;
    int heard = belief->heard;
    run_ms(belief, LIMIT_ENGINE_PROBE_MS + 1000); /* nothing happens, and it is there */
    assert_true(belief->heard > heard);
    fall_silent(belief, true);
    heard = belief->heard;
    sim_container_remove(belief->sim, belief->sample.name);
    run_ms(belief, LIMIT_ENGINE_PROBE_MS + LIMIT_ENGINE_CALL_MS + 1000); /* though nothing is to be done */
    assert_int_equal(belief->disconnected, 1);
    assert_int_equal(belief->listed, listed);
    assert_int_equal(belief->containers.len, 1); /* what is not known is not gone */
    run_ms(belief, 600000);
    assert_int_equal(belief->disconnected, 1);
    assert_int_equal(belief->heard, heard);
    fall_silent(belief, false);
    run_ms(belief, 60000);
    assert_true_belief(belief);
    assert_int_equal(belief->containers.len, 0);
}

/* One container's own trouble: the engine answers for it in a listing. */
static void test_an_inspection_that_hangs_loses_no_engine(void **state)
{
    struct belief *belief = *state;
    create_and_start(belief);
    int listed = belief->listed;
    sim_fault_next(belief->sim, SIM_INSPECT, SIM_FAULT_HANG, 1);
    sim_container_exit(belief->sim, belief->sample.name, 3);
    run_ms(belief, LIMIT_ENGINE_CALL_MS / 2);
    assert_int_equal(belief->disconnected, 0);
    assert_int_equal(belief->listed, listed + 1);
    assert_true_belief(belief);
}

/* Who asks for a listing because an action had no answer, learns it sooner. */
static void test_a_listing_that_is_asked_for_finds_the_silence(void **state)
{
    struct belief *belief = *state;
    create_and_start(belief);
    fall_silent(belief, true);
    engine_watch_relist(belief->watch);
    run_ms(belief, LIMIT_ENGINE_CALL_MS + 1000);
    assert_int_equal(belief->disconnected, 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_follows_a_container),
        TEST(test_reconnects_and_lists),
        TEST(test_a_dead_engine_is_asked_at_growing_distances),
        TEST(test_lost_events_are_found_by_the_safety_net),
        TEST(test_duplicates_and_delays_end_in_the_truth),
        TEST(test_events_in_any_order_end_in_the_truth),
        TEST(test_requests_during_a_listing_make_one_more),
        TEST(test_failing_requests_do_not_stop_it),
        TEST(test_a_listing_does_not_take_back_what_it_is_older_than),
        TEST(test_who_asks_during_a_listing_gets_a_younger_one),
        TEST(test_an_inspection_does_not_take_back_what_it_is_older_than),
        TEST(test_an_engine_that_falls_silent_is_noticed_and_taken_up_again),
        TEST(test_an_inspection_that_hangs_loses_no_engine),
        TEST(test_a_listing_that_is_asked_for_finds_the_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
