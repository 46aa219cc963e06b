/* Over HTTP: ECS's protocol, what may be asked by TCP, and streams. */
#include "fixture.h"

#include "base/buffer.h"
#include "base/text.h"
#include "http/client.h"
#include "model/json.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_MS 120000

/* An engine that knows logs only. */
struct log_engine {
    struct engine engine;
    struct engine_call calls[8];
    struct engine_logs logs[8]; /* what was asked for; container_id is not valid any more */
    size_t calls_len;
    unsigned canceled;
};

struct world {
    struct fixture fixture;
    uv_loop_t loop;
    struct http_client *client;
    struct api_listener tcp;
    struct api_listener local;
    struct log_engine engine;
    char dir[32];
    /* the last reply */
    unsigned done;
    int status;
    char error_type[64];
    char request_id[64];
    struct buffer body;
};

static uint64_t start_logs(struct engine *engine, const struct engine_logs *logs,
                           const struct engine_call *call)
{
    struct log_engine *self = (struct log_engine *)engine;
    assert_non_null(logs->container_id);
    assert_true(self->calls_len < ARRAY_LEN(self->calls));
    self->logs[self->calls_len] = *logs;
    self->calls[self->calls_len++] = *call;
    return self->calls_len;
}

static void cancel(struct engine *engine, uint64_t id)
{
    struct log_engine *self = (struct log_engine *)engine;
    self->canceled += id != 0;
}

static const struct engine_ops ops = {.kind = "logs", .logs = start_logs, .cancel = cancel};

static void serve(struct world *world, struct api_listener *listener, const char *address)
{
    struct error err = ERROR_INIT;
    listener->api = world->fixture.api;
    const struct http_server_options options = {.listen = address, .data = listener, .handle = api_handle};
    if (http_server_new(&world->loop, &options, &listener->server, &err) < 0)
        fail_msg("%s", error_text(&err));
}

