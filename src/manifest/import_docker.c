/* Containers of an engine. What inspect tells is put as a Compose file, and goes the way of one. */
#include "base/limits.h"
#include "base/text.h"
#include "manifest/import_run.h"
#include "model/json.h"

#include <assert.h>
#include <string.h>

/* One container with its image, and the Compose service that comes of it. */
struct inspected {
    const json_t *container;
    const json_t *config; /* container.Config */
    const json_t *host;   /* container.HostConfig */
    const json_t *image;  /* the image's Config; NULL when it is gone */
    json_t *service;
    json_t *volumes; /* at the top of the Compose file */
};

static bool is_zero(const json_t *value)
{
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_string(value) && !json_string_length(value)) ||
           (json_is_array(value) && !json_array_size(value)) ||
           (json_is_object(value) && !json_object_size(value)) ||
           (json_is_integer(value) && json_integer_value(value) == 0);
}

/* --- what needs no thought --------------------------------------------------------------------------------
 */

/* Members that are the same in both, and what says no more than leaving them out. */
static const struct {
    const char *docker;
    const char *compose;
    const char *usual;
} host_members[] = {
    {"BlkioWeight", "blkio_config", NULL},
    {"CapAdd", "cap_add", NULL},
    {"CapDrop", "cap_drop", NULL},
    {"CgroupParent", "cgroup_parent", NULL},
    {"CpuPeriod", "cpu_period", NULL},
    {"CpuQuota", "cpu_quota", NULL},
    {"CpuShares", "cpu_shares", NULL},
    {"CpusetCpus", "cpuset", NULL},
    {"DeviceCgroupRules", "device_cgroup_rules", NULL},
    {"Dns", "dns", NULL},
    {"DnsOptions", "dns_opt", NULL},
    {"DnsSearch", "dns_search", NULL},
    {"ExtraHosts", "extra_hosts", NULL},
    {"GroupAdd", "group_add", NULL},
    {"Init", "init", NULL},
    {"IpcMode", "ipc", "private shareable"},
    {"Memory", "mem_limit", NULL},
    {"MemoryReservation", "mem_reservation", NULL},
    {"OomKillDisable", "oom_kill_disable", NULL},
    {"OomScoreAdj", "oom_score_adj", NULL},
    {"PidMode", "pid", NULL},
    {"PidsLimit", "pids_limit", NULL},
    {"Privileged", "privileged", NULL},
    {"ReadonlyRootfs", "read_only", NULL},
    {"Runtime", "runtime", "runc crun"},
    {"SecurityOpt", "security_opt", NULL},
    {"ShmSize", "shm_size", "67108864"},
    {"StorageOpt", "storage_opt", NULL},
    {"Sysctls", "sysctls", NULL},
    {"UsernsMode", "userns_mode", NULL},
    {"UTSMode", "uts", NULL},
};

/* Members of the container's configuration that come from the image where they are the same there. */
static const struct {
    const char *docker;
    const char *compose;
} config_members[] = {
    {"Cmd", "command"},
    {"Domainname", "domainname"},
    {"Entrypoint", "entrypoint"},
    {"OpenStdin", "stdin_open"},
    {"StopSignal", "stop_signal"},
    {"Tty", "tty"},
    {"User", "user"},
    {"WorkingDir", "working_dir"},
};

static bool is_usual(const json_t *value, const char *usual)
{
    char *text CLEANUP_FREE = import_text(value);
    char *found CLEANUP_FREE = NULL;
    char *words CLEANUP_FREE = NULL;
    if (is_zero(value) || (usual && !text))
        return is_zero(value);
    if (!usual)
        return false;
    found = memory_printf(" %s ", text);
    words = memory_printf(" %s ", usual);
    return strstr(words, found) != NULL;
}

static void copy_members(struct inspected *inspected)
{
    for (size_t i = 0; i < ARRAY_LEN(host_members); i++) {
        json_t *value = json_object_get(inspected->host, host_members[i].docker);
        if (!is_usual(value, host_members[i].usual))
            json_object_set(inspected->service, host_members[i].compose, value);
    }
    for (size_t i = 0; i < ARRAY_LEN(config_members); i++) {
        json_t *value = json_object_get(inspected->config, config_members[i].docker);
        const json_t *image = json_object_get(inspected->image, config_members[i].docker);
        if (!is_zero(value) && !(image && json_equal(value, image)))
            json_object_set(inspected->service, config_members[i].compose, value);
    }
}

/* --- what does ---------------------------------------------------------------------------------------------
 */

static bool contains(const json_t *list, const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)list, i, item)
        if (json_equal(item, value))
            return true;
    return false;
}

