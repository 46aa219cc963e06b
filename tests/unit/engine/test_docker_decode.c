#include "engine/docker_decode.h"

#include "base/text.h"
#include "sample.h"
#include "unit.h"

#include <stdio.h>

/* --- versions ------------------------------------------------------------------------------------------- */

static void test_versions_meet(void **state)
{
    (void)state;
    static const struct {
        const char *max;
        const char *min;
        const char *api; /* NULL: none */
    } cases[] = {
        {"1.41", "1.12", "1.41"}, /* Debian's docker.io 20.10 */
        {"1.47", "1.24", "1.47"}, {"1.51", "1.44", "1.47"},     {"1.60", "1.47", "1.47"},
        {"1.60", "1.48", NULL},   {"1.24", "1.12", "1.24"},     {"1.24", NULL, "1.24"},
        {"1.23", "1.12", NULL},   {"1.9", "1.1", NULL},         {"2.0", "1.40", "1.47"},
        {"2.0", "2.0", NULL},     {"1.41", "nonsense", "1.41"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct engine_version version = {0};
        struct error err = ERROR_INIT;
        json_t *json = json_pack("{s:s,s:s?}", "ApiVersion", cases[i].max, "MinAPIVersion", cases[i].min);
        int r = docker_decode_version(json, &version, &err);
        json_decref(json);
        if (cases[i].api) {
            assert_int_equal(r, 0);
            assert_string_equal(version.api, cases[i].api);
            docker_version_deinit(&version);
        } else {
            assert_int_equal(r, ERROR_UNSUPPORTED);
            assert_non_null(strstr(err.message, cases[i].max));
        }
    }
}

static void test_what_is_no_version(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "1", "1.", ".1", "1.41x", "1.4.1", "99999.1", "-1.4", "one.two"};
    struct engine_version version;
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        json_t *json = json_pack("{s:s}", "ApiVersion", texts[i]);
        assert_int_equal(docker_decode_version(json, &version, &err), ERROR_PROTOCOL);
        json_decref(json);
    }
    assert_int_equal(docker_decode_version(NULL, &version, &err), ERROR_PROTOCOL);
}

/* --- inspections ---------------------------------------------------------------------------------------- */

/* As Docker 20.10 says it, shortened to what counts. */
static json_t *inspection(const char *state, const char *network, bool has_health_check)
{
    struct sample sample CLEANUP(sample_deinit);
    sample_init(&sample, 1,
                has_health_check ? "{'name':'a','image':'i','healthCheck':{'command':['CMD','x']}}"
                                 : "{'name':'a','image':'i'}");
    char *text CLEANUP_FREE = memory_printf(
        "{\"Id\":\"4f2a\",\"Created\":\"2026-01-31T10:00:00.123456789Z\",\"Path\":\"/x\",\"Args\":[],"
        "\"State\":%s,\"Image\":\"sha256:aa\",\"Name\":\"/"
        "davit-default-web-a-000000000001\",\"RestartCount\":0,"
        "\"Config\":{\"Hostname\":\"4f2a\",\"Image\":\"i\",\"Tty\":false},\"NetworkSettings\":%s}",
        state, network);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    json_object_set_new(json_object_get(json, "Config"), "Labels", task_labels_to_json(&sample.labels));
    return json;
}

static struct container *decode(const char *state, const char *network, bool has_health_check)
{
    struct container *container = NULL;
    struct error err = ERROR_INIT;
    json_t *json = inspection(state, network, has_health_check);
    int r = docker_decode_container(json, &container, &err);
    json_decref(json);
    if (r < 0)
        fail_msg("%s", err.message);
    return container;
}

#define NEVER "0001-01-01T00:00:00Z"

