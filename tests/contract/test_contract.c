/* Every rule of engine/engine.h, held against each implementation: `test-contract sim|docker|podman`. */
#include "base/text.h"
#include "engine/pause_image.h"
#include "engine/watch.h"
#include "model/action.h"
#include "outcome.h"
#include "sample.h"
#include "unit.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OWNER   "owner-1"
#define OTHER   "owner-2"
#define SKIPPED 77

#define SERVER_COMMAND                                                                                       \
    "'command':['/bin/sh','-c','trap \\\"exit 143\\\" TERM; echo hello; while :; do sleep 0.05; done']"

static const char *const commands[] = {
    [CONTRACT_SERVER] = SERVER_COMMAND,
    [CONTRACT_FAILS] = "'command':['/bin/sh','-c','exit 3']",
    [CONTRACT_DEAF] = "'command':['/bin/sh','-c','trap \\\"\\\" TERM; while :; do sleep 0.05; done']",
    [CONTRACT_UNSTARTED] = "'command':['/no/such']",
};

/* `more` is appended to the container definition. */
static void make_sample(struct contract_world *world, struct sample *sample, enum contract_kind kind,
                        int serial, const char *more)
{
    char *text CLEANUP_FREE = memory_printf("{'name':'app','image':'%s','memory':16,%s%s}",
                                            world->image(world, kind), commands[kind], more);
    sample_init(sample, serial, text);
}

static int tear_down(void **state)
{
    contract_remove_all(*state, OWNER);
    contract_remove_all(*state, OTHER);
    return 0;
}

/* --- host ----------------------------------------------------------------------------------------------- */

static void test_version_tells_what_the_host_has(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    DO_WELL(world, &outcome, version);
    assert_non_null(outcome.api);
    assert_string_equal(outcome.info.os, "linux");
    assert_string_equal(outcome.info.api_version, outcome.api);
    if (world->is_real)
        assert_true(text_starts_with(outcome.info.engine, world->is_podman ? "podman " : "docker "));
    assert_true(outcome.info.cpu_units >= 1024);
    assert_true(outcome.info.memory_mib > 0);
}

static void test_images_lists_tags(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    bool found = false;
    DO_WELL(world, &outcome, images);
    for (size_t i = 0; i < outcome.names.len; i++)
        found |= text_equal(outcome.names.items[i], world->image(world, CONTRACT_SERVER));
    assert_true(found);
}

static void test_pull_of_what_nobody_has_fails(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    DO(world, &outcome, pull, &(struct engine_pull){.image = "127.0.0.1:1/davit/none:latest"});
    assert_true(outcome.code == ERROR_NOT_FOUND || outcome.code == ERROR_INTERNAL);
}

static void test_an_image_that_was_built_has_no_digest(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    DO_WELL(world, &outcome, image_inspect, world->image(world, CONTRACT_SERVER));
    assert_true(world->is_podman || !outcome.image_digest);
    DO(world, &outcome, image_inspect, "davit-absent:1");
    assert_int_equal(outcome.code, ERROR_NOT_FOUND);
    DO(world, &outcome, image_inspect, "127.0.0.1:1/davit/none:latest");
    assert_int_equal(outcome.code, ERROR_NOT_FOUND);
}

static void test_a_create_of_another_image(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    char *text CLEANUP_FREE =
        memory_printf("{'name':'app','image':'davit-absent:1','memory':16,%s}", commands[CONTRACT_SERVER]);
    sample_init(&sample, 1, text);
    sample.create.image = world->image(world, CONTRACT_SERVER);
    DO_WELL(world, &outcome, create, &sample.create);
    assert_true(text_ends_with(outcome.container->image, sample.create.image));
    sample.create.image =
        "davit-absent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    sample.create.name = "davit-contract-absent";
    DO(world, &outcome, create, &sample.create);
    assert_int_equal(outcome.code, ERROR_NOT_FOUND);
}

static void test_networks(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    DO_WELL(world, &outcome, network_create, OWNER, "davit-contract-net");
    assert_int_equal(outcome.names.len, 1);
    assert_string_equal(outcome.names.items[0], "davit-contract-net");
    DO_WELL(world, &outcome, network_create, OWNER, "davit-contract-net");
    DO(world, &outcome, network_create, OTHER, "davit-contract-net");
    assert_int_equal(outcome.code, ERROR_EXISTS);
    DO_WELL(world, &outcome, networks, OWNER);
    assert_int_equal(outcome.names.len, 1);
    DO_WELL(world, &outcome, networks, OTHER);
    assert_int_equal(outcome.names.len, 0);
    DO_WELL(world, &outcome, network_remove, "davit-contract-net");
    DO_WELL(world, &outcome, network_remove, "davit-contract-net");
    DO_WELL(world, &outcome, networks, OWNER);
    assert_int_equal(outcome.names.len, 0);
}

/* --- create and list ------------------------------------------------------------------------------------ */

static void test_create_and_read_back(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    DO_WELL(world, &outcome, create, &sample.create);
    const struct container *container = outcome.container;
    assert_non_null(container);
    assert_string_equal(container->name, sample.name);
    assert_int_equal(container->status, CONTAINER_CREATED);
    assert_int_equal(container->health, HEALTH_UNKNOWN);
    assert_false(container->has_exit_code);
    assert_null(container->reason);
    assert_true(llabs(container->created_ms - world->now_ms(world)) < PATIENCE_MS);
    assert_int_equal(container->started_ms, 0);
    assert_int_equal(container->finished_ms, 0);
    json_t *wanted = task_labels_to_json(&sample.labels);
    json_t *got = task_labels_to_json(&container->labels);
    assert_true(json_equal(wanted, got));
    json_decref(wanted);
    json_decref(got);
    char *id CLEANUP_FREE = memory_strdup(container->id);
    DO_WELL(world, &outcome, inspect, id);
    assert_string_equal(outcome.container->name, sample.name);
}