static void set_environment(struct inspected *inspected)
{
    json_t *list = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(inspected->config, "Env"), i, item)
        if (!contains(json_object_get(inspected->image, "Env"), item))
            json_array_append(list, item);
    import_set(inspected->service, "environment", list);
}

/* davit sets its own in their place. */
static bool is_label_of_task(const char *key)
{
    return text_starts_with(key, "davit.") || text_starts_with(key, "com.amazonaws.ecs.");
}

static void set_labels(struct inspected *inspected)
{
    const json_t *image = json_object_get(inspected->image, "Labels");
    json_t *labels = json_object();
    const char *key;
    json_t *value;
    json_object_foreach (json_object_get(inspected->config, "Labels"), key, value) {
        const json_t *there = json_object_get(image, key);
        if (!(there && json_equal(there, value)) && !text_starts_with(key, "com.docker.compose.") &&
            !is_label_of_task(key))
            json_object_set(labels, key, value);
    }
    import_set(inspected->service, "labels", labels);
}

/* Docker counts in nanoseconds. */
static void set_duration(json_t *health, const char *name, const json_t *value)
{
    int64_t ns = json_integer_value(value);
    if (ns > 0)
        json_object_set_new(health, name, json_sprintf("%lldms", (long long)(ns / 1000000)));
}

static void set_health(struct inspected *inspected)
{
    const json_t *check = json_object_get(inspected->config, "Healthcheck");
    const json_t *image = json_object_get(inspected->image, "Healthcheck");
    if (is_zero(check) || (image && json_equal(check, image)))
        return;
    json_t *health = json_pack("{s:O?}", "test", json_object_get(check, "Test"));
    set_duration(health, "interval", json_object_get(check, "Interval"));
    set_duration(health, "timeout", json_object_get(check, "Timeout"));
    set_duration(health, "start_period", json_object_get(check, "StartPeriod"));
    if (model_int(check, "Retries"))
        json_object_set(health, "retries", json_object_get(check, "Retries"));
    json_object_set_new(inspected->service, "healthcheck", health);
}

static void set_ports(struct inspected *inspected)
{
    const char *port;
    json_t *bindings;
    size_t i;
    json_t *binding;
    json_t *ports = json_array();
    json_object_foreach (json_object_get(inspected->host, "PortBindings"), port, bindings) {
        char *target CLEANUP_FREE = memory_strdup(port);
        char *protocol = import_cut(target, '/');
        json_array_foreach (bindings, i, binding) {
            json_t *item = json_pack("{s:s,s:s}", "target", target, "protocol", protocol ? protocol : "tcp");
            json_object_set(item, "published", json_object_get(binding, "HostPort"));
            json_object_set(item, "host_ip", json_object_get(binding, "HostIp"));
            json_array_append_new(ports, item);
        }
    }
    if (model_bool(inspected->host, "PublishAllPorts")) /* those without a binding */
        json_object_foreach (json_object_get(inspected->config, "ExposedPorts"), port, bindings)
            if (!json_object_get(json_object_get(inspected->host, "PortBindings"), port))
                json_array_append_new(ports, json_string(port));
    import_set(inspected->service, "ports", ports);
}

/* The engine named it, not a person. */
static bool is_anonymous(const char *volume)
{
    return strlen(volume) == 64 && strspn(volume, "0123456789abcdef") == 64;
}

static void set_mounts(struct inspected *inspected)
{
    json_t *mounts = json_array();
    size_t i;
    json_t *mount;
    json_array_foreach (json_object_get(inspected->container, "Mounts"), i, mount) {
        const char *type = model_string(mount, "Type");
        const char *name = model_string(mount, "Name");
        const char *target = model_string(mount, "Destination");
        bool volume = text_equal(type, "volume");
        if (!type || !target || text_equal(type, "tmpfs"))
            continue;
        json_t *item = json_pack("{s:s,s:s}", "type", type, "target", target);
        if (!volume)
            json_object_set(item, "source", json_object_get(mount, "Source"));
        else if (name && !is_anonymous(name)) {
            json_object_set_new(item, "source", json_string(name));
            json_object_set_new(
                inspected->volumes, name,
                json_pack("{s:s,s:O?}", "name", name, "driver", json_object_get(mount, "Driver")));
        }
        if (json_is_false(json_object_get(mount, "RW")))
            json_object_set_new(item, "read_only", json_true());
        json_array_append_new(mounts, item);
    }
    import_set(inspected->service, "volumes", mounts);
}

static void set_restart(struct inspected *inspected)
{
    const json_t *policy = json_object_get(inspected->host, "RestartPolicy");
    const char *name = model_string(policy, "Name");
    int64_t attempts = model_int(policy, "MaximumRetryCount");
    if (name && name[0] && !text_equal(name, "no"))
        json_object_set_new(inspected->service, "restart",
                            attempts ? json_sprintf("%s:%lld", name, (long long)attempts)
                                     : json_string(name));
}

