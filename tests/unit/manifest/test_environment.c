/* davit.yaml: extends, variables, patches, and where faults are reported. */
#include "base/buffer.h"
#include "base/text.h"
#include "manifest_fixture.h"

#define WEB(image)    "family: web\ncontainerDefinitions:\n- name: app\n  image: " image "\n  memory: 8\n"
#define SERVICE(name) "serviceName: " name "\ntaskDefinition: web\n"

static struct fixture *fixture_of(const char *const *files)
{
    struct fixture *fixture = fixture_new();
    for (size_t i = 0; files[i]; i += 2)
        fixture_put(fixture, files[i], files[i + 1]);
    return fixture;
}
#define FILES(...) fixture_of((const char *const[]){__VA_ARGS__, NULL})

static void expect_valid(struct fixture *fixture)
{
    int r = fixture_build(fixture);
    if (r < 0)
        fixture_print(fixture);
    assert_int_equal(r, 0);
}

/* Exactly one error, which reads so. */
static void expect_error(struct fixture *fixture, const char *text)
{
    assert_int_equal(fixture_build(fixture), -1);
    if (fixture->diagnostics.errors != 1)
        fixture_print(fixture);
    assert_int_equal(fixture->diagnostics.errors, 1);
    char *got CLEANUP_FREE = diagnostic_to_text(&fixture->diagnostics.list.items[0]);
    if (!strstr(got, text))
        fail_msg("not \"%s\" but \"%s\"", text, got);
}

static const char *image(const struct fixture *fixture, const char *family)
{
    const struct task_definition *definition = desired_task_definition(fixture->desired, family);
    assert_non_null(definition);
    return json_string_value(json_object_get(
        json_array_get(json_object_get(definition->json, "containerDefinitions"), 0), "image"));
}

static const struct service *service(const struct fixture *fixture, const char *name)
{
    const struct service *found = desired_service(fixture->desired, "default", name);
    assert_non_null(found);
    return found;
}

/* --- references ----------------------------------------------------------------------------------------- */

static void test_without_a_file_nothing_is_replaced(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = FILES("t.yaml", WEB("'x:${TAG}'"));
    expect_valid(fixture);
    assert_string_equal(image(fixture, "web"), "x:${TAG}");
}

static void test_without_variables_nothing_is_replaced(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("t.yaml", WEB("'x:${TAG}$${Y}'"), "davit.yaml", "patches: []\n");
    expect_valid(fixture);
    assert_string_equal(image(fixture, "web"), "x:${TAG}$${Y}");
    fixture_put(fixture, "davit.yaml", "");
    expect_valid(fixture);
    assert_string_equal(image(fixture, "web"), "x:${TAG}$${Y}");
    fixture_put(fixture, "davit.yaml", "variables: {}\n");
    expect_error(fixture, "t.yaml:4:10: error: no variable \"TAG\" in this environment");
}

/* ... and that is told, but where something in the container may read it. */
static void test_what_is_left_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *image;
        const char *rest; /* of the container */
        const char *told; /* the only warning; NULL: none */
    } cases[] = {
        {"'x:${TAG}'", "",
         "t.yaml:4:10: warning: davit does not substitute ${TAG}: no davit.yaml declares variables at "
         "/containerDefinitions/0/image; declare it under variables in a davit.yaml at the manifest root, or "
         "write the value"},
        {"x", "  hostname: 'a-${AWS::Region}'\n",
         "t.yaml:6:13: warning: davit does not substitute ${AWS::Region}: no"},
        {"x",
         "  command: [sh, -c, 'echo ${HOME}']\n  entryPoint: ['${A}']\n  healthCheck: {command: [CMD-SHELL, "
         "'test ${A}']}\n  environment: [{name: A, value: '${B}'}]\n  dockerLabels: {a: '${1}'}\n",
         NULL},
        {"'x:$TAG$(TAG)${'", "", NULL}, /* no reference anywhere */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text CLEANUP_FREE = memory_printf(WEB("%s") "%s", cases[i].image, cases[i].rest);
        struct fixture *fixture CLEANUP(fixture_freep) = FILES("t.yaml", text);
        assert_int_equal(fixture_build(fixture), 0);
        assert_int_equal(fixture->diagnostics.list.len, cases[i].told ? 1 : 0);
        if (!cases[i].told)
            continue;
        char *told CLEANUP_FREE = diagnostic_to_text(fixture->diagnostics.list.items);
        assert_true(text_starts_with(told, cases[i].told));
        fixture_put(fixture, "davit.yaml", "patches: []\n");
        assert_int_equal(fixture_build(fixture), 0);
        assert_int_equal(fixture->diagnostics.list.len, 1);
    }
    struct fixture *fixture CLEANUP(fixture_freep) = FILES("t.yaml", "services: {web: {image: '${A}'}}\n");
    assert_int_not_equal(fixture_build(fixture), 0); /* no manifest: that is all */
    assert_int_equal(fixture->diagnostics.list.len, 1);
    fixture_put(fixture, "t.yaml", "serviceName: web\ntaskDefinition: web\ndesiredCount: '${N}'\n");
    assert_int_not_equal(fixture_build(fixture), 0); /* the reason stands beside the error */
    assert_int_equal(fixture->diagnostics.warnings, 1);
}

