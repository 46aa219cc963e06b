/* docker against a server that answers what a test wants: garbage, half an answer, nothing. */
#include "engine/docker.h"

#include "base/buffer.h"
#include "sample.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_BYTES (64 * 1024)

/* The answer to requests whose first line contains `match`; the first rule that does and is not used up
 * counts. */
struct rule {
    const char *match;
    const char *bytes; /* as they go over the wire; "" closes at once, NULL never answers */
    int times;         /* 0: always */
    bool closes;       /* after the bytes */
};

struct server {
    uv_loop_t loop;
    uv_pipe_t listener;
    struct engine *engine;
    char dir[32];
    const struct rule *rules;
    int used[16];
    char requests[4096]; /* first lines */
    bool logged_in;      /* the last one had a registry's login */
    int connections;
};

struct connection {
    uv_pipe_t pipe;
    struct server *server;
    struct buffer in;
};

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = (struct connection *)handle;
    connection->server->connections--;
    buffer_deinit(&connection->in);
    free(connection);
}

static void hang_up(struct connection *connection)
{
    if (!uv_is_closing((uv_handle_t *)&connection->pipe))
        uv_close((uv_handle_t *)&connection->pipe, on_closed);
}

static void answer(struct connection *connection)
{
    struct server *server = connection->server;
    char *line CLEANUP_FREE = memory_strndup(connection->in.data, strcspn(connection->in.data, "\r"));
    size_t have = strlen(server->requests);
    snprintf(server->requests + have, sizeof server->requests - have, "%s\n", line);
    server->logged_in = strstr(connection->in.data, "\r\nX-Registry-Auth: bG9naW4=\r\n") != NULL;
    buffer_clear(&connection->in);
    for (size_t i = 0; server->rules[i].match; i++) {
        const struct rule *rule = &server->rules[i];
        if (!strstr(line, rule->match) || (rule->times && server->used[i] >= rule->times))
            continue;
        server->used[i]++;
        if (!rule->bytes)
            return;
        uv_buf_t out = uv_buf_init((char *)rule->bytes, (unsigned)strlen(rule->bytes));
        if (out.len)
            assert_int_equal(uv_try_write((uv_stream_t *)&connection->pipe, &out, 1), out.len);
        if (rule->closes || !out.len)
            hang_up(connection);
        return;
    }
    fail_msg("no rule for %s", line);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buffer)
{
    (void)handle;
    *ret_buffer = uv_buf_init(memory_alloc(size), (unsigned)size);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
    struct connection *connection = (struct connection *)stream;
    if (len > 0)
        buffer_append(&connection->in, bytes->base, (size_t)len);
    free(bytes->base);
    if (len < 0)
        hang_up(connection);
    else if (connection->in.len && strstr(connection->in.data, "\r\n\r\n"))
        answer(connection);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = listener->data;
    assert_int_equal(status, 0);
    struct connection *connection = NEW(struct connection);
    connection->server = server;
    connection->in = BUFFER_INIT(REQUEST_BYTES);
    uv_pipe_init(&server->loop, &connection->pipe, 0);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&connection->pipe), 0);
    server->connections++;
    uv_read_start((uv_stream_t *)&connection->pipe, on_alloc, on_read);
}

static int set_up(void **state)
{
    struct server *server = NEW(struct server);
    *state = server;
    strcpy(server->dir, "/tmp/davit-engine-XXXXXX");
    assert_non_null(mkdtemp(server->dir));
    char *path CLEANUP_FREE = memory_printf("%s/s", server->dir);
    char *url CLEANUP_FREE = memory_printf("unix://%s", path);
    uv_loop_init(&server->loop);
    uv_pipe_init(&server->loop, &server->listener, 0);
    server->listener.data = server;
    assert_int_equal(uv_pipe_bind(&server->listener, path), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server->listener, 16, on_connection), 0);
    struct error err = ERROR_INIT;
    assert_int_equal(
        docker_new(&server->loop, &(struct docker_options){.endpoint = url}, &server->engine, &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    struct server *server = *state;
    engine_free(server->engine);
    uv_close((uv_handle_t *)&server->listener, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&server->loop), 0);
    assert_int_equal(server->connections, 0);
    rmdir(server->dir);
    free(server);
    return 0;
}

