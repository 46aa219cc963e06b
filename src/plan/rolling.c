/* Rows R1 to R14. */
#include "plan/rolling.h"
#include "base/buffer.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* To the rules of this file a task whose instance is to be left is an old one, P9. */
static bool is_new(const struct pass *pass, const struct task *task)
{
    return pass_is_new(pass, task) && !site_is_to_leave(pass, task->instance);
}

/* P10: a lost task is neither healthy nor in the way, and nothing is decided about it. */
static bool counts(const struct task *task)
{
    return task_is_live(task) && !task->lost;
}

static bool is_unhealthy(const struct pass *pass, const struct task *task)
{
    return counts(task) && task->status == TASK_RUNNING && task->health == HEALTH_UNHEALTHY &&
           pass->in->now_ms >= task->young_since_ms + pass->in->desired->health_check_grace_ms;
}

static struct tally tally_of(const struct pass *pass)
{
    const struct service *desired = pass->in->desired;
    struct tally tally = {.desired = desired->desired_count,
                          .lower = plan_lower_bound(desired->desired_count, desired->minimum_healthy_percent),
                          .upper = plan_upper_bound(desired->desired_count, desired->maximum_percent)};
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        bool fresh = is_new(pass, task);
        tally.stopping += task->status == TASK_STOPPING && !task->lost;
        if (!counts(task))
            continue;
        tally.live_new += fresh;
        tally.live_old += !fresh;
        tally.healthy_new += fresh && task->healthy;
        tally.healthy_old += !fresh && task->healthy;
        tally.unhealthy_new += fresh && is_unhealthy(pass, task);
        tally.pending_new += fresh && !task->healthy && !is_unhealthy(pass, task);
    }
    return tally;
}

static void stop(struct pass *pass, struct tally *tally, struct task *task, const char *reason)
{
    bool fresh = is_new(pass, task);
    assert(counts(task));
    tally->live_new -= fresh;
    tally->live_old -= !fresh;
    tally->healthy_new -= fresh && task->healthy;
    tally->healthy_old -= !fresh && task->healthy;
    tally->unhealthy_new -= fresh && is_unhealthy(pass, task);
    tally->pending_new -= fresh && !task->healthy && !is_unhealthy(pass, task);
    pass_stop(pass, task, reason);
    tally->stopping += task->status == TASK_STOPPING;
    tally->stopped++;
}

void rolling_launch(struct pass *pass, const struct plan_instance *instance, const char *id)
{
    assert(pass);
    assert(instance);
    const struct service *desired = pass->in->desired;
    const struct deployment *primary = pass_primary(pass);
    struct task task = {.instance = instance->name,
                        .deployment = primary->id,
                        .service = pass->in->service,
                        .family = primary->family,
                        .revision = primary->revision,
                        .digest = *service_task_digest(desired),
                        .commit = primary->commit.oid,
                        .status = TASK_PENDING};
    memcpy(task.id, id, sizeof task.id);
    vector_push(&pass->tasks, task);
    back_off_launch(pass, instance->name);
}

/* R1, R5, R8. */
static void start_tasks(struct pass *pass, struct tally *tally)
{
    int want = tally->desired - (tally->live_new - tally->unhealthy_new);
    int room = tally->upper - (tally->live_new + tally->live_old + tally->stopping);
    if (want <= 0)
        return;
    int held = back_off_held(pass, NULL);
    tally->held_back = held >= want;
    if (tally->held_back)
        return;
    int start = want - held < room ? want - held : room;
    struct buffer names = BUFFER_INIT(LIMIT_DESIRED_COUNT * 64);
    for (int i = 0; i < start; i++) {
        char id[ID_HEX_SIZE];
        id_draw_hex(pass->in->ids, id);
        const struct plan_instance *instance = placement_choose(pass, id, &tally->no_place);
        if (!instance)
            break;
        rolling_launch(pass, instance, id);
        buffer_printf(&names, " (task %s)", id);
        tally->launched++;
        tally->live_new++;
        tally->pending_new++;
    }
    if (tally->launched)
        pass_event(pass, "has started %d tasks:%s.", tally->launched, buffer_str(&names));
    buffer_deinit(&names);
    pass->in->memory->steady = false;
}

static void stop_old_one(struct pass *pass, struct tally *tally, struct task *task)
{
    char *why CLEANUP_FREE = pass_is_new(pass, task) ? site_why_leave(pass, task->instance) : NULL;
    char *reason CLEANUP_FREE = memory_printf("replaced by (deployment %s)%s%s", pass_primary(pass)->id,
                                              why ? ": " : "", why ? why : "");
    stop(pass, tally, task, reason);
}

