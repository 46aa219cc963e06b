/* The simulated repository: commits out of a small set of manifests. */
#include "base/buffer.h"
#include "base/text.h"
#include "model/json.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 8192

/* --- images: what runs */

static const struct {
    const char *name;
    struct sim_behaviour behaviour;
    bool local;
    int64_t pull_ms; /* 0: not to be had */
} images[] = {
    {"good", {0}, true, 0},
    {"slow", {.start_ms = 2000, .healthy_after_ms = 4000, .stop_ms = 3000}, false, 20000},
    {"stubborn", {.ignores_sigterm = true}, true, 0},
    {"crash", {.exits_after_ms = 700, .exit_code = 1, .never_healthy = true}, true, 0},
    {"sick",
     {.never_healthy = true, .unhealthy_after_ms = 1000, .exits_after_ms = 1500, .exit_code = 3},
     true,
     0},
    {"missing", {0}, false, 0},
    {"invalid", {.create_fails = "invalid reference format"}, true, 0},
    {"broken", {.start_fails = "exec: no such file or directory"}, true, 0},
    {"flaky", {.exits_after_ms = 20000, .exit_code = 1}, true, 0},
    {"init", {.exits_after_ms = 500}, true, 0},
    {"initfail", {.exits_after_ms = 500, .exit_code = 1}, true, 0},
};
#define IMAGES_GOOD 3
#define IMAGES_MAIN 9
#define IMAGE_FLAKY 8 /* healthy for a while, then it crashes: not in fair weather */

void repo_images(struct sim *sim)
{
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        sim_set_behaviour(sim, images[i].name, &images[i].behaviour);
        if (images[i].local)
            sim_image_local(sim, images[i].name);
        else if (images[i].pull_ms)
            sim_image_pullable(sim, images[i].name, images[i].pull_ms);
    }
}

/* --- manifests */

#define CONTAINER(name, image) "{\"name\":\"" name "\",\"image\":\"" image "\",\"cpu\":16,\"memory\":16"
#define OPTIONAL               ",\"essential\":false"
#define CHECKED                ",\"healthCheck\":{\"command\":[\"CMD\",\"true\"]}"
#define RESTARTED              ",\"restartPolicy\":{\"enabled\":true,\"restartAttemptPeriod\":60}"
#define AFTER(name, condition)                                                                               \
    ",\"dependsOn\":[{\"containerName\":\"" name "\",\"condition\":\"" condition "\"}]"

/* '#' is the recipe's tag. The last one is a directory that is too large at times. */
#define CONF         "../app#.conf"
#define FILES_OF_APP ",\"davit\":{\"files\":[{\"source\":\"" CONF "\",\"target\":\"/etc/app.conf\"}]}"
#define LARGE_TAG    3
#define LARGE_CONF   2

/* Containers of a task; %s is the main one's image. */
static const char *const shapes[] = {
    CONTAINER("app", "%s") "}",
    CONTAINER("app", "%s") CHECKED RESTARTED "}",
    CONTAINER("init", "init") OPTIONAL "}," CONTAINER("app", "%s") AFTER("init", "SUCCESS") "}",
    CONTAINER("proxy", "good") CHECKED ",\"startTimeout\":90}," CONTAINER("app", "%s")
        AFTER("proxy", "HEALTHY") "}",
    CONTAINER("app", "%s") "}," CONTAINER("log", "good") OPTIONAL AFTER("app", "START") "}",
    CONTAINER("app", "%s") "}," CONTAINER("init", "initfail") OPTIONAL "}," CONTAINER("report", "good")
        OPTIONAL AFTER("init", "SUCCESS") "}",
    CONTAINER("app", "%s") CHECKED ",\"portMappings\":[{\"containerPort\":80}]}",
    CONTAINER("init", "init") OPTIONAL "}," CONTAINER("app", "%s")
        AFTER("init", "SUCCESS") "}," CONTAINER("log", "good") OPTIONAL RESTARTED "}",
    CONTAINER("app", "%s") FILES_OF_APP "}",
    CONTAINER("app", "%s") CHECKED ",\"portMappings\":[{\"containerPort\":80,\"hostPort\":8080}]}",
};
#define SHAPE_AWSVPC 6
#define SHAPE_TASK   7 /* processes and IPC shared */
#define SHAPE_CONF   8
#define SHAPE_PORT   9

