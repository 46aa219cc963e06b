#include "history/git_pack.h"

#include "base/text.h"
#include "history/git_file.h"
#include "odb/guard.h"

#include <dirent.h>
#include <errno.h>
#include <git2/sys/odb_backend.h>
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

/* Removes what killed writers left in the staging directory, which stays: making it anew costs every save. */
static void clear_staging(const struct history_store *store)
{
    char *path CLEANUP_FREE = memory_printf("%s" STAGING, store->path);
    DIR *dir CLEANUP(closedirp) = opendir(path);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
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
    if (status < 0)
        clear_staging(store);
    if (status == 0 && git_odb_refresh(store->odb) < 0)
        status = history_store_error(store->path, "cannot look for packs", err);
    return status;
}

static int builder_new(const struct history_store *store, git_repository *from, git_packbuilder **ret_builder,
                       struct error *err)
{
    if (git_packbuilder_new(ret_builder, from) < 0)
        return history_store_error(store->path, "cannot begin a pack", err);
    git_packbuilder_set_threads(*ret_builder, 1);
    return 0;
}

static int insert_all(const struct history_store *store, git_packbuilder *builder, const struct oid_vec *oids,
                      struct error *err)
{
    for (size_t i = 0; i < oids->len; i++)
        if (git_packbuilder_insert(builder, &oids->items[i], NULL) < 0)
            return history_store_error(store->path, "cannot pack an object", err);
    return 0;
}

int history_pack_sync(struct history_store *store, struct error *err)
{
    git_packbuilder *builder CLEANUP(git_packbuilder_freep) = NULL;
    int status = builder_new(store, store->writer, &builder, err);
    if (status == 0)
        status = insert_all(store, builder, &store->written, err);
    return status == 0 ? write_pack(store, builder, err) : status;
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
    int status = builder_new(store, store->repo, &builder, err);
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
    return history_store_reopen(store, err);
}

/* --- many small packs become one ------------------------------------------------------------------------ */

/* By the size of its index, which is 28 bytes an object. A large pack is not written again for each of the
 * small ones that follow it. */
static bool is_small(int dir_fd, const char *index)
{
    struct stat st;
    return fstatat(dir_fd, index, &st, 0) == 0 && st.st_size < HISTORY_PACK_SMALL * 28;
}

/* Names without their ending. */
static void list_small(const struct history_store *store, struct string_vec *ret_names)
{
    char *path CLEANUP_FREE = memory_printf("%sobjects/pack", store->path);
    DIR *dir CLEANUP(closedirp) = opendir(path);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (text_starts_with(entry->d_name, "pack-") && text_ends_with(entry->d_name, ".idx") &&
            is_small(dirfd(dir), entry->d_name))
            vector_push(ret_names, memory_strndup(entry->d_name, strlen(entry->d_name) - strlen(".idx")));
}

size_t history_pack_count_small(const struct history_store *store)
{
    struct string_vec names CLEANUP(string_vec_deinit) = {0};
    list_small(store, &names);
    return names.len;
}

static int push_oid(const git_oid *oid, void *oids)
{
    vector_push((struct oid_vec *)oids, *oid);
    return 0;
}

/* Whether the pack can be read whole: one that cannot stays where it is, for git fsck to name. */
static bool read_pack(const struct history_store *store, const char *name, struct oid_vec *oids)
{
    char *path CLEANUP_FREE = memory_printf("%sobjects/pack/%s.idx", store->path, name);
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_odb_backend *pack = NULL;
    if (git_odb_new(&odb) < 0 || git_odb_backend_one_pack(&pack, path) < 0)
        return false;
    if (git_odb_add_backend(odb, pack, 1) < 0) {
        pack->free(pack);
        return false;
    }
    size_t first = oids->len;
    bool whole = git_odb_foreach(odb, push_oid, oids) == 0;
    for (size_t i = first; i < oids->len && whole; i++) {
        git_odb_object *object CLEANUP(git_odb_object_freep) = NULL;
        whole = git_odb_read(&object, odb, &oids->items[i]) == 0;
    }
    if (!whole)
        oids->len = first;
    return whole;
}

/* The index first: without its pack it is damage, a pack without its index is nothing. */
static void remove_pack(const struct history_store *store, const char *name)
{
    char *index CLEANUP_FREE = memory_printf("%sobjects/pack/%s.idx", store->path, name);
    char *pack CLEANUP_FREE = memory_printf("%sobjects/pack/%s.pack", store->path, name);
    unlink(index);
    unlink(pack);
}

int history_pack_small(struct history_store *store, struct error *err)
{
    struct string_vec names CLEANUP(string_vec_deinit) = {0};
    struct oid_vec oids CLEANUP(oids_deinit) = {0};
    git_packbuilder *builder CLEANUP(git_packbuilder_freep) = NULL;
    list_small(store, &names);
    size_t whole = 0; /* their names are moved to the front */
    for (size_t i = 0; i < names.len; i++) {
        if (!read_pack(store, names.items[i], &oids))
            continue;
        char *name = names.items[i];
        names.items[i] = names.items[whole];
        names.items[whole++] = name;
    }
    if (whole < 2)
        return 0;
    int status = builder_new(store, store->repo, &builder, err);
    if (status == 0)
        status = insert_all(store, builder, &oids, err);
    if (status == 0)
        status = write_pack(store, builder, err);
    if (status < 0)
        return status;
    char *made CLEANUP_FREE = memory_printf("pack-%s", git_packbuilder_name(builder));
    for (size_t i = 0; i < whole; i++)
        if (!text_equal(names.items[i], made)) /* one that held them all */
            remove_pack(store, names.items[i]);
    return history_store_reopen(store, err);
}
