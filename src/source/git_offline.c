#include "source/git.h"

#include "base/memory.h"
#include "base/text.h"
#include "odb/commit.h"
#include "odb/revision.h"
#include "source/origin.h"
#include "source/roots.h"
#include "source/scan.h"

#include <assert.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define GIT_CHARS (sizeof ".git" - 1)

DEFINE_CLEANUP(git_config, git_config_free)
DEFINE_CLEANUP(git_tree, git_tree_free)
DEFINE_CLEANUP(git_tree_entry, git_tree_entry_free)

/* A revision that was found, and the path of the wanted directory in its tree. */
struct place {
    git_repository *repository;
    char oid[COMMIT_OID_SIZE];
    char *path;
};

static void place_deinit(struct place *place)
{
    git_repository_free(place->repository);
    free(place->path);
}

/* repository_path may be a directory somewhere in a work tree. Both are made real, so that links do not
 * matter. */
static char *path_in_tree(git_repository *repository, const char *repository_path, const char *sub_path)
{
    const char *inner = "";
    char *work CLEANUP_FREE = NULL;
    char *here CLEANUP_FREE = realpath(repository_path, NULL);
    if (git_repository_workdir(repository))
        work = realpath(git_repository_workdir(repository), NULL);
    size_t len = work && strcmp(work, "/") != 0 ? strlen(work) : 0;
    if (here && work && text_starts_with(here, work) && (here[len] == '/' || !here[len]))
        inner = here + len;
    while (*inner == '/')
        inner++;
    if (strncmp(inner, ".git", GIT_CHARS) == 0 && (inner[GIT_CHARS] == '/' || !inner[GIT_CHARS]))
        inner = ""; /* the repository's own directory stands for its root */
    return memory_printf("%s%s%s", inner, *inner && sub_path ? "/" : "", sub_path ? sub_path : "");
}

char *source_path_in_repository(const char *file)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    char *real CLEANUP_FREE = realpath(file, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;
    char *directory CLEANUP_FREE = memory_strndup(slash ? real : "", slash ? (size_t)(slash - real) : 0);
    if (!*directory || git_repository_open_ext(&repository, directory, 0, NULL) < 0 ||
        !git_repository_workdir(repository))
        return memory_strdup(file);
    return path_in_tree(repository, real, NULL);
}

bool source_is_part_of_repository(const char *origin, char **ret_top, char **ret_path)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    git_tree *tree CLEANUP(git_tree_freep) = NULL;
    git_tree_entry *entry CLEANUP(git_tree_entry_freep) = NULL;
    git_oid oid;
    char hex[COMMIT_OID_SIZE];
    if (source_origin_is_remote(origin) || source_git_open_around(origin, &repository, NULL) < 0 ||
        !git_repository_workdir(repository))
        return false;
    char *path CLEANUP_FREE = path_in_tree(repository, origin, NULL);
    if (!*path || git_reference_name_to_id(&oid, repository, "HEAD") < 0 ||
        source_tree_of(repository, git_oid_tostr(hex, sizeof hex, &oid), &tree) < 0 ||
        git_tree_entry_bypath(&entry, tree, path) < 0 || git_tree_entry_type(entry) != GIT_OBJECT_TREE)
        return false;
    *ret_top = memory_strdup(git_repository_workdir(repository));
    size_t len = strlen(*ret_top);
    if (len > 1 && (*ret_top)[len - 1] == '/')
        (*ret_top)[len - 1] = '\0';
    *ret_path = TAKE(path);
    return true;
}

static int tell_no_revision(git_repository *repository, const char *revision, struct error *err)
{
    const char *remedy = git_repository_is_shallow(repository) == 1
                             ? ": the clone is shallow; git fetch --unshallow brings the rest "
                               "(fetch-depth: 0 of actions/checkout, GIT_DEPTH: 0 of GitLab)"
                             : "";
    return error_set(err, ERROR_NOT_FOUND, "there is no revision \"%s\"%s", revision, remedy);
}

static int find_place(const char *repository_path, const char *revision, const char *sub_path,
                      struct place *ret_place, struct error *err)
{
    git_oid oid;
    int rc = source_git_open_around(repository_path, &ret_place->repository, err);
    if (rc < 0)
        return rc;
    rc = odb_revision_find(ret_place->repository, revision, &oid);
    if (rc == GIT_ENOTFOUND)
        return tell_no_revision(ret_place->repository, revision, err);
    if (rc == 0)
        rc = odb_commit_peel(ret_place->repository, &oid, &oid);
    if (rc < 0)
        return source_git_error(err, rc, "\"%s\" is no commit", revision);
    git_oid_tostr(ret_place->oid, sizeof ret_place->oid, &oid);
    ret_place->path = path_in_tree(ret_place->repository, repository_path, sub_path);
    return 0;
}

