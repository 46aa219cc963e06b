/* The members of a Compose service, one line each. */
#include "manifest/import_compose.h"

#include "base/text.h"
#include "model/json.h"

#include <string.h>

#define NOTE(member, loss, ...) import_note((member)->compose->run, loss, (member)->pointer, __VA_ARGS__)
#define MIB                     (1024 * 1024)

void compose_apply(const struct compose_rule *rules, const struct compose_member *object)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object->value)) {
        if (!json_is_null(object->value))
            import_note(object->compose->run, IMPORT_DROPPED, object->pointer, "a map is expected here");
        return;
    }
    json_object_foreach (object->value, key, value) {
        char *pointer CLEANUP_FREE = import_pointer(object->pointer, key);
        const struct compose_rule *rule = rules;
        while (rule->name && !text_equal(rule->name, key))
            rule++;
        struct compose_member member = {object->compose, object->service, rule->target,
                                        rule->reason,    value,           pointer};
        if (rule->name && (!json_is_null(value) || rule->handler == compose_drop))
            rule->handler(&member);
        else if (!rule->name && !text_starts_with(key, "x-"))
            NOTE(&member, IMPORT_DROPPED, "Compose has no such member here");
    }
}

/* --- handlers that tables share ------------------------------------------------------------------------- */

void compose_nothing(const struct compose_member *member)
{
    (void)member;
}

void compose_drop(const struct compose_member *member)
{
    NOTE(member, IMPORT_DROPPED, "%s", member->reason);
}

void compose_string(const struct compose_member *member)
{
    char *text CLEANUP_FREE = import_text(member->value);
    if (text)
        json_object_set_new(member->service->container, member->target, json_string(text));
    else
        NOTE(member, IMPORT_DROPPED, "a string is expected here");
}

void compose_flag(const struct compose_member *member)
{
    bool flag;
    if (!import_boolean(member->value, &flag))
        NOTE(member, IMPORT_DROPPED, "true or false is expected here");
    else if (flag)
        json_object_set_new(member->service->container, member->target, json_true());
}

void compose_whole(const struct compose_member *member)
{
    int64_t number;
    if (import_integer(member->value, &number) && number >= 0)
        json_object_set_new(member->service->container, member->target, json_integer(number));
    else
        NOTE(member, IMPORT_DROPPED, "a whole number is expected here");
}

/* A list of strings, or one. */
static json_t *strings(const json_t *value)
{
    json_t *list = json_array();
    char *single CLEANUP_FREE = import_text(value);
    size_t i;
    json_t *item;
    if (single)
        json_array_append_new(list, json_string(single));
    json_array_foreach ((json_t *)value, i, item) {
        char *text CLEANUP_FREE = import_text(item);
        if (text)
            json_array_append_new(list, json_string(text));
    }
    return list;
}

void compose_strings(const struct compose_member *member)
{
    import_set(member->service->container, member->target, strings(member->value));
}

static void set_from_world(const struct compose_member *member, json_t *map, const char *name)
{
    const struct import_world *world = member->compose->run->source->world;
    const char *value = world->variable ? world->variable(world->data, name) : NULL;
    char *pointer CLEANUP_FREE = json_is_object(member->value) ? import_pointer(member->pointer, name)
                                                               : memory_strdup(member->pointer);
    if (value)
        json_object_set_new(map, name, json_string(value));
    else
        import_note(member->compose->run, json_is_object(member->value) ? IMPORT_UNRESOLVED : IMPORT_CHANGED,
                    pointer, "%.100s is taken from the environment, where it is not set", name);
}

