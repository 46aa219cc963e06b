/* Every rule of a manifest: a text that breaks it beside one that keeps it. */
#include "base/buffer.h"
#include "base/text.h"
#include "manifest_fixture.h"

/* clang-format off */
#define TASK(members)       "{\"family\":\"web\"," members "}"
#define CONTAINERS(list)    TASK("\"containerDefinitions\":[" list "]")
#define CONTAINER(members)  "{\"name\":\"app\",\"image\":\"nginx\",\"memoryReservation\":4" members "}"
#define BARE(members)       CONTAINERS("{\"name\":\"app\",\"image\":\"nginx\"" members "}")
#define ONE(members)        CONTAINERS(CONTAINER(members))
#define OTHER(name, rest)   "{\"name\":\"" name "\",\"image\":\"nginx\",\"memoryReservation\":4" rest "}"
#define SIDE(name, rest)    OTHER(name, ",\"essential\":false" rest)
#define NEEDS(name, what)   ",\"dependsOn\":[{\"containerName\":\"" name "\",\"condition\":\"" what "\"}]"
#define HEALTH              ",\"healthCheck\":{\"command\":[\"CMD\",\"true\"]}"
#define PORT(port, host)    ",\"portMappings\":[{\"containerPort\":" #port ",\"hostPort\":" #host "}]"
#define SERVICE(members)    "{\"serviceName\":\"s\",\"taskDefinition\":\"web\"" members "}"
#define ROUTED(target)      SERVICE(",\"loadBalancers\":[{" target "}]")
#define SCHEDULE(arn, task) "{\"Name\":\"n\",\"ScheduleExpression\":\"rate(1 hour)\",\"Target\":{\"Arn\":\"" arn "\",\"EcsParameters\":{\"TaskDefinitionArn\":\"" task "\"}}}"
#define GROUP(name)         "{\"kind\":\"TargetGroup\",\"Name\":\"" name "\"}"
#define LISTENER(group)     "{\"LoadBalancerArn\":\"lb\",\"Protocol\":\"HTTP\",\"Port\":80,\"DefaultActions\":[{\"Type\":\"forward\",\"TargetGroupArn\":\"" group "\"}]}"
#define PROVIDER(name)      "{\"name\":\"" name "\",\"autoScalingGroupProvider\":{\"autoScalingGroupArn\":\"a\"}}"
#define FROM(name)          ",\"capacityProviderStrategy\":[{\"capacityProvider\":\"" name "\"}]"
#define RUN(members)        "{\"kind\":\"RunTask\",\"taskDefinition\":\"web\"" members "}"
#define OVERRIDE(name)      ",\"overrides\":{\"containerOverrides\":[{\"name\":\"app\"},{\"name\":\"" name "\",\"command\":[\"x\"]}]}"
#define ID(id)              "\"Id\":\"" id "\","
#define SCHEDULE_WITH(input)                                                                                 \
    "{\"Name\":\"n\",\"ScheduleExpression\":\"rate(1 hour)\",\"Target\":{\"Arn\":\"default\",\"EcsParameters\":{"  \
    "\"TaskDefinitionArn\":\"web\"},\"Input\":\"" input "\"}}"
#define TARGET(id, name)    "{" id "\"Arn\":\"default\",\"EcsParameters\":{\"TaskDefinitionArn\":\"web\"},\"Input\":\"{\\\"containerOverrides\\\":[{\\\"name\\\":\\\"" name "\\\"}]}\"}"
#define INSTANCES(list)     "{\"clusterName\":\"c\",\"davit\":{\"containerInstances\":[" list "]}}"
#define TEN                 MEMBER "," MEMBER "," MEMBER "," MEMBER "," MEMBER "," MEMBER "," MEMBER "," MEMBER "," MEMBER "," MEMBER
#define MEMBER              "{\"type\":\"memberOf\",\"expression\":\"attribute:a exists\"}"
#define CONSTRAINED(list)   SERVICE(",\"placementConstraints\":[" list "]")
#define STRATEGY(item)      SERVICE(",\"placementStrategy\":[" item "]")
#define PERCENT(min, max)   ",\"deploymentConfiguration\":{\"minimumHealthyPercent\":" #min ",\"maximumPercent\":" #max "}"
#define ZONES(value)        ",\"availabilityZoneRebalancing\":\"" value "\""
#define DAEMON              ",\"schedulingStrategy\":\"DAEMON\""
/* clang-format on */

struct rule {
    const char *text;    /* a.json */
    const char *other;   /* b.json, or NULL */
    const char *code;    /* of the only diagnostic; NULL when there is none */
    const char *pointer; /* where it points, NULL for anywhere */
    const char *words;   /* within its message and hint */
};

/* Returns whether it came out as expected, and prints what did. What the fixture held before goes. */
static bool holds(struct fixture *fixture, const struct rule *rule, enum severity severity)
{
    fixture_put(fixture, "a.json", rule->text);
    fixture_put(fixture, "b.json", rule->other);
    map_clear(&fixture->families);
    int first_r = fixture_build(fixture);
    int r = fixture_build(fixture); /* told again while the cause is there */
    bool wrong = r != first_r || (r == 0) != (severity == SEVERITY_WARNING || !rule->code) ||
                 fixture->diagnostics.list.len != (rule->code ? 1 : 0);
    const struct diagnostic *first = fixture->diagnostics.list.len ? fixture->diagnostics.list.items : NULL;
    char *text CLEANUP_FREE = first ? diagnostic_to_text(first) : NULL;
    if (rule->code && first)
        wrong = wrong || first->severity != severity || !text_equal(first->code, rule->code) ||
                (rule->pointer && !text_equal(first->pointer, rule->pointer)) ||
                (rule->words && !strstr(text, rule->words)) || first->at.line < 1 || first->at.column < 1 ||
                !first->file[0];
    if (wrong) {
        print_message("%s\nexpected %s %s %s, got:\n", rule->text, rule->code ? rule->code : "nothing",
                      rule->pointer ? rule->pointer : "", rule->words ? rule->words : "");
        fixture_print(fixture);
    }
    return !wrong;
}

static void check_all(const struct rule *rules, size_t rules_len, enum severity severity)
{
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    size_t wrong = 0;
    for (size_t i = 0; i < rules_len; i++)
        wrong += !holds(fixture, &rules[i], severity);
    assert_int_equal(wrong, 0);
}

#define AWSVPC(containers) TASK("\"networkMode\":\"awsvpc\",\"containerDefinitions\":[" containers "]")

