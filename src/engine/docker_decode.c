#include "engine/docker_decode.h"

#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUOTE_CHARS 120
#define IP_CHARS    45

int docker_decode_json(const char *body, size_t len, json_t **ret_json, struct error *err)
{
    json_error_t cause;
    json_t *json = json_loadb(body, len, 0, &cause);
    if (!json)
        return error_set(err, ERROR_PROTOCOL, "the engine's answer is not JSON (%s): %.*s", cause.text,
                         (int)(len < QUOTE_CHARS ? len : QUOTE_CHARS), body);
    *ret_json = json;
    return 0;
}

static const struct {
    int status;
    int code;
} status_codes[] = {
    {400, ERROR_INVALID},  {401, ERROR_DENIED},      {403, ERROR_DENIED},      {404, ERROR_NOT_FOUND},
    {409, ERROR_CONFLICT}, {501, ERROR_UNSUPPORTED}, {503, ERROR_UNAVAILABLE},
};

/* Podman answers 500 to most of what Docker has a status for, and tells the innermost error apart. */
static const struct {
    const char *cause; /* begins so */
    int code;
} podman_causes[] = {
    {"network already exists", ERROR_CONFLICT},
    {"network is being used", ERROR_CONFLICT},
    {"that name is already in use", ERROR_CONFLICT},
    {"container state improper", ERROR_CONFLICT},
    {"invalid signal", ERROR_INVALID},
    {"OCI runtime attempted to invoke a command that was not found", ERROR_INVALID},
    {"OCI permission denied", ERROR_INVALID},
};

static int failure_code(int status, const char *cause)
{
    for (size_t i = 0; i < ARRAY_LEN(status_codes); i++)
        if (status_codes[i].status == status)
            return status_codes[i].code;
    for (size_t i = 0; cause && i < ARRAY_LEN(podman_causes); i++)
        if (text_starts_with(cause, podman_causes[i].cause))
            return podman_causes[i].code;
    return status >= 500 ? ERROR_INTERNAL : ERROR_PROTOCOL;
}

int docker_decode_failure(int status, const char *body, size_t len, struct error *err)
{
    json_t *json = json_loadb(body, len, 0, NULL);
    int code = failure_code(status, model_string(json, "cause"));
    const char *message = model_string(json, "message");
    if (message && message[0])
        error_set(err, code, "%s", message);
    else
        error_set(err, code, "the engine answered HTTP status %d", status);
    json_decref(json);
    return code;
}

/* The engine's own words, held to LIMIT_ENGINE_TEXT_BYTES at the end of a character. NULL without any. */
static char *words_of(const json_t *object, const char *key)
{
    const char *text = model_string(object, key);
    size_t len = text ? strlen(text) : 0;
    if (len > LIMIT_ENGINE_TEXT_BYTES)
        for (len = LIMIT_ENGINE_TEXT_BYTES; len && ((unsigned char)text[len] & 0xC0) == 0x80;)
            len--;
    return text ? memory_strndup(text, len) : NULL;
}

/* --- versions ------------------------------------------------------------------------------------------- */

/* "1.41" as 1041, or -1. */
static int version_number(const char *text)
{
    const char *dot = text ? strchr(text, '.') : NULL;
    int64_t major, minor;
    if (!dot || dot - text > 4)
        return -1;
    char *head CLEANUP_FREE = memory_strndup(text, (size_t)(dot - text));
    if (text_to_int64(head, 0, 999, &major) < 0 || text_to_int64(dot + 1, 0, 999, &minor) < 0)
        return -1;
    return (int)(major * 1000 + minor);
}

