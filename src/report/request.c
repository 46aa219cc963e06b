#include "report/request.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "base/credential.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/standard_webhook.h"
#include "base/text.h"
#include "base/wipe.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT_BYTES       255 /* what databases of forges hold */
#define BITBUCKET_KEY_BYTES 40

void report_request_deinit(struct report_request *request)
{
    assert(request);
    wipe_free(request->base);
    wipe_free(request->path);
    for (size_t i = 0; i < request->headers.len; i++)
        wipe_free(request->headers.items[i]);
    vector_deinit(&request->headers);
    free(request->body);
    *request = (struct report_request){0};
}

bool report_request_fits(const struct report_target *target, const struct report_message *message)
{
    assert(target);
    assert(message);
    return report_kind_is_forge(target->kind) ? message->is_status
           : target->kind == REPORT_WEBHOOK   ? message->event != NULL
                                              : true;
}

char *report_shorten(const char *text, size_t chars)
{
    assert(text && chars > 0);
    size_t count = 0;
    const char *cut = text; /* behind chars - 1 of them */
    for (const char *c = text; *c; c++) {
        if (((unsigned char)*c & 0xc0U) == 0x80U)
            continue;
        if (count == chars - 1)
            cut = c;
        if (count++ == chars)
            return memory_printf("%.*s\xe2\x80\xa6", (int)(cut - text), text);
    }
    return memory_strdup(text);
}

/* One that is too long keeps its beginning, and what tells it from others. Caller frees. */
static char *fit_name(const char *name, size_t max_bytes)
{
    if (strlen(name) <= max_bytes)
        return memory_strdup(name);
    struct digest digest = digest_of_bytes(name, strlen(name));
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    char *head CLEANUP_FREE = memory_strndup(name, max_bytes - 13);
    text_mend_utf8(head);
    return memory_printf("%s-%.12s", head, hex);
}

/* Percent-encoded but for what is unreserved in RFC 3986, and the characters of `keep`. Caller frees. */
static char *encode(const char *text, const char *keep)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char *out = memory_alloc(strlen(text) * 3 + 1);
    char *at = out;
    for (const char *c = text; *c; c++) {
        if (strchr(plain, *c) || strchr(keep, *c)) {
            *at++ = *c;
            continue;
        }
        *at++ = '%';
        *at++ = digits[(unsigned char)*c >> 4];
        *at++ = digits[(unsigned char)*c & 15];
    }
    *at = '\0';
    return out;
}

/* --- forges --------------------------------------------------------------------------------------------- */

enum word { WORD_PENDING, WORD_SUCCESS, WORD_FAILURE, WORD_SUPERSEDED, WORDS };

struct forge {
    const char *base;         /* NULL: there is no host that all use */
    const char *path;         /* repository, commit */
    bool encodes_slash;       /* of the repository */
    const char *token;        /* header, before the token */
    const char *headers[2];   /* others */
    const char *words[WORDS]; /* of its states */
    const char *context;      /* names of members */
    const char *link;
};

static const struct forge forges[] = {
    [REPORT_GITHUB] = {.base = "https://api.github.com",
                       .path = "/repos/%s/statuses/%s",
                       .token = "Authorization: Bearer ",
                       .headers = {"Accept: application/vnd.github+json", "X-GitHub-Api-Version: 2022-11-28"},
                       .words = {"pending", "success", "failure", "error"},
                       .context = "context",
                       .link = "target_url"},
    [REPORT_GITLAB] = {.base = "https://gitlab.com/api/v4",
                       .path = "/projects/%s/statuses/%s",
                       .encodes_slash = true,
                       .token = "PRIVATE-TOKEN: ",
                       .words = {"pending", "success", "failed", "canceled"},
                       .context = "name",
                       .link = "target_url"},
    [REPORT_GITEA] = {.path = "/repos/%s/statuses/%s",
                      .token = "Authorization: token ",
                      .headers = {"Accept: application/json"},
                      .words = {"pending", "success", "failure", "warning"},
                      .context = "context",
                      .link = "target_url"},
    [REPORT_BITBUCKET] = {.base = "https://api.bitbucket.org/2.0",
                          .path = "/repositories/%s/commit/%s/statuses/build",
                          .token = "Authorization: Bearer ",
                          .headers = {"Accept: application/json"},
                          .words = {"INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"},
                          .context = "key",
                          .link = "url"},
};

static const char *word_of(const struct forge *forge, const char *state)
{
    static const char *const states[WORDS] = {REPORT_PENDING, REPORT_SUCCESS, REPORT_FAILURE,
                                              REPORT_SUPERSEDED};
    for (size_t i = 0; i < WORDS; i++)
        if (text_equal(states[i], state))
            return forge->words[i];
    return forge->words[WORD_PENDING];
}

static void set_status(const struct report_target *target, const struct report_message *message, json_t *body)
{
    const struct forge *forge = &forges[target->kind];
    char *text CLEANUP_FREE = report_shorten(message->text, REPORT_TEXT_CHARS);
    char *name CLEANUP_FREE = fit_name(message->context, CONTEXT_BYTES);
    char *key CLEANUP_FREE =
        fit_name(message->context, target->kind == REPORT_BITBUCKET ? BITBUCKET_KEY_BYTES : CONTEXT_BYTES);
    model_set_string(body, "state", word_of(forge, message->state));
    model_set_string(body, forge->context, key);
    model_set_string(body, "description", text);
    model_set_string(body, forge->link, target->link);
    if (target->kind != REPORT_BITBUCKET)
        return;
    model_set_string(body, "name", name);
    char *page CLEANUP_FREE =
        memory_printf("https://bitbucket.org/%s/commits/%s", target->repository, message->subject);
    if (!target->link) /* it wants one */
        model_set_string(body, forge->link, page);
}

