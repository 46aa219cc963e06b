/* The tables of members and the schemas name the same members, and say the same of them. */
#include "base/memory.h"
#include "base/text.h"
#include "manifest/kind_members.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* The object schema that a property leads to, through $ref and items; or NULL. */
static json_t *object_schema(json_t *root, json_t *schema)
{
    if (json_object_get(schema, "items"))
        schema = json_object_get(schema, "items");
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    if (ref)
        schema = json_object_get(json_object_get(root, "$defs"), strrchr(ref, '/') + 1);
    return json_object_get(schema, "properties") ? schema : NULL;
}

static bool is_object_list(json_t *root, json_t *property)
{
    return object_schema(root, property) && !json_object_get(property, "const");
}

/* What an editor shows and completes. */
static void check_words(json_t *root, const struct kind_member *member, json_t *property)
{
    const char *description = json_string_value(json_object_get(property, "description"));
    json_t *fallback = json_object_get(property, "default");
    if (!description)
        print_message("%s has no description\n", member->name);
    assert_non_null(description);
    assert_null(strstr(description, "no effect")); /* the table says that, and changes */
    assert_true(member->effect == KIND_OUTPUT || (!member->inside) == !is_object_list(root, property) ||
                (text_equal(member->name, "davit")));
    if (!member->usual || !fallback)
        return;
    char *text = json_dumps(fallback, JSON_ENCODE_ANY);
    char *quoted CLEANUP_FREE = memory_printf("\"%s\"", member->usual);
    if (!text_equal(text, member->usual) && !text_equal(text, quoted))
        print_message("%s: default %s in the schema, usual %s\n", member->name, text, member->usual);
    assert_true(text_equal(text, member->usual) || text_equal(text, quoted));
    free(text);
}

static void check_schema(json_t *root, json_t *schema, const struct kind_member *table)
{
    json_t *properties = json_object_get(schema, "properties");
    const char *name;
    json_t *property;
    json_object_foreach (properties, name, property) {
        const struct kind_member *member = kind_members_find(table, name);
        if (!member)
            print_message("the table lacks %s\n", name);
        assert_non_null(member);
        bool done = member->effect == KIND_HONOURED || member->effect == KIND_LIKEWISE ||
                    member->effect == KIND_OUTPUT || member->effect == KIND_META;
        assert_true(done == !member->reason);
        check_words(root, member, property);
        if (member->inside)
            check_schema(root, object_schema(root, property), member->inside);
    }
    for (; table->name; table++) {
        if (!json_object_get(properties, table->name))
            print_message("the schema lacks %s\n", table->name);
        assert_non_null(json_object_get(properties, table->name));
    }
}

static void test_tables_and_schemas_agree(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        json_t *root = json_loads(kind_schemas[kind], 0, NULL);
        assert_non_null(root);
        assert_string_equal(json_string_value(json_object_get(root, "$schema")),
                            "https://json-schema.org/draft/2020-12/schema");
        check_schema(root, root, kind_members((enum kind)kind));
        json_decref(root);
    }
}

static void assert_valid(const struct schema *schema, const json_t *value, const char *what)
{
    struct diagnostics found CLEANUP(diagnostics_deinit) = {0};
    schema_validate(schema, value, &found);
    for (size_t i = 0; i < found.list.len; i++) {
        char *text CLEANUP_FREE = diagnostic_to_text(&found.list.items[i]);
        print_message("%s: %s\n", what, text);
    }
    assert_int_equal(found.errors, 0);
}

static void test_schemas_keep_to_the_meta_schema(void **state)
{
    (void)state;
    json_t *meta_json = json_loads(schema_metaschema(SCHEMA_2020_12), 0, NULL);
    struct schema *meta CLEANUP(schema_freep) = NULL;
    assert_int_equal(schema_compile(NULL, meta_json, &meta, NULL), 0);
    for (size_t i = 0; i < KIND_SCHEMAS; i++) {
        json_t *json = json_loads(kind_schemas[i], 0, NULL);
        assert_valid(meta, json, kind_names[i]);
        json_decref(json);
    }
    json_t *any = json_load_file(SOURCE_ROOT "/schemas/Manifest.json", 0, NULL);
    assert_valid(meta, any, "Manifest");
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(json_object_get(any, "properties"), "kind"), "enum")),
        KIND_COUNT);
    json_decref(any);
    json_decref(meta_json);
}

/* Titles everywhere, and examples that are valid. */
static void test_schemas_for_editors(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        json_t *root = json_loads(kind_schemas[kind], 0, NULL);
        struct schema *schema CLEANUP(schema_freep) = kind_schema_new((enum kind)kind);
        const char *name;
        json_t *part;
        size_t i;
        assert_true(json_is_string(json_object_get(root, "title")));
        assert_true(json_is_string(json_object_get(root, "description")));
        json_object_foreach (json_object_get(root, "$defs"), name, part)
            assert_true(json_is_string(json_object_get(part, "title")));
        assert_true(json_array_size(json_object_get(root, "examples")) > 0);
        json_array_foreach (json_object_get(root, "examples"), i, part)
            assert_valid(schema, part, kind_names[kind]);
        json_decref(root);
    }
}

/* The examples of single members: each is valid where it stands. */
static void check_member_examples(json_t *root, json_t *schema)
{
    const char *name;
    json_t *property;
    size_t i;
    json_t *example;
    json_object_foreach (json_object_get(schema, "properties"), name, property) {
        if (!json_object_get(property, "examples"))
            continue;
        json_t *alone = json_deep_copy(property);
        json_object_set(alone, "$defs", json_object_get(root, "$defs"));
        struct schema *compiled CLEANUP(schema_freep) = NULL;
        assert_int_equal(schema_compile(NULL, alone, &compiled, NULL), 0);
        json_array_foreach (json_object_get(property, "examples"), i, example)
            assert_valid(compiled, example, name);
        json_decref(alone);
    }
}