static void test_create_again_is_the_same_container(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    struct sample rival CLEANUP(sample_deinit);
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    make_sample(world, &rival, CONTRACT_SERVER, 2, "");
    DO_WELL(world, &outcome, create, &sample.create);
    char *id CLEANUP_FREE = memory_strdup(outcome.container->id);
    DO_WELL(world, &outcome, create, &sample.create);
    assert_string_equal(outcome.container->id, id);
    rival.create.name = sample.name;
    DO(world, &outcome, create, &rival.create);
    assert_int_equal(outcome.code, ERROR_EXISTS);
}

/* --- files ---------------------------------------------------------------------------------------------- */

static const struct engine_file some_files[] = {
    {.target = "/etc/davit/deep/app.conf",
     .content = "content",
     .len = 7,
     .mode = 0640,
     .uid = 12,
     .gid = 34},
};

static void check_files(struct contract_world *world, const char *id)
{
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    const char *const argv[] = {
        "/bin/sh", "-c", "cat /etc/davit/deep/app.conf; stat -c ' %a %u:%g' /etc/davit/deep/app.conf", NULL};
    DO_WELL(world, &outcome, start, id);
    if (!world->is_real)
        return;
    DO_WELL(world, &outcome, exec, id, argv);
    assert_string_equal(outcome.output, "content 640 12:34\n");
}

static void test_files_are_there_before_the_start(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    sample.create.files = some_files;
    sample.create.files_len = 1;
    DO_WELL(world, &outcome, create, &sample.create);
    assert_string_equal(outcome.container->name, sample.name);
    char *id CLEANUP_FREE = memory_strdup(outcome.container->id);
    DO_WELL(world, &outcome, create, &sample.create);
    assert_string_equal(outcome.container->id, id); /* the reply was lost */
    check_files(world, id);
    DO_WELL(world, &outcome, list, OWNER);
    assert_int_equal(outcome.list.len, 1);
}

static void test_files_get_into_a_volume_where_the_root_is_read_only(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    make_sample(
        world, &sample, CONTRACT_SERVER, 1,
        ",'readonlyRootFilesystem':true,'mountPoints':[{'sourceVolume':'v','containerPath':'/etc/davit'}]");
    json_object_set_new(sample.definition->json, "volumes", json_pack("[{s:s}]", "name", "v"));
    sample.create.files = some_files;
    sample.create.files_len = 1;
    DO_WELL(world, &outcome, create, &sample.create);
    char *id CLEANUP_FREE = memory_strdup(outcome.container->id);
    check_files(world, id);
    const char *const argv[] = {"/bin/sh", "-c", "touch /x", NULL};
    DO_WELL(world, &outcome, exec, id, argv);
    assert_true(!world->is_real || outcome.exit_code != 0);
}

/* A file in the place of a directory would take all away that is in there. */
static void test_a_file_takes_no_directory_away(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    if (!world->is_real)
        return; /* it has no directories */
    struct sample sample CLEANUP(sample_deinit);
    const struct engine_file in_the_way = {.target = "/etc/davit/deep", .content = "x", .len = 1};
    make_sample(world, &sample, CONTRACT_SERVER, 1,
                ",'mountPoints':[{'sourceVolume':'davit-contract-kept','containerPath':'/etc/davit'}]");
    json_object_set_new(sample.definition->json, "volumes",
                        json_pack("[{s:s,s:{s:s,s:b}}]", "name", "davit-contract-kept",
                                  "dockerVolumeConfiguration", "scope", "shared", "autoprovision", 1));
    sample.create.files = some_files;
    sample.create.files_len = 1;
    DO_WELL(world, &outcome, create, &sample.create);
    char *id CLEANUP_FREE = memory_strdup(outcome.container->id);
    DO_WELL(world, &outcome, remove, id, true);
    sample.create.files = &in_the_way;
    DO(world, &outcome, create, &sample.create);
    assert_int_equal(outcome.code, ERROR_INTERNAL);
    sample.create.files_len = 0;
    DO_WELL(world, &outcome, create, &sample.create);
    check_files(world, outcome.container->id);
}

/* As somebody leaves it who dies between making a container and putting its files. */
static void leave_draft(struct contract_world *world, const struct sample *sample)
{
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    char *name CLEANUP_FREE = memory_printf("%s.draft", sample->name);
    struct engine_create create = sample->create;
    create.name = name;
    create.files_len = 0;
    DO(world, &outcome, create, &create);
    assert_int_equal(outcome.code, ERROR_NOT_FOUND); /* it is there, and nobody knows of it */
}

