/* Ports of a Compose service: "[[IP:]HOST:]CONTAINER[/PROTOCOL]" with ranges, or maps. */
#include "manifest/import_compose.h"

#include "base/limits.h"
#include "base/text.h"
#include "model/json.h"

#include <string.h>

struct port_range {
    int64_t first;
    int64_t last;
};

struct port_item {
    struct port_range host; /* first 0: the engine chooses */
    struct port_range container;
    const char *protocol;
    const char *address; /* borrowed; NULL: all */
};

static bool read_range(char *text, struct port_range *ret_range)
{
    char *last = import_cut(text, '-');
    if (text_to_int64(text, 1, 65535, &ret_range->first) < 0)
        return false;
    ret_range->last = ret_range->first;
    return !last ||
           (text_to_int64(last, 1, 65535, &ret_range->last) == 0 && ret_range->last >= ret_range->first);
}

/* Cuts the text up; its parts are borrowed from it. */
static bool read_short(char *text, struct port_item *item)
{
    char *protocol = import_cut(text, '/');
    char *last = strrchr(text, ':');
    char *container = last ? last + 1 : text;
    if (protocol && !text_equal(protocol, "tcp") && !text_equal(protocol, "udp"))
        return false;
    item->protocol = text_equal(protocol, "udp") ? "udp" : NULL;
    if (last) {
        *last = '\0';
        char *address_end = strrchr(text, ':');
        char *host = address_end ? address_end + 1 : text;
        if (address_end) {
            *address_end = '\0';
            item->address = text;
        }
        if (host[0] && !read_range(host, &item->host))
            return false;
    }
    return read_range(container, &item->container);
}

static bool read_long(const json_t *value, struct port_item *item)
{
    char *target CLEANUP_FREE = import_text(json_object_get(value, "target"));
    char *published CLEANUP_FREE = import_text(json_object_get(value, "published"));
    const char *protocol = model_string(value, "protocol");
    item->protocol = text_equal(protocol, "udp") ? "udp" : NULL;
    item->address = model_string(value, "host_ip");
    if (protocol && !text_equal(protocol, "tcp") && !text_equal(protocol, "udp"))
        return false;
    if (!target || !read_range(target, &item->container))
        return false;
    return !published || !published[0] || text_equal(published, "0") || read_range(published, &item->host);
}

static void add_mapping(json_t *mappings, int64_t container, int64_t host, const char *protocol)
{
    json_t *mapping = json_object();
    size_t i;
    json_t *other;
    json_object_set_new(mapping, "containerPort", json_integer(container));
    if (host)
        json_object_set_new(mapping, "hostPort", json_integer(host));
    if (protocol)
        json_object_set_new(mapping, "protocol", json_string(protocol));
    json_array_foreach (mappings, i, other) {
        if (json_equal(mapping, other)) {
            json_decref(mapping);
            return;
        }
    }
    json_array_append_new(mappings, mapping);
}

static bool everywhere(const char *address)
{
    return !address || !address[0] || text_equal(address, "0.0.0.0") || text_equal(address, "[::]") ||
           text_equal(address, "::");
}

static void add_item(const struct compose_member *member, const struct port_item *item)
{
    json_t *mappings = import_list(member->service->container, "portMappings");
    int64_t width = item->container.last - item->container.first;
    bool chosen = item->host.first && item->host.last - item->host.first != width;
    if ((int64_t)json_array_size(mappings) + width + 1 > LIMIT_PORT_MAPPINGS) {
        NOTE(member, IMPORT_DROPPED, "a container has at most %d ports", LIMIT_PORT_MAPPINGS);
        return;
    }
    for (int64_t i = 0; i <= width; i++)
        add_mapping(mappings, item->container.first + i,
                    item->host.first && !chosen ? item->host.first + i : 0, item->protocol);
    if (chosen)
        NOTE(member, IMPORT_CHANGED, "the engine chooses the port of the host");
    if (!everywhere(item->address))
        NOTE(member, IMPORT_CHANGED,
             "the port is open on all addresses of the instance, no longer on %.60s alone", item->address);
}

static void on_port(const struct compose_member *member)
{
    char *text CLEANUP_FREE = import_text(member->value);
    struct port_item item = {0};
    if (json_is_object(member->value) ? read_long(member->value, &item) : text && read_short(text, &item))
        add_item(member, &item);
    else
        NOTE(member, IMPORT_DROPPED, "this is no port mapping of tcp or udp");
}

void compose_ports(const struct compose_member *member)
{
    compose_each(member, on_port);
    if (!json_array_size(json_object_get(member->service->container, "portMappings")))
        json_object_del(member->service->container, "portMappings");
}