/* Whether new tasks lack room or place, and whether old ones could make some. */
static void look_for_room(struct pass *pass, struct tally *tally)
{
    int want = tally->desired - (tally->live_new - tally->unhealthy_new);
    tally->room_is_short = want > 0 && !tally->held_back && tally->live_old > 0;
    char *why CLEANUP_FREE = tally->room_is_short ? placement_hopeless(pass) : NULL;
    tally->hopeless = why != NULL;
    if (why && !tally->no_place)
        tally->no_place = TAKE(why);
}

/* Whether a new task gets on when this old one goes. One that is to leave its instance goes all the same. */
static bool makes_room(const struct pass *pass, const struct tally *tally, const struct task *task)
{
    return tally->room_is_short && (!tally->hopeless || site_is_to_leave(pass, task->instance));
}

/* R2, R3, R11. What has to go from the old side. */
static void stop_old(struct pass *pass, struct tally *tally)
{
    look_for_room(pass, tally);
    for (size_t i = 0; i < pass->tasks.len; i++) {
        struct task *task = &pass->tasks.items[i];
        if (!counts(task) || is_new(pass, task) || task->healthy)
            continue;
        bool useless = task->status != TASK_RUNNING || task->health == HEALTH_UNHEALTHY;
        if (useless || tally->healthy_new >= tally->lower || makes_room(pass, tally, task))
            stop_old_one(pass, tally, task);
    }
    for (size_t i = 0; i < pass->tasks.len; i++) {
        struct task *task = &pass->tasks.items[i];
        if (!counts(task) || is_new(pass, task) || !task->healthy)
            continue;
        int keep = makes_room(pass, tally, task) ? tally->lower : tally->desired;
        if (tally->healthy_new + tally->healthy_old > keep)
            stop_old_one(pass, tally, task);
    }
}

struct victim {
    struct task *task;
    struct site *site;
};
struct victim_vec VECTOR_OF(struct victim);

/* The better victim first: not healthy, not started, by the capacity provider, by the strategies, youngest,
 * by id. */
static int compare_victims(const struct pass *pass, const struct victim *a, const struct victim *b)
{
    const struct task *left = a->task;
    const struct task *right = b->task;
    if (left->healthy != right->healthy)
        return left->healthy ? 1 : -1;
    if ((left->started_ms == 0) != (right->started_ms == 0))
        return left->started_ms ? 1 : -1;
    int ratio = provider_compare(pass, a->site, b->site);
    if (ratio)
        return ratio;
    int rest = strategy_compare_rest(pass, a->site, b->site);
    if (rest)
        return rest;
    if (left->started_ms != right->started_ms)
        return left->started_ms > right->started_ms ? -1 : 1;
    return strcmp(left->id, right->id);
}

/* R4. One by one: each that goes changes what is left. */
static void stop_surplus(struct pass *pass, struct tally *tally, int surplus)
{
    const struct deployment *primary = pass_primary(pass);
    char *reason CLEANUP_FREE = memory_printf("Scaling activity initiated by (deployment %s)", primary->id);
    struct victim_vec victims = {0};
    bool spares = false; /* Z3 */
    for (size_t i = 0; i < pass->tasks.len; i++) {
        struct task *task = &pass->tasks.items[i];
        struct site *site = counts(task) && is_new(pass, task) && !is_unhealthy(pass, task)
                                ? site_of(pass, task->instance)
                                : NULL;
        if (site && rebalance_spares(pass, task, site))
            spares = true;
        else if (site)
            vector_push(&victims, (struct victim){task, site});
    }
    if (spares && surplus > tally->healthy_new - tally->desired)
        surplus = tally->healthy_new - tally->desired;
    for (; surplus > 0 && victims.len; surplus--) {
        size_t best = 0;
        for (size_t i = 1; i < victims.len; i++)
            if (compare_victims(pass, &victims.items[i], &victims.items[best]) < 0)
                best = i;
        site_leave(pass, victims.items[best].site);
        stop(pass, tally, victims.items[best].task, reason);
        victims.items[best] = victims.items[--victims.len];
    }
    vector_deinit(&victims);
}

/* R4, R6. */
static void scale_in(struct pass *pass, struct tally *tally)
{
    int surplus = tally->live_new - tally->unhealthy_new - tally->desired;
    if (surplus > 0)
        stop_surplus(pass, tally, surplus);
    bool no_room = tally->no_place || tally->live_new + tally->live_old + tally->stopping >= tally->upper;
    bool enough = tally->healthy_new >= tally->desired;
    for (size_t i = 0; i < pass->tasks.len; i++) {
        struct task *task = &pass->tasks.items[i];
        if (!is_new(pass, task) || !is_unhealthy(pass, task))
            continue;
        bool is_next = no_room && tally->pending_new == 0 && tally->stopping == 0; /* one at a time */
        if (enough || is_next)
            stop(pass, tally, task, "Task failed container health checks");
    }
}

