/* The manifests of a version, and the images that they name. */
#include "manifests.h"
#include "base/buffer.h"
#include "base/text.h"
#include "model/image.h"

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
    {"long", {.exits_after_ms = 25000}, false, 5000},
    {JOB_HANGS, {0}, true, 0},
};

/* Of jobs. */
static const char *const job_images[JOB_IMAGES] = {"init",    "long",   "initfail", "crash",
                                                   "missing", "broken", JOB_HANGS};

const char *manifests_job_image(int image)
{
    return job_images[image];
}

const char *manifests_image(int image)
{
    return images[image].name;
}

void repo_images(struct sim *sim)
{
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        sim_set_behaviour(sim, images[i].name, &images[i].behaviour);
        if (images[i].pull_ms)
            sim_image_pullable(sim, images[i].name, images[i].pull_ms);
        if (images[i].local || images[i].pull_ms)
            sim_image_publish(sim, images[i].name, "sha256:0");
        if (images[i].local)
            sim_image_local(sim, images[i].name);
    }
}

bool repo_content_can_run(const struct service *content)
{
    const struct container_spec_vec *specs = &content->task_definition->containers;
    for (size_t c = 0; c < specs->len; c++)
        for (size_t i = IMAGES_GOOD; i < ARRAY_LEN(images); i++)
            if (text_equal(specs->items[c].name, "app") &&
                text_equal(image_of(content->task_definition, "app"), images[i].name))
                return false;
    return true;
}

void repo_move_tag(struct world *world)
{
    size_t i = (size_t)world_pick(world, (int)ARRAY_LEN(images));
    if (!images[i].local && !images[i].pull_ms)
        return;
    char *digest CLEANUP_FREE = memory_printf("sha256:%d", ++world->tags_moved);
    world_trace(world, "%s is %s from now on", images[i].name, digest);
    for (int h = 0; h < world->hosts_len; h++)
        sim_image_publish(world->hosts[h].sim, images[i].name, digest);
}

/* --- manifests */

#define CONTAINER(name, image) "{\"name\":\"" name "\",\"image\":\"" image "\",\"cpu\":16,\"memory\":16"
#define OPTIONAL               ",\"essential\":false"
#define CHECKED                ",\"healthCheck\":{\"command\":[\"CMD\",\"true\"]}"
#define GPU                    ",\"resourceRequirements\":[{\"type\":\"GPU\",\"value\":\"1\"}]"
#define RESTARTED              ",\"restartPolicy\":{\"enabled\":true,\"restartAttemptPeriod\":60}"
#define AFTER(name, condition)                                                                               \
    ",\"dependsOn\":[{\"containerName\":\"" name "\",\"condition\":\"" condition "\"}]"

/* '#' is the recipe's tag. The last one is a directory that is too large at times. */
#define FILES_OF_APP ",\"davit\":{\"files\":[{\"source\":\"" CONF "\",\"target\":\"/etc/app.conf\"}]}"

/* Containers of a task; %s is the main one's image. */
static const char *const shapes[SHAPES] = {
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
    CONTAINER("app", "%s") CHECKED GPU "}",
    CONTAINER("app", "%s") GPU "}," CONTAINER("log", "good") OPTIONAL GPU AFTER("app", "START") "}",
    CONTAINER("app", "%s") CHECKED ",\"portMappings\":[{\"containerPort\":80,\"hostPort\":8080}]}",
};

/* Only pairs with which every deployment can go on: lower < upper for any count. */
const struct bounds bounds[BOUNDS] = {{100, 200}, {0, 100},  {50, 200}, {0, 200},
                                      {50, 150},  {66, 134}, {100, 150}};
/* Of a DAEMON: with one host, more than 0 is stuck. */
static const int daemon_minimum[] = {0, 0, 0, 50};
static const int never_stuck[] = {0, 1, 2, 3};

static bool can_go_on(const struct recipe *recipe)
{
    int lower = (recipe->count * bounds[recipe->bounds].minimum + 99) / 100;
    int upper = recipe->count * bounds[recipe->bounds].maximum / 100;
    return recipe->count == 0 || lower < upper;
}

#define CONSTRAINTS(list) ",\"placementConstraints\":[" list "]"
#define STRATEGIES(list)  ",\"placementStrategy\":[" list "]"
#define MEMBER(of)        "{\"type\":\"memberOf\",\"expression\":\"" of "\"}"

const struct place places[PLACES] = {
    {.members = "", .even = false, .zones = true},
    {.members = STRATEGIES("{\"type\":\"spread\",\"field\":\"instanceId\"}"), .even = true},
    {.members = STRATEGIES("{\"type\":\"binpack\",\"field\":\"cpu\"}")},
    {.members = STRATEGIES("{\"type\":\"spread\",\"field\":\"attribute:zone\"},"
                           "{\"type\":\"binpack\",\"field\":\"memory\"}")},
    {.members = STRATEGIES("{\"type\":\"random\"}")},
    {.members = CONSTRAINTS("{\"type\":\"distinctInstance\"}"), .distinct = true, .zones = true},
    {.members = CONSTRAINTS(MEMBER("attribute:disk == ssd and attribute:zone exists")),
     .wants_ssd = true,
     .zones = true},
    {.members = CONSTRAINTS(MEMBER("not(task:group == service:s0)")), .avoids = "s0", .zones = true},
    {.members = ",\"availabilityZoneRebalancing\":\"DISABLED\""},
};

