/* The tables of members, the schemas and ECS's own model name the same members. The model is not part of the
 * repository: DAVIT_CORPUS says where it is, and without it that part is skipped. */
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

static json_t *load_model(void)
{
    const char *corpus = getenv("DAVIT_CORPUS");
    char *path CLEANUP_FREE =
        memory_printf("%s/ecs-api/service-2.json", corpus ? corpus : SOURCE_ROOT "/../shared/corpus");
    return json_load_file(path, 0, NULL);
}

static void check_shape(json_t *shapes, const char *shape, const struct kind_member *table)
{
    const char *name;
    json_t *member;
    json_object_foreach (json_object_get(json_object_get(shapes, shape), "members"), name, member) {
        const struct kind_member *known = kind_members_find(table, name);
        if (!known)
            print_message("the table lacks %s.%s\n", shape, name);
        assert_non_null(known);
        if (!known->inside)
            continue;
        const char *inner = json_string_value(json_object_get(member, "shape"));
        const json_t *items = json_object_get(json_object_get(shapes, inner), "member");
        check_shape(shapes, items ? json_string_value(json_object_get(items, "shape")) : inner,
                    known->inside);
    }
}

static void test_tables_have_all_of_ecs(void **state)
{
    (void)state;
    static const struct {
        enum kind kind;
        const char *shape;
    } shapes[] = {
        {KIND_CLUSTER, "CreateClusterRequest"},
        {KIND_CLUSTER, "Cluster"},
        {KIND_SERVICE, "CreateServiceRequest"},
        {KIND_SERVICE, "Service"},
        {KIND_TASK_DEFINITION, "RegisterTaskDefinitionRequest"},
        {KIND_TASK_DEFINITION, "TaskDefinition"},
    };
    json_t *model = load_model();
    if (!model)
        skip();
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        check_shape(json_object_get(model, "shapes"), shapes[i].shape, kind_members(shapes[i].kind));
    json_decref(model);
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
        cmocka_unit_test(test_tables_have_all_of_ecs),
        cmocka_unit_test(test_normal_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
