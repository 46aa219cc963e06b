#include "manifest/environment.h"

#include "base/memory.h"
#include "base/text.h"
#include "manifest/manifest_state.h"

#include <assert.h>
#include <string.h>

static void match(struct environment *environment, const char *name, const char *declared)
{
    struct environment_target *target = name ? map_get(&environment->targets, name) : NULL;
    if (!target)
        return;
    if (!target->match)
        target->match = memory_strdup(declared);
    target->ambiguous |= !text_equal(target->match, declared);
}

static void look_at(struct environment *environment, const struct manifest_entry *entry)
{
    struct environment_layer *layer = environment_layer_of(environment, entry->path);
    if (layer)
        layer->has_files = true;
    for (size_t i = 0; entry->reading && i < entry->reading->declared.len; i++) {
        const char *declared = entry->reading->declared.items[i];
        char *bare CLEANUP_FREE = environment_bare_name(declared);
        match(environment, declared, declared);
        match(environment, bare, declared);
    }
}

static void forget(struct environment *environment)
{
    for (size_t i = 0; i < environment->layers.len; i++)
        environment->layers.items[i]->has_files = false;
    map_for_each (&environment->targets, slot) {
        struct environment_target *target = slot->value;
        free(TAKE(target->match));
        target->ambiguous = false;
    }
}

struct name_vec VECTOR_OF(const char *);

/* Of the objects of that kind the one with the nearest name, as it is before patches. Caller frees. */
static char *nearest_hint(const struct manifest *manifest, const struct environment_patch *patch)
{
    struct name_vec names = {0};
    size_t skip = strlen(kind_names[patch->kind]) + 1;
    map_for_each (&manifest->files, slot) {
        const struct environment_reading *reading = ((const struct manifest_entry *)slot->value)->reading;
        for (size_t i = 0; reading && i < reading->declared.len; i++) {
            const char *declared = reading->declared.items[i];
            if (strncmp(declared, kind_names[patch->kind], skip - 1) != 0 || declared[skip - 1] != ' ')
                continue;
            vector_push(&names, declared + skip);
            vector_push(&names, kind_arn_tail(declared));
        }
    }
    const char *near = text_nearest(patch->name, names.items, names.len);
    vector_deinit(&names);
    return near ? memory_printf("did you mean \"%s\"?", near) : NULL;
}

static void report(const struct environment_patch *patch, struct kind_fault fault,
                   struct diagnostics *diagnostics)
{
    struct diagnostics found CLEANUP(diagnostics_deinit) = {0};
    fault.severity = SEVERITY_ERROR;
    fault.pointer = memory_printf("/patches/%zu/name", patch->index);
    kind_report(&found, fault);
    document_place(&patch->layer->document, patch->layer->file, &found);
    diagnostics_append(diagnostics, &found);
}

static void check_patch(const struct manifest *manifest, const struct environment_patch *patch,
                        struct diagnostics *diagnostics)
{
    char *name CLEANUP_FREE = memory_printf("%s %s", kind_names[patch->kind], patch->name);
    const struct environment_target *target = map_get(&manifest->environment->targets, name);
    assert(target);
    if (target->ambiguous)
        report(patch,
               (struct kind_fault){.code = "reference",
                                   .message =
                                       memory_printf("service \"%s\" is in several clusters", patch->name),
                                   .hint = memory_printf("write \"%s\"", strchr(target->match, ' ') + 1)},
               diagnostics);
    if (!target->match && !manifest->unreadable) /* else it may be declared there */
        report(patch,
               (struct kind_fault){.code = "reference",
                                   .message = memory_printf("this patch matches nothing: no %s \"%s\"",
                                                            kind_names[patch->kind], patch->name),
                                   .hint = nearest_hint(manifest, patch)},
               diagnostics);
}

static void check_missing(const struct environment *environment, struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < environment->missing.len; i++)
        diagnostics_error(diagnostics, ENVIRONMENT_FILE, (struct position){1, 1}, "extends",
                          "the files of \"%s\" were not read", environment->missing.items[i]);
}

static bool check_layers(const struct environment *environment, struct diagnostics *diagnostics)
{
    size_t errors = diagnostics->errors;
    for (size_t i = 0; i < environment->layers.len; i++) {
        const struct environment_layer *layer = environment->layers.items[i];
        if (!layer->has_files)
            diagnostics_error(diagnostics, layer->by, layer->at, "extends",
                              "no manifest in \"%s\", or no such directory", layer->directory);
    }
    return diagnostics->errors == errors;
}

bool environment_check(struct manifest *manifest, struct diagnostics *diagnostics)
{
    assert(manifest);
    assert(manifest->environment);
    struct environment *environment = manifest->environment;
    diagnostics_append(diagnostics, &environment->diagnostics);
    check_missing(environment, diagnostics);
    if (!environment_is_usable(environment))
        return false;
    forget(environment);
    map_for_each (&manifest->files, slot)
        look_at(environment, slot->value);
    if (!check_layers(environment, diagnostics))
        return false;
    for (size_t i = 0; i < environment->patches.len; i++)
        check_patch(manifest, &environment->patches.items[i], diagnostics);
    return true;
}
