/* How often an engine is asked for the tasks of other owners, and in how few words they are told. */
#include "../api/fixture.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "daemon/other_owners.h"
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVICES 3000

/* An engine that answers when the test says so. */
struct world {
    struct engine engine; /* first: the operations get it */
    struct fixture fixture;
    struct other_owners *others;
    struct container_vec containers; /* that run there */
    struct engine_call call;         /* under way; no `done`: none */
    void (*fire)(void *data);        /* likewise */
    void *fire_data;
    int64_t pause_ms; /* of the last pause */
    int lists;
    char dir[64];
};

static uint64_t list_others(struct engine *engine, const char *owner, const struct engine_call *call)
{
    struct world *world = (struct world *)engine;
    assert_string_equal(owner, "test");
    assert_true(!world->call.done && !world->fire);
    world->call = *call;
    world->lists++;
    return 1;
}

static uint64_t after(struct engine *engine, int64_t ms, void (*fire)(void *data), void *data)
{
    struct world *world = (struct world *)engine;
    assert_true(!world->call.done && !world->fire);
    world->pause_ms = ms;
    world->fire = fire;
    world->fire_data = data;
    return 2;
}

static void cancel(struct engine *engine, uint64_t id)
{
    struct world *world = (struct world *)engine;
    if (id == 1)
        world->call.done = NULL;
    if (id == 2)
        world->fire = NULL;
}

static const struct engine_ops ops = {.list_others = list_others, .after = after, .cancel = cancel};

static int setup(void **state)
{
    struct world *world = NEW(struct world);
    world->engine.ops = &ops;
    unit_make_dir(world->dir, sizeof world->dir, "others");
    fixture_init(&world->fixture);
    world->others =
        other_owners_new(&(struct other_owners_options){.core = world->fixture.core, .owner = "test"});
    other_owners_add(world->others, "local", &world->engine);
    *state = world;
    return 0;
}

static void clear(struct world *world)
{
    for (size_t i = 0; i < world->containers.len; i++)
        container_free(world->containers.items[i]);
    vector_deinit(&world->containers);
}

static int teardown(void **state)
{
    struct world *world = *state;
    other_owners_free(world->others);
    fixture_deinit(&world->fixture);
    clear(world);
    char *clean CLEANUP_FREE = memory_printf("rm -rf %s", world->dir);
    assert_int_equal(system(clean), 0);
    free(world);
    return 0;
}

/* Services s0, s1 ... of the cluster "demo". */
static void commit(struct world *world, int services)
{
    struct buffer yaml = BUFFER_INIT(SIZE_MAX);
    buffer_append_str(&yaml, "kind: Cluster\nclusterName: demo\n---\nkind: TaskDefinition\nfamily: web\n"
                             "containerDefinitions: [{name: web, image: 'nginx:1', memory: 64}]\n");
    for (int i = 0; i < services; i++)
        buffer_printf(&yaml,
                      "---\nkind: Service\nserviceName: s%d\ncluster: demo\ntaskDefinition: web\n"
                      "desiredCount: 0\n",
                      i);
    char *text CLEANUP_FREE = buffer_steal(&yaml);
    fixture_commit(&world->fixture, "c1", text);
    assert_non_null(core_desired(world->fixture.core));
}

/* A task of two containers. */
static void run(struct world *world, const char *owner, const char *service, int serial)
{
    for (int i = 0; i < 2; i++) {
        struct container *container = NEW(struct container);
        container->labels.owner = memory_strdup(owner);
        container->labels.cluster = memory_strdup("demo");
        container->labels.service = memory_strdup(service);
        snprintf(container->labels.task, sizeof container->labels.task, "%032d", serial);
        vector_push(&world->containers, container);
    }
}

static void answer(struct world *world, enum error_code code)
{
    struct engine_call call = world->call;
    world->call.done = NULL;
    struct engine_reply reply = {.containers = code ? NULL : &world->containers};
    reply.error.code = code;
    if (call.done)
        call.done(call.data, &reply);
    else
        fail_msg("nothing is asked for");
}

static void fire(struct world *world)
{
    void (*now)(void *data) = world->fire;
    world->fire = NULL;
    if (now)
        now(world->fire_data);
    else
        fail_msg("nothing waits");
}

