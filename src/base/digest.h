/* SHA-256 of bytes and of canonical JSON, with a key too, and ids that are drawn from an event's seed. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_HEX_SIZE 65 /* with the NUL */

struct digest {
    uint8_t bytes[32];
};

struct digest digest_of_bytes(const void *data, size_t len);
/* Members sorted, no white space: equal values give equal digests whatever their spelling. */
struct digest digest_of_json(const json_t *value);
/* The digest of two digests in order. */
struct digest digest_combine(const struct digest *a, const struct digest *b);

struct digest_part {
    const void *data;
    size_t len;
};
/* HMAC-SHA256 (RFC 2104) of the parts, one after the other. */
struct digest digest_hmac(const struct digest_part *key, const struct digest_part *parts, size_t parts_len);

bool digest_equal(const struct digest *a, const struct digest *b);
/* Takes the same time wherever they differ: for what a stranger sends, and may send again. */
bool digest_equal_constant_time(const struct digest *a, const struct digest *b);
bool digest_is_zero(const struct digest *digest);
void digest_to_hex(const struct digest *digest, char ret_hex[static DIGEST_HEX_SIZE]);
/* ERROR_INVALID unless it is 64 hex digits. */
int digest_from_hex(const char *hex, struct digest *ret_digest);

/* Ids for one step of the core: the same seed draws the same ids, so that a replay is exact. */
struct id_source {
    uint64_t seed;
    uint64_t drawn;
};

#define ID_HEX_SIZE 33 /* 32 lower-case hex digits as in an ECS task id, and the NUL */

void id_draw_hex(struct id_source *ids, char ret_id[static ID_HEX_SIZE]);
/* A 19-digit number, as in ECS's deployment id "ecs-svc/9015413324295259653". */
uint64_t id_draw_number(struct id_source *ids);
