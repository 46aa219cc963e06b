#include "engine/docker.h"

#include "engine/docker_call.h"

#include <assert.h>

#define DEFAULT_ENDPOINT "unix:///var/run/docker.sock"

static void on_timer(uv_timer_t *timer)
{
    struct docker_call *call = timer->data;
    void (*fire)(void *) = call->fire;
    void *data = call->call.data;
    docker_call_drop(call);
    fire(data);
}

static void no_reply(void *data, const struct engine_reply *reply)
{
    (void)data;
    (void)reply;
}

static uint64_t docker_after(struct engine *engine, int64_t ms, void (*fire)(void *data), void *data)
{
    struct docker *docker = docker_of(engine);
    const struct engine_call none = {.done = no_reply, .data = data};
    struct docker_call *call = docker_call_new(engine, NULL, &none, 0);
    call->fire = fire;
    call->uv_timer = NEW(uv_timer_t);
    call->uv_timer->data = call;
    uv_timer_init(docker->loop, call->uv_timer);
    uv_timer_start(call->uv_timer, on_timer, ms > 0 ? (uint64_t)ms : 0, 0);
    return call->id;
}

static void docker_cancel(struct engine *engine, uint64_t id)
{
    struct docker_call *call = docker_call_find(docker_of(engine), id);
    if (call)
        docker_call_drop(call);
}

static void docker_free(struct engine *engine)
{
    struct docker *docker = docker_of(engine);
    while (docker->calls.len)
        docker_call_drop(docker->calls.items[docker->calls.len - 1]);
    http_client_free(docker->http);
    http_endpoint_deinit(&docker->endpoint);
    docker_version_deinit(&docker->version);
    json_decref(docker->settings.log_drivers);
    free(docker->settings.region);
    vector_deinit(&docker->calls);
    free(docker);
}

static const struct engine_ops docker_ops = {
    .kind = "docker",
    .version = docker_version,
    .list = docker_list,
    .list_others = docker_list_others,
    .inspect = docker_inspect,
    .pull = docker_pull,
    .image_load = docker_image_load,
    .create = docker_create,
    .start = docker_start,
    .stop = docker_stop,
    .kill = docker_kill,
    .remove = docker_remove,
    .events = docker_events,
    .logs = docker_logs,
    .exec = docker_exec,
    .networks = docker_networks,
    .network_create = docker_network_create,
    .network_remove = docker_network_remove,
    .images = docker_images,
    .image_inspect = docker_image_inspect,
    .distribution_inspect = docker_distribution_inspect,
    .after = docker_after,
    .cancel = docker_cancel,
    .free = docker_free,
};

int docker_new(uv_loop_t *loop, const struct docker_options *options, struct engine **ret_engine,
               struct error *err)
{
    assert(loop);
    assert(options);
    assert(ret_engine);
    struct http_endpoint endpoint;
    int r = http_endpoint_init(&endpoint, options->endpoint ? options->endpoint : DEFAULT_ENDPOINT, err);
    if (r < 0)
        return r;
    if (options->ca_path || options->cert_path || options->key_path) {
        r = http_endpoint_set_tls(&endpoint, options->ca_path, options->cert_path, options->key_path, err);
        if (r < 0) {
            http_endpoint_deinit(&endpoint);
            return r;
        }
    }
    struct docker *docker = NEW(struct docker);
    docker->engine.ops = &docker_ops;
    docker->loop = loop;
    docker->endpoint = endpoint;
    docker->http = http_client_new(loop, NULL);
    docker->settings = (struct docker_settings){.log_drivers = json_incref(options->log_drivers),
                                                .region = memory_strdup(options->efs_region)};
    *ret_engine = &docker->engine;
    return 0;
}
