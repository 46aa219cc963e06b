/* Services beside the container instances that their cluster declares: what has no place, and what cannot be
 * rolled. */
#include "base/text.h"
#include "manifest_fixture.h"

#define ACTIVE(name)    "{name: " name ", attributes: {zone: " name "}}"
#define DRAINING(name)  "{name: " name ", status: DRAINING, attributes: {zone: " name "}}"
#define GPUS(name)      "{name: " name ", gpus: [g0, g1]}"
#define TWO             ACTIVE("a") ", " ACTIVE("b")
#define DISTINCT        "placementConstraints: [{type: distinctInstance}]\n"
#define MEMBER(text)    "{type: memberOf, expression: '" text "'}"
#define MEMBER_OF(text) "placementConstraints: [" MEMBER(text) "]\n"
#define COUNT(count)    "desiredCount: " #count "\n"
#define PERCENT(min, max)                                                                                    \
    "deploymentConfiguration: {minimumHealthyPercent: " #min ", maximumPercent: " #max "}\n"
#define PORT       "portMappings: [{containerPort: 80, hostPort: 80}]"
#define GPU(count) "resourceRequirements: [{type: GPU, value: '" #count "'}]"

static const struct {
    const char *instances; /* NULL: the cluster declares none */
    const char *service;
    const char *container;
    const char *definition;
    const char *expected; /* the beginning of the only warning; NULL: none */
} cases[] = {
    /* distinctInstance */
    {TWO, DISTINCT COUNT(2), "", "",
     "s.yaml:4:31: warning: an update cannot start: minimumHealthyPercent 100 of desiredCount 2 lets no task "
     "stop, and a new one has no other place in the cluster: distinctInstance keeps each on an instance of "
     "its "
     "own at /placementConstraints/0/type; declare another instance, or lower minimumHealthyPercent"},
    {TWO, DISTINCT COUNT(2) PERCENT(50, 200), "", "", NULL},
    {TWO, DISTINCT COUNT(2) PERCENT(0, 200), "", "",
     "s.yaml:4:31: warning: an update has downtime: minimumHealthyPercent 0 of desiredCount 2 lets all tasks "
     "stop, and a new one has no other place"},
    {TWO, DISTINCT COUNT(1), "", "", NULL},
    {TWO ", " ACTIVE("c"), DISTINCT COUNT(2), "", "", NULL},
    {TWO ", " DRAINING("c"), DISTINCT COUNT(2), "", "", "s.yaml:4:31: warning: an update cannot start"},
    {TWO, DISTINCT COUNT(3), "", "",
     "s.yaml:4:31: warning: 2 of 3 tasks can be placed: distinctInstance keeps each on an instance of its "
     "own, "
     "and the cluster has no more that are ACTIVE and meet the constraints at /placementConstraints/0/type; "
     "lower desiredCount, or declare more instances"},
    {TWO, DISTINCT COUNT(0), "", "", NULL},
    {TWO, COUNT(5), "", "", NULL},
    {NULL, DISTINCT COUNT(3), "", "", NULL},
    /* a port of the instance */
    {TWO ", " ACTIVE("c"), COUNT(3) PERCENT(50, 200), PORT, "", NULL},
    {TWO ", " ACTIVE("c"), COUNT(2), PORT, "", NULL},
    {TWO ", " ACTIVE("c"), COUNT(3), PORT, "",
     "s.yaml:3:17: warning: an update cannot start: minimumHealthyPercent 100 of desiredCount 3 lets no task "
     "stop, and a new one has no other place in the cluster: each takes port 80/tcp of its instance at "
     "/taskDefinition"},
    {TWO, COUNT(3) PERCENT(50, 200), PORT, "",
     "s.yaml:3:17: warning: 2 of 3 tasks can be placed: each takes port 80/tcp of its instance, and"},
    {TWO, "schedulingStrategy: DAEMON\n", PORT, "", NULL},
    {NULL, COUNT(3) PERCENT(50, 200), PORT, "",
     "s.yaml:3:17: warning: cannot run 2 tasks on one instance: both need its port 80/tcp; 3 tasks need 3 "
     "instances"},
    /* expressions */
    {TWO, MEMBER_OF("agentVersion >= 1.0"), "", "",
     "s.yaml:4:53: warning: no container instance has agentVersion here, which ECS's agent gives it: what it "
     "is "
     "compared with is never true at /placementConstraints/0/expression; remove it"},
    {NULL, MEMBER_OF("not(registeredAt < 2026-01-01)"), "", "",
     "s.yaml:4:53: warning: no container instance has registeredAt here"},
    {TWO, MEMBER_OF("agentVersion != 1.0"), "", "",
     "s.yaml:4:53: warning: no container instance has agentVersion here, which ECS's agent gives it: what it "
     "is "
     "compared with is always true"},
    {TWO, MEMBER_OF("attribute:zone == a and attribute:zone == b"), "", "",
     "s.yaml:4:53: warning: no ACTIVE container instance of cluster c can satisfy memberOf attribute:zone == "
     "a "
     "and attribute:zone == b: no task is placed at /placementConstraints/0/expression; change"},
    {TWO, MEMBER_OF("attribute:zone == x"), "", "", "s.yaml:4:53: warning: no ACTIVE container instance"},
    {TWO, MEMBER_OF("attribute:zone in [a, x]"), "", "", NULL},
    {TWO, MEMBER_OF("attribute:ecs.os-type == linux and attribute:zone == a"), "", "", NULL},
    {TWO, MEMBER_OF("attribute:ecs.os-type == linux and attribute:zone == x"), "", "",
     "s.yaml:4:53: warning: no ACTIVE container instance"},
    {ACTIVE("a"), MEMBER_OF("not(attribute:zone == a and attribute:zone == x)"), "", "", NULL},
    {ACTIVE("a"), MEMBER_OF("attribute:zone == x or attribute:zone == a"), "", "", NULL},
    {ACTIVE("a"), MEMBER_OF("not(attribute:zone == a or task:group == service:db)"), "", "",
     "s.yaml:4:53: warning: no ACTIVE container instance"},
    {TWO, MEMBER_OF("not(task:group == service:db)"), "", "", NULL},
    {TWO, MEMBER_OF("runningTasksCount == 0 and not(ec2InstanceId == a)"), "", "", NULL},
    {ACTIVE("a") ", " DRAINING("b"), MEMBER_OF("ec2InstanceId == b"), "", "",
     "s.yaml:4:53: warning: no ACTIVE container instance"},
    {TWO,
     "placementConstraints: [" MEMBER("attribute:zone == a") ", " MEMBER("not(ec2InstanceId == a)") "]\n", "",
     "",
     "s.yaml:3:17: warning: no task can be placed: no ACTIVE container instance of cluster c meets all of "
     "its "
     "constraints at /taskDefinition"},
    {TWO, "", "", MEMBER_OF("attribute:zone == x"),
     "s.yaml:3:17: warning: no ACTIVE container instance of cluster c can satisfy memberOf attribute:zone == "
     "x: "
     "no task is placed at /taskDefinition"},
    {TWO, "schedulingStrategy: DAEMON\n" MEMBER_OF("attribute:zone == x"), "", "",
     "s.yaml:5:53: warning: no ACTIVE container instance"},
    {NULL, MEMBER_OF("attribute:zone == a"), "", "",
     "s.yaml:4:53: warning: no container instance of cluster c can satisfy memberOf attribute:zone == a: no "
     "task is placed at /placementConstraints/0/expression; attributes of instances are what"},
    {NULL, MEMBER_OF("ec2InstanceId == local"), "", "", NULL},
    {TWO, DISTINCT COUNT(2) PERCENT(50, 200), "", MEMBER_OF("attribute:zone == a"),
     "s.yaml:4:31: warning: 1 of 2 tasks can be placed"},
    /* requiresAttributes */
    {TWO, "", "", "requiresAttributes: [{name: zone}, {name: ecs.capability.task-eni}]\n", NULL},
    {TWO, "", "", "requiresAttributes: [{name: com.amazonaws.ecs.capability.ecr-auth}]\n", NULL},
    {TWO, "", "", "requiresAttributes: [{name: zone, value: b}]\n", NULL},
    {TWO, "", "", "requiresAttributes: [{name: zone, value: x}]\n",
     "s.yaml:3:17: warning: no ACTIVE container instance of cluster c can satisfy memberOf attribute:zone == "
     "'x': no task is placed at /taskDefinition"},
    {TWO, "", "", "requiresAttributes: [{name: disk}]\n",
     "s.yaml:3:17: warning: no ACTIVE container instance of cluster c can satisfy memberOf attribute:disk "
     "exists"},
    /* GPUs */
    {TWO, "", GPU(1), "",
     "s.yaml:3:17: warning: no task can be placed: each takes 1 GPU, and no ACTIVE container instance of "
     "cluster "
     "c has as many at /taskDefinition; declare them as gpus"},
    {NULL, "", GPU(1), "", "s.yaml:3:17: warning: no task can be placed: each takes 1 GPU, and no container"},
    {GPUS("a"), "", GPU(3), "", "s.yaml:3:17: warning: no task can be placed: each takes 3 GPUs, and"},
    {TWO, "", GPU(ALL), "", "s.yaml:3:17: warning: no task can be placed: each takes all GPUs"},
    {GPUS("a"), COUNT(1), GPU(1), "", NULL},
    {GPUS("a"), COUNT(2), GPU(1), "",
     "s.yaml:3:17: warning: an update cannot start: minimumHealthyPercent 100 of desiredCount 2 lets no task "
     "stop, and a new one has no other place in the cluster: each takes 1 GPU at"},
    {GPUS("a"), COUNT(3), GPU(1), "", "s.yaml:3:17: warning: 2 of 3 tasks can be placed: each takes 1 GPU"},
    {GPUS("a"), COUNT(2), GPU(2), "", "s.yaml:3:17: warning: 1 of 2 tasks can be placed: each takes 2 GPUs"},
    {GPUS("a") ", " GPUS("b"), COUNT(2) PERCENT(50, 200), GPU(ALL), "", NULL},
    /* capacity providers */
    {"{name: a, capacityProvider: spot, status: DRAINING}, {name: b, capacityProvider: other}",
     "capacityProviderStrategy: [{capacityProvider: spot, weight: 1}]\n" DISTINCT, "", "",
     "s.yaml:3:17: warning: no task can be placed: no ACTIVE container instance of cluster c meets all of "
     "its "
     "constraints and is of its capacity providers"},
    /* all of them are to be left */
    {DRAINING("a") ", " DRAINING("b"), DISTINCT COUNT(3), "", "",
     "c.yaml:1:1: warning: no task can be placed in cluster c: all of its container instances are DRAINING "
     "at "
     "/davit/containerInstances; leave one ACTIVE, or declare another"},
};

