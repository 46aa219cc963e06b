#include "api/webhook.h"

#include "base/base64.h"
#include "base/digest.h"
#include "base/standard_webhook.h"
#include "base/text.h"
#include "base/wipe.h"

#include <assert.h>
#include <string.h>

struct scheme {
    const char *header;
    const char *prefix;  /* of the value; NULL: none */
    const char *ignored; /* a value that begins so is as if it were absent; NULL: none */
    bool (*is_right)(const struct scheme *scheme, const struct webhook_request *request, const char *value,
                     const char *secret);
};

/* Lower-case digits, 64 of them and nothing else. */
static bool is_hex_hmac(const struct scheme *scheme, const struct webhook_request *request, const char *value,
                        const char *secret)
{
    const char *prefix = scheme->prefix ? scheme->prefix : "";
    if (!text_starts_with(value, prefix))
        return false;
    const char *hex = value + strlen(prefix);
    struct digest given;
    if (hex[strspn(hex, "0123456789abcdef")] || digest_from_hex(hex, &given) < 0)
        return false;
    const struct digest_part key = {secret, strlen(secret)};
    const struct digest_part body = {request->body, request->len};
    struct digest wanted = digest_hmac(&key, &body, 1);
    return digest_equal_constant_time(&given, &wanted);
}

/* By their digests: neither the length nor a common beginning shows in the time it takes. */
static bool is_token(const struct scheme *scheme, const struct webhook_request *request, const char *value,
                     const char *secret)
{
    (void)scheme;
    (void)request;
    struct digest given = digest_of_bytes(value, strlen(value));
    struct digest wanted = digest_of_bytes(secret, strlen(secret));
    return digest_equal_constant_time(&given, &wanted);
}

/* Of one entry, "v1,<base64>". */
static bool is_entry(const char *entry, size_t len, const struct digest *wanted)
{
    struct digest given;
    char *bytes CLEANUP_FREE = NULL;
    size_t bytes_len = 0;
    char *text CLEANUP_FREE = memory_strndup(entry, len);
    if (!text_starts_with(text, STANDARD_WEBHOOK_VERSION) ||
        base64_decode(text + strlen(STANDARD_WEBHOOK_VERSION), &bytes, &bytes_len) < 0 ||
        bytes_len != sizeof given.bytes)
        return false;
    memcpy(given.bytes, bytes, sizeof given.bytes);
    return digest_equal_constant_time(&given, wanted);
}

static bool is_standard(const struct scheme *scheme, const struct webhook_request *request, const char *value,
                        const char *secret)
{
    const char *id;
    const char *timestamp;
    (void)scheme;
    if (request->headers(request->data, "webhook-id", &id) != 1 ||
        request->headers(request->data, "webhook-timestamp", &timestamp) != 1 ||
        timestamp[strspn(timestamp, "0123456789")]) /* where it ends and the body begins is beyond doubt */
        return false;
    struct digest wanted =
        standard_webhook_sign(&(struct standard_webhook){id, timestamp, request->body, request->len}, secret);
    bool found = false;
    for (const char *at = value; *at;) {
        size_t len = strcspn(at, " ");
        found |= is_entry(at, len, &wanted);
        at += len + (at[len] == ' ');
    }
    return found;
}

static const struct scheme schemes[] = {
    {"X-Hub-Signature-256", "sha256=", NULL, is_hex_hmac},
    {"X-Hub-Signature", "sha256=", "sha1=", is_hex_hmac},
    {"X-Gitea-Signature", NULL, NULL, is_hex_hmac},
    {"X-Forgejo-Signature", NULL, NULL, is_hex_hmac},
    {"X-Gogs-Signature", NULL, NULL, is_hex_hmac},
    {"X-Signature", "sha256=", NULL, is_hex_hmac},
    {"webhook-signature", NULL, NULL, is_standard},
    {"X-Gitlab-Token", NULL, NULL, is_token},
};

int webhook_check_secret(const char *secret, struct error *err)
{
    assert(secret);
    size_t len;
    char *key = standard_webhook_key(secret, &len);
    explicit_bzero(key, len);
    free(key);
    if (len >= WEBHOOK_SECRET_MIN_BYTES)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "the secret has %zu bytes, at least %d are wanted: openssl rand -hex 32 makes one", len,
                     WEBHOOK_SECRET_MIN_BYTES);
}

int webhook_authenticate(const struct webhook_request *request, const char *secret, struct error *err)
{
    assert(request && secret);
    unsigned right = 0;
    int r = webhook_check_secret(secret, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        const char *value;
        unsigned count = request->headers(request->data, schemes[i].header, &value);
        if (count > 1)
            return error_set(err, ERROR_DENIED, "%s is there %u times", schemes[i].header, count);
        if (!count || (schemes[i].ignored && text_starts_with(value, schemes[i].ignored)))
            continue;
        if (!schemes[i].is_right(&schemes[i], request, value, secret))
            return error_set(err, ERROR_DENIED, "%s is wrong: it is of another secret or another body",
                             schemes[i].header);
        right++;
    }
    if (!right)
        return error_set(err, ERROR_DENIED, "no header has a signature: has the webhook a secret?");
    return 0;
}