static void test_references(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a", "a"},
        {"${TAG}", "1.27"},
        {"x:${TAG}", "x:1.27"},
        {"${TAG}${TAG}", "1.271.27"},
        {"x:${N}-${B}", "x:4-true"},
        {"$${TAG}", "${TAG}"},
        {"$${TAG}${TAG}$${", "${TAG}1.27${"},
        {"a$b$$c$TAG$(TAG)${_X9}$", "a$b$$c$TAG$(TAG)9$"},
        {"$$${TAG}", "$${TAG}"},
        {"${EMPTY}x", "x"},
        {"${DOLLAR}{TAG}", "${TAG}"}, /* what comes out is not looked at again */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text CLEANUP_FREE = memory_printf(WEB("'%s'"), cases[i][0]);
        struct fixture *fixture CLEANUP(fixture_freep) =
            FILES("davit.yaml", "variables: {TAG: '1.27', N: 4, B: true, _X9: '9', EMPTY: '', DOLLAR: $}\n",
                  "t.yaml", text);
        expect_valid(fixture);
        assert_string_equal(image(fixture, "web"), cases[i][1]);
    }
}

static void test_keys_are_left_alone(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", "variables: {A: b}\n", "t.yaml", WEB("x") "  dockerLabels: {'${A}': '${A}'}\n");
    expect_valid(fixture);
    const json_t *container = json_array_get(
        json_object_get(desired_task_definition(fixture->desired, "web")->json, "containerDefinitions"), 0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(container, "dockerLabels"), "${A}")), "b");
}

static void test_types(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", "variables: {N: 3, PORT: 8080, YES: true, WORD: three}\n", "t.yaml",
              WEB("x:${PORT}") "  essential: ${YES}\n"
                               "  portMappings: [{containerPort: '${PORT}'}]\n"
                               "  environment: [{name: PORT, value: '${PORT}'}, {name: B, value: '${YES}'}]\n"
                               "  dockerLabels: {a/b~c: '${PORT}'}\n"
                               "  command: [serve, '${PORT}']\n",
              "s.yaml", SERVICE("s") "desiredCount: ${N}\n");
    expect_valid(fixture);
    assert_int_equal(service(fixture, "s")->desired_count, 3);
    const struct task_definition *web = desired_task_definition(fixture->desired, "web");
    assert_int_equal(web->containers.items[0].ports.items[0].container_port, 8080);
    char *json CLEANUP_FREE = json_dumps(web->json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(strstr(json, "\"environment\":[{\"name\":\"PORT\",\"value\":\"8080\"},"
                                 "{\"name\":\"B\",\"value\":\"true\"}]"));
    assert_non_null(strstr(json, "\"a/b~c\":\"8080\""));
    assert_non_null(strstr(json, "\"command\":[\"serve\",\"8080\"]"));
    fixture_put(fixture, "s.yaml", SERVICE("s") "desiredCount: ${WORD}\n");
    expect_error(fixture, "s.yaml:3:15: error: wrong type at /desiredCount; found the string \"three\"");
    fixture_put(fixture, "s.yaml", SERVICE("s") "desiredCount: 'x${N}'\n");
    expect_error(fixture, "s.yaml:3:15: error: wrong type at /desiredCount; found the string \"x3\"");
}

static void test_bad_references(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"${TGA}", "t.yaml:4:10: error: no variable \"TGA\" in this environment at "
                   "/containerDefinitions/0/image; did you mean \"TAG\"?"},
        {"${tag}", "no variable \"tag\" in this environment"}, /* case counts */
        {"${}", "\"${\" begins no reference to a variable"},
        {"${TAG", "\"${\" begins no reference to a variable"},
        {"${TAG:-1}", "write $${ for the text ${ itself"},
        {"${9}", "\"${\" begins no reference to a variable"},
        {"${A B}", "\"${\" begins no reference to a variable"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text CLEANUP_FREE = memory_printf(WEB("'%s'"), cases[i][0]);
        struct fixture *fixture CLEANUP(fixture_freep) =
            FILES("davit.yaml", "variables: {TAG: '1.27'}\n", "t.yaml", text, "s.yaml", SERVICE("s"));
        expect_error(fixture, cases[i][1]);
    }
}

