/* Other tools' files as manifests: what becomes of each member, and what is said of those that are lost. */
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/import.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* data: further variables of a test, NAME and value by turns. */
static const char *variable(void *data, const char *name)
{
    for (const char *const *pair = data; pair && *pair; pair += 2)
        if (text_equal(pair[0], name))
            return pair[1];
    return text_equal(name, "TAG") ? "1.27" : text_equal(name, "EMPTY") ? "" : NULL;
}

static const struct {
    const char *path;
    const char *content;
} files[] = {
    {"web.env", "# comment\nA=from-file\nexport B='two words'\n\nnot_a_variable\n"},
    {"shell.env",
     "A = 1.27 # pinned\nB=\"x\\ty # z\\$A\" # why\nC=${A}-$TAG${NONE:-n}\nD='${A}'\nE=a#b\nF: f\n"
     "TAG\nG=\"two\nlines\"\nH=${NONE}\n"},
    {"base.yml", "services: {base: {image: \"other:1\", cap_add: [NET_ADMIN]}}\n"},
    {"common/base.yml",
     "services: {base: {image: b, extends: {file: ../root.yml, service: root}, env_file: [a.env], "
     "volumes: [\"./conf:/conf\", {type: bind, source: ../x, target: /x}, \"/abs:/abs\"]}}\n"},
    {"common/../root.yml", "services: {root: {user: \"7\"}}\n"},
    {"common/a.env", "A=common\n"},
    {"parts/db.yml",
     "include: [more.yml]\nservices: {db: {image: \"db:${DB_TAG}\", build: ., volumes: [\"data:/data\"], "
     "secrets: [s]}}\nvolumes: {data: {driver: nfs}}\nsecrets: {s: {file: s.txt}}\n"},
    {"parts/.env", "DB_TAG=16\nTAG=other\n"},
    {"parts/more.yml", "services: {more: {image: \"m:$TAG\"}}\n"},
    {"over.yml", "services: {db: {user: \"9\"}}\n"},
    {"circle.yml", "include: [circle.yml]\n"},
    {"compose.override.yml", "services: {web: {user: \"9\"}}\n"},
};

static char *read_file(void *data, const char *path)
{
    (void)data;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (text_equal(path, files[i].path))
            return memory_strdup(files[i].content);
    return NULL;
}

struct fixture {
    struct import_world world;
    struct import import;
    struct diagnostics diagnostics;
    struct document_vec documents;
    const char *file; /* NULL: in.yaml */
    int rc;
};

static const struct import_world usual = {
    .directory = "/srv/demo", .fallback = "demo", .variable = variable, .read_file = read_file};

static void begin(struct fixture *fixture, import_function *import, const char *content)
{
    const char *file = fixture->file ? fixture->file : "in.yaml";
    struct document_input input = {.name = file, .content = content, .len = strlen(content)};
    if (!fixture->world.directory)
        fixture->world = usual;
    fixture->rc = document_parse_foreign(&input, &fixture->documents, &fixture->diagnostics);
    if (fixture->rc < 0)
        return;
    struct import_source source = {file, &fixture->documents.items[0], &fixture->world};
    fixture->rc = import(&source, &fixture->import, &fixture->diagnostics);
}

static void end(struct fixture *fixture)
{
    if (fixture->rc == 0)
        import_deinit(&fixture->import);
    document_vec_deinit(&fixture->documents);
    diagnostics_deinit(&fixture->diagnostics);
}

/* "Kind/member/0/member" of the first object of that kind. */
static const json_t *at_path(const struct fixture *fixture, const char *path)
{
    char *copy CLEANUP_FREE = memory_strdup(path);
    char *rest = copy;
    const char *kind = strsep(&rest, "/");
    const json_t *value = NULL;
    size_t i;
    json_t *object;
    json_array_foreach (fixture->import.objects, i, object)
        if (!value && text_equal(json_string_value(json_object_get(object, "kind")), kind))
            value = object;
    for (const char *step = strsep(&rest, "/"); step; step = strsep(&rest, "/"))
        value =
            json_is_array(value) ? json_array_get(value, (size_t)atoi(step)) : json_object_get(value, step);
    return value;
}

struct reading {
    const char *content;
    const char *path;
    const char *expected; /* JSON; NULL: not there */
};

static void assert_reads_in(struct fixture fixture, import_function *import, const struct reading *reading)
{
    begin(&fixture, import, reading->content);
    if (fixture.rc < 0)
        fail_msg("%s: %s", reading->content, fixture.diagnostics.list.items[0].message);
    const json_t *value = at_path(&fixture, reading->path);
    json_t *expected = reading->expected ? json_loads(reading->expected, JSON_DECODE_ANY, NULL) : NULL;
    char *text CLEANUP_FREE = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (reading->expected ? !json_equal(value, expected) : value != NULL)
        fail_msg("%s\n%s: %s\nexpected: %s", reading->content, reading->path, text ? text : "(nothing)",
                 reading->expected ? reading->expected : "(nothing)");
    json_decref(expected);
    end(&fixture);
}

static void assert_reads(import_function *import, const struct reading *reading)
{
    assert_reads_in((struct fixture){0}, import, reading);
}

struct note {
    const char *content;
    const char *text; /* a note as it is printed, or the beginning of it */
};

static void assert_notes_in(struct fixture fixture, import_function *import, const struct note *note)
{
    bool found = false;
    begin(&fixture, import, note->content);
    assert_int_equal(fixture.rc, 0);
    for (size_t i = 0; i < fixture.import.notes.list.len; i++) {
        char *text CLEANUP_FREE = diagnostic_to_text(&fixture.import.notes.list.items[i]);
        found = found || text_starts_with(text, note->text);
    }
    for (size_t i = 0; !found && i < fixture.import.notes.list.len; i++) {
        char *text CLEANUP_FREE = diagnostic_to_text(&fixture.import.notes.list.items[i]);
        print_error("%s\n", text);
    }
    if (!found)
        fail_msg("%s\nno note: %s", note->content, note->text);
    end(&fixture);
}

static void assert_notes(import_function *import, const struct note *note)
{
    assert_notes_in((struct fixture){0}, import, note);
}

static void assert_no_note(import_function *import, const char *content, const char *words)
{
    struct fixture fixture = {0};
    begin(&fixture, import, content);
    assert_int_equal(fixture.rc, 0);
    for (size_t i = 0; i < fixture.import.notes.list.len; i++)
        assert_null(strstr(fixture.import.notes.list.items[i].message, words));
    end(&fixture);
}

/* --- Compose -------------------------------------------------------------------------------------------- */

#define WEB(members) "services: {web: {image: a, " members "}}\n"
#define CONTAINER    "TaskDefinition/containerDefinitions/0"