static void test_a_container_without_its_files_is_none(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    if (!world->is_real)
        return; /* there is no moment between */
    struct sample sample CLEANUP(sample_deinit);
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    sample.create.files = some_files;
    sample.create.files_len = 1;
    leave_draft(world, &sample);
    DO_WELL(world, &outcome, create, &sample.create); /* takes it up */
    check_files(world, outcome.container->id);
    char *id CLEANUP_FREE = memory_strdup(outcome.container->id);
    DO_WELL(world, &outcome, remove, id, true);
    leave_draft(world, &sample);
    DO_WELL(world, &outcome, list, OWNER); /* takes it away */
    assert_int_equal(outcome.list.len, 0);
    char *draft CLEANUP_FREE = memory_printf("%s.draft", sample.name);
    int64_t end_ms = world->now_ms(world) + PATIENCE_MS;
    do { /* its removal is under way: Podman fails at inspecting it then */
        DO(world, &outcome, inspect, draft);
    } while ((outcome.code == ERROR_INTERNAL || strstr(outcome.message, "not complete")) &&
             world->now_ms(world) < end_ms);
    assert_int_equal(outcome.code, ERROR_NOT_FOUND);
}

static void test_create_does_not_pull(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    sample_init(&sample, 1, "{'name':'app','image':'davit-absent:1'}");
    DO(world, &outcome, create, &sample.create);
    assert_int_equal(outcome.code, ERROR_NOT_FOUND);
    sample.create.container = "other";
    DO(world, &outcome, create, &sample.create);
    assert_int_equal(outcome.code, ERROR_INVALID);
}

static void test_list_is_the_owners_and_sorted(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct outcome list CLEANUP(outcome_deinit) = {0};
    DO_WELL(world, &list, list, OWNER);
    assert_int_equal(list.list.len, 0);
    for (int i = 11; i > 0; i--) {
        struct sample sample CLEANUP(sample_deinit);
        make_sample(world, &sample, CONTRACT_SERVER, i, "");
        free(sample.labels.owner);
        sample.labels.owner = memory_strdup(i == 5 ? OTHER : OWNER);
        DO_WELL(world, &outcome, create, &sample.create);
    }
    DO_WELL(world, &list, list, OWNER);
    assert_int_equal(list.list.len, 10);
    for (size_t i = 1; i < list.list.len; i++)
        assert_true(strcmp(list.list.items[i - 1]->name, list.list.items[i]->name) < 0);
    DO_WELL(world, &list, list, OTHER);
    assert_int_equal(list.list.len, 1);
    assert_string_equal(list.list.items[0]->labels.owner, OTHER);
}

static void test_others_are_those_of_another_owner_that_run(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct outcome list CLEANUP(outcome_deinit) = {0};
    DO_WELL(world, &list, list_others, OWNER);
    assert_int_equal(list.list.len, 0);
    for (int i = 4; i > 0; i--) {
        struct sample sample CLEANUP(sample_deinit);
        make_sample(world, &sample, CONTRACT_SERVER, i, "");
        free(sample.labels.owner);
        sample.labels.owner = memory_strdup(i == 4 ? OWNER : OTHER);
        DO_WELL(world, &outcome, create, &sample.create);
        char *id CLEANUP_FREE = memory_strdup(outcome.container->id);
        if (i != 2)
            DO_WELL(world, &outcome, start, id);
    }
    DO_WELL(world, &list, list_others, OWNER);
    assert_int_equal(list.list.len, 2);
    assert_true(strcmp(list.list.items[0]->name, list.list.items[1]->name) < 0);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(list.list.items[i]->labels.owner, OTHER);
        assert_int_equal(list.list.items[i]->status, CONTAINER_RUNNING);
    }
}

/* --- start, stop, kill, remove -------------------------------------------------------------------------- */

static void test_start_and_start_again(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    DO_WELL(world, &outcome, create, &sample.create);
    DO_WELL(world, &outcome, start, sample.name);
    assert_int_equal(outcome.container->status, CONTAINER_RUNNING);
    assert_true(outcome.container->started_ms >= outcome.container->created_ms);
    assert_non_null(outcome.container->ip);
    assert_false(outcome.container->has_exit_code);
    int64_t started_ms = outcome.container->started_ms;
    DO_WELL(world, &outcome, start, sample.name);
    assert_int_equal(outcome.container->started_ms, started_ms);
}

static void test_stop_and_stop_again(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    char *id CLEANUP_FREE = NULL;
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    contract_run(world, &sample, &id);
    for (int i = 0; i < 2; i++) {
        DO_WELL(world, &outcome, stop, id, 10);
        assert_int_equal(outcome.container->status, CONTAINER_STOPPED);
        assert_true(outcome.container->has_exit_code);
        assert_int_equal(outcome.container->exit_code, 143);
        assert_true(outcome.container->finished_ms >= outcome.container->started_ms);
    }
}

static void test_stop_of_what_never_ran(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    DO_WELL(world, &outcome, create, &sample.create);
    DO_WELL(world, &outcome, stop, sample.name, 1);
    assert_false(outcome.container->has_exit_code);
}

static void test_stop_kills_after_the_timeout(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    char *id CLEANUP_FREE = NULL;
    make_sample(world, &sample, CONTRACT_DEAF, 1, "");
    contract_run(world, &sample, &id);
    int64_t before_ms = world->now_ms(world);
    DO_WELL(world, &outcome, stop, id, 1);
    assert_true(world->now_ms(world) - before_ms >= 900);
    assert_int_equal(outcome.container->exit_code, 137);
}