static void test_bad_files(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"variables: {TAG: 1.10}\n", "davit.yaml:1:18: error: wrong type at /variables/TAG"},
        {"variables: {TAG: 1.0}\n", "davit.yaml:1:18: error: a variable with a fraction at /variables/TAG"},
        {"variables: {TAG: null}\n", "davit.yaml:1:18: error: wrong type"},
        {"variables: {TAG: [a]}\n", "davit.yaml:1:18: error: wrong type"},
        {"variables: {T-G: a}\n", "davit.yaml:1:18: error: "},
        {"variables: {TAG: 'a${B}'}\n", "davit.yaml:1:18: error: a variable's value holds ${"},
        {"variable: {}\n", "davit.yaml:1:1: error: unknown member \"variable\" at /variable; did you mean "
                           "\"variables\"?"},
        {"- a\n", "davit.yaml:1:1: error: wrong type"},
        {"{", "davit.yaml:2:1: error: the file ends too early"},
        {"x-a: 1\n---\nx-b: 2\n", "davit.yaml:3:1: error: a second document"},
        {"extends: [/base]\n", "davit.yaml:1:11: error: "},
        {"extends: base\n", "davit.yaml:1:10: error: wrong type"},
        {"patches: [{kind: Service, name: s}]\n", "davit.yaml:1:11: error: member \"merge\" is missing"},
        {"patches: [{kind: Task, name: s, merge: {}}]\n", "davit.yaml:1:18: error: "},
        {"patches: [{kind: Service, name: s, merge: []}]\n", "davit.yaml:1:43: error: wrong type"},
        {"patches: [{kind: Service, name: s, merge: {kind: Cluster}}]\n", "davit.yaml:1:44: error: "},
        {"variables: {A: b}\npatches: [{kind: Service, name: s, merge: {role: '${C}'}}]\n",
         "davit.yaml:2:50: error: no variable \"C\" in this environment at /patches/0/merge/role"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) =
            FILES("davit.yaml", cases[i][0], "t.yaml", WEB("x"), "broken.yaml", "family: [\n");
        expect_error(fixture, cases[i][1]); /* and not that of broken.yaml */
        fixture_put(fixture, "davit.yaml", "");
        fixture_put(fixture, "broken.yaml", NULL);
        expect_valid(fixture); /* mended */
    }
}

/* --- patches -------------------------------------------------------------------------------------------- */

static char *render(const struct fixture *fixture, const char *name)
{
    return json_dumps(service(fixture, name)->json, JSON_COMPACT | JSON_SORT_KEYS);
}

static void test_patches(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"merge: {desiredCount: 2}",
         "{\"desiredCount\":2,\"deploymentConfiguration\":{\"maximumPercent\":150},"
         "\"serviceName\":\"s\",\"taskDefinition\":\"web\"}"},
        {"merge: {deploymentConfiguration: {minimumHealthyPercent: 50}}",
         "{\"deploymentConfiguration\":{\"maximumPercent\":150,\"minimumHealthyPercent\":50},"
         "\"serviceName\":\"s\",\"taskDefinition\":\"web\"}"},
        {"merge: {deploymentConfiguration: {maximumPercent: null, minimumHealthyPercent: 50}}",
         "{\"deploymentConfiguration\":{\"minimumHealthyPercent\":50},\"serviceName\":\"s\","
         "\"taskDefinition\":\"web\"}"},
        {"merge: {deploymentConfiguration: null}", "{\"serviceName\":\"s\",\"taskDefinition\":\"web\"}"},
        {"merge: {deploymentController: {type: ECS}, role: null}",
         "{\"deploymentConfiguration\":{\"maximumPercent\":150},\"deploymentController\":{\"type\":\"ECS\"},"
         "\"serviceName\":\"s\",\"taskDefinition\":\"web\"}"},
        {"merge: {}", "{\"deploymentConfiguration\":{\"maximumPercent\":150},\"serviceName\":\"s\","
                      "\"taskDefinition\":\"web\"}"},
        {"merge: {deploymentConfiguration: {alarms: {alarmNames: [a], enable: true, rollback: false}}}",
         "{\"deploymentConfiguration\":{\"alarms\":{\"alarmNames\":[\"a\"],\"enable\":true,\"rollback\":"
         "false},"
         "\"maximumPercent\":150},\"serviceName\":\"s\",\"taskDefinition\":\"web\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text CLEANUP_FREE = memory_printf("patches:\n- kind: Service\n  name: s\n  %s\n", cases[i][0]);
        struct fixture *fixture CLEANUP(fixture_freep) =
            FILES("davit.yaml", text, "t.yaml", WEB("x"), "s.yaml",
                  SERVICE("s") "deploymentConfiguration: {maximumPercent: 150}\n");
        expect_valid(fixture);
        char *got CLEANUP_FREE = render(fixture, "s");
        json_t *expected = json_loads(cases[i][1], 0, NULL);
        char *wanted CLEANUP_FREE = json_dumps(expected, JSON_COMPACT | JSON_SORT_KEYS);
        json_decref(expected);
        assert_string_equal(got, wanted);
    }
}

static void test_patches_with_variables(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml",
              "variables: {ENV: prod, N: 7}\n"
              "patches:\n"
              "- {kind: Service, name: 's-${ENV}', merge: {desiredCount: '${N}'}}\n"
              "- kind: TaskDefinition\n  name: web\n  merge:\n    containerDefinitions:\n"
              "    - {name: app, image: y, environment: [{name: N, value: '${N}'}]}\n",
              "t.yaml", WEB("x"), "s.yaml", SERVICE("s-${ENV}"));
    expect_valid(fixture);
    assert_int_equal(service(fixture, "s-prod")->desired_count, 7);
    char *json CLEANUP_FREE =
        json_dumps(desired_task_definition(fixture->desired, "web")->json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(strstr(json, "{\"name\":\"N\",\"value\":\"7\"}"));
}

