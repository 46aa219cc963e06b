#include "act/act.h"

#include "../engine/sample.h"
#include "../unit.h"
#include "base/buffer.h"
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
    int questions;       /* of distributions */
    const char *meaning; /* what the registry says that a tag means; NULL: it says nothing */
    struct engine_call asking;
    int loads;
    int networks;
    int progress;
    char *failure; /* of the last progress */
    int failures;
    int codes[OUTCOMES]; /* by action id; 1: not yet */
    struct error error;  /* the last failure */
    char *container_id;  /* of the last success */
    char *login;         /* of the last pull */
    char *digest;        /* of the last resolve; NULL: none */
    bool is_copy;        /* likewise */
    char *warning;       /* of the last outcome */
    char *created;       /* what the last create was given besides */
};

/* The table has no place for data of ours. */
static struct world *counted;

static uint64_t count_pull(struct engine *engine, const struct engine_pull *pull,
                           const struct engine_call *call)
{
    counted->pulls++;
    free(counted->login);
    counted->login = memory_strdup(pull->login);
    return counted->real->pull(engine, pull, call);
}

static void answer_distribution(void *data)
{
    const struct world *world = data;
    struct engine_reply reply = {.image_digest = world->meaning};
    if (!world->meaning)
        reply.error.code = ERROR_NOT_FOUND;
    world->asking.done(world->asking.data, &reply);
}

/* Of the engine that knows the request, one question at a time. */
static uint64_t count_question(struct engine *engine, const struct engine_pull *image,
                               const struct engine_call *call)
{
    counted->questions++;
    counted->asking = *call;
    free(counted->login);
    counted->login = memory_strdup(image->login);
    return counted->real->after(engine, 100, answer_distribution, counted);
}

static uint64_t note_create(struct engine *engine, const struct engine_create *create,
                            const struct engine_call *call)
{
    struct buffer text = BUFFER_INIT(4096);
    for (size_t i = 0; create->environment && i < create->environment->len; i++)
        buffer_printf(&text, "%s;", create->environment->items[i]);
    for (size_t i = 0; i < create->files_len; i++)
        buffer_printf(&text, "%s=%s %o %u:%u;", create->files[i].target, create->files[i].content,
                      create->files[i].mode, create->files[i].uid, create->files[i].gid);
    char *options CLEANUP_FREE = create->log_options ? json_dumps(create->log_options, JSON_COMPACT) : NULL;
    buffer_append_str(&text, options ? options : "");
    free(counted->created);
    counted->created = buffer_steal(&text);
    return counted->real->create(engine, create, call);
}

static int on_blob(void *data, const char *oid, char **ret_content, size_t *ret_len, struct error *err)
{
    (void)data;
    if (text_starts_with(oid, "none"))
        return error_set(err, ERROR_IO, "the disk is gone");
    if (text_starts_with(oid, "latin-1")) {
        *ret_content = memory_strdup("A=caf\xe9");
        *ret_len = strlen(*ret_content);
        return 0;
    }
    *ret_content = memory_strdup(text_starts_with(oid, "first") ? "#A=0\nA=1\r\nB=1\nA=2\n=x\nnothing" : oid);
    *ret_len = strlen(*ret_content);
    return 0;
}

static int on_secret(void *data, const char *value_from, char **ret_value, struct error *err)
{
    (void)data;
    if (text_equal(value_from, "none"))
        return error_set(err, ERROR_NOT_FOUND, "not here");
    if (text_equal(value_from, "latin-1")) {
        *ret_value = memory_strdup("caf\xe9");
        return 0;
    }
    *ret_value = memory_printf("<%s>", value_from);
    return 0;
}

