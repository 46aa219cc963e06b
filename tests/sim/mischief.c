/* What goes wrong, and when. */
#include "world.h"

#include <string.h>

static struct host *some_host(struct world *world)
{
    return &world->hosts[world_pick(world, world->hosts_len)];
}

static const struct container *some_container(struct world *world, const struct host *host)
{
    size_t len = sim_containers_len(host->sim);
    return len ? sim_container_at(host->sim, (size_t)world_pick(world, (int)len)) : NULL;
}

/* Rates for the whole storm: most seeds are kind to most operations. */
static void set_rates(struct world *world, struct sim *sim)
{
    for (int op = 0; op < SIM_AFTER; op++)
        for (int fault = SIM_FAULT_NONE + 1; fault < SIM_FAULTS; fault++)
            if (world_chance(world, 20))
                sim_fault_rate(sim, (enum sim_op)op, (enum sim_fault)fault, world_pick(world, 80));
    if (world_chance(world, 40)) {
        struct sim_event_faults faults = {.dropped_permille = world_pick(world, 100),
                                          .duplicated_permille = world_pick(world, 100),
                                          .delayed_permille = world_pick(world, 200),
                                          .delay_ms = world_pick(world, 3000)};
        faults.reordered = faults.delay_ms % 2; /* of half the seeds, and of no other draw */
        sim_fault_events(sim, &faults);
    }
}

void mischief_begin(struct world *world)
{
    for (int i = 0; i < world->hosts_len; i++) {
        if (world_chance(world, 50))
            sim_foreign_container(world->hosts[i].sim, "somebody-elses", "good", 0);
        if (!world->fair)
            set_rates(world, world->hosts[i].sim);
    }
    world->next_mischief_ms = world->now_ms + world_pick(world, 20000);
}

/* For long after all else is calm; what runs there runs on. */
static void host_is_split_off(struct world *world)
{
    struct host *host = some_host(world);
    world_trace(world, "%s is split off", host->name);
    host->up_ms = 0;
    host->silent_ms = world->now_ms + ABSENCE_MS;
    sim_restart(host->sim);
    sim_silence(host->sim, true);
}

static void set_clock(struct world *world, int64_t step_ms)
{
    world_trace(world, "the wall clock is set by %lld ms", (long long)step_ms);
    world->skew_ms += step_ms;
    world->put_back_ms -= step_ms < 0 ? step_ms : 0;
    if (world->davit.core)
        davit_step(world, &(struct event){.kind = EVENT_CLOCK, .clock = {world->skew_ms, step_ms}});
}

void mischief_end(struct world *world)
{
    static const struct sim_event_faults none;
    world_trace(world, "the storm is over");
    if (world->skew_ms)
        set_clock(world, -world->skew_ms);
    for (int i = 0; i < world->hosts_len; i++) {
        struct host *host = &world->hosts[i];
        for (int op = 0; op < SIM_AFTER; op++)
            for (int fault = SIM_FAULT_NONE + 1; fault < SIM_FAULTS; fault++)
                sim_fault_rate(host->sim, (enum sim_op)op, (enum sim_fault)fault, 0);
        sim_fault_events(host->sim, &none);
        if (host->up_ms)
            host->up_ms = world->now_ms + 1;
        if (host->silent_ms)
            host->silent_ms = world->now_ms + 1;
    }
    if (!world->fair && world_chance(world, 30))
        host_is_split_off(world);
    world->disk.failing = 0;
    world->davit.dies_after = -1;
    if (!world->davit.core)
        world->davit.restart_ms = world->now_ms + 1;
}

static void host_dies(struct world *world)
{
    struct host *host = some_host(world);
    if (host->up_ms)
        return;
    bool reboot = world_chance(world, 40);
    host->up_ms = world->now_ms + 500 + world_pick(world, 40000);
    world_trace(world, "%s %s", host->name, reboot ? "reboots" : "crashes");
    if (reboot)
        sim_reboot(host->sim);
    else
        sim_crash(host->sim);
}

static void host_falls_silent(struct world *world)
{
    struct host *host = some_host(world);
    if (host->up_ms || host->silent_ms)
        return;
    host->silent_ms = world->now_ms + 500 + world_pick(world, world_chance(world, 50) ? 10000 : 90000);
    world_trace(world, "%s falls silent", host->name);
    sim_silence(host->sim, true);
}

static void container_suffers(struct world *world)
{
    struct host *host = some_host(world);
    const struct container *container = some_container(world, host);
    int what = world_pick(world, 3);
    if (!container)
        return;
    char *name CLEANUP_FREE = memory_strdup(container->name);
    if (what == 0 && sim_container_exit(host->sim, name, world_pick(world, 2)))
        world_trace(world, "%s exits by itself", name);
    else if (what == 1 && container->labels.owner && sim_container_remove(host->sim, name))
        world_trace(world, "%s is removed by somebody", name);
    else if (what == 2 && container->labels.spec && container->labels.spec->has_health_check &&
             sim_container_set_health(host->sim, name, HEALTH_UNHEALTHY))
        world_trace(world, "%s turns unhealthy", name);
}

static void davit_suffers(struct world *world)
{
    if (!world->davit.core)
        return;
    if (world_chance(world, 50))
        world->davit.dies_after = world_pick(world, 6);
    else
        davit_kill(world);
}

static void disk_suffers(struct world *world)
{
    world->disk.failing = 1 + world_pick(world, 3);
}

static void streams_break(struct world *world)
{
    sim_break_streams(some_host(world)->sim);
}

static void one_request_fails(struct world *world)
{
    struct sim *sim = some_host(world)->sim;
    enum sim_op op = (enum sim_op)world_pick(world, SIM_AFTER);
    enum sim_fault fault = (enum sim_fault)(1 + world_pick(world, SIM_FAULTS - 1));
    sim_fault_next(sim, op, fault, 1 + world_pick(world, 3));
}

