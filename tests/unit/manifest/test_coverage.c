/* Every member of ECS's API model has its line in the tables of members, and every line is a member of the
 * model or an extension of ours. The model is not part of the repository: DAVIT_CORPUS says where it is, and
 * without it the test is skipped. */
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/kind_members.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    enum kind kind;
    const char *shape;
} shapes[] = {
    {KIND_CAPACITY_PROVIDER, "CreateCapacityProviderRequest"},
    {KIND_CAPACITY_PROVIDER, "UpdateCapacityProviderRequest"},
    {KIND_CAPACITY_PROVIDER, "CapacityProvider"},
    {KIND_CLUSTER, "CreateClusterRequest"},
    {KIND_CLUSTER, "UpdateClusterRequest"},
    {KIND_CLUSTER, "PutClusterCapacityProvidersRequest"},
    {KIND_CLUSTER, "Cluster"},
    {KIND_RUN_TASK, "RunTaskRequest"},
    {KIND_RUN_TASK, "StartTaskRequest"},
    {KIND_SERVICE, "CreateServiceRequest"},
    {KIND_SERVICE, "UpdateServiceRequest"},
    {KIND_SERVICE, "Service"},
    {KIND_TASK_DEFINITION, "RegisterTaskDefinitionRequest"},
    {KIND_TASK_DEFINITION, "TaskDefinition"},
};

/* Members of a call that say nothing of a state. */
static const struct {
    const char *path;
    const char *reason;
} operation_only[] = {
    {"UpdateServiceRequest.service", "which one is changed: a manifest says serviceName"},
    {"UpdateClusterRequest.cluster", "which one is changed: a manifest says clusterName"},
    {"PutClusterCapacityProvidersRequest.cluster", "likewise"},
    {"StartTaskRequest.containerInstances", "a placement by hand, which RunTask does not have"},
};

/* What is below a member of ours is ours. The blob and the size are what git says of a file that is named. */
static bool is_ours(const char *name)
{
    static const char *const names[] = {"davit", "$schema", "kind", "blob", "size"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (text_equal(names[i], name))
            return true;
    return false;
}

struct walk {
    const json_t *shapes;
    struct map met; /* "table address.member" of what the model has */
    size_t members;
    size_t lacking;
};

static char *line_of(const struct kind_member *table, const char *name)
{
    return memory_printf("%p.%s", (const void *)table, name);
}

/* The structure that a shape leads to through lists, or NULL. */
static const char *structure_of(const struct walk *walk, const char *shape)
{
    const json_t *value = json_object_get(walk->shapes, shape);
    while (text_equal(json_string_value(json_object_get(value, "type")), "list")) {
        shape = json_string_value(json_object_get(json_object_get(value, "member"), "shape"));
        value = json_object_get(walk->shapes, shape);
    }
    return json_object_size(json_object_get(value, "members")) ? shape : NULL;
}

static bool is_operation_only(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(operation_only); i++)
        if (text_equal(operation_only[i].path, path))
            return true;
    return false;
}

static void lack(struct walk *walk, const char *path, const char *what)
{
    print_message("%s: %s\n", path, what);
    walk->lacking++;
}

static void walk_shape(struct walk *walk, const char *shape, const struct kind_member *table,
                       const char *path)
{
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(json_object_get(walk->shapes, shape), "members"), name, value) {
        char *below CLEANUP_FREE = memory_printf("%s.%s", path, name);
        const struct kind_member *member = kind_members_find(table, name);
        walk->members++;
        if (!member && !is_operation_only(below))
            lack(walk, below, "the table lacks it");
        if (!member)
            continue;
        char *line CLEANUP_FREE = line_of(table, name);
        map_put(&walk->met, line, (void *)1);
        const char *inner = structure_of(walk, json_string_value(json_object_get(value, "shape")));
        if (!inner || member->effect == KIND_OUTPUT)
            continue;
        if (!member->inside)
            lack(walk, below, "the table does not say what is inside");
        else
            walk_shape(walk, inner, member->inside, below);
    }
}

/* Lines that the model does not have. */
static void check_lines(struct walk *walk, const struct kind_member *table, const char *path)
{
    for (const struct kind_member *member = table; member->name; member++) {
        char *below CLEANUP_FREE = memory_printf("%s.%s", path, member->name);
        char *line CLEANUP_FREE = line_of(table, member->name);
        if (is_ours(member->name))
            continue;
        if (!map_get(&walk->met, line))
            lack(walk, below, "the model does not know it");
        else if (member->inside)
            check_lines(walk, member->inside, below);
    }
}

static json_t *load_model(void)
{
    const char *corpus = getenv("DAVIT_CORPUS");
    char *path CLEANUP_FREE =
        memory_printf("%s/ecs-api/service-2.json", corpus ? corpus : SOURCE_ROOT "/../shared/corpus");
    return json_load_file(path, 0, NULL);
}

static void test_model_and_tables_agree(void **state)
{
    const json_t *model = *state;
    struct walk walk = {.shapes = json_object_get(model, "shapes")};
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        assert_true(
            json_object_size(json_object_get(json_object_get(walk.shapes, shapes[i].shape), "members")) > 0);
        walk_shape(&walk, shapes[i].shape, kind_members(shapes[i].kind), shapes[i].shape);
    }
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        if (i == 0 || shapes[i].kind != shapes[i - 1].kind)
            check_lines(&walk, kind_members(shapes[i].kind), kind_names[shapes[i].kind]);
    print_message("%zu members of the model\n", walk.members);
    map_deinit(&walk.met);
    assert_int_equal(walk.lacking, 0);
}

/* A list that names what is not there any more would hide the next member of that name. */
static void test_operations_exist(void **state)
{
    const json_t *model = *state;
    for (size_t i = 0; i < ARRAY_LEN(operation_only); i++) {
        const char *dot = strchr(operation_only[i].path, '.');
        char *shape CLEANUP_FREE =
            memory_strndup(operation_only[i].path, (size_t)(dot - operation_only[i].path));
        assert_non_null(json_object_get(
            json_object_get(json_object_get(json_object_get(model, "shapes"), shape), "members"), dot + 1));
        assert_non_null(operation_only[i].reason);
    }
}

int main(void)
{
    json_t *model = load_model();
    if (!model) {
        printf("no API model: set DAVIT_CORPUS\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_model_and_tables_agree, model),
        cmocka_unit_test_prestate(test_operations_exist, model),
    };
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(model);
    return r;
}
