/* Webhooks of forges: POST /v1/webhook, answered by a server of its own, so that the API need not be exposed.
 *
 * A webhook says "look again" and nothing more. What is deployed comes from the source alone, so a request is
 * trusted with no more than a look: a replayed one costs a look that finds nothing new, and neither a nonce
 * nor a clock is asked. The repository that it names only says which of several sources to look at, and the
 * branch whether to look at all.
 *
 * A request is authenticated by what its headers say of its raw body, by the one secret, and by nothing else.
 * Every header of the table that is there has to be right, and one has to be there: a wrong signature is not
 * saved by a right token. Where a header has no source of its own here, the forge's page "webhooks" has it.
 *
 *  header              | value                         | sent by
 *  --------------------|-------------------------------|------------------------------------------------------
 *  X-Hub-Signature-256 | sha256=<hex of HMAC-SHA256>   | GitHub ("Validating webhook deliveries"), Gitea,
 *                      |                               | Forgejo
 *  X-Hub-Signature     | likewise; sha1=... is as if   | Bitbucket Cloud and Data Center; GitHub, Gitea and
 *                      | it were absent                | Forgejo send SHA-1 beside the one above, for old
 *                      |                               | receivers
 *  X-Gitea-Signature   | <hex>                         | Gitea, Forgejo
 *  X-Forgejo-Signature | <hex>                         | Forgejo
 *  X-Gogs-Signature    | <hex>                         | Gogs, Gitea, Forgejo
 *  X-Signature         | sha256=<hex>                  | anybody, as Flux's generic-hmac takes it
 *  webhook-signature   | v1,<base64 of HMAC-SHA256 of  | GitLab's signing token (Standard Webhooks 1.0);
 *                      | "<id>.<timestamp>.<body>">    | one of several between blanks has to be right. The
 *                      |                               | key of "whsec_<base64>" is what it decodes to
 *  X-Gitlab-Token      | the secret                    | GitLab's secret token
 *
 * Hex digits are in lower case, as all of them send. The content type does not matter.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"
#include "http/server.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBHOOK_PATH             "/v1/webhook"
#define WEBHOOK_SECRET_MIN_BYTES 16

/* --- one request: pure ---------------------------------------------------------------------------------- */

struct webhook_request {
    const char *body; /* raw; ends in a NUL that len does not count */
    size_t len;
    /* How many headers of that name there are, the first in *ret_first (NULL without one). */
    unsigned (*headers)(const void *data, const char *name, const char **ret_first);
    const void *data;
};

/* ERROR_INVALID: too short to be a secret; the message has the remedy, and nothing of the secret. */
int webhook_check_secret(const char *secret, struct error *err);

/* ERROR_DENIED; the message is for the log, not for whoever sent it. */
int webhook_authenticate(const struct webhook_request *request, const char *secret, struct error *err);

/* What a genuine request says. */
struct webhook_push {
    json_t *payload; /* NULL: it was not understood */
    bool ping;
    struct string_vec repositories; /* addresses that it names, see webhook_address(); no two are equal */
};

void webhook_push_read(const struct webhook_request *request, struct webhook_push *ret_push);
void webhook_push_deinit(struct webhook_push *push);

/* "host/path" of a repository's URL or scp form, by which its other forms are known too: in lower case, as
 * forges do not tell names apart by it, without scheme, user, password, port, query and ".git". NULL where
 * there is no host: a path, file://. Caller frees. */
char *webhook_address(const char *url);

/* Whether it names the repository at `origin`. The addresses are those of the forges' payloads:
 *
 *  forge                   | members
 *  ------------------------|---------------------------------------------------------------------
 *  GitHub                  | repository: clone_url, ssh_url, git_url, html_url
 *  Gitea, Forgejo, Gogs    | repository: clone_url, ssh_url, html_url
 *  GitLab                  | project and repository: git_http_url, git_ssh_url, web_url
 *  Bitbucket Cloud         | repository.links.html.href
 *  Bitbucket Data Center   | repository.links.clone[].href, where there are some
 */
bool webhook_push_is_of(const struct webhook_push *push, const char *origin);

/* What a source looks at in its repository. */
struct webhook_followed {
    const char *branch; /* "main", or a full ref; NULL: not known yet */
    bool tags;          /* any of them: a tag may release what is on the branch */
};

/* Whether it asks for a look. Not a ping, and not a push (of GitLab also the event "tag push") that is known
 * to be of other refs:
 *
 *  forge                                | refs
 *  -------------------------------------|--------------------------------------------------
 *  GitHub, GitLab, Gitea, Forgejo, Gogs | ref: "refs/heads/main"
 *  Bitbucket Cloud                      | push.changes[]: new and old (null or {type, name})
 *  Bitbucket Data Center                | changes[].ref.id: "refs/heads/main"
 *
 * A body is JSON, or a form whose member payload is. In doubt it does. Where the remote's HEAD is followed,
 * the poll alone sees that it names another branch now. why (may be NULL) says what it is about otherwise. */
bool webhook_push_asks_for_look(const struct webhook_push *push, const struct webhook_followed *followed,
                                struct error *why);

/* --- the server's side ---------------------------------------------------------------------------------- */

/* What came in since the start. */
struct webhook_news {
    unsigned heard;      /* genuine ones */
    int64_t heard_at_ms; /* the last; since the epoch, 0: none */
    unsigned refused;    /* for want of a right signature, or of a secret to check it by */
    int64_t refused_at_ms;
    struct error refusal; /* why, the last */
};

struct webhook_report {
    const char *id; /* the answer has it as well */
    bool refused;
    bool looks;          /* a source is looked at */
    unsigned untold;     /* refusals before this one that were not reported, as there were too many */
    const char *message; /* why it is refused, what is looked at, why nothing is */
};

/* Borrowed until the callback's next call. */
struct webhook_source {
    const char *name;
    const char *origin; /* as configured */
    struct webhook_followed followed;
};

/* The secret is read anew for each request: a new one needs no restart, as with passwordFile of a source. */
struct webhook_options {
    void *data; /* handed to the callbacks; none may be NULL */
    int64_t (*now_ms)(void *data);
    int (*secret)(void *data, char **ret_secret, struct error *err); /* what is returned is wiped */
    size_t sources_len;
    struct webhook_source (*source)(void *data, size_t index);
    void (*look)(void *data, size_t index); /* at that source; whoever is called paces the looks */
    /* Refusals over LIMIT_WEBHOOK_REFUSALS a minute are not reported one by one. */
    void (*report)(void *data, const struct webhook_report *report);
};

struct webhook;

struct webhook *webhook_new(const struct webhook_options *options);
void webhook_free(struct webhook *webhook);
/* The handle of http_server_options, with the webhook as data. Looked at is, of the sources whose branch it
 * may be about, each whose repository is named; and where none is, each: a repository that was moved, or that
 * davit knows by another name than the forge does, is looked at too often rather than never.
 *
 *  202  genuine, a source is looked at        404, 405  another path, another method than POST
 *  200  genuine, nothing to look at           413       (the server) over LIMIT_API_REQUEST_BYTES
 *  401  not genuine, whatever the reason      503       the secret cannot be read
 *  429  likewise, and so were too many of the last minute
 *
 * Who signs rightly is answered as ever, however many do not; nor is anybody locked out by clients that hold
 * connections and send nothing, see http/server.h.
 */
void webhook_handle(void *webhook, struct http_exchange *exchange);
const struct webhook_news *webhook_get_news(const struct webhook *webhook);