void manifests_settle(struct world *world, struct recipe *recipe)
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

bool repo_same_zone(int host, int other)
{
    return text_equal(host_attributes[host].zone, host_attributes[other].zone);
}

const struct place *repo_place(const struct version *version, const char *service)
{
    return &places[version->recipes[service[1] - '0'].place];
}

#define ITEM(provider, base, weight)                                                                         \
    "{\"capacityProvider\":\"" provider "\",\"base\":" #base ",\"weight\":" #weight "}"
#define STRATEGY(items) .members = ",\"capacityProviderStrategy\":[" items "]", .list = items

const struct capacity capacities[CAPACITIES] = {
    {.members = "", .list = ""},
    {STRATEGY(ITEM("a", 1, 1) "," ITEM("b", 0, 1)), .shares = {{'a', 1, 1}, {'b', 0, 1}}},
    {STRATEGY(ITEM("b", 0, 3)), .shares = {{'b', 0, 3}, {'-', 0, 0}}},
    {STRATEGY(ITEM("b", 2, 0) "," ITEM("a", 0, 2)), .shares = {{'b', 2, 0}, {'a', 0, 2}}},
    {STRATEGY(ITEM("FARGATE", 9, 9) "," ITEM("b", 0, 1) "," ITEM("a", 0, 2)),
     .shares = {{'b', 0, 1}, {'a', 0, 2}}},
    {.members = ",\"launchType\":\"EC2\"", .list = "", .shares = {{'-', 0, 0}, {'-', 0, 0}}},
};

const int host_gpus[HOSTS_MAX] = {GPUS_MAX, 2, 1};

static void write_gpus(struct buffer *out, int host)
{
    buffer_append_str(out, "\"gpus\":[");
    for (int i = 0; i < host_gpus[host]; i++)
        buffer_printf(out, "%s\"g%d\"", i ? "," : "", i);
    buffer_append_str(out, "],");
}

static void write_cluster(struct buffer *out, const struct version *version)
{
    const char *comma = "";
    buffer_append_str(out, "{\"clusterName\":\"c\",\"davit\":{\"containerInstances\":[");
    for (int h = 0; h < HOSTS_MAX; h++) {
        if (!(version->declared & 1 << h))
            continue;
        char provider[] = {PROVIDER_OF(h), 0};
        buffer_printf(out, "%s{\"name\":\"h%d\",", comma, h);
        if (version->gpus)
            write_gpus(out, h);
        buffer_printf(out,
                      "%s%s%s\"attributes\":{\"zone\":\"%s\",\"ecs.availability-zone\":\"%s\","
                      "\"disk\":\"%s\"},\"status\":\"%s\"}",
                      version->providers ? "\"capacityProvider\":\"" : "", version->providers ? provider : "",
                      version->providers ? "\"," : "", host_attributes[h].zone, host_attributes[h].zone,
                      host_attributes[h].ssd ? "ssd" : "hdd",
                      version->draining & 1 << h ? "DRAINING" : "ACTIVE");
        comma = ",";
    }
    buffer_printf(
        out, "]%s%s},\"defaultCapacityProviderStrategy\":[%s]}", version->suspend ? ",\"suspend\":true" : "",
        version->windows ? ",\"changeWindows\":[{\"kind\":\"allow\",\"schedule\":\"cron(0/2 * * * ? *)\","
                           "\"durationMinutes\":1}]"
                         : "",
        capacities[version->capacity].list);
}

/* Only what is there may be depended on. */
static void write_order(struct buffer *out, int service, const struct version *version)
{
    const char *separator = "";
    buffer_append_str(out, ",\"dependsOn\":[");
    for (int s = 0; s < SERVICES_MAX; s++) {
        if (!(version->recipes[service].order & 1 << s) || !version->recipes[s].present)
            continue;
        buffer_printf(out, "%s{\"service\":\"%s\"%s}", separator, repo_name(version, s).text,
                      version->recipes[service].complete & 1 << s ? ",\"condition\":\"COMPLETE\"" : "");
        separator = ",";
    }
    buffer_append_str(out, "]");
}

static void write_steps(struct buffer *out, const struct recipe *recipe)
{
    const char *separator = "";
    buffer_append_str(out, ",\"preDeploy\":[");
    for (int j = 0; j < JOBS_MAX; j++) {
        if (!(recipe->steps & 1 << j))
            continue;
        buffer_printf(out, "%s\"j%d\"", separator, j);
        separator = ",";
    }
    buffer_append_str(out, "]");
}

