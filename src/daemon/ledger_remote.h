/* The ledger on a remote, so that it outlives the host: refs/davit/state of the state directory is pushed as
 * refs/davit/HOST/OWNER/state, by the fetch helper, and fetched by a start that finds no ledger.
 *
 * A push begins LEDGER_REMOTE_QUIET_MS after a save, and `interval` after the one before at the earliest. One
 * that fails is tried again after the longer of the two, then twice as long, up to
 * LEDGER_REMOTE_RETRY_MAX_MS; nothing waits for it. What the remote has is replaced only if this state
 * directory wrote it or went on from it: two daemons under one name never overwrite each other, one of them
 * is told.
 */
#pragma once

#include "base/error.h"
#include "daemon/config.h"
#include "history/ledger.h"

#include <jansson.h>
#include <uv.h>

#define LEDGER_REMOTE_QUIET_MS     2000
#define LEDGER_REMOTE_RETRY_MAX_MS 3600000

struct ledger_remote;

struct ledger_remote_options {
    uv_loop_t *loop;
    const struct config *config; /* both are borrowed */
    const char *executable;
};

/* A new ledger goes on from the remote's, if it has one: then *ret_taken. What was under way then is left
 * out, for it may be long over: standalone tasks (their containers tell, T13), times that were due (S1), and
 * which commit the sources had deployed, so that none of the past is desired again. Blocks, for
 * LIMIT_LEDGER_FETCH_MS at most. An error says why the ledger begins anew all the same. */
int ledger_remote_fetch(const struct ledger_remote_options *options, struct history *history, bool *ret_taken,
                        struct error *err);

struct ledger_remote *ledger_remote_new(const struct ledger_remote_options *options);
/* Something was saved, or the life before may not have come to push it. NULL is fine. */
void ledger_remote_changed(struct ledger_remote *remote);
/* As one of the receivers of notifications: {name, ok, message}. */
json_t *ledger_remote_status_json(const struct ledger_remote *remote);
/* A push under way is killed. The memory goes when the loop has closed the handles. NULL is fine. */
void ledger_remote_close(struct ledger_remote *remote);
