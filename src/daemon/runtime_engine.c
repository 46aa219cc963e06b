/* The engines of a runtime: what they tell becomes events, in our time. */
#include "daemon/runtime_state.h"

#include "base/text.h"
#include "daemon/inputs.h"
#include "daemon/log.h"
#include "daemon/other_owners.h"
#include "engine/docker.h"
#include "engine/watch.h"

#include <assert.h>
#include <stdlib.h>

struct runtime_instance *runtime_instance_named(struct runtime *runtime, const char *name)
{
    for (size_t i = 0; i < runtime->instances_len; i++)
        if (text_equal(runtime->instances[i].name, name))
            return &runtime->instances[i];
    return NULL;
}

struct engine *runtime_engine(struct runtime *runtime, const char *instance)
{
    assert(runtime);
    struct runtime_instance *found = runtime_instance_named(runtime, instance);
    return found ? found->engine : NULL;
}

static void on_connected(void *data, const struct instance_info *info)
{
    struct runtime_instance *instance = data;
    struct event event;
    input_connected(instance->name, info, &event);
    log_message(LOG_LEVEL_INFO, "instance %s: %s, API %s", instance->name,
                info->engine ? info->engine : "engine", info->api_version ? info->api_version : "?");
    runtime_post(instance->runtime, &event);
}

/* Its stamps are by the engine's clock. */
static void bring_to_our_time(const struct runtime_instance *instance, struct container *container)
{
    if (!instance || !instance->is_local || !container)
        return;
    const struct timebase *timebase = &instance->runtime->timebase;
    container->created_ms = timebase_of_stamp(timebase, container->created_ms);
    container->started_ms = timebase_of_stamp(timebase, container->started_ms);
    container->finished_ms = timebase_of_stamp(timebase, container->finished_ms);
}

static void on_listed(void *data, const struct container_vec *containers)
{
    struct runtime_instance *instance = data;
    struct event event;
    input_listed(instance->name, containers, &event);
    for (size_t i = 0; i < event.engine.containers.len; i++)
        bring_to_our_time(instance, event.engine.containers.items[i]);
    runtime_post(instance->runtime, &event);
}

static void on_changed(void *data, const struct container *container)
{
    struct runtime_instance *instance = data;
    struct event event;
    input_container(instance->name, container, &event);
    bring_to_our_time(instance, event.engine.container);
    runtime_post(instance->runtime, &event);
}

static void on_gone(void *data, const char *container_id)
{
    struct runtime_instance *instance = data;
    struct event event;
    input_gone(instance->name, container_id, &event);
    runtime_post(instance->runtime, &event);
}

static void on_heard(void *data)
{
    struct runtime_instance *instance = data;
    instance->heard_boot_ms = runtime_boot_ms();
}

static void on_disconnected(void *data, const struct error *cause)
{
    struct runtime_instance *instance = data;
    struct event event;
    input_disconnected(instance->name, cause,
                       instance->heard_boot_ms ? runtime_boot_ms() - instance->heard_boot_ms : 0, &event);
    log_message(LOG_LEVEL_WARNING, "instance %s: %s", instance->name, error_text(cause));
    runtime_post(instance->runtime, &event);
}

static void on_unreadable(void *data, size_t count, const char *why)
{
    const struct runtime_instance *instance = data;
    log_message(LOG_LEVEL_WARNING, "instance %s: %zu container%s cannot be read whole, the first: %s",
                instance->name, count, text_plural((int64_t)count), why);
}

static int make_docker(const struct runtime *runtime, const struct config_instance *instance,
                       struct engine **ret_engine, struct error *err)
{
    const struct docker_options options = {.endpoint = instance->endpoint,
                                           .ca_path = instance->tls_ca,
                                           .cert_path = instance->tls_cert,
                                           .key_path = instance->tls_key,
                                           .log_drivers = runtime->options.config->log_drivers,
                                           .efs_region = runtime->options.config->efs_region};
    return docker_new(runtime->options.loop, &options, ret_engine, err);
}

int runtime_engines_open(struct runtime *runtime, struct error *err)
{
    const struct runtime_options *options = &runtime->options;
    const struct config *config = options->config;
    runtime->instances = memory_calloc(config->instances.len, sizeof *runtime->instances);
    for (size_t i = 0; i < config->instances.len; i++) {
        const struct config_instance *from = &config->instances.items[i];
        struct runtime_instance *instance = &runtime->instances[i];
        *instance = (struct runtime_instance){
            .runtime = runtime, .name = from->name, .is_local = text_starts_with(from->endpoint, "unix://")};
        int r = options->make_engine ? options->make_engine(options->data, from, &instance->engine, err)
                                     : make_docker(runtime, from, &instance->engine, err);
        if (r < 0)
            return error_wrap(err, r, "instance %s", from->name);
        runtime->instances_len++;
    }
    return 0;
}

void runtime_engines_watch(struct runtime *runtime)
{
    for (size_t i = 0; i < runtime->instances_len; i++) {
        struct runtime_instance *instance = &runtime->instances[i];
        const struct engine_watch_listener listener = {.connected = on_connected,
                                                       .listed = on_listed,
                                                       .changed = on_changed,
                                                       .gone = on_gone,
                                                       .disconnected = on_disconnected,
                                                       .unreadable = on_unreadable,
                                                       .heard = on_heard,
                                                       .data = instance};
        instance->watch =
            engine_watch_new(instance->engine, instance->name, runtime->options.config->owner, &listener);
        if (runtime->other_owners)
            other_owners_add(runtime->other_owners, instance->name, instance->engine);
    }
}

void runtime_engine_done(void *data, const struct act_outcome *outcome)
{
    struct runtime *runtime = data;
    struct runtime_instance *instance = runtime_instance_named(runtime, outcome->instance);
    struct event event;
    if (instance && (outcome->container || outcome->gone))
        on_heard(instance);
    if (outcome->warning)
        log_message(LOG_LEVEL_WARNING, "%s: %s",
                    outcome->container ? outcome->container->name : outcome->instance, outcome->warning);
    input_action_done(outcome, &event);
    bring_to_our_time(instance, event.action.container);
    if (instance && (outcome->container || outcome->gone))
        engine_watch_overtake(instance->watch, outcome->container_id, outcome->container);
    runtime_post(runtime, &event);
}
