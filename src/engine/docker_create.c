/* The mapping tables, and how they are applied. */
#include "engine/docker_create.h"

#include "base/text.h"
#include "engine/docker_create_map.h"
#include "engine/docker_pause.h"
#include "model/action.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>

int docker_map_to_config(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    json_object_set_new(body->config, field, json_deep_copy(value));
    return 0;
}

int docker_map_to_host(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    json_object_set_new(body->host, field, json_deep_copy(value));
    return 0;
}

/* clang-format off */
const struct docker_mapping docker_container_mappings[] = {
    {"image", "Image", docker_map_to_config, false},
    {"command", "Cmd", docker_map_to_config, false},
    {"entryPoint", "Entrypoint", docker_map_to_config, false},
    {"environment", "Env", docker_map_environment, false},
    {"user", "User", docker_map_to_config, false},
    {"workingDirectory", "WorkingDir", docker_map_to_config, false},
    {"interactive", "OpenStdin", docker_map_to_config, false},
    {"pseudoTerminal", "Tty", docker_map_to_config, false},
    {"stopTimeout", "StopTimeout", docker_map_to_config, false},
    {"healthCheck", "Healthcheck", docker_map_health_check, false},
    {"dockerLabels", "Labels", docker_map_labels, true},
    {"logConfiguration", "LogConfig", docker_map_log, false},
    {"cpu", "CpuShares", docker_map_cpu, true},
    {"memory", "Memory", docker_map_memory, false},
    {"memoryReservation", "MemoryReservation", docker_map_memory, false},
    {"ulimits", "Ulimits", docker_map_ulimits, false},
    {"resourceRequirements", "DeviceRequests", docker_map_resources, false},
    {"linuxParameters.maxSwap", "MemorySwap", docker_map_max_swap, false},
    {"linuxParameters.swappiness", "MemorySwappiness", docker_map_swappiness, false},
    {"linuxParameters.sharedMemorySize", "ShmSize", docker_map_shared_memory, false},
    {"linuxParameters.tmpfs", "Tmpfs", docker_map_tmpfs, false},
    {"linuxParameters.devices", "Devices", docker_map_devices, false},
    {"linuxParameters.capabilities.add", "CapAdd", docker_map_to_host, false},
    {"linuxParameters.capabilities.drop", "CapDrop", docker_map_to_host, false},
    {"linuxParameters.initProcessEnabled", "Init", docker_map_to_host, false},
    {"systemControls", "Sysctls", docker_map_system_controls, false},
    {"dockerSecurityOptions", "SecurityOpt", docker_map_security_options, false},
    {"privileged", "Privileged", docker_map_to_host, false},
    {"readonlyRootFilesystem", "ReadonlyRootfs", docker_map_to_host, false},
    {"hostname", "Hostname", docker_map_to_config, false},
    {"disableNetworking", "NetworkDisabled", docker_map_to_config, false},
    {"portMappings", "PortBindings", docker_map_ports, false},
    {"links", "Links", docker_map_links, false},
    {"dnsServers", "Dns", docker_map_to_host, false},
    {"dnsSearchDomains", "DnsSearch", docker_map_to_host, false},
    {"extraHosts", "ExtraHosts", docker_map_extra_hosts, false},
    {"mountPoints", "Binds", docker_map_mount_points, false},
    {"volumesFrom", "VolumesFrom", docker_map_volumes_from, false},
    {NULL, NULL, NULL, false},
};

const struct docker_mapping docker_task_mappings[] = {
    {"cpu", "CpuQuota", docker_map_task_cpu, false},
    {"memory", "Memory", docker_map_task_memory, false},
    {NULL, NULL, NULL, false},
};
/* clang-format on */

char *docker_container_name(const struct docker_body *body, const char *container)
{
    char *name CLEANUP_FREE = memory_strdup(container);
    struct task_labels labels = *body->create->labels; /* borrowed, but for the name */
    struct container_spec named = {.name = name};
    labels.spec = &named;
    return action_container_name(&labels);
}

bool docker_is_on_bridge(const struct docker_body *body)
{
    const char *mode = body->create->definition->network_mode;
    return !mode || text_equal(mode, "bridge");
}

/* The value at "a.b.c", or NULL. Borrowed. */
static const json_t *value_at(const json_t *object, const char *path)
{
    for (const char *dot; object && (dot = strchr(path, '.')); path = dot + 1) {
        char *name CLEANUP_FREE = memory_strndup(path, (size_t)(dot - path));
        object = json_object_get(object, name);
    }
    return json_object_get(object, path);
}

static int apply(struct docker_body *body, const struct docker_mapping *mappings, const json_t *object,
                 struct error *err)
{
    int r = 0;
    for (const struct docker_mapping *mapping = mappings; r == 0 && mapping->member; mapping++) {
        const json_t *value = value_at(object, mapping->member);
        bool absent = !value || json_is_null(value);
        if (!absent || mapping->always)
            r = mapping->map(body, mapping->field, absent ? NULL : value, err);
    }
    return r;
}

const json_t *docker_container_of(const struct engine_create *create)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(create->definition->json, "containerDefinitions"), i, item)
        if (text_equal(model_string(item, "name"), create->container))
            return item;
    return NULL;
}

json_t *docker_create_body(const struct engine_create *create, const struct docker_settings *settings,
                           char **ret_warning, struct error *err)
{
    assert(create->definition && create->labels && create->container);
    assert(settings && ret_warning);
    *ret_warning = NULL;
    if (text_equal(create->container, PAUSE_CONTAINER))
        return docker_pause_body(create);
    struct docker_body body = {
        .create = create, .settings = settings, .container = docker_container_of(create)};
    if (!body.container) {
        error_set(err, ERROR_INVALID, "the task definition has no container %s", create->container);
        return NULL;
    }
    const char *mode = create->definition->network_mode;
    body.config = json_object();
    /* Restarting is davit's: the engine must never do it by itself. */
    body.host =
        json_pack("{s:{s:s},s:s}", "RestartPolicy", "Name", "no", "NetworkMode", mode ? mode : "bridge");
    json_object_set_new(body.config, "HostConfig", body.host);
    int r = apply(&body, docker_container_mappings, body.container, err);
    if (r == 0)
        r = apply(&body, docker_task_mappings, create->definition->json, err);
    if (r == 0) {
        if (create->image)
            json_object_set_new(body.config, "Image", json_string(create->image));
        docker_pause_join(create, body.config);
        *ret_warning = body.warning;
        return body.config;
    }
    free(body.warning);
    error_wrap(err, r, "container %s", create->container);
    json_decref(body.config);
    return NULL;
}
