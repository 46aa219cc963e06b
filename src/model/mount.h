/* Where the volumes of a container are. */
#pragma once

#include <jansson.h>

/* What becomes of a file that is put into a container before it starts. */
enum mount_fate {
    MOUNT_FINE,
    MOUNT_NO_VOLUME, /* the root file system is read-only, and no volume is above */
    MOUNT_READ_ONLY, /* the volume that it lies in */
    MOUNT_HIDDEN,    /* by a tmpfs, which comes with the start */
    MOUNT_ENGINES,   /* hidden by what engines mount into every container */
    MOUNT_TAKEN,     /* it is where a volume is mounted, or above */
};

/* The file at `path` of a container definition. MOUNT_FINE: *ret_volume is the containerPath of the innermost
 * volume that it lies in, borrowed, NULL without one. */
enum mount_fate mount_fate_of(const json_t *container, const char *path, const char **ret_volume);
