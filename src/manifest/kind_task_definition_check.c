/* Rules within one task definition that a schema cannot say: names that must lead somewhere, sums, ports,
 * the order of containers. */
#include "manifest/kind_read.h"

#include "base/buffer.h"
#include "base/json_text.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/image_policy.h"
#include "model/json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
    const json_t *definition;
    const json_t *containers;
    const char *mode; /* of the network */
    bool one_network; /* that all containers share: the instance's, or the task's */
    struct diagnostics *diagnostics;
};

__attribute__((format(printf, 2, 3))) static struct kind_fault fault_at(const char *code, const char *format,
                                                                        ...)
{
    char *pointer = NULL;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&pointer, format, ap) < 0)
        abort();
    va_end(ap);
    return (struct kind_fault){.severity = SEVERITY_ERROR, .code = code, .pointer = pointer};
}

static json_t *container_named(const struct check *check, const char *name, size_t *ret_index)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)check->containers, i, item) {
        if (text_equal(model_string(item, "name"), name)) {
            *ret_index = i;
            return item;
        }
    }
    return NULL;
}

static bool is_essential(const json_t *container)
{
    return !json_is_false(json_object_get(container, "essential"));
}

/* The member `name` of each object of the list. Caller frees the array, the strings are borrowed. */
static size_t names_of(const json_t *list, const char *member, const char ***ret_names)
{
    const char **names = memory_calloc(json_array_size(list) + 1, sizeof *names);
    size_t len = 0;
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item)
        if (model_string(item, member))
            names[len++] = model_string(item, member);
    *ret_names = names;
    return len;
}

static char *nearest_hint(const json_t *list, const char *member, const char *name)
{
    const char **names CLEANUP_FREE = NULL;
    size_t len = names_of(list, member, &names);
    const char *near = text_nearest(name, names, len);
    return near ? memory_printf("did you mean \"%s\"?", near) : NULL;
}

struct unique_rule {
    const char *member;
    const char *what;
    enum severity severity;
    const char *hint;
};

/* `member` is unique in the list at `pointer`. */
static void check_unique(const struct check *check, const json_t *list, const char *pointer,
                         const struct unique_rule *rule)
{
    struct map seen CLEANUP(map_deinit) = {0};
    size_t i;
    json_t *item;
    if (json_array_size(list) < 2)
        return;
    json_array_foreach ((json_t *)list, i, item) {
        const char *name = model_string(item, rule->member);
        if (!name)
            continue;
        size_t first = (size_t)map_get(&seen, name);
        if (!first) {
            map_put(&seen, name, (void *)(i + 1));
            continue;
        }
        struct kind_fault fault = fault_at("duplicate", "%s/%zu/%s", pointer, i, rule->member);
        fault.severity = rule->severity;
        fault.message =
            memory_printf("%s \"%s\" stands at %s/%zu already", rule->what, name, pointer, first - 1);
        fault.hint = memory_strdup(rule->hint);
        kind_report(check->diagnostics, fault);
    }
}

static void check_names(const struct check *check)
{
    check_unique(check, check->containers, "/containerDefinitions",
                 &(struct unique_rule){"name", "container", SEVERITY_ERROR, NULL});
    check_unique(check, json_object_get(check->definition, "volumes"), "/volumes",
                 &(struct unique_rule){"name", "volume", SEVERITY_ERROR, NULL});
    static const struct {
        const char *list;
        struct unique_rule rule;
    } of_containers[] = {
        {"environment", {"name", "variable", SEVERITY_WARNING, "the last value counts"}},
        {"mountPoints", {"containerPath", "mount point", SEVERITY_ERROR, NULL}},
        {"ulimits", {"name", "ulimit", SEVERITY_ERROR, NULL}},
    };
    size_t i;
    json_t *container;
    json_array_foreach ((json_t *)check->containers, i, container)
        for (size_t j = 0; j < ARRAY_LEN(of_containers); j++) {
            const json_t *list = json_object_get(container, of_containers[j].list);
            if (json_array_size(list) < 2) /* before a place is written */
                continue;
            char *pointer CLEANUP_FREE =
                memory_printf("/containerDefinitions/%zu/%s", i, of_containers[j].list);
            check_unique(check, list, pointer, &of_containers[j].rule);
        }
}

static void check_essential(const struct check *check)
{
    size_t i;
    json_t *container;
    json_array_foreach ((json_t *)check->containers, i, container)
        if (is_essential(container))
            return;
    struct kind_fault fault = fault_at("essential", "/containerDefinitions");
    fault.message = memory_strdup("no container is essential");
    fault.expected = memory_strdup("at least one container with essential true, which is the default");
    kind_report(check->diagnostics, fault);
}