static const struct reading compose_members[] = {
    {WEB("command: \"sh -c 'a b' \\\"c d\\\"\""), CONTAINER "/command", "[\"sh\",\"-c\",\"a b\",\"c d\"]"},
    {WEB("command: [a, 1, true]"), CONTAINER "/command", "[\"a\",\"1\",\"true\"]"},
    {WEB("entrypoint: /run"), CONTAINER "/entryPoint", "[\"/run\"]"},
    {WEB("environment: {A: 1, B: null, TAG: }"), CONTAINER "/environment",
     "[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"TAG\",\"value\":\"1.27\"}]"},
    {WEB("environment: [A=1, A=2, C=x=y]"), CONTAINER "/environment",
     "[{\"name\":\"A\",\"value\":\"2\"},{\"name\":\"C\",\"value\":\"x=y\"}]"},
    {WEB("env_file: web.env, environment: {A: own}"), CONTAINER "/environment",
     "[{\"name\":\"A\",\"value\":\"own\"},{\"name\":\"B\",\"value\":\"two words\"}]"},
    {WEB("ports: [80, \"8080:81\", \"53:53/udp\"]"), CONTAINER "/portMappings",
     "[{\"containerPort\":80},{\"containerPort\":81,\"hostPort\":8080},"
     "{\"containerPort\":53,\"hostPort\":53,\"protocol\":\"udp\"}]"},
    {WEB("ports: [\"9000-9001:90-91\", \"[::1]:1:2\"]"), CONTAINER "/portMappings",
     "[{\"containerPort\":90,\"hostPort\":9000},{\"containerPort\":91,\"hostPort\":9001},"
     "{\"containerPort\":2,\"hostPort\":1}]"},
    {WEB("ports: [{target: 80, published: \"8080\", protocol: tcp}]"), CONTAINER "/portMappings",
     "[{\"containerPort\":80,\"hostPort\":8080}]"},
    {WEB("ports: [\"8000-8009:80\"]"), CONTAINER "/portMappings", "[{\"containerPort\":80}]"},
    {WEB("volumes: [\"data:/data:ro\"]") "volumes: {data: {}}\n", CONTAINER "/mountPoints",
     "[{\"sourceVolume\":\"demo_data\",\"containerPath\":\"/data\",\"readOnly\":true}]"},
    {WEB("volumes: [\"data:/data\"]") "volumes: {data: {driver: nfs, driver_opts: {o: 1}}}\n",
     "TaskDefinition/volumes",
     "[{\"name\":\"demo_data\",\"dockerVolumeConfiguration\":{\"scope\":\"shared\",\"autoprovision\":true,"
     "\"driver\":\"nfs\",\"driverOpts\":{\"o\":\"1\"}}}]"},
    {WEB("volumes: [\"data:/data\"]") "volumes: {data: {external: true, name: mine}}\n",
     "TaskDefinition/volumes",
     "[{\"name\":\"mine\",\"dockerVolumeConfiguration\":{\"scope\":\"shared\",\"autoprovision\":false}}]"},
    {WEB("volumes: [\"./a/../conf:/etc/a\"]"), "TaskDefinition/volumes",
     "[{\"name\":\"conf\",\"host\":{\"sourcePath\":\"/srv/demo/conf\"}}]"},
    {WEB("volumes: [/cache]"), "TaskDefinition/volumes",
     "[{\"name\":\"web-cache\",\"dockerVolumeConfiguration\":{\"scope\":\"task\"}}]"},
    {WEB("tmpfs: [\"/run:size=64m,mode=1777\"]"), CONTAINER "/linuxParameters/tmpfs",
     "[{\"containerPath\":\"/run\",\"size\":64,\"mountOptions\":[\"mode=1777\"]}]"},
    {WEB("healthcheck: {test: \"curl x\", interval: 1m30s, timeout: 10s, retries: 3, start_period: 5s}"),
     CONTAINER "/healthCheck",
     "{\"command\":[\"CMD-SHELL\",\"curl "
     "x\"],\"interval\":90,\"timeout\":10,\"retries\":3,\"startPeriod\":5}"},
    {WEB("healthcheck: {test: [CMD, a], interval: 1s}"), CONTAINER "/healthCheck",
     "{\"command\":[\"CMD\",\"a\"],\"interval\":5}"},
    {WEB("healthcheck: {disable: true}"), CONTAINER "/healthCheck", NULL},
    {WEB("deploy: {replicas: 3}"), "Service/desiredCount", "3"},
    {WEB("deploy: {mode: global}"), "Service/schedulingStrategy", "\"DAEMON\""},
    {WEB("deploy: {resources: {limits: {cpus: \"0.5\", memory: 1.5g}}}"), CONTAINER "/memory", "1536"},
    {WEB("cpus: 0.5"), CONTAINER "/cpu", "512"},
    {WEB("mem_limit: 1k"), CONTAINER "/memory", "6"},
    {WEB("mem_limit: 0, deploy: {resources: {limits: {memory: \"0\"}}}"), CONTAINER "/memory", NULL},
    {WEB("ports: \"8080:80\""), CONTAINER "/portMappings", "[{\"containerPort\":80,\"hostPort\":8080}]"},
    {WEB("deploy: {update_config: {order: start-first, failure_action: rollback}}"),
     "Service/deploymentConfiguration",
     "{\"minimumHealthyPercent\":100,\"maximumPercent\":200,"
     "\"deploymentCircuitBreaker\":{\"enable\":true,\"rollback\":true}}"},
    {WEB("ports: [\"80:80\"]"), "Service/deploymentConfiguration",
     "{\"minimumHealthyPercent\":0,\"maximumPercent\":100}"},
    {WEB("ports: [\"80:80\"], deploy: {update_config: {failure_action: rollback}}"),
     "Service/deploymentConfiguration",
     "{\"minimumHealthyPercent\":0,\"maximumPercent\":100,"
     "\"deploymentCircuitBreaker\":{\"enable\":true,\"rollback\":true}}"},
    /* two tasks would write to the same data */
    {WEB("volumes: [\"data:/data\"]") "volumes: {data: {}}\n", "Service/deploymentConfiguration",
     "{\"minimumHealthyPercent\":0,\"maximumPercent\":100}"},
    {WEB("volumes: [./data:/data]"), "Service/deploymentConfiguration",
     "{\"minimumHealthyPercent\":0,\"maximumPercent\":100}"},
    {WEB("volumes: [\"data:/data:ro\", \"./conf:/etc/a:ro\", /cache]"), "Service/deploymentConfiguration",
     NULL},
    {WEB("volumes: [\"data:/data\"], deploy: {replicas: 2}"), "Service/deploymentConfiguration", NULL},
    {WEB("volumes: [\"data:/data\"], deploy: {mode: global}"), "Service/deploymentConfiguration", NULL},
    {WEB("volumes: [\"data:/data\"], deploy: {update_config: {order: start-first}}"),
     "Service/deploymentConfiguration", "{\"minimumHealthyPercent\":100,\"maximumPercent\":200}"},
    {WEB("ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}"), CONTAINER "/ulimits",
     "[{\"name\":\"nofile\",\"softLimit\":1,\"hardLimit\":2},{\"name\":\"nproc\",\"softLimit\":3,"
     "\"hardLimit\":3}]"},
    {WEB("cap_add: [CAP_NET_ADMIN], cap_drop: [ALL], init: true, shm_size: 128m"),
     CONTAINER "/linuxParameters",
     "{\"capabilities\":{\"add\":[\"NET_ADMIN\"],\"drop\":[\"ALL\"]},\"initProcessEnabled\":true,"
     "\"sharedMemorySize\":128}"},
    {WEB("devices: [\"/dev/a:/dev/b:rw\"]"), CONTAINER "/linuxParameters/devices",
     "[{\"hostPath\":\"/dev/a\",\"containerPath\":\"/dev/b\",\"permissions\":[\"read\",\"write\"]}]"},
    {WEB("dns: 1.1.1.1, dns_search: [a.b]"), CONTAINER "/dnsServers", "[\"1.1.1.1\"]"},
    {WEB("extra_hosts: [\"a:1.2.3.4\", \"b=::1\"]"), CONTAINER "/extraHosts",
     "[{\"hostname\":\"a\",\"ipAddress\":\"1.2.3.4\"},{\"hostname\":\"b\",\"ipAddress\":\"::1\"}]"},
    {WEB("sysctls: [a.b=1]"), CONTAINER "/systemControls", "[{\"namespace\":\"a.b\",\"value\":\"1\"}]"},
    {WEB("logging: {driver: syslog, options: {tag: 1}}"), CONTAINER "/logConfiguration",
     "{\"logDriver\":\"syslog\",\"options\":{\"tag\":\"1\"}}"},
    {WEB("security_opt: [\"no-new-privileges:true\", \"apparmor=x\"]"), CONTAINER "/dockerSecurityOptions",
     "[\"no-new-privileges\",\"apparmor=x\"]"},
    {WEB("stop_grace_period: 1m"), CONTAINER "/stopTimeout", "60"},
    {WEB("user: 1000, tty: true, stdin_open: \"true\", read_only: false"), CONTAINER "/pseudoTerminal",
     "true"},
    {WEB("read_only: false"), CONTAINER "/readonlyRootFilesystem", NULL},
    {WEB("labels: [a=b, c]"), CONTAINER "/dockerLabels", "{\"a\":\"b\",\"c\":\"\"}"},
    {WEB("network_mode: host, ports: [\"80:81\"]"), "TaskDefinition/networkMode", "\"host\""},
    {WEB("network_mode: host, ports: [\"80:81\"]"), CONTAINER "/portMappings", "[{\"containerPort\":81}]"},
    {WEB("pid: host"), "TaskDefinition/pidMode", "\"host\""},
    {WEB("platform: linux/arm64"), "TaskDefinition/runtimePlatform",
     "{\"cpuArchitecture\":\"ARM64\",\"operatingSystemFamily\":\"LINUX\"}"},
    {WEB("profiles: [debug]"), "Service/desiredCount", "0"},
    {WEB("restart: \"no\""), "Service", NULL},
    {WEB("secrets: [token]") "secrets: {token: {file: ./t.txt}}\n", CONTAINER "/mountPoints",
     "[{\"sourceVolume\":\"t-txt\",\"containerPath\":\"/run/secrets/token\",\"readOnly\":true}]"},
    {"services: {web: {build: .}}\n", CONTAINER "/image", "\"demo-web\""},
    {"name: Mine\nservices: {web: {image: a}}\n", "Cluster/clusterName", "\"mine\""},
    {"services: {we.b: {image: a}}\n", "TaskDefinition/family", "\"we-b\""},
    /* variables */
    {"services: {web: {image: \"nginx:${TAG}\"}}\n", CONTAINER "/image", "\"nginx:1.27\""},
    {"services: {web: {image: \"nginx:${NONE:-${TAG}}$$x\"}}\n", CONTAINER "/image", "\"nginx:1.27$x\""},
    {"services: {web: {image: \"a:${EMPTY-b}${EMPTY:-c}${TAG:+d}$TAG\"}}\n", CONTAINER "/image",
     "\"a:cd1.27\""},
    {"services: {web: {image: \"a:${NONE}\"}}\n", CONTAINER "/image", "\"a:${NONE}\""},
    /* merge keys, extends */
    {"x-base: &base {image: a, tty: true}\nservices: {web: {<<: *base, image: b}}\n", CONTAINER,
     "{\"name\":\"web\",\"image\":\"b\",\"pseudoTerminal\":true}"},
    {"x-a: &a {image: a}\nx-b: &b {tty: true, image: b}\nservices: {web: {<<: [*a, *b]}}\n", CONTAINER,
     "{\"name\":\"web\",\"image\":\"a\",\"pseudoTerminal\":true}"},
    {"services: {web: {extends: {service: base}, environment: [B=2]}, base: {image: a, environment: {A: "
     "1}}}\n",
     CONTAINER "/environment", "[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\",\"value\":\"2\"}]"},
    {"services: {web: {extends: {service: base, file: base.yml}, cap_add: [SYS_TIME]}}\n",
     CONTAINER "/linuxParameters/capabilities/add", "[\"NET_ADMIN\",\"SYS_TIME\"]"},
    {"services: {web: {image: a, ports: !reset []}}\n", CONTAINER "/portMappings", NULL},
    {"x-e: &e {A: \"$$x\"}\nservices: {db: {image: a, environment: *e}, web: {image: a, environment: *e}}\n",
     CONTAINER "/environment", "[{\"name\":\"A\",\"value\":\"$x\"}]"},
    {"services: {web: {extends: base, volumes: [\"b:/data\", {source: c, target: /c}]}, base: {image: a, "
     "volumes: "
     "[\"a:/data:ro\", \"d:/d\", \"x:/c\"]}}\n",
     CONTAINER "/mountPoints",
     "[{\"sourceVolume\":\"demo_d\",\"containerPath\":\"/d\"},{\"sourceVolume\":\"demo_b\",\"containerPath\":"
     "\"/data\"},{\"sourceVolume\":\"demo_c\",\"containerPath\":\"/c\"}]"},
    /* what another file names stands beside that file */
    {"services: {web: {extends: {service: base, file: common/base.yml}}}\n", "TaskDefinition/volumes",
     "[{\"name\":\"conf\",\"host\":{\"sourcePath\":\"/srv/demo/common/conf\"}},{\"name\":\"x\",\"host\":{"
     "\"sourcePath\":\"/srv/demo/x\"}},{\"name\":\"abs\",\"host\":{\"sourcePath\":\"/abs\"}}]"},
    {"services: {web: {extends: {service: base, file: common/base.yml}}}\n", CONTAINER "/environment",
     "[{\"name\":\"A\",\"value\":\"common\"}]"},
    {"services: {web: {extends: {service: base, file: common/base.yml}}}\n", CONTAINER "/user", "\"7\""},
    {WEB("env_file: shell.env"), CONTAINER "/environment",
     "[{\"name\":\"A\",\"value\":\"1.27\"},{\"name\":\"B\",\"value\":\"x\\ty # "
     "z$A\"},{\"name\":\"C\",\"value\":"
     "\"1.27-1.27n\"},{\"name\":\"D\",\"value\":\"${A}\"},{\"name\":\"E\",\"value\":\"a#b\"},{\"name\":\"F\","
     "\"value\":"
     "\"f\"},{\"name\":\"TAG\",\"value\":\"1.27\"},{\"name\":\"G\",\"value\":\"two\\nlines\"},{\"name\":"
     "\"H\","
     "\"value\":\"\"}]"},
    /* include */
    {"include: [parts/more.yml]\nservices: {}\n", CONTAINER "/image", "\"m:1.27\""},
    {"include: [parts/db.yml]\nservices: {web: {image: a, depends_on: [more]}}\n",
     "TaskDefinition/containerDefinitions/1/image", "\"m:1.27\""},
    {"include: [{path: parts/db.yml}]\nservices: {web: {image: a, depends_on: [db]}}\n",
     "TaskDefinition/containerDefinitions/1/image", "\"db:16\""},
    {"include: [{path: parts/db.yml}]\nservices: {web: {image: a, depends_on: [db]}}\n",
     "TaskDefinition/volumes",
     "[{\"name\":\"demo_data\",\"dockerVolumeConfiguration\":{\"scope\":\"shared\",\"autoprovision\":true,"
     "\"driver\":\"nfs\"}},{\"name\":\"s-txt\",\"host\":{\"sourcePath\":\"/srv/demo/parts/s.txt\"}}]"},
    {"include: [{path: [parts/db.yml, over.yml]}]\nservices: {web: {image: a, depends_on: [db]}}\n",
     "TaskDefinition/containerDefinitions/1/user", "\"9\""},
};

