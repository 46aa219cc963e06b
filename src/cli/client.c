#include "cli/client.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "http/client.h"
#include "model/json.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

char *cli_query_add(char *query, const char *name, const char *value)
{
    if (!value)
        return query;
    struct buffer out = BUFFER_INIT(LIMIT_API_REQUEST_BYTES);
    buffer_printf(&out, "%s%s%s=", query ? query : "", query ? "&" : "", name);
    for (const char *c = value; *c; c++)
        if (isalnum((unsigned char)*c) || strchr("-_.~", *c))
            buffer_append(&out, c, 1);
        else
            buffer_printf(&out, "%%%02X", (unsigned char)*c);
    free(query);
    return buffer_steal(&out);
}

char *cli_query_target(const char *cluster, const char *service)
{
    return cli_query_add(cli_query_add(NULL, "cluster", cluster), "service", service);
}

char *cli_query_argument(const struct cli *cli)
{
    char *cluster CLEANUP_FREE = NULL;
    char *service CLEANUP_FREE = NULL;
    if (!strchr(cli->argv[0], '/'))
        return cli_query_target(cli->argv[0], NULL);
    if (cli_target(cli, cli->argv[0], &cluster, &service))
        return NULL;
    return cli_query_target(cluster, service);
}

json_t *cli_sources(const json_t *answer)
{
    json_t *sources = json_object_get(answer, "sources");
    return sources ? json_incref(sources) : json_pack("[O*]", json_object_get(answer, "source"));
}

/* One question under way. */
struct question {
    const struct cli *cli;
    const struct cli_request *request;
    uv_timer_t patience;
    struct http_client *client;
    uint64_t id;
    int status;
    struct buffer line; /* of a stream: what has come of the next line */
    json_t *answer;
    struct error error;
};

static void end(struct question *question)
{
    uv_close((uv_handle_t *)&question->patience, NULL);
    http_client_free(TAKE(question->client));
}

static void on_headers(void *data, const struct http_reply *reply)
{
    struct question *question = data;
    question->status = reply->status;
    if (reply->status == 200 && question->request->on_begin)
        question->request->on_begin(question->request->data);
}

static int take_line(struct question *question)
{
    json_t *json = json_loads(buffer_str(&question->line), 0, NULL);
    buffer_clear(&question->line);
    if (!json)
        return error_set(&question->error, ERROR_PROTOCOL, "the daemon sent a line that is not JSON");
    int r = 0;
    if (question->status == 200)
        r = question->request->on_line(question->request->data, json);
    else
        question->answer = json_incref(json);
    json_decref(json);
    return r;
}

/* Lines of a stream; a refusal is one line too. */
static void on_data(void *data, const char *bytes, size_t len)
{
    struct question *question = data;
    int r = 0;
    for (size_t i = 0; i < len && r >= 0; i++) {
        if (bytes[i] == '\n')
            r = take_line(question);
        else if (buffer_append(&question->line, &bytes[i], 1) < 0)
            r = error_set(&question->error, ERROR_LIMIT, "a line is over LIMIT_LEDGER_ENTRY_BYTES");
    }
    if (r < 0) {
        http_cancel(question->client, question->id);
        end(question);
    }
}

/* A disk that is full is told in the words of the daemon. */
static void on_patience(uv_timer_t *timer)
{
    const struct question *question = timer->data;
    json_t *status CLEANUP(json_decrefp) = NULL;
    cli_request(question->cli, &(struct cli_request){.path = "/v1/source", .deadline_ms = CLI_WAIT_TOLD_MS},
                &status, NULL);
    cli_make_printable(status);
    const char *message = model_string(status, "message");
    cli_fail(question->cli, "not saved yet, and lost if davit is restarted now; waiting%s%s",
             message ? ": " : "", message ? message : "");
}

