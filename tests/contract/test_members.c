/* Every row of the mapping table on a real engine: what a member says is read back from an inspection, and
 * from inside the container where it shows there. `test-members docker`. */
#include "base/text.h"
#include "engine/docker_create_map.h"
#include "manifest/kind_members.h"
#include "model/json.h"
#include "outcome.h"

#include <string.h>

#define OWNER   "owner-1"
#define TASK_12 "000000000001"
#define SKIPPED 77

#define LOOP    "trap \\\"exit 143\\\" TERM; while :; do sleep 0.05; done"
#define SERVE   "'command':['/bin/sh','-c','" LOOP "']"

struct member_case {
    const char *member;    /* of the mapping table; "task:cpu" of the root's */
    const char *container; /* its members */
    const char *root;      /* members of the task definition's root; NULL: none */
    const char *field;     /* of the inspection */
    const char *wanted;    /* what is there */
    const char *command;   /* for the shell inside; NULL: the container is only created */
    const char *output;
};

#define CAPABILITY_EFFECTIVE(bit)                                                                            \
    "busybox awk '/^CapEff/{print $2}' /proc/1/status | "                                                    \
    "(read hex; echo $(( (0x$hex >> " #bit ") & 1 )))"

/* Not started: what the machine of the tests may lack (GPUs, swap, all capabilities), and what nothing inside
 * shows. */