static int setup(void **state)
{
    struct world *world = NEW(struct world);
    char address[64];
    fixture_init(&world->fixture);
    fixture_deploy(&world->fixture, "a1", "nginx:1");
    fixture_settle(&world->fixture, 20000);
    world->engine.engine.ops = &ops;
    world->fixture.engine = &world->engine.engine;
    world->body = BUFFER_INIT(LIMIT_API_REQUEST_BYTES);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    world->client = http_client_new(&world->loop, NULL);
    strcpy(world->dir, "/tmp/davit-api-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    snprintf(address, sizeof address, "unix://%s/s", world->dir);
    serve(world, &world->tcp, "127.0.0.1:0");
    serve(world, &world->local, address);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char path[64];
    http_client_free(world->client);
    http_server_free(world->tcp.server);
    http_server_free(world->local.server);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    fixture_deinit(&world->fixture);
    buffer_deinit(&world->body);
    snprintf(path, sizeof path, "%s/s.lock", world->dir);
    unlink(path);
    rmdir(world->dir);
    free(world);
    return 0;
}

static void copy_header(const struct http_reply *reply, const char *name, char *space, size_t space_bytes)
{
    const char *value = http_reply_header(reply, name);
    snprintf(space, space_bytes, "%s", value ? value : "");
}

static void on_headers(void *data, const struct http_reply *reply)
{
    struct world *world = data;
    world->status = reply->status;
    copy_header(reply, "x-amzn-ErrorType", world->error_type, sizeof world->error_type);
    copy_header(reply, "x-amzn-RequestId", world->request_id, sizeof world->request_id);
}

static void on_data(void *data, const char *bytes, size_t len)
{
    struct world *world = data;
    buffer_append(&world->body, bytes, len);
}

static void done(void *data, const struct http_reply *reply)
{
    (void)reply;
    struct world *world = data;
    world->done++;
}

static uint64_t start(struct world *world, const struct api_listener *listener, struct http_request request)
{
    struct http_endpoint endpoint;
    assert_int_equal(http_endpoint_init(&endpoint, http_server_address(listener->server), NULL), 0);
    request.endpoint = &endpoint;
    request.deadline_ms = PATIENCE_MS;
    request.data = world;
    request.on_headers = on_headers;
    request.on_data = on_data;
    request.done = done;
    world->done = 0;
    world->status = 0;
    buffer_clear(&world->body);
    uint64_t id = http_request(world->client, &request);
    http_endpoint_deinit(&endpoint);
    return id;
}

static json_t *ask(struct world *world, const struct api_listener *listener, struct http_request request)
{
    start(world, listener, request);
    while (!world->done)
        uv_run(&world->loop, UV_RUN_ONCE);
    return json_loadb(buffer_str(&world->body), world->body.len, 0, NULL);
}

static json_t *ask_ecs_by(struct world *world, const struct api_listener *listener, const char *operation,
                          const char *body)
{
    char target[128];
    snprintf(target, sizeof target, "X-Amz-Target: AmazonEC2ContainerServiceV20141113.%s", operation);
    const char *const headers[] = {target, NULL};
    return ask(world, listener,
               (struct http_request){.method = "POST",
                                     .path = "/",
                                     .headers = headers,
                                     .body = body,
                                     .body_len = strlen(body),
                                     .content_type = "application/x-amz-json-1.1"});
}

static json_t *ask_ecs(struct world *world, const char *operation, const char *body)
{
    return ask_ecs_by(world, &world->tcp, operation, body);
}

static void test_ecs_protocol(void **state)
{
    struct world *world = *state;
    json_t *answer = ask_ecs(world, "ListClusters", "{}");
    assert_int_equal(world->status, 200);
    assert_int_equal(strlen(world->request_id), 36);
    assert_int_equal(json_array_size(json_object_get(answer, "clusterArns")), 1);
    json_decref(answer);
    answer = ask_ecs(world, "DescribeServices", "{\"cluster\":\"demo\",\"services\":[\"web\"]}");
    assert_int_equal(world->status, 200);
    assert_non_null(strstr(buffer_str(&world->body), "\"createdAt\":1767225600.123"));
    json_decref(answer);
}

static void test_ecs_errors(void **state)
{
    static const struct {
        const char *operation;
        const char *body;
        const char *type;
    } cases[] = {
        {"ListServices", "{}", "ClusterNotFoundException"},
        {"CreateService", "{}", "UnsupportedFeatureException"},
        {"ListClusters", "[1", "SerializationException"},
        {"ListClusters", "[]", "SerializationException"},
        {"DescribeTaskDefinition", "{\"taskDefinition\":\"x\"}", "ClientException"},
    };
    struct world *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *answer = ask_ecs(world, cases[i].operation, cases[i].body);
        assert_int_equal(world->status, 400);
        assert_string_equal(model_string(answer, "__type"), cases[i].type);
        assert_string_equal(world->error_type, cases[i].type);
        assert_non_null(model_string(answer, "message"));
        json_decref(answer);
    }
    json_decref(ask(world, &world->tcp, (struct http_request){.method = "POST", .path = "/"}));
    assert_string_equal(world->error_type, "UnknownOperationException");
}

static int status_of(struct world *world, const struct api_listener *listener, const char *method,
                     const char *path)
{
    json_t *answer = ask(world, listener, (struct http_request){.method = method, .path = path});
    if (world->status >= 400)
        assert_non_null(model_string(json_object_get(answer, "error"), "message"));
    json_decref(answer);
    return world->status;
}

static void test_tcp_only_reads(void **state)
{
    struct world *world = *state;
    assert_int_equal(status_of(world, &world->tcp, "GET", "/v1/status"), 200);
    assert_int_equal(status_of(world, &world->tcp, "POST", "/v1/reconcile"), 403);
    assert_int_equal(world->fixture.posted, 0);
    assert_int_equal(status_of(world, &world->local, "POST", "/v1/reconcile"), 202);
    assert_int_equal(world->fixture.posted, 1);
    assert_int_equal(status_of(world, &world->tcp, "GET", "/v1/reconcile"), 405);
    assert_int_equal(status_of(world, &world->tcp, "DELETE", "/v1/services"), 405);
    assert_int_equal(status_of(world, &world->tcp, "GET", "/v1/nope"), 404);
    assert_int_equal(status_of(world, &world->tcp, "GET", "/v1/services?service=nope"), 404);
    assert_int_equal(status_of(world, &world->local, "POST", "/v1/reconcile?cluster=%ff"), 400);
    assert_int_equal(status_of(world, &world->tcp, "GET", "/%ff"), 404);
    assert_int_equal(world->fixture.posted, 1);
}

static void on_disk(uv_timer_t *timer)
{
    struct world *world = timer->data;
    assert_int_equal(world->done, 0); /* it waits */
    world->fixture.saves.saved = 1;
    api_saved(world->fixture.api);
}

