/* What engines answer, as values. Pure: bytes and JSON in, values or an error out. */
#pragma once

#include "base/buffer.h"
#include "base/vector.h"
#include "engine/engine.h"

/* --- API versions --------------------------------------------------------------------------------------- */

#define DOCKER_API_MIN "1.24"
#define DOCKER_API_MAX "1.47"

/* Of GET /version: the highest version that both sides speak. ERROR_UNSUPPORTED names both ranges when there
 * is none, ERROR_PROTOCOL when it is no answer to /version. Strings of ret_version are the caller's. */
int docker_decode_version(const json_t *json, struct engine_version *ret_version, struct error *err);
void docker_version_deinit(struct engine_version *version);
/* Of GET /info and /version. */
int docker_decode_info(const json_t *info, const struct engine_version *version,
                       struct instance_info *ret_info, struct error *err);

/* --- containers ----------------------------------------------------------------------------------------- */

/* Of GET /containers/{id}/json. ERROR_NOT_FOUND when it is not davit's, ERROR_INVALID when its labels cannot
 * be read, ERROR_PROTOCOL when it is no inspection. */
int docker_decode_container(const json_t *json, struct container **ret_container, struct error *err);
/* Of an entry of GET /containers/json, where the inspection failed with `cause`; see engine.h, list. Errors
 * as above. */
int docker_decode_entry(const json_t *entry, const struct error *cause, struct container **ret_container,
                        struct error *err);
/* Ids of GET /containers/json. */
int docker_decode_ids(const json_t *json, struct string_vec *ret_ids, struct error *err);

/* --- errors --------------------------------------------------------------------------------------------- */

/* A status that is no success: its code, with the engine's own message where the body has one. */
int docker_decode_failure(int status, const char *body, size_t len, struct error *err);
/* Parses a body; ERROR_PROTOCOL quotes how it begins. Caller decrefs. */
int docker_decode_json(const char *body, size_t len, json_t **ret_json, struct error *err);

/* --- streams -------------------------------------------------------------------------------------------- */

/* JSON documents, one a line. */
struct docker_lines {
    struct buffer rest; /* an unfinished line */
};

#define DOCKER_LINES_INIT ((struct docker_lines){BUFFER_INIT(LIMIT_ENGINE_EVENT_BYTES)})

/* Takes the next whole line out of `bytes` (moved on past it). 1: *ret_json is the caller's; 0: no whole line
 * is left; ERROR_LIMIT, ERROR_PROTOCOL. */
int docker_lines_next(struct docker_lines *lines, const char **bytes, size_t *len, json_t **ret_json,
                      struct error *err);
void docker_lines_deinit(struct docker_lines *lines);

/* Output of containers without a terminal: frames of 8 bytes header and a payload. */
struct docker_frames {
    unsigned char header[8];
    size_t header_len;
    size_t payload_left;
    enum engine_stream stream;
};

/* A piece of output. Points into the bytes it was taken from. */
struct docker_chunk {
    enum engine_stream stream;
    const char *bytes;
    size_t len;
};

/* The next piece of payload. 1: there is one; 0: the bytes are used up; ERROR_PROTOCOL. */
int docker_frames_next(struct docker_frames *frames, const char **bytes, size_t *len,
                       struct docker_chunk *ret_chunk, struct error *err);

struct docker_layer {
    char *id;
    int64_t current_bytes;
    int64_t total_bytes;
};
struct docker_layer_vec VECTOR_OF(struct docker_layer);

/* What a pull has brought, layer by layer. */
struct docker_pull {
    struct docker_layer_vec layers;
    char *digest; /* what the tag means; NULL: the engine has not said so (yet) */
};

void docker_pull_deinit(struct docker_pull *pull);
/* Why a pull failed, by the engine's words: ERROR_NOT_FOUND, ERROR_DENIED or ERROR_INTERNAL. */
int docker_pull_error(const char *message, struct error *err);
/* One document of the stream. An error in it is returned, by docker_pull_error(). The status is borrowed from
 * the document. */
int docker_pull_next(struct docker_pull *pull, const json_t *line, struct engine_progress *ret_progress,
                     struct error *err);
