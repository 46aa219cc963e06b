/* desiredCount absent: git does not own the count. */
#include "fixture.h"

#include "base/text.h"

#include <stdlib.h>

#define SERVICE(more) "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\"" more "}"
#define ABSENT        SERVICE("")

static struct view_service view_of(const struct fixture *fixture)
{
    struct view_service view;
    assert_true(core_view_service(fixture->core, "c", "web", &view));
    return view;
}

static int count(const struct fixture *fixture)
{
    return view_of(fixture).desired->desired_count;
}

static struct fixture *fixture_of(int tasks)
{
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", tasks, 0);
    fixture_run(fixture);
    return fixture;
}

static void test_it_stays_as_it_is(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(3);
    fixture_file(fixture, "web-service.json", ABSENT);
    fixture_run(fixture);
    assert_int_equal(count(fixture), 3);
    assert_int_equal(view_of(fixture).running_count, 3);
    fixture_file(
        fixture, "web-definition.json",
        "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"n\",\"memory\":64}]}");
    fixture_turn(fixture);
    assert_int_equal(service_ledger_primary(view_of(fixture).ledger)->desired_count, 3);
    fixture_file(fixture, "web-service.json", SERVICE(",\"desiredCount\":2"));
    assert_int_equal(count(fixture), 2);
    fixture_file(fixture, "web-service.json", ABSENT); /* before it was planned */
    assert_int_equal(count(fixture), 2);
    fixture_file(fixture, "web-service.json", NULL);
    fixture_file(fixture, "web-service.json", ABSENT); /* it was never gone */
    assert_int_equal(count(fixture), 2);               /* what git said last, and the ledger has */
}

static void test_a_new_one_has_the_default(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_commit(fixture, "web", "nginx", 3, 0);
    fixture_file(fixture, "web-service.json", NULL); /* it never was planned */
    fixture_empty(fixture, "one");
    fixture_run(fixture);
    fixture_file(fixture, "web-service.json", ABSENT);
    assert_int_equal(count(fixture), 1);
}

static void test_over_a_restart(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of(3);
    struct fixture *second CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(second, (struct event){.kind = EVENT_LEDGER,
                                        .ledger = {LEDGER_SERVICE, memory_strdup("c/web"),
                                                   service_ledger_to_json(view_of(first).ledger)}});
    fixture_file(
        second, "web-definition.json",
        "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"n\",\"memory\":64}]}");
    fixture_file(second, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(second, "web-service.json", ABSENT);
    assert_int_equal(count(second), 3);
}

static int join(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void test_a_snapshot_keeps_it(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(3);
    fixture_file(fixture, "web-service.json", ABSENT);
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(fixture->core, join, snapshot), 0);
    core_free(fixture->core);
    assert_int_equal(core_restore(snapshot, &fixture->core, NULL), 0);
    assert_int_equal(count(fixture), 3);
    assert_true(view_of(fixture).desired->count_absent);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_stays_as_it_is),
        cmocka_unit_test(test_a_new_one_has_the_default),
        cmocka_unit_test(test_over_a_restart),
        cmocka_unit_test(test_a_snapshot_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
