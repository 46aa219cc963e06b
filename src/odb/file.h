/* Small files written so that they survive a power cut. */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* fsync of a file or directory by path. ERROR_NOT_FOUND, ERROR_IO; errno has the cause as well. */
int odb_file_sync(const char *path, struct error *err);
/* Several at a time, in no order: a journal is committed once for all of them. The error is that of the first
 * in the list that failed, with its errno. */
int odb_file_sync_all(const char *const *paths, size_t len, struct error *err);
/* fsync of the directory that holds path. */
int odb_file_sync_parent(const char *path, struct error *err);