static void test_compose_members(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(compose_members); i++)
        assert_reads(import_compose, &compose_members[i]);
}

static const struct note compose_notes[] = {
    {"services:\n  web:\n    image: a\n    build: .\n",
     "in.yaml:4:12: warning: dropped: davit does not build: build the image, push it, and name it at "
     "/services/web/build"},
    {"services:\n  web:\n    image: a\n    imge: b\n",
     "in.yaml:4:11: warning: dropped: Compose has no such member"},
    {WEB("stop_signal: INT"), "in.yaml:1:41: warning: dropped: ECS has the image's STOPSIGNAL only"},
    {WEB("ports: [\"127.0.0.1:1:1\"]"), "in.yaml:1:36: warning: changed: the port is open on all addresses "
                                        "of the instance, no longer on 127.0.0.1"},
    {WEB("volumes: [\"data:/data\"]"), "in.yaml:1:37: warning: changed: a task stops before its successor "
                                       "starts, as in Compose: both would write to volume demo_data"},
    {WEB("volumes: [./data:/data]"), "in.yaml:1:37: warning: changed: a task stops before its successor "
                                     "starts, as in Compose: both would write to volume /srv/demo/data"},
    {WEB("ports: [\"1:1/sctp\"]"), "in.yaml:1:36: warning: dropped: this is no port mapping"},
    {WEB("deploy: {resources: {limits: {pids: 1}}}"),
     "in.yaml:1:64: warning: dropped: ECS has no place for it"},
    {WEB("environment: {A: \"${NONE}\"}"), "in.yaml:1:45: warning: unresolved: NONE has no value"},
    {WEB("env_file: gone.env"), "in.yaml:1:38: warning: dropped: gone.env cannot be read"},
    {WEB("env_file: web.env"),
     "in.yaml:1:38: warning: changed: 2 variables of web.env put into the manifest"},
    {WEB("healthcheck: {test: a, interval: 1500ms}"),
     "in.yaml:1:61: warning: changed: ECS takes whole seconds from 5 to 300: 5"},
    {WEB("depends_on: [nobody]"), "in.yaml:1:41: warning: dropped: there is no such service"},
    {"networks: {front: {}}\n" WEB("tty: false"), "in.yaml:1:11: warning: dropped: davit has no networks"},
    {WEB("command: \"a 'b\""), "in.yaml:1:37: warning: dropped: a quote stays open"},
    {"include: [gone.yml]\n" WEB("tty: false"),
     "in.yaml:1:11: warning: dropped: gone.yml cannot be read at /include/0"},
    {"include: [circle.yml]\n" WEB("tty: false"),
     "in.yaml:1:11: warning: dropped: it includes itself at /include/0"},
    {"include: [parts/db.yml]\nservices: {db: {image: a}}\n",
     "in.yaml:1:11: warning: dropped: parts/db.yml has another db among its services, and this file's own is "
     "kept at "
     "/include/0"},
    {"include: [parts/db.yml]\nservices: {}\n",
     "parts/db.yml: warning: dropped: davit does not build: build the image, push it, and name it at "
     "/services/db/build"},
};