/* Only pairs with which every deployment can go on: lower < upper for any count. */
static const struct {
    int minimum;
    int maximum;
} bounds[] = {{100, 200}, {0, 100}, {50, 200}, {0, 200}, {50, 150}, {66, 134}, {100, 150}};
/* Of a DAEMON: with one host, more than 0 is stuck. */
static const int daemon_minimum[] = {0, 0, 0, 50};
static const int never_stuck[] = {0, 1, 2, 3};

static bool can_go_on(const struct recipe *recipe)
{
    int lower = (recipe->count * bounds[recipe->bounds].minimum + 99) / 100;
    int upper = recipe->count * bounds[recipe->bounds].maximum / 100;
    return recipe->count == 0 || lower < upper;
}

/* One way only: no circles. */
static int some_order(struct world *world, int service)
{
    int order = 0;
    for (int s = 0; s < SERVICES_MAX; s++)
        if ((world->repo.from_last ? s > service : s < service) && world_chance(world, 40))
            order |= 1 << s;
    return order;
}

#define CONSTRAINTS(list) ",\"placementConstraints\":[" list "]"
#define STRATEGIES(list)  ",\"placementStrategy\":[" list "]"
#define MEMBER(of)        "{\"type\":\"memberOf\",\"expression\":\"" of "\"}"

static const struct place places[] = {
    {.members = "", .even = false},
    {.members = STRATEGIES("{\"type\":\"spread\",\"field\":\"instanceId\"}"), .even = true},
    {.members = STRATEGIES("{\"type\":\"binpack\",\"field\":\"cpu\"}")},
    {.members = STRATEGIES("{\"type\":\"spread\",\"field\":\"attribute:zone\"},"
                           "{\"type\":\"binpack\",\"field\":\"memory\"}")},
    {.members = STRATEGIES("{\"type\":\"random\"}")},
    {.members = CONSTRAINTS("{\"type\":\"distinctInstance\"}"), .distinct = true},
    {.members = CONSTRAINTS(MEMBER("attribute:disk == ssd and attribute:zone exists")), .wants_ssd = true},
    {.members = CONSTRAINTS(MEMBER("not(task:group == service:s0)")), .avoids = "s0"},
};

static void settle(struct world *world, struct recipe *recipe)
{
    if (recipe->daemon && strstr(places[recipe->place].members, "placementStrategy"))
        recipe->place = 0;
    if (recipe->image >= IMAGES_GOOD && recipe->count == 0)
        recipe->count = 1; /* with no task it would complete, and then crash for ever when it is scaled out */
    if (recipe->shape == SHAPE_PORT) { /* one host port on a host: no room for two beside each other */
        recipe->count = recipe->count > 1 ? 1 : recipe->count;
        recipe->bounds = 1;
    }
    if (!can_go_on(recipe))
        recipe->bounds = never_stuck[world_pick(world, ARRAY_LEN(never_stuck))];
}

static void write_definition(struct buffer *out, int service, const struct recipe *recipe)
{
    buffer_printf(out, "{\"family\":\"f%d\",", service);
    if (recipe->shape == SHAPE_AWSVPC)
        buffer_append_str(out, "\"networkMode\":\"awsvpc\",");
    if (recipe->shape == SHAPE_TASK)
        buffer_append_str(out, "\"pidMode\":\"task\",\"ipcMode\":\"task\",");
    buffer_append_str(out, "\"containerDefinitions\":[");
    const char *at = shapes[recipe->shape];
    const char *hole = strstr(at, "%s");
    buffer_append(out, at, (size_t)(hole - at));
    buffer_append_str(out, images[recipe->image].name);
    for (at = hole + 2; *at; at++)
        buffer_printf(out, "%c", *at == '#' ? '0' + recipe->tag : *at);
    buffer_printf(out, "],\"volumes\":[{\"name\":\"v%d\"}]}", recipe->tag);
}

static const struct {
    const char *zone;
    bool ssd;
} host_attributes[HOSTS_MAX] = {{"a", true}, {"b", false}, {"a", true}};