struct outcome {
    struct server *server;
    int done;
    int code;
    char message[LIMIT_ERROR_CHARS];
    size_t containers;
    size_t unreadable;
    char why[LIMIT_ERROR_CHARS];
    char digest[80]; /* of an image; "": none */
    int progresses;
    int64_t bytes;
    int events;
    bool frees_engine;
    uint64_t id;
    bool cancels;
};

static void on_done(void *data, const struct engine_reply *reply)
{
    struct outcome *outcome = data;
    outcome->done++;
    outcome->code = reply->error.code;
    memcpy(outcome->message, reply->error.message, sizeof outcome->message);
    outcome->containers = reply->containers ? reply->containers->len : 0;
    outcome->unreadable = reply->unreadable_len;
    snprintf(outcome->digest, sizeof outcome->digest, "%s", reply->image_digest ? reply->image_digest : "");
    snprintf(outcome->why, sizeof outcome->why, "%s", reply->unreadable ? reply->unreadable : "");
    if (outcome->frees_engine) {
        engine_free(outcome->server->engine);
        outcome->server->engine = NULL;
    }
}

static void on_progress(void *data, const struct engine_progress *progress)
{
    struct outcome *outcome = data;
    outcome->progresses++;
    outcome->bytes = progress->current_bytes;
}

static void on_event(void *data, const struct engine_event *event)
{
    struct outcome *outcome = data;
    outcome->events++;
    if (outcome->cancels && event)
        outcome->server->engine->ops->cancel(outcome->server->engine, outcome->id);
}

static struct engine_call call_for(struct server *server, struct outcome *outcome)
{
    outcome->server = server;
    return (struct engine_call){
        .done = on_done, .progress = on_progress, .event = on_event, .data = outcome, .deadline_ms = 60000};
}

static void wait_for(struct server *server, const struct outcome *outcome)
{
    while (!outcome->done)
        uv_run(&server->loop, UV_RUN_ONCE);
    assert_int_equal(outcome->done, 1);
}

static struct outcome inspect(struct server *server, const struct rule *rules)
{
    struct outcome outcome = {0};
    const struct engine_call call = call_for(server, &outcome);
    server->rules = rules;
    server->engine->ops->inspect(server->engine, "x", &call);
    wait_for(server, &outcome);
    return outcome;
}

#define VERSION_BODY "{\"ApiVersion\":\"1.51\",\"MinAPIVersion\":\"1.44\"}"
#define VERSION                                                                                              \
    {                                                                                                        \
        "GET /version", "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n" VERSION_BODY, 0, false               \
    }
_Static_assert(sizeof VERSION_BODY - 1 == 44, "Content-Length");

