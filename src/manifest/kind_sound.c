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

/* An element that was taken out of the list which stood at that pointer then: those behind it moved up. */
struct gap {
    char *list;
    size_t index;
};
struct gap_vec VECTOR_OF(struct gap);

static void gaps_deinit(struct gap_vec *gaps)
{
    for (size_t i = 0; i < gaps->len; i++)
        free(gaps->items[i].list);
    vector_deinit(gaps);
}

/* The pointer from before the gap as it is behind it, or the other way. NULL: it led to what was taken out.
 * Caller frees. */
static char *move_pointer(const struct gap *gap, const char *pointer, bool back)
{
    size_t len = strlen(gap->list);
    size_t index;
    if (strncmp(pointer, gap->list, len) != 0 || pointer[len] != '/')
        return memory_strdup(pointer);
    const char *rest = pointer + len;
    char *token CLEANUP_FREE = document_pointer_next(&rest);
    if (!document_pointer_to_index(token, &index) || index < gap->index)
        return memory_strdup(pointer);
    if (index == gap->index && !back)
        return NULL;
    return memory_printf("%s/%zu%s", gap->list, back ? index + 1 : index - 1, rest);
}

/* In the object as it was written. Caller frees. */
static char *pointer_of_old(const struct gap_vec *gaps, const char *pointer)
{
    char *at = memory_strdup(pointer);
    for (size_t i = gaps ? gaps->len : 0; i-- > 0;) {
        char *before CLEANUP_FREE = at;
        at = move_pointer(&gaps->items[i], before, true);
    }
    return at;
}

/* Of a message, whose ` stands at POINTER ` is a place in the object as well. Caller frees. */
static char *message_of_old(const struct gap_vec *gaps, const char *message)
{
    static const char place[] = " stands at ";
    const char *found = strstr(message, place);
    if (!found)
        return memory_strdup(message);
    const char *at = found + strlen(place);
    size_t len = strcspn(at, " ");
    char *pointer CLEANUP_FREE = memory_strndup(at, len);
    char *moved CLEANUP_FREE = pointer_of_old(gaps, pointer);
    return memory_printf("%.*s%s%s", (int)(at - message), message, moved, at + len);
}

/* After the gaps from `first` on; NULL: it is gone. Caller frees. */
static char *pointer_of_new(const struct gap_vec *gaps, size_t first, const char *pointer)
{
    char *at = memory_strdup(pointer);
    for (size_t i = first; at && gaps && i < gaps->len; i++) {
        char *before CLEANUP_FREE = at;
        at = move_pointer(&gaps->items[i], before, false);
    }
    return at;
}

/* What the innermost holder of a pointer's value has it by. */
struct holding {
    json_t *holder; /* NULL: there is none, or the pointer leads nowhere */
    char *member;   /* of an object; NULL: it is a list */
    size_t index;
    size_t len; /* of the pointer up to the value */
    size_t list_len;
};

/* With `lists` an element has a list as its holder, else its list is what is held. */
static struct holding holding_of(json_t *value, const char *pointer, bool lists)
{
    struct holding holding = {0};
    const char *rest = pointer;
    json_t *at = value;
    while (at && *rest) {
        size_t list_len = (size_t)(rest - pointer);
        char *token CLEANUP_FREE = document_pointer_next(&rest);
        size_t index = 0;
        bool is_object = json_is_object(at);
        bool is_index = !is_object && document_pointer_to_index(token, &index);
        json_t *below = is_object ? json_object_get(at, token) : is_index ? json_array_get(at, index) : NULL;
        if (is_object || (lists && is_index)) {
            free(holding.member);
            holding = (struct holding){at, is_object ? memory_strdup(token) : NULL, index,
                                       (size_t)(rest - pointer), list_len};
        }
        at = below;
    }
    if (!at)
        holding.holder = NULL;
    return holding;
}

/* Removes the innermost part that holds what the pointer names. False where nothing can be removed. */
static bool cut_out(json_t *value, const char *pointer, struct cut_vec *cuts, bool unknown,
                    struct gap_vec *gaps)
{
    struct holding holding = holding_of(value, pointer, gaps != NULL);
    char *member CLEANUP_FREE = holding.member;
    if (!holding.holder)
        return false;
    char *part CLEANUP_FREE = memory_strndup(pointer, holding.len);
    vector_push(cuts, (struct cut){pointer_of_old(gaps, part), unknown});
    if (member) {
        json_object_del(holding.holder, member);
        return true;
    }
    json_array_remove(holding.holder, holding.index);
    vector_push(gaps, (struct gap){memory_strndup(pointer, holding.list_len), holding.index});
    return true;
}

/* The rules of a task definition count on all that its schema wants; those of the other kinds do without. */
static bool needs_all(enum kind kind)
{
    return kind == KIND_TASK_DEFINITION;
}

/* Returns whether something was removed. What is missing is noted alone where the rules do without. */
static bool cut_fault(enum kind kind, json_t *value, const struct diagnostic *fault, struct cut_vec *cuts,
                      struct gap_vec *gaps)
{
    bool missing = text_equal(fault->code, "missing-member");
    if (!missing || needs_all(kind))
        return cut_out(value, fault->pointer, cuts, missing || text_equal(fault->code, "unknown-member"),
                       gaps);
    char *place CLEANUP_FREE = pointer_of_old(gaps, fault->pointer);
    vector_push(cuts, (struct cut){memory_printf("%s/", place), true});
    return false;
}

