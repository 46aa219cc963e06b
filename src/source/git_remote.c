/* Branches of a remote in a repository of davit's own, and back. */
#include "source/remote.h"

#include "base/text.h"
#include "source/fetch_order.h"
#include "source/git_way.h"
#include "source/origin.h"
#include "source/source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HEADS "refs/heads/"

DEFINE_CLEANUP(git_reference, git_reference_free)

/* A branch of the remote. */
struct tip {
    char *ref;
    char oid[COMMIT_OID_SIZE]; /* when it was fetched; empty: it was not there */
};

struct source_remote {
    struct source_fetch_order order; /* borrows from the lines */
    char *lines[SOURCE_ORDER_LINES];
    struct tip base;
    struct tip review;
};

int source_remote_order(const struct source_remote_options *options, struct error *err)
{
    const struct source_fetch_order order = {.url = options->url,
                                             .branch = options->branch,
                                             .mirror_dir = options->directory,
                                             .max_bytes = options->max_bytes,
                                             .stall_ms = LIMIT_FETCH_STALL_MS, /* its deadline comes first */
                                             .access = *options->access};
    return source_order_open(&order, err);
}

int source_remote_new(FILE *order, struct source_remote **ret_remote, struct error *err)
{
    struct source_remote *remote = NEW(struct source_remote);
    int rc = source_order_read(order, remote->lines, &remote->order, err);
    if (rc == 0 && (!remote->order.url || !remote->order.mirror_dir))
        rc = error_set(err, ERROR_INVALID, "no remote, or no directory is named");
    if (rc == 0)
        *ret_remote = remote;
    else
        source_remote_free(remote);
    return rc;
}

void source_remote_free(struct source_remote *remote)
{
    if (!remote)
        return;
    for (size_t i = 0; i < SOURCE_ORDER_LINES; i++)
        free(remote->lines[i]);
    free(remote->base.ref);
    free(remote->review.ref);
    free(remote);
}

const char *source_remote_directory(const struct source_remote *remote)
{
    return remote->order.mirror_dir;
}

const char *source_remote_branch(const struct source_remote *remote)
{
    assert(remote->base.ref);
    return remote->base.ref;
}

/* --- a conversation ------------------------------------------------------------------------------------- */

struct talk {
    struct source_way way; /* outlives the repository */
    git_repository *repository;
    git_remote *remote;
};

static void talk_deinit(struct talk *talk)
{
    git_remote_free(talk->remote);
    git_repository_free(talk->repository);
    source_way_deinit(&talk->way);
}

static int talk_init(struct talk *talk, const struct source_remote *remote, git_direction direction,
                     struct error *err)
{
    talk->way = (struct source_way){
        .url = remote->order.url, .access = &remote->order.access, .member = "source.origin"};
    int rc = source_library_configure(err); /* for its proxies; what reads offline has put it away */
    if (rc == 0)
        rc = source_mirror_mend(remote->order.mirror_dir, &talk->repository, err);
    return rc < 0 ? rc : source_way_open(&talk->way, talk->repository, direction, &talk->remote, err);
}

/* --- fetching ------------------------------------------------------------------------------------------- */

static int find_tips(struct talk *talk, struct source_remote *remote, const char *review, struct error *err)
{
    free(TAKE(remote->base.ref));
    free(TAKE(remote->review.ref));
    int rc = source_way_branch(talk->remote, remote->order.branch, &remote->base.ref, err);
    if (rc == 0)
        rc = source_way_tip(talk->remote, remote->base.ref, remote->base.oid, err);
    if (rc < 0)
        return rc;
    if (!remote->base.oid[0])
        return error_set(err, ERROR_NOT_FOUND, "the remote has no branch %s", remote->base.ref);
    if (!text_starts_with(remote->base.ref, HEADS))
        return error_set(err, ERROR_INVALID, "%s is no branch: nothing can be committed on it",
                         remote->base.ref);
    if (!review)
        return 0;
    remote->review.ref = source_origin_ref(review);
    return source_way_tip(talk->remote, remote->review.ref, remote->review.oid, err);
}

/* Appends what brings the branch, unless it is here as it is there. */
static int want(git_repository *repository, const struct tip *tip, struct string_vec *refspecs,
                struct error *err)
{
    git_oid id;
    char here[COMMIT_OID_SIZE] = "";
    int rc = git_reference_name_to_id(&id, repository, tip->ref);
    if (rc == 0)
        git_oid_tostr(here, sizeof here, &id);
    if (rc == GIT_EINVALIDSPEC)
        return error_set(err, ERROR_INVALID, "\"%s\" is no valid name of a branch", tip->ref);
    if (rc == 0 && !tip->oid[0])
        rc = git_reference_remove(repository, tip->ref);
    if (rc < 0 && rc != GIT_ENOTFOUND)
        return source_git_error(err, rc, "cannot read or remove %s", tip->ref);
    if (strcmp(here, tip->oid) != 0 && tip->oid[0])
        vector_push(refspecs, memory_printf("+%s:%s", tip->ref, tip->ref));
    return 0;
}

