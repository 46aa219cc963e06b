#include "model/observed.h"

#include "base/limits.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const container_status_names[] = {"PENDING", "RUNNING", "STOPPED"};
static const char *const health_status_names[] = {"UNKNOWN", "HEALTHY", "UNHEALTHY"};

const char *container_status_name(enum container_status status)
{
    assert((size_t)status < ARRAY_LEN(container_status_names));
    return container_status_names[status];
}

const char *health_status_name(enum health_status status)
{
    assert((size_t)status < ARRAY_LEN(health_status_names));
    return health_status_names[status];
}

void task_labels_deinit(struct task_labels *labels)
{
    assert(labels);
    free(labels->owner);
    free(labels->cluster);
    free(labels->service);
    free(labels->deployment);
    free(labels->group);
    free(labels->started_by);
    free(labels->family);
    free(labels->commit);
    container_spec_free(labels->spec);
    memset(labels, 0, sizeof *labels);
}

void task_labels_copy(const struct task_labels *labels, struct task_labels *ret_copy)
{
    assert(labels);
    assert(ret_copy);
    *ret_copy = *labels;
    ret_copy->owner = memory_strdup(labels->owner);
    ret_copy->cluster = memory_strdup(labels->cluster);
    ret_copy->service = memory_strdup(labels->service);
    ret_copy->deployment = memory_strdup(labels->deployment);
    ret_copy->group = memory_strdup(labels->group);
    ret_copy->started_by = memory_strdup(labels->started_by);
    ret_copy->family = memory_strdup(labels->family);
    ret_copy->commit = memory_strdup(labels->commit);
    ret_copy->spec = container_spec_new(labels->spec);
}

static void set_number(json_t *json, const char *key, int value)
{
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    model_set_string(json, key, text);
}

json_t *task_labels_to_json(const struct task_labels *labels)
{
    assert(labels);
    char arn[2 * LIMIT_NAME_CHARS];
    snprintf(arn, sizeof arn, "arn:aws:ecs:local:000000000000:task/%s/%s", labels->cluster, labels->task);
    json_t *json = json_object();
    model_set_string(json, LABEL_ECS_CLUSTER, labels->cluster);
    model_set_string(json, LABEL_ECS_TASK_ARN, arn);
    model_set_string(json, LABEL_ECS_CONTAINER, labels->spec->name);
    model_set_string(json, LABEL_ECS_FAMILY, labels->family);
    set_number(json, LABEL_ECS_REVISION, labels->revision);
    model_set_string(json, LABEL_OWNER, labels->owner);
    model_set_string(json, LABEL_SERVICE, labels->service);
    model_set_string(json, LABEL_DEPLOYMENT, labels->deployment);
    model_set_string(json, LABEL_GROUP, labels->group);
    model_set_string(json, LABEL_STARTED_BY, labels->started_by);
    model_set_digest(json, LABEL_DIGEST, &labels->digest);
    model_set_string(json, LABEL_COMMIT, labels->commit ? labels->commit : "");
    model_set_string(json, LABEL_TASK, labels->task);
    set_number(json, LABEL_ESSENTIAL, labels->essential);
    json_t *spec = container_spec_to_json(labels->spec);
    char *text CLEANUP_FREE = json_dumps(spec, JSON_COMPACT | JSON_SORT_KEYS);
    model_set_string(json, LABEL_CONTAINER, text);
    json_decref(spec);
    return json;
}

static int number_label(const json_t *json, const char *key)
{
    int64_t value = 0;
    const char *text = model_string(json, key);
    if (!text || text_to_int64(text, 0, INT32_MAX, &value) < 0)
        return 0;
    return (int)value;
}

static int spec_label(const json_t *json, struct container_spec **ret_spec)
{
    const char *text = model_string(json, LABEL_CONTAINER);
    if (!text)
        return ERROR_INVALID;
    json_t *spec = json_loads(text, 0, NULL);
    struct container_spec found;
    int r = spec ? container_spec_from_json(spec, &found) : ERROR_INVALID;
    if (r == 0) {
        *ret_spec = memory_alloc(sizeof found);
        **ret_spec = found;
    }
    json_decref(spec);
    return r;
}