json_t *compose_map(const struct compose_member *member, bool from_environment)
{
    json_t *map = json_object();
    const char *key;
    size_t i;
    json_t *item;
    json_object_foreach (member->value, key, item) {
        char *text CLEANUP_FREE = import_text(item);
        if (text)
            json_object_set_new(map, key, json_string(text));
        else if (from_environment && json_is_null(item))
            set_from_world(member, map, key);
        else
            json_object_set_new(map, key, json_string(""));
    }
    json_array_foreach (member->value, i, item) {
        char *text CLEANUP_FREE = import_text(item);
        char *equals = text ? strchr(text, '=') : NULL;
        if (equals)
            *equals = '\0';
        if (text && text[0] && (equals || !from_environment))
            json_object_set_new(map, text, json_string(equals ? equals + 1 : ""));
        else if (text && text[0])
            set_from_world(member, map, text);
    }
    return map;
}

void compose_object(const struct compose_member *member)
{
    import_set(member->service->container, member->target, compose_map(member, false));
}

/* --- members ------------------------------------------------------------------------------------------- */

static void on_words(const struct compose_member *member)
{
    if (!json_is_string(member->value)) {
        compose_strings(member);
        return;
    }
    json_t *words = import_words(json_string_value(member->value));
    if (words)
        import_set(member->service->container, member->target, words);
    else
        NOTE(member, IMPORT_DROPPED, "a quote stays open");
}

/* Variables of a map into the list, later ones replace earlier ones. */
static void add_variables(struct compose_service *service, json_t *map)
{
    json_t *all = import_object(service->task, "~environment");
    json_object_update(all, map);
    json_decref(map);
}

static void on_environment(const struct compose_member *member)
{
    add_variables(member->service, compose_map(member, true));
}

static void read_env_file(const struct compose_member *member, const json_t *item, const char *pointer)
{
    const struct import_world *world = member->compose->run->source->world;
    const char *path = json_is_string(item) ? json_string_value(item) : model_string(item, "path");
    char *content CLEANUP_FREE = path && world->read_file ? world->read_file(world->data, path) : NULL;
    if (!content) {
        import_note(member->compose->run, IMPORT_DROPPED, pointer,
                    "%.200s cannot be read: its variables are missing", path ? path : "it");
        return;
    }
    json_t *map = import_env_file(world, content, &member->compose->run->bytes_left);
    if (!map) {
        member->compose->run->over = true;
        return;
    }
    import_note(
        member->compose->run, IMPORT_CHANGED, pointer,
        "the %zu variables of %.200s stand in the manifest now: look for secrets before you commit it",
        json_object_size(map), path);
    json_t *own = json_incref(json_object_get(member->service->task, "~environment"));
    json_object_update_missing(map, own); /* environment: wins over env_file: */
    json_object_update(map, own);
    json_decref(own);
    json_object_set_new(member->service->task, "~environment", map);
}

static void on_env_file(const struct compose_member *member)
{
    size_t i;
    json_t *item;
    json_array_foreach (member->value, i, item) {
        char *pointer CLEANUP_FREE = import_pointer_index(member->pointer, i);
        read_env_file(member, item, pointer);
    }
    if (!json_is_array(member->value))
        read_env_file(member, member->value, member->pointer);
}

static void on_image(const struct compose_member *member)
{
    const char *image = json_string_value(member->value);
    if (!image || !image[0] || strpbrk(image, " \t\r\n") || strlen(image) > 512)
        NOTE(member, IMPORT_UNRESOLVED, "this is no image; \"image:unknown\" stands there");
    else
        compose_string(member);
}

static void on_memory(const struct compose_member *member)
{
    int64_t bytes;
    if (!import_bytes(member->value, &bytes)) {
        NOTE(member, IMPORT_DROPPED, "a size such as 512m is expected here");
        return;
    }
    int64_t mib = (bytes + MIB - 1) / MIB;
    if (mib < 6)
        NOTE(member, IMPORT_CHANGED, "6 MiB is the least that ECS takes");
    json_object_set_new(member->service->container, member->target, json_integer(mib < 6 ? 6 : mib));
}