static void test_member_examples(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        json_t *root = json_loads(kind_schemas[kind], 0, NULL);
        const char *name;
        json_t *part;
        check_member_examples(root, root);
        json_object_foreach (json_object_get(root, "$defs"), name, part)
            check_member_examples(root, part);
        json_decref(root);
    }
}

/* What a member comes to, from what is inside. */
static void test_effects(void **state)
{
    (void)state;
    static const struct kind_member done[] = {{.name = "a", .effect = KIND_HONOURED}, {0}};
    static const struct kind_member none[] = {{.name = "a", .effect = KIND_LIKEWISE}, {0}};
    static const struct kind_member both[] = {
        {.name = "a", .effect = KIND_HONOURED}, {.name = "b", .effect = KIND_IGNORED, .reason = "r"}, {0}};
    static const struct {
        struct kind_member member;
        enum kind_effect effect;
    } cases[] = {
        {{.name = "x", .effect = KIND_HONOURED}, KIND_HONOURED},
        {{.name = "x", .effect = KIND_LIKEWISE}, KIND_IGNORED},
        {{.name = "x", .effect = KIND_HONOURED, .inside = done}, KIND_HONOURED},
        {{.name = "x", .effect = KIND_HONOURED, .inside = none}, KIND_IGNORED},
        {{.name = "x", .effect = KIND_HONOURED, .inside = both}, KIND_PARTLY},
        {{.name = "x", .effect = KIND_IGNORED, .inside = done}, KIND_IGNORED},
        {{.name = "x", .effect = KIND_META, .inside = done}, KIND_META},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(kind_member_effect(&cases[i].member), cases[i].effect);
}

static void check_table(const struct kind_member *table, const char *json, const char *expected)
{
    json_t *value = json_loads(json, 0, NULL);
    struct diagnostics found CLEANUP(diagnostics_deinit) = {0};
    kind_members_check(table, value, "", &found);
    char *all = memory_strdup("");
    for (size_t i = 0; i < found.list.len; i++) {
        char *text CLEANUP_FREE = diagnostic_to_text(&found.list.items[i]);
        char *longer = memory_printf("%s%s\n", all, text);
        free(all);
        all = longer;
    }
    assert_string_equal(all, expected);
    free(all);
    json_decref(value);
}

static void test_checks(void **state)
{
    (void)state;
    static const struct kind_member inner[] = {
        {.name = "a", .effect = KIND_IGNORED, .usual = "0", .reason = "r"}, {0}};
    static const struct kind_member table[] = {
        {.name = "in", .effect = KIND_HONOURED, .inside = inner},
        {.name = "whole", .effect = KIND_IGNORED, .reason = "w", .inside = inner},
        {.name = "no", .effect = KIND_REFUSED, .usual = "off", .reason = "n"},
        {.name = "some", .effect = KIND_PARTLY, .refused = "red blue", .reason = "s"},
        {0}};
    check_table(table, "{\"in\":[{\"a\":0},{\"a\":1}]}", "warning: a has no effect yet: r at /in/1/a\n");
    check_table(table, "{\"whole\":{\"a\":1}}", "warning: whole has no effect yet: w at /whole\n");
    check_table(table, "{\"no\":\"off\"}", "");
    check_table(table, "{\"no\":\"on\"}", "error: no is not supported yet at /no; n\n");
    check_table(table, "{\"some\":\"blue\"}",
                "error: some blue is not supported yet at /some; found \"blue\"; s\n");
    check_table(table, "{\"some\":\"red\"}",
                "error: some red is not supported yet at /some; found \"red\"; s\n");
    check_table(table, "{\"some\":\"re\"}", "");
    check_table(table, "{\"some\":[],\"in\":null}", "");
}

static void test_null_is_absent(void **state)
{
    (void)state;
    json_t *json =
        json_loads("{\"family\":null,\"volumes\":[{\"name\":\"v\",\"host\":null}],\"strange\":null,"
                   "\"containerDefinitions\":[{\"dockerLabels\":{\"a\":null},\"command\":[null]}]}",
                   0, NULL);
    kind_members_prune(kind_members(KIND_TASK_DEFINITION), json);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text,
                        "{\"containerDefinitions\":[{\"command\":[null],\"dockerLabels\":{\"a\":null}}],"
                        "\"strange\":null,\"volumes\":[{\"name\":\"v\"}]}");
    free(text);
    json_decref(json);
}

static void test_normal_form(void **state)
{
    (void)state;
    json_t *json =
        json_pack("{s:s,s:s,s:[],s:[{s:s,s:b,s:i,s:[{s:i,s:i,s:s}]}]}", "family", "web", "networkMode",
                  "bridge", "volumes", "containerDefinitions", "name", "app", "essential", 1, "cpu", 0,
                  "portMappings", "containerPort", 80, "hostPort", 0, "protocol", "tcp");
    assert_non_null(json);
    json_t *normal = kind_members_normal(kind_members(KIND_TASK_DEFINITION), json);
    char *text = json_dumps(normal, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(
        text, "{\"containerDefinitions\":[{\"name\":\"app\",\"portMappings\":[{\"containerPort\":80}]}],"
              "\"family\":\"web\"}");
    free(text);
    json_decref(normal);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_and_schemas_agree),
        cmocka_unit_test(test_schemas_keep_to_the_meta_schema),
        cmocka_unit_test(test_schemas_for_editors),
        cmocka_unit_test(test_member_examples),
        cmocka_unit_test(test_effects),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_null_is_absent),
        cmocka_unit_test(test_normal_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
