#include "model/diff.h"

#include "model/json.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static json_t *definition(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *json = json_loads(copy, 0, NULL);
    free(copy);
    assert_non_null(json);
    return json;
}

/* Compares two task definitions; the answer as text. Caller frees. */
static char *compare(const char *from_text, const char *to_text)
{
    json_t *from_json = definition(from_text);
    json_t *to_json = definition(to_text);
    struct diff_side from = {
        .digest = digest_of_json(from_json), .desired_count = 2, .task_definition = from_json};
    struct diff_side to = {.digest = digest_of_json(to_json), .desired_count = 2, .task_definition = to_json};
    json_t *difference = diff_service("demo", "web", &from, &to);
    char *text = difference ? json_dumps(difference, JSON_COMPACT) : strdup("");
    json_decref(difference);
    json_decref(from_json);
    json_decref(to_json);
    return text;
}

static void test_equal_content_is_no_difference(void **state)
{
    (void)state;
    char *text = compare("{'family':'w','containerDefinitions':[{'name':'a','image':'i'}]}",
                         "{ 'containerDefinitions': [ {'image':'i','name':'a'} ], 'family':'w'}");
    assert_string_equal(text, "");
    free(text);
}

static void test_a_migration_alone(void **state)
{
    (void)state;
    json_t *same = definition("{'family':'w','containerDefinitions':[{'name':'a','image':'i'}]}");
    json_t *json = definition("{'davit':{'preDeploy':['migrate']}}");
    struct diff_side from = {.digest = {{1}}, .task_definition = same, .service = json};
    struct diff_side to = {.digest = {{2}}, .task_definition = same, .service = json};
    json_t *difference = diff_service("demo", "web", &from, &to);
    char *text = json_dumps(difference, JSON_COMPACT);
    assert_string_equal(text,
                        "{\"cluster\":\"demo\",\"service\":\"web\",\"change\":\"deploy\",\"details\":["
                        "{\"what\":\"davit.preDeploy\",\"change\":\"changed: its tasks run, none of the "
                        "service is replaced\"}],\"preDeploy\":[\"migrate\"]}");
    free(text);
    json_decref(difference);
    json_decref(json);
    json_decref(same);
}

static void test_containers(void **state)
{
    (void)state;
    char *text =
        compare("{'containerDefinitions':[{'name':'a','image':'i:1'},{'name':'old','image':'x'}]}",
                "{'containerDefinitions':[{'name':'a','image':'i:2','cpu':5},{'name':'new','image':'y'}],"
                "'networkMode':'host'}");
    assert_string_equal(text, "{\"cluster\":\"demo\",\"service\":\"web\",\"change\":\"deploy\",\"details\":["
                              "{\"what\":\"container \\\"a\\\" image\",\"from\":\"i:1\",\"to\":\"i:2\"},"
                              "{\"what\":\"container \\\"a\\\" cpu\",\"to\":5},"
                              "{\"what\":\"container \\\"new\\\"\",\"change\":\"added\"},"
                              "{\"what\":\"container \\\"old\\\"\",\"change\":\"removed\"},"
                              "{\"what\":\"networkMode\",\"to\":\"host\"}]}");
    free(text);
}

static void test_values_of_the_environment_are_not_shown(void **state)
{
    (void)state;
    char *text = compare("{'containerDefinitions':[{'name':'a','environment':[{'name':'SAME','value':'s0'},"
                         "{'name':'CHANGED','value':'s1'},{'name':'GONE','value':'s2'}]}]}",
                         "{'containerDefinitions':[{'name':'a','environment':[{'name':'SAME','value':'s0'},"
                         "{'name':'CHANGED','value':'s3'},{'name':'NEW','value':'s4'}]}]}");
    assert_non_null(strstr(text, "environment CHANGED\",\"change\":\"changed\""));
    assert_non_null(strstr(text, "environment NEW\",\"change\":\"added\""));
    assert_non_null(strstr(text, "environment GONE\",\"change\":\"removed\""));
    assert_null(strstr(text, "SAME"));
    for (char secret[] = "s0"; secret[1] <= '4'; secret[1]++)
        assert_null(strstr(text, secret));
    free(text);
    text = compare("{'containerDefinitions':[{'name':'a','environment':[{'name':'GONE','value':'s2'}]}]}",
                   "{'containerDefinitions':[{'name':'a'}]}");
    assert_non_null(strstr(text, "GONE"));
    assert_null(strstr(text, "s2"));
    free(text);
}