int docker_decode_version(const json_t *json, struct engine_version *ret_version, struct error *err)
{
    const char *max = model_string(json, "ApiVersion");
    const char *min = model_string(json, "MinAPIVersion");
    if (version_number(max) < 0)
        return error_set(err, ERROR_PROTOCOL, "the engine's answer to /version has no ApiVersion");
    /* Engines before 1.25 do not say: they speak their own version only. */
    if (version_number(min) < 0)
        min = max;
    const char *api = version_number(max) < version_number(DOCKER_API_MAX) ? max : DOCKER_API_MAX;
    if (version_number(api) < version_number(min) || version_number(api) < version_number(DOCKER_API_MIN))
        return error_set(err, ERROR_UNSUPPORTED, "the engine speaks API %s to %s, davit speaks %s to %s", min,
                         max, DOCKER_API_MIN, DOCKER_API_MAX);
    *ret_version = (struct engine_version){memory_strdup(api), memory_strdup(min), memory_strdup(max)};
    return 0;
}

void docker_version_deinit(struct engine_version *version)
{
    free(version->api);
    free(version->min_api);
    free(version->max_api);
    *version = (struct engine_version){0};
}

int docker_decode_info(const json_t *info, const struct engine_version *version,
                       struct instance_info *ret_info, struct error *err)
{
    const char *server = model_string(info, "ServerVersion");
    if (!server)
        return error_set(err, ERROR_PROTOCOL, "the engine's answer to /info has no ServerVersion");
    /* Both call themselves nothing here, but only Podman is built on Buildah. */
    const char *kind = json_object_get(info, "BuildahVersion") ? "podman" : "docker";
    ret_info->engine = memory_printf("%s %.*s", kind, LIMIT_NAME_CHARS, server);
    text_mend_utf8(ret_info->engine); /* it may have been cut */
    ret_info->api_version = memory_strdup(version->api);
    ret_info->os = words_of(info, "OSType");
    ret_info->arch = words_of(info, "Architecture");
    ret_info->cpu_units = model_int_in(info, "NCPU", 0, INT32_MAX / 1024) * 1024;
    ret_info->memory_mib = model_int(info, "MemTotal") / (1024 * 1024);
    return 0;
}

/* --- containers ----------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    enum container_status status;
} statuses[] = {
    {"created", CONTAINER_CREATED},
    {"running", CONTAINER_RUNNING},
    {"paused", CONTAINER_RUNNING},
    {"restarting", CONTAINER_RUNNING},
    {"exited", CONTAINER_STOPPED},
    {"dead", CONTAINER_STOPPED},
    {"removing", CONTAINER_STOPPED},
    /* Podman's */
    {"configured", CONTAINER_CREATED},
    {"initialized", CONTAINER_CREATED},
    {"stopping", CONTAINER_RUNNING},
    {"stopped", CONTAINER_STOPPED},
};

static int decode_state_word(const char *word, enum container_status *ret_status)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        if (text_equal(statuses[i].word, word)) {
            *ret_status = statuses[i].status;
            return 0;
        }
    }
    return ERROR_PROTOCOL;
}

static int decode_status(const json_t *state, enum container_status *ret_status, struct error *err)
{
    const char *word = model_string(state, "Status");
    if (decode_state_word(word, ret_status) == 0)
        return 0;
    return error_set(err, ERROR_PROTOCOL, "unknown container status \"%s\"", word ? word : "");
}

/* "0001-01-01T00:00:00Z" is Docker's never. */
static int64_t time_of(const json_t *object, const char *key)
{
    const char *text = model_string(object, key);
    int64_t ms = 0;
    if (!text || text_to_time_ms(text, &ms) < 0 || ms < 0)
        return 0;
    return ms;
}

