#include "model/mount.h"

#include "model/json.h"

#include <assert.h>
#include <string.h>

/* Without the slash that it may end in. */
static size_t length_of(const char *path)
{
    size_t len = strlen(path);
    return len && path[len - 1] == '/' ? len - 1 : len;
}

const char *mount_writable_above(const json_t *container, const char *path)
{
    assert(path);
    const json_t *innermost = NULL;
    size_t longest = 0;
    size_t i;
    json_t *point;
    json_array_foreach (json_object_get(container, "mountPoints"), i, point) {
        const char *mount = model_string(point, "containerPath");
        size_t len = mount ? length_of(mount) : 0;
        if (len <= longest || strncmp(path, mount, len) != 0 || path[len] != '/')
            continue;
        innermost = point;
        longest = len;
    }
    return innermost && !model_bool(innermost, "readOnly") ? model_string(innermost, "containerPath") : NULL;
}
