#include "model/diff.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_CHARS 200 /* of a value */

/* A value as people read it, cut when long. Takes nothing; caller owns. NULL gives NULL. */
static json_t *shown(const json_t *value)
{
    if (!value)
        return NULL;
    if (!json_is_string(value) && !json_is_object(value) && !json_is_array(value))
        return json_deep_copy(value);
    char *text CLEANUP_FREE = json_is_string(value) ? memory_strdup(json_string_value(value))
                                                    : json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    size_t len = text ? strlen(text) : 0;
    if (len <= SHOWN_CHARS)
        return json_string(text ? text : "");
    len = SHOWN_CHARS;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--; /* not within a character */
    char *cut CLEANUP_FREE = memory_printf("%.*s...", (int)len, text);
    return json_string(cut);
}

struct change {
    const char *what;
    const json_t *from;
    const json_t *to;
};

static void add(json_t *details, const struct change *change)
{
    if (change->from == change->to || json_equal(change->from, change->to))
        return;
    json_t *json = json_pack("{s:s}", "what", change->what);
    if (change->from)
        json_object_set_new(json, "from", shown(change->from));
    if (change->to)
        json_object_set_new(json, "to", shown(change->to));
    json_array_append_new(details, json);
}

static void add_number(json_t *details, const char *what, int from, int to)
{
    if (from != to)
        json_array_append_new(details, json_pack("{s:s,s:i,s:i}", "what", what, "from", from, "to", to));
}

/* The member of a list of {"name": ...}, or NULL. */
static const json_t *named(const json_t *list, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item) {
        if (text_equal(model_string(item, "name"), name))
            return item;
    }
    return NULL;
}

static void add_secret(json_t *details, const char *what, const char *change)
{
    json_array_append_new(details, json_pack("{s:s,s:s,s:b}", "what", what, "change", change, "secret", 1));
}

/* Lists of variables: names, never values. */
static void compare_variables(json_t *details, const struct change *lists)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)lists->to, i, item) {
        const char *name = model_string(item, "name");
        const json_t *before = named(lists->from, name);
        char *what CLEANUP_FREE = memory_printf("%s %s", lists->what, name ? name : "?");
        if (!before || !json_equal(before, item))
            add_secret(details, what, before ? "changed" : "added");
    }
    json_array_foreach ((json_t *)lists->from, i, item) {
        const char *name = model_string(item, "name");
        char *what CLEANUP_FREE = memory_printf("%s %s", lists->what, name ? name : "?");
        if (!named(lists->to, name))
            add_secret(details, what, "removed");
    }
}

static bool is_secret(const char *member)
{
    return text_equal(member, "environment") || text_equal(member, "secrets");
}

static void compare_member(json_t *details, const struct change *member, const char *key)
{
    if (is_secret(key))
        compare_variables(details, member);
    else
        add(details, member);
}

/* Every member that either object has, those of `to` first, but for `without`. */
static void compare_objects(json_t *details, const struct change *objects, const char *without)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)objects->to, key, value) {
        if (text_equal(key, without))
            continue;
        char *what CLEANUP_FREE = memory_printf("%s%s%s", objects->what, objects->what[0] ? " " : "", key);
        compare_member(details, &(struct change){what, json_object_get(objects->from, key), value}, key);
    }
    json_object_foreach ((json_t *)objects->from, key, value) {
        if (text_equal(key, without) || json_object_get(objects->to, key))
            continue;
        char *what CLEANUP_FREE = memory_printf("%s%s%s", objects->what, objects->what[0] ? " " : "", key);
        compare_member(details, &(struct change){what, value, NULL}, key);
    }
}

static void note(json_t *details, const char *name, const char *change)
{
    char *what CLEANUP_FREE = memory_printf("container \"%s\"", name ? name : "?");
    json_array_append_new(details, json_pack("{s:s,s:s}", "what", what, "change", change));
}

static void compare_containers(json_t *details, const json_t *from, const json_t *to)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)to, i, item) {
        const char *name = model_string(item, "name");
        const json_t *before = named(from, name);
        char *what CLEANUP_FREE = memory_printf("container \"%s\"", name ? name : "?");
        if (before)
            compare_objects(details, &(struct change){what, before, item}, "name");
        else
            note(details, name, "added");
    }
    json_array_foreach ((json_t *)from, i, item) {
        const char *name = model_string(item, "name");
        if (!named(to, name))
            note(details, name, "removed");
    }
}

static void compare_definitions(json_t *details, const struct diff_side *from, const struct diff_side *to)
{
    if (!from->task_definition || !to->task_definition) {
        char *before CLEANUP_FREE = memory_printf("%s:%d", from->family ? from->family : "?", from->revision);
        char *after CLEANUP_FREE = memory_printf("%s:%d", to->family ? to->family : "?", to->revision);
        json_array_append_new(
            details, json_pack("{s:s,s:s,s:s}", "what", "taskDefinition", "from", before, "to", after));
        return;
    }
    static const char containers[] = "containerDefinitions";
    compare_containers(details, json_object_get(from->task_definition, containers),
                       json_object_get(to->task_definition, containers));
    compare_objects(details, &(struct change){"", from->task_definition, to->task_definition}, containers);
}

struct diff_side diff_side_of(const struct service *service)
{
    assert(service);
    const struct task_definition *definition = service->task_definition;
    return (struct diff_side){.digest = service->digest,
                              .desired_count = service->desired_count,
                              .minimum_healthy_percent = service->minimum_healthy_percent,
                              .maximum_percent = service->maximum_percent,
                              .family = definition ? definition->family : NULL,
                              .revision = definition ? definition->revision : 0,
                              .task_definition = definition ? definition->json : NULL};
}

json_t *diff_service(const char *cluster, const char *service, const struct diff_side *from,
                     const struct diff_side *to)
{
    assert(cluster && service);
    if (!from && !to)
        return NULL;
    json_t *details = json_array();
    bool deploy = from && to && !digest_equal(&from->digest, &to->digest);
    if (deploy)
        compare_definitions(details, from, to);
    if (!from || (to && from->desired_count != to->desired_count))
        add_number(details, "desiredCount", from ? from->desired_count : 0, to->desired_count);
    if (from && to && from->minimum_healthy_percent && to->minimum_healthy_percent)
        add_number(details, "minimumHealthyPercent", from->minimum_healthy_percent,
                   to->minimum_healthy_percent);
    if (from && to && from->maximum_percent && to->maximum_percent)
        add_number(details, "maximumPercent", from->maximum_percent, to->maximum_percent);
    if (from && to && !deploy && !json_array_size(details)) {
        json_decref(details);
        return NULL;
    }
    const char *change = !from ? "create" : !to ? "remove" : deploy ? "deploy" : "update";
    return json_pack("{s:s,s:s,s:s,s:o}", "cluster", cluster, "service", service, "change", change, "details",
                     details);
}
