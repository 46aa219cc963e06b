#include "model/action.h"
#include "model/observed.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct container *sample(void)
{
    struct container *container = NEW(struct container);
    container->id = memory_strdup("0123abcd");
    container->name = memory_strdup("davit-prod-web-app-aaaaaaaaaaaa");
    container->instance = memory_strdup("local");
    container->labels = (struct task_labels){.owner = memory_strdup("me"),
                                             .cluster = memory_strdup("prod"),
                                             .service = memory_strdup("web"),
                                             .deployment = memory_strdup("ecs-svc/1"),
                                             .family = memory_strdup("web"),
                                             .revision = 2,
                                             .digest = digest_of_bytes("x", 1),
                                             .essential = 2};
    memset(container->labels.task, 'a', ID_HEX_SIZE - 1);
    container->labels.spec = NEW(struct container_spec);
    *container->labels.spec = (struct container_spec){.name = memory_strdup("app"),
                                                      .essential = true,
                                                      .stop_timeout_s = 5,
                                                      .has_health_check = true,
                                                      .memory_mib = 64};
    vector_push(&container->labels.spec->depends_on,
                (struct container_dependency){memory_strdup("init"), DEPENDENCY_SUCCESS});
    vector_push(&container->labels.spec->ports, (struct port_mapping){80, 8080, false});
    container->labels.spec->restart.enabled = true;
    container->labels.spec->restart.period_s = 90;
    vector_push(&container->labels.spec->restart.ignored_exit_codes, 0);
    vector_push(&container->labels.spec->restart.ignored_exit_codes, 143);
    container->status = CONTAINER_RUNNING;
    container->health = HEALTH_HEALTHY;
    container->started_ms = 77;
    vector_push(&container->ports, (struct port_binding){80, 32768, false, "0.0.0.0"});
    return container;
}

static void test_container_survives_json(void **state)
{
    (void)state;
    struct container *container = sample();
    json_t *json = container_to_json(container);
    struct container *back = NULL;
    assert_int_equal(container_from_json(json, &back, NULL), 0);
    assert_true(container_equal(container, back));
    json_t *again = container_to_json(back);
    assert_true(json_equal(json, again));
    assert_int_equal(back->labels.spec->stop_timeout_s, 5);
    assert_int_equal(back->labels.spec->depends_on.items[0].condition, DEPENDENCY_SUCCESS);
    back->health = HEALTH_UNHEALTHY;
    assert_false(container_equal(container, back));
    struct container *copy = container_copy(container);
    assert_true(container_equal(container, copy));
    json_decref(json);
    json_decref(again);
    container_free(container);
    container_free(back);
    container_free(copy);
}

static void check_restart(const struct restart_policy *policy)
{
    assert_true(policy->enabled);
    assert_int_equal(policy->period_s, 90);
    assert_int_equal(policy->ignored_exit_codes.len, 2);
    assert_int_equal(policy->ignored_exit_codes.items[0], 0);
    assert_int_equal(policy->ignored_exit_codes.items[1], 143);
}

/* Each has what it had, also when the other is gone, and tells apart by any of its strings. */
static void test_containers_share_what_is_the_same(void **state)
{
    (void)state;
    struct container *first = sample();
    struct container *second CLEANUP(container_freep) = container_copy(first);
    struct container *third = container_copy(first);
    memset(second->labels.task, 'b', sizeof second->labels.task - 1);
    second->labels.revision = 8;
    json_t *before = container_to_json(second);
    assert_true(container_share(second, first));
    assert_true(container_share(third, second));
    assert_ptr_equal(second->labels.owner, first->labels.owner);
    assert_ptr_equal(third->labels.spec->name, first->labels.spec->name);
    struct container *copy = container_copy(second);
    assert_ptr_not_equal(copy->labels.owner, second->labels.owner);
    container_free(first);
    container_free(third);
    json_t *after = container_to_json(second);
    assert_true(json_equal(before, after));
    copy->labels.spec->stop_timeout_s++;
    assert_false(container_share(copy, second));
    copy->labels.spec->stop_timeout_s--;
    copy->labels.spec->depends_on.items[0].condition = DEPENDENCY_START;
    assert_false(container_share(copy, second));
    container_free(copy);
    copy = container_copy(second);
    free(copy->labels.deployment);
    copy->labels.deployment = memory_strdup("ecs-svc/another");
    assert_false(container_share(copy, second));
    container_free(copy);
    json_decref(before);
    json_decref(after);
}

/* It is in the label of the container alone, once davit has started anew. */
static void test_a_restart_policy_survives_labels(void **state)
{
    (void)state;
    struct container *container CLEANUP(container_freep) = sample();
    struct task_labels back CLEANUP(task_labels_deinit) = {0};
    struct task_labels copy CLEANUP(task_labels_deinit) = {0};
    json_t *labels = task_labels_to_json(&container->labels);
    assert_int_equal(task_labels_from_json(labels, &back, NULL), 0);
    check_restart(&back.spec->restart);
    task_labels_copy(&back, &copy);
    check_restart(&copy.spec->restart);
    json_decref(labels);
    struct container *without CLEANUP(container_freep) = container_copy(container);
    without->labels.spec->restart.enabled = false;
    labels = task_labels_to_json(&without->labels);
    struct task_labels none CLEANUP(task_labels_deinit) = {0};
    assert_int_equal(task_labels_from_json(labels, &none, NULL), 0);
    assert_false(none.spec->restart.enabled);
    json_decref(labels);
}

static void test_foreign_and_damaged_labels(void **state)
{
    (void)state;
    struct container *container = sample();
    json_t *labels = task_labels_to_json(&container->labels);
    struct task_labels out;
    json_t *foreign = json_pack("{s:s}", "com.example", "x");
    assert_int_equal(task_labels_from_json(foreign, &out, NULL), ERROR_NOT_FOUND);
    json_object_set_new(labels, LABEL_CONTAINER, json_string("{nonsense"));
    assert_int_equal(task_labels_from_json(labels, &out, NULL), ERROR_INVALID);
    json_object_del(labels, LABEL_TASK);
    assert_int_equal(task_labels_from_json(labels, &out, NULL), ERROR_INVALID);
    json_decref(foreign);
    json_decref(labels);
    container_free(container);
}

static void test_container_name_is_what_docker_takes(void **state)
{
    (void)state;
    struct container *container = sample();
    char *name = action_container_name(&container->labels);
    assert_string_equal(name, "davit-prod-web-app-aaaaaaaaaaaa");
    free(name);
    container_free(container);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_container_survives_json),
        cmocka_unit_test(test_a_restart_policy_survives_labels),
        cmocka_unit_test(test_containers_share_what_is_the_same),
        cmocka_unit_test(test_foreign_and_damaged_labels),
        cmocka_unit_test(test_container_name_is_what_docker_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
