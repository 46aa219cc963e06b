/* Rules of members that only an engine cares about. Where ECS or an engine would refuse a task as it starts,
 * the manifest is refused here; where a member cannot do what it does on ECS, a warning says so. */
#include "manifest/kind_read.h"

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX 65535

struct check {
    const json_t *definition;
    const json_t *containers;
    const char *network_mode;
    struct diagnostics *diagnostics;
};

/* Takes the pointer and the message over. */
static void report(const struct check *check, const char *code, char *pointer, char *message)
{
    kind_report(check->diagnostics,
                (struct kind_fault){
                    .severity = SEVERITY_ERROR, .code = code, .pointer = pointer, .message = message});
}

static void warn(const struct check *check, char *pointer, char *message)
{
    kind_report(check->diagnostics, (struct kind_fault){.severity = SEVERITY_WARNING,
                                                        .code = "no-effect",
                                                        .pointer = pointer,
                                                        .message = message});
}

/* --- links and volumesFrom ------------------------------------------------------------------------------ */

static void add_edge(json_t *list, const char *container, char *at)
{
    size_t i;
    json_t *item;
    bool known = !container;
    json_array_foreach (list, i, item) /* whatever it waits for already, it waits for the start as well */
        known = known || text_equal(model_string(item, "containerName"), container);
    if (!known)
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:s}", "containerName", container, "condition", "START", "at", at));
    free(at);
}

json_t *kind_container_dependencies(const json_t *container)
{
    json_t *list = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(container, "dependsOn"), i, item) {
        json_t *edge = json_deep_copy(item);
        json_object_set_new(edge, "at", json_sprintf("dependsOn/%zu", i));
        json_array_append_new(list, edge);
    }
    json_array_foreach (json_object_get(container, "links"), i, item) {
        const char *link = json_string_value(item);
        char *name CLEANUP_FREE = link ? memory_strndup(link, strcspn(link, ":")) : NULL;
        add_edge(list, name, memory_printf("links/%zu", i));
    }
    json_array_foreach (json_object_get(container, "volumesFrom"), i, item)
        add_edge(list, model_string(item, "sourceContainer"), memory_printf("volumesFrom/%zu", i));
    return list;
}

/* Takes the pointer over. */
static void check_other(const struct check *check, const json_t *container, const char *name, char *pointer)
{
    size_t i;
    json_t *item;
    bool known = false;
    json_array_foreach ((json_t *)check->containers, i, item)
        known = known || text_equal(model_string(item, "name"), name);
    if (text_equal(name, model_string(container, "name")))
        report(check, "reference", pointer, memory_printf("container \"%s\" names itself", name));
    else if (!known)
        report(check, "reference", pointer,
               memory_printf("no container \"%s\" in this task definition", name ? name : ""));
    else
        free(pointer);
}

static void check_links(const struct check *check, size_t index, const json_t *container)
{
    const json_t *links = json_object_get(container, "links");
    size_t i;
    json_t *item;
    if (json_array_size(links) && !text_equal(check->network_mode, "bridge")) {
        report(check, "network", memory_printf("/containerDefinitions/%zu/links", index),
               memory_printf("links need network mode bridge, not %s", check->network_mode));
        return;
    }
    json_array_foreach ((json_t *)links, i, item) {
        const char *link = json_string_value(item);
        const char *colon = strchr(link, ':');
        char *name CLEANUP_FREE = memory_strndup(link, strcspn(link, ":"));
        char *pointer = memory_printf("/containerDefinitions/%zu/links/%zu", index, i);
        if (!name[0] || (colon && (!colon[1] || strchr(colon + 1, ':'))))
            report(check, "value", pointer,
                   memory_printf("\"%s\" is no link: a container's name, or name:alias", link));
        else
            check_other(check, container, name, pointer);
    }
}

static void check_volumes_from(const struct check *check, size_t index, const json_t *container)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(container, "volumesFrom"), i, item)
        check_other(check, container, model_string(item, "sourceContainer"),
                    memory_printf("/containerDefinitions/%zu/volumesFrom/%zu", index, i));
}

/* --- ports ---------------------------------------------------------------------------------------------- */

struct range {
    int64_t first;
    int64_t last;
    bool udp;
};