static void on_cpus(const struct compose_member *member)
{
    double cpus;
    if (!import_number(member->value, &cpus) || cpus < 0 || cpus > 256) {
        NOTE(member, IMPORT_DROPPED, "a number of CPUs is expected here");
        return;
    }
    json_object_set_new(member->service->container, "cpu", json_integer((json_int_t)(cpus * 1024)));
    NOTE(member, IMPORT_CHANGED, "it is a share and a reservation now, not a ceiling");
}

static void on_restart(const struct compose_member *member)
{
    static const char *const words[] = {"always", "unless-stopped", "on-failure", "no"};
    char *text CLEANUP_FREE = import_text(member->value);
    if (json_is_false(member->value) || text_equal(text, "none"))
        member->service->restart = "no";
    else if (text_equal(text, "any"))
        member->service->restart = "always";
    for (size_t i = 0; text && i < ARRAY_LEN(words); i++)
        if (text_starts_with(text, words[i]))
            member->service->restart = words[i];
    if (!member->service->restart)
        NOTE(member, IMPORT_DROPPED, "no, always, on-failure or unless-stopped is expected here");
    else if (text && strchr(text, ':'))
        NOTE(member, IMPORT_CHANGED,
             "the number of attempts is not carried over: davit tries on, ever more slowly");
}

static void on_stop_grace_period(const struct compose_member *member)
{
    int64_t ms;
    char *text CLEANUP_FREE = import_text(member->value);
    if (text && text_to_duration_ms(text, &ms) == 0 && ms >= 0 && ms / 1000 <= 2147483)
        json_object_set_new(member->service->container, "stopTimeout", json_integer((ms + 999) / 1000));
    else
        NOTE(member, IMPORT_DROPPED, "a duration such as 30s is expected here");
}

static json_t *linux_parameters(const struct compose_member *member)
{
    return import_object(member->service->container, "linuxParameters");
}

static void on_capabilities(const struct compose_member *member)
{
    json_t *list = strings(member->value);
    json_t *names = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        const char *name = json_string_value(item);
        json_array_append_new(names, json_string(text_starts_with(name, "CAP_") ? name + 4 : name));
    }
    json_decref(list);
    import_set(import_object(linux_parameters(member), "capabilities"), member->target, names);
}

static void on_init(const struct compose_member *member)
{
    bool init;
    if (import_boolean(member->value, &init) && init)
        json_object_set_new(linux_parameters(member), "initProcessEnabled", json_true());
}

static void on_shm_size(const struct compose_member *member)
{
    int64_t bytes;
    if (import_bytes(member->value, &bytes))
        json_object_set_new(linux_parameters(member), "sharedMemorySize",
                            json_integer((bytes + MIB - 1) / MIB));
    else
        NOTE(member, IMPORT_DROPPED, "a size such as 64m is expected here");
}

static void on_swappiness(const struct compose_member *member)
{
    int64_t percent;
    if (import_integer(member->value, &percent) && percent >= 0 && percent <= 100)
        json_object_set_new(linux_parameters(member), "swappiness", json_integer(percent));
    else
        NOTE(member, IMPORT_DROPPED, "0 to 100 is expected here");
}

static json_t *permissions(const char *letters)
{
    json_t *list = json_array();
    for (; *letters; letters++)
        json_array_append_new(list, json_string(*letters == 'r'   ? "read"
                                                : *letters == 'w' ? "write"
                                                                  : "mknod"));
    return list;
}

static void on_devices(const struct compose_member *member)
{
    json_t *list = strings(member->value);
    json_t *devices = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        char *text CLEANUP_FREE = memory_strdup(json_string_value(item));
        char *container = import_cut(text, ':');
        char *rest = container ? import_cut(container, ':') : NULL;
        if (rest && rest[strspn(rest, "rwm")])
            continue;
        json_t *device = json_object();
        json_object_set_new(device, "hostPath", json_string(text));
        if (container && container[0])
            json_object_set_new(device, "containerPath", json_string(container));
        if (rest)
            import_set(device, "permissions", permissions(rest));
        json_array_append_new(devices, device);
    }
    if (json_array_size(devices) < json_array_size(list) || json_is_object(json_array_get(member->value, 0)))
        NOTE(member, IMPORT_DROPPED, "HOST:CONTAINER:rwm is expected here");
    json_decref(list);
    import_set(linux_parameters(member), "devices", devices);
}

