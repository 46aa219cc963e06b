/* Events in EventBridge's envelope. */
#include "base/text.h"
#include "model/json.h"
#include "report/event.h"
#include "report/message.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const struct report_place place = {"local", "000000000000", "demo", "web"};

static struct deployment deployment_of(enum deployment_state state, const char *reason)
{
    return (struct deployment){.id = "ecs-svc/1234",
                               .family = (char *)"web",
                               .revision = 3,
                               .commit = {.oid = "21d64bd2"},
                               .state = state,
                               .reason = (char *)reason,
                               .created_ms = 1700000000123,
                               .updated_ms = 1700000065000,
                               .ended_ms = state == DEPLOYMENT_IN_PROGRESS ? 0 : 1700000060000};
}

static const char *detail_of(const json_t *event, const char *key)
{
    return model_string(json_object_get(event, "detail"), key);
}

static void test_deployments(void **state)
{
    (void)state;
    static const struct {
        enum deployment_state now;
        enum deployment_state told;
        const char *reason;
        const char *name;
        const char *type;
        const char *expected;
        const char *at;
    } cases[] = {
        {DEPLOYMENT_IN_PROGRESS, DEPLOYMENT_IN_PROGRESS, NULL, "SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO",
         "ECS deployment ecs-svc/1234 in progress.", "2023-11-14T22:13:20Z"},
        {DEPLOYMENT_FAILED, DEPLOYMENT_FAILED, "tasks failed to start.", "SERVICE_DEPLOYMENT_FAILED", "ERROR",
         "tasks failed to start.", "2023-11-14T22:14:20Z"},
        {DEPLOYMENT_FAILED, DEPLOYMENT_IN_PROGRESS, "tasks failed to start.",
         "SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO", "ECS deployment ecs-svc/1234 in progress.",
         "2023-11-14T22:13:20Z"},
        {DEPLOYMENT_COMPLETED, DEPLOYMENT_COMPLETED, NULL, "SERVICE_DEPLOYMENT_COMPLETED", "INFO",
         "ECS deployment ecs-svc/1234 completed.", "2023-11-14T22:14:20Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct deployment deployment = deployment_of(cases[i].now, cases[i].reason);
        json_t *event CLEANUP(json_decrefp) = report_event_deployment(&place, &deployment, cases[i].told);
        json_t *again CLEANUP(json_decrefp) = report_event_deployment(&place, &deployment, cases[i].told);
        assert_string_equal(model_string(event, "version"), "0");
        assert_string_equal(model_string(event, "source"), "aws.ecs");
        assert_string_equal(model_string(event, "detail-type"), "ECS Deployment State Change");
        assert_string_equal(model_string(event, "time"), cases[i].at);
        assert_string_equal(json_string_value(json_array_get(json_object_get(event, "resources"), 0)),
                            "arn:aws:ecs:local:000000000000:service/demo/web");
        assert_string_equal(detail_of(event, "eventName"), cases[i].name);
        assert_string_equal(detail_of(event, "eventType"), cases[i].type);
        assert_string_equal(detail_of(event, "reason"), cases[i].expected);
        assert_string_equal(detail_of(event, "deploymentId"), "ecs-svc/1234");
        assert_int_equal(strlen(model_string(event, "id")), 36);
        assert_string_equal(model_string(event, "id"), model_string(again, "id"));
        assert_int_equal(model_string(event, "id")[14], '8');
        assert_non_null(strchr("89ab", model_string(event, "id")[19]));
    }
}

static bool tells_rollback(const struct deployment *deployment)
{
    json_t *event CLEANUP(json_decrefp) = report_event_deployment(&place, deployment, deployment->state);
    return model_bool(json_object_get(json_object_get(event, "detail"), "davit"), "rollback");
}

static void test_a_rollback_is_told(void **state)
{
    (void)state;
    struct deployment deployment = deployment_of(DEPLOYMENT_COMPLETED, NULL);
    assert_false(tells_rollback(&deployment));
    deployment.rollback_of = digest_of_bytes("x", 1);
    assert_true(tells_rollback(&deployment));
}

static void test_ids_differ(void **state)
{
    (void)state;
    struct deployment deployment = deployment_of(DEPLOYMENT_FAILED, "x");
    json_t *one CLEANUP(json_decrefp) = report_event_deployment(&place, &deployment, DEPLOYMENT_FAILED);
    json_t *two CLEANUP(json_decrefp) = report_event_deployment(&place, &deployment, DEPLOYMENT_IN_PROGRESS);
    assert_string_not_equal(model_string(one, "id"), model_string(two, "id"));
}

static void test_actions(void **state)
{
    (void)state;
    assert_null(report_action_name("(service web) has started 1 tasks: (task a)."));
    const char *steady = "(service web) has reached a steady state.";
    assert_string_equal(report_action_name(steady), "SERVICE_STEADY_STATE");
    assert_string_equal(
        report_action_name("was unable to place a task because no container instance met all"),
        "SERVICE_TASK_PLACEMENT_FAILURE");
    json_t *event CLEANUP(json_decrefp) = report_event_action(
        &place, &(struct report_action){report_action_name(steady), steady, "ecs-svc/1234", 1700000000123});
    assert_string_equal(model_string(event, "detail-type"), "ECS Service Action");
    assert_string_equal(detail_of(event, "eventType"), "INFO");
    assert_string_equal(detail_of(event, "clusterArn"), "arn:aws:ecs:local:000000000000:cluster/demo");
    assert_string_equal(detail_of(event, "createdAt"), "2023-11-14T22:13:20.123Z");
}

static void test_commits(void **state)
{
    (void)state;
    const struct commit commit = {.oid = "21d64bd2", .subject = (char *)"web: new greeting"};
    const struct report_place cluster = {"local", "000000000000", "demo", NULL};
    json_t *event CLEANUP(json_decrefp) =
        report_event_commit(&cluster, &(struct report_commit){"shop", &commit, "davit/demo", REPORT_SUCCESS,
                                                              "1 service deployed", 0});
    assert_string_equal(model_string(event, "source"), "davit");
    assert_string_equal(detail_of(event, "context"), "davit/demo");
    assert_string_equal(detail_of(event, "state"), "success");
    assert_string_equal(model_string(json_object_get(json_object_get(event, "detail"), "commit"), "oid"),
                        "21d64bd2");
}

/* Of no cluster: no resource is made up. */
static void test_sources(void **state)
{
    (void)state;
    static const struct {
        const char *event;
        const char *type;
    } cases[] = {{REPORT_SOURCE_IMPAIRED, "WARN"},
                 {REPORT_SOURCE_RECOVERED, "INFO"},
                 {REPORT_SOURCE_REWRITTEN, "WARN"}};
    const struct report_place none = {"local", "000000000000", NULL, NULL};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool is_rewrite = text_equal(cases[i].event, REPORT_SOURCE_REWRITTEN);
        const struct report_source source = {.event = cases[i].event,
                                             .name = "shop",
                                             .origin = "https://git.example.org/shop.git",
                                             .branch = "main",
                                             .reason = "why",
                                             .from = is_rewrite ? "21d64bd2" : NULL,
                                             .to = is_rewrite ? "c0ffee" : NULL,
                                             .fork = is_rewrite ? "" : NULL,
                                             .at_ms = 1700000000123};
        json_t *event CLEANUP(json_decrefp) = report_event_source(&none, &source);
        assert_string_equal(model_string(event, "source"), "davit");
        assert_string_equal(model_string(event, "detail-type"), "davit Source State Change");
        assert_true(json_is_array(json_object_get(event, "resources")));
        assert_int_equal(json_array_size(json_object_get(event, "resources")), 0);
        assert_string_equal(detail_of(event, "eventType"), cases[i].type);
        assert_string_equal(detail_of(event, "eventName"), cases[i].event);
        assert_string_equal(detail_of(event, "reason"), "why");
        assert_string_equal(detail_of(event, "createdAt"), "2023-11-14T22:13:20.123Z");
        const json_t *own = json_object_get(json_object_get(event, "detail"), "davit");
        assert_string_equal(model_string(own, "source"), "shop");
        assert_string_equal(model_string(own, "branch"), "main");
        assert_int_equal(model_string(own, "from") != NULL, is_rewrite);
        assert_int_equal(model_string(own, "to") != NULL, is_rewrite);
        assert_null(model_string(own, "fork"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deployments), cmocka_unit_test(test_a_rollback_is_told),
        cmocka_unit_test(test_ids_differ),  cmocka_unit_test(test_actions),
        cmocka_unit_test(test_commits),     cmocka_unit_test(test_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
