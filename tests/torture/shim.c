/* Interposed by being in the executable, which the linker searches before any library. The names are given as
 * asm labels because <fcntl.h> has macros and redirections for them. */
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>

static struct {
    bool armed;
    atomic_bool failed;
    enum shim_fault fault;
    atomic_long left;
} shim;

void shim_arm(enum shim_fault fault, long n)
{
    shim = (typeof(shim)){.armed = true, .fault = fault, .left = n};
}

bool shim_disarm(void)
{
    shim.armed = false;
    return shim.failed;
}

/* Counts a call; whether it has to fail. Files are synced by several threads. */
static bool fails(void)
{
    if (!shim.armed)
        return false;
    long left = atomic_fetch_sub(&shim.left, 1) - 1;
    if (left > 0 || (shim.fault == SHIM_ONCE && left < 0))
        return false;
    shim.failed = true;
    errno = shim.fault == SHIM_ONCE ? EIO : ENOSPC;
    return true;
}

static void *next(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function)
        abort();
    return function;
}

/* --- what takes a path ---------------------------------------------------------------------------------- */

#define INTERPOSE_OPEN(name)                                                                                 \
    int shim_##name(const char *path, int flags, ...) __asm__(#name);                                        \
    int shim_##name(const char *path, int flags, ...)                                                        \
    {                                                                                                        \
        va_list ap;                                                                                          \
        va_start(ap, flags);                                                                                 \
        mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;                                              \
        va_end(ap);                                                                                          \
        if ((flags & O_CREAT) && fails())                                                                    \
            return -1;                                                                                       \
        return ((int (*)(const char *, int, ...))next(#name))(path, flags, mode);                            \
    }

INTERPOSE_OPEN(open)
INTERPOSE_OPEN(open64)

#define INTERPOSE_TWO_PATHS(name)                                                                            \
    int shim_##name(const char *from, const char *to) __asm__(#name);                                        \
    int shim_##name(const char *from, const char *to)                                                        \
    {                                                                                                        \
        return fails() ? -1 : ((int (*)(const char *, const char *))next(#name))(from, to);                  \
    }

INTERPOSE_TWO_PATHS(link)
INTERPOSE_TWO_PATHS(rename)

int shim_mkdir(const char *path, mode_t mode) __asm__("mkdir");
int shim_mkdir(const char *path, mode_t mode)
{
    return fails() ? -1 : ((int (*)(const char *, mode_t))next("mkdir"))(path, mode);
}

/* --- what takes a file ---------------------------------------------------------------------------------- */

int shim_fsync(int fd) __asm__("fsync");
int shim_fsync(int fd)
{
    return fails() ? -1 : ((int (*)(int))next("fsync"))(fd);
}

/* The write that fills the disk is only cut short; there is nothing left for the next one. */
static bool is_cut(size_t len)
{
    return shim.fault == SHIM_FULL && shim.left == 0 && len > 1;
}

ssize_t shim_write(int fd, const void *data, size_t len) __asm__("write");
ssize_t shim_write(int fd, const void *data, size_t len)
{
    ssize_t (*real)(int, const void *, size_t) = next("write");
    if (!fails())
        return real(fd, data, len);
    return is_cut(len) ? real(fd, data, len / 2) : -1;
}

#define INTERPOSE_PWRITE(name)                                                                               \
    ssize_t shim_##name(int fd, const void *data, size_t len, off_t at) __asm__(#name);                      \
    ssize_t shim_##name(int fd, const void *data, size_t len, off_t at)                                      \
    {                                                                                                        \
        ssize_t (*real)(int, const void *, size_t, off_t) = next(#name);                                     \
        if (!fails())                                                                                        \
            return real(fd, data, len, at);                                                                  \
        return is_cut(len) ? real(fd, data, len / 2, at) : -1;                                               \
    }

INTERPOSE_PWRITE(pwrite)
INTERPOSE_PWRITE(pwrite64)