static void test_a_task_is_acknowledged_when_it_is_saved(void **state)
{
    struct world *world = *state;
    static const char run[] = "{\"cluster\":\"demo\",\"taskDefinition\":\"web\"}";
    uv_timer_t timer;
    json_decref(ask_ecs(world, "RunTask", run));
    assert_int_equal(world->status, 400);
    assert_string_equal(world->error_type, "AccessDeniedException"); /* by TCP */
    assert_int_equal(world->fixture.posted, 0);
    uv_timer_init(&world->loop, &timer);
    timer.data = world;
    world->fixture.saves.wanted = 1;
    uv_timer_start(&timer, on_disk, 50, 0);
    json_t *answer = ask_ecs_by(world, &world->local, "RunTask", run);
    assert_int_equal(world->status, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "tasks")), 1);
    json_decref(answer);
    json_decref(ask_ecs_by(world, &world->local, "RunTask", run)); /* all is on disk: at once */
    assert_int_equal(world->status, 200);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&world->loop, UV_RUN_NOWAIT);
}

static void test_a_wish_is_accepted_when_it_is_saved(void **state)
{
    struct world *world = *state;
    static const char path[] = "/v1/suspend?cluster=demo&service=web";
    uv_timer_t timer;
    uv_timer_init(&world->loop, &timer);
    timer.data = world;
    world->fixture.saves.wanted = 1;
    assert_int_equal(status_of(world, &world->local, "POST", "/v1/reconcile"), 202); /* keeps nothing */
    uv_timer_start(&timer, on_disk, 50, 0);
    assert_int_equal(status_of(world, &world->local, "POST", path), 202);
    assert_int_equal(world->fixture.saves.saved, 1);
    assert_int_equal(status_of(world, &world->local, "POST", path), 202); /* all is on disk: at once */
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&world->loop, UV_RUN_NOWAIT);
}

static void wait_for(struct world *world, const char *text)
{
    while (!strstr(buffer_str(&world->body), text)) {
        assert_int_equal(world->done, 0);
        uv_run(&world->loop, UV_RUN_ONCE);
    }
}

static void test_followed_events(void **state)
{
    struct world *world = *state;
    uint64_t id = start(world, &world->tcp, (struct http_request){.path = "/v1/events?follow=1"});
    wait_for(world, "steady state");
    buffer_clear(&world->body);
    fixture_deploy(&world->fixture, "b2", "nginx:2");
    fixture_settle(&world->fixture, 60000);
    api_publish(world->fixture.api);
    api_publish(world->fixture.api); /* tells nothing twice */
    wait_for(world, "steady state");
    const char *first = strstr(buffer_str(&world->body), "steady state");
    assert_null(strstr(first + 1, "steady state"));
    http_cancel(world->client, id);
    while (world->fixture.api->followers.len)
        uv_run(&world->loop, UV_RUN_ONCE);
}

static void test_logs(void **state)
{
    struct world *world = *state;
    start(world, &world->tcp, (struct http_request){.path = "/v1/logs?cluster=demo&service=web&tail=5"});
    while (world->engine.calls_len < 2)
        uv_run(&world->loop, UV_RUN_ONCE);
    const struct engine_call *first = &world->engine.calls[0];
    const struct engine_call *second = &world->engine.calls[1];
    first->chunk(first->data, ENGINE_STDOUT, "one\ntw", 6);
    first->chunk(first->data, ENGINE_STDOUT, "o\r\n\xff!\nrest", 10);
    struct engine_reply reply = {0};
    first->done(first->data, &reply);
    error_set(&reply.error, ERROR_UNAVAILABLE, "connection lost");
    second->done(second->data, &reply);
    while (!world->done)
        uv_run(&world->loop, UV_RUN_ONCE);
    static const char *const expected[] = {"\"line\":\"one\"", "\"line\":\"two\"", "\"line\":\"?!\"",
                                           "\"line\":\"rest\"", "\"error\":\"connection lost\""};
    const char *at = buffer_str(&world->body);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        at = strstr(at, expected[i]);
        assert_non_null(at);
    }
    assert_int_equal(world->engine.canceled, 0);
    assert_null(strstr(buffer_str(&world->body), "no container could be read"));
    assert_int_equal(world->fixture.api->logs.len, 0);
}