/* What Compose reads of a project without being told. */
static void test_compose_project(void **state)
{
    (void)state;
    static const char *const variables[] = {
        "COMPOSE_PROJECT_NAME", "given", "COMPOSE_PROFILES", "debug", "COMPOSE_FILE", "a.yml:b.yml", NULL};
    struct fixture fixture = {.world = usual, .file = "compose.yml"};
    fixture.world.data = (void *)(uintptr_t)variables;
    begin(&fixture, import_compose, WEB("profiles: [debug]"));
    assert_int_equal(fixture.rc, 0);
    assert_string_equal(json_string_value(at_path(&fixture, "Cluster/clusterName")), "given");
    assert_int_equal(json_integer_value(at_path(&fixture, "Service/desiredCount")), 1);
    assert_int_equal(fixture.import.notes.list.len, 2);
    char *first CLEANUP_FREE = diagnostic_to_text(&fixture.import.notes.list.items[0]);
    char *second CLEANUP_FREE = diagnostic_to_text(&fixture.import.notes.list.items[1]);
    assert_string_equal(
        first, "compose.yml:1:1: warning: dropped: compose.override.yml beside it is not read: \"docker "
               "compose config\" prints both together");
    assert_string_equal(
        second, "compose.yml:1:1: warning: dropped: COMPOSE_FILE names a.yml:b.yml, and this file alone is "
                "read: \"docker compose config\" prints all together");
    end(&fixture);
    /* a directory's name becomes a project as Compose has it: its volumes are called by it */
    fixture = (struct fixture){.world = usual};
    fixture.world.fallback = "_My.App 2";
    begin(&fixture, import_compose, WEB("tty: false"));
    assert_string_equal(json_string_value(at_path(&fixture, "Cluster/clusterName")), "myapp2");
    end(&fixture);
}

static void test_compose_notes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(compose_notes); i++)
        assert_notes(import_compose, &compose_notes[i]);
}

static size_t definitions_of(const char *content, enum import_tasks tasks)
{
    struct fixture fixture = {.world = usual};
    size_t len = 0;
    size_t i;
    json_t *object;
    fixture.world.tasks = tasks;
    begin(&fixture, import_compose, content);
    assert_int_equal(fixture.rc, 0);
    json_array_foreach (fixture.import.objects, i, object)
        len += text_equal(json_string_value(json_object_get(object, "kind")), "TaskDefinition");
    end(&fixture);
    return len;
}

