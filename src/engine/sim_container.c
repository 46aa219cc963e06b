#include "base/text.h"
#include "engine/sim_state.h"

#include <assert.h>
#include <stdio.h>

#define FIRST_DYNAMIC_PORT 32768
#define LAST_DYNAMIC_PORT  60999
#define HEALTHY_AFTER_MS   1000

void sim_container_free(struct sim_container *container)
{
    if (!container)
        return;
    container_free(container->view);
    vector_deinit(&container->ports);
    free(container->output);
    free(container->network);
    free(container->joins);
    free(container);
}

struct sim_container *sim_find(const struct sim *sim, const char *id_or_name)
{
    struct sim_container *found = map_get(&sim->by_id, id_or_name);
    return found ? found : map_get(&sim->by_name, id_or_name);
}

struct sim_container *sim_by_serial(const struct sim *sim, uint64_t serial)
{
    size_t low = 0;
    size_t high = sim->containers.len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (sim->containers.items[middle]->serial < serial)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < sim->containers.len && sim->containers.items[low]->serial == serial)
        return sim->containers.items[low];
    return NULL;
}

void sim_make_id(struct sim *sim, uint64_t serial, char ret_id[static 65])
{
    uint64_t words[2] = {sim->options.seed, serial};
    struct digest digest = digest_of_bytes(words, sizeof words);
    digest_to_hex(&digest, ret_id);
}

void sim_log_add(struct sim *sim, const struct sim_container *container, enum sim_log_kind kind,
                 bool by_client)
{
    struct sim_log_entry entry = {.at_ms = sim->now_ms, .kind = kind, .by_client = by_client};
    entry.name = memory_strdup(container->view->name);
    memcpy(entry.task, container->view->labels.task, sizeof entry.task);
    entry.exit_code = kind == SIM_LOG_EXIT ? container->view->exit_code : 0;
    vector_push(&sim->log, entry);
}

void sim_add(struct sim *sim, struct sim_container *container)
{
    char id[65];
    assert(!map_get(&sim->by_name, container->view->name));
    container->serial = ++sim->last_serial;
    sim_make_id(sim, container->serial, id);
    container->view->id = memory_strdup(id);
    container->view->created_ms = sim->now_ms;
    const struct sim_behaviour *behaviour = sim_behaviour_of(sim, container->view->image);
    if (behaviour && !container->foreign)
        container->behaviour = *behaviour;
    vector_push(&sim->containers, container);
    map_put(&sim->by_id, id, container);
    map_put(&sim->by_name, container->view->name, container);
    sim_emit(sim, container, "create");
}

static bool port_is_taken(const struct sim *sim, int host_port, bool udp)
{
    for (size_t i = 0; i < sim->containers.len; i++) {
        const struct port_binding_vec *ports = &sim->containers.items[i]->view->ports;
        for (size_t k = 0; k < ports->len; k++)
            if (ports->items[k].host_port == host_port && ports->items[k].udp == udp)
                return true;
    }
    return false;
}

static int free_port(const struct sim *sim, bool udp)
{
    bool taken[LAST_DYNAMIC_PORT + 1] = {false};
    for (size_t i = 0; i < sim->containers.len; i++) {
        const struct port_binding_vec *ports = &sim->containers.items[i]->view->ports;
        for (size_t k = 0; k < ports->len; k++)
            if (ports->items[k].udp == udp && ports->items[k].host_port <= LAST_DYNAMIC_PORT)
                taken[ports->items[k].host_port] = true;
    }
    int port = FIRST_DYNAMIC_PORT;
    while (port < LAST_DYNAMIC_PORT && taken[port])
        port++;
    return port;
}

static int publish(struct sim *sim, struct sim_container *container, struct error *err)
{
    for (size_t i = 0; i < container->ports.len; i++) {
        const struct port_mapping *port = &container->ports.items[i];
        if (port->host_port && port_is_taken(sim, port->host_port, port->udp)) {
            vector_deinit(&container->view->ports);
            return error_set(err, ERROR_INTERNAL,
                             "driver failed programming external connectivity on endpoint %s: Bind for "
                             "0.0.0.0:%d failed: port is already allocated",
                             container->view->name, port->host_port);
        }
        int host_port = port->host_port ? port->host_port : free_port(sim, port->udp);
        vector_push(&container->view->ports,
                    (struct port_binding){port->container_port, host_port, port->udp, "0.0.0.0"});
    }
    return 0;
}

static int start_error(struct sim_container *container, int code, const char *text, struct error *err)
{
    free(container->view->reason);
    container->view->reason = memory_strdup(text);
    return error_set(err, code, "%s", text);
}

