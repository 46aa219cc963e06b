/* What a manifest hands out, how it counts revisions, and what it keeps from one commit to the next. */
#include "base/buffer.h"
#include "base/digest.h"
#include "base/text.h"
#include "manifest_fixture.h"

#define WEB(image)    "family: web\ncontainerDefinitions:\n- name: app\n  image: " image "\n"
#define SERVICE(name) "serviceName: " name "\ntaskDefinition: web\n"

static void test_values(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(
        fixture, "t.yaml",
        "kind: TaskDefinition\nfamily: web\nx-note: n\ntags: []\ncpu: 1 vCPU\nmemory: 0.5GB\nrevision: 9\n"
        "containerDefinitions:\n"
        "- name: app\n  image: nginx\n  cpu: 256\n  memory: 128\n  memoryReservation: 64\n  startTimeout: 7\n"
        "  dependsOn: [{containerName: side, condition: HEALTHY}]\n"
        "  portMappings: [{containerPort: 80}, {containerPort: 53, hostPort: 5353, protocol: udp}]\n"
        "- name: side\n  image: nginx\n  memory: 32\n  essential: false\n  stopTimeout: 2147483647\n"
        "  healthCheck: {command: [CMD, 'true']}\n");
    fixture_put(
        fixture, "s.yaml",
        "cluster: prod\nserviceName: s\ntaskDefinition: web\ndesiredCount: 3\n"
        "deploymentConfiguration: {minimumHealthyPercent: 50, deploymentCircuitBreaker: {enable: false, "
        "rollback: true, resetOnHealthyTask: false, thresholdConfiguration: {type: COUNT, value: 7}}}\n"
        "healthCheckGracePeriodSeconds: 2147483647\n"
        "davit: {minimumHealthySeconds: 4}\n---\nclusterName: prod\n");
    int r = fixture_build(fixture);
    fixture_print(fixture);
    assert_int_equal(r, 0);
    const struct task_definition *web = desired_task_definition(fixture->desired, "web");
    assert_int_equal(web->revision, 1);
    assert_string_equal(web->network_mode, "bridge");
    assert_string_equal(web->origin.file, "t.yaml");
    assert_int_equal(web->containers.len, 2);
    char *json CLEANUP_FREE = json_dumps(web->json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_null(strstr(json, "kind"));
    assert_null(strstr(json, "x-note"));
    assert_null(strstr(json, "tags"));
    assert_null(strstr(json, "revision"));
    assert_non_null(strstr(json, "\"cpu\":\"1024\""));
    assert_non_null(strstr(json, "\"memory\":\"512\""));
    const struct container_spec *app = task_definition_container(web, "app");
    assert_true(app->essential);
    assert_int_equal(app->cpu_units, 256);
    assert_int_equal(app->memory_mib, 64);
    assert_int_equal(app->stop_timeout_s, 30);
    assert_int_equal(app->start_timeout_s, 7);
    assert_false(app->has_health_check);
    assert_int_equal(app->depends_on.items[0].condition, DEPENDENCY_HEALTHY);
    assert_int_equal(app->ports.items[0].host_port, 0);
    assert_int_equal(app->ports.items[1].host_port, 5353);
    assert_true(app->ports.items[1].udp);
    const struct container_spec *side = task_definition_container(web, "side");
    assert_false(side->essential);
    assert_int_equal(side->memory_mib, 32);
    assert_int_equal(side->stop_timeout_s, INT32_MAX);
    assert_true(side->has_health_check);
    const struct service *service = desired_service(fixture->desired, "prod", "s");
    assert_ptr_equal(service->task_definition, web);
    assert_int_equal(service->desired_count, 3);
    assert_false(service->breaker.enable || service->breaker.reset_on_healthy_task);
    assert_true(service->breaker.rollback);
    assert_int_equal(service->breaker.threshold_type, THRESHOLD_COUNT);
    assert_int_equal(service->breaker.threshold_value, 7);
    assert_int_equal(service->minimum_healthy_percent, 50);
    assert_int_equal(service->maximum_percent, 200);
    assert_int_equal(service->minimum_healthy_ms, 4000);
    assert_int_equal(service->health_check_grace_ms, 2147483647000);
    assert_non_null(desired_cluster(fixture->desired, "prod"));
    assert_null(desired_cluster(fixture->desired, "default"));
}

static void test_ports_by_network_mode(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "t.yaml",
                "networkMode: host\n" WEB("nginx") "  portMappings: [{containerPort: 80}]\n");
    assert_int_equal(fixture_build(fixture), 0);
    const struct task_definition *web = desired_task_definition(fixture->desired, "web");
    assert_int_equal(web->containers.items[0].ports.items[0].host_port, 80);
}

