/* The server for webhooks: its answers, its pace, its secret. */
#include "daemon/webhook_listener.h"

#include "base/buffer.h"
#include "base/text.h"
#include "http/client.h"
#include "model/json.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET "It's a Secret to Everybody"
#define SIGNED "X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
#define BODY   "Hello, World!"
#define TOKEN  "X-Gitlab-Token: " SECRET
#define PATH   "/v1/webhook"

struct world {
    uv_loop_t loop;
    struct http_client *client;
    struct webhook_listener *listener;
    char dir[64];
    char address[96];
    char secret_file[96];
    unsigned looks; /* at the first source */
    uint64_t heard; /* at the last of them */
    uint64_t looked_ms;
    unsigned other_looks;
    const char *branch;
    size_t sources_len; /* of those below */
    /* the last answer */
    unsigned done;
    int status;
    char message[128];
    char id[64];
    bool look;
    char allow[16];
};

static void on_look(void *data, size_t index)
{
    struct world *world = data;
    if (index == 0) {
        world->looks++;
        world->looked_ms = uv_hrtime() / 1000000;
        world->heard = webhook_listener_news(world->listener)->heard;
    } else {
        world->other_looks++;
    }
}

static struct webhook_source on_source(void *data, size_t index)
{
    const struct world *world = data;
    return index ? (struct webhook_source){"shop", "git@git.example.org:example/shop.git", {"live", true}}
                 : (struct webhook_source){
                       "infra", "https://git.example.org/example/infra.git", {world->branch, false}};
}

