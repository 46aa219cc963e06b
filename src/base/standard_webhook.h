/* Signatures of Standard Webhooks 1.0, which prove with the body its id and the time of the sending:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
#pragma once

#include "base/digest.h"

#include <stddef.h>

#define STANDARD_WEBHOOK_VERSION "v1,"

struct standard_webhook {
    const char *id;        /* header webhook-id */
    const char *timestamp; /* header webhook-timestamp: seconds since the epoch */
    const char *body;
    size_t len;
};

/* The key of a secret "whsec_<base64>" is what it decodes to; any other secret is a key as it stands. Caller
 * wipes. */
char *standard_webhook_key(const char *secret, size_t *ret_len);
/* HMAC-SHA-256 of "<id>.<timestamp>.<body>". */
struct digest standard_webhook_sign(const struct standard_webhook *webhook, const char *secret);
/* For the header webhook-signature: "v1,<base64>". Caller frees. */
char *standard_webhook_signature(const struct standard_webhook *webhook, const char *secret);