/* Who shares a task: the cases of one table. */
static void test_compose_tasks(void **state)
{
    (void)state;
    static const struct {
        const char *services;
        enum import_tasks tasks;
        size_t definitions;
    } cases[] = {
        {"{a: {image: x, depends_on: [b]}, b: {image: x}, c: {image: x}}", IMPORT_TASKS_LINKED, 2},
        {"{a: {image: x, depends_on: [b]}, b: {image: x}, c: {image: x}}", IMPORT_TASKS_EACH, 3},
        {"{a: {image: x, depends_on: [b]}, b: {image: x}, c: {image: x}}", IMPORT_TASKS_ONE, 1},
        {"{a: {image: x, environment: {U: \"postgres://u@b:5432/d\"}}, b: {image: x}}", IMPORT_TASKS_LINKED,
         1},
        {"{a: {image: x, environment: {DB_HOST: b}}, b: {image: x}}", IMPORT_TASKS_LINKED, 1},
        {"{a: {image: x, environment: {MODE: b}}, b: {image: x}}", IMPORT_TASKS_LINKED, 2},
        {"{a: {image: x, command: [run, \"http://b/\"]}, b: {image: x}}", IMPORT_TASKS_LINKED, 1},
        {"{a: {image: x, command: [run, \"b://c\"]}, b: {image: x}}", IMPORT_TASKS_LINKED, 2},
        {"{a: {image: x, depends_on: [b], deploy: {replicas: 2}}, b: {image: x}}", IMPORT_TASKS_LINKED, 2},
        {"{a: {image: x, depends_on: [b], network_mode: host}, b: {image: x}}", IMPORT_TASKS_ONE, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *content CLEANUP_FREE = memory_printf("services: %s\n", cases[i].services);
        if (definitions_of(content, cases[i].tasks) != cases[i].definitions)
            fail_msg("%s with tasks %d: not %zu task definitions", content, cases[i].tasks,
                     cases[i].definitions);
    }
}

static const struct reading compose_relations[] = {
    {"services: {a: {image: x, depends_on: [b]}, b: {image: x}}", CONTAINER "/dependsOn",
     "[{\"containerName\":\"b\",\"condition\":\"START\"}]"},
    {"services: {a: {image: x, depends_on: [b]}, b: {image: x}}", CONTAINER "/links", "[\"b\"]"},
    {"services: {a: {image: x, links: [\"b:db\"]}, b: {image: x, container_name: base}}", CONTAINER "/links",
     "[\"b\",\"b:db\",\"b:base\"]"},
    {"services: {a: {image: x, depends_on: {b: {condition: service_healthy}}}, b: {image: x, healthcheck: "
     "{test: y}}}",
     CONTAINER "/dependsOn", "[{\"containerName\":\"b\",\"condition\":\"HEALTHY\"}]"},
    {"services: {a: {image: x, depends_on: {b: {condition: service_healthy}}}, b: {image: x}}",
     CONTAINER "/dependsOn", "[{\"containerName\":\"b\",\"condition\":\"START\"}]"},
    {"services: {a: {image: x, depends_on: {b: {condition: service_completed_successfully}}}, b: {image: x}}",
     "TaskDefinition/containerDefinitions/1", "{\"name\":\"b\",\"image\":\"x\",\"essential\":false}"},
    {"services: {a: {image: x, depends_on: [b], restart: always}, b: {image: x, restart: on-failure}}",
     "TaskDefinition/containerDefinitions/1/restartPolicy", "{\"enabled\":true,\"ignoredExitCodes\":[0]}"},
    {"services: {a: {image: x, restart: always}}", CONTAINER "/restartPolicy", NULL},
    {"services: {b: {image: x}, a: {image: x, depends_on: [b]}}", "TaskDefinition/family", "\"a\""},
    {"services: {a: {image: x, volumes_from: [\"b:ro\"]}, b: {image: x}}", CONTAINER "/volumesFrom",
     "[{\"sourceContainer\":\"b\",\"readOnly\":true}]"},
    {"services: {a: {image: x, volumes_from: [b]}, b: {image: x, scale: 2}}", CONTAINER "/volumesFrom", NULL},
};

static const struct note compose_relation_notes[] = {
    {"services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}",
     "in.yaml:1:71: warning: dropped: it does not wait for a, whose name does not resolve: the two need each "
     "other"},
    {"services: {a: {image: x, depends_on: [b]}, b: {image: x, scale: 2}}",
     "in.yaml:1:39: warning: changed: b is in another task: davit.dependsOn waits until it is deployed, "
     "which "
     "is more than its start; its name does not resolve"},
    {"services: {a: {image: x, links: [b]}, b: {image: x, scale: 2}}",
     "in.yaml:1:34: warning: dropped: the name b does not resolve: it is in another task"},
    {"services: {a: {image: x, volumes_from: [b]}, b: {image: x, scale: 2}}",
     "in.yaml:1:41: warning: dropped: it does not wait for b: it is in another task"},
};

#define OF_B(condition, b)                                                                                   \
    "services: {a: {image: x, depends_on: {b: {condition: " condition "}}}, b: {image: x" b "}}"

/* Between tasks: every service has one of its own. */
static const struct reading compose_waits[] = {
    {OF_B("service_started", ""), "Service/davit",
     "{\"dependsOn\":[{\"service\":\"b\",\"condition\":\"COMPLETE\"}]}"},
    {OF_B("service_healthy", ", healthcheck: {test: y}"), "Service/davit",
     "{\"dependsOn\":[{\"service\":\"b\",\"condition\":\"HEALTHY\"}]}"},
    {OF_B("service_completed_successfully", ", restart: always"), "Service/davit",
     "{\"dependsOn\":[{\"service\":\"b\",\"condition\":\"COMPLETE\"}]}"},
    /* Who ends has no service, be it that nobody says so but those who wait for the end. */
    {OF_B("service_completed_successfully", ", restart: \"no\""), "Service/davit", "{\"preDeploy\":[\"b\"]}"},
    {OF_B("service_completed_successfully", ""), "Service/davit", "{\"preDeploy\":[\"b\"]}"},
    {OF_B("service_healthy", ", restart: \"no\""), "Service/davit", NULL},
    {"services: {a: {image: x, restart: \"no\", depends_on: [b]}, b: {image: x}}", "Service/davit", NULL},
    {"services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [c]}, c: {image: x, depends_on: "
     "[a]}}",
     "Service/davit", "{\"dependsOn\":[{\"service\":\"b\",\"condition\":\"COMPLETE\"}]}"},
};

static const struct note compose_wait_notes[] = {
    {OF_B("service_healthy", ", healthcheck: {test: y}"),
     "in.yaml:1:42: warning: changed: b is in another task: davit.dependsOn waits until it is deployed and "
     "healthy; its name does not resolve at /services/a/depends_on/b"},
    {OF_B("service_healthy", ""), "in.yaml:1:42: warning: changed: b is in another task: davit.dependsOn "
                                  "waits until it is deployed; it has "
                                  "no healthcheck here; its name does not resolve"},
    {OF_B("service_completed_successfully", ", restart: always"),
     "in.yaml:1:42: warning: changed: b is in another task: davit.dependsOn waits until it is deployed, not "
     "for its end at"},
    {OF_B("service_completed_successfully", ""), "in.yaml:1:42: warning: changed: b is in another task: "
                                                 "davit.preDeploy runs it before deployments of this "
                                                 "service, once for each content at"},
    {OF_B("service_completed_successfully", ""),
     "in.yaml:1:92: warning: changed: it runs once: there is a task definition and no service"},
    {OF_B("service_healthy", ", restart: \"no\""), "in.yaml:1:42: warning: dropped: it does not wait for b, "
                                                   "whose name does not resolve: that runs once, and "
                                                   "has no service to wait for"},
    {"services: {a: {image: x, restart: \"no\", depends_on: [b]}, b: {image: x}}",
     "in.yaml:1:54: warning: dropped: it does not wait for b, whose name does not resolve: it runs once "
     "itself, and has no service that could wait"},
    {"services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [c]}, c: {image: x, depends_on: "
     "[a]}}",
     "in.yaml:1:103: warning: dropped: it does not wait for a, whose name does not resolve: the two tasks "
     "need each other"},
};

static void test_compose_relations(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(compose_relations); i++)
        assert_reads(import_compose, &compose_relations[i]);
    for (size_t i = 0; i < ARRAY_LEN(compose_relation_notes); i++)
        assert_notes(import_compose, &compose_relation_notes[i]);
}

