/* Rows C9 and C10: a container that ends and is started again within its task. */
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>

static bool ignores(const struct restart_policy *policy, int exit_code)
{
    for (size_t i = 0; i < policy->ignored_exit_codes.len; i++)
        if (policy->ignored_exit_codes.items[i] == exit_code)
            return true;
    return false;
}

bool plan_restarts(const struct container *container, const struct map *ran)
{
    assert(container);
    const struct restart_policy *policy = &container->labels.spec->restart;
    return policy->enabled && ran && container->status == CONTAINER_STOPPED && container->has_exit_code &&
           !ignores(policy, container->exit_code) &&
           container->finished_ms - container->started_ms >= policy->period_s * 1000LL &&
           map_get(ran, container->id);
}

bool restart_failed(const struct plan_failure *failure, const struct container *container)
{
    assert(failure);
    assert(container);
    return container->labels.spec->restart.enabled && container->status == CONTAINER_STOPPED &&
           text_equal(container->labels.task, failure->task) &&
           text_equal(container->labels.spec->name, failure->container);
}

static bool has_failed(const struct plan_input *input, const struct container *container)
{
    for (size_t i = 0; input->failures && i < input->failures->len; i++)
        if (restart_failed(&input->failures->items[i], container))
            return true;
    return false;
}

void restart_witness(const struct plan_input *input)
{
    assert(input);
    struct map ran = {0};
    for (size_t i = 0; i < input->containers_len; i++) {
        const struct container *container = input->containers[i];
        if (container->labels.spec->restart.enabled &&
            (container->status == CONTAINER_RUNNING || map_get(&input->memory->ran, container->id)) &&
            !has_failed(input, container))
            map_put(&ran, container->id, (void *)1);
    }
    map_deinit(&input->memory->ran);
    input->memory->ran = ran;
}