static const struct rule errors[] = {
    {ONE(",\"imge\":1"), NULL, "unknown-member", "/containerDefinitions/0/imge", "did you mean \"image\""},
    {SERVICE(",\"preDeploy\":[\"m\"]"), ONE(""), "unknown-member", "/preDeploy",
     "did you mean \"davit.preDeploy\""},
    {SERVICE(",\"suspnd\":true"), ONE(""), "unknown-member", "/suspnd", "did you mean \"davit.suspend\""},
    {SERVICE(",\"rollback\":true,\"desiredCount\":1"), ONE(""), "unknown-member", "/rollback", NULL},
    {"{\"clusterName\":\"c\",\"changeWindows\":[]}", NULL, "unknown-member", "/changeWindows",
     "did you mean \"davit.changeWindows\""},
    {ONE(",\"startPeriod\":3"), NULL, "unknown-member", "/containerDefinitions/0/startPeriod",
     "did you mean \"healthCheck.startPeriod\""},
    {SERVICE(",\"davit\":{\"dependsOn\":[\"db\"]}"), ONE(""), "type", "/davit/dependsOn/0",
     "did you mean {service: db}?"},
    {SERVICE(",\"placementStrategy\":[{\"type\":\"binpack\",\"field\":\"cpus\"}]"), ONE(""), "value",
     "/placementStrategy/0", "{type: binpack, field: cpu}"},
    {TASK("\"containerDefinitions\":[{\"name\":\"app\"}]"), NULL, "missing-member", "/containerDefinitions/0",
     "image"},
    {"{\"family\":\"web\"}", NULL, "missing-member", "", "containerDefinitions"},
    {"{\"family\":\"w b\",\"containerDefinitions\":[" CONTAINER("") "]}", NULL, "pattern", "/family", NULL},
    {CONTAINERS(""), NULL, "length", "/containerDefinitions", NULL},
    {CONTAINERS(CONTAINER("") "," CONTAINER("")), NULL, "duplicate", "/containerDefinitions/1/name", "app"},
    {CONTAINERS(SIDE("a", "")), NULL, "essential", "/containerDefinitions", "essential"},
    {ONE(NEEDS("app", "START")), NULL, "dependency", "/containerDefinitions/0/dependsOn/0", "itself"},
    {ONE(NEEDS("ap", "START")), NULL, "dependency", NULL, "did you mean \"app\""},
    {CONTAINERS(CONTAINER(NEEDS("b", "START")) "," OTHER("b", NEEDS("app", "START"))), NULL, "dependency",
     NULL, "app -> b -> app"},
    {CONTAINERS(CONTAINER(NEEDS("b", "SUCCESS")) "," OTHER("b", "")), NULL, "dependency", NULL, "essential"},
    {CONTAINERS(CONTAINER(NEEDS("b", "COMPLETE")) "," OTHER("b", "")), NULL, "dependency", NULL, "essential"},
    {CONTAINERS(CONTAINER(NEEDS("b", "HEALTHY")) "," OTHER("b", "")), NULL, "dependency", NULL,
     "healthCheck"},
    {ONE(NEEDS("b", "LATER")), NULL, "value", "/containerDefinitions/0/dependsOn/0/condition", NULL},
    {ONE(",\"mountPoints\":[{\"sourceVolume\":\"data\",\"containerPath\":\"/d\"}]"), NULL, "reference",
     "/containerDefinitions/0/mountPoints/0/sourceVolume", "data"},
    {ONE(",\"mountPoints\":[{\"sourceVolume\":\"data\",\"containerPath\":\"d\"}]"), NULL, "pattern", NULL,
     NULL},
    {BARE(",\"memory\":64,\"memoryReservation\":128"), NULL, "range",
     "/containerDefinitions/0/memoryReservation", "64"},
    {CONTAINERS(CONTAINER(PORT(80, 8080)) "," OTHER("b", PORT(81, 8080))), NULL, "port",
     "/containerDefinitions/1/portMappings/0/hostPort", "8080/tcp"},
    {TASK("\"networkMode\":\"host\",\"containerDefinitions\":[" CONTAINER(
         ",\"portMappings\":[{\"containerPort\":80}]") "," OTHER("b", PORT(80, 80)) "]"),
     NULL, "port", "/containerDefinitions/1/portMappings/0/hostPort", "80/tcp"},
    {TASK("\"networkMode\":\"host\",\"containerDefinitions\":[" CONTAINER(PORT(80, 81)) "]"), NULL, "port",
     NULL, "differs"},
    {TASK("\"networkMode\":\"none\",\"containerDefinitions\":[" CONTAINER(PORT(80, 0)) "]"), NULL, "port",
     NULL, "none"},
    {AWSVPC(CONTAINER(PORT(80, 81))), NULL, "port", "/containerDefinitions/0/portMappings/0/hostPort",
     "in network mode awsvpc"},
    {AWSVPC(CONTAINER(PORT(80, 0)) "," OTHER("b", PORT(80, 80))), NULL, "port",
     "/containerDefinitions/1/portMappings/0/hostPort", "80/tcp of the task"},
    {ONE(PORT(80, 70000)), NULL, "range", NULL, "65535"},
    {TASK("\"cpu\":\"0.25 vCPU\",\"containerDefinitions\":[" CONTAINER(",\"cpu\":257") "]"), NULL, "range",
     "/cpu", "257"},
    {TASK("\"memory\":\"1GB\",\"containerDefinitions\":["
          "{\"name\":\"app\",\"image\":\"nginx\",\"memory\":1025}"
          "]"),
     NULL, "range", "/memory", "1025"},
    {TASK("\"cpu\":\"much\",\"containerDefinitions\":[" CONTAINER("") "]"), NULL, "pattern", "/cpu", NULL},
    {ONE(",\"healthCheck\":{\"command\":[\"true\"]}"), NULL, "value",
     "/containerDefinitions/0/healthCheck/command/0", "CMD-SHELL"},
    {ONE(",\"healthCheck\":{\"command\":[\"CMD\",\"true\"],\"interval\":4}"), NULL, "range", NULL, "300"},
    {ONE(",\"ulimits\":[{\"name\":\"files\",\"softLimit\":1,\"hardLimit\":1}]"), NULL, "value", NULL, NULL},
    {TASK("\"volumes\":[{\"name\":\"v\"},{\"name\":\"v\"}],\"containerDefinitions\":[" CONTAINER("") "]"),
     NULL, "duplicate", "/volumes/1/name", NULL},
    {ONE(""), ONE(""), "duplicate", "/family", "first at a.json:1:1"},
    {SERVICE(""), NULL, "reference", "/taskDefinition", "no task definition \"web\""},
    {SERVICE(""), "{\"family\":\"wbe\",\"containerDefinitions\":[" CONTAINER("") "]}", "reference",
     "/taskDefinition", "did you mean \"wbe\""},
    {"{\"serviceName\":\"s\",\"taskDefinition\":\"web:2\"}", ONE(""), "reference", "/taskDefinition",
     "1 revision is known"},
    {"{\"serviceName\":\"s\",\"taskDefinition\":\"web:x\"}", ONE(""), "pattern", "/taskDefinition", NULL},
    {SERVICE(",\"cluster\":\"prod\""), ONE(""), "reference", "/cluster", "no cluster \"prod\""},
    {SERVICE(DAEMON ",\"desiredCount\":2"), ONE(""), "value", "/desiredCount", "remove desiredCount"},
    {SERVICE(DAEMON ",\"placementStrategy\":[{\"type\":\"random\"}]"), ONE(""), "value", "/placementStrategy",
     "placementConstraints say"},
    {SERVICE(DAEMON PERCENT(0, 200)), ONE(""), "value", "/deploymentConfiguration/maximumPercent", "is 100"},
    {SERVICE(",\"desiredCount\":-1"), ONE(""), "range", "/desiredCount", "5000"},
    {SERVICE(",\"davit\":{\"minimumHealthy\":1}"), ONE(""), "unknown-member", "/davit/minimumHealthy", NULL},
    {SERVICE(",\"healthCheckGracePeriodSeconds\":2147483648"), ONE(""), "range",
     "/healthCheckGracePeriodSeconds", "0 to 2147483647 seconds"},
    {SERVICE(PERCENT(101, 200)), ONE(""), "range", NULL, "100"},
    {SERVICE(PERCENT(100, 99)), ONE(""), "range", NULL, "100"},
    {"{\"kind\":\"Servce\"}", NULL, "kind", "/kind", "did you mean \"Service\""},
    {"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\"}", NULL, "kind", "", "Kubernetes"},
    {"{\"services\":{\"web\":{\"image\":\"nginx\"}}}", NULL, "kind", "", "Compose"},
    {"{\"services\":{\"web\":{\"image\":\"nginx\"}}}", NULL, "kind", "", "`davit import compose FILE`"},
    {"{\"Resources\":{}}", NULL, "kind", "", "`davit import cloudformation FILE`"},
    {"{\"Family\":\"web\",\"ContainerDefinitions\":[]}", NULL, "kind", "",
     "`davit import cloudformation FILE`"},
    {"{\"Family\":\"web\"}", NULL, "kind", "", "`davit import cloudformation FILE`"},
    {"{\"ServiceName\":\"web\"}", NULL, "kind", "", "`davit import cloudformation FILE`"},
    {"{\"source\":{},\"instances\":[]}", NULL, "kind", "", "`davit daemon --config FILE`"},
    {"{\"on\":\"push\",\"jobs\":{}}", NULL, "kind", "", "workflow"},
    {ONE(",\"ulimits\":[{\"name\":\"nofile\",\"softLimit\":2,\"hardLimit\":1}]"), NULL, "range",
     "/containerDefinitions/0/ulimits/0/softLimit", "at most 1"},
    {ONE(",\"ulimits\":[{\"name\":\"nofile\",\"softLimit\":-1,\"hardLimit\":1}]"), NULL, "range", NULL, NULL},
    {ONE(",\"portMappings\":[{\"containerPort\":80,\"name\":\"Web\"}]"), NULL, "pattern", NULL, "lower-case"},
    {ONE(",\"memory\":\"100\""), NULL, "type", "/containerDefinitions/0/memory", "MiB"},
    {ONE(",\"labels\":{}"), NULL, "unknown-member", "/containerDefinitions/0/labels", NULL},
    {SERVICE(",\"_comment\":\"c\""), ONE(""), "unknown-member", "/_comment", NULL},
    {"[]", NULL, "kind", "", "not a manifest"},
    {"{\"desiredCount\":1,\"taskDefinition\":\"web\"}", ONE(""), "missing-member", "", NULL},
    {"{\"kind\":\"TargetGroup\"}", NULL, "missing-member", "", "Name"},
    {"{\"name\":\"ecs-spot\",\"autoScalingGroupProvider\":{\"autoScalingGroupArn\":\"a\"}}", NULL, "pattern",
     "/name", "not beginning with"},
    {"{\"Name\":\"n\",\"ScheduleExpression\":\"hourly\"}", NULL, "pattern", "/ScheduleExpression",
     "rate(5 minutes)"},
    {"{\"taskDefinition\":{\"family\":\"web\"}}", NULL, "missing-member", "/taskDefinition", NULL},
    {"{\"family\":", NULL, "syntax", NULL, NULL},
    {"{\"clusterName\":\"c\",\"x\":1}", NULL, "unknown-member", "/x", NULL},
    {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", NULL, "lfs-pointer", NULL, NULL},
};

static void test_errors(void **state)
{
    (void)state;
    check_all(errors, ARRAY_LEN(errors), SEVERITY_ERROR);
}

#define RULE                                                                                                 \
    "{\"Id\":\"i\",\"Arn\":\"default\",\"EcsParameters\":{\"TaskDefinitionArn\":\"arn:aws:ecs:x:y:task-"     \
    "definition/w\"}}"

/* Beside the warning that it starts nothing. */
#define WINDOW_IN(kind, zone)                                                                                \
    "\"davit\":{\"changeWindows\":[{\"kind\":\"" kind "\",\"schedule\":\"cron(0 2 * * ? *)\","               \
    "\"durationMinutes\":9,\"timezone\":\"" zone "\"}]}"

/* What breaks its schema is checked on, as far as it is sound; nothing is told that comes of the former. */
static const struct {
    const char *text; /* a.json; b.json has the task definition web */
    const char *told; /* code and pointer of each, in their order */
} several[] = {
    {"{\"clusterName\":\"c\",\"x\":1," WINDOW_IN("allow", "Europe/Berln") "}",
     "unknown-member /x, value /davit/changeWindows/0/timezone, "},
    {"{\"clusterName\":\"c\"," WINDOW_IN("ALLOW", "Europe/Berln") "}",
     "value /davit/changeWindows/0/kind, value /davit/changeWindows/0/timezone, "},
    {"{\"clusterName\":\"c\",\"davit\":{\"containerInstances\":[{\"nam\":\"a\"},{\"name\":\"b\"},{\"name\":"
     "\"b\"}]}}",
     "missing-member /davit/containerInstances/0, unknown-member /davit/containerInstances/0/nam, duplicate "
     "/davit/containerInstances/2/name, "},
    {"{\"serviceName\":\"s\",\"x\":1,\"cluster\":\"no\",\"taskDefinition\":\"wob\",\"placementStrategy\":[{"
     "\"type\":"
     "\"binpack\"}],\"davit\":{\"dependsOn\":[{\"service\":\"s\"}]}}",
     "unknown-member /x, reference /cluster, reference /taskDefinition, value /placementStrategy/0, order "
     "/davit/dependsOn/0/service, "},
    {"{\"serviceName\":\"s\",\"taskDefinition\":\"web\",\"loadBalancers\":[{\"targetGroupArn\":\"arn:x\","
     "\"containerName\":\"wob\",\"containerPort\":1}],\"suspend\":true,\"davit\":{\"changeWindows\":[{"
     "\"kind\":"
     "\"allow\",\"schedule\":\"cron(0 25 * * ? *)\",\"durationMinutes\":9,\"timezone\":\"Europe/Berln\"}]}}",
     "no-effect /loadBalancers, reference /loadBalancers/0/containerName, unknown-member /suspend, value "
     "/davit/changeWindows/0/schedule, value /davit/changeWindows/0/timezone, "},
    {SERVICE(
         ",\"capacityProviderStrategy\":[{\"capacityProvider\":\"a\",\"base\":1},{\"capacityProvider\":\"b\","
         "\"weight\":0,\"base\":1}]"),
     "value /capacityProviderStrategy, no-effect /capacityProviderStrategy/0/capacityProvider, no-effect "
     "/capacityProviderStrategy/1/capacityProvider, value /capacityProviderStrategy/1/base, "},
    /* nobody knows which weight was meant */
    {SERVICE(",\"capacityProviderStrategy\":[{\"capacityProvider\":\"a\",\"wieght\":1},{\"capacityProvider\":"
             "\"b\"}]"),
     "unknown-member /capacityProviderStrategy/0/wieght, "},
    {"{\"Name\":\"n\",\"ScheduleExpression\":\"rate(1 hour)\",\"Targets\":[" TARGET(
         "\"Id\":\"i\",", "app") "," TARGET("\"Id\":\"j\",", "app") "," TARGET("\"Id\":\"i\",", "app") "]}",
     "duplicate /Targets/2/Id, "},
    {"{\"Name\":\"n\",\"ScheduleExpression\":\"rate(1 "
     "hour)\",\"Target\":{\"Arn\":\"default\",\"EcsParameters\":{"
     "\"TaskDefinitionArn\":\"web\",\"CapacityProviderStrategy\":[{\"capacityProvider\":\"a\"},{"
     "\"capacityProvider\":\"b\"}]}}}",
     "value /Target/EcsParameters/CapacityProviderStrategy, "},
    {"{\"Name\":\"n\",\"ScheduleExpression\":\"cron(0 25 * * ? *)\",\"ScheduleExpressionTimezone\":\"Europe/"
     "Berln\",\"Targets\":[" RULE "]}",
     "value /ScheduleExpression, value /ScheduleExpressionTimezone, value /ScheduleExpressionTimezone, "
     "reference /Targets/0/EcsParameters/TaskDefinitionArn, "},
    {"{\"serviceName\":\"s\",\"taskDefintion\":\"web\",\"placementStrategy\":[{\"typ\":\"binpack\"}]}",
     "missing-member , unknown-member /taskDefintion, unknown-member /placementStrategy/0/typ, "},
    {"{\"Name\":\"n\",\"State\":\"ON\",\"ScheduleExpression\":\"cron(0 25 * * ? *)\"}",
     "value /State, value /ScheduleExpression, "},
    {"{\"family\":\"t\",\"containerDefinitions\":[" CONTAINER(",\"healthChek\":{}" NEEDS(
         "b", "START")) "," OTHER("b", ",\"mountPoints\":[{\"sourceVolume\":\"no\",\"containerPath\":\"/"
                                       "d\"}]") "," OTHER("b", "") "]}",
     "unknown-member /containerDefinitions/0/healthChek, reference "
     "/containerDefinitions/1/mountPoints/0/sourceVolume, duplicate /containerDefinitions/2/name, "},
    {"{\"family\":\"t\",\"volumes\":[{\"nam\":\"d\"}],\"containerDefinitions\":[" CONTAINER(
         ",\"mountPoints\":[{\"sourceVolume\":\"d\",\"containerPath\":\"/d\"}]") "]}",
     "missing-member /volumes/0, unknown-member /volumes/0/nam, "},
    {"{\"family\":\"t\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"i\",\"memry\":64}]}",
     "unknown-member /containerDefinitions/0/memry, "},
    /* of two elements that go, the others keep their places */
    {"{\"family\":\"t\",\"containerDefinitions\":[{\"name\":\"x\"}," CONTAINER("") ",{\"name\":\"y\"}," OTHER(
         "b", ",\"mountPoints\":[{\"sourceVolume\":\"no\",\"containerPath\":\"/d\"}],\"links\":[\"x\"]") "]}",
     "missing-member /containerDefinitions/0, missing-member /containerDefinitions/2, reference "
     "/containerDefinitions/3/mountPoints/0/sourceVolume, "},
    {"{\"family\":\"t\",\"containerDefinitions\":[" CONTAINER(
         ",\"environment\":[{\"nam\":\"A\"},{\"name\":\"B\"},{\"name\":\"B\"}]") "]}",
     "missing-member /containerDefinitions/0/environment/0, unknown-member "
     "/containerDefinitions/0/environment/0/nam, duplicate /containerDefinitions/0/environment/2/name, "},
    {"{\"family\":\"t\",\"containerDefinitions\":[" CONTAINER(
         ",\"command\":[1,\"a\",2],\"environment\":[{\"name\":\"B\"},{\"name\":1},{\"name\":\"B\"}]") "]}",
     "type /containerDefinitions/0/command/0, type /containerDefinitions/0/command/2, type "
     "/containerDefinitions/0/environment/1/name, duplicate /containerDefinitions/0/environment/2/name, "},
    {"{\"serviceName\":\"s\",\"taskDefinition\":\"web\",\"davit\":{\"dependsOn\":[5,{\"service\":\"no\"}]}}",
     "type /davit/dependsOn/0, reference /davit/dependsOn/1/service, "},
    {"{\"family\":\"t\",\"containerDefinitions\":[{\"name\":\"a\"}]}",
     "missing-member /containerDefinitions/0, "},
};

static void test_told_at_once(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(several); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        struct buffer CLEANUP(buffer_deinit) told = BUFFER_INIT(4096);
        fixture_put(fixture, "a.json", several[i].text);
        fixture_put(fixture, "b.json", ONE(""));
        assert_int_equal(fixture_build(fixture), ERROR_INVALID);
        for (size_t j = 0; j < fixture->diagnostics.list.len; j++) {
            const struct diagnostic *diagnostic = &fixture->diagnostics.list.items[j];
            buffer_printf(&told, "%s %s, ", diagnostic->code, diagnostic->pointer);
        }
        if (text_equal(buffer_str(&told), several[i].told))
            continue;
        wrong++;
        print_message("%s\nexpected %s\ngot      %s\n", several[i].text, several[i].told, buffer_str(&told));
    }
    assert_int_equal(wrong, 0);
}

