/* What the process gets: variables, labels, health checks. */
#include "base/text.h"
#include "engine/docker_create_map.h"
#include "model/json.h"

#define NS_PER_S 1000000000LL

int docker_map_environment(struct docker_body *body, const char *field, const json_t *value,
                           struct error *err)
{
    (void)err;
    size_t i;
    json_t *item;
    json_t *env = json_array();
    json_array_foreach (value, i, item) {
        const char *name = model_string(item, "name");
        const char *text = model_string(item, "value");
        if (name)
            json_array_append_new(env, json_sprintf("%s=%s", name, text ? text : ""));
    }
    json_object_set_new(body->config, field, env);
    return 0;
}

/* davit's labels win over the user's, also where it sets none: davit.group makes a task a standalone one. */
int docker_map_labels(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    json_t *labels = json_object();
    const char *key;
    json_t *label;
    json_object_foreach ((json_t *)(uintptr_t)value, key, label)
        if (!text_starts_with(key, "davit."))
            json_object_set(labels, key, label);
    json_t *own = task_labels_to_json(body->create->labels);
    json_object_update(labels, own);
    json_decref(own);
    json_object_set_new(body->config, field, labels);
    return 0;
}

/* ECS's defaults stand for what is absent; seconds become nanoseconds. */
static json_t *seconds(const json_t *object, const char *key, int default_s)
{
    const json_t *value = json_object_get(object, key);
    return json_integer((json_is_integer(value) ? json_integer_value(value) : default_s) * NS_PER_S);
}

int docker_map_health_check(struct docker_body *body, const char *field, const json_t *value,
                            struct error *err)
{
    (void)err;
    const json_t *retries = json_object_get(value, "retries");
    json_t *check = json_object();
    json_object_set_new(check, "Test", json_deep_copy(json_object_get(value, "command")));
    json_object_set_new(check, "Interval", seconds(value, "interval", 30));
    json_object_set_new(check, "Timeout", seconds(value, "timeout", 5));
    json_object_set_new(check, "Retries",
                        json_integer(json_is_integer(retries) ? json_integer_value(retries) : 3));
    json_object_set_new(check, "StartPeriod", seconds(value, "startPeriod", 0));
    json_object_set_new(body->config, field, check);
    return 0;
}
