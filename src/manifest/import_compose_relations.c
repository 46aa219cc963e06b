/* What one Compose service has to do with others: order, names, networks, health. */
#include "base/text.h"
#include "manifest/import_compose.h"
#include "model/json.h"

#include <ctype.h>
#include <string.h>

#define NOTE_AT(member, loss, pointer, ...) import_note((member)->compose->run, loss, pointer, __VA_ARGS__)

static const struct {
    const char *condition;
    const char *ecs;
    const char *apart; /* davit.dependsOn's, nearest to it */
} conditions[] = {
    {"service_started", "START", "COMPLETE"},
    {"service_healthy", "HEALTHY", "HEALTHY"},
    {"service_completed_successfully", "SUCCESS", "COMPLETE"},
};

static void depend(const struct compose_member *member, const char *name, const char *condition,
                   const char *pointer)
{
    const char *ecs = NULL;
    const char *apart = NULL;
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
        if (text_equal(condition, conditions[i].condition)) {
            ecs = conditions[i].ecs;
            apart = conditions[i].apart;
        }
    struct compose_service *to = name ? compose_find(member->compose, name) : NULL;
    if (!to || to == member->service || !ecs) {
        NOTE_AT(member, IMPORT_DROPPED, pointer,
                ecs ? "there is no such service" : "there is no such condition");
        return;
    }
    to->awaited = to->awaited || text_equal(ecs, "SUCCESS");
    compose_edge_add(member->service, (struct compose_edge){.to = memory_strdup(name),
                                                            .condition = ecs,
                                                            .apart = apart,
                                                            .name = !text_equal(ecs, "SUCCESS"),
                                                            .pointer = memory_strdup(pointer)});
}

void compose_depends_on(const struct compose_member *member)
{
    size_t i;
    const char *key;
    json_t *value;
    json_array_foreach (member->value, i, value) {
        char *pointer CLEANUP_FREE = import_pointer_index(member->pointer, i);
        depend(member, json_string_value(value), "service_started", pointer);
    }
    json_object_foreach (member->value, key, value) {
        char *pointer CLEANUP_FREE = import_pointer(member->pointer, key);
        const char *condition = model_string(value, "condition");
        bool restart = false;
        import_boolean(json_object_get(value, "restart"), &restart);
        depend(member, key, condition ? condition : "service_started", pointer);
        if (restart)
            NOTE_AT(member, IMPORT_CHANGED, pointer, "a restart of %.100s does not restart this container",
                    key);
    }
}

static void on_link(const struct compose_member *member)
{
    char *text CLEANUP_FREE = import_text(member->value);
    char *alias = text ? import_cut(text, ':') : NULL;
    const struct compose_service *to = text ? compose_find(member->compose, text) : NULL;
    if (!to || to == member->service)
        NOTE(member, IMPORT_DROPPED, "there is no such service");
    else
        compose_edge_add(member->service, (struct compose_edge){.to = memory_strdup(text),
                                                                .alias = memory_strdup(alias),
                                                                .name = true,
                                                                .pointer = memory_strdup(member->pointer)});
}

void compose_links(const struct compose_member *member)
{
    compose_each(member, on_link);
}

/* Names are kept as aliases; what else a network does is not. */
void compose_networks(const struct compose_member *member)
{
    const char *key;
    size_t i;
    json_t *value;
    json_t *alias;
    const char *inner;
    json_object_foreach (member->value, key, value) {
        char *pointer CLEANUP_FREE = import_pointer(member->pointer, key);
        json_array_foreach (json_object_get(value, "aliases"), i, alias)
            if (json_is_string(alias))
                vector_push(&member->service->aliases, memory_strdup(json_string_value(alias)));
        json_object_foreach (value, inner, alias) {
            char *at CLEANUP_FREE = import_pointer(pointer, inner);
            if (!text_equal(inner, "aliases"))
                NOTE_AT(member, IMPORT_DROPPED, at, "the engine gives the address");
        }
    }
    NOTE_AT(member, IMPORT_CHANGED, member->pointer,
            "networks do not separate tasks: all are on the engine's bridge; names resolve within a task");
}

/* --- health --------------------------------------------------------------------------------------------- */

struct health_bound {
    const char *name;
    const char *ecs;
    int64_t least;
    int64_t most;
};

/* Seconds between the bounds; ECS counts whole ones. */
static void set_seconds(const struct compose_member *member, json_t *health, const struct health_bound *bound)
{
    const json_t *value = json_object_get(member->value, bound->name);
    char *text CLEANUP_FREE = import_text(value);
    char *pointer CLEANUP_FREE = import_pointer(member->pointer, bound->name);
    int64_t ms;
    if (!text)
        return;
    if (text_to_duration_ms(text, &ms) < 0) {
        NOTE_AT(member, IMPORT_DROPPED, pointer, "a duration such as 30s is expected here");
        return;
    }
    int64_t seconds = ms / 1000 + (ms % 1000 > 0);
    int64_t kept = seconds < bound->least ? bound->least : seconds > bound->most ? bound->most : seconds;
    if (kept * 1000 != ms)
        NOTE_AT(member, IMPORT_CHANGED, pointer, "ECS takes whole seconds from %lld to %lld: %lld",
                (long long)bound->least, (long long)bound->most, (long long)kept);
    json_object_set_new(health, bound->ecs, json_integer(kept));
}