/* What has errors has its name all the same. */
static void test_broken_and_declared_twice(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        const char *second; /* of that name, and with an error */
        const char *told;
    } cases[] = {
        {SERVICE(""), SERVICE(",\"x\":1"),
         "b.json:1:1: error: service \"default/s\" is declared twice: first at a.json:1:1"},
        {SCHEDULE("default", "web"),
         "{\"Name\":\"n\",\"ScheduleExpression\":\"rate(1 hour)\",\"State\":\"ON\"}",
         "b.json:1:1: error: scheduled task \"n\" is declared twice: first at a.json:1:1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        bool told = false;
        fixture_put(fixture, "a.json", cases[i].first);
        fixture_put(fixture, "b.json", cases[i].second);
        fixture_put(fixture, "c.json", ONE(""));
        assert_int_equal(fixture_build(fixture), ERROR_INVALID);
        for (size_t j = 0; j < fixture->diagnostics.list.len; j++) {
            char *text CLEANUP_FREE = diagnostic_to_text(&fixture->diagnostics.list.items[j]);
            told = told || text_starts_with(text, cases[i].told);
        }
        assert_true(told);
        fixture_put(fixture, "b.json", ONE("")); /* another of that one is none of these */
        fixture_put(fixture, "c.json", "{\"clusterName\":\"c\"}");
        assert_int_equal(fixture_build(fixture), 0);
    }
}

/* The other place that a message names is counted as the file has it, too. */
static void test_the_first_of_two_behind_a_broken_one(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "a.json",
                "{\"family\":\"t\",\"containerDefinitions\":[" CONTAINER(
                    ",\"environment\":[{\"nam\":\"A\"},{\"name\":\"B\"},{\"name\":\"B\"}]") "]}");
    assert_int_equal(fixture_build(fixture), ERROR_INVALID);
    assert_int_equal(fixture->diagnostics.list.len, 3);
    assert_string_equal(fixture->diagnostics.list.items[2].message,
                        "variable \"B\" stands at /containerDefinitions/0/environment/1 already");
}

/* A service with errors is there for those that wait for it, and so are all where nobody knows its name. */
static void test_broken_service_is_there(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool known;
    } broken[] = {
        {"{\"serviceName\":\"db\",\"taskDefinition\":\"web\",\"x\":1}", true},
        {"{\"serviceName\":\"db\",\"cluster\":1,\"taskDefinition\":\"web\"}", true},
        {"{\"kind\":\"Service\",\"taskDefinition\":\"web\"}", true},
        {"{\"serviceName\":\"cache\",\"taskDefinition\":\"web\",\"x\":1}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        fixture_put(fixture, "a.json", broken[i].text);
        fixture_put(fixture, "b.json", SERVICE(",\"davit\":{\"dependsOn\":[{\"service\":\"db\"}]}"));
        fixture_put(fixture, "c.json", ONE(""));
        assert_int_equal(fixture_build(fixture), ERROR_INVALID);
        assert_int_equal(fixture->diagnostics.list.len, broken[i].known ? 1 : 2);
    }
}

