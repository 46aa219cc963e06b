#include "source/git_way.h"

#include "base/buffer.h"
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
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define WORDS_BYTES 4096 /* of what the remote says about a push */

void source_way_deinit(struct source_way *way)
{
    source_ssh_free(way->ssh);
    source_address_free(way->address);
    wipe_free(way->header);
    wipe_free(way->proxy);
}

static int find(struct source_way *way, git_repository *repository, bool pushes, struct error *err)
{
    const char *ca = way->access->ca_file;
    int rc = source_access_check(way->access, err);
    if (rc == 0)
        rc = source_ssh_new(way->access, pushes, &way->ssh, err);
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
static git_proxy_options proxy_by_configuration(void)
{
    git_proxy_options options;
    git_proxy_options_init(&options, GIT_PROXY_OPTIONS_VERSION);
    options.type = GIT_PROXY_AUTO;
    return options;
}

static git_strarray headers_of(struct source_way *way)
{
    return (git_strarray){.strings = &way->header, .count = way->header != NULL};
}

/* Whose words libgit2's last error has: it tells the two refusals apart by its text alone. */
static bool is_of_proxy(void)
{
    const git_error *last = git_error_last();
    return last && last->message && text_starts_with(last->message, "proxy ");
}

/* "<what>[ by proxy <proxy>]: <libgit2's last error>", or where it was redirected to. */
static int unavailable(const struct source_way *way, const char *what, struct error *err)
{
    int rc = source_address_why(way->address, way->member, err);
    const char *proxy = text_starts_with(way->url, "http") ? way->access->proxy : NULL;
    return rc < 0 ? rc
                  : source_git_error_as(err, ERROR_UNAVAILABLE, "%s%s%s", what, proxy ? " by proxy " : "",
                                        proxy ? proxy : "");
}

/* Of a repository that is there too, for whom the remote does not show it. */
static bool is_missing(void)
{
    const git_error *last = git_error_last();
    return last && last->message && strstr(last->message, "http status code: 404");
}

static int missing(const struct source_way *way, struct error *err)
{
    const char *user = way->access->username ? way->access->username : "git";
    if (!way->header)
        return error_set(
            err, ERROR_UNAVAILABLE,
            "cannot connect: the remote shows no such repository (404): the address may be wrong, or it "
            "wants a login: name a passwordFile");
    return error_set(
        err, ERROR_UNAVAILABLE,
        "cannot connect: the remote shows no such repository (404): the address may be wrong, or user "
        "\"%s\" with the password of %s may not see it",
        user, way->access->password_file);
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

/* One that has expired or is another host's is so for every authority. */
static int disbelieved(const struct source_way *way, int rc, struct error *err)
{
    const char *ca = way->access->ca_file;
    const git_error *last = git_error_last();
    const char *words = last && last->message ? last->message : "";
    if (strstr(words, "expired") || strstr(words, "does not match"))
        return source_git_error(err, rc, "the remote's certificate is not believed");
    return source_git_error(err, rc, "the remote's certificate is not believed: %s%s",
                            ca ? ca : "set caFile to the authority that has signed it",
                            ca ? " (caFile) has not its authority" : "");
}

static int connect_to(struct source_way *way, git_remote *remote, git_direction direction, struct error *err)
{
    git_remote_connect_options options;
    git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
    options.proxy_opts = proxy_by_configuration();
    options.custom_headers = headers_of(way);
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE; /* to other hosts */
    int rc = git_remote_connect_ext(remote, direction, &options);
    if (rc == GIT_EAUTH)
        return unauthenticated(way, err);
    if (rc == GIT_ECERTIFICATE)
        return disbelieved(way, rc, err);
    if (rc < 0 && is_missing() && source_address_why(way->address, way->member, NULL) == 0)
        return missing(way, err);
    return rc < 0 ? unavailable(way, "cannot connect", err) : 0;
}

int source_way_open(struct source_way *way, git_repository *repository, git_direction direction,
                    git_remote **ret_remote, struct error *err)
{
    assert(way->url && way->access && way->member);
    int rc = find(way, repository, direction == GIT_DIRECTION_PUSH, err);
    if (rc < 0)
        return rc;
    rc = git_remote_create_anonymous(ret_remote, repository, way->url);
    return rc < 0 ? source_git_error(err, rc, "%s", way->url) : connect_to(way, *ret_remote, direction, err);
}

int source_way_tip(git_remote *remote, const char *ref, char ret_oid[static COMMIT_OID_SIZE],
                   struct error *err)
{
    const git_remote_head **heads;
    size_t heads_len;
    int rc = git_remote_ls(&heads, &heads_len, remote);
    if (rc < 0)
        return source_git_error(err, rc, "cannot list the remote's refs");
    *ret_oid = '\0';
    for (size_t i = 0; i < heads_len; i++)
        if (strcmp(heads[i]->name, ref) == 0)
            git_oid_tostr(ret_oid, COMMIT_OID_SIZE, &heads[i]->oid);
    return 0;
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
    options.proxy_opts = proxy_by_configuration();
    options.custom_headers = headers_of(way);
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
    return rc < 0 ? unavailable(way, what, err) : 0;
}

/* --- pushing -------------------------------------------------------------------------------------------- */

struct sending {
    const struct source_upload *upload;
    bool too_large;
    char *refusal;
    struct buffer words;
};

static int on_packed(int stage, uint32_t current, uint32_t total, void *data)
{
    const struct sending *sending = data;
    (void)stage;
    (void)current;
    (void)total;
    if (sending->upload->pace) /* it is we who are at work */
        source_pace_note_word(sending->upload->pace);
    return 0;
}

/* libgit2 tells it twice a second, and once all is sent: then there is nothing left to refuse. */
static int on_sent(unsigned current, unsigned total, size_t bytes, void *data)
{
    struct sending *sending = data;
    const struct source_upload *upload = sending->upload;
    const struct source_pace_news news = {.bytes = bytes, .steps = current, .complete = current == total};
    if (upload->pace)
        source_pace_note(upload->pace, &news);
    sending->too_large = upload->max_bytes && bytes > (size_t)upload->max_bytes && !news.complete;
    return sending->too_large ? GIT_EUSER : 0;
}

static int on_status(const char *ref, const char *status, void *data)
{
    struct sending *sending = data;
    (void)ref; /* there is one */
    free(sending->refusal);
    sending->refusal = memory_strdup(status);
    return 0;
}

static int on_said(const char *text, int len, void *data)
{
    struct sending *sending = data;
    buffer_append(&sending->words, text, (size_t)len); /* more than fits is not told */
    if (sending->upload->pace)
        source_pace_note_word(sending->upload->pace);
    return 0;
}

void source_verdict_deinit(struct source_verdict *verdict)
{
    free(verdict->refusal);
    free(verdict->words);
}

static void judge(struct sending *sending, struct source_verdict *verdict)
{
    char *words CLEANUP_FREE = memory_strndup(buffer_str(&sending->words), sending->words.len);
    for (size_t len = strlen(words); len > 0 && strchr(" \r\n", words[len - 1]);)
        words[--len] = '\0';
    if (!sending->refusal)
        return;
    verdict->refusal = text_printable(sending->refusal);
    verdict->words = text_printable(words);
}

int source_way_upload(struct source_way *way, git_remote *remote, const struct source_upload *upload,
                      struct source_verdict *verdict, struct error *err)
{
    struct sending sending = {.upload = upload, .words = BUFFER_INIT(WORDS_BYTES)};
    struct odb_skeleton *skeleton;
    char *refspec CLEANUP_FREE =
        memory_printf("%s%s:%s", upload->may_replace ? "+" : "", upload->from, upload->ref);
    git_strarray refspecs = {.strings = &refspec, .count = 1};
    git_push_options options;
    git_push_options_init(&options, GIT_PUSH_OPTIONS_VERSION);
    options.proxy_opts = proxy_by_configuration();
    options.custom_headers = headers_of(way);
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE; /* to other hosts */
    options.callbacks.pack_progress = on_packed;
    options.callbacks.push_transfer_progress = on_sent;
    options.callbacks.push_update_reference = on_status;
    options.callbacks.sideband_progress = on_said;
    options.callbacks.payload = &sending;
    int rc = odb_skeleton_add(git_remote_owner(remote), &skeleton);
    if (rc < 0)
        return source_git_error(err, rc, "cannot open the objects");
    odb_skeleton_show(skeleton, true);
    rc = git_remote_upload(remote, &refspecs, &options);
    odb_skeleton_show(skeleton, false);
    judge(&sending, verdict);
    free(sending.refusal);
    buffer_deinit(&sending.words);
    if (sending.too_large)
        return error_set(err, ERROR_LIMIT, "the push is larger than %" PRId64 " bytes", upload->max_bytes);
    if (rc == GIT_ENONFASTFORWARD)
        return source_git_error_as(err, ERROR_CONFLICT, "%s", upload->ref);
    return rc < 0 ? unavailable(way, "cannot push", err) : 0;
}

int source_way_refused(const struct source_verdict *verdict, const char *ref, struct error *err)
{
    assert(verdict->refusal);
    return error_set(err, ERROR_DENIED, "the remote refuses a push to %s: %s%s%.500s", ref, verdict->refusal,
                     *verdict->words ? ": " : "", verdict->words);
}
