/* `davit explain`: what it finds, what it says of what it does not find, and the reference that it writes. */
#include "cli/cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct answer {
    int code;
    char *out;
    char *err;
};

static struct answer explain(const char *path, const char *format)
{
    static const struct command *const commands[] = {&cli_explain};
    struct answer answer = {0};
    size_t out_len;
    size_t err_len;
    struct cli cli = {.commands = commands,
                      .commands_len = 1,
                      .out = open_memstream(&answer.out, &out_len),
                      .err = open_memstream(&answer.err, &err_len)};
    char *argv[] = {(char *)"davit",           (char *)"explain",       (char *)"-o",
                    (char *)(uintptr_t)format, (char *)(uintptr_t)path, NULL};
    answer.code = cli_run(&cli, path ? 5 : 4, argv);
    fclose(cli.out);
    fclose(cli.err);
    return answer;
}

static void answer_deinit(struct answer *answer)
{
    free(answer->out);
    free(answer->err);
}

static void expect(const char *path, const char *words)
{
    struct answer answer CLEANUP(answer_deinit) = explain(path, "text");
    if (!strstr(answer.out, words) || answer.code != CLI_OK)
        print_message("%s: %d\n%s%s", path ? path : "", answer.code, answer.out, answer.err);
    assert_int_equal(answer.code, CLI_OK);
    assert_non_null(strstr(answer.out, words));
}

static void test_kinds_by_any_spelling(void **state)
{
    (void)state;
    static const char *const spellings[] = {"task-definition", "TaskDefinition", "taskdefinition",
                                            "TASK_DEFINITION", "taskdef"};
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++)
        expect(spellings[i], "PATH      task-definition\n");
    expect(NULL, "scheduled-task");
    expect("cl", "PATH      cluster\n");
}

static void test_documents_that_are_no_manifests(void **state)
{
    (void)state;
    expect(NULL, "environment        of davit");
    expect("Environment", "\nenvironment.variables  object");
    expect("environment.PATCHES.merge", "PATH      environment.patches.merge\nTYPE      object or null\n");
    expect("configuration.instances.tls", "configuration.instances.tls.ca");
    expect("configuration.source.poll", "TYPE      integer or string\nEXPECTED  a duration such as");
    expect("configuration.source.poll", "How often a remote is asked.");
    expect("davit", "service.davit.dependsOn ");
    expect("davit", "task-definition.containerDefinitions.davit.files ");
    struct answer near CLEANUP(answer_deinit) = explain("environment.patches.nam", "text");
    assert_int_equal(near.code, CLI_ERROR);
    assert_non_null(strstr(near.err, "environment.patches has no member \"nam\"; did you mean \"name\"?"));
    struct answer file CLEANUP(answer_deinit) = explain("davit.yaml", "text");
    assert_non_null(
        strstr(file.err, "among manifests is \"environment\", the daemon's is \"configuration\""));
    struct answer json CLEANUP(answer_deinit) = explain("environment", "json");
    json_t *value = json_loads(json.out, 0, NULL);
    assert_true(json_array_size(json_object_get(value, "members")) >= 4);
    json_decref(value);
}

static void test_members(void **state)
{
    (void)state;
    expect("service.desiredCount", "PATH      service.desiredCount\nTYPE      integer\nEFFECT    honoured\n");
    expect("service.SERVICENAME", "TYPE      string, required\n");
    expect("task-definition.containerDefinitions[0].memory", "DOCKER    HostConfig.Memory\n");
    expect("task-definition.containerDefinitions", "\n  memory  integer  HostConfig.Memory\n    honoured\n");
    expect("task-definition.containerDefinitions[].essential", "DEFAULT   true\n");
    expect("task-definition.containerDefinitions.healthCheck.interval", "EXPECTED  5 to 300 seconds\n");
    expect("task-definition.containerDefinitions.dependsOn.condition",
           "VALUES    START, COMPLETE, SUCCESS, HEALTHY\n");
    expect("task-definition.containerDefinitions.dockerLabels", "TYPE      map of strings\n");
    expect("task-definition.cpu", "EXAMPLE   \"1 vCPU\"\n");
}

/* What stands above says it for what is below. */
static void test_effects_come_down(void **state)
{
    (void)state;
    expect("service.vpcLatticeConfigurations.roleArn",
           "EFFECT    no effect: tasks are not added to VPC Lattice\n");
    expect("service.serviceConnectConfiguration.logConfiguration.logDriver", "EFFECT    no effect");
    expect("run-task.overrides.containerOverrides.cpu", "EFFECT    no effect: the task is not started\n");
    expect("service.tags.key", "EFFECT    of the document\n");
    expect("service.events", "EFFECT    not read\n");
    expect("task-definition.runtimePlatform.operatingSystemFamily", "EFFECT    partly, WINDOWS_SERVER");
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *message;
    } cases[] = {
        {"servce", "there is no kind \"servce\"; did you mean \"service\"?"},
        {"t", "there is no kind \"t\""}, /* target group or task definition */
        {"", "there is no kind \"\""},
        {"ChangeWindows", "did you mean cluster.davit.changeWindows or service.davit.changeWindows?"},
        {"service.desiredCont", "service has no member \"desiredCont\"; did you mean \"desiredCount\"?"},
        {"service.desiredCount.x", "service.desiredCount has no member \"x\""},
        {"service.", "service has no member \"\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answer answer CLEANUP(answer_deinit) = explain(cases[i].path, "text");
        assert_int_equal(answer.code, CLI_ERROR);
        if (!strstr(answer.err, cases[i].message))
            print_message("%s: %s", cases[i].path, answer.err);
        assert_non_null(strstr(answer.err, cases[i].message));
    }
}

static void test_json(void **state)
{
    (void)state;
    struct answer answer CLEANUP(answer_deinit) = explain("task-definition.networkMode", "json");
    json_t *json = json_loads(answer.out, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "docker")), "HostConfig.NetworkMode");
    assert_string_equal(json_string_value(json_object_get(json, "kind")), "TaskDefinition");
    assert_int_equal(json_array_size(json_object_get(json, "values")), 4);
    json_decref(json);
}

/* A member whose line in the table has changed shows in the reference. */
static void test_reference_is_what_the_tables_say(void **state)
{
    (void)state;
    FILE *file = fopen(SOURCE_ROOT "/schemas/README.md", "r");
    assert_non_null(file);
    char *committed = NULL;
    size_t size = 0;
    assert_true(getdelim(&committed, &size, '\0', file) > 0);
    fclose(file);
    struct answer answer CLEANUP(answer_deinit) = explain(NULL, "markdown");
    if (!text_equal(committed, answer.out))
        print_message("schemas/README.md is old: davit explain -o markdown > schemas/README.md\n");
    assert_true(text_equal(committed, answer.out));
    free(committed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_by_any_spelling),
        cmocka_unit_test(test_documents_that_are_no_manifests),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_effects_come_down),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_reference_is_what_the_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
