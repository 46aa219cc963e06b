/* The members of a Compose service, one line each. */
#include "manifest/import_compose.h"

#include "base/text.h"
#include "model/json.h"

#include <string.h>

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

void compose_each(const struct compose_member *member, compose_handler *handler)
{
    size_t i;
    json_t *value;
    if (!json_is_array(member->value))
        handler(member);
    json_array_foreach (member->value, i, value) {
        char *pointer CLEANUP_FREE = import_pointer_index(member->pointer, i);
        struct compose_member element = *member;
        element.value = value;
        element.pointer = pointer;
        handler(&element);
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

json_t *compose_string_list(const json_t *value)
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
    import_set(member->service->container, member->target, compose_string_list(member->value));
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

static void on_variables_file(const struct compose_member *member)
{
    const struct import_world *world = member->compose->run->source->world;
    const char *path = json_is_string(member->value) ? json_string_value(member->value)
                                                     : model_string(member->value, "path");
    char *content CLEANUP_FREE = path && world->read_file ? world->read_file(world->data, path) : NULL;
    if (!content) {
        NOTE(member, IMPORT_DROPPED, "%.200s cannot be read: its variables are missing", path ? path : "it");
        return;
    }
    json_t *map = import_env_file(world, content, &member->compose->run->bytes_left);
    if (!map) {
        member->compose->run->over = true;
        return;
    }
    NOTE(member, IMPORT_CHANGED,
         "%zu variable%s of %.200s put into the manifest: look for secrets before you commit it",
         json_object_size(map), text_plural((int64_t)json_object_size(map)), path);
    json_t *own = json_incref(json_object_get(member->service->task, "~environment"));
    json_object_update_missing(map, own); /* environment: wins over env_file: */
    json_object_update(map, own);
    json_decref(own);
    json_object_set_new(member->service->task, "~environment", map);
}

static void on_env_file(const struct compose_member *member)
{
    compose_each(member, on_variables_file);
}

static void on_image(const struct compose_member *member)
{
    const char *image = json_string_value(member->value);
    if (!image || !image[0] || strpbrk(image, " \t\r\n") || strlen(image) > 512)
        NOTE(member, IMPORT_UNRESOLVED, "this is no image; \"image:unknown\" stands there");
    else
        compose_string(member);
}

static void on_stop_grace_period(const struct compose_member *member)
{
    int64_t ms;
    char *text CLEANUP_FREE = import_text(member->value);
    if (text && text_to_duration_ms(text, &ms) == 0 && ms >= 0 && ms <= INT32_MAX * 1000LL)
        json_object_set_new(member->service->container, "stopTimeout", json_integer((ms + 999) / 1000));
    else
        NOTE(member, IMPORT_DROPPED, "a duration such as 30s is expected here");
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

/* clang-format off */
static const struct compose_rule service_rules[] = {
    {"annotations", compose_drop, NULL, NO_PLACE},
    {"attach", compose_nothing, NULL, NULL},
    {"blkio_config", compose_drop, NULL, NO_PLACE},
    {"build", on_build, NULL, NULL},
    {"cap_add", compose_capabilities, "add", NULL},
    {"cap_drop", compose_capabilities, "drop", NULL},
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
    {"cpus", compose_cpus, NULL, NULL},
    {"cpuset", compose_drop, NULL, NO_PLACE},
    {"credential_spec", compose_drop, NULL, "it is for Windows"},
    {"depends_on", compose_depends_on, NULL, NULL},
    {"deploy", compose_deploy, NULL, NULL},
    {"develop", compose_drop, NULL, "davit runs what is built"},
    {"device_cgroup_rules", compose_drop, NULL, NO_PLACE},
    {"devices", compose_devices, NULL, NULL},
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
    {"gpus", compose_gpus, NULL, NULL},
    {"group_add", compose_drop, NULL, NO_PLACE},
    {"healthcheck", compose_health, NULL, NULL},
    {"hostname", compose_string, "hostname", NULL},
    {"image", on_image, "image", NULL},
    {"init", compose_init, NULL, NULL},
    {"ipc", compose_namespace, "ipcMode", NULL},
    {"isolation", compose_drop, NULL, "it is for Windows"},
    {"label_file", compose_drop, NULL, "write the labels into the manifest"},
    {"labels", compose_object, "dockerLabels", NULL},
    {"links", compose_links, NULL, NULL},
    {"logging", on_logging, NULL, NULL},
    {"mac_address", compose_drop, NULL, NO_PLACE},
    {"mem_limit", compose_memory, "memory", NULL},
    {"mem_reservation", compose_memory, "memoryReservation", NULL},
    {"mem_swappiness", compose_swappiness, NULL, NULL},
    {"memswap_limit", compose_drop, NULL, "set linuxParameters.maxSwap by hand"},
    {"network_mode", on_network_mode, NULL, NULL},
    {"networks", compose_networks, NULL, NULL},
    {"oom_kill_disable", compose_drop, NULL, NO_PLACE},
    {"oom_score_adj", compose_drop, NULL, NO_PLACE},
    {"pid", compose_namespace, "pidMode", NULL},
    {"pids_limit", compose_drop, NULL, NO_PLACE},
    {"platform", on_platform, NULL, NULL},
    {"ports", compose_ports, NULL, NULL},
    {"post_start", compose_drop, NULL, NO_PLACE},
    {"pre_stop", compose_drop, NULL, NO_PLACE},
    {"privileged", compose_flag, "privileged", NULL},
    {"profiles", compose_nothing, NULL, NULL},
    {"pull_policy", compose_drop, NULL, "davit pulls when an image is not there, or has no fixed tag"},
    {"read_only", compose_flag, "readonlyRootFilesystem", NULL},
    {"restart", compose_restart, NULL, NULL},
    {"runtime", compose_drop, NULL, NO_PLACE},
    {"scale", compose_replicas, NULL, NULL},
    {"secrets", compose_secrets, NULL, NULL},
    {"security_opt", compose_security_opt, NULL, NULL},
    {"shm_size", compose_shm_size, NULL, NULL},
    {"stdin_open", compose_flag, "interactive", NULL},
    {"stop_grace_period", on_stop_grace_period, NULL, NULL},
    {"stop_signal", compose_drop, NULL, "ECS has the image's STOPSIGNAL only"},
    {"storage_opt", compose_drop, NULL, NO_PLACE},
    {"sysctls", compose_sysctls, NULL, NULL},
    {"tmpfs", compose_tmpfs, NULL, NULL},
    {"tty", compose_flag, "pseudoTerminal", NULL},
    {"ulimits", compose_ulimits, NULL, NULL},
    {"user", compose_string, "user", NULL},
    {"userns_mode", compose_drop, NULL, NO_PLACE},
    {"uts", compose_drop, NULL, NO_PLACE},
    {"volume_driver", compose_drop, NULL, "name it at the volume"},
    {"volumes", compose_volumes, NULL, NULL},
    {"volumes_from", compose_volumes_from, NULL, NULL},
    {"working_dir", compose_string, "workingDirectory", NULL},
    {NULL, NULL, NULL, NULL}};
/* clang-format on */

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
