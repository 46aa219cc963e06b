#include "base/standard_webhook.h"

#include "base/base64.h"
#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define KEY_PREFIX "whsec_"

char *standard_webhook_key(const char *secret, size_t *ret_len)
{
    assert(secret && ret_len);
    char *key = NULL;
    if (text_starts_with(secret, KEY_PREFIX) &&
        base64_decode(secret + strlen(KEY_PREFIX), &key, ret_len) == 0)
        return key;
    *ret_len = strlen(secret);
    return memory_strdup(secret);
}

struct digest standard_webhook_sign(const struct standard_webhook *webhook, const char *secret)
{
    assert(webhook && webhook->id && webhook->timestamp && webhook->body && secret);
    size_t key_len;
    char *bytes = standard_webhook_key(secret, &key_len);
    const struct digest_part key = {bytes, key_len};
    const struct digest_part parts[] = {{webhook->id, strlen(webhook->id)},
                                        {".", 1},
                                        {webhook->timestamp, strlen(webhook->timestamp)},
                                        {".", 1},
                                        {webhook->body, webhook->len}};
    struct digest digest = digest_hmac(&key, parts, ARRAY_LEN(parts));
    explicit_bzero(bytes, key_len);
    free(bytes);
    return digest;
}

char *standard_webhook_signature(const struct standard_webhook *webhook, const char *secret)
{
    struct digest digest = standard_webhook_sign(webhook, secret);
    char *encoded CLEANUP_FREE = base64_encode(digest.bytes, sizeof digest.bytes);
    return memory_printf(STANDARD_WEBHOOK_VERSION "%s", encoded);
}
