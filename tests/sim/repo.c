/* The simulated repository: commits out of a small set of manifests. */
#include "base/text.h"
#include "manifests.h"
#include "model/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One way only: no circles. */
static int some_order(struct world *world, int service)
{
    int order = 0;
    for (int s = 0; s < SERVICES_MAX; s++)
        if ((world->repo.from_last ? s > service : s < service) && world_chance(world, 40))
            order |= 1 << s;
    return order;
}

void repo_oid(int version, char ret_oid[static COMMIT_OID_SIZE])
{
    snprintf(ret_oid, COMMIT_OID_SIZE, "%08d%032d", version + 1, 0);
}

/* --- names */

struct name repo_name_of(int service, int alias)
{
    return (struct name){{alias ? 'r' : 's', (char)('0' + service)}};
}

struct name repo_name(const struct version *version, int service)
{
    return repo_name_of(service, version->recipes[service].alias);
}

struct name repo_name_now(const struct world *world, int service)
{
    const struct desired *desired = core_desired(world->davit.core);
    int version = desired ? repo_version(desired->commit.oid) : 0;
    return repo_name(&world->repo.versions[version], service);
}

/* --- commits */

static int some_place(struct world *world)
{
    return world_chance(world, 50) ? world_pick(world, PLACES) : 0;
}

/* Mostly all hosts, of which one drains at times. */
static void change_cluster(struct world *world, struct version *version)
{
    version->declared = world_chance(world, 25)   ? 0
                        : world_chance(world, 70) ? (1 << HOSTS_MAX) - 1
                                                  : world_pick(world, 1 << HOSTS_MAX);
    version->providers = world_chance(world, 50);
    version->gpus = world_chance(world, 85);
    version->capacity = world_chance(world, 30) ? world_pick(world, CAPACITY_EC2) : 0;
    version->draining = world_chance(world, 60) ? 1 << world_pick(world, HOSTS_MAX) : 0;
}

static int some_steps(struct world *world)
{
    return world_chance(world, 40) ? world_pick(world, 1 << JOBS_MAX) : 0;
}

/* One that hangs seldom: whatever comes after it waits for it. */
static void change_job(struct world *world, struct job *job)
{
    job->image = world_pick(world, world_chance(world, 70) ? JOB_IMAGES_GOOD : JOB_IMAGES);
    job->tag = world_pick(world, 3);
}

static int some_capacity(struct world *world)
{
    return world_chance(world, 40) ? world_pick(world, CAPACITIES) : 0;
}

static struct timer some_timer(struct world *world)
{
    return (struct timer){.present = world_chance(world, 50),
                          .disabled = world_chance(world, 15),
                          .expression = world_pick(world, EXPRESSIONS),
                          .policy = world_pick(world, TIMER_POLICIES),
                          .job = world_pick(world, JOBS_MAX),
                          .count = 1 + world_pick(world, 2),
                          .age = world_pick(world, TIMER_AGES),
                          .attempts = world_pick(world, 3)};
}

/* Mostly one member. */
static void change_timer(struct world *world, struct timer *timer)
{
    struct timer other = some_timer(world);
    int what = world_pick(world, 6);
    if (what == 0)
        timer->present = !timer->present;
    else if (what == 1)
        timer->disabled = !timer->disabled;
    else if (what == 2)
        timer->policy = other.policy;
    else if (what == 3)
        timer->job = other.job;
    else if (what == 4)
        timer->expression = other.expression;
    else
        *timer = other;
}

static struct recipe some_recipe(struct world *world)
{
    struct recipe recipe = {.present = true,
                            .shape = world_pick(world, SHAPES),
                            .image = world_pick(world, IMAGES_GOOD),
                            .tag = world_pick(world, 4),
                            .count = world_pick(world, 5),
                            .bounds = world_pick(world, BOUNDS),
                            .place = some_place(world),
                            .steps = some_steps(world),
                            .capacity = some_capacity(world),
                            .rollback = world_chance(world, 50),
                            .daemon = world_chance(world, 25)};
    for (int i = 0; i < world->repo.len; i++)
        for (int s = 0; s < SERVICES_MAX && recipe.shape == SHAPE_PORT; s++)
            if (world->repo.versions[i].recipes[s].shape == SHAPE_PORT)
                recipe.shape = 0; /* the port is another service's */
    return recipe;
}

/* Some worlds have many new names, and nothing that speaks against them. */
#define RENAMES(world) ((world)->seed % 7 == 5)

static void allow_names(const struct world *world, struct version *version)
{
    for (int s = 0; s < SERVICES_MAX && RENAMES(world); s++) {
        version->recipes[s].keep = false;
        version->recipes[s].steps = 0;
    }
}

