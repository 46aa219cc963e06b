#include "history/git_pack.h"

#include "base/text.h"
#include "history/git_bulk.h"
#include "history/git_file.h"
#include "odb/guard.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGING "objects/pack-davit/"

static void closedirp(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static void oids_deinit(struct oid_vec *oids)
{
    vector_deinit(oids);
}

/* --- loose objects -------------------------------------------------------------------------------------- */

static void list_loose_dir(const struct history_store *store, unsigned first, struct oid_vec *oids)
{
    char *path CLEANUP_FREE = memory_printf("%sobjects/%02x", store->path, first);
    DIR *dir CLEANUP(closedirp) = opendir(path);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char *hex CLEANUP_FREE = memory_printf("%02x%s", first, entry->d_name);
        git_oid oid;
        if (strlen(hex) == GIT_OID_HEXSZ && git_oid_fromstr(&oid, hex) == 0)
            vector_push(oids, oid);
    }
}

static void list_loose(const struct history_store *store, struct oid_vec *ret_oids)
{
    for (unsigned first = 0; first < 256; first++)
        list_loose_dir(store, first, ret_oids);
}

size_t history_pack_count_loose(const struct history_store *store)
{
    struct oid_vec oids CLEANUP(oids_deinit) = {0};
    list_loose(store, &oids);
    return oids.len;
}

static void remove_loose(const struct history_store *store, const struct oid_vec *oids)
{
    for (size_t i = 0; i < oids->len; i++) {
        char *path CLEANUP_FREE = odb_guard_loose_path(store->path, &oids->items[i]);
        unlink(path);
    }
}

/* --- writing a pack ------------------------------------------------------------------------------------- */

/* Syncs a staged file and gives it its place. Its name is another every time and not for an error. */
static int move_staged(const struct history_store *store, const char *name, const char *suffix,
                       struct error *err)
{
    char *from CLEANUP_FREE = memory_printf("%s" STAGING "pack-%s.%s", store->path, name, suffix);
    char *to CLEANUP_FREE = memory_printf("%sobjects/pack/pack-%s.%s", store->path, name, suffix);
    if (history_file_sync(from, NULL) < 0 || rename(from, to) < 0)
        return error_set(err, ERROR_IO, "history: cannot place a pack in %sobjects/pack: %s", store->path,
                         strerror(errno));
    return 0;
}

/* Removes what killed writers left in the staging directory. */
static void clear_staging(const struct history_store *store)
{
    char *path CLEANUP_FREE = memory_printf("%s" STAGING, store->path);
    DIR *dir CLEANUP(closedirp) = opendir(path);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        unlinkat(dirfd(dir), entry->d_name, 0);
    rmdir(path);
}

/* libgit2 builds the pack aside; it gets its name only when it is on disk, the index last: git looks for
 * that. */
static int write_pack(const struct history_store *store, git_packbuilder *builder, struct error *err)
{
    clear_staging(store);
    char *staging CLEANUP_FREE = memory_printf("%s" STAGING, store->path);
    char *packs CLEANUP_FREE = memory_printf("%sobjects/pack", store->path);
    if ((mkdir(staging, 0700) < 0 && errno != EEXIST) || (mkdir(packs, 0755) < 0 && errno != EEXIST))
        return error_set(err, ERROR_IO, "history: cannot make %s: %s", staging, strerror(errno));
    int status = 0;
    if (git_packbuilder_write(builder, staging, 0444, NULL, NULL) < 0)
        status = history_store_error(store->path, "cannot write a pack", err);
    const char *name = status == 0 ? git_packbuilder_name(builder) : NULL;
    if (status == 0)
        status = move_staged(store, name, "pack", err);
    if (status == 0)
        status = move_staged(store, name, "idx", err);
    if (status == 0)
        status = history_file_sync(packs, err);
    clear_staging(store);
    if (status == 0 && git_odb_refresh(store->odb) < 0)
        status = history_store_error(store->path, "cannot look for packs", err);
    return status;
}

static int builder_new(const struct history_store *store, git_packbuilder **ret_builder, struct error *err)
{
    if (git_packbuilder_new(ret_builder, store->writer) < 0)
        return history_store_error(store->path, "cannot begin a pack", err);
    git_packbuilder_set_threads(*ret_builder, 1);
    return 0;
}

/* A damaged object stays where it is, for git fsck to name. */
static bool is_readable(const struct history_store *store, const git_oid *oid)
{
    git_odb_object *object CLEANUP(git_odb_object_freep) = NULL;
    return git_odb_read(&object, store->odb, oid) == 0;
}

int history_pack_loose(struct history_store *store, struct error *err)
{
    git_packbuilder *builder CLEANUP(git_packbuilder_freep) = NULL;
    int status = builder_new(store, &builder, err);
    struct oid_vec all CLEANUP(oids_deinit) = {0};
    struct oid_vec packed CLEANUP(oids_deinit) = {0};
    if (status < 0)
        return status;
    list_loose(store, &all);
    for (size_t i = 0; i < all.len; i++) {
        if (!is_readable(store, &all.items[i]))
            continue;
        if (git_packbuilder_insert(builder, &all.items[i], NULL) < 0)
            return history_store_error(store->path, "cannot pack an object", err);
        vector_push(&packed, all.items[i]);
    }
    if (packed.len == 0)
        return 0;
    status = write_pack(store, builder, err);
    if (status == 0)
        remove_loose(store, &packed);
    return status;
}

