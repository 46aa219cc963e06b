#include "manifest/kind_read.h"

#include "base/memory.h"
#include "base/text.h"
#include "manifest/file_reference.h"
#include "manifest/kind_members.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>

#define DEFAULT_STOP_TIMEOUT_S   30
#define DEFAULT_RESTART_PERIOD_S 300
#define PAUSE_STOP_TIMEOUT_S     5 /* it ends at once */

/* A whole number, or a fraction with a unit that is worth `unit`; the schema has checked the spelling. */
static int64_t amount(const json_t *value, int64_t unit)
{
    int64_t number;
    if (json_is_integer(value))
        return json_integer_value(value);
    const char *text = json_string_value(value);
    if (!text)
        return 0;
    if (text_to_int64(text, 0, INT32_MAX, &number) == 0)
        return number;
    return (int64_t)(strtod(text, NULL) * (double)unit + 0.5);
}

int64_t kind_task_cpu_units(const json_t *value)
{
    return amount(json_object_get(value, "cpu"), 1024);
}

int64_t kind_task_memory_mib(const json_t *value)
{
    return amount(json_object_get(value, "memory"), 1024);
}

static const char *network_mode(const json_t *value)
{
    const char *mode = model_string(value, "networkMode");
    return mode ? mode : "bridge";
}

/* In mode awsvpc a task has an address of its own: no port is the instance's. */
static void read_ports(const json_t *json, const char *mode, struct container_spec *spec)
{
    bool host = text_equal(mode, "host");
    size_t i;
    json_t *item;
    vector_reserve(&spec->ports, json_array_size(json_object_get(json, "portMappings")));
    json_array_foreach (json_object_get(json, "portMappings"), i, item) {
        int port = (int)model_int(item, "containerPort");
        if (!port || text_equal(mode, "none") || text_equal(mode, "awsvpc"))
            continue;
        vector_push(&spec->ports,
                    (struct port_mapping){.container_port = port,
                                          .host_port = host ? port : (int)model_int(item, "hostPort"),
                                          .udp = text_equal(model_string(item, "protocol"), "udp")});
    }
}

static void read_dependencies(const json_t *json, struct container_spec *spec)
{
    size_t i;
    json_t *item;
    json_t *list = kind_container_dependencies(json);
    json_array_foreach (list, i, item) {
        struct container_dependency dependency = {memory_strdup(model_string(item, "containerName")),
                                                  DEPENDENCY_START};
        int r = dependency_condition_parse(model_string(item, "condition"), &dependency.condition);
        assert(r == 0); /* the schema's enum */
        (void)r;
        vector_push(&spec->depends_on, dependency);
    }
    json_decref(list);
}

static void read_restart_policy(const json_t *json, struct restart_policy *policy)
{
    const json_t *period = json_object_get(json, "restartAttemptPeriod");
    size_t i;
    json_t *code;
    if (!model_bool(json, "enabled"))
        return;
    policy->enabled = true;
    policy->period_s = period ? (int)json_integer_value(period) : DEFAULT_RESTART_PERIOD_S;
    json_array_foreach (json_object_get(json, "ignoredExitCodes"), i, code)
        vector_push(&policy->ignored_exit_codes, (int)json_integer_value(code));
}

/* kind_task_definition_engine.c has checked it. */
static int count_gpus(const json_t *resources)
{
    size_t i;
    json_t *item;
    json_array_foreach (resources, i, item) {
        int64_t count = GPUS_ALL;
        const char *value = model_string(item, "value");
        if (text_equal(model_string(item, "type"), "GPU") &&
            (text_equal(value, "ALL") || text_to_int64(value, 1, GPUS_ALL, &count) == 0))
            return (int)count;
    }
    return 0;
}

static void read_container(const json_t *json, const char *mode, struct container_spec *spec)
{
    const json_t *stop = json_object_get(json, "stopTimeout");
    int64_t reservation = model_int(json, "memoryReservation");
    *spec = (struct container_spec){
        .name = memory_strdup(model_string(json, "name")),
        .essential = !json_is_false(json_object_get(json, "essential")),
        .cpu_units = (int)model_int(json, "cpu"),
        .memory_mib = (int)(reservation ? reservation : model_int(json, "memory")),
        .gpus = count_gpus(json_object_get(json, "resourceRequirements")),
        .stop_timeout_s = stop ? (int)json_integer_value(stop) : DEFAULT_STOP_TIMEOUT_S,
        .start_timeout_s = (int)model_int(json, "startTimeout"),
        .has_health_check = json_is_object(json_object_get(json, "healthCheck")),
    };
    read_dependencies(json, spec);
    read_restart_policy(json_object_get(json, "restartPolicy"), &spec->restart);
    read_ports(json, mode, spec);
}