void repo_begin(struct world *world)
{
    struct version *version = &world->repo.versions[0];
    world->repo.from_last = world_chance(world, 50);
    change_cluster(world, version);
    version->windows = world_chance(world, 25); /* in every commit, or in none */
    for (int j = 0; j < JOBS_MAX; j++)
        change_job(world, &version->jobs[j]);
    for (int t = 0; t < TIMERS_MAX; t++)
        version->timers[t] = some_timer(world);
    for (int s = 0; s < SERVICES_MAX; s++) {
        version->recipes[s] = some_recipe(world);
        version->recipes[s].order = some_order(world, s);
        version->recipes[s].complete = world_pick(world, 1 << SERVICES_MAX);
        version->recipes[s].keep = world_chance(world, 20);
        version->recipes[s].present = s == 0 || world_chance(world, 50);
        manifests_settle(world, &version->recipes[s]);
        world->repo.len = 1; /* the next one sees the ports of the one before */
    }
    allow_names(world, version);
}

static void change_content(struct world *world, struct recipe *recipe)
{
    recipe->image = world_pick(world, world_chance(world, 60) ? IMAGES_GOOD : IMAGES_MAIN - world->fair);
    recipe->tag = world_pick(world, 4);
    if (recipe->shape != SHAPE_PORT && world_chance(world, 30))
        recipe->shape = world_chance(world, 40) ? SHAPE_CONF : world_pick(world, SHAPE_PORT);
}

int repo_version(const char *oid)
{
    char digits[9] = "0";
    if (oid)
        memcpy(digits, oid, 8);
    return atoi(digits) - 1;
}

bool repo_is_daemon(const struct world *world, const char *service)
{
    int version = repo_version(core_desired(world->davit.core)->commit.oid);
    return world->repo.versions[version].recipes[service[1] - '0'].daemon;
}

bool repo_is_flaky(const struct world *world, const char *service)
{
    int version = repo_version(core_desired(world->davit.core)->commit.oid);
    return world->repo.versions[version].recipes[service[1] - '0'].image == IMAGE_FLAKY;
}

bool repo_can_run(const struct world *world, const char *service)
{
    int version = repo_version(core_desired(world->davit.core)->commit.oid);
    return world->repo.versions[version].recipes[service[1] - '0'].image < IMAGES_GOOD;
}

bool repo_suspends(const struct world *world, const char *service)
{
    const struct desired *desired = core_desired(world->davit.core);
    if (!desired)
        return false;
    const struct version *version = &world->repo.versions[repo_version(desired->commit.oid)];
    const struct recipe *recipe = service ? &version->recipes[service[1] - '0'] : NULL;
    bool own = recipe && recipe->present && recipe->suspend &&
               text_equal(repo_name(version, service[1] - '0').text, service);
    return version->suspend || own;
}

bool repo_window_is_open(const struct world *world)
{
    return !world->repo.versions[0].windows || world_wall_ms(world) / 60000 % 2 == 0;
}

/* Seldom, and not for long. Not in fair weather: a task that is suspended half made, and adopted when its
 * content comes back, is young once more when its sidecar starts. */
static void change_suspension(struct world *world, struct version *version)
{
    if (world->fair)
        return;
    for (int s = 0; s < SERVICES_MAX; s++)
        version->recipes[s].suspend &= world_chance(world, 50);
    version->suspend &= world_chance(world, 50);
    if (world_chance(world, 6))
        version->recipes[world_pick(world, SERVICES_MAX)].suspend = true;
    if (world_chance(world, 2))
        version->suspend = true;
}

/* What is left as it is keeps its port for ever, and tasks of davit.preDeploy are counted by name. */
static bool may_be_renamed(const struct repo *repo, int service)
{
    bool any = false;
    for (int v = 0; v <= repo->len; v++)
        any |= repo->versions[v].recipes[service].keep || repo->versions[v].recipes[service].steps;
    return !any;
}

static void change_names(struct world *world)
{
    struct repo *repo = &world->repo;
    struct version *version = &repo->versions[repo->len];
    allow_names(world, version);
    if (RENAMES(world) && world_chance(world, 30))
        version->recipes[world_pick(world, SERVICES_MAX)].alias ^= 1;
    for (int s = 0; s < SERVICES_MAX; s++)
        if (!may_be_renamed(repo, s))
            version->recipes[s].alias = repo->versions[repo->len - 1].recipes[s].alias;
}

