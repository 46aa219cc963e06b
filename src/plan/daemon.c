/* Rows E1 to E12: one task on every instance. */
#include "base/buffer.h"
#include "base/text.h"
#include "plan/rolling.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* An instance of the cluster, and what stands there of the service. */
struct post {
    struct site *site;
    const struct plan_instance *instance;
    bool counted;      /* E1 */
    int standing;      /* tasks that have not stopped */
    int healthy;       /* live ones that are */
    struct task *best; /* of the live ones, E5; NULL: there is none */
};
struct post_vec VECTOR_OF(struct post);

/* --- who stands where ----------------------------------------------------------------------------------- */

static bool is_draining(const struct post *post)
{
    return post->site->declared && post->site->declared->draining;
}

static bool is_unhealthy(const struct pass *pass, const struct task *task)
{
    return task_is_live(task) && task->status == TASK_RUNNING && task->health == HEALTH_UNHEALTHY &&
           pass->in->now_ms >= task->young_since_ms + pass->in->desired->health_check_grace_ms;
}

/* E5. */
static bool is_better(const struct pass *pass, const struct task *a, const struct task *b)
{
    bool new_a = pass_is_new(pass, a);
    bool new_b = pass_is_new(pass, b);
    if (new_a != new_b)
        return new_a;
    if (a->healthy != b->healthy)
        return a->healthy;
    if ((a->started_ms == 0) != (b->started_ms == 0))
        return a->started_ms != 0;
    return a->started_ms != b->started_ms ? a->started_ms < b->started_ms : strcmp(a->id, b->id) < 0;
}

/* E1. */
static bool is_counted(const struct pass *pass, const struct post *post)
{
    if (is_draining(post))
        return false;
    if (!post->instance->usable)
        return post->best != NULL;
    return placement_runs(post->instance, pass->in->desired->task_definition) &&
           (post->best ? site_may_stay(pass, post->site) : site_is_member(pass, post->site));
}

/* Its task is not replaced elsewhere, but after so long nobody relies on it either, P10. */
static bool is_lost(const struct pass *pass, const struct post *post)
{
    return !post->instance->usable &&
           plan_is_lost(pass->in->options, post->instance->lost_ms, pass->in->now_ms);
}

static void stand(const struct pass *pass, struct post *post, struct task *task)
{
    if (task->status == TASK_STOPPED)
        return;
    post->standing++;
    if (!task_is_live(task))
        return;
    post->healthy += task->healthy && !is_lost(pass, post);
    if (!post->best || is_better(pass, task, post->best))
        post->best = task;
}

/* In the order of the configuration; `ret_index` finds them by name. The cluster has no other instances. */
static void find_posts(struct pass *pass, struct post_vec *ret_posts, struct map *ret_index)
{
    struct site_vec *sites = pass_sites(pass);
    vector_reserve(ret_posts, sites->len);
    for (size_t i = 0; i < sites->len; i++) {
        const struct plan_instance *instance = &pass->in->instances->items[sites->items[i].index];
        vector_push(ret_posts, (struct post){.site = &sites->items[i], .instance = instance});
        map_put(ret_index, instance->name, &ret_posts->items[i]);
    }
    for (size_t i = 0; i < pass->tasks.len; i++) {
        struct post *post =
            pass->tasks.items[i].instance ? map_get(ret_index, pass->tasks.items[i].instance) : NULL;
        if (post)
            stand(pass, post, &pass->tasks.items[i]);
    }
    for (size_t i = 0; i < ret_posts->len; i++)
        ret_posts->items[i].counted = is_counted(pass, &ret_posts->items[i]);
}

void pass_count(struct pass *pass)
{
    assert(pass);
    if (!pass->in->desired || !pass->in->desired->daemon)
        return;
    struct post_vec posts = {0};
    struct map index = {0};
    int count = 0;
    pass_leave_sites(pass); /* another content may ask for other instances */
    find_posts(pass, &posts, &index);
    for (size_t i = 0; i < posts.len; i++)
        count += posts.items[i].counted;
    map_deinit(&index);
    vector_deinit(&posts);
    pass->counted = *pass->asked; /* borrowed, as all of it */
    pass->counted.desired_count = count;
    pass->asked = &pass->counted;
    pass->aim = *pass->in->desired;
    pass->aim.desired_count = count;
    pass->aimed = *pass->in;
    pass->aimed.desired = &pass->aim;
    pass->in = &pass->aimed;
    pass->out->counted = true;
    pass->out->desired_count = count;
}

