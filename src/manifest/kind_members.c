#include "manifest/kind_members.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct kind_member *kind_members_find(const struct kind_member *table, const char *name)
{
    assert(table);
    assert(name);
    for (const struct kind_member *member = table; member->name; member++)
        if (member->name[0] == name[0] && strcmp(member->name, name) == 0) /* most begin otherwise */
            return member;
    return NULL;
}

enum kind_effect kind_member_effect(const struct kind_member *member)
{
    assert(member);
    if (member->effect == KIND_LIKEWISE)
        return KIND_IGNORED;
    if (member->effect != KIND_HONOURED || !member->inside)
        return member->effect;
    size_t done = 0;
    size_t others = 0;
    for (const struct kind_member *inner = member->inside; inner->name; inner++) {
        enum kind_effect effect = kind_member_effect(inner);
        done += effect == KIND_HONOURED || effect == KIND_PARTLY;
        others += effect == KIND_IGNORED || effect == KIND_REFUSED || effect == KIND_PARTLY;
    }
    if (!others)
        return KIND_HONOURED;
    return done ? KIND_PARTLY : KIND_IGNORED;
}

static bool is_empty(const json_t *value)
{
    return json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

/* A list does when each of its elements does. */
static bool equals_text(const json_t *value, const char *text)
{
    if (!text)
        return false;
    if (json_is_array(value)) {
        size_t i = 0;
        while (i < json_array_size(value) && equals_text(json_array_get(value, i), text))
            i++;
        return i == json_array_size(value);
    }
    if (json_is_string(value))
        return strcmp(json_string_value(value), text) == 0;
    if (json_is_boolean(value))
        return strcmp(json_is_true(value) ? "true" : "false", text) == 0;
    int64_t number;
    return json_is_integer(value) && text_to_int64(text, INT64_MIN, INT64_MAX, &number) == 0 &&
           json_integer_value(value) == number;
}

/* Whether the text is one of the words. */
static bool has_word(const char *words, const char *text)
{
    size_t len = strlen(text);
    for (const char *word = words; word; word = strchr(word, ' ')) {
        word += *word == ' ';
        if (strncmp(word, text, len) == 0 && (word[len] == ' ' || !word[len]))
            return true;
    }
    return false;
}

/* Where an object stands. As text only for what is told: most objects have nothing to tell. */
struct spot {
    const struct spot *outer; /* NULL: at `name` */
    const char *name;         /* of the member of `outer` */
    size_t index;             /* in the list that the member is, from 1; 0: it is the object itself */
};

/* Caller frees. */
static char *pointer_of(const struct spot *spot)
{
    if (!spot->outer)
        return memory_strdup(spot->name);
    char *outer CLEANUP_FREE = pointer_of(spot->outer);
    return spot->index ? memory_printf("%s/%s/%zu", outer, spot->name, spot->index - 1)
                       : memory_printf("%s/%s", outer, spot->name);
}

static void warn(const struct kind_member *member, char *pointer, struct diagnostics *diagnostics)
{
    kind_report(diagnostics, (struct kind_fault){.severity = SEVERITY_WARNING,
                                                 .code = "no-effect",
                                                 .pointer = pointer,
                                                 .message = memory_printf("%s has no effect yet: %s",
                                                                          member->name, member->reason)});
}

static void refuse(const struct kind_member *member, char *pointer, const char *value,
                   struct diagnostics *diagnostics)
{
    kind_report(diagnostics,
                (struct kind_fault){.severity = SEVERITY_ERROR,
                                    .code = "unsupported",
                                    .pointer = pointer,
                                    .message = memory_printf("%s%s%s is not supported yet", member->name,
                                                             value ? " " : "", value ? value : ""),
                                    .found = value ? memory_printf("\"%s\"", value) : NULL,
                                    .hint = memory_strdup(member->reason)});
}

static void check_member(const struct kind_member *member, const json_t *value, const struct spot *object,
                         struct diagnostics *diagnostics)
{
    const char *text = json_string_value(value);
    bool refused = text && member->refused && has_word(member->refused, text);
    const struct spot spot = {object, member->name, 0};
    if (member->effect == KIND_IGNORED)
        warn(member, pointer_of(&spot), diagnostics);
    else if (member->effect == KIND_REFUSED || refused)
        refuse(member, pointer_of(&spot), refused ? text : NULL, diagnostics);
}

static void check_object(const struct kind_member *table, const json_t *object, const struct spot *at,
                         struct diagnostics *diagnostics);

static void check_inside(const struct kind_member *member, const json_t *value, const struct spot *object,
                         struct diagnostics *diagnostics)
{
    size_t i;
    json_t *item;
    if (json_is_object(value))
        check_object(member->inside, value, &(struct spot){object, member->name, 0}, diagnostics);
    json_array_foreach (value, i, item)
        check_object(member->inside, item, &(struct spot){object, member->name, i + 1}, diagnostics);
}

static void prune_inside(const struct kind_member *table, json_t *value)
{
    size_t i;
    json_t *item;
    kind_members_prune(table, value);
    json_array_foreach (value, i, item)
        kind_members_prune(table, item);
}

static void check_object(const struct kind_member *table, const json_t *object, const struct spot *at,
                         struct diagnostics *diagnostics)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)object, name, value) {
        const struct kind_member *member = kind_members_find(table, name);
        if (!member || is_empty(value) || equals_text(value, member->usual))
            continue;
        if (member->inside && member->effect == KIND_HONOURED)
            check_inside(member, value, at, diagnostics);
        else
            check_member(member, value, at, diagnostics);
    }
}

void kind_members_check(const struct kind_member *table, const json_t *object, const char *pointer,
                        struct diagnostics *diagnostics)
{
    assert(table);
    assert(pointer);
    check_object(table, object, &(struct spot){NULL, pointer, 0}, diagnostics);
}

void kind_members_prune(const struct kind_member *table, json_t *object)
{
    assert(table);
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(object, next, name, value)
    {
        const struct kind_member *member = kind_members_find(table, name);
        if (member && json_is_null(value))
            json_object_del(object, name);
        else if (member && member->inside)
            prune_inside(member->inside, value);
    }
}

void kind_members_strip(const struct kind_member *table, json_t *object)
{
    assert(table);
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(object, next, name, value)
    {
        const struct kind_member *member = kind_members_find(table, name);
        if (!member || member->effect == KIND_OUTPUT || member->effect == KIND_META)
            json_object_del(object, name);
    }
}

static json_t *normal_value(const struct kind_member *member, json_t *value)
{
    if (!member->inside)
        return json_incref(value);
    if (json_is_object(value))
        return kind_members_normal(member->inside, value);
    json_t *list = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (value, i, item)
        json_array_append_new(list, kind_members_normal(member->inside, item));
    return list;
}

json_t *kind_members_normal(const struct kind_member *table, const json_t *object)
{
    assert(table);
    json_t *normal = json_object();
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)object, name, value) {
        const struct kind_member *member = kind_members_find(table, name);
        if (!member || member->effect == KIND_META || is_empty(value) || equals_text(value, member->usual))
            continue;
        json_t *inner = normal_value(member, value);
        if (is_empty(inner))
            json_decref(inner);
        else
            json_object_set_new(normal, name, inner);
    }
    return normal;
}
