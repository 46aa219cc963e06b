/* Row F9: launches that wait after tasks that did not come up. */
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#define BACK_OFF_FIRST_MS 1000
#define BACK_OFF_MAX_MS   300000
#define UP_MS             10000 /* ECS: whatever was RUNNING; but what ends at once is no less of a loop */
#define ROUNDS_TO_TELL    3

/* A DAEMON's instances fail each by themselves; where another task goes is open before it is placed. */
static const char *place_of(const struct pass *pass, const char *instance)
{
    return pass->in->desired->daemon && instance ? instance : BACK_OFF_ANYWHERE;
}

static struct plan_back_off *find(const struct pass *pass, const char *instance)
{
    const struct map *back_offs = &pass->in->memory->back_offs;
    return back_offs->len ? map_get(back_offs, place_of(pass, instance)) : NULL;
}

static int64_t next_launch_ms(const struct plan_back_off *back_off)
{
    int64_t wait_ms = BACK_OFF_FIRST_MS;
    if (back_off->rounds < 2)
        return 0;
    for (int i = 2; i < back_off->rounds && wait_ms < BACK_OFF_MAX_MS; i++)
        wait_ms *= 2;
    return back_off->last_ms + (wait_ms < BACK_OFF_MAX_MS ? wait_ms : BACK_OFF_MAX_MS);
}

/* --- what counts ---------------------------------------------------------------------------------------- */

/* All its essential containers started, and none ended within UP_MS of that. */
static bool came_up(const struct pass *pass, const struct task *task)
{
    int64_t started_ms = 0;
    int64_t ended_ms = pass->in->now_ms;
    int essential = 0;
    int started = 0;
    for (size_t i = 0; i < task->containers_len; i++) {
        const struct container *container = task->containers[i];
        if (!container->labels.spec->essential)
            continue;
        if (container->labels.essential > essential)
            essential = container->labels.essential;
        started += container->started_ms != 0;
        if (container->started_ms > started_ms)
            started_ms = container->started_ms;
        if (container->status == CONTAINER_STOPPED && container->finished_ms < ended_ms)
            ended_ms = container->finished_ms;
    }
    return started > 0 && started >= essential && ended_ms - started_ms >= UP_MS;
}

void back_off_note(struct pass *pass, const struct task *task)
{
    assert(pass);
    assert(task);
    if (came_up(pass, task))
        return;
    struct plan_back_off *back_off = find(pass, task->instance);
    if (!back_off) {
        back_off = NEW(struct plan_back_off);
        back_off->launched = true;
        map_put(&pass->in->memory->back_offs, place_of(pass, task->instance), back_off);
    }
    back_off->rounds += back_off->launched;
    if (back_off->launched && back_off->rounds == ROUNDS_TO_TELL)
        pass_event(pass, "is unable to consistently start tasks successfully.");
    back_off->launched = false;
    back_off->owed++;
    back_off->last_ms = pass->in->now_ms;
}

void back_off_launch(const struct pass *pass, const char *instance)
{
    assert(pass);
    struct plan_back_off *back_off = find(pass, instance);
    if (!back_off)
        return;
    back_off->launched = true;
    if (next_launch_ms(back_off) <= pass->in->now_ms)
        back_off->owed = 0;
}

void back_off_end(const struct pass *pass, const char *instance)
{
    assert(pass);
    if (pass->in->memory->back_offs.len)
        map_remove(&pass->in->memory->back_offs, place_of(pass, instance));
}

/* --- who waits ------------------------------------------------------------------------------------------ */

int back_off_held(struct pass *pass, const char *instance)
{
    assert(pass);
    const struct plan_back_off *back_off = find(pass, instance);
    if (!back_off || next_launch_ms(back_off) <= pass->in->now_ms)
        return 0;
    int64_t next_ms = next_launch_ms(back_off);
    char *left CLEANUP_FREE = text_from_duration_ms(next_ms - pass->in->now_ms);
    bool on = place_of(pass, instance) == instance;
    pass_waiting(pass,
                 "%s%s%stasks failed %d times in a row; the next is launched in %s, or by davit reconcile",
                 on ? "container instance " : "", on ? instance : "", on ? ": " : "", back_off->rounds, left);
    pass_wake(pass, next_ms);
    return pass_primary(pass)->state == DEPLOYMENT_COMPLETED ? back_off->owed : INT_MAX;
}

int back_off_rounds(const struct pass *pass, const char *instance)
{
    assert(pass);
    const struct plan_back_off *back_off = find(pass, instance);
    return back_off ? back_off->rounds : 0;
}

int64_t back_off_next_ms(const struct pass *pass)
{
    assert(pass);
    int64_t soonest_ms = 0;
    map_for_each (&pass->in->memory->back_offs, entry) {
        int64_t next_ms = next_launch_ms(entry->value);
        if (next_ms > pass->in->now_ms && (!soonest_ms || next_ms < soonest_ms))
            soonest_ms = next_ms;
    }
    return soonest_ms;
}
