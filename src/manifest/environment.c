#include "manifest/environment.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/document_pointer.h"
#include "manifest/environment_path.h"
#include "manifest/manifest_state.h"

#include <assert.h>
#include <string.h>

static void layer_free(struct environment_layer *layer)
{
    free(layer->directory);
    free(layer->file);
    document_deinit(&layer->document);
    string_vec_deinit(&layer->typed);
    free(layer->by);
    free(layer);
}

static void target_free(struct environment_target *target)
{
    vector_deinit(&target->patches);
    free(target->match);
    free(target);
}

void environment_free(struct environment *environment)
{
    if (!environment)
        return;
    for (size_t i = 0; i < environment->layers.len; i++)
        layer_free(environment->layers.items[i]);
    vector_deinit(&environment->layers);
    map_deinit(&environment->variables);
    vector_deinit(&environment->patches);
    map_deinit(&environment->targets);
    string_vec_deinit(&environment->missing);
    string_vec_deinit(&environment->too_large);
    diagnostics_deinit(&environment->diagnostics);
    free(environment);
}

bool environment_is_file(const char *path)
{
    assert(path);
    return text_equal(kind_arn_tail(path), ENVIRONMENT_FILE);
}

bool environment_is_usable(const struct environment *environment)
{
    assert(environment);
    return environment->missing.len == 0 && environment->diagnostics.errors == 0;
}

struct environment_layer *environment_layer_of(const struct environment *environment, const char *path)
{
    assert(environment);
    assert(path);
    struct environment_layer *best = NULL;
    for (size_t i = 0; i < environment->layers.len; i++) {
        struct environment_layer *layer = environment->layers.items[i];
        if (environment_path_holds(layer->directory, path) &&
            (!best || environment_path_holds(best->directory, layer->directory)))
            best = layer;
    }
    return best;
}

char *environment_bare_name(const char *declared)
{
    assert(declared);
    const char *blank = strchr(declared, ' ');
    const char *slash = strrchr(declared, '/');
    return blank && slash ? memory_printf("%.*s %s", (int)(blank - declared), declared, slash + 1) : NULL;
}

void environment_roots(const struct environment *environment, struct string_vec *ret_roots)
{
    assert(environment);
    for (size_t i = 0; i < environment->missing.len; i++)
        vector_push(ret_roots, memory_printf("%s/", environment->missing.items[i]));
    for (size_t i = 0; i < environment->too_large.len; i++)
        vector_push(ret_roots, memory_printf("%s/", environment->too_large.items[i]));
    for (size_t i = 0; i < environment->layers.len; i++)
        if (environment_path_is_outside(environment->layers.items[i]->directory))
            vector_push(ret_roots, memory_printf("%s/", environment->layers.items[i]->directory));
}

struct digest environment_digest(const struct environment *environment, bool uses_variables,
                                 const struct string_vec *declared)
{
    assert(environment);
    struct digest digest = {0};
    if (uses_variables)
        digest = environment->variables_digest;
    for (size_t i = 0; i < declared->len && environment->targets.len; i++) {
        const char *names[] = {declared->items[i], NULL};
        char *bare CLEANUP_FREE = environment_bare_name(declared->items[i]);
        names[1] = bare;
        for (size_t j = 0; j < ARRAY_LEN(names); j++) {
            const struct environment_target *target =
                names[j] ? map_get(&environment->targets, names[j]) : NULL;
            if (target)
                digest = digest_combine(&digest, &target->digest);
        }
    }
    return digest;
}

/* --- one davit.yaml ------------------------------------------------------------------------------------- */

/* The stack that is being put together. */
struct stacking {
    const struct manifest *manifest;
    struct environment *environment;
    struct schema *schema;
    const char *path[LIMIT_ENVIRONMENT_DEPTH + 1]; /* directories that are being extended, the root first */
    size_t depth;
};

static void fault_at(struct stacking *stacking, const struct environment_layer *layer, char *pointer,
                     struct kind_fault fault)
{
    struct diagnostics found CLEANUP(diagnostics_deinit) = {0};
    fault.severity = SEVERITY_ERROR;
    fault.pointer = pointer;
    kind_report(&found, fault);
    document_place(&layer->document, layer->file, &found);
    diagnostics_append(&stacking->environment->diagnostics, &found);
}