static void test_deadline_passes(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    char *id CLEANUP_FREE = NULL;
    make_sample(world, &sample, CONTRACT_DEAF, 1, "");
    contract_run(world, &sample, &id);
    const struct engine_call call = {.done = outcome_take, .data = &outcome, .deadline_ms = 200};
    /* long after the deadline, or a process that stands still for a while sees both at once */
    world->engine->ops->stop(world->engine, id, 8, &call);
    until(world, outcome.done);
    assert_int_equal(outcome.code, ERROR_TIMEOUT);
    DO_WELL(world, &outcome, inspect, id);
    while (outcome.container->status == CONTAINER_RUNNING)
        DO_WELL(world, &outcome, inspect, id);
    assert_int_equal(outcome.container->exit_code, 137);
}

static void test_kill(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    char *id CLEANUP_FREE = NULL;
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    contract_run(world, &sample, &id);
    DO(world, &outcome, kill, id, "SIGNONSENSE");
    assert_int_equal(outcome.code, ERROR_INVALID);
    DO_WELL(world, &outcome, kill, id, "SIGKILL");
    DO_WELL(world, &outcome, stop, id, 5);
    assert_int_equal(outcome.container->exit_code, 137);
    DO(world, &outcome, kill, id, "SIGKILL");
    assert_int_equal(outcome.code, ERROR_CONFLICT);
}

static void test_remove(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    char *id CLEANUP_FREE = NULL;
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    contract_run(world, &sample, &id);
    DO(world, &outcome, remove, id, false);
    assert_int_equal(outcome.code, ERROR_CONFLICT);
    DO_WELL(world, &outcome, remove, id, true);
    DO_WELL(world, &outcome, remove, id, false);
    DO(world, &outcome, inspect, id);
    assert_int_equal(outcome.code, ERROR_NOT_FOUND);
    DO(world, &outcome, start, id);
    assert_int_equal(outcome.code, ERROR_NOT_FOUND);
    DO(world, &outcome, stop, id, 1);
    assert_int_equal(outcome.code, ERROR_NOT_FOUND);
    DO(world, &outcome, kill, id, "SIGTERM");
    assert_int_equal(outcome.code, ERROR_NOT_FOUND);
}

static void test_exit_by_itself(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    char *id CLEANUP_FREE = NULL;
    make_sample(world, &sample, CONTRACT_FAILS, 1, "");
    contract_run(world, &sample, &id);
    DO_WELL(world, &outcome, stop, id, 1);
    assert_int_equal(outcome.container->exit_code, 3);
    assert_false(outcome.container->oom_killed);
}

static void test_start_fails_with_a_reason(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    make_sample(world, &sample, CONTRACT_UNSTARTED, 1, "");
    DO_WELL(world, &outcome, create, &sample.create);
    DO(world, &outcome, start, sample.name);
    assert_int_equal(outcome.code, ERROR_INVALID);
    assert_non_null(strstr(outcome.message, "no such file"));
    DO_WELL(world, &outcome, inspect, sample.name);
    assert_int_equal(outcome.container->status, CONTAINER_CREATED);
    assert_false(outcome.container->has_exit_code);
    if (world->is_podman)
        print_message("passed over: podman's inspection does not tell why a start failed\n");
    else
        assert_non_null(strstr(outcome.container->reason, "no such file"));
}

static void test_ports(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample dynamic CLEANUP(sample_deinit);
    struct sample fixed CLEANUP(sample_deinit);
    make_sample(world, &dynamic, CONTRACT_SERVER, 1, ",'portMappings':[{'containerPort':80}]");
    char *id CLEANUP_FREE = NULL;
    contract_run(world, &dynamic, &id);
    DO_WELL(world, &outcome, inspect, id);
    assert_int_equal(outcome.container->ports.len, 1);
    assert_int_equal(outcome.container->ports.items[0].container_port, 80);
    int taken = outcome.container->ports.items[0].host_port;
    assert_true(taken >= 1024);
    char *more CLEANUP_FREE = memory_printf(",'portMappings':[{'containerPort':80,'hostPort':%d}]", taken);
    make_sample(world, &fixed, CONTRACT_SERVER, 2, more);
    DO_WELL(world, &outcome, create, &fixed.create);
    DO(world, &outcome, start, fixed.name);
    assert_int_equal(outcome.code, ERROR_INTERNAL);
    assert_non_null(
        strstr(outcome.message, world->is_podman ? "address already in use" : "port is already allocated"));
    DO_WELL(world, &outcome, remove, id, true);
    DO_WELL(world, &outcome, start, fixed.name);
    assert_int_equal(outcome.container->ports.items[0].host_port, taken);
}

static void test_health(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    char *id CLEANUP_FREE = NULL;
    if (world->is_podman && access("/run/systemd/system", F_OK) != 0) {
        print_message("passed over: podman has its health checks run by systemd, which is not here\n");
        skip();
    }
    make_sample(world, &sample, CONTRACT_SERVER, 1,
                ",'healthCheck':{'command':['CMD','/bin/true'],'interval':1}");
    contract_run(world, &sample, &id);
    int64_t end_ms = world->now_ms(world) + PATIENCE_MS;
    do
        DO_WELL(world, &outcome, inspect, id);
    while (outcome.container->health == HEALTH_UNKNOWN && world->now_ms(world) < end_ms);
    assert_int_equal(outcome.container->health, HEALTH_HEALTHY);
}

