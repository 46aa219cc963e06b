#include "source/git.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/git_way.h"
#include "source/origin.h"
#include "source/pace.h"

#include <assert.h>
#include <git2.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

DEFINE_CLEANUP(git_remote, git_remote_free)
DEFINE_CLEANUP(git_odb, git_odb_free)

static int open_repository(const struct source_fetch_order *order, git_repository **ret_repository,
                           struct error *err)
{
    int rc = git_repository_open_bare(ret_repository, order->mirror_dir);
    return rc < 0 ? source_git_error(err, rc, "%s", order->mirror_dir)
                  : source_git_guard(*ret_repository, err);
}

/* --- fetching ------------------------------------------------------------------------------------------- */

static int bring(const struct source_fetch_order *order, struct source_way *way, git_remote *remote,
                 struct source_pace *pace, struct error *err)
{
    struct string_vec refspecs CLEANUP(string_vec_deinit) = {0};
    const struct source_download download = {
        .refspecs = &refspecs, .what = order->branch, .max_bytes = order->max_bytes, .pace = pace};
    vector_push(&refspecs, memory_printf("+%s:%s", order->branch, order->local_ref));
    int rc = source_way_download(way, remote, &download, err);
    return rc == ERROR_LIMIT
               ? error_set(err, ERROR_LIMIT, "it is larger than %" PRId64 " bytes", order->max_bytes)
               : rc;
}

int source_git_fetch_ref(const struct source_fetch_order *order, struct source_fetch_result *ret_result,
                         struct error *err)
{
    assert(order && order->branch && order->local_ref);
    struct source_way way CLEANUP(source_way_deinit) = {
        .url = order->url, .access = &order->access, .member = "ledger.remote"};
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    git_remote *remote CLEANUP(git_remote_freep) = NULL;
    struct source_pace pace CLEANUP(source_pace_end) = {0};
    char *lock CLEANUP_FREE = memory_printf("%s/%s.lock", order->mirror_dir, order->local_ref);
    unlink(lock); /* of one that was killed */
    int rc = open_repository(order, &repository, err);
    if (rc == 0)
        rc = source_pace_begin(&pace, order->stall_ms, err);
    if (rc == 0)
        rc = source_way_open(&way, repository, GIT_DIRECTION_FETCH, &remote, err);
    if (rc == ERROR_NOT_FOUND) /* a file of the way, or the repository */
        return error_wrap(err, ERROR_UNAVAILABLE, "cannot ask the remote");
    if (rc == 0)
        rc = source_way_tip(remote, order->branch, ret_result->tip, err);
    if (rc < 0)
        return rc;
    if (!ret_result->tip[0])
        return error_set(err, ERROR_NOT_FOUND, "the remote has no %s", order->branch);
    ret_result->ref = memory_strdup(order->branch);
    return bring(order, &way, remote, &pace, err);
}

/* --- pushing -------------------------------------------------------------------------------------------- */

/* What the repository has, it wrote or took over. */
static int check_remote(git_repository *repository, const struct source_fetch_order *order, const char *there,
                        struct error *err)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_oid id;
    if (!there[0] || text_equal(there, order->expected))
        return 0;
    int rc = git_repository_odb(&odb, repository);
    if (rc == 0)
        rc = git_oid_fromstr(&id, there);
    if (rc < 0)
        return source_git_error(err, rc, "%s", order->mirror_dir);
    if (git_odb_exists(odb, &id))
        return 0;
    return error_set(err, ERROR_CONFLICT,
                     "%s of the remote is %.12s, which somebody else wrote: %s neither has nor pushed it",
                     order->branch, there, order->mirror_dir);
}

/* What is written there would belong to us, and its owner could not write beside it any more. */
static int check_owner(const char *path, struct error *err)
{
    struct stat there;
    if (!path || stat(path, &there) < 0 || there.st_uid == geteuid())
        return 0;
    return error_set(err, ERROR_DENIED,
                     "%s belongs to user %ju and davit runs as %ju: nothing is written there; name a "
                     "repository of its own, or this one's address by ssh or https",
                     path, (uintmax_t)there.st_uid, (uintmax_t)geteuid());
}

static int upload(const struct source_fetch_order *order, struct source_way *way, git_remote *remote,
                  struct source_pace *pace, struct error *err)
{
    struct source_verdict verdict CLEANUP(source_verdict_deinit) = {0};
    const struct source_upload upload = {.ref = order->branch,
                                         .from = order->local_ref,
                                         .may_replace = true,
                                         .max_bytes = order->max_bytes,
                                         .pace = pace};
    int rc = source_way_upload(way, remote, &upload, &verdict, err);
    return rc == 0 && verdict.refusal ? source_way_refused(&verdict, order->branch, err) : rc;
}

int source_git_push(const struct source_fetch_order *order, struct source_fetch_result *ret_result,
                    struct error *err)
{
    assert(order && order->branch && order->local_ref);
    const char *path = source_origin_path(order->url);
    char *url CLEANUP_FREE = path ? memory_printf("file://%s", path) : memory_strdup(order->url);
    struct source_way way CLEANUP(source_way_deinit) = {
        .url = url, .access = &order->access, .member = "ledger.remote"};
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    git_remote *remote CLEANUP(git_remote_freep) = NULL;
    struct source_pace pace CLEANUP(source_pace_end) = {0};
    char there[COMMIT_OID_SIZE];
    git_oid here;
    int rc = check_owner(path, err);
    if (rc == 0)
        rc = open_repository(order, &repository, err);
    if (rc < 0)
        return rc;
    rc = git_reference_name_to_id(&here, repository, order->local_ref);
    if (rc < 0)
        return source_git_error(err, rc, "%s", order->mirror_dir);
    git_oid_tostr(ret_result->tip, sizeof ret_result->tip, &here);
    rc = source_pace_begin(&pace, order->stall_ms, err);
    if (rc == 0)
        rc = source_way_open(&way, repository, GIT_DIRECTION_PUSH, &remote, err);
    if (rc == 0)
        rc = source_way_tip(remote, order->branch, there, err);
    if (rc == 0)
        rc = check_remote(repository, order, there, err);
    if (rc == 0 && !text_equal(there, ret_result->tip))
        rc = upload(order, &way, remote, &pace, err);
    if (rc == 0)
        ret_result->ref = memory_strdup(order->branch);
    return rc;
}
