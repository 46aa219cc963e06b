#include "history/git_store.h"

#include "history/git_hold.h"
#include "odb/file.h"
#include "odb/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AUTHOR_NAME    "davit"
#define AUTHOR_MAIL    "davit@localhost"
#define LOG_TAIL_BYTES 65536 /* of the reflog that is looked at: some 400 saves */

int history_store_error(const char *path, const char *what, struct error *err)
{
    const char *cause = errno ? strerror(errno) : "unknown cause";
    const git_error *last = git_error_last();
    return error_set(err, ERROR_IO, "history: %s in %s: %s", what, path, last ? last->message : cause);
}

/* --- repository ----------------------------------------------------------------------------------------- */

static int create(git_repository **ret_repo, const char *path, struct error *err)
{
    git_repository_init_options options;
    git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
    options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
    options.mode = 0700;
    git_repository *repo = NULL;
    if (git_repository_init_ext(&repo, path, &options) < 0)
        return history_store_error(path, "cannot make a repository", err);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || syncfs(fd) < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (failed) {
        git_repository_free(repo);
        return error_set(err, ERROR_IO, "history: cannot sync %s: %s", path, strerror(failed));
    }
    *ret_repo = repo;
    return 0;
}

int history_store_init(struct history_store *store, const char *path, bool make, struct error *err)
{
    *store = (struct history_store){0};
    git_repository *repo = NULL;
    int status = git_repository_open_bare(&repo, path);
    if (status == GIT_ENOTFOUND && make)
        status = create(&repo, path, err);
    else if (status == GIT_ENOTFOUND)
        status = error_set(err, ERROR_NOT_FOUND, "history: no repository at %s", path);
    else if (status < 0)
        status = history_store_error(path, "cannot open the repository", err);
    if (status < 0)
        return status;
    store->repo = repo;
    store->path = memory_strdup(git_repository_path(repo));
    if (git_repository_odb(&store->odb, repo) < 0 || odb_guard_add(store->odb, store->path) < 0) {
        status = history_store_error(path, "cannot open the repository", err);
        history_store_deinit(store);
        return status;
    }
    return 0;
}

int history_store_reopen(struct history_store *store, struct error *err)
{
    git_repository *repo CLEANUP(git_repository_freep) = NULL;
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    history_hold_drop(store);
    if (git_repository_open_bare(&repo, store->path) < 0 || git_repository_odb(&odb, repo) < 0 ||
        odb_guard_add(odb, store->path) < 0)
        return history_store_error(store->path, "cannot open the repository", err);
    git_odb_free(store->odb);
    git_repository_free(store->repo);
    store->odb = TAKE(odb);
    store->repo = TAKE(repo);
    return 0;
}

void history_store_deinit(struct history_store *store)
{
    history_hold_drop(store);
    vector_deinit(&store->written);
    git_odb_free(store->odb);
    git_repository_free(store->repo);
    free(store->path);
    *store = (struct history_store){0};
}

/* --- objects -------------------------------------------------------------------------------------------- */

/* libgit2 reads no further once it met a damaged file, though a pack has the object. */
static void remove_damaged(const struct history_store *store, const git_oid *oid)
{
    char *path CLEANUP_FREE = odb_guard_loose_path(store->path, oid);
    if (!odb_guard_is_whole(path))
        unlink(path);
}

int history_store_blob(struct history_store *store, const char *data, git_oid *ret_oid, struct error *err)
{
    if (git_blob_create_from_buffer(ret_oid, store->writer, data, strlen(data)) < 0)
        return history_store_error(store->path, "cannot write an entry", err);
    remove_damaged(store, ret_oid);
    vector_push(&store->written, *ret_oid);
    return 0;
}

int history_store_tree(struct history_store *store, git_treebuilder *builder, git_oid *ret_oid,
                       struct error *err)
{
    if (git_treebuilder_write(ret_oid, builder) < 0)
        return history_store_error(store->path, "cannot write a tree", err);
    remove_damaged(store, ret_oid);
    vector_push(&store->written, *ret_oid);
    return 0;
}

