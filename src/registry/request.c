/* One HTTP request of a registry's client. */
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "registry/session.h"

#include <string.h>
#include <unistd.h>

/* A request under way. */
struct sending {
    bool done;
    struct error error;
    struct registry_answer *answer;
};

void registry_answer_deinit(struct registry_answer *answer)
{
    if (answer->body)
        explicit_bzero(answer->body, answer->body_len); /* it may be a token */
    free(answer->body);
    free(answer->challenge);
    free(answer->link);
    free(answer->location);
    free(answer->digest);
    free(answer->retry_after);
    memset(answer, 0, sizeof *answer);
}

static void on_done(void *data, const struct http_reply *reply)
{
    struct sending *sending = data;
    struct registry_answer *answer = sending->answer;
    sending->done = true;
    sending->error = reply->error;
    if (reply->error.code)
        return;
    answer->status = reply->status;
    answer->body = memory_calloc(reply->body_len + 1, 1);
    memcpy(answer->body, reply->body, reply->body_len);
    answer->body_len = reply->body_len;
    answer->challenge = memory_strdup(http_reply_header(reply, "WWW-Authenticate"));
    answer->link = memory_strdup(http_reply_header(reply, "Link"));
    answer->location = memory_strdup(http_reply_header(reply, "Location"));
    answer->digest = memory_strdup(http_reply_header(reply, "Docker-Content-Digest"));
    answer->retry_after = memory_strdup(http_reply_header(reply, "Retry-After"));
}

/* Who a registry is signed by; NULL: as the system says. Caller frees. */
static char *authorities_of(const struct registry *registry, const char *base)
{
    const char *host = strstr(base, "://") + 3;
    const char *directory = registry->options.certificates;
    char *path = directory ? memory_printf("%s/%s/ca.crt", directory, host) : NULL;
    if (path && access(path, R_OK) == 0)
        return path;
    free(path);
    return memory_strdup(registry->options.authorities);
}

static int set_endpoint(const struct registry *registry, const char *base, struct http_endpoint *endpoint,
                        struct error *err)
{
    char *authorities CLEANUP_FREE = authorities_of(registry, base);
    int rc = http_endpoint_init(endpoint, base, err);
    if (rc == 0 && authorities && text_starts_with(base, "https://"))
        rc = http_endpoint_set_tls(endpoint, authorities, NULL, NULL, err);
    return rc;
}

int registry_send(struct registry *registry, const struct registry_request *request,
                  struct registry_answer *ret_answer, struct error *err)
{
    struct http_endpoint endpoint CLEANUP(http_endpoint_deinit) = {0};
    struct sending sending = {.answer = ret_answer};
    int rc = set_endpoint(registry, request->base, &endpoint, err);
    if (rc < 0)
        return rc;
    const struct http_request http = {
        .endpoint = &endpoint,
        .method = request->method,
        .path = request->path,
        .headers = request->headers,
        .body = request->body,
        .body_len = request->body ? strlen(request->body) : 0,
        .content_type = request->body ? "application/x-www-form-urlencoded" : NULL,
        .deadline_ms = LIMIT_REGISTRY_CALL_MS,
        .reply_max_bytes = LIMIT_REGISTRY_REPLY_BYTES,
        .reply_max_name = "LIMIT_REGISTRY_REPLY_BYTES",
        .data = &sending,
        .done = on_done,
    };
    http_request(registry->client, &http);
    while (!sending.done)
        uv_run(&registry->loop, UV_RUN_ONCE);
    if (!sending.error.code)
        return 0;
    return error_set(err, sending.error.code, "%s", error_text(&sending.error));
}

static void on_timer(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

void registry_pause(struct registry *registry, int64_t ms)
{
    bool over = false;
    registry->timer.data = &over;
    uv_timer_start(&registry->timer, on_timer, (uint64_t)ms, 0);
    while (!over)
        uv_run(&registry->loop, UV_RUN_ONCE);
}