/* clang-format off */
static const struct member_case cases[] = {
    {"image", "'cpu':0", NULL, "Config.Image", "'davit-contract:latest'", "echo runs", "runs\n"},
    {"command", "'command':['/bin/sleep','100']", NULL, "Config.Cmd", "['/bin/sleep','100']",
     "busybox tr '\\0' ' ' </proc/1/cmdline", "/bin/sleep 100 "},
    {"entryPoint", "'entryPoint':['/bin/sleep'],'command':['100']", NULL, "Config.Entrypoint", "['/bin/sleep']",
     "busybox tr '\\0' ' ' </proc/1/cmdline", "/bin/sleep 100 "},
    {"environment", "'environment':[{'name':'A','value':'x=y z'},{'name':'B','value':''}]", NULL,
     "Config.Env", "['A=x=y z','B=']",
     "echo \"$A|$B|${C-none}\"", "x=y z||none\n"},
    {"user", "'user':'7:8'", NULL, "Config.User", "'7:8'", "busybox id -u; busybox id -g", "7\n8\n"},
    {"workingDirectory", "'workingDirectory':'/some/where'", NULL, "Config.WorkingDir", "'/some/where'",
     "pwd", "/some/where\n"},
    {"interactive", "'interactive':true", NULL, "Config.OpenStdin", "true",
     "busybox readlink /proc/1/fd/0 | busybox cut -c1-5", "pipe:\n"},
    {"pseudoTerminal", "'pseudoTerminal':true", NULL, "Config.Tty", "true",
     "busybox readlink /proc/1/fd/1 | busybox cut -c1-9", "/dev/pts/\n"},
    {"stopTimeout", "'stopTimeout':7", NULL, "Config.StopTimeout", "7", NULL, NULL},
    {"healthCheck", "'healthCheck':{'command':['CMD-SHELL','true'],'interval':7}", NULL, "Config.Healthcheck",
     "{'Test':['CMD-SHELL','true'],'Interval':7000000000,'Timeout':5000000000,'Retries':3}", NULL, NULL},
    {"dockerLabels", "'dockerLabels':{'mine':'yes'}", NULL, "Config.Labels.mine", "'yes'", NULL, NULL},
    {"logConfiguration", "'logConfiguration':{'logDriver':'json-file','options':{'max-size':'1m'}}", NULL,
     "HostConfig.LogConfig", "{'Type':'json-file','Config':{'max-size':'1m'}}", "echo logs", "logs\n"},
    {"cpu", "'cpu':512", NULL, "HostConfig.CpuShares", "512",
     "[ ! -e /sys/fs/cgroup/cpu/cpu.shares ] && echo 512 || cat /sys/fs/cgroup/cpu/cpu.shares", "512\n"},
    {"memory", "'memory':64", NULL, "HostConfig.Memory", "67108864",
     "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes",
     "67108864\n"},
    {"memory", "'memory':4", NULL, "HostConfig.Memory", "6291456", NULL, NULL},
    {"memoryReservation", "'memoryReservation':32", NULL, "HostConfig.MemoryReservation", "33554432",
     "cat /sys/fs/cgroup/memory.low 2>/dev/null || cat /sys/fs/cgroup/memory/memory.soft_limit_in_bytes",
     "33554432\n"},
    {"ulimits", "'ulimits':[{'name':'nofile','softLimit':100,'hardLimit':200}]", NULL, "HostConfig.Ulimits",
     "[{'Name':'nofile','Soft':100,'Hard':200}]", "busybox awk '/open files/{print $4,$5}' /proc/1/limits",
     "100 200\n"},
    {"resourceRequirements", "'resourceRequirements':[{'type':'GPU','value':'2'}]", NULL,
     "HostConfig.DeviceRequests",
     "[{'Driver':'nvidia','Count':0,'DeviceIDs':['GPU-0','GPU-1'],'Capabilities':[['gpu']],'Options':null}]", NULL, NULL},
    {"linuxParameters.maxSwap", "'memory':16,'linuxParameters':{'maxSwap':8}", NULL, "HostConfig.MemorySwap",
     "25165824", NULL, NULL},
    {"linuxParameters.swappiness", "'memory':16,'linuxParameters':{'maxSwap':8,'swappiness':40}", NULL,
     "HostConfig.MemorySwappiness", "40", NULL, NULL},
    {"linuxParameters.sharedMemorySize", "'linuxParameters':{'sharedMemorySize':8}", NULL,
     "HostConfig.ShmSize", "8388608", "busybox df -k /dev/shm | busybox awk 'END{print $2}'", "8192\n"},
    {"linuxParameters.tmpfs",
     "'linuxParameters':{'tmpfs':[{'containerPath':'/scratch','size':4,'mountOptions':['rw','exec']}]}", NULL,
     "HostConfig.Tmpfs", "{'/scratch':'rw,exec,size=4m'}",
     "busybox df -k /scratch | busybox awk 'END{print $1,$2}'", "tmpfs 4096\n"},
    {"linuxParameters.devices",
     "'linuxParameters':{'devices':[{'hostPath':'/dev/null','containerPath':'/dev/zilch',"
     "'permissions':['read','write']},{'hostPath':'/dev/zero'}]}", NULL, "HostConfig.Devices",
     "[{'PathOnHost':'/dev/null','PathInContainer':'/dev/zilch','CgroupPermissions':'rw'},"
     "{'PathOnHost':'/dev/zero','PathInContainer':'/dev/zero','CgroupPermissions':'rwm'}]",
     "[ -c /dev/zilch ] && echo x >/dev/zilch && echo there", "there\n"},
    {"linuxParameters.capabilities.add", "'linuxParameters':{'capabilities':{'add':['SYS_PTRACE']}}", NULL,
     "HostConfig.CapAdd", "['SYS_PTRACE']", CAPABILITY_EFFECTIVE(19), "1\n"},
    {"linuxParameters.capabilities.drop", "'linuxParameters':{'capabilities':{'drop':['NET_RAW']}}", NULL,
     "HostConfig.CapDrop", "['NET_RAW']", CAPABILITY_EFFECTIVE(13), "0\n"},
    {"linuxParameters.initProcessEnabled", "'linuxParameters':{'initProcessEnabled':true}", NULL,
     "HostConfig.Init", "true", "cat /proc/1/comm", "docker-init\n"},
    {"systemControls", "'systemControls':[{'namespace':'net.core.somaxconn','value':'200'},"
     "{'namespace':'kernel.msgmax','value':'9000'}]", NULL, "HostConfig.Sysctls",
     "{'net.core.somaxconn':'200','kernel.msgmax':'9000'}",
     "cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax", "200\n9000\n"},
    {"dockerSecurityOptions", "'dockerSecurityOptions':['no-new-privileges','seccomp:unconfined']", NULL,
     "HostConfig.SecurityOpt", "['no-new-privileges','seccomp=unconfined']",
     "busybox awk '/^NoNewPrivs|^Seccomp:/{print $2}' /proc/1/status", "1\n0\n"},
    {"privileged", "'privileged':true", NULL, "HostConfig.Privileged", "true", NULL, NULL},
    {"readonlyRootFilesystem", "'readonlyRootFilesystem':true", NULL, "HostConfig.ReadonlyRootfs", "true",
     "echo 2>/dev/null >/file || echo read-only", "read-only\n"},
    {"hostname", "'hostname':'box'", NULL, "Config.Hostname", "'box'", "busybox hostname", "box\n"},
    {"disableNetworking", "'disableNetworking':true", NULL, "Config.NetworkDisabled", "true",
     "busybox ls /sys/class/net", "lo\n"},
    {"portMappings",
     "'portMappings':[{'containerPort':80,'hostPort':18080},{'containerPort':80,'hostPort':18080},"
     "{'containerPort':53,'hostPort':0,'protocol':'udp'},{'containerPortRange':'7000-7002'}]", NULL,
     "HostConfig.PortBindings",
     "{'80/tcp':[{'HostIp':'','HostPort':'18080'}],'53/udp':[{'HostIp':'','HostPort':''}],"
     "'7000/tcp':[{'HostIp':'','HostPort':''}],'7001/tcp':[{'HostIp':'','HostPort':''}],"
     "'7002/tcp':[{'HostIp':'','HostPort':''}]}", "echo runs", "runs\n"},
    {"dnsServers", "'dnsServers':['10.9.8.7']", NULL, "HostConfig.Dns", "['10.9.8.7']",
     "busybox grep nameserver /etc/resolv.conf", "nameserver 10.9.8.7\n"},
    {"dnsSearchDomains", "'dnsSearchDomains':['a.example','b.example']", NULL, "HostConfig.DnsSearch",
     "['a.example','b.example']", "busybox grep search /etc/resolv.conf", "search a.example b.example\n"},
    {"extraHosts", "'extraHosts':[{'hostname':'db.example','ipAddress':'10.1.2.3'}]", NULL,
     "HostConfig.ExtraHosts", "['db.example:10.1.2.3']", "busybox awk '/db.example/{print $1}' /etc/hosts",
     "10.1.2.3\n"},
    {"mountPoints", "'mountPoints':[{'sourceVolume':'dev','containerPath':'/host-dev','readOnly':true}]",
     "'volumes':[{'name':'dev','host':{'sourcePath':'/dev'}}]", "HostConfig.Binds", "['/dev:/host-dev:ro']",
     "[ -c /host-dev/null ] && echo mounted", "mounted\n"},
    {"mountPoints", "'mountPoints':[{'sourceVolume':'own','containerPath':'/own'}]",
     "'volumes':[{'name':'own'}]", "Mounts.0.Name", "'davit-" TASK_12 "-own'",
     "echo kept >/own/file && cat /own/file", "kept\n"},
    {"mountPoints", "'mountPoints':[{'sourceVolume':'davit-shared','containerPath':'/s'}]",
     "'volumes':[{'name':'davit-shared','dockerVolumeConfiguration':{'scope':'shared','autoprovision':true,"
     "'driverOpts':{'type':'tmpfs','device':'tmpfs','o':'size=1m'}}}]", "Mounts.0.Name", "'davit-shared'",
     "busybox df -k /s | busybox awk 'END{print $1,$2}'", "tmpfs 1024\n"},
    {"mountPoints", "'mountPoints':[{'sourceVolume':'efs','containerPath':'/s'}]",
     "'volumes':[{'name':'efs','efsVolumeConfiguration':{'fileSystemId':'fs-1','rootDirectory':'/data'}}]",
     "Mounts.0.Name", "'davit-" TASK_12 "-efs'", NULL, NULL},
    {"task:cpu", "'cpu':0", "'cpu':'512'", "HostConfig.CpuQuota", "50000",
     "busybox cut -d' ' -f1 /sys/fs/cgroup/cpu.max 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us",
     "50000\n"},
    {"task:memory", "'cpu':0", "'memory':'64'", "HostConfig.Memory", "67108864",
     "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes",
     "67108864\n"},
    {"task:memory", "'memory':32", "'memory':'64'", "HostConfig.Memory", "33554432", NULL, NULL},
};
/* clang-format on */

