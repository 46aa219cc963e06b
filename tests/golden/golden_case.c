#include "golden_case.h"

#include "base/buffer.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEALTHY_SINCE_MS 60000
#define YOUNG_SINCE_MS   3000

static const char KEY[] = "prod/web";

static int int_or(const json_t *object, const char *key, int otherwise)
{
    return json_object_get(object, key) ? (int)model_int(object, key) : otherwise;
}

struct digest case_digest(const char *content)
{
    return digest_of_bytes(content, strlen(content));
}

static bool complain(const char *what, const char *word)
{
    fprintf(stderr, "case: %s: %s\n", what, word ? word : "missing");
    return false;
}

/* --- the service and its ledger */

static void full_id(const char *name, char ret_id[static ID_HEX_SIZE])
{
    memset(ret_id, 'e', ID_HEX_SIZE - 1);
    ret_id[ID_HEX_SIZE - 1] = '\0';
    memcpy(ret_id, name, strlen(name));
}

static bool load_definition(struct golden_case *golden)
{
    struct task_definition *definition = NEW(struct task_definition);
    golden->definition = definition;
    definition->cpu_architecture = memory_strdup(model_string(golden->input, "cpuArchitecture"));
    definition->refs = 1;
    definition->family = memory_strdup("web");
    definition->revision = 2;
    definition->digest = case_digest("new");
    placement_constraints_from_json(golden->input, &definition->constraints);
    definition->json = json_object();
    if (json_object_get(golden->input, "images")) /* as in a definition: name, image, versionConsistency */
        json_object_set(definition->json, "containerDefinitions", json_object_get(golden->input, "images"));
    json_t *list = json_object_get(golden->input, "containers");
    if (!list) {
        vector_push(
            &definition->containers,
            (struct container_spec){.name = memory_strdup("app"), .essential = true, .stop_timeout_s = 30});
        return true;
    }
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        struct container_spec spec;
        if (container_spec_from_json(item, &spec) < 0)
            return complain("containers", "not readable");
        vector_push(&definition->containers, spec);
    }
    return true;
}

static void load_service(struct golden_case *golden)
{
    const json_t *json = json_object_get(golden->input, "service");
    if (!json || json_is_null(json))
        return;
    const char *content = model_string(json, "content");
    struct service *service = NEW(struct service);
    golden->service = service;
    service->refs = 1;
    service->cluster = memory_strdup("prod");
    service->name = memory_strdup("web");
    service->task_definition_text = memory_strdup("web");
    service->json = json_object();
    service->task_definition = task_definition_ref(golden->definition);
    service->daemon = text_equal(model_string(json, "schedulingStrategy"), "DAEMON");
    service->desired_count = int_or(json, "desiredCount", 1);
    service->minimum_healthy_percent = int_or(json, "minimumHealthyPercent", service->daemon ? 0 : 100);
    service->maximum_percent = int_or(json, "maximumPercent", service->daemon ? 100 : 200);
    service->minimum_healthy_ms = 1000LL * int_or(json, "minimumHealthySeconds", 10);
    service->health_check_grace_ms = 1000LL * int_or(json, "healthCheckGracePeriodSeconds", 0);
    service->breaker = circuit_breaker_from_json(json_object_get(json, "deploymentCircuitBreaker"));
    service->prune_disabled = model_bool(json, "pruneDisabled");
    service->crash_report = model_bool(json, "crashReport");
    service->digest = golden->definition->digest = case_digest(content ? content : "new");
    placement_constraints_from_json(json, &service->constraints);
    placement_strategies_from_json(json, &service->strategies);
    service->rebalances = text_equal(model_string(json, "availabilityZoneRebalancing"), "ENABLED");
    capacity_items_from_json(json_object_get(json, "capacityProviderStrategy"), &service->capacity);
    service->launch_type = json_object_get(json, "launchType") != NULL;
}