/* --- durability of what was written --------------------------------------------------------------------- */

/* As one pack; nothing when all were there before. */
static int write_held(const struct history_store *store, struct error *err)
{
    git_packbuilder *builder CLEANUP(git_packbuilder_freep) = NULL;
    int status = builder_new(store, &builder, err);
    for (size_t i = 0; i < store->written.len && status == 0; i++)
        if (history_bulk_holds(store, &store->written.items[i]) &&
            git_packbuilder_insert(builder, &store->written.items[i], NULL) < 0)
            status = history_store_error(store->path, "cannot pack an object", err);
    if (status == 0 && git_packbuilder_object_count(builder) > 0)
        status = write_pack(store, builder, err);
    return status;
}

/* libgit2 does not always say that a write failed, so what is on disk is looked at. */
static int sync_file(const struct history_store *store, const git_oid *oid, bool *ret_packed,
                     struct error *err)
{
    char *path CLEANUP_FREE = odb_guard_loose_path(store->path, oid);
    struct error cause = ERROR_INIT;
    if (!odb_guard_is_whole(path)) {
        unlink(path); /* or the next save takes it for written */
        return error_set(err, ERROR_IO, "history: %s is damaged: is the disk full?", path);
    }
    int status = history_file_sync(path, &cause);
    if (status == ERROR_NOT_FOUND && is_readable(store, oid)) {
        *ret_packed = true; /* it was there before */
        return 0;
    }
    if (status == ERROR_NOT_FOUND)
        return error_set(err, ERROR_IO, "history: %s was not written: is the disk full?", path);
    if (status == 0)
        status = history_file_sync_parent(path, &cause);
    return status < 0 ? error_set(err, status, "%s", cause.message) : 0;
}

/* The files of what is not held, and the directories that name them. */
static int sync_files(const struct history_store *store, struct error *err)
{
    bool packed = false;
    int status = 0;
    for (size_t i = 0; i < store->written.len && status == 0; i++)
        if (!history_bulk_holds(store, &store->written.items[i]))
            status = sync_file(store, &store->written.items[i], &packed, err);
    char *objects CLEANUP_FREE = memory_printf("%sobjects", store->path);
    char *packs CLEANUP_FREE = memory_printf("%s/pack", objects);
    if (status == 0 && packed)
        status = history_file_sync(packs, err);
    return status == 0 ? history_file_sync(objects, err) : status;
}

int history_pack_sync(struct history_store *store, struct error *err)
{
    int status = store->memory ? write_held(store, err) : 0;
    if (status == 0)
        status = sync_files(store, err);
    store->written.len = 0;
    history_bulk_end(store);
    return status;
}

/* --- cleaning up ---------------------------------------------------------------------------------------- */

static bool holds_only_ours(const struct history_store *store)
{
    git_reference_iterator *iterator CLEANUP(git_reference_iterator_freep) = NULL;
    if (git_reference_iterator_new(&iterator, store->repo) < 0)
        return false;
    const char *name;
    int status;
    while ((status = git_reference_next_name(&name, iterator)) == 0)
        if (!text_starts_with(name, "refs/davit/"))
            return false;
    return status == GIT_ITEROVER;
}

/* Indexes first: an index without its pack is damage, a pack without its index is nothing. */
static void remove_packs(const struct history_store *store, const char *keep, bool indexes)
{
    char *path CLEANUP_FREE = memory_printf("%sobjects/pack", store->path);
    DIR *dir CLEANUP(closedirp) = opendir(path);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        bool is_pack = text_ends_with(entry->d_name, ".pack");
        if (entry->d_name[0] != '.' && is_pack != indexes && !text_starts_with(entry->d_name, keep))
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
}

int history_pack_only(struct history_store *store, const git_oid *head, struct error *err)
{
    if (!holds_only_ours(store))
        return 0;
    git_packbuilder *builder CLEANUP(git_packbuilder_freep) = NULL;
    git_revwalk *walk CLEANUP(git_revwalk_freep) = NULL;
    int status = builder_new(store, &builder, err);
    if (status < 0)
        return status;
    if (git_revwalk_new(&walk, store->repo) < 0 || git_revwalk_push(walk, head) < 0 ||
        git_packbuilder_insert_walk(builder, walk) < 0)
        return history_store_error(store->path, "cannot pack the history", err);
    struct oid_vec loose CLEANUP(oids_deinit) = {0};
    list_loose(store, &loose);
    status = write_pack(store, builder, err);
    if (status < 0)
        return status;
    char *keep CLEANUP_FREE = memory_printf("pack-%s.", git_packbuilder_name(builder));
    remove_packs(store, keep, true);
    remove_packs(store, keep, false);
    remove_loose(store, &loose);
    return git_odb_refresh(store->odb) < 0 ? history_store_error(store->path, "cannot look for packs", err)
                                           : 0;
}

size_t history_pack_count_packs(const struct history_store *store)
{
    char *path CLEANUP_FREE = memory_printf("%sobjects/pack", store->path);
    DIR *dir CLEANUP(closedirp) = opendir(path);
    size_t count = 0;
    if (!dir)
        return 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += text_ends_with(entry->d_name, ".pack");
    return count;
}