static void test_compose_waits(void **state)
{
    (void)state;
    struct fixture fixture = {.world = usual};
    fixture.world.tasks = IMPORT_TASKS_EACH;
    for (size_t i = 0; i < ARRAY_LEN(compose_waits); i++)
        assert_reads_in(fixture, import_compose, &compose_waits[i]);
    for (size_t i = 0; i < ARRAY_LEN(compose_wait_notes); i++)
        assert_notes_in(fixture, import_compose, &compose_wait_notes[i]);
}

/* One wait for a task, whoever of its services asks for it; the stronger condition counts. */
static void test_compose_waits_once(void **state)
{
    (void)state;
    static const struct reading strongest = {
        "services: {a: {image: x, links: [b], depends_on: {c: {condition: service_started}}}, b: {image: x, "
        "depends_on: {c: {condition: service_healthy}}}, c: {image: x, scale: 2, healthcheck: {test: y}}}",
        "Service/davit", "{\"dependsOn\":[{\"service\":\"c\",\"condition\":\"HEALTHY\"}]}"};
    assert_reads(import_compose, &strongest);
}

/* ... and no more of them than the schema takes. */
static void test_compose_waits_bounded(void **state)
{
    (void)state;
    char content[4096] = "services: {a: {image: x, depends_on: [";
    size_t len = strlen(content);
    for (int i = 0; i < 21; i++)
        len += (size_t)snprintf(content + len, sizeof content - len, "b%d, ", i);
    len += (size_t)snprintf(content + len, sizeof content - len, "]}");
    for (int i = 0; i < 21; i++)
        len += (size_t)snprintf(content + len, sizeof content - len, ", b%d: {image: x, scale: 2}", i);
    (void)snprintf(content + len, sizeof content - len, "}");
    struct fixture fixture = {0};
    begin(&fixture, import_compose, content);
    assert_int_equal(json_array_size(at_path(&fixture, "Service/davit/dependsOn")), 20);
    end(&fixture);
    const struct note full = {content,
                              "in.yaml:1:129: warning: dropped: it does not wait for b20, whose name "
                              "does not resolve: davit.dependsOn has 20 services already"};
    assert_notes(import_compose, &full);
}

/* --- CloudFormation ------------------------------------------------------------------------------------- */

#define TEMPLATE(head, family)                                                                               \
    head "Resources:\n  T:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      Family: " family      \
         "\n      ContainerDefinitions: [{Name: a, Image: b}]\n"

static const struct reading cloudformation[] = {
    {TEMPLATE("", "web"), "TaskDefinition",
     "{\"kind\":\"TaskDefinition\",\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":"
     "\"b\"}]}"},
    {TEMPLATE("Parameters: {P: {Type: String, Default: d}}\n", "!Ref P"), "TaskDefinition/family", "\"d\""},
    {TEMPLATE("Parameters: {P: {Type: String, Default: d}}\n", "!Sub '${AWS::StackName}-${P}-${!x}'"),
     "TaskDefinition/family", "\"demo-d-x\""},
    {TEMPLATE("", "!Join ['-', [a, !Select [1, !Split [',', 'b,c']]]]"), "TaskDefinition/family", "\"a-c\""},
    {TEMPLATE("Mappings: {M: {k: {v: m}}}\n", "!FindInMap [M, k, v]"), "TaskDefinition/family", "\"m\""},
    {TEMPLATE("Conditions: {C: !Not [!Equals [a, a]]}\n", "!If [C, yes-it-is, no-it-is-not]"),
     "TaskDefinition/family", "\"no-it-is-not\""},
    {TEMPLATE(
         "Conditions: {C: !And [!Equals [a, a], !Or [!Equals [a, b], !Condition D]], D: !Equals [1, '1']}\n",
         "!If [C, x, y]"),
     "TaskDefinition/family", "\"x\""},
    {TEMPLATE("", "{'Fn::Sub': ['${A}b', {A: !Ref 'AWS::Partition'}]}"), "TaskDefinition/family", "\"awsb\""},
    {TEMPLATE("Parameters: {P: {Type: String}}\n", "!Ref P"), "TaskDefinition/family", "\"P\""},
    {"Resources: {T: {Type: AWS::ECS::TaskDefinition, Properties: {Cpu: 256, ContainerDefinitions: [{Name: "
     "a, Image: b, "
     "Memory: '64', Essential: 'true', User: !Ref AWS::NoValue, Environment: [{Name: X, Value: 1}], "
     "LogConfiguration: "
     "{LogDriver: awslogs, Options: {awslogs-group: !Ref G}}, PortMappings: [{ContainerPort: '80', Protocol: "
     "TCP}]}], "
     "Volumes: [{Name: v, EFSVolumeConfiguration: {FilesystemId: fs, AuthorizationConfig: {IAM: "
     "ENABLED}}}]}}, G: {Type: "
     "AWS::Logs::LogGroup, Properties: {LogGroupName: /g}}}",
     "TaskDefinition",
     "{\"kind\":\"TaskDefinition\",\"cpu\":256,\"family\":\"T\",\"containerDefinitions\":[{\"name\":\"a\","
     "\"image\":\"b\","
     "\"memory\":64,\"essential\":true,\"environment\":[{\"name\":\"X\",\"value\":\"1\"}],"
     "\"logConfiguration\":{"
     "\"logDriver\":\"awslogs\",\"options\":{\"awslogs-group\":\"/"
     "g\"}},\"portMappings\":[{\"containerPort\":80,"
     "\"protocol\":\"tcp\"}]}],\"volumes\":[{\"name\":\"v\",\"efsVolumeConfiguration\":{\"fileSystemId\":"
     "\"fs\","
     "\"authorizationConfig\":{\"iam\":\"ENABLED\"}}}]}"},
    {"Resources: {C: {Type: AWS::ECS::Cluster}, S: {Type: AWS::ECS::Service, Properties: {Cluster: !GetAtt "
     "C.Arn, "
     "TaskDefinition: !Ref T, PlacementStrategies: [{Type: spread, Field: x}]}}, T: {Type: "
     "AWS::ECS::TaskDefinition, "
     "Properties: {Family: web, ContainerDefinitions: []}}}",
     "Service",
     "{\"kind\":\"Service\",\"cluster\":\"C\",\"taskDefinition\":\"web\",\"placementStrategy\":[{\"type\":"
     "\"spread\","
     "\"field\":\"x\"}],\"serviceName\":\"S\",\"desiredCount\":1}"},
    {"Resources: {S: {Type: AWS::ECS::Service, Properties: {TaskDefinition: web, Cluster: !ImportValue "
     "shared}}}",
     "Cluster/clusterName", "\"shared\""},
    {"Conditions: {C: !Equals [a, b]}\nResources: {S: {Type: AWS::ECS::Cluster, Condition: C}}", "Cluster",
     NULL},
    {"Resources: {C: {Type: AWS::ECS::Cluster}, A: {Type: AWS::ECS::ClusterCapacityProviderAssociations, "
     "Properties: "
     "{Cluster: !Ref C, CapacityProviders: [FARGATE]}}}",
     "Cluster/capacityProviders", "[\"FARGATE\"]"},
};