static void decode_state(const json_t *state, struct container *container)
{
    container->started_ms = time_of(state, "StartedAt");
    container->finished_ms = time_of(state, "FinishedAt");
    container->oom_killed = model_bool(state, "OOMKilled");
    const char *reason = model_string(state, "Error");
    container->reason = reason && reason[0] ? words_of(state, "Error") : NULL;
    if (container->status == CONTAINER_STOPPED && container->finished_ms) {
        container->has_exit_code = true;
        container->exit_code = model_int_in(state, "ExitCode", INT32_MIN, INT32_MAX);
    }
    const json_t *health = json_object_get(state, "Health");
    const char *word = model_string(health ? health : json_object_get(state, "Healthcheck"), "Status");
    /* Only the task definition's check counts, not the image's. */
    if (container->labels.spec->has_health_check && text_equal(word, "healthy"))
        container->health = HEALTH_HEALTHY;
    else if (container->labels.spec->has_health_check && text_equal(word, "unhealthy"))
        container->health = HEALTH_UNHEALTHY;
}

/* IPv4 and IPv6 bindings of one port are one binding to ECS. */
static bool has_binding(const struct container *container, const struct port_binding *port)
{
    for (size_t i = 0; i < container->ports.len; i++) {
        const struct port_binding *other = &container->ports.items[i];
        if (other->container_port == port->container_port && other->host_port == port->host_port &&
            other->udp == port->udp)
            return true;
    }
    return false;
}

/* "80/tcp": the number, or 0. */
static int port_of(const char *key)
{
    int64_t port;
    char *number CLEANUP_FREE = memory_strndup(key, strcspn(key, "/"));
    return text_to_int64(number, 1, 65535, &port) == 0 ? (int)port : 0;
}

static void decode_port(const char *key, const json_t *bindings, struct container *container)
{
    size_t i;
    json_t *item;
    json_array_foreach (bindings, i, item) {
        struct port_binding port = {.container_port = port_of(key), .udp = text_ends_with(key, "/udp")};
        int64_t host_port;
        const char *text = model_string(item, "HostPort");
        if (!port.container_port || !text || text_to_int64(text, 1, 65535, &host_port) < 0)
            continue;
        port.host_port = (int)host_port;
        model_string_into(item, "HostIp", port.host_ip, sizeof port.host_ip);
        if (!has_binding(container, &port) && container->ports.len < LIMIT_PORT_MAPPINGS)
            vector_push(&container->ports, port);
    }
}

static void decode_network(const json_t *settings, struct container *container)
{
    const char *key;
    json_t *value;
    const char *ip = model_string(settings, "IPAddress");
    json_object_foreach (json_object_get(settings, "Networks"), key, value)
        if (!ip || !ip[0])
            ip = model_string(value, "IPAddress");
    container->ip = ip && ip[0] ? memory_strndup(ip, IP_CHARS) : NULL;
    json_object_foreach (json_object_get(settings, "Ports"), key, value)
        decode_port(key, value, container);
}

static int compare_ports(const void *a, const void *b)
{
    const struct port_binding *x = a;
    const struct port_binding *y = b;
    if (x->container_port != y->container_port)
        return x->container_port - y->container_port;
    return x->host_port != y->host_port ? x->host_port - y->host_port : x->udp - y->udp;
}

int docker_decode_container(const json_t *json, struct container **ret_container, struct error *err)
{
    assert(ret_container);
    struct container *container CLEANUP(container_freep) = NEW(struct container);
    const json_t *config = json_object_get(json, "Config");
    const json_t *state = json_object_get(json, "State");
    const char *id = model_string(json, "Id");
    const char *name = model_string(json, "Name");
    if (!id || !name || !json_is_object(config) || !json_is_object(state))
        return error_set(err, ERROR_PROTOCOL, "the engine's inspection lacks Id, Name, Config or State");
    if (strlen(id) > LIMIT_ENGINE_TEXT_BYTES || strlen(name) > LIMIT_ENGINE_TEXT_BYTES)
        return error_set(err, ERROR_LIMIT, "a container's Id or Name is over LIMIT_ENGINE_TEXT_BYTES (%d)",
                         LIMIT_ENGINE_TEXT_BYTES);
    int r = task_labels_from_json(json_object_get(config, "Labels"), &container->labels, err);
    if (r < 0)
        return r;
    r = decode_status(state, &container->status, err);
    if (r < 0)
        return r;
    container->id = memory_strdup(id);
    container->name = memory_strdup(name[0] == '/' ? name + 1 : name);
    container->image = words_of(config, "Image");
    container->image_id = words_of(json, "Image");
    container->created_ms = time_of(json, "Created");
    decode_state(state, container);
    /* Podman shows the address of the one who is joined, as if it were its own. */
    const char *network_mode = model_string(json_object_get(json, "HostConfig"), "NetworkMode");
    if (!network_mode || !text_starts_with(network_mode, "container:"))
        decode_network(json_object_get(json, "NetworkSettings"), container);
    vector_sort(&container->ports, compare_ports);
    *ret_container = TAKE(container);
    return 0;
}