static void set_network(struct inspected *inspected)
{
    const char *mode = model_string(inspected->host, "NetworkMode");
    const char *id = model_string(inspected->container, "Id");
    const char *hostname = model_string(inspected->config, "Hostname");
    json_t *links = json_array();
    size_t i;
    json_t *item;
    if (text_equal(mode, "host") || text_equal(mode, "none") ||
        text_starts_with(mode ? mode : "", "container:"))
        json_object_set_new(inspected->service, "network_mode", json_string(mode));
    else if (mode && !text_equal(mode, "default") && !text_equal(mode, "bridge"))
        json_object_set_new(inspected->service, "networks", json_pack("[s]", mode));
    if (hostname && hostname[0] && !text_equal(mode, "host") && !(id && text_starts_with(id, hostname)))
        json_object_set_new(inspected->service, "hostname", json_string(hostname));
    json_array_foreach (json_object_get(inspected->host, "Links"), i, item) { /* "/db:/web/db" */
        char *text CLEANUP_FREE = memory_strdup(json_string_value(item));
        char *alias = text ? import_cut(text, ':') : NULL;
        const char *slash = alias ? strrchr(alias, '/') : NULL;
        if (slash)
            json_array_append_new(links, json_sprintf("%s:%s", text + (text[0] == '/'), slash + 1));
    }
    import_set(inspected->service, "links", links);
}

static void set_limits(struct inspected *inspected)
{
    int64_t nano = model_int(inspected->host, "NanoCpus");
    json_t *devices = json_array();
    size_t i;
    json_t *item;
    if (nano > 0)
        json_object_set_new(inspected->service, "cpus", json_real((double)nano / 1e9));
    json_array_foreach (json_object_get(inspected->host, "Ulimits"), i, item)
        if (model_string(item, "Name"))
            json_object_set_new(import_object(inspected->service, "ulimits"), model_string(item, "Name"),
                                json_pack("{s:I,s:I}", "soft", (json_int_t)model_int(item, "Soft"), "hard",
                                          (json_int_t)model_int(item, "Hard")));
    json_array_foreach (json_object_get(inspected->host, "Devices"), i, item) {
        const char *host = model_string(item, "PathOnHost");
        const char *inside = model_string(item, "PathInContainer");
        const char *rights = model_string(item, "CgroupPermissions");
        if (host)
            json_array_append_new(
                devices, json_sprintf("%s:%s:%s", host, inside ? inside : host, rights ? rights : "rwm"));
    }
    import_set(inspected->service, "devices", devices);
    int64_t memory = model_int(inspected->host, "Memory");
    if (model_int(inspected->host, "MemorySwap") != 2 * memory) /* the engine's usual */
        json_object_set(inspected->service, "memswap_limit", json_object_get(inspected->host, "MemorySwap"));
    if (!is_zero(json_object_get(inspected->host, "DeviceRequests")))
        json_object_set_new(inspected->service, "gpus", json_integer(1));
    if (model_int(inspected->config, "StopTimeout"))
        json_object_set_new(inspected->service, "stop_grace_period",
                            json_sprintf("%llds", (long long)model_int(inspected->config, "StopTimeout")));
}

/* "PATH:OPTIONS" of --mount type=tmpfs. New. */
static json_t *tmpfs_of_mount(const json_t *mount)
{
    const char *path = model_string(mount, "Target");
    const json_t *options = json_object_get(mount, "TmpfsOptions");
    int64_t bytes = model_int(options, "SizeBytes");
    int64_t mode = model_int(options, "Mode");
    char *size CLEANUP_FREE = bytes > 0 ? memory_printf("size=%lld", (long long)bytes) : memory_strdup("");
    char *rights CLEANUP_FREE = mode > 0 ? memory_printf("mode=%llo", (long long)mode) : memory_strdup("");
    return json_sprintf("%s:%s%s%s", path ? path : "", size, size[0] && rights[0] ? "," : "", rights);
}

static void set_rest(struct inspected *inspected)
{
    const json_t *log = json_object_get(inspected->host, "LogConfig");
    const json_t *options = json_object_get(log, "Config");
    const char *driver = model_string(log, "Type");
    const char *path;
    size_t i;
    json_t *mount;
    json_t *tmpfs = json_array();
    if (driver && (!text_equal(driver, "json-file") || !is_zero(options)))
        json_object_set_new(inspected->service, "logging",
                            json_pack("{s:s,s:O?}", "driver", driver, "options", options));
    json_object_foreach (json_object_get(inspected->host, "Tmpfs"), path, mount)
        json_array_append_new(
            tmpfs, json_sprintf("%s:%s", path, json_is_string(mount) ? json_string_value(mount) : ""));
    json_array_foreach (json_object_get(inspected->host, "Mounts"), i, mount)
        if (text_equal(model_string(mount, "Type"), "tmpfs"))
            json_array_append_new(tmpfs, tmpfs_of_mount(mount));
    import_set(inspected->service, "tmpfs", tmpfs);
}