static bool load_deployment(struct golden_case *golden, const json_t *json)
{
    static const struct {
        const char *name;
        enum deployment_state state;
    } states[] = {{"IN_PROGRESS", DEPLOYMENT_IN_PROGRESS},
                  {"COMPLETED", DEPLOYMENT_COMPLETED},
                  {"FAILED", DEPLOYMENT_FAILED},
                  {"SUPERSEDED", DEPLOYMENT_SUPERSEDED}};
    const char *content = model_string(json, "content");
    json_t *image;
    size_t s = 0;
    while (s < ARRAY_LEN(states) && !text_equal(states[s].name, model_string(json, "state")))
        s++;
    if (!content || s == ARRAY_LEN(states))
        return complain("deployment", content);
    struct deployment deployment = {
        .digest = case_digest(content),
        .family = memory_strdup("web"),
        .revision = 1,
        .state = states[s].state,
        .reason = memory_strdup(model_string(json, "reason")),
        .desired_count = int_or(json, "desiredCount", golden->service ? golden->service->desired_count : 1),
        .created_ms = CASE_NOW_MS - HEALTHY_SINCE_MS,
        .updated_ms = CASE_NOW_MS - HEALTHY_SINCE_MS};
    if (model_string(json, "rollbackOf"))
        deployment.rollback_of = case_digest(model_string(json, "rollbackOf"));
    const char *id = model_string(json, "id"); /* tasks are of that of their content */
    snprintf(deployment.id, sizeof deployment.id, "ecs-svc/%s", id ? id : content);
    strcpy(deployment.commit.oid, "1111111111111111111111111111111111111111");
    for (int i = 0; i < int_or(json, "failures", 0); i++) {
        char name[16];
        char task[ID_HEX_SIZE];
        snprintf(name, sizeof name, "f%d", i);
        full_id(name, task);
        deployment_add_failure(&deployment, task, CASE_NOW_MS - 1000, "container app exited with code 1");
    }
    json_array_foreach (json_object_get(json, "images"), s, image) {
        deployment_add_image(&deployment, model_string(image, "image"));
        if (!model_bool(image, "asked"))
            deployment_image_resolve(&deployment.images.items[s], model_string(image, "digest"));
    }
    vector_push(&golden->ledger->deployments, deployment);
    return true;
}

static bool load_ledger(struct golden_case *golden)
{
    const json_t *json = json_object_get(golden->input, "ledger");
    if (!json || json_is_null(json))
        return true;
    size_t i;
    json_t *item;
    golden->ledger = service_ledger_new("prod", "web");
    golden->ledger->removed = model_bool(json, "removed");
    if (model_string(json, "completed")) {
        struct service completed = *golden->service;
        completed.digest = case_digest(model_string(json, "completed"));
        golden->completed_definition = NEW(struct task_definition);
        *golden->completed_definition = *golden->definition;
        golden->completed_definition->refs = 1;
        golden->completed_definition->digest = completed.digest;
        service_ledger_set_completed(golden->ledger, service_to_json(&completed),
                                     &(struct commit){.oid = "4444444444444444444444444444444444444444"});
    }
    golden->ledger->prune_disabled = model_bool(json, "pruneDisabled");
    json_array_foreach (json_object_get(json, "deployments"), i, item) {
        if (!load_deployment(golden, item))
            return false;
    }
    json_array_foreach (json_object_get(json, "knownBad"), i, item) {
        struct known_bad bad = {.digest = case_digest(json_string_value(item)), .at_ms = CASE_NOW_MS - 1000};
        strcpy(bad.commit, "2222222222222222222222222222222222222222");
        vector_push(&golden->ledger->known_bad, bad);
    }
    return true;
}

/* --- a standalone task */