static int is_any(const git_config_entry *entry, void *data)
{
    (void)entry;
    *(bool *)data = true;
    return 0;
}

/* An object that is not there has been left out by a partial clone, if it is one. */
static int explain(git_repository *repository, int rc, struct error *err)
{
    git_config *config CLEANUP(git_config_freep) = NULL;
    bool partial = false;
    if (rc != ERROR_IO || !err || git_repository_config_snapshot(&config, repository) < 0 ||
        git_config_foreach_match(config, "^remote\\..*\\.promisor$", is_any, &partial) < 0 || !partial)
        return rc;
    char *cause CLEANUP_FREE = memory_strdup(err->message);
    return error_set(err, rc,
                     "%s; the clone is partial: git fetch --refetch --no-filter brings what it has left out "
                     "(in CI, a checkout without filter)",
                     cause);
}

/* since: NULL for everything. */
static int read_revision(const struct source_tree_query *query, const char *since,
                         struct source_update *ret_update, struct error *err)
{
    struct place place CLEANUP(place_deinit) = {0};
    struct place base CLEANUP(place_deinit) = {0};
    int rc = find_place(query->repository_path, query->revision, query->sub_path, &place, err);
    if (rc == 0 && since)
        rc = find_place(query->repository_path, since, query->sub_path, &base, err);
    if (rc < 0)
        return rc;
    struct source_walk_plan plan = {
        .repository = place.repository,
        .tip = place.oid,
        .base = since ? base.oid : place.oid, /* only the newest */
        .sub_path = place.path,
        .roots = query->roots,
        .head_full = !since,
        .leaps = since != NULL,
    };
    struct source_walk *walk CLEANUP(source_walk_freep) = NULL;
    struct source_update_vec updates CLEANUP(source_update_vec_deinit) = {0};
    rc = source_walk_new(&plan, &walk, err);
    if (rc == 0)
        rc = source_walk_read(walk, &updates, err);
    if (rc < 0)
        return explain(place.repository, rc, err);
    assert(updates.len == 1);
    *ret_update = updates.items[0];
    ret_update->directory = memory_strdup(place.path);
    updates.len = 0;
    return 0;
}

static int set_oids(struct source_file_vec *files, struct error *err)
{
    for (size_t i = 0; i < files->len; i++) {
        struct source_file *file = &files->items[i];
        git_oid oid;
        if (!file->content)
            continue;
        int rc = git_odb_hash(&oid, file->content, file->len, GIT_OBJECT_BLOB);
        if (rc < 0)
            return source_git_error(err, rc, "cannot hash %s", file->path);
        git_oid_tostr(file->oid, sizeof file->oid, &oid);
        if (file->other && file->kind == SOURCE_FILE && source_is_lfs_pointer(file->content, file->len))
            file->kind = SOURCE_LFS;
        bool looked_into = file->kind == SOURCE_FILE && text_ends_with(file->path, ".env");
        if ((file->other && !looked_into) || file->kind == SOURCE_SYMLINK) {
            free(TAKE(file->content));
            file->len = 0;
        }
    }
    return 0;
}

/* Where files are read from: what is above `top` is out of reach. */
struct reach {
    char *top;
    char *path; /* of the manifests, below it */
    bool in_repository;
};

static void reach_deinit(struct reach *reach)
{
    free(reach->top);
    free(reach->path);
}

static void find_reach(const struct source_tree_query *query, struct reach *ret_reach)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    ret_reach->in_repository = git_repository_open_ext(&repository, query->repository_path, 0, NULL) == 0;
    const char *work = ret_reach->in_repository ? git_repository_workdir(repository) : NULL;
    ret_reach->top = memory_strdup(work ? work : query->repository_path);
    ret_reach->path = work ? path_in_tree(repository, query->repository_path, query->sub_path)
                           : memory_strdup(query->sub_path ? query->sub_path : "");
}

/* Takes the files over, with `to` in the place of the first `from_len` bytes of their paths. */
static void move_files(struct source_file_vec *from, size_t from_len, const char *to,
                       struct source_file_vec *files)
{
    for (size_t i = 0; i < from->len; i++) {
        struct source_file *file = &from->items[i];
        char *path = memory_printf("%s%s", to, file->path + from_len);
        free(file->path);
        file->path = path;
        vector_push(files, *file);
    }
    from->len = 0;
}

/* No link on the way: it may lead out of the repository. */
static bool is_within(const struct reach *reach, const char *path)
{
    char *joined CLEANUP_FREE = memory_printf("%s/%s", reach->top, path);
    char *top CLEANUP_FREE = realpath(reach->top, NULL);
    char *real CLEANUP_FREE = realpath(joined, NULL);
    char *plain CLEANUP_FREE = memory_printf("%s%s%s", top ? top : "", *path ? "/" : "", path);
    return real && strcmp(real, plain) == 0;
}

