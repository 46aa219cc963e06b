#include "history/git_bulk.h"

#include "odb/guard.h"

#include <assert.h>
#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>

#define PRIORITY 1000 /* before the guard and the disk: the first that can write does */

DEFINE_CLEANUP(git_odb, git_odb_free)

static int add_memory(git_odb *odb, git_odb_backend **ret_memory)
{
    git_odb_backend *memory = NULL;
    int status = git_mempack_new(&memory);
    if (status < 0)
        return status;
    status = git_odb_add_backend(odb, memory, PRIORITY);
    if (status < 0)
        memory->free(memory);
    else
        *ret_memory = memory;
    return status;
}

int history_bulk_begin(struct history_store *store, struct error *err)
{
    assert(store->writer == store->repo);
    char *objects CLEANUP_FREE = memory_printf("%sobjects", store->path);
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_odb_backend *memory = NULL;
    git_repository *writer = NULL;
    if (git_odb_open(&odb, objects) < 0 || odb_guard_add(odb, store->path) < 0 ||
        add_memory(odb, &memory) < 0 || git_repository_wrap_odb(&writer, odb) < 0)
        return history_store_error(store->path, "cannot prepare a big save", err);
    store->writer = writer;
    store->memory = memory;
    return 0;
}

void history_bulk_end(struct history_store *store)
{
    if (store->writer != store->repo)
        git_repository_free(store->writer);
    store->writer = store->repo;
    store->memory = NULL;
}

bool history_bulk_holds(const struct history_store *store, const git_oid *oid)
{
    return store->memory && store->memory->exists(store->memory, oid);
}
