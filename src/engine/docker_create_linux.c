/* Kernel features: linuxParameters, kernel parameters, security options. */
#include "base/buffer.h"
#include "base/text.h"
#include "engine/docker_create_map.h"
#include "model/json.h"

#include <string.h>

#define DEVICE_PERMISSIONS 3

int docker_map_shared_memory(struct docker_body *body, const char *field, const json_t *value,
                             struct error *err)
{
    (void)err;
    if (json_integer_value(value) > 0)
        json_object_set_new(body->host, field, json_integer(json_integer_value(value) * DOCKER_MIB));
    return 0;
}

/* {path: "rw,noexec,size=64m"} */
int docker_map_tmpfs(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    size_t i;
    size_t j;
    json_t *item;
    json_t *option;
    json_t *all = json_object();
    json_array_foreach (value, i, item) {
        struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_TASK_DEFINITION_BYTES);
        json_array_foreach (json_object_get(item, "mountOptions"), j, option)
            if (json_is_string(option))
                buffer_printf(&text, "%s,", json_string_value(option));
        buffer_printf(&text, "size=%lldm", (long long)model_int(item, "size"));
        if (model_string(item, "containerPath"))
            model_set_string(all, model_string(item, "containerPath"), buffer_str(&text));
    }
    json_object_set_new(body->host, field, all);
    return 0;
}

/* ECS: all three unless some are named. */
static void permissions_of(const json_t *device, char ret_letters[static DEVICE_PERMISSIONS + 1])
{
    static const struct {
        const char *word;
        char letter;
    } permissions[DEVICE_PERMISSIONS] = {{"read", 'r'}, {"write", 'w'}, {"mknod", 'm'}};
    const json_t *list = json_object_get(device, "permissions");
    size_t len = 0;
    for (size_t i = 0; i < DEVICE_PERMISSIONS; i++) {
        size_t j;
        json_t *word;
        bool has = json_array_size(list) == 0;
        json_array_foreach (list, j, word)
            has = has || text_equal(json_string_value(word), permissions[i].word);
        if (has)
            ret_letters[len++] = permissions[i].letter;
    }
    ret_letters[len] = '\0';
}

int docker_map_devices(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    size_t i;
    json_t *item;
    json_t *devices = json_array();
    json_array_foreach (value, i, item) {
        char letters[DEVICE_PERMISSIONS + 1];
        const char *on_host = model_string(item, "hostPath");
        const char *inside = model_string(item, "containerPath");
        permissions_of(item, letters);
        json_array_append_new(devices, json_pack("{s:s?,s:s?,s:s}", "PathOnHost", on_host, "PathInContainer",
                                                 inside ? inside : on_host, "CgroupPermissions", letters));
    }
    json_object_set_new(body->host, field, devices);
    return 0;
}

int docker_map_system_controls(struct docker_body *body, const char *field, const json_t *value,
                               struct error *err)
{
    (void)err;
    size_t i;
    json_t *item;
    json_t *sysctls = json_object();
    json_array_foreach (value, i, item) {
        const char *text = model_string(item, "value");
        if (model_string(item, "namespace"))
            json_object_set_new(sysctls, model_string(item, "namespace"), json_string(text ? text : ""));
    }
    json_object_set_new(body->host, field, sysctls);
    return 0;
}

/* ECS writes "apparmor:PROFILE", which Docker deprecates in favour of "apparmor=PROFILE". */
int docker_map_security_options(struct docker_body *body, const char *field, const json_t *value,
                                struct error *err)
{
    (void)err;
    size_t i;
    json_t *item;
    json_t *options = json_array();
    json_array_foreach (value, i, item) {
        char *text CLEANUP_FREE = memory_strdup(json_string_value(item));
        if (!text)
            continue;
        char *separator = text + strcspn(text, ":=");
        if (*separator)
            *separator = '=';
        json_array_append_new(options, json_string(text));
    }
    json_object_set_new(body->host, field, options);
    return 0;
}