static void trace_commit(struct world *world, const struct version *version)
{
    int number = world->repo.len;
    world_trace(world, "commit %d: hosts %x are declared, %x DRAINING%s%s, strategy %d", number,
                version->declared, version->draining, version->providers ? ", with providers" : "",
                version->gpus ? ", with GPUs" : "", version->capacity);
    for (int t = 0; t < TIMERS_MAX && world->trace; t++) {
        char *text CLEANUP_FREE = manifests_text(version, 2 * SERVICES_MAX + JOBS_MAX + t);
        if (text)
            world_trace(world, "commit %d: %s", number, text);
    }
    for (int s = 0; s < SERVICES_MAX; s++) {
        const struct recipe *one = &version->recipes[s];
        if (one->present)
            world_trace(world,
                        "commit %d%s: %s shape %d image %s:%d count %d%s bounds %d/%d order %d/%d steps %d "
                        "(j0 %s:%d, j1 %s:%d)%s%s%s%s",
                        number, version->broken ? " (broken)" : "", repo_name(version, s).text, one->shape,
                        manifests_image(one->image), one->tag, one->count, one->daemon ? " DAEMON" : "",
                        bounds[one->bounds].minimum, bounds[one->bounds].maximum, one->order, one->complete,
                        one->steps, manifests_job_image(version->jobs[0].image), version->jobs[0].tag,
                        manifests_job_image(version->jobs[1].image), version->jobs[1].tag,
                        places[one->place].members, one->keep ? " kept" : "",
                        one->suspend ? " suspended" : "", version->suspend ? " with its cluster" : "");
    }
}

void repo_push(struct world *world)
{
    struct repo *repo = &world->repo;
    if (repo->len == VERSIONS_MAX)
        return;
    struct version *version = &repo->versions[repo->len];
    *version = repo->versions[repo->len - 1];
    version->broken = world_chance(world, 15);
    if (world_chance(world, 10))
        version->conf = world_pick(world, 3);
    if (world_chance(world, 20))
        change_cluster(world, version);
    struct recipe *recipe = &version->recipes[world_pick(world, SERVICES_MAX)];
    if (world_chance(world, 10))
        recipe->place = some_place(world);
    if (world_chance(world, 12))
        recipe->steps = some_steps(world);
    if (world_chance(world, 8))
        recipe->capacity = some_capacity(world);
    if (world_chance(world, 12))
        change_timer(world, &version->timers[world_pick(world, TIMERS_MAX)]);
    if (world_chance(world, 15))
        change_job(world, &version->jobs[world_pick(world, JOBS_MAX)]);
    int what = world_pick(world, 100);
    if (what < 45) {
        change_content(world, recipe);
    } else if (what < 60) {
        recipe->count = world_pick(world, 6);
    } else if (what < 67) {
        recipe->bounds = world_pick(world, BOUNDS);
    } else if (what < 78) {
        recipe->present = !recipe->present;
    } else if (what < 82) {
        recipe->order = some_order(world, (int)(recipe - version->recipes));
        recipe->complete = world_pick(world, 1 << SERVICES_MAX);
        recipe->daemon ^= !world->fair && world_chance(world, 50);
        recipe->keep = world_chance(world, 30);
    } else if (what < 84) {
        recipe->rollback = !recipe->rollback;
        change_content(world, recipe);
    } else if (what < 95) {
        *version = repo->versions[world_pick(world, repo->len)]; /* git revert */
        version->broken = false;
    } else {
        recipe->alias = !recipe->alias;
        if (what % 2)
            recipe->count = (recipe->count + 1) % 6;
    }
    change_names(world);
    change_suspension(world, version);
    version->approves = world_has_budget(world) && world_chance(world, 25) ? 1 + world_pick(world, 2) : 0;
    for (int s = 0; s < SERVICES_MAX; s++)
        manifests_settle(world, &version->recipes[s]);
    trace_commit(world, version);
    repo->len++;
    if (!repo->deliver_ms)
        repo->deliver_ms = world->now_ms + 1 + world_pick(world, 500);
}

static bool is_large(const struct version *version)
{
    return version->conf == LARGE_CONF;
}

bool repo_is_good(const struct version *version)
{
    bool good = !version->broken;
    for (int s = 0; s < SERVICES_MAX; s++) {
        const struct recipe *one = &version->recipes[s];
        good &= !(one->present && one->shape == SHAPE_CONF && one->tag == LARGE_TAG && is_large(version));
    }
    return good;
}

static bool asks_for_large(const struct world *world)
{
    const struct string_vec *roots = &world->repo.question.roots;
    for (size_t i = 0; i < roots->len; i++)
        if (roots->items[i][strlen("../app")] == '0' + LARGE_TAG)
            return true;
    return false;
}

