#include "daemon/state_file.h"

#include "base/memory.h"
#include "odb/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_whole(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

int state_file_write(const char *path, const char *text, struct error *err)
{
    assert(path && text);
    char *new CLEANUP_FREE = memory_printf("%s.new", path);
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, ERROR_IO, "cannot write %s: %s", new, strerror(errno));
    bool is_written = write_whole(fd, text) && fsync(fd) == 0;
    int r = is_written ? 0 : error_set(err, ERROR_IO, "cannot write %s: %s", new, strerror(errno));
    close(fd);
    if (r == 0 && rename(new, path) < 0)
        r = error_set(err, ERROR_IO, "cannot rename %s to %s: %s", new, path, strerror(errno));
    if (r < 0)
        unlink(new);
    return r < 0 ? r : odb_file_sync_parent(path, err);
}

static int read_whole(int fd, const char *path, size_t max_bytes, char **ret_text, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return error_set(err, ERROR_IO, "cannot read %s: %s", path, strerror(errno));
    if (status.st_size < 0 || (size_t)status.st_size > max_bytes)
        return error_set(err, ERROR_LIMIT, "%s is larger than %zu bytes", path, max_bytes);
    size_t size = (size_t)status.st_size;
    size_t len = 0;
    char *text CLEANUP_FREE = memory_alloc(size + 1);
    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ERROR_IO, "cannot read %s: %s", path, strerror(errno));
        if (n == 0)
            break;
        len += (size_t)n;
    }
    text[len] = '\0';
    *ret_text = TAKE(text);
    return 0;
}

int state_file_read(const char *path, size_t max_bytes, char **ret_text, struct error *err)
{
    assert(path && ret_text);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "cannot read %s: %s", path,
                         strerror(errno));
    int r = read_whole(fd, path, max_bytes, ret_text, err);
    close(fd);
    return r;
}
