#include "source/git.h"

#include "base/memory.h"
#include "base/text.h"
#include "odb/commit.h"
#include "source/git_way.h"
#include "source/pace.h"

#include <assert.h>
#include <git2.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PEELED "^{}"

DEFINE_CLEANUP(git_remote, git_remote_free)

/* What is to be had of the remote beside the branch. */
struct tags {
    struct source_tags found;
    struct string_vec refspecs; /* that bring them */
};

static void tags_deinit(struct tags *tags)
{
    source_tags_deinit(&tags->found);
    string_vec_deinit(&tags->refspecs);
}

/* A remote names an annotated tag and then, with ^{} behind, what it points to. */
static bool is_peeled(const git_remote_head *peeled, const char *name)
{
    size_t len = strlen(name);
    return strncmp(peeled->name, name, len) == 0 && strcmp(peeled->name + len, PEELED) == 0;
}

static void find_tags(const git_remote_head **heads, size_t heads_len, const char *tip, struct tags *tags)
{
    git_oid commit;
    char hex[COMMIT_OID_SIZE];
    if (git_oid_fromstr(&commit, tip) < 0)
        return;
    for (size_t i = 0; i + 1 < heads_len; i++) {
        if (!text_starts_with(heads[i]->name, "refs/tags/") || !is_peeled(heads[i + 1], heads[i]->name) ||
            !git_oid_equal(&heads[i + 1]->oid, &commit))
            continue;
        if (tags->found.oids.len == LIMIT_SOURCE_TAGS) {
            tags->found.left_out++;
            continue;
        }
        char *target CLEANUP_FREE = memory_printf(SOURCE_MIRROR_TAG, tags->found.oids.len);
        vector_push(&tags->refspecs, memory_printf("+%s:%s", heads[i]->name, target));
        vector_push(&tags->found.oids, memory_strdup(git_oid_tostr(hex, sizeof hex, &heads[i]->oid)));
    }
}

/* Sets ref and tip of the result; a tag as branch is its commit. NULL tags are not looked for. */
static int find_branch(git_remote *remote, const char *branch, struct source_fetch_result *result,
                       struct tags *tags, struct error *err)
{
    const git_remote_head **heads;
    size_t heads_len;
    int rc = git_remote_ls(&heads, &heads_len, remote);
    if (rc < 0)
        return source_git_error(err, rc, "cannot list the remote's branches");
    rc = source_way_branch(remote, branch, &result->ref, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < heads_len; i++) {
        if (strcmp(heads[i]->name, result->ref) != 0)
            continue;
        bool peeled = i + 1 < heads_len && is_peeled(heads[i + 1], result->ref);
        git_oid_tostr(result->tip, sizeof result->tip, &heads[i + peeled]->oid);
        if (tags)
            find_tags(heads, heads_len, result->tip, tags);
        return 0;
    }
    return error_set(err, ERROR_NOT_FOUND, "the remote has no branch %s", result->ref);
}

static int download(struct source_way *way, git_remote *remote, const struct source_download *branch,
                    const struct tags *tags, struct error *err)
{
    struct string_vec wanted CLEANUP(string_vec_deinit) = {0};
    struct source_download all = *branch;
    vector_push(&wanted, memory_printf("+%s:" SOURCE_MIRROR_REF, branch->what));
    for (size_t i = 0; i < tags->refspecs.len; i++)
        vector_push(&wanted, memory_strdup(tags->refspecs.items[i]));
    all.refspecs = &wanted;
    return source_way_download(way, remote, &all, err);
}

/* A tag becomes its commit; the ref and its commit are read, so that what is reported is there. */
static int settle(git_repository *mirror, struct source_fetch_result *result, struct error *err)
{
    git_oid oid;
    git_oid commit;
    int rc = git_reference_name_to_id(&oid, mirror, SOURCE_MIRROR_REF);
    if (rc == 0)
        rc = odb_commit_peel(mirror, &oid, &commit);
    if (rc < 0)
        return source_git_error(err, rc, "what was fetched is no commit");
    git_oid_tostr(result->tip, sizeof result->tip, &commit);
    return source_mirror_set_tip(mirror, result->tip, err);
}

/* From this machine, as from a local repository. */
static int copy_branch(const struct source_fetch_order *order, git_repository *mirror, const char *tip,
                       struct error *err)
{
    git_repository *origin CLEANUP(source_git_repository_freep) = NULL;
    int rc = source_git_open_url(order->url, &origin, err);
    if (rc == 0)
        rc = source_copy(origin, mirror, tip, err);
    if (rc == 0)
        rc = source_mirror_set_tip(mirror, tip, err);
    return rc == 0 && order->tags ? source_tags_copy(origin, mirror, tip, err) : rc;
}

int source_git_fetch(const struct source_fetch_order *order, struct source_fetch_result *ret_result,
                     struct error *err)
{
    struct source_way way CLEANUP(source_way_deinit) = {
        .url = order->url, .access = &order->access, .member = "source.origin"};
    git_repository *mirror CLEANUP(source_git_repository_freep) = NULL;
    git_remote *remote CLEANUP(git_remote_freep) = NULL;
    struct tags tags CLEANUP(tags_deinit) = {0};
    struct source_pace pace CLEANUP(source_pace_end) = {0};
    char mirrored[COMMIT_OID_SIZE];
    int rc = source_mirror_mend(order->mirror_dir, &mirror, err);
    if (rc == 0)
        rc = source_mirror_tip(mirror, mirrored, err);
    if (rc == 0)
        rc = source_pace_begin(&pace, order->stall_ms, err);
    if (rc == 0)
        rc = source_way_open(&way, mirror, GIT_DIRECTION_FETCH, &remote, err);
    if (rc == 0)
        rc = find_branch(remote, order->branch, ret_result, order->tags ? &tags : NULL, err);
    if (rc < 0)
        return rc;
    if (!text_equal(ret_result->tip, mirrored) || !source_tags_are_there(mirror, &tags.found)) {
        if (text_equal(ret_result->tip, order->too_large))
            return source_way_too_large(order->max_bytes, err);
        const struct source_download branch = {
            .what = ret_result->ref, .max_bytes = order->max_bytes, .pace = &pace};
        rc = download(&way, remote, &branch, &tags, err);
        if (rc == ERROR_UNAVAILABLE && copy_branch(order, mirror, ret_result->tip, NULL) == 0) {
            if (err)
                *err = ERROR_INIT;
            rc = 0;
        }
        if (rc == 0)
            rc = settle(mirror, ret_result, err);
    }
    return rc == 0 && order->tags ? source_tags_set(mirror, &tags.found, err) : rc;
}
