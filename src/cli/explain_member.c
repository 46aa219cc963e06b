#include "cli/explain_member.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

void explanation_init(struct explanation *explanation)
{
    assert(explanation);
    for (int i = 0; i < KIND_COUNT; i++)
        explanation->schemas[i] = json_loads(kind_schemas[i], 0, NULL);
}

void explanation_deinit(struct explanation *explanation)
{
    assert(explanation);
    for (int i = 0; i < KIND_COUNT; i++)
        json_decref(explanation->schemas[i]);
}

/* --- names ---------------------------------------------------------------------------------------------- */

/* Lower case, hyphens and underscores left out. Caller frees. */
static char *plain(const char *name)
{
    char *text = memory_alloc(strlen(name) + 1);
    size_t len = 0;
    for (; *name; name++)
        if (*name != '-' && *name != '_')
            text[len++] = (char)tolower((unsigned char)*name);
    text[len] = '\0';
    return text;
}

int explain_kind(const char *name)
{
    assert(name);
    char *wanted CLEANUP_FREE = plain(name);
    int found = -1;
    int count = 0;
    for (int i = 0; i < KIND_COUNT; i++) {
        char *known CLEANUP_FREE = plain(kind_names[i]);
        if (text_equal(known, wanted))
            return i;
        if (*wanted && text_starts_with(known, wanted)) {
            found = i;
            count++;
        }
    }
    return count == 1 ? found : -1;
}

char *explain_kind_text(enum kind kind)
{
    assert(kind < KIND_COUNT);
    const char *name = kind_names[kind];
    char *text = memory_alloc(strlen(name) * 2 + 1);
    size_t len = 0;
    for (const char *c = name; *c; c++) {
        if (isupper((unsigned char)*c) && c > name)
            text[len++] = '-';
        text[len++] = (char)tolower((unsigned char)*c);
    }
    text[len] = '\0';
    return text;
}

const char *explain_effect(enum kind_effect effect)
{
    static const char *const names[] = {
        [KIND_HONOURED] = "honoured",    [KIND_PARTLY] = "partly",      [KIND_IGNORED] = "no effect",
        [KIND_REFUSED] = "refused",      [KIND_LIKEWISE] = "no effect", [KIND_OUTPUT] = "not read",
        [KIND_META] = "of the document",
    };
    return names[effect];
}

/* --- places --------------------------------------------------------------------------------------------- */

static json_t *follow(const struct explanation *explanation, enum kind kind, json_t *schema)
{
    const char *ref = model_string(schema, "$ref");
    if (!ref)
        return schema;
    return json_object_get(json_object_get(explanation->schemas[kind], "$defs"), strrchr(ref, '/') + 1);
}

void explain_root(const struct explanation *explanation, enum kind kind, struct explain_place *ret_place)
{
    assert(explanation);
    assert(kind < KIND_COUNT);
    const char *unused = kind_unused(kind);
    const struct kind_member all = {.effect = KIND_HONOURED, .inside = kind_members(kind)};
    *ret_place = (struct explain_place){.kind = kind,
                                        .schema = explanation->schemas[kind],
                                        .inside = kind_members(kind),
                                        .effect = unused ? KIND_IGNORED : kind_member_effect(&all),
                                        .reason = unused};
}

static bool is_required(const json_t *schema, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(schema, "required"), i, item)
        if (text_equal(json_string_value(item), name))
            return true;
    return false;
}

static void enter(const struct explanation *explanation, const struct explain_place *above,
                  const struct kind_member *member, struct explain_place *ret_place)
{
    json_t *property = json_object_get(json_object_get(above->schema, "properties"), member->name);
    json_t *schema = follow(explanation, above->kind, property);
    json_t *items = json_object_get(schema, "items");
    enum kind_effect effect = kind_member_effect(member);
    bool from_above =
        above->effect == KIND_IGNORED || above->effect == KIND_REFUSED || above->effect == KIND_META;
    bool own = effect == KIND_OUTPUT || effect == KIND_META;
    *ret_place = (struct explain_place){
        .kind = above->kind,
        .schema = items ? follow(explanation, above->kind, items) : schema,
        .property = property,
        .member = member,
        .inside = member->inside,
        .effect = from_above && !own ? above->effect : effect,
        .reason = member->reason       ? member->reason
                  : from_above && !own ? above->reason
                                       : NULL,
        .required = is_required(above->schema, member->name),
    };
}

