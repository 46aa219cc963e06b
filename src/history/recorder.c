#include "history/recorder.h"

#include "history/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES 65536

struct recorder {
    char *dir;
    int64_t max_bytes;
    int64_t segment_bytes;
    uint64_t number; /* of the newest segment */
    FILE *file;      /* NULL after a failed write, and after the end of a segment */
    int64_t size;    /* of the newest segment */
    int64_t room;    /* so large it may become beside the others */
    int64_t events;  /* bytes of it that are no snapshot: these end it */
    int64_t base;    /* bytes of its snapshot */
    bool wants_snapshot;
    unsigned skip;     /* so many segments begin without: a snapshot was too large, and the work is in vain */
    bool has_base;     /* what comes next follows from a snapshot */
    char *gap;         /* why lines are missing before the next one; NULL: none are */
    unsigned failures; /* of the disk, in a row */
    int pause;         /* so many appends are dropped before the disk is tried again */
};

/* --- segments ------------------------------------------------------------------------------------------- */

/* Deletes the oldest until the newest, which is in use or about to begin, may become so large. */
static void make_room(struct recorder *recorder, int64_t bytes)
{
    struct segment_vec segments;
    history_segment_list(recorder->dir, &segments);
    if (recorder->file && segments.len > 0)
        segments.len--;
    recorder->room = bytes;
    int64_t total = bytes;
    for (size_t i = 0; i < segments.len; i++)
        total += segments.items[i].bytes;
    for (size_t i = 0; i < segments.len; i++) {
        if (total <= recorder->max_bytes && segments.len - i < RECORDER_FILES_MAX)
            break;
        char *path CLEANUP_FREE = history_segment_path(recorder->dir, segments.items[i].number);
        unlink(path);
        total -= segments.items[i].bytes;
    }
    vector_deinit(&segments);
}

static int begin_segment(struct recorder *recorder, struct error *err)
{
    make_room(recorder, 2 * recorder->segment_bytes);
    char *path CLEANUP_FREE = history_segment_path(recorder->dir, recorder->number + 1);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, ERROR_IO, "recorder: cannot make %s: %s", path, strerror(errno));
    FILE *file = fdopen(fd, "w");
    if (!file) {
        int failed = errno;
        close(fd);
        return error_set(err, ERROR_IO, "recorder: cannot open %s: %s", path, strerror(failed));
    }
    setvbuf(file, NULL, _IOFBF, BUFFER_BYTES);
    recorder->file = file;
    recorder->number++;
    recorder->size = recorder->events = recorder->base = 0;
    return 0;
}

static void set_gap(struct recorder *recorder, const char *why)
{
    free(recorder->gap);
    recorder->gap = memory_strdup(why);
    recorder->has_base = false;
    recorder->wants_snapshot = true;
}

static void remove_if_empty(struct recorder *recorder)
{
    char *path CLEANUP_FREE = history_segment_path(recorder->dir, recorder->number);
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size == 0)
        unlink(path);
}

/* A segment that lost bytes ends there: what follows must start over with a snapshot. A disk that stays full
 * must not cost a snapshot for every event. */
static int give_up_segment(struct recorder *recorder, int failed, struct error *err)
{
    struct error cause = ERROR_INIT;
    error_set(&cause, ERROR_IO, "recorder: cannot write to %s: %s", recorder->dir, strerror(failed));
    if (recorder->file) {
        fclose(TAKE(recorder->file));
        remove_if_empty(recorder);
    }
    set_gap(recorder, cause.message);
    if (recorder->failures++ > 0)
        recorder->pause = recorder->failures < 12 ? 1 << recorder->failures : RECORDER_PAUSE_MAX;
    return error_set(err, ERROR_IO, "%s", cause.message);
}

static int end_segment(struct recorder *recorder, struct error *err)
{
    recorder->wants_snapshot = recorder->skip == 0;
    recorder->skip -= recorder->skip > 0;
    if (fclose(TAKE(recorder->file)) != 0)
        return give_up_segment(recorder, errno, err);
    return 0;
}

/* A snapshot costs time by its size: a segment holds as much of events before the next, if the ring has room
 * for them. */
static bool is_full(const struct recorder *recorder)
{
    return recorder->events >= recorder->segment_bytes && recorder->events >= recorder->base;
}

/* --- lines ---------------------------------------------------------------------------------------------- */

struct line {
    struct recorder *recorder;
    int64_t len;
    int failed;    /* errno; 0 while all is well */
    bool too_long; /* for any segment */
    bool no_room;  /* in this one */
};

static int64_t line_max(const struct recorder *recorder)
{
    return recorder->max_bytes / 2;
}

