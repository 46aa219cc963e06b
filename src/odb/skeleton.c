#include "odb/skeleton.h"

#include "base/memory.h"
#include "odb/commit.h"
#include "odb/guard.h"

#include <git2/sys/odb_backend.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITY 3 /* before all others, see guard.c */

DEFINE_CLEANUP(git_odb, git_odb_free)
DEFINE_CLEANUP(git_commit, git_commit_free)

struct odb_skeleton {
    git_odb_backend base; /* first: libgit2 hands this one out */
    git_repository *raw;  /* of the same objects, without this */
    bool shown;
};

/* Caller frees. */
static char *reduce(const struct odb_commit *commit)
{
    char tree[GIT_OID_HEXSZ + 1];
    git_oid_tostr(tree, sizeof tree, &commit->tree);
    return memory_printf(
        "tree %s\n%.*sauthor nobody <> %" PRId64 " +0000\ncommitter nobody <> %" PRId64 " +0000\n\n", tree,
        (int)(commit->headers - commit->parents), commit->parents, commit->time_s, commit->time_s);
}

/* A commit that libgit2 refuses. What is no commit, however large, is not read for it. */
static bool is_refused(git_repository *repository, const git_oid *oid)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_commit *commit CLEANUP(git_commit_freep) = NULL;
    size_t size;
    git_object_t type;
    return git_repository_odb(&odb, repository) == 0 && git_odb_read_header(&size, &type, odb, oid) == 0 &&
           type == GIT_OBJECT_COMMIT && git_commit_lookup(&commit, repository, oid) < 0;
}

static int skeleton_read(void **ret_data, size_t *ret_len, git_object_t *ret_type, git_odb_backend *backend,
                         const git_oid *oid)
{
    const struct odb_skeleton *skeleton = (const struct odb_skeleton *)backend;
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    if (!skeleton->shown || !is_refused(skeleton->raw, oid) ||
        odb_commit_read(skeleton->raw, oid, &commit) < 0)
        return GIT_PASSTHROUGH;
    char *text CLEANUP_FREE = reduce(&commit);
    size_t len = strlen(text);
    *ret_data = git_odb_backend_data_alloc(backend, len + 1);
    if (!*ret_data)
        return GIT_ERROR;
    memcpy(*ret_data, text, len + 1);
    *ret_len = len;
    *ret_type = GIT_OBJECT_COMMIT;
    return 0;
}

static void skeleton_free(git_odb_backend *backend)
{
    struct odb_skeleton *skeleton = (struct odb_skeleton *)backend;
    git_repository_free(skeleton->raw);
    free(skeleton);
}

int odb_skeleton_add(git_repository *repository, struct odb_skeleton **ret_skeleton)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_odb *raw CLEANUP(git_odb_freep) = NULL;
    struct odb_skeleton *skeleton = NEW(struct odb_skeleton);
    git_odb_init_backend(&skeleton->base, GIT_ODB_BACKEND_VERSION);
    skeleton->base.read = skeleton_read;
    skeleton->base.free = skeleton_free;
    int status = git_repository_odb(&odb, repository);
    if (status == 0)
        status = git_repository_open_bare(&skeleton->raw, git_repository_path(repository));
    if (status == 0)
        status = git_repository_odb(&raw, skeleton->raw);
    if (status == 0)
        status = odb_guard_add(raw, git_repository_path(repository));
    if (status == 0)
        status = git_odb_add_backend(odb, &skeleton->base, PRIORITY);
    if (status < 0)
        skeleton_free(&skeleton->base);
    else
        *ret_skeleton = skeleton;
    return status;
}

void odb_skeleton_show(struct odb_skeleton *skeleton, bool shown)
{
    skeleton->shown = shown;
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, (int)!shown);
}
