#include "source/git.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "source/scan.h"

#include <assert.h>
#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMED_FILES   3 /* in a subject; more are counted */
#define SUBJECT_BYTES 1024
#define BLOCK_BYTES   65536

DEFINE_CLEANUP(git_commit, git_commit_free)
DEFINE_CLEANUP(git_tree, git_tree_free)
DEFINE_CLEANUP(git_index, git_index_free)
DEFINE_CLEANUP(git_signature, git_signature_free)

void source_snapshot_deinit(struct source_snapshot *snapshot)
{
    string_vec_deinit(&snapshot->directories);
    string_vec_deinit(&snapshot->extra);
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static int copy_stream(int fd, git_writestream *to)
{
    char *block CLEANUP_FREE = memory_alloc(BLOCK_BYTES);
    for (;;) {
        ssize_t len = read(fd, block, BLOCK_BYTES);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return GIT_ERROR;
        int rc = len ? to->write(to, block, (size_t)len) : 0;
        if (rc < 0 || !len)
            return rc;
    }
}

static int stream_blob(git_repository *mirror, const char *directory, const char *path, git_oid *ret_oid)
{
    int fd CLEANUP(close_fd) = source_scan_open(directory, path);
    git_writestream *stream = NULL;
    if (fd < 0)
        return GIT_ENOTFOUND; /* changed since it was found: the next look sees it as it is */
    int rc = git_blob_create_from_stream(&stream, mirror, NULL);
    if (rc < 0)
        return rc;
    rc = copy_stream(fd, stream);
    if (rc == 0)
        return git_blob_create_from_stream_commit(ret_oid, stream);
    stream->free(stream);
    return rc;
}

/* A file that is too large to be read stands in the tree with its true content, streamed. */
static int write_blob(git_repository *mirror, const char *directory, const struct source_file *file,
                      git_oid *ret_oid)
{
    if (!file->too_large)
        return git_blob_create_from_buffer(ret_oid, mirror, file->content, file->len);
    return stream_blob(mirror, directory, file->path, ret_oid);
}

/* In the snapshot a directory that is too large holds one empty file more than it may: so it is found to be
 * what it is, and what it holds is neither read nor kept. */
static int add_too_large(git_index *index, git_repository *mirror, const char *path)
{
    git_index_entry entry = {.mode = GIT_FILEMODE_BLOB};
    int rc = git_blob_create_from_buffer(&entry.id, mirror, "", 0);
    for (int i = 0; rc == 0 && i <= LIMIT_CONTAINER_FILES; i++) {
        char *one CLEANUP_FREE = memory_printf("%s/too large/%d", path, i);
        entry.path = one;
        rc = git_index_add(index, &entry);
    }
    return rc;
}

static int add_file(git_index *index, git_repository *mirror, const char *directory,
                    const struct source_file *file)
{
    git_index_entry entry = {.path = file->path, .file_size = (uint32_t)file->size_bytes};
    entry.mode = file->kind == SOURCE_SYMLINK ? GIT_FILEMODE_LINK
                 : file->executable           ? GIT_FILEMODE_BLOB_EXECUTABLE
                                              : GIT_FILEMODE_BLOB;
    int rc = write_blob(mirror, directory, file, &entry.id);
    return rc == 0 ? git_index_add(index, &entry) : rc;
}

static int write_tree(git_repository *mirror, const char *directory, const struct source_file_vec *files,
                      git_oid *ret_tree, struct error *err)
{
    git_index *index CLEANUP(git_index_freep) = NULL;
    int rc = git_index_new(&index);
    for (size_t i = 0; rc == 0 && i < files->len; i++)
        rc = files->items[i].kind == SOURCE_TOO_LARGE ? add_too_large(index, mirror, files->items[i].path)
                                                      : add_file(index, mirror, directory, &files->items[i]);
    if (rc == 0)
        rc = git_index_write_tree_to(ret_tree, index, mirror);
    return rc < 0 ? source_git_error_as(err, ERROR_UNAVAILABLE, "cannot write the snapshot of %s", directory)
                  : 0;
}

/* "snapshot: 3 files changed (web.yaml, db.yaml, ...)" */
static void make_subject(const struct source_file_vec *changed, struct buffer *subject)
{
    buffer_printf(subject, "snapshot: %zu file%s changed (", changed->len, text_plural(changed->len));
    for (size_t i = 0; i < changed->len && i < NAMED_FILES; i++) {
        if (strlen(changed->items[i].path) < SUBJECT_BYTES / (NAMED_FILES + 1) - 16)
            buffer_printf(subject, "%s%s", i ? ", " : "", changed->items[i].path);
    }
    buffer_append_str(subject, changed->len > NAMED_FILES ? ", ...)" : ")");
}

static int compare(git_repository *mirror, const git_oid *old_tree, const git_oid *new_tree,
                   struct buffer *subject, struct error *err)
{
    struct source_file_vec changed CLEANUP(source_file_vec_deinit) = {0};
    struct source_tree_diff diff = {mirror, old_tree, new_tree, NULL, false};
    int rc = source_tree_diff(&diff, &changed, err);
    if (rc == 0)
        make_subject(&changed, subject);
    return rc;
}

static int write_commit(git_repository *mirror, const git_oid *tree_oid, git_commit *parent,
                        char ret_tip[static COMMIT_OID_SIZE], struct error *err)
{
    git_tree *tree CLEANUP(git_tree_freep) = NULL;
    git_signature *davit CLEANUP(git_signature_freep) = NULL;
    struct buffer subject CLEANUP(buffer_deinit) = BUFFER_INIT(SUBJECT_BYTES);
    int rc = git_tree_lookup(&tree, mirror, tree_oid);
    if (rc == 0)
        rc = git_signature_now(&davit, "davit", "davit@localhost");
    if (rc < 0)
        return source_git_error(err, rc, "cannot read the mirror");
    rc = compare(mirror, parent ? git_commit_tree_id(parent) : NULL, tree_oid, &subject, err);
    if (rc < 0)
        return rc;
    git_oid oid;
    const git_commit *parents[] = {parent};
    rc = git_commit_create(&oid, mirror, NULL, davit, davit, "UTF-8", buffer_str(&subject), tree,
                           parent ? 1 : 0, parents);
    if (rc < 0)
        return source_git_error_as(err, ERROR_UNAVAILABLE, "cannot write a commit to the mirror");
    git_oid_tostr(ret_tip, COMMIT_OID_SIZE, &oid);
    return source_mirror_set_tip(mirror, ret_tip, err);
}

static int commit_files(git_repository *mirror, const char *directory, const struct source_file_vec *files,
                        struct source_snapshot *snapshot, struct error *err)
{
    git_oid tree;
    git_oid old;
    git_commit *parent CLEANUP(git_commit_freep) = NULL;
    int rc = write_tree(mirror, directory, files, &tree, err);
    if (rc == 0)
        rc = source_mirror_tip(mirror, snapshot->tip, err);
    if (rc < 0)
        return rc;
    if (*snapshot->tip) {
        rc = git_oid_fromstr(&old, snapshot->tip);
        if (rc == 0)
            rc = git_commit_lookup(&parent, mirror, &old);
        if (rc < 0)
            return source_git_error(err, rc, "cannot read the mirror");
        if (git_oid_equal(git_commit_tree_id(parent), &tree))
            return 0;
    }
    return write_commit(mirror, &tree, parent, snapshot->tip, err);
}

static struct digest digest_of_files(const struct source_file_vec *files)
{
    struct digest all = {0};
    for (size_t i = 0; i < files->len; i++) {
        const struct source_file *file = &files->items[i];
        int64_t traits[] = {file->kind, file->size_bytes, file->executable};
        struct digest parts[] = {
            digest_of_bytes(file->path, strlen(file->path)),
            digest_of_bytes(traits, sizeof traits),
            digest_of_bytes(file->content, file->len),
        };
        for (size_t n = 0; n < ARRAY_LEN(parts); n++)
            all = digest_combine(&all, &parts[n]);
    }
    return all;
}

/* Whether the mirror's tip is still what the same content led to. */
static bool is_known(git_repository *mirror, const struct digest *content,
                     const struct source_snapshot *snapshot)
{
    char tip[COMMIT_OID_SIZE];
    return digest_equal(content, &snapshot->content) && source_mirror_tip(mirror, tip, NULL) == 0 &&
           text_equal(tip, snapshot->tip);
}

int source_snapshot_take(struct git_repository *mirror, const char *directory, bool patient,
                         struct source_snapshot *snapshot, struct error *err)
{
    struct scan scan CLEANUP(source_scan_deinit) = {0};
    struct scan_options options = {
        .root = directory, .extra = &snapshot->extra, .still_ms = patient ? SOURCE_STILL_MS : 0};
    int rc = source_scan(&options, &scan, err);
    snapshot->directories = scan.directories;
    scan.directories = (struct string_vec){0};
    snapshot->busy = patient && scan.busy;
    if (snapshot->busy)
        return 0; /* an error may be due to the change that is under way */
    if (rc < 0)
        return rc;
    if (!scan.files.len)
        return error_set(err, ERROR_NOT_FOUND, "%s has no manifest (*.json, *.yaml, *.yml)", directory);
    struct digest content = digest_of_files(&scan.files);
    if (is_known(mirror, &content, snapshot))
        return 0;
    rc = commit_files(mirror, directory, &scan.files, snapshot, err);
    snapshot->content = rc == 0 ? content : (struct digest){0};
    return rc;
}
