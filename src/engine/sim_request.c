#include "base/text.h"
#include "engine/sim_state.h"

#include <assert.h>
#include <stdio.h>

#define API_VERSION "1.41"

/* How long a request travels to its effect. The reply takes up to a quarter of it; long waits are rare. */
static const struct {
    int min_ms;
    int max_ms;
} latencies[SIM_OPS] = {
    [SIM_VERSION] = {1, 10},
    [SIM_LIST] = {2, 60},
    [SIM_INSPECT] = {1, 15},
    [SIM_PULL] = {5, 50},
    [SIM_IMAGE_LOAD] = {20, 200},
    [SIM_CREATE] = {30, 400},
    [SIM_START] = {80, 900},
    [SIM_STOP] = {2, 30},
    [SIM_KILL] = {2, 30},
    [SIM_REMOVE] = {10, 200},
    [SIM_EVENTS] = {1, 10},
    [SIM_LOGS] = {1, 10},
    [SIM_EXEC] = {20, 200},
    [SIM_NETWORKS] = {1, 15},
    [SIM_NETWORK_CREATE] = {20, 200},
    [SIM_NETWORK_REMOVE] = {20, 200},
    [SIM_IMAGES] = {1, 30},
    [SIM_IMAGE_INSPECT] = {1, 15},
    [SIM_LIST_OTHERS] = {1, 30},
};
#define SLOW_FACTOR 50

/* Default deadlines; 0 is LIMIT_ENGINE_CALL_MS. */
static const int64_t deadlines_ms[SIM_OPS] = {
    [SIM_PULL] = LIMIT_ENGINE_PULL_MS,
    [SIM_CREATE] = LIMIT_ENGINE_CREATE_MS,
    [SIM_START] = LIMIT_ENGINE_START_MS,
    [SIM_STOP] = LIMIT_ENGINE_STOP_SLACK_MS,
};

static bool is_stream(enum sim_op op)
{
    return op == SIM_EVENTS || op == SIM_LOGS;
}

static struct sim *sim_of(struct engine *engine)
{
    return (struct sim *)engine;
}

static void result_clear(struct sim_result *result)
{
    container_free(result->container);
    container_vec_deinit(&result->containers);
    buffer_deinit(&result->output);
    free(result->image_digest);
    memset(result, 0, sizeof *result);
    result->output = BUFFER_INIT(LIMIT_LOG_BYTES);
}

void sim_request_free(struct sim_request *request)
{
    result_clear(&request->result);
    free(request->target);
    free(request->extra);
    free(request->text);
    task_labels_deinit(&request->labels);
    task_definition_unref(request->definition);
    free(request);
}