/* Caller wipes. */
static char *token_header(const struct report_target *target, const char *token)
{
    if (target->kind != REPORT_BITBUCKET || !strchr(token, ':'))
        return wipe_join(forges[target->kind].token, token);
    char *encoded CLEANUP(wipe_freep) = base64_encode(token, strlen(token));
    return wipe_join("Authorization: Basic ", encoded);
}

static void make_status(const struct report_target *target, const struct report_message *message,
                        const char *token, struct report_request *request)
{
    const struct forge *forge = &forges[target->kind];
    char *repository CLEANUP_FREE = encode(target->repository, forge->encodes_slash ? "" : "/");
    const char *base = target->url ? target->url : forge->base;
    size_t len = strlen(base);
    while (len && base[len - 1] == '/')
        len--;
    request->base = memory_strndup(base, len);
    struct buffer path = BUFFER_INIT(LIMIT_ERROR_CHARS);
    const char *first = strstr(forge->path, "%s");
    const char *second = strstr(first + 2, "%s");
    buffer_printf(&path, "%.*s%s%.*s%s%s", (int)(first - forge->path), forge->path, repository,
                  (int)(second - first - 2), first + 2, message->subject, second + 2);
    request->path = buffer_steal(&path);
    for (size_t i = 0; i < ARRAY_LEN(forge->headers) && forge->headers[i]; i++)
        vector_push(&request->headers, memory_strdup(forge->headers[i]));
    if (token)
        vector_push(&request->headers, token_header(target, token));
    json_t *body = json_object();
    set_status(target, message, body);
    request->body = json_dumps(body, JSON_COMPACT);
    json_decref(body);
}

/* --- others --------------------------------------------------------------------------------------------- */

/* [5] */
static void add_signatures(struct report_request *request, const struct standard_webhook *webhook,
                           const char *signer)
{
    const struct digest_part key = {signer, strlen(signer)};
    const struct digest_part body = {webhook->body, webhook->len};
    struct digest digest = digest_hmac(&key, &body, 1);
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    char *signature CLEANUP_FREE = standard_webhook_signature(webhook, signer);
    vector_push(&request->headers, memory_printf("X-Davit-Signature-256: sha256=%s", hex));
    vector_push(&request->headers, memory_printf("webhook-signature: %s", signature));
}

static void make_event(const struct report_message *message, const char *signer, int64_t now_ms,
                       struct report_request *request)
{
    const char *id = model_string(message->event, "id");
    char *timestamp CLEANUP_FREE = memory_printf("%lld", (long long)(now_ms / 1000));
    request->body = json_dumps(message->event, JSON_COMPACT);
    const struct standard_webhook webhook = {id ? id : "", timestamp, request->body, strlen(request->body)};
    vector_push(&request->headers, memory_printf("webhook-id: %s", webhook.id));
    vector_push(&request->headers, memory_printf("webhook-timestamp: %s", timestamp));
    if (signer)
        add_signatures(request, &webhook, signer);
}

/* Slack: these three are its own markup. Caller frees. */
static char *escape_markup(const char *text)
{
    struct buffer out = BUFFER_INIT(8 * strlen(text) + 1);
    for (; *text; text++) {
        if (*text == '&')
            buffer_append_str(&out, "&amp;");
        else if (*text == '<')
            buffer_append_str(&out, "&lt;");
        else if (*text == '>')
            buffer_append_str(&out, "&gt;");
        else
            buffer_append(&out, text, 1);
    }
    return buffer_steal(&out);
}

static void make_text(const struct report_message *message, struct report_request *request)
{
    char *line CLEANUP_FREE = message->is_status
                                  ? memory_printf("%s %.12s: %s: %s", message->context, message->subject,
                                                  message->state, message->text)
                                  : memory_strdup(message->text);
    char *escaped CLEANUP_FREE = escape_markup(line);
    json_t *body = json_pack("{s:s}", "text", escaped);
    request->body = json_dumps(body, JSON_COMPACT);
    json_decref(body);
}

/* The path of a webhook may end in a slash and have a query. */
static void split_url(const char *url, struct report_request *request)
{
    const char *host = strstr(url, "://");
    host = host ? host + strlen("://") : url;
    size_t len = (size_t)(host - url) + strcspn(host, "/?#");
    request->base = memory_strndup(url, len);
    request->path = memory_strdup(url + len);
}

static bool is_header_value(const char *secret)
{
    for (; secret && *secret; secret++)
        if ((unsigned char)*secret < ' ' || *secret == 0x7f)
            return false;
    return true;
}

int report_request_make(const struct report_target *target, const struct report_message *message,
                        const struct report_secrets *secrets, int64_t now_ms,
                        struct report_request *ret_request)
{
    assert(target && message && secrets && ret_request);
    assert(report_request_fits(target, message));
    *ret_request = (struct report_request){0};
    const char *url = secrets->url ? secrets->url : target->url;
    assert(url || report_kind_is_forge(target->kind)); /* report_target_check() */
    if (!is_header_value(secrets->token) || (secrets->token && url && !credential_is_private(url)) ||
        (secrets->url && !credential_is_private(secrets->url)))
        return ERROR_INVALID;
    if (report_kind_is_forge(target->kind)) {
        make_status(target, message, secrets->token, ret_request);
    } else {
        split_url(url, ret_request);
        if (target->kind == REPORT_WEBHOOK)
            make_event(message, secrets->signer, now_ms, ret_request);
        else
            make_text(message, ret_request);
    }
    vector_push(&ret_request->headers, NULL);
    return 0;
}
