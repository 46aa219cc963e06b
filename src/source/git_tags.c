#include "source/git.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <git2.h>
#include <stdlib.h>
#include <unistd.h>

DEFINE_CLEANUP(git_odb, git_odb_free)
DEFINE_CLEANUP(git_odb_object, git_odb_object_free)
DEFINE_CLEANUP(git_reference, git_reference_free)
DEFINE_CLEANUP(git_reference_iterator, git_reference_iterator_free)
DEFINE_CLEANUP(git_tag, git_tag_free)

/* Whether an object is an annotated tag of the commit itself: a tag of a tag is not looked through. */
static bool points_to(git_repository *repository, const git_oid *oid, const git_oid *commit)
{
    git_tag *tag CLEANUP(git_tag_freep) = NULL;
    return git_tag_lookup(&tag, repository, oid) == 0 && git_oid_equal(git_tag_target_id(tag), commit);
}

void source_tags_of(struct git_repository *mirror, const char *commit_hex, struct string_vec *ret_tags)
{
    assert(mirror);
    assert(ret_tags);
    git_oid commit;
    git_oid oid;
    if (git_oid_fromstr(&commit, commit_hex) < 0)
        return;
    for (int i = 0; i < LIMIT_SOURCE_TAGS; i++) {
        char *name CLEANUP_FREE = memory_printf(SOURCE_MIRROR_TAG, i);
        char hex[COMMIT_OID_SIZE];
        if (git_reference_name_to_id(&oid, mirror, name) < 0)
            return;
        if (points_to(mirror, &oid, &commit))
            vector_push(ret_tags, memory_strdup(git_oid_tostr(hex, sizeof hex, &oid)));
    }
}

bool source_tags_are_there(struct git_repository *mirror, const struct string_vec *tags)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_oid oid;
    if (git_repository_odb(&odb, mirror) < 0)
        return false;
    for (size_t i = 0; i < tags->len; i++)
        if (git_oid_fromstr(&oid, tags->items[i]) < 0 || !git_odb_exists(odb, &oid))
            return false;
    return true;
}

/* NULL takes the ref away. A lock was left by a writer that was killed: there is one at a time. */
static int set_ref(git_repository *mirror, int number, const char *oid_hex)
{
    git_reference *ref CLEANUP(git_reference_freep) = NULL;
    git_oid oid;
    char *name CLEANUP_FREE = memory_printf(SOURCE_MIRROR_TAG, number);
    char *lock CLEANUP_FREE = memory_printf("%s%s.lock", git_repository_path(mirror), name);
    unlink(lock);
    if (!oid_hex)
        return git_reference_remove(mirror, name);
    int rc = git_oid_fromstr(&oid, oid_hex);
    return rc < 0 ? rc : git_reference_create(&ref, mirror, name, &oid, 1, NULL);
}

int source_tags_set(struct git_repository *mirror, const struct string_vec *tags, struct error *err)
{
    assert(mirror);
    assert(tags->len <= LIMIT_SOURCE_TAGS);
    for (int i = 0; i < LIMIT_SOURCE_TAGS; i++) {
        git_oid old;
        char hex[COMMIT_OID_SIZE] = "";
        const char *new = (size_t)i < tags->len ? tags->items[i] : NULL;
        char *name CLEANUP_FREE = memory_printf(SOURCE_MIRROR_TAG, i);
        if (git_reference_name_to_id(&old, mirror, name) == 0)
            git_oid_tostr(hex, sizeof hex, &old);
        if (text_equal(new ? new : "", hex))
            continue;
        int rc = set_ref(mirror, i, new);
        if (rc < 0)
            return source_git_error_as(err, ERROR_UNAVAILABLE, "cannot write the mirror's ref %s", name);
    }
    return 0;
}

static int copy_object(git_repository *from, git_repository *to, const git_oid *oid)
{
    git_odb *from_odb CLEANUP(git_odb_freep) = NULL;
    git_odb *to_odb CLEANUP(git_odb_freep) = NULL;
    git_odb_object *object CLEANUP(git_odb_object_freep) = NULL;
    git_oid written;
    int rc = git_repository_odb(&from_odb, from);
    if (rc == 0)
        rc = git_repository_odb(&to_odb, to);
    if (rc == 0)
        rc = git_odb_read(&object, from_odb, oid);
    if (rc == 0)
        rc = git_odb_write(&written, to_odb, git_odb_object_data(object), git_odb_object_size(object),
                           GIT_OBJECT_TAG);
    return rc;
}

int source_tags_copy(struct git_repository *from, struct git_repository *mirror, const char *commit_hex,
                     struct error *err)
{
    assert(from && mirror);
    struct string_vec tags CLEANUP(string_vec_deinit) = {0};
    git_reference_iterator *refs CLEANUP(git_reference_iterator_freep) = NULL;
    git_oid commit;
    const char *name;
    int rc = git_oid_fromstr(&commit, commit_hex);
    if (rc == 0)
        rc = git_reference_iterator_glob_new(&refs, from, "refs/tags/*");
    while (rc == 0 && tags.len < LIMIT_SOURCE_TAGS && git_reference_next_name(&name, refs) == 0) {
        git_oid oid;
        char hex[COMMIT_OID_SIZE];
        if (git_reference_name_to_id(&oid, from, name) < 0 || !points_to(from, &oid, &commit))
            continue;
        rc = copy_object(from, mirror, &oid);
        if (rc == 0)
            vector_push(&tags, memory_strdup(git_oid_tostr(hex, sizeof hex, &oid)));
    }
    return rc < 0 ? source_git_error_as(err, ERROR_UNAVAILABLE, "cannot copy a tag")
                  : source_tags_set(mirror, &tags, err);
}
