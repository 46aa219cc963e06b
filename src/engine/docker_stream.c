#include "base/text.h"
#include "engine/docker_decode.h"
#include "model/image.h"
#include "model/json.h"

#include <assert.h>
#include <string.h>

void docker_lines_deinit(struct docker_lines *lines)
{
    buffer_deinit(&lines->rest);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r")] == '\0';
}

int docker_lines_next(struct docker_lines *lines, const char **bytes, size_t *len, json_t **ret_json,
                      struct error *err)
{
    for (;;) {
        const char *end = memchr(*bytes, '\n', *len);
        size_t taken = end ? (size_t)(end - *bytes) : *len;
        if (buffer_append(&lines->rest, *bytes, taken) < 0)
            return error_set(err, ERROR_LIMIT,
                             "a line of the engine's stream is longer than LIMIT_ENGINE_EVENT_BYTES (%d)",
                             LIMIT_ENGINE_EVENT_BYTES);
        *bytes += taken + (end != NULL);
        *len -= taken + (end != NULL);
        if (!end)
            return 0;
        if (is_blank(buffer_str(&lines->rest))) {
            buffer_clear(&lines->rest);
            continue;
        }
        int r = docker_decode_json(buffer_str(&lines->rest), lines->rest.len, ret_json, err);
        buffer_clear(&lines->rest);
        return r < 0 ? r : 1;
    }
}

static int begin_frame(struct docker_frames *frames, struct error *err)
{
    const unsigned char *header = frames->header;
    frames->header_len = 0;
    if (header[0] > ENGINE_STDERR || header[1] || header[2] || header[3])
        return error_set(err, ERROR_PROTOCOL,
                         "the engine's output stream has a malformed frame (%02x%02x%02x%02x)", header[0],
                         header[1], header[2], header[3]);
    frames->stream = header[0] == ENGINE_STDERR ? ENGINE_STDERR : ENGINE_STDOUT;
    frames->payload_left =
        (size_t)header[4] << 24 | (size_t)header[5] << 16 | (size_t)header[6] << 8 | header[7];
    return 0;
}

int docker_frames_next(struct docker_frames *frames, const char **bytes, size_t *len,
                       struct docker_chunk *ret_chunk, struct error *err)
{
    while (*len) {
        if (frames->payload_left) {
            size_t taken = frames->payload_left < *len ? frames->payload_left : *len;
            *ret_chunk = (struct docker_chunk){frames->stream, *bytes, taken};
            *bytes += taken;
            *len -= taken;
            frames->payload_left -= taken;
            return 1;
        }
        frames->header[frames->header_len++] = (unsigned char)**bytes;
        (*bytes)++;
        (*len)--;
        if (frames->header_len == sizeof frames->header) {
            int r = begin_frame(frames, err);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

void docker_pull_deinit(struct docker_pull *pull)
{
    for (size_t i = 0; i < pull->layers.len; i++)
        free(pull->layers.items[i].id);
    vector_deinit(&pull->layers);
    free(pull->digest);
}

#define LAYERS_COUNTED 512 /* an image has 127 at most; the rest is not summed up */

static struct docker_layer *layer_of(struct docker_pull *pull, const char *id)
{
    for (size_t i = 0; i < pull->layers.len; i++)
        if (text_equal(pull->layers.items[i].id, id))
            return &pull->layers.items[i];
    if (pull->layers.len == LAYERS_COUNTED)
        return NULL;
    vector_push(&pull->layers, (struct docker_layer){.id = memory_strdup(id)});
    return &pull->layers.items[pull->layers.len - 1];
}

/* The engine sends no code inside of a stream, only words; nor does Docker where the stream has not begun
 * yet: what a registry says of the login is HTTP status 500, as one that is away. */
static const struct {
    const char *words;
    int code;
} pull_errors[] = {
    {"not found", ERROR_NOT_FOUND},
    {"manifest unknown", ERROR_NOT_FOUND},
    {"name unknown", ERROR_NOT_FOUND},
    {"no matching manifest", ERROR_NOT_FOUND}, /* of this architecture; Podman: */
    {"no image found", ERROR_NOT_FOUND},
    {"does not exist", ERROR_NOT_FOUND},
    {"unauthorized", ERROR_DENIED},
    {"denied", ERROR_DENIED},
    {"no basic auth credentials", ERROR_DENIED},
};

int docker_pull_error(const char *message, struct error *err)
{
    assert(message);
    for (size_t i = 0; i < ARRAY_LEN(pull_errors); i++)
        if (strcasestr(message, pull_errors[i].words))
            return error_set(err, pull_errors[i].code, "%s", message);
    return error_set(err, ERROR_INTERNAL, "%s", message);
}

/* Docker: "Digest: sha256:...", of the list where the tag is one for several platforms. */
static void note_digest(struct docker_pull *pull, const char *status)
{
    static const char words[] = "Digest: ";
    if (!text_starts_with(status, words) || !image_digest_is_valid(status + strlen(words)))
        return;
    free(pull->digest);
    pull->digest = memory_strdup(status + strlen(words));
}

#define LAYER_BYTES_MAX (1LL << 50) /* sums of LAYERS_COUNTED stay in range whatever an engine says */

static int64_t layer_bytes(const json_t *detail, const char *key)
{
    int64_t bytes = model_int(detail, key);
    return bytes < 0 ? 0 : bytes > LAYER_BYTES_MAX ? LAYER_BYTES_MAX : bytes;
}

int docker_pull_next(struct docker_pull *pull, const json_t *line, struct engine_progress *ret_progress,
                     struct error *err)
{
    assert(ret_progress);
    const char *message = model_string(json_object_get(line, "errorDetail"), "message");
    if (!message)
        message = model_string(line, "error");
    if (message)
        return docker_pull_error(message, err);
    const char *status = model_string(line, "status");
    const char *id = model_string(line, "id");
    const json_t *detail = json_object_get(line, "progressDetail");
    *ret_progress = (struct engine_progress){.status = status ? status : ""};
    note_digest(pull, ret_progress->status);
    struct docker_layer *layer = id && json_object_get(detail, "total") ? layer_of(pull, id) : NULL;
    /* Extraction counts the same bytes once more: only the transfer is told. */
    if (layer && text_equal(status, "Downloading")) {
        layer->current_bytes = layer_bytes(detail, "current");
        layer->total_bytes = layer_bytes(detail, "total");
    }
    for (size_t i = 0; i < pull->layers.len; i++) {
        bool complete = text_equal(pull->layers.items[i].id, id) && text_equal(status, "Download complete");
        if (complete)
            pull->layers.items[i].current_bytes = pull->layers.items[i].total_bytes;
        ret_progress->current_bytes += pull->layers.items[i].current_bytes;
        ret_progress->total_bytes += pull->layers.items[i].total_bytes;
    }
    return 0;
}