void rolling_announce_stops(struct pass *pass, const struct tally *tally)
{
    assert(pass);
    assert(tally);
    struct buffer names = BUFFER_INIT(LIMIT_DESIRED_COUNT * 64);
    int running = 0;
    if (!tally->stopped)
        return;
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        if (!task->stop || task->failed || map_get(&pass->in->memory->announced, task->id))
            continue;
        map_put(&pass->in->memory->announced, task->id, (void *)1);
        buffer_printf(&names, " (task %s)", task->id);
        running++;
    }
    if (running)
        pass_event(pass, "has stopped %d running tasks:%s.", running, buffer_str(&names));
    buffer_deinit(&names);
}

/* P12: what runs where nothing is to run, and nobody replaces it (owned); NULL: nothing. */
static char *stays_in_words(const struct pass *pass)
{
    char *why CLEANUP_FREE = NULL;
    int tasks = 0;
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        if (!counts(task) || !site_is_to_leave(pass, task->instance))
            continue;
        if (!why)
            why = site_why_leave(pass, task->instance);
        tasks++;
    }
    return why ? memory_printf("; %s, and %d tasks stay there: what failed launches nothing in their place",
                               why, tasks)
               : NULL;
}

void rolling_contain(struct pass *pass, struct tally *tally, const struct deployment *primary)
{
    assert(pass);
    assert(tally);
    for (size_t i = 0; i < pass->tasks.len; i++) {
        struct task *task = &pass->tasks.items[i];
        bool useless = pass_is_new(pass, task) ? !task->healthy : task->status == TASK_PENDING;
        if (counts(task) && (tally->desired == 0 || useless))
            stop(pass, tally, task, "its deployment failed");
    }
    char *stays CLEANUP_FREE = stays_in_words(pass);
    pass_waiting(
        pass,
        "deployment %s failed and is not tried again until the content changes (or davit retry %s/%s "
        "says so): %s%s",
        primary->id, pass->in->cluster, pass->in->service, primary->reason, stays ? stays : "");
}

const char *rolling_gate(struct pass *pass, bool launches)
{
    assert(pass);
    const struct plan_input *in = pass->in;
    const char *gate = launches && in->waits_for ? in->waits_for : in->pre_deploy;
    if (gate && pass_primary(pass)->state == DEPLOYMENT_IN_PROGRESS)
        return gate;
    return launches && image_gate(pass) ? pass->out->waiting : NULL;
}

/* R12, R13: what serves runs on, however long it takes; new tasks that came before the wait take over. */
static void stand_by(struct pass *pass, struct tally *tally, const char *gate)
{
    char *reason CLEANUP_FREE = memory_printf("replaced by (deployment %s)", pass_primary(pass)->id);
    int spare = tally->healthy_new + tally->healthy_old - tally->desired;
    if (spare > tally->healthy_new)
        spare = tally->healthy_new;
    for (size_t i = 0; i < pass->tasks.len; i++) {
        struct task *task = &pass->tasks.items[i];
        if (!counts(task))
            continue;
        char *leaves CLEANUP_FREE =
            task->status == TASK_PENDING ? site_why_leave(pass, task->instance) : NULL;
        if (leaves)
            stop(pass, tally, task, leaves);
        if (leaves || pass_is_new(pass, task))
            continue;
        bool replaced = task->healthy && spare > 0;
        spare -= replaced;
        if (replaced || task->status == TASK_PENDING)
            stop(pass, tally, task, reason);
    }
    pass->out->gated = true;
    pass_waiting(pass, "%s", gate);
}

static bool anything_old(const struct pass *pass)
{
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        if (!is_new(pass, task) && task->status != TASK_STOPPED && !task->lost)
            return true;
    }
    return false;
}

static void set_completed_reason(const struct pass *pass, struct deployment *edit)
{
    free(edit->reason);
    edit->reason = memory_printf("ECS deployment %s completed.", edit->id);
    if (!plan_rolled_back(pass->ledger, pass->asked, pass->in->completed))
        return;
    char *completed CLEANUP_FREE = edit->reason;
    const struct deployment *before = pass->ledger->deployments.len > 1 ? edit + 1 : NULL;
    bool failed = before && digest_equal(&before->digest, &edit->rollback_of);
    char *back CLEANUP_FREE = rollback_reason(edit, failed ? before : NULL);
    edit->reason = memory_printf("%s %s", completed, back);
}