/* {"id": "r1", "started": ["app"], "stopCode":, "stopReason":, "stoppedSeconds": ago, "adopted": true}. */
static void load_run(struct golden_case *golden)
{
    const json_t *json = json_object_get(golden->input, "run");
    if (!json)
        return;
    const char *instance = model_string(json, "instance");
    const char *group = model_string(json, "group");
    struct run *run = NEW(struct run);
    golden->run = run;
    *run = (struct run){.cluster = memory_strdup("prod"),
                        .group = memory_strdup(group ? group : "family:web"),
                        .started_by = memory_strdup(model_string(json, "startedBy")),
                        .family = memory_strdup("web"),
                        .revision = 2,
                        .instance = memory_strdup(instance ? instance : "local"),
                        .created_ms = CASE_NOW_MS - HEALTHY_SINCE_MS,
                        .stop_code = memory_strdup(model_string(json, "stopCode")),
                        .stop_reason = memory_strdup(model_string(json, "stopReason"))};
    full_id(model_string(json, "id"), run->id);
    map_put(&golden->names, run->id, memory_strdup(model_string(json, "id")));
    golden->key = service_key("prod", run->id);
    strcpy(run->commit, "3333333333333333333333333333333333333333");
    model_strings_from_json(json_object_get(json, "started"), &run->started);
    if (json_object_get(json, "stoppedSeconds"))
        run->stopped_ms = CASE_NOW_MS - 1000 * model_int(json, "stoppedSeconds");
    else if (!model_bool(json, "adopted"))
        run->task_definition = task_definition_ref(golden->definition);
    golden->service = run_content(run);
    placement_constraints_from_json(json, &golden->service->constraints);
    placement_strategies_from_json(json, &golden->service->strategies);
    capacity_items_from_json(json_object_get(json, "capacityProviderStrategy"), &golden->service->capacity);
    golden->service->launch_type = model_string(json, "launchType") != NULL;
    golden->service->desired_count = int_or(json, "count", 1);
}

/* --- tasks and containers */

const char *case_task_name(struct golden_case *golden, const char *id)
{
    char *name = map_get(&golden->names, id);
    if (!name) {
        name = memory_printf("n%d", ++golden->new_tasks);
        map_put(&golden->names, id, name);
    }
    return name;
}

static struct container *add_container(struct golden_case *golden, const struct task_labels *labels,
                                       const char *instance)
{
    struct container *container = NEW(struct container);
    container->id = memory_printf("c%llu", (unsigned long long)++golden->last_container);
    container->instance = memory_strdup(instance);
    task_labels_copy(labels, &container->labels);
    container->created_ms = golden->now_ms;
    vector_push(&golden->containers, container);
    return container;
}

/* "healthy", "young", "running 5", "starting", "unhealthy", "unhealthy 5", "created", "exited 1",
 * "exited 1 600", "exited 1 600 3": seconds since the start, or code, seconds since the end, and that it ran.
 */
static bool set_state(struct container *container, const char *state, int64_t now_ms)
{
    int code = 0;
    int ran = 0;
    int seconds = HEALTHY_SINCE_MS / 1000;
    bool checked = container->labels.spec->has_health_check;
    container->status = CONTAINER_RUNNING;
    if (text_equal(state, "created") || text_equal(state, "pending")) {
        container->status = CONTAINER_CREATED;
        return true;
    }
    if (text_starts_with(state, "exited")) {
        seconds = 5;
        int fields = sscanf(state, "exited %d %d %d", &code, &seconds, &ran);
        container->status = CONTAINER_STOPPED;
        container->has_exit_code = !text_equal(state, "exited");
        container->exit_code = code;
        container->finished_ms = now_ms - seconds * 1000LL;
        container->started_ms = container->finished_ms - ran * 1000LL;
        if (fields < 3)
            container->started_ms = now_ms - HEALTHY_SINCE_MS;
        if (ran < 0) /* what could not be started, as some engines have it */
            container->started_ms = 0;
        return true;
    }
    if (text_equal(state, "young"))
        seconds = YOUNG_SINCE_MS / 1000;
    else if (text_starts_with(state, "running "))
        seconds = atoi(state + strlen("running "));
    else if (text_starts_with(state, "unhealthy "))
        seconds = atoi(state + strlen("unhealthy "));
    else if (!text_equal(state, "healthy") && !text_equal(state, "starting") &&
             !text_equal(state, "unhealthy"))
        return complain("state", state);
    container->started_ms = now_ms - seconds * 1000LL;
    if (checked && text_starts_with(state, "unhealthy"))
        container->health = HEALTH_UNHEALTHY;
    else if (checked && !text_equal(state, "starting"))
        container->health = HEALTH_HEALTHY;
    return true;
}