int task_labels_from_json(const json_t *json, struct task_labels *ret_labels, struct error *err)
{
    assert(ret_labels);
    static const char *const required[] = {LABEL_ECS_CLUSTER, LABEL_ECS_FAMILY, LABEL_DIGEST, LABEL_TASK};
    static const char *const of_service[] = {LABEL_SERVICE, LABEL_DEPLOYMENT};
    if (!model_string(json, LABEL_OWNER))
        return error_set(err, ERROR_NOT_FOUND, "no label %s: not a container of davit", LABEL_OWNER);
    for (size_t i = 0; i < ARRAY_LEN(required); i++)
        if (!model_string(json, required[i]))
            return error_set(err, ERROR_INVALID, "label %s is missing", required[i]);
    for (size_t i = 0; !model_string(json, LABEL_GROUP) && i < ARRAY_LEN(of_service); i++)
        if (!model_string(json, of_service[i]))
            return error_set(err, ERROR_INVALID, "label %s is missing", of_service[i]);
    struct task_labels labels = {0};
    if (spec_label(json, &labels.spec) < 0)
        return error_set(err, ERROR_INVALID, "label %s is missing or not readable", LABEL_CONTAINER);
    labels.owner = memory_strdup(model_string(json, LABEL_OWNER));
    labels.cluster = memory_strdup(model_string(json, LABEL_ECS_CLUSTER));
    labels.group = memory_strdup(model_string(json, LABEL_GROUP));
    labels.started_by = memory_strdup(model_string(json, LABEL_STARTED_BY));
    labels.service = labels.group ? NULL : memory_strdup(model_string(json, LABEL_SERVICE));
    labels.deployment = labels.group ? NULL : memory_strdup(model_string(json, LABEL_DEPLOYMENT));
    labels.family = memory_strdup(model_string(json, LABEL_ECS_FAMILY));
    labels.revision = number_label(json, LABEL_ECS_REVISION);
    labels.essential = number_label(json, LABEL_ESSENTIAL);
    labels.digest = model_digest(json, LABEL_DIGEST);
    const char *commit = model_string(json, LABEL_COMMIT);
    labels.commit = memory_strdup(commit ? commit : "");
    model_string_into(json, LABEL_TASK, labels.task, sizeof labels.task);
    if (strlen(labels.task) != ID_HEX_SIZE - 1) {
        task_labels_deinit(&labels);
        return error_set(err, ERROR_INVALID, "label %s is not a task id", LABEL_TASK);
    }
    *ret_labels = labels;
    return 0;
}

/* What container_share() shares. */
static void free_shared(struct container *container)
{
    if (container->sharers && --*container->sharers > 0)
        return;
    free(container->sharers);
    task_labels_deinit(&container->labels);
    free(container->image);
    free(container->image_id);
}

void container_free(struct container *container)
{
    if (!container)
        return;
    free(container->id);
    free(container->name);
    if (!container->instance_lent)
        free(container->instance);
    free_shared(container);
    free(container->reason);
    free(container->ip);
    vector_deinit(&container->ports);
    free(container);
}

static bool has_same_to_share(const struct container *a, const struct container *b)
{
    const struct task_labels *left = &a->labels;
    const struct task_labels *right = &b->labels;
    return text_equal(left->deployment, right->deployment) && text_equal(left->service, right->service) &&
           text_equal(left->cluster, right->cluster) && text_equal(left->owner, right->owner) &&
           text_equal(left->group, right->group) && text_equal(left->started_by, right->started_by) &&
           text_equal(left->family, right->family) && text_equal(left->commit, right->commit) &&
           text_equal(a->image, b->image) && text_equal(a->image_id, b->image_id) && left->spec &&
           right->spec && container_spec_equal(left->spec, right->spec);
}