static void on_ulimits(const struct compose_member *member)
{
    static const char known[] =
        " core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack ";
    const char *name;
    json_t *value;
    json_object_foreach (member->value, name, value) {
        int64_t soft = 0;
        int64_t hard = 0;
        char *word CLEANUP_FREE = memory_printf(" %s ", name);
        char *pointer CLEANUP_FREE = import_pointer(member->pointer, name);
        bool both = json_is_object(value);
        bool read = import_integer(both ? json_object_get(value, "soft") : value, &soft) &&
                    import_integer(both ? json_object_get(value, "hard") : value, &hard);
        if (read && soft >= -1 && hard >= -1 && strstr(known, word))
            json_array_append_new(import_list(member->service->container, "ulimits"),
                                  json_pack("{s:s,s:I,s:I}", "name", name, "softLimit", (json_int_t)soft,
                                            "hardLimit", (json_int_t)hard));
        else
            import_note(member->compose->run, IMPORT_DROPPED, pointer, "ECS has no such limit");
    }
}

static void on_sysctls(const struct compose_member *member)
{
    json_t *map = compose_map(member, false);
    const char *name;
    json_t *value;
    json_object_foreach (map, name, value)
        json_array_append_new(import_list(member->service->container, "systemControls"),
                              json_pack("{s:s,s:O}", "namespace", name, "value", value));
    json_decref(map);
}

/* "name:address", "name=address", or a map. */
static void on_extra_hosts(const struct compose_member *member)
{
    const char *name;
    size_t i;
    json_t *item;
    json_t *hosts = json_array();
    json_object_foreach (member->value, name, item)
        if (json_is_string(item))
            json_array_append_new(hosts, json_pack("{s:s,s:O}", "hostname", name, "ipAddress", item));
    json_array_foreach (member->value, i, item) {
        char *text CLEANUP_FREE = import_text(item);
        char *at = text ? strpbrk(text, "=:") : NULL;
        if (!at)
            continue;
        *at = '\0';
        json_array_append_new(hosts, json_pack("{s:s,s:s}", "hostname", text, "ipAddress", at + 1));
    }
    import_set(member->service->container, "extraHosts", hosts);
}

static void on_security_opt(const struct compose_member *member)
{
    json_t *list = strings(member->value);
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        const char *text = json_string_value(item);
        char *pointer CLEANUP_FREE = import_pointer_index(member->pointer, i);
        if (text_starts_with(text, "no-new-privileges:"))
            text = text_ends_with(text, ":false") ? NULL : "no-new-privileges";
        bool known = text && (text_starts_with(text, "no-new-privileges") ||
                              text_starts_with(text, "apparmor") || text_starts_with(text, "label"));
        if (known)
            json_array_append_new(import_list(member->service->container, "dockerSecurityOptions"),
                                  json_string(text));
        else if (text)
            import_note(member->compose->run, IMPORT_DROPPED, pointer,
                        "ECS takes no-new-privileges, apparmor and label");
    }
    json_decref(list);
}

static void on_logging(const struct compose_member *member)
{
    static const char known[] = " json-file syslog journald gelf fluentd awslogs splunk ";
    const char *driver = model_string(member->value, "driver");
    char *word CLEANUP_FREE = memory_printf(" %s ", driver ? driver : "json-file");
    if (!strstr(known, word) || strchr(driver ? driver : "", ' ')) {
        NOTE(member, IMPORT_DROPPED, "ECS has no log driver %.60s", driver);
        return;
    }
    json_t *configuration = json_object();
    json_object_set_new(configuration, "logDriver", json_string(driver ? driver : "json-file"));
    struct compose_member options = *member;
    options.value = json_object_get(member->value, "options");
    import_set(configuration, "options", compose_map(&options, false));
    json_object_set_new(member->service->container, "logConfiguration", configuration);
}

