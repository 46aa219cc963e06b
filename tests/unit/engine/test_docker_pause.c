#include "engine/docker_create.h"
#include "engine/pause_image.h"

#include "base/text.h"
#include "sample.h"
#include "unit.h"

#include <stdlib.h>

#define NAME "davit-default-web-internalecspause-000000000001"

/* The body of a container of a task with one container "app" and these members of its definition. */
static json_t *body_of(const char *container, const char *members, const char *app)
{
    struct sample sample CLEANUP(sample_deinit);
    struct error err = ERROR_INIT;
    sample_init(&sample, 1, app);
    json_t *more = json_loads(members, 0, NULL);
    assert_non_null(more);
    json_object_update(sample.definition->json, more);
    json_decref(more);
    const char *mode = json_string_value(json_object_get(sample.definition->json, "networkMode"));
    free(sample.definition->network_mode);
    sample.definition->network_mode = memory_strdup(mode ? mode : "bridge");
    sample.create.container = container;
    const struct docker_settings settings = {0};
    char *warning;
    json_t *body = docker_create_body(&sample.create, &settings, &warning, &err);
    assert_non_null(body);
    json_t *labels = json_object_get(body, "Labels");
    assert_string_equal(json_string_value(json_object_get(labels, LABEL_OWNER)), "owner-1");
    json_object_del(body, "Labels");
    return body;
}

static void assert_body(json_t *body, const char *wanted)
{
    json_t *expected = json_loads(wanted, 0, NULL);
    assert_non_null(expected);
    bool equal = json_equal(body, expected);
    char *got CLEANUP_FREE = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(body);
    json_decref(expected);
    if (!equal)
        fail_msg("\n   got %s\nwanted %s", got, wanted);
}

static void assert_pause(const char *members, const char *app, const char *more, const char *host)
{
    char *wanted CLEANUP_FREE = memory_printf(
        "{\"Image\":\"%s\"%s,\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"no\"},\"CpuShares\":2,"
        "\"ReadonlyRootfs\":true,\"CapDrop\":[\"ALL\"],\"SecurityOpt\":[\"no-new-privileges\"],"
        "\"LogConfig\":{\"Type\":\"none\"},%s}}",
        pause_image.image, more, host);
    assert_body(body_of(PAUSE_CONTAINER, members, app), wanted);
}

#define PORTS "'portMappings':[{'containerPort':80},{'containerPort':53,'protocol':'udp'}]"
#define CONTROLS                                                                                             \
    "'systemControls':[{'namespace':'net.core.somaxconn','value':'9'},{'namespace':'kernel.msgmax','value':" \
    "'8'}]"
#define SHM "'linuxParameters':{'sharedMemorySize':3}"

static void test_pause_container_by_what_it_owns(void **state)
{
    (void)state;
    const char *app = "{'name':'app','image':'i'," PORTS "," CONTROLS "," SHM "}";
    assert_pause("{\"networkMode\":\"awsvpc\"}", app, ",\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}}",
                 "\"NetworkMode\":\"davit-owner-1.default\",\"Sysctls\":{\"net.core.somaxconn\":\"9\"}");
    assert_pause("{\"ipcMode\":\"task\"}", app, "",
                 "\"NetworkMode\":\"none\",\"IpcMode\":\"shareable\",\"ShmSize\":3145728,"
                 "\"Sysctls\":{\"kernel.msgmax\":\"8\"}");
    assert_pause("{\"pidMode\":\"task\"}", app, "", "\"NetworkMode\":\"none\",\"Sysctls\":{}");
}

