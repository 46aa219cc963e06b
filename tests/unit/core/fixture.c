#include "fixture.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"one", "two", "three"};

static struct core *new_core(int instances, const struct core_source_options *sources, size_t sources_len)
{
    const struct core_options options = {.owner = "me",
                                         .sources = sources,
                                         .sources_len = sources_len,
                                         .instances = names,
                                         .instances_len = (size_t)instances,
                                         .stopped_retention_ms = 3600000,
                                         .stopped_kept = 5,
                                         .deletion = {3, 50},
                                         .lost_after_ms = LOST_AFTER_MS,
                                         .patience_ms = PATIENCE_MS};
    return core_new(&options);
}

struct fixture *fixture_new(int instances)
{
    struct fixture *fixture = NEW(struct fixture);
    fixture->core = new_core(instances, NULL, 0);
    fixture->now_ms = FIRST_MS;
    return fixture;
}

struct fixture *fixture_of_sources(const struct core_source_options *sources, size_t len)
{
    struct fixture *fixture = NEW(struct fixture);
    fixture->core = new_core(1, sources, len);
    fixture->now_ms = FIRST_MS;
    fixture->ledger = json_object();
    return fixture;
}

static void note_saves(struct fixture *fixture, size_t from)
{
    for (size_t i = from; fixture->ledger && i < fixture->effects.len; i++) {
        const struct ledger_change *change = &fixture->effects.items[i].change;
        if (fixture->effects.items[i].kind != EFFECT_SAVE)
            continue;
        char *key CLEANUP_FREE = memory_printf("%d %s", (int)change->kind, change->name);
        char *former CLEANUP_FREE = memory_printf("%d %s", (int)change->kind, change->former);
        json_object_del(fixture->ledger, former);
        if (change->entry)
            json_object_set_new(fixture->ledger, key, json_deep_copy(change->entry));
        else
            json_object_del(fixture->ledger, key);
    }
}

void fixture_restart(struct fixture *fixture, const struct core_source_options *sources, size_t len)
{
    json_t *ledger CLEANUP(json_decrefp) = json_deep_copy(fixture->ledger);
    const char *key;
    json_t *entry;
    core_free(fixture->core);
    fixture->core = new_core(1, sources, len);
    for (int kind = LEDGER_SERVICE; kind <= LEDGER_SCHEDULE; kind++) {
        json_object_foreach (ledger, key, entry) {
            if (atoi(key) == kind)
                fixture_step(fixture, (struct event){.kind = EVENT_LEDGER,
                                                     .ledger = {(enum ledger_change_kind)kind,
                                                                memory_strdup(strchr(key, ' ') + 1),
                                                                json_incref(entry)}});
        }
    }
}

void fixture_free(struct fixture *fixture)
{
    core_free(fixture->core);
    effect_vec_deinit(&fixture->effects);
    json_decref(fixture->ledger);
    free(fixture);
}

void fixture_step(struct fixture *fixture, struct event event)
{
    event.now_ms = fixture->now_ms;
    event.seed = (uint64_t)++fixture->commits;
    effect_vec_deinit(&fixture->effects);
    core_step(fixture->core, &event, &fixture->effects);
    note_saves(fixture, 0);
}

static void add_step(struct fixture *fixture, struct event event)
{
    event.now_ms = fixture->now_ms;
    event.seed = (uint64_t)++fixture->commits;
    size_t before = fixture->effects.len;
    core_step(fixture->core, &event, &fixture->effects);
    note_saves(fixture, before);
}

/* Whether there was one to answer, which is no effect of the turn any more. */
static bool answer_resolve(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->effects.len; i++) {
        struct effect *effect = &fixture->effects.items[i];
        if (effect->kind != EFFECT_ACT || effect->action->kind != ACTION_RESOLVE)
            continue;
        uint64_t id = effect->action->id;
        action_free(effect->action);
        vector_remove(&fixture->effects, i);
        struct event event = {.kind = EVENT_ACTION_DONE, .action = {.id = id}};
        event.action.image_digest = memory_strdup(fixture->digest);
        add_step(fixture, event);
        return true;
    }
    return false;
}

void fixture_turn(struct fixture *fixture)
{
    fixture_step(fixture, (struct event){.kind = EVENT_TURN});
    bool any = false;
    while (!fixture->asked && answer_resolve(fixture))
        any = true;
    if (any)
        add_step(fixture, (struct event){.kind = EVENT_TURN});
}