static void test_options_of_drivers_and_passwords_of_urls_are_not_shown(void **state)
{
    (void)state;
    char *text = compare(
        "{'containerDefinitions':[{'name':'a','command':['get','http://u:s1@h/a@b','x'],"
        "'logConfiguration':{'logDriver':'splunk','options':{'splunk-token':'s2'}}}],"
        "'volumes':[{'name':'v','dockerVolumeConfiguration':{'driverOpts':{'o':'s3'}}}]}",
        "{'containerDefinitions':[{'name':'a','command':['get','http://u:s4@h/a@b','y://s1@z'],"
        "'logConfiguration':{'logDriver':'splunk','options':{'splunk-token':'s5'}}}],"
        "'volumes':[{'name':'v','dockerVolumeConfiguration':{'driver':'d','driverOpts':{'o':'s6'}}}]}");
    for (char secret[] = "s1"; secret[1] <= '6'; secret[1]++)
        assert_null(strstr(text, secret));
    assert_non_null(strstr(text, "[\\\"get\\\",\\\"http://***@b\\\",\\\"x\\\"]"));
    assert_non_null(strstr(text, "\\\"y://***@z\\\""));
    assert_non_null(strstr(text, "logConfiguration\",\"change\":\"changed\",\"secret\":true"));
    assert_non_null(strstr(text, "\\\"driverOpts\\\":{\\\"o\\\":\\\"***\\\"}"));
    free(text);
    text = compare(
        "{'containerDefinitions':[{'name':'a','image':'r/vault-secret:1','hostname':'http://u:s1@h'}]}",
        "{'containerDefinitions':[{'name':'a','image':'r/vault-secret:2','hostname':'http://u:s2@h'}]}");
    assert_non_null(strstr(text, "\"from\":\"r/vault-secret:1\",\"to\":\"r/vault-secret:2\""));
    assert_non_null(strstr(text, "hostname\",\"change\":\"changed\",\"secret\":true"));
    free(text);
}

static void test_values_that_are_secrets_by_their_names_are_not_shown(void **state)
{
    (void)state;
    char *text = compare(
        "{'containerDefinitions':[{'name':'a','command':['a','--password','s1','b'],'entryPoint':['e'],"
        "'healthCheck':{'command':['CMD-SHELL','ping --token s2 x']}}]}",
        "{'containerDefinitions':[{'name':'a','command':['a','--password','s3','c'],'entryPoint':['e','"
        "PASSWORD=s4'],'healthCheck':{'command':['CMD-SHELL','ping --token s5 x']},"
        "'dockerLabels':{'app.password':'s6','app.name':'n'},"
        "'repositoryCredentials':{'credentialsParameter':'login'}}]}");
    for (char secret[] = "s1"; secret[1] <= '6'; secret[1]++)
        assert_null(strstr(text, secret));
    assert_non_null(strstr(text, "[\\\"a\\\",\\\"--password\\\",\\\"***\\\",\\\"c\\\"]"));
    assert_non_null(strstr(text, "[\\\"e\\\",\\\"PASSWORD=***\\\"]"));
    assert_non_null(strstr(text, "healthCheck\",\"change\":\"changed\",\"secret\":true"));
    assert_non_null(strstr(text, "\\\"app.name\\\":\\\"n\\\",\\\"app.password\\\":\\\"***\\\""));
    assert_non_null(strstr(text, "\\\"credentialsParameter\\\":\\\"login\\\""));
    free(text);
}

