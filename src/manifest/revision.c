#include "manifest/kind_read.h"
#include "manifest/manifest_state.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* By place, so that every clone counts alike. */
static int compare(const void *a, const void *b)
{
    const struct origin *left = &(*(struct task_definition *const *)a)->origin;
    const struct origin *right = &(*(struct task_definition *const *)b)->origin;
    int r = strcmp(left->file, right->file);
    if (r)
        return r;
    return left->at.line != right->at.line ? left->at.line - right->at.line
                                           : left->at.column - right->at.column;
}

static void number(struct task_definition *definition, const struct commit *commit,
                   const struct manifest_numbering *numbering)
{
    struct family_ledger *entry = map_get(numbering->families, definition->family);
    if (!entry) {
        entry = family_ledger_new(definition->family);
        map_put(numbering->families, definition->family, entry);
    }
    bool new;
    kind_task_definition_settle(definition);
    definition->revision = family_ledger_number(entry, &definition->digest, definition->json, commit, &new);
    if (new)
        vector_push(numbering->changed, memory_strdup(definition->family));
}

void revision_number(struct manifest *manifest, const struct commit *commit,
                     const struct manifest_numbering *numbering)
{
    assert(manifest);
    struct task_definition_vec *list = &manifest->unnumbered;
    vector_sort(list, compare);
    for (size_t i = 0; i < list->len; i++) {
        if (list->items[i]->refs > 1) /* else its file was replaced before it was numbered */
            number(list->items[i], commit, numbering);
        task_definition_unref(list->items[i]);
    }
    vector_deinit(list);
}
