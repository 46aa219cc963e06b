#include "base/digest.h"

#include "base/error.h"
#include "base/json_text.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

struct digest digest_of_bytes(const void *data, size_t len)
{
    assert(data || len == 0);
    struct digest out;
    crypto_hash_sha256(out.bytes, data, len);
    return out;
}

static void feed(void *data, const char *piece, size_t len)
{
    crypto_hash_sha256_update(data, (const unsigned char *)piece, len);
}

struct digest digest_of_json(const json_t *value)
{
    assert(value);
    crypto_hash_sha256_state state;
    struct digest out;
    crypto_hash_sha256_init(&state);
    json_text_write(value, true, &(struct json_text_sink){feed, &state});
    crypto_hash_sha256_final(&state, out.bytes);
    return out;
}

struct digest digest_combine(const struct digest *a, const struct digest *b)
{
    assert(a);
    assert(b);
    struct digest both[2] = {*a, *b};
    return digest_of_bytes(both, sizeof both);
}

struct digest digest_hmac(const struct digest_part *key, const struct digest_part *parts, size_t parts_len)
{
    assert(key && parts);
    crypto_auth_hmacsha256_state state;
    struct digest out;
    crypto_auth_hmacsha256_init(&state, key->data, key->len);
    for (size_t i = 0; i < parts_len; i++)
        crypto_auth_hmacsha256_update(&state, parts[i].data, parts[i].len);
    crypto_auth_hmacsha256_final(&state, out.bytes);
    sodium_memzero(&state, sizeof state); /* it is as good as the key */
    return out;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    assert(a);
    assert(b);
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool digest_equal_constant_time(const struct digest *a, const struct digest *b)
{
    assert(a);
    assert(b);
    return sodium_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool digest_is_zero(const struct digest *digest)
{
    static const struct digest zero;
    return digest_equal(digest, &zero);
}

void digest_to_hex(const struct digest *digest, char ret_hex[static DIGEST_HEX_SIZE])
{
    assert(digest);
    sodium_bin2hex(ret_hex, DIGEST_HEX_SIZE, digest->bytes, sizeof digest->bytes);
}

int digest_from_hex(const char *hex, struct digest *ret_digest)
{
    assert(hex);
    assert(ret_digest);
    struct digest out;
    size_t len = 0;
    if (strlen(hex) != 64 || sodium_hex2bin(out.bytes, sizeof out.bytes, hex, 64, NULL, &len, NULL) != 0 ||
        len != 32)
        return ERROR_INVALID;
    *ret_digest = out;
    return 0;
}

static void draw(struct id_source *ids, uint8_t out[static 16])
{
    uint64_t in[2] = {ids->seed, ids->drawn++};
    crypto_generichash(out, 16, (const unsigned char *)in, sizeof in, NULL, 0);
}

void id_draw_hex(struct id_source *ids, char ret_id[static ID_HEX_SIZE])
{
    assert(ids);
    uint8_t raw[16];
    draw(ids, raw);
    sodium_bin2hex(ret_id, ID_HEX_SIZE, raw, sizeof raw);
}

uint64_t id_draw_number(struct id_source *ids)
{
    assert(ids);
    uint8_t raw[16];
    uint64_t number;
    draw(ids, raw);
    memcpy(&number, raw, sizeof number);
    return 1000000000000000000ULL + number % 8000000000000000000ULL;
}