static void test_new_removed_and_scaled(void **state)
{
    (void)state;
    struct diff_side two = {.desired_count = 2, .minimum_healthy_percent = 100};
    struct diff_side four = {.desired_count = 4, .minimum_healthy_percent = 50};
    json_t *difference = diff_service("c", "s", NULL, &two);
    assert_string_equal(model_string(difference, "change"), "create");
    json_decref(difference);
    difference = diff_service("c", "s", &two, NULL);
    assert_string_equal(model_string(difference, "change"), "remove");
    json_decref(difference);
    difference = diff_service("c", "s", &two, &four);
    assert_string_equal(model_string(difference, "change"), "update");
    assert_int_equal(json_array_size(json_object_get(difference, "details")), 2);
    json_decref(difference);
    assert_null(diff_service("c", "s", &two, &two));
    assert_null(diff_service("c", "s", NULL, NULL));
}

static void test_long_values_are_whole(void **state)
{
    (void)state;
    char from[1024] = "{'containerDefinitions':[{'name':'a','command':['";
    char to[1024];
    memset(from + strlen(from), 'x', 600);
    strcpy(to, from);
    strcat(from, "old']}]}");
    strcat(to, "new']}]}");
    char *text = compare(from, to);
    assert_non_null(strstr(text, "xold\\\"]\",\"to\":"));
    assert_non_null(strstr(text, "xnew\\\"]\"}"));
    free(text);
}

#define FILE_OF(source, target, mode, blob)                                                                  \
    "{'source':'" source "','target':'" target "','mode':'" mode "','user':'0:0','blob':'" blob "','size':"  \
    "1}"
#define FILES(files) "{'containerDefinitions':[{'name':'a','davit':{'files':[" files "]}}]}"

static void test_files_by_their_paths(void **state)
{
    (void)state;
    char *text = compare(
        FILES(FILE_OF("same", "/s", "0644", "b0") "," FILE_OF("a.css", "/a", "0644", "b1") "," FILE_OF(
            "gone", "/g", "0644", "b2") "," FILE_OF("run", "/r", "0644", "b3")),
        FILES(FILE_OF("same", "/s", "0644", "b0") "," FILE_OF("a.css", "/a", "0644", "b4") "," FILE_OF(
            "new", "/n", "0644", "b5") "," FILE_OF("run", "/bin/r", "0755", "b3")));
    assert_non_null(
        strstr(text, "\"details\":["
                     "{\"what\":\"container \\\"a\\\" file a.css\",\"change\":\"changed\"},"
                     "{\"what\":\"container \\\"a\\\" file new\",\"change\":\"added\"},"
                     "{\"what\":\"container \\\"a\\\" file run target\",\"from\":\"/r\",\"to\":\"/bin/r\"},"
                     "{\"what\":\"container \\\"a\\\" file run mode\",\"from\":\"0644\",\"to\":\"0755\"},"
                     "{\"what\":\"container \\\"a\\\" file gone\",\"change\":\"removed\"}]"));
    free(text);
    text = compare(FILES(FILE_OF("x", "/x", "0644", "b0") "," FILE_OF("y", "/y", "0644", "b1")),
                   FILES(FILE_OF("y", "/y", "0644", "b1") "," FILE_OF("x", "/x", "0644", "b0")));
    assert_non_null(strstr(text, "[{\"what\":\"container \\\"a\\\" files\",\"change\":\"reordered\"}]"));
    free(text);
    text = compare("{'containerDefinitions':[{'name':'a'}]}", FILES(FILE_OF("x", "/x", "0644", "b0")));
    assert_non_null(strstr(text, "[{\"what\":\"container \\\"a\\\" file x\",\"change\":\"added\"}]"));
    free(text);
}

static void test_environment_files_by_their_paths(void **state)
{
    (void)state;
#define ENVIRONMENT_FILES(first, blob)                                                                       \
    "{'containerDefinitions':[{'name':'a','environmentFiles':[{'value':'" first                              \
    "','type':'s3'},{'value':'b.env','type':'s3'}],'davit':{'environmentFiles':[{'value':'" first            \
    "','blob':'b0','size':1},{'value':'b.env','blob':'" blob "','size':1}]}}]}"
    char *text = compare(ENVIRONMENT_FILES("a.env", "b1"), ENVIRONMENT_FILES("c.env", "b2"));
    assert_non_null(
        strstr(text, "\"details\":["
                     "{\"what\":\"container \\\"a\\\" environment file c.env\",\"change\":\"added\"},"
                     "{\"what\":\"container \\\"a\\\" environment file a.env\",\"change\":\"removed\"},"
                     "{\"what\":\"container \\\"a\\\" environment file b.env\",\"change\":\"changed\"}]"));
    free(text);
}