static void assert_modes(const char *members, const char *network, const char *ipc, const char *pid)
{
    json_t *body = body_of("app", members, "{'name':'app','image':'i'," PORTS "}");
    const json_t *host = json_object_get(body, "HostConfig");
    const struct {
        const char *field;
        const char *wanted;
    } modes[] = {{"NetworkMode", network}, {"IpcMode", ipc}, {"PidMode", pid}};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        const char *mode = json_string_value(json_object_get(host, modes[i].field));
        if (!text_equal(mode, modes[i].wanted))
            fail_msg("%s: %s is %s, not %s", members, modes[i].field, mode ? mode : "absent",
                     modes[i].wanted ? modes[i].wanted : "absent");
    }
    bool publishes = text_equal(network, "bridge");
    assert_int_equal(json_object_get(host, "PortBindings") != NULL, publishes);
    assert_int_equal(json_object_get(body, "ExposedPorts") != NULL, publishes);
    json_decref(body);
}

static void test_modes_of_the_others(void **state)
{
    (void)state;
    static const char join[] = "container:" NAME;
    assert_modes("{}", "bridge", NULL, NULL);
    assert_modes("{\"networkMode\":\"none\"}", "none", NULL, NULL);
    assert_modes("{\"networkMode\":\"host\",\"ipcMode\":\"host\",\"pidMode\":\"host\"}", "host", "host",
                 "host");
    assert_modes("{\"networkMode\":\"awsvpc\",\"ipcMode\":\"none\"}", join, "none", NULL);
    assert_modes("{\"ipcMode\":\"task\"}", "bridge", join, NULL);
    assert_modes("{\"networkMode\":\"awsvpc\",\"ipcMode\":\"task\",\"pidMode\":\"task\"}", join, join, join);
}

/* --- the image ------------------------------------------------------------------------------------------ */

/* The content of a member of a tar, whose length goes to *ret_len; NULL without it. */
static const char *member_of(const char *tar, size_t tar_len, const char *suffix, size_t *ret_len)
{
    for (size_t at = 0; at + 512 <= tar_len && tar[at];) {
        size_t len = strtoul(tar + at + 124, NULL, 8);
        if (text_ends_with(tar + at, suffix)) {
            *ret_len = len;
            return tar + at + 512;
        }
        at += 512 + (len + 511) / 512 * 512;
    }
    return NULL;
}

static json_t *json_of(const char *suffix)
{
    size_t len = 0;
    const char *text = member_of(pause_image.tar, pause_image.tar_len, suffix, &len);
    assert_non_null(text);
    json_t *json = json_loadb(text, len, 0, NULL);
    assert_non_null(json);
    return json;
}

static void test_image_is_one_layer_with_a_small_program(void **state)
{
    (void)state;
    json_t *manifest = json_of("manifest.json");
    json_t *image = json_array_get(manifest, 0);
    const char *name = json_string_value(json_array_get(json_object_get(image, "RepoTags"), 0));
    assert_string_equal(name, pause_image.image);
    assert_true(text_starts_with(name, "localhost/davit-pause:"));
    const char *config_name = json_string_value(json_object_get(image, "Config"));
    assert_true(strncmp(strrchr(name, ':') + 1, config_name, 12) == 0); /* another content is another tag */
    json_t *config = json_of(config_name);
    const json_t *inner = json_object_get(config, "config");
    assert_string_equal(json_string_value(json_object_get(inner, "User")), "65534:65534");
    size_t layer_len = 0;
    size_t len = 0;
    const char *layer = member_of(pause_image.tar, pause_image.tar_len, "layer.tar", &layer_len);
    assert_non_null(layer);
    const struct digest digest = digest_of_bytes(layer, layer_len);
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    const json_t *layers = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
    assert_int_equal(json_array_size(layers), 1);
    assert_string_equal(json_string_value(json_array_get(layers, 0)) + strlen("sha256:"), hex);
    const char *program = member_of(layer, layer_len, "pause", &len);
    assert_non_null(program);
    assert_memory_equal(program, "\177ELF", 4);
    assert_in_range(len, 100, 4096);
    json_decref(config);
    json_decref(manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pause_container_by_what_it_owns),
        cmocka_unit_test(test_modes_of_the_others),
        cmocka_unit_test(test_image_is_one_layer_with_a_small_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