static void test_names_that_are_numbers(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml",
              "variables: {N: 7}\npatches: [{kind: Service, name: '${N}', merge: {desiredCount: 0}}]\n",
              "t.yaml", WEB("x"), "s.yaml", SERVICE("'7'"));
    expect_valid(fixture);
    assert_int_equal(service(fixture, "7")->desired_count, 0);
}

static void test_a_patch_removes_an_object(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", "patches: [{kind: Service, name: s, merge: null}]\n", "t.yaml", WEB("x"),
              "s.yaml", SERVICE("s") "---\n" SERVICE("other"));
    expect_valid(fixture);
    assert_int_equal(fixture->desired->services.len, 1);
    fixture_put(fixture, "davit.yaml", "patches: []\n");
    expect_valid(fixture);
    assert_int_equal(fixture->desired->services.len, 2);
}

static void test_patches_in_order_select_by_the_first_name(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml",
              "patches:\n"
              "- {kind: Service, name: s, merge: {serviceName: renamed, desiredCount: 2}}\n"
              "- {kind: Service, name: default/s, merge: {desiredCount: 3, role: r}}\n"
              "- {kind: Service, name: s, merge: {desiredCount: 4}}\n",
              "t.yaml", WEB("x"), "s.yaml", SERVICE("s"));
    expect_valid(fixture);
    assert_int_equal(service(fixture, "renamed")->desired_count, 4);
    fixture_put(fixture, "davit.yaml",
                "patches:\n"
                "- {kind: Service, name: s, merge: {serviceName: renamed}}\n"
                "- {kind: Service, name: renamed, merge: {desiredCount: 3}}\n");
    expect_error(
        fixture,
        "davit.yaml:3:25: error: this patch matches nothing: no Service \"renamed\" at /patches/1/name");
}

static void test_patches_without_use(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", "patches: [{kind: TaskDefinition, name: wbe, merge: {cpu: '256'}}]\n", "t.yaml",
              WEB("x"));
    expect_error(fixture, "davit.yaml:1:40: error: this patch matches nothing: no TaskDefinition \"wbe\" at "
                          "/patches/0/name; did you mean \"web\"?");
    fixture_put(fixture, "davit.yaml", "patches: [{kind: Service, name: s, merge: {desiredCount: 1}}]\n");
    fixture_put(fixture, "c.yaml", "clusterName: a\n---\nclusterName: b\n---\ncluster: a\n" SERVICE("s"));
    expect_valid(fixture);
    fixture_put(fixture, "d.yaml", "cluster: b\n" SERVICE("s"));
    expect_error(fixture, "davit.yaml:1:33: error: service \"s\" is in several clusters at /patches/0/name");
    fixture_put(fixture, "davit.yaml", "patches: [{kind: Service, name: b/s, merge: {desiredCount: 9}}]\n");
    expect_valid(fixture);
    assert_int_equal(desired_service(fixture->desired, "a", "s")->desired_count, 1);
    assert_int_equal(desired_service(fixture->desired, "b", "s")->desired_count, 9);
}

static void test_wrapped_objects(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml",
              "patches:\n- {kind: Service, name: t, merge: {desiredCount: 3}}\n"
              "- {kind: Service, name: s, merge: {desiredCnt: 3}}\n",
              "t.yaml", WEB("x"), "s.json",
              "{\"services\": [{\"serviceName\": \"s\", \"taskDefinition\": \"web\"},\n"
              "{\"serviceName\": \"t\", \"taskDefinition\": \"web\"}]}\n");
    expect_error(fixture, "davit.yaml:3:36: error: unknown member \"desiredCnt\" at "
                          "/patches/1/merge/desiredCnt; did you mean \"desiredCount\"?");
    fixture_put(fixture, "davit.yaml", "patches:\n- {kind: Service, name: t, merge: {desiredCount: 3}}\n");
    expect_valid(fixture);
    assert_int_equal(service(fixture, "s")->desired_count, 1);
    assert_int_equal(service(fixture, "t")->desired_count, 3);
}

/* --- places --------------------------------------------------------------------------------------------- */

static void test_places(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", "patches:\n- {kind: Service, name: s, merge: {desiredCount: -2}}\n", "t.yaml",
              WEB("x"), "s.yaml", SERVICE("s") "\n\ndesiredCount: 1\n");
    expect_error(fixture, "davit.yaml:2:50: error: ");
    fixture_put(fixture, "davit.yaml",
                "patches:\n- {kind: Service, name: s, merge: {enableECSManagedTags: false}}\n");
    fixture_put(fixture, "s.yaml", SERVICE("s") "\n\ndesiredCount: -1\n");
    expect_error(fixture, "s.yaml:5:15: error: ");
    fixture_put(fixture, "s.yaml", SERVICE("s"));
    fixture_put(fixture, "davit.yaml",
                "patches:\n- {kind: Service, name: s, merge: {taskDefinition: wbe}}\n");
    expect_error(fixture, "davit.yaml:2:52: error: no task definition \"wbe\" in this commit at "
                          "/patches/0/merge/taskDefinition; did you mean \"web\"?");
    fixture_put(fixture, "davit.yaml", "patches:\n- {kind: Service, name: s, merge: {cluster: c}}\n");
    expect_error(fixture,
                 "davit.yaml:2:45: error: no cluster \"c\" in this commit at /patches/0/merge/cluster");
    /* a later patch inside of what an earlier one put there */
    fixture_put(fixture, "davit.yaml",
                "patches:\n"
                "- {kind: Service, name: s, merge: {deploymentConfiguration: {maximumPercent: 1,\n"
                "   minimumHealthyPercent: 100}}}\n"
                "- {kind: Service, name: s, merge: {deploymentConfiguration: {maximumPercent: -1}}}\n");
    expect_error(fixture, "davit.yaml:4:78: error: ");
    fixture_put(fixture, "davit.yaml",
                "patches:\n"
                "- {kind: Service, name: s, merge: {deploymentConfiguration: {maximumPercent: -1,\n"
                "   minimumHealthyPercent: 100}}}\n"
                "- {kind: Service, name: s, merge: {deploymentConfiguration: {minimumHealthyPercent: 0}}}\n");
    expect_error(fixture, "davit.yaml:2:78: error: ");
    fixture_put(fixture, "davit.yaml",
                "\npatches:\n"
                "- {kind: Service, name: s, merge: {taskDefinition: null}}\n");
    expect_error(fixture, "davit.yaml:3:52: error: member \"taskDefinition\" is missing");
}

