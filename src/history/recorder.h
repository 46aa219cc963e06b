/* Every input of the core in a bounded ring on disk, for replay: dir/record-000001.jsonl, one JSON object a
 * line.
 *
 * Files are 0600 in a directory 0700. Writes are buffered: the last moments before a crash may be missing,
 * and a torn last line is cut off when the ring is opened again. The oldest segment is deleted to hold the
 * bound.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct recorder;

#define RECORDER_SEGMENTS  8  /* a full segment is about this part of the ring */
#define RECORDER_FILES_MAX 64 /* every start begins a segment, however short the last one is */

/* max_bytes: LIMIT_RECORD_BYTES, or less. Begins a new segment. ERROR_IO. */
int recorder_open(const char *dir, int64_t max_bytes, struct recorder **ret_recorder, struct error *err);
/* Flushes. */
void recorder_free(struct recorder *recorder);
DEFINE_CLEANUP(struct recorder, recorder_free)

/* A new segment has begun and replay must be able to start there: append {"snapshot": ...} next. */
bool recorder_wants_snapshot(const struct recorder *recorder);

/* Borrows event, an object. ERROR_LIMIT: larger than the ring's RECORDER_SEGMENTSth part. ERROR_IO: the event
 * is dropped, a later append may succeed; the next segment starts over with a snapshot. */
int recorder_append(struct recorder *recorder, const json_t *event, struct error *err);

/* Hands what is buffered to the kernel. */
int recorder_flush(struct recorder *recorder, struct error *err);

/* event is borrowed. A negative return ends the reading and is returned. */
typedef int recorder_event_fn(void *data, const json_t *event);

struct recorder_visitor {
    recorder_event_fn *on_event;
    void *data;
};

/* path: a segment, or the directory for all of them, oldest first. A torn last line of a segment is passed
 * over; any other line that is not an object is ERROR_INVALID and named. */
int recorder_read(const char *path, const struct recorder_visitor *visitor, struct error *err);
