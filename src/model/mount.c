#include "model/mount.h"

#include "base/memory.h"
#include "model/json.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static const char *const engines_own[] = {"/dev",  "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
                                          "/proc", "/sys"};

/* The mounts of a container that are about a path. */
struct mounts {
    const char *path;
    const char *above; /* the innermost that it lies below */
    size_t above_len;
    bool is_read_only; /* that one */
    bool is_tmpfs;
    bool is_taken;
};

/* Without the slash that it may end in. */
static size_t length_of(const char *path)
{
    size_t len = strlen(path);
    return len && path[len - 1] == '/' ? len - 1 : len;
}

/* Whether the path is `outer` or below. */
static bool is_within(const char *path, const char *outer, size_t outer_len)
{
    return strncmp(path, outer, outer_len) == 0 && (!path[outer_len] || path[outer_len] == '/');
}

static void look_at(struct mounts *mounts, const json_t *item, bool is_tmpfs)
{
    const char *mount = model_string(item, "containerPath");
    size_t len = mount ? length_of(mount) : 0;
    if (!len)
        return;
    mounts->is_taken |= is_within(mount, mounts->path, strlen(mounts->path));
    if (len <= mounts->above_len || !is_within(mounts->path, mount, len) || !mounts->path[len])
        return;
    mounts->above = mount;
    mounts->above_len = len;
    mounts->is_tmpfs = is_tmpfs;
    mounts->is_read_only = model_bool(item, "readOnly");
}

static bool is_engines_own(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(engines_own); i++)
        if (is_within(path, engines_own[i], strlen(engines_own[i])))
            return true;
    return false;
}

enum mount_fate mount_fate_of(const json_t *container, const char *path, const char **ret_volume)
{
    assert(path && ret_volume);
    struct mounts mounts = {.path = path};
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(container, "mountPoints"), i, item)
        look_at(&mounts, item, false);
    json_array_foreach (json_object_get(json_object_get(container, "linuxParameters"), "tmpfs"), i, item)
        look_at(&mounts, item, true);
    *ret_volume = mounts.above;
    if (mounts.is_taken)
        return MOUNT_TAKEN;
    if (mounts.above)
        return mounts.is_tmpfs ? MOUNT_HIDDEN : mounts.is_read_only ? MOUNT_READ_ONLY : MOUNT_FINE;
    if (is_engines_own(path))
        return MOUNT_ENGINES;
    return model_bool(container, "readonlyRootFilesystem") ? MOUNT_NO_VOLUME : MOUNT_FINE;
}