int history_store_commit(struct history_store *store, const struct history_commit *commit, git_oid *ret_oid,
                         struct error *err)
{
    git_tree *tree CLEANUP(git_tree_freep) = NULL;
    git_commit *parent CLEANUP(git_commit_freep) = NULL;
    git_signature *who CLEANUP(git_signature_freep) = NULL;
    if (git_tree_lookup(&tree, store->writer, commit->tree) < 0 ||
        (commit->parent && git_commit_lookup(&parent, store->writer, commit->parent) < 0) ||
        git_signature_new(&who, AUTHOR_NAME, AUTHOR_MAIL, commit->time_s, 0) < 0)
        return history_store_error(store->path, "cannot make a commit", err);
    const git_commit *parents[] = {parent};
    if (git_commit_create(ret_oid, store->writer, NULL, who, who, NULL, commit->message, tree, parent ? 1 : 0,
                          parents) < 0)
        return history_store_error(store->path, "cannot write a commit", err);
    vector_push(&store->written, *ret_oid);
    return 0;
}

/* --- ref ------------------------------------------------------------------------------------------------ */

void history_store_ref(const struct history_store *store, struct history_ref *ret_ref)
{
    *ret_ref = (struct history_ref){0};
    int status = git_reference_name_to_id(&ret_ref->oid, store->repo, HISTORY_REF);
    if (status == GIT_ENOTFOUND)
        ret_ref->state = HISTORY_REF_ABSENT;
    else
        ret_ref->state = status < 0 ? HISTORY_REF_DAMAGED : HISTORY_REF_AT;
}

static bool same_ref(const struct history_ref *a, const struct history_ref *b)
{
    return a->state == b->state && (a->state != HISTORY_REF_AT || git_oid_equal(&a->oid, &b->oid));
}

/* Fills the lock file that becomes the ref. */
static int write_lock(const char *path, const git_oid *to, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST)
        return error_set(err, ERROR_CONFLICT,
                         "history: %s exists: another git is writing the ref, or died at it; if none runs, "
                         "remove that file",
                         path);
    if (fd < 0)
        return error_set(err, ERROR_IO, "history: cannot make %s: %s", path, strerror(errno));
    char line[GIT_OID_HEXSZ + 2];
    git_oid_tostr(line, sizeof line, to);
    line[GIT_OID_HEXSZ] = '\n';
    errno = ENOSPC; /* what a short write means */
    bool written = write(fd, line, GIT_OID_HEXSZ + 1) == GIT_OID_HEXSZ + 1;
    int failed = errno;
    close(fd);
    if (written)
        return 0;
    unlink(path);
    return error_set(err, ERROR_IO, "history: cannot write %s: %s", path, strerror(failed));
}

/* Before the ref: it, and that the packs have their names. */
static int sync_before(const struct history_store *store, const char *lock, struct error *err)
{
    char *packs CLEANUP_FREE = memory_printf("%sobjects/pack", store->path);
    const char *const paths[] = {packs, lock};
    struct error cause = ERROR_INIT;
    if (odb_file_sync_all(paths, ARRAY_LEN(paths), &cause) == 0)
        return 0;
    unlink(lock);
    return error_set(err, ERROR_IO, "history: %s", cause.message);
}

static int make_dirs(const struct history_store *store, const char *dir, struct error *err)
{
    char *path CLEANUP_FREE = memory_printf("%s%s", store->path, dir);
    for (char *slash = path + strlen(store->path); slash; slash = strchr(slash + 1, '/')) {
        if (*slash != '/')
            continue;
        *slash = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return error_set(err, ERROR_IO, "history: cannot make %s: %s", path, strerror(errno));
        int status = odb_file_sync_parent(path, err);
        if (status < 0)
            return status;
        *slash = '/';
    }
    return 0;
}

