#include "odb/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int odb_file_sync(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "cannot open %s: %s", path,
                         strerror(errno));
    int failed = fsync(fd) < 0 ? errno : 0;
    close(fd);
    errno = failed;
    return failed ? error_set(err, ERROR_IO, "cannot sync %s: %s", path, strerror(failed)) : 0;
}

int odb_file_sync_parent(const char *path, struct error *err)
{
    char *parent CLEANUP_FREE = memory_strdup(path);
    char *slash = strrchr(parent, '/');
    if (!slash)
        return odb_file_sync(".", err);
    slash[slash == parent] = '\0';
    return odb_file_sync(parent, err);
}