static char *compare_sides(const struct diff_side *from, const struct diff_side *to)
{
    json_t *difference = diff_service("demo", "web", from, to);
    char *text = difference ? json_dumps(difference, JSON_COMPACT) : strdup("");
    json_decref(difference);
    return text;
}

/* What applies at once is told too: no deployment says so. */
static void test_placement_breaker_and_count(void **state)
{
    (void)state;
    json_t *from_json = definition("{'placementStrategy':[{'type':'random'}],'deploymentConfiguration':"
                                   "{'deploymentCircuitBreaker':{'enable':true,'rollback':true}}}");
    json_t *to_json =
        definition("{'placementConstraints':[{'type':'distinctInstance'}],'deploymentConfiguration':"
                   "{'deploymentCircuitBreaker':{'enable':true,'rollback':false}}}");
    const struct diff_side from = {.desired_count = 4, .service = from_json};
    const struct diff_side to = {.desired_count = 4, .count_absent = true, .service = to_json};
    char *text = compare_sides(&from, &to);
    assert_string_equal(
        text, "{\"cluster\":\"demo\",\"service\":\"web\",\"change\":\"update\",\"details\":["
              "{\"what\":\"desiredCount\",\"change\":\"is absent: the count stays as it is\"},"
              "{\"what\":\"deploymentCircuitBreaker rollback\",\"from\":true,\"to\":false},"
              "{\"what\":\"placementConstraints\",\"to\":\"[{\\\"type\\\":\\\"distinctInstance\\\"}]\"},"
              "{\"what\":\"placementStrategy\",\"from\":\"[{\\\"type\\\":\\\"random\\\"}]\"}]}");
    free(text);
    text = compare_sides(&from, &from);
    assert_string_equal(text, "");
    free(text);
    json_decref(from_json);
    json_decref(to_json);
}

static void test_a_service_that_leaves_its_tasks(void **state)
{
    (void)state;
    json_t *json = definition("{'davit':{'prune':'disabled'}}");
    const struct diff_side from = {.desired_count = 4, .service = json};
    char *text = compare_sides(&from, NULL);
    assert_string_equal(text,
                        "{\"cluster\":\"demo\",\"service\":\"web\",\"change\":\"leave\",\"details\":[]}");
    free(text);
    json_decref(json);
}

static void test_clusters(void **state)
{
    (void)state;
    json_t *from = definition("{'davit':{'containerInstances':[{'name':'a'},{'name':'b'}]}}");
    json_t *to = definition("{'davit':{'suspend':true,'containerInstances':[{'name':'a','status':'DRAINING'},"
                            "{'name':'c'}]}}");
    json_t *difference = diff_cluster("demo", from, to);
    char *text = json_dumps(difference, JSON_COMPACT);
    assert_string_equal(text, "{\"cluster\":\"demo\",\"change\":\"update\",\"details\":["
                              "{\"what\":\"container instance \\\"a\\\" status\",\"to\":\"DRAINING\"},"
                              "{\"what\":\"container instance \\\"c\\\"\",\"change\":\"added\"},"
                              "{\"what\":\"container instance \\\"b\\\"\",\"change\":\"removed\"},"
                              "{\"what\":\"davit suspend\",\"to\":true}]}");
    free(text);
    json_decref(difference);
    assert_null(diff_cluster("demo", from, from));
    assert_null(diff_cluster("demo", NULL, NULL));
    json_decref(from);
    json_decref(to);
}

