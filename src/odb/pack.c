#include "odb/pack.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "odb/file.h"
#include "odb/guard.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_ENTRY_BYTES 28 /* of an index without offsets beyond 2 GiB */
#define LOOSE_DIRECTORIES 256
#define PACK_HEAD_BYTES   12
#define PIECE_BYTES       ((size_t)256 * 1024)

static void closedirp(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

int odb_error(const char *path, const char *what, struct error *err)
{
    const char *cause = errno ? strerror(errno) : "unknown cause";
    const git_error *last = git_error_last();
    return error_set(err, ERROR_IO, "%s in %s: %s", what, path, last ? last->message : cause);
}

/* --- loose objects -------------------------------------------------------------------------------------- */

static void list_loose_dir(const char *path, unsigned first, struct oid_vec *oids)
{
    char *name CLEANUP_FREE = memory_printf("%sobjects/%02x", path, first);
    DIR *dir CLEANUP(closedirp) = opendir(name);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char *hex CLEANUP_FREE = memory_printf("%02x%s", first, entry->d_name);
        git_oid oid;
        if (strlen(hex) == GIT_OID_HEXSZ && git_oid_fromstr(&oid, hex) == 0)
            vector_push(oids, oid);
    }
}

void odb_loose_list(const char *path, struct oid_vec *oids)
{
    for (unsigned first = 0; first < LOOSE_DIRECTORIES; first++)
        list_loose_dir(path, first, oids);
}

/* The names are digests, so that one directory speaks for all. git looks at the same one. */
bool odb_loose_exceed(const char *path, size_t objects)
{
    struct oid_vec some = {0};
    list_loose_dir(path, 0x17, &some);
    size_t len = some.len;
    vector_deinit(&some);
    return len * LOOSE_DIRECTORIES > objects;
}

void odb_loose_remove(const char *path, const struct oid_vec *oids)
{
    for (size_t i = 0; i < oids->len; i++) {
        char *file CLEANUP_FREE = odb_guard_loose_path(path, &oids->items[i]);
        unlink(file);
    }
}

/* --- writing a pack ------------------------------------------------------------------------------------- */

int odb_pack_begin(const char *path, git_repository *from, git_packbuilder **ret_builder, struct error *err)
{
    if (git_packbuilder_new(ret_builder, from) < 0)
        return odb_error(path, "cannot begin a pack", err);
    git_packbuilder_set_threads(*ret_builder, 1);
    return 0;
}

int odb_pack_insert(const char *path, git_packbuilder *builder, const struct oid_vec *oids, struct error *err)
{
    for (size_t i = 0; i < oids->len; i++)
        if (git_packbuilder_insert(builder, &oids->items[i], NULL) < 0)
            return odb_error(path, "cannot pack an object", err);
    return 0;
}

/* Syncs what is staged and gives it its place, the index last: git looks for that. The name is another every
 * time and not for an error. */
static int move_staged(const char *path, const char *staging, const char *name, struct error *err)
{
    char *pack CLEANUP_FREE = memory_printf("%s%s%s.pack", path, staging, name);
    char *index CLEANUP_FREE = memory_printf("%s%s%s.idx", path, staging, name);
    char *to_pack CLEANUP_FREE = memory_printf("%sobjects/pack/%s.pack", path, name);
    char *to_index CLEANUP_FREE = memory_printf("%sobjects/pack/%s.idx", path, name);
    const char *const staged[] = {pack, index};
    struct error cause = ERROR_INIT;
    if (odb_file_sync_all(staged, ARRAY_LEN(staged), &cause) < 0 || rename(pack, to_pack) < 0 ||
        rename(index, to_index) < 0)
        return error_set(err, ERROR_IO, "cannot place a pack in %sobjects/pack: %s", path, strerror(errno));
    return 0;
}

/* Removes what killed writers left in the staging directory, which stays: making it anew costs every save. */
static void clear_staging(const char *staging)
{
    DIR *dir CLEANUP(closedirp) = opendir(staging);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
}