static void check_mounts(const struct check *check, size_t index, const json_t *container)
{
    const json_t *volumes = json_object_get(check->definition, "volumes");
    size_t i;
    json_t *mount;
    json_array_foreach (json_object_get(container, "mountPoints"), i, mount) {
        const char *name = model_string(mount, "sourceVolume");
        bool found = false;
        size_t j;
        json_t *volume;
        json_array_foreach (volumes, j, volume)
            found = found || text_equal(model_string(volume, "name"), name);
        if (found)
            continue;
        struct kind_fault fault =
            fault_at("reference", "/containerDefinitions/%zu/mountPoints/%zu/sourceVolume", index, i);
        fault.message = memory_printf("no volume \"%s\" in this task definition", name);
        fault.hint = nearest_hint(volumes, "name", name);
        kind_report(check->diagnostics, fault);
    }
}

/* --- dependsOn ------------------------------------------------------------------------------------------ */

/* Fills why the condition can never be met, or returns false. */
static bool dependency_fault(const struct check *check, const char *own, const json_t *dependency,
                             struct kind_fault *fault)
{
    const char *name = model_string(dependency, "containerName");
    const char *condition = model_string(dependency, "condition");
    size_t at;
    const json_t *target = container_named(check, name, &at);
    if (text_equal(name, own))
        fault->message = memory_printf("container \"%s\" depends on itself", own);
    else if (!target) {
        fault->message = memory_printf("no container \"%s\" in this task definition", name);
        fault->hint = nearest_hint(check->containers, "name", name);
    } else if ((text_equal(condition, "COMPLETE") || text_equal(condition, "SUCCESS")) &&
               is_essential(target)) {
        fault->message = memory_printf(
            "%s waits for the end of \"%s\", which is essential: its end stops the task", condition, name);
        fault->hint = memory_printf("set essential to false on \"%s\"", name);
    } else if (text_equal(condition, "HEALTHY") && !json_is_object(json_object_get(target, "healthCheck"))) {
        fault->message = memory_printf("HEALTHY waits for \"%s\", which has no healthCheck", name);
        fault->hint =
            memory_printf("add a healthCheck to \"%s\" (HEALTHCHECK of an image does not count), or "
                          "wait for START",
                          name);
    }
    return fault->message != NULL;
}

static void check_depends_on(const struct check *check, size_t index, const json_t *container)
{
    size_t i;
    json_t *dependency;
    json_array_foreach (json_object_get(container, "dependsOn"), i, dependency) {
        struct kind_fault fault = {.severity = SEVERITY_ERROR, .code = "dependency"};
        if (!dependency_fault(check, model_string(container, "name"), dependency, &fault))
            continue;
        fault.pointer = memory_printf("/containerDefinitions/%zu/dependsOn/%zu", index, i);
        kind_report(check->diagnostics, fault);
    }
}

enum { UNSEEN, ON_PATH, DONE };

/* A walk over what containers wait for; a container that is met on its own path closes a cycle. */
struct walk {
    const struct check *check;
    unsigned char marks[LIMIT_CONTAINERS_PER_TASK];
    size_t path[LIMIT_CONTAINERS_PER_TASK];
    size_t depth;
};

static void report_cycle(const struct walk *walk, size_t target, const char *edge)
{
    struct buffer text CLEANUP(buffer_deinit) =
        BUFFER_INIT(LIMIT_CONTAINERS_PER_TASK * (LIMIT_NAME_CHARS + 8) * 2);
    size_t from = 0;
    while (walk->path[from] != target)
        from++;
    for (size_t i = from; i < walk->depth; i++)
        buffer_printf(&text, "%s -> ",
                      model_string(json_array_get(walk->check->containers, walk->path[i]), "name"));
    buffer_append_str(&text, model_string(json_array_get(walk->check->containers, target), "name"));
    struct kind_fault fault =
        fault_at("dependency", "/containerDefinitions/%zu/%s", walk->path[walk->depth - 1], edge);
    fault.message = memory_printf("containers depend on each other in a cycle: %s", buffer_str(&text));
    kind_report(walk->check->diagnostics, fault);
}