/* Leaves one volume of a fixed name on the engine: davit removes none. */
static void test_volumes_are_mounted(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    char *id CLEANUP_FREE = NULL;
    static const char *const writes[] = {"/bin/sh", "-c",
                                         "echo kept > /data/f; cat /data/f; echo no > /fixed/f", NULL};
    if (!world->is_real) {
        print_message(
            "passed over: the simulated engine runs no commands, and has no volumes to look into\n");
        skip();
    }
    make_sample(world, &sample, CONTRACT_SERVER, 1,
                ",'mountPoints':[{'sourceVolume':'contract','containerPath':'/data'},"
                "{'sourceVolume':'etc','containerPath':'/fixed','readOnly':true}]");
    json_object_set_new(
        sample.definition->json, "volumes",
        json_pack("[{s:s},{s:s,s:{s:s}}]", "name", "contract", "name", "etc", "host", "sourcePath", "/etc"));
    contract_run(world, &sample, &id);
    DO_WELL(world, &outcome, exec, id, writes);
    assert_non_null(strstr(outcome.output, "kept\n"));
    assert_non_null(strstr(outcome.output, "Read-only"));
    assert_int_equal(outcome.exit_code, 1);
}

/* --- events --------------------------------------------------------------------------------------------- */

struct story {
    int stands;
    char text[512]; /* actions of `id`, each with a space after it */
    const char *name;
    char *id;
};

static void on_event(void *data, const struct engine_event *event)
{
    struct story *story = data;
    if (!event) {
        story->stands++;
        return;
    }
    assert_true(event->time_ms > 0);
    if (!story->id && text_equal(event->action, "create"))
        story->id = memory_strdup(event->container_id);
    assert_string_equal(event->container_id, story->id);
    size_t len = strlen(story->text);
    snprintf(story->text + len, sizeof story->text - len, "%s ", event->action);
}

static void test_events_tell_the_life_of_a_container(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct outcome stream CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    struct sample other CLEANUP(sample_deinit);
    struct story story = {0};
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    make_sample(world, &other, CONTRACT_SERVER, 2, "");
    free(other.labels.owner);
    other.labels.owner = memory_strdup(OTHER);
    const struct engine_call call = {.done = outcome_take, .event = on_event, .data = NULL};
    struct engine_call events = call;
    /* done never comes: the stream is canceled. */
    events.data = &story;
    uint64_t id = world->engine->ops->events(world->engine, OWNER, &events);
    until(world, story.stands);
    DO_WELL(world, &outcome, create, &other.create);
    DO_WELL(world, &outcome, create, &sample.create);
    DO_WELL(world, &outcome, start, sample.name);
    DO_WELL(world, &outcome, kill, sample.name, "KILL");
    DO_WELL(world, &outcome, stop, sample.name, 1);
    DO_WELL(world, &outcome, remove, sample.name, false);
    until(world, strstr(story.text, "destroy"));
    assert_string_equal(story.text, "create start die destroy ");
    assert_int_equal(story.stands, 1);
    world->engine->ops->cancel(world->engine, id);
    world->engine->ops->cancel(world->engine, id);
    free(story.id);
}

/* --- the watch works on any engine ---------------------------------------------------------------------- */

struct seen {
    int listed;
    int gone;
    enum container_status status;
};

static void on_listed(void *data, const struct container_vec *containers)
{
    (void)containers;
    ((struct seen *)data)->listed++;
}

static void on_changed(void *data, const struct container *container)
{
    assert_string_equal(container->instance, "i-1");
    ((struct seen *)data)->status = container->status;
}

static void on_gone(void *data, const char *container_id)
{
    assert_non_null(container_id);
    ((struct seen *)data)->gone++;
}

static void test_watch_follows(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    struct seen seen = {0};
    char *id CLEANUP_FREE = NULL;
    const struct engine_watch_listener listener = {
        .listed = on_listed, .changed = on_changed, .gone = on_gone, .data = &seen};
    struct engine_watch *watch = engine_watch_new(world->engine, "i-1", OWNER, &listener);
    until(world, seen.listed);
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    contract_run(world, &sample, &id);
    until(world, seen.status == CONTAINER_RUNNING);
    DO_WELL(world, &outcome, kill, id, "KILL");
    until(world, seen.status == CONTAINER_STOPPED);
    DO_WELL(world, &outcome, remove, id, false);
    until(world, seen.gone);
    assert_int_equal(seen.listed, 1);
    engine_watch_free(watch);
}

/* --- logs, exec ----------------------------------------------------------------------------------------- */

struct collected {
    struct outcome outcome; /* first: outcome_take casts to it */
    char text[512];
};

static void on_chunk(void *data, enum engine_stream stream, const char *bytes, size_t len)
{
    struct collected *collected = data;
    size_t have = strlen(collected->text);
    assert_int_equal(stream, ENGINE_STDOUT);
    assert_true(have + len < sizeof collected->text);
    memcpy(collected->text + have, bytes, len);
}

static void test_logs(void **state)
{
    struct contract_world *world = *state;
    struct sample sample CLEANUP(sample_deinit);
    char *id CLEANUP_FREE = NULL;
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    contract_run(world, &sample, &id);
    struct collected all = {0};
    struct collected none = {0};
    struct collected stamped = {0};
    struct engine_call call = {.done = outcome_take, .chunk = on_chunk, .data = &all};
    world->engine->ops->logs(world->engine, &(struct engine_logs){.container_id = id, .tail = -1}, &call);
    until(world, all.outcome.done);
    assert_int_equal(all.outcome.code, 0);
    assert_string_equal(all.text, "hello\n");
    call.data = &none;
    world->engine->ops->logs(world->engine, &(struct engine_logs){.container_id = id, .tail = 0}, &call);
    until(world, none.outcome.done);
    assert_string_equal(none.text, "");
    call.data = &stamped;
    world->engine->ops->logs(world->engine,
                             &(struct engine_logs){.container_id = id, .tail = 5, .timestamps = true}, &call);
    until(world, stamped.outcome.done);
    assert_true(text_ends_with(stamped.text, "Z hello\n"));
}

