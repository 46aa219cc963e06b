/* Rules of members that only an engine cares about, and what links and volumesFrom make a container wait for.
 */
#include "base/memory.h"
#include "base/text.h"
#include "manifest/kind_read.h"
#include "unit.h"

#include <string.h>

static json_t *parse(const char *text)
{
    char *copy CLEANUP_FREE = memory_strdup(text);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    json_t *json = json_loads(copy, 0, NULL);
    assert_non_null(json);
    return json;
}

struct rule {
    const char *container; /* members of container "app", beside which there is "db" */
    const char *root;
    const char *pointer; /* NULL: nothing is reported */
    const char *words;
};

static bool holds(const struct rule *rule, enum severity severity)
{
    char *text CLEANUP_FREE = memory_printf("{'containerDefinitions':[{'name':'app'%s%s},{'name':'db'}]%s%s}",
                                            rule->container[0] ? "," : "", rule->container,
                                            rule->root ? "," : "", rule->root ? rule->root : "");
    json_t *json = parse(text);
    struct diagnostics diagnostics = {0};
    kind_task_definition_check_engine(json, &diagnostics);
    const struct diagnostic *first = diagnostics.list.len ? diagnostics.list.items : NULL;
    bool ok = diagnostics.list.len == (rule->pointer ? 1 : 0);
    if (ok && first)
        ok = first->severity == severity && text_equal(first->pointer, rule->pointer) &&
             strstr(first->message, rule->words);
    if (!ok)
        print_message("%s: %zu reports, first at %s: %s\n", text, diagnostics.list.len,
                      first ? first->pointer : "", first ? first->message : "");
    diagnostics_deinit(&diagnostics);
    json_decref(json);
    return ok;
}

static void check_all(const struct rule *rules, size_t len, enum severity severity)
{
    size_t wrong = 0;
    for (size_t i = 0; i < len; i++)
        wrong += !holds(&rules[i], severity);
    assert_int_equal(wrong, 0);
}

#define APP       "/containerDefinitions/0"
#define PORTS(it) "'portMappings':[" it "]"
#define SYSCTL(n) "'systemControls':[{'namespace':'" n "','value':'1'}]"
#define GPU(v)    "{'type':'GPU','value':'" v "'}"
#define EFS(more) "'volumes':[{'name':'v','efsVolumeConfiguration':{'fileSystemId':'fs-1'," more "}}]"

static void test_errors(void **state)
{
    (void)state;
    static const struct rule rules[] = {
        {"'links':['db:']", NULL, APP "/links/0", "no link"},
        {"'links':['db','db:a:b']", NULL, APP "/links/1", "no link"},
        {"'links':[':a']", NULL, APP "/links/0", "no link"},
        {"'links':['dp']", NULL, APP "/links/0", "no container \"dp\""},
        {"'links':['app']", NULL, APP "/links/0", "itself"},
        {"'links':['db']", "'networkMode':'host'", APP "/links", "need network mode bridge"},
        {"'volumesFrom':[{'sourceContainer':'x'}]", NULL, APP "/volumesFrom/0", "no container \"x\""},
        {"'volumesFrom':[{'readOnly':true}]", NULL, APP "/volumesFrom/0", "no container"},
        {PORTS("{'hostPort':80}"), NULL, APP "/portMappings/0", "needs containerPort"},
        {PORTS("{'containerPortRange':'80'}"), NULL, APP "/portMappings/0", "no range"},
        {PORTS("{'containerPortRange':'80-80'}"), NULL, APP "/portMappings/0", "no range"},
        {PORTS("{'containerPortRange':'80-65536'}"), NULL, APP "/portMappings/0", "no range"},
        {PORTS("{'containerPortRange':'80-90','hostPort':80}"), NULL, APP "/portMappings/0", "neither"},
        {PORTS("{'containerPortRange':'80-90'}"), "'networkMode':'host'", APP "/portMappings/0", "not host"},
        {PORTS("{'containerPort':80},{'containerPortRange':'79-81'}"), NULL, APP "/portMappings/1", "twice"},
        {PORTS("{'containerPortRange':'1-1001'}"), NULL, APP "/portMappings", "LIMIT_PUBLISHED_PORTS"},
        {SYSCTL("vm.swappiness"), NULL, APP "/systemControls/0", "no kernel parameter"},
        {SYSCTL("net.core.somaxconn"), "'networkMode':'host'", APP "/systemControls/0", "instance's own"},
        {SYSCTL("kernel.sem"), "'ipcMode':'host'", APP "/systemControls/0", "instance's own"},
        {"'systemControls':[{'namespace':'kernel.sem'}]", NULL, APP "/systemControls/0", "needs namespace"},
        {"'resourceRequirements':[" GPU("0") "]", NULL, APP "/resourceRequirements/0", "no number"},
        {"'resourceRequirements':[" GPU("1") "," GPU("ALL") "]", NULL, APP "/resourceRequirements/1", "one"},
        {"'memory':65,'memoryReservation':8", "'memory':'64'", APP "/memory", "more than the task's 64"},
        {"", EFS("'rootDirectory':'data'"), "/volumes/0/efsVolumeConfiguration/rootDirectory", "absolute"},
        {"",
         "'volumes':[{'name':'v','host':{'sourcePath':'/'},'dockerVolumeConfiguration':{'scope':'task'}}]",
         "/volumes/0", "2 configurations"},
    };
    check_all(rules, ARRAY_LEN(rules), SEVERITY_ERROR);
}

