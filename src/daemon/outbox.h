/* Notifications: looks at what there is to tell after core's steps, hands it to the receivers, and keeps what
 * waits and what was told in STATE/notifications.json, which is written by a worker.
 *
 * A step costs a comparison. A look goes through all services; it comes at once where none has come for a
 * while, and takes no more than one part in twenty of the time.
 */
#pragma once

#include "api/api.h"
#include "core/core.h"
#include "daemon/config.h"

#include <jansson.h>
#include <uv.h>

struct outbox;

struct outbox_options {
    uv_loop_t *loop;
    const struct config *config; /* borrowed, as is the next */
    const struct core *core;
    void *data;
    int64_t (*now_ms)(void *data);                                              /* the time of core */
    void (*looks)(void *data, const char *source, struct api_looks *ret_looks); /* as of api_options */
};

/* The state directory is there. A state that cannot be read is a warning: then all is told anew. */
struct outbox *outbox_new(const struct outbox_options *options);
/* After a step of core; saves counts the changes that it wants to have saved. */
void outbox_stepped(struct outbox *outbox, uint64_t saves);
/* For `davit status`: a list, empty where nobody is notified. */
json_t *outbox_status_json(const struct outbox *outbox);
/* Before the core goes. Writes what waits; the loop must be run on. NULL is fine. */
void outbox_close(struct outbox *outbox);