/* Dollar signs are no variables here. */
static json_t *escaped(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t i;
    const char *key;
    json_t *child;
    if (json_is_array(value) || json_is_object(value)) {
        json_t *copy = json_is_array(value) ? json_array() : json_object();
        json_array_foreach ((json_t *)(uintptr_t)value, i, child)
            json_array_append_new(copy, escaped(child));
        json_object_foreach ((json_t *)(uintptr_t)value, key, child)
            json_object_set_new(copy, key, escaped(child));
        return copy;
    }
    if (!text || !strchr(text, '$'))
        return json_incref((json_t *)(uintptr_t)value);
    char *twice CLEANUP_FREE = memory_calloc(2 * strlen(text) + 1, 1);
    for (char *out = twice; *text; text++) {
        *out++ = *text;
        if (*text == '$')
            *out++ = '$';
    }
    return json_string(twice);
}

static const char *service_name(const json_t *container)
{
    const char *name = model_string(container, "Name");
    return name && name[0] == '/' ? name + 1 : name;
}

static void add_container(json_t *services, json_t *volumes, const json_t *item)
{
    struct inspected inspected = {.container = json_object_get(item, "container"), .volumes = volumes};
    inspected.config = json_object_get(inspected.container, "Config");
    inspected.host = json_object_get(inspected.container, "HostConfig");
    inspected.image = json_object_get(json_object_get(item, "image"), "Config");
    const char *name = service_name(inspected.container);
    if (!name || !name[0])
        return;
    inspected.service = json_object();
    if (json_object_get(inspected.config, "Image"))
        json_object_set(inspected.service, "image", json_object_get(inspected.config, "Image"));
    copy_members(&inspected);
    set_environment(&inspected);
    set_labels(&inspected);
    set_health(&inspected);
    set_ports(&inspected);
    set_mounts(&inspected);
    set_restart(&inspected);
    set_network(&inspected);
    set_limits(&inspected);
    set_rest(&inspected);
    json_object_set_new(services, name, escaped(inspected.service));
    json_decref(inspected.service);
}

static void note(struct import *import, const char *file, const char *name, const char *member,
                 const char *message)
{
    char *service CLEANUP_FREE = import_pointer("/services", name);
    struct diagnostic note = {.severity = SEVERITY_WARNING,
                              .file = memory_strdup(file),
                              .pointer = import_pointer(service, member),
                              .code = memory_strdup("changed"),
                              .message = memory_strdup(message)};
    diagnostics_add(&import->notes, &note);
}

static void note_labels(const struct import_source *source, struct import *import)
{
    size_t i;
    json_t *item;
    const char *key;
    json_t *value;
    json_array_foreach (source->document->value, i, item) {
        const json_t *container = json_object_get(item, "container");
        const char *name = service_name(container);
        bool has = false;
        json_object_foreach (json_object_get(json_object_get(container, "Config"), "Labels"), key, value)
            has = has || is_label_of_task(key);
        if (has && name && name[0])
            note(import, source->file, name, "labels",
                 "changed: davit.* and com.amazonaws.ecs.* are left out: davit sets them itself");
    }
}

/* Those of the services that have variables. New. */
static json_t *names_with_variables(json_t *services)
{
    json_t *names = json_array();
    const char *name;
    json_t *service;
    json_object_foreach (services, name, service)
        if (!is_zero(json_object_get(service, "environment")))
            json_array_append_new(names, json_string(name));
    return names;
}

int import_docker(const struct import_source *source, struct import *ret_import,
                  struct diagnostics *diagnostics)
{
    assert(source);
    json_t *services = json_object();
    json_t *volumes = json_object();
    struct document compose CLEANUP(document_deinit) = {
        .value = json_pack("{s:o,s:o}", "services", services, "volumes", volumes)};
    size_t i;
    json_t *item;
    json_array_foreach (source->document->value, i, item)
        add_container(services, volumes, item);
    struct import_source as_compose = *source;
    as_compose.document = &compose;
    json_t *names CLEANUP(json_decrefp) = names_with_variables(services); /* the import changes them */
    int r = import_compose(&as_compose, ret_import, diagnostics);
    if (r < 0)
        return r;
    note_labels(source, ret_import);
    json_array_foreach (names, i, item) /* an image may be read by anybody; what a container has, may not */
        note(ret_import, source->file, json_string_value(item), "environment",
             "changed: the container's variables stand in the manifest now: look for secrets before you "
             "commit it");
    return 0;
}