static void container_in(struct sim *sim, const struct sim_container *container, int64_t ms,
                         struct sim_entry entry)
{
    entry.target = container->serial;
    entry.run = container->run;
    sim_in(sim, ms, entry);
}

static void plan_run(struct sim *sim, const struct sim_container *container)
{
    const struct sim_behaviour *behaviour = &container->behaviour;
    if (behaviour->exits_after_ms)
        container_in(sim, container, behaviour->exits_after_ms,
                     (struct sim_entry){.step = SIM_STEP_EXIT, .value = behaviour->exit_code});
    if (!container->has_health_check)
        return;
    if (!behaviour->never_healthy)
        container_in(sim, container,
                     behaviour->healthy_after_ms ? behaviour->healthy_after_ms : HEALTHY_AFTER_MS,
                     (struct sim_entry){.step = SIM_STEP_HEALTHY});
    if (behaviour->unhealthy_after_ms)
        container_in(sim, container, behaviour->unhealthy_after_ms,
                     (struct sim_entry){.step = SIM_STEP_UNHEALTHY});
}

/* A network that is gone, or a pause container that does not run. */
static int join(const struct sim *sim, const struct sim_container *container, struct error *err)
{
    if (container->network && !sim_network_of(sim, container->network))
        return error_set(err, ERROR_INTERNAL, "network %s not found", container->network);
    const struct sim_container *joined = container->joins ? sim_find(sim, container->joins) : NULL;
    if (container->joins && (!joined || joined->view->status != CONTAINER_RUNNING))
        return error_set(err, ERROR_CONFLICT, "cannot join network of a non running container: %s",
                         container->joins);
    return 0;
}

int sim_start(struct sim *sim, struct sim_container *container, struct error *err)
{
    struct container *view = container->view;
    if (view->status == CONTAINER_RUNNING)
        return 0;
    if (container->behaviour.start_fails)
        return start_error(container, ERROR_INVALID, container->behaviour.start_fails, err);
    struct error cause = ERROR_INIT;
    if (join(sim, container, &cause) < 0 || publish(sim, container, &cause) < 0)
        return start_error(container, cause.code, cause.message, err);
    container->run++;
    sim->bare_starts += container->lacks_files;
    view->status = CONTAINER_RUNNING;
    view->health = HEALTH_UNKNOWN;
    view->has_exit_code = false;
    view->exit_code = 0;
    view->started_ms = sim->now_ms;
    view->finished_ms = 0;
    free(TAKE(view->reason));
    free(TAKE(view->ip));
    if (container->has_address)
        view->ip = memory_printf("172.17.%d.%d", (int)(container->serial / 250 % 256),
                                 (int)(container->serial % 250 + 2));
    if (container->behaviour.output) {
        free(container->output);
        container->output = memory_strdup(container->behaviour.output);
        container->output_ms = sim->now_ms;
    }
    plan_run(sim, container);
    sim_emit(sim, container, "start");
    return 0;
}

void sim_end(struct sim *sim, struct sim_container *container, int exit_code, bool quiet)
{
    struct container *view = container->view;
    assert(view->status == CONTAINER_RUNNING);
    container->run++;
    view->status = CONTAINER_STOPPED;
    /* Docker keeps the last health of what has exited; `starting` stays unknown. */
    view->has_exit_code = true;
    view->exit_code = exit_code;
    view->finished_ms = sim->now_ms;
    free(TAKE(view->ip));
    vector_deinit(&view->ports);
    sim_log_add(sim, container, SIM_LOG_EXIT, false);
    if (!quiet)
        sim_emit(sim, container, "die");
    sim_container_ended(sim, container);
}

void sim_remove(struct sim *sim, struct sim_container *container)
{
    if (container->view->status == CONTAINER_RUNNING)
        sim_end(sim, container, 137, false);
    sim_emit(sim, container, "destroy");
    map_remove(&sim->by_id, container->view->id);
    map_remove(&sim->by_name, container->view->name);
    for (size_t i = 0; i < sim->containers.len; i++) {
        if (sim->containers.items[i] == container) {
            vector_remove(&sim->containers, i);
            break;
        }
    }
    sim_container_free(container);
}

void sim_set_health(struct sim *sim, struct sim_container *container, enum health_status health)
{
    if (container->view->health == health)
        return;
    container->view->health = health;
    sim_emit(sim, container,
             health == HEALTH_HEALTHY ? "health_status: healthy" : "health_status: unhealthy");
}