static void test_logs_that_no_engine_gives(void **state)
{
    struct world *world = *state;
    start(world, &world->tcp, (struct http_request){.path = "/v1/logs?cluster=demo&service=web"});
    while (world->engine.calls_len < 2)
        uv_run(&world->loop, UV_RUN_ONCE);
    struct engine_reply reply = {0};
    error_set(&reply.error, ERROR_UNAVAILABLE, "connection refused");
    for (size_t i = 0; i < 2; i++)
        world->engine.calls[i].done(world->engine.calls[i].data, &reply);
    while (!world->done)
        uv_run(&world->loop, UV_RUN_ONCE);
    assert_true(text_ends_with(buffer_str(&world->body), "\n{\"error\":\"no container could be read\"}\n"));
}

static void test_reader_of_logs_leaves(void **state)
{
    struct world *world = *state;
    uint64_t id = start(world, &world->tcp,
                        (struct http_request){.path = "/v1/logs?cluster=demo&service=web&follow=1"});
    while (world->engine.calls_len < 2 || !world->status)
        uv_run(&world->loop, UV_RUN_ONCE);
    http_cancel(world->client, id);
    while (world->fixture.api->logs.len)
        uv_run(&world->loop, UV_RUN_ONCE);
    assert_int_equal(world->engine.canceled, 2);
}

static void send_line(struct world *world, size_t call, const char *line)
{
    world->engine.calls[call].chunk(world->engine.calls[call].data, ENGINE_STDOUT, line, strlen(line));
}

static void end_reading(struct world *world, size_t call, int code)
{
    struct engine_reply reply = {0};
    if (code)
        error_set(&reply.error, code, "it failed");
    world->engine.calls[call].done(world->engine.calls[call].data, &reply);
}

static void test_followed_logs_go_on_with_new_tasks(void **state)
{
    struct world *world = *state;
    uint64_t id = start(world, &world->tcp,
                        (struct http_request){.path = "/v1/logs?cluster=demo&service=web&follow=1&tail=5"});
    while (world->engine.calls_len < 2 || !world->status)
        uv_run(&world->loop, UV_RUN_ONCE);
    assert_int_equal(world->engine.logs[0].tail, 5);
    fixture_deploy(&world->fixture, "b2", "nginx:2");
    fixture_settle(&world->fixture, 20000);
    api_publish(world->fixture.api);
    assert_int_equal(world->engine.calls_len, 4);
    assert_int_equal(world->engine.logs[2].tail, -1);
    assert_int_equal(world->engine.logs[2].since_ms, 0);
    end_reading(world, 0, 0);
    end_reading(world, 1, 0);
    send_line(world, 2, "2026-01-01T00:00:00.000000001Z of the new task\n");
    wait_for(world, "\"line\":\"of the new task\",\"at\":\"2026-01-01T00:00:00.000000001Z\",\"nth\":1}");
    api_publish(world->fixture.api);
    assert_int_equal(world->engine.calls_len, 4); /* the old ones are not read again */
    assert_int_equal(world->fixture.api->logs.len, 1);
    http_cancel(world->client, id);
    while (world->fixture.api->logs.len)
        uv_run(&world->loop, UV_RUN_ONCE);
}

/* The second reading gives once more what there was, from the moment of the newest line on. */
static void test_followed_logs_go_on_after_a_failure(void **state)
{
    struct world *world = *state;
    uint64_t id = start(world, &world->tcp,
                        (struct http_request){.path = "/v1/logs?cluster=demo&service=web&follow=1"});
    while (world->engine.calls_len < 2 || !world->status)
        uv_run(&world->loop, UV_RUN_ONCE);
    send_line(world, 0, "2026-01-01T00:00:01.000000000Z one\n2026-01-01T00:00:02.000000000Z two\n");
    send_line(world, 0, "2026-01-01T00:00:02.000000000Z three\n");
    end_reading(world, 0, ERROR_UNAVAILABLE);
    wait_for(world, "it failed");
    api_publish(world->fixture.api);
    assert_int_equal(world->engine.calls_len, 2); /* not yet */
    world->fixture.now_ms += 2000;
    api_publish(world->fixture.api);
    assert_int_equal(world->engine.calls_len, 3);
    assert_int_equal(world->engine.logs[2].tail, -1);
    assert_int_equal(world->engine.logs[2].since_ms, 1767225602000);
    send_line(world, 2, "2026-01-01T00:00:02.000000000Z two\n2026-01-01T00:00:02.000000000Z three\n");
    send_line(world, 2, "2026-01-01T00:00:02.000000000Z four\n");
    wait_for(world, "\"line\":\"four\",\"at\":\"2026-01-01T00:00:02.000000000Z\",\"nth\":3}");
    const char *second = strstr(strstr(buffer_str(&world->body), "\"three\"") + 1, "\"three\"");
    assert_null(second);
    http_cancel(world->client, id);
    while (world->fixture.api->logs.len)
        uv_run(&world->loop, UV_RUN_ONCE);
}

