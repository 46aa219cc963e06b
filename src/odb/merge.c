#include "odb/merge.h"

#include "base/memory.h"
#include "base/text.h"
#include "odb/guard.h"

#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>
#include <stdlib.h>
#include <string.h>

#define STAGING   "objects/merge-davit/"
#define ANY_LEVEL -1 /* of compression */

DEFINE_CLEANUP(git_odb, git_odb_free)
DEFINE_CLEANUP(git_odb_object, git_odb_object_free)
DEFINE_CLEANUP(git_repository, git_repository_free)
DEFINE_CLEANUP(git_packbuilder, git_packbuilder_free)

static void oids_deinit(struct oid_vec *oids)
{
    vector_deinit(oids);
}

void odb_merge_init(struct odb_merge *merge, const char *path, bool loose)
{
    *merge = (struct odb_merge){.path = memory_strdup(path)};
    odb_pack_list(path, ODB_PACK_SMALL, &merge->packs);
    if (loose)
        odb_loose_list(path, &merge->loose);
}

void odb_merge_deinit(struct odb_merge *merge)
{
    string_vec_deinit(&merge->packs);
    vector_deinit(&merge->loose);
    free(merge->path);
}

/* --- reading -------------------------------------------------------------------------------------------- */

static int add(git_odb *odb, git_odb_backend *backend)
{
    int status = git_odb_add_backend(odb, backend, 1);
    if (status < 0)
        backend->free(backend);
    return status;
}

static int add_pack(const struct odb_merge *merge, git_odb *odb, const char *name)
{
    char *index CLEANUP_FREE = memory_printf("%sobjects/pack/%s.idx", merge->path, name);
    git_odb_backend *pack = NULL;
    int status = git_odb_backend_one_pack(&pack, index);
    return status < 0 ? status : add(odb, pack);
}

static int add_loose(const struct odb_merge *merge, git_odb *odb)
{
    char *objects CLEANUP_FREE = memory_printf("%sobjects", merge->path);
    git_odb_backend *loose = NULL;
    int status = git_odb_backend_loose(&loose, objects, ANY_LEVEL, 0, 0, 0);
    return status < 0 ? status : add(odb, loose);
}

static bool can_read(git_odb *odb, const git_oid *oid)
{
    git_odb_object *object CLEANUP(git_odb_object_freep) = NULL;
    return git_odb_read(&object, odb, oid) == 0;
}

static int push_oid(const git_oid *oid, void *oids)
{
    vector_push((struct oid_vec *)oids, *oid);
    return 0;
}

static bool read_pack(const struct odb_merge *merge, const char *name, struct oid_vec *oids)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    if (git_odb_new(&odb) < 0 || add_pack(merge, odb, name) < 0)
        return false;
    size_t first = oids->len;
    bool whole = git_odb_foreach(odb, push_oid, oids) == 0;
    for (size_t i = first; i < oids->len && whole; i++)
        whole = can_read(odb, &oids->items[i]);
    if (!whole)
        oids->len = first;
    return whole;
}

static void drop_name(struct string_vec *names, size_t i)
{
    free(names->items[i]);
    names->items[i] = names->items[--names->len];
}

static void read_packs(struct odb_merge *merge, struct oid_vec *oids)
{
    for (size_t i = 0; i < merge->packs.len;)
        if (read_pack(merge, merge->packs.items[i], oids))
            i++;
        else
            drop_name(&merge->packs, i);
}

/* libgit2 would read a truncated one for ever. */
static bool is_whole(const struct odb_merge *merge, git_odb *odb, const git_oid *oid)
{
    char *file CLEANUP_FREE = odb_guard_loose_path(merge->path, oid);
    return odb_guard_is_whole(file) && can_read(odb, oid);
}

static void read_loose(struct odb_merge *merge, struct oid_vec *oids)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    bool open = merge->loose.len && git_odb_new(&odb) == 0 && add_loose(merge, odb) == 0;
    size_t kept = 0;
    for (size_t i = 0; open && i < merge->loose.len; i++)
        if (is_whole(merge, odb, &merge->loose.items[i]))
            merge->loose.items[kept++] = merge->loose.items[i];
    merge->loose.len = kept;
    for (size_t i = 0; i < kept; i++)
        vector_push(oids, merge->loose.items[i]);
}

/* --- the one pack --------------------------------------------------------------------------------------- */

/* Nothing but what was read whole: other packs may hold a damaged copy of the same object. */
static int open_read(const struct odb_merge *merge, git_repository **ret_repo, struct error *err)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    int status = git_odb_new(&odb);
    for (size_t i = 0; i < merge->packs.len && status == 0; i++)
        status = add_pack(merge, odb, merge->packs.items[i]);
    if (merge->loose.len && status == 0)
        status = add_loose(merge, odb);
    if (status < 0 || git_repository_wrap_odb(ret_repo, odb) < 0)
        return odb_error(merge->path, "cannot read the packs", err);
    return 0;
}

static int write_one(struct odb_merge *merge, const struct oid_vec *oids, struct error *err)
{
    git_packbuilder *builder CLEANUP(git_packbuilder_freep) = NULL;
    git_repository *from CLEANUP(git_repository_freep) = NULL;
    char made[ODB_PACK_NAME_SIZE];
    int status = open_read(merge, &from, err);
    if (status == 0)
        status = odb_pack_begin(merge->path, from, &builder, err);
    if (status == 0)
        status = odb_pack_insert(merge->path, builder, oids, err);
    if (status == 0)
        status = odb_pack_write(merge->path, STAGING, builder, made, err);
    if (status < 0)
        return status;
    for (size_t i = merge->packs.len; i-- > 0;)
        if (text_equal(merge->packs.items[i], made)) /* it held them all */
            drop_name(&merge->packs, i);
    return 0;
}

static void forget(struct odb_merge *merge)
{
    string_vec_deinit(&merge->packs);
    merge->loose.len = 0;
}

int odb_merge_run(struct odb_merge *merge, struct error *err)
{
    struct oid_vec oids CLEANUP(oids_deinit) = {0};
    git_error_clear();
    read_packs(merge, &oids);
    read_loose(merge, &oids);
    bool enough = merge->packs.len + merge->loose.len > 1;
    int status = enough ? write_one(merge, &oids, err) : 0;
    if (status < 0 || !enough)
        forget(merge);
    return status;
}

void odb_merge_end(struct odb_merge *merge)
{
    for (size_t i = 0; i < merge->packs.len; i++)
        odb_pack_remove(merge->path, merge->packs.items[i]);
    odb_loose_remove(merge->path, &merge->loose);
    forget(merge);
}
