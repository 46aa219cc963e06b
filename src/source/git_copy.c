/* Copying by difference: a new commit costs its own objects, whatever the size of the repository. libgit2's
 * own local transport builds a pack and reads far more. */
#include "source/git.h"

#include "base/map.h"
#include "base/memory.h"
#include "odb/commit.h"
#include "odb/pack.h"

#include <assert.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <stdlib.h>
#include <string.h>

#define LOOSE_OBJECTS 1000 /* more are written as one pack */
#define ANY_LEVEL     -1   /* of compression */

DEFINE_CLEANUP(git_tree, git_tree_free)
DEFINE_CLEANUP(git_odb, git_odb_free)
DEFINE_CLEANUP(git_odb_object, git_odb_object_free)
DEFINE_CLEANUP(git_packbuilder, git_packbuilder_free)

static void oid_vec_deinit(struct oid_vec *oids)
{
    vector_deinit(oids);
}

struct copy {
    git_repository *from;
    git_odb *from_odb;
    git_odb *to_odb;
    bool shallow;         /* parents may be absent from `from` */
    struct map seen;      /* hex oid -> itself */
    struct oid_vec found; /* missing in `to`, each after those that it names */
    struct error *err;
};

static void copy_deinit(struct copy *copy)
{
    map_deinit(&copy->seen);
    oid_vec_deinit(&copy->found);
    git_odb_free(copy->from_odb);
    git_odb_free(copy->to_odb);
}

static bool is_seen(struct copy *copy, const git_oid *oid)
{
    char hex[COMMIT_OID_SIZE];
    return map_get(&copy->seen, git_oid_tostr(hex, sizeof hex, oid)) != NULL;
}

static bool is_there(struct copy *copy, const git_oid *oid)
{
    return is_seen(copy, oid) || git_odb_exists_ext(copy->to_odb, oid, GIT_ODB_LOOKUP_NO_REFRESH);
}

static void found(struct copy *copy, const git_oid *oid)
{
    char hex[COMMIT_OID_SIZE];
    map_put(&copy->seen, git_oid_tostr(hex, sizeof hex, oid), copy);
    vector_push(&copy->found, *oid);
}

static int collect_tree(struct copy *copy, const git_oid *oid, const git_oid *known_oid, int depth);

static int collect_entry(struct copy *copy, const git_tree_entry *entry, const git_tree_entry *known,
                         int depth)
{
    const git_oid *oid = git_tree_entry_id(entry);
    if (known && git_oid_equal(git_tree_entry_id(known), oid))
        return 0;
    switch (git_tree_entry_type(entry)) {
    case GIT_OBJECT_TREE: {
        bool both = known && git_tree_entry_type(known) == GIT_OBJECT_TREE;
        return collect_tree(copy, oid, both ? git_tree_entry_id(known) : NULL, depth + 1);
    }
    case GIT_OBJECT_BLOB:
        if (!is_there(copy, oid))
            found(copy, oid);
        return 0;
    default: /* a submodule's commit lives elsewhere */
        return 0;
    }
}

/* known_oid is a tree that `to` has, or will have by then: entries that are equal need no look. */
static int collect_tree(struct copy *copy, const git_oid *oid, const git_oid *known_oid, int depth)
{
    if (depth > LIMIT_TREE_DEPTH)
        return error_set(copy->err, ERROR_LIMIT, "directories are nested deeper than %d (LIMIT_TREE_DEPTH)",
                         LIMIT_TREE_DEPTH);
    if (is_there(copy, oid))
        return 0;
    git_tree *tree CLEANUP(git_tree_freep) = NULL;
    git_tree *known CLEANUP(git_tree_freep) = NULL;
    int rc = git_tree_lookup(&tree, copy->from, oid);
    if (rc < 0)
        return source_git_error(copy->err, rc, "cannot read a tree of the origin");
    if (known_oid && git_tree_lookup(&known, copy->from, known_oid) < 0)
        known = NULL; /* only costs time */
    for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
        rc = collect_entry(copy, entry,
                           known ? git_tree_entry_byname(known, git_tree_entry_name(entry)) : NULL, depth);
        if (rc < 0)
            return rc;
    }
    found(copy, oid);
    return 0;
}

