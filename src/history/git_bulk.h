/* Big saves: what they write is held in memory until history_pack_sync puts it on disk as one pack. A file
 * each costs seconds for thousands, and more once they are deleted. */
#pragma once

#include "base/error.h"
#include "history/git_store.h"

#include <stdbool.h>

#define HISTORY_BULK_MIN 100 /* changes, of some three objects each: a save of as many is a big one */

/* Ended by history_pack_sync, or by history_bulk_end. Memory: what is written until then. */
int history_bulk_begin(struct history_store *store, struct error *err);
/* Also where none was begun. What history_pack_sync was not asked for is forgotten. */
void history_bulk_end(struct history_store *store);

bool history_bulk_holds(const struct history_store *store, const git_oid *oid);
