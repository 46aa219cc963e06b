#include "source/git.h"

#include "base/memory.h"
#include "base/text.h"
#include "odb/commit.h"
#include "odb/tree.h"
#include "source/roots.h"

#include <assert.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>

DEFINE_CLEANUP(git_tree, git_tree_free)
DEFINE_CLEANUP(git_tree_entry, git_tree_entry_free)
DEFINE_CLEANUP(git_odb, git_odb_free)
DEFINE_CLEANUP(git_odb_object, git_odb_object_free)

#define MODE_TYPE       0170000
#define MODE_EXECUTABLE 0111

struct differ {
    git_odb *odb;
    struct source_file_vec *files;
    int64_t bytes;
    int entries;
    bool others;   /* every file counts, its content does not */
    bool measured; /* no bound but that of contents is looked at */
    struct error *err;
};

/* Two directories at the same place; either tree may be NULL. */
struct place {
    const git_oid *old_tree;
    const git_oid *new_tree;
    const char *prefix; /* ends in a slash, or is empty */
    int depth;
};

static bool is_tree(const struct odb_tree_entry *entry)
{
    return entry && odb_tree_entry_is_tree(entry);
}

static bool is_wanted(const struct differ *differ, const struct odb_tree_entry *entry)
{
    return entry && !is_tree(entry) && (differ->others || source_is_manifest_name(entry->name));
}

static enum source_file_kind kind_of(const struct odb_tree_entry *entry)
{
    switch (entry->mode & MODE_TYPE) {
    case GIT_FILEMODE_LINK:
        return SOURCE_SYMLINK;
    case GIT_FILEMODE_COMMIT:
        return SOURCE_SUBMODULE;
    default:
        return SOURCE_FILE;
    }
}

static bool is_executable(const struct odb_tree_entry *entry)
{
    return kind_of(entry) == SOURCE_FILE && (entry->mode & MODE_EXECUTABLE);
}

static bool is_same(const struct odb_tree_entry *a, const struct odb_tree_entry *b)
{
    return git_oid_equal(a->oid, b->oid) && is_tree(a) == is_tree(b) && kind_of(a) == kind_of(b) &&
           is_executable(a) == is_executable(b);
}

/* Asked for first: a blob of gigabytes is never inflated. */
static int read_size(struct differ *differ, const git_oid *oid, struct source_file *file)
{
    size_t size;
    git_object_t type;
    int rc = git_odb_read_header(&size, &type, differ->odb, oid);
    if (rc < 0)
        return source_git_error(differ->err, rc, "cannot read %s", file->path);
    file->size_bytes = (int64_t)size;
    return 0;
}

static int read_other(struct differ *differ, const git_oid *oid, struct source_file *file)
{
    git_odb_object *blob CLEANUP(git_odb_object_freep) = NULL;
    int rc = read_size(differ, oid, file);
    if (rc < 0 || file->size_bytes > SOURCE_LFS_POINTER_BYTES)
        return rc;
    rc = git_odb_read(&blob, differ->odb, oid);
    if (rc < 0)
        return source_git_error(differ->err, rc, "cannot read %s", file->path);
    if (source_is_lfs_pointer(git_odb_object_data(blob), git_odb_object_size(blob)))
        file->kind = SOURCE_LFS;
    return 0;
}

static int read_content(struct differ *differ, const git_oid *oid, struct source_file *file)
{
    int rc = read_size(differ, oid, file);
    if (rc < 0)
        return rc;
    size_t size = (size_t)file->size_bytes;
    file->too_large = size > LIMIT_MANIFEST_BYTES;
    if (file->too_large)
        return 0;
    differ->bytes += (int64_t)size;
    if (differ->bytes > LIMIT_TREE_BYTES)
        return error_set(differ->err, ERROR_LIMIT,
                         "the manifests are larger than %lld bytes together (LIMIT_TREE_BYTES)",
                         LIMIT_TREE_BYTES);
    git_odb_object *blob CLEANUP(git_odb_object_freep) = NULL;
    rc = git_odb_read(&blob, differ->odb, oid);
    if (rc < 0)
        return source_git_error(differ->err, rc, "cannot read %s", file->path);
    file->len = git_odb_object_size(blob);
    file->content = memory_alloc(file->len + 1);
    memcpy(file->content, git_odb_object_data(blob), file->len);
    file->content[file->len] = '\0';
    return 0;
}