/* --- one look at all of it ------------------------------------------------------------------------------ */

struct crew {
    struct pass *pass;
    struct post_vec posts;
    struct map index; /* instance -> its post */
    struct tally tally;
    int served;    /* counted posts with a healthy task */
    int healthy;   /* tasks there that are; more than that only where E5 is due */
    bool answers;  /* anybody */
    bool lost;     /* somebody does not, and is not DRAINING */
    char *lingers; /* owned: who waits to be the last, and for whom; NULL: nobody */
};

static bool answers(const struct post *post)
{
    return post->counted && post->instance->usable;
}

static struct post *post_of(const struct crew *crew, const struct task *task)
{
    return task->instance ? map_get(&crew->index, task->instance) : NULL;
}

/* A live task comes into the count, or goes: 1, -1. */
static void count_live(struct crew *crew, const struct task *task, int one)
{
    struct tally *tally = &crew->tally;
    bool unhealthy = is_unhealthy(crew->pass, task);
    if (!pass_is_new(crew->pass, task)) {
        tally->live_old += one;
        return;
    }
    tally->live_new += one;
    if (task->healthy)
        tally->healthy_new += one;
    else if (unhealthy)
        tally->unhealthy_new += one;
    else
        tally->pending_new += one;
}

/* What is lost or about to leave holds nobody up: it is in D, and not in what is still to be done. */
static void count_crew(struct crew *crew)
{
    const struct service *desired = crew->pass->in->desired;
    int count = desired->desired_count;
    crew->tally =
        (struct tally){.lower = plan_lower_bound(count, desired->minimum_healthy_percent), .upper = count};
    for (size_t i = 0; i < crew->posts.len; i++) {
        const struct post *post = &crew->posts.items[i];
        crew->served += post->counted && post->healthy > 0;
        crew->healthy += post->counted ? post->healthy : 0;
        crew->tally.desired += answers(post);
        crew->answers |= answers(post);
        crew->lost |= !post->instance->usable && !is_draining(post);
    }
    for (size_t i = 0; i < crew->pass->tasks.len; i++) {
        const struct task *task = &crew->pass->tasks.items[i];
        const struct post *post = post_of(crew, task);
        if (post && answers(post) && task_is_live(task))
            count_live(crew, task, 1);
        crew->tally.stopping += post && post->instance->usable && task->status == TASK_STOPPING;
    }
}

static void stop(struct crew *crew, struct task *task, const char *reason)
{
    pass_stop(crew->pass, task, reason);
    crew->tally.stopping += task->status == TASK_STOPPING;
    crew->tally.stopped++;
}

/* --- E7, E8: instances that are not counted ------------------------------------------------------------- */

/* E7: a service of the cluster, no DAEMON and not left by D12, that has tasks there; NULL: none. */
static const char *who_is_left(const struct pass *pass, const char *instance)
{
    const struct plan_instance *there = placement_instance(pass->in->instances, instance);
    char *prefix CLEANUP_FREE = memory_printf("%s/", pass->in->cluster);
    for (size_t i = 0; there && i < there->groups.len; i++) {
        const struct plan_group *group = &there->groups.items[i];
        if (!group->daemon && !text_equal(group->holder, pass->in->key) &&
            text_starts_with(group->holder, prefix))
            return group->holder;
    }
    return NULL;
}

static void leave(struct crew *crew, struct task *task)
{
    struct pass *pass = crew->pass;
    const char *other = task->status == TASK_RUNNING ? who_is_left(pass, task->instance) : NULL;
    char *why CLEANUP_FREE = site_why_leave(pass, task->instance);
    const char *reason = why ? why : "its container instance is to be left";
    if (other) {
        pass->out->no_place = true; /* look again when something has gone */
        if (!crew->lingers)
            crew->lingers =
                memory_printf("%s: the task there is the last to stop, after those of %s", reason, other);
        return;
    }
    stop(crew, task, reason);
}