bool repo_has_ssd(int host)
{
    return host_attributes[host].ssd;
}

const struct place *repo_place(const struct version *version, const char *service)
{
    return &places[version->recipes[service[1] - '0'].place];
}

static void write_cluster(struct buffer *out, const struct version *version)
{
    const char *comma = "";
    buffer_append_str(out, "{\"clusterName\":\"c\",\"davit\":{\"containerInstances\":[");
    for (int h = 0; h < HOSTS_MAX; h++) {
        if (!(version->declared & 1 << h))
            continue;
        buffer_printf(
            out, "%s{\"name\":\"h%d\",\"attributes\":{\"zone\":\"%s\",\"disk\":\"%s\"},\"status\":\"%s\"}",
            comma, h, host_attributes[h].zone, host_attributes[h].ssd ? "ssd" : "hdd",
            version->draining & 1 << h ? "DRAINING" : "ACTIVE");
        comma = ",";
    }
    buffer_printf(out, "]%s%s}}", version->suspend ? ",\"suspend\":true" : "",
                  version->windows
                      ? ",\"changeWindows\":[{\"kind\":\"allow\",\"schedule\":\"cron(0/2 * * * ? *)\","
                        "\"durationMinutes\":1}]"
                      : "");
}

/* Only what is there may be depended on. */
static void write_order(struct buffer *out, int service, const struct version *version)
{
    const char *separator = "";
    buffer_append_str(out, ",\"dependsOn\":[");
    for (int s = 0; s < SERVICES_MAX; s++) {
        if (!(version->recipes[service].order & 1 << s) || !version->recipes[s].present)
            continue;
        buffer_printf(out, "%s{\"service\":\"s%d\"}", separator, s);
        separator = ",";
    }
    buffer_append_str(out, "]");
}

static void write_service(struct buffer *out, int service, const struct version *version)
{
    const struct recipe *recipe = &version->recipes[service];
    bool daemon = recipe->daemon;
    buffer_printf(out, "{\"cluster\":\"c\",\"serviceName\":\"s%d\",\"taskDefinition\":\"f%d\",", service,
                  service);
    if (daemon)
        buffer_append_str(out, "\"schedulingStrategy\":\"DAEMON\",");
    else
        buffer_printf(out, "\"desiredCount\":%d,", recipe->count);
    buffer_printf(out,
                  "\"deploymentConfiguration\":{\"minimumHealthyPercent\":%d,\"maximumPercent\":%d%s},"
                  "\"davit\":{\"minimumHealthySeconds\":4",
                  daemon ? daemon_minimum[recipe->bounds % 4] : bounds[recipe->bounds].minimum,
                  daemon ? 100 : bounds[recipe->bounds].maximum,
                  recipe->rollback ? ",\"deploymentCircuitBreaker\":{\"enable\":true,\"rollback\":true}"
                                   : "");
    write_order(out, service, version);
    if (recipe->keep)
        buffer_append_str(out, ",\"prune\":\"disabled\"");
    if (recipe->suspend)
        buffer_append_str(out, ",\"suspend\":true");
    buffer_printf(out, "}%s}", places[recipe->place].members);
}

/* Two files a service, one that is always there, and one that may be broken. NULL: not in this version. */
#define FILES (2 * SERVICES_MAX + 2)

static char *file_text(const struct version *version, int file)
{
    struct buffer out = BUFFER_INIT(TEXT_BYTES);
    if (file == FILES - 1)
        return version->broken ? memory_strdup("{\"serviceName\":\"s9\",\"taskDefinition\":\"nowhere\"}")
                               : NULL;
    if (file == FILES - 2) {
        write_cluster(&out, version);
        return buffer_steal(&out);
    }
    const struct recipe *recipe = &version->recipes[file / 2];
    if (!recipe->present)
        return NULL;
    if (file % 2)
        write_service(&out, file / 2, version);
    else
        write_definition(&out, file / 2, recipe);
    return buffer_steal(&out);
}

void repo_oid(int version, char ret_oid[static COMMIT_OID_SIZE])
{
    snprintf(ret_oid, COMMIT_OID_SIZE, "%08d%032d", version + 1, 0);
}

/* --- commits */