static void test_schedule_expressions(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *words;
    } wrong[] = {{"rate(5 minute)", "1:34: error: rate(5 minute): EventBridge wants \"rate(5 minutes)\""},
                 {"cron(0 3 31 2 ? *)", "1:34: error: cron(0 3 31 2 ? *): there is no such day"},
                 {"cron(0 3 * * MON *)", "one is \"?\""},
                 {"rate(1 hour)\",\"ScheduleExpressionTimezone\":\"Europe/Berln",
                  "1:78: error: no time zone \"Europe/Berln\" at /ScheduleExpressionTimezone; did you mean "
                  "\"Europe/Berlin\"?"},
                 {"rate(1 hour)\",\"ScheduleExpressionTimezone\":\"Europe/Berlin\",\"Targets\":[" RULE "],"
                  "\"Description\":\"",
                  "goes by UTC"},
                 {"at(2030-01-01T00:00:00)\",\"Targets\":[" RULE "],\"Description\":\"", "recurs: at() is"},
                 {"rate(1 hour)\",\"StartDate\":\"2030-01-01T00:00:00Z\",\"EndDate\":\"2029-01-01T00:00:00Z",
                  "error: EndDate is before StartDate: it would never be due at /EndDate"},
                 {"rate(1 hour)\",\"StartDate\":\"tomorrow", "StartDate is no time at /StartDate; such as"},
                 {"rate(1 hour)\",\"EndDate\":1e300,\"Description\":\"", "EndDate is no time"},
                 {"at(2027-03-28T02:30:00)\",\"ScheduleExpressionTimezone\":\"Europe/Berlin",
                  "at(2027-03-28T02:30:00): clocks are put forward over that time in Europe/Berlin"}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        char *text CLEANUP_FREE =
            memory_printf("{\"Name\":\"n\",\"ScheduleExpression\":\"%s\"}", wrong[i].expression);
        fixture_put(fixture, "a.json", text);
        assert_true(fixture_build(fixture) < 0);
        bool found = false;
        for (size_t d = 0; d < fixture->diagnostics.list.len; d++) {
            char *error CLEANUP_FREE = diagnostic_to_text(&fixture->diagnostics.list.items[d]);
            found |= strstr(error, wrong[i].words) != NULL;
        }
        if (!found)
            fail_msg("not said: %s", wrong[i].words);
    }
}

#define WINDOW(more) "{\"clusterName\":\"c\",\"davit\":{\"changeWindows\":[{" more "}]}}"

static const struct rule wrong_windows[] = {
    {WINDOW("\"kind\":\"allow\",\"schedule\":\"cron(0 2 ? * SUN *)\",\"durationMinutes\":60"), NULL, NULL,
     NULL, NULL},
    {WINDOW("\"kind\":\"allow\",\"schedule\":\"cron(0 2 31 2 ? *)\",\"durationMinutes\":60"), NULL, "value",
     "/davit/changeWindows/0/schedule", "there is no such day"},
    {WINDOW("\"kind\":\"allow\",\"schedule\":\"cron(0 2 * * *)\",\"durationMinutes\":60"), NULL, "value",
     "/davit/changeWindows/0/schedule", "six fields"},
    {WINDOW("\"kind\":\"allow\",\"schedule\":\"rate(1 hour)\",\"durationMinutes\":60"), NULL, "pattern",
     "/davit/changeWindows/0/schedule", "cron(0 2 ? * SUN *) or at("},
    {WINDOW("\"kind\":\"deny\",\"schedule\":\"cron(0 2 ? * SUN *)\",\"durationMinutes\":60,"
            "\"timezone\":\"Berlin\""),
     NULL, "value", "/davit/changeWindows/0/timezone", "no time zone \"Berlin\""},
    {WINDOW("\"kind\":\"never\",\"schedule\":\"cron(0 2 ? * SUN *)\",\"durationMinutes\":60"), NULL, "value",
     "/davit/changeWindows/0/kind", NULL},
    {WINDOW("\"kind\":\"deny\",\"schedule\":\"cron(0 2 ? * SUN *)\",\"durationMinutes\":0"), NULL, "range",
     "/davit/changeWindows/0/durationMinutes", "31 days"},
    {WINDOW("\"kind\":\"deny\",\"schedule\":\"cron(0 2 ? * SUN *)\""), NULL, "missing-member", NULL,
     "durationMinutes"},
    {SERVICE(",\"davit\":{\"changeWindows\":[{\"kind\":\"deny\",\"schedule\":\"at(2030-02-30T00:00:00)\","
             "\"durationMinutes\":5}]}"),
     ONE(""), "value", "/davit/changeWindows/0/schedule", "a time that there is"},
};

static void test_windows(void **state)
{
    (void)state;
    check_all(wrong_windows, ARRAY_LEN(wrong_windows), SEVERITY_ERROR);
}

static const struct rule warnings[] = {
    {SERVICE(FROM("spot")), ONE(""), "no-effect", "/capacityProviderStrategy/0/capacityProvider",
     "davit.containerInstances of the cluster say"},
    {SERVICE(FROM("FARGATE")), ONE(""), "no-effect", "/capacityProviderStrategy/0/capacityProvider",
     "there is no Fargate here"},
    {SERVICE(DAEMON FROM("spot")), ONE(""), "no-effect", "/capacityProviderStrategy/0/capacityProvider",
     "a DAEMON runs on every instance"},
    {"{\"clusterName\":\"c\",\"defaultCapacityProviderStrategy\":[{\"capacityProvider\":\"other\"}],"
     "\"davit\":{\"containerInstances\":[{\"name\":\"one\",\"capacityProvider\":\"spot\"}]}}",
     NULL, "no-effect", "/defaultCapacityProviderStrategy/0/capacityProvider",
     "no container instance of cluster c is of capacity provider other"},
    {"{\"clusterName\":\"c\",\"defaultCapacityProviderStrategy\":[{\"capacityProvider\":\"spot\"}],"
     "\"davit\":{\"containerInstances\":[{\"name\":\"one\",\"capacityProvider\":\"spot\"}]}}",
     NULL, "no-effect", "/defaultCapacityProviderStrategy/0/capacityProvider",
     "its weight is 0, as by default"},
    {"{\"clusterName\":\"c\",\"defaultCapacityProviderStrategy\":[{\"capacityProvider\":\"spot\"},{"
     "\"capacityProvider\":\"other\"}],\"davit\":{\"containerInstances\":[{\"name\":\"one\","
     "\"capacityProvider\":"
     "\"spot\"},{\"name\":\"two\",\"capacityProvider\":\"other\"}]}}",
     NULL, "value", "/defaultCapacityProviderStrategy", "all weights are 0"},
    {WINDOW("\"kind\":\"allow\",\"schedule\":\"cron(0 2 1 1 ? 2020-2026)\",\"durationMinutes\":60"), NULL,
     "never-open", "/davit/changeWindows", "no change window of c opens any more"},
    {SERVICE(",\"davit\":{\"changeWindows\":[{\"kind\":\"deny\",\"schedule\":\"cron(0 * * * ? *)\","
             "\"durationMinutes\":60}]}"),
     ONE(""), "never-open", "/davit/changeWindows", "davit approve"},
    {ONE(",\"credentialSpecs\":[\"a\"]"), NULL, "no-effect", "/containerDefinitions/0/credentialSpecs",
     "credentialSpecs has no effect yet: the container gets no gMSA"},
    {TASK("\"taskRoleArn\":\"r\",\"containerDefinitions\":[" CONTAINER("") "]"), NULL, "no-effect",
     "/taskRoleArn", NULL},
    {ONE(",\"environment\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"A\",\"value\":\"2\"}]"), NULL,
     "duplicate", "/containerDefinitions/0/environment/1/name", "last value"},
    {SERVICE(",\"launchType\":\"FARGATE\""), ONE(""), "no-effect", "/launchType", NULL},
    {SERVICE(",\"deploymentController\":{\"type\":\"CODE_DEPLOY\"}"), ONE(""), "no-effect",
     "/deploymentController/type", NULL},
    {SERVICE(PERCENT(100, 100)), ONE(""), "rolling", "/deploymentConfiguration", "cannot start"},
    {SERVICE(PERCENT(0, 100)), ONE(""), "rolling", "/deploymentConfiguration", "downtime"},
    {SERVICE(DAEMON PERCENT(100, 100)), ONE(""), "rolling", "/deploymentConfiguration/minimumHealthyPercent",
     "lower minimumHealthyPercent"},
    {SERVICE(""), ONE(PORT(80, 80)), "rolling", "/taskDefinition", "80/tcp"},
    {SERVICE(",\"desiredCount\":2" PERCENT(50, 200)), ONE(PORT(80, 80)), "host-port", "/taskDefinition",
     "cannot run 2 tasks on one instance"},
    {"{\"clusterName\":\"c\",\"settings\":[{\"name\":\"containerInsights\",\"value\":\"enabled\"}]}", NULL,
     "no-effect", "/settings", NULL},
    {GROUP("web"), NULL, "no-effect", "", "TargetGroup has no effect yet"},
    {PROVIDER("spot"), NULL, "no-effect", "", "CapacityProvider has no effect yet"},
    {BARE(""), NULL, "memory", "/containerDefinitions/0", "ECS would refuse"},
    {TASK("\"cpu\":\"1 vCPU\",\"containerDefinitions\":[" CONTAINER(",\"memory\":8") ",{\"name\":\"b\","
                                                                                     "\"image\":\"nginx\"}]"),
     NULL, "memory", "/containerDefinitions/1", "\"b\" may take all memory"},
    {RUN(""), ONE(""), "no-effect", "", "RunTask has no effect yet"},
    {"{\"Name\":\"n\",\"ScheduleExpression\":\"rate(1 hour)\"}", NULL, "no-effect", "", "starts nothing"},
    {"{\"Name\":\"n\",\"ScheduleExpression\":\"at(2020-01-01T00:00:00)\",\"Target\":{\"Arn\":\"default\","
     "\"EcsParameters\":{\"TaskDefinitionArn\":\"web\"}}}",
     ONE(""), "never-due", "/ScheduleExpression", "scheduled task n"},
    {"{\"Name\":\"n\",\"ScheduleExpression\":\"rate(1 hour)\",\"EndDate\":\"2020-01-01T00:00:00Z\","
     "\"Target\":{\"Arn\":\"default\",\"EcsParameters\":{\"TaskDefinitionArn\":\"web\"}}}",
     ONE(""), "never-due", "/ScheduleExpression", "scheduled task n is never due any more"},
    {LISTENER("arn:x:targetgroup/a/1"), NULL, "no-effect", "", "Listener has no effect yet"},
};

#define RACKS                                                                                                \
    "{\"clusterName\":\"default\",\"davit\":{\"containerInstances\":[{\"name\":\"berlin\",\"attributes\":{"  \
    "\"rack\":"                                                                                              \
    "\"1\"}}]}}"