static void leave_posts(struct crew *crew)
{
    struct pass *pass = crew->pass;
    for (size_t i = 0; i < pass->tasks.len; i++) {
        struct task *task = &pass->tasks.items[i];
        const struct post *post = post_of(crew, task);
        if (!task_is_live(task) || (post && post->counted))
            continue;
        if (!post || is_draining(post)) {
            leave(crew, task);
            continue;
        }
        pass_event(pass, "(task %s) no longer meets the placement constraints on container instance %s.",
                   task->id, task->instance);
        stop(crew, task, "its container instance does not meet the placement constraints any more");
    }
}

/* --- E2 to E6 ------------------------------------------------------------------------------------------- */

static bool is_vacant(const struct post *post)
{
    return answers(post) && post->standing == 0;
}

static bool any_vacant(const struct crew *crew)
{
    for (size_t i = 0; i < crew->posts.len; i++)
        if (is_vacant(&crew->posts.items[i]))
            return true;
    return false;
}

/* E2, E3. Tasks move when one is added: nobody looks at the `best` of posts afterwards. */
static void man_posts(struct crew *crew)
{
    struct pass *pass = crew->pass;
    struct tally *tally = &crew->tally;
    struct buffer names = BUFFER_INIT(LIMIT_DESIRED_COUNT * 64);
    struct buffer lacking = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (size_t i = 0; i < crew->posts.len; i++) {
        struct post *post = &crew->posts.items[i];
        char *lacks CLEANUP_FREE = NULL;
        char id[ID_HEX_SIZE];
        if (!is_vacant(post))
            continue;
        if (back_off_held(pass, post->instance->name)) {
            tally->held_back = true;
            continue;
        }
        id_draw_hex(pass->in->ids, id);
        if (!placement_choose_at(pass, post->site, &lacks)) {
            buffer_printf(&lacking, "%s%s", lacking.len ? "; " : "", lacks);
            continue;
        }
        rolling_launch(pass, post->instance, id);
        buffer_printf(&names, " (task %s)", id);
        post->standing++;
        tally->launched++;
        tally->live_new++;
        tally->pending_new++;
    }
    tally->no_place = lacking.len ? buffer_steal(&lacking) : NULL;
    if (tally->launched)
        pass_event(pass, "has started %d tasks:%s.", tally->launched, buffer_str(&names));
    buffer_deinit(&lacking);
    buffer_deinit(&names);
    pass->in->memory->steady = false;
}

/* E4, E5: the task goes, unless too few tasks would be healthy, or too few instances have one that is. */
static void relieve(struct crew *crew, struct post *post, struct task *task)
{
    bool serves = task->healthy && post->healthy == 1;
    if (task->healthy && (serves ? crew->served : crew->healthy) <= crew->tally.lower)
        return;
    char *reason CLEANUP_FREE =
        pass_is_new(crew->pass, task)
            ? memory_strdup("another task of the service is on its container instance")
            : memory_printf("replaced by (deployment %s)", pass_primary(crew->pass)->id);
    crew->served -= serves;
    crew->healthy -= task->healthy;
    post->healthy -= task->healthy;
    count_live(crew, task, -1);
    stop(crew, task, reason);
}

/* E4, E5: what is not healthy goes first, all of it. */
static void relieve_posts(struct crew *crew)
{
    for (int healthy = 0; healthy <= 1; healthy++) {
        for (size_t i = 0; i < crew->pass->tasks.len; i++) {
            struct task *task = &crew->pass->tasks.items[i];
            struct post *post = post_of(crew, task);
            if (!post || !answers(post) || !task_is_live(task) || task->healthy != (healthy == 1))
                continue;
            if (task != post->best || !pass_is_new(crew->pass, task))
                relieve(crew, post, task);
        }
    }
}

/* E6. */
static void replace_unhealthy(struct crew *crew)
{
    const struct tally *tally = &crew->tally;
    for (size_t i = 0; i < crew->pass->tasks.len; i++) {
        struct task *task = &crew->pass->tasks.items[i];
        const struct post *post = post_of(crew, task);
        if (!post || !answers(post) || !pass_is_new(crew->pass, task) || !is_unhealthy(crew->pass, task) ||
            tally->pending_new || tally->stopping)
            continue;
        count_live(crew, task, -1);
        stop(crew, task, "Task failed container health checks");
    }
}