static const struct note cloudformation_notes[] = {
    {TEMPLATE("Parameters:\n  P: {Type: String}\n", "!Ref P"),
     "in.yaml:7:15: warning: unresolved: P is a parameter without value: give it by --parameters at "
     "/Resources/T/Properties/Family"},
    {"Resources:\n  V: {Type: AWS::EC2::VPC}\n  W: {Type: AWS::EC2::VPC}\n",
     "in.yaml:2:6: warning: dropped: AWS::EC2 is not among what davit runs"},
    {"Resources: {S: {Type: AWS::ECS::Service, Properties: {TaskDefinition: \"a:7\"}}}",
     "in.yaml:1:71: warning: changed: revision 7 is AWS's count"},
    {"Resources: {S: {Type: AWS::ECS::Service, Properties: {TaskDefinition: a, DesiredCount: !Ref N}}}",
     "in.yaml:1:88: warning: unresolved: N is neither parameter nor resource"},
    {"Resources: {S: {Type: AWS::ECS::Service, Properties: {TaskDefinition: a, Nonsense: 1}}}",
     "in.yaml:1:84: warning: dropped: ECS has no such member here"},
    {"Resources: {D: {Type: AWS::ECS::Service, Properties: {TaskDefinition: w, Cluster: x}}}\n",
     "in.yaml:1:12: warning: changed: the cluster x is not in the template"},
    {"Resources: {A: {Type: AWS::ECS::Cluster, Properties: {ClusterName: c}}, B: {Type: AWS::ECS::Cluster, "
     "Properties: "
     "{ClusterName: c}}}",
     "in.yaml:1:114: warning: changed: c is the name of another one: this one is B"},
};

static void test_cloudformation(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cloudformation); i++)
        assert_reads(import_cloudformation, &cloudformation[i]);
    for (size_t i = 0; i < ARRAY_LEN(cloudformation_notes); i++)
        assert_notes(import_cloudformation, &cloudformation_notes[i]);
}

/* --- ECS ------------------------------------------------------------------------------------------------ */

static const struct reading ecs[] = {
    {"{\"taskDefinition\":{\"family\":\"w\",\"revision\":3,\"status\":\"ACTIVE\",\"taskDefinitionArn\":\"x\","
     "\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"b\",\"environment\":[],\"cpu\":0}],\"volumes\":[]"
     "},\"tags\":"
     "[{\"key\":\"k\",\"value\":\"v\"}]}",
     "TaskDefinition",
     "{\"kind\":\"TaskDefinition\",\"family\":\"w\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":"
     "\"b\",\"cpu\":0}],"
     "\"tags\":[{\"key\":\"k\",\"value\":\"v\"}]}"},
    {"{\"services\":[{\"serviceName\":\"s\",\"clusterArn\":\"arn:aws:ecs:r:1:cluster/c\",\"taskDefinition\":"
     "\"arn:aws:ecs:r:1:task-definition/"
     "w:3\",\"desiredCount\":2,\"runningCount\":2,\"events\":[{\"id\":\"1\"}],"
     "\"deployments\":[{}]}],\"failures\":[]}",
     "Service",
     "{\"kind\":\"Service\",\"serviceName\":\"s\",\"cluster\":\"c\",\"taskDefinition\":\"w\","
     "\"desiredCount\":2}"},
    {"{\"clusters\":[{\"clusterName\":\"c\",\"status\":\"ACTIVE\",\"statistics\":[]}]}", "Cluster",
     "{\"kind\":\"Cluster\",\"clusterName\":\"c\"}"},
    {"[{\"cluster\":{\"clusterName\":\"c\"}},{\"service\":{\"serviceName\":\"s\",\"taskDefinition\":\"w\"}}]",
     "Service/taskDefinition", "\"w\""},
    {"{\"service\":\"s\",\"desiredCount\":2,\"taskDefinition\":\"w\"}", "Service/serviceName", "\"s\""},
};

static void test_ecs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ecs); i++)
        assert_reads(import_ecs, &ecs[i]);
    assert_notes(import_ecs, &(struct note){"serviceName: s\ntaskDefinition: w:3\n",
                                            "in.yaml:2:17: warning: changed: revision 3"});
    assert_notes(import_ecs,
                 &(struct note){"clusterName: c\nnonsense: 1\n", "in.yaml:2:11: warning: dropped: ECS has"});
}

/* --- containers ----------------------------------------------------------------------------------------- */

static const char inspected[] =
    "[{container: {Id: abcdef, Name: /web, Config: {Image: 'nginx:1', Env: [PATH=/bin, 'A=$x'], Cmd: "
    "[nginx], User: '7', "
    "Hostname: abc, Labels: {l: '1', com.docker.compose.project: p}, Healthcheck: {Test: [CMD, t], Interval: "
    "30000000000}}, HostConfig: {PortBindings: {80/tcp: [{HostIp: '', HostPort: '8080'}]}, RestartPolicy: "
    "{Name: always}, "
    "Memory: 134217728, NanoCpus: 500000000, ShmSize: 67108864, NetworkMode: bridge, CapAdd: null, "
    "Privileged: false}, "
    "Mounts: [{Type: volume, Name: data, Source: /x, Destination: /data, Driver: local, RW: true}, {Type: "
    "bind, Source: "
    "/etc/a, Destination: /a, RW: false}]}, image: {Config: {Env: [PATH=/bin], Cmd: [nginx]}}}]";

/* A container with these members of its HostConfig, and with these beside it. */
#define INSPECTED(host, beside)                                                                              \
    "[{container: {Id: abcdef, Name: /web, Config: {Image: 'nginx:1', ExposedPorts: {80/tcp: {}, 53/udp: "   \
    "{}}}, "                                                                                                 \
    "HostConfig: {" host "}" beside "}, image: {Config: {}}}]"

#define LABELLED(labels)                                                                                     \
    "[{container: {Name: /web, Config: {Image: a, Labels: {" labels "}}}, image: {Config: {}}}]"

static const struct reading docker_members[] = {
    {LABELLED("davit.owner: x, com.amazonaws.ecs.cluster: c, davity: y"), CONTAINER "/dockerLabels",
     "{\"davity\":\"y\"}"},
    /* the engine has chosen the ports */
    {INSPECTED("PublishAllPorts: true, PortBindings: {80/tcp: [{HostIp: '', HostPort: '8080'}]}", ""),
     CONTAINER "/portMappings",
     "[{\"containerPort\":80,\"hostPort\":8080},{\"containerPort\":53,\"protocol\":\"udp\"}]"},
    {INSPECTED("PublishAllPorts: false", ""), CONTAINER "/portMappings", NULL},
    /* --mount type=tmpfs, which is no entry of HostConfig.Tmpfs */
    {INSPECTED("Mounts: [{Type: tmpfs, Target: /scratch, TmpfsOptions: {SizeBytes: 8388608, Mode: 1023}}]",
               ", Mounts: [{Type: tmpfs, Source: '', Destination: /scratch, RW: true}]"),
     CONTAINER "/linuxParameters/tmpfs",
     "[{\"containerPath\":\"/scratch\",\"size\":8,\"mountOptions\":[\"mode=1777\"]}]"},
};

static const struct note docker_notes[] = {
    {INSPECTED("Memory: 67108864, MemorySwap: 67108864", ""),
     "in.yaml: warning: dropped: set linuxParameters.maxSwap"},
    {INSPECTED("BlkioWeight: 300", ""),
     "in.yaml: warning: dropped: ECS has no place for it at /services/web/blkio_config"},
    {INSPECTED("CpuPeriod: 50000", ""), "in.yaml: warning: dropped: ECS has shares (cpu) only"},
    {inspected, "in.yaml: warning: changed: the container's variables stand in the manifest now: look for "
                "secrets before you commit it at /services/web/environment"},
    {LABELLED("davit.owner: x, l: y"), "in.yaml: warning: changed: davit.* and com.amazonaws.ecs.* are left "
                                       "out: davit sets them itself at /services/web/labels"},
    {INSPECTED("OomKillDisable: true", ""), "in.yaml: warning: dropped: ECS has no place for it"},
};

