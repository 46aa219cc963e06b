#include "base/text.h"
#include "engine/pause_image.h"
#include "engine/sim_state.h"
#include "model/action.h"
#include "model/json.h"

#include <assert.h>

static bool answer(struct sim_request *request, const struct sim_container *container)
{
    container_free(request->result.container);
    request->result.container = container_copy(container->view);
    return true;
}

static struct sim_container *need(struct sim *sim, struct sim_request *request)
{
    struct sim_container *container = sim_find(sim, request->target);
    if (!container)
        error_set(&request->result.error, ERROR_NOT_FOUND, "No such container: %s", request->target);
    return container;
}

static bool not_running(struct sim_request *request, const struct sim_container *container)
{
    error_set(&request->result.error, ERROR_CONFLICT, "Container %s is not running", container->view->id);
    return true;
}

static bool effect_nothing(struct sim *sim, struct sim_request *request)
{
    (void)sim;
    (void)request;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct container *const *)a)->name, (*(struct container *const *)b)->name);
}

static bool effect_list(struct sim *sim, struct sim_request *request)
{
    struct container_vec *list = &request->result.containers;
    for (size_t i = 0; i < sim->containers.len; i++)
        if (text_equal(sim->containers.items[i]->view->labels.owner, request->target))
            vector_push(list, container_copy(sim->containers.items[i]->view));
    vector_sort(list, by_name);
    return true;
}

static bool effect_list_others(struct sim *sim, struct sim_request *request)
{
    struct container_vec *list = &request->result.containers;
    for (size_t i = 0; i < sim->containers.len; i++) {
        const struct container *view = sim->containers.items[i]->view;
        if (view->labels.owner && view->status == CONTAINER_RUNNING &&
            !text_equal(view->labels.owner, request->target))
            vector_push(list, container_copy(view));
    }
    vector_sort(list, by_name);
    return true;
}

static bool effect_inspect(struct sim *sim, struct sim_request *request)
{
    const struct sim_container *container = need(sim, request);
    if (container && container->foreign)
        error_set(&request->result.error, ERROR_NOT_FOUND, "no label %s: not a container of davit",
                  LABEL_OWNER);
    else if (container)
        answer(request, container);
    return true;
}

#define PROGRESS_STEPS 4

static bool effect_pull(struct sim *sim, struct sim_request *request)
{
    const struct sim_image *image = map_get(&sim->images, request->target);
    if (!image || image->withdrawn || (!image->local && !image->pullable)) {
        error_set(&request->result.error, ERROR_NOT_FOUND,
                  "pull access denied for %s, repository does not exist or may require 'docker login'",
                  request->target);
        return true;
    }
    if (image->local && text_equal(image->digest, image->local_digest))
        return true;
    for (int i = 1; i <= PROGRESS_STEPS; i++)
        sim_in(sim, image->pull_ms * i / PROGRESS_STEPS,
               (struct sim_entry){
                   .step = SIM_STEP_PROGRESS, .target = request->id, .value = 100 * i / PROGRESS_STEPS});
    return false;
}

static bool effect_image_load(struct sim *sim, struct sim_request *request)
{
    sim_image_local(sim, request->target);
    return true;
}

static const char *image_name(const struct sim_request *request)
{
    size_t i;
    json_t *item;
    if (text_equal(request->extra, PAUSE_CONTAINER))
        return pause_image.image;
    if (request->text)
        return request->text;
    json_array_foreach (json_object_get(request->definition->json, "containerDefinitions"), i, item)
        if (text_equal(json_string_value(json_object_get(item, "name")), request->extra))
            return json_string_value(json_object_get(item, "image"));
    return NULL;
}

static bool name_taken(struct sim_request *request, const struct sim_container *container)
{
    const struct task_labels *there = &container->view->labels;
    if (!container->foreign && text_equal(there->owner, request->labels.owner) &&
        text_equal(there->task, request->labels.task) &&
        text_equal(there->spec->name, request->labels.spec->name))
        return answer(request, container);
    error_set(&request->result.error, ERROR_EXISTS,
              "Conflict. The container name \"/%s\" is already in use by container \"%s\".", request->target,
              container->view->id);
    return true;
}

/* As docker_pause.c says it to Docker. */
static void share(struct sim_container *container, const struct sim_request *request)
{
    struct task_labels labels = request->labels; /* borrows */
    char pause[] = PAUSE_CONTAINER;
    bool is_pause = text_equal(labels.spec->name, pause);
    bool has_pause = task_definition_container(request->definition, pause);
    bool is_awsvpc = text_equal(request->definition->network_mode, "awsvpc");
    container->has_address = is_pause ? is_awsvpc : text_equal(request->definition->network_mode, "bridge");
    struct container_spec named = {.name = pause};
    labels.spec = &named;
    if (is_pause && is_awsvpc)
        container->network = action_network_name(&labels);
    else if (!is_pause && has_pause)
        container->joins = action_container_name(&labels);
}