/* All of one look at the value. Returns whether something was removed. */
static bool cut_round(enum kind kind, json_t *value, const struct diagnostics *faults, struct cut_vec *cuts,
                      struct gap_vec *gaps)
{
    size_t first = gaps ? gaps->len : 0;
    bool cut = false;
    for (size_t i = 0; i < faults->list.len; i++) {
        struct diagnostic fault = faults->list.items[i];
        char *pointer CLEANUP_FREE = pointer_of_new(gaps, first, fault.pointer);
        fault.pointer = pointer;
        if (pointer)
            cut |= cut_fault(kind, value, &fault, cuts, gaps);
    }
    return cut;
}

/* What is taken out so that the schema has nothing against what is left. */
struct cutting {
    json_t *sound;
    struct cut_vec cuts;
    struct gap_vec gaps;
    bool complete; /* the schema has nothing against it at all, not even that something is missing */
};

/* Without `elements` lists stay whole or go. */
static void cut_faults(const struct schema *schema, enum kind kind, const struct diagnostics *faults,
                       bool elements, struct cutting *cutting)
{
    struct diagnostics left CLEANUP(diagnostics_deinit) = {0};
    for (int round = 0; round < ROUNDS; round++) {
        const struct diagnostics *now = round ? &left : faults;
        bool cut = cut_round(kind, cutting->sound, now, &cutting->cuts, elements ? &cutting->gaps : NULL);
        diagnostics_deinit(&left);
        cutting->complete = schema_validate(schema, cutting->sound, &left) == 0;
        if (cutting->complete || !cut)
            return;
    }
}

static void cutting_deinit(struct cutting *cutting)
{
    for (size_t i = 0; i < cutting->cuts.len; i++)
        free(cutting->cuts.items[i].pointer);
    vector_deinit(&cutting->cuts);
    gaps_deinit(&cutting->gaps);
    json_decref(cutting->sound);
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

/* "/containerDefinitions/0" */
static bool is_container(const char *pointer)
{
    static const char list[] = "/containerDefinitions/";
    return text_starts_with(pointer, list) && !strchr(pointer + strlen(list), '/');
}

/* Rules between parts that need not be near each other. */
static bool looks_under(const struct diagnostic *finding, const char *cut)
{
    static const struct {
        const char *code;
        const char *under;
    } rules[] = {{"dependency", "/containerDefinitions"},
                 {"essential", "/containerDefinitions"},
                 {"reference", "/volumes"}};
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (text_equal(rules[i].code, finding->code) && text_starts_with(cut, rules[i].under))
            return true;
    return text_equal(finding->code, "reference") && is_container(cut) &&
           !strstr(finding->pointer, "/mountPoints/"); /* links and volumesFrom name containers */
}

/* Whether it may come of what was cut: it is about what holds that or, in a task definition, about a
 * neighbour of it or of what holds it. What an unknown member was meant for is missing, and is no neighbour.
 */
static bool may_come_of(enum kind kind, const struct diagnostic *finding, const struct cut *cut)
{
    size_t len = strlen(finding->pointer);
    size_t parent = parent_len(finding->pointer);
    if (is_at_or_around(finding->pointer, len, cut->pointer) || looks_under(finding, cut->pointer))
        return true;
    return needs_all(kind) && !cut->unknown && is_at_or_around(finding->pointer, parent, cut->pointer);
}

static void take_over(enum kind kind, const struct cutting *cutting, struct diagnostics *findings,
                      struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < findings->list.len; i++) {
        struct diagnostic *finding = &findings->list.items[i];
        bool told = exists(cutting->sound, finding->pointer);
        char *moved CLEANUP_FREE = finding->pointer;
        finding->pointer = pointer_of_old(&cutting->gaps, moved);
        char *message CLEANUP_FREE = finding->message;
        finding->message = message_of_old(&cutting->gaps, message);
        for (size_t j = 0; j < cutting->cuts.len && told; j++)
            told = !may_come_of(kind, finding, &cutting->cuts.items[j]);
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

static void add_references(const struct cutting *cutting, struct kind_object *object)
{
    const json_t *sound = cutting->sound;
    kind_references_read(sound, object);
    if (object->kind == KIND_SERVICE) {
        add_reference(object, KIND_CLUSTER, sound,
                      json_object_get(sound, "cluster") ? "cluster" : "clusterArn");
        add_reference(object, KIND_TASK_DEFINITION, sound, "taskDefinition");
    }
    for (size_t i = 0; i < object->references.len; i++) {
        char *moved CLEANUP_FREE = object->references.items[i].pointer;
        object->references.items[i].pointer = pointer_of_old(&cutting->gaps, moved);
    }
}

/* Whose pointers are those of the object as it was written: lists are whole. */
static json_t *whole_lists(const struct schema *schema, const json_t *value, enum kind kind,
                           const struct diagnostics *faults)
{
    struct cutting cutting CLEANUP(cutting_deinit) = {.sound = json_deep_copy(value)};
    cut_faults(schema, kind, faults, false, &cutting);
    return cutting.complete ? json_incref(cutting.sound) : NULL;
}

json_t *kind_sound_check(const struct schema *schema, const json_t *value, struct kind_object *object,
                         struct diagnostics *diagnostics)
{
    assert(schema);
    assert(object);
    assert(diagnostics->errors > 0);
    struct cutting cutting CLEANUP(cutting_deinit) = {.sound = json_deep_copy(value)};
    struct diagnostics findings CLEANUP(diagnostics_deinit) = {0};
    cut_faults(schema, object->kind, diagnostics, true, &cutting);
    json_t *sound = cutting.gaps.len   ? whole_lists(schema, value, object->kind, diagnostics)
                    : cutting.complete ? json_incref(cutting.sound)
                                       : NULL;
    check(object->kind, cutting.complete, cutting.sound, &findings);
    take_over(object->kind, &cutting, &findings, diagnostics);
    add_references(&cutting, object);
    return sound;
}
