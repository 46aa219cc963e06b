#include "http/listen.h"

#include "base/memory.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
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

/* --- loopback addresses --------------------------------------------------------------------------------- */

static const struct {
    const char *host;
    int family;
} LOOPBACKS[] = {{"127.0.0.1", AF_INET}, {"[::1]", AF_INET6}};

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

static socklen_t fill_loopback(int family, uint16_t port, union any_address *address)
{
    memset(address, 0, sizeof *address);
    address->any.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address->v4.sin_port = htons(port);
        return sizeof address->v4;
    }
    address->v6.sin6_addr = in6addr_loopback;
    address->v6.sin6_port = htons(port);
    return sizeof address->v6;
}

/* Fills address and port from the socket; ERROR_INVALID unless it is a unix socket or loopback. */
static int describe(struct http_listener *listener, int fd, struct error *err)
{
    union any_address bound = {0};
    socklen_t len = sizeof bound;
    if (getsockname(fd, &bound.any, &len) < 0)
        return fail(err, "use", "the socket that was handed over");
    if (bound.any.sa_family == AF_UNIX) {
        listener->is_unix = true;
        listener->address =
            memory_printf("unix://%.*s", (int)sizeof bound.local.sun_path, bound.local.sun_path);
        return 0;
    }
    bool is_v4 = bound.any.sa_family == AF_INET && bound.v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
    bool is_v6 = bound.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&bound.v6.sin6_addr);
    if (!is_v4 && !is_v6)
        return error_set(err, ERROR_INVALID, "the socket that was handed over is neither unix nor loopback");
    listener->port = ntohs(is_v4 ? bound.v4.sin_port : bound.v6.sin6_port);
    listener->address = memory_printf("tcp://%s:%u", LOOPBACKS[is_v4 ? 0 : 1].host, listener->port);
    return 0;
}

static int bind_loopback(struct http_listener *listener, int family, uint16_t port, struct error *err)
{
    union any_address address;
    socklen_t len = fill_loopback(family, port, &address);
    int on = 1;
    const char *where = LOOPBACKS[family == AF_INET ? 0 : 1].host;
    listener->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return fail(err, "make a socket for", where);
    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener->fd, &address.any, len) < 0 || listen(listener->fd, SOMAXCONN) < 0) {
        if (errno == EADDRINUSE)
            return error_set(err, ERROR_EXISTS, "another program is listening on %s:%u", where, port);
        return fail(err, "listen on", where);
    }
    return describe(listener, listener->fd, err);
}

static int open_loopback(struct http_listener *listener, const char *address, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(LOOPBACKS); i++) {
        const char *host = LOOPBACKS[i].host;
        int64_t port;
        if (!text_starts_with(address, host) || address[strlen(host)] != ':')
            continue;
        if (text_to_int64(address + strlen(host) + 1, 0, 65535, &port) < 0)
            return error_set(err, ERROR_INVALID, "%s: the port must be 0 to 65535", address);
        return bind_loopback(listener, LOOPBACKS[i].family, (uint16_t)port, err);
    }
    return error_set(err, ERROR_INVALID,
                     "%s: only unix:///path, 127.0.0.1:port and [::1]:port are listened on, as there is no "
                     "authentication",
                     address);
}

/* --- both ----------------------------------------------------------------------------------------------- */

int http_listener_open(struct http_listener *listener, const char *address, const char *group,
                       struct error *err)
{
    assert(listener && address);
    *listener = (struct http_listener){.fd = -1, .lock_fd = -1};
    int r;
    if (text_starts_with(address, "unix://"))
        r = open_unix(listener, address + strlen("unix://"), group, err);
    else
        r = open_loopback(listener, address + (text_starts_with(address, "tcp://") ? strlen("tcp://") : 0),
                          err);
    if (r < 0)
        http_listener_deinit(listener);
    return r;
}

int http_listener_adopt(struct http_listener *listener, int fd, struct error *err)
{
    assert(listener && fd >= 0);
    *listener = (struct http_listener){.fd = -1, .lock_fd = -1};
    int r = describe(listener, fd, err);
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
