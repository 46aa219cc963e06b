/* How a message is told to each kind of receiver: a value in, an HTTP request out.
 *
 *  kind      | request                                                | token            | documented at
 *  ----------|--------------------------------------------------------|------------------|---------------
 *  github    | POST /repos/OWNER/REPO/statuses/SHA                     | Bearer           | [1]
 *  gitlab    | POST /projects/ID/statuses/SHA                          | PRIVATE-TOKEN    | [2]
 *  gitea     | POST /repos/OWNER/REPO/statuses/SHA                     | token            | [3]
 *  bitbucket | POST /repositories/SPACE/REPO/commit/SHA/statuses/build | Bearer, or Basic | [4]
 *            |                                                        | for "user:token" |
 *  webhook   | POST URL, EventBridge's envelope                        | signed, [5]      |
 *  slack     | POST URL, {"text": ...}                                 | in the URL       | [6]
 *
 *  state      | github, gitea    | gitlab   | bitbucket
 *  -----------|------------------|----------|-----------
 *  pending    | pending          | pending  | INPROGRESS
 *  success    | success          | success  | SUCCESSFUL
 *  failure    | failure          | failed   | FAILED
 *  superseded | error; "warning" | canceled | STOPPED
 *             | of Gitea         |          |
 *
 * What was superseded neither succeeded nor failed: each forge's word that is nearest to that. GitHub has
 * none but `error`, which a required check does not take for a success either.
 *
 * [1] https://docs.github.com/rest/commits/statuses [2] https://docs.gitlab.com/api/commits/
 * [3] /api/swagger of a Gitea or Forgejo
 * [4] https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/
 * [5] Standard Webhooks 1.0, see base/standard_webhook.h: webhook-id is the envelope's id, the same for each
 *     try, webhook-timestamp the time of the try in seconds, and webhook-signature proves both with the body:
 *     who refuses an old time, and ids that it has seen, is safe from replays. X-Davit-Signature-256:
 *     sha256=HEX is the HMAC-SHA-256 of the body alone, as GitHub signs its webhooks, for who checks that.
 * [6] https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 */
#pragma once

#include "base/vector.h"
#include "report/message.h"
#include "report/target.h"

#define REPORT_TEXT_CHARS 140 /* GitHub's bound of a description; the others allow more */

struct report_request {
    char *base;                /* URL up to the host and what stands before `path` */
    char *path;                /* percent-encoded */
    struct string_vec headers; /* NULL at the end */
    char *body;
};

struct report_secrets {
    const char *url;    /* of url_file, or NULL */
    const char *token;  /* of token_file, or NULL */
    const char *signer; /* of secret_file, or NULL */
};

/* Whether the target takes such a message. */
bool report_request_fits(const struct report_target *target, const struct report_message *message);
/* The caller deinits. ERROR_INVALID: a secret has a character that no header may have, or would be sent where
 * anybody can read it; never says the secret. */
int report_request_make(const struct report_target *target, const struct report_message *message,
                        const struct report_secrets *secrets, int64_t now_ms,
                        struct report_request *ret_request);
void report_request_deinit(struct report_request *request);
/* At most `chars` characters of it, the last an ellipsis where something was cut. Caller frees. */
char *report_shorten(const char *text, size_t chars);
