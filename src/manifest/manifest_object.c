/* Objects with all their members, for those who print them. */
#include "manifest/kind_members.h"
#include "manifest/manifest_state.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct resolved {
    enum kind kind;
    char *name;
    json_t *value;
};
struct resolved_vec VECTOR_OF(struct resolved);

static void keep(void *data, enum kind kind, const char *name, const json_t *value)
{
    struct resolved_vec *objects = data;
    vector_push(objects,
                (struct resolved){kind, memory_strdup(name), json_incref((json_t *)(uintptr_t)value)});
}

/* What others need comes first. */
static int rank(enum kind kind)
{
    static const int ranks[KIND_COUNT] = {
        [KIND_CAPACITY_PROVIDER] = 0, [KIND_CLUSTER] = 1, [KIND_TASK_DEFINITION] = 2, [KIND_TARGET_GROUP] = 3,
        [KIND_LISTENER] = 4,          [KIND_SERVICE] = 5, [KIND_SCHEDULED_TASK] = 6,  [KIND_RUN_TASK] = 7,
    };
    return ranks[kind];
}

static int compare(const void *a, const void *b)
{
    const struct resolved *left = a;
    const struct resolved *right = b;
    int r = rank(left->kind) - rank(right->kind);
    return r ? r : strcmp(left->name, right->name);
}

void manifest_each_object(struct manifest *manifest,
                          void (*visit)(void *data, const struct manifest_object *object), void *data)
{
    assert(manifest);
    assert(visit);
    struct resolved_vec objects = {0};
    const struct kind_visitor visitor = {keep, &objects};
    map_for_each (&manifest->files, slot)
        manifest_entry_visit(manifest, slot->value, &visitor);
    vector_sort(&objects, compare);
    for (size_t i = 0; i < objects.len; i++) {
        struct resolved *object = &objects.items[i];
        visit(data, &(struct manifest_object){kind_names[object->kind], object->name, object->value});
        free(object->name);
        json_decref(object->value);
    }
    vector_deinit(&objects);
}

/* --- for AWS -------------------------------------------------------------------------------------------- */

static const struct kind_member *find(const struct kind_member *table, const char *name)
{
    while (table->name && !text_equal(table->name, name))
        table++;
    return table->name ? table : NULL;
}

static bool is_taken(const struct kind_member *member)
{
    static const char *const ours[] = {"$schema", "kind", "davit", "requiresAttributes"};
    if (!member || member->effect == KIND_OUTPUT)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (text_equal(member->name, ours[i]))
            return false;
    return true;
}

/* What davit adds inside objects that the table knows. */
static void drop_additions(const struct kind_member *table, json_t *object)
{
    const char *name;
    json_t *value;
    json_object_del(object, "davit");
    json_object_foreach (object, name, value) {
        const struct kind_member *member = find(table, name);
        size_t i;
        json_t *item;
        if (!member || !member->inside)
            continue;
        if (json_is_object(value))
            drop_additions(member->inside, value);
        json_array_foreach (value, i, item)
            if (json_is_object(item))
                drop_additions(member->inside, item);
    }
}

/* The API has strings where manifests may have numbers. */
static void make_text(json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    if (json_is_integer(value))
        json_object_set_new(object, member, json_sprintf("%lld", (long long)json_integer_value(value)));
}

static enum kind kind_named(const char *name)
{
    size_t i = 0;
    while (i + 1 < KIND_COUNT && !text_equal(kind_names[i], name))
        i++;
    return (enum kind)i;
}

json_t *manifest_aws_input(const struct manifest_object *object)
{
    assert(object);
    enum kind kind = kind_named(object->kind);
    const struct kind_member *table = kind_members(kind);
    json_t *input = json_object();
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)object->value, name, value)
        if (is_taken(find(table, name)))
            json_object_set_new(input, name, json_deep_copy(value));
    drop_additions(table, input);
    if (kind == KIND_TASK_DEFINITION) {
        make_text(input, "cpu");
        make_text(input, "memory");
    }
    if (kind == KIND_SERVICE) { /* describe-services has the one, create-service the other */
        json_t *cluster = json_object_get(input, "clusterArn");
        if (cluster && !json_object_get(input, "cluster"))
            json_object_set(input, "cluster", cluster);
        json_object_del(input, "clusterArn");
    }
    return input;
}
