/* The ledger's disk and its writer: as daemon/writer.c, with time instead of a thread. */
#include "base/text.h"
#include "world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS   30000

static const char *const kind_names[] = {"service", "family", "source", "suspension", "task", "schedule"};

const json_t *disk_entry(const struct disk *disk, enum ledger_change_kind kind, const char *name)
{
    char *key CLEANUP_FREE = memory_printf("%s/%s", kind_names[kind], name);
    return map_get(&disk->entries, key);
}

static bool removes(const struct ledger_change_vec *changes, const char *name)
{
    for (size_t i = 0; i < changes->len; i++)
        if (changes->items[i].kind == LEDGER_SERVICE && !changes->items[i].entry &&
            text_equal(changes->items[i].name, name))
            return true;
    return false;
}

bool disk_awaits(const struct disk *disk, enum ledger_change_kind kind, const char *name)
{
    for (size_t i = 0; i < disk->changes.len; i++)
        if (disk->changes.items[i].kind == kind && text_equal(disk->changes.items[i].name, name))
            return true;
    return false;
}

bool disk_forgets(const struct disk *disk, const char *name)
{
    return removes(&disk->saving, name) || removes(&disk->changes, name);
}

static void let_through(struct world *world, struct action_vec *actions)
{
    for (size_t i = 0; i < actions->len; i++)
        act_run(world->davit.act, actions->items[i]);
    actions->len = 0;
    vector_deinit(actions);
}

static void queue(struct world *world)
{
    world->disk.done_ms = world->now_ms + 1 + world_pick(world, world_chance(world, 5) ? 3000 : 20);
}

static void next(struct world *world)
{
    struct disk *disk = &world->disk;
    if (disk->changes.len == 0) {
        let_through(world, &disk->actions);
        return;
    }
    disk->saving = disk->changes;
    disk->saving_actions = disk->actions;
    memset(&disk->changes, 0, sizeof disk->changes);
    memset(&disk->actions, 0, sizeof disk->actions);
    queue(world);
}

void disk_give(struct world *world, struct ledger_change_vec *changes, struct action_vec *actions)
{
    struct disk *disk = &world->disk;
    for (size_t i = 0; i < changes->len; i++)
        vector_push(&disk->changes, changes->items[i]);
    for (size_t i = 0; i < actions->len; i++)
        vector_push(&disk->actions, actions->items[i]);
    vector_deinit(changes);
    vector_deinit(actions);
    if (!disk->done_ms)
        next(world);
}

/* All changes of a save become durable together. */
static void make_durable(struct world *world)
{
    struct disk *disk = &world->disk;
    for (size_t i = 0; i < disk->saving.len; i++) {
        const struct ledger_change *change = &disk->saving.items[i];
        char *key CLEANUP_FREE = memory_printf("%s/%s", kind_names[change->kind], change->name);
        check_saved(world, change);
        if (change->former) {
            char *former CLEANUP_FREE = memory_printf("%s/%s", kind_names[change->kind], change->former);
            map_remove(&disk->entries, former);
        }
        if (change->entry)
            map_put(&disk->entries, key, json_deep_copy(change->entry));
        else
            map_remove(&disk->entries, key);
    }
    ledger_change_vec_deinit(&disk->saving);
}

void disk_step(struct world *world)
{
    struct disk *disk = &world->disk;
    if (!disk->done_ms || disk->done_ms > world->now_ms)
        return;
    disk->done_ms = 0;
    if (disk->retry) {
        disk->retry = false;
        queue(world);
        return;
    }
    if (disk->failing > 0) {
        disk->failing--;
        disk->retry_ms = disk->retry_ms ? disk->retry_ms * 2 : RETRY_FIRST_MS;
        if (disk->retry_ms > RETRY_MAX_MS)
            disk->retry_ms = RETRY_MAX_MS;
        disk->retry = true;
        disk->done_ms = world->now_ms + disk->retry_ms;
        world_trace(world, "disk: the save failed");
        return;
    }
    disk->retry_ms = 0;
    make_durable(world);
    struct action_vec explained = disk->saving_actions;
    memset(&disk->saving_actions, 0, sizeof disk->saving_actions);
    let_through(world, &explained);
    next(world);
}

void disk_crash(struct world *world)
{
    struct disk *disk = &world->disk;
    if (disk->done_ms && !disk->retry && world_chance(world, 50))
        make_durable(world);
    ledger_change_vec_deinit(&disk->saving);
    ledger_change_vec_deinit(&disk->changes);
    action_vec_deinit(&disk->saving_actions);
    action_vec_deinit(&disk->actions);
    disk->done_ms = disk->retry_ms = 0;
    disk->retry = false;
}

void disk_deinit(struct disk *disk)
{
    map_deinit(&disk->entries);
    ledger_change_vec_deinit(&disk->saving);
    ledger_change_vec_deinit(&disk->changes);
    action_vec_deinit(&disk->saving_actions);
    action_vec_deinit(&disk->actions);
}
