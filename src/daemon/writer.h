/* Saves the ledger on a worker thread, so that fsync does not stall the loop, and lets the actions through
 * that the saved changes explain. A save that fails is tried again, together with what came since, and its
 * actions wait: WRITER_RETRY_FIRST_MS later, then twice as long, up to WRITER_RETRY_MAX_MS. What only a
 * change of the ledger or a person can mend (an entry over its bound, a ref that somebody else moved) is
 * tried again when there is something new to save, and every WRITER_RETRY_LONG_MS. The ledger
 * is tidied when nothing was saved for WRITER_QUIET_MS, or WRITER_TIDY_LATEST times in a row; what needs no
 * save does not wait for that.
 */
#pragma once

#include "history/ledger.h"
#include "model/action.h"

#include <uv.h>

#define WRITER_RETRY_FIRST_MS 500
#define WRITER_RETRY_MAX_MS   30000
#define WRITER_RETRY_LONG_MS  300000
#define WRITER_QUIET_MS       2000
#define WRITER_TIDY_LATEST    300 /* saves without a pause */

struct writer;

struct writer_options {
    uv_loop_t *loop;
    struct history *history;                               /* used by this writer alone from now on */
    void (*act)(void *data, struct action *action);        /* takes over the action */
    void (*failed)(void *data, const struct error *cause); /* a save failed; it will be tried again */
    void (*saved)(void *data);                             /* the first save that works again */
    void (*durable)(void *data, size_t changes);           /* so many more are on disk */
    void (*untidy)(void *data, const struct error *cause); /* all is saved; packing or trimming failed anew */
    void *data;
};

struct writer *writer_new(const struct writer_options *options);
/* Both are emptied. Changes given together are one commit; actions follow the changes given before or with
 * them. */
void writer_give(struct writer *writer, struct ledger_change_vec *changes, struct action_vec *actions);
/* Saves what is still to be saved on this thread, drops the actions, then frees once the loop has run. */
void writer_close(struct writer *writer);
