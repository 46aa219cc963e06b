#include "source/git.h"

#include "base/memory.h"
#include "base/text.h"
#include "odb/commit.h"
#include "odb/merge.h"
#include "odb/pack.h"

#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

DEFINE_CLEANUP(git_config, git_config_free)
DEFINE_CLEANUP(git_reference, git_reference_free)
DEFINE_CLEANUP(git_reference_iterator, git_reference_iterator_free)

static int create(const char *path, git_repository **ret_mirror, struct error *err)
{
    git_repository_init_options options;
    git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
    options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH | GIT_REPOSITORY_INIT_NO_REINIT;
    options.mode = 0700; /* manifests may hold what is nobody's business */
    int rc = git_repository_init_ext(ret_mirror, path, &options);
    return rc < 0 ? source_git_error_as(err, ERROR_UNAVAILABLE, "cannot make the mirror %s", path)
                  : source_git_guard(*ret_mirror, err);
}

/* What libgit2 reads only when a ref is written or a remote asked, where it would seem to be their fault. */
static int check(git_repository *mirror)
{
    git_config *config CLEANUP(git_config_freep) = NULL;
    git_oid oid;
    int rc = git_repository_config_snapshot(&config, mirror);
    if (rc == 0) /* that is nowhere, so that all packed ones are looked through */
        rc = git_reference_name_to_id(&oid, mirror, "refs/davit/none");
    return rc == GIT_ENOTFOUND ? 0 : rc;
}

int source_mirror_open(const char *path, struct git_repository **ret_mirror, struct error *err)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        if (errno == ENOENT)
            return create(path, ret_mirror, err);
        return error_set(err, ERROR_DENIED, "the mirror %s: %s", path, strerror(errno));
    }
    /* This ref and the packs have one writer at a time, and that is who opens: a lock or an unfinished pack
     * was left by one that was killed. (The state directory has one daemon, which fetches after it has
     * looked, and a fetch helper dies with its daemon.) */
    char *lock CLEANUP_FREE = memory_printf("%s/" SOURCE_MIRROR_REF ".lock", path);
    char *directory CLEANUP_FREE = memory_printf("%s/", path);
    unlink(lock);
    odb_pack_remove_unfinished(directory);
    git_repository *mirror CLEANUP(source_git_repository_freep) = NULL;
    int rc = git_repository_open_bare(&mirror, path);
    if (rc == 0)
        rc = check(mirror);
    if (rc < 0)
        return source_git_error_as(err, ERROR_IO, "the mirror %s", path);
    rc = source_git_guard(mirror, err);
    if (rc == 0)
        *ret_mirror = TAKE(mirror);
    return rc;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void rescue_ref(git_repository *old, git_repository *mirror, const char *name)
{
    git_oid target;
    char oid[COMMIT_OID_SIZE];
    git_reference *made CLEANUP(git_reference_freep) = NULL;
    if (text_equal(name, SOURCE_MIRROR_REF) || git_reference_name_to_id(&target, old, name) < 0)
        return;
    git_oid_tostr(oid, sizeof oid, &target);
    if (source_copy(old, mirror, oid, NULL) == 0)
        git_reference_create(&made, mirror, name, &target, 1, NULL);
}

static void rescue_refs(const char *broken, git_repository *mirror)
{
    git_repository *old CLEANUP(source_git_repository_freep) = NULL;
    git_reference_iterator *refs CLEANUP(git_reference_iterator_freep) = NULL;
    const char *name;
    if (git_repository_open_bare(&old, broken) < 0 || source_git_guard(old, NULL) < 0)
        return;
    if (git_reference_iterator_glob_new(&refs, old, "refs/davit/*") < 0) { /* packed-refs is damaged */
        char *packed CLEANUP_FREE = memory_printf("%s/packed-refs", broken);
        char *aside CLEANUP_FREE = memory_printf("%s.broken", packed);
        if (rename(packed, aside) < 0 || git_reference_iterator_glob_new(&refs, old, "refs/davit/*") < 0)
            return;
    }
    while (git_reference_next_name(&name, refs) == 0)
        rescue_ref(old, mirror, name);
}

int source_mirror_rebuild(const char *path, struct error *err)
{
    char *broken CLEANUP_FREE = memory_printf("%s.broken", path);
    nftw(broken, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    if (rename(path, broken) < 0 && errno != ENOENT)
        return error_set(err, ERROR_DENIED, "cannot put the broken mirror %s aside: %s", path,
                         strerror(errno));
    git_repository *mirror CLEANUP(source_git_repository_freep) = NULL;
    int rc = create(path, &mirror, err);
    if (rc == 0)
        rescue_refs(broken, mirror);
    return rc;
}

int source_mirror_tidy(struct git_repository *mirror, struct error *err)
{
    const char *path = git_repository_path(mirror);
    struct string_vec packs CLEANUP(string_vec_deinit) = {0};
    odb_pack_list(path, ODB_PACK_SMALL, &packs);
    if (packs.len <= SOURCE_MIRROR_PACKS && !odb_loose_exceed(path, SOURCE_MIRROR_LOOSE))
        return 0;
    struct odb_merge merge CLEANUP(odb_merge_deinit);
    odb_merge_init(&merge, path, true);
    int rc = odb_merge_run(&merge, err);
    if (rc == 0)
        odb_merge_end(&merge);
    return rc;
}

int source_mirror_tip(struct git_repository *mirror, char ret_oid[static COMMIT_OID_SIZE], struct error *err)
{
    git_oid oid;
    int rc = git_reference_name_to_id(&oid, mirror, SOURCE_MIRROR_REF);
    if (rc == GIT_ENOTFOUND) {
        ret_oid[0] = '\0';
        return 0;
    }
    if (rc < 0)
        return source_git_error(err, rc, "the mirror's ref");
    git_oid_tostr(ret_oid, COMMIT_OID_SIZE, &oid);
    return 0;
}

int source_mirror_set_tip(struct git_repository *mirror, const char *oid_hex, struct error *err)
{
    git_oid oid;
    git_reference *ref CLEANUP(git_reference_freep) = NULL;
    int rc = git_oid_fromstr(&oid, oid_hex);
    if (rc == 0)
        rc = git_reference_create(&ref, mirror, SOURCE_MIRROR_REF, &oid, 1, NULL);
    return rc < 0 ? source_git_error_as(err, ERROR_UNAVAILABLE, "cannot write the mirror's ref") : 0;
}

bool source_mirror_has_commit(struct git_repository *mirror, const char *oid_hex)
{
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    git_oid oid;
    return git_oid_fromstr(&oid, oid_hex) == 0 && odb_commit_read(mirror, &oid, &commit) == 0;
}

int source_mirror_mend(const char *path, struct git_repository **ret_mirror, struct error *err)
{
    int rc = source_mirror_open(path, ret_mirror, err);
    if (rc != ERROR_IO)
        return rc;
    rc = source_mirror_rebuild(path, err);
    return rc < 0 ? rc : source_mirror_open(path, ret_mirror, err);
}