static struct task_labels make_labels(struct golden_case *golden, const char *task, const char *content,
                                      const struct container_spec *spec)
{
    const struct run *run = golden->run;
    const char *former = model_string(golden->input, "formerName"); /* that the tasks' labels have */
    struct task_labels labels = {
        .owner = memory_strdup("me"),
        .cluster = memory_strdup("prod"),
        .service = run ? NULL : memory_strdup(former ? former : "web"),
        .deployment = run ? NULL : memory_printf("ecs-svc/%s", content),
        .group = run ? memory_strdup(run->group) : NULL,
        .family = memory_strdup("web"),
        .revision = 1,
        .digest = case_digest(content),
    };
    for (size_t i = 0; i < golden->definition->containers.len; i++)
        labels.essential += golden->definition->containers.items[i].essential;
    full_id(task, labels.task);
    labels.spec = container_spec_new(spec);
    return labels;
}

/* "old healthy": content, and the state of every container. Or {"content":, "instance":, "containers":
 * {name: state}} with the containers that exist, and "images": {name: what it was created of}. */
static bool load_task(struct golden_case *golden, const char *name, const json_t *json)
{
    const char *text = json_string_value(json);
    const char *instance = model_string(json, "instance");
    const char *space = text ? strchr(text, ' ') : NULL;
    char *content CLEANUP_FREE =
        space ? memory_strndup(text, (size_t)(space - text)) : memory_strdup(model_string(json, "content"));
    if (!content)
        return complain("task without content", name);
    char id[ID_HEX_SIZE];
    full_id(name, id);
    map_put(&golden->names, id, memory_strdup(name));
    for (size_t i = 0; i < golden->definition->containers.len; i++) {
        const struct container_spec *spec = &golden->definition->containers.items[i];
        const char *state = space ? space + 1 : model_string(json_object_get(json, "containers"), spec->name);
        if (!state)
            continue;
        struct task_labels labels = make_labels(golden, name, content, spec);
        model_strings_from_json(json_object_get(json_object_get(json, "gpuIds"), spec->name),
                                &labels.spec->gpu_ids);
        struct container *container = add_container(golden, &labels, instance ? instance : "local");
        container->created_ms = CASE_NOW_MS - HEALTHY_SINCE_MS;
        container->image = memory_strdup(model_string(json_object_get(json, "images"), spec->name));
        task_labels_deinit(&labels);
        if (!set_state(container, state, golden->now_ms))
            return false;
    }
    return true;
}

static struct container *find_container(struct golden_case *golden, const char *task, const char *name)
{
    for (size_t i = 0; i < golden->containers.len; i++) {
        struct container *container = golden->containers.items[i];
        if (text_equal(container->labels.task, task) && text_equal(container->labels.spec->name, name))
            return container;
    }
    return NULL;
}

/* --- actions under way, failures */

/* "resolve nginx:1 for ecs-svc/new on local" */
static bool load_resolve(struct golden_case *golden, const char *text)
{
    char image[32], deployment[DEPLOYMENT_ID_SIZE], instance[16];
    if (sscanf(text, "resolve %31s for %31s on %15s", image, deployment, instance) != 3)
        return complain("underWay", text);
    struct action *action = action_new(ACTION_RESOLVE);
    action->instance = memory_strdup(instance);
    action->cluster = memory_strdup("prod");
    action->service = memory_strdup("web");
    action->container = memory_strdup("app");
    action->image = memory_strdup(image);
    action->labels.deployment = memory_strdup(deployment);
    full_id("r1", action->task);
    map_put(&golden->names, action->task, memory_strdup("r1"));
    vector_push(&golden->under_way, action);
    return true;
}