static void visit(struct walk *walk, size_t index)
{
    assert(walk->depth < LIMIT_CONTAINERS_PER_TASK);
    const json_t *container = json_array_get(walk->check->containers, index);
    walk->marks[index] = ON_PATH;
    walk->path[walk->depth++] = index;
    size_t i;
    json_t *dependency;
    json_t *edges = kind_container_dependencies(container);
    json_array_foreach (edges, i, dependency) {
        size_t target;
        if (!container_named(walk->check, model_string(dependency, "containerName"), &target) ||
            target == index)
            continue;
        if (walk->marks[target] == ON_PATH)
            report_cycle(walk, target, model_string(dependency, "at"));
        else if (walk->marks[target] == UNSEEN)
            visit(walk, target);
    }
    json_decref(edges);
    walk->depth--;
    walk->marks[index] = DONE;
}

static void check_cycles(const struct check *check)
{
    struct walk walk = {.check = check};
    for (size_t i = 0; i < json_array_size(check->containers); i++)
        if (walk.marks[i] == UNSEEN)
            visit(&walk, i);
}

/* --- ports ---------------------------------------------------------------------------------------------- */

static void check_port(const struct check *check, const json_t *mapping, const char *pointer,
                       struct map *taken)
{
    int64_t port = model_int(mapping, "containerPort");
    int64_t host_port = model_int(mapping, "hostPort");
    const char *protocol = model_string(mapping, "protocol");
    if (check->one_network && host_port && host_port != port) {
        struct kind_fault fault = fault_at("port", "%s/hostPort", pointer);
        fault.message = memory_printf("hostPort %d differs from containerPort %d in network mode %s",
                                      (int)host_port, (int)port, check->mode);
        fault.expected = memory_strdup("the same port, or none");
        kind_report(check->diagnostics, fault);
    }
    if (check->one_network)
        host_port = port;
    if (!host_port)
        return;
    char *key CLEANUP_FREE = memory_printf("%d/%s", (int)host_port, protocol ? protocol : "tcp");
    const char *first = map_get(taken, key);
    if (!first) {
        map_put(taken, key, memory_strdup(pointer));
        return;
    }
    struct kind_fault fault = fault_at("port", "%s/%s", pointer,
                                       json_object_get(mapping, "hostPort") ? "hostPort" : "containerPort");
    fault.message = memory_printf("port %s of the %s is taken by %s already", key,
                                  text_equal(check->mode, "awsvpc") ? "task" : "instance", first);
    kind_report(check->diagnostics, fault);
}

static void check_ports(const struct check *check)
{
    struct map taken CLEANUP(map_deinit) = MAP_INIT(free);
    bool none = text_equal(check->mode, "none");
    size_t i;
    size_t j;
    json_t *container;
    json_t *mapping;
    json_array_foreach ((json_t *)check->containers, i, container) {
        const json_t *mappings = json_object_get(container, "portMappings");
        if (none && json_array_size(mappings)) {
            struct kind_fault fault = fault_at("port", "/containerDefinitions/%zu/portMappings", i);
            fault.message = memory_strdup("network mode none has no ports");
            kind_report(check->diagnostics, fault);
            continue;
        }
        json_array_foreach ((json_t *)mappings, j, mapping) {
            if (!check->one_network && !json_object_get(mapping, "hostPort"))
                continue; /* the engine chooses one that is free */
            char *pointer CLEANUP_FREE = memory_printf("/containerDefinitions/%zu/portMappings/%zu", i, j);
            check_port(check, mapping, pointer, &taken);
        }
    }
}

/* --- network -------------------------------------------------------------------------------------------- */

/* What a container cannot have of its own where the task has one network (ECS). */
static const char *const not_with_awsvpc[] = {"hostname", "dnsServers", "dnsSearchDomains", "extraHosts",
                                              "disableNetworking"};

static bool says_something(const json_t *value)
{
    return json_is_true(value) || json_array_size(value) > 0 || json_string_length(value) > 0;
}

static void check_network(const struct check *check, size_t index, const json_t *container)
{
    for (size_t i = 0; text_equal(check->mode, "awsvpc") && i < ARRAY_LEN(not_with_awsvpc); i++) {
        if (!says_something(json_object_get(container, not_with_awsvpc[i])))
            continue;
        struct kind_fault fault =
            fault_at("network", "/containerDefinitions/%zu/%s", index, not_with_awsvpc[i]);
        fault.message =
            memory_printf("%s cannot be in network mode awsvpc, where all containers of a task share "
                          "one network",
                          not_with_awsvpc[i]);
        kind_report(check->diagnostics, fault);
    }
}

/* --- cpu and memory ------------------------------------------------------------------------------------- */