bool explain_step(const struct explanation *explanation, const struct explain_place *place, const char *name,
                  struct explain_place *ret_place)
{
    assert(place);
    assert(name);
    char *bare CLEANUP_FREE = memory_strndup(name, strcspn(name, "["));
    for (const struct kind_member *member = place->inside; member && member->name; member++) {
        if (strcasecmp(member->name, bare) != 0)
            continue;
        enter(explanation, place, member, ret_place);
        return true;
    }
    return false;
}

/* --- as JSON -------------------------------------------------------------------------------------------- */

static char *types_of(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type");
    if (json_is_string(type))
        return memory_strdup(json_string_value(type));
    if (json_array_size(type) == 2)
        return memory_printf("%s or %s", json_string_value(json_array_get(type, 0)),
                             json_string_value(json_array_get(type, 1)));
    return memory_strdup(json_object_get(schema, "const") ? "string" : "any");
}

char *explain_type(const struct explanation *explanation, const struct explain_place *place)
{
    assert(place);
    json_t *schema = place->property ? follow(explanation, place->kind, place->property) : place->schema;
    char *type = types_of(schema);
    const json_t *values = json_object_get(schema, "additionalProperties");
    if (!text_equal(type, "array") && !json_is_object(values))
        return type;
    char *inner CLEANUP_FREE = types_of(text_equal(type, "array") ? place->schema : values);
    char *whole = memory_printf("%s of %ss", text_equal(type, "array") ? "list" : "map", inner);
    free(type);
    return whole;
}

static void set_text(json_t *json, const char *name, const char *text)
{
    if (text)
        model_set_string(json, name, text);
}

static void copy(json_t *json, const char *name, const json_t *schema, const char *keyword)
{
    json_t *value = json_object_get(schema, keyword);
    if (value)
        json_object_set(json, name, value);
}

static json_t *place_to_json(const struct explanation *explanation, const struct explain_place *place)
{
    json_t *json = json_object();
    const json_t *own = place->property ? place->property : place->schema;
    char *type CLEANUP_FREE = explain_type(explanation, place);
    if (place->member)
        set_text(json, "name", place->member->name);
    set_text(json, "type", type);
    set_text(json, "effect", explain_effect(place->effect));
    set_text(json, "reason", place->reason);
    if (place->member && place->effect != KIND_IGNORED)
        set_text(json, "docker", place->member->docker);
    if (place->member)
        set_text(json, "refused", place->member->refused);
    if (place->required)
        json_object_set_new(json, "required", json_true());
    copy(json, "description", own, "description");
    copy(json, "default", own, "default");
    copy(json, "values", place->schema, "enum");
    copy(json, "expected", own, "x-expected");
    copy(json, "examples", own, "examples");
    return json;
}

json_t *explain_to_json(const struct explanation *explanation, const struct explain_place *place,
                        const char *path)
{
    assert(explanation);
    assert(place);
    json_t *json = json_object();
    set_text(json, "kind", kind_names[place->kind]);
    set_text(json, "path", path);
    json_t *own = place_to_json(explanation, place);
    json_object_update(json, own);
    json_decref(own);
    json_t *members = json_array();
    for (const struct kind_member *member = place->inside; member && member->name; member++) {
        struct explain_place below;
        enter(explanation, place, member, &below);
        json_array_append_new(members, place_to_json(explanation, &below));
    }
    if (place->inside)
        json_object_set_new(json, "members", members);
    else
        json_decref(members);
    return json;
}
