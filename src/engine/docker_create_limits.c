/* CPU, memory, swap, ulimits and GPUs.
 *
 * The limits of a task: ECS's agent puts the containers into a cgroup of the task, which takes root on the
 * instance. Through the Engine API each container is held to what the whole task has instead; together they
 * may use more. */
#include "base/text.h"
#include "engine/docker_create_map.h"
#include "model/json.h"

#include <stdint.h>

#define CPU_SHARES_MIN   2 /* ECS agent: unset and 1 are the least share, never Docker's default of 1024 */
#define CPU_SHARES_MAX   262144
#define CPU_PERIOD_US    100000 /* ECS agent: 100 ms */
#define CPU_QUOTA_MIN_US 1000   /* Docker refuses less */
#define CPU_UNITS        1024   /* of one CPU */
#define MEMORY_MIN_MIB   6      /* Docker refuses less since 20.10; ECS takes 4 and up */

int docker_map_cpu(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    json_int_t shares = json_integer_value(value);
    if (shares < CPU_SHARES_MIN)
        shares = CPU_SHARES_MIN;
    if (shares > CPU_SHARES_MAX)
        shares = CPU_SHARES_MAX;
    json_object_set_new(body->host, field, json_integer(shares));
    return 0;
}

static void set_memory(struct docker_body *body, const char *field, int64_t mib)
{
    if (mib <= 0)
        return;
    if (mib < MEMORY_MIN_MIB)
        mib = MEMORY_MIN_MIB;
    json_object_set_new(body->host, field, json_integer(mib * DOCKER_MIB));
}

int docker_map_memory(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    set_memory(body, field, json_integer_value(value));
    return 0;
}

/* Of the root, where amounts are normalised to whole numbers in strings. */
static int64_t amount(const json_t *value)
{
    int64_t number = json_integer_value(value);
    const char *text = json_string_value(value);
    if (text && text_to_int64(text, 0, INT32_MAX, &number) < 0)
        return 0;
    return number;
}

/* Docker's MemorySwap counts memory as well; without a limit of memory there is nothing to add to. */
int docker_map_max_swap(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    int64_t bytes = model_int(body->host, "Memory");
    if (!bytes)
        bytes = amount(json_object_get(body->create->definition->json, "memory")) * DOCKER_MIB;
    if (bytes)
        json_object_set_new(body->host, field, json_integer(bytes + json_integer_value(value) * DOCKER_MIB));
    return 0;
}

/* ECS: ignored without maxSwap. */
int docker_map_swappiness(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    if (json_object_get(body->host, "MemorySwap"))
        json_object_set_new(body->host, field, json_deep_copy(value));
    return 0;
}

int docker_map_ulimits(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    size_t i;
    json_t *item;
    json_t *ulimits = json_array();
    json_array_foreach (value, i, item)
        json_array_append_new(ulimits, json_pack("{s:s?,s:I,s:I}", "Name", model_string(item, "name"), "Soft",
                                                 (json_int_t)model_int(item, "softLimit"), "Hard",
                                                 (json_int_t)model_int(item, "hardLimit")));
    json_object_set_new(body->host, field, ulimits);
    return 0;
}

/* GPUs by the ids that the planner has chosen, as ECS's agent does it on instances of one's own. */
int docker_map_resources(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    const struct container_spec *spec = body->create->labels->spec;
    size_t i;
    json_t *item;
    json_array_foreach (value, i, item) {
        if (!text_equal(model_string(item, "type"), "GPU"))
            continue;
        if (spec->gpu_ids.len == 0)
            return error_set(err, ERROR_INVALID, "no GPU was set aside for container %s",
                             body->create->container);
        json_object_set_new(body->host, field,
                            json_pack("[{s:s,s:o,s:[[s]]}]", "Driver", "nvidia", "DeviceIDs",
                                      model_strings_to_json(&spec->gpu_ids), "Capabilities", "gpu"));
    }
    return 0;
}

/* --- the task's ----------------------------------------------------------------------------------------- */

int docker_map_task_cpu(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    int64_t quota_us = amount(value) * CPU_PERIOD_US / CPU_UNITS;
    if (quota_us <= 0)
        return 0;
    if (quota_us < CPU_QUOTA_MIN_US)
        quota_us = CPU_QUOTA_MIN_US;
    json_object_set_new(body->host, "CpuPeriod", json_integer(CPU_PERIOD_US));
    json_object_set_new(body->host, field, json_integer(quota_us));
    return 0;
}

/* A container's own limit is the lower one. */
int docker_map_task_memory(struct docker_body *body, const char *field, const json_t *value,
                           struct error *err)
{
    (void)err;
    if (!json_object_get(body->host, field))
        set_memory(body, field, amount(value));
    return 0;
}
