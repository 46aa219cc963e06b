#include "history/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct history_lock {
    int fd;
};

static int held(int fd, const char *path, struct error *err)
{
    char pid[16] = "";
    ssize_t len = pread(fd, pid, sizeof pid - 1, 0);
    pid[len > 0 ? strspn(pid, "0123456789") : 0] = '\0';
    return error_set(err, ERROR_CONFLICT,
                     "%s is held by process %s: one davit at a time uses a state directory", path,
                     pid[0] ? pid : "(unknown)");
}

int history_lock_take(const char *dir, struct history_lock **ret_lock, struct error *err)
{
    char *path CLEANUP_FREE = memory_printf("%s/lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, ERROR_IO, "cannot open %s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int status = errno == EWOULDBLOCK
                         ? held(fd, path, err)
                         : error_set(err, ERROR_IO, "cannot lock %s: %s", path, strerror(errno));
        close(fd);
        return status;
    }
    /* The pid is for the message above only; on a full disk the lock holds without it. */
    if (ftruncate(fd, 0) == 0)
        dprintf(fd, "%d\n", (int)getpid());
    struct history_lock *lock = NEW(struct history_lock);
    lock->fd = fd;
    *ret_lock = lock;
    return 0;
}

void history_lock_free(struct history_lock *lock)
{
    if (!lock)
        return;
    close(lock->fd);
    free(lock);
}
