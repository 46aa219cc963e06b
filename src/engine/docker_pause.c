#include "engine/docker_pause.h"

#include "base/text.h"
#include "engine/pause_image.h"
#include "model/action.h"
#include "model/json.h"

#include <stdlib.h>

#define MIB            (1024 * 1024)
#define CPU_SHARES_MIN 2

/* The namespaces that the pause container may own. */
static const struct sharing {
    const char *member;         /* of the task definition */
    const char *value;          /* that makes the task share it */
    const char *field;          /* of Docker's HostConfig */
    const char *const *sysctls; /* kernel parameters that belong to it, by how they begin */
} sharings[] = {
    {"networkMode", "awsvpc", "NetworkMode", (const char *const[]){"net.", NULL}},
    {"ipcMode", "task", "IpcMode",
     (const char *const[]){"kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.", NULL}},
    {"pidMode", "task", "PidMode", (const char *const[]){NULL}},
};

static bool is_shared(const struct engine_create *create, const struct sharing *sharing)
{
    return text_equal(model_string(create->definition->json, sharing->member), sharing->value);
}

/* Whether a kernel parameter is the pause container's to set. */
static bool is_of_pause(const struct engine_create *create, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(sharings); i++)
        for (size_t p = 0; is_shared(create, &sharings[i]) && sharings[i].sysctls[p]; p++)
            if (text_starts_with(name, sharings[i].sysctls[p]))
                return true;
    return false;
}

/* --- the pause container -------------------------------------------------------------------------------- */

static const json_t *containers_of(const struct engine_create *create)
{
    return json_object_get(create->definition->json, "containerDefinitions");
}

/* The lists that the containers have under a name, as one. New. */
static json_t *all_of(const struct engine_create *create, const char *list)
{
    json_t *all = json_array();
    size_t i;
    json_t *container;
    json_array_foreach (containers_of(create), i, container)
        json_array_extend(all, json_object_get(container, list));
    return all;
}

/* Published on the task's own address, and nowhere else: this only lets `docker ps` show them. */
static json_t *exposed_ports(const struct engine_create *create)
{
    json_t *ports = json_object();
    json_t *mappings CLEANUP(json_decrefp) = all_of(create, "portMappings");
    size_t i;
    json_t *mapping;
    json_array_foreach (mappings, i, mapping) {
        int port = model_int_in(mapping, "containerPort", 0, 65535);
        char *key CLEANUP_FREE = memory_printf(
            "%d/%s", port, text_equal(model_string(mapping, "protocol"), "udp") ? "udp" : "tcp");
        if (port)
            json_object_set_new(ports, key, json_object());
    }
    return ports;
}

/* ECS: they hold for the whole task, the last one wins. */
static json_t *sysctls(const struct engine_create *create)
{
    json_t *all = json_object();
    json_t *controls CLEANUP(json_decrefp) = all_of(create, "systemControls");
    size_t i;
    json_t *control;
    json_array_foreach (controls, i, control) {
        const char *name = model_string(control, "namespace");
        if (name && is_of_pause(create, name))
            json_object_set(all, name, json_object_get(control, "value"));
    }
    return all;
}

/* /dev/shm is of the IPC namespace: as large as the one who wants most of it. 0: the engine's default. */
static json_int_t shm_bytes(const struct engine_create *create)
{
    json_int_t most_mib = 0;
    size_t i;
    json_t *container;
    json_array_foreach (containers_of(create), i, container) {
        json_int_t mib =
            model_int_in(json_object_get(container, "linuxParameters"), "sharedMemorySize", 0, INT32_MAX);
        if (mib > most_mib)
            most_mib = mib;
    }
    return most_mib * MIB;
}

json_t *docker_pause_body(const struct engine_create *create)
{
    bool has_network = text_equal(create->definition->network_mode, "awsvpc");
    char *network CLEANUP_FREE = has_network ? action_network_name(create->labels) : memory_strdup("none");
    json_t *host =
        json_pack("{s:{s:s},s:s,s:i,s:b,s:[s],s:[s],s:{s:s}}", "RestartPolicy", "Name", "no", "NetworkMode",
                  network, "CpuShares", CPU_SHARES_MIN, "ReadonlyRootfs", true, "CapDrop", "ALL",
                  "SecurityOpt", "no-new-privileges", "LogConfig", "Type", "none");
    json_t *body = json_pack("{s:s,s:o,s:o}", "Image", pause_image.image, "Labels",
                             task_labels_to_json(create->labels), "HostConfig", host);
    if (has_network)
        json_object_set_new(body, "ExposedPorts", exposed_ports(create));
    json_object_set_new(host, "Sysctls", sysctls(create));
    if (text_equal(model_string(create->definition->json, "ipcMode"), "task")) {
        model_set_string(host, "IpcMode", "shareable");
        model_set_int(host, "ShmSize", shm_bytes(create));
    }
    return body;
}

/* --- the others ----------------------------------------------------------------------------------------- */

static char *pause_name(const struct engine_create *create)
{
    struct task_labels labels = *create->labels; /* borrows */
    char name[] = PAUSE_CONTAINER;
    struct container_spec named = {.name = name};
    labels.spec = &named;
    return action_container_name(&labels);
}

static void leave_sysctls(const struct engine_create *create, json_t *host)
{
    const char *name;
    void *next;
    json_t *value;
    json_object_foreach_safe(json_object_get(host, "Sysctls"), next, name,
                             value) if (is_of_pause(create, name))
        json_object_del(json_object_get(host, "Sysctls"), name);
}

void docker_pause_join(const struct engine_create *create, json_t *body)
{
    json_t *host = json_object_get(body, "HostConfig");
    char *pause CLEANUP_FREE = pause_name(create);
    for (size_t i = 0; i < ARRAY_LEN(sharings); i++) {
        const char *mode = model_string(create->definition->json, sharings[i].member);
        if (is_shared(create, &sharings[i]))
            json_object_set_new(host, sharings[i].field, json_sprintf("container:%s", pause));
        else if (mode)
            json_object_set_new(host, sharings[i].field, json_string(mode));
    }
    if (text_equal(model_string(create->definition->json, "ipcMode"), "task"))
        json_object_del(host, "ShmSize"); /* Docker refuses it of one who joins */
    leave_sysctls(create, host);
}
