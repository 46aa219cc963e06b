#include "fixture.h"

#include "history/recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING_BYTES 8192

struct read_back {
    int count;
    int first;
    int last;
    bool in_order;
    bool starts_with_snapshot;
    int gaps;
    int snapshots;
};

static int on_event(void *data, const json_t *event)
{
    struct read_back *read = data;
    int n = (int)json_integer_value(json_object_get(event, "n"));
    read->snapshots += json_object_get(event, "snapshot") != NULL;
    if (read->count++ == 0) {
        read->first = n;
        read->starts_with_snapshot = json_object_get(event, "snapshot") != NULL;
        read->in_order = true;
    } else if (n < read->last) {
        read->in_order = false;
    }
    read->last = n;
    return 0;
}

static int on_gap(void *data, const char *why)
{
    struct read_back *read = data;
    assert_true(strlen(why) > 0);
    read->gaps++;
    return 0;
}

static struct read_back read_all(const char *path)
{
    struct read_back read = {0};
    struct recorder_visitor visitor = {.on_event = on_event, .on_gap = on_gap, .data = &read};
    struct error err = ERROR_INIT;
    if (recorder_read(path, &visitor, &err) < 0)
        fail_msg("%s", error_text(&err));
    return read;
}

static int append(struct recorder *recorder, int n, struct error *err)
{
    int status = 0;
    if (recorder_wants_snapshot(recorder)) {
        json_t *snapshot = json_pack("{s:{}, s:i}", "snapshot", "n", n);
        status = recorder_append(recorder, snapshot, err);
        json_decref(snapshot);
    }
    json_t *event = json_pack("{s:i, s:s}", "n", n, "text", "line\nof text");
    if (status == 0)
        status = recorder_append(recorder, event, err);
    json_decref(event);
    return status;
}