/* JSON Schema takes 1.0 for an integer; as a version it would lose its end. */
static void check_variables(struct stacking *stacking, const struct environment_layer *layer)
{
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(layer->document.value, "variables"), name, value) {
        struct buffer pointer CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
        buffer_append_str(&pointer, "/variables");
        document_pointer_append_key(&pointer, name);
        if (json_is_real(value))
            fault_at(
                stacking, layer, memory_strdup(buffer_str(&pointer)),
                (struct kind_fault){.code = "type",
                                    .message = memory_strdup("a variable with a fraction"),
                                    .found = json_dumps(value, JSON_ENCODE_ANY),
                                    .hint = memory_strdup("put it in quotes, so that no digit is lost")});
        const char *reference = json_is_string(value) ? strstr(json_string_value(value), "${") : NULL;
        if (reference)
            fault_at(stacking, layer, memory_strdup(buffer_str(&pointer)),
                     (struct kind_fault){.code = "variable",
                                         .message = memory_strdup("a variable's value holds ${"),
                                         .hint = memory_strdup("values are taken as they are: write the "
                                                               "references where the variable is used")});
    }
}

/* A configuration of the daemon that was given the name of an environment: its first member says so. */
static void suspect_configuration(struct diagnostics *faults)
{
    static const char *const members[] = {"/source", "/instances", "/stateDirectory"};
    for (size_t i = 0; i < faults->list.len; i++) {
        struct diagnostic *fault = &faults->list.items[i];
        for (size_t j = 0; j < ARRAY_LEN(members); j++) {
            if (!text_equal(fault->code, "unknown-member") || !text_equal(fault->pointer, members[j]))
                continue;
            free(fault->hint);
            fault->hint = memory_strdup("this looks like a configuration of the daemon: `davit daemon "
                                        "--config FILE` reads it, and it belongs outside of the manifests");
            return;
        }
    }
}

static int parse(struct stacking *stacking, struct environment_layer *layer,
                 const struct manifest_entry *entry)
{
    struct diagnostics *diagnostics = &stacking->environment->diagnostics;
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    if (entry->kind != MANIFEST_FILE) {
        manifest_entry_refuse(entry, diagnostics);
        return ERROR_INVALID;
    }
    const struct document_input input = {entry->path, entry->text, entry->len};
    int r = document_parse(&input, &documents, diagnostics);
    if (r < 0)
        return r;
    layer->content = digest_of_bytes(entry->text, entry->len);
    if (documents.len == 0)
        return 0;
    if (documents.len > 1) {
        struct position at = document_position(&documents.items[1], "", DOCUMENT_VALUE);
        diagnostics_error(diagnostics, entry->path, at, "shape", "a second document: an environment is one");
        return ERROR_INVALID;
    }
    layer->document = documents.items[0];
    documents.len = 0;
    struct diagnostics found CLEANUP(diagnostics_deinit) = {0};
    r = schema_validate(stacking->schema, layer->document.value, &found);
    suspect_configuration(&found);
    document_place(&layer->document, layer->file, &found);
    diagnostics_append(diagnostics, &found);
    if (r == 0)
        check_variables(stacking, layer);
    return r;
}

/* --- extends -------------------------------------------------------------------------------------------- */

static const char *shown(const char *directory)
{
    return *directory ? directory : ".";
}

static char *cycle_text(const struct stacking *stacking, size_t from, const char *directory)
{
    struct buffer text = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (size_t i = from; i < stacking->depth; i++)
        buffer_printf(&text, "%s -> ", shown(stacking->path[i]));
    buffer_append_str(&text, shown(directory));
    return buffer_steal(&text);
}

/* Other roots may hold it as well: then it has come by one of them. */
static bool is_too_large(const struct manifest *manifest, const char *root)
{
    const struct manifest_other *other = map_get(&manifest->others, root);
    return other && other->kind == MANIFEST_TOO_LARGE;
}

static bool has_come(const struct manifest *manifest, const char *directory)
{
    if (!environment_path_is_outside(directory) || !manifest->looks_for_files)
        return true;
    map_for_each (&manifest->roots, slot) {
        size_t len = strlen(slot->key);
        char *root CLEANUP_FREE = memory_strndup(slot->key, len ? len - 1 : 0);
        if (len && slot->key[len - 1] == '/' && environment_path_holds(root, directory) &&
            !is_too_large(manifest, slot->key))
            return true;
    }
    return false;
}

static char *refusal_of_size(const struct stacking *stacking, const char *directory, char **ret_hint)
{
    const struct manifest *manifest = stacking->manifest;
    char *root CLEANUP_FREE = memory_printf("%s/", directory);
    if (has_come(manifest, directory) || !is_too_large(manifest, root))
        return NULL;
    vector_push(&stacking->environment->too_large, memory_strdup(directory));
    *ret_hint = memory_strdup("extend a directory that holds only what is shared");
    return memory_printf(
        "\"%s\" is too large: at most %d manifests (LIMIT_MANIFEST_FILES) of %lld bytes together "
        "(LIMIT_TREE_BYTES), %d entries (LIMIT_TREE_ENTRIES), and directories nested %d deep "
        "(LIMIT_TREE_DEPTH)",
        directory, LIMIT_MANIFEST_FILES, LIMIT_TREE_BYTES, LIMIT_TREE_ENTRIES, LIMIT_TREE_DEPTH);
}

