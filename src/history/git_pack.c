#include "history/git_pack.h"

#include "base/text.h"
#include "odb/pack.h"

#include <stdlib.h>

#define STAGING "objects/pack-davit/"

static void oids_deinit(struct oid_vec *oids)
{
    vector_deinit(oids);
}

static int look_for_packs(const struct history_store *store, struct error *err)
{
    return git_odb_refresh(store->odb) < 0 ? history_store_error(store->path, "cannot look for packs", err)
                                           : 0;
}

int history_pack_put(struct history_store *store, struct error *err)
{
    git_packbuilder *builder CLEANUP(git_packbuilder_freep) = NULL;
    char name[ODB_PACK_NAME_SIZE];
    int status = odb_pack_begin(store->path, store->writer, &builder, err);
    if (status == 0)
        status = odb_pack_insert(store->path, builder, &store->written, err);
    if (status == 0)
        status = odb_pack_place(store->path, STAGING, builder, name, err);
    return status == 0 ? look_for_packs(store, err) : status;
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

int history_pack_only(struct history_store *store, const git_oid *head, struct error *err)
{
    if (!holds_only_ours(store))
        return 0;
    git_packbuilder *builder CLEANUP(git_packbuilder_freep) = NULL;
    git_revwalk *walk CLEANUP(git_revwalk_freep) = NULL;
    int status = odb_pack_begin(store->path, store->repo, &builder, err);
    if (status < 0)
        return status;
    if (git_revwalk_new(&walk, store->repo) < 0 || git_revwalk_push(walk, head) < 0 ||
        git_packbuilder_insert_walk(builder, walk) < 0)
        return history_store_error(store->path, "cannot pack the history", err);
    struct oid_vec loose CLEANUP(oids_deinit) = {0};
    odb_loose_list(store->path, &loose);
    char kept[ODB_PACK_NAME_SIZE];
    status = odb_pack_write(store->path, STAGING, builder, kept, err);
    if (status == 0)
        status = look_for_packs(store, err);
    if (status < 0)
        return status;
    odb_pack_remove_others(store->path, kept);
    odb_loose_remove(store->path, &loose);
    return history_store_reopen(store, err);
}
