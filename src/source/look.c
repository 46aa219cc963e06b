#include "source/look.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/roots.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void end_walk(struct source_look *look)
{
    source_walk_freep(&look->walk);
    source_git_repository_freep(&look->mirror);
}

void source_look_deinit(struct source_look *look)
{
    end_walk(look);
    source_update_vec_deinit(&look->updates);
    string_vec_deinit(&look->paths);
    string_vec_deinit(&look->roots);
    source_verifier_deinit(&look->verifier);
    source_refusal_deinit(&look->refused);
    free(look->origin);
    free(look->branch);
    free(look->mirror_dir);
    free(look->sub_path);
    free(look->ref);
}

static bool has(const char *directory, const char *name)
{
    struct stat st;
    char *path CLEANUP_FREE = memory_printf("%s/%s", directory, name);
    return lstat(path, &st) == 0;
}

int source_look_kind(const char *origin, enum source_kind *ret_kind, struct error *err)
{
    struct stat st;
    if (stat(origin, &st) < 0)
        return error_set(err, errno == EACCES ? ERROR_DENIED : ERROR_NOT_FOUND, "%s: %s", origin,
                         strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERROR_INVALID, "%s is neither a repository nor a directory", origin);
    bool bare = has(origin, "HEAD") && has(origin, "objects") && has(origin, "refs");
    *ret_kind = bare || has(origin, ".git") ? SOURCE_REPOSITORY : SOURCE_DIRECTORY;
    return 0;
}

int source_look_refuse_directory(const char *origin, struct error *err)
{
    return error_set(err, ERROR_INVALID,
                     "source.verify: %s is a directory without git, which has no signatures: make it a "
                     "repository, or choose the policy \"none\"",
                     origin);
}

static int find_kind(struct source_look *look)
{
    int rc = source_look_kind(look->origin, &look->kind, &look->error);
    if (rc == 0 && look->kind == SOURCE_DIRECTORY && look->was_repository)
        return error_set(&look->error, ERROR_CONFLICT, "%s was a git repository and no longer is",
                         look->origin);
    if (rc == 0 && look->kind == SOURCE_DIRECTORY && look->verifier.verify.policy != SOURCE_VERIFY_NONE)
        return source_look_refuse_directory(look->origin, &look->error);
    return rc;
}

static void watch_repository(struct source_look *look, const struct source_local *local)
{
    vector_push(&look->paths, memory_printf("%s/HEAD", look->origin));
    vector_push(&look->paths, memory_printf("%s/.git/HEAD", look->origin));
    if (!local->git_dir)
        return;
    vector_push(&look->paths, memory_printf("%sHEAD", local->git_dir));
    vector_push(&look->paths, memory_printf("%spacked-refs", local->common_dir));
    vector_push(&look->paths, memory_printf("%sshallow", local->common_dir));
    if (local->ref)
        vector_push(&look->paths, memory_printf("%s%s", local->common_dir, local->ref));
    if (look->verifier.verify.policy == SOURCE_VERIFY_TAG)
        vector_push(&look->paths, memory_printf("%srefs/tags/*", local->common_dir));
}

/* A key that is added may be what a commit waits for. */
static void watch_keys(struct source_look *look)
{
    const struct source_verify *verify = &look->verifier.verify;
    const char *const files[] = {verify->gpg_keyring_file, verify->allowed_signers_file,
                                 verify->revocation_file};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (verify->policy != SOURCE_VERIFY_NONE && files[i] && files[i][0] == '/')
            vector_push(&look->paths, memory_strdup(files[i]));
}

/* `tip` is the mirror's before and after. */
static int bring_repository(struct source_look *look, char tip[static COMMIT_OID_SIZE])
{
    struct source_local local CLEANUP(source_local_deinit) = {0};
    int rc = source_local_open(look->origin, look->branch, &local, &look->error);
    watch_repository(look, &local);
    look->was_repository |= local.repository != NULL;
    free(look->ref);
    look->ref = memory_strdup(local.ref);
    if (rc < 0)
        return rc;
    bool moved = !text_equal(tip, local.tip);
    memcpy(tip, local.tip, sizeof local.tip);
    rc = source_copy(local.repository, look->mirror, tip, &look->error);
    if (rc == 0 && moved)
        rc = source_mirror_set_tip(look->mirror, tip, &look->error);
    if (rc == 0 && look->verifier.verify.policy == SOURCE_VERIFY_TAG)
        rc = source_tags_copy(local.repository, look->mirror, tip, &look->error);
    return rc;
}

