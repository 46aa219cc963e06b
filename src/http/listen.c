#include "http/listen.h"

#include "base/memory.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_MODE 0660

static int fail(struct error *err, const char *what, const char *where)
{
    int code = errno == EACCES || errno == EPERM ? ERROR_DENIED : ERROR_IO;
    return error_set(err, code, "cannot %s %s: %s", what, where, strerror(errno));
}

/* --- unix sockets --------------------------------------------------------------------------------------- */

/* The kernel drops the lock with the process, so a held one means a living davit. The file stays: removing it
 * would let two hold locks on two files of one name. */
static int take_lock(struct http_listener *listener, struct error *err)
{
    char *path CLEANUP_FREE = memory_printf("%s.lock", listener->unix_path);
    listener->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (listener->lock_fd < 0)
        return fail(err, "open", path);
    if (flock(listener->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return error_set(err, ERROR_EXISTS, "another davit is listening on %s", listener->address);
    return fail(err, "lock", path);
}

static int try_connect(const struct sockaddr_un *address, struct error *err)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(err, "make a socket for", address->sun_path);
    int r = connect(fd, (const struct sockaddr *)address, sizeof *address);
    int saved = errno;
    close(fd);
    errno = saved;
    if (r < 0 && errno == ECONNREFUSED)
        return 0;
    if (r < 0 && errno != EAGAIN)
        return fail(err, "find out who listens on", address->sun_path);
    return error_set(err, ERROR_EXISTS, "another davit is listening on unix://%s", address->sun_path);
}

/* Removes a socket that nobody listens on. */
static int remove_stale(const struct sockaddr_un *address, struct error *err)
{
    struct stat status;
    if (lstat(address->sun_path, &status) < 0)
        return errno == ENOENT ? 0 : fail(err, "look at", address->sun_path);
    if (!S_ISSOCK(status.st_mode))
        return error_set(err, ERROR_EXISTS, "%s is in the way: it is not a socket", address->sun_path);
    int r = try_connect(address, err);
    if (r < 0)
        return r;
    return unlink(address->sun_path) < 0 ? fail(err, "remove the stale socket", address->sun_path) : 0;
}

/* By name first, as chgrp does. */
static int find_group(const char *name, gid_t *ret_gid, struct error *err)
{
    struct group group;
    struct group *found = NULL;
    char *members CLEANUP_FREE = memory_alloc(LIMIT_GROUP_BYTES);
    int64_t number = 0;
    if (getgrnam_r(name, &group, members, LIMIT_GROUP_BYTES, &found) == ERANGE)
        return error_set(err, ERROR_LIMIT,
                         "the members of the group \"%s\" have over %d bytes (LIMIT_GROUP_BYTES)", name,
                         LIMIT_GROUP_BYTES);
    if (!found && text_to_int64(name, 0, INT32_MAX, &number) < 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no group \"%s\"", name);
    *ret_gid = found ? group.gr_gid : (gid_t)number;
    return 0;
}

/* Nobody can connect before listen(), so mode and group are in force from the first connection on. */
static int bind_unix(struct http_listener *listener, const struct sockaddr_un *address, const gid_t *gid,
                     struct error *err)
{
    struct stat status;
    const char *path = address->sun_path;
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return fail(err, "make a socket for", path);
    if (bind(listener->fd, (const struct sockaddr *)address, sizeof *address) < 0)
        return fail(err, "listen on", path);
    if (lstat(path, &status) < 0)
        return fail(err, "look at", path);
    listener->unix_dev = status.st_dev;
    listener->unix_ino = status.st_ino;
    if (chmod(path, SOCKET_MODE) < 0)
        return fail(err, "set the mode of", path);
    if (gid && lchown(path, (uid_t)-1, *gid) < 0)
        return fail(err, "set the group of", path);
    return listen(listener->fd, SOMAXCONN) < 0 ? fail(err, "listen on", path) : 0;
}

static int open_unix(struct http_listener *listener, const char *path, const char *group, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    gid_t gid = 0;
    if (path[0] != '/')
        return error_set(err, ERROR_INVALID, "unix://%s: a unix socket needs an absolute path", path);
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, ERROR_LIMIT, "%s: the path of a unix socket is at most %zu bytes", path,
                         sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    listener->is_unix = true;
    listener->address = memory_printf("unix://%s", path);
    listener->unix_path = memory_strdup(path);
    int r = group ? find_group(group, &gid, err) : 0;
    if (r == 0)
        r = take_lock(listener, err);
    if (r == 0)
        r = remove_stale(&address, err);
    return r == 0 ? bind_unix(listener, &address, group ? &gid : NULL, err) : r;
}

/* --- IP addresses --------------------------------------------------------------------------------------- */

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

#define HOST_SIZE (INET6_ADDRSTRLEN + 2) /* with brackets */

/* "127.0.0.1", "[::1]". */
static void print_host(const union any_address *address, char ret_host[static HOST_SIZE])
{
    char text[INET6_ADDRSTRLEN];
    bool is_v4 = address->any.sa_family == AF_INET;
    const void *host = is_v4 ? (const void *)&address->v4.sin_addr : &address->v6.sin6_addr;
    inet_ntop(address->any.sa_family, host, text, sizeof text);
    snprintf(ret_host, HOST_SIZE, is_v4 ? "%s" : "[%s]", text);
}

static bool is_loopback(const union any_address *address)
{
    if (address->any.sa_family == AF_INET)
        return address->v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

/* "127.0.0.1:8080", "[::1]:8080". */
static int parse_address(const char *text, union any_address *ret_address, struct error *err)
{
    union any_address address = {0};
    const char *colon = strrchr(text, ':');
    char *host CLEANUP_FREE = memory_strndup(text, colon ? (size_t)(colon - text) : strlen(text));
    size_t len = strlen(host);
    int64_t port = 0;
    if (!colon)
        return error_set(err, ERROR_INVALID, "%s: a port is missing, 127.0.0.1:8080", text);
    if (text_to_int64(colon + 1, 0, 65535, &port) < 0)
        return error_set(err, ERROR_INVALID, "%s: the port must be 0 to 65535", text);
    if (inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons((uint16_t)port);
    } else {
        bool in_brackets = len > 2 && host[0] == '[' && host[len - 1] == ']';
        host[len ? len - 1 : 0] = '\0';
        if (!in_brackets || inet_pton(AF_INET6, host + 1, &address.v6.sin6_addr) != 1)
            return error_set(err, ERROR_INVALID,
                             "%s: an IP address and a port are wanted, such as 0.0.0.0:8080", text);
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons((uint16_t)port);
    }
    *ret_address = address;
    return 0;
}

/* Fills address and port from the socket. */
static int describe(struct http_listener *listener, int fd, union any_address *ret_bound, struct error *err)
{
    union any_address bound = {0};
    char host[HOST_SIZE];
    socklen_t len = sizeof bound;
    if (getsockname(fd, &bound.any, &len) < 0)
        return fail(err, "use", "the socket that was handed over");
    *ret_bound = bound;
    if (bound.any.sa_family == AF_UNIX) {
        listener->is_unix = true;
        listener->address =
            memory_printf("unix://%.*s", (int)sizeof bound.local.sun_path, bound.local.sun_path);
    } else if (bound.any.sa_family == AF_INET || bound.any.sa_family == AF_INET6) {
        print_host(&bound, host);
        listener->port = ntohs(bound.any.sa_family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
        listener->address = memory_printf("tcp://%s:%u", host, listener->port);
    }
    return 0;
}

static int bind_address(struct http_listener *listener, const union any_address *address, const char *where,
                        struct error *err)
{
    union any_address bound;
    int family = address->any.sa_family;
    int on = 1;
    listener->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return fail(err, "make a socket for", where);
    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener->fd, &address->any, family == AF_INET ? sizeof address->v4 : sizeof address->v6) < 0 ||
        listen(listener->fd, SOMAXCONN) < 0) {
        if (errno == EADDRINUSE)
            return error_set(err, ERROR_EXISTS, "another program is listening on %s", where);
        return fail(err, "listen on", where);
    }
    return describe(listener, listener->fd, &bound, err);
}

static int open_address(struct http_listener *listener, const char *text, bool any, struct error *err)
{
    union any_address address = {0};
    int r = parse_address(text, &address, err);
    if (r < 0)
        return r;
    if (!any && !is_loopback(&address))
        return error_set(
            err, ERROR_INVALID,
            "%s: only unix:///path, 127.0.0.1:port and [::1]:port are listened on, as there is no "
            "authentication",
            text);
    return bind_address(listener, &address, text, err);
}

/* --- both ----------------------------------------------------------------------------------------------- */

int http_listener_open(struct http_listener *listener, const struct http_listen_place *place,
                       struct error *err)
{
    assert(listener && place && place->address);
    *listener = (struct http_listener){.fd = -1, .lock_fd = -1};
    const char *address = place->address;
    int r;
    if (text_starts_with(address, "unix://"))
        r = open_unix(listener, address + strlen("unix://"), place->group, err);
    else
        r = open_address(listener, address + (text_starts_with(address, "tcp://") ? strlen("tcp://") : 0),
                         place->any, err);
    if (r < 0)
        http_listener_deinit(listener);
    return r;
}

int http_listener_adopt(struct http_listener *listener, int fd, struct error *err)
{
    assert(listener && fd >= 0);
    *listener = (struct http_listener){.fd = -1, .lock_fd = -1};
    union any_address bound = {0};
    int r = describe(listener, fd, &bound, err);
    if (r == 0 && !listener->is_unix && !is_loopback(&bound))
        r = error_set(err, ERROR_INVALID, "the socket that was handed over is neither unix nor loopback");
    if (r == 0)
        listener->fd = fd;
    return r;
}

void http_listener_deinit(struct http_listener *listener)
{
    struct stat status;
    assert(listener);
    if (listener->unix_ino && lstat(listener->unix_path, &status) == 0 &&
        status.st_dev == listener->unix_dev && status.st_ino == listener->unix_ino)
        unlink(listener->unix_path);
    if (listener->fd >= 0)
        close(listener->fd);
    if (listener->lock_fd >= 0)
        close(listener->lock_fd);
    free(listener->address);
    free(listener->unix_path);
    *listener = (struct http_listener){.fd = -1, .lock_fd = -1};
}