/* A comment moves the patch: what is reported there moves along, though the object is as it was. */
static void test_places_follow(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", "patches:\n- {kind: Service, name: s, merge: {role: r}}\n", "t.yaml", WEB("x"),
              "s.yaml", SERVICE("s"));
    expect_valid(fixture);
    assert_int_equal(fixture->diagnostics.warnings, 1);
    assert_int_equal(fixture->diagnostics.list.items[0].at.line, 2);
    fixture_put(fixture, "davit.yaml", "# moved\npatches:\n- {kind: Service, name: s, merge: {role: r}}\n");
    expect_valid(fixture);
    assert_int_equal(fixture->diagnostics.list.items[0].at.line, 3);
}

/* --- extends -------------------------------------------------------------------------------------------- */

static void set_roots(struct fixture *fixture, const char *root, int levels)
{
    struct string_vec roots = {0};
    if (root)
        vector_push(&roots, memory_strdup(root));
    manifest_set_roots(fixture->manifest, &roots, levels);
    string_vec_deinit(&roots);
    manifest_update(fixture->manifest, false, NULL, 0);
}

/* Between blanks. */
static void expect_roots(struct fixture *fixture, bool asked, const char *text)
{
    struct string_vec roots CLEANUP(string_vec_deinit) = {0};
    struct buffer got CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    if (asked)
        fixture_asks(fixture, &roots);
    else
        manifest_wanted_roots(fixture->manifest, &roots);
    for (size_t i = 0; i < roots.len; i++)
        buffer_printf(&got, "%s%s", i ? " " : "", roots.items[i]);
    assert_string_equal(buffer_str(&got), text);
}

static void test_a_base_outside_is_asked_for(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = FILES("s.yaml", SERVICE("s"));
    expect_roots(fixture, true, "");
    set_roots(fixture, NULL, 2);
    fixture_put(fixture, "davit.yaml", "extends: [../base, ./../base/, ../a/x, inside]\n");
    expect_roots(fixture, true, "../a/x/ ../base/");
    fixture_put(fixture, "davit.yaml", "extends: [../base]\n");
    expect_error(fixture, "davit.yaml:1:1: error: the files of \"../base\" were not read");
    set_roots(fixture, "../base/", 2);
    expect_roots(fixture, true, "");
    expect_roots(fixture, false, "../base/");
    expect_error(fixture, "davit.yaml:1:11: error: no manifest in \"../base\", or no such directory");
    fixture_put(fixture, "../base/web.yaml", WEB("x"));
    fixture_put(fixture, "../other/web.yaml", WEB("y")); /* of an older commit's environment */
    expect_valid(fixture);
    assert_string_equal(image(fixture, "web"), "x");
    assert_string_equal(desired_task_definition(fixture->desired, "web")->origin.file, "../base/web.yaml");
    fixture_put(fixture, "../base/davit.yaml", "extends: [../../common]\n");
    expect_roots(fixture, true, "../../common/ ../base/");
    expect_roots(fixture, false, "../../common/ ../base/");
    fixture_put(fixture, "../base/davit.yaml", NULL);
    expect_valid(fixture);
    fixture_put(fixture, "davit.yaml", NULL);
    expect_error(fixture, "s.yaml:2:17: error: no task definition \"web\" in this commit");
}

static void put_too_large(struct fixture *fixture, bool too_large)
{
    const struct manifest_file file = {
        .path = "../base/", .kind = too_large ? MANIFEST_TOO_LARGE : MANIFEST_DELETED, .other = true};
    manifest_update(fixture->manifest, false, &file, 1);
}

