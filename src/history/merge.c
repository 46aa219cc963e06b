#include "history/merge.h"

#include "history/handle.h"
#include "odb/merge.h"

#include <stdlib.h>

struct history_merge {
    struct odb_merge packs;
    int result;
    struct error error;
};

size_t history_merge_count(const struct history *history)
{
    struct string_vec names CLEANUP(string_vec_deinit) = {0};
    odb_pack_list(history->store.path, ODB_PACK_SMALL, &names);
    return names.len;
}

struct history_merge *history_merge_new(struct history *history)
{
    if (history->options.read_only || history->packs <= history->tidy_packs)
        return NULL;
    struct history_merge *merge = NEW(struct history_merge);
    odb_merge_init(&merge->packs, history->store.path, false);
    return merge;
}

void history_merge_free(struct history_merge *merge)
{
    if (!merge)
        return;
    odb_merge_deinit(&merge->packs);
    free(merge);
}

void history_merge_run(struct history_merge *merge)
{
    merge->result = odb_merge_run(&merge->packs, &merge->error);
}

int history_merge_end(struct history *history, struct history_merge *merge, struct error *err)
{
    struct history_merge *ended CLEANUP(history_merge_freep) = merge;
    bool merged = ended->packs.packs.len > 0;
    history->tidy_packs = history->packs + history->options.pack_threshold;
    if (ended->result < 0)
        return error_set(err, ended->result, "history: %s", ended->error.message);
    odb_merge_end(&ended->packs);
    history->packs = history_merge_count(history);
    history->tidy_packs = history->packs + history->options.pack_threshold;
    return merged ? history_store_reopen(&history->store, err) : 0;
}