static size_t index_of(const struct sim *sim, uint64_t id)
{
    size_t low = 0;
    size_t high = sim->requests.len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (sim->requests.items[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct sim_request *sim_request_find(const struct sim *sim, uint64_t id)
{
    size_t i = index_of(sim, id);
    return i < sim->requests.len && sim->requests.items[i]->id == id ? sim->requests.items[i] : NULL;
}

static void forget(struct sim *sim, const struct sim_request *request)
{
    vector_remove(&sim->requests, index_of(sim, request->id));
}

static void drop(struct sim *sim, struct sim_request *request)
{
    forget(sim, request);
    sim_request_free(request);
}

bool sim_entry_is_stale(const struct sim *sim, const struct sim_entry *entry)
{
    if (entry->step >= SIM_STEP_EXIT) {
        const struct sim_container *container = sim_by_serial(sim, entry->target);
        return !container || container->run != entry->run;
    }
    const struct sim_request *request = sim_request_find(sim, entry->target);
    if (!request)
        return true;
    switch (entry->step) {
    case SIM_STEP_ARRIVE:
        return request->stage != SIM_SENT;
    case SIM_STEP_REPLY:
        return request->stage != SIM_REPLYING;
    case SIM_STEP_DEADLINE:
        return request->orphan;
    case SIM_STEP_PROGRESS:
    case SIM_STEP_EVENT:
        return request->stage != SIM_STANDING;
    default:
        return false;
    }
}

static int64_t latency(struct sim *sim, enum sim_op op)
{
    int64_t u = sim_random_in(sim, 0, 1000);
    int64_t ms =
        latencies[op].min_ms + (latencies[op].max_ms - latencies[op].min_ms) * u * u * u / 1000000000;
    int64_t max_ms = sim->options.latency_max_ms;
    return max_ms && ms > max_ms ? max_ms : ms;
}

static enum sim_fault choose_fault(struct sim *sim, enum sim_op op)
{
    for (size_t i = 0; i < sim->scripts[op].len; i++) {
        if (sim->scripts[op].items[i].left > 0) {
            sim->scripts[op].items[i].left--;
            return sim->scripts[op].items[i].fault;
        }
    }
    for (int fault = SIM_FAULT_NONE + 1; fault < SIM_FAULTS; fault++)
        if (sim_random_permille(sim, sim->rates[op][fault]))
            return (enum sim_fault)fault;
    return SIM_FAULT_NONE;
}

/* --- sending -------------------------------------------------------------------------------------------- */

static struct sim_request *request_new(struct engine *engine, enum sim_op op, const char *target,
                                       const struct engine_call *call)
{
    assert(call->done);
    struct sim_request *request = NEW(struct sim_request);
    request->op = op;
    request->target = memory_strdup(target);
    request->call = *call;
    request->result.output = BUFFER_INIT(LIMIT_LOG_BYTES);
    request->id = ++sim_of(engine)->last_id;
    vector_push(&sim_of(engine)->requests, request);
    return request;
}

static void fail(struct sim_request *request, int code, const char *text)
{
    result_clear(&request->result);
    error_set(&request->result.error, code, "%s", text);
}

static uint64_t send_request(struct engine *engine, struct sim_request *request)
{
    struct sim *sim = sim_of(engine);
    if (sim->down) {
        fail(request, ERROR_UNAVAILABLE, "cannot connect to the engine");
        request->stage = SIM_REPLYING;
        sim_in(sim, 1, (struct sim_entry){.step = SIM_STEP_REPLY, .target = request->id});
        return request->id;
    }
    request->fault = choose_fault(sim, request->op);
    int64_t ms = latency(sim, request->op) * (request->fault == SIM_FAULT_SLOW ? SLOW_FACTOR : 1);
    const struct sim_container *container = request->op == SIM_START ? sim_find(sim, request->target) : NULL;
    if (container)
        ms += container->behaviour.start_ms;
    sim_in(sim, ms, (struct sim_entry){.step = SIM_STEP_ARRIVE, .target = request->id});
    if (is_stream(request->op))
        return request->id;
    int64_t deadline_ms = request->call.deadline_ms;
    if (deadline_ms == 0)
        deadline_ms = (deadlines_ms[request->op] ? deadlines_ms[request->op] : LIMIT_ENGINE_CALL_MS) +
                      (request->op == SIM_STOP ? request->number * 1000LL : 0);
    sim_in(sim, deadline_ms, (struct sim_entry){.step = SIM_STEP_DEADLINE, .target = request->id});
    return request->id;
}

static uint64_t op_version(struct engine *engine, const struct engine_call *call)
{
    return send_request(engine, request_new(engine, SIM_VERSION, NULL, call));
}

static uint64_t op_list_others(struct engine *engine, const char *owner, const struct engine_call *call)
{
    return send_request(engine, request_new(engine, SIM_LIST_OTHERS, owner, call));
}

static uint64_t op_list(struct engine *engine, const char *owner, const struct engine_call *call)
{
    return send_request(engine, request_new(engine, SIM_LIST, owner, call));
}

static uint64_t op_inspect(struct engine *engine, const char *container_id, const struct engine_call *call)
{
    return send_request(engine, request_new(engine, SIM_INSPECT, container_id, call));
}

static uint64_t op_pull(struct engine *engine, const struct engine_pull *pull, const struct engine_call *call)
{
    return send_request(engine, request_new(engine, SIM_PULL, pull->image, call));
}

static uint64_t op_image_load(struct engine *engine, const struct engine_archive *archive,
                              const struct engine_call *call)
{
    return send_request(engine, request_new(engine, SIM_IMAGE_LOAD, archive->image, call));
}

static uint64_t op_create(struct engine *engine, const struct engine_create *create,
                          const struct engine_call *call)
{
    struct sim_request *request = request_new(engine, SIM_CREATE, create->name, call);
    request->extra = memory_strdup(create->container);
    request->text = memory_strdup(create->image);
    request->files_len = create->files_len;
    task_labels_copy(create->labels, &request->labels);
    /* The count is not the value: definitions are shared and never changed. */
    request->definition = task_definition_ref((struct task_definition *)create->definition);
    return send_request(engine, request);
}

static uint64_t op_start(struct engine *engine, const char *container_id, const struct engine_call *call)
{
    return send_request(engine, request_new(engine, SIM_START, container_id, call));
}

static uint64_t op_stop(struct engine *engine, const char *container_id, int timeout_s,
                        const struct engine_call *call)
{
    struct sim_request *request = request_new(engine, SIM_STOP, container_id, call);
    request->number = timeout_s;
    return send_request(engine, request);
}

static uint64_t op_kill(struct engine *engine, const char *container_id, const char *signal,
                        const struct engine_call *call)
{
    struct sim_request *request = request_new(engine, SIM_KILL, container_id, call);
    request->extra = memory_strdup(signal);
    return send_request(engine, request);
}

static uint64_t op_remove(struct engine *engine, const char *container_id, bool force,
                          const struct engine_call *call)
{
    struct sim_request *request = request_new(engine, SIM_REMOVE, container_id, call);
    request->force = force;
    return send_request(engine, request);
}

static uint64_t op_events(struct engine *engine, const char *owner, const struct engine_call *call)
{
    assert(call->event);
    return send_request(engine, request_new(engine, SIM_EVENTS, owner, call));
}

static uint64_t op_logs(struct engine *engine, const struct engine_logs *logs, const struct engine_call *call)
{
    assert(call->chunk);
    struct sim_request *request = request_new(engine, SIM_LOGS, logs->container_id, call);
    request->follow = logs->follow;
    request->number = logs->tail;
    request->since_ms = logs->since_ms;
    request->timestamps = logs->timestamps;
    return send_request(engine, request);
}

static uint64_t op_exec(struct engine *engine, const char *container_id, const char *const *argv,
                        const struct engine_call *call)
{
    assert(argv[0]);
    struct sim_request *request = request_new(engine, SIM_EXEC, container_id, call);
    request->extra = memory_strdup(argv[0]);
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_LOG_BYTES);
    for (size_t i = 1; argv[i]; i++)
        buffer_printf(&text, "%s%s", i > 1 ? " " : "", argv[i]);
    buffer_append_str(&text, "\n");
    request->text = buffer_steal(&text);
    return send_request(engine, request);
}

static uint64_t op_networks(struct engine *engine, const char *owner, const struct engine_call *call)
{
    return send_request(engine, request_new(engine, SIM_NETWORKS, owner, call));
}

static uint64_t op_network_create(struct engine *engine, const char *owner, const char *name,
                                  const struct engine_call *call)
{
    struct sim_request *request = request_new(engine, SIM_NETWORK_CREATE, owner, call);
    request->extra = memory_strdup(name);
    return send_request(engine, request);
}

static uint64_t op_network_remove(struct engine *engine, const char *name, const struct engine_call *call)
{
    struct sim_request *request = request_new(engine, SIM_NETWORK_REMOVE, NULL, call);
    request->extra = memory_strdup(name);
    return send_request(engine, request);
}

static uint64_t op_images(struct engine *engine, const struct engine_call *call)
{
    return send_request(engine, request_new(engine, SIM_IMAGES, NULL, call));
}

static uint64_t op_image_inspect(struct engine *engine, const char *reference, const struct engine_call *call)
{
    return send_request(engine, request_new(engine, SIM_IMAGE_INSPECT, reference, call));
}

static void no_reply(void *data, const struct engine_reply *reply)
{
    (void)data;
    (void)reply;
}

static uint64_t op_after(struct engine *engine, int64_t ms, void (*fire)(void *data), void *data)
{
    const struct engine_call call = {.done = no_reply, .data = data};
    struct sim_request *request = request_new(engine, SIM_AFTER, NULL, &call);
    request->fire = fire;
    sim_in(sim_of(engine), ms > 0 ? ms : 0, (struct sim_entry){.step = SIM_STEP_FIRE, .target = request->id});
    return request->id;
}

static void cancel_request(struct sim *sim, struct sim_request *request)
{
    /* What is on its way to the engine gets there. */
    if (request->stage == SIM_SENT && sim_op_writes(request->op) && request->op != SIM_PULL)
        request->orphan = true;
    else
        drop(sim, request);
}

static void op_cancel(struct engine *engine, uint64_t id)
{
    struct sim_request *request = sim_request_find(sim_of(engine), id);
    if (request && !request->orphan)
        cancel_request(sim_of(engine), request);
}

static void op_free(struct engine *engine)
{
    struct sim *sim = sim_of(engine);
    for (size_t i = sim->requests.len; i-- > 0;)
        if (!sim->requests.items[i]->orphan)
            cancel_request(sim, sim->requests.items[i]);
}

static const struct engine_ops engine_ops = {
    .kind = "sim",
    .version = op_version,
    .list = op_list,
    .list_others = op_list_others,
    .inspect = op_inspect,
    .pull = op_pull,
    .image_load = op_image_load,
    .create = op_create,
    .start = op_start,
    .stop = op_stop,
    .kill = op_kill,
    .remove = op_remove,
    .events = op_events,
    .logs = op_logs,
    .exec = op_exec,
    .networks = op_networks,
    .network_create = op_network_create,
    .network_remove = op_network_remove,
    .images = op_images,
    .image_inspect = op_image_inspect,
    .after = op_after,
    .cancel = op_cancel,
    .free = op_free,
};

const struct engine_ops *sim_engine_ops(void)
{
    return &engine_ops;
}

/* --- replies -------------------------------------------------------------------------------------------- */

/* Networks of the owner; of network_create only the one. */
static void fill_networks(const struct sim *sim, const struct sim_request *request,
                          struct engine_network *out, size_t *len)
{
    for (size_t i = 0; i < sim->networks.len; i++) {
        const struct sim_network *network = &sim->networks.items[i];
        if (text_equal(network->owner, request->target) &&
            (!request->extra || text_equal(network->name, request->extra)))
            out[(*len)++] = (struct engine_network){network->id, network->name};
    }
}

static void fill_images(const struct sim *sim, struct engine_image *out, size_t *len)
{
    map_for_each (&sim->images, entry)
        if (((const struct sim_image *)entry->value)->local && !((const struct sim_image *)entry->value)->tag)
            out[(*len)++] = (struct engine_image){.id = entry->key, .tag = entry->key};
}

static void call_done(struct sim *sim, const struct sim_request *request)
{
    const struct sim_result *result = &request->result;
    struct engine_reply reply = {.error = result->error};
    if (reply.error.code) {
        request->call.done(request->call.data, &reply);
        return;
    }
    char api[] = API_VERSION, min_api[] = "1.12", name[] = "sim 1", os[] = "linux", arch[] = "x86_64";
    const struct engine_version version = {api, min_api, api};
    const struct instance_info info = {name, api, os, arch, sim->options.cpu_units, sim->options.memory_mib};
    struct engine_image *images CLEANUP_FREE = memory_calloc(sim->images.len + 1, sizeof *images);
    struct engine_network *networks CLEANUP_FREE = memory_calloc(sim->networks.len + 1, sizeof *networks);
    reply.container = result->container;
    reply.containers = request->op == SIM_LIST || request->op == SIM_LIST_OTHERS ? &result->containers : NULL;
    reply.version = request->op == SIM_VERSION ? &version : NULL;
    reply.info = request->op == SIM_VERSION ? &info : NULL;
    reply.output = request->op == SIM_EXEC ? buffer_str(&result->output) : NULL;
    reply.output_len = result->output.len;
    reply.exit_code = result->exit_code;
    reply.image_digest = result->image_digest;
    reply.images = images;
    reply.networks = networks;
    if (request->op == SIM_IMAGES)
        fill_images(sim, images, &reply.images_len);
    if (request->op == SIM_NETWORKS || request->op == SIM_NETWORK_CREATE)
        fill_networks(sim, request, networks, &reply.networks_len);
    request->call.done(request->call.data, &reply);
}

static void finish(struct sim *sim, struct sim_request *request)
{
    forget(sim, request);
    if (!request->orphan)
        call_done(sim, request);
    sim_request_free(request);
}

void sim_reply(struct sim *sim, struct sim_request *request)
{
    if (request->stage == SIM_HANGING)
        return;
    if (request->fault == SIM_FAULT_LOST)
        fail(request, ERROR_UNAVAILABLE, "the connection to the engine broke before the reply");
    request->stage = SIM_REPLYING;
    sim_in(sim, 1 + latency(sim, request->op) / 4,
           (struct sim_entry){.step = SIM_STEP_REPLY, .target = request->id});
}

/* Callbacks may cancel the request: it is looked up again after each. */
static void open_events(struct sim *sim, struct sim_request *request)
{
    request->stage = SIM_STANDING;
    request->call.event(request->call.data, NULL);
    (void)sim;
}

/* Where the last `tail` lines begin. */
static const char *tail_of(const char *output, int tail)
{
    const char *at = output + strlen(output);
    for (int lines = 0; at > output; at--)
        if (at[-1] == '\n' && lines++ == tail)
            break;
    return at;
}

static void open_logs(struct sim *sim, struct sim_request *request)
{
    const struct sim_container *container = sim_find(sim, request->target);
    uint64_t id = request->id;
    uint64_t serial = container ? container->serial : 0;
    if (!container) {
        error_set(&request->result.error, ERROR_NOT_FOUND, "No such container: %s", request->target);
        sim_reply(sim, request);
        return;
    }
    request->stage = SIM_STANDING;
    if (container->output && container->output_ms >= request->since_ms) {
        const char *text =
            request->number < 0 ? container->output : tail_of(container->output, request->number);
        char time[TEXT_TIME_SIZE] = "";
        struct buffer chunk CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_LOG_BYTES);
        text_from_time_ms(container->output_ms, time);
        for (const char *end; *text; text = end) {
            end = strchrnul(text, '\n');
            end += *end == '\n';
            buffer_printf(&chunk, "%s%s%.*s", request->timestamps ? time : "", request->timestamps ? " " : "",
                          (int)(end - text), text);
        }
        if (chunk.len)
            request->call.chunk(request->call.data, ENGINE_STDOUT, chunk.data, chunk.len);
    }
    request = sim_request_find(sim, id);
    container = sim_by_serial(sim, serial);
    if (!request)
        return;
    if (request->follow && container && container->view->status == CONTAINER_RUNNING)
        request->waits_for = serial;
    else
        sim_reply(sim, request);
}

static void open_stream(struct sim *sim, struct sim_request *request)
{
    if (request->fault == SIM_FAULT_LOST)
        sim_reply(sim, request);
    else if (request->op == SIM_EVENTS)
        open_events(sim, request);
    else
        open_logs(sim, request);
}

static void arrive(struct sim *sim, struct sim_request *request)
{
    const struct sim_container *container = request->target ? sim_find(sim, request->target) : NULL;
    if (sim_op_writes(request->op)) {
        sim->writes++;
        sim->foreign_writes += container && container->foreign && request->op != SIM_CREATE;
    }
    if (sim->silent)
        request->fault = SIM_FAULT_HANG;
    if (request->fault == SIM_FAULT_ERROR) {
        char *message CLEANUP_FREE = memory_printf("server error for %s: ordered by the test",
                                                   request->target ? request->target : "it");
        fail(request, ERROR_INTERNAL, message);
        sim_reply(sim, request);
        return;
    }
    if (request->fault == SIM_FAULT_HANG) {
        request->stage = SIM_HANGING;
        if (!is_stream(request->op) && request->op != SIM_PULL && sim_random_permille(sim, 500))
            sim_effect(sim, request);
        if (request->orphan)
            drop(sim, request);
        else if (request->op == SIM_PULL) /* of which nothing comes */
            sim_in(sim, LIMIT_ENGINE_PULL_IDLE_MS,
                   (struct sim_entry){.step = SIM_STEP_DEADLINE, .target = request->id});
        return;
    }
    if (is_stream(request->op)) {
        open_stream(sim, request);
        return;
    }
    bool complete = sim_effect(sim, request);
    if (request->fault == SIM_FAULT_TWICE && request->op != SIM_PULL) {
        result_clear(&request->result);
        complete = sim_effect(sim, request);
    }
    if (complete)
        sim_reply(sim, request);
    else
        request->stage = SIM_STANDING;
}

static void pull_progress(struct sim *sim, const struct sim_entry *entry)
{
    struct sim_request *request = sim_request_find(sim, entry->target);
    const struct engine_progress progress = {entry->value < 100 ? "Downloading" : "Pull complete",
                                             entry->value * 10000LL, 1000000};
    if (request->call.progress)
        request->call.progress(request->call.data, &progress);
    request = sim_request_find(sim, entry->target);
    if (!request || entry->value < 100)
        return;
    sim_image_pulled(sim, request->target);
    sim_reply(sim, request);
}

static void deliver_event(const struct sim_request *request, const struct sim_event *event)
{
    const struct engine_event out = {event->action, event->container_id, event->time_ms};
    request->call.event(request->call.data, &out);
}

static void pass_deadline(struct sim *sim, struct sim_request *request)
{
    uint64_t id = request->id;
    bool goes_on = request->stage == SIM_SENT && sim_op_writes(request->op);
    request->stage = goes_on ? SIM_SENT : SIM_HANGING;
    request->orphan = true;
    struct sim_request timed_out = {.op = request->op, .call = request->call};
    error_set(&timed_out.result.error, ERROR_TIMEOUT, "the engine did not answer in time");
    call_done(sim, &timed_out);
    request = sim_request_find(sim, id);
    if (request && !goes_on)
        drop(sim, request);
}

void sim_request_step(struct sim *sim, const struct sim_entry *entry)
{
    struct sim_request *request = sim_request_find(sim, entry->target);
    assert(request);
    switch (entry->step) {
    case SIM_STEP_ARRIVE:
        arrive(sim, request);
        break;
    case SIM_STEP_REPLY:
        finish(sim, request);
        break;
    case SIM_STEP_DEADLINE:
        pass_deadline(sim, request);
        break;
    case SIM_STEP_PROGRESS:
        pull_progress(sim, entry);
        break;
    case SIM_STEP_EVENT:
        deliver_event(request, entry->event);
        break;
    default:
        forget(sim, request);
        request->fire(request->call.data);
        sim_request_free(request);
    }
}

static void queue_event(struct sim *sim, struct sim_request *stream, const struct sim_container *container,
                        const char *action)
{
    int64_t at_ms = sim->now_ms + sim_random_in(sim, 1, 10);
    if (sim_random_permille(sim, sim->event_faults.delayed_permille))
        at_ms += sim->event_faults.delay_ms;
    if (at_ms < stream->stream_ms && !sim->event_faults.reordered)
        at_ms = stream->stream_ms;
    stream->stream_ms = at_ms;
    struct sim_event *event = NEW(struct sim_event);
    event->action = memory_strdup(action);
    event->container_id = memory_strdup(container->view->id);
    event->time_ms = sim->now_ms;
    sim_in(sim, at_ms - sim->now_ms,
           (struct sim_entry){.step = SIM_STEP_EVENT, .target = stream->id, .event = event});
}

void sim_emit(struct sim *sim, const struct sim_container *container, const char *action)
{
    for (size_t i = 0; i < sim->requests.len; i++) {
        struct sim_request *stream = sim->requests.items[i];
        if (stream->op != SIM_EVENTS || stream->stage != SIM_STANDING || container->foreign ||
            !text_equal(stream->target, container->view->labels.owner) || sim->silent ||
            sim_random_permille(sim, sim->event_faults.dropped_permille))
            continue;
        queue_event(sim, stream, container, action);
        if (sim_random_permille(sim, sim->event_faults.duplicated_permille))
            queue_event(sim, stream, container, action);
    }
}

void sim_container_ended(struct sim *sim, const struct sim_container *container)
{
    for (size_t i = 0; i < sim->requests.len; i++) {
        struct sim_request *request = sim->requests.items[i];
        if (request->waits_for != container->serial || request->stage != SIM_STANDING)
            continue;
        if (request->op != SIM_LOGS)
            request->result.container = container_copy(container->view);
        sim_reply(sim, request);
    }
}

void sim_break(struct sim *sim, bool streams_only)
{
    for (size_t i = sim->requests.len; i-- > 0;) {
        struct sim_request *request = sim->requests.items[i];
        if (request->op == SIM_AFTER || (streams_only && request->op != SIM_EVENTS))
            continue;
        if (request->orphan) {
            drop(sim, request);
            continue;
        }
        bool replying = request->stage == SIM_REPLYING;
        fail(request, ERROR_UNAVAILABLE, "the connection to the engine broke");
        request->stage = SIM_REPLYING;
        if (!replying)
            sim_in(sim, 1, (struct sim_entry){.step = SIM_STEP_REPLY, .target = request->id});
    }
}