/* NULL, or why the layer cannot extend the directory. Caller frees. */
static char *refusal(const struct stacking *stacking, const struct environment_layer *layer,
                     const char *directory, char **ret_hint)
{
    if (!directory)
        return memory_strdup("an absolute path");
    for (size_t i = 0; i < stacking->depth; i++) {
        if (!text_equal(stacking->path[i], directory))
            continue;
        char *cycle CLEANUP_FREE = cycle_text(stacking, i, directory);
        return memory_printf("extends leads back to where it began: %s", cycle);
    }
    if (environment_path_holds(directory, layer->directory)) {
        *ret_hint = memory_strdup("move what is shared into a directory of its own, such as \"base\"");
        return memory_printf("\"%s\" holds the directory of this file as well", directory);
    }
    if (stacking->manifest->looks_for_files &&
        environment_path_climbs(directory) > stacking->manifest->levels) {
        char *what CLEANUP_FREE = memory_printf("\"%s\"", directory);
        return manifest_leads_out(stacking->manifest, what, ret_hint);
    }
    if (stacking->depth > LIMIT_ENVIRONMENT_DEPTH)
        return memory_printf("extends is nested deeper than %d (LIMIT_ENVIRONMENT_DEPTH)",
                             LIMIT_ENVIRONMENT_DEPTH);
    const struct environment *environment = stacking->environment;
    if (environment->layers.len + environment->missing.len + stacking->depth >= LIMIT_ENVIRONMENT_LAYERS)
        return memory_printf("more than %d directories (LIMIT_ENVIRONMENT_LAYERS)", LIMIT_ENVIRONMENT_LAYERS);
    return refusal_of_size(stacking, directory, ret_hint);
}

static bool has_layer(const struct environment *environment, const char *directory)
{
    for (size_t i = 0; i < environment->layers.len; i++)
        if (text_equal(environment->layers.items[i]->directory, directory))
            return true;
    return false;
}

static void add_missing(struct environment *environment, const char *directory)
{
    if (!string_vec_has(&environment->missing, directory))
        vector_push(&environment->missing, memory_strdup(directory));
}

static void add_layer(struct stacking *stacking, struct environment_layer *layer);

static void extend(struct stacking *stacking, const struct environment_layer *layer, size_t index)
{
    struct environment *environment = stacking->environment;
    const char *text =
        json_string_value(json_array_get(json_object_get(layer->document.value, "extends"), index));
    char *directory CLEANUP_FREE = environment_path_join(layer->directory, text);
    char *pointer CLEANUP_FREE = memory_printf("/extends/%zu", index);
    char *hint = NULL;
    char *why = refusal(stacking, layer, directory, &hint);
    if (why) {
        fault_at(stacking, layer, memory_strdup(pointer),
                 (struct kind_fault){.code = "extends", .message = why, .hint = hint});
        return;
    }
    if (has_layer(environment, directory))
        return;
    if (!has_come(stacking->manifest, directory)) {
        add_missing(environment, directory);
        return;
    }
    struct environment_layer *base = NEW(struct environment_layer);
    base->by = memory_strdup(layer->file);
    base->at = document_position(&layer->document, pointer, DOCUMENT_VALUE);
    base->directory = TAKE(directory);
    add_layer(stacking, base);
}

/* Those that it extends first. Takes the layer. */
static void add_layer(struct stacking *stacking, struct environment_layer *layer)
{
    const char *slash = *layer->directory ? "/" : "";
    char *path CLEANUP_FREE = memory_printf("%s%s%s", layer->directory, slash, ENVIRONMENT_FILE);
    const struct manifest_entry *entry = map_get(&stacking->manifest->files, path);
    if (entry) {
        layer->file = TAKE(path);
        size_t errors = stacking->environment->diagnostics.errors;
        parse(stacking, layer, entry);
        stacking->path[stacking->depth++] = layer->directory;
        size_t len = json_array_size(json_object_get(layer->document.value, "extends"));
        for (size_t i = 0; i < len && stacking->environment->diagnostics.errors == errors; i++)
            extend(stacking, layer, i);
        stacking->depth--;
    }
    vector_push(&stacking->environment->layers, layer);
}

/* --- all layers together -------------------------------------------------------------------------------- */