#define MEMBER_OF(expression)                                                                                \
    SERVICE(",\"placementConstraints\":[{\"type\":\"memberOf\",\"expression\":\"" expression "\"}]")
#define SPREAD_OVER(field) SERVICE(",\"placementStrategy\":[{\"type\":\"spread\",\"field\":\"" field "\"}]")

/* Beside the cluster and the task definition; the words are NULL where nothing is told. */
static const struct {
    const char *service;
    const char *words;
} attributes[] = {
    {MEMBER_OF("attribute:rak == 1"),
     "no container instance of cluster default has attribute rak at /placementConstraints/0/expression; did "
     "you mean \"rack\"?"},
    {MEMBER_OF("attribute:rack == 1"), NULL},
    {MEMBER_OF("not(attribute:gpu == 1)"),
     "has attribute gpu at /placementConstraints/0/expression; davit.containerInstances of the cluster have "
     "rack"},
    {MEMBER_OF("attribute:gpu !exists"), NULL},
    {MEMBER_OF("attribute:racks exists"), "did you mean \"rack\"?"},
    {MEMBER_OF("attribute:ecs.os-type == linux"), NULL},
    {MEMBER_OF("ec2InstanceId in [berlin, berln]"),
     "cluster default has no container instance berln at /placementConstraints/0/expression; did you mean "
     "\"berlin\"?"},
    {MEMBER_OF("ec2InstanceId in [berlin, paris]"),
     "no container instance paris at /placementConstraints/0/expression; davit.containerInstances of the "
     "cluster have berlin"},
    {MEMBER_OF("ec2InstanceId =~ b.*"), NULL},
    {SPREAD_OVER("attribute:rak"), "has attribute rak at /placementStrategy/0/field"},
    {SPREAD_OVER("attribute:ecs.availability-zone"), NULL},
    {SPREAD_OVER("instanceId"), NULL},
};

static void test_attributes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        fixture_put(fixture, "a.json", attributes[i].service);
        fixture_put(fixture, "b.json", ONE(""));
        fixture_put(fixture, "c.json", RACKS);
        assert_int_equal(fixture_build(fixture), 0);
        if (fixture->diagnostics.list.len != (attributes[i].words ? 1 : 0))
            fixture_print(fixture);
        assert_int_equal(fixture->diagnostics.list.len, attributes[i].words ? 1 : 0);
        if (!attributes[i].words)
            continue;
        char *text CLEANUP_FREE = diagnostic_to_text(&fixture->diagnostics.list.items[0]);
        if (!strstr(text, attributes[i].words))
            fail_msg("not \"%s\" but \"%s\"", attributes[i].words, text);
        assert_true(fixture->diagnostics.list.items[0].at.line >= 1);
    }
}

static void test_warnings(void **state)
{
    (void)state;
    check_all(warnings, ARRAY_LEN(warnings), SEVERITY_WARNING);
}

/* What is said of two services with one task definition; "" for nothing. */
static void expect_of_two(const char *a, const char *b, const char *mapping, const char *expected)
{
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    char *definition CLEANUP_FREE =
        memory_printf("{\"family\":\"web\",\"containerDefinitions\":[{\"name\":"
                      "\"app\",\"image\":\"nginx\",\"memory\":4,\"portMappings\":["
                      "%s]}]}",
                      mapping);
    fixture_put(fixture, "a.json", a);
    fixture_put(fixture, "b.json", b);
    fixture_put(fixture, "c.json", "{\"clusterName\":\"c\"}");
    fixture_put(fixture, "web.json", definition);
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->diagnostics.list.len, expected[0] != '\0');
    if (!expected[0])
        return;
    char *text CLEANUP_FREE = diagnostic_to_text(fixture->diagnostics.list.items);
    assert_string_equal(text, expected);
}

#define ONE_OF(name, more)                                                                                   \
    "{\"serviceName\":\"" name "\",\n\"taskDefinition\":\"web\"" PERCENT(0, 200) more "}"

static void test_two_services_and_one_port(void **state)
{
    (void)state;
    const char *port = "{\"containerPort\":80,\"hostPort\":8080},{\"containerPort\":81,\"hostPort\":8081}";
    expect_of_two(ONE_OF("a", ""), ONE_OF("b", ""), port,
                  "b.json:2:18: warning: services \"default/a\" (a.json:2:18) and \"default/b\" cannot run "
                  "on one instance: both need its port "
                  "8080/tcp at /taskDefinition; leave out hostPort to let the engine choose a free port");
    expect_of_two(ONE_OF("a", ",\"cluster\":\"c\""), ONE_OF("b", ""), port,
                  "b.json:2:18: warning: services \"c/a\" (a.json:2:18) and \"default/b\" cannot run "
                  "on one instance: both need its port "
                  "8080/tcp at /taskDefinition; leave out hostPort to let the engine choose a free port");
    expect_of_two(ONE_OF("a", ""), ONE_OF("b", ",\"desiredCount\":0"), port, "");
    expect_of_two(ONE_OF("a", ""), ONE_OF("b", ""), "{\"containerPort\":80}", "");
}

static const char *const fine[] = {
    ONE(""),
    "{\"kind\":\"Cluster\",\"clusterName\":\"c\",\"x-note\":{\"any\":1},\"tags\":[{\"key\":\"k\","
    "\"value\":\"v\"}]}",
    TASK("\"kind\":\"TaskDefinition\",\"$schema\":\"s\",\"davit\":{},\"containerDefinitions\":[" CONTAINER(
        "") "]"),
    "{\"taskDefinition\":" TASK(
        "\"revision\":7,\"status\":\"ACTIVE\",\"registeredAt\":1.5,\"taskDefinitionArn\":\"a\","
        "\"requiresAttributes\":[{\"name\":\"n\"}],\"compatibilities\":[\"EC2\"],\"registeredBy\":\"r\","
        "\"volumes\":[],\"placementConstraints\":[],\"containerDefinitions\":[" CONTAINER(
            ",\"cpu\":0,\"essential\":true,\"environment\":[],\"mountPoints\":[],\"volumesFrom\":[],"
            "\"systemControls\":[],\"portMappings\":[]") "]") ",\"tags\":[]}",
    "{\"clusters\":[{\"clusterName\":\"a\",\"status\":\"ACTIVE\",\"runningTasksCount\":1,\"statistics\":["
    "]},"
    "{\"clusterName\":\"b\"}],\"failures\":[]}",
    CONTAINERS(CONTAINER(NEEDS("b", "SUCCESS")) "," SIDE("b", "")),
    CONTAINERS(CONTAINER(NEEDS("b", "HEALTHY")) "," OTHER("b", HEALTH)),
    CONTAINERS(CONTAINER(NEEDS("b", "START") PORT(80, 0)) "," OTHER("b", PORT(80, 0))),
    CONTAINERS(CONTAINER(",\"portMappings\":[{\"containerPort\":53,\"hostPort\":53},{\"containerPort\":53,"
                         "\"hostPort\":53,\"protocol\":\"udp\"}]")),
    TASK("\"networkMode\":\"host\",\"containerDefinitions\":[" CONTAINER(PORT(80, 80)) "]"),
    TASK("\"networkMode\":\"none\",\"containerDefinitions\":[" CONTAINER("") "]"),
    BARE(",\"memory\":128,\"memoryReservation\":128"),
    BARE(",\"memory\":128"),
    TASK("\"memory\":\"1 GB\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"nginx\"}]"),
    /* as older tools print what is not there */
    TASK("\"networkMode\":null,\"cpu\":null,\"containerDefinitions\":[" CONTAINER(
        ",\"command\":null,\"linuxParameters\":null,\"logConfiguration\":null,\"ulimits\":null") "]"),
    TASK("\"volumes\":[{\"name\":\"v\",\"host\":{\"sourcePath\":\"\\\\\\\\.\\\\pipe\\\\engine\"}}],"
         "\"containerDefinitions\":[" CONTAINER(",\"mountPoints\":[{\"sourceVolume\":\"v\",\"containerPath\":"
                                                "\"\\\\\\\\.\\\\pipe\\\\engine\"}]") "]"),
    CONTAINERS("{\"name\":\"app\",\"image\":\"<IMAGE1_NAME>\",\"memory\":8}"),
    ONE(",\"ulimits\":[{\"name\":\"memlock\",\"softLimit\":-1,\"hardLimit\":-1}]"),
    TASK("\"cpu\":\"1 vCPU\",\"memory\":2048,\"containerDefinitions\":[" CONTAINER(
        ",\"cpu\":1024,\"memory\":2048") "]"),
    TASK("\"volumes\":[{\"name\":\"v\",\"host\":{\"sourcePath\":\"/srv\"}},{\"name\":\"w\","
         "\"dockerVolumeConfiguration\":{\"scope\":\"shared\",\"autoprovision\":true}}],"
         "\"containerDefinitions\":[" CONTAINER(",\"mountPoints\":[{\"sourceVolume\":\"v\","
                                                "\"containerPath\":\"/d\",\"readOnly\":true}]") "]"),
    ONE(",\"startTimeout\":5,\"stopTimeout\":60,\"user\":\"1000:1000\",\"workingDirectory\":\"/\","
        "\"readonlyRootFilesystem\":true,\"privileged\":true,\"dockerLabels\":{\"a\":\"b\"},"
        "\"ulimits\":[{\"name\":\"nofile\",\"softLimit\":1,\"hardLimit\":2}],\"command\":[\"a\"],"
        "\"entryPoint\":[\"b\"],\"environment\":[{\"name\":\"A\",\"value\":\"\"}],"
        "\"logConfiguration\":{\"logDriver\":\"json-file\",\"options\":{\"max-size\":\"1m\"}}" HEALTH),
};