/* "stop app of a1", "create app of a1 as old": what a sent action says. */
static bool load_action(struct golden_case *golden, const char *text)
{
    static const char *const kinds[] = {"create", "start", "stop", "remove"};
    char kind[16], container[32], task[16], content[16] = "new";
    if (text_starts_with(text ? text : "", "resolve "))
        return load_resolve(golden, text);
    if (!text || sscanf(text, "%15s %31s of %15s as %15s", kind, container, task, content) < 3)
        return complain("underWay", text);
    const struct container_spec *spec = task_definition_container(golden->definition, container);
    size_t k = 0;
    while (k < ARRAY_LEN(kinds) && !text_equal(kinds[k], kind))
        k++;
    if (!spec || k == ARRAY_LEN(kinds))
        return complain("underWay", text);
    struct action *action = action_new((enum action_kind)k);
    action->instance = memory_strdup("local");
    action->cluster = memory_strdup("prod");
    action->service = golden->run ? NULL : memory_strdup("web");
    action->container = memory_strdup(container);
    full_id(task, action->task);
    map_put(&golden->names, action->task, memory_strdup(task));
    if (action->kind == ACTION_CREATE)
        action->labels = make_labels(golden, task, content, spec);
    vector_push(&golden->under_way, action);
    return true;
}

/* "app of a1: no such image", "app of a1 as old: ...", "app of a1 image: ..." of a resolve */
static bool load_failure(struct golden_case *golden, const char *text)
{
    char container[32], task[16], content[16] = "new";
    const char *colon = text ? strchr(text, ':') : NULL;
    char *head CLEANUP_FREE = colon ? memory_strndup(text, (size_t)(colon - text)) : NULL;
    if (!colon || sscanf(head, "%31s of %15s as %15s", container, task, content) < 2)
        return complain("failures", text);
    struct plan_failure failure = {.container = memory_strdup(container),
                                   .reason = memory_strdup(colon + 2),
                                   .digest = case_digest(content),
                                   .of_image = text_ends_with(head, " image")};
    full_id(task, failure.task);
    map_put(&golden->names, failure.task, memory_strdup(task));
    vector_push(&golden->failures, failure);
    return true;
}

static bool load_lists(struct golden_case *golden)
{
    size_t i;
    json_t *item;
    const char *name;
    json_object_foreach (json_object_get(golden->input, "tasks"), name, item) {
        if (!load_task(golden, name, item))
            return false;
    }
    json_array_foreach (json_object_get(golden->input, "underWay"), i, item) {
        if (!load_action(golden, json_string_value(item)))
            return false;
    }
    json_array_foreach (json_object_get(golden->input, "failures"), i, item) {
        if (!load_failure(golden, json_string_value(item)))
            return false;
    }
    return true;
}

/* "a1", or "a1/log": what the memory knows of a task or of one of its containers. */
static void load_keys(const json_t *names, struct map *ret_keys)
{
    size_t i;
    json_t *item;
    map_clear(ret_keys);
    json_array_foreach (names, i, item) {
        char id[ID_HEX_SIZE];
        const char *name = json_string_value(item);
        const char *slash = strchr(name, '/');
        char *task CLEANUP_FREE = slash ? memory_strndup(name, (size_t)(slash - name)) : memory_strdup(name);
        full_id(task, id);
        char *key CLEANUP_FREE = memory_printf("%s%s", id, slash ? slash : "");
        map_put(ret_keys, key, (void *)1);
    }
}

/* "failuresInRow" of all the service, or of one instance each in "backOffs"; all that it lacks is owed. */
static void load_back_offs(struct golden_case *golden, const json_t *json)
{
    const char *place;
    json_t *rounds;
    json_t *places CLEANUP(json_decrefp) = json_object();
    json_object_update(places, json_object_get(json, "backOffs"));
    if (json_object_get(json, "failuresInRow"))
        json_object_set(places, BACK_OFF_ANYWHERE, json_object_get(json, "failuresInRow"));
    map_clear(&golden->memory.back_offs);
    json_object_foreach (places, place, rounds) {
        struct plan_back_off *back_off = NEW(struct plan_back_off);
        *back_off = (struct plan_back_off){.rounds = (int)json_integer_value(rounds),
                                           .owed = int_or(json, "owed", 1000),
                                           .launched = !json_is_false(json_object_get(json, "launched")),
                                           .last_ms = golden->now_ms - 1000 * model_int(json, "lastFailure")};
        map_put(&golden->memory.back_offs, place, back_off);
    }
}