static int collect_commit(struct copy *copy, const git_oid *oid, const struct odb_commit *commit)
{
    struct odb_commit parent CLEANUP(odb_commit_deinit) = {0};
    git_oid first = commit->parents_len ? odb_commit_parent(commit, 0) : (git_oid){0};
    bool has_parent = commit->parents_len && odb_commit_read(copy->from, &first, &parent) == 0;
    int rc = collect_tree(copy, &commit->tree, has_parent ? &parent.tree : NULL, 0);
    if (rc == 0)
        found(copy, oid);
    return rc;
}

static bool is_wanted(struct copy *copy, const git_oid *commit)
{
    return !is_there(copy, commit) && (!copy->shallow || git_odb_exists(copy->from_odb, commit));
}

/* Depth first, parents before children. */
static int collect_history(struct copy *copy, const git_oid *tip)
{
    struct oid_vec stack CLEANUP(oid_vec_deinit) = {0};
    vector_push(&stack, *tip);
    while (stack.len) {
        git_oid oid = stack.items[stack.len - 1];
        if (is_there(copy, &oid)) {
            stack.len--;
            continue;
        }
        struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
        int rc = source_commit_read(copy->from, &oid, &commit, copy->err);
        if (rc < 0)
            return error_wrap(copy->err, rc, "the origin");
        size_t waiting = stack.len;
        for (size_t i = 0; i < commit.parents_len; i++) {
            git_oid parent = odb_commit_parent(&commit, i);
            if (is_wanted(copy, &parent))
                vector_push(&stack, parent);
        }
        if (stack.len > waiting)
            continue;
        stack.len--;
        rc = collect_commit(copy, &oid, &commit);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void backend_freep(git_odb_backend **backend)
{
    if (*backend)
        (*backend)->free(*backend);
}

/* Past git_odb_write(), which looks through all packs, and for new ones, before each object: that they miss
 * is known. */
static int write_loose(struct copy *copy, git_repository *to)
{
    char *objects CLEANUP_FREE = memory_printf("%sobjects", git_repository_path(to));
    git_odb_backend *loose CLEANUP(backend_freep) = NULL;
    int rc = git_odb_backend_loose(&loose, objects, ANY_LEVEL, 0, 0, 0);
    for (size_t i = 0; rc == 0 && i < copy->found.len; i++) {
        const git_oid *oid = &copy->found.items[i];
        git_odb_object *object CLEANUP(git_odb_object_freep) = NULL;
        rc = git_odb_read(&object, copy->from_odb, oid);
        if (rc < 0)
            return source_git_error(copy->err, rc, "cannot read an object of the origin");
        rc = loose->write(loose, oid, git_odb_object_data(object), git_odb_object_size(object),
                          git_odb_object_type(object));
    }
    return rc < 0 ? source_git_error(copy->err, rc, "cannot write to the mirror") : 0;
}

static int write_pack(struct copy *copy, git_repository *to)
{
    git_packbuilder *pack CLEANUP(git_packbuilder_freep) = NULL;
    int rc = git_packbuilder_new(&pack, copy->from);
    for (size_t i = 0; rc == 0 && i < copy->found.len; i++)
        rc = git_packbuilder_insert(pack, &copy->found.items[i], NULL);
    if (rc < 0)
        return source_git_error(copy->err, rc, "cannot read an object of the origin");
    char *directory CLEANUP_FREE = memory_printf("%sobjects/pack", git_repository_path(to));
    char name[ODB_PACK_NAME_SIZE];
    rc = odb_pack_build(directory, 0444, pack, name);
    if (rc < 0)
        return source_git_error(copy->err, rc, "cannot copy the origin into the mirror");
    rc = git_odb_refresh(copy->to_odb);
    return rc < 0 ? source_git_error(copy->err, rc, "cannot read the mirror") : 0;
}

int source_copy(struct git_repository *from, struct git_repository *to, const char *oid_hex,
                struct error *err)
{
    struct copy copy CLEANUP(copy_deinit) = {
        .from = from, .shallow = git_repository_is_shallow(from) == 1, .err = err};
    git_oid tip;
    int rc = git_oid_fromstr(&tip, oid_hex);
    if (rc == 0)
        rc = git_repository_odb(&copy.from_odb, from);
    if (rc == 0)
        rc = git_repository_odb(&copy.to_odb, to);
    if (rc < 0)
        return source_git_error(err, rc, "cannot open the objects");
    rc = collect_history(&copy, &tip);
    if (rc < 0)
        return rc;
    return copy.found.len <= LOOSE_OBJECTS ? write_loose(&copy, to) : write_pack(&copy, to);
}
