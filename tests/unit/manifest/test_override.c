/* Overrides of RunTask, member by member. */
#include "manifest/override.h"

#include "base/text.h"
#include "manifest/manifest.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static json_t *parse(const char *text)
{
    char *copy CLEANUP_FREE = memory_strdup(text);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *json = json_loads(copy, 0, NULL);
    assert_non_null(json);
    return json;
}

static struct task_definition *definition_of(const char *text)
{
    json_t *json CLEANUP(json_decrefp) = parse(text);
    struct task_definition *definition = NULL;
    assert_int_equal(manifest_task_definition(json, 4, &definition), 0);
    return definition;
}

static const char job[] =
    "{'family':'job','containerDefinitions':[{'name':'app','image':'i','memory':64,'command':['x'],"
    "'environment':[{'name':'A','value':'1'},{'name':'B','value':'2'}]},{'name':'log','image':'l','memory':"
    "32,'essential':false}]}";

static void test_what_they_do(void **state)
{
    (void)state;
    static const struct {
        const char *overrides;
        const char *becomes; /* of the whole definition, in the order of names */
    } cases[] = {
        {"{}",
         "{'containerDefinitions':[{'command':['x'],'environment':[{'name':'A','value':'1'},{'name':'B',"
         "'value':'2'}],'image':'i','memory':64,'name':'app'},{'essential':false,'image':'l','memory':32,"
         "'name':'log'}],'family':'job'}"},
        {"{'containerOverrides':[{'name':'app','command':[],'environment':[{'name':'B','value':'3'},{'name':'"
         "C'"
         ",'value':''}]},{'name':'log','memory':48,'cpu':10,'memoryReservation':16,'environment':[{'name':'A'"
         ","
         "'value':'4'}]}],'cpu':'512','memory':'256','inferenceAcceleratorOverrides':[]}",
         "{'containerDefinitions':[{'command':[],'environment':[{'name':'A','value':'1'},{'name':'B','value':"
         "'3'},{'name':'C','value':''}],'image':'i','memory':64,'name':'app'},{'cpu':10,'environment':[{'"
         "name':"
         "'A','value':'4'}],'essential':false,'image':'l','memory':48,'memoryReservation':16,'name':'log'}],"
         "'cpu':'512','family':'job','memory':'256'}"},
    };
    struct task_definition *definition CLEANUP(task_definition_unrefp) = definition_of(job);
    json_t *before CLEANUP(json_decrefp) = json_deep_copy(definition->json);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *overrides CLEANUP(json_decrefp) = parse(cases[i].overrides);
        json_t *expected CLEANUP(json_decrefp) = parse(cases[i].becomes);
        struct task_definition *made CLEANUP(task_definition_unrefp) = NULL;
        assert_int_equal(manifest_override(definition, overrides, &made, NULL), 0);
        assert_true(json_equal(made->json, expected));
        assert_int_equal(made->revision, 4);
        assert_string_equal(made->family, "job");
    }
    assert_true(json_equal(definition->json, before));
}

#define NOT_VALID "with these overrides job:4 is no valid task definition: "

