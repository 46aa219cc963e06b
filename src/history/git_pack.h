/* Packs: many objects in one file, and the cleaning up of what is no longer needed. */
#pragma once

#include "base/error.h"
#include "history/git_store.h"

#include <stddef.h>

/* What the store wrote is on disk when this returns 0: file by file, that of a big save as a pack. Ends the
 * big save. */
int history_pack_sync(struct history_store *store, struct error *err);

/* A pack of all loose objects, whosever they are, is put on disk; then the loose ones go. */
int history_pack_loose(struct history_store *store, struct error *err);

/* One pack of all that `head` reaches is put on disk; then everything else goes. Does nothing in a repository
 * with refs outside refs/davit/, whose objects are not ours to delete. */
int history_pack_only(struct history_store *store, const git_oid *head, struct error *err);

size_t history_pack_count_loose(const struct history_store *store);
size_t history_pack_count_packs(const struct history_store *store);
