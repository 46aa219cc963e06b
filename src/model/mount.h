/* Where the volumes of a container are. */
#pragma once

#include <jansson.h>

/* The containerPath of the innermost mount point of a container definition that `path` lies below; NULL:
 * there is none, or it is read-only. Borrowed. */
const char *mount_writable_above(const json_t *container, const char *path);
