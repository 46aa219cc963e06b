/* Rules of ECS within one task definition that no engine would notice: what breaks them is refused by
 * RegisterTaskDefinition. */
#include "manifest/kind_read.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>

/* Takes pointer, message and expected over. */
static void report(struct diagnostics *diagnostics, const char *code, char *pointer, char *message,
                   char *expected)
{
    kind_report(diagnostics, (struct kind_fault){.severity = SEVERITY_ERROR,
                                                 .code = code,
                                                 .pointer = pointer,
                                                 .message = message,
                                                 .expected = expected});
}

static const json_t *named(const json_t *list, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item)
        if (text_equal(model_string(item, "name"), name))
            return item;
    return NULL;
}

/* -1 is no limit. */
static void check_ulimits(const json_t *container, size_t index, struct diagnostics *diagnostics)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(container, "ulimits"), i, item) {
        int64_t soft = model_int(item, "softLimit");
        int64_t hard = model_int(item, "hardLimit");
        if (hard != -1 && (soft == -1 || soft > hard))
            report(diagnostics, "range",
                   memory_printf("/containerDefinitions/%zu/ulimits/%zu/softLimit", index, i),
                   memory_printf("softLimit %lld of %s is more than hardLimit %lld", (long long)soft,
                                 model_string(item, "name"), (long long)hard),
                   memory_printf("at most %lld", (long long)hard));
    }
}

/* A variable has one source. */
static void check_secrets(const json_t *container, size_t index, struct diagnostics *diagnostics)
{
    const json_t *secrets = json_object_get(container, "secrets");
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)secrets, i, item) {
        const char *name = model_string(item, "name");
        bool variable = named(json_object_get(container, "environment"), name);
        if (variable || named(secrets, name) != item)
            report(diagnostics, "duplicate",
                   memory_printf("/containerDefinitions/%zu/secrets/%zu/name", index, i),
                   memory_printf("\"%s\" is %s already", name, variable ? "in environment" : "a secret"),
                   NULL);
    }
}

/* RegisterTaskDefinition refuses it. An engine does without, and so do manifests that were Compose files. */
static void check_memory(const json_t *value, const json_t *container, size_t index,
                         struct diagnostics *diagnostics)
{
    if (kind_task_memory_mib(value) || model_int(container, "memory") ||
        model_int(container, "memoryReservation"))
        return;
    kind_report(
        diagnostics,
        (struct kind_fault){
            .severity = SEVERITY_WARNING,
            .code = "memory",
            .pointer = memory_printf("/containerDefinitions/%zu", index),
            .message = memory_printf("container \"%s\" may take all memory of its instance, and placement "
                                     "counts none for it: ECS would refuse the task definition",
                                     model_string(container, "name")),
            .hint = memory_strdup("set memory or memoryReservation, or memory of the task")});
}

static void check_log_router(const json_t *containers, struct diagnostics *diagnostics)
{
    size_t routers = 0;
    size_t i;
    json_t *container;
    json_array_foreach ((json_t *)containers, i, container)
        if (json_object_size(json_object_get(container, "firelensConfiguration")) && routers++ > 0)
            report(diagnostics, "duplicate",
                   memory_printf("/containerDefinitions/%zu/firelensConfiguration", i),
                   memory_strdup("a task has one log router"), NULL);
}

static void check_launch_volumes(const json_t *value, struct diagnostics *diagnostics)
{
    size_t found = 0;
    size_t i;
    json_t *volume;
    json_array_foreach (json_object_get(value, "volumes"), i, volume)
        if (json_is_true(json_object_get(volume, "configuredAtLaunch")) && found++ > 0)
            report(diagnostics, "duplicate", memory_printf("/volumes/%zu/configuredAtLaunch", i),
                   memory_strdup("a task definition has one volume that is configured at launch"), NULL);
}

void kind_task_definition_check_ecs(const json_t *value, struct diagnostics *diagnostics)
{
    assert(value);
    const json_t *containers = json_object_get(value, "containerDefinitions");
    size_t i;
    json_t *container;
    check_log_router(containers, diagnostics);
    check_launch_volumes(value, diagnostics);
    json_array_foreach ((json_t *)containers, i, container) {
        check_memory(value, container, i, diagnostics);
        check_ulimits(container, i, diagnostics);
        check_secrets(container, i, diagnostics);
    }
}