static void test_scheduled_tasks(void **state)
{
    (void)state;
    json_t *from = definition("{'Name':'n','ScheduleExpression':'rate(1 hour)','Target':{'Input':'secret'}}");
    json_t *to = definition("{'Name':'n','ScheduleExpression':'rate(2 hours)','Target':{'Input':'other'},"
                            "'davit':{'concurrencyPolicy':'Forbid'}}");
    json_t *difference = diff_scheduled_task("n", from, to);
    char *text = json_dumps(difference, JSON_COMPACT);
    assert_string_equal(
        text, "{\"scheduledTask\":\"n\",\"change\":\"update\",\"details\":["
              "{\"what\":\"ScheduleExpression\",\"from\":\"rate(1 hour)\",\"to\":\"rate(2 hours)\"},"
              "{\"what\":\"davit concurrencyPolicy\",\"to\":\"Forbid\"},"
              "{\"what\":\"Target Input\",\"change\":\"changed\"}]}");
    free(text);
    json_decref(difference);
    assert_null(diff_scheduled_task("n", from, from));
    difference = diff_scheduled_task("n", from, NULL);
    assert_string_equal(json_string_value(json_object_get(difference, "change")), "remove");
    json_decref(difference);
    json_decref(from);
    json_decref(to);
}

static void test_targets_of_scheduled_tasks(void **state)
{
    (void)state;
    json_t *from = definition("{'Targets':[{'Id':'a','Arn':'x','EcsParameters':{'TaskDefinitionArn':'t'}},"
                              "{'Id':'b','Arn':'x'}]}");
    json_t *to = definition("{'Targets':[{'Id':'a','Arn':'y','EcsParameters':{'TaskDefinitionArn':'u',"
                            "'TaskCount':2}},{'Id':'c','Arn':'x'}]}");
    json_t *difference = diff_scheduled_task("n", from, to);
    char *text CLEANUP_FREE = json_dumps(json_object_get(difference, "details"), JSON_COMPACT);
    assert_string_equal(text, "[{\"what\":\"Target \\\"a\\\" Arn\",\"from\":\"x\",\"to\":\"y\"},"
                              "{\"what\":\"Target \\\"a\\\" TaskDefinitionArn\",\"from\":\"t\",\"to\":\"u\"},"
                              "{\"what\":\"Target \\\"a\\\" TaskCount\",\"to\":2},"
                              "{\"what\":\"Target \\\"c\\\"\",\"change\":\"added\"},"
                              "{\"what\":\"Target \\\"b\\\"\",\"change\":\"removed\"}]");
    json_decref(difference);
    json_decref(from);
    json_decref(to);
}

static void test_what_scheduled_tasks_start(void **state)
{
    (void)state;
    json_t *one = definition("{'containerDefinitions':[{'name':'a','image':'i:1'}]}");
    json_t *two = definition("{'containerDefinitions':[{'name':'a','image':'i:2'}]}");
    const struct diff_side from = {.digest = {{1}}, .task_definition = one};
    const struct diff_side to = {.digest = {{2}}, .task_definition = two};
    json_t *difference = NULL;
    diff_scheduled_definition(&difference, "n", &from, &from);
    assert_null(difference);
    diff_scheduled_definition(&difference, "n", &from, &to);
    char *text CLEANUP_FREE = json_dumps(difference, JSON_COMPACT);
    assert_string_equal(text,
                        "{\"scheduledTask\":\"n\",\"change\":\"update\",\"details\":[{\"what\":\"container "
                        "\\\"a\\\" image\",\"from\":\"i:1\",\"to\":\"i:2\"}]}");
    json_decref(difference);
    json_decref(one);
    json_decref(two);
}

#define NOW_S INT64_C(1767225600) /* 2026-01-01T00:00Z */

static bool waits(const struct diff_side *from, const struct diff_side *to, const char *schedule)
{
    json_t *windows = json_pack("{s:{s:[{s:s,s:s,s:i}]}}", "davit", "changeWindows", "kind", "allow",
                                "schedule", schedule, "durationMinutes", 60);
    struct change_window_vec list = {0};
    change_windows_from_json(windows, &list);
    struct change_gate gate = {0};
    change_gate_add(&gate, &list);
    json_t *difference = diff_service("c", "s", from, to);
    diff_add_window(difference, &gate, NOW_S);
    bool found = json_object_get(difference, "waits");
    if (found) {
        assert_string_equal(json_string_value(json_object_get(difference, "waits")),
                            "for its change window, which opens at 2026-01-01 02:00 UTC");
        assert_int_equal(json_integer_value(json_object_get(difference, "opensAt")), NOW_S + 7200);
    }
    json_decref(difference);
    json_decref(windows);
    vector_deinit(&list);
    return found;
}