static size_t files_of(const struct sim_request *request)
{
    size_t i;
    json_t *container;
    json_array_foreach (json_object_get(request->definition->json, "containerDefinitions"), i, container)
        if (text_equal(model_string(container, "name"), request->extra))
            return json_array_size(json_object_get(json_object_get(container, "davit"), "files"));
    return 0;
}

static bool effect_create(struct sim *sim, struct sim_request *request)
{
    const struct sim_container *taken = map_get(&sim->by_name, request->target);
    if (taken)
        return name_taken(request, taken);
    const struct container_spec *spec = task_definition_container(request->definition, request->extra);
    const char *image_key = image_name(request);
    if (!spec || !image_key) {
        error_set(&request->result.error, ERROR_INVALID, "the task definition has no container %s",
                  request->extra);
        return true;
    }
    const struct sim_image *image = map_get(&sim->images, image_key);
    if (!image || !image->local) {
        error_set(&request->result.error, ERROR_NOT_FOUND, "No such image: %s", image_key);
        return true;
    }
    const struct sim_behaviour *behaviour = sim_behaviour_of(sim, image_key);
    if (behaviour && behaviour->create_fails) {
        error_set(&request->result.error, ERROR_INVALID, "%s", behaviour->create_fails);
        return true;
    }
    struct sim_container *container = NEW(struct sim_container);
    container->view = NEW(struct container);
    container->view->name = memory_strdup(request->target);
    container->view->image = memory_strdup(image_key);
    container->view->image_id = memory_strdup(image_key);
    task_labels_copy(&request->labels, &container->view->labels);
    container->has_health_check = spec->has_health_check;
    container->lacks_files = request->files_len < files_of(request);
    /* In host mode nothing is published: the process binds the host's ports itself. */
    if (text_equal(request->definition->network_mode, "bridge"))
        for (size_t i = 0; i < spec->ports.len; i++)
            vector_push(&container->ports, spec->ports.items[i]);
    share(container, request);
    sim_add(sim, container);
    sim_log_add(sim, container, SIM_LOG_CREATE, true);
    return answer(request, container);
}

static bool effect_start(struct sim *sim, struct sim_request *request)
{
    struct sim_container *container = need(sim, request);
    if (!container)
        return true;
    bool ran = container->view->status == CONTAINER_RUNNING;
    if (sim_start(sim, container, &request->result.error) < 0)
        return true;
    if (!ran)
        sim_log_add(sim, container, SIM_LOG_START, true);
    return answer(request, container);
}

#define STOP_MS 20

static void exit_in(struct sim *sim, const struct sim_container *container, int64_t ms, int exit_code)
{
    sim_in(
        sim, ms,
        (struct sim_entry){
            .step = SIM_STEP_EXIT, .target = container->serial, .run = container->run, .value = exit_code});
}

static bool effect_stop(struct sim *sim, struct sim_request *request)
{
    const struct sim_container *container = need(sim, request);
    if (!container)
        return true;
    if (container->view->status != CONTAINER_RUNNING)
        return answer(request, container);
    const struct sim_behaviour *behaviour = &container->behaviour;
    int64_t timeout_ms = request->number * 1000LL;
    int64_t stop_ms = behaviour->stop_ms ? behaviour->stop_ms : STOP_MS;
    bool killed = behaviour->ignores_sigterm || stop_ms > timeout_ms;
    sim_log_add(sim, container, SIM_LOG_STOP, true);
    exit_in(sim, container, killed ? timeout_ms : stop_ms, killed ? 137 : 143);
    request->waits_for = container->serial;
    return false;
}

static const struct signal_effect {
    const char *name;
    int exit_code; /* 0: it runs on */
} signals[] = {{"KILL", 137}, {"TERM", 143}, {"INT", 130}, {"QUIT", 131},
               {"HUP", 129},  {"USR1", 0},   {"USR2", 0}};

static const struct signal_effect *signal_of(const char *name)
{
    const char *plain = text_starts_with(name, "SIG") ? name + 3 : name;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        if (text_equal(signals[i].name, plain))
            return &signals[i];
    return NULL;
}