/* Not memory_printf(): there are tens of thousands. */
static char *path_of(const char *prefix, const char *name)
{
    char *path = memory_alloc(strlen(prefix) + strlen(name) + 1);
    stpcpy(stpcpy(path, prefix), name);
    text_mend_utf8(path);
    return path;
}

static int add(struct differ *differ, const char *prefix, const struct odb_tree_entry *entry, bool deleted)
{
    if (!differ->measured && differ->files->len >= LIMIT_MANIFEST_FILES)
        return error_set(differ->err, ERROR_LIMIT, "there are more than %d manifests (LIMIT_MANIFEST_FILES)",
                         LIMIT_MANIFEST_FILES);
    vector_push(differ->files, (struct source_file){.path = path_of(prefix, entry->name)});
    struct source_file *file = &differ->files->items[differ->files->len - 1];
    file->kind = deleted ? SOURCE_DELETED : kind_of(entry);
    file->other = differ->others;
    if (deleted)
        return 0;
    file->executable = differ->others && is_executable(entry);
    git_oid_tostr(file->oid, sizeof file->oid, entry->oid);
    if (file->kind != SOURCE_FILE)
        return 0;
    return differ->others ? read_other(differ, entry->oid, file) : read_content(differ, entry->oid, file);
}

static int compare_trees(struct differ *differ, const struct place *place);

static int descend(struct differ *differ, const struct place *place, const struct odb_tree_entry *old_entry,
                   const struct odb_tree_entry *new_entry)
{
    assert(old_entry || new_entry);
    const char *name = old_entry ? old_entry->name : new_entry->name;
    char *prefix CLEANUP_FREE = memory_printf("%s%s/", place->prefix, name);
    const struct place below = {old_entry ? old_entry->oid : NULL, new_entry ? new_entry->oid : NULL, prefix,
                                place->depth + 1};
    return compare_trees(differ, &below);
}

/* What stands under one name before and after; either may be NULL. */
static int compare_entries(struct differ *differ, const struct place *place,
                           const struct odb_tree_entry *old_entry, const struct odb_tree_entry *new_entry)
{
    if (old_entry && new_entry && is_same(old_entry, new_entry))
        return 0;
    if (is_wanted(differ, old_entry) && !is_wanted(differ, new_entry)) {
        int rc = add(differ, place->prefix, old_entry, true);
        if (rc < 0)
            return rc;
    }
    if (is_tree(old_entry) || is_tree(new_entry)) {
        int rc = descend(differ, place, is_tree(old_entry) ? old_entry : NULL,
                         is_tree(new_entry) ? new_entry : NULL);
        if (rc < 0)
            return rc;
    }
    return is_wanted(differ, new_entry) ? add(differ, place->prefix, new_entry, false) : 0;
}

static int check_bounds(struct differ *differ, const struct place *place)
{
    if (differ->measured)
        return 0;
    if (place->depth > LIMIT_TREE_DEPTH)
        return error_set(differ->err, ERROR_LIMIT, "directories are nested deeper than %d (LIMIT_TREE_DEPTH)",
                         LIMIT_TREE_DEPTH);
    if (++differ->entries > LIMIT_TREE_ENTRIES)
        return error_set(differ->err, ERROR_LIMIT, "the tree has more than %d entries (LIMIT_TREE_ENTRIES)",
                         LIMIT_TREE_ENTRIES);
    return 0;
}

