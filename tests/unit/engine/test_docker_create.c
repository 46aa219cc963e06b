#include "engine/docker_create.h"

#include "sample.h"
#include "unit.h"

#include <stdio.h>

/* The body for a container definition, with its Labels taken out unless wanted. */
static json_t *body_of(const char *container, const char *volumes, const char *network_mode)
{
    struct sample sample CLEANUP(sample_deinit);
    struct error err = ERROR_INIT;
    const struct docker_settings settings = {0};
    sample_init(&sample, 1, container);
    if (volumes)
        json_object_set_new(sample.definition->json, "volumes", json_loads(volumes, 0, NULL));
    free(sample.definition->network_mode);
    sample.definition->network_mode = memory_strdup(network_mode);
    json_t *body = docker_create_body(&sample.create, &settings, &err);
    if (!body)
        assert_int_equal(err.code, ERROR_INVALID);
    return body;
}

static void assert_body(const char *container, const char *volumes, const char *network_mode,
                        const char *wanted)
{
    json_t *body = body_of(container, volumes, network_mode);
    assert_non_null(body);
    json_object_del(body, "Labels");
    json_t *expected = json_loads(wanted, 0, NULL);
    assert_non_null(expected);
    if (!json_equal(body, expected)) {
        char *got CLEANUP_FREE = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
        char *text CLEANUP_FREE = json_dumps(expected, JSON_COMPACT | JSON_SORT_KEYS);
        json_decref(body);
        json_decref(expected);
        fail_msg("\n   got %s\nwanted %s", got, text);
    }
    json_decref(body);
    json_decref(expected);
}

#define HOST "\"RestartPolicy\":{\"Name\":\"no\"}"

static void test_the_least_definition(void **state)
{
    (void)state;
    assert_body("{'name':'a','image':'i'}", NULL, NULL,
                "{\"Image\":\"i\",\"HostConfig\":{" HOST ",\"NetworkMode\":\"bridge\",\"CpuShares\":2}}");
}

static void test_every_member(void **state)
{
    (void)state;
    assert_body(
        "{'name':'a','image':'i','command':['c','d'],'entryPoint':['/e'],"
        "'environment':[{'name':'A','value':'1'},{'name':'B','value':''}],'cpu':300000,'memory':64,"
        "'memoryReservation':32,'user':'1:2','workingDirectory':'/w','stopTimeout':7,"
        "'readonlyRootFilesystem':true,'privileged':false,"
        "'ulimits':[{'name':'nofile','softLimit':1,'hardLimit':2}],"
        "'logConfiguration':{'logDriver':'json-file','options':{'mode':'non-blocking'}},"
        "'healthCheck':{'command':['CMD-SHELL','true'],'timeout':2}}",
        NULL, "bridge",
        "{\"Image\":\"i\",\"Cmd\":[\"c\",\"d\"],\"Entrypoint\":[\"/"
        "e\"],\"Env\":[\"A=1\",\"B=\"],\"User\":\"1:2\","
        "\"WorkingDir\":\"/w\",\"StopTimeout\":7,"
        "\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],\"Interval\":30000000000,\"Timeout\":2000000000,"
        "\"Retries\":3,\"StartPeriod\":0},"
        "\"HostConfig\":{" HOST ",\"NetworkMode\":\"bridge\",\"CpuShares\":262144,\"Memory\":67108864,"
        "\"MemoryReservation\":33554432,\"ReadonlyRootfs\":true,\"Privileged\":false,"
        "\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":1,\"Hard\":2}],"
        "\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"mode\":\"non-blocking\",\"max-buffer-size\":"
        "\"10m\"}}}}");
}

static void test_ports_by_network_mode(void **state)
{
    (void)state;
    const char *ports =
        "{'name':'a','image':'i','cpu':10,'portMappings':[{'containerPort':80,'hostPort':8080},"
        "{'containerPort':53,'protocol':'udp'}]}";
    assert_body(
        ports, NULL, "bridge",
        "{\"Image\":\"i\",\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},\"HostConfig\":{" HOST
        ",\"NetworkMode\":\"bridge\",\"CpuShares\":10,\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"8080\"}],"
        "\"53/udp\":[{\"HostPort\":\"\"}]}}}");
    assert_body(ports, NULL, "host",
                "{\"Image\":\"i\",\"HostConfig\":{" HOST ",\"NetworkMode\":\"host\",\"CpuShares\":10}}");
}

static void test_volumes(void **state)
{
    (void)state;
    assert_body(
        "{'name':'a','image':'i','mountPoints':[{'sourceVolume':'h','containerPath':'/h','readOnly':true},"
        "{'sourceVolume':'s','containerPath':'/s'}]}",
        "[{\"name\":\"h\",\"host\":{\"sourcePath\":\"/srv\"}},"
        "{\"name\":\"s\",\"dockerVolumeConfiguration\":{\"scope\":\"shared\",\"driver\":\"nfs\"}}]",
        NULL,
        "{\"Image\":\"i\",\"HostConfig\":{" HOST ",\"NetworkMode\":\"bridge\",\"CpuShares\":2,"
        "\"Binds\":[\"/srv:/h:ro\"],\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"s\",\"Target\":\"/s\","
        "\"ReadOnly\":false,\"VolumeOptions\":{\"DriverConfig\":{\"Name\":\"nfs\"}}}]}}");
}

static void test_a_volume_of_the_task_bears_its_name_and_owner(void **state)
{
    (void)state;
    json_t *body =
        body_of("{'name':'a','image':'i','mountPoints':[{'sourceVolume':'t','containerPath':'/t'}]}",
                "[{\"name\":\"t\"}]", NULL);
    json_t *mount = json_array_get(json_object_get(json_object_get(body, "HostConfig"), "Mounts"), 0);
    assert_string_equal(json_string_value(json_object_get(mount, "Source")), "davit-000000000001-t");
    json_t *labels = json_object_get(json_object_get(mount, "VolumeOptions"), "Labels");
    assert_string_equal(json_string_value(json_object_get(labels, LABEL_OWNER)), "owner-1");
    json_decref(body);
}

static void test_labels_of_davit_win(void **state)
{
    (void)state;
    json_t *body =
        body_of("{'name':'a','image':'i','dockerLabels':{'davit.owner':'me','mine':'yes'}}", NULL, NULL);
    json_t *labels = json_object_get(body, "Labels");
    assert_string_equal(json_string_value(json_object_get(labels, LABEL_OWNER)), "owner-1");
    assert_string_equal(json_string_value(json_object_get(labels, "mine")), "yes");
    assert_string_equal(json_string_value(json_object_get(labels, LABEL_ECS_CONTAINER)), "a");
    json_decref(body);
}

static void test_a_mount_point_without_its_volume_is_refused(void **state)
{
    (void)state;
    assert_null(body_of("{'name':'a','image':'i','mountPoints':[{'sourceVolume':'t','containerPath':'/t'}]}",
                        NULL, NULL));
    assert_null(body_of("{'name':'a','image':'i','mountPoints':[{'containerPath':'/t'}]}",
                        "[{\"name\":\"t\"}]", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_least_definition),
        cmocka_unit_test(test_every_member),
        cmocka_unit_test(test_ports_by_network_mode),
        cmocka_unit_test(test_volumes),
        cmocka_unit_test(test_a_volume_of_the_task_bears_its_name_and_owner),
        cmocka_unit_test(test_labels_of_davit_win),
        cmocka_unit_test(test_a_mount_point_without_its_volume_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