static bool effect_kill(struct sim *sim, struct sim_request *request)
{
    struct sim_container *container = need(sim, request);
    if (!container)
        return true;
    const struct signal_effect *signal = signal_of(request->extra);
    if (!signal) {
        error_set(&request->result.error, ERROR_INVALID, "Invalid signal: %s", request->extra);
        return true;
    }
    if (container->view->status != CONTAINER_RUNNING)
        return not_running(request, container);
    sim_log_add(sim, container, SIM_LOG_KILL, true);
    if (signal->exit_code == 137)
        sim_end(sim, container, 137, false);
    else if (signal->exit_code && !container->behaviour.ignores_sigterm)
        exit_in(sim, container, container->behaviour.stop_ms ? container->behaviour.stop_ms : STOP_MS,
                signal->exit_code);
    return answer(request, container);
}

static bool effect_remove(struct sim *sim, struct sim_request *request)
{
    struct sim_container *container = sim_find(sim, request->target);
    if (!container)
        return true;
    if (container->view->status == CONTAINER_RUNNING && !request->force) {
        error_set(&request->result.error, ERROR_CONFLICT,
                  "You cannot remove a running container %s. Stop the container before attempting removal or "
                  "force remove",
                  container->view->id);
        return true;
    }
    sim_log_add(sim, container, SIM_LOG_REMOVE, true);
    sim_remove(sim, container);
    return true;
}

/* Knows the few programs that tests run. */
static bool effect_exec(struct sim *sim, struct sim_request *request)
{
    const struct sim_container *container = need(sim, request);
    if (!container)
        return true;
    if (container->view->status != CONTAINER_RUNNING)
        return not_running(request, container);
    const char *slash = strrchr(request->extra, '/');
    const char *program = slash ? slash + 1 : request->extra;
    if (text_equal(program, "echo"))
        buffer_append_str(&request->result.output, request->text);
    else if (text_equal(program, "false"))
        request->result.exit_code = 1;
    else if (!text_equal(program, "true"))
        request->result.exit_code = 127;
    return true;
}

struct sim_network *sim_network_of(const struct sim *sim, const char *name)
{
    for (size_t i = 0; i < sim->networks.len; i++)
        if (text_equal(sim->networks.items[i].name, name))
            return &sim->networks.items[i];
    return NULL;
}

static bool effect_network_create(struct sim *sim, struct sim_request *request)
{
    const struct sim_network *taken = sim_network_of(sim, request->extra);
    if (taken) {
        if (!text_equal(taken->owner, request->target))
            error_set(&request->result.error, ERROR_EXISTS, "network with name %s already exists",
                      request->extra);
        return true;
    }
    char id[65];
    sim_make_id(sim, ++sim->last_serial, id);
    vector_push(&sim->networks, (struct sim_network){memory_strdup(id), memory_strdup(request->extra),
                                                     memory_strdup(request->target)});
    return true;
}

static bool effect_network_remove(struct sim *sim, struct sim_request *request)
{
    struct sim_network *network = sim_network_of(sim, request->extra);
    if (!network)
        return true;
    free(network->id);
    free(network->name);
    free(network->owner);
    vector_remove(&sim->networks, (size_t)(network - sim->networks.items));
    return true;
}

static bool effect_image_inspect(struct sim *sim, struct sim_request *request)
{
    const struct sim_image *image = map_get(&sim->images, request->target);
    if (!image || !image->local)
        error_set(&request->result.error, ERROR_NOT_FOUND, "No such image: %s", request->target);
    else
        request->result.image_digest = memory_strdup(image->local_digest);
    return true;
}

static const struct {
    bool (*run)(struct sim *, struct sim_request *);
    bool writes;
} effects[SIM_OPS] = {
    [SIM_VERSION] = {effect_nothing, false},
    [SIM_LIST] = {effect_list, false},
    [SIM_INSPECT] = {effect_inspect, false},
    [SIM_PULL] = {effect_pull, true},
    [SIM_IMAGE_LOAD] = {effect_image_load, true},
    [SIM_CREATE] = {effect_create, true},
    [SIM_START] = {effect_start, true},
    [SIM_STOP] = {effect_stop, true},
    [SIM_KILL] = {effect_kill, true},
    [SIM_REMOVE] = {effect_remove, true},
    [SIM_EVENTS] = {effect_nothing, false},
    [SIM_LOGS] = {effect_nothing, false},
    [SIM_EXEC] = {effect_exec, true},
    [SIM_NETWORKS] = {effect_nothing, false},
    [SIM_NETWORK_CREATE] = {effect_network_create, true},
    [SIM_NETWORK_REMOVE] = {effect_network_remove, true},
    [SIM_IMAGES] = {effect_nothing, false},
    [SIM_IMAGE_INSPECT] = {effect_image_inspect, false},
    [SIM_LIST_OTHERS] = {effect_list_others, false},
};

bool sim_effect(struct sim *sim, struct sim_request *request)
{
    assert(effects[request->op].run);
    return effects[request->op].run(sim, request);
}

bool sim_op_writes(enum sim_op op)
{
    return op < SIM_OPS && effects[op].writes;
}