static void write_secret(const struct world *world, const char *text)
{
    FILE *file = fopen(world->secret_file, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int open_listener(struct world *world, const char *address, struct error *err)
{
    const struct webhook_listener_options options = {.loop = &world->loop,
                                                     .address = address,
                                                     .secret_file = world->secret_file,
                                                     .data = world,
                                                     .sources_len = world->sources_len,
                                                     .source = on_source,
                                                     .look = on_look};
    return webhook_listener_new(&options, &world->listener, err);
}

static int setup(void **state)
{
    struct world *world = NEW(struct world);
    struct error err = ERROR_INIT;
    world->branch = "main";
    world->sources_len = 1;
    unit_make_dir(world->dir, sizeof world->dir, "webhook");
    snprintf(world->address, sizeof world->address, "unix://%s/s", world->dir);
    snprintf(world->secret_file, sizeof world->secret_file, "%s/secret", world->dir);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    world->client = http_client_new(&world->loop, NULL);
    write_secret(world, SECRET "\n");
    if (open_listener(world, world->address, &err) < 0)
        fail_msg("%s", error_text(&err));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char *lock CLEANUP_FREE = memory_printf("%s/s.lock", world->dir);
    http_client_free(world->client);
    webhook_listener_free(world->listener);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    unlink(world->secret_file);
    unlink(lock);
    assert_int_equal(rmdir(world->dir), 0);
    free(world);
    return 0;
}

static void done(void *data, const struct http_reply *reply)
{
    struct world *world = data;
    json_t *json = json_loadb(reply->body, reply->body_len, 0, NULL);
    const char *allow = http_reply_header(reply, "Allow");
    world->done++;
    world->status = reply->status;
    world->look = model_bool(json, "look");
    model_string_into(json, "message", world->message, sizeof world->message);
    model_string_into(json, "id", world->id, sizeof world->id);
    model_string_into(json_object_get(json, "error"), "message", world->message + strlen(world->message),
                      sizeof world->message - strlen(world->message));
    snprintf(world->allow, sizeof world->allow, "%s", allow ? allow : "");
    json_decref(json);
}

static void start(struct world *world, struct http_request request)
{
    struct http_endpoint endpoint;
    assert_int_equal(http_endpoint_init(&endpoint, world->address, NULL), 0);
    request.endpoint = &endpoint;
    request.method = request.method ? request.method : "POST";
    request.path = request.path ? request.path : PATH;
    request.deadline_ms = 30000;
    request.data = world;
    request.done = done;
    http_request(world->client, &request);
    http_endpoint_deinit(&endpoint);
}

static void ask(struct world *world, struct http_request request, int status)
{
    world->done = 0;
    start(world, request);
    while (!world->done)
        uv_run(&world->loop, UV_RUN_ONCE);
    if (world->status != status)
        fail_msg("%d, not %d: %s", world->status, status, world->message);
}

/* header2 may be NULL. */
static void post(struct world *world, const char *header, const char *header2, int status)
{
    const char *const headers[] = {header, header2, NULL};
    ask(world, (struct http_request){.headers = headers, .body = BODY, .body_len = strlen(BODY)}, status);
}

/* --- answers -------------------------------------------------------------------------------------------- */

static void test_answers(void **state)
{
    struct world *world = *state;
    const struct webhook_news *news = webhook_listener_news(world->listener);
    post(world, SIGNED, NULL, 202);
    assert_true(world->look);
    assert_int_equal(strlen(world->id), 36);
    assert_int_equal(world->looks, 1);
    assert_int_equal(news->heard, 1);
    assert_true(news->heard_at_ms > 0 && !news->refused_at_ms);
    ask(world, (struct http_request){.path = "/v1/status"}, 404);
    ask(world, (struct http_request){.path = "/"}, 404);
    ask(world, (struct http_request){.method = "GET"}, 405);
    assert_string_equal(world->allow, "POST");
    ask(world, (struct http_request){.method = "PUT", .body = BODY, .body_len = 5}, 405);
    assert_int_equal(news->refused, 0);
    assert_int_equal(world->looks, 1);
}

static void test_refusals_do_not_say_why(void **state)
{
    struct world *world = *state;
    const struct webhook_news *news = webhook_listener_news(world->listener);
    static const char *const wrong[][2] = {
        {"X-Nothing: x", NULL},
        {"X-Gitlab-Token: wrong", NULL},
        {"X-Hub-Signature-256: sha256=0", NULL},
        {TOKEN, "X-Hub-Signature-256: sha256="
                "0000000000000000000000000000000000000000000000000000000000000000"},
        {SIGNED, SIGNED},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        post(world, wrong[i][0], wrong[i][1], 401);
        assert_string_equal(world->message, "the signature is missing or wrong");
        assert_int_equal(news->refused, i + 1);
    }
    assert_true(strstr(news->refusal.message, "2 times"));
    assert_true(news->refused_at_ms > 0);
    assert_int_equal(world->looks + news->heard, 0);
}

static void test_too_large(void **state)
{
    struct world *world = *state;
    const char *const headers[] = {TOKEN, NULL};
    char *body CLEANUP_FREE = memory_calloc(LIMIT_API_REQUEST_BYTES + 1, 1);
    struct http_request request = {.headers = headers, .body = body, .body_len = LIMIT_API_REQUEST_BYTES + 1};
    ask(world, request, 413);
    assert_int_equal(world->looks, 0);
    request.body_len--;
    ask(world, request, 202);
    assert_int_equal(world->looks, 1);
}

/* Who has the secret is not locked out by those who have not. */
static void test_many_refusals(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < LIMIT_WEBHOOK_REFUSALS; i++)
        post(world, "X-Gitlab-Token: guess", NULL, 401);
    for (int i = 0; i < 5; i++)
        post(world, "X-Gitlab-Token: guess", NULL, 429);
    assert_string_equal(world->message, "the signature is missing or wrong");
    post(world, TOKEN, NULL, 202);
    assert_int_equal(webhook_listener_news(world->listener)->refused, LIMIT_WEBHOOK_REFUSALS + 5);
}

static void test_nothing_to_look_at(void **state)
{
    struct world *world = *state;
    static const char other[] = "{\"ref\":\"refs/heads/other\"}";
    const char *const headers[] = {TOKEN, NULL};
    struct http_request push = {.headers = headers, .body = other, .body_len = strlen(other)};
    post(world, SIGNED, "X-GitHub-Event: ping", 200);
    assert_string_equal(world->message, "a ping");
    ask(world, push, 200);
    assert_string_equal(world->message, "a push of refs/heads/other, not of refs/heads/main");
    assert_false(world->look);
    assert_int_equal(world->looks, 0);
    world->branch = NULL; /* not known yet */
    ask(world, push, 202);
    world->branch = "other";
    ask(world, push, 202);
    assert_int_equal(webhook_listener_news(world->listener)->heard, 4);
}

/* Each to the source whose repository it is; what nobody knows to all, but only where the branch may be
 * theirs. */
static void test_several_sources(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *url;
        const char *branch;
        int status;
        unsigned infra;
        unsigned shop;
        const char *message;
    } cases[] = {
        {"https://git.example.org/example/infra", "main", 202, 1, 0, "looked at: infra"},
        {"https://git.example.org/example/shop.git", "live", 202, 0, 1, "looked at: shop"},
        {"https://git.example.org/example/shop.git", "main", 200, 0, 0,
         "a push of refs/heads/main, not of refs/heads/live"},
        {"https://git.example.org/moved/shop", "live", 202, 0, 1,
         "looked at: shop; none is at git.example.org/moved/shop"},
        {"https://git.example.org/example/other", "next", 200, 0, 0,
         "a push of a ref that no source of it follows"},
        {"https://git.example.org/example/shop.git", "refs/tags/v1", 202, 0, 1, "looked at: shop"},
        {"https://git.example.org/example/infra", "refs/tags/v1", 200, 0, 0,
         "a push of refs/tags/v1, not of refs/heads/main"},
        {"", "live", 202, 0, 1, "looked at: shop"},
    };
    const char *const headers[] = {TOKEN, NULL};
    struct error err = ERROR_INIT;
    webhook_listener_free(world->listener);
    world->sources_len = 2;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *body CLEANUP_FREE = memory_printf(
            "{\"ref\":\"%s%s\",\"repository\":{\"clone_url\":\"%s\"}}",
            text_starts_with(cases[i].branch, "refs/") ? "" : "refs/heads/", cases[i].branch, cases[i].url);
        if (open_listener(world, world->address, &err) < 0) /* anew: the pause after a look is over */
            fail_msg("%s", error_text(&err));
        world->looks = world->other_looks = 0;
        ask(world, (struct http_request){.headers = headers, .body = body, .body_len = strlen(body)},
            cases[i].status);
        assert_string_equal(world->message, cases[i].message);
        assert_int_equal(world->looks, cases[i].infra);
        assert_int_equal(world->other_looks, cases[i].shop);
        webhook_listener_free(TAKE(world->listener));
    }
}