/* Rows that need more than one container: tests of their own below. */
static const char *const told_apart[] = {"links", "volumesFrom"};

/* --- the table is whole --------------------------------------------------------------------------------- */

static bool is_tested(const char *member)
{
    for (size_t i = 0; i < ARRAY_LEN(told_apart); i++)
        if (text_equal(told_apart[i], member))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (text_equal(cases[i].member, member))
            return true;
    return false;
}

static void test_every_row_is_tested(void **state)
{
    (void)state;
    const struct docker_mapping *row;
    for (row = docker_container_mappings; row->member; row++)
        if (!is_tested(row->member))
            fail_msg("no case for %s", row->member);
    for (row = docker_task_mappings; row->member; row++) {
        char *name CLEANUP_FREE = memory_printf("task:%s", row->member);
        if (!is_tested(name))
            fail_msg("no case for %s", name);
    }
}

/* Honoured without a row: who does it. */
static const struct {
    const char *member;
    const char *who;
} elsewhere[] = {
    {"name", "the container's name and label"},
    {"essential", "the planner"},
    {"dependsOn", "the planner"},
    {"startTimeout", "the planner"},
    {"restartPolicy", "the planner"},
    {"versionConsistency", "the planner"},
    {"repositoryCredentials", "the pull"},
    {"environmentFiles", "act/supply.c"},
    {"secrets", "act/supply.c"},
    {"davit", "act/supply.c"},
    {"family", "the label"},
    {"containerDefinitions", "rows of its own"},
    {"volumes", "mountPoints"},
    {"networkMode", "docker_create_body()"},
    {"pidMode", "docker_pause_join()"},
    {"ipcMode", "docker_pause_join()"},
    {"runtimePlatform", "placement"},
    {"placementConstraints", "placement"},
    {"requiresAttributes", "placement"},
};

