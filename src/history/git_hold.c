#include "history/git_hold.h"

#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>
#include <stdlib.h>
#include <string.h>

/* The first that can write does. */
#define PRIORITY_MEMORY 2
#define PRIORITY_DISK   1

/* --- the disk, for reading ------------------------------------------------------------------------------ */

/* It does not say what exists: libgit2 would not write what is there already, though it be damaged or not
 * yet synced, and would look for new packs before each object. */
struct disk {
    git_odb_backend base;
    git_odb *odb;
};

static int disk_read(void **ret_data, size_t *ret_len, git_object_t *ret_type, git_odb_backend *backend,
                     const git_oid *oid)
{
    const struct disk *disk = (const struct disk *)backend;
    git_odb_object *object CLEANUP(git_odb_object_freep) = NULL;
    int status = git_odb_read(&object, disk->odb, oid);
    if (status < 0)
        return status;
    *ret_len = git_odb_object_size(object);
    *ret_type = git_odb_object_type(object);
    *ret_data = git_odb_backend_data_alloc(backend, *ret_len ? *ret_len : 1);
    if (!*ret_data)
        abort();
    memcpy(*ret_data, git_odb_object_data(object), *ret_len);
    return 0;
}

static int disk_read_header(size_t *ret_len, git_object_t *ret_type, git_odb_backend *backend,
                            const git_oid *oid)
{
    const struct disk *disk = (const struct disk *)backend;
    return git_odb_read_header(ret_len, ret_type, disk->odb, oid);
}

static void disk_free(git_odb_backend *backend)
{
    struct disk *disk = (struct disk *)backend;
    git_odb_free(disk->odb);
    free(disk);
}

static int add(git_odb *odb, git_odb_backend *backend, int priority)
{
    int status = git_odb_add_backend(odb, backend, priority);
    if (status < 0)
        backend->free(backend);
    return status;
}

static int add_disk(git_odb *odb, git_repository *repo)
{
    struct disk *disk = NEW(struct disk);
    git_odb_init_backend(&disk->base, GIT_ODB_BACKEND_VERSION);
    disk->base.read = disk_read;
    disk->base.read_header = disk_read_header;
    disk->base.free = disk_free;
    int status = git_repository_odb(&disk->odb, repo);
    if (status < 0) {
        free(disk);
        return status;
    }
    return add(odb, &disk->base, PRIORITY_DISK);
}

/* --- holding -------------------------------------------------------------------------------------------- */

int history_hold_begin(struct history_store *store, struct error *err)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_odb_backend *memory = NULL;
    git_config *config CLEANUP(git_config_freep) = NULL; /* nobody's: a broken ~/.gitconfig stops no save */
    history_hold_drop(store);
    if (git_odb_new(&odb) < 0 || add_disk(odb, store->repo) < 0 || git_mempack_new(&memory) < 0 ||
        add(odb, memory, PRIORITY_MEMORY) < 0 || git_repository_wrap_odb(&store->writer, odb) < 0 ||
        git_config_new(&config) < 0 || git_repository_set_config(store->writer, config) < 0)
        return history_store_error(store->path, "cannot prepare a save", err);
    return 0;
}

void history_hold_drop(struct history_store *store)
{
    git_repository_free(store->writer);
    store->writer = NULL;
    store->written.len = 0;
}