static void test_a_base_that_is_too_large_is_told_where_it_is_named(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("s.yaml", SERVICE("s"), "t.yaml", WEB("x"), "davit.yaml", "extends: [../base]\n");
    set_roots(fixture, "../base/", 2);
    put_too_large(fixture, true);
    expect_error(fixture, "davit.yaml:1:11: error: \"../base\" is too large: at most 65536 manifests");
    expect_roots(fixture, true, "");
    expect_roots(fixture, false, "../base/");
    fixture_put(fixture, "davit.yaml", "extends: [../base/small]\n"); /* asked for by itself */
    expect_roots(fixture, true, "../base/small/");
    fixture_put(fixture, "davit.yaml", NULL);
    expect_valid(fixture);
    fixture_put(fixture, "davit.yaml", "extends: [../base]\n");
    put_too_large(fixture, false);
    fixture_put(fixture, "../base/c.yaml", "{kind: Cluster, clusterName: c}\n");
    expect_valid(fixture);
}

static void test_the_repository_is_not_left(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("t.yaml", WEB("x"), "davit.yaml", "extends: [../../base]\n");
    expect_error(fixture, "davit.yaml:1:11: error: no manifest in \"../../base\""); /* nobody looks */
    set_roots(fixture, NULL, 1);
    expect_error(fixture, "davit.yaml:1:11: error: \"../../base\" leads out of the repository");
    expect_roots(fixture, true, "");
    set_roots(fixture, NULL, 2);
    expect_roots(fixture, true, "../../base/");
    fixture_put(fixture, "davit.yaml", "extends: [a/../../../../b]\n");
    expect_error(fixture, "\"../../../b\" leads out of the repository");
}

static void test_a_directory_in_no_repository_is_not_left(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    manifest_set_directory(fixture->manifest, "prod", "git init");
    set_roots(fixture, NULL, 0);
    fixture_put(fixture, "davit.yaml", "extends: [../base]\n");
    expect_error(fixture,
                 "davit.yaml:1:11: error: \"../base\" leads out of \"prod\", which is taken as the root "
                 "because it is in no git repository at /extends/0; git init");
}

static void test_a_configuration_of_the_daemon_is_known(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("t.yaml", WEB("x"), "davit.yaml", "logLevel: info\nsource: {origin: /srv/a}\ninstances: []\n");
    assert_int_equal(fixture_build(fixture), -1);
    size_t hints = 0;
    for (size_t i = 0; i < fixture->diagnostics.list.len; i++) {
        const struct diagnostic *diagnostic = &fixture->diagnostics.list.items[i];
        hints += diagnostic->hint && strstr(diagnostic->hint, "`davit daemon --config FILE`") != NULL;
    }
    assert_int_equal(fixture->diagnostics.errors, 3);
    assert_int_equal(hints, 1);
}

static void test_order_of_layers(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = FILES(
        "davit.yaml",
        "extends: [a, b]\nvariables: {V3: root}\n"
        "patches: [{kind: Service, name: s, merge: {healthCheckGracePeriodSeconds: 5}}]\n",
        "a/davit.yaml",
        "extends: [../common]\nvariables: {V1: a, V2: a, V3: a}\n"
        "patches: [{kind: Service, name: s, merge: {desiredCount: 3, healthCheckGracePeriodSeconds: 3}}]\n",
        "b/davit.yaml",
        "extends: [../common]\nvariables: {V2: b, V3: b}\n"
        "patches: [{kind: Service, name: s, merge: {desiredCount: 4, healthCheckGracePeriodSeconds: 4}}]\n",
        "common/davit.yaml", "variables: {V0: common, V1: common, V2: common, V3: common}\n", "common/s.yaml",
        SERVICE("s"), "t.yaml", WEB("${V0}-${V1}-${V2}-${V3}"));
    expect_valid(fixture);
    assert_string_equal(image(fixture, "web"), "common-a-b-root");
    assert_int_equal(service(fixture, "s")->desired_count, 4);
    assert_int_equal(service(fixture, "s")->health_check_grace_ms, 5000);
}

static void test_what_cannot_be_extended(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"extends: [.]\n", "", "", "davit.yaml:1:11: error: extends leads back to where it began: . -> . at"},
        {"extends: [a]\n", "extends: [../b]\n", "extends: [../a]\n",
         "b/davit.yaml:1:11: error: extends leads back to where it began: a -> b -> a at /extends/0"},
        {"extends: [a]\n", "extends: [../b]\n", "extends: [..]\n",
         "b/davit.yaml:1:11: error: extends leads back to where it began: . -> a -> b -> . at"},
        {"extends: [..]\n", "", "",
         "davit.yaml:1:11: error: \"..\" holds the directory of this file as well"},
        {"extends: [../..]\n", "", "", "\"../..\" holds the directory of this file as well"},
        {"extends: [c]\n", "", "", "davit.yaml:1:11: error: no manifest in \"c\", or no such directory"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = FILES("davit.yaml", cases[i][0], "t.yaml", WEB("x"));
        if (*cases[i][1])
            fixture_put(fixture, "a/davit.yaml", cases[i][1]);
        if (*cases[i][2])
            fixture_put(fixture, "b/davit.yaml", cases[i][2]);
        expect_error(fixture, cases[i][3]);
    }
}

