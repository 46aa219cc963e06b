#include "http/client.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "http/client_error.h"
#include "http/client_loop.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum call_state {
    CALL_WAITING,  /* made while curl was on the stack; goes to curl at the end of its turn */
    CALL_ACTIVE,   /* curl has it */
    CALL_FAILED,   /* over without curl, reply.error says why; to be told */
    CALL_CANCELED, /* to be dropped without a word */
};

/* One request under way. */
struct call {
    uint64_t id;
    struct http_client *client;
    enum call_state state;
    CURL *easy;
    struct curl_slist *header_lines;
    char *sent; /* the request's body; wiped afterwards, as its headers are */
    size_t sent_len;
    char *name; /* of the endpoint */
    int64_t deadline_ms;
    int64_t idle_ms;
    uint64_t last_byte_ms; /* on the loop's clock */
    const char *reply_max_name;
    size_t reply_max_bytes; /* 0: no bound */
    size_t received_bytes;  /* of the body */
    bool headers_done;      /* of the final reply */
    void *data;
    void (*on_headers)(void *data, const struct http_reply *reply);
    void (*on_data)(void *data, const char *bytes, size_t len);
    void (*done)(void *data, const struct http_reply *reply);
    struct buffer headers; /* name NUL value NUL ... */
    struct buffer body;
    struct http_reply reply;
    char curl_error[CURL_ERROR_SIZE];
};

struct http_client {
    struct http_loop loop;
    uv_timer_t watch; /* for idle_ms and for calls that failed before curl saw them */
    uint64_t watch_due_ms;
    uint64_t last_id;
    bool unsettled; /* some call is not CALL_ACTIVE */
    bool settling;
    bool closing;
    struct call_vec VECTOR_OF(struct call *) calls;
};

static void call_free(struct call *call)
{
    curl_easy_cleanup(call->easy);
    for (struct curl_slist *line = call->header_lines; line; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(call->header_lines);
    if (call->sent)
        explicit_bzero(call->sent, call->sent_len);
    free(call->sent);
    buffer_deinit(&call->headers);
    buffer_deinit(&call->body);
    free(call->name);
    free(call);
}

/* --- what curl reports while it runs -------------------------------------------------------------------- */

/* Makes curl give the transfer up; the reason is kept for done. */
static size_t give_up(struct call *call, const char *bound_name, size_t bound_bytes, const char *what)
{
    error_set(&call->reply.error, ERROR_LIMIT, "the %s of %s is larger than %s%s%zu bytes", what, call->name,
              bound_name ? bound_name : "", bound_name ? ", " : "", bound_bytes);
    return 0;
}

static void refresh_reply(struct call *call)
{
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    call->reply.status = (int)status;
    call->reply.headers = buffer_str(&call->headers);
    call->reply.headers_len = call->headers.len;
    call->reply.body = buffer_str(&call->body);
    call->reply.body_len = call->body.len;
}

/* "Name: value\r\n" is kept as two strings. */
static int keep_header(struct call *call, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    if (!colon || memchr(line, '\0', len))
        return 0;
    const char *value = colon + 1;
    const char *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return buffer_printf(&call->headers, "%.*s%c%.*s%c", (int)(colon - line), line, '\0', (int)(end - value),
                         value, '\0');
}

/* The blank line. Interim replies (100 Continue) have one as well. */
static void end_headers(struct call *call)
{
    refresh_reply(call);
    if (call->reply.status < 200)
        return;
    call->headers_done = true;
    if (call->on_headers)
        call->on_headers(call->data, &call->reply);
}

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
    struct call *call = data;
    size_t len = size * count;
    if (call->state == CALL_CANCELED)
        return 0;
    call->last_byte_ms = uv_now(call->client->loop.uv);
    if (call->headers_done) /* a trailer */
        return len;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
        buffer_clear(&call->headers);
    else if (len <= 2 && (line[0] == '\r' || line[0] == '\n'))
        end_headers(call);
    else if (keep_header(call, line, len) < 0)
        return give_up(call, "LIMIT_HTTP_REPLY_HEADER_BYTES", LIMIT_HTTP_REPLY_HEADER_BYTES,
                       "reply's header");
    return call->state == CALL_CANCELED ? 0 : len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct call *call = data;
    size_t len = size * count;
    if (call->state == CALL_CANCELED)
        return 0;
    call->last_byte_ms = uv_now(call->client->loop.uv);
    if (call->reply_max_bytes && len > call->reply_max_bytes - call->received_bytes)
        return give_up(call, call->reply_max_name, call->reply_max_bytes, "reply");
    call->received_bytes += len;
    if (call->on_data)
        call->on_data(call->data, bytes, len);
    else if (buffer_append(&call->body, bytes, len) < 0)
        return give_up(call, call->reply_max_name, call->reply_max_bytes, "reply");
    return call->state == CALL_CANCELED ? 0 : len;
}