static void test_logs_follow_until_the_end(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    struct collected collected = {0};
    char *id CLEANUP_FREE = NULL;
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    contract_run(world, &sample, &id);
    const struct engine_call call = {.done = outcome_take, .chunk = on_chunk, .data = &collected};
    const struct engine_logs logs = {.container_id = id, .tail = -1, .follow = true};
    world->engine->ops->logs(world->engine, &logs, &call);
    until(world, collected.text[0]);
    assert_int_equal(collected.outcome.done, 0);
    DO_WELL(world, &outcome, stop, id, 5);
    until(world, collected.outcome.done);
    assert_int_equal(collected.outcome.code, 0);
    assert_string_equal(collected.text, "hello\n");
}

static void test_logs_of_nobody(void **state)
{
    struct contract_world *world = *state;
    struct collected collected = {0};
    const struct engine_call call = {.done = outcome_take, .chunk = on_chunk, .data = &collected};
    world->engine->ops->logs(world->engine, &(struct engine_logs){.container_id = "nobody", .tail = -1},
                             &call);
    until(world, collected.outcome.done);
    assert_int_equal(collected.outcome.code, ERROR_NOT_FOUND);
}

static void test_exec(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    char *id CLEANUP_FREE = NULL;
    static const char *const echo[] = {"/bin/echo", "some", "words", NULL};
    static const char *const fails[] = {"/bin/false", NULL};
    make_sample(world, &sample, CONTRACT_SERVER, 1, "");
    contract_run(world, &sample, &id);
    DO_WELL(world, &outcome, exec, id, echo);
    assert_string_equal(outcome.output, "some words\n");
    assert_int_equal(outcome.exit_code, 0);
    DO_WELL(world, &outcome, exec, id, fails);
    assert_string_equal(outcome.output, "");
    assert_int_equal(outcome.exit_code, 1);
    DO_WELL(world, &outcome, stop, id, 5);
    DO(world, &outcome, exec, id, echo);
    assert_int_equal(outcome.code, ERROR_CONFLICT);
    DO(world, &outcome, exec, "nobody", echo);
    assert_int_equal(outcome.code, ERROR_NOT_FOUND);
}

/* --- tasks that share namespaces -------------------------------------------------------------------------
 */

#define NETWORK "davit-owner-1.default"

/* A task of "app" and the pause container; `modes` are members of its definition. */
static void make_task(struct contract_world *world, struct sample *sample, int serial, const char *modes)
{
    make_sample(world, sample, CONTRACT_SERVER, serial, ",'portMappings':[{'containerPort':8080}]");
    struct task_definition *definition = sample->definition;
    char *text CLEANUP_FREE = memory_printf("{%s}", modes);
    json_t *more = json_loads(text, 0, NULL);
    assert_non_null(more);
    json_object_update(definition->json, more);
    json_decref(more);
    const char *mode = json_string_value(json_object_get(definition->json, "networkMode"));
    free(definition->network_mode);
    definition->network_mode = memory_strdup(mode ? mode : "bridge");
    vector_push(&definition->containers,
                (struct container_spec){.name = memory_strdup(PAUSE_CONTAINER), .essential = true});
}

/* What makes the pause container of that task. */
static struct engine_create pause_of(const struct sample *sample, struct task_labels *ret_labels,
                                     char **ret_name)
{
    task_labels_copy(&sample->labels, ret_labels);
    free(ret_labels->spec->name);
    ret_labels->spec->name = memory_strdup(PAUSE_CONTAINER);
    *ret_name = action_container_name(ret_labels);
    return (struct engine_create){.name = *ret_name,
                                  .labels = ret_labels,
                                  .definition = sample->definition,
                                  .container = PAUSE_CONTAINER};
}

/* Leaves the address of the pause container in *ret_ip (caller frees, NULL without one). */
static void run_pause(struct contract_world *world, const struct sample *sample, char **ret_ip)
{
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct task_labels labels CLEANUP(task_labels_deinit) = {0};
    char *name CLEANUP_FREE = NULL;
    const struct engine_create create = pause_of(sample, &labels, &name);
    DO_WELL(world, &outcome, image_load, &pause_image);
    DO_WELL(world, &outcome, network_create, OWNER, NETWORK);
    DO_WELL(world, &outcome, create, &create);
    assert_string_equal(outcome.container->labels.spec->name, PAUSE_CONTAINER);
    DO_WELL(world, &outcome, start, name);
    assert_int_equal(outcome.container->status, CONTAINER_RUNNING);
    *ret_ip = memory_strdup(outcome.container->ip);
}

#define IN(world, outcome, id, ...)                                                                          \
    do {                                                                                                     \
        static const char *const argv_[] = {"/bin/busybox", __VA_ARGS__, NULL};                              \
        DO_WELL(world, outcome, exec, id, argv_);                                                            \
    } while (0)

static void test_image_load(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    DO_WELL(world, &outcome, image_load, &pause_image);
    DO_WELL(world, &outcome, image_load, &pause_image);
    DO_WELL(world, &outcome, images);
    size_t found = 0;
    for (size_t i = 0; i < outcome.names.len; i++)
        found += text_equal(outcome.names.items[i], pause_image.image);
    assert_int_equal(found, 1);
    if (!world->is_real)
        return;
    const struct engine_archive garbage = {"localhost/davit-garbage:1", "garbage", 7};
    DO(world, &outcome, image_load, &garbage);
    assert_true(outcome.code < 0);
}