static void on_network_mode(const struct compose_member *member)
{
    const char *mode = json_string_value(member->value);
    if (text_equal(mode, "host") || text_equal(mode, "none")) {
        json_object_set_new(member->service->task, "networkMode", json_string(mode));
        member->service->alone = true;
    } else if (!text_equal(mode, "bridge") && !text_equal(mode, "default")) {
        NOTE(member, IMPORT_DROPPED,
             "a network cannot be shared with one other container: give them one task with "
             "networkMode awsvpc by hand");
    }
}

static void on_namespace(const struct compose_member *member)
{
    const char *mode = json_string_value(member->value);
    if (text_equal(mode, "host")) {
        json_object_set_new(member->service->task, member->target, json_string(mode));
        member->service->alone = true;
    } else if (!text_equal(mode, "private") && !text_equal(mode, "shareable")) {
        NOTE(member, IMPORT_DROPPED, "only host can be carried over");
    }
}

static void on_platform(const struct compose_member *member)
{
    const char *platform = json_string_value(member->value);
    const char *architecture = !platform                                                  ? NULL
                               : strstr(platform, "arm64") || strstr(platform, "aarch64") ? "ARM64"
                               : strstr(platform, "amd64") || strstr(platform, "x86_64")  ? "X86_64"
                                                                                          : NULL;
    if (architecture)
        json_object_set_new(
            member->service->task, "runtimePlatform",
            json_pack("{s:s,s:s}", "cpuArchitecture", architecture, "operatingSystemFamily", "LINUX"));
    else
        NOTE(member, IMPORT_DROPPED, "ECS knows amd64 and arm64");
}

static void on_build(const struct compose_member *member)
{
    NOTE(member, IMPORT_DROPPED, "davit does not build: build the image, push it, and name it");
}

static void on_name(const struct compose_member *member)
{
    const char *name = json_string_value(member->value);
    if (name)
        vector_push(&member->service->aliases, memory_strdup(name));
    NOTE(member, IMPORT_CHANGED, "davit names the containers; the name resolves within the task only");
}

static void on_replicas(const struct compose_member *member)
{
    if (!import_integer(member->value, &member->service->replicas) || member->service->replicas < 0 ||
        member->service->replicas > 5000) {
        member->service->replicas = 1;
        NOTE(member, IMPORT_DROPPED, "0 to 5000 is expected here");
    }
}

static void on_gpus(const struct compose_member *member)
{
    int64_t count = 1;
    import_integer(member->value, &count);
    json_object_set_new(member->service->container, "resourceRequirements",
                        json_pack("[{s:s,s:o}]", "type", "GPU", "value",
                                  json_sprintf("%lld", (long long)(count < 1 ? 1 : count))));
}

