/* Files of a tree: many edits at once, each tree on their paths written once. */
#pragma once

#include "base/error.h"
#include "base/vector.h"
#include "history/git_store.h"

#include <stdbool.h>
#include <stddef.h>

struct history_edit {
    const char *path;
    bool remove;
    git_oid blob; /* unless remove */
};

struct history_edit_vec VECTOR_OF(struct history_edit);

/* edits: sorted by path (strcmp), no path twice, at least one. base NULL: the empty tree. Trees that become
 * empty go; a tree below base that cannot be read counts as empty. */
int history_tree_edit(struct history_store *store, const git_oid *base, const struct history_edit_vec *edits,
                      git_oid *ret_tree, struct error *err);