/* As answer(), and what the log got. Caller frees. */
static char *answer_and_read_log(struct world *world)
{
    char *path CLEANUP_FREE = memory_printf("%s/log", world->dir);
    int kept = dup(STDERR_FILENO);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(kept >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    answer(world, 0);
    dup2(kept, STDERR_FILENO);
    char text[4096];
    ssize_t len = pread(file, text, sizeof text - 1, 0);
    close(kept);
    close(file);
    assert_in_range(len, 0, sizeof text - 2);
    text[len] = '\0';
    return memory_strdup(text);
}

static int lines(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void test_many_services_are_one_warning(void **state)
{
    struct world *world = *state;
    commit(world, SERVICES);
    for (int i = 0; i < SERVICES; i++) {
        char *name CLEANUP_FREE = memory_printf("s%d", i);
        run(world, "cf6b", name, i);
    }
    run(world, "cf6b", "s0", SERVICES);
    other_owners_look(world->others);
    char *log CLEANUP_FREE = answer_and_read_log(world);
    assert_int_equal(lines(log), 1);
    assert_non_null(strstr(log, "instance local runs 3001 tasks of 3000 of your services, as demo/s0, of "
                                "owner cf6b; if they are yours, set owner: cf6b"));
    json_t *status = other_owners_status_json(world->others);
    assert_int_equal(json_array_size(status), 1);
    const json_t *entry = json_array_get(status, 0);
    assert_int_equal(json_integer_value(json_object_get(entry, "tasks")), SERVICES + 1);
    assert_int_equal(json_integer_value(json_object_get(entry, "services")), SERVICES);
    assert_string_equal(json_string_value(json_object_get(entry, "service")), "s0");
    json_decref(status);
}

static void test_what_is_not_ours_is_asked_for_once(void **state)
{
    struct world *world = *state;
    commit(world, 2);
    for (int i = 0; i < SERVICES; i++)
        run(world, "cf6b", "theirs", i);
    assert_int_equal(world->lists, 0);
    other_owners_look(world->others);
    char *log CLEANUP_FREE = answer_and_read_log(world);
    assert_string_equal(log, "");
    assert_null(other_owners_status_json(world->others));
    assert_null(world->fire);
    assert_int_equal(world->lists, 1);
}

static void test_it_is_asked_again_ever_less_until_they_are_gone(void **state)
{
    struct world *world = *state;
    commit(world, 2);
    run(world, "cf6b", "s1", 1);
    run(world, "beef", "s1", 2);
    other_owners_look(world->others);
    char *first CLEANUP_FREE = answer_and_read_log(world);
    assert_int_equal(lines(first), 2);
    assert_non_null(strstr(first, "instance local runs 1 task of demo/s1 of owner beef; if they are yours"));
    for (int64_t pause_ms = 60000; pause_ms < LIMIT_ENGINE_OTHERS_MS; pause_ms *= 2) {
        assert_int_equal(world->pause_ms, pause_ms);
        fire(world);
        char *again CLEANUP_FREE = answer_and_read_log(world);
        assert_string_equal(again, "");
    }
    assert_int_equal(world->pause_ms, LIMIT_ENGINE_OTHERS_MS);
    clear(world);
    run(world, "beef", "s1", 2);
    fire(world);
    answer(world, 0);
    json_t *status = other_owners_status_json(world->others);
    assert_int_equal(json_array_size(status), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(status, 0), "owner")), "beef");
    json_decref(status);
    clear(world);
    fire(world);
    answer(world, 0);
    assert_null(other_owners_status_json(world->others));
    assert_null(world->fire);
}

static void test_what_is_not_answered_is_asked_again(void **state)
{
    struct world *world = *state;
    commit(world, 2);
    run(world, "cf6b", "s1", 1);
    other_owners_look(world->others);
    answer(world, ERROR_UNAVAILABLE);
    assert_null(other_owners_status_json(world->others));
    fire(world);
    answer(world, 0);
    fire(world);
    answer(world, ERROR_TIMEOUT);
    json_t *status = other_owners_status_json(world->others); /* what was known stays */
    assert_int_equal(json_array_size(status), 1);
    json_decref(status);
}

/* Another source's first commit: in place of what waits, not beside it. */
static void test_another_look_takes_the_place_of_the_first(void **state)
{
    struct world *world = *state;
    commit(world, 2);
    run(world, "cf6b", "s1", 1);
    other_owners_look(world->others);
    other_owners_look(world->others);
    answer(world, 0);
    fire(world);
    answer(world, 0);
    assert_int_equal(world->pause_ms, 120000);
    other_owners_look(world->others);
    answer(world, 0);
    assert_int_equal(world->pause_ms, 60000);
    assert_int_equal(world->lists, 4);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_many_services_are_one_warning),
        CASE(test_what_is_not_ours_is_asked_for_once),
        CASE(test_it_is_asked_again_ever_less_until_they_are_gone),
        CASE(test_what_is_not_answered_is_asked_again),
        CASE(test_another_look_takes_the_place_of_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
