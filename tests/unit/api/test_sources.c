/* Several sources: infra has cluster demo and service web, shop has service api. */
#include "fixture.h"

#include "base/text.h"
#include "model/json.h"
#include "unit.h"

static const struct core_source_options two_sources[] = {{"infra", NULL}, {"shop", NULL}};

#define SHOP                                                                                                 \
    "kind: TaskDefinition\nfamily: api\ncontainerDefinitions: [{name: api, image: 'nginx:1', memory: "       \
    "64}]\n---\n"                                                                                            \
    "kind: Service\nserviceName: api\ncluster: demo\ntaskDefinition: api\ndesiredCount: 1\n"
#define MORE(name, family)                                                                                   \
    "---\nkind: Service\nserviceName: " name "\ncluster: demo\ntaskDefinition: " family "\ndesiredCount: "   \
    "1\n"
/* Of a service. */
#define NEVER                                                                                                \
    "davit: {changeWindows: [{kind: deny, durationMinutes: 44640, schedule: 'cron(0 0 1 * ? *)'}]}\n"
#define OTHER                                                                                                \
    "kind: TaskDefinition\nfamily: other\ncontainerDefinitions: [{name: o, image: 'nginx:1', memory: 64}]\n"

static int setup(void **state)
{
    struct fixture *fixture = NEW(struct fixture);
    fixture_init_with(fixture, two_sources, 2);
    char *yaml CLEANUP_FREE = memory_printf(FIXTURE_MANIFEST, "nginx:1");
    fixture_commit_to(fixture, "infra", "a1", yaml);
    fixture_commit_to(fixture, "shop", "b2", SHOP);
    fixture_settle(fixture, 20000);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

static void test_status_of_several_sources(void **state)
{
    struct fixture *fixture = *state;
    json_t *answer CLEANUP(json_decrefp) = fixture_ask(fixture, "GET", "/v1/status", NULL);
    const json_t *sources = json_object_get(answer, "sources");
    assert_int_equal(json_array_size(sources), 2);
    assert_string_equal(model_string(json_array_get(sources, 0), "name"), "infra");
    assert_string_equal(model_string(json_array_get(sources, 1), "rolloutState"), "COMPLETED");
    assert_true(json_equal(json_object_get(answer, "source"), json_array_get(sources, 0)));
    const json_t *service = json_array_get(json_object_get(answer, "services"), 0);
    assert_string_equal(model_string(service, "name"), "api");
    assert_string_equal(model_string(service, "source"), "shop");
    fixture_commit_to(fixture, "shop", "c3", "kind: Cluster\nclusterName: demo\n---\n" SHOP);
    json_t *later CLEANUP(json_decrefp) = fixture_ask(fixture, "GET", "/v1/source", NULL);
    sources = json_object_get(later, "sources");
    assert_false(model_bool(json_array_get(sources, 0), "refused"));
    assert_true(model_bool(json_array_get(sources, 1), "refused"));
}

static void test_reconcile_of_one_source(void **state)
{
    struct fixture *fixture = *state;
    json_decref(fixture_ask(fixture, "POST", "/v1/reconcile", "{'source':'shop'}"));
    assert_string_equal(fixture->poked_source, "shop");
    json_decref(fixture_ask(fixture, "POST", "/v1/reconcile", NULL));
    assert_null(fixture->poked_source);
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/reconcile", "{'source':'none'}").message,
                        "there is no source \"none\": there is infra, shop");
}

static void test_diff_of_one_source(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/diff", "{'services':[]}").message,
                        "there are several sources: name one of infra, shop");
    json_t *answer CLEANUP(json_decrefp) =
        fixture_ask(fixture, "POST", "/v1/diff", "{'services':[],'source':'shop'}");
    const json_t *list = json_object_get(answer, "differences");
    assert_int_equal(json_array_size(list), 1); /* web is of the other */
    assert_string_equal(model_string(json_array_get(list, 0), "service"), "api");
}