/* Nearly all entries are the same in both. */
static int compare_pair(struct differ *differ, const struct place *place, const struct odb_tree_pair *pair)
{
    const char *name = pair->new_entry ? pair->new_entry->name : pair->old_entry->name;
    int rc = name[0] == '.' ? 0 : check_bounds(differ, place);
    return rc < 0 || name[0] == '.' || pair->same
               ? rc
               : compare_entries(differ, place, pair->old_entry, pair->new_entry);
}

static int tell_unreadable(const struct differ *differ, const struct place *place, int rc)
{
    size_t len = strlen(place->prefix);
    return len ? source_git_error(differ->err, rc, "cannot read the directory %.*s", (int)len - 1,
                                  place->prefix)
               : source_git_error(differ->err, rc, "cannot read a commit");
}

static int read_tree(struct differ *differ, const struct place *place, const git_oid *oid,
                     git_odb_object **ret_tree)
{
    int rc = oid ? odb_tree_read(differ->odb, oid, ret_tree) : 0;
    return rc < 0 ? tell_unreadable(differ, place, rc) : 0;
}

static int compare_trees(struct differ *differ, const struct place *place)
{
    git_odb_object *old_tree CLEANUP(git_odb_object_freep) = NULL;
    git_odb_object *new_tree CLEANUP(git_odb_object_freep) = NULL;
    int rc = check_bounds(differ, place);
    if (rc == 0)
        rc = read_tree(differ, place, place->old_tree, &old_tree);
    if (rc == 0)
        rc = read_tree(differ, place, place->new_tree, &new_tree);
    if (rc < 0)
        return rc;
    struct odb_tree_pair pair;
    int found;
    odb_tree_pair_init(&pair, old_tree, new_tree);
    while (rc == 0 && (found = odb_tree_pair_next(&pair)) != 0)
        rc = found < 0 ? tell_unreadable(differ, place, found) : compare_pair(differ, place, &pair);
    return rc;
}

int source_tree_diff(const struct source_tree_diff *diff, struct source_file_vec *ret_files,
                     struct error *err)
{
    struct source_file_vec files CLEANUP(source_file_vec_deinit) = {0};
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    int rc = git_repository_odb(&odb, diff->repository);
    if (rc < 0)
        return source_git_error(err, rc, "cannot open the objects");
    struct differ differ = {.odb = odb, .files = &files, .measured = diff->measured, .err = err};
    const struct place roots = {
        .old_tree = diff->old_tree, .new_tree = diff->new_tree, .prefix = diff->prefix ? diff->prefix : ""};
    rc = compare_trees(&differ, &roots);
    if (rc < 0)
        return rc;
    source_file_vec_sort(&files);
    *ret_files = files;
    files = (struct source_file_vec){0};
    return 0;
}

static int root_of_commit(git_repository *repository, const git_oid *oid, git_oid *ret_tree,
                          struct error *err)
{
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    int rc = source_commit_read(repository, oid, &commit, err);
    *ret_tree = commit.tree;
    return rc;
}

/* The directory at a path of a commit; *ret_tree stays NULL when there is none. */
static int tree_at(git_repository *repository, const git_oid *commit, const char *path, git_tree **ret_tree,
                   struct error *err)
{
    git_oid root;
    git_oid oid;
    int rc = root_of_commit(repository, commit, &root, err);
    if (rc == 0)
        rc = source_tree_enter(repository, &root, path, &oid, err);
    if (rc < 0 || git_oid_is_zero(&oid))
        return rc;
    rc = git_tree_lookup(ret_tree, repository, &oid);
    return rc < 0 ? source_git_error(err, rc, "cannot read a commit") : 0;
}

/* What stands at a path of a commit; *ret_entry stays NULL when there is nothing. */
static int entry_at(git_repository *repository, const git_oid *commit, const char *path,
                    git_tree_entry **ret_entry, struct error *err)
{
    git_tree *tree CLEANUP(git_tree_freep) = NULL;
    int rc = commit ? tree_at(repository, commit, NULL, &tree, err) : 0;
    if (rc < 0 || !tree)
        return rc;
    rc = git_tree_entry_bypath(ret_entry, tree, path);
    return rc < 0 && rc != GIT_ENOTFOUND ? source_git_error(err, rc, "cannot read %s", path) : 0;
}