static void test_created(void **state)
{
    (void)state;
    struct container *container CLEANUP(container_freep) =
        decode("{\"Status\":\"created\",\"ExitCode\":127,\"Error\":\"no such file\",\"StartedAt\":\"" NEVER
               "\",\"FinishedAt\":\"" NEVER "\"}",
               "{}", false);
    assert_int_equal(container->status, CONTAINER_CREATED);
    assert_false(container->has_exit_code);
    assert_string_equal(container->reason, "no such file");
    assert_string_equal(container->name, "davit-default-web-a-000000000001");
    assert_string_equal(container->image_id, "sha256:aa");
    assert_int_equal(container->started_ms, 0);
    assert_int_equal(container->created_ms % 1000, 123);
    assert_null(container->ip);
}

static void test_running_with_ports(void **state)
{
    (void)state;
    struct container *container CLEANUP(container_freep) = decode(
        "{\"Status\":\"running\",\"Running\":true,\"ExitCode\":0,\"Error\":\"\","
        "\"StartedAt\":\"2026-01-31T10:00:01.5Z\",\"FinishedAt\":\"" NEVER
        "\",\"Health\":{\"Status\":\"healthy\"}}",
        "{\"IPAddress\":\"\",\"Networks\":{\"n\":{\"IPAddress\":\"172.18.0.2\"}},"
        "\"Ports\":{\"9000/tcp\":null,\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"32768\"},"
        "{\"HostIp\":\"::\",\"HostPort\":\"32768\"}],\"53/udp\":[{\"HostIp\":\"\",\"HostPort\":\"53\"}],"
        "\"x/tcp\":[{\"HostPort\":\"1\"}],\"81/tcp\":[{\"HostPort\":\"many\"},{}]}}",
        true);
    assert_int_equal(container->status, CONTAINER_RUNNING);
    assert_int_equal(container->health, HEALTH_HEALTHY);
    assert_null(container->reason);
    assert_string_equal(container->ip, "172.18.0.2");
    assert_int_equal(container->ports.len, 2);
    assert_int_equal(container->ports.items[0].container_port, 53);
    assert_true(container->ports.items[0].udp);
    assert_int_equal(container->ports.items[1].host_port, 32768);
    assert_string_equal(container->ports.items[1].host_ip, "0.0.0.0");
}

static void test_the_images_own_health_check_does_not_count(void **state)
{
    (void)state;
    struct container *container CLEANUP(container_freep) =
        decode("{\"Status\":\"running\",\"Health\":{\"Status\":\"unhealthy\"}}", "{}", false);
    assert_int_equal(container->health, HEALTH_UNKNOWN);
}

static void test_exited(void **state)
{
    (void)state;
    static const char *const words[] = {"exited", "dead", "removing", "stopped"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        char *text CLEANUP_FREE = memory_printf(
            "{\"Status\":\"%s\",\"OOMKilled\":true,\"ExitCode\":137,\"StartedAt\":\"2026-01-31T10:00:01Z\","
            "\"FinishedAt\":\"2026-01-31T10:00:02+00:00\",\"Health\":{\"Status\":\"starting\"}}",
            words[i]);
        struct container *container CLEANUP(container_freep) = decode(text, "{}", true);
        assert_int_equal(container->status, CONTAINER_STOPPED);
        assert_true(container->has_exit_code);
        assert_int_equal(container->exit_code, 137);
        assert_true(container->oom_killed);
        assert_int_equal(container->health, HEALTH_UNKNOWN);
        assert_int_equal(container->finished_ms - container->started_ms, 1000);
    }
}