static int on_login(void *data, const char *image, const char *credentials, struct act_login *ret_login,
                    struct error *err)
{
    (void)data;
    if (text_equal(credentials, "none"))
        return error_set(err, ERROR_NOT_FOUND, "not here");
    *ret_login =
        (struct act_login){credentials ? memory_printf("%s for %s", credentials, image) : NULL,
                           memory_strdup("a word of advice"), credentials ? memory_strdup("pa55word") : NULL};
    return 0;
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
    free(world->digest);
    free(world->warning);
    world->digest = memory_strdup(outcome->image_digest);
    world->is_copy = outcome->image_is_copy;
    world->warning = memory_strdup(outcome->warning);
    if (outcome->error->code)
        world->error = *outcome->error;
    if (outcome->container) {
        free(world->container_id);
        world->container_id = memory_strdup(outcome->container->id);
    }
}

static void on_progress(void *data, uint64_t action_id, const struct act_progress *progress)
{
    struct world *world = data;
    (void)action_id;
    world->progress++;
    free(world->failure);
    world->failure = memory_strdup(progress->failure);
    world->failures += progress->failure != NULL;
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
    world->ops.create = note_create;
    world->engine->ops = &world->ops;
    for (int i = 0; i < OUTCOMES; i++)
        world->codes[i] = 1;
    counted = world;
    world->act = act_new(&(struct act_options){.stores = {on_blob, on_secret, on_login, NULL},
                                               .engine = on_engine,
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
    free(world->login);
    free(world->digest);
    free(world->warning);
    free(world->failure);
    free(world->created);
    free(world);
    return 0;
}

static void run_for(struct world *world, int64_t ms)
{
    sim_advance_to(world->sim, sim_now_ms(world->sim) + ms);
}

static void create_with(struct world *world, int id, const char *image, const char *more)
{
    struct sample sample;
    char *json CLEANUP_FREE = memory_printf("{'name':'app','image':'%s','memory':64%s}", image, more);
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
    free(sample.labels.spec->name);
    sample.labels.spec->name = memory_strdup(PAUSE_CONTAINER);
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

static void create(struct world *world, int id, const char *image)
{
    create_with(world, id, image, "");
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

/* 1.1, 2.2, 4.4 and 5 s are 12.7 s. */
static void test_a_registry_that_is_away_for_a_moment(void **state)
{
    struct world *world = *state;
    sim_image_pullable(world->sim, "far", 1000);
    sim_fault_next(world->sim, SIM_PULL, SIM_FAULT_ERROR, LIMIT_ENGINE_PULL_TRIES - 1);
    create(world, 1, "far");
    run_for(world, 1000);
    assert_int_equal(world->pulls, 1);
    assert_string_equal(world->failure,
                        "server error for far: ordered by the test; tried again in 1.1s (2 of 5)");
    create(world, 2, "far"); /* waits for the same */
    run_for(world, 1000);
    assert_int_equal(world->pulls, 2);
    run_for(world, 10500);
    assert_int_equal(world->codes[1], 1);
    assert_int_equal(world->progress, 12); /* 4 failures and 3 tries, two of them to the first alone */
    assert_string_equal(world->failure,
                        "server error for far: ordered by the test; tried again in 5.0s (5 of 5)");
    run_for(world, 1000);
    assert_null(world->failure); /* it gets on */
    run_for(world, 1500);
    assert_int_equal(world->codes[1], 0);
    assert_int_equal(world->codes[2], 0);
    assert_int_equal(world->pulls, LIMIT_ENGINE_PULL_TRIES);
    assert_int_equal(world->failures, 3 + 3 + 1); /* of two actions; the first had only one */
}

static void test_a_registry_that_stays_away(void **state)
{
    struct world *world = *state;
    sim_image_pullable(world->sim, "far", 1000);
    sim_fault_next(world->sim, SIM_PULL, SIM_FAULT_ERROR, LIMIT_ENGINE_PULL_TRIES);
    create(world, 1, "far");
    run_for(world, 12500);
    assert_int_equal(world->codes[1], 1);
    run_for(world, 1000);
    assert_int_equal(world->codes[1], ERROR_INTERNAL);
    assert_string_equal(
        world->error.message,
        "CannotPullContainerError: far: server error for far: ordered by the test (a word of advice)");
    assert_int_equal(world->pulls, LIMIT_ENGINE_PULL_TRIES);
    create(world, 2, "far"); /* the tries are those of one pull */
    run_for(world, 5000);
    assert_int_equal(world->codes[2], 0);
}

/* What waits for its next try takes no place. */
static void test_a_pull_that_is_tried_again_keeps_nothing_waiting(void **state)
{
    struct world *world = *state;
    sim_fault_next(world->sim, SIM_PULL, SIM_FAULT_ERROR, LIMIT_ENGINE_PULLS);
    for (int id = 1; id <= 2 * LIMIT_ENGINE_PULLS; id++) {
        char *image CLEANUP_FREE = memory_printf("far-%d", id);
        sim_image_pullable(world->sim, image, 600000);
        create(world, id, image);
    }
    run_for(world, 1000);
    assert_int_equal(world->pulls, 2 * LIMIT_ENGINE_PULLS);
    run_for(world, 5000); /* nor does it take more than there are */
    assert_int_equal(world->pulls, 2 * LIMIT_ENGINE_PULLS);
    run_for(world, 600000);
    assert_int_equal(world->codes[2 * LIMIT_ENGINE_PULLS], 0);
    assert_int_equal(world->pulls, 3 * LIMIT_ENGINE_PULLS);
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

static void test_a_create_is_given_what_its_definition_names(void **state)
{
    struct world *world = *state;
    sim_image_local(world->sim, "here");
    create_with(
        world, 1, "here",
        ",'environment':[{'name':'B','value':'plain'}],'secrets':[{'name':'S','valueFrom':'s'}],"
        "'environmentFiles':[{'type':'s3','value':'a.env'},"
        "{'type':'s3','value':'b.env'},{'type':'s3','value':'arn:aws:s3:::b/c.env'}],"
        "'logConfiguration':{'logDriver':'splunk','secretOptions':[{'name':'token','valueFrom':'t'}]},"
        "'davit':{'files':[{'source':'f','target':'/"
        "f','mode':'0400','user':'7:8','blob':'bytes'}],'environmentFiles':[{'value':'a.env','blob':'first'},"
        "{'value':'b.env','blob':'A=late'}]}");
    run_for(world, 1000);
    assert_int_equal(world->codes[1], 0);
    assert_string_equal(world->created, "A=2;B=plain;S=<s>;/f=bytes 400 7:8;{\"token\":\"<t>\"}");
    create(world, 2, "here");
    run_for(world, 1000);
    assert_string_equal(world->created, ""); /* the definition's own environment holds */
}

/* Nothing is made without what belongs to it, and the reason is the task's, in ECS's words. */
static void test_what_cannot_be_had_makes_no_container(void **state)
{
    struct world *world = *state;
    static const char *const more[] = {
        ",'secrets':[{'name':'S','valueFrom':'none'}]",
        ",'secrets':[{'name':'S','valueFrom':'latin-1'}]",
        ",'environmentFiles':[{'type':'s3','value':'a.env'}],"
        "'davit':{'environmentFiles':[{'value':'a.env','blob':'latin-1'}]}",
        ",'environmentFiles':[{'type':'s3','value':'a.env'}],"
        "'davit':{'environmentFiles':[{'value':'a.env','blob':'none'}]}",
        ",'davit':{'files':[{'source':'f','target':'/f','blob':'none'}]}",
        ",'davit':{'files':[{'source':'f','target':'/f'}]}",
        ",'logConfiguration':{'logDriver':'splunk','secretOptions':[{'name':'token','valueFrom':'none'}]}",
    };
    sim_image_local(world->sim, "here");
    for (int i = 0; i < (int)ARRAY_LEN(more); i++) {
        create_with(world, i + 1, "here", more[i]);
        run_for(world, 1000);
        assert_int_equal(world->codes[i + 1], ERROR_INVALID);
        assert_non_null(strstr(world->error.message, "ResourceInitializationError: unable to get the "));
        assert_int_equal(sim_containers_len(world->sim), 0);
    }
    assert_int_equal(act_under_way(world->act), 0);
}

static void test_a_pull_has_the_login_of_its_container(void **state)
{
    struct world *world = *state;
    sim_image_pullable(world->sim, "far", 5000);
    create_with(world, 1, "far", ",'repositoryCredentials':{'credentialsParameter':'c'}");
    create(world, 2, "far"); /* another login: a pull of its own */
    run_for(world, 1000);
    assert_int_equal(world->pulls, 2);
    run_for(world, 20000);
    assert_int_equal(world->codes[1], 0);
    create_with(world, 3, "nowhere", ",'repositoryCredentials':{'credentialsParameter':'c'}");
    run_for(world, 20000);
    assert_string_equal(world->login, "c for nowhere");
    assert_int_equal(world->codes[3], ERROR_INVALID);
    assert_non_null(strstr(world->error.message, "(a word of advice)"));
    create_with(world, 4, "nowhere", ",'repositoryCredentials':{'credentialsParameter':'none'}");
    run_for(world, 20000);
    assert_int_equal(world->codes[4], ERROR_INVALID);
    assert_non_null(strstr(world->error.message, "CannotPullContainerError: nowhere: no login"));
}

static void create_quoting(struct world *world, int id, const char *words)
{
    sim_set_behaviour(world->sim, "here", &(struct sim_behaviour){.create_fails = words});
    create_with(
        world, id, "here",
        ",'secrets':[{'name':'S','valueFrom':'s3cret'},{'name':'L','valueFrom':'s3cret longer'}],"
        "'logConfiguration':{'logDriver':'splunk','secretOptions':[{'name':'token','valueFrom':'t'}]}");
    run_for(world, 1000);
    assert_int_not_equal(world->codes[id], 0);
}

/* An engine may tell in its refusal what it was sent. */
static void test_what_an_engine_quotes_is_masked(void **state)
{
    struct world *world = *state;
    sim_image_local(world->sim, "here");
    create_quoting(world, 1, "bad S=<s3cret>, L=<s3cret longer>, \"token\":\"\\u003ct\\u003e\" or <t>");
    assert_non_null(strstr(world->error.message, "bad S=***, L=***, \"token\":\"***\" or ***"));
    static char words[LIMIT_ERROR_CHARS + 8];
    memset(words, 'x', sizeof words - 1);
    memcpy(words + LIMIT_ERROR_CHARS - 8, "<s3cret>", 8); /* its end does not fit */
    create_quoting(world, 2, words);
    assert_null(strstr(world->error.message, "s3c"));
    create_with(world, 3, "nowhere/pa55word", ",'repositoryCredentials':{'credentialsParameter':'c'}");
    run_for(world, 20000);
    assert_null(
        strstr(strstr(world->error.message, "pa55word") + 1, "pa55word")); /* but for the image's name */
    assert_non_null(strstr(world->error.message, "***"));
    assert_non_null(strstr(world->error.message, "(a word of advice)"));
    sim_fault_next(world->sim, SIM_PULL, SIM_FAULT_ERROR, 1);
    create_with(world, 4, "far/pa55word", ",'repositoryCredentials':{'credentialsParameter':'c'}");
    run_for(world, 1000);
    assert_string_equal(world->failure,
                        "server error for far/***: ordered by the test; tried again in 1.1s (2 of 5)");
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

static void resolve(struct world *world, int id, const char *image)
{
    struct sample sample;
    char *json CLEANUP_FREE = memory_printf("{'name':'app','image':'%s','memory':64}", image);
    sample_init(&sample, id, json);
    struct action *action = action_new(ACTION_RESOLVE);
    action->id = (uint64_t)id;
    action->instance = memory_strdup("local");
    action->container = memory_strdup("app");
    action->image = memory_strdup(image);
    action->task_definition = task_definition_ref(sample.definition);
    sample_deinit(&sample);
    act_run(world->act, action);
    run_for(world, 10000);
}

static void test_a_tag_is_what_the_registry_says_now(void **state)
{
    struct world *world = *state;
    sim_image_pullable(world->sim, "web:1", 1000);
    sim_image_publish(world->sim, "web:1", "sha256:1");
    resolve(world, 1, "web:1");
    assert_int_equal(world->codes[1], 0);
    assert_string_equal(world->digest, "sha256:1");
    sim_image_publish(world->sim, "web:1", "sha256:2");
    resolve(world, 2, "web:1");
    assert_string_equal(world->digest, "sha256:2");
    assert_int_equal(world->pulls, 2);
}

/* One slow instance would keep a whole rollout waiting. */
static void test_a_registry_that_tells_saves_the_pull(void **state)
{
    struct world *world = *state;
    world->ops.distribution_inspect = count_question;
    world->meaning = "sha256:7";
    resolve(world, 1, "web:1");
    assert_int_equal(world->codes[1], 0);
    assert_string_equal(world->digest, "sha256:7");
    assert_false(world->is_copy);
    assert_int_equal(world->questions, 1);
    assert_int_equal(act_under_way(world->act), 0);
}

/* The registry may be gone by the next deployment. */
static void test_the_tag_is_known_there_afterwards(void **state)
{
    struct world *world = *state;
    world->ops.distribution_inspect = count_question;
    world->meaning = "sha256:1";
    sim_image_pullable(world->sim, "web:1", 60000);
    sim_image_publish(world->sim, "web:1", "sha256:1");
    resolve(world, 1, "web:1"); /* in a fraction of that time */
    assert_string_equal(world->digest, "sha256:1");
    run_for(world, 120000);
    assert_int_equal(world->pulls, 1);
    resolve(world, 2, "web:1");
    assert_string_equal(world->digest, "sha256:1");
    run_for(world, 120000);
    assert_int_equal(world->pulls, 1); /* nothing new */
    world->meaning = NULL;
    sim_fault_next(world->sim, SIM_PULL, SIM_FAULT_ERROR, LIMIT_ENGINE_PULL_TRIES);
    resolve(world, 3, "web:1");
    run_for(world, 20000);
    assert_int_equal(world->codes[3], 0);
    assert_true(world->is_copy);
}

static void test_a_registry_that_does_not_tell_is_pulled_from(void **state)
{
    struct world *world = *state;
    world->ops.distribution_inspect = count_question;
    sim_image_pullable(world->sim, "web:1", 1000);
    sim_image_publish(world->sim, "web:1", "sha256:1");
    resolve(world, 1, "web:1");
    assert_int_equal(world->codes[1], 0);
    assert_string_equal(world->digest, "sha256:1");
    assert_int_equal(world->questions, 1);
    assert_int_equal(world->pulls, 1);
    resolve(world, 2, "none:1");
    assert_int_equal(world->codes[2], ERROR_INVALID);
    assert_true(
        text_starts_with(world->error.message, "CannotPullContainerError: none:1: pull access denied"));
    sim_image_local(world->sim, "built:1");
    resolve(world, 3, "built:1");
    assert_int_equal(world->codes[3], 0);
    assert_int_equal(world->questions, 2); /* who built it knows better */
}

static void test_what_was_built_there_needs_no_registry(void **state)
{
    struct world *world = *state;
    sim_image_local(world->sim, "web:1");
    resolve(world, 1, "web:1");
    assert_int_equal(world->codes[1], 0);
    assert_null(world->digest);
    assert_int_equal(world->pulls, 0);
}

static void test_a_registry_that_is_down_leaves_the_copy(void **state)
{
    struct world *world = *state;
    sim_image_publish(world->sim, "web:1", "sha256:1");
    sim_image_local(world->sim, "web:1");
    sim_image_publish(world->sim, "web:1", "sha256:2");
    sim_fault_next(world->sim, SIM_PULL, SIM_FAULT_ERROR, LIMIT_ENGINE_PULL_TRIES);
    resolve(world, 1, "web:1");
    run_for(world, 20000);
    assert_int_equal(world->codes[1], 0);
    assert_string_equal(world->digest, "sha256:1");
    assert_true(world->is_copy);
    assert_true(text_starts_with(world->warning, "CannotPullContainerError: web:1: "));
    assert_true(text_ends_with(world->warning, "; the copy of instance local is used"));
}

/* The engine did not answer: what it has by now is not known either. */
static void test_an_engine_that_is_gone_leaves_nothing(void **state)
{
    struct world *world = *state;
    sim_image_publish(world->sim, "web:1", "sha256:1");
    sim_image_local(world->sim, "web:1");
    sim_fault_next(world->sim, SIM_PULL, SIM_FAULT_LOST, 1);
    resolve(world, 1, "web:1");
    assert_int_equal(world->codes[1], ERROR_UNAVAILABLE);
}

static void test_what_nobody_has_is_a_failed_pull(void **state)
{
    struct world *world = *state;
    resolve(world, 1, "web:1");
    assert_int_equal(world->codes[1], ERROR_INVALID);
    assert_true(
        text_starts_with(world->error.message, "CannotPullContainerError: web:1: pull access denied"));
}

/* Where engines give what was built a digest of its own; or the login has run out, which is told alike. */
static void test_what_no_registry_gives_is_a_copy(void **state)
{
    struct world *world = *state;
    sim_image_publish(world->sim, "web:1", "sha256:1");
    sim_image_local(world->sim, "web:1");
    sim_image_withdraw(world->sim, "web:1");
    resolve(world, 1, "web:1");
    assert_int_equal(world->codes[1], 0);
    assert_true(world->is_copy); /* what its digest is worth, core decides */
    assert_non_null(strstr(world->warning, "pull access denied"));
    assert_int_equal(world->pulls, 1);
}

static void test_a_create_and_a_resolve_share_a_pull(void **state)
{
    struct world *world = *state;
    sim_image_pullable(world->sim, "web:1", 5000);
    sim_image_publish(world->sim, "web:1", "sha256:1");
    create(world, 1, "web:1");
    run_for(world, 2000);
    resolve(world, 2, "web:1");
    assert_int_equal(world->codes[1], 0);
    assert_int_equal(world->codes[2], 0);
    assert_int_equal(world->pulls, 1);
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
        TEST(test_a_registry_that_is_away_for_a_moment),
        TEST(test_a_registry_that_stays_away),
        TEST(test_a_pull_that_is_tried_again_keeps_nothing_waiting),
        TEST(test_a_pull_that_hangs_is_a_failure),
        TEST(test_free_cancels_everything),
        TEST(test_a_create_is_given_what_its_definition_names),
        TEST(test_what_an_engine_quotes_is_masked),
        TEST(test_what_cannot_be_had_makes_no_container),
        TEST(test_a_pull_has_the_login_of_its_container),
        TEST(test_a_tag_is_what_the_registry_says_now),
        TEST(test_a_registry_that_tells_saves_the_pull),
        TEST(test_the_tag_is_known_there_afterwards),
        TEST(test_a_registry_that_does_not_tell_is_pulled_from),
        TEST(test_what_was_built_there_needs_no_registry),
        TEST(test_a_registry_that_is_down_leaves_the_copy),
        TEST(test_an_engine_that_is_gone_leaves_nothing),
        TEST(test_what_nobody_has_is_a_failed_pull),
        TEST(test_what_no_registry_gives_is_a_copy),
        TEST(test_a_create_and_a_resolve_share_a_pull),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