static void test_default_cluster_needs_no_file(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "t.yaml", WEB("nginx") "---\n" SERVICE("s"));
    assert_int_equal(fixture_build(fixture), 0);
    assert_non_null(desired_cluster(fixture->desired, "default"));
    assert_int_equal(desired_service(fixture->desired, "default", "s")->desired_count, 1);
}

#define IN(cluster)                                                                                          \
    "---\n" SERVICE("s") "cluster: " cluster "\n---\nkind: Cluster\nclusterName: " cluster "\n"

/* Everybody searches by halves, and adopts with one walk. */
static void test_the_order_is_of_names(void **state)
{
    (void)state;
    static const char *const clusters[] = {"a", "a-b", "a0", "default", "e"};
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "t.yaml", WEB("nginx") IN("a0") IN("a-b") IN("e"));
    fixture_put(fixture, "u.yaml", SERVICE("s") IN("a"));
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->desired->clusters.len, ARRAY_LEN(clusters));
    assert_int_equal(fixture->desired->services.len, ARRAY_LEN(clusters));
    for (size_t i = 0; i < ARRAY_LEN(clusters); i++) {
        assert_string_equal(fixture->desired->clusters.items[i]->name, clusters[i]);
        assert_string_equal(fixture->desired->services.items[i]->cluster, clusters[i]);
        assert_non_null(desired_service(fixture->desired, clusters[i], "s"));
    }
}

static void test_a_duplicate_that_comes_and_goes(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "b.yaml", WEB("nginx") "---\n" SERVICE("s") "---\n" SERVICE("t"));
    assert_int_equal(fixture_build(fixture), 0);
    for (int round = 0; round < 2; round++) {
        fixture_put(fixture, round ? "a.yaml" : "c.yaml", SERVICE("s"));
        fixture_put(fixture, "d.yaml", SERVICE("u"));
        assert_int_equal(fixture_build(fixture), -1);
        assert_int_equal(fixture->diagnostics.errors, 1);
        size_t first = 0; /* error; warnings stand between */
        while (fixture->diagnostics.list.items[first].severity != SEVERITY_ERROR)
            first++;
        assert_string_equal(fixture->diagnostics.list.items[first].code, "duplicate");
        fixture_put(fixture, "d.yaml", NULL); /* which has nothing to do with it */
        assert_int_equal(fixture_build(fixture), -1);
        fixture_put(fixture, round ? "a.yaml" : "c.yaml", NULL);
        assert_int_equal(fixture_build(fixture), 0);
    }
}

/* It hides nothing else that is wrong with its file, and nobody complains of what it may have declared. */
static void test_a_member_that_is_given_twice(void **state)
{
    (void)state;
    static const char *const faults[] = {"2:1 duplicate", "3:55 type", "5:1 duplicate", "6:1 unknown-member"};
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "t.yaml",
                "family: other\nfamily: web\ncontainerDefinitions: [{name: app, image: nginx, cpu: x}]\n"
                "cpu: '256'\ncpu: '256'\nmemori: '512'\nkind: TaskDefinition\n");
    fixture_put(fixture, "u.yaml", SERVICE("s"));
    assert_int_equal(fixture_build(fixture), -1);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        const struct diagnostic *found = &fixture->diagnostics.list.items[i];
        char *fault CLEANUP_FREE = memory_printf("%d:%d %s", found->at.line, found->at.column, found->code);
        assert_string_equal(fault, faults[i]);
    }
    assert_int_equal(fixture->diagnostics.errors, ARRAY_LEN(faults));
    fixture_put(fixture, "t.yaml", WEB("nginx"));
    assert_int_equal(fixture_build(fixture), 0);
}

static struct digest digest_of(const char *text)
{
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "t.yaml", text);
    int r = fixture_build(fixture);
    if (r < 0)
        fixture_print(fixture);
    assert_int_equal(r, 0);
    return desired_task_definition(fixture->desired, "web")->digest;
}

