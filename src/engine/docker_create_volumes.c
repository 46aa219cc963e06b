/* Volumes: directories of the host, Docker volumes, EFS file systems, those of another container. */
#include "base/text.h"
#include "engine/docker_create_map.h"
#include "model/json.h"

/* As the ECS agent mounts EFS without its mount helper. */
#define NFS_OPTIONS "nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport"

static const json_t *volume_named(const struct engine_create *create, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(create->definition->json, "volumes"), i, item)
        if (text_equal(model_string(item, "name"), name))
            return item;
    return NULL;
}

static bool is_shared(const json_t *docker_volume)
{
    return text_equal(model_string(docker_volume, "scope"), "shared");
}

void docker_create_needs_volumes(const struct engine_create *create, struct string_vec *ret_names)
{
    size_t i;
    json_t *point;
    json_array_foreach (json_object_get(docker_container_of(create), "mountPoints"), i, point) {
        const char *name = model_string(point, "sourceVolume");
        const json_t *volume = json_object_get(volume_named(create, name), "dockerVolumeConfiguration");
        if (is_shared(volume) && !model_bool(volume, "autoprovision"))
            vector_push(ret_names, memory_strdup(name));
    }
}

/* The labels tell whose a volume is; davit never removes one. */
static json_t *task_volume_labels(const struct docker_body *body, const json_t *own)
{
    const struct task_labels *labels = body->create->labels;
    json_t *out = own ? json_deep_copy(own) : json_object();
    model_set_string(out, LABEL_OWNER, labels->owner);
    model_set_string(out, LABEL_TASK, labels->task);
    model_set_string(out, LABEL_SERVICE, labels->service);
    model_set_string(out, LABEL_GROUP, labels->group);
    model_set_string(out, LABEL_ECS_CLUSTER, labels->cluster);
    return out;
}

static json_t *docker_volume_options(const struct docker_body *body, const json_t *configuration)
{
    json_t *options = json_object();
    json_t *own = json_object_get(configuration, "labels");
    json_t *labels = is_shared(configuration) ? json_deep_copy(own) : task_volume_labels(body, own);
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

/* The file system over NFS, by the name that it has in its region. */
static int efs_options(const struct docker_body *body, const json_t *efs, json_t **ret_options,
                       struct error *err)
{
    const char *id = model_string(efs, "fileSystemId");
    const char *root = model_string(efs, "rootDirectory");
    if (!body->settings->region)
        return error_set(err, ERROR_INVALID,
                         "file system %s: davit does not know its region (efsRegion in the configuration)",
                         id ? id : "");
    char *address CLEANUP_FREE =
        memory_printf("addr=%s.efs.%s.amazonaws.com," NFS_OPTIONS, id ? id : "", body->settings->region);
    char *device CLEANUP_FREE = memory_printf(":%s", root && root[0] ? root : "/");
    *ret_options =
        json_pack("{s:o,s:{s:s,s:{s:s,s:s,s:s}}}", "Labels", task_volume_labels(body, NULL), "DriverConfig",
                  "Name", "local", "Options", "type", "nfs", "device", device, "o", address);
    return 0;
}

static int mount_volume(const struct docker_body *body, const json_t *volume, const json_t *point,
                        json_t **ret_mount, struct error *err)
{
    const char *name = model_string(volume, "name");
    const json_t *efs = json_object_get(volume, "efsVolumeConfiguration");
    const json_t *configuration = json_object_get(volume, "dockerVolumeConfiguration");
    json_t *options = NULL;
    if (efs) {
        int r = efs_options(body, efs, &options, err);
        if (r < 0)
            return error_wrap(err, r, "volume %s", name);
    } else
        options = docker_volume_options(body, configuration);
    json_t *source = is_shared(configuration)
                         ? json_string(name)
                         : json_sprintf("davit-%.12s-%s", body->create->labels->task, name);
    *ret_mount = json_pack("{s:s,s:o,s:s,s:b,s:o}", "Type", "volume", "Source", source, "Target",
                           model_string(point, "containerPath"), "ReadOnly", model_bool(point, "readOnly"),
                           "VolumeOptions", options);
    return 0;
}

/* A path of the host goes to Binds, which makes the directory as the ECS agent does; Mounts would refuse. */
int docker_map_mount_points(struct docker_body *body, const char *field, const json_t *value,
                            struct error *err)
{
    size_t i;
    json_t *point;
    json_t *binds = json_array();
    json_t *mounts = json_array();
    json_object_set_new(body->host, field, binds);
    json_object_set_new(body->host, "Mounts", mounts);
    json_array_foreach (value, i, point) {
        const json_t *volume = volume_named(body->create, model_string(point, "sourceVolume"));
        const char *target = model_string(point, "containerPath");
        json_t *mount = NULL;
        if (!volume || !target)
            return error_set(err, ERROR_INVALID, "mount point %zu names no volume of the task definition", i);
        const char *path = model_string(json_object_get(volume, "host"), "sourcePath");
        if (path && path[0]) {
            const char *mode = model_bool(point, "readOnly") ? ":ro" : "";
            json_array_append_new(binds, json_sprintf("%s:%s%s", path, target, mode));
            continue;
        }
        int r = mount_volume(body, volume, point, &mount, err);
        if (r < 0)
            return r;
        json_array_append_new(mounts, mount);
    }
    return 0;
}

int docker_map_volumes_from(struct docker_body *body, const char *field, const json_t *value,
                            struct error *err)
{
    (void)err;
    size_t i;
    json_t *item;
    json_t *sources = json_array();
    json_array_foreach (value, i, item) {
        const char *container = model_string(item, "sourceContainer");
        if (!container)
            continue;
        char *name CLEANUP_FREE = docker_container_name(body, container);
        json_array_append_new(sources, json_sprintf("%s%s", name, model_bool(item, "readOnly") ? ":ro" : ""));
    }
    json_object_set_new(body->host, field, sources);
    return 0;
}