static int bring_directory(struct source_look *look, char tip[static COMMIT_OID_SIZE])
{
    struct source_snapshot snapshot CLEANUP(source_snapshot_deinit) = {.content = look->content};
    memcpy(snapshot.tip, look->content_tip, sizeof snapshot.tip);
    source_root_paths(look->sub_path, &look->roots, &snapshot.extra);
    int rc = source_snapshot_take(look->mirror, look->origin, look->patient, &snapshot, &look->error);
    for (size_t i = 0; i < snapshot.directories.len; i++)
        vector_push(&look->paths, memory_strdup(snapshot.directories.items[i]));
    for (size_t i = 0; i < snapshot.extra.len; i++)
        vector_push(&look->paths, memory_printf("%s/%s", look->origin, snapshot.extra.items[i]));
    look->busy = snapshot.busy;
    look->content = snapshot.content;
    memcpy(look->content_tip, snapshot.tip, sizeof look->content_tip);
    memcpy(tip, snapshot.tip, sizeof snapshot.tip);
    return rc;
}

static int bring_local(struct source_look *look, char tip[static COMMIT_OID_SIZE])
{
    vector_push(&look->paths, memory_strdup(look->origin));
    vector_push(&look->paths, memory_printf("%s/.git", look->origin));
    watch_keys(look);
    int rc = find_kind(look);
    if (rc < 0)
        return rc;
    return look->kind == SOURCE_REPOSITORY ? bring_repository(look, tip) : bring_directory(look, tip);
}

/* Leaves look->walk NULL when there is nothing new: that is when the mirror can be tidied. Where it cannot,
 * it only takes more room than it needs. */
static int begin_walk(struct source_look *look, const char *tip)
{
    if (look->delivered_is_head && text_equal(tip, look->delivered)) {
        source_mirror_tidy(look->mirror, NULL);
        return 0;
    }
    struct source_walk_plan plan = {
        .repository = look->mirror,
        .tip = tip,
        .base = look->delivered,
        .sub_path = look->sub_path,
        .roots = &look->roots,
        .generation = look->generation,
        .head_full = !look->head_known,
    };
    int rc = source_walk_new(&plan, &look->walk, &look->error);
    return rc < 0 ? rc : source_walk_read(look->walk, &look->updates, &look->error);
}

/* A commit that may not be deployed makes room for the newest that may: what is deployed is kept up with it,
 * by a life that has not been told of it yet, too. */
static int begin_allowed_walk(struct source_look *look, const char *tip)
{
    int rc = source_verifier_check(&look->verifier, look->mirror, tip, &look->refused, &look->refusal);
    if (rc == 0)
        return begin_walk(look, tip);
    if (rc == ERROR_IO) {
        look->error = look->refusal;
        look->refusal = ERROR_INIT;
        return rc;
    }
    const char *base = look->verifier.base;
    if (look->newest_only || !source_mirror_has_commit(look->mirror, base))
        return 0;
    return begin_walk(look, base);
}

/* *ret_suspect: it is the mirror that failed, not the origin. */
static int look_once(struct source_look *look, bool *ret_suspect)
{
    char tip[COMMIT_OID_SIZE] = "";
    *ret_suspect = true;
    int rc = source_mirror_open(look->mirror_dir, &look->mirror, &look->error);
    if (rc == 0)
        rc = source_mirror_tip(look->mirror, tip, &look->error);
    if (rc < 0)
        return rc;
    if (!look->remote) {
        string_vec_deinit(&look->paths);
        rc = bring_local(look, tip);
        *ret_suspect = look->kind == SOURCE_DIRECTORY; /* it has no git objects of its own that could fail */
    }
    if (rc < 0 || look->busy)
        return rc;
    *ret_suspect = true;
    if (*tip)
        return begin_allowed_walk(look, tip);
    look->again = !look->bridges; /* a remote's mirror that was lost since the fetch */
    return error_set(&look->error, ERROR_NOT_FOUND, "the mirror is empty");
}

static void look_anew(struct source_look *look)
{
    bool suspect = false;
    int rc = look_once(look, &suspect);
    if (rc != ERROR_IO || !suspect || look->bridges)
        return;
    end_walk(look);
    source_update_vec_deinit(&look->updates);
    struct error cause = look->error;
    if (source_mirror_rebuild(look->mirror_dir, &look->error) < 0)
        return;
    look->again = look->remote;
    look->error = cause;
    if (look->remote)
        return;
    look->error = ERROR_INIT;
    look_once(look, &suspect);
}

void source_look_run(struct source_look *look)
{
    assert(!look->updates.len);
    look->error = ERROR_INIT;
    look->busy = false;
    look->again = false;
    if (look->walk) {
        int rc = source_walk_read(look->walk, &look->updates, &look->error);
        /* A look from its start finds out whether the mirror is broken. */
        look->again = rc == ERROR_IO && !look->bridges;
    } else {
        look->refusal = ERROR_INIT;
        source_refusal_deinit(&look->refused);
        look_anew(look);
    }
    if (look->error.code || !look->walk || source_walk_is_done(look->walk))
        end_walk(look);
}
