#include "source/git.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "odb/commit.h"
#include "odb/guard.h"

#include <assert.h>
#include <git2.h>
#include <git2/sys/repository.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_URL          "file://"

#define CACHED_TREE_BYTES ((size_t)64 * 1024) /* a thousand files in a directory */
#define CACHE_BYTES       ((ssize_t)4 * 1024 * 1024)

DEFINE_CLEANUP(git_odb, git_odb_free)

/* With `path` NULL as git finds them. */
static int set_configuration(const char *path)
{
    static const git_config_level_t levels[] = {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
                                                GIT_CONFIG_LEVEL_GLOBAL};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(levels); i++)
        rc = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], path);
    return rc;
}

int source_library_configure(struct error *err)
{
    int rc = set_configuration(NULL);
    return rc < 0 ? source_git_error(err, rc, "libgit2 refuses an option") : 0;
}

/* Going along a history, the trees of one commit are read once more as those before the next one. By default
 * trees over 4 KiB are not kept, and the rest until it comes to 256 MiB. Commits are read once, and many
 * small objects make libgit2 (1.5) slow to find which ones to let go. */
static int set_cache(void)
{
    int rc = git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_COMMIT, (size_t)0);
    if (rc == 0)
        rc = git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_TREE, CACHED_TREE_BYTES);
    return rc < 0 ? rc : git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, CACHE_BYTES);
}

int source_library_init(struct error *err)
{
    int rc = git_libgit2_init();
    if (rc < 0)
        return source_git_error(err, rc, "libgit2 does not start");
    /* Objects are only read, no hook and no command of a config runs: whose repository it is does not matter.
     */
    rc = git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    /* A person's settings have no say in what davit reads and saves, nor does a mistake in them. */
    if (rc == 0)
        rc = set_configuration("");
    if (rc == 0)
        rc = set_cache();
    return rc < 0 ? source_git_error(err, rc, "libgit2 refuses an option") : 0;
}

void source_library_hash_objects(bool hash)
{
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, (int)hash);
}

void source_library_deinit(void)
{
    git_libgit2_shutdown();
}

static int code_of(int rc)
{
    switch (rc) {
    case GIT_EINVALIDSPEC:
    case GIT_EAMBIGUOUS:
        return ERROR_INVALID;
    case GIT_EAUTH:
    case GIT_ECERTIFICATE:
        return ERROR_DENIED;
    default:
        return ERROR_IO;
    }
}

__attribute__((format(printf, 3, 0))) static int set_error(struct error *err, int code, const char *format,
                                                           va_list ap)
{
    char context[LIMIT_ERROR_CHARS];
    vsnprintf(context, sizeof context, format, ap);
    const git_error *last = git_error_last();
    char *cause CLEANUP_FREE = last && last->message ? source_git_text(last->message) : NULL;
    return error_set(err, code, "%s%s%s", context, cause ? ": " : "", cause ? cause : "");
}

int source_git_error(struct error *err, int rc, const char *format, ...)
{
    assert(rc < 0);
    va_list ap;
    va_start(ap, format);
    int code = set_error(err, code_of(rc), format, ap);
    va_end(ap);
    return code;
}

int source_git_error_as(struct error *err, int code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    set_error(err, code, format, ap);
    va_end(ap);
    return code;
}

int source_git_open_error(const char *path, int code, struct error *err)
{
    const git_error *last = git_error_last();
    if (last && strstr(last->message, "objectformat"))
        return error_set(err, ERROR_UNSUPPORTED,
                         "the repository %s has SHA-256 ids (extensions.objectFormat), which davit does not "
                         "read: git init --object-format=sha1 makes one that it does",
                         path);
    return source_git_error_as(err, code, "cannot open the repository %s", path);
}

int source_git_guard(struct git_repository *repository, struct error *err)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_buf path = GIT_BUF_INIT;
    /* git_repository_odb() leaks its database where the directory has gone meanwhile (1.5). */
    int rc = git_repository_item_path(&path, repository, GIT_REPOSITORY_ITEM_OBJECTS);
    if (rc == 0)
        rc = git_odb_open(&odb, path.ptr);
    git_buf_dispose(&path);
    if (rc == 0)
        rc = odb_guard_add(odb, git_repository_commondir(repository));
    if (rc == 0)
        rc = git_repository_set_odb(repository, odb);
    return rc < 0 ? source_git_error(err, rc, "cannot open the objects") : 0;
}