static void look_again(struct world *world)
{
    struct event event = {.kind = EVENT_RECONCILE};
    davit_step(world, &event);
}

/* Of what has not failed as well, which changes nothing. */
static void somebody_retries(struct world *world)
{
    struct event event = {.kind = EVENT_RETRY};
    if (!world->davit.core)
        return;
    event.retry.cluster = memory_strdup("c");
    event.retry.service = memory_strdup(repo_name_now(world, world_pick(world, SERVICES_MAX)).text);
    world_trace(world, "davit retry c/%s", event.retry.service);
    davit_step(world, &event);
}

/* Of what waits for its window as well, which changes nothing. */
static void somebody_redeploys(struct world *world)
{
    struct event event = {.kind = EVENT_REDEPLOY};
    if (!world->davit.core)
        return;
    event.retry.cluster = memory_strdup("c");
    event.retry.service = memory_printf("s%d", world_pick(world, SERVICES_MAX));
    world_trace(world, "davit redeploy c/%s", event.retry.service);
    davit_step(world, &event);
}

/* Back from what is under way, COMPLETED or FAILED, and further back from what is held. */
static void hold(struct world *world, int service)
{
    struct name name = repo_name_now(world, service);
    int revision = 1 + world_pick(world, 8);
    char *to CLEANUP_FREE = world_chance(world, 30) ? memory_printf("%d", revision) : NULL;
    const struct core_hold_request request = {"c", name.text, to};
    struct core_hold hold;
    struct event event;
    if (core_find_hold(world->davit.core, &request, &hold, NULL) < 0 || hold.holds)
        return;
    const struct digest digest = hold.to->digest;
    core_hold_event(&request, &hold, &event);
    world_trace(world, "davit rollback c/%s --hold, to %s:%d", name.text, hold.to->family, hold.to->revision);
    davit_step(world, &event);
    if (world->davit.core)
        hold_check_begun(world, name.text, &digest);
}

static void somebody_holds(struct world *world)
{
    for (int s = 0; s < SERVICES_MAX && world->davit.core; s++)
        hold(world, s);
}

static void say(struct world *world, int alias, int service, bool resume)
{
    struct name name = repo_name_of(service, alias);
    struct event event = {.kind = EVENT_SUSPEND,
                          .suspend = {.cluster = memory_strdup("c"),
                                      .service = service < SERVICES_MAX ? memory_strdup(name.text) : NULL,
                                      .resume = resume}};
    world_trace(world, "%s %s", resume ? "resume" : "suspend", service < SERVICES_MAX ? name.text : "c");
    world->checker.suspended[alias][service] = !resume;
    davit_step(world, &event);
}

/* Somebody suspends something; mostly he comes back to it soon. */
static void somebody_suspends(struct world *world)
{
    bool any = false;
    if (!world->davit.core)
        return;
    for (int s = 0; s <= SERVICES_MAX; s++) {
        for (int a = 0; a < NAMES_MAX; a++) {
            bool is = world->checker.suspended[a][s];
            any |= is;
            if (is && world_chance(world, 80))
                say(world, a, s, true);
        }
    }
    if (any)
        return;
    int service = world_pick(world, SERVICES_MAX + 1);
    bool renamed = service < SERVICES_MAX && repo_name_now(world, service).text[0] == 'r';
    say(world, renamed, service, false);
}

/* Who cannot wait for the window. */
static void somebody_approves(struct world *world)
{
    struct event event = {.kind = EVENT_APPROVE};
    if (budget_approve(world) || !world->davit.core || !core_any_delayed(world->davit.core, NULL))
        return;
    memcpy(event.approve.oid, core_desired(world->davit.core)->commit.oid, sizeof event.approve.oid);
    world_trace(world, "davit approve %.8s", event.approve.oid);
    check_let_through(world);
    davit_step(world, &event);
}

/* By NTP, or by hand. */
static void somebody_sets_the_clock(struct world *world)
{
    int most_ms = world_chance(world, 50) ? 40000000 : 30000;
    int64_t step_ms = (int64_t)(3000 + world_pick(world, most_ms)) * (world_chance(world, 50) ? 1 : -1);
    if (world->leaps)
        set_clock(world, step_ms);
}

static const struct {
    void (*happen)(struct world *);
    int weight;
    bool fair; /* no fault */
} mischiefs[] = {
    {repo_push, 40, true},       {container_suffers, 20, false}, {davit_suffers, 12, false},
    {host_dies, 6, false},       {host_falls_silent, 4, false},  {disk_suffers, 5, false},
    {streams_break, 5, false},   {one_request_fails, 20, false}, {look_again, 4, true},
    {somebody_retries, 5, true}, {somebody_suspends, 8, false},  {runs_start_some, 10, true},
    {runs_stop_one, 4, true},    {somebody_approves, 3, true},   {somebody_sets_the_clock, 6, true},
    {repo_move_tag, 10, true},   {somebody_redeploys, 6, true},  {somebody_holds, 8, true}};

void mischief_step(struct world *world)
{
    if (world->calm)
        budget_approve(world);
    if (world->calm || world->now_ms < world->next_mischief_ms)
        return;
    int sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(mischiefs); i++)
        sum += world->fair && !mischiefs[i].fair ? 0 : mischiefs[i].weight;
    int pick = world_pick(world, sum);
    size_t i = 0;
    for (;; i++) {
        pick -= world->fair && !mischiefs[i].fair ? 0 : mischiefs[i].weight;
        if (pick < 0)
            break;
    }
    mischiefs[i].happen(world);
    world->next_mischief_ms = world->now_ms + world_pick(world, world_chance(world, 50) ? 1500 : 25000);
}
