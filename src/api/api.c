#include "api/api.h"

#include "api/operation.h"
#include "base/digest.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdio.h>

#define ECS_TARGET "AmazonEC2ContainerServiceV20141113."
#define ECS_TYPE   "application/x-amz-json-1.1"
#define OUR_TYPE   "application/json"
#define ONLY_UNIX                                                                                            \
    "by TCP davit only answers what reads; its commands (davit run-task, davit stop-task and others) and "   \
    "ECS's API over the unix socket change things"

struct api *api_new(const struct api_options *options)
{
    assert(options && options->core && options->now_ms && options->post && options->poke_source &&
           options->looks && options->saves && options->notifications && options->image_updates &&
           options->other_owners && options->engine);
    struct api *api = NEW(struct api);
    api->core = options->core;
    api->version = memory_strdup(options->version ? options->version : "");
    api->region = memory_strdup(options->region ? options->region : API_REGION);
    api->account = memory_strdup(options->account ? options->account : API_ACCOUNT);
    api->data = options->data;
    api->now_ms = options->now_ms;
    api->post = options->post;
    api->poke_source = options->poke_source;
    api->looks = options->looks;
    api->saves = options->saves;
    api->notifications = options->notifications;
    api->image_updates = options->image_updates;
    api->other_owners = options->other_owners;
    api->engine = options->engine;
    api_events_init(api);
    api_logs_init(api);
    return api;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    api_events_deinit(api);
    api_logs_deinit(api);
    for (size_t i = 0; i < api->replies.len; i++)
        json_decref(api->replies.items[i].json);
    vector_deinit(&api->replies);
    free(api->version);
    free(api->region);
    free(api->account);
    free(api);
}

char *api_stream_key(const struct http_server *server, uint64_t id)
{
    return memory_printf("%p/%llu", (const void *)server, (unsigned long long)id);
}

void api_request_id(const struct http_exchange *exchange, int64_t now_ms,
                    char ret_id[static API_REQUEST_ID_SIZE])
{
    uint64_t unique[2] = {http_exchange_id(exchange), (uint64_t)now_ms};
    struct digest digest = digest_of_bytes(unique, sizeof unique);
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    snprintf(ret_id, API_REQUEST_ID_SIZE, "%.8s-%.4s-4%.3s-a%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15,
             hex + 18);
}

/* Takes json. */
static void reply_json(struct http_exchange *exchange, unsigned status, const char *type, json_t *json)
{
    char *text CLEANUP_FREE = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(13));
    http_reply(exchange, text ? status : 500, type, text, text ? strlen(text) : 0);
    json_decref(json);
}

/* Messages quote what the client sent, and are cut: JSON takes well-formed UTF-8 only. */
static json_t *words_of(const struct api_fault *fault)
{
    char text[sizeof fault->message];
    memcpy(text, fault->message, sizeof text);
    text_mend_utf8(text);
    return json_string(text);
}

void api_reply_json(struct http_exchange *exchange, unsigned status, json_t *json)
{
    reply_json(exchange, status, OUR_TYPE, json);
}

static void reply_ecs_fault(struct http_exchange *exchange, const struct api_fault *fault)
{
    http_exchange_add_header(exchange, "x-amzn-ErrorType", fault->type);
    reply_json(exchange, fault->status >= 500 ? 500 : 400, ECS_TYPE,
               json_pack("{s:s,s:o}", "__type", fault->type, "message", words_of(fault)));
}

static void reply_fault(struct http_exchange *exchange, const struct api_fault *fault)
{
    reply_json(exchange, (unsigned)fault->status, OUR_TYPE,
               json_pack("{s:i,s:{s:s,s:o}}", "schemaVersion", 1, "error", "type", fault->type, "message",
                         words_of(fault)));
}

static void set_fault(struct api_fault *fault, int status, const char *type, const char *message)
{
    *fault = (struct api_fault){.status = status, .type = type};
    snprintf(fault->message, sizeof fault->message, "%s", message);
}

/* NULL unless the body is a JSON object; an empty body is the empty object. */
static json_t *input_of(const struct http_exchange *exchange)
{
    size_t len;
    const char *body = http_exchange_body(exchange, &len);
    if (!len)
        return json_object();
    json_t *input = json_loadb(body, len, 0, NULL);
    if (json_is_object(input))
        return input;
    json_decref(input);
    return NULL;
}

static int ecs_fault_of(const char *name, const struct api_operation *operation, const json_t *input,
                        bool is_unix, struct api_fault *fault)
{
    if (!operation) {
        set_fault(fault, 400, "UnsupportedFeatureException", "");
        bool reads = text_starts_with(name, "List") || text_starts_with(name, "Describe") ||
                     text_starts_with(name, "Get");
        snprintf(fault->message, sizeof fault->message, "davit does not offer %.100s%s", name,
                 reads ? "" : ": changes are made by a commit to the repository");
        return ERROR_UNSUPPORTED;
    }
    if (!input) {
        set_fault(fault, 400, "SerializationException", "the request's body is not a JSON object");
        return ERROR_INVALID;
    }
    if (operation->changes && !is_unix) {
        set_fault(fault, 400, "AccessDeniedException", ONLY_UNIX);
        return ERROR_DENIED;
    }
    return 0;
}

/* Takes reply->json. */
static void reply_when_saved(struct api *api, struct http_exchange *exchange, const struct api_reply *reply)
{
    struct api_saves saves;
    api->saves(api->data, &saves);
    if (saves.saved >= saves.wanted) {
        reply_json(exchange, reply->status, reply->type, reply->json);
        return;
    }
    struct api_reply later = *reply;
    later.id = http_exchange_id(exchange);
    later.saves = saves.wanted;
    vector_push(&api->replies, later);
}