static bool is_done_elsewhere(const char *member)
{
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
        if (text_equal(elsewhere[i].member, member))
            return true;
    return false;
}

static bool is_mapped(const struct docker_mapping *rows, const char *member)
{
    for (; rows->member; rows++)
        if (text_equal(rows->member, member))
            return true;
    return false;
}

/* The Docker field that people are told is the one that the row sets. */
static void check_field(const struct kind_member *member, const char *path, const struct docker_mapping *rows)
{
    for (; rows->member; rows++) {
        if (!text_equal(rows->member, path))
            continue;
        char *config CLEANUP_FREE = memory_printf("Config.%s", rows->field);
        char *host CLEANUP_FREE = memory_printf("HostConfig.%s", rows->field);
        if (!text_equal(member->docker, config) && !text_equal(member->docker, host))
            fail_msg("%s becomes %s, not %s", path, rows->field, member->docker ? member->docker : "nothing");
    }
}

static bool has_effect(const struct kind_member *member)
{
    return member && (member->effect == KIND_HONOURED || member->effect == KIND_PARTLY);
}

/* A row maps a member as a whole, or there are rows for each of what is inside. */
static void check_honoured(const struct kind_member *table, const char *prefix,
                           const struct docker_mapping *rows)
{
    for (; table->name; table++) {
        char *path CLEANUP_FREE = memory_printf("%s%s", prefix, table->name);
        if (!has_effect(table) || is_done_elsewhere(path))
            continue;
        check_field(table, path, rows);
        if (is_mapped(rows, path))
            continue;
        if (!table->inside)
            fail_msg("%s is honoured, but has no row in the mapping table, nor anybody else who does it",
                     path);
        char *below CLEANUP_FREE = memory_printf("%s.", path);
        check_honoured(table->inside, below, rows);
    }
}

static void test_what_is_honoured_is_mapped(void **state)
{
    (void)state;
    const struct kind_member *root = kind_members(KIND_TASK_DEFINITION);
    check_honoured(root, "", docker_task_mappings);
    check_honoured(kind_members_find(root, "containerDefinitions")->inside, "", docker_container_mappings);
}

/* People are not told that a member has no effect while a row gives it one. */
static void test_what_is_mapped_is_honoured(void **state)
{
    (void)state;
    const struct kind_member *root = kind_members(KIND_TASK_DEFINITION);
    const struct kind_member *container = kind_members_find(root, "containerDefinitions")->inside;
    for (const struct docker_mapping *row = docker_container_mappings; row->member; row++) {
        const struct kind_member *table = container;
        char *copy CLEANUP_FREE = memory_strdup(row->member);
        char *rest = copy;
        for (char *name; (name = strsep(&rest, "."));) {
            const struct kind_member *member = kind_members_find(table, name);
            if (!has_effect(member))
                fail_msg("%s is mapped, but not honoured", row->member);
            table = member->inside;
        }
    }
}