static void test_digest_is_of_the_content(void **state)
{
    (void)state;
    struct digest plain = digest_of(WEB("nginx"));
    static const char *const same[] = {
        "# a comment\n" WEB("'nginx'"),
        "containerDefinitions: [{image: nginx, name: app}]\nfamily: web\n",
        "tags: [{key: a, value: b}]\nx-a: 1\nkind: TaskDefinition\nnetworkMode: bridge\nvolumes: []\n" WEB(
            "nginx"),
        WEB("nginx") "  essential: true\n  cpu: 0\n  stopTimeout: 30\n  environment: []\n  privileged: "
                     "false\n",
        "{\"taskDefinition\": {\"revision\": 4, \"family\": \"web\", \"containerDefinitions\": [{\"name\": "
        "\"app\", "
        "\"image\": \"nginx\", \"portMappings\": []}]}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        struct digest other = digest_of(same[i]);
        assert_true(digest_equal(&plain, &other));
    }
    static const char *const different[] = {
        WEB("nginx:1"),
        WEB("nginx") "  essential: true\n  cpu: 1\n",
        WEB("nginx") "  environment: [{name: A, value: ''}]\n",
        "taskRoleArn: r\n" WEB("nginx"),
    };
    for (size_t i = 0; i < ARRAY_LEN(different); i++) {
        struct digest other = digest_of(different[i]);
        assert_false(digest_equal(&plain, &other));
    }
    struct digest port = digest_of(WEB("nginx") "  portMappings: [{containerPort: 80}]\n");
    struct digest spelled =
        digest_of(WEB("nginx") "  portMappings: [{containerPort: 80, hostPort: 0, protocol: tcp}]\n");
    assert_true(digest_equal(&port, &spelled));
    struct digest cpu = digest_of("cpu: 1 vCPU\nmemory: 2 GB\n" WEB("nginx"));
    struct digest units = digest_of("cpu: 1024\nmemory: '2048'\n" WEB("nginx"));
    assert_true(digest_equal(&cpu, &units));
}

/* When this changes, an update of davit replaces every task there is. */
static void test_digest_is_for_ever(void **state)
{
    (void)state;
    struct digest digest = digest_of(WEB("nginx") "  portMappings: [{containerPort: 80}]\n");
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    assert_string_equal(hex, "4055921b0643be91b2d004f6cabfdcfb19913eef51607d858b90ad58d3c5b951");
}

static void test_what_is_in_a_service_digest(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "t.yaml", WEB("nginx"));
    fixture_put(fixture, "s.yaml", SERVICE("s"));
    assert_int_equal(fixture_build(fixture), 0);
    struct digest before = desired_service(fixture->desired, "default", "s")->digest;
    fixture_put(fixture, "s.yaml",
                SERVICE("s") "desiredCount: 7\ndeploymentConfiguration: {maximumPercent: 150}\n");
    assert_int_equal(fixture_build(fixture), 0);
    assert_true(digest_equal(&before, &desired_service(fixture->desired, "default", "s")->digest));
    fixture_put(fixture, "t.yaml", WEB("nginx:2"));
    assert_int_equal(fixture_build(fixture), 0);
    assert_false(digest_equal(&before, &desired_service(fixture->desired, "default", "s")->digest));
}

static void test_revisions(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    static const struct {
        const char *text;
        int revision;
        size_t changed;
    } commits[] = {
        {WEB("a"), 1, 1}, {WEB("b"), 2, 1}, {"# same\n" WEB("b"), 2, 0}, {WEB("a"), 1, 0}, {WEB("c"), 3, 1}};
    for (size_t i = 0; i < ARRAY_LEN(commits); i++) {
        fixture_put(fixture, "t.yaml", commits[i].text);
        assert_int_equal(fixture_build(fixture), 0);
        assert_int_equal(desired_task_definition(fixture->desired, "web")->revision, commits[i].revision);
        assert_int_equal(fixture->changed.len, commits[i].changed);
    }
    fixture_put(fixture, "s.yaml", "serviceName: s\ntaskDefinition: web:2\n");
    assert_int_equal(fixture_build(fixture), 0);
    const struct service *service = desired_service(fixture->desired, "default", "s");
    assert_int_equal(service->task_definition->revision, 2);
    char *json CLEANUP_FREE = json_dumps(service->task_definition->json, JSON_COMPACT);
    assert_non_null(strstr(json, "\"b\""));
    fixture_put(fixture, "t.yaml", WEB("b")); /* the old revision is the newest again */
    assert_int_equal(fixture_build(fixture), 0);
    service = desired_service(fixture->desired, "default", "s");
    assert_true(digest_equal(&service->digest, &desired_task_definition(fixture->desired, "web")->digest));
    fixture_put(fixture, "t.yaml", NULL); /* old revisions outlive their files */
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(desired_service(fixture->desired, "default", "s")->task_definition->revision, 2);
}