/* --- the end of a call ---------------------------------------------------------------------------------- */

static void forget(struct http_client *client, const struct call *call)
{
    for (size_t i = 0; i < client->calls.len; i++) {
        if (client->calls.items[i] == call) {
            vector_remove(&client->calls, i);
            return;
        }
    }
}

/* Not while curl is on the stack. */
static void drop(struct http_client *client, struct call *call)
{
    assert(!client->loop.inside);
    curl_multi_remove_handle(client->loop.multi, call->easy); /* harmless when it was never added */
    forget(client, call);
    call_free(call);
}

/* Tells and frees. The call is out of the list before, so that its own id is unknown within done. */
static void finish(struct http_client *client, struct call *call)
{
    curl_multi_remove_handle(client->loop.multi, call->easy);
    forget(client, call);
    refresh_reply(call);
    if (call->done)
        call->done(call->data, &call->reply);
    call_free(call);
}

static void finish_transfer(struct http_client *client, CURL *easy, CURLcode code)
{
    struct call *call = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
    assert(call && call->easy == easy);
    if (call->state == CALL_CANCELED) {
        drop(client, call);
        return;
    }
    refresh_reply(call);
    struct http_failure failure = {
        .easy = easy,
        .code = code,
        .detail = call->curl_error,
        .name = call->name,
        .deadline_ms = call->deadline_ms,
        .began = call->reply.status != 0,
    };
    if (!call->reply.error.code && (code != CURLE_OK || !call->headers_done))
        http_failure_explain(&failure, &call->reply.error);
    finish(client, call);
}

static void start(struct http_client *client, struct call *call)
{
    call->state = CALL_ACTIVE;
    CURLMcode code = curl_multi_add_handle(client->loop.multi, call->easy);
    assert(code == CURLM_OK);
    (void)code;
}

static void set_state(struct call *call, enum call_state state)
{
    call->state = state;
    call->client->unsettled = true;
}

/* The first call in that state, or NULL. Callbacks change the list, so it is read anew after each. */
static struct call *find_state(const struct http_client *client, enum call_state state)
{
    for (size_t i = 0; i < client->calls.len; i++) {
        if (client->calls.items[i]->state == state)
            return client->calls.items[i];
    }
    return NULL;
}

static void finish_transfers(struct http_client *client)
{
    CURLMsg *message;
    int left;
    while (!client->closing && (message = curl_multi_info_read(client->loop.multi, &left)))
        finish_transfer(client, message->easy_handle, message->data.result);
}

/* What callbacks ask for meanwhile is done in the same go. */
static void settle_calls(struct http_client *client)
{
    struct call *call;
    client->unsettled = false;
    while (!client->closing && (call = find_state(client, CALL_FAILED)))
        finish(client, call);
    while ((call = find_state(client, CALL_CANCELED)))
        drop(client, call);
    while (!client->closing && (call = find_state(client, CALL_WAITING)))
        start(client, call);
}

static void close_client(struct http_client *client)
{
    while (client->calls.len)
        drop(client, client->calls.items[client->calls.len - 1]);
    uv_timer_stop(&client->watch);
    http_loop_close(&client->loop);
}

/* After each turn of curl: does what could not be done while it was on the stack. */
static void settle(void *data)
{
    struct http_client *client = data;
    client->settling = true;
    finish_transfers(client);
    if (client->unsettled)
        settle_calls(client);
    client->settling = false;
    if (client->closing)
        close_client(client);
}

/* --- the watch ------------------------------------------------------------------------------------------ */

