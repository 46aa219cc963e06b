/* What of a Compose service is the kernel's: capabilities, devices, limits, namespaces. */
#include "base/text.h"
#include "manifest/import_compose.h"

#include <string.h>

static json_t *linux_parameters(const struct compose_member *member)
{
    return import_object(member->service->container, "linuxParameters");
}

void compose_capabilities(const struct compose_member *member)
{
    json_t *list = compose_string_list(member->value);
    json_t *names = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        const char *name = json_string_value(item);
        json_array_append_new(names, json_string(text_starts_with(name, "CAP_") ? name + 4 : name));
    }
    json_decref(list);
    import_set(import_object(linux_parameters(member), "capabilities"), member->target, names);
}

void compose_init(const struct compose_member *member)
{
    bool init;
    if (import_boolean(member->value, &init) && init)
        json_object_set_new(linux_parameters(member), "initProcessEnabled", json_true());
}

void compose_shm_size(const struct compose_member *member)
{
    int64_t bytes;
    if (import_bytes(member->value, &bytes))
        json_object_set_new(linux_parameters(member), "sharedMemorySize",
                            json_integer((bytes + MIB - 1) / MIB));
    else
        NOTE(member, IMPORT_DROPPED, "a size such as 64m is expected here");
}

void compose_swappiness(const struct compose_member *member)
{
    int64_t percent;
    if (import_integer(member->value, &percent) && percent >= 0 && percent <= 100)
        json_object_set_new(linux_parameters(member), "swappiness", json_integer(percent));
    else
        NOTE(member, IMPORT_DROPPED, "0 to 100 is expected here");
}

static json_t *permissions(const char *letters)
{
    json_t *list = json_array();
    for (; *letters; letters++)
        json_array_append_new(list, json_string(*letters == 'r'   ? "read"
                                                : *letters == 'w' ? "write"
                                                                  : "mknod"));
    return list;
}

void compose_devices(const struct compose_member *member)
{
    json_t *list = compose_string_list(member->value);
    json_t *devices = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        char *text CLEANUP_FREE = memory_strdup(json_string_value(item));
        char *container = import_cut(text, ':');
        char *rest = container ? import_cut(container, ':') : NULL;
        if (rest && rest[strspn(rest, "rwm")])
            continue;
        json_t *device = json_object();
        json_object_set_new(device, "hostPath", json_string(text));
        if (container && container[0])
            json_object_set_new(device, "containerPath", json_string(container));
        if (rest)
            import_set(device, "permissions", permissions(rest));
        json_array_append_new(devices, device);
    }
    if (json_array_size(devices) < json_array_size(list) || json_is_object(json_array_get(member->value, 0)))
        NOTE(member, IMPORT_DROPPED, "HOST:CONTAINER:rwm is expected here");
    json_decref(list);
    import_set(linux_parameters(member), "devices", devices);
}

void compose_ulimits(const struct compose_member *member)
{
    static const char known[] =
        " core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack ";
    const char *name;
    json_t *value;
    json_object_foreach (member->value, name, value) {
        int64_t soft = 0;
        int64_t hard = 0;
        char *word CLEANUP_FREE = memory_printf(" %s ", name);
        char *pointer CLEANUP_FREE = import_pointer(member->pointer, name);
        bool both = json_is_object(value);
        bool read = import_integer(both ? json_object_get(value, "soft") : value, &soft) &&
                    import_integer(both ? json_object_get(value, "hard") : value, &hard);
        if (read && soft >= -1 && hard >= -1 && strstr(known, word))
            json_array_append_new(import_list(member->service->container, "ulimits"),
                                  json_pack("{s:s,s:I,s:I}", "name", name, "softLimit", (json_int_t)soft,
                                            "hardLimit", (json_int_t)hard));
        else
            import_note(member->compose->run, IMPORT_DROPPED, pointer, "ECS has no such limit");
    }
}

void compose_sysctls(const struct compose_member *member)
{
    json_t *map = compose_map(member, false);
    const char *name;
    json_t *value;
    json_object_foreach (map, name, value)
        json_array_append_new(import_list(member->service->container, "systemControls"),
                              json_pack("{s:s,s:O}", "namespace", name, "value", value));
    json_decref(map);
}

static void on_security_option(const struct compose_member *member)
{
    const char *text = json_string_value(member->value);
    if (text && text_starts_with(text, "no-new-privileges:"))
        text = text_ends_with(text, ":false") ? "" : "no-new-privileges";
    bool known = text && (text_starts_with(text, "no-new-privileges") || text_starts_with(text, "apparmor") ||
                          text_starts_with(text, "label"));
    if (known)
        json_array_append_new(import_list(member->service->container, "dockerSecurityOptions"),
                              json_string(text));
    else if (!text || text[0])
        NOTE(member, IMPORT_DROPPED, "ECS takes no-new-privileges, apparmor and label");
}

void compose_security_opt(const struct compose_member *member)
{
    compose_each(member, on_security_option);
}

void compose_namespace(const struct compose_member *member)
{
    const char *mode = json_string_value(member->value);
    if (text_equal(mode, "host")) {
        json_object_set_new(member->service->task, member->target, json_string(mode));
        member->service->alone = true;
    } else if (!text_equal(mode, "private") && !text_equal(mode, "shareable")) {
        NOTE(member, IMPORT_DROPPED, "only host can be carried over");
    }
}
