#include "source/access.h"

#include "base/base64.h"
#include "base/credential.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/wipe.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_USERNAME "git"

static void fill(char **member, const char *from)
{
    if (!*member)
        *member = memory_strdup(from);
}

void source_access_fill(struct source_access *access, const struct source_access *from)
{
    assert(access && from);
    fill(&access->username, from->username);
    fill(&access->password_file, from->password_file);
    fill(&access->key_file, from->key_file);
    fill(&access->known_hosts_file, from->known_hosts_file);
    fill(&access->ca_file, from->ca_file);
    if (!access->proxy)
        fill(&access->proxy_login_file, from->proxy_login_file);
    fill(&access->proxy, from->proxy);
}

struct source_access source_access_copy(const struct source_access *access)
{
    struct source_access copy = {0};
    source_access_fill(&copy, access);
    return copy;
}

void source_access_deinit(struct source_access *access)
{
    assert(access);
    free(access->username);
    free(access->password_file);
    free(access->key_file);
    free(access->known_hosts_file);
    free(access->ca_file);
    free(access->proxy);
    free(access->proxy_login_file);
    *access = (struct source_access){0};
}

static int code_of_errno(int number)
{
    return number == ENOENT ? ERROR_NOT_FOUND : number == EACCES ? ERROR_DENIED : ERROR_IO;
}

/* As ssh looks at it (sshkey_perm_ok() of OpenSSH), which goes on without the key and says so in passing. */
static int check_key_mode(const char *path, struct error *err)
{
    struct stat st;
    if (stat(path, &st) < 0 || st.st_uid != getuid() || !(st.st_mode & 077))
        return 0;
    return error_set(err, ERROR_DENIED,
                     "keyFile %s may be read by others (mode %04o), and ssh uses no such key: chmod 600 %s",
                     path, st.st_mode & 07777, path);
}

int source_access_check(const struct source_access *way, struct error *err)
{
    assert(way);
    const struct {
        const char *name;
        const char *path;
    } files[] = {
        {"keyFile", way->key_file}, {"knownHostsFile", way->known_hosts_file}, {"caFile", way->ca_file}};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (files[i].path && access(files[i].path, R_OK) < 0)
            return error_set(err, code_of_errno(errno), "%s %s: %s", files[i].name, files[i].path,
                             strerror(errno));
    return way->key_file ? check_key_mode(way->key_file, err) : 0;
}

int source_access_header(const struct source_access *access, const char *url, char **ret_header,
                         struct error *err)
{
    assert(access);
    assert(url);
    assert(ret_header);
    if (!access->password_file || !text_starts_with(url, "http"))
        return 0;
    if (!credential_is_private(url))
        return error_set(err, ERROR_INVALID,
                         "a password is not sent over http://, where anybody can read it: use https://");
    char *password CLEANUP(wipe_freep) = NULL;
    int r = credential_read_line(access->password_file, "passwordFile", &password, err);
    if (r < 0)
        return r;
    char *head CLEANUP_FREE = memory_printf("%s:", access->username ? access->username : DEFAULT_USERNAME);
    char *login CLEANUP(wipe_freep) = wipe_join(head, password);
    char *encoded CLEANUP(wipe_freep) = base64_encode(login, strlen(login));
    *ret_header = wipe_join("Authorization: Basic ", encoded);
    return 0;
}

/* What has a meaning in a URL's "user:password@" is escaped. Caller wipes. */
static char *escape_login(const char *login)
{
    static const char digits[] = "0123456789ABCDEF";
    assert(login);
    size_t len = strlen(login);
    char *escaped = memory_alloc(len * 3 + 1);
    char *at = escaped;
    for (const char *c = login; *c; c++) {
        if (!strchr("@/?#%[] ", *c)) {
            *at++ = *c;
            continue;
        }
        *at++ = '%';
        *at++ = digits[(unsigned char)*c >> 4];
        *at++ = digits[(unsigned char)*c & 15];
    }
    *at = '\0';
    return escaped;
}

int source_access_proxy(const struct source_access *access, char **ret_url, struct error *err)
{
    assert(access);
    assert(ret_url);
    if (!access->proxy)
        return 0;
    if (!access->proxy_login_file) {
        *ret_url = memory_strdup(access->proxy);
        return 0;
    }
    const char *scheme_end = strstr(access->proxy, "://");
    if (!scheme_end)
        return error_set(err, ERROR_INVALID, "proxy \"%s\" is no URL: http://host:port", access->proxy);
    char *login CLEANUP(wipe_freep) = NULL;
    int r = credential_read_line(access->proxy_login_file, "proxyLoginFile", &login, err);
    if (r < 0)
        return r;
    char *escaped CLEANUP(wipe_freep) = escape_login(login);
    char *scheme CLEANUP_FREE =
        memory_strndup(access->proxy, (size_t)(scheme_end + strlen("://") - access->proxy));
    char *rest CLEANUP_FREE = memory_printf("@%s", scheme_end + strlen("://"));
    char *begin CLEANUP(wipe_freep) = wipe_join(scheme, escaped);
    *ret_url = wipe_join(begin, rest);
    return 0;
}
