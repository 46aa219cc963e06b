#include "engine/docker_create.h"

#include "base/text.h"
#include "engine/docker_pause.h"
#include "model/json.h"

#include <assert.h>
#include <stdio.h>

#define MIB            (1024 * 1024)
#define CPU_SHARES_MIN 2 /* ECS agent: unset and 1 are the least share, never Docker's default of 1024 */
#define CPU_SHARES_MAX 262144
#define NS_PER_S       1000000000LL

struct docker_body {
    const struct engine_create *create;
    json_t *config; /* the body itself */
    json_t *host;   /* its HostConfig, borrowed */
};

/* --- mappings ------------------------------------------------------------------------------------------- */

static int to_config(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    json_object_set_new(body->config, field, json_deep_copy(value));
    return 0;
}

static int to_host(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    json_object_set_new(body->host, field, json_deep_copy(value));
    return 0;
}

static int mib_to_host(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    if (json_integer_value(value) > 0)
        json_object_set_new(body->host, field, json_integer(json_integer_value(value) * MIB));
    return 0;
}

static int map_cpu(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    json_int_t shares = json_integer_value(value);
    if (shares < CPU_SHARES_MIN)
        shares = CPU_SHARES_MIN;
    if (shares > CPU_SHARES_MAX)
        shares = CPU_SHARES_MAX;
    json_object_set_new(body->host, field, json_integer(shares));
    return 0;
}

