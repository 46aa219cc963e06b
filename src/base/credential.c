#include "base/credential.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/wipe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t read_whole(int fd, char *buffer, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, buffer + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

int credential_read_line(const char *path, const char *what, char **ret_line, struct error *err)
{
    assert(path);
    assert(ret_line);
    char *buffer CLEANUP(wipe_freep) = memory_calloc(LIMIT_SECRET_BYTES + 2, 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a fifo that nobody writes to does not hang */
    ssize_t len = fd < 0 ? -1 : read_whole(fd, buffer, LIMIT_SECRET_BYTES + 1);
    int number = errno;
    if (fd >= 0)
        close(fd);
    if (len < 0)
        return error_set(err,
                         number == ENOENT   ? ERROR_NOT_FOUND
                         : number == EACCES ? ERROR_DENIED
                                            : ERROR_IO,
                         "%s %s: %s", what, path, strerror(number));
    buffer[strcspn(buffer, "\r\n")] = '\0';
    if (!*buffer)
        return error_set(err, ERROR_INVALID, "%s %s: its first line is empty", what, path);
    if (strlen(buffer) > LIMIT_SECRET_BYTES)
        return error_set(err, ERROR_INVALID, "%s %s: its first line is longer than %d bytes", what, path,
                         LIMIT_SECRET_BYTES);
    *ret_line = TAKE(buffer);
    return 0;
}

/* Whole: 127.0.0.1.example.org is somewhere else. */
static bool is_loopback(const char *host, size_t len)
{
    if (len >= 4 && memcmp(host, "127.", 4) == 0)
        return strspn(host, "0123456789.") >= len;
    return (len == strlen("localhost") && memcmp(host, "localhost", len) == 0) ||
           (len == strlen("[::1]") && memcmp(host, "[::1]", len) == 0);
}

bool credential_is_private(const char *url)
{
    assert(url);
    if (text_starts_with(url, "https://"))
        return true;
    if (!text_starts_with(url, "http://"))
        return false;
    const char *host = url + strlen("http://");
    const char *at = memrchr(host, '@', strcspn(host, "/?#"));
    host = at ? at + 1 : host;
    size_t len = *host == '[' ? strcspn(host, "]/?#") + 1 : strcspn(host, ":/?#");
    return is_loopback(host, len);
}