/* What the roots name. */
static void deliver_confs(const struct world *world, int version, bool full, struct event_file_vec *files)
{
    const struct repo *repo = &world->repo;
    const struct version *now = &repo->versions[version];
    for (size_t i = 0; i < repo->question.roots.len; i++) {
        const char *root = repo->question.roots.items[i];
        char tag = root[strlen("../app")];
        bool large = tag == '0' + LARGE_TAG;
        if (!full && (now->conf == repo->versions[version - 1].conf))
            continue;
        struct event_file conf = {.path = memory_strdup(root), .other = true, .size_bytes = 1};
        if (large && is_large(now)) {
            conf.kind = EVENT_FILE_TOO_LARGE;
            conf.size_bytes = 0;
        } else {
            snprintf(conf.oid, sizeof conf.oid, "%c%039d", tag, now->conf);
        }
        vector_push(files, conf);
    }
}

static void deliver(struct world *world, int version, bool head, bool full)
{
    if (!full && asks_for_large(world))
        full = is_large(&world->repo.versions[version]) != is_large(&world->repo.versions[version - 1]);
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = head, .full = full}};
    static const struct version nothing;
    const struct version *now = &world->repo.versions[version];
    const struct version *before = full ? &nothing : &world->repo.versions[version - 1];
    repo_oid(version, event.commit.commit.oid);
    event.commit.commit.subject = memory_printf("change %d", version);
    event.commit.commit.approved_deletions = now->approves;
    for (int f = 0; f < FILES; f++) {
        char *text = manifests_text(now, f);
        char *old CLEANUP_FREE = full ? NULL : manifests_text(before, f);
        char path[32];
        snprintf(path, sizeof path, "%d.json", f);
        if (text_equal(text, old)) {
            free(text);
            continue;
        }
        struct event_file file = {.path = memory_strdup(path),
                                  .kind = text ? EVENT_FILE : EVENT_FILE_DELETED,
                                  .content = text,
                                  .len = text ? strlen(text) : 0};
        vector_push(&event.commit.files, file);
    }
    deliver_confs(world, version, full, &event.commit.files);
    event.commit.generation = world->repo.question.generation;
    event.commit.levels = 1;
    world_trace(world, "commit %d is delivered%s", version, head ? "" : " for its numbers");
    davit_step(world, &event);
}

static void question_deinit(struct question *question)
{
    string_vec_deinit(&question->roots);
    question->generation = 0;
}

void repo_deinit(struct repo *repo)
{
    question_deinit(&repo->question);
    question_deinit(&repo->next);
}

void repo_ask(struct world *world, const struct effect *effect)
{
    struct repo *repo = &world->repo;
    question_deinit(&repo->next);
    repo->next.generation = effect->generation;
    repo->next.since = *effect->since ? repo_version(effect->since) : -1;
    for (size_t i = 0; i < effect->roots.len; i++) {
        vector_push(&repo->next.roots, memory_strdup(effect->roots.items[i]));
        world_trace(world, "davit asks for %s", effect->roots.items[i]);
    }
    if (!repo->deliver_ms)
        repo->deliver_ms = world->now_ms + 1 + world_pick(world, 500);
}

void repo_restart(struct world *world, const json_t *roots, const char *since)
{
    struct repo *repo = &world->repo;
    repo_deinit(repo);
    model_strings_from_json(roots, &repo->question.roots);
    repo->question.since = repo_version(since);
    repo->fresh = true;
    repo->deliver_ms = world->now_ms + world_pick(world, 3000);
}

char *repo_blob(const char *oid)
{
    return strlen(oid) == 40 ? memory_strdup(oid) : NULL;
}

static void deliver_new(struct world *world)
{
    struct repo *repo = &world->repo;
    for (int v = repo->delivered; v < repo->len; v++)
        deliver(world, v, v == repo->len - 1, false);
}

/* As source.h says for a start. */
static void deliver_afresh(struct world *world)
{
    const struct repo *repo = &world->repo;
    int since = repo->question.since;
    int last = repo->len - 1;
    for (int v = since + 1; v < last; v++)
        deliver(world, v, false, v == since + 1);
    if (since >= 0 && since != last)
        deliver(world, since, false, true);
    deliver(world, last, true, true);
}

void repo_deliver(struct world *world)
{
    struct repo *repo = &world->repo;
    if (!repo->deliver_ms || repo->deliver_ms > world->now_ms || !world->davit.core)
        return;
    repo->deliver_ms = 0;
    if (repo->next.generation) {
        if (!repo->fresh && world_chance(world, 50))
            deliver_new(world); /* were under way when it asked */
        question_deinit(&repo->question);
        repo->question = repo->next;
        repo->next = (struct question){0};
        repo->fresh = true;
    }
    if (repo->fresh)
        deliver_afresh(world);
    else
        deliver_new(world);
    repo->fresh = false;
    repo->delivered = repo->len;
}