struct extents {
    const git_tree *old_tree; /* NULL: none, likewise the new one */
    const git_tree *new_tree;
};

/* Whether the trees are to be compared: neither is too large. */
static int compare_extents(const struct source_root_diff *diff, const struct extents *trees,
                           struct source_root_change *change, bool *ret_comparable, struct error *err)
{
    bool others = !source_root_has_manifests(diff->root);
    bool was_too_large = false;
    bool too_large = false;
    const struct source_tree_measure before = {diff->repository, trees->old_tree, others};
    const struct source_tree_measure now = {diff->repository, trees->new_tree, others};
    int rc = source_tree_is_too_large(&before, &was_too_large, err);
    if (rc == 0)
        rc = source_tree_is_too_large(&now, &too_large, err);
    if (rc < 0)
        return rc;
    change->turned |= diff->old_commit && was_too_large != too_large;
    if (too_large && !diff->old_commit)
        vector_push(change->files, (struct source_file){.path = source_git_text(diff->root),
                                                        .kind = SOURCE_TOO_LARGE,
                                                        .other = true});
    *ret_comparable = !too_large && !was_too_large;
    return 0;
}

static bool are_same(const git_tree *a, const git_tree *b)
{
    return a && b && git_oid_equal(git_tree_id(a), git_tree_id(b));
}

static bool is_directory(const git_tree_entry *entry)
{
    return entry && git_tree_entry_type(entry) == GIT_OBJECT_TREE;
}

static int tree_of(git_repository *repository, const git_tree_entry *entry, git_tree **ret_tree,
                   struct error *err)
{
    int rc = is_directory(entry) ? git_tree_lookup(ret_tree, repository, git_tree_entry_id(entry)) : 0;
    return rc < 0 ? source_git_error(err, rc, "cannot read the directory %s", git_tree_entry_name(entry)) : 0;
}

static const struct odb_tree_entry *entry_of(const git_tree_entry *entry, struct odb_tree_entry *ret_entry)
{
    if (!entry)
        return NULL;
    *ret_entry = (struct odb_tree_entry){git_tree_entry_name(entry), git_tree_entry_id(entry),
                                         git_tree_entry_filemode_raw(entry)};
    return ret_entry;
}

static int diff_entries(const struct source_root_diff *diff, const git_tree_entry *old_entry,
                        const git_tree_entry *new_entry, struct source_root_change *change, struct error *err)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_tree *old_tree CLEANUP(git_tree_freep) = NULL;
    git_tree *new_tree CLEANUP(git_tree_freep) = NULL;
    bool comparable = false;
    int rc = tree_of(diff->repository, old_entry, &old_tree, err);
    if (rc == 0)
        rc = tree_of(diff->repository, new_entry, &new_tree, err);
    if (rc == 0)
        rc = compare_extents(diff, &(struct extents){old_tree, new_tree}, change, &comparable, err);
    if (rc < 0 || !comparable)
        return rc;
    rc = git_repository_odb(&odb, diff->repository);
    if (rc < 0)
        return source_git_error(err, rc, "cannot open the objects");
    struct differ differ = {.odb = odb, .files = change->files, .others = true, .measured = true, .err = err};
    const char *slash = strrchr(diff->root, '/');
    char *prefix CLEANUP_FREE = memory_strndup(diff->root, slash ? (size_t)(slash + 1 - diff->root) : 0);
    const struct place place = {.prefix = prefix};
    struct odb_tree_entry old;
    struct odb_tree_entry new;
    return compare_entries(&differ, &place, entry_of(old_entry, &old), entry_of(new_entry, &new));
}

