/* Events travel in JSON and come back as they were. */
#include "base/memory.h"
#include "core/event.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct container *sample_container(void)
{
    struct container *container = NEW(struct container);
    container->id = memory_strdup("c1");
    container->name = memory_strdup("davit-c-s-app-1");
    container->instance = memory_strdup("local");
    container->status = CONTAINER_STOPPED;
    container->health = HEALTH_UNHEALTHY;
    container->has_exit_code = true;
    container->exit_code = 137;
    container->oom_killed = true;
    container->reason = memory_strdup("killed");
    container->created_ms = 1;
    container->started_ms = 2;
    container->finished_ms = 3;
    container->labels = (struct task_labels){.owner = memory_strdup("me"),
                                             .cluster = memory_strdup("c"),
                                             .service = memory_strdup("s"),
                                             .deployment = memory_strdup("ecs-svc/1"),
                                             .family = memory_strdup("f"),
                                             .revision = 2,
                                             .digest = digest_of_bytes("x", 1),
                                             .commit = memory_strdup("abc"),
                                             .task = "0123456789abcdef0123456789abcdef",
                                             .essential = 1,
                                             .spec = NEW(struct container_spec)};
    container->labels.spec->name = memory_strdup("app");
    container->labels.spec->essential = true;
    return container;
}

static void fill_commit(struct event *event)
{
    event->commit.head = event->commit.full = true;
    strcpy(event->commit.commit.oid, "0123");
    event->commit.commit.subject = memory_strdup("a subject");
    event->commit.commit.time_ms = 5;
    const struct event_file files[] = {
        {.path = memory_strdup("a.yaml"),
         .kind = EVENT_FILE,
         .content = memory_strdup("family: \xc3\xa9"),
         .len = 10},
        {.path = memory_strdup("b.json"), .kind = EVENT_FILE, .content = memory_strdup("\xff\xfe"), .len = 2},
        {.path = memory_strdup("empty.json"), .kind = EVENT_FILE, .content = memory_strdup(""), .len = 0},
        {.path = memory_strdup("c.yaml"), .kind = EVENT_FILE_DELETED},
        {.path = memory_strdup("d.yaml"), .kind = EVENT_FILE_SYMLINK},
        {.path = memory_strdup("e.yaml"), .kind = EVENT_FILE_SUBMODULE},
        {.path = memory_strdup("f.yaml"), .kind = EVENT_FILE_TOO_LARGE},
        {.path = memory_strdup("../g.conf"),
         .kind = EVENT_FILE,
         .other = true,
         .oid = "0123456789012345678901234567890123456789",
         .size_bytes = 5,
         .executable = true},
        {.path = memory_strdup("h.conf"), .kind = EVENT_FILE_LFS, .other = true, .oid = "4567"}};
    event->commit.generation = 1LL << 40;
    event->commit.levels = 1;
    event->commit.rewritten = true;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        vector_push(&event->commit.files, files[i]);
}

static void fill_engine(struct event *event)
{
    event->engine.instance = memory_strdup("local");
    if (event->kind == EVENT_CONNECTED)
        event->engine.info = (struct instance_info){.engine = memory_strdup("docker 1"),
                                                    .api_version = memory_strdup("1.41"),
                                                    .os = memory_strdup("linux"),
                                                    .arch = memory_strdup("x86_64"),
                                                    .cpu_units = 2048,
                                                    .memory_mib = 1000};
    if (event->kind == EVENT_DISCONNECTED) {
        event->engine.message = memory_strdup("connection refused");
        event->engine.silent_ms = 30000;
    }
    if (event->kind == EVENT_LISTED) {
        vector_push(&event->engine.containers, sample_container());
        vector_push(&event->engine.containers, sample_container());
    }
    if (event->kind == EVENT_CONTAINER)
        event->engine.container = sample_container();
    if (event->kind == EVENT_GONE)
        event->engine.container_id = memory_strdup("c1");
}

static void fill_action(struct event *event)
{
    event->action.id = 7;
    event->action.code = ERROR_CONFLICT;
    event->action.message = memory_strdup("in use");
    event->action.container = sample_container();
    event->action.gone = true;
    event->action.image_digest = memory_strdup("sha256:1");
}

static void fill_hold(struct event *event)
{
    event->hold.cluster = memory_strdup("c");
    event->hold.service = memory_strdup("s");
    event->hold.taken_back = digest_of_bytes("bad", 3);
    memcpy(event->hold.deployment, "ecs-svc/1", sizeof "ecs-svc/1");
}