static void test_malformed_inspections(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int code;
    } cases[] = {
        {"null", ERROR_PROTOCOL},
        {"[]", ERROR_PROTOCOL},
        {"{}", ERROR_PROTOCOL},
        {"{\"Id\":1,\"Name\":\"n\",\"Config\":{},\"State\":{}}", ERROR_PROTOCOL},
        {"{\"Id\":\"a\",\"Name\":\"n\",\"Config\":[],\"State\":{}}", ERROR_PROTOCOL},
        {"{\"Id\":\"a\",\"Name\":\"n\",\"Config\":{},\"State\":\"up\"}", ERROR_PROTOCOL},
        {"{\"Id\":\"a\",\"Name\":\"n\",\"Config\":{\"Labels\":null},\"State\":{}}", ERROR_NOT_FOUND},
        {"{\"Id\":\"a\",\"Name\":\"n\",\"Config\":{\"Labels\":{\"davit.owner\":\"me\"}},\"State\":{}}",
         ERROR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct container *container = NULL;
        struct error err = ERROR_INIT;
        json_t *json = json_loads(cases[i].json, JSON_DECODE_ANY, NULL);
        assert_int_equal(docker_decode_container(json, &container, &err), cases[i].code);
        assert_true(err.message[0]);
        assert_null(container);
        json_decref(json);
    }
    struct container *container = NULL;
    json_t *json = inspection("{\"Status\":\"dancing\"}", "{}", false);
    assert_int_equal(docker_decode_container(json, &container, NULL), ERROR_PROTOCOL);
    json_decref(json);
}

static void test_nonsense_in_details_is_left_out(void **state)
{
    (void)state;
    struct container *container CLEANUP(container_freep) = decode(
        "{\"Status\":\"exited\",\"ExitCode\":\"x\",\"FinishedAt\":17,\"StartedAt\":\"yesterday\",\"Health\":["
        "]}",
        "{\"Networks\":[],\"Ports\":{\"80/tcp\":\"x\",\"\":[1],\"99999/tcp\":[{\"HostPort\":\"1\"}]}}", true);
    assert_false(container->has_exit_code);
    assert_int_equal(container->finished_ms, 0);
    assert_int_equal(container->ports.len, 0);
}

/* --- what cannot be inspected --------------------------------------------------------------------------- */

static struct container *entry(const char *state, const char *phrase)
{
    struct sample sample CLEANUP(sample_deinit);
    sample_init(&sample, 1, "{'name':'a','image':'i','healthCheck':{'command':['CMD','x']}}");
    struct container *container = NULL;
    struct error err = ERROR_INIT;
    const struct error cause = {ERROR_INTERNAL, "no such file"};
    json_t *json = json_pack("{s:s,s:[s],s:s,s:s,s:s,s:i,s:o}", "Id", "4f2a", "Names", "/davit-a", "Image",
                             "i", "State", state, "Status", phrase, "Created", 1700000000, "Labels",
                             task_labels_to_json(&sample.labels));
    if (docker_decode_entry(json, &cause, &container, &err) < 0)
        fail_msg("%s", err.message);
    json_decref(json);
    assert_string_equal(container->id, "4f2a");
    assert_string_equal(container->name, "davit-a");
    assert_string_equal(container->labels.service, "web");
    assert_string_equal(container->reason, "cannot be inspected: no such file");
    assert_int_equal(container->created_ms, 1700000000000);
    return container;
}

static void test_an_entry_of_the_list_stands_in_for_an_inspection(void **state)
{
    (void)state;
    struct container *up CLEANUP(container_freep) = entry("running", "Up 5 minutes (healthy)");
    assert_int_equal(up->status, CONTAINER_RUNNING);
    assert_int_equal(up->health, HEALTH_HEALTHY);
    assert_int_equal(up->started_ms, up->created_ms);
    struct container *ill CLEANUP(container_freep) = entry("running", "Up 5 minutes (unhealthy)");
    assert_int_equal(ill->health, HEALTH_UNHEALTHY);
    struct container *down CLEANUP(container_freep) = entry("exited", "Exited (137) 3 hours ago");
    assert_int_equal(down->status, CONTAINER_STOPPED);
    assert_true(down->has_exit_code);
    assert_int_equal(down->exit_code, 137);
    assert_int_equal(down->finished_ms, 0); /* not known, and nobody is to take it for long ago */
    struct container *new CLEANUP(container_freep) = entry("created", "Created");
    assert_int_equal(new->status, CONTAINER_CREATED);
    assert_int_equal(new->started_ms, 0);
    struct container *odd CLEANUP(container_freep) = entry("dancing", "");
    assert_int_equal(odd->status, CONTAINER_RUNNING);
}