/* "Up 5 minutes (healthy)", "Exited (137) 3 hours ago". */
static void decode_phrase(const char *phrase, struct container *container)
{
    if (container->labels.spec->has_health_check && strstr(phrase, "(healthy)"))
        container->health = HEALTH_HEALTHY;
    else if (container->labels.spec->has_health_check && strstr(phrase, "(unhealthy)"))
        container->health = HEALTH_UNHEALTHY;
    static const char exited[] = "Exited (";
    if (container->status != CONTAINER_STOPPED || strncmp(phrase, exited, strlen(exited)) != 0)
        return;
    char *end;
    long code = strtol(phrase + strlen(exited), &end, 10);
    container->has_exit_code = end != phrase + strlen(exited) && *end == ')' && code >= 0 && code <= INT_MAX;
    container->exit_code = container->has_exit_code ? (int)code : 0;
}

int docker_decode_entry(const json_t *entry, const struct error *cause, struct container **ret_container,
                        struct error *err)
{
    assert(cause);
    assert(ret_container);
    struct container *container CLEANUP(container_freep) = NEW(struct container);
    const char *id = model_string(entry, "Id");
    const char *name = json_string_value(json_array_get(json_object_get(entry, "Names"), 0));
    const char *phrase = model_string(entry, "Status");
    if (!id || strlen(id) > LIMIT_ENGINE_TEXT_BYTES || (name && strlen(name) > LIMIT_ENGINE_TEXT_BYTES))
        return error_set(err, ERROR_PROTOCOL, "an entry of the engine's list lacks Id, or it is too long: %s",
                         error_text(cause));
    if (!name) /* one that is being removed may have lost it */
        name = id;
    int r = task_labels_from_json(json_object_get(entry, "Labels"), &container->labels, err);
    if (r < 0)
        return r;
    if (decode_state_word(model_string(entry, "State"), &container->status) < 0)
        container->status = CONTAINER_RUNNING;
    container->id = memory_strdup(id);
    container->name = memory_strdup(name[0] == '/' ? name + 1 : name);
    container->image = words_of(entry, "Image");
    container->image_id = words_of(entry, "ImageID");
    container->reason = memory_printf("cannot be inspected: %s", error_text(cause));
    container->created_ms = model_int_in(entry, "Created", 0, INT32_MAX) * 1000LL;
    if (container->status != CONTAINER_CREATED)
        container->started_ms = container->created_ms;
    if (phrase)
        decode_phrase(phrase, container);
    *ret_container = TAKE(container);
    return 0;
}

int docker_decode_ids(const json_t *json, struct string_vec *ret_ids, struct error *err)
{
    size_t i;
    json_t *item;
    struct string_vec ids CLEANUP(string_vec_deinit) = {0};
    if (!json_is_array(json))
        return error_set(err, ERROR_PROTOCOL, "the engine's list of containers is no list");
    json_array_foreach (json, i, item) {
        const char *id = model_string(item, "Id");
        if (!id)
            return error_set(err, ERROR_PROTOCOL, "the engine's list has a container without Id");
        vector_push(&ids, memory_strdup(id));
    }
    *ret_ids = ids;
    ids = (struct string_vec){0};
    return 0;
}