static void test_two_tasks_have_two_addresses(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    char *ips[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        struct sample sample CLEANUP(sample_deinit);
        char *id CLEANUP_FREE = NULL;
        make_task(world, &sample, i + 1, "\"networkMode\":\"awsvpc\"");
        run_pause(world, &sample, &ips[i]);
        assert_non_null(ips[i]);
        contract_run(world, &sample, &id);
        DO_WELL(world, &outcome, inspect, id);
        assert_null(outcome.container->ip);
        assert_int_equal(outcome.container->ports.len, 0);
        if (!world->is_real)
            continue;
        IN(world, &outcome, id, "ip", "-4", "addr");
        assert_non_null(strstr(outcome.output, ips[i]));
    }
    assert_string_not_equal(ips[0], ips[1]);
    free(ips[0]);
    free(ips[1]);
}

static void test_containers_of_a_task_talk_over_localhost(void **state)
{
    struct contract_world *world = *state;
    if (!world->is_real)
        return;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    struct sample client CLEANUP(sample_deinit);
    char *server_id CLEANUP_FREE = NULL;
    char *client_id CLEANUP_FREE = NULL;
    char *ip CLEANUP_FREE = NULL;
    make_task(world, &sample, 1, "\"networkMode\":\"awsvpc\"");
    make_task(world, &client, 1, "\"networkMode\":\"awsvpc\"");
    run_pause(world, &sample, &ip);
    contract_run(world, &sample, &server_id);
    client.create.name = "davit-contract-client";
    contract_run(world, &client, &client_id);
    static const char *const serve[] = {"/bin/busybox", "nc",        "-l",       "-p", "8080",
                                        "-e",           "/bin/echo", "well met", NULL};
    struct outcome served CLEANUP(outcome_deinit) = {0};
    const struct engine_call call = {.done = outcome_take, .data = &served};
    world->engine->ops->exec(world->engine, server_id, serve, &call);
    do
        IN(world, &outcome, client_id, "nc", "127.0.0.1", "8080");
    while (outcome.exit_code != 0);
    assert_string_equal(outcome.output, "well met\n");
    until(world, served.done);
}

/* What is left to PID 1 does not stay a zombie, and it ends at once when it is told to: told before it has
 * begun, which an engine does not wait for, it would be killed in the end. */
static void test_processes_and_ipc_of_a_task(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct task_labels labels CLEANUP(task_labels_deinit) = {0};
    char *name CLEANUP_FREE = NULL;
    struct sample sample CLEANUP(sample_deinit);
    struct sample other CLEANUP(sample_deinit);
    const char *modes = "\"pidMode\":\"task\",\"ipcMode\":\"task\"";
    char *ids[2] = {NULL, NULL};
    char *ip CLEANUP_FREE = NULL;
    make_task(world, &sample, 1, modes);
    make_task(world, &other, 1, modes);
    run_pause(world, &sample, &ip);
    other.create.name = "davit-contract-other";
    contract_run(world, &sample, &ids[0]);
    contract_run(world, &other, &ids[1]);
    DO_WELL(world, &outcome, inspect, ids[0]);
    assert_non_null(outcome.container->ip); /* a network of its own */
    if (world->is_real) {
        assert_null(ip);
        IN(world, &outcome, ids[0], "cat", "/proc/1/comm");
        assert_string_equal(outcome.output, "pause\n");
        IN(world, &outcome, ids[0], "readlink", "/proc/self/ns/ipc");
        char *ipc CLEANUP_FREE = memory_strdup(outcome.output);
        IN(world, &outcome, ids[1], "readlink", "/proc/self/ns/ipc");
        assert_string_equal(outcome.output, ipc);
        IN(world, &outcome, ids[0], "sh", "-c", "(sleep 0.1 & sleep 0.2 &) & wait");
        do
            IN(world, &outcome, ids[1], "sh", "-c",
               "for f in /proc/[0-9]*/status; do while read k v w; do [ $k = PPid: ] && p=$v; [ $k = State: "
               "] && s=$v;"
               " done < $f; [ \"$p\" = 1 ] && [ \"$s\" = Z ] && echo zombie; done; busybox ps | busybox grep "
               "-c '[s]leep 0.[12]'");
        while (!text_equal(outcome.output, "0\n"));
    }
    pause_of(&sample, &labels, &name);
    DO_WELL(world, &outcome, stop, name, 600);
    assert_int_equal(outcome.container->exit_code, world->is_real ? 0 : 143);
    free(ids[0]);
    free(ids[1]);
}

static void test_none_joins_a_pause_container_that_has_ended(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    struct task_labels labels CLEANUP(task_labels_deinit) = {0};
    char *name CLEANUP_FREE = NULL;
    char *ip CLEANUP_FREE = NULL;
    make_task(world, &sample, 1, "\"networkMode\":\"awsvpc\"");
    run_pause(world, &sample, &ip);
    pause_of(&sample, &labels, &name);
    DO_WELL(world, &outcome, stop, name, 1);
    DO_WELL(world, &outcome, create, &sample.create);
    DO(world, &outcome, start, sample.name);
    if (world->is_podman)
        return;
    assert_true(outcome.code == ERROR_INTERNAL || outcome.code == ERROR_CONFLICT);
    DO_WELL(world, &outcome, inspect, sample.name);
    assert_int_equal(outcome.container->status, CONTAINER_CREATED);
}