static void test_an_entry_without_a_name_is_called_by_its_id(void **state)
{
    (void)state;
    struct sample sample CLEANUP(sample_deinit);
    struct error err = ERROR_INIT;
    const struct error cause = {ERROR_INTERNAL, "no such file"};
    sample_init(&sample, 1, "{'name':'a','image':'i'}");
    static const char *const names[] = {"null", "[]", "[null]"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct container *container CLEANUP(container_freep) = NULL;
        json_t *json =
            json_pack("{s:s,s:o,s:o}", "Id", "4f2a", "Names", json_loads(names[i], JSON_DECODE_ANY, NULL),
                      "Labels", task_labels_to_json(&sample.labels));
        if (docker_decode_entry(json, &cause, &container, &err) < 0)
            fail_msg("%s", err.message);
        json_decref(json);
        assert_string_equal(container->name, "4f2a");
    }
}

static void test_the_engines_words_are_bounded(void **state)
{
    (void)state;
    size_t len = 2 * LIMIT_ENGINE_TEXT_BYTES + 1;
    char *words CLEANUP_FREE = memory_alloc(len + 1);
    for (size_t i = 0; i < len; i++)
        words[i] = i % 2 ? '\xC3' : '\xA4';
    words[0] = 'y'; /* so the bound falls between the two bytes of a character */
    words[len] = '\0';
    char *text CLEANUP_FREE = memory_printf("{\"Status\":\"running\",\"Error\":\"%s\"}", words);
    struct container *container CLEANUP(container_freep) = decode(text, "{}", false);
    assert_in_range(strlen(container->reason), LIMIT_ENGINE_TEXT_BYTES - 1, LIMIT_ENGINE_TEXT_BYTES);
    assert_true(text_is_utf8(container->reason, strlen(container->reason)));
}

/* --- errors --------------------------------------------------------------------------------------------- */

static void test_failures_carry_the_engines_words(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        int code;
        const char *message;
    } cases[] = {
        {404, "{\"message\":\"No such container: x\"}", ERROR_NOT_FOUND, "No such container: x"},
        {409, "{\"message\":\"in use\"}", ERROR_CONFLICT, "in use"},
        {400, "{\"message\":\"bad\"}", ERROR_INVALID, "bad"},
        {500, "{\"message\":\"port is already allocated\"}", ERROR_INTERNAL, "port is already allocated"},
        {503, "busy", ERROR_UNAVAILABLE, "the engine answered HTTP status 503"},
        {500, "", ERROR_INTERNAL, "the engine answered HTTP status 500"},
        {502, "{\"message\":\"\"}", ERROR_INTERNAL, "the engine answered HTTP status 502"},
        {418, "[1]", ERROR_PROTOCOL, "the engine answered HTTP status 418"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err = ERROR_INIT;
        assert_int_equal(docker_decode_failure(cases[i].status, cases[i].body, strlen(cases[i].body), &err),
                         cases[i].code);
        assert_string_equal(err.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_meet),
        cmocka_unit_test(test_what_is_no_version),
        cmocka_unit_test(test_created),
        cmocka_unit_test(test_running_with_ports),
        cmocka_unit_test(test_the_images_own_health_check_does_not_count),
        cmocka_unit_test(test_exited),
        cmocka_unit_test(test_malformed_inspections),
        cmocka_unit_test(test_nonsense_in_details_is_left_out),
        cmocka_unit_test(test_an_entry_of_the_list_stands_in_for_an_inspection),
        cmocka_unit_test(test_an_entry_without_a_name_is_called_by_its_id),
        cmocka_unit_test(test_the_engines_words_are_bounded),
        cmocka_unit_test(test_failures_carry_the_engines_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
