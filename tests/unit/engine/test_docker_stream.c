#include "engine/docker_decode.h"

#include "unit.h"

#include <string.h>

static void test_lines_cut_anywhere(void **state)
{
    (void)state;
    const char *text = "{\"a\":1}\r\n\n{\"a\":2}\n{\"a\":3}";
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct docker_lines lines CLEANUP(docker_lines_deinit) = DOCKER_LINES_INIT;
        const char *parts[] = {text, text + cut};
        size_t lens[] = {cut, strlen(text) - cut};
        int seen = 0;
        for (int i = 0; i < 2; i++) {
            json_t *json;
            while (docker_lines_next(&lines, &parts[i], &lens[i], &json, NULL) == 1) {
                assert_int_equal(json_integer_value(json_object_get(json, "a")), ++seen);
                json_decref(json);
            }
        }
        assert_int_equal(seen, 2);
    }
}

static void test_lines_that_are_no_json_or_too_long(void **state)
{
    (void)state;
    struct docker_lines lines CLEANUP(docker_lines_deinit) = DOCKER_LINES_INIT;
    struct error err = ERROR_INIT;
    json_t *json;
    const char *text = "<html>\n";
    size_t len = strlen(text);
    assert_int_equal(docker_lines_next(&lines, &text, &len, &json, &err), ERROR_PROTOCOL);
    assert_non_null(strstr(err.message, "<html>"));
    size_t long_len = LIMIT_ENGINE_EVENT_BYTES + 1;
    char *long_text CLEANUP_FREE = memory_alloc(long_len);
    memset(long_text, ' ', long_len);
    text = long_text;
    assert_int_equal(docker_lines_next(&lines, &text, &long_len, &json, &err), ERROR_LIMIT);
    assert_non_null(strstr(err.message, "LIMIT_ENGINE_EVENT_BYTES"));
}

static void test_frames_cut_anywhere(void **state)
{
    (void)state;
    static const char bytes[] = "\1\0\0\0\0\0\0\2hi\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\3err";
    size_t total = sizeof bytes - 1;
    for (size_t cut = 0; cut <= total; cut++) {
        struct docker_frames frames = {0};
        const char *parts[] = {bytes, bytes + cut};
        size_t lens[] = {cut, total - cut};
        char out[3][8] = {{0}};
        for (int i = 0; i < 2; i++) {
            struct docker_chunk chunk;
            while (docker_frames_next(&frames, &parts[i], &lens[i], &chunk, NULL) == 1)
                strncat(out[chunk.stream], chunk.bytes, chunk.len);
        }
        assert_string_equal(out[ENGINE_STDOUT], "hi");
        assert_string_equal(out[ENGINE_STDERR], "err");
    }
}

static void test_frames_that_are_none(void **state)
{
    (void)state;
    struct docker_frames frames = {0};
    const char *text = "hello world";
    struct docker_chunk chunk;
    size_t len = strlen(text);
    assert_int_equal(docker_frames_next(&frames, &text, &len, &chunk, NULL), ERROR_PROTOCOL);
}

static int pull_line(struct docker_pull *pull, const char *text, struct engine_progress *progress,
                     struct error *err)
{
    json_t *json = json_loads(text, 0, NULL);
    int r = docker_pull_next(pull, json, progress, err);
    progress->status = NULL; /* borrowed from what goes now */
    json_decref(json);
    return r;
}

