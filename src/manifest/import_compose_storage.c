/* Volumes, tmpfs, secrets and configs of a Compose service. */
#include "base/limits.h"
#include "base/text.h"
#include "manifest/import_compose.h"
#include "model/json.h"

#include <string.h>

#define TMPFS_MIB 64

/* What a container mounts. */
struct mount {
    const char *source; /* NULL: anonymous */
    const char *target;
    bool read_only;
    bool bind;
};

/* An absolute path of the host without "." and "..". Caller frees. */
static char *absolute(const struct compose_member *member, const char *path)
{
    const char *directory = member->compose->run->source->world->directory;
    const char *home = text_starts_with(path, "~/") ? "/root" : directory ? directory : "";
    char *whole CLEANUP_FREE =
        path[0] == '/' ? memory_strdup(path) : memory_printf("%s/%s", home, path + (path[0] == '~' ? 2 : 0));
    char *result = memory_calloc(strlen(whole) + 2, 1);
    size_t len = 0;
    for (char *part = whole; part;) {
        char *next = import_cut(part, '/');
        if (text_equal(part, "..")) {
            while (len && result[--len] != '/')
                ;
        } else if (part[0] && !text_equal(part, ".")) {
            result[len++] = '/';
            memcpy(result + len, part, strlen(part));
            len += strlen(part);
        }
        result[len] = '\0';
        part = next;
    }
    if (!len)
        result[0] = '/';
    return result;
}

static json_t *volume_named(json_t *volumes, const char *name)
{
    size_t i;
    json_t *volume;
    json_array_foreach (volumes, i, volume)
        if (text_equal(model_string(volume, "name"), name))
            return volume;
    return NULL;
}

/* A name that no other content has in this service; volumes of several services meet again by content. */
static char *volume_name(json_t *volumes, const char *wish, const json_t *content)
{
    char *legal CLEANUP_FREE = import_name(wish);
    char *name = memory_strdup(legal);
    for (size_t n = 2;; n++) {
        const json_t *there = volume_named(volumes, name);
        json_t *named = json_copy((json_t *)(uintptr_t)content);
        json_object_set_new(named, "name", json_string(name));
        bool fits = !there || json_equal(there, named);
        json_decref(named);
        if (fits)
            return name;
        free(name);
        name = memory_printf("%.240s-%zu", legal, n);
    }
}

static bool is_mounted(json_t *mounts, const char *target)
{
    size_t i;
    json_t *mount;
    json_array_foreach (mounts, i, mount)
        if (text_equal(model_string(mount, "containerPath"), target))
            return true;
    return false;
}

/* Takes content over: the volume without its name. */
static void add_mount(const struct compose_member *member, const struct mount *mount, const char *wish,
                      json_t *content)
{
    json_t *volumes = import_list(member->service->task, "volumes");
    json_t *mounts = import_list(member->service->container, "mountPoints");
    if (mount->target[0] != '/' || is_mounted(mounts, mount->target)) {
        NOTE(member, IMPORT_DROPPED,
             mount->target[0] == '/' ? "something is mounted there already" : "an absolute path is expected");
        json_decref(content);
        return;
    }
    char *name CLEANUP_FREE = volume_name(volumes, wish, content);
    if (!volume_named(volumes, name)) {
        json_t *volume = json_object();
        json_object_set_new(volume, "name", json_string(name));
        json_object_update(volume, content);
        json_array_append_new(volumes, volume);
    }
    json_decref(content);
    json_t *point = json_pack("{s:s,s:s}", "sourceVolume", name, "containerPath", mount->target);
    if (mount->read_only)
        json_object_set_new(point, "readOnly", json_true());
    json_array_append_new(mounts, point);
}

static void mount_bind(const struct compose_member *member, const struct mount *mount)
{
    char *path CLEANUP_FREE = absolute(member, mount->source);
    const char *last = strrchr(path, '/');
    json_t *content = json_pack("{s:{s:s}}", "host", "sourcePath", path);
    add_mount(member, mount, last[1] ? last + 1 : "root", content);
    if (mount->source[0] != '/')
        NOTE(member, IMPORT_CHANGED,
             "%.200s of this machine is meant; every instance needs it there; for files that belong to the "
             "repository there is davit: files:",
             path);
}

