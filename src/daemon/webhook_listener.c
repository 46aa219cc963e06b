#include "daemon/webhook_listener.h"

#include "base/credential.h"
#include "base/wipe.h"
#include "daemon/log.h"
#include "daemon/runtime.h"

#include <assert.h>
#include <stdlib.h>

struct webhook_listener {
    struct webhook_listener_options options;
    struct webhook *webhook;
    struct http_server *server;
    struct turn *turns; /* one a source */
    size_t open_turns;
};

struct turn {
    struct webhook_listener *listener;
    uv_timer_t pause; /* runs for LIMIT_WEBHOOK_LOOK_MS after each look */
    bool wanted;      /* a look, when the pause is over */
};

/* --- looks ---------------------------------------------------------------------------------------------- */

static void on_look(void *data, size_t index);

static void on_pause_over(uv_timer_t *timer)
{
    struct turn *turn = timer->data;
    if (turn->wanted)
        on_look(turn->listener, (size_t)(turn - turn->listener->turns));
}

/* A look that is under way may have passed by what this one is about, so it does not count: source_poke() has
 * another follow it. */
static void on_look(void *data, size_t index)
{
    struct webhook_listener *listener = data;
    struct turn *turn = &listener->turns[index];
    turn->wanted = uv_is_active((uv_handle_t *)&turn->pause);
    if (turn->wanted)
        return;
    uv_timer_start(&turn->pause, on_pause_over, LIMIT_WEBHOOK_LOOK_MS, 0);
    listener->options.look(listener->options.data, index);
}

/* --- what a webhook asks for ---------------------------------------------------------------------------- */

static int64_t now_ms(void *data)
{
    (void)data;
    return runtime_now_ms();
}

static int read_secret(void *data, char **ret_secret, struct error *err)
{
    const struct webhook_listener *listener = data;
    const char *path = listener->options.secret_file;
    char *secret CLEANUP(wipe_freep) = NULL;
    int r = credential_read_line(path, "webhook.secretFile", &secret, err);
    if (r < 0)
        return r;
    r = webhook_check_secret(secret, err);
    if (r < 0)
        return error_wrap(err, r, "webhook.secretFile %s", path);
    *ret_secret = TAKE(secret);
    return 0;
}

static struct webhook_source source(void *data, size_t index)
{
    const struct webhook_listener *listener = data;
    return listener->options.source(listener->options.data, index);
}

static void on_report(void *data, const struct webhook_report *report)
{
    (void)data;
    if (report->untold)
        log_message(LOG_LEVEL_WARNING, "webhooks: %u more were refused since the last that is told of",
                    report->untold);
    if (report->refused)
        log_message(LOG_LEVEL_WARNING, "webhook %s is refused: %s", report->id, report->message);
    else if (report->looks)
        log_message(LOG_LEVEL_INFO, "webhook %s: %s", report->id, report->message);
    else
        log_message(LOG_LEVEL_INFO, "webhook %s: nothing to look at: %s", report->id, report->message);
}

/* --- life ----------------------------------------------------------------------------------------------- */

static void make_turns(struct webhook_listener *listener)
{
    const struct webhook_listener_options *options = &listener->options;
    listener->turns = memory_calloc(options->sources_len, sizeof *listener->turns);
    listener->open_turns = options->sources_len;
    for (size_t i = 0; i < options->sources_len; i++) {
        struct turn *turn = &listener->turns[i];
        turn->listener = listener;
        uv_timer_init(options->loop, &turn->pause);
        turn->pause.data = turn;
    }
}

static void on_pause_closed(uv_handle_t *handle)
{
    struct webhook_listener *listener = ((struct turn *)handle->data)->listener;
    if (--listener->open_turns > 0)
        return;
    free(listener->turns);
    free(listener);
}

int webhook_listener_new(const struct webhook_listener_options *options,
                         struct webhook_listener **ret_listener, struct error *err)
{
    assert(options && options->loop && options->address && options->secret_file);
    assert(options->look && options->source && options->sources_len > 0 && ret_listener);
    struct webhook_listener *listener = NEW(struct webhook_listener);
    listener->options = *options;
    listener->webhook = webhook_new(&(struct webhook_options){.data = listener,
                                                              .now_ms = now_ms,
                                                              .secret = read_secret,
                                                              .sources_len = options->sources_len,
                                                              .source = source,
                                                              .look = on_look,
                                                              .report = on_report});
    make_turns(listener);
    const struct http_server_options server = {.listen = options->address,
                                               .authenticates = true,
                                               .data = listener->webhook,
                                               .handle = webhook_handle,
                                               .request_ms = LIMIT_WEBHOOK_REQUEST_MS,
                                               .max_connections = LIMIT_WEBHOOK_CONNECTIONS};
    char *secret CLEANUP(wipe_freep) = NULL;
    int r = read_secret(listener, &secret, err); /* a fault of it is to show now, not at the first push */
    if (r == 0)
        r = http_server_new(options->loop, &server, &listener->server, err);
    if (r < 0) {
        webhook_listener_free(listener);
        return r;
    }
    log_message(LOG_LEVEL_INFO, "listening for webhooks on %s", http_server_address(listener->server));
    *ret_listener = listener;
    return 0;
}

void webhook_listener_free(struct webhook_listener *listener)
{
    if (!listener)
        return;
    if (listener->server)
        http_server_free(listener->server);
    webhook_free(listener->webhook);
    for (size_t i = 0; i < listener->options.sources_len; i++)
        uv_close((uv_handle_t *)&listener->turns[i].pause, on_pause_closed);
}

const struct webhook_news *webhook_listener_news(const struct webhook_listener *listener)
{
    assert(listener);
    return webhook_get_news(listener->webhook);
}