static void test_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        char *cluster CLEANUP_FREE =
            cases[i].instances
                ? memory_printf("clusterName: c\ndavit: {containerInstances: [%s]}\n", cases[i].instances)
                : memory_strdup("clusterName: c\n");
        char *service CLEANUP_FREE =
            memory_printf("cluster: c\nserviceName: s\ntaskDefinition: web\n%s", cases[i].service);
        char *definition CLEANUP_FREE =
            memory_printf("family: web\n%scontainerDefinitions:\n- {name: app, image: a, memory: 4, %s}\n",
                          cases[i].definition, cases[i].container);
        fixture_put(fixture, "c.yaml", cluster);
        fixture_put(fixture, "s.yaml", service);
        fixture_put(fixture, "web.yaml", definition);
        int r = fixture_build(fixture);
        size_t len = fixture->diagnostics.list.len;
        char *text CLEANUP_FREE = len ? diagnostic_to_text(&fixture->diagnostics.list.items[0]) : NULL;
        if (r == 0 && len == (cases[i].expected ? 1 : 0) &&
            (!len || text_starts_with(text, cases[i].expected)))
            continue;
        fixture_print(fixture);
        fail_msg("case %zu: expected %s", i, cases[i].expected ? cases[i].expected : "nothing");
    }
}