/* Each beside the task definition ONE(""). */
static const char *const fine_services[] = {
    SERVICE(""),
    SERVICE(ZONES("ENABLED")),
    SERVICE(ZONES("DISABLED") ",\"placementStrategy\":[{\"type\":\"random\"}]"),
    SERVICE(ZONES("ENABLED") ",\"placementStrategy\":[{\"type\":\"spread\",\"field\":"
                             "\"attribute:ecs.availability-zone\"},{\"type\":\"random\"}]"),
    SERVICE(DAEMON ",\"placementStrategy\":[]" PERCENT(50, 100)),
    /* as describe-services prints it */
    SERVICE(DAEMON
            ",\"serviceArn\":\"arn:aws:ecs:eu-west-1:123456789012:service/default/s\",\"desiredCount\":3"),
    SERVICE(",\"cluster\":\"default\",\"desiredCount\":3,\"davit\":{\"minimumHealthySeconds\":5}"),
    SERVICE(",\"launchType\":\"EC2\",\"schedulingStrategy\":\"REPLICA\",\"loadBalancers\":[],"
            "\"propagateTags\":\"NONE\",\"enableECSManagedTags\":false,\"deploymentController\":{"
            "\"type\":\"ECS\"}"),
    "{\"serviceName\":\"s\",\"taskDefinition\":\"arn:aws:ecs:eu-west-1:123456789012:task-definition/"
    "web:1\","
    "\"clusterArn\":\"arn:aws:ecs:eu-west-1:123456789012:cluster/"
    "default\",\"deployments\":[{\"id\":\"x\"}],"
    "\"events\":[],\"runningCount\":1,\"pendingCount\":0,\"status\":\"ACTIVE\",\"createdAt\":\"2026\"}",
    "{\"services\":[{\"serviceName\":\"a\",\"taskDefinition\":\"web\"},{\"serviceName\":\"b\","
    "\"taskDefinition\":\"web:1\"}],\"failures\":[]}",
};

#define ROUTER ",\"firelensConfiguration\":{\"type\":\"fluentbit\"}"

/* Errors that come beside warnings: that a member or a kind has no effect. */
static const struct rule beside_warnings[] = {
    {SERVICE(",\"launchType\":\"EC2\"" FROM("FARGATE")), ONE(""), "value", "/launchType", "exclude"},
    {ONE(",\"environment\":[{\"name\":\"A\"}],\"secrets\":[{\"name\":\"A\",\"valueFrom\":\"s\"}]"), NULL,
     "duplicate", "/containerDefinitions/0/secrets/0/name", "in environment"},
    {ONE(",\"secrets\":[{\"name\":\"A\",\"valueFrom\":\"s\"},{\"name\":\"A\",\"valueFrom\":\"t\"}]"), NULL,
     "duplicate", "/containerDefinitions/0/secrets/1/name", "a secret"},
    {CONTAINERS(CONTAINER(ROUTER) "," OTHER("b", ROUTER)), NULL, "duplicate",
     "/containerDefinitions/1/firelensConfiguration", NULL},
    {TASK("\"volumes\":[{\"name\":\"a\",\"configuredAtLaunch\":true},{\"name\":\"b\",\"configuredAtLaunch\":"
          "true}],"
          "\"containerDefinitions\":[" CONTAINER("") "]"),
     NULL, "duplicate", "/volumes/1/configuredAtLaunch", NULL},
    {TASK("\"ephemeralStorage\":{\"sizeInGiB\":20},\"containerDefinitions\":[" CONTAINER("") "]"), NULL,
     "range", "/ephemeralStorage/sizeInGiB", "21 to 200"},
    {ONE(",\"restartPolicy\":{\"enabled\":true,\"restartAttemptPeriod\":30}"), NULL, "range",
     "/containerDefinitions/0/restartPolicy/restartAttemptPeriod", "60 to 1800"},
    {ROUTED("\"targetGroupArn\":\"arn:x:targetgroup/a/1\",\"loadBalancerName\":\"b\""), ONE(""), "value",
     "/loadBalancers/0/loadBalancerName", "exclude"},

    {SERVICE(",\"placementConstraints\":[{\"type\":\"memberOf\",\"expression\":\"attribute:a = b\"}]"),
     ONE(""), "value", "/placementConstraints/0/expression", "query language"},
    {CONSTRAINED("{\"type\":\"memberOf\"}"), ONE(""), "value", "/placementConstraints/0",
     "memberOf needs an expression"},
    {CONSTRAINED(MEMBER ",{\"expression\":\"attribute:a exists\"}"), ONE(""), "value",
     "/placementConstraints/1", "needs a type"},
    {CONSTRAINED("{\"type\":\"distinctInstance\",\"expression\":\"attribute:a exists\"}"), ONE(""), "value",
     "/placementConstraints/0", "takes no expression"},
    {CONSTRAINED(TEN),
     "{\"family\":\"web\",\"placementConstraints\":[" MEMBER "],"
     "\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i\",\"memory\":64}]}",
     "limit", "/taskDefinition", "11 placementConstraints together"},
    {STRATEGY("{\"type\":\"spread\"}"), ONE(""), "value", "/placementStrategy/0", "instanceId, host or"},
    {STRATEGY("{\"type\":\"spread\",\"field\":\"attribute:\"}"), ONE(""), "value", "/placementStrategy/0",
     "instanceId, host or"},
    {STRATEGY("{\"type\":\"random\"},{\"type\":\"binpack\",\"field\":\"disk\"}"), ONE(""), "value",
     "/placementStrategy/1", "cpu or memory"},
    {SERVICE(ZONES("ENABLED") PERCENT(50, 100)), ONE(""), "value", "/availabilityZoneRebalancing",
     "does not go with maximumPercent of 100"},
    {SERVICE(ZONES("ENABLED") DAEMON), ONE(""), "value", "/availabilityZoneRebalancing", "DAEMON"},
    {SERVICE(ZONES("ENABLED") ",\"placementStrategy\":[{\"type\":\"binpack\",\"field\":\"cpu\"}]"), ONE(""),
     "value", "/availabilityZoneRebalancing", "does not begin with spread"},
    {SERVICE(ZONES("ENABLED") ",\"placementConstraints\":[{\"type\":\"memberOf\",\"expression\":"
                              "\"attribute:ecs.availability-zone == a\"}]"),
     ONE(""), "value", "/availabilityZoneRebalancing", "or say DISABLED"},
    {STRATEGY("{\"field\":\"cpu\"}"), ONE(""), "value", "/placementStrategy/0", "the type is"},
    {INSTANCES("{\"name\":\"one\"},{\"name\":\"one\"}"), NULL, "duplicate",
     "/davit/containerInstances/1/name", "declared twice"},
    {INSTANCES("{\"name\":\"one\",\"attributes\":{\"ecs.os-type\":\"linux\"}}"), NULL, "value",
     "/davit/containerInstances/0/attributes/ecs.os-type", "of itself"},
    {INSTANCES("{\"name\":\"one\",\"endpoint\":\"tcp://10.0.0.1:2376\"}"), NULL, "type",
     "/davit/containerInstances/0/endpoint", "in the daemon's configuration"},
    {INSTANCES("{\"name\":\"one\",\"attributes\":{\"a b\":\"c\"}}"), NULL, "member-name",
     "/davit/containerInstances/0/attributes/a b", NULL},
    {INSTANCES("{\"name\":\"one\",\"attributes\":{\"a\":\" c\"}}"), NULL, "pattern",
     "/davit/containerInstances/0/attributes/a", NULL},
    {INSTANCES("{\"attributes\":{}}"), NULL, "missing-member", "/davit/containerInstances/0", "name"},
    {"{\"family\":\"web\",\"placementConstraints\":[{\"type\":\"memberOf\",\"expression\":\"(\"}],"
     "\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i\",\"memory\":64}]}",
     NULL, "value", "/placementConstraints/0/expression", "query language"},
    {SCHEDULE("default", "web"), NULL, "reference", "/Target/EcsParameters/TaskDefinitionArn",
     "no task definition \"web\""},
    {SCHEDULE("default", "web:2"), ONE(""), "reference", "/Target/EcsParameters/TaskDefinitionArn",
     "no task definition \"web:2\""},
    {SCHEDULE("prod", "web"), ONE(""), "reference", "/Target/Arn", "no cluster \"prod\""},
    {RUN(""), NULL, "reference", "/taskDefinition", NULL},
    {RUN(",\"cluster\":\"prod\""), ONE(""), "reference", "/cluster", NULL},
    {RUN(OVERRIDE("ap")), ONE(""), "reference", "/overrides/containerOverrides/1/name",
     "did you mean \"app\""},
    {"{\"taskDefinition\":\"web:1\"" OVERRIDE("b") "}", ONE(""), "reference",
     "/overrides/containerOverrides/1/name", "task definition \"web:1\" has no container \"b\" to override"},
    {"{\"Name\":\"n\",\"ScheduleExpression\":\"rate(1 hour)\",\"Targets\":[" TARGET(
         ID("1"), "app") "," TARGET(ID("2"), "apq") "]}",
     ONE(""), "reference", "/Targets/1/Input", "did you mean \"app\""},
    {"{\"Name\":\"n\",\"ScheduleExpression\":\"rate(1 hour)\",\"Target\":" TARGET("", "b") "}", ONE(""),
     "reference", "/Target/Input", "has no container \"b\""},
    {SCHEDULE_WITH("{\\\"containerOverride\\\":[]}"), ONE(""), "value", "/Target/Input",
     "did you mean \"containerOverrides\"?"},
    {SCHEDULE_WITH("{\\\"containerOverrides\\\":[{\\\"name\\\":\\\"app\\\",\\\"comand\\\":[]}]}"), ONE(""),
     "value", "/Target/Input", "did you mean \"command\"?"},
    {SCHEDULE_WITH("{\\\"containerOverrides\\\":[{\\\"name\\\":\\\"app\\\",\\\"command\\\":\\\"ls\\\"}]}"),
     ONE(""), "value", "/Target/Input", "containerOverrides[0]: command: expected a list of texts"},
    {SCHEDULE_WITH("{\\\"containerOverrides\\\":[{\\\"name\\\":\\\"app\\\",\\\"cpu\\\":-1}]}"), ONE(""),
     "value", "/Target/Input", "containerOverrides[0]: cpu: expected a number from 0 on"},
    {SCHEDULE_WITH("{\\\"containerOverrides\\\":[{\\\"name\\\":\\\"app\\\",\\\"memory\\\":1}]}"), ONE(""),
     "value", "/Target/Input",
     "with these overrides web is no valid task definition: too small at /containerDefinitions/0/memory"},
    {SCHEDULE_WITH("{\\\"cpu\\\":\\\"much\\\"}"), ONE(""), "value", "/Target/Input", "at /cpu"},
    {SCHEDULE_WITH("no json"), ONE(""), "value", "/Target/Input", "is no JSON object"},
    {"{\"name\":\"p\",\"cluster\":\"prod\",\"managedInstancesProvider\":{\"infrastructureRoleArn\":\"r\","
     "\"instanceLaunchTemplate\":{\"ec2InstanceProfileArn\":\"p\",\"networkConfiguration\":{}}}}",
     NULL, "reference", "/cluster", NULL},
    {ROUTED("\"containerName\":\"app\",\"containerPort\":81"), ONE(PORT(80, 0)), "reference",
     "/loadBalancers/0/containerName", "\"app\" of task definition \"web\" has no port 81"},
    {ROUTED("\"containerName\":\"web\",\"containerPort\":80"), ONE(PORT(80, 0)), "reference",
     "/loadBalancers/0/containerName", "has no container \"web\""},
    {SERVICE(",\"serviceRegistries\":[{\"registryArn\":\"r\",\"containerName\":\"web\"}]"), ONE(""),
     "reference", "/serviceRegistries/0/containerName", NULL},
    {GROUP("a"), GROUP("a"), "duplicate", "/Name", "first at a.json"},
    {PROVIDER("a"), PROVIDER("a"), "duplicate", "/name", NULL},
    {SCHEDULE("default", "web"), SCHEDULE("default", "web"), "duplicate", "/Name", NULL},
    {LISTENER("arn:x:targetgroup/a/1"), LISTENER("arn:x:targetgroup/a/1"), "duplicate", "/Port", "\"lb:80\""},
};

