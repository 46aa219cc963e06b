#include "world.h"

#include "engine/sim.h"

#define TURN_MS 100

static void turn(struct contract_world *world)
{
    struct sim *sim = world->implementation;
    int64_t next_ms = sim_next_ms(sim);
    int64_t end_ms = sim_now_ms(sim) + TURN_MS;
    sim_advance_to(sim, next_ms < end_ms ? next_ms : end_ms);
}

static int64_t now_ms(struct contract_world *world)
{
    return sim_now_ms(world->implementation);
}

static const char *const images[] = {
    [CONTRACT_SERVER] = "demo:server",
    [CONTRACT_FAILS] = "demo:fails",
    [CONTRACT_DEAF] = "demo:deaf",
    [CONTRACT_UNSTARTED] = "demo:unstarted",
};

static const char *image(struct contract_world *world, enum contract_kind kind)
{
    (void)world;
    return images[kind];
}

static void world_free(struct contract_world *world)
{
    sim_free(world->implementation);
    free(world);
}

struct contract_world *contract_sim_new(void)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1});
    static const struct sim_behaviour behaviours[] = {
        [CONTRACT_SERVER] = {.output = "hello\n"},
        [CONTRACT_FAILS] = {.exits_after_ms = 1, .exit_code = 3},
        [CONTRACT_DEAF] = {.ignores_sigterm = true},
        [CONTRACT_UNSTARTED] = {.start_fails =
                                    "exec: \"/no/such\": stat /no/such: no such file or directory"},
    };
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        sim_image_local(sim, images[i]);
        sim_set_behaviour(sim, images[i], &behaviours[i]);
    }
    struct contract_world *world = NEW(struct contract_world);
    *world = (struct contract_world){.engine = sim_engine(sim),
                                     .implementation = sim,
                                     .turn = turn,
                                     .now_ms = now_ms,
                                     .image = image,
                                     .free = world_free};
    return world;
}
