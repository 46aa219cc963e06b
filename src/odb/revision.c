#include "odb/revision.h"

#include "base/memory.h"
#include "odb/commit.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

DEFINE_CLEANUP(git_object, git_object_free)
DEFINE_CLEANUP(git_reference, git_reference_free)
DEFINE_CLEANUP(git_odb, git_odb_free)

static int find_name(git_repository *repository, const char *name, git_oid *ret_oid)
{
    git_reference *ref CLEANUP(git_reference_freep) = NULL;
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_oid prefix;
    size_t len = strlen(name);
    if (len == GIT_OID_HEXSZ && git_oid_fromstr(ret_oid, name) == 0)
        return 0;
    int status = git_reference_dwim(&ref, repository, name);
    if (status == 0)
        *ret_oid = *git_reference_target(ref);
    if (status != GIT_ENOTFOUND || git_oid_fromstrn(&prefix, name, len) < 0)
        return status;
    status = git_repository_odb(&odb, repository);
    return status < 0 ? status : git_odb_exists_prefix(ret_oid, odb, &prefix, len);
}

/* The n-th parent, from 1; 0 is the commit itself. */
static int go_to_parent(git_repository *repository, long n, git_oid *oid)
{
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    int status = odb_commit_peel(repository, oid, oid);
    if (status == 0)
        status = odb_commit_read(repository, oid, &commit);
    if (status < 0 || n == 0)
        return status;
    if ((size_t)n > commit.parents_len)
        return GIT_ENOTFOUND;
    *oid = odb_commit_parent(&commit, (size_t)n - 1);
    return 0;
}

/* "~", "~N", "^" or "^N" at the place, which goes behind it. */
static int take_step(git_repository *repository, const char **at, git_oid *oid)
{
    bool along = *(*at)++ == '~';
    char *end = (char *)*at;
    long n = isdigit((unsigned char)**at) ? strtol(*at, &end, 10) : 1;
    *at = end;
    int status = along ? 0 : go_to_parent(repository, n, oid);
    for (long i = 0; along && status == 0 && i < n; i++)
        status = go_to_parent(repository, 1, oid);
    return status;
}

static int find(git_repository *repository, const char *revision, git_oid *ret_oid)
{
    size_t len = strcspn(revision, "~^");
    if (revision[len + strspn(revision + len, "~^0123456789")])
        return GIT_ERROR;
    char *name CLEANUP_FREE = memory_strndup(revision, len);
    int status = find_name(repository, name, ret_oid);
    for (const char *at = revision + len; status == 0 && *at;)
        status = take_step(repository, &at, ret_oid);
    return status;
}

int odb_revision_find(git_repository *repository, const char *revision, git_oid *ret_oid)
{
    git_object *object CLEANUP(git_object_freep) = NULL;
    int status = git_revparse_single(&object, repository, revision);
    if (status == 0)
        *ret_oid = *git_object_id(object);
    if (status == 0 || status == GIT_ENOTFOUND || status == GIT_EINVALIDSPEC || status == GIT_EAMBIGUOUS)
        return status;
    return find(repository, revision, ret_oid);
}