static void test_no_network_to_start_in(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    struct task_labels labels CLEANUP(task_labels_deinit) = {0};
    char *name CLEANUP_FREE = NULL;
    make_task(world, &sample, 1, "\"networkMode\":\"awsvpc\"");
    const struct engine_create create = pause_of(&sample, &labels, &name);
    DO_WELL(world, &outcome, image_load, &pause_image);
    DO_WELL(world, &outcome, network_remove, NETWORK);
    DO(world, &outcome, create, &create);
    if (outcome.code == 0) /* engines look at it here or there */
        DO(world, &outcome, start, name);
    assert_int_equal(outcome.code, ERROR_INTERNAL);
}

/* --- timers, cancel ------------------------------------------------------------------------------------- */

static void on_fire(void *data)
{
    ++*(int *)data;
}

static void test_after_fires_once_and_not_when_canceled(void **state)
{
    struct contract_world *world = *state;
    int fired = 0;
    int canceled = 0;
    int64_t before_ms = world->now_ms(world);
    world->engine->ops->after(world->engine, 200, on_fire, &fired);
    uint64_t id = world->engine->ops->after(world->engine, 100, on_fire, &canceled);
    world->engine->ops->cancel(world->engine, id);
    world->engine->ops->cancel(world->engine, 0);
    assert_int_equal(fired, 0);
    until(world, fired);
    assert_true(world->now_ms(world) - before_ms >= 195);
    until(world, world->now_ms(world) - before_ms >= 400);
    assert_int_equal(fired, 1);
    assert_int_equal(canceled, 0);
}

static void test_canceled_calls_are_silent(void **state)
{
    struct contract_world *world = *state;
    struct outcome silent CLEANUP(outcome_deinit) = {0};
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    const struct engine_call call = {.done = outcome_take, .data = &silent};
    uint64_t id = world->engine->ops->list(world->engine, OWNER, &call);
    world->engine->ops->cancel(world->engine, id);
    world->engine->ops->list(world->engine, OWNER, &call);
    DO_WELL(world, &outcome, version);
    until(world, silent.done);
    assert_int_equal(silent.done, 1);
}

/* --- the suite ------------------------------------------------------------------------------------------ */

#define TEST(function) cmocka_unit_test_setup_teardown(function, NULL, tear_down)

static int run(struct contract_world *world)
{
    struct CMUnitTest tests[] = {
        TEST(test_version_tells_what_the_host_has),
        TEST(test_images_lists_tags),
        TEST(test_pull_of_what_nobody_has_fails),
        TEST(test_an_image_that_was_built_has_no_digest),
        TEST(test_a_create_of_another_image),
        TEST(test_networks),
        TEST(test_create_and_read_back),
        TEST(test_create_again_is_the_same_container),
        TEST(test_create_does_not_pull),
        TEST(test_files_are_there_before_the_start),
        TEST(test_files_get_into_a_volume_where_the_root_is_read_only),
        TEST(test_a_file_takes_no_directory_away),
        TEST(test_a_container_without_its_files_is_none),
        TEST(test_list_is_the_owners_and_sorted),
        TEST(test_others_are_those_of_another_owner_that_run),
        TEST(test_start_and_start_again),
        TEST(test_stop_and_stop_again),
        TEST(test_stop_of_what_never_ran),
        TEST(test_stop_kills_after_the_timeout),
        TEST(test_deadline_passes),
        TEST(test_kill),
        TEST(test_remove),
        TEST(test_exit_by_itself),
        TEST(test_start_fails_with_a_reason),
        TEST(test_ports),
        TEST(test_health),
        TEST(test_volumes_are_mounted),
        TEST(test_watch_follows),
        TEST(test_events_tell_the_life_of_a_container),
        TEST(test_logs),
        TEST(test_logs_follow_until_the_end),
        TEST(test_logs_of_nobody),
        TEST(test_exec),
        TEST(test_image_load),
        TEST(test_two_tasks_have_two_addresses),
        TEST(test_containers_of_a_task_talk_over_localhost),
        TEST(test_processes_and_ipc_of_a_task),
        TEST(test_none_joins_a_pause_container_that_has_ended),
        TEST(test_no_network_to_start_in),
        TEST(test_after_fires_once_and_not_when_canceled),
        TEST(test_canceled_calls_are_silent),
    };
    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tests[i].initial_state = world;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

static const struct {
    const char *name;
    const char *variable; /* names the socket */
} real[] = {{"docker", "DAVIT_TEST_DOCKER_SOCKET"}, {"podman", "DAVIT_TEST_PODMAN_SOCKET"}};

int main(int argc, char **argv)
{
    struct contract_world *world = NULL;
    const char *name = argc == 2 ? argv[1] : "";
    if (text_equal(name, "sim"))
        world = contract_sim_new();
    for (size_t i = 0; i < ARRAY_LEN(real); i++) {
        if (!text_equal(name, real[i].name))
            continue;
        const char *socket = getenv(real[i].variable);
        if (!socket || !socket[0]) {
            printf("skipped: %s does not name the socket of an engine\n", real[i].variable);
            return SKIPPED;
        }
        world = contract_docker_new(socket);
        if (world)
            world->is_podman = text_equal(name, "podman");
    }
    if (!world)
        return 2;
    int failed = run(world);
    world->free(world);
    return failed ? 1 : 0;
}
