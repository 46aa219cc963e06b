#include "http/endpoint.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Control characters and blanks would end up in the request line. */
static bool is_printable(const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s <= ' ' || *s == 0x7f)
            return false;
    }
    return true;
}

/* The colon before the port, or NULL. The colons of "[::1]" are not it. */
static const char *find_port(const char *authority)
{
    const char *bracket = strrchr(authority, ']');
    return strchr(bracket ? bracket : authority, ':');
}

static int check_authority(const char *url, const char *authority, bool needs_port, struct error *err)
{
    if (strchr(authority, '@'))
        return error_set(err, ERROR_INVALID, "a URL must not hold user or password; send them in a header");
    const char *colon = find_port(authority);
    if (authority[0] == '\0' || colon == authority)
        return error_set(err, ERROR_INVALID, "%s: the host is missing", url);
    int64_t port;
    if (colon && text_to_int64(colon + 1, 1, 65535, &port) < 0)
        return error_set(err, ERROR_INVALID, "%s: the port must be 1 to 65535", url);
    if (!colon && needs_port)
        return error_set(err, ERROR_INVALID, "%s: the port is missing: tcp://host:port", url);
    return 0;
}

static int init_unix(struct http_endpoint *endpoint, const char *url, struct error *err)
{
    const char *path = url + strlen("unix://");
    if (path[0] != '/')
        return error_set(err, ERROR_INVALID, "%s: a unix socket needs an absolute path: unix:///path", url);
    *endpoint = (struct http_endpoint){
        .name = memory_strdup(url),
        .base_url = memory_strdup("http://localhost"),
        .unix_path = memory_strdup(path),
    };
    return 0;
}

static int init_tcp(struct http_endpoint *endpoint, const char *url, struct error *err)
{
    bool is_bare = text_starts_with(url, "tcp://");
    const char *rest = strstr(url, "://") + 3;
    size_t authority_len = strcspn(rest, "/?#");
    char *authority CLEANUP_FREE = memory_strndup(rest, authority_len);
    char *scheme CLEANUP_FREE = memory_strndup(url, (size_t)(rest - url));
    char *path CLEANUP_FREE = memory_strdup(rest + authority_len);
    char *name CLEANUP_FREE = memory_printf("%s%s", scheme, authority);
    int r = check_authority(name, authority, is_bare, err);
    if (r < 0)
        return r;
    while (text_ends_with(path, "/"))
        path[strlen(path) - 1] = '\0';
    if (strpbrk(path, "?#") || (is_bare && path[0]))
        return error_set(err, ERROR_INVALID, "%s: nothing may follow the %s", name,
                         is_bare ? "port" : "path");
    *endpoint = (struct http_endpoint){
        .base_url = memory_printf("%s%s%s", is_bare ? "http://" : scheme, authority, path),
        .name = TAKE(name),
    };
    return 0;
}

int http_endpoint_init(struct http_endpoint *endpoint, const char *url, struct error *err)
{
    assert(endpoint);
    assert(url);
    if (!is_printable(url))
        return error_set(err, ERROR_INVALID, "a URL must not hold blanks or control characters");
    if (text_starts_with(url, "unix://"))
        return init_unix(endpoint, url, err);
    if (text_starts_with(url, "tcp://") || text_starts_with(url, "http://") ||
        text_starts_with(url, "https://"))
        return init_tcp(endpoint, url, err);
    return error_set(err, ERROR_INVALID,
                     "a URL is unix:///path, tcp://host:port, http://host or https://host");
}

static void replace(char **s, const char *value)
{
    free(*s);
    *s = memory_strdup(value);
}

int http_endpoint_set_tls(struct http_endpoint *endpoint, const char *ca_path, const char *cert_path,
                          const char *key_path, struct error *err)
{
    assert(endpoint && endpoint->name);
    if (endpoint->unix_path)
        return error_set(err, ERROR_INVALID, "%s: TLS is not spoken on a unix socket", endpoint->name);
    if (!cert_path != !key_path)
        return error_set(err, ERROR_INVALID,
                         "%s: a client certificate needs its key, and a key its certificate", endpoint->name);
    if (text_starts_with(endpoint->base_url, "http://")) {
        char *secure = memory_printf("https://%s", endpoint->base_url + strlen("http://"));
        free(endpoint->base_url);
        endpoint->base_url = secure;
    }
    replace(&endpoint->ca_path, ca_path);
    replace(&endpoint->cert_path, cert_path);
    replace(&endpoint->key_path, key_path);
    return 0;
}

void http_endpoint_deinit(struct http_endpoint *endpoint)
{
    assert(endpoint);
    free(endpoint->name);
    free(endpoint->base_url);
    free(endpoint->unix_path);
    free(endpoint->ca_path);
    free(endpoint->cert_path);
    free(endpoint->key_path);
    *endpoint = (struct http_endpoint){0};
}
