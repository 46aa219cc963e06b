/* inotify on the loop: tells that something at one of many paths may have changed. */
#pragma once

#include "base/vector.h"

#include <stdbool.h>
#include <uv.h>

struct source_watch;

/* `fire` may come once for several changes. NULL when inotify is not to be had: the caller's poll has to do.
 */
struct source_watch *source_watch_new(uv_loop_t *loop, void (*fire)(void *data), void *data);

/* Replaces what is watched. "/a/b/c" is the appearance, change and disappearance of c; as long as /a/b does
 * not exist, its nearest existing parent is watched for the next name. "/a/b/" is every manifest and
 * directory right in it, "/a/b/" with a "*" every file. *ret_complete tells whether all could be watched.
 * Returns whether a directory was added: what happened there before is not told, so look again. */
bool source_watch_paths(struct source_watch *watch, const struct string_vec *paths, bool *ret_complete);
/* `closed` comes when the loop is done with it. */
void source_watch_free(struct source_watch *watch, void (*closed)(void *data));