void container_lend_instance(struct container *container, const char *instance)
{
    assert(container);
    assert(instance);
    if (!container->instance_lent)
        free(container->instance);
    container->instance = (char *)instance;
    container->instance_lent = true;
}

bool container_share(struct container *container, struct container *with)
{
    assert(container);
    assert(with && with != container);
    if (container->sharers || !has_same_to_share(container, with))
        return false;
    if (!with->sharers) {
        with->sharers = NEW(unsigned);
        *with->sharers = 1;
    }
    ++*with->sharers;
    struct task_labels labels = with->labels;
    labels.revision = container->labels.revision;
    labels.digest = container->labels.digest;
    labels.essential = container->labels.essential;
    memcpy(labels.task, container->labels.task, sizeof labels.task);
    free_shared(container);
    container->sharers = with->sharers;
    container->labels = labels;
    container->image = with->image;
    container->image_id = with->image_id;
    return true;
}

struct container *container_copy(const struct container *container)
{
    assert(container);
    struct container *copy = memory_alloc(sizeof *copy);
    *copy = *container;
    copy->sharers = NULL;
    copy->instance_lent = false;
    copy->id = memory_strdup(container->id);
    copy->name = memory_strdup(container->name);
    copy->instance = memory_strdup(container->instance);
    task_labels_copy(&container->labels, &copy->labels);
    copy->reason = memory_strdup(container->reason);
    copy->image = memory_strdup(container->image);
    copy->image_id = memory_strdup(container->image_id);
    copy->ip = memory_strdup(container->ip);
    memset(&copy->ports, 0, sizeof copy->ports);
    for (size_t i = 0; i < container->ports.len; i++)
        vector_push(&copy->ports, container->ports.items[i]);
    return copy;
}

static bool bindings_equal(const struct port_binding_vec *a, const struct port_binding_vec *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++) {
        const struct port_binding *x = &a->items[i];
        const struct port_binding *y = &b->items[i];
        if (x->container_port != y->container_port || x->host_port != y->host_port || x->udp != y->udp ||
            strcmp(x->host_ip, y->host_ip) != 0)
            return false;
    }
    return true;
}

bool container_equal(const struct container *a, const struct container *b)
{
    assert(a);
    assert(b);
    /* Labels, image and name never change while the id stays. */
    return text_equal(a->id, b->id) && a->status == b->status && a->health == b->health &&
           a->has_exit_code == b->has_exit_code && a->exit_code == b->exit_code &&
           a->oom_killed == b->oom_killed && text_equal(a->reason, b->reason) && text_equal(a->ip, b->ip) &&
           a->started_ms == b->started_ms && a->finished_ms == b->finished_ms &&
           bindings_equal(&a->ports, &b->ports);
}

json_t *container_to_json(const struct container *container)
{
    assert(container);
    json_t *json = json_object();
    model_set_string(json, "id", container->id);
    model_set_string(json, "name", container->name);
    model_set_string(json, "instance", container->instance);
    json_object_set_new(json, "labels", task_labels_to_json(&container->labels));
    model_set_string(json, "status", container_status_name(container->status));
    model_set_string(json, "health", health_status_name(container->health));
    if (container->has_exit_code)
        json_object_set_new(json, "exitCode", json_integer(container->exit_code));
    model_set_bool(json, "oomKilled", container->oom_killed);
    model_set_string(json, "reason", container->reason);
    model_set_string(json, "image", container->image);
    model_set_string(json, "imageId", container->image_id);
    model_set_string(json, "ip", container->ip);
    model_set_int(json, "created", container->created_ms);
    model_set_int(json, "started", container->started_ms);
    model_set_int(json, "finished", container->finished_ms);
    json_t *ports = json_array();
    for (size_t i = 0; i < container->ports.len; i++) {
        const struct port_binding *port = &container->ports.items[i];
        json_array_append_new(ports, json_pack("{s:i,s:i,s:b,s:s}", "containerPort", port->container_port,
                                               "hostPort", port->host_port, "udp", port->udp, "hostIp",
                                               port->host_ip));
    }
    json_object_set_new(json, "ports", ports);
    return json;
}

