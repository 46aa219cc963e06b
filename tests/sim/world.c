#include "world.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORM_MS     240000
#define CALM_MS      3600000
#define QUIET_MS     1200000
#define MOMENTS_MAX  20000 /* in one second */
#define REPLAY_EVERY 16    /* seeds */

uint64_t world_random(struct world *world)
{
    uint64_t z = world->random += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

int world_pick(struct world *world, int below)
{
    return below > 0 ? (int)(world_random(world) % (uint64_t)below) : 0;
}

bool world_chance(struct world *world, int percent)
{
    return world_pick(world, 100) < percent;
}

void world_trace(struct world *world, const char *format, ...)
{
    if (!world->trace)
        return;
    va_list ap;
    va_start(ap, format);
    printf("%9.3f  ", (double)(world->now_ms - FIRST_MS) / 1000);
    vprintf(format, ap);
    putchar('\n');
    va_end(ap);
}

void world_fail(struct world *world, const char *format, ...)
{
    if (world->failed)
        return;
    world->failed = true;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&world->failure, format, ap) < 0)
        abort();
    va_end(ap);
    world_trace(world, "VIOLATION: %s", world->failure);
}

int64_t world_wall_ms(const struct world *world)
{
    return world->now_ms + world->skew_ms;
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return b_ms && b_ms < a_ms ? b_ms : a_ms;
}

/* When the next thing happens, but not after until_ms. */
static int64_t next_ms(struct world *world, int64_t until_ms)
{
    int64_t at_ms = until_ms;
    for (int i = 0; i < world->hosts_len; i++) {
        at_ms = earlier(at_ms, sim_next_ms(world->hosts[i].sim));
        at_ms = earlier(at_ms, world->hosts[i].up_ms);
        at_ms = earlier(at_ms, world->hosts[i].silent_ms);
    }
    at_ms = earlier(at_ms, world->disk.done_ms);
    if (world->davit.core) {
        at_ms = earlier(at_ms, world->davit.wake_ms);
        at_ms = earlier(at_ms, world->repo.deliver_ms);
    } else {
        at_ms = earlier(at_ms, world->davit.restart_ms);
    }
    if (!world->calm)
        at_ms = earlier(at_ms, world->next_mischief_ms);
    return at_ms > world->now_ms ? at_ms : world->now_ms;
}

static void count_moment(struct world *world)
{
    if (world->now_ms - world->second_ms >= 1000) {
        world->second_ms = world->now_ms;
        world->moments = 0;
    }
    if (++world->moments > MOMENTS_MAX)
        world_fail(world, "busy: %d moments in one second", MOMENTS_MAX);
}

/* Everything that is due now. */
static void moment(struct world *world)
{
    for (int i = 0; i < world->hosts_len; i++) {
        struct host *host = &world->hosts[i];
        if (host->up_ms && host->up_ms <= world->now_ms) {
            world_trace(world, "%s is back", host->name);
            host->up_ms = 0;
            sim_restart(host->sim);
        }
        if (host->silent_ms && host->silent_ms <= world->now_ms) {
            world_trace(world, "%s speaks again", host->name);
            host->silent_ms = 0;
            sim_silence(host->sim, false);
        }
        sim_advance_to(host->sim, world->now_ms);
    }
    disk_step(world);
    if (world->davit.core && world->davit.wake_ms && world->davit.wake_ms <= world->now_ms) {
        world->davit.wake_ms = 0;
        davit_step(world, &(struct event){.kind = EVENT_TURN});
    }
    repo_deliver(world);
    davit_settle(world);
    mischief_step(world);
    if (!world->davit.core && world->davit.restart_ms <= world->now_ms)
        davit_start(world);
    davit_settle(world);
    check_moment(world);
}

static void run_until(struct world *world, int64_t until_ms)
{
    while (!world->failed && world->now_ms < until_ms) {
        world->now_ms = next_ms(world, until_ms);
        count_moment(world);
        moment(world);
    }
}

static void begin(struct world *world)
{
    world->now_ms = world->second_ms = FIRST_MS;
    world->fair = world_chance(world, 20);
    bool tight = world_chance(world, 20);
    world->leaps = world_chance(world, 25);
    world->hosts_len = 1 + world_pick(world, HOSTS_MAX);
    world->davit.recording = world->seed % REPLAY_EVERY == 0;
    world->disk.entries = MAP_INIT(json_decref);
    for (int i = 0; i < world->hosts_len; i++) {
        struct host *host = &world->hosts[i];
        host->cpu_units = tight ? 48 + world_pick(world, 160) : WIDE_CPU_UNITS;
        const struct sim_options options = {
            .seed = world_random(world), .now_ms = world->now_ms, .cpu_units = host->cpu_units};
        host->world = world;
        snprintf(host->name, sizeof host->name, "h%d", i);
        host->sim = sim_new(&options);
        repo_images(host->sim);
    }
    repo_begin(world);
    mischief_begin(world);
    davit_start(world);
}

/* When all is as desired, nothing is written any more. */
static void check_quiet(struct world *world)
{
    uint64_t before = 0;
    uint64_t after = 0;
    for (int i = 0; i < world->hosts_len; i++)
        before += sim_writes(world->hosts[i].sim);
    run_until(world, world->now_ms + QUIET_MS);
    for (int i = 0; i < world->hosts_len; i++)
        after += sim_writes(world->hosts[i].sim);
    if (after != before)
        world_fail(world, "not quiet: %llu writes after everything was as desired",
                   (unsigned long long)(after - before));
}

static void end(struct world *world)
{
    davit_replay(world);
    bool failed = world->failed;
    world->failed = true; /* nothing is looked at any more */
    davit_kill(world);
    world->failed = failed;
    for (int i = 0; i < world->hosts_len; i++)
        sim_free(world->hosts[i].sim);
    disk_deinit(&world->disk);
    repo_deinit(&world->repo);
    check_deinit(&world->checker);
}

bool world_run(uint64_t seed, bool trace, struct world_totals *totals, char **ret_failure)
{
    struct world *world = NEW(struct world);
    world->seed = seed;
    world->random = seed;
    world->trace = trace;
    begin(world);
    int64_t began_ms = world->now_ms;
    run_until(world, world->now_ms + STORM_MS);
    world->calm = true;
    if (!world->failed)
        mischief_end(world);
    run_until(world, world->now_ms + ABSENCE_MS - 1);
    if (!world->failed)
        check_absence(world);
    run_until(world, world->now_ms + CALM_MS);
    if (!world->failed)
        check_goal(world);
    if (!world->failed && !world->restless)
        check_quiet(world);
    end(world);
    bool good = !world->failed;
    totals->steps += world->steps;
    totals->ms += world->now_ms - began_ms;
    *ret_failure = world->failure;
    free(world);
    return good;
}