static int scan_manifests(const struct reach *reach, const char *path, struct scan *scan, struct error *err)
{
    if (!is_within(reach, path))
        return 0;
    char *directory CLEANUP_FREE = memory_printf("%s/%s", reach->top, path);
    struct scan_options options = {.root = directory, .skip_repositories = reach->in_repository};
    int rc = source_scan(&options, scan, err);
    if (rc != ERROR_NOT_FOUND && rc != ERROR_LIMIT)
        return rc;
    if (err)
        *err = ERROR_INIT;
    source_file_vec_deinit(&scan->files);
    if (rc == ERROR_LIMIT)
        vector_push(&scan->files,
                    (struct source_file){.path = memory_strdup(""), .kind = SOURCE_TOO_LARGE, .other = true});
    return 0;
}

static int scan_root(const struct reach *reach, const char *root, struct source_file_vec *files,
                     struct error *err)
{
    struct scan scan CLEANUP(source_scan_deinit) = {0};
    char *path CLEANUP_FREE = source_root_path(reach->path, root);
    if (!path)
        return 0;
    bool has_manifests = source_root_has_manifests(root);
    struct string_vec extra = {&path, 1, 1};
    struct scan_options options = {.root = reach->top, .extra = &extra, .others_only = true};
    int rc = has_manifests ? scan_manifests(reach, path, &scan, err) : source_scan(&options, &scan, err);
    move_files(&scan.files, has_manifests ? 0 : strlen(path), root, files);
    return rc;
}

static int read_files(const struct source_tree_query *query, struct source_update *ret_update,
                      struct error *err)
{
    const char *sub_path = query->sub_path && *query->sub_path ? query->sub_path : NULL;
    char *root CLEANUP_FREE =
        memory_printf("%s%s%s", query->repository_path, sub_path ? "/" : "", sub_path ? sub_path : "");
    struct reach reach CLEANUP(reach_deinit) = {0};
    struct scan scan CLEANUP(source_scan_deinit) = {0};
    find_reach(query, &reach);
    struct scan_options options = {.root = root, .skip_repositories = reach.in_repository};
    int rc = source_scan(&options, &scan, err);
    for (size_t i = 0; rc == 0 && query->roots && i < query->roots->len; i++)
        rc = scan_root(&reach, query->roots->items[i], &scan.files, err);
    if (rc == 0)
        rc = set_oids(&scan.files, err);
    if (rc < 0)
        return rc;
    source_file_vec_sort(&scan.files);
    *ret_update = (struct source_update){.head = true,
                                         .full = true,
                                         .files = scan.files,
                                         .levels = source_path_levels(reach.path),
                                         .directory = memory_strdup(reach.path),
                                         .no_repository = !reach.in_repository};
    ret_update->commit.author = memory_strdup("");
    ret_update->commit.subject = memory_strdup("working directory");
    scan.files = (struct source_file_vec){0};
    return 0;
}

int source_read_tree(const struct source_tree_query *query, struct source_update *ret_update,
                     struct error *err)
{
    struct source_tree_query whole = *query;
    if (whole.sub_path && !*whole.sub_path)
        whole.sub_path = NULL;
    return whole.revision ? read_revision(&whole, NULL, ret_update, err)
                          : read_files(&whole, ret_update, err);
}

int source_read_difference(const struct source_tree_query *query, const char *since,
                           struct source_update *ret_update, struct error *err)
{
    assert(query->revision && since);
    struct source_tree_query whole = *query;
    if (whole.sub_path && !*whole.sub_path)
        whole.sub_path = NULL;
    return read_revision(&whole, since, ret_update, err);
}

int source_history(const struct source_history_query *query, struct error *err)
{
    struct place place CLEANUP(place_deinit) = {0};
    const char *revision = query->revision ? query->revision : "HEAD";
    int rc = find_place(query->repository_path, revision, query->sub_path, &place, err);
    if (rc < 0)
        return rc;
    struct source_walk_plan plan = {
        .repository = place.repository, .tip = place.oid, .sub_path = place.path, .roots = query->roots};
    struct source_walk *walk CLEANUP(source_walk_freep) = NULL;
    rc = source_walk_new(&plan, &walk, err);
    while (rc == 0 && !source_walk_is_done(walk)) {
        struct source_update_vec updates CLEANUP(source_update_vec_deinit) = {0};
        rc = source_walk_read(walk, &updates, err);
        for (size_t i = 0; rc == 0 && i < updates.len; i++)
            rc = query->on_update(query->data, &updates.items[i]);
    }
    return rc;
}
