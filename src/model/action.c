#include "model/action.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/image.h"
#include "model/json.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

static const char *const kind_names[] = {"create", "start", "stop", "remove", "resolve"};

const char *action_kind_name(enum action_kind kind)
{
    assert((size_t)kind < ARRAY_LEN(kind_names));
    return kind_names[kind];
}

struct action *action_new(enum action_kind kind)
{
    struct action *action = NEW(struct action);
    action->kind = kind;
    return action;
}

void action_free(struct action *action)
{
    if (!action)
        return;
    free(action->instance);
    free(action->cluster);
    free(action->service);
    free(action->container);
    free(action->container_id);
    free(action->reason);
    free(action->image);
    free(action->name);
    task_labels_deinit(&action->labels);
    task_definition_unref(action->task_definition);
    free(action);
}

struct action *action_copy(const struct action *action)
{
    assert(action);
    struct action *copy = memory_alloc(sizeof *copy);
    *copy = *action;
    copy->instance = memory_strdup(action->instance);
    copy->cluster = memory_strdup(action->cluster);
    copy->service = memory_strdup(action->service);
    copy->container = memory_strdup(action->container);
    copy->container_id = memory_strdup(action->container_id);
    copy->reason = memory_strdup(action->reason);
    copy->image = memory_strdup(action->image);
    copy->name = memory_strdup(action->name);
    task_labels_copy(&action->labels, &copy->labels);
    copy->task_definition = action->task_definition ? task_definition_ref(action->task_definition) : NULL;
    return copy;
}

void action_vec_deinit(struct action_vec *actions)
{
    assert(actions);
    for (size_t i = 0; i < actions->len; i++)
        action_free(actions->items[i]);
    vector_deinit(actions);
}

char *action_key(const struct action *action)
{
    assert(action);
    assert(action->instance);
    assert(action->container);
    return memory_printf("%s/%s/%s", action->instance, action->task, action->container);
}

const char *action_image(const struct action *action)
{
    assert(action);
    if (action->image || !action->task_definition)
        return action->image;
    return image_of(action->task_definition, action->container);
}

json_t *action_to_json(const struct action *action)
{
    assert(action);
    json_t *json = json_object();
    model_set_int(json, "id", (int64_t)action->id);
    model_set_string(json, "kind", action_kind_name(action->kind));
    model_set_string(json, "instance", action->instance);
    model_set_string(json, "cluster", action->cluster);
    model_set_string(json, "service", action->service);
    model_set_string(json, "task", action->task);
    model_set_string(json, "container", action->container);
    model_set_string(json, "containerId", action->container_id);
    if (action->kind == ACTION_STOP)
        json_object_set_new(json, "stopTimeout", json_integer(action->stop_timeout_s));
    model_set_string(json, "reason", action->reason);
    model_set_string(json, "image", action->image);
    if (action->kind == ACTION_RESOLVE) {
        model_set_string(json, "deployment", action->labels.deployment);
        model_set_digest(json, "digest", &action->labels.digest);
    }
    if (action->kind == ACTION_CREATE) {
        model_set_string(json, "name", action->name);
        json_object_set_new(json, "labels", task_labels_to_json(&action->labels));
    }
    return json;
}

int action_from_json(const json_t *json, struct action **ret_action, struct error *err)
{
    assert(ret_action);
    size_t kind = 0;
    while (kind < ARRAY_LEN(kind_names) && !text_equal(kind_names[kind], model_string(json, "kind")))
        kind++;
    if (kind == ARRAY_LEN(kind_names) || !model_string(json, "instance") || !model_string(json, "container"))
        return error_set(err, ERROR_INVALID, "not an action: kind, instance or container is missing");
    struct action *action CLEANUP(action_freep) = action_new((enum action_kind)kind);
    if (action->kind == ACTION_CREATE) {
        int r = task_labels_from_json(json_object_get(json, "labels"), &action->labels, err);
        if (r < 0)
            return r;
    }
    if (action->kind == ACTION_RESOLVE) {
        action->labels.deployment = memory_strdup(model_string(json, "deployment"));
        action->labels.digest = model_digest(json, "digest");
    }
    action->id = (uint64_t)model_int(json, "id");
    action->instance = memory_strdup(model_string(json, "instance"));
    action->cluster = memory_strdup(model_string(json, "cluster"));
    action->service = memory_strdup(model_string(json, "service"));
    model_string_into(json, "task", action->task, sizeof action->task);
    action->container = memory_strdup(model_string(json, "container"));
    action->container_id = memory_strdup(model_string(json, "containerId"));
    action->stop_timeout_s = model_int_in(json, "stopTimeout", 0, INT32_MAX);
    action->reason = memory_strdup(model_string(json, "reason"));
    action->image = memory_strdup(model_string(json, "image"));
    action->name = memory_strdup(model_string(json, "name"));
    *ret_action = TAKE(action);
    return 0;
}

/* Docker: [a-zA-Z0-9][a-zA-Z0-9_.-]* */
static void append_name(struct buffer *out, const char *s)
{
    for (; *s; s++)
        if (isalnum((unsigned char)*s) || *s == '_' || *s == '.' || *s == '-')
            buffer_append(out, s, 1);
}

char *action_container_name(const struct task_labels *labels)
{
    assert(labels);
    assert(labels->cluster);
    assert(labels->spec->name);
    struct buffer out = BUFFER_INIT(5 * LIMIT_NAME_CHARS);
    buffer_append_str(&out, "davit-");
    append_name(&out, labels->cluster);
    buffer_append_str(&out, "-");
    append_name(&out, labels->service ? labels->service : labels->family);
    buffer_append_str(&out, "-");
    append_name(&out, labels->spec->name);
    buffer_printf(&out, "-%.12s", labels->task);
    return buffer_steal(&out);
}

char *action_network_name(const struct task_labels *labels)
{
    assert(labels);
    assert(labels->owner);
    assert(labels->cluster);
    struct buffer out = BUFFER_INIT(3 * LIMIT_NAME_CHARS);
    buffer_append_str(&out, "davit-");
    append_name(&out, labels->owner);
    buffer_append_str(&out, "."); /* no cluster has one in its name */
    append_name(&out, labels->cluster);
    return buffer_steal(&out);
}
