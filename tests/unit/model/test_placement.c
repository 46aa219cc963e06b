/* Where tasks may run, read from manifests. */
#include "base/text.h"
#include "model/placement.h"
#include "unit.h"

#include <stdlib.h>

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static void test_container_instances(void **state)
{
    (void)state;
    struct container_instance_vec instances;
    json_t *json =
        parse("{\"davit\":{\"containerInstances\":[{\"name\":\"two\",\"status\":\"DRAINING\"},"
              "{\"name\":\"one\",\"status\":\"ACTIVE\",\"attributes\":{\"disk\":\"ssd\",\"gpu\":\"\"}}]}}");
    container_instances_from_json(json, &instances);
    json_decref(json);
    assert_int_equal(instances.len, 2);
    const struct container_instance *one = container_instances_find(&instances, "one");
    assert_non_null(one);
    assert_false(one->draining);
    assert_int_equal(one->attributes.len, 2);
    assert_string_equal(one->attributes.items[0].name, "disk");
    assert_string_equal(one->attributes.items[0].value, "ssd");
    assert_string_equal(one->attributes.items[1].value, "");
    assert_true(container_instances_find(&instances, "two")->draining);
    assert_null(container_instances_find(&instances, "three"));
    container_instances_deinit(&instances);

    json = parse("{\"clusterName\":\"c\"}");
    container_instances_from_json(json, &instances);
    json_decref(json);
    assert_int_equal(instances.len, 0);
    assert_null(container_instances_find(&instances, "one"));
    container_instances_deinit(&instances);
}

static void test_constraints(void **state)
{
    (void)state;
    struct placement_constraint_vec constraints;
    json_t *json =
        parse("{\"placementConstraints\":[{\"type\":\"distinctInstance\"},{\"type\":\"memberOf\","
              "\"expression\":\"attribute:a exists\"},{\"type\":\"memberOf\",\"expression\":\"(\"}]}");
    placement_constraints_from_json(json, &constraints);
    json_decref(json);
    assert_int_equal(constraints.len, 3);
    assert_null(constraints.items[0].expression);
    assert_string_equal(constraints.items[1].expression, "attribute:a exists");
    assert_non_null(constraints.items[1].query);
    assert_string_equal(constraints.items[2].expression, "("); /* kept: it holds of no instance */
    assert_null(constraints.items[2].query);
    placement_constraints_deinit(&constraints);
}

static const struct {
    const char *type;
    const char *field;
    enum placement_type is;
    const char *attribute;
    const char *wrong; /* within the message; NULL: it is right */
} strategies[] = {
    {"spread", "instanceId", PLACEMENT_SPREAD, NULL, NULL},
    {"spread", "host", PLACEMENT_SPREAD, NULL, NULL},
    {"spread", "attribute:rack", PLACEMENT_SPREAD, "rack", NULL},
    {"binpack", "cpu", PLACEMENT_BINPACK_CPU, NULL, NULL},
    {"binpack", "MEMORY", PLACEMENT_BINPACK_MEMORY, NULL, NULL},
    {"random", NULL, PLACEMENT_RANDOM, NULL, NULL},
    {"spread", "rack", 0, NULL, "attribute:NAME"},
    {"spread", "attribute:", 0, NULL, "attribute:NAME"},
    {"spread", NULL, 0, NULL, "attribute:NAME"},
    {"binpack", "disk", 0, NULL, "cpu or memory"},
    {"binpack", NULL, 0, NULL, "cpu or memory"},
    {NULL, "cpu", 0, NULL, "the type is"},
};

static void test_strategies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++) {
        struct placement_strategy strategy = {0};
        struct error err = ERROR_INIT;
        int r = placement_strategy_parse(strategies[i].type, strategies[i].field, &strategy, &err);
        assert_int_equal(r, strategies[i].wrong ? ERROR_INVALID : 0);
        if (strategies[i].wrong) {
            assert_non_null(strstr(err.message, strategies[i].wrong));
            continue;
        }
        assert_int_equal(strategy.type, strategies[i].is);
        assert_true(text_equal(strategy.attribute, strategies[i].attribute));
        free(strategy.attribute);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_container_instances),
                                       cmocka_unit_test(test_constraints), cmocka_unit_test(test_strategies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
