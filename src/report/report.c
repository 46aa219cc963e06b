#include "report/report.h"

#include "base/credential.h"
#include "base/file_stamp.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/wipe.h"
#include "http/client.h"
#include "model/json.h"
#include "report/answer.h"
#include "report/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_CHARS  200 /* of a receiver's own words */
#define FILES_LOOK_MS 5000
#define FILES         3 /* with secrets */

struct report {
    struct report_options options;
    struct report_target target;
    char *name;
    struct report_queue *queue;
    struct http_client *client;
    uv_timer_t timer;
    char *token;                     /* of the request under way: not to be repeated from an answer */
    struct file_stamp stamps[FILES]; /* of the last try */
    bool heeds_files;                /* it may do better with other secrets, and has not asked for a pause */
    uint64_t request;
    uint64_t told_changes;
    uint64_t told_drops;
    bool closing;
};

static void settle(struct report *report, struct report_outcome *outcome);

static int64_t now_of(const struct report *report)
{
    return report->options.now_ms(report->options.data);
}

static void tell_changes(struct report *report)
{
    uint64_t changes = report_queue_changes(report->queue);
    if (changes == report->told_changes)
        return;
    report->told_changes = changes;
    report->options.changed(report->options.data);
}

/* What made way by itself is one warning, however many follow. */
static void tell_drops(struct report *report)
{
    uint64_t drops = report_queue_dropped(report->queue);
    if (drops == report->told_drops)
        return;
    report->told_drops = drops;
    char *line CLEANUP_FREE = memory_printf("notifications to %s: %s", report->name,
                                            report_queue_trouble(report->queue) ?: "some are dropped");
    report->options.say(report->options.data, true, line);
}

/* --- the answer ----------------------------------------------------------------------------------------- */

/* "message" or "error" of a JSON answer, unless it repeats a secret; else "". Caller frees. */
static char *words_of(const struct report *report, const struct http_reply *reply)
{
    json_t *json CLEANUP(json_decrefp) = json_loadb(reply->body, reply->body_len, 0, NULL);
    const char *words = model_string(json, "message");
    words = words ? words : model_string(json, "error");
    words = words ? words : model_string(json_object_get(json, "error"), "message");
    if (!words || (report->token && strstr(words, report->token)))
        return memory_strdup("");
    char *printable CLEANUP_FREE = text_printable(words);
    char *shortened CLEANUP_FREE = report_shorten(printable, ANSWER_CHARS);
    return memory_printf(", \"%s\"", shortened);
}

static void on_reply(void *data, const struct http_reply *reply)
{
    struct report *report = data;
    report->request = 0;
    struct report_answer answer = report_answer_of(&report->target, reply, now_of(report));
    char *words CLEANUP_FREE = words_of(report, reply);
    char *why CLEANUP_FREE = reply->error.code
                                 ? memory_strdup(error_text(&reply->error))
                                 : memory_printf("it answers %d%s%s", reply->status, words, answer.remedy);
    settle(report, &(struct report_outcome){.verdict = answer.verdict,
                                            .pause_ms = answer.pause_ms,
                                            .backoff_ms = answer.backoff_ms,
                                            .why = why});
    report_go(report);
    tell_changes(report);
}

static void settle(struct report *report, struct report_outcome *outcome)
{
    wipe_free(TAKE(report->token));
    report->heeds_files = !outcome->pause_ms && !outcome->backoff_ms;
    outcome->chance = (unsigned)uv_hrtime(); /* jitter needs no more */
    bool is_news = report_queue_settle(report->queue, outcome, now_of(report));
    report->told_drops = report_queue_dropped(report->queue);
    if (!is_news)
        return;
    char *line CLEANUP_FREE =
        outcome->verdict == REPORT_DELIVERED
            ? memory_printf("notifications to %s work again", report->name)
            : memory_printf("notifications to %s %s: %s; deployments go on", report->name,
                            outcome->verdict == REPORT_REFUSED ? "are dropped" : "fail and are tried again",
                            outcome->why);
    report->options.say(report->options.data, outcome->verdict != REPORT_DELIVERED, line);
}

/* --- the request ---------------------------------------------------------------------------------------- */

static void wipe_secrets(struct report_secrets *secrets)
{
    wipe_free((char *)(uintptr_t)secrets->url);
    wipe_free((char *)(uintptr_t)secrets->token);
    wipe_free((char *)(uintptr_t)secrets->signer);
}

static void stamp_files(const struct report_target *target, struct file_stamp *ret_stamps)
{
    const char *const files[FILES] = {target->url_file, target->token_file, target->secret_file};
    for (size_t i = 0; i < FILES; i++)
        ret_stamps[i] = file_stamp_of(files[i]);
}

static bool are_files_new(const struct report *report)
{
    struct file_stamp now[FILES];
    bool is_new = false;
    stamp_files(&report->target, now);
    for (size_t i = 0; i < FILES; i++)
        is_new |= !file_stamp_equal(&now[i], &report->stamps[i]);
    return is_new;
}

static int read_secret(const char *path, const char *what, const char **ret_secret, struct error *err)
{
    char *line = NULL;
    int r = path ? credential_read_line(path, what, &line, err) : 0;
    *ret_secret = line;
    return r;
}