static void test_what_they_may_not(void **state)
{
    (void)state;
    static const struct {
        const char *overrides;
        int code;
        const char *says;
    } cases[] = {
        {"[]", ERROR_INVALID, "overrides: expected an object"},
        {"{'containerOverrides':{}}", ERROR_INVALID, "containerOverrides: expected a list"},
        {"{'containerOverrides':[{'command':[]}]}", ERROR_INVALID, "containerOverrides[0]: name is missing"},
        {"{'containerOverrides':[{'name':'app'},{'name':'web'}]}", ERROR_INVALID,
         "Override for container named web is not a container in the TaskDefinition. There are: app, log"},
        {"{'containerOverrides':[{'name':'app','image':'j'}]}", ERROR_INVALID,
         "containerOverrides[0]: image: overrides have no such member"},
        {"{'containerOverrides':[{'name':'app','command':'ls'}]}", ERROR_INVALID,
         "containerOverrides[0]: command: expected a list of texts"},
        {"{'containerOverrides':[{'name':'app','command':[1]}]}", ERROR_INVALID,
         "containerOverrides[0]: command: expected a list of texts"},
        {"{'containerOverrides':[{'name':'app','memory':'64'}]}", ERROR_INVALID,
         "containerOverrides[0]: memory: expected a number"},
        {"{'containerOverrides':[{'name':'app','environment':[{'name':'A'}]}]}", ERROR_INVALID,
         "containerOverrides[0]: environment: expected a list of {\"name\": \"...\", \"value\": \"...\"}"},
        {"{'containerOverrides':[{'name':'app','environmentFiles':[{'value':'a','type':'s3'}]}]}",
         ERROR_UNSUPPORTED,
         "containerOverrides[0]: environmentFiles: davit does not override it; change the task definition in "
         "the repository"},
        {"{'ephemeralStorage':{'sizeInGiB':30}}", ERROR_UNSUPPORTED,
         "ephemeralStorage: davit does not override it; change the task definition in the repository"},
        {"{'containerOverrides':[{'name':'app','comand':['ls']}]}", ERROR_INVALID,
         "containerOverrides[0]: comand: overrides have no such member; did you mean \"command\"?"},
        {"{'containerOverride':[]}", ERROR_INVALID,
         "containerOverride: overrides have no such member; did you mean \"containerOverrides\"?"},
        {"{'cpu':256}", ERROR_INVALID, "cpu: expected a text"},
        {"{'containerOverrides':[{'name':'app','cpu':-1}]}", ERROR_INVALID,
         "containerOverrides[0]: cpu: expected a number from 0 on"},
        {"{'cpu':'much'}", ERROR_INVALID,
         NOT_VALID "the string has not the right form at /cpu; found the string \"much\", expected CPU units "
                   "such as \"1024\", or \"1 vCPU\""},
        {"{'containerOverrides':[{'name':'app','memory':1}]}", ERROR_INVALID,
         NOT_VALID
         "too small at /containerDefinitions/0/memory; found the number 1, expected 4 to 134217728 MiB"},
        {"{'containerOverrides':[{'name':'app','memoryReservation':65}]}", ERROR_INVALID,
         NOT_VALID "memoryReservation 65 is more than memory 64 at "
                   "/containerDefinitions/0/memoryReservation; expected at most 64 MiB"},
        {"{'containerOverrides':[{'name':'app','environment':[{'name':'','value':''}]}]}", ERROR_INVALID,
         NOT_VALID
         "too short at /containerDefinitions/0/environment/2/name; found 0 characters, expected at least 1"},
    };
    struct task_definition *definition CLEANUP(task_definition_unrefp) = definition_of(job);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *overrides CLEANUP(json_decrefp) = parse(cases[i].overrides);
        struct task_definition *made = NULL;
        struct error err = ERROR_INIT;
        assert_int_equal(manifest_override(definition, overrides, &made, &err), cases[i].code);
        assert_string_equal(err.message, cases[i].says);
        assert_null(made);
    }
}

static void test_the_limit(void **state)
{
    (void)state;
    struct task_definition *definition CLEANUP(task_definition_unrefp) = definition_of(job);
    struct task_definition *made = NULL;
    struct error err = ERROR_INIT;
    char long_text[LIMIT_OVERRIDES_CHARS + 1];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    json_t *overrides CLEANUP(json_decrefp) =
        json_pack("{s:[{s:s,s:[s]}]}", "containerOverrides", "name", "app", "command", long_text);
    assert_int_equal(manifest_override(definition, overrides, &made, &err), ERROR_LIMIT);
    assert_non_null(strstr(err.message, "at most 8192"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_they_do),
        cmocka_unit_test(test_what_they_may_not),
        cmocka_unit_test(test_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
