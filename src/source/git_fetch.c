#include "source/git.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/wipe.h"
#include "source/git_address.h"
#include "source/git_ssh.h"
#include "source/origin.h"
#include "source/pace.h"

#include <assert.h>
#include <git2.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PEELED "^{}"

DEFINE_CLEANUP(git_remote, git_remote_free)
DEFINE_CLEANUP(git_commit, git_commit_free)

struct progress {
    int64_t max_bytes;
    bool too_large;
    struct source_pace *pace;
};

static int on_word(const char *text, int len, void *data)
{
    const struct progress *progress = data;
    (void)text;
    (void)len;
    source_pace_note_word(progress->pace);
    return 0;
}

static int on_progress(const git_indexer_progress *stats, void *data)
{
    struct progress *progress = data;
    const struct source_pace_news news = {.bytes = stats->received_bytes,
                                          .steps = (uint64_t)stats->indexed_objects + stats->indexed_deltas,
                                          .complete = stats->total_objects &&
                                                      stats->received_objects == stats->total_objects};
    source_pace_note(progress->pace, &news);
    progress->too_large = stats->received_bytes > (uint64_t)progress->max_bytes;
    return progress->too_large ? GIT_EUSER : 0;
}

static int find_head(const git_remote_head **heads, size_t heads_len, char **ret_ref)
{
    for (size_t i = 0; i < heads_len; i++) {
        if (strcmp(heads[i]->name, "HEAD") != 0)
            continue;
        *ret_ref = memory_strdup(heads[i]->symref_target ? heads[i]->symref_target : "HEAD");
        return 0;
    }
    return ERROR_NOT_FOUND;
}

/* What is to be had of the remote beside the branch. */
struct tags {
    struct string_vec oids;     /* of the tag objects */
    struct string_vec refspecs; /* that bring them */
};