/* The memory's own JSON, with tasks by their short names and times in seconds ago. */
static void load_memory(struct golden_case *golden)
{
    const json_t *json = json_object_get(golden->input, "memory");
    const char *name;
    json_t *reason;
    plan_memory_from_json(json, &golden->memory);
    map_clear(&golden->memory.stopping);
    golden->memory.seen = !json_is_false(json_object_get(json, "seen"));
    if (json_object_get(json, "noPlaceSeconds"))
        golden->memory.no_place_ms = golden->now_ms - 1000 * model_int(json, "noPlaceSeconds");
    load_back_offs(golden, json);
    json_object_foreach (json_object_get(json, "stopping"), name, reason) {
        char id[ID_HEX_SIZE];
        full_id(name, id);
        map_put(&golden->memory.stopping, id, memory_strdup(json_string_value(reason)));
    }
    load_keys(json_object_get(json, "counted"), &golden->memory.counted);
    load_keys(json_object_get(json, "up"), &golden->memory.up);
    load_keys(json_object_get(json, "lost"), &golden->memory.lost);
    load_keys(json_object_get(json, "givenUp"), &golden->memory.given_up);
    load_keys(json_object_get(json, "proven"), &golden->memory.proven);
    golden->memory.last_crash_ms = golden->now_ms - 1000 * model_int(json, "lastCrash");
}

bool case_init(struct golden_case *golden, const json_t *input)
{
    *golden = (struct golden_case){.input = input, .now_ms = CASE_NOW_MS, .names = MAP_INIT(free)};
    golden->options =
        (struct plan_options){.owner = "me",
                              .stopped_retention_ms = 1000LL * int_or(input, "retentionSeconds", 10800),
                              .stopped_kept = int_or(input, "stoppedKept", 10),
                              .lost_after_ms = 1000LL * int_or(input, "lostAfterSeconds", 0)};
    strcpy(golden->commit.oid, "3333333333333333333333333333333333333333");
    golden->ids.seed = 1;
    if (!load_definition(golden))
        return false;
    load_service(golden);
    load_run(golden);
    if (!load_ledger(golden) || !load_lists(golden))
        return false;
    load_memory(golden);
    return true;
}

void case_deinit(struct golden_case *golden)
{
    service_unref(golden->service);
    task_definition_unref(golden->definition);
    free(golden->completed_definition); /* what it has is the definition's */
    service_ledger_free(golden->ledger);
    run_free(golden->run);
    free(golden->key);
    container_vec_deinit(&golden->containers);
    action_vec_deinit(&golden->under_way);
    plan_failure_vec_deinit(&golden->failures);
    plan_memory_deinit(&golden->memory);
    map_deinit(&golden->names);
}

/* --- planning and acting */

static void book(const struct golden_case *golden, struct plan_instance_vec *instances)
{
    struct plan_booking_vec booked = {0};
    for (size_t n = 0; n < instances->len; n++) {
        struct map tasks = {0};
        for (size_t c = 0; c < golden->containers.len; c++) {
            const struct container *container = golden->containers.items[c];
            if (container->status == CONTAINER_STOPPED ||
                !text_equal(container->instance, instances->items[n].name))
                continue;
            plan_booking_add(&booked, n, container->labels.spec, KEY);
            if (!map_get(&tasks, container->labels.task))
                plan_booking_add_task(&booked, n, KEY);
            map_put(&tasks, container->labels.task, (void *)1);
        }
        map_deinit(&tasks);
    }
    plan_room_take(instances, &booked);
    plan_booking_vec_deinit(&booked);
}

/* Of other services: {"prod/db": 2}, or {"prod/log": "DAEMON"}; of standalone tasks: {"prod/TASK family:db":
 * 1}. */