static int make_directory(const char *path, mode_t mode, struct error *err)
{
    struct stat st;
    if (mkdir(path, mode) == 0 || (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
        return 0;
    return error_set(err, ERROR_IO, "cannot make the directory %s: %s", path, strerror(errno));
}

struct stream {
    git_indexer *indexer;
    git_indexer_progress progress;
    struct buffer piece;
};

static void stream_deinit(struct stream *stream)
{
    git_indexer_free(stream->indexer);
    buffer_deinit(&stream->piece);
}

static int stream_flush(struct stream *stream)
{
    int status =
        git_indexer_append(stream->indexer, buffer_str(&stream->piece), stream->piece.len, &stream->progress);
    buffer_clear(&stream->piece);
    return status;
}

static int stream_append(void *data, size_t size, void *payload)
{
    struct stream *stream = payload;
    if (stream->piece.len + size > PIECE_BYTES && stream->piece.len && stream_flush(stream) < 0)
        return -1;
    if (size > PIECE_BYTES)
        return git_indexer_append(stream->indexer, data, size, &stream->progress);
    buffer_append(&stream->piece, data, size);
    return 0;
}

/* git_packbuilder_write() does the same with a piece for every few bytes, and the indexer maps the whole file
 * anew for each: a third of the time that 20,000 objects take. */
int odb_pack_build(const char *directory, unsigned mode, git_packbuilder *builder,
                   char ret_name[static ODB_PACK_NAME_SIZE])
{
    struct stream stream CLEANUP(stream_deinit) = {.piece = BUFFER_INIT(PIECE_BYTES)};
    int status = git_indexer_new(&stream.indexer, directory, mode, NULL, NULL);
    if (status == 0)
        status = git_packbuilder_foreach(builder, stream_append, &stream);
    if (status == 0)
        status = stream_flush(&stream);
    if (status == 0)
        status = git_indexer_commit(stream.indexer, &stream.progress);
    if (status == 0)
        snprintf(ret_name, ODB_PACK_NAME_SIZE, "pack-%s", git_indexer_name(stream.indexer));
    return status;
}

/* --- a pack that another repository has ------------------------------------------------------------------
 */

static void fclosep(FILE **file)
{
    if (*file)
        fclose(*file);
}

bool odb_pack_measure(const char *path, const char *name, struct odb_pack_size *ret_size)
{
    unsigned char head[PACK_HEAD_BYTES]; /* "PACK", version, number of objects: gitformat-pack(5) */
    struct stat st;
    char *file CLEANUP_FREE = memory_printf("%sobjects/pack/%s.pack", path, name);
    FILE *pack CLEANUP(fclosep) = fopen(file, "re");
    if (!pack || fstat(fileno(pack), &st) < 0 || fread(head, 1, sizeof head, pack) != sizeof head)
        return false;
    ret_size->objects =
        (size_t)head[8] << 24 | (size_t)head[9] << 16 | (size_t)head[10] << 8 | (size_t)head[11];
    ret_size->bytes = st.st_size;
    return true;
}

static int index_file(git_indexer *indexer, FILE *pack)
{
    char *piece CLEANUP_FREE = memory_alloc(PIECE_BYTES);
    git_indexer_progress progress = {0};
    int status = 0;
    for (size_t len; status == 0 && (len = fread(piece, 1, PIECE_BYTES, pack)) > 0;)
        status = git_indexer_append(indexer, piece, len, &progress);
    return status < 0 || ferror(pack) ? GIT_ERROR : git_indexer_commit(indexer, &progress);
}

int odb_pack_copy(const char *path, const char *name, const char *directory)
{
    char *file CLEANUP_FREE = memory_printf("%sobjects/pack/%s.pack", path, name);
    FILE *pack CLEANUP(fclosep) = fopen(file, "re");
    git_indexer *indexer = NULL;
    if (!pack || git_indexer_new(&indexer, directory, 0444, NULL, NULL) < 0)
        return GIT_ERROR;
    int status = index_file(indexer, pack);
    git_indexer_free(indexer);
    return status;
}

/* --- packs with their directory ------------------------------------------------------------------------- */

/* libgit2 builds the pack aside; it gets its name when it is synced. */
static int build(const char *path, const char *staging, git_packbuilder *builder,
                 char ret_name[static ODB_PACK_NAME_SIZE], struct error *err)
{
    char *aside CLEANUP_FREE = memory_printf("%s%s", path, staging);
    if (odb_pack_build(aside, 0444, builder, ret_name) < 0)
        return odb_error(path, "cannot write a pack", err);
    return move_staged(path, staging, ret_name, err);
}

int odb_pack_place(const char *path, const char *staging, git_packbuilder *builder,
                   char ret_name[static ODB_PACK_NAME_SIZE], struct error *err)
{
    char *aside CLEANUP_FREE = memory_printf("%s%s", path, staging);
    char *packs CLEANUP_FREE = memory_printf("%sobjects/pack", path);
    clear_staging(aside);
    int status = make_directory(aside, 0700, err);
    if (status == 0)
        status = make_directory(packs, 0755, err);
    if (status == 0)
        status = build(path, staging, builder, ret_name, err);
    if (status < 0)
        clear_staging(aside);
    return status;
}

int odb_pack_write(const char *path, const char *staging, git_packbuilder *builder,
                   char ret_name[static ODB_PACK_NAME_SIZE], struct error *err)
{
    char *packs CLEANUP_FREE = memory_printf("%sobjects/pack", path);
    int status = odb_pack_place(path, staging, builder, ret_name, err);
    return status == 0 ? odb_file_sync(packs, err) : status;
}

/* --- packs that are there ------------------------------------------------------------------------------- */

void odb_pack_remove(const char *path, const char *name)
{
    char *index CLEANUP_FREE = memory_printf("%sobjects/pack/%s.idx", path, name);
    char *pack CLEANUP_FREE = memory_printf("%sobjects/pack/%s.pack", path, name);
    if (unlink(index) == 0 || errno == ENOENT)
        unlink(pack);
}

static void remove_files(const char *path, const char *keep, bool packs)
{
    char *directory CLEANUP_FREE = memory_printf("%sobjects/pack", path);
    DIR *dir CLEANUP(closedirp) = opendir(directory);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        bool is_pack = text_ends_with(entry->d_name, ".pack");
        if (entry->d_name[0] != '.' && is_pack == packs && !text_starts_with(entry->d_name, keep))
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
}

void odb_pack_remove_others(const char *path, const char *name)
{
    char *keep CLEANUP_FREE = memory_printf("%s.", name);
    remove_files(path, keep, false);
    remove_files(path, keep, true);
}

void odb_pack_remove_unfinished(const char *path)
{
    char *packs CLEANUP_FREE = memory_printf("%sobjects/pack", path);
    DIR *dir CLEANUP(closedirp) = opendir(packs);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (text_starts_with(entry->d_name, "pack_git2_") || text_ends_with(entry->d_name, ".idx.lock"))
            unlinkat(dirfd(dir), entry->d_name, 0);
}

static bool is_small(int dir_fd, const char *index, size_t objects)
{
    struct stat st;
    return fstatat(dir_fd, index, &st, 0) == 0 && (size_t)st.st_size < objects * INDEX_ENTRY_BYTES;
}

void odb_pack_list(const char *path, size_t objects, struct string_vec *names)
{
    char *packs CLEANUP_FREE = memory_printf("%sobjects/pack", path);
    DIR *dir CLEANUP(closedirp) = opendir(packs);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (text_starts_with(entry->d_name, "pack-") && text_ends_with(entry->d_name, ".idx") &&
            is_small(dirfd(dir), entry->d_name, objects))
            vector_push(names, memory_strndup(entry->d_name, strlen(entry->d_name) - strlen(".idx")));
}