static void test_events_come_back(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    char *first CLEANUP_FREE = memory_printf("%s/record-000001.jsonl", dir);
    struct recorder *recorder = NULL;
    struct stat st;
    assert_int_equal(recorder_open(dir, LIMIT_RECORD_BYTES, &recorder, NULL), 0);
    for (int n = 1; n <= 10; n++)
        assert_int_equal(append(recorder, n, NULL), 0);
    assert_int_equal(recorder_flush(recorder, NULL), 0);
    assert_int_equal(read_all(dir).count, 11);
    assert_int_equal(read_all(first).last, 10);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(first, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    recorder_free(recorder);
}

static void test_the_ring_is_bounded(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    struct recorder *recorder = NULL;
    assert_int_equal(recorder_open(dir, RING_BYTES, &recorder, NULL), 0);
    for (int n = 1; n <= 3000; n++)
        assert_int_equal(append(recorder, n, NULL), 0);
    recorder_free(recorder);
    struct read_back read = read_all(dir);
    assert_true(read.first > 1000);
    assert_int_equal(read.last, 3000);
    assert_true(read.in_order && read.starts_with_snapshot);
    char *out = fixture_run(f, "cat ../record/*.jsonl | wc -c");
    assert_in_range(strtol(out, NULL, 10), RING_BYTES / 2, RING_BYTES);
    free(out);
}

static void test_every_start_is_a_segment_and_old_ones_go(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    for (int n = 1; n <= RECORDER_FILES_MAX + 10; n++) {
        struct recorder *recorder = NULL;
        assert_int_equal(recorder_open(dir, LIMIT_RECORD_BYTES, &recorder, NULL), 0);
        assert_true(recorder_wants_snapshot(recorder));
        assert_int_equal(append(recorder, n, NULL), 0);
        assert_false(recorder_wants_snapshot(recorder));
        recorder_free(recorder);
    }
    struct read_back read = read_all(dir);
    assert_int_equal(read.count, 2 * RECORDER_FILES_MAX);
    assert_int_equal(read.last, RECORDER_FILES_MAX + 10);
}

static void test_a_torn_last_line_is_passed_over_and_other_garbage_named(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    struct recorder *recorder = NULL;
    assert_int_equal(recorder_open(dir, LIMIT_RECORD_BYTES, &recorder, NULL), 0);
    assert_int_equal(append(recorder, 1, NULL), 0);
    recorder_free(recorder);
    free(fixture_run(f, "printf '{\"n\":2' >> ../record/record-000001.jsonl"));
    assert_int_equal(recorder_open(dir, LIMIT_RECORD_BYTES, &recorder, NULL), 0);
    assert_int_equal(append(recorder, 3, NULL), 0);
    recorder_free(recorder);
    struct read_back read = read_all(dir);
    assert_int_equal(read.count, 4);
    assert_int_equal(read.last, 3);
    free(fixture_run(f, "printf '\\n{}\\n' >> ../record/record-000001.jsonl"));
    struct recorder_visitor visitor = {.on_event = on_event, .data = &read};
    struct error err = ERROR_INIT;
    assert_int_equal(recorder_read(dir, &visitor, &err), ERROR_INVALID);
    assert_non_null(strstr(err.message, "record-000001.jsonl:3"));
    assert_int_equal(recorder_read("/nowhere", &visitor, &err), ERROR_NOT_FOUND);
}

static json_t *large(const char *member, size_t len)
{
    char *text CLEANUP_FREE = memory_alloc(len + 1);
    memset(text, 'x', len);
    text[len] = '\0';
    return json_pack("{s:{s:s}, s:i}", member, "text", text, "n", 0);
}

static int append_large(struct recorder *recorder, const char *member, size_t len, struct error *err)
{
    json_t *json = large(member, len);
    int status = recorder_append(recorder, json, err);
    json_decref(json);
    return status;
}

static void test_an_event_too_large_is_a_gap_that_is_told(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    char *second CLEANUP_FREE = memory_printf("%s/record-000002.jsonl", dir);
    struct recorder *recorder = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(recorder_open(dir, RING_BYTES, &recorder, NULL), 0);
    assert_int_equal(append(recorder, 1, NULL), 0);
    assert_int_equal(append_large(recorder, "event", RING_BYTES, &err), ERROR_LIMIT);
    assert_non_null(strstr(err.message, "LIMIT_RECORD_BYTES"));
    assert_true(recorder_wants_snapshot(recorder));
    assert_int_equal(append(recorder, 2, NULL), 0);
    recorder_free(recorder);
    struct read_back read = read_all(dir);
    assert_int_equal(read.gaps, 1);
    assert_int_equal(read.count, 4);
    /* Who does not want to know of gaps is not led over one; what follows can be read by itself. */
    struct recorder_visitor deaf = {.on_event = on_event, .data = &read};
    assert_int_equal(recorder_read(dir, &deaf, &err), ERROR_INVALID);
    assert_non_null(strstr(err.message, "gap before"));
    assert_non_null(strstr(err.message, "record-000002.jsonl"));
    read = (struct read_back){0};
    assert_int_equal(recorder_read(second, &deaf, &err), 0);
    assert_int_equal(read.count, 2);
    assert_true(read.starts_with_snapshot);
}

static long bytes_of_ring(struct fixture *f, struct recorder *recorder)
{
    assert_int_equal(recorder_flush(recorder, NULL), 0);
    char *out CLEANUP_FREE = fixture_run(f, "cat ../record/*.jsonl | wc -c");
    return strtol(out, NULL, 10);
}

/* Larger than a segment, and yet in the ring. */
static void test_a_large_event_and_a_large_snapshot_are_kept(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    struct recorder *recorder = NULL;
    assert_int_equal(recorder_open(dir, RING_BYTES, &recorder, NULL), 0);
    for (int n = 1; n <= 100; n++)
        assert_int_equal(append(recorder, n, NULL), 0);
    int asked = 0;
    for (int n = 1; n <= 100; n++) {
        if (recorder_wants_snapshot(recorder)) {
            asked++;
            assert_int_equal(append_large(recorder, "snapshot", RING_BYTES / 4, NULL), 0);
        }
        assert_int_equal(append_large(recorder, "event", 20, NULL), 0);
    }
    assert_in_range(asked, 1, 6); /* one for each segment of events */
    assert_int_equal(append_large(recorder, "event", RING_BYTES / 3, NULL), 0);
    recorder_free(recorder);
    assert_int_equal(read_all(dir).gaps, 0);
    char *out = fixture_run(f, "cat ../record/*.jsonl | wc -c");
    assert_in_range(strtol(out, NULL, 10), RING_BYTES / 4, RING_BYTES);
    free(out);
}

/* With as much of events it would not fit in the ring. */
static void test_a_snapshot_of_nearly_half_the_ring_costs_no_event(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    struct recorder *recorder = NULL;
    assert_int_equal(recorder_open(dir, RING_BYTES, &recorder, NULL), 0);
    int asked = 0;
    for (int n = 1; n <= 800; n++) { /* of about 40 bytes: 32 segments */
        if (recorder_wants_snapshot(recorder)) {
            asked++;
            assert_int_equal(append_large(recorder, "snapshot", RING_BYTES * 15 / 32, NULL), 0);
        }
        assert_int_equal(append_large(recorder, "event", 10, NULL), 0);
        if (n % 10 == 0)
            assert_in_range(bytes_of_ring(f, recorder), 0, RING_BYTES);
    }
    assert_in_range(asked, 8, 13); /* once in three eighths of the ring */
    assert_int_equal(append_large(recorder, "event", RING_BYTES * 15 / 32, NULL), 0);
    assert_int_equal(append(recorder, 801, NULL), 0);
    assert_in_range(bytes_of_ring(f, recorder), 0, RING_BYTES);
    recorder_free(recorder);
    struct read_back read = read_all(dir);
    assert_int_equal(read.gaps, 0);
    assert_int_equal(read.last, 801);
}

/* Held however the sizes go together. */
static void test_snapshots_of_any_size_hold_the_bound(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    struct recorder *recorder = NULL;
    assert_int_equal(recorder_open(dir, RING_BYTES, &recorder, NULL), 0);
    for (int n = 0; n < 600; n++) {
        if (recorder_wants_snapshot(recorder))
            assert_int_equal(
                append_large(recorder, "snapshot", (size_t)(n * 97 % (RING_BYTES * 15 / 32)), NULL), 0);
        assert_int_equal(append_large(recorder, "event", n % 50 ? 60 : (size_t)(n * 5), NULL), 0);
        if (n % 5 == 0)
            assert_in_range(bytes_of_ring(f, recorder), 0, RING_BYTES);
    }
    recorder_free(recorder);
    assert_int_equal(read_all(dir).gaps, 0);
}

/* The oldest segment is deleted whole: lines of one snapshot in two segments would be half a snapshot. */
static void test_the_lines_of_a_snapshot_head_one_segment(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    struct recorder *recorder = NULL;
    assert_int_equal(recorder_open(dir, RING_BYTES, &recorder, NULL), 0);
    assert_int_equal(append_large(recorder, "event", 20, NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(append_large(recorder, "snapshot", RING_BYTES / 20, NULL), 0);
    assert_int_equal(append_large(recorder, "event", 20, NULL), 0);
    recorder_free(recorder);
    char *out CLEANUP_FREE =
        fixture_run(f, "cd ../record && grep -c snapshot *.jsonl && head -qn 1 *.jsonl | cut -c 3-10");
    assert_string_equal(out, "record-000001.jsonl:0\nrecord-000002.jsonl:3\nevent\":{\nsnapshot\n");
}

static void test_a_snapshot_too_large_is_asked_for_seldom(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    struct recorder *recorder = NULL;
    assert_int_equal(recorder_open(dir, RING_BYTES, &recorder, NULL), 0);
    assert_int_equal(append(recorder, 0, NULL), 0);
    int asked = 0;
    for (int n = 1; n <= 800; n++) { /* of about 40 bytes: 32 segments */
        if (recorder_wants_snapshot(recorder)) {
            asked++;
            assert_int_equal(append_large(recorder, "snapshot", RING_BYTES, NULL), ERROR_LIMIT);
            assert_false(recorder_wants_snapshot(recorder));
        }
        assert_int_equal(append_large(recorder, "event", 10, NULL), 0);
    }
    recorder_free(recorder);
    assert_in_range(asked, 3, 5); /* once in RECORDER_SEGMENTS */
    struct read_back read = read_all(dir);
    assert_int_equal(read.gaps, 0); /* what follows the first one is whole */
}

/* A write fails in the middle of a line; once there is room again, recording starts over with a snapshot. */
static void test_a_full_disk_starts_a_new_segment(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    pid_t child = fork();
    if (child == 0) {
        struct recorder *recorder = NULL;
        struct rlimit limit = {100, RLIM_INFINITY};
        signal(SIGXFSZ, SIG_IGN);
        bool good = recorder_open(dir, LIMIT_RECORD_BYTES, &recorder, NULL) == 0;
        setrlimit(RLIMIT_FSIZE, &limit);
        for (int n = 1; n <= 10 && good; n++)
            good = append(recorder, n, NULL) == 0;
        good = good && recorder_flush(recorder, NULL) == ERROR_IO && recorder_wants_snapshot(recorder);
        limit.rlim_cur = RLIM_INFINITY;
        setrlimit(RLIMIT_FSIZE, &limit);
        good = good && append(recorder, 11, NULL) == 0;
        recorder_free(recorder);
        _exit(good ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(read_all(dir).last, 11);
    assert_int_equal(read_all(dir).gaps, 1);
}

/* However long the disk stays full, few snapshots are asked for, and what was recorded before stays. */
static void test_a_disk_that_stays_full_costs_little(void **state)
{
    struct fixture *f = *state;
    char *dir CLEANUP_FREE = memory_printf("%s/record", f->dir);
    pid_t child = fork();
    if (child == 0) {
        struct recorder *recorder = NULL;
        struct rlimit limit = {0, RLIM_INFINITY};
        signal(SIGXFSZ, SIG_IGN);
        bool good = recorder_open(dir, LIMIT_RECORD_BYTES, &recorder, NULL) == 0;
        for (int n = 1; n <= 10; n++)
            good = good && append(recorder, n, NULL) == 0;
        good = good && recorder_flush(recorder, NULL) == 0;
        setrlimit(RLIMIT_FSIZE, &limit);
        int asked = 0;
        for (int n = 0; n < 20000; n++) {
            asked += recorder_wants_snapshot(recorder);
            append(recorder, n, NULL);
            recorder_flush(recorder, NULL);
        }
        limit.rlim_cur = RLIM_INFINITY;
        setrlimit(RLIMIT_FSIZE, &limit);
        for (int n = 0; n <= RECORDER_PAUSE_MAX; n++)
            append(recorder, 20001, NULL);
        recorder_free(recorder);
        _exit(good && asked < 40 ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    struct read_back read = read_all(dir);
    assert_int_equal(read.first, 1);
    assert_int_equal(read.last, 20001);
    assert_int_equal(read.gaps, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_events_come_back),
        TEST(test_the_ring_is_bounded),
        TEST(test_every_start_is_a_segment_and_old_ones_go),
        TEST(test_a_torn_last_line_is_passed_over_and_other_garbage_named),
        TEST(test_an_event_too_large_is_a_gap_that_is_told),
        TEST(test_a_large_event_and_a_large_snapshot_are_kept),
        TEST(test_a_snapshot_of_nearly_half_the_ring_costs_no_event),
        TEST(test_snapshots_of_any_size_hold_the_bound),
        TEST(test_the_lines_of_a_snapshot_head_one_segment),
        TEST(test_a_snapshot_too_large_is_asked_for_seldom),
        TEST(test_a_full_disk_starts_a_new_segment),
        TEST(test_a_disk_that_stays_full_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
