#include "source/git.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <git2.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

DEFINE_CLEANUP(git_blob, git_blob_free)
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

void source_tags_deinit(struct source_tags *tags)
{
    assert(tags);
    string_vec_deinit(&tags->oids);
}

static char *ref_of(size_t number)
{
    return memory_printf(SOURCE_MIRROR_TAG, number);
}

/* Whether there is a tag of this number. */
static bool tag_at(git_repository *mirror, size_t number, git_oid *ret_oid)
{
    char *name CLEANUP_FREE = ref_of(number);
    return git_reference_name_to_id(ret_oid, mirror, name) == 0;
}

static size_t read_left_out(git_repository *mirror)
{
    git_blob *blob CLEANUP(git_blob_freep) = NULL;
    git_oid oid;
    int64_t number = 0;
    if (git_reference_name_to_id(&oid, mirror, SOURCE_MIRROR_TAGS_LEFT_OUT) < 0 ||
        git_blob_lookup(&blob, mirror, &oid) < 0)
        return 0;
    char *text CLEANUP_FREE = memory_strndup(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
    return text_to_int64(text, 0, INT_MAX, &number) < 0 ? 0 : (size_t)number;
}

void source_tags_of(struct git_repository *mirror, const char *commit_hex, struct source_tags *ret_tags)
{
    assert(mirror);
    assert(ret_tags);
    git_oid commit;
    git_oid oid;
    if (git_oid_fromstr(&commit, commit_hex) < 0)
        return;
    for (size_t i = 0; i < LIMIT_SOURCE_TAGS && tag_at(mirror, i, &oid); i++) {
        char hex[COMMIT_OID_SIZE];
        if (points_to(mirror, &oid, &commit))
            vector_push(&ret_tags->oids, memory_strdup(git_oid_tostr(hex, sizeof hex, &oid)));
    }
    ret_tags->left_out = ret_tags->oids.len ? read_left_out(mirror) : 0;
}

bool source_tags_are_there(struct git_repository *mirror, const struct source_tags *tags)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_oid oid;
    if (git_repository_odb(&odb, mirror) < 0)
        return false;
    for (size_t i = 0; i < tags->oids.len; i++)
        if (git_oid_fromstr(&oid, tags->oids.items[i]) < 0 || !git_odb_exists(odb, &oid))
            return false;
    return true;
}

/* NULL takes the ref away. A lock was left by a writer that was killed: there is one at a time. */
static int set_ref(git_repository *mirror, const char *name, const git_oid *oid)
{
    git_reference *ref CLEANUP(git_reference_freep) = NULL;
    char *lock CLEANUP_FREE = memory_printf("%s%s.lock", git_repository_path(mirror), name);
    unlink(lock);
    return oid ? git_reference_create(&ref, mirror, name, oid, 1, NULL) : git_reference_remove(mirror, name);
}

static int set_tag(git_repository *mirror, size_t number, const char *oid_hex)
{
    git_oid oid;
    git_oid old;
    char *name CLEANUP_FREE = ref_of(number);
    int rc = oid_hex ? git_oid_fromstr(&oid, oid_hex) : 0;
    if (rc < 0 || (oid_hex && tag_at(mirror, number, &old) && git_oid_equal(&old, &oid)))
        return rc;
    return set_ref(mirror, name, oid_hex ? &oid : NULL);
}

static int set_left_out(git_repository *mirror, size_t number)
{
    git_oid oid;
    if (number == read_left_out(mirror))
        return 0;
    if (number == 0)
        return set_ref(mirror, SOURCE_MIRROR_TAGS_LEFT_OUT, NULL);
    char *text CLEANUP_FREE = memory_printf("%zu", number);
    int rc = git_blob_create_from_buffer(&oid, mirror, text, strlen(text));
    return rc < 0 ? rc : set_ref(mirror, SOURCE_MIRROR_TAGS_LEFT_OUT, &oid);
}

int source_tags_set(struct git_repository *mirror, const struct source_tags *tags, struct error *err)
{
    assert(mirror);
    assert(tags->oids.len <= LIMIT_SOURCE_TAGS);
    git_oid old;
    size_t there = 0;
    int rc = set_left_out(mirror, tags->left_out);
    while (there < LIMIT_SOURCE_TAGS && tag_at(mirror, there, &old))
        there++;
    for (; rc == 0 && there > tags->oids.len; there--) /* from the end, as they are read up to a gap */
        rc = set_tag(mirror, there - 1, NULL);
    for (size_t i = 0; rc == 0 && i < tags->oids.len; i++)
        rc = set_tag(mirror, i, tags->oids.items[i]);
    return rc < 0 ? source_git_error_as(err, ERROR_UNAVAILABLE, "cannot write the mirror's refs of tags") : 0;
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
    struct source_tags tags CLEANUP(source_tags_deinit) = {0};
    git_reference_iterator *refs CLEANUP(git_reference_iterator_freep) = NULL;
    git_oid commit;
    const char *name;
    int rc = git_oid_fromstr(&commit, commit_hex);
    if (rc == 0)
        rc = git_reference_iterator_glob_new(&refs, from, "refs/tags/*");
    while (rc == 0 && git_reference_next_name(&name, refs) == 0) {
        git_oid oid;
        char hex[COMMIT_OID_SIZE];
        if (git_reference_name_to_id(&oid, from, name) < 0 || !points_to(from, &oid, &commit))
            continue;
        if (tags.oids.len == LIMIT_SOURCE_TAGS) {
            tags.left_out++;
            continue;
        }
        rc = copy_object(from, mirror, &oid);
        if (rc == 0)
            vector_push(&tags.oids, memory_strdup(git_oid_tostr(hex, sizeof hex, &oid)));
    }
    return rc < 0 ? source_git_error_as(err, ERROR_UNAVAILABLE, "cannot copy a tag")
                  : source_tags_set(mirror, &tags, err);
}