/* What failed at first, and more than once, has been read all the same. */
static void test_followed_logs_that_failed_at_first(void **state)
{
    struct world *world = *state;
    start(world, &world->tcp, (struct http_request){.path = "/v1/logs?cluster=demo&service=web&follow=1"});
    while (world->engine.calls_len < 2 || !world->status)
        uv_run(&world->loop, UV_RUN_ONCE);
    for (size_t i = 0; i < 2; i++) {
        end_reading(world, i, ERROR_UNAVAILABLE);
        world->fixture.now_ms += 2000;
        api_publish(world->fixture.api);
        assert_int_equal(world->engine.calls_len, 3 + i);
    }
    send_line(world, 2, "2026-01-01T00:00:01.000000000Z one\n");
    fixture_commit(&world->fixture, "b2", "kind: Cluster\nclusterName: demo\n");
    fixture_settle(&world->fixture, 60000);
    fixture_settle(&world->fixture, 3600000);
    end_reading(world, 2, 0);
    end_reading(world, 3, 0);
    while (!world->done)
        uv_run(&world->loop, UV_RUN_ONCE);
    assert_non_null(strstr(buffer_str(&world->body), "\"line\":\"one\""));
    assert_null(strstr(buffer_str(&world->body), "no container could be read"));
}

/* A reader whose davit was restarted says what he has. */
static void test_followed_logs_are_resumed(void **state)
{
    struct world *world = *state;
    struct task_vec tasks CLEANUP(task_vec_deinit);
    core_view_tasks(world->fixture.core, "demo", "web", world->fixture.now_ms, &tasks);
    char *body CLEANUP_FREE =
        memory_printf("{\"since\":\"2026-01-01T00:00:00Z\",\"told\":{\"%s/web\":{\"stdout\":{\"at\":"
                      "\"2026-01-01T00:00:02.000000000Z\",\"nth\":1}}}}",
                      tasks.items[0].id);
    uint64_t id = start(world, &world->tcp,
                        (struct http_request){.method = "POST",
                                              .path = "/v1/logs?cluster=demo&service=web&follow=1&tail=all",
                                              .body = body,
                                              .body_len = strlen(body)});
    while (world->engine.calls_len < 2 || !world->status)
        uv_run(&world->loop, UV_RUN_ONCE);
    assert_int_equal(world->engine.logs[0].since_ms, 1767225602000);
    assert_int_equal(world->engine.logs[1].since_ms, 1767225600000);
    send_line(world, 0, "2026-01-01T00:00:02.000000000Z two\n2026-01-01T00:00:02.000000000Z three\n");
    wait_for(world, "\"three\"");
    assert_null(strstr(buffer_str(&world->body), "\"two\""));
    http_cancel(world->client, id);
    while (world->fixture.api->logs.len)
        uv_run(&world->loop, UV_RUN_ONCE);
}

static void assert_refused(struct world *world, const char *parameters, const char *message)
{
    char *path CLEANUP_FREE = memory_printf("/v1/logs?cluster=demo&service=web&%s", parameters);
    json_t *answer = ask(world, &world->tcp, (struct http_request){.path = path});
    assert_int_equal(world->status, 404);
    assert_string_equal(model_string(json_object_get(answer, "error"), "message"), message);
    json_decref(answer);
}

