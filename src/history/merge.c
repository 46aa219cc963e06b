#include "history/merge.h"

#include "base/text.h"
#include "history/git_pack.h"
#include "history/handle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_ENTRY_BYTES 28
#define STAGING           "objects/merge-davit/"

struct history_merge {
    char *path;
    struct string_vec names; /* of the packs, without ending; those that were merged once it has run */
    int result;
    struct error error;
};

static void closedirp(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static void oids_deinit(struct oid_vec *oids)
{
    vector_deinit(oids);
}

/* --- which ---------------------------------------------------------------------------------------------- */

static bool is_small(int dir_fd, const char *index)
{
    struct stat st;
    return fstatat(dir_fd, index, &st, 0) == 0 && st.st_size < HISTORY_PACK_SMALL * INDEX_ENTRY_BYTES;
}

static void list_small(const char *path, struct string_vec *ret_names)
{
    char *packs CLEANUP_FREE = memory_printf("%sobjects/pack", path);
    DIR *dir CLEANUP(closedirp) = opendir(packs);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (text_starts_with(entry->d_name, "pack-") && text_ends_with(entry->d_name, ".idx") &&
            is_small(dirfd(dir), entry->d_name))
            vector_push(ret_names, memory_strndup(entry->d_name, strlen(entry->d_name) - strlen(".idx")));
}

size_t history_merge_count(const struct history *history)
{
    struct string_vec names CLEANUP(string_vec_deinit) = {0};
    list_small(history->store.path, &names);
    return names.len;
}

struct history_merge *history_merge_new(struct history *history)
{
    if (history->options.read_only || history->packs <= history->tidy_packs)
        return NULL;
    struct history_merge *merge = NEW(struct history_merge);
    merge->path = memory_strdup(history->store.path);
    list_small(merge->path, &merge->names);
    return merge;
}

void history_merge_free(struct history_merge *merge)
{
    if (!merge)
        return;
    string_vec_deinit(&merge->names);
    free(merge->path);
    free(merge);
}

/* --- the one pack --------------------------------------------------------------------------------------- */

static int push_oid(const git_oid *oid, void *oids)
{
    vector_push((struct oid_vec *)oids, *oid);
    return 0;
}

/* Whether the pack can be read whole: one that cannot stays where it is, for git fsck to name. */
static bool read_pack(const struct history_merge *merge, const char *name, struct oid_vec *oids)
{
    char *path CLEANUP_FREE = memory_printf("%sobjects/pack/%s.idx", merge->path, name);
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

static void drop_name(struct string_vec *names, size_t i)
{
    free(names->items[i]);
    names->items[i] = names->items[--names->len];
}

static void read_packs(struct history_merge *merge, struct oid_vec *oids)
{
    for (size_t i = 0; i < merge->names.len;)
        if (read_pack(merge, merge->names.items[i], oids))
            i++;
        else
            drop_name(&merge->names, i);
}

/* Nothing but the packs that were read whole: others may hold a damaged copy of the same object. */
static int open_packs(const struct history_merge *merge, git_repository **ret_repo, struct error *err)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    int status = git_odb_new(&odb);
    for (size_t i = 0; i < merge->names.len && status == 0; i++) {
        char *path CLEANUP_FREE = memory_printf("%sobjects/pack/%s.idx", merge->path, merge->names.items[i]);
        git_odb_backend *pack = NULL;
        status = git_odb_backend_one_pack(&pack, path);
        if (status == 0 && (status = git_odb_add_backend(odb, pack, 1)) < 0)
            pack->free(pack);
    }
    if (status < 0 || git_repository_wrap_odb(ret_repo, odb) < 0)
        return history_store_error(merge->path, "cannot read the packs", err);
    return 0;
}

static int write_one(struct history_merge *merge, struct history_store *store, const struct oid_vec *oids,
                     struct error *err)
{
    git_packbuilder *builder CLEANUP(git_packbuilder_freep) = NULL;
    git_repository *packs CLEANUP(git_repository_freep) = NULL;
    int status = open_packs(merge, &packs, err);
    if (status == 0)
        status = history_pack_begin(store, packs, &builder, err);
    if (status == 0)
        status = history_pack_insert(store, builder, oids, err);
    if (status == 0)
        status = history_pack_write(store, builder, err);
    if (status < 0)
        return status;
    char *made CLEANUP_FREE = memory_printf("pack-%s", git_packbuilder_name(builder));
    for (size_t i = merge->names.len; i-- > 0;)
        if (text_equal(merge->names.items[i], made)) /* it held them all */
            drop_name(&merge->names, i);
    return 0;
}

void history_merge_run(struct history_merge *merge)
{
    struct oid_vec oids CLEANUP(oids_deinit) = {0};
    struct history_store store;
    git_error_clear();
    read_packs(merge, &oids);
    if (merge->names.len < 2) {
        string_vec_deinit(&merge->names);
        return;
    }
    merge->result = history_store_init(&store, merge->path, false, &merge->error);
    if (merge->result < 0)
        return;
    store.staging = STAGING;
    merge->result = write_one(merge, &store, &oids, &merge->error);
    history_store_deinit(&store);
}

/* --- the others go -------------------------------------------------------------------------------------- */

/* The index first: without its pack it is damage, a pack without its index is nothing. */
static void remove_pack(const struct history *history, const char *name)
{
    char *index CLEANUP_FREE = memory_printf("%sobjects/pack/%s.idx", history->store.path, name);
    char *pack CLEANUP_FREE = memory_printf("%sobjects/pack/%s.pack", history->store.path, name);
    if (unlink(index) == 0 || errno == ENOENT)
        unlink(pack);
}

int history_merge_end(struct history *history, struct history_merge *merge, struct error *err)
{
    struct history_merge *ended CLEANUP(history_merge_freep) = merge;
    int status = ended->result;
    history->tidy_packs = history->packs + history->options.pack_threshold;
    if (status < 0)
        return error_set(err, status, "%s", ended->error.message);
    for (size_t i = 0; i < ended->names.len; i++)
        remove_pack(history, ended->names.items[i]);
    history->packs = history_merge_count(history);
    history->tidy_packs = history->packs + history->options.pack_threshold;
    return ended->names.len ? history_store_reopen(&history->store, err) : 0;
}