/* clang-format off */
#define NO_PLACE "ECS has no place for it"
static const struct compose_rule service_rules[] = {
    {"annotations", compose_drop, NULL, NO_PLACE},
    {"attach", compose_nothing, NULL, NULL},
    {"blkio_config", compose_drop, NULL, NO_PLACE},
    {"build", on_build, NULL, NULL},
    {"cap_add", on_capabilities, "add", NULL},
    {"cap_drop", on_capabilities, "drop", NULL},
    {"cgroup", compose_drop, NULL, NO_PLACE},
    {"cgroup_parent", compose_drop, NULL, NO_PLACE},
    {"command", on_words, "command", NULL},
    {"configs", compose_configs, NULL, NULL},
    {"container_name", on_name, NULL, NULL},
    {"cpu_count", compose_drop, NULL, NO_PLACE},
    {"cpu_percent", compose_drop, NULL, NO_PLACE},
    {"cpu_period", compose_drop, NULL, "ECS has shares (cpu) only"},
    {"cpu_quota", compose_drop, NULL, "ECS has shares (cpu) only"},
    {"cpu_shares", compose_whole, "cpu", NULL},
    {"cpus", on_cpus, NULL, NULL},
    {"cpuset", compose_drop, NULL, NO_PLACE},
    {"credential_spec", compose_drop, NULL, "it is for Windows"},
    {"depends_on", compose_depends_on, NULL, NULL},
    {"deploy", compose_deploy, NULL, NULL},
    {"develop", compose_drop, NULL, "davit runs what is built"},
    {"device_cgroup_rules", compose_drop, NULL, NO_PLACE},
    {"devices", on_devices, NULL, NULL},
    {"dns", compose_strings, "dnsServers", NULL},
    {"dns_opt", compose_drop, NULL, NO_PLACE},
    {"dns_search", compose_strings, "dnsSearchDomains", NULL},
    {"domainname", compose_drop, NULL, NO_PLACE},
    {"entrypoint", on_words, "entryPoint", NULL},
    {"env_file", on_env_file, NULL, NULL},
    {"environment", on_environment, NULL, NULL},
    {"expose", compose_nothing, NULL, NULL},
    {"extends", compose_nothing, NULL, NULL},
    {"external_links", compose_drop, NULL, "containers that davit does not run cannot be linked"},
    {"extra_hosts", on_extra_hosts, NULL, NULL},
    {"gpus", on_gpus, NULL, NULL},
    {"group_add", compose_drop, NULL, NO_PLACE},
    {"healthcheck", compose_health, NULL, NULL},
    {"hostname", compose_string, "hostname", NULL},
    {"image", on_image, "image", NULL},
    {"init", on_init, NULL, NULL},
    {"ipc", on_namespace, "ipcMode", NULL},
    {"isolation", compose_drop, NULL, "it is for Windows"},
    {"label_file", compose_drop, NULL, "write the labels into the manifest"},
    {"labels", compose_object, "dockerLabels", NULL},
    {"links", compose_links, NULL, NULL},
    {"logging", on_logging, NULL, NULL},
    {"mac_address", compose_drop, NULL, NO_PLACE},
    {"mem_limit", on_memory, "memory", NULL},
    {"mem_reservation", on_memory, "memoryReservation", NULL},
    {"mem_swappiness", on_swappiness, NULL, NULL},
    {"memswap_limit", compose_drop, NULL, "set linuxParameters.maxSwap by hand"},
    {"network_mode", on_network_mode, NULL, NULL},
    {"networks", compose_networks, NULL, NULL},
    {"oom_kill_disable", compose_drop, NULL, NO_PLACE},
    {"oom_score_adj", compose_drop, NULL, NO_PLACE},
    {"pid", on_namespace, "pidMode", NULL},
    {"pids_limit", compose_drop, NULL, NO_PLACE},
    {"platform", on_platform, NULL, NULL},
    {"ports", compose_ports, NULL, NULL},
    {"post_start", compose_drop, NULL, NO_PLACE},
    {"pre_stop", compose_drop, NULL, NO_PLACE},
    {"privileged", compose_flag, "privileged", NULL},
    {"profiles", compose_nothing, NULL, NULL},
    {"pull_policy", compose_drop, NULL, "davit pulls when an image is not there, or has no fixed tag"},
    {"read_only", compose_flag, "readonlyRootFilesystem", NULL},
    {"restart", on_restart, NULL, NULL},
    {"runtime", compose_drop, NULL, NO_PLACE},
    {"scale", on_replicas, NULL, NULL},
    {"secrets", compose_secrets, NULL, NULL},
    {"security_opt", on_security_opt, NULL, NULL},
    {"shm_size", on_shm_size, NULL, NULL},
    {"stdin_open", compose_flag, "interactive", NULL},
    {"stop_grace_period", on_stop_grace_period, NULL, NULL},
    {"stop_signal", compose_drop, NULL, "ECS has the image's STOPSIGNAL only"},
    {"storage_opt", compose_drop, NULL, NO_PLACE},
    {"sysctls", on_sysctls, NULL, NULL},
    {"tmpfs", compose_tmpfs, NULL, NULL},
    {"tty", compose_flag, "pseudoTerminal", NULL},
    {"ulimits", on_ulimits, NULL, NULL},
    {"user", compose_string, "user", NULL},
    {"userns_mode", compose_drop, NULL, NO_PLACE},
    {"uts", compose_drop, NULL, NO_PLACE},
    {"volume_driver", compose_drop, NULL, "name it at the volume"},
    {"volumes", compose_volumes, NULL, NULL},
    {"volumes_from", compose_volumes_from, NULL, NULL},
    {"working_dir", compose_string, "workingDirectory", NULL},
    {NULL, NULL, NULL, NULL}};