void fixture_leap(struct fixture *fixture, int64_t step_ms)
{
    fixture->skew_ms += step_ms;
    fixture_step(fixture, (struct event){.kind = EVENT_CLOCK, .clock = {fixture->skew_ms, step_ms}});
}

void fixture_after(struct fixture *fixture, int64_t ms)
{
    fixture->now_ms += ms;
}

static void add_file(struct event *event, const char *path, const char *text)
{
    struct event_file file = {.path = memory_strdup(path),
                              .kind = text ? EVENT_FILE : EVENT_FILE_DELETED,
                              .content = memory_strdup(text),
                              .len = text ? strlen(text) : 0};
    vector_push(&event->commit.files, file);
}

static struct event commit_event(struct fixture *fixture)
{
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = true}};
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%040d", ++fixture->commits);
    event.commit.commit.subject = memory_strdup("a change");
    return event;
}

void fixture_file(struct fixture *fixture, const char *path, const char *text)
{
    struct event event = commit_event(fixture);
    add_file(&event, path, text);
    fixture_step(fixture, event);
}

void fixture_commit(struct fixture *fixture, const char *service, const char *image, int count, int host_port)
{
    struct event event = commit_event(fixture);
    char *ports CLEANUP_FREE =
        host_port ? memory_printf(",\"portMappings\":[{\"containerPort\":80,\"hostPort\":%d}]", host_port)
                  : memory_strdup("");
    char *definition CLEANUP_FREE = memory_printf(
        "{\"family\":\"%s\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"%s\",\"memory\":64%s}]}",
        service, image, ports);
    char *text CLEANUP_FREE = memory_printf(
        "{\"cluster\":\"c\",\"serviceName\":\"%s\",\"taskDefinition\":\"%s\",\"desiredCount\":%d}", service,
        service, count);
    char *first CLEANUP_FREE = memory_printf("%s-definition.json", service);
    char *second CLEANUP_FREE = memory_printf("%s-service.json", service);
    add_file(&event, "cluster.json", "{\"clusterName\":\"c\"}");
    add_file(&event, first, definition);
    add_file(&event, second, text);
    fixture_step(fixture, event);
}

void fixture_listed(struct fixture *fixture, const char *instance, struct container *const *containers,
                    size_t len)
{
    struct event connected = {
        .kind = EVENT_CONNECTED,
        .engine = {.instance = memory_strdup(instance),
                   .info = {.engine = memory_strdup("sim"), .cpu_units = 4096, .memory_mib = 8192}}};
    struct event listed = {.kind = EVENT_LISTED, .engine = {.instance = memory_strdup(instance)}};
    for (size_t i = 0; i < len; i++)
        vector_push(&listed.engine.containers, containers[i]);
    fixture_step(fixture, connected);
    fixture_step(fixture, listed);
}

void fixture_empty(struct fixture *fixture, const char *instance)
{
    fixture_listed(fixture, instance, NULL, 0);
}

void fixture_done(struct fixture *fixture, uint64_t id, int code, struct container *container)
{
    fixture_step(fixture,
                 (struct event){.kind = EVENT_ACTION_DONE,
                                .action = {.id = id,
                                           .code = code,
                                           .message = code ? memory_strdup("the engine's words") : NULL,
                                           .container = container}});
}

struct container *fixture_container(const struct action *create, enum container_status status, int64_t now_ms)
{
    struct container *container = NEW(struct container);
    container->id = memory_printf("id-%s-%s", create->task, create->container);
    container->name = memory_strdup(create->name);
    container->instance = memory_strdup(create->instance);
    container->status = status;
    container->created_ms = now_ms;
    task_labels_copy(&create->labels, &container->labels);
    if (status != CONTAINER_CREATED)
        container->started_ms = now_ms;
    return container;
}

