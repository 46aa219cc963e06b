#include "api/webhook.h"

#include "api/operation.h"
#include "base/buffer.h"
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
    assert(options && options->now_ms && options->secret && options->source && options->look &&
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

/* --- looks ---------------------------------------------------------------------------------------------- */

/* Which sources a push is for. */
struct round {
    const struct webhook_options *options;
    const struct webhook_push *push;
    bool named;     /* one at least is at the repository that it names */
    unsigned asked; /* sources whose branch was looked for in it */
    unsigned looks;
    struct error why;   /* nothing is to be looked at in the last that was asked */
    struct buffer whom; /* the names of those that are looked at */
};

static void round_deinit(struct round *round)
{
    buffer_deinit(&round->whom);
}

static bool is_named(const struct round *round)
{
    for (size_t i = 0; i < round->options->sources_len; i++)
        if (webhook_push_is_of(round->push, round->options->source(round->options->data, i).origin))
            return true;
    return false;
}

static void look_at(struct round *round, size_t index)
{
    const struct webhook_options *options = round->options;
    struct webhook_source source = options->source(options->data, index);
    if (round->named && !webhook_push_is_of(round->push, source.origin))
        return;
    round->asked++;
    if (!webhook_push_asks_for_look(round->push, &source.followed, &round->why))
        return;
    buffer_printf(&round->whom, "%s%s", round->looks++ ? ", " : "", source.name); /* as many as fit */
    options->look(options->data, index);
}

/* What came of it. Caller frees. */
static char *sentence_of(const struct round *round)
{
    const struct string_vec *repositories = &round->push->repositories;
    bool unknown = !round->named && repositories->len;
    if (!round->looks && round->asked > 1 && !round->push->ping)
        return memory_strdup("a push of a ref that no source of it follows");
    if (!round->looks)
        return memory_strdup(error_text(&round->why));
    return memory_printf("%s%s%s%.200s",
                         round->options->sources_len > 1 ? "looked at: " : "the source is looked at",
                         round->options->sources_len > 1 ? buffer_str(&round->whom) : "",
                         unknown ? "; none is at " : "", unknown ? repositories->items[0] : "");
}

/* Returns whether there is one to look at. */
static bool look(const struct webhook_options *options, const struct webhook_push *push, char **ret_sentence)
{
    struct round round CLEANUP(round_deinit) = {
        .options = options, .push = push, .whom = BUFFER_INIT(LIMIT_ERROR_CHARS)};
    round.named = is_named(&round);
    for (size_t i = 0; i < options->sources_len; i++)
        look_at(&round, i);
    *ret_sentence = sentence_of(&round);
    return round.looks > 0;
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
    struct webhook_push push CLEANUP(webhook_push_deinit);
    char *message CLEANUP_FREE = NULL;
    webhook_push_read(&request, &push);
    bool looks = look(&webhook->options, &push, &message);
    webhook->news.heard++;
    webhook->news.heard_at_ms = webhook->options.now_ms(webhook->options.data);
    report(call, (struct webhook_report){.looks = looks, .message = message});
    json_t *json =
        json_pack("{s:i,s:s,s:b,s:s}", "schemaVersion", 1, "id", call->id, "look", looks, "message", message);
    api_reply_json(call->exchange, looks ? 202 : 200, json);
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
