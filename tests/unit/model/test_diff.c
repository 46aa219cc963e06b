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

static void test_long_values_are_cut_between_characters(void **state)
{
    (void)state;
    char json[2048] = "{'containerDefinitions':[{'name':'a','image':'";
    for (int i = 0; i < 300; i++)
        strcat(json, "\xc3\xa9");
    strcat(json, "'}]}");
    char *text = compare("{'containerDefinitions':[{'name':'a','image':'i'}]}", json);
    assert_non_null(strstr(text, "\xc3\xa9...\""));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_content_is_no_difference),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_values_of_the_environment_are_not_shown),
        cmocka_unit_test(test_new_removed_and_scaled),
        cmocka_unit_test(test_long_values_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