/* --- read back ------------------------------------------------------------------------------------------ */

static json_t *parse(const char *text)
{
    char *copy CLEANUP_FREE = memory_strdup(text);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    json_t *json = json_loads(copy, JSON_DECODE_ANY, NULL);
    if (!json)
        fail_msg("no JSON: %s", copy);
    return json;
}

/* A task definition of one container, with more members in the container and at the root. */
static void make_sample(struct sample *sample, const char *name, const char *container, const char *root)
{
    char *base CLEANUP_FREE = memory_printf("{'name':'%s','image':'davit-contract:latest'," SERVE "}", name);
    char *more_text CLEANUP_FREE = memory_printf("{%s}", container);
    char *root_text CLEANUP_FREE = memory_printf("{%s}", root ? root : "");
    json_t *more = parse(more_text);
    json_t *more_root = parse(root_text);
    sample_init(sample, 1, base);
    json_t *json = sample->definition->json;
    json_object_update(json_array_get(json_object_get(json, "containerDefinitions"), 0), more);
    json_object_update(json, more_root);
    json_decref(more);
    json_decref(more_root);
}

/* "HostConfig.Mounts.0.Name". Borrowed. */
static json_t *value_at(json_t *json, const char *path)
{
    char *copy CLEANUP_FREE = memory_strdup(path);
    char *rest = copy;
    for (char *name; json && (name = strsep(&rest, "."));)
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(name)) : json_object_get(json, name);
    return json;
}

static json_t *inspect(struct contract_world *world, const char *id)
{
    char *path CLEANUP_FREE = memory_printf("/containers/%s/json", id);
    return world->request(world, "GET", path, NULL);
}

/* Newer engines write CAP_ before the names of capabilities. */
static void shorten_capabilities(json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (text_starts_with(name, "CAP_"))
            json_array_set_new(list, i, json_string(name + 4));
    }
}

/* Whether the inspection says what is wanted; prints what it says instead. */
static bool is_there(struct contract_world *world, const char *id, const char *field, const char *wanted)
{
    json_t *inspection = inspect(world, id);
    json_t *expected = parse(wanted);
    json_t *got = value_at(inspection, field);
    if (text_starts_with(field, "HostConfig.Cap"))
        shorten_capabilities(got);
    bool equal = json_equal(got, expected);
    if (!equal) {
        char *text CLEANUP_FREE = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        print_message("%s is %s, not %s\n", field, text ? text : "absent", wanted);
    }
    json_decref(inspection);
    json_decref(expected);
    return equal;
}

static bool says(struct contract_world *world, const char *id, const char *command, const char *output)
{
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    char *script CLEANUP_FREE = memory_printf("busybox() { /bin/busybox \"$@\"; }; %s", command);
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    DO(world, &outcome, exec, id, argv);
    if (outcome.code == 0 && text_equal(outcome.output, output))
        return true;
    print_message("%s\nprints %s%s, not %s\n", command, outcome.output ? outcome.output : "", outcome.message,
                  output);
    return false;
}

static bool holds(struct contract_world *world, const struct member_case *member)
{
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    make_sample(&sample, "app", member->container, member->root);
    for (int i = 0; i < 2; i++) /* the planner sets them aside, for whoever asks */
        vector_push(&sample.labels.spec->gpu_ids, memory_printf("GPU-%d", i));
    DO(world, &outcome, create, &sample.create);
    bool ok = outcome.code == 0 && is_there(world, sample.name, member->field, member->wanted);
    if (ok && member->command) {
        DO(world, &outcome, start, sample.name);
        ok = outcome.code == 0 && says(world, sample.name, member->command, member->output);
    }
    if (!ok)
        print_message("%s: %s %s\n", member->member, member->container, outcome.message);
    contract_remove_all(world, OWNER);
    return ok;
}