/* What is wrong with the mapping, or NULL and its ports. Caller frees. */
static char *read_mapping(const struct check *check, const json_t *mapping, struct range *ret_range)
{
    const char *range = model_string(mapping, "containerPortRange");
    int64_t port = model_int(mapping, "containerPort");
    struct range ports = {port, port, text_equal(model_string(mapping, "protocol"), "udp")};
    if (!range && !port)
        return memory_strdup("a port mapping needs containerPort or containerPortRange");
    if (range) {
        size_t len = strcspn(range, "-");
        char *head CLEANUP_FREE = memory_strndup(range, len);
        if (!range[len] || text_to_int64(head, 1, PORT_MAX, &ports.first) < 0 ||
            text_to_int64(range + len + 1, 1, PORT_MAX, &ports.last) < 0 || ports.first >= ports.last)
            return memory_printf("\"%s\" is no range of ports such as 8000-8010", range);
        if (port || model_int(mapping, "hostPort"))
            return memory_strdup("containerPortRange goes with neither containerPort nor hostPort");
        if (text_equal(check->network_mode, "host"))
            return memory_strdup("containerPortRange needs network mode bridge or awsvpc, not host");
    }
    *ret_range = ports;
    return NULL;
}

/* ECS: a port is in one mapping only. Two mappings of a single port are let be: they are bound to two ports
 * of the instance, or are one and the same. */
static bool overlaps(const struct range *ranges, size_t len, const struct range *range)
{
    for (size_t i = 0; i < len; i++)
        if (ranges[i].udp == range->udp && ranges[i].first <= range->last && range->first <= ranges[i].last &&
            (ranges[i].first < ranges[i].last || range->first < range->last))
            return true;
    return false;
}

static void check_ports(const struct check *check, size_t index, const json_t *container)
{
    struct range ranges[LIMIT_PORT_MAPPINGS];
    size_t len = 0;
    int64_t sum = 0;
    size_t i;
    json_t *mapping;
    json_array_foreach (json_object_get(container, "portMappings"), i, mapping) {
        struct range range = {0};
        char *fault = read_mapping(check, mapping, &range);
        if (!fault && overlaps(ranges, len, &range))
            fault = memory_strdup("a port of the range is mapped twice");
        if (fault) {
            report(check, "port", memory_printf("/containerDefinitions/%zu/portMappings/%zu", index, i),
                   fault);
            continue;
        }
        sum += range.last - range.first + 1;
        if (len < LIMIT_PORT_MAPPINGS)
            ranges[len++] = range;
    }
    if (sum > LIMIT_PUBLISHED_PORTS)
        report(check, "limit", memory_printf("/containerDefinitions/%zu/portMappings", index),
               memory_printf("%lld ports are more than %d (LIMIT_PUBLISHED_PORTS)", (long long)sum,
                             LIMIT_PUBLISHED_PORTS));
}

/* --- kernel parameters ---------------------------------------------------------------------------------- */

static bool is_ipc_parameter(const char *name)
{
    static const char *const names[] = {
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni",          "kernel.sem",
        "kernel.shmall", "kernel.shmmax", "kernel.shm_rmid_forced", "kernel.shmmni"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (text_equal(name, names[i]))
            return true;
    return text_starts_with(name, "fs.mqueue.");
}

static char *parameter_fault(const struct check *check, const json_t *control)
{
    const char *name = model_string(control, "namespace");
    if (!name || !model_string(control, "value"))
        return memory_strdup("a kernel parameter needs namespace and value");
    bool is_net = text_starts_with(name, "net.");
    if (!is_net && !is_ipc_parameter(name))
        return memory_printf("\"%s\" is no kernel parameter that a container has of its own: IPC, "
                             "fs.mqueue.* and net.* are",
                             name);
    if (is_net && text_equal(check->network_mode, "host"))
        return memory_printf("\"%s\" would be the instance's own in network mode host", name);
    if (!is_net && text_equal(model_string(check->definition, "ipcMode"), "host"))
        return memory_printf("\"%s\" would be the instance's own with ipcMode host", name);
    return NULL;
}

static void check_system_controls(const struct check *check, size_t index, const json_t *container)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(container, "systemControls"), i, item) {
        char *fault = parameter_fault(check, item);
        if (fault)
            report(check, "value", memory_printf("/containerDefinitions/%zu/systemControls/%zu", index, i),
                   fault);
    }
}

/* --- memory, swap, GPUs --------------------------------------------------------------------------------- */