void rolling_complete(struct pass *pass, const struct tally *tally, const struct deployment *primary)
{
    assert(pass);
    assert(tally);
    const struct plan_input *in = pass->in;
    if (primary->state == DEPLOYMENT_IN_PROGRESS) {
        char commit[COMMIT_SHORT_SIZE];
        commit_short(primary->commit.oid, commit);
        struct deployment *edit =
            service_ledger_primary(pass_edit(pass, "%s COMPLETED, commit %s", primary->id, commit));
        edit->state = DEPLOYMENT_COMPLETED;
        edit->updated_ms = edit->ended_ms = in->now_ms;
        map_clear(&in->memory->proven); /* F14: nobody asks any more */
        set_completed_reason(pass, edit);
        pass_event(pass, "(deployment %s) deployment completed.", edit->id);
    }
    rollback_note(pass);
    in->memory->no_place_ms = in->memory->stuck_ms = 0;
    if (!tally->held_back) /* a task of Z2 that fails is none of those desired */
        back_off_end(pass, NULL);
    in->memory->settled_count = tally->desired;
    if (!in->memory->steady && tally->stopping == 0) {
        in->memory->steady = true;
        pass_event(pass, "has reached a steady state.");
    }
}

#define TELL_AGAIN_MS (6 * 3600 * 1000LL)

/* R10, R14: not again before it was resolved, or for six hours (ECS). */
static void tell(struct pass *pass, int64_t *told_ms, const char *text)
{
    if (!*told_ms || pass->in->now_ms >= *told_ms + TELL_AGAIN_MS) {
        pass_event(pass, "%s", text);
        *told_ms = pass->in->now_ms;
    }
    pass_wake(pass, *told_ms + TELL_AGAIN_MS);
}

#define STUCK                                                                                                \
    "was unable to stop or start tasks during a deployment because of the service deployment configuration"

/* R10. */
static void explain_bounds(struct pass *pass, const struct tally *tally)
{
    const struct service *desired = pass->in->desired;
    pass_waiting(pass, STUCK ": minimumHealthyPercent %d keeps %d of %d, maximumPercent %d allows %d",
                 desired->minimum_healthy_percent, tally->lower, tally->desired, desired->maximum_percent,
                 tally->upper);
    if (!tally->held_back)
        tell(pass, &pass->in->memory->stuck_ms,
             STUCK ". Update the minimumHealthyPercent or maximumPercent value and try again.");
}

void rolling_explain(struct pass *pass, const struct tally *tally)
{
    assert(pass);
    assert(tally);
    /* the healthy old tasks of a rollout are not counted here: say so */
    const char *kind = pass_primary(pass)->state == DEPLOYMENT_IN_PROGRESS ? "new tasks" : "tasks";
    int want = tally->desired - tally->live_new;
    if (tally->launched && !tally->no_place)
        pass->in->memory->no_place_ms = pass->in->memory->stuck_ms = 0;
    if (tally->no_place) {
        char *text CLEANUP_FREE = memory_printf(
            "was unable to place a task because no container instance met all of its requirements. %s",
            tally->no_place);
        pass_waiting(pass, "%s", text);
        if (!tally->stopped && !tally->stopping) /* what stops may make one */
            tell(pass, &pass->in->memory->no_place_ms, text);
    } else if (want > 0 && !tally->launched && !tally->stopped && !tally->stopping && !tally->pending_new)
        explain_bounds(pass, tally);
    else if (tally->pending_new)
        pass_waiting(pass, "%d of %d %s healthy, %d starting", tally->healthy_new, tally->desired, kind,
                     tally->pending_new);
    else if (tally->unhealthy_new)
        pass_waiting(pass, "%d of %d %s unhealthy", tally->unhealthy_new, tally->desired, kind);
    else if (tally->stopping || tally->live_old)
        pass_waiting(pass, "%d task%s stopping", tally->stopping + tally->live_old,
                     text_plural(tally->stopping + tally->live_old));
}

void pass_rolling(struct pass *pass)
{
    assert(pass);
    const struct deployment *primary = pass_primary(pass);
    if (!pass->in->desired || !primary)
        return;
    if (pass->in->desired->daemon) {
        daemon_roll(pass, primary);
        return;
    }
    struct tally tally = tally_of(pass);
    if (primary->state == DEPLOYMENT_FAILED) {
        rolling_contain(pass, &tally, primary);
        rolling_announce_stops(pass, &tally);
        return;
    }
    const char *gate = rolling_gate(pass, tally.live_new - tally.unhealthy_new < tally.desired);
    if (gate) {
        stand_by(pass, &tally, gate);
        rolling_announce_stops(pass, &tally);
        return;
    }
    start_tasks(pass, &tally);
    stop_old(pass, &tally);
    scale_in(pass, &tally);
    rebalance_start(pass, &tally);
    rolling_announce_stops(pass, &tally);
    if (tally.live_new == tally.desired && tally.healthy_new == tally.desired && !anything_old(pass)) {
        bool completes = primary->state == DEPLOYMENT_IN_PROGRESS;
        rolling_complete(pass, &tally, primary);
        rebalance_end(pass, &tally, completes);
    } else {
        rolling_explain(pass, &tally);
    }
    free(tally.no_place);
}
