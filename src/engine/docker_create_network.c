/* Ports, links and names. Only a network of its own has them. */
#include "base/text.h"
#include "engine/docker_create_map.h"
#include "model/json.h"

#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535

struct ports {
    json_t *exposed;
    json_t *bindings;
    size_t len;
};

static bool has_binding(const json_t *list, const char *host_port)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item)
        if (text_equal(model_string(item, "HostPort"), host_port))
            return true;
    return false;
}

/* host_port 0: the engine chooses. The same mapping twice is one: the second could not be bound. */
static void add_port(struct ports *ports, int port, int host_port, bool udp)
{
    char key[16];
    char text[8] = "";
    snprintf(key, sizeof key, "%d/%s", port, udp ? "udp" : "tcp");
    if (host_port)
        snprintf(text, sizeof text, "%d", host_port);
    json_object_set_new(ports->exposed, key, json_object());
    if (!json_object_get(ports->bindings, key))
        json_object_set_new(ports->bindings, key, json_array());
    json_t *list = json_object_get(ports->bindings, key);
    if (has_binding(list, text))
        return;
    json_array_append_new(list, json_pack("{s:s}", "HostPort", text));
    ports->len++;
}

/* "8000-8010" */
static int read_range(const char *range, int *ret_first, int *ret_last, struct error *err)
{
    int64_t first;
    int64_t last;
    size_t len = strcspn(range, "-");
    char *head CLEANUP_FREE = memory_strndup(range, len);
    if (!range[len] || text_to_int64(head, 1, PORT_MAX, &first) < 0 ||
        text_to_int64(range + len + 1, 1, PORT_MAX, &last) < 0 || first > last)
        return error_set(err, ERROR_INVALID, "containerPortRange \"%s\" is no range of ports", range);
    *ret_first = (int)first;
    *ret_last = (int)last;
    return 0;
}

static int add_mapping(struct ports *ports, const json_t *mapping, struct error *err)
{
    int first = model_int_in(mapping, "containerPort", 0, PORT_MAX);
    int last = first;
    const char *range = model_string(mapping, "containerPortRange");
    int r = range ? read_range(range, &first, &last, err) : 0;
    if (r < 0)
        return r;
    if (ports->len + (size_t)(last - first) >= LIMIT_PUBLISHED_PORTS)
        return error_set(err, ERROR_LIMIT, "more ports than LIMIT_PUBLISHED_PORTS (%d)",
                         LIMIT_PUBLISHED_PORTS);
    for (int port = first; port <= last; port++)
        add_port(ports, port, range ? 0 : model_int_in(mapping, "hostPort", 0, PORT_MAX),
                 text_equal(model_string(mapping, "protocol"), "udp"));
    return 0;
}

int docker_map_ports(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    size_t i;
    json_t *item;
    if (!docker_is_on_bridge(body))
        return 0;
    struct ports ports = {.exposed = json_object(), .bindings = json_object()};
    json_object_set_new(body->config, "ExposedPorts", ports.exposed);
    json_object_set_new(body->host, field, ports.bindings);
    int r = 0;
    json_array_foreach (value, i, item)
        if (r == 0)
            r = add_mapping(&ports, item, err);
    return r;
}

/* "name[:alias]" of the task definition; on the engine the container has another name. */
int docker_map_links(struct docker_body *body, const char *field, const json_t *value, struct error *err)
{
    (void)err;
    size_t i;
    json_t *item;
    if (!docker_is_on_bridge(body))
        return 0;
    json_t *links = json_array();
    json_array_foreach (value, i, item) {
        const char *link = json_string_value(item);
        if (!link)
            continue;
        char *name CLEANUP_FREE = memory_strndup(link, strcspn(link, ":"));
        char *on_engine CLEANUP_FREE = docker_container_name(body, name);
        const char *alias = link[strlen(name)] ? link + strlen(name) + 1 : name;
        json_array_append_new(links, json_sprintf("%s:%s", on_engine, alias));
    }
    json_object_set_new(body->host, field, links);
    return 0;
}

int docker_map_extra_hosts(struct docker_body *body, const char *field, const json_t *value,
                           struct error *err)
{
    (void)err;
    size_t i;
    json_t *item;
    json_t *hosts = json_array();
    json_array_foreach (value, i, item)
        if (model_string(item, "hostname") && model_string(item, "ipAddress"))
            json_array_append_new(hosts, json_sprintf("%s:%s", model_string(item, "hostname"),
                                                      model_string(item, "ipAddress")));
    json_object_set_new(body->host, field, hosts);
    return 0;
}