static void test_docker(void **state)
{
    (void)state;
    const struct reading readings[] = {
        {inspected, CONTAINER,
         "{\"name\":\"web\",\"image\":\"nginx:1\",\"user\":\"7\",\"environment\":[{\"name\":\"A\",\"value\":"
         "\"$x\"}],"
         "\"dockerLabels\":{\"l\":\"1\"},\"healthCheck\":{\"command\":[\"CMD\",\"t\"],\"interval\":30},"
         "\"portMappings\":[{"
         "\"containerPort\":80,\"hostPort\":8080}],\"mountPoints\":[{\"sourceVolume\":\"data\","
         "\"containerPath\":\"/data\"},"
         "{\"sourceVolume\":\"a\",\"containerPath\":\"/a\",\"readOnly\":true}],\"memory\":128,\"cpu\":512}"},
        {inspected, "TaskDefinition/volumes",
         "[{\"name\":\"data\",\"dockerVolumeConfiguration\":{\"scope\":\"shared\",\"autoprovision\":true}},{"
         "\"name\":\"a\","
         "\"host\":{\"sourcePath\":\"/etc/a\"}}]"},
        {inspected, "Service/desiredCount", "1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(readings); i++)
        assert_reads(import_docker, &readings[i]);
    for (size_t i = 0; i < ARRAY_LEN(docker_members); i++)
        assert_reads(import_docker, &docker_members[i]);
    for (size_t i = 0; i < ARRAY_LEN(docker_notes); i++)
        assert_notes(import_docker, &docker_notes[i]);
    assert_no_note(import_docker, INSPECTED("", ", Image: x"), "secrets");
    assert_no_note(import_docker, LABELLED("com.docker.compose.project: p, l: y"), "left out");
    assert_no_note(
        import_docker,
        "[{container: {Name: /web, Config: {Image: a, Env: [A=b]}}, image: {Config: {Env: [A=b]}}}]",
        "secrets");
}

/* --- hostile -------------------------------------------------------------------------------------------- */

static void assert_fails(import_function *import, const char *content, int code, const char *message)
{
    struct fixture fixture = {0};
    begin(&fixture, import, content);
    if (fixture.rc != code)
        fail_msg("%.200s: %d", content, fixture.rc);
    assert_true(fixture.diagnostics.errors > 0);
    assert_non_null(strstr(fixture.diagnostics.list.items[0].message, message));
    end(&fixture);
}

static void test_refused(void **state)
{
    (void)state;
    assert_fails(import_compose, "[1]", ERROR_INVALID, "no Compose file");
    assert_fails(import_compose, "web: {image: a}", ERROR_INVALID, "version 1");
    assert_fails(import_compose, "services: [a]", ERROR_INVALID, "map of names");
    assert_fails(import_cloudformation, "services: {}", ERROR_INVALID, "no Resources");
    assert_fails(import_ecs, "{\"serviceArns\": [\"x\"]}", ERROR_INVALID, "list of names");
    assert_fails(import_ecs, "a: b", ERROR_INVALID, "neither what");
}

/* References that double with each step come to an end. */
static void test_growth(void **state)
{
    (void)state;
    struct fixture chain = {0};
    char text[8192] = "Resources:\n";
    int steps = unit_rounds(30, 0); /* the limit is far */
    for (int i = 0; i < steps; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len,
                 "  C%d: {Type: AWS::ECS::Cluster, Properties: {ClusterName: !Sub '${C%d}${C%d}'}}\n", i,
                 i + 1, i + 1);
    }
    if (steps) {
        begin(&chain, import_cloudformation, text);
        assert_int_equal(chain.rc, ERROR_LIMIT);
        assert_non_null(strstr(chain.diagnostics.list.items[0].message, "LIMIT_IMPORT"));
        end(&chain);
    }
    assert_reads(
        import_cloudformation,
        &(struct reading){"Resources: {C: {Type: AWS::ECS::Cluster, Properties: {ClusterName: !Ref C}}}",
                          "Cluster/clusterName", "\"C\""});
    assert_reads(import_cloudformation,
                 &(struct reading){
                     "Conditions: {A: !Condition A}\nResources: {C: {Type: AWS::ECS::Cluster, Condition: A}}",
                     "Cluster/clusterName", "\"C\""});
    assert_reads(import_compose,
                 &(struct reading){"services: {a: {extends: a, image: b}}", CONTAINER "/image", "\"b\""});
}

/* Every value counts once, and what a note calls lost is counted as lost. */
static void test_counts(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    begin(&fixture, import_compose,
          "services: {web: {image: a, tty: true, build: {context: ., args: [a, b]}}}");
    assert_int_equal(fixture.rc, 0);
    assert_int_equal(fixture.import.members, 5);
    assert_int_equal(fixture.import.lost, 3);
    end(&fixture);
}

/* --- documents of other tools ----------------------------------------------------------------------------
 */

static void test_foreign_documents(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        const char *json;
    } cases[] = {
        {"a: !Ref b\n", "{\"a\":{\"!Ref\":\"b\"}}"},
        {"a: !If [c, !Ref d, {e: !Sub f}]\n",
         "{\"a\":{\"!If\":[\"c\",{\"!Ref\":\"d\"},{\"e\":{\"!Sub\":\"f\"}}]}}"},
        {"a: &x !Ref b\nc: *x\n", "{\"a\":{\"!Ref\":\"b\"},\"c\":{\"!Ref\":\"b\"}}"},
        {"a: &x !If [b]\nc: *x\n", "{\"a\":{\"!If\":[\"b\"]},\"c\":{\"!If\":[\"b\"]}}"},
        {"a: &x {b: 1}\nc: {<<: *x}\n", "{\"a\":{\"b\":1},\"c\":{\"<<\":{\"b\":1}}}"},
        {"1: a\n", "{\"1\":\"a\"}"},
        {"a: 1\na: 2\n", "{\"a\":2}"},
        {"{\"a\": [1]}", "{\"a\":[1]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct document_input input = {
            .name = "x", .content = cases[i].content, .len = strlen(cases[i].content)};
        struct document_vec documents CLEANUP(document_vec_deinit) = {0};
        struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
        assert_int_equal(document_parse_foreign(&input, &documents, &diagnostics), 0);
        char *text CLEANUP_FREE = json_dumps(documents.items[0].value, JSON_COMPACT);
        assert_string_equal(text, cases[i].json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_foreign_documents),
        cmocka_unit_test(test_compose_members),
        cmocka_unit_test(test_compose_notes),
        cmocka_unit_test(test_compose_project),
        cmocka_unit_test(test_compose_tasks),
        cmocka_unit_test(test_compose_relations),
        cmocka_unit_test(test_compose_waits),
        cmocka_unit_test(test_compose_waits_once),
        cmocka_unit_test(test_compose_waits_bounded),
        cmocka_unit_test(test_cloudformation),
        cmocka_unit_test(test_ecs),
        cmocka_unit_test(test_docker),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