/* E3: an instance that could never take the task is kept for nobody. */
static void keep_room(struct crew *crew)
{
    const struct pass *pass = crew->pass;
    const struct container_spec_vec *specs = &pass->in->desired->task_definition->containers;
    int64_t cpu_units = 0;
    int64_t memory_mib = 0;
    for (size_t c = 0; c < specs->len; c++) {
        cpu_units += specs->items[c].cpu_units;
        memory_mib += specs->items[c].memory_mib;
    }
    for (size_t i = 0; i < crew->posts.len; i++) {
        const struct post *post = &crew->posts.items[i];
        const struct plan_instance *instance = post->instance;
        bool too_small = (instance->cpu_units && cpu_units > instance->cpu_units) ||
                         (instance->memory_mib && memory_mib > instance->memory_mib);
        for (size_t c = 0; is_vacant(post) && !too_small && c < specs->len; c++)
            plan_booking_add(&pass->out->kept, post->site->index, &specs->items[c], pass->in->key);
    }
}

/* E9. */
static bool is_manned(const struct crew *crew)
{
    for (size_t i = 0; i < crew->posts.len; i++) {
        const struct post *post = &crew->posts.items[i];
        if (answers(post) && (post->standing != 1 || !post->best || !post->best->healthy ||
                              !pass_is_new(crew->pass, post->best)))
            return false;
    }
    return crew->answers || !crew->lost;
}

/* E11. */
static const char *gate_of(const struct crew *crew)
{
    return rolling_gate(crew->pass, any_vacant(crew) || crew->tally.live_old || crew->tally.unhealthy_new);
}

static void stand_by(struct crew *crew, const char *gate)
{
    for (size_t i = 0; i < crew->pass->tasks.len; i++) {
        struct task *task = &crew->pass->tasks.items[i];
        struct post *post = post_of(crew, task);
        if (post && answers(post) && task_is_live(task) && !pass_is_new(crew->pass, task) &&
            task->status == TASK_PENDING)
            relieve(crew, post, task);
    }
    crew->pass->out->gated = true;
    pass_waiting(crew->pass, "%s", gate);
}

/* F9: what failed there before stands now. */
static void end_back_offs(const struct crew *crew)
{
    for (size_t i = 0; crew->pass->in->memory->back_offs.len && i < crew->posts.len; i++)
        if (crew->posts.items[i].best && crew->posts.items[i].best->healthy)
            back_off_end(crew->pass, crew->posts.items[i].instance->name);
}

static void roll(struct crew *crew, const struct deployment *primary)
{
    struct tally *tally = &crew->tally;
    bool manned = is_manned(crew);
    end_back_offs(crew);
    relieve_posts(crew);
    replace_unhealthy(crew);
    if (any_vacant(crew))
        man_posts(crew);
    rolling_announce_stops(crew->pass, tally);
    if (manned && tally->upper == 0 && !crew->lingers)
        pass_waiting(crew->pass, "runs nowhere: no container instance of the cluster is meant by its "
                                 "placementConstraints and cpuArchitecture, and ACTIVE");
    if (manned)
        rolling_complete(crew->pass, tally, primary);
    else if (!crew->answers)
        pass_waiting(crew->pass, "no container instance of the cluster answers");
    else
        rolling_explain(crew->pass, tally);
}

/* R9. When nobody answers, it is not that nobody is wanted. */
static void contain(struct crew *crew, const struct deployment *primary)
{
    struct tally tally = {.desired = 1};
    rolling_contain(crew->pass, &tally, primary);
    crew->tally.stopped += tally.stopped;
}

void daemon_roll(struct pass *pass, const struct deployment *primary)
{
    assert(pass);
    assert(primary);
    struct crew crew = {.pass = pass};
    find_posts(pass, &crew.posts, &crew.index);
    count_crew(&crew);
    leave_posts(&crew);
    bool failed = primary->state == DEPLOYMENT_FAILED;
    const char *gate = gate_of(&crew);
    if (failed)
        contain(&crew, primary);
    else if (gate)
        stand_by(&crew, gate);
    else
        roll(&crew, primary);
    if (!failed && !pass->in->pre_deploy) /* what it waits for may need that room */
        keep_room(&crew);
    rolling_announce_stops(pass, &crew.tally); /* once each */
    if (crew.lingers)
        pass_waiting(pass, "%s", crew.lingers);
    free(crew.lingers);
    free(crew.tally.no_place);
    map_deinit(&crew.index);
    vector_deinit(&crew.posts);
}