/* History is numbered without judging whole commits; what does not validate by itself is passed over. */
static void test_numbering_alone(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    struct commit commit = {.oid = "1"};
    static const char *const history[] = {WEB("a") "---\n" SERVICE("lost") "cluster: none\n",
                                          WEB("b") "  imge: b\n", "family: web\n" WEB("d"), WEB("c")};
    for (size_t i = 0; i < ARRAY_LEN(history); i++) {
        fixture_put(fixture, "t.yaml", history[i]);
        manifest_number(fixture->manifest, &commit,
                        &(struct manifest_numbering){&fixture->families, &fixture->changed});
    }
    const struct family_ledger *web = map_get(&fixture->families, "web");
    assert_int_equal(web->revisions.len, 2);
    assert_int_equal(fixture->changed.len, 2);
}

static void test_unchanged_objects_are_shared(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "t.yaml", WEB("nginx"));
    fixture_put(fixture, "u.yaml", "family: api\ncontainerDefinitions: [{name: a, image: b}]\n");
    fixture_put(fixture, "s.yaml", SERVICE("s"));
    fixture_put(fixture, "r.yaml", "serviceName: r\ntaskDefinition: api\n");
    assert_int_equal(fixture_build(fixture), 0);
    struct desired *first CLEANUP(desired_unrefp) = desired_ref(fixture->desired);
    fixture_put(fixture, "t.yaml", WEB("nginx:2"));
    assert_int_equal(fixture_build(fixture), 0);
    assert_ptr_equal(desired_service(first, "default", "r"),
                     desired_service(fixture->desired, "default", "r"));
    assert_ptr_equal(desired_task_definition(first, "api"), desired_task_definition(fixture->desired, "api"));
    const struct service *before = desired_service(first, "default", "s");
    const struct service *after = desired_service(fixture->desired, "default", "s");
    assert_ptr_not_equal(before, after);
    assert_ptr_equal(before->task_definition, desired_task_definition(first, "web")); /* sealed is sealed */
    assert_int_equal(after->task_definition->revision, 2);
}

static void test_a_full_listing_drops_and_shares(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    const char *web = WEB("nginx");
    const char *cluster = "clusterName: c\n";
    const struct manifest_file files[] = {
        {.path = "c.yaml", .kind = MANIFEST_FILE, .content = cluster, .len = strlen(cluster)},
        {.path = "t.yaml", .kind = MANIFEST_FILE, .content = web, .len = strlen(web)}};
    manifest_update(fixture->manifest, true, files, 2);
    assert_int_equal(fixture_build(fixture), 0);
    struct desired *first CLEANUP(desired_unrefp) = desired_ref(fixture->desired);
    manifest_update(fixture->manifest, true, &files[1], 1);
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->desired->clusters.len, 0);
    assert_ptr_equal(desired_task_definition(first, "web"), desired_task_definition(fixture->desired, "web"));
    manifest_update(fixture->manifest, true, NULL, 0);
    assert_int_equal(fixture_build(fixture), -1);
    assert_string_equal(fixture->diagnostics.list.items[0].code, "no-manifests");
}

static void test_a_broken_commit_can_be_mended(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    fixture_put(fixture, "t.yaml", WEB("nginx"));
    fixture_put(fixture, "s.yaml", SERVICE("s"));
    assert_int_equal(fixture_build(fixture), 0);
    struct desired *first CLEANUP(desired_unrefp) = desired_ref(fixture->desired);
    fixture_put(fixture, "t.yaml", NULL);
    for (int i = 0; i < 2; i++) { /* the error stays as long as its cause */
        assert_int_equal(fixture_build(fixture), -1);
        assert_null(fixture->desired);
        assert_string_equal(fixture->diagnostics.list.items[0].code, "reference");
    }
    assert_non_null(desired_service(first, "default", "s")->task_definition);
    fixture_put(fixture, "t.yaml", WEB("nginx"));
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(desired_service(fixture->desired, "default", "s")->task_definition->revision, 1);
}

