#include "history/git_pack.h"

#include "base/text.h"
#include "history/git_file.h"
#include "odb/guard.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    char *from CLEANUP_FREE = memory_printf("%s%spack-%s.%s", store->path, store->staging, name, suffix);
    char *to CLEANUP_FREE = memory_printf("%sobjects/pack/pack-%s.%s", store->path, name, suffix);
    if (history_file_sync(from, NULL) < 0 || rename(from, to) < 0)
        return error_set(err, ERROR_IO, "history: cannot place a pack in %sobjects/pack: %s", store->path,
                         strerror(errno));
    return 0;
}

/* Removes what killed writers left in the staging directory, which stays: making it anew costs every save. */
static void clear_staging(const struct history_store *store)
{
    char *path CLEANUP_FREE = memory_printf("%s%s", store->path, store->staging);
    DIR *dir CLEANUP(closedirp) = opendir(path);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
}

/* libgit2 builds the pack aside; it gets its name when it is synced, the index last: git looks for that. */
int history_pack_write(const struct history_store *store, git_packbuilder *builder, struct error *err)
{
    clear_staging(store);
    char *staging CLEANUP_FREE = memory_printf("%s%s", store->path, store->staging);
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

int history_pack_begin(const struct history_store *store, git_repository *from, git_packbuilder **ret_builder,
                       struct error *err)
{
    if (git_packbuilder_new(ret_builder, from) < 0)
        return history_store_error(store->path, "cannot begin a pack", err);
    git_packbuilder_set_threads(*ret_builder, 1);
    return 0;
}

int history_pack_insert(const struct history_store *store, git_packbuilder *builder,
                        const struct oid_vec *oids, struct error *err)
{
    for (size_t i = 0; i < oids->len; i++)
        if (git_packbuilder_insert(builder, &oids->items[i], NULL) < 0)
            return history_store_error(store->path, "cannot pack an object", err);
    return 0;
}

int history_pack_sync(struct history_store *store, struct error *err)
{
    git_packbuilder *builder CLEANUP(git_packbuilder_freep) = NULL;
    int status = history_pack_begin(store, store->writer, &builder, err);
    if (status == 0)
        status = history_pack_insert(store, builder, &store->written, err);
    return status == 0 ? history_pack_write(store, builder, err) : status;
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
    int status = history_pack_begin(store, store->repo, &builder, err);
    if (status < 0)
        return status;
    if (git_revwalk_new(&walk, store->repo) < 0 || git_revwalk_push(walk, head) < 0 ||
        git_packbuilder_insert_walk(builder, walk) < 0)
        return history_store_error(store->path, "cannot pack the history", err);
    struct oid_vec loose CLEANUP(oids_deinit) = {0};
    list_loose(store, &loose);
    status = history_pack_write(store, builder, err);
    if (status < 0)
        return status;
    char *keep CLEANUP_FREE = memory_printf("pack-%s.", git_packbuilder_name(builder));
    remove_packs(store, keep, true);
    remove_packs(store, keep, false);
    remove_loose(store, &loose);
    return history_store_reopen(store, err);
}
