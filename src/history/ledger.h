/* The ledger on refs/davit/state: one git commit for every turn in which davit learned something.
 *
 * The tree is what davit knows, one JSON file an entry, fanned out by two hex digits of the name's SHA-256 so
 * that a change among 10,000 services writes kilobytes:
 *
 *   README, format, owner                what this is; the number of the layout; whose it is
 *   services/ab/<cluster>/<service>.json
 *   families/ab/<family>.json
 *   sources/<name>.json
 *   suspensions/ab/<cluster>.json        what `davit suspend` holds still
 *   tasks/ab/<cluster>/<task id>.json    standalone tasks, until they are forgotten
 *
 * Everything here is synchronous, durable when it returns, and touches nothing but the handle: one thread at
 * a time may use a handle, any thread. A writer holds the history_lock of its state directory.
 *
 * Old history is trimmed: when there are twice as many commits as are to be kept, the newest are made again
 * on a new root (the same trees, times and messages under new ids). Every save is a pack of its own; small
 * packs become one now and then (merge.h).
 * Objects that trimming left behind are deleted only in a repository that has no refs outside refs/davit/; in
 * a shared one they wait for `git gc`.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "model/commit.h"
#include "model/ledger.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;

struct history_options {
    const char *path;      /* a bare repository; made when absent, unless read_only */
    size_t retention;      /* commits that are kept at least; 0: HISTORY_RETENTION */
    size_t pack_threshold; /* small packs that set off merging; 0: HISTORY_PACK_THRESHOLD */
    bool read_only;        /* needs no lock and leaves the disk alone */
    const char *owner;     /* davit's; a new history says whose it is; NULL: it does not. Copied */
};

#define HISTORY_RETENTION      10000
#define HISTORY_PACK_THRESHOLD 50

/* Finds the newest readable state. ERROR_NOT_FOUND: read_only and no repository. ERROR_UNSUPPORTED: a newer
 * davit's layout. ERROR_IO. Damage is not an error: history_load reports it. */
int history_open(const struct history_options *options, struct history **ret_history, struct error *err);
void history_free(struct history *history);
DEFINE_CLEANUP(struct history, history_free)

/* Whether nothing was ever saved: no state, no log, no damage. */
bool history_is_new(const struct history *history);
/* A new history goes on from what `ref` has, which was fetched; that ref is deleted. On disk the history
 * stays new until the next save, which can so leave something out and nobody sees it in between. What was
 * fetched is as hostile as any input: history_load skips what it cannot read. ERROR_CONFLICT: of another
 * owner. ERROR_UNSUPPORTED: a newer davit's layout. ERROR_INVALID: no ledger. ERROR_NOT_FOUND. */
int history_take(struct history *history, const char *ref, struct error *err);

/* What was wrong on disk. All zero when nothing was. */
struct history_report {
    size_t commits_lost;          /* newer than the state in use; at least this many */
    size_t entries_skipped;       /* files or whole directories of entries */
    char text[LIMIT_ERROR_CHARS]; /* the first of it, for a person; "" when all is well */
};

/* name as in struct ledger_change. entry is borrowed. A negative return ends the load and is returned. */
typedef int history_entry_fn(void *data, enum ledger_change_kind kind, const char *name, const json_t *entry);

struct history_visitor {
    history_entry_fn *on_entry;
    void *data;
};

/* Calls for every entry: services, families, sources, suspensions, tasks, each in the order of their paths.
 * What cannot be read is skipped and reported. *ret_report is always set. */
int history_load(struct history *history, const struct history_visitor *visitor,
                 struct history_report *ret_report, struct error *err);

/* One commit for all changes; durable on disk when this returns 0, and without effect when it does not. No
 * changes, or changes that change nothing, make no commit. ERROR_INVALID: a name that cannot be a path.
 * ERROR_LIMIT: an entry over LIMIT_LEDGER_ENTRY_BYTES. ERROR_CONFLICT: someone else moved the ref. ERROR_IO:
 * disk. */
int history_save(struct history *history, const struct ledger_change_vec *changes, int64_t now_ms,
                 struct error *err);

/* Trims old history when there is enough of it, else returns at once. For the saving thread, after a save;
 * history_merge_new comes next. A failure harms nothing that is saved, and the next try waits for as much
 * again. */
int history_tidy(struct history *history, struct error *err);

struct history_log_entry {
    char oid[COMMIT_OID_SIZE];
    int64_t time_ms;     /* whole seconds */
    const char *message; /* borrowed; first line, and with several changes a line each after an empty one */
};

typedef int history_log_fn(void *data, const struct history_log_entry *entry);

struct history_log_query {
    const char *service;      /* only what changed this "cluster/service"; NULL: everything */
    size_t limit;             /* 0: all */
    history_log_fn *on_entry; /* a negative return ends the walk and is returned */
    void *data;
};

/* Newest first. Ends without an error where older history cannot be read. */
int history_log(struct history *history, const struct history_log_query *query, struct error *err);