static void tags_deinit(struct tags *tags)
{
    string_vec_deinit(&tags->oids);
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
    for (size_t i = 0; i + 1 < heads_len && tags->oids.len < LIMIT_SOURCE_TAGS; i++) {
        if (!text_starts_with(heads[i]->name, "refs/tags/") || !is_peeled(heads[i + 1], heads[i]->name) ||
            !git_oid_equal(&heads[i + 1]->oid, &commit))
            continue;
        char *target CLEANUP_FREE = memory_printf(SOURCE_MIRROR_TAG, (int)tags->oids.len);
        vector_push(&tags->refspecs, memory_printf("+%s:%s", heads[i]->name, target));
        vector_push(&tags->oids, memory_strdup(git_oid_tostr(hex, sizeof hex, &heads[i]->oid)));
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
    if (branch)
        result->ref = source_origin_ref(branch);
    else if (find_head(heads, heads_len, &result->ref) < 0)
        return error_set(err, ERROR_NOT_FOUND, "the remote is empty or its HEAD has no commit");
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

/* What source_access asks for, in libgit2's terms. */
struct way {
    const struct source_fetch_order *order;
    struct source_ssh *ssh;
    char *header; /* "Authorization: ..."; NULL: none */
    char *proxy;
    struct source_address *address; /* that header and proxy are for */
};

static void way_deinit(struct way *way)
{
    source_ssh_free(way->ssh);
    source_address_free(way->address);
    wipe_free(way->header);
    wipe_free(way->proxy);
}

static int find_way(const struct source_fetch_order *order, git_repository *mirror, struct way *way,
                    struct error *err)
{
    const char *ca = order->access.ca_file;
    way->order = order;
    int rc = source_access_check(&order->access, err);
    if (rc == 0)
        rc = source_ssh_new(&order->access, &way->ssh, err);
    if (rc == 0)
        rc = source_access_header(&order->access, order->url, &way->header, err);
    if (rc == 0)
        rc = source_access_proxy(&order->access, &way->proxy, err);
    if (rc == 0)
        rc = source_address_new(mirror, way->proxy, &way->address, err);
    if (rc < 0 || !ca)
        return rc;
    rc = git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, ca, NULL);
    return rc < 0 ? source_git_error_as(err, ERROR_INVALID, "caFile %s", ca) : 0;
}

/* As the configuration says, which way.address is a part of. */
static git_proxy_options proxy_by_configuration(void)
{
    git_proxy_options options;
    git_proxy_options_init(&options, GIT_PROXY_OPTIONS_VERSION);
    options.type = GIT_PROXY_AUTO;
    return options;
}

static git_strarray headers_of(struct way *way)
{
    return (git_strarray){.strings = &way->header, .count = way->header != NULL};
}

/* Whose words libgit2's last error has: it tells the two refusals apart by its text alone. */
static bool is_of_proxy(void)
{
    const git_error *last = git_error_last();
    return last && last->message && text_starts_with(last->message, "proxy ");
}

static int unavailable(const struct way *way, const char *what, struct error *err)
{
    int rc = source_address_why(way->address, err);
    const char *proxy = text_starts_with(way->order->url, "http") ? way->order->access.proxy : NULL;
    return rc < 0 ? rc
                  : source_git_error_as(err, ERROR_UNAVAILABLE, "%s%s%s", what, proxy ? " by proxy " : "",
                                        proxy ? proxy : "");
}

static int unauthenticated(const struct way *way, struct error *err)
{
    const struct source_access *access = &way->order->access;
    if (is_of_proxy() && access->proxy && access->proxy_login_file)
        return error_set(err, ERROR_DENIED, "the proxy %s refuses the login of %s", access->proxy,
                         access->proxy_login_file);
    if (is_of_proxy())
        return source_git_error(err, GIT_EAUTH, "the proxy asks who we are: name a proxyLoginFile");
    if (way->header)
        return error_set(err, ERROR_DENIED, "the remote refuses user \"%s\" with the password of %s",
                         access->username ? access->username : "git", access->password_file);
    return source_git_error(err, GIT_EAUTH, "the remote asks who we are: name a passwordFile");
}

static int connect_to(git_remote *remote, struct way *way, struct error *err)
{
    git_remote_connect_options options;
    git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
    options.proxy_opts = proxy_by_configuration();
    options.custom_headers = headers_of(way);
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE; /* to other hosts */
    int rc = git_remote_connect_ext(remote, GIT_DIRECTION_FETCH, &options);
    if (rc == GIT_EAUTH)
        return unauthenticated(way, err);
    if (rc == GIT_ECERTIFICATE)
        return source_git_error(err, rc, "the remote's certificate is not believed%s",
                                way->order->access.ca_file ? "" : " (caFile names other authorities)");
    return rc < 0 ? unavailable(way, "cannot connect", err) : 0;
}

/* What is to be brought, and how much of it at most. */
struct load {
    const char *ref;
    const struct tags *tags;
    int64_t max_bytes;
    struct source_pace *pace;
};

static int refuse_size(int64_t max_bytes, struct error *err)
{
    return error_set(err, ERROR_LIMIT,
                     "the fetch is larger than %" PRId64
                     " bytes (LIMIT_FETCH_BYTES; fetchMebibytes says otherwise)",
                     max_bytes);
}

static int download(git_remote *remote, const struct load *load, struct way *way, struct error *err)
{
    struct string_vec wanted CLEANUP(string_vec_deinit) = {0};
    struct progress progress = {.max_bytes = load->max_bytes, .pace = load->pace};
    git_fetch_options options;
    git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
    options.proxy_opts = proxy_by_configuration();
    options.custom_headers = headers_of(way);
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE; /* to other hosts */
    options.callbacks.transfer_progress = on_progress;
    options.callbacks.sideband_progress = on_word;
    options.callbacks.payload = &progress;
    options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
    options.update_fetchhead = 0;
    vector_push(&wanted, memory_printf("+%s:" SOURCE_MIRROR_REF, load->ref));
    for (size_t i = 0; i < load->tags->refspecs.len; i++)
        vector_push(&wanted, memory_strdup(load->tags->refspecs.items[i]));
    git_strarray refspecs = {.strings = wanted.items, .count = wanted.len};
    int rc = git_remote_fetch(remote, &refspecs, &options, NULL);
    if (progress.too_large)
        return refuse_size(load->max_bytes, err);
    char *what CLEANUP_FREE = memory_printf("cannot fetch %s", load->ref);
    return rc < 0 ? unavailable(way, what, err) : 0;
}

static int open_mirror(const char *path, git_repository **ret_mirror, struct error *err)
{
    int rc = source_mirror_open(path, ret_mirror, err);
    if (rc != ERROR_IO)
        return rc;
    rc = source_mirror_rebuild(path, err);
    return rc < 0 ? rc : source_mirror_open(path, ret_mirror, err);
}

/* A tag becomes its commit; the ref and its commit are read, so that what is reported is there. */
static int settle(git_repository *mirror, struct source_fetch_result *result, struct error *err)
{
    git_commit *commit CLEANUP(git_commit_freep) = NULL;
    git_object *object = NULL;
    int rc = git_revparse_single(&object, mirror, SOURCE_MIRROR_REF "^{commit}");
    commit = (git_commit *)object;
    if (rc < 0)
        return source_git_error(err, rc, "what was fetched is no commit");
    git_oid_tostr(result->tip, sizeof result->tip, git_commit_id(commit));
    return source_mirror_set_tip(mirror, result->tip, err);
}

int source_git_fetch(const struct source_fetch_order *order, struct source_fetch_result *ret_result,
                     struct error *err)
{
    struct way way CLEANUP(way_deinit) = {0}; /* outlives the mirror */
    git_repository *mirror CLEANUP(source_git_repository_freep) = NULL;
    git_remote *remote CLEANUP(git_remote_freep) = NULL;
    struct tags tags CLEANUP(tags_deinit) = {0};
    struct source_pace pace CLEANUP(source_pace_end) = {0};
    char mirrored[COMMIT_OID_SIZE];
    int rc = open_mirror(order->mirror_dir, &mirror, err);
    if (rc == 0)
        rc = find_way(order, mirror, &way, err);
    if (rc == 0)
        rc = source_mirror_tip(mirror, mirrored, err);
    if (rc < 0)
        return rc;
    rc = git_remote_create_anonymous(&remote, mirror, order->url);
    if (rc < 0)
        return source_git_error(err, rc, "%s", order->url);
    rc = source_pace_begin(&pace, order->stall_ms, err);
    if (rc == 0)
        rc = connect_to(remote, &way, err);
    if (rc == 0)
        rc = find_branch(remote, order->branch, ret_result, order->tags ? &tags : NULL, err);
    if (rc < 0)
        return rc;
    if (!text_equal(ret_result->tip, mirrored) || !source_tags_are_there(mirror, &tags.oids)) {
        if (text_equal(ret_result->tip, order->too_large))
            return refuse_size(order->max_bytes, err);
        const struct load load = {ret_result->ref, &tags, order->max_bytes, &pace};
        rc = download(remote, &load, &way, err);
        if (rc == 0)
            rc = settle(mirror, ret_result, err);
    }
    return rc == 0 && order->tags ? source_tags_set(mirror, &tags.oids, err) : rc;
}