static int write_piece(const char *bytes, size_t len, void *data)
{
    struct line *line = data;
    struct recorder *recorder = line->recorder;
    line->len += (int64_t)len;
    int64_t size = recorder->size + line->len;
    line->too_long = line->len >= line_max(recorder);
    line->no_room = size > recorder->max_bytes - recorder->segment_bytes;
    if (line->too_long || line->no_room)
        return -1;
    if (size > recorder->room)
        make_room(recorder, size + recorder->segment_bytes);
    if (fwrite_unlocked(bytes, 1, len, recorder->file) == len) /* small pieces, and one thread */
        return 0;
    line->failed = errno;
    return -1;
}

/* Takes back what was written of a line. */
static int cut_line(struct recorder *recorder, struct error *err)
{
    if (fflush(recorder->file) == 0 && ftruncate(fileno(recorder->file), recorder->size) == 0 &&
        fseek(recorder->file, recorder->size, SEEK_SET) == 0)
        return 0;
    return give_up_segment(recorder, errno, err);
}

/* 0, or what the line tells of. */
static int try_line(struct line *line, const json_t *json)
{
    if (json_dump_callback(json, write_piece, line, JSON_COMPACT) < 0 || write_piece("\n", 1, line) < 0)
        return -1;
    line->recorder->size += line->len;
    return 0;
}

/* There the line is the first, or follows a gap: it fits unless it is too long. */
static int move_on(struct recorder *recorder, struct error *err)
{
    int status = cut_line(recorder, err);
    if (status == 0)
        status = end_segment(recorder, err);
    if (status == 0 && begin_segment(recorder, NULL) < 0)
        status = give_up_segment(recorder, errno, err);
    return status;
}

/* Which may begin a segment. */
static int write_line(struct recorder *recorder, const json_t *json, int64_t *ret_bytes, struct error *err)
{
    struct line line = {.recorder = recorder};
    int status = try_line(&line, json);
    if (line.no_room && !line.too_long) {
        status = move_on(recorder, err);
        if (status < 0)
            return status;
        line = (struct line){.recorder = recorder};
        status = try_line(&line, json);
    }
    *ret_bytes = line.len;
    if (status == 0)
        return 0;
    if (!line.too_long)
        return give_up_segment(recorder, line.failed, err);
    status = cut_line(recorder, err);
    if (status < 0)
        return status;
    return error_set(err, ERROR_LIMIT,
                     "recorder: a line is over the bound of %lld bytes (LIMIT_RECORD_BYTES / 2)",
                     (long long)line_max(recorder));
}

static int write_gap(struct recorder *recorder, struct error *err)
{
    json_t *gap = json_pack("{s:s}", "gap", recorder->gap);
    int64_t bytes;
    int status = gap ? write_line(recorder, gap, &bytes, err) : 0;
    json_decref(gap);
    if (status == 0)
        free(TAKE(recorder->gap));
    return status;
}

/* --- recording ------------------------------------------------------------------------------------------ */

int recorder_open(const char *dir, int64_t max_bytes, struct recorder **ret_recorder, struct error *err)
{
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return error_set(err, ERROR_IO, "recorder: cannot make %s: %s", dir, strerror(errno));
    if (chmod(dir, 0700) < 0)
        return error_set(err, ERROR_IO, "recorder: cannot use %s: %s", dir, strerror(errno));
    struct recorder *recorder CLEANUP(recorder_freep) = NEW(struct recorder);
    recorder->dir = memory_strdup(dir);
    recorder->max_bytes = max_bytes < LIMIT_RECORD_BYTES ? max_bytes : LIMIT_RECORD_BYTES;
    recorder->segment_bytes = recorder->max_bytes / RECORDER_SEGMENTS;
    recorder->wants_snapshot = true;
    struct segment_vec segments;
    history_segment_list(dir, &segments);
    recorder->number = segments.len > 0 ? segments.items[segments.len - 1].number : 0;
    vector_deinit(&segments);
    int status = begin_segment(recorder, err);
    if (status < 0)
        return status;
    *ret_recorder = TAKE(recorder);
    return 0;
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    if (recorder->file)
        fclose(recorder->file);
    free(recorder->gap);
    free(recorder->dir);
    free(recorder);
}

bool recorder_wants_snapshot(const struct recorder *recorder)
{
    return recorder->wants_snapshot && recorder->pause == 0;
}

static int append_event(struct recorder *recorder, const json_t *event, struct error *err)
{
    int64_t bytes = 0;
    struct error cause = ERROR_INIT;
    int status = write_line(recorder, event, &bytes, &cause);
    if (status == ERROR_LIMIT) { /* a gap begins a segment, so that what follows can be read by itself */
        end_segment(recorder, NULL);
        set_gap(recorder, cause.message);
    }
    if (status < 0)
        return error_set(err, status, "%s", cause.message);
    recorder->events += bytes;
    if (recorder->events > 2L * BUFFER_BYTES)
        recorder->failures = 0;
    return is_full(recorder) ? end_segment(recorder, err) : 0;
}

/* Its lines stand in one segment, at the head of it: a ring that deletes the oldest must not cut one in two.
 */
