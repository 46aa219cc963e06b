/* Where forges say that a source has news: a server that takes webhooks and nothing else, and at most one
 * look at each source a second out of them. None is lost: after the last one a look begins. */
#pragma once

#include "api/webhook.h"

#include <uv.h>

/* Borrowed for the life of the listener. */
struct webhook_listener_options {
    uv_loop_t *loop;
    const char *address;     /* "127.0.0.1:8321", "0.0.0.0:8321", "unix:///run/davit/webhook.sock" */
    const char *secret_file; /* its first line */
    void *data;              /* handed to the callbacks; none may be NULL */
    size_t sources_len;
    struct webhook_source (*source)(void *data, size_t index);
    void (*look)(void *data, size_t index);
};

struct webhook_listener;

/* Errors of credential_read_line(), webhook_check_secret() and http_server_new(). */
int webhook_listener_new(const struct webhook_listener_options *options,
                         struct webhook_listener **ret_listener, struct error *err);
/* No callback comes any more. The memory goes when the loop has closed the handles. NULL is fine. */
void webhook_listener_free(struct webhook_listener *listener);
const struct webhook_news *webhook_listener_news(const struct webhook_listener *listener);