/* A kernel without swap accounting, or with cgroups v2 for swappiness, makes the engine drop the member. */
static bool can_be_read(struct contract_world *world, const struct member_case *member)
{
    json_t *info = world->request(world, "GET", "/info", NULL);
    bool swap = model_bool(info, "SwapLimit");
    bool v1 = text_equal(model_string(info, "CgroupVersion"), "1");
    json_decref(info);
    if (text_equal(member->member, "linuxParameters.maxSwap"))
        return swap;
    return (swap && v1) || !text_equal(member->member, "linuxParameters.swappiness");
}

static void test_members_are_read_back(void **state)
{
    size_t wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (can_be_read(*state, &cases[i]))
            wrong += !holds(*state, &cases[i]);
        else
            print_message("not on this machine: %s\n", cases[i].member);
    assert_int_equal(wrong, 0);
}

static void test_links_and_volumes_from(void **state)
{
    struct contract_world *world = *state;
    struct sample db CLEANUP(sample_deinit);
    struct sample app CLEANUP(sample_deinit);
    char *db_id CLEANUP_FREE = NULL;
    char *app_id CLEANUP_FREE = NULL;
    make_sample(&db, "db", "'mountPoints':[{'sourceVolume':'v','containerPath':'/data'}]",
                "'volumes':[{'name':'v'}]");
    make_sample(&app, "app",
                "'links':['db:database','db'],'volumesFrom':[{'sourceContainer':'db','readOnly':true}]",
                NULL);
    contract_run(world, &db, &db_id);
    assert_true(says(world, db_id, "echo rows >/data/table; echo ok", "ok\n"));
    contract_run(world, &app, &app_id);
    assert_true(is_there(world, app_id, "HostConfig.VolumesFrom", "['davit-default-web-db-" TASK_12 ":ro']"));
    assert_true(says(world, app_id, "cat /data/table; echo x 2>/dev/null >/data/table || echo read-only",
                     "rows\nread-only\n"));
    assert_true(says(world, app_id, "busybox awk '/database/{print $2, $4}' /etc/hosts",
                     "database davit-default-web-db-" TASK_12 "\n"));
    assert_true(says(world, app_id, "busybox ping -c1 -w3 db >/dev/null && echo reached", "reached\n"));
}

/* --- volumes -------------------------------------------------------------------------------------------- */

static void test_a_shared_volume_is_not_made_unless_asked_for(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    make_sample(&sample, "app", "'mountPoints':[{'sourceVolume':'davit-absent','containerPath':'/v'}]",
                "'volumes':[{'name':'davit-absent','dockerVolumeConfiguration':{'scope':'shared'}}]");
    DO(world, &outcome, create, &sample.create);
    assert_int_equal(outcome.code, ERROR_INVALID);
    assert_non_null(strstr(outcome.message, "volume 'davit-absent' does not exist"));
    json_decref(world->request(world, "POST", "/volumes/create", "{\"Name\":\"davit-absent\"}"));
    DO_WELL(world, &outcome, create, &sample.create);
    assert_true(is_there(world, sample.name, "Mounts.0.Name", "'davit-absent'"));
}

/* Docker answers 404, as it does where the image is absent. */
static void test_a_volume_driver_that_is_not_there_is_no_image(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    make_sample(
        &sample, "app", "'mountPoints':[{'sourceVolume':'v','containerPath':'/v'}]",
        "'volumes':[{'name':'v','dockerVolumeConfiguration':{'scope':'task','driver':'no-such-image'}}]");
    DO(world, &outcome, create, &sample.create);
    assert_int_equal(outcome.code, ERROR_INTERNAL);
}

static void test_efs_is_a_volume_over_nfs(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    make_sample(&sample, "app", "'mountPoints':[{'sourceVolume':'efs','containerPath':'/v'}]",
                "'volumes':[{'name':'efs','efsVolumeConfiguration':{'fileSystemId':'fs-1',"
                "'rootDirectory':'/data'}}]");
    DO_WELL(world, &outcome, create, &sample.create);
    json_t *volume = world->request(world, "GET", "/volumes/davit-" TASK_12 "-efs", NULL);
    json_t *options = json_object_get(volume, "Options");
    assert_string_equal(model_string(options, "type"), "nfs");
    assert_string_equal(model_string(options, "device"), ":/data");
    assert_string_equal(model_string(options, "o"),
                        "addr=fs-1.efs.eu-central-1.amazonaws.com,nfsvers=4.1,rsize=1048576,wsize=1048576,"
                        "hard,timeo=600,retrans=2,noresvport");
    assert_string_equal(model_string(json_object_get(volume, "Labels"), LABEL_OWNER), OWNER);
    json_decref(volume);
}

