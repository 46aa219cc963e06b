#include "engine/sim.h"

#include "base/buffer.h"
#include "sample.h"
#include "unit.h"

#include <stdio.h>

#define DEMO "{'name':'web','image':'demo','memory':16}"

struct outcome {
    int done;
    int code;
    char message[LIMIT_ERROR_CHARS];
    struct container *container;
};

static void on_done(void *data, const struct engine_reply *reply)
{
    struct outcome *outcome = data;
    outcome->done++;
    outcome->code = reply->error.code;
    memcpy(outcome->message, reply->error.message, sizeof outcome->message);
    container_free(outcome->container);
    outcome->container = reply->container ? container_copy(reply->container) : NULL;
}

static void settle(struct sim *sim)
{
    int64_t until_ms = sim_now_ms(sim) + 600000;
    while (sim_next_ms(sim) <= until_ms)
        sim_advance_to(sim, sim_next_ms(sim));
}

#define DO(sim, outcome, op, ...)                                                                            \
    do {                                                                                                     \
        const struct engine_call call_ = {.done = on_done, .data = &(outcome)};                              \
        (outcome).done = 0;                                                                                  \
        sim_engine(sim)->ops->op(sim_engine(sim), __VA_ARGS__, &call_);                                      \
        while (!(outcome).done && sim_next_ms(sim) < INT64_MAX)                                              \
            sim_advance_to(sim, sim_next_ms(sim));                                                           \
        assert_int_equal((outcome).done, 1);                                                                 \
    } while (0)

static struct sim *sim_with_demo(uint64_t seed)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = seed});
    sim_image_local(sim, "demo");
    return sim;
}

static void test_lost_reply_happened(void **state)
{
    (void)state;
    struct sim *sim CLEANUP(sim_freep) = sim_with_demo(1);
    struct sample sample CLEANUP(sample_deinit);
    struct outcome outcome = {0};
    sample_init(&sample, 1, DEMO);
    sim_fault_next(sim, SIM_CREATE, SIM_FAULT_LOST, 1);
    DO(sim, outcome, create, &sample.create);
    assert_int_equal(outcome.code, ERROR_UNAVAILABLE);
    assert_int_equal(sim_containers_len(sim), 1);
    DO(sim, outcome, create, &sample.create);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(sim_containers_len(sim), 1);
    container_free(outcome.container);
}

static void test_error_does_nothing_and_hang_ends_at_the_deadline(void **state)
{
    (void)state;
    struct sim *sim CLEANUP(sim_freep) = sim_with_demo(2);
    struct sample sample CLEANUP(sample_deinit);
    struct outcome outcome = {0};
    sample_init(&sample, 1, DEMO);
    sim_fault_next(sim, SIM_CREATE, SIM_FAULT_ERROR, 1);
    DO(sim, outcome, create, &sample.create);
    assert_int_equal(outcome.code, ERROR_INTERNAL);
    assert_int_equal(sim_containers_len(sim), 0);
    sim_fault_next(sim, SIM_INSPECT, SIM_FAULT_HANG, 1);
    int64_t before_ms = sim_now_ms(sim);
    DO(sim, outcome, inspect, "x");
    assert_int_equal(outcome.code, ERROR_TIMEOUT);
    assert_int_equal(sim_now_ms(sim) - before_ms, LIMIT_ENGINE_CALL_MS);
    assert_int_equal(sim_requests(sim), 0);
    assert_true(sim_next_ms(sim) == INT64_MAX);
}

static void test_twice_is_once(void **state)
{
    (void)state;
    struct sim *sim CLEANUP(sim_freep) = sim_with_demo(3);
    struct sample sample CLEANUP(sample_deinit);
    struct outcome outcome = {0};
    size_t len;
    sample_init(&sample, 1, DEMO);
    for (int op = SIM_CREATE; op <= SIM_REMOVE; op++)
        sim_fault_next(sim, (enum sim_op)op, SIM_FAULT_TWICE, 1);
    DO(sim, outcome, create, &sample.create);
    DO(sim, outcome, start, sample.name);
    DO(sim, outcome, stop, sample.name, 5);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(outcome.container->exit_code, 143);
    DO(sim, outcome, remove, sample.name, false);
    assert_int_equal(outcome.code, 0);
    const struct sim_log_entry *log = sim_log(sim, &len);
    int starts = 0, exits = 0, removes = 0;
    for (size_t i = 0; i < len; i++) {
        starts += log[i].kind == SIM_LOG_START;
        exits += log[i].kind == SIM_LOG_EXIT;
        removes += log[i].kind == SIM_LOG_REMOVE;
    }
    assert_int_equal(starts, 1);
    assert_int_equal(exits, 1);
    assert_int_equal(removes, 1);
    container_free(outcome.container);
}

static void test_crash_breaks_connections_and_keeps_containers(void **state)
{
    (void)state;
    struct sim *sim CLEANUP(sim_freep) = sim_with_demo(4);
    struct sample sample CLEANUP(sample_deinit);
    struct outcome outcome = {0};
    sample_init(&sample, 1, DEMO);
    DO(sim, outcome, create, &sample.create);
    DO(sim, outcome, start, sample.name);
    const struct engine_call call = {.done = on_done, .data = &outcome};
    outcome.done = 0;
    sim_engine(sim)->ops->inspect(sim_engine(sim), sample.name, &call);
    sim_crash(sim);
    settle(sim);
    assert_int_equal(outcome.done, 1);
    assert_int_equal(outcome.code, ERROR_UNAVAILABLE);
    DO(sim, outcome, inspect, sample.name);
    assert_int_equal(outcome.code, ERROR_UNAVAILABLE);
    assert_int_equal(sim_container_find(sim, sample.name)->status, CONTAINER_RUNNING);
    sim_reboot(sim);
    sim_restart(sim);
    DO(sim, outcome, inspect, sample.name);
    assert_int_equal(outcome.container->status, CONTAINER_STOPPED);
    assert_int_equal(outcome.container->exit_code, 255);
    container_free(outcome.container);
}

