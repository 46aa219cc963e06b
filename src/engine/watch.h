/* Listens to one engine instead of polling it: the event stream, a full listing on every (re)connection and
 * every LIMIT_ENGINE_RELIST_MS as a safety net, an inspection for every event. Works on any engine through
 * its table.
 *
 * Every LIMIT_ENGINE_PROBE_MS the engine is asked for its version: one that hangs is lost when it does not
 * answer.
 *
 * The order is gapless: the stream is opened first, then the listing is taken, so that nothing falls between.
 */
#pragma once

#include "engine/engine.h"

struct engine_watch;

/* Everything is borrowed for the length of the callback. */
struct engine_watch_listener {
    /* The engine answers; version and what the host has. Comes before the first listing of a connection. */
    void (*connected)(void *data, const struct instance_info *info);
    void (*listed)(void *data, const struct container_vec *containers);
    void (*changed)(void *data, const struct container *container);
    void (*gone)(void *data, const char *container_id);
    /* Comes once per loss, and again when an attempt to reconnect fails for another reason; attempts go on
     * by themselves with back-off (250 ms doubling to 15 s, reset on success). */
    void (*disconnected)(void *data, const struct error *cause);
    /* A listing had so many containers that cannot be read whole (engine.h, list), why of the first. Comes
     * once for each new text; not again while it stays. */
    void (*unreadable)(void *data, size_t count, const char *why);
    /* The engine has answered or told something, or has closed its stream: it was there a moment ago. Comes
     * before what it leads to; may be NULL, as the others. */
    void (*heard)(void *data);
    void *data;
};

/* Starts at once. `instance` is copied into every container that is handed out. */
struct engine_watch *engine_watch_new(struct engine *engine, const char *instance, const char *owner,
                                      const struct engine_watch_listener *listener);
/* List again now (an operation's outcome is unknown). A listing under way may be older than the operation and
 * is not handed out; several requests during it make one more listing. */
void engine_watch_relist(struct engine_watch *watch);
/* An operation has told the caller of this container: how it is, or NULL for gone. A listing or an inspection
 * that is under way may be older, and must not take it back. */
void engine_watch_overtake(struct engine_watch *watch, const char *container_id,
                           const struct container *container);
void engine_watch_free(struct engine_watch *watch);
