/* The objects of a save are held in memory until history_pack_put puts them on disk as one pack: two files a
 * save. A file for each of its ten objects would cost an inode and two fsyncs each.
 */
#pragma once

#include "base/error.h"
#include "history/git_store.h"

/* What is written from now on is held, also what the disk has already. Memory: what is written. */
int history_hold_begin(struct history_store *store, struct error *err);
/* Forgets what is held. Also where nothing is. */
void history_hold_drop(struct history_store *store);