static void check_swap(const struct check *check, size_t index, const json_t *container)
{
    const json_t *parameters = json_object_get(container, "linuxParameters");
    const json_t *max_swap = json_object_get(parameters, "maxSwap");
    if (json_is_integer(max_swap) && !model_int(container, "memory") &&
        !kind_task_memory_mib(check->definition))
        warn(check, memory_printf("/containerDefinitions/%zu/linuxParameters/maxSwap", index),
             memory_strdup("maxSwap has no effect: there is no limit of memory that it would add to"));
    if (json_is_integer(json_object_get(parameters, "swappiness")) && !json_is_integer(max_swap))
        warn(check, memory_printf("/containerDefinitions/%zu/linuxParameters/swappiness", index),
             memory_strdup("swappiness has no effect without maxSwap"));
}

/* Without memoryReservation the sum over all containers tells. */
static void check_memory(const struct check *check, size_t index, const json_t *container)
{
    int64_t task = kind_task_memory_mib(check->definition);
    int64_t own = model_int(container, "memory");
    if (task && own > task && model_int(container, "memoryReservation"))
        report(check, "range", memory_printf("/containerDefinitions/%zu/memory", index),
               memory_printf("memory %lld is more than the task's %lld", (long long)own, (long long)task));
}

static void check_resources(const struct check *check, size_t index, const json_t *container)
{
    size_t i;
    json_t *item;
    size_t gpus = 0;
    json_array_foreach (json_object_get(container, "resourceRequirements"), i, item) {
        const char *type = model_string(item, "type");
        const char *value = model_string(item, "value");
        int64_t count;
        char *pointer = memory_printf("/containerDefinitions/%zu/resourceRequirements/%zu", index, i);
        if (!text_equal(type, "GPU"))
            warn(check, pointer,
                 memory_printf("%s has no effect: an engine gives out no such device", type ? type : ""));
        else if (gpus++ > 0)
            report(check, "duplicate", pointer, memory_strdup("the GPUs of a container stand in one entry"));
        else if (!text_equal(value, "ALL") && (!value || text_to_int64(value, 1, GPUS_ALL, &count) < 0))
            report(check, "value", pointer,
                   memory_printf("\"%s\" is no number of GPUs, nor ALL", value ? value : ""));
        else
            free(pointer);
    }
}

/* --- labels --------------------------------------------------------------------------------------------- */

static void check_labels(const struct check *check, size_t index, const json_t *container)
{
    const char *key;
    json_t *value;
    json_object_foreach (json_object_get(container, "dockerLabels"), key, value)
        if (text_starts_with(key, "davit."))
            warn(check, memory_printf("/containerDefinitions/%zu/dockerLabels", index),
                 memory_printf("label \"%s\": davit sets those that begin with davit. itself; name it "
                               "otherwise",
                               key));
}

/* --- volumes -------------------------------------------------------------------------------------------- */

static void check_root(const struct check *check, size_t index, const json_t *efs)
{
    const char *root = model_string(efs, "rootDirectory");
    if (root && root[0] && root[0] != '/')
        report(check, "value", memory_printf("/volumes/%zu/efsVolumeConfiguration/rootDirectory", index),
               memory_strdup("rootDirectory is an absolute path"));
}

static void check_volumes(const struct check *check)
{
    static const char *const kinds[] = {"host", "dockerVolumeConfiguration", "efsVolumeConfiguration",
                                        "fsxWindowsFileServerVolumeConfiguration",
                                        "s3filesVolumeConfiguration"};
    size_t i;
    json_t *volume;
    json_array_foreach (json_object_get(check->definition, "volumes"), i, volume) {
        size_t given = 0;
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
            given += json_object_size(json_object_get(volume, kinds[k])) > 0;
        if (given > 1)
            report(check, "value", memory_printf("/volumes/%zu", i),
                   memory_printf("volume \"%s\" has %zu configurations, of which one may be given",
                                 model_string(volume, "name"), given));
        check_root(check, i, json_object_get(volume, "efsVolumeConfiguration"));
    }
}

void kind_task_definition_check_engine(const json_t *value, struct diagnostics *diagnostics)
{
    assert(value);
    const char *mode = model_string(value, "networkMode");
    const struct check check = {.definition = value,
                                .containers = json_object_get(value, "containerDefinitions"),
                                .network_mode = mode ? mode : "bridge",
                                .diagnostics = diagnostics};
    size_t i;
    json_t *container;
    check_volumes(&check);
    json_array_foreach ((json_t *)check.containers, i, container) {
        check_links(&check, i, container);
        check_volumes_from(&check, i, container);
        check_ports(&check, i, container);
        check_system_controls(&check, i, container);
        check_memory(&check, i, container);
        check_swap(&check, i, container);
        check_resources(&check, i, container);
        check_labels(&check, i, container);
    }
}
