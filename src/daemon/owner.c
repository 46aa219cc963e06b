#include "daemon/owner.h"

#include "base/memory.h"
#include "base/text.h"
#include "odb/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWNER_MAX_CHARS 1024 /* the flag's has no bound, the configuration's is 64 */

static int write_file(const char *path, const char *owner, struct error *err)
{
    char *new CLEANUP_FREE = memory_printf("%s.new", path);
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, ERROR_IO, "cannot write %s: %s", new, strerror(errno));
    bool is_written = dprintf(fd, "%s\n", owner) == (int)strlen(owner) + 1 && fsync(fd) == 0;
    int r = is_written ? 0 : error_set(err, ERROR_IO, "cannot write %s: %s", new, strerror(errno));
    close(fd);
    if (r == 0 && rename(new, path) < 0)
        r = error_set(err, ERROR_IO, "cannot rename %s to %s: %s", new, path, strerror(errno));
    if (r < 0)
        unlink(new);
    return r < 0 ? r : odb_file_sync_parent(path, err);
}

int owner_remember(const char *state_directory, const char *owner, struct error *err)
{
    assert(state_directory);
    assert(owner);
    char *path CLEANUP_FREE = memory_printf("%s/owner", state_directory);
    char before[OWNER_MAX_CHARS + 2] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? write_file(path, owner, err)
                               : error_set(err, ERROR_IO, "cannot read %s: %s", path, strerror(errno));
    ssize_t len = read(fd, before, sizeof before - 1);
    int failed = errno;
    close(fd);
    if (len < 0)
        return error_set(err, ERROR_IO, "cannot read %s: %s", path, strerror(failed));
    before[strcspn(before, "\n")] = '\0';
    if (!before[0]) /* by hand, or of a disk that lost it: it names nobody */
        return write_file(path, owner, err);
    if (text_equal(before, owner))
        return 0;
    return error_set(
        err, ERROR_CONFLICT,
        "this state directory worked as owner %s until now (%s), and would go on as owner %s: the "
        "containers of %s would run on beside. Set \"owner: %s\" in the configuration, or --owner "
        "%s, to go on as before; give another repository a state directory of its own; or remove "
        "the file to begin anew",
        before, path, owner, before, before, before);
}