static const struct compose_rule limit_rules[] = {
    {"cpus", on_cpus, NULL, NULL},
    {"memory", on_memory, "memory", NULL},
    {"pids", compose_drop, NULL, NO_PLACE},
    {NULL, NULL, NULL, NULL}};

static void on_reserved_devices(const struct compose_member *member);

static const struct compose_rule reservation_rules[] = {
    {"cpus", on_cpus, NULL, NULL},
    {"memory", on_memory, "memoryReservation", NULL},
    {"devices", on_reserved_devices, NULL, NULL},
    {"generic_resources", compose_drop, NULL, NO_PLACE},
    {NULL, NULL, NULL, NULL}};
/* clang-format on */

static void on_reserved_devices(const struct compose_member *member)
{
    struct compose_member gpus = *member;
    char *text CLEANUP_FREE = json_dumps(member->value, JSON_COMPACT | JSON_ENCODE_ANY);
    gpus.value = json_object_get(json_array_get(member->value, 0), "count");
    if (text && strstr(text, "gpu"))
        on_gpus(&gpus);
    else
        NOTE(member, IMPORT_DROPPED, "ECS knows GPUs only");
}

static void on_limits(const struct compose_member *member)
{
    compose_apply(limit_rules, member);
}

static void on_reservations(const struct compose_member *member)
{
    compose_apply(reservation_rules, member);
}

static const struct compose_rule resource_rules[] = {{"limits", on_limits, NULL, NULL},
                                                     {"reservations", on_reservations, NULL, NULL},
                                                     {NULL, NULL, NULL, NULL}};

static void on_resources(const struct compose_member *member)
{
    compose_apply(resource_rules, member);
}

static void on_mode(const struct compose_member *member)
{
    const char *mode = json_string_value(member->value);
    if (text_equal(mode, "global"))
        member->service->daemon = member->service->alone = true;
    else if (!text_equal(mode, "replicated"))
        NOTE(member, IMPORT_DROPPED, "replicated or global is expected here");
}

static void on_update_config(const struct compose_member *member)
{
    const char *order = model_string(member->value, "order");
    const char *action = model_string(member->value, "failure_action");
    json_t *configuration = import_object(member->service->service, "deploymentConfiguration");
    if (text_equal(order, "start-first") || text_equal(order, "stop-first")) {
        bool first = text_equal(order, "start-first");
        json_object_set_new(configuration, "minimumHealthyPercent", json_integer(first ? 100 : 0));
        json_object_set_new(configuration, "maximumPercent", json_integer(first ? 200 : 100));
    }
    if (text_equal(action, "rollback"))
        json_object_set_new(configuration, "deploymentCircuitBreaker",
                            json_pack("{s:b,s:b}", "enable", 1, "rollback", 1));
    const char *key;
    json_t *value;
    json_object_foreach (member->value, key, value) {
        char *pointer CLEANUP_FREE = import_pointer(member->pointer, key);
        if (!text_equal(key, "order") && !text_equal(key, "failure_action"))
            import_note(member->compose->run, IMPORT_DROPPED, pointer,
                        "deployments go by minimumHealthyPercent and maximumPercent");
    }
    if (!json_object_size(configuration))
        json_object_del(member->service->service, "deploymentConfiguration");
}