static int diff_others(const struct source_root_diff *diff, const char *path,
                       struct source_root_change *change, struct error *err)
{
    git_tree_entry *old_entry CLEANUP(git_tree_entry_freep) = NULL;
    git_tree_entry *new_entry CLEANUP(git_tree_entry_freep) = NULL;
    int rc = entry_at(diff->repository, diff->old_commit, path, &old_entry, err);
    if (rc == 0)
        rc = entry_at(diff->repository, diff->new_commit, path, &new_entry, err);
    struct odb_tree_entry old;
    struct odb_tree_entry new;
    if (rc < 0 || (!old_entry && !new_entry) ||
        (old_entry && new_entry && is_same(entry_of(old_entry, &old), entry_of(new_entry, &new))))
        return rc;
    return diff_entries(diff, old_entry, new_entry, change, err);
}

static int diff_manifests(const struct source_root_diff *diff, const char *path,
                          struct source_root_change *change, struct error *err)
{
    git_tree *old_tree CLEANUP(git_tree_freep) = NULL;
    git_tree *new_tree CLEANUP(git_tree_freep) = NULL;
    struct source_file_vec found CLEANUP(source_file_vec_deinit) = {0};
    bool comparable = false;
    int rc = tree_at(diff->repository, diff->new_commit, path, &new_tree, err);
    if (rc == 0 && diff->old_commit)
        rc = tree_at(diff->repository, diff->old_commit, path, &old_tree, err);
    if (rc < 0 || are_same(old_tree, new_tree))
        return rc;
    rc = compare_extents(diff, &(struct extents){old_tree, new_tree}, change, &comparable, err);
    if (rc < 0 || !comparable)
        return rc;
    struct source_tree_diff trees = {diff->repository, old_tree ? git_tree_id(old_tree) : NULL,
                                     new_tree ? git_tree_id(new_tree) : NULL, diff->root, true};
    rc = source_tree_diff(&trees, &found, err);
    for (size_t i = 0; rc == 0 && i < found.len; i++) {
        vector_push(change->files, found.items[i]);
        found.items[i] = (struct source_file){0};
    }
    return rc;
}

int source_root_diff(const struct source_root_diff *diff, struct source_root_change *change,
                     struct error *err)
{
    assert(diff->new_commit && diff->root);
    char *path CLEANUP_FREE = source_root_path(diff->sub_path, diff->root);
    if (!path)
        return 0;
    return source_root_has_manifests(diff->root) ? diff_manifests(diff, path, change, err)
                                                 : diff_others(diff, path, change, err);
}

/* *tree becomes its child directory of that name, or zero. */
static int enter(git_odb *odb, git_oid *tree, const char *name, struct error *err)
{
    git_odb_object *parent CLEANUP(git_odb_object_freep) = NULL;
    struct odb_tree_pair pair;
    int rc = odb_tree_read(odb, tree, &parent);
    if (rc < 0)
        return source_git_error(err, rc, "cannot read the directory above %s", name);
    *tree = (git_oid){0};
    odb_tree_pair_init(&pair, NULL, parent);
    while ((rc = odb_tree_pair_next(&pair)) > 0)
        if (is_tree(pair.new_entry) && strcmp(pair.new_entry->name, name) == 0)
            *tree = *pair.new_entry->oid;
    return rc < 0 ? source_git_error(err, rc, "cannot read the directory above %s", name) : 0;
}

int source_tree_enter(struct git_repository *repository, const struct git_oid *root, const char *sub_path,
                      struct git_oid *ret_tree, struct error *err)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_oid tree = *root;
    int rc = git_repository_odb(&odb, repository);
    if (rc < 0)
        return source_git_error(err, rc, "cannot open the objects");
    char *path CLEANUP_FREE = memory_strdup(sub_path ? sub_path : "");
    char *rest = NULL;
    for (char *name = strtok_r(path, "/", &rest); name && !git_oid_is_zero(&tree);
         name = strtok_r(NULL, "/", &rest)) {
        rc = strcmp(name, ".") == 0 ? 0 : enter(odb, &tree, name, err);
        if (rc < 0)
            return rc;
    }
    *ret_tree = tree;
    return 0;
}
