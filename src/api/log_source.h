/* One container whose output is read for somebody: lines of JSON out of what its engine sends. Private to
 * api/.
 *
 * Whoever follows gets with each line its time at the engine and which one of that moment it is ("at",
 * "nth"): by these a container is read on where it was left, after a restart of the container, of its engine
 * or of davit, and no line comes twice.
 */
#pragma once

#include "api/operation.h"
#include "base/buffer.h"

#define LOG_TIME_SIZE 41 /* of RFC 3339 with nanoseconds and an offset */

/* One reader. */
struct log_stream {
    struct api *api;
    struct http_server *server;
    uint64_t id;
    json_t *input;
    bool follow;
    struct map sources; /* "instance/container id" -> struct log_source */
    struct map passed;  /* likewise, without a value: stopped before it began, and not meant */
    size_t reading;     /* sources that have not ended */
    int tail;           /* lines of what is there when it begins; -1: all */
    int64_t began_ms;
    int64_t since_ms; /* what began earlier and is not in "told" is read from then on; 0: no such bound */
};

/* The newest line that the reader has of one stream of a container. */
struct log_position {
    char at[LOG_TIME_SIZE]; /* "": none */
    int64_t nth;            /* of the lines of that moment, from 1 */
};

struct log_lines {
    struct buffer bytes; /* the beginning of a line that is not in yet */
    bool middle;         /* ... and what was before it is out */
    bool again;          /* the engine sends once more what the reader has */
    bool skipped;        /* the line that is under way is such a one */
    int64_t seen;        /* of the lines of told.at, while it is again */
    struct log_position told;
};

struct log_source {
    struct log_stream *stream; /* borrowed */
    char *instance;
    uint64_t operation; /* the engine's; 0 while it is not read */
    bool has_output;
    bool due;              /* to be read as soon as it can be */
    bool complained;       /* the reader knows that it could not be read, and it was not since */
    int64_t not_before_ms; /* after a failure */
    int64_t started_ms;    /* the container's start that was read last */
    int64_t since_ms;      /* where the first reading begins; 0: at the start */
    int tail;              /* lines; -1: all */
    char task[ID_HEX_SIZE];
    char *container;
    char *container_id;
    struct log_lines lines[2]; /* of stdout and stderr */
};

struct log_source *log_source_new(struct log_stream *stream, const struct task *task,
                                  const struct container *container);
/* Withdraws what it asked of its engine. */
void log_source_free(struct log_source *source);
/* Where the reader was, {"stdout": {"at", "nth"}, "stderr": ...}; NULL: it has nothing yet. */
void log_source_resume(struct log_source *source, const json_t *told);
/* Begins to read, or tells the reader why not. log_source_ended() follows later, unless it is freed. */
void log_source_start(struct log_source *source);
void log_source_complain(struct log_source *source, const char *text);
/* The stream's: the source has been read to its end, or it failed (code). May free the stream. */
void log_source_ended(struct log_source *source, int code);

/* Takes json. */
void log_stream_write(const struct log_stream *stream, json_t *json);