static void test_approve_of_one_source(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'b2b2b2b'}").message,
                        "no commit is held, and no change waits for its window");
    fixture_commit_to(fixture, "shop", "c3", SHOP MORE("api2", "api"));
    fixture_commit_to(fixture, "shop", "d4", OTHER); /* removes both */
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'a1a1a1a'}").message,
                        "not commit a1a1a1a but d4d4d4d4d4d4 of source shop waits for an approval");
    json_t *answer CLEANUP(json_decrefp) =
        fixture_ask(fixture, "POST", "/v1/approve", "{'commit':'d4d4d4d'}");
    assert_string_equal(model_string(json_object_get(answer, "commit"), "subject"), "commit d4");
}

/* A name means the newest commit of the source that waits, where one does. */
static void test_approve_by_name_of_several_sources(void **state)
{
    struct fixture *fixture = *state;
    char *web CLEANUP_FREE =
        memory_printf(FIXTURE_MANIFEST "---\nkind: Service\ncluster: demo\nserviceName: db\n"
                                       "taskDefinition: web\n",
                      "nginx:1");
    fixture_commit_to(fixture, "shop", "c3", SHOP MORE("api2", "api"));
    fixture_commit_to(fixture, "infra", "c4", web);
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'HEAD'}").message,
                        "no commit is held, and no change waits for its window");
    assert_string_equal(
        fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'feature'}").message,
        "commit: \"feature\" is not known: HEAD, the branch or the digits of a commit's id are "
        "wanted");
    fixture_commit_to(fixture, "shop", "d4", OTHER);
    fixture_commit_to(fixture, "infra", "d5", "kind: Cluster\nclusterName: demo\n");
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'HEAD'}").message,
                        "HEAD may be one of several, d5d5d5d5d5d5 of source infra, d4d4d4d4d4d4 of source "
                        "shop: give the digits of its id");
    json_decref(fixture_ask(fixture, "POST", "/v1/approve", "{'commit':'d5d5d5d'}"));
    json_t *answer CLEANUP(json_decrefp) = fixture_ask(fixture, "POST", "/v1/approve", "{'commit':'HEAD'}");
    assert_string_equal(model_string(json_object_get(answer, "commit"), "subject"), "commit d4");
}

/* Two paths of one repository: an id is of both, and approves both. */
static void test_approve_of_a_commit_that_two_sources_have(void **state)
{
    struct fixture *fixture = *state;
    char *web CLEANUP_FREE = memory_printf(FIXTURE_MANIFEST MORE("db", "web"), "nginx:1");
    fixture_commit_to(fixture, "shop", "c3", SHOP MORE("api2", "api"));
    fixture_commit_to(fixture, "infra", "c3", web);
    fixture_commit_to(fixture, "shop", "d4", OTHER);
    fixture_commit_to(fixture, "infra", "d4", "kind: Cluster\nclusterName: demo\n");
    json_decref(fixture_ask(fixture, "POST", "/v1/approve", "{'commit':'d4d4d4d'}"));
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'HEAD'}").message,
                        "no commit is held, and no change waits for its window");
}

/* The change of one waits for its window, the other has nothing that does. */
static void test_approve_of_the_source_whose_change_waits(void **state)
{
    struct fixture *fixture = *state;
    fixture_commit_to(fixture, "shop", "d4", SHOP MORE("api2", "api") NEVER);
    assert_string_equal(fixture_refusal(fixture, "POST", "/v1/approve", "{'commit':'a1a1a1a'}").message,
                        "not commit a1a1a1a but d4d4d4d4d4d4 of source shop waits for an approval");
    json_t *answer CLEANUP(json_decrefp) = fixture_ask(fixture, "POST", "/v1/approve", "{'commit':'HEAD'}");
    assert_string_equal(model_string(json_object_get(answer, "commit"), "subject"), "commit d4");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_status_of_several_sources),
        CASE(test_reconcile_of_one_source),
        CASE(test_diff_of_one_source),
        CASE(test_approve_of_one_source),
        CASE(test_approve_by_name_of_several_sources),
        CASE(test_approve_of_a_commit_that_two_sources_have),
        CASE(test_approve_of_the_source_whose_change_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