static int read_secrets(const struct report_target *target, struct report_secrets *secrets, struct error *err)
{
    int r = read_secret(target->url_file, "urlFile", &secrets->url, err);
    if (r == 0)
        r = read_secret(target->token_file, "tokenFile", &secrets->token, err);
    if (r == 0)
        r = read_secret(target->secret_file, "secretFile", &secrets->signer, err);
    return r;
}

static int send_request(struct report *report, const struct report_request *made, struct error *err)
{
    struct http_endpoint endpoint = {0};
    int r = http_endpoint_init(&endpoint, made->base, err);
    if (r == 0 && report->target.ca_file && text_starts_with(made->base, "https://"))
        r = http_endpoint_set_tls(&endpoint, report->target.ca_file, NULL, NULL, err);
    const struct http_request request = {.endpoint = &endpoint,
                                         .method = "POST",
                                         .path = made->path,
                                         .headers = (const char *const *)made->headers.items,
                                         .body = made->body,
                                         .body_len = strlen(made->body),
                                         .content_type = "application/json",
                                         .deadline_ms = LIMIT_REPORT_CALL_MS,
                                         .reply_max_bytes = LIMIT_REPORT_REPLY_BYTES,
                                         .reply_max_name = "LIMIT_REPORT_REPLY_BYTES",
                                         .data = report,
                                         .done = on_reply};
    if (r == 0)
        report->request = http_request(report->client, &request);
    http_endpoint_deinit(&endpoint);
    return r;
}

static int start(struct report *report, const struct report_message *message, struct error *err)
{
    struct report_secrets secrets CLEANUP(wipe_secrets) = {0};
    struct report_request made CLEANUP(report_request_deinit) = {0};
    stamp_files(&report->target, report->stamps); /* before they are read */
    int r = read_secrets(&report->target, &secrets, err);
    if (r < 0)
        return r;
    if (report_request_make(&report->target, message, &secrets, now_of(report), &made) < 0)
        return error_set(err, ERROR_INVALID, "the first line of the file of its %s is no %s",
                         secrets.url ? "URL" : "token", secrets.url ? "https:// URL" : "token");
    report->token = memory_strdup(secrets.token);
    return send_request(report, &made, err);
}

static void on_timer(uv_timer_t *timer)
{
    struct report *report = timer->data;
    report_go(report);
    tell_changes(report);
}

static void sleep_until(struct report *report, int64_t due_ms)
{
    int64_t wait_ms = due_ms - now_of(report);
    if (report->heeds_files && wait_ms > FILES_LOOK_MS)
        wait_ms = FILES_LOOK_MS;
    if (due_ms == INT64_MAX)
        uv_timer_stop(&report->timer);
    else
        uv_timer_start(&report->timer, on_timer, (uint64_t)(wait_ms > 0 ? wait_ms + 1 : 1), 0);
}

void report_go(struct report *report)
{
    assert(report);
    const struct report_message *message;
    if (report->closing)
        return;
    if (report->heeds_files && are_files_new(report))
        report_queue_hurry(report->queue, now_of(report));
    if ((message = report_queue_next(report->queue, now_of(report)))) {
        struct error err = ERROR_INIT;
        if (start(report, message, &err) < 0) /* a file that is not there may come */
            settle(report, &(struct report_outcome){.verdict = REPORT_FAILED, .why = error_text(&err)});
    }
    tell_drops(report);
    sleep_until(report, report_queue_due_ms(report->queue));
}

/* --- life ----------------------------------------------------------------------------------------------- */

struct report *report_new(const struct report_options *options)
{
    assert(options && options->loop && options->target);
    struct report *report = NEW(struct report);
    report->options = *options;
    report_target_copy(options->target, &report->target);
    report->options.target = &report->target;
    report->options.state = NULL;
    report->name = report_target_name(&report->target);
    report->queue = report_queue_from_json(options->state);
    report->client = http_client_new(options->loop, &(struct http_client_options){.max_idle_connections = 1});
    uv_timer_init(options->loop, &report->timer);
    report->timer.data = report;
    sleep_until(report, report_queue_due_ms(report->queue));
    return report;
}

static void on_closed(uv_handle_t *handle)
{
    struct report *report = handle->data;
    report_queue_free(report->queue);
    report_target_deinit(&report->target);
    wipe_free(report->token);
    free(report->name);
    free(report);
}

void report_close(struct report *report)
{
    assert(report && !report->closing);
    report->closing = true;
    http_client_free(report->client);
    uv_close((uv_handle_t *)&report->timer, on_closed);
}

const struct report_target *report_get_target(const struct report *report)
{
    assert(report);
    return &report->target;
}

struct report_queue *report_get_queue(struct report *report)
{
    assert(report);
    return report->queue;
}

json_t *report_to_json(const struct report *report)
{
    assert(report);
    return report_queue_to_json(report->queue);
}

json_t *report_status_json(const struct report *report)
{
    assert(report);
    const char *trouble = report_queue_trouble(report->queue);
    json_t *json = json_pack("{s:s, s:b, s:I, s:I, s:I}", "name", report->name, "ok", trouble == NULL,
                             "waiting", (json_int_t)report_queue_len(report->queue), "delivered",
                             (json_int_t)report_queue_delivered(report->queue), "dropped",
                             (json_int_t)report_queue_dropped(report->queue));
    model_set_string(json, "message", trouble);
    return json;
}
