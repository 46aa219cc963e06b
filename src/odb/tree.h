/* Tree objects read as they are stored, beside each other: nothing is built of the entries that are passed
 * over, which are nearly all where one file of a directory of hundreds has changed. The format is that of
 * git(1): "MODE NAME\0" and the 20 bytes of an id, sorted as git does it (gitformat-pack(5), git-mktree(1)).
 */
#pragma once

#include <git2.h>
#include <stdbool.h>
#include <stddef.h>

/* Borrowed of the tree. */
struct odb_tree_entry {
    const char *name; /* not empty, but it may be any text without a NUL */
    const git_oid *oid;
    unsigned mode;
};

bool odb_tree_entry_is_tree(const struct odb_tree_entry *entry);
/* A submodule. */
bool odb_tree_entry_is_commit(const struct odb_tree_entry *entry);

/* What stands at one place of two trees. */
struct odb_tree_pair {
    const struct odb_tree_entry *old_entry; /* NULL: the old tree has nothing there */
    const struct odb_tree_entry *new_entry; /* NULL likewise, but never both */
    bool same;                              /* bytewise */
    struct odb_tree_cursor {
        const char *at; /* of the entry */
        const char *end;
        size_t size; /* of the entry; 0: it is not read yet */
        struct odb_tree_entry entry;
    } old_cursor, new_cursor;
};

/* Before the first place; either tree may be NULL. They outlive the pair. */
void odb_tree_pair_init(struct odb_tree_pair *pair, git_odb_object *old_tree, git_odb_object *new_tree);
/* Goes on to the next place, in git's order; a file and a directory of one name stand at two. 1: there is
 * one, 0: that was all, or libgit2's code, with its message: a tree is damaged. */
int odb_tree_pair_next(struct odb_tree_pair *pair);

/* A tree, and nothing else. 0 or libgit2's code; the caller's. */
int odb_tree_read(git_odb *odb, const git_oid *oid, git_odb_object **ret_tree);