static void load_groups(const json_t *json, struct plan_group_vec *ret_groups)
{
    const char *holder;
    json_t *tasks;
    json_object_foreach ((json_t *)(uintptr_t)json, holder, tasks) {
        const char *space = strchr(holder, ' ');
        const struct plan_group group = {.holder = holder,
                                         .tasks = json_is_string(tasks) ? 1 : (int)json_integer_value(tasks),
                                         .daemon = json_is_string(tasks),
                                         .name = space ? space + 1 : NULL};
        vector_push(ret_groups, group);
    }
}

static struct plan_instance_vec load_instances(const struct golden_case *golden)
{
    struct plan_instance_vec instances = {0};
    json_t *list = json_object_get(golden->input, "instances");
    size_t i;
    json_t *item;
    if (!list)
        vector_push(&instances,
                    (struct plan_instance){
                        .name = "local", .usable = true, .cpu_units_free = 4096, .memory_mib_free = 8192});
    json_array_foreach (list, i, item) {
        struct plan_instance instance = {.name = model_string(item, "name"),
                                         .usable = !json_is_false(json_object_get(item, "usable")),
                                         .reason = model_string(item, "reason"),
                                         .arch = model_string(item, "arch"),
                                         .os = model_string(item, "os"),
                                         .lost_ms = golden->now_ms - 1000 * model_int(item, "lostSeconds"),
                                         .cpu_units = int_or(item, "cpuOfAll", 0),
                                         .cpu_units_free = int_or(item, "cpu", 4096),
                                         .memory_mib_free = int_or(item, "memory", 8192)};
        load_groups(json_object_get(item, "groups"), &instance.groups);
        vector_push(&instances, instance);
    }
    book(golden, &instances);
    return instances;
}

/* T1: where, or why not, as what is being waited for. */
static void case_place(const struct plan_input *input, struct plan_output *ret_output)
{
    struct plan_lack_vec lacks = {0};
    const struct plan_instance *instance = plan_place(input, ret_output, &lacks);
    struct buffer text = BUFFER_INIT(LIMIT_ERROR_CHARS);
    buffer_printf(&text, "%s", instance ? instance->name : "no place");
    for (size_t i = 0; i < lacks.len; i++)
        buffer_printf(&text, "; %s %s: %s", lacks.items[i].instance, lacks.items[i].reason,
                      lacks.items[i].detail);
    ret_output->waiting = buffer_steal(&text);
    plan_room_give(input->instances, &ret_output->booked);
    plan_lack_vec_deinit(&lacks);
}

void case_plan(struct golden_case *golden, struct plan_output *ret_output)
{
    struct plan_instance_vec instances = load_instances(golden);
    struct container_instance_vec declared;
    const json_t *manifest = json_object_get(golden->input, "clusterManifest");
    struct capacity_item_vec capacity;
    struct string_vec beside = {0};
    json_t *name;
    size_t i;
    json_array_foreach (json_object_get(golden->input, "beside"), i, name)
        vector_push(&beside, memory_strdup(json_string_value(name)));
    container_instances_from_json(manifest, &declared);
    capacity_items_from_json(json_object_get(manifest, "defaultCapacityProviderStrategy"), &capacity);
    struct service completed = golden->service ? *golden->service : (struct service){0};
    bool has_completed = golden->service && golden->ledger && golden->ledger->completed;
    if (has_completed) {
        completed.digest = model_digest(golden->ledger->completed, "digest");
        completed.task_definition = golden->completed_definition;
    }
    const struct plan_input input = {.now_ms = golden->now_ms,
                                     .beside = &beside,
                                     .options = &golden->options,
                                     .desired = golden->service,
                                     .commit = &golden->commit,
                                     .ledger = golden->ledger,
                                     .completed = has_completed ? &completed : NULL,
                                     .run = golden->run,
                                     .cluster = "prod",
                                     .service = golden->run ? NULL : "web",
                                     .suspended = model_string(golden->input, "suspended"),
                                     .waits_for = model_string(golden->input, "waitsFor"),
                                     .pre_deploy = model_string(golden->input, "preDeploy"),
                                     .pre_deploy_failed = model_string(golden->input, "preDeployFailed"),
                                     .key = golden->key ? golden->key : KEY,
                                     .containers = (const struct container *const *)golden->containers.items,
                                     .containers_len = golden->containers.len,
                                     .under_way = (const struct action *const *)golden->under_way.items,
                                     .under_way_len = golden->under_way.len,
                                     .failures = &golden->failures,
                                     .instances = &instances,
                                     .declared = &declared,
                                     .capacity = &capacity,
                                     .memory = &golden->memory,
                                     .ids = &golden->ids};
    if (model_bool(golden->input, "place"))
        case_place(&input, ret_output);
    else if (golden->run)
        plan_run(&input, ret_output);
    else
        plan_service(&input, ret_output);
    plan_failure_vec_deinit(&golden->failures);
    plan_instance_vec_deinit(&instances);
    container_instances_deinit(&declared);
    capacity_items_deinit(&capacity);
    string_vec_deinit(&beside);
}