/* --- logs ----------------------------------------------------------------------------------------------- */

static void test_a_log_driver_gives_way_to_another(void **state)
{
    struct contract_world *world = *state;
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    struct sample sample CLEANUP(sample_deinit);
    make_sample(&sample, "app",
                "'logConfiguration':{'logDriver':'awslogs','options':{'awslogs-group':'g',"
                "'awslogs-region':'r','awslogs-stream-prefix':'p'}}",
                NULL);
    json_t *secrets = json_pack("{s:s}", "awslogs-endpoint", "out of a secret");
    sample.create.log_options = secrets;
    DO_WELL(world, &outcome, create, &sample.create);
    json_decref(secrets);
    assert_non_null(strstr(outcome.warning, "json-file, which does not get awslogs-group, awslogs-region, "
                                            "awslogs-endpoint"));
    assert_true(is_there(world, sample.name, "HostConfig.LogConfig",
                         "{'Type':'json-file','Config':{'max-size':'1m','tag':'p/app/" TASK_12
                         "00000000000000000001'}}"));
    DO_WELL(world, &outcome, start, sample.name);
}

/* Drivers that need a server only when something is logged, or not at all. */
static void test_log_drivers_that_an_engine_has(void **state)
{
    struct contract_world *world = *state;
    static const struct {
        const char *log;
        const char *wanted;
    } drivers[] = {
        {"'logDriver':'gelf','options':{'gelf-address':'udp://127.0.0.1:12201'}",
         "{'Type':'gelf','Config':{'gelf-address':'udp://127.0.0.1:12201','mode':'non-blocking',"
         "'max-buffer-size':'10m'}}"},
        {"'logDriver':'syslog','options':{'syslog-address':'udp://127.0.0.1:5514','mode':'blocking'}",
         "{'Type':'syslog','Config':{'syslog-address':'udp://127.0.0.1:5514','mode':'blocking'}}"},
        {"'logDriver':'fluentd','options':{'fluentd-async':'true','fluentd-address':'127.0.0.1:24224'}",
         "{'Type':'fluentd','Config':{'fluentd-async':'true','fluentd-address':'127.0.0.1:24224',"
         "'mode':'non-blocking','max-buffer-size':'10m'}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
        struct outcome outcome CLEANUP(outcome_deinit) = {0};
        struct sample sample CLEANUP(sample_deinit);
        char *log CLEANUP_FREE = memory_printf("'logConfiguration':{%s}", drivers[i].log);
        make_sample(&sample, "app", log, NULL);
        DO_WELL(world, &outcome, create, &sample.create);
        assert_true(is_there(world, sample.name, "HostConfig.LogConfig", drivers[i].wanted));
        DO_WELL(world, &outcome, start, sample.name);
        contract_remove_all(world, OWNER);
    }
}

/* A listener in the network of the engine, whose loopback the driver talks to. */
static void listen_on(struct contract_world *world, struct sample *ear, int port)
{
    char *id CLEANUP_FREE = NULL;
    char *command CLEANUP_FREE =
        memory_printf("'command':['/bin/sh','-c','/bin/busybox nc -l -p %d >/heard & " LOOP "']", port);
    make_sample(ear, "ear", command, NULL);
    free(ear->definition->network_mode);
    ear->definition->network_mode = memory_strdup("host");
    contract_run(world, ear, &id);
}

static bool is_heard(struct contract_world *world, const struct sample *ear, const char *words)
{
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    const char *const argv[] = {"/bin/busybox", "grep", "-q", words, "/heard", NULL};
    DO(world, &outcome, exec, ear->name, argv);
    return outcome.code == 0 && outcome.exit_code == 0;
}

static void test_logs_arrive_at_a_server(void **state)
{
    struct contract_world *world = *state;
    static const struct {
        int port;
        const char *log;
        const char *heard;
    } drivers[] = {
        {24224, "'logDriver':'fluentd','options':{'fluentd-address':'127.0.0.1:24224','tag':'t-{{.Name}}'}",
         "t-davit-default-web-app-" TASK_12},
        {12201, "'logDriver':'gelf','options':{'gelf-address':'tcp://127.0.0.1:12201'}",
         "\"short_message\":\"hello\""},
        {5514, "'logDriver':'syslog','options':{'syslog-address':'tcp://127.0.0.1:5514','tag':'mine'}",
         "mine.*hello"},
    };
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
        struct outcome outcome CLEANUP(outcome_deinit) = {0};
        struct sample ear CLEANUP(sample_deinit);
        struct sample app CLEANUP(sample_deinit);
        char *container CLEANUP_FREE = memory_printf(
            "'command':['/bin/sh','-c','echo hello; " LOOP "'],'logConfiguration':{%s}", drivers[i].log);
        listen_on(world, &ear, drivers[i].port);
        make_sample(&app, "app", container, NULL);
        DO_WELL(world, &outcome, create, &app.create);
        DO_WELL(world, &outcome, start, app.name);
        until(world, is_heard(world, &ear, drivers[i].heard));
        contract_remove_all(world, OWNER);
    }
}

