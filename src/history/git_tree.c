#include "history/git_tree.h"

#include <string.h>

/* One level of the tree: all edits in it have the same first `prefix` bytes. */
struct level {
    const git_oid *base;
    const struct history_edit *edits;
    size_t edits_len;
    size_t prefix;
};

static int write_level(struct history_store *store, const struct level *level, git_oid *ret_tree,
                       bool *ret_empty, struct error *err);

/* How many edits from i on have the component that edit i has at this level. */
static size_t group_len(const struct level *level, size_t i, size_t component_len)
{
    const char *component = level->edits[i].path + level->prefix;
    size_t n = 1;
    while (i + n < level->edits_len &&
           strncmp(level->edits[i + n].path + level->prefix, component, component_len + 1) == 0)
        n++;
    return n;
}

/* oid NULL: there is none. Returns libgit2's code. */
static int set_entry(git_treebuilder *builder, const char *name, const git_oid *oid, git_filemode_t mode)
{
    if (oid)
        return git_treebuilder_insert(NULL, builder, name, oid, mode);
    return git_treebuilder_get(builder, name) ? git_treebuilder_remove(builder, name) : 0;
}

static int edit_subtree(struct history_store *store, git_treebuilder *builder, const char *name,
                        const struct level *level, struct error *err)
{
    const git_tree_entry *old = git_treebuilder_get(builder, name);
    struct level below = *level;
    if (old && git_tree_entry_type(old) == GIT_OBJECT_TREE)
        below.base = git_tree_entry_id(old);
    git_oid oid;
    bool empty = false;
    int status = write_level(store, &below, &oid, &empty, err);
    if (status < 0)
        return status;
    if (set_entry(builder, name, empty ? NULL : &oid, GIT_FILEMODE_TREE) < 0)
        return history_store_error(store->path, "cannot change a tree", err);
    return 0;
}

static int edit_level(struct history_store *store, git_treebuilder *builder, const struct level *level,
                      struct error *err)
{
    for (size_t i = 0; i < level->edits_len;) {
        const struct history_edit *edit = &level->edits[i];
        const char *component = edit->path + level->prefix;
        const char *slash = strchr(component, '/');
        int status = 0;
        size_t group = 1;
        if (slash) {
            char *name CLEANUP_FREE = memory_strndup(component, (size_t)(slash - component));
            group = group_len(level, i, (size_t)(slash - component));
            struct level below = {
                .edits = edit, .edits_len = group, .prefix = (size_t)(slash + 1 - edit->path)};
            status = edit_subtree(store, builder, name, &below, err);
        } else if (set_entry(builder, component, edit->remove ? NULL : &edit->blob, GIT_FILEMODE_BLOB) < 0) {
            status = history_store_error(store->path, "cannot change a tree", err);
        }
        if (status < 0)
            return status;
        i += group;
    }
    return 0;
}

static int write_level(struct history_store *store, const struct level *level, git_oid *ret_tree,
                       bool *ret_empty, struct error *err)
{
    git_tree *base CLEANUP(git_tree_freep) = NULL;
    git_treebuilder *builder CLEANUP(git_treebuilder_freep) = NULL;
    if (level->base && git_tree_lookup(&base, store->writer, level->base) < 0)
        base = NULL;
    if (git_treebuilder_new(&builder, store->writer, base) < 0)
        return history_store_error(store->path, "cannot begin a tree", err);
    int status = edit_level(store, builder, level, err);
    if (status < 0)
        return status;
    *ret_empty = git_treebuilder_entrycount(builder) == 0;
    return *ret_empty ? 0 : history_store_tree(store, builder, ret_tree, err);
}

int history_tree_edit(struct history_store *store, const git_oid *base, const struct history_edit_vec *edits,
                      git_oid *ret_tree, struct error *err)
{
    struct level root = {.base = base, .edits = edits->items, .edits_len = edits->len};
    bool empty = false;
    int status = write_level(store, &root, ret_tree, &empty, err);
    if (status == 0 && empty)
        return error_set(err, ERROR_INTERNAL, "history: the state would be empty");
    return status;
}
