#include "source/git_way.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/wipe.h"
#include "odb/skeleton.h"
#include "source/git.h"
#include "source/git_address.h"
#include "source/git_ssh.h"
#include "source/origin.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void source_way_deinit(struct source_way *way)
{
    source_ssh_free(way->ssh);
    source_address_free(way->address);
    wipe_free(way->header);
    wipe_free(way->proxy);
}

int source_way_init(struct source_way *way, git_repository *repository, struct error *err)
{
    assert(way->url && way->access);
    const char *ca = way->access->ca_file;
    int rc = source_access_check(way->access, err);
    if (rc == 0)
        rc = source_ssh_new(way->access, &way->ssh, err);
    if (rc == 0)
        rc = source_access_header(way->access, way->url, &way->header, err);
    if (rc == 0)
        rc = source_access_proxy(way->access, &way->proxy, err);
    if (rc == 0)
        rc = source_address_new(repository, way->proxy, &way->address, err);
    if (rc < 0 || !ca)
        return rc;
    rc = git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, ca, NULL);
    return rc < 0 ? source_git_error_as(err, ERROR_INVALID, "caFile %s", ca) : 0;
}

/* As the configuration says, which way.address is a part of. */
git_proxy_options source_way_proxy(void)
{
    git_proxy_options options;
    git_proxy_options_init(&options, GIT_PROXY_OPTIONS_VERSION);
    options.type = GIT_PROXY_AUTO;
    return options;
}

git_strarray source_way_headers(struct source_way *way)
{
    return (git_strarray){.strings = &way->header, .count = way->header != NULL};
}

/* Whose words libgit2's last error has: it tells the two refusals apart by its text alone. */
static bool is_of_proxy(void)
{
    const git_error *last = git_error_last();
    return last && last->message && text_starts_with(last->message, "proxy ");
}

int source_way_unavailable(const struct source_way *way, const char *what, struct error *err)
{
    int rc = source_address_why(way->address, err);
    const char *proxy = text_starts_with(way->url, "http") ? way->access->proxy : NULL;
    return rc < 0 ? rc
                  : source_git_error_as(err, ERROR_UNAVAILABLE, "%s%s%s", what, proxy ? " by proxy " : "",
                                        proxy ? proxy : "");
}