static void check_memory(const struct check *check, size_t index, const json_t *container)
{
    int64_t memory = model_int(container, "memory");
    int64_t reservation = model_int(container, "memoryReservation");
    if (!memory || memory >= reservation)
        return;
    struct kind_fault fault = fault_at("range", "/containerDefinitions/%zu/memoryReservation", index);
    fault.message =
        memory_printf("memoryReservation %d is more than memory %d", (int)reservation, (int)memory);
    fault.expected = memory_printf("at most %d MiB", (int)memory);
    kind_report(check->diagnostics, fault);
}

/* What the containers ask for fits the task. */
static void check_sum(const struct check *check, const char *member, int64_t task, int64_t sum)
{
    if (!task || sum <= task)
        return;
    struct kind_fault fault = fault_at("range", "/%s", member);
    fault.message = memory_printf("the containers ask for %s %lld in all, the task has %lld", member,
                                  (long long)sum, (long long)task);
    fault.expected = memory_printf("at least %lld", (long long)sum);
    kind_report(check->diagnostics, fault);
}

static void check_sums(const struct check *check)
{
    int64_t cpu = 0;
    int64_t memory = 0;
    size_t i;
    json_t *container;
    json_array_foreach ((json_t *)check->containers, i, container) {
        int64_t reservation = model_int(container, "memoryReservation");
        cpu += model_int(container, "cpu");
        memory += reservation ? reservation : model_int(container, "memory");
    }
    check_sum(check, "cpu", kind_task_cpu_units(check->definition), cpu);
    check_sum(check, "memory", kind_task_memory_mib(check->definition), memory);
}

/* --- the rest of a container ---------------------------------------------------------------------------- */

static void check_health_command(const struct check *check, size_t index, const json_t *container)
{
    const json_t *command = json_object_get(json_object_get(container, "healthCheck"), "command");
    const char *first = json_string_value(json_array_get(command, 0));
    if (!first || text_equal(first, "CMD") || text_equal(first, "CMD-SHELL") || text_equal(first, "NONE"))
        return;
    struct kind_fault fault = fault_at("value", "/containerDefinitions/%zu/healthCheck/command/0", index);
    fault.message = memory_strdup("the command of a health check starts with CMD or CMD-SHELL");
    fault.found = memory_printf("\"%s\"", first);
    fault.expected = memory_strdup("\"CMD\" or \"CMD-SHELL\"");
    kind_report(check->diagnostics, fault);
}

static void check_image_policy(const struct check *check, size_t index, const json_t *container)
{
    const json_t *json = json_object_get(json_object_get(container, "davit"), "imagePolicy");
    struct image_policy *policy CLEANUP(image_policy_freep) = NULL;
    struct error err = ERROR_INIT;
    const char *member;
    if (!json || image_policy_compile(json, &policy, &member, &err) == 0)
        return;
    struct kind_fault fault =
        fault_at("value", "/containerDefinitions/%zu/davit/imagePolicy/%s", index, member);
    fault.message = memory_printf("no image policy: %s", error_text(&err));
    kind_report(check->diagnostics, fault);
}

static void check_size(const struct check *check)
{
    if (json_text_bound(check->definition) <= LIMIT_TASK_DEFINITION_BYTES) /* nearly always */
        return;
    size_t bytes = json_text_write(check->definition, false, &(struct json_text_sink){0});
    if (bytes <= LIMIT_TASK_DEFINITION_BYTES)
        return;
    struct kind_fault fault = fault_at("limit", "%s", "");
    fault.message = memory_printf("the task definition has %zu bytes of JSON", bytes);
    fault.expected = memory_printf("at most %d (LIMIT_TASK_DEFINITION_BYTES)", LIMIT_TASK_DEFINITION_BYTES);
    kind_report(check->diagnostics, fault);
}

void kind_task_definition_check(const json_t *value, struct diagnostics *diagnostics)
{
    assert(value);
    const char *mode = model_string(value, "networkMode");
    struct check check = {.definition = value,
                          .containers = json_object_get(value, "containerDefinitions"),
                          .mode = mode ? mode : "bridge",
                          .one_network = text_equal(mode, "host") || text_equal(mode, "awsvpc"),
                          .diagnostics = diagnostics};
    check_size(&check);
    kind_placement_check(value, diagnostics);
    kind_task_definition_check_ecs(value, diagnostics);
    check_names(&check);
    check_essential(&check);
    check_cycles(&check);
    check_ports(&check);
    check_sums(&check);
    kind_task_definition_check_engine(value, diagnostics);
    size_t i;
    json_t *container;
    json_array_foreach ((json_t *)check.containers, i, container) {
        check_depends_on(&check, i, container);
        check_mounts(&check, i, container);
        check_network(&check, i, container);
        check_memory(&check, i, container);
        check_health_command(&check, i, container);
        check_image_policy(&check, i, container);
    }
}