static int some_place(struct world *world)
{
    return world_chance(world, 50) ? world_pick(world, ARRAY_LEN(places)) : 0;
}

/* Mostly all hosts, of which one drains at times. */
static void change_cluster(struct world *world, struct version *version)
{
    version->declared = world_chance(world, 25)   ? 0
                        : world_chance(world, 70) ? (1 << HOSTS_MAX) - 1
                                                  : world_pick(world, 1 << HOSTS_MAX);
    version->draining = world_chance(world, 60) ? 1 << world_pick(world, HOSTS_MAX) : 0;
}

static struct recipe some_recipe(struct world *world)
{
    struct recipe recipe = {.present = true,
                            .shape = world_pick(world, ARRAY_LEN(shapes)),
                            .image = world_pick(world, IMAGES_GOOD),
                            .tag = world_pick(world, 4),
                            .count = world_pick(world, 5),
                            .bounds = world_pick(world, ARRAY_LEN(bounds)),
                            .place = some_place(world),
                            .rollback = world_chance(world, 50),
                            .daemon = world_chance(world, 25)};
    for (int i = 0; i < world->repo.len; i++)
        for (int s = 0; s < SERVICES_MAX && recipe.shape == SHAPE_PORT; s++)
            if (world->repo.versions[i].recipes[s].shape == SHAPE_PORT)
                recipe.shape = 0; /* the port is another service's */
    return recipe;
}

void repo_begin(struct world *world)
{
    struct version *version = &world->repo.versions[0];
    world->repo.from_last = world_chance(world, 50);
    change_cluster(world, version);
    version->windows = world_chance(world, 25); /* in every commit, or in none */
    for (int s = 0; s < SERVICES_MAX; s++) {
        version->recipes[s] = some_recipe(world);
        version->recipes[s].order = some_order(world, s);
        version->recipes[s].keep = world_chance(world, 20);
        version->recipes[s].present = s == 0 || world_chance(world, 50);
        settle(world, &version->recipes[s]);
        world->repo.len = 1; /* the next one sees the ports of the one before */
    }
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
    return version->suspend || (recipe && recipe->present && recipe->suspend);
}

bool repo_window_is_open(const struct world *world)
{
    return !world->repo.versions[0].windows || world->now_ms / 60000 % 2 == 0;
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
    int what = world_pick(world, 100);
    if (what < 45) {
        change_content(world, recipe);
    } else if (what < 60) {
        recipe->count = world_pick(world, 6);
    } else if (what < 67) {
        recipe->bounds = world_pick(world, ARRAY_LEN(bounds));
    } else if (what < 78) {
        recipe->present = !recipe->present;
    } else if (what < 82) {
        recipe->order = some_order(world, (int)(recipe - version->recipes));
        recipe->daemon ^= !world->fair && world_chance(world, 50);
        recipe->keep = world_chance(world, 30);
    } else if (what < 84) {
        recipe->rollback = !recipe->rollback;
        change_content(world, recipe);
    } else if (what < 95) {
        *version = repo->versions[world_pick(world, repo->len)]; /* git revert */
        version->broken = false;
    }
    change_suspension(world, version);
    for (int s = 0; s < SERVICES_MAX; s++)
        settle(world, &version->recipes[s]);
    world_trace(world, "commit %d: hosts %x are declared, %x DRAINING", repo->len, version->declared,
                version->draining);
    for (int s = 0; s < SERVICES_MAX; s++) {
        const struct recipe *one = &version->recipes[s];
        if (one->present)
            world_trace(
                world, "commit %d%s: s%d shape %d image %s:%d count %d%s bounds %d/%d order %d%s%s%s%s",
                repo->len, version->broken ? " (broken)" : "", s, one->shape, images[one->image].name,
                one->tag, one->count, one->daemon ? " DAEMON" : "", bounds[one->bounds].minimum,
                bounds[one->bounds].maximum, one->order, places[one->place].members, one->keep ? " kept" : "",
                one->suspend ? " suspended" : "", version->suspend ? " with its cluster" : "");
    }
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
    for (int f = 0; f < FILES; f++) {
        char *text = file_text(now, f);
        char *old CLEANUP_FREE = full ? NULL : file_text(before, f);
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