static void test_an_unusable_log_driver_names_the_key(void **state)
{
    struct contract_world *world = *state;
    static const char *const drivers[] = {
        "'logDriver':'splunk','options':{'splunk-url':'http://127.0.0.1:1','splunk-token':'t'}",
        "'logDriver':'syslog','options':{'syslog-address':'tcp://127.0.0.1:1'}", "'logDriver':'no-such'",
        "'logDriver':'awsfirelens'"};
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
        struct outcome outcome CLEANUP(outcome_deinit) = {0};
        struct sample sample CLEANUP(sample_deinit);
        char *log CLEANUP_FREE = memory_printf("'logConfiguration':{%s}", drivers[i]);
        make_sample(&sample, "app", log, NULL);
        DO(world, &outcome, create, &sample.create);
        if (outcome.code == 0)
            DO(world, &outcome, start, sample.name);
        assert_true(outcome.code < 0);
        if (!strstr(outcome.message, "logDrivers"))
            fail_msg("%s: %s", drivers[i], outcome.message);
        contract_remove_all(world, OWNER);
    }
}

/* --- the suite ------------------------------------------------------------------------------------------ */

static int tear_down(void **state)
{
    static const char *const volumes[] = {"/volumes/davit-" TASK_12 "-own", "/volumes/davit-" TASK_12 "-v",
                                          "/volumes/davit-" TASK_12 "-efs", "/volumes/davit-shared",
                                          "/volumes/davit-absent"};
    struct contract_world *world = *state;
    contract_remove_all(world, OWNER);
    for (size_t i = 0; i < ARRAY_LEN(volumes); i++)
        json_decref(world->request(world, "DELETE", volumes[i], NULL));
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, NULL, tear_down)

static int run(struct contract_world *world)
{
    struct CMUnitTest tests[] = {
        TEST(test_members_are_read_back),
        TEST(test_links_and_volumes_from),
        TEST(test_a_shared_volume_is_not_made_unless_asked_for),
        TEST(test_a_volume_driver_that_is_not_there_is_no_image),
        TEST(test_efs_is_a_volume_over_nfs),
        TEST(test_a_log_driver_gives_way_to_another),
        TEST(test_log_drivers_that_an_engine_has),
        TEST(test_logs_arrive_at_a_server),
        TEST(test_an_unusable_log_driver_names_the_key),
    };
    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tests[i].initial_state = world;
    return cmocka_run_group_tests_name("on an engine", tests, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tables[] = {
        cmocka_unit_test(test_every_row_is_tested),
        cmocka_unit_test(test_what_is_honoured_is_mapped),
        cmocka_unit_test(test_what_is_mapped_is_honoured),
    };
    if (cmocka_run_group_tests_name("tables", tables, NULL, NULL))
        return 1;
    const char *socket = getenv("DAVIT_TEST_DOCKER_SOCKET");
    if (!socket || !socket[0]) {
        printf("skipped: DAVIT_TEST_DOCKER_SOCKET does not name the socket of an engine\n");
        return SKIPPED;
    }
    struct contract_world *world = contract_docker_new(socket);
    if (!world)
        return 2;
    int failed = run(world);
    world->free(world);
    return failed ? 1 : 0;
}