static int unauthenticated(const struct source_way *way, struct error *err)
{
    const struct source_access *access = way->access;
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

int source_way_connect(struct source_way *way, git_remote *remote, git_direction direction, struct error *err)
{
    git_remote_connect_options options;
    git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
    options.proxy_opts = source_way_proxy();
    options.custom_headers = source_way_headers(way);
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE; /* to other hosts */
    int rc = git_remote_connect_ext(remote, direction, &options);
    if (rc == GIT_EAUTH)
        return unauthenticated(way, err);
    if (rc == GIT_ECERTIFICATE)
        return source_git_error(err, rc, "the remote's certificate is not believed%s",
                                way->access->ca_file ? "" : " (caFile names other authorities)");
    return rc < 0 ? source_way_unavailable(way, "cannot connect", err) : 0;
}

int source_way_branch(git_remote *remote, const char *branch, char **ret_ref, struct error *err)
{
    const git_remote_head **heads;
    size_t heads_len;
    if (branch) {
        *ret_ref = source_origin_ref(branch);
        return 0;
    }
    int rc = git_remote_ls(&heads, &heads_len, remote);
    if (rc < 0)
        return source_git_error(err, rc, "cannot list the remote's branches");
    for (size_t i = 0; i < heads_len; i++) {
        if (strcmp(heads[i]->name, "HEAD") != 0)
            continue;
        *ret_ref = memory_strdup(heads[i]->symref_target ? heads[i]->symref_target : "HEAD");
        return 0;
    }
    return error_set(err, ERROR_NOT_FOUND, "the remote is empty or its HEAD has no commit");
}

/* --- fetching ------------------------------------------------------------------------------------------- */

struct progress {
    int64_t max_bytes;
    bool too_large;
    struct source_pace *pace;
    struct odb_skeleton *skeleton; /* shown until the pack begins */
};

static int on_word(const char *text, int len, void *data)
{
    const struct progress *progress = data;
    (void)text;
    (void)len;
    if (progress->pace)
        source_pace_note_word(progress->pace);
    return 0;
}

static int on_progress(const git_indexer_progress *stats, void *data)
{
    struct progress *progress = data;
    odb_skeleton_show(progress->skeleton, false);
    const struct source_pace_news news = {.bytes = stats->received_bytes,
                                          .steps = (uint64_t)stats->indexed_objects + stats->indexed_deltas,
                                          .complete = stats->total_objects &&
                                                      stats->received_objects == stats->total_objects};
    if (progress->pace)
        source_pace_note(progress->pace, &news);
    progress->too_large = stats->received_bytes > (uint64_t)progress->max_bytes;
    return progress->too_large ? GIT_EUSER : 0;
}

int source_way_too_large(int64_t max_bytes, struct error *err)
{
    return error_set(err, ERROR_LIMIT,
                     "the fetch is larger than %" PRId64
                     " bytes (LIMIT_FETCH_BYTES; fetchMebibytes says otherwise)",
                     max_bytes);
}

#define STATM_DATA 5 /* the place of the data's size in proc_pid_statm(5), in pages, from 0 */

/* What counts by RLIMIT_DATA. -1: not known. */
static int64_t data_bytes(void)
{
    char line[256] = "";
    char *rest = NULL;
    int64_t pages = -1;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return -1;
    const char *word = fgets(line, sizeof line, file) ? strtok_r(line, " ", &rest) : NULL;
    fclose(file);
    for (int i = 0; word && i < STATM_DATA; i++)
        word = strtok_r(NULL, " ", &rest);
    if (!word || text_to_int64(word, 0, INT64_MAX / 65536, &pages) < 0)
        return -1;
    return pages * sysconf(_SC_PAGESIZE);
}

/* A pack of a few KiB may hold objects of any size, which libgit2 unpacks in memory. Not counted are files
 * that are mapped, as packs are. ret_before: to be set again. */
static int bound_memory(int64_t max_bytes, struct rlimit *ret_before, struct error *err)
{
    int64_t now = data_bytes();
    if (now >= 0 && getrlimit(RLIMIT_DATA, ret_before) == 0) {
        struct rlimit bound = *ret_before;
        rlim_t bytes = (rlim_t)now + LIMIT_FETCH_MEMORY + (rlim_t)max_bytes;
        bound.rlim_cur = bytes < bound.rlim_cur ? bytes : bound.rlim_cur;
        if (setrlimit(RLIMIT_DATA, &bound) == 0)
            return 0;
    }
    return error_set(err, ERROR_UNAVAILABLE, "cannot bound the memory of the fetch (/proc, setrlimit): %s",
                     strerror(errno));
}

static int tell_memory(int64_t max_bytes, struct error *err)
{
    return error_set(err, ERROR_LIMIT,
                     "what is fetched takes more than %" PRId64
                     " MiB of memory to unpack (fetchMebibytes and 256): it holds a very large file, which "
                     "davit does not need; keep it in another repository or raise fetchMebibytes",
                     (int64_t)(max_bytes + LIMIT_FETCH_MEMORY) / (1024 * 1024));
}

static bool is_out_of_memory(void)
{
    const git_error *last = git_error_last();
    return last && last->klass == GIT_ERROR_NOMEMORY;
}

int source_way_download(struct source_way *way, git_remote *remote, const struct source_download *download,
                        struct error *err)
{
    struct progress progress = {.max_bytes = download->max_bytes, .pace = download->pace};
    git_strarray refspecs = {.strings = download->refspecs->items, .count = download->refspecs->len};
    git_fetch_options options;
    git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
    options.proxy_opts = source_way_proxy();
    options.custom_headers = source_way_headers(way);
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE; /* to other hosts */
    options.callbacks.transfer_progress = on_progress;
    options.callbacks.sideband_progress = on_word;
    options.callbacks.payload = &progress;
    options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
    options.update_fetchhead = 0;
    struct rlimit before;
    int rc = odb_skeleton_add(git_remote_owner(remote), &progress.skeleton);
    if (rc < 0)
        return source_git_error(err, rc, "cannot open the objects");
    rc = bound_memory(download->max_bytes, &before, err);
    if (rc < 0)
        return rc;
    odb_skeleton_show(progress.skeleton, true);
    rc = git_remote_fetch(remote, &refspecs, &options, NULL);
    odb_skeleton_show(progress.skeleton, false);
    setrlimit(RLIMIT_DATA, &before);
    if (rc < 0 && is_out_of_memory())
        return tell_memory(download->max_bytes, err);
    if (progress.too_large)
        return source_way_too_large(download->max_bytes, err);
    char *what CLEANUP_FREE = memory_printf("cannot fetch %s", download->what);
    return rc < 0 ? source_way_unavailable(way, what, err) : 0;
}