static void collect_variables(struct stacking *stacking)
{
    struct environment *environment = stacking->environment;
    for (size_t i = 0; i < environment->layers.len; i++) {
        const struct environment_layer *layer = environment->layers.items[i];
        json_t *variables = json_object_get(layer->document.value, "variables");
        const char *name;
        json_t *value;
        environment->substitutes |= variables != NULL;
        json_object_foreach (variables, name, value)
            map_put(&environment->variables, name, value);
        if (environment->variables.len > LIMIT_ENVIRONMENT_VARIABLES) {
            fault_at(stacking, layer, memory_strdup("/variables"),
                     (struct kind_fault){
                         .code = "limit",
                         .message = memory_printf("more than %d variables (LIMIT_ENVIRONMENT_VARIABLES)",
                                                  LIMIT_ENVIRONMENT_VARIABLES)});
            return;
        }
    }
    json_t *all CLEANUP(json_decrefp) = json_object();
    map_for_each (&environment->variables, slot)
        json_object_set(all, slot->key, slot->value);
    environment->variables_digest = digest_of_json(all);
}

static void add_target(struct environment *environment, const struct environment_patch *patch)
{
    char *name CLEANUP_FREE = memory_printf("%s %s", kind_names[patch->kind], patch->name);
    struct environment_target *target = map_get(&environment->targets, name);
    if (!target) {
        target = NEW(struct environment_target);
        map_put(&environment->targets, name, target);
    }
    vector_push(&target->patches, environment->patches.len);
    /* The whole file's: a patch that only moves is reported elsewhere. Values of variables count as well. */
    target->digest = digest_combine(&target->digest, &patch->layer->content);
    target->digest = digest_combine(&target->digest, &environment->variables_digest);
    vector_push(&environment->patches, *patch);
}

static enum kind kind_named(const char *name)
{
    size_t i = 0;
    while (i + 1 < KIND_COUNT && !text_equal(kind_names[i], name))
        i++;
    return (enum kind)i; /* the schema's enum */
}

static void collect_patches_of(struct stacking *stacking, struct environment_layer *layer)
{
    struct environment *environment = stacking->environment;
    struct diagnostics found CLEANUP(diagnostics_deinit) = {0};
    json_t *list = json_object_get(layer->document.value, "patches");
    if (!list)
        return;
    struct environment_use use CLEANUP(environment_use_deinit) = {.max_bytes = LIMIT_MANIFEST_BYTES};
    size_t i;
    json_t *item;
    if (environment->substitutes)
        environment_substitute(environment, &layer->document, "/patches", &use, &found);
    layer->typed = use.typed;
    use.typed = (struct string_vec){0};
    document_place(&layer->document, layer->file, &found);
    diagnostics_append(&environment->diagnostics, &found);
    json_array_foreach (list, i, item) {
        const json_t *merge = json_object_get(item, "merge");
        environment_make_text(item, "name");
        struct environment_patch patch = {
            .layer = layer,
            .index = i,
            .kind = kind_named(json_string_value(json_object_get(item, "kind"))),
            .name = json_string_value(json_object_get(item, "name")),
            .merge = merge,
            .bytes = json_dumpb(merge, NULL, 0, JSON_ENCODE_ANY | JSON_COMPACT),
        };
        add_target(environment, &patch);
    }
}

static void collect_patches(struct stacking *stacking)
{
    struct environment *environment = stacking->environment;
    for (size_t i = 0; i < environment->layers.len; i++) {
        struct environment_layer *layer = environment->layers.items[i];
        collect_patches_of(stacking, layer);
        if (environment->patches.len <= LIMIT_ENVIRONMENT_PATCHES)
            continue;
        fault_at(
            stacking, layer, memory_strdup("/patches"),
            (struct kind_fault){.code = "limit",
                                .message = memory_printf("more than %d patches (LIMIT_ENVIRONMENT_PATCHES)",
                                                         LIMIT_ENVIRONMENT_PATCHES)});
        return;
    }
}

struct environment *environment_new(const struct manifest *manifest)
{
    assert(manifest);
    if (!map_get(&manifest->files, ENVIRONMENT_FILE))
        return NULL;
    struct environment *environment = NEW(struct environment);
    environment->targets = MAP_INIT(target_free);
    struct schema *schema CLEANUP(schema_freep) = kind_schema_named("Environment");
    struct stacking stacking = {.manifest = manifest, .environment = environment, .schema = schema};
    struct environment_layer *root = NEW(struct environment_layer);
    root->directory = memory_strdup("");
    add_layer(&stacking, root);
    if (environment_is_usable(environment))
        collect_variables(&stacking);
    if (environment_is_usable(environment))
        collect_patches(&stacking);
    return environment;
}
