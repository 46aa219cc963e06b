/* Many small packs become one, beside the saves: every save is a pack of its own. */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "history/ledger.h"

struct history_merge;

/* NULL when there are not yet enough for it, or none can be: history_merge_end says when to ask again. On the
 * saving thread. */
struct history_merge *history_merge_new(struct history *history);
/* Writes the one pack. On any thread, while the handle saves; not while it tidies. */
void history_merge_run(struct history_merge *merge);
/* The packs that were merged go. Frees *merge. On the saving thread, once it has run. Returns what the run
 * ended with, and the next is due after as many saves again. */
int history_merge_end(struct history *history, struct history_merge *merge, struct error *err);
/* One that is not to be ended: all packs stay. */
void history_merge_free(struct history_merge *merge);
DEFINE_CLEANUP(struct history_merge, history_merge_free)

/* Small packs in the store. */
size_t history_merge_count(const struct history *history);