/* What an instance is changes without a change of the service. */
static void test_told_again_when_the_cluster_changes(void **state)
{
    (void)state;
    static const char *const service =
        "cluster: c\nserviceName: s\ntaskDefinition: web\n" DISTINCT COUNT(2) PERCENT(50, 200);
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "c.yaml", "clusterName: c\ndavit: {containerInstances: [" TWO "]}\n");
    fixture_put(fixture, "s.yaml", service);
    fixture_put(fixture, "web.yaml",
                "family: web\ncontainerDefinitions:\n- {name: app, image: a, memory: 4}\n");
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->diagnostics.list.len, 0);
    fixture_put(fixture, "c.yaml", "clusterName: c\ndavit: {containerInstances: [" ACTIVE("a") "]}\n");
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->diagnostics.list.len, 1);
}

/* They say where a task may run: none is replaced for it. */
static void test_required_attributes_are_no_content(void **state)
{
    (void)state;
    static const char plain[] = "family: web\ncontainerDefinitions:\n- {name: app, image: a, memory: 4}\n";
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "web.yaml", plain);
    assert_int_equal(fixture_build(fixture), 0);
    const struct task_definition *web = desired_task_definition(fixture->desired, "web");
    struct digest digest = web->digest;
    assert_int_equal(web->constraints.len, 0);
    char *asking CLEANUP_FREE =
        memory_printf("%srequiresAttributes: [{name: zone, value: a}, {name: ecs.capability.efs}]\n", plain);
    fixture_put(fixture, "web.yaml", asking);
    assert_int_equal(fixture_build(fixture), 0);
    web = desired_task_definition(fixture->desired, "web");
    assert_true(digest_equal(&web->digest, &digest));
    assert_int_equal(web->revision, 1);
    assert_int_equal(web->constraints.len, 1);
    assert_string_equal(web->constraints.items[0].expression, "attribute:zone == 'a'");
    struct task_definition *again = NULL; /* as a snapshot and the ledger keep it */
    assert_int_equal(manifest_task_definition(web->json, 1, &again), 0);
    assert_int_equal(again->constraints.len, 1);
    task_definition_unref(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_required_attributes_are_no_content),
        cmocka_unit_test(test_told_again_when_the_cluster_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
