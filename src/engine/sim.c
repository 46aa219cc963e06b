#include "engine/sim.h"

#include "base/text.h"
#include "engine/sim_state.h"
#include "model/image.h"

#include <assert.h>

#define FIRST_MS 1700000000000

struct sim *sim_new(const struct sim_options *options)
{
    struct sim *sim = NEW(struct sim);
    sim->engine.ops = sim_engine_ops();
    if (options)
        sim->options = *options;
    if (!sim->options.cpu_units)
        sim->options.cpu_units = 4096;
    if (!sim->options.memory_mib)
        sim->options.memory_mib = 8192;
    sim->now_ms = sim->options.now_ms ? sim->options.now_ms : FIRST_MS;
    sim->random = sim->options.seed;
    sim->images = MAP_INIT(sim_image_free);
    sim->behaviours = MAP_INIT(free);
    return sim;
}

void sim_free(struct sim *sim)
{
    if (!sim)
        return;
    for (size_t i = 0; i < sim->requests.len; i++)
        sim_request_free(sim->requests.items[i]);
    for (size_t i = 0; i < sim->containers.len; i++)
        sim_container_free(sim->containers.items[i]);
    for (size_t i = 0; i < sim->networks.len; i++) {
        free(sim->networks.items[i].id);
        free(sim->networks.items[i].name);
        free(sim->networks.items[i].owner);
    }
    for (size_t i = 0; i < sim->log.len; i++)
        free(sim->log.items[i].name);
    for (int op = 0; op < SIM_OPS; op++)
        vector_deinit(&sim->scripts[op]);
    sim_queue_deinit(&sim->queue);
    vector_deinit(&sim->requests);
    vector_deinit(&sim->containers);
    vector_deinit(&sim->networks);
    vector_deinit(&sim->log);
    map_deinit(&sim->by_id);
    map_deinit(&sim->by_name);
    map_deinit(&sim->images);
    map_deinit(&sim->behaviours);
    free(sim);
}

struct engine *sim_engine(struct sim *sim)
{
    assert(sim);
    return &sim->engine;
}

