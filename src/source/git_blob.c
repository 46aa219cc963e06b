#include "source/git.h"

#include "base/memory.h"

#include <assert.h>
#include <git2.h>
#include <string.h>

DEFINE_CLEANUP(git_odb, git_odb_free)
DEFINE_CLEANUP(git_odb_object, git_odb_object_free)

static int read_bounded(git_odb *odb, const git_oid *oid, size_t max_bytes, git_odb_object **ret_object,
                        struct error *err)
{
    size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    int rc = git_odb_read_header(&size, &type, odb, oid);
    if (rc == GIT_ENOTFOUND || (rc == 0 && type != GIT_OBJECT_BLOB))
        return error_set(err, ERROR_NOT_FOUND, "the mirror has no such blob");
    if (rc == 0 && size > max_bytes)
        return error_set(err, ERROR_LIMIT, "the blob has %zu bytes, at most %zu", size, max_bytes);
    if (rc == 0)
        rc = git_odb_read(ret_object, odb, oid);
    return rc < 0 ? source_git_error(err, rc, "cannot read a blob") : 0;
}

int source_read_blob(const struct source_blob *blob, char **ret_content, size_t *ret_len, struct error *err)
{
    assert(blob->mirror_dir && blob->oid);
    git_repository *mirror CLEANUP(source_git_repository_freep) = NULL;
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_odb_object *object CLEANUP(git_odb_object_freep) = NULL;
    git_oid oid;
    int rc = git_oid_fromstr(&oid, blob->oid);
    if (rc == 0)
        rc = git_repository_open_bare(&mirror, blob->mirror_dir);
    if (rc < 0)
        return source_git_error(err, rc, "the mirror %s", blob->mirror_dir);
    rc = source_git_guard(mirror, err);
    if (rc < 0)
        return rc;
    rc = git_repository_odb(&odb, mirror);
    if (rc < 0)
        return source_git_error(err, rc, "the mirror %s", blob->mirror_dir);
    rc = read_bounded(odb, &oid, blob->max_bytes, &object, err);
    if (rc < 0)
        return error_wrap(err, rc, "blob %.12s", blob->oid);
    *ret_len = git_odb_object_size(object);
    *ret_content = memory_alloc(*ret_len + 1);
    memcpy(*ret_content, git_odb_object_data(object), *ret_len);
    (*ret_content)[*ret_len] = '\0';
    return 0;
}
