/* Where output goes: ECS's log configuration, or what davit's configuration puts in its place. Options out of
 * secrets are options like the others: they go to the driver that they are for, or nowhere. */
#include "base/buffer.h"
#include "base/text.h"
#include "engine/docker_create_map.h"
#include "model/json.h"

/* Drivers that talk to a server; ECS does not let a container wait for one (since 2025). */
static const char *const remote_drivers[] = {"awslogs", "fluentd", "gelf", "splunk", "syslog"};
/* Options that every driver takes, and those that most take. */
static const char *const delivery_options[] = {"mode", "max-buffer-size"};
static const char *const message_options[] = {"tag", "labels", "labels-regex", "env", "env-regex"};
static const char *const message_drivers[] = {"fluentd", "gelf", "journald", "json-file", "splunk", "syslog"};

static bool is_in(const char *word, const char *const *words, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text_equal(word, words[i]))
            return true;
    return false;
}

static void keep(json_t *options, const json_t *from, const char *const *names, size_t len)
{
    for (size_t i = 0; i < len; i++)
        model_set_string(options, names[i], model_string(from, names[i]));
}

/* As ECS names the log stream, from awslogs-stream-prefix; NULL without one. Caller frees. */
static char *stream_name(const struct docker_body *body, const json_t *options)
{
    const char *prefix = model_string(options, "awslogs-stream-prefix");
    return prefix ? memory_printf("%s/%s/%s", prefix, body->create->container, body->create->labels->task)
                  : NULL;
}

/* Docker's driver does not know the prefix: it is ECS's own. */
static void name_stream(const struct docker_body *body, json_t *options)
{
    char *stream CLEANUP_FREE = stream_name(body, options);
    if (stream && !model_string(options, "awslogs-stream"))
        model_set_string(options, "awslogs-stream", stream);
    json_object_del(options, "awslogs-stream-prefix");
}

/* What tells whose lines they are: awslogs has it in the stream's name, awsfirelens in a tag of its own. */
static char *tag_of(const struct docker_body *body, const char *driver, const json_t *options)
{
    if (text_equal(driver, "awsfirelens"))
        return memory_printf("%s-firelens-%s", body->create->container, body->create->labels->task);
    return stream_name(body, options);
}

static void warn_of_dropped(struct docker_body *body, const char *from, const char *to, const json_t *options,
                            const json_t *kept)
{
    const char *name;
    const json_t *value;
    struct buffer names CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_ERROR_CHARS);
    json_object_foreach ((json_t *)options, name, value)
        if (!json_object_get(kept, name) && !text_equal(name, "awslogs-stream-prefix"))
            buffer_printf(&names, "%s%s", names.len ? ", " : "", name);
    if (names.len)
        body->warning = memory_printf("%s gives way to the log driver %s, which does not get %s", from, to,
                                      buffer_str(&names));
}

/* Options of one driver mean nothing to another, but for those that all have, and those that most have. */
static json_t *translate(struct docker_body *body, const char *from, const char *to, const json_t *options)
{
    json_t *out = json_object();
    keep(out, options, delivery_options, ARRAY_LEN(delivery_options));
    if (is_in(to, message_drivers, ARRAY_LEN(message_drivers))) {
        char *tag CLEANUP_FREE = tag_of(body, from, options);
        model_set_string(out, "tag", tag);
        keep(out, options, message_options, ARRAY_LEN(message_options));
    }
    warn_of_dropped(body, from, to, options, out);
    return out;
}

/* What the definition says, and what the secrets that it names say: the caller's. */
static json_t *options_of(const struct docker_body *body, const json_t *log)
{
    json_t *options = json_deep_copy(json_object_get(log, "options"));
    if (!options)
        options = json_object();
    if (body->create->log_options)
        json_object_update(options, (json_t *)body->create->log_options);
    return options;
}

static void set_delivery(const char *driver, json_t *options)
{
    if (!model_string(options, "mode") && is_in(driver, remote_drivers, ARRAY_LEN(remote_drivers)))
        model_set_string(options, "mode", "non-blocking");
    if (text_equal(model_string(options, "mode"), "non-blocking") &&
        !model_string(options, "max-buffer-size"))
        model_set_string(options, "max-buffer-size", "10m"); /* ECS agent */
}

int docker_map_log(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    const char *driver = model_string(value, "logDriver");
    /* {"driver", "options"} of the configuration; its options win. */
    const json_t *instead = json_object_get(body->settings->log_drivers, driver ? driver : "");
    if (!instead && text_equal(driver, "awsfirelens"))
        return error_set(err, ERROR_INVALID,
                         "davit runs no log router for awsfirelens; logDrivers.awsfirelens in its "
                         "configuration can name another driver");
    json_t *options = options_of(body, value);
    if (instead && !text_equal(driver, model_string(instead, "driver"))) {
        json_t *own = options;
        options = translate(body, driver, model_string(instead, "driver"), own);
        driver = model_string(instead, "driver");
        json_decref(own);
    }
    if (instead && json_object_get(instead, "options"))
        json_object_update(options, json_object_get(instead, "options"));
    if (text_equal(driver, "awslogs"))
        name_stream(body, options);
    set_delivery(driver, options);
    json_object_set_new(body->host, field, json_pack("{s:s?,s:o}", "Type", driver, "Config", options));
    return 0;
}