/* Containers by id, as the engine would know them. */
static void carry_out(struct fixture *fixture, struct map *engine, const struct action *action)
{
    struct container *container = NULL;
    if (action->kind == ACTION_CREATE) {
        container = fixture_container(action, CONTAINER_CREATED, fixture->now_ms);
        map_put(engine, container->id, container_copy(container));
        fixture_done(fixture, action->id, 0, container);
        return;
    }
    struct container *known = map_get(engine, action->container_id);
    assert_non_null(known);
    if (action->kind == ACTION_START) {
        known->status = CONTAINER_RUNNING;
        known->started_ms = fixture->now_ms;
    } else if (action->kind == ACTION_STOP) {
        known->status = CONTAINER_STOPPED;
        known->has_exit_code = true;
        known->finished_ms = fixture->now_ms;
    }
    bool removed = action->kind == ACTION_REMOVE;
    struct event event = {
        .kind = EVENT_ACTION_DONE,
        .action = {.id = action->id, .container = removed ? NULL : container_copy(known), .gone = removed}};
    if (removed)
        map_remove(engine, action->container_id);
    fixture_step(fixture, event);
}

static void remember(struct fixture *fixture, struct map *engine)
{
    struct view_service view;
    for (size_t i = 0; core_view_service_at(fixture->core, i, &view); i++) {
        struct task_vec tasks;
        core_view_tasks(fixture->core, view.cluster, view.name, fixture->now_ms, &tasks);
        for (size_t t = 0; t < tasks.len; t++)
            for (size_t c = 0; c < tasks.items[t].containers_len; c++)
                map_put(engine, tasks.items[t].containers[c]->id,
                        container_copy(tasks.items[t].containers[c]));
        task_vec_deinit(&tasks);
    }
    struct view_run_vec runs;
    core_view_runs(fixture->core, &runs);
    for (size_t i = 0; i < runs.len; i++) {
        struct task_vec tasks;
        const struct run *run = runs.items[i].run;
        core_view_run_tasks(fixture->core, run->cluster, run->id, fixture->now_ms, &tasks);
        for (size_t c = 0; tasks.len && c < tasks.items[0].containers_len; c++)
            map_put(engine, tasks.items[0].containers[c]->id, container_copy(tasks.items[0].containers[c]));
        task_vec_deinit(&tasks);
    }
    vector_deinit(&runs);
}

void fixture_run(struct fixture *fixture)
{
    struct map engine = MAP_INIT(container_free);
    remember(fixture, &engine);
    for (int rounds = 0; rounds < 50; rounds++) {
        fixture_turn(fixture);
        struct action_vec actions = {0};
        for (size_t n = 0; fixture_action(fixture, n); n++)
            vector_push(&actions, action_copy(fixture_action(fixture, n)));
        for (size_t i = 0; i < actions.len; i++)
            carry_out(fixture, &engine, actions.items[i]);
        bool quiet = actions.len == 0 && !core_is_dirty(fixture->core);
        action_vec_deinit(&actions);
        if (quiet)
            break;
    }
    map_deinit(&engine);
}

const struct effect *fixture_effect(const struct fixture *fixture, enum effect_kind kind, size_t n)
{
    for (size_t i = 0; i < fixture->effects.len; i++)
        if (fixture->effects.items[i].kind == kind && n-- == 0)
            return &fixture->effects.items[i];
    return NULL;
}

const struct action *fixture_action(const struct fixture *fixture, size_t n)
{
    const struct effect *effect = fixture_effect(fixture, EFFECT_ACT, n);
    return effect ? effect->action : NULL;
}

struct view_service fixture_view(const struct fixture *fixture, const char *name)
{
    struct view_service view;
    assert_true(core_view_service(fixture->core, "c", name, &view));
    return view;
}

void fixture_suspend(struct fixture *fixture, const char *service, bool resume)
{
    fixture_step(fixture, (struct event){.kind = EVENT_SUSPEND,
                                         .suspend = {.cluster = memory_strdup("c"),
                                                     .service = memory_strdup(service),
                                                     .resume = resume}});
}

void fixture_settle(struct fixture *fixture)
{
    for (int i = 0; i < 4; i++) {
        fixture_run(fixture);
        fixture_after(fixture, 10000);
    }
    fixture_run(fixture);
}

void fixture_change(struct fixture *fixture, const char *family, const char *image)
{
    char *path CLEANUP_FREE = memory_printf("%s-definition.json", family);
    char *text CLEANUP_FREE = memory_printf(
        "{\"family\":\"%s\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"%s\",\"memory\":64}]}",
        family, image);
    fixture_file(fixture, path, text);
}
