#include "fixture.h"

#include "base/text.h"
#include "unit.h"

#include <stdio.h>

static int64_t now_ms(void *data)
{
    const struct fixture *fixture = data;
    return fixture->now_ms;
}

static void step(struct fixture *fixture, struct event *event, struct effect_vec *effects)
{
    struct effect_vec ignored = {0};
    event->now_ms = fixture->now_ms;
    event->seed = ++fixture->seed;
    core_step(fixture->core, event, effects ? effects : &ignored);
    effect_vec_deinit(&ignored);
}

static void post(void *data, struct event *event)
{
    struct fixture *fixture = data;
    fixture->posted++;
    if (event->kind == EVENT_APPROVE || event->kind == EVENT_RETRY || event->kind == EVENT_REDEPLOY ||
        event->kind == EVENT_SUSPEND || event->kind == EVENT_HOLD || event->kind == EVENT_RUN_TASK ||
        event->kind == EVENT_STOP_TASK) {
        step(fixture, event, NULL);
        return;
    }
    assert_int_equal(event->kind, EVENT_RECONCILE);
    free(fixture->posted_cluster);
    free(fixture->posted_service);
    fixture->posted_cluster = memory_strdup(event->reconcile.cluster);
    fixture->posted_service = memory_strdup(event->reconcile.service);
    event_deinit(event);
}

static void poke_source(void *data, const char *source)
{
    struct fixture *fixture = data;
    free(fixture->poked_source);
    fixture->poked_source = memory_strdup(source);
    fixture->poked++;
}

static void looks(void *data, const char *source, struct api_looks *ret_looks)
{
    (void)source;
    const struct fixture *fixture = data;
    *ret_looks = (struct api_looks){.asked = (unsigned)fixture->poked,
                                    .newest = "f00d",
                                    .rewrite = {"0ld", "f00d", "", 1000, NULL},
                                    .move = fixture->move,
                                    .verify = "head",
                                    .unverified = true};
}

static json_t *image_updates(void *data)
{
    (void)data;
    return json_pack("{s:b}", "ok", 1);
}

static json_t *other_owners(void *data)
{
    (void)data;
    return json_pack("[{s:s, s:s, s:s, s:s, s:i, s:i, s:s}]", "instance", "local", "owner", "cf6b", "cluster",
                     "demo", "service", "web", "services", 1, "tasks", 2, "message", "runs 2 tasks");
}

static json_t *notifications(void *data)
{
    (void)data;
    return json_pack("[{s:s, s:b, s:i}]", "name", "github a/b", "ok", 1, "waiting", 0);
}

static void saves(void *data, struct api_saves *ret_saves)
{
    const struct fixture *fixture = data;
    *ret_saves = fixture->saves;
}

static struct engine *engine(void *data, const char *instance)
{
    const struct fixture *fixture = data;
    assert_string_equal(instance, "local");
    return fixture->engine;
}

void fixture_init(struct fixture *fixture)
{
    fixture_init_with(fixture, NULL, 0);
}

void fixture_init_with(struct fixture *fixture, const struct core_source_options *sources, size_t len)
{
    static const char *const instances[] = {"local"};
    *fixture = (struct fixture){.now_ms = 1767225600123, .containers = MAP_INIT(container_free)};
    fixture->core = core_new(&(struct core_options){.owner = "test",
                                                    .sources = sources,
                                                    .sources_len = len,
                                                    .instances = instances,
                                                    .instances_len = 1,
                                                    .stopped_retention_ms = 3600000,
                                                    .stopped_kept = 10,
                                                    .deletion = {2, 50}});
    fixture->api = api_new(&(struct api_options){.core = fixture->core,
                                                 .version = "1.2.3",
                                                 .data = fixture,
                                                 .now_ms = now_ms,
                                                 .post = post,
                                                 .poke_source = poke_source,
                                                 .looks = looks,
                                                 .saves = saves,
                                                 .notifications = notifications,
                                                 .image_updates = image_updates,
                                                 .other_owners = other_owners,
                                                 .engine = engine});
    struct event source = {.kind = EVENT_SOURCE};
    source.source.ok = true;
    source.source.origin = memory_strdup("/srv/manifests");
    source.source.branch = memory_strdup("main");
    step(fixture, &source, NULL);
    struct event connected = {.kind = EVENT_CONNECTED};
    connected.engine.instance = memory_strdup("local");
    connected.engine.info = (struct instance_info){
        .engine = memory_strdup("docker 20.10"), .cpu_units = 4096, .memory_mib = 8192};
    step(fixture, &connected, NULL);
    struct event listed = {.kind = EVENT_LISTED};
    listed.engine.instance = memory_strdup("local");
    step(fixture, &listed, NULL);
}

void fixture_deinit(struct fixture *fixture)
{
    api_free(fixture->api);
    core_free(fixture->core);
    map_deinit(&fixture->containers);
    free(fixture->poked_source);
    free(fixture->posted_cluster);
    free(fixture->posted_service);
}

void fixture_commit(struct fixture *fixture, const char *oid, const char *yaml)
{
    fixture_commit_to(fixture, NULL, oid, yaml);
}

