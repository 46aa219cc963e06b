/* Newer images, by the clock: runs `davit update-images` on the source's repository, or on what it has of a
 * remote (source/remote.h) and pushes that, in a process of its own, and remembers for `davit status` what
 * came of it. What it commits comes in as any other commit; nothing waits for it, and no deployment fails by
 * it.
 *
 *  when     | a while after the start, then an interval (jitter +-10 %) after the end of the run before
 *  back-off | a run that fails as a whole doubles the pause, up to LIMIT_IMAGE_UPDATES_BACKOFF_MS; one
 *           | registry that fails does not
 *  bounds   | LIMIT_IMAGE_UPDATES_RUN_MS, then the process and those that it has started are killed; of
 *           | a remote also the source's fetchTimeout, for each fetch and push
 *  told     | in the log: a trouble once, and when it is over; in the status: each
 */
#pragma once

#include "daemon/config.h"

#include <jansson.h>
#include <uv.h>

struct image_updates;

struct image_updates_options {
    uv_loop_t *loop;
    const struct config *config;   /* borrowed; its image_updates are wanted, as config_finish() has seen */
    const char *executable;        /* this program; borrowed */
    void (*committed)(void *data); /* the source has news */
    void *data;
};

struct image_updates *image_updates_new(const struct image_updates_options *options);
/* For `davit status`: {"ok", "checkedAt", "commit", "branch", "committedAt", "message", "failures",
 * "refusals"}; the
 * caller's. */
json_t *image_updates_status_json(const struct image_updates *updates);
/* Kills what is under way. The loop must be run on. NULL is fine. */
void image_updates_close(struct image_updates *updates);
