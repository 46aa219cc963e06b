/* Many small packs, and loose objects, become one pack. Others may read the database meanwhile and write to
 * it: what is found is what the merge began with, and it goes only once it is in the new pack. A large pack
 * is left alone: writing it again each time would cost more the longer a repository lives. What cannot be
 * read whole stays where it is, for git fsck to name.
 */
#pragma once

#include "base/error.h"
#include "odb/pack.h"

#define ODB_PACK_SMALL 2000 /* objects */

struct odb_merge {
    char *path;              /* of the repository, ends in a slash */
    struct string_vec packs; /* small ones */
    struct oid_vec loose;
};

/* Finds what there is. With `loose` also the loose objects. */
void odb_merge_init(struct odb_merge *merge, const char *path, bool loose);
/* Writes the one pack. On any thread. Afterwards `packs` and `loose` are what is in it and may go: nothing
 * when there was too little to merge. */
int odb_merge_run(struct odb_merge *merge, struct error *err);
/* They go. */
void odb_merge_end(struct odb_merge *merge);
void odb_merge_deinit(struct odb_merge *merge);