void api_saved(struct api *api)
{
    assert(api);
    struct api_saves saves;
    api->saves(api->data, &saves);
    for (size_t i = 0; i < api->replies.len;) {
        struct api_reply reply = api->replies.items[i];
        if (reply.saves > saves.saved) {
            i++;
            continue;
        }
        vector_remove(&api->replies, i);
        struct http_exchange *exchange = http_server_find(reply.server, reply.id);
        if (exchange)
            reply_json(exchange, reply.status, reply.type, reply.json);
        else
            json_decref(reply.json);
    }
}

static void handle_ecs(const struct api_listener *listener, struct http_exchange *exchange)
{
    struct api *api = listener->api;
    struct api_fault fault = {0};
    const char *target = http_exchange_header(exchange, "X-Amz-Target");
    char id[API_REQUEST_ID_SIZE];
    api_request_id(exchange, api->now_ms(api->data), id);
    http_exchange_add_header(exchange, "x-amzn-RequestId", id);
    if (!target || !text_starts_with(target, ECS_TARGET)) {
        set_fault(&fault, 400, "UnknownOperationException",
                  "expected the header X-Amz-Target: " ECS_TARGET
                  "<Operation>; the native interface is under /v1/");
        reply_ecs_fault(exchange, &fault);
        return;
    }
    const char *name = target + strlen(ECS_TARGET);
    const struct api_operation *operation = api_operation_find(NULL, name);
    json_t *input CLEANUP(json_decrefp) = input_of(exchange);
    json_t *output = NULL;
    if (ecs_fault_of(name, operation, input, http_exchange_is_unix(exchange), &fault) < 0 ||
        operation->answer(api, input, &output, &fault) < 0)
        reply_ecs_fault(exchange, &fault);
    else if (operation->changes == API_KEEPS)
        reply_when_saved(
            api, exchange,
            &(struct api_reply){.server = listener->server, .status = 200, .type = ECS_TYPE, .json = output});
    else
        reply_json(exchange, 200, ECS_TYPE, output);
}

static int add_parameters(const struct http_exchange *exchange, const char *names, json_t *input,
                          struct api_fault *fault)
{
    char name[32];
    int used;
    for (; names && sscanf(names, " %31s%n", name, &used) == 1; names += used) {
        const char *value = http_exchange_query(exchange, name);
        if (value && !text_is_utf8(value, strlen(value)))
            return api_fault_invalid(fault, "the parameter %s is not UTF-8", name);
        model_set_string(input, name, value);
    }
    return 0;
}

/* What is wrong about a path and method before anything is looked at; 0 when all is well. */
static int native_fault_of(const struct http_exchange *exchange, const struct api_operation *operation,
                           const json_t *input, struct api_fault *fault)
{
    const char *path = http_exchange_path(exchange);
    if (!operation) {
        const char *other = text_equal(http_exchange_method(exchange), "GET") ? "POST" : "GET";
        if (!api_operation_find(other, path))
            return api_fault_not_found(fault, "NotFoundException", "there is nothing at %.200s", path);
        set_fault(fault, 405, "MethodNotAllowedException", "");
        snprintf(fault->message, sizeof fault->message, "%.200s is asked with %s", path, other);
        return ERROR_UNSUPPORTED;
    }
    if (operation->changes && !http_exchange_is_unix(exchange)) {
        set_fault(fault, 403, "AccessDeniedException", ONLY_UNIX);
        return ERROR_DENIED;
    }
    if (!input)
        return api_fault_invalid(fault, "the request's body is not a JSON object");
    return 0;
}

static bool wants_stream(const struct api_operation *operation, const json_t *input)
{
    return operation->stream && (!operation->answer || api_parameter_is_on(input, "follow"));
}

static void handle_native(const struct api_listener *listener, struct http_exchange *exchange)
{
    struct api_fault fault = {0};
    const char *method = http_exchange_method(exchange);
    const struct api_operation *operation =
        api_operation_find(text_equal(method, "HEAD") ? "GET" : method, http_exchange_path(exchange));
    json_t *input CLEANUP(json_decrefp) = input_of(exchange);
    if (native_fault_of(exchange, operation, input, &fault) < 0 ||
        add_parameters(exchange, operation->parameters, input, &fault) < 0) {
        reply_fault(exchange, &fault);
        return;
    }
    if (wants_stream(operation, input)) {
        struct api_stream_call call = {listener->api, listener->server, exchange, input};
        if (operation->stream(&call, &fault) < 0)
            reply_fault(exchange, &fault);
        return;
    }
    json_t *output = NULL;
    if (operation->answer(listener->api, input, &output, &fault) < 0)
        reply_fault(exchange, &fault);
    else if (operation->changes == API_KEEPS)
        reply_when_saved(
            listener->api, exchange,
            &(struct api_reply){.server = listener->server, .status = 202, .type = OUR_TYPE, .json = output});
    else
        api_reply_json(exchange, operation->changes ? 202 : 200, output);
}

void api_handle(void *data, struct http_exchange *exchange)
{
    const struct api_listener *listener = data;
    assert(listener && listener->api && exchange);
    if (text_equal(http_exchange_path(exchange), "/") && text_equal(http_exchange_method(exchange), "POST"))
        handle_ecs(listener, exchange);
    else
        handle_native(listener, exchange);
}