static void test_warnings(void **state)
{
    (void)state;
    static const struct rule rules[] = {
        {"'linuxParameters':{'maxSwap':8}", NULL, APP "/linuxParameters/maxSwap", "no limit of memory"},
        {"'memory':8,'linuxParameters':{'swappiness':8}", NULL, APP "/linuxParameters/swappiness",
         "without maxSwap"},
        {"'resourceRequirements':[{'type':'NeuronDevice','value':'1'}]", NULL, APP "/resourceRequirements/0",
         "NeuronDevice has no effect"},
        {"'dockerLabels':{'davit.owner':'x','davity':'y'}", NULL, APP "/dockerLabels",
         "label \"davit.owner\": davit sets"},
    };
    check_all(rules, ARRAY_LEN(rules), SEVERITY_WARNING);
}

static void test_fine(void **state)
{
    (void)state;
    static const struct rule rules[] = {
        {"'links':['db','db:data'],'volumesFrom':[{'sourceContainer':'db'}]", NULL, NULL, NULL},
        {PORTS("{'containerPort':80},{'containerPort':80},{'containerPortRange':'81-90'},"
               "{'containerPortRange':'80-90','protocol':'udp'}"),
         NULL, NULL, NULL},
        {SYSCTL("net.core.somaxconn") "," PORTS(""), "'networkMode':'awsvpc'", NULL, NULL},
        {SYSCTL("fs.mqueue.msg_max"), "'networkMode':'host'", NULL, NULL},
        {"'resourceRequirements':[" GPU("ALL") "],'hostname':'h'", NULL, NULL, NULL},
        {"'memory':8,'linuxParameters':{'maxSwap':8,'swappiness':0}", NULL, NULL, NULL},
        {"'linuxParameters':{'maxSwap':8}", "'memory':'1 GB'", NULL, NULL},
        {"'memory':64,'memoryReservation':8", "'memory':'64'", NULL, NULL},
        {"", EFS("'rootDirectory':'/'"), NULL, NULL},
        {"", "'volumes':[{'name':'v','host':{},'dockerVolumeConfiguration':{'scope':'task'}}]", NULL, NULL},
    };
    check_all(rules, ARRAY_LEN(rules), SEVERITY_ERROR);
}

static void test_links_and_volumes_from_wait_for_the_start(void **state)
{
    (void)state;
    json_t *container = parse("{'name':'app','dependsOn':[{'containerName':'a','condition':'HEALTHY'}],"
                              "'links':['a:x','b:y','b'],'volumesFrom':[{'sourceContainer':'c'},{}]}");
    json_t *wanted = parse("{'':[{'containerName':'a','condition':'HEALTHY','at':'dependsOn/0'},"
                           "{'containerName':'b','condition':'START','at':'links/1'},"
                           "{'containerName':'c','condition':'START','at':'volumesFrom/0'}]}");
    json_t *got = kind_container_dependencies(container);
    assert_true(json_equal(got, json_object_get(wanted, "")));
    json_decref(container);
    json_decref(wanted);
    json_decref(got);
}

static void test_they_are_in_the_spec_and_not_in_the_digest(void **state)
{
    (void)state;
    json_t *json = parse("{'family':'f','containerDefinitions':[{'name':'app','image':'i','links':['db']},"
                         "{'name':'db','image':'i'}]}");
    struct task_definition *definition = kind_task_definition_new(json);
    const struct container_spec *app = task_definition_container(definition, "app");
    assert_int_equal(app->depends_on.len, 1);
    assert_string_equal(app->depends_on.items[0].container, "db");
    assert_int_equal(app->depends_on.items[0].condition, DEPENDENCY_START);
    assert_null(json_object_get(json_array_get(json_object_get(definition->json, "containerDefinitions"), 0),
                                "dependsOn"));
    task_definition_unref(definition);
    json_decref(json);
}

static void test_cycles(void **state)
{
    (void)state;
    json_t *json =
        parse("{'family':'f','containerDefinitions':[{'name':'a','image':'i','memory':8,'links':['b']},"
              "{'name':'b','image':'i','memory':8,'volumesFrom':[{'sourceContainer':'a'}]}]}");
    struct diagnostics diagnostics = {0};
    kind_task_definition_check(json, &diagnostics);
    assert_int_equal(diagnostics.list.len, 1);
    assert_string_equal(diagnostics.list.items[0].pointer, "/containerDefinitions/1/volumesFrom/0");
    assert_non_null(strstr(diagnostics.list.items[0].message, "a -> b -> a"));
    diagnostics_deinit(&diagnostics);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_fine),
        cmocka_unit_test(test_links_and_volumes_from_wait_for_the_start),
        cmocka_unit_test(test_they_are_in_the_spec_and_not_in_the_digest),
        cmocka_unit_test(test_cycles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
