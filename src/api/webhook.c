#include "api/webhook.h"

#include "api/operation.h"
#include "base/text.h"
#include "base/wipe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define REFUSED     "the signature is missing or wrong" /* no hint which */
#define UNAVAILABLE "the secret cannot be read: davit's log says why"

struct webhook {
    struct webhook_options options;
    struct webhook_news news;
    int64_t minute_ms; /* when the minute of the refusals below began */
    unsigned refusals; /* in it */
    unsigned untold;   /* of those and the ones before, since the last report */
};

/* What is on its way: one request and what will be answered. */
struct call {
    struct webhook *webhook;
    struct http_exchange *exchange;
    char id[API_REQUEST_ID_SIZE];
};

struct webhook *webhook_new(const struct webhook_options *options)
{
    assert(options && options->now_ms && options->secret && options->branch && options->look &&
           options->report);
    struct webhook *webhook = NEW(struct webhook);
    webhook->options = *options;
    return webhook;
}

void webhook_free(struct webhook *webhook)
{
    free(webhook);
}

const struct webhook_news *webhook_get_news(const struct webhook *webhook)
{
    assert(webhook);
    return &webhook->news;
}

static void reply(const struct call *call, unsigned status, const char *type, const char *message)
{
    json_t *error = json_pack("{s:s,s:s}", "type", type, "message", message);
    api_reply_json(
        call->exchange, status,
        json_pack("{s:i,s:s*,s:o}", "schemaVersion", 1, "id", call->id[0] ? call->id : NULL, "error", error));
}

static void report(const struct call *call, struct webhook_report told)
{
    struct webhook *webhook = call->webhook;
    told.id = call->id;
    told.untold = webhook->untold;
    webhook->untold = 0;
    webhook->options.report(webhook->options.data, &told);
}

/* --- refusals ------------------------------------------------------------------------------------------- */

/* One count for all senders: a table of them would grow with whoever asks. Whether this one is over it. */
static bool is_one_too_many(struct webhook *webhook, int64_t now_ms)
{
    int64_t age_ms = now_ms - webhook->minute_ms;
    if (age_ms < 0 || age_ms >= LIMIT_WEBHOOK_REFUSALS_MS) {
        webhook->minute_ms = now_ms;
        webhook->refusals = 0;
    }
    return ++webhook->refusals > LIMIT_WEBHOOK_REFUSALS;
}

static void refuse(const struct call *call, const struct error *why)
{
    struct webhook *webhook = call->webhook;
    int64_t now_ms = webhook->options.now_ms(webhook->options.data);
    bool quiet = is_one_too_many(webhook, now_ms);
    webhook->news.refused++;
    webhook->news.refused_at_ms = now_ms;
    webhook->news.refusal = *why;
    if (quiet)
        webhook->untold++;
    else
        report(call, (struct webhook_report){.refused = true, .message = error_text(why)});
    if (why->code != ERROR_DENIED) {
        reply(call, 503, "ServiceUnavailableException", UNAVAILABLE);
    } else if (quiet) {
        http_exchange_add_header(call->exchange, "Retry-After", "60");
        reply(call, 429, "ThrottlingException", REFUSED);
    } else {
        reply(call, 401, "AccessDeniedException", REFUSED);
    }
}

/* --- requests ------------------------------------------------------------------------------------------- */

static unsigned headers(const void *data, const char *name, const char **ret_first)
{
    return http_exchange_headers(data, name, ret_first);
}

static int authenticate(struct webhook *webhook, const struct webhook_request *request, struct error *err)
{
    char *secret CLEANUP(wipe_freep) = NULL;
    int r = webhook->options.secret(webhook->options.data, &secret, err);
    return r < 0 ? r : webhook_authenticate(request, secret, err);
}

static void take(const struct call *call)
{
    struct webhook *webhook = call->webhook;
    struct webhook_request request = {.headers = headers, .data = call->exchange};
    request.body = http_exchange_body(call->exchange, &request.len);
    struct error why = ERROR_INIT;
    if (authenticate(webhook, &request, &why) < 0) {
        refuse(call, &why);
        return;
    }
    bool looks = webhook_asks_for_look(&request, webhook->options.branch(webhook->options.data), &why);
    webhook->news.heard++;
    webhook->news.heard_at_ms = webhook->options.now_ms(webhook->options.data);
    const char *message = looks ? NULL : error_text(&why);
    report(call, (struct webhook_report){.looks = looks, .message = message});
    json_t *json = json_pack("{s:i,s:s,s:b,s:s*}", "schemaVersion", 1, "id", call->id, "look", looks,
                             "message", message);
    api_reply_json(call->exchange, looks ? 202 : 200, json);
    if (looks)
        webhook->options.look(webhook->options.data);
}

void webhook_handle(void *data, struct http_exchange *exchange)
{
    struct call call = {.webhook = data, .exchange = exchange};
    assert(call.webhook && exchange);
    if (!text_equal(http_exchange_path(exchange), WEBHOOK_PATH)) {
        reply(&call, 404, "NotFoundException", "there is nothing here but " WEBHOOK_PATH);
        return;
    }
    if (!text_equal(http_exchange_method(exchange), "POST")) {
        http_exchange_add_header(exchange, "Allow", "POST");
        reply(&call, 405, "MethodNotAllowedException", WEBHOOK_PATH " is asked with POST");
        return;
    }
    api_request_id(exchange, call.webhook->options.now_ms(call.webhook->options.data), call.id);
    take(&call);
}
