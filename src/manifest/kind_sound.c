/* What an object that breaks its schema says all the same: all that is wrong with a commit is told at once.
 * What its faults are about is cut out, and the rest is checked as if it stood alone; what may be wrong only
 * because something was cut is not told. */
#include "manifest/kind_read.h"

#include "base/memory.h"
#include "base/text.h"
#include "manifest/document_pointer.h"
#include "manifest/kind_members.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Each cut may break what is around it, so it is as many as an object is deep; beyond that it is given up. */
#define ROUNDS 12

struct cut {
    char *pointer;
    bool unknown; /* a member that the schema has not: nothing is missing but what it was meant for */
};
struct cut_vec VECTOR_OF(struct cut);

/* Removes the innermost member that holds what the pointer names: lists stay whole, or pointers would shift.
 * False where nothing can be removed. */
static bool cut_out(json_t *value, const char *pointer, struct cut_vec *cuts, bool unknown)
{
    json_t *holder = NULL;
    char *member = NULL;
    size_t len = 0;
    const char *rest = pointer;
    json_t *at = value;
    while (at && *rest) {
        char *token = document_pointer_next(&rest);
        size_t index;
        json_t *below = NULL;
        if (json_is_object(at)) {
            below = json_object_get(at, token);
            free(member);
            member = memory_strdup(token);
            holder = at;
            len = (size_t)(rest - pointer);
        } else if (document_pointer_to_index(token, &index))
            below = json_array_get(at, index);
        free(token);
        at = below;
    }
    bool is_there = holder && at;
    if (is_there) {
        json_object_del(holder, member);
        vector_push(cuts, (struct cut){memory_strndup(pointer, len), unknown});
    }
    free(member);
    return is_there;
}

/* The rules of a task definition count on all that its schema wants; those of the other kinds do without. */
static bool needs_all(enum kind kind)
{
    return kind == KIND_TASK_DEFINITION;
}

/* Returns whether something was removed. What is missing is noted alone where the rules do without. */
static bool cut_fault(enum kind kind, json_t *value, const struct diagnostic *fault, struct cut_vec *cuts)
{
    bool missing = text_equal(fault->code, "missing-member");
    if (!missing || needs_all(kind))
        return cut_out(value, fault->pointer, cuts, missing || text_equal(fault->code, "unknown-member"));
    vector_push(cuts, (struct cut){memory_printf("%s/", fault->pointer), true});
    return false;
}

/* Until the schema has nothing against what is left, or nothing but what is missing. Returns whether it has
 * nothing at all. */
static bool cut_faults(const struct schema *schema, enum kind kind, json_t *value,
                       const struct diagnostics *faults, struct cut_vec *cuts)
{
    struct diagnostics left CLEANUP(diagnostics_deinit) = {0};
    for (int round = 0; round < ROUNDS; round++) {
        const struct diagnostics *now = round ? &left : faults;
        bool cut = false;
        for (size_t i = 0; i < now->list.len; i++)
            cut |= cut_fault(kind, value, &now->list.items[i], cuts);
        diagnostics_deinit(&left);
        if (schema_validate(schema, value, &left) == 0)
            return true;
        if (!cut)
            return false;
    }
    return false;
}

/* --- what is told --------------------------------------------------------------------------------------- */

static bool is_at_or_around(const char *pointer, size_t len, const char *inner)
{
    return strncmp(pointer, inner, len) == 0 && (inner[len] == '/' || !inner[len]);
}

static size_t parent_len(const char *pointer)
{
    const char *slash = strrchr(pointer, '/');
    return slash ? (size_t)(slash - pointer) : 0;
}

static bool exists(const json_t *value, const char *pointer)
{
    while (value && *pointer) {
        char *token CLEANUP_FREE = document_pointer_next(&pointer);
        size_t index;
        if (json_is_object(value))
            value = json_object_get(value, token);
        else
            value = document_pointer_to_index(token, &index) ? json_array_get(value, index) : NULL;
    }
    return value != NULL;
}