static void done(void *data, const struct http_reply *reply)
{
    struct question *question = data;
    question->error = reply->error;
    if (reply->status)
        question->status = reply->status;
    if (!reply->error.code && question->request->on_line && question->line.len)
        take_line(question);
    if (!reply->error.code && !question->request->on_line)
        question->answer = json_loadb(reply->body, reply->body_len, 0, NULL);
    end(question);
}

static int start(struct question *question, const struct http_endpoint *endpoint)
{
    const struct cli_request *request = question->request;
    char *body CLEANUP_FREE = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL;
    char *path CLEANUP_FREE = memory_printf("%s%s%s", request->ecs ? "/" : request->path,
                                            request->query ? "?" : "", request->query ? request->query : "");
    char *target CLEANUP_FREE =
        request->ecs ? memory_printf("X-Amz-Target: AmazonEC2ContainerServiceV20141113.%s", request->ecs)
                     : NULL;
    const char *const headers[] = {target, NULL};
    struct http_request http = {.endpoint = endpoint,
                                .method = request->ecs ? "POST" : request->method,
                                .path = path,
                                .headers = headers,
                                .body = body,
                                .body_len = body ? strlen(body) : 0,
                                .content_type = body ? "application/json" : NULL,
                                .data = question,
                                .on_headers = on_headers,
                                .on_data = request->on_line ? on_data : NULL,
                                .done = done};
    if (!request->on_line)
        http.deadline_ms = request->deadline_ms ? request->deadline_ms : CLI_REQUEST_MS;
    uv_loop_t loop;
    if (uv_loop_init(&loop) < 0)
        return error_set(&question->error, ERROR_INTERNAL, "cannot make an event loop");
    question->client = http_client_new(&loop, NULL);
    uv_timer_init(&loop, &question->patience);
    question->patience.data = question;
    if (request->keeps)
        uv_timer_start(&question->patience, on_patience, CLI_WAIT_TOLD_MS, 0);
    question->id = http_request(question->client, &http);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return question->error.code;
}

/* What a person does about a socket that does not answer. */
static int explain(const char *address, const struct error *cause, struct error *err)
{
    if (cause->code == ERROR_DENIED)
        return error_set(err, cause->code, "%s; you need to be in the socket's group (see ls -l %s)",
                         error_text(cause), address);
    if (cause->code != ERROR_UNAVAILABLE && cause->code != ERROR_NOT_FOUND)
        return error_set(err, cause->code, "%s", error_text(cause));
    return error_set(
        err, ERROR_UNAVAILABLE,
        "no davit daemon answers at %s (%s); start it with \"davit daemon\" or \"systemctl start davit\", "
        "or name its socket with --socket or DAVIT_SOCKET",
        address, error_text(cause));
}

static int refusal(const struct question *question, struct error *err)
{
    const char *message = model_string(json_object_get(question->answer, "error"), "message");
    if (question->request->ecs)
        message = model_string(question->answer, "message");
    int code = question->status == 404   ? ERROR_NOT_FOUND
               : question->status == 503 ? ERROR_CONFLICT
               : question->status == 403 ? ERROR_DENIED
                                         : ERROR_INVALID;
    if (message)
        return error_set(err, code, "%s", message);
    return error_set(err, ERROR_PROTOCOL, "the daemon answered with HTTP status %d", question->status);
}

/* A path, HOST:PORT, or a URL already; caller frees. */
static char *url_of(const char *address)
{
    char here[PATH_MAX];
    if (strstr(address, "://"))
        return memory_strdup(address);
    if (address[0] == '/')
        return memory_printf("unix://%s", address);
    if (strchr(address, ':') && !strchr(address, '/'))
        return memory_printf("tcp://%s", address);
    return memory_printf("unix://%s/%s", getcwd(here, sizeof here) ? here : "", address);
}

