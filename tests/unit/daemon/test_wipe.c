/* Memory that is given back holds no secret: every free() of davit's code is looked into. */
#include "act/supply.h"
#include "base/base64.h"
#include "base/text.h"
#include "base/wipe.h"
#include "engine/docker.h"
#include "http/client.h"
#include "secret/secret.h"

#include "../engine/sample.h"
#include "../unit.h"

#include <malloc.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define CANARY "c4n4ry-v4lue-7f3a"

static int found; /* blocks that were given back with the value in them */

void __real_free(void *block);
void __wrap_free(void *block);
void __wrap_free(void *block)
{
    static const char canary[] = CANARY;
    found +=
        block && unit_rounds(1, 0) && memmem(block, malloc_usable_size(block), canary, sizeof canary - 1);
    __real_free(block);
}

static int set_up(void **state)
{
    (void)state;
    found = 0;
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(path, 0600);
}

static void test_the_look_finds_it(void **state)
{
    (void)state;
    free(memory_strdup("x" CANARY));
    assert_int_equal(found, unit_rounds(1, 0));
}

static void login(const struct secret_store *store, const char *image, const char *credentials)
{
    struct secret_login login = {0};
    assert_int_equal(secret_registry_login(store, image, credentials, &login, NULL), 0);
    assert_string_equal(login.secret, CANARY);
    wipe_free(login.header);
    wipe_free(login.secret);
    free(login.hint);
}

static void test_secrets_and_logins(void **state)
{
    (void)state;
    char dir[64];
    unit_make_dir(dir, sizeof dir, "wipe");
    char *secret CLEANUP_FREE = memory_printf("%s/db", dir);
    char *config CLEANUP_FREE = memory_printf("%s/config.json", dir);
    char *auth CLEANUP(wipe_freep) = base64_encode("u:" CANARY, strlen("u:" CANARY));
    char *text CLEANUP_FREE = memory_printf(
        "{\"auths\":{\"a.io\":{\"auth\":\"%s\"},\"b.io\":{\"username\":\"u\",\"password\":\"%s\"},"
        "\"c.io\":{\"identitytoken\":\"%s\"}}}",
        auth, CANARY, CANARY);
    write_file(secret,
               "{\"username\":\"u\",\"password\":\"" CANARY "\",\"more\":{\"x\":[\"" CANARY "\"]}}\n");
    write_file(config, text);
    memset(text, 0, strlen(text));
    struct secret_store *store CLEANUP(secret_store_freep) =
        secret_store_new(&(struct secret_options){.directory = dir, .docker_config = config});
    static const char *const names[] = {"db", "db:password", "db:more"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *value CLEANUP(wipe_freep) = NULL;
        assert_int_equal(secret_read(store, names[i], &value, NULL), 0);
        assert_non_null(strstr(value, CANARY));
    }
    login(store, "a.io/x", NULL);
    login(store, "b.io/x", NULL);
    login(store, "c.io/x", NULL);
    login(store, "a.io/x", "db");
    unlink(secret);
    unlink(config);
    rmdir(dir);
    assert_int_equal(found, 0);
}

static int on_secret(void *data, const char *value_from, char **ret_value, struct error *err)
{
    (void)data;
    (void)value_from;
    (void)err;
    *ret_value = memory_strdup(CANARY);
    return 0;
}

static void on_reply(void *data, const struct engine_reply *reply)
{
    assert_int_not_equal(reply->error.code, 0);
    ++*(int *)data;
}

/* All the way to an engine that is not there. */
static void test_a_create_and_a_pull(void **state)
{
    (void)state;
    struct sample sample;
    struct act_stores stores = {.secret = on_secret};
    struct supply supply = {0};
    struct error err = ERROR_INIT;
    uv_loop_t loop;
    struct engine *engine;
    int replies = 0;
    sample_init(&sample, 1,
                "{'name':'app','image':'x','secrets':[{'name':'S','valueFrom':'s'}],"
                "'logConfiguration':{'logDriver':'splunk','secretOptions':[{'name':'t','valueFrom':'s'}]}}");
    struct action *action CLEANUP(action_freep) = action_new(ACTION_CREATE);
    action->container = memory_strdup("app");
    action->task_definition = task_definition_ref(sample.definition);
    assert_int_equal(supply_gather(&stores, action, &supply, &err), 0);
    uv_loop_init(&loop);
    assert_int_equal(
        docker_new(&loop, &(struct docker_options){.endpoint = "unix:///no/such"}, &engine, NULL), 0);
    const struct engine_create create = {.name = sample.name,
                                         .labels = &sample.labels,
                                         .definition = sample.definition,
                                         .container = "app",
                                         .environment = &supply.environment,
                                         .log_options = supply.log_options};
    const struct engine_call call = {.done = on_reply, .data = &replies};
    engine->ops->create(engine, &create, &call);
    supply_deinit(&supply);
    engine->ops->pull(engine, &(struct engine_pull){.image = "x", .login = CANARY}, &call);
    engine->ops->distribution_inspect(engine, &(struct engine_pull){.image = "x", .login = CANARY}, &call);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(replies, 3);
    engine_free(engine);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    sample_deinit(&sample);
    assert_int_equal(found, 0);
}

static void on_done(void *data, const struct http_reply *reply)
{
    assert_int_not_equal(reply->error.code, 0);
    ++*(int *)data;
}

static void test_a_request(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct http_endpoint endpoint;
    int replies = 0;
    const char *const headers[] = {"X-Registry-Auth: " CANARY, NULL};
    assert_int_equal(http_endpoint_init(&endpoint, "unix:///no/such", NULL), 0);
    uv_loop_init(&loop);
    struct http_client *client = http_client_new(&loop, NULL);
    http_request(client, &(struct http_request){.endpoint = &endpoint,
                                                .method = "POST",
                                                .path = "/",
                                                .headers = headers,
                                                .body = "{\"x\":\"" CANARY "\"}",
                                                .body_len = strlen("{\"x\":\"" CANARY "\"}"),
                                                .done = on_done,
                                                .data = &replies});
    uv_run(&loop, UV_RUN_DEFAULT);
    http_client_free(client);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    http_endpoint_deinit(&endpoint);
    assert_int_equal(replies, 1);
    assert_int_equal(found, 0);
}

int main(void)
{
    wipe_json();
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_the_look_finds_it, set_up),
                                       cmocka_unit_test_setup(test_secrets_and_logins, set_up),
                                       cmocka_unit_test_setup(test_a_create_and_a_pull, set_up),
                                       cmocka_unit_test_setup(test_a_request, set_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