/* splitmix64: one word of state, so that a seed is all a failing test has to print. */
uint64_t sim_random(struct sim *sim)
{
    uint64_t z = sim->random += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

int64_t sim_random_in(struct sim *sim, int64_t min, int64_t max)
{
    assert(min <= max);
    return min + (int64_t)(sim_random(sim) % (uint64_t)(max - min + 1));
}

bool sim_random_permille(struct sim *sim, int permille)
{
    return permille > 0 && sim_random_in(sim, 0, 999) < permille;
}

int64_t sim_now_ms(const struct sim *sim)
{
    return sim->now_ms;
}

void sim_in(struct sim *sim, int64_t ms, struct sim_entry entry)
{
    assert(ms >= 0);
    entry.at_ms = sim->now_ms + ms;
    entry.order = ++sim->last_order;
    sim_queue_push(&sim->queue, &entry);
}

int64_t sim_next_ms(struct sim *sim)
{
    assert(sim);
    while (sim->queue.len && sim_entry_is_stale(sim, &sim->queue.items[0]))
        sim_event_free(sim_queue_pop(&sim->queue).event);
    return sim->queue.len ? sim->queue.items[0].at_ms : INT64_MAX;
}

static void container_step(struct sim *sim, const struct sim_entry *entry)
{
    struct sim_container *container = sim_by_serial(sim, entry->target);
    if (entry->step == SIM_STEP_EXIT)
        sim_end(sim, container, entry->value, false);
    else
        sim_set_health(sim, container, entry->step == SIM_STEP_HEALTHY ? HEALTH_HEALTHY : HEALTH_UNHEALTHY);
}

void sim_advance_to(struct sim *sim, int64_t now_ms)
{
    assert(sim);
    while (sim_next_ms(sim) <= now_ms) {
        struct sim_entry entry = sim_queue_pop(&sim->queue);
        if (entry.at_ms > sim->now_ms)
            sim->now_ms = entry.at_ms;
        if (entry.step >= SIM_STEP_EXIT)
            container_step(sim, &entry);
        else
            sim_request_step(sim, &entry);
        sim_event_free(entry.event);
    }
    if (now_ms > sim->now_ms)
        sim->now_ms = now_ms;
}

void sim_image_free(struct sim_image *image)
{
    if (!image)
        return;
    free(image->digest);
    free(image->local_digest);
    free(image->tag);
    free(image);
}

static struct sim_image *known_image(struct sim *sim, const char *image)
{
    struct sim_image *found = map_get(&sim->images, image);
    if (!found) {
        found = NEW(struct sim_image);
        map_put(&sim->images, image, found);
    }
    return found;
}

void sim_image_local(struct sim *sim, const char *image)
{
    sim_image_pulled(sim, image);
}

void sim_image_pullable(struct sim *sim, const char *image, int64_t pull_ms)
{
    struct sim_image *found = known_image(sim, image);
    found->pullable = true;
    found->pull_ms = pull_ms;
}

void sim_image_remove(struct sim *sim, const char *image)
{
    map_remove(&sim->images, image);
}

void sim_image_publish(struct sim *sim, const char *image, const char *digest)
{
    struct sim_image *tagged = known_image(sim, image);
    free(tagged->digest);
    tagged->digest = memory_strdup(digest);
    char *name CLEANUP_FREE = image_at(image, digest);
    struct sim_image *pinned = known_image(sim, name);
    pinned->pullable = true;
    pinned->pull_ms = tagged->pull_ms;
    free(pinned->digest);
    pinned->digest = memory_strdup(digest);
    free(pinned->tag);
    pinned->tag = memory_strdup(image);
}

void sim_image_withdraw(struct sim *sim, const char *image)
{
    known_image(sim, image)->withdrawn = true;
}

void sim_image_pulled(struct sim *sim, const char *image)
{
    struct sim_image *pulled = known_image(sim, image);
    pulled->local = true;
    if (!pulled->digest)
        return;
    free(pulled->local_digest);
    pulled->local_digest = memory_strdup(pulled->digest);
    char *name CLEANUP_FREE = image_at(image, pulled->digest);
    struct sim_image *pinned = known_image(sim, name);
    if (pinned != pulled) {
        pinned->local = true;
        free(pinned->local_digest);
        pinned->local_digest = memory_strdup(pulled->digest);
    }
}

const struct sim_behaviour *sim_behaviour_of(const struct sim *sim, const char *image)
{
    const struct sim_image *known = map_get(&sim->images, image);
    return map_get(&sim->behaviours, known && known->tag ? known->tag : image);
}

void sim_set_behaviour(struct sim *sim, const char *image, const struct sim_behaviour *behaviour)
{
    struct sim_behaviour *copy = NEW(struct sim_behaviour);
    *copy = *behaviour;
    map_put(&sim->behaviours, image, copy);
}

void sim_fault_next(struct sim *sim, enum sim_op op, enum sim_fault fault, int count)
{
    assert(op < SIM_AFTER && fault < SIM_FAULTS);
    vector_push(&sim->scripts[op], (struct sim_script){fault, count});
}

void sim_fault_rate(struct sim *sim, enum sim_op op, enum sim_fault fault, int permille)
{
    assert(op < SIM_AFTER && fault < SIM_FAULTS);
    sim->rates[op][fault] = permille;
}

void sim_fault_events(struct sim *sim, const struct sim_event_faults *faults)
{
    sim->event_faults = *faults;
}

void sim_silence(struct sim *sim, bool silent)
{
    sim->silent = silent;
}

void sim_break_streams(struct sim *sim)
{
    sim_break(sim, true);
}

void sim_crash(struct sim *sim)
{
    sim->down = true;
    sim_break(sim, false);
}

void sim_reboot(struct sim *sim)
{
    sim_crash(sim);
    for (size_t i = 0; i < sim->containers.len; i++)
        if (sim->containers.items[i]->view->status == CONTAINER_RUNNING)
            sim_end(sim, sim->containers.items[i], 255, true);
}

void sim_restart(struct sim *sim)
{
    sim->down = sim->silent = false;
}

bool sim_container_exit(struct sim *sim, const char *name, int exit_code)
{
    struct sim_container *container = map_get(&sim->by_name, name);
    if (!container || container->view->status != CONTAINER_RUNNING)
        return false;
    sim_end(sim, container, exit_code, false);
    return true;
}

bool sim_container_remove(struct sim *sim, const char *name)
{
    struct sim_container *container = map_get(&sim->by_name, name);
    if (!container)
        return false;
    sim_log_add(sim, container, SIM_LOG_REMOVE, false);
    sim_remove(sim, container);
    return true;
}

bool sim_container_set_health(struct sim *sim, const char *name, enum health_status health)
{
    struct sim_container *container = map_get(&sim->by_name, name);
    if (!container || container->view->status != CONTAINER_RUNNING)
        return false;
    sim_set_health(sim, container, health);
    return true;
}

void sim_foreign_container(struct sim *sim, const char *name, const char *image, int host_port)
{
    struct sim_container *container = NEW(struct sim_container);
    container->foreign = true;
    container->view = NEW(struct container);
    container->view->name = memory_strdup(name);
    container->view->image = memory_strdup(image);
    if (host_port)
        vector_push(&container->ports, (struct port_mapping){80, host_port, false});
    sim_add(sim, container);
    struct error err = ERROR_INIT;
    int r = sim_start(sim, container, &err);
    assert(r == 0);
    (void)r;
}

size_t sim_containers_len(const struct sim *sim)
{
    return sim->containers.len;
}

const struct container *sim_container_at(const struct sim *sim, size_t i)
{
    assert(i < sim->containers.len);
    return sim->containers.items[i]->view;
}

const struct container *sim_container_find(const struct sim *sim, const char *name)
{
    const struct sim_container *container = map_get(&sim->by_name, name);
    return container ? container->view : NULL;
}

const struct sim_log_entry *sim_log(const struct sim *sim, size_t *ret_len)
{
    *ret_len = sim->log.len;
    return sim->log.items;
}

uint64_t sim_writes(const struct sim *sim)
{
    return sim->writes;
}

uint64_t sim_bare_starts(const struct sim *sim)
{
    return sim->bare_starts;
}

uint64_t sim_foreign_writes(const struct sim *sim)
{
    return sim->foreign_writes;
}

size_t sim_requests(const struct sim *sim)
{
    return sim->requests.len;
}