static void on_restart_policy(const struct compose_member *member)
{
    struct compose_member condition = *member;
    condition.value = json_object_get(member->value, "condition");
    if (condition.value)
        on_restart(&condition);
    if (json_object_size(member->value) > (condition.value ? 1 : 0))
        NOTE(member, IMPORT_CHANGED, "delays and attempts are davit's own");
}

/* "node.labels.zone == a" */
static void on_placement(const struct compose_member *member)
{
    size_t i;
    json_t *item;
    json_t *constraints = json_object_get(member->value, "constraints");
    char *list CLEANUP_FREE = import_pointer(member->pointer, "constraints");
    json_array_foreach (constraints, i, item) {
        char *pointer CLEANUP_FREE = import_pointer_index(list, i);
        const char *text = json_is_string(item) ? json_string_value(item) : "";
        static const char label[] = "node.labels.";
        if (text_starts_with(text, label))
            json_array_append_new(import_list(member->service->service, "placementConstraints"),
                                  json_pack("{s:s,s:o}", "type", "memberOf", "expression",
                                            json_sprintf("attribute:%s", text + strlen(label))));
        else
            import_note(member->compose->run, IMPORT_DROPPED, pointer,
                        "davit has no managers; name an attribute");
    }
    if (json_object_size(member->value) > (constraints ? 1 : 0))
        NOTE(member, IMPORT_DROPPED, "only constraints can be carried over");
}

static const struct compose_rule deploy_rules[] = {
    {"endpoint_mode", compose_drop, NULL, "davit has no virtual addresses"},
    {"labels", compose_drop, NULL, "labels of the service are not labels of its containers"},
    {"mode", on_mode, NULL, NULL},
    {"placement", on_placement, NULL, NULL},
    {"replicas", on_replicas, NULL, NULL},
    {"resources", on_resources, NULL, NULL},
    {"restart_policy", on_restart_policy, NULL, NULL},
    {"rollback_config", compose_drop, NULL, "a rollback goes as the deployment goes"},
    {"update_config", on_update_config, NULL, NULL},
    {NULL, NULL, NULL, NULL}};

void compose_deploy(const struct compose_member *member)
{
    compose_apply(deploy_rules, member);
}

/* --- the whole service --------------------------------------------------------------------------------- */

static void set_image(struct compose *compose, struct compose_service *service)
{
    if (json_object_get(service->container, "image"))
        return;
    const char *project = compose->project;
    bool built = json_object_get(service->file, "build") != NULL;
    if (!built)
        import_note(compose->run, IMPORT_CHANGED, service->pointer, "it has no image");
    json_object_set_new(service->container, "image",
                        built ? json_sprintf("%s-%s", project ? project : "project", service->container_name)
                              : json_string("image:unknown"));
}

static void set_environment(struct compose_service *service)
{
    const char *name;
    json_t *value;
    json_t *map = json_object_get(service->task, "~environment");
    json_t *list = json_array();
    json_object_foreach (map, name, value)
        if (name[0])
            json_array_append_new(list, json_pack("{s:s,s:O}", "name", name, "value", value));
    import_set(service->container, "environment", list);
    json_object_del(service->task, "~environment");
}

void compose_service_convert(struct compose *compose, struct compose_service *service)
{
    struct compose_member whole = {.compose = compose,
                                   .service = service,
                                   .value = (json_t *)(uintptr_t)service->file,
                                   .pointer = service->pointer};
    compose_apply(service_rules, &whole);
    set_environment(service);
    set_image(compose, service);
    int64_t hard = model_int(service->container, "memory");
    if (hard && model_int(service->container, "memoryReservation") > hard)
        json_object_set_new(service->container, "memoryReservation", json_integer(hard));
    if (!json_object_size(json_object_get(service->container, "linuxParameters")))
        json_object_del(service->container, "linuxParameters");
}
