#include "secret/registry.h"

#include "base/base64.h"
#include "base/text.h"
#include "base/wipe.h"
#include "secret/store.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DOCKER_HUB     "docker.io"
#define DOCKER_HUB_KEY "https://index.docker.io/v1/" /* what Docker calls it in its file and in a login */
#define CONFIG_BYTES   (1024 * 1024)

char *secret_registry_of(const char *image)
{
    assert(image);
    size_t len = strcspn(image, "/");
    char *host = memory_strndup(image, len);
    bool is_host = image[len] == '/' && (strpbrk(host, ".:") || text_equal(host, "localhost"));
    if (is_host && !text_equal(host, "index.docker.io"))
        return host;
    free(host);
    return memory_strdup(DOCKER_HUB);
}

char *secret_registry_of_key(const char *key)
{
    assert(key);
    const char *scheme = strstr(key, "://");
    const char *host = scheme ? scheme + 3 : key;
    char *registry = memory_strndup(host, strcspn(host, "/"));
    if (!text_equal(registry, "index.docker.io"))
        return registry;
    free(registry);
    return memory_strdup(DOCKER_HUB);
}

/* base64url, as the engine wants it. */
static char *header_of(const json_t *login)
{
    char *text CLEANUP(wipe_freep) = json_dumps(login, JSON_COMPACT);
    char *header = base64_encode(text, strlen(text));
    for (char *at = header; *at; at++)
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    return header;
}

static char *login_header(const char *registry, const char *user, const char *password)
{
    const char *address = text_equal(registry, DOCKER_HUB) ? DOCKER_HUB_KEY : registry;
    json_t *login =
        json_pack("{s:s,s:s,s:s}", "username", user, "password", password, "serveraddress", address);
    char *header = login ? header_of(login) : NULL;
    json_decref(login);
    return header;
}

static void set_login(struct secret_login *login, const char *registry, const char *user,
                      const char *password)
{
    login->header = login_header(registry, user, password);
    login->secret = memory_strdup(password);
}

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* --- a secret ------------------------------------------------------------------------------------------- */

static int login_by_secret(const struct secret_store *store, const char *registry, const char *credentials,
                           struct secret_login *ret_login, struct error *err)
{
    char *text CLEANUP(wipe_freep) = NULL;
    int r = secret_read(store, credentials, &text, err);
    if (r < 0)
        return error_wrap(err, r, "%s", credentials);
    json_t *json = json_loads(text, 0, NULL);
    const char *user = string_of(json, "username");
    const char *password = string_of(json, "password");
    if (user && password)
        set_login(ret_login, registry, user, password);
    json_decref(json);
    return ret_login->header ? 0
                             : error_set(err, ERROR_INVALID,
                                         "%s is no JSON object with username and password", credentials);
}

/* --- Docker's file -------------------------------------------------------------------------------------- */

static const json_t *entry_of(const json_t *auths, const char *registry)
{
    const char *key;
    json_t *entry;
    json_object_foreach ((json_t *)auths, key, entry) {
        char *host CLEANUP_FREE = secret_registry_of_key(key);
        if (text_equal(host, registry))
            return entry;
    }
    return NULL;
}

/* {"auth": base64 of "user:password"}, or both in clear, or a token. */
static void login_by_entry(const json_t *entry, const char *registry, struct secret_login *ret_login)
{
    const char *auth = string_of(entry, "auth");
    const char *token = string_of(entry, "identitytoken");
    char *pair CLEANUP(wipe_freep) = NULL;
    size_t len;
    if (token && *token) {
        json_t *login = json_pack("{s:s,s:s}", "identitytoken", token, "serveraddress", registry);
        ret_login->header = login ? header_of(login) : NULL;
        ret_login->secret = memory_strdup(token);
        json_decref(login);
        return;
    }
    if (!auth || base64_decode(auth, &pair, &len) < 0) {
        const char *user = string_of(entry, "username");
        const char *password = string_of(entry, "password");
        if (user && password)
            set_login(ret_login, registry, user, password);
        return;
    }
    char *colon = strchr(pair, ':');
    if (!colon)
        return;
    char *user CLEANUP_FREE = memory_strndup(pair, (size_t)(colon - pair));
    set_login(ret_login, registry, user, colon + 1);
}

static const char *helper_of(const json_t *config, const char *registry)
{
    const json_t *helper = entry_of(json_object_get(config, "credHelpers"), registry);
    return helper ? json_string_value(helper) : string_of(config, "credsStore");
}

/* A file that cannot be read is no reason to refuse an image that needs no login: it is said when the pull
 * fails. */
static void login_by_file(const char *path, const char *registry, struct secret_login *ret_login)
{
    struct stat st;
    json_error_t error;
    bool is_there = stat(path, &st) == 0;
    if (!is_there && (errno == ENOENT || errno == ENOTDIR))
        return;
    bool is_usable = is_there && S_ISREG(st.st_mode) && st.st_size <= CONFIG_BYTES;
    json_t *config = is_usable ? json_load_file(path, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (!config) {
        ret_login->hint = memory_printf("the logins in %s cannot be read", path);
        return;
    }
    const json_t *entry = entry_of(json_object_get(config, "auths"), registry);
    const char *helper = helper_of(config, registry);
    if (entry)
        login_by_entry(entry, registry, ret_login);
    if (!ret_login->header && helper)
        ret_login->hint =
            memory_printf("%s leaves the login of %s to the credential helper %s, which davit does "
                          "not run: put it into repositoryCredentials",
                          path, registry, helper);
    json_decref(config);
}

int secret_registry_login(const struct secret_store *store, const char *image, const char *credentials,
                          struct secret_login *ret_login, struct error *err)
{
    assert(store && image && ret_login);
    char *registry CLEANUP_FREE = secret_registry_of(image);
    *ret_login = (struct secret_login){0};
    if (credentials)
        return login_by_secret(store, registry, credentials, ret_login, err);
    if (store->docker_config)
        login_by_file(store->docker_config, registry, ret_login);
    return 0;
}