static int map_environment(struct docker_body *body, const char *field, const json_t *value,
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

static int map_port_mappings(struct docker_body *body, const char *field, const json_t *value,
                             struct error *err)
{
    (void)err;
    size_t i;
    json_t *item;
    const char *mode = body->create->definition->network_mode;
    /* Only a network of its own has ports to publish. */
    if (mode && !text_equal(mode, "bridge"))
        return 0;
    json_t *exposed = json_object();
    json_t *bindings = json_object();
    json_array_foreach (value, i, item) {
        char key[32];
        char host_port[16] = ""; /* the engine chooses */
        const char *protocol = model_string(item, "protocol");
        snprintf(key, sizeof key, "%d/%s", model_int_in(item, "containerPort", 0, 65535),
                 text_equal(protocol, "udp") ? "udp" : "tcp");
        if (model_int_in(item, "hostPort", 0, 65535))
            snprintf(host_port, sizeof host_port, "%d", model_int_in(item, "hostPort", 0, 65535));
        json_object_set_new(exposed, key, json_object());
        if (!json_object_get(bindings, key))
            json_object_set_new(bindings, key, json_array());
        json_array_append_new(json_object_get(bindings, key), json_pack("{s:s}", "HostPort", host_port));
    }
    json_object_set_new(body->config, "ExposedPorts", exposed);
    json_object_set_new(body->host, field, bindings);
    return 0;
}

/* ECS's defaults stand for what is absent; seconds become nanoseconds. */
static json_t *seconds(const json_t *object, const char *key, int default_s)
{
    const json_t *value = json_object_get(object, key);
    return json_integer((json_is_integer(value) ? json_integer_value(value) : default_s) * NS_PER_S);
}

static int map_health_check(struct docker_body *body, const char *field, const json_t *value,
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

static const json_t *volume_named(const struct docker_body *body, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(body->create->definition->json, "volumes"), i, item)
        if (text_equal(model_string(item, "name"), name))
            return item;
    return NULL;
}

/* The labels tell whose a volume is; davit never removes one. */
static json_t *volume_labels(const struct docker_body *body, const json_t *configuration)
{
    const struct task_labels *labels = body->create->labels;
    json_t *out = json_deep_copy(json_object_get(configuration, "labels"));
    if (!out)
        out = json_object();
    model_set_string(out, LABEL_OWNER, labels->owner);
    model_set_string(out, LABEL_TASK, labels->task);
    model_set_string(out, LABEL_SERVICE, labels->service);
    model_set_string(out, LABEL_ECS_CLUSTER, labels->cluster);
    return out;
}

static json_t *volume_options(const struct docker_body *body, const json_t *configuration, bool shared)
{
    json_t *options = json_object();
    json_t *own_labels = json_object_get(configuration, "labels");
    json_t *labels = shared ? json_deep_copy(own_labels) : volume_labels(body, configuration);
    if (labels)
        json_object_set_new(options, "Labels", labels);
    const char *driver = model_string(configuration, "driver");
    json_t *driver_options = json_object_get(configuration, "driverOpts");
    if (driver || driver_options) {
        json_t *config = json_pack("{s:s}", "Name", driver ? driver : "local");
        if (driver_options)
            json_object_set_new(config, "Options", json_deep_copy(driver_options));
        json_object_set_new(options, "DriverConfig", config);
    }
    return options;
}

static json_t *volume_mount(const struct docker_body *body, const char *volume, const json_t *point)
{
    const json_t *configuration = json_object_get(volume_named(body, volume), "dockerVolumeConfiguration");
    bool shared = text_equal(model_string(configuration, "scope"), "shared");
    json_t *source =
        shared ? json_string(volume) : json_sprintf("davit-%.12s-%s", body->create->labels->task, volume);
    return json_pack("{s:s,s:o,s:s,s:b,s:o}", "Type", "volume", "Source", source, "Target",
                     model_string(point, "containerPath"), "ReadOnly", model_bool(point, "readOnly"),
                     "VolumeOptions", volume_options(body, configuration, shared));
}

/* A path of the host goes to Binds, which makes the directory as the ECS agent does; Mounts would refuse. */
static int map_mount_points(struct docker_body *body, const char *field, const json_t *value,
                            struct error *err)
{
    size_t i;
    json_t *point;
    json_t *binds = json_array();
    json_t *mounts = json_array();
    json_object_set_new(body->host, field, binds);
    json_object_set_new(body->host, "Mounts", mounts);
    json_array_foreach (value, i, point) {
        const char *name = model_string(point, "sourceVolume");
        const char *target = model_string(point, "containerPath");
        if (!name || !target || !volume_named(body, name))
            return error_set(err, ERROR_INVALID,
                             "container %s: mount point %zu names no volume of the task definition",
                             body->create->container, i);
        const char *path = model_string(json_object_get(volume_named(body, name), "host"), "sourcePath");
        if (path && path[0])
            json_array_append_new(
                binds, json_sprintf("%s:%s%s", path, target, model_bool(point, "readOnly") ? ":ro" : ""));
        else
            json_array_append_new(mounts, volume_mount(body, name, point));
    }
    return 0;
}

static int map_ulimits(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    size_t i;
    json_t *item;
    json_t *ulimits = json_array();
    json_array_foreach (value, i, item)
        json_array_append_new(ulimits, json_pack("{s:s?,s:I,s:I}", "Name", model_string(item, "name"), "Soft",
                                                 (json_int_t)model_int(item, "softLimit"), "Hard",
                                                 (json_int_t)model_int(item, "hardLimit")));
    json_object_set_new(body->host, field, ulimits);
    return 0;
}

static int map_log_configuration(struct docker_body *body, const char *field, const json_t *value,
                                 struct error *err)
{
    (void)err;
    json_t *options = json_deep_copy(json_object_get(value, "options"));
    if (!options)
        options = json_object();
    if (text_equal(model_string(options, "mode"), "non-blocking") &&
        !json_object_get(options, "max-buffer-size"))
        model_set_string(options, "max-buffer-size", "10m");
    json_object_set_new(body->host, field,
                        json_pack("{s:s?,s:o}", "Type", model_string(value, "logDriver"), "Config", options));
    return 0;
}

/* davit's labels win over the user's. */
static int map_labels(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    json_t *labels = json_is_object(value) ? json_deep_copy(value) : json_object();
    json_t *own = task_labels_to_json(body->create->labels);
    json_object_update(labels, own);
    json_decref(own);
    json_object_set_new(body->config, field, labels);
    return 0;
}

/* --- the table ------------------------------------------------------------------------------------------ */

/* Each member of an ECS container definition and where it goes. `always` maps run for absent members too. */
static const struct mapping {
    const char *member;
    const char *field;
    int (*map)(struct docker_body *body, const char *field, const json_t *value, struct error *err);
    bool always;
} mappings[] = {
    {"image", "Image", to_config, false},
    {"command", "Cmd", to_config, false},
    {"entryPoint", "Entrypoint", to_config, false},
    {"environment", "Env", map_environment, false},
    {"cpu", "CpuShares", map_cpu, true},
    {"memory", "Memory", mib_to_host, false},
    {"memoryReservation", "MemoryReservation", mib_to_host, false},
    {"portMappings", "PortBindings", map_port_mappings, false},
    {"healthCheck", "Healthcheck", map_health_check, false},
    {"mountPoints", "Binds", map_mount_points, false},
    {"stopTimeout", "StopTimeout", to_config, false},
    {"logConfiguration", "LogConfig", map_log_configuration, false},
    {"user", "User", to_config, false},
    {"workingDirectory", "WorkingDir", to_config, false},
    {"ulimits", "Ulimits", map_ulimits, false},
    {"dockerLabels", "Labels", map_labels, true},
    {"readonlyRootFilesystem", "ReadonlyRootfs", to_host, false},
    {"privileged", "Privileged", to_host, false},
};

static const json_t *definition_of(const struct engine_create *create)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(create->definition->json, "containerDefinitions"), i, item)
        if (text_equal(model_string(item, "name"), create->container))
            return item;
    return NULL;
}

json_t *docker_create_body(const struct engine_create *create, struct error *err)
{
    assert(create->definition && create->labels && create->container);
    if (text_equal(create->container, PAUSE_CONTAINER))
        return docker_pause_body(create);
    const json_t *definition = definition_of(create);
    if (!definition) {
        error_set(err, ERROR_INVALID, "the task definition has no container %s", create->container);
        return NULL;
    }
    /* Restarting is the planner's: the engine must never do it by itself. */
    const char *mode = create->definition->network_mode;
    struct docker_body body = {.create = create, .config = json_object()};
    body.host =
        json_pack("{s:{s:s},s:s}", "RestartPolicy", "Name", "no", "NetworkMode", mode ? mode : "bridge");
    json_object_set_new(body.config, "HostConfig", body.host);
    for (size_t i = 0; i < ARRAY_LEN(mappings); i++) {
        const json_t *value = json_object_get(definition, mappings[i].member);
        if ((!value || json_is_null(value)) && !mappings[i].always)
            continue;
        if (mappings[i].map(&body, mappings[i].field, value, err) < 0) {
            json_decref(body.config);
            return NULL;
        }
    }
    docker_pause_join(create, body.config);
    return body.config;
}