static void set_retries(const struct compose_member *member, json_t *health)
{
    int64_t retries;
    char *pointer CLEANUP_FREE = import_pointer(member->pointer, "retries");
    json_t *value = json_object_get(member->value, "retries");
    if (!value)
        return;
    if (!import_integer(value, &retries)) {
        NOTE_AT(member, IMPORT_DROPPED, pointer, "a whole number is expected here");
        return;
    }
    int64_t kept = retries < 1 ? 1 : retries > 10 ? 10 : retries;
    if (kept != retries)
        NOTE_AT(member, IMPORT_CHANGED, pointer, "ECS takes 1 to 10: %lld", (long long)kept);
    json_object_set_new(health, "retries", json_integer(kept));
}

/* CMD and CMD-SHELL as they are, a string is a shell's. NULL without one. */
static json_t *test_command(const json_t *test)
{
    if (json_is_string(test))
        return json_pack("[s,O]", "CMD-SHELL", test);
    const char *first = json_string_value(json_array_get(test, 0));
    if (!first || text_equal(first, "NONE") || json_array_size(test) < 2)
        return NULL;
    json_t *command = json_array();
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)test, i, item) {
        char *text CLEANUP_FREE = import_text(item);
        if (text)
            json_array_append_new(command, json_string(text));
    }
    return command;
}

void compose_health(const struct compose_member *member)
{
    static const struct health_bound bounds[] = {{"interval", "interval", 5, 300},
                                                 {"timeout", "timeout", 2, 60},
                                                 {"start_period", "startPeriod", 0, 300}};
    bool disabled = false;
    import_boolean(json_object_get(member->value, "disable"), &disabled);
    json_t *command = disabled ? NULL : test_command(json_object_get(member->value, "test"));
    if (!command) {
        NOTE_AT(
            member, IMPORT_DROPPED, member->pointer,
            "without a test there is nothing to carry over: ECS does not look at the image's HEALTHCHECK");
        return;
    }
    json_t *health = json_pack("{s:o}", "command", command);
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++)
        set_seconds(member, health, &bounds[i]);
    set_retries(member, health);
    json_object_set_new(member->service->container, "healthCheck", health);
    char *pointer CLEANUP_FREE = import_pointer(member->pointer, "start_interval");
    if (json_object_get(member->value, "start_interval"))
        NOTE_AT(member, IMPORT_DROPPED, pointer, "ECS has one interval");
}

/* --- names in variables and commands -------------------------------------------------------------------- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* Whether the text uses the name as a host: "//db/", "@db:5432", "db:5432". */
static bool names_host(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strstr(text, name); at; at = strstr(at + 1, name)) {
        const char *after = at + len;
        bool begins = at == text || !is_word(at[-1]);
        bool authority = at != text && (at[-1] == '@' || (at[-1] == '/' && at - text > 1 && at[-2] == '/'));
        bool port = after[0] == ':' && isdigit((unsigned char)after[1]);
        if (begins && (port || (authority && !is_word(*after))))
            return true;
    }
    return false;
}

static bool is_host_variable(const char *variable)
{
    static const char *const parts[] = {"HOST", "SERVER", "ADDR", "ENDPOINT", "BROKER", "URL"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strstr(variable, parts[i]))
            return true;
    return false;
}

static bool mentions(const struct compose_service *service, const char *name)
{
    static const char *const lists[] = {"command", "entryPoint"};
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(service->container, "environment"), i, item) {
        const char *value = model_string(item, "value");
        if (names_host(value, name) ||
            (text_equal(value, name) && is_host_variable(model_string(item, "name"))))
            return true;
    }
    for (size_t k = 0; k < ARRAY_LEN(lists); k++)
        json_array_foreach (json_object_get(service->container, lists[k]), i, item)
            if (names_host(json_string_value(item), name))
                return true;
    return false;
}

static bool has_edge(const struct compose_service *from, const char *to)
{
    for (size_t i = 0; i < from->edges.len; i++)
        if (text_equal(from->edges.items[i].to, to) && from->edges.items[i].name)
            return true;
    return false;
}

void compose_mentions(struct compose *compose)
{
    for (size_t i = 0; i < compose->services.len; i++) {
        struct compose_service *from = &compose->services.items[i];
        for (size_t j = 0; j < compose->services.len; j++) {
            const char *to = compose->services.items[j].name;
            if (i != j && to[0] && !has_edge(from, to) && mentions(from, to))
                compose_edge_add(from, (struct compose_edge){.to = memory_strdup(to),
                                                             .name = true,
                                                             .pointer = memory_strdup(from->pointer)});
        }
    }
}
