/* Packs: many objects in one file, and the cleaning up of what is no longer needed. */
#pragma once

#include "base/error.h"
#include "history/git_store.h"

/* What the store wrote is on disk when this returns 0, as one pack, but for the pack's name, which is when
 * history_store_move_ref has moved the ref. */
int history_pack_put(struct history_store *store, struct error *err);

/* One pack of all that `head` reaches is put on disk; then everything else goes. Does nothing in a repository
 * with refs outside refs/davit/, whose objects are not ours to delete. */
int history_pack_only(struct history_store *store, const git_oid *head, struct error *err);