static void drop_container(struct golden_case *golden, const struct container *container)
{
    for (size_t i = 0; i < golden->containers.len; i++) {
        if (golden->containers.items[i] != container)
            continue;
        container_free(golden->containers.items[i]);
        vector_remove(&golden->containers, i);
        return;
    }
}

static void carry_out(struct golden_case *golden, const struct action *action)
{
    const char *world = model_string(golden->input, "world");
    struct container *container = find_container(golden, action->task, action->container);
    if (action->kind == ACTION_RESOLVE) {
        struct deployment *primary = service_ledger_primary(golden->ledger);
        deployment_image_resolve(deployment_image(primary, action->image), "sha256:1");
    } else if (action->kind == ACTION_CREATE && text_equal(world, "create fails")) {
        struct plan_failure failure = {.instance = memory_strdup(action->instance),
                                       .container = memory_strdup(action->container),
                                       .reason = memory_strdup("no such image"),
                                       .digest = action->labels.digest};
        memcpy(failure.task, action->task, sizeof failure.task);
        vector_push(&golden->failures, failure);
    } else if (action->kind == ACTION_CREATE) {
        add_container(golden, &action->labels, action->instance);
    } else if (action->kind == ACTION_START && text_equal(world, "crashes")) {
        set_state(container, "exited 1 0 0", golden->now_ms);
        container->started_ms = golden->now_ms;
    } else if (action->kind == ACTION_START) {
        set_state(container, text_equal(world, "unhealthy") ? "unhealthy 0" : "running 0", golden->now_ms);
    } else if (action->kind == ACTION_STOP && container) {
        set_state(container, "exited 143 0", golden->now_ms);
    } else if (action->kind == ACTION_REMOVE && container) {
        drop_container(golden, container);
    }
}

static void take_run(struct golden_case *golden, struct run *run)
{
    run_free(golden->run);
    golden->run = run;
    service_unref(golden->service);
    golden->service = run_content(run);
}

void case_apply(struct golden_case *golden, struct plan_output *output)
{
    if (output->ledger) {
        service_ledger_free(golden->ledger);
        golden->ledger = TAKE(output->ledger);
    }
    if (output->forget) {
        service_ledger_free(golden->ledger);
        golden->ledger = NULL;
    }
    if (output->run)
        take_run(golden, TAKE(output->run));
    for (size_t i = 0; i < output->actions.len; i++) {
        struct action *action = output->actions.items[i];
        if (action->kind == ACTION_STOP) {
            vector_push(&golden->under_way, action);
            continue;
        }
        carry_out(golden, action);
        action_free(action);
    }
    output->actions.len = 0;
    plan_output_deinit(output);
}

bool case_land(struct golden_case *golden)
{
    bool any = golden->under_way.len > 0;
    for (size_t i = 0; i < golden->under_way.len; i++)
        carry_out(golden, golden->under_way.items[i]);
    action_vec_deinit(&golden->under_way);
    return any;
}
