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
    char *warning;
    json_t *body = docker_create_body(&sample.create, &settings, &warning, &err);
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
        body_of("{'name':'a','image':'i','dockerLabels':{'davit.owner':'me','davit.group':'g','mine':'yes'}}",
                NULL, NULL);
    json_t *labels = json_object_get(body, "Labels");
    assert_null(json_object_get(labels, "davit.group")); /* the task is of a service */
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

/* --- one field at a time -------------------------------------------------------------------------------- */

static json_t *parse(const char *text)
{
    char *copy CLEANUP_FREE = memory_strdup(text);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    json_t *json = json_loads(copy, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    return json;
}

struct body_case {
    const char *container; /* members beside name and image */
    const char *root;      /* members of the task definition's root; NULL: none */
    const char *mode;      /* network mode */
    const char *settings;  /* log drivers; NULL: none */
    const char *field;     /* of HostConfig */
    const char *wanted;    /* its value; NULL: it is absent; in parentheses: why there is no body */
};

static json_t *case_body(const struct body_case *what, struct error *err)
{
    struct sample sample CLEANUP(sample_deinit);
    char *container CLEANUP_FREE = memory_printf("{'name':'a','image':'i',%s}", what->container);
    char *root CLEANUP_FREE = memory_printf("{%s}", what->root ? what->root : "");
    sample_init(&sample, 1, container);
    json_t *more = parse(root);
    json_object_update(sample.definition->json, more);
    json_decref(more);
    free(sample.definition->network_mode);
    sample.definition->network_mode = memory_strdup(what->mode);
    struct docker_settings settings = {what->settings ? parse(what->settings) : NULL, NULL};
    char *warning CLEANUP_FREE = NULL;
    json_t *body = docker_create_body(&sample.create, &settings, &warning, err);
    json_decref(settings.log_drivers);
    return body;
}

static bool holds(const struct body_case *what)
{
    struct error err = ERROR_INIT;
    json_t *body = case_body(what, &err);
    const json_t *got = json_object_get(json_object_get(body, "HostConfig"), what->field);
    bool ok;
    if (what->wanted && what->wanted[0] == '(') {
        char *why CLEANUP_FREE = memory_strndup(what->wanted + 1, strlen(what->wanted) - 2);
        ok = !body && strstr(err.message, why);
    } else {
        json_t *expected = what->wanted ? parse(what->wanted) : NULL;
        ok = body && (expected ? json_equal(got, expected) : !got);
        json_decref(expected);
    }
    if (!ok) {
        char *text CLEANUP_FREE = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        print_message("%s: %s is %s %s\nwanted %s\n", what->container, what->field, text ? text : "absent",
                      err.message, what->wanted ? what->wanted : "nothing");
    }
    json_decref(body);
    return ok;
}

static void check_all(const struct body_case *cases, size_t len)
{
    size_t wrong = 0;
    for (size_t i = 0; i < len; i++)
        wrong += !holds(&cases[i]);
    assert_int_equal(wrong, 0);
}

static void test_limits(void **state)
{
    (void)state;
    static const struct body_case cases[] = {
        {"'cpu':1", NULL, NULL, NULL, "CpuShares", "2"},
        {"'cpu':1", NULL, NULL, NULL, "CpuQuota", NULL},
        {"'cpu':1", "'cpu':'256'", NULL, NULL, "CpuQuota", "25000"},
        {"'cpu':1", "'cpu':'256'", NULL, NULL, "CpuPeriod", "100000"},
        {"'cpu':1", "'cpu':'1'", NULL, NULL, "CpuQuota", "1000"},
        {"'cpu':1", "'memory':'64'", NULL, NULL, "Memory", "67108864"},
        {"'memory':4", "'memory':'64'", NULL, NULL, "Memory", "6291456"},
        {"'memoryReservation':4", NULL, NULL, NULL, "MemoryReservation", "6291456"},
        {"'memory':16,'linuxParameters':{'maxSwap':8,'swappiness':30}", NULL, NULL, NULL, "MemorySwap",
         "25165824"},
        {"'memory':16,'linuxParameters':{'maxSwap':0}", NULL, NULL, NULL, "MemorySwap", "16777216"},
        {"'linuxParameters':{'maxSwap':8}", "'memory':'16'", NULL, NULL, "MemorySwap", "25165824"},
        {"'linuxParameters':{'maxSwap':8}", NULL, NULL, NULL, "MemorySwap", NULL},
        {"'memory':16,'linuxParameters':{'maxSwap':8,'swappiness':30}", NULL, NULL, NULL, "MemorySwappiness",
         "30"},
        {"'memory':16,'linuxParameters':{'swappiness':30}", NULL, NULL, NULL, "MemorySwappiness", NULL},
        {"'resourceRequirements':[{'type':'GPU','value':'ALL'}]", NULL, NULL, NULL, "DeviceRequests",
         "(no GPU was set aside for container)"},
        {"'resourceRequirements':[{'type':'InferenceAccelerator','value':'x'}]", NULL, NULL, NULL,
         "DeviceRequests", NULL},
    };
    check_all(cases, ARRAY_LEN(cases));
}

/* Those that the planner chose, and no others. */
static void test_gpus(void **state)
{
    (void)state;
    const struct docker_settings settings = {0};
    struct sample sample;
    char *warning;
    sample_init(&sample, 1, "{'name':'app','image':'i','resourceRequirements':[{'type':'GPU','value':'2'}]}");
    vector_push(&sample.labels.spec->gpu_ids, memory_strdup("0"));
    vector_push(&sample.labels.spec->gpu_ids, memory_strdup("GPU-8f2"));
    json_t *body = docker_create_body(&sample.create, &settings, &warning, NULL);
    json_t *expected = parse("[{'Driver':'nvidia','DeviceIDs':['0','GPU-8f2'],'Capabilities':[['gpu']]}]");
    assert_true(json_equal(json_object_get(json_object_get(body, "HostConfig"), "DeviceRequests"), expected));
    json_decref(expected);
    json_decref(body);
    sample_deinit(&sample);
}

static void test_linux_parameters(void **state)
{
    (void)state;
    static const struct body_case cases[] = {
        {"'linuxParameters':{'tmpfs':[{'containerPath':'/t','size':2}]}", NULL, NULL, NULL, "Tmpfs",
         "{'/t':'size=2m'}"},
        {"'linuxParameters':{'devices':[{'hostPath':'/d','permissions':['mknod','read']}]}", NULL, NULL, NULL,
         "Devices", "[{'PathOnHost':'/d','PathInContainer':'/d','CgroupPermissions':'rm'}]"},
        {"'linuxParameters':{'sharedMemorySize':0}", NULL, NULL, NULL, "ShmSize", NULL},
        {"'linuxParameters':null", NULL, NULL, NULL, "Tmpfs", NULL},
        {"'dockerSecurityOptions':['no-new-privileges','label:type:t','apparmor=p:q']", NULL, NULL, NULL,
         "SecurityOpt", "['no-new-privileges','label=type:t','apparmor=p:q']"},
    };
    check_all(cases, ARRAY_LEN(cases));
}

static void test_links_ports_and_volumes(void **state)
{
    (void)state;
    static const struct body_case cases[] = {
        {"'links':['db','db:data']", NULL, "bridge", NULL, "Links",
         "['davit-default-web-db-000000000001:db','davit-default-web-db-000000000001:data']"},
        {"'links':['db']", NULL, "host", NULL, "Links", NULL},
        {"'volumesFrom':[{'sourceContainer':'db'},{'sourceContainer':'d.b','readOnly':true}]", NULL, "host",
         NULL, "VolumesFrom",
         "['davit-default-web-db-000000000001','davit-default-web-d.b-000000000001:ro']"},
        {"'portMappings':[{'containerPortRange':'80-81','protocol':'udp'}]", NULL, NULL, NULL, "PortBindings",
         "{'80/udp':[{'HostPort':''}],'81/udp':[{'HostPort':''}]}"},
        {"'portMappings':[{'containerPort':80},{'containerPort':80},{'containerPort':80,'hostPort':8}]", NULL,
         NULL, NULL, "PortBindings", "{'80/tcp':[{'HostPort':''},{'HostPort':'8'}]}"},
        {"'portMappings':[{'containerPortRange':'80'}]", NULL, NULL, NULL, "", "(no range)"},
        {"'portMappings':[{'containerPortRange':'81-80'}]", NULL, NULL, NULL, "", "(no range)"},
        {"'portMappings':[{'containerPortRange':'1-1001'}]", NULL, NULL, NULL, "", "(LIMIT_PUBLISHED_PORTS)"},
        {"'mountPoints':[{'sourceVolume':'v','containerPath':'/v'}]",
         "'volumes':[{'name':'v','efsVolumeConfiguration':{'fileSystemId':'fs-1'}}]", NULL, NULL, "",
         "(efsRegion)"},
    };
    check_all(cases, ARRAY_LEN(cases));
}

#define LOG(driver, options) "'logConfiguration':{'logDriver':'" driver "','options':{" options "}}"
#define TASK                 "00000000000100000000000000000001"
#define AWSLOGS              "'awslogs-group':'g','awslogs-region':'r','awslogs-stream-prefix':'p'"

static void test_logs(void **state)
{
    (void)state;
    static const struct body_case cases[] = {
        {"'logConfiguration':{'logDriver':'journald'}", NULL, NULL, NULL, "LogConfig",
         "{'Type':'journald','Config':{}}"},
        {LOG("gelf", "'mode':'blocking'"), NULL, NULL, NULL, "LogConfig",
         "{'Type':'gelf','Config':{'mode':'blocking'}}"},
        {LOG("splunk", "'max-buffer-size':'1m'"), NULL, NULL, NULL, "LogConfig",
         "{'Type':'splunk','Config':{'mode':'non-blocking','max-buffer-size':'1m'}}"},
        {LOG("awslogs", AWSLOGS), NULL, NULL, NULL, "LogConfig",
         "{'Type':'awslogs','Config':{'awslogs-group':'g','awslogs-region':'r','awslogs-stream':'p/a/" TASK
         "','mode':'non-blocking','max-buffer-size':'10m'}}"},
        {LOG("awslogs", AWSLOGS ",'mode':'blocking'"), NULL, NULL, "{'awslogs':{'driver':'journald'}}",
         "LogConfig", "{'Type':'journald','Config':{'mode':'blocking','tag':'p/a/" TASK "'}}"},
        {LOG("awslogs", AWSLOGS), NULL, NULL, "{'awslogs':{'driver':'local'}}", "LogConfig",
         "{'Type':'local','Config':{}}"},
        {LOG("fluentd", "'tag':'t','fluentd-address':'a:1'"), NULL, NULL,
         "{'fluentd':{'driver':'fluentd','options':{'fluentd-address':'b:2'}}}", "LogConfig",
         "{'Type':'fluentd','Config':{'tag':'t','fluentd-address':'b:2','mode':'non-blocking',"
         "'max-buffer-size':'10m'}}"},
        {LOG("awsfirelens", "'Name':'es'"), NULL, NULL,
         "{'awsfirelens':{'driver':'fluentd','options':{'fluentd-address':'b:2'}}}", "LogConfig",
         "{'Type':'fluentd','Config':{'tag':'a-firelens-" TASK "','fluentd-address':'b:2',"
         "'mode':'non-blocking','max-buffer-size':'10m'}}"},
        {LOG("awsfirelens", ""), NULL, NULL, NULL, "LogConfig", "(logDrivers.awsfirelens)"},
    };
    check_all(cases, ARRAY_LEN(cases));
}

/* Of a container with an option in clear and one out of a secret: what its driver gets, and the warning. */
static void check_secret_options(const char *log, const char *drivers, const char *wanted, const char *warned)
{
    struct sample sample CLEANUP(sample_deinit);
    char *container CLEANUP_FREE = memory_printf("{'name':'a','image':'i','logConfiguration':{%s}}", log);
    struct error err = ERROR_INIT;
    char *warning CLEANUP_FREE = NULL;
    struct docker_settings settings = {drivers ? parse(drivers) : NULL, NULL};
    json_t *expected = parse(wanted);
    sample_init(&sample, 1, container);
    json_t *secrets = parse("{'splunk-token':'t0ken','tag':'out of a secret'}");
    sample.create.log_options = secrets;
    json_t *body = docker_create_body(&sample.create, &settings, &warning, &err);
    const json_t *log_config = json_object_get(json_object_get(body, "HostConfig"), "LogConfig");
    assert_true(json_equal(log_config, expected));
    if (warned)
        assert_string_equal(warning, warned);
    else
        assert_null(warning);
    json_decref(body);
    json_decref(expected);
    json_decref(secrets);
    json_decref(settings.log_drivers);
}

static void test_secret_options_reach_their_own_driver_only(void **state)
{
    (void)state;
    check_secret_options("'logDriver':'splunk','options':{'splunk-url':'u','mode':'blocking'}", NULL,
                         "{'Type':'splunk','Config':{'splunk-url':'u','splunk-token':'t0ken','mode':"
                         "'blocking','tag':'out of a secret'}}",
                         NULL);
    check_secret_options("'logDriver':'splunk','options':{'splunk-url':'u','mode':'blocking'}",
                         "{'splunk':{'driver':'splunk','options':{'splunk-url':'v'}}}",
                         "{'Type':'splunk','Config':{'splunk-url':'v','splunk-token':'t0ken','mode':"
                         "'blocking','tag':'out of a secret'}}",
                         NULL);
    check_secret_options("'logDriver':'splunk','options':{'splunk-url':'u','mode':'blocking'}",
                         "{'splunk':{'driver':'journald'}}",
                         "{'Type':'journald','Config':{'mode':'blocking','tag':'out of a secret'}}",
                         "splunk gives way to the log driver journald, which does not get splunk-url, "
                         "splunk-token");
    check_secret_options("'logDriver':'splunk'", "{'splunk':{'driver':'local'}}",
                         "{'Type':'local','Config':{}}",
                         "splunk gives way to the log driver local, which does not get splunk-token, tag");
}

static void test_volumes_that_must_be_there(void **state)
{
    (void)state;
    struct sample sample CLEANUP(sample_deinit);
    struct string_vec names CLEANUP(string_vec_deinit) = {0};
    sample_init(&sample, 1,
                "{'name':'a','image':'i','mountPoints':[{'sourceVolume':'own','containerPath':'/1'},"
                "{'sourceVolume':'there','containerPath':'/2'},{'sourceVolume':'made','containerPath':'/3'},"
                "{'sourceVolume':'nowhere','containerPath':'/4'}]}");
    json_object_set_new(sample.definition->json, "volumes",
                        parse("[{'name':'own','dockerVolumeConfiguration':{'scope':'task'}},"
                              "{'name':'there','dockerVolumeConfiguration':{'scope':'shared'}},"
                              "{'name':'made','dockerVolumeConfiguration':{'scope':'shared',"
                              "'autoprovision':true}},"
                              "{'name':'unused','dockerVolumeConfiguration':{'scope':'shared'}}]"));
    docker_create_needs_volumes(&sample.create, &names);
    assert_int_equal(names.len, 1);
    assert_string_equal(names.items[0], "there");
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
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_gpus),
        cmocka_unit_test(test_linux_parameters),
        cmocka_unit_test(test_links_ports_and_volumes),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_secret_options_reach_their_own_driver_only),
        cmocka_unit_test(test_volumes_that_must_be_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