/* Whether its containers share namespaces, which the pause container owns then. */
static bool needs_pause(const json_t *value)
{
    return text_equal(network_mode(value), "awsvpc") || text_equal(model_string(value, "pidMode"), "task") ||
           text_equal(model_string(value, "ipcMode"), "task");
}

/* It runs before the others are created and stops after them: they depend on it. */
static void add_pause(struct task_definition *definition)
{
    for (size_t i = 0; i < definition->containers.len; i++)
        vector_push(&definition->containers.items[i].depends_on,
                    (struct container_dependency){memory_strdup(PAUSE_CONTAINER), DEPENDENCY_START});
    definition->containers.items[definition->containers.len++] = (struct container_spec){
        .name = memory_strdup(PAUSE_CONTAINER), .essential = true, .stop_timeout_s = PAUSE_STOP_TIMEOUT_S};
}

/* As ECS prints them: strings of CPU units and MiB. */
static void normalise_amounts(json_t *value)
{
    const struct {
        const char *name;
        int64_t amount;
    } members[] = {{"cpu", kind_task_cpu_units(value)}, {"memory", kind_task_memory_mib(value)}};
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (members[i].amount)
            json_object_set_new(value, members[i].name, json_sprintf("%lld", (long long)members[i].amount));
}

/* Comments, formatting, order of members and defaults that are spelled out do not count. Changing what this
 * yields for a file replaces every task that runs it. */
static struct digest digest_of(const json_t *value)
{
    json_t *normal = kind_members_normal(kind_members(KIND_TASK_DEFINITION), value);
    size_t i;
    size_t j;
    json_t *container;
    json_t *port;
    const char *mode = network_mode(value);
    if (text_equal(mode, "host") || text_equal(mode, "awsvpc")) /* hostPort can only repeat containerPort */
        json_array_foreach (json_object_get(normal, "containerDefinitions"), i, container)
            json_array_foreach (json_object_get(container, "portMappings"), j, port)
                json_object_del(port, "hostPort");
    json_object_del(normal, "requiresAttributes"); /* where it may run, not what it is */
    struct digest digest = digest_of_json(normal);
    json_decref(normal);
    return digest;
}

struct task_definition *kind_task_definition_new(json_t *value)
{
    assert(value);
    struct task_definition *definition = NEW(struct task_definition);
    definition->refs = 1;
    definition->family = memory_strdup(model_string(value, "family"));
    definition->network_mode = memory_strdup(network_mode(value));
    definition->cpu_architecture =
        memory_strdup(model_string(json_object_get(value, "runtimePlatform"), "cpuArchitecture"));
    placement_constraints_from_json(value, &definition->constraints);
    kind_members_strip(kind_members(KIND_TASK_DEFINITION), value);
    normalise_amounts(value);
    definition->json = json_incref(value);
    const json_t *list = json_object_get(value, "containerDefinitions");
    /* Exact: ten thousand of them are kept. */
    definition->containers.cap = json_array_size(list) + needs_pause(value);
    definition->containers.items = memory_calloc(definition->containers.cap, sizeof(struct container_spec));
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item)
        read_container(item, definition->network_mode,
                       &definition->containers.items[definition->containers.len++]);
    if (needs_pause(value))
        add_pause(definition);
    return definition;
}

void kind_task_definition_settle(struct task_definition *definition)
{
    assert(definition);
    if (digest_is_zero(&definition->digest))
        definition->digest = digest_of(definition->json);
}

void kind_task_definition_read(json_t *value, struct kind_object *object, struct diagnostics *diagnostics)
{
    assert(value);
    size_t errors = diagnostics->errors;
    object->key = memory_strdup(model_string(value, "family"));
    kind_task_definition_check(value, diagnostics);
    if (object->files)
        object->files->definition = diagnostics->errors == errors ? json_incref(value) : NULL;
    else if (diagnostics->errors == errors)
        object->task_definition = kind_task_definition_new(value);
}
