#include "source/git.h"

#include "base/memory.h"
#include "odb/commit.h"
#include "source/origin.h"

#include <assert.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>

DEFINE_CLEANUP(git_reference, git_reference_free)

void source_local_deinit(struct source_local *local)
{
    git_repository_free(local->repository);
    free(local->git_dir);
    free(local->common_dir);
    free(local->ref);
    memset(local, 0, sizeof *local);
}

/* Sets local->ref; NULL when HEAD is a commit itself. */
static int find_ref(const char *branch, struct source_local *local, struct error *err)
{
    if (branch) {
        local->ref = source_origin_ref(branch);
        int valid = 0;
        if (git_reference_name_is_valid(&valid, local->ref) < 0 || !valid)
            return error_set(err, ERROR_INVALID, "\"%s\" is no valid branch name", branch);
        return 0;
    }
    git_reference *head CLEANUP(git_reference_freep) = NULL;
    int rc = git_reference_lookup(&head, local->repository, "HEAD");
    if (rc < 0)
        return source_git_error(err, rc, "cannot read HEAD");
    if (git_reference_type(head) == GIT_REFERENCE_SYMBOLIC)
        local->ref = memory_strdup(git_reference_symbolic_target(head));
    return 0;
}

static int find_tip(struct source_local *local, struct error *err)
{
    const char *name = local->ref ? local->ref : "HEAD";
    git_oid oid;
    git_oid commit;
    int rc = git_reference_name_to_id(&oid, local->repository, name);
    if (rc == GIT_ENOTFOUND)
        return error_set(err, ERROR_NOT_FOUND, "there is no commit on the branch %s", name);
    if (rc == 0)
        rc = odb_commit_peel(local->repository, &oid, &commit);
    if (rc < 0)
        return source_git_error(err, rc, "cannot read the branch %s", name);
    git_oid_tostr(local->tip, sizeof local->tip, &commit);
    return 0;
}

int source_local_open(const char *path, const char *branch, struct source_local *local, struct error *err)
{
    int rc = git_repository_open_ext(&local->repository, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
    if (rc < 0)
        return source_git_open_error(path, ERROR_IO, err);
    rc = source_git_guard(local->repository, err);
    if (rc < 0)
        return rc;
    local->git_dir = memory_strdup(git_repository_path(local->repository));
    local->common_dir = memory_strdup(git_repository_commondir(local->repository));
    rc = find_ref(branch, local, err);
    return rc < 0 ? rc : find_tip(local, err);
}
