/* Every input of the core in a bounded ring on disk, for replay: dir/record-000001.jsonl, one JSON object a
 * line.
 *
 * Files are 0600 in a directory 0700. Writes are buffered: the last moments before a crash may be missing,
 * and a torn last line is cut off when the ring is opened again. The oldest segment is deleted to hold the
 * bound. Lines go to the file as they are made; none is held in memory whole.
 *
 * A segment begins with a snapshot where there is one that fits: {"snapshot": ...}, of which each line but
 * the last has "more": true; without the last line it is none. One that does not is left out until the next
 * segment: replay then comes from an older one. A line for which a segment has no room left begins the next,
 * before its snapshot. Lines that are lost (too large, or the disk) are a gap: a new segment begins with
 * {"gap": "why"} and wants a snapshot.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct recorder;

#define RECORDER_SEGMENTS                                                                                    \
    8 /* a full segment is about this part of the ring, or holds as much of events as                        \
         its snapshot takes, up to all but this part */
#define RECORDER_PAUSE_MAX 4096
#define RECORDER_FILES_MAX 64 /* every start begins a segment, however short the last one is */

/* max_bytes: LIMIT_RECORD_BYTES, or less. Begins a new segment. ERROR_IO. */
int recorder_open(const char *dir, int64_t max_bytes, struct recorder **ret_recorder, struct error *err);
/* Flushes. */
void recorder_free(struct recorder *recorder);
DEFINE_CLEANUP(struct recorder, recorder_free)

/* Replay must be able to start here: append the lines {"snapshot": ...} next. Asked for once a segment; after
 * one that did not fit, RECORDER_SEGMENTS later. */
bool recorder_wants_snapshot(const struct recorder *recorder);

/* Borrows event, an object. ERROR_LIMIT: larger than half the ring. ERROR_IO: the disk; several in a row, and
 * the next appends are dropped untried, up to RECORDER_PAUSE_MAX of them. Either way the line is lost, which
 * the ring tells, and a later append may succeed. */
int recorder_append(struct recorder *recorder, const json_t *event, struct error *err);

/* Hands what is buffered to the kernel. */
int recorder_flush(struct recorder *recorder, struct error *err);

/* event is borrowed. A negative return ends the reading and is returned. */
typedef int recorder_event_fn(void *data, const json_t *event);
/* What comes after a gap does not follow from what came before, until the next snapshot. A negative return
 * ends the reading and is returned. */
typedef int recorder_gap_fn(void *data, const char *why);

struct recorder_visitor {
    recorder_event_fn *on_event;
    recorder_gap_fn *on_gap; /* NULL: a gap after the first line ends the reading */
    void *data;
};

/* path: a segment, or the directory for all of them, oldest first. A torn last line of a segment is passed
 * over; any other line that is not an object is ERROR_INVALID and named. So is a gap that nobody is called
 * for: the error tells where it is, why, and what can be read instead. */
int recorder_read(const char *path, const struct recorder_visitor *visitor, struct error *err);