static void test_files_below_the_root(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = FILES("t.yaml", WEB("x"), "prod/davit.yaml", "x-a: 1\n");
    expect_error(fixture,
                 "prod/davit.yaml:1:1: error: a davit.yaml below the manifest root, and nothing extends");
    fixture_put(fixture, "davit.yaml", "x-a: 1\n");
    expect_error(fixture,
                 "prod/davit.yaml:1:1: error: a davit.yaml below the manifest root, and nothing extends");
    fixture_put(fixture, "davit.yaml", "extends: [prod]\n");
    expect_valid(fixture);
    fixture_put(fixture, "davit.yaml", NULL);
    fixture_put(fixture, "prod/davit.yaml", NULL);
    expect_valid(fixture);
}

static void test_duplicates(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", "extends: [base]\n", "base/t.yaml", WEB("x"), "t.yaml", "# own\n" WEB("y"));
    expect_error(fixture,
                 "t.yaml:2:1: error: task definition \"web\" is declared twice: first at base/t.yaml:1:1");
}

/* --- from commit to commit ------------------------------------------------------------------------------ */

static void test_only_what_changes_is_read_again(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = FILES(
        "davit.yaml",
        "variables: {TAG: '1'}\npatches: [{kind: Service, name: p, merge: {desiredCount: 2}}]\n", "t.yaml",
        WEB("x:${TAG}"), "plain.yaml", "family: plain\ncontainerDefinitions: [{name: a, image: b}]\n",
        "p.yaml", SERVICE("p"), "q.yaml", SERVICE("q"));
    expect_valid(fixture);
    struct desired *before CLEANUP(desired_unrefp) = desired_ref(fixture->desired);
    fixture_put(fixture, "davit.yaml",
                "variables: {TAG: '2'}\npatches: [{kind: Service, name: p, merge: {desiredCount: 2}}]\n");
    expect_valid(fixture);
    assert_string_equal(image(fixture, "web"), "x:2");
    assert_int_equal(desired_task_definition(fixture->desired, "web")->revision, 2);
    assert_ptr_equal(desired_task_definition(fixture->desired, "plain"),
                     desired_task_definition(before, "plain"));
    struct desired *second CLEANUP(desired_unrefp) = desired_ref(fixture->desired);
    fixture_put(fixture, "davit.yaml",
                "variables: {TAG: '2'}\npatches: [{kind: Service, name: q, merge: {desiredCount: 2}}]\n");
    expect_valid(fixture);
    assert_int_equal(service(fixture, "p")->desired_count, 1);
    assert_int_equal(service(fixture, "q")->desired_count, 2);
    assert_ptr_equal(desired_task_definition(fixture->desired, "web"),
                     desired_task_definition(second, "web"));
    fixture_put(fixture, "q.yaml", NULL);
    fixture_put(fixture, "davit.yaml", NULL);
    fixture_put(fixture, "t.yaml", WEB("x:1"));
    expect_valid(fixture);
    assert_int_equal(desired_task_definition(fixture->desired, "web")->revision, 1); /* as it was first */
}

/* Old commits are walked for their numbers: each sees its own environment. */
static void test_numbers_follow_the_resolved_content(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", "variables: {TAG: '1'}\n", "t.yaml", WEB("x:${TAG}"));
    struct commit commit = {.oid = "c0ffee", .author = (char *)"A", .subject = (char *)"s"};
    struct manifest_numbering numbering = {&fixture->families, &fixture->changed};
    static const char *const tags[] = {"variables: {TAG: '2'}\n", "variables: {TAG: '1'}\n",
                                       "variables: {TGA: '1'}\n", "variables: {TAG: '3'}\n# c\n"};
    manifest_number(fixture->manifest, &commit, &numbering);
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        fixture_put(fixture, "davit.yaml", tags[i]);
        manifest_number(fixture->manifest, &commit, &numbering);
    }
    expect_valid(fixture);
    assert_int_equal(desired_task_definition(fixture->desired, "web")->revision, 3);
}

static void test_order_of_files_does_not_matter(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("t.yaml", WEB("x:${TAG}"), "../base/s.yaml", SERVICE("s"));
    set_roots(fixture, "../base/", 1);
    fixture_put(fixture, "davit.yaml", "variables: {TAG: '1'}\nextends: [../base]\n");
    expect_valid(fixture);
    assert_string_equal(image(fixture, "web"), "x:1");
    assert_int_equal(service(fixture, "s")->desired_count, 1);
}

/* --- bounds --------------------------------------------------------------------------------------------- */

static void test_expansion_is_bounded(void **state)
{
    (void)state;
    struct buffer davit CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    struct buffer file CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    buffer_append_str(&davit, "variables:\n  A: ");
    for (int i = 0; i < 65536; i++)
        buffer_append_str(&davit, "aaaaaaaaaaaaaaaa");
    buffer_append_str(&davit, "\n");
    buffer_append_str(&file, WEB("x") "  command: [a");
    for (int i = 0; i < 4096; i++)
        buffer_append_str(&file, ", '${A}${A}'");
    buffer_append_str(&file, "]\n");
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", buffer_str(&davit), "t.yaml", buffer_str(&file));
    expect_error(fixture, "t.yaml:6:40: error: with the variables put in there are more than 4194304 bytes "
                          "(LIMIT_MANIFEST_BYTES, LIMIT_ENVIRONMENT_BYTES)");
}