static void on_watch(uv_timer_t *timer);

static void watch_until(struct http_client *client, uint64_t due_ms)
{
    uint64_t now_ms = uv_now(client->loop.uv);
    if (uv_is_active((uv_handle_t *)&client->watch) && client->watch_due_ms <= due_ms)
        return;
    client->watch_due_ms = due_ms;
    uv_timer_start(&client->watch, on_watch, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

/* Bytes only note their time; whether one came in time is looked at when the timer fires. */
static void on_watch(uv_timer_t *timer)
{
    struct http_client *client = timer->data;
    uint64_t now_ms = uv_now(client->loop.uv);
    for (size_t i = 0; i < client->calls.len; i++) {
        struct call *call = client->calls.items[i];
        if (call->state != CALL_ACTIVE || call->idle_ms == 0)
            continue;
        uint64_t due_ms = call->last_byte_ms + (uint64_t)call->idle_ms;
        if (due_ms > now_ms) {
            watch_until(client, due_ms);
            continue;
        }
        char *idle CLEANUP_FREE = text_from_duration_ms(call->idle_ms);
        error_set(&call->reply.error, ERROR_TIMEOUT, "no byte from %s for %s", call->name, idle);
        set_state(call, CALL_FAILED);
    }
    settle(client);
}

/* --- the start of a call -------------------------------------------------------------------------------- */

static void set_target(struct call *call, const struct http_endpoint *endpoint, const char *path)
{
    char *url CLEANUP_FREE = memory_printf("%s%s", endpoint->base_url, path ? path : "");
    curl_easy_setopt(call->easy, CURLOPT_URL, url);
    if (endpoint->unix_path)
        curl_easy_setopt(call->easy, CURLOPT_UNIX_SOCKET_PATH, endpoint->unix_path);
    if (endpoint->unix_path || text_starts_with(endpoint->name, "tcp://"))
        curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
    if (endpoint->ca_path) {
        curl_easy_setopt(call->easy, CURLOPT_CAINFO, endpoint->ca_path);
        curl_easy_setopt(call->easy, CURLOPT_CAPATH,
                         NULL); /* or the system's authorities are trusted besides */
    }
    if (endpoint->cert_path) {
        curl_easy_setopt(call->easy, CURLOPT_SSLCERT, endpoint->cert_path);
        curl_easy_setopt(call->easy, CURLOPT_SSLKEY, endpoint->key_path);
    }
}

static void set_method(struct call *call, const struct http_request *request)
{
    const char *method = request->method ? request->method : "GET";
    if (text_equal(method, "HEAD")) {
        curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (request->body_len || text_equal(method, "POST")) {
        call->sent_len = request->body_len;
        call->sent = memory_alloc(call->sent_len);
        if (call->sent_len)
            memcpy(call->sent, request->body, call->sent_len);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->sent_len);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->sent);
    }
    curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, method);
}

static void add_line(struct call *call, const char *line)
{
    struct curl_slist *longer = curl_slist_append(call->header_lines, line);
    if (!longer)
        abort(); /* out of memory */
    call->header_lines = longer;
}

static int set_headers(struct call *call, const struct http_request *request)
{
    /* Without a value curl sends none: no wait for "100 Continue", no form's type. */
    char *type CLEANUP_FREE = memory_printf("Content-Type:%s%s", request->content_type ? " " : "",
                                            request->content_type ? request->content_type : "");
    add_line(call, "Expect:");
    add_line(call, type);
    for (const char *const *line = request->headers; line && *line; line++)
        add_line(call, *line);
    for (const struct curl_slist *line = call->header_lines; line; line = line->next) {
        if (strpbrk(line->data, "\r\n"))
            return error_set(&call->reply.error, ERROR_INVALID, "%s: a request's header holds a line break",
                             call->name);
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->header_lines);
    return 0;
}

static void set_transfer(struct call *call)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "davit/" DAVIT_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L); /* finds the dead peer of a silent event stream */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)LIMIT_HTTP_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->deadline_ms);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