static void test_the_same_path_twice(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    const struct manifest_file files[] = {
        {.path = "c.yaml", .kind = MANIFEST_FILE, .content = "clusterName: a\n", .len = 15},
        {.path = "c.yaml", .kind = MANIFEST_FILE, .content = "clusterName: b\n", .len = 15}};
    manifest_update(fixture->manifest, true, files, 2);
    assert_int_equal(fixture_build(fixture), 0);
    assert_int_equal(fixture->desired->clusters.len, 1);
    assert_string_equal(fixture->desired->clusters.items[0]->name, "b");
}

/* --- a manifest that took in many changes is the same as one that is read afresh ------------------------ */

#define SLOTS 6
#define MANY  700

static const char *const contents[] = {
    NULL,
    WEB("a"),
    WEB("b"),
    WEB("a") "  imge: c\n",
    "family: api\ncontainerDefinitions: [{name: a, image: b, portMappings: [{containerPort: 80, hostPort: "
    "80}]}]\n",
    SERVICE("s"),
    SERVICE("s") "cluster: prod\n",
    SERVICE("r") "desiredCount: 2\n---\nserviceName: q\ntaskDefinition: api\n",
    "serviceName: p\ntaskDefinition: web:2\n",
    "clusterName: prod\nsettings: [{name: containerInsights, value: enabled}]\n",
    "clusterName: prod\nx: 1\n",
    "clusterName: [\n",
    SERVICE("t") "---\n" WEB("d"),
};

static char *describe(const struct fixture *fixture)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT(1 << 20);
    for (size_t i = 0; i < fixture->diagnostics.list.len; i++) {
        char *line CLEANUP_FREE = diagnostic_to_text(&fixture->diagnostics.list.items[i]);
        buffer_printf(&text, "%s\n", line);
    }
    for (size_t i = 0; fixture->desired && i < fixture->desired->clusters.len; i++)
        buffer_printf(&text, "cluster %s\n", fixture->desired->clusters.items[i]->name);
    for (size_t i = 0; fixture->desired && i < fixture->desired->services.len; i++) {
        const struct service *service = fixture->desired->services.items[i];
        char hex[DIGEST_HEX_SIZE];
        digest_to_hex(&service->digest, hex);
        buffer_printf(&text, "service %s/%s %s:%d %s %d\n", service->cluster, service->name,
                      service->task_definition->family, service->task_definition->revision, hex,
                      service->desired_count);
    }
    return buffer_steal(&text);
}

/* Reads the slots afresh, with the ledger of `fixture`. */
static char *describe_afresh(struct fixture *fixture, const size_t *slots)
{
    struct fixture *fresh CLEANUP(fixture_freep) = fixture_new();
    struct map own = fresh->families;
    fresh->families = fixture->families;
    for (size_t i = 0; i < SLOTS; i++) {
        char path[16];
        snprintf(path, sizeof path, "%zu.yaml", i);
        if (contents[slots[i]])
            fixture_put(fresh, path, contents[slots[i]]);
    }
    fixture_build(fresh);
    assert_int_equal(fresh->changed.len, 0);
    fixture->families = fresh->families;
    fresh->families = own;
    return describe(fresh);
}

static void test_many_changes_are_as_one_reading(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    struct id_source ids = {.seed = 7};
    size_t slots[SLOTS] = {0};
    int built = 0;
    int steps = unit_rounds(600, 100);
    for (int step = 0; step < steps; step++) {
        size_t slot = id_draw_number(&ids) % SLOTS;
        char path[16];
        snprintf(path, sizeof path, "%zu.yaml", slot);
        size_t content = id_draw_number(&ids) % (ARRAY_LEN(contents) * 2);
        slots[slot] = content < ARRAY_LEN(contents) ? content : 0; /* fewer files clash less */
        fixture_put(fixture, path, contents[slots[slot]]);
        if (step % 3 == 0) /* several updates to a build */
            continue;
        built += fixture_build(fixture) == 0;
        char *incremental CLEANUP_FREE = describe(fixture);
        char *afresh CLEANUP_FREE = describe_afresh(fixture, slots);
        assert_string_equal(incremental, afresh);
    }
    assert_true(built > steps / 30);
}