/* Beside ONE(PORT(80, 0)), GROUP("web"), PROVIDER("spot") and a cluster "prod" that knows "far". */
static const char *const fine_references[] = {
    SCHEDULE("prod", "web"),
    SCHEDULE("arn:aws:ecs:eu-west-1:123456789012:cluster/prod",
             "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1"),
    LISTENER("web"),
    LISTENER("arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/strange/73e2d6bc24d8a067"),
    "{\"Listeners\":[" LISTENER("web") "]}",
    "{\"TargetGroups\":[{\"TargetGroupName\":\"a\",\"TargetGroupArn\":\"t\",\"LoadBalancerArns\":[\"l\"]}]}",
    "{\"capacityProviders\":[{\"name\":\"a\",\"status\":\"ACTIVE\"}]}",
    RUN(",\"cluster\":\"prod\",\"count\":2" FROM("FARGATE_SPOT")),
    RUN("") "\n",
    RUN(OVERRIDE("app")),
    RUN(",\"overrides\":{\"cpu\":\"256\"}"),
    "{\"Name\":\"n\",\"ScheduleExpression\":\"rate(1 hour)\",\"Target\":" TARGET("", "app") "}",
    SCHEDULE("prod", "web\"},\"Input\":\"{}\",\"DeadLetterConfig\":{\"Arn\":\"a"),
    SERVICE(FROM("spot")),
    SERVICE(FROM("far")),
    ROUTED("\"targetGroupArn\":\"web\",\"containerName\":\"app\",\"containerPort\":80"),
    ROUTED("\"loadBalancerName\":\"classic\",\"containerName\":\"app\",\"containerPort\":8005"),
    CONSTRAINED(TEN),
    CONSTRAINED("{\"type\":\"distinctInstance\",\"expression\":\"\"}"),
    STRATEGY("{\"type\":\"spread\",\"field\":\"host\"},{\"type\":\"spread\",\"field\":\"attribute:a\"},"
             "{\"type\":\"binpack\",\"field\":\"CPU\"},{\"type\":\"binpack\",\"field\":\"memory\"},"
             "{\"type\":\"random\"}"),
    INSTANCES("{\"name\":\"one\",\"attributes\":{\"ecs.availability-zone\":\"a\",\"empty\":\"\"},"
              "\"status\":\"DRAINING\"},{\"name\":\"two\",\"endpoint\":null}"),
};

static size_t errors_with_world(const char *text)
{
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "a.json", text);
    fixture_put(fixture, "b.json",
                ONE(",\"portMappings\":[{\"containerPort\":80},{\"containerPortRange\":\"8000-8010\"}]"));
    fixture_put(fixture, "c.json", GROUP("web"));
    fixture_put(fixture, "d.json", PROVIDER("spot"));
    fixture_put(fixture, "e.json", "{\"clusterName\":\"prod\",\"capacityProviders\":[\"far\"]}");
    fixture_build(fixture);
    if (fixture->diagnostics.errors)
        fixture_print(fixture);
    return fixture->diagnostics.errors;
}

static void test_references(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(beside_warnings); i++) {
        const struct rule *rule = &beside_warnings[i];
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        bool found = false;
        fixture_put(fixture, "a.json", rule->text);
        if (rule->other)
            fixture_put(fixture, "b.json", rule->other);
        assert_int_equal(fixture_build(fixture), -1);
        for (size_t j = 0; j < fixture->diagnostics.list.len; j++) {
            const struct diagnostic *diagnostic = &fixture->diagnostics.list.items[j];
            char *text CLEANUP_FREE = diagnostic_to_text(diagnostic);
            found = found || (diagnostic->severity == SEVERITY_ERROR && diagnostic->at.line > 0 &&
                              text_equal(diagnostic->code, rule->code) &&
                              text_equal(diagnostic->pointer, rule->pointer) &&
                              (!rule->words || strstr(text, rule->words)));
        }
        if (!found) {
            print_message("%s\n", rule->text);
            fixture_print(fixture);
        }
        assert_true(found);
    }
    for (size_t i = 0; i < ARRAY_LEN(fine_references); i++)
        assert_int_equal(errors_with_world(fine_references[i]), 0);
}

#define FORWARD_TO(a, b)                                                                                     \
    "{\"LoadBalancerArn\":\"lb\",\"Protocol\":\"HTTP\",\"Port\":80,\"DefaultActions\":[{\"Type\":"           \
    "\"forward\","                                                                                           \
    "\"ForwardConfig\":{\"TargetGroups\":[{\"TargetGroupArn\":\"" a "\"},{\"TargetGroupArn\":\"" b           \
    "\"}]}}]}"
#define BY_DEFAULT(name)                                                                                     \
    "{\"clusterName\":\"c\",\"defaultCapacityProviderStrategy\":[{\"capacityProvider\":\"" name "\"}]}"
#define AT_GROUP(name)                                                                                       \
    ROUTED("\"targetGroupArn\":\"" name "\",\"containerName\":\"app\",\"containerPort\":80")

/* Beside ONE(PORT(80, 0)): nothing is done with capacity providers and target groups yet, and so one may be
 * in AWS alone. No words: of the reference nothing is said. */
static const struct rule without_effect[] = {
    {SERVICE(FROM("my-asg-provider")), NULL, "reference", NULL, NULL},
    {SERVICE(FROM("my-asg-provider")), PROVIDER("spot"), "reference", NULL, NULL},
    {SERVICE(FROM("spto")), PROVIDER("spot"), "reference", "/capacityProviderStrategy/0/capacityProvider",
     "no capacity provider \"spto\" in this commit"},
    {RUN(FROM("spot")), NULL, "reference", NULL, NULL},
    {RUN(FROM("spto")), PROVIDER("spot"), "reference", "/capacityProviderStrategy/0/capacityProvider",
     "did you mean \"spot\"?"},
    {BY_DEFAULT("spot"), NULL, "reference", NULL, NULL},
    {BY_DEFAULT("spto"), PROVIDER("spot"), "reference", "/defaultCapacityProviderStrategy/0/capacityProvider",
     "did you mean \"spot\"?"},
    {"{\"clusterName\":\"c\",\"capacityProviders\":[\"spto\"]}", PROVIDER("spot"), "reference", NULL, NULL},
    {AT_GROUP("web"), NULL, "reference", NULL, NULL},
    {AT_GROUP("<target group>"), GROUP("web"), "reference", NULL, NULL},
    {AT_GROUP("web"), GROUP("wbe"), "reference", "/loadBalancers/0/targetGroupArn",
     "no target group \"web\" in this commit"},
    {LISTENER("web"), NULL, "reference", NULL, NULL},
    {LISTENER("web"), GROUP("wbe"), "reference", "/DefaultActions/0/TargetGroupArn", "did you mean \"wbe\"?"},
    {FORWARD_TO("blue", "blu"), GROUP("blue"), "reference",
     "/DefaultActions/0/ForwardConfig/TargetGroups/1/TargetGroupArn", "\"blu\""},
};

static bool is_told(const struct rule *rule)
{
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "a.json", rule->text);
    fixture_put(fixture, "b.json", ONE(PORT(80, 0)));
    if (rule->other)
        fixture_put(fixture, "c.json", rule->other);
    bool right = fixture_build(fixture) == 0;
    size_t told = 0;
    for (size_t i = 0; i < fixture->diagnostics.list.len; i++) {
        const struct diagnostic *diagnostic = &fixture->diagnostics.list.items[i];
        char *text CLEANUP_FREE = diagnostic_to_text(diagnostic);
        if (!text_equal(diagnostic->code, rule->code))
            continue;
        told++;
        right = right && rule->words && strstr(text, rule->words) && strstr(text, "did you mean \"") &&
                text_equal(diagnostic->pointer, rule->pointer);
    }
    if (right && told == (rule->words ? 1 : 0))
        return true;
    print_message("%s\n", rule->text);
    fixture_print(fixture);
    return false;
}

static void test_what_has_no_effect_need_not_be_declared(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(without_effect); i++)
        wrong += !is_told(&without_effect[i]);
    assert_int_equal(wrong, 0);
}