void fixture_commit_to(struct fixture *fixture, const char *source, const char *oid, const char *yaml)
{
    struct event event = {.kind = EVENT_COMMIT};
    event.commit.source = memory_strdup(source);
    for (size_t i = 0; i < 40; i++)
        event.commit.commit.oid[i] = oid[i % strlen(oid)];
    event.commit.commit.author = memory_strdup("Ada <ada@example.org>");
    event.commit.commit.subject = memory_printf("commit %s", oid);
    event.commit.commit.time_ms = fixture->now_ms;
    event.commit.head = true;
    event.commit.full = true;
    struct event_file file = {.path = memory_strdup("demo.yaml"),
                              .kind = EVENT_FILE,
                              .content = memory_strdup(yaml),
                              .len = strlen(yaml)};
    vector_push(&event.commit.files, file);
    step(fixture, &event, NULL);
}

void fixture_lose(struct fixture *fixture)
{
    struct event lost = {.kind = EVENT_DISCONNECTED};
    lost.engine.instance = memory_strdup("local");
    lost.engine.message = memory_strdup("connection refused");
    step(fixture, &lost, NULL);
}

static struct container *create(struct fixture *fixture, const struct action *action)
{
    struct container *container = NEW(struct container);
    container->id = memory_printf("%064d", ++fixture->containers_made);
    container->name = memory_strdup(action->name);
    container->instance = memory_strdup(action->instance);
    task_labels_copy(&action->labels, &container->labels);
    const json_t *definitions = json_object_get(action->task_definition->json, "containerDefinitions");
    container->image =
        memory_strdup(json_string_value(json_object_get(json_array_get(definitions, 0), "image")));
    container->created_ms = fixture->now_ms;
    map_put(&fixture->containers, container->id, container);
    return container;
}

static void end(struct fixture *fixture, struct container *container, int exit_code)
{
    container->status = CONTAINER_STOPPED;
    container->has_exit_code = true;
    container->exit_code = exit_code;
    container->finished_ms = fixture->now_ms;
}

static void act(struct fixture *fixture, const struct action *action)
{
    struct event event = {.kind = EVENT_ACTION_DONE};
    event.action.id = action->id;
    if (action->kind == ACTION_RESOLVE) { /* it was built there */
        step(fixture, &event, NULL);
        return;
    }
    struct container *container = action->kind == ACTION_CREATE
                                      ? create(fixture, action)
                                      : map_get(&fixture->containers, action->container_id);
    assert_non_null(container);
    if (action->kind == ACTION_START) {
        container->status = CONTAINER_RUNNING;
        container->started_ms = fixture->now_ms;
        if (text_equal(container->image, fixture->broken_image))
            end(fixture, container, 1);
    } else if (action->kind == ACTION_STOP) {
        end(fixture, container, 143);
    }
    if (action->kind == ACTION_REMOVE) {
        event.action.gone = true;
        map_remove(&fixture->containers, action->container_id);
    } else {
        event.action.container = container_copy(container);
    }
    step(fixture, &event, NULL);
}

static void turn(struct fixture *fixture)
{
    for (bool busy = true; busy;) {
        struct effect_vec effects = {0};
        struct event event = {.kind = EVENT_TURN};
        step(fixture, &event, &effects);
        busy = false;
        for (size_t i = 0; i < effects.len; i++) {
            if (effects.items[i].kind != EFFECT_ACT)
                continue;
            act(fixture, effects.items[i].action);
            busy = true;
        }
        effect_vec_deinit(&effects);
    }
}

void fixture_settle(struct fixture *fixture, int64_t ms)
{
    turn(fixture);
    for (int64_t passed_ms = 0; passed_ms < ms; passed_ms += 1000) {
        fixture->now_ms += 1000;
        turn(fixture);
    }
}

static json_t *input_of(const char *text)
{
    char *copy CLEANUP_FREE = memory_strdup(text ? text : "{}");
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *input = json_loads(copy, 0, NULL);
    assert_non_null(input);
    return input;
}

json_t *fixture_ask(struct fixture *fixture, const char *method, const char *name, const char *text)
{
    const struct api_operation *operation = api_operation_find(method, name);
    json_t *input CLEANUP(json_decrefp) = input_of(text);
    json_t *output = NULL;
    struct api_fault fault = {0};
    assert_non_null(operation);
    if (operation->answer(fixture->api, input, &output, &fault) < 0)
        fail_msg("%s: %s: %s", name, fault.type, fault.message);
    return output;
}

struct api_fault fixture_refusal(struct fixture *fixture, const char *method, const char *name,
                                 const char *text)
{
    const struct api_operation *operation = api_operation_find(method, name);
    json_t *input CLEANUP(json_decrefp) = input_of(text);
    json_t *output = NULL;
    struct api_fault fault = {0};
    assert_non_null(operation);
    assert_true(operation->answer(fixture->api, input, &output, &fault) < 0);
    assert_null(output);
    return fault;
}

void fixture_deploy(struct fixture *fixture, const char *oid, const char *image)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml, FIXTURE_MANIFEST, image);
    fixture_commit(fixture, oid, yaml);
}