static void test_progress_is_summed_over_layers(void **state)
{
    (void)state;
    struct docker_pull pull CLEANUP(docker_pull_deinit) = {0};
    struct engine_progress progress;
#define LAYER(id, status, current, total)                                                                    \
    "{\"status\":\"" status "\",\"id\":\"" id "\",\"progressDetail\":{\"current\":" current                  \
    ",\"total\":" total "}}"
    assert_int_equal(
        pull_line(&pull, "{\"status\":\"Pulling from library/x\",\"id\":\"1\"}", &progress, NULL), 0);
    assert_int_equal(progress.total_bytes, 0);
    pull_line(&pull, LAYER("a", "Downloading", "10", "100"), &progress, NULL);
    pull_line(&pull, LAYER("b", "Downloading", "5", "50"), &progress, NULL);
    assert_int_equal(progress.current_bytes, 15);
    assert_int_equal(progress.total_bytes, 150);
    pull_line(&pull, "{\"status\":\"Download complete\",\"id\":\"a\",\"progressDetail\":{}}", &progress,
              NULL);
    assert_int_equal(progress.current_bytes, 105);
    pull_line(&pull, LAYER("a", "Extracting", "1", "100"), &progress, NULL);
    assert_int_equal(progress.current_bytes, 105);
    pull_line(&pull, LAYER("c", "Downloading", "9223372036854775807", "9223372036854775807"), &progress,
              NULL);
    pull_line(&pull, LAYER("d", "Downloading", "9223372036854775807", "-5"), &progress, NULL);
    assert_true(progress.total_bytes > 0);
}

static void test_an_error_in_the_stream_is_an_error(void **state)
{
    (void)state;
    struct docker_pull pull CLEANUP(docker_pull_deinit) = {0};
    struct engine_progress progress;
    struct error err = ERROR_INIT;
    assert_int_equal(pull_line(&pull, "{\"errorDetail\":{\"message\":\"disk full\"},\"error\":\"disk full\"}",
                               &progress, &err),
                     ERROR_INTERNAL);
    assert_string_equal(err.message, "disk full");
    static const struct {
        const char *line;
        int code;
    } cases[] = {
        {"{\"error\":\"manifest for x not found: manifest unknown\"}", ERROR_NOT_FOUND},
        {"{\"error\":\"name unknown: repository name not known to registry\"}", ERROR_NOT_FOUND},
        {"{\"error\":\"no matching manifest for linux/arm64/v8 in the manifest list entries\"}",
         ERROR_NOT_FOUND},
        {"{\"error\":\"no image found in image index for architecture arm64\"}", ERROR_NOT_FOUND},
        {"{\"error\":\"unauthorized: authentication required\"}", ERROR_DENIED},
        {"{\"error\":\"requested access to the resource is denied\"}", ERROR_DENIED},
        {"{\"error\":\"dial tcp 127.0.0.1:5000: connect: connection refused\"}", ERROR_INTERNAL},
        {"{\"error\":\"dial tcp: lookup registry.example on 127.0.0.53:53: no such host\"}", ERROR_INTERNAL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(pull_line(&pull, cases[i].line, &progress, &err), cases[i].code);
}

/* Of the list where a tag is one for several platforms: no guess among what the image is known by. */
static void test_pull_tells_what_the_tag_means(void **state)
{
    (void)state;
    static const char digest[] = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct docker_pull pull CLEANUP(docker_pull_deinit) = {0};
    struct engine_progress progress;
    pull_line(&pull, "{\"status\":\"Digest: sha256:12\"}", &progress, NULL);
    pull_line(&pull, "{\"status\":\"Digest: ../../x\"}", &progress, NULL);
    assert_null(pull.digest);
    char *line CLEANUP_FREE = memory_printf("{\"status\":\"Digest: %s\"}", digest);
    pull_line(&pull, line, &progress, NULL);
    pull_line(&pull, line, &progress, NULL);
    assert_string_equal(pull.digest, digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pull_tells_what_the_tag_means),
        cmocka_unit_test(test_lines_cut_anywhere),
        cmocka_unit_test(test_lines_that_are_no_json_or_too_long),
        cmocka_unit_test(test_frames_cut_anywhere),
        cmocka_unit_test(test_frames_that_are_none),
        cmocka_unit_test(test_progress_is_summed_over_layers),
        cmocka_unit_test(test_an_error_in_the_stream_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