/* What is only warned of takes no hints from the errors. */
static void test_hints_of_errors_are_not_used_up(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "b.json", ONE(""));
    fixture_put(fixture, "c.json", PROVIDER("spot"));
    for (int i = 0; i < 30; i++) {
        char *path CLEANUP_FREE = memory_printf("cluster%d.json", i);
        char *text CLEANUP_FREE = memory_printf(
            "{\"clusterName\":\"c%d\",\"defaultCapacityProviderStrategy\":[{\"capacityProvider\":\"else\"}]}",
            i);
        fixture_put(fixture, path, text);
    }
    fixture_put(fixture, "z.json", RUN(",\"cluster\":\"c1x\""));
    assert_int_equal(fixture_build(fixture), -1);
    bool found = false;
    for (size_t i = 0; i < fixture->diagnostics.list.len; i++)
        found = found || text_starts_with(fixture->diagnostics.list.items[i].hint
                                              ? fixture->diagnostics.list.items[i].hint
                                              : "",
                                          "did you mean \"c1\"");
    assert_true(found);
}

/* What a service says of its task definition is looked at again when that one changes. */
static void test_targets_follow_the_task_definition(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "s.json", ROUTED("\"containerName\":\"app\",\"containerPort\":80"));
    fixture_put(fixture, "t.json", ONE(PORT(80, 0)));
    assert_int_equal(fixture_build(fixture), 0);
    fixture_put(fixture, "t.json", ONE(PORT(81, 0)));
    assert_int_equal(fixture_build(fixture), -1);
    assert_int_equal(fixture_build(fixture), -1); /* remembered */
    assert_int_equal(fixture->diagnostics.errors, 1);
    fixture_put(fixture, "t.json", ONE(PORT(80, 0)));
    assert_int_equal(fixture_build(fixture), 0);
}

static void test_fine(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        assert_true(holds(fixture, &(struct rule){.text = fine[i]}, SEVERITY_ERROR));
    for (size_t i = 0; i < ARRAY_LEN(fine_services); i++)
        assert_true(
            holds(fixture, &(struct rule){.text = fine_services[i], .other = ONE("")}, SEVERITY_ERROR));
}

/* Others may warn of the same member. */
static void test_what_the_containers_of_a_task_network_cannot_have(void **state)
{
    (void)state;
    static const struct {
        const char *member;
        const char *value;
        const char *empty;
    } cases[] = {{"hostname", "\"h\"", "\"\""},
                 {"dnsServers", "[\"1.1.1.1\"]", "[]"},
                 {"dnsSearchDomains", "[\"a.b\"]", "[]"},
                 {"extraHosts", "[{\"hostname\":\"h\",\"ipAddress\":\"1.1.1.1\"}]", "[]"},
                 {"links", "[\"b\"]", "[]"},
                 {"disableNetworking", "true", "false"}};
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        const char *member = cases[i / 2].member;
        const char *value = i % 2 ? cases[i / 2].empty : cases[i / 2].value;
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        char *text CLEANUP_FREE = memory_printf(
            AWSVPC("{\"name\":\"app\",\"image\":\"nginx\",\"%s\":%s}," OTHER("b", "")), member, value);
        char *pointer CLEANUP_FREE = memory_printf("/containerDefinitions/0/%s", member);
        fixture_put(fixture, "a.json", text);
        assert_int_equal(fixture_build(fixture), i % 2 ? 0 : -1);
        assert_int_equal(fixture->diagnostics.errors, i % 2 ? 0 : 1);
        for (size_t d = 0; d < fixture->diagnostics.list.len; d++) {
            if (fixture->diagnostics.list.items[d].severity != SEVERITY_ERROR)
                continue;
            assert_string_equal(fixture->diagnostics.list.items[d].code, "network");
            assert_string_equal(fixture->diagnostics.list.items[d].pointer, pointer);
        }
    }
}

/* Fargate's shape: it runs, and what has no effect is said. */
static void test_a_task_with_a_network_of_its_own(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "a.json", AWSVPC(CONTAINER(PORT(80, 80)) "," OTHER("b", NEEDS("app", "START"))));
    fixture_put(fixture, "b.json",
                SERVICE(",\"desiredCount\":3,\"networkConfiguration\":{\"awsvpcConfiguration\":{\"subnets\":["
                        "\"subnet-1\"],"
                        "\"securityGroups\":[\"sg-1\"],\"assignPublicIp\":\"DISABLED\"}}"));
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->diagnostics.list.len, 2);
    static const char *const pointers[] = {"/networkConfiguration/awsvpcConfiguration/subnets",
                                           "/networkConfiguration/awsvpcConfiguration/securityGroups"};
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(fixture->diagnostics.list.items[i].pointer, pointers[i]);
    const struct task_definition *definition = desired_task_definition(fixture->desired, "web");
    assert_int_equal(definition->containers.len, 3);
    const struct container_spec *pause = task_definition_container(definition, PAUSE_CONTAINER);
    assert_non_null(pause);
    assert_true(pause->essential);
    assert_int_equal(pause->depends_on.len, 0);
    for (size_t i = 0; i < 2; i++) {
        const struct container_spec *spec = &definition->containers.items[i];
        assert_int_equal(spec->ports.len, 0);
        assert_string_equal(spec->depends_on.items[spec->depends_on.len - 1].container, PAUSE_CONTAINER);
    }
}

static void test_who_needs_a_pause_container(void **state)
{
    (void)state;
    static const struct {
        const char *member;
        bool needed;
    } cases[] = {{"\"networkMode\":\"awsvpc\"", true}, {"\"pidMode\":\"task\"", true},
                 {"\"ipcMode\":\"task\"", true},       {"\"networkMode\":\"host\"", false},
                 {"\"pidMode\":\"host\"", false},      {"\"ipcMode\":\"none\"", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        char *text CLEANUP_FREE =
            memory_printf(TASK("%s,\"containerDefinitions\":[" CONTAINER("") "]"), cases[i].member);
        fixture_put(fixture, "a.json", text);
        assert_int_equal(fixture_build(fixture), 0);
        const struct task_definition *definition = desired_task_definition(fixture->desired, "web");
        assert_int_equal(task_definition_container(definition, PAUSE_CONTAINER) != NULL, cases[i].needed);
    }
}

static void test_files_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum manifest_file_kind kind;
        const char *code;
    } cases[] = {
        {MANIFEST_SYMLINK, "symlink"}, {MANIFEST_SUBMODULE, "submodule"}, {MANIFEST_TOO_LARGE, "limit"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        const struct manifest_file file = {.path = "a.yaml", .kind = cases[i].kind};
        manifest_update(fixture->manifest, true, &file, 1);
        assert_int_equal(fixture_build(fixture), -1);
        assert_int_equal(fixture->diagnostics.list.len, 1);
        assert_string_equal(fixture->diagnostics.list.items[0].code, cases[i].code);
        assert_int_equal(fixture->diagnostics.list.items[0].at.line, 1);
        assert_non_null(fixture->diagnostics.list.items[0].hint);
    }
}

static void test_what_does_not_count(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, ".github/workflows/ci.yaml", "{");
    fixture_put(fixture, "a/.hidden.json", "{");
    fixture_put(fixture, "README.md", "{");
    fixture_put(fixture, "empty.yaml", "# nothing yet\n");
    assert_int_equal(fixture_build(fixture), -1);
    assert_int_equal(fixture->diagnostics.list.len, 1);
    assert_string_equal(fixture->diagnostics.list.items[0].code, "no-manifests");
    assert_string_equal(fixture->diagnostics.list.items[0].hint, "`davit init` makes a first one");
}

static void test_all_at_once_and_sorted(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "b.yaml", "clusterName: c\nx: 1\n---\nclusterName: d\ny: 1\nz: 1\n");
    fixture_put(fixture, "a.json", SERVICE(",\"cluster\":\"prod\""));
    assert_int_equal(fixture_build(fixture), -1);
    static const char *const expected[] = {
        "a.json:1:37: error: no task definition", "a.json:1:53: error: no cluster \"prod\"",
        "b.yaml:2:1: error: ", "b.yaml:5:1: error: ", "b.yaml:6:1: error: "};
    if (fixture->diagnostics.list.len != ARRAY_LEN(expected))
        fixture_print(fixture);
    assert_int_equal(fixture->diagnostics.list.len, ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        char *text CLEANUP_FREE = diagnostic_to_text(&fixture->diagnostics.list.items[i]);
        if (!text_starts_with(text, expected[i]))
            print_message("%s\n%s\n", text, expected[i]);
        assert_true(text_starts_with(text, expected[i]));
    }
}

/* A broken file may hold what seems to be missing. */
static void test_no_errors_that_follow_from_others(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "s.json", SERVICE(",\"cluster\":\"prod\""));
    fixture_put(fixture, "t.json", "{\"family\":\"web\"");
    assert_int_equal(fixture_build(fixture), -1);
    assert_int_equal(fixture->diagnostics.list.len, 1);
    fixture_put(fixture, "t.json", ONE(",\"imge\":1"));
    fixture_put(fixture, "c.json", "{\"clusterName\":\"prod\",\"x\":1}");
    assert_int_equal(fixture_build(fixture), -1);
    assert_int_equal(fixture->diagnostics.list.len, 2);
    assert_string_equal(fixture->diagnostics.list.items[0].file, "c.json");
    assert_string_equal(fixture->diagnostics.list.items[1].file, "t.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_told_at_once),
        cmocka_unit_test(test_the_first_of_two_behind_a_broken_one),
        cmocka_unit_test(test_broken_service_is_there),
        cmocka_unit_test(test_broken_and_declared_twice),
        cmocka_unit_test(test_schedule_expressions),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_two_services_and_one_port),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_what_has_no_effect_need_not_be_declared),
        cmocka_unit_test(test_hints_of_errors_are_not_used_up),
        cmocka_unit_test(test_targets_follow_the_task_definition),
        cmocka_unit_test(test_fine),
        cmocka_unit_test(test_what_the_containers_of_a_task_network_cannot_have),
        cmocka_unit_test(test_a_task_with_a_network_of_its_own),
        cmocka_unit_test(test_who_needs_a_pause_container),
        cmocka_unit_test(test_files_that_are_refused),
        cmocka_unit_test(test_what_does_not_count),
        cmocka_unit_test(test_all_at_once_and_sorted),
        cmocka_unit_test(test_no_errors_that_follow_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