/* --- secrets -------------------------------------------------------------------------------------------- */

static void test_secret_is_read_anew(void **state)
{
    struct world *world = *state;
    const struct webhook_news *news = webhook_listener_news(world->listener);
    write_secret(world, "another secret of all\nsecond line\n");
    post(world, TOKEN, NULL, 401);
    post(world, "X-Gitlab-Token: another secret of all", NULL, 202);
    write_secret(world, "short\n");
    post(world, "X-Gitlab-Token: short", NULL, 503);
    assert_true(strstr(news->refusal.message, "at least 16"));
    assert_true(strstr(news->refusal.message, world->secret_file));
    unlink(world->secret_file);
    post(world, TOKEN, NULL, 503);
    assert_true(strstr(news->refusal.message, world->secret_file));
    assert_null(strstr(world->message, world->secret_file));
    assert_int_equal(world->looks, 1);
}

static void expect_no_listener(struct world *world, const char *address, int code, const char *words)
{
    struct error err = ERROR_INIT;
    struct webhook_listener *good = TAKE(world->listener);
    assert_int_equal(open_listener(world, address, &err), code);
    if (!strstr(err.message, words))
        fail_msg("%s", err.message);
    assert_null(world->listener);
    world->listener = good;
}

static void test_bad_configurations(void **state)
{
    struct world *world = *state;
    expect_no_listener(world, world->address, ERROR_EXISTS, "another davit is listening");
    expect_no_listener(world, "git.example.org:80", ERROR_INVALID, "an IP address and a port are wanted");
    write_secret(world, "fifteen bytes..\n");
    expect_no_listener(world, "127.0.0.1:0", ERROR_INVALID, world->secret_file);
    expect_no_listener(world, "127.0.0.1:0", ERROR_INVALID, "openssl rand -hex 32");
    write_secret(world, "\n");
    expect_no_listener(world, "127.0.0.1:0", ERROR_INVALID, "its first line is empty");
    unlink(world->secret_file);
    expect_no_listener(world, "127.0.0.1:0", ERROR_NOT_FOUND, "webhook.secretFile");
}

/* --- the pace ------------------------------------------------------------------------------------------- */

static void on_end(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* Whatever was to be done within so long has been done then, on a machine that stands still as well. */
static void runs_for(struct world *world, uint64_t ms)
{
    bool ended = false;
    uv_timer_t timer = {.data = &ended};
    uv_timer_init(&world->loop, &timer);
    uv_update_time(&world->loop);
    uv_timer_start(&timer, on_end, ms, 0);
    while (!ended)
        uv_run(&world->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&world->loop, UV_RUN_NOWAIT);
}

/* Fifty at once are two looks: one now, and one after the last of them. */
static void test_burst(void **state)
{
    struct world *world = *state;
    const char *const headers[] = {TOKEN, NULL};
    uint64_t begin_ms = uv_hrtime() / 1000000;
    for (int i = 0; i < 50; i++)
        start(world, (struct http_request){.headers = headers, .body = "x", .body_len = 1});
    while (world->done < 50)
        uv_run(&world->loop, UV_RUN_ONCE);
    unsigned seconds = (unsigned)((uv_hrtime() / 1000000 - begin_ms) / LIMIT_WEBHOOK_LOOK_MS);
    runs_for(world, 2 * LIMIT_WEBHOOK_LOOK_MS);
    assert_in_range(world->looks, 2, 2 + seconds);
    assert_in_range(world->heard, seconds ? 49 : 50, 50); /* one is looked for before it counts as heard */
    while (uv_hrtime() / 1000000 - world->looked_ms <= LIMIT_WEBHOOK_LOOK_MS)
        runs_for(world, 100); /* the pause after it is over as well */
    unsigned before = world->looks;
    post(world, TOKEN, NULL, 202);
    assert_int_equal(world->looks, before + 1);
    post(world, TOKEN, NULL, 202); /* in the pause after that one */
    if (uv_hrtime() / 1000000 - world->looked_ms < LIMIT_WEBHOOK_LOOK_MS / 2)
        assert_int_equal(world->looks, before + 1);
    while (world->looks < before + 2)
        uv_run(&world->loop, UV_RUN_ONCE);
    assert_int_equal(webhook_listener_news(world->listener)->heard, 52);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_answers),
        TEST(test_refusals_do_not_say_why),
        TEST(test_too_large),
        TEST(test_many_refusals),
        TEST(test_nothing_to_look_at),
        TEST(test_several_sources),
        TEST(test_secret_is_read_anew),
        TEST(test_bad_configurations),
        TEST(test_burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
