/* How large a directory of a commit is. */
#include "source/git.h"

#include "base/memory.h"

#include <assert.h>
#include <git2.h>

DEFINE_CLEANUP(git_odb, git_odb_free)
DEFINE_CLEANUP(git_tree, git_tree_free)

struct extent {
    git_repository *repository;
    git_odb *odb;
    bool others;
    int files;
    int entries;
    int64_t bytes; /* of manifests */
    bool too_large;
    struct error *err;
};

static int add_file(struct extent *extent, const git_tree_entry *entry)
{
    size_t size = 0;
    git_object_t type;
    bool is_read = !extent->others && git_tree_entry_type(entry) == GIT_OBJECT_BLOB;
    int rc = is_read ? git_odb_read_header(&size, &type, extent->odb, git_tree_entry_id(entry)) : 0;
    if (rc < 0)
        return source_git_error(extent->err, rc, "cannot read %s", git_tree_entry_name(entry));
    extent->bytes += size > LIMIT_MANIFEST_BYTES ? 0 : (int64_t)size;
    extent->files++;
    extent->too_large |= extent->bytes > LIMIT_TREE_BYTES ||
                         extent->files > (extent->others ? LIMIT_CONTAINER_FILES : LIMIT_MANIFEST_FILES);
    return 0;
}

static int add_tree(struct extent *extent, const git_tree *tree, int depth);

static int add_entry(struct extent *extent, const git_tree_entry *entry, int depth)
{
    git_tree *below CLEANUP(git_tree_freep) = NULL;
    extent->too_large |= ++extent->entries > LIMIT_TREE_ENTRIES;
    if (git_tree_entry_type(entry) != GIT_OBJECT_TREE)
        return extent->others || source_is_manifest_name(git_tree_entry_name(entry)) ? add_file(extent, entry)
                                                                                     : 0;
    int rc = git_tree_lookup(&below, extent->repository, git_tree_entry_id(entry));
    return rc < 0
               ? source_git_error(extent->err, rc, "cannot read the directory %s", git_tree_entry_name(entry))
               : add_tree(extent, below, depth + 1);
}

static int add_tree(struct extent *extent, const git_tree *tree, int depth)
{
    int rc = 0;
    extent->too_large |= depth > LIMIT_TREE_DEPTH;
    for (size_t i = 0; rc == 0 && !extent->too_large && i < git_tree_entrycount(tree); i++)
        if (git_tree_entry_name(git_tree_entry_byindex(tree, i))[0] != '.')
            rc = add_entry(extent, git_tree_entry_byindex(tree, i), depth);
    return rc;
}

int source_tree_is_too_large(const struct source_tree_measure *measure, bool *ret_too_large,
                             struct error *err)
{
    assert(measure->repository);
    struct extent extent = {.repository = measure->repository, .others = measure->others, .err = err};
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    int rc = git_repository_odb(&odb, measure->repository);
    if (rc < 0)
        return source_git_error(err, rc, "cannot open the objects");
    extent.odb = odb;
    int depth = measure->others ? 1 : 0; /* as scans count */
    rc = measure->tree ? add_tree(&extent, measure->tree, depth) : 0;
    *ret_too_large = extent.too_large;
    return rc;
}