/* The branch as it is there, with its history. */
static int copy_tip(git_repository *from, git_repository *to, const struct tip *tip, struct error *err)
{
    git_reference *ref CLEANUP(git_reference_freep) = NULL;
    git_oid id;
    if (!tip->oid[0])
        return 0;
    int rc = source_copy(from, to, tip->oid, err);
    if (rc < 0)
        return rc;
    rc = git_oid_fromstr(&id, tip->oid);
    if (rc == 0)
        rc = git_reference_create(&ref, to, tip->ref, &id, 1, NULL);
    return rc < 0 ? source_git_error(err, rc, "cannot write %s", tip->ref) : 0;
}

/* From this machine, as from a local repository. */
static int copy(git_repository *own, const struct source_remote *remote, struct error *err)
{
    git_repository *there CLEANUP(source_git_repository_freep) = NULL;
    int rc = source_git_open_url(remote->order.url, &there, err);
    if (rc == 0)
        rc = copy_tip(there, own, &remote->base, err);
    if (rc == 0) /* what is here by now is not copied again */
        rc = source_mirror_set_tip(own, remote->base.oid, err);
    return rc == 0 ? copy_tip(there, own, &remote->review, err) : rc;
}

static int bring(struct talk *talk, const struct source_remote *remote, struct error *err)
{
    struct string_vec refspecs CLEANUP(string_vec_deinit) = {0};
    int rc = want(talk->repository, &remote->base, &refspecs, err);
    if (rc == 0 && remote->review.ref)
        rc = want(talk->repository, &remote->review, &refspecs, err);
    if (rc < 0 || !refspecs.len)
        return rc;
    const struct source_download download = {
        .refspecs = &refspecs, .what = remote->base.ref, .max_bytes = remote->order.max_bytes};
    rc = source_way_download(&talk->way, talk->remote, &download, err);
    if (rc != ERROR_UNAVAILABLE || copy(talk->repository, remote, NULL) < 0)
        return rc;
    if (err)
        *err = ERROR_INIT;
    return 0;
}

int source_remote_fetch(struct source_remote *remote, const char *review, struct error *err)
{
    struct talk talk CLEANUP(talk_deinit) = {0};
    int rc = talk_init(&talk, remote, GIT_DIRECTION_FETCH, err);
    if (rc == 0)
        rc = find_tips(&talk, remote, review, err);
    if (rc == 0)
        rc = bring(&talk, remote, err);
    if (rc == 0)
        rc = source_mirror_tidy(talk.repository, err);
    source_origin_redact_error(remote->order.url, err);
    return rc;
}

/* --- pushing -------------------------------------------------------------------------------------------- */

/* ERROR_CONFLICT: it is not what was fetched. */
static int compare(struct talk *talk, const struct tip *tip, struct error *err)
{
    char oid[COMMIT_OID_SIZE];
    int rc = source_way_tip(talk->remote, tip->ref, oid, err);
    if (rc == 0 && strcmp(oid, tip->oid) != 0)
        rc = error_set(err, ERROR_CONFLICT, "%s of the remote has moved meanwhile", tip->ref);
    return rc;
}

static int push(const struct source_remote *remote, const struct tip *tip, bool may_replace,
                struct source_verdict *verdict, struct error *err)
{
    struct talk talk CLEANUP(talk_deinit) = {0};
    const struct source_upload upload = {.ref = tip->ref, .from = tip->ref, .may_replace = may_replace};
    int rc = talk_init(&talk, remote, GIT_DIRECTION_PUSH, err);
    if (rc == 0)
        rc = compare(&talk, tip, err);
    return rc < 0 ? rc : source_way_upload(&talk.way, talk.remote, &upload, verdict, err);
}

/* Somebody may have been faster between the look and the push: each server has its own words for that, the
 * branch tells. */
static int explain(const struct source_remote *remote, const struct tip *tip,
                   const struct source_verdict *verdict, struct error *err)
{
    struct talk talk CLEANUP(talk_deinit) = {0};
    int rc = talk_init(&talk, remote, GIT_DIRECTION_PUSH, err);
    if (rc == 0)
        rc = compare(&talk, tip, err);
    return rc == ERROR_CONFLICT ? rc : source_way_refused(verdict, tip->ref, err);
}

int source_remote_push(struct source_remote *remote, const char *name, bool may_replace, struct error *err)
{
    char *ref CLEANUP_FREE = source_origin_ref(name);
    const struct tip *tip = text_equal(ref, remote->base.ref) ? &remote->base : &remote->review;
    struct source_verdict verdict CLEANUP(source_verdict_deinit) = {0};
    assert(text_equal(ref, tip->ref));
    int rc = push(remote, tip, may_replace, &verdict, err);
    if (rc == 0 && verdict.refusal)
        rc = explain(remote, tip, &verdict, err);
    source_origin_redact_error(remote->order.url, err);
    return rc;
}
