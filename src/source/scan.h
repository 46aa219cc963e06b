/* The manifests of a directory (and what else it is asked for), read from disk: symbolic links are not
 * followed, special files and everything hidden are passed by. Blocks. */
#pragma once

#include "base/error.h"
#include "base/vector.h"
#include "source/source.h"

struct scan_options {
    const char *root;
    bool skip_repositories; /* directories below that are git repositories of their own */
    /* Files, and directories of files, that count besides, as `other`; each of it is too large by itself, see
     * source_options, as is a directory of which some may not be read. NULL: none. */
    const struct string_vec *extra;
    bool others_only; /* no manifests */
    int64_t still_ms; /* > 0: give up (busy) on what changed less than this ago, or while it was read */
};

struct scan {
    struct source_file_vec files;  /* without oids; the content of a symlink is where it points */
    struct string_vec directories; /* that were read, absolute or as root is, as source_watch_paths() takes
                                      them */
    bool busy;
};

void source_scan_deinit(struct scan *scan);
/* *scan is filled as far as it gets. Sorted by path. Too large files have no content. ERROR_NOT_FOUND,
 * ERROR_LIMIT, ERROR_IO, ERROR_DENIED. */
int source_scan(const struct scan_options *options, struct scan *scan, struct error *err);
/* Opens a file that a scan has found below the root once more. What has become a link since, on the way to it
 * or at its end, is not followed. -1 with errno. */
int source_scan_open(const char *root, const char *path);