static void test_patches_are_bounded(void **state)
{
    (void)state;
    struct buffer davit CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    struct buffer file CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    buffer_append_str(&davit, "patches:\n- {kind: Service, name: s, merge: {role: ");
    for (int i = 0; i < 65536; i++)
        buffer_append_str(&davit, "aaaaaaaaaaaaaaaa");
    buffer_append_str(&davit, "}}\n");
    for (int i = 0; i < 5; i++)
        buffer_append_str(&file, "---\n" SERVICE("s"));
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", buffer_str(&davit), "s.yaml", buffer_str(&file), "t.yaml", WEB("x"));
    assert_int_equal(fixture_build(fixture), -1);
    bool told = false;
    for (size_t i = 0; i < fixture->diagnostics.list.len; i++)
        told |= text_equal(fixture->diagnostics.list.items[i].code, "limit");
    assert_true(told);
}

static void test_nesting_is_bounded(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", "extends: [d0]\n", "t.yaml", WEB("x"));
    for (int i = 0; i < 20; i++) {
        char *path CLEANUP_FREE = memory_printf("d%d/davit.yaml", i);
        char *text CLEANUP_FREE = memory_printf("extends: [../d%d]\n", i + 1);
        fixture_put(fixture, path, text);
    }
    expect_error(fixture, "extends is nested deeper than 16 (LIMIT_ENVIRONMENT_DEPTH)");
    struct buffer wide CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    buffer_append_str(&wide, "extends: [x");
    for (int i = 0; i < 2000; i++)
        buffer_printf(&wide, ", ../d%d", i);
    buffer_append_str(&wide, "]\n");
    struct fixture *second CLEANUP(fixture_freep) =
        FILES("davit.yaml", buffer_str(&wide), "t.yaml", WEB("x"));
    set_roots(second, NULL, 9);
    assert_int_equal(fixture_build(second), -1);
    struct string_vec missing CLEANUP(string_vec_deinit) = {0};
    fixture_asks(second, &missing);
    assert_int_equal(second->diagnostics.errors, 1 + missing.len);
    assert_true(missing.len < 64);
}

static void test_numbers_are_bounded(void **state)
{
    (void)state;
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    buffer_append_str(&text, "variables:\n");
    for (int i = 0; i <= LIMIT_ENVIRONMENT_VARIABLES; i++)
        buffer_printf(&text, "  V%d: a\n", i);
    struct fixture *fixture CLEANUP(fixture_freep) =
        FILES("davit.yaml", buffer_str(&text), "t.yaml", WEB("x"));
    expect_error(fixture, "davit.yaml:2:3: error: more than 4096 variables (LIMIT_ENVIRONMENT_VARIABLES)");
    buffer_clear(&text);
    buffer_append_str(&text, "patches:\n");
    for (int i = 0; i <= LIMIT_ENVIRONMENT_PATCHES; i++)
        buffer_append_str(&text, "- {kind: TaskDefinition, name: web, merge: {}}\n");
    fixture_put(fixture, "davit.yaml", buffer_str(&text));
    expect_error(fixture, "davit.yaml:2:1: error: more than 4096 patches (LIMIT_ENVIRONMENT_PATCHES)");
}

static void test_links_are_refused(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = FILES("t.yaml", WEB("x"));
    struct manifest_file link = {.path = "davit.yaml", .kind = MANIFEST_SYMLINK};
    manifest_update(fixture->manifest, false, &link, 1);
    expect_error(fixture, "davit.yaml:1:1: error: this is a symbolic link");
    fixture_put(fixture, "davit.yaml", "extends: [base]\n");
    link.path = "base/x.yaml";
    manifest_update(fixture->manifest, false, &link, 1);
    expect_error(fixture, "base/x.yaml:1:1: error: this is a symbolic link");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_file_nothing_is_replaced),
        cmocka_unit_test(test_without_variables_nothing_is_replaced),
        cmocka_unit_test(test_what_is_left_is_told),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_keys_are_left_alone),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_bad_references),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_patches),
        cmocka_unit_test(test_patches_with_variables),
        cmocka_unit_test(test_names_that_are_numbers),
        cmocka_unit_test(test_a_patch_removes_an_object),
        cmocka_unit_test(test_patches_in_order_select_by_the_first_name),
        cmocka_unit_test(test_patches_without_use),
        cmocka_unit_test(test_wrapped_objects),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_places_follow),
        cmocka_unit_test(test_a_base_outside_is_asked_for),
        cmocka_unit_test(test_a_base_that_is_too_large_is_told_where_it_is_named),
        cmocka_unit_test(test_the_repository_is_not_left),
        cmocka_unit_test(test_a_directory_in_no_repository_is_not_left),
        cmocka_unit_test(test_a_configuration_of_the_daemon_is_known),
        cmocka_unit_test(test_order_of_layers),
        cmocka_unit_test(test_what_cannot_be_extended),
        cmocka_unit_test(test_files_below_the_root),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_only_what_changes_is_read_again),
        cmocka_unit_test(test_numbers_follow_the_resolved_content),
        cmocka_unit_test(test_order_of_files_does_not_matter),
        cmocka_unit_test(test_expansion_is_bounded),
        cmocka_unit_test(test_patches_are_bounded),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_numbers_are_bounded),
        cmocka_unit_test(test_links_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