static struct event sample(enum event_kind kind)
{
    struct event event = {.kind = kind, .now_ms = 1700000000001, .seed = INT64_MAX};
    switch (kind) {
    case EVENT_LEDGER:
        event.ledger.kind = LEDGER_FAMILY;
        event.ledger.name = memory_strdup("web");
        event.ledger.entry = json_pack("{s:s}", "family", "web");
        break;
    case EVENT_COMMIT:
        fill_commit(&event);
        break;
    case EVENT_SOURCE:
        event.source.message = memory_strdup("no such branch");
        event.source.origin = memory_strdup("https://example.com/r.git");
        event.source.branch = memory_strdup("main");
        break;
    case EVENT_CONNECTED:
    case EVENT_DISCONNECTED:
    case EVENT_LISTED:
    case EVENT_CONTAINER:
    case EVENT_GONE:
        fill_engine(&event);
        break;
    case EVENT_ACTION_DONE:
        fill_action(&event);
        break;
    case EVENT_PROGRESS:
        event.progress.id = 7;
        event.progress.status = memory_strdup("Downloading");
        event.progress.failure = memory_strdup("refused");
        event.progress.current_bytes = 1LL << 40;
        event.progress.total_bytes = 1LL << 41;
        break;
    case EVENT_APPROVE:
        memset(event.approve.oid, 'a', COMMIT_OID_SIZE - 1);
        break;
    case EVENT_RECONCILE:
        event.reconcile.cluster = memory_strdup("c");
        break;
    case EVENT_RETRY:
    case EVENT_REDEPLOY:
        event.retry.cluster = memory_strdup("c");
        event.retry.service = memory_strdup("s");
        break;
    case EVENT_HOLD:
        fill_hold(&event);
        break;
    case EVENT_SUSPEND:
        event.suspend.cluster = memory_strdup("c");
        event.suspend.service = memory_strdup("web");
        event.suspend.resume = true;
        break;
    case EVENT_RUN_TASK:
        event.run_task.request = json_pack("{s:s,s:i}", "taskDefinition", "web:3", "count", 2);
        break;
    case EVENT_STOP_TASK:
        event.stop_task.cluster = memory_strdup("c");
        event.stop_task.task = memory_strdup("0123456789abcdef0123456789abcdef");
        event.stop_task.reason = memory_strdup("enough");
        break;
    case EVENT_CLOCK:
        event.clock.skew_ms = -7;
        event.clock.step_ms = -9000;
        break;
    case EVENT_TURN:
        break;
    }
    return event;
}

static void test_every_kind_travels(void **state)
{
    (void)state;
    for (int kind = EVENT_LEDGER; kind <= EVENT_TURN; kind++) {
        struct event event = sample((enum event_kind)kind);
        struct event back;
        struct error err = ERROR_INIT;
        json_t *json = event_to_json(&event);
        assert_int_equal(event_from_json(json, &back, &err), 0);
        assert_int_equal(back.kind, kind);
        assert_true(back.now_ms == event.now_ms && back.seed == event.seed);
        json_t *again = event_to_json(&back);
        assert_true(json_equal(json, again));
        json_decref(json);
        json_decref(again);
        event_deinit(&event);
        event_deinit(&back);
    }
}

static void test_bytes_that_are_no_text_travel(void **state)
{
    (void)state;
    struct event event = sample(EVENT_COMMIT);
    struct event back;
    json_t *json = event_to_json(&event);
    assert_int_equal(event_from_json(json, &back, NULL), 0);
    for (size_t i = 0; i < event.commit.files.len; i++) {
        const struct event_file *left = &event.commit.files.items[i];
        const struct event_file *right = &back.commit.files.items[i];
        assert_int_equal(left->kind, right->kind);
        assert_int_equal(left->len, right->len);
        if (left->content)
            assert_memory_equal(left->content, right->content, left->len);
        else
            assert_null(right->content);
    }
    json_decref(json);
    event_deinit(&event);
    event_deinit(&back);
}

static void test_what_is_no_event_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "{\"kind\":\"sunrise\"}",
        "{\"kind\":\"ledger\",\"ledger\":{\"kind\":\"moon\"}}",
        "{\"kind\":\"commit\",\"commit\":{}}",
        "{\"kind\":\"commit\",\"commit\":{\"commit\":{\"oid\":\"1\"},\"files\":[{\"path\":\"a\"}]}}",
        "{\"kind\":\"commit\",\"commit\":{\"commit\":{\"oid\":\"1\"},\"files\":[{\"path\":\"a\",\"kind\":"
        "\"file\","
        "\"base64\":\"!\"}]}}",
        "{\"kind\":\"gone\",\"gone\":{}}",
        "{\"kind\":\"container\",\"container\":{\"instance\":\"a\",\"container\":{}}}",
        "{\"kind\":\"listed\",\"listed\":{\"instance\":\"a\",\"containers\":[{}]}}",
        "{\"kind\":\"done\",\"done\":{\"id\":1,\"container\":{}}}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct event event;
        struct error err = ERROR_INIT;
        json_t *json = json_loads(bad[i], 0, NULL);
        assert_non_null(json);
        assert_true(event_from_json(json, &event, &err) < 0);
        assert_string_not_equal(err.message, "");
        json_decref(json);
    }
}

static void test_an_emptied_event_may_be_emptied_again(void **state)
{
    (void)state;
    for (int kind = EVENT_LEDGER; kind <= EVENT_TURN; kind++) {
        struct event event = sample((enum event_kind)kind);
        event_deinit(&event);
        event_deinit(&event);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_kind_travels),
                                       cmocka_unit_test(test_bytes_that_are_no_text_travel),
                                       cmocka_unit_test(test_what_is_no_event_is_refused),
                                       cmocka_unit_test(test_an_emptied_event_may_be_emptied_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