int source_git_open_url(const char *url, git_repository **ret_repository, struct error *err)
{
    if (!text_starts_with(url, FILE_URL))
        return error_set(err, ERROR_UNSUPPORTED, "the repository is not on this machine");
    const char *path = url + strlen(FILE_URL);
    int rc = git_repository_open_ext(ret_repository, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
    return rc < 0 ? source_git_open_error(path, ERROR_IO, err) : source_git_guard(*ret_repository, err);
}

int source_git_open_around(const char *path, struct git_repository **ret_repository, struct error *err)
{
    int rc = git_repository_open_ext(ret_repository, path, 0, NULL);
    if (rc == GIT_ENOTFOUND)
        return error_set(err, ERROR_NOT_FOUND, "%s is in no git repository", path);
    return rc < 0 ? source_git_open_error(path, ERROR_NOT_FOUND, err)
                  : source_git_guard(*ret_repository, err);
}

char *source_git_text(const char *text)
{
    char *copy = memory_strdup(text ? text : "");
    text_mend_utf8(copy);
    return copy;
}

int source_commit_error(const struct git_oid *oid, int rc, struct error *err)
{
    char hex[COMMIT_OID_SIZE];
    return source_git_error(err, rc, "cannot read commit %.12s (git fsck tells more)",
                            git_oid_tostr(hex, sizeof hex, oid));
}

int source_commit_read(struct git_repository *repository, const struct git_oid *oid,
                       struct odb_commit *ret_commit, struct error *err)
{
    int rc = odb_commit_read(repository, oid, ret_commit);
    return rc < 0 ? source_commit_error(oid, rc, err) : 0;
}

bool source_is_manifest_name(const char *name)
{
    static const char *const endings[] = {".json", ".yaml", ".yml"};
    if (name[0] == '.')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        if (text_ends_with(name, endings[i]))
            return true;
    }
    return false;
}

bool source_is_lfs_pointer(const char *content, size_t len)
{
    static const char start[] = "version https://git-lfs.github.com/spec/";
    return len >= sizeof start - 1 && len <= SOURCE_LFS_POINTER_BYTES &&
           memcmp(content, start, sizeof start - 1) == 0;
}

void source_git_repository_free(struct git_repository *repository)
{
    git_repository_free(repository);
}

void source_file_vec_deinit(struct source_file_vec *files)
{
    for (size_t i = 0; i < files->len; i++) {
        free(files->items[i].path);
        free(files->items[i].content);
    }
    vector_deinit(files);
}

static int compare_paths(const void *a, const void *b)
{
    const struct source_file *left = a;
    const struct source_file *right = b;
    int order = strcmp(left->path, right->path);
    return order ? order : left->other - right->other;
}

void source_file_vec_sort(struct source_file_vec *files)
{
    vector_sort(files, compare_paths);
}

int64_t source_files_bytes(const struct source_file_vec *files)
{
    int64_t sum = 0;
    for (size_t i = 0; i < files->len; i++)
        sum += (int64_t)files->items[i].len;
    return sum;
}

void source_update_deinit(struct source_update *update)
{
    commit_deinit(&update->commit);
    free(update->directory);
    source_file_vec_deinit(&update->files);
    memset(update, 0, sizeof *update);
}

void source_update_vec_deinit(struct source_update_vec *updates)
{
    for (size_t i = 0; i < updates->len; i++)
        source_update_deinit(&updates->items[i]);
    vector_deinit(updates);
}

bool source_commit_contains(git_repository *repository, const git_oid *tip, const git_oid *ancestor)
{
    int rc = git_oid_equal(tip, ancestor) ? 1 : git_graph_descendant_of(repository, tip, ancestor);
    /* libgit2 is faster, but does not get past a malformed commit. */
    return rc < 0 ? odb_commit_contains(repository, tip, ancestor, LIMIT_HISTORY_COMMITS) : rc == 1;
}

int source_tree_of(git_repository *repository, const char *oid, git_tree **ret_tree)
{
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    git_oid id;
    int rc = git_oid_fromstr(&id, oid);
    if (rc == 0)
        rc = odb_commit_read(repository, &id, &commit);
    return rc < 0 ? rc : git_tree_lookup(ret_tree, repository, &commit.tree);
}
