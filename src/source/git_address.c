#include "source/git_address.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/git.h"

#include <assert.h>
#include <git2.h>
#include <git2/sys/config.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY_BEGIN "http."
#define KEY_END   ".proxy"

struct source_address {
    git_config_backend backend; /* first: libgit2 hands this one out */
    git_config_entry entry;
    char *first;   /* "https://host:port", once it is known */
    char *refused; /* the URL of a request that was refused, as it may be shown; NULL: none was */
};

DEFINE_CLEANUP(git_config, git_config_free)

/* "https://host:port" of a URL, without the login. Caller frees. */
static char *address_of(const char *url)
{
    const char *scheme_end = strstr(url, "://");
    const char *authority = scheme_end ? scheme_end + strlen("://") : url;
    size_t len = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', len);
    const char *host = at ? at + 1 : authority;
    return memory_printf("%.*s%.*s", (int)(authority - url), url, (int)(authority + len - host), host);
}

/* As one line, without its secrets. Caller frees. */
static char *shown(const char *url)
{
    char *redacted CLEANUP_FREE = source_redact(url);
    return text_printable(redacted);
}

static int refuse(struct source_address *address, const char *url)
{
    free(address->refused);
    address->refused = shown(url);
    git_error_set_str(GIT_ERROR_NET, "redirected");
    return GIT_EUSER;
}

static int on_get(git_config_backend *backend, const char *key, git_config_entry **ret_entry)
{
    struct source_address *address = (struct source_address *)backend;
    size_t len = strlen(key);
    size_t around = strlen(KEY_BEGIN) + strlen(KEY_END);
    if (len <= around || !text_starts_with(key, KEY_BEGIN) || !text_ends_with(key, KEY_END))
        return GIT_ENOTFOUND;
    char *url CLEANUP_FREE = memory_strndup(key + strlen(KEY_BEGIN), len - around);
    char *asked = address_of(url);
    if (!address->first)
        address->first = asked;
    bool same = strcasecmp(asked, address->first) == 0;
    if (asked != address->first)
        free(asked);
    if (!same)
        return refuse(address, url);
    if (!address->entry.value)
        return GIT_ENOTFOUND;
    *ret_entry = &address->entry;
    return 0;
}

/* --- the rest of what libgit2 wants of a backend -------------------------------------------------------- */

static int on_open(git_config_backend *backend, git_config_level_t level, const git_repository *repository)
{
    (void)backend;
    (void)level;
    (void)repository;
    return 0;
}

/* It has nothing to list. */
static int on_iterator(git_config_iterator **ret_iterator, git_config_backend *backend)
{
    (void)ret_iterator;
    (void)backend;
    return GIT_ENOTFOUND;
}

static int on_snapshot(git_config_backend **ret_snapshot, git_config_backend *backend)
{
    *ret_snapshot = backend;
    return 0;
}

static void on_free(git_config_backend *backend)
{
    (void)backend; /* its owner's */
}

static void on_entry_free(git_config_entry *entry)
{
    (void)entry;
}

int source_address_new(git_repository *mirror, const char *proxy, struct source_address **ret_address,
                       struct error *err)
{
    assert(mirror);
    assert(ret_address);
    git_config *config CLEANUP(git_config_freep) = NULL;
    struct source_address *address = NEW(struct source_address);
    address->entry = (git_config_entry){
        .name = "http.proxy", .value = proxy, .level = GIT_CONFIG_LEVEL_APP, .free = on_entry_free};
    address->backend = (git_config_backend){.version = GIT_CONFIG_BACKEND_VERSION,
                                            .readonly = 1,
                                            .open = on_open,
                                            .get = on_get,
                                            .iterator = on_iterator,
                                            .snapshot = on_snapshot,
                                            .free = on_free};
    int rc = git_repository_config(&config, mirror);
    if (rc == 0)
        rc = git_config_add_backend(config, &address->backend, GIT_CONFIG_LEVEL_APP, mirror, 0);
    if (rc == 0) {
        *ret_address = address;
        return 0;
    }
    source_address_free(address);
    return source_git_error(err, rc, "libgit2 takes no configuration");
}

void source_address_free(struct source_address *address)
{
    if (!address)
        return;
    free(address->first);
    free(address->refused);
    free(address);
}

int source_address_why(const struct source_address *address, const char *member, struct error *err)
{
    assert(address);
    static const char remedy[] = "which is not followed: name that address in";
    const git_error *last = git_error_last();
    if (address->refused)
        return error_set(err, ERROR_DENIED, "the remote redirects to %s, %s %s, if it is to be trusted",
                         address->refused, remedy, member);
    if (!last || !last->message || !text_starts_with(last->message, "cannot redirect"))
        return 0;
    char *text CLEANUP_FREE = text_printable(last->message); /* libgit2 compares the hosts itself */
    return error_set(err, ERROR_DENIED, "%s, %s %s, if it is to be trusted", text, remedy, member);
}