/* Keys of a volume at the top that have a place. */
static json_t *shared_volume(const struct compose_member *member, const json_t *definition)
{
    json_t *configuration = json_pack("{s:s}", "scope", "shared");
    bool outside = json_is_true(json_object_get(definition, "external")) ||
                   json_is_object(json_object_get(definition, "external"));
    json_object_set_new(configuration, "autoprovision", json_boolean(!outside));
    const char *driver = model_string(definition, "driver");
    if (driver && !text_equal(driver, "local"))
        json_object_set_new(configuration, "driver", json_string(driver));
    struct compose_member map = *member;
    map.value = json_object_get(definition, "driver_opts");
    import_set(configuration, "driverOpts", compose_map(&map, false));
    map.value = json_object_get(definition, "labels");
    import_set(configuration, "labels", compose_map(&map, false));
    return json_pack("{s:o}", "dockerVolumeConfiguration", configuration);
}

/* Compose calls a volume PROJECT_NAME on the engine; so does davit, and the data stays. */
static void mount_named(const struct compose_member *member, const struct mount *mount)
{
    const json_t *all = json_object_get(member->compose->root, "volumes");
    const json_t *definition = json_object_get(all, mount->source);
    const json_t *external = json_object_get(definition, "external");
    const char *given = model_string(external, "name");
    const char *project = member->compose->project;
    if (!given)
        given = model_string(definition, "name");
    if (!given && json_is_true(external))
        given = mount->source;
    if (!definition && !json_object_get(all, mount->source))
        NOTE(member, IMPORT_CHANGED, "the file has no volume %.100s", mount->source);
    char *wish CLEANUP_FREE = given     ? memory_strdup(given)
                              : project ? memory_printf("%s_%s", project, mount->source)
                                        : memory_strdup(mount->source);
    char *legal CLEANUP_FREE = import_name(wish);
    if (!text_equal(legal, wish))
        NOTE(member, IMPORT_CHANGED, "on the engine the volume is now called %s, it was %.100s", legal, wish);
    add_mount(member, mount, wish, shared_volume(member, definition));
}

static void mount_anonymous(const struct compose_member *member, const struct mount *mount)
{
    char *name CLEANUP_FREE = memory_printf("%s%.100s", member->service->container_name, mount->target);
    json_t *content = json_pack("{s:{s:s}}", "dockerVolumeConfiguration", "scope", "task");
    add_mount(member, mount, name, content);
}

static void mount_any(const struct compose_member *member, const struct mount *mount)
{
    bool path = mount->source && strchr("/.~", mount->source[0]);
    if (!mount->source || !mount->source[0])
        mount_anonymous(member, mount);
    else if (path || mount->bind)
        mount_bind(member, mount);
    else
        mount_named(member, mount);
}

/* SOURCE:TARGET[:OPTIONS], or TARGET. */
static void mount_short(const struct compose_member *member, char *text)
{
    struct mount mount = {.target = text};
    char *target = import_cut(text, ':');
    char *options = target ? import_cut(target, ':') : NULL;
    if (target) {
        mount.source = text;
        mount.target = target;
    }
    for (char *option = options; option;) {
        char *next = import_cut(option, ',');
        mount.read_only = mount.read_only || text_equal(option, "ro");
        if (!text_equal(option, "ro") && !text_equal(option, "rw"))
            NOTE(member, IMPORT_CHANGED, "the option %.40s is not carried over", option);
        option = next;
    }
    mount_any(member, &mount);
}

/* "size=64m,uid=1" */
static void add_tmpfs(const struct compose_member *member, const char *target, char *options)
{
    int64_t bytes = 0;
    json_t *list = json_array();
    json_t *parameters = import_object(member->service->container, "linuxParameters");
    for (char *option = options; option && option[0];) {
        char *next = import_cut(option, ',');
        json_t *size = json_string(text_starts_with(option, "size=") ? option + strlen("size=") : "");
        if (!text_starts_with(option, "size="))
            json_array_append_new(list, json_string(option));
        else if (!import_bytes(size, &bytes))
            NOTE(member, IMPORT_CHANGED, "%.40s is no size", option);
        json_decref(size);
        option = next;
    }
    if (bytes <= 0)
        NOTE(member, IMPORT_CHANGED, "ECS wants a size: %d MiB", TMPFS_MIB);
    int64_t mib = bytes > 0 ? (bytes + 1048575) / 1048576 : TMPFS_MIB;
    json_t *tmpfs = json_pack("{s:s,s:I}", "containerPath", target, "size", (json_int_t)mib);
    import_set(tmpfs, "mountOptions", list);
    json_array_append_new(import_list(parameters, "tmpfs"), tmpfs);
}