static void test_bad_answers(void **state)
{
    static const struct {
        const char *bytes;
        bool closes;
        int code;
        const char *words;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", false, ERROR_PROTOCOL, "not JSON"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", false, ERROR_PROTOCOL, "inspection"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, ERROR_PROTOCOL, "inspection"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n{\"Id\":", true, ERROR_UNAVAILABLE, ""},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 17\r\n\r\n{\"message\":\"gone\"", false, ERROR_NOT_FOUND,
         "404"},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n{\"message\":\"gone\"}", false, ERROR_NOT_FOUND,
         "gone"},
        {"", true, ERROR_UNAVAILABLE, ""},
        {"SSH-2.0-OpenSSH\r\n", true, ERROR_PROTOCOL, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct rule rules[] = {
            VERSION, {"GET /v1.47/containers/x/json", cases[i].bytes, 0, cases[i].closes}, {0}};
        struct outcome outcome = inspect(*state, rules);
        if (outcome.code != cases[i].code)
            fail_msg("case %zu: %s", i, outcome.message);
        if (!strstr(outcome.message, cases[i].words) || !outcome.message[0])
            fail_msg("case %zu: %s", i, outcome.message);
    }
}

static void test_no_answer_is_a_timeout(void **state)
{
    struct server *server = *state;
    struct outcome outcome = {0};
    struct engine_call call = call_for(server, &outcome);
    const struct rule rules[] = {VERSION, {"/containers/", NULL, 0, false}, {0}};
    server->rules = rules;
    call.deadline_ms = 100;
    server->engine->ops->inspect(server->engine, "x", &call);
    wait_for(server, &outcome);
    assert_int_equal(outcome.code, ERROR_TIMEOUT);
}

static void test_bad_answers_to_version(void **state)
{
    static const struct {
        const char *bytes;
        int code;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", ERROR_PROTOCOL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", ERROR_PROTOCOL},
        {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", ERROR_INTERNAL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"ApiVersion\":\"1.20\"}", ERROR_UNSUPPORTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct rule rules[] = {{"GET /version", cases[i].bytes, 0, false}, {0}};
        assert_int_equal(inspect(*state, rules).code, cases[i].code);
    }
}

static void test_a_replaced_engine_is_asked_again(void **state)
{
    struct server *server = *state;
    const struct rule rules[] = {
        {"GET /version", "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"ApiVersion\":\"1.41\"}", 1, false},
        VERSION,
        {"GET /v1.41/",
         "HTTP/1.1 400 Bad Request\r\nContent-Length: 50\r\n\r\n{\"message\":\"client version 1.41 is too "
         "old. Min.\"}",
         0, false},
        {"GET /v1.47/", "HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n{\"message\":\"gone\"}", 0,
         false},
        {0}};
    struct outcome outcome = inspect(server, rules);
    assert_string_equal(outcome.message, "gone");
    assert_string_equal(server->requests, "GET /version HTTP/1.1\nGET /v1.41/containers/x/json HTTP/1.1\n"
                                          "GET /version HTTP/1.1\nGET /v1.47/containers/x/json HTTP/1.1\n");
}

static void test_a_broken_connection_leads_to_a_new_negotiation(void **state)
{
    struct server *server = *state;
    const struct rule rules[] = {VERSION, {"/containers/", "", 0, true}, {0}};
    assert_int_equal(inspect(server, rules).code, ERROR_UNAVAILABLE);
    server->requests[0] = '\0';
    assert_int_equal(inspect(server, rules).code, ERROR_UNAVAILABLE);
    assert_true(strncmp(server->requests, "GET /version", 12) == 0);
}

static void test_pull(void **state)
{
    struct server *server = *state;
    struct outcome outcome = {0};
    const struct engine_call call = call_for(server, &outcome);
    const struct rule rules[] = {
        VERSION,
        {"fromImage=registry%3A5000%2Fa%2Fb&tag=2 ",
         "HTTP/1.1 200 "
         "OK\r\n\r\n{\"status\":\"Downloading\",\"id\":\"a\",\"progressDetail\":{\"current\":7,\"total\":9}}"
         "\r\n{\"status\":\"Done\"}\r\n",
         0, true},
        {"fromImage=bad&tag=latest ",
         "HTTP/1.1 200 OK\r\n\r\n{\"errorDetail\":{\"message\":\"no space left\"},\"error\":\"no space "
         "left\"}\r\n",
         0, true},
        {"fromImage=none&tag=sha256%3Aab ",
         "HTTP/1.1 404 Not Found\r\n\r\n{\"message\":\"pull access denied for none\"}", 0, true},
        {0}};
    server->rules = rules;
    server->engine->ops->pull(server->engine, &(struct engine_pull){.image = "registry:5000/a/b:2"}, &call);
    wait_for(server, &outcome);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(outcome.progresses, 2);
    assert_int_equal(outcome.bytes, 7);
    outcome.done = 0;
    server->engine->ops->pull(server->engine, &(struct engine_pull){.image = "bad"}, &call);
    wait_for(server, &outcome);
    assert_int_equal(outcome.code, ERROR_INTERNAL);
    assert_string_equal(outcome.message, "no space left");
    outcome.done = 0;
    server->engine->ops->pull(server->engine, &(struct engine_pull){.image = "none@sha256:ab"}, &call);
    wait_for(server, &outcome);
    assert_int_equal(outcome.code, ERROR_NOT_FOUND);
    assert_string_equal(outcome.message, "pull access denied for none");
}

/* Whether it is the registry's word or nobody's, Docker's status does not tell. */
static void test_a_pull_that_fails_before_its_stream_begins(void **state)
{
    struct server *server = *state;
    static const struct {
        const char *message;
        int code;
    } cases[] = {
        {"Head http://127.0.0.1:5055/v2/a/manifests/1: no basic auth credentials", ERROR_DENIED},
        {"unauthorized: authentication required", ERROR_DENIED},
        {"Get http://127.0.0.1:5055/v2/: dial tcp 127.0.0.1:5055: connect: connection refused",
         ERROR_INTERNAL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outcome outcome = {0};
        const struct engine_call call = call_for(server, &outcome);
        char *bytes CLEANUP_FREE =
            memory_printf("HTTP/1.1 500 Internal Server Error\r\n\r\n{\"message\":\"%s\"}", cases[i].message);
        const struct rule rules[] = {VERSION, {"fromImage=a&tag=1 ", bytes, 0, true}, {0}};
        server->rules = rules;
        server->engine->ops->pull(server->engine, &(struct engine_pull){.image = "a:1"}, &call);
        wait_for(server, &outcome);
        assert_int_equal(outcome.code, cases[i].code);
        assert_string_equal(outcome.message, cases[i].message);
    }
}

#define EVENT                                                                                                \
    "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"c1\"},\"timeNano\":1700000000000000000}" \
    "\n"

static void test_events_end_with_their_cause(void **state)
{
    struct server *server = *state;
    static const struct {
        const char *bytes;
        int code;
        int events;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\n" EVENT EVENT, ERROR_UNAVAILABLE, 3},
        {"HTTP/1.1 200 OK\r\n\r\n" EVENT "garbage\n", ERROR_PROTOCOL, 2},
        {"HTTP/1.1 200 OK\r\n\r\n{\"Action\":5}\n[]\n", ERROR_UNAVAILABLE, 1},
        {"HTTP/1.1 500 No\r\n\r\n{\"message\":\"no\"}", ERROR_INTERNAL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outcome outcome = {0};
        const struct engine_call call = call_for(server, &outcome);
        const struct rule rules[] = {VERSION, {"/events", cases[i].bytes, 0, true}, {0}};
        server->rules = rules;
        server->engine->ops->events(server->engine, "me", &call);
        wait_for(server, &outcome);
        assert_int_equal(outcome.code, cases[i].code);
        assert_int_equal(outcome.events, cases[i].events);
    }
}

static void test_cancel_from_within_an_event(void **state)
{
    struct server *server = *state;
    struct outcome outcome = {.cancels = true};
    struct outcome other = {0};
    const struct engine_call call = call_for(server, &outcome);
    const struct rule rules[] = {VERSION,
                                 {"/events", "HTTP/1.1 200 OK\r\n\r\n" EVENT EVENT EVENT, 0, true},
                                 {"/containers/", "", 0, true},
                                 {0}};
    server->rules = rules;
    outcome.id = server->engine->ops->events(server->engine, "me", &call);
    while (outcome.events < 2)
        uv_run(&server->loop, UV_RUN_ONCE);
    other = inspect(server, rules);
    assert_int_equal(other.done, 1);
    assert_int_equal(outcome.events, 2);
    assert_int_equal(outcome.done, 0);
}

#define IDS "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n[{\"Id\":\"a\"},{\"Id\":\"b\"}]\r\n"

static void test_list_leaves_out_what_vanished(void **state)
{
    struct server *server = *state;
    struct outcome outcome = {0};
    const struct engine_call call = call_for(server, &outcome);
    const struct rule rules[] = {
        VERSION,
        {"/containers/json", IDS, 0, false},
        {"/containers/", "HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n{\"message\":\"gone\"}", 0,
         false},
        {0}};
    server->rules = rules;
    server->engine->ops->list(server->engine, "me", &call);
    wait_for(server, &outcome);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(outcome.containers, 0);
}

static void test_a_listing_has_one_deadline(void **state)
{
    struct server *server = *state;
    struct outcome outcome = {0};
    struct engine_call call = call_for(server, &outcome);
    const struct rule rules[] = {
        VERSION, {"/containers/json", IDS, 0, false}, {"/containers/", NULL, 0, false}, {0}};
    server->rules = rules;
    call.deadline_ms = 200;
    server->engine->ops->list(server->engine, "me", &call);
    wait_for(server, &outcome);
    assert_int_equal(outcome.code, ERROR_TIMEOUT);
}

static void test_engine_freed_by_the_end_of_a_failing_list(void **state)
{
    struct server *server = *state;
    struct outcome outcome = {.frees_engine = true};
    const struct engine_call call = call_for(server, &outcome);
    const struct rule rules[] = {VERSION,
                                 {"/containers/json", IDS, 0, false},
                                 {"/containers/a", "", 0, true},
                                 {"/containers/b", NULL, 0, false},
                                 {0}};
    server->rules = rules;
    server->engine->ops->list(server->engine, "me", &call);
    wait_for(server, &outcome);
    assert_int_equal(outcome.code, ERROR_UNAVAILABLE);
}

/* As Docker 20.10 and Podman 4.3 say it. */
static void test_what_is_missing_for_a_create(void **state)
{
    struct server *server = *state;
    static const struct {
        const char *message;
        int code;
    } cases[] = {
        {"No such image: web:1", ERROR_NOT_FOUND},
        {"no such image: docker.io/library/web:1: image not known", ERROR_NOT_FOUND},
        {"network no-such-image-net not found", ERROR_INTERNAL},
        {"create v: error looking up volume plugin image: plugin \"image\" not found", ERROR_INTERNAL},
        {"No such container: no-such-image", ERROR_INTERNAL},
        {"get no such image: no such volume", ERROR_INTERNAL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *body = json_pack("{s:s}", "message", cases[i].message);
        char *text CLEANUP_FREE = json_dumps(body, JSON_COMPACT);
        char *bytes CLEANUP_FREE =
            memory_printf("HTTP/1.1 404 Not Found\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text);
        const struct rule rules[] = {VERSION, {"/containers/create", bytes, 0, false}, {0}};
        struct outcome outcome = {0};
        const struct engine_call call = call_for(server, &outcome);
        struct sample sample CLEANUP(sample_deinit);
        sample_init(&sample, 1, "{'name':'app','image':'web:1'}");
        server->rules = rules;
        server->engine->ops->create(server->engine, &sample.create, &call);
        wait_for(server, &outcome);
        assert_string_equal(outcome.message, cases[i].message);
        assert_int_equal(outcome.code, cases[i].code);
        json_decref(body);
    }
}

/* An engine's words stay, behind what can be done about them. */
static void test_what_an_engine_complains_of(void **state)
{
    struct server *server = *state;
    static const struct {
        const char *answer, *advice;
    } complaints[] = {
        {"HTTP/1.1 500 Error\r\nContent-Length: 46\r\n\r\n{\"message\":\"no log driver named 'x' is there\"}",
         "logDrivers in davit's configuration can name another): no log driver named"},
        {"HTTP/1.1 500 Error\r\nContent-Length: 60\r\n\r\n{\"message\":\"Bind for :80 failed: port is "
         "already allocated\"}",
         "free it, or choose another hostPort: Bind for :80"},
        {"HTTP/1.1 500 Error\r\nContent-Length: 48\r\n\r\n{\"message\":\"listen :80: address already in "
         "use\"}",
         "free it, or choose another hostPort: listen :80"},
    };
    for (size_t i = 0; i < ARRAY_LEN(complaints); i++) {
        struct outcome outcome = {0};
        const struct engine_call call = call_for(server, &outcome);
        const struct rule rules[] = {VERSION, {"/start", complaints[i].answer, 0, false}, {0}};
        server->rules = rules;
        server->engine->ops->start(server->engine, "abc", &call);
        wait_for(server, &outcome);
        assert_int_equal(outcome.code, ERROR_INTERNAL);
        assert_non_null(strstr(outcome.message, complaints[i].advice));
    }
}

/* The create of an earlier life is under way: Docker takes the name before anybody can ask for it. */
static void test_a_name_that_nobody_has_yet(void **state)
{
    struct server *server = *state;
    struct outcome outcome = {0};
    const struct engine_call call = call_for(server, &outcome);
    struct sample sample CLEANUP(sample_deinit);
    sample_init(&sample, 1, "{'name':'app','image':'web:1'}");
    const struct rule rules[] = {
        VERSION,
        {"/containers/create",
         "HTTP/1.1 409 Conflict\r\nContent-Length: 31\r\n\r\n{\"message\":\"is already in use\"}", 0, false},
        {"GET /v1.47/containers/", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 0, false},
        {0}};
    server->rules = rules;
    server->engine->ops->create(server->engine, &sample.create, &call);
    wait_for(server, &outcome);
    assert_int_equal(outcome.code, ERROR_UNAVAILABLE);
}

static void test_a_definition_that_contradicts_itself(void **state)
{
    struct server *server = *state;
    struct outcome outcome = {0};
    struct sample sample CLEANUP(sample_deinit);
    const struct engine_call call = call_for(server, &outcome);
    sample_init(&sample, 1,
                "{'name':'a','image':'i','mountPoints':[{'sourceVolume':'v','containerPath':'/v'}]}");
    server->engine->ops->create(server->engine, &sample.create, &call);
    assert_int_equal(outcome.done, 0);
    wait_for(server, &outcome);
    assert_int_equal(outcome.code, ERROR_INVALID);
    assert_string_equal(server->requests, "");
}

static void test_endpoints_that_make_no_sense(void **state)
{
    struct server *server = *state;
    struct engine *engine = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(
        docker_new(&server->loop, &(struct docker_options){.endpoint = "ftp://x"}, &engine, &err),
        ERROR_INVALID);
    assert_int_equal(docker_new(&server->loop,
                                &(struct docker_options){.endpoint = "unix:///x", .ca_path = "/ca"}, &engine,
                                &err),
                     ERROR_INVALID);
    assert_null(engine);
}

static char *http_ok(json_t *json)
{
    char *body CLEANUP_FREE = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return memory_printf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
}

#define DIGITS        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
#define DIGEST(digit) "sha256:" DIGITS #digit

/* The login goes along as it does with a pull. */
static void test_distribution(void **state)
{
    static const struct {
        const char *answer;
        int code;
        const char *digest;
    } rows[] = {
        {"{\"Descriptor\":{\"digest\":\"" DIGEST(1) "\",\"size\":7},\"Platforms\":[]}", 0, DIGEST(1)},
        {"{\"Descriptor\":{\"digest\":\"../../x\"}}", 0, ""},
        {"[]", 0, ""},
        {NULL, ERROR_NOT_FOUND, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server *server = *state;
        struct outcome outcome = {0};
        const struct engine_call call = call_for(server, &outcome);
        char *answer CLEANUP_FREE =
            rows[i].answer ? http_ok(json_loads(rows[i].answer, 0, NULL))
                           : memory_strdup("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        const struct rule rules[] = {
            VERSION, {"GET /v1.47/distribution/registry%3A5000%2Fa%2Fb%3A2/json", answer, 0, false}, {0}};
        server->rules = rules;
        server->engine->ops->distribution_inspect(
            server->engine, &(struct engine_pull){.image = "registry:5000/a/b:2", .login = "bG9naW4="},
            &call);
        wait_for(server, &outcome);
        assert_int_equal(outcome.code, rows[i].code);
        assert_string_equal(outcome.digest, rows[i].digest);
        assert_true(server->logged_in);
    }
}

/* Podman knows an image by the digest of a list for several platforms and by that of what it has of it, in
 * any order, and says in its own words which the tag means; Docker has no such words, and all that it ever
 * was. */
static void test_an_image_of_several_digests(void **state)
{
    static const struct {
        const char *digests[3];
        const char *own; /* Podman's; NULL: it is Docker */
        const char *digest;
    } cases[] = {
        {{"web@" DIGEST(1), "web@" DIGEST(2)}, DIGEST(2), DIGEST(2)},
        {{"web@" DIGEST(1), "web@" DIGEST(2)}, NULL, DIGEST(1)},
        {{"web@" DIGEST(1), "web@" DIGEST(2)}, "../../x", DIGEST(1)},
        {{"other@" DIGEST(1), "docker.io/library/web@" DIGEST(2)}, DIGEST(3), DIGEST(2)},
        {{"web@sha256:1", "web@md5:" DIGITS "0"}, NULL, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct server *server = *state;
        struct outcome outcome = {0};
        const struct engine_call call = call_for(server, &outcome);
        json_t *list = json_array();
        for (size_t d = 0; cases[i].digests[d]; d++)
            json_array_append_new(list, json_string(cases[i].digests[d]));
        char *image CLEANUP_FREE = http_ok(json_pack("{s:o}", "RepoDigests", list));
        char *own CLEANUP_FREE = http_ok(json_pack("{s:s*}", "Digest", cases[i].own));
        const struct rule rules[] = {
            VERSION,
            {"GET /v1.47/images/web%3A1/json", image, 0, false},
            {"GET /v1.47/libpod/images/web%3A1/json",
             cases[i].own ? own : "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 0, false},
            {0}};
        server->rules = rules;
        server->engine->ops->image_inspect(server->engine, "web:1", &call);
        wait_for(server, &outcome);
        assert_int_equal(outcome.code, 0);
        assert_string_equal(outcome.digest, cases[i].digest);
    }
}

static json_t *entry(int serial, bool has_labels)
{
    struct sample sample CLEANUP(sample_deinit);
    char *id CLEANUP_FREE = memory_printf("id-%d", serial);
    sample_init(&sample, serial, "{'name':'a','image':'i'}");
    json_t *labels =
        has_labels ? task_labels_to_json(&sample.labels) : json_pack("{s:s}", LABEL_OWNER, "owner-1");
    return json_pack("{s:s,s:[s],s:s,s:s,s:o}", "Id", id, "Names", sample.name, "State", "running", "Status",
                     "Up", "Labels", labels);
}

/* One that the engine cannot inspect is not gone; one that belongs to no task is counted; a connection that
 * breaks is the end of the listing. */
static void test_one_bad_container_spoils_no_listing(void **state)
{
    struct server *server = *state;
    struct outcome outcome = {0};
    const struct engine_call call = call_for(server, &outcome);
    char *list CLEANUP_FREE = http_ok(json_pack("[o,o]", entry(1, true), entry(2, false)));
    char *unlabeled CLEANUP_FREE =
        http_ok(json_pack("{s:s,s:s,s:{s:{s:s}},s:{s:s}}", "Id", "id-2", "Name", "n", "Config", "Labels",
                          LABEL_OWNER, "owner-1", "State", "Status", "running"));
    const struct rule rules[] = {
        VERSION,
        {"/containers/json", list, 0, false},
        {"/containers/id-1/json",
         "HTTP/1.1 500 No\r\nContent-Length: 26\r\n\r\n{\"message\":\"no such file\"}", 1, false},
        {"/containers/id-1/json", "", 0, true},
        {"/containers/id-2/json", unlabeled, 0, false},
        {0}};
    server->rules = rules;
    server->engine->ops->list(server->engine, "owner-1", &call);
    wait_for(server, &outcome);
    if (outcome.code)
        fail_msg("%s", outcome.message);
    assert_int_equal(outcome.containers, 1);
    assert_int_equal(outcome.unreadable, 2);
    assert_non_null(strstr(outcome.why, "container id-1"));
    outcome = (struct outcome){.server = server};
    server->engine->ops->list(server->engine, "owner-1", &call);
    wait_for(server, &outcome);
    assert_int_equal(outcome.code, ERROR_UNAVAILABLE);
}

/* The second one answers at once, the first never: that is its own trouble, and it stays in the list. */
static void test_one_container_that_hangs_spoils_no_listing(void **state)
{
    struct server *server = *state;
    struct outcome outcome = {0};
    struct engine_call call = call_for(server, &outcome);
    char *list CLEANUP_FREE = http_ok(json_pack("[o,o]", entry(1, true), entry(2, true)));
    const struct rule rules[] = {
        VERSION,
        {"/containers/json", list, 0, false},
        {"/containers/id-1/json", NULL, 0, false},
        {"/containers/id-2/json",
         "HTTP/1.1 500 No\r\nContent-Length: 26\r\n\r\n{\"message\":\"no such file\"}", 0, false},
        {0}};
    server->rules = rules;
    call.deadline_ms = 10000;
    server->engine->ops->list(server->engine, "owner-1", &call);
    wait_for(server, &outcome);
    if (outcome.code)
        fail_msg("%s", outcome.message);
    assert_int_equal(outcome.containers, 2);
    assert_int_equal(outcome.unreadable, 2);
    assert_non_null(strstr(outcome.why, "container id-1")); /* the first of the list, not of the answers */
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_bad_answers),
        TEST(test_no_answer_is_a_timeout),
        TEST(test_bad_answers_to_version),
        TEST(test_a_replaced_engine_is_asked_again),
        TEST(test_a_broken_connection_leads_to_a_new_negotiation),
        TEST(test_pull),
        TEST(test_a_pull_that_fails_before_its_stream_begins),
        TEST(test_distribution),
        TEST(test_an_image_of_several_digests),
        TEST(test_events_end_with_their_cause),
        TEST(test_cancel_from_within_an_event),
        TEST(test_list_leaves_out_what_vanished),
        TEST(test_one_bad_container_spoils_no_listing),
        TEST(test_one_container_that_hangs_spoils_no_listing),
        TEST(test_a_listing_has_one_deadline),
        TEST(test_engine_freed_by_the_end_of_a_failing_list),
        TEST(test_what_is_missing_for_a_create),
        TEST(test_what_an_engine_complains_of),
        TEST(test_a_name_that_nobody_has_yet),
        TEST(test_a_definition_that_contradicts_itself),
        TEST(test_endpoints_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