static void test_client_that_dies_leaves_the_engine_to_finish(void **state)
{
    (void)state;
    struct sim *sim CLEANUP(sim_freep) = sim_with_demo(5);
    struct sample sample CLEANUP(sample_deinit);
    struct outcome outcome = {0};
    sample_init(&sample, 1, DEMO);
    const struct engine_call call = {.done = on_done, .data = &outcome};
    sim_engine(sim)->ops->create(sim_engine(sim), &sample.create, &call);
    engine_free(sim_engine(sim));
    settle(sim);
    assert_int_equal(outcome.done, 0);
    assert_int_equal(sim_containers_len(sim), 1);
    assert_int_equal(sim_requests(sim), 0);
}

static void test_deadline_leaves_the_outcome_to_the_engine(void **state)
{
    (void)state;
    struct sim *sim CLEANUP(sim_freep) = sim_with_demo(6);
    struct sample sample CLEANUP(sample_deinit);
    struct outcome outcome = {0};
    sample_init(&sample, 1, DEMO);
    const struct engine_call call = {.done = on_done, .data = &outcome, .deadline_ms = 1};
    sim_engine(sim)->ops->create(sim_engine(sim), &sample.create, &call);
    settle(sim);
    assert_int_equal(outcome.done, 1);
    assert_int_equal(outcome.code, ERROR_TIMEOUT);
    assert_int_equal(sim_containers_len(sim), 1);
    assert_int_equal(sim_requests(sim), 0);
}

static void test_port_clash_and_dynamic_ports(void **state)
{
    (void)state;
    struct sim *sim CLEANUP(sim_freep) = sim_with_demo(7);
    struct sample samples[3];
    struct outcome outcome = {0};
    sample_init(&samples[0], 1, "{'name':'web','image':'demo','portMappings':[{'containerPort':80}]}");
    sample_init(&samples[1], 2, "{'name':'web','image':'demo','portMappings':[{'containerPort':80}]}");
    sample_init(&samples[2], 3,
                "{'name':'web','image':'demo','portMappings':[{'containerPort':80,'hostPort':8080}]}");
    sim_foreign_container(sim, "somebody", "nginx", 8080);
    for (int i = 0; i < 3; i++) {
        DO(sim, outcome, create, &samples[i].create);
        assert_int_equal(outcome.code, 0);
        DO(sim, outcome, start, samples[i].name);
        if (i < 2)
            assert_int_equal(outcome.container->ports.items[0].host_port, 32768 + i);
    }
    assert_int_equal(outcome.code, ERROR_INTERNAL);
    assert_non_null(strstr(outcome.message, "port is already allocated"));
    assert_non_null(strstr(sim_container_find(sim, samples[2].name)->reason, "8080"));
    assert_int_equal(sim_container_find(sim, samples[2].name)->status, CONTAINER_CREATED);
    assert_int_equal(sim_foreign_writes(sim), 0);
    DO(sim, outcome, remove, "somebody", false);
    assert_int_equal(outcome.code, ERROR_CONFLICT);
    assert_int_equal(sim_foreign_writes(sim), 1);
    for (int i = 0; i < 3; i++)
        sample_deinit(&samples[i]);
    container_free(outcome.container);
}

/* One run's whole story as text. */
static char *story(uint64_t seed)
{
    struct sim *sim CLEANUP(sim_freep) = sim_with_demo(seed);
    struct outcome outcome = {0};
    struct buffer text = BUFFER_INIT(1 << 20);
    sim_fault_rate(sim, SIM_START, SIM_FAULT_LOST, 300);
    sim_fault_rate(sim, SIM_START, SIM_FAULT_SLOW, 300);
    for (int i = 0; i < 10; i++) {
        struct sample sample CLEANUP(sample_deinit);
        sample_init(&sample, i, DEMO);
        DO(sim, outcome, create, &sample.create);
        DO(sim, outcome, start, sample.name);
        buffer_printf(&text, "%d %lld\n", outcome.code, (long long)sim_now_ms(sim));
    }
    container_free(outcome.container);
    return buffer_steal(&text);
}

static void test_a_seed_is_a_story(void **state)
{
    (void)state;
    char *a CLEANUP_FREE = story(11);
    char *b CLEANUP_FREE = story(11);
    char *c CLEANUP_FREE = story(12);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_reply_happened),
        cmocka_unit_test(test_error_does_nothing_and_hang_ends_at_the_deadline),
        cmocka_unit_test(test_twice_is_once),
        cmocka_unit_test(test_crash_breaks_connections_and_keeps_containers),
        cmocka_unit_test(test_client_that_dies_leaves_the_engine_to_finish),
        cmocka_unit_test(test_deadline_leaves_the_outcome_to_the_engine),
        cmocka_unit_test(test_port_clash_and_dynamic_ports),
        cmocka_unit_test(test_a_seed_is_a_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