static void write_job(struct buffer *out, int number, const struct job *job)
{
    buffer_printf(
        out,
        "{\"family\":\"j%d\",\"containerDefinitions\":[" CONTAINER("job", "%s") "}],\"volumes\":[{"
                                                                                "\"name\":\"v%d\"}]}",
        number, job_images[job->image], job->tag);
}

#define AT_S(minute, second) (FIRST_MS / 1000 + ((minute)-13) * 60 + (second)-20)
#define UNTIL_22_30          ",\"EndDate\":\"2023-11-14T22:30:00Z\""

const struct expression expressions[EXPRESSIONS] = {
    {.text = "rate(1 minute)", .more = UNTIL_22_30, .period_s = 60, .last_s = AT_S(30, 0)},
    {.text = "rate(2 minutes)",
     .more = UNTIL_22_30 ",\"StartDate\":\"2023-11-14T22:14:30Z\"",
     .step_s = 120,
     .first_s = AT_S(14, 30),
     .last_s = AT_S(30, 0)},
    {.text = "cron(14-30 22 14 11 ? 2023)",
     .more = "",
     .step_s = 60,
     .first_s = AT_S(14, 0),
     .last_s = AT_S(30, 0)},
    {.text = "cron(14/3 22 14 11 ? 2023)",
     .more = "",
     .rule = true,
     .step_s = 180,
     .first_s = AT_S(14, 0),
     .last_s = AT_S(59, 0)},
    {.text = "at(2023-11-14T22:15:30)",
     .more = "",
     .step_s = 1,
     .first_s = AT_S(15, 30),
     .last_s = AT_S(15, 30)},
    {.text = "rate(1 minute)",
     .more = ",\"EndDate\":\"2023-11-14T22:16:00Z\"",
     .period_s = 60,
     .last_s = AT_S(16, 0)},
};
static const char *const timer_policies[TIMER_POLICIES] = {"Allow", "Forbid", "Replace"};
const int timer_ages[TIMER_AGES] = {60, 120, 86400};
static const int timer_attempts[] = {0, 3, 185};

static void write_target(struct buffer *out, const struct timer *timer, const char *id)
{
    buffer_printf(out,
                  "{%s\"Arn\":\"c\",\"EcsParameters\":{\"TaskDefinitionArn\":\"j%d\",\"TaskCount\":%d},"
                  "\"RetryPolicy\":{\"MaximumEventAgeInSeconds\":%d,\"MaximumRetryAttempts\":%d}}",
                  id, timer->job, timer->count, timer_ages[timer->age], timer_attempts[timer->attempts]);
}

/* A rule has two targets. */
static void write_timer(struct buffer *out, int number, const struct timer *timer)
{
    const struct expression *expression = &expressions[timer->expression];
    buffer_printf(out,
                  "{\"Name\":\"t%d\",\"ScheduleExpression\":\"%s\"%s,\"State\":\"%s\","
                  "\"davit\":{\"concurrencyPolicy\":\"%s\"},\"%s\":",
                  number, expression->text, expression->more, timer->disabled ? "DISABLED" : "ENABLED",
                  timer_policies[timer->policy], expression->rule ? "Targets" : "Target");
    if (expression->rule) {
        buffer_append_str(out, "[");
        write_target(out, timer, "\"Id\":\"a\",");
        buffer_append_str(out, ",");
        write_target(out, timer, "\"Id\":\"b\",");
        buffer_append_str(out, "]}");
    } else {
        write_target(out, timer, "");
        buffer_append_str(out, "}");
    }
}

static void write_service(struct buffer *out, int service, const struct version *version)
{
    const struct recipe *recipe = &version->recipes[service];
    bool daemon = recipe->daemon;
    buffer_printf(out, "{\"cluster\":\"c\",\"serviceName\":\"%s\",\"taskDefinition\":\"f%d\",",
                  repo_name(version, service).text, service);
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
    if (recipe->steps)
        write_steps(out, recipe);
    if (recipe->keep)
        buffer_append_str(out, ",\"prune\":\"disabled\"");
    if (recipe->suspend)
        buffer_append_str(out, ",\"suspend\":true");
    buffer_printf(out, "}%s%s}", places[recipe->place].members, capacities[recipe->capacity].members);
}

char *manifests_text(const struct version *version, int file)
{
    struct buffer out = BUFFER_INIT(TEXT_BYTES);
    if (file == FILES - 1)
        return version->broken ? memory_strdup("{\"serviceName\":\"s9\",\"taskDefinition\":\"nowhere\"}")
                               : NULL;
    if (file == FILES - 2) {
        write_cluster(&out, version);
        return buffer_steal(&out);
    }
    if (file >= 2 * SERVICES_MAX + JOBS_MAX) {
        int number = file - 2 * SERVICES_MAX - JOBS_MAX;
        if (!version->timers[number].present)
            return NULL;
        write_timer(&out, number, &version->timers[number]);
        return buffer_steal(&out);
    }
    if (file >= 2 * SERVICES_MAX) {
        write_job(&out, file - 2 * SERVICES_MAX, &version->jobs[file - 2 * SERVICES_MAX]);
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
