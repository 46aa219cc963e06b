#include "cli/explain_reference.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "model/json.h"

#include <assert.h>

/* Objects that are still to be written, each once: many members lead to the same table. */
struct entry {
    struct explain_place place;
    char *path;
};

struct reference {
    FILE *file;
    const struct explanation *explanation;
    struct entry_vec VECTOR_OF(struct entry) entries;
};

/* Bars end a cell, and line ends the table. */
static void write_cell(FILE *file, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '|')
            fputc('\\', file);
        fputc(*text == '\n' ? ' ' : *text, file);
    }
}

static void write_effect(FILE *file, const struct explain_place *place)
{
    write_cell(file, explain_effect(place->effect));
    if (place->member->refused && place->effect == KIND_PARTLY)
        fprintf(file, ", %s is refused", place->member->refused);
    if (place->reason && place->member->reason) {
        fputs(": ", file);
        write_cell(file, place->reason);
    }
}

static void write_description(FILE *file, const json_t *property)
{
    const json_t *fallback = json_object_get(property, "default");
    write_cell(file, model_string(property, "description"));
    if (!fallback)
        return;
    char *text = json_dumps(fallback, JSON_ENCODE_ANY);
    fprintf(file, " Default `%s`.", text);
    free(text);
}

/* The first path to a table is the one that it is written at. */
static void add(struct reference *reference, const struct explain_place *place, const char *path)
{
    for (size_t i = 0; i < reference->entries.len; i++)
        if (reference->entries.items[i].place.inside == place->inside &&
            reference->entries.items[i].place.effect == place->effect)
            return;
    vector_push(&reference->entries, (struct entry){*place, memory_strdup(path)});
}

static void write_member(struct reference *reference, const struct entry *above,
                         const struct kind_member *member)
{
    struct explain_place place;
    FILE *file = reference->file;
    explain_step(reference->explanation, &above->place, member->name, &place);
    char *type CLEANUP_FREE = explain_type(reference->explanation, &place);
    fprintf(file, "| `%s` | %s%s | ", member->name, type, place.required ? ", required" : "");
    write_effect(file, &place);
    fputs(" | ", file);
    if (member->docker && place.effect != KIND_IGNORED)
        fprintf(file, "`%s`", member->docker);
    fputs(" | ", file);
    write_description(file, place.property);
    fputs(" |\n", file);
    if (!place.inside || place.effect == KIND_OUTPUT || place.effect == KIND_META)
        return;
    char *path CLEANUP_FREE = memory_printf("%s.%s", above->path, member->name);
    add(reference, &place, path);
}

static void write_table(struct reference *reference, const struct entry *entry)
{
    fputs("\n| member | type | effect | Docker | what it is |\n|---|---|---|---|---|\n", reference->file);
    for (const struct kind_member *member = entry->place.inside; member->name; member++)
        if (member->effect != KIND_OUTPUT)
            write_member(reference, entry, member);
}

static void write_outputs(FILE *file, const struct kind_member *table)
{
    bool any = false;
    for (; table->name; table++) {
        if (table->effect != KIND_OUTPUT)
            continue;
        fprintf(file, "%s`%s`", any ? ", " : "\nAccepted as AWS prints it, and not read: ", table->name);
        any = true;
    }
    if (any)
        fputs(".\n", file);
}

static void write_kind(const struct explanation *explanation, FILE *file, enum kind kind)
{
    struct reference reference = {.file = file, .explanation = explanation};
    struct explain_place root;
    char *path CLEANUP_FREE = explain_kind_text(kind);
    explain_root(explanation, kind, &root);
    fprintf(file, "\n## %s\n\n%s\n", kind_names[kind], model_string(root.schema, "description"));
    if (kind_unused(kind))
        fprintf(file, "\nValidated, and others may name it. It has no effect yet: %s.\n", kind_unused(kind));
    add(&reference, &root, path);
    for (size_t i = 0; i < reference.entries.len; i++) {
        struct entry entry = reference.entries.items[i]; /* the vector grows */
        if (i)
            fprintf(file, "\n### %s\n", entry.path);
        write_table(&reference, &entry);
        if (!i)
            write_outputs(file, entry.place.inside);
    }
    for (size_t i = 0; i < reference.entries.len; i++)
        free(reference.entries.items[i].path);
    vector_deinit(&reference.entries);
}

static const char intro[] =
    "# Manifests\n"
    "\n"
    "<!-- Written by `davit explain -o markdown > schemas/README.md`; a test compares. -->\n"
    "\n"
    "Each file is a JSON Schema (2020-12) of one kind, which `davit schema KIND` prints as well; "
    "`Manifest.json` is any of them.\n"
    "Editors complete by it where the first line of a YAML file says where it is:\n"
    "\n"
    "    # yaml-language-server: $schema=../schemas/Manifest.json\n"
    "\n"
    "The shapes are those of AWS. Members whose names begin with `x-` are left alone, and a member that is "
    "null counts as\n"
    "absent. What becomes of each member is said below and by `davit explain KIND.MEMBER`:\n"
    "\n"
    "| effect | meaning |\n"
    "|---|---|\n"
    "| honoured | does what it does on ECS |\n"
    "| partly | as far as the reason says, or as the members inside do |\n"
    "| no effect | accepted; `davit validate` warns with the reason |\n"
    "| refused | an error |\n"
    "| of the document | says what the file is, not what runs |\n"
    "\n"
    "`Configuration.json` is the schema of the daemon's own configuration.\n";

void explain_write_reference(FILE *file, const struct explanation *explanation)
{
    assert(file);
    assert(explanation);
    /* What runs first. */
    static const enum kind order[KIND_COUNT] = {
        KIND_TASK_DEFINITION, KIND_SERVICE,           KIND_CLUSTER,      KIND_RUN_TASK,
        KIND_SCHEDULED_TASK,  KIND_CAPACITY_PROVIDER, KIND_TARGET_GROUP, KIND_LISTENER};
    fputs(intro, file);
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        write_kind(explanation, file, order[i]);
}