/* Rules between parts that need not be near each other. */
static bool looks_under(const char *code, const char *cut)
{
    static const struct {
        const char *code;
        const char *under;
    } rules[] = {{"dependency", "/containerDefinitions"},
                 {"essential", "/containerDefinitions"},
                 {"reference", "/volumes"}};
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (text_equal(rules[i].code, code) && text_starts_with(cut, rules[i].under))
            return true;
    return false;
}

/* Whether it may come of what was cut: it is about what holds that or, in a task definition, about a
 * neighbour of it or of what holds it. What an unknown member was meant for is missing, and is no neighbour.
 */
static bool may_come_of(enum kind kind, const struct diagnostic *finding, const struct cut *cut)
{
    size_t len = strlen(finding->pointer);
    size_t parent = parent_len(finding->pointer);
    if (is_at_or_around(finding->pointer, len, cut->pointer) || looks_under(finding->code, cut->pointer))
        return true;
    return needs_all(kind) && !cut->unknown && is_at_or_around(finding->pointer, parent, cut->pointer);
}

static void take_over(enum kind kind, const json_t *value, const struct cut_vec *cuts,
                      struct diagnostics *findings, struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < findings->list.len; i++) {
        struct diagnostic *finding = &findings->list.items[i];
        bool told = exists(value, finding->pointer);
        for (size_t j = 0; j < cuts->len && told; j++)
            told = !may_come_of(kind, finding, &cuts->items[j]);
        struct diagnostics one = {.list = {finding, 1, 1},
                                  .errors = finding->severity == SEVERITY_ERROR,
                                  .warnings = finding->severity == SEVERITY_WARNING};
        if (told)
            diagnostics_append(diagnostics, &one);
    }
}

/* The same that is asked of a valid object. */
static void check(enum kind kind, bool complete, const json_t *value, struct diagnostics *findings)
{
    kind_members_check(kind_members(kind), value, "", findings);
    if (kind == KIND_CLUSTER)
        kind_cluster_check(value, findings);
    else if (kind == KIND_SERVICE)
        kind_service_check(value, findings);
    else if (kind == KIND_SCHEDULED_TASK)
        kind_schedule_check(value, findings);
    else if (kind == KIND_TASK_DEFINITION && complete) /* see needs_all() */
        kind_task_definition_check(value, findings);
}

static void add_reference(struct kind_object *object, enum kind target, const json_t *value,
                          const char *member)
{
    const char *name = model_string(value, member);
    if (name)
        vector_push(&object->references, (struct kind_reference){.target = target,
                                                                 .name = memory_strdup(kind_arn_tail(name)),
                                                                 .arn = text_starts_with(name, "arn:"),
                                                                 .pointer = memory_printf("/%s", member)});
}

json_t *kind_sound_check(const struct schema *schema, const json_t *value, struct kind_object *object,
                         struct diagnostics *diagnostics)
{
    assert(schema);
    assert(object);
    assert(diagnostics->errors > 0);
    struct cut_vec cuts = {0};
    struct diagnostics findings CLEANUP(diagnostics_deinit) = {0};
    json_t *sound = json_deep_copy(value);
    bool complete = cut_faults(schema, object->kind, sound, diagnostics, &cuts);
    check(object->kind, complete, sound, &findings);
    take_over(object->kind, sound, &cuts, &findings, diagnostics);
    kind_references_read(sound, object);
    if (object->kind == KIND_SERVICE) {
        add_reference(object, KIND_CLUSTER, sound,
                      json_object_get(sound, "cluster") ? "cluster" : "clusterArn");
        add_reference(object, KIND_TASK_DEFINITION, sound, "taskDefinition");
    }
    for (size_t i = 0; i < cuts.len; i++)
        free(cuts.items[i].pointer);
    vector_deinit(&cuts);
    if (complete)
        return sound;
    json_decref(sound);
    return NULL;
}