static int ask(struct question *question, const char *address, struct error *err)
{
    struct http_endpoint endpoint;
    char *url CLEANUP_FREE = url_of(address);
    int r = http_endpoint_init(&endpoint, url, err);
    if (r < 0)
        return error_wrap(err, r, "--socket");
    r = start(question, &endpoint);
    http_endpoint_deinit(&endpoint);
    if (r < 0)
        return explain(address, &question->error, err);
    if (question->status < 200 || question->status > 299)
        return refusal(question, err);
    if (!question->request->on_line && !question->answer)
        return error_set(err, ERROR_PROTOCOL, "what answers at %s is not davit", address);
    return 0;
}

int cli_request(const struct cli *cli, const struct cli_request *request, json_t **ret_answer,
                struct error *err)
{
    struct question question = {
        .cli = cli, .request = request, .line = BUFFER_INIT(LIMIT_LEDGER_ENTRY_BYTES)};
    int r = ask(&question, cli_value(cli, "socket"), err);
    buffer_deinit(&question.line);
    if (r == 0 && ret_answer)
        *ret_answer = question.answer;
    else
        json_decref(question.answer);
    return r;
}

/* --- streams that go on --------------------------------------------------------------------------------- */

#define AGAIN_MS 300

struct following {
    const struct cli *cli;
    struct cli_follow *follow;
    bool begun;
    bool lost;
    bool away; /* nobody listened meanwhile */
};

static void on_begin(void *data)
{
    struct following *following = data;
    if (following->lost)
        cli_fail(following->cli, following->away ? "davit was restarted; going on"
                                                 : "the connection was made anew; going on");
    following->begun = true;
    following->lost = following->away = false;
}

static int on_followed_line(void *data, const json_t *line)
{
    const struct following *following = data;
    return following->follow->request.on_line(following->follow->request.data, line);
}

/* A daemon that has just started may not know yet what is asked for. */
static bool is_ready(const struct cli *cli)
{
    return cli_request(cli, &(struct cli_request){.path = "/readyz"}, NULL, NULL) == 0;
}

/* Whether it is to be asked for again after this. */
static bool goes_on(const struct following *following, int code)
{
    if (!following->begun || ferror(following->cli->out))
        return false;
    return code == ERROR_IO || code == ERROR_UNAVAILABLE ||
           (code == ERROR_NOT_FOUND && following->lost && !is_ready(following->cli));
}

int cli_follow(const struct cli *cli, struct cli_follow *follow, struct error *err)
{
    struct following following = {.cli = cli, .follow = follow};
    for (;;) {
        struct cli_request request = follow->request;
        request.on_line = on_followed_line;
        request.on_begin = on_begin;
        request.data = &following;
        int r = cli_request(cli, &request, NULL, err);
        if (!goes_on(&following, r))
            return r;
        if (following.lost)
            nanosleep(&(struct timespec){.tv_nsec = AGAIN_MS * 1000000L}, NULL);
        else
            cli_fail(cli, "the connection to davit is lost; waiting for it");
        following.away |= following.lost && r == ERROR_UNAVAILABLE;
        following.lost = true;
        if (follow->again)
            follow->again(follow->request.data, &follow->request);
        *err = ERROR_INIT;
    }
}

int cli_restart(const struct cli *cli, const char *path, const char *what)
{
    char *cluster CLEANUP_FREE = NULL;
    char *service CLEANUP_FREE = NULL;
    if (cli_target(cli, cli->argv[0], &cluster, &service))
        return CLI_ERROR;
    char *query CLEANUP_FREE = cli_query_target(cluster, service);
    struct cli_request request = {.method = "POST", .path = path, .query = query, .keeps = true};
    struct error err = ERROR_INIT;
    json_t *answer CLEANUP(json_decrefp) = NULL;
    if (cli_request(cli, &request, &answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    if (json_object_get(answer, "suspended"))
        fprintf(cli->err, "%s/%s will be %s once it is resumed: it is suspended\n", cluster, service, what);
    else
        fprintf(cli->err, "%s/%s is %s; \"davit wait %s/%s\" shows how it gets on\n", cluster, service, what,
                cluster, service);
    return CLI_OK;
}