static void test_what_comes_before(void **state)
{
    (void)state;
    json_t *plain = definition("{'davit':{}}");
    json_t *suspended = definition("{'davit':{'suspend':true,'changeWindows':[]}}");
    json_t *prepared = definition("{'davit':{'preDeploy':['migrate']}}");
    const struct diff_side two = {.desired_count = 2, .service = plain};
    const struct diff_side three = {.desired_count = 3, .service = plain};
    const struct diff_side off = {.desired_count = 2, .service = suspended};
    const struct diff_side other = {.digest = {{1}}, .desired_count = 2, .service = prepared};
    static const char shut[] = "cron(0 2 * * ? *)";
    assert_true(waits(&two, &three, shut));
    assert_false(waits(&two, &three, "cron(0 0 * * ? *)"));
    assert_false(waits(&two, &two, shut));
    assert_false(waits(&two, &off, shut));
    assert_true(waits(NULL, &two, shut));
    assert_true(waits(&two, NULL, shut));
    json_t *difference = diff_service("c", "s", &two, &other);
    assert_int_equal(json_array_size(json_object_get(difference, "preDeploy")), 1);
    json_decref(difference);
    difference = diff_service("c", "s", &other, &(struct diff_side){.digest = {{1}}, .service = prepared});
    assert_null(json_object_get(difference, "preDeploy"));
    json_decref(difference);
    json_decref(plain);
    json_decref(suspended);
    json_decref(prepared);
}

static void test_what_davit_adds_to_a_service(void **state)
{
    (void)state;
    json_t *before = json_pack("{s:{s:i}}", "davit", "minimumHealthySeconds", 5);
    json_t *after =
        json_pack("{s:{s:i,s:[{s:s}]}}", "davit", "minimumHealthySeconds", 5, "dependsOn", "service", "db");
    const struct diff_side from = {.desired_count = 1, .service = before};
    const struct diff_side to = {.desired_count = 1, .service = after};
    const struct diff_side unknown = {.desired_count = 1};
    assert_null(diff_service("c", "s", &from, &from));
    assert_null(diff_service("c", "s", &unknown, &to));
    json_t *difference = diff_service("c", "s", &from, &to);
    char *text CLEANUP_FREE = json_dumps(difference, JSON_COMPACT);
    assert_string_equal(text, "{\"cluster\":\"c\",\"service\":\"s\",\"change\":\"update\",\"details\":[{"
                              "\"what\":\"davit dependsOn\",\"to\":\"[{\\\"service\\\":\\\"db\\\"}]\"}]}");
    json_decref(difference);
    json_decref(before);
    json_decref(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_content_is_no_difference),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_values_of_the_environment_are_not_shown),
        cmocka_unit_test(test_options_of_drivers_and_passwords_of_urls_are_not_shown),
        cmocka_unit_test(test_values_that_are_secrets_by_their_names_are_not_shown),
        cmocka_unit_test(test_new_removed_and_scaled),
        cmocka_unit_test(test_long_values_are_whole),
        cmocka_unit_test(test_files_by_their_paths),
        cmocka_unit_test(test_environment_files_by_their_paths),
        cmocka_unit_test(test_placement_breaker_and_count),
        cmocka_unit_test(test_a_service_that_leaves_its_tasks),
        cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_a_migration_alone),
        cmocka_unit_test(test_scheduled_tasks),
        cmocka_unit_test(test_targets_of_scheduled_tasks),
        cmocka_unit_test(test_what_scheduled_tasks_start),
        cmocka_unit_test(test_what_comes_before),
        cmocka_unit_test(test_what_davit_adds_to_a_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