int history_store_move_ref(struct history_store *store, struct history_ref *ref, const git_oid *to,
                           struct error *err)
{
    char *path CLEANUP_FREE = memory_printf("%s" HISTORY_REF, store->path);
    char *lock CLEANUP_FREE = memory_printf("%s.lock", path);
    int status = access(path, F_OK) < 0 ? make_dirs(store, HISTORY_REF, err) : 0;
    if (status == 0)
        status = write_lock(lock, to, err);
    if (status == 0)
        status = sync_before(store, lock, err);
    if (status < 0)
        return status;
    struct history_ref now;
    history_store_ref(store, &now);
    if (!same_ref(&now, ref)) {
        unlink(lock);
        return error_set(err, ERROR_CONFLICT,
                         "history: " HISTORY_REF " of %s was moved by someone else: another davit, or a "
                         "person; see to it that only this davit writes there, then start it again: it goes "
                         "on from what the ref says",
                         store->path);
    }
    if (rename(lock, path) < 0) {
        int failed = errno;
        unlink(lock);
        return error_set(err, ERROR_IO, "history: cannot write %s: %s", path, strerror(failed));
    }
    *ref = (struct history_ref){.state = HISTORY_REF_AT, .oid = *to};
    return odb_file_sync_parent(path, err);
}

void history_store_break_lock(struct history_store *store)
{
    char *lock CLEANUP_FREE = memory_printf("%s" HISTORY_REF ".lock", store->path);
    unlink(lock);
}

/* --- reflog --------------------------------------------------------------------------------------------- */

static char *log_path(const struct history_store *store)
{
    return memory_printf("%slogs/" HISTORY_REF, store->path);
}

void history_store_log(struct history_store *store, const git_oid *from, const git_oid *to, git_time_t time_s)
{
    char *path CLEANUP_FREE = log_path(store);
    if (access(path, F_OK) < 0 && make_dirs(store, "logs/" HISTORY_REF, NULL) < 0)
        return;
    char old[GIT_OID_HEXSZ + 1] = "0000000000000000000000000000000000000000";
    char new[GIT_OID_HEXSZ + 1];
    if (from)
        git_oid_tostr(old, sizeof old, from);
    git_oid_tostr(new, sizeof new, to);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    dprintf(fd, "%s %s " AUTHOR_NAME " <" AUTHOR_MAIL "> %" PRId64 " +0000\tsave\n", old, new,
            (int64_t)time_s);
    close(fd);
}

void history_store_log_clear(struct history_store *store)
{
    char *path CLEANUP_FREE = log_path(store);
    unlink(path);
}

/* The new id of a line "old new who". */
static bool parse_log_line(const char *line, git_oid *ret_oid)
{
    return strnlen(line, 2 * GIT_OID_HEXSZ + 2) == 2 * GIT_OID_HEXSZ + 2 && line[GIT_OID_HEXSZ] == ' ' &&
           line[2 * GIT_OID_HEXSZ + 1] == ' ' && git_oid_fromstr(ret_oid, line + GIT_OID_HEXSZ + 1) == 0;
}

void history_store_log_read(const struct history_store *store, struct oid_vec *ret_oids)
{
    *ret_oids = (struct oid_vec){0};
    char *path CLEANUP_FREE = log_path(store);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    char *tail CLEANUP_FREE = memory_alloc(LOG_TAIL_BYTES + 1);
    off_t end = lseek(fd, 0, SEEK_END);
    ssize_t len = pread(fd, tail, LOG_TAIL_BYTES, end > LOG_TAIL_BYTES ? end - LOG_TAIL_BYTES : 0);
    close(fd);
    tail[len > 0 ? len : 0] = '\0';
    for (char *newline; (newline = strrchr(tail, '\n'));) {
        *newline = '\0';
        const char *before = strrchr(tail, '\n');
        git_oid oid;
        if (parse_log_line(before ? before + 1 : tail, &oid))
            vector_push(ret_oids, oid);
    }
}
