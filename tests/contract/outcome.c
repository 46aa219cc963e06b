#include "outcome.h"

#include <string.h>

void outcome_deinit(struct outcome *outcome)
{
    container_free(outcome->container);
    container_vec_deinit(&outcome->list);
    instance_info_deinit(&outcome->info);
    string_vec_deinit(&outcome->names);
    free(outcome->api);
    free(outcome->output);
    free(outcome->warning);
    free(outcome->image_digest);
    memset(outcome, 0, sizeof *outcome);
}

void outcome_take(void *data, const struct engine_reply *reply)
{
    struct outcome *outcome = data;
    outcome->done++;
    outcome->code = reply->error.code;
    outcome->exit_code = reply->exit_code;
    memcpy(outcome->message, reply->error.message, sizeof outcome->message);
    if (reply->container)
        outcome->container = container_copy(reply->container);
    for (size_t i = 0; reply->containers && i < reply->containers->len; i++)
        vector_push(&outcome->list, container_copy(reply->containers->items[i]));
    if (reply->info)
        instance_info_copy(reply->info, &outcome->info);
    outcome->api = memory_strdup(reply->version ? reply->version->api : NULL);
    outcome->warning = memory_strdup(reply->warning);
    outcome->image_digest = memory_strdup(reply->image_digest);
    if (reply->output)
        outcome->output = memory_strndup(reply->output, reply->output_len);
    for (size_t i = 0; i < reply->networks_len; i++)
        vector_push(&outcome->names, memory_strdup(reply->networks[i].name));
    for (size_t i = 0; i < reply->images_len; i++)
        if (reply->images[i].tag)
            vector_push(&outcome->names, memory_strdup(reply->images[i].tag));
}

void contract_remove_all(struct contract_world *world, const char *owner)
{
    struct outcome list CLEANUP(outcome_deinit) = {0};
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    DO_WELL(world, &list, list, owner);
    for (size_t i = 0; i < list.list.len; i++)
        DO_WELL(world, &outcome, remove, list.list.items[i]->id, true);
}

static bool has_trap(const struct sample *sample)
{
    char *text CLEANUP_FREE = json_dumps(sample->definition->json, 0);
    return strstr(text, "trap ");
}

void contract_run(struct contract_world *world, const struct sample *sample, char **ret_id)
{
    struct outcome outcome CLEANUP(outcome_deinit) = {0};
    DO_WELL(world, &outcome, create, &sample->create);
    *ret_id = memory_strdup(outcome.container->id);
    DO_WELL(world, &outcome, start, *ret_id);
    if (!world->is_real || !has_trap(sample))
        return;
    /* The trap of a shell is set a moment after its start. It is not always the first process there is. */
    static const char *const trapped[] = {
        "/bin/busybox", "sh", "-c",
        "for p in /proc/[0-9]*; do busybox grep -q 'tra[p] ' $p/cmdline && "
        "busybox grep -Eq '^Sig(Ign|Cgt):.*[4-7c-f][0-9a-f]{3}$' $p/status && exit 0; done; exit 1",
        NULL};
    int64_t end_ms = world->now_ms(world) + PATIENCE_MS;
    do
        DO_WELL(world, &outcome, exec, *ret_id, trapped);
    while (outcome.exit_code != 0 && world->now_ms(world) < end_ms);
    assert_int_equal(outcome.exit_code, 0);
}
