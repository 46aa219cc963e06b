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
    FILE *file;      /* NULL after a failed write */
    int64_t written; /* to the newest segment */
};

/* --- segments ------------------------------------------------------------------------------------------- */

/* Deletes the oldest until a new segment fits. It ends with the event that goes over segment_bytes, and no
 * event is larger than that. */
static void make_room(const struct recorder *recorder)
{
    struct segment_vec segments;
    history_segment_list(recorder->dir, &segments);
    int64_t total = 2 * recorder->segment_bytes;
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
    make_room(recorder);
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
    recorder->written = 0;
    return 0;
}

/* A segment that lost bytes ends there: what follows must start over with a snapshot. */
static int give_up_segment(struct recorder *recorder, int failed, struct error *err)
{
    fclose(recorder->file);
    recorder->file = NULL;
    recorder->written = 0;
    return error_set(err, ERROR_IO, "recorder: cannot write to %s: %s", recorder->dir, strerror(failed));
}

static int end_segment(struct recorder *recorder, struct error *err)
{
    FILE *file = TAKE(recorder->file);
    recorder->written = 0;
    if (fclose(file) != 0)
        return error_set(err, ERROR_IO, "recorder: cannot write to %s: %s", recorder->dir, strerror(errno));
    return 0;
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
    free(recorder->dir);
    free(recorder);
}

bool recorder_wants_snapshot(const struct recorder *recorder)
{
    return recorder->written == 0;
}

int recorder_append(struct recorder *recorder, const json_t *event, struct error *err)
{
    char *line CLEANUP_FREE = json_dumps(event, JSON_COMPACT);
    if (!line || !json_is_object(event))
        return error_set(err, ERROR_INVALID, "recorder: an event must be an object");
    int64_t len = (int64_t)strlen(line);
    if (len >= recorder->segment_bytes)
        return error_set(
            err, ERROR_LIMIT,
            "recorder: an event of %lld bytes is over the bound of %lld (LIMIT_RECORD_BYTES / %d)",
            (long long)len, (long long)recorder->segment_bytes, RECORDER_SEGMENTS);
    int status = recorder->file ? 0 : begin_segment(recorder, err);
    if (status < 0)
        return status;
    line[len] = '\n'; /* in the place of the NUL */
    if (fwrite(line, 1, (size_t)len + 1, recorder->file) != (size_t)len + 1)
        return give_up_segment(recorder, errno, err);
    recorder->written += len + 1;
    return recorder->written >= recorder->segment_bytes ? end_segment(recorder, err) : 0;
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

static int read_lines(FILE *file, const char *path, const struct recorder_visitor *visitor, struct error *err)
{
    char *line CLEANUP_FREE = NULL;
    size_t cap = 0;
    ssize_t len;
    for (size_t number = 1; (len = getline(&line, &cap, file)) > 0; number++) {
        if (line[len - 1] != '\n')
            return 0; /* torn: the writer was killed */
        json_t *event = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
        int status = json_is_object(event)
                         ? visitor->on_event(visitor->data, event)
                         : error_set(err, ERROR_INVALID, "%s:%zu: not a JSON object", path, number);
        json_decref(event);
        if (status < 0)
            return status;
    }
    return ferror(file) ? error_set(err, ERROR_IO, "cannot read %s: %s", path, strerror(errno)) : 0;
}

static int read_segment(const char *path, const struct recorder_visitor *visitor, struct error *err)
{
    FILE *file CLEANUP(fclosep) = fopen(path, "re");
    struct stat st;
    if (!file || fstat(fileno(file), &st) < 0)
        return error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "cannot open %s: %s", path,
                         strerror(errno));
    if (st.st_size > LIMIT_RECORD_BYTES)
        return error_set(err, ERROR_LIMIT, "%s is larger than LIMIT_RECORD_BYTES", path);
    return read_lines(file, path, visitor, err);
}

int recorder_read(const char *path, const struct recorder_visitor *visitor, struct error *err)
{
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return read_segment(path, visitor, err);
    struct segment_vec segments;
    history_segment_list(path, &segments);
    int status = 0;
    for (size_t i = 0; i < segments.len && status == 0; i++) {
        char *file CLEANUP_FREE = history_segment_path(path, segments.items[i].number);
        status = read_segment(file, visitor, err);
    }
    vector_deinit(&segments);
    return status < 0 ? status : 0;
}