static struct call *call_new(struct http_client *client, const struct http_request *request)
{
    struct call *call = NEW(struct call);
    size_t default_max_bytes = request->on_data ? 0 : LIMIT_ENGINE_REPLY_BYTES;
    *call = (struct call){
        .id = ++client->last_id,
        .client = client,
        .easy = curl_easy_init(),
        .name = memory_strdup(request->endpoint->name),
        .deadline_ms = request->deadline_ms,
        .idle_ms = request->idle_ms,
        .last_byte_ms = uv_now(client->loop.uv),
        .reply_max_name = request->reply_max_bytes ? request->reply_max_name : "LIMIT_ENGINE_REPLY_BYTES",
        .reply_max_bytes = request->reply_max_bytes ? request->reply_max_bytes : default_max_bytes,
        .data = request->data,
        .on_headers = request->on_headers,
        .on_data = request->on_data,
        .done = request->done,
        .headers = BUFFER_INIT(LIMIT_HTTP_REPLY_HEADER_BYTES),
    };
    call->body = BUFFER_INIT(call->reply_max_bytes);
    if (!call->easy)
        abort(); /* out of memory */
    set_transfer(call);
    set_target(call, request->endpoint, request->path);
    set_method(call, request);
    set_state(call, set_headers(call, request) < 0 ? CALL_FAILED : CALL_WAITING);
    return call;
}

/* --- public --------------------------------------------------------------------------------------------- */

static void on_watch_closed(uv_handle_t *handle)
{
    struct http_client *client = handle->data;
    vector_deinit(&client->calls);
    free(client);
    curl_global_cleanup();
}

static void on_loop_closed(void *data)
{
    struct http_client *client = data;
    uv_close((uv_handle_t *)&client->watch, on_watch_closed);
}

struct http_client *http_client_new(uv_loop_t *loop, const struct http_client_options *options)
{
    assert(loop);
    struct http_client_options chosen = options ? *options : (struct http_client_options){0};
    struct http_client *client = NEW(struct http_client);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort(); /* out of memory */
    client->loop = (struct http_loop){.uv = loop, .data = client, .settle = settle, .closed = on_loop_closed};
    http_loop_init(&client->loop);
    uv_timer_init(loop, &client->watch);
    client->watch.data = client;
    long idle = chosen.max_idle_connections ? (long)chosen.max_idle_connections : 64;
    CURLM *multi = client->loop.multi;
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, idle);
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)chosen.max_connections);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)chosen.max_connections_per_host);
    return client;
}

void http_client_free(struct http_client *client)
{
    assert(client && !client->closing);
    client->closing = true;
    for (size_t i = 0; i < client->calls.len; i++)
        client->calls.items[i]->state = CALL_CANCELED;
    if (!client->loop.inside && !client->settling)
        close_client(client);
}

uint64_t http_request(struct http_client *client, const struct http_request *request)
{
    assert(client && !client->closing);
    assert(request && request->endpoint && request->endpoint->name);
    assert(request->deadline_ms >= 0 && request->idle_ms >= 0);
    struct call *call = call_new(client, request);
    vector_push(&client->calls, call);
    if (call->state == CALL_FAILED)
        watch_until(client, 0);
    else if (!client->loop.inside)
        start(client, call);
    if (call->idle_ms)
        watch_until(client, call->last_byte_ms + (uint64_t)call->idle_ms);
    return call->id;
}

void http_cancel(struct http_client *client, uint64_t id)
{
    assert(client);
    for (size_t i = 0; i < client->calls.len; i++) {
        struct call *call = client->calls.items[i];
        if (call->id != id)
            continue;
        if (client->loop.inside)
            set_state(call, CALL_CANCELED);
        else
            drop(client, call);
        return;
    }
}

size_t http_client_requests(const struct http_client *client)
{
    assert(client);
    size_t open = 0;
    for (size_t i = 0; i < client->calls.len; i++)
        open += client->calls.items[i]->state != CALL_CANCELED;
    return open;
}

const char *http_reply_header(const struct http_reply *reply, const char *name)
{
    assert(reply && name);
    for (size_t at = 0; at < reply->headers_len;) {
        const char *key = reply->headers + at;
        const char *value = key + strlen(key) + 1;
        if (strcasecmp(key, name) == 0)
            return value;
        at += strlen(key) + strlen(value) + 2;
    }
    return NULL;
}