/* Several read at a time, the others one by one. */
static void test_many_files_are_as_one_by_one(void **state)
{
    (void)state;
    struct fixture *together CLEANUP(fixture_freep) = fixture_new();
    struct fixture *single CLEANUP(fixture_freep) = fixture_new();
    struct manifest_file files[MANY] = {0};
    for (size_t i = 0; i < MANY; i++) {
        const char *what = i % 98 == 5 ? "kind: Service\ndesiredCout: 1\n" : i % 3 ? "" : "desiredCount: 2\n";
        files[i].path = memory_printf("%03zu.yaml", i);
        files[i].content = i % 2
                               ? memory_printf("serviceName: s%zu\ntaskDefinition: f%zu\n%s", i, i - 1, what)
                               : memory_printf("family: f%zu\ncontainerDefinitions:\n- {name: app, image: i, "
                                               "logConfiguration: {logDriver: json-file}}\n",
                                               i);
        files[i].len = strlen(files[i].content);
        fixture_put(single, files[i].path, files[i].content);
    }
    manifest_update(together->manifest, true, files, MANY);
    assert_int_equal(fixture_build(together), ERROR_INVALID);
    assert_int_equal(fixture_build(single), ERROR_INVALID);
    char *some_wrong CLEANUP_FREE = describe(together);
    char *one_by_one CLEANUP_FREE = describe(single);
    assert_non_null(strstr(some_wrong, "005.yaml"));
    assert_string_equal(some_wrong, one_by_one);
    for (size_t i = 5; i < MANY; i += 98) {
        fixture_put(together, files[i].path, NULL);
        fixture_put(single, files[i].path, NULL);
    }
    assert_int_equal(fixture_build(together), 0);
    assert_int_equal(fixture_build(single), 0);
    char *right CLEANUP_FREE = describe(together);
    char *right_one_by_one CLEANUP_FREE = describe(single);
    assert_string_equal(right, right_one_by_one);
    for (size_t i = 0; i < MANY; i++) {
        free((char *)files[i].path);
        free((char *)files[i].content);
    }
}

static void test_schemas(void **state)
{
    (void)state;
    for (const char *const *kind = manifest_schema_kinds(); *kind; kind++)
        assert_non_null(strstr(manifest_schema(*kind), "2020-12"));
    assert_null(manifest_schema("Deployment"));
}

static void test_an_old_definition(void **state)
{
    (void)state;
    struct task_definition *definition CLEANUP(task_definition_unrefp) = NULL;
    json_t *json =
        json_pack("{s:s,s:[{s:s,s:s}]}", "family", "web", "containerDefinitions", "name", "a", "image", "b");
    assert_int_equal(manifest_task_definition(json, 4, &definition), 0);
    assert_int_equal(definition->revision, 4);
    json_object_del(json, "containerDefinitions");
    struct task_definition *broken = NULL;
    assert_int_equal(manifest_task_definition(json, 4, &broken), -1);
    assert_null(broken);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_ports_by_network_mode),
        cmocka_unit_test(test_default_cluster_needs_no_file),
        cmocka_unit_test(test_the_order_is_of_names),
        cmocka_unit_test(test_a_duplicate_that_comes_and_goes),
        cmocka_unit_test(test_a_member_that_is_given_twice),
        cmocka_unit_test(test_digest_is_of_the_content),
        cmocka_unit_test(test_digest_is_for_ever),
        cmocka_unit_test(test_what_is_in_a_service_digest),
        cmocka_unit_test(test_revisions),
        cmocka_unit_test(test_numbering_alone),
        cmocka_unit_test(test_unchanged_objects_are_shared),
        cmocka_unit_test(test_a_full_listing_drops_and_shares),
        cmocka_unit_test(test_a_broken_commit_can_be_mended),
        cmocka_unit_test(test_the_same_path_twice),
        cmocka_unit_test(test_many_changes_are_as_one_reading),
        cmocka_unit_test(test_many_files_are_as_one_by_one),
        cmocka_unit_test(test_schemas),
        cmocka_unit_test(test_an_old_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