static int append_snapshot(struct recorder *recorder, const json_t *snapshot, struct error *err)
{
    if (recorder->base == 0 && recorder->events > 0) {
        int begun = end_segment(recorder, err);
        if (begun == 0 && begin_segment(recorder, NULL) < 0)
            begun = give_up_segment(recorder, errno, err);
        if (begun < 0)
            return begun;
    }
    struct error cause = ERROR_INIT;
    int64_t bytes = 0;
    int status =
        recorder->base < line_max(recorder)
            ? write_line(recorder, snapshot, &bytes, &cause)
            : error_set(&cause, ERROR_LIMIT,
                        "recorder: a snapshot is over the bound of %lld bytes (LIMIT_RECORD_BYTES / 2)",
                        (long long)line_max(recorder));
    if (status == 0)
        recorder->base += bytes;
    recorder->skip = status == ERROR_LIMIT ? RECORDER_SEGMENTS : 0;
    recorder->wants_snapshot = status < 0 && status != ERROR_LIMIT;
    if (status == 0 && !json_object_get(snapshot, "more"))
        recorder->has_base = true;
    else if (status == ERROR_LIMIT && !recorder->has_base && !recorder->gap)
        recorder->gap = memory_printf("no replay before the next snapshot: %s", cause.message);
    return status < 0 ? error_set(err, status, "%s", cause.message) : 0;
}

int recorder_append(struct recorder *recorder, const json_t *event, struct error *err)
{
    if (!json_is_object(event))
        return error_set(err, ERROR_INVALID, "recorder: an event must be an object");
    if (recorder->pause > 0) {
        recorder->pause--;
        return 0;
    }
    int status = 0;
    if (!recorder->file && begin_segment(recorder, err) < 0)
        status = give_up_segment(recorder, errno, NULL);
    if (status == 0 && recorder->gap)
        status = write_gap(recorder, err);
    if (status < 0)
        return status;
    return json_object_get(event, "snapshot") ? append_snapshot(recorder, event, err)
                                              : append_event(recorder, event, err);
}

int recorder_flush(struct recorder *recorder, struct error *err)
{
    if (recorder->file && fflush(recorder->file) != 0)
        return give_up_segment(recorder, errno, err);
    return 0;
}

/* --- reading -------------------------------------------------------------------------------------------- */

static void fclosep(FILE **file)
{
    if (*file)
        fclose(*file);
}

struct reading {
    const struct recorder_visitor *visitor;
    bool begun; /* a line has been handed out */
};

static int read_gap(struct reading *reading, const char *path, const char *why, struct error *err)
{
    bool begun = reading->begun;
    reading->begun = false;
    if (reading->visitor->on_gap)
        return reading->visitor->on_gap(reading->visitor->data, why);
    if (!begun)
        return 0;
    return error_set(
        err, ERROR_INVALID,
        "the recording has a gap before %s (%s); each segment from there on can be read by itself", path,
        why);
}

static int read_object(struct reading *reading, const char *path, const json_t *json, struct error *err)
{
    const char *gap = json_string_value(json_object_get(json, "gap"));
    if (gap)
        return read_gap(reading, path, gap, err);
    reading->begun = true;
    return reading->visitor->on_event(reading->visitor->data, json);
}

static int read_lines(FILE *file, const char *path, struct reading *reading, struct error *err)
{
    char *line CLEANUP_FREE = NULL;
    size_t cap = 0;
    ssize_t len;
    for (size_t number = 1; (len = getline(&line, &cap, file)) > 0; number++) {
        if (line[len - 1] != '\n')
            return 0; /* torn: the writer was killed */
        json_t *json = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
        int status = json_is_object(json)
                         ? read_object(reading, path, json, err)
                         : error_set(err, ERROR_INVALID, "%s:%zu: not a JSON object", path, number);
        json_decref(json);
        if (status < 0)
            return status;
    }
    return ferror(file) ? error_set(err, ERROR_IO, "cannot read %s: %s", path, strerror(errno)) : 0;
}

static int read_segment(const char *path, struct reading *reading, struct error *err)
{
    FILE *file CLEANUP(fclosep) = fopen(path, "re");
    struct stat st;
    if (!file || fstat(fileno(file), &st) < 0)
        return error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "cannot open %s: %s", path,
                         strerror(errno));
    if (st.st_size > LIMIT_RECORD_BYTES)
        return error_set(err, ERROR_LIMIT, "%s is larger than LIMIT_RECORD_BYTES", path);
    return read_lines(file, path, reading, err);
}

int recorder_read(const char *path, const struct recorder_visitor *visitor, struct error *err)
{
    struct stat st;
    struct reading reading = {.visitor = visitor};
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return read_segment(path, &reading, err);
    struct segment_vec segments;
    history_segment_list(path, &segments);
    int status = 0;
    for (size_t i = 0; i < segments.len && status == 0; i++) {
        char *file CLEANUP_FREE = history_segment_path(path, segments.items[i].number);
        status = read_segment(file, &reading, err);
    }
    vector_deinit(&segments);
    return status < 0 ? status : 0;
}