static void test_refused_logs(void **state)
{
    struct world *world = *state;
    assert_int_equal(status_of(world, &world->tcp, "GET", "/v1/logs"), 400);
    assert_int_equal(status_of(world, &world->tcp, "GET", "/v1/logs?cluster=demo&service=web&tail=x"), 400);
    assert_int_equal(status_of(world, &world->tcp, "GET", "/v1/logs?cluster=demo&service=web&tail=-1"), 400);
    assert_int_equal(status_of(world, &world->tcp, "GET", "/v1/logs?cluster=demo&service=nope"), 404);
    assert_int_equal(status_of(world, &world->tcp, "GET", "/v1/logs?cluster=demo&service=web&task=zz"), 404);
    assert_refused(world, "task=zz", "no task \"zz\" of demo/web");
    assert_refused(world, "task=zz&container=web", "no task \"zz\" of demo/web");
    assert_refused(world, "container=nope", "no container \"nope\" (there are: web)");
}

static void test_logs_of_a_service_without_tasks(void **state)
{
    struct world *world = *state;
    char expected[160];
    struct task_vec tasks CLEANUP(task_vec_deinit);
    char *manifest CLEANUP_FREE = memory_printf(FIXTURE_MANIFEST, "nginx:1");
    manifest[strlen(manifest) - 2] = '0'; /* of the desired count */
    fixture_commit(&world->fixture, "b2", manifest);
    fixture_settle(&world->fixture, 1000);
    core_view_tasks(world->fixture.core, "demo", "web", world->fixture.now_ms, &tasks);
    assert_int_equal(tasks.items[0].status, TASK_STOPPED);
    snprintf(expected, sizeof expected,
             "no task of demo/web is alive; to read one that has stopped, name it: the newest is %.12s",
             tasks.items[0].id);
    assert_refused(world, "container=nope", expected);
    assert_refused(world, "tail=1", expected);
}

static void test_the_first_container_is_waited_for(void **state)
{
    struct world *world = *state;
    char *manifest CLEANUP_FREE = memory_printf(FIXTURE_MANIFEST, "nginx:1");
    manifest[strlen(manifest) - 2] = '0'; /* of the desired count */
    fixture_commit(&world->fixture, "b2", manifest);
    fixture_settle(&world->fixture, 1000);
    uint64_t id = start(world, &world->tcp,
                        (struct http_request){.path = "/v1/logs?cluster=demo&service=web&follow=1"});
    while (!world->status)
        uv_run(&world->loop, UV_RUN_ONCE);
    api_publish(world->fixture.api);
    assert_int_equal(world->status, 200);
    assert_int_equal(world->engine.calls_len, 0); /* what has stopped is not read */
    manifest[strlen(manifest) - 2] = '1';
    fixture_commit(&world->fixture, "c3", manifest);
    fixture_settle(&world->fixture, 1000);
    api_publish(world->fixture.api);
    assert_int_equal(world->engine.calls_len, 1);
    fixture_commit(&world->fixture, "d4", "kind: Cluster\nclusterName: demo\n");
    fixture_settle(&world->fixture, 60000);
    end_reading(world, 0, 0);
    api_publish(world->fixture.api);
    while (!world->done) /* the service is gone: nothing can come any more */
        uv_run(&world->loop, UV_RUN_ONCE);
    http_cancel(world->client, id);
}

static void test_logs_before_the_first_container(void **state)
{
    struct world *world = *state;
    fixture_commit(
        &world->fixture, "b2",
        "kind: TaskDefinition\nfamily: new\ncontainerDefinitions: [{name: a, image: i, memory: 4}]\n"
        "---\nkind: Service\nserviceName: new\ntaskDefinition: new\ndesiredCount: 1\n");
    json_t *answer =
        ask(world, &world->tcp, (struct http_request){.path = "/v1/logs?cluster=default&service=new"});
    assert_string_equal(model_string(json_object_get(answer, "error"), "message"),
                        "default/new has no containers yet");
    json_decref(answer);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_ecs_protocol),
        CASE(test_ecs_errors),
        CASE(test_tcp_only_reads),
        CASE(test_a_task_is_acknowledged_when_it_is_saved),
        CASE(test_a_wish_is_accepted_when_it_is_saved),
        CASE(test_followed_events),
        CASE(test_logs),
        CASE(test_reader_of_logs_leaves),
        CASE(test_followed_logs_go_on_with_new_tasks),
        CASE(test_followed_logs_go_on_after_a_failure),
        CASE(test_followed_logs_that_failed_at_first),
        CASE(test_followed_logs_are_resumed),
        CASE(test_the_first_container_is_waited_for),
        CASE(test_logs_that_no_engine_gives),
        CASE(test_refused_logs),
        CASE(test_logs_of_a_service_without_tasks),
        CASE(test_logs_before_the_first_container),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