static void mount_long(const struct compose_member *member)
{
    const json_t *value = member->value;
    const char *type = model_string(value, "type");
    struct mount mount = {.source = model_string(value, "source"),
                          .target = model_string(value, "target"),
                          .bind = text_equal(type, "bind")};
    import_boolean(json_object_get(value, "read_only"), &mount.read_only);
    char *size CLEANUP_FREE = import_text(json_object_get(json_object_get(value, "tmpfs"), "size"));
    char *options CLEANUP_FREE = size ? memory_printf("size=%s", size) : NULL;
    bool known = !type || mount.bind || text_equal(type, "volume");
    if (!mount.target)
        NOTE(member, IMPORT_DROPPED, "it has no target");
    else if (text_equal(type, "tmpfs"))
        add_tmpfs(member, mount.target, options);
    else if (known)
        mount_any(member, &mount);
    else
        NOTE(member, IMPORT_DROPPED, "ECS has no volumes of type %.40s", type);
    const char *key;
    json_t *inner;
    static const char plain[] = " type source target read_only tmpfs ";
    json_object_foreach ((json_t *)value, key, inner) {
        char *word CLEANUP_FREE = memory_printf(" %s ", key);
        char *at CLEANUP_FREE = import_pointer(member->pointer, key);
        if (!strstr(plain, word) && json_object_size(inner))
            import_note(member->compose->run, IMPORT_DROPPED, at, "ECS has no place for it");
    }
}

static void on_volume(const struct compose_member *member)
{
    char *text CLEANUP_FREE = import_text(member->value);
    if (json_is_object(member->value))
        mount_long(member);
    else if (text && text[0])
        mount_short(member, text);
    else
        NOTE(member, IMPORT_DROPPED, "SOURCE:TARGET is expected here");
}

void compose_volumes(const struct compose_member *member)
{
    compose_each(member, on_volume);
}

static void on_volumes_of(const struct compose_member *member)
{
    char *text CLEANUP_FREE = import_text(member->value);
    char *options = text ? import_cut(text, ':') : NULL;
    const struct compose_service *from = text ? compose_find(member->compose, text) : NULL;
    if (!from || from == member->service) {
        NOTE(member, IMPORT_DROPPED, "there is no such service");
        return;
    }
    json_t *item = json_pack("{s:s}", "sourceContainer", from->container_name);
    if (text_equal(options, "ro"))
        json_object_set_new(item, "readOnly", json_true());
    json_array_append_new(import_list(member->service->container, "volumesFrom"), item);
    compose_edge_add(member->service, (struct compose_edge){.to = memory_strdup(text),
                                                            .condition = "START",
                                                            .pointer = memory_strdup(member->pointer)});
}

void compose_volumes_from(const struct compose_member *member)
{
    compose_each(member, on_volumes_of);
}

static void on_tmpfs(const struct compose_member *member)
{
    char *text CLEANUP_FREE = import_text(member->value);
    char *options = text ? import_cut(text, ':') : NULL;
    if (text && text[0] == '/')
        add_tmpfs(member, text, options);
    else
        NOTE(member, IMPORT_DROPPED, "an absolute path is expected here");
}

void compose_tmpfs(const struct compose_member *member)
{
    compose_each(member, on_tmpfs);
}

/* --- secrets and configs -------------------------------------------------------------------------------- */

/* One of the list at the top of the file; `where` begins its target. */
static void mount_extra(const struct compose_member *member, const char *list, const char *where)
{
    const json_t *value = member->value;
    const char *name = json_is_string(value) ? json_string_value(value) : model_string(value, "source");
    const json_t *definition =
        json_object_get(json_object_get(member->compose->root, list), name ? name : "");
    const char *file = model_string(definition, "file");
    const char *given = model_string(value, "target");
    if (!file) {
        NOTE(member, IMPORT_DROPPED,
             "only those of a file can be carried over; davit takes secrets "
             "as variables (secrets:) and files from the repository (davit: files:)");
        return;
    }
    char *target CLEANUP_FREE =
        given && given[0] == '/' ? memory_strdup(given) : memory_printf("%s%s", where, given ? given : name);
    struct mount mount = {.source = file, .target = target, .read_only = true, .bind = true};
    mount_bind(member, &mount);
}

static void on_secret(const struct compose_member *member)
{
    mount_extra(member, "secrets", "/run/secrets/");
}

static void on_config(const struct compose_member *member)
{
    mount_extra(member, "configs", "/");
}

void compose_secrets(const struct compose_member *member)
{
    compose_each(member, on_secret);
}

void compose_configs(const struct compose_member *member)
{
    compose_each(member, on_config);
}