static int enum_value(const char *const *names, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++)
        if (text_equal(names[i], name))
            return (int)i;
    return -1;
}

int container_from_json(const json_t *json, struct container **ret_container, struct error *err)
{
    assert(ret_container);
    struct container *container CLEANUP(container_freep) = NEW(struct container);
    int status =
        enum_value(container_status_names, ARRAY_LEN(container_status_names), model_string(json, "status"));
    int health =
        enum_value(health_status_names, ARRAY_LEN(health_status_names), model_string(json, "health"));
    if (!model_string(json, "id") || status < 0 || health < 0)
        return error_set(err, ERROR_INVALID, "not a container: id, status or health is missing");
    int r = task_labels_from_json(json_object_get(json, "labels"), &container->labels, err);
    if (r < 0)
        return r;
    container->id = memory_strdup(model_string(json, "id"));
    container->name = memory_strdup(model_string(json, "name"));
    container->instance = memory_strdup(model_string(json, "instance"));
    container->status = (enum container_status)status;
    container->health = (enum health_status)health;
    container->has_exit_code = json_object_get(json, "exitCode") != NULL;
    container->exit_code = model_int_in(json, "exitCode", INT32_MIN, INT32_MAX);
    container->oom_killed = model_bool(json, "oomKilled");
    container->reason = memory_strdup(model_string(json, "reason"));
    container->image = memory_strdup(model_string(json, "image"));
    container->image_id = memory_strdup(model_string(json, "imageId"));
    container->ip = memory_strdup(model_string(json, "ip"));
    container->created_ms = model_int(json, "created");
    container->started_ms = model_int(json, "started");
    container->finished_ms = model_int(json, "finished");
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json, "ports"), i, item) {
        struct port_binding port = {model_int_in(item, "containerPort", 0, 65535),
                                    model_int_in(item, "hostPort", 0, 65535), model_bool(item, "udp"), ""};
        model_string_into(item, "hostIp", port.host_ip, sizeof port.host_ip);
        vector_push(&container->ports, port);
    }
    *ret_container = TAKE(container);
    return 0;
}

void container_vec_deinit(struct container_vec *containers)
{
    assert(containers);
    for (size_t i = 0; i < containers->len; i++)
        container_free(containers->items[i]);
    vector_deinit(containers);
}

void instance_info_deinit(struct instance_info *info)
{
    assert(info);
    free(info->engine);
    free(info->api_version);
    free(info->os);
    free(info->arch);
    memset(info, 0, sizeof *info);
}

void instance_info_copy(const struct instance_info *info, struct instance_info *ret_copy)
{
    assert(info);
    assert(ret_copy);
    *ret_copy = *info;
    ret_copy->engine = memory_strdup(info->engine);
    ret_copy->api_version = memory_strdup(info->api_version);
    ret_copy->os = memory_strdup(info->os);
    ret_copy->arch = memory_strdup(info->arch);
}

json_t *instance_info_to_json(const struct instance_info *info)
{
    assert(info);
    json_t *json = json_object();
    model_set_string(json, "engine", info->engine);
    model_set_string(json, "apiVersion", info->api_version);
    model_set_string(json, "os", info->os);
    model_set_string(json, "arch", info->arch);
    model_set_int(json, "cpu", info->cpu_units);
    model_set_int(json, "memory", info->memory_mib);
    return json;
}

void instance_info_from_json(const json_t *json, struct instance_info *ret_info)
{
    assert(ret_info);
    *ret_info = (struct instance_info){.engine = memory_strdup(model_string(json, "engine")),
                                       .api_version = memory_strdup(model_string(json, "apiVersion")),
                                       .os = memory_strdup(model_string(json, "os")),
                                       .arch = memory_strdup(model_string(json, "arch")),
                                       .cpu_units = model_int_in(json, "cpu", 0, INT32_MAX),
                                       .memory_mib = model_int(json, "memory")};
}
